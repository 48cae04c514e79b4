#!/usr/bin/python3
"""A table with every type, edge values, NULLs, empty texts, quotes, line ends and emoji: out to files in each format, read by
an independent reader against the server's own word, cell by cell, and in again by the manifest: the same table."""
import csv, io, json, os, struct, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *
from readers import read_avro, read_csv, unpack

csv.field_size_limit(1 << 27)
w = World('mysql', 's3')
w.linger = '0s'
os.makedirs(w.path('lake'))

# column: (type, values beside NULL; SQL)
TYPES = {
    'ti': ('TINYINT', '-128', '127', '0'), 'tiu': ('TINYINT UNSIGNED', '255', '0'), 'si': ('SMALLINT', '-32768', '32767'), 'siu': ('SMALLINT UNSIGNED', '65535', '0'),
    'mi': ('MEDIUMINT', '-8388608', '8388607'), 'miu': ('MEDIUMINT UNSIGNED', '16777215'), 'i': ('INT', '-2147483648', '2147483647'), 'iu': ('INT UNSIGNED', '4294967295'),
    'bi': ('BIGINT', '-9223372036854775808', '9223372036854775807'), 'biu': ('BIGINT UNSIGNED', '18446744073709551615', '9223372036854775808', '0'), 'bo': ('BOOLEAN', 'TRUE', 'FALSE', '7'),
    'iz': ('INT(8) ZEROFILL', '42', '4294967295'),
    'de': ('DECIMAL(65,30)', "'99999999999999999999999999999999999.999999999999999999999999999999'", "'-99999999999999999999999999999999999.999999999999999999999999999999'", "'-0.000000000000000000000000000001'", '0'),
    'dz': ('DECIMAL(10,0)', '-9999999999', '9999999999'), 'du': ('DECIMAL(5,2) UNSIGNED', '999.99', '0.01'), 'df': ('DECIMAL(8,3) ZEROFILL', '1.5'), 'd3': ('DECIMAL(30,30)', '0.000000000000000000000000000001'),
    'fl': ('FLOAT', '3.40282346e38', '1.17549435e-38', '-0.1', '16777217', '1e-45', '-3.40282346e38', '-0e0', '0.3'),
    'do': ('DOUBLE', '1.7976931348623157e308', '2.2250738585072014e-308', '5e-324', '-0.1', '123456789.12345679', '9007199254740993', '-0e0', '1e15', '1e16', '1e17', '1e-5', '0.1e0+0.2e0'),
    'fp': ('FLOAT(7,3)', '1234.567', '-0.001'), 'dp': ('DOUBLE(20,4)', '1234567890.1234'),
    'b1': ('BIT(1)', "b'1'", "b'0'"), 'b12': ('BIT(12)', "b'111111111111'", "b'1'"), 'b63': ('BIT(63)', "x'7FFFFFFFFFFFFFFF'"), 'b64': ('BIT(64)', "x'FFFFFFFFFFFFFFFF'", "x'8000000000000000'", "x'2C'"),
    'ch': ('CHAR(10)', "''", "'x'", "'10 chars..'", "'NULL'", "'\\\\N'", "' x'"),
    'vc': ('VARCHAR(60)', "''", "' '", "'  both  '", "'NULL'", "'NA'", "'\\\\N'", "'\\\\\\\\N'", "'a,b'", "'a\\tb'", "'a;b|c'", "'say \"so\"'", "'\"'", "'a\\nb'", "'a\\r\\nb\\r'", "'\\r'", "'😀é€'", "'\\\\'", "'\\''", "'=1+1'", "'\ufeffbom'", "'0'", "'\u2028\u0085'", "'\x1a\x7f'"),
    'cb': ('VARCHAR(20) COLLATE utf8mb4_bin', "'Ä '", "'A\u0308'"), 'c3': ('VARCHAR(20) CHARACTER SET utf8mb3', "'é€'"), 'ca': ('CHAR(5) CHARACTER SET ascii', "'a'", "''"),
    'cl': ('VARCHAR(256) CHARACTER SET latin1', "CONVERT(x'{}' USING latin1)".format(bytes(range(32, 256)).hex()), "'é€'", "''"), 'tl': ('TEXT CHARACTER SET latin1', "'ÿ'", "''"), 'le': ("ENUM('ä','b') CHARACTER SET latin1", "'ä'"),
    'cg': ('VARCHAR(20) CHARACTER SET gbk', "'中文'", "CONVERT(x'B55C' USING gbk)"), 'cj': ('VARCHAR(20) CHARACTER SET sjis', "'表ソ'"), 'cw': ('CHAR(20) CHARACTER SET cp1251', "'Ж'"),
    'cu': ('VARCHAR(20) CHARACTER SET utf16', "'é😀'", "''"), 'c2': ('VARCHAR(20) CHARACTER SET ucs2', "'é中'"), 'c4': ('VARCHAR(20) CHARACTER SET utf32', "'😀'"),
    'tt': ('TINYTEXT', "REPEAT('t', 255)", "''"), 'te': ('TEXT', "REPEAT('é', 32767)", "'\\n'"), 'mt': ('MEDIUMTEXT', "REPEAT('m\"', 524288)", "'x'"), 'lt': ('LONGTEXT', "'l'", "''", "REPEAT('\\r\\n', 600000)"),
    'c0': ('CHAR(0)', "''"), 'v0': ('VARCHAR(0)', "''"), 'bz': ('VARBINARY(0)', "''"), 'd1': ('DECIMAL(1,1)', '0.9', '-0.9'),
    'bn': ('BINARY(8)', "x'00'", "x'0001020304050607'", "''"), 'vb': ('VARBINARY(256)', "''", "x'00'", "x'0d0a22002c5c4e'", "x'ffFE'", "x'{}'".format(bytes(range(256)).hex())), 'tb': ('TINYBLOB', "REPEAT(x'00', 255)", "''"),
    'bl': ('BLOB', "x'c328'", "REPEAT(x'ff00', 32767)"), 'mb': ('MEDIUMBLOB', "x'1f8b'", "''"), 'lb': ('LONGBLOB', "REPEAT(x'0a', 1048576)", "x'00'"),
    'en': ("ENUM('','a','b,c','d''e','é','1')", "''", "'a'", "'b,c'", "'d''e'", "'é'", "'1'"), 'se': ("SET('x','y z','é')", "''", "'x'", "'x,y z,é'"), 'js': ('JSON', "'{\"a\": [1, null, \"\\\\\\\\\"]}'", "'null'", "'\"\"'"),
    'da': ('DATE', "'1000-01-01'", "'9999-12-31'", "'2024-02-29'", "'0000-00-00'", "'2024-00-00'", "'0001-01-01'", "'2024-05-00'"),
    'tm': ('TIME(6)', "'838:59:59.999999'", "'-838:59:59.999999'", "'-00:00:00.000001'", "'00:00:00'", "'24:00:00'", "'100:00:00'"), 't0': ('TIME', "'838:59:59'", "'-01:00:00'"), 't2': ('TIME(2)', "'-25:00:00.05'"),
    'dt': ('DATETIME(6)', "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'2024-02-29 12:00:00.000001'", "'0000-00-00 00:00:00'"), 'd6': ('DATETIME(3)', "'2024-02-29 12:00:00.120'"), 'd0': ('DATETIME', "'2024-02-29 12:00:01'", "'0000-00-00 00:00:00'", "'2024-02-00 12:00:01'"),
    'ts': ('TIMESTAMP(6) NULL', "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'", "'2022-10-30 00:30:00'", "'2022-10-30 01:30:00'"), 't1': ('TIMESTAMP NULL', "'2022-03-27 01:30:00'", "'0000-00-00 00:00:00'"), 'ye': ('YEAR', '1901', '2155', '0'),
    '`quo"te, né`': ('INT', '1'), '`select`': ('INT', '2'), '` lead`': ('INT', '4'), '`ba``ck`': ('VARCHAR(5)', "'3'", "''"), '`line\nend`': ('INT', '5'), "`a'b.c`": ('INT', '6'), '`Ünï中`': ('INT', '7'),
}
BYTES = ('bz', 'bn', 'vb', 'tb', 'bl', 'mb', 'lb')
BITS = {'b1': 1, 'b12': 2, 'b63': 8, 'b64': 8}
DOUBLES, FLOATS = ('do', 'dp'), ('fl', 'fp')
HEAD = ['id'] + [c.strip('`').replace('``', '`') for c in TYPES] + ['gv', 'gs']

definition = f'(id BIGINT NOT NULL PRIMARY KEY, {", ".join(f"{c} {t[0]}" for c, t in TYPES.items())}, gv INT AS (id * 2) VIRTUAL, gs VARCHAR(30) AS (CONCAT(id, "s")) STORED) DEFAULT CHARSET utf8mb4'
deepest = max(len(t) for t in TYPES.values())
rows = [f'({n}, {", ".join(t[1 + n] if 1 + n < len(t) else "NULL" for t in TYPES.values())}, DEFAULT, DEFAULT)' for n in range(deepest)]
with open(w.path('rows.sql'), 'w') as f:
    f.write(f"SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES'; CREATE TABLE a {definition}; INSERT INTO a VALUES {', '.join(rows)};\n")


def client(text):
    return w.run(['bash', '-c', f"mariadb --no-defaults -uroot -S {w.path('mariadb', 'sock')} --max-allowed-packet=256M -N -B w < {text}"])


same(client(w.path('rows.sql')).err, '', 'the table is filled')


def cells(table):
    """Every cell as its text or bytes, None for NULL, in the server's own words."""
    what = ['id'] + [f'HEX({c})' if c in BYTES or c in BITS else f'HEX(CAST(CAST({c} AS DOUBLE) AS CHAR))' if c in FLOATS else f'HEX(CONVERT(CAST({c} AS CHAR) USING utf8mb4))' for c in TYPES] + ['HEX(gv)', 'HEX(gs)']
    what[-2] = 'HEX(CAST(gv AS CHAR))'
    with open(w.path('ask.sql'), 'w') as f:
        f.write(f'SET NAMES utf8mb4, time_zone = "+00:00"; SELECT {", ".join(what)} FROM {table} ORDER BY id;')
    r = client(w.path('ask.sql'))
    if r.rc:
        raise RuntimeError(r.err)
    out = []
    for line in r.out.split('\n')[:-1]:
        got = [None if v == 'NULL' else v for v in line.split('\t')]
        row = [got[0].encode()]
        for c, v in zip(list(TYPES) + ['gv', 'gs'], got[1:]):
            row.append(None if v is None else int(v or '0', 16).to_bytes(BITS[c], 'big') if c in BITS else bytes.fromhex(v))
        out.append(row)
    return out


want = cells('a')
same(len(want), deepest, 'and is as it was meant')


def same_double(text, mine):
    return struct.pack('d', float(text)) == struct.pack('d', float(mine))


def same_float(text, mine):
    return struct.pack('f', float(text)) == struct.pack('f', float(mine))


def differs(what, got, text_of=None):
    """got: rows of cells as text or bytes, None for NULL. Names what is not as the server says it."""
    wrong = [] if len(got) == len(want) else [f'{len(got)} rows, not {len(want)}']
    for x, y in zip(want, got):
        if len(x) != len(y):
            wrong.append(f'{len(y)} cells, not {len(x)}')
        for c, u, v in zip(['id'] + list(TYPES) + ['gv', 'gs'], x, y):
            if u is None or v is None:
                good = u is v
            elif c in DOUBLES:
                good = same_double(u, v)
            elif c in FLOATS:
                good = same_float(u, v)
            elif c in ('iz', 'df', 'ye') and isinstance(v, str):  # zeros in front are the display's
                good = u.lstrip(b'0') == v.lstrip('0').encode()
            else:
                good = u == (v.encode() if isinstance(v, str) else v)
            if not good:
                wrong.append(f'row {x[0].decode()} column {c}: {str(u)[:60]} became {str(v)[:60]}')
    same(wrong[:5], [], what)


# a large one beside it, in several parts: a text key whose order is no byte order
with open(w.path('many.sql'), 'w') as f:
    f.write('''SET NAMES utf8mb4; CREATE TABLE many (a VARCHAR(20) COLLATE utf8mb4_general_ci, b VARCHAR(20) COLLATE utf8mb4_bin, n INT, x DOUBLE, t VARCHAR(300), PRIMARY KEY (a, b)) DEFAULT CHARSET utf8mb4;
    INSERT INTO many SELECT CONCAT(ELT(1 + seq % 6, 'a', 'A', 'ä', 'Z', 'é', '😀'), seq DIV 40), CONCAT(ELT(1 + seq % 4, 'x', 'X', '', '"'), seq % 40), IF(seq % 9, seq, NULL), seq / 7, IF(seq % 5, REPEAT(CONCAT(MD5(seq), ',"\\n'), seq % 8), NULL) FROM seq_1_to_30000;\n''')
same(client(w.path('many.sql')).err, '', 'and one of many rows')

# ---- out
ENTRIES = {  # name: (where, extract's own keys, pipeline's csv keys; None: there is no way in)
    'plain': ('lake', {'null': '\\N'}, {'null': ['\\N'], 'binary': 'hex'}),
    'empty': ('s3', {'compress': 'gzip', 'newline': 'crlf', 'binary': 'base64', 'verify': 'sums'}, {'null': [''], 'binary': 'base64'}),
    'tabs': ('s3', {'format': 'tsv', 'compress': 'zstd', 'null': 'NULL', 'verify': 'full', 'part_bytes': '20KiB', 'page_rows': 1000}, {'null': ['NULL'], 'binary': 'hex', 'delimiter': '\t'}),
    'semi': ('lake', {'delimiter': ';', 'null': 'NA', 'newline': 'crlf', 'header': False, 'page_rows': 3, 'verify': 'full', 'part_bytes': '200KiB'}, {'null': ['NA'], 'binary': 'hex', 'delimiter': ';', 'header': False}),
    'lines': ('s3', {'format': 'jsonl', 'compress': 'gzip', 'verify': 'full'}, None),
    'lines64': ('lake', {'format': 'jsonl', 'binary': 'base64', 'page_rows': 5}, None),
    'avro': ('s3', {'format': 'avro', 'text_times': True, 'verify': 'full'}, None),
}
lakes = {'lake': {'url': f'file://{w.dir}/lake/'}, 's3': {'url': f's3://{w.bucket}/', 'endpoint': w.endpoint, 'path_style': True, 'region': 'us-east-1'}}
config = {'state': 'orch.db', 'tick': {'linger': '0s'}, 'extracts': {}, 'pipelines': {}, 'connections': {
    **lakes, 'warehouse': {'url': f'mysql://loader@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}}}
for name, (where, keys, way_in) in ENTRIES.items():
    config['extracts'][name] = {'schedule': '', 'source': {'connection': 'warehouse'}, 'target': {'connection': where, 'prefix': name + '/'}, 'tables': [{'table': 'a'}, {'table': 'many'}],
                                'path': 'yyyy=%Y/mm=%m/dd=%d/hh=%H/{table}_{epoch}[_{part}]', **keys}
    if way_in is None:
        continue
    columns = {'gv': None, 'gs': None} if way_in.get('header', True) else {str(i + 1): c if c not in ('gv', 'gs') else None for i, c in enumerate(HEAD)}
    config['pipelines']['in_' + name] = {
        'workflow': 'ingest', 'schedule': 'rate(1 minute)', 'verify': 'sums' if name == 'plain' else 'full', 'columns': columns, 'csv': {'zero_dates': True, **way_in},
        'source': {'connection': where, 'prefix': name + '/', 'since': '2022-06-05T03', 'until': '2022-06-05T03', 'settle': '0s', 'manifest': 'orch', 'include': ['a_*']},
        'target': {'connection': 'warehouse', 'table': 'b_' + name}}
    config['pipelines']['many_' + name] = {**config['pipelines']['in_' + name], 'columns': {} if way_in.get('header', True) else {str(i + 1): c for i, c in enumerate(('a', 'b', 'n', 'x', 't'))}, 'target': {'connection': 'warehouse', 'table': 'many_' + name},
                                           'source': {**config['pipelines']['in_' + name]['source'], 'include': ['many_*']}}
w.write_config(config)


def fetch(where, key):
    if where == 's3':
        return w.s3.get(w.bucket, key)
    with open(w.path('lake', key), 'rb') as f:
        return f.read()


def manifest_of(name, table='a'):
    where = ENTRIES[name][0]
    return json.loads(fetch(where, f'{name}/yyyy=2022/mm=06/dd=05/hh=03/_manifest/{table}/0000000000_manifest.json'))


def decode(name, c, v):
    """A cell of a text format, as cells() has it."""
    if v is not None and (c in BYTES or c in BITS):
        return bytes.fromhex(v) if ENTRIES[name][1].get('binary', 'hex') == 'hex' else __import__('base64').b64decode(v, validate=True)
    return v


for name, (where, keys, way_in) in ENTRIES.items():
    r = w.good('extract', name, now='2022-06-05T03:10:00Z')
    if not same(r.rc, 0, f'{name}: extracted'):
        continue
    m = manifest_of(name)
    same(m['rows'], len(want), f'{name}: the manifest has the rows')
    got = []
    names = ['id'] + list(TYPES) + ['gv', 'gs']
    for part in m['parts']:
        data = fetch(where, part['key'])
        same(len(data), part['bytes'], f'{name}: {part["key"].split("/")[-1]} has its size')
        data = unpack(part['key'], data)
        if keys.get('format') == 'jsonl':
            lines = [json.loads(x, parse_int=str, parse_float=str) for x in data.decode().split('\n')[:-1]]
            ok(all(list(x) == HEAD for x in lines), f'{name}: keys are the columns')
            got += [[decode(name, c, v) for c, v in zip(names, x.values())] for x in lines]
        elif keys.get('format') == 'avro':
            fields, lines = read_avro(data)
            same([f['orch.name'] for f in fields], HEAD, f'{name}: fields are the columns')
            got += lines
        else:
            eol = '\r\n' if keys.get('newline') == 'crlf' else '\n'
            lines = read_csv(data.decode(), '\t' if keys.get('format') == 'tsv' else keys.get('delimiter', ','), eol, keys.get('null', ''))
            if keys.get('header', True):
                same(lines[0], HEAD, f'{name}: the header')
                lines = lines[1:]
            same(len(lines), part['rows'], f'{name}: rows of the part')
            got += [[decode(name, c, v) for c, v in zip(names, x)] for x in lines]
    same(manifest_of(name, 'many')['rows'], 30000, f'{name}: many rows')
    got.sort(key=lambda x: int(x[0]))
    if keys.get('format') == 'avro':
        got = [[v if isinstance(v, (bytes, str)) or v is None else repr(v) if isinstance(v, float) else str(v) for v in x] for x in got]
    differs(f'{name}: every cell is as the server has it', got)

# python's own csv reader, which cannot tell NULL from the empty text, where NULL is another text
m = manifest_of('plain')
lines = list(csv.reader(io.StringIO(fetch('lake', m['parts'][0]['key']).decode(), newline='')))
same(lines[0], HEAD, "python's csv reader: the header")
differs("python's csv reader: every cell", [[None if v == '\\N' and (u is None) else decode('plain', c, v) for c, u, v in zip(['id'] + list(TYPES) + ['gv', 'gs'], x, y)] for x, y in zip(want, lines[1:])])

same([len(manifest_of(n, 'many')['parts']) > 1 for n in ('tabs', 'semi')], [True, True], 'many rows are several parts')

# ---- and in again
w.now = '2022-06-05T06:30:00Z'
loaded = [n for n, e in ENTRIES.items() if e[2] is not None]
for name in loaded:
    w.sql(f'CREATE TABLE b_{name} LIKE a; CREATE TABLE many_{name} LIKE many')
w.good('target', 'setup')
for name in loaded:
    w.good('lineage', 'add', f'many_{name}', '--pipeline', 'many_' + name)
    r = w.orch('run', 'many_' + name)
    if not same(r.rc, 0, f'{name}: many rows are loaded'):
        diag(r.err)
    w.sql(f'ALTER TABLE many_{name} DROP COLUMN _orch_load_id, DROP COLUMN _orch_line')
    both = w.sql(f'CHECKSUM TABLE many, many_{name} EXTENDED')
    same(both[1][1], both[0][1], f'{name}: many rows, by the checksum of the server')
    w.good('lineage', 'add', f'b_{name}', '--pipeline', 'in_' + name)
    r = w.orch('run', 'in_' + name)
    if not same(r.rc, 0, f'{name}: loaded'):
        diag(r.err + w.orch('rejects', 'in_' + name).out[:2000])
        continue
    same(w.orch('reconcile', 'in_' + name, '--recount-source').rc, 0, f'{name}: and counted anew')
    differs(f'{name}: every cell is what it was', cells('b_' + name))
    w.sql(f'ALTER TABLE b_{name} DROP COLUMN _orch_load_id, DROP COLUMN _orch_line')
    both = w.sql(f'CHECKSUM TABLE a, b_{name} EXTENDED')
    same(both[1][1], both[0][1], f'{name}: by the checksum of the server')

# ---- what has no way in is a reject, told by line and column, and never another value
w.sql("SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE odd (id INT PRIMARY KEY, t VARCHAR(20), d DATE, e ENUM('a','b')); INSERT INTO odd VALUES (1, 'a\\0b', '2022-01-01', 'a'), (2, 'fine', '2022-01-01', 'b'), (3, 'x', '2022-02-31', 'a'), (4, 'y', NULL, 'none');"
      "CREATE TABLE odd_in LIKE odd")
config['extracts'] = {'odd': {'schedule': '', 'source': {'connection': 'warehouse'}, 'target': {'connection': 'lake', 'prefix': 'odd/'}, 'tables': [{'table': 'odd'}], 'path': 'yyyy=%Y/mm=%m/dd=%d/hh=%H/{table}_{epoch}', 'verify': 'full'}}
config['pipelines'] = {'odd_in': {'workflow': 'ingest', 'schedule': 'rate(1 minute)', 'verify': 'full', 'max_rejects': '10', 'csv': {'null': [''], 'zero_dates': True}, 'target': {'connection': 'warehouse', 'table': 'odd_in'},
                                  'source': {'connection': 'lake', 'prefix': 'odd/', 'since': '2022-06-05T03', 'until': '2022-06-05T03', 'settle': '0s', 'manifest': 'orch', 'include': ['odd_*']}}}
w.write_config(config)
same(w.good('extract', 'odd', now='2022-06-05T03:10:00Z').rc, 0, 'odd values are written')
w.good('target', 'setup')
w.good('lineage', 'add', 'odd_in', '--pipeline', 'odd_in')
same(w.good('run', 'odd_in').rc, 0, 'and what can be is loaded')
same(w.sql('SELECT id, t, d, e FROM odd_in'), [['2', 'fine', '2022-01-01', 'b']], 'as it is')
rejects = json.loads(w.orch('rejects', 'odd_in', '-o', 'json').out)['rejects']
same(sorted((r['line'], r['code']) for r in rejects), [(2, 'NUL_BYTE'), (4, 'BAD_DATE'), (5, 'NOT_A_MEMBER')], 'the rest are rejects')
done()

#!/usr/bin/python3
"""A table with every type, edge values, NULLs, empty texts, quotes, line ends and emoji, out to files and in again: the same
table, cell by cell. The way out is a stand-in written here; the way in is orch's, by the manifest."""
import base64, gzip, hashlib, json, os, struct, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql')
w.linger = '0s'
w.now = '2022-06-05T06:30:00Z'

# column: (type, values beside NULL; SQL)
TYPES = {
    'ti': ('TINYINT', '-128', '127', '0'), 'tiu': ('TINYINT UNSIGNED', '255', '0'), 'si': ('SMALLINT', '-32768', '32767'), 'siu': ('SMALLINT UNSIGNED', '65535'),
    'mi': ('MEDIUMINT', '-8388608', '8388607'), 'miu': ('MEDIUMINT UNSIGNED', '16777215'), 'i': ('INT', '-2147483648', '2147483647'), 'iu': ('INT UNSIGNED', '4294967295'),
    'bi': ('BIGINT', '-9223372036854775808', '9223372036854775807'), 'biu': ('BIGINT UNSIGNED', '18446744073709551615', '0'), 'bo': ('BOOLEAN', 'TRUE', 'FALSE'),
    'de': ('DECIMAL(65,30)', "'99999999999999999999999999999999999.999999999999999999999999999999'", "'-0.000000000000000000000000000001'", '0'),
    'dz': ('DECIMAL(10,0)', '-9999999999', '9999999999'), 'du': ('DECIMAL(5,2) UNSIGNED', '999.99', '0.01'),
    'fl': ('FLOAT', '3.40282346e38', '1.17549435e-38', '-0.1', '16777217', '1e-45'), 'do': ('DOUBLE', '1.7976931348623157e308', '2.2250738585072014e-308', '5e-324', '-0.1', '123456789.12345679', '9007199254740993'),
    'b1': ('BIT(1)', "b'1'", "b'0'"), 'b12': ('BIT(12)', "b'111111111111'", "b'1'"), 'b64': ('BIT(64)', "x'FFFFFFFFFFFFFFFF'", "x'8000000000000000'"),
    'ch': ('CHAR(10)', "''", "'x'", "'10 chars..'", "'NULL'", "'\\\\N'"), 'vc': ('VARCHAR(60)', "''", "' '", "'  both  '", "'NULL'", "'NA'", "'\\\\N'", "'\\\\\\\\N'", "'a,b'", "'a\\tb'", "'say \"so\"'", "'\"'", "'a\\nb'", "'a\\r\\nb\\r'", "'😀é€'", "'\\\\'", "'\\''"),
    'tt': ('TINYTEXT', "REPEAT('t', 255)", "''"), 'te': ('TEXT', "REPEAT('é', 32767)", "'\\n'"), 'mt': ('MEDIUMTEXT', "REPEAT('m\"', 100000)", "'x'"), 'lt': ('LONGTEXT', "'l'", "''"),
    'bn': ('BINARY(8)', "x'00'", "x'0001020304050607'", "''"), 'vb': ('VARBINARY(20)', "''", "x'00'", "x'0d0a22002c5c4e'", "x'ffFE'"), 'tb': ('TINYBLOB', "REPEAT(x'00', 255)", "''"),
    'bl': ('BLOB', "x'c328'", "REPEAT(x'ff00', 32767)"), 'mb': ('MEDIUMBLOB', "x'1f8b'", "''"), 'lb': ('LONGBLOB', "REPEAT(x'0a', 70000)"),
    'en': ("ENUM('','a','b,c','d''e','é')", "''", "'a'", "'b,c'", "'d''e'", "'é'"), 'se': ("SET('x','y z','é')", "''", "'x'", "'x,y z,é'"), 'js': ('JSON', "'{\"a\": [1, null, \"\\\\\\\\\"]}'", "'null'", "'\"\"'"),
    'da': ('DATE', "'1000-01-01'", "'9999-12-31'", "'2024-02-29'", "'0000-00-00'", "'2024-00-00'"), 'tm': ('TIME(6)', "'838:59:59.999999'", "'-838:59:59.999999'", "'-00:00:00.000001'", "'00:00:00'", "'24:00:00'"), 't0': ('TIME', "'838:59:59'", "'-01:00:00'"),
    'dt': ('DATETIME(6)', "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'2024-02-29 12:00:00.000001'"), 'd3': ('DATETIME(3)', "'2024-02-29 12:00:00.120'"), 'd0': ('DATETIME', "'2024-02-29 12:00:01'", "'0000-00-00 00:00:00'", "'2024-02-00 12:00:01'"),
    'ts': ('TIMESTAMP(6) NULL', "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'"), 't1': ('TIMESTAMP NULL', "'2022-03-27 01:30:00'", "'0000-00-00 00:00:00'"), 'ye': ('YEAR', '1901', '2155', '0'),
    '`quo"te, né`': ('INT', '1'), '`select`': ('INT', '2'),
}
BYTES = ('bn', 'vb', 'tb', 'bl', 'mb', 'lb')
BITS = {'b1': 1, 'b12': 2, 'b64': 8}

w.sql(f'CREATE TABLE a (id BIGINT NOT NULL PRIMARY KEY, {", ".join(f"{c} {t[0]}" for c, t in TYPES.items())}, gv INT AS (id * 2) VIRTUAL) DEFAULT CHARSET utf8mb4')
w.sql('CREATE TABLE b LIKE a')
deepest = max(len(t) for t in TYPES.values())
rows = [f'({n}, {", ".join(t[1 + n] if 1 + n < len(t) else "NULL" for t in TYPES.values())}, DEFAULT)' for n in range(deepest)]
with open(w.path('rows.sql'), 'w') as f:
    f.write("SET NAMES utf8mb4; SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES'; " f'INSERT INTO a VALUES {", ".join(rows)};\n')
r = w.run(['bash', '-c', f"mariadb --no-defaults -uroot -S {w.path('mariadb', 'sock')} --max-allowed-packet=64M w < {w.path('rows.sql')}"])
same(r.err, '', 'the table is filled')


def cells(table):
    """Every cell as text (bytes of BINARY and BLOB as they are), None for NULL."""
    what = ['id'] + [f'HEX({c})' if c in BYTES else f'HEX(CAST(CAST({c} AS DOUBLE) AS CHAR))' if c == 'fl' else f'HEX({c} + 0)' if c in BITS else f'HEX(CAST({c} AS CHAR CHARACTER SET utf8mb4))' for c in TYPES] + ['gv']
    got = w.sql(f'SET time_zone = "+00:00"; SELECT {", ".join(what)} FROM {table} ORDER BY id')
    return [[r[0]] + [v if v is None or c in BITS else bytes.fromhex(v) for c, v in zip(TYPES, r[1:-1])] + [r[-1]] for r in got]


def single(text):
    """The shortest text of a FLOAT."""
    v = float(text)
    return next(t for t in (f'{v:.{p}g}' for p in range(6, 10)) if struct.pack('f', float(t)) == struct.pack('f', v))


def extract(how, null):
    """Stand-in for an extract of table a into hour 3: two parts and their manifest."""
    def field(c, v):
        if v is None:
            return null
        if c == 'fl':
            return single(v)
        if c in BITS or c in BYTES:
            v = int(v, 16).to_bytes(BITS[c], 'big') if c in BITS else v
            text = v.hex().upper() if how == 'hex' else base64.b64encode(v).decode()
        else:
            text = v.decode()
        return text if text not in ('', null) and not any(x in text for x in ',"\r\n') else '"' + text.replace('"', '""') + '"'

    head = ['id'] + list(TYPES)
    names = ','.join('"' + n.strip('`').replace('"', '""') + '"' for n in head)
    all_ = [','.join([r[0]] + [field(c, v) for c, v in zip(TYPES, r[1:-1])]) for r in cells('a')]
    parts = []
    for k, lines in enumerate((all_[:5], all_[5:])):
        data = gzip.compress(('\n'.join([names] + lines) + '\n').encode(), 1, mtime=0)
        name = f'a_{how}_{k + 1}.csv.gz'
        w.put(hour_key(3, name), data)
        parts.append({'key': 'out/' + hour_key(3, name), 'rows': len(lines), 'bytes': len(data), 'sha256': hashlib.sha256(data).hexdigest(), 'etag': ''})
    w.put(hour_key(3, '_manifest/a/0000000001_manifest.json'), json.dumps(
        {'orch_manifest': 1, 'pipeline': 'out', 'task': 't', 'table': 'a', 'run': 'r', 'seq': 1, 'kind': 'full', 'at': '2022-06-05T03:30:00Z', 'watermark': None, 'snapshot': {'at': '', 'position': ''},
         'sql': '', 'format': {'kind': 'csv', 'delimiter': ',', 'null': null, 'header': True, 'newline': 'lf', 'compress': 'gzip'}, 'columns': [], 'rows': len(all_),
         'bytes': sum(p['bytes'] for p in parts), 'parts': parts, 'orch': '0'}))


want = cells('a')
for binary, null, verify in (('hex', '\\N', 'full'), ('base64', 'NULL', 'sums')):
    w.sql('DROP TABLE IF EXISTS b, _orch_stage_b, orch_load, orch_fence; CREATE TABLE b LIKE a')
    for name in os.listdir(w.dir):
        if name.startswith('orch.db') and os.path.isfile(w.path(name)):
            os.unlink(w.path(name))
    w.pipeline(source_since='2022-06-05T03', source_until='2022-06-05T03', source_manifest='orch', target_table='b', csv_null=[null], csv_binary=binary, csv_zero_dates=True, verify=verify)
    extract(binary, null)
    w.good('target', 'setup')
    w.good('lineage', 'add', 'b', '--pipeline', 'loans')
    r = w.orch('run', 'loans')
    if not same(r.rc, 0, f'{binary}, NULL as {null}: loaded'):
        diag(r.err + w.orch('rejects', 'loans').out)
    got = cells('b')
    same(len(got), len(want), f'{binary}: as many rows')
    wrong = [f'row {x[0]} column {c}: {str(u)[:60]} became {str(v)[:60]}' for x, y in zip(want, got) for c, u, v in zip(['id'] + list(TYPES) + ['gv'], x, y) if u != v]
    same(wrong[:5], [], f'{binary}: every cell is what it was')
    same(w.orch('reconcile', 'loans', '--recount-source').rc, 0, f'{binary}: and counted anew')
done()

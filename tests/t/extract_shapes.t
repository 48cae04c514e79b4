#!/usr/bin/python3
"""Tables of every shape out to files: keys of each type read in small pages, tables without a key, names with odd characters,
views, partitions, types that are written and not loaded; filters, transforms, orders and queries against a SELECT of ours."""
import json, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *
from readers import read_avro, read_csv

w = World('mysql')
w.linger = '0s'
os.makedirs(w.path('lake'), exist_ok=True)
clock = [0]


def run_sql(text):
    with open(w.path('run.sql'), 'w') as f:
        f.write("SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES';\n" + text)
    r = w.run(['bash', '-c', f"mariadb --no-defaults -uroot -S {w.path('mariadb', 'sock')} --max-allowed-packet=256M -N -B w < {w.path('run.sql')}"])
    if r.rc:
        raise RuntimeError(f'{text[:300]}: {r.err}')
    return [[None if v == 'NULL' else bytes.fromhex(v).decode(errors='surrogateescape') for v in line.split('\t')] for line in r.out.split('\n')[:-1]] if 'HEX(' in text else r.out


def left():
    """Files at the sink; claims of attempts stay for an hour."""
    return [f for d, _, names in os.walk(w.path('lake', 'x')) for f in names if os.path.basename(d) != 'open']


def extract(tables, rc=0, **x):
    body = {'schedule': '', 'source': {'connection': 'warehouse'}, 'target': {'connection': 'lake'}, 'lag': '0s', 'null': '\\N', 'verify': 'full', 'tables': tables, **x}
    w.write_config({'state': 'orch.db', 'tick': {'linger': '0s'}, 'extracts': {'x': body}, 'connections': {
        'lake': {'url': f'file://{w.dir}/lake/'}, 'warehouse': {'url': f'mysql://loader@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}}})
    clock[0] += 1
    os.system(f'rm -rf {w.path("lake")}/x {w.path("orch.db")}*')
    r = w.orch('extract', 'x', '--full', now=f'2022-06-05T03:{clock[0] // 60:02d}:{clock[0] % 60:02d}Z')
    if r.rc != rc:
        diag(r.err + r.out)
    return r


def manifest(name):
    folder = w.path('lake', 'x', '_manifest', name)
    with open(os.path.join(folder, sorted(os.listdir(folder))[-1])) as f:
        return json.load(f)


def parts_of(name):
    for p in manifest(name)['parts']:
        with open(w.path('lake', p['key']), 'rb') as f:
            yield f.read()


def rows_of(name):
    """Header and rows of all parts, in their order."""
    head, rows = None, []
    for data in parts_of(name):
        got = read_csv(data.decode(errors='surrogateescape'), ',', '\n', '\\N')
        head = got[0]
        rows += got[1:]
    return head, rows


def compare(what, name, select, ordered=False):
    got, want = (rows_of(name)[1] if manifest(name)['parts'] else []), run_sql(select)
    if not ordered:
        got, want = sorted(got, key=repr), sorted(want, key=repr)
    if same(len(got), len(want), f'{what}: as many rows'):
        same([(a, b) for a, b in zip(got, want) if a != b][:3], [], f'{what}: the same rows')


waiting = []


def check(what, table, select, ordered=False):
    """table: the extract's entry; select: what the server gives, a column each HEX(...) of text. Asked of all together."""
    waiting.append((what, {'name': f't{len(waiting)}', **table}, select, ordered))


def check_all(**x):
    r = extract([t for _, t, _, _ in waiting], parallel=3, **x)
    if same(r.rc, 0, f'{len(waiting)} tables at once, {x}'):
        for what, t, select, ordered in waiting:
            compare(what, t['name'], select, ordered)
    waiting.clear()
    return r


def text(*columns):
    return ', '.join(f'HEX(CONVERT(CAST({c} AS CHAR) USING utf8mb4))' for c in columns)


# ---- keys of each type, in pages of three rows
KEYS = {
    'ci': ('a VARCHAR(10) COLLATE utf8mb4_general_ci, b VARCHAR(10) COLLATE utf8mb4_unicode_ci', 'a, b',
           "('a','x'),('A','y'),('a ','z'),('b','X'),('B','Y'),('ä','1'),('Ä','2'),('ä','ß'),('','e'),('','E2'),('é','ü'),('e','v'),('E','w'),('😀','x'),('😁','y'),('z''\"','\\\\')"),
    'ci3': ('a VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_swedish_ci, b INT', 'a, b', "('ÿ',1),('y',2),('Y',3),('ä',1),('a',2),('A',3),('',4),('é',5),('E',6),('ß',7),('s',8),('Z',9)"),
    'bin': ('a VARCHAR(10) COLLATE utf8mb4_bin', 'a', "('a'),('A'),('b'),('B'),('ä'),('😀'),(''),('a\tb'),('a\nb'),('\ufffd')"),
    'cp': ('a CHAR(5) CHARACTER SET cp1251', 'a', "('Ж'),('ж2'),('я'),('Я2'),('a'),('b'),('')"),
    'gbk': ('a VARCHAR(5) CHARACTER SET gbk', 'a', "('中'),('文'),('a'),('表'),('b'),('Z')"),
    'u16': ('a VARCHAR(5) CHARACTER SET utf16', 'a', "('中'),('😀'),('a'),('é'),('b'),('Z')"),
    'dtk': ('a DATETIME(6)', 'a', "('2022-01-01 00:00:00.000001'),('2022-01-01 00:00:00.000002'),('2022-01-01'),('1000-01-01'),('9999-12-31 23:59:59.999999'),('0000-00-00'),('2022-01-02')"),
    'dak': ('a DATE, b TIME(3)', 'a, b', "('2022-01-01','-838:59:59'),('2022-01-01','838:59:59.999'),('2022-01-01','-00:00:00.001'),('0000-00-00','0'),('2022-01-02','0'),('2022-01-02','00:00:00.001'),('1000-01-01','0')"),
    'tsk': ('a TIMESTAMP(2)', 'a', "('2022-10-30 00:30:00'),('2022-10-30 01:30:00'),('1970-01-01 00:00:01'),('2038-01-19 03:14:07.99'),('2022-01-01 00:00:00.01'),('2022-01-01')"),
    'dek': ('a DECIMAL(30,10)', 'a', "(1),(1.0000000001),(-1),(0),(99999999999999999999.9999999999),(-99999999999999999999.9999999999),(99999999999999999999.9999999998)"),
    'bnk': ('a BINARY(4)', 'a', "(x'00'),(x'00000001'),(x'ffffffff'),(x'fffffffe'),(x'0a0d2c22'),(x'5c273b00'),('a')"),
    'vbk': ('a VARBINARY(8), b SMALLINT UNSIGNED', 'a, b', "(x'',1),(x'00',1),(x'00',2),(x'0000',0),(x'ff',65535),(x'ff',65534),(x'c328',0),('a',0),('A',0)"),
    'enk': ("a ENUM('z','a','m')", 'a', "('z'),('a'),('m')"), 'enk2': ("a ENUM('z','a','m'), b INT", 'a, b', "('z',1),('z',2),('a',1),('m',1),('m',2),('a',2),('a',3),('a',4)"),
    'sek': ("a SET('z','a','m')", 'a', "('z'),('a'),('z,a'),('m'),(''),('a,m'),('z,a,m')"),
    'bik': ('a BIT(64)', 'a', "(b'0'),(b'1'),(x'FFFFFFFFFFFFFFFF'),(x'8000000000000000'),(x'7FFFFFFFFFFFFFFF'),(b'10'),(b'11')"),
    'biu': ('a BIGINT UNSIGNED', 'a', '(0),(1),(18446744073709551615),(18446744073709551614),(9223372036854775807),(9223372036854775808),(9007199254740993),(9007199254740992)'),
    'flk': ('a FLOAT', 'a', '(0.1),(0.2),(16777216),(16777217.5),(-1),(1e30),(3.4e38)'), 'dok': ('a DOUBLE, b INT', 'a, b', '(0.1,1),(0.1,2),(0.1e0+0.2e0,1),(0.3,1),(-1,1),(1e300,1),(5e-324,0),(0,0)'),
    'yek': ('a YEAR, b TINYINT', 'a, b', '(1901,1),(1901,2),(2155,1),(0,1),(2000,-128),(2000,127),(1999,0)'), 'izk': ('a INT(8) ZEROFILL', 'a', '(1),(2),(3),(40),(4294967295),(500)'),
    'uuk': ('a UUID', 'a', "('00000000-0000-0000-0000-000000000001'),('00000001-0000-0000-0000-000000000000'),('ffffffff-ffff-ffff-ffff-ffffffffffff'),('12345678-9abc-1ef0-9234-56789abcdef0'),('00000000-0000-1002-8000-000000000000')"),
    'ipk': ('a INET6', 'a', "('::'),('::1'),('::ffff:1.2.3.4'),('2001:db8::1'),('ff02::1')"),
}
for name, (columns, key, values) in KEYS.items():
    # the key's columns come last, and are not extracted where they may be hidden
    run_sql(f"CREATE TABLE k_{name} (v VARCHAR(40), {columns}, PRIMARY KEY ({key})) DEFAULT CHARSET utf8mb4; INSERT INTO k_{name} ({key}) VALUES {values}; UPDATE k_{name} SET v = UUID();")
    names = key.split(', ')
    hexed = ', '.join('HEX(HEX(a))' if columns.startswith(('a BINARY', 'a VARBINARY', 'a BIT')) and c == 'a' else text(f'CAST({c} AS DOUBLE)' if name == 'flk' else c) for c in names)
    if name == 'bik':
        hexed = "HEX(LPAD(HEX(a), 16, '0'))"
    if name == 'izk':
        hexed = text('a + 0')
    if name in ('flk', 'dok'):  # the value, and not its text
        check(f'key {columns}', {'table': f'k_{name}', 'columns': ['v']}, f"SELECT {text('v')} FROM k_{name} ORDER BY {key}", ordered=True)
        continue
    check(f'key {columns}', {'table': f'k_{name}'}, f"SELECT {text('v')}, {hexed} FROM k_{name} ORDER BY {key}", ordered=True)
    if name in ('ci', 'bik', 'dek', 'vbk', 'enk2'):
        check(f'key {columns}, hidden', {'table': f'k_{name}', 'columns': ['v']}, f"SELECT {text('v')} FROM k_{name} ORDER BY {key}", ordered=True)
check_all(page_rows=3)

# ---- keys that are none, or not whole
run_sql("""CREATE TABLE nokey (a INT, t VARCHAR(20)); INSERT INTO nokey VALUES (1,'a'),(1,'a'),(NULL,NULL),(NULL,NULL),(2,''),(2,'NULL'),(3,'\\\\N');
CREATE TABLE nullable (u INT UNIQUE, t VARCHAR(20)); INSERT INTO nullable VALUES (1,'a'),(NULL,'b'),(NULL,'c'),(2,'d'),(NULL,NULL),(3,''),(4,'x');
CREATE TABLE prefix (t VARCHAR(50) NOT NULL, n INT, UNIQUE (t(3))); INSERT INTO prefix VALUES ('abcd',1),('abd',2),('ab',3),('',4),('b',5),('zzzz',6);
CREATE TABLE two (b INT NOT NULL, a INT NOT NULL, n INT, UNIQUE u (a, b)); INSERT INTO two SELECT seq % 7, seq DIV 7, seq FROM seq_1_to_50;
CREATE TABLE parted (id INT NOT NULL, d DATE NOT NULL, t VARCHAR(20), PRIMARY KEY (id, d)) PARTITION BY RANGE (YEAR(d)) (PARTITION p0 VALUES LESS THAN (2021), PARTITION p1 VALUES LESS THAN (2022), PARTITION p2 VALUES LESS THAN MAXVALUE);
INSERT INTO parted SELECT seq, '2020-01-01' + INTERVAL seq * 37 DAY, CONCAT('r', seq) FROM seq_1_to_40;
CREATE VIEW seen AS SELECT id, d, CONCAT(t, ',"') AS `t t`, id * 1.5 AS half, NULL AS nothing, CAST('x' AS BINARY) AS bytes FROM parted WHERE id > 3;
CREATE TABLE empty (id INT PRIMARY KEY, t TEXT);
CREATE TABLE hidden (id INT PRIMARY KEY, t INT INVISIBLE DEFAULT 5, u INT); INSERT INTO hidden (id, u) VALUES (1,2);
CREATE TABLE versions (id INT PRIMARY KEY, t INT) WITH SYSTEM VERSIONING; INSERT INTO versions VALUES (1,1),(2,2); UPDATE versions SET t = 3 WHERE id = 1; DELETE FROM versions WHERE id = 2;
CREATE TABLE aria (id INT PRIMARY KEY, t VARCHAR(10)) ENGINE=Aria; INSERT INTO aria VALUES (1,'a'),(2,'b');
CREATE TABLE `select` (`from` INT PRIMARY KEY, `a.b` INT, `c"d` INT, `e``f` INT, ` g` INT, `h,i` INT, `Ünï 中` INT, `order by` INT); INSERT INTO `select` VALUES (1,2,3,4,5,6,7,8),(2,2,3,4,5,6,7,8),(3,2,3,4,5,6,7,8);
CREATE TABLE `odd ``"name` (id INT PRIMARY KEY, `%s` VARCHAR(5), `?` INT); INSERT INTO `odd ``"name` VALUES (1,'%d?',0),(2,'?',1),(3,'{x}',2);
CREATE TABLE neg (id INT PRIMARY KEY, d DOUBLE); INSERT INTO neg VALUES (-2147483648, -0e0), (-1, 0), (0, 1), (1, 2);""")
check('no key', {'table': 'nokey'}, f"SELECT {text('a', 't')} FROM nokey")
check('a unique key with NULLs', {'table': 'nullable'}, f"SELECT {text('u', 't')} FROM nullable")
check('a key over beginnings', {'table': 'prefix'}, f"SELECT {text('t', 'n')} FROM prefix")
check('a unique key in another order', {'table': 'two'}, f"SELECT {text('b', 'a', 'n')} FROM two ORDER BY a, b", ordered=True)
check('partitions', {'table': 'parted'}, f"SELECT {text('id', 'd', 't')} FROM parted ORDER BY id, d", ordered=True)
check('a view', {'table': 'seen'}, f"SELECT {text('id', 'd', '`t t`', 'half', 'nothing')}, HEX(HEX(bytes)) FROM seen")
check_all(page_rows=2)
extract([{'table': 'seen'}])
same(rows_of('seen')[0], ['id', 'd', 't t', 'half', 'nothing', 'bytes'], 'a view: its columns')
same([extract([{'table': 'empty'}]).rc, manifest('empty')['rows'], manifest('empty')['parts']], [0, 0, []], 'an empty table has a manifest and no part')
check('an invisible column', {'table': 'hidden'}, f"SELECT {text('id', 'u')} FROM hidden")
check('an invisible column that is asked for', {'table': 'hidden', 'columns': ['t', 'id']}, f"SELECT {text('t', 'id')} FROM hidden")
check('a table with versions', {'table': 'versions'}, f"SELECT {text('id', 't')} FROM versions")
check('another engine', {'table': 'aria'}, f"SELECT {text('id', 't')} FROM aria")
check('reserved words and odd names', {'table': 'select'}, "SELECT " + text('`from`', '`a.b`', '`c"d`', '`e``f`', '` g`', '`h,i`', '`Ünï 中`', '`order by`') + " FROM `select`")
extract([{'table': 'select'}])
same(rows_of('select')[0], ['from', 'a.b', 'c"d', 'e`f', ' g', 'h,i', 'Ünï 中', 'order by'], 'reserved words and odd names: the header')
check('an odd table', {'table': 'odd `"name'}, f"SELECT {text('id', '`%s`', '`?`')} FROM `odd ``\"name`")
check('an odd table, filtered by odd columns', {'table': 'odd `"name', 'filters': [{'column': '?', 'is': '>', 'value': 0}, {'column': '%s', 'is': '!=', 'value': '?'}]}, f"SELECT {text('id', '`%s`', '`?`')} FROM `odd ``\"name` WHERE id = 3")
check('negative keys', {'table': 'neg'}, f"SELECT {text('id', 'd')} FROM neg ORDER BY id", ordered=True)
check('of another database', {'table': 'w.neg', 'name': 'other'}, f"SELECT {text('id', 'd')} FROM neg ORDER BY id", ordered=True)
check_all(page_rows=1)

# ---- types that are written, and not loaded
run_sql("""CREATE TABLE special (id INT PRIMARY KEY, u UUID, i4 INET4, i6 INET6, g GEOMETRY, p POINT);
INSERT INTO special VALUES (1, '123e4567-e89b-12d3-a456-426655440000', '1.2.3.4', '2001:db8::ff', ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326), POINT(1.5, -2)), (2, NULL, NULL, NULL, NULL, NULL);""")
for how, extra in (('csv', {}), ('jsonl', {'format': 'jsonl'}), ('avro', {'format': 'avro'})):
    want = run_sql('SELECT HEX(CAST(id AS CHAR)), HEX(CAST(u AS CHAR)), HEX(CAST(i4 AS CHAR)), HEX(CAST(i6 AS CHAR)), HEX(HEX(g)), HEX(HEX(p)) FROM special')
    r = extract([{'table': 'special'}], **extra)
    if not same(r.rc, 0, f'UUID, INET and geometry as {how}'):
        continue
    data = b''.join(parts_of('special'))
    got = rows_of('special')[1] if how == 'csv' else [list(json.loads(x, parse_int=str).values()) for x in data.decode().splitlines()] if how == 'jsonl' else \
        [[v.hex().upper() if isinstance(v, bytes) else None if v is None else str(v) for v in row] for row in read_avro(data)[1]]
    same(got, want, f'UUID, INET and geometry as {how}: as the server has them')

# ---- texts that hold a NUL byte, and bytes that are no text
run_sql("CREATE TABLE nul (id INT PRIMARY KEY, t TEXT CHARACTER SET utf8mb4); INSERT INTO nul VALUES (1, 'a\\0b'), (2, '\\0'), (3, '');")
check('NUL bytes in texts', {'table': 'nul'}, f"SELECT {text('id', 't')} FROM nul")
check_all()
same(extract([{'table': 'nul'}], format='jsonl').rc, 0, 'NUL bytes as JSON Lines')
same([json.loads(x)['t'] for x in b''.join(parts_of('nul')).decode().splitlines()], ['a\0b', '\0', ''], 'NUL bytes as JSON Lines: as they are')

# ---- transforms, where, order
run_sql("""CREATE TABLE s (id INT PRIMARY KEY, g INT, name VARCHAR(20), d DATE, at DATETIME(3), n DECIMAL(10,2), f FLOAT, b BIGINT UNSIGNED, x DOUBLE, y YEAR, bits BIT(4), raw VARBINARY(4), e ENUM('p','q')) DEFAULT CHARSET utf8mb4;
INSERT INTO s SELECT seq, seq % 3, ELT(1 + seq % 6, 'Ann', 'bob', 'B%b', 'Zoë', '', NULL), IF(seq % 10 = 0, NULL, '2022-01-01' + INTERVAL seq % 5 DAY), '2022-01-01' + INTERVAL seq * 1001 SECOND + INTERVAL seq * 1000 MICROSECOND, IF(seq % 7 = 0, NULL, seq / 4), seq / 8,
 9007199254740990 + seq, seq / 10, 2000 + seq % 4, seq % 16, UNHEX(LPAD(HEX(seq), 4, '0')), ELT(1 + seq % 3, 'p', 'q', NULL) FROM seq_1_to_60;
CREATE TABLE names (g INT PRIMARY KEY, title VARCHAR(20)); INSERT INTO names VALUES (0,'zero'),(1,'one');""")
check('transforms', {'table': 's', 'columns': ['id', 'name', 'n'], 'transforms': {'name': "UPPER(name)", 'twice': 'n * 2', 'js': "JSON_OBJECT('a', name)", 'when': 'DATE_FORMAT(at, "%Y%%")', 'i': 'g', 'tiny': 'g = 1', 'nothing': 'NULL', 'flt': 'f', 'day': 'd', 'c': "'it''s -- no comment'"}},
      "SELECT " + text('id', 'UPPER(name)', 'n', 'n * 2') + ", HEX(JSON_OBJECT('a', name)), " + text("DATE_FORMAT(at, '%Y%%')", 'g', 'g = 1', 'NULL') + ", HEX(CAST(CAST(f AS DOUBLE) AS CHAR)), " + text('d', "'it''s -- no comment'") + " FROM s ORDER BY id", ordered=True)
check('a transform of the key', {'table': 's', 'columns': ['id', 'g'], 'transforms': {'id': '-id'}}, f"SELECT {text('-id', 'g')} FROM s ORDER BY s.id", ordered=True)
check('where', {'table': 's', 'columns': ['id'], 'where': "g = 1 OR name = 'B%b' -- of ours"}, f"SELECT {text('id')} FROM s WHERE g = 1 OR name = 'B%b' ORDER BY id", ordered=True)
check('where and a filter', {'table': 's', 'columns': ['id'], 'where': "g = 1 OR g = 2", 'filters': [{'column': 'id', 'is': '<', 'value': 9}]}, f"SELECT {text('id')} FROM s WHERE (g = 1 OR g = 2) AND id < 9 ORDER BY id", ordered=True)
for order in (['g'], ['g', 'name'], ['name'], ['d', 'g'], ['e', 'id'], ['f'], ['x'], ['bits'], ['raw'], ['y', 'g'], ['at'], ['n', 'id']):
    check(f'order by {", ".join(order)}', {'table': 's', 'columns': ['id', 'g'], 'order': order}, f"SELECT {text('id', 'g')} FROM s ORDER BY {', '.join(order)}, id", ordered=True)

# ---- filters
for column, is_, value, condition in [
        ('id', '=', 5, 'id = 5'), ('id', '!=', 5, 'id != 5'), ('id', '<', 5, 'id < 5'), ('id', '<=', '5', 'id <= 5'), ('id', '>', 55, 'id > 55'), ('id', '>=', 55, 'id >= 55'),
        ('b', '=', '9007199254740993', 'b = 9007199254740993'), ('b', '>', '9007199254740993', 'b > 9007199254740993'), ('b', 'in', ['9007199254740993', 9007199254740995], 'b IN (9007199254740993, 9007199254740995)'),
        ('n', '=', '2.25', 'n = 2.25'), ('n', '<', 2.25, 'n < 2.25'), ('n', 'not-in', ['2.25', 3], 'n NOT IN (2.25, 3)'), ('x', '>', '2.5', 'x > 2.5'), ('f', '=', '0.125', 'f = 0.125'),
        ('name', '=', 'ANN', "name = 'ANN'"), ('name', '!=', 'Ann', "name != 'Ann'"), ('name', 'like', 'b%', "name LIKE 'b%'"), ('name', 'not-like', '%b', "name NOT LIKE '%b'"), ('name', 'like', 'B\\%b', r"name LIKE 'B\%b'"),
        ('name', 'in', ['', 'Zoë', "x' OR 1=1 -- "], "name IN ('', 'Zoë')"), ('name', 'null', None, 'name IS NULL'), ('name', 'not-null', None, 'name IS NOT NULL'), ('name', '=', '', "name = ''"), ('name', '=', "'", 'FALSE'),
        ('d', '>', '2022-01-02', "d > '2022-01-02'"), ('d', '=', '2022-01-02', "d = '2022-01-02'"), ('d', 'in', ['2022-01-02', '2022-01-03'], "d IN ('2022-01-02', '2022-01-03')"), ('at', '>=', '2022-01-01 00:16:42.001', "at >= '2022-01-01 00:16:42.001'"),
        ('at', '<', '2022-01-01T05:00:00', "at < '2022-01-01 05:00:00'"), ('y', '=', 2001, 'y = 2001'), ('bits', '=', 3, 'bits = 3'), ('bits', '>', '9', 'bits > 9'), ('e', '=', 'q', "e = 'q'"), ('e', '!=', 'q', "e != 'q'"), ('e', 'in', ['p', 'q'], "e IN ('p','q')"), ('e', '>', 'p', "e > 'p'"),
        ('id', '=', -1, 'FALSE'), ('n', '>=', '0.1', 'n >= 0.1'), ('g', 'not-in', [0, 1], 'g NOT IN (0, 1)')]:
    entry = {'column': column, 'is': is_}
    if value is not None:
        entry['value'] = value
    check(f'filter {column} {is_} {value}', {'table': 's', 'columns': ['id'], 'filters': [entry]}, f"SELECT {text('id')} FROM s WHERE {condition} ORDER BY id", ordered=True)
run_sql('CREATE TABLE ago (id INT PRIMARY KEY, at DATETIME(3), ts TIMESTAMP); INSERT INTO ago SELECT seq, UTC_TIMESTAMP(3) - INTERVAL seq HOUR, UTC_TIMESTAMP() - INTERVAL seq HOUR FROM seq_1_to_20')
for column in ('at', 'ts'):  # the database's own clock is asked
    check(f'filter {column} ago', {'table': 'ago', 'columns': ['id'], 'filters': [{'column': column, 'is': '>', 'ago': '330m'}]}, f"SELECT {text('id')} FROM ago WHERE id < 6 ORDER BY id", ordered=True)
r = check_all(page_rows=7)
like(r.err, 'rows where name is NULL fall out of !=', 'NULLs that fall out of != are told of')

# ---- queries
JOIN = 'SELECT s.id, COALESCE(names.title, "none") AS title, s.d, s.n FROM s LEFT JOIN names ON names.g = s.g;'
TITLE = "COALESCE(names.title, 'none')"
FROM = ' FROM s LEFT JOIN names ON names.g = s.g'
check('a query with a join', {'query': JOIN}, 'SELECT ' + text('s.id', TITLE, 's.d', 's.n') + FROM)
check('a query with a join, ordered', {'query': JOIN, 'order': ['title', 'id']}, 'SELECT ' + text('s.id', TITLE, 's.d', 's.n') + FROM + f' ORDER BY {TITLE}, s.id', ordered=True)
check('WITH', {'query': 'WITH t AS (SELECT g, COUNT(*) AS c, SUM(n) AS total, AVG(n) AS mean, MIN(d) AS first, GROUP_CONCAT(id) AS ids FROM s GROUP BY g) SELECT * FROM t'},
      'SELECT ' + text('g', 'COUNT(*)', 'SUM(n)', 'AVG(n)', 'MIN(d)', 'GROUP_CONCAT(id)') + ' FROM s GROUP BY g')
check('columns and filters of a query', {'query': JOIN, 'columns': ['title', 'id'], 'filters': [{'column': 'd', 'is': '>', 'value': '2022-01-03'}]}, 'SELECT ' + text(TITLE, 's.id') + FROM + " WHERE s.d > '2022-01-03'")
check('UNION of every type', {'query': 'SELECT id, x, b, y, bits, raw, e, at FROM s UNION ALL SELECT NULL, 1e0, 18446744073709551615, NULL, NULL, NULL, NULL, NULL'},
      'SELECT ' + text('id', 'x', 'b', 'y') + ", HEX(LPAD(HEX(bits), 2, '0')), HEX(HEX(raw)), " + text('e', 'at') + ' FROM s UNION ALL SELECT NULL, HEX(1), HEX(18446744073709551615), NULL, NULL, NULL, NULL, NULL'.replace('HEX(18446744073709551615)', "HEX('18446744073709551615')").replace('HEX(1)', "HEX('1')"))
check_all()

# ---- zones, and what a format has no form for
run_sql("CREATE TABLE z (id INT PRIMARY KEY, ts TIMESTAMP(3) NULL, dt DATETIME); INSERT INTO z VALUES (1, '2022-03-27 00:59:59.999', '2022-03-27 02:30:00'), (2, '2022-03-27 01:00:00', NULL), (3, '0000-00-00', '0000-00-00'), (4, NULL, NULL), (5, '1970-01-01 00:00:01', '1970-01-01'), (6, '2038-01-19 03:14:07.999', '2038-01-19');"
        "CREATE TABLE lone (t VARCHAR(5)); INSERT INTO lone VALUES (NULL), ('x');")
check('no zone', {'table': 'z'}, f"SELECT {text('id', 'ts', 'dt')} FROM z", ordered=True)
check_all()
check('a zone', {'table': 'z'}, f"SELECT {text('id', 'IF(ts = 0, ts, ts + INTERVAL 330 MINUTE)', 'dt')} FROM z", ordered=True)
check_all(timezone_of_output='Asia/Kolkata')
extract([{'table': 'z'}], timezone_of_output='Europe/Paris', path='{task}/{table}_{epoch}')
same([r[1] for r in rows_of('z')[1]], ['2022-03-27 01:59:59.999', '2022-03-27 03:00:00.000', '0000-00-00 00:00:00.000', None, '1970-01-01 01:00:01.000', '2038-01-19 04:14:07.999'], 'a zone with summer time')
r = extract([{'table': 'z'}], format='avro', rc=1)
same([r.rc, left()], [1, []], 'a zero date in Avro: refused, and nothing is left')
like(r.err, 'text_times', 'with what to do')
r = extract([{'table': 'lone'}], null='', rc=3)
same([r.rc, left()], [3, []], 'one nullable column whose NULL would be an empty line: refused')
check('one nullable column', {'table': 'lone'}, f"SELECT {text('t')} FROM lone")
check_all()

# ---- a thousand columns, and large cells
run_sql('CREATE TABLE wide (id INT PRIMARY KEY, ' + ', '.join(f'c{i} SMALLINT' for i in range(1000)) + '); INSERT INTO wide (id, c0, c500, c999) VALUES (1, 1, NULL, 3), (2, -1, 2, NULL);'
        "CREATE TABLE tall (id INT PRIMARY KEY, t LONGTEXT, b LONGBLOB); INSERT INTO tall SELECT seq, REPEAT(CHAR(33 + seq), 3000000), REPEAT(UNHEX(HEX(seq)), 2000000) FROM seq_1_to_6;")
check('a thousand columns', {'table': 'wide'}, f"SELECT {text('id', *(f'c{i}' for i in range(1000)))} FROM wide", ordered=True)
check_all()
extract([{'table': 'tall'}], part_bytes='8MiB')
rows = rows_of('tall')[1]
same([(r[0], len(r[1]), set(r[1]), r[2] == f'{int(r[0]):02X}' * 2000000) for r in rows], [(str(i), 3000000, {chr(33 + i)}, True) for i in range(1, 7)], 'cells of megabytes')
ok(len(manifest('tall')['parts']) > 1, 'in several parts')

# a query with a DATE as its watermark, day by day
run_sql("CREATE TABLE ev (id INT PRIMARY KEY, g INT, d DATE); INSERT INTO ev SELECT seq, seq % 3, '2022-06-01' + INTERVAL seq % 4 DAY FROM seq_1_to_40;")
os.system(f'rm -rf {w.path("lake")}/x {w.path("orch.db")}*')
w.config_json['extracts']['x'].update(verify='full', tables=[{'name': 'q', 'query': 'SELECT ev.id, ev.d, names.title FROM ev LEFT JOIN names ON names.g = ev.g', 'watermark': ['d']}])
w.write_config(w.config_json)
for day in range(1, 8):
    for hour in (2, 22):
        r = w.good('extract', 'x', now=f'2022-06-{day:02d}T{hour:02d}:00:30Z')
got, folder = [], w.path('lake', 'x', '_manifest', 'q')
for name in sorted(n for n in os.listdir(folder) if n.endswith('.json')):
    with open(os.path.join(folder, name)) as f:
        for p in json.load(f)['parts']:
            with open(w.path('lake', p['key']), newline='') as g:
                got += read_csv(g.read(), ',', '\n', '\\N')[1:]
same(sorted(got, key=repr), sorted(run_sql(f"SELECT {text('ev.id', 'ev.d', 'names.title')} FROM ev LEFT JOIN names ON names.g = ev.g"), key=repr), 'a query by a DATE, day by day: each row once')
same(len([n for n in os.listdir(folder) if n.endswith('.json')]), 4, 'and a manifest for each day')

# ---- Oracle's server cuts a mark in CAST(? AS UNSIGNED) at 2^63
root = os.environ.get('ORCH_MYSQL9')
if not root:
    ok(True, 'keys from 2^63 on, on Oracle MySQL # SKIP ORCH_MYSQL9 names no server')
else:
    script, folder, port = os.path.join(TOP, 'tests', 'servers', 'mysql9.sh'), w.path('mysql9'), w.base + 90
    same(w.run([script, 'start', root, folder, str(port)]).rc, 0, 'Oracle MySQL is there')
    try:
        w.run(['mariadb', '--no-defaults', '-uroot', '-S', f'{folder}/sock', '-e', "CREATE DATABASE w; CREATE USER loader@'%' IDENTIFIED BY 'loader-secret'; GRANT ALL ON *.* TO loader@'%'; CREATE TABLE w.k (a BIGINT UNSIGNED PRIMARY KEY);"
               "CREATE TABLE w.b (a BIT(64) PRIMARY KEY); INSERT INTO w.k VALUES (0), (1), (9223372036854775807), (9223372036854775808), (18446744073709551613), (18446744073709551614), (18446744073709551615); INSERT INTO w.b SELECT a FROM w.k"])
        os.system(f'rm -rf {w.path("lake")}/x {w.path("orch.db")}*')
        w.config_json['connections']['warehouse'].update(url=f'mysql://loader@127.0.0.1:{port}/w', tls='require')
        w.config_json['extracts']['x'].update(tables=[{'table': 'k'}, {'table': 'b'}], page_rows=1)
        w.write_config(w.config_json)
        r = w.good('extract', 'x', now='2022-06-05T03:00:00Z', timeout=60)
        values = [0, 1, 2**63 - 1, 2**63, 2**64 - 3, 2**64 - 2, 2**64 - 1]
        same([r.rc, rows_of('k')[1], rows_of('b')[1]], [0, [[str(v)] for v in values], [[f'{v:016X}'] for v in values]], 'keys from 2^63 on, on Oracle MySQL')
    finally:
        w.run([script, 'stop', folder])
done()

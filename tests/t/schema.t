#!/usr/bin/python3
"""orch schema infer and diff: types that hold every cell, on MariaDB and SQLite; the ALTER that mends. Drift policies, columns that are added included, killed and raced."""
import json, os, random, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

random.seed(int(os.environ.get('ORCH_TEST_SEED', '20220605')))
w = World('mysql')
w.now = '2022-06-05T23:30:00Z'


def infer(text, *more, name='t.csv', **kw):
    with open(w.path(name), 'wb') as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    r = w.orch('schema', 'infer', w.path(name), '-o', 'json', *more, **kw)
    if r.rc:
        diag(r.err)
    return json.loads(r.out) if r.rc == 0 else r


def types(doc):
    return {c['column']: c['type'] + ('' if c['nullable'] else ' NOT NULL') for c in doc['columns']}


def column(values, *more):
    """The type of one column with these cells."""
    return types(infer('x,last\n' + ''.join(f'{v},z\n' for v in values), *more))['x']


# --- infer: types ---
I64, U64 = 2**63, 2**64
for values, want in [
        (['0', '255'], 'TINYINT UNSIGNED'), (['256'], 'SMALLINT UNSIGNED'), (['-1', '127'], 'TINYINT'), (['-1', '128'], 'SMALLINT'), (['-128'], 'TINYINT'), (['-129'], 'SMALLINT'),
        (['65536'], 'MEDIUMINT UNSIGNED'), (['16777216'], 'INT UNSIGNED'), (['-8388609'], 'INT'), (['4294967296'], 'BIGINT UNSIGNED'), (['-1', str(I64 - 1)], 'BIGINT'), ([str(-I64)], 'BIGINT'),
        ([str(U64 - 1)], 'BIGINT UNSIGNED'), ([str(U64)], 'DECIMAL(20,0)'), (['-1', str(I64)], 'DECIMAL(19,0)'), (['1', '1.5'], 'DOUBLE'), (['0.1', '1e300'], 'DOUBLE'), (['9007199254740993.5'], 'DECIMAL(17,1)'),
        (['123456789012345678.12', '1'], 'DECIMAL(20,2)'), (['1', '007'], 'VARCHAR(8)'), (['2022-06-05'], 'DATE'), (['2022-06-05', '2022-06-05 01:02:03'], 'DATETIME'), (['2022-06-05 01:02:03.25'], 'DATETIME(2)'),
        (['2022-06-05T01:02:03.123456Z'], 'DATETIME(6)'), (['01:02:03', '-12:00:01.5'], 'TIME(1)'), (['2022-02-30'], 'VARCHAR(16)'), (['12,000'.replace(',', ' ')], 'VARCHAR(8)'), (['x' * 33], 'VARCHAR(64)'),
        (['\u00e9' * 256], 'VARCHAR(500)'), (['x' * 5000], 'TEXT'), (['x' * 70000], 'MEDIUMTEXT'), (['0', '1'], 'TINYINT UNSIGNED')]:
    same(column(values), want + ' NOT NULL', f'{[v[:24] for v in values]}: {want}')
same(column(['0', '1'], '--boolean'), 'BOOLEAN NOT NULL', 'BOOLEAN where it is asked for')
same(column(['0', '2'], '--boolean'), 'TINYINT UNSIGNED NOT NULL', 'and never of 2')
same(column(['NA', '7']), 'TINYINT UNSIGNED', 'NA makes it nullable')
same(column(['', '7']), 'TINYINT UNSIGNED', 'an empty field too, in a column of numbers')
same(column(['', 'a']), 'VARCHAR(8) NOT NULL', "an empty field of text is ''")
same(column(['""', '7']), 'VARCHAR(8) NOT NULL', 'a quoted empty field is never NULL: no number')
same(column(['NA', 'NA']), 'VARCHAR(255)', 'nothing but NULL')
same(column(['5', '7'], '--wide'), 'BIGINT', '--wide has room, and NULL')

like(w.orch('schema', 'infer', w.path('t.csv')).err, '2 records of 1 file', 'what was read is said')
with open(w.path('one.csv'), 'w') as f:
    f.write('a,b\n1,2\n3\n')
r = w.orch('schema', 'infer', w.path('one.csv'))
ok('2 records of 1 file' in r.err and '1 record could not be read' in r.err, 'and one is one')
doc = infer('id,mail,n\n3,a@x,NA\n1,A@X,5\n2,b@x,\n')
c = {x['column']: x for x in doc['columns']}
same((c['id']['key'], c['mail']['key'], c['n']['key']), (True, False, False), 'id may be the key; mails that differ in capitals alone may not; NULLs may not')
like(doc['create'], '-- unique and never NULL, so each may be the key: id\n', 'and a comment says so')
same((c['n']['nulls'], c['id']['min'], c['id']['max'], c['n']['rows']), ({'NA': 1, '': 1}, '1', '3', 3), 'NULLs by spelling, least, greatest, rows')
same(c['id']['forced'], {'value': '3', 'file': 't.csv', 'line': 2}, 'the cell that the type is not narrower for, by file and line')
same(c['mail']['longest_at']['line'], 2, 'the longest by line')
doc = infer('a\n1\n2\n"x\ny"\n4\n')
same(doc['columns'][0]['forced']['line'], 4, 'what made it text, line counted over quoted newlines')
doc = infer('a,b\n1,2\n3\n4,5\n')
same((doc['rows'], doc['unreadable'], doc['unreadable_at']['line']), (2, 1, 3), 'a record that is none is counted, and no evidence')
same(column(['1', '2', 'x'], '--sample', '2'), 'TINYINT UNSIGNED NOT NULL', '--sample looks at so many')
column(['5'])
r = w.orch('schema', 'infer', w.path('t.csv'), '--sql')
ok(r.out.startswith('-- ') and 'CREATE TABLE `t` (\n  `x` TINYINT UNSIGNED NOT NULL,\n' in r.out, '--sql: the statement alone') or diag(r.out)
os.makedirs(w.path('many/deep'), exist_ok=True)
for i, v in enumerate([1, 300, 70000]):
    with open(w.path('many/deep', f'{i}.csv'), 'w') as f:
        f.write(f'x\n{v}\n')
with open(w.path('many', 'readme.txt'), 'w') as f:
    f.write('no csv')
for word in [w.path('many') + '/', 'file://' + w.path('many')]:
    doc = json.loads(w.orch('schema', 'infer', word, '-o', 'json').out)
    same((doc['files'], types(doc)['x'], doc['columns'][0]['forced']['file']), (3, 'MEDIUMINT UNSIGNED NOT NULL', 'deep/2.csv'), 'a folder: all files below it, the last forced the type')
with open(w.path('many/deep', '3.csv'), 'w') as f:
    f.write('y\n1\n')
r = w.orch('schema', 'infer', w.path('many') + '/')
same(r.rc, 1, 'another header among them: refused')
like(r.err, '3.csv: another header', 'and named')
same(w.orch('schema', 'infer', w.path('t.csv'), '--dialect', 'oracle').rc, 2, 'an unknown dialect: usage')

# --- every cell seen is loaded as it stands: random columns through infer, CREATE and orch itself ---


def random_cell(kind, r):
    return {0: lambda: str(r.randint(-10**r.randint(0, 19), 10**r.randint(0, 19))), 1: lambda: str(r.randint(0, 10**r.randint(1, 25))), 2: lambda: repr(r.uniform(-1e6, 1e6)),
            3: lambda: f'{r.randint(0, 10**r.randint(1, 20))}.{r.randint(0, 10**r.randint(1, 12))}', 4: lambda: f'{r.randint(1000, 9999)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}',
            5: lambda: f'{r.randint(1000, 9999)}-{r.randint(1, 12):02}-{r.randint(1, 28):02} {r.randint(0, 23):02}:00:00' + r.choice(['', '.5', '.123456']), 6: lambda: f'{r.randint(0, 800)}:{r.randint(10, 59)}:30',
            7: lambda: ''.join(r.choice('abc\u00e9\u20ac\U0001f600 ') for _ in range(r.randint(1, 40))).strip() or 'q', 8: lambda: r.choice(['0', '1']), 9: lambda: f'{r.randint(0, 99):03}'}[kind]()


def random_file(r, columns=12, rows=60):
    kinds = [(r.randrange(10), r.random() < .5, r.random() < .15) for _ in range(columns)]
    out = [','.join(f'k{i}' for i in range(columns))]
    for _ in range(rows):
        out.append(','.join('NA' if null and r.random() < .2 else random_cell(7 if odd and r.random() < .05 else k, r) for k, null, odd in kinds))
    return '\n'.join(out) + '\n'


for n in range(4):
    text = random_file(random)
    target = 'sqlite' if n % 2 else 'mysql'
    for f in ['target.db', 'orch.db']:
        if os.path.exists(w.path(f)):
            os.unlink(w.path(f))
    doc = infer(text, '--table', f'r{n}', *(['--dialect', 'sqlite'] if target == 'sqlite' else []), *(['--wide'] if n > 1 else []))
    w.pipeline(name=f'r{n}', target=target, target_table=f'r{n}', source_since='2022-06-05T01', source_until='2022-06-05T01')
    if target == 'mysql':
        w.sql(doc['create'])
    else:
        w.target(doc['create'].split('\n', 1)[1])
    w.put(hour_key(1), text)
    w.good('target', 'setup')
    w.good('lineage', 'add', f'r{n}', '--pipeline', f'r{n}')
    r = w.good('schema', 'diff', f'r{n}/2022-06-05T01')
    same((r.rc, 'takes every record as it is' in r.out), (0, True), f'{target}, random file {n}: diff finds none') or diag(text)
    r = w.good('tick')
    rows = w.one(f'SELECT COUNT(*) FROM r{n}') if target == 'mysql' else str(w.target(f'SELECT COUNT(*) FROM r{n}')[0][0])
    same(rows, '60', f'{target}, random file {n}: the proposed table takes every record, verified') or diag(text)
    for f in ['target.db', 'orch.db']:
        if os.path.exists(w.path(f)):
            os.unlink(w.path(f))
w.sql('DROP TABLE IF EXISTS orch_load; DROP TABLE IF EXISTS orch_fence')

# --- diff ---
w.sql("""CREATE TABLE d (id SMALLINT NOT NULL, name VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, share FLOAT, amount DECIMAL(6,2), day DATE, city VARCHAR(20) CHARACTER SET latin1,
 gone INT, must INT NOT NULL, made TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, n INT, exact INT)""")
w.pipeline(name='d', target_table='d', source_since='2022-06-05T01', source_until='2022-06-05T01', columns={'city': {'to': 'city', 'null': ['NA']}, 'name': {'to': 'name', 'null': ['NA']}})
w.put(hour_key(1), 'id,name,share,amount,day,city,n,exact,more\n1,Zo\u00eb,0.1,1.25,2022-06-05,Z\u00fcrich,1,5,0.5\n40000,NA,0.123456789012,1.255,2022-06-05 10:00:00,\u0141\u00f3d\u017a,12.5,6,1\n3,longer one,1,2,2022-06-06,K\u00f6ln \u2013 \u20ac,x,7,2\n')
r = w.orch('schema', 'diff', 'd', '-o', 'json')
doc = json.loads(r.out)
f = {(x['column'], x['what']): x for x in doc['findings']}
same((r.rc, doc['equal'], doc['rows']), (5, False, 3), 'differences: exit 5')
same(sorted(f), sorted([('id', 'narrow'), ('name', 'null'), ('name', 'narrow'), ('share', 'float'), ('amount', 'narrow'), ('day', 'narrow'), ('city', 'charset'), ('n', 'rejected'), ('more', 'extra'), ('gone', 'missing'), ('must', 'missing')]),
     'each kind, and nothing of what fits or has a default time')
same((f['id', 'narrow']['code'], f['id', 'narrow']['count'], f['id', 'narrow']['example']['value'], f['id', 'narrow']['example']['line']), ('OUT_OF_RANGE', 1, '40000', 3), 'with code, count, first example and line')
same((f['n', 'rejected']['count'], f['n', 'rejected']['example']['line'], f['n', 'rejected']['file_type'][:7]), (2, 3, 'VARCHAR'), 'two cells of n, the first of them, and what the file needs')
same(f['name', 'null']['code'], 'NOT_NULL', 'NULL into NOT NULL')
like(doc['alter'], 'ALTER TABLE `d`\n', 'the ALTER')
like(doc['alter'], 'MODIFY COLUMN `name` VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL', 'keeps the collation, widens, allows NULL')
like(doc['alter'], 'MODIFY COLUMN `amount` DECIMAL(7,3) NULL', 'room for both: the digits of the table and of the file')
like(doc['alter'], 'MODIFY COLUMN `city` varchar(20) CHARACTER SET utf8mb4 NULL', 'another character set')
w.sql(doc['alter'])
w.sql('ALTER TABLE d DROP COLUMN gone, DROP COLUMN must')
r = w.orch('schema', 'diff', 'd')
same((r.rc, 'takes every record as it is' in r.out), (0, True), 'after that very ALTER nothing differs') or diag(r.out + r.err)
with open(w.path('loose.csv'), 'w') as g:
    g.write('id,name\n1,abcdefghijklmnopqrst\n')
r = w.orch('schema', 'diff', '--table', 'd', '--connection', 'warehouse', w.path('loose.csv'))
same((r.rc, 'TOO_LONG' in r.out, 'missing' in r.out), (5, True, True), 'a file against a table by name') or diag(r.out + r.err)
w.sql("CREATE TABLE euro (amount DECIMAL(12,2), load_hour DATETIME)")
for h in range(4):
    w.put(f'euro/{hour_key(h)}', 'amount\n"1.234,50"\n"-7,00"\n')
w.pipeline('euro', source_prefix='euro/', target_table='euro', columns={'amount': {'to': 'amount', 'decimal': ',', 'group': '.'}}, constants={'load_hour': '{partition}'})
r = w.orch('schema', 'diff', 'euro')
same((r.rc, 'takes every record as it is' in r.out), (0, True), "diff reads numbers by the column's own signs, and a constant fills its column") or diag(r.out + r.err)
r = w.orch('schema', 'infer', 'euro', '-o', 'json')
ok('VARCHAR' not in r.out, 'and so does infer') or diag(r.out + r.err)
same(w.orch('schema', 'diff', w.path('loose.csv')).rc, 2, 'a file without a table: usage')
same(w.orch('schema', 'diff', '--table', 'nowhere', '--connection', 'warehouse', w.path('loose.csv')).rc, 1, 'no such table')

# --- drift, end to end ---
def flow(policy, table, ddl, create=True, target='mysql', **more):
    for f in ['orch.db']:
        if os.path.exists(w.path(f)):
            os.unlink(w.path(f))
    for h in range(24):
        if os.path.exists(w.path('lake', hour_key(h))):
            w.remove(hour_key(h))
    if target == 'mysql':
        w.sql(f'DROP TABLE IF EXISTS {table}, orch_load, orch_fence, `_orch_stage_{table}`; CREATE TABLE {table} ({ddl})')
    else:
        if os.path.exists(w.path('target.db')):
            os.unlink(w.path('target.db'))
        w.target(f'CREATE TABLE {table} ({ddl})')
    w.pipeline(name='f', target=target, target_table=table, target_drift=policy, source_since='2022-06-05T01', source_until='2022-06-05T04', source_late_after='72h', **more)
    w.good('target', 'setup')
    w.good('lineage', 'add', table, '--pipeline', 'f')


def job(h):
    return (w.state('SELECT state, error, message FROM job WHERE part = ? ORDER BY n DESC', f'2022-06-05T{h:02}') or [[None, None, None]])[0]


EXTRA, FEWER = 'a,b,c\n1,2,3.5\n', 'a\n7\n'
flow('fail', 't', 'a INT, b INT')
w.put(hour_key(1), EXTRA)
w.put(hour_key(2), FEWER)
w.put(hour_key(3), 'b,a\n2,1\n')
w.orch('tick')
same([job(1)[:2], job(2)[:2], job(3)[0]], [['FAILED', 'Orch.SchemaMismatch'], ['FAILED', 'Orch.SchemaMismatch'], 'RECONCILED'], 'fail: more and fewer columns are refused, another order is not')
like(job(1)[2], "'c'", 'the extra one is named')
like(job(2)[2], "'b'", 'and the missing one')
same(w.sql('SELECT a, b FROM t'), [['1', '2']], 'only what fits is there')

flow('ignore-extra', 't', 'a INT, b INT')
w.put(hour_key(1), EXTRA)
w.put(hour_key(2), FEWER)
w.orch('tick')
same((job(1)[0], job(2)[0], w.sql('SELECT a, b FROM t')), ('RECONCILED', 'FAILED', [['1', '2']]), 'ignore-extra: left out; a missing one is still refused')

flow('null-missing', 't', 'a INT, b INT, c INT NOT NULL DEFAULT 9, d INT NOT NULL')
w.put(hour_key(1), 'a,d\n1,2\n')
w.put(hour_key(2), 'a,b\n1,2\n')
w.put(hour_key(3), 'a,d,x\n1,2,3\n')
w.orch('tick')
same(w.sql('SELECT a, b, c, d FROM t'), [['1', None, '9', '2']], 'null-missing: NULL, or the default')
same((job(1)[0], job(2)[0], job(3)[0]), ('RECONCILED', 'FAILED', 'FAILED'), 'NOT NULL without a default, and an extra one, are still refused')

flow('add-columns', 't', 'a INT, b INT')
w.put(hour_key(1), 'a,b\n1,2\n')
w.put(hour_key(2), 'a,b,score,Town,born,id\n3,4,0.5,Z\u00fcrich,2000-01-02,9223372036854775808\n5,6,NA,NA,NA,7\n')
w.put(hour_key(3), 'a,b\n8,9\n')
w.good('tick')
same([job(h)[0] for h in (1, 2, 3)], ['RECONCILED'] * 3, 'add-columns: every hour is loaded and verified')
same(w.sql('SELECT a, b, score, Town, born, id FROM t ORDER BY a'), [['1', '2', None, None, None, None], ['3', '4', '0.5', 'Z\u00fcrich', '2000-01-02', '9223372036854775808'], ['5', '6', None, None, None, '7'], ['8', '9', None, None, None, None]],
     'the cells of new columns are there; rows of before, and of a later file without them, have NULL')
kinds = dict(w.sql("SELECT COLUMN_NAME, CONCAT(COLUMN_TYPE, ' ', IS_NULLABLE) FROM information_schema.COLUMNS WHERE TABLE_NAME = 't' AND TABLE_SCHEMA = 'w'"))
same((kinds['score'], kinds['Town'], kinds['born'], kinds['id']), ('double YES', 'varchar(255) YES', 'date YES', 'bigint(20) unsigned YES'), 'wide and nullable')
same(w.one("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_NAME = '_orch_stage_t' AND COLUMN_NAME IN ('score', 'Town', 'born', 'id')"), '4', 'the staging table has them too')
r = w.good('logs', 'f/2022-06-05T02')
like(r.out, 'adds column', 'logs tell of it')
like(r.out, 'score DOUBLE to table t: the header of part-0.csv has it', 'which, of what type, and why')

w.put(hour_key(4), 'a,b,' + ','.join(f'n{i}' for i in range(17)) + '\n1,2' + ',0' * 17 + '\n')
w.orch('run', 'f')
same(job(4)[:2], ['FAILED', 'Orch.SchemaMismatch'], 'seventeen new names at once are no drift')
like(job(4)[2], '17 names that table t lacks', 'and it says why')
same(w.one("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_NAME = 't' AND TABLE_SCHEMA = 'w' AND COLUMN_NAME LIKE 'n%'"), '0', 'none of them was added')

# killed at each point, then run again: one column, every row once
for point in ['drift.told', 'drift.staged', 'drift.altered', 'ingest.begun', 'ingest.after_commit']:
    flow('add-columns', 't', 'a INT')
    w.put(hour_key(1), 'a,late\n1,x\n')
    r = w.orch('tick', fault=f'{point}=kill')
    ok(r.rc == -9, f'killed at {point}')
    w.good('tick')
    got = (w.sql('SELECT a, late FROM t'), w.one("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_NAME IN ('t', '_orch_stage_t') AND TABLE_SCHEMA = 'w' AND COLUMN_NAME = 'late'"), job(1)[0])
    same(got, ([['1', 'x']], '2', 'RECONCILED'), f'killed at {point}: the next tick ends it, once')

# raced: another one adds the column between our look and our ALTER
for who, stmt, kind in [('the same', 'ALTER TABLE t ADD COLUMN late BIGINT NULL', 'bigint(20)'), ('another type', 'ALTER TABLE t ADD COLUMN late VARCHAR(30) NULL', 'varchar(30)'), ('one of two', 'ALTER TABLE t ADD COLUMN Late2 INT NULL', 'bigint(20)')]:
    flow('add-columns', 't', 'a INT')
    w.put(hour_key(1), 'a,late,late2\n1,5,6\n')
    p = w.spawn('tick', fault=f'drift.told=wait:{w.path("go")}', fault_log=w.path('passed'))
    for _ in range(600):
        if os.path.exists(w.path('passed')) and 'drift.told' in open(w.path('passed')).read():
            break
        time.sleep(.05)
    w.sql(stmt)
    open(w.path('go'), 'w').close()
    out, errs = p.communicate(timeout=60)
    os.unlink(w.path('go')), os.unlink(w.path('passed'))
    kinds = dict(w.sql("SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_NAME = 't' AND TABLE_SCHEMA = 'w'"))
    same((p.returncode, w.sql('SELECT a, late, late2 FROM t'), kinds['late']), (0, [['1', '5', '6']], kind), f'{who} was added meanwhile: loaded all the same') or diag(errs)

# one who may not
flow('add-columns', 't', 'a INT')
w.sql("CREATE USER IF NOT EXISTS poor@'127.0.0.1' IDENTIFIED BY 'loader-secret'; GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON w.* TO poor@'127.0.0.1'")
c = json.loads(open(w.path('orch.json')).read())
c['connections']['warehouse']['url'] = c['connections']['warehouse']['url'].replace('loader@', 'poor@')
w.write_config(c)
w.put(hour_key(1), 'a,late\n1,5\n')
w.orch('tick')
same(job(1)[1], 'Orch.AccessDenied', 'without the right to ALTER: refused as such')
like(w.orch('status').out, 'GRANT ALTER', 'with what to grant')

r = w.orch('doctor', '-o', 'json')
like(' '.join(x['text'] for x in json.loads(r.out)['needs']), 'GRANT ALTER ON `w`.`t` TO', 'doctor asks for it, under this policy')

# SQLite
flow('add-columns', 't', 'a INTEGER, b TEXT', target='sqlite')
w.put(hour_key(1), 'a,b,big,when\n1,x,12345678901234567890.5,2022-06-05 10:00:00.5\n')
w.put(hour_key(2), 'a,b\n2,y\n')
r = w.orch('tick', fault='drift.altered=kill')
ok(r.rc == -9, 'SQLite: killed after the ALTER')
w.good('tick')
same(w.target('SELECT a, b, big, "when" FROM t ORDER BY a'), [[1, 'x', '12345678901234567890.5', '2022-06-05 10:00:00.500000'], [2, 'y', None, None]], 'SQLite: added, digit for digit, once')

# S3
v = World('s3')
v.pipeline(target='sqlite', source_prefix='in/')
for i, text in enumerate(['x\n1\n', 'x\n-200\n']):
    v.put(f'in/2022/{i}.csv', text)
v.put('in/2022/note.txt', 'no csv')
v.put('in/2023/9.csv', 'x\n1.5\n')
for word, want, n in [('s3://lake/in/2022/', 'SMALLINT NOT NULL', 2), ('s3://lake/in/2022/0.csv', 'TINYINT UNSIGNED NOT NULL', 1), ('s3://lake/in/', 'DOUBLE NOT NULL', 3)]:
    r = v.orch('schema', 'infer', word, '-o', 'json')
    doc = json.loads(r.out) if r.rc == 0 else {}
    same((r.rc, doc.get('files'), doc.get('columns') and types(doc)['x']), (0, n, want), f'{word}: {n} files') or diag(r.err)
same(v.orch('schema', 'infer', 's3://lake/nothing/').rc, 1, 'a prefix with nothing below it')
same(v.orch('schema', 'infer', 's3://elsewhere/x.csv').rc, 3, 'a bucket that no connection knows')
done()

#!/usr/bin/python3
# orch backup and orch restore: every type, large tables, kills, damage, foreign keys; folder and radosgw; the state file.
import glob, gzip, hashlib, json, os, shutil, signal, sqlite3, subprocess, sys
sys.path.insert(0, os.path.join(os.environ['ORCH_SOURCE'], 'tests', 'lib'))
from world import World, ok, same, like, diag, done

w = World('mysql', 's3')
B = w.path('backups')
w.write_config({'state': 'orch.db', 'tick': {'linger': '0s'},
                'extracts': {'hr': {'schedule': 'rate(1 day)', 'source': {'connection': 'warehouse'}, 'target': {'connection': 'lake', 'prefix': 'hr/'}, 'tables': [{'table': 'every'}]}}, 'connections': {
    'lake': {'url': f's3://{w.bucket}/', 'endpoint': w.endpoint, 'path_style': True, 'region': 'us-east-1'},
    'warehouse': {'url': f'mysql://loader@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}}})


def backup(*args, to=B, **env):
    return w.orch('backup', *args, '--to', to, '-o', 'json', **env)


def restore(*args, source=B, **env):
    return w.orch('restore', *args, '--from', source, '-o', 'json', **env)


def checksum(table):
    return w.sql(f'CHECKSUM TABLE {table} EXTENDED')[0][1]


def tables():
    return sorted(r[0] for r in w.sql('SHOW TABLES'))


def ddl(table):
    return w.sql(f'SHOW CREATE TABLE {table}')[0][1]


def error(r, rc, text, what):
    if not ok(r.rc == rc and text in r.err, what):
        diag(f'exit {r.rc}\n{r.out}\n{r.err}')


# --- every type ---
w.sql(r"""SET NAMES utf8mb4; SET sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';
CREATE TABLE every (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, ti TINYINT, tu TINYINT UNSIGNED, si SMALLINT, mi MEDIUMINT, i INT, iu INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED,
 d DECIMAL(65,30), f FLOAT, db DOUBLE, c CHAR(5), v VARCHAR(50), t TEXT, lt LONGTEXT, e ENUM('a','b''c',''), s SET('x','y'), j JSON, bi BINARY(4), vb VARBINARY(20), bl BLOB,
 da DATE, dt DATETIME, dt6 DATETIME(6), ts TIMESTAMP NULL, ts3 TIMESTAMP(3) NULL, tm TIME, tm6 TIME(6), y YEAR, bit1 BIT, bit64 BIT(64), g GEOMETRY, p POINT, u UUID, i6 INET6,
 hidden INT INVISIBLE, `odd name,"` INT, latin VARCHAR(20) CHARACTER SET latin1, twice BIGINT AS (i * 2) STORED, thrice BIGINT AS (mi * 3) VIRTUAL, CHECK (tu < 256), KEY (v), UNIQUE KEY (b)) CHARACTER SET utf8mb4 COMMENT='it''s; "all"';
INSERT INTO every (id,ti,tu,si,mi,i,iu,b,bu,d,f,db,c,v,t,lt,e,s,j,bi,vb,bl,da,dt,dt6,ts,ts3,tm,tm6,y,bit1,bit64,g,p,u,i6,hidden,`odd name,"`,latin) VALUES
 (0,-128,0,-32768,-8388608,-2147483648,0,-9223372036854775808,0,-99999999999999999999999999999999999.999999999999999999999999999999,-0.1,-1.7976931348623157e308,'','','','', 'a','', '[]','a','','','1000-01-01','1000-01-01 00:00:00','9999-12-31 23:59:59.999999','1970-01-01 00:00:01','2038-01-19 03:14:07.999','-838:59:59','-00:00:00.000001',1901,0,0,NULL,POINT(1,2),'01234567-89ab-cdef-0123-456789abcdef','::1',7,1,'caf\é'),
 (18446744073709551614,127,255,32767,8388607,2147483647,4294967295,9223372036854775807,18446744073709551615,0.000000000000000000000000000001,3.4028235e38,5e-324,'abc','Zoë 😀','nul\0in','a,"b"\r\n','b''c','x,y','{"a": [1, null]}',x'00ff',x'fffe',x'00','9999-12-31','9999-12-31 23:59:59','1000-01-01 00:00:00.000001','2022-03-27 02:30:00',NULL,'838:59:59','23:59:59.999999',2155,1,~0,ST_GeomFromText('LINESTRING(0 0,1 1)'),NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO every (id) VALUES (5);
CREATE TABLE zeros (id INT PRIMARY KEY, d DATE, dt DATETIME(3), ts TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00', v VARCHAR(9));
INSERT INTO zeros VALUES (1,'0000-00-00','0000-00-00 00:00:00','0000-00-00 00:00:00','a'),(2,'2022-00-10','2022-02-31 01:02:03.456','2022-06-05 12:00:00','b'),(3,NULL,NULL,'2022-06-05 12:00:00',NULL);
CREATE TABLE bare (a INT, b DOUBLE, t VARCHAR(20)); INSERT INTO bare VALUES (1,0.1,'x'),(1,0.1,'x'),(NULL,NULL,NULL);
CREATE TABLE nothing (id INT PRIMARY KEY AUTO_INCREMENT) AUTO_INCREMENT=77;
CREATE TABLE lineage (v INT, _orch_load_id BIGINT UNSIGNED NOT NULL, _orch_line BIGINT UNSIGNED NOT NULL, PRIMARY KEY (_orch_load_id, _orch_line)); INSERT INTO lineage VALUES (1, 10, 1), (2, 10, 2)""")
names = ['every', 'zeros', 'bare', 'nothing', 'lineage']
before = {t: (checksum(t), ddl(t)) for t in names}
r = backup(*names, '--codec', 'null')
same(r.rc, 0, 'five tables are backed up')
if r.rc:
    diag(r.err)
rows = {d['table']: d for d in json.loads(r.out)['backups']}
same([(t, rows[t]['rows'], rows[t]['parts']) for t in names], [('every', 3, 1), ('zeros', 3, 1), ('bare', 3, 1), ('nothing', 0, 0), ('lineage', 2, 1)], 'each with its rows')
same([t for t in names if rows[t]['text_times']], ['zeros'], 'the one with dates of no calendar keeps them as text')
same(len({d['snapshot'] for d in rows.values()}), 1, 'all of one moment')
for t in names:
    r = restore(t, '--dry-run', '--empty')
    same((r.rc, json.loads(r.out)['restore']['done'] if r.rc == 0 else r.err), (0, False), f'{t}: a dry run')
for t in names:
    w.sql(f'DROP TABLE {t}')
r = restore('every', '--dry-run')
same((r.rc, 'every' in tables()), (0, False), 'a dry run makes nothing')
for t in names:
    r = restore(t)
    if not same((r.rc, r.rc == 0 and json.loads(r.out)['restore']['made']), (0, True), f'{t}: is made, and restored'):
        diag(r.err)
        continue
    same((checksum(t), ddl(t)), before[t], f'{t}: is what it was, DDL and all')
same(w.one("SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'w' AND TABLE_NAME = 'nothing'"), '77', 'the next number is kept')
error(restore('zeros'), 1, 'zeros is not empty', 'a second restore is refused')
w.sql("UPDATE every SET v = 'changed' WHERE id = 5; INSERT INTO every (id, b) VALUES (99, 99)")
for turn in 'once', 'twice':
    r = restore('every', '--empty')
    same((r.rc, checksum('every')), (0, before['every'][0]), f'--empty brings the same rows back, {turn}')
r = restore('every', '--into', 'other')
same((r.rc, w.sql('SELECT COUNT(*) FROM other')[0][0], checksum('other')), (0, '3', before['every'][0]), 'and --into a table of another name')
r = restore('every', '--into', 'w.again')
same((r.rc, 'again' in tables()), (0, True), 'or of another database')

# --- read by others ---
part = glob.glob(f'{B}/every/*.avro')[0]
if shutil.which('avrocat'):
    p = subprocess.run(['avrocat', part], capture_output=True, text=True, errors='replace')
    same((p.returncode, len(p.stdout.splitlines())), (0, 3), 'avrocat reads it')
else:
    ok(True, 'avrocat # SKIP is not installed')
try:
    import warnings
    warnings.simplefilter('ignore')  # it does not know local-timestamp-micros
    import avro.datafile, avro.io
    with open(part, 'rb') as f:
        got = list(avro.datafile.DataFileReader(f, avro.io.DatumReader()))
    same([g['ti'] for g in got], [-128, None, 127], "Python's avro reads it")
except ImportError:
    ok(True, "Python's avro # SKIP is not installed")

# --- what does not fit ---
w.sql('CREATE TABLE rounded (id INT PRIMARY KEY, d DATE, dt DATETIME, ts TIMESTAMP NULL, v VARCHAR(9)); CREATE TABLE smaller (id INT PRIMARY KEY, v VARCHAR(10)); CREATE TABLE typed (a INT, b VARCHAR(10), t VARCHAR(20)); CREATE TABLE more (a INT, b DOUBLE, t VARCHAR(20), z INT);'
      'CREATE TABLE narrow (a INT, b DOUBLE, t VARCHAR(20), UNIQUE KEY (a)); CREATE TABLE aria (a INT, b DOUBLE, t VARCHAR(20)) ENGINE=Aria; CREATE TABLE trig (a INT, b DOUBLE, t VARCHAR(20));'
      'CREATE TRIGGER tr BEFORE INSERT ON trig FOR EACH ROW SET NEW.a = 9; CREATE VIEW seen AS SELECT 1 AS a')
error(restore('bare', '--into', 'smaller'), 1, 'column a of the backup is missing in smaller', 'other columns are refused')
error(restore('bare', '--into', 'typed'), 1, 'column b is double in the backup and varchar(10) in typed', 'another type too')
error(restore('zeros', '--into', 'rounded'), 1, 'column dt is datetime(3) in the backup and datetime in rounded', 'digits that would be rounded')
error(restore('bare', '--into', 'more'), 1, 'column z of more is not in the backup', 'and a column that nothing fills')
error(restore('bare', '--into', 'narrow'), 1, 'Duplicate', 'a row that the table refuses ends it')
same(w.one('SELECT COUNT(*) FROM narrow'), '0', 'and nothing of it is there')
error(restore('bare', '--into', 'aria'), 1, 'of engine Aria', 'an engine without transactions is refused')
error(restore('bare', '--into', 'trig'), 1, 'has triggers (tr)', 'so are triggers')
error(restore('nobody'), 1, 'no backup of nobody', 'a table that has no backup')
error(backup('aria'), 3, 'of engine Aria', 'no snapshot holds Aria still')
error(backup('seen'), 3, 'is no table', 'a view is no table')
error(backup('bare', 'nobody'), 1, 'nobody', 'a table that is not there')
error(backup('bare', 'bare'), 2, 'twice', 'one that is named twice')
error(w.orch('backup', 'bare'), 2, '--to', 'without --to')
error(w.orch('backup', 'bare', '--to', 'gs://x/'), 2, 'no folder', 'a scheme that is none')
error(backup('bare', '--connection', 'lake'), 3, 'is no MySQL', 'a connection that is no database')

# --- foreign keys: over all rows, and never into another table ---
w.sql('CREATE TABLE boss (id INT PRIMARY KEY, manager INT, FOREIGN KEY (manager) REFERENCES boss (id)); SET foreign_key_checks=0; INSERT INTO boss VALUES (1, 3), (2, 1), (3, NULL);'
      'CREATE TABLE child (id INT PRIMARY KEY, b INT, FOREIGN KEY (b) REFERENCES boss (id) ON DELETE CASCADE); INSERT INTO child VALUES (1, 1), (2, 2)')
r = backup('boss', 'child')
same(r.rc, 0, 'tables with foreign keys')
w.sql('INSERT INTO boss VALUES (4, 3)')
r = restore('boss', '--empty')
same((r.rc, w.one('SELECT COUNT(*) FROM boss'), w.one('SELECT COUNT(*) FROM child')), (0, '3', '2'), 'emptied and restored without a row of the child deleted')
w.sql('INSERT INTO boss VALUES (4, 3); INSERT INTO child VALUES (3, 4)')
error(restore('boss', '--empty'), 1, 'refer to rows that w.boss does not hold', 'a child of a row that the backup has not is seen')
same(w.one('SELECT COUNT(*) FROM boss'), '4', 'and the table is as it was')
w.sql('SET foreign_key_checks=0; DROP TABLE boss')
error(restore('boss'), 1, 'refer to rows that w.boss does not hold', 'also where the table is made')
same('boss' in tables() or '_orch_restore_boss' in tables(), False, 'which then is not there')
w.sql('DELETE FROM child WHERE id = 3')
same(restore('boss').rc, 0, 'mended: it comes back')
w.sql('DROP TABLE child')
r = restore('child', '--into', 'child2')
same((r.rc, restore('child').rc), (0, 0), 'beside its own name and under it: names of constraints do not meet')
try:
    w.sql('INSERT INTO child VALUES (9, 9)')
    ok(False, 'the foreign key is there again')
except RuntimeError:
    ok(True, 'the foreign key is there again')

# --- 200,000 rows ---
w.sql("CREATE TABLE many (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60), x DOUBLE, d DECIMAL(12,2), at DATETIME); INSERT INTO many SELECT seq, CONCAT('name ', MD5(seq)), seq / 7, seq / 3, '2022-06-05' + INTERVAL seq SECOND FROM seq_1_to_200000")
every = checksum('many')
r = backup('many')
same((r.rc, json.loads(r.out)['backups'][0]['rows']), (0, 200000), '200,000 rows are backed up')
w.sql('DELETE FROM many WHERE id % 2 = 0')
same((restore('many', '--empty').rc, checksum('many')), (0, every), 'and restored')

# --- kills ---
w.sql("CREATE TABLE crowd (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60), x DOUBLE, d DECIMAL(12,2), at DATETIME); INSERT INTO crowd SELECT seq, CONCAT('name ', MD5(seq)), seq / 7, seq / 3, '2022-06-05' + INTERVAL seq SECOND FROM seq_1_to_40000")
total = checksum('crowd')
r = backup('crowd')
same(r.rc, 0, '40,000 rows are backed up')
manifest = json.loads(r.out)['backups'][0]['manifest']
with open(f'{B}/{manifest}') as f:
    m = json.load(f)
same((m['rows'], m['kind'], m['sql'].startswith('CREATE TABLE `crowd`')), (40000, 'full', True), 'with a manifest that has its DDL')
for p in m['parts']:
    with open(f"{B}/{p['key']}", 'rb') as f:
        data = f.read()
    same((len(data), hashlib.sha256(data).hexdigest()), (p['bytes'], p['sha256']), f'{p["key"]} has the size and SHA-256 that it says')
for point in ('restore.made', 'restore.begun', 'restore.batch', 'restore.batch=kill@8', 'restore.inserted', 'restore.before_commit', 'restore.committed', 'restore.renamed'):
    w.sql('DROP TABLE IF EXISTS crowd')
    r = restore('crowd', fault=point if '=' in point else f'{point}=kill')
    there = 'crowd' in tables()
    same((r.rc, there), (-9, point == 'restore.renamed'), f'killed at {point}: the table is not there, or whole')
    if there:
        same(checksum('crowd'), total, f'{point}: it is whole')
        error(restore('crowd'), 1, 'not empty', f'{point}: again is refused')
    else:
        r = restore('crowd')
        same((r.rc, checksum('crowd'), [t for t in tables() if t.startswith('_orch')]), (0, total, []), f'{point}: again brings it back, and leaves nothing else')
w.sql("UPDATE crowd SET name = 'later' WHERE id < 100; DELETE FROM crowd WHERE id > 30000")
later = checksum('crowd')
for point in ('restore.begun', 'restore.emptied', 'restore.batch', 'restore.inserted', 'restore.before_commit'):
    r = restore('crowd', '--empty', fault=f'{point}=kill')
    w.sql("SELECT COUNT(*) FROM crowd")
    same((r.rc, checksum('crowd')), (-9, later), f'--empty killed at {point}: the old rows are there')
r = restore('crowd', '--empty', fault='restore.committed=kill')
same((r.rc, checksum('crowd')), (-9, total), 'killed behind COMMIT: the new ones')
w.sql('DELETE FROM crowd WHERE id > 30000')
child = w.spawn('restore', 'crowd', '--empty', '--from', B, fault='restore.batch=stop@3')
os.waitpid(child.pid, os.WUNTRACED)
error(restore('crowd', '--empty'), 75, 'another restore of crowd is under way', 'two at a time: the second is refused')
os.killpg(child.pid, signal.SIGKILL)
child.communicate()

before_it = checksum('crowd')


def halfway(then):
    """A restore that stands still with rows on their way, then goes on."""
    p = w.spawn('restore', 'crowd', '--empty', '--from', B, fault='restore.batch=stop@3')
    os.waitpid(p.pid, os.WUNTRACED)
    then(p)
    os.killpg(p.pid, signal.SIGCONT)
    return p.communicate()[1], p.returncode


said, rc = halfway(lambda p: os.kill(p.pid, signal.SIGTERM))
same((rc, checksum('crowd')), (75, before_it), 'SIGTERM in the middle: the table is as it was')
like(said, 'stopped by a signal', 'and it says why')
said, rc = halfway(lambda p: w.server('mariadb', 'kill'))
w.start_mysql()
same((rc, checksum('crowd')), (75, before_it), 'the server killed in the middle: the table is as it was')
said, rc = halfway(lambda p: w.sql("INSERT INTO crowd (name) VALUES ('by another')"))
same((rc, w.one("SELECT COUNT(*) FROM crowd WHERE name = 'by another'")), (5, '1'), 'a row that another writes meanwhile is seen, and nothing is restored')
w.sql("DELETE FROM crowd WHERE name = 'by another'")

# --- kills of the backup ---
for point, whole in (('backup.dumped', False), ('backup.before_manifest', False), ('backup.after_manifest', True)):
    old = set(glob.glob(f'{B}/crowd/_manifest/crowd/*'))
    r = backup('crowd', fault=f'{point}=kill')
    same((r.rc, len(set(glob.glob(f'{B}/crowd/_manifest/crowd/*')) - old)), (-9, int(whole)), f'backup killed at {point}: it is whole or no backup')
    same(restore('crowd', '--dry-run', '--empty').rc, 0, f'{point}: what is there can be restored')
left = len(glob.glob(f'{B}/crowd/*.avro'))
r = backup('crowd', now='2100-01-01T00:00:00Z')
same((r.rc, len(glob.glob(f'{B}/crowd/*.avro'))), (0, left - 2 + 1), 'files of runs that died are swept a day later')
same(json.loads(restore('crowd', '--empty').out)['restore']['rows'], 30000, 'the newest is taken')
r = restore('crowd', '--empty', '--run', m['run'])
same((r.rc, checksum('crowd')), (0, total), 'or the one that is named')
error(backup('bare', 'crowd', fault='backup.dumped=error'), 75, '', 'one that fails')
same(len(glob.glob(f'{B}/bare/*.avro')), len(glob.glob(f'{B}/bare/_manifest/bare/*')), 'takes its files away')

# --- damage ---
part = f"{B}/{m['parts'][0]['key']}"
with open(part, 'r+b') as f:
    f.seek(5000)
    was = f.read(1)
    f.seek(5000)
    f.write(bytes([was[0] ^ 1]))
error(restore('crowd', '--empty', '--run', m['run']), 1, 'other bytes than were written', 'one bit is seen')
same(checksum('crowd'), total, 'before anything is written')
os.truncate(part, os.path.getsize(part) - 1)
error(restore('crowd', '--empty', '--run', m['run']), 1, 'where its manifest says', 'so is a byte that is missing')
os.unlink(part)
error(restore('crowd', '--empty', '--run', m['run']), 1, 'is not there', 'and a file')

# --- S3 ---
place = f's3://{w.bucket}/kept/'
r = backup('every', 'many', to=place)
same((r.rc, [d['rows'] for d in json.loads(r.out)['backups']] if r.rc == 0 else r.err), (0, [3, 200000]), 'to S3, by the endpoint of the connection to that bucket')
r = backup('bare', to='lake')
same(r.rc, 0, 'or a connection by its name')
w.sql('DROP TABLE many; DROP TABLE every')
same((restore('many', source=place).rc, checksum('many')), (0, every), 'and back')
same((restore('every', source=place).rc, checksum('every')), (0, before['every'][0]), 'every type too')
same(restore('bare', '--empty', source='lake').rc, 0, 'and by the name')
w.sql('DELETE FROM many')
r = restore('many', source=place, fault='restore.batch=kill@20')
same((r.rc, w.one('SELECT COUNT(*) FROM many')), (-9, '0'), 'killed: none of it')
same((restore('many', source=place).rc, checksum('many')), (0, every), 'again: all of it')
r = backup('many', to=place, fault='backup.dumped=kill')
same((r.rc, restore('many', '--dry-run', '--empty', source=place).rc), (-9, 0), 'a backup that was killed hides none that is there')

# --- docs/backup.md, line by line ---
w.sql("CREATE TABLE departments (id INT PRIMARY KEY, department VARCHAR(50)); CREATE TABLE jobs (id INT PRIMARY KEY, job VARCHAR(80));"
      "CREATE TABLE employees (id INT PRIMARY KEY, name VARCHAR(80), at DATETIME, department_id INT, job_id INT, FOREIGN KEY (department_id) REFERENCES departments (id), FOREIGN KEY (job_id) REFERENCES jobs (id));"
      "INSERT INTO departments VALUES (1, 'Sales'); INSERT INTO jobs VALUES (1, 'Clerk'); INSERT INTO employees VALUES (1, 'Ann', '2021-07-27 16:02:08', 1, 1), (2, 'Bob', NULL, NULL, 1)")
w.orch('tick')  # makes the state file
os.mkdir(w.path('kept'))
with open(os.path.join(os.environ['ORCH_SOURCE'], 'docs', 'backup.md'), encoding='utf-8') as f:
    lines = [line.strip() for line in f if line.startswith('    orch ')]
same(len(lines), 6, 'the page shows six commands')
for line in lines:
    r = w.orch(*[word.replace('/backups', w.path('kept')) for word in line.split()[1:]])
    error(r, 0, '', line)
same(w.sql('SELECT * FROM employees_before'), w.sql('SELECT * FROM employees'), 'and they do what it says')
for turn in 'once', 'again':
    for t in ('employees', 'departments', 'jobs'):
        w.sql(f'SET foreign_key_checks=0; DROP TABLE {t}')
    got = [w.orch('restore', t, '--from', w.path('kept/hr')).rc for t in ('departments', 'jobs', 'employees')]
    same((got, w.one('SELECT COUNT(*) FROM employees')), ([0, 0, 0], '2'), f'the three tables from nothing, {turn}')

# --- the state file ---
w.pipeline(target_create=True, target_table='loans', csv_header=True)
w.put('yyyy=2022/mm=06/dd=05/hh=00/a.csv', 'id,age\n1,30\n')
w.config_json['pipelines']['loans'].update(columns={'id': 'id', 'age': 'age'})
w.write_config(w.config_json)
w.now = '2022-06-05T01:30:00Z'
r = w.orch('target', 'setup')
r = w.orch('run', 'loans')
states = w.path('orch.copy')
r = w.orch('backup', 'state', '--to', states, '-o', 'json')
same((r.rc, json.loads(r.out)['jobs'] if r.rc == 0 else r.err), (0, 1), 'the state file is copied')
same(oct(os.stat(states).st_mode & 0o777), '0o600', 'for its owner alone')
with sqlite3.connect(states) as db:
    same([db.execute('PRAGMA integrity_check').fetchone()[0], db.execute('SELECT COUNT(*) FROM job').fetchone()[0]], ['ok', 1], 'whole, and one file')
same(os.path.exists(states + '-wal'), False, 'without a log beside it')
r = w.orch('restore', 'state', '--from', states, '--verify', '-o', 'json')
same((r.rc, json.loads(r.out)['result'] if r.rc == 0 else r.err), (0, 'can be read whole'), 'and verified')
with sqlite3.connect(w.path('orch.db')) as db:
    db.execute('BEGIN IMMEDIATE')
    same(w.orch('backup', 'state', '--to', states).rc, 0, 'also while another process writes')
    db.rollback()
r = w.orch('backup', 'state', '--to', states + '2', fault='state.copied=kill')
same((r.rc, os.path.exists(states + '2')), (-9, False), 'killed: no copy by that name')
w.put('yyyy=2022/mm=06/dd=05/hh=01/a.csv', 'id,age\n2,31\n')
w.now = '2022-06-05T02:30:00Z'
w.orch('run', 'loans')
same(w.state('SELECT COUNT(*) FROM job')[0][0], 2, 'an hour later there is another job')
error(w.orch('restore', 'state', '--from', states), 2, '--verify', 'which of the two it is to do must be said')
child = w.spawn('run', 'loans', now='2022-06-05T03:30:00Z', fault='store.before_commit=stop@8')
os.waitpid(child.pid, os.WUNTRACED)
r = w.orch('restore', 'state', '--from', states, '--yes')
same(r.rc, 75, 'refused while a run is under way')
os.killpg(child.pid, signal.SIGKILL)
child.communicate()
w.orch('tick', now='2022-06-05T03:31:00Z')
r = w.good('restore', 'state', '--from', states, '--yes')
same((r.rc, w.state('SELECT COUNT(*) FROM job')[0][0]), (0, 1), 'it is the state file again')
like(r.err, 'before-restore', 'what was there is kept')
w.now = '2022-06-05T03:40:00Z'
r = w.orch('run', 'loans')
same((w.one('SELECT COUNT(*) FROM loans'), w.state("SELECT COUNT(*) FROM job WHERE state = 'RECONCILED'")[0][0]), ('2', 2), 'and the ledger tells the rest: every row once')
with open(states, 'r+b') as f:
    f.seek(8192)
    f.write(b'\xff' * 3000)
r = w.orch('restore', 'state', '--from', states, '--verify')
ok(r.rc != 0, 'a damaged copy is told')
error(w.orch('restore', 'state', '--from', w.path('orch.json'), '--verify'), 75, 'not a database', 'and what is no copy at all')

# --- orch load from the same S3 ---
os.unlink(w.path('orch.db'))
w.sql('CREATE TABLE positions (id INT NOT NULL PRIMARY KEY, job VARCHAR(60) NOT NULL)')
c = w.config_json
c['tables'] = {'positions': {'connection': 'warehouse', 'required': 'all'}}
w.write_config(c)
w.good('target', 'setup')
plain = ''.join(f'{i},Job {i}\n' for i in range(1, 5001)) + '5001,\n'
w.put('hr/jobs.csv', plain)
w.put('hr/more jobs+.csv.gz', gzip.compress(plain.replace('Job', 'More').replace('5001,', '9,').encode()))
r = w.orch('load', f's3://{w.bucket}/hr/jobs.csv', '--table', 'positions', '-o', 'json', fault='intake.rows=kill')
same((r.rc, w.one('SELECT COUNT(*) FROM positions')), (-9, '0'), 'orch load from s3://, killed in its midst: nothing is there')
r = w.orch('load', f's3://{w.bucket}/hr/jobs.csv', '--table', 'positions', '-o', 'json')
f = json.loads(r.out)['files'][0]
same((r.rc, f['stored'], f['rejected'], f['sha256'], w.sql('SELECT COUNT(*), SUM(id) FROM positions')), (0, 5000, 1, hashlib.sha256(plain.encode()).hexdigest(), [['5000', str(5000 * 5001 // 2)]]), 'again: every row once, by the key of its bytes')
with open(w.path('same.csv'), 'w') as f:
    f.write(plain)
same(json.loads(w.orch('load', w.path('same.csv'), '--table', 'positions', '-o', 'json').out)['files'][0]['result'], 'BEFORE', 'the same bytes from a folder are known')
w.sql('DELETE FROM positions')
f = json.loads(w.orch('load', f's3://{w.bucket}/hr/more jobs+.csv.gz', '--table', 'positions', '-o', 'json').out)['files'][0]
same((f['result'], f['stored'], w.one("SELECT job FROM positions WHERE id = 7")), ('LOADED', 5000, 'More 7'), 'packed, and under a name that has to be encoded')
error(w.orch('load', f's3://{w.bucket}/hr/none.csv', '--table', 'positions'), 1, 'none.csv', 'an object that is not there')
done()

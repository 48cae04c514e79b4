#!/usr/bin/env python3
# orch extract: tables into files, incremental windows, full, ranges, watermarks, manifests.
import csv, glob, io, json, os, sys, time
sys.path.insert(0, os.path.join(os.environ['ORCH_SOURCE'], 'tests', 'lib'))
from world import World, ok, same, like, done

w = World('mysql')


def extract(name='hr', **x):
    body = {'schedule': 'rate(1 minute)', 'source': {'connection': 'warehouse'}, 'target': {'connection': 'lake', 'prefix': ''}, 'lag': '0s', **x}
    w.write_config({'state': 'orch.db', 'tick': {'linger': '0s'}, 'extracts': {name: body}, 'connections': {
        'lake': {'url': f'file://{w.dir}/lake/'}, 'warehouse': {'url': f'mysql://loader@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}}})


def files(pattern='**/*'):
    return sorted(os.path.relpath(p, w.path('lake')) for p in glob.glob(w.path('lake', pattern), recursive=True) if os.path.isfile(p))


def rows_of(key):
    with open(w.path('lake', key), newline='') as f:
        return list(csv.reader(f))


def manifests(table):
    out = []
    for key in files(f'**/_manifest/{table}/*_manifest.json'):
        with open(w.path('lake', key)) as f:
            out.append(json.load(f))
    return out


def fresh():
    for p in ('orch.db', 'orch.db-wal', 'orch.db-shm'):
        if os.path.exists(w.path(p)):
            os.unlink(w.path(p))
    os.system(f'rm -rf {w.path("lake")}')
    os.mkdir(w.path('lake'))


# --- full ---
w.sql("SET NAMES utf8mb4; CREATE TABLE employees (id INT PRIMARY KEY, name VARCHAR(20), salary DECIMAL(8,2), manager_id INT, hired DATE, note TEXT) CHARACTER SET utf8mb4;"
      "INSERT INTO employees VALUES (1,'Ann',10.50,NULL,'1994-06-07','a \"quote\", and\nlines'),(2,'Bob',7,1,'1994-06-07',''),(3,'Zoë 😀',8.25,103,'1995-05-05',NULL)")
extract(tables=[{'table': 'employees'}])
r = w.good('extract', 'hr')
same(r.rc, 0, 'a full extract')
parts = [k for k in files() if k.endswith('.csv')]
same(len(parts), 1, 'one file')
same(parts[0].startswith('hr/employees_'), True, 'under its task, with the table and a time')
with open(w.path('lake', parts[0]), 'rb') as f:
    same(f.read().decode(), 'id,name,salary,manager_id,hired,note\n1,Ann,10.50,,1994-06-07,"a ""quote"", and\nlines"\n2,Bob,7.00,1,1994-06-07,""\n3,Zoë 😀,8.25,103,1995-05-05,\n',
         'quotes, newlines, NULL apart from empty')
m = manifests('employees')
same((len(m), m[0]['rows'], m[0]['seq'], m[0]['kind'], m[0]['parts'][0]['key']), (1, 3, 0, 'full', parts[0]), 'its manifest')
r = w.good('extract', 'hr', '-o', 'json')
doc = json.loads(r.out)['extractions']
same([(d['table'], d['state'], d['rows'], d['parts'], d['kind']) for d in doc], [('employees', 'PUBLISHED', 3, 1, 'FULL')], 'a second full run, as JSON')
same([m['seq'] for m in manifests('employees')], [0, 1], 'has the next number')
same(len([k for k in files() if k.endswith('.csv')]), 2, 'and a file of its own')
r = w.orch('status')
like(r.out, 'employees', 'status tells of it')
same(r.rc, 0, 'and all is well')

# --- by a date that ties, day by day ---
fresh()
extract(tables=[{'table': 'employees', 'watermark': ['hired']}])
w.sql("DELETE FROM employees; INSERT INTO employees (id, name, hired) VALUES (1,'a','1994-06-06'),(2,'b','1994-06-07'),(3,'c','1994-06-07'),(4,'d','1994-06-07'),(5,'e','1994-06-07'),(6,'f','1994-06-08'),(7,'g',NULL)")
got = []
for day in range(5, 12):
    for hour in (1, 13):
        r = w.good('extract', 'hr', now=f'1994-06-{day:02d}T{hour:02d}:00:30Z')
for m in manifests('employees'):
    for part in m['parts']:
        got += [row[0] for row in rows_of(part['key'])[1:]]
same(sorted(got), ['1', '2', '3', '4', '5', '6'], 'every row once, ties and all, and no file of an empty window')
same([m['rows'] for m in manifests('employees')], [1, 4, 1], 'a manifest for each day that had rows')
same([m['watermark']['to'] for m in manifests('employees')], ['1994-06-07 00:00:00', '1994-06-08 00:00:00', '1994-06-09 00:00:00'], 'a window ends when the day is over')

# --- the state file is lost ---
for p in ('orch.db', 'orch.db-wal', 'orch.db-shm'):
    if os.path.exists(w.path(p)):
        os.unlink(w.path(p))
w.sql("INSERT INTO employees (id, name, hired) VALUES (8,'h','1994-06-09')")
r = w.good('extract', 'hr', now='1994-06-12T00:00:30Z')
same([m['seq'] for m in manifests('employees')], [0, 1, 2, 3], 'the sequence goes on where the newest manifest says')
same(manifests('employees')[-1]['rows'], 1, 'and takes what is new alone')

# --- ranges and full beside the sequence ---
r = w.good('extract', 'hr', '--from', '1994-06-07', '--to', '1994-06-08', '--reason', 'lost', '-o', 'json', now='1994-06-13T00:00:30Z')
doc = json.loads(r.out)['extractions']
same([(d['kind'], d['rows'], d['state']) for d in doc], [('RANGE', 4, 'PUBLISHED')], 'a range')
r = w.good('extract', 'hr', '--full', '-o', 'json', now='1994-06-13T00:01:30Z')
same([(d['kind'], d['rows']) for d in json.loads(r.out)['extractions']], [('FULL', 8)], 'everything')
same([m['seq'] for m in manifests('employees')], [0, 1, 2, 3, -1, -1], 'stand beside the sequence')
r = w.good('extract', 'hr', '--hours', '48', '-o', 'json', now='1994-06-16T00:00:00Z')
same([(d['kind'], d['rows'], d['from'], d['to']) for d in json.loads(r.out)['extractions']], [('RANGE', 0, '1994-06-14 00:00:00', '1994-06-16 00:00:00')], 'the last two days')
r = w.good('extract', 'hr', '--dry-run', '--full', now='1994-06-10T00:00:00Z')
like(r.out, 'SELECT', 'a dry run tells the statement')

# --- what is refused ---
extract(tables=[{'table': 'employees', 'columns': ["'id'", 'name']}])
r = w.orch('extract', 'hr')
same(r.rc, 3, 'a quoted constant as a column is refused')
like(r.err, "id", 'with the bare name')
extract(tables=[{'table': 'employees', 'watermark': ['name']}])
r = w.orch('extract', 'hr')
same(r.rc, 3, 'a watermark that is a text is refused')
extract(tables=[{'table': 'nobody'}])
r = w.orch('extract', 'hr')
ok(r.rc in (1, 3), 'a table that is not there fails')
like(r.err, 'nobody', 'and is named')

for path, parts, what in (('{table}[_{timestamp}_{part}]', None, 'a time that stands in [ ] alone'), ('[{table}]_{timestamp}', None, 'a table that does')):
    extract(tables=[{'table': 'employees'}, {'table': 'employees', 'name': 'again'}], path=path, part_bytes=parts)
    r = w.orch('extract', 'hr')
    same(r.rc, 3, f'{what} is in no name where there is one part, so it is refused')

for prefix in ('/exports/', '../other/', 'a/../../b/'):
    extract(tables=[{'table': 'employees'}], target={'connection': 'lake', 'prefix': prefix})
    r = w.orch('validate')
    same(r.rc, 3, f'a prefix {prefix} leaves the URL')

# --- where the first window begins, however it is written ---
fresh()
for since in ('1994-06-07T00', '1994-06-07T00:00:00Z', '1994-06-07 00:00', '1994-06-07'):
    extract(tables=[{'table': 'employees', 'watermark': ['hired']}], since=since)
    r = w.good('extract', 'hr', '--dry-run', '-o', 'json', now='1994-06-09T00:00:30Z')
    same([x['from'] for x in json.loads(r.out)['plan']], ['1994-06-07 00:00:00'], f'since {since}')

for path in ('{task}/{nope}_{timestamp}', '{task}/x_{timestamp}[_{part}'):
    extract(tables=[{'table': 'employees'}], path=path)
    same(w.orch('validate').rc, 3, f'{path} is refused before a run')

# --- parts, gzip, two tables ---
fresh()
w.sql("CREATE TABLE many (id INT PRIMARY KEY, t VARCHAR(100)); INSERT INTO many SELECT seq, REPEAT('x', 80) FROM seq_1_to_60000")
extract(tables=[{'table': 'many'}, {'table': 'employees'}], part_bytes='1MiB', compress='gzip', parallel=2, page_rows=7000, verify='full')
r = w.good('extract', 'hr')
m = manifests('many')[0]
same(m['rows'], 60000, 'many rows')
import gzip
got = []
for part in m['parts']:
    with gzip.open(w.path('lake', part['key']), 'rt', newline='') as f:
        rows = list(csv.reader(f))
    same(len(rows) - 1, part['rows'], f"{part['key']} has the rows that the manifest says")
    got += [int(x[0]) for x in rows[1:]]
same(got, list(range(1, 60001)), 'each once, in order')
same(manifests('employees')[0]['snapshot']['at'], m['snapshot']['at'], 'both tables from one moment')
extract(tables=[{'table': 'many'}], part_bytes='1MiB', page_rows=7000)
r = w.good('extract', 'hr')
m = manifests('many')[1]
same(len(m['parts']) > 1, True, 'several parts')
same(sum(p['rows'] for p in m['parts']), 60000, 'with all rows')
same([os.path.getsize(w.path('lake', p['key'])) for p in m['parts']], [p['bytes'] for p in m['parts']], 'their sizes are as said')

# --- a query by a date: today's rows come when today is over, as with a table ---
fresh()
w.sql("CREATE TABLE teams (id INT PRIMARY KEY, team VARCHAR(20)); INSERT INTO teams VALUES (1, 'x'), (2, 'y');"
      "DELETE FROM employees; INSERT INTO employees (id, name, hired, manager_id) VALUES (1,'a','1994-06-06',1),(2,'b','1994-06-07',2),(3,'c','1994-06-07',1)")
extract(tables=[{'name': 'joined', 'query': 'SELECT e.id, e.name, e.hired, t.team FROM employees e JOIN teams t ON t.id = e.manager_id -- a remark', 'watermark': ['hired'], 'order': ['id']}], timezone_of_output='UTC')
for day, hour in ((7, 9), (7, 18), (8, 9), (8, 18)):
    w.good('extract', 'hr', now=f'1994-06-{day:02d}T{hour:02d}:00:30Z')
same([m['rows'] for m in manifests('joined')], [1, 2], 'windows of dates meet also over a query')
same(rows_of(manifests('joined')[1]['parts'][0]['key']), [['id', 'name', 'hired', 'team'], ['2', 'b', '1994-06-07', 'y'], ['3', 'c', '1994-06-07', 'x']], 'with the rows of the join')

# --- the other formats ---
w.sql("INSERT INTO employees (id) VALUES (4),(5),(6),(7),(8)")
fresh()
w.sql("UPDATE employees SET hired = NULL WHERE id = 8")
for kind, suffix in (('tsv', '.tsv'), ('jsonl', '.jsonl'), ('avro', '.avro')):
    extract(tables=[{'table': 'employees'}], format=kind)
    r = w.good('extract', 'hr')
    same(manifests('employees')[-1]['parts'][0]['key'].endswith(suffix), True, f'{kind} has its suffix')
    with open(w.path('lake', manifests('employees')[-1]['parts'][0]['key']), 'rb') as f:
        data = f.read()
    if kind == 'jsonl':
        same([json.loads(x)['id'] for x in data.decode().splitlines()], [1, 2, 3, 4, 5, 6, 7, 8], 'JSON Lines has the rows')
    if kind == 'avro':
        same(data[:4], b'Obj\x01', 'Avro is an object container')
        ok(b'CREATE TABLE `employees`' in data, 'with the table')

# --- a watermark speaks of its own rows alone ---
fresh()
w.sql("DROP TABLE IF EXISTS moves; CREATE TABLE moves (id INT PRIMARY KEY, a TIMESTAMP NULL, b TIMESTAMP NULL); INSERT INTO moves VALUES (1, '2020-01-01', '2020-01-01'), (2, '2020-01-02', '2020-01-02');"
      "CREATE DATABASE IF NOT EXISTS w2; GRANT ALL ON w2.* TO loader@'127.0.0.1'; CREATE OR REPLACE TABLE w2.moves LIKE moves; INSERT INTO w2.moves VALUES (7, '2019-01-01', '2019-01-01')")
extract(tables=[{'table': 'moves', 'watermark': ['a']}])
same(w.good('extract', 'hr').rc, 0, 'a first run')
for what, config in (('another column', dict(tables=[{'table': 'moves', 'watermark': ['b']}])), ('another prefix', dict(tables=[{'table': 'moves', 'watermark': ['a']}], target={'connection': 'lake', 'prefix': 'other/'})),
                     ('another database', dict(tables=[{'table': 'w2.moves', 'name': 'moves', 'watermark': ['a']}]))):
    extract(**config)
    r = w.orch('extract', 'hr')
    same((r.rc, 'is that of' in r.err, '--moved' in r.err), (3, True, True), f'{what} is refused, and told')
r = w.good('extract', 'hr', '--moved')
same(r.rc, 0, 'a person says that the rows are the same')
same(w.good('extract', 'hr').rc, 0, 'and it goes on')

# --- what waits is taken by the next tick, and what is new besides ---
fresh()
extract(tables=[{'table': 'moves', 'watermark': ['a']}], schedule='cron(0 0 1 1 ? 2199)')
w.good('extract', 'hr')


def incremental(n):
    """Runs until what was inserted just now is older than the second that is not over."""
    for _ in range(40):
        w.good('extract', 'hr')
        if len([m for m in manifests('moves') if m['kind'] == 'incremental']) >= n:
            break
        time.sleep(0.2)
    return len([m for m in manifests('moves') if m['kind'] == 'incremental'])


w.sql("INSERT INTO moves VALUES (3, NOW(), NULL)")
w.good('replay', 'hr', '--from', '2020-01-01', '--to', '2020-01-02', '--queue', '--reason', 'asked')
same(w.good('tick').rc, 0, 'a tick, long before the schedule')
same([(m['kind'], m['rows']) for m in manifests('moves')], [('incremental', 2), ('range', 1)], 'takes the range that waited')
w.good('replay', 'hr', '--from', '2020-01-01', '--to', '2020-01-03', '--queue', '--reason', 'asked')
same(incremental(2), 2, 'a run takes what is new besides')
same(sorted(m['rows'] for m in manifests('moves') if m['kind'] == 'range'), [1, 2], 'and what waited')
w.sql("INSERT INTO moves VALUES (4, NOW(), NULL)")
time.sleep(1.1)  # so that it could be taken
w.good('extract', 'hr', '--from', '2020-01-01', '--to', '2020-01-02')
same(len([m for m in manifests('moves') if m['kind'] == 'incremental']), 2, 'a range alone takes nothing else')

# --- a table that is taken out of the config holds nothing back ---
extract(tables=[{'table': 'moves', 'watermark': ['a']}, {'table': 'teams'}])
w.orch('extract', 'hr', fault='extract.snapshot=error')
w.orch('extract', 'hr', fault='extract.snapshot=kill')
extract(tables=[{'table': 'moves', 'watermark': ['a']}])
same(incremental(3), 3, 'it is left out of the run, and the others go on')
same(w.state("SELECT COUNT(*) FROM extraction WHERE name = 'teams' AND state = 'SUPERSEDED'"), [[1]], 'with a word in the state')

# --- SQL of one's own that the server does not take ---
extract(tables=[{'table': 'moves', 'where': 'id > '}])
for words in (('extract', 'hr'), ('extract', 'hr', '--dry-run')):
    r = w.orch(*words)
    same((r.rc, 'where' in r.err), (3, True), f'{" ".join(words)}: refused, with what to mend')
done()

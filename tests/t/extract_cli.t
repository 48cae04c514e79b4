#!/usr/bin/env python3
# What a user meets around an extract: every command that takes a name, doctor, logs, metrics, completion, graph.
import time, json, os, re, shutil, subprocess, sys
sys.path.insert(0, os.path.join(os.environ['ORCH_SOURCE'], 'tests', 'lib'))
from world import ORCH, World, ok, same, like, done

w = World('mysql')
LOADS = {'source': {'connection': 'in', 'since': '2026-01-01T00'}, 'target': {'connection': 'warehouse', 'table': 'loans'}}


def config(user='loader', secret='db.secret', tables=None, sink=None, pipelines=None, **x):
    body = {'schedule': 'rate(1 minute)', 'source': {'connection': 'warehouse'}, 'target': {'connection': 'lake', 'prefix': 'out/'}, 'lag': '0s',
            'tables': tables or [{'table': 'employees', 'watermark': ['changed']}], **x}
    w.write_config({'state': 'orch.db', 'tick': {'linger': '0s'}, 'extracts': {'hr': body}, 'pipelines': pipelines or {}, 'connections': {
        'in': {'url': f'file://{w.dir}/in/'},
        'lake': sink or {'url': f'file://{w.dir}/lake/'}, 'warehouse': {'url': f'mysql://{user}@127.0.0.1:{w.base + 80}/w', 'password_file': secret, 'tls': 'off'}}})


def checks(r):
    return [(c['check'], c['status'], c['text']) for c in json.loads(r.out)['checks']]


def of(r, check, status):
    return ' | '.join(t for c, s, t in checks(r) if c == check and s == status)


os.mkdir(w.path('in'))
config()
for words in (('--host', 'elsewhere'), ('--port', '3307'), ('--user', 'x'), ('--db', 'x'), ('--batch', '5'), ('--sink', 'file:///x/'), ('--password-file', 'x'), ('--option-file', 'x'), ('--tls', 'off')):
    r = w.orch('extract', 'hr', *words)
    same((r.rc, 'go with --spec' in r.err), (2, True), f'{words[0]} with an extract of orch.json is refused, not ignored')
w.sql("CREATE TABLE employees (id INT PRIMARY KEY, name VARCHAR(20), rate DOUBLE, changed DATETIME);"
      "INSERT INTO employees VALUES (1,'a',0.1,'2026-06-01 10:00:00'),(2,'b',0.2,'2026-06-01 11:00:00'),(3,'c',0.3,'2026-06-02 12:00:00')")
config(datetime_timezone='UTC')

# --- before the first run ---
r = w.good('validate')
like(r.out, 'well, 1 extract', 'validate counts extracts')
config(pipelines={'loans': LOADS}, datetime_timezone='UTC')
like(w.good('validate').out, 'well, 1 pipeline, 1 extract', 'and pipelines')
same(w.good('completion', 'extracts').out, 'hr\n', 'names of extracts, for completion')
same(w.good('completion', 'pipelines').out, 'loans\n', 'and of pipelines')
like(w.good('config', 'show').out, 'extracts.hr', 'config show has it')
config(datetime_timezone='UTC')
w.now = '2026-06-03T00:00:30Z'
r = w.orch('run', 'hr', '--partition', '2026-06-01T00')
same(r.rc, 2, 'an extract has no partitions')
like(r.err, 'orch extract hr --from', 'and what to type is said')
r = w.good('run', 'hr', '-o', 'json')
same([(d['table'], d['rows'], d['state']) for d in json.loads(r.out)['extractions']], [('employees', 3, 'PUBLISHED')], 'orch run is orch extract')

# --- afterwards ---
r = w.good('logs', 'hr', '-o', 'json')
mine = [x for x in json.loads(r.out)['logs'] if x['kind'] == 'extract']
same([(x['pipeline'], x['partition'], x['what']) for x in mine], [('hr', 'employees', 'PUBLISHED')], 'a line in the log for each table of a run')
ok(re.search(r'INCREMENTAL: 3 rows, \d+ bytes in 1 part, in \d+ ms, from the first up to 2026-06-03 00:00:30.*: SELECT .*FROM .*employees', mine[0]['text'], re.S),
   'with rows, time taken, window and statement') or print('#', mine[0]['text'], file=sys.stderr)
like(w.good('logs').out, 'PUBLISHED', 'also among everything')
w.now = '2026-06-03T00:02:30Z'
w.good('extract', 'hr')
last = [x for x in json.loads(w.good('logs', 'hr', '-o', 'json').out)['logs'] if x['kind'] == 'extract'][-1]
same(last['what'], 'nothing new', 'a window without rows is told as that')
same([e['status'] for e in json.loads(w.good('list', 'hr', '-o', 'json').out)['executions']], ['SUCCEEDED', 'SUCCEEDED'], 'executions')
like(w.good('graph', 'hr', '--format', 'mermaid').out, 'Publish', 'the workflow drawn')
like(w.good('graph', 'hr').out, '<svg', 'and as SVG')
m = w.good('metrics').out
like(m, 'orch_extract_rows_total{job="hr",table="employees"} 3\n', 'metrics: rows')
like(m, 'orch_extract_watermark_timestamp_seconds{job="hr",table="employees"} 1780444950.000\n', 'metrics: the watermark')
like(m, 'orch_extract_last_success_timestamp_seconds{job="hr",table="employees"} 178044495', 'metrics: the last success')
like(m, 'orch_job_paused{job="hr"} 0\n', 'metrics: not paused')
ok('orch_partitions{job="hr"' not in m and 'orch_job_lag_partitions{job="hr"' not in m, 'metrics: nothing of partitions, which it has not')

# --- pause, resume ---
r = w.good('pause', 'hr', '--reason', 'the database is moved')
like(r.out, 'hr is paused', 'a pause')
like(w.good('metrics').out, 'orch_job_paused{job="hr"} 1\n', 'which metrics show')
w.sql("INSERT INTO employees VALUES (4,'d',0.1,'2026-06-03 00:02:40')")
w.now = '2026-06-03T00:10:30Z'
w.good('tick')
same(len(json.loads(w.good('list', 'hr', '-o', 'json').out)['executions']), 2, 'the tick starts nothing')
w.now = '2026-06-03T00:12:30Z'
w.good('resume', 'hr')
w.good('tick')
like(w.good('metrics').out, 'orch_extract_rows_total{job="hr",table="employees"} 4\n', 'and goes on when it is resumed')

# --- replay: a range ---
r = w.orch('replay', 'hr')
same(r.rc, 2, 'replay wants a range')
like(r.err, 'orch extract hr --full', 'or names what takes everything')
r = w.orch('replay', 'hr', '--from', '2026-06-01', '--to', '2026-06-02', '--only', 'failed')
same((r.rc, 'orch retry hr' in r.err), (2, True), '--only is for partitions')
w.now = '2026-06-03T00:20:30Z'
r = w.good('replay', 'hr', '--from', '2026-06-01', '--to', '2026-06-02', '--reason', 'lost', '-o', 'json')
same([(d['kind'], d['rows']) for d in json.loads(r.out)['extractions']], [('RANGE', 2)], 'a range is taken again')
w.now = '2026-06-03T00:22:30Z'
r = w.good('replay', 'hr', '--from', '2026-06-02', '--queue')
like(r.err, 'the next tick takes it', 'or is left to the tick')
w.now = '2026-06-03T00:24:30Z'
w.good('tick')
ok('RANGE: 2 rows' in [x['text'].split(',')[0] for x in json.loads(w.good('logs', 'hr', '-o', 'json').out)['logs'] if x['kind'] == 'extract'], 'which takes it')

w.sql('CREATE TABLE plain (id INT PRIMARY KEY); INSERT INTO plain VALUES (1)')
config(datetime_timezone='UTC', tables=[{'table': 'plain'}, {'table': 'employees', 'watermark': ['changed']}])
r = w.good('replay', 'hr', '--from', '2026-06-01', '--to', '2026-06-02', '--dry-run', '-o', 'json')
same([(x['table'], x['kind'], x['notice']) for x in json.loads(r.out)['plan']], [('employees', 'RANGE', 'plain: no watermark, so not in the range')], 'a range is of tables that have a watermark')
config(datetime_timezone='UTC', tables=[{'table': 'plain'}])
r = w.orch('replay', 'hr', '--from', '2026-06-01')
same((r.rc, 'orch: plain: no watermark' in r.err), (3, True), 'refused where none has')
config(datetime_timezone='UTC')

# --- what fails, and is tried again ---
same(w.good('retry', 'hr').err.strip(), 'orch: hr: nothing has failed', 'nothing to try again')
w.sql("INSERT INTO employees VALUES (5,'e',0.1,'2026-06-03 00:25:00')")
w.now = '2026-06-03T00:32:30Z'
WHERE = 'id >= (SELECT id FROM employees AS e WHERE e.id > 3)'
config(datetime_timezone='UTC', max_attempts=1, tables=[{'table': 'employees', 'where': WHERE, 'watermark': ['changed']}])
r = w.orch('extract', 'hr')
same(r.rc, 1, 'a statement that fails')
config(datetime_timezone='UTC', tables=[{'table': 'employees', 'watermark': ['changed']}])
r = w.good('retry', 'hr', '--dry-run', '-o', 'json')
same([(d['table'], d['state'], d['to']) for d in json.loads(r.out)['retry']], [('employees', 'DEAD', '2026-06-03 00:32:30')], 'what failed is listed')
failed = [x for x in json.loads(w.good('logs', 'hr', '-o', 'json').out)['logs'] if x['kind'] == 'extract'][-1]
same((failed['what'], 'more than 1 row' in failed['text']), ('DEAD', True), 'and stands in the log, with why')
w.now = '2026-06-03T00:40:30Z'
r = w.good('retry', 'hr', '--reason', 'mended')
again = [x['text'] for x in json.loads(w.good('logs', 'hr', '-o', 'json').out)['logs'] if x['kind'] == 'extract' and 'up to 2026-06-03 00:32:30' in x['text']]
same([x.partition(',')[0] for x in again], ['INCREMENTAL: 1 row'], 'the same window is taken by retry')
same(w.good('status').rc, 0, 'and all is well')

# --- commands of partitions ---
for verb, *more in (['plan'], ['explain'], ['diff'], ['reconcile'], ['rejects'], ['cancel'], ['skip', '--reason', 'x'], ['adopt'], ['profile'], ['ack', '--reason', 'x']):
    word = 'hr/2026-06-01T00' if verb in ('skip', 'ack') else 'hr'
    r = w.orch(verb, word, *more)
    same((r.rc != 0, "'hr' is an extract" in r.err, 'orch ' in r.err.partition('hint')[2]), (True, True, True), f'{verb} says that this is an extract, and what to type')
r = w.orch('stop', 'hr')
same((r.rc, 'is not running' in r.err), (1, True), 'stop finds its newest execution')
like(w.good('describe', 'hr').out, 'SUCCEEDED', 'so does describe')
like(w.good('history', 'hr').out, 'orch-extract', 'and history')

# --- reals in filters ---
w.now = '2026-06-03T00:50:30Z'
config(datetime_timezone='UTC', tables=[{'table': 'employees', 'filters': [{'column': 'rate', 'is': '=', 'value': 0.1}]}])
r = w.good('extract', 'hr', '--dry-run', '-o', 'json')
sql = json.loads(r.out)['plan'][0]['sql']
ok('0.1' in sql and '0.10000000000000001' not in sql, '0.1 in a filter is 0.1') or print('#', sql, file=sys.stderr)
same(sum(d['rows'] for d in json.loads(w.good('extract', 'hr', '-o', 'json').out)['extractions']), 3, 'and meets the rows that have it')

# --- progress on a terminal ---
w.sql("CREATE TABLE slow (id INT PRIMARY KEY); INSERT INTO slow SELECT seq FROM seq_1_to_20000; ANALYZE TABLE slow")
config(tables=[{'table': 'slow', 'transforms': {'s': 'SLEEP(0.0001)'}}])
master, slave = os.openpty()
p = subprocess.Popen([ORCH, '-c', w.path('orch.json'), 'extract', 'hr'], env=w.orch_env(), cwd=w.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave)
os.close(slave)
seen = b''
try:
    while chunk := os.read(master, 4096):
        seen += chunk
except OSError:  # the other end is closed
    pass
same((p.wait(), re.search(rb'hr: \d+ rows, [\d.]+ MB, \d+ s, \d+ rows/s, \d+ %, about \d+ s left', seen) is not None), (0, True), 'rows, rate and time left')
w.sql('DROP TABLE slow')

# --- who is told ---
config(datetime_timezone='UTC', max_attempts=1, owner={'name': 'Ann', 'email': 'ann@example.org'}, tables=[{'table': 'employees', 'where': WHERE}])
w.config_json['alerts'] = {'command': 'cat > told.json', 'timeout': '1s', 'mail': {'url': 'smtp://127.0.0.1:1', 'from': 'orch@example.org', 'tls': 'off'}}
w.write_config(w.config_json)
w.now = '2026-06-03T01:10:30Z'
r = w.orch('tick')
with open(w.path('told.json')) as f:
    told = json.load(f)['troubles']
same([(x['pipeline'], x['partition'], x['class'], x['owner']['email']) for x in told], [('hr', 'employees', 'DEAD', 'ann@example.org')], 'an extract that is dead is told')
same(sorted(x['channel'] for x in json.loads(w.orch('notify', '-o', 'json').out)['channels']), ['command', 'mail ann@example.org'], 'its owner by mail')
like(w.orch('tick', '--dry-run').err, 'orch extract hr --dry-run', 'a dry tick says who tells of extracts')
config(datetime_timezone='UTC')
w.good('extract', 'hr')

# --- a range hides no window, and why it was taken is told ---
def log():
    return [x for x in json.loads(w.good('logs', 'hr', '-o', 'json').out)['logs'] if x['kind'] == 'extract']


config(datetime_timezone='UTC')
w.now = '2026-06-04T00:00:30Z'
w.good('extract', 'hr', '--reason', 'asked by the desk')
like(log()[-1]['text'], ': asked by the desk', 'the log tells the reason of a run')
w.now = '2026-06-04T00:01:30Z'
w.good('extract', 'hr', '--from', '2026-06-01', '--to', '2026-06-02', '--reason', 'lost by the consumer')
like(log()[-1]['text'], ': lost by the consumer', 'and of a range')
out = w.good('status', 'hr').out
like(out, '2 rows in 1 part, a range from 2026-06-01 00:00:00, up to 2026-06-02 00:00:00', 'status shows the range')
like(out, 'up to 2026-06-04 00:00:30', 'and the newest window, which came before it')
t = json.loads(w.good('status', 'hr', '-o', 'json').out)['extracts'][0]['tables'][0]
same((t['kind'], t['window']['kind'], t['window']['to']), ('RANGE', 'INCREMENTAL', '2026-06-04 00:00:30'), 'as JSON, too')

config(tables=[{'table': 'plain'}])
w.now = '2026-06-04T00:02:30Z'
w.good('extract', 'hr', '--verify')
same(w.state("SELECT COUNT(*), SUM(verify) FROM extraction WHERE name = 'plain'"), [[1, 1]], 'a table without a watermark is taken once, and read back')

# --- rows that are younger than lag ---
config(datetime_timezone='UTC', lag='60s')
w.sql("INSERT INTO employees VALUES (20,'t',0.1,'2026-06-04 00:05:00')")
w.now = '2026-06-04T00:05:30Z'
r = w.good('extract', 'hr', '-o', 'json')
same(sum(d['rows'] for d in json.loads(r.out)['extractions']), 0, 'a row that is younger than lag is not taken')
like(r.err, 'employees: no rows up to 2026-06-04 00:04:30 UTC; those that are younger than lag (60 s) are seen from 2026-06-04T00:06:30Z on', 'and from when it will be is said')
w.now = '2026-06-04T00:06:30Z'
r = w.good('extract', 'hr', '-o', 'json')
same((sum(d['rows'] for d in json.loads(r.out)['extractions']), 'lag' in r.err), (1, False), 'which is true')

# --- a table is taken out of the config while a run of it is dead ---
w.sql('INSERT INTO plain VALUES (2)')
config(datetime_timezone='UTC', tables=[{'table': 'plain'}, {'table': 'employees', 'watermark': ['changed']}])
w.now = '2026-06-04T01:00:30Z'
w.sql("INSERT INTO employees VALUES (21,'u',0.1,'2026-06-04 00:59:00')")
same(w.orch('tick', fault='extract.snapshot=kill').rc, -9, 'a run that dies')
config(datetime_timezone='UTC')
for minute in (5, 15, 25):
    w.now = f'2026-06-04T01:{minute:02d}:30Z'
    r = w.orch('tick')
same((r.rc, w.state("SELECT name, state, tries FROM extraction WHERE run = (SELECT MAX(run) FROM extraction WHERE name = 'plain') ORDER BY name")), (0, [['employees', 'PUBLISHED', 0], ['plain', 'SUPERSEDED', 0]]),
     'who goes on with it leaves that table out, and nothing has failed')


# --- what a range that was given up leaves at the sink ---
def lake():
    return {os.path.relpath(os.path.join(d, f), w.path('lake')) for d, _, fs in os.walk(w.path('lake')) for f in fs}


before = lake()
config(datetime_timezone='UTC', max_attempts=1)
w.now = '2026-06-05T00:00:30Z'
same(w.orch('extract', 'hr', '--from', '2026-06-01', '--to', '2026-06-02', fault='extract.dumped=kill').rc, -9, 'a range that dies behind its files')
config(datetime_timezone='UTC', max_attempts=1, tables=[{'table': 'employees', 'where': WHERE, 'watermark': ['changed']}])
for minute in (10, 20, 30):
    w.now = f'2026-06-05T00:{minute}:30Z'
    w.orch('tick')
same(w.state("SELECT state FROM extraction WHERE kind = 'RANGE' ORDER BY id DESC LIMIT 1"), [['DEAD']], 'and is given up')
left = {k for k in lake() - before if k.endswith('.csv')}
same(len(left), 1, 'its file is there')
config(datetime_timezone='UTC')
for day, there in ((9, 1), (13, 0)):
    w.sql(f"INSERT INTO employees VALUES ({20 + day},'x',0.1,'2026-06-{day:02d} 00:00:00')")
    w.now = f'2026-06-{day:02d}T01:00:30Z'
    w.orch('extract', 'hr')
    same(w.state("SELECT rows FROM extraction WHERE state = 'PUBLISHED' ORDER BY id DESC LIMIT 1"), [[1]], f'day {day}: another window is published')
    same(len(left & lake()), there, f'day {day}: the file is {"there, as its run may be taken up" if there else "gone"}')
same(sorted(k for k in lake() if '/employees/open/' in k), [], 'and its claim')
same([k for m in lake() if m.endswith('_manifest.json') for k in [p['key'] for p in json.load(open(w.path('lake', m)))['parts']] if k not in lake()], [], 'all that manifests list is there')
w.good('retry', 'hr')
same(w.state("SELECT state, rows FROM extraction WHERE kind = 'RANGE' ORDER BY id DESC LIMIT 1"), [['PUBLISHED', 2]], 'taken up all the same, it is read anew')

# --- held back ---
w.sql("GRANT PROCESS ON *.* TO loader@'127.0.0.1'")
writer = subprocess.Popen(['mariadb', '--no-defaults', '-uroot', '-S', w.path('mariadb/sock'), 'w'], stdin=subprocess.PIPE, text=True)
writer.stdin.write("BEGIN; INSERT INTO employees (id, changed) VALUES (77, UTC_TIMESTAMP());\n")
writer.stdin.flush()
while not int(w.one("SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_is_read_only = 0 AND trx_rows_modified > 0")):
    time.sleep(0.2)  # the server renews that list only when nobody has read it for 0.1 s
w.now = '+1m'
r = w.good('extract', 'hr', '-o', 'json')
like(r.err, 'held back by transaction of connection', 'who asks is told of an open transaction')
like(w.good('logs', 'hr', '--since', '1h').out, 'held back by transaction', 'and the log has it')
like(w.orch('status', 'hr').out, 'note: held back by transaction', 'and status')
writer.stdin.close()
writer.wait()
w.sql("REVOKE PROCESS ON *.* FROM loader@'127.0.0.1'")

# --- doctor ---
w.now = None
config(datetime_timezone='UTC')
r = w.orch('doctor', '-o', 'json')
same(r.rc, 0, 'doctor: all is well')
like(of(r, 'config', 'OK'), '1 extract', 'doctor counts extracts')
like(of(r, 'hr database', 'OK'), '1 of 1 tables can be taken', 'tables are tried')
like(of(r, 'hr database', 'WARN'), 'open transactions cannot be seen', 'without PROCESS what that means is said')
like(of(r, 'hr files', 'OK'), 'files can be written, given up, read and removed', 'a file is tried')
ok(not any('_orch_doctor' in f for _, _, fs in os.walk(w.path('lake')) for f in fs), 'and nothing is left of it')
needs = ' '.join(n['text'] for n in json.loads(r.out)['needs'])
like(needs, "GRANT SELECT ON `w`.`employees` TO 'loader'", 'the rights that are needed')
like(needs, 'GRANT PROCESS ON *.*', 'and the one that is better')
w.sql("GRANT PROCESS ON *.* TO loader@'127.0.0.1'")
r = w.orch('doctor', '-o', 'json')
like(of(r, 'hr database', 'OK'), 'open transactions are seen', 'with PROCESS')
w.sql("CREATE TABLE other (id INT PRIMARY KEY); CREATE USER few@'127.0.0.1' IDENTIFIED BY 'few-secret'; GRANT SELECT ON w.employees TO few@'127.0.0.1'")
w.secret('few.secret', 'few-secret')
config('few', 'few.secret', tables=[{'table': 'employees'}, {'table': 'other'}], parallel=2)
r = w.orch('doctor', '-o', 'json')
ok(r.rc != 0, 'doctor fails where a table may not be read')
like(of(r, 'hr database', 'FAIL'), 'other', 'names it')
like(of(r, 'hr database', 'OK'), '1 of 2 tables can be taken', 'and counts the others')
w.sql("GRANT SELECT ON w.other TO few@'127.0.0.1'")
r = w.orch('doctor', '-o', 'json')
same(r.rc, 0, 'two tables, one after the other')
like(of(r, 'hr database', 'WARN'), 'one table at a time, in place of 2', 'which is said')
w.sql("GRANT RELOAD ON *.* TO few@'127.0.0.1'")
r = w.orch('doctor', '-o', 'json')
like(of(r, 'hr database', 'OK'), '2 tables at a time, in one snapshot', 'two at a time with the right for it')
config(tables=[{'table': 'employees', 'watermark': ['name']}])
r = w.orch('doctor', '-o', 'json')
like(of(r, 'hr database', 'FAIL'), 'name', 'a watermark that cannot be one is found by doctor')
os.chmod(w.path('lake'), 0o500)
config(datetime_timezone='UTC')
r = w.orch('doctor', '-o', 'json')
if os.getuid() == 0:
    ok(True, 'a folder that cannot be written # SKIP root writes everywhere')
else:
    ok(r.rc != 0 and of(r, 'hr files', 'FAIL') != '', 'a folder that cannot be written')
os.chmod(w.path('lake'), 0o700)

config(datetime_timezone='UTC', sink={'url': f'file://{w.dir}/not/yet/'})
r = w.orch('doctor', '-o', 'json')
same((r.rc, os.path.exists(w.path('not'))), (0, False), 'a folder that is not there yet is not made by a look')
like(of(r, 'hr files', 'OK'), f'is not there yet: the first run makes it, in {w.dir}', 'and that it will be is said')

# --- doctor at S3: a file in pieces, given up, and nothing of it stays ---
if shutil.which('radosgw'):
    z = World('s3')
    config(datetime_timezone='UTC', sink={'url': f's3://{z.bucket}/', 'endpoint': z.endpoint, 'path_style': True, 'region': 'us-east-1'})
    r = w.orch('doctor', '-o', 'json')
    same((r.rc, of(r, 'hr files', 'OK') != ''), (0, True), 'doctor at S3')
    same((list(z.s3.keys(z.bucket, '')), list(z.s3.uploads(z.bucket))), ([], []), 'nothing stays, no upload either')
    needs = ' '.join(n['text'] for n in json.loads(r.out)['needs'])
    ok(all(x in needs for x in ('s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts', 's3:ListBucketMultipartUploads', f'arn:aws:s3:::{z.bucket}/out/*')), 'the policy')
    config(datetime_timezone='UTC', sink={'url': 's3://nowhere-at-all/', 'endpoint': z.endpoint, 'path_style': True, 'region': 'us-east-1'})
    r = w.orch('doctor', '-o', 'json')
    ok(r.rc != 0 and 'nowhere-at-all' in of(r, 'hr files', 'FAIL'), 'a bucket that is not there')
else:
    ok(True, 'doctor at S3 # SKIP radosgw is not installed')
done()

#!/usr/bin/python3
"""Bad input and faults: one clear sentence, the right exit code, nothing lost, and the next tick goes on."""
import os, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql', 's3')
w.linger = '2s'
w.now = '2022-06-06T02:00:00Z'
minute = 0
good = list(credit_rows(30, seed=3))
DAY = dict(source_since='2022-06-05T07', source_until='2022-06-05T07')


def later(n=10):
    global minute
    minute += n
    w.now = '2022-06-%02dT%02d:%02d:00Z' % (6 + minute // 1440, minute // 60 % 24, minute % 60)


def until_said():
    """Ticks, five minutes apart, until one says something: a Retry may outlast the linger of these tests."""
    for _ in range(4):
        r = w.orch('tick')
        if r.err:
            return r
        later(5)
    return r


def sentence(r, code, *parts, name):
    same(r.rc, code, f'{name}: exit {code}')
    lines = [l for l in r.err.splitlines() if l.startswith('orch: ')]
    ok(lines and 'Sanitizer' not in r.err, f'{name}: says so')
    for p in parts:
        like(r.err, p, f'{name}: names {p!r}')


w.sql(DDL)
w.pipeline(columns={'': None}, **DAY)
w.good('target', 'setup')
w.good('lineage', 'add', 'loan_applicant_info', '--pipeline', 'loans')
w.sql('CREATE TABLE t LIKE loan_applicant_info')


# -- the server side -------------------------------------------------------------------------------
def case(name, code, *parts, mend, **p):
    """A pipeline of its own on one good object; fails as told, is mended, and loads."""
    later()
    n = name.replace(' ', '_')
    w.put(f'{n}/{hour_key(7)}', csv_of(good))
    w.sql('DELETE FROM t')
    base = dict(columns={'': None}, source_prefix=f'{n}/', target_table='t', **DAY)
    base.update(p)
    w.pipeline(n, **base)
    r = until_said()
    sentence(r, code, *parts, name=name)
    same(int(w.one('SELECT COUNT(*) FROM t')), 0, f'{name}: nothing loaded')
    later()
    same(w.orch('tick').err, '', f'{name}: not said again by the next tick')
    mend(n, base)
    later()
    r = w.orch('tick')
    same(totals(w, 't'), totals_of(good), f'{name}: mended, the next tick loads it')


def again(n, base):
    for k in ('lake', 'warehouse'):
        base.pop(k, None)
    w.pipeline(n, **base)


w.env['AWS_SECRET_ACCESS_KEY'] = 'wrong'
case('wrong secret', 4, 'SignatureDoesNotMatch', mend=lambda n, b: w.env.update(AWS_SECRET_ACCESS_KEY=SK))
case('missing bucket', 1, 'nosuchbucket', lake={'url': 's3://nosuchbucket/'}, mend=again)
w.secret('wrong.secret', 'nonsense')
case('wrong password', 4, 'Access denied', warehouse={'password_file': 'wrong.secret'}, mend=again)
w.server('rgw', 'kill-rgw')
case_put = w.put
w.put = lambda *a: None
later()
w.pipeline('s3down', columns={'': None}, source_prefix='s3down/', target_table='t', **DAY)
sentence(until_said(), 75, name='S3 down')
w.put = case_put
w.server('rgw', 'start-rgw')
w.put(f's3down/{hour_key(7)}', csv_of(good))
w.sql('DELETE FROM t')
later()
w.orch('tick')
same(totals(w, 't'), totals_of(good), 'S3 back: loaded')
case('database down', 75, warehouse={'url': f'mysql://loader@127.0.0.1:{w.base + 99}/w'}, mend=again)

# -- the wire --------------------------------------------------------------------------------------
rules = w.path('rules')
open(rules, 'w').close()
proxy = subprocess.Popen([sys.executable, f'{TOP}/tests/servers/faultproxy.py', '0', f'127.0.0.1:{w.base}', rules, w.path('proxy.log')], stdout=subprocess.PIPE, text=True)
atexit.register(proxy.kill)
port = proxy.stdout.readline().strip()
big = list(credit_rows(20000, seed=9))
for name, rule, code in (('reset mid-body', 'GET /lake/.*csv\treset 300000\t2', 0), ('truncated body', 'GET /lake/.*csv\ttruncate 300000\t1', 0),
                         ('503 SlowDown', 'GET /lake\tstatus 503 SlowDown\t2', 0), ('503 for ever', 'GET /lake\tstatus 503 SlowDown', 75),
                         ('a flipped bit', 'GET /lake/.*csv\tcorrupt 300000', None)):
    later()
    n = name.replace(' ', '_')
    w.put(f'{n}/{hour_key(7)}', csv_of(big))
    w.sql('DELETE FROM t')
    w.pipeline(n, columns={'': None}, source_prefix=f'{n}/', target_table='t', lake={'endpoint': f'http://127.0.0.1:{port}'}, **DAY)
    with open(rules, 'w') as f:
        f.write(rule + '\n')
    r = w.orch('tick') if code == 0 else until_said()
    if code == 0:
        same((r.rc, r.err, totals(w, 't')), (0, '', totals_of(big)), f'{name}: resumed, every row once')
    else:
        ok(r.rc == code if code else r.rc in (1, 75), f'{name}: exit {r.rc}')
        ok('orch: ' in r.err, f'{name}: says so')
        same(int(w.one('SELECT COUNT(*) FROM t')), 0, f'{name}: nothing loaded')
    open(rules, 'w').close()
    later(60)
    w.orch('tick')
    same(totals(w, 't'), totals_of(big), f'{name}: in the end every row once')

# the object changes while it is read
later()
w.put(f'changing/{hour_key(7)}', csv_of(big))
w.sql('DELETE FROM t')
w.pipeline('changing', columns={'': None}, source_prefix='changing/', target_table='t', lake={'endpoint': f'http://127.0.0.1:{port}'}, **DAY)
with open(rules, 'w') as f:
    f.write('GET /lake/.*csv\treset 300000\t1\n')
hold = w.path('hold')
p = w.spawn('tick', now=w.now, fault=f'load.begun=touch:{hold},load.first_batch=wait:{hold}.go')
while not os.path.exists(hold) and p.poll() is None:
    time.sleep(.01)
w.put(f'changing/{hour_key(7)}', csv_of(good))
open(hold + '.go', 'w').close()
p.communicate()
open(rules, 'w').close()
for _ in range(4):
    later(60)
    w.orch('tick')
same(totals(w, 't'), totals_of(good), 'ETag changed while reading: in the end the new object, whole')

# -- what is in the file ---------------------------------------------------------------------------
text = csv_of(good)
lines = text.split(b'\r\n')


def bad(name, data, *parts, rc=1):
    later()
    n = name.replace(' ', '_')
    w.sql('DELETE FROM t')
    w.put(f'{n}/{hour_key(7)}', data)
    w.pipeline(n, columns={'': None}, source_prefix=f'{n}/', target_table='t', **DAY)
    r = w.orch('tick')
    sentence(r, rc, 'part-0.csv', *parts, name=name)
    same(int(w.one('SELECT COUNT(*) FROM t')), 0, f'{name}: nothing loaded')
    w.put(f'{n}/{hour_key(7)}', text)
    later(60)
    w.orch('tick')
    same(totals(w, 't'), totals_of(good), f'{name}: the mended file loads')


def with_line(i, l):
    return b'\r\n'.join(lines[:i] + [l] + lines[i + 1:])


bad('too few fields', with_line(5, b'1,2,3'), 'line 6')
bad('too many fields', with_line(5, lines[5] + b',1'), 'line 6')
bad('a bad value', with_line(5, b','.join(lines[5].split(b',')[:6] + [b'"12,000"'] + lines[5].split(b',')[7:])), 'line 6', 'MonthlyIncome', '12,000')
bad('bad quotes', with_line(5, b'"' + lines[5]), 'line 6')
bad('bad utf8', with_line(5, lines[5] + b'\xff'), 'line 6')
bad('utf16', text.decode().encode('utf-16'), 'UTF-16')
bad('nul', with_line(5, lines[5] + b'\0'), 'line 6')
bad('a long line', with_line(5, b'x' * (100 << 20)), 'line 6')
bad('no header', b'\r\n'.join(lines[1:]), 'header')
bad('drifted header', text.replace(b'MonthlyIncome', b'MonthlyIncom'), 'MonthlyIncom')
bad('gzip cut', __import__('gzip').compress(text)[:-20])

r = w.orch('rejects', 'a_bad_value')
w.pipeline('raw', columns={'': None}, source_prefix='raw/', target_table='t', max_rejects='5', **DAY)
broken = b','.join(lines[5].split(b',')[:6] + [b'"12,000 \xc3\xa9"'] + lines[5].split(b',')[7:])
w.put(f'raw/{hour_key(7)}', with_line(5, broken))
w.sql('DELETE FROM t')
later()
r = w.orch('tick')
same(int(w.one('SELECT COUNT(*) FROM t')), 29, 'inside max_rejects: the good rows load')
r = w.run([ORCH, '-c', w.path('orch.json'), 'rejects', 'raw', '--raw'], env=w.orch_env())
same(r.out.encode('utf-8', 'surrogateescape').rstrip(b'\n'), broken, 'rejects --raw gives the bytes as they stood')
r = w.orch('rejects', 'raw')
for part in ('part-0.csv', '6', 'MonthlyIncome', '12,000'):
    like(r.out, part, f'rejects names {part}')

# -- the target ------------------------------------------------------------------------------------
w.sql('CREATE TABLE keyed (id INT PRIMARY KEY, age INT)')
w.good('lineage', 'add', 'keyed', '--pipeline', 'raw')
w.put(f'keyed/{hour_key(7)}', b'id,age\n1,10\n2,20\n1,30\n')
w.pipeline('keyed', source_prefix='keyed/', target_table='keyed', **DAY)
later()
sentence(w.orch('tick'), 1, 'line 4', name='duplicate key')
same(int(w.one('SELECT COUNT(*) FROM keyed')), 0, 'duplicate key: nothing loaded')
for name, ddl, part in (('missing', None, 'gone'), ('myisam', 'CREATE TABLE gone (id INT, age INT) ENGINE=MyISAM', 'InnoDB'),
                        ('trigger', 'CREATE TABLE gone (id INT, age INT); CREATE TRIGGER tr BEFORE INSERT ON gone FOR EACH ROW SET NEW.age = 1', 'tr')):
    later(60)
    w.sql('DROP TABLE IF EXISTS gone')
    if ddl:
        w.sql(ddl)
    w.put(f'{name}/{hour_key(7)}', b'id,age\n1,10\n2,20\n')
    w.pipeline(name, source_prefix=f'{name}/', target_table='gone', target_lineage='columns', **DAY)
    sentence(w.orch('tick'), 1, 'gone', part, name=f'table {name}')
w.sql('DROP TABLE gone; CREATE TABLE gone (id INT, age INT, twice INT GENERATED ALWAYS AS (age * 2) STORED)')
later(60)
w.good('lineage', 'add', 'gone', '--pipeline', 'trigger')
w.orch('tick')
same(w.sql('SELECT id, age, twice FROM gone ORDER BY id'), [['1', '10', '20'], ['2', '20', '40']], 'a generated column is never sent, and the table loads')

# -- ourselves -------------------------------------------------------------------------------------
config = w.config_json
w.write_config(dict(config, pipelnes={}))
sentence(w.orch('tick'), 3, 'pipelnes', 'pipelines', name='an unknown key')
w.write_config(config)
with open(w.path('bad.asl.json'), 'w') as f:
    f.write('{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:0:activity:orch-ingest", "Next": "B"}}}')
bad_flow = json.loads(json.dumps(config))
bad_flow['pipelines']['trigger']['workflow'] = 'bad.asl.json'
w.write_config(bad_flow)
later()
sentence(w.orch('tick'), 3, 'B', name='a workflow that is not valid')
w.write_config(config)
import sqlite3
with sqlite3.connect(w.path('orch.db')) as db:
    version = db.execute('PRAGMA user_version').fetchone()[0]
    db.execute('PRAGMA user_version = 999')
sentence(w.orch('tick'), 3, '999', name='a newer state file')
with sqlite3.connect(w.path('orch.db')) as db:
    db.execute(f'PRAGMA user_version = {version}')
later(60)
same(w.orch('tick').rc, 0, 'and all is well again')

# disk full: a file system of its own, of 2 MiB
full = w.path('full')
os.mkdir(full)
if w.run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'none', full]).rc == 0:
    atexit.register(lambda: w.run(['umount', full]))
    w.put(f'full/{hour_key(7)}', csv_of(good))
    w.sql('DELETE FROM t')
    w.pipeline('full', columns={'': None}, source_prefix='full/', target_table='t', **DAY)
    w.write_config(dict(w.config_json, state='full/orch.db'))
    later()
    w.orch('list')
    try:
        with open(full + '/ballast', 'wb', buffering=0) as f:
            while True:
                f.write(b'x' * 4096)
    except OSError:
        pass
    r = w.orch('tick')
    same(r.rc, 75, 'disk full: exit 75')
    ok('space' in r.err or 'full' in r.err, f'disk full: says so')
    os.unlink(full + '/ballast')
    later(60)
    w.orch('tick')
    same(totals(w, 't'), totals_of(good), 'room again: loaded once')
    w.run(['umount', full])
else:
    diag('SKIP disk full: mounting is not allowed here')
done()

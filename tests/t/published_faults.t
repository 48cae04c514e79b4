#!/usr/bin/python3
"""The twelve faults of the published Step Functions + Glue system (docs/seeds.md), one by one: orch has none of them."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql')
w.linger = '3s'
clock = lambda t: time.mktime(time.strptime(t + ' UTC', '%Y-%m-%dT%H:%M %Z')) - time.timezone
w.sql(DDL)
w.pipeline('base', columns={'': None})
w.good('target', 'setup')
w.good('lineage', 'add', 'loan_applicant_info', '--pipeline', 'base')
rows = [list(credit_rows(20, seed=h)) for h in range(24)]


def table(n, **p):
    w.sql(f'CREATE TABLE {n} LIKE loan_applicant_info')
    w.pipeline(n, columns=p.pop('columns', {'': None}), source_prefix=f'{n}/', target_table=n, **p)


def put(n, h, data, name='part-0.csv', when='2022-06-05T00:00'):
    w.put(f'{n}/{hour_key(h, name)}', data, mtime=clock(when))


def count(n):
    return int(w.one(f'SELECT COUNT(*) FROM {n}'))


# 1 queued the hour that had just begun, and never looked again
table('f1', source_since='2022-06-05T11', source_until=None, source_settle='60s')
put('f1', 11, csv_of(rows[11]))
put('f1', 12, csv_of(rows[12]))
w.good('tick', now='2022-06-05T12:30:00Z')
same(count('f1'), 20, '1: the hour that is still open is not touched')
w.orch('tick', now='2022-06-05T13:00:30Z')
same(count('f1'), 20, '1: nor before settle is over')
put('f1', 11, csv_of(rows[1]), 'later.csv', '2022-06-05T13:10')
w.orch('tick', now='2022-06-05T13:20:00Z')
same(count('f1'), 60, '1: closed hours are loaded, and so is what came late into an old one')

# 2 a parameter that nobody reads
flow = json.load(open(f'{TOP}/orchestrator/workflows/ingest.asl.json'))
flow['States']['GenerateQueue']['Parameters'] = {'pipe_line.$': '$.pipeline'}
json.dump(flow, open(w.path('typo.asl.json'), 'w'))
table('f2', workflow='typo.asl.json')
put('f2', 0, csv_of(rows[0]))
r = w.orch('tick', now='2022-06-06T02:00:00Z')
same((r.rc, count('f2')), (3, 0), '2: a step without its parameter fails at once')
like(r.err, "'pipe_line'", '2: and names it')
r = w.orch('run', 'f2', '--no-such-option')
same(r.rc, 2, '2: an unknown argument is refused')

# 3 one failure, and every later run ended green behind a lock that nobody held
table('f3', source_since='2022-06-05T00', source_until='2022-06-05T01')
put('f3', 0, csv_of(rows[0]) + b'1,2\r\n')
put('f3', 1, csv_of(rows[1]))
r = w.orch('tick', now='2022-06-06T02:00:00Z')
same((r.rc, count('f3')), (1, 20), '3: a broken hour fails, the next hour loads all the same')
same(w.orch('status', now='2022-06-06T02:00:00Z').rc, 1, '3: status is not green')
same(w.state("SELECT COUNT(*) FROM flag WHERE pipeline = 'f3'"), [[0]], '3: the lock is free')
put('f3', 0, csv_of(rows[0]), when='2022-06-06T02:01')
r = w.orch('tick', now='2022-06-06T02:30:00Z')
same((r.rc, count('f3')), (0, 40), '3: the mended file loads without a hand on the lock')

# 4 a lock looked for by prefix
table('held')
table('held_er')
put('held', 0, csv_of(rows[0]))
put('held_er', 0, csv_of(rows[0]))
p = w.spawn('tick', now='2022-06-06T02:00:00Z', fault='ingest.begun=stop')
os.waitpid(p.pid, os.WUNTRACED)
w.pipeline('held', columns={'': None}, source_prefix='held/', target_table='held')
r = w.orch('tick', now='2022-06-06T02:00:10Z')
same(count('held'), 20, "4: the lock of 'held_er' is not that of 'held'")
os.kill(p.pid, signal.SIGCONT)
p.communicate()
same(count('held_er'), 20, '4: and the other goes on')

# 5 list, then put: two could win
table('f5')
for h in range(6):
    put('f5', h, csv_of(rows[h]))
ps = [w.spawn('tick', now='2022-06-06T02:00:00Z') for _ in range(4)]
for p in ps:
    p.communicate()
w.orch('tick', now='2022-06-06T02:30:00Z')
same(count('f5'), 120, '5: four ticks at once, every row once')

# 6 an empty hour was done with
table('f6', source_since='2022-06-05T00', source_until='2022-06-05T00')
r = w.orch('tick', now='2022-06-05T05:00:00Z')
same(r.rc, 6, '6: an hour without files is LATE: exit 6')
put('f6', 0, csv_of(rows[0]))
w.orch('tick', now='2022-06-05T09:00:00Z')
same(count('f6'), 20, '6: and is loaded when they come')

# 7 a listing that failed was a warning and exit 0
table('f7', lake={'url': f'file://{w.dir}/nowhere/'})
r = w.orch('tick', now='2022-06-06T02:00:00Z')
ok(r.rc != 0 and 'nowhere' in r.err, f'7: a source that cannot be listed is no empty hour: exit {r.rc}')

# 8 Retry around an append that was not idempotent
table('f8', source_since='2022-06-05T00', source_until='2022-06-05T00')
put('f8', 0, csv_of(rows[0]))
w.orch('tick', now='2022-06-06T02:00:00Z', fault='load.after_commit=error')
w.orch('tick', now='2022-06-06T02:30:00Z')
same(count('f8'), 20, '8: a retry after the commit doubles nothing')

# 9 a parameter without effect
table('f9', columns={'': None, 'row_no': None})
put('f9', 0, csv_of(rows[0]))
r = w.orch('tick', now='2022-06-06T02:00:00Z')
same((r.rc, count('f9')), (1, 0), '9: a rule for a column that no file has is refused')
like(r.err, 'row_no', '9: and named')

# 10 more than 1,000 queue entries came out of order
table('f10', source_since='2022-06-05T00', source_until='2022-06-06T11')
for h in list(range(23, -1, -1)):
    put('f10', h, csv_of(rows[h][:1]))
for h in range(12):
    w.put(f'f10/{hour_key(h, day="2022-06-06")}', csv_of(rows[h][:1]), mtime=clock('2022-06-05T00:00'))
w.good('tick', now='2022-06-07T02:00:00Z')
parts = [p for p, in w.state("SELECT part FROM job WHERE pipeline = 'f10' ORDER BY loaded_ms, execution_id")]
same((len(parts), parts), (36, sorted(parts)), '10: a backlog is worked oldest first')

# 11 FLOAT cannot hold the digits of the file
w.sql('CREATE TABLE f11 (x FLOAT)')
w.good('lineage', 'add', 'f11', '--pipeline', 'f10')
w.pipeline('f11', source_prefix='f11/', target_table='f11', max_rejects='1', source_since='2022-06-05T00', source_until='2022-06-05T00')
put('f11', 0, b'x\n0.5\n0.766126609\n')
w.orch('tick', now='2022-06-06T02:00:00Z')
same(w.sql('SELECT x FROM f11'), [['0.5']], '11: a value that FLOAT would change is no row')
same(w.state("SELECT code, column_ FROM reject r JOIN load l USING (load_id) JOIN job j ON j.id = l.job_id WHERE pipeline = 'f11'"), [['DIGITS_LOST', 'x']], '11: but a reject that says so')

# 12 a replay appended again
w.pipeline('f8', columns={'': None}, source_prefix='f8/', target_table='f8', source_since='2022-06-05T00', source_until='2022-06-05T00')
w.good('replay', 'f8/2022-06-05T00', '--reason', 'test', now='2022-06-06T03:00:00Z')
w.orch('tick', now='2022-06-06T03:10:00Z')
same(count('f8'), 20, '12: replay replaces')
done()

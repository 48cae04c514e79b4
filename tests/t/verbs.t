#!/usr/bin/python3
"""pause, resume, retry and ack killed around their one transaction; SMALL, held, backed off and superseded reached and left by commands, with what explain says."""
import calendar, json, os, re, sqlite3, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World()
w.linger = '5s'
OLD = 1650000000
PART = '2022-06-05T12'
DATA = 'a,b\n1,x\n2,y\n3,z\n'
BAD = 'a,b\n1,x\nx,y\n'
WHY = ['--reason', 'so']
clock = 0


def later(minutes=10):
    global clock
    clock += minutes * 60
    w.now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(clock))


def fresh(**p):
    """A world without a past: one pipeline, one hour, at three in the afternoon of that day."""
    global clock
    for name in os.listdir(w.dir):
        path = w.path(name)
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    os.makedirs(w.path('lake'))
    clock = calendar.timegm(time.strptime('2022-06-05T15', '%Y-%m-%dT%H'))
    later(0)
    with sqlite3.connect(w.path('target.db')) as db:
        db.execute('CREATE TABLE t (a INTEGER, b TEXT)')
    with open(f'{TOP}/orchestrator/workflows/ingest.asl.json') as f, open(w.path('quick.asl.json'), 'w') as to:
        to.write(re.sub(r'("HeartbeatSeconds": )\d+', r'\g<1>10', f.read()))
    w.pipeline(target='sqlite', target_table='t', **dict({'source_since': PART, 'source_until': PART}, **p))
    w.good('target', 'setup')
    w.good('lineage', 'add', 't')


def put(data=DATA):
    w.put(hour_key(12), data, mtime=OLD)


def tick():
    r = w.orch('tick')
    later()
    return r


def state():
    return w.status()['pipelines'][0]['partitions'][0]['state']


def contents():
    """All that one of these commands could change."""
    return [w.state(f'SELECT * FROM {t}') for t in ('partition_', 'job', 'pause', 'ack', 'audit')]


def rows():
    return w.target('SELECT COUNT(*) FROM t')[0][0]


def explain(name):
    return json.loads(w.orch('explain', name, '-o', 'json').out)


def held(fault):
    """A tick that waits at a fault point until the file go is there."""
    p = w.spawn('tick', fault=f'{fault}=wait:{w.path("go")}', fault_log=w.path('log'))
    while p.poll() is None and not (os.path.exists(w.path('log')) and f'{fault}\n' in open(w.path('log')).read()):
        time.sleep(.01)
    return p


# pause, resume, retry and ack are one transaction each: killed before it nothing has changed, after it all has; typed again it is done once
def small():
    fresh(source_period='day', source_layout='%Y-%m-%d/', source_since='2022-05-28', source_until='2022-06-04')
    for day in ['05-%02d' % d for d in range(28, 32)] + ['06-%02d' % d for d in range(1, 5)]:
        w.put(f'2022-{day}/a.csv', 'a,b\n' + '1,x\n' * (5 if day == '06-04' else 100), mtime=OLD)
    r = tick()
    like(r.err, 'loans/2022-06-04: SMALL: 5 rows; its like have 100', 'a day with 5 rows where seven before had 100')
    r = w.orch('explain', 'loans/2022-06-04')
    like(r.out, 'orch ack loans/2022-06-04', 'explain says what to type')


def dead():
    fresh(max_attempts=1)
    put(BAD)
    tick()


def one_hour():
    fresh()
    put()


def paused():
    one_hour()
    w.good('pause', 'loans', '--reason', 'x')


for verb, before, words in ('pause', one_hour, ['loans']), ('resume', paused, ['loans']), ('retry', dead, ['loans', '--queue']), ('ack', small, ['loans/2022-06-04']):
    for at in 'store.before_commit', 'store.after_commit':
        before()
        was = contents()
        r = w.orch(verb, *words, *WHY, fault=f'{at}=kill')
        same((r.rc, contents() == was), (-9, at == 'store.before_commit'), f'{verb} killed at {at}: {"nothing" if at == "store.before_commit" else "all of it"} is done')
        w.good(verb, *words, *WHY)
        same(w.state('SELECT COUNT(*) FROM audit WHERE verb = ?', verb), [[1]], f'{verb} killed at {at}: the same again, and it is done once')
        if verb != 'ack':
            if verb == 'pause':
                w.good('resume', 'loans')
            put()
            later()
            tick()
            same((state(), rows()), ('RECONCILED', 3), f'{verb} killed at {at}: the tick goes on from there')
later()
r = tick()
like(r.err, 'loans/2022-06-04: settled: acknowledged by', 'acknowledged: the tick says that it is settled')
same((w.orch('status').rc, tick().err), (0, ''), 'and that is the end of it')
like(w.orch('ack', 'loans/2022-06-04', *WHY).out, 'is acknowledged already', 'acknowledged twice is well')
w.put('2022-06-04/a.csv', 'a,b\n' + '1,x\n' * 6, mtime=OLD + 1)
for _ in range(3):
    r = tick()
    if 'SMALL' in r.err:
        break
like(r.err, 'SMALL: 6 rows', 'with other rows it is told again')

# -- a run that is in the midst of a load is cancelled ------------------------------------------------
fresh(workflow='quick.asl.json')
put('a,b\n' + '1,x\n' * 100000)
p = held('load.first_batch')
began = time.monotonic()
x = explain(f'loans/{PART}')
same((x['state'], x['code'], str(p.pid) in x['why']), ('PROCESSING', 'HELD', True), 'held: explain says by whom')
same(explain('loans')['state'], 'RUNNING', 'and of the pipeline that it runs')
c = w.spawn('cancel', 'loans', '--reason', 'the wrong file')
while c.poll() is None and (w.state('SELECT COUNT(*) FROM execution WHERE stop_requested = 1') == [[0]] or time.monotonic() < began + 3):
    time.sleep(.01)  # a step looks up when a quarter of its lease is over
open(w.path('go'), 'w').close()
p.communicate()
out, err = c.communicate()
same((c.returncode, state(), rows()), (0, 'QUEUED', 0), 'what it was loading is rolled back, and waits again') or diag(out + err)
x = explain(f'loans/{PART}')
same((x['state'], x['code']), ('QUEUED', 'QUEUED'), 'explain: it waits for its turn') or diag(x)
later()
tick()
same((state(), rows()), ('RECONCILED', 100000), 'the next tick loads it')

# -- superseded: a replay that is withdrawn, and a load that a replay has replaced -----------------------
w.good('replay', f'loans/{PART}', '--reason', 'again')
later()
x = explain(f'loans/{PART}')
same((x['state'], x['code'], rows()), ('RECONCILED', 'OK', 100000), 'replayed: well')
ok(any(n['code'] == 'JOB' and 'SUPERSEDED' in n['text'] for n in x['notes']), 'explain: the first load is superseded') or diag(x['notes'])
w.good('replay', f'loans/{PART}', '--queue', '--reason', 'by mistake')
later()
same(explain(f'loans/{PART}')['state'], 'QUEUED', 'a replay waits')
w.good('cancel', f'loans/{PART}', *WHY)
x = explain(f'loans/{PART}')
same((x['state'], x['code'], w.state('SELECT state FROM job ORDER BY n')), ('RECONCILED', 'OK', [['SUPERSEDED'], ['RECONCILED'], ['SUPERSEDED']]), 'withdrawn: superseded, and the hour is what it was')

# -- backed off: a server is away, here the folder of the source -----------------------------------------
fresh()
put()
os.rename(w.path('lake'), w.path('gone'))
r = w.orch('tick')
x = explain('loans')
same((r.rc, x['state']), (1, 'BACK_OFF'), 'the source is away: backed off') or diag(f'{r.err} {x}')
same([line['command'] for line in x['commands']][:1], ['orch run loans'], 'explain: orch run works it at once') or diag(x['commands'])
ok(any(b['text'].startswith('1 run failed') for b in x['blocking']), 'and after how many runs') or diag(x['blocking'])
same(w.orch('tick').err, '', 'a tick before that time leaves it alone, and says nothing again')
os.rename(w.path('gone'), w.path('lake'))
later(6)
r = tick()
same((r.rc, 'well again' in r.err, state(), explain('loans')['state']), (0, True, 'RECONCILED', 'DUE'), 'it is back: loaded by itself, and told') or diag(r.err)
# -- one that was faster than the request -----------------------------------------------------------------
fresh(workflow='quick.asl.json')
put()
p = held('ingest.settled')
c = w.spawn('cancel', 'loans', '--reason', 'the wrong file')
while c.poll() is None and w.state('SELECT COUNT(*) FROM execution WHERE stop_requested = 1') == [[0]]:
    time.sleep(.01)
open(w.path('go'), 'w').close()
p.communicate()
out, err = c.communicate()
same((c.returncode, 'they stand' in out, rows()), (0, True, 3), 'rows that were committed before the run saw the request are told to stand') or diag(out + err)
later()
tick()
same((state(), rows()), ('RECONCILED', 3), 'and the next tick compares them')

done()

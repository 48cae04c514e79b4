#!/usr/bin/python3
"""Counters of the metrics file, each raised by what it counts: overlapping ticks, owners stopped, missed fires, a state file that is
busy; and kill -9 anywhere, after which none has gone back and none has counted twice."""
import os, re, signal, sqlite3, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

HOUR = 'a,b\n1,2\n3,4\n5,NA\n'
w = World()
w.linger = '0s'
minute = 0


def later(n=10):
    global minute
    minute += n
    w.now = '2022-06-%02dT%02d:%02d:00Z' % (6 + minute // 1440, minute // 60 % 24, minute % 60)


def counters():
    """The file as the last tick left it."""
    with open(w.path('prom/orch.prom')) as f:
        found = dict(line.rstrip('\n').rsplit(' ', 1) for line in f if line[0] != '#' and ('_total{' in line or '_total ' in line))
    return {k: int(float(v)) for k, v in found.items()}


def missed(why):
    return counters().get('orch_schedule_missed_total{job="loans",reason="%s"}' % why, 0)


def count(name):
    return sum(v for k, v in counters().items() if k.split('{')[0] == f'orch_{name}_total')


def put(hour, n=1):
    for i in range(n):
        w.put(hour_key(hour, f'{i}.csv'), HOUR, mtime=1650000000)


def held(fault):
    """A tick that waits at a fault point until the file go is there."""
    for name in 'go', 'log':
        if os.path.exists(w.path(name)):
            os.unlink(w.path(name))
    p = w.spawn('tick', fault=f'{fault}=wait:{w.path("go")}', fault_log=w.path('log'))
    while p.poll() is None and not (os.path.exists(w.path('log')) and f'{fault}\n' in open(w.path('log')).read()):
        time.sleep(.01)
    return p


def let_go(p):
    open(w.path('go'), 'w').close()
    p.communicate()


os.mkdir(w.path('prom'))
later(120)
w.pipeline(target='sqlite', source_until='2022-06-05T07', schedule='*/5 * * * *', target_create=True, max_attempts=100)
w.write_config(dict(w.config_json, metrics={'textfile': 'prom'}))
put(0)
w.good('target', 'setup')
w.orch('tick')
same([count(x) for x in ('overlap_skipped', 'work_lease_lost', 'work_fenced', 'sqlite_busy', 'schedule_missed')], [0] * 5, 'a tick by itself raises none of them')

# -- two ticks
put(1)
later()
p = held('ingest.begun')
w.orch('tick')
same(count('overlap_skipped'), 1, 'a tick that found the pipeline in the hands of another')
let_go(p)
same(count('overlap_skipped'), 1, 'is counted once, and not forgotten by the tick that ends later')

# -- stopped in the midst of its work, and taken over
put(2)
later()
p = w.spawn('tick', fault='ingest.raised=stop')
os.waitpid(p.pid, os.WUNTRACED)
before = counters()
later(30)
for _ in range(10):  # its task is lost, and tried again after a while
    w.orch('tick')
    later()
    if w.target('SELECT COUNT(*) FROM loan_applicant_info')[0][0] == 9:
        break
same(w.target('SELECT COUNT(*) FROM loan_applicant_info')[0][0], 9, 'what a stopped tick had begun is loaded by another')
if p.poll() is None:
    os.kill(p.pid, signal.SIGCONT)
p.communicate()
same((count('work_lease_lost') - before.get('orch_work_lease_lost_total', 0), w.target('SELECT COUNT(*) FROM loan_applicant_info')[0][0]), (1, 9), 'it has lost its run, and is ended, for its target is a file: counted, and nothing loaded twice')

# -- missed fires
later(5)
w.orch('tick')
was = {x: missed(x) for x in ('no_tick', 'running', 'backoff')}
later(20)
w.orch('tick')
same({x: missed(x) - was[x] for x in was}, {'no_tick': 3, 'running': 0, 'backoff': 0}, 'no tick for twenty minutes: three fires of */5')
was = {x: missed(x) for x in was}
put(3)
later(5)
same(w.orch('tick', fault='ingest.begun=kill').rc, -9, 'a tick is killed')
for _ in range(10):
    later(20)
    w.orch('tick')
    if w.state("SELECT COUNT(*) FROM job WHERE state = 'RECONCILED'") == [[4]]:
        break
gone = {x: missed(x) - was[x] for x in was}
ok(gone['running'] >= 3 and gone['backoff'] == 0, 'its run was open when the next fires came') or diag(gone)
put(4)
was = {x: missed(x) for x in was}
for _ in range(10):  # the workflow's retries, a tick each, and then the run fails
    later(5)
    w.orch('tick', fault='load.before_commit=error')
    if w.state('SELECT retry_count FROM pipeline')[0][0]:
        break
later(60)
w.orch('tick')
ok(missed('backoff') - was['backoff'] >= 3, 'after a failure fires are missed for its sake') or diag({x: missed(x) - was[x] for x in was})

# -- a state file that somebody else holds: the time that a tick waits for it is the event
later()
was = count('sqlite_busy')
db = sqlite3.connect(w.path('orch.db'), isolation_level=None)
db.execute('BEGIN IMMEDIATE')
p = w.spawn('tick')
time.sleep(13)  # it gives up after 10 s, and would write that down for another 10
db.execute('COMMIT')
db.close()
err = p.communicate()[1]
same((p.returncode, 'try again later' in err), (75, True), 'a state file that is busy: try again later') or diag(err)
same(count('sqlite_busy') - was, 1, 'counted, by the tick that met it')
later()
w.orch('tick')
same(count('sqlite_busy') - was, 1, 'once')

# -- kill -9, everywhere
put(5, 4)
put(6, 4)
rows = w.target('SELECT COUNT(*) FROM loan_applicant_info')[0][0]
last, kills, back = counters(), 0, []
for at in [*range(2, 150, 4), *[None] * 15]:
    later()
    kills += w.orch('tick', fault=f'*=kill@{at}' if at else None).rc == -9
    new = counters()
    back += [(at, k, last[k], new.get(k)) for k in last if new.get(k, 0) < last[k]]
    last = new
ok(kills >= 10, f'{kills} ticks are killed')
same(back, [], 'no counter has gone back')
same(w.state("SELECT COUNT(*) FROM job WHERE state <> 'RECONCILED'"), [[0]], 'all is loaded')
loaded = w.target('SELECT COUNT(*) FROM loan_applicant_info')[0][0]
same((loaded, last['orch_rows_total{job="loans",direction="in",outcome="loaded"}']), (rows + 24, loaded), 'rows are counted once each')
same(last['orch_bytes_total{job="loans"}'], loaded // 3 * len(HOUR), 'and bytes')
done()

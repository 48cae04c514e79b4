#!/usr/bin/python3
"""What an adversary, or plain bad luck, would try: two hosts at one target, a hand in the ledger, names and values made to break things."""
import json, os, re, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql')
w.linger = '5s'
OLD = 1650000000
hours = {h: list(credit_rows(40, seed=h)) for h in range(3)}
everything = [r for h in hours for r in hours[h]]
minute = 0


def later(n=10):
    global minute
    minute += n
    w.now = '2022-06-%02dT%02d:%02d:00Z' % (6 + minute // 1440, minute // 60 % 24, minute % 60)


def parts(config='orch.db'):
    import sqlite3
    with sqlite3.connect(w.path(config)) as db:
        return dict(db.execute("SELECT part, state FROM partition_ WHERE state <> 'QUEUED' UNION ALL SELECT part, state FROM job WHERE n = 1"))


later(120)
w.sql(DDL)
w.pipeline(columns={'': None}, source_until='2022-06-05T03')
w.good('target', 'setup')
w.good('lineage', 'add', 'loan_applicant_info', '--pipeline', 'loans')
for h in hours:
    w.put(hour_key(h), csv_of(hours[h]), mtime=OLD)

# -- two hosts: two state files, one target, one pipeline ------------------------------------------
for host in 'ab':
    config = dict(w.config_json, state=f'{host}.db')
    with open(w.path(f'{host}.json'), 'w') as f:
        json.dump(config, f)


def on(host, *words, **env):
    return w.orch(*words, config=f'{host}.json', **env)


def start_on(host, *words, **env):
    return subprocess.Popen([ORCH, '-c', w.path(f'{host}.json'), *words], env=w.orch_env(**env), cwd=w.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


want = (dict({f'2022-06-05T0{h}': 'RECONCILED' for h in range(3)}, **{'2022-06-05T03': 'LATE'}),) * 2
for _ in range(30):  # who finds the other at work comes back later: how often that is, the machine's load decides
    for p in [start_on('a', 'tick'), start_on('b', 'tick')]:
        p.wait()
    later()
    if (parts('a.db'), parts('b.db')) == want:
        break
same(totals(w), totals_of(everything), 'two hosts at once: every row once')
same((parts('a.db'), parts('b.db')), want, 'and both say so')

late = list(credit_rows(10, seed=99))
everything += late
w.put(hour_key(0, 'late.csv'), csv_of(late), mtime=OLD)
later()
hold = w.path('hold')
p = start_on('a', 'tick', fault=f'ingest.pending=touch:{hold},load.before_ledger=wait:{hold}.go')
while not os.path.exists(hold) and p.poll() is None:
    time.sleep(.01)
same(on('b', 'skip', 'loans/2022-06-05T03', '--reason', 'the bank was closed').rc, 0, 'an hour is skipped on one host while the other loads')
open(hold + '.go', 'w').close()
p.wait()
later()
on('a', 'tick')
same(parts('a.db')['2022-06-05T03'], 'SKIPPED', 'the other host hears of it')
same(totals(w), totals_of(everything), 'and what it was loading is there')
fence = [int(x) for x in w.sql('SELECT epoch, seq FROM orch_fence')[0]]
with __import__('sqlite3').connect(w.path('a.db')) as db:
    same(db.execute('SELECT ledger_seq FROM pipeline').fetchone()[0], fence[1], 'the ledger is known and need not be read again')
# -- skip against a load that runs -----------------------------------------------------------------
def table(n, **p):
    w.sql(f'CREATE TABLE {n} LIKE loan_applicant_info')
    w.put(f'{n}/{hour_key(0)}', csv_of(hours[0]), mtime=OLD)
    w.pipeline(n, columns={'': None}, source_prefix=f'{n}/', target_table=n, source_until='2022-06-05T00', **p)


# -- an hour decided on one host while the other loads that very hour --------------------------------
def two_hosts(n):
    table(n)
    for host in 'ab':
        with open(w.path(f'{host}.json'), 'w') as f:
            json.dump(dict(w.config_json, state=f'{n}-{host}.db'), f)


def held_load(name, fault):
    """Host a loads, and waits at the fault point until .go is there."""
    at = w.path(name)
    p = start_on('a', 'tick', fault=f'{fault}=wait:{at}.go', fault_log=at)
    while p.poll() is None and not (os.path.exists(at) and fault in open(at).read()):
        time.sleep(.01)
    return p, at + '.go'


def decided(state):
    with __import__('sqlite3').connect(w.path(state)) as db:
        return db.execute('SELECT state FROM partition_').fetchone()[0]


for verb, words in ('skip', ['skip', 'skip1/2022-06-05T00']), ('adopt', ['adopt', 'adopt1', '--until', '2022-06-05T00']):
    n = f'{verb}1'
    two_hosts(n)
    p, go = held_load(f'{n}.before', 'load.before_fence')
    r = on('b', *words, '--reason', 'no rows of it')
    same((r.rc, r.err), (0, ''), f'{verb}: decided on b before a has written the fence')
    open(go, 'w').close()
    p.wait()
    same(totals(w, n)[0], 0, f'{verb}: what a was loading is not committed')
    later(6)
    on('a', 'tick')
    state = 'SKIPPED' if verb == 'skip' else 'ADOPTED'
    same((decided(f'{n}-a.db'), decided(f'{n}-b.db'), totals(w, n)[0]), (state, state, 0), f'{verb}: a hears of it, and the hour has no rows')
    same(w.sql("SELECT COUNT(*) FROM orch_load WHERE pipeline = '%s' AND state = 'LOADED'" % n), [['0']], f'{verb}: nor has the ledger')
    n = f'{verb}2'
    two_hosts(n)
    p, go = held_load(f'{n}.after', 'load.before_commit')
    q = start_on('b', *[x.replace('1', '2') if 'T' not in x else x.replace('skip1', 'skip2') for x in words], '--reason', 'no rows of it')
    while not w.sql("SELECT 1 FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'") and q.poll() is None:
        time.sleep(.15)  # the server renews that table where nobody has read it for 0.1 s
    same(q.poll(), None, f'{verb}: after the fence the decision waits for the load')
    open(go, 'w').close()
    p.wait()
    q.wait()
    same((q.returncode, totals(w, n), parts(f'{n}-a.db')), (1, totals_of(hours[0]), {'2022-06-05T00': 'RECONCILED'}), f'{verb}: and is refused: the hour is loaded')
    later(6)
    on('b', 'tick')
    same(parts(f'{n}-b.db')['2022-06-05T00'], 'RECONCILED', f'{verb}: b hears of it')


# -- an owner that another host has deposed while it was loading ------------------------------------
two_hosts('deposed')
p, go = held_load('deposed.at', 'load.before_fence')
later(30)
for _ in range(10):
    on('b', 'tick')
    later()
    if totals(w, 'deposed')[0]:
        break
same(totals(w, 'deposed'), totals_of(hours[0]), 'a load that stands still is taken over by the other host')
open(go, 'w').close()
p.wait()
same((totals(w, 'deposed'), re.findall(r'^orch_work_fenced_total (.*)', on('a', 'metrics').out, re.M)), (totals_of(hours[0]), ['1']), 'when it goes on the fence refuses it, and that is counted')

table('skipped')
p = w.spawn('tick', fault='ingest.begun=stop')
os.waitpid(p.pid, os.WUNTRACED)
r = w.orch('skip', 'skipped/2022-06-05T00', '--reason', 'too soon')
same(r.rc, 75, 'an hour that is being loaded is not skipped')
like(r.err, 'is being loaded', 'and the reason is said')
os.kill(p.pid, signal.SIGCONT)
p.communicate()
same((totals(w, 'skipped'), parts()), (totals_of(hours[0]), {'2022-06-05T00': 'RECONCILED'}), 'it is loaded')

# -- the clock is set back -------------------------------------------------------------------------
right = w.now
table('clocked')
bad = csv_of(hours[0]) + b'1,2\r\n'
w.put(f'clocked/{hour_key(0)}', bad, mtime=OLD)
w.now = '2031-01-01T00:00:00Z'
w.orch('tick')
w.put(f'clocked/{hour_key(0)}', csv_of(hours[0]), mtime=OLD)
w.now = right
for _ in range(3):
    later(6)
    w.orch('tick')
same(totals(w, 'clocked'), totals_of(hours[0]), 'a clock that was years ahead for one tick silences nothing')
w.linger = '0s'
table('retried')
w.now = '2031-01-01T00:00:00Z'
p = w.spawn('tick', fault='load.before_commit=error')
p.communicate()
w.now = right
for _ in range(4):
    later(6)
    w.orch('tick')
same(totals(w, 'retried'), totals_of(hours[0]), 'nor does a Retry wait for years')
same(w.state('SELECT COUNT(*) FROM flag'), [[0]], 'and the lock is free')
done()

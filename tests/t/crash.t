#!/usr/bin/python3
"""Killed, stopped, deposed, without its state file: in the end every row once. The short form of ./dev campaign."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from crash import *

w = World('mysql', 's3')
w.linger = '5s'
hours, rows = generated_hours()
r = Rounds(w, hours, rows)

# kill -9 at each of the places that matter, then everywhere
for point in ('load.first_batch', 'load.before_ledger', 'load.before_fence', 'load.before_commit', 'load.after_commit', 'ingest.pending',
              'ingest.after_commit', 'ingest.settled', 'ingest.done', 'ingest.raised', 'reconcile.compared', 'store.before_commit', 'store.after_commit'):
    if r.finished():
        r.fresh()
    for _ in range(5):  # a Retry may be waited for longer than these ticks linger
        code = r.killed_tick(fault=f'{point}=kill')
        if code == -9:
            break
    ok(code == -9, f'killed at {point}')
ok(r.settle(), 'after thirteen deaths: every row once, all RECONCILED')
r.fresh()
r.round(10)
ok(r.check(), f'after {r.kills} kills: every row once')

# the COMMIT went through and nobody was told
r.fresh()
w.orch('tick', now=r.clock(), fault='load.after_commit=error@2')
ok(r.settle(), "COMMIT's answer lost: every row once")

# the state file is deleted; then one from an earlier moment is put back
def state_files():
    return [n for n in os.listdir(w.dir) if n.startswith('orch.db') and os.path.isfile(w.path(n))]
for n in state_files():
    os.unlink(w.path(n))
ledger = w.sql('SELECT COUNT(*) FROM orch_load')
w.orch('tick', now=r.clock())
ok(r.settle(), 'state file deleted: every hour RECONCILED again from the ledger')
same(w.sql('SELECT COUNT(*) FROM orch_load'), ledger, 'and nothing loaded again')
r.fresh()
w.orch('tick', now=r.clock(), fault='ingest.done=exit@6')
import sqlite3
with sqlite3.connect(w.path('orch.db')) as a, sqlite3.connect(w.path('old.db')) as b:
    a.backup(b)
ok(r.settle(), 'everything loaded')
ledger = w.sql('SELECT COUNT(*) FROM orch_load')
for n in state_files():
    os.unlink(w.path(n))
os.rename(w.path('old.db'), w.path('orch.db'))
w.orch('tick', now=r.clock())
ok(r.settle(), 'an earlier state file put back: every hour RECONCILED again')
same(w.sql('SELECT COUNT(*) FROM orch_load'), ledger, 'and nothing loaded again')

# two ticks at once, and four
for n in (2, 4):
    r.fresh()
    now = r.clock()
    ps = [w.spawn('tick', now=now) for _ in range(n)]
    codes = [(p.communicate(), p.returncode)[1] for p in ps]
    ok(all(c in (0, 75) for c in codes), f'{n} ticks at once: {codes}')
    ok(r.settle(), f'{n} ticks at once: every row once')

# stopped in mid-load; the next tick takes over once the lease is over; the zombie wakes and commits nothing
r.fresh()
p = w.spawn('tick', now=r.clock(), fault='load.before_commit=stop@3')
os.waitpid(p.pid, os.WUNTRACED)
r.minute += 30
later = r.clock()
third = w.spawn('tick', now=later)
ok(r.settle(), 'an owner stopped in mid-load is taken over')
third.communicate()
before = w.sql('SELECT COUNT(*), SUM(rows_loaded) FROM orch_load')
os.kill(p.pid, signal.SIGCONT)
out, errs = p.communicate(timeout=60)
ok(r.check(), 'the zombie commits no row')
same(w.sql('SELECT COUNT(*), SUM(rows_loaded) FROM orch_load'), before, 'and no ledger row')

# stopped inside a transaction of the state file
r.fresh()
p = w.spawn('tick', now=r.clock(), fault='store.before_commit=stop@40')
os.waitpid(p.pid, os.WUNTRACED)
r.minute += 30
t = w.orch('tick', now=r.clock(), timeout=120)
ok(r.settle(), 'an owner stopped inside a write of the state file is ended, and the work goes on')
os.kill(p.pid, signal.SIGKILL) if p.poll() is None else None
p.communicate()

# stopped while it makes the state file: the first tick that there ever was
r.fresh()
p = w.spawn('tick', now=r.clock(), fault='store.before_commit=stop')
os.waitpid(p.pid, os.WUNTRACED)
t = w.orch('tick', now=r.clock(), timeout=120)
same((t.rc, p.poll()), (0, -9), 'an owner stopped while it makes the state file is ended')
p.communicate()
ok(r.settle(), 'and the work goes on')

# the servers go away and come back
for name, kill, back in (('mariadb', lambda: w.server('mariadb', 'kill'), w.start_mysql), ('rgw', lambda: w.server('rgw', 'kill-rgw'), lambda: w.server('rgw', 'start-rgw'))):
    r.fresh()
    hold = w.path(f'hold.{name}')
    p = w.spawn('tick', now=r.clock(), fault=f'ingest.begun=touch:{hold}@3,load.first_batch=wait:{hold}.go@3')
    while not os.path.exists(hold) and p.poll() is None:
        time.sleep(.01)
    kill()
    open(hold + '.go', 'w').close()
    out, errs = p.communicate(timeout=300)
    t = w.orch('tick', now=r.clock())
    same(t.rc, 75 if t.err else 0, f'{name} away: exit 75, said in one sentence, or nothing new')
    back()
    ok(r.settle(), f'{name} killed in mid-load and back: every row once')
r.report()
done()

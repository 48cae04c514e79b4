#!/usr/bin/python3
"""Small files that share a transaction: a ledger row each, and one that is bad takes no other with it."""
import datetime, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql')
w.linger = '5s'
F, R = 60, 20  # files, rows of each
at = [0]


def clock():
    at[0] += 1
    return (datetime.datetime(2022, 6, 6, 2) + datetime.timedelta(hours=at[0])).strftime('%Y-%m-%dT%H:%M:%SZ')


def rows_of(f):
    return [[str(f * R + i), 'NA' if i % 4 == 0 else str(i)] for i in range(R)]


def fresh(change=None, unique=' PRIMARY KEY', lineage=True, **p):
    for n in os.listdir(w.dir):
        if n.startswith('orch.db') and os.path.isfile(w.path(n)):
            os.unlink(w.path(n))
    w.sql(f'DROP TABLE IF EXISTS t, _orch_stage_t, orch_load, orch_fence, orch_reject; CREATE TABLE t (id INT{unique}, amount INT)')
    for f in range(F):
        w.put(hour_key(3, f'f{f:03d}.csv'), csv_of(rows_of(f), '\n', header=['id', 'amount']))
    for name, data in (change or {}).items():
        w.put(hour_key(3, name), data)
    p = {**dict(target_table='t', source_since='2022-06-05T03', source_until='2022-06-05T03'), **p}
    if not lineage:
        p['target_lineage'] = 'none'
    w.pipeline(**p)
    w.good('target', 'setup')
    if lineage:
        w.good('lineage', 'add', 't', '--pipeline', 'loans')


def there():
    return [int(x or 0) for x in w.sql('SELECT COUNT(*), COUNT(DISTINCT id), SUM(id), SUM(amount), SUM(amount IS NULL) FROM t')[0]]


def want(*without):
    rows = [r for f in range(F) if f not in without for r in rows_of(f)]
    return [len(rows), len(rows), sum(int(r[0]) for r in rows), sum(int(r[1]) for r in rows if r[1] != 'NA'), sum(r[1] == 'NA' for r in rows)]


def ledger():
    return w.sql("SELECT COUNT(*), SUM(rows_read), SUM(rows_loaded), SUM(rows_rejected), SUM(state = 'EMPTY') FROM orch_load")[0]


def commits(log):
    return open(log).read().split().count('load.before_commit')


for lineage in (True, False):
    fresh(lineage=lineage)
    r = w.good('tick', now=clock(), fault_log=w.path('log'))
    same((r.rc, r.err, there()), (0, '', want()), f'every row once, lineage {lineage}')
    same(ledger(), [str(F), str(F * R), str(F * R), '0', '0'], 'a ledger row for each file')
    same(commits(w.path('log')), 1, 'in one transaction')
    os.unlink(w.path('log'))
same(w.state("SELECT COUNT(*) FROM load WHERE state = 'LOADED'"), [[F]], 'each is LOADED')

bad = csv_of([*rows_of(30)[:-1], ['x', '1']], '\n', header=['id', 'amount'])
fresh({'f030.csv': bad})
r = w.orch('tick', now=clock())
same(r.rc, 1, 'one bad file')
like(r.err, "f030.csv line 21 column id: 'x' is not an INT", 'is named, with line and column')
same(there()[0], 30 * R, 'those before it are loaded, as if each had its own transaction')
w.put(hour_key(3, 'f030.csv'), csv_of(rows_of(30), '\n', header=['id', 'amount']), mtime=1654500000)
for _ in range(3):
    w.orch('tick', now=clock())
same((there(), w.state('SELECT DISTINCT state FROM job')), (want(), [['RECONCILED']]), 'mended: every row once')
fresh({'f030.csv': bad}, max_rejects=1)
r = w.good('tick', now=clock())
same((r.rc, there()[0], ledger()), (0, F * R - 1, [str(F), str(F * R), str(F * R - 1), '1', '0']), 'within its budget: loaded without that record')
same(w.state('SELECT line, code, state FROM reject'), [[21, 'NOT_AN_INT', 'FINAL']], 'which is kept')

# two files with the same key: only the second's row is refused
fresh({'f040.csv': csv_of([*rows_of(40)[:-1], ['7', '1']], '\n', header=['id', 'amount'])}, max_rejects=1)
r = w.good('tick', now=clock())
same((r.rc, there()[0], ledger()[2:4]), (0, F * R - 1, [str(F * R - 1), '1']), 'a key that two files have: the row of the later one is a reject')
same(w.state('SELECT line, code, state FROM reject'), [[21, 'DUPLICATE_KEY', 'FINAL']], 'with its line')

# columns in another order, empty files, a header alone
swapped = csv_of([[b, a] for a, b in rows_of(50)], '\n', header=['amount', 'id'])
fresh({'f050.csv': swapped, 'e1.csv': b'id,amount\n', 'e2.csv': b'\n\n', 'zz.csv': b''})
r = w.good('tick', now=clock())
same((r.rc, there()), (0, want()), 'another order of columns, and files without rows')
same(ledger()[4], '3', 'which are EMPTY')
for name in ('e1.csv', 'e2.csv', 'zz.csv'):
    w.remove(hour_key(3, name))

# killed where it matters
for point in ('load.first_batch', 'load.before_fence', 'load.before_commit', 'load.after_commit', 'ingest.pending', 'ingest.after_commit', 'ingest.settled'):
    fresh(max_rejects=1, change={'f030.csv': bad})
    same(w.orch('tick', now=clock(), fault=f'{point}=kill').rc, -9, f'killed at {point}')
    ok(there()[0] in (0, F * R - 1), 'all of it, or nothing')
    for _ in range(3):
        w.orch('tick', now=clock())
        if w.state('SELECT DISTINCT state FROM job') == [['RECONCILED']]:
            break
    same((there()[0], there()[1], ledger()[:4]), (F * R - 1, F * R - 1, [str(F), str(F * R), str(F * R - 1), '1']), f'killed at {point}: every row once')
    same(w.state('SELECT line, code, state FROM reject'), [[21, 'NOT_AN_INT', 'FINAL']], 'the reject once')
fresh()
w.orch('tick', now=clock(), fault='load.after_commit=error')
for _ in range(3):
    w.orch('tick', now=clock())
same((there(), ledger()[:3]), (want(), [str(F), str(F * R), str(F * R)]), "COMMIT's answer lost: every row once")
done()

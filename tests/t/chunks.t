#!/usr/bin/python3
"""Files larger than a transaction should be: in chunks, resumed, taken back; several connections for one file."""
import datetime, os, sqlite3, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql')
w.linger = '5s'
N = 8400
rows = [[str(i), f'name {i}' if i % 7 else f'"two\nlines {i}"', str(i * 3 % 1000) if i % 5 else 'NA'] for i in range(1, N + 1)]
HEAD = ['id', 'name', 'amount']
data = csv_of(rows, '\n', header=HEAD)
at = [0]


def clock(hours=1):
    """Later each time: nothing is backed off for so long."""
    at[0] += hours
    return (datetime.datetime(2022, 6, 6, 2) + datetime.timedelta(hours=at[0])).strftime('%Y-%m-%dT%H:%M:%SZ')


def table(name='t', unique=''):
    w.sql(f'DROP TABLE IF EXISTS {name}; CREATE TABLE {name} (id INT NOT NULL{unique}, name VARCHAR(40), amount INT)')


def fresh(content=data, unique=' PRIMARY KEY', **p):
    for n in os.listdir(w.dir):
        if n.startswith('orch.db') and os.path.isfile(w.path(n)):
            os.unlink(w.path(n))
    table(unique=unique)
    w.sql('DROP TABLE IF EXISTS orch_load, orch_fence')
    w.put(hour_key(3, 'big.csv'), content)
    p = {**dict(publish='chunks', chunk_bytes=65536, parallel=1, target_table='t', source_since='2022-06-05T03', source_until='2022-06-05T03'), **p}
    w.pipeline(**p)
    w.good('target', 'setup')
    same(w.good('lineage', 'add', 't', '--pipeline', 'loans').rc, 0, 'set up')


def content():
    return [int(x or 0) for x in w.sql("SELECT COUNT(*), COUNT(DISTINCT id), SUM(id), SUM(amount), SUM(amount IS NULL), SUM(name LIKE '%lines%') FROM t")[0]]


want = [N, N, N * (N + 1) // 2, sum(int(r[2]) for r in rows if r[2] != 'NA'), sum(r[2] == 'NA' for r in rows), N // 7]


def ledger():
    return w.sql("SELECT chunk, state, rows_read, rows_loaded, rows_rejected FROM orch_load ORDER BY chunk")


def whole(what):
    same(content(), want, f'{what}: every row once')
    same(ledger(), [['0', 'LOADED', str(N), str(N), '0']], f'{what}: one ledger row says LOADED')
    same(w.state('SELECT state FROM job'), [['RECONCILED']], f'{what}: RECONCILED')


for parallel in (1, 2, 3):
    fresh(parallel=parallel)
    log = w.path(f'log{parallel}')
    r = w.good('tick', now=clock(), fault_log=log)
    same((r.rc, r.err), (0, ''), f'{parallel} connection(s)')
    whole(f'{parallel} connection(s)')
    seen = open(log).read().split()
    ok(seen.count('chunks.done') >= 3, f'in chunks: {seen.count("chunks.done")}')
    lines = [int(x[0]) for x in w.sql('SELECT _orch_line FROM t ORDER BY id')]
    expect, line = [], 2
    for r_ in rows:
        expect.append(line)
        line += 1 + r_[1].count('\n')
    ok(lines == expect, 'lines are those of the file, behind quoted newlines too')

# killed wherever it matters, each time going on from there
for parallel in (1, 2):
    for point in ('load.before_commit', 'chunks.done') if parallel == 1 else ('chunks.planned', 'load.begun', 'load.first_batch', 'chunks.ready', 'load.before_fence', 'load.before_commit', 'load.after_commit', 'chunks.done',
                  'ingest.pending', 'ingest.after_commit', 'ingest.settled'):
        fresh(parallel=parallel)
        r = w.orch('tick', now=clock(), fault=f'{point}=kill{"@2" if point in ("load.begun", "load.after_commit", "chunks.done", "chunks.ready") else ""}')
        same(r.rc, -9, f'killed at {point}')
        before = [x for x in ledger() if x[0] != '0']
        for _ in range(4):
            r = w.orch('tick', now=clock())
            if r.rc == 0 and w.state('SELECT state FROM job') == [['RECONCILED']]:
                break
        whole(f'killed at {point}, {parallel} connection(s)')

# what is there is not loaded again
fresh()
w.orch('tick', now=clock(), fault='chunks.done=kill@2')
same([x[:2] for x in ledger()], [['0', 'PLAN'], ['1', 'LOADED'], ['2', 'LOADED']], 'two chunks are there')
for _ in range(3):
    log = w.path('resume.log')
    r = w.orch('tick', now=clock(), fault_log=log)
    if w.state('SELECT state FROM job') == [['RECONCILED']]:
        break
same(open(log).read().split().count('chunks.done'), seen.count('chunks.done') - 2, 'the rest is loaded, and no more')
whole('resumed')

# the state file gone in the midst of it
fresh()
w.orch('tick', now=clock(), fault='chunks.done=kill@2')
for n in os.listdir(w.dir):
    if n.startswith('orch.db') and os.path.isfile(w.path(n)):
        os.unlink(w.path(n))
for _ in range(3):
    r = w.orch('tick', now=clock())
    if w.state('SELECT state FROM job') == [['RECONCILED']]:
        break
whole('state file lost')

# over its budget: taken back, also when that is interrupted
bad = csv_of([*rows[:-1], ['x', 'bad', '1']], '\n', header=HEAD)
for fault in (None, 'chunks.revoked=kill', 'chunks.revoked=kill@2'):
    fresh(bad)
    r = w.orch('tick', now=clock(), fault=fault)
    if fault:
        same(r.rc, -9, f'{fault}')
        r = w.orch('tick', now=clock())
    same(r.rc, 1, 'a reject too many')
    like(r.err, "big.csv line 9600 column id: 'x' is not an INT", 'is said with its line')
    same((content()[0], ledger()), (0, []), 'and nothing of it stays')
fresh(bad, max_rejects=1)
same(w.good('tick', now=clock()).rc, 0, 'within its budget')
same(ledger(), [['0', 'LOADED', str(N), str(N - 1), '1']], 'it is loaded without that record')
same(w.state("SELECT line, code, state FROM reject"), [[9600, 'NOT_AN_INT', 'FINAL']], 'which is kept')

# rejects of several chunks that are under way at a time are all kept
many = csv_of([r if i % 2 else ['x' + r[0], *r[1:]] for i, r in enumerate(rows)], '\n', header=HEAD)
for parallel in (1, 3):
    fresh(many, parallel=parallel, max_rejects=N)
    same(w.good('tick', now=clock()).rc, 0, f'rejects in every chunk, {parallel} connection(s)')
    same(ledger(), [['0', 'LOADED', str(N), str(N - N // 2), str(N // 2)]], 'are counted')
    same(w.state('SELECT COUNT(*), COUNT(DISTINCT line) FROM reject'), [[N // 2, N // 2]], 'and kept, each once')

# nobody sees half of it: the rows wait in the staging table
def staged():
    return int(w.one('SELECT COUNT(*) FROM _orch_stage_t'))


for parallel in (1, 2):
    fresh(publish='whole', parallel=parallel)
    r = w.orch('tick', now=clock(), fault='chunks.done=kill@2')
    same(r.rc, -9, 'killed between two chunks')
    ok(content()[0] == 0 and staged() > 0, 'no row of it is in the table, some are in the stage')
    for _ in range(3):
        w.orch('tick', now=clock())
        if w.state('SELECT state FROM job') == [['RECONCILED']]:
            break
    whole(f'publish: whole, {parallel} connection(s)')
    same(staged(), 0, 'and the stage is empty again')
for point in ('load.begun@4', 'load.before_commit@4', 'load.after_commit@4', 'ingest.pending', 'ingest.settled'):
    fresh(publish='whole')
    r = w.orch('tick', now=clock(), fault=point.replace('@', '=kill@') if '@' in point else point + '=kill')
    same(r.rc, -9, f'killed at {point}')
    ok(content()[0] in (0, N), 'all of it is there, or nothing')
    for _ in range(3):
        w.orch('tick', now=clock())
        if w.state('SELECT state FROM job') == [['RECONCILED']]:
            break
    whole(f'publish: whole, killed at {point}')

# loaded again: one transaction puts the new rows in the place of the old ones
for publish in ('whole', 'chunks'):
    fresh(publish=publish)
    w.good('tick', now=clock())
    w.sql("UPDATE t SET amount = 1 WHERE id = 77; DELETE FROM t WHERE id > 8000")
    r = w.good('replay', 'loans/2022-06-05T03', '--reason', 'rows were changed', now=clock())
    w.orch('tick', now=clock())
    same(content(), want, f'replay, publish: {publish}')
    same([x[0] for x in w.sql("SELECT state FROM orch_load ORDER BY generation")], ['SUPERSEDED', 'LOADED'], 'the old generation is superseded')
    same(staged(), 0, 'the stage is empty')

# a row that only the table itself refuses: a reject with its bytes
fresh(publish='whole', max_rejects=1)
w.sql("INSERT INTO t (id, name, amount) VALUES (4711, 'by hand', 1)")
r = w.good('tick', now=clock())
same(r.rc, 0, 'a key that is in the table already')
same(ledger(), [['0', 'LOADED', str(N), str(N - 1), '1']], 'the others are loaded')
line = expect[4710]
same(w.state("SELECT line, code, CAST(raw AS TEXT), state FROM reject"), [[line, 'DUPLICATE_KEY', ','.join(rows[4710]), 'FINAL']], 'that one is kept, byte for byte')
fresh(publish='whole')
w.sql("INSERT INTO t (id, name, amount) VALUES (4711, 'by hand', 1)")
r = w.orch('tick', now=clock())
same(r.rc, 1, 'without a budget')
same((content()[0], ledger(), staged()), (1, [], 0), 'nothing is loaded, and nothing stays in the stage')

# a row that the server refuses: found row by row
double = csv_of([*rows, ['17', 'again', '1']], '\n', header=HEAD)
for parallel in (1, 2):
    fresh(double, max_rejects=1, parallel=parallel)
    r = w.good('tick', now=clock())
    same(r.rc, 0, 'a repeated key')
    same(ledger(), [['0', 'LOADED', str(N + 1), str(N), '1']], 'everything but it is loaded')
    same(w.state("SELECT code FROM reject"), [['DUPLICATE_KEY']], 'and it is a reject')
done()

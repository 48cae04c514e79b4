#!/usr/bin/python3
"""Files larger than a transaction should be: in chunks, resumed, taken back; several connections for one file."""
import datetime, gzip, hashlib, os, signal, sqlite3, sys
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

# a file on disk is read by each connection for itself, in stretches of chunks: whatever is in them
small = [[str(i), f'n{i}', '1'] for i in range(1, 20001)]
long = ['20001', '"' + 'a line of a text that is long\n' * 12000 + '"', '2']  # over five chunks
wide = HEAD + [f'"column {i} {"x" * 60}"' for i in range(2000)]
odd = [('a last record over several chunks', csv_of([*small, long], '\n', header=HEAD), 20001, {}),
       ('a record over several chunks, CRLF', csv_of([*small[:100], long, *small[100:]], '\r\n', header=HEAD).replace(b'long\n', b'long\r\n'), 20001, {}),
       ('one record alone, larger than seven chunks', csv_of([['1', '"' + 'x' * 500000 + '"', '1']], '\n', header=HEAD), 1, {}),
       ('chunks of empty lines at the end', csv_of(small, '\n', header=HEAD) + b'\n' * 300000, 20000, {}),
       ('a file that ends with its last chunk', csv_of(small, '\n', header=HEAD)[:131063] + b'9,end,,10', 10217, dict(max_rejects=1)),
       ('a header larger than a chunk', csv_of([wide], '\n', header=None) + csv_of([r_ + [''] * 2000 for r_ in small[:100]], '\n', header=None), 100, dict(target_drift='ignore-extra')),
       ('gzip whose name does not say so', gzip.compress(csv_of([[str(i), os.urandom(40).hex(), '1'] for i in range(1, 8001)], '\n', header=HEAD)), 8000, {})]
for what, text, n, keys in odd:
    for parallel in (1, 2, 8):
        fresh(text, unique='', parallel=parallel, **keys)
        w.sql('ALTER TABLE t MODIFY name LONGTEXT')
        r = w.good('tick', now=clock())
        same(w.state('SELECT state FROM job'), [['RECONCILED']], f'{what}, {parallel} connection(s)')
        same(content()[0:2], [n, n], 'each row once')
        same(w.sql("SELECT chunk, state, rows_loaded, sha256 FROM orch_load"), [['0', 'LOADED', str(n), hashlib.sha256(text).hexdigest()]], 'and the ledger has the sum of the bytes')
same(len(odd[4][1]) % 65536, 0, 'the one that was to end with its last chunk did')

# whoever goes on has as many connections as he likes
for first, second in ((1, 3), (3, 1), (2, 8)):
    fresh(parallel=first)
    same(w.orch('tick', now=clock(), fault='chunks.done=kill@2').rc, -9, f'killed with {first} connection(s)')
    before = len([x for x in ledger() if x[1] == 'LOADED'])
    ok(before >= 2, 'some chunks are there')
    w.config_json['pipelines']['loans']['parallel'] = second
    w.write_config(w.config_json)
    for _ in range(3):
        log = w.path(f'log.{first}.{second}')
        w.orch('tick', now=clock(), fault_log=log)
        if w.state('SELECT state FROM job') == [['RECONCILED']]:
            break
    same(open(log).read().split().count('chunks.done'), seen.count('chunks.done') - before, f'{second} load the rest, and no more')
    whole(f'{first}, then {second} connection(s)')

# keys repeated across chunks, in both directions: connections that wait for each other settle it
cross = list(rows)
for i in range(5000, 8000, 113):
    cross.insert(50, [str(i), 'early', '6'])
cross += [[str(i), 'again', '5'] for i in range(20, 4000, 97)]
for publish in ('chunks', 'whole'):
    fresh(csv_of(cross, '\n', header=HEAD), parallel=8, max_rejects=len(cross) - N, publish=publish)
    for _ in range(3):
        w.orch('tick', now=clock())
        if w.state('SELECT state FROM job') == [['RECONCILED']]:
            break
    same(ledger(), [['0', 'LOADED', str(len(cross)), str(N), str(len(cross) - N)]], f'keys repeated in other chunks, publish: {publish}')
    same(content()[:3], want[:3], 'each key once')
    same(w.state('SELECT COUNT(*), COUNT(DISTINCT line), MIN(code), MAX(code) FROM reject'), [[len(cross) - N, len(cross) - N, 'DUPLICATE_KEY', 'DUPLICATE_KEY']], 'and the others are rejects')


# a file that changes while it is read: nothing of it stays, and what it is now is loaded next
def stopped(fault, change):
    p = w.spawn('tick', now=clock(), fault=fault)
    _, status = os.waitpid(p.pid, os.WUNTRACED)
    ok(os.WIFSTOPPED(status), f'stopped at {fault}')
    change(p)
    os.kill(p.pid, signal.SIGCONT)
    out, err = p.communicate(timeout=300)
    return p.returncode, err


def put(text):
    w.put(hour_key(3, 'big.csv'), text, mtime=1654400000)


def cut(size):
    os.truncate(w.path('lake', hour_key(3, 'big.csv')), size)


def append(text):
    with open(w.path('lake', hour_key(3, 'big.csv')), 'ab') as f:
        f.write(text)


def replace(text):
    old = w.path('lake', hour_key(3, 'big.csv'))
    with open(old + '.new', 'wb') as f:
        f.write(text)
    os.rename(old + '.new', old)


other = csv_of([[r_[0], r_[1], '7' if r_[2] != 'NA' else 'NA'] for r_ in rows], '\n', header=HEAD)
for what, change, n in (('grows', lambda p: append(b'9999,later,1\n'), N + 1), ('is cut off', lambda p: cut(100000), None),
                        ('is another one', lambda p: replace(other), N), ('is written over', lambda p: put(data[:-4] + data[-4:].replace(b'\n', b' ')), None)):
    for fault in ('source.get=stop@3', 'source.end=stop@2'):  # the second connection opens it; the second one is at its end
        if what == 'is another one' and fault.startswith('source.end'):
            continue  # whoever has it open reads the old one to its end, rightly
        fresh(parallel=2, publish='chunks', max_rejects=1)
        rc, err = stopped(fault, change)
        ok(rc != 0 and 'changed' in err, f'a file that {what} at {fault} is told')
        same((content()[0], ledger()), (0, []), 'nothing of it stays')
        for _ in range(3):
            w.orch('tick', now=clock())
            if w.state("SELECT state FROM job ORDER BY n DESC LIMIT 1") == [['RECONCILED']]:
                break
        there = open(w.path('lake', hour_key(3, 'big.csv')), 'rb').read()
        same(w.sql("SELECT state, sha256 FROM orch_load"), [['LOADED', hashlib.sha256(there).hexdigest()]], 'what it is now is loaded')
        if n:
            same(content()[0], n, 'each row once')

# asked to end in the midst of it: it does so at once, and the next one goes on
for parallel in (1, 3):
    fresh(parallel=parallel)
    rc, err = stopped('chunks.done=stop@2', lambda p: os.kill(p.pid, signal.SIGTERM))
    same((rc, w.state('SELECT state FROM job')), (75, [['PROCESSING']]), f'SIGTERM between two chunks, {parallel} connection(s)')
    ok(any(x[1] == 'PLAN' for x in ledger()), 'what is there stays')
    for _ in range(3):
        w.orch('tick', now=clock())
        if w.state('SELECT state FROM job') == [['RECONCILED']]:
            break
    whole('gone on with')

# verified long ago is not verified now: chunks that lay there are summed again when the load is whole
for late, verdict in ((False, 'RECONCILED'), (True, 'MISMATCHED')):
    fresh(parallel=2)
    same(w.orch('tick', now=clock(), fault='chunks.done=kill@2').rc, -9, 'killed between two chunks')
    if late:
        w.sql('UPDATE t SET amount = amount + 1 WHERE amount IS NOT NULL ORDER BY id LIMIT 1')
    for _ in range(3):
        w.orch('tick', now=clock())
        if w.state('SELECT state FROM job')[0][0] in ('RECONCILED', 'MISMATCHED'):
            break
    same(w.state('SELECT state FROM job'), [[verdict]], f'somebody {"" if late else "not "}at the rows of a chunk an hour before the last one: {verdict}')
done()

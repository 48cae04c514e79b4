#!/usr/bin/python3
"""orch rejects: the bytes as they stood, groups, export; a second try after a fix, exactly once under kill -9; what a person gives up."""
import csv, gzip, io, os, shutil, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World()
w.linger = '5s'
w.now = '2022-06-05T02:00:00Z'
OLD = 1650000000
PART = 'loans/2022-06-05T00'


def config(**more):
    w.pipeline(target='sqlite', target_table='t', source_until='2022-06-05T00', max_rejects='1000', **more)


def rule(columns, **more):
    """The fix of a rule."""
    w.config_json['pipelines']['loans']['columns'] = columns
    w.config_json['pipelines']['loans'].update(more)
    w.write_config(w.config_json)


def rejects(*words):
    return json.loads(w.good('rejects', 'loans', *words, '-o', 'json').out)['rejects']


def raw(*words):
    r = subprocess.run([ORCH, '-c', w.path('orch.json'), 'rejects', *words, '--raw'], env=w.orch_env(), cwd=w.dir, capture_output=True)
    return r.returncode, r.stdout, r.stderr.decode()


def make_table(ddl='CREATE TABLE t (id INT, n INT, note TEXT)'):
    import sqlite3
    with sqlite3.connect(w.path('target.db')) as db:
        db.executescript(ddl)
    w.good('target', 'setup')
    w.good('lineage', 'add', 't')


# ---- what is kept, byte for byte ----
LONG = 'y' * 100000
RECORDS = [b'1,1,"a\nb"', b'2,x,c', b'3,3,d', b'4,-,"e\r\n\nf"', b'5,-,g', b'6,6', b'7,7,a"b', b'8,8,caf\xe9', b'9,?,' + LONG.encode(), b'10,-,"' + b'z' * 70000 + b'\n"', b'11,11,last']
ENDS = [b'\n', b'\r\n', b'\n', b'\n', b'\r\n', b'\n', b'\n', b'\n', b'\r\n', b'\n', b'']
DATA = b'id,n,note\n' + b''.join(a + b for a, b in zip(RECORDS, ENDS))
BAD = {4: b'2,x,c', 6: RECORDS[3], 9: RECORDS[4], 10: RECORDS[5], 11: RECORDS[6], 12: RECORDS[7], 13: RECORDS[8], 14: RECORDS[9]}

config(rejects={'table': 't_rejects'})
w.put(hour_key(0, 'a.csv'), DATA, mtime=OLD)
w.put(hour_key(0, 'b.csv.gz'), gzip.compress(DATA), mtime=OLD)
make_table()
same(w.orch('tick').rc, 0, 'the hour is loaded')
for name in ('a.csv', 'b.csv.gz'):
    mine = [r for r in rejects() if r['key'].endswith(name)]
    same([r['line'] for r in mine], list(BAD), f'{name}: lines are those of the file, after quoted newlines too')
    same([DATA[r['offset']:r['offset'] + r['raw_bytes']] for r in mine], list(BAD.values()), f'{name}: offset and length cut them out of it')
rc, out, err = raw('loans')
want = b''.join(DATA[r['offset']:r['offset'] + r['raw_bytes']] + b'\n' for r in rejects())
ok(rc == 0 and out == want and err == '', '--raw equals the slices of the objects byte for byte, those that were kept in part too')
rc, out, err = raw('loans', '--code', 'BAD_UTF8')
same(out, b'8,8,caf\xe9\n' * 2, '--raw of one code')
same(w.state('SELECT COUNT(*) FROM reject WHERE length(raw) < raw_total'), [[4]], 'four of them are longer than what is kept')

# ---- list, groups, export ----
same({(r['code'], r['column']) for r in rejects('--column', '')}, {('FIELD_COUNT', ''), ('BAD_QUOTE', ''), ('BAD_UTF8', '')}, "--column '': the record as a whole")
same(len(rejects('--limit', '3')), 3, '--limit')
same([len(rejects('--state', s)) for s in ('FINAL', 'FAILED', 'all')], [16, 0, 16], '--state')
groups = json.loads(w.good('rejects', 'loans', '--by', 'code,column', '-o', 'json').out)['groups']
same([(g['code'], g['column'], g['rejects']) for g in groups], [('NOT_AN_INT', 'n', 10), ('BAD_QUOTE', '', 2), ('BAD_UTF8', '', 2), ('FIELD_COUNT', '', 2)], '--by code,column: the largest first')
like(groups[0]['example'], "a.csv line 4 column n: 'x' is not an INT", 'each with its first one as an example')
like(w.good('rejects', 'loans', '--by', 'file').out, 'a.csv', '--by file')
w.good('rejects', PART, '--export', w.path('all.csv'))
with open(w.path('all.csv'), newline='') as f:
    rows = list(csv.DictReader(f))
same([bytes.fromhex(r['raw_hex']) for r in rows if int(r['raw_bytes']) < 60000], [v for v in BAD.values() if len(v) < 60000] * 2, '--export: all fields as CSV, the bytes without loss')
same({r['code'] for r in rows if r['hint'] == ''}, {'NOT_AN_INT'}, 'with what to do about it, where there is more to say than the message does')
lines = [json.loads(x) for x in w.good('rejects', 'loans', '--export', '-', '-o', 'jsonl').out.splitlines()]
same([(r['line'], r['state'], r['code']) for r in lines], [(int(r['line']), r['state'], r['code']) for r in rows], '--export -: JSON lines')
for words in (('--by', 'colour'), ('--state', 'OPEN'), ('--raw', '--by', 'code'), ('--replay',), ('--discard',), ('--discard', '--limit', '3', '--reason', 'x'), ('--reason', 'x')):
    same(w.orch('rejects', 'loans', *words).rc, 2, f'refused: rejects loans {" ".join(words)}')

# ---- the copy in the database ----
COPY = 'SELECT line, code, column_name, length(raw), raw_bytes FROM t_rejects ORDER BY object_key, line'
STATE = 'SELECT r.line, code, column_, length(raw), raw_total FROM reject r JOIN load l USING (load_id) JOIN object o ON o.id = l.object_id WHERE {} ORDER BY o.key, r.line'
same(w.target(COPY), w.state(STATE.format("r.state = 'FINAL'")), 'rejects.table: a copy of each')
same(w.target('SELECT DISTINCT typeof(load_id), pipeline, part, message FROM t_rejects WHERE line = 4'), [['integer', 'loans', '2022-06-05T00', "'x' is not an INT"]], 'with where it stood and why')

# ---- once more, after a fix ----
before = w.target('SELECT COUNT(*) FROM t')
like(w.good('rejects', 'loans', '--replay', '--reason', 'x').out, '0 rejects loaded, 16 refused again', 'nothing was mended: nothing goes in')
same(w.target('SELECT COUNT(*) FROM t'), before, 'no row')
rule({'n': {'null': ['-']}}, csv={'encoding': 'cp1252'})
like(w.good('rejects', 'loans', '--replay', '--dry-run').out, 'would replay 16 rejects', '--dry-run says how many')
w.good('pause', 'loans', '--reason', 'a look at it')
r = w.good('rejects', 'loans', '--replay', '--column', 'n', '--reason', 'a dash is NULL')
like(r.out, '6 rejects loaded, 4 refused again', 'the rule was mended: those go in that it speaks of, the cut one too')
like(r.err, 'worked all the same, because you ask', 'a pause is named')
w.good('resume', 'loans')
same(w.target("SELECT id, n, length(note), _orch_line, COUNT(*) FROM t WHERE n IS NULL GROUP BY id ORDER BY id"), [[4, None, 5, 6, 2], [5, None, 1, 9, 2], [10, None, 70001, 14, 2]], 'under their own lines')
same(w.target("SELECT rows_read, rows_loaded, rows_rejected FROM orch_load"), [[11, 6, 5]] * 2, "the ledger's counts go with them")
like(w.good('reconcile', 'loans').out, '0 differ', 'source and target agree')
same(sorted({r['state'] for r in rejects('--state', 'all')}), ['FINAL', 'REPLAYED'], 'REPLAYED are kept')
gone = rejects('--state', 'REPLAYED')
ok(len(gone) == 6 and all(r['reason'] == 'a dash is NULL' and '@' in r['who'] and r['decided'] for r in gone), 'with who, why and when')
same(w.status()['pipelines'][0]['rejects'], {'final': 10, 'other': 0}, 'and open no longer')
same(w.target(COPY), w.state(STATE.format("r.state = 'FINAL'")), 'the copy follows')
like(w.good('rejects', 'loans', '--replay', '--code', 'BAD_UTF8', '--reason', 'it is cp1252').out, '2 rejects loaded', 'by the encoding of now')
same(w.target('SELECT note, COUNT(*) FROM t WHERE id = 8'), [['café', 2]], 'they are read')
like(w.good('metrics').out, 'orch_rows_total{job="loans",direction="in",outcome="loaded"} 14', 'they count as loaded')
like(w.good('reconcile', 'loans', '--recount-source').out, '0 differ', 'source and target agree, the source read again')
same((w.orch('tick', now='2022-06-05T02:01:00Z').rc, w.orch('tick', now='2022-06-05T02:02:00Z').err), (0, ''), 'ticks find nothing to do')

# what is still bad stays, with the reason of now
import sqlite3
with sqlite3.connect(w.path('target.db')) as db:
    db.execute("CREATE UNIQUE INDEX one ON t (id) WHERE id = 2")
    db.execute("INSERT INTO t (id, n, note) VALUES (2, 5, 'mine')")
rule({'n': {'null': ['-', 'x']}})
r = w.good('rejects', 'loans', '--replay', '--code', 'NOT_AN_INT', '--reason', 'x is NULL too')
like(r.out, '0 rejects loaded, 4 refused again', 'what the database refuses is refused')
same({(x['line'], x['code'], x['column']) for x in rejects() if x['line'] in (4, 13)}, {(4, 'DUPLICATE_KEY', 'id'), (13, 'NOT_AN_INT', 'n')}, 'and says so')
same(w.target(COPY), w.state(STATE.format("r.state = 'FINAL'")), 'in the copy as well')
with sqlite3.connect(w.path('target.db')) as db:
    db.execute('DROP INDEX one')
    db.execute("DELETE FROM t WHERE note = 'mine'")
rule({'n': {'null': ['-']}})

# ---- given up ----
like(w.good('rejects', 'loans', '--discard', '--code', 'FIELD_COUNT', '--dry-run').out, 'would discard 2 rejects', '--discard --dry-run')
like(w.good('rejects', 'loans', '--discard', '--code', 'FIELD_COUNT', '--reason', 'the bank does not want them').out, '2 rejects discarded', '--discard')
same(w.status()['pipelines'][0]['rejects']['final'], 6, 'they are open no longer')
same({(r['code'], r['reason']) for r in rejects('--state', 'DISCARDED')}, {('FIELD_COUNT', 'the bank does not want them')}, 'they are kept, with the reason')
same(w.target("SELECT verdict, COUNT(*) FROM orch_reject GROUP BY 1"), [['DISCARDED', 2], ['REPLAYED', 8]], "in the target's ledger too")
same(w.target(COPY), w.state(STATE.format("r.state = 'FINAL'")), 'the copy holds those that are open')

# ---- the state file is lost ----
open_ones = [(r['key'], r['line']) for r in rejects()]
given_up = [(r['key'], r['line'], r['who'], r['reason'], r['decided']) for r in rejects('--state', 'DISCARDED')]
for n in ('orch.db', 'orch.db-wal', 'orch.db-shm'):
    if os.path.exists(w.path(n)):
        os.unlink(w.path(n))
same(w.orch('tick').rc, 0, 'a tick without a state file')
same([(r['key'], r['line']) for r in rejects()], open_ones, 'the open ones are read again; what was replayed is no reject any more')
same([(r['key'], r['line'], r['who'], r['reason'], r['decided']) for r in rejects('--state', 'DISCARDED')], given_up, 'what was given up stays given up, and by whom')
same(w.state('SELECT SUM(rejects_missing) FROM load'), [[0]], 'none is missing')
# by the rules of before, their records are refused again; the ledger knows better
rule({})
w.config_json['pipelines']['loans'].pop('csv')
w.write_config(w.config_json)
for n in ('orch.db', 'orch.db-wal', 'orch.db-shm'):
    if os.path.exists(w.path(n)):
        os.unlink(w.path(n))
same(w.orch('tick').rc, 0, 'the same, with the rules of before')
same([(r['key'], r['line']) for r in rejects()], open_ones, 'a replayed one does not come back as open')
same(len(rejects('--state', 'REPLAYED')), 8, 'it is REPLAYED')

# ---- the target is put back: what it does not hold is open again ----
w.good('rejects', 'loans', '--discard', '--code', 'BAD_QUOTE', '--reason', 'x')
with sqlite3.connect(w.path('target.db')) as db:
    db.execute("DELETE FROM orch_reject WHERE verdict = 'DISCARDED' AND reason = 'x'")
    db.execute('UPDATE orch_fence SET seq = seq - 1')
w.orch('tick', now='2022-06-05T02:05:00Z')
same([(r['key'], r['line']) for r in rejects()], open_ones, 'a decision that the ledger lost is open again')

# ---- the object is gone, or another one ----
w.remove(hour_key(0, 'a.csv'))
rc, out, err = raw(PART)
ok(rc == 1 and 'line 13: 34468 of its 100004 bytes are not here' in err, '--raw of a file that is gone: what was kept, and what is missing')
rule({'n': {'null': ['-', 'x']}})
r = w.orch('rejects', 'loans', '--replay', '--reason', 'x is NULL too')
ok(r.rc == 1 and '1 reject loaded' in r.out and 'left alone: 2022-06-05T00 a.csv:' in r.out, 'a file that is gone is left alone, the other is replayed; exit 1')
like(w.good('reconcile', 'loans').out, '0 differ', 'and what was loaded agrees')

# ---- without provenance nobody could tell ----
rule({}, target={'connection': 'warehouse', 'table': 't', 'lineage': 'none'})
r = w.orch('rejects', 'loans', '--replay', '--reason', 'x')
ok(r.rc == 2 and '"lineage": "none"' in r.err, 'lineage none refuses it, and says why')

# ---- a file over its budget: nothing is loaded, so nothing is replayed; a percentage counts at its end ----
for n in os.listdir(w.dir):
    if n.startswith(('orch.db', 'target.db', 'lake')):
        shutil.rmtree(w.path(n)) if os.path.isdir(w.path(n)) else os.unlink(w.path(n))
body = 'id,n,note\n' + ''.join(f'{i},{"x" if i < 3 else i},a\n' for i in range(30))
config(rejects={'table': 't_rejects'})
w.config_json['pipelines']['loans']['max_rejects'] = '5%'
w.write_config(w.config_json)
w.put(hour_key(0), body, mtime=OLD)
make_table()
same(w.orch('tick').rc, 1, '3 of 30 are more than 5 %')
same([(r['line'], r['state']) for r in rejects()], [(2, 'FAILED'), (3, 'FAILED'), (4, 'FAILED')], 'they are shown')
like(w.good('rejects', 'loans', '--replay', '--reason', 'x').out, 'no reject of a loaded file is open', 'and not replayed alone')
same(w.target('SELECT COUNT(*) FROM t_rejects'), [[0]], 'no copy of what is not loaded')
w.config_json['pipelines']['loans']['max_rejects'] = '10%'
w.write_config(w.config_json)
w.good('retry', 'loans', '--reason', 'more room')
same(w.target('SELECT COUNT(*) FROM t'), [[27]], '3 of 30 are 10 %, though the first two records were all bad')
same(w.target('SELECT COUNT(*) FROM t_rejects'), [[3]], 'a copy of each')
w.good('replay', 'loans', '--only', 'all', '--reason', 'x')
same(w.target('SELECT COUNT(*), COUNT(DISTINCT load_id), MIN(load_id) = (SELECT load_id FROM orch_load WHERE state = \'LOADED\') FROM t_rejects'), [[3, 1, 1]], 'a new generation replaces the copies of the old one')

# ---- killed anywhere ----
rule({'n': {'null': ['x']}})
names = ('orch.db', 'orch.db-wal', 'orch.db-shm', 'target.db', 'target.db-wal', 'target.db-shm')


def save():
    os.makedirs(w.path('saved'), exist_ok=True)
    for n in names:
        if os.path.exists(w.path(n)):
            shutil.copy(w.path(n), w.path('saved', n))


def restore():
    for n in names:
        if os.path.exists(w.path(n)):
            os.unlink(w.path(n))
        if os.path.exists(w.path('saved', n)):
            shutil.copy(w.path('saved', n), w.path(n))


def well():
    """Every record once, as the file has it; ledger, state and copy agree."""
    got = [w.target('SELECT COUNT(*), COUNT(DISTINCT id), SUM(n), SUM(n IS NULL) FROM t'), w.target("SELECT rows_loaded, rows_rejected FROM orch_load WHERE state = 'LOADED'"),
           w.state("SELECT rows_loaded, rows_rejected, rejects_missing FROM load WHERE state = 'LOADED'"), [r['state'] for r in rejects('--state', 'all')],
           w.target('SELECT COUNT(*) FROM t_rejects'), w.target('SELECT verdict, COUNT(*) FROM orch_reject GROUP BY 1'), w.state('SELECT COUNT(*) FROM flag'), w.orch('reconcile', 'loans').rc]
    want = [[[30, 30, sum(range(3, 30)), 3]], [[30, 0]], [[30, 0, 0]], ['REPLAYED'] * 3, [[0]], [['REPLAYED', 3]], [[0]], 0]
    if got != want:
        diag(f'{got}\n{want}')
    return got == want


save()
log = w.path('faults')
w.orch('rejects', 'loans', '--replay', '--reason', 'x', fault_log=log)
with open(log) as f:
    points = f.read().split()
ok(well(), 'a replay that nobody disturbs')
ok({'rejects.begun', 'rejects.pending', 'rejects.before_fence', 'rejects.before_commit', 'rejects.after_commit', 'rejects.committed', 'rejects.settled', 'rejects.raised'} <= set(points), 'all places that matter are passed')
again, ticked, died = [], [], 0
for n in range(1, len(points) + 1):
    for heal in ('again', 'tick'):
        if heal == 'tick' and not points[n - 1].startswith(('rejects.', 'store.after')):
            continue
        restore()
        r = w.orch('rejects', 'loans', '--replay', '--reason', 'x', fault=f'*=kill@{n}')
        died += r.rc == -9
        started = w.state("SELECT COUNT(*) FROM execution x JOIN workflow w ON w.sha256 = x.workflow_sha256 WHERE w.name = 'replay-rejects'")[0][0]
        if heal == 'tick' and not started:
            continue
        for i in range(4):
            if heal == 'again':
                w.orch('rejects', 'loans', '--replay', '--reason', 'x', now=f'2022-06-05T03:0{i}:00Z')
            else:
                w.orch('tick', now=f'2022-06-05T03:0{i}:00Z')
        if not well():
            (again if heal == 'again' else ticked).append(f'{n} {points[n - 1]}')
same(again, [], f'killed at each of {len(points)} places, and the same command again: every record once')
same(ticked, [], 'or the next tick: it goes on with it')
ok(died >= len(points), f'{died} deaths')

# beside a load it is refused
restore()
hold = w.path('hold')
p = w.spawn('replay', PART, '--reason', 'x', now='2022-06-05T03:20:00Z', fault=f'ingest.raised=touch:{hold},ingest.begun=wait:{hold}.go')
while not os.path.exists(hold) and p.poll() is None:
    time.sleep(.01)
r = w.orch('rejects', 'loans', '--replay', '--reason', 'x')
ok(r.rc == 75 and 'is being worked at this moment' in r.err, 'while a run is at work: exit 75')
open(hold + '.go', 'w').close()
p.communicate(timeout=120)
same(p.returncode, 0, 'which the run does not notice')

# a discard that dies between the two files
restore()
w.orch('rejects', 'loans', '--discard', '--reason', 'x', fault='rejects.discarded=kill')
same(len(rejects()), 3, 'killed after the ledger: the state file does not know yet')
w.orch('tick', now='2022-06-05T03:10:00Z')
same([r['state'] for r in rejects('--state', 'all')], ['DISCARDED'] * 3, 'the next tick reads it in the ledger')
done()

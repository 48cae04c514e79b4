#!/usr/bin/python3
"""Each state of docs/operations.md reached and left by the commands that stand there; the verbs killed, repeated, and only tried."""
import json, os, re, shlex, signal, sqlite3, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World()
w.linger = '5s'
OLD = 1650000000
KEY = hour_key(12)
PART = '2022-06-05T12'
DATA = 'a,b\n1,x\n2,y\n3,z\n'
clock = 0


def later(minutes=10):
    global clock
    clock += minutes * 60
    w.now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(clock))


def fresh(at='15:00', lineage=True, **p):
    """A world without a past: one pipeline, one hour, at a time of that day."""
    global clock
    import calendar
    for name in os.listdir(w.dir):
        path = w.path(name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif name != 'db.secret':
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass  # a database's last reader takes its -wal and -shm away
    os.makedirs(w.path('lake'))
    clock = calendar.timegm(time.strptime(f'2022-06-05T{at}', '%Y-%m-%dT%H:%M'))
    later(0)
    with sqlite3.connect(w.path('target.db')) as db:
        db.execute('CREATE TABLE t (a INTEGER, b TEXT)')
    w.pipeline(target='sqlite', target_table='t', **dict({'source_since': PART, 'source_until': PART}, **p))
    w.good('target', 'setup')
    if lineage:
        w.good('lineage', 'add', 't')


def put(data=DATA, name='part-0.csv'):
    w.put(hour_key(12, name), data, mtime=OLD)


def state():
    r = w.status()
    return r['pipelines'][0]['partitions'][0]['state'] if r['pipelines'][0]['partitions'] else ''


def contents():
    """All that a command could change, but for when it was looked at."""
    tables = ('partition_', 'job', 'load', 'object', 'execution', 'pause', 'ack', 'audit', 'flag')
    return [w.state(f'SELECT * FROM {t}') for t in tables] + [w.target('SELECT * FROM orch_load'), w.target('SELECT * FROM t')]


def rows():
    return w.target('SELECT COUNT(*) FROM t')[0][0]


DRY = ('skip', 'adopt', 'cancel', 'retry', 'replay', 'pause', 'resume', 'ack')


def type_in(command, **env):
    words = shlex.split(command)[1:]
    if words[0] in DRY and not env and os.path.exists(w.path('orch.db')):
        before = contents()
        r = w.orch(*words, '--dry-run')
        same((r.rc, contents() == before), (0, True), f'{command} --dry-run: changes nothing')
    r = w.orch(*words, **env)
    later()
    return r


# -- the page --------------------------------------------------------------------------------------
def commands(cell):
    return re.findall(r'`(orch [^`]*)`', cell)


page = open(os.path.join(TOP, 'docs/operations.md')).read()
table = re.search(r'<!-- states -->\n(.*?)<!-- /states -->', page, re.S).group(1)
table = [[c.strip() for c in line.strip('|\n').split('|')] for line in table.splitlines()[2:]]
BAD = 'a,b\n1,x\nx,y\n'


# What stands in the second column: before the commands of the third, instead of them, and before those of the fourth.
def dies(at):
    def f(command):
        return type_in(command, fault=f'{at}=kill')
    return f


def given(state, meaning):
    """Before, how the commands are run, and what happens before it is left."""
    if state == 'WAITING':
        return lambda: fresh('13:30'), type_in, put
    if state == 'LATE':
        return fresh, type_in, put if 'has come' in meaning else None
    if state == 'QUEUED':
        return lambda: (fresh(), put()), type_in, None
    if state == 'PROCESSING':
        return lambda: (fresh(), put()), dies('ingest.begun'), None
    if state == 'LOADED':
        return lambda: (fresh(), put()), dies('ingest.done'), None
    if state == 'RECONCILED':
        return lambda: (fresh(), put()), type_in, None
    if state == 'EMPTY':
        return lambda: (fresh(), put('a,b\n')), type_in, lambda: put(name='part-1.csv')
    if state == 'FAILED':
        return lambda: (fresh(), put(BAD)), type_in, put
    if state == 'DEAD':
        return lambda: (fresh(max_attempts=1), put(BAD)), type_in, put if 'not wanted' not in meaning else None
    if state == 'MISMATCHED':
        def rows_gone():
            fresh()
            put()
            w.orch('tick')
            later()
            w.target('DELETE FROM t WHERE a = 2')
        return rows_gone, type_in, None
    if state == 'ADOPTED':
        return lambda: (fresh(), put()), type_in, None
    return fresh, type_in, None


def explained(state):
    r = w.orch('explain', f'loans/{PART}')
    if not ok(r.rc == 0 and state in r.out, f'{state}: explain says so'):
        diag(r.out + r.err)


for name, meaning, reached, left in table:
    before, run, happens = given(name, meaning)
    before()
    for command in commands(reached):
        run(command)
    same(state(), name, f'{name}: reached ({meaning})')
    explained(name)
    if happens:
        happens()
    left, _, after = left.partition('→')
    for command in commands(left):
        r = type_in(command)
        if r.rc not in (0, 5 if 'diff' in command else 0):
            diag(f'{command}: {r.rc} {r.out} {r.err}')
    same(state(), after.strip(), f'{name}: left for {after.strip()}')
    if after.strip() == 'RECONCILED':
        same(rows(), 3, f'{name}: every row once')

want = {'WAITING', 'LATE', 'QUEUED', 'PROCESSING', 'LOADED', 'RECONCILED', 'EMPTY', 'FAILED', 'DEAD', 'MISMATCHED', 'SKIPPED', 'ADOPTED'}
same({r[0] for r in table}, want, 'the page has all states')

# -- pause: nothing is started, lateness is found, a person may all the same --------------------------
fresh('13:30', source_since='2022-06-05T11')
put()
type_in("orch pause loans --reason 'the warehouse is moved'")
r = type_in("orch pause loans --reason 'another word'")
same((r.rc, 'already' in r.out, 'the warehouse is moved' in r.out), (0, True, True), 'paused twice is paused once, with the first reason')
r = type_in('orch tick')
same((r.rc, w.state('SELECT COUNT(*) FROM execution')), (6, [[0]]), 'a paused pipeline starts nothing, and the hour that is late is told')
like(r.err, '2022-06-05T11: LATE: no object has come', 'by name')
same((w.state("SELECT part, state FROM job"), rows()), ([[PART, 'QUEUED']], 0), 'what has come waits in the queue')
r = type_in('orch tick')
same((r.rc, r.err), (0, ''), 'told once')
later(60 * 25)
r = type_in('orch tick')
like(r.err, 'PAUSED: nothing is loaded: paused since 2022-06-05T13:30:00Z by', 'a pause that is a day old may have been forgotten: it is told')
like(r.err, 'orch resume loans', 'with what to type')
r = type_in(f'orch run loans/{PART}')
same(rows(), 3, 'orch run works it all the same')
like(r.err, 'the warehouse is moved; worked all the same', 'and says that it is paused, and why')
type_in(f"orch replay loans/{PART} --queue --reason 'again'")
type_in('orch tick')
same(w.state("SELECT state FROM job WHERE kind = 'REPLAY'"), [['QUEUED']], 'a replay that was left to the tick waits too')
r = type_in("orch resume loans --reason 'it is moved'")
like(r.out, 'goes on with the next tick', 'resumed')
same(type_in('orch resume loans').out, 'loans is not paused\n', 'resumed twice is well')
type_in('orch tick')
same(w.state("SELECT state FROM job WHERE kind = 'REPLAY'"), [['RECONCILED']], 'then it is worked')
same(w.state("SELECT verb, reason FROM audit WHERE verb IN ('pause', 'resume') ORDER BY id"), [['pause', 'the warehouse is moved'], ['resume', 'it is moved']], 'who paused and resumed is kept, with the reason')
same(w.orch('pause', 'loans').rc, 2, 'a pause needs a reason')
same(w.orch('pause', f'loans/{PART}', '--reason', 'x').rc, 2, 'a partition is not paused')

# -- pause in the midst of a backlog: the job at hand is ended, the next is not begun -------------------
fresh(source_since='2022-06-05T10')
for h in 10, 11, 12:
    w.put(hour_key(h), DATA, mtime=OLD)
p = w.spawn('tick', fault=f'ingest.begun=wait:{w.path("go")}', fault_log=w.path('log'))
while p.poll() is None and not (os.path.exists(w.path('log')) and 'ingest.begun' in open(w.path('log')).read()):
    time.sleep(.01)
w.good('pause', 'loans', '--reason', 'stop here')
open(w.path('go'), 'w').close()
p.communicate()
same(w.state('SELECT state FROM job ORDER BY part'), [['RECONCILED'], ['QUEUED'], ['QUEUED']], 'paused in a backlog: the job at hand is loaded to its end, no other is begun')

# -- cancel ----------------------------------------------------------------------------------------
p = w.spawn('run', 'loans', fault=f'ingest.done=wait:{w.path("go2")}', fault_log=w.path('log2'))
while p.poll() is None and not (os.path.exists(w.path('log2')) and 'ingest.done' in open(w.path('log2')).read()):
    time.sleep(.01)
c = w.spawn('cancel', 'loans', '--reason', 'the wrong week')
while c.poll() is None and w.state('SELECT COUNT(*) FROM execution WHERE stop_requested = 1') == [[0]]:
    time.sleep(.01)
same(c.poll(), None, 'a run that lives is asked, and waited for')
open(w.path('go2'), 'w').close()
p.communicate()
out, err = c.communicate()
if not same((c.returncode, 'ABORTED' in out), (0, True), 'it obeys, and that is told'):
    diag(out)
like(err, 'is asked to stop; its owner (pid', 'with the owner')
like(err, 'orch pause loans', 'first loads that wait are named, with what to do')
same(w.state("SELECT error, cause FROM execution WHERE status = 'ABORTED'"), [['Orch.Cancelled', 'the wrong week']], 'the reason is kept with the run')
later()
w.good('resume', 'loans')
type_in('orch tick')
same((w.state('SELECT DISTINCT state FROM job'), rows()), ([['RECONCILED']], 9), 'the next tick loads what waited, and nothing twice')

before = w.target('SELECT * FROM t ORDER BY _orch_load_id, _orch_line')
w.good('replay', 'loans', '--only', 'all', '--queue', '--reason', 'by mistake')
later()
same(w.state("SELECT COUNT(*) FROM job WHERE kind = 'REPLAY' AND state = 'QUEUED'"), [[3]], 'three replays wait')
r = type_in("orch cancel loans/2022-06-05T11 --reason 'only that one'")
same(w.state("SELECT part, state FROM job WHERE kind = 'REPLAY' ORDER BY part"), [['2022-06-05T10', 'QUEUED'], ['2022-06-05T11', 'SUPERSEDED'], [PART, 'QUEUED']], 'one of them is withdrawn')
r = w.orch('cancel', 'loans', '-o', 'json')
same([(x['name'], x['action'], x['state']) for x in json.loads(r.out)['cancel']], [(f'loans/{h}#2', 'WITHDRAW', 'SUPERSEDED') for h in ('2022-06-05T10', PART)], 'then the others')
later()
r = type_in('orch tick')
same((r.rc, w.target('SELECT * FROM t ORDER BY _orch_load_id, _orch_line') == before, w.status()['pipelines'][0]['counts']), (0, True, {'RECONCILED': 3}), 'what was loaded before stands, and is well')
same(w.orch('cancel', 'loans').out, 'loans: nothing runs, and no replay waits\n', 'cancelled twice is well')

# -- retry -----------------------------------------------------------------------------------------
fresh(source_since='2022-06-05T10', max_attempts=1)
for h in 10, 11, 12:
    w.put(hour_key(h), BAD if h > 10 else DATA, mtime=OLD)
type_in('orch tick')
type_in('orch tick')
same([p['state'] for p in w.status()['pipelines'][0]['partitions']], ['RECONCILED', 'DEAD', 'DEAD'], 'two hours are given up')
r = type_in('orch retry loans --from 2022-06-05T12 --queue')
same([p['state'] for p in w.status()['pipelines'][0]['partitions']], ['RECONCILED', 'DEAD', 'QUEUED'], 'retry takes a range, and may leave the work to the tick')
same(w.state('SELECT attempts, tries FROM job WHERE part = ?', PART), [[0, 0]], 'with all its attempts')
r = w.orch('retry', 'loans', '-o', 'json', '--dry-run')
same([(x['partition'], x['action']) for x in json.loads(r.out)['retry']], [('2022-06-05T11', 'RETRY'), (PART, 'LEAVE')], 'only what has failed is retried')
put()
w.put(hour_key(11), DATA, mtime=OLD)
type_in("orch retry loans --reason 'mended'")
type_in('orch tick')
same((rows(), w.status()['pipelines'][0]['counts']), (9, {'RECONCILED': 3}), 'mended and retried: all is loaded')
same(w.orch('retry', 'loans').out, 'loans: no job has failed\n', 'nothing to retry is no error')
same(w.state("SELECT verb, part, reason FROM audit WHERE reason = 'mended'"), [['retry', '2022-06-05T11', 'mended']], 'who retried is kept')

# -- adopt -----------------------------------------------------------------------------------------
fresh(source_since='2022-06-05T08')
for h in 8, 9, 10, 11, 12:
    w.put(hour_key(h), DATA, mtime=OLD)
w.target("INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'), (3, 'z'), (1, 'x'), (2, 'y')")
UNTIL = ['adopt', 'loans', '--until', '2022-06-05T09']
WHY = ['--reason', 'loaded by the old script']
r = w.orch(*UNTIL, *WHY, '--recount', '--dry-run', '-o', 'json')
same((r.rc, json.loads(r.out)['reconciliation']), (5, {'verdict': 'DIFFERENT', 'objects': 2, 'rows_source': 6, 'rows_target': 5}), 'before: the files of those hours have a row more than the table')
w.target("INSERT INTO t (a, b) VALUES (3, 'z')")
r = w.orch(*UNTIL, *WHY, '--recount')
same((r.rc, 'EQUAL' in r.out), (0, True), 'adopted, and the numbers agree')
later()
type_in('orch tick')
counts = {'ADOPTED': 2, 'RECONCILED': 3}
same((w.status()['pipelines'][0]['counts'], rows()), (counts, 6 + 9), 'adopted hours are not loaded, the others are')
same(w.orch(*UNTIL, *WHY).out, 'loans: nothing to do\n  2 adopted before\n', 'adopted twice is well')
r = w.orch('adopt', 'loans', '--until', '2022-06-05T11', *WHY)
same((r.rc, w.status()['pipelines'][0]['counts']), (2, counts), 'hours that orch has loaded are refused, all of the range')
like(r.err, '2022-06-05T10, have rows that orch loaded', 'by name')
os.unlink(w.path('orch.db'))
type_in('orch tick')
same((w.status()['pipelines'][0]['counts'], rows()), (counts, 15), 'the state file lost: what was adopted still is, and nothing is loaded twice')
same(w.state("SELECT DISTINCT reason FROM partition_ WHERE state = 'ADOPTED'"), [['loaded by the old script']], 'with its reason')
later(60 * 24)
w.put(hour_key(9, 'late.csv'), DATA, mtime=time.time() - 60)  # the test clock moves what is listed too
r = type_in('orch tick')
same((r.rc, rows()), (1, 15), 'a file that comes later is told, not loaded')
like(r.err, 'late.csv came after the hour was adopted, and is not loaded', 'by name')
r = w.orch('ack', 'loans/2022-06-05T09', *WHY)
same((r.rc, w.state('SELECT part, class FROM ack')), (0, [['2022-06-05T09', 'REFUSED']]), 'that is acknowledged')
later()
type_in('orch tick')
r = w.orch('status')
same((r.rc, 'all well' in r.out), (0, True), 'and is no trouble any more')
same(w.orch('ack', 'loans/2022-06-05T08', *WHY).rc, 1, 'nothing to acknowledge is said')
w.good('adopt', 'loans', '--from', '2022-06-05T09', '--until', '2022-06-05T09', '--undo', '--reason', 'they had not')
later()
type_in('orch tick')
same((w.status()['pipelines'][0]['counts'], rows()), ({'ADOPTED': 1, 'RECONCILED': 4}, 15 + 6), 'taken back: orch loads that hour, the late file too')
same(w.orch('adopt', 'loans', '--until', '2022-06-09T09', *WHY).rc, 2, 'hours to come are not adopted')
same(w.orch('adopt', 'loans', '--until', '2022-06-05T09').rc, 2, 'without a reason neither')
fresh(target_lineage='none', lineage=False)
put()
r = w.orch('adopt', 'loans', '--until', PART, *WHY, '--recount')
same((r.rc, 'UNVERIFIABLE' in r.out), (0, True), 'without lineage columns: adopted, and said that nobody can tell')

# -- what programs read is what docs/cli-json.md says ------------------------------------------------
json_page = open(os.path.join(TOP, 'docs/cli-json.md')).read()
for words in ['cancel', 'loans'], ['retry', 'loans'], ['adopt', 'loans', '--until', PART, *WHY, '--recount']:
    fresh(max_attempts=1)
    put(DATA if words[0] == 'cancel' else BAD)
    type_in('orch tick')
    if words[0] == 'cancel':
        w.good('replay', f'loans/{PART}', '--queue')
    r = json.loads(w.orch(*words, '--dry-run', '-o', 'json').out)
    flat = {**r, **(r.get('reconciliation') or {}), **(r.get(words[0]) or [{}])[0]}
    missing = [k for k in flat if f'"{k}"' not in json_page and k != words[0]]
    same((missing, r['schema_version'], len(flat) > 5), ([], 1, True), f'{words[0]} -o json: docs/cli-json.md names its members')

# -- and if the process dies here ------------------------------------------------------------------
ADOPT = ['adopt', 'loans', '--until', PART, *WHY]
SKIP = ['skip', f'loans/{PART}', *WHY]
for at, words, after in [('decide.before_commit', SKIP, 'RECONCILED'), ('decide.after_ledger', SKIP, 'SKIPPED'),
                         ('decide.before_commit', ADOPT, 'RECONCILED'), ('decide.after_ledger', ADOPT, 'ADOPTED')]:
    fresh()
    put()
    r = w.orch(*words, fault=f'{at}=kill')
    later()
    type_in('orch tick')
    same((r.rc, state(), rows()), (-9, after, 3 if after == 'RECONCILED' else 0), f'{words[0]} killed at {at}: the next tick brings it to its end')
    fresh()
    put()
    w.orch(*words, fault=f'{at}=kill')
    later()
    w.good(*words)
    later()
    type_in('orch tick')
    same((state(), rows(), w.target("SELECT COUNT(*) FROM orch_load WHERE state <> 'SUPERSEDED'")), ('ADOPTED' if words is ADOPT else 'SKIPPED', 0, [[1]]), f'{words[0]} killed at {at}: so does the same command')

fresh()
put()
type_in('orch tick')
was = contents()
r = w.orch('replay', f'loans/{PART}', '--reason', 'x', fault='replay.before_commit=kill')
same((r.rc, contents() == was), (-9, True), 'replay killed before it was queued: nothing is')
for at in 'cancel.stopped', 'cancel.put_back':
    w.good('replay', f'loans/{PART}', '--queue', '--reason', 'x')
    later()
    type_in('orch tick', fault='ingest.begun=kill')
    r = w.orch('cancel', 'loans', fault=f'{at}=kill')
    later()
    same((r.rc, w.state("SELECT COUNT(*) FROM execution WHERE status = 'RUNNING'")), (-9, [[0]]), f'cancel killed at {at}: the run is stopped')
    w.good('cancel', 'loans')
    later()
    same(w.state("SELECT state FROM job WHERE kind = 'REPLAY' ORDER BY id DESC LIMIT 1"), [['SUPERSEDED']], f'cancel killed at {at}: again, and the replay is withdrawn')
    r = type_in('orch tick')
    same((r.rc, state(), rows()), (0, 'RECONCILED', 3), f'cancel killed at {at}: what was loaded stands')

# -- a file that was mended a moment ago may still be on its way ------------------------------------
fresh(source_settle='60s')
put(BAD)
type_in('orch tick')
later()
w.put(hour_key(12, 'part-0.csv'), DATA, mtime=time.time())
for verb in 'retry', 'replay':
    r = w.orch(verb, f'loans/{PART}')
    same((r.rc, 'at rest for settle' in r.err, rows()), (1, True, 0), f'{verb} of a file that is younger than settle: not loaded, and told when it will be')
later()
w.put(hour_key(12, 'part-0.csv'), DATA, mtime=OLD + 60)
type_in('orch tick')
same((state(), rows()), ('RECONCILED', 3), 'and when it is at rest the next look loads it')

fresh()
put()
type_in('orch tick', fault='load.after_commit=kill')
os.unlink(w.path('orch.db'))
later()
r = w.orch(*SKIP)
same((r.rc, 'has 3 rows in the target' in r.err), (1, True), 'an hour whose rows are there though nobody here knows yet is not skipped: the ledger does')
type_in('orch tick')
same((state(), rows()), ('RECONCILED', 3), 'and the next tick knows')
done()

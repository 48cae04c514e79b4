#!/usr/bin/python3
"""plan, explain and status: the right reason and the right next command in every state that a partition can have."""
import fcntl, json, os, pty, sqlite3, struct, subprocess, sys, termios, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import World, diag, ok, same, like, done, ORCH, TOP
import scale

NOON = '2022-06-05T12:00:00Z'
D = '2022-06-05T'
w = World()
w.linger = '0s'
w.now = NOON
GOOD = 'id,n\n1,5\n2,6\n'


def key(h, name='a.csv'):
    return f'yyyy=2022/mm=06/dd=05/hh={h:02d}/{name}'


def put(h, text=GOOD, name='a.csv', at='2022-06-05T06:00:00Z'):
    w.put(key(h, name), text, mtime=time.mktime(time.strptime(at, '%Y-%m-%dT%H:%M:%SZ')) - time.timezone)


def pipe(**more):
    w.pipeline('loans', target='sqlite', source_since=D + '00', source_until=D + '23', source_late_after='3h', target_create=True, target_table='loans',
               columns={'id': {'type': 'INT'}, 'n': {'type': 'INT'}}, max_attempts=2, schedule='rate(5 minutes)', **more)


def plan(*args, **env):
    r = w.orch('plan', *args, '-o', 'json', **env)
    same(r.rc, 0, f'plan {" ".join(args)}') if r.rc else None
    return json.loads(r.out)


def codes(*args, **env):
    return {p['partition'][-2:]: p['code'] for p in plan(*args, **env)['plan']}


def explain(part, **env):
    r = w.orch('explain', 'loans', *([D + part] if part else []), '-o', 'json', **env)
    if r.rc:
        ok(False, f'explain {part}: {r.err}')
    return json.loads(r.out)


def told(part, state, code, command, name, **env):
    """explain says so, and so does plan --all; gives what explain said."""
    x = explain(part, **env)
    same([x['state'], x['code']], [state, code], f'explain: {name}')
    lines = [c['command'] for c in x['commands']]
    if command is None:
        same(lines, [], f'{name}: nothing to type')
    else:
        ok(any(line.startswith(command) for line in lines), f'{name}: type {command}') or print('#', lines, file=sys.stderr)
    if code not in ('OUTSIDE',):
        same(codes(f'loans/{D}{part}', **env).get(part, 'none' if code == 'NOT_DUE' else None) in (code, 'none'), True, f'plan: {name}')
    return x


def blocked(x):
    return [b['code'] for b in x['blocking']]


pipe()
r = w.orch('plan')
same(r.rc != 0 and 'orch tick makes it' in r.err, True, 'plan before the first tick says what to do')

# ---- what no tick has met, then each state in turn ----
for h in (1, 2, 3, 8):
    put(h)
put(4, 'id,n\n1,x\n')
put(5, 'id,n\n')
put(9)
w.good('target', 'setup')
w.orch('tick', '--dry-run')
x = told('01', 'WAITING', 'NOT_LISTED', 'orch run loans/', 'no tick has looked')
like(json.dumps(x['blocking']), 'no tick has run yet', 'and that none has run is what blocks it')
x = told('15', 'NOT_DUE', 'NOT_DUE', None, 'an hour that is not over')
like(x['why'], '2022-06-05T16:00:00Z', 'with the time when it is')
dry = json.loads(w.orch('tick', '--dry-run', '-o', 'json').out)
look = plan('--look')
same([p for p in dry['plan']], [p for p in look['plan']], 'tick --dry-run is plan --look')
same({p['code'] for p in look['plan'] if p['partition'][-2:] in ('01', '02', '03', '04', '05', '08', '09')}, {'NEW'}, 'NEW: what lies there')
same(look['totals']['objects'], 7, 'totals of objects')
same(look['totals']['bytes'], sum(p['bytes'] for p in look['plan']), 'and bytes')
same(look['totals']['codes'], {c: [p['code'] for p in look['plan']].count(c) for c in {p['code'] for p in look['plan']}}, 'and of each code')

r = w.orch('tick')
same(r.rc, 1, 'the tick meets a broken file and hours that are late')
told('01', 'RECONCILED', 'OK', 'orch reconcile loans/', 'loaded and reconciled')
x = explain('01')
same([x['objects'], x['rows_read'], x['rows_loaded'], x['rows_rejected'], x['unexplained']], [1, 2, 2, 0, 0], 'source figures')
told('05', 'EMPTY', 'EMPTY', 'orch run loans/', 'a file without rows')
told('06', 'LATE', 'LATE', 'orch skip loans/', 'late')
x = told('10', 'WAITING', 'MISSING', 'orch run loans/', 'missing, not late yet')
like(x['why'], '2022-06-05T14:00:00Z', 'and when it will be')
x = told('04', 'FAILED', 'FAILED', 'orch retry loans/', 'failed')
same([x['attempts'], x['max_attempts']], [1, 2], 'attempt of max')
like(x['why'], 'attempt 1 of 2', 'in words too')
ok(x['next_try'] is not None and x['next']['at'] is not None, 'the next try has a time')
same(codes(), {'00': 'LATE', '04': 'FAILED', '06': 'LATE', '07': 'LATE', '10': 'MISSING', '11': 'MISSING'}, 'plan: what is not settled, nothing else')
same(len(plan('--all')['plan']), 12, 'plan --all: every closed hour')
same(sorted(codes('loans', '--from', D + '04', '--to', D + '06')), ['04', '06'], 'plan --from --to')
r = w.orch('plan')
like(r.out.splitlines()[-1], '6 partitions', 'the table ends with totals')
like(w.orch('status').out, f'once that is mended it goes on by itself, or at once by orch retry loans/{D}04', 'status names the command that tries again')

w.orch('tick', now='2022-06-05T12:30:00Z')
x = told('04', 'DEAD', 'DEAD', 'orch retry loans/', 'dead', now='2022-06-05T12:31:00Z')
same(x['next']['at'], None, 'nothing comes by itself')
w.good('skip', f'loans/{D}06', '--reason', 'the bank was closed')
x = told('06', 'SKIPPED', 'SKIPPED', f'orch skip loans/{D}06 --undo', 'skipped')
like(x['why'], 'the bank was closed', 'with the reason')

# ---- overwritten, by a pipeline that refuses ----
pipe(source_on_overwrite='refuse')
put(2, GOOD + '3,7\n', at='2022-06-05T12:20:00Z')
same(codes('--look', now='2022-06-05T12:40:00Z').get('02'), 'REFUSED', 'plan --look: what will be refused')
w.orch('tick', now='2022-06-05T12:40:00Z')
x = told('02', 'RECONCILED', 'REFUSED', 'orch replay loans/', 'an overwritten object that is not loaded', now='2022-06-05T12:41:00Z')
w.good('ack', f'loans/{D}02', '--reason', 'as it should be', now='2022-06-05T12:41:00Z')
told('02', 'RECONCILED', 'OK', 'orch reconcile loans/', 'acknowledged: well', now='2022-06-05T12:42:00Z')
pipe()

# ---- mismatched: a row vanishes from the target ----
db = sqlite3.connect(w.path('target.db'))
with db:
    db.execute('DELETE FROM loans WHERE id = 2 AND _orch_load_id = (SELECT min(_orch_load_id) FROM loans)')
db.close()
w.orch('reconcile', 'loans', now='2022-06-05T12:43:00Z')
part = [p['partition'][-2:] for p in plan(now='2022-06-05T12:44:00Z')['plan'] if p['code'] == 'COUNT_DIFF']
same(len(part), 1, 'plan: COUNT_DIFF')
x = told(part[0], 'MISMATCHED', 'COUNT_DIFF', 'orch diff loans/', 'mismatched', now='2022-06-05T12:44:00Z')
like(x['why'], '-1 rows', 'by how many rows')
w.good('replay', f'loans/{D}{part[0]}', '--reason', 'a row was deleted', now='2022-06-05T12:45:00Z')

# ---- queued: by a person, then paused, backed off, behind another, being worked ----
w.good('replay', f'loans/{D}01', '--queue', '--reason', 'test', now='2022-06-05T12:46:00Z')
w.good('replay', f'loans/{D}08', '--queue', '--reason', 'test', now='2022-06-05T12:46:00Z')
x = told('08', 'QUEUED', 'QUEUED', 'orch run loans/', 'queued', now='2022-06-05T12:46:30Z')
ok('EARLIER' in blocked(x), 'an older hour goes first')
like(json.dumps(x['blocking']), f'loans/{D}01', 'which one')
ok('EARLIER' not in blocked(explain('01', now='2022-06-05T12:46:30Z')), 'the oldest waits for none')
w.good('pause', 'loans', '--reason', 'the warehouse moves', now='2022-06-05T12:47:00Z')
x = told('08', 'QUEUED', 'PAUSED', 'orch resume loans', 'paused', now='2022-06-05T12:48:00Z')
like(json.dumps(x['blocking']), 'the warehouse moves', 'with the reason')
same(explain('', now='2022-06-05T12:48:00Z')['state'], 'PAUSED', 'explain of the pipeline: paused')
like(w.orch('status', now='2022-06-05T12:48:00Z').out, 'the warehouse moves', 'status shows the pause')
same(w.status(now='2022-06-05T12:48:00Z')['pipelines'][0]['paused']['reason'], 'the warehouse moves', 'as JSON too')
w.good('resume', 'loans', now='2022-06-05T12:49:00Z')
with sqlite3.connect(w.path('orch.db')) as db:
    db.execute("UPDATE pipeline SET retry_ms = ?, retry_count = 3", (1654433460000,))  # 12:51:00
x = told('08', 'QUEUED', 'BACK_OFF', 'orch run loans', 'backed off', now='2022-06-05T12:49:30Z')
same(x['next']['at'], '2022-06-05T12:51:00Z', 'until then')
same(explain('', now='2022-06-05T12:49:30Z')['state'], 'BACK_OFF', 'explain of the pipeline: backed off')
x = told('08', 'QUEUED', 'QUEUED', 'orch run loans/', 'the back-off is over', now='2022-06-05T12:52:00Z')

p = w.spawn('tick', now='2022-06-05T12:55:00Z', fault=f'ingest.after_commit=wait:{w.path("go")}')
deadline = time.monotonic() + 60
while time.monotonic() < deadline and not w.state("SELECT 1 FROM job WHERE state = 'PROCESSING'"):
    time.sleep(0.02)
held = w.state("SELECT substr(part, 12) FROM job WHERE state = 'PROCESSING'")[0][0]
other = '08' if held == '01' else '01'
x = told(held, 'PROCESSING', 'HELD', 'orch logs loans', 'being worked', now='2022-06-05T12:55:10Z')
like(x['why'], str(p.pid), 'by which process')
x = explain(other, now='2022-06-05T12:55:10Z')
ok('HELD' in blocked(x), 'the other one waits for it')
same(explain('', now='2022-06-05T12:55:10Z')['state'], 'RUNNING', 'explain of the pipeline: running')
p.kill()
p.wait()
x = told(held, 'PROCESSING', 'ABANDONED', 'orch run loans/', 'its run was killed, its lease is over', now='2022-06-05T13:30:00Z')
for minute in range(31, 36):  # a run that was killed is tried again by its document, after a while
    w.orch('tick', now=f'2022-06-05T13:{minute}:00Z')
same(codes('--all', now='2022-06-05T13:36:00Z')[held], 'OK', 'and the next tick brings it home')
x = explain(held, now='2022-06-05T13:36:00Z')
same(x['since'][:16], '2022-06-05T13:32', 'it is RECONCILED since that tick, not since its first object came')
ok(any(n['code'] == 'JOB' and 'SUPERSEDED' in n['text'] for n in x['notes']), 'its jobs are told, superseded ones too')

# ---- settle, small, adopted, left out, outside, cron that is dead ----
pipe(source_settle='10m')
w.put(key(11), GOOD, mtime=time.time())  # files are shifted with the clock: it is seen as put just now
w.orch('run', 'loans', now='2022-06-05T13:37:00Z')
told('11', 'WAITING', 'SETTLING', 'orch run loans/', 'an object younger than settle', now='2022-06-05T13:38:00Z')
like(w.orch('replay', 'loans', '--dry-run', now='2022-06-05T13:38:00Z').out, 'WAITING: an object is younger than settle; a tick looks again',
     'replay does not say that no object has come')
x = told('13', 'NOT_DUE', 'NOT_DUE', None, 'over, and settle runs', now='2022-06-05T14:03:00Z')
like(x['why'], '2022-06-05T14:10:00Z', 'until when')
w.put(key(10, 'a.txt'), 'x')
w.orch('run', 'loans', now='2022-06-05T13:40:00Z')
x = explain('10', now='2022-06-05T13:41:00Z')
ok('LEFT_OUT' in blocked(x), 'what include leaves out is named where an hour is missing')
like(json.dumps(x), 'a.txt', 'with an example')
with sqlite3.connect(w.path('orch.db')) as db:
    db.execute("INSERT OR REPLACE INTO size_check VALUES ('loans', ?, 2, 900, 450, 8, 1, 0)", (D + '03',))
x = told('03', 'RECONCILED', 'SMALL', 'orch ack loans/', 'much smaller than its like', now='2022-06-05T13:41:00Z')
like(x['why'], '900', 'and what they have')
w.good('adopt', 'loans', '--from', D + '07', '--until', D + '07', '--reason', 'the old script had it', now='2022-06-05T13:40:30Z')
told('07', 'ADOPTED', 'ADOPTED', f'orch adopt loans --from {D}07 --until {D}07 --undo', 'adopted', now='2022-06-05T13:41:00Z')
config = dict(w.config_json)
w.write_config(dict(config, alerts={'webhook': {'url': 'http://127.0.0.1:9/hook'}}))
same(w.orch('notify', '--test', '--channel', 'webhook', now='2022-06-05T13:40:40Z').rc, 75, 'a webhook where nobody listens')
r = w.orch('status', now='2022-06-05T13:41:00Z')
like(r.out, 'webhook: fails since 2022-06-05T13:40:40Z: ', 'status shows a channel that fails')
error = [c['error'] for c in w.status(now='2022-06-05T13:41:00Z')['channels'] if c['channel'] == 'webhook']
ok(len(error) == 1 and '127.0.0.1:9' in error[0], 'as JSON too, with the reason') or diag(error)
w.write_config(config)
r = w.orch('explain', 'loans', '2021-01-01T00', '-o', 'json')
same(json.loads(r.out)['code'], 'OUTSIDE', 'before since')
x = explain('11', now='2022-06-05T20:00:00Z')
ok('TICK' in blocked(x), 'that no tick runs any more is what blocks it')
like(json.dumps(x['blocking']), 'orch doctor --cron', 'and what to do')

# ---- a job that cannot be verified; a schedule that never fires again ----
w.pipeline('plain', target='sqlite', source_since=D + '00', source_until=D + '01', target_table='plain', target_lineage='none', schedule='cron(0 0 1 1 ? 2023)')
db = sqlite3.connect(w.path('target.db'))
with db:
    db.execute('CREATE TABLE plain (id INTEGER, n INTEGER) STRICT')
db.close()
put(0)
w.orch('run', 'plain', now='2022-06-05T14:00:00Z')
x = json.loads(w.orch('explain', 'plain/' + D + '00', '-o', 'json', now='2022-06-05T14:01:00Z').out)
same([x['state'], x['code']], ['LOADED', 'UNVERIFIABLE'], 'loaded without lineage: well, and why it cannot be compared')
x = json.loads(w.orch('explain', 'plain', '-o', 'json', now='2024-06-05T14:01:00Z').out)
ok(x['state'] in ('NEVER', 'NO_TICK', 'DUE'), 'a pipeline whose schedule has ended')

# ---- the shapes are those of docs/cli-json.md ----
with open(os.path.join(TOP, 'docs', 'cli-json.md')) as f:
    page = f.read()
pipe()
for member in set(explain('04', now='2022-06-05T15:00:00Z')) | set(plan(now='2022-06-05T15:00:00Z')['plan'][0]) | set(w.status(now='2022-06-05T15:00:00Z')['pipelines'][0]):
    ok(f'"{member}"' in page, f'docs/cli-json.md has "{member}"')
with open(os.path.join(TOP, 'orchestrator', 'reason.h')) as f:
    table = [line.split('(')[1].split(',')[0] for line in f if line.strip().startswith('X(')]
same([c for c in table if f'`{c}`' not in page], [], 'and every reason code')
ok(len(table) > 20, 'of which there are some')

# ---- on a terminal of 80 columns no line is longer ----
def on_terminal(*args):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
    env = dict(w.orch_env(now='2022-06-05T15:00:00Z'), NO_COLOR='1')
    p = subprocess.Popen([ORCH, '-c', w.path('orch.json'), *args], stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.DEVNULL, env=env, cwd=w.dir)
    os.close(slave)
    out = b''
    try:
        while chunk := os.read(master, 65536):
            out += chunk
    except OSError:
        pass  # the other end has closed
    p.wait()
    os.close(master)
    return out.decode().splitlines()


for args in (['plan'], ['plan', '--all'], ['explain', 'loans'], ['explain', f'loans/{D}04'], ['status'], ['status', 'loans'], ['status', f'loans/{D}{held}'], ['rejects', 'loans']):
    lines = on_terminal(*args)
    same([line for line in lines if len(line) > 80 and '/orch-t.' not in line], [], f'orch {" ".join(args)} keeps to 80 columns')
    ok(len(lines) >= 2, 'and says something')

# ---- 20,000 partitions: the same answers as from the rows themselves ----
w.write_config(dict(w.config_json, pipelines={n: dict(w.config_json['pipelines']['loans'], source=dict(w.config_json['pipelines']['loans']['source'], since='2021-01-01T00', until='2022-02-20T02'), target=dict(w.config_json['pipelines']['loans']['target'], table=n))
                                              for n in ('one', 'two')}))
first = 1609459200 // 3600
odd = {7: 'LATE', 9: 'SKIPPED', 500: 'FAILED', 501: 'DEAD', 502: 'MISMATCHED', 503: 'QUEUED', 504: 'NONE', 9961: 'LATE'}
scale.fill(w.path('orch.db'), ['one', 'two'], first, 9963, lambda p, h: odd.get(h))
later = '2022-03-01T00:00:00Z'
s = w.status(now=later)
flat = {(f['pipeline'], p['partition']): p for f in s['pipelines'] for p in f['partitions']}
hours = s['pipelines'][0]['counts']
total = sum(hours.values())
ok(total * 2 >= 19900 and len(flat) == total * 2, 'status -o json has every partition once')
same({k: v for k, v in hours.items() if k not in ('RECONCILED', 'WAITING')}, {'LATE': 2, 'SKIPPED': 1, 'FAILED': 1, 'DEAD': 1, 'MISMATCHED': 1, 'QUEUED': 1}, 'counts of the strange ones')
same(flat[('two', scale.part_name(first + 504))]['state'], 'WAITING', 'the hour that nobody met is there')
same(flat[('two', scale.part_name(first + 500))]['jobs'][0]['error'], 'Orch.DataInvalid', 'jobs are whole')
got = {(p['pipeline'], p['partition'], p['code']) for p in plan(now=later)['plan']}
want = {(n, scale.part_name(first + h), c) for n in ('one', 'two') for h, c in ((7, 'LATE'), (500, 'FAILED'), (501, 'DEAD'), (502, 'MISMATCH'), (503, 'QUEUED'), (504, 'NOT_LISTED'), (9961, 'LATE'))}
same({g for g in got if g[1] <= scale.part_name(first + 9962)}, want, 'plan finds exactly those')
everything = plan('one', '--all', now=later)
same([everything['totals']['partitions'], everything['totals']['objects']], [total, hours['RECONCILED'] + 4], 'plan --all: all of them, with their objects')
lines = w.orch('plan', 'one', '--all', '-o', 'jsonl', now=later).out.splitlines()
same([json.loads(line) for line in lines], everything['plan'], 'a line each as jsonl')
same(len(w.orch('plan', 'one', '--all', '-o', 'csv', now=later).out.splitlines()), total + 1, 'and as csv')
x = json.loads(w.orch('explain', 'two', '-o', 'json', now=later).out)
same([[p['partition'], p['code']] for p in x['partitions']], [[scale.part_name(first + h), c] for h, c in ((7, 'LATE'), (500, 'FAILED'), (501, 'DEAD'), (502, 'MISMATCH'), (503, 'QUEUED'))], 'explain of a pipeline: its oldest')
ok(x['more'] >= 2, 'and how many more')
done()

#!/usr/bin/python3
"""What is asked for over HTTP: put down once, worked by the next tick, exactly once, wherever that is killed."""
import json
import os
import re
import shlex
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import World, diag, done, hour_key, like, ok, same  # noqa: E402
from httpd import Server  # noqa: E402
from openapi import Openapi  # noqa: E402
from wire import Wire  # noqa: E402

w = World('mysql')
w.linger = '0s'
OLD = 1650000000
HOURS = [f'2022-06-05T{h:02d}' for h in range(4)]
os.mkdir(w.path('backups'))
with sqlite3.connect(w.path('target.db')) as db:
    db.execute('CREATE TABLE t (a INTEGER, b TEXT)')
w.pipeline(target='sqlite', target_table='t', source_until='2022-06-05T07', schedule='rate(1 day)')
c = w.config_json
c['connections']['db'] = {'url': f'mysql://loader@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}
c['connections']['cellar'] = {'url': f'file://{w.path("backups")}/'}
w.write_config(c)
w.good('target', 'setup')
w.good('lineage', 'add', 't')
w.sql("CREATE TABLE staff (id INT PRIMARY KEY, name VARCHAR(20)); INSERT INTO staff VALUES (1,'Ana'),(2,'Bo'),(3,NULL)")
for h in range(4):
    w.put(hour_key(h), f'a,b\n{h},x\n{h}1,y\n', mtime=OLD)
w.orch('tick')
s = Server(w, '--allow-write')


def post(path, body, *args, key=None):
    head = ['-H', f'Idempotency-Key: {key}'] if key else []
    return s.curl('/v1/' + path, '-X', 'POST', '-H', 'Content-Type: application/json', *head, '-d', json.dumps(body), *args)


def asked(path, body, key=None):
    """A request that is taken; its number."""
    a = post(path, body, key=key)
    if a.status != 202:
        ok(False, f'POST {path} {body}: 202')
        diag(f'{a.status} {a.text}')
        return 0
    return int(a.head['location'].rsplit('/', 1)[1])


def request(n):
    return s.get(f'/v1/requests/{n}').json


def rows():
    return w.target('SELECT a, b, count(*) FROM t GROUP BY 1, 2 ORDER BY 1')


def replays():
    """(partition, REPLAY jobs of it)"""
    return [tuple(r) for r in w.state("SELECT part, count(*) FROM job WHERE kind = 'REPLAY' GROUP BY part ORDER BY part")]


before = rows()

# -- a replay: tried, put down, worked
cli = json.loads(w.orch('replay', 'loans', '--only', 'all', '--dry-run', '-o', 'json').out)['replay']
a = post('pipelines/loans/replay', {'only': 'all', 'dry_run': True})
same((a.status, a.json['plan'], a.json['work'], a.json['dry_run']), (200, cli, 4, True), 'a dry run answers with the plan of orch replay --dry-run')
a = post('pipelines/loans/replay', {'partition': HOURS[1], 'reason': 'corrected'}, key='k1')
same((a.status, a.head['location'], a.json['state'], a.json['title']), (202, '/v1/requests/1', 'QUEUED', f'replay of {HOURS[1]}'), 'a replay is put down')
b = post('pipelines/loans/replay', {'reason': 'corrected', 'partition': HOURS[1]}, key='k1')
same((b.status, b.head['location']), (202, '/v1/requests/1'), 'the same again, under its key, is the same request')
b = post('pipelines/loans/replay', {'reason': 'corrected', 'partition': HOURS[2]}, key='k1')
same((b.status, b.json['code']), (422, 'Orch.Conflict'), 'another one under that key is refused')
f = Server(w, '--allow-write', env={'ORCH_FAULT': 'request.put=error'})
a = f.curl('/v1/pipelines/loans/replay', '-X', 'POST', '-H', 'Content-Type: application/json', '-d', json.dumps({'partition': HOURS[1], 'reason': 'corrected'}), '-H', 'Idempotency-Key: k1')
same((a.status, a.head['location'], a.json), (202, '/v1/requests/1', {'id': 1}), 'what is put down is said to be, though it cannot be looked at')
f.kill()
same((replays(), rows()), ([], before), 'nothing is done by the server')
like(w.orch('status').out, '1 request over HTTP waits for the next tick', 'orch status tells that it waits')
like(w.orch('logs', 'loans', '--since', '1h').out, f'#1 replay, asked for by local 127.0.0.1: corrected', 'and orch logs')
r = w.orch('tick')
q = request(1)
same((q['state'], q['acted'], q['result']['states'], q['error']), ('DONE', 1, {'RECONCILED': 1}, ''), 'the next tick does it, whatever the schedule says, and how it came out is told')
same((replays(), rows()), ([(HOURS[1], 1)], before), 'one generation more, and no row doubled')
same(w.state("SELECT who, reason FROM job WHERE kind = 'REPLAY'"), [['local 127.0.0.1', 'corrected']], 'who and why are kept with the job')
like(w.orch('logs', f'loans/{HOURS[1]}').out, '#1 replay', 'the partition tells of it')
n = len(s.get('/v1/requests').json['requests'])
same((n, len(s.get('/v1/requests?state=DONE&pipeline=loans').json['requests']), s.get('/v1/requests?state=FAILED').json['requests']), (1, 1, []), 'requests are listed, by state')

# -- the examples of docs/api.md that change something
with open(os.path.join(os.environ.get('ORCH_SOURCE', '.'), 'docs', 'api.md')) as doc:
    examples = [x.strip()[2:] for x in doc.read().replace('\\\n', ' ').splitlines() if x.startswith('    $ curl') and ' -d ' in x]
for line in examples:
    words = shlex.split(line)
    url = next(x for x in words if x.startswith('http://'))
    words.remove(url)
    a = s.curl(url.replace('http://127.0.0.1:8086', ''), *[x for x in words[1:] if x != '-s'])
    # (there is no place for backups yet: they are tried below)
    same(a.status, 404 if '/backups' in url or '/restores' in url else 202 if 'dry_run' not in line and '/pause' not in line and '/resume' not in line else 200, line)
ok(len(examples) >= 6, 'there are six examples')
with sqlite3.connect(w.path('orch.db')) as db:
    db.execute("DELETE FROM request WHERE id > 1")

# -- what is wrong is said at once
for path, body, status in [('replay', {'partition': '2022-06-05T99'}, 400), ('replay', {'partition': '2031-06-05T00'}, 404), ('replay', {'partition': HOURS[0], 'from': HOURS[0]}, 400),
                           ('replay', {'only': 'some'}, 400), ('replay', {'from': HOURS[1], 'to': HOURS[0]}, 400), ('replay', {'partion': HOURS[0]}, 400), ('replay', {'partition': 5}, 400), ('replay', [1], 400),
                           ('replay', {'reason': 'x' * 301}, 400), ('skip', {'reason': 'x'}, 400), ('skip', {'partition': '2022-06-05T05'}, 400), ('skip', {'partition': HOURS[0], 'reason': 'x'}, 400),
                           ('pause', {}, 400), ('pause', {'reason': 'x', 'until': 'y'}, 400)]:
    a = post(f'pipelines/loans/{path}', body)
    same((a.status, a.type), (status, 'application/problem+json'), f'{path} {str(body)[:60]} is {status}')
same(post('pipelines/nobody/replay', {}).status, 404, 'a pipeline that is not there')
for path, body in [('backups', {'tables': ['staff']}), ('restores', {'table': 'staff'})]:
    a = post(path, body)
    same((a.status, a.json['code'], 'serve.backups' in a.json['hint']), (404, 'Orch.NotFound', True), f'{path} need a place in the config, which the hint names')
same([x for x in s.log if 'serve.backups' in x], [], 'a client\'s mistake is nothing for the log')
a = s.curl('/v1/pipelines/loans/retry', '-X', 'POST', '-d', 'reason=x')
ok(a.status in (400, 403), 'a form is no body of /v1')
same(s.curl('/v1/pipelines/loans/replay', '-X', 'POST', '-H', 'Content-Type: application/json', '-d', '{"a":').status, 400, 'what is no JSON')
same(w.state('SELECT count(*) FROM request')[0][0], 1, 'nothing of it was put down')

# -- pause and resume are one row, and act at once
a = post('pipelines/loans/pause', {'reason': 'the warehouse moves'})
same((a.status, a.json['changed'], a.json['paused']['reason']), (200, True, 'the warehouse moves'), 'a pause acts at once')
same(post('pipelines/loans/pause', {'reason': 'again'}).json['paused']['reason'], 'the warehouse moves', 'the first reason stands')
n = asked('pipelines/loans/replay', {'partition': HOURS[0]})
w.orch('tick')
same((request(n)['state'], request(n)['result']['states']), ('DONE', {'QUEUED': 1}), 'a replay of a paused pipeline is queued, and waits there')
a = post('pipelines/loans/resume', {})
same((a.json['changed'], a.json['paused'], post('pipelines/loans/resume', {}).json['changed']), (True, None, False), 'resumed')
n = asked('pipelines/loans/replay', {'partition': HOURS[0], 'only': 'missing'})
w.orch('tick')
same((request(n)['state'], rows()), ('DONE', before), 'then it is worked')

# -- skip
a = post('pipelines/loans/skip', {'partition': '2022-06-05T05', 'reason': 'closed', 'dry_run': True})
same((a.status, a.json['changes']), (200, True), 'what a skip would do')
n = asked('pipelines/loans/skip', {'partition': '2022-06-05T05', 'reason': 'closed'})
w.orch('tick')
same((request(n)['state'], request(n)['result']['said']), ('DONE', 'loans/2022-06-05T05 skipped'), 'an hour is skipped')
same(w.target("SELECT state, reason FROM orch_load WHERE part = '2022-06-05T05'"), [['SKIPPED', 'closed']], 'in the ledger of the target, too')
same(w.state("SELECT who FROM audit WHERE verb = 'skip'"), [['local 127.0.0.1']], 'under the name of who asked')
n = asked('pipelines/loans/skip', {'partition': '2022-06-05T05', 'undo': True})
w.orch('tick')
same((request(n)['state'], w.state("SELECT state FROM partition_ WHERE part = '2022-06-05T05'")), ('DONE', [['WAITING']]), 'and looked for again')

# -- retry
w.put(hour_key(6), 'a,b\n6,"x\n', mtime=OLD)
w.orch('run', 'loans')
same(w.state("SELECT state FROM job WHERE part = '2022-06-05T06'"), [['FAILED']], 'an hour that fails')
n = asked('pipelines/loans/retry', {'partition': '2022-06-05T06'})
w.orch('tick')
same((request(n)['state'], request(n)['result']['states']), ('DONE', {'FAILED': 1}), 'a retry is tried, and how it came out is told')
w.good('skip', 'loans/2022-06-05T06', '--reason', 'broken')

# -- backups and restores, where the config says
c['serve'] = {'backups': {'connection': 'cellar', 'prefix': 'night/', 'database': 'db'}}
w.write_config(c)
s.stop()
s = Server(w, '--allow-write')
sum_ = w.sql('CHECKSUM TABLE staff EXTENDED')
for path, body in [('backups', {'tables': ['staff'], 'to': '/tmp'}), ('backups', {'tables': []}), ('backups', {'tables': ['../staff']}), ('backups', {'tables': ['a/b']}), ('backups', {'tables': [7]}),
                   ('backups', {'tables': ['staff'], 'codec': 'zip'}), ('restores', {'table': '../staff'}), ('restores', {'table': 'staff', 'run': '../x'}), ('restores', {'table': 'staff', 'from': 's3://x'}),
                   ('restores', {'table': 'staff', 'into': '.x'}), ('restores', {}), ('restores', {'table': 'staff', 'empty': 'yes'})]:
    same(post(path, body).status, 400, f'{path} {body} is refused')
n = asked('backups', {'tables': ['staff']})
same(os.listdir(w.path('backups')), [], 'nothing is written by the server')
w.orch('tick')
q = request(n)
same((q['state'], q['result'] and [b['rows'] for b in q['result']['backups']]), ('DONE', [3]), 'a backup is taken by the tick')
ok(os.path.isdir(w.path('backups', 'night', 'staff')), 'in the place that the config names')
w.sql('DELETE FROM staff WHERE id > 1')
n = asked('restores', {'table': 'staff', 'empty': True, 'dry_run': True})
w.orch('tick')
same((request(n)['state'], request(n)['result']['restore']['done'], w.one('SELECT COUNT(*) FROM staff')), ('DONE', False, '1'), 'a dry run of a restore changes nothing')
n = asked('restores', {'table': 'staff', 'empty': True})
w.orch('tick')
same((request(n)['state'], w.sql('CHECKSUM TABLE staff EXTENDED')), ('DONE', sum_), 'a restore brings the rows back')

# -- what fails is told until it is seen, or done
n = asked('backups', {'tables': ['nobody']})
r = w.orch('tick')
ok(r.rc != 0 and f'#{n}' in r.err and 'nobody' in r.err, 'a request that fails is told by the tick')
same(request(n)['state'], 'FAILED', 'and is FAILED')
same(w.orch('tick').err, '', 'told once')
r = w.orch('status')
ok(r.rc != 0 and f'REQUEST #{n}: backup of nobody' in r.out, 'orch status tells it as long as it stands')
same([f['class'] for f in w.status()['attention'] if f['partition'] == f'#{n}'], ['REQUEST'], 'in JSON too')
ok(f'#{n}' in s.get('/v1/summary').text, 'and the summary')
same(w.orch('ack', f'request/{n}', '--reason', 'known', '--dry-run').rc, 0, 'what an acknowledgement would do')
same((w.orch('ack', f'request/{n}', '--reason', 'known').rc, w.orch('ack', f'request/{n}', '--reason', 'known').rc), (0, 1), 'acknowledged, once')
ok(f'#{n}' not in w.orch('status').out, 'it stands no longer')
n = asked('restores', {'table': 'staff'})
w.orch('tick')
q = request(n)
ok(q['state'] == 'FAILED' and 'not empty' in q['message'], 'a table that holds rows is not restored over')
same(post(f'requests/{n}/acknowledge', {}).status, 400, 'a reason is needed')
a = post(f'requests/{n}/acknowledge', {'reason': 'mine'})
ok(a.status == 200 and a.json['acknowledged'] is not None, 'acknowledged over HTTP')
w.orch('tick')
n = asked('pipelines/loans/skip', {'partition': '2022-06-05T05', 'reason': 'closed'})  # and its pipeline goes before the tick comes
pipes = c['pipelines']
c['pipelines'] = {'elsewhere': {**pipes['loans'], 'source': {**pipes['loans']['source'], 'prefix': 'none/'}}}
w.write_config(c)
w.orch('tick')
c['pipelines'] = pipes
w.write_config(c)
same((request(n)['state'], 'no longer in the config' in request(n)['message']), ('FAILED', True), 'of a pipeline that is gone')
n = asked('pipelines/loans/skip', {'partition': '2022-06-05T05', 'reason': 'closed'})
w.orch('tick')
same((request(n)['state'], [f for f in w.status()['attention'] if f['class'] == 'REQUEST']), ('DONE', []), 'the same, done later, ends that')

# -- a server that is away is waited for
w.server('mariadb', 'stop')
n = asked('backups', {'tables': ['staff']})
w.orch('tick')
q = request(n)
same((q['state'], q['attempts'], q['error']), ('QUEUED', 1, 'Orch.Unavailable'), 'a database that is away leaves it waiting')
w.orch('tick')
same(request(n)['attempts'], 1, 'for a minute at least')
w.start_mysql()
with sqlite3.connect(w.path('orch.db')) as db:
    db.execute('UPDATE request SET not_before_ms = 0')
w.orch('tick')
same(request(n)['state'], 'DONE', 'and then it is done')

# -- killed at each step: worked to its end by the next tick, exactly once
def killed(fault, path, body, name):
    """A request whose tick dies there; the ticks after it."""
    n = asked(path, body)
    r = w.orch('tick', fault=fault)
    ok(r.rc == -9, f'killed at {fault}: {name}') or diag(f'exit {r.rc} {r.err}')
    ok(request(n)['state'] in ('RUNNING', 'QUEUED'), 'it is not done')
    for _ in range(3):  # one, but where its machine is slow
        w.orch('tick')
        if request(n)['state'] in ('DONE', 'FAILED'):
            break
    return request(n)


c['tick']['linger'] = '30s'  # a run that was killed is taken up after a moment
w.write_config(c)
for fault in ('request.begun=kill', 'replay.before_commit=kill', 'replay.before_commit=kill@2', 'replay.before_commit=kill@4', 'request.before_done=kill', 'load.before_commit=kill@2', 'load.after_commit=kill@3',
              'tick.started=kill'):
    had = dict(replays())
    q = killed(fault, 'pipelines/loans/replay', {'from': HOURS[0], 'to': HOURS[3], 'only': 'all', 'reason': fault}, 'a replay of four hours')
    same((q['state'], q['acted'], q['result'] and q['result']['states'], q['attempts']), ('DONE', 4, {'RECONCILED': 4}, 2), 'the next tick ends it')
    same((dict(replays()), rows()), ({h: had.get(h, 0) + 1 for h in HOURS}, before), 'each hour was loaded again once, and no row is doubled')
for fault in ('request.begun=kill', 'decide.after_ledger=kill', 'request.before_done=kill'):
    w.orch('skip', 'loans/2022-06-05T05', '--undo')
    q = killed(fault, 'pipelines/loans/skip', {'partition': '2022-06-05T05', 'reason': fault}, 'a skip')
    same((q['state'], w.state("SELECT state FROM partition_ WHERE pipeline = 'loans' AND part = '2022-06-05T05'")), ('DONE', [['SKIPPED']]), 'it is skipped')
a = s.get('/v1/backups?table=staff').json['backups']
same(([x['run'] for x in a], a[0]['manifest']), (sorted([x['run'] for x in a], reverse=True), f'staff/_manifest/staff/run-{a[0]["run"]}_manifest.json'), 'backups that are there are listed, the newest first')
same([len(os.listdir(w.path('backups', 'night', 'staff', '_manifest', 'staff'))), a[0]['at'][:10]], [len(a), f'{a[0]["run"][:4]}-{a[0]["run"][4:6]}-{a[0]["run"][6:8]}'], 'all of them, with their moments')
b = s.get('/v1/backups?table=staff&limit=1').json
same((b['backups'], b['next'], s.get(f'/v1/backups?table=staff&limit=1&after={b["next"]}').json['backups']), (a[:1], a[0]['run'], a[1:2]), 'page by page')
same((s.get('/v1/backups').status, s.get('/v1/backups?table=../x').status, s.get('/v1/backups?table=none').json['backups']), (400, 400, []), 'of a table, which has to be named')
d = json.loads(w.orch('doctor', '-o', 'json').out)['checks']
same([(x['status'], 'can be written' in x['text'] or 'can be asked for' in x['text']) for x in d if x['check'] == 'serve.backups'], [('OK', True)] * 2, 'orch doctor tries the place and the database')
was = len(s.get('/v1/backups?table=staff').json['backups'])
q = killed('backup.after_manifest=kill', 'backups', {'tables': ['staff']}, 'a backup behind its manifest')
same((q['state'], q['attempts'], len(s.get('/v1/backups?table=staff').json['backups'])), ('DONE', 2, was + 1), 'it is not taken a second time')
same((q['result']['backups'][0]['run'], q['result']['backups'][0]['rows']), (s.get('/v1/backups?table=staff').json['backups'][0]['run'], 3), 'and the request names it')
for fault in ('request.begun=kill', 'request.before_done=kill'):
    w.sql("INSERT INTO staff VALUES (9, 'gone')")
    q = killed(fault, 'restores', {'table': 'staff', 'empty': True}, 'a restore')
    same((q['state'], w.sql('CHECKSUM TABLE staff EXTENDED')), ('DONE', sum_), 'the rows are those of the backup')
    q = killed(fault, 'backups', {'tables': ['staff']}, 'a backup')
    same((q['state'], [b['rows'] for b in q['result']['backups']]), ('DONE', [3]), 'there is a whole one')


# within their work: the old backup or the new one, the old table or the new one
def look(table):
    return w.sql(f'SELECT id, name FROM {table} ORDER BY id') if w.sql(f"SHOW TABLES LIKE '{table}'") else None


def torn(fault, path, body, seen, allowed):
    """A tick dies there; what is seen at once, and the request as later ticks end it."""
    n = asked(path, body)
    r = w.orch('tick', fault=fault + '=kill')
    got = seen()
    ok(r.rc == -9 and got in allowed, f'killed at {fault}: {body} left the old or the new') or diag(f'exit {r.rc} {r.err} {got}')
    for _ in range(3):
        w.orch('tick')
        if request(n)['state'] in ('DONE', 'FAILED'):
            break
    return request(n)


whole = look('staff')
for fault in ('restore.emptied', 'restore.inserted', 'restore.before_commit', 'restore.committed'):
    w.sql("INSERT INTO staff VALUES (9, 'gone')")
    q = torn(fault, 'restores', {'table': 'staff', 'empty': True, 'reason': fault}, lambda: look('staff'), [whole + [['9', 'gone']]] if fault != 'restore.committed' else [whole])
    same((q['state'], look('staff')), ('DONE', whole), 'and the next tick brings the backup')
for fault in ('restore.made', 'restore.inserted', 'restore.before_commit', 'restore.committed', 'restore.renamed'):
    w.sql('DROP TABLE IF EXISTS beside')
    q = torn(fault, 'restores', {'table': 'staff', 'into': 'beside', 'reason': fault}, lambda: look('beside'), [whole] if fault == 'restore.renamed' else [None])
    same((q['state'], look('beside')), ('FAILED' if fault == 'restore.renamed' else 'DONE', whole), 'a table of its own is not there, or whole')
    if q['state'] == 'FAILED':
        like(q['hint'], 'may be the restored ones', 'which is said where it was there before the request had its end')
        post(f'requests/{q["id"]}/acknowledge', {'reason': 'seen'})
    same([x[0] for x in w.sql("SHOW TABLES LIKE '\\_orch\\_restore%'")], [], 'and nothing else is left')
w.sql('DROP TABLE beside')
for fault in ('backup.dumped', 'backup.before_manifest', 'backup.after_manifest'):
    was = s.get('/v1/backups?table=staff').json['backups']
    q = torn(fault, 'backups', {'tables': ['staff'], 'reason': fault}, lambda: len(s.get('/v1/backups?table=staff').json['backups']), [len(was) + (fault == 'backup.after_manifest')])
    now = s.get('/v1/backups?table=staff').json['backups']
    same((q['state'], now[1:]), ('DONE', was), 'and there is one backup more')
    n = asked('restores', {'table': 'staff', 'empty': True, 'run': now[0]['run'], 'reason': fault})
    w.orch('tick')
    same((request(n)['state'], look('staff')), ('DONE', whole), 'which brings the rows back')
w.sql('DELETE FROM staff')
q = killed('request.before_done=kill', 'restores', {'table': 'staff'}, 'a restore into an empty table')
ok(q['state'] == 'FAILED' and 'may be the restored ones' in q['hint'] and w.sql('CHECKSUM TABLE staff EXTENDED') == sum_, 'is not repeated over rows, and the message says what they may be')

# -- what is behind a replay of the same pipeline waits until that has ended
w.orch('skip', 'loans/2022-06-05T05', '--undo')
first = asked('pipelines/loans/replay', {'partition': HOURS[0], 'only': 'all', 'reason': 'first'})
n = asked('pipelines/loans/skip', {'partition': '2022-06-05T05', 'reason': 'behind it'})
behind = asked('pipelines/loans/replay', {'partition': HOURS[1], 'only': 'all', 'reason': 'behind the skip'})
w.orch('tick')
same([request(x)['state'] for x in (first, n, behind)], ['DONE', 'QUEUED', 'QUEUED'], 'a skip is not worked before the replay that was asked for earlier has ended, nor what is behind it')
w.orch('tick')
same([request(x)['state'] for x in (first, n, behind)], ['DONE'] * 3, 'but by the next tick')
two = [asked('pipelines/loans/replay', {'partition': h, 'only': 'all', 'reason': 'together'}) for h in HOURS[:2]]
w.orch('tick')
same([request(x)['state'] for x in two], ['DONE'] * 2, 'replays that stand together are worked together')

# -- a restore whose COMMIT had no answer is not taken for one that never was
wire = Wire('mysql', w.base + 80)
direct = c['connections']['db']
c['connections']['db'] = {**direct, 'url': f'mysql://loader@127.0.0.1:{wire.port}/w'}
w.write_config(c)
w.sql('DELETE FROM staff')
for action in ({'action': 'after'}, {'action': 'error', 'code': 1317}):
    w.sql('DELETE FROM staff')
    wire.arm(text=re.compile(rb'\x03COMMIT'), **action)
    n = asked('restores', {'table': 'staff', 'reason': str(action)})
    w.orch('tick')
    q = request(n)
    same((bool(wire.fired), q['state'], w.sql('CHECKSUM TABLE staff EXTENDED')), (True, 'QUEUED', sum_), f'the answer to COMMIT is lost ({action["action"]}), and the rows are in')
    like(q['hint'], 'all of the backup', 'the request says what the table may hold')
    with sqlite3.connect(w.path('orch.db')) as db:
        db.execute('UPDATE request SET not_before_ms = 0')
    w.orch('tick')
    q = request(n)
    ok(q['state'] == 'FAILED' and 'may be the restored ones' in q['hint'], 'tried again it finds rows, and its hint says whose they may be') or diag(f'{q}')
    post(f'requests/{n}/acknowledge', {'reason': 'seen'})
wire.calm()
wire.close()
c['connections']['db'] = direct
w.write_config(c)

# -- a tick beside it takes nothing that another one works
n = asked('pipelines/loans/replay', {'partition': HOURS[0], 'only': 'all'})
p = w.spawn('tick', fault='request.begun=stop')
os.waitpid(p.pid, os.WUNTRACED)
w.orch('tick')
same((request(n)['state'], request(n)['acted'], request(n)['attempts']), ('RUNNING', 0, 1), 'what another tick works is left alone')
os.kill(p.pid, 18)
p.communicate(timeout=120)
w.orch('tick')
same((request(n)['state'], request(n)['acted'], rows()), ('DONE', 1, before), 'which ends it')
same(w.state("SELECT state, count(*) FROM request WHERE state NOT IN ('DONE', 'FAILED') GROUP BY 1"), [], 'nothing is left open')
api = Openapi(s.get('/openapi.json').json)
for path, url in (('/v1/requests', '/v1/requests?limit=1000'), ('/v1/requests/{request}', f'/v1/requests/{n}'), ('/v1/backups', '/v1/backups?table=staff')):
    same(api.check('GET', path, s.get(url)), [], f'{path} is as openapi.json says')
for path, body in (('replay', {'partition': HOURS[0], 'only': 'missing'}), ('retry', {}), ('pause', {'reason': 'x'}), ('resume', {})):
    same(api.check('POST', f'/v1/pipelines/{{pipeline}}/{path}', post(f'pipelines/loans/{path}', body)), [], f'what {path} answers too')
same(s.stop(), 0, 'the server ends well')
done()

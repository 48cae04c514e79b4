#!/usr/bin/python3
"""Tasks of a definition's own, by orch as users run it: real commands, a real MariaDB, real HTTP servers; killed, stopped, too slow, hostile."""
import json, os, signal, socket, sys, threading, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *
from receivers import HttpServer

w = World('mysql')
w.linger = '0s'
STEP = 'arn:aws:states:us-east-1:000000000000:activity:orch-'
api, plain = HttpServer(), HttpServer()
api_url = api.url.rsplit('/', 1)[0] + '/'
w.secret('api.token', 'T0KEN-of-the-api')
w.env['SECRET_OF_ORCH'] = 's3cret-of-orch'
w.env['GIVEN'] = 'given on purpose'
w.pipeline(source_since='2022-06-05T00', source_until='2022-06-05T00', schedule='cron(0 0 1 1 ? 2199)')
config = w.config_json
config['connections']['api'] = {'url': api_url, 'token_file': 'api.token'}
config['tasks'] = {'environment': ['PATH', 'GIVEN']}
w.write_config(config)
w.sql('CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(40)); CREATE TABLE done (k CHAR(32) PRIMARY KEY)')
count = 0


def task(step, parameters, **more):
    return {'Type': 'Task', 'Resource': STEP + step, 'Parameters': parameters, 'TimeoutSeconds': 60, 'End': True, **more}


def write(states, start='A'):
    global count
    count += 1
    with open(w.path(f'd{count}.asl.json'), 'w') as f:
        json.dump({'StartAt': start, 'States': states}, f)
    return f'd{count}.asl.json', f'x{count}'


def run(states, given=None, start='A', **env):
    """(status, output or (error, cause)) of an execution that is worked to its end."""
    path, name = write(states, start)
    r = w.orch('start', path, '--name', name, '--input', json.dumps(given if given is not None else {}), '--wait', '-o', 'json', **env)
    try:
        d = json.loads(r.out)
    except ValueError:
        return 'REFUSED', r.err
    return d['status'], json.loads(d['output']) if 'output' in d else (d.get('error'), d.get('cause'))


def one(step, parameters, given=None, **more):
    return run({'A': task(step, parameters, **more)}, given)


def wait(what, name, limit=60):
    until = time.monotonic() + limit
    while not what():
        if time.monotonic() > until:
            return ok(False, name)
        time.sleep(0.02)
    return ok(True, name)


def alive(path):
    try:
        with open(f'/proc/{int(open(path).read())}/stat') as f:
            return ') Z ' not in f.read()
    except (OSError, ValueError):
        return False


# ---- orch-command
same(one('command', {'argv': ['cat'], 'input.$': '$'}, {'a': [1, 2.5, 'ä']}), ('SUCCEEDED', {'a': [1, 2.5, 'ä']}), 'command: JSON in, JSON out')
status, text = one('command', {'argv': ['env'], 'env': {'DAY.$': '$.day'}, 'output': 'text'}, {'day': '2022-06-05'})
env = dict(line.split('=', 1) for line in text.splitlines())
same(sorted(k for k in env if not k.startswith('ORCH_')), ['DAY', 'GIVEN', 'PATH'], 'command: the environment is what tasks.environment and env say, and no more')
ok('s3cret' not in text and 'T0KEN' not in text, 'and none of our secrets')
same(one('command', {'argv': ['echo'], 'arguments.$': '$.w', 'output': 'text'}, {'w': ['$(id)', '; rm -rf /', '*']}), ('SUCCEEDED', '$(id) ; rm -rf / *'), 'command: no shell reads its words')
for broken in ({'argv.$': '$.argv'}, {'argv': ['env'], 'env.$': '$.env'}):
    status, said = one('command', broken, {'argv': ['id'], 'env': {}})
    ok(status == 'REFUSED' and 'stands in the definition' in said, f'command: {list(broken)[-1]} is refused when it starts')
status, said = run({'A': {k: v for k, v in task('command', {}).items() if k != 'Parameters'}}, {'argv': ['id']})
ok(status == 'REFUSED' and 'argv' in said, 'command: nor is the program taken from the input where Parameters is left out')
same(one('command', {'argv': ['sh', '-c', 'echo oh >&2; exit 7']}), ('FAILED', ('Orch.CommandFailed', 'sh ended with status 7: oh')), 'command: status and stderr are the cause')
same(one('command', {'argv': ['sh', '-c', 'echo "{\\"Error\\": \\"Own.Gone\\", \\"Cause\\": \\"no 7\\"}"; exit 1']}), ('FAILED', ('Own.Gone', 'no 7')), 'command: it may name its error')
status, (error, cause) = one('command', {'argv': ['yes']})
same((status, error), ('FAILED', 'Orch.TooLarge'), 'command: output without end')
status, (error, cause) = one('command', {'argv': ['head', '-c', '1073741824', '/dev/zero']})
same((status, error), ('FAILED', 'Orch.TooLarge'), 'command: a gigabyte')
for script in ('echo hello', 'printf "\\377"', 'printf "{}{}"'):
    same(one('command', {'argv': ['sh', '-c', script]})[1][0], 'Orch.BadResponse', f'command: {script} is no JSON')

# its key: the same for each attempt, another for each visit
with open(w.path('keyed.sh'), 'w') as f:
    f.write('#!/bin/sh\necho "$ORCH_KEY $ORCH_ATTEMPT $ORCH_TOKEN" >> keys\n[ $(wc -l < keys) -ge 3 ] || exit 75\n')
os.chmod(w.path('keyed.sh'), 0o755)
again = {'Retry': [{'ErrorEquals': ['Orch.Transient'], 'IntervalSeconds': 1, 'BackoffRate': 1, 'MaxAttempts': 5}]}
keyed = task('command', {'argv': ['./keyed.sh']}, ResultPath=None, **again)
keyed.pop('End')
same(run({'A': {**keyed, 'Next': 'B'}, 'B': {**keyed, 'Next': 'C'}, 'C': {'Type': 'Succeed'}})[0], 'SUCCEEDED', 'command: status 75 is Orch.Transient, and tried again')
keys = [line.split() for line in open(w.path('keys'))]
same([len(keys), len({k[0] for k in keys[:3]}), len({k[0] for k in keys}), [k[1] for k in keys], len({k[2] for k in keys})], [4, 1, 2, ['1', '2', '3', '1'], 4],
     'command: one key for the attempts at a visit, another at the next; a token each')

with open(w.path('once.sh'), 'w') as f:
    f.write('#!/bin/sh\necho "$ORCH_KEY" >> once\n[ $(wc -l < once) -ge 2 ]\n')
os.chmod(w.path('once.sh'), 0o755)
same(run({'A': task('command', {'argv': ['./once.sh']})})[0], 'FAILED', 'command: it fails')
w.good('redrive', f'x{count}', '--wait')
same(len(set(open(w.path('once')))), 1, 'a redrive has the same key: the effect may be there')

each = task('command', {'argv': ['printenv', 'ORCH_KEY'], 'output': 'text'})
several = {'A': {'Type': 'Map', 'ItemProcessor': {'StartAt': 'I', 'States': {'I': each}}, 'End': True}}
status, keys = run(several, [1, 2, 3])
same((status, len(set(keys))), ('SUCCEEDED', 3), 'in a Map every item has a key of its own')
several['A']['ItemProcessor']['States']['I'] = task('command', {'argv.$': '$.argv'})
same(run(several, [{'argv': ['id']}])[0], 'REFUSED', 'and no item chooses a program')

# time limits
with open(w.path('deaf.sh'), 'w') as f:
    f.write('#!/bin/sh\ntrap "" TERM HUP INT\nsetsid -f sh -c \'echo $$ > child; trap "" TERM; sleep 1000\'\nwhile [ ! -s child ]; do sleep 0.02; done\necho $$ > self\nwhile :; do sleep 0.1; done\n')
os.chmod(w.path('deaf.sh'), 0o755)


def deaf(**more):
    for name in ('self', 'child'):
        if os.path.exists(w.path(name)):
            os.unlink(w.path(name))
    return task('command', {'argv': ['./deaf.sh']}, **more)


same(run({'A': deaf(TimeoutSeconds=2)})[1][0], 'States.Timeout', 'command: one that is deaf to SIGTERM is ended at TimeoutSeconds')
ok(not alive(w.path('self')) and not alive(w.path('child')), 'and what it had put in a session of its own')
same(one('command', {'argv': ['sleep', '1000'], 'heartbeat': 'output'}, TimeoutSeconds=600, HeartbeatSeconds=2)[1][0], 'States.Timeout', 'command: silent for HeartbeatSeconds')

# kill -9, SIGSTOP, SIGTERM of the process that works it
for what, sig in (('kill -9', signal.SIGKILL), ('SIGTERM', signal.SIGTERM), ('SIGSTOP', signal.SIGSTOP)):
    path, name = write({'A': deaf(TimeoutSeconds=600, HeartbeatSeconds=10)})
    p = w.spawn('start', path, '--name', name, '--wait')
    wait(lambda: os.path.exists(w.path('self')), f'{what}: the command runs')
    p.send_signal(sig)
    wait(lambda: not alive(w.path('self')) and not alive(w.path('child')), f'{what} of orch: nothing of the command goes on')
    if sig == signal.SIGSTOP:
        p.kill()
    p.wait()
    w.orch('tick')
    same(json.loads(w.good('describe', name, '-o', 'json').out).get('error'), 'States.Timeout', f'{what}: the next tick finds a dead owner, and the execution has failed so')

# orch stop reaches into it
path, name = write({'A': deaf(TimeoutSeconds=600)})
p = w.spawn('start', path, '--name', name, '--wait')
wait(lambda: os.path.exists(w.path('self')), 'stop: the command runs')
w.good('stop', name)
asked = time.monotonic()
wait(lambda: not alive(w.path('self')) and not alive(w.path('child')), 'orch stop: nothing of the command goes on')
p.wait()
ok(time.monotonic() - asked < 15, 'at once, and not at the next renewal of the lease, 22 s after its begin')
same(json.loads(w.good('describe', name, '-o', 'json').out)['status'], 'ABORTED', 'and the execution is ABORTED')

# ---- orch-sql
same(one('sql', {'connection': 'warehouse', 'sql': ['INSERT INTO t VALUES (?, ?)', 'SELECT id, v FROM t'], 'values.$': '$.v'}, {'v': [[1, "x'; DROP TABLE t; --"], []]}),
     ('SUCCEEDED', {'results': [{'rows': [], 'affected': 1}, {'rows': [{'id': 1, 'v': "x'; DROP TABLE t; --"}], 'affected': 0}]}), 'sql: values are bound')
same(one('sql', {'connection': 'warehouse', 'sql': 'DELETE FROM t; DROP TABLE t'})[0], 'FAILED', 'sql: two statements in one are refused')
same(one('sql', {'connection': 'warehouse', 'sql.$': '$.sql'}, {'sql': 'SELECT 1'})[0], 'REFUSED', 'sql: a statement is no data')
same(w.one('SELECT COUNT(*) FROM t'), '1', 'and nothing was done')
with open(w.path('n.sql'), 'w') as f:
    f.write('-- how many\nSELECT COUNT(*) AS n, SUM(id) AS s FROM t;\n')
same(one('sql', {'connection': 'warehouse', 'file': 'n.sql'}), ('SUCCEEDED', {'rows': [{'n': 1, 's': 1}], 'affected': 0}), 'sql: a file')
same(one('sql', {'connection': 'warehouse', 'sql': ['INSERT INTO t VALUES (2, NULL)', 'INSERT INTO t VALUES (1, NULL)']})[1][0], 'Orch.DuplicateKey', 'sql: its error')
same(w.one('SELECT COUNT(*) FROM t'), '1', 'sql: one transaction')
same(one('sql', {'connection': 'warehouse', 'sql': ['INSERT INTO t VALUES (3, NULL)', 'SELECT SLEEP(500) AS s']}, TimeoutSeconds=2)[1][0], 'States.Timeout', 'sql: ended at TimeoutSeconds')
wait(lambda: w.one("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(500)%'") == '0', 'on the server too')
same(w.one('SELECT COUNT(*) FROM t'), '1', 'and undone')
path, name = write({'A': task('sql', {'connection': 'warehouse', 'sql': ['INSERT INTO t VALUES (4, NULL)', 'SELECT SLEEP(500) AS s']}, HeartbeatSeconds=10)})
p = w.spawn('start', path, '--name', name, '--wait')
wait(lambda: w.one("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(500)%'") == '1', 'sql: it runs')
p.kill()
p.wait()
same(w.one('SELECT COUNT(*) FROM t'), '1', 'sql: kill -9 leaves nothing of an open transaction')
for row in w.sql("SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(500)%'"):
    w.sql(f'KILL {row[0]}')
# the key makes an effect happen once, though every attempt fails after it
once = task('sql', {'connection': 'warehouse', 'sql': ["INSERT IGNORE INTO done VALUES (@orch_key)"]}, ResultPath=None)
path, name = write({'A': {**once, 'Retry': [{'ErrorEquals': ['States.ALL'], 'IntervalSeconds': 1, 'BackoffRate': 1, 'MaxAttempts': 3}]}})
for _ in range(2):
    w.orch('start', path, '--name', name, '--wait', fault='engine.step_done=kill')
w.orch('start', path, '--name', name, '--wait')
w.orch('tick', now='+1h')
w.orch('tick', now='+2h')
same((json.loads(w.good('describe', name, '-o', 'json').out)['status'], w.one('SELECT COUNT(*) FROM done')), ('SUCCEEDED', '1'), 'sql: killed after the effect, tried again under the same key')

# ---- orch-http
status, out = one('http', {'connection': 'api', 'path.$': "States.Format('orders/{}', $.id)", 'method': 'POST', 'query': {'q.$': '$.id'}, 'body.$': '$'}, {'id': 'a b/ä'})
same((status, out['statusCode'], out['body']), ('SUCCEEDED', 200, 'ok'), 'http: an answer')
r = api.got[-1]
same((r.method, r.path, r.headers.get('Authorization'), json.loads(r.body)), ('POST', '/orders/a%20b/%C3%A4?q=a%20b%2F%C3%A4', 'Bearer T0KEN-of-the-api', {'id': 'a b/ä'}), 'http: as it was asked for, with the token')
ok(len(r.headers.get('Idempotency-Key', '')) == 32, 'http: with a key')
one('http', {'url': plain.url})
ok('Authorization' not in plain.got[-1].headers, 'http: the token goes nowhere else')
api.status = 503
same(one('http', {'connection': 'api', 'path': 'x'})[1][0], 'States.Http.StatusCode.503', 'http: another status is an error by its number')
api.status = [500, 500, 200]
n = len(api.got)
same(one('http', {'connection': 'api', 'path': 'x', 'method': 'POST', 'body': {}}, Retry=[{'ErrorEquals': ['States.Http.StatusCode.500'], 'IntervalSeconds': 1, 'BackoffRate': 1}])[0], 'SUCCEEDED', 'http: which Retry takes')
same(len({r.headers['Idempotency-Key'] for r in api.got[n:]}), 1, 'http: three attempts, one key')
api.status = 200
for mode in ('hang', 'drip'):
    api.mode = mode
    same(one('http', {'connection': 'api', 'path': 'x'}, TimeoutSeconds=2)[1][0], 'States.Timeout', f'http: a server that {mode}s is left at TimeoutSeconds')
api.mode = 'ok'
api.headers = {f'X-{i}': 'y' * 60000 for i in range(8)}
same(one('http', {'connection': 'api', 'path': 'x'})[1][0], 'Orch.BadResponse', 'http: headers beyond measure')
api.headers = {}
same(one('http', {'url.$': '$.url'}, {'url': 'http://169.254.169.254/latest/meta-data/iam/'})[1][0], 'Orch.AccessDenied', 'http: no data leads to a cloud that gives credentials away')
same(one('http', {'url': api.url, 'headers': {'X': 'a\r\nX-Evil: 1'}})[1][0], 'Orch.ContractViolation', 'http: no line is smuggled into a header')
api.stop()
same(one('http', {'connection': 'api', 'path': 'x'})[1][0], 'Orch.Unavailable', 'http: nobody is there')
w.run([f'{TOP}/tests/servers/ca.sh', w.path('ca')])
tls = HttpServer(certs=w.path('ca'))
config['connections']['tls'] = {'url': tls.url.rsplit('/', 1)[0] + '/', 'token_file': 'api.token', 'token_header': 'X-Key', 'ca_file': 'ca/ca.pem'}
config['connections']['wrong'] = {**config['connections']['tls'], 'ca_file': 'ca/other-ca.pem'}
w.write_config(config)
same((one('http', {'connection': 'tls', 'path': 'x'})[0], tls.got[-1].headers.get('X-Key')), ('SUCCEEDED', 'T0KEN-of-the-api'), 'http: TLS, its certificate checked by ca_file')
n = len(tls.got)
same((one('http', {'connection': 'wrong', 'path': 'x'})[1][0], len(tls.got)), ('Orch.Unavailable', n), 'http: another authority is not trusted, and no token sent')
same((one('http', {'url': tls.url})[1][0], len(tls.got)), ('Orch.Unavailable', n), 'http: nor is a certificate without one')

# ---- nothing secret is in the state file
blob = b''.join(open(w.path(n), 'rb').read() for n in os.listdir(w.dir) if n.startswith('orch.db') and os.path.isfile(w.path(n)))
ok(b'T0KEN-of-the-api' not in blob and b's3cret-of-orch' not in blob and b'loader-secret' not in blob, 'no secret is in the state file')
done()

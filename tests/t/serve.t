#!/usr/bin/python3
"""orch serve: a real process, asked as users ask it, with curl."""
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import ORCH, TOP, World, done, hour_key, like, ok, same  # noqa: E402
from httpd import Server  # noqa: E402

TOKEN = '0123456789abcdef' * 4
w = World()
w.pipeline(target='sqlite', source_until='2022-06-05T03', target_create=True)
w.put(hour_key(0), 'a,b\n1,2\n3,NA\n')
CONFIG = w.config_json


def serve_keys(**keys):
    w.write_config({**CONFIG, 'serve': keys})


s = Server(w)

# -- before any tick, and after
a = s.get('/healthz')
same((a.status, a.json['status']), (200, 'ok'), 'the process answers before any tick has run')
a = s.get('/readyz')
same((a.status, a.type), (503, 'application/problem+json'), 'it is not ready then')
same((a.json['code'], a.json['status']), ('Orch.Unavailable', 503), 'and says so as a problem')
like(a.json['hint'], 'orch tick', 'with what to do')
same(a.head['retry-after'], '5', 'and when to ask again')
w.orch('tick')
a = s.get('/readyz')
same(a.status, 200, 'after a tick it is ready, without being started again')
a = s.get('/metrics')
same((a.status, a.type), (200, 'text/plain; version=0.0.4; charset=utf-8'), 'metrics are of the type that Prometheus reads')


def families(text):
    return re.findall(r'^# TYPE (\S+)', text, re.M)


same(families(a.text), families(w.orch('metrics').out) + ['orch_http_requests_total'], 'and are those of orch metrics, and the answers by status')


def answers():
    return {k: int(v) for k, v in re.findall(r'^orch_http_requests_total\{code="(\dxx)"\} (\d+)', s.get('/metrics').text, re.M)}


n = answers()
s.get('/nowhere')
s.get('/healthz')
same({k: answers()[k] - n[k] for k in ('3xx', '4xx', '5xx')}, {'3xx': 0, '4xx': 1, '5xx': 0}, 'each answer is counted by the class of its status')
# the state file is put back from a copy while serve runs
os.rename(w.path('orch.db'), w.path('away.db'))
same(s.get('/readyz').status, 503, 'a state file that is taken away is missed')
os.rename(w.path('away.db'), w.path('orch.db'))
same(s.get('/readyz').status, 200, 'and found again when it is back')
again = Server(w, env={'ORCH_TEST_NOW': '+16m'})
a = again.get('/readyz')
same((a.status, 'minutes ago' in a.json['detail']), (503, True), 'no tick for 16 minutes: not ready')
same(again.stop(), 0, 'SIGTERM: exit 0')
serve_keys(tick_within='1h')
again = Server(w, env={'ORCH_TEST_NOW': '+16m'})
same(again.get('/readyz').status, 200, 'where cron ticks by the half hour, serve.tick_within says so')
again.stop()
serve_keys()
a = s.get('/v1/pipelines/nobody')
same((a.status, w.dir in a.text), (404, False), 'what is not there is said without the path of orch.json')

# -- listings that take long keep /readyz from nobody, and no more than four of them read at once
go, passed = w.path('go'), w.path('passed')
slow = Server(w, env={'ORCH_FAULT': ','.join(f'serve.reading=wait:{go}@{n}' for n in range(1, 5)), 'ORCH_FAULT_LOG': passed})
got = []
listing = [threading.Thread(target=lambda: got.append(slow.get('/v1/jobs').status)) for _ in range(4)]
[x.start() for x in listing]
while open(passed).read().count('serve.reading') < 4 and slow.p.poll() is None:
    pass
same([slow.get(x).status for x in ('/readyz', '/healthz')], [200, 200], 'while four listings stand still, /readyz and /healthz answer')
a = slow.get('/v1/jobs')
same((a.status, a.json['code'], a.head['retry-after']), (503, 'Orch.Busy', '5'), 'a fifth listing waits for 5 s, and is told to ask again')
open(go, 'w').close()
[x.join() for x in listing]
same((got, slow.get('/v1/jobs').status), ([200] * 4, 200), 'and they come to their end')
slow.stop()
os.unlink(go)

# -- a request that hangs keeps the process from its end for 20 s, and no longer
os.unlink(passed)
slow = Server(w, env={'ORCH_FAULT': f'serve.reading=wait:{go}', 'ORCH_FAULT_LOG': passed})
listing = threading.Thread(target=lambda: slow.get('/v1/jobs'))
listing.start()
while 'serve.reading' not in open(passed).read() and slow.p.poll() is None:
    pass
slow.p.send_signal(signal.SIGTERM)
same(slow.p.wait(120), 75, 'SIGTERM while a request hangs: exit 75')
listing.join()
ok(slow.wait_line(r'1 requests? w\w+ still under way after 20 s'), 'which is said')

# -- what can be seen of routes
a = s.get('/openapi.json')
paths = a.json['paths']
ok({'/healthz', '/readyz', '/metrics', '/openapi.json', '/'} <= set(paths), 'openapi.json lists the routes')
ids = [op['operationId'] for item in paths.values() for op in item.values()]
same(len(ids), len(set(ids)), 'each under a name of its own')
ok(all(set(re.findall(r'{(\w+)}', p)) == {x['name'] for x in op['parameters'] if x['in'] == 'path'}
       for p, item in paths.items() for op in item.values()), 'with the names in its path')
plain = [p for p, item in paths.items() if 'get' in item and '{' not in p and p != '/login']
same([p for p in plain if s.get(p).status not in (200, 303, 400) and p != '/v1/backups'], [], 'what it lists without {names} is answered, or says what is missing')
for p in paths:
    r = s.curl(p.replace('{', '').replace('}', ''), '-X', 'OPTIONS')
    want = {m.upper() for m in paths[p]} | ({'HEAD'} if 'get' in paths[p] else set()) | {'OPTIONS'}
    if (r.status, set(r.head.get('allow', '').split(', '))) != (204, want):
        same((p, r.status, r.head.get('allow')), (p, 204, want), 'OPTIONS')
ok(True, 'OPTIONS tells the methods of each path')
a, b = s.get('/metrics'), s.curl('/metrics', '-I')
same((b.status, b.type, b.body), (200, a.type, b''), 'HEAD: the header of GET, and no body')
ok(abs(int(b.head['content-length']) - len(a.body)) < 64, 'with the length that it would have')
a = s.get('/nowhere')
same((a.status, a.type, a.json['code']), (404, 'application/problem+json', 'Orch.NotFound'), 'another path: 404')
same(set(a.json), {'type', 'title', 'status', 'code', 'hint', 'request_id'}, 'a problem has these members')
same(a.json['request_id'], a.head['x-request-id'], 'and the request\'s name, which the header has too')
ok(s.wait_line(r'GET /nowhere 404, \d+ bytes, \d+ ms, local 127.0.0.1, ' + a.head['x-request-id']), 'and the log')
a = s.curl('/metrics', '-X', 'POST', '-d', '')
same((a.status, a.head['allow']), (405, 'GET, HEAD, OPTIONS'), 'another method: 405, with those that there are')
a = s.get('/metrics?limit=1')
same((a.status, "'limit'" in a.json['detail']), (400, True), 'a name in the query that means nothing is named')
a = s.get('/nowhere', '-H', 'Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8')
same((a.status, a.type), (404, 'text/html; charset=utf-8'), 'a browser gets a page')
like(a.text, '<h1>there is no such path</h1>', 'which says the same')

# -- packed
a, b = s.curl('/metrics', '-H', 'Accept-Encoding: br, gzip;q=0.5'), s.get('/metrics')
same(a.head.get('content-encoding'), 'gzip', 'packed where the client takes it')
same(families(gzip.decompress(a.body).decode()), families(b.text), 'and the same inside')
ok(len(a.body) < len(b.body) / 3 and 'content-encoding' not in b.head, 'and shorter; as it is otherwise')
same(s.curl('/metrics', '-H', 'Accept-Encoding: gzip;q=0').head.get('content-encoding'), None, 'q=0 is no')
same(s.curl('/healthz', '-H', 'Accept-Encoding: gzip').head.get('content-encoding'), None, 'what is short is not packed')
for answer in (s.get('/'), s.get('/nowhere'), s.get('/metrics')):
    ok(answer.head['content-security-policy'].startswith("default-src 'none';") and answer.head['x-content-type-options'] == 'nosniff'
       and answer.head['referrer-policy'] == 'no-referrer', f'the headers that browsers obey are there ({answer.status})')
a = s.get('/openapi.json')
b = s.curl('/openapi.json', '-H', 'If-None-Match: "x", ' + a.head['etag'], '-H', 'Accept-Encoding: gzip')
same((b.status, b.body, b.head['etag']), (304, b'', a.head['etag']), 'what the client has already is not sent again')
same(s.curl('/openapi.json', '-H', 'If-None-Match: "x"').status, 200, 'what it has not, is')

# -- a connection is used again
k = socket.create_connection(('127.0.0.1', s.port))
k.settimeout(60)
for i in range(3):
    k.sendall(b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' if i != 1 else b'GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n')
    got = b''
    while not got.endswith(b'}\n') and not got.endswith(b'"}'):
        got += k.recv(65536)
    ok(got.startswith(b'HTTP/1.1 ' + (b'404' if i == 1 else b'200')), f'request {i + 1} of one connection')
k.close()

# -- one place, one process
b = Server(w, listen=f'127.0.0.1:{s.port}', wait=False)
same(b.p.wait(60), 75, 'a second process at the same address: exit 75')
b.reader.join(10)
same(len(b.log), 2, 'in one sentence')
like(b.log[0], 'another process listens there', 'that says why')
one = Server(w, listen='unix:' + w.path('sock'))
same(one.get('/healthz').status, 200, 'a UNIX socket')
same(oct(os.stat(w.path('sock')).st_mode & 0o777), '0o660', 'of owner and group alone')
b = Server(w, listen='unix:' + w.path('sock'), wait=False)
same(b.p.wait(60), 75, 'a second process at the same socket: exit 75')
same(one.get('/healthz').status, 200, 'which does not take it from the first')
one.kill()
one = Server(w, listen='unix:' + w.path('sock'))
same(one.get('/healthz').status, 200, 'what a killed process left is taken over')
same((one.stop(), os.path.exists(w.path('sock'))), (0, False), 'and its name goes with it')
with open(w.path('file'), 'w') as f:
    f.write('mine')
b = Server(w, listen='unix:' + w.path('file'), wait=False)
same((b.p.wait(60), open(w.path('file')).read()), (3, 'mine'), 'a file that is no socket is left alone')
v6 = Server(w, listen='[::1]:0')
same(v6.curl('/healthz', '-g').status, 200, 'IPv6')
v6.stop()

# -- the token
for words, what in ((['0.0.0.0:0'], 'all addresses'), (['[::]:0'], 'all of IPv6'), (['192.0.2.1:8086'], 'another address')):
    b = Server(w, listen=words[0], wait=False)
    b.p.wait(60)
    b.reader.join(10)
    same((b.p.returncode, 'token-file' in b.log[0]), (3, True), f'{what} without a token: exit 3, and how to have one')


def token_file(text, mode=0o600):
    with open(w.path('serve.token'), 'w') as f:
        f.write(text)
    os.chmod(w.path('serve.token'), mode)
    return w.path('serve.token')


for text, mode, why in ((TOKEN, 0o644, 'that others may read'), ('short', 0o600, 'that is short'), ('a' * 64, 0o600, 'of one letter'),
                        ('x y' * 20, 0o600, 'with blanks'), ('', 0o600, 'that is empty')):
    b = Server(w, '--token-file', token_file(text, mode), listen='0.0.0.0:0', wait=False)
    same(b.p.wait(60), 3, f'a token {why}: exit 3')
b = Server(w, '--token-file', w.path('none'), wait=False)
same(b.p.wait(60), 3, 'a token file that is not there: exit 3, on loopback too')
t = Server(w, '--token-file', token_file(TOKEN + '\n'), listen='0.0.0.0:0')
BEARER = ('-H', 'Authorization: Bearer ' + TOKEN)
t.url = f'http://127.0.0.1:{t.port}'
same(t.get('/healthz').status, 200, 'with a token /healthz is open')
a = t.get('/metrics')
same((a.status, a.head.get('www-authenticate')), (401, 'Bearer realm="orch"'), 'the rest is not')
same(t.get('/nowhere').status, 401, 'nor does it tell which paths there are')
same(t.get('/metrics', *BEARER).status, 200, 'the token opens it')
same([t.get('/metrics', '-H', 'Authorization: ' + x).status for x in ('Bearer ' + TOKEN[:-1], 'Bearer ' + TOKEN + '0', 'Bearer', 'Basic ' + TOKEN, TOKEN)],
     [401] * 5, 'nothing else does')
same([t.get('/metrics', *x).json['title'] for x in ((), ('-H', 'Authorization: Bearer ' + TOKEN + '0'))], ['a token is needed', 'this is not the token'], 'and a wrong token is told so')
a = t.get('/', '-H', 'Accept: text/html')
same((a.status, a.head['location']), (303, '/login'), 'a browser is sent to where it can give the token')
a = t.get('/login', '-H', 'Accept: text/html')
like(a.text, '<input type="password" name="token"', 'there it can')
a = t.curl('/login', '-d', 'token=wrong', '-H', 'Accept: text/html')
same((a.status, a.head.get('set-cookie')), (403, None), 'another token: no')
a = t.curl('/login', '--data-urlencode', 'token=' + TOKEN, '-H', 'Origin: ' + t.url, '-H', 'Sec-Fetch-Site: same-origin')
m = re.fullmatch(r'orch=([0-9a-f]{64}); Path=/; HttpOnly; SameSite=Strict', a.head.get('set-cookie', ''))
ok(m and m[1] != TOKEN and a.status == 303, 'the token: a cookie that is not the token')
COOKIE = ('-b', 'orch=' + (m[1] if m else ''))
same(t.get('/metrics', *COOKIE).status, 200, 'which opens it')
same(t.get('/metrics', '-b', 'a=b; __Host-orch=' + COOKIE[1][5:]).status, 401, 'but not under the other name')
a = t.curl('/logout', '-X', 'POST', *COOKIE, '-H', 'Origin: ' + t.url)
same((a.status, 'Max-Age=0' in a.head['set-cookie']), (303, True), 'logging out')
same(t.get('/metrics', *COOKIE).status, 401, 'ends the session, whatever the browser keeps')
a = t.curl('/login', '-d', 'token=' + TOKEN, '-H', 'X-Forwarded-Proto: https')
m = re.fullmatch(r'__Host-orch=([0-9a-f]{64}); Path=/; HttpOnly; SameSite=Strict; Secure', a.head.get('set-cookie', ''))
ok(m, 'behind a TLS proxy the cookie is __Host- and Secure')
same(t.get('/metrics', '-b', '__Host-orch=' + m[1], '-H', 'X-Forwarded-Proto: https').status, 200, 'and opens it there')
same(t.get('/metrics', '-b', '__Host-orch=' + m[1]).status, 401, 'there alone')
same([t.get('/', '-H', 'Host: ' + h, *BEARER).status for h in (f'127.0.0.1:{t.port}', 'localhost', 'orch.example', '0.0.0.0')], [200, 421, 421, 421],
     'of all addresses Host is the one that the connection came to')
same(t.stop(), 0, 'it stops')
ok(not any(TOKEN in x or COOKIE[1][5:] in x for x in t.log if x), 'neither token nor cookie is in the log')
serve_keys(hosts=['orch.example'], token_file='serve.token')
t = Server(w)
same([t.get('/metrics', '-H', 'Host: ' + h, *BEARER).status for h in ('orch.example', 'Orch.Example:443', 'orch.example.', 'example')], [200, 200, 421, 421],
     'serve.hosts are its names too; serve.token_file is asked for on loopback')
t.stop()

# -- stopping
serve_keys()
t = Server(w)
same(t.stop(signal.SIGINT), 0, 'SIGINT: exit 0')
idle = Server(w)
k = idle.connect()
k.sendall(b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
k.recv(65536)
same(idle.stop(), 0, 'a connection that waits for its next request does not hold it up')
like('\n'.join(x for x in idle.log if x), 'serve: stopped', 'it says that it has stopped')
half = Server(w)
k = half.connect()
k.sendall(b'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\ntoken')
half.get('/healthz')  # so that the other has been taken
half.p.send_signal(signal.SIGTERM)
threading.Timer(1.5, lambda: k.sendall(b'=x')).start()
got = b''
while True:
    part = k.recv(65536)
    if not part:
        break
    got += part
ok(got.startswith(b'HTTP/1.1 303') and b'Connection: close' in got, 'a request that is under way at SIGTERM is answered')
same(half.p.wait(60), 0, 'and then it ends')

# -- the docs' examples
with open(f'{TOP}/docs/serve.md', encoding='utf-8') as f:
    text = f.read()
shown = re.findall(r'^    \$ (curl .*)\n((?:    (?!\$).*\n)*)', text, re.M)
os.makedirs(w.path('run'))
token_file(TOKEN)
unix = Server(w, listen='unix:' + w.path('run', 'serve.sock'))
t = Server(w, '--token-file', w.path('serve.token'))
ran = 0
for command, answer in shown:
    where = t.url if 'Bearer' in command else s.url
    r = subprocess.run(['sh', '-c', command.replace('http://127.0.0.1:8086', where).replace('/run/orch/serve.sock', unix.socket)],
                       cwd=w.dir, capture_output=True, text=True)
    answer = '\n'.join(x[4:] for x in answer.splitlines())
    got = re.sub(r'"request_id":"\w{16}"', '"request_id":"0123456789abcdef"', r.stdout.rstrip('\n'))
    fine = r.returncode == 0 and (got == answer if answer else got != '')
    ran += fine
    if not fine:
        same((command, got, r.stderr), (command, answer, ''), 'an example of docs/serve.md')
same((ran, len(shown) >= 4), (len(shown), True), 'the examples of docs/serve.md answer as they say')
unix.stop()
t.stop()
same(s.stop(), 0, 'after all that: exit 0')
done()

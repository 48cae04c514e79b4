#!/usr/bin/python3
"""orch serve, attacked: every fault that docs/serve.md says cannot be had is tried, with bare sockets where curl is too polite."""
import os
import resource
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import World, done, hour_key, like, ok, same  # noqa: E402
from httpd import Answer, Server  # noqa: E402

w = World()
w.pipeline(target='sqlite', source_until='2022-06-05T03', target_create=True)
w.put(hour_key(0), 'a,b\n1,2\n')
w.write_config({**w.config_json, 'serve': {'timeout': '2s', 'connections': 40, 'hosts': ['orch.example']}})
w.orch('tick')
TOKEN = 'fedcba9876543210' * 4
w.secret('serve.token', TOKEN)
# serve writes for who is allowed to; the token's server is attacked as what a browser is logged in to
s = Server(w, '--allow-write')
t = Server(w, '--allow-write', '--token-file', w.path('serve.token'))
H = 'Host: localhost\r\n'


def split(got):
    """The answers on one connection, as a client would read them."""
    found = []
    while got.startswith(b'HTTP/1.1 '):
        head, _, rest = got.partition(b'\r\n\r\n')
        a = Answer(head.decode('latin-1'), b'')
        n = int(a.head.get('content-length', 0))
        a.body, got = rest[:n], rest[n:]
        found.append(a)
    return found


def ask(lines, body=b'', server=s, close=True, shut=False):
    text = lines if isinstance(lines, bytes) else (lines + (H if '\r\nHost:' not in lines and not lines.startswith('Host:') else '') + ('Connection: close\r\n' if close else '') + '\r\n').encode('latin-1')
    return split(server.raw(text + body, shut))


def statuses(*a, **k):
    return [x.status for x in ask(*a, **k)]


def alive(what):
    same([s.get('/healthz').status, s.p.poll()], [200, None], what)


# -- of one remote address no more than a quarter of all connections
probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    probe.connect(('192.0.2.1', 9))
    own = probe.getsockname()[0]
except OSError:
    own = '127.0.0.1'
probe.close()
if own.startswith('127.'):
    ok(True, 'connections of one address # SKIP this machine has no address but loopback')
else:
    w.write_config({**w.config_json, 'serve': {'timeout': '60s', 'connections': 8}})
    many = Server(w, '--token-file', w.path('serve.token'), listen='0.0.0.0:0')
    burst = [socket.create_connection((own, many.port), source_address=(own, 0)) for _ in range(8)]
    for k in burst:
        k.settimeout(60)
        try:
            k.sendall(f'GET /healthz HTTP/1.1\r\nHost: {own}\r\n\r\n'.encode())
        except OSError:
            pass

    def answered(k):
        try:
            return k.recv(15).startswith(b'HTTP/1.1 200')
        except OSError:
            return False

    same(sorted(answered(k) for k in burst), [False] * 6 + [True] * 2, 'eight at once from one address: two of them, a quarter of 8, are taken, the others closed')
    many.url = f'http://127.0.0.1:{many.port}'
    same(many.get('/healthz').status, 200, 'others come in all the same')
    [k.close() for k in burst]
    for _ in range(3000):  # until their threads have ended
        k = socket.create_connection((own, many.port), source_address=(own, 0))
        k.settimeout(60)
        try:
            k.sendall(f'GET /healthz HTTP/1.1\r\nHost: {own}\r\n\r\n'.encode())
        except OSError:
            pass
        good = answered(k)
        k.close()
        if good:
            break
    ok(good, 'and so does that address, when they have gone')
    same(many.stop(), 0, 'it ends well')
    w.write_config({**w.config_json, 'serve': {'timeout': '2s', 'connections': 40, 'hosts': ['orch.example']}})

# -- request smuggling: where a body ends must be beyond doubt
SMUGGLED = b'0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
POST = 'POST /login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n'
for head, what in (
        ('Content-Length: 5\r\nContent-Length: 5\r\n', 'Content-Length twice, the same'),
        ('Content-Length: 5\r\nContent-Length: 50\r\n', 'Content-Length twice, different'),
        ('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 'Content-Length and Transfer-Encoding'),
        ('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', 'Transfer-Encoding and Content-Length'),
        ('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', 'Transfer-Encoding twice'),
        ('Transfer-Encoding: gzip, chunked\r\n', 'Transfer-Encoding that is more than chunked'),
        ('Transfer-Encoding: xchunked\r\n', 'Transfer-Encoding that only looks like chunked'),
        ('Transfer-Encoding : chunked\r\n', 'a blank before the colon'),
        ('Transfer-Encoding\x0b: chunked\r\n', 'a vertical tab in a name'),
        ('Transfer-Encoding: \x0bchunked\r\n', 'a vertical tab in a value'),
        ('Content-Length: +5\r\n', 'Content-Length with a sign'),
        ('Content-Length: 0x5\r\n', 'Content-Length in hexadecimal'),
        ('Content-Length: 5, 5\r\n', 'Content-Length as a list'),
        ('Content-Length: -1\r\n', 'Content-Length below 0'),
        ('Content-Length: 99999999999999999999\r\n', 'Content-Length past 64 bits'),
):
    got = ask(POST + head, SMUGGLED, close=False)
    same([a.status // 100 for a in got], [4], f'{what}: one refusal, and what follows is not read')
got = ask('POST /login HTTP/1.0\r\nTransfer-Encoding: chunked\r\n', SMUGGLED, close=False)
same([a.status for a in got], [400], 'chunks in HTTP/1.0')
same(statuses('GET /healthz HTTP/1.1\r\nContent-Length: 44\r\n', SMUGGLED[5:], close=False), [400], 'a GET with a body')
same(statuses(POST + 'Transfer-Encoding: chunked\r\n', b'8\r\ntoken=ab\r\n0\r\n\r\n'), [303], 'chunks as they should be are read')
same([x // 100 for x in statuses(POST + 'Transfer-Encoding: chunked\r\n', b'zz\r\ntoken=ab\r\n0\r\n\r\n', shut=True)], [4], 'a chunk without a size')
same([x // 100 for x in statuses(POST + 'Transfer-Encoding: chunked\r\n', b'ffffffffffffffffff\r\ntoken=ab\r\n0\r\n\r\n', shut=True)], [4], 'a chunk past 64 bits')
alive('after all that it is there')

# -- what a request is made of
same(statuses('GET /healthz HTTP/1.1\r\nX-A: a\x00b\r\n'), [400], 'a NUL in a header')
same(statuses('GET /healthz HTTP/1.1\r\nX-A\x00: b\r\n'), [400], 'a NUL in the name of one')
got = s.raw(b'GET /healthz\x00/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
ok(b'orch_' not in got and not got.startswith(b'HTTP/1.1 200'), 'a NUL in the request line') or print('#', got[:200], file=sys.stderr)
same(statuses('GET /healthz HTTP/1.1\r\nX-A: a\x7fb\r\n'), [400], 'DEL in a header')
same(statuses('GET /healthz HTTP/1.1\r\nX A: b\r\n'), [400], 'a blank in the name of a header')
same(statuses('GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: orch.example\r\n'), [400], 'Host twice')
same(statuses(b'GET /healthz HTTP/1.1\r\n\r\n'), [400], 'no Host')
same(statuses(b'GET /healthz HTTP/1.0\r\n\r\n'), [400], 'no Host in HTTP/1.0')
for method in ('TRACE', 'CONNECT', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'get', 'G' * 3000):
    got = statuses(f'{method} /metrics HTTP/1.1\r\n')
    same(got, [405], f'{method[:10]} is no method of a path')
for path in ('/../etc/passwd', '/..%2f..%2fetc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/./metrics', '/%00', '/metrics%00', '/%0d%0aSet-Cookie:%20a=b', '/%c0%ae%c0%ae/',
             '/%', '/%2', '/%zz', '/\xff', '/a#b', 'metrics', 'http://localhost/metrics', '//localhost/metrics/..', '/metrics?a=%00', '/metrics?a=%ff', '/metrics?%0a=1'):
    got = ask(f'GET {path} HTTP/1.1\r\n')
    ok([a.status for a in got] == [400] and b'root:' not in got[0].body and 'a=b' not in got[0].head.get('set-cookie', ''), f'the path {path!r}: 400') or print('#', path, [(a.status, a.body[:80]) for a in got], file=sys.stderr)
ok(statuses('GET /a b HTTP/1.1\r\n') in ([], [400]), 'a blank in a path')
same(statuses('GET /%252e%252e/%2561 HTTP/1.1\r\n'), [404], 'what is encoded twice is decoded once')
same(statuses('GET /%6detrics HTTP/1.1\r\n'), [200], 'as it should be')
for path in ('/metrics/', '//metrics', '/Metrics', '/metrics;a=b', '/login%2f', '/etc/passwd', '/orch.json', '/orch.db', '/.git/config'):
    same(statuses(f'GET {path} HTTP/1.1\r\n'), [404], f'the path {path!r}: 404')
same(statuses('GET /metrics?a=1&a=2 HTTP/1.1\r\n'), [400], 'a name twice in a query')

# -- sizes
same(statuses('GET /' + 'a' * 8100 + ' HTTP/1.1\r\n'), [404], 'a request line of 8 KiB is read')
same(statuses('GET /' + 'a' * 8200 + ' HTTP/1.1\r\n'), [414], 'a longer one is not')
same(statuses('GET /metrics?' + 'a' * 30000 + ' HTTP/1.1\r\n'), [414], 'nor one with a long query')
same([x // 100 for x in statuses('GET /' + 'a' * 1000000 + ' HTTP/1.1\r\n')] in ([4], []), True, 'a request line of 1 MB is not')
same(statuses('GET /healthz HTTP/1.1\r\nX-A: ' + 'a' * 16000 + '\r\n'), [200], 'a header of 16 KiB is read')
same(statuses('GET /healthz HTTP/1.1\r\nX-A: ' + 'a' * 16400 + '\r\n'), [431], 'a longer one is not')
same(statuses('GET /healthz HTTP/1.1\r\n' + ''.join(f'X-{i}: a\r\n' for i in range(99)) + '\r\n'.join([])), [431], '101 lines are not')
same([x // 100 for x in statuses('GET /healthz HTTP/1.1\r\nX-A: ' + 'a' * 1000000 + '\r\n')] in ([4], []), True, 'a header of 1 MB is not')
k = s.connect()
sent = 0
try:
    k.sendall(b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n')
    while sent < 200000000:
        sent += k.send(b'X-Flood: ' + b'a' * 1000 + b'\r\n')
except OSError:
    pass
k.close()
ok(sent < 20000000, f'a header without end is hung up on ({sent} bytes)')
BODY = b'token=' + b'a' * (65536 - 6)
same(statuses(POST + 'Content-Length: 65536\r\n', BODY), [303], 'a body of 64 KiB is read')
got = ask(POST + 'Content-Length: 65537\r\n', BODY + b'a')
same([(a.status, a.json['code']) for a in got], [(413, 'Orch.TooLarge')], 'a longer one is not')
got = ask(POST + 'Content-Length: 8000000000\r\nExpect: 100-continue\r\n')
same([a.status for a in got], [413], 'and is refused before it is sent, where the client asks')
got = ask(POST + 'Content-Length: 5000000\r\n', b'a' * 5000000)
same([a.status for a in got], [413], 'who sends it all the same sees the answer')
chunk = b'10000\r\n' + b'a' * 65536 + b'\r\n'
same(statuses(POST + 'Transfer-Encoding: chunked\r\n', chunk + b'1\r\na\r\n0\r\n\r\n'), [413], 'in chunks too')
k = s.connect()
sent = 0
try:
    k.sendall((POST + H + 'Transfer-Encoding: chunked\r\n\r\n').encode())
    while sent < 400000000:
        sent += k.send(chunk)
except OSError:
    pass
k.close()
ok(sent < 50000000, f'chunks without end are hung up on ({sent} bytes)')
same(statuses(POST + 'Content-Length: 3\r\nContent-Encoding: gzip\r\n', b'abc'), [415], 'a packed body, which might be a bomb, is not unpacked')
same(statuses(POST + 'Content-Length: 3\r\nExpect: tea\r\n', b'abc'), [417], 'an Expect that nobody knows')
alive('after all that it is there')

# -- slow clients: each of these would hold a thread for ever
began = time.monotonic()


def drip(first, each, every=0.25, limit=60):
    """Seconds until the server hangs up on one that sends a bit now and then."""
    k, start = s.connect(), time.monotonic()
    k.settimeout(every)
    try:
        k.sendall(first)
        while time.monotonic() - start < limit:
            try:
                if k.recv(65536) == b'':
                    break
            except socket.timeout:
                k.sendall(each)
    except OSError:
        pass
    k.close()
    return time.monotonic() - start


slow = {}
ways = {'a request line, byte by byte': (b'GET /', b'a'), 'header lines without end': (b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n', b'X-A: b\r\n'),
        'silence': (b'', b''), 'half a header, and silence': (b'GET /healthz HTTP/1.1\r\nHost: lo', b''),
        'a body, byte by byte': ((POST + H + 'Content-Length: 60000\r\n\r\n').encode(), b'a'),
        'chunks, byte by byte': ((POST + H + 'Transfer-Encoding: chunked\r\n\r\n').encode(), b'1\r\na\r\n'),
        'nothing but line ends': (b'\r\n', b'\r\n')}
threads = [threading.Thread(target=lambda n=name, a=args: slow.__setitem__(n, drip(*a))) for name, args in ways.items()]
for x in threads:
    x.start()
for x in threads:
    x.join()
for name in ways:
    ok(slow[name] < 20, f'{name}: hung up on after {slow[name]:.1f} s')
k = s.connect()  # takes no answer: asks for megabytes, and reads nothing
k.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
k.settimeout(0.5)
start = time.monotonic()
try:
    while time.monotonic() - start < 60:
        try:
            k.sendall(b'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n' * 100)
        except socket.timeout:
            pass
except OSError:
    pass
ok(time.monotonic() - start < 40, f'who takes no answer is hung up on after {time.monotonic() - start:.1f} s')
k.close()
alive('after all that it is there')

# -- more connections than there may be
many = []
for i in range(100):
    k = s.connect()
    k.sendall(b'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-' if i % 2 else b'')
    many.append(k)
a = s.get('/healthz')
same(a.status, 200, '100 slow connections: the next one is answered once their time is over')
for k in many:
    k.close()
threads_then = len(os.listdir(f'/proc/{s.p.pid}/task'))
fds = len(os.listdir(f'/proc/{s.p.pid}/fd'))
ok(threads_then < 80 and fds < 80, f'{threads_then} threads and {fds} descriptors are left of it')

# -- pipelining: in order, one after the other
got = split(s.raw(b''.join(b'GET /' + p + b' HTTP/1.1\r\nHost: localhost\r\n' + (b'Connection: close\r\n' if i == 49 else b'') + b'\r\n'
                           for i, p in enumerate([b'healthz', b'nowhere'] * 25))))
same([a.status for a in got], [200, 404] * 25, '50 requests at once on one connection are answered in order')
got = split(s.raw((POST + H + 'Content-Length: 7\r\n\r\ntoken=a').encode() + b'GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'))
same([a.status for a in got], [303, 404], 'a body ends where it says')

# -- DNS rebinding
for host in ('evil.example', 'evil.example:' + str(s.port), 'localhost.evil.example', '127.0.0.1.evil.example', 'localhost@evil.example', '127.0.0.2', '0.0.0.0',
             '2130706433', '0x7f.1', '[::1]', '', 'localhost:', 'localhost:x', 'local host', 'localhost,evil.example', 'orch.example.evil', 'xorch.example'):
    got = ask(f'GET /metrics HTTP/1.1\r\nHost: {host}\r\n')
    ok([a.status for a in got] in ([421], [400]) and b'orch_' not in got[0].body, f'Host: {host!r} reads nothing')
same([x for h in ('localhost', 'LOCALHOST:1', f'127.0.0.1:{s.port}', 'orch.example') for x in statuses(f'GET /metrics HTTP/1.1\r\nHost: {h}\r\n')], [200] * 4,
     'its own names do')
same([x // 100 for x in statuses('GET http://evil.example/metrics HTTP/1.1\r\n')], [4], 'a target with a name in it')

# -- pages of other sites
JSON = 'Content-Type: application/json\r\nContent-Length: 2\r\n'
paths = [p for p, item in s.get('/openapi.json').json['paths'].items() if 'post' in item and p not in ('/login', '/logout')]
form = 'Content-Type: application/x-www-form-urlencoded\r\n'
for path in ['/login'] + paths:
    target = path.replace('{', '').replace('}', '')
    for head, what in (('Sec-Fetch-Site: cross-site\r\n', 'cross-site'), ('Sec-Fetch-Site: same-site\r\n', 'same-site'), ('Origin: http://evil.example\r\n', 'of another origin'),
                       ('Origin: null\r\n', 'of a sandbox'), (f'Origin: http://localhost:{s.port + 1}\r\n', 'of another port'),
                       ('Origin: https://evil.example\r\nSec-Fetch-Site: same-origin\r\n', 'that lies half'), ('Origin: http://localhost.evil.example\r\n', 'of a similar name'),
                       ('Origin: http://localhost@evil.example\r\n', 'with a user')):
        got = ask(f'POST {target} HTTP/1.1\r\n{JSON}{head}', b'{}')
        if [a.status for a in got] != [403]:
            same([a.status for a in got], [403], f'POST {target} {what}')
ok(True, f'nothing of {len(paths) + 1} paths is changed by pages of other sites')
for path in paths:
    target = path.replace('{', '').replace('}', '')
    same_site = f'Host: localhost\r\nOrigin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n'
    got = [statuses(f'POST {target} HTTP/1.1\r\n{same_site}{JSON}', b'{}'), statuses(f'POST {target} HTTP/1.1\r\n{form}Content-Length: 3\r\n', b'a=b'),
           statuses(f'POST {target} HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n', b'{}'),
           statuses(f'POST {target} HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=a\r\nContent-Length: 2\r\n', b'{}'),
           statuses(f'POST {target} HTTP/1.1\r\n{form}Content-Length: 70\r\n', b'csrf=' + b'0' * 65),
           statuses(f'POST {target} HTTP/1.1\r\n{same_site}{JSON}X-CSRF-Token: \r\n', b'{}')]
    ok(all(x in ([403], [415]) for x in got), f'POST {target} by a browser without the token of a page is refused') or print('#', got, file=sys.stderr)
    same(statuses(f'POST {target} HTTP/1.1\r\n{JSON}', b'{}', server=t), [401], 'and without the token nobody gets that far')
a = t.curl('/login', '-d', 'token=' + TOKEN)
cookie = a.head['set-cookie'].split(';')[0]
for path in paths:
    target = path.replace('{', '').replace('}', '')
    same(statuses(f'POST {target} HTTP/1.1\r\nCookie: {cookie}\r\n{JSON}', b'{}', server=t), [403], f'POST {target} with a cookie and without its token')
readonly = Server(w)
for path in paths:
    target = path.replace('{', '').replace('}', '')
    got = ask(f'POST {target} HTTP/1.1\r\n{JSON}', b'{}', server=readonly)
    same([(a.status, 'allow-write' in a.json['hint']) for a in got], [(403, True)], f'POST {target} without --allow-write')
readonly.stop()

# -- sessions
same([t.get('/metrics', '-b', c).status for c in ('orch=', 'orch=' + '0' * 64, cookie + '0', cookie[:-1], cookie.upper(), 'orch=' + TOKEN, 'orch=' + 'a' * 5000)], [401] * 7,
     'no other cookie opens anything')
same(t.get('/metrics', '-b', cookie).status, 200, 'its own does')
for i in range(70):
    statuses(f'POST /login HTTP/1.1\r\n{form}Content-Length: {6 + len(TOKEN)}\r\n', b'token=' + TOKEN.encode(), server=t)
same(t.get('/metrics', '-b', cookie).status, 401, 'of more than 64 sessions the oldest ends')
same(statuses(f'GET /metrics HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nAuthorization: Bearer x\r\n', server=t), [400], 'two tokens at once')

# -- what comes back says nothing that the client made it say
got = ask('GET /%3Cscript%3Ealert(1)%3C/script%3E?%3Cb%3E=1 HTTP/1.1\r\nAccept: text/html\r\n')
ok(len(got) == 1 and b'<script' not in got[0].body and b'<b>' not in got[0].body, 'a script in a path or query is not given back')
got = ask('GET /metrics?%3Cscript%3E%22onerror=1 HTTP/1.1\r\nAccept: text/html\r\n')
ok(len(got) == 1 and got[0].status == 400 and b'<script' not in got[0].body and b'&lt;script&gt;' in got[0].body, 'a script in the name of a query is shown as text')
statuses('GET /a%0a%1b[31m HTTP/1.1\r\n')
statuses('GET /a%c2%9b31m HTTP/1.1\r\n')
ok(all(x is None or (x.isprintable() and x.startswith('orch: ')) for x in s.log), 'nothing of it moves the cursor of who reads the log')
for server in (s, t):
    same(server.stop(), 0, 'after all that it stops, with exit 0 and no word of a sanitizer')
    ok(not any('ERROR' in x or 'runtime error' in x for x in server.log if x), 'really')
done()

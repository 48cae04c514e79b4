#!/usr/bin/python3
"""Alerts: mail, webhook, command and ping against servers that take, refuse, hang and fail; sizes of partitions."""
import hashlib, hmac, json, os, re, subprocess, sys, time

sys.path.insert(0, os.path.join(os.environ.get('ORCH_SOURCE', '.'), 'tests', 'lib'))
from world import World, ok, same, like, done, skip_all, TOP  # noqa: E402
try:
    import aiosmtpd  # noqa: F401
except ImportError:
    skip_all('aiosmtpd is not installed')
from receivers import MailServer, HttpServer, Silent, deaf_port  # noqa: E402


def world(since='2022-06-05T00', until='2022-06-05T01', alerts=None, **p):
    w = World()
    p.setdefault('target_table', 't')
    w.pipeline(target='sqlite', source_since=since, source_until=until, target_create=True, schedule='rate(1 minute)',
               owner={'name': 'Ana', 'email': 'ana@example.org'}, **p)
    import sqlite3
    with sqlite3.connect(w.path('target.db')) as db:
        db.execute('CREATE TABLE t (id INTEGER, amount INTEGER)')
    w.config_json['pipelines']['loans']['target'].pop('create')
    w.config_json['pipelines']['loans']['target']['lineage'] = 'none'
    w.config_json['pipelines']['loans']['max_attempts'] = 2
    w.config_json['alerts'] = alerts or {}
    w.config_json['alerts'].setdefault('timeout', '2s')
    w.write_config(w.config_json)
    w.secret('hook.key', 'not for everybody')
    r = w.orch('target', 'setup')
    if r.rc:
        print('#', r.out, r.err, file=sys.stderr)
    return w


def mail_to(server, *to, **more):
    return {'url': server.url, 'from': 'orch@example.org', 'tls': 'off', 'to': list(to), **more}


def rows(n, first=0):
    return 'id,amount\n' + ''.join(f'{i},{i * 3}\n' for i in range(first, first + n))


def key(hour, day='05', name='a.csv'):
    return f'yyyy=2022/mm=06/dd={day}/hh={hour:02d}/{name}'


def at(hour, minute=0, day=5):
    return f'2022-06-{day:02d}T{hour:02d}:{minute:02d}:10Z'


def subjects(mails, to=None):
    return [m.message['Subject'] for m in mails if to is None or m.to == to]


def text(m):
    return m.message.get_content()


def jsons(w, name='heard'):
    path = w.path(name)
    return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


def channel(w, name):
    found = [c for c in json.loads(w.orch('notify', '-o', 'json').out)['channels'] if c['channel'] == name]
    return found[0] if found else None


# ---- one message a channel, once; a reminder; its end ----
mail, hook, ping = MailServer(), HttpServer(), HttpServer()
w = world(alerts={'mail': mail_to(mail, 'ops@example.org'), 'webhook': {'url': hook.url, 'secret_file': 'hook.key'}, 'ping': {'url': ping.url + '/'}})
w.config_json['alerts']['command'] = 'cat >> heard'
w.write_config(w.config_json)
r = w.orch('tick', now=at(4))
same(r.rc, 6, 'two hours are late')
first, posts, heard = mail.take(), hook.take(), jsons(w)
same(sorted((m.to, m.message['Subject']) for m in first), [('ana@example.org', '[orch] loans LATE'), ('ops@example.org', '[orch] loans LATE')],
     'one mail to the owner, one to whom all is told, with a subject that has no date')
same((len(posts), len(heard)), (1, 1), 'one POST, one document for the command')
like(text(first[0]), 'loans/2022-06-05T00: LATE: no object has come', 'the mail says what and where')
like(text(first[0]), "orch skip loans/2022-06-05T01 --reason", 'and what to type')
like(text(first[0]), 'orch explain loans/2022-06-05T01', 'and what explains it')
m = first[0].message
same((m['Auto-Submitted'], m.get_content_type(), m['Date'] is not None and m['Date'].startswith('Sun, 05 Jun 2022 04:00:')), ('auto-generated', 'text/plain', True),
     'it says that a program wrote it, and when')
ok(all(len(line) <= 78 for line in first[0].raw.decode('ascii').split('\r\n')), 'no line of it is longer than 78')
body = json.loads(posts[0].body)
same((body['schema_version'], [(t['state'], t['class'], t['partition']) for t in body['troubles']]),
     (1, [('OPEN', 'LATE', '2022-06-05T00'), ('OPEN', 'LATE', '2022-06-05T01')]), 'the webhook has both as JSON')
same([t for t in heard[0]['troubles']], body['troubles'], 'the command has the same document')
h = posts[0].headers
want = 'sha256=' + hmac.new(b'not for everybody', h['X-Orch-Timestamp'].encode() + b'.' + posts[0].body, hashlib.sha256).hexdigest()
same(h['X-Orch-Signature'], want, 'its signature is the HMAC of time stamp and body')
same(h['X-Orch-Delivery'], body['id'], 'its delivery id is the one in the document')
pings = ping.take()
rids = {re.search(r'rid=([0-9a-f-]{36})$', p.path).group(1) for p in pings}
same(([p.path.split('?')[0] for p in pings], len(rids)), (['/hook/start', '/hook/6'], 1), 'the ping: start, then the exit status, under one run id')

for minute in range(5, 60, 5):
    w.orch('tick', now=at(4, minute))
same((mail.take(), hook.take(), len(jsons(w))), ([], [], 1), 'eleven more ticks say nothing')
same(len(ping.take()), 22, 'but each has its sign of life')
r = w.orch('tick', now=at(10, 5))
again = mail.take()
same((subjects(again), len(hook.take())), (['[orch] loans LATE'] * 2, 1), 'after renotify it is said again')
like(text(again[0]), 'still LATE', 'as what stands')
ids = [m.message['Message-ID'] for m in first + again]
same(len(set(ids)), 4, 'every mail has an id of its own')
same(len({str(m.message['References']) for m in first + again}), 1, 'and all of one trouble are one thread')
same(first[0].message['In-Reply-To'], first[0].message['References'], 'In-Reply-To as References')

w.put(key(0), rows(5))
r = w.orch('skip', 'loans/2022-06-05T01', '--reason', 'the bank was closed')
r = w.orch('tick', now=at(10, 10))
like(r.err, 'loans/2022-06-05T00: well again; it was LATE', 'its end is said')
like(r.err, 'loans/2022-06-05T01: settled: skipped by', 'what was skipped is not called well')
end = mail.take()
same(subjects(end), ['[orch] loans LATE recovered'] * 2, 'one mail tells the end')
ok('settled: skipped by' in text(end[0]) and 'the bank was closed' in text(end[0]), 'with who skipped the other, and why')
same([(t['state'], t['partition']) for t in json.loads(hook.take()[0].body)['troubles']], [('RECOVERED', '2022-06-05T00'), ('SETTLED', '2022-06-05T01')],
     'the webhook too')
w.orch('tick', now=at(10, 15))
w.orch('tick', now=at(18, 15))
same((mail.take(), hook.take(), w.state('SELECT count(*) FROM told')), ([], [], [[0]]), 'then there is silence, and nothing is kept')
same(ping.take()[-1].path.split('?')[0], '/hook/0', 'and the ping says 0')

# ---- a channel that is away ----
mail, hook = MailServer(), HttpServer()
w = world(until='2022-06-05T09', alerts={'mail': mail_to(mail, 'ops@example.org'), 'webhook': {'url': hook.url}})
hook.stop()
began = time.time()
r = w.orch('tick', now=at(2, 5))
same((r.rc, subjects(mail.take(), 'ops@example.org')), (1, ['[orch] loans LATE']), 'a webhook that is away keeps no mail waiting, and the tick says so')
like(r.err, 'orch: alerts/webhook: ALERT: alerts.webhook: ', 'on stderr')
r = w.orch('tick', now=at(2, 10))
same((r.rc, r.err), (0, ''), 'once')
same(subjects(mail.take(), 'ops@example.org'), ['[orch] alerts ALERT'], 'and by the other channel')
s = json.loads(w.orch('status', '-o', 'json', now=at(2, 11)).out)
ok('webhook' in json.dumps(s.get('channels', [])) or any(a['class'] == 'ALERT' for a in s['attention']), 'status shows it')
w.put(key(0), rows(3))
for minute in range(15, 60, 5):
    w.orch('tick', now=at(2, minute))
tries = channel(w, 'webhook')['failed']
ok(3 <= tries <= 8, f'it is tried again, less and less often ({tries} times in an hour)')
w.orch('tick', now=at(5, 5))  # hours 1, 2, 3 are late now
hook.start()
mail.take()
r = w.orch('tick', now=at(5, 30))
posts = [json.loads(p.body) for p in hook.take()]
same(len(posts), 1, 'when it is back it gets one message')
same([(t['state'], t['partition'], t['again']) for t in posts[0]['troubles']],
     [('OPEN', '2022-06-05T01', False), ('OPEN', '2022-06-05T02', False), ('OPEN', '2022-06-05T03', False), ('RECOVERED', '2022-06-05T00', False)],
     'with what stands, and what came and went meanwhile')
like(r.err, 'alerts/webhook: well again', 'and stderr hears that it is back')
w.orch('tick', now=at(5, 35))
same(subjects(mail.take(), 'ops@example.org'), ['[orch] alerts ALERT recovered'], 'so does the other channel')

# ---- how servers fail ----
w.put(key(1), rows(1))
for status, word in ((500, 'answered 500'), (401, 'answered 401'), (302, 'redirect')):
    hook.status, hook.headers = status, {'Location': 'http://127.0.0.1:1/'}
    r = w.orch('notify', '--test', '--channel', 'webhook')
    same((r.rc, word in r.out, len(hook.take())), (1, True, 1), f'a webhook that answers {status} is a failure that says so, not followed, not repeated')
hook.status = 503
same(w.orch('notify', '--test', '--channel', 'webhook').rc, 75, '503 is a server that is away')
hook.take()
hook.status = [500, 200]
w.orch('tick', now=at(6, 5))
w.orch('tick', now=at(6, 6))
got = hook.take()
same((len(got), len({p.headers['X-Orch-Delivery'] for p in got}), len({p.body for p in got})), (2, 1, 2), 'after a 500 the same delivery comes once more, under its id')
w.orch('tick', now=at(6, 7))
same(hook.take(), [], 'and not again')
for mode in ('hang', 'drip'):
    hook.mode, began = mode, time.time()
    r = w.orch('notify', '--test', '--channel', 'webhook')
    ok(r.rc == 75 and time.time() - began < 6, f'a webhook that {mode}s is given up in time ({time.time() - began:.1f} s)')
    hook.stop()
    hook.mode = 'ok'
    hook.start()
silent = Silent()
w.config_json['alerts']['mail']['url'] = f'smtp://127.0.0.1:{silent.port}'
w.config_json['alerts']['ping'] = {'url': f'http://127.0.0.1:{silent.port}'}
w.write_config(w.config_json)
began, hook.got = time.time(), []
r = w.orch('tick', now=at(7, 5))
spent = time.time() - began
ok(spent < 12, f'silent mail server and ping: the tick ends in time ({spent:.1f} s)')
same((r.rc, len(hook.take())), (1, 1), 'and the webhook was told')
same(channel(w, 'ping')['failing_since'] is not None, True, 'the ping that did not arrive is shown')
same([bool(re.search('not done|no answer|timed out|timeout', channel(w, f'mail {a}@example.org')['error'].lower())) for a in ('ops', 'ana')], [True, True],
     'the mails wait, with the reason')
w.config_json['alerts']['mail']['url'] = mail.url
w.config_json['alerts']['ping'] = {'url': f'http://127.0.0.1:{deaf_port()}'}
w.config_json['alerts'].pop('webhook')
w.write_config(w.config_json)
w.put(key(2), rows(1, 9)), w.put(key(3), rows(1, 19)), w.put(key(4), rows(1, 29)), w.put(key(5), rows(1, 39))
mail.take()
r = w.orch('tick', now=at(7, 25))
same((r.rc, len(mail.take())), (0, 2), 'a ping that is refused fails no tick; the mails come when the server does')
same(w.state("SELECT count(*) FROM told WHERE channel = 'webhook'"), [[0]], 'a channel that is no longer in the config is owed nothing')

# ---- mail servers ----
same(subprocess.run([f'{TOP}/tests/servers/ca.sh', w.path('ca')]).returncode, 0, 'certificates')
certs = w.path('ca')
w = world(until='2022-06-05T00', alerts={'command': 'true'})
cases = [('STARTTLS and a login', dict(tls='starttls', certs=certs, user='orch', password='pass wörd'), {'ca_file': f'{certs}/ca.pem'}, 0, 'delivered'),
         ('TLS from the first byte', dict(tls='tls', certs=certs), {'ca_file': f'{certs}/ca.pem', 'user': None}, 0, 'delivered'),
         ('a wrong name', dict(tls='starttls', certs=certs, cert='wrong'), {'ca_file': f'{certs}/ca.pem', 'user': None}, 75, 'hint: the server\'s certificate is not trusted'),
         ('an expired certificate', dict(tls='tls', certs=certs, cert='expired'), {'ca_file': f'{certs}/ca.pem', 'user': None}, 75, 'hint: the server\'s certificate is not trusted'),
         ('a strange authority', dict(tls='tls', certs=certs), {'ca_file': f'{certs}/other-ca.pem', 'user': None}, 75, 'not trusted'),
         ('no STARTTLS', dict(), {'ca_file': f'{certs}/ca.pem', 'user': None}, 75, 'offers no STARTTLS'),
         ('a wrong password', dict(tls='starttls', certs=certs, user='orch', password='another'), {'ca_file': f'{certs}/ca.pem'}, 1, 'login of orch is refused')]
w.secret('mail.key', 'pass wörd')
for what, server, keys, rc, word in cases:
    s = MailServer(**server)
    conf = {'url': s.url, 'from': 'orch@example.org', 'to': ['ops@example.org'], 'user': 'orch', **keys}
    if conf['user']:
        conf['password_file'] = 'mail.key'
    w.config_json['alerts'] = {'mail': conf, 'timeout': '5s'}
    w.write_config(w.config_json)
    r = w.orch('notify', '--test', '--channel', 'mail ops@example.org')
    same((r.rc, word in r.out, len(s.take())), (rc, True, int(rc == 0)), f'mail: {what}')
    ok('wörd' not in r.out + r.err, 'no password is shown')
    s.stop()
mail = MailServer()
w = world(until='2022-06-05T00', alerts={'mail': mail_to(mail, 'ops@example.org', 'bob@example.org')})
mail.refuse = {'bob@example.org': '550 5.1.1 no such user'}
r = w.orch('tick', now=at(3))
same((r.rc, sorted(m.to for m in mail.take())), (1, ['ana@example.org', 'ops@example.org']), 'one bad recipient loses no other')
like(r.err, 'mail to bob@example.org is refused: 550 5.1.1 no such user', "in the server's words")
mail.refuse = {}
w.orch('tick', now=at(3, 5))
same([(m.to, m.message['Subject']) for m in mail.take() if m.to == 'bob@example.org'], [('bob@example.org', '[orch] loans LATE')], 'bob hears of it when he can')
w.orch('tick', now=at(3, 10)), mail.take()
mail.mode = 'data554'
r = w.orch('notify', '--test', '--channel', 'mail ops@example.org')
same((r.rc, '554 5.7.1' in r.out), (1, True), 'a refusal after the message is one')
mail.mode = 'ok'

# ---- dying between ----
w = world(until='2022-06-05T00', alerts={'mail': mail_to(mail)})
mail.take()
r = w.orch('tick', now=at(3), fault='alert.sent=kill')
same(r.rc, -9, 'a tick is killed when its mail is out, and nobody has noted it')
w.orch('tick', now=at(3, 5))
w.orch('tick', now=at(3, 10))
got = mail.take()
same((len(got), len({m.message['Message-ID'] for m in got})), (2, 1), 'the mail comes twice, under one id, and no third time')
w.put(key(0), rows(2))
r = w.orch('tick', now=at(3, 15), fault='tick.said=kill')
same((r.rc, mail.take()), (-9, []), 'killed before it could send')
w.orch('tick', now=at(3, 20))
w.orch('tick', now=at(3, 25))
same(subjects(mail.take()), ['[orch] loans LATE recovered'], 'the next tick sends it')
w = world(until='2022-06-05T00', alerts={'mail': mail_to(mail)})
ticks = [w.spawn('tick', now=at(3)) for _ in range(4)]
for t in ticks:
    t.communicate()
w.orch('tick', now=at(3, 5))
same(len(mail.take()), 1, 'four ticks at once send one mail')

# ---- hostile words ----
w.config_json['pipelines']['loans']['owner']['email'] = 'ana@example.org\r\nBcc: everybody@example.org'
w.write_config(w.config_json)
r = w.orch('tick', now=at(3, 10))
same((r.rc, 'is no mail address' in r.err, mail.take()), (3, True, []), 'an address that would be two headers is refused')
w.config_json['pipelines']['loans']['owner'] = {'name': 'A\r\n.\r\nBcc: x@example.org', 'email': 'ana@example.org'}
w.config_json['pipelines']['loans']['source']['until'] = '2022-06-05T01'
w.write_config(w.config_json)
w.put(key(0), 'id,amount\n1,\x1b[31m\u00e9\n')
w.put(key(1), 'id,amount\n1,\x1b[31m\u00e9\r\n.\r\nBcc\n')
w.orch('tick', now=at(4, 10))
w.orch('tick', now=at(4, 20))
got = mail.take()
ok(len(got) > 0 and all('\x1b' not in text(m) and m.message['Bcc'] is None for m in got), 'bytes of a file reach no header and no terminal')

# ---- a first catch-up is no flood ----
mail, hook = MailServer(), HttpServer()
w = world(since='2022-05-01', until='2022-06-04', source_period='day', source_layout='%Y-%m-%d/', alerts={'webhook': {'url': hook.url}, 'mail': mail_to(mail)})
r = w.orch('tick', now=at(3))
t = [(x['class'], x['partition'], x['count']) for x in json.loads(hook.take()[0].body)['troubles']]
same(t[0], ('BACKFILL', '', 1), 'hours of long ago are one line')
same(sum(x[2] for x in t[1:]), 7, 'what ended in the last week is told')
same(len(mail.take()), 1, 'in one mail')
like(r.err, 'more LATE', 'stderr keeps to a few lines')

# ---- much smaller than its like ----
w = world(since='2022-06-01', until='2022-06-10', source_period='day', source_layout='%Y-%m-%d/', alerts={'mail': mail_to(mail)})
for day in range(1, 8):
    w.put(f'2022-06-{day:02d}/a.csv', rows(100 + day))
w.put('2022-06-08/a.csv', rows(7))
w.put('2022-06-09/a.csv', rows(80))
r = w.orch('tick', now=at(0, 30, 10))
same(r.rc, 6, 'a partition with 7 rows where 100 are usual')
like(r.err, 'loans/2022-06-08: SMALL: 7 rows; its like have 104 (median of 7)', 'is SMALL, with the numbers')
same((r.err.count('SMALL'), subjects(mail.take())), (1, ['[orch] loans SMALL']), 'one of 80 is not')
same(w.orch('tick', now=at(0, 40, 10)).err, '', 'it is said once')
r = w.orch('ack', 'loans/2022-06-08', '--reason', 'a holiday', now=at(0, 45, 10))
if r.rc == 0:
    r = w.orch('tick', now=at(0, 50, 10))
    like(r.err, 'settled: acknowledged by', 'and may stand when a person says so')
    same(subjects(mail.take()), ['[orch] loans SMALL settled'], 'the reader hears of that')
else:
    ok(False, f'orch ack: {r.err}')
w.config_json['pipelines']['loans']['small'] = None
w.write_config(w.config_json)
same(w.orch('tick', now=at(8, 0, 10)).rc, 0, 'null switches it off')

# ---- notify ----
r = w.orch('notify', '--test', '--channel', 'wehook')
same((r.rc, 'is configured' in r.err), (1, True), 'a channel that is not there is named')
w.config_json['alerts'] = {}
w.write_config(w.config_json)
same(w.orch('notify', '--test').rc, 3, 'no channel at all is a fault of the config')
for bad, word in (({'mail': {'url': 'http://x', 'from': 'a@b'}}, 'does not start with'), ({'mail': {'url': 'smtp://mx.example', 'to': ['a@b.c']}}, 'from: missing'),
                  ({'mail': {'url': 'smtp://mx.example', 'from': 'a@b', 'tls': 'off', 'user': 'x', 'password_env': 'HOME'}}, 'in the clear'),
                  ({'webhook': {'url': 'https://u:p@x/'}}, 'ends up in logs'), ({'ping': {'url': 'https://x/?a=b'}}, "no '?'")):
    w.config_json['alerts'] = bad
    w.write_config(w.config_json)
    r = w.orch('validate')
    ok(r.rc == 3 and word in r.err + r.out, f'refused: {word}')
done()

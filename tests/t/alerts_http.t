#!/usr/bin/python3
"""Webhook and ping against nginx: taken, refused, redirected, failing, hanging; certificates good, of another name, expired, of a stranger."""
import hashlib, hmac, json, os, re, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *
from receivers import Silent

w = World()
certs = w.path('ca')
same(subprocess.run([f'{TOP}/tests/servers/ca.sh', certs]).returncode, 0, 'certificates')
silent = Silent()
w.start('nginx', 'nginx', str(w.base), certs, str(silent.port))
w.pipeline(target='sqlite', source_until='2022-06-05T01', target_create=True)
w.secret('hook.key', 'not for everybody')
GOOD, WRONG, EXPIRED = (f'https://localhost:{w.base + n}' for n in (1, 2, 3))
seen = minute = 0


def got():
    """What nginx has written down since the last time. It writes when the answer is out: one more request, ours, comes after them all."""
    global seen
    mark = f'/200/mark{seen}'
    subprocess.run(['curl', '-s', '-o', w.path('null'), f'http://127.0.0.1:{w.base}{mark}'], check=True)
    while True:
        with open(w.path('nginx/got')) as f:
            lines = [json.loads(line) for line in f if line.endswith('\n')]
        if any(x['path'] == mark for x in lines[seen:]):
            break
        time.sleep(.01)
    new, seen = lines[seen:], len(lines)
    return [x for x in new if '/mark' not in x['path']]


def alerts(**channels):
    for c in channels.values():
        if c['url'].startswith('/'):
            c['url'] = f'http://127.0.0.1:{w.base}{c["url"]}'
    w.write_config(dict(w.config_json, alerts={'timeout': '2s', **channels}))


def tick():
    global minute
    minute += 10
    return w.orch('tick', now=f'2022-06-05T{4 + minute // 60:02d}:{minute % 60:02d}:00Z')


# -- taken
alerts(webhook={'url': '/200/hook', 'secret_file': 'hook.key'}, ping={'url': '/200/ping'})
w.put(hour_key(0), 'a,b\n1,2\n')
w.good('target', 'setup', now='2022-06-05T04:00:00Z')
w.remove(hour_key(0))
r = tick()
x = got()
rids = {re.search(r'rid=([0-9a-f-]{36})$', p['path'])[1] for p in x if 'rid=' in p['path']}
same((r.rc, [(p['method'], p['path'].split('?')[0], p['status']) for p in x], len(rids)),
     (6, [('POST', '/200/ping/start', 200), ('POST', '/200/hook', 200), ('POST', '/200/ping/6', 200)], 1), 'start, the webhook, the exit status: each once') or diag(x)
post = x[1]
same((post['type'], post['signature']), ('application/json', 'sha256=' + hmac.new(b'not for everybody', f'{post["time"]}.{post["body"]}'.encode(), hashlib.sha256).hexdigest()),
     'the body as it arrived has the signature that came with it')
body = json.loads(post['body'])
same(([t['partition'] for t in body['troubles']], body['id']), (['2022-06-05T00', '2022-06-05T01'], post['delivery']), 'and is the whole document')
r = tick()
same((r.rc, [p['path'].split('?')[0] for p in got()]), (0, ['/200/ping/start', '/200/ping/0']), 'the next tick has its pings, and no more to tell')

# -- refused, redirected, failing, hanging: a test message says so, and nothing is followed or sent twice
for path, rc, word in (('/500', 1, 'answered 500'), ('/401', 1, 'answered 401'), ('/301', 1, 'redirect'), ('/503', 75, 'answered 503')):
    alerts(webhook={'url': f'{path}/hook'})
    r = w.orch('notify', '--test', '--channel', 'webhook')
    same((r.rc, word in r.out, [p['path'] for p in got()]), (rc, True, [f'{path}/hook']), f'a webhook that answers {path[1:]}') or diag(r.out)
    alerts(ping={'url': path})
    r = tick()
    same((r.rc, r.err, [p['path'].split('?')[0] for p in got()]), (0, '', [f'{path}/start', f'{path}/0']), f'a ping that answers {path[1:]} changes nothing in the tick')
    found = [c for c in json.loads(w.orch('notify', '-o', 'json').out)['channels'] if c['channel'] == 'ping']
    ok(len(found) == 1 and path[1:] in found[0]['error'] and found[0]['failing_since'], 'and is shown as failing') or diag(found)
alerts(ping={'url': '/200/ping'})
tick()
same([c['failing_since'] for c in json.loads(w.orch('notify', '-o', 'json').out)['channels'] if c['channel'] == 'ping'], [None], 'until it answers')
got()
alerts(webhook={'url': '/hang/hook'})
began = time.monotonic()
r = w.orch('notify', '--test', '--channel', 'webhook')
ok(r.rc == 75 and time.monotonic() - began < 10, 'a webhook that never answers is given up') or diag(r.out)
alerts(ping={'url': '/hang/ping'})
began = time.monotonic()
r = tick()
ok(r.rc == 0 and r.err == '' and time.monotonic() - began < 15, 'a ping that never answers ends no tick badly, and not late') or diag(f'{r.rc} {r.err}')
silent.stop()

# -- certificates
for what, url, ca, well in (('good', GOOD, 'ca.pem', True), ('of another name', WRONG, 'ca.pem', False), ('expired', EXPIRED, 'ca.pem', False), ('of a stranger', GOOD, 'other-ca.pem', False)):
    alerts(webhook={'url': f'{url}/200/hook', 'ca_file': f'{certs}/{ca}'})
    r = w.orch('notify', '--test', '--channel', 'webhook')
    same((r.rc, 'not trusted' in r.out, [p['tls'][:4] for p in got()]), (0, False, ['TLSv']) if well else (75, True, []), f'webhook, certificate {what}') or diag(r.out)
    alerts(ping={'url': f'{url}/200/ping', 'ca_file': f'{certs}/{ca}'})
    r = tick()
    same((r.rc, r.err, len(got())), (0, '', 2 if well else 0), f'ping, certificate {what}') or diag(r.out)
done()

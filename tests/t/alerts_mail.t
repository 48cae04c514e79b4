#!/usr/bin/python3
"""Mail by way of exim: STARTTLS, a login, and what then lies in the mailboxes."""
import mailbox, os, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World()
os.chmod(w.dir, 0o711)  # exim delivers as another user where the test runs as root
certs = w.path('ca')
same(subprocess.run([f'{TOP}/tests/servers/ca.sh', certs]).returncode, 0, 'certificates')
w.start('exim', 'exim', str(w.base), certs)
w.pipeline(target='sqlite', source_until='2022-06-05T00', target_create=True, owner={'name': 'Änne Ö', 'email': 'ana@example.org'})
w.secret('mail.key', 'pass word')
MAIL = {'url': f'smtp://localhost:{w.base}', 'from': 'orch@example.org', 'to': ['ops@example.org'], 'user': 'orch', 'password_file': 'mail.key', 'ca_file': f'{certs}/ca.pem'}


def mail(**more):
    w.write_config(dict(w.config_json, alerts={'timeout': '5s', 'mail': dict(MAIL, **more)}))


def box(name, count):
    """The mails of a box, when it has that many: exim delivers after it has answered."""
    deadline = time.monotonic() + 20
    while True:
        path = w.path('exim/mail', name)
        found = list(mailbox.mbox(path, create=False)) if os.path.exists(path) else []
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(.02)


def spooled():
    """Nothing is on its way any more."""
    deadline = time.monotonic() + 20
    while os.listdir(w.path('exim/spool/input')) and time.monotonic() < deadline:
        time.sleep(.02)


mail()
w.put(hour_key(0), 'a,b\n1,2\n')
w.good('target', 'setup', now='2022-06-05T03:00:00Z')
w.remove(hour_key(0))
r = w.orch('tick', now='2022-06-05T03:05:00Z')
same(r.rc, 6, 'an hour is late')
w.orch('tick', now='2022-06-05T03:10:00Z')
w.orch('tick', now='2022-06-05T09:10:00Z')
w.put(hour_key(0), 'a,b\n1,2\n')
w.orch('tick', now='2022-06-05T09:15:00Z')
for name in 'ana', 'ops':
    box(name, 3)
    spooled()
    m = box(name, 3)
    same([x['Subject'] for x in m], ['[orch] loans LATE'] * 2 + ['[orch] loans LATE recovered'], f'{name}: a trouble, its reminder, its end; nothing twice')
    same((len({x['Message-ID'] for x in m}), len({x['References'] for x in m}), {x['In-Reply-To'] for x in m} == {x['References'] for x in m}), (3, 1, True), f'{name}: in one thread')
    ok(m and all('esmtpsa' in x['Received'] for x in m), f'{name}: over TLS, with the login')
    like(m[0].get_payload(decode=True).decode(), 'orch explain loans/2022-06-05T00', f'{name}: with the command to type') if m else None

same(w.orch('notify', '--test', '--channel', 'mail ops@example.org').rc, 0, 'a test message is taken')
same(len(box('ops', 4)), 4, 'and arrives')
mail(to=['stranger@example.org'])
r = w.orch('notify', '--test', '--channel', 'mail stranger@example.org')
same((r.rc, 'no such user here' in r.out), (1, True), 'a recipient whom the server does not have: its own words') or diag(r.out)
for what, more, word in (('a wrong password', {'password_file': 'wrong.key'}, 'login of orch is refused'), ('an authority that it is not of', {'ca_file': f'{certs}/other-ca.pem'}, 'not trusted'),
                         ('no TLS, which the server demands', {'tls': 'off', 'user': None, 'password_file': None}, 'STARTTLS first')):
    w.secret('wrong.key', 'pass words')
    mail(**more)
    r = w.orch('notify', '--test', '--channel', 'mail ops@example.org')
    same((r.rc != 0, word in r.out), (True, True), what) or diag(r.out)
mail()
w.server('exim', 'stop')
r = w.orch('notify', '--test', '--channel', 'mail ops@example.org')
same(r.rc, 75, 'a server that is away') or diag(r.out)
done()

#!/usr/bin/python3
"""Where secrets come from: web identity and container agents against local endpoints, systemd credentials, and files
that others may read."""
import http.server
import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import World, ok, same, like, done, hour_key, DDL, ORCH, diag  # noqa: E402

ROLE = 'arn:aws:iam::123456789012:role/loader'
STS = ('<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>'
       '<SessionToken>webtoken</SessionToken><SecretAccessKey>web5ecret</SecretAccessKey><Expiration>2099-01-01T00:00:00Z</Expiration>'
       '<AccessKeyId>ASIAWEB</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>')
AGENT = json.dumps({'AccessKeyId': 'ASIATASK', 'SecretAccessKey': 'task5ecret', 'Token': 'tasktoken', 'Expiration': '2099-01-01T00:00:00Z'})
LISTING = ('<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated><Contents>'
           '<Key>yyyy=2022/mm=06/dd=05/hh=00/a.csv</Key><ETag>"0cc175b9c0f1b6a831c399e269772661"</ETag><Size>1</Size>'
           '<LastModified>2022-06-05T01:00:00.000Z</LastModified></Contents></ListBucketResult>')


class Cloud(http.server.ThreadingHTTPServer):
    """STS, a container agent and a bucket. What was asked is in .seen; .troubles answers of 500 go before the rest."""

    def __init__(self, address=('127.0.0.1', 0)):
        super().__init__(address, Handler)
        self.seen, self.troubles = [], 0
        self.url = f'http://{address[0]}:{self.server_port}'
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0)).decode()
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        status, text = 200, LISTING
        if self.command == 'POST':
            text = STS
        elif self.path.startswith('/agent'):
            text = AGENT
        if text is not LISTING and self.server.troubles > 0:
            self.server.troubles -= 1
            status, text = 500, 'no'
        self.send_response(status)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


def source(r):
    """doctor's line on the source, and its exit status."""
    try:
        doc = json.loads(r.out)
    except ValueError:
        diag(r.out + r.err)
        return {'status': '?', 'text': '', 'hint': ''}
    return [c for c in doc['checks'] if c['check'] == 'loans source'][0]


def signed_by(cloud):
    gets = [s for s in cloud.seen if s[0] == 'GET' and not s[1].startswith('/agent')]
    return [(s[2]['Authorization'].split('Credential=')[1].split('/')[0], s[2].get('x-amz-security-token')) for s in gets]


def inside():
    """In a network namespace of our own: the container agent at the address that only ECS has."""
    cloud, agent = Cloud(), Cloud(('169.254.170.2', 80))
    env = dict(os.environ, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI='/agent/v2?id=7')
    config = json.load(open(sys.argv[2]))
    config['connections']['lake']['endpoint'] = cloud.url
    json.dump(config, open(sys.argv[2], 'w'))
    r = subprocess.run([ORCH, '-c', sys.argv[2], 'doctor', '-o', 'json'], env=env, capture_output=True, text=True)
    print(json.dumps({'doctor': r.stdout, 'err': r.stderr, 'asked': agent.seen[0][1] if agent.seen else None, 'by': signed_by(cloud)}))
    sys.exit(0)


if sys.argv[1:2] == ['--inside']:
    inside()

# -- AWS
w = World()
cloud = Cloud()
bare = {k: v for k, v in w.env.items() if not k.startswith('AWS_')}
w.env = bare
w.pipeline(target='sqlite', lake={'url': 's3://bucket/', 'endpoint': cloud.url, 'path_style': True})
with open(w.path('token'), 'w') as f:
    f.write('eyJ.to/ken\n')
os.chmod(w.path('token'), 0o644)
os.mkdir(w.path('.aws'))
with open(w.path('.aws', 'credentials'), 'w') as f:
    f.write('[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = file5ecret\n')
os.chmod(w.path('.aws', 'credentials'), 0o644)
web = {'AWS_WEB_IDENTITY_TOKEN_FILE': w.path('token'), 'AWS_ROLE_ARN': ROLE, 'AWS_ENDPOINT_URL_STS': cloud.url}


def doctor(**env):
    cloud.seen.clear()
    return source(w.orch('doctor', '-o', 'json', **env))


c = doctor(**web)
same(c['status'], 'OK', 'web identity: the bucket can be listed')
like(c['text'], f'credentials from web identity {ROLE}', 'doctor says whose credentials they are')
same(cloud.seen[0][3], 'Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Floader'
     '&RoleSessionName=orch&WebIdentityToken=eyJ.to%2Fken', 'STS is sent the token, and the role')
same(signed_by(cloud), [('ASIAWEB', 'webtoken')], 'and the bucket is asked with what it gave')
cloud.troubles = 1
c = doctor(**web)
same(c['status'], 'OK', 'STS answers 500, then well')
same([s[0] for s in cloud.seen], ['POST', 'POST', 'GET'], 'it was asked twice')
c = doctor(**dict(web, AWS_WEB_IDENTITY_TOKEN_FILE='/nonexistent/token'))
same(c['status'], 'FAIL', 'a token file that is not there is an error')
like(c['text'], 'AWS_WEB_IDENTITY_TOKEN_FILE: cannot open /nonexistent/token', 'which names the variable')
same(cloud.seen, [], 'and the keys of the profile are not taken instead')
agent = {'AWS_CONTAINER_CREDENTIALS_FULL_URI': cloud.url + '/agent', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': w.path('token')}
c = doctor(HOME='/nonexistent', **agent)
like(c['text'], 'credentials from container agent', 'a container agent')
same(cloud.seen[0][2].get('Authorization'), 'eyJ.to/ken', 'which is sent its token')
same(signed_by(cloud), [('ASIATASK', 'tasktoken')], 'and the bucket is asked with what it gave')
c = doctor(HOME='/nonexistent', AWS_CONTAINER_CREDENTIALS_FULL_URI='http://creds.example.com/x')
like(c['text'], 'names host creds.example.com over http', 'an agent far away is not asked in the clear')
c = doctor()
same(signed_by(cloud), [('AKIAFILE', None)], 'without them: the profile')
checks = json.loads(w.orch('doctor', '-o', 'json').out)['checks']
ok(any(c['status'] == 'WARN' and '.aws/credentials may be read by others (mode 644)' in c['text'] for c in checks),
   'doctor warns of a credentials file that others may read')
os.chmod(w.path('.aws', 'credentials'), 0o600)
checks = json.loads(w.orch('doctor', '-o', 'json').out)['checks']
ok(not any('may be read by others' in c['text'] for c in checks), 'and is quiet once they may not')
all_out = ''.join(r.out + r.err for r in (w.orch('doctor', **web), w.orch('tick', **web), w.orch('config', 'show', '--origin', **web)))
ok(not any(s in all_out for s in ('5ecret', 'webtoken', 'eyJ.to')), 'no secret is shown anywhere')
try:
    r = subprocess.run(['unshare', '-rn', 'sh', '-c', 'ip link set lo up && ip addr add 169.254.170.2/32 dev lo && exec "$@"', 'sh',
                        sys.executable, os.path.abspath(__file__), '--inside', w.path('orch.json')],
                       env=dict(bare, HOME='/nonexistent'), capture_output=True, text=True, timeout=60)
    seen = json.loads(r.stdout) if r.returncode == 0 else None
except (OSError, ValueError, subprocess.SubprocessError):
    seen = None
if seen is None:
    diag('no network namespace to be had: the address of ECS was not tried')
else:
    same((seen['asked'], seen['by']), ('/agent/v2?id=7', [['ASIATASK', 'tasktoken']]), 'ECS: a relative URI is of 169.254.170.2')
w.close()

# -- passwords
w = World('mysql')
w.sql(DDL)
w.put(hour_key(0), 'SeriousDlqin2yrs,age\n1,45\n')
folder = w.path('credentials')
os.mkdir(folder)


def credential(mode, text='loader-secret\n', name='db'):
    path = os.path.join(folder, name)
    if os.path.exists(path):
        os.chmod(path, 0o600)
    with open(path, 'w') as f:
        f.write(text)
    os.chmod(path, mode)


def use(**keys):
    w.pipeline(warehouse=dict({'password_file': None}, **keys), target_lineage='none', target_drift='null-missing', source_until='2022-06-05T00')


w.now = '2022-06-05T02:30:00Z'
use(password_credential='db')
credential(0o440)
service = {'CREDENTIALS_DIRECTORY': folder}
r = w.orch('target', 'setup', **service)
same((r.rc, r.err), (0, ''), 'password_credential: mode 0440, as systemd and Kubernetes give it')
r = w.orch('run', 'loans', '--partition', '2022-06-05T00', **service)
same((r.rc, w.one('SELECT COUNT(*) FROM loan_applicant_info')), (0, '1'), 'and the hour is loaded with it')
same(w.orch('status').rc, 0, 'status needs no password, so it works outside the service')
r = w.orch('reconcile', 'loans')
same(r.rc, 3, 'what needs it says what is missing')
like(r.err, "CREDENTIALS_DIRECTORY is not set: there is no credential 'db'", 'by name')
like(r.err, 'LoadCredential=db:FILE', 'and what to write')
for mode in (0o444, 0o460, 0o666):
    credential(mode)
    r = w.orch('status', **service)
    same(r.rc, 3, f'a credential of mode {mode:o} is refused')
credential(0o400)
same(w.orch('target', 'setup', **service).rc, 0, 'mode 0400 will do as well')
for name, why in (('../orch.json', 'is no name of a credential'), ('gone', "there is no credential 'gone'")):
    use(password_credential=name)
    r = w.orch('validate', **service)
    ok(r.rc == 3 and why in r.err, f'credential {name}: {why}') or diag(r.err)
use(password_credential='db', password_env='PW')
r = w.orch('validate', PW='x', **service)
ok(r.rc == 3 and 'password_file, password_env and password_credential: one of them' in r.err, 'two ways at once are refused')
use(password_file='db.secret')
for mode in (0o640, 0o604, 0o620, 0o440):
    os.chmod(w.path('db.secret'), mode)
    r = w.orch('status')
    ok(r.rc == 3 and 'chmod 600' in r.err, f'a password file of mode {mode:o} is refused, with what to do')
os.chmod(w.path('db.secret'), 0o600)
same(w.orch('target', 'setup').rc, 0, 'and taken once it is 600')
with open(w.path('my.cnf'), 'w') as f:
    f.write('[client]\npassword=loader-secret\n')
use(option_file='my.cnf')
os.chmod(w.path('my.cnf'), 0o644)
r = w.orch('target', 'setup')
ok(r.rc == 4 and 'chmod 600' in r.err, 'an option file with a password that others may read is refused')
os.chmod(w.path('my.cnf'), 0o600)
same(w.orch('target', 'setup').rc, 0, 'and taken once it is 600')
done()

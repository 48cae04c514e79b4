#!/usr/bin/python3
"""cron install against the real crontab(1), in a mount namespace where the spool and /etc/cron.d are ours."""
import json, os, shutil, stat, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import ORCH, TOP, World, credit_rows, csv_of, diag, done, hour_key, like, ok, same, skip_all

if not shutil.which('crontab'):
    if set(os.environ.get('ORCH_TEST_NEED', '').split(',')) & {'cron', 'all'}:
        ok(False, 'crontab is installed')
        done()
    skip_all('no crontab on this machine (./dev setup)')

w = World()
for folder in ('spool', 'cron.d', 'here it\'s 100%'):
    os.mkdir(w.path(folder))
os.chmod(w.path('spool'), 0o1730)
INSIDE = 'mount --bind "$1" /var/spool/cron/crontabs && mount --bind "$2" /etc/cron.d && shift 2 && exec "$@"'


def inside(*argv, **env):
    """A command that sees our spool and our /etc/cron.d; root of a user namespace where it is not root."""
    return w.run(['unshare', '-m' if os.getuid() == 0 else '-rm', 'sh', '-c', INSIDE, 'sh', w.path('spool'), w.path('cron.d'), *argv],
                 env=w.orch_env(**env), cwd=w.dir)


if inside('true').rc or 'no crontab for' not in inside('crontab', '-l').err:
    skip_all('no mount namespace for a crontab of our own here')

w.pipeline(target='sqlite', target_create=True, source_since='2022-06-05T00', source_until='2022-06-05T01', columns={'': None})
for h in (0, 1):
    w.put(hour_key(h), csv_of(credit_rows(50, seed=h, first=h * 50 + 1)))
same(w.good('target', 'setup').rc, 0, 'a pipeline to run')
config = w.path("here it's 100%", 'orch.json')
text = json.dumps(dict(w.config_json, state=w.path('orch.db')))
with open(config, 'w') as f:
    f.write(text)


def cron(*args, path=config, before=()):
    r = inside(*before, ORCH, '-c', path, 'cron', *args)
    if 'Sanitizer' in r.err or 'runtime error:' in r.err:
        ok(False, 'a sanitizer spoke')
        diag(r.err)
    return r


def crontab():
    r = inside('crontab', '-l')
    return r.out if r.rc == 0 else None


# -- a user's crontab
MINE = '# mine\nMAILTO=me@example.com\n\n5 0 * * *   echo "50\\%" >> /tmp/x\n'
with open(w.path('mine'), 'w') as f:
    f.write(MINE)
same(inside('crontab', w.path('mine')).rc, 0, 'a crontab that is there already')
r = cron('install', '--dry-run')
same((r.rc, crontab()), (0, MINE), '--dry-run changes nothing')
like(r.out, 'would be added', 'and says what it would do')
r = cron('install')
same(r.rc, 0, 'cron install')
like(r.out, ': added', 'says that it was added')
like(r.err, 'orch doctor --cron', 'and how to see that it would run')
after = crontab() or ''
ok(after.startswith(MINE) and len(after.splitlines()) == len(MINE.splitlines()) + 1, 'one line more, every other byte as it was')
line = after.splitlines()[-1]
ok(line.startswith('*/5 * * * * '), 'every five minutes')
r = cron('install')
same((r.rc, crontab()), (0, after), 'again: nothing changes')
like(r.out, 'there already', 'and that is said')
r = cron('install', '--every', '1', '-o', 'json')
same(r.rc, 0, 'another period')
said = json.loads(r.out)
same((said['schema_version'], said['change'], said['dry_run']), (1, 'replaced', False), 'the line is replaced, as JSON')
same(crontab(), MINE + said['line'] + '\n', 'and is there once')
with open(os.path.join(TOP, 'docs', 'cli-json.md')) as f:
    page = f.read().split('## cron install')[1].split('\n## ')[0]
same([k for k in said if f'"{k}"' not in page], [], 'docs/cli-json.md names its members')

# -- what cron would do with it: % unescaped, /bin/sh, an environment with nothing in it
command = said['line'].split(None, 5)[5].replace('\\%', '%')
r = w.run(['env', '-i', 'HOME=/', 'SHELL=/bin/sh', 'PATH=/usr/bin:/bin', 'ASAN_OPTIONS=detect_leaks=0', 'ORCH_TEST_NOW=2022-06-05T04:00:00Z', '/bin/sh', '-c', command], cwd='/')
same((r.rc, r.out, r.err), (0, '', ''), "the line runs as cron runs it, and is silent: a path with a blank, a quote and a percent sign")
same(w.target('SELECT count(*) FROM loan_applicant_info'), [[100]], 'and has loaded')

# -- a line made by hand beside it
by_hand = MINE + f'*/5 * * * * orch -c "{w.path("orch.json")}" tick\n'
with open(w.path('mine'), 'w') as f:
    f.write(by_hand)
inside('crontab', w.path('mine'))
r = cron('install', path=w.path('orch.json'))
like(r.err, 'another line that runs this config', 'a line made by hand is spoken of')
r = cron('install', '--remove', path=w.path('orch.json'))
same((r.rc, crontab()), (0, by_hand), '--remove leaves the crontab as it was')
r = cron('install', '--remove', path=w.path('orch.json'))
like(r.out, 'no such line', 'and says when there is nothing to remove')

# -- refused
with open(w.path('bad.json'), 'w') as f:
    f.write(text.replace('"pipelines"', '"pipelnes"'))
r = cron('install', path=w.path('bad.json'))
same((r.rc, crontab()), (3, by_hand), 'a config that is refused is not installed')
r = cron('install', '--every', '31')
same(r.rc, 2, 'a period that cron cannot count')
r = cron('install', '--user', 'nobody-of-that-name')
same(r.rc, 2, 'a user that is not there')
like(r.err, "no user 'nobody-of-that-name'", 'is named')
r = cron('install', before=['env', 'PATH=/nonexistent'])
same((r.rc, crontab()), (1, by_hand), 'no cron on the machine')
like(r.err, 'let systemd run the tick', 'says what else there is')

# -- /etc/cron.d
r = cron('install', '--system')
same(r.rc, 2, '--system needs --user')
r = cron('install', '--system', '--user', 'root', '--name', 'lending.eu')
same(r.rc, 0, '--system')
path = w.path('cron.d', 'orch-lending-eu')
like(r.out, '/etc/cron.d/orch-lending-eu', 'no dot is in the name: cron would not read the file')
found = os.stat(path)
same(stat.S_IMODE(found.st_mode) & 0o133, 0, 'and nobody else may write it')
same(os.listdir(w.path('cron.d')), ['orch-lending-eu'], 'no other file is left there')
with open(path) as f:
    whole = f.read()
ok(whole.endswith('\n') and 'MAILTO=root\n' in whole and ' root ' in whole.splitlines()[-1][:20], 'a user column, MAILTO and a last line end')
with open(path, 'w') as f:
    f.write(whole.replace('MAILTO=root', 'MAILTO=ops@example.com'))
r = cron('install', '--system', '--user', 'root', '--name', 'lending.eu', '--every', '2')
with open(path) as f:
    now = f.read()
ok('MAILTO=ops@example.com\n' in now and '\n*/2 * * * * root ' in now and now.count('tick') == 1, 'again: the line is replaced, what an admin wrote stays')
r = cron('install', '--system', '--user', 'root', '--name', 'lending.eu', path=w.path('orch.json'))
same(r.rc, 2, "another config's file is not taken")
like(r.err, '--name', 'and says how to get one')
r = cron('install', '--system', '--remove', '--name', 'lending.eu')
same((r.rc, os.listdir(w.path('cron.d'))), (0, []), '--remove takes the file away')
# -- print
r = cron('print')
same(r.out, line + '\n', 'cron print: the same line')
done()

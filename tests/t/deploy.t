#!/usr/bin/python3
"""The files in deploy/: that they say what docs/deploy.md says, that the config in them is one, and the Airflow DAG with the
real program."""
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import World, ok, same, like, done, diag, hour_key, TOP, ORCH  # noqa: E402

sys.dont_write_bytecode = True


def read(path):
    with open(f'{TOP}/{path}', encoding='utf-8') as f:
        return f.read()


# -- Airflow: the DAG is what the docs say, under the import paths of 2 and of 3
sys.path.insert(0, f'{TOP}/tests/lib/airflow_stub')


def load_dag(without=()):
    for name in [n for n in sys.modules if n.split('.')[0] == 'airflow']:
        del sys.modules[name]
    for name in without:
        sys.modules[name] = None  # an import of it fails
    spec = importlib.util.spec_from_file_location('orch_dag', f'{TOP}/deploy/airflow/orch_dag.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


m = load_dag(without=['airflow.sdk'])
same(m.dag.dag_id, 'orch_loans', 'the DAG loads under Airflow 2')
m = load_dag(without=['airflow.operators', 'airflow.operators.python'])
same([t.task_id for t in m.dag.tasks], ['load'], 'and under Airflow 3, one task')
same((m.dag.schedule.cron, m.dag.schedule.timezone, m.dag.max_active_runs), ('0 * * * *', 'UTC', 1), 'with an interval of an hour, one run at a time')
ok(m.dag.default_args['retries'] >= 3, 'retries')
same(m.partition_of(datetime(2022, 6, 5, 14, tzinfo=timezone(timedelta(hours=2)))), '2022-06-05T12', "a partition's name is UTC")
same(m.partition_of(datetime(2022, 6, 5, tzinfo=timezone.utc), 'day'), '2022-06-05', 'by day')
raised = {'retry': m.AirflowException, 'fail': m.AirflowFailException, 'skip': m.AirflowSkipException}


def ends(fn, *args, **kw):
    """("retry" | "fail" | "skip" | "success", what was said)."""
    try:
        return 'success', fn(*args, **kw)
    except m.AirflowException as e:
        return next(k for k, v in raised.items() if type(e) is v), str(e)


table = {int(c): a for c, a in re.findall(r'^\| (\d+) \| (\w+) \|', read('docs/deploy.md'), re.M)}
same(table, {c: a for c, (a, _) in m.EXIT_CODES.items()}, 'docs/deploy.md has the codes of the DAG')
listed = subprocess.run([ORCH, 'help', 'exit-codes'], capture_output=True, text=True).stdout
codes = {int(c) for c in re.findall(r'^ +(\d+) +\S', listed, re.M)}
same(codes - set(table), set(), 'and every code that orch has')
same({c: ends(m.decide, c)[0] for c in table}, table, 'each ends the task so')
same([ends(m.decide, c)[0] for c in (137, -15, 77)], ['retry'] * 3, 'killed, or unknown: tried again')

# -- with the real program
HEAD = 'SeriousDlqin2yrs,age\n'
w = World()
w.now, w.linger = '2022-06-05T06:30:00Z', '0s'
os.environ.update({k: v for k, v in w.orch_env().items() if k.startswith(('AWS_', 'ORCH_', 'ASAN', 'UBSAN'))})
w.target('CREATE TABLE t (SeriousDlqin2yrs BIGINT, age BIGINT, _orch_load_id BIGINT NOT NULL, _orch_line BIGINT NOT NULL, PRIMARY KEY (_orch_load_id, _orch_line))')
w.pipeline(target='sqlite', target_table='t', source_until='2022-06-05T09', source_late_after='2h')
same(w.orch('target', 'setup').rc, 0, 'a target')
w.put(hour_key(0), HEAD + '1,45\n0,40\n')
w.put(hour_key(1), HEAD + '1,forty\n')


def leaf(hour, **kw):
    kw.setdefault('config', w.path('orch.json'))
    return ends(m.run_partition, f'2022-06-05T{hour:02d}', orch=kw.pop('orch', ORCH), **kw)


stdout, sys.stdout = sys.stdout, open(os.devnull, 'w')  # what the tasks log


def tap(fn, *args):
    global stdout
    sys.stdout, here = stdout, sys.stdout
    fn(*args)
    sys.stdout = here


first, again = leaf(0), leaf(0)
tap(same, (first, again), (('success', 'RECONCILED'),) * 2, 'an hour is loaded; again: the same answer')
tap(same, w.target('SELECT COUNT(*) FROM t'), [[2]], 'and its rows are there once')
for round in 'once', 'again':  # what a tick has said before, a leaf says each time
    how, text = leaf(1)
    tap(same, (how, 'exit 1' in text, 'forty' in text), ('retry', True, True), f'a broken file: retry, {round}')
    how, text = leaf(2)
    tap(same, (how, 'exit 6' in text), ('retry', True), f'an hour that is late: retry, {round}')
how, text = leaf(8)
tap(same, (how, 'exit 75' in text, 'WAITING' in text), ('retry', True, True), 'an hour that is not over yet: retry')
how, text = leaf(11)
tap(same, (how, 'outside since and until' in text), ('fail', True), 'an hour that is never loaded: fail')
w.orch('skip', 'loans/2022-06-05T02', '--reason', 'closed')
tap(same, leaf(2)[0], 'skip', 'an hour that a person skipped: skip')
w.put(hour_key(3), HEAD)
tap(same, leaf(3)[0], 'skip', 'an hour without rows: skip')
w.put(hour_key(4), HEAD + '1,50\n')
how, text = leaf(4, timeout='1ms')
tap(same, (how, 'exit 75' in text), ('retry', True), '--timeout: retry')
tap(same, leaf(4)[0], 'success', 'and the next try goes on')
tap(same, leaf(5, pipeline='laons')[0] in ('fail', 'retry'), True, 'a pipeline that is none')
w.target('DELETE FROM t WHERE age = 40')
w.orch('reconcile', 'loans/2022-06-05T00')
how, text = leaf(0)
tap(same, (how, 'exit 5' in text), ('fail', True), 'source and target differ: fail')
with open(w.path('broken.json'), 'w') as f:
    f.write('{"pipelines": 3}')
how, text = leaf(0, config=w.path('broken.json'))
tap(same, (how, 'exit 3' in text), ('fail', True), 'a config that is refused: fail')
how, text = leaf(0, orch='/nonexistent/orch')
tap(same, how, 'fail', 'no orch on the worker: fail')
how, text = leaf(0, orch='/bin/true')
tap(same, how, 'fail', 'another program of that name: fail')
sys.stdout = stdout

# -- the config in each file is one that orch takes
CREDENTIALS = w.path('run')
os.mkdir(CREDENTIALS)


def takes(text, what):
    with open(w.path('deployed.json'), 'w') as f:
        f.write(text)
    r = w.orch('validate', config='deployed.json', ORCH_DB_PASSWORD='x')
    ok(r.rc == 0, f'{what}: orch takes its config') or diag(r.err)


def parses(args, what):
    """A command line that orch takes: with no config it gets as far as that."""
    r = w.run([ORCH, '-c', '/nonexistent.json', *args])
    same(r.rc, 3, f'{what}: orch takes its command line')


nomad = read('deploy/nomad/orch.nomad.hcl')
takes(re.search(r'<<JSON\n(.*?)\nJSON\n', nomad, re.S).group(1), 'Nomad')
for line in ('prohibit_overlap = true', 'time_zone        = "UTC"', 'crons            = ["*/5 * * * *"]', 'user         = "10001:10001"'):
    ok(line in nomad, f'Nomad: {" ".join(line.split())}')
bare = re.sub(r'"(\\.|[^"\\])*"|#.*', '', re.sub(r'<<JSON\n.*?\nJSON\n', '', nomad, flags=re.S))
same([bare.count(c) for c in '{['], [bare.count(c) for c in '}]'], 'Nomad: every brace is closed')
takes(read('deploy/docker/orch.json.example'), 'compose')

# -- the image
docker = read('deploy/docker/Dockerfile')
wanted = re.search(r'^build_packages="(.*?)"', read('dev'), re.S | re.M).group(1).split()
lists = [re.sub(r'\\\n', ' ', l).split('&&')[0].split('recommends')[1].split() for l in re.findall(r'install -y --no-install-.*?(?=\n[A-Z]|\n +&&)', docker, re.S)]
same(lists[0], [p.split('|')[0] for p in wanted], 'image: it builds with the packages of ./dev')
final = docker[docker.rindex('\nFROM'):]
ok(re.search(r'^USER 10001:10001$', final, re.M) and 'ENTRYPOINT ["/usr/bin/orch"]' in final, 'image: not root, and orch is the first process')
ok('HEALTHCHECK' not in re.sub(r'#.*', '', docker) and 'VOLUME ["/var/lib/orch"]' in final, 'image: state on a volume, no health check')
release = open('/etc/os-release', encoding='utf-8').read()
if 'VERSION_CODENAME=bookworm' in release:
    libs = subprocess.run(['ldd', ORCH], capture_output=True, text=True).stdout
    needed = re.findall(r'\(NEEDED\).*\[(.*?)\]', subprocess.run(['readelf', '-d', ORCH], capture_output=True, text=True).stdout)
    paths = [os.path.realpath(p) for n, p in re.findall(r'^\s*(\S+) => (\S+)', libs, re.M) if n in needed]
    owners = {subprocess.run(['dpkg', '-S', p], capture_output=True, text=True).stdout.split(':')[0] or
              subprocess.run(['dpkg', '-S', p.replace('/usr/lib', '/lib', 1)], capture_output=True, text=True).stdout.split(':')[0] for p in paths}
    owners = {o for o in owners if not re.match(r'libc6$|libgcc|libasan|libubsan', o)}
    ok(len(owners) >= 6 and owners <= set(lists[1]), 'image: it has every library that orch needs') or diag(owners - set(lists[1]))
ignored = read('deploy/docker/Dockerfile.dockerignore').split()
ok({'.git', 'build', 'deploy/docker/.env'} <= set(ignored), 'image: neither history nor secrets get into it')

# -- orch-ticking, with the real program
os.mkdir(w.path('bin'))
os.symlink(ORCH, w.path('bin', 'orch'))
w.put(hour_key(5), HEAD + '1,51\n')
env = w.orch_env(PATH=w.path('bin') + ':' + os.environ['PATH'], ORCH_CONFIG=w.path('orch.json'), ORCH_TEST_NOW='2022-06-05T07:30:00Z')
p = subprocess.Popen([f'{TOP}/deploy/docker/orch-ticking', '300'], env=env, cwd=w.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
until = time.monotonic() + 60
while time.monotonic() < until and w.target('SELECT COUNT(*) FROM t WHERE age = 51') != [[1]]:
    time.sleep(0.05)  # looks again, for a condition
same(w.target('SELECT COUNT(*) FROM t WHERE age = 51'), [[1]], 'orch-ticking ticks')
asked = time.monotonic()
p.send_signal(signal.SIGTERM)
p.communicate(timeout=60)
ok(p.returncode == 0 and time.monotonic() - asked < 30, 'and ends at SIGTERM, not after its rest')
w.close()

# -- YAML
try:
    import yaml
except ImportError:
    yaml = None
    diag('python3-yaml is not installed: the YAML files were not read')
if yaml:
    docs = {d['kind']: d for d in yaml.safe_load_all(read('deploy/kubernetes/cronjob.yaml'))}
    job = yaml.safe_load(read('deploy/kubernetes/job.yaml'))
    cron = docs['CronJob']['spec']
    same([cron[k] for k in ('schedule', 'timeZone', 'concurrencyPolicy', 'startingDeadlineSeconds')], ['*/5 * * * *', 'Etc/UTC', 'Forbid', 240], 'CronJob: when, and never two')
    same(cron['jobTemplate']['spec']['backoffLimit'], 0, 'CronJob: a failed tick is not repeated')
    same(docs['PersistentVolumeClaim']['spec']['accessModes'], ['ReadWriteOnce'], 'the state lies on a volume of one node')
    w = World()
    takes(docs['ConfigMap']['data']['orch.json'], 'Kubernetes')
    for name, pod in (('CronJob', cron['jobTemplate']['spec']['template']['spec']), ('Job', job['spec']['template']['spec'])):
        c = pod['containers'][0]
        same((pod['restartPolicy'], pod['securityContext']['runAsNonRoot'], c['securityContext']['readOnlyRootFilesystem'], c['securityContext']['allowPrivilegeEscalation'],
              c['securityContext']['capabilities']['drop']), ('Never', True, True, False, ['ALL']), f'{name}: no root, nothing to write but its volumes')
        same({v['name'] for v in pod['volumes']}, {v['name'] for v in c['volumeMounts']}, f'{name}: every mount has its volume')
        secret = [v['secret'] for v in pod['volumes'] if 'secret' in v][0]
        mount = [v['mountPath'] for v in c['volumeMounts'] if v['name'] == 'credentials'][0]
        same((secret['defaultMode'], {e['name']: e['value'] for e in c['env']}['CREDENTIALS_DIRECTORY']), (0o400, mount), f'{name}: the secret is a credential')
        parses(c['args'], name)
    rules = job['spec']['podFailurePolicy']['rules']
    fail = [r['onExitCodes']['values'] for r in rules if r['action'] == 'FailJob'][0]
    same(sorted(fail), sorted(c for c, a in table.items() if a == 'fail'), 'Job: what the DAG fails fails it')
    ok(all(r['onExitCodes']['containerName'] == 'orch' for r in rules if 'onExitCodes' in r), 'Job: of the container that is there')
    compose = yaml.safe_load(read('deploy/docker/compose.yaml'))
    services = compose['services']
    same(set(services), {'db', 'setup', 'orch'}, 'compose: MariaDB, a setup, and orch')
    same((services['orch']['depends_on']['setup']['condition'], services['setup']['depends_on']['db']['condition']), ('service_completed_successfully', 'service_healthy'), 'compose: in this order')
    ok(all(s['read_only'] and s['cap_drop'] == ['ALL'] for n, s in services.items() if n != 'db'), 'compose: orch has no rights')
    same({v.split(':')[0] for s in services.values() for v in s['volumes'] if not v.startswith('.')}, set(compose['volumes']), 'compose: every volume is declared')
    parses(services['setup']['command'], 'compose')
    w.close()

# -- units run the program where it is installed
w = World()
for prefix in ('/usr', '/opt/orch'):
    r = subprocess.run(['cmake', '-D', f'SOURCE={TOP}', '-D', f'PREFIX={prefix}', '-D', f'INTO={w.dir}{prefix}', '-P', f'{TOP}/cmake/Units.cmake'], capture_output=True, text=True)
    same(r.returncode, 0, f'units are made for {prefix}') or diag(r.stdout + r.stderr)
    units = {}
    for name in ('orch.service', 'orch-serve.service', 'orch.timer'):
        with open(f'{w.dir}{prefix}/{name}', encoding='utf-8') as f:
            units[name] = f.read()
        same(units[name], read(f'deploy/systemd/{name}').replace('/usr/bin/orch', f'{prefix}/bin/orch'), f'{name}: as it lies in deploy/, but for the program')
    ok(all(f'{prefix}/bin/orch' in units[x] for x in ('orch.service', 'orch-serve.service')), 'which is the one that was installed')
like(read('cmake/Package.cmake'), 'include(\\"${CMAKE_SOURCE_DIR}/cmake/Units.cmake\\")', 'cmake --install makes them so')
done()

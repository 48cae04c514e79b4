"""Whole-program tests: private servers, a pipeline's config, orch run as users run it, TAP.

    from world import World, ok, same, like, done
    w = World('mysql', 's3')            # only what is named is started
    w.put('yyyy=2022/.../a.csv', bytes) # an object at the source
    w.pipeline(period='hour', since=..., table='loans', **overrides)
    r = w.orch('tick')                  # r.rc, r.out, r.err
    w.sql('SELECT COUNT(*) FROM loans') # rows as lists of text, None for NULL
    done()

A server that is not installed skips the whole test, unless ORCH_TEST_NEED names it. Only the standard library.
"""
import atexit, json, os, random, shutil, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.environ.get('ORCH_SOURCE', os.path.dirname(os.path.dirname(HERE)))
ORCH = os.environ.get('ORCH', os.path.join(TOP, 'build', 'dev', 'orch'))
sys.path.insert(0, HERE)
from s3 import S3, AK, SK  # noqa: E402

points = failures = 0


def diag(text):
    for line in str(text).splitlines():
        print('#', line, file=sys.stderr)


def ok(cond, name):
    global points, failures
    points += 1
    failures += not cond
    print(f'{"" if cond else "not "}ok {points} - {name}', flush=True)
    return cond


def same(got, want, name):
    if not ok(got == want, name):
        diag(f'   got: {got!r}\n  want: {want!r}')
        return False
    return True


def like(text, part, name):
    if not ok(part in text, name):
        diag(f'  text: {text!r}\n  lacks: {part!r}')


def skip_all(why):
    print(f'1..0 # SKIP {why}\n# all 1 tests skipped', flush=True)
    sys.exit(0)


def done():
    print(f'1..{points}', flush=True)
    sys.exit(1 if failures else 0)


class Result:
    def __init__(self, p):
        self.rc, self.out, self.err = p.returncode, p.stdout, p.stderr


class World:
    def __init__(self, *needs, mysql_options=(), swift=False):
        self.dir = tempfile.mkdtemp(prefix='orch-t.')
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(('AWS_', 'CURL_CA', 'SSL_CERT', 'ORCH_FAULT'))}
        self.env.update(AWS_ACCESS_KEY_ID=AK, AWS_SECRET_ACCESS_KEY=SK, AWS_EC2_METADATA_DISABLED='true',
                        ORCH_TEST_OWNER=str(os.getpid()), HOME=self.dir)
        self.env.setdefault('ASAN_OPTIONS', 'detect_leaks=1:abort_on_error=0:exitcode=99')
        self.env.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1:exitcode=99')
        atexit.register(self.close)
        self.base = int(self.run([f'{TOP}/tests/servers/ports.sh', str(os.getpid())]).out)
        self.servers, self.now, self.config_json = [], None, None
        self.s3 = self.endpoint = self.socket = None
        self.bucket = 'lake'
        if 'mysql' in needs:
            self.mysql_options = list(mysql_options)
            self.start('mariadb', 'mysql', str(self.base + 80), *self.mysql_options)
            self.socket = f'{self.dir}/mariadb/sock'
            self.sql("CREATE DATABASE w; CREATE USER loader@'127.0.0.1' IDENTIFIED BY 'loader-secret'; GRANT ALL ON w.* TO loader@'127.0.0.1'", db='')
            self.secret('db.secret', 'loader-secret')
        if 's3' in needs:
            self.s3_server = 'swift' if swift else 'rgw'
            self.start(self.s3_server, 's3', str(self.base))
            self.endpoint = f'http://127.0.0.1:{self.base}'
            self.s3 = S3(self.endpoint)
            self.s3.make_bucket(self.bucket)
        else:
            os.makedirs(f'{self.dir}/lake')

    # servers
    def server(self, name, word, *args, check=True):
        r = self.run([f'{TOP}/tests/servers/{name}.sh', word, f'{self.dir}/{name}', *args])
        if check and r.rc:
            raise RuntimeError(f'{name} {word}: {r.err or r.out}')
        return r

    def start(self, name, need, *args):
        r = self.server(name, 'start', *args, check=False)
        if r.rc == 77 and need not in os.environ.get('ORCH_TEST_NEED', '').split(','):
            skip_all(f'{name} is not installed')
        if r.rc:
            raise RuntimeError(f'{name}: {r.err}')
        self.servers.append(name)

    def start_mysql(self):
        self.server('mariadb', 'start', str(self.base + 80), *self.mysql_options)

    def close(self):
        for name in self.servers:
            self.server(name, 'stop', check=False)
        self.servers = []
        if os.environ.get('ORCH_TEST_KEEP'):
            diag(f'kept: {self.dir}')
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def run(self, argv, **kw):
        kw.setdefault('env', self.env)
        kw.setdefault('timeout', 600)
        return Result(subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='surrogateescape', **kw))

    # files and data
    def path(self, *p):
        return os.path.join(self.dir, *p)

    def secret(self, name, text):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as f:
            f.write(text + '\n')

    def put(self, key, data, mtime=None):
        data = data.encode() if isinstance(data, str) else data
        if self.s3:
            return self.s3.put(self.bucket, key, data)
        path = self.path('lake', key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(data)
        when = mtime if mtime is not None else time.time() - 3600
        os.utime(path, (when, when))

    def remove(self, key):
        if self.s3:
            self.s3.remove(self.bucket, key)
        else:
            os.unlink(self.path('lake', key))

    # config
    def pipeline(self, name='loans', target='mysql', **p):
        """Writes orch.json with one pipeline. source/csv/target sub-keys may be given as source_x=, csv_x=, target_x=."""
        lake = {'url': f's3://{self.bucket}/', 'endpoint': self.endpoint, 'path_style': True, 'region': 'us-east-1'} if self.s3 else {'url': f'file://{self.dir}/lake/'}
        if target == 'mysql':
            warehouse = {'url': f'mysql://loader@127.0.0.1:{self.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}
        else:
            warehouse = {'url': f'sqlite:{self.dir}/target.db'}
        lake.update(p.pop('lake', {}))
        warehouse.update(p.pop('warehouse', {}))
        pipe = {'workflow': 'ingest', 'schedule': 'rate(1 minute)',
                'source': {'connection': 'lake', 'prefix': '', 'period': 'hour', 'layout': 'yyyy=%Y/mm=%m/dd=%d/hh=%H/', 'since': '2022-06-05T00', 'until': '2022-06-05T23',
                           'settle': '0s'},  # what a test puts is seen as put a moment before the test clock
                'target': {'connection': 'warehouse', 'table': 'loan_applicant_info'}}
        for k, v in p.items():
            head, _, tail = k.partition('_')
            if head in ('source', 'csv', 'target') and tail:
                pipe.setdefault(head, {})[tail] = v
            else:
                pipe[k] = v
        config = {'state': 'orch.db', 'connections': {'lake': lake, 'warehouse': warehouse}, 'pipelines': {name: pipe}, 'tick': {'linger': self.linger}}
        self.write_config(config)

    linger = '60s'

    def write_config(self, config):
        self.config_json = config
        with open(self.path('orch.json'), 'w') as f:
            json.dump(config, f, indent=1)

    # orch
    def orch_env(self, now=None, fault=None, fault_log=None, **env):
        e = dict(self.env, **env)
        if now or self.now:
            e['ORCH_TEST_NOW'] = now or self.now
        if fault:
            e['ORCH_FAULT'] = fault
        if fault_log:
            e['ORCH_FAULT_LOG'] = fault_log
        return e

    def orch(self, *args, config='orch.json', timeout=600, **env):
        r = self.run([ORCH, '-c', self.path(config), *args], env=self.orch_env(**env), cwd=self.dir, timeout=timeout)
        if r.rc == 99 or 'Sanitizer' in r.err or 'runtime error:' in r.err:
            ok(False, f'orch {" ".join(args)}: a sanitizer spoke')
            diag(r.err)
        return r

    def spawn(self, *args, **env):
        """orch in the background, a process group of its own."""
        return subprocess.Popen([ORCH, '-c', self.path('orch.json'), *args], env=self.orch_env(**env), cwd=self.dir, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def status(self, **env):
        r = self.orch('status', '-o', 'json', **env)
        return json.loads(r.out)

    def good(self, *args, **env):
        r = self.orch(*args, **env)
        if r.rc != 0:
            diag(f'orch {" ".join(args)}: exit {r.rc}\n{r.out}\n{r.err}')
        return r

    # databases
    def sql(self, text, db='w'):
        argv = ['mariadb', '--no-defaults', '-uroot', '-S', f'{self.dir}/mariadb/sock', '-N', '-B', *([db] if db else []), '-e', text]
        r = self.run(argv)
        if r.rc:
            raise RuntimeError(f'{text}: {r.err}')
        return [[None if c == 'NULL' else c for c in line.split('\t')] for line in r.out.splitlines()]

    def one(self, text):
        rows = self.sql(text)
        return rows[0][0] if rows else None

    def state(self, text, *args):
        import sqlite3
        with sqlite3.connect(self.path('orch.db'), timeout=20) as db:
            return [list(r) for r in db.execute(text, args)]

    def target(self, text, *args):
        import sqlite3
        with sqlite3.connect(self.path('target.db'), timeout=20) as db:
            return [list(r) for r in db.execute(text, args)]


HEADER = ['', 'SeriousDlqin2yrs', 'RevolvingUtilizationOfUnsecuredLines', 'age', 'NumberOfTime30-59DaysPastDueNotWorse', 'DebtRatio', 'MonthlyIncome',
          'NumberOfOpenCreditLinesAndLoans', 'NumberOfTimes90DaysLate', 'NumberRealEstateLoansOrLines', 'NumberOfTime60-89DaysPastDueNotWorse', 'NumberOfDependents']

# The published system's table, with DOUBLE for FLOAT and BIGINT for INT: no key, no load metadata.
DDL = """CREATE TABLE loan_applicant_info (SeriousDlqin2yrs BOOLEAN, RevolvingUtilizationOfUnsecuredLines DOUBLE, age BIGINT,
 `NumberOfTime30-59DaysPastDueNotWorse` BIGINT, DebtRatio DOUBLE, MonthlyIncome BIGINT, NumberOfOpenCreditLinesAndLoans BIGINT,
 NumberOfTimes90DaysLate BIGINT, NumberRealEstateLoansOrLines BIGINT, `NumberOfTime60-89DaysPastDueNotWorse` BIGINT, NumberOfDependents BIGINT)"""


def credit_rows(n, seed=1, first=1):
    """Seeded rows of the credit shape, as lists of text."""
    r = random.Random(seed)
    for i in range(first, first + n):
        yield [str(i), str(int(r.random() < 0.067)), ('%.9f' % r.random()).rstrip('0').rstrip('.') if r.random() < .999 else '7.96E-05', str(r.randint(21, 96)), str(r.choice([0, 0, 0, 1, 2, 98])),
               '%.9g' % (r.random() * r.choice([1, 1, 1, 3000])), 'NA' if r.random() < .198 else str(r.randint(0, 25000)), str(r.randint(0, 30)), str(r.choice([0, 0, 1])), str(r.randint(0, 5)),
               str(r.choice([0, 0, 2])), 'NA' if r.random() < .026 else str(r.randint(0, 6))]


def csv_of(rows, eol='\r\n', final=True, header=HEADER):
    lines = [','.join(r) for r in ([header] if header else []) + list(rows)]
    return (eol.join(lines) + (eol if final else '')).encode()


def hour_key(h, name='part-0.csv', day='2022-06-05', layout='yyyy={y}/mm={m}/dd={d}/hh={h:02d}/'):
    y, m, d = day.split('-')
    return layout.format(y=y, m=m, d=d, h=h) + name


def totals(w, table='loan_applicant_info'):
    """What acceptance asks of the table: rows, NULL incomes, NULL dependents, sum of incomes."""
    return [int(x or 0) for x in w.sql(f'SELECT COUNT(*), SUM(MonthlyIncome IS NULL), SUM(NumberOfDependents IS NULL), SUM(MonthlyIncome) FROM {table}')[0]]


def totals_of(rows):
    rows = list(rows)
    return [len(rows), sum(r[6] == 'NA' for r in rows), sum(r[11] == 'NA' for r in rows), sum(int(r[6]) for r in rows if r[6] != 'NA')]

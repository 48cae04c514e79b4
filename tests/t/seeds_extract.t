#!/usr/bin/python3
"""The tasks of two other systems, word for word out of their own documents, end to end: SKIP where those are not at hand."""
import datetime, glob, gzip, json, os, re, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *
from readers import read_csv

SEEDS = os.environ.get('ORCH_SEEDS', os.path.join(TOP, '..', 'shared', 'seeds'))
DATA = os.environ.get('ORCH_HR', os.path.join(TOP, '..', 'shared', 'data', 'hr'))


def document(pattern):
    found = glob.glob(os.path.join(SEEDS, pattern))
    if not found:
        skip_all('the documents of those systems are not at hand')
    with open(found[0]) as f:
        return f.read()


task = re.search(r'`employees.json`\n```\n(.*?)```', document('002*.txt'), re.S).group(1)
configs = re.findall(r'json\.dumps\((\{.*?\})\)\n```', document('000*.txt'), re.S)
w = World('mysql', 's3')
w.linger = '0s'
os.makedirs(w.path('lake'))
w.run(['mariadb', '--no-defaults', '-uroot', '-S', w.path('mariadb', 'sock'), '-e', "CREATE DATABASE hr; CREATE DATABASE cred; GRANT ALL ON hr.* TO loader@'127.0.0.1'; GRANT ALL ON cred.* TO loader@'127.0.0.1'"])
with open(w.path('task.json'), 'w') as f:
    f.write(task)
for name, text in zip(('main', 'backfill'), configs):
    with open(w.path(name + '.json'), 'w') as f:
        f.write(text)
S3_CONNECTION = {'url': f's3://{w.bucket}/', 'endpoint': w.endpoint, 'path_style': True, 'region': 'us-east-1'}


def mine():
    w.write_config({'state': 'orch.db', 'connections': {'mine': S3_CONNECTION, 'db': {'url': 'mysql://loader@127.0.0.1/w', 'password_file': 'db.secret'}},
                    'extracts': {'other': {'schedule': '', 'source': {'connection': 'db'}, 'target': {'connection': 'mine'}, 'tables': [{'table': 't'}]}}})


def objects(prefix):
    return sorted(k for k in w.s3.keys(w.bucket, prefix) if '_manifest/' not in k)


# ---- employees.json of the system that takes task specs
if not os.path.exists(os.path.join(DATA, 'mysql-data.sql')):
    ok(True, 'employees.json # SKIP its sample data is not at hand')
else:
    for name in ('mysql.sql', 'mysql-data.sql'):
        r = w.run(['bash', '-c', f"mariadb --no-defaults -uroot -S {w.path('mariadb', 'sock')} hr < {os.path.join(DATA, name)}"])
        same(r.err, '', f'{name} is loaded')
    with open(os.path.join(DATA, 'mysql-data.sql')) as f:
        data = f.read()
    # an independent reading: rows out of the INSERT statements, and the condition in Python
    spec = json.loads(task)['table'][0]
    expected = []
    for values in re.findall(r"INSERT INTO employees\(.*?\)\s*VALUES\s*\((.*?)\);", data, re.S | re.I):
        cells = [None if v == 'NULL' else v.strip("'") for v in re.findall(r"'[^']*'|NULL|[-\d.]+", values)]
        row = dict(zip(['employee_id', 'first_name', 'last_name', 'email', 'phone_number', 'hire_date', 'job_id', 'salary', 'manager_id', 'department_id'], cells))
        if row['manager_id'] is not None and int(row['manager_id']) != 103 and row['hire_date'] > '1995-05-05':
            expected.append([row[c] for c in spec['columns']])
    expected.sort(key=lambda r: int(r[0]))
    same(len(expected), 23, 'the task means 23 rows')
    os.makedirs(w.path('adhoc'))
    mine()
    args = ['extract', '--spec', w.path('task.json'), '-H', '127.0.0.1', '-P', str(w.base + 80), '-u', 'loader', '-d', 'hr', '--password-file', w.path('db.secret'), '--sink', 'mine', '--tls', 'off']
    r = w.orch(*args, now='2020-02-15T09:55:30Z')
    if not same(r.rc, 0, 'orch extract --spec: as it stands'):
        diag(r.err)
    keys = objects('')
    same(keys, ['employees/employees_20200215095530.csv'], 'its file has the name that the document tells')
    got = read_csv(w.s3.get(w.bucket, keys[0]).decode(), ',', '\n', '') if keys else [[]]
    same(got[0], spec['columns'], 'its header')
    same(got[1:], expected, '23 rows, cell by cell, in their order')
    like(r.err + r.out, 'manager_id is NULL', 'rows that fall out of != are told of')
    r = w.orch('spec', 'convert', w.path('task.json'), '-H', '127.0.0.1', '-P', str(w.base + 80), '-u', 'loader', '-d', 'hr')
    same(r.rc, 0, 'spec convert')
    doc = json.loads(r.out)
    doc['connections']['lake'] = S3_CONNECTION
    doc['connections']['db'].update(password_file='db.secret', tls='off')
    w.write_config(doc)
    same(w.good('extract', 'employees', now='2020-02-16T09:55:30Z').rc, 0, 'and run by its name')
    same(read_csv(w.s3.get(w.bucket, 'employees/employees_20200216095530.csv').decode(), ',', '\n', '')[1:], expected, 'the same rows')
    # hire_date as a watermark, day by day over the dates that several share
    doc['extracts']['employees']['tables'][0].update(filters=[], watermark=['hire_date'])
    doc['extracts']['employees'].update(path='days/{task}_{epoch}', verify='full')
    w.write_config(doc)
    days = sorted({r[5] for r in expected} | {d for d in re.findall(r"'(\d{4}-\d\d-\d\d)'", data)})
    for day in days:
        after = datetime.date.fromisoformat(day) + datetime.timedelta(1)
        for hour in ('00', '12'):
            r = w.good('extract', 'employees', now=f'{after}T{hour}:02:00Z')
    got = [row for k in objects('days/') for row in read_csv(w.s3.get(w.bucket, k).decode(), ',', '\n', '')[1:]]
    want = w.sql('SELECT employee_id FROM employees ORDER BY hire_date, employee_id', db='hr')
    same(sorted(r[0] for r in got), sorted(r[0] for r in want), 'hire_date as a watermark, day by day: each row once')
    same(len(objects('days/')), len({r[0] for r in w.sql('SELECT hire_date FROM employees', db='hr')}), 'a file for each date')

# ---- both configs of the system that takes TABLE_SPEC
w.sql("""CREATE TABLE currency (id INT AUTO_INCREMENT PRIMARY KEY, rates DECIMAL(10,4), created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3));
CREATE TABLE dept (deptno INT PRIMARY KEY, dname VARCHAR(20), loc VARCHAR(13));
INSERT INTO currency (rates, created_at) SELECT seq / 7, '2022-06-05' + INTERVAL seq HOUR + INTERVAL seq MICROSECOND FROM seq_1_to_30;
INSERT INTO dept VALUES (10,'ACCOUNTING','NEW YORK'),(20,'RESEARCH, "all"','DALLAS'),(30,NULL,'CHICAGO'),(40,'','BOSTON')""", db='cred')
mine()
for name in ('main', 'backfill'):
    for given in ('@' + w.path(name + '.json'), open(w.path(name + '.json')).read()):
        r = w.orch('extract', '--config', given, '-H', '127.0.0.1', '-P', str(w.base + 80), '-u', 'loader', '--sink', 'mine', '--tls', 'off', now='2022-06-06T12:00:00Z')
        same(r.rc, 3, f'{name}: as it stands it is refused')
        like(r.err, "'rates' is a constant in quotes and no column", f'{name}: because of the quotes')
        like(r.err, 'hint: write rates, without quotes', f'{name}: with the bare name')
same(objects('cred/'), [], 'and nothing is written')


def converted(name, **x):
    r = w.orch('spec', 'convert', w.path(name + '.json'), '-H', '127.0.0.1', '-P', str(w.base + 80), '-u', 'loader')
    same(r.rc, 0, f'{name}: spec convert')
    doc = json.loads(r.out)
    same(doc['connections']['lake']['url'], 's3://everythingtest/', f'{name}: into its bucket')
    doc['connections']['lake'] = S3_CONNECTION
    doc['connections']['db'].update(password_file='db.secret', tls='off')
    (extract, body), = doc['extracts'].items()
    body.update(x)
    w.write_config(doc)
    return extract


def read(key):
    return read_csv(gzip.decompress(w.s3.get(w.bucket, key)).decode(), ',', '\n', '')


extract = converted('main')
same(w.good('extract', extract, now='2022-06-06T00:00:00Z').rc, 0, 'main: run')
keys = objects('cred/')
same(keys, ['cred/currency_1654473600.csv.gz', 'cred/dept_1654473600.csv.gz'], 'main: names as there')
if len(keys) == 2:
    rows = w.sql("SELECT rates, created_at FROM currency WHERE created_at < '2022-06-05 23:59' ORDER BY id", db='cred')
    same([read(keys[0])[0], read(keys[0])[1:]], [['rates', 'created_at'], rows], 'main: currency, up to what is safe')
    same(read(keys[1]), [['deptno', 'dname'], ['10', 'ACCOUNTING'], ['20', 'RESEARCH, "all"'], ['30', None], ['40', '']], 'main: dept, all of it')
same(w.good('extract', extract, now='2022-06-07T00:00:00Z').rc, 0, 'main: the day after')
keys = [k for k in objects('cred/') if 'currency' in k]
got = [r for k in keys for r in read(k)[1:]]
same(got, w.sql('SELECT rates, created_at FROM currency ORDER BY id', db='cred'), 'main: each row of currency once')
same(len([k for k in objects('cred/') if 'dept' in k]), 2, 'main: dept is taken again')
extract = converted('backfill')
for f in ('orch.db', 'orch.db-wal', 'orch.db-shm'):
    if os.path.exists(w.path(f)):
        os.unlink(w.path(f))
same(w.good('extract', extract, '--hours', '12', now='2022-06-06T06:01:00Z').rc, 0, 'backfill: its hours')
got = [r for k in objects('cred/') if k not in keys and 'currency' in k for r in read(k)[1:]]
same(got, w.sql("SELECT rates, created_at FROM currency WHERE created_at >= '2022-06-05 18:00' AND created_at < '2022-06-06 06:00' ORDER BY id", db='cred'), 'backfill: the rows of twelve hours')
done()

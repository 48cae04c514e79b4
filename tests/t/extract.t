#!/usr/bin/env python3
# orch extract: tables into files, incremental windows, full, ranges, watermarks, manifests.
import csv, glob, io, json, os, sys, time
sys.path.insert(0, os.path.join(os.environ['ORCH_SOURCE'], 'tests', 'lib'))
from world import World, ok, same, like, done

w = World('mysql')


def extract(name='hr', **x):
    body = {'schedule': 'rate(1 minute)', 'source': {'connection': 'warehouse'}, 'target': {'connection': 'lake', 'prefix': ''}, 'lag': '0s', **x}
    w.write_config({'state': 'orch.db', 'tick': {'linger': '0s'}, 'extracts': {name: body}, 'connections': {
        'lake': {'url': f'file://{w.dir}/lake/'}, 'warehouse': {'url': f'mysql://loader@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}}})


def files(pattern='**/*'):
    return sorted(os.path.relpath(p, w.path('lake')) for p in glob.glob(w.path('lake', pattern), recursive=True) if os.path.isfile(p))


def rows_of(key):
    with open(w.path('lake', key), newline='') as f:
        return list(csv.reader(f))


def manifests(table):
    out = []
    for key in files(f'**/_manifest/{table}/*_manifest.json'):
        with open(w.path('lake', key)) as f:
            out.append(json.load(f))
    return out


def fresh():
    for p in ('orch.db', 'orch.db-wal', 'orch.db-shm'):
        if os.path.exists(w.path(p)):
            os.unlink(w.path(p))
    os.system(f'rm -rf {w.path("lake")}')
    os.mkdir(w.path('lake'))


# --- full ---
w.sql("SET NAMES utf8mb4; CREATE TABLE employees (id INT PRIMARY KEY, name VARCHAR(20), salary DECIMAL(8,2), manager_id INT, hired DATE, note TEXT) CHARACTER SET utf8mb4;"
      "INSERT INTO employees VALUES (1,'Ann',10.50,NULL,'1994-06-07','a \"quote\", and\nlines'),(2,'Bob',7,1,'1994-06-07',''),(3,'Zoë 😀',8.25,103,'1995-05-05',NULL)")
extract(tables=[{'table': 'employees'}])
r = w.good('extract', 'hr')
same(r.rc, 0, 'a full extract')
parts = [k for k in files() if k.endswith('.csv')]
same(len(parts), 1, 'one file')
same(parts[0].startswith('hr/employees_'), True, 'under its task, with the table and a time')
with open(w.path('lake', parts[0]), 'rb') as f:
    same(f.read().decode(), 'id,name,salary,manager_id,hired,note\n1,Ann,10.50,,1994-06-07,"a ""quote"", and\nlines"\n2,Bob,7.00,1,1994-06-07,""\n3,Zoë 😀,8.25,103,1995-05-05,\n',
         'quotes, newlines, NULL apart from empty')
m = manifests('employees')
same((len(m), m[0]['rows'], m[0]['seq'], m[0]['kind'], m[0]['parts'][0]['key']), (1, 3, 0, 'full', parts[0]), 'its manifest')
done()

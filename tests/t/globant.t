#!/usr/bin/python3
"""Seed 004's own three files, where they lie beside the repository: over HTTP in batches of 1,000 and by orch load, the same rows and rejects. t/rows has them in a form written here."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *
from rest import Serve

DATA = os.path.join(os.environ.get('ORCH_DATA', os.path.join(TOP, '..', 'shared', 'data')), 'globant')
TABLES = {'departments': 12, 'jobs': 183, 'hired_employees': 1929}
if not os.path.isdir(DATA):
    print('1..1\nok 1 - the Globant set # SKIP it is not beside the repository')
    sys.exit(0)

w = World('mysql')
for who in ('rest', 'load'):
    w.sql(f"""CREATE TABLE {who}_departments (id INT NOT NULL PRIMARY KEY, department VARCHAR(60)); CREATE TABLE {who}_jobs (id INT NOT NULL PRIMARY KEY, job VARCHAR(60));
CREATE TABLE {who}_hired_employees (id INT NOT NULL PRIMARY KEY, name VARCHAR(100), datetime DATETIME, department_id INT, job_id INT,
 FOREIGN KEY (department_id) REFERENCES {who}_departments (id), FOREIGN KEY (job_id) REFERENCES {who}_jobs (id))""")
w.write_config({
    'state': 'orch.db', 'connections': {'hr': {'url': f'mysql://loader@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}},
    'tables': {f'{who}_{t}': {'connection': 'hr', 'required': 'all', 'csv': {'header': False}} for who in ('rest', 'load') for t in TABLES},
})
w.good('target', 'setup')
s = Serve(w, w.base + 85)
for table, stored in TABLES.items():
    with open(os.path.join(DATA, f'{table}.csv'), 'rb') as f:
        lines = f.read().splitlines(keepends=True)
    got = [0, 0]
    for k in range(0, len(lines), 1000):
        r = s.post(f'rest_{table}', b''.join(lines[k:k + 1000]).decode(), mode='partial', key=f'{table}-{k}')
        got = [got[0] + r.json['stored'], got[1] + r.json['rejected']]
    same(got, [stored, len(lines) - stored], f'{table}: {stored} of {len(lines)} rows over HTTP')
    same(w.orch('load', os.path.join(DATA, f'{table}.csv'), '--table', f'load_{table}').rc, 0, f'{table}: orch load takes the file')
    same(w.sql(f'SELECT * FROM rest_{table} ORDER BY id'), w.sql(f'SELECT * FROM load_{table} ORDER BY id'), f'{table}: the same rows')
    both = [w.sql(f"SELECT column_name, code, raw FROM orch_intake_reject WHERE tbl = '{who}_{table}' ORDER BY id") for who in ('rest', 'load')]
    same(both[0], both[1], f'{table}: the same rejects')
    same(len(both[0]), len(lines) - stored, f'{table}: {len(lines) - stored} of them, each with its column and code')
s.stop()
done()

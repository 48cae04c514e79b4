#!/usr/bin/python3
"""./dev campaign credit [swift]: the main job on the real 150,000 loan applicants, cut by rows into 24 hours, in every form that it comes in."""
import gzip, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from crash import *

data = credit_hours(CREDIT)
if data is None:
    skip_all('the credit file is not there')
hours, rows = data
WANT = [150000, 29731, 3924, 802220838]
w = World('mysql', 's3', swift='swift' in sys.argv[1:], mysql_options=['--innodb-buffer-pool-size=512M'])
w.now = '2022-06-06T02:00:00Z'
w.sql(DDL)
w.pipeline(columns={'': None})
w.good('target', 'setup')
w.good('lineage', 'add', 'loan_applicant_info', '--pipeline', 'loans')


def run(name, objects, jobs, table=None, **p):
    table = table or name
    for key, body in objects:
        w.put(f'{name}/{key}', body)
    put = time.time()
    if not p.get('target_create'):
        w.sql(f'CREATE TABLE {table} LIKE loan_applicant_info')
    w.pipeline(name, source_prefix=f'{name}/', target_table=table, **dict(dict(columns={'': None}), **p))
    w.good('target', 'setup')
    while time.time() < put + 1.1:  # Swift rounds LastModified up to the next second: what is of the future has not settled
        time.sleep(.05)
    t = time.time()
    r = w.good('tick')
    took = time.time() - t
    states = w.state('SELECT state, COUNT(*) FROM job WHERE pipeline = ? GROUP BY 1', name)
    same((r.rc, r.out, r.err, totals(w, table), states), (0, '', '', WANT, [['RECONCILED', jobs]]), f'{name}: {WANT}, {jobs} of {jobs} RECONCILED ({took:.1f} s)')
    ledger = w.sql('SELECT COUNT(*), SUM(rows_loaded), MAX(load_id) FROM orch_load')
    r = w.good('tick', now='2022-06-06T02:05:00Z')
    same((r.rc, r.out, r.err, totals(w, table), w.sql('SELECT COUNT(*), SUM(rows_loaded), MAX(load_id) FROM orch_load')), (0, '', '', WANT, ledger), f'{name}: a second tick changes nothing and prints nothing')


lines = {h: b.split(b'\r\n')[:-1] for h, b in hours.items()}
run('own', [(hour_key(h), b) for h, b in hours.items()], 24)
run('made', [(hour_key(h), b) for h, b in hours.items()], 24, target_create=True, columns={'': 'row_no'})
run('lf', [(hour_key(h), b'\n'.join(l)) for h, l in lines.items()], 24)
run('gz', [(hour_key(h, 'p.csv.gz'), gzip.compress(b)) for h, b in hours.items()], 24)
run('slashes', [(hour_key(h, layout='{y}/{m}/{d}/{h:02d}/'), b) for h, b in hours.items()], 24, source_layout='%Y/%m/%d/%H/')
run('oneday', [(f'2022-06-05/h{h}.csv', b) for h, b in hours.items()], 1, source_period='day', source_layout='%Y-%m-%d/', source_since='2022-06-05', source_until='2022-06-05')
every = [l for h in range(24) for l in lines[h][1:]]
names = ['a\nb.csv', 'a+b.csv', 'a%2Bb.csv', 'é.csv', 'a b&c=d?.csv'] + [f'f{i:04d}.csv' for i in range(2495)]
objects = [(hour_key(7, n), b'\r\n'.join([lines[0][0], *every[i::2500], b''])) for i, n in enumerate(names)]
run('many', objects + [(hour_key(7, n), b'x') for n in ('_SUCCESS', '_temporary/0/part.csv', 'x.csv.tmp')] + [(hour_key(7, 'folder/'), b'')], 1,
    source_since='2022-06-05T07', source_until='2022-06-05T07')
done()

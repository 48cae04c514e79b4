#!/usr/bin/python3
"""The main job: hourly partitions on S3 into MySQL, once into the user's own table, once into one that orch makes."""
import gzip, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql', 's3')
w.now = '2022-06-06T02:00:00Z'
hours = [list(credit_rows(250, seed=h, first=h * 250 + 1)) for h in range(24)]
every = [r for h in hours for r in h]
for h, rows in enumerate(hours):
    w.put(hour_key(h), csv_of(rows))

# the user's own table: no key, no provenance; the file's first column is unnamed and dropped
w.sql(DDL)
w.pipeline(columns={'': None})
same(w.good('target', 'setup').rc, 0, 'target setup')
same(w.good('lineage', 'add', 'loan_applicant_info', '--pipeline', 'loans').rc, 0, 'lineage add')
r = w.good('tick')
same((r.rc, r.out, r.err), (0, '', ''), 'the first tick loads everything and says nothing')
same(totals(w), totals_of(every), 'rows, NULLs and sum in the table')
same(w.state("SELECT state, COUNT(*) FROM job GROUP BY 1"), [['RECONCILED', 24]], '24 of 24 jobs are RECONCILED')
same(int(w.one("SELECT COUNT(*) FROM orch_load WHERE state = 'LOADED'")), 24, 'a ledger row for each object')
before = (w.sql('SELECT * FROM orch_load ORDER BY load_id'), totals(w))
r = w.good('tick', now='2022-06-06T02:05:00Z')
same((r.rc, r.out, r.err), (0, '', ''), 'a second tick prints nothing')
same((w.sql('SELECT * FROM orch_load ORDER BY load_id'), totals(w)), before, 'and changes nothing')
same(w.orch('status').rc, 0, 'status: all well')
s = w.orch('status', '-o', 'json')
ok('RECONCILED' in s.out, 'status as JSON tells of RECONCILED')

# a table that orch makes, from the same objects, with a row number kept
os.unlink(w.path('orch.db'))
w.pipeline('made', target_table='made', target_create=True, columns={'': 'row_no'})
same(w.good('target', 'setup').rc, 0, 'target setup makes the table')
r = w.good('tick')
same((r.rc, r.err), (0, ''), 'and a tick fills it')
same(totals(w, 'made'), totals_of(every), 'with the same rows, NULLs and sum')
same(w.one("SELECT GROUP_CONCAT(column_name ORDER BY seq_in_index) FROM information_schema.statistics WHERE table_schema='w' AND table_name='made' AND index_name='PRIMARY'"),
     '_orch_load_id,_orch_line', 'provenance is its primary key')
same(w.sql('SELECT COUNT(*), COUNT(DISTINCT row_no) FROM made'), [['6000', '6000']], 'every row number once')
same(sorted(int(x[0]) for x in w.sql('SELECT DISTINCT _orch_line FROM made'))[:2], [2, 3], 'lines are those of the file')

# the same rows in other clothes: one folder each, one pipeline each
def variant(name, objects, n=1, **p):
    for key, data in objects:
        w.put(f'{name}/{key}', data)
    w.sql(f'CREATE TABLE {name} LIKE loan_applicant_info')
    w.pipeline(name, source_prefix=f'{name}/', target_table=name, columns={'': None}, **p)
    r = w.good('tick')
    same((r.rc, r.err, totals(w, name)), (0, '', totals_of(every)), f'{name}: the same totals')
    same(w.state("SELECT DISTINCT state FROM job WHERE pipeline = ?", name), [['RECONCILED']], f'{name}: all RECONCILED')
    same(w.state("SELECT COUNT(*) FROM job WHERE pipeline = ?", name), [[n]], f'{name}: {n} job(s)')

variant('lf', [(hour_key(h), csv_of(rows, '\n', final=False)) for h, rows in enumerate(hours)], 24)
variant('cr', [(hour_key(h), csv_of(rows, '\r')) for h, rows in enumerate(hours)], 24)
variant('gz', [(hour_key(h, 'p.csv.gz'), gzip.compress(csv_of(rows))) for h, rows in enumerate(hours)], 24)
variant('slashes', [(hour_key(h, layout='{y}/{m}/{d}/{h:02d}/'), csv_of(rows)) for h, rows in enumerate(hours)], 24, source_layout='%Y/%m/%d/%H/')
variant('oneday', [(f'2022-06-05/h{h}.csv', csv_of(rows)) for h, rows in enumerate(hours)], 1, source_period='day', source_layout='%Y-%m-%d/',
        source_since='2022-06-05', source_until='2022-06-05')

# one hour of many objects among things that are none, with keys that are hard to write
odd = ['a\nb.csv', 'a+b.csv', 'a%2Bb.csv', 'é.csv', 'a b&c=d?.csv', "it's.csv", 'a//b.csv', '#1.csv']
names = odd + [f'f{i:04d}.csv' for i in range(1100 - len(odd))]
objects = [(hour_key(7, n), csv_of(every[i::len(names)])) for i, n in enumerate(names)]
objects += [(hour_key(7, n), b'x') for n in ('_SUCCESS', '_temporary/0/part.csv', 'x.csv.tmp', '.hidden.csv')] + [(hour_key(7, 'folder/'), b'')]
variant('many', objects, 1, source_since='2022-06-05T07', source_until='2022-06-05T07')
same(w.state("SELECT left_out FROM pipeline WHERE name = 'many'"), [[4]], 'what include left out is counted (a folder marker is no object)')

# a table made from the sample of several objects: what the second one says counts too, and one with another header says nothing
for name, data in (('a.csv', b'code,n\n1,1\n'), ('b.csv', b'code,n\nx1,2\n'), ('c.csv', b'n,code\n3,7\n')):
    w.put('several/' + hour_key(0, name), data)
w.pipeline('several', source_prefix='several/', target_table='several', target_create=True, source_until='2022-06-05T00')
same(w.good('target', 'setup').rc, 0, 'target setup reads several objects')
same(w.good('tick').rc, 0, 'a tick loads them')
same(w.sql('SELECT code, n FROM several ORDER BY n'), [['1', '1'], ['x1', '2'], ['7', '3']], 'into a table that holds the cells of each')
done()

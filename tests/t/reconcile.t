#!/usr/bin/python3
"""Replay and reconciliation: the same totals under new load ids; a hand in the table is found, named and mended."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql', 's3')
w.now = '2022-06-05T06:30:00Z'
w.sql(DDL)
w.pipeline(columns={'': None}, source_since='2022-06-05T00', source_until='2022-06-05T03')
w.good('target', 'setup')
w.good('lineage', 'add', 'loan_applicant_info', '--pipeline', 'loans')
hours = [list(credit_rows(50, seed=h)) for h in range(4)]
for h in range(4):
    w.put(hour_key(h), csv_of(hours[h]))
w.good('tick')
every = totals_of(r for h in hours for r in h)
same(totals(w), every, 'loaded')
ids = lambda: sorted(i for i, in w.sql('SELECT DISTINCT _orch_load_id FROM loan_applicant_info'))
first = ids()

r = w.good('replay', 'loans/2022-06-05T01', '--dry-run')
like(r.out, '2022-06-05T01', 'dry run names the partition')
same(ids(), first, 'and changes nothing')
r = w.good('replay', 'loans/2022-06-05T01', '--reason', 'test')
w.good('tick')
second = ids()
same((totals(w), len(set(first) - set(second))), (every, 1), 'one hour replayed: the same totals, one new load id')
r = w.good('replay', 'loans', '--from', '2022-06-05T00', '--to', '2022-06-05T02', '--only', 'all', '--reason', 'test')
w.good('tick')
third = ids()
same((totals(w), len(set(second) - set(third))), (every, 3), 'a range replayed: the same totals, three new load ids')
r = w.good('replay', 'loans', '--from', '2022-06-05T00', '--to', '2022-06-05T03', '--only', 'failed', '--reason', 'test')
w.good('tick')
same(ids(), third, '--only failed: nothing failed, nothing replayed')
same(w.orch('reconcile', 'loans').rc, 0, 'reconcile: equal')

line = lambda h: w.one(f"SELECT MIN(_orch_line) FROM loan_applicant_info WHERE _orch_load_id = {load(h)}")
load = lambda h: w.one(f"SELECT MAX(load_id) FROM orch_load WHERE state = 'LOADED' AND object_key = '{hour_key(h)}'")

def by_hand(what, statement, h, *parts):
    w.sql(statement)
    r = w.orch('reconcile', 'loans')
    same(r.rc, 5, f'{what}: reconcile exits 5')
    for p in (f'2022-06-05T0{h}', *parts):
        like(r.out + r.err, p, f'{what}: names {p}')
    same(w.orch('status').rc, 5, f'{what}: status shows the mismatch')
    w.good('replay', 'loans', '--only', 'mismatched', '--reason', 'by hand')
    w.orch('tick')
    same((totals(w), w.orch('reconcile', 'loans').rc), (every, 0), f'{what}: replay --only mismatched mends it')

by_hand('a row deleted', f'DELETE FROM loan_applicant_info WHERE _orch_load_id = {load(1)} AND _orch_line = {line(1)}', 1, '50', '49')
was = w.one(f'SELECT SUM(MonthlyIncome) FROM loan_applicant_info WHERE _orch_load_id = {load(2)}')
by_hand('a value changed', f'UPDATE loan_applicant_info SET MonthlyIncome = MonthlyIncome + 1 WHERE _orch_load_id = {load(2)} AND MonthlyIncome IS NOT NULL LIMIT 1', 2,
        'MonthlyIncome', was, str(int(was) + 1))
by_hand('a double changed', f'UPDATE loan_applicant_info SET DebtRatio = DebtRatio + 0.000001 WHERE _orch_load_id = {load(2)} LIMIT 1', 2, 'DebtRatio')
by_hand('a NULL made 0', f'UPDATE loan_applicant_info SET MonthlyIncome = 0 WHERE _orch_load_id = {load(2)} AND MonthlyIncome IS NULL LIMIT 1', 2, 'MonthlyIncome', 'null')
by_hand('a row added under the load id', f'INSERT INTO loan_applicant_info (age, _orch_load_id, _orch_line) VALUES (1, {load(3)}, 999999)', 3, '50', '51')
w.sql('INSERT INTO loan_applicant_info (age) VALUES (44), (45)')
r = w.orch('reconcile', 'loans')
same(r.rc, 0, "foreign rows in the user's own table do not fail")
like(r.out + r.err, '2 ', 'but are reported with their number')
like(r.out + r.err, 'foreign', 'as foreign')

# the target is put back from a backup that did not have the last hour yet: the ledger went back with it
w.sql('DELETE FROM loan_applicant_info WHERE _orch_load_id IS NULL')
gone = load(3)
w.sql(f"DELETE FROM loan_applicant_info WHERE _orch_load_id = {gone}; DELETE FROM orch_load WHERE load_id = {gone}; UPDATE orch_fence SET seq = seq - 1 WHERE pipeline = 'loans'")
w.now = '2022-06-05T07:10:00Z'
w.orch('tick')
same((totals(w), w.orch('reconcile', 'loans').rc), (every, 0), 'target restored from an older backup: what it lacks is loaded again')

# another table in the config: what is loaded there is not loaded here
w.sql('CREATE TABLE elsewhere LIKE loan_applicant_info')
w.pipeline(columns={'': None}, target_table='elsewhere', source_since='2022-06-05T00', source_until='2022-06-05T03')
w.now = '2022-06-05T07:30:00Z'
r = w.orch('tick')
same((r.rc, w.one('SELECT COUNT(*) FROM elsewhere')), (3, '0'), 'another table under the same pipeline is refused')
like(r.err, 'loan_applicant_info', 'and both are named')
done()

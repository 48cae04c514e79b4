#!/usr/bin/python3
"""Late, overwritten, repeated, missing, empty: what happens to an hour after it was loaded, or without anything to load."""
import os, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql', 's3')
w.now = '2022-06-05T06:30:00Z'
w.sql(DDL)
w.pipeline(columns={'': None}, source_since='2022-06-05T00', source_until='2022-06-05T05')
w.good('target', 'setup')
w.good('lineage', 'add', 'loan_applicant_info', '--pipeline', 'loans')
hours = {h: list(credit_rows(40, seed=h)) for h in range(6)}
late = list(credit_rows(7, seed=77))
for h in (0, 1, 2, 4):
    w.put(hour_key(h), csv_of(hours[h]))
expect = [r for h in (0, 1, 2, 4) for r in hours[h]]
w.now = '2022-06-05T06:40:00Z'
r = w.orch('tick')
same(totals(w), totals_of(expect), 'what is there is loaded')
same(dict(map(tuple, w.state("SELECT part, state FROM partition_ WHERE state <> 'QUEUED'"))), {'2022-06-05T03': 'LATE', '2022-06-05T05': 'WAITING'},
     'an hour without objects: LATE after an hour, WAITING before')
same(r.rc, 6, 'a late partition: exit 6')
like(r.err, '2022-06-05T03', 'and the tick names it')
w.now = '2022-06-05T06:45:00Z'
r = w.orch('tick')
same((r.rc, r.err), (0, ''), 'said once')
same(w.orch('status').rc, 6, 'status goes on to show it')

w.put(hour_key(0, 'late.csv'), csv_of(late))
w.now = '2022-06-05T08:00:00Z'
r = w.orch('tick')
expect += late
same(totals(w), totals_of(expect), 'a late file in an old hour is loaded')
same(w.state("SELECT n, state FROM job WHERE part = '2022-06-05T00' ORDER BY n"), [[1, 'RECONCILED'], [2, 'RECONCILED']], 'as job #2')
like(r.err, '2022-06-05T05', 'the other missing hour is late now')

r = w.orch('skip', 'loans/2022-06-05T03', '--reason', 'the sender was closed')
same(r.rc, 0, 'skip')
w.orch('skip', 'loans/2022-06-05T05', '--reason', 'too')
same(w.state("SELECT state FROM partition_ WHERE part = '2022-06-05T03'"), [['SKIPPED']], 'LATE -> SKIPPED')
same(w.orch('status').rc, 0, 'status: all well again')

a, b = list(credit_rows(40, seed=101)), list(credit_rows(41, seed=102))
for hour, (name, rows) in enumerate((('A', a), ('B', b), ('A again', a)), 9):
    w.put(hour_key(4), csv_of(rows))
    w.now = f'2022-06-05T{hour:02d}:00:00Z'
    w.orch('tick')
    now = [r for h in (0, 1, 2) for r in hours[h]] + late + rows
    same(totals(w), totals_of(now), f'overwritten by {name}: replaced')
same([g for g, in w.sql("SELECT generation FROM orch_load WHERE object_key = '%s' ORDER BY 1" % hour_key(4))], ['1', '2', '3', '4'], 'four generations')
ledger = w.sql('SELECT COUNT(*) FROM orch_load')
w.put(hour_key(4), csv_of(a))
w.now = '2022-06-05T13:00:00Z'
r = w.orch('tick')
same((w.sql('SELECT COUNT(*) FROM orch_load'), r.rc, r.err), (ledger, 0, ''), 'the same bytes uploaded again: nothing')

w.pipeline('empty', columns={'': None}, source_prefix='e/', source_since='2022-06-05T00', source_until='2022-06-05T01')
w.put('e/' + hour_key(0), csv_of([]))
w.put('e/' + hour_key(1), b'')
w.now = '2022-06-05T14:00:00Z'
r = w.orch('tick')
same((r.rc, w.state("SELECT state FROM job WHERE pipeline = 'empty' ORDER BY part")), (0, [['EMPTY'], ['EMPTY']]), 'header-only and zero-byte files are EMPTY, which is well')
same(int(w.one("SELECT COUNT(*) FROM orch_load WHERE state = 'EMPTY'")), 2, 'and stand in the ledger')

twice = list(credit_rows(1, seed=5)) * 2
w.pipeline('twice', columns={'': None}, source_prefix='t/', source_since='2022-06-05T00', source_until='2022-06-05T00')
w.put('t/' + hour_key(0), csv_of(twice))
n = totals(w)[0]
w.now = '2022-06-05T15:00:00Z'
w.good('tick')
same(totals(w)[0], n + 2, 'two identical lines are two rows')

w.pipeline('refuse', columns={'': None}, source_prefix='r/', source_since='2022-06-05T00', source_until='2022-06-05T00', source_on_overwrite='refuse')
w.put('r/' + hour_key(0), csv_of(hours[0]))
w.now = '2022-06-05T16:00:00Z'
w.good('tick')
n = totals(w)
w.put('r/' + hour_key(0), csv_of(hours[1]))
w.now = '2022-06-05T17:00:00Z'
r = w.orch('tick')
same(totals(w), n, 'on_overwrite: refuse leaves the rows as they were')
same(r.rc, 1, 'and says so by its exit code')
like(r.err, 'part-0.csv', 'naming the object')
done()

#!/usr/bin/python3
"""The main job from another S3 server, which is stricter about signatures: Swift."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql', 's3', swift=True)
w.now = '2022-06-06T02:00:00Z'
hours = [list(credit_rows(50, seed=h)) for h in range(24)]
for h, rows in enumerate(hours):
    w.put(hour_key(h, 'a+b é%.csv'), csv_of(rows))
put = time.time()
w.sql(DDL)
w.pipeline(columns={'': None})
w.good('target', 'setup')
w.good('lineage', 'add', 'loan_applicant_info', '--pipeline', 'loans')
while time.time() < put + 1.1:  # Swift rounds LastModified up to the next second, and what is of the future has not settled
    time.sleep(.05)
r = w.good('tick')
same((r.rc, r.out, r.err, totals(w)), (0, '', '', totals_of(r for h in hours for r in h)), 'from Swift: every row once')
same(w.state('SELECT state, COUNT(*) FROM job GROUP BY 1'), [['RECONCILED', 24]], '24 of 24 RECONCILED')
r = w.good('tick', now='2022-06-06T02:05:00Z')
same((r.rc, r.out, r.err), (0, '', ''), 'a second tick prints nothing')
w.env['AWS_SECRET_ACCESS_KEY'] = 'wrong'
r = w.orch('tick', now='2022-06-06T03:00:00Z')
same(r.rc, 4, 'a wrong secret: exit 4')
done()

#!/usr/bin/python3
"""./dev campaign kill9 [KILLS]: the main job under kill -9, on the real credit file where it is there. Prints where the kills fell."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from crash import *

kills = int(sys.argv[1]) if len(sys.argv) > 1 else 300
data = credit_hours(CREDIT)
diag('data: the credit file, 150,000 rows' if data else 'data: generated (the credit file is not there)')
w = World('mysql', 's3')
w.linger = '3s'
r = Rounds(w, *(data or generated_hours(2000)))
rounds = 0
while r.kills < kills:
    if rounds:
        r.fresh()
    r.round(min(60, kills - r.kills))
    rounds += 1
    if not ok(r.check(), f'round {rounds}, {r.kills} kills so far: {totals(w)}'):
        break
r.report()
done()

#!/usr/bin/python3
"""./dev campaign engine [KILLS]: kill -9 of starts, ticks and redrives of the engine (2,000 unless told). Prints where the kills fell."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from engine_kill import *

kills = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
w = World()
r = Round(w, int(os.environ.get('ORCH_TEST_SEED', '1')))
rounds = 0
while r.kills < kills:
    rounds += 1
    if not ok(r.run(kills), f'round {rounds}, {r.kills} kills so far: no event lost, doubled or out of order, no Wait early, fsck clean each time'):
        for fault in r.faults[:5]:
            diag(fault)
        break
r.report()
done()

#!/usr/bin/python3
"""kill -9 of starts, ticks and redrives: after each death history has only grown and fsck finds nothing; at the end every state was entered and left once, and no Wait was early. The long form: ./dev campaign engine."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from engine_kill import *

w = World()
r = Round(w, 7)
rounds = 0
while r.kills < 60 and rounds < 20:
    rounds += 1
    if not ok(r.run(1000), f'round {rounds}, {r.kills} kills so far: histories whole, cursors as their events say'):
        for fault in r.faults[:5]:
            diag(fault)
        break
r.report()
ok(r.kills >= 60, 'kills fell')
done()

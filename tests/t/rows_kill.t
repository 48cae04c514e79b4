#!/usr/bin/python3
"""orch serve is killed in the middle of batches; clients repeat under their keys: every row once, every reject once."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from intake_chaos import Kills
from world import diag, done, ok

k = Kills(7)
wrong = k.run(12)
for x in wrong:
    diag(x)
ok(sum(k.struck.values()) == 12 and k.repeats > 0, '12 times it was killed while clients waited for an answer')
ok(len(k.done) > 12 and any(b.rejects for b in k.done) and any(b.stored for b in k.done), 'rows and rejects went through')
ok(not wrong, 'every row is there once, every reject once, and each key has one answer')
done()

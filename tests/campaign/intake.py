#!/usr/bin/python3
"""./dev campaign intake [N [SEED]]: orch serve killed N times (500) in the middle of batches; every row and every reject once."""
import os, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from intake_chaos import Kills
from world import diag, done, ok

n = int(sys.argv[1]) if len(sys.argv) > 1 else 500
k = Kills(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
began = time.time()
wrong = k.run(n)
diag(f"{sum(k.struck.values())} kills in {time.time() - began:.0f} s: {dict(k.struck)}; {len(k.done)} batches, {sum(len(b.stored) for b in k.done)} rows, "
     f"{sum(len(b.rejects) for b in k.done)} rejects, {k.repeats} requests repeated")
for x in wrong:
    diag(x)
ok(not wrong and sum(k.struck.values()) >= n, f'{n} kills in the middle of a batch: every row once, every reject once')
done()

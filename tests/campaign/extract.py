#!/usr/bin/python3
"""./dev campaign extract [N [SEED[/FIRST] [JOBS]]]: N runs (2,000) of three small tables with one random fault each; each must end exact.

Prints how often each fault struck. Stops at the first run that is not exact, keeps its folder, and says how to repeat it.
"""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from extract_chaos import campaign, done

n = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
seed, _, first = (sys.argv[2] if len(sys.argv) > 2 else '1').partition('/')
campaign(n, int(seed), int(first or 0), int(sys.argv[3]) if len(sys.argv) > 3 else 2)
done()

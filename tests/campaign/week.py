#!/usr/bin/python3
"""./dev campaign week [MINUTES]: the week of tests/lib/week.py with a tick every five minutes, as cron has it."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import week
from world import done

week.run(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
done()

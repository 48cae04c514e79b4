#!/usr/bin/python3
"""A week with a tick an hour; ./dev campaign week has one every five minutes."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import week
from world import done

week.run(int(os.environ.get('ORCH_WEEK_STEP', '60')))
done()

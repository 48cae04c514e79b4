#!/usr/bin/python3
"""Random faults, each of which must end exact: the short form of ./dev campaign faults."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from chaos import campaign, done

campaign(60, seed=4, slow=0)
done()

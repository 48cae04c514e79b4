#!/usr/bin/python3
"""Cut at every 64 KiB and at every kind of statement of a load, a disk that gets full, a server that stands still: exact. The short form of ./dev campaign resets."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from cuts import *

fast_folder()
resets(3).close()
c = Cuts()
c.every_statement(('before', 'after'), first_only=LOAD, publish='chunks')
c.every_statement(('late',), first_only='COMMIT', table='own')
c.put_back('ingest.begun=kill')
c.put_back('chunks.done=kill', publish='chunks')
c.killed('ingest.pending=kill@2', publish='chunks')  # chunks are there, and their rejects
c.stopped('load.before_ledger=stop', table='sqlite', publish=None)  # nobody else could write to that file any more
c.stopped('load.before_ledger=stop')
c.disk_full(2)
c.stands_still(STANDS[:2])
done()

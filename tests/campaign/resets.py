#!/usr/bin/python3
"""./dev campaign resets [MIB]: a large object through resets at every 64 KiB, then the database cut at each statement of a tick in turn.

Before a statement is passed on, after it was carried out but not answered, and passed on late; the server that stands still
past the lease; the disk that gets full. Every one must end exact.
"""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from cuts import *

fast_folder()
megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 50
resets(megabytes).close()
resets(megabytes, publish='chunks', parallel=2).close()
c = Cuts()
c.every_statement(('before', 'after'))
c.every_statement(('before', 'after'), publish='chunks', parallel=2)
c.every_statement(('half', 'late', 'answer'), first_only=LOAD)
c.every_statement(('half', 'late', 'answer'), first_only=LOAD, publish='chunks', table='own')
c.disk_full(20)
c.stands_still(STANDS)
done()

#!/usr/bin/python3
"""Verification before COMMIT: what the server made of a row other than what was read is never seen by anybody; swapped
cells are found by verify: full; objects that share a transaction, a large one, and the source counted anew."""
import os, signal, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql')
w.now = '2022-06-05T06:30:00Z'
TABLE = 'CREATE TABLE t (id INT NOT NULL, n SMALLINT, d DOUBLE, s VARCHAR(20))'
rows = lambda h, n=50: 'id,n,d,s\n' + ''.join(f'{i},{"NA" if i % 7 == 3 else i % 300 + h},0.{i}{h}1,name {i}\n' for i in range(n))

def world(level, hours=1):
    w.sql('DROP TABLE IF EXISTS t, _orch_stage_t, orch_load, orch_fence')
    w.sql(TABLE)
    for name in os.listdir(w.dir):
        if name.startswith('orch.db') and os.path.isfile(w.path(name)):
            os.unlink(w.path(name))
    w.pipeline(target_table='t', source_since='2022-06-05T00', source_until=f'2022-06-05T{hours - 1:02}', verify=level)
    for h in range(hours):
        w.put(hour_key(h), rows(h))
    w.good('target', 'setup')
    w.good('lineage', 'add', 't', '--pipeline', 'loans')

# -- the server changes a row behind our back, in the load's own transaction: by a trigger that is made when the load has
# looked at the table already
def spoiled(level, body):
    world(level)
    p = w.spawn('run', 'loans', ORCH_FAULT='ingest.begun=stop')
    while p.poll() is None and open(f'/proc/{p.pid}/stat').read().rsplit(')', 1)[1].split()[0] != 'T':
        time.sleep(0.02)
    w.sql(f'CREATE TRIGGER spoil BEFORE INSERT ON t FOR EACH ROW SET {body}')
    os.kill(p.pid, signal.SIGCONT)
    out, err = p.communicate(timeout=120)
    seen = w.one('SELECT COUNT(*) FROM t')
    w.sql('DROP TRIGGER spoil')
    return p.returncode, err, seen

for what, body, column in (
    ('one more in one row', 'NEW.n = NEW.n + (NEW.id = 5)', 'n'),
    ('NULL became 0', 'NEW.n = IFNULL(NEW.n, 0)', 'n'),
    ('a last bit', 'NEW.d = IF(NEW.id = 1, 0.10100000000000002, NEW.d)', 'd'),
    ('a letter', "NEW.s = IF(NEW.id = 9, 'Name 9', NEW.s)", 's'),
    ('a row of another hour', 'NEW._orch_load_id = NEW._orch_load_id + (NEW.id = 3)', ''),
):
    rc, err, seen = spoiled('sums', body)
    same((rc in (1, 5), seen), (True, '0'), f'{what}: not committed, and said by the exit code')
    like(err, f'column {column}' if column else 'rows', f'{what}: the column is named')
w.good('retry', 'loans/2022-06-05T00')
same(w.good('run', 'loans').rc, 0, 'without the trigger it is loaded')
same(w.one('SELECT COUNT(*) FROM t'), '50', 'all of it')
rc, err, seen = spoiled('full', "NEW.s = CASE NEW.id WHEN 1 THEN 'name 2' WHEN 2 THEN 'name 1' ELSE NEW.s END")
same((rc in (1, 5), seen), (True, '0'), 'full: two cells that changed places are not committed')
like(err, 'column s: check', 'and the checksum says so')
w.good('retry', 'loans/2022-06-05T00')
same(w.good('run', 'loans').rc, 0, 'full: loaded without the trigger')

# -- full, later
w.sql("UPDATE t SET s = CASE id WHEN 1 THEN 'name 2' ELSE 'name 1' END WHERE id IN (1, 2)")
r = w.orch('reconcile', 'loans')
same(r.rc, 5, 'reconcile finds swapped cells')
like(r.out, 'check', 'by the checksum')
same(w.orch('diff', 'loans/2022-06-05T00').rc, 5, 'diff shows them')
w.good('replay', 'loans', '--only', 'mismatched', '--reason', 'test')
w.good('tick')
same(w.orch('reconcile', 'loans', '--recount-source').rc, 0, 'replayed: equal to the file, counted anew')
w.sql('UPDATE t SET n = n + 1 WHERE id = 1')
r = w.orch('reconcile', 'loans', '--recount-source')
same(r.rc, 5, 'the source counted anew against a changed table')
like(r.out, 'max' if 'max' in r.out else 'sum', 'names what differs')

# -- sums see what the same sums would miss only where they cannot: swapped cells
world('sums')
w.good('run', 'loans')
w.sql("UPDATE t SET s = CASE id WHEN 1 THEN 'name 2' ELSE 'name 1' END WHERE id IN (1, 2)")
same(w.orch('reconcile', 'loans').rc, 0, 'sums: two cells that changed places look the same')
w.sql('UPDATE t SET n = 1 WHERE id = 3')
same(w.orch('reconcile', 'loans').rc, 5, 'sums: a NULL that became a value does not')

# -- many small objects in a transaction, and one that is summed while it is loaded
world('sums')
for i in range(80):
    w.put(hour_key(0, f'{i:03}.csv'), rows(i, 20))
w.put(hour_key(0, 'large.csv'), rows(1, 60000))
w.good('run', 'loans')
same(w.one('SELECT COUNT(*) FROM t'), str(50 + 80 * 20 + 60000), 'small ones and a large one')
same(w.orch('reconcile', 'loans').rc, 0, 'all of them equal')
same(w.orch('reconcile', 'loans', '--recount-source').rc, 0, 'to the files, too')
done()

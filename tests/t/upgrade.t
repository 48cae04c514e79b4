#!/usr/bin/python3
"""A state file of version 1, left by the orch before this one in the midst of a load: this one goes on with it, and everything stays right."""
import json, os, sqlite3, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World()
w.linger = '5s'
OLD = 1650000000
GOOD, BAD = 'a,b\n1,x\n2,y\n3,z\n', 'a,b\n1,x\nx,y\n'
w.now = '2022-06-05T07:00:00Z'
w.pipeline(target='sqlite', target_table='t', source_until='2022-06-05T07', max_attempts=2)
for h, data in {0: GOOD, 1: GOOD, 2: BAD, 5: GOOD}.items():
    w.put(hour_key(h), data, mtime=OLD)


def text(*path):
    with open(os.path.join(TOP, *path)) as f:
        return f.read().replace('{DIR}', w.dir)


with sqlite3.connect(w.path('orch.db')) as db:
    db.executescript(text('sql/migrations/0001_init.sql') + text('tests/upgrade/state-1.sql') +
                     'PRAGMA application_id = 1869767528; PRAGMA user_version = 1;')
with sqlite3.connect(w.path('target.db')) as db:
    db.executescript(text('tests/upgrade/target-1.sql'))

r = w.orch('status')
same(r.rc, 75, 'a command that only looks leaves the file as it is')
like(r.err, 'of version 1', 'and says of which version it is')
same(w.state('PRAGMA user_version'), [[1]], 'it does')

r = w.orch('tick')
same(w.state('PRAGMA user_version'), [[len(os.listdir(os.path.join(TOP, 'sql', 'migrations')))]], 'the tick brings it up to date')
same(w.state('PRAGMA integrity_check'), [['ok']], 'whole')




jobs = dict(w.state("SELECT substr(part, 12), state FROM job"))
same(jobs, {'00': 'RECONCILED', '01': 'MISMATCHED', '02': 'DEAD', '05': 'RECONCILED'}, 'what was being loaded when the old one was killed is finished; the rest stays')
parts = dict(w.state("SELECT substr(part, 12), state FROM partition_ WHERE state <> 'QUEUED'"))
same(parts, {'03': 'LATE', '04': 'SKIPPED', '06': 'WAITING'}, 'hours without files, and the one that a person skipped, too')
same(w.target('SELECT a, COUNT(*) FROM t GROUP BY a ORDER BY a'), [[1, 3], [2, 2], [3, 3]], 'every row once, and the one that was deleted still gone')
same(('2022-06-05T02' in r.err, '2022-06-05T03' in r.err), (False, False), 'what the old one had said is not said again')
like(r.err, '2022-06-05T01: MISMATCHED', 'what it had not is')
like(r.err, '2022-06-05T04: settled: skipped by ana@host: the bank was closed', 'and what a person decided')
same((w.orch('tick').rc, w.orch('tick').err), (0, ''), 'then nothing')

for part, word in {'00': 'RECONCILED', '01': 'MISMATCHED', '02': 'DEAD', '03': 'LATE', '04': 'SKIPPED', '05': 'RECONCILED', '06': 'WAITING'}.items():
    r = w.orch('explain', f'loans/2022-06-05T{part}')
    ok(r.rc == 0 and word in r.out, f'explain {part}: {word}')
for words in (['plan'], ['logs'], ['metrics'], ['rejects', 'loans'], ['graph', 'loans-20220605T065000Z-ab8c841b']):
    r = w.orch(*words)
    if not ok(r.rc == 0 and r.out != '', f'{words[0]}: works on what the old one left'):
        diag(f'{r.rc} {r.out} {r.err}')

w.now = '2022-06-05T07:10:00Z'
w.put(hour_key(2), GOOD, mtime=OLD)
w.good('retry', 'loans/2022-06-05T02', '--reason', 'the sender mended it')
w.good('replay', 'loans/2022-06-05T01', '--reason', 'a row was deleted')
w.good('skip', 'loans/2022-06-05T04', '--undo')
w.put(hour_key(4), GOOD, mtime=OLD)
w.orch('tick')
same(w.state("SELECT COUNT(*) FROM job WHERE state NOT IN ('RECONCILED', 'SUPERSEDED')"), [[0]], 'each is brought to its end by the verbs of this one')
same(w.target('SELECT a, COUNT(*) FROM t GROUP BY a ORDER BY a'), [[1, 5], [2, 5], [3, 5]], 'every row once')
done()

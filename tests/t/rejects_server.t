#!/usr/bin/python3
"""orch rejects --replay on a server: a column is widened; killed, COMMIT's answer lost, two hosts at once; the user who may not read what came later."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql')
w.linger = '5s'
w.now = '2022-06-05T02:00:00Z'
OLD = 1650000000
DATA = 'id,income,name\n' + ''.join(f'{i},{3000000000 + i if i in (2, 5, 7) else i},{"toolong" if i == 9 else "ab"}\n' for i in range(1, 31)) + '4,4,ab\n'
PORT = w.base + 80


def fresh(port=PORT, widen=lambda: w.sql('ALTER TABLE loan MODIFY income BIGINT'), **more):
    for n in os.listdir(w.dir):
        if n.startswith(('orch', 'other', 'lake')) and not n.endswith('.json'):
            p = w.path(n)
            shutil.rmtree(p) if os.path.isdir(p) else os.unlink(p)
    w.sql('DROP TABLE IF EXISTS loan, loan_rejects, orch_load, orch_fence, orch_reject; CREATE TABLE loan (id INT NOT NULL PRIMARY KEY, income INT, name VARCHAR(4))')
    w.pipeline(target_table='loan', source_until='2022-06-05T00', max_rejects='10', rejects={'table': 'loan_rejects'},
               warehouse={'url': f'mysql://loader@127.0.0.1:{port}/w'}, **more)
    w.put(hour_key(0), DATA, mtime=OLD)
    w.good('target', 'setup')
    w.good('lineage', 'add', 'loan')
    w.good('tick')
    widen()


def rejects(*words, **kw):
    return json.loads(w.good('rejects', 'loans', *words, '-o', 'json', **kw).out)['rejects']


def replay(**kw):
    kw.setdefault('now', w.now)
    return w.orch('rejects', 'loans', '--replay', '--code', 'OUT_OF_RANGE', '--reason', 'income is BIGINT now', **kw)


GOOD = sum(i for i in range(1, 31) if i not in (2, 5, 7, 9))
WAITING, LOADED = [['26', '26', str(GOOD)]], [['29', '29', str(GOOD + 9000000014)]]


def well(config='orch.json'):
    got = [w.sql('SELECT COUNT(*), COUNT(DISTINCT id), SUM(income) FROM loan'), w.sql("SELECT rows_loaded, rows_rejected FROM orch_load WHERE state = 'LOADED'"),
           w.sql('SELECT verdict, COUNT(*) FROM orch_reject GROUP BY 1'), w.sql('SELECT line, code FROM loan_rejects ORDER BY line'),
           [(r['line'], r['state'], r['code']) for r in rejects('--state', 'all', config=config)], w.orch('reconcile', 'loans', config=config).rc]
    want = [LOADED, [['29', '2']], [['REPLAYED', '3']], [['10', 'TOO_LONG'], ['32', 'DUPLICATE_KEY']],
            [(3, 'REPLAYED', 'OUT_OF_RANGE'), (6, 'REPLAYED', 'OUT_OF_RANGE'), (8, 'REPLAYED', 'OUT_OF_RANGE'), (10, 'FINAL', 'TOO_LONG'), (32, 'FINAL', 'DUPLICATE_KEY')], 0]
    if got != want:
        diag(f'{got}\n{want}')
    return got == want


fresh()
same(sorted((r['code'], r['hint'] != '') for r in rejects()), [('DUPLICATE_KEY', True)] + [('OUT_OF_RANGE', True)] * 3 + [('TOO_LONG', True)], 'each says what to do about it')
same(w.sql('SELECT COUNT(*), COUNT(DISTINCT id), SUM(income) FROM loan'), WAITING, 'three are out of range, one is too long, one is there twice')
same(w.sql('SELECT line, code, column_name, raw, raw_bytes, part FROM loan_rejects WHERE line = 32'), [['32', 'DUPLICATE_KEY', '', '4,4,ab', '6', '2022-06-05T00']], 'what the server refused is in the copy too')
like(replay().out, '3 rejects loaded', 'the column is widened: they go in')
ok(well(), 'each once; ledger, copy and state agree')
like(w.good('rejects', 'loans', '--replay', '--reason', 'x').out, '0 rejects loaded, 2 refused again', 'the others are still refused')
ok(well(), 'and stay')

# killed at each place, then the same command, or a tick
for heal in ('again', 'tick'):
    bad = []
    for point in ('rejects.raised', 'rejects.begun', 'rejects.pending', 'rejects.before_fence', 'rejects.before_commit', 'rejects.after_commit', 'rejects.committed', 'rejects.settled', 'reconcile.compared'):
        fresh()
        if replay(fault=f'{point}=kill').rc != -9:
            bad.append(f'{point} was not passed')
        for i in range(3):
            at = f'2022-06-05T03:0{i}:00Z'
            replay(now=at) if heal == 'again' else w.orch('tick', now=at)
        if not well():
            bad.append(point)
    same(bad, [], f'killed at nine places, and {"the same command again" if heal == "again" else "the next tick goes on with it"}: every record once')

# COMMIT done and nobody told; COMMIT never arrived
proxy = subprocess.Popen([f'{TOP}/tests/servers/faultproxy.py', '0', f'127.0.0.1:{PORT}', w.path('rules'), w.path('proxy.log')], stdout=subprocess.PIPE, text=True)
try:
    open(w.path('rules'), 'w').close()
    port = int(proxy.stdout.readline())
    for rule in ('lostreply', 'lostreq'):
        fresh(port)
        hold = w.path(f'hold.{rule}')
        p = w.spawn('rejects', 'loans', '--replay', '--code', 'OUT_OF_RANGE', '--reason', 'x', now=w.now, fault=f'rejects.before_fence=touch:{hold},rejects.before_commit=wait:{hold}.go')
        while not os.path.exists(hold) and p.poll() is None:
            time.sleep(.01)
        with open(w.path('rules'), 'w') as f:
            f.write(f'TCP\t{rule} COMMIT\t1\n')
        open(hold + '.go', 'w').close()
        out, errs = p.communicate(timeout=120)
        ok(p.returncode == 0 and '3 rejects loaded' in out, f"{rule}: COMMIT {'was done and nobody told' if rule == 'lostreply' else 'never arrived'}: the ledger is asked, and the command goes on")
        with open(w.path('proxy.log')) as f:
            like(f.read(), f'{rule} COMMIT', f'{rule}: it was struck')
        open(w.path('rules'), 'w').close()
        ok(well(), f'{rule}: every record once')
finally:
    proxy.kill()
    proxy.communicate()
fresh()
replay(fault='rejects.after_commit=error')
ok(well(), 'an error right after COMMIT: the retry finds it in the ledger')

# two hosts: one is stopped in the midst, the other does it; the first wakes and commits nothing
def other_host():
    other = json.loads(json.dumps(w.config_json))
    other['state'] = 'other.db'
    with open(w.path('other.json'), 'w') as f:
        json.dump(other, f)
    w.good('tick', config='other.json', now='2022-06-05T02:30:00Z')
    w.sql('ALTER TABLE loan MODIFY income BIGINT')


fresh(widen=other_host)
same(sorted(r['line'] for r in rejects(config='other.json')), [3, 6, 8, 10, 32], 'another host reads from the file what the rules refuse, and what the database did')
same([r['code'] for r in rejects(config='other.json')][-1], 'NOT_LOADED', 'of which nobody knows any more why')
p = w.spawn('rejects', 'loans', '--replay', '--code', 'OUT_OF_RANGE', '--reason', 'x', now='2022-06-05T02:30:00Z', fault='rejects.before_fence=stop')
os.waitpid(p.pid, os.WUNTRACED)
same(w.sql('SELECT COUNT(*) FROM loan'), [['26']], 'a host is stopped within its transaction')
r = w.good('rejects', 'loans', '--replay', '--code', 'OUT_OF_RANGE', '--reason', 'from the other host', config='other.json', now='2022-06-05T02:31:00Z')
like(r.out, '3 rejects loaded', 'the other host takes the pipeline over, and does it')
before = w.sql('SELECT * FROM orch_load'), w.sql('SELECT * FROM orch_reject')
os.kill(p.pid, signal.SIGCONT)
out, errs = p.communicate(timeout=120)
for i in range(3):
    replay(now=f'2022-06-05T03:0{i}:00Z')
ok(well(), 'the first one wakes: every record once')
same((w.sql('SELECT * FROM orch_load'), w.sql('SELECT * FROM orch_reject')), before, 'it has committed nothing')
same({r['reason'] for r in rejects('--state', 'REPLAYED')}, {'from the other host'}, 'and knows who did')
like(w.good('reconcile', 'loans', config='other.json').out, '0 differ', 'the other host reconciles')

# a file in chunks, and small ones that share a transaction
for n in os.listdir(w.dir):
    if n.startswith(('orch.db', 'other', 'lake')):
        p = w.path(n)
        shutil.rmtree(p) if os.path.isdir(p) else os.unlink(p)
w.sql('DROP TABLE IF EXISTS loan, loan_rejects, orch_load, orch_fence, orch_reject; CREATE TABLE loan (id INT NOT NULL PRIMARY KEY, income INT, name VARCHAR(40))')
w.pipeline(target_table='loan', source_until='2022-06-05T00', max_rejects='100', rejects={'table': 'loan_rejects'}, chunk_bytes=65536, parallel=2)
N = 8000
big = 'id,income,name\n' + ''.join(f'{i},{"x" if i % 1000 == 0 else i},"name\n{i}"\n' for i in range(1, N + 1))
w.put(hour_key(0, 'big.csv'), big, mtime=OLD)
for k in range(6):
    w.put(hour_key(0, f'small-{k}.csv'), f'id,income,name\n{10000 + k},x,a\n{20000 + k},1,a\n', mtime=OLD)
w.good('target', 'setup')
w.good('lineage', 'add', 'loan')
same(w.orch('tick', now='2022-06-05T04:00:00Z').rc, 0, 'a file in chunks and six small ones are loaded')
ok(int(w.one("SELECT COUNT(*) FROM orch_load WHERE object_key LIKE '%small%' AND rows_loaded = 1 AND rows_rejected = 1")) == 6, 'one reject each')
same(w.sql("SELECT line, raw FROM loan_rejects WHERE object_key LIKE '%big%' ORDER BY line"), [[str(2 * i), f'{i},x,"name\\n{i}"'] for i in range(1000, N + 1, 1000)], 'the copy of those of all chunks, with the lines of the file')
same(w.sql("SELECT c.line, c.raw, l.load_id = c.load_id FROM loan_rejects c JOIN orch_load l USING (object_key) WHERE object_key LIKE '%small%' ORDER BY raw"), [['2', f'{10000 + k},x,a', '1'] for k in range(6)], 'and of the small ones, each under its own load')
w.config_json['pipelines']['loans']['columns'] = {'income': {'null': ['x']}}
w.write_config(w.config_json)
r = w.orch('rejects', 'loans', '--replay', '--reason', 'x is NULL', now='2022-06-05T04:01:00Z', fault='rejects.after_commit=kill@3')
same(r.rc, -9, 'killed at the third file')
w.orch('tick', now='2022-06-05T04:10:00Z')
same(w.sql('SELECT COUNT(*), COUNT(DISTINCT id), SUM(income IS NULL) FROM loan'), [[str(N + 12), str(N + 12), '14']], 'the tick goes on: every record of every file once')
same((w.sql("SELECT SUM(rows_rejected) FROM orch_load WHERE state = 'LOADED'"), w.sql('SELECT COUNT(*) FROM loan_rejects'), rejects()), ([['0']], [['0']], []), 'no reject is left')
like(w.good('reconcile', 'loans', '--recount-source').out, '0 differ', 'source and target agree')

# a user with rights by table, of before there was orch_reject
fresh()
w.sql("DROP TABLE orch_reject; CREATE USER old@'127.0.0.1' IDENTIFIED BY 'loader-secret'")
for t, rights in (('loan', 'SELECT, INSERT, DELETE, TRIGGER'), ('orch_load', 'SELECT, INSERT, UPDATE'), ('orch_fence', 'SELECT, INSERT, UPDATE'), ('loan_rejects', 'SELECT, INSERT, UPDATE, DELETE')):
    w.sql(f"GRANT {rights} ON w.{t} TO old@'127.0.0.1'")
w.config_json['connections']['warehouse']['url'] = f'mysql://old@127.0.0.1:{PORT}/w'
w.write_config(w.config_json)
for n in ('orch.db', 'orch.db-wal', 'orch.db-shm'):
    if os.path.exists(w.path(n)):
        os.unlink(w.path(n))
same(w.orch('tick').rc, 0, 'a tick that reads the whole ledger needs no such table')
r = w.orch('rejects', 'loans', '--discard', '--reason', 'x')
ok(r.rc in (1, 4) and 'orch_reject' in r.err or 'orch target setup' in r.err, 'a decision does, and says so')
ok(len(rejects()) >= 1, 'and has changed nothing')

# the rights that doctor prints, and no others, are enough for all of it
fresh(widen=lambda: None)
doctor = w.good('doctor').out
like(doctor, 'GRANT SELECT, INSERT, UPDATE, DELETE ON `w`.`loan_rejects` TO', 'doctor asks for the rights on the table of rejects too')
grants = [line for line in doctor.splitlines() if line.startswith('GRANT ')]
w.sql("CREATE USER least@'127.0.0.1' IDENTIFIED BY 'loader-secret'; " + ' '.join(g.replace("'loader'@'%'", "'least'@'127.0.0.1'") for g in grants), db='')
w.config_json['connections']['warehouse']['url'] = f'mysql://least@127.0.0.1:{PORT}/w'
w.write_config(w.config_json)
w.put(hour_key(0, 'more.csv'), 'id,income,name\n100,1,ab\n100,2,ab\n', mtime=OLD)
same(w.good('tick', now='2022-06-05T03:00:00Z').rc, 0, 'a user with these rights loads')
same(w.good('replay', 'loans/2022-06-05T00', '--reason', 'x', now='2022-06-05T03:10:00Z').rc, 0, 'and loads again')
same(w.good('tick', now='2022-06-05T03:20:00Z').rc, 0, 'in full')
w.sql('ALTER TABLE loan MODIFY income BIGINT')
same(replay(now='2022-06-05T03:30:00Z').rc, 0, 'tries rejects again')
same(w.good('rejects', 'loans', '--discard', '--reason', 'x', now='2022-06-05T03:40:00Z').rc, 0, 'gives them up')
same(w.sql('SELECT COUNT(*) FROM loan_rejects'), [['0']], 'and none is left in the table of rejects')
w.sql('DROP TABLE loan_rejects')
r = w.orch('doctor')
ok(r.rc == 1 and 'loan_rejects' in r.out and 'orch target setup makes it' in r.out, 'doctor misses the table of rejects')
done()

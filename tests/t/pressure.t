#!/usr/bin/python3
"""Loads held back: max_rate, and replicas of a real MariaDB that are behind, stopped, away or silent; told by status and logs, ended by time."""
import json, os, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql', mysql_options=['--log-bin', '--server-id=1'])
w.now = '2022-06-05T05:30:00Z'
w.linger = '0s'
PORT = w.base + 81


def until(what, fn, seconds=60):
    for _ in range(seconds * 20):
        got = fn()
        if got:
            return got
        time.sleep(.05)
    ok(False, f'waited {seconds} s for: {what}')


def fresh(files, **more):
    for f in ['orch.db']:
        if os.path.exists(w.path(f)):
            os.unlink(w.path(f))
    w.sql('DROP TABLE IF EXISTS t, orch_load, orch_fence; CREATE TABLE t (a BIGINT, b VARCHAR(2000))')
    for i in range(9):
        if os.path.exists(w.path('lake', hour_key(1, f'{i}.csv'))):
            w.remove(hour_key(1, f'{i}.csv'))
    for i, text in enumerate(files):
        w.put(hour_key(1, f'{i}.csv'), text)
    w.pipeline(name='p', target_table='t', source_since='2022-06-05T01', source_until='2022-06-05T01', **more)
    c = json.loads(open(w.path('orch.json')).read())
    for name, port in [('follower', PORT), ('nobody', w.base + 82)]:
        c['connections'][name] = {'url': f'mysql://watcher@127.0.0.1:{port}/w', 'password_file': 'db.secret', 'tls': 'off'}
    w.write_config(c)
    w.good('target', 'setup')
    w.good('lineage', 'add', 't', '--pipeline', 'p')


def rows_of(n, width=10):
    return 'a,b\n' + ''.join(f'{i},{"x" * width}\n' for i in range(n))


def timed(*args):
    began = time.monotonic()
    r = w.good(*args)
    return time.monotonic() - began, r


def job():
    return w.state('SELECT state, error, message, hint FROM job')[0]


def logs_of():
    return ' '.join(w.orch('logs', 'p').out.split())


def failed():
    """One tick, and what its failed step says."""
    w.orch('tick')
    return ' '.join(x['text'] for x in json.loads(w.orch('logs', 'p', '-o', 'json').out)['logs'] if x['what'] == 'failed')


# --- config ---
fresh([], max_rate='10MiB/s')
same(w.orch('validate').rc, 0, 'max_rate in bytes')
for rate, why in [('10MiB', 'such as'), ('1 rows/s', 'at least 100'), ('1KiB/s', '64KiB/s'), ('100KiB/s', 'each of 2 connections')]:
    fresh([], max_rate='50000 rows/s')
    c = dict(w.config_json)
    c['pipelines']['p']['max_rate'] = rate
    c['pipelines']['p']['parallel'] = 2 if '100K' in rate else 1
    w.write_config(c)
    r = w.orch('validate')
    same((r.rc, why in r.err), (3, True), f"'{rate}' is no rate, and why") or diag(r.err)
for keys, why in [({'max_replica_lag': '5s'}, 'one without the other'), ({'target_replicas': ['follower'], 'max_replica_lag': None}, 'one without the other'), ({'max_replica_lag': '5s', 'target_replicas': ['folower']}, "the nearest is 'follower'"),
                  ({'max_replica_lag': '5s', 'target_replicas': ['lake']}, 'a database is expected')]:
    w.pipeline(name='p', target_table='t', source_since='2022-06-05T01', source_until='2022-06-05T01', **keys)
    c = dict(w.config_json)
    c['connections']['follower'] = {'url': f'mysql://watcher@127.0.0.1:{PORT}/w', 'password_file': 'db.secret', 'tls': 'off'}
    w.write_config(c)
    r = w.orch('validate')
    same((r.rc, why in r.err), (3, True), f'{sorted(keys)}: refused in words') or diag(r.err)

# --- max_rate ---
files = [rows_of(500, 190)] * 5  # about 97 kB each
total = sum(map(len, files))
fresh(files)
plain, _ = timed('tick')
fresh(files, max_rate='128KiB/s')
slow, _ = timed('tick')
least = (total - 128 * 1024) / (128 * 1024)
ok(slow >= least, f'{total} bytes at 128KiB/s take {least:.1f} s at least: {slow:.1f} s') or diag(plain)
same(w.one('SELECT COUNT(*) FROM t'), '2500', 'and all are there')
fresh(files, max_rate='1000 rows/s')
slow, _ = timed('tick')
ok(slow >= 1.5, f'2500 rows at 1000 rows/s take 1.5 s at least: {slow:.1f} s')
one = rows_of(2000, 190)
fresh([one], max_rate='256KiB/s', parallel=2, chunk_bytes='64KiB', publish='chunks')
slow, _ = timed('tick')
ok(slow >= (len(one) - 256 * 1024) / (256 * 1024), f'chunks on two connections share the rate: {len(one)} bytes at 256KiB/s in {slow:.1f} s')
same(w.one('SELECT COUNT(*) FROM t'), '2000', 'and all are there')
fresh([rows_of(30000, 100)] * 3, max_rate='64KiB/s')
p = w.spawn('tick')
until('it loads', lambda: os.path.exists(w.path('orch.db')) and w.state("SELECT 1 FROM task WHERE status = 'STARTED' AND resource LIKE '%orch-ingest'"))
p.terminate()
p.communicate(timeout=60)
same(p.returncode, 75, 'stopped in the midst of a wait: exit 75')

# --- what the server has room for ---
one = rows_of(6000, 190)
fresh([one], publish='chunks')
w.sql('SET GLOBAL max_binlog_cache_size = 262144')
w.good('tick')
same((w.one('SELECT COUNT(*) FROM t'), job()[0]), ('6000', 'RECONCILED'), 'a file larger than a transaction may be goes in smaller chunks')
like(logs_of(), "smaller chunks 131072 bytes each in place of 268435456, by the server's max_binlog_cache_size", 'logs tell by what')
fresh([one], target_lineage='none')
w.orch('tick')
same((w.one('SELECT COUNT(*) FROM t'), job()[0], job()[1]), ('0', 'FAILED', 'Orch.TooLarge'), 'where it cannot go in chunks: nothing is loaded')
like(str(job()), 'max_binlog_cache_size', 'and the variable is named')
w.sql('SET GLOBAL max_binlog_cache_size = DEFAULT')
fresh([rows_of(3) for _ in range(6)] + [rows_of(20000, 190)], parallel=8)
w.sql("ALTER USER loader@'127.0.0.1' WITH MAX_USER_CONNECTIONS 5", db='')
w.good('tick')
same(w.one('SELECT COUNT(*) FROM t'), '20018', 'fewer connections than parallel asks for: loaded all the same')
like(logs_of(), '3 connections in place of 8: max_user_connections is 5', 'logs tell why')
w.sql("ALTER USER loader@'127.0.0.1' WITH MAX_USER_CONNECTIONS 0", db='')

# --- replicas ---
r = w.run([f'{TOP}/tests/servers/mariadb.sh', 'start', w.path('follower'), str(PORT), '--server-id=2', '--slave-net-timeout=4'])
if r.rc:
    raise RuntimeError(r.err)


def follower(text):
    r = w.run(['mariadb', '--no-defaults', '-uroot', '-S', w.path('follower', 'sock'), '-B', '-N', '-e', text])
    if r.rc:
        raise RuntimeError(r.err)
    return r.out.strip()


def behind():
    r = w.run(['mariadb', '--no-defaults', '-uroot', '-S', w.path('follower', 'sock'), '-e', 'SHOW SLAVE STATUS\\G'])
    line = [x for x in r.out.splitlines() if 'Seconds_Behind_Master' in x]
    return line[0].split(': ')[1] if line else None


try:
    w.sql("CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'r'; GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'; CREATE USER watcher@'127.0.0.1' IDENTIFIED BY 'loader-secret'; GRANT SELECT ON w.* TO watcher@'127.0.0.1'", db='')
    follower(f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={w.base + 80}, MASTER_USER='repl', MASTER_PASSWORD='r', MASTER_USE_GTID=slave_pos; START SLAVE")
    until('the replica follows', lambda: behind() == '0')
    FLOW = dict(max_replica_lag='1s', target_replicas=['follower'])

    fresh([rows_of(3)], **FLOW)
    until('it knows the account', lambda: follower("SELECT COUNT(*) FROM mysql.user WHERE User = 'watcher'") == '1')
    said = failed()
    same(w.one('SELECT COUNT(*) FROM t'), '0', 'an account that may not ask: nothing is loaded, to be tried again')
    like(said, 'Orch.Transient: p/2022-06-05T01: waited in vain for replica follower, which cannot be asked', 'the replica is named')
    like(said, 'SLAVE MONITOR', 'with the right that is missing, in the server\'s words')
    w.sql("GRANT SLAVE MONITOR ON *.* TO watcher@'127.0.0.1'", db='')
    until('the grant is there', lambda: 'SLAVE MONITOR' in follower("SHOW GRANTS FOR watcher@'127.0.0.1'"))

    fresh([rows_of(3), rows_of(4)], **FLOW)
    until('it keeps up', lambda: behind() == '0')
    w.good('tick')
    same(w.one('SELECT COUNT(*) FROM t'), '7', 'a replica that keeps up holds nothing up')
    ok('waits' not in w.orch('logs', 'p').out, 'and nothing is said')

    # behind: another one holds the table on the replica, and the master goes on
    fresh([rows_of(3), rows_of(4), rows_of(1000, 190)], parallel=2, chunk_bytes='64KiB', publish='chunks', **FLOW)
    until('it keeps up', lambda: behind() == '0')
    lock = subprocess.Popen(['mariadb', '--no-defaults', '-uroot', '-S', w.path('follower', 'sock'), '-n'], stdin=subprocess.PIPE, text=True)
    lock.stdin.write('FLUSH TABLES WITH READ LOCK;\n')
    lock.stdin.flush()
    w.sql('CREATE OR REPLACE TABLE noise (a INT)')
    until('it is behind', lambda: w.sql('INSERT INTO noise VALUES (1)') == [] and (behind() or '').isdigit() and int(behind() or 0) > 1)
    p = w.spawn('tick')
    text = until('the load says that it waits', lambda: w.state("SELECT text FROM notice WHERE what = 'waits' AND to_ms IS NULL"))
    like(text[0][0], 'replica follower, which is more than 1 s behind', 'a load waits for a replica that is behind, and says for which')
    same(w.one('SELECT COUNT(*) FROM t'), '0', 'nothing is loaded meanwhile')
    s = w.status()['pipelines'][0]['waits']
    ok(s and 'follower' in s['text'], 'status tells it as JSON') or diag(s)
    like(w.orch('status').out, '  waits       for replica follower, which is more than 1 s behind; since 2022-', 'and to people')
    beat = w.state('SELECT max(last_beat_ms) FROM task')[0][0]
    until('its heart beats', lambda: w.state('SELECT max(last_beat_ms) FROM task')[0][0] > (beat or 0))
    ok(p.poll() is None, 'it goes on beating and waiting')
    lock.stdin.close()
    lock.wait()
    p.communicate(timeout=120)
    same((p.returncode, w.one('SELECT COUNT(*) FROM t'), job()[0]), (0, '1007', 'RECONCILED'), 'it catches up: all is loaded')
    like(w.orch('logs', 'p').out, 'for replica follower, which is more than 1 s behind (', 'logs tell how long it was')
    same(w.status()['pipelines'][0]['waits'], None, 'status has no more to say')

    # stopped: how far it is behind is not known
    fresh([rows_of(3)], **FLOW)
    until('it keeps up', lambda: behind() == '0')
    follower('STOP SLAVE SQL_THREAD')
    like(failed(), 'follower: how far it is behind is not known, its SQL thread does not run', 'replication stopped: waited for so long and no longer, and it says so')
    same(w.one('SELECT COUNT(*) FROM t'), '0', 'nothing is loaded')
    for i in range(1, 9):
        if job()[0] == 'FAILED':
            break
        w.orch('tick', now=f'2022-06-05T05:{30 + i}:00Z')
    same((job()[0], job()[1]), ('FAILED', 'Orch.Transient'), 'after its retries the job waits for its turn')
    r = w.orch('status', now='2022-06-05T05:40:00Z')
    same(('UNAVAILABLE' in r.out, r.rc), (True, 75), 'which is a trouble, of the weather')
    like(' '.join(r.out.split()), 'how far it is behind is not known', 'that names it')
    follower('START SLAVE SQL_THREAD')
    until('it keeps up', lambda: behind() == '0')
    w.good('run', 'p', now='2022-06-05T06:30:00Z')
    same(w.one('SELECT COUNT(*) FROM t'), '3', 'started again: loaded, once')

    # away
    fresh([rows_of(3)], max_replica_lag='1s', target_replicas=['follower', 'nobody'])
    like(failed(), 'nobody, which cannot be asked', 'a replica that is away: the same, and it is the one that is named')
    same(w.one('SELECT COUNT(*) FROM t'), '0', 'nothing is loaded')

    # killed while it waits
    fresh([rows_of(3)], **FLOW)
    until('it keeps up', lambda: behind() == '0')
    follower('STOP SLAVE SQL_THREAD')
    p = w.spawn('tick')
    until('it waits', lambda: w.state("SELECT 1 FROM notice WHERE what = 'waits' AND to_ms IS NULL"))
    p.kill()
    p.communicate()
    follower('START SLAVE SQL_THREAD')
    until('it keeps up', lambda: behind() == '0')
    for i in (31, 32): # recovered, then tried again
        w.good('tick', now=f'2022-06-05T05:{i}:00Z')
    same(w.one('SELECT COUNT(*) FROM t'), '3', 'killed while it waits: the next tick loads, once')
    same(w.status(now='2022-06-05T06:30:00Z')['pipelines'][0]['waits'], None, 'and what the dead one said is not believed for ever')
finally:
    w.run([f'{TOP}/tests/servers/mariadb.sh', 'stop', w.path('follower')])
done()

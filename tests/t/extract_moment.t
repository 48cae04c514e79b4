#!/usr/bin/env python3
# Up to where an incremental extract goes: who holds it back, who does not. The server's machine, the server and UTC are three zones.
import datetime, json, os, subprocess, sys, threading, time
os.environ['TZ'] = 'America/New_York'
sys.path.insert(0, os.path.join(os.environ['ORCH_SOURCE'], 'tests', 'lib'))
from world import World, ok, same, like, done, diag

w = World('mysql', mysql_options=['--default-time-zone=+05:30', '--innodb-lock-wait-timeout=50'])
w.sql("GRANT PROCESS ON *.* TO loader@'127.0.0.1'; CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'loader-secret'; GRANT ALL ON w.* TO plain@'127.0.0.1';"
      'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT, u TIMESTAMP(6) NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)); INSERT INTO t (v) VALUES (1)')


def config(user='loader', lag='0s'):
    w.write_config({'state': 'orch.db', 'tick': {'linger': '0s'}, 'extracts': {'x': {
        'schedule': 'rate(1 minute)', 'source': {'connection': 'warehouse'}, 'target': {'connection': 'lake', 'prefix': ''}, 'lag': lag, 'since': '2020-01-01T12',
        'tables': [{'table': 't', 'watermark': ['u']}]}}, 'connections': {
            'lake': {'url': f'file://{w.dir}/lake/'}, 'warehouse': {'url': f'mysql://{user}@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}}})


class Client:
    """A connection, in which something is going on."""
    def __init__(self, sql=''):
        self.p = subprocess.Popen(['mariadb', '--no-defaults', '-uroot', '-S', w.socket, '-N', '-B', '-n', '-c', 'w'], env=w.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1)
        self.id = int(self.ask('SELECT CONNECTION_ID()')[0])
        if sql:
            self.ask(sql)

    def begin(self, sql):
        self.p.stdin.write(sql + ';\n')
        self.p.stdin.flush()

    def ask(self, sql):
        self.begin(sql + ";\nSELECT 'over'")
        lines = []
        while not lines or lines[-1] != 'over':
            line = self.p.stdout.readline()
            if not line:
                raise RuntimeError(sql)
            lines.append(line.strip())
        return lines[:-1]

    def runs(self, what):
        """Waits until the server shows it at that."""
        while True:
            got = w.sql(f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {self.id} AND (STATE LIKE '{what}%' OR INFO LIKE '{what}%') AND TIME_MS > 1000")
            if got == [['1']]:
                return self
            time.sleep(.05)

    over = False

    def again(self, sql):
        while not self.over:
            self.ask(sql)

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def plan():
    doc = []
    while not doc:  # the second is not over in which the last window ended
        r = w.good('extract', 'x', '--dry-run', '-o', 'json')
        doc = json.loads(r.out)['plan']
    one = doc[0]
    if one['kind'] == 'NOTHING':  # all that is new is held back
        return datetime.datetime(1, 1, 1), one['notice']
    return datetime.datetime.strptime(one['to'], '%Y-%m-%d %H:%M:%S'), one['notice']


def now():
    return datetime.datetime.strptime(w.one('SELECT UTC_TIMESTAMP()'), '%Y-%m-%d %H:%M:%S')


def free(name):
    at = now()
    to, notice = plan()
    ok(at - datetime.timedelta(seconds=1) <= to, f'{name}: nothing holds it back') or diag(f'{to}, at {at}: {notice}')


def held(since, part, name):
    to, notice = plan()
    ok(to < since, f'{name}: the window ends before that began') or diag(f'{to}, began {since}: {notice}')
    like(notice, part, f'{name}: and it is said')


config()
free('an idle server')
r = w.good('extract', 'x', '--dry-run', '-o', 'json')
same(json.loads(r.out)['plan'][0]['from'], '2020-01-01 12:00:00', 'since may be an hour')
at = now()
a = Client('BEGIN; UPDATE t SET v = 2')
held(at, f'held back by transaction of connection {a.id} of root@localhost, open for ', 'an open transaction')
config(user='plain')
free('without PROCESS')
config(user='plain', lag='30s')
to, notice = plan()
like(notice, 'not seen, for want of PROCESS: lag must be longer', 'and it is said')
ok(to <= at + datetime.timedelta(seconds=-10), 'without PROCESS there is the lag')
config()
a.ask('COMMIT; BEGIN; SELECT * FROM t')
at = now()
held(at, 'held back by transaction', 'one that has only read until now')
a.ask('COMMIT; START TRANSACTION READ ONLY; SELECT * FROM t')
free('a transaction that is read only')
a.ask('COMMIT; DO GET_LOCK("a", 0)')
b = Client()
b.begin('SELECT SLEEP(3600), t.* FROM t')
b.runs('User sleep')
free('a long SELECT')
w.sql(f'KILL {b.id}')
b = Client()
b.begin("/* worker 7 */ SELECT GET_LOCK('a', 3600)")
b.runs('User lock')
free('a worker that waits for its turn')
w.sql(f'KILL {b.id}')
a.ask('SELECT RELEASE_ALL_LOCKS()')

# --- statements that are in no transaction yet ---
a.ask('LOCK TABLES t WRITE')
at = now()
b = Client()
b.begin('INSERT INTO t (v) VALUES (3)')
b.runs('Waiting for table metadata lock')
same(w.one(f'SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = {b.id}'), '0', 'it is in no transaction')
held(at, f'held back by a statement of connection {b.id} of root@localhost, running for ', 'who waits for a table')
a.ask('UNLOCK TABLES')
b.ask('DO 1')
b.begin('INSERT INTO t (v) SELECT 4 FROM (SELECT SLEEP(3600)) AS s')
b.runs('User sleep')
held(now() - datetime.timedelta(seconds=1), 'held back by a statement', 'who has no row yet')
w.sql(f'KILL {b.id}')
free('all of them are gone')

# --- the list of open transactions is renewed when nobody has read it for 0.1 s ---
pollers = [Client() for _ in range(2)]
for p in pollers:
    p.feeder = threading.Thread(target=lambda p=p: p.again('SELECT COUNT(*) FROM information_schema.INNODB_TRX; DO SLEEP(.03)'))
    p.feeder.start()
at = now()
a.ask('BEGIN; UPDATE t SET v = 5')
while now() < at + datetime.timedelta(seconds=4):  # beyond what is kept away from anyhow
    time.sleep(.05)
to, notice = plan()
ok(to < at, 'others read the list all the time: the window ends before the transaction all the same') or diag(f'{to}, began {at}: {notice}')
like(notice, 'so often that it is not renewed', 'and it is said')
for p in pollers:
    p.over = True
    p.feeder.join()
    p.close()
a.ask('COMMIT')

# --- prepared, and the client is gone; then the server was, too ---
at = now()
a.ask("XA START 'x'; INSERT INTO t (v) VALUES (99); XA END 'x'; XA PREPARE 'x'")
a.close()
same(plan()[0].year, 1, 'nothing is safe with a prepared transaction of nobody')
w.server('mariadb', 'kill')
w.start_mysql()
w.good('extract', 'x')
to, notice = plan()
same(to.year, 1, 'nor after the server has begun anew, and its transaction with it')
like(notice, 'XA RECOVER', 'and it is said')
w.sql("XA COMMIT 'x'")
free('it is committed')
while plan()[0] <= at:
    time.sleep(.05)
w.good('extract', 'x')
same([sum(x.count(',99,') for x in open(w.path('lake', 'x', p))) for p in os.listdir(w.path('lake', 'x')) if p.endswith('.csv')], [1], 'and its row is taken')

# --- replicas ---
w.sql("GRANT SLAVE MONITOR ON *.* TO loader@'127.0.0.1'; CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='r', MASTER_PASSWORD='r'")
free('a source that once was a replica')
w.sql('SET GLOBAL read_only = 1')
to, notice = plan()
same(to.year, 1, 'nothing is safe on a replica whose replication does not run')
like(notice, 'how far this replica is behind is not to be known: its ', 'and it is said')
w.sql('SET GLOBAL read_only = 0; RESET SLAVE ALL')
free('told to forget it')

# --- MySQL refuses the list of transactions behind its columns ---
root = os.environ.get('ORCH_MYSQL9')
if root:
    script, folder = os.path.join(os.environ['ORCH_SOURCE'], 'tests', 'servers', 'mysql9.sh'), w.path('mysql9')
    w.run([script, 'start', root, folder, str(w.base + 81), '--default-time-zone=+05:30'])
    try:
        w.run(['mariadb', '--no-defaults', '-uroot', '-S', f'{folder}/sock', '-e', "CREATE DATABASE w; CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'loader-secret'; GRANT ALL ON w.* TO plain@'127.0.0.1';"
               'CREATE TABLE w.t (id INT PRIMARY KEY, u TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6)); INSERT INTO w.t (id) VALUES (1)'])
        config(user='plain')
        with open(w.path('orch.json')) as f:
            c = json.load(f)
        c['connections']['warehouse']['url'] = f'mysql://plain@127.0.0.1:{w.base + 81}/w'
        c['extracts'] = {'oracle': c['extracts']['x']}
        w.write_config(c)
        doc = []
        while not doc:
            r = w.good('extract', 'oracle', '-o', 'json')
            doc = json.loads(r.out)['extractions']
        same([(d['state'], d['rows'], d['message']) for d in doc], [('PUBLISHED', 1, '')], 'MySQL, without PROCESS: asked twice on one connection')
    finally:
        w.run([script, 'kill', folder])
else:
    ok(True, 'MySQL, without PROCESS # SKIP ORCH_MYSQL9 is not set')
done()

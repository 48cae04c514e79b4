#!/usr/bin/python3
"""./dev campaign writers [SECONDS]: incremental extracts while others write: insert, update, commit late, roll back, delete.

Every version of a row is also a row of `history`, by trigger, so in the same transaction; and `history` is extracted whole with each
run, from the same snapshot: so what was current in a run's snapshot is known exactly, and no clock is asked. Held against the files:
each run has exactly the current rows of its windows; every current version below a window's end has come by then; in the end the last
version of every row has; and what came twice lies in an overlap, or came by one of two watermarks and then by the other.

Three extracts at once: `seen` may see transactions (PROCESS) and lags 0 s; `twice` too, 1 s, and overlaps 5 s; `blind` may not, and
lags longer than any transaction is open. A fourth does neither, and must lose rows: or this would see nothing. The server's machine, the server and its writers are in three zones.
"""
import collections, csv, datetime, glob, os, random, subprocess, sys, threading, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
os.environ['TZ'] = 'America/New_York'  # of the server's machine
from world import *

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 600
HELD = min(8.0, SECONDS / 6)         # the longest that a transaction is held open
WAIT = 2 if SECONDS > 60 else 1       # for a lock of another's
EXTRACTS = {'seen': ('loader', '0s', 0), 'twice': ('loader', '1s', 5), 'blind': ('plain', f'{int(HELD + 3 * WAIT + 3)}s', 0), 'naive': ('plain', '0s', 0)}
# Watermarks by table; the third has none until the row is changed; the fourth is in the server's zone.
TABLES = {'micro': ['u'], 'whole': ['u'], 'pair': ['c', 'u'], 'local': ['u']}
seed = int(os.environ.get('ORCH_SEED', random.randrange(1 << 30)))
w = World('mysql', mysql_options=['--default-time-zone=+05:30', f'--innodb-lock-wait-timeout={WAIT}', '--innodb-flush-log-at-trx-commit=2'])
diag(f'seed {seed}')

w.sql("GRANT PROCESS ON *.* TO loader@'127.0.0.1'; CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'loader-secret'; GRANT ALL ON w.* TO plain@'127.0.0.1';"
      'CREATE TABLE history (seq BIGINT AUTO_INCREMENT PRIMARY KEY, t VARCHAR(8), id BIGINT, v BIGINT, c TIMESTAMP(6) NULL, u TIMESTAMP(6) NULL, d DATETIME NULL)')
for name, columns in {'micro': 'u TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)',
                      'whole': 'u TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP',
                      'pair': 'c TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), u TIMESTAMP(6) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(6)',
                      'local': 'u DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP'}.items():
    w.sql(f'CREATE TABLE {name} (id BIGINT AUTO_INCREMENT PRIMARY KEY, v BIGINT NOT NULL, {columns}, KEY (u))')
    cells = {'pair': 'NEW.c, NEW.u, NULL', 'local': 'NULL, NULL, NEW.u'}.get(name, 'NULL, NEW.u, NULL')
    for what in ('INSERT', 'UPDATE'):
        w.sql(f"CREATE TRIGGER {name}_{what} AFTER {what} ON {name} FOR EACH ROW INSERT INTO history VALUES (NULL, '{name}', NEW.id, NEW.v, {cells})")
    w.sql(f"CREATE TRIGGER {name}_DELETE AFTER DELETE ON {name} FOR EACH ROW INSERT INTO history VALUES (NULL, '{name}', OLD.id, -1, NULL, NULL, NULL)")


# ---- the writers -----------------------------------------------------------------------------------------------------
class Writer(threading.Thread):
    def __init__(self, n):
        super().__init__()
        self.rng, self.until, self.n, self.transactions, self.held = random.Random(seed * 10 + n), time.time() + SECONDS, n, 0, 0
        self.p = subprocess.Popen(['mariadb', '--no-defaults', '-uroot', '-S', w.socket, '-N', '-B', '-n', '-f', 'w'], env=w.env, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1)
        if n == 0:  # NOW(6) in a column of whole seconds goes up
            self.ask("SET sql_mode = CONCAT(@@sql_mode, ',TIME_ROUND_FRACTIONAL')")
        if n == 1:
            self.ask('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')

    def ask(self, sql):
        self.p.stdin.write(sql + ";\nSELECT 'over';\n")
        self.p.stdin.flush()
        while self.p.stdout.readline().strip() != 'over':
            if self.p.poll() is not None:
                raise RuntimeError('a writer is gone')

    def statement(self):
        t, r = self.rng.choice(list(TABLES)), self.rng.random()
        some = f'WHERE id >= {self.rng.randrange(1, min(400, 10 + self.transactions))} ORDER BY id LIMIT {self.rng.randrange(1, 4)}'
        if r < .4:
            return f'INSERT INTO {t} (v) VALUES ' + ','.join(['(UUID_SHORT())'] * self.rng.randrange(1, 4))
        if r < .46:
            return f'DELETE FROM {t} {some}'
        if r < .5 and t != 'pair':
            return f'UPDATE {t} SET v = UUID_SHORT(), u = NOW(6) {some}'
        if r < .54:  # its time is that of its begin, and it is in no transaction until the first row is there
            return f'INSERT INTO {t} (v) SELECT UUID_SHORT() FROM (SELECT SLEEP({self.rng.random():.3f})) AS late'
        return f'UPDATE {t} SET v = UUID_SHORT() {some}'

    def run(self):
        while time.time() < self.until:
            r = self.rng.random()
            body = [self.statement() for _ in range(self.rng.randrange(1, 4))]
            if r < (.1 if SECONDS > 60 else .15):  # nobody sees it for long, and then all at once
                pause, self.held = f'DO SLEEP({self.rng.uniform(.3, HELD):.3f})', self.held + 1
                body = body[:1] + [pause] + body[1:]
            begin = self.rng.choice(['BEGIN', 'BEGIN', 'START TRANSACTION WITH CONSISTENT SNAPSHOT', "XA START '%d'" % self.n])
            if r > .7:
                script = body
            elif begin[0] == 'X':
                end = self.rng.choice(['COMMIT', 'COMMIT', 'ROLLBACK'])
                script = [begin, *body, f"XA END '{self.n}'", f"XA PREPARE '{self.n}'", f"XA {end} '{self.n}'", f"XA ROLLBACK '{self.n}'"]
            else:
                script = [begin, *body, self.rng.choice(['COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK'])]
            self.ask(';\n'.join(script))
            self.transactions += 1
            time.sleep(self.rng.random() * (.25 if SECONDS > 60 else .1))  # the pace of the load; nothing is waited for
        self.p.stdin.close()
        self.p.wait()


class Locker(threading.Thread):
    """Who would write waits for the table, and has its time already."""
    def __init__(self):
        super().__init__()
        self.over, self.locks = False, 0

    def run(self):
        rng = random.Random(seed - 1)
        while not self.over:
            t = rng.choice(list(TABLES))
            try:
                w.sql(f'SET lock_wait_timeout = 1; LOCK TABLES {t} WRITE; DO SLEEP(.6); UNLOCK TABLES')
                self.locks += 1
            except RuntimeError:
                pass  # it did not come
            time.sleep(rng.uniform(.5, 4))


# ---- the extracts ----------------------------------------------------------------------------------------------------
def full(text):
    return text if '.' in text else text + '.000000'


def earlier(text, seconds):
    t = datetime.datetime.strptime(full(text), '%Y-%m-%d %H:%M:%S.%f') - datetime.timedelta(seconds=seconds)
    return t.strftime('%Y-%m-%d %H:%M:%S.%f')


class Extract(threading.Thread):
    def __init__(self, name):
        super().__init__()
        self.name_, (self.user, self.lag, self.overlap) = name, EXTRACTS[name]
        self.over, self.faults, self.count = False, [], collections.Counter()
        self.union = {t: {} for t in TABLES}  # (id, v): numbers of runs
        self.last_to = {}
        self.windows = collections.defaultdict(list)
        self.config = f'{name}.json'
        with open(w.path(self.config), 'w') as f:
            json.dump({'state': f'{name}.db', 'tick': {'linger': '0s'}, 'extracts': {name: {
                'schedule': '', 'source': {'connection': 'warehouse'}, 'target': {'connection': 'lake', 'prefix': ''}, 'lag': self.lag, 'overlap': f'{self.overlap}s',
                'datetime_timezone': 'Asia/Kolkata', 'path': '{task}/{table}_{epoch}_{run}[_{part}]', 'page_rows': 500,
                'tables': [{'table': t, 'watermark': m} for t, m in TABLES.items()] + [{'table': 'history'}]}}, 'connections': {
                    'lake': {'url': f'file://{w.dir}/lake/'},
                    'warehouse': {'url': f'mysql://{self.user}@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}}}, f)

    def fault(self, text):
        self.count['faults'] += 1
        if len(self.faults) < 20:
            self.faults.append(text)
            if self.name_ != 'naive':
                diag(f'{self.name_}: {text}')

    def manifests(self, run):
        out = {}
        for path in glob.glob(w.path('lake', self.name_, '_manifest', '*', '*.json')):
            if path in self.known:
                continue
            self.known.add(path)
            with open(path) as f:
                m = json.load(f)
            if m['run'] != run:
                self.fault(f'{path} is of run {m["run"]}, not of {run}')
            out[m['table']] = m
        return out

    known = None

    def rows(self, m):
        out = []
        for p in m['parts']:
            path = w.path('lake', p['key'])
            with open(path, newline='') as f:
                out += list(csv.DictReader(f))
            os.unlink(path)
        if len(out) != m['rows']:
            self.fault(f'{m["table"]} {m["seq"]}: {len(out)} rows, the manifest says {m["rows"]}')
        return out

    def current(self, rows):
        """{table: {id: (v, watermarks as UTC)}}"""
        out = {t: {} for t in TABLES}
        for r in sorted(rows, key=lambda r: int(r['seq'])):
            if r['v'] == '-1':
                out[r['t']].pop(r['id'], None)
            else:
                d = earlier(r['d'], 19800) if r['d'] else None
                out[r['t']][r['id']] = (r['v'], [full(x) for x in (r['c'], r['u'], d) if x])
        self.count['versions'] = len(rows)
        return out

    def check_table(self, n, t, m, current):
        """The window of one run, against its snapshot. Then all that is below its end, against all that came."""
        begin, end = m['watermark']['from'], m['watermark']['to']
        b, e = full(begin) if begin else '', full(end)
        if t in self.last_to and b != earlier(self.last_to[t], self.overlap):
            self.fault(f'{t} {n}: begins at {b}, the last one ended at {self.last_to[t]}')
        self.last_to[t] = end
        self.windows[t].append((b, e))
        got = collections.Counter((r['id'], r['v']) for r in self.rows(m))
        want = collections.Counter((i, v) for i, (v, marks) in current.items() if any(b <= x < e for x in marks))
        if got != want:
            self.fault(f'{t} {n} [{b}, {e}): {list((want - got).items())[:3]} are missing, {list((got - want).items())[:3]} too many')
        for key in got:
            self.union[t].setdefault(key, []).append(len(self.windows[t]) - 1)
        self.count['rows'] += m['rows']
        for i, (v, marks) in current.items():
            if all(x < e for x in marks) and (i, v) not in self.union[t]:
                self.fault(f'{t} {n} [{b}, {e}) at {m["snapshot"]["at"]}: {i} version {v} of {marks} is current, and never came')
                self.union[t][(i, v)] = []

    def once(self):
        if self.known is None:
            self.known = set()
        r = w.orch('extract', self.name_, '-o', 'json', config=self.config)
        if r.rc != 0:
            return self.fault(f'exit {r.rc}: {r.out} {r.err}')
        doc = json.loads(r.out)['extractions']
        self.count['runs'] += 1
        self.count['held back'] += any('held back' in (d.get('notice') or '') for d in doc)
        m = self.manifests(doc[0]['run'])
        self.now = self.current(self.rows(m.pop('history')))
        for t in m:
            self.check_table(self.count['runs'], t, m[t], self.now[t])
        for d in doc:  # a window without rows has none in its snapshot
            if d['table'] in TABLES and d['table'] not in m:
                b, e = full(d['from']) if d['from'] else '', full(d['to'])
                if any(b <= x < e for _, marks in self.now[d['table']].values() for x in marks):
                    self.fault(f'{d["table"]} [{b}, {e}): nothing came, and there is something')

    def run(self):
        while not self.over:
            t = time.time()
            self.once()
            time.sleep(max(0, t + (.5 if self.name_ == 'naive' else 1.5) - time.time()))  # the pace of cron

    def finish(self):
        """Until every table's window has gone beyond its last change."""
        until = time.time() + 90
        while True:
            self.once()
            left = {t: sum((i, v) not in self.union[t] for i, (v, _) in rows.items()) for t, rows in self.now.items()}
            if not any(left.values()) or time.time() > until or self.name_ == 'naive':
                return left
            time.sleep(.5)

    def check_twice(self):
        """(explained by the overlap, by the second watermark, not explained)"""
        by_overlap = by_pair = wrong = 0
        for t, versions in self.union.items():
            for key, runs in versions.items():
                for a, b in zip(runs, runs[1:]):
                    marks = self.marks[t].get(key, [])
                    if any(self.windows[t][b][0] <= x < self.windows[t][a][1] for x in marks):
                        by_overlap += 1
                        wrong += self.overlap == 0
                    elif t == 'pair' and len(marks) == 2 and marks[0] < self.windows[t][a][1] <= marks[1]:
                        by_pair += 1
                    else:
                        wrong += 1
        return by_overlap, by_pair, wrong


extracts, writers, locker = [Extract(n) for n in EXTRACTS], [Writer(n) for n in range(4)], Locker()
for t in [*writers, locker, *extracts]:
    t.start()
for t in writers:
    t.join()
locker.over = True
locker.join()
for t in extracts:
    t.over = True
    t.join()
marks = {t: {} for t in TABLES}
for t, i, v, c, u, d in w.sql("SET time_zone = '+00:00'; SELECT t, id, v, c, u, d - INTERVAL 19800 SECOND FROM history WHERE v <> -1"):
    marks[t][(i, v)] = [full(x) for x in (c, u, d) if x]
total = sum(len(x) for x in marks.values())
diag(f'{sum(x.transactions for x in writers)} transactions, {sum(x.held for x in writers)} of them held open for up to {HELD:.0f} s, {locker.locks} locks of a table, '
     f'{total} versions of {sum(len(set(i for i, _ in x)) for x in marks.values())} rows that were committed')
ok(total > 2 * SECONDS and all(x.transactions > SECONDS / 4 for x in writers), 'the writers wrote')
for x in extracts:
    left = x.finish()
    x.marks = marks
    overlap, pair, wrong = x.check_twice()
    if x.name_ == 'naive':
        diag(f'naive: {x.count["runs"]} runs, {x.count["faults"]} faults: versions that never came')
        ok(x.faults, 'naive: loses rows, and it is seen')
        continue
    came = sum(len(u) for u in x.union.values())
    diag(f'{x.name_}: {x.count["runs"]} runs, {x.count["rows"]} rows, {came} versions of {total}; {x.count["held back"]} runs held back; twice: {overlap} by overlap, {pair} by the second watermark')
    same(x.faults, [], f'{x.name_}: every run has what its snapshot has, and nothing below its end is missing')
    same(left, {t: 0 for t in TABLES}, f'{x.name_}: the last version of every row has come')
    same(wrong, 0, f'{x.name_}: what came twice is in an overlap, or has two watermarks')
    ok(x.count['runs'] > SECONDS / 6, f'{x.name_}: a run every few seconds')
    if x.overlap:
        ok(overlap > 0, f'{x.name_}: and the overlap did bring some')
    if x.user == 'loader':
        ok(x.count['held back'] > 0, f'{x.name_}: transactions held it back')
done()

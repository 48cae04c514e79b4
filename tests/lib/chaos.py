"""A small case, one random fault, and an exact end: what tests/t/random_faults.t and ./dev campaign faults repeat.

A Chaos has a MariaDB, a proxy before it and one before S3, and a table per way of keeping rows. run(i) draws a variant of
the pipeline and a fault from the seed and i, lets the fault strike a tick, goes on with ticks of a later clock until all
is done, and compares every cell, reject, ledger row and job with what a run without fault leaves.
"""
import collections, contextlib, gzip, json, os, random, re, shutil, signal, sqlite3, subprocess, threading, time
from world import *
from wire import Wire

PARTS = 3
COLUMNS = (('id', 'BIGINT'), ('f', 'INT'), ('age', 'INT'), ('income', 'DECIMAL(12,2)'), ('rate', 'DOUBLE'), ('note', 'VARCHAR(60)'), ('at', 'DATETIME'))
DDL = 'CREATE TABLE {} (id BIGINT, f INT, age INT, income DECIMAL(12,2), rate DOUBLE, note VARCHAR(60), `at` DATETIME){}'
SELECT = 'SELECT id, f, age, income, rate, note, `at` FROM {} ORDER BY id'
BAD = {(1, 12): ('age', 'abc'), (2, 77): ('age', '12x'), (2, 401): ('rate', '1,000'), (5, 3): (None, '')}  # (file, record): what is wrong in it


def key_of(f):
    hour, name = ((0, 'a.csv'), (0, 'b.csv'), (1, 'big.csv'), (0, 'c.csv'), (2, 'x.csv.gz'), (2, 'y.csv'), (2, 'only-a-header.csv'))[f]
    return hour_key(hour, name)


def make_case(big):
    """{key: bytes}, the rows as the server prints them, and the rejects as (key, line)."""
    rng, files, rows, rejects = random.Random(7), {}, [], set()
    for f, n in enumerate((40, 30, big, 5, 25, 20, 0)):
        lines, line = [','.join(c for c, _ in COLUMNS)], 1
        for i in range(1, n + 1):
            line += 1
            row = [str(f * 1000000 + i), str(f), str(rng.randint(18, 96)) if rng.random() < .9 else 'NA', '%.2f' % (rng.randint(0, 10**7) / 100) if rng.random() < .8 else 'NA',
                   repr(rng.randint(-4000, 4000) / 8).removesuffix('.0'), rng.choice(['plain', 'é ü', 'a, b', 'two\nlines', 'NA', '"q"', '']), '2022-06-05 %02d:%02d:00' % (rng.randint(0, 23), rng.randint(0, 59))]
            column, text = BAD.get((f, i), ('', ''))
            if (f, i) in BAD:
                rejects.add((key_of(f), line))
                row = row[:4] if column is None else [text if c == column else v for (c, _), v in zip(COLUMNS, row)]
            quoted = [row[5] in ('NA', ''), *[False] * 9] if len(row) > 5 else [False] * 9
            lines.append(','.join('"' + c.replace('"', '""') + '"' if (j == 5 and quoted[0]) or re.search('[,"\n]', c) else c for j, c in enumerate(row)))
            if (f, i) not in BAD:
                rows.append([None if c == 'NA' and j != 5 else c.replace('\n', '\\n') for j, c in enumerate(row)])
            line += row[5].count('\n') if len(row) > 5 else 0
        data = ('\n'.join(lines) + '\n').encode()
        files[key_of(f)] = gzip.compress(data, mtime=0) if key_of(f).endswith('.gz') else data
    return files, rows, rejects


class Sql:
    """The server's own client, kept open: a statement costs a fraction of a millisecond."""

    def __init__(self, socket):
        self.socket, self.p = socket, None

    def open(self):
        self.p = subprocess.Popen(['mariadb', '--no-defaults', '-uroot', '-S', self.socket, '-N', '-B', '-n', '--default-character-set=utf8mb4', 'w'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __call__(self, text):
        if self.p is None:
            self.open()
        self.p.stdin.write((text + ";\nSELECT '-- end --';\n").encode())
        self.p.stdin.flush()
        lines = []
        for line in self.p.stdout:
            line = line.decode(errors='backslashreplace').rstrip('\n')
            if line == '-- end --':
                return [[None if c == 'NULL' else c for c in l.split('\t')] for l in lines]
            lines.append(line)
        why = self.p.stderr.read().decode()
        self.close()
        raise RuntimeError(f'{text}: {why}')

    def close(self):
        if self.p is not None:
            self.p.kill()
            self.p.communicate()
            self.p = None


def schema_path(schema, name, path=()):
    """Where in orch.json a key may stand, or None."""
    if isinstance(schema, dict):
        for k, v in (schema.get('properties') or {}).items():
            if k == name:
                return path + (k,)
            found = schema_path(v, name, path + (k,))
            if found:
                return found
        for k in ('additionalProperties', 'patternProperties', 'anyOf', 'oneOf', '$defs'):
            v = schema.get(k)
            for part in v.values() if k in ('patternProperties', '$defs') and isinstance(v, dict) else v if isinstance(v, list) else [v]:
                found = schema_path(part, name, path + (('*',) if 'ropert' in k else ()))
                if found:
                    return found
    return None


def case_for(w):
    """The keys that this orch has, and the case: one file of it is larger than a chunk, where there are chunks."""
    schema = json.loads(w.orch('config', 'schema').out)
    keys = {k: schema_path(schema, k) for k in ('chunk_bytes', 'publish')}
    return keys, make_case(3500 if keys['chunk_bytes'] else 600)


# Stopped here, an owner is waited for in real time: inside a write of the state file (10 s), after the fence (its session's end).
SLOW = re.compile(r'store\.(begin|before)|before_commit$|COMMIT|orch_fence (SET|\()|orch_load (SET|\()|^EXECUTE SELECT COUNT\(\*\),')
SLOW_SHARE = .02


class Wrong(Exception):
    """The end is not exact."""


class Faults:
    """What runs with one fault each have in common. A subclass has w, sql, db_wire, s3_wire, procs, minute, log, exits; clock(),
    through(): a config whose servers are behind the wires; checked(): a process was killed, and what must hold then."""

    def spawn(self, fault=None, log=None, now=None, config='orch.json', words=('tick',)):
        w, now = self.w, now or self.clock()
        p = subprocess.Popen([ORCH, '-c', w.path(config), *words], env=w.orch_env(now=now, fault=fault, fault_log=log), cwd=w.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True)
        p.what = f'{" ".join(words)} at {now}' + (f' with {fault}' if fault else '')
        self.procs.append(p)
        return p

    def end(self, p, timeout=120, also=()):
        """Waits for it; its exit code. It may fail as a server that is away makes it fail, and in no other way."""
        try:
            out = p.communicate(timeout=timeout)[0].decode(errors='replace')
        except subprocess.TimeoutExpired:
            raise Wrong(f'{p.what} hangs') from None
        self.log.append(f'{p.what}: exit {p.returncode}{": " + out.strip() if out.strip() else ""}')
        if p in self.procs:
            self.procs.remove(p)
        self.exits.add(p.returncode)
        if p.returncode not in (0, 75, *also) or 'Assert' in out or 'anitizer' in out:
            raise Wrong(f'{p.what}: exit {p.returncode}')
        if p.returncode == -9:
            self.checked()
        return p.returncode

    def checked(self):
        pass

    def stop(self, fault):
        """A tick that stops itself at a fault point: the process, or None where it ended instead."""
        p = self.spawn(fault=fault)
        _, status = os.waitpid(p.pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            return p
        p.returncode = os.waitstatus_to_exitcode(status)
        self.end(p)
        return None

    def state(self, text, path='run/orch.db'):
        with contextlib.closing(sqlite3.connect(self.w.path(path), timeout=20)) as db:
            return [list(r) for r in db.execute(text)]

    def forget(self):
        for name in ('orch.db', 'orch.db-wal', 'orch.db-shm'):
            if os.path.exists(self.w.path('run', name)):
                os.unlink(self.w.path('run', name))

    def do_stop_point(self, rng, v):
        return self.stopped(rng, f"*=stop@{self.quick(rng, v['points'])}")

    def cut(self, rng, v, action, **more):
        more['at'] = more.get('at') or 1 + int(rng.random() * len(v['commands']))
        self.through(v, db=self.db_wire.port)
        self.db_wire.arm(action, **more)
        self.tick()
        return self.db_wire.fired and f'{action} {more["at"]}: {self.db_wire.fired}'

    def do_db_before(self, rng, v):
        return self.cut(rng, v, 'before')

    def do_db_half(self, rng, v):
        return self.cut(rng, v, 'half')

    def do_db_after(self, rng, v):
        return self.cut(rng, v, 'after')

    def broken(self, rng, v, action, meet=None, **more):
        """A request to S3 meets it; meet: what to do in place of a tick."""
        self.through(v, s3=self.s3_wire.port)
        at = more.pop('at', None) or int(rng.random() * len(v['requests']))
        size = v['requests'][at][1]
        if action in ('reset', 'truncate', 'stall') and 'n' not in more:
            more['n'] = int(rng.random() * size)
        self.s3_wire.arm(action, at=at + 1, **more)
        if meet:
            return meet(self.s3_wire)
        self.tick()
        return self.s3_wire.fired and f'{action} {more.get("n", more.get("code", ""))} of {size}: {self.s3_wire.fired}'

    def do_s3_reset(self, rng, v):
        return self.broken(rng, v, 'reset')

    def do_s3_truncate(self, rng, v):
        return self.broken(rng, v, 'truncate')

    def do_s3_refuse(self, rng, v):
        return self.broken(rng, v, 'refuse')

    def disarm(self):
        """What was not struck by the tick that was meant is not to be struck at all."""
        for wire in (self.db_wire, self.s3_wire):
            if wire:
                wire.disarm()

    def clean(self):
        for p in self.procs:
            p.kill()
            p.communicate()
        self.procs = []
        for wire in (self.db_wire, self.s3_wire):
            if wire:
                wire.calm()


class Chaos(Faults):
    # what the fault is: its share of the runs
    KINDS = dict(kill_point=16, kill_named=12, kill_moment=6, stop_named=6, stop_point=4, error_point=5, db_before=5, db_half=4, db_after=8, db_answer=4, db_late=5, commit_lost=6, commit_late=4,
                 db_stall=3, server_killed=1, server_stopped=2, disk_full=1, s3_reset=6, s3_truncate=4, s3_status=5, s3_refuse=2, s3_stall=3,
                 state_lost=5, state_older=5, two_ticks=4, two_hosts=4, clock_jump=5)

    def __init__(self, seed, endpoint=None, chunk='64KiB', slow=SLOW_SHARE):
        self.w, self.seed = World('mysql', mysql_options=['--skip-stack-trace']), seed
        w = self.w
        w.linger = '0s'
        self.sql = Sql(w.socket)
        self.db_wire = Wire('mysql', w.base + 80)
        self.endpoint = endpoint
        self.s3_wire = Wire('http', int(endpoint.rsplit(':', 1)[1])) if endpoint else None
        self.keys, (self.files, self.rows, self.rejects) = case_for(w)
        self.chunk, self.slow, self.v = chunk, slow, None
        for key, data in self.files.items():
            w.put(key, data)
        self.variants, self.procs, self.stopped_server = {}, [], False
        self.sql(DDL.format('own', ''))
        self.small = self.mount()

    def mount(self):
        """A table whose tablespace is on a small file system; None where mounting is not allowed."""
        path = self.w.path('small')
        os.mkdir(path)
        os.chmod(path, 0o777)
        if self.w.run(['mount', '-t', 'tmpfs', '-o', 'size=8m,mode=777', 'none', path]).rc != 0:
            return None
        atexit.register(lambda: self.w.run(['umount', '-l', path]))
        self.sql(DDL.format('narrow', f" DATA DIRECTORY='{path}'"))
        return path

    # -- variants -----------------------------------------------------------------------------------------
    def draw(self, rng, kind):
        v = dict(verify=rng.choice(['sums', 'count']), s3=bool(self.endpoint) and (kind.startswith('s3') or rng.random() < .3), table=rng.choice(['made', 'own']), parallel=rng.choice([1, 1, 2]),
                 publish=rng.choice(['whole', 'chunks']) if self.keys['publish'] else None)
        if kind == 'disk_full':
            v['table'] = 'narrow'
        elif not kind.startswith(('db', 'commit', 'server', 'two_hosts')) and rng.random() < .15:
            v.update(table='sqlite', parallel=1, publish=None)
        return v

    def configure(self, v, db_port=None, s3_port=None):
        w, p = self.w, {}
        for name, value in (('publish', v['publish']), ('chunk_bytes', self.chunk)):
            if self.keys[name] and value:
                p['target_' + name if 'target' in self.keys[name] else name] = value
        lake = {'url': 's3://lake/', 'endpoint': f'http://127.0.0.1:{s3_port}' if s3_port else self.endpoint, 'path_style': True, 'region': 'us-east-1'} if v['s3'] else {}
        made = v['table'] in ('made', 'sqlite')
        if v['table'] == 'sqlite':
            p = {'target': 'sqlite'}
        else:
            p['warehouse'] = {'url': f'mysql://loader@127.0.0.1:{db_port or w.base + 80}/w'}
        w.pipeline(v['name'], columns={c: {'to': c, 'type': t} for c, t in COLUMNS} if made else {}, source_until=f'2022-06-05T{PARTS - 1:02d}', verify=v['verify'], max_rejects='9',
                   parallel=v['parallel'], target_table=v['table'], target_create=made, lake=lake, **p)
        w.write_config(dict(w.config_json, state='run/orch.db'))
        w.write_config(w.config_json)

    def variant(self, v):
        """Prepares a variant once, and learns what a run without fault passes."""
        if self.s3_wire is None:
            v['s3'] = False
        v['name'] = '-'.join(str(v[k]) for k in ('table', 'verify', 'publish', 'parallel') if v[k]) + ('-s3' if v['s3'] else '')
        if v['name'] in self.variants:
            return self.variants[v['name']]
        self.configure(v)
        if self.w.orch('validate').rc and v['parallel'] > 1:
            return self.variant(dict(v, parallel=1))
        self.fresh(v)
        self.good('target', 'setup')
        if v['table'] == 'sqlite':
            shutil.copy(self.w.path('target.db'), self.w.path('empty.db'))
        elif v['table'] != 'made':
            self.good('lineage', 'add', v['table'], '--pipeline', v['name'])
        self.fresh(v)
        self.configure(v, self.db_wire.port, self.s3_wire and self.s3_wire.port)
        self.db_wire.arm()
        if self.s3_wire:
            self.s3_wire.arm()
        log, began, size = self.w.path('points'), time.monotonic(), self.size(v)
        self.end(self.spawn(log=log))
        v['seconds'] = time.monotonic() - began
        v['points'] = open(log).read().split()
        os.unlink(log)
        v['commands'], v['requests'] = self.db_wire.seen, [list(r) for r in self.s3_wire.records] if self.s3_wire else []
        v['commits'] = sum(c.startswith('QUERY COMMIT') for c in v['commands'])
        v['growth'] = self.size(v) - size
        v['like'] = None
        v['like'] = self.exact(v)
        self.variants[v['name']] = v
        return v

    def size(self, v):
        return os.statvfs(self.small).f_blocks - os.statvfs(self.small).f_bfree if v['table'] == 'narrow' else 0

    # -- the program --------------------------------------------------------------------------------------
    def good(self, *argv):
        r = self.w.orch(*argv)
        if r.rc:
            raise Wrong(f'orch {" ".join(argv)}: exit {r.rc}: {r.err}')

    def fresh(self, v):
        shutil.rmtree(self.w.path('run'), ignore_errors=True)
        os.mkdir(self.w.path('run'))
        self.minute, self.log, self.exits, self.v = 0, [], set(), v
        if v['table'] == 'sqlite':
            for name in ('target.db-wal', 'target.db-shm', 'target.db-journal', 'target.db'):
                if os.path.exists(self.w.path(name)):
                    os.unlink(self.w.path(name))
            if os.path.exists(self.w.path('empty.db')):
                shutil.copy(self.w.path('empty.db'), self.w.path('target.db'))
            return
        have = {r[0] for r in self.sql('SHOW TABLES')}
        if v['table'] == 'narrow':
            self.sql('TRUNCATE narrow')
        self.sql('; '.join(f'DELETE FROM `{t}`' for t in have))

    def clock(self):
        self.minute += 6
        return '2022-06-%02dT%02d:%02d:00Z' % (6 + (self.minute + 120) // 1440, (self.minute + 120) // 60 % 24, self.minute % 60)

    def through(self, v, db=None, s3=None):
        self.configure(v, db, s3)

    def tick(self, **how):
        return self.end(self.spawn(**how))

    def finished(self, path='run/orch.db'):
        try:
            return self.state("SELECT (SELECT COUNT(DISTINCT part) FROM job WHERE state = 'RECONCILED'), (SELECT COUNT(*) FROM job WHERE state NOT IN ('RECONCILED', 'SUPERSEDED')), (SELECT COUNT(*) FROM flag), "
                              "(SELECT COUNT(*) FROM execution WHERE status = 'RUNNING')", path) == [[PARTS, 0, 0, 0]]
        except sqlite3.Error:
            return False

    def settle(self, paths=(('orch.json', 'run/orch.db'),)):
        for config, path in paths:
            for _ in range(40):
                if self.finished(path):
                    break
                self.tick(config=config)
            else:
                raise Wrong(f'not done after 40 ticks: {self.state("SELECT part, state, error, message FROM job", path)}')

    def ask(self, text):
        """The target."""
        if self.v['table'] != 'sqlite':
            return self.sql(text)
        return [[None if c is None else str(c) for c in row] for row in self.state(text, 'target.db')]

    # -- what must be true --------------------------------------------------------------------------------
    def visible(self, v):
        """At any moment a reader sees a file wholly or not at all."""
        if v['publish'] == 'chunks':
            return
        want = collections.Counter(r[1] for r in self.rows)
        for f, n in self.ask(f"SELECT f, COUNT(*) FROM {v['table']} GROUP BY f"):
            if int(n) != want[f]:
                raise Wrong(f'a reader sees {n} of {want[f]} rows of file {f}')

    def contents(self, v):
        rows = self.ask(SELECT.format(v['table']))
        if v['table'] != 'sqlite':
            return rows
        return [[*r[:4], repr(float(r[4])).removesuffix('.0'), r[5].replace('\n', '\\n'), r[6]] for r in rows]

    def books(self, path='run/orch.db'):
        """What the ledger and the state file say, without what differs from run to run."""
        ledger = self.ask('SELECT object_key, chunk, state, last, part, size, rows_read, rows_loaded, rows_rejected, columns_json FROM orch_load ORDER BY object_key, generation, chunk')
        jobs = self.state("SELECT DISTINCT part, state FROM job WHERE state <> 'SUPERSEDED' ORDER BY 1", path)
        loads = self.state("SELECT CAST(o.key AS TEXT), l.state, l.rows_read, l.rows_loaded, l.rows_rejected FROM load l JOIN object o ON o.id = l.object_id JOIN job j ON j.id = l.job_id "
                           "WHERE l.state NOT IN ('SUPERSEDED', 'DROPPED') ORDER BY 1", path)
        rejects = self.state('SELECT CAST(o.key AS TEXT), r.line, r.offset, r.column_, r.code, r.message, r.raw, r.state FROM reject r LEFT JOIN load l ON l.load_id = r.load_id LEFT JOIN object o ON o.id = l.object_id ORDER BY 1, 2', path)
        return dict(ledger=ledger, jobs=jobs, loads=loads, rejects=rejects)

    def quiet(self):
        """No process and no connection of any tick is left, so nothing moves any more."""
        for p in list(self.procs):
            os.kill(p.pid, signal.SIGCONT)
            self.end(p)
        for _ in range(5000):
            if not self.db_wire.connections and self.sql("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'loader'") == [['0']]:
                return
            time.sleep(.001)
        raise Wrong('a connection to the database outlives its program')

    def exact(self, v, path='run/orch.db', config='orch.json'):
        self.quiet()
        for moment in ('', 'after one more tick: '):
            if moment:
                before = self.ask('SELECT load_id, chunk, at_ms FROM orch_load ORDER BY 1, 2')
                r = self.w.orch('reconcile', v['name'], config=config, now=self.clock())
                if r.rc:
                    raise Wrong(f'reconcile: exit {r.rc}: {r.out}{r.err}')
                if self.tick(config=config):
                    raise Wrong('one more tick does not end well')
                if self.ask('SELECT load_id, chunk, at_ms FROM orch_load ORDER BY 1, 2') != before:
                    raise Wrong('one more tick changed the ledger')
            got = self.contents(v)
            if got != self.rows:
                raise Wrong(f'{moment}{len(got)} rows, {len(self.rows)} wanted; the first that differ: {[(a, b) for a, b in zip(got + [None] * 9, self.rows + [None] * 9) if a != b][:3]}')
            strays = self.ask(f"SELECT _orch_load_id, COUNT(*) FROM {v['table']} WHERE _orch_load_id IS NULL OR _orch_load_id NOT IN (SELECT load_id FROM orch_load WHERE state = 'LOADED') GROUP BY 1")
            if strays:
                raise Wrong(f'{moment}rows that the ledger does not know: {strays}')
            if not self.finished(path):
                raise Wrong(f'{moment}not finished')
            books = self.books(path)
            if {(r[0], r[1]) for r in books['rejects']} != self.rejects or any(r[-1] != 'FINAL' for r in books['rejects']):
                raise Wrong(f'{moment}rejects: {books["rejects"]}')
            for name, want in (v['like'] or {}).items():
                if books[name] != want:
                    raise Wrong(f'{moment}{name} differs from that of a run without fault:\n got {books[name]}\nwant {want}')
        for (table,) in self.sql('SHOW TABLES'):
            # what a death leaves in the stage is swept away by the next load that passes through it
            if table not in ('made', 'own', 'narrow') and not table.startswith(('orch_', '_orch_stage_')) and self.sql(f'SELECT 1 FROM `{table}` LIMIT 1'):
                raise Wrong(f'rows are left in {table}')
        return books

    # -- the faults: each returns what struck, or None where it never came to that ------------------------------
    def kill_at(self, fault):
        p = self.spawn(fault=fault)
        return fault if self.end(p, also=(-9,)) == -9 else None

    def named(self, rng, v):
        """A fault point, each as likely as the other, at one of its passages."""
        name = rng.choice(sorted(set(v['points'])))
        return name, 1 + int(rng.random() * v['points'].count(name))

    def do_kill_point(self, rng, v):
        return self.kill_at(f"*=kill@{1 + int(rng.random() * len(v['points']))}")

    def do_kill_named(self, rng, v):
        return self.kill_at('%s=kill@%d' % self.named(rng, v))

    def do_kill_moment(self, rng, v):
        p, after = self.spawn(), rng.random() * v['seconds'] * .7
        try:
            p.wait(timeout=after)
        except subprocess.TimeoutExpired:
            p.kill()
        return f'kill -9 after {after * 1000:.0f} ms' if self.end(p, also=(-9,)) == -9 else None

    def stopped(self, rng, fault):
        p = self.stop(fault)
        if p is None:
            return None
        self.minute += 30
        self.settle()
        if p.poll() is None and rng.random() < .3:
            p.kill()
            self.end(p, also=(-9,))
        elif p.poll() is None:
            os.kill(p.pid, signal.SIGCONT)
            self.end(p, also=(-9,))
        else:
            self.end(p, also=(-9,))  # it stood inside a write of the state file, and was ended
        return fault

    def quick(self, rng, names):
        """The number, from 1, of one of the names; of a slow one seldom."""
        slow = rng.random() < self.slow
        return rng.choice([i for i, name in enumerate(names, 1) if bool(SLOW.search(name)) == slow] or [1])

    def do_stop_named(self, rng, v):
        names = sorted(set(v['points']))
        name = names[self.quick(rng, names) - 1]
        return self.stopped(rng, f"{name}=stop@{1 + int(rng.random() * v['points'].count(name))}")

    def do_error_point(self, rng, v):
        fault = f"*=error@{1 + int(rng.random() * len(v['points']))}"
        self.tick(fault=fault)
        return fault

    def do_db_answer(self, rng, v):
        return self.cut(rng, v, 'answer', n=rng.choice([0, 1, 4, 7, rng.randint(8, 300)]))

    def do_db_late(self, rng, v):
        return self.cut(rng, v, 'late', ms=rng.randint(0, 60))

    def do_commit_lost(self, rng, v):
        return self.cut(rng, v, 'after', text=b'\x03COMMIT', at=1 + int(rng.random() * v['commits']))

    def do_commit_late(self, rng, v):
        return self.cut(rng, v, 'late', ms=rng.randint(0, 60), text=b'\x03COMMIT', at=1 + int(rng.random() * v['commits']))

    def held(self, wire):
        """A tick hangs in a wire; others take over; then the wire lets go, and what was dead goes on."""
        p = self.spawn()
        while not wire.is_held.wait(.01):
            if p.poll() is not None:  # a last word may be held of a program that does not wait for an answer
                wire.release()
                self.end(p)
                return None
        self.minute += 30
        self.settle()
        wire.release()
        self.end(p, also=(-9,) if self.v['table'] == 'sqlite' else ())  # an owner that may hold the lock of a file is ended
        return wire.fired

    def do_db_stall(self, rng, v):
        self.configure(v, self.db_wire.port)
        self.db_wire.arm('stall', at=self.quick(rng, v['commands']))
        return self.held(self.db_wire)

    def pid(self):
        return int(open(self.w.path('mariadb/mariadb.pid')).read().split()[0])

    def do_server_killed(self, rng, v):
        pid = self.pid()
        what = self.cut(rng, v, 'call', call=lambda: os.kill(pid, signal.SIGKILL))
        if what:
            self.sql.close()
            self.w.server('mariadb', 'kill')
            if rng.random() < .3:
                self.tick()  # and away for a while
            self.w.start_mysql()
        return what

    def do_server_stopped(self, rng, v):
        return self.stand_still(v, 1 + int(rng.random() * len(v['commands'])))

    def stand_still(self, v, at):
        """The server stands still past the lease; the next tick meets it so; then it goes on."""
        pid, stopped = self.pid(), threading.Event()
        self.configure(v, self.db_wire.port)
        self.db_wire.arm('call', at=at, call=lambda: (os.kill(pid, signal.SIGSTOP), stopped.set()))
        p = self.spawn()
        while not stopped.wait(.01):
            if p.poll() is not None:
                self.end(p)
                return None
        self.minute += 30
        self.db_wire.opened.clear()
        q = self.spawn()
        for _ in range(300):  # until it speaks to the server too, or has ended without
            if self.db_wire.opened.wait(.01) or q.poll() is not None:
                break
        os.kill(pid, signal.SIGCONT)
        self.end(p)
        self.end(q)
        return self.db_wire.fired

    def do_disk_full(self, rng, v):
        return self.fill(int(rng.random() * v['growth']))

    def fill(self, left):
        """So many pages are left to the table's file system; after the tick there is room again."""
        ballast = os.path.join(self.small, 'ballast')
        with open(ballast, 'wb', buffering=0) as f:
            try:
                while True:
                    f.write(b'x' * 65536)
            except OSError:
                pass
            f.truncate(max(os.fstat(f.fileno()).st_size - left * 4096, 0))
        self.tick()
        os.unlink(ballast)
        full = self.state("SELECT COUNT(*) FROM event WHERE details LIKE '%is full%'")[0][0]
        try:
            self.sql('DO 1')
        except (RuntimeError, OSError):  # InnoDB may die of it
            self.sql.close()
            self.w.server('mariadb', 'kill')
            self.w.start_mysql()
            return f'disk full after {left * 4} KiB, the server died'
        return f'disk full after {left * 4} KiB' if full else None

    def do_s3_status(self, rng, v):
        return self.broken(rng, v, 'status', code=rng.choice([500, 503]))

    def do_s3_stall(self, rng, v):
        return self.broken(rng, v, 'stall', self.held)

    def do_state_lost(self, rng, v):
        if rng.random() < .8:
            what = self.do_kill_point(rng, v)
        else:
            what = 'all done'
            self.tick()
        self.forget()
        return what and f'state file deleted, {what}'

    def do_state_older(self, rng, v):
        second = (lambda: self.do_kill_point(rng, v)) if rng.random() < .6 else None
        return self.put_back(lambda: self.do_kill_point(rng, v), second)

    def put_back(self, first, second=None):
        """The state file as it was after the first tick comes back after the second, which has done all of it where it is None."""
        first = first()
        if not os.path.exists(self.w.path('run/orch.db')):
            return None
        old = self.w.path('run/older')
        with contextlib.closing(sqlite3.connect(self.w.path('run/orch.db'))) as a, contextlib.closing(sqlite3.connect(old)) as b:
            a.backup(b)
        self.minute += 30
        second = second() if second else self.settle() or 'all done'
        self.forget()
        os.rename(old, self.w.path('run/orch.db'))
        return first and second and f'state of {first} put back, {second}'

    def do_two_ticks(self, rng, v):
        now = self.clock()
        ps = []
        for _ in range(rng.choice([2, 2, 3])):
            ps.append(self.spawn(now=now))
            if rng.random() < .5:
                time.sleep(rng.random() * v['seconds'] / 2)
        for p in ps:
            self.end(p)
        return f'{len(ps)} ticks at once'

    def do_two_hosts(self, rng, v):
        """Two state files, one target."""
        hosts = (('orch.json', 'run/orch.db'), ('b.json', 'run/b.db'))
        with open(self.w.path('b.json'), 'w') as f:
            json.dump(dict(self.w.config_json, state='run/b.db'), f)
        for _ in range(2):
            now = self.clock()
            for p in [self.spawn(config=c, now=now) for c, _ in hosts]:
                self.end(p)
        self.settle(hosts)
        self.exact(v, *reversed(hosts[1]))
        return 'two hosts'

    def do_clock_jump(self, rng, v):
        now = rng.choice(['2031-01-01T00:00:00Z', '2022-06-05T02:30:00Z', '2022-06-07T02:00:00Z', '2022-06-05T23:00:00Z'])
        fault = f"*=error@{1 + int(rng.random() * len(v['points']))}"
        self.tick(fault=fault, now=now)
        return f'{fault}, the clock at {now[:10]}'

    # -- a fault that is chosen, not drawn ------------------------------------------------------------------
    def trial(self, name, strike, must_strike=True, **variant):
        """strike(v) does something to a tick and says what; then all goes on, and the end must be exact. None: it did not strike."""
        v = self.variant(dict(dict(verify='sums', s3=False, table='made', parallel=1, publish='whole' if self.keys['publish'] else None), **variant))
        what = why = None
        self.fresh(v)
        self.configure(v)
        try:
            what = strike(v)
            self.disarm()
            self.visible(v)
            self.settle()
            self.exact(v)
        except (Wrong, RuntimeError) as e:
            why = e
        if not what and not why and not must_strike:
            return None
        good = ok(what and not why, f'{name}: exact')
        if not good:
            diag('\n'.join([f'what struck: {what}; {why}', *self.log]))
        self.clean()
        return good

    # -- one run --------------------------------------------------------------------------------------------
    def run(self, i, kind=None):
        rng, began = random.Random(f'{self.seed}/{i}'), time.monotonic()
        kinds = {k: n for k, n in self.KINDS.items() if (self.endpoint or not k.startswith('s3')) and (self.small or k != 'disk_full')}
        kind = kind or rng.choices(list(kinds), list(kinds.values()))[0]
        what = why = v = None
        self.log, self.exits = [], set()
        try:
            v = self.variant(self.draw(rng, kind))
            self.fresh(v)
            self.configure(v)
            what = getattr(self, 'do_' + kind)(rng, v)
            self.disarm()
            self.visible(v)
            self.settle()
            self.exact(v)
        except Wrong as e:
            why = str(e)
        except RuntimeError as e:  # the server's own client
            why = f'the server: {e}'
        finally:
            if why is None or not os.environ.get('ORCH_TEST_KEEP'):
                self.clean()
        return dict(i=i, kind=kind, what=what, why=why, variant=v and v['name'], ms=(time.monotonic() - began) * 1000, exits=sorted(self.exits), log=self.log if why else [])

    def keep(self, r):
        os.environ['ORCH_TEST_KEEP'] = '1'
        with open(self.w.path('WHY'), 'w') as f:
            f.write('\n'.join([json.dumps(r, indent=1), *r['log']]) + '\n')
        try:
            for name, text in (('contents', SELECT.format(r['variant'].split('-')[0])), ('ledger', 'SELECT * FROM orch_load'), ('fence', 'SELECT * FROM orch_fence')):
                with open(self.w.path(name), 'w') as f:
                    f.writelines(repr(row) + '\n' for row in self.ask(text))
        except (RuntimeError, OSError, AttributeError, sqlite3.Error) as e:
            diag(e)


# -- many runs -----------------------------------------------------------------------------------------------------
def fast_folder():
    """Memory where there is enough of it: thousands of small commits are not what a disk is for."""
    try:
        st = os.statvfs('/dev/shm')
        if st.f_bavail * st.f_frsize > 2 << 30 and os.access('/dev/shm', os.W_OK):
            os.environ.setdefault('TMPDIR', '/dev/shm')
            tempfile.tempdir = None
    except OSError:
        pass


def lake():
    """A radosgw with the case in it, for all workers; None where it is not installed."""
    try:
        w = World('s3')
    except SystemExit:
        return None
    for key, data in case_for(w)[1][0].items():
        w.put(key, data)
    return w


def worker(c, first, step, end, stop):
    """Runs first, first + step, ... below end, a JSON line each; ends at the first that is not exact."""
    for i in range(first, end, step):
        if os.path.exists(stop):
            break
        r = c.run(i)
        print(json.dumps(r), flush=True)
        if r['why']:
            open(stop, 'w').close()
            c.keep(r)
            return 1
    return 0


class Tally:
    def __init__(self):
        self.runs, self.struck, self.exits, self.ms, self.slowest = collections.Counter(), collections.Counter(), collections.Counter(), collections.Counter(), (0, None)
        self.where, self.wrong = collections.defaultdict(set), []

    def add(self, r):
        k = r['kind']
        self.runs[k] += 1
        self.ms[k] += r['ms']
        self.slowest = max(self.slowest, (r['ms'], f"{k} {r['what']}"))
        if r['what']:
            self.struck[k] += 1
            self.where[k].add(re.sub(r'\d+', '', r['what']))
        if r['why']:
            self.wrong.append(r)

    def table(self, kinds):
        diag(f'{"fault":16s} {"runs":>6s} {"struck":>6s} {"places":>6s} {"ms":>6s}')
        for k in [k for k in kinds if self.runs[k]]:
            diag(f'{k:16s} {self.runs[k]:6d} {self.struck[k]:6d} {len(self.where[k]):6d} {self.ms[k] / self.runs[k]:6.0f}')
        n = sum(self.runs.values()) or 1
        diag(f'{"all":16s} {n:6d} {sum(self.struck.values()):6d} {"":6s} {sum(self.ms.values()) / n:6.0f}; the slowest: {self.slowest[1]}, {self.slowest[0]:.0f} ms')


def campaign(n, seed=1, first=0, jobs=2, slow=SLOW_SHARE, script=os.path.abspath(__file__), kinds=Chaos.KINDS, name='faults', lake=lake, every=500):
    """script: run as SCRIPT worker SEED FIRST STEP END ENDPOINT STOP SLOW, it prints a run's result a line."""
    fast_folder()
    w = lake()
    endpoint, stop = (w.endpoint, w.path('stop')) if w else ('', tempfile.mktemp(prefix='orch-stop.'))
    began, tally = time.monotonic(), Tally()
    ps = [subprocess.Popen([sys.executable, script, 'worker', str(seed), str(first + j), str(jobs), str(first + n), endpoint, stop, str(slow)], stdout=subprocess.PIPE, text=True) for j in range(jobs)]
    def read(p):
        for line in p.stdout:
            r = json.loads(line)
            with lock:
                tally.add(r)
                done = sum(tally.runs.values())
                if done % every == 0:
                    diag(f'{done} runs, {sum(tally.struck.values())} faults struck, {1000 * (time.monotonic() - began) / done:.0f} ms a run')
    lock = threading.Lock()
    readers = [threading.Thread(target=read, args=(p,)) for p in ps]
    for t in readers:
        t.start()
    for t in readers:
        t.join()
    codes = [p.wait() for p in ps]
    tally.table(kinds)
    for r in tally.wrong:
        diag(f"NOT EXACT: run {seed}/{r['i']}, {r['kind']}: {r['what']}, {r['variant']}\n{r['why']}\n" + '\n'.join(r['log']) + f"\nagain: ./dev campaign {name} 1 {seed}/{r['i']} 1")
    done = sum(tally.runs.values())
    diag(f'{1000 * (time.monotonic() - began) / max(done, 1):.0f} ms a run')
    ok(not tally.wrong and done == n and not any(codes), f'{done} runs with a random fault each, {sum(tally.struck.values())} struck: every one ends exact')
    return tally


if __name__ == '__main__':
    seed, first, step, end, endpoint, stop, slow = sys.argv[2:]
    sys.exit(worker(Chaos(int(seed), endpoint or None, slow=float(slow)), int(first), int(step), int(end), stop))

"""Extract runs, one random fault each, and an exact end: what tests/t/extract_faults.t and ./dev campaign extract repeat.

A Chaos has a MariaDB with three tables: `a` and `ab` are taken by a watermark (one name begins as the other does), `f` whole
each time. run(i) draws a sink and a fault from the seed and i, lets rows come in between the ticks, lets the fault strike one
of them, goes on with ticks of a later clock until all is done, and holds what lies at the sink against the tables.
"""
import collections, csv, glob, hashlib, io, json, os, random, re, shutil, signal, sqlite3, subprocess, threading, time
import xml.etree.ElementTree as ET
from world import *
from wire import Wire
import chaos
from chaos import Sql, Wrong

BIG = 9 << 20  # more than one piece of an upload


def at_of(minute, second=0):
    return '2022-06-%02d %02d:%02d:%02d' % (6 + minute // 1440, minute // 60 % 24, minute % 60, second)


class Folder:
    """What lies at a file:// sink."""

    def __init__(self, path):
        self.path = path

    def files(self):
        """{key: a mark that changes when it is written anew}, and what is not whole yet."""
        whole, open_ = {}, []
        for folder, _, names in os.walk(self.path):
            for name in names:
                p = os.path.join(folder, name)
                try:
                    st = os.stat(p)
                except FileNotFoundError:
                    continue
                key = os.path.relpath(p, self.path)
                if name.startswith('.'):
                    open_.append(key)
                else:
                    whole[key] = (st.st_ino, st.st_mtime_ns, st.st_size)
        return whole, open_

    def get(self, key):
        with open(os.path.join(self.path, key), 'rb') as f:
            return f.read()


class Bucket:
    """What lies below a prefix at S3."""

    def __init__(self, s3, bucket, prefix):
        self.s3, self.bucket, self.prefix = s3, bucket, prefix

    def ask(self, query):
        return ET.fromstring(re.sub(rb' xmlns="[^"]*"', b'', self.s3.request('GET', self.bucket, query=query)[1]))

    def files(self):
        page = self.ask({'list-type': '2', 'max-keys': '1000', 'prefix': self.prefix})
        whole = {c.findtext('Key')[len(self.prefix):]: (c.findtext('LastModified'), c.findtext('ETag'), int(c.findtext('Size'))) for c in page.iter('Contents')}
        return whole, [u.findtext('Key') for u in self.ask({'uploads': '', 'max-uploads': '1000', 'prefix': self.prefix}).iter('Upload')]

    def get(self, key):
        return self.s3.get(self.bucket, self.prefix + key)


class Chaos(chaos.Faults):
    # what the fault is: its share of the runs
    KINDS = dict(kill_point=16, kill_named=16, kill_moment=6, error_point=5, stop_point=5, stop_named=6, sigterm=4, db_before=3, db_half=2, db_after=3, db_answer=4, db_kill=6, server_killed=1,
                 s3_reset=8, s3_truncate=4, s3_status=7, s3_refuse=4, s3_lost=8, state_lost=6, state_older=6, two_ticks=4, two_hosts=6)

    def __init__(self, seed, endpoint=None, rows=1500):
        self.w, self.seed, self.rows = World('mysql'), seed, rows
        self.sql = Sql(self.w.socket)
        self.db_wire = Wire('mysql', self.w.base + 80)
        self.endpoint = endpoint
        self.s3_wire = Wire('http', int(endpoint.rsplit(':', 1)[1])) if endpoint else None
        self.s3 = S3(endpoint) if endpoint else None
        self.sql('CREATE TABLE a (id INT PRIMARY KEY, `at` DATETIME(3), t VARCHAR(200), KEY (`at`)); CREATE TABLE ab (id INT PRIMARY KEY, `at` DATETIME(3), t VARCHAR(200), KEY (`at`)); '
                 'CREATE TABLE f (id INT PRIMARY KEY, t TEXT)')
        self.learned, self.procs, self.v, self.n = {}, [], None, 0

    # -- the case -----------------------------------------------------------------------------------------
    def draw(self, rng, kind):
        s3 = bool(self.s3) and (kind.startswith('s3') or rng.random() < .4)
        return dict(s3=s3, big=s3 and rng.random() < .4, parallel=rng.choice([1, 1, 3]), verify=rng.choice(['count', 'count', 'full']), compress=rng.choice(['none', 'none', 'gzip']),
                    page_rows=rng.choice([200, 1000000]), path=rng.choice(['{task}/{table}_{timestamp}[_{part}]', '{task}/{table}_{timestamp}[_{part}]', '{table}/%Y/%m/{run}-{epoch}[-{part}]']))

    def name(self, v):
        return '-'.join(f'{k}={x}' if not isinstance(x, bool) else k for k, x in v.items() if x)

    def configure(self, db_port=None, s3_port=None, state='run/orch.db', config='orch.json'):
        v = self.v
        if v['s3']:
            lake = {'url': 's3://lake/' + self.prefix, 'endpoint': f'http://127.0.0.1:{s3_port}' if s3_port else self.endpoint, 'path_style': True, 'region': 'us-east-1'}
        else:
            lake = {'url': f'file://{self.w.dir}/lake/'}
        body = {'schedule': 'rate(1 minute)', 'source': {'connection': 'warehouse'}, 'target': {'connection': 'lake', 'prefix': ''}, 'lag': '0s', 'datetime_timezone': 'UTC',
                'tables': [{'table': 'a', 'watermark': ['at']}, {'table': 'ab', 'watermark': ['at']}, {'table': 'f'}], 'part_bytes': '16KiB' if not v['big'] else '64MiB',
                **{k: v[k] for k in ('parallel', 'verify', 'compress', 'page_rows', 'path')}}
        with open(self.w.path(config), 'w') as f:
            json.dump({'state': state, 'tick': {'linger': '0s'}, 'extracts': {'x': body}, 'connections': {
                'lake': lake, 'warehouse': {'url': f'mysql://loader@127.0.0.1:{db_port or self.w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}}}, f)

    def fresh(self, v):
        self.v, self.log, self.exits, self.minute, self.last_id = v, [], set(), 0, 0
        self.n += 1
        self.prefix, self.seen, self.deaths = f'w{os.getpid()}-{self.n}/', {}, 0
        for name in ('run', 'lake'):
            shutil.rmtree(self.w.path(name), ignore_errors=True)
            os.mkdir(self.w.path(name))
        self.sink = Bucket(self.s3, 'lake', self.prefix) if v['s3'] else Folder(self.w.path('lake'))
        self.sql(f"TRUNCATE a; TRUNCATE ab; TRUNCATE f; INSERT INTO f SELECT seq, REPEAT('f', 60) FROM seq_1_to_20")
        if v['big']:
            self.sql(f"INSERT INTO f SELECT 1000 + seq, REPEAT('b', 32768) FROM seq_1_to_{BIG >> 15}")
        self.come(40, self.rows)
        self.configure()

    def come(self, a=None, ab=None):
        """Rows come into all tables, after the newest tick's clock and before the next one's."""
        at, first = at_of(self.minute + 120, 30), self.last_id + 1
        for table, n, text in (('a', a or 7, "'x'"), ('ab', ab or 300, "REPEAT('y', 120)")):
            self.sql(f"INSERT INTO {table} SELECT {first} + seq, '{at}', {text} FROM seq_1_to_{n}")
        self.last_id = first + max(a or 7, ab or 300)
        self.sql(f"INSERT INTO f VALUES ({self.last_id + 100000}, 'new')")

    # -- the program --------------------------------------------------------------------------------------
    def clock(self, by=6):
        self.minute += by
        return at_of(self.minute + 120).replace(' ', 'T') + 'Z'

    def checked(self):
        self.check()

    def through(self, v, db=None, s3=None):
        self.configure(db, s3)

    def tick(self, also=(), **how):
        """6: what was to be taken an hour ago has not been; another tick takes it."""
        rc = self.end(self.spawn(**how), also=(6, *also))
        return 0 if rc == 6 else rc

    def learn(self):
        """What a tick without fault passes, of this variant: two ticks, the second of them with few new rows."""
        name = self.name(self.v)
        if name not in self.learned:
            self.configure(self.db_wire.port, self.s3_wire and self.v['s3'] and self.s3_wire.port)
            self.db_wire.arm()
            if self.s3_wire:
                self.s3_wire.arm()
            log, began = self.w.path('points'), time.monotonic()
            if self.tick(log=log):
                raise Wrong('a tick without fault fails')
            with open(log) as f:
                points = f.read().split()
            os.unlink(log)
            self.learned[name] = dict(points=points, commands=list(self.db_wire.seen), requests=[list(r) for r in self.s3_wire.records] if self.s3_wire else [], seconds=time.monotonic() - began)
            self.done()
            self.fresh(self.v)
        return self.learned[name]

    def settle(self, config='orch.json', path='run/orch.db'):
        for i in range(40):
            rc = self.tick(config=config)
            if rc == 0 and i > 0 and self.state("SELECT (SELECT COUNT(*) FROM extraction WHERE state NOT IN ('PUBLISHED', 'SUPERSEDED')), (SELECT COUNT(*) FROM flag), "
                                                "(SELECT COUNT(*) FROM execution WHERE status = 'RUNNING')", path) == [[0, 0, 0]]:
                return
        raise Wrong(f"not done after 40 ticks: {self.state('SELECT run, name, state, error, message FROM extraction ORDER BY id DESC LIMIT 6', path)}")

    # -- what must be true --------------------------------------------------------------------------------
    def manifests(self, files):
        """{table: manifests in order}; each held against its parts."""
        out = collections.defaultdict(list)
        for key in sorted((k for k in files if k.endswith('_manifest.json')), key=lambda k: ('/2022/' in k, k)):
            mark, (m, marks) = files[key], self.seen.get(key, (None, None))
            if m is None:
                m, marks = json.loads(self.sink.get(key)), {'': mark}
                for part in m['parts']:
                    if part['key'] not in files:
                        raise Wrong(f"{key}: {part['key']} is not there")
                    data = self.sink.get(part['key'])
                    if len(data) != part['bytes'] or hashlib.sha256(data).hexdigest() != part['sha256']:
                        raise Wrong(f"{key}: {part['key']} is not as written")
                    rows = list(csv.reader(io.StringIO((__import__('gzip').decompress(data) if self.v['compress'] == 'gzip' else data).decode(), newline='')))[1:]
                    if len(rows) != part['rows']:
                        raise Wrong(f"{key}: {part['key']} has {len(rows)} rows")
                    part['ids'] = [int(r[0]) for r in rows]
                    marks[part['key']] = files[part['key']]
                self.seen[key] = m, marks
            if mark != marks['']:
                raise Wrong(f'{key} was written anew')
            for part in m['parts']:
                if files.get(part['key']) != marks[part['key']]:
                    raise Wrong(f"{part['key']}, which {key} lists, was {marks[part['key']]} and is {files.get(part['key'])}")
            if '/2022/' not in key:
                out[m['table']].append(m)
            elif m not in out[m['table']]:  # a copy beside the parts
                raise Wrong(f'{key} is not in the sequence')
        for key in self.seen:
            if key not in files:
                raise Wrong(f'{key} is gone')
        return out

    def check(self, path='run/orch.db'):
        """At any moment, whoever died."""
        try:
            known = self.state('SELECT name, seq, value FROM watermark', path)  # before the sink is looked at: it may only be behind
        except sqlite3.Error:
            known = []
        files, open_ = self.sink.files()
        all_ = self.manifests(files)
        for table, ms in all_.items():
            if [m['seq'] for m in ms] != list(range(len(ms))):
                raise Wrong(f"{table}: manifests {[m['seq'] for m in ms]}")
            if table == 'f':
                if any(len(ids) != len(set(ids)) for m in ms for ids in [[i for p in m['parts'] for i in p['ids']]]):
                    raise Wrong('f: a row twice')
                continue
            for before, m in zip([None, *ms], ms):
                if m['watermark']['from'] != (before and before['watermark']['to']):
                    raise Wrong(f"{table}: window {m['watermark']} behind {before and before['watermark']}")
        for table, seq, value in known:
            if seq >= len(all_[table]) or (seq >= 0 and (all_[table][seq]['watermark'] or {'to': None})['to'] != value):
                raise Wrong(f'the watermark of {table} is {value}, number {seq}, and there are {len(all_[table])} manifests')
        return files, open_, all_, known

    def ids(self, ms):
        return sorted(i for m in ms for p in m['parts'] for i in p['ids'])

    def quiet(self):
        for p in list(self.procs):
            os.kill(p.pid, signal.SIGCONT)
            self.end(p, also=(-9, 6))

    def exact(self, paths=(('orch.json', 'run/orch.db'),), orphans=False):
        """All is done: what is at the sink is what is in the tables, and nothing else is there."""
        self.quiet()
        self.minute += 90  # claims of the dead are kept for an hour
        self.come()
        for config, path in paths:
            self.settle(config, path)
        files, open_, all_, known = self.check(paths[-1][1])
        if open_:
            raise Wrong(f'left open: {open_}')
        for table in ('a', 'ab'):
            got, want = self.ids(all_[table]), [int(r[0]) for r in self.sql(f'SELECT id FROM {table} ORDER BY id')]
            if got != want:
                twice = [i for i, n in collections.Counter(got).items() if n > 1]
                raise Wrong(f'{table}: {len(got)} rows at the sink, {len(want)} in the table; twice {twice[:5]}, missing {sorted(set(want) - set(got))[:5]}')
        got, want = self.ids(all_['f'][-1:]), [int(r[0]) for r in self.sql('SELECT id FROM f ORDER BY id')]
        if got != want:
            raise Wrong(f'f: {len(got)} rows in the newest, {len(want)} in the table')
        if sorted((t, s) for t, s, _ in known) != sorted((t, len(ms) - 1) for t, ms in all_.items()):
            raise Wrong(f'watermarks {known}')
        listed = {p['key'] for ms in all_.values() for m in ms for p in m['parts']}
        beside = sum('/2022/' in k for k in files if k.endswith('_manifest.json'))
        if beside != ('%Y' in self.v['path']) * sum(map(len, all_.values())):
            raise Wrong(f'{beside} manifests beside the parts of {sum(map(len, all_.values()))}')
        left = sorted(k for k in files if k not in listed and not k.endswith('_manifest.json'))
        if left:
            raise Wrong(f'files that nobody lists: {left}')

    # -- the faults: each returns what struck, or None where it never came to that ------------------------------
    def named(self, rng, points):
        name = rng.choice(sorted({p for p in points if rng.random() < .9 or p.startswith(('extract', 'sink'))} or {'extract.dumped'}))
        return name, 1 + int(rng.random() * points.count(name))

    def killed(self, fault):
        return fault if self.tick(fault=fault, also=(-9,)) == -9 else None

    def do_kill_point(self, rng, l):
        return self.killed(f"*=kill@{1 + int(rng.random() * len(l['points']))}")

    def do_kill_named(self, rng, l):
        what = self.killed('%s=kill@%d' % self.named(rng, l['points']))
        if what and rng.random() < .4:  # and again, in the midst of the mending
            self.come()
            what += ', ' + str(self.killed('%s=kill@%d' % self.named(rng, l['points'])))
        return what

    def do_kill_moment(self, rng, l):
        p, after = self.spawn(), rng.random() * l['seconds'] * .8
        try:
            p.wait(timeout=after)
        except subprocess.TimeoutExpired:
            p.kill()
        return f'kill -9 after {after * 1000:.0f} ms' if self.end(p, also=(-9, 6)) == -9 else None

    def do_error_point(self, rng, l):
        fault = f"*=error@{1 + int(rng.random() * len(l['points']))}"
        self.tick(fault=fault)
        return fault

    def do_sigterm(self, rng, l):
        p, after = self.spawn(words=rng.choice([('tick',), ('extract', 'x')])), l['seconds'] * (.1 + rng.random() * .7)
        try:
            p.wait(timeout=after)
        except subprocess.TimeoutExpired:
            p.terminate()
        return f'SIGTERM after {after * 1000:.0f} ms' if self.end(p, also=(-15,)) == 75 else None  # -15: before it has begun

    def stopped(self, rng, fault):
        p = self.stop(fault)
        if p is None:
            return None
        self.minute += 30
        self.come()
        if rng.random() < .3:  # the one that takes over dies too
            self.killed('%s=kill@1' % rng.choice(['extract.dumped', 'extract.written', 'extract.before_manifest', 'extract.after_manifest', 'sink.finished']))
            self.come()
            self.minute += 30
        if rng.random() < .7:
            self.settle()
        else:  # he wakes while the other is at work
            fault = f'{fault}, awake at once'
        if p.poll() is None:
            other = self.spawn() if 'awake' in fault else None
            if other:
                time.sleep(rng.random() * .3)
            os.kill(p.pid, signal.SIGCONT)
            self.end(p, also=(-9, 6))
            if other:
                self.end(other, also=(6,))
        else:
            self.end(p, also=(-9, 6))  # it stood inside a write of the state file, and was ended
        self.check()
        return fault

    def quick(self, rng, names):
        """The number, from 1, of a point where an owner is not waited for in real time."""
        return rng.choice([i for i, name in enumerate(names, 1) if not re.search(r'store\.(begin|before)', name)] or [1])

    def do_stop_named(self, rng, l):
        names = sorted({p for p in l['points'] if p.startswith(('extract', 'sink'))})
        name = rng.choice(names)
        return self.stopped(rng, f"{name}=stop@{1 + int(rng.random() * l['points'].count(name))}")

    def do_db_answer(self, rng, l):
        """In the midst of the rows that a SELECT gives."""
        return self.cut(rng, l, 'answer', n=rng.choice([0, 1, 7, rng.randint(8, 300), rng.randint(300, 20000)]))

    def do_db_kill(self, rng, l):
        """KILL of all that it has open at the server."""
        def strike():
            for pid, in once(self.w, "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'loader'"):
                once(self.w, f'KILL {pid}', may_fail=True)
        return self.cut(rng, l, 'call', call=strike)

    def do_server_killed(self, rng, l):
        dead = threading.Event()

        def strike():
            self.sql.close()
            self.w.server('mariadb', 'kill')
            dead.set()
        what = self.cut(rng, l, 'call', call=strike)
        if what:
            dead.wait(60)  # a last word is not waited for by the program
            self.w.start_mysql()
        return what

    def do_s3_status(self, rng, l):
        """Once, or from then on: the run fails and goes on another time."""
        if rng.random() < .3:
            what = rng.choice([r'PUT \S*partNumber', r'POST \S*uploads', r'POST \S*uploadId', r'PUT \S*_manifest\.json', r'GET \S*list-type', r'HEAD ', r'PUT '])
            self.configure(None, self.s3_wire.port)
            self.s3_wire.arm('status', text=re.compile(what.encode()), code=503, every=True)
            self.tick()
            return self.s3_wire.fired and f'503 for {what} all the time: {self.s3_wire.fired}'
        return self.broken(rng, l, 'status', code=rng.choice([500, 503]))

    def do_s3_lost(self, rng, l):
        """A write is done, and the answer does not come."""
        writes = [i for i, (name, _) in enumerate(l['requests']) if name.startswith(('PUT', 'POST', 'DELETE'))]
        return self.broken(rng, l, 'reset', at=rng.choice(writes), n=0 if rng.random() < .5 else 1)

    def copy(self, to):
        with sqlite3.connect(self.w.path('run/orch.db')) as a, sqlite3.connect(self.w.path(to)) as b:
            a.backup(b)
        a.close(), b.close()

    def do_state_lost(self, rng, l):
        what = self.do_kill_named(rng, l) if rng.random() < .7 else ('all done', self.tick())[0]
        self.come()
        self.forget()
        return what and f'state file deleted, {what}'

    def do_state_older(self, rng, l):
        first = self.do_kill_named(rng, l)
        if not first:
            return None
        self.copy('run/older')
        self.come()
        if rng.random() < .5:
            second = self.do_kill_named(rng, l)
        else:
            second = self.settle() or 'all done'
            if rng.random() < .5:
                self.come()
                self.tick()
        self.come()
        self.forget()
        os.rename(self.w.path('run/older'), self.w.path('run/orch.db'))
        return second and f'state of {first} put back, {second}'

    def do_two_ticks(self, rng, l):
        now = self.clock()
        ps = []
        for i in range(rng.choice([2, 2, 3])):
            ps.append(self.spawn(now=now, words=('extract', 'x') if i == 1 else ('tick',)))
            if rng.random() < .5:
                time.sleep(rng.random() * l['seconds'] / 2)
        for p in ps:
            self.end(p)
        return f'{len(ps)} at once'

    def do_two_hosts(self, rng, l):
        """Two state files, one sink, the same second or nearly so."""
        hosts = (('orch.json', 'run/orch.db'), ('b.json', 'run/b.db'))
        self.configure(state='run/b.db', config='b.json')
        fault = None
        for _ in range(3):
            now = self.clock()
            if rng.random() < .4:
                fault = '%s=kill@1' % rng.choice(['extract.dumped', 'extract.before_manifest', 'extract.after_manifest', 'sink.finished'])
            ps = [self.spawn(config=hosts[0][0], now=now, fault=fault)]
            time.sleep(rng.choice([0, 0, rng.random() * .3]))
            ps.append(self.spawn(config=hosts[1][0], now=now))
            for p in ps:
                self.end(p, also=(-9, 6))
            self.come()
        for config, path in hosts:
            self.settle(config, path)
        self.hosts = hosts
        return f'two hosts {fault or ""}'

    # -- a fault that is chosen, not drawn ------------------------------------------------------------------
    def trial(self, name, strike, **variant):
        """strike() does something to a tick and says what; then all goes on, and the end must be exact."""
        v = dict(dict(s3=False, big=False, parallel=1, verify='count', compress='none', page_rows=1000000, path='{task}/{table}_{timestamp}[_{part}]'), **variant)
        what = why = None
        self.hosts = (('orch.json', 'run/orch.db'),)
        try:
            self.fresh(v)
            self.tick()
            self.come()
            what = strike()
            self.disarm()
            self.configure()
            self.check()
            self.exact(self.hosts)
        except (Wrong, RuntimeError) as e:
            why = e
        good = ok(what and not why, name)
        if not good:
            diag('\n'.join([f'what struck: {what}; {why}', *self.log]))
        self.done()
        return good

    # -- one run --------------------------------------------------------------------------------------------
    def run(self, i, kind=None):
        rng, began = random.Random(f'{self.seed}/{i}'), time.monotonic()
        kinds = {k: n for k, n in self.KINDS.items() if self.s3 or not k.startswith('s3')}
        kind = kind or rng.choices(list(kinds), list(kinds.values()))[0]
        what = why = v = None
        self.log, self.exits, self.hosts = [], set(), (('orch.json', 'run/orch.db'),)
        try:
            v = self.draw(rng, kind)
            self.fresh(v)
            l = self.learn()
            if rng.random() < .6:  # the fault strikes a later window than the first
                self.configure()
                self.tick()
                self.come()
            self.configure()
            what = getattr(self, 'do_' + kind)(rng, l)
            self.disarm()
            self.configure()
            self.check()
            self.exact(self.hosts)
        except (Wrong, RuntimeError) as e:
            why = str(e)
        finally:
            if why is None or not os.environ.get('ORCH_TEST_KEEP'):
                self.done()
        return dict(i=i, kind=kind, what=what, why=why, variant=v and self.name(v), ms=(time.monotonic() - began) * 1000, exits=sorted(self.exits), log=self.log if why else [])

    def keep(self, r):
        os.environ['ORCH_TEST_KEEP'] = '1'
        with open(self.w.path('WHY'), 'w') as f:
            f.write('\n'.join([json.dumps(r, indent=1), *r['log']]) + '\n')

    def done(self):
        self.clean()
        if self.v and self.v['s3']:  # a full object store is a slow one
            try:
                for key in self.sink.files()[0]:
                    self.s3.remove('lake', self.prefix + key)
            except OSError:
                pass


def once(w, text, may_fail=False):
    """On a connection of its own: from a wire's thread."""
    r = w.run(['mariadb', '--no-defaults', '-uroot', '-S', w.socket, '-N', '-B', '-e', text])
    if r.rc and not may_fail:
        raise RuntimeError(r.err)
    return [line.split('\t') for line in r.out.splitlines()]


def lake():
    """A radosgw for all workers; None where it is not installed."""
    try:
        return World('s3')
    except SystemExit:
        return None


def campaign(n, seed=1, first=0, jobs=2):
    return chaos.campaign(n, seed, first, jobs, script=os.path.abspath(__file__), kinds=Chaos.KINDS, name='extract', lake=lake, every=100)


if __name__ == '__main__':
    seed, first, step, end, endpoint, stop, _ = sys.argv[2:]
    sys.exit(chaos.worker(Chaos(int(seed), endpoint or None), int(first), int(step), int(end), stop))

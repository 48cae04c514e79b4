"""orch serve killed in the middle of batches, its clients repeating under their keys: what tests/t/rows_kill.t and ./dev campaign intake do.

Four clients send batches without end, by JSON and by CSV, atomic and partial, some rows of which are bad, into a table without any
key, so that nothing but orch itself keeps a row from being there twice. Meanwhile the server is killed: at its fault points, or
at any moment. A client repeats a batch under its key until it has an answer, and now and then once more after it.
"""
import collections, json, os, random, threading, time
import http.client
from world import *
from rest import Serve

POINTS = ('intake.begun', 'intake.rows', 'intake.before_commit', 'intake.after_commit')


class Batch:
    """Number b of the run with this seed: what is sent, and what must become of it."""

    def __init__(self, seed, b):
        rng = random.Random(f'{seed}/{b}')
        self.b, self.key, self.mode, self.csv = b, f'batch {b} of {seed}', rng.choice(('atomic', 'partial')), rng.random() < 0.5
        n = rng.choice((1, 2, 30, 300, 300, 1000))
        bad = set(rng.sample(range(n), min(n, rng.choice((0, 0, 1, 5)))))
        rows = [{'batch': b, 'n': i, 'v': f'x{i}' if i in bad else i} for i in range(n)]
        raw = [f"{r['batch']},{r['n']},{r['v']}" if self.csv else json.dumps(r) for r in rows]
        self.body = ('\n'.join(raw) + '\n' if self.csv else '[' + ', '.join(raw) + ']').encode()
        self.rejects = [raw[i] for i in sorted(bad)]
        self.stored = [i for i in range(n) if i not in bad] if self.mode == 'partial' or not bad else []
        self.status = 422 if bad and self.mode == 'atomic' else 200 if bad else 201
        self.again = rng.random() < 0.2


class Kills:
    def __init__(self, seed, clients=4):
        self.seed, self.w = seed, World('mysql')
        w = self.w
        w.sql('CREATE TABLE events (batch INT NOT NULL, n INT NOT NULL, v INT NOT NULL)')
        w.write_config({'state': 'orch.db', 'connections': {'db': {'url': f'mysql://loader@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}},
                        'tables': {'events': {'connection': 'db'}}})
        if w.good('target', 'setup').rc != 0:
            raise RuntimeError('orch target setup')
        self.server = Serve(w, w.base + 85, start=False)
        self.lock, self.next, self.over, self.flying = threading.Lock(), 0, False, 0
        self.wrong, self.repeats, self.done, self.struck = [], 0, [], collections.Counter()
        self.threads = [threading.Thread(target=self.client) for _ in range(clients)]

    def send(self, batch):
        """An answer, however often it takes."""
        waited = time.monotonic() + 120
        while time.monotonic() < waited:
            try:
                with self.lock:
                    self.flying += 1
                r = self.server.post('events', batch.body, key=batch.key, mode=batch.mode, type='text/csv' if batch.csv else 'application/json', timeout=60)
            except (OSError, http.client.HTTPException):
                r = None
            finally:
                with self.lock:
                    self.flying -= 1
            if r is not None and r.status < 500 and r.status != 409:
                return r
            if r is not None and r.status not in (409, 503, 504):
                raise RuntimeError(f'{batch.key}: {r}')
            with self.lock:
                self.repeats += 1
            time.sleep(0.005)
        raise RuntimeError(f'{batch.key}: no answer in 120 s')

    def client(self):
        try:
            while not self.over:
                with self.lock:
                    batch = Batch(self.seed, self.next)
                    self.next += 1
                r = self.send(batch)
                if (r.status, r.json['stored'], r.json['rejected']) != (batch.status, len(batch.stored), len(batch.rejects)):
                    self.wrong.append(f'{batch.key}: {r}')
                if batch.again and self.send(batch).body != r.body:
                    self.wrong.append(f'{batch.key}: another answer the second time')
                with self.lock:
                    self.done.append(batch)
        except Exception as e:
            self.wrong.append(repr(e))

    def kill(self, rng):
        """One life of the server, and its death. Gives what killed it, or None where nobody was being served."""
        point = rng.choice((None, None) + POINTS)
        self.server.start(**({'fault': f'{point}=kill@{rng.randint(1, 12)}'} if point else {}))
        end = time.monotonic() + (5 if point else 0.02 + rng.random() * 0.25)
        while time.monotonic() < end and self.server.p.poll() is None:
            time.sleep(0.002)
        if self.server.p.poll() is None:
            point = None
        flying = self.flying
        self.server.kill()
        if flying == 0:
            return None
        return point or 'any moment'

    def run(self, kills):
        rng = random.Random(self.seed)
        [t.start() for t in self.threads]
        tries = 0
        while sum(self.struck.values()) < kills and not self.wrong and tries < 3 * kills + 20:
            tries += 1
            what = self.kill(rng)
            if what:
                self.struck[what] += 1
        self.over = True
        self.server.start()
        [t.join() for t in self.threads]
        self.server.stop()
        return self.check()

    def check(self):
        """What is wrong; empty: every row is there once, and every reject."""
        wrong = list(self.wrong)
        want = {(b.b, n): 1 for b in self.done for n in b.stored}
        got = collections.Counter((int(b), int(n)) for b, n in self.w.sql('SELECT batch, n FROM events'))
        if got != want:
            odd = [k for k in set(got) | set(want) if got.get(k, 0) != want.get(k, 0)]
            wrong.append(f'{len(odd)} rows are not there once: {[(k, got.get(k, 0)) for k in odd[:5]]}')
        raws = collections.Counter(x[0] for x in self.w.sql('SELECT raw FROM orch_intake_reject'))
        if raws != collections.Counter(x for b in self.done for x in b.rejects):
            wrong.append(f'{sum(raws.values())} rejects where {sum(len(b.rejects) for b in self.done)} are wanted')
        keys = self.w.sql('SELECT COUNT(*), SUM(status = "OPEN") FROM orch_intake')[0]
        if keys != [str(len(self.done)), '0']:
            wrong.append(f'{keys} keys of {len(self.done)}')
        return wrong

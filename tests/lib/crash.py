"""kill -9 as an ordinary test: rounds of the main job, killed all over, until the wanted number of kills has fallen."""
import collections, gzip, os, random, re, signal, subprocess, time
from world import *

# Where a kill fell, by the last fault point that was passed.
PHASES = [('before the load', r'^(?!load\.|ingest\.)'), ('raising the epoch', r'^ingest\.raised'), ('between first row and COMMIT', r'^(load\.(begun|first_batch|batch|before_)|ingest\.(begun|pending))'),
          ('between COMMIT and the state', r'^(load\.after_commit|ingest\.after_commit)'), ('after the state', r'^ingest\.(settled|done)')]


def phase(points):
    """The state file's own points (store.*) come between; the load's phase is what the load's own last point says."""
    last = next((p for p in reversed(points) if p.startswith(('load.', 'ingest.', 'reconcile.', 'engine.', 'flag.', 'queue.'))), 'start')
    return next((name for name, rx in PHASES if re.search(rx, last)), 'before the load')


class Rounds:
    def __init__(self, w, hours, rows, seed=1):
        self.w, self.hours, self.rows, self.rng = w, hours, rows, random.Random(seed)
        self.fell, self.kills, self.minute = collections.Counter(), 0, 0
        w.sql(DDL)
        w.pipeline(columns={'': None})
        w.good('target', 'setup')
        w.good('lineage', 'add', 'loan_applicant_info', '--pipeline', 'loans')
        for h, data in hours.items():
            w.put(hour_key(h), data)
        self.want = totals_of(rows) if rows else None

    def fresh(self):
        w = self.w
        for name in os.listdir(w.dir):
            if name.startswith('orch.db'):
                p = w.path(name)
                shutil.rmtree(p) if os.path.isdir(p) else os.unlink(p)
        w.sql('DELETE FROM loan_applicant_info; DELETE FROM orch_load; DELETE FROM orch_fence')
        self.minute = 0

    def clock(self):
        """Cron's next tick: five minutes on."""
        self.minute += 5
        return '2022-06-06T%02d:%02d:00Z' % (2 + self.minute // 60 % 20, self.minute % 60) if self.minute < 1200 else '2022-06-%02dT00:00:00Z' % (6 + self.minute // 1200)

    def finished(self):
        try:
            return self.w.state("SELECT (SELECT COUNT(*) FROM job WHERE state = 'RECONCILED'), (SELECT COUNT(*) FROM flag)") == [[24, 0]]
        except Exception:
            return False

    def killed_tick(self, fault=None, after=None):
        """One tick that is killed at a fault point or after some seconds; where it fell is counted."""
        log = self.w.path('faults.log')
        if os.path.exists(log):
            os.unlink(log)
        p = self.w.spawn('tick', now=self.clock(), fault=fault, fault_log=log)
        try:
            p.wait(timeout=after if after is not None else 120)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
        p.communicate()
        if p.returncode == -signal.SIGKILL:
            self.kills += 1
            self.fell[phase(open(log).read().split() if os.path.exists(log) else [])] += 1
        return p.returncode

    def round(self, budget):
        """From nothing to 24 of 24, killed up to budget times; then what stands in the table must be (b)."""
        start = self.kills
        for _ in range(4000):
            if self.finished() or self.kills - start >= budget:
                break
            dice = self.rng.random()
            if dice < .45:
                self.killed_tick(fault=f'*=kill@{self.rng.randint(1, 400)}')
            elif dice < .60:
                self.killed_tick(fault=self.rng.choice(['load.after_commit', 'ingest.after_commit']) + f'=kill@{self.rng.randint(1, 3)}')
            elif dice < .85:
                self.killed_tick(fault=self.rng.choice(['load.first_batch', 'load.batch', 'load.before_ledger', 'load.before_fence', 'load.before_commit', 'ingest.begun', 'ingest.pending']) +
                                 f'=kill@{self.rng.randint(1, 4)}')
            else:
                self.killed_tick(after=self.rng.uniform(.05, 1.5))
        self.settle()

    def settle(self, ticks=60):
        for _ in range(ticks):
            if self.finished():
                break
            self.w.orch('tick', now=self.clock())
        return self.check()

    def check(self):
        got = totals(self.w)
        states = self.w.state('SELECT state, COUNT(*) FROM job GROUP BY 1')
        pending = self.w.state("SELECT COUNT(*) FROM reject WHERE state <> 'FINAL'")[0][0]
        doubled = int(self.w.one("SELECT COUNT(*) FROM (SELECT 1 FROM loan_applicant_info GROUP BY _orch_load_id, _orch_line HAVING COUNT(*) > 1) x"))
        flag = self.w.state('SELECT COUNT(*) FROM flag')[0][0]
        good = got == self.want and states == [['RECONCILED', 24]] and not doubled and not pending and not flag
        if not good:
            diag(f'got {got}, want {self.want}, jobs {states}, doubled {doubled}, pending rejects {pending}, flags {flag}')
        return good

    def report(self):
        total = sum(self.fell.values()) or 1
        for name, _ in PHASES:
            diag(f'{self.fell[name]:5d} ({100 * self.fell[name] / total:.0f} %) {name}')


def generated_hours(n=300):
    hours = [list(credit_rows(n, seed=h, first=h * n + 1)) for h in range(24)]
    return {h: csv_of(r) for h, r in enumerate(hours)}, [r for h in hours for r in h]


def credit_hours(path):
    """The real file cut by rows into 24 hours; None when it is not there."""
    if not os.path.exists(path):
        return None
    lines = gzip.open(path, 'rb').read().split(b'\r\n')
    header, rows = lines[0], [l for l in lines[1:] if l]
    per = -(-len(rows) // 24)
    return {h: b'\r\n'.join([header, *rows[h * per:(h + 1) * per], b'']) for h in range(24)}, [r.decode().split(',') for r in rows]


CREDIT = os.path.join(TOP, '..', 'shared', 'data', 'credit', 'sample_data.csv.gz')

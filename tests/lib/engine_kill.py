"""kill -9 of the engine, again and again: executions of each kind are started, worked by ticks that die at a fault point or at
any moment, and looked at after every death. What must hold then is in Round.look and Round.judge."""
import collections, json, os, random, signal, sqlite3, subprocess, time
from world import *

EPOCH = 1654430400  # 2022-06-05T12:00:00Z
STEP = 'arn:aws:states:us-east-1:000000000000:activity:orch-check-now-processing'
TASK = {'Type': 'Task', 'Resource': STEP, 'Parameters': {'pipeline.$': '$.pipeline'}, 'TimeoutSeconds': 300, 'HeartbeatSeconds': 10, 'ResultPath': '$.lock',
        'Retry': [{'ErrorEquals': ['States.Timeout'], 'IntervalSeconds': 2, 'MaxAttempts': 50, 'BackoffRate': 1.0}]}
FAILS = {'Type': 'Task', 'Resource': STEP.replace('check-now-processing', 'ingest'), 'Parameters': {'pipeline': 'retry', 'job': 1, 'flag': 'none'}, 'TimeoutSeconds': 300, 'ResultPath': '$.x',
         'Retry': [{'ErrorEquals': ['States.Timeout'], 'IntervalSeconds': 1, 'MaxAttempts': 50, 'BackoffRate': 1.0},
                   {'ErrorEquals': ['States.ALL'], 'IntervalSeconds': 3, 'MaxAttempts': 2, 'BackoffRate': 2.0}],
         'Catch': [{'ErrorEquals': ['States.ALL'], 'ResultPath': '$.error', 'Next': 'Z'}]}
WAIT = {'Type': 'Wait', 'Seconds': 20}
PASS = {'Type': 'Pass'}
END = {'Type': 'Succeed'}


def machine(start, **states):
    return {'StartAt': start, 'States': states}


def branch(start, **states):
    return {'StartAt': start, 'States': states}


LAST = {'End': True}
PARALLEL = {'Type': 'Parallel', 'ResultPath': '$.p', 'Branches': [branch('P1', P1=dict(PASS, Next='P2'), P2=dict(TASK, **LAST)), branch('Q1', Q1=dict(WAIT, **LAST)),
                                                                  branch('R1', R1=dict(PASS, Next='R2'), R2=dict(PASS, **LAST))]}
MAP = {'Type': 'Map', 'ItemsPath': '$.items', 'MaxConcurrency': 2, 'ResultPath': '$.m', 'ItemSelector': {'pipeline.$': '$.pipeline', 'i.$': '$$.Map.Item.Value'},
       'ItemProcessor': branch('I', I=dict(PASS, Next='J'), J=dict(TASK, Next='K'), K=dict(WAIT, **LAST))}

# Each with the states that it enters, in order; of the parallel ones as a multiset.
KINDS = {
    'task': (machine('A', A=dict(PASS, Next='B'), B=dict(TASK, Next='C'), C=dict(PASS, Next='D'), D=dict(TASK, Next='Z'), Z=END), 'A B C D Z'),
    'wait': (machine('A', A=dict(WAIT, Next='B'), B=dict(PASS, Next='C'), C=dict(WAIT, Next='Z'), Z=END), 'A B C Z'),
    'retry': (machine('A', A=dict(PASS, Next='F'), F=dict(FAILS, Next='Y'), Y={'Type': 'Fail'}, Z=END), 'A F Z'),
    'stopped': (machine('A', A=dict(PASS, Next='B'), B=dict(WAIT, Next='C'), C=dict(TASK, Next='D'), D=dict(WAIT, Next='Z'), Z=END), 'A B C D Z'),
    'parallel': (machine('A', A=dict(PARALLEL, Next='Z'), Z=END), 'A P1 P2 Q1 R1 R2 Z'),
    'map': (machine('A', A=dict(MAP, Next='Z'), Z=END), 'A I I I I J J J J K K K K Z'),
    'forked': (machine('A', A=dict(PARALLEL, Next='B'), B=dict(MAP, Next='Z'), Z=END), 'A P1 P2 Q1 R1 R2 B I I I I J J J J K K K K Z'),
}
REDRIVEN = ['stopped', 'forked']
POINTS = [f'engine.t{i}' for i in range(7)] + ['store.begin', 'store.before_commit', 'store.after_commit', 'engine.locked', 'engine.step_done', 'engine.ended']
REDRIVES = 4  # T6: these are aborted and redriven this often


class Round:
    def __init__(self, w, seed):
        self.w, self.rng, self.second = w, random.Random(seed), 0
        self.fell, self.kills, self.told = collections.Counter(), 0, {}
        self.faults = []
        w.linger = '0s'
        w.pipeline(target='sqlite', target_table='t', source_since='2022-06-05T12', source_until='2022-06-05T12', schedule='cron(0 0 1 1 ? 2199)')
        one = w.config_json['pipelines'].pop('loans')
        for kind, (definition, _) in KINDS.items():
            with open(w.path(f'{kind}.asl.json'), 'w') as f:
                json.dump(definition, f)
            w.config_json['pipelines'][kind] = dict(one, workflow=f'{kind}.asl.json', target=dict(one['target'], table=f't_{kind}'))
        w.write_config(w.config_json)

    def fresh(self):
        for name in os.listdir(self.w.dir):
            if name.startswith('orch.db'):
                path = self.w.path(name)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        self.told, self.second = {}, 0

    def clock(self, seconds):
        self.second += seconds
        self.w.now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(EPOCH + self.second))

    def deadly(self, *words):
        """One command that dies: at a named point, at the n-th of any, or at a moment."""
        log, dice, fault, after = self.w.path('faults.log'), self.rng.random(), None, None
        if os.path.exists(log):
            os.unlink(log)
        if dice < .5:
            fault = f'*=kill@{self.rng.randint(1, 40)}'
        elif dice < .85:
            fault = f'{self.rng.choice(POINTS)}=kill@{self.rng.randint(1, 6)}'
        else:
            after = self.rng.uniform(.001, .06)
        p = self.w.spawn(*words, fault=fault, fault_log=log)
        try:
            p.wait(timeout=after if after is not None else 120)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
        out, err = p.communicate()
        if p.returncode == -signal.SIGKILL:
            self.kills += 1
            self.fell[f'{words[0]}: {self.place(log)}'] += 1
        elif p.returncode not in (0, 1, 75) or 'Sanitizer' in err:
            self.faults.append(f'{" ".join(words)}: exit {p.returncode}: {err}')
        return p.returncode

    @staticmethod
    def place(log):
        """Which transaction it was in or had done, and the last point that was passed."""
        points = open(log).read().split() if os.path.exists(log) else []
        of = next((p[7:].upper() for p in reversed(points) if p.startswith('engine.t')), '-')
        return f'{of:2}  {points[-1] if points else "before the first point"}'

    def rows(self, sql, *args):
        with sqlite3.connect(self.w.path('orch.db'), timeout=20) as db:
            return db.execute(sql, args).fetchall()

    def look(self):
        """After each death: histories only grow, and fsck finds nothing."""
        if not os.path.exists(self.w.path('orch.db')):
            return
        try:
            events = self.rows('SELECT execution_id, id, previous_id, type, ts_ms, details, frame_id FROM event ORDER BY execution_id, id')
        except sqlite3.OperationalError:  # killed before the tables were there
            return
        now = collections.defaultdict(list)
        for execution, *event in events:
            now[execution].append(tuple(event))
        for execution, before in self.told.items():
            if now[execution][:len(before)] != before:
                self.faults.append(f'execution {execution}: history changed: {before} became {now[execution]}')
        for execution, history in now.items():
            if [e[0] for e in history] != list(range(1, len(history) + 1)):
                self.faults.append(f'execution {execution}: ids {[e[0] for e in history]}')
        self.told = dict(now)
        r = self.w.orch('fsck')
        if r.rc != 0 and 'is of version' not in r.err:  # killed before all of the tables were there
            self.faults.append(f'fsck: exit {r.rc}: {r.out}{r.err}')

    def open(self):
        return self.rows("SELECT count(*) FROM execution WHERE status IN ('RUNNING', 'ABORTED')")[0][0]

    def stop_and_redrive(self):
        for name in REDRIVEN:
            status, redriven = self.rows('SELECT status, redrive_count FROM execution WHERE name = ?', name)[0]
            if status == 'ABORTED':
                self.deadly('redrive', name)
            elif status == 'RUNNING' and redriven < REDRIVES and self.rng.random() < .3:
                self.deadly('stop', name)
            else:
                continue
            self.look()

    def start(self):
        """T0, until it is there: the same name and input again is the same execution."""
        for kind in KINDS:
            while self.deadly('start', kind, '--name', kind, '--input', json.dumps({'pipeline': kind, 'items': [1, 2, 3, 4]})) != 0 and not self.faults:
                self.look()
            self.look()

    def run(self, budget):
        """All of them to their end, killed on the way up to budget times; then redriven."""
        self.fresh()
        self.clock(1)
        self.start()
        for _ in range(400):
            if self.faults or not self.open():
                break
            self.stop_and_redrive()
            self.clock(self.rng.choice([0, 1, 1, 2, 5, 19, 20, 21]))
            if self.kills < budget:
                self.deadly('tick')
            else:
                self.w.orch('tick')
            self.look()
        self.judge()
        return not self.faults

    def judge(self):
        if self.faults:
            return
        for execution, name, status in self.rows('SELECT id, name, status FROM execution ORDER BY id'):
            history = self.told[execution]
            entered = [json.loads(e[4])['stateEnteredEventDetails']['name'] for e in history if e[2].endswith('StateEntered')]
            exited = [json.loads(e[4])['stateExitedEventDetails']['name'] for e in history if e[2].endswith('StateExited')]
            want = KINDS[name][1].split()
            if status != 'SUCCEEDED' or sorted(entered) != sorted(want) or sorted(exited) != sorted(want):
                self.faults.append(f'{name}: {status}, entered {entered}, left {exited}')
            if not set(e[2] for e in history) & {'ParallelStateStarted', 'MapStateStarted'} and (entered, exited) != (want, want):
                self.faults.append(f'{name}: entered {entered}, left {exited}, in another order')
            n = collections.Counter(e[2] for e in history)
            if name not in REDRIVEN and (n['ActivityScheduled'] != n['ActivitySucceeded'] + n['ActivityFailed'] + n['ActivityTimedOut'] or n['ActivityStarted'] != n['ActivityScheduled']):
                self.faults.append(f'{name}: {n}')
            at = {}
            for id, _, kind, ms, details, frame in history:
                if kind == 'WaitStateEntered':
                    at[frame] = ms
                if kind == 'WaitStateExited' and ms < at[frame] + 20000:
                    self.faults.append(f'{name}: event {id}: a Wait ended after {ms - at[frame]} ms')
        self.judge_retries()

    def judge_retries(self):
        """Three attempts fail by themselves, whatever was killed; each is at least its delay behind the one before."""
        history = next((self.told[i] for i, in self.rows("SELECT id FROM execution WHERE name = 'retry'")), [])
        failed = [e for e in history if e[2] == 'ActivityFailed']
        if len(failed) != 3:
            self.faults.append(f'retry: failed {len(failed)} times')
        for before, scheduled in zip(history, history[1:]):
            if before[2] == 'ActivityFailed' and scheduled[2] == 'ActivityScheduled':
                delay = 3000 if before == failed[0] else 6000
                if scheduled[3] < before[3] + delay:
                    self.faults.append(f'retry: event {scheduled[0]} came {scheduled[3] - before[3]} ms behind event {before[0]}')

    def report(self):
        diag(f'{self.kills} kills fell')
        for place, n in sorted(self.fell.items()):
            diag(f'  {n:5d}  {place}')

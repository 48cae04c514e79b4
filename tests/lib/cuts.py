"""Faults one after the other, where chaos.py draws them: every byte distance, every statement, in turn."""
import re, subprocess
import world
from chaos import *


# The statements of a load, those that are only prepared left out; and some at which a server may stand still.
LOAD = r'^(BULK|(QUERY|EXECUTE) .*(START TRANSACTION$|INSERT INTO|orch_load|orch_fence SET|COMMIT|SELECT MIN|SELECT COUNT|_orch_line))'
STANDS = ['^BULK', '^QUERY COMMIT', r'^EXECUTE .*orch_fence SET epoch', r'^EXECUTE .*orch_fence SET seq', r'^EXECUTE SELECT COUNT\(\*\),', '^QUERY START TRANSACTION WITH']


def kinds_of(commands):
    """{statement without its values: its numbers, from 1}"""
    found = {}
    for i, name in enumerate(commands, 1):
        found.setdefault(re.sub(r'\d+', '', name), []).append(i)
    return found


class Cuts:
    def __init__(self, endpoint=None):
        self.c = Chaos('cuts', endpoint)

    def at(self, action, k, name, **variant):
        """The connection to the database is cut at the k-th command of a tick. None: it had not so many."""
        more = dict(n=5) if action == 'answer' else dict(ms=30) if action == 'late' else {}
        return self.c.trial(name, lambda v: self.c.cut(None, v, action, at=k, **more), must_strike=False, **variant)

    def commands(self, **variant):
        v = self.c.variant(dict(dict(verify='sums', s3=False, table='made', parallel=1, publish='whole' if self.c.keys['publish'] else None), **variant))
        return v['commands']

    def every_statement(self, actions, first_only=None, **variant):
        """Each kind of statement, or each statement."""
        tried = missed = 0
        for name, numbers in kinds_of(self.commands(**variant)).items():
            if first_only is not None and not re.search(first_only, name):
                continue
            for k in numbers[:1] if first_only is not None else numbers:
                for action in actions:
                    tried += 1
                    missed += self.at(action, k, f'{action} {k}: {name[:70]}', **variant) is None
        # connections at work side by side do not need the same number of commands each time
        ok(tried and missed * 20 <= tried, f'{tried - missed} of {tried} cuts struck')

    def disk_full(self, steps):
        c = self.c
        if not c.small:
            return diag('SKIP disk full: mounting is not allowed here')
        for i in range(steps):
            c.trial(f'disk full, {i} of {steps}', lambda v, i=i: c.fill(int(v['growth'] * i / steps)), must_strike=2 * i < steps + 1, table='narrow')

    def put_back(self, fault, **variant):
        """The state file of a moment comes back when all is loaded: rejects are there again, though nothing is loaded again."""
        self.c.trial(f'the state file of {fault} is put back', lambda v: self.c.put_back(lambda: self.c.kill_at(fault)), **variant)

    def killed(self, fault, **variant):
        self.c.trial(fault, lambda v: self.c.kill_at(fault), **variant)

    def stopped(self, fault, **variant):
        self.c.trial(f'{fault}, taken over', lambda v: self.c.stopped(random.Random(1), fault), **variant)

    def stands_still(self, wanted):
        """Past the lease, at these statements; the next tick finds it so."""
        commands = self.commands()
        for pattern in wanted:
            at = next((k for k, name in enumerate(commands, 1) if re.search(pattern, name)), None)
            if at is None:
                ok(False, f'no statement is like {pattern}: {commands}')
                continue
            self.c.trial(f'the server stands still past the lease at {pattern}', lambda v, at=at: self.c.stand_still(v, at))


def resets(megabytes, every=65536, publish=None, parallel=1):
    """An object through a wire that resets each GET after so many bytes."""
    w = World('mysql', 's3')
    w.linger = '60s'
    keys, _ = case_for(w)
    w.sql(world.DDL)
    p = {k: v for k, v in (('publish', publish), ('chunk_bytes', '4MiB')) if keys[k] and publish}
    data = subprocess.run([os.path.join(os.path.dirname(ORCH), 'gen-credit'), '1', f'bytes={megabytes << 20}', 'crlf'], stdout=subprocess.PIPE, check=True).stdout
    want = totals_of(l.split(',') for l in data.decode().splitlines()[1:])
    w.put(hour_key(0), data)
    wire = Wire('http', w.base)
    w.now = '2022-06-06T02:00:00Z'
    w.pipeline(columns={'': None}, source_until='2022-06-05T00', parallel=parallel, lake={'endpoint': f'http://127.0.0.1:{wire.port}'}, **p)
    w.good('target', 'setup')
    w.good('lineage', 'add', 'loan_applicant_info', '--pipeline', 'loans')
    wire.arm('reset', every=True, text=b'.csv HTTP', n=every + 400)  # the head of an answer is as long as that
    began, ticks = time.monotonic(), 0
    while ticks < 20 and (not ticks or w.state("SELECT state FROM job") != [['RECONCILED']]):
        ticks += 1
        r = w.orch('tick', now='2022-06-06T%02d:00:00Z' % (2 + ticks))
        if r.err:
            diag(r.err)
    least = len(data) // every
    ok(wire.fires >= least, f'{len(data)} bytes with a reset after every {every}: {wire.fires} resets in {ticks} ticks, {time.monotonic() - began:.1f} s')
    same(totals(w), want, 'every row once, every NA, the sum')
    same(w.orch('reconcile', 'loans').rc, 0, 'and source and target are equal')
    wire.close()
    return w




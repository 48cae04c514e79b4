#!/usr/bin/python3
"""What runs is what the ASL says: a state added, one removed, a Retry changed change the run and its history."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World()
w.linger = '10s'
w.now = '2022-06-06T02:00:00Z'
flow = json.load(open(f'{TOP}/orchestrator/workflows/ingest.asl.json'))


def run(name, change, fault=None):
    f = json.loads(json.dumps(flow))
    change(f['States'])
    with open(w.path(f'{name}.asl.json'), 'w') as out:
        json.dump(f, out)
    w.put(f'{name}/{hour_key(0)}', csv_of(credit_rows(5)))
    w.pipeline(name, target='sqlite', workflow=f'{name}.asl.json', columns={'': None}, source_prefix=f'{name}/', target_table=name, target_create=True,
               source_since='2022-06-05T00', source_until='2022-06-05T00')
    same(w.good('target', 'setup').rc, 0, f'{name}: set up')
    r = w.orch('tick', fault=fault)
    rows = w.state("SELECT type, details FROM event WHERE execution_id = (SELECT MIN(id) FROM execution WHERE pipeline = ?) ORDER BY id", name)
    names = [json.loads(d or '{}').get('name') or next(iter(json.loads(d or '{}').values()), {}) for _, d in rows]
    entered = [d.get('name') if isinstance(d, dict) else d for (t, _), d in zip(rows, names) if t.endswith('StateEntered')]
    return r, entered, [t for t, _ in rows]


r, entered, types = run('plain', lambda s: None)
same(entered, ['GenerateQueue', 'CheckNowProcessing', 'IsNowProcessing', 'EtlQueueCheck', 'HasWork', 'SetFlag', 'GotFlag', 'Ingest', 'Reconcile', 'ResetFlag', 'Done'],
     'the shipped workflow: every state in its order')
same(w.target('SELECT COUNT(*) FROM plain'), [[5]], 'and the rows are there')


def add(s):
    s['ResetFlag']['Next'] = 'Noted'
    s['Noted'] = {'Type': 'Pass', 'Result': {'noted': True}, 'ResultPath': '$.note', 'Next': 'Done'}


r, entered, types = run('added', add)
same(entered[-2:], ['Noted', 'Done'], 'a state added is entered')


def remove(s):
    s['Ingest']['Next'] = 'ResetFlag'
    del s['Reconcile']


r, entered, types = run('removed', remove)
ok('Reconcile' not in entered and entered[-1] == 'Done', 'a state removed is not')
same(w.state("SELECT state FROM job WHERE pipeline = 'removed'"), [['LOADED']], 'so that the job stays LOADED')


def retry(n):
    def change(s):
        s['Ingest']['Retry'] = [{'ErrorEquals': ['Orch.Transient'], 'IntervalSeconds': 1, 'BackoffRate': 1, 'MaxAttempts': n}]
    return change


fault = 'ingest.begun=error@1,ingest.begun=error@2'
r, entered, types = run('retry3', retry(3), fault)
same((types.count('ActivityFailed'), types.count('ActivityScheduled') > 0, entered[-1]), (2, True, 'Done'), 'two failures within three retries: done')
r, entered, types = run('retry1', retry(1), fault)
same((types.count('ActivityFailed'), entered[-1]), (2, 'RunFailed'), 'two failures with one retry: failed')
r, entered, types = run('retry0', lambda s: s['Ingest'].pop('Retry'), fault)
same((types.count('ActivityFailed'), entered[-2:]), (1, ['ReleaseAfterFailure', 'RunFailed']), 'no Retry: the first failure goes to Catch')
done()

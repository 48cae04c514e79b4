#!/usr/bin/python3
"""Executions recorded on AWS, through `orch simulate`: a yardstick, where such a collection is at hand
(ORCH_CONFORMANCE=cases.jsonl). It says the score by kind and tag, and names every disagreement. The proofs of the suite
are its own cases, in tests/t/simulate.t.

A case is a line: definition, input, expect {status, output or error and cause, eventTypes, statesEntered}, taskMocks (by
state, in order: output, or error and cause), kind, tags, profile (it is inside orch-asl/1). The recording has decoded
strings that hold JSON, and put <names> in the place of what changes from run to run.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import ORCH, TOP, diag, done, ok, same, skip_all  # noqa: E402

CASES = os.environ.get('ORCH_CONFORMANCE') or os.path.join(TOP, '..', 'shared', 'conformance', 'asl-cases.jsonl')
# what a recorder writes for what changes from run to run
CHANGES = {'start-time', 'entered-time', 'date'}
NEEDED = 98  # per cent of the cases in the profile


def decoded(v):
    """Strings that hold JSON, as JSON, at every depth."""
    if isinstance(v, str) and v[:1] in ('{', '['):
        try:
            return decoded(json.loads(v))
        except ValueError:
            return v
    if isinstance(v, dict):
        return {k: decoded(x) for k, x in v.items()}
    if isinstance(v, list):
        return [decoded(x) for x in v]
    return v


def equal(got, want):
    if isinstance(want, str) and want in CHANGES:
        return isinstance(got, str)
    if isinstance(got, bool) or isinstance(want, bool) or type(got) is str or type(want) is str:
        return got is want or got == want and type(got) is type(want)
    if isinstance(got, dict) and isinstance(want, dict):
        return got.keys() == want.keys() and all(equal(got[k], want[k]) for k in got)
    if isinstance(got, list) and isinstance(want, list):
        return len(got) == len(want) and all(map(equal, got, want))
    return got == want


def whole(v):
    """An output that is a string is JSON text."""
    if isinstance(v, str):
        try:
            return json.loads(v)
        except ValueError:
            return v
    return v


def mock_config(mocks):
    """taskMocks as AWS's MockConfigFile."""
    responses = {}
    for state, answers in mocks.items():
        responses[state] = {}
        for i, a in enumerate(answers):
            if 'output' in a:
                responses[state][str(i)] = {'Return': whole(a['output'])}
            else:
                responses[state][str(i)] = {'Throw': {k.capitalize(): a[k] for k in ('error', 'cause')
                                                      if a.get(k) is not None}}
    return {'StateMachines': {'m': {'TestCases': {'c': {s: s for s in mocks}}}}, 'MockedResponses': responses}


def simulate(folder, case):
    def put(name, value):
        path = os.path.join(folder, name)
        with open(path, 'w', encoding='utf-8') as f:
            json.dump(value, f)
        return path
    argv = [ORCH, 'simulate', put('definition.asl.json', case['definition']), '--history',
            '--input', put('input.json', case['input'])]
    if 'taskMocks' in case:
        argv += ['--mock-config', put('MockConfigFile.json', mock_config(case['taskMocks'])),
                 '--state-machine', 'm', '--test-case', 'c']
    p = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    return p.returncode, json.loads(p.stdout) if p.stdout else {}, p.stderr


def contains(definition, types):
    return any(s.get('Type') in types for s in (definition.get('States') or {}).values())


def differs(case, got):
    """What is not as recorded, '' where all is."""
    want = case['expect']
    if got.get('status') != want['status']:
        return f"status {got.get('status')} ({got.get('error')}: {got.get('cause')}), not {want['status']}"
    if want['status'] == 'SUCCEEDED':
        a, b = decoded(json.loads(got['output'])), decoded(whole(want.get('output')))
        if not equal(a, b):
            return f'output {json.dumps(a)[:300]}, not {json.dumps(b)[:300]}'
    elif want.get('error') != got.get('error'):
        return f"error {got.get('error')} ({got.get('cause')}), not {want.get('error')}"
    return ''


def as_recorded(types):
    """The recorder cut out what lies between the first and the last ParallelStateSucceeded of an outermost Parallel, both
    included: AWS writes them."""
    out, depth, cut = [], 0, None
    for t in types:
        if t == 'ParallelStateEntered':
            depth += 1
        if depth and t == 'ParallelStateSucceeded' and cut is None:
            cut = len(out)
        if t == 'ParallelStateSucceeded':
            del out[cut:]
            continue
        depth -= t == 'ParallelStateExited'
        if not depth:
            cut = None
        out.append(t)
    return out


def events_differ(case, got):
    want, any_order = case['expect'], contains(case['definition'], ('Map', 'Parallel'))
    order = sorted if any_order else list
    types = as_recorded([e['type'] for e in got['events']])
    states = [e['stateEnteredEventDetails']['name'] for e in got['events'] if 'stateEnteredEventDetails' in e]
    if 'eventTypes' in want and order(types) != order(want['eventTypes']):
        return f"event types {' '.join(types)}, not {' '.join(want['eventTypes'])}"
    if 'statesEntered' in want and order(states) != order(want['statesEntered']):
        return f"states {' '.join(states)}, not {' '.join(want['statesEntered'])}"
    a, b = decoded(got.get('cause')), decoded(want.get('cause'))
    if b is not None and '<' not in json.dumps([a, b]) and not equal(a, b):
        return f'cause {json.dumps(a)[:300]}, not {json.dumps(b)[:300]}'
    return ''


def published():
    """The published ingest definition, its placeholders replaced by ARNs, on answers such as its Lambdas gave."""
    path = os.path.join(os.path.dirname(CASES), 'data-ingestion-workflow.asl.json')
    if not os.path.exists(path):
        return
    with open(path, encoding='utf-8') as f:
        filled = re.sub(r'\{TO BE REPLACED[^}]*\}', 'arn:aws:lambda:us-east-1:123456789012:function:f', f.read())
    case = {'definition': json.loads(filled), 'input': {}, 'taskMocks': {
        'nowprocessingCatch': [{'output': {'process_status': 0}}],
        'queueCatch': [{'output': {'process_status': 0, 'timestamp': '2022-06-05-12'}}],
        'nowprocessingCreate': [{'output': {'is_parallel': 0, 'timestamp': '2022-06-05-12'}}],
        'data_ingestion_into_db': [{'error': 'Glue.ConcurrentRunsExceededException'},
                                   {'output': {'Arguments': {'--date_time': '2022-06-05-12'}}}],
        'queueFilesCleanup': [{'output': 'done'}]}}
    with tempfile.TemporaryDirectory(prefix='orch-conformance.') as folder:
        rc, got, err = simulate(folder, case)
    states = [e['stateEnteredEventDetails']['name'] for e in got.get('events', []) if 'stateEnteredEventDetails' in e]
    same((rc, ' '.join(states)), (0, 'nowprocessingCatch nowprocessingCheck queueCatch queueCheck nowprocessingCreate isParallelCheck '
                                  'data_ingestion_into_db queueFilesCleanup endStatus'), 'the published ingest definition runs')
    given = [e['lambdaFunctionScheduledEventDetails']['input'] for e in got.get('events', []) if e['type'] == 'LambdaFunctionScheduled']
    same(json.loads(given[-1]).get('timestamp'), '2022-06-05-12', 'the last function is given the partition')


def main():
    if not os.path.exists(CASES):
        skip_all(f'no recorded cases at {CASES}')
    score = collections.defaultdict(lambda: [0, 0])  # agree, of
    events = [0, 0]
    inside = outside = refused = 0
    with open(CASES, encoding='utf-8') as f, tempfile.TemporaryDirectory(prefix='orch-conformance.') as folder:
        for case in map(json.loads, f):
            rc, got, err = simulate(folder, case)
            if not case['profile']:
                if 'redacted-output' in case['tags']:
                    continue
                outside += 1
                codes = {d['code'] for d in got.get('diagnostics', []) if d['severity'] == 'ERROR'}
                if rc == 3 and codes == {'UNSUPPORTED_BY_ORCH'}:
                    refused += 1
                else:
                    diag(f"not refused as unsupported  {case['id']}: exit {rc} {got.get('status')} {codes} {err}")
                continue
            inside += 1
            why = f'exit {rc}: {err.strip()}' if rc not in (0, 1) or not got else differs(case, got)
            for key in ['all', case['kind']] + ['tag ' + t for t in case['tags']]:
                score[key][0] += not why
                score[key][1] += 1
            if why:
                diag(f"differs  {case['id']}: {why}")
                continue
            events[1] += 1
            why = events_differ(case, got)
            events[0] += not why
            if why:
                diag(f"events  {case['id']}: {why}")
    for key in sorted(score, key=lambda k: (k.startswith('tag '), k)):
        print(f'# {key}: {score[key][0]} of {score[key][1]}')
    print(f'# events, states and causes of those that agree: {events[0]} of {events[1]}')
    print(f'# outside the profile: {refused} of {outside} refused')
    ok(inside > 0, 'there are cases inside the profile')
    ok(score['all'][0] * 100 >= inside * NEEDED, f"status, output and error are as on AWS: {score['all'][0]} of {inside}")
    ok(events[0] * 100 >= events[1] * NEEDED, f'and so are the events: {events[0]} of {events[1]}')
    same(refused, outside, 'what is outside the profile is refused')
    published()
    done()


main()

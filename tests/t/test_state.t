#!/usr/bin/python3
"""orch test-state: one state entered once, each stage of its data flow by AWS's names."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from asl_cases import activity, chain, pass_state  # noqa: E402
from world import ORCH, World, done, like, same  # noqa: E402

w = World()


def put(name, value):
    with open(w.path(name), 'w', encoding='utf-8') as f:
        json.dump(value, f)
    return w.path(name)


def run(definition, state, given=None, mock=None, *args, **files):
    argv = [ORCH, 'test-state', put('w.asl.json', definition), '--state', state]
    for name, value in {'input': given, 'mock': mock, **files}.items():
        if value is not None:
            argv += ['--' + name, put(name + '.json', value)]
    r = w.run(argv + list(args))
    r.json = json.loads(r.out) if r.out else {}
    # output and stages are JSON in a text: here as what they hold
    for o in (r.json, r.json.get('inspectionData', {})) if 'status' in r.json else ():
        for k, v in o.items():
            if k in ('output', 'input', 'result', 'variables') or k.startswith('after'):
                o[k] = json.loads(v)
    return r


X = {'in': {'a': 1}, 'other': 2}
r = run(chain(A=pass_state(InputPath='$.in', Parameters={'p.$': '$.a'}, ResultPath='$.r', OutputPath='$.r'), B=pass_state()), 'A', X)
same((r.rc, r.json), (0, {'status': 'SUCCEEDED', 'output': {'p': 1}, 'nextState': 'B', 'inspectionData': {
    'input': X, 'afterInputPath': {'a': 1}, 'afterParameters': {'p': 1}, 'afterResultSelector': {'p': 1}, 'afterResultPath': {**X, 'r': {'p': 1}}}}),
    'Pass: every stage')
r = run(chain(A=pass_state(InputPath='$.in', Result=7, ResultPath='$.r')), 'A', X)
same(r.json, {'status': 'SUCCEEDED', 'output': {**X, 'r': 7}, 'inspectionData': {'input': X, 'result': 7, 'afterResultSelector': 7,
                                                                               'afterResultPath': {**X, 'r': 7}}},
     'Pass with Result, at the end: no nextState')
r = run(chain(A=activity(InputPath='$.in', Parameters={'p.$': '$.a'}, ResultSelector={'s.$': '$.deep'}, ResultPath='$.r')), 'A', X, {'result': {'deep': 3}})
same(r.json['inspectionData'], {'input': X, 'afterInputPath': {'a': 1}, 'afterParameters': {'p': 1}, 'result': {'deep': 3},
                                'afterResultSelector': {'s': 3}, 'afterResultPath': {**X, 'r': {'s': 3}}}, 'Task: every stage')
same(run(chain(A=activity()), 'A', None, {'result': '"text"'}).json['output'], 'text', 'a result that is a string is JSON text')
r = run(chain(A=activity()), 'A', None, {'result': 'text'})
same((r.rc, r.out), (2, ''), 'and one that is none is refused')
like(r.err, 'JSON text', 'with the reason')
r = run(chain(A=activity()), 'A')
same((r.rc, r.out), (2, ''), 'a Task without an answer')
like(r.err, "state 'A' is a Task, and nothing says what it answers", 'says so')
for bad in [{}, {'result': 1, 'errorOutput': {}}, {'errorOutput': 7}, [1]]:
    same(run(chain(A=activity()), 'A', None, bad).rc, 2, f'no mock: {bad}')

# errors
rules = activity(Retry=[{'ErrorEquals': ['F'], 'MaxAttempts': 1}, {'ErrorEquals': ['E'], 'IntervalSeconds': 2, 'BackoffRate': 3, 'MaxAttempts': 3}],
                 Catch=[{'ErrorEquals': ['G'], 'Next': 'B'}, {'ErrorEquals': ['States.ALL'], 'ResultPath': '$.err', 'Next': 'B'}])
flow = chain(A=rules, B=pass_state())
E = {'errorOutput': {'error': 'E', 'cause': 'c'}}
r = run(flow, 'A', X, E)
same((r.rc, {k: r.json.get(k) for k in ('status', 'error', 'cause', 'output', 'nextState')}, r.json['inspectionData']['errorDetails']),
     (1, {'status': 'RETRIABLE', 'error': 'E', 'cause': 'c', 'output': None, 'nextState': None}, {'retryIndex': 1, 'retryBackoffIntervalSeconds': 2}),
     'a Retry would try again')
r = run(flow, 'A', X, E, '--retries', '2')
same(r.json['inspectionData']['errorDetails'], {'retryIndex': 1, 'retryBackoffIntervalSeconds': 18}, 'after two tries: 2 * 3 * 3 seconds')
r = run(flow, 'A', X, E, '--retries', '3')
same((r.rc, r.json['status'], r.json['error'], r.json['nextState'], r.json['output'], r.json['inspectionData']['errorDetails']),
     (1, 'CAUGHT_ERROR', 'E', 'B', {**X, 'err': {'Error': 'E', 'Cause': 'c'}}, {'catchIndex': 1}), 'after three it is caught')
r = run(chain(A=activity()), 'A', X, E)
same((r.rc, r.json['status'], r.json['error'], r.json['cause'], 'output' in r.json), (1, 'FAILED', 'E', 'c', False), 'nothing handles it')
r = run(chain(A=pass_state(Parameters={'x.$': '$.none'})), 'A', X)
same((r.json['status'], r.json['error'], sorted(r.json['inspectionData'])), ('FAILED', 'States.Runtime', ['afterInputPath', 'input']),
     'a path that finds nothing: the stages up to there')

# the others
choice = {'StartAt': 'C', 'States': {'C': {'Type': 'Choice', 'Default': 'D', 'Choices': [{'Variable': '$.n', 'NumericEquals': 1, 'Next': 'E'}]},
                                     'D': {'Type': 'Succeed'}, 'E': {'Type': 'Fail', 'ErrorPath': '$.e', 'Cause': 'why'}}}
same(run(choice, 'C', {'n': 1}).json, {'status': 'SUCCEEDED', 'output': {'n': 1}, 'nextState': 'E', 'inspectionData': {'input': {'n': 1}, 'afterInputPath': {'n': 1}}},
     'Choice: where it leads')
same(run(choice, 'D', 7).json, {'status': 'SUCCEEDED', 'output': 7, 'inspectionData': {'input': 7, 'afterInputPath': 7}}, 'Succeed')
same(run(choice, 'E', {'e': 'E'}).json, {'status': 'FAILED', 'error': 'E', 'cause': 'why', 'inspectionData': {'input': {'e': 'E'}, 'afterInputPath': {'e': 'E'}}},
     'Fail')
same(run(chain(W={'Type': 'Wait', 'Seconds': 99999999}), 'W', 7).json['status'], 'SUCCEEDED', 'Wait: nobody waits')
fork = chain(M={'Type': 'Map', 'ItemsPath': '$.l', 'MaxConcurrency': 3, 'ToleratedFailureCount': 2, 'ItemSelector': {'i.$': '$$.Map.Item.Index', 'v.$': '$$.Map.Item.Value'},
                'ItemProcessor': chain(I=pass_state(Result='inner')), 'ResultPath': '$.r'})
r = run(fork, 'M', {'l': ['p', 'q']}, {'result': [1, 2]})
same(r.json, {'status': 'SUCCEEDED', 'output': {'l': ['p', 'q'], 'r': [1, 2]}, 'inspectionData': {
    'input': {'l': ['p', 'q']}, 'afterInputPath': {'l': ['p', 'q']}, 'afterItemsPath': ['p', 'q'], 'afterItemSelector': [{'i': 0, 'v': 'p'}, {'i': 1, 'v': 'q'}],
    'result': [1, 2], 'afterResultSelector': [1, 2], 'afterResultPath': {'l': ['p', 'q'], 'r': [1, 2]}, 'toleratedFailureCount': 2, 'maxConcurrency': 3}},
    'Map: items, what ItemSelector makes of them, its limits')
same(run(fork, 'I', 7).json['output'], 'inner', 'a state within it')
par = chain(P={'Type': 'Parallel', 'Parameters': {'p.$': '$.n'}, 'Branches': [chain(X=pass_state())], 'Catch': [{'ErrorEquals': ['E'], 'Next': 'Q'}]}, Q=pass_state())
same(run(par, 'P', {'n': 1}, {'result': [5]}).json['inspectionData']['afterParameters'], {'p': 1}, 'Parallel: what each branch begins with')
same(run(par, 'P', {'n': 1}, E).json['nextState'], 'Q', 'and where its errors lead')
r = run(chain(A=pass_state(Assign={'b': 2})), 'A', 7, None, variables={'a': 1})
same(r.json['inspectionData']['variables'], {'a': 1, 'b': 2}, 'variables as the state leaves them')

# JSON in place of a file, as aws has it
for given in ('{"n": 1}', 'file://' + put('n.json', {'n': 1})):
    r = w.run([ORCH, 'test-state', put('w.asl.json', chain(A=activity(Parameters={'v.$': '$v'}))), '--state', 'A', '--input', given, '--mock', '{"result": 5}', '--variables', '{"v": 2}'])
    same((r.rc, json.loads(json.loads(r.out)['output'])), (0, 5), f'--input {given[:7]}') or diag(r.err)
r = w.run([ORCH, 'test-state', w.path('w.asl.json'), '--state', 'A', '--input', '{"n": '])
same((r.rc, '--input: line 1' in r.err), (2, True), 'broken JSON: the option is named')

# what is wrong
r = run(chain(A=pass_state()), 'B')
same(r.rc, 2, 'no such state')
like(r.err, "no state 'B' (hint: the nearest is 'A')", 'named, and the nearest')
same(w.run([ORCH, 'test-state', w.path('w.asl.json')]).rc, 2, 'no --state')
r = run({'StartAt': 'A', 'States': {'A': {'Type': 'Pas', 'End': True}}}, 'A')
same((r.rc, r.json['result']), (3, 'FAIL'), 'a definition that is refused')
same(run(chain(A=pass_state()), 'A', 7, None, variables=[1]).rc, 2, 'variables that are no object')
done()

#!/usr/bin/python3
"""orch simulate: definitions run in memory on a virtual clock, their Tasks answered by AWS's MockConfigFile."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from asl_cases import CASES, activity, chain, machine  # noqa: E402
from world import ORCH, World, diag, done, like, ok, same  # noqa: E402

w = World()
NOW = '2022-06-05T12:00:00Z'
ACT = 'arn:aws:states:us-east-1:000000000000:activity:work'
SQS = 'arn:aws:states:::sqs:sendMessage'
FUN = 'arn:aws:lambda:us-east-1:000000000000:function:work'


def put(name, value):
    with open(w.path(name), 'w', encoding='utf-8') as f:
        f.write(value if isinstance(value, str) else json.dumps(value))
    return w.path(name)


def mock_file(test_case, responses):
    return put('MockConfigFile.json', {'StateMachines': {'m': {'TestCases': {'c': test_case}}},
                                       'MockedResponses': responses})


def run(definition, *args, given=None, mocks=None, history=True, timeout=120):
    """mocks: state -> list of answers, a dict with Error a Throw, (value,) a Return."""
    argv = [ORCH, 'simulate', put('w.asl.json', definition), '--now', NOW, *args]
    if history:
        argv.append('--history')
    if given is not None:
        argv += ['--input', put('input.json', given)]
    if mocks is not None:
        responses = {s: {str(i): {'Return': a[0]} if isinstance(a, tuple) else {'Throw': a} for i, a in enumerate(list_)}
                     for s, list_ in mocks.items()}
        argv += ['--mock-config', mock_file({s: s for s in mocks}, responses)]
    r = w.run(argv, timeout=timeout)
    r.json = json.loads(r.out) if r.out else {}
    return r


def types(r):
    return [e['type'] for e in r.json['events']]


def task(resource=ACT, **more):
    return {'Type': 'Task', 'Resource': resource, 'TimeoutSeconds': 60, **more}


# -- what it prints
r = run(chain(A={'Type': 'Pass', 'Result': {'n': 1}}), given={'x': 1}, history=False)
same(r.rc, 0, 'SUCCEEDED is exit 0')
same(r.json, {'executionArn': 'arn:aws:states:us-east-1:000000000000:execution:w:simulation',
              'stateMachineArn': 'arn:aws:states:us-east-1:000000000000:stateMachine:w', 'name': 'simulation',
              'status': 'SUCCEEDED', 'startDate': '2022-06-05T12:00:00.000Z', 'stopDate': '2022-06-05T12:00:00.000Z',
              'redriveCount': 0, 'input': '{"x":1}', 'inputDetails': {'included': True}, 'output': '{"n":1}',
              'outputDetails': {'included': True}}, 'the document of DescribeExecution, absent members left out')
r = run({'StartAt': 'F', 'States': {'F': {'Type': 'Fail', 'Error': 'E', 'Cause': 'why'}}})
same((r.rc, r.json['status'], r.json['error'], r.json['cause'], 'output' in r.json), (1, 'FAILED', 'E', 'why', False),
     'FAILED is exit 1')
same([(e['id'], e['previousEventId'], e['type']) for e in r.json['events']],
     [(1, 0, 'ExecutionStarted'), (2, 0, 'FailStateEntered'), (3, 2, 'ExecutionFailed')], '--history: the events')
same(r.json['events'][1]['stateEnteredEventDetails'], {'name': 'F', 'input': '{}', 'inputDetails': {'truncated': False}},
     'with their details; no input is {}')
r = w.run(['sh', '-c', 'printf "[1, 2]" | "$0" simulate "$1" --input -', ORCH, put('w.asl.json', chain(A={'Type': 'Pass'}))])
same((r.rc, json.loads(r.out)['output']), (0, '[1,2]'), 'the input from stdin')
r = w.run(['sh', '-c', '"$0" simulate - <"$1"', ORCH, w.path('w.asl.json')])
same((r.rc, json.loads(r.out)['output']), (0, '{}'), 'the definition from stdin')

# -- what is wrong with what it was given: never exit 1
r = run({'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'Nxt': 'B', 'End': True}}})
same((r.rc, r.json['result'], [(d['code'], d['location']) for d in r.json['diagnostics']]),
     (3, 'FAIL', [('SCHEMA_VALIDATION_FAILED', '/States/A/Nxt')]), 'a definition that is refused is exit 3, with all that is wrong')
like(r.err, 'w.asl.json: SCHEMA_VALIDATION_FAILED', 'and a sentence on stderr')
r = run({'QueryLanguage': 'JSONata', **chain(A={'Type': 'Pass'})})
same((r.rc, r.json['diagnostics'][0]['code']), (3, 'UNSUPPORTED_BY_ORCH'), 'what AWS knows and orch does not has its own code')
for what, argv, message in [
    ('no such file', ['none.json'], 'none.json'),
    ('no such input', [put('good.json', chain(A={'Type': 'Pass'})), '--input', '/none.json'], '/none.json'),
    ('an input that is no JSON', [w.path('good.json'), '--input', put('bad.json', '{')], 'bad.json'),
    ('a time that is none', [w.path('good.json'), '--now', 'soon'], '--now'),
    ('--test-case without a file', [w.path('good.json'), '--test-case', 'c'], '--mock-config'),
    ('a mock config that is none', [w.path('good.json'), '--mock-config', w.path('bad.json')], 'bad.json'),
    ('a definition too many', [w.path('good.json'), w.path('good.json')], 'too many'),
]:
    r = w.run([ORCH, 'simulate', *argv])
    same((r.rc, r.out), (2, ''), f'{what} is exit 2, and nothing on stdout')
    like(r.err, message, 'and says which')

# -- answers
r = run(chain(A=task(ResultPath='$.a'), B=task(FUN, ResultPath='$.b'), C=task(SQS, ResultPath='$.c')), given={},
        mocks={'A': [(1,)], 'B': [([None],)], 'C': [({'x': {}},)]})
same((r.rc, json.loads(r.json['output'])), (0, {'a': 1, 'b': [None], 'c': {'x': {}}}), 'Return: activities, functions, services')
same(types(r), ['ExecutionStarted', 'TaskStateEntered', 'ActivityScheduled', 'ActivityStarted', 'ActivitySucceeded', 'TaskStateExited',
                'TaskStateEntered', 'LambdaFunctionScheduled', 'LambdaFunctionStarted', 'LambdaFunctionSucceeded', 'TaskStateExited',
                'TaskStateEntered', 'TaskScheduled', 'TaskStarted', 'TaskSucceeded', 'TaskStateExited', 'ExecutionSucceeded'],
     'each with the events that AWS has for it')
scheduled = next(e for e in r.json['events'] if e['type'] == 'TaskScheduled')
same(scheduled['taskScheduledEventDetails'], {'resourceType': 'sqs', 'resource': 'sendMessage', 'region': 'us-east-1',
                                              'parameters': '{"a":1,"b":[null]}', 'timeoutInSeconds': 60}, 'and their details')
r = run(chain(A=task(SQS + '.waitForTaskToken')), mocks={'A': [{'Error': 'States.Timeout'}]})
same(types(r)[2:6], ['TaskScheduled', 'TaskStarted', 'TaskSubmitted', 'TaskTimedOut'], 'what is waited for is submitted; a time-out')
r = run(chain(A=task(SQS + '.waitForTaskToken')), mocks={'A': [{'Error': 'SQS.QueueDoesNotExistException'}]})
same(types(r)[2:5], ['TaskScheduled', 'TaskStarted', 'TaskFailed'], 'but not where the service refuses')
for thrown in [{}, {'Cause': 'why'}]:
    r = run(chain(A=task()), mocks={'A': [thrown]})
    same((r.rc, r.json['status'], 'error' in r.json, r.json.get('cause'), r.json['events'][-1]['executionFailedEventDetails']),
         (1, 'FAILED', False, thrown.get('Cause'), {k.lower(): v for k, v in thrown.items()}), f'Throw of {thrown}, as SendTaskFailure may')
r = run(chain(A=task('arn:aws:states:::aws-sdk:s3:listBuckets')), mocks={'A': [({},)]})
same([e['taskSucceededEventDetails']['resourceType'] for e in r.json['events'] if e['type'] == 'TaskSucceeded'], ['aws-sdk:s3'],
     'a call of the SDK')
r = run(chain(A=task(Catch=[{'ErrorEquals': ['E'], 'Next': 'B'}]), B={'Type': 'Pass'}), mocks={'A': [{'Error': 'E', 'Cause': 'why'}]})
same(json.loads(r.json['output']), {'Error': 'E', 'Cause': 'why'}, 'Throw is caught')
r = run(chain(A={'Type': 'Pass', 'Assign': {'a': {'n': 'text'}, 'b': 1}}, B=task(Catch=[{'ErrorEquals': ['E'], 'Assign': {'c.$': '$.Error'}, 'Next': 'C'}]), C={'Type': 'Pass'}), mocks={'B': [{'Error': 'E'}]})
left = [e['stateExitedEventDetails'] for e in r.json['events'] if e['type'].endswith('StateExited')]
same([{k: v for k, v in d.items() if k.startswith('assigned')} for d in left],
     [{'assignedVariables': {'a': '{"n":"text"}', 'b': '1'}, 'assignedVariablesDetails': {'truncated': False}},
      {'assignedVariables': {'c': '"E"'}, 'assignedVariablesDetails': {'truncated': False}}, {}], 'what Assign has set, in the event of AWS')

retried = chain(A=task(Retry=[{'ErrorEquals': ['E'], 'IntervalSeconds': 3600, 'BackoffRate': 2, 'MaxAttempts': 3}]))
config = mock_file({'A': 'r'}, {'r': {'0': {'Throw': {'Error': 'E', 'Cause': ''}}, '1-2': {'Throw': {'Error': 'E', 'Cause': ''}},
                                      '3': {'Return': 'fourth'}}})
began = time.monotonic()
r = run(retried, '--mock-config', config, '--state-machine', 'm', '--test-case', 'c')
same((r.rc, r.json['output'], r.json['stopDate']), (0, '"fourth"', '2022-06-05T19:00:00.000Z'), 'ranges; 1 + 2 + 4 hours of retries')
ok(time.monotonic() - began < 60, 'which nobody waited for')
same(types(r).count('ActivityFailed'), 3, 'three failures are in the history')
r = run(retried, mocks={'A': [{'Error': 'E'}]})
same((r.rc, r.json['status'], r.json['error']), (1, 'FAILED', 'Orch.NoMockedAnswer'), 'an answer that is missing ends the run')
like(r.json['cause'], "'A' was asked for answer 1", 'and says which')
caught = chain(A=task(Catch=[{'ErrorEquals': ['States.ALL'], 'Next': 'B'}], Retry=[{'ErrorEquals': ['States.ALL']}]), B={'Type': 'Pass'})
r = run(caught)
same((r.rc, r.json['error'], types(r)[-2:]), (1, 'Orch.NoMockedAnswer', ['ActivityStarted', 'ExecutionFailed']),
     'nothing retries or catches that')
r = run(chain(A=task()), mocks={'A': [({},)]}, given={})
same(r.rc, 0, 'a file with one state machine and one test case needs no names')
r = w.run([ORCH, 'simulate', put('w.asl.json', chain(A=task())), '--mock-config', mock_file({'B': 'r'}, {'r': {'0': {'Return': 1}}})])
same(r.rc, 2, 'an answer for a state that is not there')
like(r.err, "has no Task 'B'", 'is a mistake in the file')

# -- the clock
r = run(chain(A={'Type': 'Wait', 'Seconds': 86400}, B={'Type': 'Wait', 'Timestamp': '2022-07-01T00:00:00Z'},
              C={'Type': 'Pass', 'Parameters': {'at.$': '$$.State.EnteredTime', 'from.$': '$$.Execution.StartTime'}}))
same((json.loads(r.json['output']), r.json['stopDate']),
     ({'at': '2022-07-01T00:00:00.000Z', 'from': '2022-06-05T12:00:00.000Z'}, '2022-07-01T00:00:00.000Z'), 'it jumps to the end of a Wait')
r = run({'TimeoutSeconds': 60, **chain(A={'Type': 'Wait', 'Seconds': 61})})
same((r.rc, r.json['status'], r.json['stopDate'], 'error' in r.json, 'cause' in r.json),
     (1, 'TIMED_OUT', '2022-06-05T12:01:00.000Z', False, False), 'TimeoutSeconds ends it, without error and cause')
same((r.json['events'][-1]['type'], r.json['events'][-1]['previousEventId'], r.json['events'][-1]['executionTimedOutEventDetails']),
     ('ExecutionTimedOut', 0, {'error': 'States.Timeout'}), 'the event says it')
r = run({'TimeoutSeconds': 60, **chain(A=task(Retry=[{'ErrorEquals': ['E'], 'IntervalSeconds': 40}]))}, mocks={'A': [{'Error': 'E'}] * 3})
same((r.json['status'], r.json['stopDate']), ('TIMED_OUT', '2022-06-05T12:01:00.000Z'), 'in a retry as well')

# -- bounds
loop = {'StartAt': 'First', 'States': {'First': {'Type': 'Pass', 'Next': 'Ping'}, 'Ping': {'Type': 'Pass', 'Next': 'Pong'},
                                       'Pong': {'Type': 'Choice', 'Choices': [{'Variable': '$', 'IsPresent': True, 'Next': 'Ping'}],
                                                'Default': 'End'}, 'End': {'Type': 'Succeed'}}}
r = run(loop, '--aws-limits')
same((r.rc, r.json['error'], len(r.json['events'])), (1, 'States.Runtime', 25000), 'an endless loop ends')
same([(e['id'], e['previousEventId'], e['type']) for e in r.json['events'][-1:]], [(25000, 24999, 'ExecutionFailed')],
     '--aws-limits: as on AWS, by event 25,000')
like(r.json['cause'], 'reached the maximum number of history events (25000). It goes round in Pong, Ping.', 'the error names the loop')
r = run(loop, history=False)
same((r.rc, r.json['error'], 'events' in r.json), (1, 'States.Runtime', False), 'without: by event 250,000')
like(r.json['cause'], '(250000)', 'so many')
r = run(chain(A={'Type': 'Pass', 'Result': 'x' * 300000}))
same(r.rc, 0, 'a payload of 300 KB')
r = run(chain(A={'Type': 'Pass', 'Result': 'x' * 300000}), '--aws-limits')
same((r.rc, r.json['error'], types(r)), (1, 'States.DataLimitExceeded', ['ExecutionStarted', 'PassStateEntered', 'ExecutionFailed']),
     'is too large for AWS')
double = {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'Parameters': {'a.$': '$', 'b.$': '$'}, 'Next': 'A'}}}
r = run(double, given={'x': 1})
same((r.rc, r.json['error']), (1, 'States.DataLimitExceeded'), 'a payload that doubles ends')
big = {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'Parameters': {'a.$': '$.a'}, 'Next': 'A'}}}
r = run(big, given={'a': 'x' * 3000000}, history=False)
same((r.rc, r.json['error']), (1, 'States.Runtime'), 'so does a large one that goes round')
like(r.json['cause'], '256 MiB', 'by the bytes of its history')
r = w.run([ORCH, 'simulate', w.path('good.json'), '--input', put('deep.json', '[' * 10000 + ']' * 10000)])
same(r.rc, 2, 'an input 10,000 deep')
like(r.err, 'deep', 'is refused')
r = w.run([ORCH, 'simulate', put('large.json', json.dumps(chain(A={'Type': 'Pass', 'Result': 'x' * 1048576})))])
same(r.rc, 2, 'a definition of more than 1 MiB')
shared = {f'T{i}': 'r' for i in range(2000)}
r = w.run([ORCH, 'simulate', put('w.asl.json', chain(**{t: task() for t in shared})), '--mock-config',
           mock_file(shared, {'r': {str(2 * i): {'Return': i} for i in range(50000)}})], timeout=100)
same((r.rc, json.loads(r.out)['output']), (0, '0'), '2,000 states that share a response of 50,000 answers')
many = chain(**{f'S{i}': {'Type': 'Pass'} for i in range(9999)})
r = run(many, history=False)
same(r.rc, 0, '9,999 states')

# -- definitions with what AWS's documentation says comes out
for case in CASES:
    r = run(case['definition'], given=case.get('input', {}), mocks=case.get('mocks'))
    want = dict(case['want'])
    if r.rc not in (0, 1):
        got = f'exit {r.rc}: {r.err}'
    elif 'output' in want:
        got = {'output': json.loads(r.json['output'])} if r.json['status'] == 'SUCCEEDED' else r.json
    else:
        got = {k: r.json.get(k) for k in want if k != 'types'}
    if 'types' in want and isinstance(got, dict):
        got['types'] = ' '.join(types(r)) if case.get('ordered', True) else ' '.join(sorted(types(r)))
    if isinstance(got, dict) and 'status' in got and 'output' in want:
        got = {k: got.get(k) for k in ('status', 'error', 'cause')}
    same(got, want, case['what'])
done()

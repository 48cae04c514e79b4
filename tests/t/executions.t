#!/usr/bin/python3
"""start, list, describe, history, stop, redrive and fsck of definitions of one's own, in AWS's shapes and by AWS's rules; and a redriven ingest that loads nothing twice."""
import calendar, json, os, sqlite3, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *
from sfn_shapes import faults, history_faults

w = World()
w.linger = '0s'
PART = '2022-06-05T12'
START = calendar.timegm(time.strptime('2022-06-05T15', '%Y-%m-%dT%H'))
clock = START


def later(seconds):
    global clock
    clock += seconds
    w.now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(clock))


def write(name, states, start='A', **more):
    with open(w.path(name), 'w') as f:
        json.dump(dict({'StartAt': start, 'States': states}, **more), f)


def answer(*args, shape, rc=0):
    r = w.orch(*args, '-o', 'json')
    if not ok(r.rc == rc, f'{" ".join(args)}: exit {rc}'):
        diag(f'{r.rc}\n{r.out}\n{r.err}')
    v = json.loads(r.out)
    same(faults(v, shape), [], f'{" ".join(args)}: the shape of {shape}')
    return v


def history(name, *args):
    v = json.loads(w.good('history', name, *args, '-o', 'json').out)
    if not args:
        same(history_faults(v), [], f'history of {name}: the shape of GetExecutionHistory, ids without a gap')
    return v


def types(name, *args):
    return ' '.join(e['type'].replace('State', '') for e in history(name, *args)['events'])


def describe(name):
    return answer('describe', name, shape='DescribeExecution')


def clean(when):
    r = w.orch('fsck')
    if not ok(r.rc == 0, f'fsck is clean: {when}'):
        diag(r.out + r.err)


PASS, DONE = {'Type': 'Pass', 'Result': {'ok': False}, 'ResultPath': '$.a', 'Next': 'W'}, {'Type': 'Succeed'}
CHOICE = {'Type': 'Choice', 'Choices': [{'Variable': '$.ok', 'BooleanEquals': True, 'Next': 'Good'}], 'Default': 'Bad'}
STATES = {'A': PASS, 'W': {'Type': 'Wait', 'Seconds': 30, 'Next': 'C'}, 'C': CHOICE, 'Good': DONE,
          'Bad': {'Type': 'Fail', 'Error': 'Own.NotOk', 'Cause': 'it is not ok'}}
w.pipeline(target='sqlite', target_table='t', source_since=PART, source_until=PART, schedule='cron(0 0 1 1 ? 2199)')
w.config_json['workflows'] = {'nightly': {'definition': 'own.asl.json'}}
w.write_config(w.config_json)
write('own.asl.json', STATES)
later(0)

# -- start: names, and the same again
r = w.good('start', 'own.asl.json', '--name', 'one', '--input', '{"ok": true}', '-o', 'json')
first = json.loads(r.out)
same(faults(first, 'StartExecution'), [], 'start: the shape of StartExecution')
same(first['executionArn'].split(':')[-2:], ['own', 'one'], 'the state machine has the name of the file')
later(5)
same(answer('start', 'own.asl.json', '--name', 'one', '--input', '{"ok": true}', shape='StartExecution'), first,
     'the same name and input while it runs: the same execution')
r = w.orch('start', 'own.asl.json', '--name', 'one', '--input', '{"ok": false}')
same((r.rc, 'ExecutionAlreadyExists' in r.err), (1, True), 'another input under that name is refused')
for name, fits in (('x' * 80, True), ('x' * 81, False), ('', False), ('a b', False), ('a:b', False), ('a/b', False), ('a*', False), ('a\x01', False), ('a&b', False), ('a-b_c.d', True), ('ä' * 80, True), ('ä' * 81, False)):
    r = w.orch('start', 'nightly', '--name', name, '--input', '{"ok": true}')
    same(r.rc, 0 if fits else 2, f'name {name[:10]!r}: {"taken" if fits else "refused"}')
for words, code, said in ((['start', 'nightli'], 1, 'nightli'), (['start', 'none.asl.json'], 1, 'none.asl.json'), (['start', 'nightly', '--input', '{"a":'], 2, '--input'),
                          (['start', 'nightly', '--input', 'none.txt'], 2, 'none.txt')):
    r = w.orch(*words)
    same((r.rc, said in r.err), (code, True), f'{" ".join(words)}: exit {code}, and said why') or diag(r.err)
like(w.orch('start', 'nightli').err, "no pipeline, extract or workflow 'nightli' (hint: the nearest is 'nightly')", 'what is there beside pipelines')
for words in (['run', 'nightly'], ['explain', 'nightly'], ['status', 'nightly'], ['pause', 'nightly', '--reason', 'x']):
    like(w.orch(*words).err, "'nightly' is a workflow, and this is for pipelines and extracts (hint: orch start nightly;", f'{words[0]} of a workflow: says what it is, and what to type')
write('reach.asl.json', {'A': {'Type': 'Task', 'Resource': 'arn:aws:states:us-east-1:000000000000:activity:orch-sql', 'Parameters': {'connection': 'nowhere', 'sql': 'SELECT 1'}, 'TimeoutSeconds': 60, 'End': True}})
r = w.orch('start', 'reach.asl.json')
same((r.rc, "state 'A': orch.json has no connection 'nowhere'" in r.err), (3, True), 'a connection that is none is refused at the start') or diag(r.err)
w.config_json['workflows']['reach'] = {'definition': 'reach.asl.json'}
w.write_config(w.config_json)
r = w.orch('validate', '-o', 'json')
same((r.rc, [d['code'] for d in json.loads(r.out)['diagnostics'] if 'nowhere' in d['message']]), (3, ['INVALID_PARAMETERS']), 'and by validate') or diag(r.out + r.err)
del w.config_json['workflows']['reach']
w.write_config(w.config_json)
for step, given, said in (('command', {'argv': 'sh -c true'}, 'argv is a list that begins with the program'), ('command', {'argv': []}, 'argv is a list that begins with the program'),
                          ('command', {'argv': ['true', None]}, 'argv[1] is null'), ('command', {'argv': ['true'], 'output': 'yaml'}, "output is 'yaml'"),
                          ('command', {'argv': ['true'], 'env': {'ORCH_KEY': 'x'}}, "'ORCH_KEY' is no variable"), ('command', {'argv': ['true'], 'cwd': 1}, 'cwd'),
                          ('sql', {'connection': 'warehouse', 'sql': 'SELECT 1', 'file': 'a.sql'}, 'sql or file: one of the two'), ('sql', {'connection': 'warehouse'}, 'sql or file: one of the two'),
                          ('sql', {'connection': 'warehouse', 'sql': ['SELECT 1', 'SELECT 2'], 'values': [[]]}, 'for each of the 2 statements'), ('sql', {'connection': 'warehouse', 'sql': []}, '1 to ')):
    write('literal.asl.json', {'A': {'Type': 'Task', 'Resource': f'arn:aws:states:us-east-1:000000000000:activity:orch-{step}', 'Parameters': given, 'TimeoutSeconds': 60, 'End': True}})
    for words in ['start', 'literal.asl.json'], ['validate', '--workflow', 'literal.asl.json']:
        r = w.orch(*words)
        same((r.rc, "'A': " in r.out + r.err, said in r.out + r.err), (3, True, True), f'{words[0]}: {said}: refused before anything runs') or diag(f'{r.rc} {r.out}{r.err}')
write('literal.asl.json', {'A': {'Type': 'Task', 'Resource': 'arn:aws:states:us-east-1:000000000000:activity:orch-command', 'Parameters': {'argv': ['true'], 'arguments.$': '$.x', 'env': {'A.$': '$.y', 'B': 1}}, 'TimeoutSeconds': 60, 'End': True}})
same(w.orch('validate', '--workflow', 'literal.asl.json').rc, 0, 'what comes from data is not known before')
os.rename(w.path('own.asl.json'), w.path('loans.asl.json'))
like(w.orch('start', 'loans.asl.json').err, "'loans' is a name of orch.json", 'a file with a pipeline\'s name is no state machine of that name')
os.rename(w.path('loans.asl.json'), w.path('own.asl.json'))
write('step.asl.json', {'A': {'Type': 'Task', 'Resource': 'arn:aws:states:us-east-1:000000000000:activity:orch-check-now-processing', 'Parameters': {'pipeline': 'loans'}, 'TimeoutSeconds': 60, 'End': True}})
r = w.orch('start', 'step.asl.json')
same((r.rc, 'works on a pipeline' in r.err), (3, True), 'a step that works on a pipeline needs one')
clean('started')

# -- the tick works them; a Wait is never early
describe('one')
same(describe('one')['redriveStatusReason'], 'Execution is RUNNING and cannot be redriven', 'what runs is not redriven, in AWS\'s words')
same(w.orch('tick').rc, 0, 'a tick')
same(types('one'), 'ExecutionStarted PassEntered PassExited WaitEntered', 'goes up to the Wait')
clean('waiting')
later(28)
w.orch('tick')
same(describe('one')['status'], 'RUNNING', 'a moment too early: it waits')
later(3)
same(w.orch('tick').rc, 0, 'then it goes on')
d = describe('one')
same((d['status'], json.loads(d['output'])), ('SUCCEEDED', {'ok': True, 'a': {'ok': False}}), 'to its end')
same(w.state("SELECT idle FROM execution WHERE name = 'one'"), [[0]], 'it is kept for retention.executions, though no task of it did anything')
same((d['redriveStatus'], d['redriveStatusReason']), ('NOT_REDRIVABLE', 'Execution is SUCCEEDED and cannot be redriven'), 'which is final')
r = w.orch('redrive', 'one')
same((r.rc, 'ExecutionNotRedrivable' in r.err), (1, True), 'redrive refuses it')
r = w.orch('start', 'own.asl.json', '--name', 'one', '--input', '{"ok": true}')
same((r.rc, 'ExecutionAlreadyExists' in r.err), (1, True), 'its name is taken for good')
clean('ended')

# -- list and history in pages
answer('list', shape='ListExecutions')
whole = answer('list', 'nightly', '--limit', '100', shape='ListExecutions')['executions']
pages, token = [], []
while True:
    v = answer('list', 'nightly', '--limit', '2', *token, shape='ListExecutions')
    pages += v['executions']
    if 'nextToken' not in v:
        break
    token = ['--starting-token', v['nextToken']]
same((pages, len(whole)), (whole, 3), 'list: pages make the whole')
for reverse in [], ['--reverse']:
    events, token = [], []
    while True:
        v = history('one', '--max', '3', *reverse, *token)
        events += v['events']
        if 'nextToken' not in v:
            break
        token = ['--starting-token', v['nextToken']]
    want = history('one')['events']
    same(events, want[::-1] if reverse else want, f'history {" ".join(reverse)}: pages make the whole')
same(types('one', '--state', 'W'), 'WaitEntered WaitExited', 'history of one state')
same(types('one', '--state', 'W', '--reverse', '--max', '1'), 'WaitExited', 'its newest event')
same(types('one', '--failed'), '', 'nothing failed')
r = w.orch('history', 'one', '--state', 'w')
same((r.rc, "has not been in a state 'w'" in r.err), (1, True), 'a state that it was not in is said, and is no empty page')
same(w.orch('history', 'one', '--starting-token', 'x').rc, 2, 'a token that is none')
same([len(json.loads(line)) > 3 for line in w.good('history', 'one', '-o', 'jsonl').out.splitlines()], [True] * len(want), 'JSON lines: an event a line')
same(len(w.good('history', 'one').out.splitlines()), len(want) + 1, 'and a table for people')

# -- a Fail fails again, and another state or definition goes on
w.good('start', 'nightly', '--name', 'two', '--input', '{"ok": false}')
w.orch('tick')
later(31)
r = w.orch('tick')
same((r.rc, 'two: FAILED: Own.NotOk: it is not ok' in r.err), (1, True), 'a tick says what failed') or diag(r.err)
d = describe('two')
same((d['status'], d['error'], d['cause'], d['redriveStatus']), ('FAILED', 'Own.NotOk', 'it is not ok', 'REDRIVABLE'), 'failed, and redrivable')
like(d['redriveStatusReason'], "Fail state 'Bad'", 'but it would fail again, and that is said')
same(types('two', '--failed'), 'FailEntered ExecutionFailed', 'history --failed')
answer('redrive', 'two', shape='RedriveExecution')
d = describe('two')
same((d['status'], d['redriveCount'], 'error' in d, 'stopDate' in d), ('RUNNING', 1, False, False), 'redriven: it runs')
clean('redriven')
w.orch('tick')
same(types('two', '--reverse', '--max', '4'), 'ExecutionFailed FailEntered ExecutionRedriven ExecutionFailed', 'and fails again, as on AWS')
r = w.orch('redrive', 'two', '--from', 'Nowhere')
same((r.rc, "no state 'Nowhere'" in r.err), (1, True), 'a state that is not there')
write('mended.asl.json', dict(STATES, Bad={'Type': 'Pass', 'Result': 'mended', 'ResultPath': '$.b', 'Next': 'Good'}))
answer('redrive', 'two', '--definition', 'mended.asl.json', shape='RedriveExecution')
w.orch('tick')
d = describe('two')
same((d['status'], d['redriveCount'], json.loads(d['output'])), ('SUCCEEDED', 2, {'ok': False, 'a': {'ok': False}, 'b': 'mended'}), 'with a mended definition it ends well, from where it had failed')
event = next(e for e in history('two', '--reverse')['events'] if e['type'] == 'ExecutionRedriven')
pinned = w.state("SELECT workflow_sha256 FROM execution WHERE name = 'two'")[0][0]
same((event['orchRedriveDetails'], event['executionRedrivenEventDetails']), ({'from': 'Bad', 'definitionSha256': pinned}, {'redriveCount': 2}), 'the history has what AWS does not know, under a name of ours')
same(w.state("SELECT part, reason FROM audit WHERE verb = 'redrive'"), [['two', f'from Bad, definition {pinned}']], 'and so has the audit')
w.good('start', 'nightly', '--name', 'three', '--input', '{"ok": false}')
w.orch('tick')
later(31)
w.orch('tick')
w.good('redrive', 'three', '--from', 'A')
w.orch('tick')
later(31)
w.orch('tick')
same(types('three', '--state', 'A'), 'PassEntered PassExited PassEntered PassExited', '--from A goes through A once more')
same([e['stateEnteredEventDetails']['input'] for e in history('three', '--state', 'A')['events'][::2]], ['{"ok":false}'] * 2, 'with the input that it had')
clean('redriven from a state')

# -- the context object knows of it
write('knows.asl.json', {'A': {'Type': 'Choice', 'Choices': [{'Variable': '$$.Execution.RedriveTime', 'IsPresent': True, 'Next': 'Good'}], 'Default': 'Bad'},
                         'Good': {'Type': 'Pass', 'Parameters': {'t.$': '$$.Execution.RedriveTime', 'n.$': '$$.Execution.RedriveCount'}, 'End': True}, 'Bad': {'Type': 'Fail'}})
w.good('start', 'knows.asl.json', '--name', 'knows')
w.orch('tick')
later(10)
w.good('redrive', 'knows', '--from', 'A')
w.orch('tick')
d = describe('knows')
same(json.loads(d.get('output', '{}')), {'t': d['redriveDate'], 'n': 1}, 'RedriveTime and RedriveCount of a redriven one')

# -- stopped in a Wait; past its time it ends at once
w.good('start', 'nightly', '--name', 'four', '--input', '{"ok": true}')
w.orch('tick')
for option, text in (('--error', 'x' * 257), ('--error', b'a\xff'.decode(errors='surrogateescape')), ('--cause', 'x' * 32769), ('--cause', b'\xc3'.decode(errors='surrogateescape'))):
    same((w.orch('stop', 'four', option, text).rc, describe('four')['status']), (2, 'RUNNING'), f'stop {option} of {len(text)} characters: refused')
answer('stop', 'four', '--error', 'Own.Stop', '--cause', 'so', shape='StopExecution')
d = describe('four')
same((d['status'], d['error'], d['cause']), ('ABORTED', 'Own.Stop', 'so'), 'stopped')
later(10)
w.good('redrive', 'four')
w.orch('tick')
same(describe('four')['status'], 'RUNNING', 'redriven before its time: it waits for the rest')
r = w.orch('stop', 'four', '--cause', 'again', fault='engine.locked=kill')
same((r.rc, w.state("SELECT part, reason FROM audit WHERE verb = 'stop' ORDER BY id")), (-9, [['four', 'so'], ['four', 'again']]), 'killed behind the request: the audit knows who asked')
w.orch('tick')
same(describe('four')['status'], 'ABORTED', 'and the next tick stops it')
later(21)
w.good('redrive', 'four')
w.orch('tick')
same((describe('four')['status'], types('four').split().count('WaitEntered'), types('four').split().count('WaitExited')), ('SUCCEEDED', 1, 1), 'past its time: the Wait ends, once')
clean('redriven in a Wait')

# -- a time limit counts anew
write('long.asl.json', {'A': {'Type': 'Wait', 'Seconds': 3600, 'End': True}}, TimeoutSeconds=60)
w.good('start', 'long.asl.json', '--name', 'five')
w.orch('tick')
later(61)
r = w.orch('tick')
d = describe('five')
same((d['status'], 'error' in d, 'five: FAILED: States.Timeout' in r.err), ('TIMED_OUT', False, True), 'timed out, as AWS has it')
w.good('redrive', 'five')
later(57)
w.orch('tick')
same(describe('five')['status'], 'RUNNING', 'redriven: TimeoutSeconds from then on')
later(4)
w.orch('tick')
same(types('five'), 'ExecutionStarted WaitEntered ExecutionTimedOut ExecutionRedriven ExecutionTimedOut', 'and once more')
clean('timed out')

# -- a Parallel or Map goes on with what had failed in it
def there():
    return {'Type': 'Task', 'Resource': 'arn:aws:states:us-east-1:000000000000:activity:orch-command', 'TimeoutSeconds': 60, 'End': True,
            'Parameters': {'argv': ['sh', '-c', 'echo "$0" >> ran; test -e "$0"'], 'arguments.$': 'States.Array($)', 'output': 'none'}}


def each(i=''):
    return {'StartAt': f'F{i}', 'States': {f'F{i}': {'Type': 'Pass', 'OutputPath': f'$[{i}]' if i != '' else '$', 'Next': f'T{i}'}, f'T{i}': there()}}


FORKS = {'par.asl.json': {'A': {'Type': 'Parallel', 'Branches': [each(0), each(1), each(2)], 'End': True}},
         'map.asl.json': {'A': {'Type': 'Map', 'ToleratedFailureCount': 1, 'ItemProcessor': each(), 'End': True}}}
for file, states in FORKS.items():
    write(file, states)
    words = [f'{file[:3]}{i}' for i in range(3)]
    open(w.path(words[1]), 'w').close()
    w.good('start', file, '--name', file[:3], '--input', json.dumps(words))
    w.orch('tick')
    same(describe(file[:3])['status'], 'FAILED', f'{file}: failed')
    w.good('redrive', file[:3])
    clean(f'{file} is redriven, and no tick has come')
    for word in words:
        open(w.path(word), 'w').close()
    w.orch('tick')
    same(describe(file[:3])['status'], 'SUCCEEDED', f'{file}: redriven to its end')
    ran = open(w.path('ran')).read().split()
    ok(ran.count(words[1]) == 1 and ran.count(words[0]) == 2, f'{file}: what was done is not done again, what failed is') or diag(ran)
    clean(f'{file} has ended')

# -- of a Parallel and a Map a redrive redoes what failed or was aborted, and nothing else
def effect(name, argument=None, **more):
    """Writes its name and argument into a file; fails while there is a file FAIL-NAME."""
    script = f'echo {name}$1 >>effects; test ! -e FAIL-{name}$1 && echo "\\"{name}$1\\""'
    parameters = dict({'argv': ['/bin/sh', '-c', script, 'sh']}, **({'arguments.$': argument} if argument else {}))
    return dict({'Type': 'Task', 'Resource': 'arn:aws:states:us-east-1:000000000000:activity:orch-command', 'TimeoutSeconds': 60, 'Parameters': parameters}, **more)


def effects():
    with open(w.path('effects')) as f:
        got = f.read().split()
    os.unlink(w.path('effects'))
    return ' '.join(got)


END = {'End': True}
write('fork.asl.json', {'A': {'Type': 'Parallel', 'Next': 'M', 'ResultPath': '$.p', 'Branches': [
    {'StartAt': 'P1', 'States': {'P1': effect('p', Next='P2'), 'P2': effect('q', **END)}},
    {'StartAt': 'W1', 'States': {'W1': {'Type': 'Wait', 'Seconds': 30, 'Next': 'W2'}, 'W2': effect('w', **END)}},
    {'StartAt': 'S1', 'States': {'S1': effect('s', **END)}}]},
    'M': {'Type': 'Map', 'ItemsPath': '$.items', 'ResultPath': '$.m', 'Next': 'Z', 'ToleratedFailureCount': 1, 'ItemProcessor': {'StartAt': 'I', 'States': {
        'I': effect('i', 'States.Array($)', ResultPath=None, Next='J'), 'J': effect('j', 'States.Array($)', **END)}}},
    'Z': {'Type': 'Succeed'}})
for name in 'q', 'j2', 'j3':
    open(w.path('FAIL-' + name), 'w').close()
w.good('start', 'fork.asl.json', '--name', 'fork', '--input', '{"items": [1, 2, 3]}')
w.orch('tick')
d = describe('fork')
same((d['status'], d['error'], effects()), ('FAILED', 'Orch.CommandFailed', 'p s q'), 'a branch fails when another has ended and a third waits')
clean('a Parallel that failed')
os.unlink(w.path('FAIL-q'))
w.good('redrive', 'fork')
clean('a Parallel that was redriven')
w.orch('tick')
same(effects(), 'q', 'redriven: the branch that failed goes on at what failed, the one that had ended stays')
clean('a Parallel that waits')
later(31)
w.orch('tick')
d = describe('fork')
same((d['status'], d['error'], effects()), ('FAILED', 'States.ExceedToleratedFailureThreshold', 'w i1 j1 i2 j2 i3 j3'), 'the Wait ends in its time; then iterations fail, one more than is borne with')
clean('a Map that failed')
for name in 'j2', 'j3':
    os.unlink(w.path('FAIL-' + name))
w.good('redrive', 'fork')
clean('a Map that was redriven')
w.orch('tick')
d = describe('fork')
same((d['status'], effects(), json.loads(d.get('output', 'null'))), ('SUCCEEDED', 'j2 j3', {'items': [1, 2, 3], 'p': ['q', 'w', 's'], 'm': ['j1', 'j2', 'j3']}),
     'redriven: the iterations that failed go on at what failed') or diag(types('fork'))
same((types('fork', '--state', 'W1'), history('fork')['events'][-1]['type']), ('WaitEntered WaitAborted WaitExited', 'ExecutionSucceeded'), 'and no Wait was entered twice')
w.good('start', 'fork.asl.json', '--name', 'too-large', '--input', '{"items": [1, 2]}')
w.orch('tick')
w.good('stop', 'too-large')
w.good('redrive', 'too-large', '--from', 'M')
w.orch('tick')
same((describe('too-large')['status'], effects()), ('SUCCEEDED', 'p s q i1 j1 i2 j2'), '--from leaves a Parallel that was being worked')
clean('redriven out of a Parallel')

# -- start --wait: here and now
write('short.asl.json', {'A': {'Type': 'Wait', 'Seconds': 1, 'Next': 'C'}, 'C': CHOICE, 'Good': DONE, 'Bad': STATES['Bad']})
w.now = None
r = w.orch('start', 'short.asl.json', '--input', '{"ok": true}', '--wait', '-o', 'json')
same((r.rc, faults(json.loads(r.out), 'DescribeExecution'), json.loads(r.out)['status']), (0, [], 'SUCCEEDED'), '--wait: works it to its end')
with open(w.path('in.json'), 'w') as f:
    f.write('{"ok": false}')
r = w.orch('start', 'short.asl.json', '--input', 'in.json', '--wait')
same((r.rc, 'FAILED: Own.NotOk: it is not ok' in r.out), (1, True), 'and its exit status tells how that was')
write('loud.asl.json', {'A': {'Type': 'Fail', 'Error': 'Own.Loud', 'CausePath': '$.why'}})
r = w.orch('start', 'loud.asl.json', '--input', '{"why": "\\u001b[2Jgone"}', '--wait')
same((r.rc, 'FAILED: Own.Loud: \\x1b[2Jgone' in r.out, '\x1b' in r.out), (1, True, False), 'what data says does nothing to a terminal') or diag(r.out)
later(0)

# -- a redriven ingest loads nothing twice
def ingest(verb):
    """A load that is stopped in its midst; then redriven, before the next tick or behind it."""
    for name in os.listdir(w.dir):
        if name.startswith(('orch.db', 'target.db', 'lake')):
            path = w.path(name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    os.makedirs(w.path('lake'))
    with sqlite3.connect(w.path('target.db')) as db:
        db.execute('CREATE TABLE t (a INTEGER, b TEXT)')
    w.pipeline(target='sqlite', target_table='t', source_since=PART, source_until=PART)
    w.good('target', 'setup')
    w.good('lineage', 'add', 't')
    w.put(hour_key(12), 'a,b\n' + '1,x\n' * 1000, mtime=1650000000)
    r = w.orch('tick', fault='load.first_batch=kill')
    name = w.state("SELECT name FROM execution WHERE status = 'RUNNING'")[0][0]
    w.good('stop', name)
    same((r.rc, describe(name)['status'], w.target('SELECT COUNT(*) FROM t')), (-9, 'ABORTED', [[0]]), f'{verb}: a load, killed and stopped')
    return name


name = ingest('redriven at once')
w.good('redrive', name)
for _ in range(4):
    later(600)
    w.orch('tick')
same((w.target('SELECT COUNT(*) FROM t'), w.state('SELECT state FROM job')), ([[1000]], [['RECONCILED']]), 'redriven at once: every row is there, once')
clean('a redriven ingest')
name = ingest('redriven behind the next tick')
for _ in range(3):
    later(600)
    w.orch('tick')
same((w.target('SELECT COUNT(*) FROM t'), w.state('SELECT state FROM job')), ([[1000]], [['RECONCILED']]), 'the next tick loads it')
w.good('redrive', name)
for _ in range(4):
    later(600)
    w.orch('tick')
same((w.target('SELECT COUNT(*) FROM t'), w.state('SELECT state FROM job')), ([[1000]], [['RECONCILED']]), 'redriven behind it: nothing is loaded twice')
ok(describe(name)['status'] in ('FAILED', 'SUCCEEDED'), 'and the old one ends')
same(history_faults(json.loads(w.good('history', name, '-o', 'json').out)), [], 'its history is whole')
clean('a redriven ingest that came too late')

# -- a history is never read whole, nor sorted, for a page of it
with sqlite3.connect(w.path('orch.db')) as db:
    for part in open(f'{TOP}/sql/queries/history.sql').read().split('-- name: ')[1:]:
        name, _, sql = part.partition('\n')
        plan = [r[3] for r in db.execute('EXPLAIN QUERY PLAN ' + sql, (1,) * (4 if '?4' in sql else 3 if '?3' in sql else 2))]
        ok(len(plan) == 1 and plan[0].startswith('SEARCH'), f'{name}: one search, no sort') or diag(plan)
db.close()

# -- fsck finds what is wrong
DAMAGE = [("UPDATE frame SET last_event = last_event + 1", 'cursor'), ("UPDATE execution SET input = '{}' WHERE name = 'six'", 'input'),
          ("UPDATE frame SET state = 'Good'", 'Good'), ("UPDATE frame SET phase = 'TASK'", 'task'), ("UPDATE frame SET wake_ms = wake_ms - 5000", 'wake'),
          ("UPDATE execution SET redrive_count = 3", 'redriven 3 times'), ("UPDATE execution SET status = 'SUCCEEDED'", 'SUCCEEDED'),
          ("DELETE FROM frame", 'cursor'), ("UPDATE frame SET input_event = 1", 'input'), ("UPDATE frame SET retry = '[2]'", 'retr'), ("UPDATE frame SET entered_event = 2", 'entered by event'),
          ("INSERT INTO event(execution_id, id, previous_id, type, ts_ms) SELECT 1, 9, 4, 'PassStateEntered', ts_ms FROM event WHERE id = 1 AND execution_id = 1", 'missing'),
          ("UPDATE workflow SET definition = definition || ' '", 'definition')]
for sql, word in DAMAGE:
    for name in os.listdir(w.dir):
        if name.startswith('orch.db'):
            path = w.path(name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    w.good('start', 'own.asl.json', '--name', 'six', '--input', '{"ok": true}')
    w.orch('tick')
    clean('before the damage')
    with sqlite3.connect(w.path('orch.db')) as db:
        db.execute(sql)
    db.close()
    r = w.orch('fsck')
    same((r.rc, word in r.out), (5, True), f'fsck finds: {sql[:70]}') or diag(r.out + r.err)
later(31)
with sqlite3.connect(w.path('orch.db')) as db:
    db.execute("UPDATE execution SET input = '{'")
db.close()
r = w.orch('tick')
ok(r.rc not in (0, -6) and 'orch: six: ' in r.err, 'a tick says which execution it cannot work') or diag(f'{r.rc} {r.err}')
done()

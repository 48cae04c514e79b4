#!/usr/bin/python3
"""An execution of a definition of one's own that failed is told once and stands: in status, alerts, metrics and on the page, until it is redriven, done later, or let stand."""
import json, os, re, sqlite3, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

START = 1654419600
clock = START
w = World()
w.linger = '0s'


def later(seconds):
    global clock
    clock += seconds
    w.now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(clock))


def write(name, states, **more):
    with open(w.path(name), 'w') as f:
        json.dump(dict({'StartAt': next(iter(states)), 'States': states}, **more), f)


def heard():
    """What alerts.command was told since the last look: (state, class, pipeline, partition, ending)."""
    found = []
    if os.path.exists(w.path('heard')):
        with open(w.path('heard')) as f:
            for line in f:
                found += [(t['state'], t['class'], t['pipeline'], t['partition'], t['ending'] if t['state'] == 'SETTLED' else None) for t in json.loads(line)['troubles']]
        os.remove(w.path('heard'))
    return found


def stands():
    r = w.orch('status', '-o', 'json')
    v = json.loads(r.out)
    same((r.rc, v['exit']), (1 if v['attention'] else 0,) * 2, 'status ends with 1 as long as something stands')
    return [(a['class'], a['pipeline'], a['partition']) for a in v['attention']]


def metric():
    return int(re.search(r'^orch_executions_failed (\d+)$', w.good('metrics').out, re.M).group(1))


def fails(name, *words):
    w.good('start', 'own', '--name', name, *words)
    r = w.orch('tick')
    same((r.rc, f'orch: {name}: FAILED: Own.Bad: it is bad' in r.err), (1, True), f'{name}: the tick that sees it fail says so') or diag(r.err)


OK, BAD = {'Type': 'Succeed'}, {'Type': 'Fail', 'Error': 'Own.Bad', 'Cause': 'it is bad'}
w.config_json = {'state': 'orch.db', 'connections': {}, 'tick': {'linger': '0s'}, 'workflows': {'own': {'definition': 'own.asl.json'}},
                 'alerts': {'command': 'cat >> heard'}}
w.write_config(w.config_json)
write('own.asl.json', {'A': BAD})
later(0)

# -- stands, and is told once
same(w.orch('tick').rc, 0, 'nothing yet')
same((stands(), metric()), ([], 0), 'and nothing stands')
fails('one')
same(heard(), [('OPEN', 'FAILED', '', 'one', None)], 'alerts.command is told')
for turn in range(2):
    later(300)
    r = w.orch('tick')
    same((r.rc, r.err, heard()), (0, '', []), 'a later tick says it not again')
    same((stands(), metric()), ([('FAILED', '', 'one')], 1), 'and it stands')
r = w.orch('status')
same((r.rc, 'FAILED one: Own.Bad: it is bad' in r.out), (1, True), 'orch status says what failed') or diag(r.out)
for words in ('orch history one --failed', 'orch redrive one', "orch ack one --reason '...'"):
    like(r.out, words, 'and what to type')
later(6 * 3600)
r = w.orch('tick')
same((r.rc, 'one: still FAILED' in r.err, heard()), (1, True, [('OPEN', 'FAILED', '', 'one', None)]), 'after renotify it is said again') or diag(r.err)

# -- redriven: it stands no more; failing again it is news
w.good('redrive', 'one')
same(stands(), [], 'redriven: it runs, and stands no more')
r = w.orch('tick')
same((r.rc, 'orch: one: FAILED: Own.Bad' in r.err, heard()), (1, True, [('OPEN', 'FAILED', '', 'one', None)]), 'it fails again: told anew') or diag(r.err)
write('wait.asl.json', {'W': {'Type': 'Wait', 'Seconds': 60, 'Next': 'A'}, 'A': OK})
w.good('redrive', 'one', '--definition', 'wait.asl.json', '--from', 'W')
later(1)
r = w.orch('tick')
like(r.err, 'one: settled: redriven', 'a redrive that goes on for long is told as what it is')
same([h[:4] for h in heard()], [('SETTLED', 'FAILED', '', 'one')], 'and not as well')
later(61)
same((w.orch('tick').rc, stands(), metric()), (0, [], 0), 'it ends well')

# -- let stand by a person, for this failure alone
fails('two')
heard()
r = w.orch('ack', 'two')
same((r.rc, '--reason' in r.err), (2, True), 'ack asks for a reason')
like(w.good('ack', 'two', '--reason', 'it was known', '--dry-run').out, 'would be acknowledged', 'what ack would do')
same(stands(), [('FAILED', '', 'two')], 'a dry run acts on nothing')
like(w.good('ack', 'two', '--reason', 'it was known').out, 'execution two is acknowledged', 'acknowledged')
like(w.good('ack', 'two', '--reason', 'it was known').out, 'already', 'twice is as once')
same((stands(), metric()), ([], 0), 'it stands no more')
r = w.orch('tick')
same((r.rc, [h[:4] for h in heard()]), (0, [('SETTLED', 'FAILED', '', 'two')]), 'told as settled')
like(r.err, ': it was known', 'with why')
same(w.state("SELECT part, reason FROM audit WHERE verb = 'ack'"), [['two', 'it was known']], 'the audit has it')
w.good('redrive', 'two')
same((w.orch('tick').rc, stands(), [h[:4] for h in heard()]), (1, [('FAILED', '', 'two')], [('OPEN', 'FAILED', '', 'two')]), 'redriven and failed again: another failure, and it is told')
w.good('ack', 'two', '--reason', 'known')
r = w.orch('ack', 'one', '--reason', 'x')
same((r.rc, 'nothing to acknowledge: it is SUCCEEDED' in r.err), (1, True), 'what ended well has nothing to acknowledge') or diag(r.err)
same(w.orch('ack', 'none', '--reason', 'x').rc, 1, 'nor what is not there')
w.orch('tick')
heard()

# -- done later: the same input
fails('three', '--input', '{"day": 5}')
write('own.asl.json', {'A': OK})
w.good('start', 'own', '--name', 'four', '--input', '{"day": 6}', '--wait')
same(stands(), [('FAILED', '', 'three')], 'another day that went well says nothing of this one')
w.good('start', 'own', '--name', 'five', '--input', '{"day": 5}', '--wait')
same((stands(), metric()), ([], 0), 'the same, done later, ends it')
heard()
r = w.orch('tick')
same((r.rc, heard()), (0, [('RECOVERED', 'FAILED', '', 'three', None)]), 'told as well again') or diag(r.err)

# -- timed out; stopped by a person
write('own.asl.json', {'A': {'Type': 'Wait', 'Seconds': 600, 'End': True}}, TimeoutSeconds=60)
w.good('start', 'own', '--name', 'six')
w.good('start', 'own', '--name', 'seven')
w.orch('tick')
w.good('stop', 'seven')
later(61)
r = w.orch('tick')
same((r.rc, 'orch: six: FAILED: States.Timeout' in r.err, 'seven' in r.err), (1, True, False), 'a time limit is told, a stop by a person is not') or diag(r.err)
same((stands(), metric()), ([('FAILED', '', 'six')], 1), 'and stands')
w.good('ack', 'six', '--reason', 'known')
w.orch('tick')
heard()

# -- killed between the end and the word
write('own.asl.json', {'A': BAD})
for fault in ('engine.ended=kill', 'tick.said=kill'):
    name = fault[:6].replace('.', '')
    w.good('start', 'own', '--name', name)
    r = w.orch('tick', fault=fault)
    ok(r.rc not in (0, 1), f'killed at {fault}')
    same(stands(), [('FAILED', '', name)], 'it stands')
    r = w.orch('tick')
    same((r.rc, f'orch: {name}: FAILED: Own.Bad' in r.err, heard()), (1, True, [('OPEN', 'FAILED', '', name, None)]), 'and the next tick tells it') or diag(r.err)
    w.good('ack', name, '--reason', 'known')
    w.orch('tick')
    heard()

# -- names that would be taken for something else
for name in ('command', '1', 'ä' * 80):
    w.good('start', 'own', '--name', name)
    w.orch('tick')
    same([h[3] for h in heard() if h[0] == 'OPEN'], [name], f'{name[:8]}: told')
    out = w.orch('status').out
    same(w.orch(*re.search(r'orch (history \S+ --failed)', out).group(1).split()).rc, 0, 'what it says to type can be typed')
    w.good(*re.search(r'orch (ack \S+ --reason)', out).group(1).split(), 'known')
    same(stands(), [], 'and ends it')
w.orch('tick')
same(w.orch('fsck').rc, 0, 'fsck is clean')
done()

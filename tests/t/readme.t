#!/usr/bin/python3
"""README's "A week with orch", typed line by line on a day of files: every command does what its line says."""
import os
import re
import shlex
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from httpd import Server  # noqa: E402
from world import TOP, World, diag, done, like, ok, same  # noqa: E402

with open(os.path.join(TOP, 'README.md'), encoding='utf-8') as f:
    week = re.search(r'^## A week with orch\n(.*?)^## ', f.read(), re.S | re.M).group(1)
lines = [line.strip() for line in week.splitlines() if line.startswith('    orch ')]
HEAD = 'id,age\n'

w = World()
w.pipeline(target='sqlite', columns={'id': 'id', 'age': 'age'}, target_create=True, source_since='2022-06-01T00')
w.config_json['alerts'] = {'command': 'cat > told.json'}
w.write_config(w.config_json)
for day in range(1, 6):  # each hour but 05:00 of the last day, whose 12:00 is broken
    for hour in range(24):
        if (day, hour) != (5, 5):
            w.put(f'yyyy=2022/mm=06/dd={day:02}/hh={hour:02}/a.csv', HEAD + ''.join(f'{n},{n % 70}\n' for n in range(100)))
w.put('yyyy=2022/mm=06/dd=05/hh=12/a.csv', HEAD + '1,abc\n')
w.now = '2022-06-06T01:00:00Z'


class Looked:
    """What orch serve shows who looks at it, on a port of its own; and how it ends."""
    def __init__(self, *words):
        s = Server(w, *words, env=w.orch_env())
        self.out, self.err = s.get('/').text, ''
        self.rc = s.stop()


def typed(line):
    words = shlex.split(line, comments=True)
    return Looked(*words[2:]) if words[1] == 'serve' else w.orch(*words[1:])


WANT = {  # exit status, and what a reader would look for
    'explain': (0, 'FAILED'), 'logs': (0, "'abc' is not"), 'rejects': (0, '1,abc'), 'retry': (6, 'loans/2022-06-05T12: SMALL'),
    'skip': (0, 'skipped'), 'ack': (0, 'acknowledged'), 'plan': (0, 'nothing to do'), 'pause': (0, 'is paused'),
    'resume': (0, 'goes on'), 'cancel': (0, 'nothing runs'), 'reconcile': (5, 'DIFFERENT'), 'diff': (5, '99 in the target'),
    'replay': (0, '1 RECONCILED'), 'adopt': (0, 'would be adopted'), 'profile': (0, 'profile-loans-2022-06-05T23.html'), 'schedule': (0, 'At 08:00'),
    'schema': (0, 'CREATE TABLE'),
    'serve': (0, 'href="/pipelines/loans'), 'notify': (0, 'command: delivered'), 'metrics': (0, 'orch_partitions{job="loans",state="RECONCILED"} 119'),
}
same(sorted(set(line.split()[1] for line in lines)), sorted(WANT), 'the week names what is tried here, and no other')
same(w.orch('target', 'setup').rc, 0, 'a table is made')
lines.sort(key=lambda line: 'orch adopt' not in line)  # before orch has loaded these hours itself
for line in lines:
    verb = line.split()[1]
    if verb == 'explain':
        same(w.orch('tick').rc, 1, 'five days are loaded, with a broken hour and a missing one')
    if verb == 'retry':
        w.put('yyyy=2022/mm=06/dd=05/hh=12/a.csv', HEAD + '1,30\n')
    if verb == 'reconcile':
        w.target('UPDATE loan_applicant_info SET age = 99 WHERE (_orch_load_id, _orch_line) IN '
              '(SELECT _orch_load_id, _orch_line FROM loan_applicant_info LIMIT 1)')
    r = typed(line)
    rc, text = WANT.get(verb, (0, ''))
    if '--by' in line:
        text = "'abc' is not"
    elif '--replay' in line:  # of a file that was rolled back, nothing is
        text = 'no reject of a loaded file is open'
    if not ok(r.rc == rc and text in r.out + r.err, line.partition('#')[0].rstrip()):
        diag(f'exit {r.rc}\n{r.out}{r.err}')
r = w.orch('status')
same(r.rc, 0, 'and all is well afterwards')
like(r.out, 'all well', 'and says so')
done()

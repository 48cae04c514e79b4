#!/usr/bin/python3
"""docs/simulate.md, typed: its files, its commands, what they print."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import ORCH, TOP, World, done, ok, same  # noqa: E402

w = World()
with open(os.path.join(TOP, 'docs', 'simulate.md'), encoding='utf-8') as f:
    text = f.read()
for name, body in re.findall(r'^```json (\S+)\n(.*?)^```', text, re.M | re.S):
    with open(w.path(name), 'w', encoding='utf-8') as f:
        f.write(body)
typed = re.findall(r"^    \$ orch ([^\n]*)\n\n```\n(.*?)^```", text, re.M | re.S)
for line, printed in typed:
    same(w.run([ORCH, *line.split()], cwd=w.dir).out, printed, f'orch {line}')
same(len(typed), len(re.findall(r'^    \$ orch ', text, re.M)), 'every command that is shown has what it prints')
ok(len(typed) >= 4, 'there are some')
# the test case that is only described
r = w.run([ORCH, 'simulate', 'order.asl.json', '--input', 'order.json', '--mock-config', 'MockConfigFile.json', '--test-case', 'BusyTwice',
           '--now', '2022-06-05T12:00:00Z'], cwd=w.dir)
same((r.rc, '"stopDate": "2022-06-06T12:30:00.000Z"' in r.out), (0, True), '10 + 20 minutes of retries, and a day')
same(w.run([ORCH, 'test-state', 'order.asl.json', '--state', 'Charge', '--input', 'price.json'], cwd=w.dir).rc, 2, 'a Task needs a mock')
done()

#!/usr/bin/python3
"""orch graph: workflows and the paths of executions as SVG and Mermaid."""
import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import TOP, World, diag, done, hour_key, like, ok, same  # noqa: E402

SVG = '{http://www.w3.org/2000/svg}'
w = World()
w.pipeline(target='sqlite', source_until='2022-06-05T01', target_create=True)
w.put(hour_key(0), 'a,b\n1,2\n')
w.put(hour_key(1), 'a,b\n1,x"y\n')
w.good('target', 'setup', now='2022-06-05T02:30:00Z')


def write(name, definition):
    with open(w.path(name), 'w', encoding='utf-8') as f:
        json.dump(definition, f)
    return w.path(name)


def draw(what, *args):
    r = w.orch('graph', what, *args)
    if r.rc != 0:
        diag(r.err)
    return r.out


def nodes(svg):
    """{state: (classes, both lines of its box)}"""
    return {g.find(SVG + 'title').text.split(' (')[0]: (g.get('class').split(), [t.text for t in g.findall(SVG + 'text')])
            for g in ET.fromstring(svg).iter(SVG + 'g') if g.get('class').split()[0] == 'n'}


def edges(svg):
    return [(g.find(SVG + 'title').text, g.get('class').split()) for g in ET.fromstring(svg).iter(SVG + 'g')
            if g.get('class').split()[0] == 'e' and g.find(SVG + 'title') is not None]


def boxes(svg):
    found = {}
    for g in ET.fromstring(svg).iter(SVG + 'g'):
        if g.get('class').split()[0] != 'n':
            continue
        shape = [c for c in g if c.get('class') == 'box'][0]
        if shape.tag == SVG + 'rect':
            x, y, width, height = (float(shape.get(k)) for k in ('x', 'y', 'width', 'height'))
        else:
            m = re.match(r'M([\d.-]+) ([\d.-]+)l14 ([\d.-]+)h([\d.-]+)', shape.get('d'))
            x, y, width, height = float(m[1]), float(m[2]) + float(m[3]), float(m[4]) + 28, -2 * float(m[3])
        found[g.find(SVG + 'title').text] = (x, y, x + width, y + height)
    return found


def overlaps(svg):
    b = list(boxes(svg).items())
    return [(p, q) for i, (p, a) in enumerate(b) for q, c in b[i + 1:] if a[0] < c[2] and c[0] < a[2] and a[1] < c[3] and c[1] < a[3]]


def outside(svg):
    root = ET.fromstring(svg)
    width, height = float(root.get('width')), float(root.get('height'))
    return [n for n, b in boxes(svg).items() if b[0] < 0 or b[1] < 0 or b[2] > width or b[3] > height]


# -- the shipped workflow
with open(f'{TOP}/orchestrator/workflows/ingest.asl.json', encoding='utf-8') as f:
    ingest = json.load(f)
svg = draw('loans')
same(set(nodes(svg)), set(ingest['States']), 'a pipeline: every state of its workflow, once')
same([overlaps(svg), outside(svg)], [[], []], 'no box covers another, none lies outside')
titles = [t for t, _ in edges(svg)]
ok('start → GenerateQueue' in titles, 'the start points to StartAt')
ok('IsNowProcessing → EtlQueueCheck: $.lock.state = "FREE" or $.lock.state = "STALE"' in titles, 'a Choice edge tells its condition')
ok('HasWork → NothingToDo: $.work.job is null' in titles, 'IsNull in words')
ok('GotFlag → UnknownAnswer: default' in titles, 'default is called so')
ok(('Ingest → ReleaseAfterFailure: catch States.ALL', ['e', 'catch']) in edges(svg), 'a Catch is dashed and says what it catches')
ok(any(t.startswith('Ingest: retry Orch.Transient') for t in titles), 'a Retry is a loop')
ok(not any('went' in c for _, c in edges(svg)), 'no path is taken in a workflow that was not run')
ok('prefers-color-scheme' in svg and 'http' not in svg.replace('http://www.w3.org/2000/svg', ''), 'light and dark, and nothing from outside')
like(svg, '<desc>A workflow of 15 states', 'described in words')
same(draw(f'{TOP}/orchestrator/workflows/ingest.asl.json').replace(f'{TOP}/orchestrator/workflows/ingest.asl.json', 'loans'), svg, 'a FILE gives the same')

# -- executions: one that went well, one that failed
w.orch('tick', now='2022-06-05T02:30:00Z')
runs = json.loads(w.orch('list', 'loans', '-o', 'json').out)['executions']
good = [r['name'] for r in runs if r['status'] == 'SUCCEEDED'][-1]
bad = [r['name'] for r in runs if r['status'] == 'FAILED'][0]
svg = draw(good)
n = nodes(svg)
same([s for s in n if 'went' in n[s][0]], ['GenerateQueue', 'CheckNowProcessing', 'IsNowProcessing', 'EtlQueueCheck', 'HasWork', 'SetFlag', 'GotFlag', 'Ingest',
                                           'Reconcile', 'ResetFlag', 'Done'], 'the path of a good run is thick')
went = [t for t, c in edges(svg) if 'went' in c]
same(len(went), 11, 'its edges too')
ok(all(t.endswith('(taken)') for t in went), 'and said in words')
ok(not any('failed' in c for c, _ in n.values()), 'nothing failed')
svg = draw(bad)
n = nodes(svg)
same([s for s in n if 'failed' in n[s][0]], ['Ingest', 'RunFailed'], 'a failed run: the state that failed, and the end')
like(n['Ingest'][1][1], '✖ failed: Orch.TooManyRejects', 'by glyph, word and error, not by colour alone')
ok(('Ingest → ReleaseAfterFailure: catch States.ALL (taken)', ['e', 'catch', 'went']) in edges(svg), 'the Catch that was taken')
ok(not any(t.startswith('Ingest → Reconcile') and 'went' in c for t, c in edges(svg)), 'and not the way that was not')

# -- one that waits: where it is
waits = {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'Next': 'Long'}, 'Long': {'Type': 'Wait', 'Seconds': 86400, 'Next': 'B'},
                                    'B': {'Type': 'Choice', 'Choices': [{'Variable': '$.n', 'NumericLessThan': 3, 'Next': 'A'}], 'Default': 'End'}, 'End': {'Type': 'Succeed'}}}
w.config_json['pipelines']['slow'] = json.loads(json.dumps(w.config_json['pipelines']['loans']))
w.config_json['pipelines']['slow'].update(workflow=write('slow.asl.json', waits))
w.config_json['pipelines']['slow']['source']['prefix'] = 'slow/'
w.config_json['pipelines']['slow']['target']['table'] = 'slow'
w.write_config(w.config_json)
w.orch('tick', now='2022-06-05T03:30:00Z')
run = json.loads(w.orch('list', 'slow', '-o', 'json').out)['executions'][0]['name']
svg = draw(run)
like(nodes(svg)['Long'][1][1], '▶ here', 'the state that it is in says so')
ok('class="ring"' in svg, 'and is outlined')
ok('B → A: $.n < 3' in [t for t, _ in edges(svg)], 'a loop upwards is drawn')
same([overlaps(svg), outside(svg)], [[], []], 'inside the drawing')
mermaid = draw(run, '--format', 'mermaid')
like(mermaid, '==> s2', 'Mermaid: the path thick')
like(mermaid, '▶ here', 'and where it is')

# -- hostile names
names = ['<script>alert(1)</script>', '"]; click s1 "javascript:x"', '`md` **b** # & ; {{x}}', 'новая 状态 😀', 'a\u202eb\x01\x1b[31m\n', "x' onload='y", '--> end']
states = {name: {'Type': 'Pass', 'Comment': f'</title>{name}', 'Next': names[(i + 1) % len(names)]} for i, name in enumerate(names[:-1])}
states[names[-1]] = {'Type': 'Choice', 'Choices': [{'Variable': '$.a', 'StringEquals': '</text><script>"\'&', 'Next': names[0]}, {'Not': {'Variable': '$.b', 'IsPresent': True}, 'Next': names[1]}],
                     'Default': 'e' * 80}
states['e' * 80] = {'Type': 'Succeed'}
hostile = write('hostile.json', {'StartAt': names[0], 'States': states})
svg = draw(hostile)
ok('<script' not in svg and ' onload=' not in svg.replace("x&#39; onload=&#39;y", ''), 'SVG: names are text, not elements')
shown = nodes(svg)
ok(names[0] in shown and names[3] in shown, 'and read back as they are')
ok('\x01' not in svg and '\x1b' not in svg, 'without control characters')
same(shown['e' * 80][1][0], 'e' * 39 + '…', 'a long name is cut in the box, and whole in its title')
same([overlaps(svg), outside(svg)], [[], []], 'nothing overlaps')
mermaid = draw(hostile, '--format', 'mermaid')
shape = re.compile(r'%% .*|flowchart TD|    s0\(\(" "\)\)|    s\d+(\[|\{\{|\(\[)"[^"`{}\[\]|]*"(\]|\}\}|\]\))|'
                   r'    s\d+ (-->|-\.->|==>)(\|"[^"`{}\[\]|]*"\|)? s\d+|    style s\d+ .*')
same([line for line in mermaid.splitlines() if not shape.fullmatch(line)], [], 'Mermaid: every line is one of ours, whatever the names hold')

# -- limits, files, usage
chain = {f's{i}': {'Type': 'Task', 'Resource': 'arn:aws:states:us-east-1:000000000000:activity:orch-reset-flag', 'TimeoutSeconds': 9,
                   'Catch': [{'ErrorEquals': ['States.ALL'], 'Next': 'bad'}], 'Next': f's{i + 1}'} for i in range(497)}
chain.update({'s497': {'Type': 'Succeed'}, 'bad': {'Type': 'Fail', 'Error': 'E'}})
began = time.monotonic()
svg = draw(write('long.json', {'StartAt': 's0', 'States': chain}))
same(len(nodes(svg)), 499, 'a workflow of 499 states is drawn')
ok(time.monotonic() - began < 20, 'in time')  # 0.2 s in a release build
chain.update({f'x{i}': {'Type': 'Pass', 'Next': 'bad'} for i in range(10)})
chain['s496']['Next'] = 'x0'
chain.update({f'x{i}': {'Type': 'Pass', 'Next': f'x{i + 1}'} for i in range(9)}, x9={'Type': 'Pass', 'Next': 's497'})
r = w.orch('graph', write('longer.json', {'StartAt': 's0', 'States': chain}))
same(r.rc, 1, 'more than 500 is refused')
like(r.err, 'at most 500 are drawn', 'with the limit')
same(w.orch('graph', 'loans', '--to', 'loans.svg').rc, 0, '--to FILE')
same(open(w.path('loans.svg'), encoding='utf-8').read(), draw('loans'), 'writes it there')
same(w.orch('graph', 'loans', '--format', 'png').rc, 2, 'another format is usage')
same(w.orch('graph', 'loans', '-o', 'json').rc, 2, '-o has no form for it')
same(w.orch('graph', 'nobody').rc, 1, 'no such pipeline or execution')
r = w.orch('graph', write('wrong.json', {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'Next': 'B'}}}))
same(r.rc, 3, 'a wrong definition is refused')
if shutil.which('xmllint'):
    lint = subprocess.run(['xmllint', '--noout', w.path('loans.svg')], capture_output=True, text=True)
    same([lint.returncode, lint.stderr], [0, ''], 'xmllint agrees')
done()

#!/usr/bin/python3
"""What orch serve says of pipelines, jobs, executions, rejects and sums: the same as the commands, page by page."""
import json
import os
import re
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import World, diag, done, hour_key, like, ok, same  # noqa: E402
from httpd import Server  # noqa: E402
from openapi import Openapi  # noqa: E402

w = World()
w.linger = '0s'
with sqlite3.connect(w.path('target.db')) as db:
    db.execute('CREATE TABLE t (a INTEGER, b TEXT)')
w.pipeline(target='sqlite', target_table='t', source_until='2022-06-05T09', max_rejects=10, owner={'name': 'Ana', 'email': 'ana@example.org'})
w.config_json['pipelines']['other'] = {**w.config_json['pipelines']['loans'], 'source': {**w.config_json['pipelines']['loans']['source'], 'prefix': 'other/'}}
w.write_config(w.config_json)
s = Server(w)
a = s.get('/v1/pipelines')
same((a.status, a.json['code']), (503, 'Orch.Unavailable'), 'before there is a state file there is nothing to tell, and it is said')
w.good('target', 'setup')
w.good('lineage', 'add', 't', '--pipeline', 'loans')
for h in range(5):
    w.put(hour_key(h), f'a,b\n{h},x\n{h}1,y\n' + ('no,"<script>"\nneither,\x07\n' if h in (1, 2) else ''))
w.put(hour_key(4, 'part-1.csv'), 'a,b\n5,z\n')
w.put('other/' + hour_key(2), 'a,b\n1,x\n')
w.orch('tick')


def get(path, status=200):
    a = s.get(path)
    if a.status != status:
        diag(f'{path}: {a.status} {a.text[:600]}')
    return a.json


def pages(path, member, limit, after='after'):
    """All that `next` leads to, and how many pages it took."""
    all_, n, mark = [], 0, ''
    while True:
        page = get(f'{path}{"&" if "?" in path else "?"}limit={limit}{mark}')
        all_ += page[member]
        n += 1
        if 'next' not in page or n > 100:
            return all_, n
        mark = f'&{after}={page["next"]}'


# -- pipelines, as orch status has them
status = w.status()
MOVES = ('partitions', 'lag_ms', 'next_look')
def still(p): return {k: v for k, v in p.items() if k not in MOVES}
whole = get('/v1/pipelines')
same([still(p) for p in whole['pipelines']], [still(p) for p in status['pipelines']], 'pipelines are told as orch status -o json tells them')
ok('next' not in whole, 'and the last page has no next')
all_, n = pages('/v1/pipelines', 'pipelines', 1)
same(([p['pipeline'] for p in all_], n), (['loans', 'other'], 2), 'one a page: two pages')
one = get('/v1/pipelines/loans')
same(still({k: v for k, v in one.items() if k != 'attention'}), still(status['pipelines'][0]), 'one of them alone is told the same')
same(one['attention'], [f for f in status['attention'] if f['pipeline'] == 'loans'], 'with what needs attention')
ok(len(one['attention']) > 0 and one['owner']['name'] == 'Ana', 'there is something, and an owner')
like(get('/v1/pipelines/loan', 404)['hint'], 'loans', 'a slip of the pen is 404, and names the nearest')

# -- partitions
loans = status['pipelines'][0]['partitions']
bare = [{k: v for k, v in p.items() if k != 'jobs'} for p in loans]
same(get('/v1/pipelines/loans/partitions')['partitions'], bare, 'partitions are told as orch status tells them, without their jobs')
same(pages('/v1/pipelines/loans/partitions', 'partitions', 3), (bare, 4), 'three a page: four pages, nothing twice, nothing left out')
part = get('/v1/pipelines/loans/partitions?from=2022-06-05T02&to=2022-06-05T03')
same([p['partition'] for p in part['partitions']], ['2022-06-05T02', '2022-06-05T03'], 'from and to cut it')
ranges = get('/v1/pipelines/loans/partitions?ranges=1')['ranges']
same([(r['state'], r['from'], r['to'], r['partitions']) for r in ranges],
     [('RECONCILED', '2022-06-05T00', '2022-06-05T04', 5), ('LATE', '2022-06-05T05', '2022-06-05T09', 5)], 'ranges of one state are one entry')
same(pages('/v1/pipelines/other/partitions?ranges=1', 'ranges', 1)[1], 3, 'and have pages too')
for path in ('partitions?from=yesterday', 'partitions?after=2022', 'partitions?limit=0', 'partitions?limit=1001', 'partitions?ranges=2', 'partitions?form=2022-06-05T02'):
    same(s.get(f'/v1/pipelines/loans/{path}').status, 400, f'{path} is 400')

# -- jobs
by_status = {j['id']: j for p in status['pipelines'] for part in p['partitions'] for j in part['jobs']}
all_, n = pages('/v1/jobs', 'jobs', 4)
same({j['id']: j for j in all_}, by_status, 'jobs are told as orch status tells them')
same(([j['id'] for j in all_], n), (sorted(by_status, reverse=True), 2), 'newest first')
same(len(get('/v1/jobs?pipeline=other&state=RECONCILED')['jobs']), 1, 'by pipeline and state')
same([j['job'] for j in get('/v1/jobs?pipeline=loans&partition=2022-06-05T04')['jobs']], ['loans/2022-06-05T04'], 'by partition')
for path in ('state=WELL', 'partition=2022-06-05T04', 'pipeline=nobody', 'after=x'):
    same(s.get(f'/v1/jobs?{path}').status, 404 if 'nobody' in path else 400, f'/v1/jobs?{path} is refused')

# -- executions and their events, as orch list, describe and history have them
listed = json.loads(w.orch('list', 'loans', '--limit', '1000', '-o', 'json').out)['executions']
all_, n = pages('/v1/executions?pipeline=loans', 'executions', 2)
EXTRA = ('id', 'pipeline', 'cause_of_start')
def lean(e): return {k: v for k, v in e.items() if k not in EXTRA}
same([lean(e) for e in all_], listed, 'executions are told as orch list tells them, over all pages')
same(get('/v1/executions?status=FAILED')['executions'], [], 'by status')
newest = all_[0]
described = json.loads(w.orch('describe', newest['name'], '-o', 'json').out)
same([lean(get(f'/v1/executions/{k}')) for k in (newest['id'], newest['name'], 'loans')], [described] * 3, 'one of them, by number, name or pipeline, as orch describe')
history = json.loads(w.orch('history', newest['name'], '-o', 'json').out)['events']
same(pages(f'/v1/executions/{newest["id"]}/events', 'events', 7)[0], history, 'its events, over pages, as orch history')
with sqlite3.connect(w.path('orch.db'), timeout=20) as db:
    db.execute("UPDATE execution SET name = name || printf('%.*c', 1500000, '~')")
parts, n = pages('/v1/executions?pipeline=loans', 'executions', 100)
same((n > 1, [e['id'] for e in parts]), (True, [e['id'] for e in all_]), 'a page that is at 4 MiB before its limit ends there, and the next one goes on')
with sqlite3.connect(w.path('orch.db'), timeout=20) as db:
    db.execute("UPDATE execution SET name = rtrim(name, '~')")
same(s.get('/v1/executions/nobody').status, 404, 'one that is not there is 404')

# -- rejects
told = json.loads(w.orch('rejects', 'loans', '-o', 'json').out)['rejects']
all_, n = pages('/v1/rejects?pipeline=loans', 'rejects', 3)
same((sorted(all_, key=lambda r: (r['partition'], r['line'])), n, len(all_)), (told, 2, 4), 'rejects are told as orch rejects tells them, over pages')
a = s.get('/v1/rejects?pipeline=loans')
same(a.head.get('cache-control'), 'no-store', 'and no cache keeps them')
same(pages('/v1/rejects?pipeline=loans&partition=2022-06-05T02', 'rejects', 1)[0], [r for r in told if r['partition'] == '2022-06-05T02'], 'of one partition')
same(len(get('/v1/rejects?pipeline=loans&code=NOT_AN_INT&column=a&state=FINAL')['rejects']), 4, 'by code, column and state')
same(get('/v1/rejects?pipeline=loans&state=DISCARDED')['rejects'], [], 'none was given up')
same(get('/v1/rejects?pipeline=loans&by=code,column')['groups'],
     json.loads(w.orch('rejects', 'loans', '--by', 'code,column', '-o', 'json').out)['groups'], 'in groups, as --by')
groups = [get(f'/v1/rejects?pipeline=loans&by=file&limit={n}') for n in (1, 2)]
same([(len(g['groups']), g['more'], 'next' in g) for g in groups], [(1, True, False), (2, False, False)], 'where the limit leaves groups out, it is said')
for path in ('', '?pipeline=nobody', '?pipeline=loans&by=colour', '?pipeline=loans&after=1', '?pipeline=loans&by=code&after=1-1', '?pipeline=loans&state=x'):
    same(s.get('/v1/rejects' + path).status, 404 if 'nobody' in path else 400, f'/v1/rejects{path} is refused')

# -- reconciliation
r = get('/v1/reconciliation?pipeline=loans')
same(sorted((o['partition'], o['rows_read'], o['rows_loaded'], o['rows_rejected'], o['difference']) for o in r['objects']),
     [('2022-06-05T00', 2, 2, 0, 0), ('2022-06-05T01', 4, 2, 2, 0), ('2022-06-05T02', 4, 2, 2, 0), ('2022-06-05T03', 2, 2, 0, 0), ('2022-06-05T04', 1, 1, 0, 0), ('2022-06-05T04', 2, 2, 0, 0)],
     'each object: source = loaded + rejected')
same(r['sums'], {'rows_read': 15, 'rows_loaded': 11, 'rows_rejected': 4, 'difference': 0}, 'and their sums')
same({j['verdict'] for j in r['jobs']} | {j['state'] for j in r['jobs']}, {'EQUAL', 'RECONCILED'}, 'each job with its verdict')
same([j['rows_target'] for j in r['jobs']], [2, 2, 2, 2, 3], 'and what the target has')
objects, n = pages('/v1/reconciliation?pipeline=loans', 'objects', 4)
same((objects, n), (r['objects'], 2), 'over pages')
same(len(get('/v1/reconciliation?pipeline=loans&from=2022-06-05T04')['objects']), 2, 'from and to cut it')
same(s.get('/v1/reconciliation').status, 400, 'of which pipeline has to be said')

# -- summary
a = s.get('/v1/summary')
same(([p['pipeline'] for p in a.json['pipelines']], a.json['findings'], a.json['exit'], a.json['requests']),
     (['loans', 'other'], len(status['attention']), status['exit'], status['requests']), 'the summary is what the page polls')
same(a.json['attention'], status['attention'], 'with all that needs attention')
etag = a.head['etag']
b = s.get('/v1/summary', '-H', f'If-None-Match: {etag}')
same((b.status, b.body, b.head.get('etag')), (304, b'', etag), 'what has not changed is 304, and nothing is sent')
b = s.get('/v1/summary', '-H', f'If-None-Match: "x", {etag}')
same(b.status, 304, 'so is one of several')
w.good('pause', 'other', '--reason', 'a test')
b = s.get('/v1/summary', '-H', f'If-None-Match: {etag}')
same((b.status, b.json['pipelines'][1]['paused']['reason']), (200, 'a test'), 'what has changed is sent')
same(get('/v1/extracts'), {'extracts': []}, 'no extracts here')

# -- the examples of docs/api.md that read
doc = open(os.path.join(os.environ.get('ORCH_SOURCE', '.'), 'docs', 'api.md')).read()
examples = [x.split("'")[1] if "'" in x else x.split()[-1] for x in doc.splitlines() if x.startswith('    $ curl') and ' -d ' not in x and '/v1/requests/' not in x]
for url in examples:
    a = s.get(url.replace('http://127.0.0.1:8086', ''))
    same(a.status, 404 if '/backups' in url else 200, url)  # there is no place for backups here
ok(len(examples) >= 8, 'there are eight examples')

# -- nothing is changed without --allow-write
for path in ('pipelines/loans/replay', 'pipelines/loans/retry', 'pipelines/loans/pause', 'pipelines/loans/resume', 'pipelines/loans/skip', 'backups', 'restores', 'requests/1/acknowledge'):
    a = s.get('/v1/' + path, '-H', 'Content-Type: application/json', '-d', '{}')
    same(a.status, 403, f'POST /v1/{path} is refused where nothing may be written')
same(w.state('SELECT count(*) FROM request')[0][0], 0, 'and nothing was put down')

# -- answers are as openapi.json says, each member, and it says nothing that is not there
api = Openapi(get('/openapi.json'))
asked = [('/v1/pipelines', ''), ('/v1/pipelines/{pipeline}', '/v1/pipelines/loans'), ('/v1/pipelines/{pipeline}/partitions', '/v1/pipelines/loans/partitions'),
         ('/v1/pipelines/{pipeline}/partitions', '/v1/pipelines/loans/partitions?ranges=1'), ('/v1/jobs', ''), ('/v1/executions', ''), ('/v1/executions/{execution}', '/v1/executions/loans'),
         ('/v1/executions/{execution}/events', '/v1/executions/loans/events'), ('/v1/rejects', '/v1/rejects?pipeline=loans&state=all'), ('/v1/rejects', '/v1/rejects?pipeline=loans&by=code,column,file'),
         ('/v1/reconciliation', '/v1/reconciliation?pipeline=loans'), ('/v1/extracts', ''), ('/v1/summary', ''), ('/v1/requests', ''), ('/v1/tables', ''), ('/healthz', ''), ('/readyz', '')]
for path, url in asked:
    same(api.check('GET', path, s.get(url or path)), [], f'{url or path} is as its schema says')
ok({'Pipeline', 'Partition', 'Range', 'Job', 'Execution', 'Reject', 'RejectGroup', 'Object', 'Compared', 'Summary', 'Attention', 'Square'} <= api.seen, 'there was something of each to look at') or diag(f'{api.seen}')
refs = set(re.findall(r'#/components/schemas/(\w+)', json.dumps(api.doc)))
same(sorted(refs ^ set(api.doc['components']['schemas'])), [], 'every schema that is named is there, and every one that is there is named')
same([o['operationId'] for (m, p), o in api.operations.items() if p.startswith('/v1/') and not any('content' in r for c, r in o['responses'].items() if c != 'default')], [], 'each of /v1 says what its answer is')
same([o['operationId'] for (m, p), o in api.operations.items() if p.startswith('/v1/') and m == 'POST' and o['operationId'] != 'putRows' and not o['requestBody']['content']['application/json']], [], 'and what its body is')

# -- the list of all
paths = get('/openapi.json')['paths']
mine = [f'{m.upper()} {p}' for p in paths for m in paths[p] if p.startswith('/v1/') and '/tables' not in p]
same([x for x in mine if f'`{x}`' not in doc], [], 'docs/api.md tells of each')
ok(len(mine) >= 20, 'there are twenty')
same(s.stop(), 0, 'it ends well')
done()

#!/usr/bin/python3
"""docs/rows.md: its orch.json, its table and every command, in order; what they print is what it shows."""
import json, os, re, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *
import httpd
from rest import Serve

with open(os.path.join(TOP, 'docs', 'rows.md'), encoding='utf-8') as f:
    text = f.read()
w = World('mysql')
port = w.base + 85
w.sql('CREATE DATABASE hr; GRANT ALL ON hr.* TO loader@\'127.0.0.1\'')
w.sql(re.search(r'`(CREATE TABLE [^`]*)`', text).group(1), db='hr')
config = json.loads(re.search(r'```json\n(.*?)```', text, re.S).group(1))
url = config['connections']['warehouse']['url']
config['connections']['warehouse'].update(url=url.replace('127.0.0.1/', f'127.0.0.1:{w.base + 80}/'), tls='off')
w.write_config(config)
same(w.good('target', 'setup').rc, 0, 'orch target setup')
s = Serve(w, port)


def still(s):
    """Without what is another each time."""
    s = re.sub(r'"(request_id|source)":"[0-9a-f]{16}"', r'"\1":"0123456789abcdef"', s)
    return re.sub(r'"at":"[^"]*"', '"at":"2022-06-05T12:34:56.789Z"', s)


examples = re.findall(r'^    \$ (.*)\n((?:    (?!\$).*\n)*)', text, re.M)
ok(len(examples) >= 6, f'{len(examples)} examples')
for command, output in examples:
    r = w.run(['sh', '-c', command.replace(':8086', f':{port}')], cwd=w.dir)
    same(still(r.out), re.sub('^    ', '', output, flags=re.M), command)
statuses = set(re.findall(r'^\| (\d{3}(?:, \d{3})*) \|', text, re.M))
listed = {int(x) for row in statuses for x in row.split(', ')}
one = [{'id': 900, 'job': 'Cook'}]
got = [s.post('jobs', one).status, s.post('jobs', [{'id': 901}], mode='partial').status, s.post('jobs', '{', type='application/json').status,
       s.post('nothing', one).status, s.post('jobs', [{'id': 1000 + i, 'job': 'Cook'} for i in range(1001)]).status,
       s.post('jobs', one, type='text/plain').status, s.post('jobs', [{'id': 901}]).status]
same(got, [201, 200, 400, 404, 413, 415, 422], 'what its table of statuses tells')
readonly = httpd.Server(w)
got.append(readonly.curl('/v1/tables/jobs/rows', '-H', 'Content-Type: application/json', '-d', '[]').status)
readonly.stop()
same(listed, {*got, 403, 409, 503, 504}, 'and there are no others but those of t/rows, which breaks connections')
same(got[-1], 403, 'without --allow-write')
s.stop()
done()

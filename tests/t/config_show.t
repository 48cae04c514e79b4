#!/usr/bin/python3
"""orch config show: the whole config, where each key comes from, and no secret; what doctor says of a layout that fits nothing."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import World, ok, same, like, done, TOP  # noqa: E402

w = World()
w.pipeline(target='sqlite', columns={'income': 'MonthlyIncome', 'x': None})
w.config_json['connections']['other'] = {'url': 's3://bucket/', 'endpoint': 'https://me:s3cr3t@s3.example/'}
w.config_json['connections']['db'] = {'url': 'mysql://loader@db.example/w', 'password_env': 'PW'}
w.config_json['alerts'] = {'webhook': {'url': 'https://hooks.example/services/T0K3N?x=T0K3N'}, 'ping': {'url': 'https://hc.example/T0K3N'}}
w.write_config(w.config_json)
env = {'PW': 'v3ry-s3cr3t', 'AWS_REGION': 'eu-west-3'}
path = w.path('orch.json')


def keys(*args, **more):
    r = w.orch('config', 'show', *args, '-o', 'json', **dict(env, **more))
    same(r.rc, 0, f'config show {" ".join(args)}')
    return {k['key']: (k['value'], k['origin']) for k in json.loads(r.out)['keys']}


k = keys()
same(k['pipelines.loans.schedule'], ('rate(1 minute)', path), 'a key of the file names the file')
same(k['pipelines.loans.csv.null'], (['NA', ''], 'default'), 'a default says so, and is a list as the file would have it')
same(k['pipelines.loans.columns.income'], ('MonthlyIncome', path), 'columns, renamed')
same(k['pipelines.loans.columns.x'], (None, path), 'and dropped')
same(k['connections.other.region'], ('eu-west-3', 'environment AWS_REGION'), 'what the environment decides names the variable')
same(k['connections.db.password_env'], ('PW', path), 'of a password only where it comes from')
ok('connections.lake.region' not in k and 'connections.other.tls' not in k, 'keys without effect are left out')
same(k['connections.other.endpoint'][0], 'https://me:***@s3.example/', 'a password in a URL is not shown')
same(k['alerts.webhook.url'][0], 'https://hooks.example/***', "nor a webhook's path, which is one")
same(k['alerts.ping.url'][0], 'https://hc.example/***', "nor a ping's")
same(sorted(keys('pipelines.loans.csv')), sorted('pipelines.loans.csv.' + n for n in ('binary', 'delimiter', 'quote', 'escape', 'header', 'encoding', 'null', 'trailing_delimiter', 'zero_dates')),
     'one part alone')
r = w.orch('config', 'show', 'pipelines.loans.scv', **env)
ok(r.rc == 2 and 'pipelines.loans.scv' in r.err, 'a key that is none is usage')
r = w.orch('config', 'show', 'connections.other.region', **env)
ok('ORIGIN' not in r.out and '"eu-west-3"' in r.out, 'as a table: the value as orch.json would have it')
r = w.orch('config', 'show', '--origin', **env)
like(r.out, 'environment AWS_REGION', '--origin: a column more')
ok(not any(s in r.out + r.err for s in ('v3ry', 's3cr3t', 'T0K3N')), 'and no secret in it')
documented = open(f'{TOP}/docs/cli-json.md').read().split('## config show')[1].split('\n## ')[0]
ok(all(f'"{name}"' in documented for name in json.loads(w.orch('config', 'show', '-o', 'json', **env).out)['keys'][0]), 'its members are documented')

# -- doctor: objects that no partition would ever list
del w.config_json['connections']['other'], w.config_json['connections']['db'], w.config_json['alerts']
w.write_config(w.config_json)


def source():
    return [c for c in json.loads(w.orch('doctor', '-o', 'json').out)['checks'] if c['check'] == 'loans source'][0]


same(source()['status'], 'WARN', 'doctor: nothing there is a warning')
w.put('in/2022/06/05/00/a.csv', 'x\n')
c = source()
same(c['status'], 'WARN', 'objects that fit no partition are a warning')
like(c['text'], 'none of 1 object fits layout yyyy=%Y/mm=%m/dd=%d/hh=%H/, not in/2022/06/05/00/a.csv', 'which names layout and object')
like(c['hint'], '"prefix": "in/", "layout": "%Y/%m/%d/%H/" would fit', 'and what would fit')
w.put('yyyy=2022/mm=06/dd=05/hh=00/a.csv', 'x\n')
same(source()['status'], 'OK', 'one that fits is enough')
w.close()
done()

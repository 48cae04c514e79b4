#!/usr/bin/python3
"""What a tick leaves behind: the metrics file, the last tick, the chronicle; the alert rules and the dashboard over them."""
import json
import os
import re
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import TOP, World, diag, done, hour_key, like, ok, same  # noqa: E402

GOOD, BAD = 'a,b\n1,2\n3,NA\n', 'a,b\n1,2\nx"y,4\n'
w = World()
w.pipeline(target='sqlite', source_until='2022-06-05T05', target_create=True, max_rejects='1', owner={'name': 'A "B" \\ C'})
w.config_json['metrics'] = {'textfile': 'prom'}
w.config_json['pipelines']['other'] = json.loads(json.dumps(w.config_json['pipelines']['loans']))
w.config_json['pipelines']['other']['source']['prefix'] = 'nothing/'
w.config_json['pipelines']['other']['target']['table'] = 'other'
w.write_config(w.config_json)
for hour, text in ((0, GOOD), (1, GOOD), (2, BAD), (4, GOOD)):
    w.put(hour_key(hour), text)
w.orch('target', 'setup', now='2022-06-05T00:00:00Z')  # the table of other waits for its first file
FILE = w.path('prom', 'orch.prom')


def tick(now, *args, **env):
    return w.orch('tick', *args, now=now, **env)


def samples(text):
    """{'name{labels}': value}, in a form that is strict about the text format."""
    found, typed, family = {}, {}, None
    for line in text.splitlines():
        head = re.fullmatch(r'# (HELP|TYPE) (\w+) (.+)', line)
        if head:
            family = head[2]
            typed[family] = head[3]
            continue
        m = re.fullmatch(r'(\w+)(\{(?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (-?[0-9.]+)', line)
        if not m or not m[1].startswith(family) or line.split(' ')[0] in found:
            return {'bad line': line}
        found[m[1] + (m[2] or '')] = float(m[3])
    return found


def read():
    with open(FILE, encoding='utf-8') as f:
        return samples(f.read())


# -- a folder that is not there: said once, and the tick is what it was
r = tick('2022-06-05T05:30:00Z')
like(r.err, 'metrics.textfile: cannot create', 'a file that cannot be written is said')
like(r.err, 'hint: loading goes on', 'with what it means')
same(w.state("SELECT count(*) FROM job WHERE state = 'RECONCILED'"), [[4]], 'and everything was loaded')
quiet = tick('2022-06-05T05:36:00Z')
ok('metrics' not in quiet.err, 'it is said once')
again = tick('2022-06-05T11:40:00Z')
like(again.err, 'metrics.textfile: cannot create', 'and again after alerts.renotify')
os.mkdir(w.path('prom'))
os.umask(0o077)
back = tick('2022-06-05T11:46:00Z')
like(back.err, 'metrics.textfile is written again', 'its recovery is said')
ok('metrics' not in tick('2022-06-05T11:52:00Z').err, 'once')
same(stat.S_IMODE(os.stat(FILE).st_mode), 0o644, 'the file is readable by all, whatever the umask')
same(os.listdir(w.path('prom')), ['orch.prom'], 'and nothing lies beside it')

# -- what is in it
m = read()
same(m.get('orch_tick_last_success_timestamp_seconds', 0) // 60, 1654429920 // 60, 'the newest tick')
same(m.get('orch_rows_total{job="loans",direction="in",outcome="loaded"}'), 7, 'rows loaded')
same(m.get('orch_rows_total{job="loans",direction="in",outcome="rejected"}'), 1, 'rows rejected')
same(m.get('orch_rows_total{job="loans",direction="in",outcome="null_converted"}'), 3, 'values that became NULL')
same(m.get('orch_bytes_total{job="loans"}'), 3 * len(GOOD) + len(BAD), 'bytes')
same(m.get('orch_partitions{job="loans",state="RECONCILED"}'), 4, 'partitions by state: loaded')
same(m.get('orch_partitions{job="loans",state="LATE"}'), 2, 'and late')
same(m.get('orch_job_lag_partitions{job="loans"}'), 2, 'the lag is what is due and not settled')
same(m.get('orch_job_lag_partitions{job="other"}'), 6, 'of each pipeline')
same(m.get('orch_job_last_success_partition_timestamp_seconds{job="loans"}'), 1654401600, 'the newest good partition begins at 04:00')
same(m.get('orch_job_landing_delay_seconds{job="loans"}', 0) // 60, 30, 'and landed half an hour after its end')
ok('orch_job_landing_delay_seconds{job="other"}' not in m, 'a pipeline that has loaded nothing has no landing time')
same(m.get('orch_state_duration_seconds_count{job="loans",state="Ingest"}'), 4, 'time in states is counted')
same(m.get('orch_state_duration_seconds_bucket{job="loans",state="Ingest",le="+Inf"}'), 4, 'as a histogram')
ok(m.get('orch_state_duration_seconds_sum{job="loans",state="Ingest"}', 0) > 0, 'with its sum')
ok(m.get('orch_schedule_missed_total{job="loans",reason="no_tick"}', 0) > 300, 'hours without a tick are missed fires of rate(1 minute)')
r = w.orch('metrics', now='2022-06-05T11:52:00Z')
same(samples(r.out), m, 'orch metrics prints the same')
os.mkdir(w.path('by-hand'))
same(w.orch('metrics', '--textfile', 'by-hand', now='2022-06-05T11:52:00Z').rc, 0, 'orch metrics --textfile writes it')
ok(os.path.exists(w.path('by-hand', 'orch.prom')), 'into that folder')

# -- counters never go back, and a second reading of the same counts nothing twice
w.good('replay', 'loans', '--from', '2022-06-05T00', '--to', '2022-06-05T00', '--only', 'all', '--reason', 'again', now='2022-06-05T12:00:00Z')
tick('2022-06-05T12:00:00Z')
n = read()
same(n.get('orch_rows_total{job="loans",direction="in",outcome="loaded"}'), 9, 'a replay loads its rows once more')
same([k for k in m if '_total' in k and n.get(k, 0) < m[k]], [], 'no counter went back')
before = read()
tick('2022-06-05T12:06:00Z')
same(read().get('orch_rows_total{job="loans",direction="in",outcome="loaded"}'), 9, 'a tick that loads nothing counts none')
w.orch('run', 'loans', now='2022-06-05T12:07:00Z')
same(read().get('orch_tick_last_start_timestamp_seconds', 0) // 60, 1654430760 // 60, 'orch run is no tick')

# -- killed between the target's COMMIT and the state file: the rows are counted when the next tick learns of them, once
w.put(hour_key(3), GOOD)
tick('2022-06-05T12:30:00Z', fault='ingest.after_commit=kill')
like(w.orch('logs', '--since', '1h', now='2022-06-05T12:31:00Z').out, 'not ended yet', 'a tick that died has begun, and not ended')
ok('orch_tick_duration' not in str(samples(w.orch('metrics', now='2022-06-05T12:31:00Z').out)), 'and has no duration')
tick('2022-06-05T12:36:00Z')
same(read().get('orch_rows_total{job="loans",direction="in",outcome="loaded"}'), 11, 'rows of a tick that died after COMMIT are counted once')
ok('orch_tick_duration_seconds' in read(), 'and the next tick ends')

# -- no account of the last tick can be kept: each tick says so, and loads all the same
account = w.path('orch.db.tick')
os.unlink(account)
os.mkfifo(account)
w.put(hour_key(4), GOOD)
r = tick('2022-06-05T12:38:30Z')
like(r.err, 'orch: the account of the last tick: ' + account + ' is no plain file', 'what cannot be written is said')
same((r.err.count('orch: the account of the last tick'), w.state("SELECT count(*) FROM job WHERE part LIKE '%T04' AND state = 'RECONCILED'")), (1, [[2]]), 'once a tick, and rows are loaded')
r = w.orch('status', now='2022-06-05T12:38:30Z', timeout=20)
like(r.err, 'is no plain file (hint: it holds the account of the last tick alone, and may be deleted)', 'a FIFO in its place keeps nobody waiting')
os.unlink(account)
same(tick('2022-06-05T12:39:50Z').err, '', 'without it, all is well again')

# -- a mismatch, and a name that needs escaping
w.target('DELETE FROM loan_applicant_info WHERE (_orch_load_id, _orch_line) IN (SELECT _orch_load_id, _orch_line FROM loan_applicant_info LIMIT 1)')
w.orch('reconcile', 'loans', now='2022-06-05T12:40:00Z')
m = samples(w.orch('metrics', now='2022-06-05T12:40:00Z').out)
same(m.get('orch_recon_mismatch_partitions{job="loans"}'), 1, 'a mismatched partition')
same(m.get('orch_recon_difference_rows{job="loans"}'), 1, 'and the row that nothing explains')
db = w.path('orch.db')
subprocess.run(['python3', '-c', "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('INSERT INTO channel (name, sent, failed) VALUES (?, 5, 2)', ('mail \"a\\\\b\"\\nc',)); c.commit()", db], check=True)
text = w.orch('metrics', now='2022-06-05T12:40:00Z').out
like(text, 'orch_alerts_sent_total{channel="mail \\"a\\\\b\\"\\nc",result="failed"} 2\n', 'labels are escaped')
ok('bad line' not in samples(text), 'and the text stays well-formed')

# -- promtool, the rules, the dashboard, the page
emitted = set(re.findall(r'^# TYPE (\w+)', text, re.M))
page = re.search(r'<!-- metrics -->(.*)<!-- /metrics -->', open(f'{TOP}/docs/metrics.md', encoding='utf-8').read(), re.S)[1]
served = {'orch_http_requests_total': 'counter'}  # of orch serve alone
same(sorted(re.findall(r'^\| `(\w+)`', page, re.M)), sorted(emitted | set(served)), 'docs/metrics.md lists what is emitted, and nothing else')
types = {**dict(re.findall(r'^# TYPE (\w+) (\w+)', text, re.M)), **served}
same(dict(re.findall(r'^\| `(\w+)` \| (\w+)', page, re.M)), types, 'with its types')


def used(source):
    return {re.sub(r'_(bucket|sum|count)$', '', x) for x in re.findall(r'\borch_\w+', source)}


with open(f'{TOP}/deploy/prometheus/orch.rules.yml', encoding='utf-8') as f:
    rules = '\n'.join(line for line in f.read().splitlines())
expressions = '\n'.join(re.findall(r'expr: (.*?)(?=\n {8}\w)', rules, re.S))
ok(len(used(expressions)) >= 6, 'the rules use metrics')
same(sorted(used(expressions) - emitted), [], 'that are emitted')
same(len(re.findall(r'- alert: ', rules)), 5, 'five rules')
dashboard = json.load(open(f'{TOP}/deploy/grafana/orch.json', encoding='utf-8'))
asked = '\n'.join(t['expr'] for p in dashboard['panels'] for t in p['targets'])
same(sorted(used(asked) - emitted), [], 'the dashboard asks for metrics that are emitted')
same([p['title'] for p in dashboard['panels'] if not p['targets'] or 'gridPos' not in p], [], 'each panel asks something and has a place')
same(len({p['id'] for p in dashboard['panels']}), len(dashboard['panels']), 'and an id of its own')
if shutil.which('promtool'):
    check = subprocess.run(['promtool', 'check', 'metrics'], input=text, capture_output=True, text=True)
    # it would have counters of NULLs without "direction" as well; what it finds wrong is on stderr, with a non-zero status
    ok(check.returncode == 0, 'promtool finds the metrics well-formed') or diag(check.stdout + check.stderr)
    check = subprocess.run(['promtool', 'test', 'rules', f'{TOP}/deploy/prometheus/orch.rules.test.yml'], capture_output=True, text=True)
    ok(check.returncode == 0, 'the rules ring when they should, and only then') or diag(check.stdout + check.stderr)
    queries = sorted({t['expr'] for p in dashboard['panels'] for t in p['targets']})
    with open(w.path('queries.yml'), 'w', encoding='utf-8') as f:
        filled = [re.sub(r'\$__rate_interval', '5m', q) for q in queries]
        json.dump({'groups': [{'name': 'q', 'rules': [{'record': f'q:q{i}', 'expr': q} for i, q in enumerate(filled)]}]}, f)
    check = subprocess.run(['promtool', 'check', 'rules', w.path('queries.yml')], capture_output=True, text=True)
    ok(check.returncode == 0, "the dashboard's queries are PromQL") or diag(check.stdout + check.stderr)
else:
    for name in ('the metrics', 'the rules', 'the queries'):
        ok(True, f'{name} # SKIP promtool (package prometheus) is not installed')

# -- logs
NOW = '2022-06-05T12:45:00Z'


def logs(*args):
    r = w.orch('logs', *args, '-o', 'json', now=NOW)
    return json.loads(r.out)['logs'] if r.rc == 0 else [{'error': r.err, 'rc': r.rc}]


all_ = logs('--since', '2022-06-05T00:00:00Z', '--limit', '1000')
same([x['at'] for x in all_], sorted(x['at'] for x in all_), 'logs: newest last')
kinds = {(x['kind'], x['what']) for x in all_}
for want in (('execution', 'started'), ('execution', 'succeeded'), ('job', 'queued'), ('job', 'loaded'), ('reconciliation', 'equal'),
             ('reconciliation', 'different'), ('person', 'replay'), ('trouble', 'late'), ('tick', 'ended')):
    ok(want in kinds, f'logs tell of {want[0]} {want[1]}')
same({(x['partition'], x['text'][:22]) for x in all_ if x['what'] == 'late' and x['pipeline'] == 'loans'}, {('2022-06-05T05', 'no object has come; la')}, 'a trouble names its partition')
same({x['partition'] for x in logs('loans/2022-06-05T02')}, {'', '2022-06-05T02'}, 'of one partition only')
same(logs('loans', '--limit', '3'), logs('loans', '--limit', '1000')[-3:], '--limit keeps the newest')
same([x for x in logs('--since', '2m')], [], '--since cuts off')
ok(not any('x"y' in json.dumps(x) for x in all_), 'no bytes of rejected records')
same(w.orch('logs', '--since', 'soon', now=NOW).rc, 2, '--since that is no time is usage')
run = json.loads(w.orch('list', 'loans', '-o', 'json', now=NOW).out)['executions'][-1]['name']
steps = logs(run)
same([steps[0]['what'], steps[-1]['what'], steps[-1]['kind']], ['started', 'succeeded', 'execution'], 'logs of an execution: from its start to its end')
ok(any(x['kind'] == 'task' and re.search(r'^Ingest after \d+ m?s$', x['text']) for x in steps), 'with how long a task took')
done()

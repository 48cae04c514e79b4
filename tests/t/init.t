#!/usr/bin/python3
"""The first minutes: init looks at S3 and MySQL, doctor says what is missing and what is needed, and it loads."""
import json
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql', 's3')
# now is the true one: what init finds is what a person would see
for h in (0, 1, 2):
    w.put('incoming/' + hour_key(h), csv_of(list(credit_rows(30, seed=h))))
w.put('incoming/README.txt', 'not data')
w.sql(DDL)
args = ['--from', f's3://{w.bucket}/', '--to', f'mysql://loader@127.0.0.1:{w.base + 80}/w.loan_applicant_info', '--password-file', 'db.secret',
        '--endpoint', w.endpoint, '--path-style', '--region', 'us-east-1', '--tls', 'off']

r = w.orch('init', *args)
same(r.rc, 0, 'init on a real bucket and a real table')
like(r.out, 'layout incoming/yyyy=%Y/mm=%m/dd=%d/hh=%H/', 'finds prefix and layout')
like(r.out, "column '' is not in the table: dropped", 'says what it drops')
like(r.out, 'orch lineage add loan_applicant_info', 'and what the table lacks')
like(r.out, f'Next:\n  orch -c {w.path("orch.json")} lineage add loan_applicant_info --pipeline loans\n', 'which is the first thing to type')
c = json.load(open(w.path('orch.json')))
s = c['pipelines']['loans']['source']
same((s['prefix'], s['since'], s['period']), ('incoming/', '2022-06-05T00', 'hour'), 'since is the first partition that is there')
same(c['pipelines']['loans']['columns'][''], None, 'the column is dropped in words that can be changed')
same('secret' in json.dumps(c['connections']['warehouse']).replace('db.secret', ''), False, 'no password in the file')
same(w.orch('validate').rc, 0, 'what it wrote is well')
same(w.orch('init', *args).rc, 2, 'init overwrites nothing')

r = w.orch('doctor')
same(r.rc, 1, 'doctor: not ready yet')
like(r.out, 'orch lineage add loan_applicant_info --pipeline loans', 'with the command to type')
like(r.out, 'GRANT', 'the rights that the user needs')
like(r.out, 's3:ListBucket', 'and the IAM policy')
like(r.out, f'arn:aws:s3:::{w.bucket}/incoming/*', 'no wider than the prefix')
r = w.orch('lineage', 'add', 'loan_applicant_info', '--dry-run')
like(r.out, '_orch_load_id', 'lineage add --dry-run prints the statement')
same(w.orch('lineage', 'add', 'loan_applicant_info').rc, 0, 'lineage add')
same(w.orch('doctor').rc, 0, 'doctor: all well')



def told(part, **more):
    """What doctor says that is not well, with this in the pipeline."""
    changed = json.loads(json.dumps(c))
    changed['pipelines']['loans'].update(more)
    json.dump(changed, open(w.path('wrong.json'), 'w'))
    r = w.orch('doctor', '-o', 'json', config='wrong.json')
    bad = [x['text'] for x in json.loads(r.out)['checks'] if x['status'] == 'FAIL']
    ok(r.rc != 0 and any(part in x for x in bad), f'doctor: {part}')
    if r.rc == 0 or not any(part in x for x in bad):
        diag(f'{r.rc} {bad} {r.err}')


told("sends 'age' to 'agee', which table loan_applicant_info does not have (nearest: 'age')", columns={'': None, 'age': {'to': 'agee'}})
told("sends 'age' to '_orch_line', which orch fills itself", columns={'': None, 'age': '_orch_line'})
told("\"constants\" fills 'origin', which table loan_applicant_info does not have", constants={'origin': 'a bank'})
told("constant age: 'old' is not a BIGINT", constants={'age': 'old'}, columns={'': None, 'age': None})
r = w.orch('status')
same(('all well' in r.out, 'no tick has looked yet: orch tick looks' in r.out), (False, True), 'status calls nothing well that nobody has looked at')
r = w.orch('doctor', '-o', 'json')
same(sorted({c['status'] for c in json.loads(r.out)['checks']} - {'OK', 'WARN'}), [], 'as JSON too')
r = w.orch('doctor', '--cron')
same(r.rc, 4, "under cron's environment there are no S3 keys, and doctor --cron says so")
ok(re.search('FAIL +loans source', r.out), 'by name')

c['pipelines']['loans']['source'].update(until='2022-06-05T02', settle='0s')
json.dump(c, open(w.path('orch.json'), 'w'))
r = w.orch('tick')
same((r.rc, r.err), (0, ''), 'the first tick loads in silence')
same(int(w.one('SELECT COUNT(*) FROM loan_applicant_info')), 90, 'every row')
same(w.orch('status').rc, 0, 'status: all well')
r = w.orch('status')
same('\033' in r.out, False, 'no colour where nobody looks')

w.sql("CREATE USER poor@'127.0.0.1' IDENTIFIED BY 'loader-secret'; GRANT SELECT ON w.* TO poor@'127.0.0.1'", db='')
os.unlink(w.path('orch.json'))
os.unlink(w.path('orch.db'))
w.sql('DROP TABLE orch_load, orch_fence')
r = w.orch('init', *[a.replace('loader@', 'poor@') for a in args])
same(r.rc, 4, 'a user without rights: exit 4')
like(r.err, 'orch target setup --dry-run', 'and what to hand to the one who has them')
r = w.orch('target', 'setup', '--dry-run')
ok(re.search('CREATE TABLE IF NOT EXISTS `?orch_load', r.out), 'the statements')
r = w.orch('init', '--from', 's3://no-such-bucket/', *args[2:], config='other.json')
same((r.rc, os.path.exists(w.path('other.json'))), (1, False), 'a bucket that is not there: nothing is written')
like(r.err, 'no-such-bucket', 'and it is named')

# dates that are not ISO 8601: their form is written down where the file proves it
for h in range(2):
    w.put('dates/' + hour_key(h), 'id,born,seen,plain,ends\n1,03/04/1999,01.02.2022 10:00:00,2022-06-05,12-31-2022\n2,31/12/1980,02.03.2022 11:30:00,2022-06-06,01-02-2022\n')
r = w.orch('init', '--from', f's3://{w.bucket}/dates/', '--to', f'mysql://loader@127.0.0.1:{w.base + 80}/w.born', *args[4:], config='dates.json')
same(r.rc, 0, 'init on a file with dates as people write them')
same(json.load(open(w.path('dates.json')))['pipelines']['loans']['columns'], {'born': {'format': '%d/%m/%Y'}, 'ends': {'format': '%m-%d-%Y'}}, 'the form that the cells prove is written down')
like(r.out, """column 'seen' holds '01.02.2022 10:00:00': "columns": {"seen": {"format": "%d.%m.%Y %H:%M:%S"}} reads it, and whether day or month comes first is for you to say""", 'the other is named')
same([t.split('(')[0] for c_, t in w.sql("SELECT column_name, column_type FROM information_schema.columns WHERE table_name = 'born' AND column_name IN ('born', 'ends', 'plain', 'seen') ORDER BY 1")],
     ['date', 'date', 'date', 'varchar'], 'and the table that orch makes has dates for them')
done()

#!/usr/bin/python3
"""A definition as it is written for Step Functions, Lambda and Glue runs the real ingest: its functions and its job bound to steps by a resource
map, its queue files and its now-processing object real objects on S3, its rows in a real MariaDB. Seven scenarios on examples/step-functions; and the
definition that the ingest is modeled on, where it is at hand (ORCH_PUBLISHED=FILE)."""
import json, os, re, shutil, signal, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

w = World('mysql', 's3')
w.linger = '0s'
HOUR, QUEUE, SIGN = '2022060512', 'queuefiles/2022060512', 'etl/now_processing'
EXAMPLES = f'{TOP}/examples/step-functions'
w.pipeline(name='loans', source_prefix='source/', source_since='2022-06-05T00', source_until='2022-06-05T23', schedule='cron(0 0 1 1 ? 2199)', columns={'': None}, target_create=True)
config = w.config_json
config['tasks'] = {'environment': ['PATH', 'HOME', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_EC2_METADATA_DISABLED', 'ASAN_OPTIONS', 'UBSAN_OPTIONS']}
w.write_config(config)
os.mkdir(w.path('bin'))
os.symlink(ORCH, w.path('bin', 'orch'))
w.env['PATH'] = w.path('bin') + ':' + w.env['PATH']
for name in os.listdir(EXAMPLES):
    shutil.copy(f'{EXAMPLES}/{name}', w.path(name))
ROWS = list(credit_rows(50))
count = 0


def keys(prefix=''):
    return sorted(k for k in w.s3.keys(w.bucket, prefix))


def there(key):
    return key in keys(key)


def fresh():
    """The hour's file and its queue file are there, nothing is loaded, nobody holds the sign."""
    for key in keys():
        w.remove(key)
    w.sql('DROP TABLE IF EXISTS loan_applicant_info, orch_load, orch_fence, orch_reject')
    for name in os.listdir(w.dir):
        if name.startswith('orch.db'):
            shutil.rmtree(w.path(name)) if os.path.isdir(w.path(name)) else os.unlink(w.path(name))
    w.put('source/' + hour_key(12), csv_of(ROWS))
    w.put(QUEUE, b'')
    same(w.good('target', 'setup').rc, 0, 'set up')


def rows():
    try:
        return int(w.one('SELECT COUNT(*) FROM loan_applicant_info'))
    except RuntimeError:
        return None


def start(definition='hourly-load.asl.json', map='resource-map.json', wait=True, **env):
    global count
    count += 1
    args = ['start', definition, '--resource-map', map, '--name', f'run-{count}', *(['--wait'] if wait else []), '-o', 'json']
    r = w.orch(*args, **env)
    return f'run-{count}', r


def raced(definition, name):
    """The definition runs, and another takes the sign between its look and its put."""
    go = w.path('go-' + name)
    p = w.spawn('start', definition, '--resource-map', 'resource-map.json', '--name', name, '--wait', fault=f'engine.step_done=wait:{go}@2')
    until = time.monotonic() + 60
    while time.monotonic() < until and (not os.path.exists(w.path('orch.db')) or w.state("SELECT COUNT(*) FROM event WHERE type = 'ActivityStarted'")[0][0] < 2):
        time.sleep(0.02)
    w.put(SIGN, b'2022060512 another')
    open(go, 'w').close()
    p.communicate()


def outcome(name):
    d = json.loads(w.good('describe', name, '-o', 'json').out)
    return d['status'], d.get('error')


def entered(name):
    events = json.loads(w.good('history', name, '-o', 'json').out)['events']
    return [e['stateEnteredEventDetails']['name'] for e in events if e['type'].endswith('StateEntered')]


def resources(name):
    events = json.loads(w.good('history', name, '-o', 'json').out)['events']
    return {e['activityScheduledEventDetails']['resource'] for e in events if e['type'] == 'ActivityScheduled'}


# ---- happy
fresh()
name, r = start()
same(outcome(name), ('SUCCEEDED', None), 'happy: SUCCEEDED')
same(entered(name), ['IsSomebodyAtIt', 'Free', 'OldestHour', 'AnyHour', 'TakeSign', 'Taken', 'Load', 'HourDone', 'Done'], 'every state, in its order')
same(rows(), 50, 'the rows are in the table')
same(w.state("SELECT state FROM job WHERE pipeline = 'loans'"), [['RECONCILED']], 'loaded by the real ingest, and reconciled')
same((there(QUEUE), there(SIGN)), (False, False), 'queue file and sign are gone from S3')
ok('arn:aws:states:::glue:startJobRun.sync' in resources(name), 'the history names what the definition names')
output = json.loads(json.loads(w.good('describe', name, '-o', 'json').out)['output'])
same((output['load']['Arguments']['--date_time'], output['load']['orch']['rows_loaded']), (HOUR, 50), 'the job answers as Glue does, and says what it did')

# ---- empty queue
name, r = start()
same((outcome(name), entered(name)[-2:], rows()), (('SUCCEEDED', None), ['AnyHour', 'Done'], 50), 'empty queue: ended, and nothing was done')

# ---- held lock
fresh()
w.put(SIGN, b'2022060511 somebody')
name, r = start()
same((outcome(name), entered(name)[-2:], rows(), there(QUEUE)), (('SUCCEEDED', None), ['Free', 'Done'], 0, True), 'held lock: ended; nothing is loaded, the hour stays in the queue')
same(w.s3.get(w.bucket, SIGN), b'2022060511 somebody', "and the sign is still the other's")

# ---- lost race: another takes the sign between the look and the put
fresh()
raced('hourly-load.asl.json', 'race')
same((outcome('race'), entered('race')[-2:], rows()), (('SUCCEEDED', None), ['Taken', 'Done'], 0), 'lost race: the other one loads it')
same(w.s3.get(w.bucket, SIGN), b'2022060512 another', "and keeps its sign")

# ---- load failure
fresh()
w.put('source/' + hour_key(12), csv_of([[*ROWS[0][:3], 'no number', *ROWS[0][4:]]]))
name, r = start()
same((outcome(name), rows(), there(QUEUE), there(SIGN)), (('FAILED', 'Orch.CommandFailed'), 0, True, False),
     'load failure: FAILED; the hour stays in the queue, and the sign does not stay for ever')
like(json.loads(w.good('describe', name, '-o', 'json').out)['cause'], 'orch explain loans/2022-06-05T12', 'the cause says where to look')
w.put('source/' + hour_key(12), csv_of(ROWS))
mended, r = start()
same((outcome(mended), rows()), (('SUCCEEDED', None), 50), 'the file mended, the next run loads it')
r = w.orch('redrive', name, '--from', 'IsSomebodyAtIt', '--wait')
same((outcome(name), rows()), (('SUCCEEDED', None), 50), 'the failed one is redriven by the map that it was started with')

# ---- retry: the first two attempts at the job fail for a passing reason
fresh()
os.unlink(w.path('bin', 'orch'))
with open(w.path('bin', 'orch'), 'w') as f:
    f.write(f'#!/bin/sh\necho "$ORCH_ATTEMPT $ORCH_KEY" >> attempts\n[ "$ORCH_ATTEMPT" -ge 3 ] || exit 75\nexec {ORCH} "$@"\n')
os.chmod(w.path('bin', 'orch'), 0o755)
name, r = start()
attempts = [line.split() for line in open(w.path('attempts'))]
same((outcome(name), rows(), [a[0] for a in attempts], len({a[1] for a in attempts})), (('SUCCEEDED', None), 50, ['1', '2', '3'], 1), 'retry: two failures, then loaded, once')
os.unlink(w.path('bin', 'orch'))
os.symlink(ORCH, w.path('bin', 'orch'))

# ---- unknown answer
fresh()
with open(w.path('resource-map.json')) as f:
    strange = json.load(f)
strange['Resources']['arn:aws:lambda:*:function:nowprocessing-check']['Results'] = [{'ResultSelector': {'process_status': 5}}]
with open(w.path('strange.json'), 'w') as f:
    json.dump(strange, f)
name, r = start(map='strange.json')
same((outcome(name), rows(), there(QUEUE)), (('FAILED', 'Orch.ContractViolation'), 0, True), 'unknown answer: FAILED, and nothing was done')

# ---- killed while the job runs; the map is kept with the execution, so a tick that knows nothing of it goes on
fresh()
p = w.spawn('start', 'hourly-load.asl.json', '--resource-map', 'resource-map.json', '--name', 'killed', fault='engine.none=kill')
p.communicate()
os.rename(w.path('resource-map.json'), w.path('away.json'))
for kill in range(1, 5):
    w.orch('tick', fault=f'engine.step_done=kill@{kill}', now=f'+{kill}h')
for hours in range(5, 8):
    w.orch('tick', now=f'+{hours}h')
same((outcome('killed'), rows(), there(QUEUE), there(SIGN)), (('SUCCEEDED', None), 50, False, False), 'killed after each task in turn: goes on by ticks, loaded once, nothing is left')
os.rename(w.path('away.json'), w.path('resource-map.json'))

# ---- by name, from orch.json; and what is refused
config['workflows'] = {'hourly': {'definition': 'hourly-load.asl.json', 'resource_map': 'resource-map.json'}}
w.write_config(config)
fresh()
r = w.good('start', 'hourly', '--name', 'named', '--wait')
same((outcome('named'), rows()), (('SUCCEEDED', None), 50), 'as one of workflows in orch.json')
same(w.good('validate').rc, 0, 'validate reads definition and map')
r = w.orch('start', 'hourly-load.asl.json', '--name', 'without')
same((r.rc, 'nowprocessing-check' in r.err, '--resource-map' in r.err), (3, True, True), 'without a map it is refused, and told why')
r = w.orch('start', 'hourly-load.asl.json', '--resource-map', 'orch.json', '--name', 'wrong')
same((r.rc, 'orch.json' in r.err), (3, True), 'a map that is none is refused')
r = w.orch('validate', '--workflow', 'hourly-load.asl.json', '--resource-map', 'resource-map.json')
same((r.rc, 'UNKNOWN_RESOURCE' in r.out), (0, False), 'validate --workflow --resource-map: every resource is known')

# ---- the published definition, its placeholders filled, nothing else changed
published = os.environ.get('ORCH_PUBLISHED', f'{TOP}/../shared/conformance/data-ingestion-workflow.asl.json')
if not os.path.exists(published):
    ok(True, 'the published definition # SKIP it is not at hand (ORCH_PUBLISHED)')
    done()
text = open(published).read()
for what, name in (('nowprocessing-flg', 'nowprocessing-flg'), ('nowprocessing-check', 'nowprocessing-check'), ('etl-queue-check', 'etl-queue-check')):
    text = text.replace('{TO BE REPLACED:ARN FOR %s LAMBDA FUNCTION}' % what, f'arn:aws:lambda:us-east-1:000000000000:function:{name}')
text = text.replace('{TO BE REPLACED:GLUE JOB NAME}', 'loans')
text = re.sub(r'\{?TO BE REPLACED:Prefix for Parameters\}?', '/hourly/', text)
ok('TO BE REPLACED' not in text, 'published: its placeholders are filled')
with open(w.path('published.asl.json'), 'w') as f:
    f.write(text)
fresh()
name, r = start('published.asl.json')
same(outcome(name), ('SUCCEEDED', None), 'published: happy')
same(entered(name), ['nowprocessingCatch', 'nowprocessingCheck', 'queueCatch', 'queueCheck', 'nowprocessingCreate', 'isParallelCheck', 'data_ingestion_into_db', 'queueFilesCleanup', 'endStatus'],
     'published: all its states')
same((rows(), there(QUEUE), there(SIGN)), (50, False, False), 'published: the real ingest has loaded the hour; queue file and now_processing are gone from S3')
name, r = start('published.asl.json')
same((outcome(name), entered(name)[-2:]), (('SUCCEEDED', None), ['queueCheck', 'endStatus']), 'published: empty queue')
w.put(QUEUE, b'')
w.put(SIGN, b'2022060511')
name, r = start('published.asl.json')
same((outcome(name), entered(name)[-2:], there(QUEUE)), (('SUCCEEDED', None), ['nowprocessingCheck', 'endStatus'], True), 'published: held lock')
fresh()
raced('published.asl.json', 'late')
same((outcome('late'), entered('late')[-2:], rows()), (('SUCCEEDED', None), ['isParallelCheck', 'endStatus'], 0), 'published: lost race')
name, r = start('published.asl.json', map='strange.json')
same((outcome(name), entered(name)[-1]), (('FAILED', 'States.Runtime'), 'nowprocessingCheck'), 'published: unknown answer, for which it has no Default')


def ticks(definition, **files):
    """Started, then worked by ticks an hour apart: its Retry waits a minute."""
    name, r = start(definition, wait=False)
    for hours in range(6):
        w.orch('tick', now=f'+{hours}h')
    return name


fresh()
w.put('source/' + hour_key(12), csv_of([[*ROWS[0][:3], 'no number', *ROWS[0][4:]]]))
name = ticks('published.asl.json')
same((outcome(name)[0], entered(name)[-1], rows(), there(QUEUE), there(SIGN)), ('FAILED', 'Job Failed', 0, True, True), 'published: load failure, after three retries; the sign stays, as it does there')
events = [e['type'] for e in json.loads(w.good('history', name, '-o', 'json').out)['events']]
same(events.count('ActivityFailed'), 4, 'published: one attempt, and three retries')
fresh()
os.unlink(w.path('attempts'))
os.unlink(w.path('bin', 'orch'))
with open(w.path('bin', 'orch'), 'w') as f:
    f.write(f'#!/bin/sh\necho "$ORCH_ATTEMPT" >> attempts\n[ "$ORCH_ATTEMPT" -ge 3 ] || exit 75\nexec {ORCH} "$@"\n')
os.chmod(w.path('bin', 'orch'), 0o755)
name = ticks('published.asl.json')
same((outcome(name), rows(), there(QUEUE), there(SIGN)), (('SUCCEEDED', None), 50, False, False), 'published: retry, then the hour is loaded, once')
done()

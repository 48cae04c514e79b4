"""State files for the pages of orch serve: a good day, a bad one, and years of hours. What can be is done by orch itself."""
import calendar
import json
import sqlite3
import time

import scale

DAY = '2022-06-05'
NOW = '2022-06-06T00:20:00Z'
OLD = 1650000000
PIPES = [('clicks', 'Ben'), ('orders', 'Ana'), ('payments', 'Ana'), ('refunds', 'Chris'), ('sensors', ''), ('stock', 'Dana')]


def hour_of(text):
    return calendar.timegm(time.strptime(text, '%Y-%m-%dT%H')) // 3600


def config(w, since='2022-05-20T00', others=PIPES, name='loans', owner='Ana Nováková'):
    """loans is worked by orch; the others' hours are written by fill()."""
    w.pipeline(name=name, target='sqlite', target_table='t', target_create=True, source_since=f'{DAY}T00',
               source_late_after='30m', owner={'name': owner, 'email': 'ana@example.org'}, max_rejects=150, max_attempts=3)
    c = w.config_json
    del c['pipelines'][name]['source']['until']
    base = json.dumps(c['pipelines'][name])
    for other, who in others:
        p = json.loads(base)
        p['source'].update(prefix=f'{other}/', since=since)
        p['target']['table'] = other
        p['owner'] = {'name': who, 'email': f'{who.lower()}@example.org'}
        if not who:
            del p['owner']
        c['pipelines'][other] = p
    w.write_config(c)


def fill(w, names, since, strange=None, until=NOW):
    first = hour_of(since)
    last = calendar.timegm(time.strptime(until, '%Y-%m-%dT%H:%M:%SZ')) // 3600
    scale.fill(w.path('orch.db'), names, first, last - first, strange)


def runs(w, names, hours=48, until=NOW):
    """Executions with their loads, for the newest hours: what rows a second are drawn from."""
    db = sqlite3.connect(w.path('orch.db'))
    row = db.execute('SELECT sha256 FROM workflow LIMIT 1').fetchone()
    if not row:  # no tick has run anything yet
        db.execute("INSERT INTO workflow VALUES ('none', 'ingest', '{}', 0)")
        db.commit()
    sha = row[0] if row else 'none'
    next_id = db.execute('SELECT coalesce(max(id), 0) FROM execution').fetchone()[0]
    with db:
        for n, name in enumerate(names):
            jobs = db.execute("SELECT id, part, created_ms FROM job WHERE pipeline = ? AND state = 'RECONCILED' ORDER BY part DESC LIMIT ?", (name, hours)).fetchall()
            for i, (job, part, ms) in enumerate(reversed(jobs)):
                next_id += 1
                took = 600 + (i * 37 + n * 91) % 400
                db.execute("INSERT INTO execution(id,name,pipeline,workflow_sha256,cause_of_start,status,input,start_ms,stop_ms) VALUES (?,?,?,?,'SCHEDULE','SUCCEEDED','{}',?,?)",
                           (next_id, f'{name}-{part}', name, sha, ms, ms + took + 100))
                db.execute("INSERT INTO task(execution_id,frame_id,state,attempt,token,resource,parameters,status,scheduled_ms,started_ms,stop_ms) VALUES (?,0,'Ingest',1,?,'arn:aws:states:us-east-1:000000000000:activity:orch-ingest',?,'SUCCEEDED',?,?,?)",
                           (next_id, f'{name}{part}', json.dumps({'pipeline': name, 'job': job}), ms, ms + 5, ms + 5 + took))
                db.execute('UPDATE job SET execution_id = ? WHERE id = ?', (next_id, job))
    db.close()


def rows_of(n, bad=0):
    return 'id,name,amount\n' + ''.join(f'{i},name {i},{i * 7 % 100}\n' for i in range(n - bad)) + ''.join(f'{i},bad {i},"n/a {i}"\n' for i in range(bad))


def loaded(w, hours, bad=()):
    """loans: these hours, by orch; bad: (hour, rejects)."""
    from world import hour_key
    rejects = dict(bad)
    for h in hours:
        w.put(hour_key(h), rows_of(200, rejects.get(h, 0)), mtime=OLD)


def start(w, **kw):
    config(w, **kw)
    with sqlite3.connect(w.path('target.db')) as db:
        db.execute('CREATE TABLE t (id INTEGER, name TEXT, amount INTEGER)')
    w.now = NOW
    w.orch('target', 'setup')
    w.good('lineage', 'add', 't', '--pipeline', 'loans')


def good_day(w):
    start(w)
    loaded(w, range(24))
    w.orch('tick', timeout=300)
    names = [n for n, _ in PIPES]
    with sqlite3.connect(w.path('orch.db')) as db:
        for table in ('partition_', 'trouble'):
            db.execute(f"DELETE FROM {table} WHERE pipeline <> 'loans'")
    fill(w, names, '2022-05-20T00')
    runs(w, names)
    w.orch('tick', timeout=300)


def bad_day(w):
    start(w)
    loaded(w, [h for h in range(22) if h not in (17, 18)], bad=((3, 1), (9, 120), (12, 160)))
    w.orch('tick', timeout=300)
    for _ in range(3):
        w.orch('retry', f'loans/{DAY}T12')
        w.orch('run', 'loans')
    load = w.state("SELECT l.load_id FROM load l JOIN object o ON o.id = l.object_id WHERE o.pipeline = 'loans' AND o.part = ?", f'{DAY}T00')[0][0]
    with sqlite3.connect(w.path('target.db')) as db:  # somebody deletes rows behind orch's back
        db.execute('DELETE FROM t WHERE id < 3 AND _orch_load_id = ?', (load,))
    w.orch('reconcile', f'loans/{DAY}T00')
    names = [n for n, _ in PIPES]
    with sqlite3.connect(w.path('orch.db')) as db:
        for table in ('partition_', 'trouble'):
            db.execute(f"DELETE FROM {table} WHERE pipeline <> 'loans'")
    total = hour_of('2022-06-06T00') - hour_of('2022-05-20T00')
    fill(w, names, '2022-05-20T00', lambda p, h: ('MISMATCHED' if p == 1 and h == total - 6 else 'LATE' if p == 3 and h >= total - 5 else 'DEAD' if p == 2 and h == total - 2 else
                                                  'QUEUED' if p == 4 and h == total - 1 else 'SKIPPED' if p == 4 and h == total - 9 else None))
    runs(w, names)
    w.orch('tick', timeout=300)
    w.orch('pause', 'stock', '--reason', 'the warehouse moves, see OPS-112')
    w.orch('skip', f'loans/{DAY}T17', '--reason', 'the bank was closed')


def years(w, pipelines=10, hours=43800):
    """pipelines x 5 years of hours, which ends before NOW."""
    last = hour_of('2022-06-06T00')
    first = last - hours
    since = scale.part_name(first)
    names = [f'flow{i}' for i in range(pipelines)]
    config(w, since=since, others=[(n, 'Ana') for n in names[1:]], name=names[0])
    c = w.config_json
    for p in c['pipelines'].values():
        p['source']['since'] = since
    w.write_config(c)
    w.now = NOW
    w.orch('target', 'setup')
    w.orch('tick', now=f'{since[:10]}T{since[11:]}:30:00Z', timeout=300)  # makes the state file
    with sqlite3.connect(w.path('orch.db')) as db:
        for table in ('partition_', 'trouble'):
            db.execute(f'DELETE FROM {table}')

    def strange(p, h):
        if p == 0 and h % 701 == 13:
            return 'LATE'
        if p == 0 and h % 2003 in (40, 41, 42):
            return 'FAILED'
        if p == 0 and h % 5003 == 77:
            return 'MISMATCHED'
        return 'SKIPPED' if h % 1009 == 5 else None
    fill(w, names, since, strange)
    runs(w, names)
    return names

"""A state file of years of hours, as orch would have written it: what status and plan are measured and tested on."""
import sqlite3
import time


def part_name(hour):
    """The hour's name; hours since the epoch."""
    return time.strftime('%Y-%m-%dT%H', time.gmtime(hour * 3600))


def fill(path, pipelines, first_hour, hours, strange=None):
    """Into the state file at path, made by orch before: each pipeline's hours from first_hour on, each RECONCILED.
    strange(pipeline number, hour number) gives another state for an hour: LATE, SKIPPED, FAILED, DEAD, MISMATCHED, QUEUED,
    or NONE, an hour that no tick has met."""
    db = sqlite3.connect(path)
    names = [part_name(first_hour + h) for h in range(hours)]
    job_id = db.execute('SELECT coalesce(max(id), 0) FROM job').fetchone()[0]
    parts, jobs, objects, loads = [], [], [], []
    for number, pipeline in enumerate(pipelines):
        for h, part in enumerate(names):
            state = strange(number, h) if strange else None
            at = (first_hour + h + 1) * 3600000 + 240000
            if state == 'NONE':
                continue
            parts.append((pipeline, part, state if state in ('LATE', 'SKIPPED', 'WAITING') else 'QUEUED', at, at, 'by hand' if state == 'SKIPPED' else ''))
            if state in ('LATE', 'SKIPPED', 'WAITING'):
                continue
            job_id += 1
            well = state is None
            jobs.append((job_id, pipeline, part, 1, 'LOAD', state or 'RECONCILED', 0 if well or state == 'QUEUED' else 1, 0 if well or state == 'QUEUED' else 1, 0, None, 35000,
                         None if well or state == 'QUEUED' else 'Orch.DataInvalid', None if well or state == 'QUEUED' else f'{pipeline}/{part}: file001.csv line 3: is not an INT', None, '', '', 0,
                         at, at, at if well else None, at if well else None))
            key = f'yyyy={part[:4]}/mm={part[5:7]}/dd={part[8:10]}/hh={part[11:]}/file001.csv'
            objects.append((job_id, pipeline, part, key.encode(), f'{job_id:032x}', None, 35000, at * 1000000, at, at, f'{job_id:064x}' if well else '', 'LOADED' if well else 'QUEUED', None, None))
            loads.append((job_id, job_id, job_id, 1, 'LOADED' if well else 'DRAWN', 0, 1000 if well else 0, 997 if well else 0, 3 if well else 0, 0, '', at if well else None))
    with db:
        marks = lambda row: ','.join('?' * len(row))
        for table, rows in (('partition_(pipeline,part,state,since_ms,listed_ms,reason)', parts), ('job', jobs), ('object', objects)):
            if rows:
                db.executemany(f'INSERT INTO {table} VALUES ({marks(rows[0])})', rows)
        if loads:
            db.executemany(f'INSERT INTO load(load_id,job_id,object_id,generation,state,replaces,rows_read,rows_loaded,rows_rejected,empty_lines,columns,loaded_ms) VALUES ({marks(loads[0])})', loads)
    db.close()

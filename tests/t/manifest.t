#!/usr/bin/python3
"""An extract is loaded again by its manifests: only what they list, all of it or nothing, and the bytes that were extracted."""
import gzip, hashlib, json, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

D = '2022-06-05T'


def folder(h, prefix=''):
    return prefix + f'yyyy=2022/mm=06/dd=05/hh={h:02d}'


def manifest(h, seq, parts, prefix='', sink=None, at=None, table='e', **more):
    """The manifest's key and text. parts: {name: (bytes, rows)}; sink: what the sink's keys have in front."""
    where = folder(h, prefix if sink is None else sink)
    listed = [{'key': f'{where}/{name}', 'rows': rows, 'bytes': len(data), 'sha256': hashlib.sha256(data).hexdigest(), 'etag': ''} for name, (data, rows) in parts.items()]
    m = {'orch_manifest': 1, 'pipeline': 'out', 'task': 'hr', 'table': table, 'run': f'r{seq}', 'seq': seq, 'kind': 'incremental', 'at': at or f'2022-06-05T{h:02d}:30:{seq:02d}Z',
         'watermark': {'columns': ['u'], 'from': None, 'to': '2022-06-05 00:00:00'}, 'snapshot': {'at': '2022-06-05 00:00:00', 'position': ''}, 'sql': 'SELECT 1',
         'format': {'kind': 'csv', 'delimiter': ',', 'null': '', 'header': True, 'newline': 'lf', 'compress': 'none'}, 'columns': [],
         'rows': sum(p['rows'] for p in listed), 'bytes': sum(p['bytes'] for p in listed), 'parts': listed, 'orch': '0'}
    m.update(more)
    return f'{folder(h, prefix)}/_manifest/{table}/{seq:010d}_manifest.json', json.dumps(m)


def csv(first, n):
    return ('id,s\n' + ''.join(f'{i},name {i}\n' for i in range(first, first + n))).encode(), n


def extract(w, h, seq, parts, leave=(), with_manifest=True, prefix='', **more):
    for name, (data, _) in parts.items():
        if name not in leave:
            w.put(f'{folder(h, prefix)}/{name}', data)
    if with_manifest:
        w.put(*manifest(h, seq, parts, prefix, **more))


def explain(w, h, name='loans', **env):
    return json.loads(w.orch('explain', name, f'{D}{h:02d}', '-o', 'json', **env).out)


def state(w, h, **env):
    x = explain(w, h, **env)
    return [x['state'], x['why']]


# ---- a folder, into SQLite
w = World()
w.linger = '0s'
NEAR, LATER = '2022-06-05T12:30:00Z', '2022-06-05T14:00:00Z'
w.now = NEAR


def pipe(**p):
    w.pipeline('loans', target='sqlite', target_table='e', target_create=True, max_attempts=2, schedule='rate(5 minutes)',
               **{'columns': {'id': {'type': 'INT'}, 's': {'type': 'TEXT'}}, 'source_since': D + '01', 'source_until': D + '10', 'source_late_after': '12h', 'source_manifest': 'orch', 'csv_null': [''], **p})


def ids():
    return [r[0] for r in w.target('SELECT id FROM e ORDER BY id')] if os.path.exists(w.path('target.db')) else []


pipe(source_layout='yyyy=%Y/mm=%m/dd=%d/hh=%H')
r = w.orch('validate')
same(r.rc, 3, 'a layout that is no folder is refused with manifests')
like(r.err, "must end with '/'", 'with the reason')
pipe(source_manifest='yes')
same(w.orch('validate').rc, 3, 'there are two kinds of manifest: none and orch')
pipe()
same(w.good('validate').rc, 0, 'the configuration is good')

extract(w, 1, 1, {'e_1.csv': csv(100, 3), 'e_2.csv': csv(110, 2)})
w.put(folder(1) + '/e_3.csv', csv(190, 5)[0])                                             # of an extract that broke off
w.put(*manifest(1, 1, {'d_1.csv': csv(1, 1)}, table='d'))                                 # of another table, not for us
extract(w, 2, 1, {'e_1.csv': csv(200, 3)}, with_manifest=False)                           # still being written
extract(w, 3, 1, {'e_1.csv': csv(300, 3), 'e_2.csv': csv(310, 2)}, leave=['e_2.csv'])
extract(w, 4, 1, {'e_1.csv': csv(400, 3)})
w.put(folder(4) + '/e_1.csv', csv(400, 4)[0])                                             # another size
extract(w, 5, 1, {'e_1.csv': csv(500, 3)})
w.put(f'{folder(5)}/_manifest/e/0000000002_manifest.json', '{"orch_manifest": 1, "pipe')  # cut off
extract(w, 6, 1, {})                                                                      # a run that found nothing
extract(w, 7, 1, {'e_1.csv': csv(700, 3)})
w.put(folder(7) + '/e_1.csv', csv(701, 3)[0])                                             # the size, but not the bytes
extract(w, 8, 1, {'e_1.csv': (csv(800, 3)[0], 4)})                                        # a row more than there is
extract(w, 9, 1, {'e_1.csv': csv(900, 3)})
extract(w, 10, 1, {'e_1.csv': csv(1000, 2)})
include = {'source_include': ['e_*.csv']}
pipe(**include)
w.good('target', 'setup')
w.orch('tick')
plan = {p['partition'][-2:]: p for p in json.loads(w.orch('plan', 'loans', '-o', 'json').out)['plan']}
same(plan['03']['action'], 'wait', 'plan: a partition whose manifest lists more than is there waits')
same([i for i in ids() if i < 200], [100, 101, 102, 110, 111], 'only the parts that the manifest lists are loaded')
same(state(w, 1)[0], 'RECONCILED', 'and that is all of the hour; another table in the folder does not matter')
like(w.orch('status', 'loans').out, 'include and the manifests do not take, such as ' + folder(1) + '/e_3.csv', 'status counts what no manifest lists')
same([i for i in ids() if 200 <= i < 600], [], 'nothing is loaded of what is not complete')
for h, why in ((2, 'objects have come, and no manifest lists them; late from'), (3, '0000000001_manifest.json lists e_2.csv, which is not there; late from'),
               (4, '0000000001_manifest.json lists e_1.csv with 44 bytes, and it has 57; late from'), (5, '0000000002_manifest.json cannot be read: line 1 column')):
    got = state(w, h)
    same(got[0], 'WAITING', f'hour {h} waits')
    like(got[1], why, f'hour {h}: and the reason is told')
same(state(w, 6), ['EMPTY', 'its manifest lists no object'], 'an extract without rows is an empty hour')
got = state(w, 7)
same([got[0], [i for i in ids() if 700 <= i < 800]], ['FAILED', []], 'other bytes of the same size: nothing is loaded')
like(got[1], 'e_1.csv: its sha256 is ' + hashlib.sha256(csv(701, 3)[0]).hexdigest() + ', its manifest says ' + hashlib.sha256(csv(700, 3)[0]).hexdigest(), 'with both sums')
got = state(w, 8)
same([got[0], [i for i in ids() if 800 <= i < 900]], ['FAILED', []], 'fewer rows than the manifest says: nothing is loaded')
like(got[1], 'e_1.csv: 3 rows were read, its manifest says 4', 'with both counts')
same([i for i in ids() if i >= 900], [900, 901, 902, 1000, 1001], 'the others are loaded')

# a second extract into an hour that is loaded already: it is waited for, and while it is not whole the hour is not well
extract(w, 9, 2, {'e_4.csv': csv(910, 2), 'e_5.csv': csv(920, 2)}, leave=['e_5.csv'])
w.orch('tick', now=LATER)
w.orch('tick', now='2022-06-06T02:00:00Z')
late = '2022-06-06T02:05:00Z'
for h, why in ((2, 'objects have come, and no manifest lists them; late since'), (3, 'e_2.csv, which is not there; late since'), (4, 'and it has 57; late since'),
               (5, 'cannot be read: line 1 column'), (9, '0000000002_manifest.json lists e_5.csv, which is not there; late since')):
    got = state(w, h, now=late)
    same(got[0], 'LATE', f'hour {h} is late')
    like(got[1], why, f'hour {h}: late, and why')
    if h == 9:
        like(w.orch('status', 'loans', now=late).out, 'e_5.csv, which is not there', 'status tells it as a trouble')
same([i for i in ids() if 900 <= i < 1000], [900, 901, 902], 'nothing of the second extract is loaded')

# all of it comes
w.put(*manifest(2, 1, {'e_1.csv': csv(200, 3)}))
w.put(folder(3) + '/e_2.csv', csv(310, 2)[0])
w.put(folder(4) + '/e_1.csv', csv(400, 3)[0])
w.remove(f'{folder(5)}/_manifest/e/0000000002_manifest.json')
w.put(folder(7) + '/e_1.csv', csv(700, 3)[0])
w.put(*manifest(8, 1, {'e_1.csv': csv(800, 3)}))
w.put(folder(9) + '/e_5.csv', csv(920, 2)[0])
w.orch('tick', now='2022-06-06T03:00:00Z')
w.good('retry', 'loans', now='2022-06-06T03:01:00Z')
w.orch('tick', now='2022-06-06T03:05:00Z')
same([i for i in ids() if i < 1000], [100, 101, 102, 110, 111, 200, 201, 202, 300, 301, 302, 310, 311, 400, 401, 402, 500, 501, 502, 700, 701, 702, 800, 801, 802,
                                      900, 901, 902, 910, 911, 920, 921], 'then each row is there once')
same([state(w, h, now='2022-06-06T03:06:00Z')[0] for h in range(1, 11)], ['RECONCILED'] * 5 + ['EMPTY'] + ['RECONCILED'] * 4, 'and every hour is well')

# the state file lost: the ledger tells what is loaded, and the manifests what may be
extract(w, 10, 2, {'e_9.csv': csv(1010, 2)}, leave=['e_9.csv'])
for name in ('orch.db', 'orch.db-wal', 'orch.db-shm'):
    if os.path.exists(w.path(name)):
        os.unlink(w.path(name))
before = ids()
w.orch('tick', now='2022-06-06T04:00:00Z')
same([ids(), state(w, 10, now='2022-06-06T04:01:00Z')[0]], [before, 'LATE'], 'without the state file nothing is loaded twice, and what is not whole is not loaded')
w.put(folder(10) + '/e_9.csv', csv(1011, 2)[0])
w.orch('tick', now='2022-06-06T04:10:00Z')
same([ids(), state(w, 10, now='2022-06-06T04:11:00Z')[0]], [before, 'FAILED'], 'nor what is not what was extracted')

# ---- what would be read as something else than was written
for name in os.listdir(w.dir):
    if name.startswith(('orch.db', 'target.db')) and os.path.isfile(w.path(name)):
        os.unlink(w.path(name))
pipe(source_prefix='f/')
good = {'kind': 'csv', 'delimiter': ',', 'null': '', 'header': True, 'newline': 'lf', 'binary': 'hex', 'compress': 'none'}
typed = [{'name': 'id', 'type': 'int(11)', 'nulls': 0, 'sum': None}, {'name': 's', 'type': 'blob', 'nulls': 0, 'sum': None}]
wrong = [({'kind': 'jsonl', 'delimiter': None}, {}, 'is of jsonl files'), ({'delimiter': ';'}, {}, 'delimiter ;'), ({'header': False}, {}, 'header false'),
         ({'null': '\\N'}, {}, 'NULL is written as "\\N"'), ({}, {'columns': typed}, 'bytes are written as hex'), ({}, {}, None)]
for h, (differs, more, _) in enumerate(wrong, 1):
    extract(w, h, 1, {'e_1.csv': csv(h, 1)}, prefix='f/', format={**good, **differs}, **more)
w.good('target', 'setup')
w.orch('tick')
for h, (_, _, why) in enumerate(wrong, 1):
    if why is None:
        same([state(w, h)[0], ids()], ['RECONCILED', [h]], 'a manifest whose format is the same is loaded, and it alone')
    else:
        like(state(w, h)[1], why, f'held back: {why}')
pipe(source_prefix='f/', csv_null=['', 'NA'])
extract(w, 7, 1, {'e_1.csv': csv(7, 1)}, prefix='f/', format=good)
w.orch('tick', now='2022-06-05T12:40:00Z')
like(state(w, 7, now='2022-06-05T12:41:00Z')[1], 'csv.null must have it, and it alone', 'a text that would become NULL is in the way too')

w.orch('tick', now='2022-06-06T02:00:00Z')
late = [a for a in json.loads(w.orch('status', '-o', 'json', now='2022-06-06T02:01:00Z').out)['attention'] if a['partition'] == D + '07']
same([(a['class'], 'csv.null must have it' in a['text'], a['hint']) for a in late], [('LATE', True, 'mend it in orch.json, pipeline loans: the next tick loads what is there')],
     'when it is late, what to mend is said, and not to ask who delivers')

# ---- radosgw into MariaDB; the sink's keys begin elsewhere than ours
w = World('mysql', 's3')
w.linger = '0s'
w.now = NEAR
w.sql('CREATE TABLE t (id INT NOT NULL PRIMARY KEY, n INT, s VARCHAR(40), v TEXT)')
rows = b'id,n,s,v\n1,,,\n2,0,"",""\n3,7,"NA",NA\n4,8," ","a ""b"",\r\nc"\n5,9,\xf0\x9f\x98\x80,\\N\n'
big = ('id,n,s,v\n' + ''.join(f'{i},{i % 7},s{i},{"x" * 60}\n' for i in range(1000, 5000))).encode()
parts = {'t_1.csv.gz': (gzip.compress(rows, mtime=0), 5), 't_2.csv': (('id,n,s,v\n' + '6,6,six,6\n').encode(), 1)}


def s3_pipe(**p):
    w.pipeline('loans', source_since=D + '01', source_until=D + '03', source_prefix='in/hr/', source_manifest='orch', target_table='t', csv_null=[''], max_attempts=2,
               **{'chunk_bytes': 65536, **p})


s3_pipe()
same(w.good('target', 'setup').rc, 0, 'target setup')
same(w.good('lineage', 'add', 't', '--pipeline', 'loans').rc, 0, 'lineage add')
extract(w, 1, 1, parts, prefix='in/hr/', sink='hr/')
extract(w, 2, 1, {'t_1.csv': (big, 4000)}, prefix='in/hr/', sink='hr/')
other = big.replace(b'x,', b'y,', 1).replace(b's4999', b's4998')
same(len(other), len(big), 'a change that keeps the size')
w.put(folder(2, 'in/hr/') + '/t_1.csv', other)
extract(w, 3, 1, {'t_1.csv': (b'id,n,s,v\n9,9,9,9\n', 1)}, leave=['t_1.csv'], prefix='in/hr/', sink='hr/')
w.orch('tick', fault_log=w.path('points'))
ok(open(w.path('points')).read().split().count('chunks.done') >= 2, 'a large part is loaded in chunks')
same(w.sql("SELECT id, n IS NULL, s IS NULL, s = '', v IS NULL, HEX(v), HEX(s) FROM t WHERE id < 10 ORDER BY id"),
     [['1', '1', '1', None, '1', None, None], ['2', '0', '0', '1', '0', '', ''], ['3', '0', '0', '0', '0', '4E41', '4E41'], ['4', '0', '0', '1', '0', '61202262222C0D0A63', '20'],
      ['5', '0', '0', '0', '0', '5C4E', 'F09F9880']] + [['6', '0', '0', '0', '0', '36', '736978']],
     'S3, and keys of another connection: NULL and the empty text are kept apart, and every text is what it was')
same(w.one('SELECT COUNT(*) FROM t WHERE id >= 10'), '0', 'a large part that is not what was extracted: none of its chunks stays')
like(state(w, 2)[1], 't_1.csv: its sha256 is', 'and why')
same(w.one('SELECT COUNT(*) FROM orch_load WHERE chunk > 0'), '0', 'the ledger holds no chunk of it')
s3_pipe(publish='chunks')
w.orch('retry', 'loans', now='2022-06-05T12:40:00Z')
w.orch('tick', now='2022-06-05T12:41:00Z')
same([w.one('SELECT COUNT(*) FROM t WHERE id >= 10'), state(w, 2)[0] in ('FAILED', 'DEAD')], ['0', True], 'nor where readers see chunks as they come: they are taken back')
like(state(w, 3)[1], 'lists t_1.csv, which is not there', 'and of an hour whose part is missing')
w.put(folder(2, 'in/hr/') + '/t_1.csv', big)
w.put(folder(3, 'in/hr/') + '/t_1.csv', b'id,n,s,v\n9,9,9,9\n')
w.orch('tick', now='2022-06-05T13:00:00Z')
w.orch('retry', 'loans', now='2022-06-05T13:00:30Z')
w.orch('tick', now='2022-06-05T13:05:00Z')
same(w.sql('SELECT COUNT(*), SUM(id >= 1000), SUM(id = 9) FROM t'), [['4007', '4000', '1']], 'the true parts are loaded, in chunks and whole')
same(w.good('reconcile', 'loans', '--recount-source', now='2022-06-05T13:06:00Z').rc, 0, 'and counted anew they are equal')
same(w.good('replay', 'loans/' + D + '02', '--reason', 'test', now='2022-06-05T13:07:00Z').rc, 0, 'a replay is asked for')
w.orch('tick', now='2022-06-05T13:10:00Z')
same(w.sql('SELECT COUNT(*), COUNT(DISTINCT id) FROM t'), [['4007', '4007']], 'and gives the same')
done()

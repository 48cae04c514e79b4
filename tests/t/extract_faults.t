#!/usr/bin/python3
"""Extract runs that are killed, stopped, cut off from S3 and the database: every manifest has its parts, every row is there once, nothing is left."""
import os, random, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import extract_chaos
from extract_chaos import *

extract_chaos.chaos.fast_folder()
world = extract_chaos.lake()
c = Chaos(3, world and world.endpoint)
both = [{}, dict(s3=True)] if world else [{}]
rng = random.Random(3)

# -- kill -9 ---------------------------------------------------------------------------------------
for v in both:
    where = 's3' if v else 'file'
    for point in ('extract.planned', 'extract.snapshot', 'sink.begin@2', 'sink.finish@3', 'sink.finished@3', 'extract.dumped', 'extract.written', 'extract.before_manifest@2',
                  'sink.put_new@5', 'extract.after_manifest', 'extract.published@2', 'engine.ended'):
        if v and not point.startswith(('sink.finished', 'extract.dumped', 'extract.before', 'sink.put', 'extract.after')):
            continue
        name, _, n = point.partition('@')
        c.trial(f'{where}: killed at {point}', lambda: c.killed(f'{name}=kill@{n or 1}'), **v)
if world:
    c.trial('killed between the pieces of an upload: it is not left open', lambda: c.killed('sink.piece=kill@2'), s3=True, big=True)
    c.trial('killed before an upload is ended', lambda: c.killed('sink.finish=kill@3'), s3=True, big=True)

# -- taken for dead, and alive ---------------------------------------------------------------------
class Never:
    random = staticmethod(lambda: .5)


for point in ('sink.finished@2', 'extract.dumped', 'extract.before_manifest', 'extract.after_manifest'):
    name, _, n = point.partition('@')
    c.trial(f'stopped at {point}, taken over, and awake again', lambda: c.stopped(Never, f'{name}=stop@{n or 1}'))


# -- it cannot be known what became of it --------------------------------------------------------------
def after_written():
    log = c.w.path('points')
    c.tick(log=log)
    points = open(log).read().split()
    c.come()
    n = points[:points.index('extract.written')].count('store.after_commit')
    c.tick(fault=f'store.after_commit=error@{n}')
    return 'yes'


c.trial('what was written is on record, and that was not told: its files stay', after_written)


# -- the state file ----------------------------------------------------------------------------------
def lost(fault):
    def strike():
        what = c.killed(fault)
        c.come()
        c.forget()
        return what
    return strike


c.trial('state file deleted behind a death: its files are swept all the same', lost('extract.dumped=kill'))
c.trial('state file deleted between the manifest and its copy beside the parts', lost('extract.after_manifest=kill@2'), path='{table}/%Y/%m/{run}-{epoch}[-{part}]')


def older():
    what = c.killed('extract.written=kill')
    c.copy('run/older')
    c.come()
    c.settle()
    c.come()
    c.tick()
    c.forget()
    os.rename(c.w.path('run/older'), c.w.path('run/orch.db'))
    return what


c.trial('an earlier state file put back', older)


# -- two at once -----------------------------------------------------------------------------------------
def hosts():
    c.configure(state='run/b.db', config='b.json')
    c.hosts = (('orch.json', 'run/orch.db'), ('b.json', 'run/b.db'))
    for _ in range(4):
        now = c.clock()
        for p in [c.spawn(config=config, now=now) for config, _ in c.hosts]:
            c.end(p)
        c.come()
        c.check()
    return 'yes'


for v in both:
    c.trial(f"two state files, one sink, in the same second: {'s3' if v else 'file'}", hosts, **v)
c.trial('tick and extract at once on one state file', lambda: c.do_two_ticks(rng, dict(seconds=.2)))


# -- SIGTERM ---------------------------------------------------------------------------------------------
def term():
    here, on = c.w.path('here'), c.w.path('on')
    p = c.spawn(fault=f'sink.begin=touch:{here},sink.finish=wait:{on}')
    while not os.path.exists(here) and p.poll() is None:
        time.sleep(.005)
    p.terminate()
    open(on, 'w').close()
    return 'yes' if c.end(p) == 75 else None


c.trial('SIGTERM in the midst: exit 75', term)


# -- the database --------------------------------------------------------------------------------------
def at_rows(strike):
    def do():
        c.configure(c.db_wire.port)
        c.db_wire.arm(*strike[:1], text=re.compile(rb'SELECT .*`ab`.*LIMIT'), at=2, **strike[1])
        c.tick()
        return c.db_wire.fired
    return do


def down():
    c.sql.close()
    c.w.server('mariadb', 'kill')


def kill_all():
    for pid, in once(c.w, "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'loader'"):
        once(c.w, f'KILL {pid}', may_fail=True)


c.trial('all connections killed in the midst of the snapshot', at_rows(('call', dict(call=kill_all))), page_rows=100, parallel=3)
c.trial('the connection breaks in the midst of the rows', at_rows(('answer', dict(n=3000))), page_rows=100)


def rolled_back():
    """Behind a look at open transactions that is not permitted, which by itself is well."""
    c.configure(c.db_wire.port)
    c.db_wire.arm('answer', text=b'ROLLBACK', n=1)
    c.tick()
    return c.db_wire.fired


c.trial('the connection breaks behind a look that is not permitted: that is no refusal', rolled_back)


def server_gone():
    what = at_rows(('call', dict(call=down)))()
    c.w.start_mysql()
    return what


c.trial('the server dies in the midst of the snapshot, and comes back', server_gone, page_rows=100)

# -- S3 ------------------------------------------------------------------------------------------------
def s3(action, what, at=1, **more):
    def do():
        c.configure(None, c.s3_wire.port)
        c.s3_wire.arm(action, text=re.compile(what.encode()), at=at, **more)
        c.tick()
        return c.s3_wire.fired
    return do


for name, big, *how in () if not world else (
        ('a part: 503 once', False, 'status', r'PUT \S*/ab_', 1, dict(code=503)),
        ('a part: 503 for ever', False, 'status', r'PUT \S*/ab_', 1, dict(code=503, every=True)),
        ('a part: the answer is lost', False, 'reset', r'PUT \S*/ab_', 1, dict(n=0)),
        ('a piece: 500 for ever', True, 'status', r'PUT \S*partNumber=2', 1, dict(code=500, every=True)),
        ('a piece: reset', True, 'reset', r'PUT \S*partNumber=1', 1, dict(n=1)),
        ('an upload: the answer to its beginning is lost', True, 'reset', r'POST \S*uploads', 1, dict(n=10)),
        ('Complete: the answer is lost', True, 'reset', r'POST \S*uploadId', 1, dict(n=0)),
        ('Complete: the answer is cut short', True, 'truncate', r'POST \S*uploadId', 1, dict(n=100)),
        ('Complete: 503 for ever', True, 'status', r'POST \S*uploadId', 1, dict(code=503, every=True)),
        ('the manifest: the answer is lost', False, 'reset', r'PUT \S*_manifest.json', 2, dict(n=0)),
        ('the manifest: 503 for ever', False, 'status', r'PUT \S*_manifest.json', 1, dict(code=503, every=True)),
        ('the claim: the answer is lost', False, 'reset', r'PUT \S*/open/', 2, dict(n=0)),
        ('a listing is cut short', False, 'truncate', r'GET \S*list-type', 3, dict(n=250)),
        ('listings: 503 for ever', False, 'status', r'GET \S*list-type', 1, dict(code=503, every=True)),
        ('removing: 503 for ever', False, 'status', r'DELETE ', 1, dict(code=503, every=True))):
    c.trial(f's3: {name}', s3(how[0], how[1], how[2], **how[3]), s3=True, big=big)

c.done()
c.db_wire.close()
if world:
    c.s3_wire.close()
extract_chaos.campaign(12, seed=5)
done()

#!/usr/bin/python3
"""Mode upsert: rows by key, the later hour wins in whatever order the hours come; on MariaDB and on SQLite alike."""
import json, os, sqlite3, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

COLUMNS = "id {int} NOT NULL, name {text} NOT NULL, v {int} NULL, note {text} NULL, d {real} NULL, CHECK (v < 1000)"
OLD = 1650000000


class Place:
    """One kind of target: how its table is made and asked."""

    def __init__(self, kind):
        self.kind = kind
        self.w = World('mysql') if kind == 'mysql' else World()
        self.w.linger = '5s'
        self.w.now = '2022-06-05T06:00:00Z'

    def sql(self, text):
        if self.kind == 'mysql':
            return self.w.sql(text)
        with sqlite3.connect(self.w.path('target.db'), timeout=20) as db:
            if ';' in text:
                return db.executescript(text)
            return [[None if c is None else str(c) for c in r] for r in db.execute(text)]

    def table(self, name='t', key='PRIMARY KEY (id)'):
        if self.kind == 'mysql':
            self.sql(f"CREATE TABLE {name} ({COLUMNS.format(int='INT', text='VARCHAR(40)', real='DOUBLE')}, {key}) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        else:
            self.sql(f"CREATE TABLE {name} ({COLUMNS.format(int='INTEGER', text='TEXT COLLATE NOCASE', real='REAL')}, {key});")

    def pipeline(self, **p):
        p.setdefault('target_table', 't')
        p.setdefault('source_until', '2022-06-05T05')
        p.setdefault('source_late_after', '90d')
        self.w.pipeline(target=self.kind, target_mode='upsert', **p)
        self.w.good('target', 'setup')
        r = self.w.good('lineage', 'add', p['target_table'], '--pipeline', 'loans')
        self.w.good('target', 'setup')

    def hour(self, h, rows, name='part-0.csv'):
        # d: doubles that no decimal of few digits is; the same in every hour for the same key
        double = lambda r: repr(int(r.split(',')[0]) / 7e3)
        self.w.put(hour_key(h, name), 'd,id,name,v,note\n' + ''.join(f'{double(r)},{r}\n' for r in rows), mtime=OLD)

    def rows(self, table='t'):
        return self.sql(f'SELECT id, name, v, note FROM {table} ORDER BY id')

    def counts(self, h, generation=1):
        text = self.sql(f"SELECT columns_json FROM orch_load WHERE part = '2022-06-05T{h:02d}' AND generation = {generation}")[0][0]
        return json.loads(text)['_orch_upsert']

    def clean(self):
        return self.sql('SELECT COUNT(*) FROM _orch_stage_t')[0][0] == '0'


def counts(inserted=0, updated=0, unchanged=0, kept=0, repeated=0, owned=None):
    return dict(inserted=inserted, updated=updated, unchanged=unchanged, kept=kept, repeated=repeated,
                owned=inserted + updated + unchanged if owned is None else owned)


def check(kind):
    p = Place(kind)
    w = p.w
    say = lambda text: f'{kind}: {text}'
    p.table()
    p.sql("INSERT INTO t (id, name, v) VALUES (1, 'by hand', 7), (99, 'stays', 8)" + (';' if kind == 'sqlite' else ''))

    # a table that is not ready for it
    w.pipeline(target=kind, target_mode='upsert', target_table='t', source_until='2022-06-05T05', source_late_after='90d')
    w.good('target', 'setup')
    like(w.orch('doctor').out, 'lineage', say('doctor: upsert needs lineage columns'))
    w.good('lineage', 'add', 't', '--pipeline', 'loans')
    p.sql('DROP TABLE IF EXISTS _orch_stage_t' + (';' if kind == 'sqlite' else ''))
    p.hour(2, ['1,two,20,a', '2,two,20,NA', '3,two,20,c'])
    r = w.orch('tick')
    like(r.err, 'orch target setup', say('without the stage a tick says what to do'))
    same(p.rows(), [['1', 'by hand', '7', None], ['99', 'stays', '8', None]], say('and changes nothing'))
    r = w.good('target', 'setup', '--dry-run')
    like(r.out, '_orch_stage_t', say('target setup --dry-run shows the stage'))
    like(w.good('target', 'setup').out, 'staging table _orch_stage_t made', say('target setup makes it'))
    like(w.good('target', 'setup').out, '_orch_stage_t is there', say('once'))
    same(w.orch('doctor').out.count('FAIL'), 0, say('and doctor has nothing to say'))

    # the newer hour first, the older one afterwards
    w.now = '2022-06-05T06:10:00Z'
    r = w.good('tick')
    like(r.err, '2022-06-05T02: well again', say('hour 2 is loaded'))
    two = [['1', 'two', '20', 'a'], ['2', 'two', '20', None], ['3', 'two', '20', 'c'], ['99', 'stays', '8', None]]
    same(p.rows(), two, say('a foreign row of the key is older than all; another stays'))
    same(p.counts(2), counts(inserted=2, updated=1), say('counted'))
    p.hour(1, ['3,one,10,x', '4,one,10,y'])
    r = w.good('tick', now='2022-06-05T06:20:00Z')
    after = sorted(two + [['4', 'one', '10', 'y']], key=lambda r: int(r[0]))
    same(p.rows(), after, say('the older hour, late: what the newer one owns stays'))
    same(p.counts(1), counts(inserted=1, kept=1), say('and is counted as kept'))
    same(w.state("SELECT part, state FROM job ORDER BY part"), [['2022-06-05T01', 'RECONCILED'], ['2022-06-05T02', 'RECONCILED']], say('both reconciled'))

    # a later hour takes rows over; one of them says the same
    p.hour(3, ['2,two,20,NA', '3,three,30,z', '3,three,31,again', '5,three,30,NA', '5,Three,30,NA'])
    r = w.good('tick', now='2022-06-05T06:30:00Z')
    same(p.rows(), [['1', 'two', '20', 'a'], ['2', 'two', '20', None], ['3', 'three', '31', 'again'], ['4', 'one', '10', 'y'], ['5', 'Three', '30', None], ['99', 'stays', '8', None]],
         say('the last line of a repeated key wins'))
    same(p.counts(3), counts(inserted=1, updated=1, unchanged=1, repeated=2), say('inserted, updated, unchanged, repeated'))
    same(p.counts(2), counts(inserted=2, updated=1, owned=1), say('the record of the hour before owns what is left to it'))
    same(w.state("SELECT rows_read, rows_loaded, rows_rejected FROM load l JOIN job j ON j.id = l.job_id WHERE j.part LIKE '%T03'"), [[5, 5, 0]],
         say('loaded is the sum of them'))
    same(w.orch('reconcile', 'loans').rc, 0, say('reconcile: equal, though rows have other owners now'))
    same(w.orch('reconcile', 'loans', '--recount-source').rc, 0, say('with the sources read again too'))
    same(w.orch('diff', 'loans').rc, 0, say('diff: equal'))
    like(json.dumps(w.status()), '"upsert"', say('status -o json has the counts'))
    ok(p.clean(), say('the stage is empty'))

    # replay of the older hour: nothing goes back, nothing is deleted
    p.hour(2, ['1,two,20,a', '2,two,20,NA', '3,two,20,c'])
    before = p.rows()
    w.good('replay', 'loans/2022-06-05T02', '--reason', 'test')
    w.good('tick', now='2022-06-05T06:40:00Z')
    same(p.rows(), before, say('a replay of the older hour changes no row'))
    same(p.counts(2, 2), counts(unchanged=1, kept=2), say('its generation 2 owns what generation 1 did'))
    same((w.orch('reconcile', 'loans').rc, w.orch('diff', 'loans').rc), (0, 0), say('and all is equal'))

    # the object is overwritten with fewer rows: the row that is gone from the file stays
    w.put(hour_key(3), 'id,name,v,note,d\n5,three,33,w,1e-7\n', mtime=OLD + 10)
    w.good('tick', now='2022-06-05T08:00:00Z')
    rows = p.rows()
    same([r for r in rows if r[0] in '35'], [['3', 'three', '31', 'again'], ['5', 'three', '33', 'w']], say('an overwritten object deletes nothing'))
    same((w.orch('reconcile', 'loans').rc, w.orch('diff', 'loans').rc), (0, 0), say('equal'))
    like(w.orch('reconcile', 'loans').out, ' 1 foreign row', say('rows that the old generation left are not foreign; the one by hand is'))

    # a hand in the table is seen
    p.sql("UPDATE t SET v = 21 WHERE id = 1" + (';' if kind == 'sqlite' else ''))
    r = w.orch('reconcile', 'loans')
    same(r.rc, 5, say('a value changed by hand: reconcile exits 5'))
    r = w.orch('diff', 'loans')
    same(r.rc, 5, say('diff too'))
    like(r.out + r.err, '21', say('and names the value'))
    p.sql("UPDATE t SET v = 20 WHERE id = 1" + (';' if kind == 'sqlite' else ''))
    p.sql("DELETE FROM t WHERE id = 1" + (';' if kind == 'sqlite' else ''))
    same((w.orch('reconcile', 'loans').rc, w.orch('diff', 'loans').rc), (5, 5), say('a row deleted by hand: both exit 5'))
    w.good('replay', 'loans/2022-06-05T02', '--reason', 'a row was deleted')
    w.orch('tick', now='2022-06-05T08:10:00Z')
    same((w.orch('reconcile', 'loans').rc, [r for r in p.rows() if r[0] == '1']), (0, [['1', 'two', '20', 'a']]), say('a replay puts it back'))

    # rows that the table refuses are rejects of their file, with the record as it stands there
    p.hour(4, ['6,four,40,q', '1,four,4000,"too, much"', '7,four,41,q'])
    r = w.orch('tick', now='2022-06-05T08:20:00Z')
    like(r.err, 'line 3', say('a row that a CHECK refuses is named by its line'))
    same([r for r in p.rows() if r[0] in '17'], [['1', 'two', '20', 'a']], say('and over the budget nothing of the file is there'))
    p.pipeline(max_rejects='1')
    w.good('retry', 'loans/2022-06-05T04', '--reason', 'one may be wrong')
    w.orch('tick', now='2022-06-05T08:30:00Z')
    same([r for r in p.rows() if r[0] in '167'], [['1', 'two', '20', 'a'], ['6', 'four', '40', 'q'], ['7', 'four', '41', 'q']], say('within it the rest is'))
    same(w.state("SELECT line, code, CAST(raw AS TEXT) FROM reject WHERE state = 'FINAL'"), [[3, 'CHECK_FAILED', f'{1 / 7e3},1,four,4000,"too, much"']], say('the reject has its record'))
    same(p.counts(4), counts(inserted=2), say('and is counted in none'))
    same(w.orch('reconcile', 'loans').rc, 0, say('the row that was refused still counts for its owner'))

    if kind == 'mysql':  # one that the stage itself refuses, and one that the table does
        p.sql("ALTER TABLE t ADD COLUMN c VARCHAR(9) CHARACTER SET latin1 NULL")
        like(w.orch('tick', now='2022-06-05T08:32:00Z').err + w.good('target', 'setup').out, 'made anew', say('a column more: target setup makes the stage anew'))
        p.pipeline(max_rejects='2', source_until='2022-06-05T06')
        w.put(hour_key(6), 'id,name,v,note,d,c\n10,six,1,a,1,\u017c\n11,six,5000,a,2,b\n12,six,1,a,3,c\n', mtime=OLD)
        r = w.orch('tick', now='2022-06-05T08:35:00Z')
        same(w.state("SELECT line, CAST(raw AS TEXT) FROM reject WHERE state = 'FINAL' AND line < 4 AND CAST(raw AS TEXT) LIKE '%six%' ORDER BY line"),
             [[2, '10,six,1,a,1,\u017c'], [3, '11,six,5000,a,2,b']], say('refused by the stage and by the table: both are rejects'))
        same(p.sql('SELECT id FROM t WHERE id BETWEEN 10 AND 12'), [['12']], say('and the rest is there'))

    # the state file is lost
    os.unlink(w.path('orch.db'))
    w.orch('tick', now='2022-06-05T08:40:00Z')
    same((w.orch('reconcile', 'loans').rc, p.counts(4)), (0, counts(inserted=2)), say('the state file gone: rebuilt, loaded once, equal'))
    return p


def refused(kind):
    p = Place(kind)
    p.table()
    p.sql(f"CREATE TABLE u (a {'INT' if kind == 'mysql' else 'INTEGER'} NOT NULL, b {'INT' if kind == 'mysql' else 'INTEGER'} NULL, UNIQUE (a, b))" + (';' if kind == 'sqlite' else ''))
    for table, key, words in (('u', [], 'no primary key'), ('u', ['a'], 'no unique key over exactly (a)'), ('u', ['b', 'a'], 'may be NULL')):
        p.w.pipeline(target=kind, target_mode='upsert', target_table=table, target_key=key)
        p.w.orch('target', 'setup')
        p.w.orch('lineage', 'add', table, '--pipeline', 'loans')
        r = p.w.orch('target', 'setup')
        same(r.rc != 0, True, f'{kind}: a key that will not do is refused')
        like(r.err, words, f'{kind}: in words')
    p.w.pipeline(target=kind, target_mode='upsert', target_table='t', target_lineage='none')
    like(p.w.orch('validate').err, 'lineage', f'{kind}: upsert without lineage is no config')


def by_text(kind):
    """Keys that the collation takes for equal are one key."""
    p = Place(kind)
    p.table(key='UNIQUE (name, id)')
    p.pipeline(target_key=['id', 'name'], verify='count')
    p.hour(0, ['1,Ada,1,a', '1,Bob,1,a'])
    p.hour(1, ['1,ADA,2,b', '1,ada,3,c', '1,Bob,1,a'])
    r = p.w.good('tick')
    same(p.sql('SELECT id, name, v FROM t ORDER BY name'), [['1', 'ada', '3'], ['1', 'Bob', '1']], f'{kind}: equal by collation is equal')
    same(p.counts(1), counts(updated=1, unchanged=1, repeated=1), f'{kind}: and counts as repeated')
    same((p.w.orch('reconcile', 'loans').rc, p.w.orch('diff', 'loans').rc), (0, 0), f'{kind}: with verify: count too it is equal')
    p.w.put(hour_key(1), 'id,name,v,note,d\n', mtime=OLD + 10)
    p.w.good('tick', now='2022-06-05T07:00:00Z')
    same(p.sql('SELECT id, name, v FROM t ORDER BY name'), [['1', 'ada', '3'], ['1', 'Bob', '1']], f'{kind}: an object that is empty now deletes nothing')
    same(p.w.state("SELECT state FROM load ORDER BY generation DESC LIMIT 1"), [['EMPTY']], f'{kind}: and is EMPTY')


def killed(kind):
    points = ['load.begun', 'load.first_batch', 'upsert_repeated', 'upsert_kept', 'upsert_update', 'upsert_insert', 'load.before_ledger', 'load.before_fence', 'load.before_commit',
              'load.after_commit', 'ingest.after_commit', 'ingest.settled']
    p = Place(kind)
    p.table()
    p.pipeline()
    want, minute, struck = {}, 0, 0

    def load(h, name, rows, **env):
        nonlocal minute
        p.hour(h, rows, name)
        minute += 10
        for row in rows:
            k, text, v, note = row.split(',')
            if want.get(int(k), (-1,))[0] <= h:
                want[int(k)] = (h, [k, text, v, note])
        return p.w.orch('tick', now=f'2022-06-05T{10 + minute // 60:02d}:{minute % 60:02d}:00Z', **env)

    load(0, 'part-0.csv', [f'{i},first,{i},a' for i in range(50)])
    for n, point in enumerate(points):
        r = load(1 + n * 7 % 5, f'{n}.csv', [f'{i},{point},{i},b' for i in range(n, 60)] + ['1,again,1,b'], fault=f'{point}=kill')
        struck += r.rc == -9
        minute += 10
        p.w.orch('tick', now=f'2022-06-05T{10 + minute // 60:02d}:{minute % 60:02d}:00Z')
    same(struck, len(points), f'{kind}: killed at each of {len(points)} points')
    same(p.rows(), [want[k][1] for k in sorted(want)], f'{kind}: every row is that of the latest hour, of its last file')
    same(p.w.state("SELECT DISTINCT state FROM job"), [['RECONCILED']], f'{kind}: every job is RECONCILED')
    same(p.w.orch('reconcile', 'loans').rc, 0, f'{kind}: equal')
    same(p.sql('SELECT COUNT(*), COUNT(DISTINCT id) FROM t'), [['60', '60']], f'{kind}: each key once')
    owned = sum(json.loads(r[0])['_orch_upsert']['owned'] for r in p.sql("SELECT columns_json FROM orch_load WHERE state = 'LOADED'"))
    same(owned, 60, f'{kind}: and each has an owner')
    ok(p.clean(), f'{kind}: the stage is empty')


def drifted(kind):
    """A column that the table gains in the same step: key and stage are those of the new table."""
    p = Place(kind)
    p.table()
    p.pipeline(source_until='2022-06-05T02', target_drift='add-columns')
    for h in (1, 2):
        p.w.put(hour_key(h, 'part-0.csv'), 'id,name,v,extra\n' + ''.join(f'{i},n{i},{h},{h * 100 + i}\n' for i in range(1, 40)), mtime=OLD)
    r = p.w.good('tick')
    same((r.rc, r.err), (0, ''), f'{kind}: a new column and rows by key')
    same(p.sql('SELECT COUNT(*), MIN(v), SUM(extra) FROM t'), [['39', '2', str(sum(200 + i for i in range(1, 40)))]], f'{kind}: its cells are there')


for kind in ('sqlite', 'mysql'):
    check(kind)
    refused(kind)
    by_text(kind)
    killed(kind)
    drifted(kind)
done()

"""A week of ticks on the test clock: four pipelines, hours that do not come, a broken file, a database away for seven
hours, a clock that jumps back and forth, a cron that stands still, both edges of daylight saving time. What is to be heard is written down before
the first tick; a tick that says anything else, a message that comes twice or not at all, is a failure.

    week.run(60)     # a tick an hour: the suite;  5, as cron does: tests/campaign/week.py
"""
import datetime, os, re, subprocess
from world import *
import receivers

UTC = datetime.timezone.utc
at = lambda text: datetime.datetime.strptime(text, '%Y-%m-%dT%H:%M').replace(tzinfo=UTC)
minutes = lambda n: datetime.timedelta(minutes=n)
clock = lambda t: t.strftime('%Y-%m-%dT%H:%M:%SZ')
START, END = at('2026-03-28T18:30'), at('2026-04-05T06:30')
# Europe/Berlin goes forward at 2026-03-29T01:00Z (02:00 is 03:00), Australia/Sydney back at 2026-04-04T16:00Z (03:00 is 02:00).

LATE_FOR_A_WHILE, COMES_AT = '2026-03-30T05', at('2026-03-30T17:30')  # loans
NEVER, SKIPPED_AT = '2026-03-31T07', at('2026-03-31T18:30')           # loans
LATE_AT_JUMP, COMES_AFTER = '2026-04-02T08', at('2026-04-02T18:30')   # loans
BROKEN, MENDED_AT = '2026-03-31T10', at('2026-03-31T20:20')           # events
AWAY, BACK = at('2026-04-01T02:30'), at('2026-04-01T09:30')           # MariaDB, the target of events
JUMP_AT, JUMP = at('2026-04-02T12:00'), minutes(180)                  # back by so much for a while
SMALL, ACKED_AT = '2026-04-03T08', at('2026-04-03T15:30')             # loans
STILL, GOES_ON = at('2026-04-04T10:00'), at('2026-04-04T13:00')        # no tick
LATE_MEANWHILE = {'loans': ('2026-04-04T08', '2026-04-04T09'), 'events': ('2026-04-04T09',)}
COME_AT = at('2026-04-04T15:30')
DEAF, HEARS = at('2026-04-02T20:00'), at('2026-04-02T23:00')          # the server of the pings
RENOTIFY = minutes(360)
ARRIVES = minutes(80)                                                 # of the hour's start: a file is there twenty minutes after its hour
LATE_AFTER = minutes(121)                                             # the hour, settle, late_after


class Week:
    def __init__(self, step):
        self.step = minutes(step)
        self.w = World('mysql')
        self.w.linger = '0s'
        self.mail, self.ping = receivers.MailServer(), receivers.HttpServer()
        self.now, self.heard, self.exits, self.pings, self.talk = START, [], [], [], []
        self.configure()

    def configure(self):
        w = self.w
        lake = {'url': f'file://{w.dir}/lake/'}

        def pipe(name, owner, target, **more):
            source = {'connection': 'lake', 'prefix': f'{name}/', 'layout': 'yyyy=%Y/mm=%m/dd=%d/hh=%H/', 'since': '2026-03-28T18', 'settle': '60s', 'late_after': '1h'}
            source.update(more.pop('source', {}))
            return dict({'schedule': 'cron(0/5 * * * ? *)', 'timezone': 'UTC', 'owner': {'name': owner, 'email': f'{owner}@example.org'}, 'source': source,
                         'target': {'connection': target, 'table': name, 'create': target == 'file'}, 'columns': {'id': {'to': 'id', 'type': 'BIGINT'}, 'v': {'to': 'v', 'type': 'BIGINT'}} if target == 'file' else {}}, **more)
        w.write_config({
            'state': 'orch.db',
            'connections': {'lake': lake, 'file': {'url': f'sqlite:{w.dir}/target.db'}, 'db': {'url': f'mysql://loader@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'}},
            'pipelines': {
                'loans': pipe('loans', 'ana', 'file', timezone='Europe/Berlin'),
                'events': pipe('events', 'bo', 'db', schedule='*/5 * * * *', timezone='Australia/Sydney', max_attempts=3),
                # 02:30 does not exist on the day of the edge: that morning's look is skipped, and the next one loads both days
                'daily': pipe('daily', 'cy', 'file', schedule='cron(30 2 * * ? *)', timezone='Europe/Berlin',
                              source={'period': 'day', 'layout': 'dt=%Y-%m-%d/', 'since': '2026-03-27', 'late_after': '30h'}),
                # 02:30 comes twice on the day of this edge, and is one look
                'night': pipe('night', 'cy', 'file', schedule='cron(30 2 * * ? *)', timezone='Australia/Sydney',
                              source={'prefix': 'daily/', 'period': 'day', 'layout': 'dt=%Y-%m-%d/', 'since': '2026-03-28', 'late_after': '30h'})},
            'alerts': {'renotify': '6h', 'mail': {'url': self.mail.url, 'from': 'orch@example.org', 'to': ['ops@example.org'], 'tls': 'off'}, 'ping': {'url': self.ping.url}},
            'metrics': {'textfile': 'metrics'},
            'tick': {'linger': '0s'}})
        os.mkdir(w.path('metrics'))
        w.sql('CREATE TABLE events (id BIGINT, v BIGINT)')
        for day in ('2026-03-27', '2026-03-28'):
            self.put('daily', f'dt={day}/a.csv')
        w.now = clock(START)
        w.put('loans/yyyy=2026/mm=03/dd=28/hh=18/a.csv', self.rows())
        w.good('target', 'setup')
        w.good('lineage', 'add', 'events', '--pipeline', 'events')
        w.remove('loans/yyyy=2026/mm=03/dd=28/hh=18/a.csv')

    def rows(self, n=40, v='1'):
        return 'id,v\n' + ''.join(f'{i},{v}\n' for i in range(n))

    def put(self, pipeline, key, text=None):
        self.w.put(f'{pipeline}/{key}', text or self.rows())  # an hour old by the real clock, which is what settle is held against

    def deliver(self, before, now):
        """Files that have come in (before, now]."""
        t = START.replace(minute=0)
        while t + ARRIVES <= now:
            hour = t.strftime('%Y-%m-%dT%H')
            if before < t + ARRIVES:
                key = t.strftime('yyyy=%Y/mm=%m/dd=%d/hh=%H/a.csv')
                if hour not in (LATE_FOR_A_WHILE, NEVER, LATE_AT_JUMP, *LATE_MEANWHILE['loans']):
                    self.put('loans', key, self.rows(3) if hour == SMALL else None)
                if hour not in LATE_MEANWHILE['events']:
                    self.put('events', key, self.rows(v='x') if hour == BROKEN else None)
                if t.hour == 23:
                    self.put('daily', t.strftime('dt=%Y-%m-%d/a.csv'))
            t += minutes(60)

    def tick(self):
        self.w.now = clock(self.now)
        r = self.w.orch('tick')
        t = self.now
        self.exits.append((t, r.rc))
        if r.out:
            self.talk.append((t, r.out))
        if r.err:
            self.talk.append((t, r.err))
        for m in self.mail.take():
            self.heard.append((t, m.to.split('@')[0], m.message['Subject'], m, len(self.exits) - 1))
        got = self.ping.take()
        self.pings.append((t, r.rc, [g.path for g in got]))
        return r

    def do(self, when, *argv):
        self.w.now = clock(when)
        return self.w.good(*argv)


def first_tick(week, when):
    """The first tick at or after a moment."""
    t = START
    while t < when or STILL <= t < GOES_ON:
        t += week.step
    return t


def expected(week):
    """(tick, subject, owner) of every mail that is to be sent; the owner's, and one to ops for each."""
    first = lambda when: first_tick(week, when)
    out = []

    def trouble(owner, name, opened, over, ending):
        t = first(opened)
        while t < over:
            out.append((t, f'[orch] {name}', owner))
            t = first(t + RENOTIFY)
        out.append((first(over), f'[orch] {name} {ending}', owner))
    part = lambda p: at(p + ':00')
    # the clock goes back by three hours while it stands, which is no reason to say it again
    trouble('ana', 'loans LATE', part(LATE_AT_JUMP) + LATE_AFTER, COMES_AFTER, 'recovered')
    trouble('ana', 'loans LATE', part(LATE_FOR_A_WHILE) + LATE_AFTER, COMES_AT, 'recovered')
    trouble('ana', 'loans LATE', part(NEVER) + LATE_AFTER, SKIPPED_AT, 'settled')
    trouble('ana', 'loans SMALL', part(SMALL) + ARRIVES, ACKED_AT, 'settled')
    # nothing lingers here, so each of the workflow's three retries is a tick of its own before the run fails
    trouble('bo', 'events UNAVAILABLE', first(AWAY) + 3 * week.step, BACK, 'recovered')
    # what became late while no tick ran is told by the first one: two hours in one mail, and to each owner what is theirs
    for owner, pipeline in ('ana', 'loans'), ('bo', 'events'):
        trouble(owner, f'{pipeline} LATE', STILL, COME_AT, 'recovered')
    return sorted(out)


def run(step):
    week = Week(step)
    w, before, jumped = week.w, START - minutes(60), False
    skipped = acked = mended = away = come = deaf = False
    real = START
    while real <= END:
        week.deliver(before, real)
        before = real
        if real >= COMES_AT and not os.path.exists(w.path('lake/loans/yyyy=2026/mm=03/dd=30/hh=05/a.csv')):
            week.put('loans', 'yyyy=2026/mm=03/dd=30/hh=05/a.csv')
        if real >= COMES_AFTER and not os.path.exists(w.path('lake/loans/yyyy=2026/mm=04/dd=02/hh=08/a.csv')):
            week.put('loans', 'yyyy=2026/mm=04/dd=02/hh=08/a.csv')
        if real >= MENDED_AT and not mended:
            mended = True
            week.put('events', 'yyyy=2026/mm=03/dd=31/hh=10/a.csv')
        if real >= SKIPPED_AT and not skipped:
            skipped = True
            week.do(SKIPPED_AT, 'skip', f'loans/{NEVER}', '--reason', 'the bank was closed')
        if real >= ACKED_AT and not acked:
            acked = True
            week.do(ACKED_AT, 'ack', f'loans/{SMALL}', '--reason', 'a holiday')
        if real >= COME_AT and not come:
            come = True
            for name, late in LATE_MEANWHILE.items():
                for hour in late:
                    week.put(name, at(hour + ':00').strftime('yyyy=%Y/mm=%m/dd=%d/hh=%H/a.csv'))
        if (DEAF <= real < HEARS) != deaf:
            deaf = not deaf
            week.ping.stop() if deaf else week.ping.start()
        if (AWAY <= real < BACK) != away:
            away = not away
            w.server('mariadb', 'kill') if away else w.start_mysql()
        if real >= JUMP_AT and not jumped:
            jumped = True
            for back in (JUMP, JUMP - week.step, JUMP - 2 * week.step):
                week.now = real - back
                week.tick()
        week.now = real
        if not STILL <= real < GOES_ON:
            week.tick()
        real += week.step
    week.mail.stop()
    week.ping.stop()
    judge(week)


def show(heard):
    return [f'{clock(t)} {to} {subject}' for t, to, subject in heard]


def judge(week):
    w = week.w
    broken = lambda subject: re.match(r'\[orch\] events (FAILED|DEAD)', subject)
    heard = [(t, to, s) for t, to, s, _, _ in week.heard]
    owners = [h for h in heard if h[1] != 'ops']
    want = [(t, o, s) for t, s, o in expected(week)]
    same(sorted(show([h for h in owners if not broken(h[2])])), sorted(show(want)), 'every mail of hours late, small and a database away: to its owner, at its tick, once')
    of_file = [h for h in owners if broken(h[2])]
    opened = first_tick(week, at(BROKEN + ':00') + ARRIVES)
    ok(of_file and of_file[0] == (opened, 'bo', '[orch] events FAILED'), 'the broken file is told at the tick that read it') or diag(show(of_file))
    dead = [h for h in of_file if h[2] == '[orch] events DEAD']
    ok(dead and len([h for h in of_file if h[2].startswith('[orch] events FAILED')]) == 1 and dead[0][0] <= opened + minutes(180), 'given up after its attempts: told as DEAD, FAILED not again') or diag(show(of_file))
    same([h for h in of_file if 'recovered' in h[2]], [(first_tick(week, MENDED_AT), 'bo', '[orch] events DEAD recovered')], 'and well at the tick that met the mended one')
    ok(all(b[0] - a[0] == first_tick(week, a[0] + RENOTIFY) - a[0] for a, b in zip(dead, dead[1:])), 'with a reminder every six hours') or diag(show(dead))
    of_tick = {}
    for t, _, s in owners:
        of_tick.setdefault(t, set()).add(s)
    alone = lambda t, subjects: subjects.pop() if len(subjects) == 1 else f'[orch] 3 {"troubles" if t < COME_AT else "recovered"}: events LATE, loans LATE'
    same(sorted({(t, s) for t, to, s in heard if to == 'ops'}), sorted((t, alone(t, s)) for t, s in of_tick.items()), 'ops hears what the owners hear, in one mail')
    ids = [m.message['Message-ID'] for _, to, _, m, _ in week.heard if to != 'ops']
    same(len(set(ids)), len(ids), 'no mail twice')
    threads = {}
    for _, to, s, m, _ in week.heard:
        if to != 'ops':
            threads.setdefault(re.sub(r' (recovered|settled)$', '', s), set()).add(m.message['References'])
    ok(all(len(v) == 1 and None not in v for v in threads.values()), 'mails of one trouble are one thread') or diag(threads)
    ok(all(not re.search(r'\d{4}-\d\d', s) for _, _, s in heard), 'no date in a subject')

    # exits and talk: only where something was to be said
    spoken = {t for t, _ in week.talk}
    mailed = {t for t, _, _ in heard}
    same(sorted(map(clock, spoken)), sorted(map(clock, mailed)), 'cron hears what the mails tell, at the same ticks, and is left alone at all others')
    code = {'LATE': 6, 'SMALL': 6, 'FAILED': 1, 'DEAD': 1, 'UNAVAILABLE': 75}
    worst = {}
    for _, _, s, _, n in week.heard: # by number: a clock that is set back has the same hour twice
        m = re.match(r'\[orch\] \S+ ([A-Z]+)$', s)
        rank = [1, 6, 75, 0]
        c = code[m.group(1)] if m else 0
        worst[n] = min(worst.get(n, 0), c, key=rank.index)
    wrong = [(clock(t), rc, worst.get(n, 0)) for n, (t, rc) in enumerate(week.exits) if rc != worst.get(n, 0)]
    same(wrong, [], f'exit codes of {len(week.exits)} ticks')

    # pings
    bad = [(clock(t), rc, paths) for t, rc, paths in week.pings
           if not DEAF <= t < HEARS and (len(paths) != 2 or not re.fullmatch(r'/hook/start\?rid=[0-9a-f-]{36}', paths[0]) or not re.fullmatch(r'/hook/%d\?rid=[0-9a-f-]{36}' % rc, paths[1]) or paths[0][-36:] != paths[1][-36:])]
    same(bad, [], 'each tick pings twice: start, and its exit status under the same run id')

    same([paths for t, _, paths in week.pings if DEAF <= t < HEARS and paths], [], 'but for the hours when their server was away, which no tick minded')
    both = [m.message.get_content() for t, to, s, m, _ in week.heard if t == first_tick(week, STILL) and to == 'ana']
    ok(len(both) == 1 and all(f'loans/{hour}: LATE' in both[0] for hour in LATE_MEANWHILE['loans']), 'hours that are late together are one mail') or diag(both)

    # where it ends
    w.now = clock(END)
    status = w.status()
    same(status['attention'], [], 'at the end nothing needs attention')
    counts = {p['pipeline']: p['counts'] for p in status['pipelines']}
    hours = int((END - START.replace(minute=0)).total_seconds() // 3600)
    arrived = sum(1 for h in range(hours) if START.replace(minute=0) + minutes(60 * h) + ARRIVES <= END)
    same(counts['loans'].get('RECONCILED', 0) + counts['loans'].get('SKIPPED', 0), arrived, 'every hour of loans is loaded, but the one that was skipped')
    same(counts['loans'].get('SKIPPED'), 1, 'which is one')
    same(counts['events'].get('RECONCILED'), arrived, 'every hour of events is loaded')
    same(int(w.one('SELECT COUNT(*) FROM events')), 40 * arrived, 'each of its rows once')
    same(w.target('SELECT COUNT(*) FROM loans')[0][0], 40 * (arrived - 2) + 3, 'each row of loans once')
    same(sorted(p['partition'] for p in [q for q in status['pipelines'] if q['pipeline'] == 'daily'][0]['partitions'] if p['state'] == 'RECONCILED'),
         ['2026-03-27', '2026-03-28'] + [f'2026-03-{d}' for d in (29, 30, 31)] + [f'2026-04-0{d}' for d in range(1, 5)], 'every day is loaded, the one without a 02:30 the day after')
    fires = [r[0] for r in w.state("SELECT start_ms FROM execution WHERE pipeline = 'daily' AND cause_of_start = 'SCHEDULE' ORDER BY id")]
    local = [datetime.datetime.fromtimestamp(f / 1000, UTC).strftime('%m-%d') for f in fires]
    same(local, [f'03-{d}' for d in (28, 30, 31)] + [f'04-0{d}' for d in range(1, 6)], 'its schedule was looked at by the first tick, then once each morning but that of the edge')

    fires = [r[0] for r in w.state("SELECT start_ms FROM execution WHERE pipeline = 'night' AND cause_of_start = 'SCHEDULE' ORDER BY id")]
    want = [clock(first_tick(week, at(f'{day}T15:30'))) for day in ('2026-03-29', '2026-03-30', '2026-03-31', '2026-04-01', '2026-04-02', '2026-04-03', '2026-04-04')]
    same([clock(datetime.datetime.fromtimestamp(f // 60000 * 60, UTC)) for f in fires], want, 'a time that comes twice, because the clock is put back, is one look')

    text = open(w.path('metrics/orch.prom')).read()
    value = lambda name: float(re.search(rf'^{re.escape(name)} (\S+)$', text, re.M).group(1))
    same(int(value('orch_tick_last_start_timestamp_seconds')), int(END.timestamp()), 'metrics are of the last tick')
    same(value('orch_partitions{job="loans",state="RECONCILED"}'), arrived - 1, 'and count what status counts')
    same(value('orch_rows_total{job="events",direction="in",outcome="loaded"}') if 'direction="in"' in text else None, 40.0 * arrived, 'and the rows')

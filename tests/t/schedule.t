#!/usr/bin/python3
"""Schedules as a person meets them: next, lint and explain; the table and random expressions against the referee;
what is accepted against cron's own crontab -n; a pipeline in a time zone where clocks change."""
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib'), os.path.join(HERE, '..', 'cron')]
import referee  # noqa: E402
from world import ORCH, TOP, World, diag, done, like, ok, same  # noqa: E402

w = World()
seed = int(os.environ.get('ORCH_TEST_SEED', random.randrange(10**6)))
draw = random.Random(seed)
print(f'# ORCH_TEST_SEED={seed}', file=sys.stderr)


def orch(*args, **kw):
    return w.orch('schedule', *args, config='none.json', **kw)


def batch(calls):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda a: orch(*a), calls))


# --- next
AT = ('--from', '2026-01-01T00:00:00Z')
r = orch('next', '*/5 * * * *', *AT, '--count', '2', '-o', 'json')
same((r.rc, json.loads(r.out), r.err), (0, ['2026-01-01T00:05:00Z', '2026-01-01T00:10:00Z'], ''), 'json: a list of times, no config needed')
same(len(json.loads(orch('next', '@hourly', '-o', 'json').out)), 5, 'five by default')
r = orch('next', '0 0 1 1 *', '-o', 'json', '--count', '1', now='2026-11-20T08:00:00Z')
same(json.loads(r.out), ['2027-01-01T00:00:00Z'], 'from now by default')
r = orch('next', 'cron(0 0 30 2 ? *)', '-o', 'json')
same((r.rc, json.loads(r.out)), (0, []), 'never: an empty list, exit 0')
like(r.err, 'never', 'and a word about it')
r = orch('next', 'cron(0 0 1 1 ? 2027-2028)', *AT, '-o', 'json')
same(json.loads(r.out), ['2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z'], 'fewer where there are no more')
r = orch('next', '30 2 * * *', '--zone', 'Europe/Berlin', '--from', '2026-03-28', '--count', '2')
like(r.out, '2026-03-28T01:30:00Z  2026-03-28T02:30:00+01:00', 'a table has the local time')
like(r.out, '2026-03-29T01:00:00Z  2026-03-29T03:00:00+02:00', 'and the offset that holds then')
r = orch('next', '@daily', '--zone', 'Asia/Kolkata', *AT, '--count', '1', '-o', 'csv')
same(r.out.split(), ['time,local', '2026-01-01T18:30:00Z,2026-01-02T00:00:00+05:30'], 'csv')
r = orch('next', '@daily', *AT, '--count', '1', '-o', 'jsonl')
same([json.loads(line) for line in r.out.splitlines()], [{'time': '2026-01-02T00:00:00Z'}], 'jsonl')
for start in ('2026-06-05', '2026-06-05T00:00', '2026-06-05T00:00:00', '2026-06-05T02:00:00+02:00', '2026-06-05T00:00Z', '2026-06-05T00'):
    r = orch('next', '0 0 * * *', '--from', start, '--count', '1', '-o', 'json')
    same(r.out.split(), ['[', '"2026-06-06T00:00:00Z"', ']'], f'--from {start}: strictly after it')
r = orch('next', 'rate(7 minutes)', '--from', '2026-01-01T00:03:20Z', '--count', '2', '-o', 'json')
same(json.loads(r.out), ['2026-01-01T00:10:20Z', '2026-01-01T00:17:20Z'], 'a rate counts from --from')
same(len(json.loads(orch('next', '* * * * *', '--count', '10000', '-o', 'json').out)), 10000, 'ten thousand')
for args, part in ((('0/5 * * * *',), 'minute, column 2'), (('@daily', '--zone', 'Europe/Atlantis'), "time zone 'Europe/Atlantis'"),
                   (('@daily', '--zone', '../../../etc/passwd'), 'no name of a time zone'), (('@daily', '--from', 'noon'), "--from 'noon'"),
                   (('@daily', '--from', '2026-02-30'), '--from'), (('@daily', '--count', '10001'), 'at most 10000'), (('@daily', '--count', '0'), 'at least 1')):
    r = orch('next', *args)
    same((r.rc, r.out), (2, ''), f'next {" ".join(args)}: usage')
    like(r.err, part, 'and why')

# --- lint, explain
for text, part in (('0 0 * * 1#2 cmd', "day of week, column 10: cron knows no '#': it would run '#2 cmd'"),
                   ('0 0 1 1 * 2026 cmd', "column 11: a crontab expression has five fields; cron would run '2026 cmd'"),
                   ('0/5 * * * *', "minute, column 2: a step needs '*' or a range"), ('0 22-2 * * *', 'hour, column 3: the range runs backwards'),
                   ('*/5 * * * * orch tick', "column 13: a crontab expression has five fields; cron would run 'orch tick'"),
                   ('cron(0 1 * * * *)', 'column 14: exactly one of'), ('\x1b[31m * * * *', '\\x1b')):
    r = orch('lint', text)
    same((r.rc, r.out), (2, ''), f'lint refuses {text!r}')
    like(r.err, part, 'with field and column')
for text, part in (('0 12 * * ? *', 'around it: cron(0 12 * * ? *)'), ('0 0 * * FRI#5 cmd', 'cron(0 0 ? * 6#5 *)'), ('0/5 * * * *', 'write 0-59/5)'),
                   ('5/ * * * *', 'write 5-59/...)'), ('0 0 * * SAT-SUN', 'write 6,0)'), ('0 0 * * FRI-MON', 'write 5-6,0-1)'), ('0 12 * * ? * cmd', "write '*')")):
    like(orch('lint', text).err, part, f'what to write for {text!r}')
r = orch('lint', '*/5 * * * *')
same((r.rc, r.out, r.err), (0, '', ''), 'lint has nothing against */5')
r = orch('lint', '*/7 0 13 * 5', now='2026-11-20T00:00:00Z')
same((r.rc, r.err.count('warning')), (0, 2), 'lint warns, and it is valid')
like(r.err, 'orch: warning: day of week, column 12', 'field and column')
r = orch('lint', '30 2 * * *', '--zone', 'Europe/Berlin', now='2026-11-20T00:00:00Z')
like(r.err, '2027-03-28T02:30 does not exist in Europe/Berlin: run at 2027-03-28T03:00 instead', 'lint knows the next change of clocks')
d = json.loads(orch('lint', '*/7 * * * *', '-o', 'json').out)
same((d['schema_version'], d['valid'], d['kind'], d['warnings'][0]['column'], d['error']), (1, True, 'crontab', 1, None), 'lint as JSON')
r = orch('lint', 'rate(1 minutes)', '-o', 'json')
d = json.loads(r.out)
same((r.rc, d['valid'], d['kind'], 'column 8' in d['error']), (2, False, None, True), 'lint as JSON, not valid')
r = orch('explain', 'cron(0 9 ? * 3#2 *)', '--zone', 'America/New_York', now='2026-11-20T08:00:00Z')
same((r.rc, r.out), (0, 'At 09:00, on the 2nd Tuesday of the month, America/New_York time.\nNext: 2026-12-08T14:00:00Z\n'), 'explain')
d = json.loads(orch('explain', '0 0 30 2 *', '-o', 'json').out)
same((d['schema_version'], d['text'], d['next']), (1, 'At 00:00, on day 30 of the month, in February, UTC.', None), 'explain as JSON')
same(orch('explain', 'often').rc, 2, 'explain of what is no expression')

# --- the table
with open(os.path.join(TOP, 'tests', 'cron', 'cases.txt'), encoding='utf-8') as f:
    rows = [line.rstrip('\n') for line in f if line.strip() and not line.startswith('#')]
ok(len(rows) >= 400, f'the table has {len(rows)} cases')


def referees(text):
    expr, zone, start, times = text.split(' | ')
    return referee.row(expr, zone, start, len(times.split()))


with multiprocessing.Pool(2) as pool:
    some = rows[draw.randrange(6)::6]
    wrong = [(a, b) for a, b in zip(some, pool.map(referees, some, chunksize=4)) if a != b]
    same(wrong, [], f'the referee agrees with {len(some)} of them')

    some = draw.sample(rows, 40)
    calls = [('next', e, '--zone', z, '--from', f, '--count', str(len(t.split())), '-o', 'json') for e, z, f, t in (r.split(' | ') for r in some)]
    got = [json.loads(r.out) for r in batch(calls)]
    want = [[t for t in row.split(' | ')[3].split() if t != 'never'] for row in some]
    same([(c, g, t) for c, g, t in zip(calls, got, want) if g != t], [], 'orch schedule next gives the times of 40 of them')

    # --- random expressions, near changes of clocks more often than not
    def field(low, high, eventbridge, wraps=True):
        def item():
            a, b, step = draw.randint(low, high), draw.randint(low, high), draw.randint(1, 12)
            if a > b and not (eventbridge and wraps):
                a, b = b, a
            forms = [f'{a}', f'{a}', f'{a}-{b}', f'{a}-{b}/{step}', f'*/{step}'] + ([f'{a}/{step}'] if eventbridge else [])
            return draw.choice(forms)
        return '*' if draw.random() < .35 else ','.join(item() for _ in range(draw.choice((1, 1, 1, 2, 3))))

    def expression():
        if draw.random() < .5:
            return ' '.join(field(*x, False) for x in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7)))
        day, weekday = field(1, 31, True), '?'
        special = draw.choice(('', 'L', 'LW', f'L-{draw.randint(1, 30)}', f'{draw.randint(1, 31)}W', f'L-{draw.randint(1, 30)}W',
                               f'{draw.randint(1, 31)},L', f'LW,{draw.randint(1, 20)}-25'))
        if special and draw.random() < .4:
            day = special
        elif draw.random() < .5:
            n = draw.randint(1, 7)
            day, weekday = '?', draw.choice((field(1, 7, True), f'{n}L', f'{n}#{draw.randint(1, 5)}', 'L', referee.DAYS[n - 1]))
        months = '*' if draw.random() < .6 else field(1, 12, True)
        return f'cron({field(0, 59, True)} {field(0, 23, True)} {day} {months} {weekday} *)'

    edges = (('Europe/Berlin', '2026-03-28', '2026-10-24'), ('America/New_York', '2027-03-13', '2027-11-06'), ('Australia/Lord_Howe', '2026-10-03', '2026-04-04'),
             ('Antarctica/Troll', '2026-03-28', '2026-10-24'), ('Africa/Casablanca', '2026-02-14', '2026-03-21'), ('Pacific/Apia', '2011-12-28', '2012-03-31'),
             ('America/St_Johns', '2026-03-07', '2026-10-31'), ('Antarctica/Casey', '2009-10-17', '2010-03-04'), ('UTC', '2027-12-30', '2028-02-27'))
    cases = []
    for _ in range(120):
        zone, spring, autumn = draw.choice(edges)
        cases.append(f'{expression()} | {zone} | {draw.choice((spring, autumn))}T{draw.randrange(24):02}:{draw.randrange(60):02}:{draw.randrange(60):02}Z | ' + 'x ' * 4 + 'x')
    table = w.path('random.txt')
    with open(table, 'w', encoding='utf-8') as f:
        f.write('\n'.join(pool.map(referees, cases, chunksize=4)) + '\n')
build = os.environ.get('ORCH_BUILD', os.path.dirname(ORCH))
r = w.run([os.path.join(build, 'tests', 'cron-cronexpr.t'), 'the_table_forwards_and_backwards'], env=dict(w.env, ORCH_CRON_CASES=table))
if not same(r.rc, 0, f'{len(cases)} random expressions, as the referee has them, forwards and backwards'):
    diag(r.err)

# --- crontab -n: accepts and refuses the same, but for what it accepts and misreads
AGREED = """*/5 * * * *;* * * * *;00001 * * * *;*/100 * * * *;5-59/15 * * * *;1,2,3 * * * *;0 0 * * 7;0 0 * * 0-7;0 0 * * */7;0 0 31 2 *;0 0 * * 1-fri
0 0 * jan-3 *;0 0 * JAN mon,WED;0 0 1-5/9999 * *;*/5,* * * * *;@hourly;@daily;@midnight;@weekly;@monthly;@yearly;@annually;0 0 1,15 * 5;59 23 31 12 7
0/15 * * * *;5/15 * * * *;*/0 * * * *;1-5/0 * * * *;60 * * * *;0 24 * * *;0 0 0 * *;0 0 32 * *;0 0 * 0 *;0 0 * 13 *;0 0 * * 8;50-70/30 * * * *;99-3 * * * *
1x * * * *;1,2, * * * *;,1 * * * *;-5 * * * *;+5 * * * *;1--3 * * * *;0 0 * * sunday;JAN * * * *;0 0 1,mon * *;0 0 * january *;? * * * *;0 0 ? * 1
0 0 L * *;0 0 * * 5L;0 0 3W * *;~ * * * *;1/2/3 * * * *;@HOURLY;@fortnightly;* * * *;a b c d e""".replace('\n', ';').split(';')
MISREAD = {
    '0 0 * * 1#2': "the rest of the field becomes the command", '1#2 * * * *': 'what follows a number is passed over', '*5 * * * *': 'what follows * is passed over',
    '1-2-3 * * * *': 'a second range is passed over', '*-5 * * * *': 'the range is passed over', '*/5-10 * * * *': 'the range is passed over',
    '*/2/3 * * * *': 'the second step is passed over', '1-9/2/3 * * * *': 'the second step is passed over', '6-1 * * * *': 'never fires',
    '0 0 * * FRI-MON': 'never fires', '5-1/2 * * * *': 'never fires', '0 0 1 1 * 2026': 'the year becomes the command', '@reboot': 'is no moment',
}
if shutil.which('crontab') is None:
    if os.environ.get('ORCH_TEST_NEED', '') in ('all', 'cron'):
        ok(False, 'crontab is installed')
    ok(True, 'crontab -n # SKIP cron is not installed')
else:
    def accepts(text):
        path = w.path(f'crontab-{abs(hash(text))}')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(f'{text} true\n')
        return subprocess.run(['crontab', '-n', path], capture_output=True, check=False).returncode == 0

    lines = AGREED + [' '.join(field(*x, False) for x in ((0, 59), (0, 24), (0, 31), (1, 12), (0, 7))) for _ in range(40)]
    with ThreadPoolExecutor(2) as pool:
        cron = list(pool.map(accepts, lines + list(MISREAD)))
    ours = [r.rc == 0 for r in batch([('lint', text) for text in lines + list(MISREAD)])]
    same([(t, a, b) for t, a, b in zip(lines, cron, ours) if a != b], [], f'crontab -n judges {len(lines)} expressions alike')
    same([t for t, a, b in zip(MISREAD, cron[len(lines):], ours[len(lines):]) if not a or b], [], f'{len(MISREAD)} that cron accepts and misreads are refused')
    ok(10 < sum(cron[:len(AGREED)]) < len(AGREED) - 10, 'some of them are accepted, and some are not')

# --- a pipeline whose schedule is of a place
w.pipeline(target='sqlite', schedule='30 2 * * *', timezone='Europe/Berlin', source_since='2027-03-20T00', source_until='2027-03-20T00', source_allow_empty=True,
           target_create=True)


def next_look(now):
    return w.status(now=now)['pipelines'][0]['next_look']


w.orch('tick', now='2027-03-27T01:30:00Z')  # 02:30 of the day before
same(next_look('2027-03-27T02:00:00Z'), '2027-03-28T01:00:00Z', 'a time that does not exist is looked at right after the gap')
looks = len(json.loads(w.orch('list', '-o', 'json').out)['executions'])
w.orch('tick', now='2027-03-28T00:59:00Z')
same(len(json.loads(w.orch('list', '-o', 'json').out)['executions']), looks, 'a tick before it starts nothing')
w.orch('tick', now='2027-03-28T01:00:00Z')
same(len(json.loads(w.orch('list', '-o', 'json').out)['executions']), looks + 1, 'a tick at it does')
same(next_look('2027-03-28T02:00:00Z'), '2027-03-29T00:30:00Z', 'and the next is by summer time')
w.pipeline(target='sqlite', timezone='Europe/Atlantis')
r = w.orch('validate')
same(r.rc, 3, 'a time zone that is none is a fault of the config')
like(r.err, "timezone: time zone 'Europe/Atlantis'", 'and named')
done()

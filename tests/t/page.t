#!/usr/bin/python3
"""The dashboard over HTTP: a bad day that orch itself had, hostile names and records, years of hours; then in Chromium, where it is there."""
import http.client
import json
import os
import re
import sqlite3
import sys
import time
import urllib.parse
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import browser
import dashboard
from httpd import Server
from world import World, diag, done, hour_key, like, ok, same

MARK = '<script>boom()</script>"onerror=\'x\'&amp;'
BIDI = '\u202eevil\u2066'


class Site:
    def __init__(self, w, *args):
        self.w, self.server = w, Server(w, *args, env={'ORCH_TEST_NOW': w.now})
        self.http = http.client.HTTPConnection('127.0.0.1', self.server.port, timeout=60)
        self.trees = {}

    def get(self, path):
        self.http.request('GET', path, headers={'Accept': 'text/html', 'Accept-Encoding': 'identity'})
        r = self.http.getresponse()
        return r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()

    def page(self, path):
        """The page as a tree; it must be XML, which HTML written so is too."""
        status, head, body = self.get(path)
        if status != 200:
            raise AssertionError(f'{path}: {status} {body[:300]!r}')
        tree = ET.fromstring(body.decode())
        for e in tree.iter():
            e.tag = e.tag.split('}')[-1]
        tree.set('path', path)
        return tree

    def stop(self):
        self.http.close()
        return self.server.stop()


def text(e):
    return re.sub(r'\s+', ' ', ''.join(e.itertext())).strip()


def find(tree, tag, **attributes):
    """Elements of a tag whose attributes have these words; class_ for class."""
    want = {k.rstrip('_'): v for k, v in attributes.items()}
    return [e for e in tree.iter(tag) if all(v in e.get(k, '').split() or v == e.get(k) for k, v in want.items())]


def faults_of(tree):
    """What any page must hold to."""
    out = []
    path = tree.get('path')
    ids = [e.get('id') for e in tree.iter() if e.get('id')]
    if tree.get('lang') != 'en':
        out.append('no lang')
    for tag, n in (('h1', 1), ('main', 1), ('title', None), ('header', 1), ('footer', 1)):
        if n is not None and len(find(tree, tag)) != n:
            out.append(f'{len(find(tree, tag))} <{tag}>')
    if len(ids) != len(set(ids)):
        out.append('an id twice')
    if not find(tree, 'a', class_='skip') or 'main' not in ids:
        out.append('no skip link')
    for e in tree.iter():
        for k, v in e.attrib.items():
            if k == 'style' or (k.startswith('on') and k != 'on'):
                out.append(f'<{e.tag} {k}>')
            if k in ('href', 'src') and re.match(r'\s*(javascript|data):', v, re.I):
                out.append(f'{k}={v}')
        if e.tag in ('script', 'style') and (e.tag == 'style' or e.get('src') != '/orch.js' or text(e)):
            out.append(f'<{e.tag}> {text(e)[:40]}')
        if e.tag == 'table' and e.find('caption') is None:
            out.append('a table without a caption')
        if e.tag == 'th' and e.get('scope') not in ('row', 'col'):
            out.append('a th without scope')
        if e.tag == 'span' and 'st' in e.get('class', '').split() and not re.search('[a-z]{3}', text(e)):
            out.append(f'a sign without a word: {text(e)}')
        if e.tag == 'a' and not (text(e) or e.get('aria-label')):
            out.append('a link without words')
        if e.tag == 'input' and e.get('type') != 'hidden' and not any(e in list(x.iter()) for x in tree.iter('label')):
            out.append('an input without a label')
    return [f'{path}: {x}' for x in out]


def crawl(site, most=600):
    """Every page that links lead to: a tree each. Of partitions and executions, those of one pipeline are many: `most` in all."""
    seen, queue, trees, bad = set(), ['/'], {}, []
    while queue and len(trees) < most:
        path = queue.pop(0)
        if path in seen:
            continue
        seen.add(path)
        try:
            tree = site.page(path)
        except (AssertionError, ET.ParseError) as e:
            bad.append(f'{path}: {e}')
            continue
        trees[path] = tree
        for a in tree.iter('a'):
            href = urllib.parse.urljoin(path, a.get('href', '')).split('#')[0]
            if href.startswith('/') and href not in seen:
                queue.append(href)
    return trees, bad


def all_pages(site, path, tag, **attributes):
    """The elements of all pages that follow one another."""
    got, n = [], 0
    while path and n < 50:
        tree = site.page(path)
        got += find(tree, tag, **attributes)
        nexts = [a.get('href') for a in find(tree, 'a', rel='next') if 'month' not in a.get('href')]
        path, n = (urllib.parse.urljoin(path, nexts[0]) if nexts else None), n + 1
    return got, n


# ---- a bad day ----

w = World()
w.linger = '1s'
dashboard.bad_day(w)
hostile = ('id,name,amount\n'.encode() + b'1,' + MARK.encode() + b',not a number ' + MARK.encode() + b'\n2,\xff\xfe\x00bytes,NaN\xff\n3,' + BIDI.encode() + b',x' + BIDI.encode() + b'\n4,'
           + b'y' * 1000000 + b',<b>\n')
w.put(hour_key(14, f'<img src=x onerror=alert(1)>{BIDI}.csv'), hostile, mtime=dashboard.OLD)
w.orch('run', 'loans', timeout=300)
w.orch('pause', 'refunds', '--reason', MARK)
s = Site(w)
status = w.status()
home = s.page('/')
verdict = text(find(home, 'h1')[0])
troubled = {a['pipeline'] for a in status['attention'] if a['class'] != 'PAUSED'}
like(verdict, f'{len(troubled)} of 7 pipelines need attention', 'the first sentence says how many pipelines need somebody: as many as orch status has')
order = [text(e.find('h3')).split(' ')[1] for e in find(home, 'ol', class_='attention')[0]]
same(order[0], 'dead', 'what is dead is told before everything else')
ranks = ['dead', 'failed', 'refused', 'mismatched', 'stuck', 'unavailable', 'late', 'small', 'paused']
same(order, sorted(order, key=ranks.index), 'then failed, mismatched, late, each after the other')
entries = text(find(home, 'ol', class_='attention')[0])
like(entries, 'owner Ana Nováková, ana@example.org · since', 'each says whose it is, and since when')
like(entries, 'orch diff loans/2022-06-05T00', 'and what to type')
like(entries, '5 partitions, 2022-06-05T19 to 2022-06-05T23', 'five late hours with one cause are one entry')
flows = find(find(home, 'table', class_='flows')[0], 'th', scope='row')
names = [text(f.find('a')) for f in flows]
same((len(names), names[-1] in troubled, names[0] in troubled), (7, False, True), 'all pipelines stand in the table, those in trouble first')
wrong = []
by_name = {p['pipeline']: p for p in status['pipelines']}
for tr in find(find(home, 'table', class_='flows')[0], 'tr')[1:]:
    name = text(tr.find('th').find('a'))
    squares = [(a.get('href').split('/')[-1], a.get('title').split(' ')[1].rstrip(',')) for a in find(tr, 'span', class_='row')[0].iter('a')]
    words = {'PROCESSING': 'running'}
    want = [(p['partition'], words.get(p['state'], p['state'].lower())) for p in by_name[name]['last24']]
    wrong += [(name, squares, want)] if squares != want or (by_name[name]['last_good'] or 'none yet') not in text(tr) else []
same(wrong, [], 'the squares and the last good partition are those of orch status, of each pipeline')
like(text(find(home, 'main')[0]), 'the warehouse moves, see OPS-112', 'who paused a pipeline, and why, is in its row')
ok(len(find(home, 'polyline')) >= 6, 'rows a second are drawn')

heat = s.page('/pipelines/orders?month=2022-06')
cells = {a.get('href').split('/')[-1]: (text(a), a.get('title')) for a in find(heat, 'table', class_='heat')[0].iter('a')}
same(len(cells), 120, 'a month of hours has a link for each hour that was due')
same(cells['2022-06-05T11'], ('●', '2022-06-05T11 reconciled: 1000 read = 997 loaded + 3 rejected'), 'a cell has its sign, and in its title its word and its counts')
same(cells['2022-06-05T18'][0], '≠', 'a mismatched hour has its own')
rows = find(heat, 'table', class_='heat')[0].find('tbody').findall('tr')
same(([text(r.find('th')) for r in rows] == [f'{h:02}' for h in range(24)], {len(r) for r in rows}), (True, {31}), 'hours down, the days of the month across')
same([a.get('href') for a in find(heat, 'a', rel='prev')], ['/pipelines/orders?month=2022-05'], 'it leads to the month before, and not beyond the newest')
like(text(find(heat, 'ul', class_='legend')[0]), 'reconciled', 'its signs are explained in words')
shown = s.page('/pipelines/orders?month=2022-06&show=rows')
same({text(a) for a in find(shown, 'table', class_='heat')[0].iter('a')}, {'997', '0'}, 'the cells show rows when asked')
year = s.page('/pipelines/orders?year=2022')
months = {text(r.find('th')): text(r) for r in find(year, 'tbody')[0]}
like(months['2022-06'], '119', 'the year counts its hours by month')
like(text(find(year, 'ul', class_='holes')[0]), '≠ mismatched 2022-06-05T18', 'and lists those that are not well')

part = s.page('/pipelines/loans/2022-06-05T00')
like(text(find(part, 'main')[0]), 'different source 200 = loaded 200 + rejected 0 in the target', 'a partition says source = loaded + rejected, and what the target holds')
ok('−' in text(find(part, 'p', class_='equation')[0]), 'with the difference')
like(text(find(part, 'main')[0]), 'part-0.csv', 'and its files')
like(text(find(part, 'main')[0]), 'orch replay loans/2022-06-05T00', 'and the commands to type')
failed = s.page('/pipelines/loans/2022-06-05T12')
why = json.loads(w.orch('explain', 'loans/2022-06-05T12', '-o', 'json').out)
like(text(find(failed, 'p', class_='now')[0]), f"{why['code']}", 'one that failed says why, as orch explain does')
like(text(find(s.page('/pipelines/loans/2022-06-05T17'), 'main')[0]), 'the bank was closed', 'one that was skipped says why')

# executions
ids = [a.get('href') for a, in [(e.find('a'),) for e in find(s.page('/executions?pipeline=loans&status=FAILED'), 'th', scope='row')]]
ok(len(ids) >= 1, 'failed executions are listed')
run = s.page(ids[0])
ok(any('failed' in text(t) for t in find(run, 'svg', class_='gantt')[0].iter('title')) and find(run, 'rect', class_='bad'), 'the timeline of one shows what failed')
ok(find(run, 'svg', class_='orch') and find(run, 'g', class_='went'), 'its path through the state graph is drawn')
all_rows = w.state('SELECT count(*) FROM execution WHERE idle = 0')[0][0]
got, n = all_pages(s, '/executions', 'th', scope='row')
same((len(got), len({text(e) for e in got}), n > 1), (all_rows, all_rows, True), 'page by page the list has each execution once')
events = w.state('SELECT id FROM event WHERE execution_id = ? ORDER BY id', int(ids[0].split('/')[-1]))
got, n = all_pages(s, ids[0], 'th', scope='row')
same(len(got), len(events), 'and one execution all of its events')

# rejects
record = [e for e in w.state("SELECT count(*) FROM reject r JOIN load l USING (load_id) JOIN object o ON o.id = l.object_id WHERE o.pipeline = 'loans' AND r.state IN ('FINAL', 'FAILED', 'PENDING')")][0][0]
got, n = all_pages(s, '/rejects?pipeline=loans', 'pre', class_='raw')
same((len(got), n > 2), (record, True), 'page by page the rejects are all there')
code = s.page('/rejects?pipeline=loans')
first = find(code, 'tbody')[0][0]
got, n = all_pages(s, first.find('th').find('a').get('href'), 'pre', class_='raw')
same(f'{len(got)}', text(first[2]), 'a group leads to as many records as it counts')
raw = [text(p) for p in find(s.page('/rejects?pipeline=loans&partition=2022-06-05T14'), 'pre', class_='raw')]
ok(any(MARK in r for r in raw), 'markup in a record is shown as it stands')
ok(any(r'\xff\xfe\x00bytes' in r for r in raw), 'bytes that are no text are written out')
ok(not any(c in r for r in raw for c in BIDI if ord(c) > 0x2000), 'characters that turn the direction are written out')
ok(max(map(len, raw)) < 9000, 'a line of a megabyte is cut, and the page says so')
headers = s.get('/rejects?pipeline=loans')[1]
like(headers['cache-control'], 'no-store', 'no cache keeps them')
like(s.get('/')[1]['content-security-policy'], "default-src 'none'", 'the policy lets nothing run but our own')
activity = text(find(s.page('/activity'), 'main')[0])
like(activity, MARK, 'what a person gave as a reason is shown as it stands')
like(activity, 'pause', 'and what was decided')
kept = []
for path in ('/style.css', '/orch.js', '/icon.svg'):
    head = s.get(path)[1]
    s.http.request('GET', path, headers={'If-None-Match': head.get('etag', '')})
    r = s.http.getresponse()
    kept.append((path, head['cache-control'], r.status, r.read()))
same(kept, [(path, 'private, no-cache', 304, b'') for path, *_ in kept], 'style, script and icon are kept by a browser, which asks whether they changed')

# what is not there
refused = (('/pipelines/nobody', 404), ('/pipelines/loans/2022-13-45', 422), ('/executions/99999999', 404), ('/executions/x', 404), ('/pipelines/loans?month=2022-13', 400),
                   ('/pipelines/loans?month=<script>', 400), ('/rejects?pipeline=loans&after=1-2', 404), ('/rejects?pipeline=loans&after=1.2', 400), ('/rejects?pipeline=loans&after=x', 400), ('/rejects?pipeline=loans&state=x', 400))
answers = []
for path, want in refused:
    got, head, body = s.get(urllib.parse.quote(path, safe='/?=&.'))
    answers.append((path, got, b'<script>' in body, head['content-type']))
same(answers, [(p, n, False, 'text/html; charset=utf-8') for p, n in refused], 'what is not there, or asked for wrongly, is refused as such, as a page, and nothing of it is obeyed')

# every page
began = time.monotonic()
trees, broken = crawl(s)
same(broken, [], f'every link answers with a page that is well-formed ({len(trees)} followed)')
faults = [f for t in trees.values() for f in faults_of(t)]
same(faults[:10], [], 'each has lang, one h1, captions, scopes, a skip link, no style or handler in an attribute, and words beside signs')
diag(f'{len(trees)} pages in {time.monotonic() - began:.1f} s')
kinds = {re.sub(r'=[^&]*', '', re.sub(r'\d{4}-\d\d-\d\dT\d\d', 'P', re.sub(r'/executions/\d+', '/executions/N', p))) for p in trees}
ok({'/', '/executions', '/executions/N', '/rejects', '/activity', '/pipelines/loans', '/pipelines/loans/P', '/pipelines/loans?year'} <= kinds, 'of each kind there was one')

# ---- in a browser ----
b = browser.Browser.start()
if b is None:
    if 'chromium' in os.environ.get('ORCH_TEST_NEED', '').split(','):
        ok(False, 'chromium is needed, and not installed')
    else:
        ok(True, 'chromium is not installed: console, width and contrast were not looked at # SKIP')
else:
    try:
        pages = ['/', '/pipelines/loans', '/pipelines/orders?year=2022', '/pipelines/loans/2022-06-05T00', '/executions', ids[0], '/rejects?pipeline=loans', '/rejects?pipeline=loans&partition=2022-06-05T14', '/activity']
        said, wide, pale = [], [], []
        for path in pages:
            for width, dark in ((1280, False), (390, False), (390, True), (1280, True)):
                b.open(s.server.url + path, width, 900, dark)
                said += [f'{path}: {x}' for x in b.said()]
                scroll, inner = b.js(browser.WIDTH)
                if scroll > inner:
                    wide.append(f'{path} at {width}: {scroll}')
                worst, where = b.js(browser.CONTRAST)
                if worst < 4.5:
                    pale.append(f'{path} {"dark" if dark else "light"}: {worst:.2f} {where}')
        same(said, [], f'Chromium has nothing to say of {len(pages)} pages: no violation of the policy, no error')
        same(wide, [], 'none is wider than a phone, or a desk')
        same(sorted(set(pale)), [], 'every text has a contrast of 4.5, light and dark')
        b.open(s.server.url + '/pipelines/orders?month=2022-06', 1280, 900)
        b.js("document.querySelector('.heat td a').focus()")
        b.call('Input.dispatchKeyEvent', type='keyDown', key='ArrowDown', code='ArrowDown', windowsVirtualKeyCode=40)
        same(b.js("document.activeElement.getAttribute('href')"), '/pipelines/orders/2022-06-01T01', 'an arrow key goes to the next hour')
        b.js("for (const h of ['2022-06-01T03', '2022-06-02T05']) document.querySelector(`.heat a[href$='${h}']`).dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true, shiftKey: true}))")
        same(b.js("document.querySelector('#range code').textContent"), "orch replay orders --from 2022-06-01T03 --to 2022-06-02T05 --reason '…'", 'Shift and two cells write the command for all between them')
        same(b.js('typeof boom'), 'undefined', 'and nothing of what came from outside ran')
        shots = os.environ.get('ORCH_TEST_SHOTS')
        if shots:
            for n, path in enumerate(pages):
                for width, dark in ((1280, False), (390, True)):
                    b.open(s.server.url + path, width, 900, dark)
                    b.shot(f'{shots}/bad-{n}-{width}{"-dark" if dark else ""}.png', True)
    finally:
        b.close()
same(s.stop(), 0, 'the server ends well')

# ---- days in place of hours, an extract, and a config that goes on ----
c = w.config_json
c['pipelines']['ledger'] = json.loads(json.dumps(c['pipelines']['clicks']))
c['pipelines']['ledger']['source'].update(period='day', layout='day=%Y-%m-%d/', since='2021-12-30', prefix='ledger/')
c['pipelines']['ledger']['target']['table'] = 'ledger'
w.secret('hr.secret', 'none')
c['connections']['hr'] = {'url': 'mysql://reader@127.0.0.1:9/hr', 'password_file': 'hr.secret', 'tls': 'off'}
c['extracts'] = {'staff': {'source': {'connection': 'hr'}, 'target': {'connection': 'lake'}, 'tables': [{'table': 'employees', 'watermark': ['changed_at']}, {'table': 'jobs'}], 'datetime_timezone': 'UTC'}}
del c['pipelines']['clicks']
w.write_config(c)
with sqlite3.connect(w.path('orch.db')) as db:
    db.executemany("INSERT INTO partition_(pipeline, part, state, since_ms, reason) VALUES ('ledger', ?, ?, 0, '')", [('2022-01-31', 'EMPTY'), ('2022-02-28', 'LATE'), ('2021-12-31', 'SKIPPED')])
    db.execute("INSERT INTO extraction(pipeline, run, name, kind, seq, state, from_, to_, rows, bytes, parts, notice, message, created_ms, updated_ms)"
               " VALUES ('staff', 'r1', 'employees', 'INCREMENTAL', 1, 'PUBLISHED', NULL, '2022-06-05 12:00:00', 12345, 99999, 2, ?, '', 1, ?)", (MARK, 1654430400000))
    db.execute("INSERT INTO channel(name, sent, failed, failing_since_ms, tried_ms, error) VALUES ('webhook', 3, 2, 1654430400000, 1654430400000, ?)", (MARK,))
s = Site(w)
home = s.page('/')
like(text(find(home, 'h1')[0]), 'of 8 pipelines and extracts', 'extracts are counted too')
like(text(find(home, 'main')[0]), 'Alerts by webhook have not gone out since 05 Jun 12:00: ' + MARK, 'an alert channel that fails is said on the first page')
same([text(e) for e in find(find(home, 'table', class_='flows')[1], 'td')[:4]], ['employees', '2022-06-05 12:00:00', '1', '12,345'], 'an extract says up to where each table was taken')
like(text(find(s.page('/extracts/staff'), 'main')[0]), MARK, 'and its page what its runs noticed')
days = s.page('/pipelines/ledger')
table = find(days, 'table', class_='heat')[0]
rows = table.find('tbody').findall('tr')
same(([text(r.find('th')) for r in rows] == [f'{m:02}' for m in range(1, 13)], {len(r) for r in rows}), (True, {32}), 'of a pipeline by days the table is a year: months down')
got = {a.get('href').split('/')[-1]: text(a) for a in table.iter('a')}
same((len(got), got['2022-01-31'], got['2022-02-28'], '2022-02-29' in got), (156, '○', '▲', False), 'with a link for each day that was due')
same([a.get('href') for a in find(days, 'a', rel='prev')] or [a.get('href') for a in days.iter('a') if '2021' in text(a)], ['/pipelines/ledger?year=2021'], 'and one to the year before')
before = {a.get('href').split('/')[-1]: text(a) for a in find(s.page('/pipelines/ledger?year=2021'), 'table', class_='heat')[0].iter('a')}
same(before, {'2021-12-30': '?', '2021-12-31': '–'}, 'which begins where the pipeline does')
like(text(find(s.page('/pipelines/ledger/2022-02-28'), 'main')[0]), '▲ late', 'a day has its page')
gone = s.page('/executions?pipeline=clicks')
same((text(find(gone, 'h1')[0]), len(find(gone, 'th', scope='row')) > 10), ('Executions of clicks', True), 'runs of a pipeline that the config has no longer are still told')
like(text(find(s.page('/activity'), 'main')[0]), 'webhook✖ failed since 05 Jun 12:00', 'the channels say since when one fails')
trees, broken = crawl(s, 120)
same((broken, [f for t in trees.values() for f in faults_of(t)][:10]), ([], []), 'all of that is well-formed, and every link answers')
s.stop()

# ---- forms: only with --allow-write ----
s = Site(w)
ok(not find(s.page('/pipelines/loans'), 'form') and not find(s.page('/pipelines/loans/2022-06-05T03'), 'form'), 'a server that only reads has no forms')
s.stop()
s = Site(w, '--allow-write')


def post(path, **fields):
    s.http.request('POST', path, urllib.parse.urlencode(fields), {'Content-Type': 'application/x-www-form-urlencoded', 'Accept': 'text/html', 'Origin': f'http://127.0.0.1:{s.server.port}',
                                                                  'Sec-Fetch-Site': 'same-origin'})
    r = s.http.getresponse()
    return r.status, r.getheader('Location'), r.read()


path = '/pipelines/loans/2022-06-05T03'
form = find(s.page(path), 'form')[0]
csrf = next(e.get('value') for e in find(form, 'input', name='csrf'))
same((form.get('action'), {b.get('value') for b in form.iter('button')}), (path, {'replay', 'retry', 'skip'}), 'with --allow-write a partition has a form')
same(post(path, what='replay', reason='a try')[0], 403, 'which nobody can send without its token')
same(post(path, csrf=csrf, what='replay', reason='')[0], 400, 'nor without a reason')
same(post(path, csrf=csrf, what='drop', reason='x')[0], 400, 'nor for what it does not offer')
same(post('/pipelines/loans/2031-06-05T03', csrf=csrf, what='replay', reason='x')[0], 404, 'nor for an hour that does not exist')
status, _, body = post(path, csrf=csrf, what='skip', reason='x')
same((status, b'rows in the target' in body), (400, True), 'nor to skip an hour whose rows are there: that is said at once')
same(post(path, csrf=csrf, what='replay', reason='x' * 301)[0], 400, 'nor with a reason that is too long')
same(w.state('SELECT count(*) FROM request'), [[0]], 'none of which put anything down')
status, to, _ = post(path, csrf=csrf, what='replay', reason=MARK)
same((status, to), (303, f'{path}?asked=1'), 'sent, it leads back to the page')
like(text(find(s.page(to), 'p', role='status')[0]), 'Request 1 (replay): Q queued for the next tick', 'which says that the next tick does it')
like(text(find(s.page('/activity'), 'main')[0]), MARK, 'the activity has it, with its reason')
w.orch('tick', timeout=300)
like(text(find(s.page(to), 'p', role='status')[0]), '● done', 'after that tick it says so')
same(w.state("SELECT kind, state FROM job WHERE pipeline = 'loans' AND part = '2022-06-05T03' ORDER BY n"), [['LOAD', 'SUPERSEDED'], ['REPLAY', 'RECONCILED']], 'and the partition was loaded again')
status, to, _ = post('/pipelines/loans', csrf=csrf, what='pause', reason='a look')
same((status, to, 'paused since' in text(find(s.page('/pipelines/loans'), 'main')[0])), (303, '/pipelines/loans', True), 'a pipeline is paused at once')
with sqlite3.connect(w.path('orch.db')) as db:
    db.execute("UPDATE pause SET since_ms = since_ms - 2 * 86400000 WHERE pipeline = 'loans'")
w.orch('tick', timeout=300)
entry = [e for e in find(s.page('/'), 'ol', class_='attention')[0] if text(e.find('h3')).split(' ')[1:3] == ['paused', 'loans']]
ok(len(entry) == 1 and '· since' in text(entry[0]), 'a trouble of a whole pipeline says since when, too')
post('/pipelines/loans', csrf=csrf, what='resume', reason='')
same(w.state("SELECT count(*) FROM pause WHERE pipeline = 'loans'"), [[0]], 'and resumed')
faults = faults_of(s.page(path)) + faults_of(s.page('/pipelines/loans'))
same(faults, [], 'the forms have labels')
s.stop()

# ---- before the first tick, and a good day ----
w = World()
w.linger = '1s'
dashboard.config(w)
w.now = dashboard.NOW
s = Site(w)
first, head, body = s.get('/')
ok(first == 503 or b'No tick has run yet' in body, 'before the first tick the page says that there was none')
s.stop()
w = World()
w.linger = '1s'
dashboard.good_day(w)
s = Site(w)
home = s.page('/')
same((text(find(home, 'h1')[0]), find(home, 'ol', class_='attention')), ('● All 7 pipelines are well', []), 'a good day needs nobody')
with sqlite3.connect(w.path('orch.db')) as db:
    db.execute("INSERT INTO request(kind, pipeline, args, reason, who, state, error, message, hint, made_ms, ended_ms) VALUES ('backup', '', ?, '', 'token 10.0.0.7', 'FAILED', 'Orch.Unavailable', 'the cellar is locked', '', 1, 2)",
               (json.dumps({'tables': ['staff']}),))
home = s.page('/')
same(text(find(home, 'h1')[0]), '✖ 1 request needs attention', 'a backup that failed is no pipeline\'s, and is said all the same')
entry = find(home, 'ol', class_='attention')[0]
like(text(entry), 'request #1', 'which request it was')
like(text(entry), 'backup of staff, asked for by token 10.0.0.7, failed: the cellar is locked', 'what it was, who asked, and why it failed')
same([text(e) for e in find(entry, 'code', class_='cmd')], ["orch ack request/1 --reason '...'"], 'and the command that lets it stand')
same([a.get('href') for a in entry.iter('a')], ['/activity#requests'], 'with a link to where requests are listed')
ok(w.orch('status').rc != 0, 'orch status says the same')
same(faults_of(home), [], 'the page is as the others')
s.stop()
with open(w.path('own.asl.json'), 'w') as f:
    json.dump({'StartAt': 'A', 'States': {'A': {'Type': 'Fail', 'Error': 'Own.Bad', 'Cause': 'it is <bad>'}}}, f)
w.orch('start', 'own.asl.json', '--name', 'mine', '--wait')
s = Site(w)
home = s.page('/')
same(text(find(home, 'h1')[0]), '✖ 1 request and 1 execution need attention', 'an execution of a definition of one\'s own that failed is counted')
entry = next(e for e in find(home, 'ol', class_='attention')[0] if 'mine' in text(e))
like(text(entry), 'execution mine Own.Bad: it is <bad>', 'which one it was, and why it failed')
same([text(e) for e in find(entry, 'code', class_='cmd')], ['orch history mine --failed'], 'and the command that shows it')
like(text(entry), "orch redrive mine; orch ack mine --reason '...'", 'and what ends it')
same([a.get('href') for a in entry.iter('a')], ['/executions?status=FAILED'], 'with a link to where executions are listed')
same(faults_of(home), [], 'and this page is as the others')
s.stop()
w.now = '2022-06-06T09:00:00Z'
s = Site(w)
like(text(find(s.page('/'), 'main')[0]), 'Is cron running? No tick has looked for long', 'when ticks stop coming, the page says that it is old')
s.stop()
done()

#!/usr/bin/python3
"""Rows over HTTP: seed 004's tables by batches as orch load takes them; each rule, each mode, each wrong request, one key of many clients, a target that goes away."""
import json, os, random, re, sys, threading, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *
from openapi import Openapi
from rest import Serve
from wire import Wire

w = World('mysql')
wire = Wire('mysql', w.base + 80)
EMPLOYEES = """(id INT NOT NULL PRIMARY KEY, name VARCHAR(100), datetime DATETIME, department_id INT, job_id INT,
 FOREIGN KEY (department_id) REFERENCES departments (id), FOREIGN KEY (job_id) REFERENCES jobs (id))"""
w.sql(f"""CREATE TABLE departments (id INT NOT NULL PRIMARY KEY, department VARCHAR(60) NOT NULL);
CREATE TABLE jobs (id INT NOT NULL PRIMARY KEY, job VARCHAR(60) NOT NULL);
CREATE TABLE employees {EMPLOYEES}; CREATE TABLE loaded {EMPLOYEES};
CREATE TABLE things (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, code VARCHAR(20) UNIQUE, price DECIMAL(30,10), ratio DOUBLE, small FLOAT, n BIGINT UNSIGNED, made DATE, at DATETIME(6),
 kind VARCHAR(10) NOT NULL DEFAULT 'plain', note TEXT, doc JSON, raw VARBINARY(20), flag BOOLEAN, department_id INT, state ENUM('on','off'), bits BIT(4)) DEFAULT CHARSET utf8mb4;
CREATE TABLE pairs (a INT NOT NULL, b VARCHAR(40) NOT NULL, v INT, PRIMARY KEY (a, b)); CREATE TABLE plain (v INT);
CREATE TABLE books (id INT NOT NULL, part VARCHAR(10) NOT NULL, text LONGTEXT, PRIMARY KEY (id, part));
CREATE TABLE money (id INT NOT NULL PRIMARY KEY, v INT) ENGINE=InnoDB""")
hr = {'connection': 'hr'}
person = {**hr, 'required': 'all', 'csv': {'header': False}}
w.write_config({
    'state': 'orch.db',
    'connections': {'hr': {'url': f'mysql://loader@127.0.0.1:{w.base + 80}/w', 'password_file': 'db.secret', 'tls': 'off'},
                    'far': {'url': f'mysql://loader@127.0.0.1:{wire.port}/w', 'password_file': 'db.secret', 'tls': 'off'}},
    'tables': {
        'departments': {**hr, 'required': 'all'}, 'jobs': {**hr, 'required': 'all'},
        'hired_employees': {**person, 'table': 'employees'}, 'loaded': {**person, 'table': 'loaded'},
        'things': {**hr, 'csv': {'header': True}, 'columns': {
            'code': {'required': True, 'pattern': '[a-z]+[0-9]*'}, 'price': {'min': 0, 'max': '99.5'}, 'made': {'min': '2020-01-01'},
            'kind': {'values': ['plain', 'fancy', 'ünï']}, 'department_id': {'references': 'departments.id'}}},
        'pairs': {**hr}, 'plain': {**hr}, 'closed': {**hr, 'table': 'plain', 'writable': False},
        'money': {'connection': 'far'}, 'books': {**hr}, 'odd': {**hr}, 'odd_texts': {**hr}, 'odd_pairs': {**hr}},
})
same(w.good('target', 'setup').rc, 0, 'the target is set up')
s = Serve(w, w.base + 85)


def count(table, where='1'):
    return int(w.one(f'SELECT COUNT(*) FROM {table} WHERE {where}'))


def rejects(table):
    return w.sql(f"SELECT record, column_name, code, raw FROM orch_intake_reject WHERE tbl = '{table}' ORDER BY id")


def problem(r, status, text, name):
    same((r.status, r.head.get('content-type', '').partition(';')[0]), (status, 'application/problem+json'), name)
    like(r.body.decode(), text, f'{name}: it says so')


# -- the shape of seed 004: 12 departments, 183 jobs, 1,999 hired employees of whom 70 lack something ------------------
rng = random.Random(4)
departments = [[str(i), f'Department {i}'] for i in range(1, 13)]
jobs = [[str(i), f'Job, {i}' if i % 9 == 0 else f'Job {i}'] for i in range(1, 184)]
people = [[str(i), rng.choice(['Ana Roe', 'Zoë "Z" Ode', 'Bo, Li', '李雷']), f'2021-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:02:42Z',
           str(rng.randint(1, 12)), str(rng.randint(1, 183))] for i in range(1, 2000)]
for n in rng.sample(range(1999), 70):
    people[n][rng.choice([1, 2, 3, 4])] = ''
people_csv = [','.join('"' + c.replace('"', '""') + '"' if '"' in c or ',' in c else c for c in p) for p in people]

r = s.post('departments', ''.join(','.join(d) + '\n' for d in departments))
same((r.status, r.json['stored'], r.json['rejected'], r.states), (201, 12, 0, ['stored'] * 12), 'departments by CSV without a header')
r = s.post('jobs', [{'id': int(j[0]), 'job': j[1]} for j in jobs], mode='atomic')
same((r.status, r.json['stored'], count('jobs')), (201, 183, 183), 'jobs by JSON')
for k in range(0, 1999, 1000):
    r = s.post('hired_employees', '\n'.join(people_csv[k:k + 1000]) + '\n', mode='partial', key=f'people-{k}')
    same((r.status, r.json['records'], r.json['stored'] + r.json['rejected']), (200, min(1000, 1999 - k), min(1000, 1999 - k)), f'hired employees from {k} on')
    same([i for i, p in enumerate(people[k:k + 1000]) if '' in p], [i for i, x in enumerate(r.json['rows']) if x['status'] == 'rejected'], 'those that lack something are rejected, and no others')
same((count('employees'), len(rejects('hired_employees'))), (1929, 70), '1,929 are stored and 70 are logged')
with open(w.path('people.csv'), 'w', encoding='utf-8') as f:
    f.write('\n'.join(people_csv) + '\n')
same(w.orch('load', w.path('people.csv'), '--table', 'loaded', '--max-rejects', '70').rc, 0, 'orch load takes the same file')
same(w.sql('SELECT * FROM employees ORDER BY id'), w.sql('SELECT * FROM loaded ORDER BY id'), 'by HTTP and by orch load: the same rows')
same([x[1:] for x in rejects('hired_employees')], [x[1:] for x in rejects('loaded')], 'and the same rejects, byte by byte')
lacking = [[p[0], (['id', 'name', 'datetime', 'department_id', 'job_id'][p.index('')]), 'REQUIRED'] for p in people if '' in p]
same([[x[3].split(',')[0], x[1], x[2]] for x in rejects('loaded')], lacking, 'each names the column that is empty')

# -- how many -----------------------------------------------------------------------------------------------------------
for what, body in (('JSON', [{'v': i} for i in range(1001)]), ('CSV', 'v\n' + ''.join(f'{i}\n' for i in range(1001)))):
    r = s.post('plain', body, type=None if what == 'JSON' else 'text/csv; header=present')
    problem(r, 413, 'more than 1000 rows', f'1,001 rows of {what}')
same(count('plain'), 0, 'and nothing of them is stored')
r = s.post('plain', [{'v': i} for i in range(1000)])
same((r.status, count('plain'), len(r.json['rows'])), (201, 1000, 1000), '1,000 are taken')
r = s.post('plain', {'v': 7})
same((r.status, r.states, count('plain')), (201, ['stored'], 1001), 'one object is one row')
problem(s.post('plain', []), 422, 'no rows', 'an empty array')
problem(s.post('plain', '', type='text/csv'), 422, 'no rows', 'an empty CSV')
problem(s.post('plain', [{}]), 422, 'no row names a column', 'rows without a name')

# -- one bad row ----------------------------------------------------------------------------------------------------------
w.sql('DELETE FROM plain')
three = [{'v': 1}, {'v': 'x'}, {'v': 3}]
r = s.post('plain', three)
problem(r, 422, 'nothing was stored', 'atomic, with one bad row')
same((r.states, r.codes, r.json['stored'], count('plain')), (['not stored', 'rejected', 'not stored'], [None, 'NOT_AN_INT', None], 0, 0), 'each row is told, and none is stored')
same([x[3] for x in rejects('plain')], ['{"v": "x"}'], 'the reject is logged with its bytes')
r = s.post('plain', three, mode='partial')
same((r.status, r.states, r.json['stored'], r.json['rejected'], count('plain')), (200, ['stored', 'rejected', 'stored'], 2, 1, 2), 'partial: the good ones are in')
same(r.json['rows'][1], {'row': 2, 'status': 'rejected', 'code': 'NOT_AN_INT', 'column': 'v', 'message': r.json['rows'][1]['message']}, 'the bad one is told')
r = s.post('plain', [{'v': 'x'}], mode='partial')
same((r.status, r.json['stored']), (200, 0), 'partial with bad rows alone')

# -- rules and types --------------------------------------------------------------------------------------------------------
good = {'code': 'a1', 'price': 5, 'made': '2021-02-03', 'kind': 'fancy', 'department_id': 3}
cases = [({'code': None}, 'code', 'REQUIRED'), ({'code': 'A1'}, 'code', 'NO_MATCH'), ({'code': 'a1 '}, 'code', 'NO_MATCH'), ({'price': -1}, 'price', 'OUT_OF_RULE'), ({'price': 99.51}, 'price', 'OUT_OF_RULE'),
         ({'made': '2019-12-31'}, 'made', 'OUT_OF_RULE'), ({'kind': 'Plain'}, 'kind', 'NOT_ALLOWED'), ({'department_id': 99}, 'department_id', 'NO_REFERENCE'),
         ({'made': 'soon'}, 'made', 'BAD_DATE'), ({'price': '1,5'}, 'price', 'NOT_A_NUMBER'), ({'price': 1e-11}, 'price', 'DIGITS_LOST'), ({'n': -1}, 'n', 'OUT_OF_RANGE'), ({'n': 18446744073709551616}, 'n', 'OUT_OF_RANGE'),
         ({'code': 'a' * 21}, 'code', 'TOO_LONG'), ({'state': 'ON'}, 'state', 'NOT_A_MEMBER'), ({'n': {'a': 1}}, 'n', 'NOT_AN_INT'), ({'n': [1]}, 'n', 'NOT_AN_INT'), ({'n': ''}, 'n', 'NOT_AN_INT'), ({'kind': None}, 'kind', None)]
rows = [dict(good, code=f'ok{i}', **{}) | c[0] for i, c in enumerate(cases)]
r = s.post('things', rows, mode='partial')
for c, got in zip(cases, r.json.get('rows', [])):
    if c[2] is None:
        same(got['status'] == 'rejected' and got['code'] in ('NOT_NULL', 'REQUIRED'), True, f'{c[0]}: {got}')
    else:
        same((got.get('column'), got.get('code')), c[1:], f'{c[0]} is {c[2]}')
r = s.post('things', [dict(good, code='dup'), dict(good, code='dup')], mode='partial')
same((r.codes, r.json['rows'][1].get('column')), ([None, 'DUPLICATE_KEY'], 'code'), 'a key of the table that comes twice')
r = s.post('things', 'code,price,made,kind,department_id\nb1,1.5,2021-01-01,plain,1\nB2,1.5,2021-01-01,plain,1\nb3,,2021-01-01,plain,77\nb4,200,2021-01-01,plain\n', mode='partial')
same(r.codes, [None, 'NO_MATCH', 'NO_REFERENCE', 'FIELD_COUNT'], 'the same rules for CSV')
body = b'[{"code":"c1","price":1},7,{"code":"c2","code":"c3"},{"code":"c\\u0000"},{"code":"\\ud800"},{"code":"c4"}]'
r = s.post('things', body, type='application/json', mode='partial')
same(r.codes, [None, 'NOT_AN_OBJECT', 'REPEATED_NAME', 'NUL_BYTE', 'BAD_ESCAPE', None], 'what is JSON and no row')
same([x[3] for x in rejects('things')[-4:]], ['7', '{"code":"c2","code":"c3"}', r'{"code":"c\\u0000"}', r'{"code":"\\ud800"}'], 'with the bytes that came')

# -- values -----------------------------------------------------------------------------------------------------------------
w.sql('DELETE FROM things')
body = '''[{"code":"v1","price":12.3456789012,"ratio":0.1,"small":0.1,"n":18446744073709551615,"at":"2022-06-05 12:34:56.123456","note":"\\ud83d\\ude00 \\"q\\" \\n","doc":{"a":[1,2.50,null]},"raw":"xyz","flag":true,"state":"on","bits":5,"kind":"plain"},
{"code":"v2","price":null,"note":"","doc":null,"kind":"\\u00fcn\\u00ef"},{"kind":"fancy","code":"v3","price":0.0000000001}]'''
r = s.post('things', body, type='application/json; charset=UTF-8')
same((r.status, r.body if r.status != 201 else b''), (201, b''), 'values of every kind')
same(w.sql("SELECT price, ratio, small, n, at, HEX(note), HEX(raw), flag, state, bits + 0, kind FROM things WHERE code = 'v1'"),
     [['12.3456789012', '0.1', '0.1', '18446744073709551615', '2022-06-05 12:34:56.123456', '😀 "q" \n'.encode().hex().upper(), '78797A', '1', 'on', '5', 'plain']], 'every digit and byte is there')
same(w.one("SELECT doc FROM things WHERE code = 'v1'"), '{"a":[1,2.50,null]}', 'a nested value as it stood')
same(w.sql("SELECT price IS NULL, note, doc IS NULL FROM things WHERE code = 'v2'"), [['1', '', '1']], 'null is NULL, an empty text is one')
r = s.post('things', [{'code': 'v5', 'kind': 'plain'}, {'code': 'v6'}], mode='partial')
same(r.codes[0], None, 'a name that an object lacks, and another has, is NULL')
same((r.json['rows'][1]['column'], r.codes[1]), ('kind', 'NOT_NULL'), 'which a NOT NULL column does not take, whatever its default')
r = s.post('things', {'code': 'v4'})
same((r.status, w.sql("SELECT kind, price, id > 0 FROM things WHERE code = 'v4'")), (201, [['plain', None, '1']]), 'a column that nobody names has its default')
r = s.get('/v1/tables/things/rows', code='v1')
got = r.json['rows'][0]
same((r.status, r.head.get('cache-control'), got['price'], got['n'], got['small'], got['note'], got['doc'], got['raw'], got['at'], got['bits']),
     (200, 'no-store', 12.3456789012, 18446744073709551615, 0.1, '😀 "q" \n', '{"a":[1,2.50,null]}', '78797a', '2022-06-05 12:34:56.123456', 5), 'and read back by its unique key')
like(r.body.decode(), '"price":12.3456789012,', 'a DECIMAL with its own digits')

# -- wrong requests -----------------------------------------------------------------------------------------------------------
before = count('plain')
problem(s.post('nothing', [{'v': 1}]), 404, 'nothing', 'a table that is not in the dictionary')
problem(s.post('closed', [{'v': 1}]), 403, 'do not come over HTTP', 'a table that is not writable')
for type in ('application/xml', 'text/json', 'application/json2', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'text/plain', ''):
    problem(s.post('plain', b'[{"v":1}]', type=type), 415, 'text/csv', f"content type '{type}'")
problem(s.ask('POST', '/v1/tables/plain/rows', b'[{"v":1}]', {}), 415, 'text/csv', 'no content type')
problem(s.post('plain', b'[{"v":1}]', type='application/json; charset=latin1'), 415, 'charset', 'JSON in latin1')
problem(s.post('plain', b'1\n', type='text/csv; charset=utf-16'), 415, 'charset', 'CSV in UTF-16')
problem(s.post('plain', b'v\n1\n', type='text/csv; header=maybe'), 400, 'present or absent', 'a header that may be there')
problem(s.post('plain', b'v\n1\n', type='text/csv', mode='both'), 400, 'atomic or partial', 'an unknown mode')
problem(s.ask('POST', '/v1/tables/plain/rows?really=1', b'[{"v":1}]', {'Content-Type': 'application/json'}), 400, 'really', 'an unknown name in the query')
for text, where in (('[{"v":1},{"v":2]', 'line 1 column 16'), ('[{"v":1}\n,{"v":01}]', 'line 2 column 8'), ('', 'empty'), ('7', 'line 1 column 1'), ('[{"v":1}] x', 'line 1 column 11'), ('{"v":1', 'line 1 column 7'), ('[' * 300, 'nested')):
    problem(s.post('plain', text.encode(), type='application/json'), 400, where, f'{text[:20]!r} is no JSON')
problem(s.post('plain', b'[{"v":"\xff"}]', type='application/json'), 400, 'UTF-8', 'no UTF-8')
problem(s.post('plain', [{'v': 1}, {'w': 1}]), 422, 'w', 'a column that the table does not have')
problem(s.post('plain', 'w\n1\n', type='text/csv; header=present'), 422, 'w', 'a CSV header that names none')
problem(s.post('plain', b'{"v":' + b' ' * (8 << 20) + b'1}', type='application/json'), 413, '8 MiB', 'a body of more than 8 MiB')
problem(s.ask('PUT', '/v1/tables/plain/rows', b'[{"v":1}]', {'Content-Type': 'application/json'}), 405, 'POST', 'another method')
same(count('plain'), before, 'none of them stored anything')

# -- keys ---------------------------------------------------------------------------------------------------------------------
w.sql('DELETE FROM plain')
first = s.post('plain', three, key='k1', mode='partial')
again = s.post('plain', three, key='k1', mode='partial')
same((again.status, again.body), (first.status, first.body), 'the same key: the same answer, byte by byte')
same((count('plain'), len([x for x in rejects('plain') if x[3] == '{"v": "x"}'])), (2, 4), 'and nothing is stored or logged again')
problem(s.post('plain', three[:1], key='k1', mode='partial'), 422, 'another request', 'the key with another body')
problem(s.post('plain', three, key='k1'), 422, 'another request', 'the key with another mode')
refused = s.post('plain', three, key='k2')
again = s.post('plain', three, key='k2')
same((again.status, again.body, count('plain')), (422, refused.body, 2), 'what was refused is refused again in the same words')
for bad in ('x' * 256, 'a\tb'):
    problem(s.post('plain', [{'v': 1}], key=bad), 400, 'Idempotency-Key', f'the key {bad[:9]!r}')
w.sql('DELETE FROM plain')
answers = []


def client(k):
    for _ in range(200):
        r = s.post('plain', [{'v': i} for i in range(500)], key='together')
        if r.status != 409:
            answers.append(r)
            return
        time.sleep(0.02)


threads = [threading.Thread(target=client, args=(k,)) for k in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
same((len(answers), {(a.status, a.body) for a in answers} == {(201, answers[0].body)}, count('plain')), (8, True, 500), '8 clients at once with one key: stored once, and all have one answer')

# -- the target goes away --------------------------------------------------------------------------------------------------------
n, broken = 0, []
COMMIT = re.compile(rb'\x03COMMIT')  # not READ COMMITTED, of each new connection
for text in (None, COMMIT):
    for action in ('before', 'half', 'after'):
        for at in (1,) if text else (2, 4, 6, 8, 10):
            n += 1
            rows = [{'id': n * 1000 + i, 'v': i} for i in range(300)] + [{'id': n, 'v': 'bad'}]
            wire.arm(action, at=at, **({'text': text} if text else {}))
            seen = []
            for _ in range(20):
                r = s.post('money', rows, key=f'm{n}', mode='partial')
                seen.append(r.status)
                if r.status == 200:
                    break
            wire.calm()
            got = (r.status, count('money', f'id BETWEEN {n * 1000} AND {n * 1000 + 999}'), len([x for x in rejects('money') if f'"id": {n},' in x[3]]))
            if got != (200, 300, 1) or any(x not in (200, 503, 504, 409) for x in seen):
                broken.append(f'{action} {"COMMIT" if text else "command"} {at}: {got}, statuses {seen}')
same(broken, [], 'wherever the connection breaks, a client that repeats its key has every row and reject once')
statuses = [s.post('money', [{'id': 1, 'v': 1}], key='after all').status for _ in range(3)]
same(statuses[-1], 201, f'and the next one finds a connection: {statuses}')


def meanwhile():
    """The connection is ended before its COMMIT, and the client, which has lost patience, comes first with the same again."""
    for c in list(wire.connections):
        c.mute = True  # orch is told at the end of this
    theirs = "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx JOIN information_schema.processlist ON id = trx_mysql_thread_id WHERE user = 'loader'"
    for x in w.sql(theirs):
        w.sql(f'KILL {x[0]}')
    for _ in range(500):
        if not w.sql(theirs):
            break
        time.sleep(.02)
    w.sql('INSERT INTO money VALUES (999000, 1)')
    between.append(s.post('money', [{'id': 999000, 'v': 2}], key='twice'))
    raise OSError


between = []
wire.arm('call', text=COMMIT, call=meanwhile)
r = s.post('money', [{'id': 999000, 'v': 2}], key='twice')
wire.calm()
same((between[0].status, between[0].codes), (422, ['DUPLICATE_KEY']), 'COMMIT does not arrive; the same request, sent again meanwhile, is refused')
problem(r, 503, 'another request with this key came before', 'and the first does not say that its rows are stored')
again = [s.post('money', [{'id': 999000, 'v': 2}], key='twice') for _ in range(3)]  # the first may find a connection that calm ended
r = again[-1]
same((r.status, r.body), (422, between[0].body), 'asked again, the answer is that of the second')

# -- a server that lives, and answers COMMIT with an error: it may have done it, and may not
wrong = []
for code in (1317, 3101, 1180):
    for done_ in (True, False):
        for key in (f'c{code}{done_}', None):
            n += 1
            rows = [{'id': n * 1000 + i, 'v': i} for i in range(3)]
            s.post('money', [{'id': -n, 'v': 0}], key=f'warm {n}')  # whatever calm ended is made again
            wire.arm('error', text=COMMIT, code=code, n=None if done_ else 0)
            r = s.post('money', rows, key=key)
            fired = wire.fired
            stored = count('money', f'id BETWEEN {n * 1000} AND {n * 1000 + 999}')
            if key:
                again = s.post('money', rows, key=key)
                got = (bool(fired), r.status, stored, again.status, count('money', f'id BETWEEN {n * 1000} AND {n * 1000 + 999}'))
                want = (True, 201, 3, 201, 3) if done_ else (True, 503, 0, 201, 3)
                said = done_ or 'not stored' in r.json['detail']
            else:
                got = (bool(fired), r.status, stored, r.head.get('retry-after'))
                want = (True, 503, 3 if done_ else 0, None)
                said = 'nobody knows' in r.json['detail'] and 'look into the table' in r.json['hint']
            if got != want or not said:
                wrong.append(f'{code}, {"done" if done_ else "not done"}, key {key}: {got}, not {want}: {r.body!r}')
            wire.calm()
same(wrong, [], 'COMMIT that is answered with an error: with a key the target is asked, without one it is said that nobody knows')

# -- to look at -------------------------------------------------------------------------------------------------------------------
names = [t['name'] for t in s.get('/v1/tables').json['tables']]
same(names, list(w.config_json['tables']), 'the dictionary lists its tables')
t = s.get('/v1/tables/things').json
same((t['writable'], [c['name'] for c in t['columns']][:3], t['columns'][2]['type'], t['columns'][1]['required'], t['keys'][0]['columns']), (True, ['id', 'code', 'price'], 'decimal(30,10)', True, ['id']), 'a table with its columns and keys')
same([x['min'] for x in t['rules'] if x['column'] == 'price'], ['0'], 'and its rules')
problem(s.get('/v1/tables/nothing'), 404, 'nothing', 'one that is not there')
same([x['id'] for rows in s.pages('/v1/tables/hired_employees/rows', 500) for x in rows], [int(x[0]) for x in w.sql('SELECT id FROM employees ORDER BY id')], 'page by page: every row once, in order')
s.post('pairs', [{'a': a, 'b': b, 'v': a} for a in range(3) for b in ('x', 'y', "z'; DROP TABLE pairs; --")])
same([(x['a'], x['b']) for rows in s.pages('/v1/tables/pairs/rows', 2) for x in rows], [(a, b) for a in range(3) for b in ('x', 'y', "z'; DROP TABLE pairs; --")], 'by a key of two columns too')
odd = ['a\0b', 'a\0c', 'a\x01', 'a\n', 'line\ttab', '[{"hex":1}]', 'ünï\0', 'plain']
w.sql('CREATE TABLE odd (k VARBINARY(40) PRIMARY KEY); CREATE TABLE odd_texts (k VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY); CREATE TABLE odd_pairs (n INT, k VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, PRIMARY KEY (n, k))')
for x in odd:
    w.sql(f"INSERT INTO odd VALUES (X'{x.encode().hex()}'); INSERT INTO odd_texts VALUES (CONVERT(X'{x.encode().hex()}' USING utf8mb4)); INSERT INTO odd_pairs VALUES (1, CONVERT(X'{x.encode().hex()}' USING utf8mb4)), (2, CONVERT(X'{x.encode().hex()}' USING utf8mb4))")
for limit in (1, 2, 3):
    same([x['k'] for rows in s.pages('/v1/tables/odd_texts/rows', limit) for x in rows], sorted(odd, key=lambda x: x.encode()), f'keys with NUL and control characters, {limit} a page: each row once')
    same([x['k'] for rows in s.pages('/v1/tables/odd/rows', limit) for x in rows], sorted(x.encode().hex() for x in odd), 'as bytes too')
    same([(x['n'], x['k']) for rows in s.pages('/v1/tables/odd_pairs/rows', limit) for x in rows], [(n, x) for n in (1, 2) for x in sorted(odd, key=lambda x: x.encode())], 'and in a key of two columns')
w.sql("INSERT INTO books SELECT seq DIV 3, seq, REPEAT('x', 100) FROM seq_0_to_299")
for limit in (1, 3, 4, 5, 12, 60, 100, 1000):
    pages = list(s.pages('/v1/tables/books/rows', limit))
    same([n for n in map(len, pages[:-1]) if n != limit] + [n for n in map(len, pages[-1:]) if n > limit], [], f'pages of {limit} rows')
    seen = [(x['id'], x['part']) for rows in pages for x in rows]
    same(seen, [(int(x[0]), x[1]) for x in w.sql('SELECT id, part FROM books ORDER BY id, part')], f'of a table whose rows may be large, {limit} at a time: every row once, in order')
w.sql("UPDATE books SET text = REPEAT('x', 1000000)")
before = s.peak()
r = s.get('/v1/tables/books/rows', limit=1000).json
same((len(r['rows']), r['next']), (5, '["1","4"]'), 'a page ends at 4 MiB')
grown = s.peak() - before
ok(grown < 120 << 20, f'and serve keeps nothing of the 300 MB behind it: {grown >> 20} MiB more')
same(s.get('/v1/tables/pairs/rows', a=1, b="z'; DROP TABLE pairs; --").json['rows'], [{'a': 1, 'b': "z'; DROP TABLE pairs; --", 'v': 1}], 'one row by its key, whatever it looks like')
same(s.get('/v1/tables/pairs/rows', a=1, b="' OR 1=1 --").json['rows'], [], 'and none')
problem(s.get('/v1/tables/pairs/rows', a='1 OR 1=1', b='x'), 400, 'INT', 'a value that the column cannot have')
problem(s.get('/v1/tables/pairs/rows', a=1), 400, 'whole key', 'half a key')
problem(s.get('/v1/tables/pairs/rows', v=1), 400, 'whole key', 'a column that is no key')
problem(s.get('/v1/tables/pairs/rows', c=1), 400, 'no column', 'a column that is not there')
problem(s.get('/v1/tables/plain/rows'), 400, 'primary key', 'a table without a key')
problem(s.get('/v1/tables/pairs/rows', limit=1001), 400, 'limit', 'more than 1,000')
r = s.get('/v1/tables/things/rejects', limit=2).json
same((len(r['rejects']), [x['code'] for x in r['rejects']], 'next' in r), (2, ['REQUIRED', 'NO_MATCH'], True), 'rejects, the oldest first')
r = s.get('/v1/tables/things/rejects', code='BAD_ESCAPE').json['rejects']
same((len(r), r[0]['raw'], r[0]['record']), (1, '{"code":"\\ud800"}', 5), 'by code, with their bytes')
r = s.get('/v1/tables/plain/rejects', limit=1).json['rejects'][0]
of = s.get('/v1/tables/plain/rejects', source=r['source'], limit=1000).json['rejects']
ok(of and {x['source'] for x in of} == {r['source']} and len(of) < len(rejects('plain')), 'by source: those of one request')
same(s.get('/v1/tables/plain/rejects', source='nobody').json['rejects'], [], 'and of one that put none')

# -- figures: counted in the state file
w.orch('tick')


def figures():
    return {f'{a} {b}': int(c) for a, b, c in re.findall(r'^orch_intake_rows_total\{table="(\w+)",outcome="(\w+)"\} (\d+)', s.get('/metrics').body.decode(), re.M)}


for _ in range(1500):
    if figures()['hired_employees stored']:
        break
    time.sleep(.02)
got = figures()
same([got[f'hired_employees {x}'] for x in ('stored', 'rejected')], [1929, 70], 'what came in and what was rejected is counted by table')
same((got['closed stored'], [got[f'loaded {x}'] for x in ('stored', 'rejected')]), (0, [1929, 70]), 'by orch load too, and nothing of what did not come')
with open(w.path('more.csv'), 'w') as f:
    f.write('1\nx\n2\n')
w.orch('load', w.path('more.csv'), '--table', 'plain')
now = figures()
same([now[f'plain {x}'] - got[f'plain {x}'] for x in ('stored', 'rejected')], [2, 1], 'orch load counts too')
w.orch('load', w.path('more.csv'), '--table', 'plain', '--dry-run')
w.orch('load', w.path('more.csv'), '--table', 'plain')
same(figures(), now, 'but neither a trial nor a file that was loaded before')
r = s.post('plain', [{'v': 1}], key='counted')
s.post('plain', [{'v': 1}], key='counted')
for _ in range(1500):
    if figures() != now:
        break
    time.sleep(.02)
same(figures()['plain stored'] - now['plain stored'], 1, 'a request that is repeated under its key is counted once')
ok(re.search(r'^orch_intake_last_timestamp_seconds\{table="plain"\} \d{10}', s.get('/metrics').body.decode(), re.M), 'and when the last ones came')
page = s.get('/').body.decode()
row = re.search(r'<tr><th scope="row">hired_employees.*?</tr>', page, re.S)
ok(row and '1,929' in row[0] and '>70<' in row[0] and 'orch rejects --table hired_employees' in row[0], 'the overview shows each table: rows in, rejected, and where to look')
ok('no pipeline' not in page and page.count('<tr><th scope="row">') == len(w.config_json['tables']), 'all of them, and does not ask for a pipeline')

# -- all of it is as openapi.json says
api = Openapi(s.get('/openapi.json').json)
for path, url in (('/v1/tables', ''), ('/v1/tables/{table}', '/v1/tables/things'), ('/v1/tables/{table}/rows', '/v1/tables/pairs/rows'), ('/v1/tables/{table}/rejects', '/v1/tables/things/rejects')):
    same(api.check('GET', path, s.get(url or path)), [], f'{url or path} is as its schema says')
for body, mode in (([{'v': 1}], None), ([{'v': 1}, {'v': 'x'}], 'partial')):
    same(api.check('POST', '/v1/tables/{table}/rows', s.post('plain', body, mode=mode)), [], f'so is what was stored ({mode})')

s.stop()
done()

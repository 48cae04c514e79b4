#!/usr/bin/env python3
# docs/extract.md, typed line by line on a real database; and the tables of docs/config.md against the keys that there are.
import csv, json, os, re, shlex, sys
sys.path.insert(0, os.path.join(os.environ['ORCH_SOURCE'], 'tests', 'lib'))
from world import TOP, World, diag, ok, same, like, done

w = World('mysql')
with open(os.path.join(TOP, 'docs/extract.md'), encoding='utf-8') as f:
    page = f.read()


def section(name):
    return re.search(rf'^## {re.escape(name)}\n(.*?)(?=^## |\Z)', page, re.S | re.M).group(1)


def typed(text, also=None):
    for line in re.findall(r'^    (orch .*)$', text, re.M):
        words = shlex.split(line, comments=True)[1:]
        r = w.orch(*words)
        if not ok(r.rc == 0, line.partition('#')[0].rstrip()):
            diag(f'exit {r.rc}\n{r.out}{r.err}')
        if also:
            also(words, r)


def there(pattern='.csv'):
    return sorted(os.path.relpath(os.path.join(d, f), w.path('lake')) for d, _, fs in os.walk(w.path('lake')) for f in fs if pattern in f)


whole, tables = re.findall(r'^```json\n(.*?)^```', page, re.S | re.M)[:2]


def write(config, tables=None):
    config['connections']['hr']['url'] = f'mysql://reader@127.0.0.1:{w.base + 80}/hr'
    config['connections']['hr']['tls'] = 'off'
    config['connections']['lake']['url'] = f'file://{w.dir}/lake/'
    if tables:
        config['extracts']['staff']['tables'] = tables
    w.write_config(config)


# --- in five minutes, with the rights that the page names ---
w.sql("CREATE DATABASE hr; CREATE USER reader@'%' IDENTIFIED BY 'reader-secret'", db='')
w.sql("CREATE TABLE departments (dept VARCHAR(9) PRIMARY KEY, title VARCHAR(40)); INSERT INTO departments VALUES ('it', 'Machines'), ('hr', 'People');"
      "CREATE TABLE employees (id INT PRIMARY KEY, name VARCHAR(20), salary DECIMAL(8,2), dept VARCHAR(9), changed_at DATETIME NOT NULL DEFAULT UTC_TIMESTAMP);"
      "INSERT INTO employees VALUES (1, 'Ann', 1000, 'it', '2022-01-02 10:00:00'), (2, 'Bob', 999, 'hr', '2022-01-31 23:59:59'), (3, 'Zoe', 2000, 'it', '2022-06-05 12:00:00')", db='hr')
for grant in re.findall(r'^    (GRANT .*;)$', page, re.M):
    w.sql(grant, db='')
w.sql("GRANT SELECT ON hr.departments TO reader@'%'", db='')  # the page has one table's
w.secret('db.secret', 'reader-secret')
write(json.loads(whole))
five = section('In five minutes')


def look(words, r):
    if words[0] == 'logs':
        like(r.out, 'SELECT', 'the log has the statement')
    if words[0] == 'doctor':
        like(r.out, 'open transactions are seen', 'doctor is content with those rights')
    if words == ['extract', 'staff', '--dry-run']:
        same(there(), [], 'nothing was taken yet')
    if words == ['extract', 'staff']:
        shown = re.findall(r'^    (staff/\S+)$', five, re.M)
        same([re.sub(r'\d{14}', 'MOMENT', x) for x in there('.')], sorted(re.sub(r'\d{14}', 'MOMENT', x) for x in shown), 'the lake holds what the page shows')


typed(five, look)

# --- back-fill ---
said = []
typed(section('Back-fill'), lambda words, r: said.append((words, r.out)))
ok('RANGE' in said[0][1] and 'RANGE' in said[1][1] and 'FULL' in said[2][1], 'ranges, and all of it')
r = w.good('extract', 'staff', '--from', '2022-01-01', '--to', '2022-02-01', '-o', 'json')
mine = [x for x in json.loads(r.out)['extractions'] if x['kind'] == 'RANGE']
same([(x['table'], x['rows']) for x in mine if x['rows']][-1:], [('employees', 2)], 'January is in a range, its last second too')

# --- columns, filters, SQL of one's own ---
write(json.loads(whole), json.loads('{' + tables + '}')['tables'])
w.sql("UPDATE employees SET changed_at = UTC_TIMESTAMP() - INTERVAL 1 DAY", db='hr')
w.good('extract', 'staff')


def newest(table):
    key = [x for x in there('.csv') if f'/{table}_' in x][-1]
    with open(w.path('lake', key), newline='') as f:
        return list(csv.reader(f))


same(newest('pay'), [['id', 'salary', 'dept'], ['1', '1000.00', 'IT'], ['3', '2000.00', 'IT']], 'columns, filters and a transform')
same([x[:3] for x in newest('staff_by_department')], [['id', 'name', 'title'], ['1', 'Ann', 'Machines'], ['2', 'Bob', 'People'], ['3', 'Zoe', 'Machines']], 'a query with a join')

# --- README's, in short ---
with open(os.path.join(TOP, 'README.md'), encoding='utf-8') as f:
    back = re.search(r'^## The way back\n(.*?)^## ', f.read(), re.S | re.M).group(1)
config = json.loads(whole)
config['connections']['warehouse'] = dict(config['connections'].pop('hr'), url=f'mysql://reader@127.0.0.1:{w.base + 80}/hr', tls='off')
config['connections']['lake']['url'] = f'file://{w.dir}/lake/'
config['extracts'] = json.loads('{' + re.search(r'^(    "extracts".*?^    \})', back, re.S | re.M).group(1) + '}')['extracts']
w.write_config(config)
for end in ('', '-wal', '-shm'):  # another place, and so another state
    if os.path.exists(w.path('orch.db' + end)):
        os.unlink(w.path('orch.db' + end))
typed('\n'.join(x for x in back.splitlines() if '--spec' not in x))
ok(any(x.startswith('hr/staff/departments_') and x.endswith('.csv.gz') for x in there('.gz')), 'and is there, packed')

write(json.loads(whole))

# --- docs/config.md has each key of an extract, with its default ---
with open(os.path.join(TOP, 'docs/config.md'), encoding='utf-8') as f:
    told = dict(re.findall(r'^\| `([\w.]+)` \| (.*?) \|', re.search(r'^## extracts\.NAME\n(.*?)(?=^## |\Z)', f.read(), re.S | re.M).group(1).replace('`owner.name`, `owner.email`', '`owner.name`'), re.M))
keys = json.loads(w.good('config', 'schema').out)['properties']['extracts']['additionalProperties']


def each(o, prefix=''):
    for name, k in o['properties'].items():
        if name == '$comment':
            continue
        below = [x for x in (k, *k.get('anyOf', [])) if 'properties' in x]
        if below:
            yield from each(below[0], f'{prefix}{name}.')
        else:
            yield prefix + name, 'needed' if name in o.get('required', []) else '`' + json.dumps(k['default']) + '`' if 'default' in k else None
        if 'properties' in k.get('items', {}):
            yield from each(k['items'])


wrong = [(k, v, told.get(k)) for k, v in each(keys) if k != 'owner.email' and (k not in told or (v and told[k] != v and k not in ('name', 'part_bytes', 'page_rows')))]
same(wrong, [], 'docs/config.md: every key of an extract, and its default')

# --- docs/cli-json.md has each member ---
with open(os.path.join(TOP, 'docs/cli-json.md'), encoding='utf-8') as f:
    shapes = f.read()
a = json.loads(w.good('extract', 'staff', '--full', '-o', 'json').out)
b = json.loads(w.good('extract', 'staff', '--full', '--dry-run', '-o', 'json').out)
c = json.loads(w.good('status', '-o', 'json').out)['extracts'][0]
members = {*a, *a['extractions'][0], *b, *b['plan'][0], *c, *c['tables'][0]}
same((sorted(m for m in members if f'"{m}"' not in shapes), len(members) > 15), ([], True), 'docs/cli-json.md names every member')
done()

#!/usr/bin/python3
"""./dev campaign values: every cell that a table gives back against the file, cleaned by python's csv and decimal.

The 1.8 million cells of the credit file, as doubles and as decimals; Globant's three files, which have no header; and files made
here, with all that may stand in a CSV. "generated" as argument: those alone. A file that is not there (ORCH_DATA, or ../shared/data)
is a point skipped.
"""
import csv, datetime, decimal, gzip, io, os, random, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *
import world

decimal.getcontext().prec = 100
DATA = os.environ.get('ORCH_DATA', os.path.join(TOP, '..', 'shared', 'data'))
w = World('mysql', mysql_options=['--innodb-buffer-pool-size=256M'])
w.now = '2022-06-06T02:00:00Z'
NUMBERS = ('INT', 'BIGINT', 'DECIMAL', 'DOUBLE', 'BOOLEAN', 'DATE', 'DATETIME')


def skip(name, why):
    world.points += 1
    print(f'ok {world.points} - {name} # SKIP {why}', flush=True)


def there(*names):
    path = next((p for n in names for p in [os.path.join(DATA, n)] if os.path.exists(p)), None)
    if path is None:
        return None, None
    with open(path, 'rb') as f:
        return os.path.basename(path), f.read()


# ---- the independent cleaning ----------------------------------------------------------------------------------------
def clean(text, kind, nulls):
    """What the cell has to be: None, int, Decimal, or text in the server's form."""
    if text in nulls:
        return None
    if kind in ('INT', 'BIGINT', 'BOOLEAN'):
        return int(text)
    if kind.startswith(('DECIMAL', 'DOUBLE')):
        return decimal.Decimal(text)
    if kind == 'DATETIME(6)' or kind == 'DATETIME':
        t = datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))
        t = t.astimezone(datetime.timezone.utc) if t.tzinfo else t
        return t.strftime('%Y-%m-%d %H:%M:%S') + ('.%06d' % t.microsecond if kind.endswith('(6)') else '')
    if kind == 'DATE':
        return datetime.date.fromisoformat(text).isoformat()
    return text


def given(text, kind):
    """The same of what the server gives."""
    if text is None:
        return None
    if kind in ('INT', 'BIGINT', 'BOOLEAN'):
        return int(text)
    if kind.startswith('DECIMAL'):
        return decimal.Decimal(text)
    if kind == 'DOUBLE':
        return decimal.Decimal(repr(float(text)))  # the shortest decimal that stands for it
    return text if kind.startswith('DATE') else bytes.fromhex(text).decode()


def differences(name, table, columns, records, rejected=(), shown=5):
    """(cells that differ, cells compared, lines of the table)"""
    exprs = ','.join(f'`{c}`' if k.startswith(NUMBERS) else f'HEX(`{c}`)' for c, k, _ in columns)
    rows = {int(r[0]): r[1:] for r in w.sql(f'SELECT _orch_line, {exprs} FROM {table}')}
    cells = different = 0
    for line, texts in records.items():
        if line in rejected:
            continue
        for (c, kind, nulls), text, stored in zip(columns, texts, rows.get(line, [])):
            cells += 1
            want, got = clean(text, kind, nulls), given(stored, kind)
            if want != got or (want is None) != (got is None):
                different += 1
                if different <= shown:
                    diag(f'{name} line {line} {c}: file {text!r}, cleaned {want!r}, stored {got!r}')
    return different, cells, sorted(rows)


def compare(name, table, columns, records, rejected=()):
    """columns: [(column, kind, nulls)]; records: {line: [text]} by csv; rejected: lines that must not be there."""
    found = differences(name, table, columns, records, rejected)
    want_cells = (len(records) - len(rejected)) * len(columns)
    same(found, (0, want_cells, sorted(set(records) - set(rejected))), f'{name}: {len(found[2])} rows, {found[1]} cells, each as the file has it')


def by_line(data, header=True, encoding='utf-8', **how):
    """{line of its first byte: record}"""
    out, before = {}, 0
    reader = csv.reader(io.StringIO(data.decode(encoding), newline=''), **how)
    for row in reader:
        if row and not (header and before == 0):
            out[before + 1] = row
        before = reader.line_num
    return out


def load(name, file, data, ddl, **p):
    w.sql(f'CREATE TABLE {name} ({ddl})')
    w.put(f'{name}/{hour_key(7)}'.replace('part-0.csv', file), data)
    w.pipeline(name, source_prefix=f'{name}/', source_since='2022-06-05T07', source_until='2022-06-05T07', target_table=name, **p)
    w.good('target', 'setup')
    w.good('lineage', 'add', name, '--pipeline', name)
    r = w.orch('run', f'{name}/2022-06-05T07')
    same((r.rc, r.err), (0, ''), f'{name}: loaded')
    r = w.orch('rejects', name, '-o', 'json')
    return {x['line']: (x['column'], x['code']) for x in json.loads(r.out)['rejects']} if r.out.strip() else {}


# ---- the credit file -------------------------------------------------------------------------------------------------
def credit():
    file, data = there('credit/sample_data.csv', 'credit/sample_data.csv.gz')
    if data is None:
        return skip('the credit file', 'not there')
    records = by_line(gzip.decompress(data) if file.endswith('.gz') else data)
    for name, real in (('credit_double', 'DOUBLE'), ('credit_decimal', 'DECIMAL(40,20)')):
        kinds = ['INT', 'BOOLEAN', real, 'INT', 'INT', real, 'INT', 'INT', 'INT', 'INT', 'INT', 'INT']
        names = ['row_no'] + HEADER[1:]
        rejected = load(name, file, data, ', '.join(f'`{c}` {k}' for c, k in zip(names, kinds)), columns={'': 'row_no'})
        same((len(records), rejected), (150000, {}), f'{name}: 150,000 records, no reject')
        compare(name, name, [(c, k, ('NA', '')) for c, k in zip(names, kinds)], records)


# ---- Globant's, without header ---------------------------------------------------------------------------------------
def globant():
    for table, columns, want in (('departments', [('id', 'INT', ''), ('department', 'VARCHAR(255)', '')], (12, 0)), ('jobs', [('id', 'INT', ''), ('job', 'VARCHAR(255)', '')], (183, 0)),
                                 ('hired_employees', [('id', 'INT', ''), ('name', 'VARCHAR(255)', ''), ('datetime', 'DATETIME', ''), ('department_id', 'INT', ''), ('job_id', 'INT', '')], (1999, 70))):
        file, data = there(f'globant/{table}.csv')
        if data is None:
            skip(f'Globant\'s {table}', 'not there')
            continue
        records = by_line(data, header=False)
        rejected = load(table, file, data, ', '.join(f'`{c}` {k} NOT NULL' for c, k, _ in columns), csv_header=False, max_rejects='100',
                        columns={str(i + 1): {'to': c, 'null': ['']} for i, (c, _, _) in enumerate(columns)})
        missing = {line: (columns[row.index('')][0], 'NOT_NULL') for line, row in records.items() if '' in row}
        same((len(records), len(rejected), rejected), (*want, missing), f'{table}: {want[0]} records, {want[1]} with a missing field are rejects, by line and column')
        compare(table, table, [(c, k, ('',)) for c, k, _ in columns], records, set(rejected))


# ---- made here --------------------------------------------------------------------------------------------------------
WORDS = ['', 'plain', 'with, comma', 'semi;colon', 'say "so"', "it's", 'two\nlines', 'two\r\nlines', 'a\rb', ' blanks ', 'C:\\new', 'NULL', 'na', 'BANANA', 'é', 'Zoë', '日本', '😀', '\t', '-', '1,5', '\\N']
KINDS = [('id', 'INT', ('NA', '')), ('name', 'VARCHAR(200)', ('NA',)), ('amount', 'DECIMAL(20,6)', ('NA', '')), ('rate', 'DOUBLE', ('NA', '')), ('born', 'DATE', ('NA', '')), ('at', 'DATETIME(6)', ('NA', '')), ('note', 'TEXT', ('NA',))]


def made_row(r, i):
    date = datetime.date(1, 1, 1) + datetime.timedelta(days=r.randrange(3652059))
    moment = datetime.datetime(1990, 1, 1) + datetime.timedelta(microseconds=r.randrange(10 ** 15))
    return [str(i), ' '.join(r.choice(WORDS) for _ in range(r.choice((1, 1, 3)))), r.choice(('NA', '', f'{r.randrange(-10**14, 10**14) / 10**r.choice((0, 2))}', str(r.randrange(10 ** 14)), '0.000001', '7.96E-05')),
            r.choice(('NA', repr(r.random()), repr(r.uniform(-1e300, 1e300)), '%.9g' % (r.random() * 3000), '7.96E-05', str(r.randrange(2 ** 53)))), r.choice(('NA', '', date.isoformat())),
            r.choice(('', moment.isoformat(), moment.isoformat() + 'Z', moment.isoformat() + r.choice(('+05:30', '-11:00')))), r.choice(WORDS) * r.choice((1, 1, 20))]


def quoted(x, delimiter):
    """csv.writer does not quote a CR where its lines end with LF, and its own reader takes that for a line end."""
    return '"' + x.replace('"', '""') + '"' if any(c in x for c in delimiter + '"\r\n') else x


def generated(name, seed, n=1500, eol='\r\n', delimiter=',', encoding='utf-8', comma=False, zipped=False):
    r = random.Random(seed)
    rows = [made_row(r, i) for i in range(n)]
    for row in rows:
        if encoding != 'utf-8':
            row[1], row[6] = (x.encode(encoding, 'ignore').decode(encoding) for x in (row[1], row[6]))
        # scale: what DECIMAL(20,6) holds
        if row[2] not in ('NA', '') and decimal.Decimal(row[2]) != round(decimal.Decimal(row[2]), 6):
            row[2] = '0.5'
    lines = [[c for c, _, _ in KINDS]] + [[x.replace('.', ',') if comma and i in (2, 3) else x for i, x in enumerate(row)] for row in rows]
    data = ''.join(delimiter.join(quoted(x, delimiter) for x in line) + eol for line in lines).encode(encoding)
    how = {}
    if comma:
        how['columns'] = {c: {'decimal': ','} for c in ('amount', 'rate')}
    if encoding != 'utf-8':
        how['csv_encoding'] = encoding
    records = {line: (row[:2] + [x.replace(',', '.') for x in row[2:4]] + row[4:] if comma else row) for line, row in by_line(data, encoding=encoding, delimiter=delimiter).items()}
    rejected = load(name, 'f.csv.gz' if zipped else 'f.csv', gzip.compress(data) if zipped else data, ', '.join(f'`{c}` {k}' for c, k, _ in KINDS), csv_delimiter=delimiter, **how)
    same((len(records), rejected), (n, {}), f'{name}: {n} records, no reject')
    compare(name, name, KINDS, records)
    w.sql(f'UPDATE {name} SET amount = COALESCE(amount, 0) + 0.000001 WHERE id = 7; UPDATE {name} SET note = NULL WHERE id = 8')
    same(differences(name, name, KINDS, records, shown=0)[0], 2, f'{name}: two cells that were changed are found')


if sys.argv[1:] != ['generated']:
    credit()
    globant()
generated('made_crlf', 1)
generated('made_lf_gz', 2, eol='\n', zipped=True)
generated('made_comma', 3, delimiter=';', comma=True)
generated('made_latin1', 4, encoding='latin1', delimiter='\t')
generated('made_cp1252', 5, encoding='cp1252', delimiter='|', eol='\n')
done()

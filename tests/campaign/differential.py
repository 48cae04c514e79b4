#!/usr/bin/python3
"""./dev campaign differential [CASES [SEED]]: random files in random dialects, read by orch and by python's csv module.

They may differ only as docs/cleaning.md states ("How orch reads CSV, and where python's csv differs"); these rules are
applied to what python gives, in reference() below, and nowhere else. A difference is shown with its seed.
"""
import codecs, csv, io, os, random, re, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import TOP, diag, done, ok, same  # noqa: E402

csv.field_size_limit(1 << 24)
CASES = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
READER = os.path.join(os.environ.get('ORCH_BUILD', f'{TOP}/build/dev'), 'csv-read')
ENCODINGS = ('utf-8', 'latin1', 'cp1252')
EOLS = ('\n', '\r\n', '\r')
PIECES = ['', 'a', 'x1', 'NA', 'na', '\\N', 'NULL', ' ', '  b ', '0', '-1.5', '7.96E-05', '1,5', '1;5', 'say "so"', "it's", 'a|b', 'a\tb', '\\', 'C:\\new', 'é', 'Zoë', '€', '日本', '😀', 'Ł',
          '2022-06-05T12:00:00Z', '\n', '\r', '\r\n', '"', "'", '""', '\x0b', '\x1c', '\x85', '\u2028', '\x00', 'long ' * 30, '-', '#', '\ufeff']


# ---- making files ----------------------------------------------------------------------------------------------------
def dialect(r):
    d = {'delimiter': r.choice(',,,;\t|:'), 'quote': r.choice('""""\'\0'), 'escape': r.choice('\0\0\0\\/'), 'encoding': r.choice((0, 0, 0, 1, 2)), 'step': r.choice((1, 2, 3, 7, 64, 1000, 1 << 20))}
    if d['quote'] == d['delimiter'] or d['escape'] == d['delimiter']:
        return dialect(r)
    return d


def field(r, d, density):
    """A value, and how it is written: well, or, where the file is to be broken, just as it is."""
    v = ''.join(r.choice(PIECES) for _ in range(r.choice((1, 1, 1, 2, 3))))
    if r.random() > .02:
        v = v.replace('\0', '')
    q, e, special = d['quote'], d['escape'], d['delimiter'] + '\r\n'
    if q != '\0' and (r.random() < density or any(c in v for c in special + q)):
        if e != '\0':
            v = v.replace(e, e + e)
            return q + (v.replace(q, e + q) if r.random() < .5 else v.replace(q, q + q)) + q
        return q + v.replace(q, q + q) + q
    out = ''
    for c in v:
        if c in special or c in (q, e) and c != '\0':
            out += e + c if e != '\0' else '_'
        else:
            out += c
    return out


def make(r):
    """(dialect, bytes) of one case."""
    d = dialect(r)
    width, rows, density, eol = r.randint(1, 6), r.choice((0, 1, 2, 5, 5, 20)), r.choice((0, .1, .5, 1)), r.choice(EOLS)
    text = ''
    for i in range(rows):
        n = width if r.random() < .95 else r.randint(1, 8)
        text += d['delimiter'].join(field(r, d, density) for _ in range(n))
        text += r.choice(EOLS) if r.random() < .05 else eol
        if r.random() < .03:
            text += eol
    if r.random() < .3:
        text = text.rstrip('\r\n')
    name = ENCODINGS[d['encoding']]
    data = text.encode(name, 'replace')
    if r.random() < .25:  # broken: bytes dropped, doubled, put in
        data = bytearray(data)
        for _ in range(r.randint(1, 4)):
            at = r.randrange(len(data) + 1)
            bad = r.choice((d['quote'], d['quote'], d['escape'], d['delimiter'], '\n', '\r')).encode() + (b'\xff' if r.random() < .1 else b'\x81' if r.random() < .1 else b'')
            if r.random() < .5 or at == len(data):
                data[at:at] = bad.replace(b'\0', b'') if r.random() < .9 else bad
            else:
                del data[at:at + r.randint(1, 3)]
        data = bytes(data)
    if r.random() < .1:
        data = codecs.BOM_UTF8 + data
    return d, data


# ---- python's reading, and the stated differences ----------------------------------------------------------------------
def grammar(d):
    """Of one record: fields that begin with a quote, and fields that hold none. group per field is not needed."""
    q, e, s = (re.escape(d[k]) if d[k] != '\0' else None for k in ('quote', 'escape', 'delimiter'))
    esc = f'{e}[\\s\\S]|' if e else ''
    tail = f'|{e}$' if e else ''
    bare = f'(?:{esc}[^{s}\\r\\n{q or ""}{e or ""}]{tail})*'
    quoted = f'{q}(?:{esc}{q}{q}|[^{q}{e or ""}])*{q}' if q else None
    return re.compile(f'({quoted}|{bare})({s}|\\r\\n|\\r|\\n|\\Z)' if quoted else f'({bare})({s}|\\r\\n|\\r|\\n|\\Z)')


def well_formed(rx, d, text):
    """Whether text is one record, its line end included; and which fields are quoted."""
    at, quoted = 0, []
    while True:
        m = rx.match(text, at)
        if m is None:
            return None
        quoted.append(d['quote'] != '\0' and m.group(1).startswith(d['quote']))
        at = m.end()
        if m.group(2) != d['delimiter']:
            return quoted if at == len(text) else None


def reference(d, data):
    """Records as (code, line, offset, fields, quoted), by python's csv; None where orch refuses the file as a whole."""
    if data[:2] in (b'\xff\xfe', b'\xfe\xff') or data[:4] == b'\0\0\xfe\xff':
        return None  # UTF-16, UTF-32
    skip = 3 if data.startswith(codecs.BOM_UTF8) else 0
    name = ENCODINGS[d['encoding']]
    text = data[skip:].decode(name, 'surrogateescape')
    lines = list(io.StringIO(text, newline=''))
    how = dict(delimiter=d['delimiter'], strict=True, doublequote=True, escapechar=None if d['escape'] == '\0' else d['escape'])
    how.update({'quoting': csv.QUOTE_NONE} if d['quote'] == '\0' else {'quotechar': d['quote']})
    rx, out, i, offset, width = grammar(d), [], 0, skip, 0
    tail, lone = [(lines or [''])[-1]], False
    if d['escape'] != '\0':
        # where the file's last line end is an escaped one, python finds no end of the record, and reads a line end that is
        # not there behind an escape sign that is the file's last byte
        last = tail[0]
        body = last[:-1] if last.endswith(('\r', '\n')) and not last.endswith('\r\n') else last
        odd = len(re.search(re.escape(d['escape']) + '*$', body.replace('\n', '.')).group()) % 2 == 1
        lone = odd and body is last
        tail = [last, '\n'] if odd and not lone else [(last[:-1] if lone else last) + ('' if last.endswith('\n') else '\n')]
    while i < len(lines):
        reader = csv.reader(lines[i:-1] + tail, **how)
        try:
            row = next(reader)
            used = min(reader.line_num, len(lines) - i)
            whole = ''.join(lines[i:i + used])
            quoted = well_formed(rx, d, whole)
        except csv.Error:
            quoted = None
        if quoted is None:  # text after a closing quote, a quote that is never closed, a quote in a bare field: the line is refused
            used, whole = 1, lines[i]
        size = len(whole.encode(name, 'surrogateescape'))
        body = whole[:-2] if whole.endswith('\r\n') and quoted is None else whole
        if quoted is None:
            out.append(('BAD_QUOTE', i + 1, offset, None, None))
        elif row == [] and width != 1 and not (lone and i + used == len(lines)):
            pass  # an empty line is no record, but an empty field where a file has one column
        else:
            row = row or ['']
            code = 'GOOD'
            if '\0' in body:
                code = 'NUL_BYTE'
            elif any('\udc80' <= c <= '\udcff' for c in body):
                code = 'BAD_UTF8' if d['encoding'] == 0 else 'BAD_ENCODING'
            if code == 'GOOD':
                width = width or len(row)
                if lone and i + used == len(lines):
                    row[-1] += d['escape']
                out.append((code, i + 1, offset, row, quoted))
            else:
                out.append((code, i + 1, offset, None, None))
        i += used
        offset += size
    return out


# ---- orch's reading -----------------------------------------------------------------------------------------------------
def orch_reads(cases):
    feed = b''.join(b'%d %d %d %d %d %d\n' % (ord(d['delimiter']), ord(d['quote']), ord(d['escape']), d['encoding'], d['step'], len(data)) + data for d, data in cases)
    p = subprocess.run([READER], input=feed, capture_output=True)
    if p.returncode:
        diag(p.stderr.decode('utf-8', 'replace')[-3000:])
        return None
    f, results = io.BytesIO(p.stdout), []
    for _ in cases:
        records = []
        while True:
            head = f.readline().split()
            if head[0] == b'end':
                results.append(records if head[1] == b'0' else None)
                break
            fields, quoted = [], []
            for _ in range(int(head[3]) if head[0] == b'GOOD' else 0):
                q, n = f.readline().split()
                fields.append(f.read(int(n)).decode())
                quoted.append(q == b'1')
                f.read(1)
            good = head[0] == b'GOOD'
            records.append((head[0].decode(), int(head[1]), int(head[2]), fields if good else None, quoted if good else None))
    return results


def main():
    different, records, refused, files, counts = 0, 0, 0, 0, {}
    for start in range(0, CASES, 500):
        seeds = range(SEED * 10000000 + start, SEED * 10000000 + min(start + 500, CASES))
        cases = [make(random.Random(s)) for s in seeds]
        got = orch_reads(cases)
        if got is None:
            ok(False, f'orch read cases {start} to {start + len(cases) - 1}')
            break
        for s, (d, data), g in zip(seeds, cases, got):
            want = reference(d, data)
            files += 1
            refused += g is None
            for x in g or ():
                counts[x[0]] = counts.get(x[0], 0) + 1
            records += len(g or ())
            if g != want:
                different += 1
                if different <= 5:
                    at = next((k for k, (a, b) in enumerate(zip(g or [], want or [])) if a != b), min(len(g or []), len(want or [])))
                    diag(f'seed {s}: {d}\n{data!r}\nrecord {at}:\n   orch: {(g or [])[at:at + 1]}\n python: {(want or [])[at:at + 1]}')
    same((files, different), (CASES, 0), f'{files} files, {records} records: read as python reads them, but for what is stated')
    print(f'# {files} files, {refused} refused as UTF-16, records: {counts}, seed {SEED}', flush=True)
    done()


main()

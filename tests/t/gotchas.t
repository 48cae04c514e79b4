#!/usr/bin/python3
"""What goes wrong between a CSV file and MySQL elsewhere, and what orch does: the whole program, on MariaDB and on Oracle's MySQL.

One line a case: the gotcha, the bytes of the file, the column, and then what the server gives back, or the reject. The
values are those that SELECT gives (CAST(... AS CHAR)), texts as they stand, None for NULL; a reject is (line, column, code).

Oracle's server: ORCH_MYSQL9=FOLDER that tests/servers/mysql9.sh has filled ("get"). Without it its points are skipped;
with it they must pass. What the servers cannot show is tested elsewhere: pages of 1,000 keys in unit/io/s3, an object
that changes while it is read in t/faults, an upload cut short in t/faults, the fence and COMMIT in t/crash.
"""
import os, socket, struct, sys, threading, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import world
from world import *

w = World()
w.linger = '0s'
OLD = time.time() - 3600 * 24 * 30


class Server:
    """One database server: what it is called, and how to ask it."""

    def __init__(self, name, script, *start):
        self.name, self.script, self.dir, self.why = name, script, w.path(script), None
        argv = [f'{TOP}/tests/servers/{script}.sh', 'start', *start]
        r = w.run([a.replace('DIR', self.dir) for a in argv])
        if r.rc:
            self.why = (r.err or r.out).strip().splitlines()[-1:] or ['it did not start']
        else:
            w.servers.append(script)
            self.sql('CREATE DATABASE w', db='')

    def sql(self, text, db='w'):
        r = w.run(['mariadb', '--no-defaults', '--default-character-set=utf8mb4', '-uroot', '-S', f'{self.dir}/sock', '-N', '-B', '--raw',
                   '--max-allowed-packet=64M', *([db] if db else []), '-e', text])
        if r.rc:
            raise RuntimeError(f'{self.name}: {text[:300]}: {r.err}')
        return [[None if c == 'NULL' else c for c in line.split('\t')] for line in r.out.splitlines()]


# ---- the table -------------------------------------------------------------------------------------------------------
# gotcha, file, column(s), values that the server gives, rejects, and what the pipeline says beyond that
CASES = []


def case(gotcha, data, column, want=(), rejects=(), **pipeline):
    data = data.encode() if isinstance(data, str) else data
    CASES.append((gotcha, data, column, [v if isinstance(v, (tuple, list)) else (v,) for v in want], list(rejects), pipeline))


def cell(gotcha, text, column, want=None, code=None, **pipeline):
    """One value in a column a, quoted as the file has it."""
    if code:
        case(f'{gotcha}: {text!r} into {column}', f'a\n{text}\n', column, [], [(2, 'a', code)], **pipeline)
    else:
        case(f'{gotcha}: {text!r} into {column}', f'a\n{text}\n', column, [want], **pipeline)


# line ends, the last line, the byte order mark
case('CRLF leaves no CR in the last column', 'a,b\r\n1,2\r\n3,NA\r\n', 'a INT, b INT', [('1', '2'), ('3', None)])
case('CRLF before a text column', 'a,b\r\n1,x\r\n', 'a INT, b VARCHAR(5)', [('1', 'x')])
case('CR alone', 'a,b\r1,2\r3,4\r', 'a INT, b INT', [('1', '2'), ('3', '4')])
case('CRLF, LF and CR mixed', 'a\r\n1\n2\r3\r\n', 'INT', ['1', '2', '3'])
case('the last line without a newline', 'a,b\n1,2\n3,4', 'a INT, b INT', [('1', '2'), ('3', '4')])
case('the last line without a newline, NA at its end', 'a,b\r\n3,NA', 'a INT, b INT', [('3', None)])
case('a byte order mark', b'\xef\xbb\xbfa,b\n1,2\n', 'a INT, b INT', [('1', '2')])
case('an empty line is no record', 'a,b\n1,2\n\n\n3,4\n\n', 'a INT, b INT', [('1', '2'), ('3', '4')])

# quotes, backslashes, newlines in fields
case('an embedded newline, and the line after it', 'a,b\n1,"x\ny"\nz,2\n', 'a INT, b TEXT', [('1', 'x\ny')], [(4, 'a', 'NOT_AN_INT')])
case('an embedded CRLF and a doubled quote', 'a,b\n1,"x\r\n""y"""\n', 'a INT, b TEXT', [('1', 'x\r\n"y"')])
case('a backslash is a backslash', 'a,b\n1,C:\\new\\table\n2,"C:\\"\n3,\\N\n', 'a INT, b VARCHAR(20)', [('1', 'C:\\new\\table'), ('2', 'C:\\'), ('3', '\\N')])
case('an escape sign where the pipeline names one', 'a,b\n1,"say \\"so\\", he said"\n2,\\\\\n', 'a INT, b VARCHAR(30)', [('1', 'say "so", he said'), ('2', '\\')], csv={'escape': '\\'})
case('a stray quote costs its line alone', 'a,b\n1,x"y\n2,"z\n3,ok\n', 'a INT, b VARCHAR(20)', [('3', 'ok')], [(2, '', 'BAD_QUOTE'), (3, '', 'BAD_QUOTE')])

# NULL
case('NA into a number is NULL, never 0', 'a\nNA\n7\n', 'INT', [None, '7'])
for text in ('na', 'NA ', ' NA', 'ná', 'N/A', 'NULL', 'null', '\\N', 'nan', '"NA"', '""', 'BANANA'):
    cell('only the bytes NA are NULL', text, 'INT', code='NOT_AN_INT')
for text, want in (('na', 'na'), ('NA ', 'NA '), ('ná', 'ná'), ('"NA"', 'NA'), ('BANANA', 'BANANA'), ('NULL', 'NULL'), ('NA', None)):
    cell('the bytes of a text, not its collation', text, 'VARCHAR(10)', want)
case('empty into an INT', 'a,b\n,1\n', 'a INT, b INT', [(None, '1')])
case('empty into an INT NOT NULL is no 0', 'a,b\n,1\n5,1\n', 'a INT NOT NULL, b INT', [('5', '1')], [(2, 'a', 'NOT_NULL')])
case('empty into a text', 'a,b\n,1\n"",2\n', 'a VARCHAR(5), b INT', [('', '1'), ('', '2')])
case('empty into a text whose own list has it', 'a,b\n,1\n"",2\n', 'a VARCHAR(5), b INT', [(None, '1'), ('', '2')], columns={'a': {'null': ['']}})
case('NULL into NOT NULL names the column', 'a,b,c\n1,NA,NA\n1,x,NA\n1,x,2022-06-05\n', 'a INT, b VARCHAR(5) NOT NULL, c TIMESTAMP NOT NULL',
     [('1', 'x', '2022-06-05 00:00:00')], [(2, 'b', 'NOT_NULL'), (3, 'c', 'NOT_NULL')])
case('a list of spellings per column', 'a,b\n-,-\nNA,x\n', 'a INT, b VARCHAR(5)', [(None, '-')], [(3, 'a', 'NOT_AN_INT')], columns={'a': {'null': ['-']}})

# numbers
for text in ('1.4', '1.5', '7.96E-05', '0.766', '12.0', '1e3', ' 12', '12 ', '+12', '0x1F', '1,234', '12abc', 'true', 'Inf', '-', '１２', '1_000'):
    cell('no rounding, no prefix, no blanks', f'"{text}"' if ',' in text else text, 'INT', code='NOT_AN_INT')
cell('leading zeros', '007', 'INT', '7')
for text, column, want in (('2147483647', 'INT', '2147483647'), ('-2147483648', 'INT', '-2147483648'), ('18446744073709551615', 'BIGINT UNSIGNED', '18446744073709551615'),
                           ('-9223372036854775808', 'BIGINT', '-9223372036854775808'), ('127', 'TINYINT', '127'), ('-0', 'INT UNSIGNED', '0'), ('1', 'BOOLEAN', '1')):
    cell('the whole range', text, column, want)
for text, column in (('2147483648', 'INT'), ('-2147483649', 'INT'), ('18446744073709551616', 'BIGINT UNSIGNED'), ('9223372036854775808', 'BIGINT'), ('-1', 'INT UNSIGNED'),
                     ('128', 'TINYINT'), ('256', 'TINYINT UNSIGNED'), ('100000000', 'DECIMAL(10,2)'), ('1e309', 'DOUBLE'), ('1e39', 'FLOAT')):
    cell('overflow is no clamping', text, column, code='OUT_OF_RANGE')
for text, want in (('1.23', '1.23'), ('1.2', '1.20'), ('1.230', '1.23'), ('7.9E-01', '0.79'), ('-0.00', '0.00'), ('1e3', '1000.00'), ('12.0', '12.00')):
    cell('DECIMAL is exact', text, 'DECIMAL(10,2)', want)
cell('DECIMAL is not rounded', '1.239', 'DECIMAL(10,2)', code='DIGITS_LOST')
cell('DECIMAL is not rounded', '7.96E-01', 'DECIMAL(10,1)', code='DIGITS_LOST')
for text in ('0.766126609', '7.96e-05', '-1.5', '1e300', '0.1', '9007199254740992', '2.2250738585072014e-308'):
    case(f'DOUBLE keeps {text}', f'a\n{text}\n', 'DOUBLE', [repr(float(text))], double=True)
cell('DOUBLE does not hold it', '9007199254740993', 'DOUBLE', code='DIGITS_LOST')
cell('DOUBLE does not hold it', '0.12345678901234567', 'DOUBLE', code='DIGITS_LOST')
for text in ('nan', 'Inf', '1,5', '.', '1e', '12abc'):
    cell('no number', f'"{text}"' if ',' in text else text, 'DOUBLE', code='NOT_A_NUMBER')
cell('FLOAT does not hold the digits of the credit file', '0.766126609', 'FLOAT', code='DIGITS_LOST')
cell('FLOAT holds six', '0.766127', 'FLOAT', '0.766127')
cell('BIT', '5', 'BIT(3)', '5')
cell('BIT', '8', 'BIT(3)', code='OUT_OF_RANGE')

# decimal and thousands signs
LOCAL = {'columns': {'a': {'decimal': ',', 'group': '.'}}, 'csv': {'delimiter': ';'}}
COMMA = {'columns': {'a': {'decimal': ','}}, 'csv': {'delimiter': ';'}}
cell('decimal comma', '1234,5', 'DECIMAL(10,2)', '1234.50', **COMMA)
cell('decimal comma', '-0,766126609', 'DOUBLE', '-0.766126609', **COMMA)
cell('decimal comma: a point is refused', '1234.5', 'DECIMAL(10,2)', code='NOT_A_NUMBER', **COMMA)
cell('decimal comma: thousands signs are refused', '1.234,5', 'DECIMAL(10,2)', code='NOT_A_NUMBER', **COMMA)
cell('decimal comma: a fraction is no integer', '12,0', 'INT', code='NOT_AN_INT', **COMMA)
cell('decimal comma: not rounded', '1,239', 'DECIMAL(10,2)', code='DIGITS_LOST', **COMMA)
cell('declared thousands signs', '1.234.567,89', 'DECIMAL(10,2)', '1234567.89', **LOCAL)
cell('declared thousands signs', '12.000', 'INT', '12000', **LOCAL)
cell('declared thousands signs every three digits', '1.23', 'INT', code='NOT_AN_INT', **LOCAL)
cell('declared thousands signs every three digits', '12345.678', 'INT', code='NOT_AN_INT', **LOCAL)
cell('the point stays the default', '"1,5"', 'DECIMAL(10,2)', code='NOT_A_NUMBER')

# dates and times
for text, want in (('2021-11-07T02:48:42Z', '2021-11-07 02:48:42'), ('2021-11-07T02:48:42+05:30', '2021-11-06 21:18:42'), ('2021-11-07 02:48:42', '2021-11-07 02:48:42'),
                   ('2021-11-07', '2021-11-07 00:00:00'), ('2021-12-31T23:59:59-01:00', '2022-01-01 00:59:59'), ('2021-11-07T02:48:42.000', '2021-11-07 02:48:42')):
    cell('a zone means UTC', text, 'DATETIME', want)
cell('microseconds', '2021-11-07T02:48:42.123456Z', 'DATETIME(6)', '2021-11-07 02:48:42.123456')
for text, column in (('2021-11-07T02:48:42.5', 'DATETIME'), ('2021-11-07T02:48:42.1234567', 'DATETIME(6)'), ('2021-11-07 12:00:00', 'DATE')):
    cell('no fraction is cut', text, column, code='DIGITS_LOST')
for text in ('11/07/2021', '21-1-2', '20211107', '2021-02-30', '0000-00-00', '2021-00-01', '2021-11-00', '2021-11-7', '2021-11-07 24:00:00', '2021-11-07 12:00:60', '"2021-11-07, 12:00"'):
    cell('no guessed date', text, 'DATETIME', code='BAD_DATE')
for text, want in (('2038-01-19 03:14:07', '2038-01-19 03:14:07'), ('1970-01-01 00:00:01', '1970-01-01 00:00:01'), ('2022-03-27 02:30:00', '2022-03-27 02:30:00')):
    cell('TIMESTAMP', text, 'TIMESTAMP NULL', want)
for text in ('2039-01-01', '1969-12-31', '2038-01-19T03:14:07-00:01'):
    cell('TIMESTAMP ends', text, 'TIMESTAMP NULL', code='OUT_OF_RANGE')
for text, fmt, column, want, code in (
        ('07/11/2021', '%d/%m/%Y', 'DATE', '2021-11-07', None), ('11/07/2021', '%m/%d/%Y', 'DATE', '2021-11-07', None), ('31/11/2021', '%d/%m/%Y', 'DATE', None, 'BAD_DATE'),
        ('07/11/21', '%d/%m/%Y', 'DATE', None, 'BAD_DATE'), ('20211107', '%Y%m%d', 'DATE', '2021-11-07', None), ('2021117', '%Y%m%d', 'DATE', None, 'BAD_DATE'),
        ('7 Nov 2021', '%d %b %Y', 'DATE', '2021-11-07', None), ('"November 7, 2021"', '%B %d, %Y', 'DATE', '2021-11-07', None), ('"Mon, 07 Nov 2021"', '%a, %d %b %Y', 'DATE', None, 'BAD_DATE'),
        ('07.11.2021 01:02:03.25', '%d.%m.%Y %H:%M:%S.%f', 'DATETIME(2)', '2021-11-07 01:02:03.25', None), ('07.11.2021 01:02 +0530', '%d.%m.%Y %H:%M %z', 'DATETIME', '2021-11-06 19:32:00', None),
        ('11/7/2021 12:05 AM', '%m/%d/%Y %I:%M %p', 'DATETIME', '2021-11-07 00:05:00', None), ('1636253322', '%s', 'DATETIME', '2021-11-07 02:48:42', None)):
    cell(f'a date in the form {fmt}', text, column, want, code, columns={'a': {'format': fmt}})
for text, want in (('-838:59:59', '-838:59:59'), ('12:30:00', '12:30:00'), ('1:02:03', '01:02:03')):
    cell('TIME', text, 'TIME', want)
cell('TIME', '839:00:00', 'TIME', code='OUT_OF_RANGE')
cell('TIME: 12:30 may be minutes', '12:30', 'TIME', code='BAD_TIME')
cell('YEAR of two digits', '21', 'YEAR', code='BAD_DATE')
cell('YEAR', '2021', 'YEAR', '2021')

# texts and charsets
cell('too long is not cut', 'abcdef', 'VARCHAR(5)', code='TOO_LONG')
cell('too long by blanks alone', 'abcde ', 'VARCHAR(5)', code='TOO_LONG')
cell('five characters, ten bytes', 'éàüöß', 'VARCHAR(5)', 'éàüöß')
cell('blanks stay', '  ab  ', 'VARCHAR(10)', '  ab  ')
cell('four-byte characters', 'a😀b', 'VARCHAR(10)', 'a😀b')
cell('not in the column\'s charset is no ?', 'a😀b', 'VARCHAR(10) CHARACTER SET utf8mb3', code='NOT_IN_CHARSET')
cell('not in the column\'s charset is no ?', 'Łódź', 'VARCHAR(10) CHARACTER SET latin1', code='NOT_IN_CHARSET')
cell('in the column\'s charset', 'Zoë', 'VARCHAR(10) CHARACTER SET latin1', 'Zoë')
case('latin1 bytes in a utf-8 file swallow nothing', b'a\nZo\xeb\nb\n', 'VARCHAR(10)', ['b'], [(2, '', 'BAD_UTF8')])
case('a latin1 file', b'a\nZo\xeb\n\xa3\n', 'VARCHAR(10)', ['Zoë', '£'], csv={'encoding': 'latin1'})
case('a cp1252 file', b'a\nZo\xeb\n\x80 5\n\x93so\x94\n\x81\n', 'VARCHAR(10)', ['Zoë', '€ 5', '“so”'], [(5, '', 'BAD_ENCODING')], csv={'encoding': 'cp1252'})
case('a latin1 file in a latin1 column', b'a\nZo\xeb\n', 'VARCHAR(10) CHARACTER SET latin1', ['Zoë'], csv={'encoding': 'latin1'})
case('a NUL byte', b'a\nx\0y\nz\n', 'VARCHAR(10)', ['z'], [(2, '', 'NUL_BYTE')])
for text, code in (('a', None), ('A', 'NOT_A_MEMBER'), ('1', 'NOT_A_MEMBER'), ('c', 'NOT_A_MEMBER')):
    cell('ENUM byte for byte', text, "ENUM('a','b')", text, code)
cell('SET in the order of its declaration', '"b,a"', "SET('a','b')", code='NOT_A_MEMBER')

# the shape of records
case('a trailing delimiter', 'a,b\n1,2,\n3,4\n', 'a INT, b INT', [('3', '4')], [(2, '', 'FIELD_COUNT')])
case('a trailing delimiter on every row, as announced', 'a,b\n1,2,\n3,4,\n', 'a INT, b INT', [('1', '2'), ('3', '4')], csv={'trailing_delimiter': True})
case('a trailing delimiter in the header too', 'a,b,\n1,2,\n', 'a INT, b INT', [('1', '2')], csv={'trailing_delimiter': True})
case('a trailing delimiter announced and not there', 'a,b\n1,2,\n3,4\n5,6,7\n', 'a INT, b INT', [('1', '2')], [(3, '', 'FIELD_COUNT'), (4, '', 'FIELD_COUNT')], csv={'trailing_delimiter': True})
case('a field too few, a field too many', 'a,b\n1\n1,2,3\n1,2\n', 'a INT, b INT', [('1', '2')], [(2, '', 'FIELD_COUNT'), (3, '', 'FIELD_COUNT')])
case('without header, by number', '1,x,2\n3,NA,4\n', 'a INT, b VARCHAR(5), c INT', [('1', 'x', '2'), ('3', None, '4')], csv={'header': False}, columns={'1': 'a', '2': 'b', '3': 'c'})

# the header and the table
case('the header is matched by name, not by place', 'b,a\n1,x\n', 'a VARCHAR(5), b INT', [('x', '1')])
case('capitals of the header', 'A,B\n1,2\n', 'a INT, b INT', [('1', '2')])
case('an unnamed first column', ',a\n17,1\n', 'row_no INT, a INT', [('17', '1')], columns={'': 'row_no'})
case('a column more: ignore-extra', 'a,x\n1,2\n', 'INT', ['1'], target={'drift': 'ignore-extra'})
case('a column less: null-missing', 'a\n1\n', 'a INT, b INT', [('1', None)], target={'drift': 'null-missing'})
case('a generated column is computed, not sent', 'a\n3\n', 'a INT, b INT AS (a * 2) STORED', [('3', '6')])

# keys
case('AUTO_INCREMENT: 0 is 0', 'a,b\n0,x\n5,y\n', 'a INT NOT NULL AUTO_INCREMENT PRIMARY KEY, b VARCHAR(5)', [('0', 'x'), ('5', 'y')])
case('a duplicate key is a reject, its neighbours are rows', 'a\n1\n2\n1\n3\n', 'a INT PRIMARY KEY', ['1', '2', '3'], [(4, '', 'DUPLICATE_KEY')], says=["Duplicate entry '1'"])
case('a unique key by collation', 'a\nabc\nABC\nábc\nx\n', 'a VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci UNIQUE', ['abc', 'x'], [(3, 'a', 'DUPLICATE_KEY'), (4, 'a', 'DUPLICATE_KEY')],
     says=["'ABC'", 'abc', 'utf8mb4_general_ci'])
case('one bad row among good ones', 'a\n1\n-5\n2\n', 'a INT CHECK (a > 0)', ['1', '2'], [(3, '', 'CHECK_FAILED')])

# constants
case('constant columns', 'a\n1\n2\n', 'a INT, h DATETIME, d DATE, k VARCHAR(200), f VARCHAR(50), s VARCHAR(10)',
     [(str(i), '2022-06-05 12:00:00', '2022-06-05', 'KEY', 'f.csv', 'branch {7') for i in (1, 2)],
     constants={'h': '{partition}', 'd': '{partition}', 'k': '{key}', 'f': '{file}', 's': 'branch {{7'})
case('constants of numbers, and of the partition as text', 'a\n1\n', 'a INT, n DECIMAL(5,2), p VARCHAR(20)', [('1', '7.50', '2022-06-05T12')], constants={'n': '7.5', 'p': '{partition}'})

# files that stop before their first row: nothing is loaded, the sentence says why
FAILS = []


def fails(gotcha, data, column, rc, *says, **pipeline):
    FAILS.append((gotcha, data.encode() if isinstance(data, str) else data, column, rc, says, pipeline))


fails('UTF-16 is refused with a word', 'a\n1\n'.encode('utf-16'), 'INT', 1, 'UTF-16')
fails('header drift: a column more', 'a,x\n1,2\n', 'INT', 1, "'x'", 'drift')
fails('header drift: a column less', 'a\n1\n', 'a INT, b INT', 1, "'b'")
fails('header drift: the nearest name', 'a,bb\n1,2\n', 'a INT, b INT', 1, "'bb' (nearest: 'b')")
fails('header drift: a column less, whose default would stand in', 'a\n1\n', 'a INT, b INT NOT NULL DEFAULT 0', 1, 'default')
fails('a name twice', 'a,a\n1,2\n', 'INT', 1, 'twice')
fails('a generated column in the file', 'a,b\n1,2\n', 'a INT, b INT AS (a * 2) STORED', 1, "'b'")
fails('max_rejects 0: one bad row, no row', 'a\n1\nx\n3\n', 'INT', 1, 'line 3', 'column a', "'x' is not an INT", max_rejects='0')
fails('a trigger would change rows', 'a\n1\n', 'INT', 1, 'trigger', ddl='CREATE TRIGGER {t}_t BEFORE INSERT ON {t} FOR EACH ROW SET NEW.a = NEW.a + 1')
fails('MyISAM keeps rows after an error', 'a\n1\n', 'INT', 1, 'MyISAM', ddl='ALTER TABLE {t} ENGINE = MyISAM')
fails('a constant of no column', 'a\n1\n', 'INT', 1, "'bb'", constants={'bb': 'x'})
fails('a constant and a field of the file', 'a\n1\n', 'INT', 1, 'both fill column a', constants={'a': '1'})
fails('a constant that its column does not take', 'a\n1\n', 'a INT, n INT', 1, "constant n: 'x' is not an INT", constants={'n': 'x'})
fails('a decimal sign for a text', 'a\n1\n', 'VARCHAR(5)', 1, 'number columns', columns={'a': {'decimal': ','}})
fails('a two-digit year in a format', 'a\n1\n', 'DATE', 1, '%y', columns={'a': {'format': '%d/%m/%y'}})

# ---- how it is run ---------------------------------------------------------------------------------------------------
PART = 'yyyy=2022/mm=06/dd=05/hh=12/'


def pipeline(s, name, **more):
    p = {'schedule': 'rate(1 minute)', 'max_rejects': more.pop('max_rejects', '100000'),
         'source': {'connection': 'lake', 'prefix': f'{name}/', 'since': '2022-06-05T12', 'until': '2022-06-05T12', 'settle': '0s'},
         'target': {'connection': 'db', 'table': name}}
    for k, v in more.items():
        p[k] = dict(p[k], **v) if isinstance(v, dict) and k in p else v
    return p


def config_of(s, pipes):
    return {'state': f'{s.script}.db', 'connections': {'lake': {'url': f'file://{w.dir}/{s.script}.lake/'}, 'db': {'url': f'mysql://root@localhost/w?socket={s.dir}/sock', 'tls': 'off'}},
            'pipelines': pipes, 'tick': {'linger': '0s'}}


def put(s, name, data, file='f.csv'):
    path = w.path(f'{s.script}.lake', name, PART)
    os.makedirs(path, exist_ok=True)
    with open(path + file, 'wb') as f:
        f.write(data)
    os.utime(path + file, (OLD, OLD))


LINEAGE = ', ADD COLUMN '.join(['', '_orch_load_id BIGINT NULL INVISIBLE', '_orch_line BIGINT NULL INVISIBLE'])[2:] + ', ADD UNIQUE KEY _orch_lineage (_orch_load_id, _orch_line)'


def ddl(name, column, extra=None):
    if not column.startswith(('a ', 'row_no ')):
        column = f'a {column}'
    return f'CREATE TABLE {name} ({column}) ENGINE = InnoDB CHARACTER SET utf8mb4; ALTER TABLE {name} {LINEAGE};' + (extra.format(t=name) + ';' if extra else '')


def all_stored(s, names):
    """{table: its rows as the server gives them}, each value by its bytes, so that no client's escaping gets in."""
    columns, ask, out = {}, '', {n: [] for n in names}
    for t, c, kind in s.sql("SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema='w' AND column_name NOT LIKE '\\_orch%' ORDER BY table_name, ordinal_position"):
        columns.setdefault(t, []).append(f"IFNULL(HEX(CONVERT({f'CAST({c}+0 AS CHAR)' if kind == 'bit' else f'CAST({c} AS CHAR)'} USING utf8mb4)),'-')")
    for n in names:
        ask += f"SELECT '{n}', {','.join(columns[n])} FROM {n} ORDER BY _orch_line;"
    for row in s.sql(ask):
        out[row[0]].append(tuple(None if v == '-' else bytes.fromhex(v).decode() for v in row[1:]))
    return out


def stored(s, name):
    return all_stored(s, [name])[name]


def rejects(s, name):
    r = w.orch('rejects', name, '-o', 'json', config=f'{s.script}.json')
    return json.loads(r.out)['rejects'] if r.out.strip() else []


def run(s, name):
    return w.orch('run', name, config=f'{s.script}.json', now='2022-06-06T02:00:00Z')


def write(s, pipes):
    with open(w.path(f'{s.script}.json'), 'w') as f:
        json.dump(config_of(s, pipes), f)


def number(text, double):
    return repr(float(text)) if double and text is not None else text


def run_cases(s):
    pipes, make = {}, ''
    for i, (gotcha, data, column, want, bad, more) in enumerate(CASES):
        name = f'c{i}'
        more = {k: v for k, v in more.items() if k not in ('double', 'says')}
        pipes[name] = pipeline(s, name, **more)
        make += ddl(name, column)
        put(s, name, data)
    for i, (gotcha, data, column, rc, says, more) in enumerate(FAILS):
        name = f'f{i}'
        pipes[name] = pipeline(s, name, **{k: v for k, v in more.items() if k != 'ddl'})
        make += ddl(name, column, more.get('ddl'))
        put(s, name, data)
    write(s, pipes)
    s.sql(make)
    same(w.good('target', 'setup', config=f'{s.script}.json').rc, 0, f'{s.name}: orch\'s own tables')
    results = [run(s, f'c{i}') for i in range(len(CASES))]
    kept = all_stored(s, [f'c{i}' for i in range(len(CASES))])
    counted = dict(s.sql('SELECT pipeline, SUM(rows_rejected) FROM orch_load GROUP BY pipeline'))
    for i, (gotcha, data, column, want, bad, more) in enumerate(CASES):
        name, r = f'c{i}', results[i]
        want = [tuple(v.replace('KEY', f'{name}/{PART}f.csv') if v else v for v in row) for row in want]
        found = rejects(s, name) if counted.get(name) != '0' else []
        got = [tuple(number(v, more.get('double')) for v in row) for row in kept[name]]
        here = [(x['line'], x['column'] or '', x['code']) for x in found]
        good = same((r.rc, got, here), (0, want, bad), f'{s.name}: {gotcha}')
        if not good:
            diag(r.err + json.dumps(found))
        for part in more.get('says', ()):
            like(' '.join(x['message'] + ' ' + (x.get('hint') or '') for x in found), part, f'{s.name}: {gotcha}: says {part}')
    for i, (gotcha, data, column, rc, says, more) in enumerate(FAILS):
        name = f'f{i}'
        r = run(s, name)
        e = w.orch('explain', f'{name}/2022-06-05T12', config=f'{s.script}.json', now='2022-06-06T02:00:00Z')
        text = r.err + e.out + e.err
        missing = [x for x in says if x not in text]
        good = same((r.rc != 0, [], int(s.sql(f'SELECT COUNT(*) FROM {name}')[0][0])), (True, missing, 0), f'{s.name}: {gotcha}')
        if not good:
            diag(f'exit {r.rc}\n{text}')
    # exact by the source as by the target, over all of them
    for i, c in enumerate(CASES):
        if i % 10 == 0:
            r = w.orch('reconcile', f'c{i}', config=f'{s.script}.json', now='2022-06-06T02:00:00Z')
            same(r.rc, 0, f'{s.name}: {c[0]}: reconcile, its objects read again by diff')


# ---- statements and sessions -----------------------------------------------------------------------------------------
def session(s):
    def one(name, column, data, what, extra=None, **more):
        s.sql(ddl(name, column, extra))
        put(s, name, data)
        write(s, {name: pipeline(s, name, **more)})
        return run(s, name)

    def is_(got, want, what):
        return same(got, want, f'{s.name}: {what}')

    # as loose as a server can be: LOCAL allowed, no strict mode, zero dates, rounding, silent cuts
    s.sql("SET GLOBAL sql_mode='', GLOBAL local_infile=1, GLOBAL max_error_count=64, GLOBAL time_zone='+05:00'")
    r = one('loose', 'a INT, b TIMESTAMP NULL, c VARCHAR(3)', b'a,b,c\n1,2022-06-05T00:00:00Z,abc\n', 'loose')
    is_((r.rc, s.sql("SET time_zone='+00:00'; SELECT a, b, c FROM loose")), (0, [['1', '2022-06-05 00:00:00', 'abc']]), 'a server without strict mode, in another zone: the session is orch\'s own')
    # what only the server can refuse it refuses: the session is strict whatever the server's mode
    r = one('strict', 'a INT, b VARCHAR(10) CHARACTER SET latin2', 'a,b\n1,Łódź\n2,日本\n3,x\n'.encode(), 'strict')
    is_((r.rc, stored(s, 'strict'), [(x['line'], x['column'], x['code']) for x in rejects(s, 'strict')]), (0, [('1', 'Łódź'), ('3', 'x')], [(3, 'b', 'NOT_IN_CHARSET')]),
        'what only the server knows it refuses, though it is not strict')
    # LOCAL means IGNORE; more warnings than the server keeps
    lines = ''.join(f'{i},NA\n' if i % 2 else f'{i},x{i}\n' for i in range(10000))
    r = one('many', 'a INT PRIMARY KEY, b INT', ('a,b\n' + lines).encode(), 'many')
    is_((r.rc, s.sql('SELECT COUNT(*), SUM(b IS NULL), SUM(b <=> 0) FROM many'), s.sql("SELECT rows_read, rows_loaded, rows_rejected FROM orch_load WHERE pipeline = 'many'")),
        (0, [['5000', '5000', '0']], [['10000', '5000', '5000']]), '5,000 bad rows: each counted, none a 0')
    is_(len(rejects(s, 'many')) > 64, True, 'and told, not 64 of them')
    r = one('dups', 'a INT PRIMARY KEY', b'a\n' + b'1\n2\n' * 3, 'dups')
    is_((r.rc, s.sql("SELECT rows_read, rows_loaded, rows_rejected FROM orch_load WHERE pipeline = 'dups'"), [x['line'] for x in rejects(s, 'dups')]), (0, [['6', '2', '4']], [4, 5, 6, 7]),
        'duplicates are not skipped in silence')
    # AUTO_INCREMENT
    r = one('auto', 'a INT NOT NULL AUTO_INCREMENT PRIMARY KEY, b VARCHAR(5) UNIQUE', b'b\nx\nx\nx\ny\n', 'auto')
    is_((r.rc, s.sql('SELECT b FROM auto ORDER BY a'), len(rejects(s, 'auto'))), (0, [['x'], ['y']], 2), 'AUTO_INCREMENT is left to the server')
    is_(s.sql("SET sql_mode='NO_AUTO_VALUE_ON_ZERO'; SELECT MIN(a) > 0 FROM auto")[0][0], '1', 'and begins at 1')
    # max_allowed_packet
    s.sql('SET GLOBAL max_allowed_packet = 1048576')
    big = b'a,b\n1,' + b'x' * 900000 + b'\n2,' + b'y' * 1500000 + b'\n3,' + b'z' * 900000 + b'\n'
    r = one('packet', 'a INT, b LONGTEXT', big, 'packet')
    is_((r.rc, s.sql('SELECT a, LENGTH(b), LEFT(b, 1) FROM packet ORDER BY a'), [x['line'] for x in rejects(s, 'packet')]), (0, [['1', '900000', 'x'], ['3', '900000', 'z']], [3]),
        'max_allowed_packet: statements are sized below it, the row that is too wide is a reject')
    like(' '.join(x['message'] + x['hint'] for x in rejects(s, 'packet')), 'max_allowed_packet', f'{s.name}: which names max_allowed_packet')
    is_([(x['column'], x['code']) for x in rejects(s, 'packet')], [('b', 'TOO_LONG')], 'and the column that takes most of it')
    s.sql('SET GLOBAL max_allowed_packet = 16777216')
    # an error in the middle: the transaction is whole, or not at all
    rows = b''.join(b'%d\n' % i for i in range(20000))
    r = one('whole', 'a INT', b'a\n' + rows + b'x\n', 'whole', max_rejects='0')
    is_((r.rc != 0, s.sql('SELECT COUNT(*) FROM whole'), s.sql("SELECT COUNT(*) FROM orch_load WHERE pipeline = 'whole'")), (True, [['0']], [['0']]), 'an error in the last row: no row stays, and no ledger row')
    # replay and reconcile by load id, not by affected rows
    r = one('again', 'a INT, b INT', b'a,b\n1,2\n3,4\n', 'again')
    r2 = w.orch('replay', 'again/2022-06-05T12', '--reason', 'test', config=f'{s.script}.json', now='2022-06-06T02:10:00Z')
    run(s, 'again')
    r3 = w.orch('reconcile', 'again', config=f'{s.script}.json', now='2022-06-06T02:20:00Z')
    is_((r.rc, r2.rc, r3.rc, s.sql('SELECT a, b FROM again ORDER BY a')), (0, 0, 0, [['1', '2'], ['3', '4']]), 'the same rows once more: counted by load id, not by affected rows')
    # counts alone hide damage
    s.sql('UPDATE again SET b = 0 WHERE a = 3')
    r = w.orch('reconcile', 'again', config=f'{s.script}.json', now='2022-06-06T02:30:00Z')
    is_(r.rc, 5, 'a row count that agrees is no proof: the sum of a column tells')
    like(r.out, 'b', f'{s.name}: and names the column')
    # header alone, and nothing at all
    for name, data in (('header_only', b'a\n'), ('zero_bytes', b''), ('header_bom', b'\xef\xbb\xbfa\r\n')):
        r = one(name, 'INT', data, name)
        with_state = w.run(['python3', '-c', f"import sqlite3; print(sqlite3.connect('{w.path(s.script)}.db').execute(\"SELECT state FROM job WHERE pipeline='{name}'\").fetchall())"]).out
        is_((r.rc, 'EMPTY' in with_state, s.sql(f'SELECT COUNT(*) FROM {name}')), (0, True, [['0']]), f'{name}: EMPTY, counted, not failed')
    # constants count in the sums
    r = one('const', 'a INT, h DATETIME, l DATETIME', b'a\n1\n2\n', 'const', constants={'h': '{partition}', 'l': '{loaded}'})
    r2 = w.orch('reconcile', 'const', '--recount-source', config=f'{s.script}.json', now='2022-06-06T03:00:00Z')
    r3 = w.orch('diff', 'const/2022-06-05T12', config=f'{s.script}.json', now='2022-06-06T03:00:00Z')
    is_((r.rc, r2.rc, r3.rc, s.sql('SELECT DISTINCT h, l FROM const')), (0, 0, 0, [['2022-06-05 12:00:00', '2022-06-06 02:00:00']]), 'constants are the same when the file is read again')
    s.sql("UPDATE const SET h = '2022-06-05 13:00:00' WHERE a = 2")
    r = w.orch('reconcile', 'const', config=f'{s.script}.json', now='2022-06-06T03:30:00Z')
    is_(r.rc, 5, 'and a constant that was changed in the table is found')
    # doctor names what stands in the way, before a file does
    s.sql(ddl('trig', 'INT', 'CREATE TRIGGER trig_t BEFORE INSERT ON {t} FOR EACH ROW SET NEW.a = 7') + ddl('flo', 'FLOAT') + ddl('isam', 'INT', 'ALTER TABLE {t} ENGINE = MyISAM'))
    for name, say in (('trig', 'trigger'), ('flo', 'FLOAT'), ('isam', 'MyISAM')):
        write(s, {name: pipeline(s, name)})
        put(s, name, b'a\n1\n')
        r = w.orch('doctor', config=f'{s.script}.json', now='2022-06-06T02:00:00Z')
        like(r.out + r.err, say, f'{s.name}: doctor tells of {say}')
    # local_infile: used at most where it is on, and never needed
    s.sql('SET GLOBAL local_infile=0')
    loads = int(s.sql("SHOW GLOBAL STATUS LIKE 'Com_load'")[0][1])
    r = one('nolocal', 'INT', b'a\n1\n', 'nolocal')
    is_((r.rc, s.sql('SELECT a FROM nolocal')), (0, [['1']]), 'local_infile off: not needed')
    is_(int(s.sql("SHOW GLOBAL STATUS LIKE 'Com_load'")[0][1]), loads, 'no LOAD DATA was sent')


def everything(s):
    run_cases(s)
    session(s)


# ---- a server that asks for files ------------------------------------------------------------------------------------
def rogue_server(path, heard):
    """Lets anybody in, and answers every plain statement by asking for a file of the client's."""
    def packet(n, body):
        return struct.pack('<I', len(body))[:3] + bytes([n]) + body

    def work():
        while True:
            c, _ = door.accept()
            c.settimeout(10)
            try:
                caps = 0x00ffa2ff & ~0x0800  # all but TLS; LOCAL FILES among them
                c.sendall(packet(0, b'\x0a8.0.36\0' + struct.pack('<I', 7) + b'abcdefgh\0' + struct.pack('<HBHH', caps & 0xffff, 45, 2, caps >> 16 | 0x08)
                                 + bytes([21]) + bytes(10) + b'ijklmnopqrst\0' + b'mysql_native_password\0'))
                stream = c.makefile('rb')

                def hear():
                    head = stream.read(4)
                    return stream.read(int.from_bytes(head[:3], 'little')) if len(head) == 4 else None

                hear()
                c.sendall(packet(2, b'\0\0\0\2\0\0\0'))
                while (q := hear()) is not None:
                    heard.append(q)
                    if q[:1] == b'\x16':  # prepare: a statement without columns and parameters
                        c.sendall(packet(1, struct.pack('<BIHHBH', 0, 1, 0, 0, 0, 0)))
                    elif q[:1] == b'\x17':
                        c.sendall(packet(1, b'\0\0\0\2\0\0\0'))
                    elif q[:1] == b'\3':
                        c.sendall(packet(1, b'\xfb' + path.encode()))
            except OSError:
                pass
            c.close()

    door = socket.create_server(('127.0.0.1', 0))
    threading.Thread(target=work, daemon=True).start()
    return door.getsockname()[1]


def rogue():
    heard, marker = [], 'what-no-server-may-read'
    w.secret('private', marker)
    port = rogue_server(w.path('private'), heard)
    w.secret('rogue.secret', 'x')
    config = {'state': 'rogue.db', 'connections': {'lake': {'url': f'file://{w.dir}/lake/'}, 'db': {'url': f'mysql://root@127.0.0.1:{port}/w', 'password_file': 'rogue.secret', 'tls': 'off'}},
              'pipelines': {'p': {'schedule': 'rate(1 minute)', 'source': {'connection': 'lake', 'since': '2022-06-05T12', 'until': '2022-06-05T12', 'settle': '0s'},
                                  'target': {'connection': 'db', 'table': 't'}}}, 'tick': {'linger': '0s'}}
    with open(w.path('rogue.json'), 'w') as f:
        json.dump(config, f)
    w.put(PART + 'f.csv', b'a\n1\n')
    r = w.orch('run', 'p/2022-06-05T12', config='rogue.json', now='2022-06-06T02:00:00Z')
    ok(any(q[:1] == b'\3' for q in heard), 'a rogue server was spoken to, and asked for a file')
    ok(marker.encode() not in b''.join(heard) and r.rc != 0, 'it was not given it, and orch says that something is wrong')


rogue()
maria = Server('MariaDB', 'mariadb', 'DIR')
if maria.why:
    if 'mysql' in os.environ.get('ORCH_TEST_NEED', '') or os.environ.get('ORCH_TEST_NEED') == 'all':
        ok(False, f'MariaDB is there: {maria.why}')
        done()
    skip_all('MariaDB is not installed')
before = world.points
everything(maria)
maria_points = world.points - before
root = os.environ.get('ORCH_MYSQL9')
if not root:
    for i in range(maria_points):
        world.points += 1
        print(f'ok {world.points} - Oracle MySQL # SKIP ORCH_MYSQL9 names no server', flush=True)
else:
    oracle = Server('MySQL', 'mysql9', root, 'DIR', str(w.base + 90))
    if ok(not oracle.why, f'Oracle\'s server, which ORCH_MYSQL9 promises, is there'):
        everything(oracle)
    else:
        diag(oracle.why)
done()

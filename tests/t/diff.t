#!/usr/bin/python3
"""orch diff: the rows and values that differ, by file and line; of every type, on MariaDB and SQLite; nothing where nothing differs."""
import json, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *

HOUR = '2022-06-05T01'
COLUMNS = ['id', 'name', 'amount', 'ratio', 'share', 'born', 'at', 'span', 'flag', 'tall', 'bytes']
ROWS = [
    ['1', 'Zo\u00eb', '12.50', '0.1', '0.25', '1999-12-31', '2022-06-05 01:02:03.456', '-12:00:01', '1', '18446744073709551615', 'abc'],
    ['2', '"a, ""b"""', '-0.01', '1e-7', '16777216', '2000-02-29', '2022-06-05T01:02:03', '838:59:59', '0', '0', ''],
    ['3', 'NA', 'NA', '123456789.12345678', 'NA', 'NA', 'NA', 'NA', 'NA', 'NA', 'NA'],
    ['4', 'line\u2028end', '99999999.99', '2.2250738585072014e-308', '-1.5', '0001-01-01', '1000-01-01 00:00:00', '00:00:00', '1', '9007199254740993', 'x'],
]
TABLE = """CREATE TABLE things (id INT, name VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NULL, amount DECIMAL(10,2), ratio DOUBLE, share FLOAT,
 born DATE, at DATETIME(3), span TIME, flag BIT(1), tall BIGINT UNSIGNED, bytes VARBINARY(20))"""


def found(r):
    return json.loads(r.out)['differences']


w = World('mysql')
w.now = '2022-06-05T04:30:00Z'
w.sql(TABLE)
w.pipeline(name='things', target_table='things', csv_null=['NA'], columns={'name': {'to': 'name', 'null': ['NA']}, 'bytes': {'to': 'bytes', 'null': ['NA']}}, source_since='2022-06-05T01', source_until='2022-06-05T02')
w.good('target', 'setup')
w.good('lineage', 'add', 'things', '--pipeline', 'things')
w.put(hour_key(1), '\n'.join(','.join(r) for r in [COLUMNS] + ROWS) + '\n')
w.put(hour_key(2), ','.join(COLUMNS) + '\n')
w.good('tick')
same(w.one('SELECT COUNT(*) FROM things'), '4', 'four rows of every type are loaded')
r = w.orch('diff', f'things/{HOUR}')
same(r.rc, 0, 'nothing differs: exit 0')
like(r.out, '4 rows in the source and 4 in the target: no difference', 'and it says so')
r = w.good('diff', 'things')
like(r.out, 'no job is MISMATCHED', 'without a partition: the mismatched ones, and there is none')

changes = [('name', "'Zoe'", 1, 'Zo\u00eb', 'Zoe'), ('name', "'zo\u00eb'", 1, 'Zo\u00eb', 'zo\u00eb'), ('amount', '12.51', 1, '12.50', '12.51'), ('ratio', '0.1000000000000001', 1, '0.1', '0.1000000000000001'),
           ('share', '0.26', 1, '0.25', '0.2599999'), ('born', "'1999-12-30'", 1, '1999-12-31', '1999-12-30'), ('at', "'2022-06-05 01:02:03.457'", 1, '.456', '.457'), ('span', "'12:00:01'", 1, '-12:00:01', '12:00:01'),
           ('flag', "b'0'", 1, '1', '0'), ('tall', '18446744073709551614', 1, '18446744073709551615', '18446744073709551614'), ('bytes', "'abC'", 1, 'abc', 'abC'),
           ('amount', '0', 3, 'NULL', '0.00'), ('name', "''", 3, 'NULL', ''), ('bytes', 'NULL', 2, '', 'NULL'), ('tall', '9007199254740992', 4, '9007199254740993', '9007199254740992')]
for column, value, ident, source, target in changes:
    was = w.one(f'SELECT HEX({column}) FROM things WHERE id = {ident}')
    back = w.sql(f'SELECT {"0+" if column == "flag" else ""}{column} FROM things WHERE id = {ident}')[0][0]
    w.sql(f'UPDATE things SET {column} = {value} WHERE id = {ident}')
    r = w.orch('diff', f'things/{HOUR}', '-o', 'json')
    d = found(r)
    ok(r.rc == 5 and len(d) == 1 and (d[0]['what'], d[0]['column'], d[0]['line']) == ('value', column, ident + 1) and source in d[0]['source'] and target in d[0]['target'],
       f'{column} of line {ident + 1} made {value}: that cell, both values, exit 5') or diag(r.out + r.err)
    w.sql(f"UPDATE things SET {column} = {'NULL' if was is None else 'X' + repr(was) if column in ('name', 'bytes') else repr(back)}{'+0' if column == 'flag' else ''} WHERE id = {ident}")
same(w.orch('diff', f'things/{HOUR}').rc, 0, 'put back: equal again')

load = w.one('SELECT DISTINCT _orch_load_id FROM things')
w.sql('DELETE FROM things WHERE id IN (1, 4)')
w.sql(f"INSERT INTO things (id, name, _orch_load_id, _orch_line) VALUES (77, 'stranger', {load}, 999), (78, 'before', {load}, 0)")
w.sql("UPDATE things SET amount = amount + 1, ratio = NULL WHERE id = 2")
r = w.orch('diff', f'things/{HOUR}', '-o', 'json')
d = json.loads(r.out)
same((r.rc, d['equal'], d['rows_source'], d['rows_target'], d['values'], d['missing'], d['extra']), (5, False, 4, 4, 2, 2, 2), 'rows gone, rows too many, values changed: each counted')
same([(x['line'], x['what']) for x in d['differences']], [(0, 'extra'), (2, 'missing'), (3, 'value'), (3, 'value'), (5, 'missing'), (999, 'extra')], 'by line')
like(d['differences'][1]['source'], 'Zo\u00eb,12.50', 'a row that is gone shows as it stands in the file')
like(d['differences'][5]['target'], '77,stranger', 'a row too many with its values')
r = w.orch('diff', f'things/{HOUR}', '--limit', '1')
like(r.out, '5 more: --limit 6 shows them', 'the limit says what it left out')
like(r.out, '2 values differ, 2 rows missing, 2 rows too many', 'and counts them')
same(w.orch('reconcile', 'things').rc, 5, 'reconcile finds the hour')
r = w.orch('diff', 'things')
same((r.rc, '1 job compared' in r.out), (5, True), 'a mismatched hour is compared without being named')
w.good('replay', 'things', '--only', 'mismatched', '--reason', 'test')
r = w.good('diff', f'things/{HOUR}')
like(r.out, 'no difference', 'after the replay: equal')

w.put(hour_key(1), '\n'.join(','.join(r) for r in [COLUMNS] + ROWS[:2]) + '\n')
r = w.orch('diff', f'things/{HOUR}')
same(r.rc, 1, 'a file that was overwritten: no comparison, exit 1')
like(r.out, 'cannot be compared', 'and it says why')
w.remove(hour_key(1))
r = w.orch('diff', f'things/{HOUR}')
same((r.rc, 'cannot be compared' in r.out), (1, True), 'a file that is gone: the same')
r = w.orch('diff', 'things/2022-06-05T03')
ok(r.rc != 0 and 'nothing loaded' in r.err + r.out, 'an hour with nothing loaded is named') or diag(r.out + r.err)

w = World()
w.now = '2022-06-05T04:30:00Z'
w.pipeline(name='things', target='sqlite', target_table='things', target_create=True, csv_null=['NA'], source_since='2022-06-05T01', source_until='2022-06-05T01', columns={})
many = 9000
w.put(hour_key(1), 'id,name,ratio\n' + ''.join(f'{i},n{i},{i / 7!r}\n' for i in range(many)))
w.good('target', 'setup')
w.good('tick')
r = w.good('diff', f'things/{HOUR}')
like(r.out, f'{many} rows in the source and {many} in the target: no difference', 'SQLite: doubles of all digits, several batches')
import sqlite3
with sqlite3.connect(w.path('target.db')) as db:
    db.execute('UPDATE things SET ratio = ratio * (1 + 3e-16) WHERE id = 8000')
    db.execute("UPDATE things SET name = name || ' ' WHERE id = 8999")
    db.execute('DELETE FROM things WHERE id BETWEEN 4000 AND 4999')
r = w.orch('diff', f'things/{HOUR}', '-o', 'json', '--limit', '2000')
d = json.loads(r.out)
same((r.rc, d['values'], d['missing'], d['extra'], len(d['differences'])), (5, 2, 1000, 0, 1002), 'SQLite: the last bit of a double, a blank, a thousand rows')
same([x['line'] for x in d['differences']][:1000], list(range(4002, 5002)), 'each row that is gone by its line')
done()

#!/usr/bin/python3
"""Rows over HTTP into a SQLite target: the same answers, keys and pages as with a server."""
import os, sqlite3, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import *
from rest import Serve

w = World()
with sqlite3.connect(w.path('target.db')) as db:
    db.executescript('''CREATE TABLE pairs (a INTEGER NOT NULL, b VARCHAR(30) NOT NULL, price REAL, ratio DOUBLE, made DATE, PRIMARY KEY (a, b));
                        CREATE TABLE days (made DATE NOT NULL PRIMARY KEY, v BIGINT);''')
db.close()
w.write_config({'state': 'orch.db', 'connections': {'db': {'url': f"sqlite:{w.path('target.db')}"}},
                'tables': {'pairs': {'connection': 'db', 'columns': {'price': {'min': 0}}}, 'days': {'connection': 'db'}}})
same(w.good('target', 'setup').rc, 0, 'orch target setup')
s = Serve(w, w.base + 85)
rows = [{'a': a, 'b': b, 'price': 1.5, 'ratio': 0.1, 'made': '2022-06-05'} for a in (1, 2, 10) for b in ('x', "y'; --")]
r = s.post('pairs', rows, key='k')
same((r.status, r.json.get('stored') or r.body), (201, 6), 'rows are stored')
again = s.post('pairs', rows, key='k')
same((again.status, again.body), (201, r.body), 'once for a key')
same(s.post('pairs', rows, key='k', mode='partial').status, 422, 'which is the key of one request')
r = s.post('pairs', rows[:1] + [{'a': 3, 'b': 'z', 'price': -1}, {'a': 3, 'b': 'z'}], mode='partial')
same((r.status, r.codes), (200, ['DUPLICATE_KEY', 'OUT_OF_RULE', None]), 'partial: each with its reason')
same(w.target('SELECT COUNT(*) FROM pairs'), [[7]], 'and as many are there')
same(s.get('/v1/tables/pairs/rows', a=2, b="y'; --").json['rows'], [{'a': 2, 'b': "y'; --", 'price': 1.5, 'ratio': 0.1, 'made': '2022-06-05'}], 'a row by its key')
same([(x['a'], x['b']) for rows in s.pages('/v1/tables/pairs/rows', 2) for x in rows], [(1, 'x'), (1, "y'; --"), (2, 'x'), (2, "y'; --"), (3, 'z'), (10, 'x'), (10, "y'; --")], 'page by page, in the order of numbers')
s.post('days', [{'made': f'2022-06-{d:02}', 'v': d} for d in range(1, 8)])
same([x['v'] for x in s.get('/v1/tables/days/rows', after='2022-06-05').json['rows']], [6, 7], 'behind a date')
same([(x['code'], x['raw']) for x in s.get('/v1/tables/pairs/rejects').json['rejects']],
     [('DUPLICATE_KEY', '{"a": 1, "b": "x", "price": 1.5, "ratio": 0.1, "made": "2022-06-05"}'), ('OUT_OF_RULE', '{"a": 3, "b": "z", "price": -1}')], 'rejects with their bytes')
s.stop()
done()

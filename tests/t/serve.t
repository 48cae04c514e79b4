#!/usr/bin/python3
"""orch serve: a real process, asked as users ask it, with curl."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from world import World, done, hour_key, like, ok, same  # noqa: E402
from httpd import Server  # noqa: E402

w = World()
w.pipeline(target='sqlite', source_until='2022-06-05T03', target_create=True)
w.put(hour_key(0), 'a,b\n1,2\n3,NA\n')
s = Server(w)

# -- before any tick
a = s.get('/healthz')
same((a.status, a.json['status']), (200, 'ok'), 'the process answers before any tick has run')
a = s.get('/readyz')
same((a.status, a.type), (503, 'application/problem+json'), 'it is not ready then')
same((a.json['code'], a.json['status']), ('Orch.Unavailable', 503), 'and says so as a problem')
like(a.json['hint'], 'orch tick', 'with what to do')
same(a.head['retry-after'], '5', 'and when to ask again')
w.orch('tick')
a = s.get('/readyz')
same(a.status, 200, 'after a tick it is ready, without a restart')
a = s.get('/metrics')
same((a.status, a.type), (200, 'text/plain; version=0.0.4; charset=utf-8'), 'metrics are of the type that Prometheus reads')
like(a.text, 'orch_build_info', 'metrics are there')
a = s.get('/openapi.json')
ok('/healthz' in a.json['paths'], 'openapi.json lists the routes')
s.stop()
done()

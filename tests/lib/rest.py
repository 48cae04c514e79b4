"""orch serve as who puts rows in sees it.

    s = Serve(w, port, ...)        # --allow-write; start=False: not yet
    r = s.post('jobs', rows, key='k1', mode='partial')   # rows: a list or dict as JSON, bytes or str as CSV
    r.status, r.json, r.body, r.head, r.codes, r.states
    s.kill(); s.start(); s.stop()
"""
import http.client, json, urllib.parse
import httpd
from world import diag, ok


class Answer(httpd.Answer):
    @property
    def codes(self):
        """Of the rows, in order: None where there is none."""
        return [r.get('code') for r in self.json['rows']]

    @property
    def states(self):
        return [r['status'] for r in self.json['rows']]


class Serve(httpd.Server):
    def __init__(self, w, port, *options, start=True):
        self.at = port
        super().__init__(w, '--allow-write', *options, listen=f'127.0.0.1:{port}', env=w.orch_env(), start=start)

    def start(self, **env):
        self.begin(self.w.orch_env(**env))

    def peak(self):
        """Bytes of memory, at most so far."""
        with open(f'/proc/{self.p.pid}/status') as f:
            return next(int(line.split()[1]) << 10 for line in f if line.startswith('VmHWM'))

    def stop(self):
        """Ends as an operator would; a sanitizer that spoke is a failure."""
        rc = super().stop()
        said = '\n'.join(x for x in self.log if x is not None)
        if rc != 0 or 'Sanitizer' in said or 'runtime error:' in said:
            ok(False, f'orch serve ends well: {rc}')
            diag(said[-3000:])

    def ask(self, method, path, body=None, headers=None, timeout=120):
        c = http.client.HTTPConnection('127.0.0.1', self.at, timeout=timeout)
        try:
            c.request(method, path, body=body, headers=headers or {})
            r = c.getresponse()
            lines = [f'HTTP/1.1 {r.status} {r.reason}'] + [f'{k}: {v}' for k, v in r.getheaders()]
            return Answer('\r\n'.join(lines), r.read())
        finally:
            c.close()

    def get(self, path, **query):
        return self.ask('GET', path + ('?' + urllib.parse.urlencode(query) if query else ''))

    def post(self, table, rows, key=None, mode=None, type=None, headers=None, timeout=120):
        body = rows if isinstance(rows, bytes) else rows.encode() if isinstance(rows, str) else json.dumps(rows).encode()
        h = {'Content-Type': type if type is not None else 'text/csv' if isinstance(rows, (bytes, str)) else 'application/json'}
        if key is not None:
            h['Idempotency-Key'] = key
        h.update(headers or {})
        return self.ask('POST', f'/v1/tables/{table}/rows' + (f'?mode={mode}' if mode else ''), body, h, timeout)

    def pages(self, path, limit):
        """The rows of every page."""
        after = {}
        while True:
            r = self.get(path, limit=limit, **after).json
            yield r['rows']
            if 'next' not in r:
                return
            after = {'after': r['next']}

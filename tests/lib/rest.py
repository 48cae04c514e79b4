"""orch serve as its clients see it.

    s = Serve(w, 'departments', ...)        # w.write_config was called with "serve"; --allow-write
    r = s.post('jobs', rows, key='k1', mode='partial')   # rows: a list or dict as JSON, bytes or str as CSV
    r.status, r.json, r.body, r.headers
    s.kill(); s.start(); s.stop()
"""
import http.client, json, os, signal, socket, subprocess, threading, time, urllib.parse
from world import ORCH, diag, ok


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def codes(self):
        """Of the rows, in order: None where there is none."""
        return [r.get('code') for r in self.json['rows']]

    @property
    def states(self):
        return [r['status'] for r in self.json['rows']]

    def __repr__(self):
        return f'{self.status} {self.body[:600]!r}'


class Serve:
    def __init__(self, w, port, *options, start=True):
        self.w, self.port, self.options = w, port, options
        self.process = None
        self.log = w.path('serve.log')
        if start:
            self.start()

    def start(self, **env):
        assert self.process is None
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen([ORCH, '-c', self.w.path('orch.json'), 'serve', '--allow-write', '--listen', f'127.0.0.1:{self.port}', *self.options],
                                            cwd=self.w.dir, env=self.w.orch_env(**env), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f'orch serve: exit {self.process.returncode}: {self.said()}')
            try:
                socket.create_connection(('127.0.0.1', self.port), timeout=5).close()
                return
            except OSError:
                time.sleep(0.01)
        raise RuntimeError(f'orch serve does not listen: {self.said()}')

    def said(self):
        with open(self.log, errors='replace') as f:
            return f.read()[-3000:]

    def peak(self):
        """Bytes of memory, at most so far."""
        with open(f'/proc/{self.process.pid}/status') as f:
            return next(int(line.split()[1]) << 10 for line in f if line.startswith('VmHWM'))

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        """Ends as an operator would; a sanitizer that spoke is a failure."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            rc = self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill()
            ok(False, 'orch serve ends on SIGTERM')
            return
        self.process = None
        said = self.said()
        if rc not in (0,) or 'Sanitizer' in said or 'runtime error:' in said:
            ok(False, f'orch serve ends well: {rc}')
            diag(said)

    def ask(self, method, path, body=None, headers=None, timeout=120):
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)
        try:
            c.request(method, path, body=body, headers=headers or {})
            r = c.getresponse()
            return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
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

"""orch serve as a process of a test, and curl and bare sockets as its clients."""
import atexit, json, os, re, signal, socket, subprocess, threading

from world import ORCH


class Answer:
    def __init__(self, head, body):
        lines = head.split('\r\n')
        self.line, self.raw_head, self.body = lines[0], head, body
        self.status = int(lines[0].split(' ')[1]) if lines[0].startswith('HTTP/') else 0
        self.headers = [tuple(x.split(': ', 1)) for x in lines[1:] if ': ' in x]
        self.head = {k.lower(): v for k, v in self.headers}
        self.type = self.head.get('content-type', '')

    @property
    def text(self):
        return self.body.decode('utf-8', 'surrogateescape')

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f'{self.line} {self.body[:600]!r}'


class Server:
    def __init__(self, w, *args, listen='127.0.0.1:0', env=None, wait=True, start=True):
        self.w, self.args, self.listen, self.p = w, args, listen, None
        atexit.register(self.kill)
        if start:
            self.begin(env, wait)

    def begin(self, env=None, wait=True):
        """The process, once more where there was one."""
        self.log = []
        self.p = subprocess.Popen([ORCH, '-c', self.w.path('orch.json'), 'serve', '--listen', self.listen, *self.args], cwd=self.w.dir,
                                  env={**self.w.env, **(env or {})}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                  errors='surrogateescape')
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, args=(self.p.stderr, self.log, self.changed), daemon=True)
        self.reader.start()
        self.url = self.port = self.socket = None
        if wait:
            m = self.wait_line(r'serve: (http://(?:[0-9.]+|\[[0-9a-f:]+\]):(\d+)|unix:(\S+)),')
            if not m:
                raise RuntimeError('no start: ' + '\n'.join(self.log))
            self.url, self.port, self.socket = m[1], int(m[2] or 0), m[3]

    @staticmethod
    def read(stream, log, changed):
        for line in stream:
            with changed:
                log.append(line.rstrip('\n'))
                changed.notify_all()
        with changed:
            log.append(None)
            changed.notify_all()

    def wait_line(self, pattern, timeout=60):
        def find():
            return next((m for x in self.log if x is not None for m in [re.search(pattern, x)] if m), None) or (None in self.log)
        with self.changed:
            self.changed.wait_for(find, timeout)
            found = find()
        return found if isinstance(found, re.Match) else None

    def curl(self, path, *args):
        where = ['--unix-socket', self.socket, 'http://localhost' + path] if self.socket else [self.url + path]
        p = subprocess.run(['curl', '-sS', '-i', '--path-as-is', '--max-time', '60', *args, *where], capture_output=True)
        data = p.stdout
        while data.startswith(b'HTTP/1.1 100'):
            data = data.split(b'\r\n\r\n', 1)[1]
        head, _, body = data.partition(b'\r\n\r\n')
        a = Answer(head.decode('latin-1'), body)
        a.rc, a.curl_err = p.returncode, p.stderr.decode()
        return a

    get = curl

    def connect(self):
        k = socket.create_connection(('127.0.0.1', self.port), timeout=60)
        return k

    def raw(self, data, shut=False):
        """Sends these bytes on a connection of their own: everything that comes back until it is closed."""
        k = self.connect()
        got = b''
        try:
            k.sendall(data)
            if shut:
                k.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            while True:
                part = k.recv(65536)
                if not part:
                    break
                got += part
        except ConnectionResetError:
            pass
        except socket.timeout:
            got += b'<<timeout>>'
        k.close()
        return got

    def stop(self, sig=signal.SIGTERM):
        self.p.send_signal(sig)
        self.p.wait(60)
        self.reader.join(10)
        return self.p.returncode

    def kill(self):
        if self.p is not None and self.p.poll() is None:
            self.p.kill()
            self.p.wait()

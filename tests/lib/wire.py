"""A proxy inside a test's own process that knows MySQL commands and HTTP requests, counts them, and breaks one of them.

tests/servers/faultproxy.py breaks by bytes and by text; this one breaks exactly the k-th command or request since arm(),
whichever connection it comes on, and tells whether it did.

    wire = Wire('mysql', sock_path_or_port)      # wire.port is what the program is given
    wire.arm('after', at=12)                     # the 12th command from now
    ... run ...
    wire.fired                                   # the command's name, or None: it never came to that
    wire.seen                                    # names of all commands since arm()
    wire.calm()                                  # ends what is held and every connection

Actions on the k-th MySQL command (only those that contain `text`, where that is given, or that a compiled regex finds)
    before          reset instead of passing it on
    half            all but its last byte is passed on, then a reset on both sides
    after           passed on and carried out by the server to its end; the answer is dropped, and a reset
    answer          the first `n` bytes of the answer, then a reset
    late            reset at once; the server gets the command `ms` milliseconds later, as from a proxy's queue
    stall           held until release()
    call            `call()` is run, then it is passed on
    error           the server's answer, which is one packet, is dropped, and the program gets error `code` instead; n=0: the server does
                    not get the command at all. The connection lives
on the k-th HTTP request
    reset truncate stall    after `n` bytes of the response: a reset, a proper end, silence until release()
    status          `code` is answered by ourselves, with an S3 error document
    refuse          reset before it is passed on
"""
import fcntl, re, socket, struct, termios, threading, time

COMMANDS = {1: 'QUIT', 2: 'INIT_DB', 3: 'QUERY', 14: 'PING', 22: 'PREPARE', 23: 'EXECUTE', 24: 'LONG_DATA', 25: 'CLOSE', 26: 'RESET', 27: 'OPTION', 28: 'FETCH', 31: 'RESET_CONNECTION', 250: 'BULK'}
S3_CODES = {500: 'InternalError', 503: 'SlowDown'}


class Cut(Exception):
    """The connection is at its end, on purpose or not."""


def close(sock, reset=False):
    """At once, although another thread may stand in recv: shutdown wakes that one. A reset must not be preceded by a FIN."""
    try:
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        sock.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()


class Connection:
    def __init__(self, wire, client):
        self.wire, self.client, self.server = wire, client, None
        self.rule, self.record, self.sent, self.mute, self.over, self.got = None, ['', 0], 0, False, threading.Event(), b''
        self.swallow = None

    def life(self):
        try:
            self.server = self.wire.connect()
            for s in (self.client, self.server):
                if s.family == socket.AF_INET:
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.guarded, args=(self.down,), daemon=True).start()
            self.guarded(self.up)
        except OSError:
            close(self.client, reset=True)
        finally:
            self.wire.connections.discard(self)

    def guarded(self, work):
        try:
            work()
        except (OSError, ValueError):
            pass
        except Cut:
            return
        self.end()

    def end(self):
        if not self.over.is_set():
            self.over.set()
            for s in (self.client, self.server):
                if s is not None:
                    close(s)

    def cut(self):
        """A reset towards the program; the server is left as a vanished client leaves it."""
        self.over.set()
        close(self.client, reset=True)
        close(self.server)
        raise Cut

    def read(self, n):
        while len(self.got) < n:
            more = self.client.recv(262144)
            if not more:
                raise ValueError
            self.got += more
        data, self.got = self.got[:n], self.got[n:]
        return data

    def drain(self):
        while self.server.recv(65536):
            pass

    def down(self):
        while True:
            data = self.server.recv(65536)
            if self.mute:
                raise Cut  # what comes is the other thread's
            if self.swallow is not None and data:
                self.swallow.set()
                continue
            rule = self.rule
            if rule is not None and rule.n is not None and not rule.done and self.sent + len(data) >= rule.n:
                part, data = data[:rule.n - self.sent], data[rule.n - self.sent:]
                self.pass_on(part)
                rule.done = True
                self.wire.fire(self.record[0])
                if rule.action in ('reset', 'answer'):
                    self.taken()
                    self.cut()
                if rule.action == 'truncate':
                    return
                self.wire.hold(self)
            if not data:
                return
            self.pass_on(data)

    def pass_on(self, data):
        self.client.sendall(data)
        self.sent += len(data)
        self.record[1] += len(data)

    def taken(self):
        """A reset overtakes what the program's side has not got: wait until it has acknowledged all."""
        for _ in range(50):
            if not struct.unpack('I', fcntl.ioctl(self.client, termios.TIOCOUTQ, b'\0' * 4))[0]:
                return
            time.sleep(.001)


class Mysql(Connection):
    def up(self):
        prepared = ''
        while True:
            head = self.read(4)
            packet = head + self.read(int.from_bytes(head[:3], 'little'))
            if head[3] != 0 or len(packet) == 4:
                self.server.sendall(packet)
                continue
            kind = packet[4]
            name, text = COMMANDS.get(kind, str(kind)), ' '.join(packet[5:165].decode('latin-1').split()) if kind in (3, 22) else ''
            prepared = text if kind == 22 else prepared
            name = f"{name} {text or prepared if kind in (3, 22, 23, 250) else ''}".strip()  # what was prepared last is what is carried out
            rule, self.record = self.wire.count(name, packet)
            if rule is not None:
                self.broken(rule, packet)
            else:
                self.server.sendall(packet)

    def whole(self, packet):
        """The command and, where it is longer than a packet can be, what follows of it."""
        self.server.sendall(packet)
        while packet[:3] == b'\xff\xff\xff':
            head = self.read(4)
            packet = head + self.read(int.from_bytes(head[:3], 'little'))
            self.server.sendall(packet)

    def broken(self, rule, packet):
        if rule.action == 'answer':
            self.rule, self.sent = rule, 0
            self.server.sendall(packet)
            return
        self.wire.fire(self.record[0])
        if rule.action == 'half':
            self.server.sendall(packet[:-1])
        elif rule.action == 'after':  # the server works on what it has, then sees the end
            self.mute = True
            self.whole(packet)
            self.server.shutdown(socket.SHUT_WR)
            self.drain()
        elif rule.action == 'late':
            self.mute = True
            close(self.client, reset=True)
            time.sleep(rule.ms / 1000)
            self.server.sendall(packet)
            self.server.shutdown(socket.SHUT_WR)
            self.drain()
        elif rule.action == 'stall':
            self.wire.hold(self)
            self.server.sendall(packet)
            return
        elif rule.action == 'error':
            if rule.n != 0:
                self.swallow = threading.Event()
                self.whole(packet)
                self.swallow.wait(60)
                self.swallow = None
            text = struct.pack('<BH', 255, rule.code) + b'#HY000injected'
            self.client.sendall(len(text).to_bytes(3, 'little') + b'\1' + text)
            return
        elif rule.action == 'call':
            rule.call()
            self.server.sendall(packet)
            return
        self.cut()


class Http(Connection):
    def up(self):
        while True:
            while b'\r\n\r\n' not in self.got:
                more = self.client.recv(65536)
                if not more:
                    return
                self.got += more
            head = self.read(self.got.index(b'\r\n\r\n') + 4)
            size = re.search(rb'(?i)\r\ncontent-length:\s*(\d+)', head)
            body = self.read(int(size.group(1))) if size else b''
            rule, self.record = self.wire.count(head.split(b'\r\n')[0].decode('latin-1'), head)
            self.rule, self.sent = rule, 0
            if rule is not None and rule.action in ('status', 'refuse'):
                self.wire.fire(self.record[0])
                if rule.action == 'refuse':
                    self.cut()
                text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{S3_CODES[rule.code]}</Code><Message>injected</Message></Error>'
                self.client.sendall(f'HTTP/1.1 {rule.code} Injected\r\nContent-Type: application/xml\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}'.encode())
                return
            self.server.sendall(head + body)


class Rule:
    def __init__(self, action, at=1, n=None, text=None, ms=0, call=None, code=503, every=False):
        self.action, self.at, self.n, self.text, self.ms, self.call, self.code, self.every, self.done = action, at, n, text, ms, call, code, every, False


class Wire:
    def __init__(self, kind, upstream):
        self.kind, self.upstream = {'mysql': Mysql, 'http': Http}[kind], upstream
        self.lock, self.connections = threading.Lock(), set()
        self.arm()
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.accepting = threading.Thread(target=self.accept, daemon=True)
        self.accepting.start()

    def connect(self):
        if isinstance(self.upstream, str):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.connect(self.upstream)
            return s
        return socket.create_connection(('127.0.0.1', self.upstream))

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            c = self.kind(self, client)
            self.connections.add(c)
            self.opened.set()
            threading.Thread(target=c.life, daemon=True).start()

    def arm(self, action=None, **rule):
        """From now on: counts from nothing; one rule, or none."""
        with self.lock:
            self.rule = Rule(action, **rule) if action else None
            self.records, self.fired, self.fires, self.matches = [], None, 0, 0
            self.let_go, self.is_held, self.opened = threading.Event(), threading.Event(), threading.Event()

    def disarm(self):
        with self.lock:
            self.rule = None

    @property
    def seen(self):
        return [name for name, _ in self.records]

    def count(self, name, data):
        """A command comes: the rule, if it is the one, and its record, [name, bytes of the answer]."""
        with self.lock:
            record = [name, 0]
            self.records.append(record)
            r = self.rule
            if r is None or (r.text is not None and not (r.text in data if isinstance(r.text, bytes) else r.text.search(data))):
                return None, record
            self.matches += 1
            if r.every:
                return Rule(r.action, n=r.n, ms=r.ms, call=r.call, code=r.code), record
            return (r if self.matches == r.at else None), record

    def fire(self, name):
        with self.lock:
            self.fires += 1
            self.fired = self.fired or name

    def hold(self, connection):
        let_go = self.let_go
        self.is_held.set()
        while not let_go.wait(.05):
            if connection.over.is_set():
                raise Cut

    def release(self):
        self.let_go.set()

    def calm(self):
        """Nothing of the past goes on: what is held is let go, every connection ended."""
        self.disarm()
        for c in list(self.connections):
            c.end()
        self.let_go.set()

    def close(self):
        # its thread has left the listener before that is closed: it would go on with whatever gets the same descriptor
        self.listener.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        self.listener.close()
        self.calm()

"""Servers that receive what orch sends: mail (aiosmtpd), webhooks and pings (HTTP). Real sockets on free ports, in threads.

    mail = MailServer()                  # mail.url, mail.got: list of Mail(to, message, raw), in order
    mail = MailServer(tls='starttls', certs=DIR, user='u', password='p')
    mail.refuse = {'bob@x.org': '550 5.1.1 no such user'}     # by recipient; '*' all, at RCPT
    mail.mode = 'ok' | 'hang' | 'data554' (refuses after DATA) | 'drop' (closes after it has taken a message)
    hook = HttpServer()                  # hook.url, hook.got: list of Request(method, path, headers, body)
    hook.status = 500                    # or a list, one an answer; hook.mode = 'hang' | 'drip' | 'ok'
    server.stop(); server.start()        # the same port: connection refused between

Only the standard library, and aiosmtpd from Debian's packages for mail.
"""
import collections, email, email.policy, http.server, socket, ssl, threading, time

Mail = collections.namedtuple('Mail', 'to sender message raw')
Request = collections.namedtuple('Request', 'method path headers body')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def server_context(certs, name):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(f'{certs}/{name}.pem', f'{certs}/{name}.key')
    return c


class HttpServer:
    def __init__(self, certs=None, cert='server', host='127.0.0.1'):
        self.got, self.status, self.mode, self.headers = [], 200, 'ok', {}
        self.port, self.certs, self.cert = free_port(), certs, cert
        self.url = f'{"https" if certs else "http"}://{host}:{self.port}/hook'
        self.release = threading.Event()
        self.start()

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def answer(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                if outer.mode == 'hang':
                    outer.release.wait(60)
                    return
                outer.got.append(Request(self.command, self.path, dict(self.headers), body))
                if outer.mode == 'drip':
                    for byte in b'HTTP/1.1 200 OK\r\nX: ' + b'y' * 600:
                        if outer.release.wait(0.1):
                            break
                        try:
                            self.wfile.write(bytes([byte]))
                        except OSError:
                            break
                    self.close_connection = True
                    return
                status = outer.status.pop(0) if isinstance(outer.status, list) and outer.status else outer.status
                self.send_response(status if isinstance(status, int) else 200)
                for k, v in outer.headers.items():
                    self.send_header(k, v)
                self.send_header('Content-Length', '2')
                self.end_headers()
                self.wfile.write(b'ok')

            do_GET = do_POST = do_HEAD = answer

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request, address):
                pass

        self.release.clear()
        self.server = Server(('127.0.0.1', self.port), Handler)
        if self.certs:
            self.server.socket = server_context(self.certs, self.cert).wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.02}, daemon=True)
        self.thread.start()

    def stop(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()

    def take(self):
        """What came since the last take."""
        got, self.got = self.got, []
        return got


class MailServer:
    def __init__(self, tls=None, certs=None, cert='server', user=None, password=None):
        self.got, self.refuse, self.mode = [], {}, 'ok'
        self.port, self.tls, self.certs, self.cert, self.user, self.password = free_port(), tls, certs, cert, user, password
        self.url = f'{"smtps" if tls == "tls" else "smtp"}://localhost:{self.port}'
        self.logins = []
        self.start()

    def start(self):
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult, SMTP
        outer = self
        import asyncio

        class Handler:
            async def handle_EHLO(self, server, session, envelope, hostname, responses):
                session.host_name = hostname
                if outer.mode == 'hang':
                    await asyncio.sleep(60)
                return responses

            async def handle_RCPT(self, server, session, envelope, address, options):
                no = outer.refuse.get(address) or outer.refuse.get('*')
                if no:
                    return no
                envelope.rcpt_tos.append(address)
                return '250 OK'

            async def handle_DATA(self, server, session, envelope):
                if outer.mode == 'data554':
                    return '554 5.7.1 not that message'
                if outer.mode == 'data451':
                    return '451 4.3.0 try later'
                raw = bytes(envelope.content)
                for to in envelope.rcpt_tos:
                    outer.got.append(Mail(to, envelope.mail_from, email.message_from_bytes(raw, policy=email.policy.default), raw))
                if outer.mode == 'drop':
                    server.transport.abort()
                    return '421 gone'
                return '250 OK'

        def authenticate(server, session, envelope, mechanism, data):
            login, password = data.login.decode(), data.password.decode()
            outer.logins.append((mechanism, login))
            return AuthResult(success=(login, password) == (outer.user, outer.password), handled=False)

        context = server_context(self.certs, self.cert) if self.certs else None

        class Our(Controller):
            def factory(self):
                return SMTP(self.handler, hostname='mx.test', tls_context=context if outer.tls == 'starttls' else None,
                            require_starttls=outer.tls == 'starttls', authenticator=authenticate if outer.user else None,
                            auth_required=outer.user is not None, auth_require_tls=outer.tls is not None and outer.tls != 'tls')

        self.controller = Our(Handler(), hostname='127.0.0.1', port=self.port, ssl_context=context if self.tls == 'tls' else None,
                              ready_timeout=20)
        self.controller.start()

    def stop(self):
        self.controller.stop()

    def take(self):
        got, self.got = self.got, []
        return got


class Silent:
    """Takes connections and says nothing, for ever."""

    def __init__(self):
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]

    def stop(self):
        self.socket.close()


def deaf_port():
    """A port that refuses."""
    return free_port()

#!/usr/bin/env python3
"""faultproxy.py PORT|0 HOST:PORT RULES [LOG]: a proxy on 127.0.0.1 that breaks connections on purpose.

Prints its port when it is ready. RULES is a file, read again whenever it changes (counts then start anew):

    REGEX <tab> ACTION [ARGUMENT...] [<tab> COUNT]

The first line whose REGEX is found and whose COUNT is not used up decides. REGEX is searched in the request
line ("GET /bucket/key?x HTTP/1.1"), for each request of a connection, or in "TCP" for a connection that is not
HTTP (MySQL). Without COUNT a rule holds for ever. Byte numbers count the response from its first byte, headers
included; for TCP they count what the server sent on this connection.

    delay MS          waits before the request (the connection) is passed on
    status CODE [S3]  answers at once with an S3 error document
    reset N           after N bytes of the response a TCP reset, as a dying host sends
    truncate N        after N bytes a proper end of the connection
    stall N           after N bytes silence; the connection stays open
    throttle RATE     at most RATE bytes a second
    corrupt N         flips the lowest bit of byte N (from 0) of the response
    resetreq N        a reset after N bytes of the request
    corruptreq N      flips the lowest bit of byte N (from 0) of the request
    lostreq TEXT      a reset instead of passing on the packet that holds TEXT ("COMMIT" never arrived)
    lostreply TEXT    passes that packet on, waits for the answer, drops it and resets ("COMMIT" was done, and
                      nobody was told)

LOG gets a line "REQUEST -> ACTION" for each rule applied. Only the standard library is used.
"""

import asyncio
import os
import re
import socket
import struct
import sys

CHUNK = 16384
TEXT_RULES = ("lostreq", "lostreply")
REQUEST = re.compile(rb"[A-Z]{3,7} \S+ HTTP/1\.[01]\r\n")


class Rules:
    def __init__(self, path, log):
        self.path, self.log = path, log
        self.seen, self.rules = None, []

    def load(self):
        try:
            st = os.stat(self.path)
        except OSError:
            self.seen, self.rules = None, []
            return
        stamp = (st.st_ino, st.st_mtime_ns, st.st_size)
        if stamp == self.seen:
            return
        self.seen, self.rules = stamp, []
        with open(self.path, encoding="utf-8") as f:
            for line in f.read().splitlines():
                if not line.strip() or line.startswith("#"):
                    continue
                fields = line.split("\t")
                count = int(fields[2]) if len(fields) > 2 else float("inf")
                self.rules.append([re.compile(fields[0]), fields[1].split(), count])

    def find(self, name, data=None):
        """The action for a request, or, given bytes, for the packet that they are."""
        self.load()
        for rule in self.rules:
            pattern, action, left = rule
            about_text = action[0] in TEXT_RULES
            if left < 1 or about_text != (data is not None) or not pattern.search(name):
                continue
            if about_text and action[1].encode() not in data:
                continue
            rule[2] -= 1
            print(f"{name} -> {' '.join(action)}", file=self.log, flush=True)
            return action
        return None


class Broken(Exception):
    """The connection was broken on purpose; nothing is left to do."""


class Connection:
    def __init__(self, rules, client, server):
        self.rules = rules
        self.client_in, self.client_out = client
        self.server_in, self.server_out = server
        self.action, self.sent, self.received = None, 0, 0
        self.http = None  # not known until somebody speaks
        self.drop_reply = False
        self.client_done = asyncio.Event()

    def number(self):
        return int(self.action[1])

    def doing(self, *names):
        return self.action is not None and self.action[0] in names

    def reset(self):
        sock = self.client_out.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client_out.transport.abort()
        self.server_out.transport.abort()
        raise Broken

    async def begin(self, name):
        """A new request, or the whole of a connection that is not HTTP."""
        self.action, self.sent, self.received = self.rules.find(name), 0, 0
        if self.doing("delay"):
            await asyncio.sleep(self.number() / 1000)
        if self.doing("status"):
            code = self.action[2] if len(self.action) > 2 else "InternalError"
            body = (
                '<?xml version="1.0" encoding="UTF-8"?>\n'
                f"<Error><Code>{code}</Code><Message>injected</Message></Error>"
            )
            self.client_out.write(
                f"HTTP/1.1 {self.number()} Injected\r\nContent-Type: application/xml\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
            )
            await self.client_out.drain()
            self.server_out.transport.abort()
            await self.linger()
            self.client_out.close()
            raise Broken

    async def linger(self):
        """Takes in what the client still sends, as servers do: a socket that is closed with bytes unread
        answers with a reset, which overtakes the answer."""
        self.client_out.write_eof()
        while await self.client_in.read(CHUNK):
            pass

    async def pass_request(self, data):
        if self.doing("resetreq") and self.received + len(data) >= self.number():
            self.server_out.write(data[: self.number() - self.received])
            await self.server_out.drain()
            self.reset()
        if self.doing("corruptreq") and self.received <= self.number() < self.received + len(data):
            data = bytearray(data)
            data[self.number() - self.received] ^= 1
            data = bytes(data)
        self.received += len(data)
        lost = self.rules.find("TCP" if not self.http else "HTTP", data)
        if lost is not None and lost[0] == "lostreq":
            self.reset()
        self.drop_reply = lost is not None
        self.server_out.write(data)
        await self.server_out.drain()

    async def read_head(self, data):
        while b"\r\n\r\n" not in data:
            more = await self.client_in.read(CHUNK)
            if not more:
                break
            data += more
        return data

    async def requests(self, data):
        """HTTP: finds where each request of a kept connection begins."""
        while data:
            data = await self.read_head(data)
            head, _, _ = data.partition(b"\r\n\r\n")
            size = re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head)
            left = len(head) + 4 + (int(size.group(1)) if size else 0)
            await self.begin(head.split(b"\r\n")[0].decode("latin-1"))
            if re.search(rb"(?i)\r\ntransfer-encoding:", head):
                left = float("inf")  # the rest of the connection is this request's
            while left > 0 and data:
                part = data if left >= len(data) else data[:left]
                await self.pass_request(part)
                left -= len(part)
                data = data[len(part):] or (await self.client_in.read(CHUNK) if left > 0 else b"")
            data = data or await self.client_in.read(CHUNK)

    async def upward(self):
        data = await self.client_in.read(CHUNK)
        if self.http is None:
            self.http = bool(REQUEST.match(data))
            if not self.http:
                await self.begin("TCP")
        if self.http:
            await self.requests(data)
        else:
            while data:
                await self.pass_request(data)
                data = await self.client_in.read(CHUNK)
        self.client_done.set()
        self.server_out.write_eof()

    async def downward(self):
        while True:
            data = await self.server_in.read(CHUNK)
            if not data:
                break
            if self.http is None:  # the server spoke first
                self.http = False
                await self.begin("TCP")
            if self.drop_reply:
                self.reset()
            if self.doing("reset", "truncate", "stall") and self.sent + len(data) >= self.number():
                self.client_out.write(data[: self.number() - self.sent])
                await self.client_out.drain()
                await asyncio.sleep(0.05)  # a reset overtakes what the client has not read yet
                if self.action[0] == "stall":
                    await self.client_done.wait()
                elif self.action[0] == "reset":
                    self.reset()
                break
            if self.doing("corrupt") and self.sent <= self.number() < self.sent + len(data):
                data = bytearray(data)
                data[self.number() - self.sent] ^= 1
            if self.doing("throttle"):
                await asyncio.sleep(len(data) / self.number())
            self.client_out.write(data)
            await self.client_out.drain()
            self.sent += len(data)
        self.client_out.close()
        self.server_out.transport.abort()


async def serve(port, upstream, rules):
    host, _, target = upstream.rpartition(":")

    async def accept(client_in, client_out):
        try:
            server = await asyncio.open_connection(host, int(target), limit=CHUNK)
        except OSError:
            client_out.transport.abort()
            return
        for writer in (client_out, server[1]):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(rules, (client_in, client_out), server)
        up, down = asyncio.ensure_future(connection.upward()), asyncio.ensure_future(connection.downward())
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        if up.done() and up.exception() is None:
            await asyncio.wait((down,))  # the client has said all; the answer may still be on its way
        for task in (up, down):
            task.cancel()
        for outcome in await asyncio.gather(up, down, return_exceptions=True):
            if not isinstance(outcome, (type(None), Broken, OSError, asyncio.CancelledError)):
                print(f"faultproxy: {outcome!r}", file=sys.stderr, flush=True)
        client_out.close()
        server[1].transport.abort()

    listener = await asyncio.start_server(accept, "127.0.0.1", port, limit=CHUNK)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    log = open(sys.argv[4], "a", encoding="utf-8") if len(sys.argv) == 5 else sys.stderr
    try:
        asyncio.run(serve(int(sys.argv[1]), sys.argv[2], Rules(sys.argv[3], log)))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()

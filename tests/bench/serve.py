"""./dev bench serve: rows over HTTP, each case paired with a C client that does the same INSERT itself (tests/bench/rows.c).

    serve/json, csv     batches of 1,000 rows of the credit shape on one connection, against array-bound INSERTs of 1,000 rows and COMMIT
    serve/key           JSON as before, each batch with an Idempotency-Key
    serve/single        rows one by one on 16 connections, by JSON, against INSERT and COMMIT on 16 connections
    serve/soak          everything at once for ORCH_BENCH_SOAK seconds (600): memory and descriptors at its end as at its beginning; not run
                        unless it is named

MariaDB with innodb_flush_log_at_trx_commit=1. A ratio below 0.6, or a soak that grows, ends with exit status 1.
"""

import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import threading
import time

from harness import COLUMNS, ORCH, TOP, command, fail, rounds

ROWS = int(os.environ.get("ORCH_BENCH_SERVE_ROWS", 50000))
SINGLES = int(os.environ.get("ORCH_BENCH_SERVE_SINGLES", 4000))
SOAK = float(os.environ.get("ORCH_BENCH_SOAK", 600))
MUST = 0.6


class Serving:
    def __init__(self, bench):
        self.bench = bench
        bench.mariadb()
        self.client = bench.path("rows")
        flags = command("pkg-config", "--cflags", "--libs", "libmariadb").split()
        command("cc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-o", self.client, os.path.join(TOP, "tests/bench/rows.c"), *flags, "-pthread")
        self.folder = bench.world("mysql")
        path = os.path.join(self.folder, "orch.json")
        with open(path, encoding="utf-8") as f:
            config = json.load(f)
        del config["pipelines"]
        config["tables"] = {"ours": {"connection": "warehouse", "csv": {"null": ["NA"]}},
                            "soaked": {"connection": "warehouse", "order": ["v", "t"]}}
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f)
        bench.sql(f"CREATE TABLE ours ({COLUMNS}) ENGINE=InnoDB; CREATE TABLE theirs ({COLUMNS}) ENGINE=InnoDB")
        bench.orch(self.folder, "target", "setup")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.log = open(bench.path("serve.log"), "wb")
        self.process = subprocess.Popen([ORCH, "serve", "--allow-write", "--listen", f"127.0.0.1:{self.port}"], cwd=self.folder, env=bench.env,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        for _ in range(1000):
            if self.process.poll() is not None:
                fail(f"orch serve ended: see {bench.path('serve.log')}")
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                time.sleep(0.01)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def file(self, count):
        path = self.bench.path(f"credit-{count}.csv")
        if not os.path.exists(path):
            self.bench.generate(path, count)
        return path

    def expect(self, table, count):
        got = int(self.bench.sql(f"SELECT COUNT(*) FROM {table}"))
        if got != count:
            fail(f"{table} has {got} rows, not {count}")

    def ours(self, way, connections, batch, count):
        self.bench.sql("TRUNCATE ours")
        seconds = float(command(self.client, way, str(connections), str(batch), self.file(count), str(self.port), "/v1/tables/ours/rows"))
        self.expect("ours", count)
        return seconds

    def theirs(self, connections, batch, count):
        self.bench.sql("TRUNCATE theirs")
        seconds = float(command(self.client, "direct", str(connections), str(batch), self.file(count), str(self.bench.port), "loader", "secret", "theirs"))
        self.expect("theirs", count)
        return seconds

    def paired(self, name, way, connections, batch, count):
        ours, theirs = (lambda: self.ours(way, connections, batch, count)), (lambda: self.theirs(connections, batch, count))
        ours(), theirs()  # once to warm up
        a, b = [], []
        for i in range(rounds(7)):
            for side in (0, 1) if i % 2 == 0 else (1, 0):
                (b.append(theirs()) if side else a.append(ours()))
        ratios = [y / x for x, y in zip(a, b)]
        figure = statistics.median(ratios)
        print(f"serve/{name:<10} orch {count / statistics.median(a):9.0f} rows/s   yardstick {count / statistics.median(b):9.0f} rows/s   "
              f"speed {figure:.3f}  (from {min(ratios):.3f} to {max(ratios):.3f}, {len(ratios)} rounds; must {MUST})", flush=True)
        return figure >= MUST

    def used(self):
        """Resident KiB, descriptors, threads."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            fields = dict(line.split(":", 1) for line in f)
        return int(fields["VmRSS"].split()[0]), len(os.listdir(f"/proc/{self.process.pid}/fd")), int(fields["Threads"])


def soak(s):
    end, counts, wrong = time.monotonic() + SOAK, [0] * 8, []
    s.bench.sql("CREATE TABLE IF NOT EXISTS soaked (n BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT, t VARCHAR(100)) ENGINE=InnoDB")

    def client(k):
        c, i = http.client.HTTPConnection("127.0.0.1", s.port, timeout=60), 0
        while time.monotonic() < end and not wrong:
            i += 1
            try:
                if i % 50 == 0:  # as clients come and go
                    c.close()
                size = (1, 1, 10, 1000)[i % 4]
                lines = [f"{n % 100},{'x' * 20}" if n % 97 else f"no number,{n}" for n in range(1, size + 1)]
                what = (i + k) % 6
                if what == 0:
                    c.request("GET", "/v1/tables/soaked/rows?limit=100")
                elif what == 1:
                    c.request("POST", "/v1/tables/soaked/rows", b'[{"v":1', {"Content-Type": "application/json"})
                elif what == 2:
                    c.request("GET", "/metrics")
                else:
                    head = {"Content-Type": "text/csv"}
                    if what == 3:
                        head["Idempotency-Key"] = f"{k}-{i}"
                    c.request("POST", "/v1/tables/soaked/rows?mode=" + ("atomic" if what == 4 else "partial"), "\n".join(lines) + "\n", head)
                r = c.getresponse()
                r.read()
                if r.status >= 500 and what != 2:
                    wrong.append(f"request {what}: status {r.status}")
                counts[k] += 1
            except OSError as e:
                wrong.append(repr(e))

    threads = [threading.Thread(target=client, args=(k,)) for k in range(8)]
    [t.start() for t in threads]
    samples, began = [], time.monotonic()
    while time.monotonic() < end:
        time.sleep(min(1.0, SOAK / 60))
        samples.append(s.used())
        if len(samples) % 60 == 0:
            s.bench.sql("DELETE FROM soaked; DELETE FROM orch_intake_reject; DELETE FROM orch_intake")
    [t.join() for t in threads]
    quarter = samples[len(samples) // 4:len(samples) // 2], samples[3 * len(samples) // 4:]
    (rss0, fds0), (rss1, fds1) = [(statistics.median(x[0] for x in q), max(x[1] for x in q)) for q in quarter]
    good = not wrong and rss1 - rss0 < max(2048, rss0 * 0.05) and fds1 <= fds0 + 2
    print(f"serve/soak       {sum(counts)} requests in {time.monotonic() - began:.0f} s: memory {rss0 / 1024:.1f} MiB in its second quarter, {rss1 / 1024:.1f} MiB in its last; "
          f"descriptors {fds0}, {fds1}{''.join('; ' + x for x in wrong[:3])}: {'flat' if good else 'NOT FLAT'}", flush=True)
    return good


CASES = {
    "json": lambda s: s.paired("json", "json", 1, 1000, ROWS),
    "csv": lambda s: s.paired("csv", "csv", 1, 1000, ROWS),
    "key": lambda s: s.paired("key", "json-key", 1, 1000, ROWS),
    "single": lambda s: s.paired("single", "json", 16, 1, SINGLES),
    "soak": soak,
}


def run(bench, names, _):
    s = Serving(bench)
    try:
        return 0 if all([CASES[name](s) for name in names]) else 1
    finally:
        s.close()

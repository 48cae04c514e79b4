"""./dev bench extract: tables out of MariaDB into radosgw, each case paired with its yardstick in one run, as in ingest.py.

The tables are loaded once and lie in the server's memory. A run is the whole process: plan, snapshot, rows, their count against the
snapshot, upload, manifest, state. The yardsticks write to a local disk.
"""

import json
import os
import shutil
import subprocess

from harness import COLUMNS, ORCH, TOP, command, fail
from ingest import S3_KEYS, Ingest, Side, clean_file, run_cases

ROWS = int(os.environ.get("ORCH_BENCH_EXTRACT_ROWS", 3000000))
BUCKET = "extracts"
WIRE = 60_000_000  # bytes a second and connection, where the store is elsewhere


class Extract(Ingest):
    def __init__(self, bench):
        super().__init__(bench)
        self.mariadb()
        self.radosgw().client.make_bucket(BUCKET)
        self.there = set()
        self.wire = self.wired = None

    def far(self):
        """The store, as one that gives each connection its share and no more."""
        if self.wire is None:
            program = self.bench.path("wire")
            command("cc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-pthread", "-o", program, os.path.join(TOP, "tests/bench/wire.c"))
            self.wire = subprocess.Popen([program, self.store.endpoint.rsplit(":", 1)[1], str(WIRE)], stdout=subprocess.PIPE, text=True)
            self.wired = f"http://127.0.0.1:{self.wire.stdout.readline().strip()}"
        return self.wired

    def table(self, name):
        """A table of the credit shape, loaded once."""
        if name in self.there:
            return
        self.there.add(name)
        self.db.sql(f"CREATE TABLE {name} ({COLUMNS}) ENGINE=InnoDB")
        command(*self.db.load_data(f"LOAD DATA LOCAL INFILE '{clean_file(self.bench, ROWS)}' INTO TABLE {name} FIELDS TERMINATED BY ','"))
        self.db.sql(f"ANALYZE TABLE {name}")
        self.expect(name, ROWS)

    def empty(self):
        """The bucket, and what the store keeps of removed objects until it collects them: it is in memory."""
        s3 = self.store.client
        for key in list(s3.keys(BUCKET, "")):
            s3.remove(BUCKET, key)
        command("radosgw-admin", "-c", self.bench.path("rgw", "ceph.conf"), "-n", "client.rgw", "gc", "process", "--include-all")

    def orch(self, tables, name="orch", endpoint=None, **keys):
        for table in tables:
            self.table(table)
        folder = self.bench.path(f"extract-{name.replace(' ', '-')}")
        config = {"state": "orch.db",
                  "connections": {"lake": {"url": f"s3://{BUCKET}/", "region": "us-east-1", "path_style": True, "endpoint": endpoint or self.store.endpoint},
                                  "warehouse": {"url": f"mysql://loader@127.0.0.1:{self.bench.port}/w", "password_file": "db.secret", "tls": "off"}},
                  "extracts": {"loans": {"schedule": "", "source": {"connection": "warehouse"}, "target": {"connection": "lake"},
                                         "tables": [{"table": t} for t in tables], **keys}}}

        def prepare():
            self.empty()
            shutil.rmtree(folder, ignore_errors=True)
            os.mkdir(folder)
            with open(os.open(os.path.join(folder, "db.secret"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
                f.write("secret\n")
            with open(os.path.join(folder, "orch.json"), "w", encoding="utf-8") as f:
                json.dump(config, f)
            return [ORCH, "extract", "loans"], folder, {**self.bench.env, **S3_KEYS}

        def check():
            s3 = self.store.client
            keys = list(s3.keys(BUCKET, ""))
            told = [json.loads(s3.get(BUCKET, k)) for k in keys if k.endswith("_manifest.json")]
            if sorted((m["table"], m["rows"]) for m in told) != sorted((t, ROWS) for t in tables):
                fail(f"the manifests tell of {[(m['table'], m['rows']) for m in told]}")
            if any(part["key"] not in keys for m in told for part in m["parts"]):
                fail("a part is not there")

        return Side(name, prepare, check)

    def yardstick(self, name, argv, path):
        """A command that makes a file of the table's rows; what stands before them (a header) is not minded."""
        def prepare():
            if os.path.exists(path):
                os.unlink(path)
            return argv, None, None

        def check():
            with open(path, "rb") as f:
                rows = sum(block.count(b"\n") for block in iter(lambda: f.read(1 << 20), b""))
            if rows not in (ROWS, ROWS + 1):
                fail(f"{path} has {rows} lines, not {ROWS}")

        return Side(name, prepare, check)

    def dump_tab(self):
        """The server writes the file itself, so its folder must be the server's too."""
        folder = self.bench.path("tab")
        os.makedirs(folder, exist_ok=True)
        return self.yardstick("mariadb-dump --tab", ["mariadb-dump", "--no-defaults", "-uroot", "-S", self.bench.path("mariadb", "sock"),
                                                     "--single-transaction", f"--tab={folder}", "w", "loans"], os.path.join(folder, "loans.txt"))

    def batch(self):
        path = self.bench.path("batch.tsv")
        client = self.bench.client("-B", "-e", "SELECT * FROM loans")
        return self.yardstick("mariadb -B", ["sh", "-c", 'to=$1; shift; exec "$@" >"$to"', "sh", path, *client], path)


def plain(e):
    e.paired("plain", 1.5, None, e.orch(["loans"]), [e.dump_tab()])


def batch(e):
    e.paired("batch", 3, None, e.orch(["loans"]), [e.batch()])


def packed(e):
    e.paired("gzip", 0.7, None, e.orch(["loans"], compress="gzip", level=1), [e.dump_tab()])


def two(e):
    both = ["loans", "loans2"]
    e.paired("two", 1.3, None, e.orch(both, "orch at once", parallel=2), [e.orch(both, "one after the other", parallel=1)], note=f"2 x {ROWS} rows")


def two_far(e):
    both, far = ["loans", "loans2"], e.far()
    e.paired("two-far", 1.3, None, e.orch(both, "orch at once", far, parallel=2), [e.orch(both, "one after the other", far, parallel=1)],
             note=f"2 x {ROWS} rows; {WIRE // 1000000} MB/s a connection")


def memory(e):
    both = ["loans", "loans2"]
    e.within("memory plain", e.orch(["loans"]), 64 + 16, f"{ROWS} rows")
    e.within("memory gzip", e.orch(["loans"], compress="gzip", level=1), 64 + 16, f"{ROWS} rows")
    e.within("memory two", e.orch(both, parallel=2), 64 + 32, f"2 x {ROWS} rows")
    e.within("memory two gzip", e.orch(both, parallel=2, compress="gzip", level=1), 64 + 32, f"2 x {ROWS} rows")


CASES = {"plain": plain, "batch": batch, "gzip": packed, "two": two, "two-far": two_far, "memory": memory}


def run(bench, names, md=None):
    return run_cases("extract", CASES, names, Extract(bench), ROWS, md)

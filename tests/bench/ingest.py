"""./dev bench ingest: the speed and memory of loading, each case paired with its yardstick in one run.

A round runs every side of a case once, into fresh tables, in an order that turns round from one round to the next; the figure is
the median of the rounds' own ratios yardstick / orch. Before a run the machine is waited for until it is quiet, and a run
that others disturbed is done again; both have an end, and what stayed disturbed is counted in the table.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections import namedtuple

from harness import COLUMNS, ORCH, SERVERS, TOP, command, fail

ROWS = int(os.environ.get("ORCH_BENCH_ROWS", 1000000))
QUIET = 0.35  # cores that others may use while a run is waited for
DISTURBED = 0.5  # and while it goes on
PATIENCE = float(os.environ.get("ORCH_BENCH_PATIENCE", 40))  # seconds a case waits for quiet, in all; then it takes what it gets
AGAIN = 2  # runs that are repeated at most, for one that counts, while patience is left
HZ = os.sysconf("SC_CLK_TCK")
S3_KEYS = {"AWS_ACCESS_KEY_ID": "orch-test-access-key", "AWS_SECRET_ACCESS_KEY": "orch-test-secret/with+both=signs"}

Sample = namedtuple("Sample", "seconds client server store peak_mib others")
# name; prepare() gives (argv, folder, environment); check() fails where the rows are not there
Side = namedtuple("Side", "name prepare check")
Row = namedtuple("Row", "case against must reach rounds ratios ours theirs note")


class Refused(Exception):
    """The command of a side failed; what it said."""


# --- the clock -----------------------------------------------------------------------------------------------


def machine_busy():
    """CPU seconds that all of the machine has worked."""
    with open("/proc/stat", encoding="ascii") as f:
        fields = [int(x) for x in f.readline().split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / HZ


def cpu_of(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / HZ


def wait_for_quiet(seconds):
    """Seconds that are left of those."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        busy, start = machine_busy(), time.monotonic()
        time.sleep(0.3)
        if (machine_busy() - busy) / (time.monotonic() - start) < QUIET:
            return end - start  # a quiet machine costs nothing
    return 0.0


def pid_of(folder, name):
    with open(os.path.join(folder, name + ".pid"), encoding="ascii") as f:
        return int(f.read().split()[0])


class Clock:
    """Runs commands; knows the servers whose CPU is told apart from that of strangers."""

    def __init__(self, bench):
        self.bench = bench
        self.program = bench.path("clocked")
        self.servers, self.stores = [], []
        self.disturbed, self.patience = 0, PATIENCE
        command("cc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-o", self.program, os.path.join(TOP, "tests/bench/clocked.c"))

    def run(self, argv, cwd=None, env=None):
        report, talk = self.bench.path("report"), self.bench.path("talk")
        busy, server, store = machine_busy(), cpu_of(self.servers), cpu_of(self.stores)
        with open(talk, "wb") as out:
            subprocess.run([self.program, report, *argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, env=env, check=True)
        server, store = cpu_of(self.servers) - server, cpu_of(self.stores) - store
        with open(report, encoding="ascii") as f:
            wall, user, system, peak, status = f.read().split()
        busy, client, wall = machine_busy() - busy, float(user) + float(system), float(wall)
        if int(status) != 0:
            with open(talk, encoding="utf-8", errors="replace") as f:
                raise Refused(f"{' '.join(argv)[:200]}: status {os.waitstatus_to_exitcode(int(status))}: {f.read().strip()}")
        return Sample(wall, client, server, store, int(peak) / 1024, max(0.0, busy - client - server - store) / wall)

    def one(self, side):
        """A run that was not disturbed, or the last of those that may be tried."""
        for left in range(AGAIN, -1, -1):
            argv, cwd, env = side.prepare()
            self.patience = wait_for_quiet(self.patience)
            sample = self.run(argv, cwd, env)
            side.check()
            if sample.others < DISTURBED:
                break
            if left == 0 or self.patience <= 0:
                self.disturbed += 1
                break
        return sample

    def rounds(self, sides, count):
        """The samples of each side, by name."""
        self.disturbed, self.patience = 0, PATIENCE
        samples = {side.name: [] for side in sides}
        for side in sides:  # once to warm up
            argv, cwd, env = side.prepare()
            self.run(argv, cwd, env)
            side.check()
        for i in range(count):
            for side in sides if i % 2 == 0 else reversed(sides):
                samples[side.name].append(self.one(side))
        return samples


def rounds(default):
    return int(os.environ.get("ORCH_BENCH_ROUNDS", default))


# --- data ----------------------------------------------------------------------------------------------------


def raw_file(bench, count=ROWS):
    path = bench.path(f"raw-{count}.csv")
    if not os.path.exists(path):
        bench.generate(path, count)
    return path


def clean_file(bench, count=ROWS, null=b"\\N"):
    """The same without header, and NA as the loader wants NULL."""
    path = bench.path(f"clean-{count}-{'null' if null else 'empty'}.csv")
    if not os.path.exists(path):
        with open(raw_file(bench, count), "rb") as f, open(path, "wb") as to:
            next(f)
            to.writelines(line.replace(b",NA", b"," + null) for line in f)
    return path


def cut(bench, count, pieces):
    """The raw file in so many pieces, each with the header; made once."""
    folder = bench.path(f"pieces-{count}-{pieces}")
    paths = [os.path.join(folder, f"{i:06}.csv") for i in range(pieces)]
    if not os.path.exists(folder):
        os.makedirs(folder)
        with open(raw_file(bench, count), "rb") as f:
            header = next(f)
            for i, path in enumerate(paths):
                with open(path, "wb") as to:
                    to.write(header)
                    to.writelines(next(f) for _ in range(count * (i + 1) // pieces - count * i // pieces))
    return paths


class Store:
    """radosgw, once; a bucket per set of files."""

    def __init__(self, bench):
        base = command(os.path.join(SERVERS, "ports.sh"), str(os.getpid()), env=bench.env).strip()
        script, folder = os.path.join(SERVERS, "rgw.sh"), bench.path("rgw")
        bench.servers.append((script, folder))
        command(script, "start", folder, base, env=bench.env)
        self.endpoint = f"http://127.0.0.1:{base}"
        self.pids = [pid_of(folder, name) for name in ("radosgw", "osd", "mon")]
        self.sets = set()
        sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
        import s3
        self.client = s3.S3(self.endpoint)

    def upload(self, bucket, paths):
        if bucket in self.sets:
            return
        self.sets.add(bucket)
        self.client.make_bucket(bucket)

        def some(part):
            for path in part:
                with open(path, "rb") as f:
                    self.client.put(bucket, "incoming/yyyy=2022/mm=06/dd=05/hh=00/" + os.path.basename(path), f.read())

        crew = [threading.Thread(target=some, args=(paths[i::4],)) for i in range(4)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()

    def drop(self, bucket):
        for key in list(self.client.keys(bucket, "")):
            self.client.remove(bucket, key)
        self.client.request("DELETE", bucket)
        self.sets.remove(bucket)


class Maria:
    """MariaDB as the issue wants it: buffer pool 2 GB, log 1 GB, flush 1."""

    def __init__(self, bench):
        self.pid = pid_of(bench.mariadb(), "mariadb")
        self.warehouse = None  # as bench.world says
        self.sql = bench.sql
        self.load_data = lambda text: bench.client("--local-infile=1", "-e", text)


class Oracle:
    """Oracle's server of Debian sid, the same size. ORCH_BENCH_MYSQL9 names its folder, which is filled when it is empty."""

    def __init__(self, bench):
        self.script, folder = os.path.join(SERVERS, "mysql9.sh"), bench.path("oracle")
        self.root = os.environ.get("ORCH_BENCH_MYSQL9", os.path.join(os.environ.get("TMPDIR", "/tmp"), "mysql9"))
        if not os.path.exists(os.path.join(self.root, "usr/sbin/mysqld")):
            self.must("get", self.root)
        port = int(command(os.path.join(SERVERS, "ports.sh"), str(os.getpid()), env=bench.env))
        bench.servers.append((self.script, folder))
        self.must("start", self.root, folder, str(port), "--innodb-buffer-pool-size=2G", "--innodb-redo-log-capacity=1G",
                  "--local-infile=1", env=bench.env)
        self.pid = pid_of(folder, "mysqld")
        self.warehouse = {"url": f"mysql://root@127.0.0.1:{port}/w", "tls": "off"}
        self.client = [self.script, "exec", self.root, os.path.join(self.root, "usr/bin/mysql"), "--no-defaults", "-uroot", "-S",
                       os.path.join(folder, "sock")]
        command(*self.client, "-e", "CREATE DATABASE w")

    def must(self, *words, **kw):
        ran = subprocess.run([self.script, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
        if ran.returncode != 0:
            raise Refused(f"mysql9.sh {words[0]}: status {ran.returncode}: {ran.stdout.strip()[-500:]}")

    def sql(self, text):
        return command(*self.client, "-N", "-B", "-e", text, "w")

    def load_data(self, text):
        return [*self.client, "--local-infile=1", "-e", text, "w"]

    def build(self):
        """orch against Oracle's client library."""
        folder = os.path.join(TOP, "build", "mysql9-release")
        self.must("orch", self.root, folder)
        return [self.script, "exec", self.root, os.path.join(folder, "orch")]


# --- sides ---------------------------------------------------------------------------------------------------


class Ingest:
    def __init__(self, bench):
        self.bench = bench
        self.clock = Clock(bench)
        self.store = None
        self.servers, self.db = {}, None
        self.definition = None  # of the table that orch filled last
        self.rows = []
        self.failed = False

    def mariadb(self):
        self.use("mariadb", Maria)

    def use(self, name, kind):
        """The server of the sides that are made from now on."""
        if name not in self.servers:
            self.servers[name] = kind(self.bench)
            self.clock.servers.append(self.servers[name].pid)
        self.db = self.servers[name]
        return self.db

    def radosgw(self):
        if self.store is None:
            self.store = Store(self.bench)
            self.clock.stores += self.store.pids
        return self.store

    def tables(self, *more):
        self.db.sql("DROP TABLE IF EXISTS ours, theirs, orch_load, orch_fence; " + " ".join(more))

    def expect(self, table, count):
        got = self.db.sql(f"SELECT COUNT(*) FROM {table}").strip()
        if got != str(count):
            fail(f"{table} has {got} rows, not {count}")

    def configured(self, folder, pipeline, s3=None, warehouse=None):
        path = os.path.join(folder, "orch.json")
        with open(path, encoding="utf-8") as f:
            config = json.load(f)
        config["pipelines"]["loans"].update(pipeline)
        if warehouse is not None:
            config["connections"]["warehouse"] = warehouse
        if s3 is not None:
            config["pipelines"]["loans"]["source"]["settle"] = "0s"  # it was put there just now
            config["connections"]["lake"] = {"url": f"s3://{s3}/incoming/", "region": "us-east-1", "path_style": True,
                                             "endpoint": self.store.endpoint}
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f)

    def orch(self, kind, verify, name="orch", files=None, count=ROWS, bucket=None, pipeline=(),
             program=(ORCH,)):
        """orch run into MariaDB. kind: "none" (the user's table as it is), "added" (after lineage add), "keyed" (the user's
        columns with those of provenance, which are its key) or "made" (by orch)."""
        files = files or [raw_file(self.bench, count)]
        target = {"none": {"lineage": "none"}, "made": {"create": True}}.get(kind, {})
        columns = COLUMNS if kind != "keyed" else COLUMNS.replace(" PRIMARY KEY", "") + ", _orch_load_id BIGINT NOT NULL, " \
            "_orch_line BIGINT NOT NULL, PRIMARY KEY (_orch_load_id, _orch_line)"
        made = []

        def prepare():
            for folder in made:
                shutil.rmtree(folder, ignore_errors=True)
            self.tables(f"CREATE TABLE ours ({columns}) ENGINE=InnoDB" if kind != "made" else "")
            folder = self.bench.world("mysql", verify=verify, columns={"": "id"}, target_keys={"table": "ours", **target})
            made[:] = [folder]
            self.configured(folder, dict(pipeline), bucket, self.db.warehouse)
            env = {**self.bench.env, **(S3_KEYS if bucket else {})}
            for path in files if bucket is None else []:
                self.bench.put(folder, 0, path, os.path.basename(path))
            for words in (("target", "setup"), ("lineage", "add", "ours", "--pipeline", "loans"))[:2 if kind == "added" else 1]:
                self.said([*program, *words], folder, env)
            self.definition = self.db.sql("SHOW CREATE TABLE ours").split("\t", 1)[1].replace("\\n", "\n")
            return [*program, "run", "loans"], folder, env

        return Side(name, prepare, lambda: self.expect("ours", count))

    def said(self, argv, folder, env):
        ran = subprocess.run(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ran.returncode != 0:
            raise Refused(f"{' '.join(argv[1:])}: status {ran.returncode}: {ran.stderr.strip()}")

    def load_data(self, name="LOAD DATA", like_ours=False, count=ROWS):
        """The mariadb client and the clean file, into the plain table, or (like_ours) into one that is column for column
        and key for key what the other side of the case filled, provenance too: that side goes first."""
        names = ",".join(part.split()[0] for part in COLUMNS.replace("\n", " ").split(", "))
        load = f"LOAD DATA LOCAL INFILE '{clean_file(self.bench, count)}' INTO TABLE theirs FIELDS TERMINATED BY ',' " \
               f"LINES TERMINATED BY '\\n' ({names})"
        if like_ours:
            load = f"SET @n = 0; {load} SET _orch_load_id = 1, _orch_line = (@n := @n + 1)"

        def prepare():
            self.tables(self.definition.replace("`ours`", "`theirs`", 1) if like_ours else
                        f"CREATE TABLE theirs ({COLUMNS}) ENGINE=InnoDB")
            return self.db.load_data(load), None, None

        return Side(name, prepare, lambda: self.expect("theirs", count))

    def paired(self, case, must, reach, ours, yardsticks, default=7, note=""):
        """The first yardstick is the one that must and reach are said of."""
        count = rounds(default)
        try:
            samples = self.clock.rounds([ours, *yardsticks], count)
        except Refused as e:
            self.refused(case, must, reach, str(e))
            return
        a = samples[ours.name]
        if self.clock.disturbed:
            note = "; ".join(filter(None, [note, f"{self.clock.disturbed} of {count * (1 + len(yardsticks))} runs disturbed"]))
        for i, yardstick in enumerate(yardsticks):
            b = samples[yardstick.name]
            self.add(Row(case, yardstick.name, must if i == 0 else None, reach if i == 0 else None, count,
                         [y.seconds / x.seconds for x, y in zip(a, b)], a, b, note))

    def refused(self, case, must, reach, text):
        self.failed = True
        self.add(Row(case, "-", must, reach, 0, [], [], [], text))

    def within(self, case, side, limit, note):
        """One run whose peak memory alone counts, in MiB."""
        try:
            argv, cwd, env = side.prepare()
            sample = self.clock.run(argv, cwd, env)
            side.check()
        except Refused as e:
            self.refused(case, limit, None, str(e))
            return
        self.add(Row(case, "-", limit, None, 1, [], [sample], [], f"{note}; must: MiB"))

    def add(self, row):
        self.rows.append(row)
        print(text_of(row), flush=True)


# --- what is printed -----------------------------------------------------------------------------------------

HEAD = ["case", "yardstick", "must", "reach", "speed", "from to", "rounds", "orch s", "yardstick s", "CPU client", "CPU server",
        "CPU store", "peak MiB", "note"]


def middle(samples, field):
    return statistics.median(getattr(s, field) for s in samples)


def cells(row):
    def pair(field):
        return " / ".join(f"{middle(s, field):.2f}" for s in (row.ours, row.theirs) if s)

    figure = f"{statistics.median(row.ratios):.2f}" if row.ratios else "-"
    if row.case.startswith("memory"):
        figure = "-"
    return [row.case, row.against, f"{row.must:g}" if row.must else "", f"{row.reach:g}" if row.reach else "", figure,
            f"{min(row.ratios):.2f} {max(row.ratios):.2f}" if row.ratios else "", str(row.rounds) if row.rounds else "",
            f"{middle(row.ours, 'seconds'):.3f}" if row.ours else "", f"{middle(row.theirs, 'seconds'):.3f}" if row.theirs else "",
            pair("client"), pair("server"), pair("store") if row.ours and middle(row.ours, "store") > 0.02 else "",
            f"{max(s.peak_mib for s in row.ours):.0f}" if row.ours else "", row.note]


def text_of(row):
    said = [f"{name} {value}" for name, value in list(zip(HEAD, cells(row)))[2:] if value not in ("", "-")]
    return f"{row.case:<10} against {row.against}: " + ", ".join(said)


def markdown(ingest, rows):
    def quiet(*argv):
        ran = subprocess.run(argv, cwd=TOP, capture_output=True, text=True)
        return ran.stdout.strip()

    commit = quiet("git", "rev-parse", "--short=12", "HEAD") + ("+" if quiet("git", "status", "--porcelain", "-uno") else "")
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "unknown")
    servers = [f"{name} {db.sql('SELECT VERSION()').strip()}" for name, db in ingest.servers.items()]
    table = [HEAD, ["---"] * len(HEAD), *(cells(row) for row in ingest.rows)]
    return "\n".join([
        f"Commit {commit}, {time.strftime('%Y-%m-%d', time.gmtime())}; {os.cpu_count()} cores ({cpu}); {', '.join(servers)}; "
        f"{rows:,} rows unless it is said. CPU in seconds, orch / yardstick, medians; speed = median of yardstick / orch.",
        "", *("| " + " | ".join(line).replace("\n", " ") + " |" for line in table), ""])


# --- cases ---------------------------------------------------------------------------------------------------


def count(i):
    i.mariadb()
    i.paired("count", 1.10, 1.20, i.orch("none", "count"), [i.load_data()])


def yardsticks(i, plain=True):
    """LOAD DATA into the same table, and into the plain one."""
    return [i.load_data("LOAD DATA, same table", like_ours=True), i.load_data("LOAD DATA, plain table")][:1 + plain]


def provenance(i, kind, case):
    i.mariadb()
    i.paired(case, 1.00, 1.10, i.orch(kind, "count"), yardsticks(i))


def sums(i):
    i.mariadb()
    i.paired("sums", 0.78, 1.00, i.orch("made", "sums"), yardsticks(i))


def files24(i, case="24files", keys=(("parallel", 2),), must=1.00, reach=1.25):
    i.mariadb()
    i.radosgw().upload("files24", cut(i.bench, ROWS, 24))
    i.paired(case, must, reach, i.orch("made", "sums", bucket="files24", pipeline=keys), yardsticks(i, must is not None),
             default=7 if must is not None else 3)


def ranges(i, case="ranges", kind="added", must=1.30, reach=1.50):
    """Chunks need provenance columns (without them nothing could be taken back), so the table has them, beside the file's
    key; the yardstick fills the same table."""
    i.mariadb()
    i.paired(case, must, reach, i.orch(kind, "count", pipeline={"parallel": 2, "publish": "chunks"}), yardsticks(i))


def small(i):
    """10,000 files of 20 KB: about 390 rows each."""
    i.mariadb()
    files = int(os.environ.get("ORCH_BENCH_FILES", 10000))
    total = files * 390
    i.radosgw().upload("small", cut(i.bench, total, files))
    i.radosgw().upload("whole", [raw_file(i.bench, total)])
    i.paired("small", 0.60, 0.85, i.orch("made", "count", count=total, bucket="small"),
             [i.orch("made", "count", "orch, one object", count=total, bucket="whole")], default=3, note=f"{files} files, {total} rows")
    i.store.drop("small")
    i.store.drop("whole")


def oracle(i):
    """With MariaDB's client library, as Debian's package has it, and with Oracle's own."""
    try:
        db = i.use("oracle", Oracle)
        sides = [i.orch("none", "count", "orch, Connector/C"), i.orch("none", "count", "orch, Oracle's library", program=db.build())]
    except Refused as e:
        i.refused("oracle", 0.90, 1.00, str(e))
        return
    for case, side, count in zip(("oracle", "oracle-own"), sides, (7, 3)):
        i.paired(case, 0.90, 1.00, side, [i.load_data()], default=count)


def sqlite(i):
    """Both with journal_mode WAL and synchronous FULL, as orch opens its target."""
    bench, raw, clean = i.bench, raw_file(i.bench), clean_file(i.bench, null=b"")
    columns = COLUMNS.replace("INT NOT NULL PRIMARY KEY", "INTEGER NOT NULL PRIMARY KEY")
    place = bench.path("sqlite-target.db")
    pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"

    def fresh(table):
        for end in ("", "-wal", "-shm"):
            if os.path.exists(place + end):
                os.unlink(place + end)
        command("sqlite3", place, f"{pragmas} CREATE TABLE {table} ({columns})")

    def check(table):
        got = command("sqlite3", place, f"SELECT COUNT(*) FROM {table}").strip()
        if got != str(ROWS):
            fail(f"{table} has {got} rows, not {ROWS}")

    def prepare_ours():
        fresh("ours")
        folder = bench.world("sqlite", verify="count", columns={"": "id"}, target_keys={"table": "ours", "lineage": "none"})
        i.configured(folder, {}, warehouse={"url": f"sqlite:{place}"})
        bench.put(folder, 0, raw)
        i.said([ORCH, "target", "setup"], folder, bench.env)
        return [ORCH, "run", "loans"], folder, bench.env

    def prepare_theirs():
        fresh("theirs")
        return ["sqlite3", "-cmd", pragmas, place, f".import --csv {clean} theirs"], None, None

    i.paired("sqlite", 0.90, 1.20, Side("orch", prepare_ours, lambda: check("ours")),
             [Side(".import of sqlite3", prepare_theirs, lambda: check("theirs"))], note="WAL, synchronous FULL")


def pandas(i):
    i.mariadb()
    python, packages = "/usr/bin/python3", ["python3-pandas", "python3-sqlalchemy", "python3-pymysql"]
    wanted = [python, "-c", "import pandas, sqlalchemy, pymysql"]
    if subprocess.run(wanted, capture_output=True).returncode != 0:
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *packages], stdout=subprocess.DEVNULL,
                       env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        if subprocess.run(wanted, capture_output=True).returncode != 0:
            i.refused("pandas", 9, 11, f"{python} has no pandas, SQLAlchemy and pymysql: apt-get install {' '.join(packages)}")
            return

    def prepare():
        i.tables(f"CREATE TABLE theirs ({COLUMNS}) ENGINE=InnoDB")
        url = f"mysql+pymysql://loader:secret@127.0.0.1:{i.bench.port}/w"
        return [python, os.path.join(TOP, "tests/bench/sql_pandas.py"), raw_file(i.bench), url, "theirs"], None, None

    i.paired("pandas", 9, 11, i.orch("none", "count"), [Side("to_sql, chunks of 10,000", prepare, lambda: i.expect("theirs", ROWS))],
             default=3)


def memory(i):
    """Peak memory alone, of files ten times as long."""
    i.mariadb()
    total = 10 * ROWS
    ranged = {"parallel": 2, "publish": "chunks"}
    cases = [("count", "none", "count", {}, 1, None), ("made", "made", "count", {}, 1, None), ("sums", "made", "sums", {}, 1, None),
             ("ranges", "added", "count", ranged, 2, None), ("24files", "made", "sums", {"parallel": 2}, 2, "memory24")]
    for name, kind, verify, keys, connections, bucket in cases:
        limit = 64 + 16 * connections
        if bucket is not None:
            i.radosgw().upload(bucket, cut(i.bench, total, 24))
        side = i.orch(kind, verify, count=total, bucket=bucket, pipeline=keys)
        i.within(f"memory {name}", side, limit, f"{total} rows")


CASES = {
    "count": count,
    "made": lambda i: provenance(i, "made", "made"),
    "keyed": lambda i: provenance(i, "keyed", "keyed"),
    "added": lambda i: provenance(i, "added", "added"),
    "sums": sums,
    "24files": files24,
    "24files-1": lambda i: files24(i, "24files-1", (), None, None),  # one connection
    "ranges": ranges,
    "ranges-made": lambda i: ranges(i, "ranges-made", "made", None, None),
    "small": small,
    "oracle": oracle,
    "sqlite": sqlite,
    "pandas": pandas,
    "memory": memory,
}


def write(path, name, text):
    """Into a page between the marks of the bench of that name, or as a file of its own."""
    begin, end = (f"<!-- bench {name}: {word} -->" for word in ("begin", "end"))
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            page = f.read()
        if begin in page and end in page:
            text = page[:page.index(begin)] + begin + "\n\n" + text + "\n" + page[page.index(end):]
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def run_cases(name, cases, names, all_of_it, rows, md):
    """0, or 1 where a case could not be run."""
    for case in names:
        cases[case](all_of_it)
        if md is not None:  # after each case: a run that is ended early leaves what it has
            write(md, name, markdown(all_of_it, rows))
    return 1 if all_of_it.failed else 0


def run(bench, names, md=None):
    return run_cases("ingest", CASES, names, Ingest(bench), ROWS, md)

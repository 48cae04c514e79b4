#!/usr/bin/python3
"""./dev bench [CASE...]: orch against yardsticks, on the release build.

    tick-idle      orch tick with nothing due, against a program linked alike that opens the same state file
    tick-72h       orch run with 72 hourly partitions loaded and nothing new: time only
    ingest-150k    orch run of one file with verify: count into the user's own table after lineage add, against
                   the mariadb client's LOAD DATA LOCAL INFILE of the cleaned file into a table without the
                   columns and the index that lineage adds
    ingest-150k-same   the same, but the yardstick fills those columns and that index too
    ingest-150k-made   the same into a table that orch made
    ingest-150k-none   the same into the user's own table as it is (lineage: none)
    ingest-24h     as ingest-150k, the file cut into 24 hourly partitions
    parse          parsing and typing of 1,000,000 rows alone, on one core (tests/bench/parse.c), against LOAD DATA LOCAL INFILE of
                   the same clean file: at least 15 times as fast
    schedule-next  a million calls of cronexpr_next over the expressions and zones of tests/cron/cases.txt: at most
                   10 microseconds each
    status-438k    orch status over 10 pipelines x 5 years of hours, against a C program that steps the bare query
                   over the same rows: partition_ LEFT JOIN job, the eight columns that status needs
    status-438k-grouped   orch status, against the same join grouped and counted by state, which shows no row
    status-438k-json   orch status -o json (all jobs whole), against the same with every column and the sums of load
    plan-438k      orch plan over them, against the bare query of status-438k
    plan-438k-all  orch plan --all -o csv, against the bare query of status-438k-json
    tick-438k      orch tick over them with metrics.textfile set and nothing due, against the query of status-438k-grouped
    profile-1m     orch profile of 1,000,000 generated rows, page and all, against pandas that tells the same numbers
    profile-1m-drawn   the same, the yardstick draws its histograms and correlations too (python3-matplotlib)
    memory         peak memory of orch run on a file of 5 GB and on a gzip file of 2 GB: not run unless it is
                   named (ORCH_BENCH_GB=N: another size)
    memory-s3      the same of an object of 0.5 GB in radosgw

Rounds are interleaved, and their order alternates, so that a noisy neighbour hits both sides alike; the speed
is the median of the rounds' own ratios yardstick / orch. Above 1 means that orch is faster. ORCH_BENCH_ROUNDS=N: as many rounds.
The credit data set of ../shared/data is taken where it is there, else generated rows of the same shape.
"""

import atexit
import base64
import gzip
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ORCH = os.environ.get("ORCH", os.path.join(TOP, "build", "release", "orch"))
SERVERS = os.path.join(TOP, "tests", "servers")
CREDIT = os.path.join(TOP, "..", "shared", "data", "credit", "sample_data.csv.gz")
COLUMNS = """id INT NOT NULL PRIMARY KEY, SeriousDlqin2yrs TINYINT, RevolvingUtilizationOfUnsecuredLines DOUBLE,
age TINYINT UNSIGNED, `NumberOfTime30-59DaysPastDueNotWorse` SMALLINT, DebtRatio DOUBLE, MonthlyIncome INT,
NumberOfOpenCreditLinesAndLoans SMALLINT, NumberOfTimes90DaysLate SMALLINT, NumberRealEstateLoansOrLines SMALLINT,
`NumberOfTime60-89DaysPastDueNotWorse` SMALLINT, NumberOfDependents SMALLINT"""


def fail(text):
    sys.exit(f"bench: {text}")


def command(*argv, **kw):
    ran = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, **kw)
    if ran.returncode != 0:
        fail(f"{' '.join(argv)}: exit status {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def timed(argv, cwd=None, env=None):
    """Seconds, peak memory in KiB. Output goes to a file that is shown when it fails."""
    with tempfile.TemporaryFile() as talk:
        start = time.perf_counter()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=talk, stderr=talk, cwd=cwd, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            talk.seek(0)
            fail(f"{' '.join(argv)}: exit status {process.returncode}\n{talk.read().decode(errors='replace')}")
    return seconds, usage.ru_maxrss


def compare(name, rounds, ours, yardstick):
    """Each is a function that prepares, then gives the seconds of one run."""
    ours(), yardstick()  # once to warm up
    a, b = [], []
    for i in range(rounds):
        for side in (0, 1) if i % 2 == 0 else (1, 0):
            (b.append(yardstick()) if side else a.append(ours()))
    ratios = [y / x for x, y in zip(a, b)]
    print(
        f"{name:<22} orch {statistics.median(a) * 1000:9.2f} ms   yardstick {statistics.median(b) * 1000:9.2f} ms"
        f"   speed {statistics.median(ratios):.3f}  (from {min(ratios):.3f} to {max(ratios):.3f}, {rounds} rounds)",
        flush=True,
    )


def rounds(default):
    return int(os.environ.get("ORCH_BENCH_ROUNDS", default))


class Bench:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="orch-bench.", dir=os.environ.get("TMPDIR", "/tmp"))
        self.servers = []
        self.port = None
        self.count = 0
        atexit.register(self.close)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("ORCH_", "AWS_"))}
        self.env["ORCH_TEST_OWNER"] = str(os.getpid())
        self.gen = self.path("gen-credit")
        command("cc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-o", self.gen, os.path.join(TOP, "tests/lib/gen/credit.c"))

    def close(self):
        for script, folder in self.servers:
            subprocess.run([script, "stop", folder], stdout=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def generate(self, path, rows, *options):
        with open(path, "wb") as f:
            subprocess.run([self.gen, str(rows), *options], stdout=f, check=True)

    def mariadb(self):
        script, folder = os.path.join(SERVERS, "mariadb.sh"), self.path("mariadb")
        if self.port is None:
            port = command(os.path.join(SERVERS, "ports.sh"), str(os.getpid())).strip()
            self.servers.append((script, folder))
            command(script, "start", folder, port, "--innodb-buffer-pool-size=2G", "--innodb-log-file-size=1G", "--local-infile=1", env=self.env)
            self.port = int(port)
            self.sql("CREATE DATABASE w; CREATE USER loader@'127.0.0.1' IDENTIFIED BY 'secret';"
                     "GRANT ALL ON w.* TO loader@'127.0.0.1'", database="")
        return folder

    def client(self, *arguments, database="w"):
        return ["mariadb", "--no-defaults", "-uroot", "-S", self.path("mariadb", "sock"), *arguments, database][: None if database else -1]

    def sql(self, text, database="w"):
        return command(*self.client("-N", "-B", "-e", text, database=database))

    def world(self, target, since="2022-06-05T00", until="2022-06-05T00", schedule="cron(0 0 1 1 ? 2199)", **pipeline):
        """A folder with orch.json, of its own; gives its path."""
        self.count += 1
        folder = self.path(f"world{self.count}")
        os.makedirs(os.path.join(folder, "lake"))
        if target == "sqlite":
            warehouse = {"url": f"sqlite:{folder}/target.db"}
        else:
            warehouse = {"url": f"mysql://loader@127.0.0.1:{self.port}/w", "password_file": "db.secret", "tls": "off"}
            with open(os.open(os.path.join(folder, "db.secret"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
                f.write("secret\n")
        pipe = {
            "schedule": schedule,
            "source": {"connection": "lake", "period": "hour", "since": since, "until": until},
            "target": {"connection": "warehouse", **pipeline.pop("target_keys", {})},
            **pipeline,
        }
        config = {
            "state": "orch.db",
            "connections": {"lake": {"url": f"file://{folder}/lake/"}, "warehouse": warehouse},
            "pipelines": {"loans": pipe},
        }
        with open(os.path.join(folder, "orch.json"), "w", encoding="utf-8") as f:
            json.dump(config, f)
        return folder

    def put(self, folder, hour, path, name="a.csv"):
        key = os.path.join(folder, "lake", f"yyyy=2022/mm=06/dd={5 + hour // 24:02}/hh={hour % 24:02}")
        os.makedirs(key, exist_ok=True)
        where = os.path.join(key, name)
        os.link(path, where)
        os.utime(where, (1700000000, 1700000000))

    def orch(self, folder, *words):
        return command(ORCH, *words, cwd=folder, env=self.env)

    def run(self, folder, *words):
        return timed([ORCH, *words], cwd=folder, env=self.env)


def loaded_folder(bench, hours):
    """A pipeline with all its partitions loaded into SQLite."""
    last = f"2022-06-{5 + (hours - 1) // 24:02}T{(hours - 1) % 24:02}"
    folder = bench.world("sqlite", until=last, columns={"": None}, target_keys={"table": "t", "create": True})
    bench.generate(bench.path("small.csv"), 20)
    for hour in range(hours):
        shutil.copy(bench.path("small.csv"), bench.path("one.csv"))
        bench.put(folder, hour, bench.path("one.csv"))
        os.unlink(bench.path("one.csv"))
    bench.orch(folder, "target", "setup")
    bench.orch(folder, "run", "loans")
    return folder


def tick_idle(bench):
    folder = loaded_folder(bench, 3)
    packages = ["jansson", "sqlite3", "libcurl", "libxml-2.0", "zlib", "libzstd", "libcrypto"]
    mysql = "libmariadb" if subprocess.run(["pkg-config", "--exists", "libmariadb"]).returncode == 0 else "mysqlclient"
    flags = command("pkg-config", "--cflags", "--libs", *packages, mysql).split()
    idle = bench.path("idle")
    command("cc", "-O2", "-std=c17", "-w", "-o", idle, os.path.join(TOP, "tests/bench/idle.c"), "-Wl,--no-as-needed", *flags)
    bench.orch(folder, "tick")
    compare(
        "tick-idle",
        rounds(200),
        lambda: bench.run(folder, "tick")[0],
        lambda: timed([idle, os.path.join(folder, "orch.db")], env=bench.env)[0],
    )


def tick_72h(bench):
    folder = loaded_folder(bench, 72)
    times = [bench.run(folder, "run", "loans")[0] for _ in range(rounds(20))]
    print(f"{'tick-72h':<22} orch {statistics.median(times) * 1000:9.2f} ms   (72 partitions looked at, nothing new)", flush=True)


def credit(bench):
    """The file as it comes, and cleaned for LOAD DATA: no header, NA as \\N, LF."""
    raw, clean = bench.path("raw.csv"), bench.path("clean.csv")
    if not os.path.exists(raw):
        if os.path.exists(CREDIT):
            with gzip.open(CREDIT, "rb") as f, open(raw, "wb") as to:
                shutil.copyfileobj(f, to)
        else:
            bench.generate(raw, 150000, "crlf")
        with open(raw, "rb") as f, open(clean, "wb") as to:
            next(f)
            for line in f:
                fields = line.rstrip(b"\r\n").replace(b'"', b"").split(b",")
                to.write(b",".join(b"\\N" if x == b"NA" else x for x in fields) + b"\n")
    return raw, clean


def server_cpu(bench):
    """CPU seconds that the server has used so far: less noisy than the time of day on a shared machine."""
    with open(bench.path("mariadb", "server.pid"), encoding="ascii") as f, \
         open(f"/proc/{int(f.read())}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pieces(bench, raw, count):
    """The file as `count` files, each with the header."""
    if count == 1:
        return [raw]
    with open(raw, "rb") as f:
        header, *lines = f.readlines()
    paths = []
    for i in range(count):
        paths.append(bench.path(f"piece{i}.csv"))
        with open(paths[i], "wb") as f:
            f.write(header)
            f.writelines(lines[len(lines) * i // count:len(lines) * (i + 1) // count])
    return paths


def ingest(bench, name, kind, count=1, same=False):
    """kind: "none" (the user's table as it is), "added" (after lineage add) or "made" (by orch). same: the yardstick
    fills the columns and the index that lineage adds, too."""
    bench.mariadb()
    raw, clean = credit(bench)
    files = pieces(bench, raw, count)
    columns = COLUMNS if kind != "made" else COLUMNS.replace(" PRIMARY KEY", "")
    cpu = {"orch": [], "yardstick": []}
    with open(clean, "rb") as f:
        rows = str(sum(1 for _ in f))

    def drop():
        bench.sql("DROP TABLE IF EXISTS ours, theirs, orch_load, orch_fence")

    def ours():
        drop()
        if kind != "made":
            bench.sql(f"CREATE TABLE ours ({columns}) ENGINE=InnoDB")
        target = {"table": "ours"} if kind == "added" else \
            {"table": "ours", "lineage": "none"} if kind == "none" else {"table": "ours", "create": True}
        last = f"2022-06-05T{count - 1:02}"
        folder = bench.world("mysql", until=last, verify="count", columns={"": "id"}, target_keys=target)
        for hour, path in enumerate(files):
            shutil.copyfile(path, path + ".copy")
            bench.put(folder, hour, path + ".copy")
            os.unlink(path + ".copy")
        bench.orch(folder, "target", "setup")
        if kind == "added":
            bench.orch(folder, "lineage", "add", "ours", "--pipeline", "loans")
        before = server_cpu(bench)
        seconds = bench.run(folder, "run", "loans")[0]
        cpu["orch"].append(server_cpu(bench) - before)
        got = bench.sql("SELECT COUNT(*) FROM ours").strip()
        if got != rows:
            fail(f"{got} rows of {rows} were loaded")
        shutil.rmtree(folder)
        return seconds

    def yardstick():
        drop()
        extra = ", _orch_load_id BIGINT UNSIGNED INVISIBLE, _orch_line BIGINT UNSIGNED INVISIBLE, " \
            "UNIQUE (_orch_load_id, _orch_line)"
        bench.sql(f"CREATE TABLE theirs ({columns}{extra if same else ''}) ENGINE=InnoDB")
        load = f"LOAD DATA LOCAL INFILE '{clean}' INTO TABLE theirs FIELDS TERMINATED BY ',' LINES TERMINATED BY '\\n'"
        if same:
            load = "SET @line = 0; " + load + " SET _orch_load_id = 1, _orch_line = (@line := @line + 1)"
        before = server_cpu(bench)
        seconds = timed(bench.client("--local-infile=1", "-e", load))[0]
        cpu["yardstick"].append(server_cpu(bench) - before)
        got = bench.sql("SELECT COUNT(*) FROM theirs").strip()
        if got != rows:
            fail(f"the yardstick loaded {got} rows of {rows}")
        return seconds

    compare(name, rounds(9), ours, yardstick)
    print(f"{'':<22} CPU of the server: orch {statistics.median(cpu['orch']):.2f} s, "
          f"yardstick {statistics.median(cpu['yardstick']):.2f} s", flush=True)


def long_records(path, size, compressed):
    """About `size` bytes of file, the same few thousand records again and again: short rows behind a long column
    that is dropped, so that the file is large and the table is not."""
    def block(first):
        rows = "".join(f"{i},{i % 2},0.766126609,{20 + i % 70},NA,{i % 13},\"{base64.b64encode(os.urandom(750)).decode()}\"\r\n"
                       for i in range(first, first + 5000))
        return gzip.compress(rows.encode(), 1) if compressed else rows.encode()

    header = b"id,flag,ratio,age,income,count,note\r\n"
    blocks = [block(i * 5000) for i in range(4)]
    with open(path, "wb") as f:
        f.write(gzip.compress(header) if compressed else header)
        i = 0
        while f.tell() < size:
            f.write(blocks[i % 4])
            i += 1
    return i * 5000


def memory(bench, cases=(("big.csv", 5), ("big.csv.gz", 2)), s3=None):
    bench.mariadb()
    for name, size in cases:
        path = bench.path(name)
        size = int(float(os.environ.get("ORCH_BENCH_GB", size)) * 1e9)
        rows = long_records(path, size, name.endswith(".gz"))
        folder = bench.world("mysql", verify="count", columns={"note": None}, target_keys={"table": "ours"})
        bench.put(folder, 0, path, name)
        if s3 is not None:
            s3(folder)
        bench.sql("DROP TABLE IF EXISTS ours, orch_load, orch_fence; CREATE TABLE ours (id INT, flag TINYINT, ratio DOUBLE,"
                  "age TINYINT, income INT, count SMALLINT) ENGINE=InnoDB")
        bench.orch(folder, "target", "setup")
        bench.orch(folder, "lineage", "add", "ours", "--pipeline", "loans")
        seconds, peak = bench.run(folder, "run", "loans")
        got = bench.sql("SELECT COUNT(*) FROM ours").strip()
        if got != str(rows):
            fail(f"{got} rows of {rows} were loaded")
        where = "memory " if s3 is None else "memory-s3 "
        print(f"{where + name:<22} {os.path.getsize(path) / 1e9:.2f} GB, {rows} rows in {seconds:.0f} s, "
              f"peak {peak / 1024:.1f} MiB", flush=True)
        os.unlink(path)
        shutil.rmtree(folder)


def memory_s3(bench):
    """The same from radosgw, whose store is in memory: one object of 0.5 GB."""
    script, base = os.path.join(SERVERS, "rgw.sh"), command(os.path.join(SERVERS, "ports.sh"), str(os.getpid() + 1)).strip()
    bench.servers.append((script, bench.path("rgw")))
    command(script, "start", bench.path("rgw"), base, env=bench.env)
    client = [sys.executable, os.path.join(TOP, "tests", "lib", "s3.py"), f"http://127.0.0.1:{base}"]
    command(*client, "mkbucket", "lake", env=bench.env)
    bench.env["AWS_ACCESS_KEY_ID"], bench.env["AWS_SECRET_ACCESS_KEY"] = "orch-test-access-key", "orch-test-secret/with+both=signs"

    def upload(folder):
        command(*client, "put-all", "lake", "incoming/", os.path.join(folder, "lake"), env=bench.env)
        shutil.rmtree(os.path.join(folder, "lake"))
        path = os.path.join(folder, "orch.json")
        with open(path, encoding="utf-8") as f:
            config = json.load(f)
        config["pipelines"]["loans"]["source"]["settle"] = "0s"  # it was put there just now
        config["connections"]["lake"] = {"url": "s3://lake/incoming/", "region": "us-east-1", "path_style": True,
                                         "endpoint": f"http://127.0.0.1:{base}"}
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f)

    memory(bench, (("big.csv", 0.5),), upload)


def schedule_next(bench):
    build = os.path.dirname(ORCH)
    program = bench.path("schedule_next")
    command("cc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-I", TOP, "-o", program, os.path.join(TOP, "tests/bench/schedule_next.c"),
            os.path.join(build, "libcron.a"), os.path.join(build, "libbase.a"), "-ljansson")
    cases = os.path.join(TOP, "tests", "cron", "cases.txt")
    runs = [command(program, cases, "1000000").split(None, 2) for _ in range(rounds(5))]
    mean = statistics.median(float(r[0]) for r in runs)
    print(f"{'schedule-next':<22} orch {mean:9.3f} us   a call; the slowest expression {float(runs[0][1]):.3f} us: "
          f"{runs[0][2].strip()}", flush=True)
    if mean > 10:
        fail("schedule-next: more than 10 microseconds a call")


NARROW = """SELECT p.pipeline, p.part, p.state, p.since_ms, p.listed_ms, p.reason, j.state, j.unverifiable
FROM partition_ p LEFT JOIN job j ON j.pipeline = p.pipeline AND j.part = p.part ORDER BY p.pipeline, p.part"""
GROUPED = """SELECT p.pipeline, coalesce(j.state, p.state), count(*)
FROM partition_ p LEFT JOIN job j ON j.pipeline = p.pipeline AND j.part = p.part GROUP BY 1, 2"""
WHOLE = """SELECT p.*, j.*, count(l.load_id), sum(l.rows_read), sum(l.rows_loaded), sum(l.rows_rejected)
FROM partition_ p LEFT JOIN job j ON j.pipeline = p.pipeline AND j.part = p.part LEFT JOIN load l ON l.job_id = j.id
GROUP BY p.pipeline, p.part, j.n ORDER BY p.pipeline, p.part, j.n"""


def years(bench):
    """A folder whose state file has 10 pipelines x 43,800 hours, a few of them strange; made once."""
    folder = bench.path("years")
    if os.path.exists(folder):
        return folder
    sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
    import scale
    first = int(time.time()) // 3600 - 43800
    made = bench.world("sqlite", since=scale.part_name(first), until=None, target_keys={"table": "t"})
    os.rename(made, folder)
    path = os.path.join(folder, "orch.json")
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    one = config["pipelines"].pop("loans")
    names = [f"p{i}" for i in range(10)]
    config["pipelines"] = {n: dict(one, target=dict(one["target"], table=n)) for n in names}
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f)
    with open(os.path.join(folder, "metrics.json"), "w", encoding="utf-8") as f:
        json.dump(dict(config, metrics={"textfile": os.path.join(folder, "orch.prom")}), f)
    with open(os.path.join(folder, "empty.json"), "w", encoding="utf-8") as f:
        json.dump(dict(config, pipelines={"p0": dict(one, source=dict(one["source"], since="2199-01-01T00"))}), f)
    command(ORCH, "-c", os.path.join(folder, "empty.json"), "tick", cwd=folder, env=bench.env)
    strange = {5: "LATE", 10005: "SKIPPED", 20005: "FAILED", 30005: "DEAD", 40005: "QUEUED"}
    scale.fill(os.path.join(folder, "orch.db"), names, first, 43800, lambda p, h: strange.get(h))
    command("cc", "-O2", "-std=c17", "-o", bench.path("bare"), os.path.join(TOP, "tests/bench/bare.c"), "-lsqlite3")
    return folder


def at_scale(bench, name, query, *arguments, config="orch.json"):
    folder = years(bench)

    def clocked(argv):
        start = time.perf_counter()
        ran = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=bench.env)
        seconds = time.perf_counter() - start
        if ran.returncode not in (0, 1):  # status, and the first tick: something has failed
            fail(f"{argv}: exit status {ran.returncode}")
        return seconds

    compare(name, rounds(9), lambda: clocked([ORCH, "-c", config, *arguments]),
            lambda: clocked([bench.path("bare"), "orch.db", query]))


def profile_1m(bench, name, modules, *drawn):
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", f"import {modules}"], capture_output=True).returncode != 0:
        print(f"{name:<22} SKIP: {python} has no {modules} (apt-get install python3-pandas python3-matplotlib)", flush=True)
        return
    path, peaks = bench.path("million.csv"), []
    if not os.path.exists(path):
        bench.generate(path, 1000000)
    yardstick = os.path.join(TOP, "tests", "bench", "profile_pandas.py")

    def ours():
        seconds, peak = timed([ORCH, "profile", path, "--html", bench.path("million.html")], env=bench.env)
        peaks.append(peak)
        return seconds

    compare(name, rounds(5), ours, lambda: timed([python, yardstick, path, *drawn], env=bench.env)[0])
    print(f"{'':<22} peak memory of orch: {max(peaks) / 1024:.1f} MiB", flush=True)


CASES = {
    "status-438k": lambda bench: at_scale(bench, "status-438k", NARROW, "status"),
    "status-438k-grouped": lambda bench: at_scale(bench, "status-438k-grouped", GROUPED, "status"),
    "status-438k-json": lambda bench: at_scale(bench, "status-438k-json", WHOLE, "status", "-o", "json"),
    "plan-438k": lambda bench: at_scale(bench, "plan-438k", NARROW, "plan"),
    "plan-438k-all": lambda bench: at_scale(bench, "plan-438k-all", WHOLE, "plan", "--all", "-o", "csv"),
    "tick-438k": lambda bench: at_scale(bench, "tick-438k", GROUPED, "tick", config="metrics.json"),
    "parse": lambda bench: parse.parse(bench, sys.modules[__name__]),
    "schedule-next": schedule_next,
    "tick-idle": tick_idle,
    "tick-72h": tick_72h,
    "ingest-150k": lambda bench: ingest(bench, "ingest-150k", "added"),
    "ingest-150k-same": lambda bench: ingest(bench, "ingest-150k-same", "added", same=True),
    "ingest-150k-made": lambda bench: ingest(bench, "ingest-150k-made", "made"),
    "ingest-150k-none": lambda bench: ingest(bench, "ingest-150k-none", "none"),
    "ingest-24h": lambda bench: ingest(bench, "ingest-24h", "added", 24),
    "profile-1m": lambda bench: profile_1m(bench, "profile-1m", "pandas"),
    "profile-1m-drawn": lambda bench: profile_1m(bench, "profile-1m-drawn", "pandas, matplotlib", bench.path("million")),
    "memory": memory,
    "memory-s3": memory_s3,
}


def main():
    wanted = sys.argv[1:] or [name for name in CASES if not name.startswith("memory")]
    for name in wanted:
        if name not in CASES:
            sys.exit(__doc__)
    if not os.access(ORCH, os.X_OK):
        fail(f"{ORCH} is not there: ./dev build release")
    bench = Bench()
    for name in wanted:
        CASES[name](bench)


main()

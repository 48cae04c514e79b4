"""What the benches share: servers, folders with a config, generated files, and the clock."""

import atexit
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

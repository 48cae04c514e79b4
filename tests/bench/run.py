#!/usr/bin/python3
"""./dev bench [CASE...] [--md FILE]: orch against yardsticks, on the release build.

    tick-idle      orch tick with nothing due, against a program linked alike that opens the same state file
    tick-72h       orch run with 72 hourly partitions loaded and nothing new: time only
    ingest         all that follow with ingest/: a million rows of the credit shape, each paired with its yardstick, the CPU of client,
                   server and store, peak memory; some 20 minutes, not run unless it is named. --md FILE writes the table,
                   into docs/performance.md between its marks (ORCH_BENCH_ROWS=N, ORCH_BENCH_PATIENCE=SECONDS)
    ingest/count   orch run into the user's own table as it is, verify: count, against LOAD DATA LOCAL INFILE of the clean file
    ingest/made, keyed, added   the same into a table that orch made, into the user's with provenance as its key, and into the
                   user's after lineage add; against LOAD DATA into the very same table and into the plain one
    ingest/sums    made, with verify: sums
    ingest/24files, 24files-1   24 files from radosgw, verify: sums, on two connections and on one
    ingest/ranges  one file by ranges on two connections (publish: chunks)
    ingest/small   10,000 files of 20 KB from radosgw, against orch on the same rows as one object (ORCH_BENCH_FILES=N)
    ingest/oracle  Oracle's server, with MariaDB's client library and with Oracle's (mmdebstrap; ORCH_BENCH_MYSQL9=FOLDER)
    ingest/sqlite  a SQLite target, against .import of the sqlite3 shell
    ingest/pandas  against read_csv and to_sql in chunks of 10,000 (installs python3-pandas, -sqlalchemy, -pymysql)
    ingest/memory  peak memory on ten million rows
    extract        all that follow with extract/: 3,000,000 rows of the credit shape out of MariaDB into radosgw, whole processes, paired as
                   those of ingest; some 10 minutes, not run unless it is named; --md FILE as there (ORCH_BENCH_EXTRACT_ROWS=N)
    extract/plain, batch    orch extract of one table as CSV, against mariadb-dump --tab and against mariadb -B -e 'SELECT ...'
    extract/gzip   packed at level 1, against mariadb-dump --tab
    extract/two    two tables at once (parallel: 2), against one after the other (parallel: 1)
    extract/memory peak memory of one table, of a packed one, and of two at once
    serve          all that follow with serve/ but the soak: rows over HTTP, paired with a C client that inserts them itself; not run unless
                   it is named (ORCH_BENCH_SERVE_ROWS=N, ORCH_BENCH_SERVE_SINGLES=N)
    serve/json, csv, key   batches of 1,000 rows on one connection, key: each with its Idempotency-Key; against array-bound INSERTs of as
                   many and COMMIT
    serve/single   rows one by one on 16 connections, against INSERT and COMMIT on 16 connections
    serve/soak     ten minutes of everything (ORCH_BENCH_SOAK=SECONDS): memory and descriptors stay as they are
    ingest-150k    orch run of one file with verify: count into the user's own table after lineage add, against
                   the mariadb client's LOAD DATA LOCAL INFILE of the cleaned file into a table without the
                   columns and the index that lineage adds
    ingest-150k-same   the same, but the yardstick fills those columns and that index too
    ingest-150k-made   the same into a table that orch made
    ingest-150k-none   the same into the user's own table as it is (lineage: none)
    ingest-24h     as ingest-150k, the file cut into 24 hourly partitions
    parse          parsing and typing of 1,000,000 rows alone, on one core (tests/bench/parse.c), against LOAD DATA LOCAL INFILE of
                   the same clean file: at least 15 times as fast
    format         200,000 rows written as CSV and JSON Lines, their doubles made decimals, and packed (tests/bench/format.c), on one
                   core, against snprintf of the same cells: at least 8 times as fast
    engine         all that follow with engine/; not run unless it is named
    engine/passes, passes-alone    10,000 Pass transitions, a hundred to a transaction and one by one, against a bare SQLite loop
                   that writes the same rows in the same transactions: at least 0.9 times as fast
    engine/many    list, status and describe of 10,000 executions, against the bare query by a program that is linked
                   alike: at most 3 times as long
    engine/map     a Map of 1,000 items and of 10,000: linear in time, below 128 MiB
    engine/history pages of a history of a million events, of one state, of what failed
    schedule-next  a million calls of cronexpr_next over the expressions and zones of tests/cron/cases.txt: at most
                   10 microseconds each
    status-438k    orch status over 10 pipelines x 5 years of hours, against a C program that steps the bare query
                   over the same rows: partition_ LEFT JOIN job, the eight columns that status needs
    status-438k-grouped   orch status, against the same join grouped and counted by state, which shows no row
    status-438k-json   orch status -o json (all jobs whole), against the same with every column and the sums of load
    plan-438k      orch plan over them, against the bare query of status-438k
    plan-438k-all  orch plan --all -o csv, against the bare query of status-438k-json
    tick-438k      orch tick over them with metrics.textfile set and nothing due, against the query of status-438k-grouped
    page           pages of orch serve over them: the overview of 10 pipelines, a year and a month of one, against a C program
                   that steps the bare queries of the same rows on one connection (tests/bench/page.c); and their size, packed
    profile-1m     orch profile of 1,000,000 generated rows, page and all, against pandas that tells the same numbers
    profile-1m-drawn   the same, the yardstick draws its histograms and correlations too (python3-matplotlib)
    memory         peak memory of orch run on a file of 5 GB and on a gzip file of 2 GB: not run unless it is
                   named (ORCH_BENCH_GB=N: another size)
    memory-s3      the same of an object of 0.5 GB in radosgw

Rounds are interleaved, and their order alternates, so that a noisy neighbour hits both sides alike; the speed
is the median of the rounds' own ratios yardstick / orch. Above 1 means that orch is faster. ORCH_BENCH_ROUNDS=N: as many rounds.
The credit data set of ../shared/data is taken where it is there, else generated rows of the same shape.
"""

import base64
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

from harness import COLUMNS, ORCH, SERVERS, TOP, Bench, command, compare, credit, fail, rounds, server_cpu, timed
import engine
import extract
import ingest as at_length
import page
import parse
import serve


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
    command("cc", "-O2", "-std=c17", "-I", TOP, "-o", bench.path("bare"), os.path.join(TOP, "tests/bench/bare.c"), "-lsqlite3")
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
    "page": lambda bench: page.page(bench, sys.modules[__name__]),
    "parse": lambda bench: parse.parse(bench, sys.modules[__name__]),
    "format": lambda bench: parse.written(bench, sys.modules[__name__]),
    "engine": lambda bench: engine.engine(bench, sys.modules[__name__]),
    **{f"engine/{name}": lambda bench, name=name: engine.engine(bench, sys.modules[__name__], name) for name in engine.CASES},
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
    words, md = sys.argv[1:], None
    if "--md" in words:
        at = words.index("--md")
        md = words[at + 1] if at + 1 < len(words) else sys.exit(__doc__)
        del words[at:at + 2]
    wanted = words or [name for name in CASES if not name.startswith(("memory", "engine"))]
    long = []
    for name, of in (("ingest", at_length), ("extract", extract), ("serve", serve)):
        cases = [c for c in of.CASES if c != "soak"] if name in wanted else [n[len(name) + 1:] for n in wanted if n.startswith(name + "/")]
        wanted = [n for n in wanted if n != name and not n.startswith(name + "/")]
        if any(case not in of.CASES for case in cases):
            sys.exit(__doc__)
        long += [(of, cases)] if cases else []
    if any(name not in CASES for name in wanted):
        sys.exit(__doc__)
    if not os.access(ORCH, os.X_OK):
        fail(f"{ORCH} is not there: ./dev build release")
    bench = Bench()
    for name in wanted:
        CASES[name](bench)
    sys.exit(max([of.run(bench, cases, md) for of, cases in long], default=0))


if __name__ == "__main__":
    main()

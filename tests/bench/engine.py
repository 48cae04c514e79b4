"""./dev bench engine: the engine against bare SQLite that writes, or reads, the same rows."""

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import time

PASSES, EXECUTIONS, ITEMS, EVENTS = 10000, 10000, 10000, 1000000


def build(bench, run):
    """tests/bench/engine.c against the libraries of the build that orch comes from."""
    made, program = os.path.dirname(run.ORCH), bench.path("engine")
    mysql = "libmariadb" if subprocess.run(["pkg-config", "--exists", "libmariadb"]).returncode == 0 else "mysqlclient"
    packages = ["jansson", "sqlite3", "libcurl", "libxml-2.0", "zlib", "libzstd", "libcrypto", "avro-c", "libmicrohttpd", mysql]
    flags = run.command("pkg-config", "--cflags", "--libs", *packages).split()
    libraries = [os.path.join(made, f"lib{name}.a") for name in ("orchestrator", "steps", "state", "cron", "io", "base")]
    run.command("cc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-include", os.path.join(run.TOP, "base/banned.h"), "-I", run.TOP,
                "-I", os.path.join(made, "generated"), "-o", program, os.path.join(run.TOP, "tests/bench/engine.c"),
                "-Wl,--start-group", *libraries, "-Wl,--end-group", *flags, "-lm", "-lpthread")
    # linked alike, so that what is compared is the work
    run.command("cc", "-O2", "-std=c17", "-I", run.TOP, "-o", bench.path("bare"), os.path.join(run.TOP, "tests/bench/bare.c"), "-Wl,--no-as-needed", *flags)
    return program


def world(bench, name, definition):
    folder = bench.path(name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(os.path.join(folder, "orch.json"), "w") as f:
        json.dump({"connections": {}, "workflows": {"w": {"definition": "w.asl.json"}}}, f)
    with open(os.path.join(folder, "w.asl.json"), "w") as f:
        json.dump(definition, f)
    return folder


def orch(bench, run, folder, *words):
    return run.command(run.ORCH, "-c", os.path.join(folder, "orch.json"), *words, cwd=folder, env=bench.env)


def chain():
    states = {f"S{i}": {"Type": "Pass", "Next": f"S{i + 1}"} for i in range(1, PASSES)}
    states[f"S{PASSES}"] = {"Type": "Pass", "End": True}
    return {"StartAt": "S1", "States": states}


def worked(bench, run, program, folder, text, at_once):
    """Seconds, peak memory in KiB."""
    with open(os.path.join(folder, "in.json"), "w") as f:
        f.write(text)
    seconds, kib = run.command(program, "work", *[os.path.join(folder, n) for n in ("orch.json", "w.asl.json", "in.json")], str(at_once)).split()
    return float(seconds), int(kib)


def passes(bench, run, program, at_once):
    """PASSES transitions, at_once of them a transaction: median of the rounds' own ratios, bare / orch."""
    folder, started = world(bench, "passes", chain()), world(bench, "started", chain())
    state = os.path.join(folder, "orch.db")
    orch(bench, run, started, "start", "w", "--name", "x")
    ours, bare = [], []

    def fresh():
        for name in os.listdir(folder):
            if name.startswith("orch.db"):
                path = os.path.join(folder, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)

    def work():
        return worked(bench, run, program, folder, "{}", at_once)[0]

    def copy():
        shutil.copy(os.path.join(started, "orch.db"), state)
        return float(run.command(program, "copy", bench.path("done.db"), state, str(at_once)))

    fresh()
    work()
    shutil.copy(state, bench.path("done.db"))
    for i in range(run.rounds(7)):
        for side in (0, 1) if i % 2 == 0 else (1, 0):
            fresh()
            (bare.append(copy()) if side else ours.append(work()))
    with sqlite3.connect(bench.path("done.db")) as db:
        n = db.execute("SELECT count(*) FROM event").fetchone()[0]
    if n != 2 * PASSES + 2:
        run.fail(f"{n} events")
    ratios = [b / a for a, b in zip(ours, bare)]
    print(f"{'engine/passes-' + str(at_once):<22} orch {statistics.median(ours) * 1000:9.1f} ms   bare SQLite {statistics.median(bare) * 1000:9.1f} ms"
          f"   speed {statistics.median(ratios):.3f}  (from {min(ratios):.3f} to {max(ratios):.3f}, {len(ratios)} rounds)", flush=True)
    return statistics.median(ratios) >= 0.9


def many(bench, run, program):
    """EXECUTIONS of them in the store: list, status and describe against the bare query by a program that is linked alike."""
    del program
    folder = world(bench, "many", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    orch(bench, run, folder, "start", "w", "--name", "n0", "--wait")
    with sqlite3.connect(os.path.join(folder, "orch.db")) as db:
        db.execute("""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            INSERT INTO execution(name, pipeline, workflow_sha256, cause_of_start, status, input, output, start_ms, stop_ms, own)
            SELECT 'n' || i, pipeline, workflow_sha256, cause_of_start, status, input, output, start_ms + i, stop_ms + i, 1 FROM n, execution WHERE id = 1""", (EXECUTIONS - 1,))
        db.execute("""INSERT INTO event(execution_id, id, previous_id, type, ts_ms, details, state, frame_id)
            SELECT x.id, e.id, e.previous_id, e.type, e.ts_ms, e.details, e.state, e.frame_id FROM execution x, event e WHERE e.execution_id = 1 AND x.id > 1""")
    columns = "id, name, pipeline, cause_of_start, status, error, cause, start_ms, stop_ms, idle, redrive_count, redrive_ms"
    cases = [
        ("list-all", ["list", "--limit", str(EXECUTIONS), "-o", "json"], f"SELECT {columns} FROM execution ORDER BY id DESC LIMIT {EXECUTIONS}"),
        ("list", ["list"], f"SELECT {columns} FROM execution ORDER BY id DESC LIMIT 20"),
        ("describe", ["describe", "n5000"], "SELECT * FROM execution WHERE name = 'n5000'"),
        ("status", ["status", "-o", "json"], f"SELECT {columns} FROM execution ORDER BY id DESC LIMIT 20"),
    ]
    good = True
    for name, words, query in cases:
        ours, bare = [], []

        def one(argv):
            start = time.perf_counter()
            ran = subprocess.run(argv, cwd=folder, env=bench.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if ran.returncode not in (0, 6, 75):
                run.fail(f"{argv}: {ran.returncode} {ran.stderr}")
            return time.perf_counter() - start

        for i in range(run.rounds(7) * 3):
            for side in (0, 1) if i % 2 == 0 else (1, 0):
                if side:
                    bare.append(one([bench.path("bare"), "orch.db", query]))
                else:
                    ours.append(one([run.ORCH, *words]))
        times = [a / b for a, b in zip(ours, bare)]
        print(f"{'engine/' + name:<22} orch {statistics.median(ours) * 1000:9.1f} ms   bare query {statistics.median(bare) * 1000:9.1f} ms"
              f"   {statistics.median(times):.2f} times as long  (from {min(times):.2f} to {max(times):.2f}, {len(times)} rounds)", flush=True)
        good = good and statistics.median(times) <= 3
    return good


def items(bench, run, program):
    """A Map of a thousand items and of ITEMS: time and peak memory."""
    definition = {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemsPath": "$", "MaxConcurrency": 10, "End": True, "ItemProcessor": {
        "StartAt": "P", "States": {"P": {"Type": "Pass", "Next": "Q"}, "Q": {"Type": "Pass", "End": True}}}}}}
    took, peak = {}, {}
    for n in (ITEMS // 10, ITEMS):
        took[n], peak[n] = [], []
        for _ in range(run.rounds(7)):
            folder = world(bench, "map", definition)
            seconds, kib = worked(bench, run, program, folder, json.dumps([{"i": i, "name": f"item {i}"} for i in range(n)]), 100)
            took[n].append(seconds)
            peak[n].append(kib)
    small, large = (statistics.median(took[n]) for n in (ITEMS // 10, ITEMS))
    most = max(peak[ITEMS]) / 1024
    print(f"{'engine/map':<22} {ITEMS // 10} items {small * 1000:.1f} ms, {ITEMS} items {large * 1000:.1f} ms: {large / small:.2f} times as long; "
          f"peak memory {most:.1f} MiB", flush=True)
    return large / small <= 13 and most < 128


def million(bench, run):
    """A history of EVENTS events: a page of it, of one state, of what failed, and the whole of it."""
    folder = world(bench, "million", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    orch(bench, run, folder, "start", "w", "--name", "m", "--wait")
    with sqlite3.connect(os.path.join(folder, "orch.db")) as db:
        db.execute("""WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            INSERT INTO event(execution_id, id, previous_id, type, ts_ms, details, state, frame_id)
            SELECT 1, i, i - 1, CASE WHEN i % 100000 = 0 THEN 'ActivityFailed' ELSE e.type END, e.ts_ms,
            CASE WHEN i % 100000 = 0 THEN '{"activityFailedEventDetails":{"error":"E"}}' ELSE e.details END, 'S' || (i % 1000), 0
            FROM n, event e WHERE e.execution_id = 1 AND e.id = 2""", (EVENTS,))
    good = True
    for name, words in (("page", ["--max", "100"]), ("newest", ["--max", "100", "--reverse"]), ("middle", ["--max", "100", "--starting-token", str(EVENTS // 2)]),
                        ("failed", ["--failed"]), ("state", ["--state", "S500"]), ("failed-state", ["--failed", "--state", "S0"])):
        seconds = statistics.median(run.timed([run.ORCH, "history", "m", *words, "-o", "json"], cwd=folder, env=bench.env)[0] for _ in range(run.rounds(7)))
        print(f"{'engine/history-' + name:<22} orch {seconds * 1000:9.1f} ms", flush=True)
        good = good and seconds < 1
    seconds, peak = run.timed([run.ORCH, "history", "m", "-o", "jsonl"], cwd=folder, env=bench.env)
    print(f"{'engine/history-whole':<22} orch {seconds * 1000:9.1f} ms, peak memory {peak / 1024:.1f} MiB", flush=True)
    return good and peak < 64 * 1024


CASES = {
    "passes": lambda bench, run: passes(bench, run, build(bench, run), 100),
    "passes-alone": lambda bench, run: passes(bench, run, build(bench, run), 1),
    "many": lambda bench, run: many(bench, run, build(bench, run)),
    "map": lambda bench, run: items(bench, run, build(bench, run)),
    "history": million,
}


def engine(bench, run, *names):
    if not all([CASES[name](bench, run) for name in names or CASES]):
        run.fail("the engine is slower, or larger, than docs/performance.md says")

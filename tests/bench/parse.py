"""./dev bench parse: parsing and typing alone, on one core, against LOAD DATA LOCAL INFILE of the same clean file."""

import os
import statistics
import subprocess

ROWS = 1000000


def build(bench, run, name="parse"):
    """tests/bench/NAME.c against the libraries of the build that orch comes from."""
    made, program = os.path.dirname(run.ORCH), bench.path(name)
    mysql = "libmariadb" if subprocess.run(["pkg-config", "--exists", "libmariadb"]).returncode == 0 else "mysqlclient"
    packages = ["jansson", "sqlite3", "libcurl", "libxml-2.0", "zlib", "libzstd", "libcrypto", "avro-c", mysql]
    flags = run.command("pkg-config", "--cflags", "--libs", *packages).split()
    run.command("cc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-include", os.path.join(run.TOP, "base/banned.h"), "-I", run.TOP,
                "-I", os.path.join(made, "generated"), "-o", program, os.path.join(run.TOP, f"tests/bench/{name}.c"),
                os.path.join(made, "libio.a"), os.path.join(made, "libbase.a"), *flags, "-lm")
    return program


def clean_file(bench):
    raw, clean = bench.path("parse-raw.csv"), bench.path("parse.csv")
    bench.generate(raw, ROWS)
    with open(raw, "rb") as f, open(clean, "wb") as to:
        next(f)
        for line in f:
            to.write(line.replace(b",NA", b",\\N"))
    os.unlink(raw)
    return clean


def parse(bench, run):
    """run: the module that has the helpers. Prints a line for each of what tests/bench/parse.c calls a mode."""
    program, clean = build(bench, run), clean_file(bench)
    size = os.path.getsize(clean) / 1e6
    modes, load = {"typed": [], "sums": [], "whole": []}, []
    cpu = {mode: [] for mode in (*modes, "load")}
    bench.mariadb()

    def ours():
        for mode, into in modes.items():
            passes = [line.split() for line in run.command(program, clean, "3", mode).splitlines()]
            if any(int(p[3]) != ROWS for p in passes):
                run.fail(f"parse: {passes[0][3]} rows were read")
            into.append(statistics.median(float(p[0]) for p in passes))
            cpu[mode].append(statistics.median(float(p[1]) for p in passes))

    def yardstick():
        bench.sql(f"DROP TABLE IF EXISTS theirs; CREATE TABLE theirs ({run.COLUMNS}) ENGINE=InnoDB")
        before = run.server_cpu(bench)
        load.append(run.timed(bench.client("--local-infile=1", "-e", f"LOAD DATA LOCAL INFILE '{clean}' INTO TABLE theirs "
                                           "FIELDS TERMINATED BY ',' LINES TERMINATED BY '\\n'"))[0])
        cpu["load"].append(run.server_cpu(bench) - before)
        if bench.sql("SELECT COUNT(*) FROM theirs").strip() != str(ROWS):
            run.fail("parse: the yardstick lost rows")

    for i in range(run.rounds(5)):
        for side in (ours, yardstick) if i % 2 == 0 else (yardstick, ours):
            side()
    for mode, seconds in modes.items():
        speed = [y / x for x, y in zip(seconds, load)]
        mine, theirs = statistics.median(seconds), statistics.median(load)
        print(f"{'parse-' + mode:<22} orch {size / mine:7.0f} MB/s, {ROWS / mine / 1e6:5.2f} M rows/s   yardstick "
              f"{size / theirs:5.1f} MB/s   speed {statistics.median(speed):.1f}  (from {min(speed):.1f} to {max(speed):.1f}, "
              f"{len(load)} rounds)", flush=True)
        busy = statistics.median(y / x for x, y in zip(cpu[mode], cpu["load"]))
        print(f"{'':<22} CPU: orch {statistics.median(cpu[mode]):.3f} s, {size / statistics.median(cpu[mode]):.0f} MB/s; "
              f"the server {statistics.median(cpu['load']):.2f} s, {busy:.1f} times as much", flush=True)
    if statistics.median(y / x for x, y in zip(modes["typed"], load)) < 15:
        run.fail("parse: less than 15 times the yardstick")


def written(bench, run):
    """tests/bench/format.c: rows into text and packed, by the CPU's own time."""
    program, clean = build(bench, run, "format"), clean_file(bench)
    passes = {}
    for line in run.command(program, clean, str(3 * run.rounds(5))).splitlines():
        name, *figures = line.split()
        passes.setdefault(name, []).append([float(f) for f in figures])
    for name, lines in passes.items():
        speed = statistics.median(size / seconds for seconds, size, _ in lines) / 1e6
        cost = statistics.median(seconds / rows for seconds, _, rows in lines) * 1e9
        print(f"{'format-' + name:<22} {speed:7.0f} {'M doubles/s' if name == 'shortest' else 'MB/s'}, {cost:.0f} ns a row", flush=True)
    ratio = [y[0] / x[0] for x, y in zip(passes["csv"], passes["printf"])]
    print(f"{'format-csv':<22} speed {statistics.median(ratio):.1f}  (from {min(ratio):.1f} to {max(ratio):.1f}, {len(ratio)} passes)")
    if statistics.median(ratio) < 8:
        run.fail("format: less than 8 times snprintf")

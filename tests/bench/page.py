"""The pages of orch serve against the bare SQLite queries that read the same rows: ./dev bench page."""
import gzip
import http.client
import os
import re
import statistics
import subprocess
import sys
import time

from harness import ORCH, TOP, command, fail, rounds

LIMIT, BYTES, TIMES = 5.0, 130 * 1024, 20


def queries():
    """The statements of sql/queries, by name, on one line each."""
    out = {}
    for name in ("view", "dash", "trouble", "exec", "pause", "notice", "partition"):
        path = os.path.join(TOP, "sql", "queries", name + ".sql")
        with open(path, encoding="utf-8") as f:
            for one in re.split(r"^-- name: ", f.read(), flags=re.M)[1:]:
                head, _, body = one.partition("\n")
                out[head.strip()] = " ".join(re.sub(r"--.*", "", body).split())
    return out


def bound(sql, *values):
    for n in range(len(values), 0, -1):
        v = values[n - 1]
        sql = sql.replace(f"?{n}", "NULL" if v is None else str(v) if isinstance(v, int) else f"'{v}'")
    return sql


def of_flow(q, name, first, last):
    """What the overview shows of a pipeline: its last 24 partitions with their jobs, rates, runs and troubles."""
    return [bound(q["view_parts"], name, first, last), bound(q["view_jobs"], name, first, last), bound(q["dash_rates"], name, 48),
            bound(q["exec_list_pipeline"], name, None, 3), bound(q["trouble_jobs"], name), bound(q["trouble_late"], name)]


class Site:
    def __init__(self, folder, env):
        self.p = subprocess.Popen([ORCH, "-c", os.path.join(folder, "orch.json"), "serve", "--listen", "127.0.0.1:0"], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
        for line in self.p.stderr:
            if m := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                break
        else:
            fail("orch serve did not start")
        self.http = http.client.HTTPConnection("127.0.0.1", int(m[1]), timeout=60)

    def get(self, path):
        self.http.request("GET", path, headers={"Accept": "text/html", "Accept-Encoding": "identity"})
        r = self.http.getresponse()
        body = r.read()
        if r.status != 200:
            fail(f"{path}: {r.status} {body[:500]}")
        return body

    def close(self):
        self.http.close()
        self.p.terminate()
        self.p.wait()


def one(bench, site, name, path, statements):
    with open(bench.path("page.sql"), "w", encoding="utf-8") as f:
        f.write("".join(s + "\n" for s in statements))
    ours, theirs = [], []
    body = site.get(path)
    for _ in range(rounds(9)):
        start = time.perf_counter()
        for _ in range(TIMES):
            site.get(path)
        ours.append((time.perf_counter() - start) / TIMES)
        theirs.append(float(command(bench.path("page-bare"), os.path.join(bench.path("years"), "orch.db"), bench.path("page.sql"), str(TIMES)).split()[0]))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    packed = len(gzip.compress(body, 6))
    print(f"{name:<22} orch {statistics.median(ours) * 1000:9.2f} ms   bare query {statistics.median(theirs) * 1000:9.2f} ms   {ratio:.2f} times (at most {LIMIT:g})"
          f"   {len(body) / 1024:.0f} KiB, packed {packed / 1024:.1f} (at most {BYTES // 1024})", flush=True)
    return ratio <= LIMIT and packed <= BYTES


def page(bench, run):
    sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
    import dashboard
    import scale
    folder = run.years(bench)
    command("cc", "-O2", "-std=c17", "-I", TOP, "-o", bench.path("page-bare"), os.path.join(TOP, "tests/bench/page.c"), "-lsqlite3")
    names = [f"p{i}" for i in range(10)]
    dashboard.runs(type("W", (), {"path": staticmethod(lambda n: os.path.join(folder, n))}), names)
    last = int(time.time()) // 3600 - 1
    first, last = scale.part_name(last - 23), scale.part_name(last)
    year = int(last[:4]) - 1
    q = queries()
    site = Site(folder, bench.env)
    try:
        summary = [s for n in names for s in of_flow(q, n, first, last)]
        hours = [bound(q[x], "p0", f"{year}-01-01T00", f"{year}-12-31T23") for x in ("view_parts", "view_job_states")]
        month = [bound(q[x], "p0", f"{year}-03-01T00", f"{year}-03-31T23") for x in ("view_parts", "view_jobs")]
        good = one(bench, site, "page/summary", "/", summary)
        good = one(bench, site, "page/year", f"/pipelines/p0?year={year}", of_flow(q, "p0", first, last) + hours) and good
        good = one(bench, site, "page/month", f"/pipelines/p0?month={year}-03", of_flow(q, "p0", first, last) + month) and good
    finally:
        site.close()
    if not good:
        print("page: more than the limit", flush=True)

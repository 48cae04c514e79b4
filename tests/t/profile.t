#!/usr/bin/python3
"""orch profile against python's own arithmetic: exact where it says exact, within its stated error where not."""
import collections
import csv
import html.parser
import json
import math
import os
import random
import re
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from world import World, ok, same, like, done, diag, credit_rows, HEADER, ORCH  # noqa: E402

w = World()


def write(name, rows, header=None, newline="\n"):
    with open(w.path(name), "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f, lineterminator=newline)
        if header:
            out.writerow(header)
        out.writerows(rows)


def profile(*args):
    r = w.run([ORCH, "profile", *args, "-o", "json"], env=w.orch_env(), cwd=w.dir)
    if r.rc:
        diag(r.err)
    return json.loads(r.out) if r.rc == 0 else None


def near(got, want, relative, name):
    ok(got is not None and abs(got - want) <= relative * max(1e-300, abs(want)), f"{name}: {got} is {want}")


def column(report, name):
    return next(c for c in report["columns"] if c["column"] == name)


def quantile(values, q):
    """type 7: numpy's default"""
    at = (len(values) - 1) * q
    low = math.floor(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def exact_numbers():
    rows = list(credit_rows(3000, seed=7))
    write("credit.csv", rows, HEADER)
    report = profile("credit.csv")
    same((report["rows"], len(report["columns"]), report["bad"], report["copies"]), (3000, 12, 0, 0), "rows, columns, no bad record, no copy")
    for k, name in enumerate(HEADER):
        texts = [r[k] for r in rows if r[k] != "NA"]
        values = sorted(map(float, texts))
        c = column(report, name)
        counts = collections.Counter(texts)
        same((c["nulls"], c["distinct"], c["distinct_error"]), (3000 - len(texts), len(counts), 0), f"{name}: NULLs and distinct values")
        near(c["mean"], statistics.fmean(values), 1e-12, f"{name}: mean")
        near(c["stddev"], statistics.stdev(values), 1e-12, f"{name}: standard deviation")
        same((c["min"], c["max"], c["zeros"]), (values[0], values[-1], values.count(0)), f"{name}: min, max, zeros")
        want = [quantile(values, q) for q in (.01, .05, .25, .5, .75, .95, .99)]
        ok(c["quantiles_exact"] and all(abs(a - b) <= 1e-9 * max(1, abs(b)) for a, b in zip(c["quantiles"].values(), want)), f"{name}: quantiles")
        same(sum(b["count"] for b in c["histogram"]), len(values), f"{name}: the histogram holds every value")
        bins = [b for b in c["histogram"]]
        ok(all(sum(b["from"] <= v < b["to"] or (b is bins[-1] and v == b["to"]) for v in values) == b["count"] for b in bins), f"{name}: and each in its bin")
        same(sorted((t["count"] for t in c["top"]), reverse=True), [n for _, n in counts.most_common(10)], f"{name}: top counts")
        ok(all(counts[t["value"]] == t["count"] and rows[t["line"] - 2][k] == t["value"] for t in c["top"]), f"{name}: of the right values, first in the right lines")
    pairs = {(p["a"], p["b"]): p for p in report["correlations"]}
    same(len(pairs), 66, "each pair of numbers is correlated")
    worst = 0
    for (a, b), p in pairs.items():
        both = [(float(r[a]), float(r[b])) for r in rows if r[a] != "NA" and r[b] != "NA"]
        worst = max(worst, abs(p["r"] - statistics.correlation(*zip(*both))) if p["rows"] == len(both) else 9)
    ok(worst < 1e-12, f"over the rows that have both: worst difference {worst:.1e}")
    same(column(report, "MonthlyIncome")["sql_type"], "BIGINT", "the SQL type is what the loader would make")
    coded = column(report, "NumberOfTime30-59DaysPastDueNotWorse")["placeholders"]
    same([p["value"] for p in coded], ["98"], "98 where all else is small is told as a code")


def sketches():
    """More distinct values than are kept: the stated errors hold."""
    n = 120000
    r = random.Random(3)
    rows = [(i, "%.9f" % r.random(), "%.4f" % r.gauss(0, 50), "x%d" % r.randrange(60000) if r.random() < .9 else "often", r.randrange(50)) for i in range(1, n + 1)]
    write("many.csv", rows, ["id", "u", "g", "t", "few"])
    report = profile("many.csv")
    same(column(report, "id")["unique"], "yes", "a rising number is seen to be unique, whatever its length")
    for k, name in ((0, "id"), (1, "u"), (2, "g")):
        values = sorted(float(x[k]) for x in rows)
        c = column(report, name)
        near(c["mean"] + 1e6, statistics.fmean(values) + 1e6, 1e-14, f"{name}: the mean is exact")
        near(c["stddev"], statistics.stdev(values), 1e-11, f"{name}: the deviation too")
        same((c["min"], c["max"]), (values[0], values[-1]), f"{name}: min and max too")
        near(c["distinct"], len({x[k] for x in rows}), 4 * 0.0081, f"{name}: distinct values within four standard errors")
        import bisect
        ranks = [(bisect.bisect_left(values, v) + bisect.bisect_right(values, v)) / 2 / n for v in c["quantiles"].values()]
        off = max(abs(a - b) for a, b in zip(ranks, (.01, .05, .25, .5, .75, .95, .99)))
        ok(not c["quantiles_exact"] and off < 4 * c["quantile_error"], f"{name}: ranks of quantiles within four standard errors ({off:.4f} of {c['quantile_error']:.4f})")
        ok(abs(sum(b["count"] for b in c["histogram"]) - n) <= len(c["histogram"]), f"{name}: the histogram adds up")
        same([float(v["value"]) for v in c["highest"]], sorted(set(values))[:-6:-1], f"{name}: the five highest are exact")
        ok(all(rows[v["line"] - 2][k] == (int(v["value"]) if k == 0 else v["value"]) for v in c["highest"] + c["lowest"]), f"{name}: and in the lines told")
    c = column(report, "t")
    counts = collections.Counter(x[3] for x in rows)
    near(c["distinct"], len(counts), 4 * 0.0081, "texts: distinct within four standard errors")
    ok(c["top"][0]["value"] == "often" and c["top"][0]["count"] <= counts["often"] <= c["top"][0]["count"] + c["top_error"], f"the frequent text is found, its count low by at most {c['top_error']}")
    same((c["shapes"][0]["shape"], c["shapes"][0]["count"]), ("a99999", sum(len(x[3]) == 6 and x[3] != "often" for x in rows)), "shapes of texts are counted")
    same(column(report, "few")["distinct_error"], 0, "another column of the file stays exact")


def whatever():
    """Odd things are told with their lines."""
    rows = [["%d" % i, "2022-06-%02d" % (i % 28 + 1), "%d.5" % (i % 40), "AB-%d" % (1000 + i), "k"] for i in range(400)]
    rows[10][2] = "12,5"
    rows[20][1] = "2022-02-30"
    rows[30][3] = " AB-77"
    rows[31][3] = "N/A"
    rows[32][3] = "-"
    rows[40] = rows[39]
    rows[50][2] = "9999"
    write("odd.csv", rows + [["too", "few"]], ["n", "day", "amount", "code", "same"])
    with open(w.path("odd.csv"), "ab") as f:
        f.write(b"7,2022-06-01,1.5,\xff\xfe,k\n")
    r = profile("odd.csv")
    same((r["rows"], r["bad"], [(b["code"], b["line"]) for b in r["bad_examples"]]), (400, 2, [("FIELD_COUNT", 402), ("BAD_UTF8", 403)]), "records that cannot be read are told with their lines")
    same((r["copies"], r["copies_exact"], r["copy_examples"][0]), (1, True, {"first": {"line": 41}, "again": {"line": 42}}), "a row that repeats another, and which")
    amount = column(r, "amount")
    same((amount["type"], amount["misfits"], amount["misfit_examples"]), ("REAL", 1, [{"value": "12,5", "line": 12}]), "a word among numbers keeps the column a column of numbers, and is shown")
    same((amount["odd"], amount["highest"][0]), (1, {"value": "9999", "count": 1, "line": 52}), "a value far out, and its line")
    day = column(r, "day")
    same((day["type"], day["min"], day["max"], day["misfit_examples"][0]["value"]), ("DATE", "2022-06-01", "2022-06-28", "2022-02-30"), "dates have a range; the 30th of February is none")
    code = column(r, "code")
    same((code["type"], code["padded"], code["shapes"][0]["shape"]), ("TEXT", 1, "AB-9999".replace("AB", "A")), "texts have shapes; blanks at an end are counted")
    same(sorted(p["value"] for p in code["placeholders"]), ["-", "N/A"], "words for not known are found")
    codes = {(x["column"], x["code"]) for x in r["warnings"]}
    ok({(None, "BAD_RECORDS"), (None, "COPIES"), ("amount", "MISFIT"), ("amount", "ODD"), ("day", "MISFIT"), ("code", "PADDED"), ("code", "PLACEHOLDER"), ("same", "CONSTANT")} <= codes, f"each of them is a warning: {sorted(map(str, codes))}")
    hidden = profile("odd.csv", "--no-values")
    ok(not re.search(r"12,5|AB-77|N/A|9999\b", json.dumps([hidden["warnings"]] + [[c[k] for k in ("top", "lowest", "highest", "misfit_examples", "placeholders")] for c in hidden["columns"]])), "--no-values quotes no value")
    same({**profile("odd.csv"), "made": r["made"]}, r, "the same file gives the same report")


def dialects():
    with open(w.path("semi.csv"), "wb") as f:
        f.write(b"a;b\r\n1;null\r\n2;\r\n-;'x;y'\r\n")
    r = profile("semi.csv", "--delimiter", ";", "--quote", "'", "--null", "null,-,")
    same([(c["column"], c["type"], c["nulls"], c["empty"]) for c in r["columns"]], [("a", "INT", 1, 0), ("b", "TEXT", 1, 1)], "delimiter, quote and spellings of NULL as told")
    subprocess.run(["gzip", "-k", w.path("credit.csv")], check=True)
    a, b = profile("credit.csv"), profile("credit.csv.gz")
    same(a["columns"], b["columns"], "a compressed file has the same profile")
    r = profile("semi.csv", "--delimiter", ";", "--no-header")
    same((r["rows"], r["bad"], [c["column"] for c in r["columns"]]), (3, 1, ["1", "2"]), "without a header the columns have numbers")
    r = w.run([ORCH, "profile", "nothing.csv"], env=w.orch_env(), cwd=w.dir)
    ok(r.rc != 0 and "nothing.csv" in r.err, f"a file that is not there is said: {r.err.strip()}")
    write("big.csv", [["x" * 1000000, "1"], ["y", "2"]], ["t", "n"])
    t = column(profile("big.csv"), "t")
    ok(t["max_chars"] == 1000000 and any(v["value"].endswith("... (1000000 bytes)") and len(v["value"]) < 200 for v in t["top"]), "a cell of a million bytes is cut to show it, and that is said")


class Page(html.parser.HTMLParser):
    """Every tag closed, none that loads or runs anything."""

    def __init__(self):
        super().__init__()
        self.open, self.faults, self.ids, self.refs, self.text = [], [], set(), set(), ""

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "iframe", "img", "object", "embed", "base", "form"):
            self.faults.append(tag)
        for k, v in attrs:
            if k.startswith("on") or (k in ("href", "src", "xlink:href", "action") and not v.startswith("#")):
                self.faults.append(f"{tag} {k}={v}")
            if k == "id":
                self.ids.add(v)
            if k == "href":
                self.refs.add(v[1:])
        if tag not in ("meta", "br"):
            self.open.append(tag)

    handle_startendtag = lambda self, tag, attrs: self.handle_starttag(tag, attrs) or (self.open and self.open[-1] == tag and self.open.pop())

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"/{tag}")

    def handle_data(self, data):
        self.text += data


def page():
    evil = "\"><script>alert(1)</script>&'"
    write("evil.csv", [[evil, str(i), evil + str(i % 3)] for i in range(50)], [evil, "<b>n</b>", "c"])
    r = w.run([ORCH, "profile", "evil.csv"], env=w.orch_env(), cwd=w.dir)
    same((r.rc, os.path.exists(w.path("profile-evil.csv.html"))), (0, True), "the page goes to profile-NAME.html")
    text = open(w.path("profile-evil.csv.html"), encoding="utf-8").read()
    p = Page()
    p.feed(text)
    same((p.faults, p.open), ([], []), "hostile names and values change nothing of the page")
    ok(p.refs <= p.ids and evil in p.text, "its links lead to its own columns; names are shown as they are")
    write("obeyed.csv", [["\x1b[2J", "x\u202ey"]] * 3, ["\x1b[31mred", "csv.\u202egpj"])
    w.run([ORCH, "profile", "obeyed.csv", "--html", "obeyed.html"], env=w.orch_env(), cwd=w.dir)
    obeyed = open(w.path("obeyed.html"), encoding="utf-8").read()
    same((re.findall("[\x1b\u202e]", obeyed), "\\x1b[31mred" in obeyed), ([], True), "what a reader's program would obey is shown as \\xNN")
    ok("default-src 'none'" in text and not re.search(r"(?:src|href)=\"?(?:https?:|//)|@import|url\(", text), "it loads nothing and says so to the browser")
    same(w.run([ORCH, "profile", "evil.csv", "--html", "x.html", "--json", "x.json"], env=w.orch_env(), cwd=w.dir).rc, 0, "--html and --json")
    a, b = json.load(open(w.path("x.json"))), profile("evil.csv")
    a.pop("made"), b.pop("made")
    same(a, b, "--json writes what -o json prints")
    browser = shutil.which("chromium")
    if not browser:
        ok(True, "a browser shows it # SKIP chromium is not installed")
        return
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync --enable-logging=stderr --dump-dom".split()
    b = w.run([browser, *flags, f"--user-data-dir={w.path('chromium')}", f"file://{w.path('x.html')}"], timeout=120)
    ok(b.rc == 0 and "Column by column" in b.out and b.out.count("<svg") >= 1 and "CONSOLE" not in b.err and "alert(1)</script>" not in b.out, "a browser shows it, and has nothing to complain of")


def pipeline():
    w.pipeline(target="sqlite", target_create=True, columns={"": None}, source_until=None)
    header = ",".join(HEADER) + "\n"
    for hour in (0, 1, 2):
        w.put(f"yyyy=2022/mm=06/dd=05/hh={hour:02}/a.csv", header + "".join(",".join(r) + "\n" for r in credit_rows(200, seed=hour, first=200 * hour + 1)))
    w.put("yyyy=2022/mm=06/dd=05/hh=02/b.csv", header + ",".join(next(credit_rows(1, first=900))) + "\n")
    now = "2022-06-05T08:30:00Z"
    newest = json.loads(w.good("profile", "loans", "-o", "json", now=now).out)
    same((newest["subject"], newest["rows"], newest["file_count"]), ("loans/2022-06-05T02", 201, 2), "of a pipeline: its newest partition that has files")
    ok(any(v.get("file", "").endswith("b.csv") and v["line"] == 2 for c in newest["columns"] for v in c["highest"]), "a value of one of several files is told with its file")
    span = json.loads(w.good("profile", "loans", "--from", "2022-06-05T00", "--to", "2022-06-05T02", "-o", "json", now=now).out)
    same((span["rows"], span["file_count"]), (601, 4), "--from and --to: all of them together")
    one = json.loads(w.good("profile", "loans/2022-06-05T01", "-o", "json", now=now).out)
    same(one["rows"], 200, "one partition by name")
    r = w.orch("profile", "loans/2022-06-05T05", now=now)
    ok(r.rc == 1 and "no file" in r.err, f"a partition without files is said: {r.err.strip()}")
    w.good("target", "setup", now=now)
    w.good("run", "loans", now=now)
    t = json.loads(w.good("profile", "loans", "--table", "-o", "json", now=now).out)
    same((t["kind"], t["subject"], t["rows"]), ("table", "loan_applicant_info", 601), "--table: the target table")
    for name in ("MonthlyIncome", "DebtRatio", "age"):
        keys = ("nulls", "values", "distinct", "min", "max", "quantiles", "histogram", "zeros")
        a, b = column(t, name), column(span, name)
        same([a[k] for k in keys], [b[k] for k in keys], f"{name}: the table has the profile of its files")
    ok(not any(c["column"].startswith("_orch") for c in t["columns"]), "orch's own columns are left out")


def server_table():
    """A table of a real server, streamed: its own types, NULLs, and rows beyond one packet."""
    if not (shutil.which("mariadbd") or os.path.exists("/usr/sbin/mariadbd")) and "mysql" not in os.environ.get("ORCH_TEST_NEED", ""):
        ok(True, "a table of a server # SKIP mariadb is not installed")
        return
    m = World("mysql")
    m.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, d DOUBLE, n DECIMAL(20,4), day DATE, at DATETIME(6), word VARCHAR(100), raw BLOB, `odd ``name` INT);"
          "INSERT INTO t SELECT seq, seq/7, seq/10, DATE_ADD('2022-06-01', INTERVAL seq MOD 30 DAY), DATE_ADD('2022-06-05 12:00:00.5', INTERVAL seq SECOND),"
          " IF(seq MOD 4 = 0, NULL, CONCAT('w', seq MOD 9)), IF(seq = 9, '', REPEAT('x', seq MOD 100)), NULL FROM seq_1_to_20000")
    m.pipeline(target_table="t")
    r = m.good("profile", "loans", "--table", "-o", "json", now="2022-06-06T00:00:00Z")
    t = json.loads(r.out)
    same([(c["column"], c["type"], c["nulls"], c["empty"]) for c in t["columns"]],
         [("id", "INT", 0, 0), ("d", "REAL", 0, 0), ("n", "REAL", 0, 0), ("day", "DATE", 0, 0), ("at", "DATETIME", 0, 0),
          ("word", "TEXT", 5000, 0), ("raw", "TEXT", 0, 201), ("odd `name", "NOTHING", 20000, 0)], "a server's table: types, NULLs and empty texts apart")
    same((t["rows"], column(t, "word")["distinct"], column(t, "day")["max"], column(t, "n")["max"]), (20000, 9, "2022-06-30", 2000), "every row of it, once")
    near(column(t, "d")["mean"], 20001 / 14, 1e-12, "doubles with all their digits")
    ok(column(t, "d")["sql_type"] == "double" and column(t, "n")["sql_type"].startswith("decimal(20,4)"), "and the table's own SQL types")


def memory():
    """What it takes does not grow with the file."""
    peaks = []
    gen = os.path.join(os.environ.get("ORCH_BUILD", os.path.dirname(ORCH)), "gen-credit")
    for rows in (150000, 600000):
        with open(w.path("grow.csv"), "wb") as f:
            subprocess.run([gen, str(rows)], stdout=f, check=True)
        env = dict(w.orch_env(), ASAN_OPTIONS="detect_leaks=0:quarantine_size_mb=1")
        talk = open(w.path("grow.json"), "wb")
        p = subprocess.Popen([ORCH, "profile", w.path("grow.csv"), "-o", "json"], env=env, cwd=w.dir, stdout=talk)
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        talk.close()
        same((p.returncode, json.load(open(w.path("grow.json")))["rows"]), (0, rows), f"{rows} rows are read")
        peaks.append(usage.ru_maxrss / 1024)
    ok(peaks[1] < peaks[0] * 1.1 + 4, f"four times the rows, the same memory: {peaks[0]:.0f} and {peaks[1]:.0f} MiB")


exact_numbers()
sketches()
whatever()
dialects()
page()
pipeline()
server_table()
memory()
done()

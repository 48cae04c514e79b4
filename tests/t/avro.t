#!/usr/bin/python3
"""What orch writes as Avro, read by others: Python's avro and avrocat. Values are written down here once more, by hand."""
import datetime
import decimal
import io
import json
import os
import shutil
import subprocess
import sys
import warnings

BUILD = os.environ.get("ORCH_BUILD") or "build/dev"
ROWS = 40
D = decimal.Decimal
UTC = datetime.timezone.utc
points = failures = 0

NINES35, NINES30 = "9" * 35, "9" * 30
# column: its Avro name, values (again from the first one), whether each third row is NULL
EVERY = [
    ("tiny", [-128, 127, 0], True),
    ("utiny", [0, 255], False),
    ("small", [-32768, 32767], False),
    ("medium", [16777215, 0], True),
    ("int", [-(2**31), 2**31 - 1, 63, 64, -64, -65], True),
    ("uint", [2**32 - 1, 0], True),
    ("big", [-(2**63), 2**63 - 1, 0], True),
    ("ubig", [D(0), D(127), D(128), D(2**63), D(2**64 - 1)], True),
    ("dec", [D("-99999999.99"), D("0.00"), D("0.01"), D("-0.01"), D("1.28"), D("-1.28")], True),
    ("long_dec", [D(NINES35 + "." + NINES30), D("-" + NINES35 + "." + NINES30), D("0." + NINES30)], False),
    ("thin_dec", [D("0." + "0" * 37 + "1")], True),
    ("double", [0.1, -0.0, 1.7976931348623157e308, 5e-324, -1e22, 2.2250738585072014e-308], True),
    ("float", [0.10000000149011612, -0.0, 3.4028234663852886e38, 1.401298464324817e-45, 16777216.0], True),
    ("char", ["abc", "", "café"], False),
    ("varchar", ["", "a,\"b\"\r\n'c'\\", "😀", "NULL", "nul\0in it"], True),
    ("text", ["x", ""], True),
    ("enum", ["a", "b'c", ""], True),
    ("set", ["", "x,y"], False),
    ("json", ['{"a": [1, null]}', "[]"], True),
    ("binary", [b"\0\1\xff", b"abc"], False),
    ("varbinary", [b"", b"\xff\xfe"], True),
    ("blob", [b"\0", b""], True),
    ("date", [datetime.date(*d) for d in ((1000, 1, 1), (9999, 12, 31), (1970, 1, 1), (1969, 12, 31), (2000, 2, 29), (1, 1, 1))], True),
    ("datetime", ["1000-01-01 00:00:00", "9999-12-31 23:59:59", "1969-12-31 23:59:59", "2022-03-27 02:30:00"], True),
    ("datetime3", ["1969-12-31 23:59:59.999", "2022-06-05 12:34:56.1"], False),
    ("datetime6", ["9999-12-31 23:59:59.999999", "1000-01-01 00:00:00.000001"], True),
    ("timestamp", [datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), datetime.datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)], True),
    ("timestamp6", [datetime.datetime(2038, 1, 19, 3, 14, 7, 999999, UTC), datetime.datetime(1970, 1, 1, 0, 0, 0, 1, UTC)], False),
    ("time", ["-838:59:59", "838:59:59", "00:00:00"], True),
    ("time6", ["-00:00:00.000001", "23:59:59.999999"], False),
    ("year", [1901, 2155, 0], True),
    ("bit1", [b"\0", b"\1"], True),
    ("bit10", [b"\3\xff", b"\0\1", b"\1\0"], False),
    ("bit64", [b"\xff" * 8, b"\0" * 8], True),
    ("geometry", [b"\0\0\0\0\1\1\0\0\0"], True),
    ("uuid", ["01234567-89ab-cdef-0123-456789abcdef"], True),
]
NAMES = {"long_dec": "long dec", "thin_dec": "thin-dec"}


def point(what, fault=None, skip=None):
    global points, failures
    points += 1
    failures += bool(fault)
    print(f"{'not ' if fault else ''}ok {points} - {what}{' # SKIP ' + skip if skip else ''}")
    if fault:
        print(f"# {fault}", file=sys.stderr)


def missing(what, package):
    """Not installed: skipped aloud, and a failure where the caller was promised it."""
    needed = {"avro", "all"} & set(os.environ.get("ORCH_TEST_NEED", "").split(","))
    point(what, f"{package} is not installed" if needed else None, None if needed else f"{package} is not installed (./dev setup)")


def written(*args):
    return subprocess.run([os.path.join(BUILD, "avro-write"), *args], stdout=subprocess.PIPE, check=True).stdout


def micros(text):
    """Since 1970, on a clock without a zone: what local-timestamp-micros counts."""
    t = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f" if "." in text else "%Y-%m-%d %H:%M:%S")
    return (t - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)


def expected():
    rows = [{} for _ in range(ROWS)]
    for name, values, nulls in EVERY:
        at = 0
        for row in range(ROWS):
            if nulls and row % 3 == 2:
                rows[row][name] = None
                continue
            rows[row][name] = values[at % len(values)]
            if name.startswith("datetime"):
                rows[row][name] = micros(rows[row][name])
            at += 1
    return rows


def same(got, want):
    if isinstance(want, datetime.datetime):
        return got == want and got.utcoffset() == want.utcoffset()
    return type(got) is type(want) and repr(got) == repr(want)  # of -0.0 too, and 0.00 is not 0


def difference(got, want):
    if len(got) != len(want):
        return f"{len(got)} rows for {len(want)}"
    for i, (g, w) in enumerate(zip(got, want)):
        if list(g) != list(w):
            return f"row {i}: fields {list(g)}"
        for name in w:
            if not same(g[name], w[name]):
                return f"row {i} {name}: {g[name]!r} for {w[name]!r}"
    return None


def by_python(avro_file, avro_io):
    for codec in ("null", "deflate"):
        with avro_file.DataFileReader(io.BytesIO(written(codec)), avro_io.DatumReader()) as r:
            point(f"python: every cell is as it was ({codec})", difference(list(r), expected()))
            point(f"python: the table's DDL is in the file ({codec})",
                  None if r.get_meta("orch.ddl").decode() == "CREATE TABLE `every type` (`café` int)" else r.get_meta("orch.ddl"))
            fields = json.loads(r.schema)["fields"]
            wrong = [f for f in fields if f["orch.name"] != NAMES.get(f["name"], f["name"]) or not f["orch.type"]]
            point(f"python: names and types as MySQL has them ({codec})", wrong)
        with avro_file.DataFileReader(io.BytesIO(written(codec, "zero")), avro_io.DatumReader()) as r:
            point(f"python: no rows ({codec})", list(r))
    with avro_file.DataFileReader(io.BytesIO(written("deflate", "text")), avro_io.DatumReader()) as r:
        got = [(row["date"], row["datetime3"], row["timestamp6"]) for row in r][0]
    point("python: times as text", None if got == ("1000-01-01", "1969-12-31 23:59:59.999", "2038-01-19 03:14:07.999999") else got)


def by_avrocat():
    """avrocat knows no logical types: its JSON is compared by what those are made of. It has no lines of its own for ROWS."""
    for codec in ("null", "deflate"):
        ran = subprocess.run(["avrocat"], input=written(codec), capture_output=True)
        point(f"avrocat: reads the file ({codec})", ran.stderr.decode() if ran.returncode != 0 else None)
        got = [json.loads(line) for line in ran.stdout.decode("utf-8", "surrogateescape").splitlines()]
        want, faults = expected(), []
        if len(got) != ROWS:
            faults.append(f"{len(got)} rows")
        for i, (g, w) in enumerate(zip(got, want)):
            for name, kind in (("big", "long"), ("int", "int"), ("text", "string"), ("time", "string"), ("datetime6", "long"), ("year", "int")):
                is_union = dict((n, nulls) for n, _, nulls in EVERY)[name]
                value = w[name] if w[name] is None or not is_union else {kind: w[name]}
                if g[name] != value:
                    faults.append(f"row {i} {name}: {g[name]!r} for {value!r}")
        point(f"avrocat: the rows are there ({codec})", "; ".join(faults[:3]))


def main():
    point("the same rows are the same bytes", None if written("deflate") == written("deflate") else "they differ")
    warnings.simplefilter("ignore")  # local-timestamp-micros: passed over by avro 1.11, and so a long
    try:
        import avro.datafile
        import avro.io
    except ImportError:
        missing("python reads it", "python3-avro")
    else:
        by_python(avro.datafile, avro.io)
    if shutil.which("avrocat"):
        by_avrocat()
    else:
        missing("avrocat reads it", "avro-bin")
    print(f"1..{points}")
    return failures > 0


sys.exit(main())

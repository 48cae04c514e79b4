#!/usr/bin/python3
"""Who may include whom, as docs/architecture.md says; and every header compiles alone."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from points import BUILD, SOURCE, plan, point

MODULES = ("base", "cron", "io", "state", "steps", "orchestrator", "tests")
# what the build generates, and the folder that may use it
GENERATED = {
    "sql_migrations.h": "state",
    "sql_state.h": "state",
    "sql_mysql.h": "io",
    "sql_sqlite.h": "io",
    "workflows.h": "orchestrator",
    "pages.h": "orchestrator",
    "manual_docs.h": "orchestrator",
}
INCLUDE = re.compile(r'\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


def table(text, name):
    """The rows between <!-- name --> and <!-- /name -->: two lists of what stands in backquotes."""
    part = text.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]
    rows = [line.strip().strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    return [(re.findall(r"`([^`]+)`", left), re.findall(r"`([^`]+)`", right)) for left, right in rows]


def sources():
    for module in MODULES:
        for folder, _, names in os.walk(os.path.join(SOURCE, module)):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".def")):
                    path = os.path.relpath(os.path.join(folder, name), SOURCE)
                    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
                        yield path, f.read().splitlines()


def owner(path, rows):
    """The row that rules over a file: that of its name first, else that of its folder."""
    stem = path.rsplit(".", 1)[0]
    for names, allowed in rows:
        if any("/" in name and (stem == name or stem.startswith(name + "_")) for name in names):
            return names, allowed
    folder = path.split("/")[0]
    for names, allowed in rows:
        if folder in names:
            return names, allowed + [folder]
    return [], []


def fits(header, allowed):
    return any(header == a or header.startswith(a + "/") for a in allowed)


def judge_own(path, header, rows):
    """What is wrong with including this header of ours here; None when nothing is."""
    if ".." in header.split("/"):
        return "paths begin at the project's folder"
    if header in GENERATED:
        return None if path.startswith(GENERATED[header] + "/") else f"{header} belongs to {GENERATED[header]}/"
    names, allowed = owner(path, rows)
    if any("/" in name for name in names):
        stem = header.rsplit(".", 1)[0]
        if any(stem == name or stem.startswith(name + "_") for name in names):
            return None
    if header.endswith("_int.h") and header.split("/")[0] != path.split("/")[0] and not path.startswith("tests/"):
        return f"{header} is private to {header.split('/')[0]}/"
    if not fits(header, allowed):
        return f"{path.split('/')[0]} may not include {header}"
    return None


def judge_library(path, header, doors):
    for headers, allowed in doors:
        if any(header == h or (h.endswith("/") and header.startswith(h)) for h in headers):
            if allowed and path not in allowed and not path.startswith("tests/"):
                return f"<{header}> comes in through {', '.join(allowed)}"
    return None


def layering(rows, doors):
    own, libraries, unresolved, typedefs = [], [], [], []
    for path, lines in sources():
        for number, line in enumerate(lines, 1):
            where = f"{path}:{number}: {line.strip()}"
            if re.match(r"\s*typedef\s+struct\b", line):
                typedefs.append(f"{where}: a struct is called by its name")
            match = INCLUDE.match(line)
            if not match:
                continue
            if match.group(1):
                header = match.group(1)
                wrong = judge_own(path, header, rows)
                if wrong:
                    own.append(f"{where}: {wrong}")
                if header not in GENERATED and not os.path.exists(os.path.join(SOURCE, header)):
                    unresolved.append(f"{where}: no such file; paths begin at the project's folder")
            else:
                wrong = judge_library(path, match.group(2), doors)
                if wrong:
                    libraries.append(f"{where}: {wrong}")
    point("every #include is allowed by the table of modules", own)
    point("every library comes in through its door", libraries)
    point("every #include of ours names a file by its path", unresolved)
    point("no struct hides behind a typedef", typedefs)


def alone():
    headers = [path for path, _ in sources() if path.endswith(".h")]
    packages = ["jansson", "sqlite3", "libcurl", "libxml-2.0", "zlib", "libzstd", "libcrypto"]
    packages.append("libmariadb" if subprocess.run(["pkg-config", "--exists", "libmariadb"]).returncode == 0 else "mysqlclient")
    flags = subprocess.run(["pkg-config", "--cflags", *packages], capture_output=True, text=True).stdout.split()
    command = ["gcc", "-std=c17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-D_GNU_SOURCE",
               "-DORCH_TEST_BUILD=1", "-I" + SOURCE, "-I" + os.path.join(BUILD, "generated"), *flags,
               "-include", "base/banned.h", "-x", "c"]
    faults = []
    for header in headers:
        text = f'#include "{header}"\n#include "{header}"\n'
        ran = subprocess.run(command + ["-"], input=text, capture_output=True, text=True, cwd=SOURCE)
        if ran.returncode != 0:
            faults += [f"{header} does not compile alone:"] + ran.stderr.splitlines()[:5]
    point(f"each of {len(headers)} headers compiles alone, and twice", faults)


def checks_itself(rows, doors):
    """Each rule refuses what it is there to refuse: a test that cannot fail is none."""
    refused = [
        judge_own("base/buf.c", "io/csv.h", rows),
        judge_own("io/csv.c", "state/store.h", rows),
        judge_own("steps/ingest.c", "state/exec.h", rows),
        judge_own("steps/ingest.c", "orchestrator/engine.h", rows),
        judge_own("orchestrator/interp.c", "base/../state/store.h", rows),
        judge_own("orchestrator/interp_wait.c", "state/store.h", rows),
        judge_own("orchestrator/asl.c", "orchestrator/config.h", rows),
        judge_own("orchestrator/tick.c", "state/store_int.h", rows),
        judge_own("orchestrator/tick.c", "tests/tap.h", rows),
        judge_own("steps/ingest.c", "sql_state.h", rows),
        judge_library("steps/ingest.c", "sqlite3.h", doors),
        judge_library("io/s3.c", "curl/curl.h", doors),
        judge_library("io/target.h", "mysql.h", doors),
    ]
    allowed = [
        judge_own("steps/ingest.c", "state/queue.h", rows),
        judge_own("orchestrator/interp_wait.c", "orchestrator/path.h", rows),
        judge_own("orchestrator/tick.c", "orchestrator/config.h", rows),
        judge_own("state/queue.c", "state/store_int.h", rows),
        judge_library("io/curl_int.h", "curl/curl.h", doors),
        judge_library("io/s3.c", "jansson.h", doors),
    ]
    point("what is forbidden is refused, what is allowed is not",
          [f"case {i} is let through" for i, r in enumerate(refused) if r is None] + [r for r in allowed if r])


def main():
    with open(os.path.join(SOURCE, "docs", "architecture.md"), encoding="utf-8") as f:
        text = f.read()
    rows, doors = table(text, "modules"), table(text, "doors")
    point("docs/architecture.md has both tables", [] if len(rows) >= 8 and len(doors) >= 7 else ["rows are missing"])
    checks_itself(rows, doors)
    layering(rows, doors)
    alone()
    plan()


main()

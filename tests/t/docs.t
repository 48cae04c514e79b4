#!/usr/bin/python3
"""The docs say what is: errors, links, files that they name, commands that they show."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from points import ORCH, SOURCE, plan, point, read


def pages():
    names = ["README.md", "CONTRIBUTING.md"] + ["docs/" + n for n in sorted(os.listdir(os.path.join(SOURCE, "docs")))]
    return [name for name in names if name.endswith(".md")]


def errors():
    yes = {"true": "yes", "false": "no"}
    rows = re.findall(r'^ERR\((\w+), "([^"]+)", (\d+), (true|false), (true|false), "((?:[^"\\]|\\.)*)"\)', read("base/err.def"), re.M)
    want = [f"| `{n}` | {e} | {yes[r]} | {yes[c]} | {d} |" for _, n, e, r, c, d in rows]
    got = [line for line in read("docs/errors.md").splitlines() if line.startswith("| `")]
    entries = len(re.findall(r"^ERR\(", read("base/err.def"), re.M))
    faults = [f"base/err.def has it, docs/errors.md not: {line}" for line in want if line not in got]
    faults += [f"docs/errors.md has it, base/err.def not: {line}" for line in got if line not in want]
    if len(rows) != entries or entries < 20:
        faults.append(f"{len(rows)} of {entries} rows of base/err.def were understood")
    point("docs/errors.md has the rows of base/err.def", faults)


def anchor(heading):
    text = re.sub(r"[`*]", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def links():
    faults = []
    for page in pages():
        text = re.sub(r"```.*?```", "", read(page), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, fragment = target.partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
            if not os.path.exists(os.path.join(SOURCE, path)):
                faults.append(f"{page}: {target}: no such file")
            elif fragment and fragment not in [anchor(h) for h in re.findall(r"^#+ (.*)$", read(path), re.M)]:
                faults.append(f"{page}: {target}: no such heading")
    point("every link leads somewhere", faults)


def files():
    """A path in backquotes that begins with one of our folders is there."""
    faults = []
    folders = "base|cron|io|state|steps|orchestrator|sql|tests|docs|examples|cmake"
    for page in pages():
        text = re.sub(r"<!-- modules -->.*<!-- /modules -->", "", read(page), flags=re.S)
        for path in re.findall(rf"`((?:{folders})/[\w./-]*[\w/])`", text):
            if re.search(r"\b(NAME|MODULE|FILE|PRESET|TABLE)\b", path):
                continue
            if not os.path.exists(os.path.join(SOURCE, path)) and not os.path.exists(os.path.join(SOURCE, path + ".c")):
                faults.append(f"{page}: `{path}` is not there")
    point("every file that the docs name is there", faults)


def blocks(page):
    """Lines of indented and fenced code."""
    text = read(page)
    for block in re.findall(r"^```[^\n]*\n(.*?)^```", text, re.S | re.M):
        yield from block.splitlines()
    for line in text.splitlines():
        if line.startswith("    "):
            yield line.strip()


def words():
    faults = []
    known = set(re.findall(r"^word_(\w+)\(\)", read("dev"), re.M))
    for page in pages():
        for word in re.findall(r"\./dev (\w+)", read(page)):
            if word not in known | {"help"}:
                faults.append(f"{page}: ./dev {word}: no such word")
    point("every ./dev word that the docs show is one", faults)


def commands():
    """Every `orch WORD` in code is a command that `orch help` lists."""
    if not os.access(ORCH, os.X_OK):
        point(f"the program is there: {ORCH}", ["build it first"])
        return
    faults, seen = [], {}
    listed = subprocess.run([ORCH, "help"], capture_output=True, text=True).stdout
    known = set(re.findall(r"^  ([a-z][a-z-]*)\b", listed, re.M))
    for page in pages():
        shown = list(blocks(page)) + re.findall(r"`([^`\n]+)`", read(page))
        for line in shown:
            for word in re.findall(r"(?:^|[ ;&|/]|\$ )orch ([a-z][a-z-]*)\b", line):
                seen[word] = word in known
                if not seen[word]:
                    faults.append(f"{page}: orch {word}: no such command: {line.strip()}")
    point(f"every command that the docs show is one ({len(seen)} seen)", faults)


errors()
links()
files()
words()
commands()
plan()

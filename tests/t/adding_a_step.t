#!/usr/bin/python3
"""docs/adding-a-step.md: its code is the tree's, word for word, and compiles as it stands there."""
import os, re, subprocess, sys

SOURCE = os.environ.get("ORCH_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("ORCH_BUILD") or os.path.join(SOURCE, "build", "dev")
ORCH = os.environ.get("ORCH") or os.path.join(BUILD, "orch")
points = failures = 0


def point(what, faults):
    global points, failures
    points += 1
    failures += bool(faults)
    print(f"{'not ' if faults else ''}ok {points} - {what}")
    for fault in faults:
        print(f"# {fault}", file=sys.stderr)


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


text = read("docs/adding-a-step.md")
whole = re.findall(r"<!-- file: (\S+) -->\n```c\n(.*?)```", text, re.S)
parts = re.findall(r"<!-- part of: (\S+) -->\n```c\n(.*?)```", text, re.S)
point("the page has one whole file, and parts of two", [] if len(whole) == 1 and len(parts) == 2 else [f"{len(whole)}, {len(parts)}"])
for path, code in whole:
    point(f"{path} is as the page has it", [] if read(path) == code else ["they differ"])
for path, code in parts:
    point(f"{path} holds what the page shows", [] if " ".join(code.split()) in " ".join(read(path).split()) else [code])
for path, code in whole:
    flags = ["gcc", "-std=c17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-DORCH_TEST_BUILD=1", f"-I{SOURCE}",
             f"-I{BUILD}/generated", "-include", "base/banned.h", "-x", "c", "-"]
    ran = subprocess.run(flags, input=code, capture_output=True, text=True, cwd=SOURCE)
    point(f"the page's {path} compiles", ran.stderr.splitlines()[:5] if ran.returncode else [])
    shortest = min((len(read(f"steps/{n}").splitlines()), n) for n in os.listdir(f"{SOURCE}/steps") if n.endswith(".c") and re.search(r"^int step_run_\w+\(struct step_ctx", read(f"steps/{n}"), re.M))
    point("and is the shortest step", [] if f"steps/{shortest[1]}" == path else [f"steps/{shortest[1]} has {shortest[0]} lines"])
print(f"1..{points}")
sys.exit(failures > 0)

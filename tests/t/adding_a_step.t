#!/usr/bin/python3
"""docs/adding-a-step.md: its code is the tree's, word for word, and compiles as it stands there."""
import os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from points import BUILD, ORCH, SOURCE, plan, point, read


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
plan()

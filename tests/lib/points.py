"""TAP for the tests of the house, which read the tree and need no server: point("what", [fault, ...]), read("docs/x.md"), plan() at the end."""
import os
import sys

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


def plan():
    print(f"1..{points}")
    sys.exit(1 if failures else 0)

#!/bin/bash
# Some hundred random files, read by orch and by python's csv module: the short form of tests/campaign/differential.py.
. "$(dirname "$0")/../lib/tap.sh"
need python

for seed in 1 2; do
    runs "seed $seed: no difference but those that docs/cleaning.md states" 0 "$python" "$ORCH_SOURCE/tests/campaign/differential.py" 400 $seed
    like "400 files, with good and bad records" "$out" "^ok 1 - 400 files, [0-9]+ records.*'GOOD': [0-9]+.*'BAD_QUOTE': [0-9]+"
    [ -z "$err" ] || diag "$err"
done
done_testing

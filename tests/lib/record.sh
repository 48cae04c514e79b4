#!/bin/bash
# record.sh NAME command args...: runs a test and keeps its TAP and its exit status in $ORCH_BUILD/tap, where
# "./dev test" counts the points and prove judges them again.
set -o pipefail
file=$ORCH_BUILD/tap/${1//\//-}
shift
mkdir -p "$ORCH_BUILD/tap"
rm -f "$file.tap" "$file.status"
"$@" | tee "$file.tap"
status=${PIPESTATUS[0]}
echo "$status" >"$file.status"
exit "$status"

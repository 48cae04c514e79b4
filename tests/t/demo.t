#!/bin/bash
# examples/demo.sh is what a newcomer runs first: it must do what it says.
. "$(dirname "$0")/../lib/tap.sh"
start=$(date +%s)
runs "examples/demo.sh" 0 sh "$ORCH_SOURCE/examples/demo.sh" "$T/demo"
like "ends well" "$out" 'all well'
like "shows rejects" "$out" 'NOT_AN_INT'
like "replays" "$out" 'REPLAY'
like "and reconciles" "$out" ' 0 differ'
ok "within a minute" test $(($(date +%s) - start)) -lt 60
done_testing

#!/bin/bash
# campaign shortest [MILLIONS=50]: random doubles and floats, so many of each, against printf and strtod, and then every
# test of tests/unit/io/shortest.c. Some three minutes.
set -euo pipefail
export ORCH_SHORTEST_CASES=$((${1:-50} * 1000000))
exec "$ORCH_BUILD/tests/io-shortest.t"

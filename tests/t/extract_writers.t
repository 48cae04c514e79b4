#!/bin/bash
# Incremental extracts while others write and commit late: the short form of tests/campaign/writers.py.
. "$(dirname "$0")/../lib/tap.sh"
need mysql
need python
finished=1
exec "$python" "$ORCH_SOURCE/tests/campaign/writers.py" 20

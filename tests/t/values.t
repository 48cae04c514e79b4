#!/bin/bash
# Every cell of made-up files, read back from the table, against python's csv and decimal: tests/campaign/values.py.
. "$(dirname "$0")/../lib/tap.sh"
need mysql
need python
finished=1
exec "$python" "$ORCH_SOURCE/tests/campaign/values.py" generated

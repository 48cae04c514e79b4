#!/bin/sh
# A day of hourly files into a database, with what goes wrong in real life. No server, no network, under a minute.
#   examples/demo.sh [FOLDER]        (ORCH=path/to/orch, else the one in PATH)
set -u
orch=${ORCH:-orch}
dir=${1:-$(mktemp -d)/demo}
say() { printf '\n\033[1m%s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9;]*m//g'; fi; }
run() {
    printf '$ orch'
    for word; do case $word in *' '*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac; done
    echo
    "$orch" -c "$dir/orch.json" "$@" 2>&1
    code=$?
    printf '(exit %s)\n' "$code"
}
want() { [ "$code" = "$1" ] || { echo "demo: exit $1 was expected" >&2; exit 1; }; }

say "1. Make a day of files, a config and a database in $dir"
"$orch" init --demo "$dir" || exit 1
day=$(sed -n 's/.*"since": "\([0-9-]*\)T.*/\1/p' "$dir/orch.json")

say "2. One tick loads what is there. It speaks because three hours are not as they should be"
run tick

say "3. What is loaded, late, failed"
run status; want 1

say "4. A broken record is no NULL and no 0: it is kept as it stood"
run rejects "loans/${day}T09"; want 0

say "5. The late hour comes, and the broken file is sent again. The next tick would find both; run does not wait for it"
cp -r "$dir/late/." "$dir/mended/." "$dir/incoming/"
run run loans; want 0

say "6. Hour 05 will never come: somebody says so, and why"
run skip "loans/${day}T05" --reason 'the branch was closed'; want 0
run status; want 0

say "7. Load an hour again: its rows are replaced in one transaction, none is doubled"
run replay "loans/${day}T12" --reason 'to see it'; want 0

say "8. Source against target: counts, NULLs, sums of every column, the source read again"
run reconcile loans --recount-source; want 0

say "All rows are in $dir/warehouse.db, once. Clean up with: rm -r $dir"

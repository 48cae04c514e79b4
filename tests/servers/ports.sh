#!/bin/bash
# ports.sh PID: prints the first of 100 ports in a row on which nobody listens, set aside for the process PID
# as long as it lives: tests that run side by side do not meet.
set -eu
pid=${1:?the pid of the test}
book=/tmp/orch-test-ports.$(id -u) # one, also for tests whose TMPDIR is in memory
mkdir -p "$book"
exec 9>"$book/lock"
flock 9

listening() { # the ports somebody has, in hex, one a line
    awk 'FNR > 1 { sub(/.*:/, "", $2); print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

taken=" $(listening | sort -u | tr '\n' ' ')"
for base in $(seq 11000 100 31900 | shuf); do
    if [ -f "$book/$base" ] && kill -0 "$(cat "$book/$base")" 2>/dev/null; then
        continue
    fi
    free=1
    for port in $(seq "$base" $((base + 99))); do
        case $taken in
        *" $(printf %04X "$port") "*) free=0 ;;
        esac
    done
    [ $free = 1 ] || continue
    echo "$pid" >"$book/$base"
    echo "$base"
    exit 0
done
echo "no 100 ports in a row are free" >&2
exit 1

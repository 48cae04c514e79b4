# shellcheck shell=bash
# TAP for shell tests. tests/t/NAME.t begins with
#
#     . "$(dirname "$0")/../lib/tap.sh"
#
# and ends with "done_testing". Every check is one point; a failed one says what it got on stderr and the
# script goes on. stdout belongs to TAP. The script has a folder of its own, $T, removed at the end, and what
# it started is stopped, however it ends.
#
#     ok "what holds" command args...     the command succeeds
#     not_ok "what holds" command args... the command fails, by an exit status below 126: not by a signal
#     is "what" GOT WANT                  equal text
#     like "what" GOT REGEX               extended regular expression
#     unlike "what" GOT REGEX
#     pass "what"    fail "what" [why]
#     runs "what" STATUS command args...  exit status; keeps stdout in $out, stderr in $err
#     skip_all "why"                      ends the script, nothing tested
#     need mysql|s3|swift|python          skip_all when that is not installed; an error where ORCH_TEST_NEED
#                                         (comma list, or "all") says that it has to be
#     wait_until SECONDS command args...  polls a condition; fails when time is up
#
# $ORCH is the program, $ORCH_SOURCE and $ORCH_BUILD the folders: given by ctest, else the dev preset's.
set -u
ORCH_SOURCE=${ORCH_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
ORCH_BUILD=${ORCH_BUILD:-$ORCH_SOURCE/build/dev}
ORCH=${ORCH:-$ORCH_BUILD/orch}
export ORCH_SOURCE ORCH_BUILD ORCH
# nothing of the developer's machine gets in: proxies, certificates, credentials, language
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY no_proxy
unset CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR AWS_CA_BUNDLE
unset "${!AWS_@}" "${!ORCH_FAULT@}" ORCH_TEST_NOW ORCH_CONFIG TZ
export LC_ALL=C.UTF-8 NO_COLOR=1 AWS_EC2_METADATA_DISABLED=true
T=$(mktemp -d "${TMPDIR:-/tmp}/orch-t.XXXXXX")
export ORCH_TEST_OWNER=$$
servers=$ORCH_SOURCE/tests/servers
python=/usr/bin/python3
[ -x $python ] || python=python3
points=0 failures=0 finished=0
started_dirs=() started_pids=()
out='' err=''

diag() { printf '%s\n' "$*" | sed 's/^/# /' >&2; }

pass() {
    points=$((points + 1))
    printf 'ok %d - %s\n' $points "${1//#/\\#}"
}

fail() {
    points=$((points + 1)) failures=$((failures + 1))
    printf 'not ok %d - %s\n' $points "${1//#/\\#}"
    diag "failed at line ${BASH_LINENO[1]:-?} of $0: $1"
    [ $# -lt 2 ] || diag "$2"
    return 1
}

ok() {
    local what=$1 status=0 talk
    shift
    talk=$("$@" 2>&1) || status=$?
    if [ $status -eq 0 ]; then pass "$what"; else fail "$what" "exit status $status of: $*"$'\n'"$talk"; fi
}

not_ok() {
    local what=$1 status=0 talk
    shift
    talk=$("$@" 2>&1) || status=$?
    if [ $status -gt 0 ] && [ $status -lt 126 ]; then
        pass "$what"
    else
        fail "$what" "exit status $status of: $*"$'\n'"$talk"
    fi
}

is() {
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "   got: $2"$'\n'"  want: $3"; fi
}

like() {
    if [[ $2 =~ $3 ]]; then pass "$1"; else fail "$1" "   got: $2"$'\n'"  want: /$3/"; fi
}

unlike() {
    if [[ $2 =~ $3 ]]; then fail "$1" "   got: $2"$'\n'"  unwanted: /$3/"; else pass "$1"; fi
}

runs() {
    local what=$1 want=$2 status=0
    shift 2
    "$@" >"$T/.out" 2>"$T/.err" || status=$?
    out=$(cat "$T/.out") err=$(cat "$T/.err")
    if [ $status = "$want" ]; then
        pass "$what"
    else
        fail "$what" "exit status $status instead of $want of: $*"$'\n'"stdout: $out"$'\n'"stderr: $err"
    fi
}

skip_all() {
    finished=1
    echo "1..0 # SKIP $*"
    echo "# all 1 tests skipped"
    exit 0
}

done_testing() {
    finished=1
    echo "1..$points"
    [ $points -gt 0 ] && [ $failures -eq 0 ]
    exit $?
}

need() {
    local what=$1 program missing=''
    local -A programs=(
        [mysql]='mariadbd mariadb mariadb-install-db'
        [s3]='ceph-mon ceph-osd radosgw radosgw-admin ceph curl python3'
        [swift]='swift-proxy-server swift-ring-builder memcached curl python3'
        [python]=python3
    )
    [ -n "${programs[$what]:-}" ] || { echo "Bail out! need knows no '$what'"; finished=1; exit 1; }
    for program in ${programs[$what]}; do
        PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || missing="$missing $program"
    done
    [ -n "$missing" ] || return 0
    case ,${ORCH_TEST_NEED:-}, in
    *,all,* | *",$what,"*)
        fail "$what is there, as ORCH_TEST_NEED asks" "not installed:$missing (./dev setup)"
        done_testing
        ;;
    esac
    skip_all "no $what on this machine:$missing not installed (./dev setup)"
}

wait_until() {
    local end=$(($(date +%s%N) / 1000000 + $1 * 1000))
    shift
    until "$@" >/dev/null 2>&1; do
        if [ $(($(date +%s%N) / 1000000)) -ge $end ]; then
            diag "waited in vain for: $*"
            return 1
        fi
        sleep 0.05
    done
}

free_ports() { "$servers/ports.sh" $$; } # the first of 100 in a row

# --- servers: each is stopped at the end ----------------------------------------------------------------

mariadb_start() { # DIR [PORT [options...]]; mysql DIR -e ...
    started_dirs+=("mariadb.sh $1")
    "$servers/mariadb.sh" start "$@" >&2 || { diag "MariaDB did not start in $1"; exit 1; }
}
mariadb_stop() { "$servers/mariadb.sh" stop "$1"; }
mariadb_kill() { "$servers/mariadb.sh" kill "$1"; }
mysql() { # DIR arguments of the client...: as root, bare output
    local dir=$1
    shift
    mariadb --no-defaults -uroot -S "$dir/sock" -N -B "$@"
}

rgw_start() { # DIR BASEPORT
    started_dirs+=("rgw.sh $1")
    "$servers/rgw.sh" start "$@" >&2 || { diag "radosgw did not start in $1"; exit 1; }
    s3_key
}
swift_start() { # DIR BASEPORT
    started_dirs+=("swift.sh $1")
    "$servers/swift.sh" start "$@" >&2 || { diag "Swift did not start in $1"; exit 1; }
    s3_key
}
s3_key() {
    export AWS_ACCESS_KEY_ID=orch-test-access-key AWS_SECRET_ACCESS_KEY=orch-test-secret/with+both=signs
}
s3() { $python "$ORCH_SOURCE/tests/lib/s3.py" "$@"; } # put, get, ls, rm, mkbucket: see there

# faultproxy NAME HOST:PORT: rules go to $T/NAME.rules, its port is in $NAME_port, its log $T/NAME.log
faultproxy() {
    : >"$T/$1.rules"
    $python "$servers/faultproxy.py" 0 "$2" "$T/$1.rules" "$T/$1.log" >"$T/$1.port" 2>"$T/$1.err" </dev/null &
    started_pids+=($!)
    wait_until 10 test -s "$T/$1.port" || { diag "$(cat "$T/$1.err")"; exit 1; }
    printf -v "$1_port" %s "$(cat "$T/$1.port")"
}

spawn() { # command...: in the background, ended with the script; its pid in $spawned
    "$@" </dev/null &
    # shellcheck disable=SC2034 # for the caller
    spawned=$!
    started_pids+=("$spawned")
}

leave() {
    local status=$? entry pid
    trap - EXIT
    { # bash itself tells of each one killed
        for pid in "${started_pids[@]:-}"; do
            [ -z "$pid" ] || kill -KILL "$pid"
        done
        wait "${started_pids[@]:-}"
    } 2>/dev/null
    for entry in "${started_dirs[@]:-}"; do
        # shellcheck disable=SC2086 # "script dir"
        set -- $entry
        [ $# -eq 0 ] || "$servers/$1" kill "$2" >&2
    done
    if [ -n "${ORCH_TEST_KEEP:-}" ]; then diag "kept: $T"; else rm -rf "$T"; fi
    # a script that ends before done_testing has failed, whatever it says
    [ $finished = 1 ] || { diag "$0 ended early"; exit 255; }
    exit $status
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

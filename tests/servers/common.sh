# shellcheck shell=bash
# What the server scripts share. A server is private: loopback only, everything in one folder, ended by
# the pid that it was started with and never by name. DIR/NAME.pid holds "pid starttime", so that a pid
# which was given out again is not taken for ours.
#
# ORCH_TEST_OWNER=PID: when that process is gone, the servers started under it are killed: a test that
# crashes leaves nothing behind.

starttime() { # PID: clock ticks after boot at which it began; nothing when it is gone or a zombie
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    stat=${stat##*) }
    # shellcheck disable=SC2086 # fields 3.. of stat, numbers all
    set -- $stat
    [ "$1" = Z ] || echo "${20}"
}

alive() { # DIR NAME
    local pid='' start=''
    [ -f "$1/$2.pid" ] || return 1
    read -r pid start <"$1/$2.pid" || return 1
    [ -n "$start" ] && [ "$(starttime "$pid")" = "$start" ]
}

daemon() { # DIR NAME command...: in the background, its talk in DIR/NAME.out
    local dir=$1 name=$2
    shift 2
    "$@" </dev/null >>"$dir/$name.out" 2>&1 &
    echo "$! $(starttime $!)" >"$dir/$name.pid"
}

signal() { # SIGNAL DIR NAME...: to those that run
    local sig=$1 dir=$2 name pid
    shift 2
    for name; do
        if alive "$dir" "$name"; then
            read -r pid _ <"$dir/$name.pid"
            kill "-$sig" "$pid" 2>/dev/null || :
        fi
    done
}

gone() { # DIR NAME...: waits until all have ended, at most 30 s, then kills
    local dir=$1 name
    shift
    for name; do
        for _ in $(seq 1500); do
            alive "$dir" "$name" || break
            sleep 0.02
        done
        if alive "$dir" "$name"; then
            echo "$name in $dir did not stop within 30 s: killed" >&2
            signal KILL "$dir" "$name"
            while alive "$dir" "$name"; do sleep 0.02; done
        fi
        rm -f "$dir/$name.pid"
    done
}

wait_for() { # SECONDS DIR NAME command...: until the command succeeds; fails when NAME ends or time is up
    local tries=$(($1 * 50)) dir=$2 name=$3
    shift 3
    for _ in $(seq $tries); do
        "$@" >/dev/null 2>&1 && return 0
        alive "$dir" "$name" || break
        sleep 0.02
    done
    echo "$name in $dir did not come up:" >&2
    tail -n 15 "$dir/$name.out" >&2
    return 1
}

guard() { # SCRIPT DIR: kills the server when its owner is gone
    [ -n "${ORCH_TEST_OWNER:-}" ] || return 0
    daemon "$2" guard bash -c "tail --pid=$ORCH_TEST_OWNER -f /dev/null; rm -f \"\$2/guard.pid\"; exec \"\$1\" kill \"\$2\"" \
        guard "$1" "$2"
}

unguard() { # DIR
    local pid
    alive "$1" guard || return 0
    read -r pid _ <"$1/guard.pid"
    pkill -KILL -P "$pid" 2>/dev/null || : # its tail
    kill -KILL "$pid" 2>/dev/null || :
    rm -f "$1/guard.pid"
}

need_programs() {
    local program
    for program; do
        command -v "$program" >/dev/null || {
            echo "$program is not installed: ./dev setup" >&2
            exit 77
        }
    done
}

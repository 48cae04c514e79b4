#!/bin/bash
# A private MariaDB: root without a password, by socket DIR/sock or on 127.0.0.1:PORT.
#
#   mariadb.sh start DIR [PORT|0] [mariadbd options...]   0: no network. The same folder again: same data
#   mariadb.sh stop DIR          asks it to end, and waits
#   mariadb.sh kill DIR          kill -9, as a power cut would; data stays
#
# Durable as a real one: a commit that was answered survives "kill". The script returns when the server
# answers. Exit status 77: not installed.
set -eu
PATH=$PATH:/usr/sbin:/sbin
. "$(dirname "$0")/common.sh"
word=${1:?start, stop or kill} dir=${2:?a folder}

answers() { mariadb --no-defaults --connect-timeout=2 -uroot -S "$dir/sock" -e "DO 1"; }

case $word in
start)
    port=${3:-0}
    shift $(($# < 3 ? $# : 3))
    need_programs mariadbd mariadb-install-db mariadb
    dir=$(mkdir -p "$dir" && cd "$dir" && pwd)
    [ ${#dir} -lt 95 ] || { echo "$dir: too long for a socket's path" >&2; exit 1; }
    if alive "$dir" mariadb; then
        echo "a server runs in $dir already" >&2
        exit 1
    fi
    me=$(id -un)
    mkdir -p "$dir/tmp" # of its own: a server that starts, and one that is installed, deletes the temporary tables of others in /tmp
    if [ ! -d "$dir/data/mysql" ]; then
        TMPDIR="$dir/tmp" mariadb-install-db --no-defaults --auth-root-authentication-method=normal --skip-test-db \
            --skip-name-resolve --user="$me" --datadir="$dir/data" >"$dir/install.out" 2>&1 ||
            { tail -n 15 "$dir/install.out" >&2; exit 1; }
    fi
    net=(--skip-networking)
    [ "$port" = 0 ] || net=(--bind-address=127.0.0.1 --port="$port")
    rm -f "$dir/sock"
    daemon "$dir" mariadb mariadbd --no-defaults --user="$me" --datadir="$dir/data" --socket="$dir/sock" \
        --pid-file="$dir/server.pid" --tmpdir="$dir/tmp" "${net[@]}" --skip-name-resolve \
        --innodb-buffer-pool-size=64M --innodb-log-file-size=32M --innodb-flush-log-at-trx-commit=1 \
        --character-set-server=utf8mb4 "$@"
    wait_for 60 "$dir" mariadb answers
    guard "$(readlink -f "$0")" "$dir"
    ;;
stop | kill)
    unguard "$dir"
    signal "$([ "$word" = stop ] && echo TERM || echo KILL)" "$dir" mariadb
    gone "$dir" mariadb
    ;;
*)
    echo "no such word: $word" >&2
    exit 2
    ;;
esac

#!/bin/bash
# Oracle's MySQL, server and client library, from Debian sid: extracted into a folder, not installed, no chroot.
#
#   mysql9.sh get ROOT              470 MB, some ten seconds; needs mmdebstrap
#   mysql9.sh start ROOT DIR PORT [mysqld options...]   root without a password, socket DIR/sock; the same folder
#                                   again: same data
#   mysql9.sh stop DIR | kill DIR
#   mysql9.sh exec ROOT COMMAND...  with its libraries: its own clients, what "orch" built
#   mysql9.sh orch ROOT BUILD       a release build of the program against Oracle's library: BUILD/orch
#   mysql9.sh check ROOT [BUILD]    builds the target's tests against Oracle's library (in BUILD, build/mysql9) and
#                                   runs them, and those against ours, on its server. Wants "get" first
#
# Optional: no other test needs it. Everything runs through ROOT's own loader. Exit status 77: not possible here.
set -eu
. "$(dirname "$0")/common.sh"
word=${1:?get, start, stop, kill, exec, orch or check}

loader() { # ROOT command...: with sid's libraries first, ours where it has none
    local lib=$1/usr/lib/x86_64-linux-gnu
    shift
    exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib:/usr/lib/x86_64-linux-gnu" "$@"
}

answers() { mariadb --no-defaults --connect-timeout=2 -uroot -S "$dir/sock" -e "DO 1"; }

start() { # ROOT DIR PORT [options...]
    local root=$1 port=$3 share=$1/usr/share/mysql lib=$1/usr/lib/x86_64-linux-gnu
    mkdir -p "$2"
    dir=$(cd "$2" && pwd)
    shift 3
    [ -x "$root/usr/sbin/mysqld" ] || { echo "no MySQL in $root: mysql9.sh get $root" >&2; exit 77; }
    local common=(--no-defaults --basedir="$root/usr" --lc-messages-dir="$share" --character-sets-dir="$share/charsets"
        --plugin-dir="$lib/mysql/plugin" --datadir="$dir/data")
    [ "$(id -u)" = 0 ] && common+=(--user=root)
    [ -d "$dir/data/mysql" ] ||
        (loader "$root" "$root/usr/sbin/mysqld" "${common[@]}" --initialize-insecure --log-error="$dir/init.log")
    rm -f "$dir/sock"
    daemon "$dir" mysqld "$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$root/usr/sbin/mysqld" "${common[@]}" \
        --bind-address=127.0.0.1 --port="$port" --socket="$dir/sock" --mysqlx=OFF --pid-file="$dir/server.pid" \
        --log-error="$dir/err.log" --innodb-buffer-pool-size=64M --skip-log-bin --performance-schema=OFF \
        --innodb-redo-log-capacity=16M --secure-file-priv=NULL --innodb-flush-log-at-trx-commit=1 "$@"
    wait_for 60 "$dir" mysqld answers
    guard "$(readlink -f "$0")" "$dir"
}

# pkg-config, so that CMake takes Oracle's library and headers, and nothing else of sid's
client() { # ROOT FOLDER
    mkdir -p "$2/include" "$2/lib" "$2/pc"
    ln -sfn "$1/usr/include/mysql" "$2/include/mysql"
    ln -sfn "$1/usr/lib/x86_64-linux-gnu/libmysqlclient.so" "$2/lib/libmysqlclient.so"
    printf 'Name: oracle\nDescription: Oracle libmysqlclient\nVersion: 24\nLibs: -L%s -lmysqlclient\nCflags: -I%s -I%s\n' \
        "$2/lib" "$2/include/mysql" "$2/include" >"$2/pc/orch-oracle.pc"
}

configure() { # SOURCE ROOT BUILD FOLDER options...: FOLDER is what "client" fills
    local source=$1 root=$2 build=$3 folder=$4
    shift 4
    client "$root" "$folder"
    PKG_CONFIG_PATH=$folder/pc cmake -S "$source" -B "$build" -G Ninja -DORCH_MYSQL=orch-oracle \
        -DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined "$@" >/dev/null
}

orch() { # ROOT BUILD
    local root build
    root=$(cd "$1" && pwd)
    mkdir -p "$2"
    build=$(cd "$2" && pwd)
    configure "$(cd "$(dirname "$0")/../.." && pwd)" "$root" "$build" "$build/oracle" -DCMAKE_BUILD_TYPE=Release
    ninja -C "$build" orch >/dev/null
}

check() { # ROOT BUILD
    local root source build=$2 port name
    root=$(cd "$1" && pwd)
    source=$(cd "$(dirname "$0")/../.." && pwd)
    run=$(mktemp -d "${TMPDIR:-/tmp}/orch-mysql9.XXXXXX")
    trap '"$0" kill "$run/server" 2>/dev/null || :; rm -rf "$run"' EXIT
    port=$((20000 + $$ % 10000))
    configure "$source" "$root" "$build" "$run" -DCMAKE_BUILD_TYPE=Debug -DORCH_TESTS=ON
    ninja -C "$build" io-target_mysql.t orchestrator-intake.t
    (start "$root" "$run/server" "$port")
    export ORCH_SOURCE=$source ORCH_TEST_MYSQL=$run/server/sock:$port
    echo "# Oracle's library, Oracle's server"
    for name in io-target_mysql orchestrator-intake; do
        (loader "$root" "$build/tests/$name.t")
    done
    [ -n "${ORCH_BUILD:-}" ] || return 0
    echo "# MariaDB's library, Oracle's server"
    for name in io-target_mysql orchestrator-intake; do
        "$ORCH_BUILD/tests/$name.t"
    done
}

case $word in
get)
    need_programs mmdebstrap
    mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb  *\(http[^ ]*\).*/\1/p' /etc/apt/sources.list \
        /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
    # Valid-Until: the mirror may be a snapshot; signatures are checked all the same
    mmdebstrap --variant=extract --aptopt='APT::Install-Recommends "false"' \
        --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=mysql-server-core,mysql-client-core,libmysqlclient-dev sid "${2:?a folder}" \
        "${mirror:-http://deb.debian.org/debian}"
    ;;
start)
    need_programs mariadb
    root=$(cd "${2:?a root}" && pwd)
    shift 2
    start "$root" "${1:?a folder}" "${2:?a port}" "${@:3}"
    ;;
exec)
    root=${2:?a root}
    shift 2
    loader "$root" "${@:?a command}"
    ;;
orch)
    need_programs cmake ninja
    orch "${2:?a root}" "${3:?a folder}"
    ;;
stop | kill)
    unguard "${2:?a folder}"
    signal "$([ "$word" = stop ] && echo TERM || echo KILL)" "$2" mysqld
    gone "$2" mysqld
    ;;
check)
    need_programs mariadb cmake ninja
    check "${2:?a root}" "${3:-build/mysql9}"
    ;;
*)
    echo "no such word: $word" >&2
    exit 2
    ;;
esac

#!/bin/bash
# shellcheck disable=SC2016,SC2317
# ./dev campaign package [DEB]: the .deb installed in a Debian of its own (debootstrap), run by its real cron for two
# ticks, once from a user's crontab and once from /etc/cron.d. Real minutes: about five. Needs root and a mirror.
# Mounts happen in a namespace of this script's own.
[ "${ORCH_PACKAGE_INSIDE:-}" = 1 ] || [ "$(id -u)" != 0 ] || ORCH_PACKAGE_INSIDE=1 exec unshare -m "$0" "$@"
. "$(dirname "$0")/../lib/tap.sh"
[ "$(id -u)" = 0 ] || skip_all "root is needed for debootstrap and chroot"
for program in debootstrap dpkg-deb chroot; do
    command -v $program >/dev/null || skip_all "$program is not installed (./dev setup)"
done
cd "$ORCH_SOURCE" || exit 1

# where the machine's own apt gets its packages
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Release: $codename" 'Component: main' | head -n 1)
[ -n "$mirror" ] || skip_all "apt has no source of $codename"
eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
[ -z "${http_proxy:-}" ] || export http_proxy

# -- the package
deb=${1:-$(./dev package | tail -n 1)}
ok "the package" test -f "$deb"
if command -v lintian >/dev/null; then
    is "lintian finds no error and no warning" "$(lintian --allow-root --fail-on none "$deb" 2>&1 | grep '^[EW]:')" ''
fi
if [ $# -eq 0 ]; then
    first=$(sha256sum "$deb")
    rm -rf build/release/made
    is "packed again: the same bytes" "$(./dev package >/dev/null && sha256sum "$deb")" "$first"
fi

# -- a Debian
root=$(mktemp -d "${TMPDIR:-/tmp}/orch-root.XXXXXX")
chmod 755 "$root" # it is the / of other users
cron_pid=
tidy() {
    local status=$?
    [ -z "$cron_pid" ] || kill "$cron_pid" 2>/dev/null
    umount "$root/proc" 2>/dev/null
    if mountpoint -q "$root/proc"; then diag "left: $root"; else rm -rf --one-file-system "$root"; fi
    (exit "$status")
    leave
}
trap tidy EXIT
runs "debootstrap $codename" 0 debootstrap --variant=minbase --include=cron,man-db "$codename" "$root" "$mirror"
mount -t proc proc "$root/proc" || { diag "no /proc can be mounted here"; exit 1; }
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
cp "$deb" "$root/tmp/orch.deb"
in_root() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 ${http_proxy:+http_proxy="$http_proxy"} "$@"; }
as() { local who=$1; shift; in_root su -s /bin/sh "$who" -c "cd && $*"; }
runs "apt installs it with what it depends on" 0 in_root apt-get install -y --no-install-recommends /tmp/orch.deb
diag "$(du -skx "$root" | cut -f 1) KiB in all, of which orch $(in_root dpkg-query -W -f '${Installed-Size}' orch) KiB"
is "a user of its own" "$(in_root getent passwd orch | cut -d : -f 6)" /var/lib/orch
is "who may read the config, and write the state" "$(in_root stat -c '%U:%G %a' /etc/orch /var/lib/orch | tr '\n' ' ')" 'root:orch 750 orch:orch 750 '
is "nothing runs it yet" "$(find "$root/etc/cron.d" "$root/etc/systemd" "$root/var/spool/cron/crontabs" -name '*orch*')" ''
like "man orch reads" "$(in_root sh -c 'MANWIDTH=80 man orch | col -b')" 'NAME.*orch - loads .*FIRST FIVE MINUTES.*COMMANDS.*orch status.*EXIT STATUS'
for page in 'orch-tick' 'orch-cron-install' '5 orch.json' '7 orch-schedule'; do
    # shellcheck disable=SC2086 # section and name
    ok "man $page" in_root man -w $page
done
ok "bash completion" in_root bash -c '. /usr/share/bash-completion/completions/orch && complete -p orch'

# -- two pipelines: a user's own, and the system's
in_root adduser --quiet --disabled-password --gecos '' data
place() { # HOUR...: a file of 100 rows for that hour, an hour old
    local hour dir
    for hour; do
        for dir in "$root/home/data/in" "$root/var/lib/orch/in"; do
            mkdir -p "$dir/2022-06-05T$hour"
            { echo a,b; for i in {1..100}; do echo "$i,NA"; done; } >"$dir/2022-06-05T$hour/part.csv.new"
            touch -d '1 hour ago' "$dir/2022-06-05T$hour/part.csv.new"
            mv "$dir/2022-06-05T$hour/part.csv.new" "$dir/2022-06-05T$hour/part.csv"
        done
    done
}
place 00
config() { # FOLDER
    cat <<J
{"state": "$1/orch.db", "connections": {"in": {"url": "file://$1/in/"}, "db": {"url": "sqlite:$1/target.db"}},
 "pipelines": {"loans": {"schedule": "rate(1 minute)",
  "source": {"connection": "in", "layout": "%Y-%m-%dT%H/", "since": "2022-06-05T00", "until": "2022-06-05T01"},
  "target": {"connection": "db", "table": "t", "create": true}}}}
J
}
config /home/data >"$root/home/data/orch.json"
config /var/lib/orch >"$root/etc/orch/orch.json"
in_root chown -R data:data /home/data
in_root chown -R orch:orch /var/lib/orch
ok "target setup, as each" as data orch target setup
ok "and the system's" as orch orch -c /etc/orch/orch.json target setup
ok "doctor --cron" as data orch doctor --cron
runs "orch cron install" 0 as data orch cron install --every 1
runs "orch cron install --system" 0 in_root orch -c /etc/orch/orch.json cron install --system --user orch --every 1
is "the file's name" "$(cd "$root/etc/cron.d" && echo orch*)" orch
grep -q '^session *required *pam_loginuid' "$root/etc/pam.d/cron" && [ ! -w /proc/self/loginuid ] &&
    sed -i '/pam_loginuid/d' "$root/etc/pam.d/cron" # no audit in a container; not orch's doing
in_root /usr/sbin/cron -f >"$T/cron.log" 2>&1 &
cron_pid=$!
rows() { # FOLDER: how many rows are loaded, and in how many loads
    "$python" - "$root$1/target.db" <<'P'
import sqlite3, sys
db = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True, timeout=10)
print(*db.execute('SELECT count(*), count(DISTINCT _orch_load_id) FROM t').fetchone())
P
}
both() { [ "$(rows /home/data)" = "$1" ] && [ "$(rows /var/lib/orch)" = "$1" ]; }
began=$SECONDS
ok "cron's first tick loads the hour that is there, in both" wait_until 100 both '100 1'
diag "after $((SECONDS - began)) s"
place 01
in_root chown -R data:data /home/data/in
in_root chown -R orch:orch /var/lib/orch/in
ok "its second tick loads the next one" wait_until 150 both '200 2'
diag "after $((SECONDS - began)) s"
ticks() { as "$1" orch -c "$2" list -o json | "$python" -c 'import json,sys; print(len({e["startDate"][:16] for e in json.load(sys.stdin)["executions"]}))'; }
ok "two ticks of the user's, a minute apart" test "$(ticks data /home/data/orch.json)" -ge 2
ok "two of the system's" test "$(ticks orch /etc/orch/orch.json)" -ge 2
runs "status: all well" 0 as data orch status
diag "$out"
kill "$cron_pid" && wait "$cron_pid" 2>/dev/null
cron_pid=

# -- and away again
runs "cron install --remove" 0 as data orch cron install --remove
not_ok "leaves no line" sh -c "grep -q orch '$root/var/spool/cron/crontabs/data'"
runs "apt-get remove" 0 in_root apt-get remove -y orch
like "speaks of the file in /etc/cron.d that still runs it" "$out$err" '/etc/cron.d/orch still runs'
runs "purge" 0 in_root apt-get purge -y orch
ok "config and state stay: they are the user's" in_root ls /etc/orch/orch.json /var/lib/orch/orch.db /var/lib/orch/target.db
done_testing

#!/bin/bash
# A private S3: Ceph's radosgw over one monitor and one OSD that keeps objects in memory.
#
#   rgw.sh start DIR BASEPORT     S3 on BASEPORT, with TLS on BASEPORT+3 where RGW_TLS names a folder of
#                                 ca.sh; BASEPORT+1..2 and +10..60 are Ceph's own
#   rgw.sh stop DIR               ends all three; the objects are gone
#   rgw.sh kill-rgw DIR           kill -9 of the gateway only: "S3 is away"; objects stay
#   rgw.sh start-rgw DIR          and back, on the same ports
#   rgw.sh freeze DIR | thaw DIR  requests are accepted and never answered
#   rgw.sh limit DIR N            more than N requests at once get 503 SlowDown; 1024: as before
#   rgw.sh user DIR ID KEY SECRET a second user, who may see nothing of the first one's
#
# Key orch-test-access-key, secret orch-test-secret/with+both=signs, any region, path style, or
# http://BUCKET.s3.localhost:BASEPORT/. Laxer than AWS about regions and unsigned headers: swift.sh is not.
# RGW_STS=true lets AssumeRole give session tokens. Exit status 77: not installed.
set -eu
PATH=$PATH:/usr/sbin:/sbin
. "$(dirname "$0")/common.sh"
word=${1:?start, stop, kill-rgw, start-rgw, freeze, thaw, limit or user} dir=${2:?a folder}

write_conf() { # DIR BASEPORT FSID
    cat <<CONF
[global]
fsid = $3
run dir = $1/run
admin socket = $1/run/\$name.asok
log file = $1/log/\$name.log
crash dir = $1/log
keyring = $1/keyring
log to stderr = false
err to stderr = false

# loopback, no cephx; "crc", since radosgw would insist on a secure mode that there are no keys for
mon host = [v2:127.0.0.1:$(($2 + 1)),v1:127.0.0.1:$(($2 + 2))]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind port min = $(($2 + 10))
ms bind port max = $(($2 + 60))
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc

# a cluster of one that is up in a second: without the two paxos lines it takes twelve
paxos propose interval = 0.02
paxos min wait = 0.01
mon subscribe interval = 1
mon osd heartbeat interval = 1
osd heartbeat interval = 1
mon osd prime pg temp = false
mon data = $1/mon
mon data avail crit = 1
mon data avail warn = 1
mon allow pool size one = true
mon allow pool delete = true
osd data = $1/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd class load list = *
osd class default list = *
osd op num shards = 1

rgw data = $1/rgw
rgw dns name = s3.localhost
rgw thread pool size = 16
rgw override bucket index max shards = 1
rgw dynamic resharding = false
rgw enable gc threads = false
rgw enable lc threads = false
rgw enable quota threads = false
rgw enable usage log = false
rgw enable ops log = false
rgw run sync thread = false
rgw crypt require ssl = false
rgw s3 auth use sts = ${RGW_STS:-false}
rgw sts key = abcdefghijklmnop
rgw sts entry = sts
CONF
}

start_gateway() { # the frontends line is kept, so that start-rgw needs no ports again
    local port frontends
    read -r port frontends <"$dir/frontends"
    daemon "$dir" radosgw radosgw -c "$dir/ceph.conf" -n client.rgw -f --rgw-frontends="$frontends"
    wait_for 30 "$dir" radosgw curl -s -o "$dir/probe" "http://127.0.0.1:$port/"
}

case $word in
start)
    port=${3:?a base port}
    need_programs ceph-mon ceph-osd radosgw radosgw-admin ceph monmaptool curl
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    if alive "$dir" radosgw || alive "$dir" mon; then
        echo "a server runs in $dir already" >&2
        exit 1
    fi
    rm -rf "$dir/mon" "$dir/osd"
    mkdir -p "$dir/mon" "$dir/osd" "$dir/run" "$dir/log" "$dir/rgw"
    fsid=$(cat /proc/sys/kernel/random/uuid)
    write_conf "$dir" "$port" "$fsid" >"$dir/ceph.conf"
    : >"$dir/keyring"
    tls=
    [ -z "${RGW_TLS:-}" ] ||
        tls="ssl_endpoint=127.0.0.1:$((port + 3)) ssl_certificate=$RGW_TLS/server.pem ssl_private_key=$RGW_TLS/server.key"
    # tcp_nodelay: fifteen times the requests a second
    echo "$port beast endpoint=127.0.0.1:$port tcp_nodelay=1 $tls" >"$dir/frontends"
    guard "$(readlink -f "$0")" "$dir"
    trap '[ $? -eq 0 ] || "$0" stop "$dir"' EXIT
    monmaptool --create --clobber --fsid "$fsid" \
        --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" "$dir/monmap" >"$dir/setup.out"
    ceph-mon -c "$dir/ceph.conf" -i a --mkfs --monmap "$dir/monmap" >>"$dir/setup.out" 2>&1
    daemon "$dir" mon ceph-mon -c "$dir/ceph.conf" -i a -f
    osd=$(cat /proc/sys/kernel/random/uuid)
    timeout 60 ceph -c "$dir/ceph.conf" osd new "$osd" >>"$dir/setup.out" 2>&1
    ceph-osd -c "$dir/ceph.conf" -i 0 --mkfs --osd-uuid "$osd" >>"$dir/setup.out" 2>&1
    daemon "$dir" osd ceph-osd -c "$dir/ceph.conf" -i 0 -f
    "$0" user "$dir" orch orch-test-access-key orch-test-secret/with+both=signs
    start_gateway
    ;;
stop | kill)
    unguard "$dir"
    # at once: told to end politely, the OSD waits for a monitor that has gone before it
    signal KILL "$dir" radosgw osd mon
    gone "$dir" radosgw osd mon
    ;;
kill-rgw)
    signal KILL "$dir" radosgw
    gone "$dir" radosgw
    ;;
start-rgw) start_gateway ;;
freeze) signal STOP "$dir" osd ;;
thaw) signal CONT "$dir" osd ;;
limit)
    ceph -c "$dir/ceph.conf" --admin-daemon "$dir/run/client.rgw.asok" \
        config set rgw_max_concurrent_requests "${3:?a number}" >/dev/null
    ;;
user)
    timeout 60 radosgw-admin -c "$dir/ceph.conf" -n client.rgw user create --uid="${3:?an id}" \
        --display-name="$3" --access-key="${4:?a key}" --secret-key="${5:?a secret}" >"$dir/user-$3.json" 2>"$dir/user-$3.err" ||
        { tail -n 5 "$dir/user-$3.err" >&2; exit 1; }
    ;;
*)
    echo "no such word: $word" >&2
    exit 2
    ;;
esac

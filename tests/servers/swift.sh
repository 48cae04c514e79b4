#!/bin/bash
# A second private S3, of another make and stricter about signatures: OpenStack Swift with s3api.
#
#   swift.sh start DIR BASEPORT    S3 on BASEPORT; +1..4 are Swift's own
#   swift.sh stop DIR
#
# Key orch-test-access-key, secret orch-test-secret/with+both=signs, region us-east-1 and no other, path
# style. Exit status 77: not installed.
set -eu
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
word=${1:?start or stop} dir=${2:?a folder}
parts=(proxy object container account memcached)

defaults() { # BASEPORT+n
    cat <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $1
user = $(id -un)
swift_dir = $dir/etc
workers = 0
log_level = WARNING
log_address = $dir/no-syslog
CONF
}

backend() { # account|container|object PORT
    {
        defaults "$2"
        cat <<CONF
devices = $dir/node
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
[pipeline:main]
pipeline = $1-server
[app:$1-server]
use = egg:swift#$1
CONF
    } >"$dir/etc/$1-server.conf"
    # one partition on one device: a ring in name only
    (
        cd "$dir/etc"
        swift-ring-builder "$1.builder" create 0 1 1
        swift-ring-builder "$1.builder" add --region 1 --zone 1 --ip 127.0.0.1 --port "$2" --device d1 --weight 1
        swift-ring-builder "$1.builder" rebalance || [ $? -eq 1 ] # 1: a warning
    ) >>"$dir/rings.out" 2>&1
}

proxy() { # PORT MEMCACHED
    {
        defaults "$1"
        cat <<CONF
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api plainkey tempauth slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$2
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
dns_compliant_bucket_names = true
[filter:plainkey]
paste.filter_factory = swift_plainkey:filter_factory
access_key = orch-test-access-key
account_user = orch:tester
[filter:tempauth]
use = egg:swift#tempauth
user_orch_tester = orch-test-secret/with+both=signs .admin
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
CONF
    } >"$dir/etc/proxy-server.conf"
}

case $word in
start)
    port=${3:?a base port}
    need_programs swift-proxy-server swift-object-server swift-container-server swift-account-server \
        swift-ring-builder memcached curl
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    if alive "$dir" proxy; then
        echo "a server runs in $dir already" >&2
        exit 1
    fi
    mkdir -p "$dir/etc" "$dir/node/d1"
    printf '[swift-hash]\nswift_hash_path_prefix = orch\nswift_hash_path_suffix = orch\n[storage-policy:0]\nname = one\ndefault = yes\n' \
        >"$dir/etc/swift.conf"
    rm -f "$dir"/etc/*.builder
    backend account $((port + 1))
    backend container $((port + 2))
    backend object $((port + 3))
    proxy "$port" $((port + 4))
    guard "$here/swift.sh" "$dir"
    trap '[ $? -eq 0 ] || "$0" stop "$dir"' EXIT
    daemon "$dir" memcached memcached -l 127.0.0.1 -p $((port + 4)) -U 0 -u "$(id -un)" -m 16
    for part in account container object proxy; do
        PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 daemon "$dir" $part "swift-$part-server" "$dir/etc/$part-server.conf" -v
    done
    n=1
    for part in account container object; do
        wait_for 60 "$dir" $part curl -s -o "$dir/probe" "http://127.0.0.1:$((port + n))/"
        n=$((n + 1))
    done
    wait_for 60 "$dir" proxy curl -sf -o "$dir/probe" "http://127.0.0.1:$port/healthcheck"
    ;;
stop | kill)
    unguard "$dir"
    signal "$([ "$word" = stop ] && echo TERM || echo KILL)" "$dir" "${parts[@]}"
    gone "$dir" "${parts[@]}"
    ;;
*)
    echo "no such word: $word" >&2
    exit 2
    ;;
esac

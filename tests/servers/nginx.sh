#!/bin/bash
# A private nginx that takes webhooks and pings, and writes down what came: DIR/got, a JSON document a line.
#
#   nginx.sh start DIR BASEPORT CERTS SILENT   http on BASEPORT; https on +1 (good), +2 (a wrong name), +3 (expired)
#   nginx.sh stop DIR
#
# The first part of the path is the answer: /200, /500, /401, /301 (to /200), /503, and /hang, behind which is the
# port SILENT. CERTS: what ca.sh makes. Exit status 77: not installed.
set -eu
PATH=$PATH:/usr/sbin:/sbin
. "$(dirname "$0")/common.sh"
word=${1:?start or stop} dir=${2:?a folder}

answers() { # STATUS [more]: behind a proxy, for only then is the body read and can be written down
    echo "location /$1 { return $1 ${2:-ok}; }"
}

tls_server() { # PORT CERTIFICATE
    echo "server { listen 127.0.0.1:$1 ssl; ssl_certificate $certs/$2.pem; ssl_certificate_key $certs/$2.key; include $dir/front; }"
}

case $word in
start)
    port=${3:?a port} certs=${4:?a folder of certificates} silent=${5:?a port}
    need_programs nginx
    mkdir -p "$dir/tmp"
    dir=$(cd "$dir" && pwd)
    cat >"$dir/front" <<CONF
location / { proxy_pass http://unix:$dir/inner; proxy_redirect off; access_log $dir/got got; }
location /hang { proxy_pass http://127.0.0.1:$silent; proxy_read_timeout 1h; access_log off; }
CONF
    cat >"$dir/nginx.conf" <<CONF
$([ "$(id -u)" != 0 ] || echo "user $(id -un);")
daemon off;
master_process off;
pid $dir/server.pid;
error_log stderr warn;
events { }
http {
    log_format got escape=json '{"method":"\$request_method","path":"\$request_uri","status":\$status,"tls":"\$ssl_protocol",'
        '"type":"\$content_type","time":"\$http_x_orch_timestamp","signature":"\$http_x_orch_signature",'
        '"delivery":"\$http_x_orch_delivery","body":"\$request_body"}';
    access_log off;
    client_body_temp_path $dir/tmp;
    proxy_temp_path $dir/tmp;
    fastcgi_temp_path $dir/tmp;
    uwsgi_temp_path $dir/tmp;
    scgi_temp_path $dir/tmp;
    client_body_buffer_size 1m;
    client_body_in_single_buffer on;
    server { listen 127.0.0.1:$port; include $dir/front; }
    $(tls_server $((port + 1)) server)
    $(tls_server $((port + 2)) wrong)
    $(tls_server $((port + 3)) expired)
    server {
        listen unix:$dir/inner;
        $(for status in 200 401 500 503; do answers $status; done)
        $(answers 301 "http://127.0.0.1:$port/200")
    }
}
CONF
    rm -f "$dir/inner"
    daemon "$dir" nginx nginx -p "$dir" -c "$dir/nginx.conf"
    wait_for 20 "$dir" nginx bash -c ": </dev/tcp/127.0.0.1/$port"
    guard "$(readlink -f "$0")" "$dir"
    ;;
stop | kill)
    unguard "$dir"
    signal "$([ "$word" = stop ] && echo TERM || echo KILL)" "$dir" nginx
    gone "$dir" nginx
    ;;
*)
    echo "no such word: $word" >&2
    exit 2
    ;;
esac

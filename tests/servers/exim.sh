#!/bin/bash
# A private mail server: exim, with STARTTLS demanded, a login, and the mailbox files DIR/mail/ana and ops.
#
#   exim.sh start DIR PORT CERTS    CERTS: what ca.sh makes; user orch, password "pass word"
#   exim.sh stop DIR
#
# All others are refused at RCPT. Exim delivers nothing as root: there it is the user nobody, who must be
# able to pass through the folders above DIR. Exit status 77: not installed.
set -eu
PATH=$PATH:/usr/sbin:/sbin
. "$(dirname "$0")/common.sh"
word=${1:?start or stop} dir=${2:?a folder}

case $word in
start)
    port=${3:?a port} certs=${4:?a folder of certificates}
    need_programs exim4
    mkdir -p "$dir/mail" "$dir/spool"
    dir=$(cd "$dir" && pwd)
    owner=$(id -un)
    if [ "$owner" = root ]; then
        owner=nobody
        chmod 711 "$dir"
        chown nobody "$dir/mail"
    fi
    cat >"$dir/exim.conf" <<CONF
exim_user = $(id -un)
exim_group = $(id -gn)
never_users =
primary_hostname = mx.test
spool_directory = $dir/spool
log_file_path = $dir/%slog
pid_file_path = $dir/server.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = $port
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
smtp_enforce_sync = true
tls_advertise_hosts = *
tls_certificate = $certs/server.pem
tls_privatekey = $certs/server.key
auth_advertise_hosts = \${if eq{\$tls_in_cipher}{}{}{*}}
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
mail:
  deny !encrypted = *
       message = STARTTLS first
  accept
rcpt:
  deny !authenticated = *
       message = who are you
  deny !local_parts = ana : ops
       message = no such user here
  accept
data:
  accept
begin routers
all:
  driver = accept
  local_parts = ana : ops
  transport = box
begin transports
box:
  driver = appendfile
  file = $dir/mail/\$local_part_data
  user = $owner
  mode = 0600
  delivery_date_add
  envelope_to_add
begin retry
* * F,1m,1s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{\$auth2}{orch}}{eq{\$auth3}{pass word}}}}
  server_set_id = \$auth2
CONF
    daemon "$dir" exim exim4 -C "$dir/exim.conf" -bdf
    wait_for 20 "$dir" exim bash -c ": </dev/tcp/127.0.0.1/$port"
    guard "$(readlink -f "$0")" "$dir"
    ;;
stop | kill)
    unguard "$dir"
    signal "$([ "$word" = stop ] && echo TERM || echo KILL)" "$dir" exim
    gone "$dir" exim
    ;;
*)
    echo "no such word: $word" >&2
    exit 2
    ;;
esac

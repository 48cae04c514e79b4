#!/bin/bash
# ca.sh DIR: certificates for TLS tests, P-256, made in a fifth of a second
#
#   ca.pem          the authority           other-ca.pem    one that signed nothing here
#   server.pem .key localhost, 127.0.0.1    wrong.pem .key  the same authority, for example.invalid
#   expired.pem .key  localhost, 127.0.0.1, but over since yesterday
#   client.pem .key   for clients
set -eu
mkdir -p "${1:?a folder}"
cd "$1"
exec 2>openssl.out
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

authority() { # FILE NAME
    openssl req -x509 "${key[@]}" -keyout "$1.key" -out "$1.pem" -days 3650 -subj "/CN=$2" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

leaf() { # FILE NAME SUBJECTALTNAME [extra options of openssl x509]
    local file=$1
    openssl req "${key[@]}" -keyout "$file.key" -out "$file.csr" -subj "/CN=$2"
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$3" >"$file.ext"
    shift 3
    openssl x509 -req -in "$file.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -extfile "$file.ext" \
        -out "$file.pem" "$@"
}

authority ca "orch test authority"
authority other-ca "another authority"
leaf server localhost DNS:localhost,IP:127.0.0.1 -days 3650
leaf wrong example.invalid DNS:example.invalid -days 3650
leaf client orch DNS:orch -days 3650
# "openssl x509 -req" knows no past dates before OpenSSL 3.4: a small CA of openssl ca does
: >index.txt
echo 01 >serial
cat >ca.cnf <<CONF
[ca]
default_ca = orch
[orch]
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
subjectAltName = DNS:localhost,IP:127.0.0.1
extendedKeyUsage = serverAuth,clientAuth
CONF
openssl req "${key[@]}" -keyout expired.key -out expired.csr -subj /CN=localhost
openssl ca -batch -notext -config ca.cnf -in expired.csr -out expired.pem \
    -startdate 20200101000000Z -enddate 20200201000000Z >/dev/null

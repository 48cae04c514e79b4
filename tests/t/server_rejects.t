#!/bin/bash
# Rows that only the database can refuse, in batches that go in while the next are read: rejected, counted, and the
# sums of the rest agree.
. "$(dirname "$0")/../lib/tap.sh"
need mysql

mariadb_start "$T/db"
sql() { mariadb --no-defaults -uroot -S "$T/db/sock" -N -B -e "$1"; }

sql "CREATE DATABASE lending; USE lending; CREATE TABLE loan (id INT NOT NULL PRIMARY KEY, v VARCHAR(10));
     INSERT INTO loan VALUES (7, 'there')"
folder=$T/in/yyyy=2022/mm=06/dd=05/hh=12
mkdir -p "$folder"
# 10,000 records: one is there already, one is in the file twice, batches apart
awk 'BEGIN { print "id,v"; for (i = 1; i <= 10000; i++) print (i == 9500 ? 100 : i) ",x" i }' >"$folder/file.csv"
touch -d "2022-06-05T13:00:00Z" "$folder/file.csv"
cat >"$T/orch.json" <<JSON
{"connections": {"lake": {"url": "file://in/"}, "db": {"url": "mysql://root@localhost/lending?socket=$T/db/sock"}},
 "pipelines": {"loans": {"schedule": "cron(0/5 * * * ? *)", "max_rejects": "2", "source": {"connection": "lake",
   "since": "2022-06-05T12", "until": "2022-06-05T12"}, "target": {"connection": "db", "table": "loan"}}}}
JSON
cd "$T" || exit 1
ok "orch's own tables" "$ORCH" target setup
ok "lineage columns" "$ORCH" lineage add loan
runs "the hour is loaded" 0 "$ORCH" tick
is "what is there stays, the rest goes in" "$(sql "SELECT COUNT(*), SUM(id), COUNT(_orch_load_id) FROM lending.loan")" \
    "$(printf '9999\t%d\t9998' $((10000 * 10001 / 2 - 9500)))"
is "the row that was there is as it was" "$(sql "SELECT v FROM lending.loan WHERE id = 7")" there
is "the ledger counts both rejects" "$(sql "SELECT rows_read, rows_loaded, rows_rejected FROM lending.orch_load")" \
    "$(printf '10000\t9998\t2')"
runs "rejects" 0 "$ORCH" rejects loans -o csv
like "the one that was there" "$out" "file.csv,8,.*DUPLICATE_KEY"
like "the one that came twice" "$out" "file.csv,9501,.*DUPLICATE_KEY"
runs "source and target agree" 0 "$ORCH" reconcile loans
done_testing

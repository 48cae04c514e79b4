#!/bin/bash
# orch spec convert: documents on stdout, what was mended on stderr, exit 3 where the spec asks for what cannot be done.
. "$(dirname "$0")/../lib/tap.sh"

cat >"$T/task.json" <<'J'
{
    "task_name" : "invoices",
    "table" : [
    {
      "name" : "invoices",
      "columns" : ["invoice_id","customer","issued_on","clerk_id"],
      "filters" : { "clerk_id" : { "condition" : "!=", "metric" : 17 } },
      "cdc" : { "issued_on" : "2001-02-03", "changed_at": "12 hours" },
      "split_order" : "invoice_id"
    }
    ],
    "query" : { "custom" : null },
    "column_transformation" : { },
    "owner" : { "name" : "Ledger Desk", "email" : "ledger@example.com" },
    "source" : "mysql",
    "sink" : "s3",
    "output_file_format" : "csv",
    "output_timezone" : null
}
J
cat >"$T/config.json" <<'J'
{"databases": {"mysql": {"host": "db.example", "port": 3307, "user": "reader", "password": "t0p-s3cr3t", "db": "shop"}}, "batch_threshold": 200}
J
cat >"$T/hourly.json" <<'J'
{
  "MYSQL_HOST": "localhost", "MYSQL_USERNAME": "reader", "MYSQL_PASSWORD": "t0p-s3cr3t",
  "TABLE_SPEC": [
    {"MYSQL_DB": "bank", "TABLE_NAME": "rate", "SELECT_COLS": "'value','set_at'", "CDC_COLUMNS": "set_at", "STRATEGY": "incremental"},
    {"MYSQL_DB": "bank", "TABLE_NAME": "desk", "SELECT_COLS": "'deskno','title'", "CDC_COLUMNS": "title", "STRATEGY": "fullload"}
  ],
  "FREQUENCY": "daily", "S3_BUCKET": "some-bucket", "OUTPUT_FOLDER_LOCATION": "bank", "CSV_DELIM": ","
}
J
cat >"$T/backfill.json" <<'J'
{"MYSQL_HOST": "localhost", "MYSQL_USERNAME": "reader", "MYSQL_PASSWORD": "t0p-s3cr3t",
 "TABLE_SPEC": [{"MYSQL_DB": "bank", "TABLE_NAME": "rate", "SELECT_COLS": "'value','set_at'", "CDC_COLUMNS": "set_at"}],
 "TIME_RANGE_HOURS": 12, "S3_BUCKET": "some-bucket", "OUTPUT_FOLDER_LOCATION": "bank", "CSV_DELIM": ","}
J

# what python's JSON reader finds at a path such as extracts.invoices.task
at() {
    printf '%s' "$out" | $python -c 'import json, sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("/"):
    v = v[int(k)] if isinstance(v, list) else v[k]
print(json.dumps(v))' "$1"
}

# the document that was printed last, as orch.json
(umask 077 && echo t0p-s3cr3t >"$T/db.secret")
valid() {
    printf '%s\n' "$out" >"$T/orch.json"
    ok "orch reads $1" "$ORCH" -c "$T/orch.json" validate
}

runs "a task spec with its config.json" 0 "$ORCH" spec convert "$T/task.json" --config "$T/config.json"
valid "what was made of it"
is "where the database is" "$(at connections/db/url)" '"mysql://reader@db.example:3307/shop"'
is "a password by a file that is to be made" "$(at connections/db/password_file)" '"db.secret"'
unlike "and not itself, in what is written" "$out$err" 't0p-s3cr3t'
like "which is said" "$err" 'put it into db.secret'
is "the bucket of that system" "$(at connections/lake/url)" '"s3://sql-pde-exports/"'
is "columns" "$(at extracts/invoices/tables/0/columns)" '["invoice_id", "customer", "issued_on", "clerk_id"]'
is "a date stays the filter that it is, hours count from now, and a condition is one" "$(at extracts/invoices/tables/0/filters)" \
    '[{"column": "issued_on", "is": ">", "value": "2001-02-03"}, {"column": "changed_at", "is": ">", "ago": "12h"}, {"column": "clerk_id", "is": "!=", "value": 17}]'
is "the order" "$(at extracts/invoices/tables/0/order)" '["invoice_id"]'
is "the owner" "$(at extracts/invoices/owner/email)" '"ledger@example.com"'
is "the size of a file" "$(at extracts/invoices/part_bytes)" '"200MiB"'
is "names" "$(at extracts/invoices/path)" '"{task}/{task}_{timestamp}[_{part}]"'
like "what a constant costs is said" "$err" 'each run extracts the same rows again'
runs "the command line says otherwise" 0 "$ORCH" spec convert "$T/task.json" -c "$T/config.json" -H other.example -P 3308 -u me -d there -b 64
is "and is before the file" "$(at connections/db/url) $(at extracts/invoices/part_bytes)" '"mysql://me@other.example:3308/there" "64MiB"'
runs "without a config" 0 "$ORCH" spec convert "$T/task.json"
is "placeholders" "$(at connections/db/url)" '"mysql://USER@HOST/DATABASE"'
like "to be filled in" "$err" 'nothing says the server: put it in place of HOST'

runs "an hourly or daily config" 0 "$ORCH" spec convert "$T/hourly.json"
valid "it"
is "names that stood in quotes are names" "$(at extracts/bank/tables/0/columns) $(at extracts/bank/tables/1/columns)" '["value", "set_at"] ["deskno", "title"]'
like "and that is said" "$err" "rate.SELECT_COLS: 'value' in quotes is a constant, the same text in every row; the column value is meant"
is "incremental: a watermark" "$(at extracts/bank/tables/0/watermark)" '["set_at"]'
like "fullload: none" "$err" 'desk.CDC_COLUMNS: not used'
is "where files go" "$(at connections/lake/url) $(at extracts/bank/target/prefix) $(at extracts/bank/path) $(at extracts/bank/compress)" \
    '"s3://some-bucket/" "bank/" "{table}_{epoch}[_{part}]" "gzip"'
runs "its schedule" 0 "$ORCH" schedule next "$(at extracts/bank/schedule | tr -d '"')" --from 2022-06-05T12:00:00Z --count 1
like "every midnight" "$out" '2022-06-06'
runs "a backfill" 0 "$ORCH" spec convert "$T/backfill.json"
like "says how it is run" "$err" 'orch extract rate --hours 12'

sed 's/"!="/"~"/; s/"s3"/"gcs"/; s/"csv"/"parquet"/; s/"12 hours"/"12 hors"/; s/"owner"/"ownr"/' "$T/task.json" >"$T/bad.json"
runs "what cannot be done" 3 "$ORCH" spec convert "$T/bad.json" --config "$T/config.json"
is "gives no document" "$out" ''
for part in "condition '~' is not known" "sink: 'gcs' is not known" "'parquet' is not written" "'12 hors' is no duration" "no such member: 'ownr' \(hint: the nearest is 'owner'" '5 faults'; do
    like "and is told: $part" "$err" "$part"
done
printf '{"task_name": "a\\u001b[2J", "table": [{"name": "x\\u001b]0;y"}], "\\u001b[31m": 1}' >"$T/escape.json"
runs "bytes that a terminal obeys" 3 "$ORCH" spec convert "$T/escape.json"
unlike "do not reach it" "$err" $'\e'
printf '{"task_name": "t", "table": [{"name": "x`; DROP TABLE y; --"}]}' >"$T/quote.json"
runs "a name that would leave its quotes" 0 "$ORCH" spec convert "$T/quote.json"
is "is a name" "$(at extracts/t/tables/0/table)" '"x`; DROP TABLE y; --"'
printf '{' >"$T/broken.json"
runs "no JSON" 3 "$ORCH" spec convert "$T/broken.json"
like "says where" "$err" 'line 1 column'
runs "an orch.json" 3 "$ORCH" spec convert "$ORCH_SOURCE/tests/fuzz/corpus/config/full.json"
like "is told apart" "$err" 'it is an orch.json already'
runs "a file that is not there" 1 "$ORCH" spec convert "$T/none.json"
runs "two configs for a spec that has its server in it" 3 "$ORCH" spec convert "$T/hourly.json" --config "$T/config.json"
head -c 1100000 /dev/zero | tr '\0' ' ' >"$T/large.json"
runs "a file that is larger than any spec" 3 "$ORCH" spec convert "$T/large.json"
runs "no file" 2 "$ORCH" spec convert
runs "no port" 2 "$ORCH" spec convert "$T/task.json" -P 70000
like "says the largest" "$err" '--port: at most 65535'
runs "no port for a run either" 2 "$ORCH" extract --spec "$T/task.json" -P 70000
like "says it likewise" "$err" '--port: at most 65535'
runs "what convert would mend" 3 "$ORCH" extract --spec "$T/hourly.json"
like "is told where" "$err" 'orch spec convert writes it'
runs "what it would not" 3 "$ORCH" extract --spec "$T/bad.json" --host h --user u --db d
unlike "is not sent there" "$err" 'orch spec convert'
like "but to the page" "$err" 'docs/extract-specs.md'
runs "its help" 0 "$ORCH" spec convert --help
is "has one --config" "$(grep -c -e '-c, --config' <<<"$out")" 1

# -- the documents of those systems, word for word, where they are at hand
seeds=${ORCH_SEEDS:-$ORCH_SOURCE/../shared/seeds}
if ls "$seeds"/000*.txt "$seeds"/002*.txt >/dev/null 2>&1; then
    $python - "$seeds" "$T" <<'P'
import glob, re, sys
seeds, to = sys.argv[1:]
text = open(glob.glob(seeds + '/002*.txt')[0]).read()
open(to + '/employees.json', 'w').write(re.search(r'`employees.json`\n```\n(.*?)```', text, re.S).group(1))
text = open(glob.glob(seeds + '/000*.txt')[0]).read()
for name, config in zip(('main', 'backfill'), re.findall(r'json\.dumps\((\{.*?\})\)\n```', text, re.S)):
    open(f'{to}/{name}-000.json', 'w').write(config)
P
    runs "employees.json" 0 "$ORCH" spec convert "$T/employees.json"
    is "its filters" "$(at extracts/employees/tables/0/filters)" '[{"column": "hire_date", "is": ">", "value": "1995-05-05"}, {"column": "manager_id", "is": "!=", "value": 103}]'
    valid "it"
    runs "the common config" 0 "$ORCH" spec convert "$T/main-000.json"
    is "its columns" "$(at extracts/cred/tables/0/columns)" '["rates", "created_at"]'
    runs "the backfill's" 0 "$ORCH" spec convert "$T/backfill-000.json"
    is "its folder" "$(at extracts/currency/target/prefix)" '"cred/"'
else
    pass "documents of those systems # SKIP they are not at hand"
fi
done_testing

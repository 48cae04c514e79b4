#!/bin/bash
# What a person types, and what a program reads: options, errors, exit codes, forms of output.
. "$(dirname "$0")/../lib/tap.sh"
demo=$T/demo
o() { "$ORCH" -c "$demo/orch.json" "$@"; }
json() { $python -c 'import json,sys; d=json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$@"; }

# -- options, help, errors
runs "no command: help, exit 0" 0 "$ORCH"
like "help names the commands" "$out" 'status  +What is loaded'
runs "unknown command is usage" 2 "$ORCH" statsu
like "and names the nearest" "$err" "nearest is 'status'"
runs "unknown option is usage" 2 "$ORCH" tick --dry-rum
like "and names the nearest" "$err" 'nearest is --dry-run'
runs "an option without its value" 2 "$ORCH" replay loans --reason
runs "too many arguments" 2 "$ORCH" tick now
runs "a missing argument" 2 "$ORCH" replay
runs "-o knows four forms" 2 "$ORCH" -o yaml version
runs "half a command" 2 "$ORCH" target
like "and the whole is named" "$err" 'orch target setup'
runs "so is each where there are several" 2 "$ORCH" schedule nxt
like "all of them" "$err" 'orch schedule next, orch schedule lint, orch schedule explain'
runs "and help is told of each" 0 "$ORCH" cron --help
like "the first" "$out" '^usage: orch cron install'
like "the second" "$out" 'usage: orch cron print'
runs "help of no command is usage" 2 "$ORCH" crn --help
runs "an expression without quotes" 2 "$ORCH" schedule next 0 8 1 1 2
like "says what is missing" "$err" "orch schedule next 'EXPR'"
runs "--version, as of any program" 0 "$ORCH" --version
like "says which" "$out" '^orch [0-9]'
runs "no config: exit 3, with what to do" 3 env -C "$T" "$ORCH" -c "$T/none.json" status
like "the hint" "$err" 'hint: orch init --demo'
runs "--help alone: the same" 0 "$ORCH" --help
like "all commands" "$out" 'status  +What is loaded'
like "all databases" "$out" 'MariaDB'
runs "help exit-codes" 0 "$ORCH" help exit-codes
like "lists them" "$out" ' 75 +try again later'
for verb in init validate doctor 'target setup' 'lineage add' tick run status replay skip reconcile rejects list \
    describe history stop start redrive fsck 'cron print' 'config schema' version help; do
    # shellcheck disable=SC2086
    runs "help $verb" 0 "$ORCH" help $verb
    like "shows its usage" "$out" "^usage: orch $verb"
    is "within 80 columns, but for examples" "$(awk 'length > 80 && !/^  [^ -]/' <<<"$out")" ''
done
runs "version" 0 "$ORCH" version -o json
printf '%s' "$out" >"$T/v.json"
is "version as JSON" "$(json "$T/v.json" 'd["schema_version"]')" 1
runs "config schema" 0 "$ORCH" config schema
printf '%s\n' "$out" >"$T/schema.json"
ok "docs/orch.schema.json is what it prints" cmp "$T/schema.json" "$ORCH_SOURCE/docs/orch.schema.json"

# -- validate
mkdir "$T/bad"
cat >"$T/bad/orch.json" <<'J'
{"connections": {"lake": {"url": "file://x"}}, "pipelnes": {}, "tick": {"linger": "soon"}}
J
runs "a bad config is exit 3" 3 "$ORCH" -c "$T/bad/orch.json" validate
like "every fault is said: the unknown key" "$err" "unknown key 'pipelnes'; the nearest is 'pipelines'"
like "and the duration" "$err" "tick.linger: 'soon' is not a duration"
like "and what is missing" "$err" 'pipelines: missing'
printf '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}' >"$T/w.json"
runs "a bad workflow is exit 3" 3 "$ORCH" validate --workflow "$T/w.json" -o json
printf '%s' "$out" >"$T/w.out"
is "in AWS's shape" "$(json "$T/w.out" 'd["result"], len(d["diagnostics"]) > 0')" "('FAIL', True)"
cat >"$T/w.json" <<'J'
{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:0:function:f", "TimeoutSeconds": 9, "Next": "B"},
 "B": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:0:activity:orch-engest", "TimeoutSeconds": 9, "Next": "C"},
 "C": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:0:activity:orch-ingest", "Parameters": {"partion": 1}, "End": true}}}
J
runs "of a workflow by itself it is printed without -o" 3 "$ORCH" validate --workflow "$T/w.json"
printf '%s' "$out" >"$T/w.out"
is "with AWS's members and no others" "$(json "$T/w.out" 'sorted(d), sorted(set(k for r in d["diagnostics"] for k in r))')" \
    "(['diagnostics', 'result', 'truncated'], ['code', 'location', 'message', 'severity'])"
is "every Task is looked at: a Resource that nobody knows is a warning, wrong Parameters are not, a Task without time-out is one" \
    "$(json "$T/w.out" 'sorted((r["location"], r["severity"], r["code"]) for r in d["diagnostics"])')" \
    "[('/States/A/Resource', 'WARNING', 'UNKNOWN_RESOURCE'), ('/States/B/Resource', 'WARNING', 'UNKNOWN_RESOURCE'), ('/States/C', 'WARNING', 'MISSING_TIMEOUT'), ('/States/C/Parameters', 'ERROR', 'INVALID_PARAMETERS')]"
runs "or as a table" 3 "$ORCH" validate --workflow "$T/w.json" -o table
like "for people" "$out" '^SEVERITY +CODE +LOCATION +MESSAGE'
runs "a workflow from stdin" 0 "$ORCH" validate --workflow - <"$ORCH_SOURCE/orchestrator/workflows/ingest.asl.json"
runs "none" 2 "$ORCH" validate --workflow "$T/none.json"

# -- the demo's day, from init to green
runs "init --demo" 0 "$ORCH" init --demo "$demo"
like "says what the first tick would do" "$out" 'first tick would load 23 files of 22 partitions'
runs "init overwrites nothing" 2 "$ORCH" init --demo "$demo"
day=$(json "$demo/orch.json" 'd["pipelines"]["loans"]["source"]["since"][:10]')
runs "validate" 0 o validate
runs "a word that is neither file nor pipeline" 1 o profile missing.csv
like "says both" "$err" "no file of that name is here: .* has no pipeline .missing.csv."
runs "notify without a channel" 0 o notify
like "says that there is none" "$err" 'configures no channel: alerts.mail'
runs "status before the first tick: everything is still to come" 6 o status
runs "tick --dry-run" 0 o tick --dry-run -o json
printf '%s' "$out" >"$T/plan.json"
is "plans every file" "$(json "$T/plan.json" 'sum(p["objects"] for p in d["plan"])')" 23
runs "the first tick speaks of the broken and the late hours" 1 o tick
like "the broken one" "$err" "loans/${day}T17"
like "the missing one" "$err" "loans/${day}T05"
runs "the same troubles are not said again" 0 o tick
is "a silent tick" "$out$err" ''
runs "status: failed goes before late" 1 o status
like "words" "$out" '21 reconciled'
like "glyphs: missing, late and broken hour" "$out" '●●●●●▲●●●●●●●▲●●●✖●●●●●●'
like "what to type" "$out" 'orch '
runs "status -o json" 1 o status -o json
printf '%s' "$out" >"$T/status.json"
is "says the same exit status" "$(json "$T/status.json" 'd["exit"]')" 1
is "lists every partition" "$(json "$T/status.json" 'len(d["pipelines"][0]["partitions"])')" 24
is "rejects are counted" "$(json "$T/status.json" 'd["pipelines"][0]["rejects"]["final"]')" 3
is "rows of one hour" "$(json "$T/status.json" '[p["rows_loaded"] for p in d["pipelines"][0]["partitions"]][0]')" 200
is "no colour when it is no terminal" "$(printf '%s' "$out" | grep -c $'\033')" 0
runs "rejects" 0 o rejects "loans/${day}T09" -o json
printf '%s' "$out" >"$T/rejects.json"
is "three, with their lines" "$(json "$T/rejects.json" '[r["line"] for r in d["rejects"]]')" '[8, 24, 40]'
is "and codes that tell" "$(json "$T/rejects.json" 'd["rejects"][0]["column"], d["rejects"][0]["code"]')" \
    "('MonthlyIncome', 'NOT_AN_INT')"
o rejects "loans/${day}T09" --raw >"$T/raw"
is "raw: the bytes of the file, nothing else" "$(wc -l <"$T/raw") $(grep -c -x -F -f "$T/raw" <(tr -d '\r' <"$demo"/incoming/*/*/*/hh=09/file001.csv))" '3 3'
runs "rejects as CSV" 0 o rejects "loans/${day}T09" -o csv
like "with a header" "$out" '^partition,key,line'

# -- what goes wrong is mended
cp -r "$demo/late/." "$demo/mended/." "$demo/incoming/"
runs "a tick before the schedule's next time leaves it be" 0 o tick
runs "run looks at once, and finds both" 0 o run loans
runs "skip wants a reason" 2 o skip "loans/${day}T05"
runs "skip" 0 o skip "loans/${day}T05" --reason 'the branch was closed'
runs "all well" 0 o status
like "and says so" "$out" 'all well'
rows() { $python -c 'import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])' \
    "$demo/warehouse.db" "${1:-select count(*) from loan_applicant_info}"; }
is "every row once: 24 files of 200, less three rejects" "$(rows)" 4797
is "NA is NULL, never 0" "$(rows 'select count(*) from loan_applicant_info where MonthlyIncome = 0')" 0
ok "and there are some" test "$(rows 'select count(*) from loan_applicant_info where MonthlyIncome is null')" -gt 500
runs "skip --undo" 0 o skip "loans/${day}T05" --undo
runs "a look: the same trouble is not said again" 0 o run loans
runs "status misses it again" 6 o status
runs "and again skipped" 0 o skip "loans/${day}T05" --reason 'closed'
runs "a loaded hour cannot be skipped" 2 o skip "loans/${day}T12" --reason x

# -- replay
runs "replay --dry-run" 0 o replay loans --only all --dry-run -o json
printf '%s' "$out" >"$T/replay.json"
is "one line a partition" "$(json "$T/replay.json" 'len(d["replay"])')" 24
is "with a reason each" "$(json "$T/replay.json" 'all(r["reason"] for r in d["replay"])')" True
runs "replay loads at once" 0 o replay "loans/${day}T12" --reason 'to see it'
is "and doubles nothing" "$(rows)" 4797
runs "what is well is left alone" 0 o replay loans --reason x
like "and said to be" "$out" 'well and left alone; --only all'
runs "replay --queue leaves it to the tick" 0 o replay "loans/${day}T12" --reason again --queue
runs "which works it" 0 o tick
is "still once" "$(rows)" 4797
runs "an unknown partition form" 2 o replay loans/yesterday --reason x
runs "an unknown pipeline" 1 o replay loan --reason x
like "names the nearest" "$err" "nearest is 'loans'"

# -- reconcile: 0 equal, 5 differ, with hour, column and both values
runs "reconcile" 0 o reconcile loans
runs "reconcile --recount-source" 0 o reconcile loans --recount-source -o json
printf '%s' "$out" >"$T/rec.json"
is "all equal" "$(json "$T/rec.json" 'd["equal"], d["foreign_rows"]')" '(True, 0)'
$python - "$demo/warehouse.db" <<'P'
import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("update loan_applicant_info set age = age + 1 where rowid = (select min(rowid) from loan_applicant_info)"
          if False else
          "update loan_applicant_info set age = age + 1 where (_orch_load_id, _orch_line) in "
          "(select _orch_load_id, _orch_line from loan_applicant_info order by 1, 2 limit 1)")
c.commit()
P
runs "a changed value is found" 5 o reconcile loans
like "with hour, column and both values" "$out" "loans/${day}T[0-9]+ column age.*: sum [0-9]+ in the source, [0-9]+ in the target"
runs "and status says mismatched" 5 o status
like "with its glyph" "$out" '≠'
runs "replay mends it" 0 o replay loans --only mismatched --reason 'somebody changed a row'
runs "equal again" 0 o reconcile loans
runs "and status too" 0 o status

# -- a pipeline that goes on: no until
sed 's/, "until": "[^"]*"//' "$demo/orch.json" >"$demo/open.json"
# shellcheck disable=SC2317 # called through exits
open() { timeout 60 "$ORCH" -c "$demo/open.json" "$@"; }
is "until is gone" "$(grep -c until "$demo/open.json")" 0
runs "reconcile ends where the closed hours end" 0 open reconcile loans
runs "what is not over yet is not called well" 1 open status loans/2999-01-01T00
like "and says why" "$err" 'is not over yet'
runs "nor what is before since" 1 open status loans/1999-01-01T00
like "and says why" "$err" 'begins with'
day_before=$(date -u -d "$day - 1 day" +%F)
sed "s/\"since\": \"[^\"]*\"/\"since\": \"${day_before}T00\"/; s/orch.db/many.db/; s/incoming/none/" "$demo/orch.json" >"$demo/many.json"
mkdir "$demo/none"
many() { "$ORCH" -c "$demo/many.json" "$@"; }
many tick >/dev/null 2>&1
runs "many late hours" 6 many status
like "are told once, as from and to" "$out" "LATE +loans: [0-9]+ partitions, ${day_before}T00 to "
runs "with the time they should have been there" 6 many status "loans/${day_before}T00"
like "not when orch first looked" "$out" "late since ${day_before}T0"

# -- executions in AWS's shapes
runs "list" 0 o list --limit 1000 -o json
printf '%s' "$out" >"$T/list.json"
is "executions" "$(json "$T/list.json" 'sorted(d)')" "['executions']"
runs "describe the newest of a pipeline" 0 o describe loans -o json
printf '%s' "$out" >"$T/describe.json"
is "status" "$(json "$T/describe.json" 'd["status"]')" SUCCEEDED
is "input is JSON in a text" "$(json "$T/describe.json" 'type(json.loads(d["input"])).__name__')" dict
runs "history" 0 o history loans -o json
printf '%s' "$out" >"$T/history.json"
is "begins with ExecutionStarted" "$(json "$T/history.json" 'd["events"][0]["type"], d["events"][0]["previousEventId"]')" "('ExecutionStarted', 0)"
is "details under AWS's names" "$(json "$T/history.json" 'all(any(k.endswith("EventDetails") for k in e) for e in d["events"] if e["type"].endswith("Entered"))')" True
runs "describe what is not there" 1 o describe nothing

# -- doctor, cron, target
runs "doctor" 0 o doctor
runs "doctor --cron" 0 o doctor --cron
like "the same checks" "$out" 'OK +loans target'
runs "cron print" 0 o cron print
like "the line" "$out" '^\*/5 \* \* \* \* /.*orch -c /.*orch.json tick # orch: /.*orch.json$'
runs "cron print --user" 0 o cron print --user orch --every 1
like "for /etc/cron.d" "$out" '\* \* \* \* \* orch /'
runs "target setup is idempotent" 0 o target setup
runs "target setup --dry-run" 0 o target setup --dry-run
like "prints the statements" "$out" 'orch_fence'

# -- nothing from outside reaches the terminal raw
mkdir -p "$T/evil/in/2022-06-05"
printf 'a\n1\n\033]0;owned\007\n' >"$T/evil/in/2022-06-05/x.csv"
cat >"$T/evil/orch.json" <<'J'
{"connections": {"in": {"url": "file://in"}, "db": {"url": "sqlite:w.db"}},
 "pipelines": {"evil": {"max_rejects": "9", "columns": {"a": {"type": "BIGINT"}},
  "source": {"connection": "in", "period": "day", "layout": "%Y-%m-%d/", "since": "2022-06-05", "until": "2022-06-05", "settle": "0s"},
  "target": {"connection": "db", "table": "t", "create": true}}}}
J
runs "set up" 0 "$ORCH" -c "$T/evil/orch.json" target setup
runs "tick" 0 "$ORCH" -c "$T/evil/orch.json" tick
runs "rejects" 0 "$ORCH" -c "$T/evil/orch.json" rejects evil
is "no escape character" "$(printf '%s' "$out" | grep -c $'\033')" 0
like "but its code" "$out" '\\x1b'

# -- init on a source and a table that are there
mkdir "$T/real"
runs "init --from --to" 0 env -C "$T/real" "$ORCH" init --from "file://$demo/incoming/" --to sqlite:w.db --table loans
like "found the layout" "$out" 'layout yyyy=%Y/mm=%m/dd=%d/hh=%H/'
like "and drops the column without a name" "$out" "column '' is not in the table: dropped"
runs "what it wrote is well" 0 env -C "$T/real" "$ORCH" validate
runs "no --to" 2 env -C "$T/real" "$ORCH" init --from "file://$demo/incoming/"

# -- a reason is kept whole, or refused
umlauts=$(printf 'ä%.0s' $(seq 150))
runs "a reason of 300 bytes" 0 "$ORCH" -c "$demo/orch.json" pause loans --reason "$umlauts"
runs "status" 0 "$ORCH" -c "$demo/orch.json" -o json status loans
like "shows all of it" "$out" "\"reason\": \"$umlauts\""
runs "resume" 0 "$ORCH" -c "$demo/orch.json" resume loans
runs "a longer one" 2 "$ORCH" -c "$demo/orch.json" pause loans --reason "${umlauts}x"
like "is refused as such" "$err" 'longer than 300 bytes'
runs "one copied from a hint" 2 "$ORCH" -c "$demo/orch.json" pause loans --reason '...'
like "is refused as well" "$err" 'say why'

# -- every command line in the documents runs, as far as usage and config go; serve would not end, t/serve runs it;
# t/simulate_docs types those of docs/simulate.md with its files
n=0 usage=0
while read -r line; do
    n=$((n + 1))
    words=()
    eval "words=($line)"
    status=0
    "$ORCH" -c "$demo/orch.json" "${words[@]:1}" >/dev/null 2>"$T/talk" </dev/null || status=$?
    if [ $status -eq 2 ] || [ $status -eq 3 ] || [ $status -ge 126 ]; then
        usage=$((usage + 1))
        diag "$line: exit $status: $(cat "$T/talk")"
    fi
done < <(cd "$ORCH_SOURCE" && grep -h -E '^ *\$ orch ' README.md docs/*.md --exclude=simulate.md 2>/dev/null |
    grep -v -e ' init ' -e '^ *. orch serve' -e '|' -e '>' | sed 's/^ *\$ //; s/  *#.*//' | sort -u)
ok "documents show commands" test $n -gt 5
is "and all of them are right" $usage 0
done_testing

#!/usr/bin/env bash
# orch load: files without a header into tables of the data dictionary; rules, rejects, keys, kills; MariaDB and SQLite.
. "$(dirname "$0")/../lib/tap.sh"
need mysql

mariadb_start "$T/db"
sql() { mysql "$T/db" hr -e "$1"; }
mysql "$T/db" -e 'CREATE DATABASE hr CHARACTER SET utf8mb4'
sql 'CREATE TABLE departments (id INT NOT NULL PRIMARY KEY, department VARCHAR(100) NOT NULL);
CREATE TABLE jobs (id INT NOT NULL PRIMARY KEY, job VARCHAR(100) NOT NULL);
CREATE TABLE hired_employees (id INT NOT NULL PRIMARY KEY, name VARCHAR(100), datetime DATETIME, department_id INT,
  job_id INT, KEY (department_id), FOREIGN KEY (department_id) REFERENCES departments (id));'
mkdir "$T/w" && cd "$T/w" || exit 1
rules='"required": "all", "columns": {
  "name": {"pattern": "[^0-9]+"},
  "datetime": {"min": "2021-01-01 00:00:00", "max": "2022-12-31T23:59:59Z"},
  "job_id": {"references": "jobs.id", "min": 1}}'
config() { # URL
    cat <<END
{"connections": {"hr": {"url": "$1", "tls": "off"}},
 "tables": {
  "departments": {"connection": "hr", "required": "all"},
  "jobs": {"connection": "hr", "required": "all"},
  "hired_employees": {"connection": "hr", $rules},
  "named": {"connection": "hr", "table": "jobs", "csv": {"header": true}},
  "backwards": {"connection": "hr", "table": "jobs", "order": ["job", "id"], "columns": {"id": {"max": 900}}}}}
END
}
config "mysql://root@localhost/hr?socket=$T/db/sock" >orch.json
printf '1,Sales\n2,"Legal, and more"\n3,Ventas Perú\n' >departments.csv
printf '1,Clerk\n2,Judge\n' >jobs.csv
cat >hired_employees.csv <<'END'
1,Ana Roe,2021-11-07T02:48:42Z,2,1
2,Bo Li,2021-05-30T05:43:46Z,3,
3,,2021-09-01T23:27:38Z,1,2
4,Cy Ode,2021-10-01T13:04:21Z,9,2
5,Di Fox,2021-11-10T21:54:27Z,1,7
6,Ed 7,2021-11-10T21:54:27Z,1,2
7,Flo,2020-11-10T21:54:27Z,1,2
8,Gil,yesterday,1,2
9,Hal,2021-11-10T21:54:27Z,1
1,Ana Again,2021-11-07T02:48:42Z,2,1
11,Ida Ray,2022-01-01T00:00:00+01:00,1,2
END

runs "validate reads the dictionary" 0 "$ORCH" validate
like "and counts it" "$out" "well, 5 tables"
runs "without the tables of orch doctor says so" 1 "$ORCH" doctor
like "which ones" "$out" "FAIL +jobs table +orch_intake and orch_intake_reject are not there"
runs "target setup makes them" 0 "$ORCH" target setup
like "and says so" "$out" "orch_intake and orch_intake_reject are there"
runs "doctor is content" 0 "$ORCH" doctor
like "with the rules against the table" "$out" "OK +hired_employees table +hired_employees of .*: 5 columns, all required, 3 rules"
# shellcheck disable=SC2016
like "and names the rights" "$out" 'GRANT SELECT, INSERT, TRIGGER ON `hr`.`hired_employees`'

runs "departments" 0 "$ORCH" load departments.csv --table departments -o json
is "are stored" "$(sql 'SELECT COUNT(*), MAX(department) FROM departments')" $'3\tVentas Perú'
like "and counted" "$out" '"records": 3,'
gzip -k jobs.csv
runs "jobs, packed" 0 "$ORCH" load file://"$PWD"/jobs.csv.gz --table jobs
like "in a summary line" "$out" "jobs.csv.gz +jobs +2 +2 +0 +LOADED"

runs "a trial" 0 "$ORCH" load hired_employees.csv --table hired_employees --dry-run
like "says what would be" "$out" "hired_employees +11 +2 +9 +WOULD LOAD"
like "and why" "$err" "line 4 column department_id: NO_REFERENCE: '9' is in no row of departments.id"
is "stores nothing" "$(sql 'SELECT COUNT(*) FROM hired_employees')" 0
is "logs nothing" "$(sql 'SELECT COUNT(*) FROM orch_intake_reject')" 0
runs "atomic: one bad record ends all" 1 "$ORCH" load hired_employees.csv --table hired_employees --atomic
like "it says so" "$out" "hired_employees +11 +0 +9 +REFUSED"
is "nothing is stored" "$(sql 'SELECT COUNT(*) FROM hired_employees')" 0
is "all nine are logged" "$(sql 'SELECT COUNT(*) FROM orch_intake_reject')" 9
is "and no key is kept" "$(sql "SELECT COUNT(*) FROM orch_intake WHERE tbl = 'hired_employees'")" 0
runs "more than so many" 1 "$ORCH" load hired_employees.csv --table hired_employees --max-rejects 8
like "refused too" "$out" "REFUSED"
like "and why" "$err" "nothing of it was stored: more were rejected than --max-rejects 8"
runs "a percentage" 1 "$ORCH" load hired_employees.csv --table hired_employees --max-rejects 81%
is "nothing is stored by either" "$(sql 'SELECT COUNT(*) FROM hired_employees')" 0
sql 'DELETE FROM orch_intake_reject'

runs "partial: good in, bad logged" 0 "$ORCH" load hired_employees.csv --table hired_employees --max-rejects 82%
like "two of eleven" "$out" "hired_employees +11 +2 +9 +LOADED"
is "the two are there, in UTC" "$(sql 'SELECT id, datetime, department_id, job_id FROM hired_employees ORDER BY id')" \
    $'1\t2021-11-07 02:48:42\t2\t1\n11\t2021-12-31 23:00:00\t1\t2'
is "each reject with its reason" "$(sql 'SELECT record, line, code, column_name FROM orch_intake_reject ORDER BY id')" \
    $'2\t2\tREQUIRED\tjob_id\n3\t3\tREQUIRED\tname\n4\t4\tNO_REFERENCE\tdepartment_id\n5\t5\tNO_REFERENCE\tjob_id
6\t6\tNO_MATCH\tname\n7\t7\tOUT_OF_RULE\tdatetime\n8\t8\tBAD_DATE\tdatetime\n9\t9\tFIELD_COUNT\t\n10\t10\tDUPLICATE_KEY\tid'
runs "rejects of the table" 0 "$ORCH" rejects --table hired_employees
like "in words" "$out" "hired_employees.csv record 7 column datetime: '2020-11-10 21:54:27' is less than the least"
runs "as they stood" 0 "$ORCH" rejects --table hired_employees --raw
is "byte for byte" "$out" "$(sed -n 2,10p hired_employees.csv)"
runs "in groups" 0 "$ORCH" rejects --table hired_employees --by code -o json
like "the largest first" "$out" '"groups": \[ *[^a-z]*"code": "(REQUIRED|NO_REFERENCE)",[^{]*"rejects": 2'
runs "exported" 0 "$ORCH" rejects --table hired_employees --export - --code FIELD_COUNT
like "with every field" "$out" "hired_employees,hired_employees.csv,9,9,,FIELD_COUNT,"
like "and the bytes" "$out" "$(printf '9,Hal,2021-11-10T21:54:27Z,1' | od -An -tx1 | tr -d ' \n')"
runs "only those of a column" 0 "$ORCH" rejects --table hired_employees --column job_id -o jsonl
is "are two" "$(grep -c . <<<"$out")" 2

runs "the same file again" 0 "$ORCH" load hired_employees.csv --table hired_employees
like "is known" "$out" "hired_employees +11 +2 +9 +BEFORE"
like "and it is said" "$err" "these bytes were loaded before"
is "and nothing is stored twice" "$(sql 'SELECT COUNT(*) FROM hired_employees')" 2
is "or logged" "$(sql 'SELECT COUNT(*) FROM orch_intake_reject')" 9
runs "unless it is asked for" 0 "$ORCH" load hired_employees.csv --table hired_employees --again
like "then the table's keys refuse" "$out" "hired_employees +11 +0 +11 +LOADED"
is "those that are there" "$(sql "SELECT COUNT(*) FROM orch_intake_reject WHERE code = 'DUPLICATE_KEY'")" 4

printf 'id,job\n31,Cook\n32,Poet\n' >named.csv
runs "a header, where the dictionary says so" 0 "$ORCH" load named.csv --table named
printf 'Smith,41\nTailor,42\nTinker,999\n' >backwards.csv
runs "and an order" 0 "$ORCH" load backwards.csv --table backwards
is "both arrive" "$(sql 'SELECT GROUP_CONCAT(job ORDER BY id) FROM jobs WHERE id > 2')" "Cook,Poet,Smith,Tailor"
printf 'id,jab\n31,Cook\n' >typo.csv
runs "a header that does not fit" 1 "$ORCH" load typo.csv --table named
like "names the nearest" "$err" "'jab' \(nearest: 'job'\)"
runs "no such table" 1 "$ORCH" load jobs.csv --table job
like "likewise" "$err" "the nearest is 'jobs'"
runs "no such file" 1 "$ORCH" load nowhere.csv --table jobs
runs "two wishes" 2 "$ORCH" load jobs.csv --table jobs --atomic --partial
runs "files in their order, none after one that failed" 1 "$ORCH" load typo.csv named.csv --table named
: >empty.csv
runs "an empty file" 0 "$ORCH" load empty.csv --table jobs
like "has no records" "$out" "empty.csv +jobs +0 +0 +0 +LOADED"

# --- a file of many batches; killed at every point, and again -----------------------------------------------

sql 'CREATE TABLE many (id INT NOT NULL PRIMARY KEY, t VARCHAR(50) NOT NULL)'
sed -i 's/"named"/"many": {"connection": "hr", "columns": {"id": {"max": 20000}}}, "named"/' orch.json
seq 1 20007 | sed 's/$/,text/' >many.csv
sed -i '9000s/.*/x,text/; 9001s/.*/1,text/' many.csv
for rule in intake.begun=kill intake.rows=kill intake.rows=kill@3 intake.rows=kill@5 intake.before_commit=kill intake.after_commit=kill; do
    ORCH_FAULT=$rule "$ORCH" load many.csv --table many >"$T/.out" 2>&1
    n=$(sql 'SELECT COUNT(*) FROM many')
    case $rule in
    intake.after_commit*) is "$rule: all of it is there" "$n" 19998 ;;
    *) is "$rule: nothing is there" "$n" 0 ;;
    esac
done
runs "once more" 0 "$ORCH" load many.csv --table many
like "it was loaded" "$out" "many +20007 +19998 +9 +BEFORE"
is "every row once" "$(sql 'SELECT COUNT(*), SUM(id) FROM many')" "$(seq 1 20000 | awk '$1 != 9000 && $1 != 9001 { n++; s += $1 } END { print n "\t" s }')"
is "and every reject" "$(sql "SELECT COUNT(*), COUNT(DISTINCT record) FROM orch_intake_reject WHERE tbl = 'many'")" $'9\t9'

# killed at any moment, from outside
sql 'TRUNCATE many; DELETE FROM orch_intake; DELETE FROM orch_intake_reject'
bad=''
for ms in 10 20 30 45 60 80 100 130 160 200 250 300; do
    timeout -s KILL "0.$(printf %03d "$ms")" "$ORCH" load many.csv --table many >"$T/.out" 2>&1
    n=$(sql 'SELECT COUNT(*) FROM many')
    keys=$(sql "SELECT COUNT(*) FROM orch_intake WHERE tbl = 'many'")
    [ "$n/$keys" = 0/0 ] || [ "$n/$keys" = 19998/1 ] || bad="$bad $ms:$n/$keys"
done
is "killed after so many ms, it is all or nothing" "$bad" ''
runs "and at last" 0 "$ORCH" load many.csv --table many
is "each row is there once" "$(sql 'SELECT COUNT(*), COUNT(DISTINCT id) FROM many')" $'19998\t19998'
is "each reject too" "$(sql "SELECT COUNT(*) FROM orch_intake_reject WHERE tbl = 'many'")" 9

# --- docs/intake.md, line by line ---------------------------------------------------------------------------

mysql "$T/db" -e 'CREATE DATABASE page CHARACTER SET utf8mb4'
mysql "$T/db" page -e 'CREATE TABLE departments LIKE hr.departments; CREATE TABLE jobs LIKE hr.jobs;
CREATE TABLE hired_employees LIKE hr.hired_employees'
mkdir "$T/page"
$python - "$ORCH_SOURCE/docs/intake.md" "$T/page" "mysql://root@localhost/page?socket=$T/db/sock" <<'END'
import json, re, sys
text = open(sys.argv[1], encoding='utf-8').read()
tables = json.loads('{' + re.search(r'```json\n(.*?)```', text, re.S).group(1) + '}')
json.dump({'connections': {'warehouse': {'url': sys.argv[3], 'tls': 'off'}}, **tables}, open(sys.argv[2] + '/orch.json', 'w'))
open(sys.argv[2] + '/commands', 'w').writelines(line[6:] for line in text.splitlines(True) if line.startswith('    $ '))
END
cp departments.csv jobs.csv.gz hired_employees.csv "$T/page"
is "the page shows ten commands" "$(grep -c . "$T/page/commands")" 10
while read -r _ line; do
    # shellcheck disable=SC2086 # words
    runs "$line" 0 env -C "$T/page" "$ORCH" $line
done <"$T/page/commands"
is "and they do what it says" "$(mysql "$T/db" page -e 'SELECT COUNT(*) FROM hired_employees; SELECT COUNT(*) FROM orch_intake_reject')" $'2\n9'

# --- SQLite -------------------------------------------------------------------------------------------------

config sqlite:hr.db | sed 's/, "tls": "off"//' >orch.json
$python - <<'END'
import sqlite3
d = sqlite3.connect('hr.db')
d.executescript('''CREATE TABLE departments (id INTEGER PRIMARY KEY, department VARCHAR(100) NOT NULL);
CREATE TABLE jobs (id INTEGER PRIMARY KEY, job VARCHAR(100) NOT NULL);
CREATE TABLE hired_employees (id INTEGER PRIMARY KEY, name VARCHAR(100), datetime DATETIME, department_id INT
  REFERENCES departments (id), job_id INT);''')
END
lite() { $python -c 'import sqlite3, sys
for r in sqlite3.connect("hr.db").execute(sys.argv[1]): print(*r, sep="\t")' "$1"; }
runs "SQLite: setup" 0 "$ORCH" target setup
runs "departments" 0 "$ORCH" load departments.csv --table departments
runs "jobs" 0 "$ORCH" load jobs.csv --table jobs
runs "atomic" 1 "$ORCH" load hired_employees.csv --table hired_employees --atomic
is "nothing is stored, all is logged" "$(lite 'SELECT (SELECT COUNT(*) FROM hired_employees), (SELECT COUNT(*) FROM orch_intake_reject)')" $'0\t9'
runs "partial" 0 "$ORCH" load hired_employees.csv --table hired_employees
like "the same result" "$out" "hired_employees +11 +2 +9 +LOADED"
is "the same reasons" "$(lite 'SELECT code, column_name FROM orch_intake_reject WHERE id > 9 ORDER BY record')" \
    $'REQUIRED\tjob_id\nREQUIRED\tname\nNO_REFERENCE\t\nNO_REFERENCE\tjob_id\nNO_MATCH\tname\nOUT_OF_RULE\tdatetime\nBAD_DATE\tdatetime\nFIELD_COUNT\t\nDUPLICATE_KEY\tid'
runs "again" 0 "$ORCH" load hired_employees.csv --table hired_employees
like "is known" "$out" "BEFORE"

# --- the set of seed 004, where it lies beside the repository -----------------------------------------------

globant=$ORCH_SOURCE/../shared/data/globant
[ -d "$globant" ] || globant=$ORCH_SOURCE/../../shared/data/globant
if [ -d "$globant" ]; then
    cat >orch.json <<END
{"connections": {"hr": {"url": "mysql://root@localhost/hr?socket=$T/db/sock", "tls": "off"}},
 "tables": {"departments": {"connection": "hr", "required": "all"}, "jobs": {"connection": "hr", "required": "all"},
  "hired_employees": {"connection": "hr", "required": "all", "columns": {"job_id": {"references": "jobs.id"}}}}}
END
    sql 'DELETE FROM hired_employees; DELETE FROM jobs; DELETE FROM departments; DELETE FROM orch_intake; DELETE FROM orch_intake_reject'
    for table in departments jobs hired_employees; do
        runs "Globant: $table" 0 "$ORCH" load "$globant/$table.csv" --table $table
    done
    is "12, 183 and 1,929 rows" "$(sql 'SELECT (SELECT COUNT(*) FROM departments), (SELECT COUNT(*) FROM jobs), (SELECT COUNT(*) FROM hired_employees)')" $'12\t183\t1929'
    is "70 rejects, of one table, each with its reason" "$(sql 'SELECT COUNT(*), MIN(tbl), MAX(tbl), MIN(code), MAX(code), SUM(column_name = ""), SUM(message = "") FROM orch_intake_reject')" \
        $'70\thired_employees\thired_employees\tREQUIRED\tREQUIRED\t0\t0'
else
    pass "the Globant set # SKIP it is not beside the repository"
fi
done_testing

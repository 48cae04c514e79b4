#!/bin/bash
# The man pages: one for each command, right for groff and mandoc, and telling what the program does.
. "$(dirname "$0")/../lib/tap.sh"
runs "orch help --man-dir" 0 "$ORCH" help --man-dir "$T/man" --date 2022-06-05
listed=$("$ORCH" help | sed -n 's/^  \([a-z-]\{1,\}\( [a-z]\{1,\}\)\{0,1\}\)  .*/orch \1/p' | tr ' ' - | sort)
is "a page for each command that help lists, and three of the whole" \
    "$(find "$T/man" -type f -printf '%f\n' | sort)" "$({ for name in $listed; do echo "$name.1"; done; echo orch.1 orch.json.5 orch-schedule.7 orch-serve.7 | tr ' ' '\n'; } | sort)"
is "help is as wide as a terminal" "$("$ORCH" help | awk 'length > 80')" ''
runs "again, on the same date: the same bytes" 0 "$ORCH" help --man-dir "$T/again" --date 2022-06-05
ok "the same" diff -r "$T/man" "$T/again"
runs "one page" 0 "$ORCH" help --man orch-tick.1 --date 2022-06-05
is "on stdout" "$out" "$(cat "$T/man/orch-tick.1")"
runs "a page that is none" 2 "$ORCH" help --man orch-tock.1
like "is refused with what there is" "$err" 'orch-tick.1'

if command -v mandoc >/dev/null; then
    is "mandoc finds nothing to warn of" "$(mandoc -T lint -W warning "$T"/man/* 2>&1)" ''
else
    pass "mandoc # SKIP mandoc is not installed"
fi
if command -v man >/dev/null && command -v groff >/dev/null; then
    export MANWIDTH=80 MANROFFOPT='' MAN_KEEP_FORMATTING=''
    for page in "$T"/man/*; do
        man --warnings -l "$page" 2>>"$T/warnings" | col -b >"$T/text.${page##*/}"
    done
    is "groff finds nothing to warn of" "$(cat "$T/warnings")" ''
    page=$(cat "$T/text.orch-tick.1")
    like "a page: name" "$page" 'orch-tick - One pass over all pipelines'
    like "usage" "$page" 'orch tick \[options\]'
    like "options, as --help has them" "$page" '--dry-run[[:space:]]+list and say what would be queued; change nothing'
    like "exit statuses" "$page" '75 +try again later'
    like "examples, a star at the start of a line included" "$page" 'EXAMPLES[[:space:]]+\*/5 \* \* \* \* orch -c /etc/orch/orch.json tick'
    like "of an argument" "$(cat "$T/text.orch-replay.1")" 'orch replay \[options\] PIPELINE'
    page=$(cat "$T/text.orch.1")
    like "orch(1): commands by group" "$page" 'COMMANDS[[:space:]]+Start[[:space:]]+orch init.*Every day.*orch tick.*Schedules'
    like "first five minutes" "$page" 'orch init --demo demo[[:space:]]+orch -c demo/orch.json tick'
    page=$(cat "$T/text.orch.json.5")
    like "orch.json(5): a key, its default" "$page" 'late_after[[:space:]]+no object so long after it was due: LATE\.[[:space:]]+Default: "1h"'
    like "a key that is needed" "$page" 'since[[:space:]]+first partition[^.]*\.[[:space:]]+Needed'
    like "a backslash in a default stays one" "$page" 'Default: "\\""'
    like "prose of docs/config.md" "$page" 'The target table is the schema; the header is matched by name'
    unlike "without marks of markdown" "$page" '`|\*\*|\]\('
    unlike "nor roff's own" "$page" '\\f[BIR]|\\&'
    page=$(cat "$T/text.orch-schedule.7")
    like "orch-schedule(7): docs/schedules.md" "$page" 'rate\('
    unlike "without marks" "$page" '\*\*|\]\('
    # every key of the schema is there
    missing=$("$python" - "$ORCH_SOURCE/docs/orch.schema.json" "$T/text.orch.json.5" <<'P'
import json, re, sys
text = open(sys.argv[2], encoding='utf-8').read()
def keys(o):
    for k, v in (o.get('properties') or {}).items():
        if k != '$comment':
            yield k
    for v in o.values():
        for x in v if isinstance(v, list) else [v]:
            if isinstance(x, dict):
                yield from keys(x)
print(*sorted(k for k in set(keys(json.load(open(sys.argv[1])))) if not re.search(rf'^ {{3,7}}(\S+\.)?{re.escape(k)}(\.NAME)?( |$)', text, re.M)))
P
    )
    is "every key of the config has its place" "$missing" ''
else
    pass "man # SKIP man-db or groff is not installed"
fi
done_testing

#!/bin/bash
# Shell scripts pass shellcheck, and Python files compile: what no compiler reads is read by somebody.
. "$(dirname "$0")/../lib/tap.sh"
cd "$ORCH_SOURCE" || exit 1
if ! command -v shellcheck >/dev/null; then
    case ,${ORCH_TEST_NEED:-}, in *,all,*) fail "shellcheck is installed" ;; *) skip_all "no shellcheck on this machine (./dev setup)" ;; esac
fi
scripts=() pythons=()
while IFS= read -r file; do
    case $file,$(head -n 1 "$file") in
    *.py,* | *,*python*) pythons+=("$file") ;;
    *,'#!'*sh | *,'# shellcheck shell='*) scripts+=("$file") ;;
    esac
done < <(find dev .ci/run tests/t tests/lib tests/servers tests/bench tests/campaign examples deploy -type f \
    ! -path '*/__pycache__/*' 2>/dev/null | sort)
for file in "${scripts[@]}"; do
    ok "shellcheck $file" shellcheck -x -P SCRIPTDIR -S style "$file"
done
for file in "${pythons[@]}"; do
    ok "python reads $file" "$python" -c 'import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read())' "$file"
done
# a script that does not stop at its first failed command goes on with what is not there
for file in dev .ci/run tests/servers/*.sh; do
    case $file in */common.sh) continue ;; esac
    ok "$file stops at a failure" grep -Eq '^set -eu|^set -euo pipefail' "$file"
done
done_testing

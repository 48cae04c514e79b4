#!/bin/bash
# The units: systemd reads them without a complaint, and finds little that they could do.
. "$(dirname "$0")/../lib/tap.sh"
command -v systemd-analyze >/dev/null || skip_all "no systemd-analyze on this machine"
units=$ORCH_SOURCE/deploy/systemd
mkdir "$T/units"
# the program stands where it is built; man pages are not installed here
sed "s#/usr/bin/orch#$ORCH#; /^Documentation=/d" "$units/orch.service" >"$T/units/orch.service"
sed '/^Documentation=/d' "$units/orch.timer" >"$T/units/orch.timer"
sed "s#/usr/bin/orch#$ORCH#; /^Documentation=/d" "$units/orch-serve.service" >"$T/units/orch-serve.service"
runs "systemd-analyze verify" 0 systemd-analyze verify --man=no "$T/units/orch.timer" "$T/units/orch.service" "$T/units/orch-serve.service"
is "without a word" "$out$err" ''
printf '\n[Servise]\nProtectSystm=strict\n' >>"$T/units/orch.service"
runs "which sees what is misspelt" 0 systemd-analyze verify --man=no "$T/units/orch.service"
like "as a word" "$err" "[Uu]nknown section 'Servise'"
if systemd-analyze --help | grep -q -- --offline; then
    for unit in orch orch-serve; do
        runs "systemd-analyze security: $unit, an exposure of 2.0 at most, of 10" 0 \
            systemd-analyze security --no-pager --offline=yes --threshold=20 "$units/$unit.service"
        diag "$(tail -n 1 <<<"$out")"
    done
    sed '/^\(System\|Protect\|Private\|Restrict\|Cap\)/d' "$units/orch.service" >"$T/units/orch.service"
    runs "which it would not be without the hardening" 1 \
        systemd-analyze security --no-pager --offline=yes --threshold=20 "$T/units/orch.service"
else
    pass "exposure # SKIP this systemd-analyze has no --offline"
fi
runs "the timer's times" 0 systemd-analyze calendar --iterations=3 "$(sed -n 's/^OnCalendar=//p' "$units/orch.timer")"
like "every five minutes" "$out" ':[0-9]?[05]:00'
is "a tick that is told to stop is no failure" "$(grep -c '^SuccessExitStatus=75$' "$units/orch.service")" 1
# what the unit's comments name is there
ok "the config's key for a credential" grep -q '"password_credential"' "$ORCH_SOURCE/docs/orch.schema.json"
done_testing

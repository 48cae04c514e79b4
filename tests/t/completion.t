#!/bin/bash
# Completions, asked of the shells themselves: what they offer at the cursor.
. "$(dirname "$0")/../lib/tap.sh"
mkdir "$T/bin" "$T/work"
ln -s "$ORCH" "$T/bin/orch"
export PATH=$T/bin:$PATH HOME=$T
runs "something to complete" 0 "$ORCH" init --demo "$T/work/demo"
mkdir "$T/work/folder"
: >"$T/work/file.json"

# what bash offers after these words; the last one is at the cursor
in_bash() {
    # shellcheck disable=SC2016 # for the inner shell
    (cd "$T/work" && bash --norc -c '
        source <(orch completion bash)
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _orch 2>/dev/null
        printf "%s " "${COMPREPLY[@]}"' bash "$@")
}
in_fish() { (cd "$T/work" && fish --no-config -c "orch completion fish | source; complete -C '$*'" 2>&1 | sort | cut -f 1 | tr '\n' ' '); }

runs "a shell that is none" 2 "$ORCH" completion tcsh
like "what there is" "$err" 'bash, zsh or fish'
runs "names of pipelines" 0 "$ORCH" -c "$T/work/demo/orch.json" completion pipelines
is "one a line" "$out" loans
runs "names of extracts: it has none" 0 "$ORCH" -c "$T/work/demo/orch.json" completion extracts
is "nothing" "$out" ""
runs "without a config: nothing, and no complaint" 0 "$ORCH" -c "$T/none.json" completion pipelines
is "silent" "$out$err" ''

is "bash: a command" "$(in_bash orch recon)" 'reconcile '
like "bash: all commands" "$(in_bash orch '')" 'init .*tick .*status .*version '
is "bash: its second word" "$(in_bash orch cron '')" 'install print '
is "bash: an option" "$(in_bash orch tick --dry)" '--dry-run '
is "bash: an option of a command of two words" "$(in_bash orch cron install --sys)" '--system '
is "bash: common options everywhere" "$(in_bash orch status --out)" '--output '
is "bash: forms of output" "$(in_bash orch status -o js)" 'json jsonl '
is "bash: pipelines of the config that is named" "$(in_bash orch -c demo/orch.json status '')" 'loans '
is "bash: options before the command do not count" "$(in_bash orch -o json -c demo/orch.json replay lo)" 'loans '
is "bash: files" "$(in_bash orch -c 'fi')" 'file.json '
is "bash: folders only" "$(in_bash orch init --demo f)" 'folder '
is "bash: words that stand in the usage" "$(in_bash orch completion '')" 'bash zsh fish pipelines extracts workflows '
is "bash: help of a command" "$(in_bash orch help stat)" 'status '
is "bash: nothing after a value that only the user knows" "$(in_bash orch replay loans --reason '')" ' '

if command -v fish >/dev/null; then
    is "fish: a command" "$(in_fish 'orch recon')" 'reconcile '
    is "fish: its second word" "$(in_fish 'orch cron ')" 'install print '
    is "fish: an option" "$(in_fish 'orch cron install --sys')" '--system '
    is "fish: forms of output" "$(in_fish 'orch status -o js')" 'json jsonl '
    is "fish: pipelines of the config that is named" "$(in_fish 'orch -c demo/orch.json status ')" 'loans '
    is "fish: folders" "$(in_fish 'orch init --demo fo')" 'folder/ '
    like "fish: what help says beside it" "$(cd "$T/work" && fish --no-config -c "orch completion fish | source; complete -C 'orch ti'")" 'One pass over all'
else
    pass "fish # SKIP fish is not installed"
fi

# zsh completes in its line editor only: a terminal for it, and TAB
if command -v zsh >/dev/null; then
    cat >"$T/zsh.py" <<'P'
import os, pty, re, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.chdir(sys.argv[1])
    os.environ.update(TERM='dumb', PS1='', COLUMNS='200', LINES='50')
    os.execvp('zsh', ['zsh', '-f', '-i'])
seen = ''
def until(mark):
    global seen
    end = time.monotonic() + (20 if mark == 'ready' else 5)
    while not re.search(mark, seen, re.S) and time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            seen += os.read(fd, 65536).decode(errors='replace')
    return re.search(mark, seen, re.S) is not None
def send(text):
    os.write(fd, text.encode())
send("PS1='' RPS1='' PROMPT_EOL_MARK=''; unsetopt zle_bracketed_paste; stty -echo; autoload -Uz compinit && compinit -u -D && source <(orch completion zsh) && echo rea''dy\n")
if not until('ready'):
    print('not ready: ' + seen); sys.exit(1)
for words, want in [l.rstrip('\n').split('\t') for l in sys.stdin]:
    seen = ''
    send('\x15' + words + '\t\t')
    print('ok' if until(want) else 'no: ' + repr(seen) + ' lacks ' + want, words, flush=True)
    seen = ''
    send('\x15echo do""ne\n')
    until('done')
os.write(fd, b'\x15exit\n')
P
    # words before the TAB, and what then has to appear: the rest of the word, or a list
    printf '%s\n' 'orch recon	cile ' 'orch cron 	install +--.*print +--' 'orch cron install --sys	tem ' \
        'orch status -o 	jsonl' 'orch -c demo/orch.json status l	oans ' 'orch init --demo fo	lder/' \
        'orch sta	tus ' >"$T/zsh.in"
    talk=$("$python" "$T/zsh.py" "$T/work" <"$T/zsh.in" 2>&1)
    is "zsh: commands, second words, options, forms, pipelines, folders" "$(grep -c ^ok <<<"$talk")" 7 || diag "$talk"
else
    pass "zsh # SKIP zsh is not installed"
fi
done_testing

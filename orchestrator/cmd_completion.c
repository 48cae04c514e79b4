#include "base/mem.h"
#include "base/str.h"
#include "orchestrator/help.h"
#include <ctype.h>

/*
 * Completions, from the tables of commands and options. What an argument may be is told by the word that stands
 * for it in help: FILE, DIR, PIPELINE, EXTRACT, WORKFLOW, COMMAND, or the words themselves, "bash | zsh | fish".
 */
enum { MAX_WORDS = 600 };
struct values {
    bool files, dirs, pipelines, extracts, workflows, commands;
    char words[MAX_WORDS]; /* " json jsonl" */
};

static struct values values_of(const char *arg)
{
    struct values v = {.words = ""};
    size_t used = 0;

    for (const char *p = arg != NULL ? arg : ""; *p != '\0'; p += strcspn(p, "|"), p += *p == '|') {
        struct str s = str_trim((struct str){p, strcspn(p, "|")});
        while (s.n > 0 && (*s.p == '[' || *s.p == ' ')) {
            s.p++;
            s.n--;
        }
        size_t plain = 0;
        while (plain < s.n && (islower((unsigned char)s.p[plain]) || isdigit((unsigned char)s.p[plain]) ||
                               s.p[plain] == '-'))
            plain++;
        v.files = v.files || str_is(s, "FILE");
        v.dirs = v.dirs || str_is(s, "DIR");
        v.commands = v.commands || str_is(s, "COMMAND");
        v.pipelines = v.pipelines || (s.n >= 8 && memcmp(s.p, "PIPELINE", 8) == 0);
        v.extracts = v.extracts || (s.n >= 7 && memcmp(s.p, "EXTRACT", 7) == 0);
        v.workflows = v.workflows || (s.n >= 8 && memcmp(s.p, "WORKFLOW", 8) == 0);
        if (plain > 0 && (plain == s.n || s.p[plain] == ']') && used + plain + 2 < sizeof v.words)
            used += (size_t)snprintf(v.words + used, sizeof v.words - used, " %.*s", (int)plain, s.p);
    }
    return v;
}

/* In single quotes for sh and zsh ('\''), or for fish (\'). */
static void quoted(const char *s, bool fish)
{
    putchar('\'');
    for (; *s != '\0'; s++)
        if (*s == '\'')
            fputs(fish ? "\\'" : "'\\''", stdout);
        else if (*s == '\\' && fish)
            fputs("\\\\", stdout);
        else
            putchar(*s);
    putchar('\'');
}

/* The first words of commands, each once; group: those with a second word only. */
static bool first_word(const struct help_row *r, char *out, size_t size)
{
    size_t n = strcspn(r->command->name, " ");

    snprintf(out, size, "%.*s", (int)n, r->command->name);
    for (const struct help_row *k = help_rows; k != r && k->command != NULL; k++)
        if (strncmp(k->command->name, out, n) == 0 &&
            (k->command->name[n] == ' ' || k->command->name[n] == '\0'))
            return false;
    return true;
}

typedef void option_fn(const struct command *k, const struct opt *o);

/* Every option of every command, then the common ones with k NULL. */
static void each_option(option_fn *fn)
{
    for (const struct help_row *r = help_rows; r->command != NULL; r++)
        for (const struct opt *o = r->command->opts; o != NULL && o->name != NULL; o++)
            fn(r->command, o);
    for (const struct opt *o = cli_common_opts; o->name != NULL; o++)
        fn(NULL, o);
}

/* --- bash, and what zsh has in common with it: a case over "VERB OPTION" ------------------------------------ */

static void reply(const struct values *v)
{
    if (v->words[0] != '\0')
        printf("_orch_words '%s'; ", v->words + 1);
    if (v->pipelines)
        fputs("_orch_words \"$(_orch_names pipelines)\"; ", stdout);
    if (v->extracts)
        fputs("_orch_words \"$(_orch_names extracts)\"; ", stdout);
    if (v->workflows)
        fputs("_orch_words \"$(_orch_names workflows)\"; ", stdout);
    if (v->files || v->dirs)
        printf("_orch_paths %s; ", v->files ? "file" : "dir");
    if (v->commands)
        fputs("_orch_words \"$commands\"; ", stdout);
}

static void option_value(const struct command *k, const struct opt *o)
{
    struct values v = values_of(o->arg);

    if (o->kind == OPT_FLAG)
        return;
    printf("    '%s --%s'", k != NULL ? k->name : "'*'", o->name);
    if (o->letter != 0)
        printf(" | '%s -%c'", k != NULL ? k->name : "'*'", o->letter);
    fputs(") ", stdout);
    reply(&v);
    fputs("return ;;\n", stdout);
}

static void names_of(const struct opt *table)
{
    for (; table != NULL && table->name != NULL; table++)
        printf(" --%s", table->name);
}

/* Words before the cursor in $before (an array), the word at it in $cur: sets $verb, $config, and $commands. */
static void find_verb(void)
{
    char word[60];

    fputs("    local word skip= verb= config= second= commands='", stdout);
    for (const struct help_row *r = help_rows; r->command != NULL; r++)
        if (first_word(r, word, sizeof word))
            printf("%s%s", r == help_rows ? "" : " ", word);
    fputs("'\n"
          "    for word in \"${before[@]}\"; do\n"
          "        case $skip in\n"
          "        -c | --config) config=$word; skip=; continue ;;\n"
          "        -o | --output) skip=; continue ;;\n"
          "        esac\n"
          "        case $word in\n"
          "        -c | --config | -o | --output) skip=$word ;;\n"
          "        -*) ;;\n"
          "        *)\n"
          "            if [[ -z $verb ]]; then verb=$word\n"
          "            elif [[ -z $second ]]; then\n"
          "                second=$word\n"
          "                case \"$verb $word\" in\n"
          "                ",
          stdout);
    bool any = false;
    for (const struct help_row *r = help_rows; r->command != NULL; r++)
        if (strchr(r->command->name, ' ') != NULL) {
            printf("%s'%s'", any ? " | " : "", r->command->name);
            any = true;
        }
    fputs(") verb=\"$verb $word\" ;;\n"
          "                esac\n"
          "            fi ;;\n"
          "        esac\n"
          "    done\n",
          stdout);
}

static void second_words(void)
{
    char word[60];

    for (const struct help_row *r = help_rows; r->command != NULL; r++) {
        size_t n = strcspn(r->command->name, " ");
        if (r->command->name[n] == '\0' || !first_word(r, word, sizeof word))
            continue;
        printf("    '%s') _orch_words '", word);
        bool any = false;
        for (const struct help_row *k = r; k->command != NULL; k++)
            if (strncmp(k->command->name, word, n) == 0 && k->command->name[n] == ' ') {
                printf("%s%s", any ? " " : "", k->command->name + n + 1);
                any = true;
            }
        fputs("' ;;\n", stdout);
    }
}

static void cases(void)
{
    fputs("    case \"$verb $prev\" in\n", stdout);
    each_option(option_value);
    fputs("    esac\n"
          "    case $cur in\n"
          "    -*)\n"
          "        case $verb in\n",
          stdout);
    for (const struct help_row *r = help_rows; r->command != NULL; r++)
        if (r->command->opts != NULL) {
            printf("        '%s') _orch_words '", r->command->name);
            names_of(r->command->opts);
            fputs("' ;;\n", stdout);
        }
    fputs("        esac\n"
          "        _orch_words '",
          stdout);
    names_of(cli_common_opts);
    fputs("'\n"
          "        return ;;\n"
          "    esac\n"
          "    case $verb in\n"
          "    '') _orch_words \"$commands\" ;;\n",
          stdout);
    for (const struct help_row *r = help_rows; r->command != NULL; r++) {
        struct values v = values_of(r->command->args);
        if (v.words[0] == '\0' && !v.pipelines && !v.extracts && !v.workflows && !v.files && !v.dirs &&
            !v.commands)
            continue;
        printf("    '%s') ", r->command->name);
        reply(&v);
        fputs(";;\n", stdout);
    }
    second_words();
    fputs("    esac\n", stdout);
}

static void bash(void)
{
    fputs("# Completion of orch for bash, made by: orch completion bash\n"
          "_orch_words() { COMPREPLY+=($(compgen -W \"$1\" -- \"$cur\")); }\n"
          "_orch_paths() {\n"
          "    local IFS=$'\\n' kind=-f\n"
          "    [[ $1 = file ]] || kind=-d\n"
          "    compopt -o filenames 2>/dev/null\n"
          "    COMPREPLY+=($(compgen $kind -- \"$cur\"))\n"
          "}\n"
          "_orch_names() { orch ${config:+-c \"$config\"} completion \"$1\" 2>/dev/null; }\n"
          "_orch() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local before=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\n"
          "    COMPREPLY=()\n",
          stdout);
    find_verb();
    cases();
    fputs("}\ncomplete -F _orch orch\n", stdout);
}

/* --- zsh: the same, and what help says beside each word ------------------------------------------------------ */

static void about_option(const struct command *k, const struct opt *o)
{
    char key[120];

    snprintf(key, sizeof key, "%s --%s", k != NULL ? k->name : "", o->name);
    fputs("        ", stdout);
    quoted(key, false);
    putchar(' ');
    quoted(o->help, false);
    putchar('\n');
}

static void zsh(void)
{
    fputs("#compdef orch\n"
          "# Completion of orch for zsh, made by: orch completion zsh\n"
          "_orch_words() {\n"
          "    local word\n"
          "    local -a said\n"
          "    for word in ${=1}; do\n"
          "        said+=(\"$word:${about[$verb $word]:-${about[ $word]}}\")\n"
          "    done\n"
          "    _describe word said\n"
          "}\n"
          "_orch_paths() { if [[ $1 = file ]]; then _files; else _files -/; fi }\n"
          "_orch_names() { orch ${config:+-c} ${config:+\"$config\"} completion $1 2>/dev/null; }\n"
          "_orch() {\n"
          "    local cur=${words[CURRENT]} prev=${words[CURRENT - 1]}\n"
          "    local -a before=(\"${(@)words[2,CURRENT - 1]}\")\n"
          "    local -A about=(\n",
          stdout);
    for (const struct help_row *r = help_rows; r->command != NULL; r++) {
        char key[120];
        bool single = strchr(r->command->name, ' ') == NULL;
        snprintf(key, sizeof key, "%s%s", single ? " " : "", r->command->name);
        fputs("        ", stdout);
        quoted(key, false);
        putchar(' ');
        quoted(r->command->summary, false);
        putchar('\n');
    }
    each_option(about_option);
    fputs("    )\n", stdout);
    find_verb();
    cases();
    fputs("}\nif [[ $funcstack[1] = _orch ]]; then _orch \"$@\"; else compdef _orch orch; fi\n", stdout);
}

/* --- fish ------------------------------------------------------------------------------------------------------ */

static void fish_values(const struct values *v)
{
    if (v->words[0] != '\0')
        printf(" -a '%s'", v->words + 1);
    if (v->pipelines)
        fputs(" -a '(__orch_names pipelines)'", stdout);
    if (v->extracts)
        fputs(" -a '(__orch_names extracts)'", stdout);
    if (v->workflows)
        fputs(" -a '(__orch_names workflows)'", stdout);
    if (v->dirs)
        fputs(" -a '(__fish_complete_directories)'", stdout);
    fputs(v->files ? " -F" : "", stdout);
}

static void fish_option(const struct command *k, const struct opt *o)
{
    struct values v = values_of(o->arg);

    fputs("complete -c orch", stdout);
    if (k != NULL)
        printf(" -n '__orch_at \"%s\"'", k->name);
    if (o->letter != 0)
        printf(" -s %c", o->letter);
    printf(" -l %s", o->name);
    if (o->kind != OPT_FLAG) {
        fputs(v.files ? " -r" : " -x", stdout);
        fish_values(&v);
    }
    fputs(" -d ", stdout);
    quoted(o->help, true);
    putchar('\n');
}

static void fish_word(const char *at, const char *word, const char *about)
{
    printf("complete -c orch -n '__orch_at \"%s\"' -a %s -d ", at, word);
    quoted(about, true);
    putchar('\n');
}

static void fish(void)
{
    char word[60];

    fputs("# Completion of orch for fish, made by: orch completion fish\n"
          "function __orch_at\n"
          "    set -l verb\n"
          "    set -l skip no\n"
          "    for word in (commandline -opc)[2..]\n"
          "        if test $skip = yes\n"
          "            set skip no\n"
          "        else if contains -- $word -c --config -o --output\n"
          "            set skip yes\n"
          "        else if not string match -q -- '-*' $word\n"
          "            set -a verb $word\n"
          "        end\n"
          "    end\n"
          "    test \"$verb[1..2]\" = $argv[1]; or test \"$verb[1]\" = $argv[1]\n"
          "end\n"
          "function __orch_names\n"
          "    set -l words (commandline -opc)\n"
          "    if set -l at (contains -i -- -c $words)\n"
          "        orch -c $words[(math $at + 1)] completion $argv[1] 2>/dev/null\n"
          "    else\n"
          "        orch completion $argv[1] 2>/dev/null\n"
          "    end\n"
          "end\n"
          "complete -c orch -f\n",
          stdout);
    for (const struct help_row *r = help_rows; r->command != NULL; r++) {
        size_t n = strcspn(r->command->name, " ");
        bool single = r->command->name[n] == '\0';
        if (first_word(r, word, sizeof word))
            fish_word("", word, single ? r->command->summary : "...");
        if (!single)
            fish_word(word, r->command->name + n + 1, r->command->summary);
        struct values v = values_of(r->command->args);
        if (v.words[0] != '\0' || v.pipelines || v.extracts || v.workflows || v.files || v.dirs) {
            printf("complete -c orch -n '__orch_at \"%s\"'", r->command->name);
            fish_values(&v);
            putchar('\n');
        }
        if (v.commands)
            for (const struct help_row *k = help_rows; k->command != NULL; k++)
                if (first_word(k, word, sizeof word))
                    fish_word(r->command->name, word, k->command->summary);
    }
    each_option(fish_option);
}

/* What completions ask for while somebody types: quick, and silent whatever is wrong. */
static void names(struct cli *c, char what)
{
    struct err err;

    if (config_load(c->config_path, &c->config, NULL, &err) < 0)
        return;
    const struct config *k = c->config;
    size_t n = what == 'e' ? k->extract_count : what == 'w' ? k->workflow_count : k->pipeline_count;
    for (size_t i = 0; i < n; i++)
        printf("%s\n", what == 'e'   ? k->extracts[i].name
                       : what == 'w' ? k->workflows[i].name
                                     : k->pipelines[i].name);
}

static int run(struct cli *c, struct err *err)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    const char *word = c->args.items[0];
    char shown[100];

    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(word, shells[i].name) == 0) {
            shells[i].print();
            return 0;
        }
    if (strcmp(word, "pipelines") == 0 || strcmp(word, "extracts") == 0 || strcmp(word, "workflows") == 0) {
        names(c, *word);
        return 0;
    }
    str_printable(word, strlen(word), shown, sizeof shown);
    err_set(err, ERR_USAGE, "no completion for '%s'", shown);
    return err_hint(err, "bash, zsh or fish");
}

const struct command cmd_completion = {
    "completion",
    "bash | zsh | fish | pipelines | extracts | workflows",
    "What the shell needs to complete orch's commands and options.",
    "The package installs it. pipelines, extracts and workflows print the names in orch.json, which "
    "completions ask for.\n\n"
    "  source <(orch completion bash)\n"
    "  orch completion fish > ~/.config/fish/completions/orch.fish\n",
    NULL,
    1,
    1,
    run,
};

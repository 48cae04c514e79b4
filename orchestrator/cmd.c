#include "orchestrator/cmd.h"
#include "base/civil.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cron/cronexpr.h"
#include "orchestrator/engine.h"
#include "state/trigger.h"
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* clang-format off */ /* a line each, whatever their number */
const struct command *const commands[] = {
    &cmd_init,
    &cmd_validate,
    &cmd_doctor,
    &cmd_target_setup,
    &cmd_lineage_add,
    &cmd_tick,
    &cmd_run,
    &cmd_status,
    &cmd_plan,
    &cmd_explain,
    &cmd_logs,
    &cmd_graph,
    &cmd_replay,
    &cmd_retry,
    &cmd_skip,
    &cmd_adopt,
    &cmd_ack,
    &cmd_pause,
    &cmd_resume,
    &cmd_cancel,
    &cmd_reconcile,
    &cmd_diff,
    &cmd_rejects,
    &cmd_profile,
    &cmd_extract,
    &cmd_load,
    &cmd_backup_state,
    &cmd_backup,
    &cmd_restore_state,
    &cmd_restore,
    &cmd_schema_infer,
    &cmd_schema_diff,
    &cmd_spec_convert,
    &cmd_start,
    &cmd_list,
    &cmd_describe,
    &cmd_history,
    &cmd_stop,
    &cmd_redrive,
    &cmd_fsck,
    &cmd_simulate,
    &cmd_test_state,
    &cmd_schedule_next,
    &cmd_schedule_lint,
    &cmd_schedule_explain,
    &cmd_notify,
    &cmd_metrics,
    &cmd_serve,
    &cmd_cron_print,
    &cmd_cron_install,
    &cmd_config_schema,
    &cmd_config_show,
    &cmd_completion,
    &cmd_version,
    &cmd_help,
    NULL,
};
/* clang-format on */

void cli_say(const char *fmt, ...)
{
    char text[1600], clean[2000];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    str_printable(text, strlen(text), clean, sizeof clean);
    fprintf(stderr, "orch: %s\n", clean);
}

void cli_say_error(const struct err *err)
{
    if (err->hint[0] != '\0')
        cli_say("%s (hint: %s)", err->msg, err->hint);
    else
        cli_say("%s", err->msg);
}

int cli_config(struct cli *c, struct err *err)
{
    struct buf faults = BUF_INIT(256 * KIB);
    size_t count = 0;
    int rc = 0;

    if (c->config != NULL)
        return 0;
    rc = config_load(c->config_path, &c->config, &faults, err);
    for (size_t i = 0; i < faults.n; i++)
        count += faults.p[i] == '\n';
    if (rc < 0 && count > 1) {
        for (char *line = faults.p, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            cli_say("%s", line);
        }
        rc = err_set(err, ERR_CONFIG, "%s: %zu faults", c->config_path != NULL ? c->config_path : "orch.json",
                     count);
        err_hint(err, "docs/config.md and orch config schema tell the keys");
    }
    buf_release(&faults);
    return rc;
}

int cli_store(struct cli *c, enum store_mode mode, struct err *err)
{
    int rc = c->store != NULL ? 0 : cli_config(c, err);

    if (rc < 0 || c->store != NULL)
        return rc;
    rc = store_open(c->config->state, mode, &c->store, err);
    if (rc < 0 && err->code == ERR_NOT_FOUND && mode == STORE_READ)
        rc = err_hint(err, "no tick has run yet; orch tick makes it");
    return rc;
}

int cli_flow(struct cli *c, const char *word, const struct pipeline **ret, char part[PART_SIZE],
             struct err *err)
{
    const char *slash = strchr(word, '/');
    char *name = slash != NULL ? xstrndup(word, (size_t)(slash - word)) : xstrdup(word);
    int64_t start;
    int rc = cli_config(c, err);

    part[0] = '\0';
    if (rc == 0)
        rc = config_pipeline(c->config, name, ret, err);
    if (rc == 0 && slash != NULL) {
        rc = part_parse((*ret)->period, slash + 1, &start, err);
        if (rc == 0)
            part_name((*ret)->period, start, part);
        else
            err->code = ERR_USAGE;
    }
    if (rc < 0)
        rc = -(int)err->code;
    free(name);
    return rc;
}

int cli_is_extract(struct cli *c, const char *word, struct err *err)
{
    const struct pipeline *p;
    struct err none;
    int rc = cli_config(c, err);

    return rc < 0 ? rc : config_extract(c->config, word, &p, &none) == 0;
}

int cli_either(struct cli *c, const char *word, const struct pipeline **ret, char part[PART_SIZE],
               struct err *err)
{
    size_t n = strcspn(word, "/");
    char *name = xstrndup(word, n);
    int is = cli_is_extract(c, name, err), rc = is;

    part[0] = '\0';
    if (is > 0 && word[n] != '\0') {
        err_set(err, ERR_USAGE, "%s: an extract has no partitions", word);
        rc = err_hint(err, "orch extract %s --from TIME --to TIME takes a range again", name);
    } else if (is > 0) {
        rc = config_extract(c->config, name, ret, err);
    } else if (is == 0 && word[n] == '\0') {
        rc = config_flow(c->config, name, ret, err);
    } else if (is == 0) {
        rc = cli_flow(c, word, ret, part, err);
    }
    free(name);
    return rc;
}

int cli_partition(struct cli *c, const char *word, const struct pipeline **ret, char part[PART_SIZE],
                  struct err *err)
{
    int rc = cli_flow(c, word, ret, part, err);

    if (rc == 0 && part[0] == '\0') {
        rc = err_set(err, ERR_USAGE, "%s: a partition is needed", word);
        err_hint(err, "%s/%s", word, (*ret)->period == PERIOD_HOUR ? "2022-06-05T12" : "2022-06-05");
    }
    return rc;
}

int cli_range(const struct pipeline *p, const char *from, const char *to, struct err *err)
{
    int64_t a = INT64_MIN, b = INT64_MAX;

    if ((from != NULL && part_parse(p->period, from, &a, err) < 0) ||
        (to != NULL && part_parse(p->period, to, &b, err) < 0)) {
        err->code = ERR_USAGE;
        return -(int)ERR_USAGE;
    }
    if (a > b)
        return err_set(err, ERR_USAGE, "--from %s is after --to %s", from, to);
    return 0;
}

static int stop_beat(void *arg, struct err *err)
{
    UNUSED(arg);
    return engine_stop_signal ? err_set(err, ERR_CANCELLED, "stopped by a signal") : 0;
}

void cli_step(struct cli *c, const struct pipeline *p, struct step_ctx *ret)
{
    *ret = (struct step_ctx){.store = c->store, .pipeline = p, .io = step_io_new(p), .lease_ms = 60000};
    ret->beat.fn = stop_beat;
}

void cli_step_end(struct step_ctx *ctx)
{
    step_io_free(ctx->io);
    ctx->io = NULL;
}

int cli_table(struct step_ctx *ctx, struct target **ret_target, struct table **ret, struct err *err)
{
    int rc = step_target(ctx, ret_target, err);

    if (rc == 0)
        rc = target_describe(*ret_target, ctx->pipeline->table, ret, err);
    return rc;
}

const char *cli_who(char *out, size_t size)
{
    char host[80] = "", memory[1024];
    struct passwd entry, *found = NULL;

    err_ignore(gethostname(host, sizeof host - 1));
    err_ignore(getpwuid_r(getuid(), &entry, memory, sizeof memory, &found));
    if (found != NULL)
        snprintf(out, size, "%s@%s", found->pw_name, host);
    else
        snprintf(out, size, "%ld@%s", (long)getuid(), host);
    return out;
}

static void on_stop(int signal_number)
{
    engine_stop_signal = signal_number;
}

void cli_signals(void)
{
    struct sigaction sa = {.sa_handler = on_stop,
                           .sa_flags = (int)SA_RESETHAND}; /* no SA_RESTART: waits end */

    sigemptyset(&sa.sa_mask);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
}

const char *cli_time(int64_t ms, char out[CLI_TIME_SIZE])
{
    _Static_assert(CLI_TIME_SIZE >= CIVIL_RFC3339_SIZE, "room for a time");
    out[0] = '\0';
    return ms != 0 ? civil_rfc3339(ms, false, out) : out;
}

int cli_next_look(struct store *s, const struct pipeline *p, int64_t now_ms, int64_t *ret_ms, struct err *err)
{
    struct trigger g = {.anchor_ms = now_ms, .last_fire_ms = -1};
    struct cronexpr c;
    int64_t fired = 0;

    *ret_ms = now_ms;
    if (p->schedule == NULL || *p->schedule == '\0')
        return 0;
    int rc = cronexpr_parse(p->schedule, &c, err);
    if (rc == 0)
        rc = trigger_find(s, p->name, p->schedule, &g, err);
    if (rc < 0)
        return rc;
    if (rc == 0 || g.last_fire_ms < 0 || g.last_fire_ms > now_ms)
        return 1;
    if (cronexpr_prev(&c, p->zone, g.anchor_ms, now_ms, &fired) == 1 && fired > g.last_fire_ms)
        return 1;
    return cronexpr_next(&c, p->zone, g.anchor_ms, now_ms, ret_ms);
}

json_t *cli_json_time(int64_t ms)
{
    char text[CLI_TIME_SIZE];
    return ms != 0 ? json_string(cli_time(ms, text)) : json_null();
}

json_t *cli_json_text(const char *s)
{
    if (s == NULL)
        return json_null();
    json_t *v = json_string(s);
    if (v == NULL) {
        size_t n = strlen(s), room = 4 * n + 16;
        char *shown = xmalloc(room);
        str_printable(s, n, shown, room);
        v = json_string(shown);
        free(shown);
    }
    return v != NULL ? v : json_null();
}

const char *cli_span(int64_t ms, char out[CLI_TIME_SIZE])
{
    long long h = ms / 3600000;

    if (ms >= 48 * INT64_C(3600000))
        snprintf(out, CLI_TIME_SIZE, h % 24 != 0 ? "%lldd %lldh" : "%lldd", h / 24, h % 24);
    else
        snprintf(out, CLI_TIME_SIZE, "%lldh", h < 0 ? 0 : h);
    return out;
}

const struct command *command_find(const char *first, const char *second, int *ret_words)
{
    size_t n = strlen(first);

    for (int i = 0; commands[i] != NULL; i++) {
        const char *name = commands[i]->name;
        *ret_words = 1;
        if (strcmp(name, first) == 0)
            return commands[i];
        *ret_words = 2;
        if (second != NULL && strncmp(name, first, n) == 0 && name[n] == ' ' &&
            strcmp(name + n + 1, second) == 0)
            return commands[i];
    }
    return NULL;
}

static const char *format_text;
static bool no_colour, help_wanted;
static const char *config_text;
const struct opt cli_common_opts[] = {
    {"config", 'c', OPT_TEXT, &config_text, "FILE",
     "orch.json to read (else ORCH_CONFIG, ./orch.json, /etc/orch/orch.json)"},
    {"output", 'o', OPT_TEXT, &format_text, "table|json|jsonl|csv", "how data is printed"},
    {"no-color", 0, OPT_FLAG, &no_colour, NULL, "no colour, as NO_COLOR=1"},
    {"help", 'h', OPT_FLAG, &help_wanted, NULL, "how the command is used"},
    {0},
};

/* Lines that begin with a blank are examples, and stay; the others are text, which is folded. */
static void help_text(const char *text, FILE *to)
{
    const struct out out = {.to = to, .width = 80};
    char paragraph[2000];

    while (*text != '\0') {
        size_t at = 0, n = strcspn(text, "\n");
        if (n == 0 || *text == ' ') {
            fprintf(to, "%.*s\n", (int)n, text);
            text += n + (text[n] == '\n');
            continue;
        }
        for (; *text != '\0' && *text != ' ' && *text != '\n' && at < sizeof paragraph;
             n = strcspn(text, "\n")) {
            at += (size_t)snprintf(paragraph + at, sizeof paragraph - at, "%s%.*s", at > 0 ? " " : "", (int)n,
                                   text);
            text += n + (text[n] == '\n');
        }
        out_folded(&out, 0, 0, paragraph);
    }
}

void command_help(const struct command *k, FILE *to)
{
    fprintf(to, "usage: orch %s%s%s%s\n\n", k->name, k->opts != NULL ? " [options]" : "",
            *k->args != '\0' ? " " : "", k->args);
    help_text(k->summary, to);
    if (*k->details != '\0')
        fprintf(to, "\n");
    help_text(k->details, to);
    fprintf(to, "\n");
    opt_help(k->opts, NULL, to);
    opt_help(cli_common_opts, k->opts, to);
}

/* "orch schedule" alone: its commands, or 0 where none begins with that word. */
static int half_a_verb(const char *word, const char *shown, struct err *err)
{
    char all[300] = "";
    size_t at = 0, n = strlen(word);

    for (int i = 0; commands[i] != NULL && at < sizeof all; i++)
        if (strncmp(commands[i]->name, word, n) == 0 && commands[i]->name[n] == ' ')
            at += (size_t)snprintf(all + at, sizeof all - at, "%sorch %s", at > 0 ? ", " : "",
                                   commands[i]->name);
    if (at == 0)
        return 0;
    err_set(err, ERR_USAGE, "'%s' is the first of two words", shown);
    return err_hint(err, "%s", all);
}

static int unknown_verb(const char *word, struct err *err)
{
    const char *names[64], *near;
    char shown[100];
    size_t n = 0;

    for (int i = 0; commands[i] != NULL && n < 63; i++)
        names[n++] = commands[i]->name;
    names[n] = NULL;
    str_printable(word, strlen(word), shown, sizeof shown);
    if (half_a_verb(word, shown, err) < 0)
        return -(int)err->code;
    err_set(err, ERR_USAGE, "no command '%s'", shown);
    near = str_nearest(word, names);
    return err_hint(err, near != NULL ? "the nearest is '%s'" : "orch help lists them", near);
}

/* Cut, it might end in the midst of a character, and say something else. */
static int check_reason(const struct command *k, struct err *err)
{
    for (const struct opt *o = k->opts; o != NULL && o->name != NULL; o++) {
        const char *reason = strcmp(o->name, "reason") == 0 ? *(const char *const *)o->value : NULL;
        if (reason != NULL && strlen(reason) > MAX_REASON)
            return err_set(err, ERR_USAGE, "--reason: longer than %d bytes", MAX_REASON);
        if (reason != NULL && strcmp(reason, "...") == 0) /* copied from a hint */
            return err_set(err, ERR_USAGE, "--reason: say why, in your own words: somebody will ask");
    }
    return 0;
}

static int read_line(int argc, char **argv, struct cli *c, const struct command **ret, struct err *err)
{
    struct opt_args none;
    int at = 1, words = 0, rc;
    const struct command *k;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) { /* as of any program */
        *ret = &cmd_version;
        return 0;
    }
    rc = opt_parse(NULL, cli_common_opts, argc, argv, 1, true, &none, &at, err);
    if (rc < 0)
        return rc;
    if (at == argc) { /* "orch" and "orch --help" are "orch help": all commands */
        help_wanted = false;
        *ret = &cmd_help;
        return 0;
    }
    const char *next = at + 1 < argc ? argv[at + 1] : NULL;
    k = command_find(argv[at], next, &words);
    if (k == NULL &&
        (help_wanted || (next != NULL && (strcmp(next, "--help") == 0 || strcmp(next, "-h") == 0)))) {
        help_wanted = false; /* "orch cron --help" is "orch help cron" */
        c->args.items[0] = argv[at];
        c->args.count = 1;
        *ret = &cmd_help;
        return 0;
    }
    if (k == NULL)
        return unknown_verb(argv[at], err);
    rc = opt_parse(k->opts, cli_common_opts, argc, argv, at + words, false, &c->args, NULL, err);
    if (rc == 0)
        rc = check_reason(k, err);
    if (rc < 0)
        return rc;
    *ret = k;
    if (help_wanted)
        return 0;
    if (c->args.count < k->min_args || c->args.count > k->max_args) {
        err_set(err, ERR_USAGE,
                c->args.count < k->min_args ? "%s: an argument is missing" : "%s: too many arguments",
                k->name);
        return err_hint(err, "orch %s%s%s", k->name, *k->args != '\0' ? " " : "", k->args);
    }
    return 0;
}

/* 0 where stdout is no terminal. */
static size_t terminal_width(void)
{
    struct winsize w;

    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}

static int run(int argc, char **argv, struct cli *c, struct err *err)
{
    const struct command *k = &cmd_help;
    int rc = read_line(argc, argv, c, &k, err);

    if (rc < 0)
        return rc;
    if (format_text != NULL && out_format_parse(format_text, &c->out.format, err) < 0)
        return -(int)err->code;
    c->format_given = format_text != NULL;
    c->out.to = stdout;
    c->out.width = terminal_width();
    c->out.colour = !no_colour && isatty(STDOUT_FILENO) && config_colour_wanted();
    c->config_path = config_text;
    c->verb = k->name;
    if (help_wanted) {
        command_help(k, stdout);
        return 0;
    }
    return k->run(c, err);
}

int cli_main(int argc, char **argv)
{
    struct cli c = {0};
    struct err err = {0};
    int rc = run(argc, argv, &c, &err);

    if (rc < 0) {
        cli_say_error(&err);
        rc = err_exit_status(err.code);
    }
    store_close(c.store);
    config_free(c.config);
    if (fflush(stdout) != 0 && errno != EPIPE) {
        cli_say("cannot write to stdout: %s", strerror(errno));
        rc = rc == 0 ? err_exit_status(ERR_IO) : rc;
    }
    return rc;
}

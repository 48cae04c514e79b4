#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/cmd.h"
#include "orchestrator/extract_adhoc.h"
#include "orchestrator/tick.h"
#include "orchestrator/view.h"
#include "state/extraction.h"
#include "steps/extract.h"
#include <unistd.h>

static const char *from, *to, *reason, *last;
static bool full, dry, verify, fail_if_locked;
static struct adhoc adhoc;
static const struct opt opts[] = {
    {"full", 0, OPT_FLAG, &full, NULL, "everything, whatever the watermarks say; they stay as they are"},
    {"from", 0, OPT_TEXT, &from, "TIME",
     "a range of the watermark, such as 2022-06-05 or 2022-06-05T12, UTC"},
    {"to", 0, OPT_TEXT, &to, "TIME", "its end, itself not; up to what is there without it"},
    {"hours", 0, OPT_TEXT, &last, "N", "the last N hours"},
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "kept with the run"},
    {"verify", 0, OPT_FLAG, &verify, NULL, "the files are read back before they are published"},
    {"dry-run", 0, OPT_FLAG, &dry, NULL, "tells what would be taken, and takes nothing"},
    {"fail-if-locked", 0, OPT_FLAG, &fail_if_locked, NULL, "exit 10 when another process works the extract"},
    {"spec", 's', OPT_TEXT, &adhoc.spec, "FILE",
     "a task spec of another system, in place of EXTRACT (orch spec convert)"},
    {"sink", 0, OPT_TEXT, &adhoc.sink, "URL|NAME",
     "where the spec's files go: s3://, file://, or a connection of orch.json"},
    {"host", 'H', OPT_TEXT, &adhoc.host, "HOST",
     "of the database, before what the spec says; so are the next four"},
    {"port", 'P', OPT_COUNT, &adhoc.port, "PORT",
     "(SQL PDE's -P was the password: no password stands on a command line here)"},
    {"user", 'u', OPT_TEXT, &adhoc.user, "USER",
     "the password comes from --password-file, --option-file, MYSQL_PWD, or a prompt"},
    {"db", 'd', OPT_TEXT, &adhoc.database, "DATABASE", "its database"},
    {"batch", 'b', OPT_COUNT, &adhoc.batch_mb, "MB", "files of about so many MB"},
    {"password-file", 0, OPT_TEXT, &adhoc.password_file, "FILE", "of mode 0600"},
    {"option-file", 0, OPT_TEXT, &adhoc.option_file, "FILE", "my.cnf form"},
    {"tls", 0, OPT_TEXT, &adhoc.tls, "MODE", "off, prefer, require or verify (verify)"},
    {0},
};

/* --- what is asked for --- */

static int moment(const char *option, const char *text, int64_t *ret_ms, struct err *err)
{
    char shown[60];

    if (extract_moment(text, ret_ms) == 0)
        return 0;
    str_printable(text, strlen(text), shown, sizeof shown);
    return err_set(err, ERR_USAGE,
                   "%s '%s' is no moment such as 2022-06-05, 2022-06-05T12 or '2022-06-05 12:00:00'", option,
                   shown);
}

static int read_request(struct extract_request *q, int64_t spec_hours, struct err *err)
{
    int64_t hours = spec_hours;
    int rc = 0;

    *q = (struct extract_request){.what = EXTRACT_DUE, .to_ms = -1, .verify = verify, .reason = reason};
    if (last != NULL && (str_to_i64(str_of(last), 1, 1000000, &hours, err) < 0))
        return err_set(err, ERR_USAGE, "--hours '%.40s' is no number of hours", last);
    if ((from != NULL || to != NULL) + (last != NULL) + full > 1)
        return err_set(err, ERR_USAGE, "--full, --from and --to, --hours: one of them");
    if (full)
        q->what = EXTRACT_FULL;
    if (from != NULL || to != NULL || hours > 0)
        q->what = EXTRACT_RANGE;
    if (from == NULL && to != NULL)
        return err_set(err, ERR_USAGE, "--to needs --from");
    if (from != NULL)
        rc = moment("--from", from, &q->from_ms, err);
    if (rc == 0 && to != NULL)
        rc = moment("--to", to, &q->to_ms, err);
    q->last_ms = from == NULL ? hours * 3600000 : 0;
    if (rc == 0 && to != NULL && q->from_ms >= q->to_ms)
        rc = err_set(err, ERR_USAGE, "--from %s is not before --to %s", from, to);
    return rc;
}

/* --- progress on a terminal --- */

static void show(const char *pipeline, int64_t rows, int64_t bytes, int64_t took_ms)
{
    double s = (double)(took_ms > 0 ? took_ms : 1) / 1000;

    fprintf(stderr, "\r%s: %lld rows, %.1f MB, %.0f s, %.0f rows/s   ", pipeline, (long long)rows,
            (double)bytes / 1e6, s, (double)rows / s);
    fflush(stderr);
}

/* --- what came of it --- */

struct results {
    json_t *rows;
    char run[64];
    int64_t since_ms;
    char first[64];
};

static json_t *row_of(const struct extraction *e)
{
    return json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "table", cli_json_text(e->name), "run",
        cli_json_text(e->run), "kind", cli_json_text(e->kind), "state", cli_json_text(e->state), "from",
        cli_json_text(e->from), "to", cli_json_text(e->to), "rows", (json_int_t)e->rows, "bytes",
        (json_int_t)e->bytes, "parts", (json_int_t)e->parts, "took_ms", (json_int_t)e->took_ms, "manifest",
        cli_json_text(e->parts > 0 || strcmp(e->kind, "INCREMENTAL") != 0 ? e->manifest_key : ""), "notice",
        cli_json_text(e->notice), "message", cli_json_text(e->message), "sql", cli_json_text(e->sql));
}

/* Newest first: those that this command has touched. */
static int on_result(void *arg, const struct extraction *e, struct err *err)
{
    struct results *r = arg;

    UNUSED(err);
    if (e->updated_ms >= r->since_ms)
        json_array_insert_new(r->rows, 0, row_of(e));
    return 0;
}

static const struct out_column columns[] = {{.key = "table", .title = "TABLE"},
                                            {.key = "kind", .title = "KIND"},
                                            {.key = "state", .title = "STATE", .state = true},
                                            {.key = "rows", .title = "ROWS", .right = true},
                                            {.key = "parts", .title = "PARTS", .right = true},
                                            {.key = "bytes", .title = "BYTES", .right = true},
                                            {.key = "from", .title = "FROM"},
                                            {.key = "to", .title = "TO"},
                                            {.key = "manifest", .title = "MANIFEST"},
                                            {.key = "run"},
                                            {0}};
static const struct out_column plan_columns[] = {{.key = "table", .title = "TABLE"},
                                                 {.key = "kind", .title = "KIND"},
                                                 {.key = "from", .title = "FROM"},
                                                 {.key = "to", .title = "TO"},
                                                 {.key = "sql", .title = "SQL"},
                                                 {.key = "notice", .title = "NOTICE"},
                                                 {0}};

static int report(struct cli *c, struct store *s, const char *name, int64_t since_ms, bool well,
                  struct err *err)
{
    struct results r = {.rows = json_array(), .since_ms = since_ms};
    int rc = extraction_newest(s, name, 200, on_result, &r, err);

    if (rc == 0 && json_array_size(r.rows) == 0 && well)
        cli_say("%s: nothing is new", name);
    if (rc == 0 && (json_array_size(r.rows) > 0 || c->out.format != OUT_TABLE))
        out_rows(&c->out, "extractions", columns, r.rows);
    json_decref(r.rows);
    return rc;
}

/* --- the command --- */

/* Plans what the tick would not by itself. 1: there is something to do. */
static int plan(struct cli *c, const struct pipeline *p, struct store *s, struct extract_request *q,
                struct err *err)
{
    struct step_ctx ctx;
    char who[200], *run = NULL;
    json_t *what = NULL;

    q->who = cli_who(who, sizeof who);
    cli_step(c, p, &ctx);
    ctx.store = s;
    int rc = step_extract_plan(&ctx, q, dry, &run, dry ? &what : NULL, err);
    if (rc >= 0 && dry) {
        out_rows(&c->out, "plan", plan_columns, what);
        if (json_array_size(what) == 0)
            cli_say("%s: nothing is new", p->name);
    }
    json_decref(what);
    free(run);
    cli_step_end(&ctx);
    return rc;
}

static int work(struct cli *c, const struct config *config, const struct pipeline *p, struct store *s,
                int64_t spec_hours, struct err *err)
{
    struct extract_request q;
    const struct tick_options o = {
        .pipeline = p->name, .force = true, .fail_if_locked = fail_if_locked, .linger_ms = -1};
    int64_t began = clock_now_ms();
    int rc = read_request(&q, spec_hours, err);

    cli_signals();
    if (rc == 0 &&
        (dry || q.what != EXTRACT_DUE || (verify && (rc = extraction_sequence(s, p->name, err)) == 0)))
        rc = plan(c, p, s, &q, err);
    if (rc < 0 || dry)
        return rc < 0 ? rc : 0;
    rc = extraction_again(s, p->name, err);
    if (rc < 0)
        return rc;
    if (isatty(STDERR_FILENO))
        extract_progress = show;
    rc = tick_run(config, s, &o, err);
    if (extract_progress != NULL)
        fprintf(stderr, "\n");
    extract_progress = NULL;
    if (rc == 6) /* LATE, which has been said: what was asked for is done all the same */
        rc = 0;
    return rc < 0 || report(c, s, p->name, began, rc == 0, err) < 0 ? -(int)err->code : rc;
}

static int run(struct cli *c, struct err *err)
{
    const struct pipeline *p;

    if (c->config_path != NULL &&
        (strchr("@{", c->config_path[0]) != NULL || strcmp(c->config_path, "-") == 0)) {
        adhoc.config = c->config_path; /* another system's, not ours */
        c->config_path = NULL;
    }
    bool foreign = adhoc.spec != NULL || adhoc.config != NULL;

    if (foreign == (c->args.count > 0))
        return err_set(err, ERR_USAGE,
                       foreign ? "EXTRACT and --spec: one of the two"
                               : "an EXTRACT of orch.json, --spec FILE, or --config @FILE");
    if (foreign) {
        struct adhoc_run r = {0};
        int rc = adhoc_open(c, &adhoc, &r, err);
        if (rc == 0)
            rc = work(c, r.config, &r.config->extracts[0], r.store, r.hours, err);
        adhoc_close(&r);
        return rc;
    }
    int rc = cli_config(c, err);
    if (rc == 0)
        rc = config_extract(c->config, c->args.items[0], &p, err);
    if (rc == 0)
        rc = cli_store(c, STORE_CREATE, err);
    return rc < 0 ? rc : work(c, c->config, p, c->store, 0, err);
}

const struct command cmd_extract = {
    "extract",
    "[EXTRACT]",
    "Takes tables out of a database into files, now: what is new, everything, or a range.",
    "What is new is what orch tick takes by the schedule; running it twice takes nothing twice. --full, "
    "--from, --to and\n"
    "--hours take beside the sequence: the watermarks stay where they are. Files are complete when their "
    "manifest is there.\n"
    "--spec FILE is another system's task; --config @FILE, - or JSON text its config, which may be the task "
    "itself\n"
    "(docs/extract-specs.md). Its state is orch-extract.db in the current folder.\n\n"
    "  orch extract hr\n"
    "  orch extract hr --from 2022-06-05 --to 2022-06-06 --reason 'lost by the consumer'\n"
    "  orch extract --config @crede.json --password-file db.secret\n"
    "  orch extract --spec employees.json --sink s3://exports/ --host db.example --user reader\n",
    opts,
    0,
    1,
    run,
};

#include "orchestrator/extract_now.h"
#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/tick.h"
#include "orchestrator/view.h"
#include "state/extraction.h"
#include "state/queue.h"
#include "steps/extract.h"
#include <unistd.h>

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

static int read_request(const struct extract_ask *a, struct extract_request *q, struct err *err)
{
    const char *from = a->from, *to = a->to;
    int64_t hours = a->spec_hours;
    int rc = 0;

    *q = (struct extract_request){
        .what = EXTRACT_DUE, .to_ms = -1, .verify = a->verify, .moved = a->moved, .reason = a->reason};
    if (a->hours != NULL && str_to_i64(str_of(a->hours), 1, 1000000, &hours, err) < 0)
        return err_set(err, ERR_USAGE, "--hours '%.40s' is no number of hours", a->hours);
    if ((from != NULL || to != NULL) + (a->hours != NULL) + a->full > 1)
        return err_set(err, ERR_USAGE, "--full, --from and --to, --hours: one of them");
    if (a->full)
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

static void show(const char *pipeline, int64_t rows, int64_t about, int64_t bytes, int64_t took_ms)
{
    double s = (double)(took_ms > 0 ? took_ms : 1) / 1000, rate = (double)rows / s;
    char left[60] = "";

    if (about > rows && rows > 0 && took_ms >= 1000)
        snprintf(left, sizeof left, ", %lld %%, about %.0f s left", (long long)(100 * rows / about),
                 (double)(about - rows) / rate);
    fprintf(stderr, "\r%s: %lld row%s, %.1f MB, %.0f s, %.0f rows/s%s   ", pipeline, (long long)rows,
            rows == 1 ? "" : "s", (double)bytes / 1e6, s, rate, left);
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

/* Rows that fall out of a filter, a window that is held back: whoever asks by hand is told. */
static void say_notices(const json_t *rows)
{
    const json_t *r;
    size_t i;

    json_array_foreach(rows, i, r)
        if (view_str(r, "notice")[0] != '\0')
            cli_say("%s: note: %s", view_str(r, "table"), view_str(r, "notice"));
}

/* No rows, where somebody has just written some: they are younger than lag. Said once, by the database's clock. */
static void say_young(const struct pipeline *p, const json_t *rows)
{
    char when[CIVIL_RFC3339_SIZE];
    const json_t *r;
    int64_t seen;
    size_t i;

    json_array_foreach(rows, i, r) {
        const char *to = view_str(r, "to");
        if (p->extract->lag_ms == 0 || view_int(r, "rows") > 0 ||
            strstr(view_str(r, "notice"), "held back") != NULL ||
            strcmp(view_str(r, "kind"), "INCREMENTAL") != 0 ||
            strcmp(view_str(r, "state"), "PUBLISHED") != 0 || extract_moment(to, &seen) < 0)
            continue;
        seen += p->extract->lag_ms + (str_ends(to, " 00:00:00") ? 86400000 : p->extract->lag_ms);
        cli_say("%s: no rows up to %s UTC; those that are younger than lag (%lld s) are seen from %s on",
                view_str(r, "table"), to, (long long)(p->extract->lag_ms / 1000),
                civil_rfc3339(seen, false, when));
        return;
    }
}

static int report(struct cli *c, struct store *s, const struct pipeline *p, int64_t since_ms, bool well,
                  struct err *err)
{
    struct results r = {.rows = json_array(), .since_ms = since_ms};
    int rc = extraction_newest(s, p->name, 200, on_result, &r, err);

    if (rc == 0 && json_array_size(r.rows) == 0 && well)
        cli_say("%s: nothing is new", p->name);
    if (rc == 0) {
        say_notices(r.rows);
        say_young(p, r.rows);
    }
    if (rc == 0 && (json_array_size(r.rows) > 0 || c->out.format != OUT_TABLE))
        out_rows(&c->out, "extractions", columns, r.rows);
    json_decref(r.rows);
    return rc;
}

/* --- the command --- */

/* Plans what the tick would not by itself. 1: there is something to do. */
static int plan(struct cli *c, const struct pipeline *p, struct store *s, struct extract_request *q, bool dry,
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

int extract_now(struct cli *c, const struct config *config, const struct pipeline *p, struct store *s,
                const struct extract_ask *a, struct err *err)
{
    struct extract_request q;
    const struct tick_options o = {
        .pipeline = p->name, .force = true, .fail_if_locked = a->fail_if_locked, .linger_ms = -1};
    struct tick_options with = o;
    int64_t began = clock_now_ms();
    int rc = read_request(a, &q, err);

    cli_signals();
    if (rc == 0 && a->queue && p->schedule[0] == '\0') {
        err_set(err, ERR_USAGE, "%s has no schedule: no tick would take what is queued", p->name);
        rc = err_hint(err, "without --queue it is taken now");
    }
    /* what the tick's own plan would not know of the run */
    bool own = (a->verify || a->moved || a->reason != NULL) && rc == 0 &&
               (rc = extraction_sequence(s, p->name, err)) == 0;
    with.waiting_only = own || q.what != EXTRACT_DUE; /* what was asked for, and not what is new besides */
    if (rc >= 0 && (a->dry || q.what != EXTRACT_DUE || own))
        rc = plan(c, p, s, &q, a->dry, err);
    if (rc < 0 || a->dry)
        return rc < 0 ? rc : 0;
    if (a->queue) {
        cli_say("%s: planned; the next tick takes it", p->name);
        return 0;
    }
    rc = extraction_again(s, p->name, err);
    if (rc < 0)
        return rc;
    if (isatty(STDERR_FILENO))
        extract_progress = show;
    rc = tick_run(config, s, &with, err);
    if (extract_progress != NULL)
        fprintf(stderr, "\n");
    extract_progress = NULL;
    if (rc == 6) /* LATE, which has been said: what was asked for is done all the same */
        rc = 0;
    return rc < 0 || report(c, s, p, began, rc == 0, err) < 0 ? -(int)err->code : rc;
}

int extract_named(struct cli *c, const char *name, const struct extract_ask *a, struct err *err)
{
    const struct pipeline *p;
    int rc = cli_config(c, err);

    if (rc == 0)
        rc = config_extract(c->config, name, &p, err);
    if (rc == 0)
        rc = cli_store(c, STORE_CREATE, err);
    return rc < 0 ? rc : extract_now(c, c->config, p, c->store, a, err);
}

/* --- what failed --- */

static int on_bad(void *arg, const struct extraction *e, struct err *err)
{
    UNUSED(err);
    if (strcmp(e->state, "FAILED") == 0 || strcmp(e->state, "DEAD") == 0)
        json_array_append_new(arg, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "table", cli_json_text(e->name),
                                             "run", cli_json_text(e->run), "state", cli_json_text(e->state),
                                             "from", cli_json_text(e->from), "to", cli_json_text(e->to),
                                             "message", cli_json_text(e->message)));
    return 0;
}

int extract_retry(struct cli *c, const char *name, const char *reason, bool dry, bool queue, struct err *err)
{
    static const struct out_column shown[] = {{.key = "table", .title = "TABLE"},
                                              {.key = "run", .title = "RUN"},
                                              {.key = "state", .title = "STATE", .state = true},
                                              {.key = "from", .title = "FROM"},
                                              {.key = "to", .title = "TO"},
                                              {.key = "message", .title = "MESSAGE"},
                                              {0}};
    const struct extract_ask again = {.reason = reason};
    json_t *rows = json_array();
    char who[200];
    int rc = cli_store(c, STORE_CREATE, err);

    if (rc == 0)
        rc = extraction_bad(c->store, name, on_bad, rows, err);
    bool any = json_array_size(rows) > 0;
    if (rc == 0)
        out_rows(&c->out, "retry", shown, rows);
    json_decref(rows);
    if (rc == 0 && !any)
        cli_say("%s: nothing has failed", name);
    if (rc < 0 || !any || dry)
        return rc;
    rc = extraction_retry(c->store, name, err);
    if (rc == 0)
        rc = audit_put(c->store, cli_who(who, sizeof who), "retry", name, "", reason, clock_now_ms(), err);
    if (rc < 0 || queue)
        return rc < 0 ? rc : 0;
    fflush(stdout);
    return extract_named(c, name, &again, err);
}

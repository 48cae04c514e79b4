#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/cmd_exec.h"
#include "orchestrator/view.h"
#include "state/chronicle.h"
#include "state/extraction.h"
#include "state/last_tick.h"

enum { LIMIT = 200, LIMIT_MAX = 10000 };

static const char *since;
static int64_t limit = LIMIT;
static const struct opt opts[] = {
    {"since", 0, OPT_TEXT, &since, "TIME", "2h, 7d, or 2022-06-05T12:00:00Z; a day unless told"},
    {"limit", 0, OPT_COUNT, &limit, "N", "the newest N lines (200)"},
    {0},
};

static int parse_since(int64_t *ret_ms, struct err *err)
{
    int64_t span = 86400000;
    struct err other;

    if (since != NULL && civil_parse_rfc3339(since, ret_ms, &other) == 0)
        return 0;
    if (since != NULL && str_to_duration_ms(str_of(since), &span, &other) < 0) {
        char shown[80];
        str_printable(since, strlen(since), shown, sizeof shown);
        err_set(err, ERR_USAGE, "--since '%s' is neither a duration nor a time", shown);
        return err_hint(err, "--since 2h, or --since 2022-06-05T12:00:00Z");
    }
    *ret_ms = clock_now_ms() - span;
    return 0;
}

static json_t *line(int64_t at_ms, const char *pipeline, const char *part, const char *kind, const char *what,
                    const char *text)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "at", exec_time(at_ms), "pipeline", cli_json_text(pipeline),
                     "partition", cli_json_text(part), "kind", cli_json_text(kind), "what",
                     cli_json_text(what), "text", cli_json_text(text));
}

static int on_happening(void *arg, const struct happening *h, struct err *err)
{
    UNUSED(err);
    json_array_insert_new(arg, 0, line(h->at_ms, h->pipeline, h->part, h->kind, h->what, h->detail));
    return 0;
}

static void took(int64_t ms, char out[40])
{
    if (ms < 10000)
        snprintf(out, 40, "%lld ms", (long long)(ms < 0 ? 0 : ms));
    else
        snprintf(out, 40, "%lld s", (long long)(ms / 1000));
}

/* Times of one form are in the order of their texts. */
static void put_in_order(json_t *lines, json_t *o)
{
    size_t place = json_array_size(lines);

    while (place > 0 && strcmp(view_str(json_array_get(lines, place - 1), "at"), view_str(o, "at")) > 0)
        place--;
    json_array_insert_new(lines, place, o);
    if (json_array_size(lines) > (size_t)limit)
        json_array_remove(lines, 0);
}

/* Where all pipelines are told of: that the tick ran, too. */
static int add_tick(struct cli *c, int64_t since_ms, json_t *lines, struct err *err)
{
    struct last_tick t;
    char text[200];
    int rc = last_tick_get(c->store, &t, err);
    int64_t at = t.finished_ms != 0 ? t.finished_ms : t.started_ms;

    if (rc <= 0 || at < since_ms || at == 0)
        return rc < 0 ? rc : 0;
    if (t.finished_ms != 0)
        snprintf(text, sizeof text, "exit status %d, process %lld on %s", t.exit_status, (long long)t.pid,
                 t.host);
    else
        snprintf(text, sizeof text, "not ended yet: process %lld on %s", (long long)t.pid, t.host);
    put_in_order(lines, line(at, "", "", "tick", t.finished_ms != 0 ? "ended" : "began", text));
    return 0;
}

/* ---- runs of extracts: rows, time, statement ---- */

struct extracts {
    json_t *lines;
    int64_t since_ms;
};

static int on_extraction(void *arg, const struct extraction *e, struct err *err)
{
    const struct extracts *x = arg;
    bool done = strcmp(e->state, "PUBLISHED") == 0, failed = e->error[0] != '\0';
    const char *what =
        done && e->parts == 0 && strcmp(e->kind, "INCREMENTAL") == 0 ? "nothing new" : e->state;
    char span[40], *window = NULL, *why = NULL, *text;

    UNUSED(err);
    if (e->updated_ms < x->since_ms)
        return 0;
    took(e->took_ms, span);
    if (e->reason[0] != '\0')
        why = xasprintf(", for %s: %s", e->who[0] != '\0' ? e->who : "somebody", e->reason);
    const char *asked = why != NULL ? why : "";
    if (e->from != NULL || e->to != NULL)
        window = xasprintf(", from %s up to %s", e->from != NULL ? e->from : "the first",
                           e->to != NULL ? e->to : "the last");
    if (failed)
        text = xasprintf("%s: %s%s%s%s", e->error, e->message, asked, e->notice[0] != '\0' ? "; " : "",
                         e->notice);
    else if (done || strcmp(e->state, "WRITTEN") == 0)
        text = xasprintf("%s: %lld row%s, %lld bytes in %lld part%s, in %s%s%s%s%s: %s", e->kind,
                         (long long)e->rows, e->rows == 1 ? "" : "s", (long long)e->bytes,
                         (long long)e->parts, e->parts == 1 ? "" : "s", span, window != NULL ? window : "",
                         asked, e->notice[0] != '\0' ? "; " : "", e->notice, e->sql);
    else
        text = xasprintf("%s%s%s%s%s", e->kind, window != NULL ? window : "", asked,
                         e->notice[0] != '\0' ? "; " : "", e->notice);
    put_in_order(x->lines, line(e->updated_ms, e->pipeline, e->name, "extract", what, text));
    free(window);
    free(why);
    free(text);
    return 0;
}

static int add_extracts(struct cli *c, const char *name, int64_t since_ms, json_t *lines, struct err *err)
{
    struct extracts x = {lines, since_ms};

    return extraction_newest(c->store, name, limit, on_extraction, &x, err);
}

/* ---- one execution: its states and attempts ---- */

struct reading {
    json_t *lines;
    const char *pipeline;
    char state[400];
    int64_t entered_ms, started_ms, attempt;
};

static const json_t *details_of(const json_t *d)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)d, key, v)
        if (str_ends(key, "EventDetails"))
            return v;
    return NULL;
}

static void add(struct reading *r, int64_t at_ms, const char *kind, const char *what, const char *text)
{
    json_array_append_new(r->lines, line(at_ms, r->pipeline, "", kind, what, text));
}

static void tell(struct reading *r, const char *type, int64_t ts_ms, const json_t *d)
{
    char text[1600], span[40];

    if (str_ends(type, "StateEntered")) {
        snprintf(r->state, sizeof r->state, "%s", view_str(d, "name"));
        r->entered_ms = ts_ms;
        r->attempt = 0;
        add(r, ts_ms, "state", "entered", r->state);
    } else if (str_ends(type, "StateExited")) {
        took(ts_ms - r->entered_ms, span);
        snprintf(text, sizeof text, "%s after %s", r->state, span);
        add(r, ts_ms, "state", "left", text);
    } else if (strcmp(type, "ActivityStarted") == 0) {
        r->started_ms = ts_ms;
        r->attempt++;
        snprintf(text, sizeof text, "%s, attempt %lld, by %s", r->state, (long long)r->attempt,
                 view_str(d, "workerName"));
        add(r, ts_ms, "task", "started", text);
    } else if (strcmp(type, "ActivitySucceeded") == 0) {
        took(ts_ms - r->started_ms, span);
        snprintf(text, sizeof text, "%s after %s", r->state, span);
        add(r, ts_ms, "task", "succeeded", text);
    } else if (strcmp(type, "ActivityFailed") == 0 || strcmp(type, "ActivityTimedOut") == 0) {
        took(ts_ms - r->started_ms, span);
        snprintf(text, sizeof text, "%.100s after %s: %.100s: %.1200s", r->state, span,
                 view_str(d, "error")[0] != '\0' ? view_str(d, "error") : "States.Timeout",
                 view_str(d, "cause"));
        add(r, ts_ms, "task", strcmp(type, "ActivityFailed") == 0 ? "failed" : "timed out", text);
    } else if (str_starts(type, "Execution")) {
        snprintf(text, sizeof text, "%.100s%s%.1200s", view_str(d, "error"),
                 view_str(d, "cause")[0] != '\0' ? ": " : "", view_str(d, "cause"));
        add(r, ts_ms, "execution",
            strcmp(type, "ExecutionStarted") == 0     ? "started"
            : strcmp(type, "ExecutionSucceeded") == 0 ? "succeeded"
            : strcmp(type, "ExecutionTimedOut") == 0  ? "timed out"
            : strcmp(type, "ExecutionAborted") == 0   ? "aborted"
                                                      : "failed",
            text);
    }
}

static int on_event(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                    const char *details, struct err *err)
{
    json_t *d = NULL;
    int rc = details != NULL ? json_parse(details, strlen(details), "event", &d, err) : 0;

    UNUSED(id);
    UNUSED(previous);
    if (rc == 0)
        tell(arg, type, ts_ms, details_of(d));
    json_decref(d);
    return rc;
}

static int of_execution(struct cli *c, const char *word, json_t *lines, struct err *err)
{
    struct execution e = {0};
    struct reading r = {.lines = lines};
    int rc = exec_find(c, STORE_READ, word, &e, err);

    if (rc < 0)
        return rc;
    r.pipeline = e.pipeline;
    rc = event_list(c->store, e.id, false, -1, on_event, &r, err);
    while (rc >= 0 && json_array_size(lines) > (size_t)limit)
        json_array_remove(lines, 0);
    execution_release(&e);
    return rc < 0 ? rc : 0;
}

/* ---- the command ---- */

static bool names_flow(const struct cli *c, const char *word)
{
    const struct pipeline *p;
    struct err none;

    return strchr(word, '/') != NULL || config_flow(c->config, word, &p, &none) == 0;
}

static int gather(struct cli *c, json_t *lines, struct err *err)
{
    const char *word = c->args.count > 0 ? c->args.items[0] : NULL;
    const struct pipeline *p = NULL;
    char part[PART_SIZE] = "";
    int64_t since_ms;
    int rc = cli_config(c, err);

    if (rc < 0)
        return rc;
    if (word != NULL && !names_flow(c, word))
        return of_execution(c, word, lines, err);
    rc = parse_since(&since_ms, err);
    if (rc == 0 && word != NULL)
        rc = cli_either(c, word, &p, part, err);
    if (rc == 0 && part[0] != '\0' && since == NULL)
        since_ms = 0; /* of one partition everything */
    if (rc == 0)
        rc = cli_store(c, STORE_READ, err);
    if (rc == 0)
        rc = chronicle_list(c->store, p != NULL ? p->name : NULL, part[0] != '\0' ? part : NULL, since_ms,
                            limit, on_happening, lines, err);
    for (size_t i = 0; rc == 0 && i < c->config->extract_count; i++)
        if (p == NULL || p == &c->config->extracts[i])
            rc = add_extracts(c, c->config->extracts[i].name, since_ms, lines, err);
    if (rc == 0 && p == NULL)
        rc = add_tick(c, since_ms, lines, err);
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    static const struct out_column columns[] = {
        {"at", "TIME", false, false},
        {"pipeline", "PIPELINE", false, false},
        {"partition", "PARTITION", false, false},
        {"kind", "KIND", false, false},
        {"what", "WHAT", false, true},
        {"text", "TEXT", false, false},
        {0},
    };
    json_t *lines = json_array();

    if (limit > LIMIT_MAX) {
        json_decref(lines);
        return err_set(err, ERR_USAGE, "--limit is at most %d", LIMIT_MAX);
    }
    int rc = gather(c, lines, err);
    if (rc == 0)
        out_rows(&c->out, "logs", columns, lines);
    if (rc == 0 && c->out.format == OUT_TABLE && json_array_size(lines) == 0)
        cli_say("nothing happened in that time; --since 30d looks further back");
    json_decref(lines);
    return rc;
}

const struct command cmd_logs = {
    "logs",
    "[PIPELINE[/PARTITION] | EXTRACT | EXECUTION]",
    "What happened, a line each, newest last.",
    "Runs, failed attempts, jobs, reconciliations, what people did, troubles. Of an extract each table of a "
    "run: "
    "rows, bytes,\n"
    "time taken, window and statement. Of an execution: its states "
    "and attempts,\n"
    "with how long each took. Bytes of rejected records are not shown. orch history gives every event.\n\n"
    "  orch logs --since 2h\n"
    "  orch logs loans/2022-06-05T12\n"
    "  orch logs loans-20220605T130000Z-4f2a -o jsonl\n",
    opts,
    0,
    1,
    run,
};

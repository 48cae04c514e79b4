/* What a person decides about rejects: once more, or not any more. */
#include "base/civil.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "orchestrator/engine_int.h"
#include "orchestrator/rejects.h"
#include "orchestrator/view.h"
#include "state/pause.h"
#include "steps/rejects.h"

enum { AT_ONCE = 100, LINGER_MS = 120000, SLICE_MS = 100 };

static int on_count(void *arg, const struct reject_group *g, struct err *err)
{
    UNUSED(err);
    *(int64_t *)arg = g->count;
    return 0;
}

/* Those that are FINAL and that the filter takes. */
static int count_final(const struct rejects_ask *a, int64_t *ret, struct err *err)
{
    struct reject_filter f = a->filter;

    f.state = "FINAL";
    *ret = 0;
    return reject_by(a->c->store, &f, 0, on_count, ret, err);
}

/* 1: there is something to do. */
static int begin(const struct rejects_ask *a, const char *verb, char who[200], struct err *err)
{
    int64_t n = 0;
    int rc = count_final(a, &n, err);

    if (rc < 0)
        return rc;
    if (n == 0 || a->dry_run) {
        if (a->c->out.format == OUT_TABLE)
            printf(n == 0 ? "%s: no reject of a loaded file is open%s%s\n" : "%s: %s %s %lld reject%s\n",
                   a->p->name, n == 0 ? "" : "would", n == 0 ? "" : verb, (long long)n, n == 1 ? "" : "s");
        return 0;
    }
    cli_who(who, 200);
    cli_signals();
    return 1;
}

static int audit(const struct rejects_ask *a, const char *verb, const char *who, struct err *err)
{
    return audit_put(a->c->store, who, verb, a->p->name, a->filter.part != NULL ? a->filter.part : "",
                     a->reason, clock_now_ms(), err);
}

/* ---- --discard ---- */

int rejects_discard(const struct rejects_ask *a, struct err *err)
{
    char who[200];
    struct reject_ask ask = {.filter = a->filter, .who = who, .reason = a->reason};
    struct step_ctx ctx;
    int64_t n = 0;
    int rc = begin(a, "discard", who, err);

    if (rc <= 0)
        return rc;
    rc = audit(a, "rejects --discard", who, err);
    if (rc < 0)
        return rc;
    cli_step(a->c, a->p, &ctx);
    rc = step_discard_rejects(&ctx, &ask, &n, err);
    cli_step_end(&ctx);
    if (rc < 0)
        return rc;
    if (a->c->out.format == OUT_TABLE) {
        printf("%s: %lld reject%s discarded\n", a->p->name, (long long)n, n == 1 ? "" : "s");
        return 0;
    }
    json_t *o = json_pack("{s:i,s:s,s:I}", "schema_version", 1, "pipeline", a->p->name, "discarded", n);
    out_document(&a->c->out, o);
    json_decref(o);
    return 0;
}

/* ---- --replay: an execution like any other, which the next tick goes on with should this process die ---- */

struct running {
    int64_t ids[AT_ONCE];
    size_t n;
};

static int on_running(void *arg, const struct execution *x, struct err *err)
{
    struct running *r = arg;

    UNUSED(err);
    r->ids[r->n++] = x->id;
    return 0;
}

/* Works it until it ends; one that waits for a Retry is waited for. ENGINE_* */
static int work(struct engine *e, int64_t id, enum engine_result *ret, struct err *err)
{
    int64_t until = clock_mono_ms() + LINGER_MS, wake = 0;

    for (;;) {
        int rc = engine_work(e, id, ret, &wake, err);
        if (rc < 0 || *ret != ENGINE_WAITING || clock_mono_ms() > until)
            return rc;
        while (!engine_stop_signal && clock_now_ms() < wake && clock_mono_ms() <= until)
            clock_sleep_ms(SLICE_MS);
        if (engine_stop_signal)
            return err_set(err, ERR_CANCELLED, "stopped by a signal: the next tick goes on");
    }
}

/* What a dead run has left is brought to its end first; a living one keeps us out. */
static int clear_way(const struct rejects_ask *a, struct engine *e, struct err *err)
{
    enum engine_result result = ENGINE_ENDED;
    struct running r = {.n = 0};
    int rc = exec_list(a->c->store, a->p->name, "RUNNING", AT_ONCE, on_running, &r, err);

    for (size_t i = r.n; rc >= 0 && i-- > 0 && result == ENGINE_ENDED;)
        rc = work(e, r.ids[i], &result, err);
    if (rc < 0 || result == ENGINE_ENDED)
        return rc < 0 ? rc : 0;
    err_set(err, ERR_BUSY, "%s is being worked at this moment", a->p->name);
    return err_hint(err, "try again when orch status shows no run");
}

static int start(const struct rejects_ask *a, struct engine *e, const char *who, int64_t *ret_id,
                 struct err *err)
{
    struct pipeline p = *a->p;
    json_t *input =
        json_pack("{s:s,s:s?,s:s?,s:s?,s:s,s:s}", "pipeline", p.name, "partition", a->filter.part, "code",
                  a->filter.code, "column", a->filter.column, "reason", a->reason, "who", who);

    if (input == NULL)
        return err_set(err, ERR_USAGE, "rejects: a word of the command is no UTF-8");
    p.workflow = "replay-rejects";
    int rc = engine_start_one(e, &p, "RUN", -1, input, ret_id, err);
    json_decref(input);
    if (rc == 0)
        rc = err_set(err, ERR_BUSY, "%s: another run has just begun", p.name);
    return rc < 0 ? rc : 0;
}

static void print(const struct rejects_ask *a, const json_t *result)
{
    int64_t loaded = view_int(result, "loaded"), refused = view_int(result, "refused");
    const json_t *s;
    size_t i;

    if (a->c->out.format != OUT_TABLE) {
        json_t *o = json_pack("{s:i,s:s}", "schema_version", 1, "pipeline", a->p->name);
        json_object_update(o, (json_t *)(uintptr_t)result);
        out_document(&a->c->out, o);
        json_decref(o);
        return;
    }
    printf("%s: %lld reject%s loaded", a->p->name, (long long)loaded, loaded == 1 ? "" : "s");
    if (refused > 0)
        printf(", %lld refused again", (long long)refused);
    printf("\n");
    json_array_foreach(json_object_get(result, "skipped"), i, s) {
        char object[300], why[700];
        out_cell(json_object_get(s, "object"), object, sizeof object);
        out_cell(json_object_get(s, "why"), why, sizeof why);
        printf("  left alone: %s %s: %s\n", view_str(s, "partition"), object, why);
    }
}

static int outcome(const struct rejects_ask *a, int64_t id, enum engine_result result, struct err *err)
{
    struct execution x = {0};
    json_t *output = NULL;
    int rc = exec_get(a->c->store, id, &x, err);

    if (rc < 0)
        return rc;
    if (result != ENGINE_ENDED || strcmp(x.status, "RUNNING") == 0) {
        rc = err_set(err, ERR_CANCELLED, "%s: not done yet; the next tick goes on", x.name);
    } else if (strcmp(x.status, "SUCCEEDED") != 0) {
        const char *error = x.error != NULL ? x.error : "States.Runtime";
        rc = err_set(err, err_by_name(error), "%s", x.cause != NULL ? x.cause : error);
    } else {
        const char *text = x.output != NULL ? x.output : "{}";
        rc = json_parse(text, strlen(text), "the execution's output", &output, err);
        if (rc == 0)
            print(a, output);
        rc = rc == 0 && json_array_size(json_object_get(output, "skipped")) > 0 ? 1 : rc;
    }
    json_decref(output);
    execution_release(&x);
    return rc;
}

static int refuse_without_lineage(const struct pipeline *p, struct err *err)
{
    if (p->lineage != LINEAGE_NONE)
        return 0;
    err_set(err, ERR_USAGE,
            "%s has \"lineage\": \"none\": nobody could tell whether a reject has gone in before", p->name);
    return err_hint(
        err,
        "orch lineage add %s, and \"lineage\": \"columns\"; or load the record by hand and discard the "
        "reject",
        p->table);
}

/* As orch run does. */
static int say_paused(const struct rejects_ask *a, struct err *err)
{
    char since[CIVIL_RFC3339_SIZE];
    struct pause p;
    int rc = pause_get(a->c->store, a->p->name, &p, err);

    if (rc > 0)
        cli_say("%s: paused since %s by %s: %s; worked all the same, because you ask", a->p->name,
                civil_rfc3339(p.since_ms, false, since), p.who, p.reason);
    return rc < 0 ? rc : 0;
}

int rejects_replay(const struct rejects_ask *a, struct err *err)
{
    enum engine_result result = ENGINE_ENDED;
    struct engine *e = NULL;
    int64_t id = 0;
    char who[200];
    int rc = refuse_without_lineage(a->p, err);

    if (rc == 0)
        rc = engine_new(a->c->config, a->c->store, &e, err);
    cli_signals();
    if (rc == 0 && !a->dry_run)
        rc = clear_way(a, e, err);
    if (rc == 0)
        rc = begin(a, "replay", who, err);
    if (rc > 0) {
        rc = say_paused(a, err);
        if (rc == 0)
            rc = start(a, e, who, &id, err);
        if (rc == 0)
            rc = audit(a, "rejects --replay", who, err);
        if (rc == 0)
            rc = work(e, id, &result, err);
        if (rc == 0)
            rc = outcome(a, id, result, err);
    }
    engine_free(e);
    return rc;
}

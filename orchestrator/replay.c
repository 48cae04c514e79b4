/* Loading again: replay, and retry, which is the same for what has failed. */
#include "orchestrator/replay.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "orchestrator/tick.h"
#include "orchestrator/view.h"
#include "state/object.h"
#include "state/queue.h"

struct replaying {
    struct cli *c;
    const struct pipeline *p;
    const struct replay_ask *a;
    bool single; /* one partition, named */
    char who[200];
};

enum action { LEAVE, RETRY, REPLAY };

/* What would be done with one partition, and why. */
struct choice {
    enum action action;
    char reason[600];
};

static bool wanted(const struct replaying *r, const char *class)
{
    const char *only = r->a->only;

    if (only == NULL)
        return r->single || strcmp(class, "all") != 0;
    return strcmp(only, "all") == 0 || strcmp(only, class) == 0;
}

static struct choice leave(const char *why)
{
    struct choice k = {LEAVE, ""};
    snprintf(k.reason, sizeof k.reason, "%s", why);
    return k;
}

static struct choice judge(const struct replaying *r, const json_t *o)
{
    const char *state = view_str(o, "state");
    struct choice k = {LEAVE, ""};
    const json_t *jobs = json_object_get(o, "jobs"), *j;
    size_t i;

    if (strcmp(state, "SKIPPED") == 0 || strcmp(state, "ADOPTED") == 0) {
        snprintf(k.reason, sizeof k.reason, "%s by a person: orch %s --undo first", state,
                 *state == 'S' ? "skip" : "adopt");
        return k;
    }
    if (strcmp(state, "FAILED") == 0 || strcmp(state, "DEAD") == 0) {
        if (!wanted(r, "failed"))
            return leave("failed; not asked for");
        k.action = RETRY;
        json_array_foreach(jobs, i, j)
            if (strcmp(view_str(j, "state"), state) == 0)
                snprintf(k.reason, sizeof k.reason, "%s: %.500s", state, view_str(j, "message"));
        return k;
    }
    if (strcmp(state, "QUEUED") == 0 || strcmp(state, "PROCESSING") == 0) {
        snprintf(k.reason, sizeof k.reason, "%s: a tick loads it", state);
        if (strcmp(state, "QUEUED") == 0 && json_array_size(jobs) > 0 && wanted(r, "missing"))
            k.action = RETRY; /* nothing to change but to work it now */
        return k;
    }
    if (json_array_size(jobs) == 0) {
        const char *why = view_str(o, "reason");
        snprintf(k.reason, sizeof k.reason, "%s: %.300s; a tick looks again by itself", state,
                 *why != '\0' ? why : "no object has come");
        return k;
    }
    bool mismatched = strcmp(state, "MISMATCHED") == 0;
    if (!wanted(r, mismatched ? "mismatched" : "all"))
        return leave(mismatched ? "mismatched; not asked for" : "well");
    if (r->p->lineage == LINEAGE_NONE)
        return leave("REFUSED: lineage is none, so that nobody could tell which rows to replace");
    k.action = REPLAY;
    snprintf(k.reason, sizeof k.reason, "%s: loaded again, %lld rows replaced in one transaction a file",
             state, (long long)view_int(o, "rows_loaded"));
    return k;
}

struct gathering {
    int64_t *ids, bytes;
    size_t n, gone;
};

static int on_object(void *arg, const struct object_row *o, struct err *err)
{
    struct gathering *g = arg;

    UNUSED(err);
    if (strcmp(o->verdict, "GONE") == 0) {
        g->gone++;
        return 0;
    }
    g->ids = xrealloc(g->ids, (g->n + 1) * sizeof *g->ids);
    g->ids[g->n++] = o->id;
    g->bytes += o->size;
    return 0;
}

/* A new generation of everything that lies there now: one REPLAY job, or none where all objects are gone. */
static int make_replay(const struct replaying *r, const char *part, bool *ret_made, struct err *err)
{
    const struct pipeline *p = r->p;
    struct cli *c = r->c;
    struct gathering g = {0};
    int64_t id;

    *ret_made = false;
    int rc = object_list_current(c->store, p->name, part, on_object, &g, err);
    if (rc >= 0 && g.n > 0) {
        struct job_new n = {.pipeline = p->name,
                            .part = part,
                            .kind = "REPLAY",
                            .reason = r->a->reason,
                            .who = r->who,
                            .objects = g.ids,
                            .object_count = g.n,
                            .bytes = g.bytes,
                            .now_ms = clock_now_ms()};
        rc = job_create(c->store, &n, &id, err);
        *ret_made = rc >= 0;
    }
    if (rc >= 0 && g.gone > 0)
        cli_say("%s/%s: %zu objects are gone from the source and keep the rows that they gave", p->name, part,
                g.gone);
    free(g.ids);
    return rc < 0 ? rc : 0;
}

static int retry_jobs(struct cli *c, const json_t *o, struct err *err)
{
    const json_t *j;
    size_t i;
    int rc = 0;

    json_array_foreach(json_object_get(o, "jobs"), i, j) {
        const char *state = view_str(j, "state");
        if (rc >= 0 && (strcmp(state, "FAILED") == 0 || strcmp(state, "DEAD") == 0))
            rc = job_retry(c->store, view_int(j, "id"), clock_now_ms(), err);
    }
    return rc < 0 ? rc : 0;
}

/* What is asked and who asked it, in one transaction. */
static int act(const struct replaying *r, const json_t *o, enum action a, bool *ret_made, struct err *err)
{
    struct store *s = r->c->store;
    const char *part = view_str(o, "partition");
    int rc = store_begin(s, err);

    *ret_made = true;
    if (rc == 0)
        rc = a == RETRY ? retry_jobs(r->c, o, err) : make_replay(r, part, ret_made, err);
    if (rc == 0)
        rc = audit_put(s, r->who, r->a->verb, r->p->name, part, r->a->reason, clock_now_ms(), err);
    if (rc == 0)
        rc = fault_point("replay.before_commit", err);
    if (rc == 0)
        rc = store_commit(s, err);
    store_rollback(s);
    return rc < 0 ? rc : 0;
}

/* Decides and, without --dry-run, acts on every partition; rows tell. *ret_work: how many there is work for.
 */
static int go(const struct replaying *r, const json_t *list, json_t *rows, size_t *ret_work, size_t *ret_well,
              struct err *err)
{
    static const char *const names[] = {"LEAVE", "RETRY", "REPLAY"};
    const json_t *o;
    size_t i;
    int rc = 0;

    json_array_foreach(list, i, o) {
        struct choice k = judge(r, o);
        bool made = true;
        if (k.action == LEAVE && strcmp(k.reason, "well") == 0) {
            ++*ret_well;
            continue;
        }
        if (k.action != LEAVE && !r->a->dry_run)
            rc = act(r, o, k.action, &made, err);
        if (rc < 0)
            break;
        if (!made)
            k = leave("all its objects are gone from the source");
        *ret_work += k.action != LEAVE;
        json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s,s:o}", "pipeline", r->p->name, "partition",
                                              view_str(o, "partition"), "action", names[k.action], "state",
                                              view_str(o, "state"), "reason", cli_json_text(k.reason)));
    }
    return rc;
}

static void print(const struct replaying *r, const json_t *rows, size_t well)
{
    static const struct out_column columns[] = {
        {"pipeline", "PIPELINE", false, false},
        {"partition", "PARTITION", false, false},
        {"action", "ACTION", false, false},
        {"reason", "REASON", false, false},
        {0},
    };

    out_rows(&r->c->out, r->a->verb, columns, rows);
    if (r->c->out.format == OUT_TABLE && r->a->retry && json_array_size(rows) == 0)
        printf("%s: no job has failed\n", r->p->name);
    else if (r->c->out.format == OUT_TABLE && well > 0 && !r->single && !r->a->retry)
        printf("%zu partition%s well and left alone; --only all replays %s too\n", well,
               well == 1 ? " is" : "s are", well == 1 ? "it" : "them");
}

/* How it came out, on a line: the table says what was asked, and was printed before the work. */
static int say_outcome(struct cli *c, const struct pipeline *p, const json_t *rows, bool retry,
                       struct err *err)
{
    json_t *list = NULL, *counts = json_object();
    const json_t *o, *r;
    const char *state;
    size_t i, k = 0, all = 0;
    int rc = view_partitions(c->store, p, NULL, NULL, clock_now_ms(), &list, err);

    json_array_foreach(rows, i, r) {
        if (strcmp(view_str(r, "action"), "LEAVE") == 0)
            continue;
        while ((o = json_array_get(list, k)) != NULL &&
               strcmp(view_str(o, "partition"), view_str(r, "partition")) < 0)
            k++; /* both are in order */
        state = view_str(o, "state");
        json_object_set_new(counts, state, json_integer(view_int(counts, state) + 1));
        all++;
    }
    printf("%zu %s, now ", all, retry ? "retried" : "replayed");
    i = 0;
    json_object_foreach(counts, state, o)
        printf("%s%lld %s%s%s", i++ > 0 ? ", " : "", (long long)json_integer_value(o),
               out_paint(&c->out, state), state, out_plain(&c->out));
    printf("\n");
    json_decref(list);
    json_decref(counts);
    return rc;
}

int replay_run(struct cli *c, const struct replay_ask *a, struct err *err)
{
    struct replaying r = {.c = c, .a = a};
    char part[PART_SIZE] = "";
    json_t *list = NULL, *rows = json_array();
    size_t work = 0, well = 0;
    int rc = cli_flow(c, c->args.items[0], &r.p, part, err);

    const struct pipeline *p = r.p;
    bool single = r.single = part[0] != '\0';
    cli_who(r.who, sizeof r.who);
    if (rc == 0 && single && (a->from != NULL || a->to != NULL))
        rc = err_set(err, ERR_USAGE, "a partition, or --from and --to: one of the two");
    if (rc == 0)
        rc = cli_range(p, a->from, a->to, err);
    if (rc == 0)
        rc = cli_store(c, STORE_CREATE, err);
    if (rc == 0)
        rc = view_partitions(c->store, p, single ? part : a->from, single ? part : a->to, clock_now_ms(),
                             &list, err);
    if (rc == 0 && single && json_array_size(list) == 0)
        rc =
            err_set(err, ERR_NOT_FOUND, "%s/%s is not closed yet, or outside since and until", p->name, part);
    if (rc == 0)
        rc = go(&r, list, rows, &work, &well, err);
    if (rc == 0)
        print(&r, rows, well);
    if (rc == 0 && work > 0 && !a->dry_run && !a->queue_only) {
        struct tick_options o = {
            .pipeline = p->name, .partition = single ? part : NULL, .force = true, .linger_ms = -1};
        cli_signals();
        fflush(stdout); /* what tick_run says comes after what was asked */
        rc = tick_run(c->config, c->store, &o, err);
        if (rc >= 0 && c->out.format == OUT_TABLE && say_outcome(c, p, rows, a->retry, err) < 0)
            rc = -(int)err->code;
    }
    json_decref(list);
    json_decref(rows);
    return rc;
}

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
    struct store *s;
    const struct pipeline *p;
    const struct replay_ask *a;
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
        return r->a->part != NULL || strcmp(class, "all") != 0;
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
    struct gathering g = {0};
    int64_t id;

    *ret_made = false;
    int rc = object_list_current(r->s, p->name, part, on_object, &g, err);
    if (rc >= 0 && g.n > 0) {
        struct job_new n = {.pipeline = p->name,
                            .part = part,
                            .kind = "REPLAY",
                            .reason = r->a->reason,
                            .who = r->a->who,
                            .objects = g.ids,
                            .object_count = g.n,
                            .bytes = g.bytes,
                            .now_ms = clock_now_ms()};
        rc = job_create(r->s, &n, &id, err);
        *ret_made = rc >= 0;
    }
    if (rc >= 0 && g.gone > 0)
        cli_say("%s/%s: %zu objects are gone from the source and keep the rows that they gave", p->name, part,
                g.gone);
    free(g.ids);
    return rc < 0 ? rc : 0;
}

static int retry_jobs(struct store *s, const json_t *o, struct err *err)
{
    const json_t *j;
    size_t i;
    int rc = 0;

    json_array_foreach(json_object_get(o, "jobs"), i, j) {
        const char *state = view_str(j, "state");
        if (rc >= 0 && (strcmp(state, "FAILED") == 0 || strcmp(state, "DEAD") == 0))
            rc = job_retry(s, view_int(j, "id"), clock_now_ms(), err);
    }
    return rc < 0 ? rc : 0;
}

/* What is asked and who asked it, in one transaction. */
static int act(const struct replaying *r, const json_t *o, enum action a, bool *ret_made, struct err *err)
{
    struct store *s = r->s;
    const char *part = view_str(o, "partition");
    int rc = store_begin(s, err);

    *ret_made = true;
    if (rc == 0)
        rc = a == RETRY ? retry_jobs(s, o, err) : make_replay(r, part, ret_made, err);
    if (rc == 0)
        rc = audit_put(s, r->a->who, r->a->verb, r->p->name, part, r->a->reason, clock_now_ms(), err);
    if (rc == 0 && r->a->acted != NULL)
        rc = r->a->acted(r->a->arg, part, err);
    if (rc == 0)
        rc = fault_point("replay.before_commit", err);
    if (rc == 0)
        rc = store_commit(s, err);
    store_rollback(s);
    return rc < 0 ? rc : 0;
}

static int go(const struct replaying *r, const json_t *list, json_t *rows, struct replay_count *ret,
              struct err *err)
{
    static const char *const names[] = {"LEAVE", "RETRY", "REPLAY"};
    const json_t *o;
    size_t i;
    int rc = 0;

    json_array_foreach(list, i, o) {
        if (r->a->behind != NULL && strcmp(view_str(o, "partition"), r->a->behind) <= 0)
            continue;
        struct choice k = judge(r, o);
        bool made = true;
        if (k.action == LEAVE && strcmp(k.reason, "well") == 0) {
            ret->well++;
            continue;
        }
        if (k.action != LEAVE && !r->a->dry_run)
            rc = act(r, o, k.action, &made, err);
        if (rc < 0)
            break;
        if (!made)
            k = leave("all its objects are gone from the source");
        ret->work += k.action != LEAVE;
        json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s,s:o}", "pipeline", r->p->name, "partition",
                                              view_str(o, "partition"), "action", names[k.action], "state",
                                              view_str(o, "state"), "reason", cli_json_text(k.reason)));
    }
    return rc;
}

int replay_queue(struct store *s, const struct pipeline *p, const struct replay_ask *a, json_t *rows,
                 struct replay_count *ret, struct err *err)
{
    const struct replaying r = {s, p, a};
    const char *from = a->part != NULL ? a->part : a->from, *to = a->part != NULL ? a->part : a->to;
    json_t *list = NULL;
    int rc = view_partitions(s, p, from, to, clock_now_ms(), &list, err);

    *ret = (struct replay_count){0};
    if (rc == 0 && a->part != NULL && json_array_size(list) == 0)
        rc = err_set(err, ERR_NOT_FOUND, "%s/%s is not closed yet, or outside since and until", p->name,
                     a->part);
    if (rc == 0)
        rc = go(&r, list, rows, ret, err);
    json_decref(list);
    return rc;
}

int replay_only(const char *only, struct err *err)
{
    static const char *const known[] = {"missing", "failed", "mismatched", "all", NULL};

    for (int i = 0; only != NULL && known[i] != NULL; i++)
        if (strcmp(known[i], only) == 0)
            return 0;
    return only == NULL
               ? 0
               : err_set(err, ERR_USAGE, "only: missing, failed, mismatched or all, not '%.40s'", only);
}

/* ---- by command ---- */

static void print(const struct cli *c, const struct pipeline *p, const struct replay_ask *a,
                  const json_t *rows, size_t well)
{
    static const struct out_column columns[] = {
        {"pipeline", "PIPELINE", false, false},
        {"partition", "PARTITION", false, false},
        {"action", "ACTION", false, false},
        {"reason", "REASON", false, false},
        {0},
    };

    out_rows(&c->out, a->verb, columns, rows);
    if (c->out.format == OUT_TABLE && a->retry && json_array_size(rows) == 0)
        printf("%s: no job has failed\n", p->name);
    else if (c->out.format == OUT_TABLE && well > 0 && a->part == NULL && !a->retry)
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
    struct replay_ask mine = *a;
    struct replay_count n = {0};
    const struct pipeline *p = NULL;
    char part[PART_SIZE] = "", who[200];
    json_t *rows = json_array();
    int rc = cli_flow(c, c->args.items[0], &p, part, err);

    mine.part = part[0] != '\0' ? part : NULL;
    mine.who = cli_who(who, sizeof who);
    if (rc == 0 && mine.part != NULL && (a->from != NULL || a->to != NULL))
        rc = err_set(err, ERR_USAGE, "a partition, or --from and --to: one of the two");
    if (rc == 0)
        rc = cli_range(p, a->from, a->to, err);
    if (rc == 0)
        rc = cli_store(c, STORE_CREATE, err);
    if (rc == 0)
        rc = replay_queue(c->store, p, &mine, rows, &n, err);
    if (rc == 0)
        print(c, p, &mine, rows, n.well);
    if (rc == 0 && n.work > 0 && !a->dry_run && !a->queue_only) {
        struct tick_options o = {.pipeline = p->name, .partition = mine.part, .force = true, .linger_ms = -1};
        cli_signals();
        fflush(stdout); /* what tick_run says comes after what was asked */
        rc = tick_run(c->config, c->store, &o, err);
        if (rc >= 0 && c->out.format == OUT_TABLE && say_outcome(c, p, rows, a->retry, err) < 0)
            rc = -(int)err->code;
    }
    json_decref(rows);
    return rc;
}

#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "orchestrator/tick.h"
#include "orchestrator/view.h"
#include "state/object.h"
#include "state/queue.h"

static const char *from, *to, *only, *reason = "";
static bool dry_run, queue_only;
static const struct opt opts[] = {
    {"from", 0, OPT_TEXT, &from, "PARTITION", "first one, itself included"},
    {"to", 0, OPT_TEXT, &to, "PARTITION", "last one, itself included"},
    {"only", 0, OPT_TEXT, &only, "WHICH",
     "missing, failed, mismatched or all (one partition: all; else what is not well)"},
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "why; kept with the job and in the target's ledger"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "one line with a reason per partition; change nothing"},
    {"queue", 0, OPT_FLAG, &queue_only, NULL, "leave the work to the next tick"},
    {0},
};

enum action { LEAVE, RETRY, REPLAY };

/* What would be done with one partition, and why. */
struct choice {
    enum action action;
    char reason[600];
};

static bool wanted(const char *class, bool single)
{
    if (only == NULL)
        return single || strcmp(class, "all") != 0;
    return strcmp(only, "all") == 0 || strcmp(only, class) == 0;
}

static struct choice leave(const char *why)
{
    struct choice k = {LEAVE, ""};
    snprintf(k.reason, sizeof k.reason, "%s", why);
    return k;
}

static struct choice judge(const struct pipeline *p, const json_t *o, bool single)
{
    const char *state = view_str(o, "state");
    struct choice k = {LEAVE, ""};
    const json_t *jobs = json_object_get(o, "jobs"), *j;
    size_t i;

    if (strcmp(state, "SKIPPED") == 0 || strcmp(state, "ADOPTED") == 0) {
        snprintf(k.reason, sizeof k.reason, "%s by a person: orch skip --undo first", state);
        return k;
    }
    if (strcmp(state, "FAILED") == 0 || strcmp(state, "DEAD") == 0) {
        if (!wanted("failed", single))
            return leave("failed; not asked for");
        k.action = RETRY;
        json_array_foreach(jobs, i, j)
            if (strcmp(view_str(j, "state"), state) == 0)
                snprintf(k.reason, sizeof k.reason, "%s: %.500s", state, view_str(j, "message"));
        return k;
    }
    if (strcmp(state, "QUEUED") == 0 || strcmp(state, "PROCESSING") == 0) {
        snprintf(k.reason, sizeof k.reason, "%s: a tick loads it", state);
        if (strcmp(state, "QUEUED") == 0 && json_array_size(jobs) > 0 && wanted("missing", single))
            k.action = RETRY; /* nothing to change but to work it now */
        return k;
    }
    if (json_array_size(jobs) == 0) {
        snprintf(k.reason, sizeof k.reason, "%s: no object has come; a tick looks again by itself", state);
        return k;
    }
    bool mismatched = strcmp(state, "MISMATCHED") == 0;
    if (!wanted(mismatched ? "mismatched" : "all", single))
        return leave(mismatched ? "mismatched; not asked for" : "well");
    if (p->lineage == LINEAGE_NONE)
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
static int make_replay(struct cli *c, const struct pipeline *p, const char *part, bool *ret_made,
                       struct err *err)
{
    struct gathering g = {0};
    char who[200];
    int64_t id;
    int rc = store_begin(c->store, err);

    *ret_made = false;
    if (rc < 0)
        return rc;
    rc = object_list_current(c->store, p->name, part, on_object, &g, err);
    if (rc >= 0 && g.n > 0) {
        struct job_new n = {.pipeline = p->name,
                            .part = part,
                            .kind = "REPLAY",
                            .reason = reason,
                            .who = cli_who(who, sizeof who),
                            .objects = g.ids,
                            .object_count = g.n,
                            .bytes = g.bytes,
                            .now_ms = clock_now_ms()};
        rc = job_create(c->store, &n, &id, err);
        *ret_made = rc >= 0;
    }
    if (rc >= 0)
        rc = fault_point("replay.before_commit", err);
    if (rc >= 0)
        rc = store_commit(c->store, err);
    store_rollback(c->store);
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

static int act(struct cli *c, const struct pipeline *p, const json_t *o, enum action a, bool *ret_made,
               struct err *err)
{
    const char *part = view_str(o, "partition");
    char who[200];
    int rc;

    *ret_made = true;
    rc = a == RETRY ? retry_jobs(c, o, err) : make_replay(c, p, part, ret_made, err);
    if (rc == 0)
        rc = audit_put(c->store, cli_who(who, sizeof who), "replay", p->name, part, reason, clock_now_ms(),
                       err);
    return rc < 0 ? rc : 0;
}

/* Decides and, without --dry-run, acts on every partition; rows tell. *ret_work: how many there is work for.
 */
static int go(struct cli *c, const struct pipeline *p, const json_t *list, bool single, json_t *rows,
              size_t *ret_work, size_t *ret_well, struct err *err)
{
    static const char *const names[] = {"LEAVE", "RETRY", "REPLAY"};
    const json_t *o;
    size_t i;
    int rc = 0;

    json_array_foreach(list, i, o) {
        struct choice k = judge(p, o, single);
        bool made = true;
        if (k.action == LEAVE && strcmp(k.reason, "well") == 0) {
            ++*ret_well;
            continue;
        }
        if (k.action != LEAVE && !dry_run)
            rc = act(c, p, o, k.action, &made, err);
        if (rc < 0)
            break;
        if (!made)
            k = leave("all its objects are gone from the source");
        *ret_work += k.action != LEAVE;
        json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s,s:o}", "pipeline", p->name, "partition",
                                              view_str(o, "partition"), "action", names[k.action], "state",
                                              view_str(o, "state"), "reason", cli_json_text(k.reason)));
    }
    return rc;
}

static int check_words(struct err *err)
{
    static const char *const known[] = {"missing", "failed", "mismatched", "all", NULL};
    bool good = only == NULL;

    for (int i = 0; known[i] != NULL && !good; i++)
        good = strcmp(known[i], only) == 0;
    if (!good)
        return err_set(err, ERR_USAGE, "--only knows missing, failed, mismatched and all");
    return 0;
}

static void print(struct cli *c, const json_t *rows, size_t well, bool single)
{
    static const struct out_column columns[] = {
        {"pipeline", "PIPELINE", false, false},
        {"partition", "PARTITION", false, false},
        {"action", "ACTION", false, false},
        {"reason", "REASON", false, false},
        {0},
    };

    out_rows(&c->out, "replay", columns, rows);
    if (c->out.format == OUT_TABLE && well > 0 && !single)
        printf("%zu partition%s well and left alone; --only all replays %s too\n", well,
               well == 1 ? " is" : "s are", well == 1 ? "it" : "them");
}

/* How it came out, on a line: the table says what was asked, and was printed before the work. */
static int say_outcome(struct cli *c, const struct pipeline *p, const json_t *rows, struct err *err)
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
    printf("%zu replayed, now ", all);
    i = 0;
    json_object_foreach(counts, state, o)
        printf("%s%lld %s%s%s", i++ > 0 ? ", " : "", (long long)json_integer_value(o),
               out_paint(&c->out, state), state, out_plain(&c->out));
    printf("\n");
    json_decref(list);
    json_decref(counts);
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    const struct pipeline *p = NULL;
    char part[PART_SIZE] = "";
    json_t *list = NULL, *rows = json_array();
    size_t work = 0, well = 0;
    int rc = check_words(err);

    if (rc == 0)
        rc = cli_flow(c, c->args.items[0], &p, part, err);
    bool single = part[0] != '\0';
    if (rc == 0 && single && (from != NULL || to != NULL))
        rc = err_set(err, ERR_USAGE, "a partition, or --from and --to: one of the two");
    if (rc == 0)
        rc = cli_range(p, from, to, err);
    if (rc == 0)
        rc = cli_store(c, STORE_CREATE, err);
    if (rc == 0)
        rc = view_partitions(c->store, p, single ? part : from, single ? part : to, clock_now_ms(), &list,
                             err);
    if (rc == 0 && single && json_array_size(list) == 0)
        rc =
            err_set(err, ERR_NOT_FOUND, "%s/%s is not closed yet, or outside since and until", p->name, part);
    if (rc == 0)
        rc = go(c, p, list, single, rows, &work, &well, err);
    if (rc == 0)
        print(c, rows, well, single);
    if (rc == 0 && work > 0 && !dry_run && !queue_only) {
        struct tick_options o = {
            .pipeline = p->name, .partition = single ? part : NULL, .force = true, .linger_ms = -1};
        cli_signals();
        fflush(stdout); /* what tick_run says comes after what was asked */
        rc = tick_run(c->config, c->store, &o, err);
        if (rc >= 0 && c->out.format == OUT_TABLE && say_outcome(c, p, rows, err) < 0)
            rc = -(int)err->code;
    }
    json_decref(list);
    json_decref(rows);
    return rc;
}

const struct command cmd_replay = {
    "replay",
    "PIPELINE[/PARTITION]",
    "Loads hours again, without doubling a row.",
    "What is loaded gets a new generation that replaces the old one in one transaction; what failed is tried "
    "again.\n"
    "Works at once, unless --queue.\n\n"
    "  orch replay loans/2022-06-05T12 --reason 'the bank sent a correction'\n"
    "  orch replay loans --from 2022-06-05T00 --to 2022-06-05T23 --only failed --dry-run\n",
    opts,
    1,
    1,
    run,
};

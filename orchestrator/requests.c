#include "orchestrator/requests.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "orchestrator/backup_place.h"
#include "orchestrator/decision.h"
#include "orchestrator/lock.h"
#include "orchestrator/replay.h"
#include "orchestrator/tick_int.h"
#include "orchestrator/view.h"
#include "steps/backup.h"

enum {
    PARALLEL = 4, /* as orch backup has it */
    /* No request is put off for so long: what says so was written by a clock that was wrong. */
    LONGEST_WAIT_MS = 60 * 60 * 1000,
};
struct open_one { /* queued for its pipeline: ended behind it */
    int64_t id;
    struct lock *lock;
    const struct flow *flow; /* of its pipeline */
    char *from, *to;         /* owned; NULL: open */
};
struct requests {
    struct tick *t;
    char *locks;
    /* a set: pipelines of requests that wait or are worked elsewhere. What came later waits too */
    json_t *busy;
    struct open_one *open;
    size_t open_count;
};

static const char *text_of(const json_t *args, const char *name)
{
    return json_string_value(json_object_get(args, name));
}

static struct cli cli_of(const struct tick *t)
{
    return (struct cli){.verb = "tick", .config = (struct config *)(uintptr_t)t->config, .store = t->store};
}

/* ---- what each does ---- */

struct doing {
    struct requests *q;
    const struct request *r;
    const json_t *args;
    json_t *result;                /* owned */
    const struct flow *stays_open; /* what it was queued for; NULL: it is done */
};

static int on_acted(void *arg, const char *part, struct err *err)
{
    const struct doing *d = arg;

    return request_reached(d->q->t->store, d->r->id, part, err);
}

static struct flow *flow_of(struct tick *t, const char *pipeline)
{
    for (size_t i = 0; i < t->flow_count; i++)
        if (strcmp(t->flows[i].p->name, pipeline) == 0 && t->flows[i].p->extract == NULL)
            return &t->flows[i];
    return NULL;
}

static int no_pipeline(const struct doing *d, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "the pipeline %s is no longer in the config", d->r->pipeline);
}

static int replay(struct doing *d, struct err *err)
{
    struct tick *t = d->q->t;
    struct flow *f = flow_of(t, d->r->pipeline);
    struct replay_count n;
    const struct replay_ask ask = {.verb = d->r->kind,
                                   .part = text_of(d->args, "partition"),
                                   .from = text_of(d->args, "from"),
                                   .to = text_of(d->args, "to"),
                                   .only =
                                       strcmp(d->r->kind, "retry") == 0 ? "failed" : text_of(d->args, "only"),
                                   .retry = strcmp(d->r->kind, "retry") == 0,
                                   .reason = d->r->reason,
                                   .who = d->r->who,
                                   .behind = d->r->reached,
                                   .acted = on_acted,
                                   .arg = d};

    if (f == NULL)
        return no_pipeline(d, err);
    json_t *rows = json_array();
    int rc = replay_queue(t->store, f->p, &ask, rows, &n, err);
    json_decref(rows);
    if (rc == 0) {
        f->asked = true;
        d->stays_open = f;
    }
    return rc;
}

static int skip(struct doing *d, struct err *err)
{
    struct cli c = cli_of(d->q->t);
    const struct flow *f = flow_of(d->q->t, d->r->pipeline);
    const struct skip_ask ask = {.part = text_of(d->args, "partition"),
                                 .reason = d->r->reason,
                                 .who = d->r->who,
                                 .undo = json_is_true(json_object_get(d->args, "undo"))};
    char said[SKIP_SAID_SIZE];

    if (f == NULL)
        return no_pipeline(d, err);
    int rc = skip_partition(&c, f->p, &ask, said, err);
    if (rc >= 0)
        d->result = json_pack("{s:s}", "said", said);
    return rc < 0 ? rc : 0;
}

/* What an attempt before this one took whole is there, though its process died before it could say so. */
static int on_named(void *arg, const char *run, struct err *err)
{
    const struct doing *d = arg;

    return request_named(d->q->t->store, d->r->id, run, err);
}

static int backup(struct doing *d, struct err *err)
{
    struct cli c = cli_of(d->q->t);
    const json_t *list = json_object_get(d->args, "tables"), *item;
    const char *codec = text_of(d->args, "codec");
    const char **tables = xcalloc(json_array_size(list) + 1, sizeof *tables);
    struct backup_place place;
    size_t i;
    int rc = backup_place_served(&c, &place, err);

    json_array_foreach(list, i, item)
        tables[i] = json_string_value(item);
    const struct backup_request q = {.target = place.target,
                                     .place = place.place,
                                     .tables = tables,
                                     .count = json_array_size(list),
                                     .codec = codec != NULL ? codec : "deflate",
                                     .parallel = PARALLEL,
                                     .beat = &backup_beat,
                                     .named = on_named,
                                     .arg = d};
    json_t *rows = json_array();
    if (rc == 0 && d->r->reached[0] != '\0')
        rc = backup_found(q.place, q.tables, q.count, d->r->reached, rows, err);
    if (rc == 0)
        rc = backup_tables(&q, rows, err);
    rc = rc < 0 ? rc : 0;
    if (rc == 0)
        d->result = json_pack("{s:O}", "backups", rows);
    json_decref(rows);
    backup_place_close(&place);
    free(tables);
    return rc;
}

static int restore(struct doing *d, struct err *err)
{
    struct cli c = cli_of(d->q->t);
    const char *table = text_of(d->args, "table"), *into = text_of(d->args, "into");
    struct backup_place place;
    json_t *done = NULL;
    bool empty = json_is_true(json_object_get(d->args, "empty"));
    int rc = backup_place_served(&c, &place, err);
    const struct restore_request q = {.target = place.target,
                                      .place = place.place,
                                      .table = table,
                                      .into = into != NULL ? into : table,
                                      .run = text_of(d->args, "run"),
                                      .empty = empty,
                                      .dry = json_is_true(json_object_get(d->args, "dry_run")),
                                      .beat = &backup_beat};

    if (rc == 0)
        rc = restore_backup(&q, &done, err);
    if (rc == 0)
        d->result = json_pack("{s:O}", "restore", done);
    /* An attempt before this one may have come to its COMMIT: its process died, or the answer was lost. */
    if (rc < 0 && !empty && !q.dry && d->r->attempts > 0 && err->native == TARGET_HAS_ROWS)
        rc = err_hint(err,
                      "an attempt before this one died, or had no answer to its COMMIT: the rows may be the "
                      "restored ones, all of them; compare, or ask again with empty");
    json_decref(done);
    backup_place_close(&place);
    return rc;
}

static int act(struct doing *d, struct err *err)
{
    static const struct {
        const char *kind;
        int (*fn)(struct doing *d, struct err *err);
    } kinds[] = {
        {"replay", replay}, {"retry", replay}, {"skip", skip}, {"backup", backup}, {"restore", restore}};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, d->r->kind) == 0)
            return kinds[i].fn(d, err);
    return err_set(err, ERR_INTERNAL, "nobody knows requests of kind '%s'", d->r->kind);
}

/* ---- one request ---- */

static int write_end(struct store *s, int64_t id, const json_t *result, struct err *err)
{
    char *text = result != NULL ? json_text(result) : NULL;
    const struct request_end e = {.state = "DONE", .result = text, .now_ms = clock_now_ms()};
    int rc = fault_point("request.before_done", err);

    if (rc == 0)
        rc = request_end(s, id, &e, err);
    free(text);
    return rc;
}

/* What a server's absence kept from being done is tried again by later ticks; what a signal stopped stays RUNNING. */
static int write_failure(struct requests *q, const struct request *r, const struct err *why, struct err *err)
{
    int64_t now = clock_now_ms(), tries = r->attempts + 1, pause = 60000;
    bool weather = err_exit_status(why->code) == 75 && tries < REQUEST_TRIES;
    for (int64_t i = 1; i < tries && i < REQUEST_TRIES; i++)
        pause *= 2;
    const struct request_end e = {.state = weather ? "QUEUED" : "FAILED",
                                  .error = err_asl(why),
                                  .message = why->msg,
                                  .hint = why->hint,
                                  .not_before_ms = weather ? now + pause : 0,
                                  .now_ms = now};

    if (why->code == ERR_CANCELLED && engine_stop_signal)
        return 0;
    return request_end(q->t->store, r->id, &e, err);
}

static void keep_open(struct requests *q, const struct doing *d, struct lock *lock)
{
    const char *part = text_of(d->args, "partition"), *from = text_of(d->args, "from"),
               *to = text_of(d->args, "to");

    q->open = xrealloc(q->open, (q->open_count + 1) * sizeof *q->open);
    q->open[q->open_count++] = (struct open_one){.id = d->r->id,
                                                 .lock = lock,
                                                 .flow = d->stays_open,
                                                 .from = part != NULL   ? xstrdup(part)
                                                         : from != NULL ? xstrdup(from)
                                                                        : NULL,
                                                 .to = part != NULL ? xstrdup(part)
                                                       : to != NULL ? xstrdup(to)
                                                                    : NULL};
}

/* Its lock is ours. *ret_open: it is kept, with the lock. */
static int work(struct requests *q, const struct request *r, struct lock *lock, bool *ret_open,
                struct err *err)
{
    struct doing d = {.q = q, .r = r};
    json_t *args = NULL;
    struct err why = {0};
    int rc = request_begin(q->t->store, r->id, clock_now_ms(), err);

    if (rc == 0)
        rc = fault_point("request.begun", err);
    if (rc < 0)
        return rc;
    if (r->attempts >= REQUEST_DEATHS)
        rc =
            err_set(&why, ERR_INTERNAL, "its process died or was stopped %lld times", (long long)r->attempts);
    if (rc == 0)
        rc = json_parse(r->args, strlen(r->args), "arguments", &args, &why);
    d.args = args;
    if (rc == 0)
        rc = act(&d, &why);
    if (rc < 0) {
        rc = write_failure(q, r, &why, err);
    } else if (d.stays_open) {
        keep_open(q, &d, lock);
        *ret_open = true;
    } else {
        rc = write_end(q->t->store, r->id, d.result, err);
    }
    json_decref(d.result);
    json_decref(args);
    return rc;
}

/* Behind what is queued for its pipeline and not worked yet, more may be queued; what decides now waits until that has ended. */
static bool must_wait(struct requests *q, const struct request *r)
{
    bool queues = strcmp(r->kind, "replay") == 0 || strcmp(r->kind, "retry") == 0;

    for (size_t i = 0; !queues && i < q->open_count; i++)
        if (strcmp(q->open[i].flow->p->name, r->pipeline) == 0)
            return true;
    return json_object_get(q->busy, r->pipeline) != NULL;
}

static int take(struct requests *q, int64_t id, struct err *err)
{
    struct request r = {0};
    struct lock *lock = NULL;
    char name[48];
    bool open = false;

    snprintf(name, sizeof name, "request-%lld", (long long)id);
    int rc = lock_take(q->locks, name, &lock, err), mine = rc;
    if (rc >= 0)
        rc = request_get(q->t->store, id, &r, err); /* as it is now that nobody else changes it */
    bool waits = rc == 0 && (strcmp(r.state, "QUEUED") == 0 || strcmp(r.state, "RUNNING") == 0);
    bool later =
        waits && (mine == 0 || must_wait(q, &r) ||
                  (r.not_before_ms > clock_now_ms() && r.not_before_ms < clock_now_ms() + LONGEST_WAIT_MS));
    if (later)
        json_object_set_new(q->busy, r.pipeline, json_true());
    else if (waits)
        rc = work(q, &r, lock, &open, err);
    if (!open)
        lock_release(lock);
    request_release(&r);
    return rc;
}

int requests_work(struct tick *t, struct requests **ret, struct err *err)
{
    struct requests *q = xcalloc(1, sizeof *q);
    struct request r = {0};
    int64_t id = 0;
    int rc = 0;

    *q = (struct requests){
        .t = t, .locks = xasprintf("%s.locks", store_path(t->store)), .busy = json_object()};
    *ret = q;
    while (rc >= 0 && !engine_stop_signal) {
        rc = request_next(t->store, id, &r, err);
        if (rc <= 0)
            break;
        id = r.id;
        request_release(&r);
        rc = take(q, id, err);
    }
    return rc < 0 ? rc : 0;
}

/* ---- behind the pipelines ---- */

static int on_part(void *arg, const struct view_part *p, struct err *err)
{
    int64_t *counts = arg;

    UNUSED(err);
    counts[p->state]++;
    return 0;
}

static int end_one(struct requests *q, const struct open_one *o, struct err *err)
{
    int64_t counts[VIEW_STATES] = {0};
    struct request r = {0};
    int rc = request_get(q->t->store, o->id, &r, err);

    if (rc == 0)
        rc = view_each(q->t->store, o->flow->p, o->from, o->to, clock_now_ms(), VIEW_BRIEF, on_part, counts,
                       err);
    json_t *states = json_object(),
           *result = json_pack("{s:I,s:O}", "acted", (json_int_t)r.acted, "states", states);
    for (enum view_state s = 0; s < VIEW_STATES; s++)
        if (counts[s] > 0)
            json_object_set_new(states, view_state_name(s), json_integer(counts[s]));
    if (rc == 0)
        rc = write_end(q->t->store, o->id, result, err);
    json_decref(states);
    json_decref(result);
    request_release(&r);
    return rc;
}

/* A run of it waits, here or elsewhere, or the tick had enough: the next one goes on. */
static bool goes_on(const struct open_one *o)
{
    const struct flow *f = o->flow;

    return f->wake_ms > 0 || f->held || f->more;
}

int requests_end(struct requests *q, bool whole, struct err *err)
{
    int rc = 0;

    if (q == NULL)
        return 0;
    for (size_t i = 0; i < q->open_count; i++) {
        if (whole && rc == 0)
            rc = goes_on(&q->open[i]) ? request_again(q->t->store, q->open[i].id, err)
                                      : end_one(q, &q->open[i], err);
        lock_release(q->open[i].lock);
        free(q->open[i].from);
        free(q->open[i].to);
    }
    free(q->open);
    free(q->locks);
    json_decref(q->busy);
    free(q);
    return rc;
}

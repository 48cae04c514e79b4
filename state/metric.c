#include "state/metric.h"
#include "base/mem.h"
#include "state/queue_int.h"

const int64_t state_bucket_ms[STATE_BUCKETS - 1] = {100,   500,    1000,   5000,    15000,
                                                    60000, 300000, 900000, 3600000, 14400000};

int counter_add(struct store *s, const char *name, const char *pipeline, const char *label, int64_t n,
                struct err *err)
{
    sqlite3_stmt *st;
    int rc = n > 0 ? store_stmt(s, SQL_STATE_COUNTER_ADD, &st, err) : 0;

    if (rc < 0 || n <= 0)
        return rc;
    bind_text(st, 1, name);
    bind_text(st, 2, pipeline);
    bind_text(st, 3, label);
    bind_i64(st, 4, n);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

static int counter_raise(struct store *s, const char *name, const char *pipeline, int64_t to, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_COUNTER_RAISE, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, name);
    bind_text(st, 2, pipeline);
    bind_i64(st, 3, to);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int counter_intake(struct store *s, const char *table, int64_t stored, int64_t rejected, int64_t at_ms,
                   struct err *err)
{
    int rc = counter_add(s, "orch_intake_rows_total", table, "stored", stored, err);

    if (rc == 0)
        rc = counter_add(s, "orch_intake_rows_total", table, "rejected", rejected, err);
    return rc < 0 ? rc : counter_raise(s, "orch_intake_last", table, at_ms, err);
}

int counter_list(struct store *s,
                 int (*fn)(void *arg, const char *name, const char *pipeline, const char *label,
                           int64_t value, struct err *err),
                 void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_COUNTER_LIST, &st, err);

    while (rc >= 0 && (rc = stmt_step(s, st, err)) > 0) {
        char *name = col_text(st, 0), *pipeline = col_text(st, 1), *label = col_text(st, 2);
        rc = fn(arg, name, pipeline, label, col_i64(st, 3), err);
        free(name);
        free(pipeline);
        free(label);
        if (rc < 0)
            stmt_done(st);
    }
    return rc;
}

static int count_duration(struct store *s, const char *pipeline, const char *state, int64_t ms,
                          struct err *err)
{
    int bucket = 0;

    while (bucket < STATE_BUCKETS - 1 && ms > state_bucket_ms[bucket])
        bucket++;
    char *label = xasprintf("%s\x01%02d", state, bucket), *sum = xasprintf("%s\x01ms", state);
    int rc = counter_add(s, "orch_state_duration", pipeline, label, 1, err);
    if (rc == 0)
        rc = counter_add(s, "orch_state_duration", pipeline, sum, ms, err);
    free(label);
    free(sum);
    return rc;
}

int counter_state_left(struct store *s, const char *pipeline, const char *state, int64_t entered_ms,
                       int64_t now_ms, struct err *err)
{
    /* entered in the future: the clock was set back; how long it took is not known */
    return entered_ms > 0 && entered_ms <= now_ms
               ? count_duration(s, pipeline, state, now_ms - entered_ms, err)
               : 0;
}

/* ---- gauges ---- */

/* Of several jobs the heaviest is the partition's state; what a person decided beats all, what a listing found none. */
static const struct {
    const char *name;
    int weight;
    bool well;
} states[] = {{"WAITING", 0, false},    {"LATE", 0, false},       {"EMPTY", 2, true},
              {"QUEUED", 5, false},     {"PROCESSING", 6, false}, {"LOADED", 4, false},
              {"RECONCILED", 3, true},  {"FAILED", 8, false},     {"DEAD", 9, false},
              {"MISMATCHED", 7, false}, {"SKIPPED", 12, true},    {"ADOPTED", 12, true}};
enum { WEIGHT_LISTED = 1, WEIGHT_DECIDED = 12 };

struct tally {
    int64_t count[ARRAY_LEN(states)];
    int64_t by_jobs; /* partitions that say QUEUED and have jobs that tell */
    struct standing *st;
    /* the partition whose rows are being read: its heaviest so far */
    char part[16];
    size_t state;
    int weight;
    bool well, own; /* own: it has a word of its own */
};

static size_t state_at(const char *name)
{
    size_t i = 0;

    while (i < ARRAY_LEN(states) - 1 && strcmp(states[i].name, name) != 0)
        i++;
    return i;
}

static void close_part(struct tally *t)
{
    if (t->part[0] == '\0')
        return;
    t->count[t->state]++;
    t->st->parts++;
    t->st->well += t->well;
    t->by_jobs += !t->own;
    if (t->well && t->weight < WEIGHT_DECIDED)
        memcpy(t->st->newest, t->part, sizeof t->part);
}

/* counted: each row stands in the counts as if it were a partition of its own, and is taken out of them. */
static int read_parts(struct store *s, sqlite3_stmt *st, bool counted, struct tally *t, struct err *err)
{
    int rc;

    while ((rc = stmt_step(s, st, err)) > 0) {
        const char *part = (const char *)sqlite3_column_text(st, 0);
        size_t state = state_at((const char *)sqlite3_column_text(st, 1));
        bool own = col_i64(st, 3) != 0, unverifiable = col_i64(st, 2) != 0;
        int weight = own && states[state].weight < WEIGHT_DECIDED ? WEIGHT_LISTED : states[state].weight;
        bool well = states[state].well || (unverifiable && strcmp(states[state].name, "LOADED") == 0);
        if (counted) {
            t->count[state]--;
            t->st->parts--;
            t->st->well -= well;
            t->by_jobs -= !own;
        }
        if (strcmp(part, t->part) != 0) {
            close_part(t);
            snprintf(t->part, sizeof t->part, "%s", part);
            t->weight = -1;
            t->own = false;
        }
        t->own = t->own || own;
        if (weight == t->weight) /* of two jobs that are LOADED one may be verifiable */
            t->well = t->well && well;
        if (weight <= t->weight)
            continue;
        t->weight = weight;
        t->state = state;
        t->well = well;
    }
    close_part(t);
    return rc;
}

static int in_range(struct store *s, enum sql_state_id id, const char *pipeline, const char *from,
                    const char *to, sqlite3_stmt **ret, struct err *err)
{
    int rc = store_stmt(s, id, ret, err);

    if (rc < 0)
        return rc;
    bind_text(*ret, 1, pipeline);
    bind_text(*ret, 2, from);
    if (to != NULL)
        bind_text(*ret, 3, to);
    return 0;
}

struct range { /* borrowed */
    const char *pipeline, *from, *to;
};

static int count_of(struct store *s, enum sql_state_id id, const struct range *r, const char *state,
                    int64_t *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = in_range(s, id, r->pipeline, r->from, r->to, &st, err);

    if (rc == 0 && state != NULL)
        bind_text(st, 4, state);
    if (rc == 0)
        rc = query_i64(s, st, ret, err);
    return rc < 0 ? rc : 0;
}

/* As if every partition had one job, or none and a word of its own. */
static int count_plain(struct store *s, const struct range *r, struct tally *t, struct err *err)
{
    int64_t n, loaded = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(states); i++) {
        int64_t jobs = 0, own = 0;
        rc = count_of(s, SQL_STATE_METRIC_JOBS, r, states[i].name, &jobs, err);
        if (rc == 0 && strcmp(states[i].name, "QUEUED") != 0) /* that is: its jobs tell */
            rc = count_of(s, SQL_STATE_METRIC_OWN, r, states[i].name, &own, err);
        t->count[i] += jobs + own;
        t->by_jobs += jobs;
        t->st->parts += jobs + own;
        t->st->well += states[i].well ? jobs + own : 0;
        if (strcmp(states[i].name, "LOADED") == 0)
            loaded = jobs;
    }
    if (rc < 0 || loaded == 0)
        return rc;
    rc = count_of(s, SQL_STATE_METRIC_UNVERIFIABLE, r, NULL, &n, err);
    t->st->well += n;
    return rc;
}

static int read_all(struct store *s, enum sql_state_id id, const struct range *r, struct tally *t,
                    struct err *err)
{
    sqlite3_stmt *st;
    int rc = in_range(s, id, r->pipeline, r->from, r->to, &st, err);

    return rc < 0 ? rc : read_parts(s, st, id == SQL_STATE_METRIC_ODD, t, err);
}

/* Looking the odd ones up takes longer than reading all when they are many: hours that come in several jobs each. */
static int count_parts(struct store *s, const struct range *r, struct tally *t, struct err *err)
{
    struct standing *st = t->st;
    int64_t more = 0;
    int rc = count_of(s, SQL_STATE_METRIC_MORE, r, NULL, &more, err);

    if (rc == 0)
        rc = count_plain(s, r, t, err);
    if (rc < 0 || more <= st->parts / 8)
        return rc < 0 ? rc : read_all(s, SQL_STATE_METRIC_ODD, r, t, err);
    *t = (struct tally){.st = st};
    st->parts = st->well = 0;
    return read_all(s, SQL_STATE_METRIC_PARTS, r, t, err);
}

/* Partitions all of whose jobs were superseded: they say QUEUED, and no job tells otherwise. */
static int add_jobless(struct store *s, const struct range *r, struct tally *t, struct err *err)
{
    int64_t queued = 0;
    int rc = count_of(s, SQL_STATE_METRIC_OWN, r, "QUEUED", &queued, err);

    if (rc == 0 && queued > t->by_jobs) {
        t->count[state_at("QUEUED")] += queued - t->by_jobs;
        t->st->parts += queued - t->by_jobs;
    }
    return rc;
}

/* Backwards, until one is well as a whole and not by a person's decision. */
static int find_newest(struct store *s, const struct range *r, char ret[16], struct err *err)
{
    char before[20], part[16] = "";
    int rc;

    snprintf(before, sizeof before, "%s\x01", r->to);
    for (;;) {
        struct standing one = {0};
        struct tally t = {.st = &one};
        sqlite3_stmt *st;
        rc = in_range(s, SQL_STATE_METRIC_NEWEST, r->pipeline, r->from, before, &st, err);
        if (rc == 0)
            rc = stmt_step(s, st, err);
        if (rc <= 0)
            return rc;
        const char *found = (const char *)sqlite3_column_text(st, 0);
        snprintf(part, sizeof part, "%s", found != NULL ? found : "");
        stmt_done(st);
        if (part[0] == '\0')
            return 0;
        rc = in_range(s, SQL_STATE_METRIC_PART, r->pipeline, part, NULL, &st, err);
        if (rc == 0)
            rc = read_parts(s, st, false, &t, err);
        if (rc < 0)
            return rc;
        if (one.newest[0] != '\0') {
            memcpy(ret, part, sizeof part);
            return 0;
        }
        snprintf(before, sizeof before, "%s", part);
    }
}

static int rest(struct store *s, const char *pipeline, struct standing *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_METRIC_MISMATCH, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    rc = stmt_step(s, st, err);
    if (rc > 0) {
        ret->mismatched = col_i64(st, 0);
        ret->difference_rows = col_i64(st, 1);
        stmt_done(st);
    }
    if (rc >= 0 && ret->newest[0] != '\0')
        rc = in_range(s, SQL_STATE_METRIC_LANDED, pipeline, ret->newest, NULL, &st, err);
    if (rc >= 0 && ret->newest[0] != '\0')
        rc = query_i64(s, st, &ret->landed_ms, err);
    return rc < 0 ? rc : 0;
}

static int count_all(struct store *s, const struct range *r, struct tally *t, struct err *err)
{
    int rc = count_parts(s, r, t, err);

    if (rc == 0)
        rc = add_jobless(s, r, t, err);
    if (rc == 0)
        rc = find_newest(s, r, t->st->newest, err);
    return rc < 0 ? rc : rest(s, r->pipeline, t->st, err);
}

int metric_standing(struct store *s, const char *pipeline, const char *from, const char *to,
                    int (*fn)(void *arg, const char *state, int64_t count, struct err *err), void *arg,
                    struct standing *ret, struct err *err)
{
    const struct range r = {pipeline, from, to};
    struct tally t = {.st = ret};
    sqlite3_stmt *st;

    *ret = (struct standing){0};
    int rc = store_stmt(s, SQL_STATE_METRIC_PAUSED, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    rc = stmt_step(s, st, err);
    if (rc <= 0)
        return rc;
    ret->paused = col_i64(st, 0) > 0;
    /* While this statement stays open all others read the same snapshot: what one counts another takes back. */
    rc = count_all(s, &r, &t, err);
    stmt_done(st);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(states); i++)
        if (t.count[i] > 0)
            rc = fn(arg, states[i].name, t.count[i], err);
    return rc;
}

int metric_channels(struct store *s,
                    int (*fn)(void *arg, const char *name, int64_t sent, int64_t failed, struct err *err),
                    void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_METRIC_CHANNELS, &st, err);

    while (rc >= 0 && (rc = stmt_step(s, st, err)) > 0) {
        char *name = col_text(st, 0);
        rc = fn(arg, name, col_i64(st, 1), col_i64(st, 2), err);
        free(name);
        if (rc < 0)
            stmt_done(st);
    }
    return rc;
}

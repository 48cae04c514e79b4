#include "io/target_moment.h"
#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "io/target_int.h"
#include "io/target_replica.h"
#include <stdarg.h>

enum {
    GUARD_MS = 2000,    /* starts are told in whole seconds, by clocks that differ by a tick */
    MAX_RUNNING = 4096, /* statements that are looked at, the oldest first */
    WHO_SIZE = 120,
    LOOKS = 25,
    LOOK_AGAIN_MS = 110, /* to twice as much */
    UNSEEN_MS = 60 * 1000,
    NOT_PERMITTED = 1227,  /* of the server */
    NOT_PERMITTED_2 = 1142 /* the same of MySQL's own view */
};

const char *moment_text(int64_t ms, char out[MOMENT_SIZE])
{
    struct civil c = civil_from_ms(ms);

    snprintf(out, MOMENT_SIZE, "%04d-%02d-%02d %02d:%02d:%02d", c.year % 10000, c.month % 100, c.day % 100,
             c.hour % 100, c.minute % 100, c.second % 100);
    return out;
}

static int on_now(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct moment *m = arg;

    UNUSED(count);
    UNUSED(err);
    m->now_ms = target_cell_i64(cells[0]);
    m->server_is_utc = cells[1].p != NULL && target_cell_i64(cells[1]) == 0;
    snprintf(m->zone, sizeof m->zone, "%.60s", cells[2].p != NULL ? cells[2].p : "");
    return 0;
}

/* --- who may still write --- */

struct running {
    int64_t id, since_s; /* UTC; id -1: it reads alone */
};
struct look {
    int64_t now_s; /* before the look */
    struct running running[MAX_RUNNING];
    size_t count;
    int64_t oldest_s, id; /* transaction */
    bool fresh, detached;
};

static int on_statement(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct look *k = arg;

    UNUSED(count);
    UNUSED(err);
    if (k->count < MAX_RUNNING) /* the oldest come first */
        k->running[k->count++] =
            (struct running){target_cell_i64(cells[0]), k->now_s - target_cell_i64(cells[1])};
    return 0;
}

static int on_transaction(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct look *k = arg;
    int64_t id = target_cell_i64(cells[0]), earliest = target_cell_i64(cells[4]);

    UNUSED(count);
    UNUSED(err);
    if (target_cell_i64(cells[2]) != 0) {
        k->fresh = target_cell_i64(cells[5]) >= k->now_s;
    } else if (target_cell_i64(cells[1]) != 0) {
        for (size_t i = 0; i < k->count; i++)
            if (k->running[i].id == id)
                k->running[i].id = -1;
    } else if (id == 0) {
        k->detached = k->detached || target_cell_i64(cells[3]) == 0;
    } else if (earliest < k->oldest_s) {
        k->oldest_s = earliest;
        k->id = id;
    }
    return 0;
}

static bool not_permitted(const struct err *err)
{
    return err->native == NOT_PERMITTED || err->native == NOT_PERMITTED_2 || err->code == ERR_ACCESS_DENIED;
}

/*
 * The server renews its list when nobody has read it for 0.1 s: who reads it more often sees an old one for ever. That a
 * transaction of our own is in it, begun after now_s, says that it is no older than that.
 */
static int list_transactions(struct target *t, struct look *k, struct err *err)
{
    struct err late;
    int rc = target_script(t, target_query(t, "begin_snapshot"), err);

    if (rc < 0)
        return rc;
    t->pinned = true; /* on another connection it would not be ours */
    k->fresh = k->detached = false;
    k->oldest_s = INT64_MAX;
    rc = target_run(t, "open_transactions", NULL, 0, on_transaction, k, NULL, err);
    t->pinned = false;
    /* What may not be seen is passed over by who asks, and a connection that is lost is not. */
    if (t->db != NULL && target_script(t, "ROLLBACK;\n", &late) < 0 && (rc == 0 || not_permitted(err))) {
        *err = late;
        rc = -(int)late.code;
    }
    return rc;
}

/* A detached one is a prepared XA transaction, of a client that is gone, or something of the server's own that is over in a moment. */
static int look(struct target *t, struct look *k, struct err *err)
{
    int rc = target_run(t, "running_statements", NULL, 0, on_statement, k, NULL, err);

    for (int i = 0; rc == 0 && i < LOOKS; i++) {
        if (i > 0)
            clock_sleep_ms(LOOK_AGAIN_MS + (int64_t)(clock_mono_ms() % LOOK_AGAIN_MS));
        rc = list_transactions(t, k, err);
        if (rc == 0 && k->fresh && (!k->detached || i >= 3))
            break;
    }
    return rc;
}

static void hold(struct moment *m, int64_t start_ms, const char *fmt, ...) PRINTF(3, 4);
static void hold(struct moment *m, int64_t start_ms, const char *fmt, ...)
{
    va_list ap;

    if (start_ms >= m->safe_ms)
        return;
    m->safe_ms = start_ms;
    va_start(ap, fmt);
    vsnprintf(m->held, sizeof m->held, fmt, ap);
    va_end(ap);
}

static int on_who(void *arg, const struct str *cells, size_t count, struct err *err)
{
    UNUSED(count);
    UNUSED(err);
    snprintf(arg, WHO_SIZE, " of %.100s", cells[0].p != NULL ? cells[0].p : "");
    return 0;
}

/* The oldest of both. A statement that has its transaction by now is older than this, or as old. */
static int hold_back(struct target *t, const struct look *k, struct moment *m, struct err *err)
{
    struct running oldest = {k->id, k->oldest_s};
    bool statement = false;
    char who[WHO_SIZE] = "";

    for (size_t i = 0; i < k->count; i++)
        if (k->running[i].id >= 0 && k->running[i].since_s < oldest.since_s) {
            oldest = k->running[i];
            statement = true;
        }
    if (oldest.since_s == INT64_MAX || oldest.since_s * 1000 - GUARD_MS >= m->safe_ms)
        return 0;
    const struct val of[] = {val_i64(oldest.id)};
    int rc = target_run(t, "whose_connection", of, 1, on_who, who, NULL, err);
    if (rc == 0)
        hold(m, oldest.since_s * 1000 - GUARD_MS, "held back by %s of connection %lld%s, %s for %lld s",
             statement ? "a statement" : "transaction", (long long)oldest.id, who,
             statement ? "running" : "open", (long long)(k->now_s - oldest.since_s));
    return rc;
}

static int look_at_transactions(struct target *t, struct moment *m, struct err *err)
{
    struct look *k = xcalloc(1, sizeof *k);

    k->now_s = m->now_ms / 1000;
    k->oldest_s = INT64_MAX;
    int rc = look(t, k, err);
    if (rc < 0) {
        free(k);
        return t->db != NULL && not_permitted(err) ? 0 : rc;
    }
    m->sees = true;
    if (k->detached)
        hold(m, 0,
             "held back by a prepared XA transaction whose client is gone: when its rows got their times is "
             "not to be "
             "known; XA RECOVER shows it, XA COMMIT or XA ROLLBACK ends it");
    if (!k->fresh)
        hold(m, m->now_ms - UNSEEN_MS,
             "others read the server's list of open transactions so often that it is not renewed: %d s are "
             "kept "
             "away from",
             UNSEEN_MS / 1000);
    rc = hold_back(t, k, m, err);
    free(k);
    return rc;
}

/* --- replicas --- */

static int look_at_replication(struct target *t, struct moment *m, struct err *err)
{
    char why[REPLICA_WHY] = "";
    int64_t behind = 0, read_only = 0;
    int rc = target_run(t, "is_read_only", NULL, 0, target_row_i64, &read_only, NULL, err);

    if (rc < 0)
        return rc;
    rc = target_replica_lag(t, &behind, why, err);
    if (rc < 0)
        return t->db != NULL && not_permitted(err) ? 0 : rc;
    if (rc == 1)
        hold(m, m->now_ms - behind * 1000 - GUARD_MS, "the replica is %lld s behind", (long long)behind);
    /* One that may be written to has been made the source, and was not told to forget that it was a replica. */
    else if (read_only != 0 && strcmp(why, REPLICA_NONE) != 0)
        hold(m, 0, "how far this replica is behind is not to be known: %.150s", why);
    return 0;
}

int target_moment(struct target *t, int64_t lag_ms, struct moment *ret, struct err *err)
{
    *ret = (struct moment){0};
    int rc = target_ready(t, err);
    if (rc == 0)
        rc = target_run(t, "server_now", NULL, 0, on_now, ret, NULL, err);
    if (rc < 0)
        return rc;
    int64_t now = clock_now_ms();
    ret->safe_ms = (ret->now_ms < now ? ret->now_ms : now) - lag_ms;
    rc = look_at_transactions(t, ret, err);
    if (rc == 0)
        rc = look_at_replication(t, ret, err);
    if (rc < 0)
        return rc;
    int64_t whole = ret->safe_ms / 1000;
    ret->safe_ms = (ret->safe_ms < whole * 1000 ? whole - 1 : whole) * 1000;
    return 0;
}

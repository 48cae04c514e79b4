#include "io/target_moment.h"
#include "base/civil.h"
#include "base/clock.h"
#include "io/target_int.h"
#include "io/target_replica.h"

enum {
    GUARD_MS =
        2000, /* a transaction's start is told in whole seconds, and the server keeps the list for a moment */
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

struct oldest {
    int64_t age_s;
    int64_t id;
    char who[120];
};

static int on_transaction(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct oldest *o = arg;

    UNUSED(count);
    UNUSED(err);
    o->id = target_cell_i64(cells[0]);
    o->age_s = target_cell_i64(cells[1]);
    /* Begun in the future: the server's zone was put back an hour meanwhile. */
    if (o->age_s < 0)
        o->age_s += 3600;
    snprintf(o->who, sizeof o->who, "%.100s", cells[2].p != NULL ? cells[2].p : "");
    return 0;
}

static int look_at_transactions(struct target *t, struct moment *m, struct err *err)
{
    struct oldest o = {.age_s = -1};
    int rc = target_run(t, "oldest_transaction", NULL, 0, on_transaction, &o, NULL, err);

    if (rc < 0 &&
        (err->native == NOT_PERMITTED || err->native == NOT_PERMITTED_2 || err->code == ERR_ACCESS_DENIED))
        return 0;
    if (rc < 0)
        return rc;
    m->sees = true;
    int64_t start = m->now_ms - o.age_s * 1000 - GUARD_MS;
    if (o.age_s >= 0 && start < m->safe_ms) {
        m->safe_ms = start;
        snprintf(m->held, sizeof m->held, "held back by transaction of connection %lld%s%s, open for %lld s",
                 (long long)o.id, o.who[0] != '\0' ? " of " : "", o.who, (long long)o.age_s);
    }
    return 0;
}

static int look_at_replication(struct target *t, struct moment *m, struct err *err)
{
    char why[REPLICA_WHY] = "";
    int64_t behind = 0;
    int64_t is_replica = 0;
    int rc = target_run(t, "is_read_only", NULL, 0, target_row_i64, &is_replica, NULL, err);

    if (rc < 0 || is_replica == 0) /* a server that may be written to is not asked */
        return rc;
    rc = target_replica_lag(t, &behind, why, err);
    if (rc < 0)
        return err->code == ERR_ACCESS_DENIED ? 0 : rc;
    if (rc == 0)
        return 0;
    int64_t there = m->now_ms - behind * 1000 - GUARD_MS;
    if (there < m->safe_ms) {
        m->safe_ms = there;
        snprintf(m->held, sizeof m->held, "the replica is %lld s behind", (long long)behind);
    }
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
    int64_t whole = ret->safe_ms / 1000;
    ret->safe_ms = (ret->safe_ms < whole * 1000 ? whole - 1 : whole) * 1000;
    return rc < 0 ? rc : 0;
}

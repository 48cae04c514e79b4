#include "io/target_limits.h"
#include "base/limits.h"
#include "io/target_int.h"
#include <strings.h>

/* What one transaction may hold, by whom: the smallest that is on. */
struct reading {
    struct target_limits *l;
    int64_t binlog_cache, wsrep, group;
    bool binlog_on, wsrep_on, group_on;
};

static int on_variable(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct reading *r = arg;
    const struct {
        const char *name;
        int64_t *to;
    } numbers[] = {{"max_connections", &r->l->max_connections},
                   {"max_user_connections", &r->l->max_user_connections},
                   {"max_allowed_packet", &r->l->max_packet},
                   {"max_binlog_cache_size", &r->binlog_cache},
                   {"wsrep_max_ws_size", &r->wsrep},
                   {"group_replication_transaction_size_limit", &r->group},
                   {"threads_connected", &r->l->connected}};

    UNUSED(err);
    if (count < 2 || cells[0].p == NULL || cells[1].p == NULL)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (strcasecmp(cells[0].p, numbers[i].name) == 0)
            *numbers[i].to = target_cell_i64(cells[1]); /* beyond 63 bits: 0, which is no limit */
    if (strcmp(cells[0].p, "log_bin") == 0)
        r->binlog_on = strcmp(cells[1].p, "ON") == 0;
    else if (strcmp(cells[0].p, "wsrep_on") == 0)
        r->wsrep_on = strcmp(cells[1].p, "ON") == 0;
    else if (strcmp(cells[0].p, "group_replication_group_name") == 0)
        r->group_on = cells[1].n > 0;
    return 0;
}

static int on_count(void *arg, const struct str *cells, size_t count, struct err *err)
{
    UNUSED(count);
    UNUSED(err);
    *(int64_t *)arg = target_cell_i64(cells[0]);
    return 0;
}

static void least(struct target_limits *l, int64_t bytes, const char *by)
{
    if (bytes <= 0 || (l->max_transaction > 0 && l->max_transaction <= bytes))
        return;
    l->max_transaction = bytes;
    l->max_transaction_by = by;
}

int target_limits(struct target *t, struct target_limits *ret, struct err *err)
{
    struct reading r = {.l = ret};

    *ret = (struct target_limits){.max_transaction_by = ""};
    if (!target_is_mysql(t))
        return 0;
    int rc = target_ready(t, err);
    if (rc == 0)
        rc = t->ops->scan(t, target_query(t, "limits_variables"), on_variable, &r, err);
    if (rc == 0)
        rc = t->ops->scan(t, target_query(t, "limits_user"), on_variable, &r, err);
    if (rc == 0)
        rc = t->ops->scan(t, target_query(t, "limits_connected"), on_variable, &r, err);
    if (rc == 0) /* without PROCESS one sees one's own account, which is what is asked for */
        rc = t->ops->scan(t, target_query(t, "limits_own"), on_count, &ret->user_connected, err);
    if (rc < 0)
        return rc;
    /* the default of max_binlog_cache_size is "none", written as 2^64 less a page; of wsrep 2 GiB */
    if (r.binlog_on)
        least(ret, r.binlog_cache, "max_binlog_cache_size");
    if (r.wsrep_on)
        least(ret, r.wsrep, "wsrep_max_ws_size");
    if (r.group_on)
        least(ret, r.group, "group_replication_transaction_size_limit");
    return 0;
}

int64_t limits_connections(const struct target_limits *l, int64_t wanted, char why[LIMITS_WHY])
{
    const struct {
        int64_t max, used, spare;
        const char *name;
    } bounds[] = {{l->max_connections, l->connected, l->max_connections / 8 > 1 ? l->max_connections / 8 : 1,
                   "max_connections"},
                  {l->max_user_connections, l->user_connected, 2, "max_user_connections"}};
    int64_t may = wanted;

    if (why != NULL)
        why[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        if (bounds[i].max <= 0)
            continue;
        /* the one that asks is connected already, and is one of those that load */
        int64_t room = bounds[i].max - bounds[i].spare - bounds[i].used + 1;
        room = room < 1 ? 1 : room;
        if (room >= may)
            continue;
        may = room;
        if (why != NULL)
            snprintf(
                why, LIMITS_WHY,
                "%lld connections in place of %lld: %s is %lld, %lld are in use, and %lld are left to others",
                (long long)may, (long long)wanted, bounds[i].name, (long long)bounds[i].max,
                (long long)bounds[i].used, (long long)bounds[i].spare);
    }
    return may < 1 ? 1 : may;
}

int64_t limits_chunk(const struct target_limits *l, const char **ret_by)
{
    bool limited = l->max_transaction > 1;

    *ret_by = limited ? l->max_transaction_by : "";
    return limited ? l->max_transaction / 2 : INT64_MAX;
}

#include "io/target_replica.h"
#include "io/target_mysql_int.h"
#include <strings.h>

struct asking {
    int64_t rows, behind_s;
    bool unknown;
    char *why;
};

/* By the end of its name, which servers begin with Slave_, Replica_, ... */
static struct str cell(const struct named_cell *cells, size_t count, const char *old_name,
                       const char *new_name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(cells[i].name, old_name) == 0 || strcasecmp(cells[i].name, new_name) == 0)
            return cells[i].value;
    return (struct str){NULL, 0};
}

static int on_row(void *arg, const struct named_cell *cells, size_t count, struct err *err)
{
    struct asking *a = arg;
    struct str behind = cell(cells, count, "Seconds_Behind_Master", "Seconds_Behind_Source");

    UNUSED(err);
    a->rows++;
    if (behind.p != NULL) {
        int64_t s = target_cell_i64(behind);
        a->behind_s = s > a->behind_s ? s : a->behind_s;
        return 0;
    }
    a->unknown = true;
    static const struct {
        const char *state, *new_state, *error, *new_error, *word;
    } threads[] = {
        {"Slave_SQL_Running", "Replica_SQL_Running", "Last_SQL_Error", "Last_SQL_Error", "SQL"},
        {"Slave_IO_Running", "Replica_IO_Running", "Last_IO_Error", "Last_IO_Error", "I/O"},
    };
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        struct str state = cell(cells, count, threads[i].state, threads[i].new_state);
        struct str error = cell(cells, count, threads[i].error, threads[i].new_error);
        char shown[160];
        if (state.p == NULL || str_is(state, "Yes"))
            continue;
        str_printable(error.p != NULL ? error.p : "", error.n, shown, sizeof shown);
        snprintf(a->why, REPLICA_WHY, "its %s thread does not run%s%s", threads[i].word,
                 *shown != '\0' ? ": " : "", shown);
        return 0;
    }
    snprintf(a->why, REPLICA_WHY, "it does not say how far it is");
    return 0;
}

int target_replica_lag(struct target *t, int64_t *ret_s, char why[REPLICA_WHY], struct err *err)
{
    struct asking a = {.why = why};

    why[0] = '\0';
    if (!target_is_mysql(t))
        return err_set(err, ERR_CONFIG, "%s: SQLite has no replicas", t->name);
    int rc = target_ready(t, err);
    if (rc < 0)
        return rc;
    struct mysqlc *c = mysql_db(t)->c;
    if (mysqlc_is_mariadb(c)) {
        rc = mysqlc_show(c, "SHOW ALL SLAVES STATUS", on_row, &a, err);
    } else {
        rc = mysqlc_show(c, "SHOW REPLICA STATUS", on_row, &a, err);
        if (rc < 0 && !mysqlc_is_lost(c) && err->code != ERR_ACCESS_DENIED) /* before 8.0.22 */
            rc = mysqlc_show(c, "SHOW SLAVE STATUS", on_row, &a, err);
    }
    if (rc < 0 && mysqlc_is_lost(c))
        target_drop(t);
    if (rc < 0 && err->code == ERR_ACCESS_DENIED)
        err_hint(
            err,
            "on the replica: GRANT REPLICA MONITOR (MariaDB) or REPLICATION CLIENT ON *.* to this account");
    if (rc < 0)
        return err_prefix(err, "%s", t->name);
    if (a.rows == 0)
        snprintf(why, REPLICA_WHY, "%s", REPLICA_NONE);
    *ret_s = a.behind_s;
    return a.rows > 0 && !a.unknown;
}

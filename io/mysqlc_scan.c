/* A result that is read as it comes: a whole table in the memory of one row. */
#include "base/clock.h"
#include "base/mem.h"
#include "io/mysqlc_int.h"
#include <sys/socket.h>

int mysqlc_scan(struct mysqlc *c, const char *sql, row_fn *fn, void *arg, struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    MYSQL_RES *result = NULL;
    struct str *cells = NULL;
    MYSQL_ROW row;
    int rc = 0;

    if (mysql_real_query(c->handle, sql, (unsigned long)strlen(sql)) != 0)
        return mysqlc_fail_handle(c, start_ms, err);
    result = mysql_use_result(c->handle);
    if (result == NULL)
        return mysqlc_fail_handle(c, start_ms, err);
    unsigned count = mysql_num_fields(result);
    cells = xcalloc(count + 1, sizeof *cells);
    start_ms = clock_mono_ms();
    while (rc >= 0 && (row = mysql_fetch_row(result)) != NULL) {
        const unsigned long *lengths = mysql_fetch_lengths(result);
        for (unsigned i = 0; i < count; i++)
            cells[i] = (struct str){row[i], row[i] != NULL ? lengths[i] : 0};
        rc = fn(arg, cells, count, err);
        start_ms = c->answered_ms = clock_mono_ms();
    }
    if (rc >= 0 && mysql_errno(c->handle) != 0)
        rc = mysqlc_fail_handle(c, start_ms, err);
    if (rc < 0)
        c->lost = true; /* the rest of the rows stands in the way */
    free(cells);
#if CLIENT_IS_MARIADB
    if (rc < 0) /* nobody waits for them */
        shutdown(mysql_get_socket(c->handle), SHUT_RDWR);
#endif
    mysql_free_result(result);
    return rc < 0 ? rc : 0;
}

int mysqlc_show(struct mysqlc *c, const char *sql, named_fn *fn, void *arg, struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    MYSQL_ROW row;
    int rc = 0;

    if (mysql_real_query(c->handle, sql, (unsigned long)strlen(sql)) != 0)
        return mysqlc_fail_handle(c, start_ms, err);
    MYSQL_RES *result = mysql_store_result(c->handle); /* a row or two: whole, so that fn may end it */
    if (result == NULL)
        return mysqlc_fail_handle(c, start_ms, err);
    c->answered_ms = clock_mono_ms();
    unsigned count = mysql_num_fields(result);
    const MYSQL_FIELD *fields = mysql_fetch_fields(result);
    struct named_cell *cells = xcalloc(count + 1, sizeof *cells);
    while (rc >= 0 && (row = mysql_fetch_row(result)) != NULL) {
        const unsigned long *lengths = mysql_fetch_lengths(result);
        for (unsigned i = 0; i < count; i++)
            cells[i] = (struct named_cell){fields[i].name, {row[i], row[i] != NULL ? lengths[i] : 0}};
        rc = fn(arg, cells, count, err);
    }
    free(cells);
    mysql_free_result(result);
    return rc < 0 ? rc : 0;
}

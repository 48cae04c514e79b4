/* Rows in bulk: arrays bound where server and library take them, else statements of many rows. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/mysqlc_int.h"
#include <poll.h>
#include <sys/socket.h>

enum {
    MAX_MARKS = 65535, /* of the protocol */
    GIVE_UP_MS = 500,  /* an unwanted answer is waited for no longer */
    MAX_STEPS = 11,    /* multi-row statements of 1, 2, 4 ... 1024 rows */
};

#define CAN_SEND_AHEAD (CLIENT_IS_MARIADB && MARIADB_PACKAGE_VERSION_ID >= 30200)

struct mysqlc_bulk {
    struct mysqlc *c;
    char *head, *row;
    size_t columns;
    MYSQL_BIND *binds;
    MYSQL_STMT *stmts[MAX_STEPS]; /* [0] alone where arrays are bound */
    int steps;
    int waiting; /* for what a started statement waits; 0: its answer is here */
    int failed;  /* what the library said of it */
    int ahead;   /* sent, and not answered yet */
    int rc;      /* and we, to be told by finish */
    int64_t inserted;
    unsigned warnings;
    struct err err;
};

int mysqlc_bulk_new(struct mysqlc *c, const char *head, const char *row, size_t columns,
                    struct mysqlc_bulk **ret, struct err *err)
{
    if (columns == 0 || columns > MAX_MARKS)
        return err_set(err, ERR_INTERNAL, "a bulk insert of %zu columns", columns);
    struct mysqlc_bulk *b = xcalloc(1, sizeof *b);
    b->c = c;
    b->head = xstrdup(head);
    b->row = xstrdup(row);
    b->columns = columns;
    while (!c->arrays && b->steps + 1 < MAX_STEPS && (columns << (b->steps + 1)) <= MAX_MARKS)
        b->steps++;
    b->binds = xcalloc(columns << b->steps, sizeof *b->binds);
    *ret = b;
    return 0;
}

/* Nobody wants the answer any more: it may come within a moment, else the connection ends, and the wait with it. */
static void cut_short(const struct mysqlc *c)
{
#if CLIENT_IS_MARIADB
    struct pollfd p = {.fd = mysql_get_socket(c->handle), .events = POLLIN};

    if (poll(&p, 1, GIVE_UP_MS) <= 0)
        shutdown(p.fd, SHUT_RDWR);
#else
    UNUSED(c);
#endif
}

void mysqlc_bulk_free(struct mysqlc_bulk *b)
{
    struct err ignored;

    if (b == NULL)
        return;
    if (b->waiting != 0) {
        cut_short(b->c);
        err_ignore(mysqlc_bulk_finish(b, &b->inserted, &b->warnings, &ignored));
    }
    while (b->ahead > 0 && !b->c->lost) {
        cut_short(b->c);
        err_ignore(mysqlc_bulk_answer(b, &b->inserted, &b->warnings, &ignored));
    }
    for (size_t i = 0; i < MAX_STEPS; i++)
        if (b->stmts[i] != NULL)
            mysql_stmt_close(b->stmts[i]);
    free(b->binds);
    free(b->head);
    free(b->row);
    free(b);
}

/* The statement of 2^step rows, prepared at its first use. */
static int bulk_stmt(struct mysqlc_bulk *b, int step, struct err *err)
{
    struct buf sql = BUF_INIT(64 * MIB);
    int rc = 0;

    if (b->stmts[step] != NULL)
        return 0;
    rc = buf_adds(&sql, b->head, err);
    for (size_t i = 0; rc == 0 && i < (size_t)1 << step; i++)
        rc = buf_addf(&sql, err, "%s%s", i > 0 ? "," : "", b->row);
    if (rc == 0)
        rc = mysqlc_prepare(b->c, sql.p, &b->stmts[step], err);
    buf_release(&sql);
    return rc;
}

static const size_t value_size[] = {[BULK_I64] = sizeof(int64_t),
                                    [BULK_U64] = sizeof(uint64_t),
                                    [BULK_DOUBLE] = sizeof(double),
                                    [BULK_TEXT] = sizeof(char *),
                                    [BULK_BLOB] = sizeof(char *)};

static void bind_column(MYSQL_BIND *bind, const struct mysqlc_column *col)
{
    static const enum enum_field_types types[] = {[BULK_I64] = MYSQL_TYPE_LONGLONG,
                                                  [BULK_U64] = MYSQL_TYPE_LONGLONG,
                                                  [BULK_DOUBLE] = MYSQL_TYPE_DOUBLE,
                                                  [BULK_TEXT] = MYSQL_TYPE_STRING,
                                                  [BULK_BLOB] = MYSQL_TYPE_BLOB};
    memset(bind, 0, sizeof *bind);
    bind->buffer_type = types[col->kind];
    bind->is_unsigned = col->kind == BULK_U64;
}

#if CLIENT_IS_MARIADB
/* Until the started statement can go on, or its time is over. In the library's flags, as the answer is. */
static int wait_ready(struct mysqlc *c, int waiting)
{
    struct pollfd p = {.fd = mysql_get_socket(c->handle)};
    int ms = (waiting & MYSQL_WAIT_TIMEOUT) != 0 ? (int)mysql_get_timeout_value_ms(c->handle) : c->timeout_ms,
        n;

    p.events = (short)(((waiting & MYSQL_WAIT_READ) != 0 ? POLLIN : 0) |
                       ((waiting & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : 0) |
                       ((waiting & MYSQL_WAIT_EXCEPT) != 0 ? POLLPRI : 0));
    do
        n = poll(&p, 1, ms);
    while (n < 0 && errno == EINTR);
    return n == 0 ? MYSQL_WAIT_TIMEOUT
                  : waiting & ~MYSQL_WAIT_TIMEOUT; /* a broken one tells by its next read */
}

static void go_on(struct mysqlc_bulk *b)
{
    int ready = wait_ready(b->c, b->waiting);

    b->waiting = mysql_stmt_execute_cont(&b->failed, b->stmts[0], ready);
}

static int bind_arrays(struct mysqlc_bulk *b, const struct mysqlc_column *cols, size_t from, size_t rows,
                       struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    unsigned array_size = (unsigned)rows;
    MYSQL_STMT *stmt = b->stmts[0];

    for (size_t i = 0; i < b->columns; i++) {
        bind_column(&b->binds[i], &cols[i]);
        b->binds[i].buffer = unconst((const char *)cols[i].values + from * value_size[cols[i].kind]);
        if (cols[i].lengths != NULL)
            b->binds[i].length = unconst(cols[i].lengths + from);
        if (cols[i].nulls != NULL) /* 1 is STMT_INDICATOR_NULL */
            b->binds[i].u.indicator = unconst(cols[i].nulls + from);
    }
    if (mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &array_size) != 0 ||
        mysql_stmt_bind_param(stmt, b->binds) != 0)
        return mysqlc_fail_stmt(b->c, stmt, start_ms, err);
    return 0;
}

/* All rows in one statement: the library walks the arrays into a packet. Back when that is sent. */
static int start_array(struct mysqlc_bulk *b, const struct mysqlc_column *cols, size_t from, size_t rows,
                       struct err *err)
{
    int rc = bind_arrays(b, cols, from, rows, err);

    if (rc < 0)
        return rc;
    b->waiting = mysql_stmt_execute_start(&b->failed, b->stmts[0]);
    while ((b->waiting & MYSQL_WAIT_WRITE) != 0)
        go_on(b);
    return 0;
}

static int finish_array(struct mysqlc_bulk *b, struct err *err)
{
    int64_t start_ms = clock_mono_ms();

    while (b->waiting != 0)
        go_on(b);
    if (b->failed != 0)
        return mysqlc_fail_stmt(b->c, b->stmts[0], start_ms, err);
    b->inserted = (int64_t)mysql_stmt_affected_rows(b->stmts[0]);
    b->warnings = mysql_warning_count(b->c->handle);
    b->c->answered_ms = clock_mono_ms();
    return 0;
}
#endif

/* 2^step rows in one statement: VALUES (..),(..). */
static int insert_rows(struct mysqlc_bulk *b, int step, const struct mysqlc_column *cols, size_t from,
                       struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    MYSQL_STMT *stmt = b->stmts[step];
    MYSQL_BIND *bind = b->binds;

    for (size_t row = from; row < from + ((size_t)1 << step); row++)
        for (size_t i = 0; i < b->columns; i++, bind++) {
            bind_column(bind, &cols[i]);
            if (cols[i].nulls != NULL && cols[i].nulls[row]) {
                bind->buffer_type = MYSQL_TYPE_NULL;
            } else if (cols[i].kind == BULK_TEXT || cols[i].kind == BULK_BLOB) {
                bind->buffer = unconst(((const char *const *)cols[i].values)[row]);
                bind->buffer_length = cols[i].lengths[row];
            } else {
                bind->buffer = unconst((const char *)cols[i].values + row * value_size[cols[i].kind]);
            }
        }
    if (mysql_stmt_bind_param(stmt, b->binds) != 0 || mysql_stmt_execute(stmt) != 0)
        return mysqlc_fail_stmt(b->c, stmt, start_ms, err);
    return 0;
}

#if CLIENT_IS_MARIADB
/* A row alone needs no array, and takes less of the server so. */
static int insert_one(struct mysqlc_bulk *b, const struct mysqlc_column *cols, size_t from, struct err *err)
{
    unsigned none = 0;

    if (mysql_stmt_attr_set(b->stmts[0], STMT_ATTR_ARRAY_SIZE, &none) != 0)
        return mysqlc_fail_stmt(b->c, b->stmts[0], clock_mono_ms(), err);
    return insert_rows(b, 0, cols, from, err);
}
#endif

static int insert_steps(struct mysqlc_bulk *b, const struct mysqlc_column *cols, size_t from, size_t rows,
                        struct err *err)
{
    while (rows > 0) {
        int step = b->steps;
        while (((size_t)1 << step) > rows)
            step--;
        int rc = bulk_stmt(b, step, err);
        if (rc == 0)
            rc = insert_rows(b, step, cols, from, err);
        if (rc < 0)
            return rc;
        b->inserted += (int64_t)mysql_stmt_affected_rows(b->stmts[step]);
        b->warnings += mysql_warning_count(b->c->handle);
        b->c->answered_ms = clock_mono_ms();
        from += (size_t)1 << step;
        rows -= (size_t)1 << step;
    }
    return 0;
}

void mysqlc_bulk_start(struct mysqlc_bulk *b, const struct mysqlc_column *cols, size_t from, size_t rows)
{
    b->inserted = 0;
    b->warnings = 0;
    b->failed = 0;
#if CLIENT_IS_MARIADB
    if (b->c->arrays) {
        b->rc = bulk_stmt(b, 0, &b->err);
        if (b->rc == 0)
            b->rc =
                rows == 1 ? insert_one(b, cols, from, &b->err) : start_array(b, cols, from, rows, &b->err);
        return;
    }
#endif
    b->rc = insert_steps(b, cols, from, rows, &b->err);
}

int mysqlc_bulk_finish(struct mysqlc_bulk *b, int64_t *ret_rows, unsigned *ret_warnings, struct err *err)
{
#if CLIENT_IS_MARIADB
    if (b->rc == 0 && b->c->arrays)
        b->rc = finish_array(b, &b->err);
#endif
    if (b->rc < 0) {
        *err = b->err;
        return b->rc;
    }
    *ret_rows = b->inserted;
    *ret_warnings = b->warnings;
    return 0;
}

#if CAN_SEND_AHEAD
/* Connector/C leaves the answer unread where it is told so, which its own pipelining of statements lives on. */
static int execute_unread(struct mysqlc_bulk *b, struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    my_bool yes = 1, no = 0;

    mysql_options(b->c->handle, MARIADB_OPT_SKIP_READ_RESPONSE, &yes);
    int failed = mysql_stmt_execute(b->stmts[0]);
    mysql_options(b->c->handle, MARIADB_OPT_SKIP_READ_RESPONSE, &no);
    return failed != 0 ? mysqlc_fail_stmt(b->c, b->stmts[0], start_ms, err) : 0;
}

bool mysqlc_bulk_can_send(const struct mysqlc_bulk *b)
{
    return b->c->arrays;
}

int mysqlc_bulk_send(struct mysqlc_bulk *b, const struct mysqlc_column *cols, size_t from, size_t rows,
                     struct err *err)
{
    int rc = b->ahead == 0 ? bulk_stmt(b, 0, err) : 0;

    if (rc == 0)
        rc = bind_arrays(b, cols, from, rows, err);
    if (rc == 0)
        rc = execute_unread(b, err);
    if (rc == 0)
        b->ahead++;
    return rc;
}

int mysqlc_bulk_answer(struct mysqlc_bulk *b, int64_t *ret_rows, unsigned *ret_warnings, struct err *err)
{
    int64_t start_ms = clock_mono_ms();

    b->ahead--;
    b->c->handle->net.pkt_nr = 1; /* each answer counts from its own request */
    if (mysql_read_query_result(b->c->handle) != 0)
        return mysqlc_fail_handle(b->c, start_ms, err);
    *ret_rows = (int64_t)mysql_affected_rows(b->c->handle);
    *ret_warnings = mysql_warning_count(b->c->handle);
    b->c->answered_ms = clock_mono_ms();
    return 0;
}
#else
bool mysqlc_bulk_can_send(const struct mysqlc_bulk *b)
{
    UNUSED(b);
    return false;
}

int mysqlc_bulk_send(struct mysqlc_bulk *b, const struct mysqlc_column *cols, size_t from, size_t rows,
                     struct err *err)
{
    UNUSED(b), UNUSED(cols), UNUSED(from), UNUSED(rows);
    return err_set(err, ERR_INTERNAL, "this client library cannot send ahead");
}

int mysqlc_bulk_answer(struct mysqlc_bulk *b, int64_t *ret_rows, unsigned *ret_warnings, struct err *err)
{
    UNUSED(b), UNUSED(ret_rows), UNUSED(ret_warnings);
    return err_set(err, ERR_INTERNAL, "this client library cannot send ahead");
}
#endif

int mysqlc_bulk_insert(struct mysqlc_bulk *b, const struct mysqlc_column *cols, size_t from, size_t rows,
                       int64_t *ret_rows, unsigned *ret_warnings, struct err *err)
{
    mysqlc_bulk_start(b, cols, from, rows);
    return mysqlc_bulk_finish(b, ret_rows, ret_warnings, err);
}

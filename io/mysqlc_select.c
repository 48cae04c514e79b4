/*
 * A result in the binary protocol, read as it comes: off the socket (mysqlc_wire.h) where that can be. Else the library puts each
 * cell into a place of its own, bound once; from there it goes into the batch. Binding the batch's arrays themselves would mean to
 * bind anew for every row.
 */
#include "io/mysqlc_select.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/mysqlc_wire.h"
#include <sys/socket.h>

enum {
    ROOM = 1024, /* of a cell's bytes at first; what is longer is fetched again, to where it stays */
    BINARY = 63, /* the charset of what is no text */
    WIDE = 256 * 1024,
    TEXT_WIDTH = 4 /* bytes that utf8mb4 counts a character as */
};

struct field { /* bound: stays where it is */
    flag_type null, cut;
    unsigned long length;
    union {
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        float f;
        double d;
        MYSQL_TIME time;
        unsigned char bits[8];
        char *text; /* owned by the select's arena */
    } at;
};

struct mysqlc_select {
    struct mysqlc *c;
    MYSQL_STMT *stmt;
    MYSQL_RES *meta;   /* by the library; on the wire as it was prepared */
    struct wire *wire; /* NULL: by the library */
    size_t count;
    struct row_column *columns; /* in the arena */
    struct row_cell *cells;
    struct field *fields; /* of the library's way, and so is binds */
    MYSQL_BIND *binds;
    struct arena *arena;
    int64_t line;
    bool ended; /* nothing of the result is on its way any more */
};

static enum row_how how_of(const struct row_column *f)
{
    switch (f->type) {
    case MYSQL_TYPE_TINY:
        return ROW_INT8;
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_YEAR:
        return ROW_INT16;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
        return ROW_INT32;
    case MYSQL_TYPE_LONGLONG:
        return ROW_INT64;
    case MYSQL_TYPE_FLOAT:
        return ROW_FLOAT;
    case MYSQL_TYPE_DOUBLE:
        return ROW_DOUBLE;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
        return ROW_DATE;
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
        return ROW_DATETIME;
    case MYSQL_TYPE_TIME:
        return ROW_TIME;
    case MYSQL_TYPE_BIT:
        return ROW_BIT;
    default: /* and what later servers know */
        return ROW_BYTES;
    }
}

static void bind_field(struct mysqlc_select *s, size_t i)
{
    static const enum enum_field_types types[] = {
        [ROW_INT8] = MYSQL_TYPE_TINY,    [ROW_INT16] = MYSQL_TYPE_SHORT,
        [ROW_INT32] = MYSQL_TYPE_LONG,   [ROW_INT64] = MYSQL_TYPE_LONGLONG,
        [ROW_FLOAT] = MYSQL_TYPE_FLOAT,  [ROW_DOUBLE] = MYSQL_TYPE_DOUBLE,
        [ROW_DATE] = MYSQL_TYPE_DATE,    [ROW_DATETIME] = MYSQL_TYPE_DATETIME,
        [ROW_TIME] = MYSQL_TYPE_TIME,    [ROW_BIT] = MYSQL_TYPE_BLOB,
        [ROW_BYTES] = MYSQL_TYPE_STRING,
    };
    const struct row_column *from = &s->columns[i];
    struct field *f = &s->fields[i];
    MYSQL_BIND *b = &s->binds[i];
    enum row_how how = s->cells[i].how;

    b->buffer_type = types[how];
    b->buffer = &f->at;
    b->buffer_length = how == ROW_BIT ? sizeof f->at.bits : sizeof f->at;
    if (how == ROW_BYTES) {
        b->buffer_length = from->length < ROOM ? from->length : ROOM;
        f->at.text = arena_alloc(s->arena, b->buffer_length + 1);
        b->buffer = f->at.text;
        if (from->charset == BINARY)
            b->buffer_type = MYSQL_TYPE_BLOB;
    }
    b->is_unsigned = s->cells[i].is_unsigned;
    b->length = &f->length;
    b->is_null = &f->null;
    b->error = &f->cut;
}

static void set_cells(struct mysqlc_select *s)
{
    s->cells = xcalloc(s->count, sizeof *s->cells);
    for (size_t i = 0; i < s->count; i++) {
        const struct row_column *c = &s->columns[i];
        s->cells[i] = (struct row_cell){how_of(c), (c->flags & UNSIGNED_FLAG) != 0,
                                        c->decimals > 6 ? 6 : (int)c->decimals, c->name};
    }
}

static int execute_bound(struct mysqlc_select *s, const struct val *values, size_t count, const char *sql,
                         struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    MYSQL_BIND *binds = xcalloc(count + 1, sizeof *binds);
    int rc = 0;

    for (size_t i = 0; i < count; i++)
        mysqlc_bind_value(&binds[i], &values[i]);
    if ((count > 0 && mysql_stmt_bind_param(s->stmt, binds) != 0) || mysql_stmt_execute(s->stmt) != 0)
        rc = mysqlc_fail_stmt(s->c, s->stmt, start_ms, err);
    free(binds);
    if (rc < 0)
        return rc;
    s->count = mysql_stmt_field_count(s->stmt);
    if (s->count == 0)
        return err_set(err, ERR_TARGET, "the statement gives no rows: %.200s", sql);
    s->ended = false;
    s->meta = mysql_stmt_result_metadata(s->stmt);
    if (s->meta == NULL)
        return mysqlc_fail_stmt(s->c, s->stmt, start_ms, err);
    s->columns = arena_alloc(s->arena, s->count * sizeof *s->columns);
    wire_columns(s->meta, s->arena, s->columns);
    set_cells(s);
    s->fields = xcalloc(s->count, sizeof *s->fields);
    s->binds = xcalloc(s->count, sizeof *s->binds);
    for (size_t i = 0; i < s->count; i++)
        bind_field(s, i);
    return mysql_stmt_bind_result(s->stmt, s->binds) != 0 ? mysqlc_fail_stmt(s->c, s->stmt, start_ms, err)
                                                          : 0;
}

static int execute(struct mysqlc_select *s, const char *sql, const struct val *values, size_t count,
                   struct err *err)
{
    int rc = mysqlc_prepare(s->c, sql, &s->stmt, err);

    if (rc < 0)
        return rc;
    if (mysql_stmt_param_count(s->stmt) != count)
        return err_set(err, ERR_INTERNAL, "%lu marks and %zu values: %.200s", mysql_stmt_param_count(s->stmt),
                       count, sql);
    if (!wire_can(s->c)) {
        rc = execute_bound(s, values, count, sql, err);
    } else if (mysql_stmt_field_count(s->stmt) == 0) {
        rc = err_set(err, ERR_TARGET, "the statement gives no rows: %.200s", sql);
    } else {
        s->meta = mysql_stmt_result_metadata(s->stmt);
        rc = wire_open(s->c, s->stmt->stmt_id, s->meta, values, count, s->arena, &s->wire, &s->columns,
                       &s->count, err);
        if (rc == 0) {
            s->ended = false;
            set_cells(s);
        }
    }
    if (rc == 0)
        s->c->answered_ms = clock_mono_ms();
    return rc;
}

static int on_packet_limit(void *arg, const struct str *cells, size_t count, struct err *err)
{
    int64_t *limit = arg;

    UNUSED(count), UNUSED(err);
    *limit = cells[0].p != NULL ? strtoll(cells[0].p, NULL, 10) : 0;
    return 0;
}

/*
 * A server fills a buffer of net_buffer_length, 16 KB, before it sends, and nobody may set that for a session. But it enlarges the
 * buffer for what it is sent, and keeps it: a comment of WIDE bytes, once, makes it send in such packets. 15 % of its time for a
 * large table, and half of ours in the kernel.
 */
static int widen(struct mysqlc *c, struct err *err)
{
    int64_t limit = 0;
    char *sql;

    if (c->wide)
        return 0;
    c->wide = true;
    int rc = mysqlc_run(c, "SELECT @@max_allowed_packet", NULL, 0, on_packet_limit, &limit, NULL, NULL, err);
    if (rc < 0 || limit < 4 * (int64_t)WIDE)
        return rc;
    sql = xasprintf("DO 0 /*%*s*/", WIDE, "");
    rc = mysqlc_exec(c, sql, err);
    free(sql);
    return rc;
}

int mysqlc_select_open(struct mysqlc *c, const char *sql, const struct val *values, size_t count,
                       struct mysqlc_select **ret, struct err *err)
{
    struct mysqlc_select *s = xcalloc(1, sizeof *s);

    s->c = c;
    s->ended = true; /* nothing was asked */
    s->arena = arena_new();
    int rc = widen(c, err);
    if (rc == 0)
        rc = execute(s, sql, values, count, err);
    if (rc < 0) {
        mysqlc_select_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void mysqlc_select_close(struct mysqlc_select *s)
{
    if (s == NULL)
        return;
    if (!s->ended) { /* the rest of the rows stands in the way, and nobody waits for it */
        s->c->lost = true;
        shutdown(mysqlc_socket(s->c), SHUT_RDWR);
    }
    wire_free(s->wire);
    if (s->meta != NULL)
        mysql_free_result(s->meta);
    if (s->stmt != NULL)
        mysql_stmt_close(s->stmt);
    arena_free(s->arena);
    free(s->cells);
    free(s->fields);
    free(s->binds);
    free(s);
}

size_t mysqlc_select_count(const struct mysqlc_select *s)
{
    return s->count;
}

/* --- what a column is --- */

static char *blob_type(const struct row_column *f, bool text)
{
    static const char *const names[2][4] = {{"tinyblob", "blob", "mediumblob", "longblob"},
                                            {"tinytext", "text", "mediumtext", "longtext"}};
    unsigned long n = text ? f->length / TEXT_WIDTH : f->length;

    return xstrdup(names[text][(n > 255) + (n > 65535) + (n > 16777215)]);
}

static char *string_type(const struct row_column *f)
{
    bool text = f->charset != BINARY;

    if ((f->flags & (ENUM_FLAG | SET_FLAG)) != 0)
        return xstrdup((f->flags & ENUM_FLAG) != 0 ? "enum" : "set");
    if (f->length / (text ? TEXT_WIDTH : 1) > 65535)
        return blob_type(f, text);
    const char *name =
        f->type == MYSQL_TYPE_STRING ? (text ? "char" : "binary") : (text ? "varchar" : "varbinary");
    return xasprintf("%s(%lu)", name, f->length / (text ? TEXT_WIDTH : 1));
}

static char *decimal_type(const struct row_column *f)
{
    unsigned long signs = (f->decimals > 0 ? 1U : 0U) + ((f->flags & UNSIGNED_FLAG) == 0 ? 1U : 0U);
    unsigned long digits = f->length > signs ? f->length - signs : 1;

    if (digits < f->decimals)
        digits = f->decimals;
    return xasprintf("decimal(%lu,%u)%s", digits > 65 ? 65 : digits, f->decimals,
                     (f->flags & UNSIGNED_FLAG) != 0 ? " unsigned" : "");
}

/* As the server would write the type of a column that holds what the result has. Returns owned. */
static char *type_text(const struct row_column *f)
{
    const char *sign = (f->flags & UNSIGNED_FLAG) != 0 ? " unsigned" : "", *name = NULL;

    switch (f->type) {
    case MYSQL_TYPE_TINY:
        return xasprintf("tinyint%s", sign);
    case MYSQL_TYPE_SHORT:
        return xasprintf("smallint%s", sign);
    case MYSQL_TYPE_INT24:
        return xasprintf("mediumint%s", sign);
    case MYSQL_TYPE_LONG:
        return xasprintf("int%s", sign);
    case MYSQL_TYPE_LONGLONG:
        return xasprintf("bigint%s", sign);
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
        return decimal_type(f);
    case MYSQL_TYPE_BIT:
        return xasprintf("bit(%lu)", f->length > 64 ? 64 : f->length > 0 ? f->length : 1);
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
    case MYSQL_TYPE_TIME:
        name = f->type == MYSQL_TYPE_TIME       ? "time"
               : f->type == MYSQL_TYPE_DATETIME ? "datetime"
                                                : "timestamp";
        return f->decimals == 0 ? xstrdup(name)
                                : xasprintf("%s(%u)", name, f->decimals > 6 ? 6 : f->decimals);
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
        return blob_type(f, f->charset != BINARY);
    case MYSQL_TYPE_FLOAT:
        return xstrdup("float");
    case MYSQL_TYPE_DOUBLE:
        return xstrdup("double");
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
        return xstrdup("date");
    case MYSQL_TYPE_YEAR:
        return xstrdup("year");
    case MYSQL_TYPE_JSON:
        return xstrdup("json");
    case MYSQL_TYPE_GEOMETRY:
        return xstrdup("geometry");
    default:
        return string_type(f);
    }
}

void mysqlc_select_column(const struct mysqlc_select *s, size_t i, struct arena *a, struct column *ret)
{
    const struct row_column *f = &s->columns[i];
    char *type = type_text(f);
    struct err unknown;

    *ret = (struct column){.name = arena_strndup(a, f->name, strlen(f->name))};
    if (column_parse_type(type, a, ret, &unknown) < 0) {
        ret->type = COL_UNSUPPORTED;
        ret->type_text = arena_strndup(a, type, strlen(type));
    }
    ret->nullable = (f->flags & NOT_NULL_FLAG) == 0;
    ret->has_default = ret->nullable;
    if (ret->type == COL_TEXT)
        ret->charset = "utf8mb4";
    free(type);
}

static bool fits(const struct row_cell *f, enum cell_kind kind)
{
    switch (f->how) {
    case ROW_INT8:
    case ROW_INT16:
    case ROW_INT32:
    case ROW_INT64:
        return kind == CELL_I64 ? !f->is_unsigned || f->how == ROW_INT16 /* a year is unsigned */
                                : kind == CELL_U64 && f->is_unsigned;
    case ROW_FLOAT:
    case ROW_DOUBLE:
        return kind == CELL_DOUBLE;
    case ROW_BIT:
        return kind == CELL_U64;
    case ROW_DATE:
    case ROW_DATETIME:
    case ROW_TIME:
    case ROW_BYTES:
        break;
    }
    return kind == CELL_BYTES;
}

int mysqlc_select_into(struct mysqlc_select *s, const struct table *def, const int *columns, struct err *err)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct column *c = &def->columns[columns != NULL ? columns[i] : (int)i];
        if (!fits(&s->cells[i], cell_kind_of(c))) {
            char *is = type_text(&s->columns[i]);
            err_set(err, ERR_SCHEMA, "column %s was %s, and the server now gives %s", c->name, c->type_text,
                    is);
            free(is);
            return -(int)ERR_SCHEMA;
        }
        if (c->type == COL_DATETIME || c->type == COL_TIMESTAMP || c->type == COL_TIME)
            s->cells[i].fsp = c->fsp;
    }
    return 0;
}

/* --- cells --- */

static void put_time(struct mysqlc_select *s, size_t i, struct batch *b, size_t row)
{
    const MYSQL_TIME *from = &s->fields[i].at.time;
    struct row_time t = {from->neg,  from->year,   from->month,  from->day,
                         from->hour, from->minute, from->second, (unsigned)from->second_part};

    row_put_time(&s->cells[i], &t, b, i, row);
}

/* A value that has not fitted: to where it stays, at once. */
static int fetch_long(struct mysqlc_select *s, size_t i, struct batch *b, const char **ret, struct err *err)
{
    struct field *f = &s->fields[i];
    unsigned long length = 0;
    flag_type null = 0, cut = 0;
    MYSQL_BIND bind = {.buffer_type = s->binds[i].buffer_type, .buffer_length = f->length};

    if (f->length > MAX_CELL)
        return err_set(err, ERR_TOO_LARGE, "a value of column %s has %lu bytes, more than %u",
                       s->columns[i].name, f->length, MAX_CELL);
    char *p = arena_alloc(b->arena, f->length + 1);
    bind.buffer = p;
    bind.length = &length;
    bind.is_null = &null;
    bind.error = &cut;
    if (mysql_stmt_fetch_column(s->stmt, &bind, (unsigned)i, 0) != 0)
        return mysqlc_fail_stmt(s->c, s->stmt, clock_mono_ms(), err);
    p[f->length] = '\0';
    *ret = p;
    return 0;
}

static int store_bytes(struct mysqlc_select *s, size_t i, struct batch *b, size_t row, struct err *err)
{
    struct field *f = &s->fields[i];
    struct batch_col *c = &b->cols[i];
    int rc = 0;

    if (f->length > s->binds[i].buffer_length)
        rc = fetch_long(s, i, b, &c->bytes[row], err);
    else
        c->bytes[row] = batch_keep(b, f->at.text, f->length);
    c->lengths[row] = f->length;
    b->bytes += f->length;
    return rc;
}

static int store(struct mysqlc_select *s, size_t i, struct batch *b, size_t row, struct err *err)
{
    const struct field *f = &s->fields[i];
    struct batch_col *c = &b->cols[i];
    bool is_unsigned = s->cells[i].is_unsigned;

    switch (s->cells[i].how) {
    case ROW_INT8:
        c->i64[row] = is_unsigned ? (uint8_t)f->at.i8 : f->at.i8;
        break;
    case ROW_INT16:
        c->i64[row] = is_unsigned ? (uint16_t)f->at.i16 : f->at.i16;
        break;
    case ROW_INT32:
        c->i64[row] = is_unsigned ? (int64_t)(uint32_t)f->at.i32 : f->at.i32;
        break;
    case ROW_INT64:
        c->i64[row] = f->at.i64;
        break;
    case ROW_FLOAT:
        return row_put_double(&s->cells[i], (double)f->at.f, c, row, err);
    case ROW_DOUBLE:
        return row_put_double(&s->cells[i], f->at.d, c, row, err);
    case ROW_DATE:
    case ROW_DATETIME:
    case ROW_TIME:
        put_time(s, i, b, row);
        break;
    case ROW_BIT: {
        uint64_t v = 0;
        for (size_t k = 0; k < f->length && k < sizeof f->at.bits; k++)
            v = v << 8 | f->at.bits[k];
        c->i64[row] = (int64_t)v;
        break;
    }
    case ROW_BYTES:
        return store_bytes(s, i, b, row, err);
    }
    return 0;
}

/* Where a row is not to be had, Connector/C tells the connection why, and Oracle's library the statement. */
static int fail_fetch(struct mysqlc_select *s, int64_t start_ms, struct err *err)
{
    int rc = mysql_stmt_errno(s->stmt) != 0 ? mysqlc_fail_stmt(s->c, s->stmt, start_ms, err)
                                            : mysqlc_fail_handle(s->c, start_ms, err);

    s->c->lost = s->c->lost || err->native == 0;
    s->ended = !s->c->lost; /* what the server says itself is the last of a result */
    return rc;
}

/* One row by the library: 1, none: 0. */
static int fetch(struct mysqlc_select *s, struct batch *b, int64_t start_ms, struct err *err)
{
    int got = mysql_stmt_fetch(s->stmt), rc = 0;

    if (got == MYSQL_NO_DATA)
        return 0;
    if (got != 0 && got != MYSQL_DATA_TRUNCATED)
        return fail_fetch(s, start_ms, err);
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        bool null = s->fields[i].null != 0;
        b->cols[i].nulls[b->rows] = null;
        if (null)
            row_put_null(&b->cols[i], b->rows);
        else
            rc = store(s, i, b, b->rows, err);
    }
    return rc < 0 ? rc : 1;
}

static int next_of_wire(struct mysqlc_select *s, struct batch *b, struct err *err)
{
    const unsigned char *p = NULL;
    size_t n = 0;
    int rc = wire_next(s->wire, &p, &n, err);

    if (rc < 0)
        s->ended = !s->c->lost; /* what the server says itself is the last of a result */
    if (rc == 1 && row_read(s->cells, s->count, p, n, b, b->rows, err) < 0)
        rc = -(int)err->code;
    return rc;
}

int mysqlc_select_fill(struct mysqlc_select *s, struct batch *b, struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    int rc = 1;

    while (rc == 1 && !s->ended && b->rows < b->capacity && b->bytes < BATCH_BYTES) {
        rc = s->wire != NULL ? next_of_wire(s, b, err) : fetch(s, b, start_ms, err);
        if (rc == 0)
            s->ended = true;
        if (rc != 1)
            break;
        b->lines[b->rows++] = ++s->line;
        b->bytes += s->count * sizeof(int64_t);
    }
    s->c->answered_ms = clock_mono_ms();
    return rc < 0 ? rc : !s->ended;
}

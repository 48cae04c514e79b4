/*
 * A result in the binary protocol, read as it comes. The library puts each cell into a place of its own, bound once; from
 * there it goes into the batch. Binding the batch's arrays themselves would mean to bind anew for every row.
 */
#include "io/mysqlc_select.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/mysqlc_int.h"
#include "io/shortest.h"
#include <math.h>
#include <sys/socket.h>

enum {
    ROOM = 1024, /* of a cell's bytes at first; what is longer is fetched again, to where it stays */
    BINARY = 63, /* the charset of what is no text */
    NOT_FIXED = 31,
    TEXT_WIDTH = 4 /* bytes that utf8mb4 counts a character as */
};

enum how {
    AS_INT8,
    AS_INT16,
    AS_INT32,
    AS_INT64,
    AS_FLOAT,
    AS_DOUBLE,
    AS_DATE,
    AS_DATETIME,
    AS_TIME,
    AS_BIT,
    AS_BYTES
};

struct field { /* bound: stays where it is */
    enum how how;
    bool is_unsigned;
    int fsp;
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
    MYSQL_RES *meta;
    size_t count;
    struct field *fields;
    MYSQL_BIND *binds;
    struct arena *arena;
    int64_t line;
    bool ended; /* nothing of the result is on its way any more */
};

static const MYSQL_FIELD *field_of(const struct mysqlc_select *s, size_t i)
{
    return mysql_fetch_field_direct(s->meta, (unsigned)i);
}

static enum how how_of(const MYSQL_FIELD *f)
{
    switch (f->type) {
    case MYSQL_TYPE_TINY:
        return AS_INT8;
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_YEAR:
        return AS_INT16;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
        return AS_INT32;
    case MYSQL_TYPE_LONGLONG:
        return AS_INT64;
    case MYSQL_TYPE_FLOAT:
        return AS_FLOAT;
    case MYSQL_TYPE_DOUBLE:
        return AS_DOUBLE;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
        return AS_DATE;
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
        return AS_DATETIME;
    case MYSQL_TYPE_TIME:
        return AS_TIME;
    case MYSQL_TYPE_BIT:
        return AS_BIT;
    default: /* and what later servers know */
        return AS_BYTES;
    }
}

static void bind_field(struct mysqlc_select *s, size_t i)
{
    static const enum enum_field_types types[] = {
        [AS_INT8] = MYSQL_TYPE_TINY,    [AS_INT16] = MYSQL_TYPE_SHORT,
        [AS_INT32] = MYSQL_TYPE_LONG,   [AS_INT64] = MYSQL_TYPE_LONGLONG,
        [AS_FLOAT] = MYSQL_TYPE_FLOAT,  [AS_DOUBLE] = MYSQL_TYPE_DOUBLE,
        [AS_DATE] = MYSQL_TYPE_DATE,    [AS_DATETIME] = MYSQL_TYPE_DATETIME,
        [AS_TIME] = MYSQL_TYPE_TIME,    [AS_BIT] = MYSQL_TYPE_BLOB,
        [AS_BYTES] = MYSQL_TYPE_STRING,
    };
    const MYSQL_FIELD *from = field_of(s, i);
    struct field *f = &s->fields[i];
    MYSQL_BIND *b = &s->binds[i];

    f->how = how_of(from);
    f->is_unsigned = (from->flags & UNSIGNED_FLAG) != 0;
    f->fsp = from->decimals >= NOT_FIXED ? 6 : from->decimals > 6 ? 6 : (int)from->decimals;
    b->buffer_type = types[f->how];
    b->buffer = &f->at;
    b->buffer_length = f->how == AS_BIT ? sizeof f->at.bits : sizeof f->at;
    if (f->how == AS_BYTES) {
        b->buffer_length = from->length < ROOM ? from->length : ROOM;
        f->at.text = arena_alloc(s->arena, b->buffer_length + 1);
        b->buffer = f->at.text;
        if (from->charsetnr == BINARY)
            b->buffer_type = MYSQL_TYPE_BLOB;
    }
    b->is_unsigned = f->is_unsigned;
    b->length = &f->length;
    b->is_null = &f->null;
    b->error = &f->cut;
}

static int execute(struct mysqlc_select *s, const char *sql, const struct val *values, size_t count,
                   struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    MYSQL_BIND *binds = NULL;
    int rc = mysqlc_prepare(s->c, sql, &s->stmt, err);

    if (rc < 0)
        return rc;
    if (mysql_stmt_param_count(s->stmt) != count)
        return err_set(err, ERR_INTERNAL, "%lu marks and %zu values: %.200s", mysql_stmt_param_count(s->stmt),
                       count, sql);
    binds = xcalloc(count + 1, sizeof *binds);
    for (size_t i = 0; i < count; i++)
        mysqlc_bind_value(&binds[i], &values[i]);
    if ((count > 0 && mysql_stmt_bind_param(s->stmt, binds) != 0) || mysql_stmt_execute(s->stmt) != 0)
        rc = mysqlc_fail_stmt(s->c, s->stmt, start_ms, err);
    free(binds);
    if (rc < 0)
        return rc;
    s->c->answered_ms = clock_mono_ms();
    s->count = mysql_stmt_field_count(s->stmt);
    s->ended = s->count == 0;
    if (s->count == 0)
        return err_set(err, ERR_TARGET, "the statement gives no rows: %.200s", sql);
    s->meta = mysql_stmt_result_metadata(s->stmt);
    return s->meta == NULL ? mysqlc_fail_stmt(s->c, s->stmt, start_ms, err) : 0;
}

int mysqlc_select_open(struct mysqlc *c, const char *sql, const struct val *values, size_t count,
                       struct mysqlc_select **ret, struct err *err)
{
    struct mysqlc_select *s = xcalloc(1, sizeof *s);

    s->c = c;
    s->ended = true; /* nothing was asked */
    s->arena = arena_new();
    int rc = execute(s, sql, values, count, err);
    if (rc < 0) {
        mysqlc_select_close(s);
        return rc;
    }
    s->ended = false;
    s->fields = xcalloc(s->count, sizeof *s->fields);
    s->binds = xcalloc(s->count, sizeof *s->binds);
    for (size_t i = 0; i < s->count; i++)
        bind_field(s, i);
    if (mysql_stmt_bind_result(s->stmt, s->binds) != 0) {
        rc = mysqlc_fail_stmt(c, s->stmt, clock_mono_ms(), err);
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
    if (s->meta != NULL)
        mysql_free_result(s->meta);
    if (s->stmt != NULL)
        mysql_stmt_close(s->stmt);
    arena_free(s->arena);
    free(s->fields);
    free(s->binds);
    free(s);
}

size_t mysqlc_select_count(const struct mysqlc_select *s)
{
    return s->count;
}

/* --- what a column is --- */

static char *blob_type(const MYSQL_FIELD *f, bool text)
{
    static const char *const names[2][4] = {{"tinyblob", "blob", "mediumblob", "longblob"},
                                            {"tinytext", "text", "mediumtext", "longtext"}};
    unsigned long n = text ? f->length / TEXT_WIDTH : f->length;

    return xstrdup(names[text][(n > 255) + (n > 65535) + (n > 16777215)]);
}

static char *string_type(const MYSQL_FIELD *f)
{
    bool text = f->charsetnr != BINARY;

    if ((f->flags & (ENUM_FLAG | SET_FLAG)) != 0)
        return xstrdup((f->flags & ENUM_FLAG) != 0 ? "enum" : "set");
    if (f->length / (text ? TEXT_WIDTH : 1) > 65535)
        return blob_type(f, text);
    const char *name =
        f->type == MYSQL_TYPE_STRING ? (text ? "char" : "binary") : (text ? "varchar" : "varbinary");
    return xasprintf("%s(%lu)", name, f->length / (text ? TEXT_WIDTH : 1));
}

static char *decimal_type(const MYSQL_FIELD *f)
{
    unsigned long signs = (f->decimals > 0 ? 1U : 0U) + ((f->flags & UNSIGNED_FLAG) == 0 ? 1U : 0U);
    unsigned long digits = f->length > signs ? f->length - signs : 1;

    if (digits < f->decimals)
        digits = f->decimals;
    return xasprintf("decimal(%lu,%u)%s", digits > 65 ? 65 : digits, f->decimals,
                     (f->flags & UNSIGNED_FLAG) != 0 ? " unsigned" : "");
}

/* As the server would write the type of a column that holds what the result has. Returns owned. */
static char *type_text(const MYSQL_FIELD *f)
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
        return blob_type(f, f->charsetnr != BINARY);
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
    const MYSQL_FIELD *f = field_of(s, i);
    char *type = type_text(f);
    struct err unknown;

    *ret = (struct column){.name = arena_strndup(a, f->name, f->name_length)};
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

static bool fits(const struct field *f, enum cell_kind kind)
{
    switch (f->how) {
    case AS_INT8:
    case AS_INT16:
    case AS_INT32:
    case AS_INT64:
        return kind == CELL_I64 ? !f->is_unsigned || f->how == AS_INT16 /* a year is unsigned */
                                : kind == CELL_U64 && f->is_unsigned;
    case AS_FLOAT:
    case AS_DOUBLE:
        return kind == CELL_DOUBLE;
    case AS_BIT:
        return kind == CELL_U64;
    case AS_DATE:
    case AS_DATETIME:
    case AS_TIME:
    case AS_BYTES:
        break;
    }
    return kind == CELL_BYTES;
}

int mysqlc_select_into(struct mysqlc_select *s, const struct table *def, const int *columns, struct err *err)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct column *c = &def->columns[columns != NULL ? columns[i] : (int)i];
        if (!fits(&s->fields[i], cell_kind_of(c))) {
            char *is = type_text(field_of(s, i));
            err_set(err, ERR_SCHEMA, "column %s was %s, and the server now gives %s", c->name, c->type_text,
                    is);
            free(is);
            return -(int)ERR_SCHEMA;
        }
        if (c->type == COL_DATETIME || c->type == COL_TIMESTAMP || c->type == COL_TIME)
            s->fields[i].fsp = c->fsp;
    }
    return 0;
}

/* --- cells --- */

static char *two(char *p, unsigned v)
{
    p[0] = (char)('0' + v / 10 % 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

static char *clock_text(char *p, const MYSQL_TIME *t, unsigned hours, int fsp)
{
    unsigned long part = t->second_part;

    p = two(p, hours);
    *p++ = ':';
    p = two(p, t->minute);
    *p++ = ':';
    p = two(p, t->second);
    if (fsp == 0)
        return p;
    *p = '.';
    for (int i = 6; i > 0; i--, part /= 10)
        p[i] = (char)('0' + part % 10);
    return p + 1 + fsp;
}

/* Returns the length. */
static size_t time_text(const struct field *f, char out[48])
{
    const MYSQL_TIME *t = &f->at.time;
    char *p = out;

    if (f->how == AS_TIME) {
        unsigned hours = t->day * 24 + t->hour; /* up to 838 */
        if (t->neg)
            *p++ = '-';
        if (hours > 99)
            *p++ = (char)('0' + hours / 100 % 10);
        return (size_t)(clock_text(p, t, hours % 100, f->fsp) - out);
    }
    p = two(p, t->year / 100);
    p = two(p, t->year % 100);
    *p++ = '-';
    p = two(p, t->month);
    *p++ = '-';
    p = two(p, t->day);
    if (f->how == AS_DATE)
        return (size_t)(p - out);
    *p++ = ' ';
    return (size_t)(clock_text(p, t, t->hour, f->fsp) - out);
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
                       field_of(s, i)->name, f->length, MAX_CELL);
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

static int store_double(const struct mysqlc_select *s, size_t i, struct batch_col *c, size_t row,
                        struct err *err)
{
    const struct field *f = &s->fields[i];
    int64_t mantissa;
    int exp10;
    double v = f->how == AS_FLOAT ? (double)f->at.f : f->at.d;

    if (!isfinite(v))
        return err_set(err, ERR_BAD_RESPONSE, "column %s holds a number that is none", field_of(s, i)->name);
    shortest_double(v, &mantissa, &exp10); /* of a float too: so do loads, and the server's sums */
    c->dbl[row] = v;
    c->mantissa[row] = mantissa;
    c->exp10[row] = (int16_t)exp10;
    return 0;
}

static int store(struct mysqlc_select *s, size_t i, struct batch *b, size_t row, struct err *err)
{
    const struct field *f = &s->fields[i];
    struct batch_col *c = &b->cols[i];
    char text[48];

    switch (f->how) {
    case AS_INT8:
        c->i64[row] = f->is_unsigned ? (uint8_t)f->at.i8 : f->at.i8;
        break;
    case AS_INT16:
        c->i64[row] = f->is_unsigned ? (uint16_t)f->at.i16 : f->at.i16;
        break;
    case AS_INT32:
        c->i64[row] = f->is_unsigned ? (int64_t)(uint32_t)f->at.i32 : f->at.i32;
        break;
    case AS_INT64:
        c->i64[row] = f->at.i64;
        break;
    case AS_FLOAT:
    case AS_DOUBLE:
        return store_double(s, i, c, row, err);
    case AS_DATE:
    case AS_DATETIME:
    case AS_TIME:
        c->lengths[row] = time_text(f, text);
        c->bytes[row] = batch_keep(b, text, c->lengths[row]);
        b->bytes += c->lengths[row];
        break;
    case AS_BIT: {
        uint64_t v = 0;
        for (size_t k = 0; k < f->length && k < sizeof f->at.bits; k++)
            v = v << 8 | f->at.bits[k];
        c->i64[row] = (int64_t)v;
        break;
    }
    case AS_BYTES:
        return store_bytes(s, i, b, row, err);
    }
    return 0;
}

static int store_null(const struct batch_col *c, size_t row)
{
    switch (c->kind) {
    case CELL_I64:
    case CELL_U64:
        c->i64[row] = 0;
        break;
    case CELL_DOUBLE:
        c->dbl[row] = 0;
        c->mantissa[row] = 0;
        c->exp10[row] = 0;
        break;
    case CELL_BYTES:
        c->bytes[row] = NULL;
        c->lengths[row] = 0;
        break;
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

int mysqlc_select_fill(struct mysqlc_select *s, struct batch *b, struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    int rc = 0;

    while (rc == 0 && !s->ended && b->rows < b->capacity && b->bytes < BATCH_BYTES) {
        size_t row = b->rows;
        int got = mysql_stmt_fetch(s->stmt);
        if (got == MYSQL_NO_DATA) {
            s->ended = true;
            break;
        }
        if (got != 0 && got != MYSQL_DATA_TRUNCATED) {
            rc = fail_fetch(s, start_ms, err);
            break;
        }
        for (size_t i = 0; rc == 0 && i < s->count; i++) {
            bool null = s->fields[i].null != 0;
            b->cols[i].nulls[row] = null;
            rc = null ? store_null(&b->cols[i], row) : store(s, i, b, row, err);
        }
        b->lines[row] = ++s->line;
        b->bytes += s->count * sizeof(int64_t);
        b->rows += rc == 0;
    }
    s->c->answered_ms = clock_mono_ms();
    return rc < 0 ? rc : !s->ended;
}

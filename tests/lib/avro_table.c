#include "tests/lib/avro_table.h"
#include "io/real.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 64 };

static size_t next[COLUMNS]; /* row of the next cell, by column: of the table that was made ready last */

struct avro_table *avro_table_new(void)
{
    struct avro_table *t = xcalloc(1, sizeof *t);
    struct arena *a = arena_new();

    t->def = arena_alloc(a, sizeof *t->def);
    *t->def =
        (struct table){.arena = a, .name = "t", .columns = arena_alloc(a, COLUMNS * sizeof *t->def->columns)};
    return t;
}

void avro_table_add(struct avro_table *t, const char *name, const char *type, bool nullable)
{
    struct column *c = &t->def->columns[t->def->count++];
    struct err err;

    memset(c, 0, sizeof *c);
    if (column_parse_type(type, t->def->arena, c, &err) < 0)
        abort();
    c->name = arena_strndup(t->def->arena, name, strlen(name));
    c->nullable = nullable;
}

void avro_table_ready(struct avro_table *t)
{
    int columns[COLUMNS];

    for (int i = 0; i < COLUMNS; i++)
        columns[i] = i;
    t->rows = batch_new(t->def, columns, t->def->count, AVRO_ROWS);
    memset(next, 0, sizeof next);
}

struct avro_table *avro_table_of(const char *name, const char *type, bool nullable)
{
    struct avro_table *t = avro_table_new();

    avro_table_add(t, name, type, nullable);
    avro_table_ready(t);
    return t;
}

void avro_table_free(struct avro_table *t)
{
    batch_free(t->rows);
    table_free(t->def);
    free(t);
}

static size_t next_row(struct avro_table *t, size_t column)
{
    size_t row = next[column]++;

    if (row >= AVRO_ROWS)
        abort();
    if (t->rows->rows <= row)
        t->rows->rows = row + 1;
    return row;
}

void avro_put_bytes(struct avro_table *t, size_t column, const char *p, size_t n)
{
    struct batch_col *c = &t->rows->cols[column];
    size_t row = next_row(t, column);

    c->nulls[row] = p == NULL;
    if (p == NULL)
        return;
    c->bytes[row] = batch_keep(t->rows, p, n);
    c->lengths[row] = n;
}

void avro_put_int(struct avro_table *t, size_t column, int64_t v)
{
    t->rows->cols[column].i64[next_row(t, column)] = v;
}

void avro_put_real(struct avro_table *t, size_t column, double v)
{
    struct batch_col *c = &t->rows->cols[column];
    size_t row = next_row(t, column);
    struct decimal d = decimal_shortest(v);

    c->dbl[row] = v;
    c->mantissa[row] = d.negative ? -(int64_t)d.digits : (int64_t)d.digits;
    c->exp10[row] = (int16_t)d.exp10;
}

#define V(s)                                                                                                 \
    {                                                                                                        \
        s, sizeof(s) - 1                                                                                     \
    }
#define NINES35 "99999999999999999999999999999999999"
#define NINES30 "999999999999999999999999999999"
static const struct {
    const char *name, *type;
    struct str values[7]; /* again from the first one; {0}: there are no more */
    bool nulls;           /* each third row is NULL */
} every[] = {
    {"tiny", "tinyint(4)", {V("-128"), V("127"), V("0")}, true},
    {"utiny", "tinyint(3) unsigned", {V("0"), V("255")}, false},
    {"small", "smallint(6)", {V("-32768"), V("32767")}, false},
    {"medium", "mediumint(8) unsigned", {V("16777215"), V("0")}, true},
    {"int", "int(11)", {V("-2147483648"), V("2147483647"), V("63"), V("64"), V("-64"), V("-65")}, true},
    {"uint", "int(10) unsigned", {V("4294967295"), V("0")}, true},
    {"big", "bigint(20)", {V("-9223372036854775808"), V("9223372036854775807"), V("0")}, true},
    {"ubig",
     "bigint(20) unsigned",
     {V("0"), V("127"), V("128"), V("9223372036854775808"), V("18446744073709551615")},
     true},
    {"dec",
     "decimal(10,2)",
     {V("-99999999.99"), V("0.00"), V("0.01"), V("-0.01"), V("1.28"), V("-1.28")},
     true},
    {"long dec",
     "decimal(65,30)",
     {V(NINES35 "." NINES30), V("-" NINES35 "." NINES30), V("0." NINES30)},
     false},
    {"thin-dec", "decimal(38,38)", {V("0.00000000000000000000000000000000000001")}, true},
    {"double",
     "double",
     {V("0.1"), V("-0.0"), V("1.7976931348623157e308"), V("5e-324"), V("-1e22"),
      V("2.2250738585072014e-308")},
     true},
    {"float", "float", {V("0.1"), V("-0.0"), V("3.40282347e38"), V("1.40129846e-45"), V("16777216")}, true},
    {"char", "char(10)", {V("abc"), V(""), V("caf\xc3\xa9")}, false},
    {"varchar",
     "varchar(40)",
     {V(""), V("a,\"b\"\r\n'c'\\"), V("\xf0\x9f\x98\x80"), V("NULL"), V("nul\0in it")},
     true},
    {"text", "text", {V("x"), V("")}, true},
    {"enum", "enum('a','b''c')", {V("a"), V("b'c"), V("")}, true},
    {"set", "set('x','y')", {V(""), V("x,y")}, false},
    {"json", "json", {V("{\"a\": [1, null]}"), V("[]")}, true},
    {"binary", "binary(3)", {V("\0\1\xff"), V("abc")}, false},
    {"varbinary", "varbinary(10)", {V(""), V("\xff\xfe")}, true},
    {"blob", "blob", {V("\0"), V("")}, true},
    {"date",
     "date",
     {V("1000-01-01"), V("9999-12-31"), V("1970-01-01"), V("1969-12-31"), V("2000-02-29"), V("0001-01-01")},
     true},
    {"datetime",
     "datetime",
     {V("1000-01-01 00:00:00"), V("9999-12-31 23:59:59"), V("1969-12-31 23:59:59"), V("2022-03-27 02:30:00")},
     true},
    {"datetime3", "datetime(3)", {V("1969-12-31 23:59:59.999"), V("2022-06-05 12:34:56.100")}, false},
    {"datetime6", "datetime(6)", {V("9999-12-31 23:59:59.999999"), V("1000-01-01 00:00:00.000001")}, true},
    {"timestamp", "timestamp", {V("1970-01-01 00:00:01"), V("2038-01-19 03:14:07")}, true},
    {"timestamp6", "timestamp(6)", {V("2038-01-19 03:14:07.999999"), V("1970-01-01 00:00:00.000001")}, false},
    {"time", "time", {V("-838:59:59"), V("838:59:59"), V("00:00:00")}, true},
    {"time6", "time(6)", {V("-00:00:00.000001"), V("23:59:59.999999")}, false},
    {"year", "year(4)", {V("1901"), V("2155"), V("0")}, true},
    {"bit1", "bit(1)", {V("0"), V("1")}, true},
    {"bit10", "bit(10)", {V("1023"), V("1"), V("256")}, false},
    {"bit64", "bit(64)", {V("18446744073709551615"), V("0")}, true},
    {"geometry", "geometry", {V("\0\0\0\0\1\1\0\0\0")}, true},
    {"uuid", "uuid", {V("01234567-89ab-cdef-0123-456789abcdef")}, true},
};

static void put_value(struct avro_table *t, size_t i, struct str v)
{
    switch (t->rows->cols[i].kind) {
    case CELL_I64:
        avro_put_int(t, i, strtoll(v.p, NULL, 10));
        break;
    case CELL_U64:
        avro_put_int(t, i, (int64_t)strtoull(v.p, NULL, 10));
        break;
    case CELL_DOUBLE:
        avro_put_real(t, i,
                      t->def->columns[i].type == COL_FLOAT ? (double)strtof(v.p, NULL) : strtod(v.p, NULL));
        break;
    case CELL_BYTES:
        avro_put_bytes(t, i, v.p, v.n);
        break;
    }
}

struct avro_table *avro_table_every(void)
{
    struct avro_table *t = avro_table_new();

    for (size_t i = 0; i < ARRAY_LEN(every); i++)
        avro_table_add(t, every[i].name, every[i].type, every[i].nulls);
    avro_table_ready(t);
    for (size_t i = 0; i < ARRAY_LEN(every); i++) {
        size_t count = 0, at = 0;
        while (count < ARRAY_LEN(every[i].values) && every[i].values[count].p != NULL)
            count++;
        for (size_t row = 0; row < AVRO_ROWS; row++) {
            if (every[i].nulls && row % 3 == 2)
                t->rows->cols[i].nulls[next_row(t, i)] = 1;
            else
                put_value(t, i, every[i].values[at++ % count]);
        }
    }
    return t;
}

bool avro_same_cell(const struct batch_col *a, size_t a_row, const struct batch_col *b, size_t b_row)
{
    if (a->kind != b->kind || a->nulls[a_row] != b->nulls[b_row])
        return false;
    if (a->nulls[a_row])
        return true;
    switch (a->kind) {
    case CELL_BYTES:
        return a->lengths[a_row] == b->lengths[b_row] &&
               memcmp(a->bytes[a_row], b->bytes[b_row], a->lengths[a_row]) == 0;
    case CELL_DOUBLE:
        return a->dbl[a_row] == b->dbl[b_row] && signbit(a->dbl[a_row]) == signbit(b->dbl[b_row]) &&
               a->mantissa[a_row] == b->mantissa[b_row] && a->exp10[a_row] == b->exp10[b_row];
    case CELL_I64:
    case CELL_U64:
        break;
    }
    return a->i64[a_row] == b->i64[b_row];
}

void avro_copy_cell(struct batch_col *to, size_t to_row, const struct batch_col *from, size_t from_row)
{
    to->nulls[to_row] = from->nulls[from_row];
    switch (to->kind) {
    case CELL_BYTES:
        to->bytes[to_row] = from->bytes[from_row];
        to->lengths[to_row] = from->lengths[from_row];
        return;
    case CELL_DOUBLE:
        to->dbl[to_row] = from->dbl[from_row];
        to->mantissa[to_row] = from->mantissa[from_row];
        to->exp10[to_row] = from->exp10[from_row];
        return;
    case CELL_I64:
    case CELL_U64:
        break;
    }
    to->i64[to_row] = from->i64[from_row];
}

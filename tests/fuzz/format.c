/*
 * The first bytes choose format, dialect and columns; the rest are the cells of a few rows: hostile text, any number. What
 * is written as CSV or TSV must come back through csv.h and convert.h cell by cell, and JSON Lines through jansson. With
 * bit 7 of the first byte texts are any bytes, times too, and it is enough that nothing breaks.
 */
#include "io/format.h"
#include "base/limits.h"
#include "io/convert.h"
#include "io/shortest.h"
#include <assert.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { COLUMNS = 6, ROWS = 6 };

struct input {
    const uint8_t *p;
    size_t n;
};

static uint64_t take(struct input *in, size_t bytes) /* zeros behind the end */
{
    uint64_t v = 0;

    for (size_t i = 0; i<bytes; i++, in->n -= in->n> 0)
        v = v << 8 | (in->n > 0 ? *in->p++ : 0);
    return v;
}

static void set_bytes(struct batch *b, struct batch_col *c, const char *p, size_t n)
{
    c->bytes[b->rows] = batch_keep(b, p, n);
    c->lengths[b->rows] = n;
}

static void set_text(struct batch *b, struct batch_col *c, struct input *in, bool any, size_t most)
{
    size_t n = take(in, 1) % (most + 1);
    char text[256] = "";

    n = n < in->n ? n : in->n;
    if (n > 0)
        memcpy(text, in->p, n);
    in->p += n;
    in->n -= n;
    for (size_t i = 0; i < n && !any; i++)
        text[i] = text[i] != '\0' ? text[i] : '"';
    if (!any && !str_utf8_valid(text, n, NULL))
        for (size_t i = 0; i < n; i++)
            text[i] &= 0x7f;
    for (size_t i = 0; i < n && !any; i++)
        text[i] = text[i] != '\0' ? text[i] : ',';
    set_bytes(b, c, text, n);
}

static void set_time(struct batch *b, struct batch_col *c, const struct column *k, struct input *in)
{
    char text[64];
    unsigned v = (unsigned)take(in, 4);
    int n;

    if (k->type == COL_TIME)
        n = snprintf(text, sizeof text, "%s%02u:%02u:%02u.%03u", v % 3 == 0 && v != 0 ? "-" : "", v % 838,
                     v / 7 % 60, v / 61 % 60, v % 999 + 1);
    else
        n = snprintf(text, sizeof text, "%04u-%02u-%02u %02u:%02u:%02u", 1971 + v % 60, v / 7 % 12 + 1,
                     v / 11 % 28 + 1, v / 13 % 24, v / 17 % 60, v / 19 % 60);
    set_bytes(b, c, text, (size_t)n);
}

static void set_double(struct batch *b, struct batch_col *c, const struct column *k, struct input *in)
{
    uint64_t bits = take(in, k->type == COL_FLOAT ? 4 : 8);
    uint32_t narrow = (uint32_t)bits;
    double v;
    float f;
    int exp10;

    memcpy(&v, &bits, sizeof v);
    memcpy(&f, &narrow, sizeof f);
    v = k->type == COL_FLOAT ? (double)f : v;
    v = isfinite(v) ? v : -0.0;
    c->dbl[b->rows] = v;
    shortest_double(v, &c->mantissa[b->rows], &exp10);
    c->exp10[b->rows] = (int16_t)exp10;
}

static void set_cell(struct batch *b, struct batch_col *c, const struct column *k, struct input *in, bool any)
{
    char text[64];
    int64_t v;
    int n;

    c->nulls[b->rows] = take(in, 1) % 5 == 0;
    if (c->nulls[b->rows])
        return;
    switch (k->type) {
    case COL_DOUBLE:
    case COL_FLOAT:
        set_double(b, c, k, in);
        break;
    case COL_INT:
        c->i64[b->rows] = (int64_t)take(in, take(in, 1) % 8 + 1);
        break;
    case COL_BIT:
        c->i64[b->rows] = (int64_t)take(in, 2) & 0xfff;
        break;
    case COL_DECIMAL:
        v = (int64_t)take(in, 7);
        n = snprintf(text, sizeof text, "%s%lld.%05lld", v % 2 != 0 ? "-" : "", (long long)v / 100000,
                     (long long)v % 100000);
        set_bytes(b, c, text, (size_t)n);
        break;
    case COL_TIMESTAMP:
    case COL_TIME:
        if (any)
            set_text(b, c, in, true, 30);
        else
            set_time(b, c, k, in);
        break;
    default:
        set_text(b, c, in, any || k->type == COL_BINARY, 40);
    }
}

static const char *const types[] = {"text",      "bigint",        "bigint unsigned", "double",
                                    "float",     "decimal(20,5)", "varbinary(40)",   "bit(12)",
                                    "timestamp", "time(3)",       "varchar(40)"};

static void fill(struct table *t, int *order, struct batch **ret, struct input *in, bool any)
{
    static const char *const names[COLUMNS] = {"a", "b", "NULL", "x,y", "\xef\xbb\xbf", "\"7\""};
    size_t count = take(in, 1) % COLUMNS + 1, rows;
    struct err err;

    t->columns = arena_alloc(t->arena, COLUMNS * sizeof *t->columns);
    memset(t->columns, 0, COLUMNS * sizeof *t->columns);
    t->count = count;
    for (size_t i = 0; i < count; i++) {
        if (column_parse_type(types[take(in, 1) % ARRAY_LEN(types)], t->arena, &t->columns[i], &err) < 0)
            abort();
        t->columns[i].name = names[i];
        t->columns[i].nullable = true;
        order[i] = (int)i;
    }
    *ret = batch_new(t, order, count, ROWS);
    for (rows = take(in, 1) % ROWS + 1; rows > 0; rows--) {
        for (size_t i = 0; i < count; i++)
            set_cell(*ret, &(*ret)->cols[i], &t->columns[i], in, any);
        (*ret)->rows++;
    }
}

/* The bytes of a BINARY or BIT cell as the file has them. */
static size_t expected(const struct batch_col *c, size_t row, bool hex, char out[128])
{
    static const char sixty_four[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char copy[64] = {0};
    size_t n = c->kind == CELL_U64 ? 2 : c->lengths[row], o = 0;

    if (c->kind == CELL_U64) {
        copy[0] = (unsigned char)(c->i64[row] >> 8);
        copy[1] = (unsigned char)c->i64[row];
    } else if (n > 0) {
        memcpy(copy, c->bytes[row], n);
    }
    for (size_t i = 0; hex && i < n; i++)
        o += (size_t)snprintf(out + o, 3, "%02X", copy[i]);
    for (size_t bit = 0; !hex && bit < n * 8; bit += 6) {
        unsigned two = (unsigned)copy[bit / 8] << 8 | copy[bit / 8 + 1];
        out[o++] = sixty_four[two >> (10 - bit % 8) & 63];
    }
    for (; !hex && o % 4 != 0; o++)
        out[o] = '=';
    return o;
}

static void same(const struct column *k, const struct batch_col *a, const struct batch_col *b, size_t row,
                 const struct csv_field *f, bool hex)
{
    char text[128];

    if (k->type == COL_BIT ||
        k->type == COL_BINARY) { /* which the loader takes as something else: the field is judged */
        size_t n = a->nulls[row] ? 0 : expected(a, row, hex, text);
        assert(a->nulls[row] ? !f->quoted : f->n == n && memcmp(f->p, text, n) == 0);
        return;
    }
    assert(a->nulls[row] == b->nulls[row]);
    if (a->nulls[row])
        return;
    if (a->kind == CELL_BYTES)
        assert(a->lengths[row] == b->lengths[row] &&
               memcmp(a->bytes[row], b->bytes[row], a->lengths[row]) == 0);
    else if (a->kind == CELL_DOUBLE)
        assert(a->dbl[row] == b->dbl[row] && signbit(a->dbl[row]) == signbit(b->dbl[row]));
    else
        assert(a->i64[row] == b->i64[row]);
}

static void read_csv(const struct format_config *c, const struct table *t, const int *order,
                     const struct batch *b, const struct buf *out)
{
    static const char *const numbers[COLUMNS] = {"1", "2", "3", "4", "5", "6"};
    const char *nulls[] = {c->null, NULL};
    struct convert_rule rules[COLUMNS];
    const struct convert_config convert = {
        .rules = rules, .rule_count = t->count, .nulls = nulls, .header = c->header};
    const struct csv_dialect d = {.delimiter = c->kind == FORMAT_TSV ? '\t' : c->delimiter, .quote = '"'};
    struct memory_reader m = memory_reader(out->p, out->n, SIZE_MAX);
    struct batch *back = batch_new(t, order, t->count, ROWS);
    struct converter *converter = NULL;
    struct csv_record rec;
    struct reject_info why;
    struct csv *csv = NULL;
    struct err err;

    for (size_t i = 0; i < t->count; i++)
        rules[i] = (struct convert_rule){
            .from = c->header ? t->columns[i].name : numbers[i], .to = t->columns[i].name, .nulls = nulls};
    if (csv_open(&m.reader, &d, &csv, &err) < 0 || csv_next(csv, &rec, &err) != 1)
        abort();
    assert(rec.code == CSV_GOOD && rec.count == t->count);
    if (converter_new(&convert, t, &rec, &converter, &err) < 0 ||
        (c->header && csv_next(csv, &rec, &err) != 1))
        abort();
    for (size_t row = 0; row < b->rows; row++) {
        assert(rec.code == CSV_GOOD && rec.count == t->count);
        bool bits = false; /* hex is no number: such a row is not converted */
        for (size_t i = 0; i < t->count; i++)
            bits |= t->columns[i].type == COL_BIT || t->columns[i].type == COL_BINARY;
        assert(bits || converter_row(converter, &rec, back, &why) == 1);
        for (size_t i = 0; i < t->count; i++) {
            enum col_type type = t->columns[i].type;
            if (bits && type != COL_BIT && type != COL_BINARY)
                continue;
            same(&t->columns[i], &b->cols[i], &back->cols[i], row, &rec.fields[i], c->binary == BINARY_HEX);
        }
        assert(csv_next(csv, &rec, &err) == (row + 1 < b->rows));
    }
    converter_free(converter);
    batch_free(back);
    csv_close(csv);
}

static void read_json(const struct table *t, const struct batch *b, const struct buf *out)
{
    const char *p = out->p;

    for (size_t row = 0; row < b->rows; row++) {
        const char *end = memchr(p, '\n', out->n - (size_t)(p - out->p));
        assert(end != NULL);
        json_t *line = json_loadb(p, (size_t)(end - p),
                                  JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, NULL);
        assert(json_object_size(line) == t->count);
        for (size_t i = 0; i < t->count; i++) {
            const struct batch_col *c = &b->cols[i];
            const json_t *v = json_object_get(line, t->columns[i].name);
            if (c->nulls[row])
                assert(json_is_null(v));
            else if (c->kind == CELL_DOUBLE && t->columns[i].type == COL_DOUBLE)
                assert(json_real_value(v) == c->dbl[row] &&
                       signbit(json_real_value(v)) == signbit(c->dbl[row]));
            else if (t->columns[i].type == COL_FLOAT)
                assert((float)json_real_value(v) == (float)c->dbl[row]);
            else if (c->kind == CELL_I64)
                assert(json_real_value(v) == (double)c->i64[row]);
            else if (c->kind == CELL_U64 && t->columns[i].type == COL_INT)
                assert(json_real_value(v) == (double)(uint64_t)c->i64[row]);
            else if (t->columns[i].type == COL_TEXT)
                assert(json_string_length(v) == c->lengths[row] &&
                       memcmp(json_string_value(v), c->bytes[row], c->lengths[row]) == 0);
            else
                assert(json_is_string(v) || json_is_real(v));
        }
        json_decref(line);
        p = end + 1;
    }
    assert(p == out->p + out->n);
}

static int64_t offset(const void *zone, int64_t utc_s)
{
    UNUSED(zone);
    return utc_s % 100000 - 50000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const nulls[] = {"", "\\N", "NULL", "7", "-1", "00", "a b", "0"};
    struct input in = {data, n};
    uint64_t how = take(&in, 1), dialect = take(&in, 1);
    bool any = (how & 0x80) != 0;
    struct format_config c = {
        .kind = (enum format_kind)(how % 3),
        .header = (how & 0x10) != 0,
        .crlf = (how & 0x20) != 0,
        .binary = how & 0x40 ? BINARY_BASE64 : BINARY_HEX,
        .delimiter = ",;|\t :~"[dialect % 7],
        .null = nulls[dialect >> 5],
        .offset_s = any ? offset : NULL,
    };
    struct table t = {.arena = arena_new(), .name = "t"};
    struct buf out = BUF_INIT(MIB), again = BUF_INIT(MIB);
    struct format *f = NULL;
    struct batch *b = NULL;
    struct err err = {0}, other = {0};
    int order[COLUMNS];

    fill(&t, order, &b, &in, any);
    int rc = format_new(&c, &t, order, t.count, &f, &err);
    if (rc == 0) {
        rc = format_begin(f, &out, &err) < 0 ? -1 : format_rows(f, b, 0, b->rows, &out, &err);
        assert(rc == 0 || any);
        again.max = out.n; /* just enough */
        if (rc == 0 &&
            (format_begin(f, &again, &other) < 0 || format_rows(f, b, 0, b->rows, &again, &other) < 0 ||
             again.n != out.n || memcmp(again.p, out.p, out.n) != 0))
            abort();
        if (rc == 0 && !any && c.kind == FORMAT_JSONL)
            read_json(&t, b, &out);
        else if (rc == 0 && !any)
            read_csv(&c, &t, order, b, &out);
    } else {
        assert(err.code == ERR_CONFIG);
    }
    format_free(f);
    batch_free(b);
    buf_release(&out);
    buf_release(&again);
    arena_free(t.arena);
    return 0;
}

/*
 * JSON Lines: an object a row. Integers, YEAR and DECIMAL are numbers with all their digits (a reader that makes doubles
 * of them loses what is beyond 2^53: that is the reader's), -0.0 keeps its sign; times, hex and base64 are text.
 */
#include "base/limits.h"
#include "io/digits_int.h"
#include "io/format_int.h"

struct json_format {
    struct text_format text;
    char **keys; /* owned: {"id": and ,"name": of the columns in order */
    size_t *key_n;
};

/* Without the quotes around; at most 6n bytes. */
static char *escape(char *o, const char *p, size_t n)
{
    static const char hex[] = "0123456789abcdef", names[] = "btn?fr"; /* of 8 to 13 */

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            *o++ = (char)c;
            continue;
        }
        *o++ = '\\';
        if (c >= 0x20) {
            *o++ = (char)c;
        } else if (c >= 8 && c <= 13 && c != 11) {
            *o++ = names[c - 8];
        } else {
            *o++ = 'u';
            *o++ = '0';
            *o++ = '0';
            *o++ = hex[c >> 4];
            *o++ = hex[c & 15];
        }
    }
    return o;
}

static char *quoted(char *o, const char *p, size_t n)
{
    *o++ = '"';
    o = escape(o, p, n);
    *o++ = '"';
    return o;
}

static const char *name_of(const struct format *f, size_t i)
{
    return f->def->columns[f->columns[i]].name;
}

/* The text of the cell, which must be UTF-8: another program's JSON reader refuses the line, or the file, at what is not. */
static char *utf8_text(const struct format *f, size_t i, char *o, const char *p, size_t n, struct err *err)
{
    size_t at = 0;
    char shown[80];

    if (str_utf8_valid(p, n, &at))
        return quoted(o, p, n);
    str_printable(p, n, shown, sizeof shown);
    err_set(err, ERR_BAD_ENCODING, "column %s: '%s' is not UTF-8, from its byte %zu on", name_of(f, i), shown,
            at + 1);
    return NULL;
}

/* The server's digits as they are; JSON has no zeros in front, which ZEROFILL makes. */
static char *json_decimal(const struct format *f, size_t i, char *o, const char *p, size_t n, struct err *err)
{
    const char *first = p, *end = p + n, *digits;
    char shown[80], *begin = o;

    if (p < end && *p == '-')
        *o++ = *p++;
    while (p + 1 < end && *p == '0' && p[1] >= '0' && p[1] <= '9')
        p++;
    for (digits = p; p < end && *p >= '0' && *p <= '9'; p++)
        *o++ = *p;
    bool good = p > digits;
    if (good && p < end && *p == '.') {
        *o++ = *p++;
        for (digits = p; p < end && *p >= '0' && *p <= '9'; p++)
            *o++ = *p;
        good = p > digits;
    }
    if (good && p == end && o > begin)
        return o;
    str_printable(first, n, shown, sizeof shown);
    err_set(err, ERR_BAD_VALUE, "column %s: '%s' is not what a server writes for a DECIMAL", name_of(f, i),
            shown);
    return NULL;
}

static char *json_double(char *o, const struct batch_col *c, size_t row, enum cell_form form)
{
    char *end = format_double(o, c, row, form);

    if (end - o == 2 && o[0] == '-' && o[1] == '0') { /* an integer has no such zero */
        *end++ = '.';
        *end++ = '0';
    }
    return end;
}

static char *json_cell(const struct json_format *f, size_t i, const struct batch_col *c, size_t row, char *o,
                       struct err *err)
{
    const struct format *base = &f->text.format;
    char moment[MOMENT_SIZE];
    size_t n;

    switch (f->text.forms[i]) {
    case FORM_I64:
    case FORM_YEAR:
        if (c->i64[row] < 0)
            *o++ = '-';
        return put_digits(o, c->i64[row] < 0 ? -(uint64_t)c->i64[row] : (uint64_t)c->i64[row]);
    case FORM_U64:
        return put_digits(o, (uint64_t)c->i64[row]);
    case FORM_DOUBLE:
    case FORM_FLOAT:
        return json_double(o, c, row, f->text.forms[i]);
    case FORM_DECIMAL:
        return json_decimal(base, i, o, c->bytes[row], c->lengths[row], err);
    case FORM_BITS:
        *o++ = '"';
        o = format_bits(o, (uint64_t)c->i64[row], base->def->columns[base->columns[i]].precision,
                        base->c->binary);
        *o++ = '"';
        return o;
    case FORM_BINARY:
        *o++ = '"';
        o = format_bytes(o, c->bytes[row], c->lengths[row], base->c->binary);
        *o++ = '"';
        return o;
    case FORM_MOMENT:
        if (format_moment(base, i, c->bytes[row], c->lengths[row], moment, &n, err) < 0)
            return NULL;
        return quoted(o, moment, n);
    case FORM_TEXT:
        break;
    }
    return utf8_text(base, i, o, c->bytes[row], c->lengths[row], err);
}

static char *json_row(const struct format *base, const struct batch *b, size_t row, char *o, struct err *err)
{
    const struct json_format *f = (const struct json_format *)base;

    for (size_t i = 0; i < base->count; i++) {
        const struct batch_col *c = &b->cols[i];
        memcpy(o, f->keys[i], f->key_n[i]);
        o += f->key_n[i];
        if (c->nulls[row]) {
            memcpy(o, "null", 4);
            o += 4;
        } else {
            o = json_cell(f, i, c, row, o, err);
            if (o == NULL)
                return NULL;
        }
    }
    *o++ = '}';
    *o++ = '\n';
    return o;
}

static int json_rows(struct format *base, const struct batch *b, size_t from, size_t to, struct buf *out,
                     struct err *err)
{
    return format_each((struct text_format *)base, json_row, 6, b, from, to, out, err);
}

static int json_nothing(struct format *base, struct buf *out, struct err *err)
{
    UNUSED(base);
    UNUSED(out);
    UNUSED(err);
    return 0;
}

static void json_free(struct format *base)
{
    struct json_format *f = (struct json_format *)base;

    for (size_t i = 0; f->keys != NULL && i < base->count; i++)
        free(f->keys[i]);
    free(f->keys);
    free(f->key_n);
    text_format_release(&f->text);
    free(f);
}

int format_jsonl_new(struct format **ret, struct err *err)
{
    static const struct format_ops ops = {json_nothing, json_rows, json_nothing, json_free};
    struct json_format *f = xcalloc(1, sizeof *f);

    UNUSED(err);
    f->text.format.ops = &ops;
    *ret = &f->text.format;
    return 0;
}

/* An object that has a name twice means another thing to every reader. */
int format_jsonl_check(struct format *base, struct err *err)
{
    struct json_format *f = (struct json_format *)base;

    f->keys = xcalloc(base->count, sizeof *f->keys);
    f->key_n = xcalloc(base->count, sizeof *f->key_n);
    f->text.fixed = 2 + base->count * CELL_ROOM;
    for (size_t i = 0; i < base->count; i++) {
        const char *name = name_of(base, i);
        size_t n = strlen(name);
        if (!str_utf8_valid(name, n, NULL))
            return err_set(err, ERR_BAD_ENCODING, "the name of column %zu is not UTF-8", i + 1);
        for (size_t k = 0; k < i; k++)
            if (strcmp(name, name_of(base, k)) == 0) {
                err_set(err, ERR_CONFIG,
                        "columns %zu and %zu are both called %s, and a JSON object has a name once", k + 1,
                        i + 1, name);
                return err_hint(err, "give one of them another name: SELECT a.id, b.id AS b_id");
            }
        f->keys[i] = xmalloc(6 * n + 4);
        char *o = f->keys[i];
        *o++ = i == 0 ? '{' : ',';
        o = quoted(o, name, n);
        *o++ = ':';
        f->key_n[i] = (size_t)(o - f->keys[i]);
        f->text.fixed += f->key_n[i];
    }
    return 0;
}

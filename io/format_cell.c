/* Single cells as text, for the formats that are text. */
#include "base/civil.h"
#include "io/digits_int.h"
#include "io/format_int.h"
#include <math.h>

/* What the server gives as text though its sums are not known. */
static bool is_text_type(const char *type)
{
    return str_starts(type, "json") || str_starts(type, "uuid") || str_starts(type, "inet");
}

static enum cell_form form_of(const struct column *c, const struct batch_col *col,
                              const struct format_config *config)
{
    switch (col->kind) {
    case CELL_I64:
        return c->type == COL_YEAR ? FORM_YEAR : FORM_I64;
    case CELL_U64:
        return c->type == COL_BIT ? FORM_BITS : FORM_U64;
    case CELL_DOUBLE:
        return c->type == COL_FLOAT ? FORM_FLOAT : FORM_DOUBLE;
    case CELL_BYTES:
        break;
    }
    if (c->type == COL_BINARY || c->type == COL_BIT ||
        (c->type == COL_UNSUPPORTED && !is_text_type(c->type_text)))
        return FORM_BINARY;
    if (c->type == COL_TIMESTAMP && config->offset_s != NULL)
        return FORM_MOMENT;
    return c->type == COL_DECIMAL ? FORM_DECIMAL : FORM_TEXT;
}

char *format_bytes(char *o, const void *bytes, size_t n, enum binary_form form)
{
    static const char hex[] = "0123456789ABCDEF",
                      base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = bytes;

    if (form == BINARY_HEX) {
        for (size_t i = 0; i < n; i++) {
            *o++ = hex[p[i] >> 4];
            *o++ = hex[p[i] & 15];
        }
        return o;
    }
    for (; n > 0; p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
        *o++ = base64[v >> 18];
        *o++ = base64[v >> 12 & 63];
        *o++ = n > 1 ? base64[v >> 6 & 63] : '=';
        *o++ = n > 2 ? base64[v & 63] : '=';
        if (n <= 3)
            break;
        n -= 3;
    }
    return o;
}

char *format_bits(char *o, uint64_t v, int bits, enum binary_form form)
{
    unsigned char bytes[8];
    size_t n = bits <= 0 || bits > 64 ? 8 : (size_t)(bits + 7) / 8;

    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(v >> (8 * (n - 1 - i)));
    return format_bytes(o, bytes, n, form);
}

char *format_double(char *o, const struct batch_col *col, size_t row, enum cell_form form)
{
    int64_t mantissa = col->mantissa[row];
    int exp10 = col->exp10[row];

    if (form == FORM_FLOAT)
        shortest_float((float)col->dbl[row], &mantissa, &exp10);
    if (mantissa == 0 && signbit(col->dbl[row]))
        *o++ = '-';
    return o + shortest_text(mantissa, exp10, o);
}

static bool two(const char *p, int *ret)
{
    unsigned a = (unsigned char)p[0] - (unsigned)'0', b = (unsigned char)p[1] - (unsigned)'0';

    *ret = (int)(a * 10 + b);
    return a < 10 && b < 10;
}

static bool moment_scan(const char *p, size_t n, struct civil *ret)
{
    int century, year;

    *ret = (struct civil){0};
    if (n < 19 || n >= MOMENT_SIZE || (n > 19 && p[19] != '.') || p[4] != '-' || p[7] != '-' ||
        p[10] != ' ' || p[13] != ':' || p[16] != ':')
        return false;
    for (size_t i = 20; i < n; i++)
        if (p[i] < '0' || p[i] > '9')
            return false;
    if (!two(p, &century) || !two(p + 2, &year) || !two(p + 5, &ret->month) || !two(p + 8, &ret->day) ||
        !two(p + 11, &ret->hour) || !two(p + 14, &ret->minute) || !two(p + 17, &ret->second))
        return false;
    ret->year = century * 100 + year;
    return ret->hour < 24 && ret->minute < 60 && ret->second < 60;
}

static void put_two(char *o, int v)
{
    memcpy(o, digit_pairs + (size_t)v * 2, 2);
}

int format_moment(const struct format *f, size_t i, const char *p, size_t n, char out[MOMENT_SIZE],
                  size_t *ret_n, struct err *err)
{
    static const char zero[] = "0000-00-00 00:00:00";
    struct civil c;
    char shown[MOMENT_SIZE];
    bool good = moment_scan(p, n, &c);

    if (good && memcmp(p, zero, 19) == 0) {
        memcpy(out, p, n);
        *ret_n = n;
        return 0;
    }
    if (good && civil_valid(c.year, c.month, c.day)) {
        int64_t utc_s = civil_to_ms(&c) / 1000;
        struct civil at = civil_from_ms((utc_s + f->c->offset_s(f->c->zone, utc_s)) * 1000);
        if (at.year >= 0 && at.year <= 9999) {
            memcpy(out, p, n); /* the signs between, and the fraction */
            put_two(out, at.year / 100);
            put_two(out + 2, at.year % 100);
            put_two(out + 5, at.month);
            put_two(out + 8, at.day);
            put_two(out + 11, at.hour);
            put_two(out + 14, at.minute);
            put_two(out + 17, at.second);
            *ret_n = n;
            return 0;
        }
    }
    str_printable(p, n, shown, sizeof shown);
    return err_set(err, ERR_BAD_VALUE, "column %s: '%s' is no time that can be moved to another zone",
                   f->def->columns[f->columns[i]].name, shown);
}

static void prepare(struct text_format *f, const struct batch *b)
{
    const struct format *base = &f->format;

    f->forms = xcalloc(base->count, sizeof *f->forms);
    f->texts = xcalloc(base->count, sizeof *f->texts);
    for (size_t i = 0; i < base->count; i++) {
        f->forms[i] = form_of(&base->def->columns[base->columns[i]], &b->cols[i], base->c);
        if (b->cols[i].kind == CELL_BYTES)
            f->texts[f->text_count++] = i;
    }
}

void text_format_release(struct text_format *f)
{
    free(f->forms);
    free(f->texts);
}

static size_t bound(const struct text_format *f, size_t widest, const struct batch *b, size_t row)
{
    size_t n = f->fixed;

    for (size_t i = 0; i < f->text_count; i++) {
        const struct batch_col *c = &b->cols[f->texts[i]];
        if (!c->nulls[row])
            n += widest * c->lengths[row];
    }
    return n;
}

int format_each(struct text_format *f, put_row *put, size_t widest, const struct batch *b, size_t from,
                size_t to, struct buf *out, struct err *err)
{
    struct buf spare = BUF_INIT(0);
    int rc = 0;

    if (b->col_count < f->format.count)
        return err_set(err, ERR_INTERNAL, "a batch of %zu columns for a file of %zu", b->col_count,
                       f->format.count);
    if (f->forms == NULL)
        prepare(f, b);
    for (size_t row = from; row < to && rc == 0; row++) {
        size_t need = bound(f, widest, b, row);
        struct buf *to_buf = out;
        if (out->cap - out->n <= need) {
            /* the bound is generous: near the maximum the row is made elsewhere, and measured */
            if (out->max < out->n || need > out->max - out->n) {
                buf_release(&spare);
                spare.max = need;
                to_buf = &spare;
            }
            rc = buf_reserve(to_buf, need, err);
            if (rc < 0)
                break;
        }
        char *end = put(&f->format, b, row, to_buf->p + to_buf->n, err);
        if (end == NULL) {
            rc = -(int)err->code;
            break;
        }
        to_buf->n = (size_t)(end - to_buf->p);
        if (to_buf == &spare)
            rc = buf_add(out, spare.p, spare.n, err);
    }
    if (out->p != NULL)
        out->p[out->n] = '\0';
    buf_release(&spare);
    return rc;
}

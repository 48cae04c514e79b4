/* What all formats begin with, and CSV and TSV. */
#include "io/digits_int.h"
#include "io/format_int.h"

struct csv_format {
    struct text_format text;
    char delimiter;
    const char *null; /* borrowed */
    size_t null_n;
};

static uint64_t any_zero(uint64_t v) /* true where one of its bytes is 0 */
{
    return (v - UINT64_C(0x0101010101010101)) & ~v & UINT64_C(0x8080808080808080);
}

static bool must_quote(const struct csv_format *f, const char *p, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), delimiter = ones * (unsigned char)f->delimiter;
    uint64_t found = 0, v;
    size_t i = 0;

    if (n == 0 || (n == f->null_n && memcmp(p, f->null, n) == 0))
        return true;
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        return true; /* at the head of a file it would be taken for a mark, and cut */
    for (; i + 8 <= n && found == 0; i += 8) {
        memcpy(&v, p + i, 8);
        found = any_zero(v ^ delimiter) | any_zero(v ^ ones * '"') | any_zero(v ^ ones * '\n') |
                any_zero(v ^ ones * '\r');
    }
    for (; i < n && found == 0; i++)
        found = p[i] == f->delimiter || p[i] == '"' || p[i] == '\n' || p[i] == '\r';
    return found != 0;
}

/* At most 2n + 2 bytes. */
static char *csv_text(const struct csv_format *f, char *o, const char *p, size_t n)
{
    if (!must_quote(f, p, n)) {
        memcpy(o, p, n);
        return o + n;
    }
    *o++ = '"';
    while (n > 0) {
        const char *quote = memchr(p, '"', n);
        size_t part = quote != NULL ? (size_t)(quote - p) + 1 : n;
        memcpy(o, p, part);
        o += part;
        if (quote != NULL)
            *o++ = '"';
        p += part;
        n -= part;
    }
    *o++ = '"';
    return o;
}

/* A number or bytes in hex that are written as NULL is: in quotes they are not. No quote is in them. */
static char *not_null(const struct csv_format *f, char *first, char *end)
{
    if ((size_t)(end - first) != f->null_n || memcmp(first, f->null, f->null_n) != 0)
        return end;
    memmove(first + 1, first, f->null_n);
    *first = '"';
    end[1] = '"';
    return end + 2;
}

static inline char *csv_i64(char *o, int64_t v)
{
    uint64_t u = (uint64_t)v;

    if (v < 0) {
        *o++ = '-';
        u = -u;
    }
    return put_digits(o, u);
}

static char *csv_cell(const struct csv_format *f, size_t i, const struct batch_col *c, size_t row, char *o,
                      struct err *err)
{
    const struct format *base = &f->text.format;
    char moment[MOMENT_SIZE], *first = o;
    size_t n;

    switch (f->text.forms[i]) {
    case FORM_I64:
        o = csv_i64(o, c->i64[row]);
        break;
    case FORM_YEAR:
        o = c->i64[row] == 0 ? (char *)memcpy(o, "0000", 4) + 4 : csv_i64(o, c->i64[row]);
        break;
    case FORM_U64:
        o = put_digits(o, (uint64_t)c->i64[row]);
        break;
    case FORM_DOUBLE:
    case FORM_FLOAT:
        o = format_double(o, c, row, f->text.forms[i]);
        break;
    case FORM_BITS:
        o = format_bits(o, (uint64_t)c->i64[row], base->def->columns[base->columns[i]].precision,
                        base->c->binary);
        break;
    case FORM_MOMENT:
        if (format_moment(base, i, c->bytes[row], c->lengths[row], moment, &n, err) < 0)
            return NULL;
        return csv_text(f, o, moment, n);
    case FORM_BINARY:
        if (c->lengths[row] == 0)
            return csv_text(f, o, "", 0);
        o = format_bytes(o, c->bytes[row], c->lengths[row], base->c->binary);
        break;
    case FORM_DECIMAL:
    case FORM_TEXT:
        return csv_text(f, o, c->bytes[row], c->lengths[row]);
    }
    return not_null(f, first, o);
}

/* There are no quotes that a NULL could have. */
static int empty_line(const struct format *base, struct err *err)
{
    err_set(err, ERR_CONFIG,
            "column %s is the only one, and NULL in it would be an empty line, which most readers skip",
            base->def->columns[base->columns[0]].name);
    return err_hint(err, "write NULL as some text, for example \\N, or add a column");
}

static char *csv_row(const struct format *base, const struct batch *b, size_t row, char *o, struct err *err)
{
    const struct csv_format *f = (const struct csv_format *)base;
    const char *first = o;

    for (size_t i = 0; i < base->count; i++) {
        const struct batch_col *c = &b->cols[i];
        if (c->nulls[row]) {
            memcpy(o, f->null, f->null_n);
            o += f->null_n;
        } else {
            o = csv_cell(f, i, c, row, o, err);
            if (o == NULL)
                return NULL;
        }
        *o++ = f->delimiter;
    }
    if (--o == first) {
        err_ignore(empty_line(base, err));
        return NULL;
    }
    if (base->c->crlf)
        *o++ = '\r';
    *o++ = '\n';
    return o;
}

static int csv_begin(struct format *base, struct buf *out, struct err *err)
{
    const struct csv_format *f = (const struct csv_format *)base;
    size_t most = 3;

    if (!base->c->header)
        return 0;
    for (size_t i = 0; i < base->count; i++)
        most += 2 * strlen(base->def->columns[base->columns[i]].name) + 3;
    char *line = xmalloc(most), *o = line;
    for (size_t i = 0; i < base->count; i++) {
        const char *name = base->def->columns[base->columns[i]].name;
        if (i > 0)
            *o++ = f->delimiter;
        o = csv_text(f, o, name, strlen(name));
    }
    if (base->c->crlf)
        *o++ = '\r';
    *o++ = '\n';
    int rc = buf_add(out, line, (size_t)(o - line), err);
    free(line);
    return rc;
}

static int csv_rows(struct format *base, const struct batch *b, size_t from, size_t to, struct buf *out,
                    struct err *err)
{
    return format_each((struct text_format *)base, csv_row, 2, b, from, to, out, err);
}

static int csv_end(struct format *base, struct buf *out, struct err *err)
{
    UNUSED(base);
    UNUSED(out);
    UNUSED(err);
    return 0;
}

static void csv_free(struct format *base)
{
    text_format_release((struct text_format *)base);
    free(base);
}

int format_csv_new(struct format **ret, struct err *err)
{
    static const struct format_ops ops = {csv_begin, csv_rows, csv_end, csv_free};
    struct csv_format *f = xcalloc(1, sizeof *f);

    UNUSED(err);
    f->text.format.ops = &ops;
    *ret = &f->text.format;
    return 0;
}

/* What would not read back is refused before there is a row. */
static int csv_check(struct csv_format *f, struct err *err)
{
    const struct format *base = &f->text.format;
    const struct format_config *c = base->c;
    unsigned char d = (unsigned char)(c->kind == FORMAT_TSV ? '\t' : c->delimiter);
    const char special[] = {(char)d, '"', '\r', '\n', '\0'};

    f->delimiter = (char)d;
    f->null = c->null != NULL ? c->null : "";
    f->null_n = strlen(f->null);
    f->text.fixed = 2 + base->count * (CELL_ROOM > f->null_n + 1 ? CELL_ROOM : f->null_n + 1);
    if (d == '\0' || d >= 0x80 || strchr("\"\r\n+-./=", d) != NULL || (d >= '0' && d <= '9') ||
        ((d | 0x20) >= 'a' && (d | 0x20) <= 'z'))
        return err_set(
            err, ERR_CONFIG,
            "a CSV delimiter is one ASCII character that is no quote, line end, letter, digit or sign");
    if (strpbrk(f->null, special) != NULL)
        return err_set(err, ERR_CONFIG, "the text for NULL has a delimiter, quote or line end in it");
    if (base->count == 1 && f->null_n == 0 && base->def->columns[base->columns[0]].nullable)
        return empty_line(base, err);
    return 0;
}

int format_new(const struct format_config *c, const struct table *def, const int *columns, size_t count,
               struct format **ret, struct err *err)
{
    struct format *f = NULL;
    int rc = 0;

    *ret = NULL;
    if (count == 0)
        return err_set(err, ERR_CONFIG, "a file without columns cannot be written");
    switch (c->kind) {
    case FORMAT_CSV:
    case FORMAT_TSV:
        rc = format_csv_new(&f, err);
        break;
    case FORMAT_JSONL:
        rc = format_jsonl_new(&f, err);
        break;
    case FORMAT_AVRO:
        rc = format_avro_new(c, def, columns, count, &f, err);
        break;
    }
    if (rc < 0)
        return rc;
    f->c = c;
    f->def = def;
    f->count = count;
    if (f->columns == NULL) {
        f->columns = xcalloc(count, sizeof *f->columns);
        memcpy(f->columns, columns, count * sizeof *columns);
    }
    if (c->kind == FORMAT_CSV || c->kind == FORMAT_TSV)
        rc = csv_check((struct csv_format *)f, err);
    else if (c->kind == FORMAT_JSONL)
        rc = format_jsonl_check(f, err);
    if (rc < 0)
        format_free(f);
    else
        *ret = f;
    return rc;
}

int format_begin(struct format *f, struct buf *out, struct err *err)
{
    return f->ops->begin(f, out, err);
}

int format_rows(struct format *f, const struct batch *b, size_t from, size_t to, struct buf *out,
                struct err *err)
{
    return f->ops->rows(f, b, from, to, out, err);
}

int format_end(struct format *f, struct buf *out, struct err *err)
{
    return f->ops->end(f, out, err);
}

void format_free(struct format *f)
{
    if (f == NULL)
        return;
    free(f->columns);
    f->columns = NULL;
    f->ops->free(f);
}

const char *format_suffix(enum format_kind k)
{
    static const char *const suffixes[] = {".csv", ".tsv", ".jsonl", ".avro"};

    return suffixes[k];
}

/*
 * Rows as an Avro object container file: header, and blocks of rows between sync markers. The marker is drawn from the header,
 * so that the same rows are the same bytes.
 */
#include "base/limits.h"
#include "io/format_int.h"
#include "io/hash.h"
#include "io/ocf_int.h"
#include "io/real.h"

enum { BLOCK = 256 * KIB /* rows of so many bytes are a block */ };

struct avro {
    struct format base;
    struct ocf_field *fields; /* owned, one a column */
    char *schema;             /* owned */
    struct ocf_codec *codec;
    struct ocf_check *check;
    unsigned char sync[OCF_SYNC];
    size_t fixed; /* bytes of a row at most, without those of CELL_BYTES */
    struct buf block;
    int64_t block_rows, rows; /* of the block; of the file before it */
    bool checked;             /* the library has seen a row of this file */
};

static struct avro *avro_of(struct format *f)
{
    return (struct avro *)(void *)f;
}

static int add_long(struct buf *out, int64_t v, struct err *err)
{
    unsigned char p[OCF_LONG_MAX];

    return buf_add(out, p, (size_t)(ocf_put_long(p, v) - p), err);
}

static int add_bytes(struct buf *out, const char *p, size_t n, struct err *err)
{
    int rc = add_long(out, (int64_t)n, err);

    return rc < 0 ? rc : buf_add(out, p, n, err);
}

static int begin(struct format *f, struct buf *out, struct err *err)
{
    struct avro *a = avro_of(f);
    const struct {
        const char *key, *value;
    } meta[] = {
        {"avro.codec", ocf_codec_name(a->codec)}, {"avro.schema", a->schema}, {"orch.ddl", f->c->metadata}};
    int64_t count = f->c->metadata != NULL ? 3 : 2;
    int rc = buf_add(out, OCF_MAGIC, 4, err);

    if (rc == 0)
        rc = add_long(out, count, err);
    for (int64_t i = 0; i < count && rc == 0; i++) {
        rc = add_bytes(out, meta[i].key, strlen(meta[i].key), err);
        if (rc == 0)
            rc = add_bytes(out, meta[i].value, strlen(meta[i].value), err);
    }
    if (rc == 0)
        rc = add_long(out, 0, err);
    if (rc == 0)
        rc = buf_add(out, a->sync, OCF_SYNC, err);
    buf_clear(&a->block);
    a->block_rows = a->rows = 0;
    a->checked = false;
    return rc;
}

static int flush(struct avro *a, struct buf *out, struct err *err)
{
    struct str packed;

    if (a->block_rows == 0)
        return 0;
    int rc = ocf_codec_run(a->codec, (struct str){a->block.p, a->block.n}, &packed, err);
    if (rc == 0)
        rc = add_long(out, a->block_rows, err);
    if (rc == 0)
        rc = add_bytes(out, packed.p, packed.n, err);
    if (rc == 0)
        rc = buf_add(out, a->sync, OCF_SYNC, err);
    a->rows += a->block_rows;
    a->block_rows = 0;
    buf_clear(&a->block);
    return rc;
}

static int refuse(const struct avro *a, size_t i, struct str cell, const char *why, struct err *err)
{
    const struct column *c = &a->base.def->columns[a->base.columns[i]];
    char shown[80], name[200];

    str_printable(cell.p, cell.n, shown, sizeof shown);
    str_printable(c->name, strlen(c->name), name, sizeof name);
    return err_set(err, ERR_BAD_VALUE, "row %lld of the Avro file, column %s: '%s' %s",
                   (long long)(a->rows + a->block_rows + 1), name, shown, why);
}

static int no_such_day(const struct avro *a, size_t i, struct str cell, struct err *err)
{
    refuse(a, i, cell, "is in no calendar, and Avro's dates hold nothing else", err);
    return err_hint(err, "with text_times dates and times are written as text, and keep it as it is");
}

static unsigned char *write_bytes(unsigned char *o, const void *p, size_t n)
{
    o = ocf_put_long(o, (int64_t)n);
    if (n > 0)
        memcpy(o, p, n);
    return o + n;
}

/* IEEE 754, the lowest byte first. */
static unsigned char *write_low_first(unsigned char *o, uint64_t v, int n)
{
    for (int i = 0; i < n; i++, v >>= 8)
        *o++ = (unsigned char)v;
    return o;
}

static unsigned char *write_real(unsigned char *o, double v, bool is_float)
{
    float f = (float)v;
    uint32_t w;
    uint64_t d;

    memcpy(&w, &f, sizeof w);
    memcpy(&d, &v, sizeof d);
    return is_float ? write_low_first(o, w, 4) : write_low_first(o, d, 8);
}

/* BIT comes as a number or as its bytes. */
static unsigned char *write_bit(unsigned char *o, const struct batch_col *c, size_t row, int bits)
{
    int n = (bits + 7) / 8;

    if (c->kind == CELL_BYTES)
        return write_bytes(o, c->bytes[row], c->lengths[row]);
    o = ocf_put_long(o, n);
    for (int i = n - 1; i >= 0; i--)
        *o++ = (unsigned char)((uint64_t)c->i64[row] >> 8 * i);
    return o;
}

static int write_text(struct avro *a, size_t i, struct str cell, unsigned char **o, struct err *err)
{
    unsigned char bytes[OCF_DECIMAL_MAX];
    size_t n = 0;
    int64_t v;

    switch (a->fields[i].form) {
    case OCF_DECIMAL:
        if (!ocf_decimal_put(cell, a->fields[i].precision, a->fields[i].scale, bytes, &n))
            return refuse(a, i, cell, "is no value of its type", err);
        *o = write_bytes(*o, bytes, n);
        return 0;
    case OCF_DATE:
        if (!ocf_date_put(cell, &v))
            return no_such_day(a, i, cell, err);
        *o = ocf_put_long(*o, v);
        return 0;
    case OCF_MICROS:
        if (!ocf_micros_put(cell, &v))
            return no_such_day(a, i, cell, err);
        *o = ocf_put_long(*o, v);
        return 0;
    case OCF_STRING:
        if (!str_utf8_valid(cell.p, cell.n, NULL))
            return refuse(a, i, cell, "is not UTF-8", err);
        break;
    default:
        break;
    }
    *o = write_bytes(*o, cell.p, cell.n);
    return 0;
}

static int write_cell(struct avro *a, size_t i, const struct batch_col *c, size_t row, unsigned char **o,
                      struct err *err)
{
    const struct ocf_field *f = &a->fields[i];

    if (c->nulls[row] && !f->nullable)
        return refuse(a, i, str_of("NULL"), "stands where the column is NOT NULL", err);
    if (f->nullable)
        *(*o)++ = c->nulls[row] ? 0 : 2; /* ["null", ...]: 0, or 1 */
    if (c->nulls[row])
        return 0;
    switch (f->form) {
    case OCF_INT:
        *o = ocf_put_long(*o, c->i64[row]);
        return 0;
    case OCF_UBIG: {
        unsigned char bytes[9];
        *o = write_bytes(*o, bytes, ocf_u64_put((uint64_t)c->i64[row], bytes));
        return 0;
    }
    case OCF_FLOAT:
    case OCF_DOUBLE:
        *o = write_real(*o, c->dbl[row], f->form == OCF_FLOAT);
        return 0;
    case OCF_BIT:
        *o = write_bit(*o, c, row, f->precision);
        return 0;
    default:
        return write_text(a, i, (struct str){c->bytes[row], c->lengths[row]}, o, err);
    }
}

/* What a row may take: buf_reserve is asked once. */
static size_t row_room(const struct avro *a, const struct batch *b, size_t row)
{
    size_t n = a->fixed;

    for (size_t i = 0; i < b->col_count; i++)
        if (b->cols[i].kind == CELL_BYTES && !b->cols[i].nulls[row])
            n += b->cols[i].lengths[row];
    return n;
}

static int write_row(struct avro *a, const struct batch *b, size_t row, struct err *err)
{
    size_t before = a->block.n;
    int rc = buf_reserve(&a->block, row_room(a, b, row), err);

    if (rc < 0)
        return err_prefix(err, "row %lld of the Avro file", (long long)(a->rows + a->block_rows + 1));
    unsigned char *o = (unsigned char *)a->block.p + before;
    for (size_t i = 0; i < a->base.count && rc == 0; i++)
        rc = write_cell(a, i, &b->cols[i], row, &o, err);
    if (rc < 0)
        return rc;
    a->block.n = (size_t)(o - (unsigned char *)a->block.p);
    a->block_rows++;
    if (!a->checked)
        rc = ocf_check_rows(a->check, a->block.p + before, a->block.n - before, 1, err);
    a->checked = true;
    return rc;
}

static int rows(struct format *f, const struct batch *b, size_t from, size_t to, struct buf *out,
                struct err *err)
{
    struct avro *a = avro_of(f);
    int rc = 0;

    for (size_t i = 0; i < f->count; i++)
        if (i >= b->col_count || (b->cols[i].kind != cell_kind_of(&f->def->columns[f->columns[i]]) &&
                                  a->fields[i].form != OCF_BIT))
            return err_set(err, ERR_INTERNAL, "a batch of other columns than those of the Avro file");
    for (size_t row = from; row < to && rc == 0; row++) {
        rc = write_row(a, b, row, err);
        if (rc == 0 && a->block.n >= BLOCK)
            rc = flush(a, out, err);
    }
    return rc;
}

static int end(struct format *f, struct buf *out, struct err *err)
{
    return flush(avro_of(f), out, err);
}

static void avro_free(struct format *f)
{
    struct avro *a = avro_of(f);

    ocf_codec_free(a->codec);
    ocf_check_free(a->check);
    buf_release(&a->block);
    free(a->fields);
    free(a->schema);
    free(f->columns);
    free(a);
}

static void fill_fields(struct avro *a)
{
    a->fields = xcalloc(a->base.count, sizeof *a->fields);
    for (size_t i = 0; i < a->base.count; i++) {
        const struct column *c = &a->base.def->columns[a->base.columns[i]];
        struct ocf_type t = ocf_type_of(c, a->base.c->text_times);
        a->fields[i] = (struct ocf_field){t.form, t.form == OCF_BIT ? c->precision : t.precision, t.scale,
                                          c->nullable, 0};
        a->fixed += 1 + OCF_LONG_MAX + OCF_DECIMAL_MAX;
    }
}

static void draw_sync(struct avro *a)
{
    unsigned char sum[SHA256_SIZE];
    struct sha256 *h = sha256_new();

    sha256_add(h, a->schema, strlen(a->schema) + 1);
    if (a->base.c->metadata != NULL)
        sha256_add(h, a->base.c->metadata, strlen(a->base.c->metadata));
    sha256_end(h, sum);
    sha256_free(h);
    memcpy(a->sync, sum, OCF_SYNC);
}

int format_avro_new(const struct format_config *c, const struct table *def, const int *columns, size_t count,
                    struct format **ret, struct err *err)
{
    static const struct format_ops ops = {begin, rows, end, avro_free};
    struct avro *a = xcalloc(1, sizeof *a);
    int rc;

    a->base = (struct format){&ops, c, def, xcalloc(count, sizeof *columns), count};
    memcpy(a->base.columns, columns, count * sizeof *columns);
    buf_init(&a->block, MAX_OCF_BLOCK);
    fill_fields(a);
    rc = ocf_codec_new(c->codec, OCF_PACK, &a->codec, err);
    if (rc == 0)
        rc = ocf_schema_write(def, columns, count, c->name != NULL ? c->name : "row", c->text_times,
                              &a->schema, err);
    if (rc == 0)
        rc = ocf_check_new(a->schema, strlen(a->schema), &a->check, err);
    if (rc == 0 &&
        strlen(a->schema) + (c->metadata != NULL ? strlen(c->metadata) : 0) > MAX_OCF_HEADER - 1024)
        rc = err_set(err, ERR_TOO_LARGE, "schema and metadata of an Avro file have more than %u bytes",
                     MAX_OCF_HEADER);
    if (rc == 0) {
        draw_sync(a);
        *ret = &a->base;
        a = NULL;
    }
    if (a != NULL)
        avro_free(&a->base);
    return rc;
}

#include "io/ocf.h"
#include "base/limits.h"
#include "io/ocf_int.h"
#include "io/real.h"
#include <math.h>

enum { STEP = 64 * KIB };

struct ocf {
    struct reader *in;    /* owned */
    unsigned char *ahead; /* owned: STEP bytes; [at, end) has not been used yet */
    size_t at, end;
    bool in_ended;
    int64_t offset;           /* of ahead[end] in the file */
    struct table *table;      /* owned */
    struct ocf_field *fields; /* owned */
    char *metadata;           /* owned */
    struct ocf_codec *codec;
    unsigned char sync[OCF_SYNC];
    struct buf block;
    const unsigned char *p, *limit; /* rows of the block that are still to come */
    int64_t left, row;              /* so many; of the file */
};

static int64_t where(const struct ocf *o)
{
    return o->offset - (int64_t)(o->end - o->at);
}

static int damaged(const struct ocf *o, const char *why, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the Avro file is damaged before its byte %lld: %s", (long long)where(o),
                   why);
}

/* 1: there are bytes at ahead[at]; 0: the file is at its end. */
static int look(struct ocf *o, struct err *err)
{
    if (o->at < o->end)
        return 1;
    if (o->in_ended)
        return 0;
    size_t n = 0;
    int rc = reader_read(o->in, o->ahead, STEP, &n, err);
    if (rc < 0)
        return rc;
    o->at = 0;
    o->end = n;
    o->offset += (int64_t)n;
    o->in_ended = n == 0;
    return n > 0;
}

static int need(struct ocf *o, struct err *err)
{
    int rc = look(o, err);

    return rc == 0 ? damaged(o, "it is cut off", err) : rc;
}

/* Exactly n bytes, appended to ret as they come: what a file claims costs nothing. */
static int take(struct ocf *o, size_t n, struct buf *ret, struct err *err)
{
    while (n > 0) {
        int rc = need(o, err);
        if (rc < 0)
            return rc;
        size_t m = o->end - o->at < n ? o->end - o->at : n;
        rc = buf_add(ret, o->ahead + o->at, m, err);
        if (rc < 0)
            return rc;
        o->at += m;
        n -= m;
    }
    return 0;
}

static int take_long(struct ocf *o, int64_t *ret, struct err *err)
{
    unsigned char p[OCF_LONG_MAX];
    size_t n = 0;

    do {
        int rc = need(o, err);
        if (rc < 0)
            return rc;
        p[n++] = o->ahead[o->at++];
    } while (p[n - 1] >= 0x80 && n < sizeof p);
    return ocf_get_long(p, p + n, ret) == NULL ? damaged(o, "a length has too many digits", err) : 0;
}

/* Bytes or a string of the header; *budget is what the rest of it may have. */
static int take_string(struct ocf *o, size_t *budget, struct buf *ret, struct err *err)
{
    int64_t n = 0;
    int rc = take_long(o, &n, err);

    if (rc < 0)
        return rc;
    if (n < 0)
        return damaged(o, "a length is below 0", err);
    if ((uint64_t)n > *budget)
        return err_set(err, ERR_TOO_LARGE, "the Avro file's header has more than %u bytes", MAX_OCF_HEADER);
    *budget -= (size_t)n;
    buf_clear(ret);
    return take(o, (size_t)n, ret, err);
}

struct header {
    struct buf key, value;
    char *schema, *codec; /* owned */
    size_t schema_n;
};

static int keep(const struct ocf *o, char **to, struct buf *value, struct err *err)
{
    if (*to != NULL)
        return damaged(o, "its header says one thing twice", err);
    *to = xstrndup(value->n > 0 ? value->p : "", value->n);
    if (strlen(*to) != value->n)
        return damaged(o, "its header has a zero byte", err);
    return 0;
}

static int take_entry(struct ocf *o, struct header *h, size_t *budget, struct err *err)
{
    int rc = take_string(o, budget, &h->key, err);

    if (rc == 0)
        rc = take_string(o, budget, &h->value, err);
    if (rc < 0)
        return rc;
    struct str key = {h->key.p, h->key.n};
    if (str_is(key, "avro.schema")) {
        h->schema_n = h->value.n;
        return keep(o, &h->schema, &h->value, err);
    }
    if (str_is(key, "avro.codec"))
        return keep(o, &h->codec, &h->value, err);
    return str_is(key, "orch.ddl") ? keep(o, &o->metadata, &h->value, err) : 0;
}

static int take_metadata(struct ocf *o, struct header *h, struct err *err)
{
    size_t budget = MAX_OCF_HEADER;

    for (;;) {
        int64_t count = 0, ignored;
        int rc = take_long(o, &count, err);
        if (rc < 0 || count == 0)
            return rc;
        if (count < 0) { /* its size in bytes follows, for those who pass it over */
            count = count == INT64_MIN ? INT64_MAX : -count;
            rc = take_long(o, &ignored, err);
        }
        for (int64_t i = 0; i < count && rc == 0; i++) {
            if (budget < 2)
                return err_set(err, ERR_TOO_LARGE, "the Avro file's header has more than %u bytes",
                               MAX_OCF_HEADER);
            budget -= 2;
            rc = take_entry(o, h, &budget, err);
        }
        if (rc < 0)
            return rc;
    }
}

static int take_sync(struct ocf *o, unsigned char ret[OCF_SYNC], struct err *err)
{
    for (int i = 0; i < OCF_SYNC; i++) {
        int rc = need(o, err);
        if (rc < 0)
            return rc;
        ret[i] = o->ahead[o->at++];
    }
    return 0;
}

static int read_header(struct ocf *o, struct err *err)
{
    struct header h = {BUF_INIT(MAX_OCF_HEADER), BUF_INIT(MAX_OCF_HEADER), NULL, NULL, 0};
    int rc;

    for (int i = 0; i < 4; i++) {
        rc = look(o, err);
        if (rc < 0)
            goto out;
        if (rc == 0 || o->ahead[o->at++] != (unsigned char)OCF_MAGIC[i]) {
            rc = err_set(err, ERR_CORRUPT, "this is no Avro object container file");
            goto out;
        }
    }
    rc = take_metadata(o, &h, err);
    if (rc == 0)
        rc = take_sync(o, o->sync, err);
    if (rc == 0 && h.schema == NULL)
        rc = damaged(o, "its header has no schema", err);
    if (rc == 0)
        rc = ocf_codec_new(h.codec, OCF_UNPACK, &o->codec, err);
    if (rc == 0)
        rc = ocf_schema_read(h.schema, h.schema_n, &o->table, &o->fields, err);
out:
    buf_release(&h.key);
    buf_release(&h.value);
    free(h.schema);
    free(h.codec);
    return rc;
}

int ocf_open(struct reader *in, struct ocf **ret, struct err *err)
{
    struct ocf *o = xcalloc(1, sizeof *o);

    o->in = in;
    o->ahead = xmalloc(STEP);
    buf_init(&o->block, MAX_OCF_BLOCK);
    int rc = read_header(o, err);
    if (rc < 0)
        ocf_close(o);
    else
        *ret = o;
    return rc;
}

void ocf_close(struct ocf *o)
{
    if (o == NULL)
        return;
    reader_close(o->in);
    ocf_codec_free(o->codec);
    table_free(o->table);
    buf_release(&o->block);
    free(o->fields);
    free(o->metadata);
    free(o->ahead);
    free(o);
}

const struct table *ocf_table(const struct ocf *o)
{
    return o->table;
}

const char *ocf_metadata(const struct ocf *o)
{
    return o->metadata;
}

/* 1: a block, with rows in it; 0: the end. */
static int next_block(struct ocf *o, struct err *err)
{
    unsigned char sync[OCF_SYNC];
    struct str rows;
    int64_t n = 0;
    int rc = look(o, err);

    if (rc <= 0)
        return rc;
    rc = take_long(o, &o->left, err);
    if (rc == 0)
        rc = take_long(o, &n, err);
    if (rc < 0)
        return rc;
    if (o->left < 0 || n < 0)
        return damaged(o, "a block's length is below 0", err);
    if (n > MAX_OCF_BLOCK)
        return err_set(err, ERR_TOO_LARGE, "a block of the Avro file has more than %u bytes", MAX_OCF_BLOCK);
    buf_clear(&o->block);
    rc = take(o, (size_t)n, &o->block, err);
    if (rc == 0)
        rc = take_sync(o, sync, err);
    if (rc < 0)
        return rc;
    if (memcmp(sync, o->sync, OCF_SYNC) != 0)
        return damaged(o, "a block does not end with the file's sync marker", err);
    rc = ocf_codec_run(o->codec, (struct str){o->block.p, o->block.n}, &rows, err);
    if (rc < 0)
        return rc;
    o->p = (const unsigned char *)rows.p;
    o->limit = rows.n > 0 ? o->p + rows.n : o->p;
    return 1;
}

static int bad_value(const struct ocf *o, size_t i, const char *why, struct err *err)
{
    const char *name = o->table->columns[i].name;
    char shown[200];

    str_printable(name, strlen(name), shown, sizeof shown);
    return err_set(err, ERR_BAD_VALUE, "row %lld of the Avro file, column %s: %s", (long long)o->row, shown,
                   why);
}

static int cut_off(const struct ocf *o, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "row %lld of the Avro file is cut off, or no row of its schema",
                   (long long)o->row);
}

static int read_long(struct ocf *o, int64_t *ret, struct err *err)
{
    const unsigned char *p = ocf_get_long(o->p, o->limit, ret);

    if (p == NULL)
        return cut_off(o, err);
    o->p = p;
    return 0;
}

static int read_real(struct ocf *o, size_t i, struct batch_col *c, size_t row, struct err *err)
{
    bool is_float = o->fields[i].form == OCF_FLOAT;
    ptrdiff_t n = is_float ? 4 : 8;
    uint64_t v = 0;
    float f;

    if (o->limit - o->p < n)
        return cut_off(o, err);
    for (ptrdiff_t k = n - 1; k >= 0; k--)
        v = v << 8 | o->p[k];
    o->p += n;
    uint32_t low = (uint32_t)v;
    memcpy(&f, &low, sizeof f);
    memcpy(&c->dbl[row], &v, sizeof v);
    if (is_float)
        c->dbl[row] = (double)f;
    if (!isfinite(c->dbl[row]))
        return bad_value(o, i, "is not finite, and no column holds that", err);
    struct decimal d = decimal_shortest(c->dbl[row]);
    c->mantissa[row] = d.negative ? -(int64_t)d.digits : (int64_t)d.digits;
    c->exp10[row] = (int16_t)d.exp10;
    return 0;
}

static int read_int(struct ocf *o, size_t i, struct batch_col *c, size_t row, struct err *err)
{
    const struct column *k = &o->table->columns[i];
    int rc = 0;

    if (o->fields[i].form == OCF_BOOLEAN) {
        if (o->p == o->limit || *o->p > 1)
            return cut_off(o, err);
        c->i64[row] = *o->p++;
        return 0;
    }
    rc = read_long(o, &c->i64[row], err);
    if (rc == 0 && k->type == COL_INT && (c->i64[row] < k->min || c->i64[row] > k->max))
        return bad_value(o, i, "is out of its type's range", err);
    if (rc == 0 && k->type == COL_YEAR && (c->i64[row] < 0 || c->i64[row] > 2155))
        return bad_value(o, i, "is no YEAR", err);
    return rc;
}

/* BIT and BIGINT UNSIGNED. */
static int put_u64(struct ocf *o, size_t i, struct str v, struct batch_col *c, size_t row, struct err *err)
{
    const struct column *k = &o->table->columns[i];
    uint64_t u = 0;

    if (k->type == COL_BIT) {
        if (v.n > 8)
            return bad_value(o, i, "has more than 64 bits", err);
        for (size_t b = 0; b < v.n; b++)
            u = u << 8 | (unsigned char)v.p[b];
        if (k->precision < 64 && u >> k->precision != 0)
            return bad_value(o, i, "has more bits than its type", err);
    } else if (!ocf_u64_get((const unsigned char *)v.p, v.n, &u)) {
        return bad_value(o, i, "is out of its type's range", err);
    }
    c->i64[row] = (int64_t)u;
    return 0;
}

static int put_bytes(struct ocf *o, size_t i, struct str v, struct batch *b, struct batch_col *c,
                     struct err *err)
{
    const struct ocf_field *f = &o->fields[i];
    char text[OCF_TEXT_MAX];

    if (f->form == OCF_STRING && !str_utf8_valid(v.p, v.n, NULL))
        return bad_value(o, i, "is not UTF-8", err);
    if (f->form == OCF_DECIMAL) {
        if (!ocf_decimal_get((const unsigned char *)v.p, v.n, f->precision, f->scale, text, &v.n))
            return bad_value(o, i, "has more digits than its type", err);
        v.p = text;
    }
    c->bytes[b->rows] = v.n > 0 ? batch_keep(b, v.p, v.n) : "";
    c->lengths[b->rows] = v.n;
    b->bytes += v.n;
    return 0;
}

static int read_time(struct ocf *o, size_t i, struct batch *b, struct batch_col *c, struct err *err)
{
    char text[OCF_TEXT_MAX];
    int64_t v = 0;
    size_t n = 0;
    int rc = read_long(o, &v, err);

    if (rc < 0)
        return rc;
    if (o->fields[i].form == OCF_DATE ? !ocf_date_get(v, text, &n)
                                      : !ocf_micros_get(v, o->table->columns[i].fsp, text, &n))
        return bad_value(o, i, "is a time that its type does not hold", err);
    c->bytes[b->rows] = batch_keep(b, text, n);
    c->lengths[b->rows] = n;
    b->bytes += n;
    return 0;
}

static int read_cell(struct ocf *o, size_t i, struct batch *b, struct err *err)
{
    const struct ocf_field *f = &o->fields[i];
    struct batch_col *c = &b->cols[i];
    size_t row = b->rows;
    int64_t n = 0;
    int rc = f->nullable ? read_long(o, &n, err) : 0;

    if (rc < 0)
        return rc;
    if (n < 0 || n > 1)
        return cut_off(o, err);
    c->nulls[row] = f->nullable && n == f->null_branch;
    if (c->kind == CELL_BYTES) {
        c->bytes[row] = "";
        c->lengths[row] = 0;
    }
    b->bytes += 9;
    if (c->nulls[row])
        return 0;
    switch (f->form) {
    case OCF_INT:
    case OCF_BOOLEAN:
        return read_int(o, i, c, row, err);
    case OCF_FLOAT:
    case OCF_DOUBLE:
        return read_real(o, i, c, row, err);
    case OCF_DATE:
    case OCF_MICROS:
        return read_time(o, i, b, c, err);
    default:
        break;
    }
    rc = read_long(o, &n, err);
    if (rc < 0)
        return rc;
    if (n < 0 || n > o->limit - o->p)
        return cut_off(o, err);
    struct str v = {(const char *)o->p, (size_t)n};
    o->p += n;
    return c->kind == CELL_BYTES ? put_bytes(o, i, v, b, c, err) : put_u64(o, i, v, c, row, err);
}

static int check_batch(const struct ocf *o, const struct batch *b, struct err *err)
{
    if (b->col_count != o->table->count)
        return err_set(err, ERR_SCHEMA, "the Avro file has %zu columns, and %zu are asked for",
                       o->table->count, b->col_count);
    for (size_t i = 0; i < b->col_count; i++)
        if (b->cols[i].kind != cell_kind_of(&o->table->columns[i])) {
            const char *name = o->table->columns[i].name;
            char shown[200];
            str_printable(name, strlen(name), shown, sizeof shown);
            return err_set(err, ERR_SCHEMA,
                           "column %s is %s in the Avro file, and of another kind in the table", shown,
                           o->table->columns[i].type_text);
        }
    return 0;
}

/* 1: there is a row at p; 0: the end. */
static int find_row(struct ocf *o, struct err *err)
{
    while (o->left == 0) {
        if (o->p != o->limit)
            return damaged(o, "a block has more bytes than rows", err);
        int rc = next_block(o, err);
        if (rc <= 0)
            return rc;
    }
    return 1;
}

int ocf_fill(struct ocf *o, struct batch *b, struct err *err)
{
    int rc = check_batch(o, b, err);

    while (rc == 0 && b->rows < b->capacity && b->bytes < BATCH_BYTES) {
        rc = find_row(o, err);
        if (rc <= 0)
            return rc;
        o->row++;
        rc = 0;
        for (size_t i = 0; i < b->col_count && rc == 0; i++)
            rc = read_cell(o, i, b, err);
        if (rc < 0)
            return rc;
        b->lines[b->rows] = o->row;
        b->offsets[b->rows] = where(o);
        b->raw[b->rows] = NULL;
        b->raw_n[b->rows] = 0;
        b->rows++;
        o->left--;
    }
    return rc < 0 ? rc : 1;
}

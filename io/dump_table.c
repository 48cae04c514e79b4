/* One table: read, formatted, packed, cut into parts. */
#include "base/limits.h"
#include "base/mem.h"
#include "io/dump_int.h"
#include "io/target_int.h"
#include "io/target_select.h"

enum {
    CELLS = 256 * 1024, /* of a batch, at most: wide tables have fewer rows in it */
    SLICE = 128 * 1024, /* bytes of rows that are formatted at once, and stay in the cache */
    TEXT_KEPT = 16 * 1024 * 1024
};
#define MAX_TEXT (1024u * MIB) /* a row as text: more than a server's largest packet holds */

struct reading {
    struct worker *w;
    struct dump_table *t;
    const struct table *def;
    int *columns; /* of def; owned */
    size_t count, visible;
    struct batch *batch;
    struct format_config config;
    struct format *format;
    struct deflate *deflate;
    struct buf text;
    struct piece *piece;  /* with us; NULL: none */
    struct sink_sum *sum; /* of the part */
    bool in_part;
    int64_t part_rows, part_bytes;
    struct page_key key;
};

/* --- parts --- */

static int take_piece(struct reading *r, struct err *err)
{
    int rc = dump_piece(r->w, &r->piece, err);

    if (rc < 0)
        return rc;
    r->piece->t = r->t;
    r->piece->part = r->t->part_count - 1;
    return 0;
}

static void send_piece(struct reading *r, bool last)
{
    r->piece->is.last = last;
    sink_sum_piece(r->sum, &r->piece->is);
    dump_send(r->w);
    r->piece = NULL;
}

static int on_packed(void *arg, const void *bytes, size_t n, struct err *err)
{
    struct reading *r = arg;
    const char *p = bytes;
    int rc = 0;

    r->part_bytes += (int64_t)n;
    while (n > 0) {
        if (r->piece != NULL && r->piece->is.n == SINK_PIECE)
            send_piece(r, false);
        if (r->piece == NULL) {
            rc = take_piece(r, err);
            if (rc < 0)
                return rc;
        }
        size_t room = SINK_PIECE - r->piece->is.n, part = n < room ? n : room;
        sink_sum_add(r->sum, p,
                     part); /* it was just written: later, elsewhere, it would be read from memory */
        memcpy(r->piece->p + r->piece->is.n, p, part);
        r->piece->is.n += part;
        p += part;
        n -= part;
    }
    return 0;
}

/* What was formatted goes on its way. */
static int flush(struct reading *r, struct err *err)
{
    int rc = 0;

    if (r->text.n > 0)
        rc = r->deflate != NULL ? deflate_write(r->deflate, r->text.p, r->text.n, err)
                                : on_packed(r, r->text.p, r->text.n, err);
    buf_clear(&r->text);
    if (r->text.cap > TEXT_KEPT)
        buf_release(&r->text);
    return rc;
}

static int begin_part(struct reading *r, struct err *err)
{
    struct dump *d = r->w->d;
    struct dump_table *t = r->t;
    struct buf key = BUF_INIT(64 * KIB);

    pthread_mutex_lock(&d->mutex);
    t->part_key(t->arg, t, (int)t->part_count, &key);
    int rc = key.n > 0 ? 0 : err_set(err, ERR_INTERNAL, "part %zu has no name", t->part_count);
    if (rc == 0 && t->part_count == MAX_RUN_PARTS) { /* as many as a manifest lists */
        err_set(err, ERR_TOO_LARGE, "more than %d files", MAX_RUN_PARTS);
        rc = err_hint(err, "a larger part_bytes makes fewer of them");
    }
    if (rc == 0 && t->part_count > 0 && strcmp(t->parts[t->part_count - 1].key, key.p) == 0) {
        err_set(err, ERR_TOO_LARGE, "part %zu would be named as the one before: names are too long",
                t->part_count);
        rc = err_hint(err, "a shorter path or prefix");
    }
    if (rc == 0) {
        t->parts = xrealloc(t->parts, (t->part_count + 1) * sizeof *t->parts);
        t->parts[t->part_count++] = (struct dump_part){.key = buf_take(&key)};
    }
    pthread_mutex_unlock(&d->mutex);
    buf_release(&key);
    if (rc < 0)
        return rc;
    r->in_part = true;
    r->sum = sink_sum_new(r->w->sink);
    r->part_rows = r->part_bytes = 0;
    return format_begin(r->format, &r->text, err);
}

static int end_part(struct reading *r, struct err *err)
{
    struct dump *d = r->w->d;
    int rc = format_end(r->format, &r->text, err);

    if (rc == 0)
        rc = flush(r, err);
    if (rc == 0 && r->deflate != NULL)
        rc = deflate_end(r->deflate, err);
    if (rc == 0 && r->piece == NULL) /* a part without a byte: a format may have nothing to say */
        rc = take_piece(r, err);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&d->mutex);
    r->t->parts[r->t->part_count - 1].rows = r->part_rows;
    pthread_mutex_unlock(&d->mutex);
    send_piece(r, true);
    sink_sum_free(r->sum);
    r->sum = NULL;
    r->in_part = false;
    return 0;
}

/* --- batches --- */

static size_t slice_rows(const struct batch *b)
{
    size_t each = b->bytes / b->rows + 1, rows = SLICE / each;

    return rows > 0 ? rows : 1;
}

static int write_batch(struct reading *r, struct err *err)
{
    struct batch *b = r->batch;
    struct batch visible = *b;
    int rc = 0;

    if (b->rows == 0)
        return 0;
    visible.col_count = r->visible;
    if (r->w->d->c->without_sums)
        r->t->sums.rows += (int64_t)b->rows;
    else
        batch_sum_rows(&visible, 0, b->rows, &r->t->sums);
    if (!r->in_part)
        rc = begin_part(r, err);
    size_t step = slice_rows(b);
    for (size_t from = 0; rc == 0 && from < b->rows; from += step) {
        size_t to = from + step < b->rows ? from + step : b->rows;
        rc = format_rows(r->format, &visible, from, to, &r->text, err);
        if (rc == 0)
            rc = flush(r, err);
    }
    if (rc < 0)
        return rc;
    r->part_rows += (int64_t)b->rows;
    r->t->rows += (int64_t)b->rows;
    atomic_fetch_add(&r->w->d->rows, (long long)b->rows);
    if (r->w->d->c->part_bytes > 0 && r->part_bytes >= r->w->d->c->part_bytes)
        rc = end_part(r, err);
    return rc;
}

/* --- the result --- */

static int set_up(struct reading *r, struct select *s, struct err *err)
{
    const struct dump_config *c = r->w->d->c;
    struct dump_table *t = r->t;

    if (t->def == NULL && t->made == NULL)
        t->made = select_take_table(s);
    if (r->batch != NULL)
        return 0;
    r->def = t->def != NULL ? t->def : t->made;
    r->count = t->def != NULL ? t->column_count : t->made->count;
    if (r->count <= t->hidden)
        return err_set(err, ERR_INTERNAL, "%zu columns, of which %zu are hidden", r->count, t->hidden);
    r->visible = r->count - t->hidden;
    if (r->columns == NULL) {
        r->columns = xcalloc(r->count, sizeof *r->columns);
        for (size_t i = 0; i < r->count; i++)
            r->columns[i] = t->def != NULL ? t->columns[i] : (int)i;
    }
    size_t rows = CELLS / r->count;
    r->batch = batch_new(r->def, r->columns, r->count, rows > BATCH_ROWS ? BATCH_ROWS : rows);
    sums_init(&t->sums, r->def->count);
    r->config = *c->format;
    r->config.name = t->record != NULL ? t->record : r->config.name;
    r->config.metadata = t->metadata != NULL ? t->metadata : r->config.metadata;
    return format_new(&r->config, r->def, r->columns, r->visible, &r->format, err);
}

static int ask(struct reading *r, const char *sql, const struct val *values, size_t count,
               struct select **ret, struct err *err)
{
    return target_select(r->w->target, sql, values, count, r->def, r->columns, r->count, ret, err);
}

/* Reads one statement's rows to their end; how many there were. */
static int read_page(struct reading *r, const struct page_key *k, int64_t *ret_rows, struct err *err)
{
    struct select *s = NULL;
    struct buf sql = BUF_INIT(1);
    struct val *values = NULL;
    size_t count = 0;
    int64_t before = r->t->rows;

    int rc = page_sql(r->t, r->def, r->columns, k, &sql, &values, &count, err);
    if (rc == 0)
        rc = ask(r, sql.p, values, count, &s, err);
    if (rc == 0)
        rc = set_up(r, s, err);
    for (int more = 1; rc == 0 && more == 1;) {
        batch_clear(r->batch);
        more = select_fill(s, r->batch, err);
        rc = more < 0 ? more : write_batch(r, err);
        if (rc == 0 && k != NULL && r->batch->rows > 0)
            rc = page_key_keep(&r->key, r->t, r->batch, r->batch->rows - 1, err);
    }
    select_close(s);
    free(values);
    buf_release(&sql);
    *ret_rows = r->t->rows - before;
    return rc;
}

/* What the columns are, of a statement that nobody has described. */
static int learn(struct reading *r, struct err *err)
{
    struct buf sql = BUF_INIT(1);
    struct select *s = NULL;

    sql.max = strlen(r->t->select) + 32;
    int rc = buf_addf(&sql, err, "%s LIMIT 0", r->t->select);
    if (rc == 0)
        rc = ask(r, sql.p, r->t->values, r->t->value_count, &s, err);
    if (rc == 0)
        rc = set_up(r, s, err);
    if (rc == 0) {
        batch_clear(r->batch);
        rc = select_fill(s, r->batch, err);
    }
    select_close(s);
    buf_release(&sql);
    return rc < 0 ? rc : 0;
}

/* Pages have been laid end to end here: what they make together only another count can tell. */
static int64_t rows_given(struct target *t)
{
    int64_t n = -1;
    struct err ignored;

    return target_run(t, "rows_given", NULL, 0, target_row_i64, &n, NULL, &ignored) < 0 ? -1 : n;
}

static int read_all(struct reading *r, struct err *err)
{
    struct dump_table *t = r->t;
    int64_t rows = 0;
    int rc = 0;

    if (t->def != NULL) {
        r->def = t->def;
        r->count = t->column_count;
        r->columns = xcalloc(r->count + 1, sizeof *r->columns);
        memcpy(r->columns, t->columns, r->count * sizeof *r->columns);
    } else if (t->key_count > 0) {
        rc = learn(r, err);
    }
    bool paged = rc == 0 && r->def != NULL && page_key_fits(t, r->def, r->columns) == 1;
    if (rc == 0 && r->w->d->c->packing != PACK_NONE)
        rc = deflate_new(r->w->d->c->packing, r->w->d->c->level, on_packed, r, &r->deflate, err);
    do {
        if (rc == 0)
            rc = read_page(r, paged ? &r->key : NULL, &rows, err);
    } while (rc == 0 && paged && rows == t->page_rows);
    t->given = rc == 0 && rows == t->rows ? rows_given(r->w->target) : -1;
    if (rc == 0 && r->in_part)
        rc = end_part(r, err);
    return rc;
}

int dump_one(struct worker *w, struct dump_table *t, struct err *err)
{
    struct reading r = {.w = w, .t = t, .text = BUF_INIT(MAX_TEXT)};
    int rc = read_all(&r, err);

    sink_sum_free(r.sum);
    deflate_free(r.deflate);
    format_free(r.format);
    batch_free(r.batch);
    page_key_release(&r.key);
    buf_release(&r.text);
    free(r.columns);
    return rc;
}

void dump_table_release(struct dump_table *t)
{
    for (size_t i = 0; i < t->part_count; i++)
        free(t->parts[i].key);
    free(t->parts);
    t->parts = NULL;
    t->part_count = 0;
    table_free(t->made);
    t->made = NULL;
    sums_release(&t->sums);
}

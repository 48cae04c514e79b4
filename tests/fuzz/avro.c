/*
 * A file as it may come from anywhere. It reads the same whatever the pieces it comes in; and what was read can be written, and
 * is read back as the same cells.
 */
#include "base/limits.h"
#include "io/format_int.h"
#include "io/ocf.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ROWS = 64 };

/* The first rows of a file; NULL where it cannot be opened. *ret_rc: how reading ended. */
static struct batch *read_rows(struct memory_reader *s, struct ocf **ret, int *ret_rc)
{
    struct batch *b = NULL;
    struct err err;

    *ret_rc = ocf_open(&s->reader, ret, &err);
    if (*ret_rc < 0) {
        assert((int)err.code == -*ret_rc && err.msg[0] != '\0');
        return NULL;
    }
    const struct table *t = ocf_table(*ret);
    int *columns = xcalloc(t->count, sizeof *columns);
    for (size_t i = 0; i < t->count; i++)
        columns[i] = (int)i;
    b = batch_new(t, columns, t->count, ROWS);
    *ret_rc = ocf_fill(*ret, b, &err);
    free(columns);
    return b;
}

static bool same_cell(const struct batch_col *a, const struct batch_col *b, size_t row)
{
    char x[CELL_TEXT_SIZE], y[CELL_TEXT_SIZE];
    struct str p = batch_cell_text(a, row, x), q = batch_cell_text(b, row, y);

    return p.p == NULL || q.p == NULL ? p.p == q.p : str_eq(p, q);
}

static void same(const struct batch *a, const struct batch *b)
{
    assert(a->col_count == b->col_count && a->rows == b->rows);
    for (size_t i = 0; i < a->col_count; i++)
        for (size_t row = 0; row < a->rows; row++)
            assert(same_cell(&a->cols[i], &b->cols[i], row));
}

/* Times as text: those of a file may be strings that are no times. */
static void write_back(const struct batch *b)
{
    struct format_config c = {
        .kind = FORMAT_AVRO, .name = b->table->name, .codec = "deflate", .text_times = true};
    struct buf out = BUF_INIT(64 * MIB);
    int *columns = xcalloc(b->col_count, sizeof *columns);
    struct format *f = NULL;
    struct ocf *o = NULL;
    struct err err;
    int rc;

    for (size_t i = 0; i < b->col_count; i++)
        columns[i] = (int)i;
    rc = format_avro_new(&c, b->table, columns, b->col_count, &f, &err);
    assert(rc == 0);
    rc = f->ops->begin(f, &out, &err);
    if (rc == 0)
        rc = f->ops->rows(f, b, 0, b->rows, &out, &err);
    if (rc == 0)
        rc = f->ops->end(f, &out, &err);
    assert(rc == 0);
    struct memory_reader s = memory_reader(out.p, out.n, 7);
    struct batch *again = read_rows(&s, &o, &rc);
    assert(rc >= 0);
    same(again, b);
    batch_free(again);
    ocf_close(o);
    f->ops->free(f);
    buf_release(&out);
    free(columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct memory_reader whole = memory_reader(data, n, SIZE_MAX);
    struct memory_reader bits = memory_reader(data, n, n > 0 ? data[n - 1] % 16u + 1 : 1);
    struct ocf *a = NULL, *b = NULL;
    int a_rc, b_rc;
    struct batch *rows = read_rows(&whole, &a, &a_rc), *others = read_rows(&bits, &b, &b_rc);

    assert(a_rc == b_rc && (rows == NULL) == (others == NULL));
    if (rows != NULL) {
        same(rows, others);
        if (rows->bytes < BATCH_BYTES)
            write_back(rows);
    }
    batch_free(rows);
    batch_free(others);
    ocf_close(a);
    ocf_close(b);
    return 0;
}

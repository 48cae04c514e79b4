/* What a dump has written, as its manifest says it: for extracts and for backups. */
#include "base/mem.h"
#include "io/dump.h"
#include "steps/manifest.h"

enum { SUM_TEXT = 96 };

static void columns_of(const struct dump_table *d, struct manifest_column *to, char (*texts)[SUM_TEXT])
{
    const struct table *def = d->def != NULL ? d->def : d->made;

    for (size_t i = 0; def != NULL && i < d->column_count - d->hidden; i++) {
        int at = d->def != NULL ? d->columns[i] : (int)i;
        const struct column *c = &def->columns[at];
        const struct col_sum *s = &d->sums.cols[at];
        dec256_text(&s->sum, texts[i]);
        to[i] = (struct manifest_column){c->name, c->type_text, s->nulls,
                                         sum_kind_of(c) == SUM_NONE || s->large > 0 ? NULL : texts[i]};
    }
}

int manifest_of_dump(const struct manifest *about, const struct dump_table *d, struct buf *out,
                     struct err *err)
{
    size_t n = d->def != NULL || d->made != NULL ? d->column_count - d->hidden : 0;
    struct manifest_column *columns = xcalloc(n + 1, sizeof *columns);
    struct manifest_part *parts = xcalloc(d->part_count + 1, sizeof *parts);
    char(*texts)[SUM_TEXT] = xcalloc(n + 1, sizeof *texts);
    struct manifest m = *about;

    columns_of(d, columns, texts);
    for (size_t p = 0; p < d->part_count; p++)
        parts[p] = (struct manifest_part){d->parts[p].key, d->parts[p].rows, d->parts[p].up.bytes,
                                          d->parts[p].up.sha256, d->parts[p].up.etag};
    m.columns = columns;
    m.column_count = n;
    m.rows = d->rows;
    m.bytes = d->bytes;
    m.parts = parts;
    m.part_count = d->part_count;
    m.orch = ORCH_VERSION;
    int rc = manifest_text(&m, out, err);
    free(columns);
    free(parts);
    free(texts);
    return rc;
}

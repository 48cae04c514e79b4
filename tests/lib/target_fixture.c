#include "tests/lib/target_fixture.h"
#include "base/mem.h"
#include "io/csv.h"
#include "tests/tap.h"

static void add_reject(struct tf_load *l, const struct reject_info *why)
{
    must(l->reject_count < ARRAY_LEN(l->rejects));
    snprintf(l->rejects[l->reject_count++], sizeof l->rejects[0], "%lld %s %s: %s (%s)", (long long)why->line,
             why->code, why->column, why->message, why->hint);
}

static int on_reject(void *arg, const struct batch *b, size_t row, const struct reject_info *why,
                     struct err *err)
{
    struct tf_load *l = arg;

    UNUSED(err);
    add_reject(l, why);
    batch_sum_row(b, row, -1, &l->parsed);
    return 0;
}

void tf_parse(struct target *t, struct tf_load *l)
{
    static const char *const nulls[] = {"NA", "", NULL};
    struct memory_reader in = memory_reader(l->csv, strlen(l->csv), SIZE_MAX);
    const struct csv_dialect dialect = {.delimiter = ',', .quote = '"'};
    const struct convert_config config = {.nulls = nulls, .header = true, .zone = "UTC"};
    struct converter *c = NULL;
    struct csv *csv = NULL;
    struct csv_record rec;
    struct reject_info why;
    struct err err;
    int rc;

    must_rc(target_describe(t, l->table, &l->def, &err), &err);
    sums_init(&l->parsed, l->def->count);
    must_rc(csv_open(&in.reader, &dialect, &csv, &err), &err);
    while ((rc = csv_next(csv, &rec, &err)) == 1) {
        if (c == NULL) {
            must_rc(converter_new(&config, l->def, &rec, &c, &err), &err);
            const int *columns = converter_columns(c, &l->column_count);
            l->columns = xcalloc(l->column_count + 1, sizeof *columns);
            memcpy(l->columns, columns, l->column_count * sizeof *columns);
            for (size_t i = 0; i < l->column_count; i++)
                l->parsed.used[columns[i]] = true;
            continue;
        }
        l->records++;
        size_t capacity = l->batch_rows > 0 ? l->batch_rows : 1000;
        if (l->batch_count == 0 || l->batches[l->batch_count - 1]->rows == capacity) {
            must(l->batch_count < ARRAY_LEN(l->batches));
            l->batches[l->batch_count++] = batch_new(l->def, l->columns, l->column_count, capacity);
        }
        if (!converter_row(c, &rec, l->batches[l->batch_count - 1], &why))
            add_reject(l, &why);
    }
    must_rc(rc, &err);
    converter_free(c);
    csv_close(csv);
}

int tf_begin(struct target *t, struct tf_load *l, struct err *err)
{
    if (l->def == NULL)
        tf_parse(t, l);
    const struct load_spec spec = {.table = l->def,
                                   .columns = l->columns,
                                   .column_count = l->column_count,
                                   .pipeline = TF_PIPELINE,
                                   .partition = TF_PART,
                                   .key = l->key != NULL ? l->key : "file.csv",
                                   .etag = "\"e\"",
                                   .job = TF_PART,
                                   .load_id = l->id,
                                   .generation = l->generation > 0 ? l->generation : 1,
                                   .size = (int64_t)strlen(l->csv),
                                   .epoch = l->epoch,
                                   .replaces = l->replaces,
                                   .careful = !l->ahead,
                                   .on_reject = on_reject,
                                   .arg = l};
    return target_load_begin(t, &spec, &l->load, err);
}

int tf_rows(struct tf_load *l, struct err *err)
{
    for (size_t i = 0; i < l->batch_count; i++) {
        batch_sum(l->batches[i], &l->parsed);
        int rc = l->overlap ? target_load_batch_start(l->load, l->batches[i], err)
                            : target_load_batch(l->load, l->batches[i], err);
        if (rc < 0)
            return rc;
    }
    return target_load_settle(l->load, err);
}

int tf_verify(struct tf_load *l, struct err *err)
{
    struct sums stored = {0};
    struct sums_diff diffs[8];
    int rc = 0;

    is_int(target_load_rows(l->load), l->parsed.rows);
    if (!l->def->has_lineage)
        return 0;
    sums_like(&stored, &l->parsed);
    rc = target_load_sums(l->load, &stored, err);
    if (rc == 0)
        rc = (int)sums_compare(&l->parsed, &stored, l->def, diffs, ARRAY_LEN(diffs));
    for (int i = 0; i < rc && i < (int)ARRAY_LEN(diffs); i++)
        diag("%s.%s: %s read, %s stored", diffs[i].column, diffs[i].what, diffs[i].source, diffs[i].target);
    sums_release(&stored);
    return rc;
}

int tf_commit(struct tf_load *l, struct err *err)
{
    json_t *json = sums_to_json(&l->parsed, l->def);
    char *text = json_text(json);
    const struct ledger_row row = {.state = l->records > 0 ? LEDGER_LOADED : LEDGER_EMPTY,
                                   .rows_read = l->records,
                                   .rows_loaded = l->parsed.rows,
                                   .rows_rejected = (int64_t)l->reject_count,
                                   .columns = text,
                                   .at_ms = 1654430400000 + l->id};
    int rc = target_load_commit(l->load, &row, err);
    l->load = NULL;
    json_decref(json);
    free(text);
    return rc;
}

void tf_release(struct tf_load *l)
{
    target_load_abort(l->load);
    for (size_t i = 0; i < l->batch_count; i++)
        batch_free(l->batches[i]);
    sums_release(&l->parsed);
    free(l->columns);
    table_free(l->def);
    l->load = NULL;
    l->def = NULL;
    l->columns = NULL;
    l->batch_count = l->column_count = 0;
}

int tf_load(struct target *t, struct tf_load *l, struct err *err)
{
    int rc = tf_begin(t, l, err);

    if (rc == 1) {
        rc = tf_rows(l, err);
        if (rc == 0)
            rc = tf_verify(l, err);
        if (rc > 0)
            rc = err_set(err, ERR_MISMATCH, "%d sums differ", rc);
        if (rc == 0)
            rc = tf_commit(l, err);
    }
    tf_release(l);
    return rc;
}

const char *tf_compare(struct target *t, struct tf_load *l)
{
    static char out[500];
    struct sums stored = {0};
    struct sums_diff diff;
    struct err err;

    out[0] = '\0';
    tf_parse(t, l);
    for (size_t i = 0; i < l->batch_count; i++)
        batch_sum(l->batches[i], &l->parsed);
    sums_init(&stored, l->def->count);
    memcpy(stored.used, l->parsed.used, l->def->count * sizeof *stored.used);
    must_rc(target_sums(t, l->def, l->id, &stored, &err), &err);
    if (sums_compare(&l->parsed, &stored, l->def, &diff, 1) > 0)
        snprintf(out, sizeof out, "%s %s %s %s", diff.column[0] != '\0' ? diff.column : "*", diff.what,
                 diff.source, diff.target);
    sums_release(&stored);
    tf_release(l);
    return out;
}

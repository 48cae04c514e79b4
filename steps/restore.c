/* A table out of its backup: every file compared with the manifest first, then all rows in one transaction. */
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "io/ocf.h"
#include "io/sink.h"
#include "io/target_restore.h"
#include "steps/backup.h"
#include "steps/manifest.h"

enum { READ_BACK = 256 * 1024, STATEMENT_MS = 3600 * 1000 };

struct file { /* a part as it lies there */
    char key[MAX_KEY + 1];
    char *etag, *version; /* owned */
    struct object_info info;
    bool found;
};
struct restoring {
    const struct restore_request *q;
    struct source *source; /* owned */
    char key[MAX_KEY + 1]; /* of the manifest */
    struct manifest m;
    struct file *files;    /* owned; as many as parts */
    struct target *target; /* owned */
    struct target_config config;
    struct restore *r;
    struct batch *batches[2]; /* owned: one is filled while the server reads the other */
    size_t turn;
    int *columns; /* owned: of the table, by field */
    size_t column_count;
    struct sums sums;
    int64_t bytes;
    bool made;
};

/* --- which backup --- */

static int on_manifest(void *arg, const struct object_info *o, struct err *err)
{
    struct restoring *k = arg;
    const char *slash = strrchr(o->key, '/'), *name = slash != NULL ? slash + 1 : o->key;

    UNUSED(err);
    if (manifest_is_key(o->key) && str_starts(name, "run-") && strcmp(o->key, k->key) > 0 &&
        strlen(o->key) <= MAX_KEY)
        snprintf(k->key, sizeof k->key, "%s", o->key);
    return 0;
}

static int find_manifest(struct restoring *k, struct err *err)
{
    const char *table = k->q->table;
    char below[MAX_KEY + 1];
    int rc = manifest_key(table, table, -1, k->q->run != NULL ? k->q->run : "any", below, err);

    if (rc == 0 && k->q->run != NULL) {
        snprintf(k->key, sizeof k->key, "%s", below);
        return 0;
    }
    if (rc == 0) {
        strrchr(below, '/')[1] = '\0';
        rc = source_list(k->source, below, on_manifest, k, err);
    }
    if (rc == 0 && k->key[0] == '\0') {
        err_set(err, ERR_NOT_FOUND, "there is no backup of %s", table);
        rc = err_hint(err, "its manifest would lie below %s", below);
    }
    return rc;
}

static int read_manifest(struct restoring *k, struct sink *sink, struct err *err)
{
    struct buf text = BUF_INIT(MAX_MANIFEST);
    int rc = sink_read(sink, k->key, &text, err);

    if (rc == 0)
        rc = err_set(err, ERR_NOT_FOUND, "there is no %s", k->key);
    if (rc == 1)
        rc = manifest_parse(text.p, text.n, k->key, &k->m, err);
    buf_release(&text);
    if (rc < 0)
        return rc;
    if (k->m.kind != MANIFEST_FULL || strcmp(k->m.format.kind, "avro") != 0 ||
        strcmp(k->m.table, k->q->table) != 0)
        return err_set(err, ERR_SCHEMA, "%s is a manifest of %s, %s as %s: no backup of %s", k->key,
                       k->m.table, manifest_kind_name(k->m.kind), k->m.format.kind, k->q->table);
    return 0;
}

/* --- every file, before anything is written --- */

static int on_file(void *arg, const struct object_info *o, struct err *err)
{
    struct restoring *k = arg;

    UNUSED(err);
    for (size_t i = 0; i < k->m.part_count; i++) {
        struct file *f = &k->files[i];
        if (f->found || strcmp(f->key, o->key) != 0)
            continue;
        f->found = true;
        f->info = *o;
        f->info.key = f->key;
        f->info.etag = f->etag = xstrdup(o->etag);
        f->info.version_id = f->version = o->version_id != NULL ? xstrdup(o->version_id) : NULL;
    }
    return 0;
}

static int find_files(struct restoring *k, struct err *err)
{
    char *below = xasprintf("%s/", k->q->table);
    int rc = 0;

    k->files = xcalloc(k->m.part_count + 1, sizeof *k->files);
    for (size_t i = 0; rc == 0 && i < k->m.part_count; i++)
        rc = manifest_part_key(k->key, k->m.parts[i].key, k->files[i].key, err);
    if (rc == 0)
        rc = source_list(k->source, below, on_file, k, err);
    for (size_t i = 0; rc == 0 && i < k->m.part_count; i++) {
        const struct file *f = &k->files[i];
        if (!f->found)
            rc = err_set(err, ERR_NOT_FOUND, "%s, which the manifest lists, is not there", f->key);
        else if (f->info.size != k->m.parts[i].bytes)
            rc = err_set(err, ERR_CORRUPT, "%s has %lld bytes where its manifest says %lld", f->key,
                         (long long)f->info.size, (long long)k->m.parts[i].bytes);
    }
    free(below);
    return rc;
}

static int check_file(struct restoring *k, size_t i, char *chunk, struct err *err)
{
    struct sha256 *h = sha256_new();
    unsigned char sum[SHA256_SIZE];
    char hex[SHA256_HEX];
    struct reader *raw = NULL;
    size_t n = 1;

    int rc = source_get(k->source, &k->files[i].info, &raw, err);
    while (rc == 0 && n > 0) {
        rc = reader_read(raw, chunk, READ_BACK, &n, err);
        sha256_add(h, chunk, rc == 0 ? n : 0);
        if (rc == 0)
            rc = beat(k->q->beat, err);
    }
    sha256_end(h, sum);
    str_hex(sum, sizeof sum, hex);
    if (rc == 0 && strcmp(hex, k->m.parts[i].sha256) != 0)
        rc =
            err_set(err, ERR_CORRUPT,
                    "%s has other bytes than were written: SHA-256 %.16s... where its manifest says %.16s...",
                    k->files[i].key, hex, k->m.parts[i].sha256);
    reader_close(raw);
    sha256_free(h);
    return rc;
}

static int check_files(struct restoring *k, struct err *err)
{
    char *chunk = xmalloc(READ_BACK);
    int rc = find_files(k, err);

    for (size_t i = 0; rc == 0 && i < k->m.part_count; i++)
        rc = check_file(k, i, chunk, err);
    free(chunk);
    return rc;
}

/* --- the file's fields against the table's columns --- */

static int differ(const struct restoring *k, const char *column, const char *why, struct err *err)
{
    err_set(err, ERR_SCHEMA, "column %s of the backup %s %s", column, why, k->q->into);
    return err_hint(err, "--into restores into another table, made as the backed-up one was");
}

/* A longer text or a wider number is no other kind: what does not fit, the server refuses. It would round what has digits. */
static bool same_kind(const struct column *a, const struct column *b)
{
    return a->type == b->type && cell_kind_of(a) == cell_kind_of(b) && a->scale == b->scale &&
           a->fsp == b->fsp;
}

static int match(struct restoring *k, const struct table *fields, const struct table *def, struct err *err)
{
    bool *filled = xcalloc(def->count + 1, sizeof *filled);
    int rc = 0;

    free(k->columns);
    k->columns = xcalloc(fields->count + 1, sizeof *k->columns);
    k->column_count = fields->count;
    for (size_t i = 0; rc == 0 && i < fields->count; i++) {
        const struct column *f = &fields->columns[i];
        int at = table_find(def, str_of(f->name));
        if (at < 0)
            rc = differ(k, f->name, "is missing in", err);
        else if (def->columns[at].generated)
            rc = differ(k, f->name, "is generated in", err);
        else if (filled[at])
            rc = differ(k, f->name, "is there twice for", err);
        else if (!same_kind(f, &def->columns[at])) {
            err_set(err, ERR_SCHEMA, "column %s is %s in the backup and %s in %s", f->name, f->type_text,
                    def->columns[at].type_text, k->q->into);
            rc = err_hint(err, "--into restores into another table, made as the backed-up one was");
        } else {
            k->columns[i] = at;
            filled[at] = true;
        }
    }
    for (size_t c = 0; rc == 0 && c < def->count; c++)
        if (!filled[c] && !def->columns[c].generated) {
            err_set(err, ERR_SCHEMA, "column %s of %s is not in the backup", def->columns[c].name,
                    k->q->into);
            rc = err_hint(err, "--into restores into another table, made as the backed-up one was");
        }
    free(filled);
    return rc;
}

static int open_file(struct restoring *k, size_t i, struct ocf **ret, struct err *err)
{
    struct reader *raw = NULL;
    int rc = source_get(k->source, &k->files[i].info, &raw, err);

    return rc < 0 ? rc : ocf_open(raw, ret, err);
}

/* Of a table that is there, before anything is written: does it fit, is it empty? */
static int check_table(struct restoring *k, const struct table *def, struct err *err)
{
    struct ocf *o = NULL;
    int rc = restore_check(k->target, def, k->q->empty, err);

    if (rc == 0 && k->m.part_count > 0) {
        rc = open_file(k, 0, &o, err);
        if (rc == 0)
            rc = match(k, ocf_table(o), def, err);
        ocf_close(o);
    }
    return rc;
}

static int look(struct restoring *k, struct err *err)
{
    struct table *def = NULL;
    int rc = target_describe(k->target, k->q->into, &def, err);

    if (rc < 0 && err->native == TARGET_NO_TABLE) {
        k->made = true;
        return k->m.sql[0] != '\0' ? 0 : err_set(err, ERR_SCHEMA, "%s has no CREATE TABLE", k->key);
    }
    if (rc == 0)
        rc = check_table(k, def, err);
    table_free(def);
    return rc;
}

/* --- rows --- */

static int begin_batches(struct restoring *k, const struct table *def)
{
    for (size_t i = 0; i < ARRAY_LEN(k->batches); i++)
        if (k->batches[i] == NULL)
            k->batches[i] = batch_new(def, k->columns, k->column_count, BATCH_ROWS);
    for (size_t i = 0; i < k->column_count; i++) {
        k->sums.used[k->columns[i]] = true;
        if (k->batches[0]->cols[i].column != k->columns[i])
            return -1;
    }
    return 0;
}

static int rows_of(struct restoring *k, struct ocf *o, int64_t *ret_rows, struct err *err)
{
    int more = 1, rc = 0;

    while (rc == 0 && more == 1) {
        struct batch *b = k->batches[k->turn % 2];
        batch_clear(b);
        more = ocf_fill(o, b, err);
        rc = more < 0 ? more : 0;
        if (rc == 0 && b->rows > 0) {
            batch_sum(b, &k->sums);
            *ret_rows += (int64_t)b->rows;
            rc = restore_rows(k->r, b, err);
            k->turn++;
        }
        if (rc == 0 && k->q->progress != NULL)
            k->q->progress(k->sums.rows, k->bytes);
    }
    return rc;
}

static int one_file(struct restoring *k, size_t i, struct err *err)
{
    const struct table *def = restore_table(k->r);
    struct ocf *o = NULL;
    int64_t rows = 0;
    int rc = open_file(k, i, &o, err);

    if (rc == 0)
        rc = match(k, ocf_table(o), def, err);
    if (rc == 0 && begin_batches(k, def) < 0)
        rc = err_set(err, ERR_SCHEMA, "the fields are in another order than those of %s", k->files[0].key);
    if (rc == 0)
        rc = rows_of(k, o, &rows, err);
    if (rc == 0 && rows != k->m.parts[i].rows)
        rc = err_set(err, ERR_MISMATCH, "it has %lld rows where its manifest says %lld", (long long)rows,
                     (long long)k->m.parts[i].rows);
    ocf_close(o);
    k->bytes += k->m.parts[i].bytes;
    return rc < 0 ? err_prefix(err, "%s", k->files[i].key) : 0;
}

/* What was read against what the backup's own snapshot held. */
static int against_manifest(const struct restoring *k, struct err *err)
{
    const struct table *def = restore_table(k->r);
    char text[96];

    if (k->sums.rows != k->m.rows)
        return err_set(err, ERR_MISMATCH, "%lld rows were read where the manifest says %lld",
                       (long long)k->sums.rows, (long long)k->m.rows);
    for (size_t i = 0; k->m.rows > 0 && i < k->m.column_count; i++) {
        const struct manifest_column *c = &k->m.columns[i];
        int at = table_find(def, str_of(c->name));
        if (at < 0)
            return differ(k, c->name, "is missing in", err);
        dec256_text(&k->sums.cols[at].sum, text);
        bool same = c->sum == NULL || sum_kind_of(&def->columns[at]) == SUM_NONE || strcmp(c->sum, text) == 0;
        if (k->sums.cols[at].nulls != c->nulls || !same)
            return err_set(err, ERR_MISMATCH,
                           "column %s: %lld NULL, sum %s were read where the manifest says %lld, %s", c->name,
                           (long long)k->sums.cols[at].nulls, text, (long long)c->nulls,
                           c->sum != NULL ? c->sum : "none");
    }
    return 0;
}

static int put_rows(struct restoring *k, struct err *err)
{
    const struct restore_spec spec = {
        .table = k->q->into, .ddl = k->made ? k->m.sql : NULL, .empty = k->q->empty};
    int rc = restore_begin(k->target, &spec, &k->r, err);

    if (rc < 0)
        return rc;
    sums_init(&k->sums, restore_table(k->r)->count);
    for (size_t i = 0; rc == 0 && i < k->m.part_count; i++)
        rc = one_file(k, i, err);
    if (rc == 0)
        rc = against_manifest(k, err);
    if (rc == 0) {
        rc = restore_commit(k->r, &k->sums, err);
        k->r = NULL;
    }
    restore_abort(k->r);
    k->r = NULL;
    return rc;
}

/* --- all of it --- */

static int work(struct restoring *k, struct sink *sink, struct err *err)
{
    int rc = find_manifest(k, err);

    if (rc == 0)
        rc = read_manifest(k, sink, err);
    if (rc == 0)
        rc = check_files(k, err);
    if (rc == 0)
        rc = target_open(&k->config, &k->target, err);
    if (rc == 0)
        rc = look(k, err);
    return rc < 0 || k->q->dry ? rc : put_rows(k, err);
}

static json_t *told(const struct restoring *k)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:b,s:b}", "table", k->q->table, "into", k->q->into,
                     "run", k->m.run, "manifest", k->key, "snapshot", k->m.snapshot.at, "rows",
                     (json_int_t)k->m.rows, "bytes", (json_int_t)k->m.bytes, "parts",
                     (json_int_t)k->m.part_count, "made", (int)k->made, "done", (int)!k->q->dry);
}

int restore_backup(const struct restore_request *q, json_t **ret, struct err *err)
{
    struct restoring k = {.q = q, .config = *q->target};
    struct source_config place = *q->place;
    struct sink *sink = NULL;

    place.beat = q->beat;
    k.config.beat = q->beat;
    k.config.timeout_ms = STATEMENT_MS;
    int rc = source_open(&place, &k.source, err);
    if (rc == 0)
        rc = sink_open(&place, &sink, err);
    if (rc == 0)
        rc = work(&k, sink, err);
    if (rc == 0)
        *ret = told(&k);
    for (size_t i = 0; k.files != NULL && i < k.m.part_count; i++) {
        free(k.files[i].etag);
        free(k.files[i].version);
    }
    batch_free(k.batches[0]);
    batch_free(k.batches[1]);
    free(k.files);
    free(k.columns);
    sums_release(&k.sums);
    manifest_release(&k.m);
    target_close(k.target);
    sink_close(sink);
    source_close(k.source);
    return rc;
}

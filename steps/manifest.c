#include "steps/manifest.h"
#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"

enum { VERSION = 1, WATERMARK_COLUMNS = 64, SEQ_DIGITS = 10 };
#define MAX_SEQ INT64_C(9999999999)
static const char folder[] = "_manifest/", suffix[] = "_manifest.json";
static const char *const kinds[] = {"incremental", "full", "range"};
static const char *const binaries[] = {"hex", "base64", NULL};
static const char *const format_kinds[] = {"csv", "tsv", "jsonl", "avro", NULL};
static const char *const newlines[] = {"lf", "crlf", NULL};
static const char *const packings[] = {"none", "gzip", "zstd", NULL};

const char *manifest_kind_name(enum manifest_kind k)
{
    return kinds[k];
}

/* ---- keys ---- */

/* A part of a path: not empty, not "." or "..", no '/' in it. */
static bool is_plain_part(const char *p, size_t n)
{
    return n > 0 && memchr(p, '/', n) == NULL && !(n == 1 && p[0] == '.') &&
           !(n == 2 && p[0] == '.' && p[1] == '.');
}

static bool is_plain_key(const char *key)
{
    const char *p = key;

    if (strlen(key) > MAX_KEY)
        return false;
    for (const char *slash; (slash = strchr(p, '/')) != NULL; p = slash + 1)
        if (!is_plain_part(p, (size_t)(slash - p)))
            return false;
    return is_plain_part(p, strlen(p));
}

int manifest_key(const char *dir, const char *table, int64_t seq, const char *run, char out[MAX_KEY + 1],
                 struct err *err)
{
    const char *const names[] = {table, run};
    const char *slash = *dir == '\0' ? "" : "/";
    int n;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!is_plain_part(names[i], strlen(names[i])))
            return err_set(err, ERR_CONFIG, "'%s' cannot be part of a manifest's key", names[i]);
    if (seq < 0)
        n = snprintf(out, MAX_KEY + 1, "%s%s%s%s/run-%s%s", dir, slash, folder, table, run, suffix);
    else
        n = snprintf(out, MAX_KEY + 1, "%s%s%s%s/%0*lld%s", dir, slash, folder, table, SEQ_DIGITS,
                     (long long)seq, suffix);
    if (n < 0 || n > MAX_KEY)
        return err_set(err, ERR_CONFIG, "the manifest's key of %s has more than %d bytes", table, MAX_KEY);
    return 0;
}

/* The folder "_manifest/" in the key, the last one; NULL: none. */
static const char *find_folder(const char *key)
{
    const char *found = NULL;

    for (const char *p = key; (p = strstr(p, folder)) != NULL; p++)
        if (p == key || p[-1] == '/')
            found = p;
    return found;
}

bool manifest_is_key(const char *key)
{
    return str_ends(key, suffix) && find_folder(key) != NULL;
}

int manifest_part_key(const char *manifest_key, const char *part_key, char out[MAX_KEY + 1], struct err *err)
{
    const char *end = find_folder(manifest_key), *slash = strrchr(part_key, '/');

    if (end == NULL)
        return err_set(err, ERR_CONTRACT, "%s is no manifest's key", manifest_key);
    int n = snprintf(out, MAX_KEY + 1, "%.*s%s", (int)(end - manifest_key), manifest_key,
                     slash != NULL ? slash + 1 : part_key);
    if (n < 0 || n > MAX_KEY)
        return err_set(err, ERR_BAD_VALUE, "a part's key has more than %d bytes", MAX_KEY);
    return 0;
}

/* ---- what both sides hold it to ---- */

static int bad(struct err *err, const char *member, const char *why)
{
    return err_set(err, ERR_BAD_VALUE, "'%s' %s", member, why);
}

static bool is_one_of(const char *text, const char *const *all)
{
    while (*all != NULL && strcmp(text, *all) != 0)
        all++;
    return *all != NULL;
}

static bool is_sha256(const char *s)
{
    return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_unique(const struct manifest *m, struct err *err)
{
    const char **keys = xcalloc(m->part_count, sizeof *keys);
    int rc = 0;

    for (size_t i = 0; i < m->part_count; i++)
        keys[i] = m->parts[i].key;
    if (m->part_count > 0)
        qsort(keys, m->part_count, sizeof *keys, by_text);
    for (size_t i = 1; rc == 0 && i < m->part_count; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            rc = bad(err, "parts", "names one key twice");
    free(keys);
    return rc;
}

static int check_parts(const struct manifest *m, struct err *err)
{
    int64_t rows = 0, bytes = 0;

    if (m->part_count > MAX_RUN_PARTS)
        return err_set(err, ERR_BAD_VALUE, "'parts' has %zu, at most %d are allowed", m->part_count,
                       MAX_RUN_PARTS);
    for (size_t i = 0; i < m->part_count; i++) {
        const struct manifest_part *p = &m->parts[i];
        if (!is_plain_key(p->key))
            return bad(err, "key", "of a part is no relative key without '.', '..' and empty parts");
        if (!is_sha256(p->sha256))
            return bad(err, "sha256", "of a part is not 64 lower-case hexadecimal digits");
        if (p->rows < 0 || p->rows > INT64_MAX - rows || p->bytes < 0 || p->bytes > INT64_MAX - bytes)
            return bad(err, "parts", "has rows or bytes out of range");
        rows += p->rows;
        bytes += p->bytes;
    }
    if (rows != m->rows)
        return bad(err, "rows", "is not what the parts' rows add up to");
    if (bytes != m->bytes)
        return bad(err, "bytes", "is not what the parts' bytes add up to");
    return check_unique(m, err);
}

static int check(const struct manifest *m, struct err *err)
{
    const struct manifest_format *f = &m->format;

    if (!is_plain_part(m->table, strlen(m->table)))
        return bad(err, "table", "is no plain name");
    if (m->seq < -1 || m->seq > MAX_SEQ)
        return bad(err, "seq", "is out of range");
    if (m->kind == MANIFEST_RANGE && m->seq >= 0)
        return bad(err, "seq", "must be -1 of a range");
    if (m->watermark.column_count > WATERMARK_COLUMNS)
        return bad(err, "watermark", "has too many columns");
    if (m->column_count > MAX_COLUMNS)
        return bad(err, "columns", "has too many of them");
    for (size_t i = 0; i < m->column_count; i++)
        if (m->columns[i].nulls < 0 || m->columns[i].nulls > m->rows)
            return bad(err, "nulls", "of a column is out of range");
    if (!is_one_of(f->kind, format_kinds))
        return bad(err, "format", "is of a kind that is none of csv, tsv, jsonl, avro");
    if (f->delimiter != NULL && strlen(f->delimiter) != 1)
        return bad(err, "delimiter", "is not one character");
    if (!is_one_of(f->newline, newlines))
        return bad(err, "newline", "is none of lf, crlf");
    if (f->binary != NULL && !is_one_of(f->binary, binaries))
        return bad(err, "binary", "is none of hex, base64");
    if (!is_one_of(f->compress, packings))
        return bad(err, "compress", "is none of none, gzip, zstd");
    return check_parts(m, err);
}

/* ---- writing ---- */

/* In place of what JSON cannot hold: \xNN. */
static json_t *sql_value(const char *s)
{
    size_t n = strlen(s), at, room = 4 * n + 16;

    if (str_utf8_valid(s, n, &at))
        return json_stringn(s, n);
    char *text = xmalloc(room);
    str_printable(s, n, text, room);
    json_t *v = json_string(text);
    free(text);
    return v;
}

static json_t *columns_value(const struct manifest *m)
{
    json_t *all = json_array();

    for (size_t i = 0; all != NULL && i < m->column_count; i++) {
        const struct manifest_column *c = &m->columns[i];
        if (json_array_append_new(all, json_pack("{s:s, s:s, s:I, s:s?}", "name", c->name, "type", c->type,
                                                 "nulls", (json_int_t)c->nulls, "sum", c->sum)) < 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

static json_t *parts_value(const struct manifest *m)
{
    json_t *all = json_array();

    for (size_t i = 0; all != NULL && i < m->part_count; i++) {
        const struct manifest_part *p = &m->parts[i];
        if (json_array_append_new(all, json_pack("{s:s, s:I, s:I, s:s, s:s}", "key", p->key, "rows",
                                                 (json_int_t)p->rows, "bytes", (json_int_t)p->bytes, "sha256",
                                                 p->sha256, "etag", p->etag)) < 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

static json_t *watermark_value(const struct manifest_watermark *w)
{
    json_t *names = json_array();

    if (w->column_count == 0) {
        json_decref(names);
        return json_null();
    }
    for (size_t i = 0; names != NULL && i < w->column_count; i++)
        if (json_array_append_new(names, json_string(w->columns[i])) < 0) {
            json_decref(names);
            return NULL;
        }
    return json_pack("{s:o, s:s?, s:s?}", "columns", names, "from", w->from, "to", w->to);
}

int manifest_text(const struct manifest *m, struct buf *out, struct err *err)
{
    const struct manifest_format *f = &m->format;
    char at[CIVIL_RFC3339_SIZE];

    int rc = check(m, err);
    if (rc < 0) {
        err->code = ERR_CONTRACT;
        return err_prefix(err, "manifest of %s", m->table);
    }
    json_t *v = json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o, s:{s:s, s:s}, s:o, s:{s:s, s:s?, "
                          "s:s?, s:b, s:s, s:s?, s:s}, "
                          "s:o, s:I, s:I, s:o, s:s}",
                          "orch_manifest", VERSION, "pipeline", m->pipeline, "task", m->task, "table",
                          m->table, "run", m->run, "seq", (json_int_t)m->seq, "kind", kinds[m->kind], "at",
                          civil_rfc3339(m->at_ms, true, at), "watermark", watermark_value(&m->watermark),
                          "snapshot", "at", m->snapshot.at, "position", m->snapshot.position, "sql",
                          sql_value(m->sql), "format", "kind", f->kind, "delimiter", f->delimiter, "null",
                          f->null, "header", f->header, "newline", f->newline, "binary", f->binary,
                          "compress", f->compress, "columns", columns_value(m), "rows", (json_int_t)m->rows,
                          "bytes", (json_int_t)m->bytes, "parts", parts_value(m), "orch", m->orch);
    if (v == NULL)
        return err_set(err, ERR_CONTRACT, "manifest of %s: a name or key in it is not UTF-8", m->table);
    char *text = json_text(v);
    json_decref(v);
    rc = buf_adds(out, text, err);
    if (rc == 0)
        rc = buf_adds(out, "\n", err);
    free(text);
    return rc;
}

/* ---- reading ---- */

static int need_str(const struct manifest *m, const json_t *object, const char *name, const char **ret,
                    struct err *err)
{
    const char *text;
    int rc = json_need_str(object, name, &text, err);

    if (rc == 0)
        *ret = arena_strndup(m->arena, text, strlen(text));
    return rc;
}

/* A text, or null: NULL. */
static int need_str_or_null(const struct manifest *m, const json_t *object, const char *name,
                            const char **ret, struct err *err)
{
    *ret = NULL;
    return json_is_null(json_object_get(object, name)) ? 0 : need_str(m, object, name, ret, err);
}

static int need_object(const json_t *v, const char *name, const json_t **ret, struct err *err)
{
    *ret = json_object_get(v, name);
    if (!json_is_object(*ret))
        return err_set(err, ERR_BAD_VALUE, "'%s' is %s where an object is expected", name, json_kind(*ret));
    return 0;
}

static int need_array(const json_t *v, const char *name, size_t most, const json_t **ret, struct err *err)
{
    *ret = json_object_get(v, name);
    if (!json_is_array(*ret))
        return err_set(err, ERR_BAD_VALUE, "'%s' is %s where an array is expected", name, json_kind(*ret));
    if (json_array_size(*ret) > most)
        return err_set(err, ERR_BAD_VALUE, "'%s' has %zu items, at most %zu are allowed", name,
                       json_array_size(*ret), most);
    return 0;
}

static int need_item(const json_t *all, size_t i, const char *name, const json_t **ret, struct err *err)
{
    *ret = json_array_get(all, i);
    if (!json_is_object(*ret))
        return err_set(err, ERR_BAD_VALUE, "'%s' has %s where an object is expected", name, json_kind(*ret));
    return 0;
}

static int read_watermark(struct manifest *m, const json_t *v, struct err *err)
{
    struct manifest_watermark *w = &m->watermark;
    const json_t *object = json_object_get(v, "watermark"), *names;
    int rc;

    if (json_is_null(object))
        return 0;
    rc = need_object(v, "watermark", &object, err);
    if (rc == 0)
        rc = need_array(object, "columns", WATERMARK_COLUMNS, &names, err);
    if (rc < 0)
        return rc;
    w->column_count = json_array_size(names);
    if (w->column_count == 0)
        return bad(err, "watermark", "has no columns");
    const char **columns = arena_alloc(m->arena, w->column_count * sizeof *columns);
    for (size_t i = 0; i < w->column_count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (name == NULL)
            return bad(err, "watermark", "has a column that is no text");
        columns[i] = arena_strndup(m->arena, name, strlen(name));
    }
    w->columns = columns;
    rc = need_str_or_null(m, object, "from", &w->from, err);
    return rc < 0 ? rc : need_str_or_null(m, object, "to", &w->to, err);
}

static int read_format(struct manifest *m, const json_t *v, struct err *err)
{
    struct manifest_format *f = &m->format;
    const json_t *object;

    int rc = need_object(v, "format", &object, err);
    if (rc == 0)
        rc = need_str(m, object, "kind", &f->kind, err);
    if (rc == 0)
        rc = need_str_or_null(m, object, "delimiter", &f->delimiter, err);
    if (rc == 0)
        rc = need_str_or_null(m, object, "null", &f->null, err);
    if (rc == 0 && !json_is_boolean(json_object_get(object, "header")))
        rc = bad(err, "header", "is no boolean");
    if (rc == 0)
        rc = need_str(m, object, "newline", &f->newline, err);
    if (rc == 0)
        rc = need_str(m, object, "compress", &f->compress, err);
    if (rc == 0 &&
        json_object_get(object, "binary") != NULL) /* a version that did not say it was never out */
        rc = need_str_or_null(m, object, "binary", &f->binary, err);
    f->header = rc == 0 && json_is_true(json_object_get(object, "header"));
    return rc;
}

static int read_columns(struct manifest *m, const json_t *v, struct err *err)
{
    const json_t *all, *object;

    int rc = need_array(v, "columns", MAX_COLUMNS, &all, err);
    if (rc < 0)
        return rc;
    m->column_count = json_array_size(all);
    struct manifest_column *columns = arena_alloc(m->arena, (m->column_count + 1) * sizeof *columns);
    m->columns = columns;
    for (size_t i = 0; rc == 0 && i < m->column_count; i++) {
        rc = need_item(all, i, "columns", &object, err);
        if (rc == 0)
            rc = need_str(m, object, "name", &columns[i].name, err);
        if (rc == 0)
            rc = need_str(m, object, "type", &columns[i].type, err);
        if (rc == 0)
            rc = json_need_i64(object, "nulls", &columns[i].nulls, err);
        if (rc == 0)
            rc = need_str_or_null(m, object, "sum", &columns[i].sum, err);
    }
    return rc;
}

static int read_parts(struct manifest *m, const json_t *v, struct err *err)
{
    const json_t *all, *object;

    int rc = need_array(v, "parts", MAX_RUN_PARTS, &all, err);
    if (rc < 0)
        return rc;
    m->part_count = json_array_size(all);
    struct manifest_part *parts = arena_alloc(m->arena, (m->part_count + 1) * sizeof *parts);
    m->parts = parts;
    for (size_t i = 0; rc == 0 && i < m->part_count; i++) {
        rc = need_item(all, i, "parts", &object, err);
        if (rc == 0)
            rc = need_str(m, object, "key", &parts[i].key, err);
        if (rc == 0)
            rc = json_need_i64(object, "rows", &parts[i].rows, err);
        if (rc == 0)
            rc = json_need_i64(object, "bytes", &parts[i].bytes, err);
        if (rc == 0)
            rc = need_str(m, object, "sha256", &parts[i].sha256, err);
        if (rc == 0)
            rc = need_str(m, object, "etag", &parts[i].etag, err);
    }
    return rc;
}

static int read_kind(struct manifest *m, const json_t *v, struct err *err)
{
    const char *name;
    int rc = json_need_str(v, "kind", &name, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(name, kinds[i]) == 0) {
            m->kind = (enum manifest_kind)i;
            return 0;
        }
    return bad(err, "kind", "is none of incremental, full, range");
}

static int read_version(const json_t *v, struct err *err)
{
    int64_t version;

    if (!json_is_object(v))
        return err_set(err, ERR_BAD_VALUE, "it is %s where an object is expected", json_kind(v));
    int rc = json_need_i64(v, "orch_manifest", &version, err);
    if (rc == 0 && version > VERSION) {
        err_set(err, ERR_BAD_VALUE, "it is of version %lld, this orch reads version %d", (long long)version,
                VERSION);
        return err_hint(err, "it was written by a newer orch: use that one here too");
    }
    if (rc == 0 && version != VERSION)
        return bad(err, "orch_manifest", "is out of range");
    return rc;
}

static int read_head(struct manifest *m, const json_t *v, struct err *err)
{
    const struct {
        const char *name, **ret;
    } texts[] = {{"pipeline", &m->pipeline}, {"task", &m->task}, {"table", &m->table},
                 {"run", &m->run},           {"sql", &m->sql},   {"orch", &m->orch}};
    const json_t *snapshot;
    const char *at;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(texts); i++)
        rc = need_str(m, v, texts[i].name, texts[i].ret, err);
    if (rc == 0)
        rc = json_need_i64(v, "seq", &m->seq, err);
    if (rc == 0)
        rc = read_kind(m, v, err);
    if (rc == 0)
        rc = json_need_str(v, "at", &at, err);
    if (rc == 0)
        rc = civil_parse_rfc3339(at, &m->at_ms, err);
    if (rc == 0)
        rc = need_object(v, "snapshot", &snapshot, err);
    if (rc == 0)
        rc = need_str(m, snapshot, "at", &m->snapshot.at, err);
    if (rc == 0)
        rc = need_str(m, snapshot, "position", &m->snapshot.position, err);
    if (rc == 0)
        rc = json_need_i64(v, "rows", &m->rows, err);
    return rc < 0 ? rc : json_need_i64(v, "bytes", &m->bytes, err);
}

int manifest_parse(const char *text, size_t n, const char *what, struct manifest *ret, struct err *err)
{
    json_t *v = NULL;
    int rc;

    *ret = (struct manifest){.arena = NULL};
    if (n > MAX_MANIFEST)
        return err_set(err, ERR_BAD_VALUE, "%s: more than %u bytes", what, MAX_MANIFEST);
    rc = json_parse(text, n, what, &v, err);
    if (rc < 0) {
        err->code = ERR_BAD_VALUE;
        return -(int)ERR_BAD_VALUE;
    }
    ret->arena = arena_new();
    rc = read_version(v, err);
    if (rc == 0)
        rc = read_head(ret, v, err);
    if (rc == 0)
        rc = read_watermark(ret, v, err);
    if (rc == 0)
        rc = read_format(ret, v, err);
    if (rc == 0)
        rc = read_columns(ret, v, err);
    if (rc == 0)
        rc = read_parts(ret, v, err);
    if (rc == 0)
        rc = check(ret, err);
    json_decref(v);
    if (rc == 0)
        return 0;
    manifest_release(ret);
    err->code = ERR_BAD_VALUE;
    return err_prefix(err, "%s", what);
}

void manifest_release(struct manifest *m)
{
    arena_free(m->arena);
    *m = (struct manifest){.arena = NULL};
}

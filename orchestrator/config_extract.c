/* "extracts" of orch.json: tables out of a database into files. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cron/cronexpr.h"
#include "cron/zone.h"
#include "io/shortest.h"
#include "io/target_moment.h"
#include "orchestrator/config_int.h"
#include "steps/extract.h"

static const struct key source_keys[] = {
    {"connection", KEY_TEXT, false, true, NULL, NULL, NULL, NULL,
     "a mysql:// one, by its name in connections"},
    {0},
};
static const struct key target_keys[] = {
    {"connection", KEY_TEXT, false, true, NULL, NULL, NULL, NULL,
     "an s3:// or file:// one, by its name in connections"},
    {"prefix", KEY_TEXT, false, false, "\"\"", NULL, NULL, NULL,
     "under the connection's URL, put in front of path as it is: a folder ends in /"},
    {0},
};
static const struct key filter_keys[] = {
    {"column", KEY_TEXT, false, true, NULL, NULL, NULL, NULL, "of the table"},
    {"is", KEY_CHOICE, false, false, "\"=\"", "=|!=|<|<=|>|>=|like|not-like|in|not-in|null|not-null", NULL,
     NULL, "as in SQL: rows where the column is NULL fall out of all but null"},
    {"value", KEY_VALUE, true, false, NULL, NULL, NULL, NULL,
     "a text, a number, or a list of them for in and not-in"},
    {"ago", KEY_DURATION, true, false, NULL, NULL, NULL, NULL,
     "in place of value: the run's own moment less so much"},
    {0},
};
static const struct key table_keys[] = {
    {"name", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "of the files; null: the table's"},
    {"table", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "table, or database.table"},
    {"query", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "a SELECT of your own in place of a table"},
    {"columns", KEY_TEXTS, false, false, "[]", NULL, NULL, NULL, "in the files' order; empty: all"},
    {"transforms", KEY_TEXT_MAP, false, false, NULL, NULL, NULL, NULL,
     "column: SQL expression in its place; a name that is no column is one more"},
    {"filters", KEY_LIST, false, false, NULL, NULL, NULL, filter_keys,
     "all of them hold for a row that is taken"},
    {"where", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "a condition in SQL beside them"},
    {"watermark", KEY_TEXTS, false, false, "[]", NULL, NULL, NULL,
     "columns that tell when a row was changed: each run takes what is new; empty: everything each time"},
    {"order", KEY_TEXTS, false, false, "[]", NULL, NULL, NULL, "columns to sort by; empty: the primary key"},
    {0},
};
const struct key config_extract_keys[] = {
    {"schedule", KEY_TEXT, false, false, "\"cron(0/5 * * * ? *)\"", NULL, NULL, NULL,
     "EventBridge cron(...) or rate(...), or five crontab fields; \"\": by hand alone"},
    {"timezone", KEY_TEXT, false, false, "\"UTC\"", NULL, NULL, NULL, "of the schedule: an IANA name"},
    {"owner", KEY_OBJECT, false, false, NULL, NULL, NULL, config_owner_keys, "who answers for the data"},
    {"source", KEY_OBJECT, false, true, NULL, NULL, NULL, source_keys, "the database"},
    {"target", KEY_OBJECT, false, true, NULL, NULL, NULL, target_keys, "where files go"},
    {"task", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "{task} of path; null: the extract's name"},
    {"tables", KEY_LIST, false, true, NULL, NULL, NULL, table_keys, "what is taken, all in one snapshot"},
    {"since", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "where the first window begins, such as 2022-06-05 00:00:00, UTC; null: at the first row"},
    {"lag", KEY_DURATION, false, false, "\"60s\"", NULL, NULL, NULL,
     "a run takes nothing younger: as long as a transaction of the application lasts, at least"},
    {"overlap", KEY_DURATION, false, false, "\"0s\"", NULL, NULL, NULL,
     "a run takes the last so much of the window before again: repeated rows, for who fears late ones"},
    {"datetime_timezone", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "zone, without summer time, that DATETIME watermarks are written in; null: UTC, if the server's own is"},
    {"path", KEY_TEXT, false, false, "\"{task}/{table}_{timestamp}[_{part}]\"", NULL, NULL, NULL,
     "of a file, without its suffixes: {task} {table} {timestamp} {epoch} {run} {part}, and strftime's %Y %m "
     "%d %H "
     "of the run; what is in [ ] is left out where there is one part"},
    {"timezone_of_output", KEY_TEXT, false, false, "\"UTC\"", NULL, NULL, NULL,
     "of TIMESTAMP cells and of {timestamp}"},
    {"format", KEY_CHOICE, false, false, "\"csv\"", "csv|tsv|jsonl|avro", NULL, NULL, "of the files"},
    {"delimiter", KEY_CHAR, false, false, "\",\"", NULL, NULL, NULL, "of CSV"},
    {"header", KEY_BOOL, false, false, "true", NULL, NULL, NULL,
     "CSV and TSV: the first record names the columns"},
    {"newline", KEY_CHOICE, false, false, "\"lf\"", "lf|crlf", NULL, NULL, "of CSV and TSV"},
    {"null", KEY_TEXT, false, false, "\"\"", NULL, NULL, NULL,
     "CSV and TSV: NULL, unquoted; the same text as a value is quoted"},
    {"binary", KEY_CHOICE, false, false, "\"hex\"", "hex|base64", NULL, NULL, "BINARY, BLOB and BIT as text"},
    {"text_times", KEY_BOOL, false, false, "false", NULL, NULL, NULL,
     "Avro: dates and times as text: 0000-00-00 has no other form there"},
    {"compress", KEY_CHOICE, false, false, "\"none\"", "none|gzip|zstd", NULL, NULL, "the files"},
    {"level", KEY_INT, true, false, NULL, NULL, NULL, NULL, "of compression; null: gzip 1, zstd 3"},
    {"part_bytes", KEY_SIZE, true, false, NULL, NULL, NULL, NULL,
     "a file that has grown to this is ended and another begun; null: one file"},
    {"page_rows", KEY_INT, false, false, "10000000", NULL, NULL, NULL,
     "rows that one statement reads; a table of more is counted by a statement of its own"},
    {"parallel", KEY_INT, false, false, "1", NULL, NULL, NULL,
     "tables at a time, 1 to 8, in the same snapshot"},
    {"verify", KEY_CHOICE, false, false, "\"count\"", "count|sums|full", NULL, NULL,
     "what was written against the snapshot, before it is published; full: sums, and the files are read "
     "back"},
    {"late_after", KEY_DURATION, false, false, "\"1h\"", NULL, NULL, NULL,
     "a watermark so far behind the clock, beyond lag, is LATE"},
    {"max_attempts", KEY_INT, false, false, "5", NULL, NULL, NULL,
     "faults of data or rules before a run is DEAD"},
    {0},
};

struct reading {
    struct config *c;
    struct faults *f;
    struct pipeline *p;
    struct extract *x;
};

static void *zeroed(struct reading *r, size_t n, size_t size)
{
    void *p = arena_alloc(r->c->arena, (n + 1) * size);

    memset(p, 0, (n + 1) * size);
    return p;
}

const char *config_value(const struct config *c, const json_t *v)
{
    char text[SHORTEST_SIZE];
    int64_t mantissa;
    int exp10;

    if (json_is_string(v))
        return config_keep(c, json_string_value(v));
    if (json_is_integer(v)) {
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(v));
    } else { /* 0.1 stays 0.1 */
        shortest_double(json_number_value(v), &mantissa, &exp10);
        shortest_text(mantissa, exp10, text);
    }
    return config_keep(c, text);
}

static void fill_filter(struct reading *r, struct extract_filter *to, const json_t *k, const char *where)
{
    static const char *const names[] = {
        "=", "!=", "<", "<=", ">", ">=", "like", "not-like", "in", "not-in", "null", "not-null"};
    const json_t *v = json_object_get(k, "value"), *item;
    bool list = config_is(k, "is", "in") || config_is(k, "is", "not-in"),
         none = config_is(k, "is", "null") || config_is(k, "is", "not-null");
    size_t i, n = json_is_array(v) ? json_array_size(v) : !json_is_null(v);
    const char **values = zeroed(r, n, sizeof *values);

    to->column = config_text(r->c, k, "column");
    for (i = 0; i < ARRAY_LEN(names); i++)
        if (config_is(k, "is", names[i]))
            to->is = (enum extract_is)i;
    if (json_is_array(v))
        json_array_foreach(v, i, item)
            values[i] = config_value(r->c, item);
    else if (n > 0)
        values[0] = config_value(r->c, v);
    to->values = values;
    if (json_is_string(json_object_get(k, "ago")))
        to->ago_ms = config_duration(k, "ago");
    if (none ? n > 0 || to->ago_ms > 0 : (n == 0) == (to->ago_ms == 0))
        fault_add(r->f, where, none ? "null and not-null have no value" : "value or ago: one of the two");
    else if (json_is_array(v) != list && !none && to->ago_ms == 0)
        fault_add(r->f, where,
                  list ? "value: in and not-in want a list" : "value: a list is for in and not-in");
}

static void fill_table(struct reading *r, struct extract_table *t, json_t *k, const char *where)
{
    json_t *transforms = json_object_get(k, "transforms"), *filters = json_object_get(k, "filters"), *item;
    const char *name;
    size_t i;

    t->table = config_text(r->c, k, "table");
    t->query = config_text(r->c, k, "query");
    t->name = config_text(r->c, k, "name");
    t->where = config_text(r->c, k, "where");
    t->columns = config_texts(r->c, json_object_get(k, "columns"));
    t->watermark = config_texts(r->c, json_object_get(k, "watermark"));
    t->order = config_texts(r->c, json_object_get(k, "order"));
    if ((t->table == NULL) == (t->query == NULL))
        fault_add(r->f, where, "table or query: one of the two");
    if (t->name == NULL && t->table != NULL) {
        const char *dot = strrchr(t->table, '.');
        t->name = dot != NULL ? dot + 1 : t->table;
    }
    if (t->name == NULL || t->name[0] == '\0' || strlen(t->name) > 100 || strchr(t->name, '/') != NULL ||
        t->name[0] == '.')
        fault_add(r->f, where, "name: a query needs one; up to 100 bytes, no slash, no dot in front");
    struct extract_transform *ts = zeroed(r, json_object_size(transforms), sizeof *ts);
    t->transforms = ts;
    json_object_foreach(transforms, name, item)
        ts[t->transform_count++] =
            (struct extract_transform){config_keep(r->c, name), config_keep(r->c, json_string_value(item))};
    struct extract_filter *fs = zeroed(r, json_array_size(filters), sizeof *fs);
    t->filters = fs;
    json_array_foreach(filters, i, item) {
        char *at = xasprintf("%s.filters[%zu]", where, i);
        fill_filter(r, &fs[t->filter_count++], item, at);
        free(at);
    }
}

static void fill_tables(struct reading *r, json_t *tables, const char *where)
{
    struct extract_table *all = zeroed(r, json_array_size(tables), sizeof *all);
    json_t *item;
    size_t i;

    r->x->tables = all;
    if (json_is_array(tables) && json_array_size(tables) == 0)
        fault_add(r->f, where, "tables: none: nothing would ever be taken");
    json_array_foreach(tables, i, item) {
        char *at = xasprintf("%s.tables[%zu]", where, i);
        fill_table(r, &all[r->x->table_count++], item, at);
        for (size_t k = 0; k < i; k++)
            if (all[k].name != NULL && all[i].name != NULL && strcmp(all[k].name, all[i].name) == 0)
                fault_add(r->f, at, "name '%s' is taken by tables[%zu]: their files would be the same",
                          all[i].name, k);
        free(at);
    }
}

static void fill_format(struct reading *r, const json_t *k, const char *where)
{
    struct extract *x = r->x;
    const char *delimiter = config_text(r->c, k, "delimiter");
    int64_t bytes = 0;
    struct err err;

    x->format =
        (struct format_config){.kind = config_is(k, "format", "tsv")     ? FORMAT_TSV
                                       : config_is(k, "format", "jsonl") ? FORMAT_JSONL
                                       : config_is(k, "format", "avro")  ? FORMAT_AVRO
                                                                         : FORMAT_CSV,
                               .delimiter = delimiter != NULL ? delimiter[0] : ',',
                               .header = json_is_true(json_object_get(k, "header")),
                               .crlf = config_is(k, "newline", "crlf"),
                               .null = config_text(r->c, k, "null"),
                               .binary = config_is(k, "binary", "base64") ? BINARY_BASE64 : BINARY_HEX};
    x->packing = config_is(k, "compress", "gzip")   ? PACK_GZIP
                 : config_is(k, "compress", "zstd") ? PACK_ZSTD
                                                    : PACK_NONE;
    x->level = (int)json_integer_value(json_object_get(k, "level"));
    if (x->level > (x->packing == PACK_GZIP ? 9 : 19))
        fault_add(r->f, where, "level: up to 9 for gzip, up to 19 for zstd");
    if (x->format.kind == FORMAT_AVRO && x->packing != PACK_NONE)
        fault_add(r->f, where, "compress: an Avro file packs its own blocks: none");
    x->format.codec = "deflate";
    x->format.text_times = json_is_true(json_object_get(k, "text_times"));
    const json_t *size = json_object_get(k, "part_bytes");
    if (json_is_integer(size))
        bytes = json_integer_value(size);
    else if (json_is_string(size))
        err_ignore(str_to_bytes(str_of(json_string_value(size)), &bytes, &err));
    x->part_bytes = bytes;
    x->page_rows = json_integer_value(json_object_get(k, "page_rows"));
    x->parallel = json_integer_value(json_object_get(k, "parallel"));
    if (x->parallel > MAX_PARALLEL)
        fault_add(r->f, where, "parallel: %lld is more than %d", (long long)x->parallel, MAX_PARALLEL);
    x->verify = config_is(k, "verify", "full")   ? VERIFY_FULL
                : config_is(k, "verify", "sums") ? VERIFY_SUMS
                                                 : VERIFY_COUNT;
}

static const struct cron_zone *zone(struct reading *r, const json_t *k, const char *key, const char *where)
{
    const char *name = config_text(r->c, k, key);
    const struct cron_zone *z = NULL;
    struct err err;

    if (name != NULL && cron_zone_find(name, &z, &err) < 0)
        fault_add(r->f, where, "%s: %s", key, err.msg);
    return z;
}

static int64_t offset_s(const void *zone, int64_t utc_s)
{
    return cron_zone_offset(zone, utc_s * 1000);
}

/* Whether the word is in every file's name: what is in [ ] is left out where there is one part. */
static bool names_have(const struct extract *x, const char *word)
{
    for (const char *p = x->path; *p != '\0'; p++) {
        const char *end = *p == '[' && x->part_bytes == 0 ? strchr(p, ']') : NULL;
        if (end != NULL)
            p = end;
        else if (str_starts(p, word))
            return true;
    }
    return false;
}

/* Names must differ from run to run, from table to table, and from part to part. */
static void check_path(struct reading *r, const char *where)
{
    const struct extract *x = r->x;
    const char *path = x->path;
    struct cron_change change;
    bool by_run = names_have(x, "{epoch}") || names_have(x, "{run}");
    struct err err;

    if (path != NULL && extract_path_check(path, &err) < 0) {
        fault_add(r->f, where, "%s", err.msg);
        return;
    }

    if (!by_run && !names_have(x, "{timestamp}"))
        fault_add(
            r->f, where,
            "path: '%s' has neither {timestamp} nor {epoch} nor {run}: a run would overwrite the last one's",
            path);
    else if (!by_run && x->format.zone != NULL &&
             cron_zone_change(x->format.zone, clock_now_ms(), &change) == 1)
        fault_add(r->f, where,
                  "path: timezone_of_output has summer time, in which a {timestamp} comes twice: add {epoch} "
                  "or {run}");
    if (x->table_count > 1 && !names_have(x, "{table}"))
        fault_add(r->f, where, "path: '%s' has no {table}, and there are %zu", path, x->table_count);
    if (x->part_bytes > 0 && !names_have(x, "{part}"))
        fault_add(r->f, where, "path: '%s' has no {part}, and part_bytes makes several files", path);
}

static void fill_times(struct reading *r, const json_t *k, const char *where)
{
    struct extract *x = r->x;
    struct cron_change change;
    char since[MOMENT_SIZE];
    int64_t since_ms = 0;

    x->since = config_text(r->c, k, "since");
    x->lag_ms = config_duration(k, "lag");
    x->overlap_ms = config_duration(k, "overlap");
    r->p->late_after_ms = config_duration(k, "late_after");
    const struct cron_zone *written = zone(r, k, "datetime_timezone", where);
    x->format.zone = zone(r, k, "timezone_of_output", where);
    x->format.offset_s = x->format.zone != NULL ? offset_s : NULL;
    x->datetime_offset_s = written != NULL ? cron_zone_offset(written, clock_now_ms()) : 0;
    x->datetime_zone_name = config_text(r->c, k, "datetime_timezone");
    /* An hour that comes twice a year would be read once, and half of its rows lost. */
    if (written != NULL && cron_zone_change(written, clock_now_ms(), &change) == 1)
        fault_add(r->f, where,
                  "datetime_timezone: '%s' has summer time, in which an hour comes twice: a DATETIME in it "
                  "is no watermark; "
                  "a TIMESTAMP column is",
                  x->datetime_zone_name);
    if (x->since != NULL && extract_moment(x->since, &since_ms) < 0)
        fault_add(r->f, where, "since: '%s' is no moment such as 2022-06-05 or 2022-06-05 12:00:00",
                  x->since);
    else if (x->since != NULL) /* of its spellings one alone is the database's */
        x->since = config_keep(r->c, moment_text(since_ms, since));
}

void config_fill_extract(struct config *c, struct pipeline *p, json_t *k, const char *where, struct faults *f)
{
    struct extract *x = arena_alloc(c->arena, sizeof *x);
    struct reading r = {c, f, p, x};

    memset(x, 0, sizeof *x);
    p->extract = x;
    p->max_attempts = json_integer_value(json_object_get(k, "max_attempts"));
    x->task = config_text(c, k, "task");
    x->task = x->task != NULL ? x->task : p->name;
    x->path = config_text(c, k, "path");
    x->prefix = config_text(c, json_object_get(k, "target"), "prefix");
    if (x->prefix != NULL &&
        (x->prefix[0] == '/' || str_starts(x->prefix, "../") || strstr(x->prefix, "/../") != NULL))
        fault_add(f, where, "target.prefix: '%s' leaves the connection's URL", x->prefix);
    fill_format(&r, k, where);
    fill_times(&r, k, where);
    fill_tables(&r, json_object_get(k, "tables"), where);
    check_path(&r, where);
}

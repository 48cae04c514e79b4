#include "base/limits.h"
#include "base/mem.h"
#include "cron/zone.h"
#include "orchestrator/spec_int.h"
#include <strings.h>

/* The task spec of SQL Periodic Data Extraction. */

static void where_of(char out[200], const char *a, const char *b, const char *c)
{
    snprintf(out, 200, "%.60s%s%.60s%s%.60s", a, b != NULL ? "." : "", b != NULL ? b : "",
             c != NULL ? "." : "", c != NULL ? c : "");
}

/* --- filters and cdc --- */

struct condition {
    const char *there, *is, *with_null; /* NULL: refused */
};
static const struct condition conditions[] = {
    {"=", "=", "null"},
    {"==", "=", "null"},
    {"is", "=", "null"},
    {"!=", "!=", "not-null"},
    {"<>", "!=", "not-null"},
    {"is not", "!=", "not-null"},
    {"<", "<", NULL},
    {"<=", "<=", NULL},
    {">", ">", NULL},
    {">=", ">=", NULL},
    {"like", "like", NULL},
    {"not like", "not-like", NULL},
    {"in", "in", NULL},
    {"not in", "not-in", NULL},
    {"is null", "null", "null"},
    {"is not null", "not-null", "not-null"},
    {"between", ">=", NULL},
};

/* Without blanks at either end, and with one blank between words. */
static void tidy(const char *s, char out[40])
{
    size_t n = 0;

    for (; *s != '\0' && n < 38; s++)
        if (strchr(" \t\r\n", *s) == NULL)
            out[n++] = *s;
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

static const struct condition *condition_of(const char *text)
{
    char clean[40];

    tidy(text, clean);
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
        if (strcasecmp(conditions[i].there, clean) == 0)
            return &conditions[i];
    return NULL;
}

static void add_filter(json_t *filters, const char *column, const char *is, json_t *value)
{
    json_t *f = json_pack("{s:s,s:s}", "column", column, "is", is);

    if (value != NULL)
        json_object_set_new(f, "value", value);
    json_array_append_new(filters, f);
}

static bool is_null_word(const json_t *v)
{
    return v == NULL || json_is_null(v) ||
           (json_is_string(v) && strcasecmp(json_string_value(v), "null") == 0);
}

static void add_range(struct spec_reading *r, const char *where, const char *column, const json_t *metric,
                      json_t *filters)
{
    json_t *both =
        json_is_array(metric) && json_array_size(metric) == 2 ? spec_values(r, where, metric) : NULL;

    if (json_array_size(both) == 2) {
        add_filter(filters, column, ">=", json_incref(json_array_get(both, 0)));
        add_filter(filters, column, "<=", json_incref(json_array_get(both, 1)));
    } else if (both == NULL) {
        spec_error(r, where, "\"metric\": [FROM, TO]", "between needs a list of two");
    }
    json_decref(both);
}

/* What a text without quotes was over there: the name of a column, in SQL that is pasted together. */
static void note_bare(struct spec_reading *r, const char *where, const json_t *metric)
{
    const char *s = json_string_value(metric);
    char shown[100];

    if (s == NULL || s[strspn(s, "0123456789.-")] == '\0' || *str_trim(str_of(s)).p == '\'' ||
        *str_trim(str_of(s)).p == '"')
        return;
    str_printable(s, strlen(s), shown, sizeof shown - 8);
    spec_note(r, where, "'%s' is a value here; pasted into SQL it would have been a name", shown);
}

static void one_filter(struct spec_reading *r, const char *where, const char *column, const json_t *o,
                       json_t *filters)
{
    static const char *const keys[] = {"condition", "metric", NULL};
    const json_t *metric = json_object_get(o, "metric");
    json_t *value = NULL;

    if (!json_is_object(o)) {
        spec_error(r, where, "{\"condition\": \"=\", \"metric\": 1}",
                   "%s where condition and metric are expected", json_kind(o));
        return;
    }
    spec_known(r, where, o, keys);
    const char *text = spec_get_text(r, where, o, "condition");
    const struct condition *c = text != NULL ? condition_of(text) : NULL;
    if (c == NULL) {
        if (text != NULL || json_object_get(o, "condition") == NULL)
            spec_error(r, where,
                       "one of = != < <= > >= like, not like, in, not in, between, is null, is not null",
                       "%s%.40s%s", text != NULL ? "condition '" : "the condition is missing",
                       text != NULL ? text : "", text != NULL ? "' is not known" : "");
        return;
    }
    bool null = strcmp(c->is, "null") == 0 || strcmp(c->is, "not-null") == 0;
    if (is_null_word(metric) && c->with_null != NULL) {
        if (!null)
            spec_note(r, where, "%s NULL is true of no row in SQL; IS %sNULL is meant", c->there,
                      *c->with_null == 'n' && c->with_null[1] == 'o' ? "NOT " : "");
        add_filter(filters, column, c->with_null, NULL);
        return;
    }
    if (null || is_null_word(metric)) {
        spec_error(r, where, NULL, null ? "no metric goes with %s" : "%s NULL is true of no row", c->there);
        return;
    }
    if (strcasecmp(c->there, "between") == 0) {
        add_range(r, where, column, metric, filters);
        return;
    }
    if (strcmp(c->is, "in") == 0 || strcmp(c->is, "not-in") == 0) {
        value = spec_values(r, where, metric);
        if (value == NULL)
            spec_error(r, where, "[1, 2]", "%s needs a list", c->there);
    } else {
        value = spec_value(r, where, metric);
        note_bare(r, where, metric);
    }
    if (value != NULL)
        add_filter(filters, column, c->is, value);
}

static void read_filters(struct spec_reading *r, const char *table, const json_t *o, json_t *filters)
{
    const char *key;
    char where[200];
    json_t *v, *one;
    size_t i;

    if (o != NULL && !json_is_null(o) && !json_is_object(o))
        spec_error(r, table, NULL, "'filters' is %s where an object is expected", json_kind(o));
    json_object_foreach((json_t *)(uintptr_t)o, key, v) {
        where_of(where, table, "filters", key);
        char *column = spec_one_name(r, where, key);
        if (column != NULL && json_is_array(v)) {
            json_array_foreach(v, i, one)
                one_filter(r, where, column, one, filters);
        } else if (column != NULL) {
            one_filter(r, where, column, v, filters);
        }
        free(column);
    }
}

/* A constant stays the filter that it is there: whoever writes 1995-05-05 means the same rows each time. */
static void one_cdc(struct spec_reading *r, const char *where, const char *column, const json_t *v,
                    json_t *filters)
{
    const char *text = json_string_value(v);
    int64_t ms = 0;
    int ago = text != NULL ? spec_ago(text, &ms) : 0;
    char shown[100];

    if (ago < 0) {
        str_printable(text, strlen(text), shown, sizeof shown - 8);
        spec_error(r, where,
                   "12 hours, 2 weeks, 30 minutes, 3 days, 45 seconds; a month is 28 to 31 days: say which",
                   "'%s' is no duration", shown);
        return;
    }
    if (json_is_array(v) || json_is_object(v) || json_is_null(v)) {
        spec_error(r, where, "one text or number: rows beyond it are extracted",
                   "%s where a value is expected", json_kind(v));
        return;
    }
    if (ago > 0) {
        char *duration = spec_duration(ms);
        json_array_append_new(filters,
                              json_pack("{s:s,s:s,s:s}", "column", column, "is", ">", "ago", duration));
        free(duration);
        return;
    }
    json_t *value = spec_value(r, where, v);
    if (value == NULL)
        return;
    add_filter(filters, column, ">", value);
    spec_note(r, where,
              "a constant: each run extracts the same rows again; \"watermark\": [\"%s\"] goes on where the "
              "last run ended",
              column);
}

static void read_cdc(struct spec_reading *r, const char *table, const json_t *o, json_t *filters)
{
    const char *key;
    char where[200];
    json_t *v;

    if (o != NULL && !json_is_null(o) && !json_is_object(o))
        spec_error(r, table, NULL, "'cdc' is %s where an object is expected", json_kind(o));
    json_object_foreach((json_t *)(uintptr_t)o, key, v) {
        where_of(where, table, "cdc", key);
        char *column = spec_one_name(r, where, key);
        if (column != NULL)
            one_cdc(r, where, column, v, filters);
        free(column);
    }
}

/* --- tables --- */

static void set_if_any(json_t *o, const char *key, json_t *taken)
{
    if (json_array_size(taken) > 0 || json_object_size(taken) > 0)
        json_object_set(o, key, taken);
    json_decref(taken);
}

/* "id ASC" is id; DESC is refused: pages go upwards. */
static json_t *read_order(struct spec_reading *r, const char *where, const json_t *v)
{
    const char *text = json_string_value(v);
    size_t n = text != NULL ? strlen(text) : 0;

    if (n > 5 && strcasecmp(text + n - 5, " desc") == 0) {
        spec_error(r, where, "the column alone", "descending order: files are written upwards");
        return json_array();
    }
    if (n > 4 && strcasecmp(text + n - 4, " asc") == 0) {
        json_t *plain = json_stringn(text, n - 4), *names = spec_names(r, where, plain, NULL);
        json_decref(plain);
        return names;
    }
    return spec_names(r, where, v, NULL);
}

static void read_table(struct spec_reading *r, size_t at, const json_t *o)
{
    static const char *const keys[] = {"name", "columns", "filters", "cdc", "split_order", NULL};
    char label[32], where[200];

    snprintf(label, sizeof label, "table[%zu]", at);
    if (!json_is_object(o)) {
        spec_error(r, label, NULL, "%s where an object is expected", json_kind(o));
        return;
    }
    spec_known(r, label, o, keys);
    const char *name = spec_get_text(r, label, o, "name");
    if (name == NULL || str_trim(str_of(name)).n == 0) {
        spec_error(r, label, NULL, "the table's name is missing");
        return;
    }
    json_t *t = json_object(), *filters = json_array(), *transforms = json_object();
    char *short_name = spec_name(r, label, strchr(name, '.') != NULL ? strchr(name, '.') + 1 : name);
    json_object_set_new(t, "name", json_string(short_name));
    json_object_set_new(t, "table", json_string(name));
    where_of(where, name, "columns", NULL);
    if (json_object_get(o, "columns") == NULL)
        spec_note(r, where, "none are named: all are extracted");
    set_if_any(t, "columns", spec_names(r, where, json_object_get(o, "columns"), transforms));
    set_if_any(t, "transforms", transforms);
    read_cdc(r, name, json_object_get(o, "cdc"), filters);
    read_filters(r, name, json_object_get(o, "filters"), filters);
    set_if_any(t, "filters", filters);
    where_of(where, name, "split_order", NULL);
    set_if_any(t, "order", read_order(r, where, json_object_get(o, "split_order")));
    size_t i;
    json_t *other;
    json_array_foreach(r->tables, i, other)
        if (strcmp(json_string_value(json_object_get(other, "name")), short_name) == 0)
            spec_error(r, label, NULL, "'%s' stands there twice, and would be one file", short_name);
    json_array_append_new(r->tables, t);
    free(short_name);
}

static void read_tables(struct spec_reading *r, const json_t *v)
{
    json_t *one;
    size_t i;

    if (json_is_object(v)) {
        spec_note(r, "table", "one table, taken as a list of one");
        read_table(r, 0, v);
        return;
    }
    if (!json_is_array(v) || json_array_size(v) == 0) {
        spec_error(r, "table", "\"table\": [{\"name\": ...}]", "no list of tables");
        return;
    }
    if (json_array_size(v) > MAX_SPEC_TABLES) {
        spec_error(r, "table", NULL, "more than %d tables", MAX_SPEC_TABLES);
        return;
    }
    json_array_foreach(v, i, one)
        read_table(r, i, one);
}

/* {"column": "SQL"} of the one table, or {"table": {"column": "SQL"}}. */
static void read_transform(struct spec_reading *r, json_t *table, const char *column, const json_t *sql)
{
    char where[200];
    json_t *all = json_object_get(table, "transforms");

    where_of(where, "column_transformation", column, NULL);
    if (!json_is_string(sql) || str_trim(str_of(json_string_value(sql))).n == 0) {
        spec_error(r, where, "\"COLUMN\": \"SQL\"", "%s where an expression is expected", json_kind(sql));
        return;
    }
    char *name = spec_one_name(r, where, column);
    if (name == NULL)
        return;
    if (all == NULL) {
        all = json_object();
        json_object_set_new(table, "transforms", all);
    }
    if (json_object_get(all, name) != NULL)
        spec_error(r, where, NULL, "the columns say what it is already");
    json_object_set(all, name, (json_t *)(uintptr_t)sql);
    free(name);
}

static json_t *table_called(const struct spec_reading *r, const char *name)
{
    size_t i;
    json_t *t;

    json_array_foreach(r->tables, i, t)
        if (strcmp(json_string_value(json_object_get(t, "table")), name) == 0)
            return t;
    return NULL;
}

static void read_transforms(struct spec_reading *r, const json_t *o, bool is_query)
{
    const char *key, *column;
    char where[200];
    json_t *v, *sql;

    if (o != NULL && !json_is_null(o) && !json_is_object(o))
        spec_error(r, "column_transformation", NULL, "%s where an object is expected", json_kind(o));
    if (is_query && json_object_size(o) > 0) {
        spec_error(r, "column_transformation", "write it into the query", "a query's columns are its own");
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)o, key, v) {
        json_t *table = json_is_object(v) ? table_called(r, key) : NULL;
        where_of(where, "column_transformation", key, NULL);
        if (table != NULL) {
            json_object_foreach(v, column, sql)
                read_transform(r, table, column, sql);
        } else if (json_is_object(v)) {
            spec_error(r, where, "{\"TABLE\": {\"COLUMN\": \"SQL\"}}", "no table of this name is extracted");
        } else if (json_array_size(r->tables) > 1) {
            spec_error(r, where, "{\"TABLE\": {\"COLUMN\": \"SQL\"}}", "of which of the tables?");
        } else if (json_array_size(r->tables) == 1) {
            read_transform(r, json_array_get(r->tables, 0), key, v);
        }
    }
}

/* A query of one's own takes the tables' place, there as here. */
static bool read_query(struct spec_reading *r, const json_t *v, const char *task)
{
    static const char *const keys[] = {"custom", NULL};
    const char *sql = NULL;

    if (json_is_object(v)) {
        spec_known(r, "query", v, keys);
        sql = spec_get_text(r, "query", v, "custom");
    } else if (json_is_string(v)) {
        sql = json_string_value(v);
        spec_note(r, "query", "taken as query.custom");
    } else if (v != NULL && !json_is_null(v)) {
        spec_error(r, "query", NULL, "%s where an object is expected", json_kind(v));
    }
    if (sql == NULL || str_trim(str_of(sql)).n == 0)
        return false;
    for (size_t i = 0; i < json_array_size(r->tables); i++)
        spec_note(r, "query.custom",
                  "it takes the place of table %s, whose columns, filters and cdc are not used",
                  json_string_value(json_object_get(json_array_get(r->tables, i), "table")));
    json_array_clear(r->tables);
    json_array_append_new(r->tables, json_pack("{s:s,s:s}", "name", task, "query", sql));
    return true;
}

/* --- the rest --- */

static void read_owner(struct spec_reading *r, const json_t *o)
{
    static const char *const keys[] = {"name", "email", NULL};
    json_t *owner = json_object();

    if (o != NULL && !json_is_null(o) && !json_is_object(o))
        spec_error(r, "owner", NULL, "%s where an object is expected", json_kind(o));
    spec_known(r, "owner", o, keys);
    for (size_t i = 0; keys[i] != NULL; i++) {
        const char *text = spec_get_text(r, "owner", o, keys[i]);
        if (text != NULL)
            json_object_set_new(owner, keys[i], json_string(text));
    }
    set_if_any(r->extract, "owner", owner);
}

static void read_format(struct spec_reading *r, const json_t *spec)
{
    static const struct {
        const char *there, *format, *compress, *note;
    } formats[] = {{"csv", "csv", NULL, NULL},
                   {"tsv", "tsv", NULL, NULL},
                   {"json", "jsonl", NULL, "JSON is written a line each row (jsonl)"},
                   {"jsonl", "jsonl", NULL, NULL},
                   {"ndjson", "jsonl", NULL, NULL},
                   {"avro", "avro", NULL, NULL},
                   {"csv.gz", "csv", "gzip", NULL},
                   {"tsv.gz", "tsv", "gzip", NULL},
                   {"json.gz", "jsonl", "gzip", "JSON is written a line each row (jsonl)"}};
    const char *text = spec_get_text(r, "output_file_format", spec, "output_file_format");
    char clean[40];

    tidy(text != NULL ? text : "csv", clean);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (strcasecmp(clean + (clean[0] == '.'), formats[i].there) != 0)
            continue;
        json_object_set_new(r->extract, "format", json_string(formats[i].format));
        if (formats[i].compress != NULL)
            json_object_set_new(r->extract, "compress", json_string(formats[i].compress));
        if (formats[i].note != NULL)
            spec_note(r, "output_file_format", "%s", formats[i].note);
        return;
    }
    spec_error(r, "output_file_format", "csv, tsv, json (a line each row), avro; csv.gz packs",
               "'%s' is not written", clean);
}

/* Whether its clocks are put back at times: an hour of names comes twice then. */
static bool read_zone(struct spec_reading *r, const json_t *spec)
{
    const int64_t of_late_ms = INT64_C(1577836800000); /* 2020: any zone that still does has done it since */
    const char *name = spec_get_text(r, "output_timezone", spec, "output_timezone");
    const struct cron_zone *zone = NULL;
    struct cron_change change;
    struct err err = {0};

    if (name == NULL || *name == '\0')
        return false;
    if (cron_zone_find(name, &zone, &err) < 0) {
        spec_error(r, "output_timezone", "an IANA name such as Asia/Kolkata", "%s", err.msg);
        return false;
    }
    json_object_set_new(r->extract, "timezone_of_output", json_string(name));
    return zone != NULL && cron_zone_change(zone, of_late_ms, &change) == 1;
}

static void set_path(struct spec_reading *r, bool twice)
{
    bool several = json_array_size(r->tables) > 1;
    char path[100];

    if (several)
        spec_note(r, "table", "files are named by their table, or several would have one name");
    if (twice)
        spec_note(r, "output_timezone",
                  "an hour comes twice when its clocks are put back: names have {epoch} too");
    snprintf(path, sizeof path, "{task}/%s_{timestamp}%s[_{part}]", several ? "{table}" : "{task}",
             twice ? "_{epoch}" : "");
    json_object_set_new(r->extract, "path", json_string(path));
}

static void check_word(struct spec_reading *r, const json_t *spec, const char *key, const char *const *words,
                       const char *hint)
{
    const char *text = spec_get_text(r, key, spec, key);

    for (size_t i = 0; text != NULL && words[i] != NULL; i++)
        if (strcasecmp(words[i], text) == 0)
            return;
    if (text != NULL)
        spec_error(r, key, hint, "'%.40s' is not known", text);
}

void spec_pde(struct spec_reading *r, const json_t *spec, const json_t *config)
{
    static const char *const keys[] = {"task_name",       "table",  "query", "column_transformation",
                                       "owner",           "source", "sink",  "output_file_format",
                                       "output_timezone", NULL};
    static const char *const sources[] = {"mysql", "mariadb", NULL}, *const sinks[] = {"s3", NULL};
    const char *task = spec_get_text(r, "task_name", spec, "task_name");

    spec_known(r, "", spec, keys);
    if (task == NULL || str_trim(str_of(task)).n == 0)
        spec_error(r, "task_name", NULL, "it is missing");
    r->to->name = spec_name(r, "task_name", task != NULL ? task : "task");
    json_object_set_new(r->extract, "task", json_string(r->to->name));
    spec_pde_config(r, config);
    read_tables(r, json_object_get(spec, "table"));
    bool is_query = read_query(r, json_object_get(spec, "query"), r->to->name);
    read_transforms(r, json_object_get(spec, "column_transformation"), is_query);
    read_owner(r, json_object_get(spec, "owner"));
    check_word(r, spec, "source", sources, "mysql");
    check_word(r, spec, "sink", sinks, "s3; for a folder, a connection file://...");
    read_format(r, spec);
    set_path(r, read_zone(r, spec));
    spec_note(r, "schedule", "a task spec has none: orch extract %s runs it, or say when in schedule",
              r->to->name);
}

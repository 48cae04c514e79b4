#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/spec_int.h"
#include <strings.h>

/* The config of CreDE, which runs hourly or daily, and that of its backfill, which looks back so many hours. */

enum strategy { INCREMENTAL, FULL, REFUSED };

static enum strategy strategy_of(struct spec_reading *r, const char *where, const json_t *o, bool has_cdc)
{
    const char *text = spec_get_text(r, where, o, "STRATEGY");
    char word[20];
    size_t n = 0;

    if (text == NULL) {
        if (r->to->kind == SPEC_CREDE_BACKFILL && has_cdc)
            return INCREMENTAL;
        spec_error(r, where, "incremental or fullload", "STRATEGY is missing");
        return REFUSED;
    }
    for (const char *p = text; *p != '\0' && n < sizeof word - 1; p++)
        if (strchr(" _-", *p) == NULL)
            word[n++] = *p;
    word[n] = '\0';
    if (strcasecmp(word, "incremental") == 0)
        return INCREMENTAL;
    if (strcasecmp(word, "fullload") == 0 || strcasecmp(word, "full") == 0)
        return FULL;
    spec_error(r, where, "incremental or fullload", "STRATEGY '%.40s' is not known", text);
    return REFUSED;
}

static void keep(json_t *o, const char *key, json_t *taken)
{
    if (json_array_size(taken) > 0 || json_object_size(taken) > 0)
        json_object_set(o, key, taken);
    json_decref(taken);
}

static void read_watermark(struct spec_reading *r, const char *label, const json_t *o, const char *table,
                           json_t *t)
{
    const json_t *cdc = json_object_get(o, "CDC_COLUMNS");
    bool has_cdc =
        json_is_string(cdc) ? str_trim(str_of(json_string_value(cdc))).n > 0 : json_array_size(cdc) > 0;
    enum strategy how = strategy_of(r, label, o, has_cdc);
    char where[200];

    snprintf(where, sizeof where, "%.100s.CDC_COLUMNS", table);
    if (cdc != NULL && !json_is_null(cdc) && !json_is_string(cdc) && !json_is_array(cdc))
        spec_error(r, where, NULL, "%s where names are expected", json_kind(cdc));
    if (how == INCREMENTAL && !has_cdc)
        spec_error(r, where, "the column that says when a row changed; STRATEGY fullload needs none",
                   "it is missing");
    if (how == INCREMENTAL && has_cdc) {
        keep(t, "watermark", spec_names(r, where, cdc, NULL));
        if (r->to->kind == SPEC_CREDE)
            spec_note(
                r, where,
                "the first run extracts all rows, or those from \"since\" on; each further one goes on "
                "where the last ended, so that a run that is missed or early loses and doubles nothing");
    } else if (how == FULL && has_cdc) {
        spec_note(r, where, "not used: a full load takes every row each time");
    }
}

/* Tables of other databases than the first are called with theirs. */
static void read_table(struct spec_reading *r, size_t at, const json_t *o, const char **database)
{
    static const char *const keys[] = {"MYSQL_DB",    "TABLE_NAME", "SELECT_COLS",
                                       "CDC_COLUMNS", "STRATEGY",   NULL};
    char label[40], where[200];
    json_t *other;
    size_t i;

    snprintf(label, sizeof label, "TABLE_SPEC[%zu]", at);
    if (!json_is_object(o)) {
        spec_error(r, label, NULL, "%s where an object is expected", json_kind(o));
        return;
    }
    spec_known(r, label, o, keys);
    const char *name = spec_get_text(r, label, o, "TABLE_NAME"), *db = spec_get_text(r, label, o, "MYSQL_DB");
    if (name == NULL || str_trim(str_of(name)).n == 0) {
        spec_error(r, label, NULL, "TABLE_NAME is missing");
        return;
    }
    if (db == NULL || *db == '\0')
        spec_error(r, label, NULL, "MYSQL_DB is missing");
    else if (strchr(db, '.') != NULL)
        spec_error(r, label, NULL, "a database's name with a dot in it cannot be said: '%.60s'", db);
    else if (*database == NULL)
        *database = db;
    bool elsewhere = db != NULL && *database != NULL && strcmp(db, *database) != 0;
    char *short_name = spec_name(r, label, name);
    char *full = elsewhere || strchr(name, '.') != NULL ? xasprintf("%s.%s", db != NULL ? db : "", name)
                                                        : xstrdup(name);
    json_t *t = json_object(), *transforms = json_object();
    json_array_foreach(r->tables, i, other)
        if (strcmp(json_string_value(json_object_get(other, "name")), short_name) == 0)
            spec_error(r, label, "an orch.json of two extracts",
                       "'%s' stands there twice, and would be one file", short_name);
    json_object_set_new(t, "name", json_string(short_name));
    json_object_set_new(t, "table", json_string(full));
    snprintf(where, sizeof where, "%.100s.SELECT_COLS", name);
    if (json_object_get(o, "SELECT_COLS") == NULL)
        spec_note(r, where, "none are named: all are extracted");
    keep(t, "columns", spec_names(r, where, json_object_get(o, "SELECT_COLS"), transforms));
    keep(t, "transforms", transforms);
    read_watermark(r, label, o, name, t);
    json_array_append_new(r->tables, t);
    free(short_name);
    free(full);
}

static const char *read_tables(struct spec_reading *r, const json_t *v)
{
    const char *database = NULL;
    json_t *one;
    size_t i;

    if (json_is_object(v)) {
        spec_note(r, "TABLE_SPEC", "one table, taken as a list of one");
        read_table(r, 0, v, &database);
    } else if (!json_is_array(v) || json_array_size(v) == 0) {
        spec_error(r, "TABLE_SPEC", "\"TABLE_SPEC\": [{\"MYSQL_DB\": ..., \"TABLE_NAME\": ...}]",
                   "no list of tables");
    } else if (json_array_size(v) > MAX_SPEC_TABLES) {
        spec_error(r, "TABLE_SPEC", NULL, "more than %d tables", MAX_SPEC_TABLES);
    } else {
        json_array_foreach(v, i, one)
            read_table(r, i, one, &database);
    }
    return database;
}

static void read_time(struct spec_reading *r, const json_t *o)
{
    const char *often = spec_get_text(r, "FREQUENCY", o, "FREQUENCY");
    bool hourly = often != NULL && strcasecmp(often, "hourly") == 0,
         daily = often != NULL && strcasecmp(often, "daily") == 0;

    if (r->to->kind == SPEC_CREDE_BACKFILL) {
        r->to->hours = spec_get_count(r, "", o, "TIME_RANGE_HOURS", 876000);
        if (often != NULL)
            spec_error(r, "FREQUENCY", "two configs", "a backfill runs once: TIME_RANGE_HOURS or FREQUENCY");
        else if (r->to->hours > 0)
            spec_note(r, "TIME_RANGE_HOURS", "orch extract %s --hours %lld looks back so far", r->to->name,
                      (long long)r->to->hours);
        else if (json_is_null(json_object_get(o, "TIME_RANGE_HOURS")))
            spec_error(r, "TIME_RANGE_HOURS", NULL, "it is null");
    } else if (hourly || daily) {
        json_object_set_new(r->extract, "schedule",
                            json_string(hourly ? "cron(0 * * * ? *)" : "cron(0 0 * * ? *)"));
    } else if (often != NULL) {
        spec_error(r, "FREQUENCY", "hourly or daily; any other time: schedule in orch.json",
                   "'%.40s' is not known", often);
    } else {
        spec_error(r, "FREQUENCY", "hourly or daily", "it is missing");
    }
}

static void read_delimiter(struct spec_reading *r, const json_t *o)
{
    const char *text = spec_get_text(r, "CSV_DELIM", o, "CSV_DELIM");
    char one[2] = ",";

    if (text == NULL || strcmp(text, ",") == 0)
        return;
    if (strcmp(text, "\\t") == 0 || strcasecmp(text, "tab") == 0)
        one[0] = '\t';
    else if (strlen(text) == 1 && strchr("\"\r\n", *text) == NULL)
        one[0] = *text;
    else {
        spec_error(r, "CSV_DELIM", "one ASCII character, no quote and no line end",
                   "it is not one character");
        return;
    }
    json_object_set_new(r->extract, "delimiter", json_string(one));
}

void spec_crede(struct spec_reading *r, const json_t *o)
{
    static const char *const keys[] = {"MYSQL_HOST",       "MYSQL_PORT", "MYSQL_USERNAME",
                                       "MYSQL_PASSWORD",   "TABLE_SPEC", "FREQUENCY",
                                       "TIME_RANGE_HOURS", "S3_BUCKET",  "OUTPUT_FOLDER_LOCATION",
                                       "CSV_DELIM",        NULL};

    spec_known(r, "", o, keys);
    const char *database = read_tables(r, json_object_get(o, "TABLE_SPEC"));
    const struct spec_server server = {.host = spec_get_text(r, "", o, "MYSQL_HOST"),
                                       .user = spec_get_text(r, "", o, "MYSQL_USERNAME"),
                                       .password = spec_get_text(r, "", o, "MYSQL_PASSWORD"),
                                       .port = spec_get_count(r, "", o, "MYSQL_PORT", 65535),
                                       .database = database};
    const char *bucket = spec_get_text(r, "", o, "S3_BUCKET"),
               *folder = spec_get_text(r, "", o, "OUTPUT_FOLDER_LOCATION");

    const char *task = json_string_value(json_object_get(json_array_get(r->tables, 0), "name"));
    r->to->name = spec_name(r, "",
                            json_array_size(r->tables) > 1 && database != NULL ? database
                            : task != NULL                                     ? task
                                                                               : "crede");
    json_object_set_new(r->extract, "task", json_string(r->to->name));
    spec_database(r, &server);
    if (bucket != NULL)
        spec_bucket(r, "S3_BUCKET", bucket);
    else
        spec_error(r, "S3_BUCKET", NULL, "it is missing");
    spec_prefix(r, "OUTPUT_FOLDER_LOCATION", folder != NULL ? folder : "");
    read_time(r, o);
    json_object_set_new(r->extract, "format", json_string("csv"));
    json_object_set_new(r->extract, "compress", json_string("gzip"));
    read_delimiter(r, o);
    json_object_set_new(r->extract, "path", json_string("{table}_{epoch}[_{part}]"));
}

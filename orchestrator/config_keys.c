#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/config_int.h"
#include <stdarg.h>

static const struct key connection_keys[] = {
    {"url", KEY_TEXT, false, true, NULL, NULL, NULL, NULL,
     "s3://bucket/prefix/, file://folder/, mysql://user@host:3306/database, sqlite:file or "
     "https://host/path/"},
    {"region", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "S3: the bucket's region; null: AWS_REGION, the profile's"},
    {"endpoint", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "S3: another server, such as http://127.0.0.1:9000"},
    {"path_style", KEY_BOOL, false, false, "false", NULL, NULL, NULL,
     "S3: bucket in the path, not in the host name"},
    {"profile", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "S3: profile in ~/.aws; null: AWS_PROFILE, else default"},
    {"ca_file", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "PEM file of the authority to trust; null: the system's"},
    {"password_file", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "MySQL: file of mode 0600 that holds the password"},
    {"password_env", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "MySQL: environment variable that holds it"},
    {"password_credential", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "MySQL: name of the systemd credential that holds it, in $CREDENTIALS_DIRECTORY"},
    {"option_file", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "MySQL: my.cnf form, groups [client] and [orch]"},
    {"tls", KEY_CHOICE, false, false, "\"verify\"", "off|prefer|require|verify", NULL, NULL,
     "MySQL: verify checks certificate and host name"},
    {"token_file", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "HTTP: file of mode 0600 with the token that orch-http sends"},
    {"token_env", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "HTTP: environment variable that holds it"},
    {"token_credential", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "HTTP: name of the systemd credential that holds it, in $CREDENTIALS_DIRECTORY"},
    {"token_header", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "HTTP: header that is the token; null: Authorization: Bearer TOKEN"},
    {0},
};
const struct key config_owner_keys[] = {
    {"name", KEY_TEXT, false, false, "\"\"", NULL, NULL, NULL, "who answers for the data"},
    {"email", KEY_TEXT, false, false, "\"\"", NULL, NULL, NULL,
     "gets the alerts of the pipeline by mail; shown by status"},
    {0},
};
static const struct key source_keys[] = {
    {"connection", KEY_TEXT, false, true, NULL, NULL, NULL, NULL, "name in connections"},
    {"prefix", KEY_TEXT, false, false, "\"\"", NULL, NULL, NULL, "under the connection's URL"},
    {"period", KEY_CHOICE, false, false, "\"hour\"", "hour|day", NULL, NULL, "length of a partition, UTC"},
    {"layout", KEY_TEXT, false, false, "\"yyyy=%Y/mm=%m/dd=%d/hh=%H/\"", NULL, NULL, NULL,
     "strftime form of a partition's prefix"},
    {"include", KEY_TEXTS, false, false, "[\"*.csv\", \"*.csv.gz\", \"*.csv.zst\"]", NULL, NULL, NULL,
     "glob patterns; what they leave out is counted by status"},
    {"since", KEY_TEXT, false, true, NULL, NULL, NULL, NULL,
     "first partition: 2022-06-05T00, or 2022-06-05 by day"},
    {"until", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "last partition, itself included; null: goes on"},
    {"settle", KEY_DURATION, false, false, "\"60s\"", NULL, NULL, NULL,
     "rest after a partition's end and after its youngest object"},
    {"late_after", KEY_DURATION, false, false, "\"1h\"", NULL, NULL, NULL,
     "no object so long after it was due: LATE"},
    {"lookback", KEY_DURATION, false, false, "\"72h\"", NULL, NULL, NULL,
     "settled partitions listed each time; all of them once a day"},
    {"allow_empty", KEY_BOOL, false, false, "false", NULL, NULL, NULL, "a partition without objects is well"},
    {"manifest", KEY_CHOICE, false, false, "\"none\"", "none|orch", NULL, NULL,
     "orch: only what the manifest of an extract lists is loaded, and held against it"},
    {"on_overwrite", KEY_CHOICE, false, false, "\"replace\"", "replace|refuse", NULL, NULL,
     "an object that changed after it was loaded"},
    {0},
};
static const struct key csv_keys[] =
    CONFIG_CSV_KEYS("true", "the first record names the columns", "[\"NA\", \"\"]",
                    "unquoted texts that mean NULL; the empty one not in text columns");
static const struct key column_keys[] = {
    {"to", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "target column; null: the same name"},
    {"null", KEY_TEXTS, true, false, NULL, NULL, NULL, NULL,
     "this column's own list of texts that mean NULL"},
    {"format", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "strptime form of its dates; null: ISO 8601"},
    {"decimal", KEY_CHOICE, false, false, "\".\"", ".|,", NULL, NULL, "decimal sign of its numbers"},
    {"group", KEY_CHAR, true, false, NULL, NULL, NULL, NULL,
     "sign between the thousands of its numbers; null: there is none"},
    {"binary", KEY_CHOICE, true, false, NULL, "raw|hex|base64", NULL, NULL,
     "how it is written, of a BINARY, BLOB or BIT column; null: as csv.binary says"},
    {"type", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "SQL type where orch makes the table"},
    {0},
};
static const struct key target_keys[] = {
    {"connection", KEY_TEXT, false, true, NULL, NULL, NULL, NULL, "name in connections"},
    {"table", KEY_TEXT, false, true, NULL, NULL, NULL, NULL, "table, or database.table"},
    {"create", KEY_BOOL, false, false, "false", NULL, NULL, NULL,
     "init and target setup make the table when missing"},
    {"lineage", KEY_CHOICE, false, false, "\"columns\"", "columns|none", NULL, NULL,
     "none: append only, no replay, unverifiable"},
    {"mode", KEY_CHOICE, false, false, "\"append\"", "append|upsert", NULL, NULL,
     "upsert: a row replaces the one of its key"},
    {"key", KEY_TEXTS, false, false, "[]", NULL, NULL, NULL,
     "columns of the unique key that upsert goes by; empty: the primary key"},
    {"drift", KEY_CHOICE, false, false, "\"fail\"", "fail|ignore-extra|null-missing|add-columns", NULL, NULL,
     "header and table differ"},
    {"replicas", KEY_TEXTS, false, false, "[]", NULL, NULL, NULL,
     "names in connections: replicas of the database, for max_replica_lag"},
    {0},
};
static const struct key rejects_keys[] = {
    {"table", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "a table of the target database for a copy of them; null: none"},
    {0},
};
static const struct key small_keys[] = {
    {"drop", KEY_BUDGET, false, false, "\"50%\"", NULL, NULL, NULL,
     "a partition with so much fewer rows than its like is SMALL: a percentage"},
    {"weeks", KEY_INT, false, false, "8", NULL, NULL, NULL,
     "its like: the same hour of so many weeks before, 4 to 16"},
    {0},
};
static const struct key pipeline_keys[] = {
    {"workflow", KEY_TEXT, false, false, "\"ingest\"", NULL, NULL, NULL,
     "a shipped one by name, or a file *.json"},
    {"schedule", KEY_TEXT, false, false, "\"cron(0/5 * * * ? *)\"", NULL, NULL, NULL,
     "EventBridge cron(...) or rate(...), or five crontab fields: when to look"},
    {"timezone", KEY_TEXT, false, false, "\"UTC\"", NULL, NULL, NULL,
     "of the schedule: an IANA name, such as Europe/Berlin; partitions are always UTC"},
    {"owner", KEY_OBJECT, false, false, NULL, NULL, NULL, config_owner_keys, "who answers for the data"},
    {"source", KEY_OBJECT, false, true, NULL, NULL, NULL, source_keys, "where files come from"},
    {"csv", KEY_OBJECT, false, false, NULL, NULL, NULL, csv_keys, "what the files look like"},
    {"columns", KEY_COLUMNS, false, false, NULL, NULL, NULL, column_keys,
     "header name (or field number where header is false): null drops it, a text renames it"},
    {"constants", KEY_TEXT_MAP, false, false, NULL, NULL, NULL, NULL,
     "target column: the value that all rows of a file get, with {partition}, {key}, {file}, {loaded} in it"},
    {"target", KEY_OBJECT, false, true, NULL, NULL, NULL, target_keys, "where rows go"},
    {"job_bytes", KEY_SIZE, false, false, "\"1GiB\"", NULL, NULL, NULL,
     "files of a partition beyond this make job #2"},
    {"chunk_bytes", KEY_SIZE, false, false, "\"256MiB\"", NULL, NULL, NULL,
     "an object larger than this is loaded in chunks, each a transaction, and goes on where it stopped"},
    {"publish", KEY_CHOICE, false, false, "\"whole\"", "whole|chunks", NULL, NULL,
     "an object in chunks is seen when it is whole (it waits in a staging table), or chunk by chunk"},
    {"parallel", KEY_INT, false, false, "1", NULL, NULL, NULL,
     "connections to the target at a time, 1 to 8: for several files of a job, and for chunks of a large "
     "one"},
    {"verify", KEY_CHOICE, false, false, "\"sums\"", "count|sums|full", NULL, NULL, "before each COMMIT"},
    {"max_rejects", KEY_BUDGET, false, false, "\"0\"", NULL, NULL, NULL,
     "rejects a file may have: 10, or \"5%\""},
    {"rejects", KEY_OBJECT, false, false, NULL, NULL, NULL, rejects_keys, "what is kept of them"},
    {"max_rate", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "how fast files are loaded at most: \"10MiB/s\" or \"50000 rows/s\"; null: as fast as it goes"},
    {"max_replica_lag", KEY_DURATION, true, false, NULL, NULL, NULL, NULL,
     "loads wait while one of target.replicas is further behind; null: they never do"},
    {"max_attempts", KEY_INT, false, false, "5", NULL, NULL, NULL,
     "faults of data or rules before a job is DEAD"},
    {"small", KEY_OBJECT, true, false, "{}", NULL, NULL, small_keys,
     "when a partition is much smaller than its like; null: never"},
    {0},
};
static const struct key mail_keys[] = {
    {"url", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "smtp://host:587, or smtps://host:465; null: no mail"},
    {"from", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "the sender's address"},
    {"to", KEY_TEXTS, false, false, "[]", NULL, NULL, NULL,
     "addresses that get every trouble; a pipeline's owner.email gets those of the pipeline"},
    {"tls", KEY_CHOICE, false, false, "\"starttls\"", "starttls|off", NULL, NULL,
     "smtp://: starttls is demanded, or off; smtps:// always is TLS"},
    {"user", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "to log in with; null: no login"},
    {"password_file", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "file of mode 0600 that holds the password"},
    {"password_env", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "environment variable that holds it"},
    {"password_credential", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "name of the systemd credential that holds it, in $CREDENTIALS_DIRECTORY"},
    {"ca_file", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "PEM file of the authority to trust; null: the system's"},
    {0},
};
static const struct key webhook_keys[] = {
    {"url", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "gets a POST of JSON; null: none"},
    {"secret_file", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "file of mode 0600: key of the signature in X-Orch-Signature"},
    {"secret_env", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "environment variable that holds it"},
    {"secret_credential", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "name of the systemd credential that holds it, in $CREDENTIALS_DIRECTORY"},
    {"ca_file", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "PEM file of the authority to trust; null: the system's"},
    {0},
};
static const struct key ping_keys[] = {
    {"url", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "dead-man's switch in the form of healthchecks: URL/start, URL/EXIT; null: none"},
    {"start", KEY_BOOL, false, false, "true", NULL, NULL, NULL, "also at the start of a tick"},
    {"ca_file", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "PEM file of the authority to trust; null: the system's"},
    {0},
};
static const struct key alerts_keys[] = {
    {"renotify", KEY_DURATION, false, false, "\"6h\"", NULL, NULL, NULL,
     "a trouble that lasts is said again after"},
    {"command", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "run by /bin/sh -c with the troubles as JSON on stdin"},
    {"backfill_after", KEY_DURATION, false, false, "\"7d\"", NULL, NULL, NULL,
     "LATE and FAILED of partitions that ended so long ago are one line, not many alerts"},
    {"timeout", KEY_DURATION, false, false, "\"30s\"", NULL, NULL, NULL,
     "what one message may take; a ping at most 10 s"},
    {"mail", KEY_OBJECT, true, false, NULL, NULL, NULL, mail_keys, "troubles by mail"},
    {"webhook", KEY_OBJECT, true, false, NULL, NULL, NULL, webhook_keys, "troubles by HTTP"},
    {"ping", KEY_OBJECT, true, false, NULL, NULL, NULL, ping_keys, "a sign of life of each tick"},
    {0},
};
static const struct key tick_keys[] = {
    {"linger", KEY_DURATION, false, false, "\"60s\"", NULL, NULL, NULL, "longest wait of a tick for a retry"},
    {0},
};
static const struct key tasks_keys[] = {
    {"environment", KEY_TEXTS, false, false, "[\"PATH\", \"HOME\", \"LANG\", \"TZ\"]", NULL, NULL, NULL,
     "variables of ours that a command of a workflow gets; nothing else"},
    {0},
};
static const struct key metrics_keys[] = {
    {"textfile", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "written at the end of each tick: a folder (orch.prom in it), or a file that ends in .prom; null: none"},
    {0},
};
static const struct key retention_keys[] = {
    {"idle", KEY_DURATION, false, false, "\"1d\"", NULL, NULL, NULL, "executions that found nothing to do"},
    {"executions", KEY_DURATION, false, false, "\"90d\"", NULL, NULL, NULL, "the others"},
    {0},
};
static const struct key workflow_keys[] = {
    {"definition", KEY_TEXT, false, true, NULL, NULL, NULL, NULL, "a file *.json in Amazon States Language"},
    {"resource_map", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "a file that binds its resources that are no steps of orch to steps; null: none"},
    {0},
};
const struct key config_root_keys[] = {
    {"$schema", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "for editors; not read"},
    {"state", KEY_TEXT, false, false, "\"orch.db\"", NULL, NULL, NULL, "the state file, on a local disk"},
    {"connections", KEY_MAP, false, true, NULL, NULL, NULL, connection_keys, "servers and folders by name"},
    {"pipelines", KEY_MAP, false, false, NULL, NULL, NULL, pipeline_keys, "files into databases, by name"},
    {"extracts", KEY_MAP, false, false, NULL, NULL, NULL, config_extract_keys,
     "databases into files, by name"},
    {"workflows", KEY_MAP, false, false, NULL, NULL, NULL, workflow_keys,
     "definitions of your own, which orch start starts by name"},
    {"tables", KEY_MAP, false, false, NULL, NULL, NULL, config_table_keys,
     "the data dictionary: tables that take rows from orch load and orch serve, by name"},
    {"alerts", KEY_OBJECT, false, false, NULL, NULL, NULL, alerts_keys, "how troubles are said"},
    {"tick", KEY_OBJECT, false, false, NULL, NULL, NULL, tick_keys, "the tick"},
    {"tasks", KEY_OBJECT, false, false, NULL, NULL, NULL, tasks_keys, "orch-command of workflows"},
    {"retention", KEY_OBJECT, false, false, NULL, NULL, NULL, retention_keys, "how long history is kept"},
    {"metrics", KEY_OBJECT, false, false, NULL, NULL, NULL, metrics_keys, "figures for Prometheus"},
    {"serve", KEY_OBJECT, false, false, NULL, NULL, NULL, config_serve_keys, "orch serve"},
    {0},
};

void fault_add(struct faults *f, const char *where, const char *fmt, ...)
{
    char text[1200], shown[400], clean[1300];
    struct err ignored;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    str_printable(where, strlen(where), shown, sizeof shown);
    str_printable(text, strlen(text), clean, sizeof clean);
    f->count++;
    /* a full buffer drops the rest: the count still tells */
    err_ignore(buf_addf(f->text, &ignored, "%s%s%s\n", shown, *shown != '\0' ? ": " : "", clean));
}

static json_t *fallback_of(const struct key *k, const char *where, struct faults *f)
{
    struct err err;
    json_t *v = NULL;

    if (k->kind == KEY_OBJECT)
        return config_normalise(NULL, k->sub, where, f);
    if (k->kind == KEY_MAP || k->kind == KEY_COLUMNS || k->kind == KEY_TEXT_MAP)
        return json_object();
    if (k->kind == KEY_LIST)
        return json_array();
    if (k->fallback == NULL)
        return json_null();
    if (json_parse(k->fallback, strlen(k->fallback), k->name, &v, &err) < 0)
        return json_null();
    return v;
}

static bool in_list(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = list; p != NULL && *p != '\0'; p += strcspn(p, "|"), p += *p == '|')
        if (strcspn(p, "|") == n && memcmp(p, word, n) == 0)
            return true;
    return false;
}

static bool choice_fits(const struct key *k, const json_t *v, const char *where, struct faults *f)
{
    char number[32], listed[200];
    const char *word = json_string_value(v);
    bool of_kind = json_is_integer(v) == (k->fallback[0] != '"');
    size_t o = 0;

    if (json_is_integer(v)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(v));
        word = number;
    }
    if (word != NULL && of_kind) {
        if (in_list(k->choices, word))
            return true;
        bool plausible = json_is_string(v) || json_integer_value(v) > 1;
        if (k->later != NULL && plausible && (strcmp(k->later, "*") == 0 || in_list(k->later, word))) {
            fault_add(f, where, "'%s' is not there yet: this version of orch knows only %s", word,
                      k->choices);
            return false;
        }
    } else {
        word = json_kind(v);
    }
    for (const char *p = k->choices; *p != '\0' && o + 8 < sizeof listed; p++) {
        if (*p == '|')
            o += (size_t)snprintf(listed + o, sizeof listed - o, ", ");
        else
            listed[o++] = *p;
    }
    listed[o] = '\0';
    fault_add(f, where, of_kind && json_is_string(v) ? "'%s' is none of: %s" : "%s is none of: %s", word,
              listed);
    return false;
}

static bool texts_fit(const json_t *v, const char *where, struct faults *f)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(v)) {
        fault_add(f, where, "%s where a list of texts is expected", json_kind(v));
        return false;
    }
    if (json_array_size(v) > MAX_TOKEN_SET) {
        fault_add(f, where, "more than %d entries", MAX_TOKEN_SET);
        return false;
    }
    json_array_foreach(v, i, item) {
        if (!json_is_string(item)) {
            fault_add(f, where, "entry %zu is %s where a text is expected", i + 1, json_kind(item));
            return false;
        }
    }
    return true;
}

/* Text of a form of its own: duration, size, one byte, reject budget. */
static bool form_fits(const struct key *k, const json_t *v, const char *where, struct faults *f)
{
    const char *s = json_string_value(v);
    struct err err;
    int64_t n = 0;
    int rc = 0;

    if (k->kind == KEY_CHAR) {
        if (s == NULL || json_string_length(v) != 1 || (unsigned char)s[0] >= 0x80 || strchr("\r\n", s[0])) {
            fault_add(f, where, "exactly one ASCII character is expected, no line end");
            return false;
        }
        return true;
    }
    if ((k->kind == KEY_SIZE || k->kind == KEY_BUDGET) && json_is_integer(v)) {
        if (json_integer_value(v) < 0)
            fault_add(f, where, "a number below 0");
        return json_integer_value(v) >= 0;
    }
    if (s == NULL) {
        fault_add(f, where, "%s where a %s is expected", json_kind(v),
                  k->kind == KEY_DURATION ? "duration such as \"60s\""
                  : k->kind == KEY_SIZE   ? "size such as \"1GiB\""
                                          : "number or a percentage such as \"5%\"");
        return false;
    }
    double percent;
    if (k->kind == KEY_DURATION)
        rc = str_to_duration_ms(str_of(s), &n, &err);
    else if (k->kind == KEY_SIZE)
        rc = str_to_bytes(str_of(s), &n, &err);
    else
        rc = config_budget(s, &n, &percent, &err);
    if (rc < 0)
        fault_add(f, where, "%s", err.msg);
    return rc >= 0;
}

static bool plain_fits(const struct key *k, const json_t *v, const char *where, struct faults *f)
{
    const char *want = k->kind == KEY_TEXT   ? "a text"
                       : k->kind == KEY_BOOL ? "true or false"
                                             : "a whole number";

    if (k->kind == KEY_TEXT && json_is_string(v)) {
        if (strlen(json_string_value(v)) != json_string_length(v)) {
            fault_add(f, where, "a NUL byte in a text");
            return false;
        }
        return true;
    }
    if (k->kind == KEY_BOOL ? json_is_boolean(v) : k->kind == KEY_INT && json_is_integer(v)) {
        if (k->kind == KEY_INT && (json_integer_value(v) < 1 || json_integer_value(v) > 100000000)) {
            fault_add(f, where, "%lld is outside 1 to 100000000", (long long)json_integer_value(v));
            return false;
        }
        return true;
    }
    fault_add(f, where, "%s where %s is expected", json_kind(v), want);
    return false;
}

static json_t *named(const json_t *given, const struct key *k, const char *where, struct faults *f)
{
    json_t *out = json_object(), *item;
    const char *name;

    if (!json_is_object(given)) {
        fault_add(f, where, "%s where an object is expected", json_kind(given));
        return out;
    }
    json_object_foreach((json_t *)(uintptr_t)given, name, item) {
        if (strcmp(name, "$comment") == 0)
            continue;
        char *path = xasprintf("%s.%s", where, name);
        if (k->kind == KEY_TEXT_MAP && !json_is_string(item))
            fault_add(f, path, "%s where a text is expected", json_kind(item));
        else if (k->kind == KEY_TEXT_MAP ||
                 (k->kind == KEY_COLUMNS && (json_is_null(item) || json_is_string(item))))
            json_object_set(out, name, item);
        else if (k->kind == KEY_COLUMNS && !json_is_object(item))
            fault_add(f, path, "%s where null, a column's name or an object is expected", json_kind(item));
        else
            json_object_set_new(out, name, config_normalise(item, k->sub, path, f));
        free(path);
    }
    return out;
}

static json_t *listed(const json_t *given, const struct key *k, const char *where, struct faults *f)
{
    json_t *out = json_array(), *item;
    size_t i;

    if (!json_is_array(given))
        fault_add(f, where, "%s where a list of objects is expected", json_kind(given));
    else if (json_array_size(given) > MAX_TOKEN_SET)
        fault_add(f, where, "more than %d entries", MAX_TOKEN_SET);
    else
        json_array_foreach(given, i, item) {
            char *path = xasprintf("%s[%zu]", where, i);
            json_array_append_new(out, config_normalise(item, k->sub, path, f));
            free(path);
        }
    return out;
}

static bool value_fits(const json_t *v, const char *where, struct faults *f)
{
    const json_t *item;
    size_t i;
    bool fits = true;

    if (json_is_array(v) && json_array_size(v) <= MAX_TOKEN_SET) {
        json_array_foreach(v, i, item)
            fits = fits && (json_is_string(item) || json_is_number(item));
    } else
        fits = json_is_string(v) || json_is_number(v);
    if (!fits)
        fault_add(f, where, "%s where a text, a number or a list of them is expected", json_kind(v));
    return fits;
}

static json_t *member(const json_t *v, const struct key *k, const char *where, struct faults *f)
{
    bool fits = false;

    if (json_is_null(v) && k->may_be_null)
        return json_null();
    switch (k->kind) {
    case KEY_OBJECT:
        return config_normalise(v, k->sub, where, f);
    case KEY_MAP:
    case KEY_COLUMNS:
    case KEY_TEXT_MAP:
        return named(v, k, where, f);
    case KEY_LIST:
        return listed(v, k, where, f);
    case KEY_VALUE:
        fits = value_fits(v, where, f);
        break;
    case KEY_TEXT:
    case KEY_BOOL:
    case KEY_INT:
        fits = plain_fits(k, v, where, f);
        break;
    case KEY_TEXTS:
        fits = texts_fit(v, where, f);
        break;
    case KEY_CHOICE:
        fits = choice_fits(k, v, where, f);
        break;
    case KEY_DURATION:
    case KEY_SIZE:
    case KEY_CHAR:
    case KEY_BUDGET:
        fits = form_fits(k, v, where, f);
        break;
    }
    return fits ? json_deep_copy(v) : fallback_of(k, where, f);
}

static void unknown_keys(const json_t *given, const struct key *keys, const char *where, struct faults *f)
{
    const char *names[40], *name;
    size_t count = 0;
    json_t *item;

    for (const struct key *k = keys; k->name != NULL && count < ARRAY_LEN(names) - 1; k++)
        names[count++] = k->name;
    names[count] = NULL;
    json_object_foreach((json_t *)(uintptr_t)given, name, item) {
        const struct key *k = keys;
        while (k->name != NULL && strcmp(k->name, name) != 0)
            k++;
        if (k->name != NULL || strcmp(name, "$comment") == 0)
            continue;
        const char *near = str_nearest(name, names);
        if (near != NULL)
            fault_add(f, where, "unknown key '%s'; the nearest is '%s'", name, near);
        else
            fault_add(f, where, "unknown key '%s'", name);
    }
}

json_t *config_normalise(const json_t *given, const struct key *keys, const char *where, struct faults *f)
{
    json_t *out = json_object();

    if (given != NULL && !json_is_object(given))
        fault_add(f, where, "%s where an object is expected", json_kind(given));
    else if (given != NULL)
        unknown_keys(given, keys, where, f);
    for (const struct key *k = keys; k->name != NULL; k++) {
        const json_t *v = json_object_get(given, k->name);
        char *path = *where != '\0' ? xasprintf("%s.%s", where, k->name) : xstrdup(k->name);
        if (v == NULL && k->required && given != NULL && json_is_object(given))
            fault_add(f, path, "missing");
        /* what a missing object would need itself is not said again */
        struct buf unheard = BUF_INIT(64 * KIB);
        struct faults quiet = {&unheard, 0};
        json_object_set_new(out, k->name, v != NULL ? member(v, k, path, f) : fallback_of(k, path, &quiet));
        buf_release(&unheard);
        free(path);
    }
    return out;
}

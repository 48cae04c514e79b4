#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cron/cronexpr.h"
#include "orchestrator/config_int.h"
#include "workflows.h"

enum scheme { SCHEME_BAD, SCHEME_S3, SCHEME_FILE, SCHEME_MYSQL, SCHEME_SQLITE };

struct connection {
    const char *name, *url, *password;
    const json_t *keys;
    enum scheme scheme;
};
struct filling {
    struct config *c;
    struct faults *f;
    struct connection *connections; /* arena */
    size_t connection_count;
};

const char *config_keep(const struct config *c, const char *s)
{
    return s != NULL ? arena_strndup(c->arena, s, strlen(s)) : NULL;
}

const char *config_text(const struct config *c, const json_t *o, const char *key)
{
    return config_keep(c, json_string_value(json_object_get(o, key)));
}

/* For texts that must be there: a missing one has been said. */
static const char *need(const struct config *c, const json_t *o, const char *key)
{
    const char *s = config_text(c, o, key);
    return s != NULL ? s : "";
}

int64_t config_duration(const json_t *o, const char *key)
{
    struct err err;
    int64_t ms = 0;

    err_ignore(str_to_duration_ms(str_of(json_string_value(json_object_get(o, key))), &ms, &err));
    return ms;
}

static bool is(const json_t *o, const char *key, const char *value)
{
    return strcmp(json_string_value(json_object_get(o, key)), value) == 0;
}

const char *const *config_texts(const struct config *c, const json_t *list)
{
    size_t n = json_array_size(list);
    const char **out;

    if (!json_is_array(list))
        return NULL;
    out = arena_alloc(c->arena, (n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = config_keep(c, json_string_value(json_array_get(list, i)));
    out[n] = NULL;
    return out;
}

static const char *resolved(const struct config *c, const char *before, const char *path, const char *after)
{
    char *joined = fs_join(c->dir, path);
    char *whole = xasprintf("%s%s%s", before, joined, str_ends(joined, "/") ? "" : after);
    const char *kept = config_keep(c, whole);

    free(whole);
    free(joined);
    return kept;
}

const char *config_path(const struct config *c, const json_t *o, const char *key)
{
    const char *s = config_text(c, o, key);
    return s != NULL ? resolved(c, "", s, "") : NULL;
}

static void check_mysql_url(const char *url, const char *where, struct faults *f)
{
    const char *rest = url + strlen("mysql://"), *slash = strchr(rest, '/');
    const char *end = slash != NULL ? slash : rest + strlen(rest), *at = NULL;

    for (const char *p = rest; p < end; p++)
        if (*p == '@')
            at = p;
    if (at != NULL && memchr(rest, ':', (size_t)(at - rest)) != NULL)
        fault_add(f, where,
                  "a password in a URL ends up in logs and listings; use password_file, password_env or "
                  "option_file");
    if (slash == NULL || slash[1] == '\0')
        fault_add(f, where, "the database is missing: mysql://user@host:3306/database");
}

static void connection_url(struct filling *g, struct connection *n, const char *where)
{
    const char *url = need(g->c, n->keys, "url");

    n->url = url;
    n->scheme = SCHEME_BAD;
    if (str_starts(url, "s3://")) {
        n->scheme = SCHEME_S3;
        if (url[5] == '\0' || url[5] == '/')
            fault_add(g->f, where, "the bucket is missing: s3://bucket/prefix/");
    } else if (str_starts(url, "file://")) {
        n->scheme = SCHEME_FILE;
        n->url = resolved(g->c, "file://", url + 7, "/");
    } else if (str_starts(url, "mysql://")) {
        n->scheme = SCHEME_MYSQL;
        check_mysql_url(url, where, g->f);
    } else if (str_starts(url, "sqlite:")) {
        const char *path = url + 7;
        n->scheme = SCHEME_SQLITE;
        if (*path == '\0' || str_starts(path, "//") || str_starts(path, ":memory:"))
            fault_add(g->f, where, "a file is expected: sqlite:folder/name.db");
        n->url = resolved(g->c, "sqlite:", path, "");
        if (strcmp(n->url + 7, g->c->state) == 0)
            fault_add(g->f, where, "the target must not be orch's own state file");
    } else if (*url != '\0') {
        fault_add(g->f, where, "'%s' starts with none of s3://, file://, mysql://, sqlite:", url);
    }
}

static enum scheme scheme_of(const char *url)
{
    return str_starts(url, "s3://")      ? SCHEME_S3
           : str_starts(url, "file://")  ? SCHEME_FILE
           : str_starts(url, "mysql://") ? SCHEME_MYSQL
           : str_starts(url, "sqlite:")  ? SCHEME_SQLITE
                                         : SCHEME_BAD;
}

/* Keys that only some kinds of connection have. */
static const struct {
    const char *key;
    enum scheme a, b;
} special[] = {
    {"region", SCHEME_S3, SCHEME_S3},
    {"endpoint", SCHEME_S3, SCHEME_S3},
    {"path_style", SCHEME_S3, SCHEME_S3},
    {"profile", SCHEME_S3, SCHEME_S3},
    {"ca_file", SCHEME_S3, SCHEME_MYSQL},
    {"password_file", SCHEME_MYSQL, SCHEME_MYSQL},
    {"password_env", SCHEME_MYSQL, SCHEME_MYSQL},
    {"password_credential", SCHEME_MYSQL, SCHEME_MYSQL},
    {"option_file", SCHEME_MYSQL, SCHEME_MYSQL},
    {"tls", SCHEME_MYSQL, SCHEME_MYSQL},
};

bool config_applies(const char *url, const char *key)
{
    enum scheme scheme = scheme_of(url);

    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        if (strcmp(special[i].key, key) == 0)
            return scheme == special[i].a || scheme == special[i].b;
    return true;
}

/* A key that has no effect is a mistake that nobody notices. */
static void ineffective(struct filling *g, const struct connection *n, const json_t *given, const char *where)
{
    if (n->scheme == SCHEME_BAD)
        return;
    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        const json_t *v = json_object_get(given, special[i].key);
        if (v != NULL && !json_is_null(v) && !json_is_false(v) && !config_applies(n->url, special[i].key))
            fault_add(g->f, where, "'%s' has no effect on this kind of connection", special[i].key);
    }
}

/* The secret is wiped where it was read. rc: of the reading. */
static const char *taken(const struct config *c, char *secret, int rc, const struct err *why, const char *key,
                         const char *where, struct faults *f)
{
    if (rc < 0) {
        fault_add(f, where, "%s: %s%s%s%s", key, why->msg, why->hint[0] != '\0' ? " (hint: " : "", why->hint,
                  why->hint[0] != '\0' ? ")" : "");
        return NULL;
    }
    const char *kept = config_keep(c, secret);
    explicit_bzero(secret, strlen(secret));
    free(secret);
    return kept;
}

const char *config_secret(const struct config *c, const json_t *o, const char *what, const char *where,
                          struct faults *f)
{
    char file_key[40], env_key[40], credential_key[40], *secret = NULL;
    struct err err;

    snprintf(file_key, sizeof file_key, "%s_file", what);
    snprintf(env_key, sizeof env_key, "%s_env", what);
    snprintf(credential_key, sizeof credential_key, "%s_credential", what);
    const char *file = config_path(c, o, file_key), *env = config_text(c, o, env_key);
    const char *credential = config_text(c, o, credential_key), *dir = config_env("CREDENTIALS_DIRECTORY");
    if ((file != NULL) + (env != NULL) + (credential != NULL) > 1) {
        fault_add(f, where, "%s, %s and %s: one of them", file_key, env_key, credential_key);
        return NULL;
    }
    if (file != NULL) {
        int rc = fs_read_secret(file, &secret, &err);
        return taken(c, secret, rc, &err, file_key, where, f);
    }
    if (credential != NULL && (dir != NULL || credential[0] == '\0' || strchr(credential, '/') != NULL)) {
        int rc = fs_read_credential(dir, credential, &secret, &err);
        return taken(c, secret, rc, &err, credential_key, where, f);
    }
    const char *kept = env != NULL ? config_keep(c, config_env(env)) : NULL;
    if (env != NULL && kept == NULL)
        fault_add(f, where, "%s: the environment has no %s", env_key, env);
    return kept;
}

static void fill_connections(struct filling *g, const json_t *root, bool secrets)
{
    const json_t *given = json_object_get(g->c->root, "connections");
    json_t *all = json_object_get(root, "connections"), *item;
    const char *name;

    g->connections = arena_alloc(g->c->arena, (json_object_size(all) + 1) * sizeof *g->connections);
    json_object_foreach(all, name, item) {
        struct connection *n = &g->connections[g->connection_count++];
        char *where = xasprintf("connections.%s", name);
        *n = (struct connection){.name = config_keep(g->c, name), .keys = item};
        connection_url(g, n, where);
        ineffective(g, n, json_object_get(given, name), where);
        if (secrets)
            n->password = config_secret(g->c, n->keys, "password", where, g->f);
        free(where);
    }
}

static const struct connection *connection(struct filling *g, const json_t *part, const char *where,
                                           bool source)
{
    const char *name = json_string_value(json_object_get(part, "connection"));
    const char **names;

    if (name == NULL)
        return NULL; /* missing: said */
    for (size_t i = 0; i < g->connection_count; i++) {
        const struct connection *n = &g->connections[i];
        if (strcmp(n->name, name) != 0)
            continue;
        bool is_source = n->scheme == SCHEME_S3 || n->scheme == SCHEME_FILE;
        if (n->scheme != SCHEME_BAD && is_source != source)
            fault_add(g->f, where, "connection '%s' is a %s, a %s is expected", name,
                      is_source ? "source (s3://, file://)" : "database", source ? "source" : "database");
        return n;
    }
    names = arena_alloc(g->c->arena, (g->connection_count + 1) * sizeof *names);
    for (size_t i = 0; i < g->connection_count; i++)
        names[i] = g->connections[i].name;
    names[g->connection_count] = NULL;
    const char *near = str_nearest(name, names);
    fault_add(g->f, where, near != NULL ? "no connection '%s'; the nearest is '%s'" : "no connection '%s'",
              name, near);
    return NULL;
}

static void source_connection(const struct config *c, const struct connection *n, struct source_config *s)
{
    const struct {
        const char *name, **to;
    } env[] = {{"AWS_ACCESS_KEY_ID", &s->env.access_key_id},
               {"AWS_SECRET_ACCESS_KEY", &s->env.secret_access_key},
               {"AWS_SESSION_TOKEN", &s->env.session_token},
               {"AWS_PROFILE", &s->env.profile},
               {"AWS_SHARED_CREDENTIALS_FILE", &s->env.credentials_file},
               {"AWS_CONFIG_FILE", &s->env.config_file},
               {"HOME", &s->env.home},
               {"AWS_EC2_METADATA_SERVICE_ENDPOINT", &s->env.metadata_endpoint},
               {"AWS_EC2_METADATA_DISABLED", &s->env.metadata_disabled},
               {"AWS_WEB_IDENTITY_TOKEN_FILE", &s->env.web_identity_token_file},
               {"AWS_ROLE_ARN", &s->env.role_arn},
               {"AWS_ROLE_SESSION_NAME", &s->env.role_session_name},
               {"AWS_ENDPOINT_URL_STS", &s->env.sts_endpoint},
               {"AWS_STS_REGIONAL_ENDPOINTS", &s->env.sts_regional},
               {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", &s->env.container_relative_uri},
               {"AWS_CONTAINER_CREDENTIALS_FULL_URI", &s->env.container_full_uri},
               {"AWS_CONTAINER_AUTHORIZATION_TOKEN", &s->env.container_token},
               {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &s->env.container_token_file}};

    s->url = n->url;
    s->region = config_text(c, n->keys, "region");
    if (s->region == NULL)
        s->region = config_keep(c, config_env("AWS_REGION"));
    if (s->region == NULL)
        s->region = config_keep(c, config_env("AWS_DEFAULT_REGION"));
    s->endpoint = config_text(c, n->keys, "endpoint");
    s->path_style = json_is_true(json_object_get(n->keys, "path_style"));
    s->profile = config_text(c, n->keys, "profile");
    s->ca_file = config_path(c, n->keys, "ca_file");
    s->clock_shift_ms = clock_shift_ms();
    for (size_t i = 0; i < ARRAY_LEN(env); i++)
        *env[i].to = config_keep(c, config_env(env[i].name));
    s->env.region = s->region;
}

static void target_connection(const struct config *c, const struct connection *n, struct target_config *t)
{
    const json_t *k = n->keys;

    t->url = n->url;
    t->password = n->password;
    if (n->password == NULL)
        t->missing_credential = config_text(c, k, "password_credential");
    t->option_file = config_path(c, k, "option_file");
    t->ca_file = config_path(c, k, "ca_file");
    t->tls = is(k, "tls", "off")       ? TLS_OFF
             : is(k, "tls", "prefer")  ? TLS_PREFER
             : is(k, "tls", "require") ? TLS_REQUIRE
                                       : TLS_VERIFY;
    t->note_path = c->state;
}

static void fill_range(struct filling *g, struct pipeline *p, const json_t *s, const char *where)
{
    const char *since = config_text(g->c, s, "since"), *until = config_text(g->c, s, "until");
    char *at = xasprintf("%s.since", where);
    struct err err;

    p->until_ms = -1;
    if (since != NULL && part_parse(p->period, since, &p->since_ms, &err) < 0)
        fault_add(g->f, at, "%s", err.msg);
    memcpy(at + strlen(where), ".until", 7);
    if (until != NULL && part_parse(p->period, until, &p->until_ms, &err) < 0)
        fault_add(g->f, at, "%s", err.msg);
    else if (until != NULL && since != NULL && p->until_ms < p->since_ms)
        fault_add(g->f, at, "'%s' is before since '%s'", until, since);
    free(at);
}

static void fill_source(struct filling *g, struct pipeline *p, const json_t *s, const char *pipeline_where)
{
    char *where = xasprintf("%s.source", pipeline_where);
    const struct connection *n = connection(g, s, where, true);
    struct err err;

    if (n != NULL) {
        p->source_name = n->name;
        source_connection(g->c, n, &p->source);
    }
    p->prefix = need(g->c, s, "prefix");
    p->layout = need(g->c, s, "layout");
    p->period = is(s, "period", "day") ? PERIOD_DAY : PERIOD_HOUR;
    p->include = config_texts(g->c, json_object_get(s, "include"));
    p->settle_ms = config_duration(s, "settle");
    p->late_after_ms = config_duration(s, "late_after");
    p->lookback_ms = config_duration(s, "lookback");
    p->allow_empty = json_is_true(json_object_get(s, "allow_empty"));
    p->manifest = is(s, "manifest", "orch");
    p->on_overwrite = is(s, "on_overwrite", "refuse") ? OVERWRITE_REFUSE : OVERWRITE_REPLACE;
    fill_range(g, p, s, where);
    if (layout_check(p->layout, p->period, &err) < 0)
        fault_add(g->f, where, "layout: %s", err.msg);
    if (p->manifest && !str_ends(p->layout, "/"))
        fault_add(g->f, where,
                  "layout: with \"manifest\": \"orch\" it must end with '/': manifests lie in a folder "
                  "within the partition's");
    if (p->prefix[0] == '/' || str_starts(p->prefix, "../") || strstr(p->prefix, "/../") != NULL ||
        str_ends(p->prefix, "/..") || strcmp(p->prefix, "..") == 0)
        fault_add(g->f, where, "prefix: '%s' leaves the connection's URL", p->prefix);
    if (strlen(p->prefix) >= PREFIX_SIZE)
        fault_add(g->f, where, "prefix: longer than %d bytes", PREFIX_SIZE - 1);
    if (p->include[0] == NULL)
        fault_add(g->f, where, "include: an empty list takes no file at all");
    free(where);
}

void config_fill_csv(const struct config *c, const json_t *s, struct csv_dialect *d,
                     struct convert_config *convert, const char *where, struct faults *f)
{
    d->delimiter = config_char(s, "delimiter");
    d->quote = config_char(s, "quote");
    d->escape = config_char(s, "escape");
    d->encoding = is(s, "encoding", "latin1")   ? CSV_LATIN1
                  : is(s, "encoding", "cp1252") ? CSV_CP1252
                                                : CSV_UTF8;
    if (d->delimiter == d->quote || d->delimiter == d->escape)
        fault_add(f, where, "csv: delimiter, quote and escape must differ");
    if (d->escape != '\0' && d->escape == d->quote)
        fault_add(f, where, "csv: escape equals quote; null already means that a quote is doubled");
    convert->header = json_is_true(json_object_get(s, "header"));
    convert->nulls = config_texts(c, json_object_get(s, "null"));
    convert->binary = config_binary(s);
    convert->zero_dates = json_is_true(json_object_get(s, "zero_dates"));
    convert->trailing_delimiter = json_is_true(json_object_get(s, "trailing_delimiter"));
    convert->zone = "UTC";
}

void config_refuse_own(const char *table, const char *where, struct faults *f)
{
    if (strncasecmp(table, "orch_", 5) == 0 || strncasecmp(table, "_orch_", 6) == 0)
        fault_add(f, where, "table: names that begin with orch_ or _orch_ are orch's own");
}

static void fill_target(struct filling *g, struct pipeline *p, const json_t *t, const char *pipeline_where)
{
    char *where = xasprintf("%s.target", pipeline_where);
    const struct connection *n = connection(g, t, where, false);

    if (n != NULL) {
        p->target_name = n->name;
        target_connection(g->c, n, &p->target);
    }
    p->target.zero_dates = p->convert.zero_dates;
    p->table = need(g->c, t, "table");
    p->create = json_is_true(json_object_get(t, "create"));
    p->lineage = is(t, "lineage", "none") ? LINEAGE_NONE : LINEAGE_COLUMNS;
    p->mode = is(t, "mode", "upsert") ? MODE_UPSERT : MODE_APPEND;
    p->key = config_texts(g->c, json_object_get(t, "key"));
    if (p->mode == MODE_UPSERT && p->lineage == LINEAGE_NONE)
        fault_add(g->f, where,
                  "mode: upsert needs \"lineage\": \"columns\": by them it knows which row is newer");
    if (p->mode == MODE_UPSERT && p->create)
        fault_add(g->f, where,
                  "mode: upsert needs a table with a unique key; make it yourself, without create");
    if (p->mode == MODE_APPEND && p->key != NULL && p->key[0] != NULL)
        fault_add(g->f, where, "key: has no effect unless mode is upsert");
    for (size_t i = 0; p->key != NULL && p->key[i] != NULL; i++)
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(p->key[i], p->key[k]) == 0)
                fault_add(g->f, where, "key: '%s' twice", p->key[i]);
    p->convert.drift = is(t, "drift", "ignore-extra")   ? DRIFT_IGNORE_EXTRA
                       : is(t, "drift", "null-missing") ? DRIFT_NULL_MISSING
                       : is(t, "drift", "add-columns")  ? DRIFT_ADD_COLUMNS
                                                        : DRIFT_FAIL;
    if (p->table[0] == '\0' && json_is_string(json_object_get(t, "table")))
        fault_add(g->f, where, "table: empty");
    config_refuse_own(p->table, where, g->f);
    if (p->lineage == LINEAGE_NONE && p->create)
        fault_add(g->f, where,
                  "lineage: a table that orch makes has its lineage columns; none makes no sense here");
    free(where);
}

/* Connections of their own, to servers that follow the target's. */
static void fill_pressure(struct filling *g, struct pipeline *p, const json_t *k, const char *where)
{
    const json_t *names = json_object_get(json_object_get(k, "target"), "replicas"),
                 *rate = json_object_get(k, "max_rate"), *name;
    bool limit = json_is_string(json_object_get(k, "max_replica_lag"));
    struct replica *replicas = arena_alloc(g->c->arena, (json_array_size(names) + 1) * sizeof *replicas);
    struct err err;
    size_t i;

    if (throttle_parse(json_string_value(rate), &p->max_rate, &err) < 0)
        fault_add(g->f, where, "max_rate: %s", err.msg);
    else if (throttle_shares(&p->max_rate) < p->parallel)
        fault_add(g->f, where, "max_rate: at least 64KiB/s or 100 rows/s for each of %lld connections",
                  (long long)p->parallel);
    if (limit)
        p->max_lag_ms = config_duration(k, "max_replica_lag");
    if (limit != (json_array_size(names) > 0))
        fault_add(g->f, where, "max_replica_lag and target.replicas: one without the other has no effect");
    p->replicas = replicas;
    json_array_foreach((json_t *)(uintptr_t)names, i, name) {
        json_t *part = json_pack("{s:s}", "connection", json_string_value(name));
        const struct connection *n = connection(g, part, where, false);
        json_decref(part);
        if (n == NULL)
            continue;
        if (n->scheme == SCHEME_SQLITE)
            fault_add(g->f, where, "target.replicas: '%s' is SQLite, which has none", n->name);
        memset(&replicas[p->replica_count], 0, sizeof *replicas);
        replicas[p->replica_count].name = n->name;
        target_connection(g->c, n, &replicas[p->replica_count++].config);
    }
}

int config_budget(const char *text, int64_t *ret_n, double *ret_percent, struct err *err)
{
    bool percent = str_ends(text, "%");
    int64_t n = 0;
    int rc = str_to_i64((struct str){text, strlen(text) - percent}, 0, percent ? 100 : INT64_MAX, &n, err);

    *ret_n = percent ? 0 : n;
    *ret_percent = percent ? (double)n : -1;
    return rc;
}

static void fill_rules(struct filling *g, struct pipeline *p, const json_t *k, const char *where)
{
    const json_t *budget = json_object_get(k, "max_rejects"), *bytes = json_object_get(k, "job_bytes");
    struct err err;

    p->max_rejects = json_integer_value(budget);
    p->max_rejects_percent = -1;
    if (json_is_string(budget))
        err_ignore(config_budget(json_string_value(budget), &p->max_rejects, &p->max_rejects_percent, &err));
    p->job_bytes = json_integer_value(bytes);
    if (json_is_string(bytes))
        err_ignore(str_to_bytes(str_of(json_string_value(bytes)), &p->job_bytes, &err));
    if (p->job_bytes == 0)
        fault_add(g->f, where, "job_bytes: 0 leaves no room for a file");
    bytes = json_object_get(k, "chunk_bytes");
    p->chunk_bytes = json_integer_value(bytes);
    if (json_is_string(bytes))
        err_ignore(str_to_bytes(str_of(json_string_value(bytes)), &p->chunk_bytes, &err));
    if (p->chunk_bytes < MIN_CHUNK && (json_is_string(bytes) || json_is_integer(bytes)))
        fault_add(g->f, where, "chunk_bytes: at least %d bytes", MIN_CHUNK);
    p->publish_chunks = is(k, "publish", "chunks");
    p->parallel = json_integer_value(json_object_get(k, "parallel"));
    if (json_is_integer(json_object_get(k, "parallel")) && (p->parallel < 1 || p->parallel > MAX_PARALLEL))
        fault_add(g->f, where, "parallel: 1 to %d connections", MAX_PARALLEL);
    p->rejects_table = config_text(g->c, json_object_get(k, "rejects"), "table");
    if (p->rejects_table != NULL &&
        (p->rejects_table[0] == '\0' || strncasecmp(p->rejects_table, "orch_", 5) == 0 ||
         strcasecmp(p->rejects_table, p->table) == 0))
        fault_add(g->f, where, "rejects.table: '%s' is %s", p->rejects_table,
                  p->rejects_table[0] == '\0' ? "no name"
                  : strcasecmp(p->rejects_table, p->table) == 0
                      ? "the table that rows go to"
                      : "of orch's own: names that begin with orch_ are");
    p->max_attempts = json_integer_value(json_object_get(k, "max_attempts"));
    p->verify = is(k, "verify", "count") ? VERIFY_COUNT : is(k, "verify", "full") ? VERIFY_FULL : VERIFY_SUMS;
    if (p->lineage == LINEAGE_NONE)
        p->verify = VERIFY_COUNT; /* without a load id nobody can tell which rows to sum */
}

static void fill_flow(struct filling *g, struct pipeline *p, const json_t *k, const char *where)
{
    const json_t *owner = json_object_get(k, "owner");
    const char *names[32];
    struct cronexpr cron;
    struct err err;
    size_t n = 0;
    bool known = false;

    p->workflow = need(g->c, k, "workflow");
    p->schedule = need(g->c, k, "schedule");
    p->owner_name = need(g->c, owner, "name");
    p->owner_email = need(g->c, owner, "email");
    bool by_hand = p->schedule[0] == '\0' && json_object_get(k, "tables") != NULL; /* an extract's */
    if (!by_hand && cronexpr_parse(p->schedule, &cron, &err) < 0)
        fault_add(g->f, where, "schedule: %s", err.msg);
    if (cron_zone_find(need(g->c, k, "timezone"), &p->zone, &err) < 0)
        fault_add(g->f, where, "timezone: %s", err.msg);
    if (str_ends(p->workflow, ".json"))
        return;
    for (const struct embed *w = workflows; w->name != NULL && n < ARRAY_LEN(names) - 1; w++) {
        const char *dot = strchr(w->name, '.');
        const char *base =
            arena_strndup(g->c->arena, w->name, dot != NULL ? (size_t)(dot - w->name) : strlen(w->name));
        if (strcmp(base, "replay-rejects") == 0 || /* a command's own, of no schedule */
            (strcmp(base, "extract") == 0) != (json_object_get(k, "tables") != NULL))
            continue;
        known = known || strcmp(base, p->workflow) == 0;
        names[n++] = base;
    }
    names[n] = NULL;
    const char *near = str_nearest(p->workflow, names);
    if (!known)
        fault_add(g->f, where, "workflow: no shipped workflow '%s'; %s%s%s", p->workflow,
                  near != NULL ? "the nearest is '" : "a file ends in .json", near != NULL ? near : "",
                  near != NULL ? "'" : "");
}

#define NAME_FORM "a name has 1 to 40 letters, digits, '_', '-' or '.', and begins with no '-' or '.'"
/* A name is part of job and execution names, of lock names and of what people type. */
static bool name_fits(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > 40 || name[0] == '-' || name[0] == '.')
        return false;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") == n;
}

static void fill_pipeline(struct filling *g, struct pipeline *p, const char *name, const json_t *k)
{
    char *where = xasprintf("pipelines.%s", name);

    p->name = config_keep(g->c, name);
    if (!name_fits(name))
        fault_add(g->f, where, NAME_FORM);
    fill_flow(g, p, k, where);
    fill_source(g, p, json_object_get(k, "source"), where);
    config_fill_csv(g->c, json_object_get(k, "csv"), &p->dialect, &p->convert, where, g->f);
    p->convert.null_empty = p->manifest; /* extracts quote an empty text */
    fill_target(g, p, json_object_get(k, "target"), where);
    config_fill_columns(g->c, p, json_object_get(k, "columns"), where, g->f);
    config_fill_constants(g->c, p, json_object_get(k, "constants"), where, g->f);
    fill_rules(g, p, k, where);
    fill_pressure(g, p, k, where);
    free(where);
}

static void fill_extract(struct filling *g, struct pipeline *p, const char *name, json_t *k)
{
    char *where = xasprintf("extracts.%s", name), *source = xasprintf("%s.source", where),
         *target = xasprintf("%s.target", where);

    p->name = config_keep(g->c, name);
    if (!name_fits(name))
        fault_add(g->f, where, NAME_FORM);
    if (json_object_get(json_object_get(g->c->root, "pipelines"), name) != NULL)
        fault_add(g->f, where, "a pipeline has this name too");
    json_object_set_new(k, "workflow", json_string("extract"));
    fill_flow(g, p, k, where);
    const struct connection *from = connection(g, json_object_get(k, "source"), source, false);
    const struct connection *to = connection(g, json_object_get(k, "target"), target, true);
    config_fill_extract(g->c, p, k, where, g->f);
    if (from != NULL) {
        p->target_name = from->name; /* the database, as with every step */
        target_connection(g->c, from, &p->target);
        if (from->scheme == SCHEME_SQLITE)
            fault_add(g->f, source, "connection '%s' is SQLite; extracts read MySQL and MariaDB", from->name);
    }
    if (to != NULL) {
        p->source_name = to->name;
        source_connection(g->c, to, &p->source);
    }
    free(where);
    free(source);
    free(target);
}

static void fill_table(struct filling *g, struct dict_table *d, const char *name, json_t *k)
{
    char *where = xasprintf("tables.%s", name);
    const struct connection *n = connection(g, k, where, false);

    if (!name_fits(name))
        fault_add(g->f, where, NAME_FORM);
    if (n != NULL) {
        d->connection = n->name;
        target_connection(g->c, n, &d->target);
    }
    config_fill_table(g->c, d, name, k, where, g->f);
    d->target.zero_dates = d->convert.zero_dates;
    free(where);
}

/* Two pipelines that read the same files into the same table double every row. */
static void check_doubles(struct filling *g)
{
    const struct config *c = g->c;

    for (size_t i = 0; i < c->pipeline_count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct pipeline *a = &c->pipelines[j], *b = &c->pipelines[i];
            if (a->source.url == NULL || b->source.url == NULL || a->target.url == NULL ||
                b->target.url == NULL)
                continue;
            if (strcmp(a->source.url, b->source.url) == 0 && strcmp(a->prefix, b->prefix) == 0 &&
                strcmp(a->layout, b->layout) == 0 && strcmp(a->target.url, b->target.url) == 0 &&
                strcmp(a->table, b->table) == 0)
                fault_add(g->f, "pipelines",
                          "'%s' and '%s' load the same files into the same table: every row twice", a->name,
                          b->name);
        }
}

void config_fill(struct config *c, const json_t *root, bool secrets, struct faults *f)
{
    struct filling g = {.c = c, .f = f};
    json_t *all = json_object_get(root, "pipelines"), *extracts = json_object_get(root, "extracts"),
           *tables = json_object_get(root, "tables"), *item;
    const json_t *retention = json_object_get(root, "retention");
    const char *name;

    c->state = resolved(c, "", need(c, root, "state"), "");
    c->linger_ms = config_duration(json_object_get(root, "tick"), "linger");
    c->keep_idle_ms = config_duration(retention, "idle");
    c->keep_ms = config_duration(retention, "executions");
    c->metrics_textfile = config_path(c, json_object_get(root, "metrics"), "textfile");
    fill_connections(&g, root, secrets);
    if (json_object_size(all) + json_object_size(extracts) > MAX_PIPELINES ||
        json_object_size(tables) > MAX_PIPELINES) {
        fault_add(f, json_object_size(tables) > MAX_PIPELINES ? "tables" : "pipelines", "more than %d",
                  MAX_PIPELINES);
        return;
    }
    if (json_object_size(all) == 0 && json_object_size(extracts) == 0 && json_object_size(tables) == 0)
        fault_add(f, "pipelines",
                  json_object_get(c->root, "pipelines") == NULL ? "missing"
                                                                : "none: nothing would ever be loaded");
    c->pipelines = arena_alloc(c->arena, (json_object_size(all) + 1) * sizeof *c->pipelines);
    memset(c->pipelines, 0, (json_object_size(all) + 1) * sizeof *c->pipelines);
    json_object_foreach(all, name, item)
        fill_pipeline(&g, &c->pipelines[c->pipeline_count++], name, item);
    c->extracts = arena_alloc(c->arena, (json_object_size(extracts) + 1) * sizeof *c->extracts);
    memset(c->extracts, 0, (json_object_size(extracts) + 1) * sizeof *c->extracts);
    json_object_foreach(extracts, name, item)
        fill_extract(&g, &c->extracts[c->extract_count++], name, item);
    c->tables = arena_alloc(c->arena, (json_object_size(tables) + 1) * sizeof *c->tables);
    memset(c->tables, 0, (json_object_size(tables) + 1) * sizeof *c->tables);
    json_object_foreach(tables, name, item)
        fill_table(&g, &c->tables[c->table_count++], name, item);
    check_doubles(&g);
    config_fill_alerts(c, root, secrets, f);
    config_fill_serve(c, root, f);
}

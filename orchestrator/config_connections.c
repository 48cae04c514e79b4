/* "connections" of orch.json: their URLs, the keys that each kind has, their secrets; and what a pipeline gets of one. */
#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/config_int.h"

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
    const char *url = config_need(g->c, n->keys, "url");

    n->url = url;
    n->scheme = SCHEME_BAD;
    if (str_starts(url, "s3://")) {
        n->scheme = SCHEME_S3;
        if (url[5] == '\0' || url[5] == '/')
            fault_add(g->f, where, "the bucket is missing: s3://bucket/prefix/");
    } else if (str_starts(url, "file://")) {
        n->scheme = SCHEME_FILE;
        n->url = config_resolved(g->c, "file://", url + 7, "/");
    } else if (str_starts(url, "mysql://")) {
        n->scheme = SCHEME_MYSQL;
        check_mysql_url(url, where, g->f);
    } else if (str_starts(url, "sqlite:")) {
        const char *path = url + 7;
        n->scheme = SCHEME_SQLITE;
        if (*path == '\0' || str_starts(path, "//") || str_starts(path, ":memory:"))
            fault_add(g->f, where, "a file is expected: sqlite:folder/name.db");
        n->url = config_resolved(g->c, "sqlite:", path, "");
        if (strcmp(n->url + 7, g->c->state) == 0)
            fault_add(g->f, where, "the target must not be orch's own state file");
    } else if (str_starts(url, "https://") || str_starts(url, "http://")) {
        static const char *const schemes[] = {"https://", "http://", NULL};
        n->scheme = SCHEME_HTTP;
        if (config_url_fits(url, schemes, where, g->f) && strpbrk(url, "?#") != NULL)
            fault_add(g->f, where, "url: paths are put behind it; it has no '?' or '#'");
    } else if (*url != '\0') {
        fault_add(g->f, where, "'%s' starts with none of s3://, file://, mysql://, sqlite:, https://", url);
    }
}

static enum scheme scheme_of(const char *url)
{
    return str_starts(url, "s3://")      ? SCHEME_S3
           : str_starts(url, "file://")  ? SCHEME_FILE
           : str_starts(url, "mysql://") ? SCHEME_MYSQL
           : str_starts(url, "sqlite:")  ? SCHEME_SQLITE
           : str_starts(url, "https://") ? SCHEME_HTTP
           : str_starts(url, "http://")  ? SCHEME_HTTP
                                         : SCHEME_BAD;
}

/* Keys that only some kinds of connection have. */
enum { S3 = 1U << SCHEME_S3, MYSQL = 1U << SCHEME_MYSQL, HTTP = 1U << SCHEME_HTTP };

static const struct {
    const char *key;
    unsigned schemes;
} special[] = {
    {"region", S3},
    {"endpoint", S3},
    {"path_style", S3},
    {"profile", S3},
    {"ca_file", S3 | MYSQL | HTTP},
    {"password_file", MYSQL},
    {"password_env", MYSQL},
    {"password_credential", MYSQL},
    {"option_file", MYSQL},
    {"tls", MYSQL},
    {"token_file", HTTP},
    {"token_env", HTTP},
    {"token_credential", HTTP},
    {"token_header", HTTP},
};

bool config_applies(const char *url, const char *key)
{
    enum scheme scheme = scheme_of(url);

    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        if (strcmp(special[i].key, key) == 0)
            return (special[i].schemes & 1U << scheme) != 0;
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

/* The token of a server: it crosses no network in the clear, and stands in one line of a header. */
static void connection_token(struct filling *g, struct connection *n, bool secrets, const char *where)
{
    const char *header = config_text(g->c, n->keys, "token_header");
    bool given = json_is_string(json_object_get(n->keys, "token_file")) ||
                 json_is_string(json_object_get(n->keys, "token_env")) ||
                 json_is_string(json_object_get(n->keys, "token_credential"));

    if (n->scheme != SCHEME_HTTP)
        return;
    if (given && str_starts(n->url, "http://") && !config_is_loopback(n->url))
        fault_add(g->f, where,
                  "http:// would send the token over the network in the clear; https:// is expected");
    if (header != NULL && !given)
        fault_add(g->f, where, "token_header without a token");
    if (header != NULL &&
        (*header == '\0' || header[strspn(header, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                                  "0123456789-_")] != '\0'))
        fault_add(g->f, where, "token_header: '%s' is no name of a header", header);
    if (secrets)
        n->token = config_secret(g->c, n->keys, "token", where, g->f);
    for (const char *p = n->token; p != NULL && *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            fault_add(g->f, where, "the token holds a control character");
            return;
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

void config_fill_connections(struct filling *g, const json_t *root, bool secrets)
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
        connection_token(g, n, secrets, where);
        free(where);
    }
}

const struct connection *config_connection(struct filling *g, const json_t *part, const char *where,
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
        bool is_database = n->scheme == SCHEME_MYSQL || n->scheme == SCHEME_SQLITE;
        if (n->scheme != SCHEME_BAD && !(source ? is_source : is_database))
            fault_add(g->f, where, "connection '%s' is a %s, a %s is expected", name,
                      is_source     ? "source (s3://, file://)"
                      : is_database ? "database"
                                    : "server (https://)",
                      source ? "source" : "database");
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

void config_source(const struct config *c, const struct connection *n, struct source_config *s)
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

void config_target(const struct config *c, const struct connection *n, struct target_config *t)
{
    const json_t *k = n->keys;

    t->url = n->url;
    t->password = n->password;
    if (n->password == NULL)
        t->missing_credential = config_text(c, k, "password_credential");
    t->option_file = config_path(c, k, "option_file");
    t->ca_file = config_path(c, k, "ca_file");
    t->tls = config_is(k, "tls", "off")       ? TLS_OFF
             : config_is(k, "tls", "prefer")  ? TLS_PREFER
             : config_is(k, "tls", "require") ? TLS_REQUIRE
                                              : TLS_VERIFY;
    t->note_path = c->state;
}

/* serve.* */
#include "base/limits.h"
#include "orchestrator/config_int.h"

static const struct key backups_keys[] = {
    {"connection", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "name in connections: a bucket or folder; null: nobody may ask for backups over HTTP"},
    {"prefix", KEY_TEXT, false, false, "\"\"", NULL, NULL, NULL,
     "under the connection's URL, such as night/"},
    {"database", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "name in connections; null: the only MySQL or MariaDB there is"},
    {0},
};
const struct key config_serve_keys[] = {
    {"listen", KEY_TEXT, false, false, "\"127.0.0.1:8086\"", NULL, NULL, NULL,
     "127.0.0.1:8086, [::1]:8086 or unix:/path; another address needs token_file"},
    {"token_file", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "of mode 0600: the token that clients send; null: none is asked for"},
    {"hosts", KEY_TEXTS, false, false, "[]", NULL, NULL, NULL,
     "names that a request's Host may have besides the address: those of a proxy in front"},
    {"connections", KEY_INT, false, false, "64", NULL, NULL, NULL, "at once; more wait"},
    {"timeout", KEY_DURATION, false, false, "\"30s\"", NULL, NULL, NULL,
     "for a request's header; four times as long for its body, and for taking the answer"},
    {"tick_within", KEY_DURATION, false, false, "\"15m\"", NULL, NULL, NULL,
     "without a tick for so long /readyz is 503, and the overview asks whether cron runs: three times what "
     "cron ticks by"},
    {"backups", KEY_OBJECT, false, false, NULL, NULL, NULL, backups_keys,
     "where backups go that are asked for over HTTP, and come back from"},
    {0},
};

static void check_connection(const json_t *root, const char *name, bool database, const char *where,
                             struct faults *f)
{
    const json_t *all = json_object_get(root, "connections");
    const char *url = json_string_value(json_object_get(json_object_get(all, name), "url"));

    if (url == NULL)
        fault_add(f, where, "connections has no '%s'", name);
    else if (database ? !str_starts(url, "mysql://")
                      : !str_starts(url, "s3://") && !str_starts(url, "file://"))
        fault_add(f, where,
                  database ? "'%s' is no MySQL or MariaDB database" : "'%s' is no bucket and no folder",
                  name);
}

static void fill_backups(struct config *c, const json_t *root, const json_t *o, struct faults *f)
{
    static const char where[] = "serve.backups";
    const char *prefix;

    c->backups.connection = config_text(c, o, "connection");
    c->backups.database = config_text(c, o, "database");
    c->backups.prefix = prefix = config_text(c, o, "prefix");
    if (c->backups.connection != NULL)
        check_connection(root, c->backups.connection, false, where, f);
    if (c->backups.database != NULL)
        check_connection(root, c->backups.database, true, where, f);
    if (prefix != NULL && *prefix != '\0' &&
        (*prefix == '/' || !str_ends(prefix, "/") || strstr(prefix, "..") != NULL))
        fault_add(f, where, "prefix: '%s' is to end with a slash, and to begin with none", prefix);
}

void config_fill_serve(struct config *c, const json_t *root, struct faults *f)
{
    const json_t *o = json_object_get(root, "serve");

    fill_backups(c, root, json_object_get(o, "backups"), f);
    c->serve.listen = config_text(c, o, "listen");
    c->serve.token_file = config_path(c, o, "token_file");
    c->serve.hosts = config_texts(c, json_object_get(o, "hosts"));
    c->serve.connections = json_integer_value(json_object_get(o, "connections"));
    c->serve.timeout_ms = config_duration(o, "timeout");
    c->serve.tick_within_ms = config_duration(o, "tick_within");
    if (c->serve.tick_within_ms < 60000 || c->serve.tick_within_ms > 7 * 24 * 3600000LL)
        fault_add(f, "serve.tick_within", "1m to 7d is expected");
    if (c->serve.connections < 1 || c->serve.connections > MAX_SERVE_CONNECTIONS)
        fault_add(f, "serve.connections", "1 to %d are expected", MAX_SERVE_CONNECTIONS);
    if (c->serve.timeout_ms < 1000 || c->serve.timeout_ms > 600000)
        fault_add(f, "serve.timeout", "1s to 10m is expected");
    for (size_t i = 0; c->serve.hosts != NULL && c->serve.hosts[i] != NULL; i++)
        if (c->serve.hosts[i][0] == '\0' || strpbrk(c->serve.hosts[i], "/*@ ") != NULL)
            fault_add(f, "serve.hosts", "'%s' is no host: a name, and a port where it is said",
                      c->serve.hosts[i]);
}

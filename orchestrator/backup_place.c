#include "orchestrator/backup_place.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/engine.h"
#include <unistd.h>

/* --- the database --- */

static const char *connection_of(const json_t *root, const char *pipeline)
{
    const json_t *p = json_object_get(json_object_get(root, "pipelines"), pipeline);
    const json_t *x = json_object_get(json_object_get(root, "extracts"), pipeline);
    const json_t *side = p != NULL ? json_object_get(p, "target") : json_object_get(x, "source");

    return json_string_value(json_object_get(side, "connection"));
}

static int only_database(json_t *all, const char **ret, struct err *err)
{
    const char *name;
    json_t *item;
    size_t n = 0;

    json_object_foreach(all, name, item) {
        const char *url = json_string_value(json_object_get(item, "url"));
        if (url == NULL || !str_starts(url, "mysql://"))
            continue;
        *ret = name;
        n++;
    }
    if (n == 1)
        return 0;
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "orch.json has no connection to MySQL or MariaDB");
    err_set(err, ERR_USAGE, "which database? orch.json has %zu", n);
    return err_hint(err, "--connection NAME, or --pipeline PIPELINE");
}

static int database(const json_t *root, const char *connection, const char *pipeline, const char **ret,
                    struct err *err)
{
    json_t *all = json_object_get(root, "connections");

    if (connection != NULL && pipeline != NULL)
        return err_set(err, ERR_USAGE, "--connection and --pipeline: one of the two");
    *ret = connection;
    if (pipeline != NULL) {
        *ret = connection_of(root, pipeline);
        if (*ret == NULL)
            return err_set(err, ERR_NOT_FOUND, "orch.json has no pipeline or extract '%s'", pipeline);
    }
    int rc = *ret == NULL ? only_database(all, ret, err) : 0;
    if (rc < 0)
        return rc;
    const char *url = json_string_value(json_object_get(json_object_get(all, *ret), "url"));
    if (url == NULL)
        return err_set(err, ERR_NOT_FOUND, "orch.json has no connection '%s'", *ret);
    if (!str_starts(url, "mysql://")) {
        err_set(err, ERR_CONFIG, "connection '%s' is no MySQL or MariaDB database", *ret);
        return err_hint(
            err, "a SQLite database is a file: sqlite3 FILE '.backup COPY' copies it while it is used");
    }
    return 0;
}

/* --- the place --- */

static bool same_bucket(const char *a, const char *b)
{
    size_t n = strcspn(a + 5, "/");

    return strcspn(b + 5, "/") == n && strncmp(a + 5, b + 5, n) == 0;
}

static json_t *of_bucket(json_t *all, const char *where)
{
    const char *name;
    json_t *item, *found = NULL;

    json_object_foreach(all, name, item) {
        const char *url = json_string_value(json_object_get(item, "url"));
        if (found == NULL && url != NULL && str_starts(url, "s3://") && same_bucket(url, where))
            found = json_deep_copy(item);
    }
    return found != NULL ? found : json_object();
}

json_t *backup_place_json(json_t *all, const char *where, struct err *err)
{
    json_t *named = json_object_get(all, where), *made;

    if (named != NULL)
        return json_deep_copy(named);
    if (str_starts(where, "s3://")) {
        made = of_bucket(all, where);
        char *url = xasprintf("%s%s", where, str_ends(where, "/") ? "" : "/");
        json_object_set_new(made, "url", json_string(url));
        free(url);
        return made;
    }
    if (strstr(where, "://") != NULL && !str_starts(where, "file://")) {
        err_set(err, ERR_USAGE, "'%s' is no folder, no s3:// URL, and no connection of orch.json", where);
        return NULL;
    }
    char *cwd = getcwd(NULL, 0),
         *full = fs_join(cwd != NULL ? cwd : "/", str_starts(where, "file://") ? where + 7 : where);
    char *url = xasprintf("file://%s%s", full, str_ends(full, "/") ? "" : "/");
    made = json_pack("{s:s}", "url", url);
    free(cwd);
    free(full);
    free(url);
    return made;
}

/* --- both, as a config --- */

static int parse(struct cli *c, const char *name, json_t *where, struct backup_place *ret, struct err *err)
{
    struct buf faults = BUF_INIT(256 * KIB);
    json_t *db = json_object_get(json_object_get(c->config->root, "connections"), name);
    json_t *document = json_pack("{s:s,s:{s:O,s:O},s:{s:{s:s,s:{s:s},s:{s:s,s:s},s:[{s:s}]}}}", "state",
                                 c->config->state, "connections", "db", db, "place", where, "extracts",
                                 "backup", "schedule", "rate(1 day)", "source", "connection", "db", "target",
                                 "connection", "place", "prefix", "", "tables", "table", "t");
    char *text = json_text(document);
    int rc = config_parse(text, strlen(text), c->config->path, true, &ret->config, &faults, err);

    for (char *line = faults.p, *end; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        cli_say("%s", line);
    }
    if (rc == 0) {
        ret->target = &ret->config->extracts[0].target;
        ret->place = &ret->config->extracts[0].source;
    }
    buf_release(&faults);
    json_decref(document);
    free(text);
    return rc;
}

int backup_place_served(struct cli *c, struct backup_place *ret, struct err *err)
{
    const struct config *config = c->config;
    json_t *all = json_object_get(config->root, "connections"), *to = NULL;
    const char *name = NULL;
    int rc = 0;

    *ret = (struct backup_place){0};
    if (config->backups.connection == NULL) {
        err_set(err, ERR_CONFIG, "serve.backups.connection is not set: there is no place for backups");
        return err_hint(err, "it names a connection of orch.json, a folder or a bucket");
    }
    rc = database(config->root, config->backups.database, NULL, &name, err);
    if (rc < 0)
        return rc;
    to = json_deep_copy(json_object_get(all, config->backups.connection));
    const char *url = json_string_value(json_object_get(to, "url"));
    char *full = xasprintf("%s%s%s", url, str_ends(url, "/") ? "" : "/", config->backups.prefix);
    json_object_set_new(to, "url", json_string(full));
    rc = parse(c, name, to, ret, err);
    free(full);
    json_decref(to);
    return rc;
}

int backup_place_open(struct cli *c, const char *where, const char *connection, const char *pipeline,
                      struct backup_place *ret, struct err *err)
{
    const char *name = NULL;
    json_t *to = NULL;
    int rc = cli_config(c, err);

    *ret = (struct backup_place){0};
    if (rc == 0)
        rc = database(c->config->root, connection, pipeline, &name, err);
    if (rc == 0) {
        to = backup_place_json(json_object_get(c->config->root, "connections"), where, err);
        rc = to != NULL ? parse(c, name, to, ret, err) : -(int)err->code;
    }
    json_decref(to);
    return rc;
}

void backup_place_close(struct backup_place *p)
{
    config_free(p->config);
}

static int stop_beat(void *arg, struct err *err)
{
    UNUSED(arg);
    return engine_stop_signal != 0 ? err_set(err, ERR_CANCELLED, "stopped by a signal") : 0;
}

const struct beat backup_beat = {stop_beat, NULL};

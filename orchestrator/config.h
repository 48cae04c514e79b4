#ifndef ORCHESTRATOR_CONFIG_H
#define ORCHESTRATOR_CONFIG_H
#include "base/json.h"
#include "io/dictionary.h"
#include "steps/step.h"
/*
 * orch.json: read, checked whole (every error, unknown keys name the nearest), resolved. Relative paths are
 * relative to the file. The only reader of the environment. docs/orch.schema.json is what config_schema
 * gives; a test compares.
 */
struct own_workflow {
    const char *name, *definition, *resource_map; /* of the files: absolute; map NULL: none */
};
struct config {
    char *path, *dir;  /* of the file, absolute */
    const char *state; /* absolute */
    struct pipeline *pipelines;
    size_t pipeline_count;
    struct pipeline *extracts; /* each with its `extract`; target is the database, source where files go */
    size_t extract_count;
    struct own_workflow *workflows; /* definitions that no pipeline works: orch start */
    size_t workflow_count;
    struct dict_table *tables; /* the data dictionary */
    size_t table_count;
    int64_t renotify_ms, backfill_after_ms, alert_limit_ms;
    const char *alert_command; /* NULL: none; run by /bin/sh -c with JSON on stdin */
    struct {
        const char *url; /* smtp:// or smtps://, NULL: no mail */
        const char *from, *user, *password, *ca_file;
        const char *const *to; /* NULL-ended; each gets everything */
        bool starttls;
    } mail;
    struct {
        const char *url; /* NULL: none */
        const char *secret, *ca_file;
    } webhook;
    struct {
        const char *url; /* NULL: none; without a slash at its end */
        const char *ca_file;
        bool start;
    } ping;
    struct {
        const char *listen, *token_file; /* absolute; NULL: none */
        const char *const *hosts;        /* NULL-ended */
        int64_t connections, timeout_ms;
        int64_t tick_within_ms; /* so long without a tick is no chance */
    } serve;
    bool served; /* messages go to clients, who need no path of this machine */
    struct {     /* what orch serve may be asked to back up goes there, and is restored from there */
        const char *connection, *prefix; /* a name in connections, NULL: none; "" or "a/b/" under its URL */
        const char *database;            /* a name in connections; NULL: the only MySQL there is */
    } backups;
    struct step_world world; /* what tasks of a definition may reach */
    int64_t linger_ms, keep_idle_ms, keep_ms;
    const char *metrics_textfile; /* absolute; NULL: none; a folder, or a file that ends in .prom */
    struct arena *arena;          /* owns all strings */
    json_t *root;                 /* the file, for connections that no pipeline uses and config show */
};
/* Of rejects: "7", or "5%". *ret_percent < 0: by *ret_n. */
NODISCARD int config_budget(const char *text, int64_t *ret_n, double *ret_percent, struct err *err);
/* path NULL: $ORCH_CONFIG, else ./orch.json, else /etc/orch/orch.json. Secrets are read here, files wider
 * than 0600 are refused. ERR_CONFIG with every fault, one a line in *faults (may be NULL). */
NODISCARD int config_load(const char *path, struct config **ret, struct buf *faults, struct err *err);
/* The same from text; path (absolute) names the file that it stands for. secrets false: password files and
 * variables are not read (schema checks, fuzzing). */
NODISCARD int config_parse(const char *text, size_t n, const char *path, bool secrets, struct config **ret,
                           struct buf *faults, struct err *err);
void config_free(struct config *c);
const char *config_shown(const struct config *c); /* its file, as messages name it */
/* By name; ERR_NOT_FOUND names the nearest. */
NODISCARD int config_pipeline(const struct config *c, const char *name, const struct pipeline **ret,
                              struct err *err);
/* The same among extracts; and, config_flow, among both. */
NODISCARD int config_extract(const struct config *c, const char *name, const struct pipeline **ret,
                             struct err *err);
/* Of the data dictionary. */
NODISCARD int config_table(const struct config *c, const char *name, const struct dict_table **ret,
                           struct err *err);
NODISCARD int config_flow(const struct config *c, const char *name, const struct pipeline **ret,
                          struct err *err);
/* Of a definition of its own; NULL: none of the name. */
const struct own_workflow *config_own_workflow(const struct config *c, const char *name);
/* "2 pipelines", "1 extract", "2 pipelines, 1 extract", "3 tables" */
const char *config_count_text(const struct config *c, char out[80]);
/* The workflow's text: an embedded one by name ("ingest"), or a file. Owned. */
NODISCARD int config_workflow(const struct config *c, const struct pipeline *p, char **ret_owned,
                              size_t *ret_n, struct err *err);
/* The JSON Schema of the file, from the same key table that it is checked by. Owned. */
json_t *config_schema(void);
/* MYSQL_PWD, as MySQL's own programs take it; NULL: none. */
const char *config_env_password(void);
/* What NO_COLOR and TERM say. */
bool config_colour_wanted(void);
#endif

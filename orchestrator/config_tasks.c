/* What tasks of a workflow may reach: "tasks", and the connections by their names. */
#include "base/mem.h"
#include "orchestrator/config_int.h"

static void fill_connection(const struct config *c, const struct connection *n, struct step_connection *ret)
{
    ret->name = n->name;
    ret->url = n->url;
    if (n->scheme == SCHEME_S3 || n->scheme == SCHEME_FILE) {
        ret->kind = REACH_FILES;
        config_source(c, n, &ret->source);
    } else if (n->scheme == SCHEME_HTTP) {
        ret->kind = REACH_HTTP;
        ret->ca_file = config_path(c, n->keys, "ca_file");
        ret->token = n->token;
        ret->token_header = config_text(c, n->keys, "token_header");
        if (n->token == NULL)
            ret->missing_credential = config_text(c, n->keys, "token_credential");
    } else {
        ret->kind = REACH_DATABASE;
        config_target(c, n, &ret->target);
    }
}

/* "NAME=value" of those that are set. */
static const char *const *environment(const struct config *c, const json_t *names, struct faults *f)
{
    const char **out = arena_alloc(c->arena, (json_array_size(names) + 1) * sizeof *out);
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (*name == '\0' || strchr(name, '=') != NULL || str_starts(name, "ORCH_")) {
            fault_add(f, "tasks.environment", "'%s' is no name that a variable of a command may have", name);
            continue;
        }
        const char *value = config_env(name);
        if (value == NULL)
            continue;
        char *entry = xasprintf("%s=%s", name, value);
        out[n++] = config_keep(c, entry);
        free(entry);
    }
    out[n] = NULL;
    return out;
}

void config_fill_tasks(struct filling *g, const json_t *root)
{
    struct config *c = g->c;
    size_t bytes = (g->connection_count + 1) * sizeof(struct step_connection);
    struct step_connection *all = arena_alloc(c->arena, bytes);

    memset(all, 0, bytes);
    for (size_t i = 0; i < g->connection_count; i++)
        fill_connection(c, &g->connections[i], &all[i]);
    c->world = (struct step_world){
        .folder = c->dir,
        .connections = all,
        .connection_count = g->connection_count,
        .environment = environment(c, json_object_get(json_object_get(root, "tasks"), "environment"), g->f)};
}

#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cron/cronexpr.h"
#include "orchestrator/config_int.h"
#include "workflows.h"

const char *config_keep(const struct config *c, const char *s)
{
    return s != NULL ? arena_strndup(c->arena, s, strlen(s)) : NULL;
}

const char *config_text(const struct config *c, const json_t *o, const char *key)
{
    return config_keep(c, json_string_value(json_object_get(o, key)));
}

const char *config_need(const struct config *c, const json_t *o, const char *key)
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

bool config_is(const json_t *o, const char *key, const char *value)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL && strcmp(s, value) == 0;
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

const char *config_resolved(const struct config *c, const char *before, const char *path, const char *after)
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
    return s != NULL ? config_resolved(c, "", s, "") : NULL;
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
    const struct connection *n = config_connection(g, s, where, true);
    struct err err;

    if (n != NULL) {
        p->source_name = n->name;
        config_source(g->c, n, &p->source);
    }
    p->prefix = config_need(g->c, s, "prefix");
    p->layout = config_need(g->c, s, "layout");
    p->period = config_is(s, "period", "day") ? PERIOD_DAY : PERIOD_HOUR;
    p->include = config_texts(g->c, json_object_get(s, "include"));
    p->settle_ms = config_duration(s, "settle");
    p->late_after_ms = config_duration(s, "late_after");
    p->lookback_ms = config_duration(s, "lookback");
    p->allow_empty = json_is_true(json_object_get(s, "allow_empty"));
    p->manifest = config_is(s, "manifest", "orch");
    p->on_overwrite = config_is(s, "on_overwrite", "refuse") ? OVERWRITE_REFUSE : OVERWRITE_REPLACE;
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
    d->encoding = config_is(s, "encoding", "latin1")   ? CSV_LATIN1
                  : config_is(s, "encoding", "cp1252") ? CSV_CP1252
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
    const struct connection *n = config_connection(g, t, where, false);

    if (n != NULL) {
        p->target_name = n->name;
        config_target(g->c, n, &p->target);
    }
    p->target.zero_dates = p->convert.zero_dates;
    p->table = config_need(g->c, t, "table");
    p->create = json_is_true(json_object_get(t, "create"));
    p->lineage = config_is(t, "lineage", "none") ? LINEAGE_NONE : LINEAGE_COLUMNS;
    p->mode = config_is(t, "mode", "upsert") ? MODE_UPSERT : MODE_APPEND;
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
    p->convert.drift = config_is(t, "drift", "ignore-extra")   ? DRIFT_IGNORE_EXTRA
                       : config_is(t, "drift", "null-missing") ? DRIFT_NULL_MISSING
                       : config_is(t, "drift", "add-columns")  ? DRIFT_ADD_COLUMNS
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
        const struct connection *n = config_connection(g, part, where, false);
        json_decref(part);
        if (n == NULL)
            continue;
        if (n->scheme == SCHEME_SQLITE)
            fault_add(g->f, where, "target.replicas: '%s' is SQLite, which has none", n->name);
        memset(&replicas[p->replica_count], 0, sizeof *replicas);
        replicas[p->replica_count].name = n->name;
        config_target(g->c, n, &replicas[p->replica_count++].config);
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
    p->publish_chunks = config_is(k, "publish", "chunks");
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
    p->verify = config_is(k, "verify", "count")  ? VERIFY_COUNT
                : config_is(k, "verify", "full") ? VERIFY_FULL
                                                 : VERIFY_SUMS;
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

    p->workflow = config_need(g->c, k, "workflow");
    p->schedule = config_need(g->c, k, "schedule");
    p->owner_name = config_need(g->c, owner, "name");
    p->owner_email = config_need(g->c, owner, "email");
    bool by_hand = p->schedule[0] == '\0' && json_object_get(k, "tables") != NULL; /* an extract's */
    if (!by_hand && cronexpr_parse(p->schedule, &cron, &err) < 0)
        fault_add(g->f, where, "schedule: %s", err.msg);
    if (cron_zone_find(config_need(g->c, k, "timezone"), &p->zone, &err) < 0)
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
    const struct connection *from = config_connection(g, json_object_get(k, "source"), source, false);
    const struct connection *to = config_connection(g, json_object_get(k, "target"), target, true);
    config_fill_extract(g->c, p, k, where, g->f);
    if (from != NULL) {
        p->target_name = from->name; /* the database, as with every step */
        config_target(g->c, from, &p->target);
        if (from->scheme == SCHEME_SQLITE)
            fault_add(g->f, source, "connection '%s' is SQLite; extracts read MySQL and MariaDB", from->name);
    }
    if (to != NULL) {
        p->source_name = to->name;
        config_source(g->c, to, &p->source);
    }
    free(where);
    free(source);
    free(target);
}

static void fill_workflow(struct filling *g, struct own_workflow *w, const char *name, const json_t *k)
{
    char *where = xasprintf("workflows.%s", name);

    w->name = config_keep(g->c, name);
    w->definition = config_resolved(g->c, "", config_need(g->c, k, "definition"), "");
    w->resource_map = config_path(g->c, k, "resource_map");
    if (!name_fits(name))
        fault_add(g->f, where, NAME_FORM);
    if (json_object_get(json_object_get(g->c->root, "pipelines"), name) != NULL ||
        json_object_get(json_object_get(g->c->root, "extracts"), name) != NULL)
        fault_add(g->f, where, "a pipeline or an extract has this name too");
    free(where);
}

static void fill_table(struct filling *g, struct dict_table *d, const char *name, json_t *k)
{
    char *where = xasprintf("tables.%s", name);
    const struct connection *n = config_connection(g, k, where, false);

    if (!name_fits(name))
        fault_add(g->f, where, NAME_FORM);
    if (n != NULL) {
        d->connection = n->name;
        config_target(g->c, n, &d->target);
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
           *tables = json_object_get(root, "tables"), *own = json_object_get(root, "workflows"), *item;
    const json_t *retention = json_object_get(root, "retention");
    const char *name;

    c->state = config_resolved(c, "", config_need(c, root, "state"), "");
    c->linger_ms = config_duration(json_object_get(root, "tick"), "linger");
    c->keep_idle_ms = config_duration(retention, "idle");
    c->keep_ms = config_duration(retention, "executions");
    c->metrics_textfile = config_path(c, json_object_get(root, "metrics"), "textfile");
    config_fill_connections(&g, root, secrets);
    config_fill_tasks(&g, root);
    if (json_object_size(all) + json_object_size(extracts) > MAX_PIPELINES ||
        json_object_size(tables) > MAX_PIPELINES || json_object_size(own) > MAX_PIPELINES) {
        fault_add(f,
                  json_object_size(tables) > MAX_PIPELINES ? "tables"
                  : json_object_size(own) > MAX_PIPELINES  ? "workflows"
                                                           : "pipelines",
                  "more than %d", MAX_PIPELINES);
        return;
    }
    if (json_object_size(all) == 0 && json_object_size(extracts) == 0 && json_object_size(tables) == 0 &&
        json_object_size(own) == 0)
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
    c->workflows = arena_alloc(c->arena, (json_object_size(own) + 1) * sizeof *c->workflows);
    json_object_foreach(own, name, item)
        fill_workflow(&g, &c->workflows[c->workflow_count++], name, item);
    c->tables = arena_alloc(c->arena, (json_object_size(tables) + 1) * sizeof *c->tables);
    memset(c->tables, 0, (json_object_size(tables) + 1) * sizeof *c->tables);
    json_object_foreach(tables, name, item)
        fill_table(&g, &c->tables[c->table_count++], name, item);
    check_doubles(&g);
    config_fill_alerts(c, root, secrets, f);
    config_fill_serve(c, root, f);
}

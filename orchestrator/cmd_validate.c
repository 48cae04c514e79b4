#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/cmd_asl.h"
#include "orchestrator/engine.h"

static const char *file, *map_file;
static const struct opt opts[] = {
    {"workflow", 0, OPT_TEXT, &file, "FILE",
     "check this ASL document only (- for stdin), no orch.json needed"},
    {"resource-map", 0, OPT_TEXT, &map_file, "FILE", "with --workflow: what binds its resources to steps"},
    {0},
};

struct report {
    json_t *rows; /* owned */
    size_t errors;
    bool truncated;
};
struct document {
    struct report *report;
    const char *name; /* NULL: the one of --workflow, of which there is one only */
    const struct asl *a;
    const struct resource_map *map; /* NULL: none */
    const struct step_world *world; /* of orch.json; NULL: none is read */
};

static void add(struct document *d, const char *severity, const char *code, const char *message,
                const char *location)
{
    json_t *row = cli_diagnostic(severity, code, message, location);

    if (d->name != NULL)
        json_object_set_new(row, "document", cli_json_text(d->name));
    json_array_append_new(d->report->rows, row);
    d->report->errors += strcmp(severity, "ERROR") == 0;
}

/* A pipeline's workflow must have steps for all its Tasks; one by itself may be AWS's, or simulated. */
static int check_task(void *arg, const char *state, const char *resource, struct err *err)
{
    struct document *d = arg;
    struct err why = {0};
    char location[400] = "/States", *text;

    UNUSED(err);
    if (engine_step_lookup(resource) == NULL && resource_map_has(d->map, resource))
        return 0;
    const struct step_type *type = engine_step_lookup(resource);
    const json_t *given = json_object_get(asl_state(d->a, state), "Parameters");
    if (engine_check_task(d->a, state, resource, &why) == 0) {
        if (type == NULL || d->world == NULL || step_check_connection(type, d->world, given, &why) == 0)
            return 0;
        err_prefix(&why, "state '%s'", state);
    }
    bool known = type != NULL;
    if (json_object_get(asl_states(d->a), state) != NULL && strpbrk(state, "~/") == NULL)
        snprintf(location, sizeof location, "/States/%s/%s", state, known ? "Parameters" : "Resource");
    text = xasprintf("%s%s%s", why.msg, why.hint[0] != '\0' ? "; " : "", why.hint);
    add(d, known || d->name != NULL ? "ERROR" : "WARNING", known ? "INVALID_PARAMETERS" : "UNKNOWN_RESOURCE",
        text, location);
    free(text);
    return 0;
}

/* Diagnostics of one document. */
static int check(struct report *report, const char *name, const char *text, size_t n,
                 const struct resource_map *map, const struct step_world *world, struct err *err)
{
    struct document document = {.report = report, .name = name, .map = map, .world = world};
    struct asl_diagnostics d = {0};
    struct asl *a = NULL;
    int rc = asl_parse(text, n, &a, &d, err);

    for (size_t i = 0; i < d.count; i++)
        add(&document, d.items[i].severity, d.items[i].code, d.items[i].message, d.items[i].location);
    report->truncated = report->truncated || d.errors > d.count;
    document.a = a;
    if (rc == 0)
        rc = asl_each_task(a, check_task, &document, err);
    else if (d.errors > 0)
        rc = 0;
    asl_free(a);
    asl_diagnostics_release(&d);
    return rc;
}

/* path NULL: *ret is NULL. */
static int read_map(const char *path, struct resource_map **ret, struct err *err)
{
    struct buf text = BUF_INIT(MAX_RESOURCE_MAP);
    int rc = 0;

    *ret = NULL;
    if (path == NULL)
        return 0;
    rc = fs_read(path, &text, err);
    if (rc == 0)
        rc = resource_map_parse(text.p != NULL ? text.p : "", text.n, path, ret, err);
    buf_release(&text);
    return rc;
}

static int check_own(const struct own_workflow *w, const struct step_world *world, struct report *report,
                     struct err *err)
{
    struct buf text = BUF_INIT(MAX_DEFINITION);
    struct resource_map *map = NULL;
    int rc = fs_read(w->definition, &text, err);

    if (rc == 0)
        rc = read_map(w->resource_map, &map, err);
    if (rc == 0)
        rc = check(report, w->name, text.p != NULL ? text.p : "", text.n, map, world, err);
    else
        rc = err_prefix(err, "workflows.%s", w->name);
    resource_map_free(map);
    buf_release(&text);
    return rc;
}

static int check_pipelines(struct cli *c, struct report *report, struct err *err)
{
    int rc = cli_config(c, err);

    for (size_t i = 0; rc == 0 && i < c->config->pipeline_count; i++) { /* an extract's is the shipped one */
        const struct pipeline *p = &c->config->pipelines[i];
        bool seen = false;
        char *text = NULL;
        size_t n = 0;
        for (size_t k = 0; k < i; k++)
            seen = seen || strcmp(c->config->pipelines[k].workflow, p->workflow) == 0;
        if (seen)
            continue;
        rc = config_workflow(c->config, p, &text, &n, err);
        if (rc == 0)
            rc = check(report, p->workflow, text, n, NULL, &c->config->world, err);
        free(text);
    }
    for (size_t i = 0; rc == 0 && i < c->config->workflow_count; i++)
        rc = check_own(&c->config->workflows[i], &c->config->world, report, err);
    return rc;
}

static void print(struct cli *c, const struct report *r)
{
    static const struct out_column columns[] = {
        {"severity", "SEVERITY", false, false}, {"code", "CODE", false, false},
        {"location", "LOCATION", false, false}, {"message", "MESSAGE", false, false},
        {"document", "DOCUMENT", false, false}, {0},
    };
    char count[80];

    if (file != NULL &&
        !c->format_given) /* what aws stepfunctions validate-state-machine-definition prints */
        c->out.format = OUT_JSON;
    if (c->out.format == OUT_JSON) {
        json_t *whole = json_pack("{s:s,s:O,s:b}", "result", r->errors > 0 ? "FAIL" : "OK", "diagnostics",
                                  r->rows, "truncated", r->truncated);
        out_document(&c->out, whole);
        json_decref(whole);
        return;
    }
    out_rows(&c->out, "diagnostics", columns, r->rows);
    if (c->out.format == OUT_TABLE && r->errors == 0 && file == NULL)
        printf("%s: well, %s\n", c->config->path, config_count_text(c->config, count));
    else if (c->out.format == OUT_TABLE && r->errors == 0)
        printf("%s: well\n", file);
}

static int run(struct cli *c, struct err *err)
{
    struct buf text = BUF_INIT(MAX_DEFINITION);
    struct report report = {.rows = json_array()};
    struct resource_map *map = NULL;
    int rc;

    if (file == NULL && map_file != NULL) {
        rc = err_set(err, ERR_USAGE, "--resource-map goes with --workflow; orch.json names its maps itself");
    } else if (file == NULL) {
        rc = check_pipelines(c, &report, err);
    } else {
        rc = cli_file(file, &text, err);
        if (rc == 0)
            rc = read_map(map_file, &map, err);
        if (rc == 0)
            rc = check(&report, NULL, text.p != NULL ? text.p : "", text.n, map, NULL, err);
    }
    if (rc == 0) {
        print(c, &report);
        if (report.errors > 0)
            rc = err_set(err, ERR_WORKFLOW, report.errors == 1 ? "%s: %zu error" : "%s: %zu errors",
                         file != NULL ? file : "workflow", report.errors);
    }
    buf_release(&text);
    resource_map_free(map);
    json_decref(report.rows);
    return rc;
}

const struct command cmd_validate = {
    "validate",
    "",
    "Checks orch.json and its workflows: every fault, not only the first.",
    "Asks no server: orch doctor does. Of a workflow by itself it prints what aws stepfunctions "
    "validate-state-machine-definition does, unless -o asks for another form.\n\n"
    "  orch validate\n"
    "  orch validate --workflow my-workflow.asl.json\n"
    "  orch validate --workflow my-workflow.asl.json -o table\n"
    "  orch validate --workflow from-aws.asl.json --resource-map map.json\n",
    opts,
    0,
    0,
    run,
};

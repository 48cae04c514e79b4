#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/asl.h"
#include "orchestrator/cmd.h"
#include "orchestrator/engine.h"

static const char *file;
static const struct opt opts[] = {
    {"workflow", 0, OPT_TEXT, &file, "FILE", "check this ASL document only, no orch.json needed"},
    {0},
};

static void add(json_t *rows, const char *what, const struct asl_diagnostic *d)
{
    json_array_append_new(rows, json_pack("{s:o,s:s,s:s,s:o,s:o}", "document", cli_json_text(what),
                                          "severity", d->severity, "code", d->code, "message",
                                          cli_json_text(d->message), "location", cli_json_text(d->location)));
}

/* Diagnostics of one document; *ret_errors counts. */
static int check(const char *what, const char *text, size_t n, json_t *rows, size_t *ret_errors,
                 struct err *err)
{
    struct asl_diagnostics d = {0};
    struct asl *a = NULL;
    int rc = asl_parse(text, n, &a, &d, err);

    for (size_t i = 0; i < d.count; i++)
        add(rows, what, &d.items[i]);
    *ret_errors += d.errors;
    if (rc < 0 && d.errors == 0)
        goto out;
    rc = 0;
    struct err wrong;
    if (a != NULL && engine_check_tasks(a, &wrong) < 0) {
        struct asl_diagnostic unknown = {
            .severity = "ERROR", .code = "UNKNOWN_RESOURCE", .location = "/States"};
        snprintf(unknown.message, sizeof unknown.message, "%.399s", wrong.msg);
        add(rows, what, &unknown);
        ++*ret_errors;
    }
out:
    asl_free(a);
    asl_diagnostics_release(&d);
    return rc < 0 ? rc : 0;
}

static int check_pipelines(struct cli *c, json_t *rows, size_t *ret_errors, struct err *err)
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
            rc = check(p->workflow, text, n, rows, ret_errors, err);
        free(text);
    }
    return rc;
}

static void print(struct cli *c, const json_t *rows, size_t errors)
{
    static const struct out_column columns[] = {
        {"severity", "SEVERITY", false, false}, {"code", "CODE", false, false},
        {"location", "LOCATION", false, false}, {"message", "MESSAGE", false, false},
        {"document", "DOCUMENT", false, false}, {0},
    };
    char count[80];

    if (c->out.format == OUT_JSON) { /* the shape of validate-state-machine-definition */
        json_t *whole = json_pack("{s:s,s:O,s:b}", "result", errors > 0 ? "FAIL" : "OK", "diagnostics", rows,
                                  "truncated", 0);
        out_document(&c->out, whole);
        json_decref(whole);
        return;
    }
    out_rows(&c->out, "diagnostics", columns, rows);
    if (c->out.format == OUT_TABLE && errors == 0 && file == NULL)
        printf("%s: well, %s\n", c->config->path, config_count_text(c->config, count));
    else if (c->out.format == OUT_TABLE && errors == 0)
        printf("%s: well\n", file);
}

static int run(struct cli *c, struct err *err)
{
    struct buf text = BUF_INIT(MAX_DEFINITION);
    json_t *rows = json_array();
    size_t errors = 0;
    int rc;

    if (file == NULL) {
        rc = check_pipelines(c, rows, &errors, err);
    } else {
        rc = fs_read(file, &text, err);
        if (rc == 0)
            rc = check(file, text.p != NULL ? text.p : "", text.n, rows, &errors, err);
    }
    if (rc == 0) {
        print(c, rows, errors);
        if (errors > 0)
            rc = err_set(err, ERR_WORKFLOW, "%s: %zu errors", file != NULL ? file : "workflow", errors);
    }
    buf_release(&text);
    json_decref(rows);
    return rc;
}

const struct command cmd_validate = {
    "validate",
    "",
    "Checks orch.json and its workflows: every fault, not only the first.",
    "Asks no server: orch doctor does.\n\n"
    "  orch validate\n"
    "  orch validate --workflow my-workflow.asl.json -o json\n",
    opts,
    0,
    0,
    run,
};

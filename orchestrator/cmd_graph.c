#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/cmd_exec.h"
#include "orchestrator/graph_trail.h"

static const char *format, *to_file;
static const struct opt opts[] = {
    {"format", 0, OPT_TEXT, &format, "FORM", "svg (as it is), or mermaid"},
    {"to", 0, OPT_TEXT, &to_file, "FILE", "write it there; stdout unless told"},
    {0},
};

static bool is_file(const char *word)
{
    return str_ends(word, ".json") || strchr(word, '/') != NULL;
}

static bool is_flow(const struct cli *c, const char *word)
{
    const struct pipeline *p;
    struct err none;

    return config_flow(c->config, word, &p, &none) == 0;
}

static int of_pipeline(struct cli *c, const char *word, struct buf *definition, struct err *err)
{
    const struct pipeline *p = NULL;
    char *text = NULL;
    size_t n = 0;
    int rc = config_flow(c->config, word, &p, err);

    if (rc == 0)
        rc = config_workflow(c->config, p, &text, &n, err);
    if (rc == 0)
        rc = buf_add(definition, text, n, err);
    free(text);
    return rc;
}

static int of_execution(struct cli *c, const char *word, struct buf *definition, struct trail *t,
                        char **ret_title, struct err *err)
{
    struct execution e = {0};
    char *name = NULL, *text = NULL;
    int rc = exec_find(c, STORE_READ, word, &e, err);

    if (rc < 0)
        return rc;
    rc = workflow_get(c->store, e.workflow_sha256, &name, &text, err);
    if (rc == 0)
        rc = trail_read(c->store, &e, t, err);
    if (rc == 0)
        rc = buf_adds(definition, text, err);
    if (rc == 0)
        *ret_title = xasprintf("%s: %s", e.name, e.status);
    free(name);
    free(text);
    execution_release(&e);
    return rc;
}

static int draw(struct cli *c, const struct buf *definition, const struct trail *t, const char *title,
                struct buf *out, struct err *err)
{
    const struct graph_trail trail = {t->entered, t->steps, t->failed, t->current};
    struct asl_diagnostics d = {0};
    struct asl *a = NULL;
    int rc = asl_parse(definition->p != NULL ? definition->p : "", definition->n, &a, &d, err);

    UNUSED(c);
    if (rc < 0)
        err_hint(err, "orch validate --workflow FILE tells every fault");
    else if (format != NULL && strcmp(format, "mermaid") == 0)
        rc = graph_mermaid(a, &trail, title, out, err);
    else
        rc = graph_svg(a, &trail, title, out, err);
    asl_free(a);
    asl_diagnostics_release(&d);
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    struct buf definition = BUF_INIT(MAX_DEFINITION), out = BUF_INIT(MAX_GRAPH);
    const char *word = c->args.items[0];
    struct trail t = {0};
    char *title = NULL;
    int rc;

    if (format != NULL && strcmp(format, "svg") != 0 && strcmp(format, "mermaid") != 0)
        return err_set(err, ERR_USAGE, "--format is svg or mermaid");
    if (c->out.format != OUT_TABLE) {
        err_set(err, ERR_USAGE, "a graph is no table: -o has no form for it");
        return err_hint(err, "--format svg or --format mermaid; --to FILE");
    }
    if (is_file(word))
        rc = fs_read(word, &definition, err);
    else if ((rc = cli_config(c, err)) == 0 && is_flow(c, word))
        rc = of_pipeline(c, word, &definition, err);
    else if (rc == 0)
        rc = of_execution(c, word, &definition, &t, &title, err);
    if (rc == 0)
        rc = draw(c, &definition, &t, title != NULL ? title : word, &out, err);
    if (rc == 0 && to_file != NULL)
        rc = fs_write(to_file, out.p, out.n, 0644, err);
    else if (rc == 0)
        fwrite(out.p, 1, out.n, c->out.to);
    free(title);
    trail_release(&t);
    buf_release(&definition);
    buf_release(&out);
    return rc;
}

const struct command cmd_graph = {
    "graph",
    "PIPELINE | EXTRACT | EXECUTION | FILE",
    "A workflow drawn, or the path that an execution took through it.",
    "SVG that needs nothing beside itself, or Mermaid text for a page or a merge request. The path taken is "
    "thick;\n"
    "what failed, where it is now and how often a state was entered are written in the box. A pipeline's "
    "or extract's name\n"
    "draws its workflow, orch list names executions, and a FILE that ends in .json needs no orch.json.\n\n"
    "  orch graph loans --to loans.svg\n"
    "  orch graph loans-20220605T130000Z-4f2a --format mermaid\n",
    opts,
    1,
    1,
    run,
};

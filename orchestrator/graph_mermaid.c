#include "orchestrator/graph_int.h"

/* Between double quotes of a flowchart. '#' begins Mermaid's own entities; a backquote would begin Markdown. */
static int text(struct buf *b, const char *s, struct err *err)
{
    static const char special[] = "\"#&<>`\\|{}[]()";
    char one[GRAPH_CHAR];
    int rc = 0, width;

    while (rc == 0 && *s != '\0') {
        s += graph_char(s, one, &width);
        if (strchr(special, one[0]) != NULL)
            rc = buf_addf(b, err, "#%d;", one[0]);
        else
            rc = buf_adds(b, one, err);
    }
    return rc;
}

static int node(struct buf *b, const struct node *n, int id, struct err *err)
{
    const char *type = json_string_value(json_object_get(n->state, "Type"));
    bool choice = strcmp(type, "Choice") == 0,
         round = strcmp(type, "Succeed") == 0 || strcmp(type, "Fail") == 0;
    int rc = buf_addf(b, err, "    s%d%s\"", id, choice ? "{{" : round ? "([" : "[");

    if (rc == 0)
        rc = text(b, n->name, err);
    if (rc == 0)
        rc = buf_addf(b, err, "<br/>%s", type);
    if (rc == 0 && n->failed)
        rc = buf_adds(b, " · ✖ failed: ", err);
    if (rc == 0 && n->failed)
        rc = text(b, n->error, err);
    if (rc == 0 && n->current)
        rc = buf_adds(b, " · ▶ here", err);
    if (rc == 0 && n->times > 0 && !n->failed && !n->current)
        rc = buf_adds(b, " · ✓", err);
    if (rc == 0 && n->times > 1)
        rc = buf_addf(b, err, " ×%lld", (long long)n->times);
    return rc < 0 ? rc : buf_addf(b, err, "\"%s\n", choice ? "}}" : round ? "])" : "]");
}

static int arrow(struct buf *b, int from, int to, const char *line, const char *label, struct err *err)
{
    int rc = buf_addf(b, err, "    s%d %s", from, line);

    if (rc == 0 && label[0] != '\0') {
        rc = buf_adds(b, "|\"", err);
        if (rc == 0)
            rc = text(b, label, err);
        if (rc == 0)
            rc = buf_adds(b, "\"|", err);
    }
    return rc < 0 ? rc : buf_addf(b, err, " s%d\n", to);
}

static int classes(struct buf *b, const struct graph *g, struct err *err)
{
    int rc = 0;

    for (int i = 1; rc == 0 && i < g->state_end; i++) {
        const struct node *n = &g->nodes[i];
        if (n->times > 0 || n->failed || n->current)
            rc = buf_addf(b, err, "    style s%d stroke-width:%s%s\n", i, n->times > 0 ? "3px" : "1px",
                          n->current ? ",stroke-dasharray:5 3" : "");
    }
    return rc;
}

static int draw(struct buf *b, const struct graph *g, const char *title, struct err *err)
{
    int rc = buf_adds(b, "%% ", err);

    if (rc == 0)
        rc = text(b, title, err);
    if (rc == 0)
        rc = buf_adds(b, "\nflowchart TD\n    s0((\" \"))\n", err);
    for (int i = 1; rc == 0 && i < g->state_end; i++)
        rc = node(b, &g->nodes[i], i, err);
    for (int i = 0; rc == 0 && i < g->edge_count; i++) {
        const struct edge *e = &g->edges[i];
        rc = arrow(b, e->from, e->to,
                   e->taken                ? "==>"
                   : e->kind == EDGE_CATCH ? "-.->"
                                           : "-->",
                   e->label, err);
    }
    for (int i = 1; rc == 0 && i < g->state_end; i++)
        if (g->nodes[i].retry[0] != '\0')
            rc = arrow(b, i, i, g->nodes[i].retried > 0 ? "==>" : "-.->", g->nodes[i].retry, err);
    return rc < 0 ? rc : classes(b, g, err);
}

int graph_mermaid(const struct asl *a, const struct graph_trail *t, const char *title, struct buf *out,
                  struct err *err)
{
    struct graph g;
    int rc = graph_build(&g, a, t, err);

    if (rc < 0)
        return rc;
    rc = draw(out, &g, title, err);
    graph_release(&g);
    return rc;
}

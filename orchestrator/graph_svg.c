#include "base/html.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/graph_int.h"

enum { SHOWN_LABEL = 34 };

static int text(struct buf *b, const char *s, struct err *err)
{
    char one[GRAPH_CHAR];
    int rc = 0, width;

    while (rc == 0 && *s != '\0') {
        s += graph_char(s, one, &width);
        rc = html_adds(b, one, err);
    }
    return rc;
}

static int element(struct buf *b, const char *before, const char *content, const char *after, struct err *err)
{
    int rc = buf_adds(b, before, err);

    if (rc == 0)
        rc = text(b, content, err);
    return rc < 0 ? rc : buf_adds(b, after, err);
}

/* Light and dark by what the reader's system prefers; inside a page, by the page's own text colour. */
static const char style[] =
    "<style>\n"
    ".orch{color:#1b1f24;--paper:#fff;--soft:#68707a;--bad:#b3261e;font:13px system-ui,sans-serif}\n"
    "@media (prefers-color-scheme:dark){.orch{color:#e4e7eb;--paper:#16191d;--soft:#98a1ab;--bad:#ff8a80}}\n"
    ".orch .paper{fill:var(--paper)}\n"
    ".orch .n path,.orch .n rect{fill:var(--paper);stroke:currentColor;stroke-width:1.2}\n"
    ".orch .n text{fill:currentColor;text-anchor:middle}\n"
    ".orch .n .sub{font-size:11px;fill:var(--soft)}\n"
    ".orch .n.went path,.orch .n.went rect{stroke-width:3}\n"
    ".orch .n.went .name{font-weight:600}\n"
    ".orch .n.failed path,.orch .n.failed rect{stroke:var(--bad)}\n"
    ".orch .n.failed .sub{fill:var(--bad);font-weight:600}\n"
    ".orch .ring{fill:none!important;stroke:currentColor;stroke-width:1.5!important;stroke-dasharray:5 3}\n"
    ".orch .e path{fill:none;stroke:currentColor;stroke-width:1.2}\n"
    ".orch .e.catch path{stroke:var(--soft);stroke-dasharray:5 4}\n"
    ".orch .e.went path{stroke:currentColor;stroke-width:3.2}\n"
    ".orch .e text{font-size:11px;fill:var(--soft);text-anchor:middle}\n"
    ".orch .e.went text{fill:currentColor}\n"
    ".orch marker path{fill:context-stroke;stroke:none}\n"
    "</style>\n"
    "<defs><marker id=\"orch-tip\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"9\" "
    "markerHeight=\"9\" "
    "markerUnits=\"userSpaceOnUse\" orient=\"auto-start-reverse\"><path d=\"M0 0L10 5L0 "
    "10z\"/></marker></defs>\n";

/* ---- edges ---- */

static int curve(struct buf *b, double x0, double y0, double x1, double y1, struct err *err)
{
    double mid = (y0 + y1) / 2;

    return buf_addf(b, err, "C%.1f %.1f %.1f %.1f %.1f %.1f", x0, mid, x1, mid, x1, y1);
}

/*
 * From where it leaves to where it leads, through the bends. Of edges that share a rail and were not taken, only the first
 * is drawn all along it: the others join it.
 */
static int path(struct buf *b, struct graph *g, const struct edge *e, struct err *err)
{
    const struct node *from = &g->nodes[e->from], *to = &g->nodes[e->to];
    double way = e->back ? -1 : 1, x = from->x, y = from->y + way * (from->name == NULL ? 7 : from->h / 2);
    int rc = buf_addf(b, err, "<path d=\"M%.1f %.1f", x, y);

    for (int i = 0; rc == 0 && i < e->bend_count; i++) {
        struct node *n = &g->nodes[e->bends[e->back ? e->bend_count - 1 - i : i]];
        rc = curve(b, x, y, n->x, n->y - way * n->h / 2, err);
        if (rc == 0 && n->drawn && !e->taken)
            return buf_adds(b, "\"/>", err);
        x = n->x;
        y = n->y + way * n->h / 2;
        if (rc == 0)
            rc = buf_addf(b, err, "L%.1f %.1f", x, y);
        n->drawn = n->drawn || !e->taken;
    }
    if (rc == 0)
        rc = curve(b, x, y, to->x, to->y - way * to->h / 2, err);
    return rc < 0 ? rc : buf_adds(b, "\" marker-end=\"url(#orch-tip)\"/>", err);
}

static int edge_open(struct buf *b, bool catch, bool went, struct err *err)
{
    return buf_addf(b, err, "<g class=\"e%s%s\">", catch ? " catch" : "", went ? " went" : "");
}

/* Near the end that the edge comes from: bends are shared, the first piece is not. Neighbours are set lower by turns. */
static int label(struct buf *b, const struct graph *g, const struct edge *e, int turn, struct err *err)
{
    const struct node *from = &g->nodes[e->from];
    int beside = e->bend_count == 0 ? (e->back ? e->from : e->to) : e->bends[e->back ? e->bend_count - 1 : 0];
    const struct node *to = &g->nodes[e->bend_count == 0 ? e->to : beside];
    double away = e->kind == EDGE_CATCH ? 0.24 : 0.36 + 0.2 * (turn % 3), way = e->back ? -1 : 1;
    double y0 = from->y + way * from->h / 2, y1 = to->y - way * to->h / 2;
    double smooth = away * away * (3 - 2 * away); /* about where the curve is */
    char shown[GRAPH_LABEL];
    int rc;

    if (e->label[0] == '\0')
        return 0;
    double half = graph_cut(e->label, SHOWN_LABEL, shown, sizeof shown) * 2.9 + 4;
    double x = from->x + (to->x - from->x) * smooth, y = y0 + (y1 - y0) * away;
    if (e->kind == EDGE_CATCH && from->x != to->x) /* beside the way on, which leaves at the same place */
        x = from->x + (to->x < from->x ? -1 : 1) * (half + 8);
    rc = edge_open(b, e->kind == EDGE_CATCH, e->taken, err);
    if (rc == 0) /* the lines behind it would strike it through */
        rc = buf_addf(b, err,
                      "<rect class=\"paper\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"14\" "
                      "opacity=\".85\"/><text x=\"%.1f\" y=\"%.1f\">",
                      x - half, y - 7, 2 * half, x, y + 4);
    return rc < 0 ? rc : element(b, "", shown, "</text></g>\n", err);
}

static int loop(struct buf *b, const struct node *n, struct err *err)
{
    double x = n->x + n->w / 2, y = n->y;

    return buf_addf(b, err, "<path d=\"M%.1f %.1fc26 -14 26 24 2 14\" marker-end=\"url(#orch-tip)\"/>", x,
                    y - 6);
}

static int edge(struct buf *b, struct graph *g, const struct edge *e, struct err *err)
{
    const char *to = g->nodes[e->to].name, *from = g->nodes[e->from].name;
    int rc = edge_open(b, e->kind == EDGE_CATCH, e->taken, err);

    if (rc == 0)
        rc = element(b, "<title>", from != NULL ? from : "start", " → ", err);
    if (rc == 0)
        rc = element(b, "", to, e->label[0] != '\0' ? ": " : "", err);
    if (rc == 0)
        rc = element(b, "", e->label, e->taken ? " (taken)</title>" : "</title>", err);
    if (rc == 0)
        rc = e->from == e->to ? loop(b, &g->nodes[e->from], err) : path(b, g, e, err);
    return rc < 0 ? rc : buf_adds(b, "</g>\n", err);
}

static int retry(struct buf *b, const struct node *n, struct err *err)
{
    int rc = edge_open(b, true, n->retried > 0, err);

    if (rc == 0)
        rc = element(b, "<title>", n->name, ": ", err);
    if (rc == 0)
        rc = element(b, "", n->retry, "</title>", err);
    if (rc == 0)
        rc = loop(b, n, err);
    return rc < 0 ? rc : buf_adds(b, "</g>\n", err);
}

/* ---- nodes ---- */

/* Choice: a hexagon; where a run ends: round; the rest: a box. */
static int shape(struct buf *b, const struct node *n, double more, const char *class, struct err *err)
{
    double w = n->w + 2 * more, h = n->h + 2 * more, x = n->x - w / 2, y = n->y - h / 2;
    const char *type = json_string_value(json_object_get(n->state, "Type"));

    if (strcmp(type, "Choice") == 0)
        return buf_addf(b, err, "<path class=\"%s\" d=\"M%.1f %.1fl14 %.1fh%.1fl14 %.1fl-14 %.1fh%.1fz\"/>",
                        class, x, n->y, -h / 2, w - 28, h / 2, h / 2, 28 - w);
    double round = strcmp(type, "Succeed") == 0 || strcmp(type, "Fail") == 0 ? h / 2
                   : strcmp(type, "Wait") == 0                               ? 14
                                                                             : 4;
    return buf_addf(b, err,
                    "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.1f\"/>",
                    class, x, y, w, h, round);
}

static int node(struct buf *b, const struct node *n, struct err *err)
{
    char name[GRAPH_LABEL], sub[2 * GRAPH_LABEL];
    const char *comment = json_string_value(json_object_get(n->state, "Comment"));
    int rc = buf_addf(b, err, "<g class=\"n%s%s%s\">", n->times > 0 ? " went" : "",
                      n->failed ? " failed" : "", n->current ? " here" : "");

    graph_cut(n->name, 40, name, sizeof name);
    graph_describe(n, 300, sub, sizeof sub);
    if (rc == 0)
        rc = element(b, "<title>", n->name, " (", err);
    if (rc == 0)
        rc = element(b, "", sub, ")", err);
    if (rc == 0 && comment != NULL)
        rc = element(b, ": ", comment, "", err);
    if (rc == 0)
        rc = element(b, n->retry[0] != '\0' ? "; " : "", n->retry, "</title>", err);
    if (rc == 0 && n->current)
        rc = shape(b, n, 6, "ring", err);
    if (rc == 0)
        rc = shape(b, n, 0, "box", err);
    graph_describe(n, SHOWN_ERROR, sub, sizeof sub);
    if (rc == 0)
        rc = buf_addf(b, err, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">", n->x, n->y - 3);
    if (rc == 0)
        rc = element(b, "", name, "</text>", err);
    if (rc == 0)
        rc = buf_addf(b, err, "<text class=\"sub\" x=\"%.1f\" y=\"%.1f\">", n->x, n->y + 14);
    return rc < 0 ? rc : element(b, "", sub, "</text></g>\n", err);
}

static int head(struct buf *b, const struct graph *g, const char *title, struct err *err)
{
    int taken = 0, rc;

    for (int i = 1; i < g->state_end; i++)
        taken += g->nodes[i].times > 0;
    rc = buf_addf(
        b, err,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"orch\" role=\"img\" viewBox=\"0 0 %.0f %.0f\" "
        "width=\"%.0f\" height=\"%.0f\">\n",
        g->width, g->height, g->width, g->height);
    if (rc == 0)
        rc = element(b, "<title>", title, "</title>\n", err);
    if (rc == 0)
        rc = buf_addf(b, err, "<desc>A workflow of %d states", g->state_end - 1);
    if (rc == 0 && taken > 0)
        rc = buf_addf(b, err, "; %d of them were entered, and are drawn with thick lines", taken);
    if (rc == 0)
        rc = buf_adds(b, ". Dashed arrows are Catch.</desc>\n", err);
    if (rc == 0)
        rc = buf_adds(b, style, err);
    return rc < 0 ? rc
                  : buf_addf(b, err, "<rect class=\"paper\" width=\"%.0f\" height=\"%.0f\"/>\n", g->width,
                             g->height);
}

/* What was taken lies on top of what was not, and the labels on top of all lines. */
static int edges(struct buf *b, struct graph *g, struct err *err)
{
    int rc = 0, turn = 0;

    for (int i = 0; rc == 0 && i < g->edge_count; i++)
        if (!g->edges[i].taken)
            rc = edge(b, g, &g->edges[i], err);
    for (int i = 1; rc == 0 && i < g->state_end; i++)
        if (g->nodes[i].retry[0] != '\0')
            rc = retry(b, &g->nodes[i], err);
    for (int i = 0; rc == 0 && i < g->edge_count; i++)
        if (g->edges[i].taken)
            rc = edge(b, g, &g->edges[i], err);
    for (int i = 0; rc == 0 && i < g->edge_count; i++) {
        turn = i > 0 && g->edges[i].from == g->edges[i - 1].from ? turn + 1 : 0;
        if (g->edges[i].from != g->edges[i].to)
            rc = label(b, g, &g->edges[i], turn, err);
    }
    return rc;
}

static int draw(struct buf *b, struct graph *g, const char *title, struct err *err)
{
    int rc = head(b, g, title, err);

    if (rc == 0)
        rc = edges(b, g, err);
    if (rc == 0)
        rc = buf_addf(b, err, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"7\" fill=\"currentColor\"/>\n",
                      g->nodes[NODE_START].x, g->nodes[NODE_START].y);
    for (int i = 1; rc == 0 && i < g->state_end; i++)
        rc = node(b, &g->nodes[i], err);
    return rc < 0 ? rc : buf_adds(b, "</svg>\n", err);
}

int graph_svg(const struct asl *a, const struct graph_trail *t, const char *title, struct buf *out,
              struct err *err)
{
    struct graph g;
    int rc = graph_build(&g, a, t, err);

    if (rc < 0)
        return rc;
    rc = graph_layout(&g, err);
    if (rc == 0)
        rc = draw(out, &g, title, err);
    graph_release(&g);
    return rc;
}

/*
 * Sugiyama's way: break cycles, layers by the longest path, bends where an edge passes a layer, order by barycentres,
 * then x by what the neighbours wish. Edges to one state share their bends, so that twenty Catches to one state are one
 * rail and not twenty.
 */
#include "base/mem.h"
#include "orchestrator/graph_int.h"

enum {
    SWEEPS = 12,
    SHIFTS = 24,
    GAP_X = 44,
    GAP_BEND = 14,
    GAP_Y = 74,
    NODE_H = 46,
    MARGIN = 24,
    LETTER = 8
};

/* ---- cycles and layers ---- */

struct walk {
    struct graph *g;
    int *first, *edges; /* edges by their source: [first[n], first[n + 1]) */
    char *seen;         /* 0 no, 1 on the way, 2 done */
    int *order;         /* nodes as they are done: a topological order, backwards */
    int order_n;
};

static void by_source(struct walk *w)
{
    struct graph *g = w->g;

    w->first = xcalloc((size_t)g->node_count + 2, sizeof *w->first);
    w->edges = xcalloc((size_t)g->edge_count + 1, sizeof *w->edges);
    for (int i = 0; i < g->edge_count; i++)
        w->first[g->edges[i].from + 2]++;
    for (int i = 2; i <= g->node_count + 1; i++)
        w->first[i] += w->first[i - 1];
    for (int i = 0; i < g->edge_count; i++)
        w->edges[w->first[g->edges[i].from + 1]++] = i;
}

/* Depth first without recursion; an edge to a node that is still on the way closes a cycle. */
static void visit(struct walk *w, int root)
{
    int *stack = xcalloc((size_t)w->g->node_count + 1, sizeof *stack);
    int *at = xcalloc((size_t)w->g->node_count + 1, sizeof *at);
    int depth = 0;

    stack[0] = root;
    at[0] = w->first[root];
    w->seen[root] = 1;
    while (depth >= 0) {
        int n = stack[depth];
        if (at[depth] == w->first[n + 1]) {
            w->seen[n] = 2;
            w->order[w->order_n++] = n;
            depth--;
            continue;
        }
        struct edge *e = &w->g->edges[w->edges[at[depth]++]];
        if (w->seen[e->to] == 1)
            e->back = true;
        if (w->seen[e->to] == 0) {
            w->seen[e->to] = 1;
            stack[++depth] = e->to;
            at[depth] = w->first[e->to];
        }
    }
    free(stack);
    free(at);
}

static int upper(const struct edge *e)
{
    return e->back ? e->to : e->from;
}

static int lower(const struct edge *e)
{
    return e->back ? e->from : e->to;
}

/* An edge against the order does not push; what hangs below a cycle's first state is pushed by the others. */
static void layer(struct graph *g)
{
    struct walk w = {.g = g};

    w.seen = xcalloc((size_t)g->node_count, 1);
    w.order = xcalloc((size_t)g->node_count, sizeof *w.order);
    by_source(&w);
    for (int i = 0; i < g->node_count; i++)
        if (w.seen[i] == 0)
            visit(&w, i);
    for (int i = w.order_n; i-- > 0;) {
        int n = w.order[i];
        for (int k = w.first[n]; k < w.first[n + 1]; k++) {
            const struct edge *e = &g->edges[w.edges[k]];
            if (!e->back && g->nodes[e->to].layer <= g->nodes[n].layer)
                g->nodes[e->to].layer = g->nodes[n].layer + 1;
        }
        if (g->nodes[n].layer >= g->layers)
            g->layers = g->nodes[n].layer + 1;
    }
    free(w.first);
    free(w.edges);
    free(w.seen);
    free(w.order);
}

/* ---- bends ---- */

static int add_bend(struct graph *g, int layer_at, int *cap, struct err *err)
{
    if (g->node_count == GRAPH_NODES)
        return err_set(err, ERR_TOO_LARGE,
                       "the workflow is too tangled to be drawn: its edges have more than %d bends",
                       GRAPH_NODES);
    if (g->node_count == *cap) {
        *cap *= 2;
        g->nodes = xrealloc(g->nodes, (size_t)*cap * sizeof *g->nodes);
    }
    g->nodes[g->node_count] = (struct node){.layer = layer_at, .w = 2, .h = NODE_H};
    return g->node_count++;
}

/* rail: by layer, the bend of edges to this node that go the same way; -1 none yet. */
static int bend(struct graph *g, struct edge *e, int *rail, int *cap, struct err *err)
{
    int from = g->nodes[upper(e)].layer + 1, to = g->nodes[lower(e)].layer;

    if (to <= from)
        return 0;
    e->bends = xcalloc((size_t)(to - from), sizeof *e->bends);
    for (int l = from; l < to; l++) {
        if (rail[l] < 0) {
            int made = add_bend(g, l, cap, err);
            if (made < 0)
                return made;
            rail[l] = made;
        }
        e->bends[e->bend_count++] = rail[l];
    }
    return 0;
}

static int bends(struct graph *g, struct err *err)
{
    int cap = g->node_count, states = g->node_count, rc = 0;
    int *rail = xcalloc((size_t)g->layers + 1, sizeof *rail);

    /* three rails may lead to a state: from Next and Default, from Catch, and from below */
    for (int n = 0; rc == 0 && n < states; n++)
        for (int way = 0; rc == 0 && way < 3; way++) {
            for (int l = 0; l <= g->layers; l++)
                rail[l] = -1;
            for (int i = 0; rc == 0 && i < g->edge_count; i++) {
                struct edge *e = &g->edges[i];
                int mine = e->back ? 2 : e->kind == EDGE_CATCH;
                if (e->to == n && mine == way)
                    rc = bend(g, e, rail, &cap, err);
            }
        }
    free(rail);
    return rc < 0 ? rc : 0;
}

/* ---- order ---- */

struct links { /* neighbours of each node above and below, bends included */
    int *first[2], *to[2];
};

static void link_count(struct graph *g, struct links *l, int a, int b, bool fill)
{
    UNUSED(g);
    if (!fill) {
        l->first[1][a + 2]++;
        l->first[0][b + 2]++;
    } else {
        l->to[1][l->first[1][a + 1]++] = b;
        l->to[0][l->first[0][b + 1]++] = a;
    }
}

static int link_all(struct graph *g, struct links *l, bool fill)
{
    int count = 0;

    for (int i = 0; i < g->edge_count; i++) {
        const struct edge *e = &g->edges[i];
        int last = upper(e);
        if (e->from == e->to)
            continue;
        for (int k = 0; k <= e->bend_count; k++, count++) {
            int next = k < e->bend_count ? e->bends[k] : lower(e);
            link_count(g, l, last, next, fill);
            last = next;
        }
    }
    return count;
}

static void links_make(struct graph *g, struct links *l)
{
    for (int side = 0; side < 2; side++)
        l->first[side] = xcalloc((size_t)g->node_count + 3, sizeof(int));
    int count = link_all(g, l, false);
    for (int side = 0; side < 2; side++) {
        l->to[side] = xcalloc((size_t)count + 1, sizeof(int));
        for (int i = 2; i < g->node_count + 2; i++)
            l->first[side][i] += l->first[side][i - 1];
    }
    link_all(g, l, true);
}

static void links_free(struct links *l)
{
    for (int side = 0; side < 2; side++) {
        free(l->first[side]);
        free(l->to[side]);
    }
}

struct rows { /* nodes of each layer, in order: [first[l], first[l + 1]) */
    struct node **node;
    int *first;
};

static void rows_make(struct graph *g, struct rows *r)
{
    int *at = xcalloc((size_t)g->layers + 2, sizeof *at);

    r->node = xcalloc((size_t)g->node_count + 1, sizeof(struct node *));
    r->first = xcalloc((size_t)g->layers + 2, sizeof *r->first);
    for (int i = 0; i < g->node_count; i++)
        r->first[g->nodes[i].layer + 1]++;
    for (int i = 1; i <= g->layers; i++)
        r->first[i] += r->first[i - 1];
    memcpy(at, r->first, ((size_t)g->layers + 1) * sizeof *at);
    for (int i = 0; i < g->node_count; i++) {
        struct node *n = &g->nodes[i];
        n->order = at[n->layer] - r->first[n->layer];
        r->node[at[n->layer]++] = n;
    }
    free(at);
}

static int by_wish(const void *a, const void *b)
{
    const struct node *const *x = a, *const *y = b;

    if ((*x)->wish != (*y)->wish)
        return (*x)->wish < (*y)->wish ? -1 : 1;
    return ((*x)->order > (*y)->order) - ((*x)->order < (*y)->order);
}

/* The mean of what the neighbours of one side have; its own value where it has none. */
static double mean(const struct graph *g, const struct links *l, int side, const struct node *n, bool order)
{
    int at = (int)(n - g->nodes);
    double sum = 0;
    int count = l->first[side][at + 1] - l->first[side][at];

    for (int i = l->first[side][at]; i < l->first[side][at + 1]; i++) {
        const struct node *m = &g->nodes[l->to[side][i]];
        sum += order ? m->order : m->x;
    }
    if (count > 0)
        return sum / count;
    return order ? n->order : n->x;
}

static void sweep(struct graph *g, struct rows *r, const struct links *l, bool down)
{
    for (int k = 1; k < g->layers; k++) {
        int at = down ? k : g->layers - 1 - k, n = r->first[at + 1] - r->first[at];
        struct node **row = r->node + r->first[at];
        for (int i = 0; i < n; i++)
            row[i]->wish = mean(g, l, down ? 0 : 1, row[i], true);
        qsort(row, (size_t)n, sizeof(struct node *), by_wish);
        for (int i = 0; i < n; i++)
            row[i]->order = i;
    }
}

/* ---- coordinates ---- */

static double gap(const struct node *a, const struct node *b)
{
    return (a->w + b->w) / 2 + (a->name == NULL && b->name == NULL ? GAP_BEND : GAP_X);
}

/* Everybody goes where he wishes, then as far aside as his neighbours need, half of it to either side. */
static void place(struct node **row, int n)
{
    double off = 0;

    for (int i = 0; i < n; i++) {
        row[i]->x = row[i]->wish;
        if (i > 0 && row[i]->x < row[i - 1]->x + gap(row[i - 1], row[i]))
            row[i]->x = row[i - 1]->x + gap(row[i - 1], row[i]);
        off += row[i]->x - row[i]->wish;
    }
    for (int i = 0; i < n; i++)
        row[i]->x -= off / n;
}

static void measure(struct graph *g)
{
    char shown[2 * GRAPH_LABEL], cut[2 * GRAPH_LABEL];

    for (int i = 0; i < g->node_count; i++) {
        struct node *n = &g->nodes[i];
        n->h = NODE_H;
        if (i == NODE_START)
            n->w = 20;
        if (n->name == NULL)
            continue;
        int columns = graph_cut(n->name, 40, shown, sizeof shown);
        n->w = (columns < 14 ? 14 : columns) * LETTER + 36;
        graph_describe(n, SHOWN_ERROR, shown, sizeof shown);
        double sub = graph_cut(shown, GRAPH_LABEL / 4, cut, sizeof cut) * 6.7 + 32;
        n->w = n->w < sub ? sub : n->w;
    }
}

static void coordinates(struct graph *g, struct rows *r, const struct links *l)
{
    double least = 1e9, most = -1e9;

    for (int k = 0; k < g->layers; k++) {
        int n = r->first[k + 1] - r->first[k];
        for (int i = 0; i < n; i++)
            r->node[r->first[k] + i]->wish = 0;
        place(r->node + r->first[k], n);
    }
    for (int s = 0; s < SHIFTS; s++)
        for (int k = 0; k < g->layers; k++) {
            int at = s % 2 == 0 ? k : g->layers - 1 - k;
            for (int i = r->first[at]; i < r->first[at + 1]; i++)
                r->node[i]->wish = mean(g, l, s % 2, r->node[i], false);
            place(r->node + r->first[at], r->first[at + 1] - r->first[at]);
        }
    for (int i = 0; i < g->node_count; i++) {
        const struct node *n = &g->nodes[i];
        least = n->x - n->w / 2 < least ? n->x - n->w / 2 : least;
        most = n->x + n->w / 2 > most ? n->x + n->w / 2 : most;
    }
    for (int i = 0; i < g->node_count; i++) {
        g->nodes[i].x += MARGIN - least;
        g->nodes[i].y = MARGIN + NODE_H / 2.0 + g->nodes[i].layer * (NODE_H + GAP_Y);
    }
    g->width = most - least + 2 * MARGIN;
    g->height = g->layers * (NODE_H + GAP_Y) - GAP_Y + 2 * MARGIN;
}

int graph_layout(struct graph *g, struct err *err)
{
    struct links l = {0};
    struct rows r = {0};

    layer(g);
    int rc = bends(g, err);
    if (rc < 0)
        return rc;
    measure(g);
    links_make(g, &l);
    rows_make(g, &r);
    for (int i = 0; i < SWEEPS; i++)
        sweep(g, &r, &l, i % 2 == 0);
    coordinates(g, &r, &l);
    links_free(&l);
    free(r.node);
    free(r.first);
    return 0;
}

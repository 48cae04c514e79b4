#ifndef ORCHESTRATOR_GRAPH_INT_H
#define ORCHESTRATOR_GRAPH_INT_H
/* Shared by the files graph*.c alone. */
#include "base/buf.h"
#include "orchestrator/graph.h"

enum {
    GRAPH_STATES = 500,
    GRAPH_EDGES = 20000,
    GRAPH_NODES = 60000, /* with the bends of long edges */
    GRAPH_LABEL = 400,   /* bytes of a label as it is kept */
    NODE_START = 0,      /* the dot that points to StartAt */
};

enum edge_kind { EDGE_NEXT, EDGE_DEFAULT, EDGE_CATCH };

struct node {
    const char *name;    /* borrowed; NULL: the start dot or a bend */
    const json_t *state; /* borrowed; NULL likewise */
    bool end;            /* the execution may end here */
    bool failed, current, drawn;
    const char *error;       /* borrowed, where failed */
    int64_t times;           /* entered */
    char retry[GRAPH_LABEL]; /* "" none */
    int64_t retried;
    /* layout */
    int layer, order;
    double x, y, w, h, wish;
};

struct edge {
    int from, to;
    enum edge_kind kind;
    bool back; /* against the layers: drawn upwards */
    bool taken;
    char label[GRAPH_LABEL];
    int *bends; /* owned: from the upper to the lower end */
    int bend_count;
};

struct graph {
    struct node *nodes;        /* [0] the start, then the states, then bends; owned */
    int node_count, state_end; /* states are [1, state_end) */
    struct edge *edges;        /* owned */
    int edge_count;
    int layers;
    double width, height;
};

/* graph.c */
NODISCARD int graph_build(struct graph *g, const struct asl *a, const struct graph_trail *t, struct err *err);
void graph_release(struct graph *g);
/* "$.lock.state = \"FREE\" or ..." into out, cut with "..." where it is longer. */
void graph_condition(const json_t *rule, char *out, size_t size);
/* The character at p, not at its end, as XML and Mermaid bear it: control characters are blanks, what is no UTF-8 is '?'. */
#define GRAPH_CHAR 5
size_t graph_char(const char *p, char out[GRAPH_CHAR], int *ret_width);
/* UTF-8 cut to so many columns, with an ellipsis; never in the midst of a character. Returns the columns. */
int graph_cut(const char *text, int columns, char *out, size_t size);
/* "Task · ✖ failed: Orch.BadCsv", "Task · ▶ here", "Task · ×3": the words, so that nobody needs the colours. */
void graph_describe(const struct node *n, int error_columns, char *out, size_t size);
enum { SHOWN_ERROR = 30 };
/* graph_layout.c: layers by the longest path, order by barycentres, coordinates. */
NODISCARD int graph_layout(struct graph *g, struct err *err);
#endif

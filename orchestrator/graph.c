/* The workflow as nodes and edges, with what an execution did to them. */
#include "base/mem.h"
#include "orchestrator/graph_int.h"

const char *graph_step(const char *from, const char *to, bool caught, char out[GRAPH_STEP_SIZE])
{
    snprintf(out, GRAPH_STEP_SIZE, "%.320s\x01%.320s%s", from, to, caught ? "\x01" : "");
    return out;
}

struct build {
    struct graph *g;
    const struct graph_trail *t;
    json_t *index; /* state -> node, owned */
    int cap;
};

static const char *str(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* States at the top, then those that run within them, and so on inwards. Depth is bounded by the checker. */
static size_t count_states(const json_t *states)
{
    size_t n = json_object_size(states), i;
    const char *name;
    json_t *state;

    json_object_foreach((json_t *)(uintptr_t)states, name, state)
        for (i = 0; asl_inner(state, i) != NULL; i++)
            n += count_states(json_object_get(asl_inner(state, i), "States"));
    return n;
}

static void add_states(struct build *b, const json_t *states, bool within)
{
    struct graph *g = b->g;
    const char *name;
    json_t *state;

    json_object_foreach((json_t *)(uintptr_t)states, name, state) {
        struct node *n = &g->nodes[g->node_count];
        enum asl_type type = asl_type(state);
        n->name = name;
        n->state = state;
        n->end = !within &&
                 (json_is_true(json_object_get(state, "End")) || type == ASL_SUCCEED || type == ASL_FAIL);
        n->times = json_integer_value(json_object_get(b->t->entered, name));
        n->error = str(b->t->failed, name);
        n->failed = n->error != NULL;
        n->current = b->t->current != NULL && strcmp(b->t->current, name) == 0;
        json_object_set_new(b->index, name, json_integer(g->node_count++));
    }
    json_object_foreach((json_t *)(uintptr_t)states, name, state)
        for (size_t i = 0; asl_inner(state, i) != NULL; i++)
            add_states(b, json_object_get(asl_inner(state, i), "States"), true);
    g->state_end = g->node_count;
}

static bool was_taken(const struct build *b, int from, const char *to, bool caught)
{
    const struct node *n = &b->g->nodes[from];
    char key[GRAPH_STEP_SIZE];

    if (from == NODE_START)
        return json_object_get(b->t->entered, to) != NULL;
    return json_object_get(b->t->steps, graph_step(n->name, to, caught, key)) != NULL;
}

static void join(char *label, const char *more)
{
    size_t n = strlen(label);

    if (more[0] != '\0' && n + 5 < GRAPH_LABEL)
        snprintf(label + n, GRAPH_LABEL - n, "%s%s", n > 0 ? " or " : "", more);
}

/* Two rules of one Choice, or two catchers, that lead to the same state are one edge. */
static int add_edge(struct build *b, int from, const char *to, enum edge_kind kind, const char *label,
                    struct err *err)
{
    struct graph *g = b->g;
    int target = (int)json_integer_value(json_object_get(b->index, to));

    for (int i = g->edge_count; i-- > 0 && g->edges[i].from == from;)
        if (g->edges[i].to == target && (g->edges[i].kind == EDGE_CATCH) == (kind == EDGE_CATCH)) {
            join(g->edges[i].label, label);
            return 0;
        }
    if (g->edge_count == GRAPH_EDGES)
        return err_set(err, ERR_TOO_LARGE, "the workflow has more than %d transitions: too many to be drawn",
                       GRAPH_EDGES);
    if (g->edge_count == b->cap) {
        b->cap = b->cap == 0 ? 64 : b->cap * 2;
        g->edges = xrealloc(g->edges, (size_t)b->cap * sizeof *g->edges);
    }
    struct edge *e = &g->edges[g->edge_count++];
    *e = (struct edge){
        .from = from, .to = target, .kind = kind, .taken = was_taken(b, from, to, kind == EDGE_CATCH)};
    join(e->label, label);
    return 0;
}

static void errors_of(const json_t *rule, char *out, size_t size)
{
    json_t *one;
    size_t i;

    json_array_foreach(json_object_get(rule, "ErrorEquals"), i, one) {
        size_t n = strlen(out);
        if (n + 4 < size)
            snprintf(out + n, size - n, "%s%.100s", i > 0 ? ", " : "", json_string_value(one));
    }
}

/* "retry Orch.Busy, States.Timeout (3 times)" for each retrier. */
static void describe_retry(const struct build *b, struct node *n)
{
    char errors[200], key[GRAPH_STEP_SIZE];
    json_t *rule;
    size_t i;

    json_array_foreach(json_object_get(n->state, "Retry"), i, rule) {
        const json_t *most = json_object_get(rule, "MaxAttempts");
        size_t at = strlen(n->retry);
        errors[0] = '\0';
        errors_of(rule, errors, sizeof errors);
        if (at + 30 < sizeof n->retry)
            snprintf(n->retry + at, sizeof n->retry - at, "%sretry %s (at most %lld)", i > 0 ? "; " : "",
                     errors, most != NULL ? (long long)json_integer_value(most) : 3LL);
    }
    if (n->retry[0] != '\0')
        n->retried =
            json_integer_value(json_object_get(b->t->steps, graph_step(n->name, n->name, false, key)));
}

/* From a Parallel or Map to where its branches begin. */
static int edges_inwards(struct build *b, int at, struct err *err)
{
    const json_t *state = b->g->nodes[at].state, *inner;
    char label[GRAPH_LABEL];
    int rc = 0;

    for (size_t i = 0; rc == 0 && (inner = asl_inner(state, i)) != NULL; i++) {
        snprintf(label, sizeof label, "branch %zu", i + 1);
        rc = add_edge(b, at, str(inner, "StartAt"), EDGE_NEXT,
                      asl_type(state) == ASL_MAP ? "each item" : label, err);
    }
    return rc;
}

static int edges_of(struct build *b, int at, struct err *err)
{
    const json_t *state = b->g->nodes[at].state;
    const char *next = str(state, "Next"), *other = str(state, "Default");
    char label[GRAPH_LABEL];
    json_t *rule;
    size_t i;
    int rc = 0;

    json_array_foreach(json_object_get(state, "Choices"), i, rule) {
        graph_condition(rule, label, sizeof label);
        if (rc == 0)
            rc = add_edge(b, at, str(rule, "Next"), EDGE_NEXT, label, err);
    }
    if (rc == 0 && other != NULL)
        rc = add_edge(b, at, other, EDGE_DEFAULT, "default", err);
    if (rc == 0 && next != NULL)
        rc = add_edge(b, at, next, EDGE_NEXT, "", err);
    if (rc == 0)
        rc = edges_inwards(b, at, err);
    json_array_foreach(json_object_get(state, "Catch"), i, rule) {
        snprintf(label, sizeof label, "catch ");
        errors_of(rule, label + 6, sizeof label - 6);
        if (rc == 0)
            rc = add_edge(b, at, str(rule, "Next"), EDGE_CATCH, label, err);
    }
    return rc;
}

int graph_build(struct graph *g, const struct asl *a, const struct graph_trail *t, struct err *err)
{
    const json_t *states = asl_states(a);
    struct build b = {.g = g, .t = t};
    size_t n = count_states(states);
    int rc;

    *g = (struct graph){.node_count = 1};
    if (n > GRAPH_STATES)
        return err_set(err, ERR_TOO_LARGE, "the workflow has %zu states; at most %d are drawn", n,
                       GRAPH_STATES);
    g->nodes = xcalloc(n + 1, sizeof *g->nodes);
    b.index = json_object();
    add_states(&b, states, false);
    rc = add_edge(&b, NODE_START, asl_start_at(a), EDGE_NEXT, "", err);
    for (int i = 1; rc == 0 && i < g->state_end; i++) {
        describe_retry(&b, &g->nodes[i]);
        rc = edges_of(&b, i, err);
    }
    json_decref(b.index);
    if (rc < 0)
        graph_release(g);
    return rc;
}

void graph_release(struct graph *g)
{
    for (int i = 0; i < g->edge_count; i++)
        free(g->edges[i].bends);
    free(g->edges);
    free(g->nodes);
    *g = (struct graph){0};
}

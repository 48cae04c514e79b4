#ifndef ORCHESTRATOR_GRAPH_TRAIL_H
#define ORCHESTRATOR_GRAPH_TRAIL_H
#include "orchestrator/graph.h"
#include "state/exec.h"
struct trail { /* owned; trail_release */
    json_t *entered, *steps, *failed;
    char *current;
};
NODISCARD int trail_read(struct store *s, const struct execution *e, struct trail *ret, struct err *err);
void trail_release(struct trail *t);
#endif

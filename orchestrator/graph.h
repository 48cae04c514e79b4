#ifndef ORCHESTRATOR_GRAPH_H
#define ORCHESTRATOR_GRAPH_H
#include "base/buf.h"
#include "orchestrator/asl.h"
/*
 * The drawing of a workflow: an SVG that needs nothing beside itself, or Mermaid text. Pure. State names and conditions may
 * hold anything: they are escaped, and cut where they would be wider than the drawing bears (an SVG keeps them whole in
 * <title>). The path that an execution took is told by thickness, glyph and word, never by colour alone.
 */
struct graph_trail {     /* what an execution did; all empty: draw the workflow alone */
    json_t *entered;     /* state -> how often; NULL: none (borrowed, as all here) */
    json_t *steps;       /* graph_step() -> how often */
    json_t *failed;      /* state -> the error that ended its task, or the run */
    const char *current; /* where it is; NULL: it has ended */
};
#define GRAPH_STEP_SIZE 700
/* The key of a transition in steps; caught: by Catch. The same state twice: a Retry. */
const char *graph_step(const char *from, const char *to, bool caught, char out[GRAPH_STEP_SIZE]);
/* More than 500 states, or a drawing of more than MAX_GRAPH bytes, is ERR_TOO_LARGE. */
NODISCARD int graph_svg(const struct asl *a, const struct graph_trail *t, const char *title, struct buf *out,
                        struct err *err);
NODISCARD int graph_mermaid(const struct asl *a, const struct graph_trail *t, const char *title,
                            struct buf *out, struct err *err);
#endif

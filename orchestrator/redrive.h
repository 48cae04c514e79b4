#ifndef ORCHESTRATOR_REDRIVE_H
#define ORCHESTRATOR_REDRIVE_H
#include "orchestrator/engine.h"
#include "state/exec.h"
/* orch redrive, by AWS's rules; and from another state, or with another definition, which AWS has not. */
struct redrivable {
    bool can;
    char reason[400]; /* AWS's words where it cannot; where it can, what to know before; "" nothing */
};
NODISCARD int redrivable(struct store *s, const struct execution *x, struct redrivable *ret, struct err *err);
struct redrive_ask {
    const char *from;       /* a state of the top level; NULL: where it stopped */
    const char *definition; /* text of another one; NULL: the same */
    size_t definition_n;
    const char *definition_name; /* for messages */
    const char *who;             /* for the audit, where it is not as on AWS */
};
/* T6. ERR_CONFLICT, named ExecutionNotRedrivable, where it may not be. */
NODISCARD int engine_redrive(struct engine *e, int64_t execution_id, const struct redrive_ask *a,
                             int64_t *ret_ms, struct err *err);
#endif

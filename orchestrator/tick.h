#ifndef ORCHESTRATOR_TICK_H
#define ORCHESTRATOR_TICK_H
#include "orchestrator/engine.h"
struct tick_options {
    const char *pipeline;  /* NULL: all */
    const char *partition; /* only this one (orch run --partition) */
    bool force;            /* run: start an execution whatever the schedule says */
    bool waiting_only;     /* of an extract: runs that wait alone, and none of the sequence is begun */
    bool fail_if_locked;
    int64_t linger_ms; /* < 0: the config's */
};
/* One pass: fires schedules, takes over what is dead, works executions and jobs until none is left or SIGTERM, lingers
 * for short waits, records troubles, prunes. Prints what a person must know on stderr, nothing when all is well.
 * Returns the exit status (orch help exit-codes), or <0 when the tick itself failed. */
NODISCARD int tick_run(const struct config *c, struct store *s, const struct tick_options *o,
                       struct err *err);
/* Troubles of one pipeline as they stand in the state file; shared by tick and status. */
struct finding {
    const char *class; /* FAILED DEAD MISMATCHED LATE SMALL STUCK UNAVAILABLE REFUSED ALERT PAUSED REQUEST */
    const char *part;  /* "" */
    char text[1400], hint[400];
    int exit_status; /* of tick */
};
NODISCARD int findings_of(struct store *s, const struct pipeline *p, int64_t now_ms,
                          int (*fn)(void *arg, const struct finding *f, struct err *err), void *arg,
                          struct err *err);
/* Those of no pipeline: requests (orchestrator/requests.h), and executions of a definition of their own that FAILED or TIMED_OUT:
 * class FAILED, part the execution's name; the oldest 20. */
NODISCARD int findings_of_none(struct store *s,
                               int (*fn)(void *arg, const struct finding *f, struct err *err), void *arg,
                               struct err *err);
/* 3, 4, 5, 1, 6, 75 in this order. */
int exit_worse(int a, int b);
#endif

#ifndef STATE_HISTORY_H
#define STATE_HISTORY_H
#include "state/store.h"
/* The events of one execution, a page at a time. However many there are, only what is given back is read. */
struct history_query {
    int64_t execution_id;
    int64_t from;      /* id of the first; 0: from the end that reverse says */
    int64_t limit;     /* < 0: all */
    bool reverse;      /* newest first */
    bool failed;       /* ...Failed, ...TimedOut, ...Aborted and FailStateEntered alone */
    const char *state; /* of this state alone; NULL: of all */
};
struct history_event { /* text borrowed while it is told */
    int64_t id, previous, ts_ms;
    int64_t frame;                      /* -1: of the execution */
    const char *type, *details, *state; /* details, state: NULL where there is none */
};
typedef int history_fn(void *arg, const struct history_event *e, struct err *err);
/* *ret_next: where the next page begins, 0 when there is nothing more; NULL: nobody asks. */
NODISCARD int history_page(struct store *s, const struct history_query *q, history_fn *fn, void *arg,
                           int64_t *ret_next, struct err *err);
/* 1: the execution has an event of the state. */
NODISCARD int history_has_state(struct store *s, int64_t execution_id, const char *state, struct err *err);
#endif

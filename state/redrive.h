#ifndef STATE_REDRIVE_H
#define STATE_REDRIVE_H
#include "state/exec.h"
/* T6: an execution that ended otherwise than well goes on. Inside a transaction; history only grows. */
struct redrive_new {
    int64_t id, expect_count;    /* redrives that it had when it was read */
    int64_t now_ms, deadline_ms; /* 0: none */
    const char *workflow_sha256; /* another definition; NULL: the same */
    const char *from;            /* this state of the top level is entered; NULL: where it stopped */
    const json_t *details;       /* of ExecutionRedriven, borrowed */
};
/*
 * 1 done, 0: it was redriven, or runs, since it was read. Where it stopped: tasks are scheduled anew, a Wait waits for the rest, any
 * other state is entered; of a Parallel or Map, what had ended well stays, and what failed, was aborted or was borne with goes on.
 * from: with what that state was given last; one that was never entered, with what the root stands at.
 */
NODISCARD int exec_redrive(struct store *s, const struct redrive_new *n, struct err *err);
/* State of the root frame, owned. */
NODISCARD int redrive_root(struct store *s, int64_t id, char **ret_owned, struct err *err);
#endif

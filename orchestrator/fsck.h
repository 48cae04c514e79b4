#ifndef ORCHESTRATOR_FSCK_H
#define ORCHESTRATOR_FSCK_H
#include "base/err.h"
#include "state/fsck.h"
/*
 * Whether what the state file says of executions holds together: rows against rows, and of each that runs the cursor, worked out
 * from its events and definition, against the one that is kept. Reads alone, in one snapshot.
 */
struct fsck_counts {
    int64_t executions, cursors, findings;
};
NODISCARD int fsck(struct store *s, int64_t execution_id, fsck_fn *fn, void *arg, struct fsck_counts *ret,
                   struct err *err); /* execution_id 0: all */
#endif

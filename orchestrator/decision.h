#ifndef ORCHESTRATOR_DECISION_H
#define ORCHESTRATOR_DECISION_H
#include "orchestrator/cmd.h"
/* What people decide on partitions: skip and adopt. */
struct verdict_of_person {
    const char *verb;        /* "skip", "adopt --undo": in the audit */
    enum ledger_state state; /* SKIPPED, ADOPTED; SUPERSEDED takes it back */
    const char *reason;
    const char *who;          /* NULL: who runs the command */
    const char *const *parts; /* in order */
    size_t n;
};
/*
 * Into the target's ledger first, then the state file, a bounded number at a time: a death in between is mended by the
 * next tick, which reads the ledger, or by the same command again. ERR_CONTRACT where orch has loaded rows of one.
 */
NODISCARD int decision_make(struct cli *c, const struct pipeline *p, const struct verdict_of_person *v,
                            struct err *err);
/* skip.c: orch skip, and --undo, of one partition. 1: done; 0: it is so already; said tells either. */
enum { SKIP_SAID_SIZE = 500 };
struct skip_ask {
    const char *part, *reason, *who; /* who NULL: who runs the command */
    bool undo, dry_run;
};
NODISCARD int skip_partition(struct cli *c, const struct pipeline *p, const struct skip_ask *a,
                             char said[SKIP_SAID_SIZE], struct err *err);
#endif

#ifndef ORCHESTRATOR_REPLAY_H
#define ORCHESTRATOR_REPLAY_H
#include "orchestrator/cmd.h"
/* Loads partitions again, or tries what failed again: replay and retry. */
struct replay_ask {
    const char *verb;                      /* "replay", "retry": of the output and the audit */
    const char *from, *to, *only, *reason; /* only NULL: one partition: all; else what is not well */
    bool retry;                            /* only failed ones are asked for, by that word */
    bool dry_run, queue_only;
};
/* args.items[0] is PIPELINE[/PARTITION]. The exit status of the work. */
NODISCARD int replay_run(struct cli *c, const struct replay_ask *a, struct err *err);
#endif

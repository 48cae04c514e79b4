#ifndef ORCHESTRATOR_REPLAY_H
#define ORCHESTRATOR_REPLAY_H
#include "orchestrator/cmd.h"
/* Loads partitions again, or tries what failed again: replay and retry, by command or by request (orch serve). */
struct replay_ask {
    const char *verb;                      /* "replay", "retry": of the output and the audit */
    const char *from, *to, *only, *reason; /* only NULL: one partition: all; else what is not well */
    bool retry;                            /* only failed ones are asked for, by that word */
    bool dry_run, queue_only;
    /* For replay_queue: */
    const char *part;   /* one; NULL: from, to */
    const char *who;    /* of audit and jobs */
    const char *behind; /* those up to this one were acted on before; NULL: none */
    /* In the transaction that acts on a partition; NULL: nobody asks. */
    int (*acted)(void *arg, const char *part, struct err *err);
    void *arg;
};
struct replay_count {
    size_t work, well; /* there is work for, or was; well, and left alone */
};
/* 0: missing, failed, mismatched, all, or NULL. */
NODISCARD int replay_only(const char *only, struct err *err);
/*
 * Decides and, unless dry_run, acts on every partition, each in one transaction; works nothing. Appends {pipeline, partition,
 * action, state, reason} to rows. ERR_NOT_FOUND: the one partition is not closed, or outside since and until.
 */
NODISCARD int replay_queue(struct store *s, const struct pipeline *p, const struct replay_ask *a,
                           json_t *rows, struct replay_count *ret, struct err *err);
/* args.items[0] is PIPELINE[/PARTITION]. The exit status of the work. */
NODISCARD int replay_run(struct cli *c, const struct replay_ask *a, struct err *err);
#endif

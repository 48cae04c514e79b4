#ifndef ORCHESTRATOR_EXPLAIN_H
#define ORCHESTRATOR_EXPLAIN_H
#include "orchestrator/reason.h"
/* A reason told at length. Read only. All text is in the struct. */
enum { EXPLAIN_LINES = 8, EXPLAIN_COMMANDS = 4, EXPLAIN_OLDEST = 5 };
struct explain_list {
    size_t n;
    const char
        *code[EXPLAIN_LINES]; /* PAUSED, BACK_OFF, HELD, EARLIER, SCHEDULE, TICK, SETTLE, LEFT_OUT, ... */
    char text[EXPLAIN_LINES][600];
};
struct explained {
    const struct pipeline *flow;
    const char *pipeline, *state, *code; /* borrowed: config and tables */
    char part[64];                       /* "": the pipeline */
    int64_t now_ms, since_ms, attempts, max_attempts, tries, next_try_ms;
    int64_t objects, bytes, rows_read, rows_loaded, rows_rejected, unexplained;
    char why[1500], attempt[200], source[300], target[300], next[300];
    int64_t next_ms; /* 0: not known, or never */
    struct explain_list blocking, notes;
    struct {
        char line[300];
        const char *does;
    } commands[EXPLAIN_COMMANDS];
    size_t command_count;
};
struct explained *explained_new(void); /* owned */
void explained_free(struct explained *x);
/* Any partition of the pipeline's period, met or not, closed or not. */
NODISCARD int explain_partition(struct store *s, const struct pipeline *p, const char *part, int64_t now_ms,
                                struct explained *ret, struct err *err);
NODISCARD int explain_pipeline(struct store *s, const struct pipeline *p, int64_t now_ms,
                               struct explained *ret, struct err *err);
/* The oldest partitions whose code is not one of "none", at most EXPLAIN_OLDEST; *ret_more: how many there are beside. */
NODISCARD int explain_oldest(struct store *s, const struct pipeline *p, int64_t now_ms,
                             int (*fn)(void *arg, const struct explained *x, struct err *err), void *arg,
                             int64_t *ret_more, struct err *err);
#endif

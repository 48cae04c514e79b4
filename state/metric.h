#ifndef STATE_METRIC_H
#define STATE_METRIC_H
#include "state/store.h"
/* Counters that never go back, in the state file. pipeline and label may be "". */
/* Inside a transaction: of what it counts. */
NODISCARD int counter_add(struct store *s, const char *name, const char *pipeline, const char *label,
                          int64_t n, struct err *err);
/* Rows that came into a table of the dictionary: counters "orch_intake_rows_total" of the table, by "stored" and "rejected", and
 * "orch_intake_last", which is the moment of the newest. */
NODISCARD int counter_intake(struct store *s, const char *table, int64_t stored, int64_t rejected,
                             int64_t at_ms, struct err *err);
NODISCARD int counter_list(struct store *s,
                           int (*fn)(void *arg, const char *name, const char *pipeline, const char *label,
                                     int64_t value, struct err *err),
                           void *arg, struct err *err);
/*
 * Inside the transaction that leaves a Task or Wait state: how long a frame was in it. Label of the counter
 * "orch_state_duration": state, \x01, and the bucket's number as two digits, or "ms" for the sum.
 */
enum { STATE_BUCKETS = 11 };                             /* the last is +Inf */
extern const int64_t state_bucket_ms[STATE_BUCKETS - 1]; /* upper bounds, inclusive */
NODISCARD int counter_state_left(struct store *s, const char *pipeline, const char *state, int64_t entered_ms,
                                 int64_t now_ms, struct err *err);

/* Gauges, read as the file stands. */
struct standing {       /* of one pipeline in [from, to] */
    int64_t parts;      /* that the file knows */
    int64_t well;       /* nothing is left to do for them */
    int64_t mismatched; /* partitions; and the rows in them that nothing explains */
    int64_t difference_rows;
    char newest[16];   /* newest partition that was loaded or found empty, "" none */
    int64_t landed_ms; /* when that was done; 0: not known (it is empty) */
    bool paused;
};
/* fn: each state and how many partitions are in it, none of them 0. */
NODISCARD int metric_standing(struct store *s, const char *pipeline, const char *from, const char *to,
                              int (*fn)(void *arg, const char *state, int64_t count, struct err *err),
                              void *arg, struct standing *ret, struct err *err);
NODISCARD int metric_channels(struct store *s,
                              int (*fn)(void *arg, const char *name, int64_t sent, int64_t failed,
                                        struct err *err),
                              void *arg, struct err *err);
#endif

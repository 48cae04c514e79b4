#ifndef STATE_METRIC_H
#define STATE_METRIC_H
#include "state/store.h"
/* Counters that never go back, in the state file. pipeline and label may be "". */
/* Inside a transaction: of what it counts. */
NODISCARD int counter_add(struct store *s, const char *name, const char *pipeline, const char *label,
                          int64_t n, struct err *err);
NODISCARD int counter_list(struct store *s,
                           int (*fn)(void *arg, const char *name, const char *pipeline, const char *label,
                                     int64_t value, struct err *err),
                           void *arg, struct err *err);
#endif

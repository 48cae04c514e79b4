#ifndef STATE_TRIGGER_H
#define STATE_TRIGGER_H
#include "state/store.h"
/* Schedules: what was last acted on. */
struct trigger {
    int64_t anchor_ms, last_fire_ms; /* last_fire_ms < 0: never */
};
/* 1 when the row is there with this expression, 0 when trigger_get has something to write. Only reads. */
NODISCARD int trigger_find(struct store *s, const char *pipeline, const char *expression, struct trigger *ret,
                           struct err *err);
/* Makes the row, or takes a changed expression over (new anchor, last fire forgotten), or an anchor that is still to come
 * (the clock was set back). In a transaction. */
NODISCARD int trigger_get(struct store *s, const char *pipeline, const char *expression, int64_t now_ms,
                          struct trigger *ret, struct err *err);
/* 1: this fire is ours to act on, 0: it was acted on already. In one transaction with what it starts. */
NODISCARD int trigger_fired(struct store *s, const char *pipeline, int64_t fire_ms, struct err *err);
#endif

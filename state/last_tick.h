#ifndef STATE_LAST_TICK_H
#define STATE_LAST_TICK_H
#include "state/store.h"
/*
 * When orch tick ran last: what tells a silent tick from none. Written at the start and at the end of each tick that
 * looks at all pipelines, without an fsync of its own: a power cut may take the newest, and the next tick writes it again.
 */
struct last_tick {
    int64_t started_ms, finished_ms, success_ms,
        duration_ms; /* 0: not (yet); success: exit status 0, 1, 5 or 6 */
    int exit_status;
    char host[80];
    int64_t pid;
    int64_t metrics_said_ms; /* 0: metrics.textfile is well, as far as anybody has heard */
};
NODISCARD int last_tick_get(struct store *s, struct last_tick *ret, struct err *err); /* 1 there, 0 never */
NODISCARD int last_tick_begin(struct store *s, int64_t now_ms, struct err *err);
NODISCARD int last_tick_end(struct store *s, int exit_status, int64_t duration_ms, int64_t now_ms,
                            struct err *err);
/* That metrics.textfile cannot be written has been said; 0: it is well again. One transaction. */
NODISCARD int last_tick_metrics_said(struct store *s, int64_t now_ms, struct err *err);
#endif

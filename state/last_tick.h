#ifndef STATE_LAST_TICK_H
#define STATE_LAST_TICK_H
#include "state/store.h"
/*
 * When orch tick ran last: what tells a silent tick from none. Written at the start and at the end of each tick that looks
 * at all pipelines, into a small file beside the state file (its name and ".tick"), in place and without an fsync. In the
 * state file it would cost every idle tick two: SQLite syncs when the last process that wrote closes it. A power cut may
 * take the newest, or all of it: then it is as if no tick had ever run, and the next one writes it again.
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
/* Of two ticks at once the account is the later one's; an earlier one only says that it went well, so that it does not hide
 * that the later one died. */
NODISCARD int last_tick_end(struct store *s, int exit_status, int64_t duration_ms, int64_t now_ms,
                            struct err *err);
/* That metrics.textfile cannot be written has been said; 0: it is well again. */
NODISCARD int last_tick_metrics_said(struct store *s, int64_t now_ms, struct err *err);
#endif

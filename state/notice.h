#ifndef STATE_NOTICE_H
#define STATE_NOTICE_H
#include "state/store.h"
/*
 * What a run did or does beside loading, told by orch logs and, while it goes on, by orch status. The newest 1,000 of a
 * pipeline are kept. One transaction each, under the step's token.
 */
struct notice {
    const char *pipeline, *part; /* part "": none */
    const char *what;            /* "adds column", "waits" */
    const char *text;
};
/* Happened at now_ms. The same words of the same partition are put down once. */
NODISCARD int notice_put(struct store *s, const char *token, const struct notice *n, int64_t now_ms,
                         struct err *err);
/* Goes on: put down once, and kept alive by every further call. Other words end what went on before. */
NODISCARD int notice_goes_on(struct store *s, const char *token, const struct notice *n, int64_t now_ms,
                             struct err *err);
/* What of this kind went on is over. */
NODISCARD int notice_end(struct store *s, const char *token, const char *pipeline, const char *what,
                         int64_t now_ms, struct err *err);
/* What goes on, with a sign of life since alive_ms: 1 and fn was called, 0 nothing. */
NODISCARD int notice_open(struct store *s, const char *pipeline, int64_t alive_ms,
                          int (*fn)(void *arg, const struct notice *n, int64_t from_ms, struct err *err),
                          void *arg, struct err *err);
#endif

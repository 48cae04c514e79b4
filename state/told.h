#ifndef STATE_TOLD_H
#define STATE_TOLD_H
#include "state/store.h"
/*
 * What each alert channel believes. A row per channel and trouble: said_ms 0 until a message with it was delivered,
 * gone_ms > 0 once it is well again; the row goes when the channel knows. What is to be told is the difference between
 * what stands and what is believed, so a channel that was away for hours gets one message with what stands then.
 * Everything here but the listings is a part of the caller's transaction.
 */
struct told { /* borrowed in, the store's row out */
    const char *key, *pipeline, *class, *part, *text, *hint;
    const char *ending; /* "" well by itself; else what a person decided, as a sentence */
    int64_t opened_ms, said_ms, gone_ms;
};
typedef int told_fn(void *arg, const struct told *t, struct err *err);
/* By pipeline, class, key. */
NODISCARD int told_list(struct store *s, const char *channel, told_fn *fn, void *arg, struct err *err);
/* It stands: the row is made, or no longer gone. */
NODISCARD int told_stands(struct store *s, const char *channel, const struct told *t, struct err *err);
NODISCARD int told_gone(struct store *s, const char *channel, const char *key, const char *ending,
                        int64_t now_ms, struct err *err);
NODISCARD int told_said(struct store *s, const char *channel, const char *key, int64_t now_ms,
                        struct err *err);
NODISCARD int told_drop(struct store *s, const char *channel, const char *key, struct err *err);
NODISCARD int told_drop_all(struct store *s, const char *channel, struct err *err);
/* Channels that have rows. */
NODISCARD int told_channels(struct store *s, int (*fn)(void *arg, const char *channel, struct err *err),
                            void *arg, struct err *err);

/* Why a trouble of a partition went, when a person decided it: 1 and "skipped by ana@host: reason", 0 by itself. */
NODISCARD int told_ending(struct store *s, const char *pipeline, const char *part, const char *class,
                          char *out, size_t size, struct err *err);

/* Deliveries, a row per channel: "command", "webhook", "mail ADDRESS", "ping". Counts never go back. */
struct channel_row { /* strings: the store's row */
    const char *name, *error;
    int64_t sent, failed, ok_ms, failing_since_ms, tried_ms; /* times: 0 never, or not failing */
};
NODISCARD int channel_list(struct store *s,
                           int (*fn)(void *arg, const struct channel_row *c, struct err *err), void *arg,
                           struct err *err);
NODISCARD int channel_ok(struct store *s, const char *name, int64_t now_ms, struct err *err);
NODISCARD int channel_failed(struct store *s, const char *name, const char *error, int64_t now_ms,
                             struct err *err);
#endif

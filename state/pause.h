#ifndef STATE_PAUSE_H
#define STATE_PAUSE_H
#include "state/store.h"
/* Pauses of pipelines and what a person has acknowledged. Strings are borrowed in; those out are in the struct. */
struct pause {
    int64_t since_ms;
    char who[200], reason[400];
};
/* 1 paused, 0 not. */
NODISCARD int pause_get(struct store *s, const char *pipeline, struct pause *ret, struct err *err);
/* One transaction, with its audit row. 1 changed, 0 was so already (the first reason stands). */
NODISCARD int pause_set(struct store *s, const char *pipeline, const char *who, const char *reason,
                        int64_t now_ms, struct err *err);
NODISCARD int pause_clear(struct store *s, const char *pipeline, const char *who, const char *reason,
                          int64_t now_ms, struct err *err);
/* A trouble that is let stand: class SMALL (subject: rows) or REFUSED (subject: object id). One transaction, audited. */
NODISCARD int ack_put(struct store *s, const char *pipeline, const char *part, const char *class,
                      const char *subject, const char *who, const char *reason, int64_t now_ms,
                      struct err *err);
/* What there is to acknowledge now. 1 found, 0 nothing of that class. */
#define ACK_SUBJECT_SIZE 32
NODISCARD int ack_subject(struct store *s, const char *pipeline, const char *part, const char *class,
                          char ret[ACK_SUBJECT_SIZE], struct err *err);
/* 1: acknowledged, and it is still that subject. Of REFUSED: that object, or one that was known before it. */
NODISCARD int ack_covers(struct store *s, const char *pipeline, const char *part, const char *class,
                         const char *subject, struct err *err);
#endif

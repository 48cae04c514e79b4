#ifndef STATE_REJECT_H
#define STATE_REJECT_H
#include "state/store.h"
struct reject {
    int64_t load_id, line, offset, raw_total;
    const char *column, *code, *message, *hint, *raw_sha256, *state;
    const void *raw;
    size_t raw_n;
    /* filled by reject_list: */
    const char *pipeline, *part, *key, *job_state;
    int64_t job_n, at_ms;
};
/* Deletes what stood under the load id and writes these as PENDING, in chunks of one transaction each under the token:
 * call with first=true for the first chunk. */
NODISCARD int reject_put(struct store *s, const char *token, int64_t load_id, const struct reject *rows,
                         size_t n, bool first, int64_t now_ms, struct err *err);
/* Forgets those PENDING whose records begin in these bytes: a chunk is going to be read again. */
NODISCARD int reject_forget(struct store *s, const char *token, int64_t load_id, int64_t offset_from,
                            int64_t offset_to, struct err *err);
/* A failed attempt's rejects stay to be looked at: PENDING -> FAILED. */
NODISCARD int reject_keep_failed(struct store *s, const char *token, int64_t load_id, struct err *err);
typedef int reject_fn(void *arg, const struct reject *r, struct err *err);
/* part NULL: all; by part, key, line; limit < 0: none. */
NODISCARD int reject_list(struct store *s, const char *pipeline, const char *part, int64_t limit,
                          reject_fn *fn, void *arg, struct err *err);
/* Of each pipeline that has any; other: of files that were not loaded (yet). */
NODISCARD int reject_counts(struct store *s,
                            int (*fn)(void *arg, const char *pipeline, int64_t final, int64_t other,
                                      struct err *err),
                            void *arg, struct err *err);
#endif

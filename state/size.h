#ifndef STATE_SIZE_H
#define STATE_SIZE_H
#include "state/store.h"
/*
 * A settled partition against its like: the rows of the same hour in other weeks, or of other days. Judged once, and
 * again when its rows change. Partitions without rows in the state file (skipped, adopted, late) are not its like.
 */
enum { SIZE_LIKES = 16, SIZE_FEWEST = 4 /* fewer tell nothing */ };
/* Settled partitions from `from` on that were not judged, or had other rows then: at most limit, oldest first. */
NODISCARD int size_unjudged(struct store *s, const char *pipeline, const char *from, int64_t limit,
                            int (*fn)(void *arg, const char *part, int64_t rows, struct err *err), void *arg,
                            struct err *err);
/* Rows of those of the parts (up to SIZE_LIKES) that are settled. *ret_n: how many. */
NODISCARD int size_likes(struct store *s, const char *pipeline, const char *const *parts, size_t n,
                         int64_t rows[SIZE_LIKES], size_t *ret_n, struct err *err);
struct size_verdict {
    const char *part;
    int64_t rows, usual, least, likes; /* least: fewer are SMALL */
    bool small;
};
/* In a transaction. */
NODISCARD int size_put(struct store *s, const char *pipeline, const struct size_verdict *v, int64_t now_ms,
                       struct err *err);
/* Those that are SMALL and not acknowledged with these rows, nor given up since. */
NODISCARD int size_small(struct store *s, const char *pipeline,
                         int (*fn)(void *arg, const struct size_verdict *v, struct err *err), void *arg,
                         struct err *err);
#endif

#ifndef BASE_BUF_H
#define BASE_BUF_H
#include "base/err.h"
#include <stddef.h>
/*
 * Growable bytes with a maximum, always NUL-terminated once something was added. Going past the
 * maximum is ERR_TOO_LARGE, never a cut.
 */
struct buf {
    char *p;
    size_t n, cap, max;
};
#define BUF_INIT(maximum)                                                                                    \
    {                                                                                                        \
        NULL, 0, 0, (maximum)                                                                                \
    }
void buf_init(struct buf *b, size_t max); /* no allocation */
void buf_clear(struct buf *b);            /* empty again, keeps the memory */
void buf_release(struct buf *b);          /* frees the contents; usable again */
char *buf_take(struct buf *b);            /* returns owned, never NULL; b is empty again */
NODISCARD int buf_add(struct buf *b, const void *p, size_t n, struct err *err);
NODISCARD int buf_adds(struct buf *b, const char *s, struct err *err);
NODISCARD int buf_addf(struct buf *b, struct err *err, const char *fmt, ...) PRINTF(3, 4);
/* Room for n more bytes at b->p + b->n; the caller raises b->n. */
NODISCARD int buf_reserve(struct buf *b, size_t n, struct err *err);
#endif

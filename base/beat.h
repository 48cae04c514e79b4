#ifndef BASE_BEAT_H
#define BASE_BEAT_H
#include "base/err.h"
#include <stddef.h>
/*
 * What a long operation calls at least once a second, and before and after every call that may
 * block. A negative answer (lease lost, stopped, timed out) ends the operation with that error.
 */
struct beat {
    int (*fn)(void *arg, struct err *err);
    void *arg;
};
NODISCARD static inline int beat(const struct beat *b, struct err *err)
{
    return b != NULL && b->fn != NULL ? b->fn(b->arg, err) : 0;
}
#endif

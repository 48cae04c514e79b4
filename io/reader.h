#ifndef IO_READER_H
#define IO_READER_H
#include "base/err.h"
#include <stddef.h>
/*
 * Bytes pulled from somewhere. Implementations embed struct reader first. read gives 1..n bytes and
 * their number in *ret_n, or *ret_n == 0 at the verified end (length and ETag checked): an end that
 * is not the true one is an error. close takes NULL too.
 */
struct reader {
    int (*read)(struct reader *r, void *p, size_t n, size_t *ret_n, struct err *err);
    void (*close)(struct reader *r);
};
NODISCARD static inline int reader_read(struct reader *r, void *p, size_t n, size_t *ret_n, struct err *err)
{
    return r->read(r, p, n, ret_n, err);
}
static inline void reader_close(struct reader *r)
{
    if (r != NULL)
        r->close(r);
}
/* Bytes in memory, borrowed, at most step at a time. There is nothing to close. */
struct memory_reader {
    struct reader reader;
    const char *p;
    size_t n, step;
};
struct memory_reader memory_reader(const void *p, size_t n, size_t step);
#endif

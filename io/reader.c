#include "io/reader.h"
#include <string.h>

static int memory_read(struct reader *r, void *p, size_t n, size_t *ret_n, struct err *err)
{
    struct memory_reader *m = (struct memory_reader *)(void *)r;

    UNUSED(err);
    n = n < m->step ? n : m->step;
    *ret_n = n < m->n ? n : m->n;
    if (*ret_n > 0) {
        memcpy(p, m->p, *ret_n);
        m->p += *ret_n;
        m->n -= *ret_n;
    }
    return 0;
}

static void memory_close(struct reader *r)
{
    UNUSED(r);
}

struct memory_reader memory_reader(const void *p, size_t n, size_t step)
{
    return (struct memory_reader){{memory_read, memory_close}, p, n, step};
}

#include "base/buf.h"
#include "base/mem.h"
#include <stdarg.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf)BUF_INIT(max);
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    if (b->p != NULL)
        b->p[0] = '\0';
}

void buf_release(struct buf *b)
{
    free(b->p);
    *b = (struct buf)BUF_INIT(b->max);
}

char *buf_take(struct buf *b)
{
    char *p = b->p != NULL ? b->p : xstrdup("");

    *b = (struct buf)BUF_INIT(b->max);
    return p;
}

int buf_reserve(struct buf *b, size_t n, struct err *err)
{
    if (n > b->max || b->n > b->max - n)
        return err_set(err, ERR_TOO_LARGE, "more than %zu bytes where at most %zu are allowed", b->n + n,
                       b->max);
    if (b->cap - b->n <= n) {
        size_t cap = b->cap ? b->cap * 2 : 256;
        while (cap <= b->n + n)
            cap *= 2;
        if (cap > b->max + 1)
            cap = b->max + 1;
        b->p = xrealloc(b->p, cap);
        b->cap = cap;
    }
    return 0;
}

int buf_add(struct buf *b, const void *p, size_t n, struct err *err)
{
    int rc = buf_reserve(b, n, err);

    if (rc < 0)
        return rc;
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
    return 0;
}

int buf_adds(struct buf *b, const char *s, struct err *err)
{
    return buf_add(b, s, strlen(s), err);
}

int buf_addf(struct buf *b, struct err *err, const char *fmt, ...)
{
    va_list ap, again;

    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    int rc = n < 0 ? err_set(err, ERR_INTERNAL, "bad format '%s'", fmt) : buf_reserve(b, (size_t)n, err);
    if (rc == 0) {
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
    return rc;
}

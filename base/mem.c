#include "base/mem.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 2 << 20 };

static void *checked(void *p, size_t n)
{
    if (p == NULL) {
        fprintf(stderr, "orch: out of memory (%zu bytes); the next tick goes on from the state file\n", n);
        abort();
    }
    return p;
}

void *xmalloc(size_t n)
{
    return checked(malloc(n ? n : 1), n);
}

void *xcalloc(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1), size);
}

void *xcalloc_large(size_t count, size_t size)
{
    size_t n;
    void *p = NULL;

    if (__builtin_mul_overflow(count, size, &n))
        checked(NULL, SIZE_MAX);
    if (n < LARGE_PAGE)
        return xcalloc(count, size);
    if (posix_memalign(&p, LARGE_PAGE, n) != 0)
        checked(NULL, n);
    (void)madvise(p, n & ~(size_t)(LARGE_PAGE - 1), MADV_HUGEPAGE); /* else it stays on small ones */
    return memset(p, 0, n);
}

void *xrealloc(void *p, size_t n)
{
    return checked(realloc(p, n ? n : 1), n);
}

char *xstrndup(const char *s, size_t n)
{
    char *copy = xmalloc(n + 1);

    if (n > 0)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap, again;
    char *text;

    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        n = 0;
    text = xmalloc((size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

struct block {
    struct block *next;
    size_t used, cap;
    _Alignas(16) char data[];
};

struct arena {
    struct block *head;
};

struct arena *arena_new(void)
{
    return xcalloc(1, sizeof(struct arena));
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t need = (n + 15) & ~(size_t)15;

    if (need < n)
        checked(NULL, n);
    if (a->head == NULL || a->head->cap - a->head->used < need) {
        size_t cap = need > 65536 ? need : 65536;
        struct block *b = xmalloc(sizeof *b + cap);
        b->next = a->head;
        b->used = 0;
        b->cap = cap;
        a->head = b;
    }
    void *p = a->head->data + a->head->used;
    a->head->used += need;
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *copy = arena_alloc(a, n + 1);

    if (n > 0)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

void arena_reset(struct arena *a)
{
    struct block *keep = NULL;

    while (a->head != NULL) {
        struct block *b = a->head;
        a->head = b->next;
        if (keep == NULL || b->cap > keep->cap) {
            free(keep);
            keep = b;
        } else {
            free(b);
        }
    }
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
        a->head = keep;
    }
}

void arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    while (a->head != NULL) {
        struct block *b = a->head;
        a->head = b->next;
        free(b);
    }
    free(a);
}

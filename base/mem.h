#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>
/*
 * Allocation that never returns NULL: out of memory ends the process with one line on stderr and
 * SIGABRT; the state is in SQLite and the next tick goes on. Honest only because every size that
 * comes from outside has a maximum (base/limits.h).
 */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);
/* The same for a large table that is read here and there: on large pages where the system has them. */
void *xcalloc_large(size_t count, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);            /* returns owned */
char *xstrndup(const char *s, size_t n); /* returns owned, NUL-terminated */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* returns owned */

/* A bump allocator: freed, or reset and used again, as a whole. */
struct arena;
struct arena *arena_new(void);
void *arena_alloc(struct arena *a, size_t n); /* 16-byte aligned, not cleared */
char *arena_strndup(struct arena *a, const char *s, size_t n);
void arena_reset(struct arena *a); /* keeps the largest block */
void arena_free(struct arena *a);  /* NULL is fine */
#endif

#ifndef IO_CSV_INT_H
#define IO_CSV_INT_H
#include "io/csv.h"
/*
 * Private to csv*.c: where the bytes stand that may end a field. They are found for a stretch of the buffer at once, 64
 * bytes in a step without a branch that depends on them; what the stretches hold is then told by walking the list.
 */
enum {
    INDEX_STRETCH = 8192,           /* bytes looked at in one call */
    INDEX_ROOM = 4 * INDEX_STRETCH, /* entries of a list */
    INDEX_SLACK = 64,               /* entries beyond, which a step may write */
    INDEX_PAD = 64,                 /* readable bytes after the last one */
};
/*
 * Puts base + i for every i < n with p[i] a delimiter, quote (0: none), CR or LF into out, ascending, and gives their
 * number. out has room for n + INDEX_SLACK, and p[0 .. n + INDEX_PAD) can be read.
 */
size_t csv_index(const char *p, size_t n, char delimiter, char quote, uint32_t base, uint32_t *out);
/* The same, byte by byte: for machines without SSE2, and for the test that holds both together. */
size_t csv_index_bytewise(const char *p, size_t n, char delimiter, char quote, uint32_t base, uint32_t *out);
#endif

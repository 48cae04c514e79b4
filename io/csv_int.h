#ifndef IO_CSV_INT_H
#define IO_CSV_INT_H
#include "base/limits.h"
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
enum {
    PAD = INDEX_PAD, /* readable bytes after the last one, so that the scanner needs no end check */
    WIDEST = MAX_COLUMNS + 1,
};

struct csv {
    struct reader *in; /* owned */
    struct csv_dialect d;
    size_t max;        /* the longest record, in bytes */
    bool special[256]; /* bytes at which a bare field may end */
    char *room;        /* owned: CSV_FIELD_PAD bytes, then buf */
    char *buf;         /* cap + PAD bytes */
    size_t cap, pos, end;
    int64_t base; /* stream offset of buf[0] */
    int64_t line; /* of buf[pos] */
    bool started, eof;
    bool high, nul;  /* buf may hold bytes >= 0x80, NUL bytes */
    size_t width;    /* fields of the first good record; 0: none yet */
    size_t expected; /* fields of the last record that the list below gave */
    uint32_t *index; /* owned; NULL with an escape: the bytes of buf that may end a field, from pos on ... */
    size_t index_at, index_n;
    size_t index_end; /* ... to here */
    struct csv_field fields[WIDEST];
    bool fix[WIDEST]; /* the field has quotes or escapes to take out */
    bool fixes;       /* one of them may be set */
    char *scratch;    /* owned: fields that are not what stands in buf */
    size_t scratch_cap;
    char *kept; /* owned: beginning of a record that was too large */
    struct csv_stats stats;
};

/* What one look at the bytes from pos on found. */
struct found {
    size_t count, raw_n; /* DONE */
    size_t entries;      /* of the list, which the record takes */
    bool breaks, fixed;  /* it may hold line ends; some field needs its quotes or escapes taken out */
    const char *trouble; /* BAD: what is wrong with the quotes */
    size_t at;           /* BAD: where, from pos */
};
enum scan { DONE, MORE, BAD };

/*
 * Puts base + i for every i < n with p[i] a delimiter, quote (0: none), CR or LF into out, ascending, and gives their
 * number. out has room for n + INDEX_SLACK, and p[0 .. n + INDEX_PAD) can be read.
 */
size_t csv_index(const char *p, size_t n, char delimiter, char quote, uint32_t base, uint32_t *out);
/* The same, byte by byte: for machines without SSE2, and for the test that holds both together. */
size_t csv_index_bytewise(const char *p, size_t n, char delimiter, char quote, uint32_t base, uint32_t *out);
/* Finds the record at pos, if that is a usual one: false says nothing. */
bool csv_scan_index(struct csv *c, struct found *f);
#endif

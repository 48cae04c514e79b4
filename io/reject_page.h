#ifndef IO_REJECT_PAGE_H
#define IO_REJECT_PAGE_H
#include "io/convert.h"
/* Rejects on their way from the thread that finds them to the one that keeps them: copies, a bounded number. */
#define REJECT_PAGE_ROWS 1000
struct reject_row {
    int64_t load_id, line, offset, raw_total;
    const char *column, *code, *message, *hint; /* of the page's arena, like raw */
    const char *raw;
    size_t raw_n;
    char raw_sha256[65]; /* "" unless raw is cut */
};
struct reject_page {
    struct arena *arena;
    struct reject_row *rows; /* REJECT_PAGE_ROWS of them */
    size_t n, bytes;
};
struct reject_page *reject_page_new(void);
void reject_page_free(struct reject_page *p); /* NULL is fine */
void reject_page_clear(struct reject_page *p);
/* why's own hint, else what usually helps against its code; "" where nothing is known. Borrowed. */
const char *reject_hint(const struct reject_info *why);
/* Copies *why. true: the page is full now. */
bool reject_page_add(struct reject_page *p, int64_t load_id, const struct reject_info *why);
#endif

#ifndef BASE_STR_H
#define BASE_STR_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>
/* A view: borrows, not NUL-terminated. */
struct str {
    const char *p;
    size_t n;
};
static inline struct str str_of(const char *s)
{
    return (struct str){s, strlen(s)};
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_is(struct str a, const char *s)
{
    return str_eq(a, str_of(s));
}
/* Without blanks, tabs and line ends at either end. */
static inline struct str str_trim(struct str s)
{
    while (s.n > 0 && memchr(" \t\r\n", s.p[s.n - 1], 4) != NULL)
        s.n--;
    while (s.n > 0 && memchr(" \t\r\n", *s.p, 4) != NULL) {
        s.p++;
        s.n--;
    }
    return s;
}
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* Decimal digits with an optional minus; nothing else, no blanks. Errors are ERR_BAD_VALUE and name the range. */
NODISCARD int str_to_i64(struct str s, int64_t min, int64_t max, int64_t *ret, struct err *err);
/* Durations as config writes them: "90s", "15m", "1h", "72h", "7d", "500ms". Milliseconds, at most 100 years. */
NODISCARD int str_to_duration_ms(struct str s, int64_t *ret_ms, struct err *err);
/* Sizes: "512", "64KiB", "1GiB", "10MB". Bytes. */
NODISCARD int str_to_bytes(struct str s, int64_t *ret_bytes, struct err *err);
/* The candidate (NULL-ended list) with the smallest edit distance to s, or NULL if none is near. */
const char *str_nearest(const char *s, const char *const *candidates);
/* Lower-case hex of n bytes; out has room for 2n+1. */
void str_hex(const void *p, size_t n, char *out);
#define STR_GROUPED 32
const char *str_grouped(int64_t n, char out[STR_GROUPED]); /* 1,234,567 */
/* 1: well-formed UTF-8 (RFC 3629: no overlong, no surrogates, <= U+10FFFF). 0: not, *ret_at the first bad byte. */
int str_utf8_valid(const char *p, size_t n, size_t *ret_at);
/* The character at *p, which goes behind it; what is no UTF-8 gives some number, and never leads past end. *p < end. */
uint32_t str_character(const char **p, const char *end);
/* Bytes of the character at p that a reader would see as it is; 0: a control, one that turns the direction of what follows or
 * parts lines, or no UTF-8. n > 0. */
size_t str_plain_char(const char *p, size_t n);
/* For a terminal or a message: what is not plain as \xNN, cut at max bytes with "...". out: max+4+... */
void str_printable(const char *p, size_t n, char *out, size_t out_size);
#endif

#ifndef IO_SUMS_INT_H
#define IO_SUMS_INT_H
#include "io/sums.h"
void bits_subtract(struct bits *a, const struct bits *b);
void dec256_add(struct dec256 *a, const struct dec256 *b);
/* sums_full.c; c NULL: checksums alone */
void full_add(struct full *a, const struct full *b, const struct column *c);
void full_to_json(const struct full *f, const struct column *c, json_t *ret);
NODISCARD int full_from_json(const json_t *one, struct col_sum *ret, struct err *err);
const char *full_differs(const struct full *a, const struct full *b, const struct column *c, int which,
                         char x[96], char y[96]);
#endif

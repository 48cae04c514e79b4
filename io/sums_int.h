#ifndef IO_SUMS_INT_H
#define IO_SUMS_INT_H
#include "io/sums.h"
void bits_subtract(struct bits *a, const struct bits *b);
#endif

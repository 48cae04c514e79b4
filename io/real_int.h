#ifndef IO_REAL_INT_H
#define IO_REAL_INT_H
/* What reading doubles (real.c) and writing them (shortest.c) share. */
__extension__ typedef unsigned __int128 u128;
enum { POWER_MIN = -292, POWER_MAX = 324 };
/* g of 10^k = g * 2^(floor(log2(10^k)) - 127), rounded up where it is not exact, at [k - POWER_MIN]. */
const u128 *real_powers(void);
#endif

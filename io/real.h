#ifndef IO_REAL_H
#define IO_REAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/*
 * Doubles and their decimals, exactly, without locale and without allocation. Pure.
 */
struct decimal { /* (-1)^negative * digits * 10^exp10 */
    uint64_t digits;
    int exp10;
    bool negative;
};
enum decimal_form {
    DECIMAL_OK,
    DECIMAL_BAD,  /* not [-]digits[.digits][e[+-]digits]; ".5" and "5." are fine */
    DECIMAL_LONG, /* more than 19 digits that count */
};
enum decimal_form decimal_scan(const char *p, size_t n, struct decimal *ret);
/* Takes trailing zeros out of the digits; 0 becomes 0 * 10^0. Returns the number of digits left. */
int decimal_strip(struct decimal *d);
bool decimal_same(struct decimal a, struct decimal b); /* both stripped; the sign does not count */
/* The nearest double, ties to even; infinity where there is none. */
double decimal_to_double(const struct decimal *d);
float decimal_to_float(const struct decimal *d);
/* The shortest decimal that reads back as v (stripped); v is finite. */
struct decimal decimal_shortest(double v);
/* What printf("%.*e", digits - 1, v) shows, stripped; v is finite, digits at most 17. */
struct decimal decimal_printed(double v, int digits);
#endif

#ifndef IO_SHORTEST_H
#define IO_SHORTEST_H
#include <stdint.h>
/*
 * The shortest decimal that reads back as the same double (or float), the nearest to it where several are as short:
 * v == mantissa * 10^exp10 with no trailing zero in the mantissa. v is finite.
 */
void shortest_double(double v, int64_t *ret_mantissa, int *ret_exp10);
void shortest_float(float v, int64_t *ret_mantissa, int *ret_exp10);
/* As text: "0.1", "-1200", "1.5e-7"; plain digits from 1e-6 up to 1e17, else an exponent. Returns the length. */
#define SHORTEST_SIZE 32
int shortest_text(int64_t mantissa, int exp10, char out[SHORTEST_SIZE]);
#endif

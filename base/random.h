#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H
#include <stdint.h>
/* splitmix64, a step of a counter, then mixed: the same state draws the same numbers, so that what is drawn can be repeated. It
 * guards no secret; io/hash.h has random_bytes. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
#endif

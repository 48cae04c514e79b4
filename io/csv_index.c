#include "io/csv_int.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

size_t csv_index_bytewise(const char *p, size_t n, char delimiter, char quote, uint32_t base, uint32_t *out)
{
    bool special[256] = {false};
    size_t count = 0;

    special[(unsigned char)delimiter] = special['\r'] = special['\n'] = true;
    if (quote != 0)
        special[(unsigned char)quote] = true;
    for (size_t i = 0; i < n; i++) {
        out[count] = base + (uint32_t)i; /* overwritten where it is none */
        count += special[(unsigned char)p[i]];
    }
    return count;
}

#ifdef __SSE2__
/* Without the instruction, which not every machine has. */
static inline size_t bits_set(uint64_t w)
{
    w -= w >> 1 & UINT64_C(0x5555555555555555);
    w = (w & UINT64_C(0x3333333333333333)) + (w >> 2 & UINT64_C(0x3333333333333333));
    w = (w + (w >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (size_t)(w * UINT64_C(0x0101010101010101) >> 56);
}

/* The places of the set bits, eight at a time whether there are as many or not: most steps have 8 to 16. */
static inline size_t put_bits(uint64_t bits, uint32_t base, uint32_t *out)
{
    size_t count = bits_set(bits);

    for (size_t done = 0; done < count; done += 8)
        for (size_t i = 0; i < 8; i++) {
            /* the last bit is never cleared for good: there is always one to count */
            out[done + i] = base + (uint32_t)__builtin_ctzll((unsigned long long)bits | UINT64_C(1) << 63);
            bits &= bits - 1;
        }
    return count;
}

size_t csv_index(const char *p, size_t n, char delimiter, char quote, uint32_t base, uint32_t *out)
{
    const __m128i d = _mm_set1_epi8(delimiter), cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    const __m128i q = _mm_set1_epi8(quote != 0 ? quote : '\n');
    size_t count = 0;

    for (size_t at = 0; at < n; at += 64) {
        uint64_t bits = 0;
        for (int i = 0; i < 4; i++) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + at + 16 * i));
            __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, d), _mm_cmpeq_epi8(v, lf)),
                                       _mm_or_si128(_mm_cmpeq_epi8(v, q), _mm_cmpeq_epi8(v, cr)));
            bits |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << 16 * i;
        }
        if (n - at < 64)
            bits &= (UINT64_C(1) << (n - at)) - 1;
        count += put_bits(bits, base + (uint32_t)at, out + count);
    }
    return count;
}
#else
size_t csv_index(const char *p, size_t n, char delimiter, char quote, uint32_t base, uint32_t *out)
{
    return csv_index_bytewise(p, n, delimiter, quote, base, out);
}
#endif

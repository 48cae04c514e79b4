#include "io/inflate.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENOUGH = 16 << 20 };

/* Reads to the end or ENOUGH; returns the number of bytes, SIZE_MAX for a stream that is refused. */
static size_t total(const uint8_t *data, size_t size, size_t in_step, size_t out_step)
{
    struct memory_reader b = memory_reader(data, size, in_step);
    struct reader *r = NULL;
    struct err err = {0};
    uint8_t out[8192];
    size_t n = 1, all = 0;
    int rc = inflate_open(&b.reader, &r, &err);

    while (rc == 0 && n > 0 && all < ENOUGH) {
        rc = reader_read(r, out, out_step, &n, &err);
        if (rc == 0 && n > out_step)
            abort();
        all += n;
    }
    if (rc < 0 && err.code != ERR_CORRUPT)
        abort();
    reader_close(r);
    return rc < 0 ? SIZE_MAX : all;
}

/* The first byte says in what steps; however the bytes arrive, what they mean is the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t small = total(data + 1, size - 1, 1u + data[0] % 16, 1u + data[0] / 16 * 400u);
    size_t large = total(data + 1, size - 1, SIZE_MAX, 8192);
    bool whole = (small == SIZE_MAX || small < ENOUGH) && (large == SIZE_MAX || large < ENOUGH);
    if (whole && small != large)
        abort();
    return 0;
}

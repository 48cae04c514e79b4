#ifndef IO_INFLATE_H
#define IO_INFLATE_H
#include "io/reader.h"
/*
 * Takes raw (closes it too) and gives its bytes decompressed: gzip (all members) and zstd (all frames) are
 * recognised by their magic bytes, whatever the name says; anything else passes through. A stream that is
 * damaged or ends early is ERR_CORRUPT. On failure raw is closed. Memory: fixed; zstd windows up to 128 MiB
 * are refused above 32 MiB (ERR_CORRUPT with a hint).
 */
NODISCARD int inflate_open(struct reader *raw, struct reader **ret_owned, struct err *err);
enum { INFLATE_HEAD = 4 };
bool inflate_packed(const unsigned char *p,
                    size_t n); /* do these first bytes, INFLATE_HEAD if there are so many, say so? */
/* sha256 and byte count of everything that passes; takes inner. */
struct hashing;
NODISCARD int hashing_open(struct reader *inner, struct reader **ret_owned, struct err *err);
void hashing_result(const struct reader *r, unsigned char sha256[32], int64_t *ret_bytes); /* after the end */
#endif

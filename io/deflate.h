#ifndef IO_DEFLATE_H
#define IO_DEFLATE_H
#include "base/err.h"
#include <stddef.h>
/* Bytes packed on their way: the other side of io/inflate.h. */
enum packing { PACK_NONE, PACK_GZIP, PACK_ZSTD };
typedef int bytes_fn(void *arg, const void *p, size_t n, struct err *err);
struct deflate;
/* level 0: gzip 1, zstd 3. out gets the packed bytes, in pieces of at most 256 KiB. Gzip has no name and no time in its
 * header: the same bytes are the same file. */
NODISCARD int deflate_new(enum packing packing, int level, bytes_fn *out, void *arg, struct deflate **ret,
                          struct err *err);
NODISCARD int deflate_write(struct deflate *d, const void *p, size_t n, struct err *err);
/* The last bytes are out, of an empty member where nothing was written; write begins another one. */
NODISCARD int deflate_end(struct deflate *d, struct err *err);
void deflate_free(struct deflate *d);       /* NULL is fine */
const char *packing_suffix(enum packing p); /* "", ".gz", ".zst" */
#endif

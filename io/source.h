#ifndef IO_SOURCE_H
#define IO_SOURCE_H
#include "base/beat.h"
#include "base/buf.h"
#include "io/creds.h"
#include "io/reader.h"
#include <stdint.h>
/*
 * Where files come from: s3://bucket/prefix/ and file:///folder/ behind one interface.
 * A key is relative to the connection's URL and is bytes without NUL (S3: UTF-8).
 */
struct source_config {    /* what it points to is borrowed and must outlive the source */
    const char *url;      /* "s3://bucket/prefix/" or "file:///abs/folder/" or "file://rel" */
    const char *region;   /* NULL: the profile's, else us-east-1 */
    const char *endpoint; /* "http://127.0.0.1:9000"; NULL: AWS */
    bool path_style;
    const char *profile; /* NULL: default */
    const char *ca_file; /* NULL: system */
    struct creds_env env;
    int64_t clock_shift_ms; /* added to LastModified (tests) */
    int stall_timeout_ms;   /* 0: 20 s */
    int retries;            /* of 5xx, 429 and broken connections; 0: 4; negative: none */
    const struct beat *beat;
};
struct object_info {
    const char *key;        /* relative to the URL */
    const char *etag;       /* without quotes; "" for file:// */
    const char *version_id; /* NULL: unversioned */
    int64_t size;
    int64_t mtime_ns;    /* file://: exact; s3: LastModified * 1e6 */
    int64_t modified_ms; /* LastModified, test clock added */
};
struct source;
NODISCARD int source_open(const struct source_config *config, struct source **ret, struct err *err);
void source_close(struct source *s);
/*
 * Calls fn for every object under prefix (relative; recursive), in byte order of the key. fn's strings
 * live until it returns; a negative answer ends the listing with its error. Nothing is left out here:
 * include patterns are the caller's. Folders reached by a symbolic link are listed too; a link to nothing and
 * what is no regular file are no objects. A missing prefix is an empty listing, a missing bucket or root
 * folder ERR_NOT_FOUND. A truncated page without a token is an error, not the end.
 */
NODISCARD int source_list(struct source *s, const char *prefix,
                          int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                          struct err *err);
/*
 * Streams one object whole, raw bytes. The identity in *o (etag, or size and mtime for files) must hold:
 * If-Match; another one is ERR_OBJECT_CHANGED. A broken connection is resumed with Range and If-Match; the
 * length, and the MD5 where the ETag is one, are checked at the end. *o is borrowed until close.
 */
NODISCARD int source_get(struct source *s, const struct object_info *o, struct reader **ret_owned,
                         struct err *err);
/* The same, but the answer is not waited for, so that several small objects are on their way at once: what goes wrong is
 * told by the first read. */
NODISCARD int source_get_soon(struct source *s, const struct object_info *o, struct reader **ret_owned,
                              struct err *err);
/* At most n first bytes of an object, raw, for init and doctor. */
NODISCARD int source_peek(struct source *s, const struct object_info *o, size_t n, struct buf *ret,
                          struct err *err);
bool source_is_s3(const struct source *s);
const char *source_creds_origin(const struct source *s); /* "" for files, and before the first request */
/* Server clock minus ours, in ms, from the Date header of the last answer; 0 for files. */
int64_t source_clock_skew_ms(const struct source *s);
/* Writes an object whole, in place of one that is there (tests, init --demo, later extraction). */
NODISCARD int source_put(struct source *s, const char *key, const void *p, size_t n, struct err *err);
#endif

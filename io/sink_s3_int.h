#ifndef IO_SINK_S3_INT_H
#define IO_SINK_S3_INT_H
#include "io/s3.h"
#include "io/sink_int.h"
/* What sink_s3.c and sink_s3_upload.c share. */
struct sink_s3 {
    struct sink base;
    struct s3 *s3;
    struct source *source; /* lists */
    struct beat beat;      /* what s3 and source see: users, but while something is undone */
    const struct beat *users;
    int64_t undo_until_ms; /* mono; 0: nothing is undone */
};
/* From here on the user's beat is called and cannot stop us, until 30 s later: what a stopped run began is taken back. */
void sink_s3_undo_begin(struct sink_s3 *s);
void sink_s3_undo_end(struct sink_s3 *s);
char *sink_s3_key(const struct sink_s3 *s, const char *key); /* the whole key; returns owned */
/* "name=value" with the value encoded, "&" before it unless ret is empty. */
NODISCARD int sink_s3_query(struct buf *ret, const char *name, const char *value, struct err *err);
/* An MD5, or one of MD5s ("-12"), and not of what the server made of the bytes (KMS, a key of the customer's). */
bool sink_s3_etag_tells(const struct http_response *r, const char *etag);
/* The ETag header without quotes; "" where there is none that can be used. */
void sink_s3_etag(const struct http_response *r, char out[80]);
/* Until the server lists no piece of it. One that is not there is fine. */
NODISCARD int sink_s3_abort(struct sink_s3 *s, const char *whole_key, const char *id, struct err *err);
/* Aborts the uploads below a prefix (whole) that fn says 1 of; returns how many. */
NODISCARD int sink_s3_sweep(struct sink_s3 *s, const char *prefix,
                            int (*fn)(void *arg, const char *whole_key, const char *id, int64_t initiated_ms),
                            void *arg, struct err *err);
/* What is there under a key, against what should be: etag "" means that only the bytes can tell. 1: it is that, 0: something
 * else or nothing. ret_etag (may be NULL): what it has. */
struct wanted {
    int64_t bytes;
    const char *etag, *sha256;
};
NODISCARD int sink_s3_holds(struct sink_s3 *s, const char *whole_key, const struct wanted *w,
                            char ret_etag[80], struct err *err);
/* sink_s3_upload.c */
struct upload *sink_s3_upload(struct sink *sink);
NODISCARD int sink_s3_write(struct upload *base, const void *p, size_t n, struct err *err);
NODISCARD int sink_s3_give(struct upload *base, const struct sink_piece *piece, struct err *err);
NODISCARD int sink_s3_finish(struct upload *base, struct uploaded *ret, struct err *err);
bool sink_s3_undo(struct upload *base);
void sink_s3_free(struct upload *base);
#endif

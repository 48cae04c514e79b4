#ifndef IO_S3_H
#define IO_S3_H
#include "base/buf.h"
#include "io/http.h"
#include "io/source.h"
/*
 * Signed requests to one bucket, below source.h, for io/ only. Sends, tries again what goes by itself,
 * renews credentials, and turns S3's refusals into our errors with what the user can do about them. No
 * message holds a secret.
 */
struct s3;
struct s3_request {
    const char *method;
    const char *key;            /* whole key in the bucket; NULL: the bucket itself */
    const char *query;          /* percent-encoded; NULL: none */
    const char *const *headers; /* unsigned ones: Range, If-Match; NULL-ended; may be NULL */
    const void *body;
    size_t body_n;
    const char
        *md5; /* of the body, in hex: it is signed in place of the body's SHA-256. NULL or "": not known */
    bool body_stays; /* until the response is closed: not copied */
    bool once;       /* not sent again where its answer is lost: the caller asks what became of it */
};
/* Takes bucket and prefix from config->url. No network yet. */
NODISCARD int s3_open(const struct source_config *config, struct s3 **ret, struct err *err);
void s3_close(struct s3 *s);
/*
 * *ret is a response with a 2xx status, its body unread; or, where whole is not NULL, the body is read
 * into it (cleared first) and ret may be NULL. Faults that go by themselves (5xx, 429, broken and refused
 * connections, time-outs) have been tried again with back-off.
 */
NODISCARD int s3_send(struct s3 *s, const struct s3_request *q, struct buf *whole, struct http_response **ret,
                      struct err *err);
/* The <Error> that a body with status 200 may be: 0 where it is none, else as s3_send would have refused. */
NODISCARD int s3_judge(struct s3 *s, const struct s3_request *q, const struct buf *body, struct err *err);
/* A request that is under way while others are waited for; *ret for s3_wait. Best effort: where this fails, or s3_wait does,
 * s3_send asks again, and tells why. */
NODISCARD int s3_start(struct s3 *s, const struct s3_request *q, struct http_response **ret, struct err *err);
/* Moves it, without waiting. */
void s3_go_on(struct s3 *s);
NODISCARD int s3_wait(struct http_response *r, struct err *err); /* 0: a 2xx status; else r is closed */
/* Waits before try number n (from 0) is repeated, with the beat. */
NODISCARD int s3_back_off(struct s3 *s, int n, struct err *err);
int s3_retries(const struct s3 *s);
bool s3_goes_by_itself(enum err_code code);
const char *s3_root(const struct s3 *s); /* the URL's prefix: "" or "incoming/" */
const char *s3_bucket(const struct s3 *s);
const char *s3_origin(const struct s3 *s); /* of the credentials; "" before the first request */
int64_t s3_skew_ms(const struct s3 *s);
/* "s3://bucket/key: " before the message. */
int s3_prefix_err(const struct s3 *s, const char *key, struct err *err);
#endif

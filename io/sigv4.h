#ifndef IO_SIGV4_H
#define IO_SIGV4_H
#include "base/buf.h"
#include <stdint.h>
/*
 * AWS Signature Version 4, pure. Source: "Signature Version 4 signing process", AWS General Reference;
 * checked with the published vectors. S3 paths are encoded once and not normalised.
 */
struct sigv4_header {
    const char *name, *value; /* any case, any order; repeated names are merged */
};
struct sigv4 {
    const char *access_key, *secret_key;
    const char *session_token; /* NULL: none. Added by the caller as x-amz-security-token among the headers */
    const char *region, *service;
    const char *method;
    const char *path;  /* percent-encoded, as it is sent */
    const char *query; /* "a=1&b", percent-encoded ('+' is a plus, send %20), any order; NULL or "": none */
    const struct sigv4_header
        *headers; /* what is to be signed: host, x-amz-date, x-amz-content-sha256, ... */
    size_t header_count;
    const char *payload_hash; /* hex sha256, or "UNSIGNED-PAYLOAD" */
    int64_t now_ms;
    bool normalize_path; /* every service but S3 */
};
/* The value of the Authorization header. *ret_canonical and *ret_to_sign, when not NULL, get the intermediate
 * texts (tests compare them with AWS's). */
NODISCARD int sigv4_sign(const struct sigv4 *s, struct buf *ret_authorization, struct buf *ret_canonical,
                         struct buf *ret_to_sign, struct err *err);
/* Percent-encodes all but A-Z a-z 0-9 - . _ ~ (and '/' when keep_slash), upper-case hex. */
NODISCARD int sigv4_encode(const char *p, size_t n, bool keep_slash, struct buf *ret, struct err *err);
/* The byte that the %XX at p stands for, or -1 where there is none. */
int sigv4_decode(const char *p, size_t n);
/* "20220605T121314Z" */
void sigv4_date(int64_t now_ms, char out[17]);
#endif

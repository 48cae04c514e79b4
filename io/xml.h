#ifndef IO_XML_H
#define IO_XML_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>
/*
 * The XML documents that S3 and STS send us; the one door to libxml2. Names are compared without their
 * namespace (servers differ in it). No document type, no entities but XML's five, no network, no nesting
 * past libxml2's default; what is not the expected document, or lacks what it must have, is
 * ERR_BAD_RESPONSE, never a shorter list.
 */
struct xml_object {      /* one <Contents>; strings live as long as the page */
    const char *key;     /* decoded; without NUL */
    const char *etag;    /* without quotes; printable ASCII */
    int64_t size;        /* >= 0 */
    int64_t modified_ms; /* LastModified */
};
struct xml_page {
    struct xml_object *objects; /* owned, in the server's order */
    size_t count;
    bool truncated;
    char *next_token;    /* owned; not NULL and not empty when truncated */
    struct arena *arena; /* the strings */
};
/* A ListObjectsV2 answer. A truncated page without a token is an error. *ret is empty on failure. */
NODISCARD int xml_list_page(const char *p, size_t n, struct xml_page *ret, struct err *err);
void xml_page_release(struct xml_page *page); /* a zeroed one is fine */

/* What uploads in pieces are answered with. The id is printable ASCII, not empty; *ret_owned is untouched on failure. */
NODISCARD int xml_upload_id(const char *p, size_t n, char **ret_owned, struct err *err);
/* The ETag, without quotes, of a CompleteMultipartUploadResult. White space before the document is what a server sends
 * while it works. An <Error>, which comes with status 200, is ERR_BAD_RESPONSE here: ask xml_s3_error first. */
NODISCARD int xml_completed(const char *p, size_t n, char **ret_owned, struct err *err);

struct xml_upload {       /* one <Upload>; strings live as long as the page */
    const char *key, *id; /* decoded; printable ASCII, not empty */
    int64_t initiated_ms;
};
struct xml_uploads {
    struct xml_upload *uploads; /* owned, in the server's order */
    size_t count;
    bool truncated;
    char *next_key,
        *next_id;        /* owned; next_key is not NULL and not empty when truncated, next_id may be NULL */
    struct arena *arena; /* the strings */
};
/* A ListMultipartUploads answer. *ret is empty on failure. */
NODISCARD int xml_uploads(const char *p, size_t n, struct xml_uploads *ret, struct err *err);
void xml_uploads_release(struct xml_uploads *page); /* a zeroed one is fine */

struct xml_s3_error { /* cut to fit, control bytes made harmless; "" where absent */
    char code[80], message[400], region[64], bucket[80];
};
/* False when the document is not an S3 <Error>; then *ret is all "". */
bool xml_s3_error(const char *p, size_t n, struct xml_s3_error *ret);

/* An AssumeRoleWithWebIdentity answer of STS: all owned, none of them empty. *ret is empty on failure. */
struct xml_credentials {
    char *access_key, *secret_key, *session_token, *expires;
};
NODISCARD int xml_sts_credentials(const char *p, size_t n, struct xml_credentials *ret, struct err *err);
void xml_credentials_release(struct xml_credentials *c);
bool xml_sts_error(const char *p, size_t n, struct xml_s3_error *ret); /* the same of an <ErrorResponse> */
#endif

#ifndef BASE_JSON_H
#define BASE_JSON_H
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include <jansson.h>
/* jansson with our error idiom. json_t values follow jansson's reference counts. */

/* Parses n bytes; duplicate keys, trailing text and nesting past MAX_JSON_DEPTH are errors. Numbers that
 * do not fit int64 as integers are errors, never rounded. */
NODISCARD int json_parse(const char *text, size_t n, const char *what, json_t **ret_owned, struct err *err);
/* Compact, key order kept. Returns owned. */
char *json_text(const json_t *v);
/* As many digits as a real number in v needs to be read back as the same, 15 to 17: JSON_REAL_PRECISION. */
size_t json_digits(const json_t *v);
/* Members by name. A missing one gives the default (or NULL/0); one of another type is ERR_CONTRACT naming it. */
NODISCARD int json_get_str(const json_t *object, const char *key, const char *fallback,
                           const char **ret_borrowed, struct err *err);
NODISCARD int json_get_i64(const json_t *object, const char *key, int64_t fallback, int64_t *ret,
                           struct err *err);
/* Required forms: a missing member is ERR_CONTRACT too. */
NODISCARD int json_need_str(const json_t *object, const char *key, const char **ret_borrowed,
                            struct err *err);
NODISCARD int json_need_i64(const json_t *object, const char *key, int64_t *ret, struct err *err);
/* Appends a string with its quotes; a byte that is no UTF-8 becomes U+FFFD. */
NODISCARD int json_add_text(struct buf *b, const char *p, size_t n, struct err *err);
const char *json_kind(const json_t *v); /* "a string", "an object", ... */
#endif

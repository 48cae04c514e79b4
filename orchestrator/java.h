#ifndef ORCHESTRATOR_JAVA_H
#define ORCHESTRATOR_JAVA_H
#include "base/buf.h"
#include "base/json.h"
/*
 * What AWS's interpreter, which is written in Java, lets through into results: texts of numbers and containers, the
 * order of a HashSet, the draws of java.util.Random. Pure.
 */
/* toString(): text as it is, 1.0E10, null, [a, b], {key=value}. ERR_TOO_LARGE past the maximum of b. */
NODISCARD int java_text(struct buf *b, const json_t *v, struct err *err);
#define JAVA_NUMBER 40
const char *java_number(const json_t *number, char out[JAVA_NUMBER]);
int32_t java_hash(const json_t *v);   /* hashCode() */
size_t java_length(const char *utf8); /* in UTF-16 units */
/* java.util.Random: the first draw of nextInt in [from, to). from < to. */
int32_t java_random(int64_t seed, int32_t from, int32_t to);
#endif

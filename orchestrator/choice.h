#ifndef ORCHESTRATOR_CHOICE_H
#define ORCHESTRATOR_CHOICE_H
#include "base/json.h"
/*
 * The 39 comparators of a Choice rule, one table. choice_matches is in path.h. Pure.
 */
enum compare_type {
    COMPARE_STRING,
    COMPARE_NUMERIC,
    COMPARE_BOOLEAN,
    COMPARE_TIMESTAMP,
    COMPARE_PATTERN,
    COMPARE_KIND
};
enum compare_op { COMPARE_EQ, COMPARE_LT, COMPARE_GT, COMPARE_LE, COMPARE_GE };
struct comparator {
    const char *name; /* static; with "Path" where path is set */
    enum compare_type type;
    enum compare_op op;
    bool path; /* the operand is a path to the value */
};
enum { COMPARATOR_COUNT = 39 };
extern const struct comparator comparators[COMPARATOR_COUNT];
const struct comparator *comparator_find(const char *name); /* NULL: none */
/* A timestamp as ASL wants it: RFC 3339 with an upper-case T, seconds, and an upper-case Z or an offset. The
 * second part is what is finer than a millisecond, in ns. */
bool timestamp_read(const char *text, int64_t *ret_ms, int64_t *ret_ns);
#endif

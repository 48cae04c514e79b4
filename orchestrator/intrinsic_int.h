#ifndef ORCHESTRATOR_INTRINSIC_INT_H
#define ORCHESTRATOR_INTRINSIC_INT_H
#include "orchestrator/intrinsic.h"
/* Between intrinsic.c, which reads calls, and intrinsic_*.c, which answer them. */
struct argument {
    json_t *v;         /* owned by the reader of the call */
    const char *quote; /* what stands between its quotes, escapes and all; NULL: no literal text */
    bool parsed;       /* it is what StringToJson gave */
};
struct call {
    const char *name;
    const struct argument *args;
    size_t count;
    const struct scope *scope;
};
/* Returns owned values, or an error made by call_wrong. */
int intrinsic_array(const struct call *c, json_t **ret, struct err *err);
int intrinsic_array_partition(const struct call *c, json_t **ret, struct err *err);
int intrinsic_array_contains(const struct call *c, json_t **ret, struct err *err);
int intrinsic_array_range(const struct call *c, json_t **ret, struct err *err);
int intrinsic_array_get_item(const struct call *c, json_t **ret, struct err *err);
int intrinsic_array_length(const struct call *c, json_t **ret, struct err *err);
int intrinsic_array_unique(const struct call *c, json_t **ret, struct err *err);
int intrinsic_format(const struct call *c, json_t **ret, struct err *err);
int intrinsic_string_to_json(const struct call *c, json_t **ret, struct err *err);
int intrinsic_json_to_string(const struct call *c, json_t **ret, struct err *err);
int intrinsic_json_merge(const struct call *c, json_t **ret, struct err *err);
int intrinsic_string_split(const struct call *c, json_t **ret, struct err *err);
int intrinsic_base64_encode(const struct call *c, json_t **ret, struct err *err);
int intrinsic_base64_decode(const struct call *c, json_t **ret, struct err *err);
int intrinsic_hash(const struct call *c, json_t **ret, struct err *err);
int intrinsic_math_add(const struct call *c, json_t **ret, struct err *err);
int intrinsic_math_random(const struct call *c, json_t **ret, struct err *err);
int intrinsic_uuid(const struct call *c, json_t **ret, struct err *err);

int call_wrong(const struct call *c, struct err *err, const char *fmt, ...) PRINTF(3, 4);
/* The argument as an int32: a fraction is cut off. */
NODISCARD int call_integer(const struct call *c, size_t i, int32_t *ret, struct err *err);
NODISCARD int call_array(const struct call *c, size_t i, const json_t **ret_borrowed, struct err *err);
NODISCARD int call_text(const struct call *c, size_t i, const char **ret_borrowed, struct err *err);
#endif

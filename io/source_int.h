#ifndef IO_SOURCE_INT_H
#define IO_SOURCE_INT_H
#include "io/source.h"
/* What stands behind source.h: one table per kind of source. Only source*.c include this. */
struct source_ops {
    void (*close)(struct source *s);
    int (*list)(struct source *s, const char *prefix,
                int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                struct err *err);
    int (*get)(struct source *s, const struct object_info *o, struct reader **ret_owned, struct err *err);
    /* The same, not waited for: what goes wrong is told by the first read. NULL: get does. */
    int (*get_soon)(struct source *s, const struct object_info *o, struct reader **ret_owned,
                    struct err *err);
    int (*put)(struct source *s, const char *key, const void *p, size_t n, struct err *err);
    const char *(*creds_origin)(const struct source *s);
    int64_t (*clock_skew_ms)(const struct source *s);
    bool is_s3;
};
struct source { /* implementations embed it first */
    const struct source_ops *ops;
};
NODISCARD int source_s3_new(const struct source_config *config, struct source **ret, struct err *err);
NODISCARD int source_file_new(const struct source_config *config, struct source **ret, struct err *err);
#endif

#ifndef IO_SINK_INT_H
#define IO_SINK_INT_H
#include "io/hash.h"
#include "io/sink.h"
/* What stands behind sink.h: one table per kind of sink. Only sink*.c include this. */
struct sink_ops {
    void (*close)(struct sink *s);
    /* A zeroed upload of this kind, its base filled by the caller; begins nothing yet. */
    struct upload *(*upload)(struct sink *s);
    int (*write)(struct upload *u, const void *p, size_t n, struct err *err);
    int (*give)(struct upload *u, const struct sink_piece *piece, struct err *err); /* NULL: by write */
    int (*finish)(struct upload *u, struct uploaded *ret, struct err *err); /* bytes and sha256 are filled */
    /* Takes back what there is of it: after a failure, or instead of the end. True: something stays, as sink->left says. */
    bool (*undo)(struct upload *u);
    void (*free)(struct upload *u); /* the struct and what is the kind's own in it */
    int (*put_new)(struct sink *s, const char *key, const void *p, size_t n, struct err *err);
    int (*read)(struct sink *s, const char *key, struct buf *ret, struct err *err);
    int (*remove)(struct sink *s, const char *key, struct err *err);
    int (*list)(struct sink *s, const char *prefix,
                int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                struct err *err);
    int (*abandon)(struct sink *s, const char *prefix, int (*is_ours)(void *arg, const char *key), void *arg,
                   struct err *err);
    char *(*above)(const struct sink *s, const char *key); /* NULL: S3 has no folders */
    bool is_s3;
};
struct sink { /* implementations embed it first */
    const struct sink_ops *ops;
    char left[400];
};
struct upload { /* the same */
    struct sink *sink;
    char *key; /* owned */
    struct sha256 *sum;
    char given[SHA256_HEX]; /* the sum, of who gave pieces; "": it is ours */
    int64_t bytes;
    int rc; /* the first failure, given again */
    struct err err;
};
NODISCARD int sink_s3_new(const struct source_config *config, struct sink **ret, struct err *err);
NODISCARD int sink_file_new(const struct source_config *config, struct sink **ret, struct err *err);
#endif

#ifndef IO_FORMAT_INT_H
#define IO_FORMAT_INT_H
#include "io/format.h"
/* What stands behind format.h: one table per kind. format.c has format_new and CSV and TSV; the others a file each. */
struct format_ops {
    int (*begin)(struct format *f, struct buf *out, struct err *err);
    int (*rows)(struct format *f, const struct batch *b, size_t from, size_t to, struct buf *out, struct err *err);
    int (*end)(struct format *f, struct buf *out, struct err *err);
    void (*free)(struct format *f);
};
struct format { /* implementations embed it first */
    const struct format_ops *ops;
    const struct format_config *c;
    const struct table *def;
    int *columns; /* owned, freed by format_free */
    size_t count;
};
NODISCARD int format_csv_new(struct format **ret, struct err *err); /* fields above are filled by format_new */
NODISCARD int format_jsonl_new(struct format **ret, struct err *err);
NODISCARD int format_avro_new(const struct format_config *c, const struct table *def, const int *columns, size_t count,
                              struct format **ret, struct err *err);
#endif

#ifndef IO_DUMP_H
#define IO_DUMP_H
#include "base/beat.h"
#include "io/deflate.h"
#include "io/format.h"
#include "io/sink.h"
#include "io/snapshot.h"
/*
 * Tables of one snapshot into files: SELECT, typed, formatted, packed, uploaded as it comes, several tables at a time. With
 * threads: a worker for each connection of the snapshot takes one table after the other; an uploader beside it sends while
 * the worker reads on, over three buffers of SINK_PIECE. The caller's thread beats and hears of progress.
 * Memory: 3 pieces and a batch for each table that is under way.
 */
struct dump_part {
    char *key; /* owned */
    int64_t rows;
    struct uploaded up;
};
struct dump_table {
    /* given, borrowed */
    const char *name;              /* for messages */
    const char *record, *metadata; /* Avro: name and metadata in place of the format's; NULL: those */
    const char
        *select; /* "SELECT `a`,`b`,`id` FROM `t` WHERE (...)": no ORDER BY, no LIMIT. With a key it ends with
                           a condition in brackets, "(1)" where there is none: " AND (...)" is put behind it */
    const struct val *values; /* of its marks */
    size_t value_count;
    const struct table *def; /* NULL: as the result says */
    const int *columns;      /* of def, in the order of the select */
    size_t column_count;
    size_t hidden; /* of the last columns: read for the key, not written */
    /* keyset: pages of rows behind the last one in this order. All of them NOT NULL and unique together; 0: one statement.
     * Of a type that cannot be compared with exactly what was read (DOUBLE, ENUM, ...): one statement in this order */
    const char *const *key_sql; /* "`id`" */
    const int *key_at;          /* where each stands in the select */
    size_t key_count;
    int64_t page_rows; /* 0: one statement in the key's order */
    const char *order; /* " ORDER BY ..." of a select without a key; NULL: none */
    /* The file's name; part from 0. From a thread of the dump's, one call at a time */
    void (*part_key)(void *arg, const struct dump_table *t, int part, struct buf *ret);
    void *arg;
    /* filled; freed by dump_table_release */
    int64_t rows, bytes; /* bytes as written */
    int64_t given;       /* rows as the server counted them, of one statement that gave all; -1: not known */
    struct dump_part *parts;
    size_t part_count;
    struct table *made; /* where def was NULL */
    struct sums sums;   /* of what was read: by column of def or made */
};
struct dump_config { /* borrowed */
    struct snapshot *snapshot;
    const struct source_config *sink;   /* each worker opens its own */
    const struct format_config *format; /* offset_s is called by several threads at once */
    enum packing packing;
    int level;
    bool without_sums;  /* only rows are counted */
    int64_t part_bytes; /* a file is closed behind the batch that makes it this large; 0: one file */
    const struct beat *beat;
    /* In the worker, when all rows of a table were read and sent, on its connection, still in the snapshot; NULL: none. */
    int (*verify)(void *arg, struct target *t, const struct dump_table *d, struct err *err);
    void (*progress)(void *arg, int64_t rows,
                     int64_t bytes); /* of all tables, about twice a second; NULL: none */
    void *arg;
};
/* All of them, or none: where one fails, the parts that were finished are removed again, best effort, and the error names the
 * table and the part's key, where it is one's; the snapshot's connections are of no more use then. A table without rows has
 * no part. */
NODISCARD int dump_run(const struct dump_config *c, struct dump_table *tables, size_t n, struct err *err);
void dump_table_release(struct dump_table *t);
#endif

#ifndef IO_ROWS_H
#define IO_ROWS_H
#include "base/beat.h"
#include "io/convert.h"
#include "io/csv.h"
#include "io/reader.h"
/*
 * One object from its bytes to typed rows: inflated, parsed, matched with the table, converted. Pulled: the caller hands
 * in a batch and gets it back filled, so one batch may hold the rows of several objects. Belongs to one thread.
 */
struct rows_config { /* borrowed, all of it; must outlive the rows */
    const struct csv_dialect *dialect;
    const struct convert_config *convert;
    const struct table *def;
    const struct beat *beat;
    struct convert_about about; /* the object: its partition, key and load id, for constants */
};
struct rows_result {
    int64_t records;  /* data records: good and rejected */
    int64_t rejected; /* by parser and typing */
    int64_t empty_lines;
    char sha256[65]; /* of the object's bytes as they lie at the source; "" where the caller wanted none */
};
typedef int reject_sink(void *arg, const struct reject_info *why, struct err *err);
struct rows;
/* Takes raw, the object's bytes as they lie at the source; nothing is read yet. hash: the sum is wanted. */
NODISCARD int rows_open(const struct rows_config *c, struct reader *raw, bool hash, struct rows **ret,
                        struct err *err);
void rows_close(struct rows *r); /* NULL is fine */
/* Reads the header, or the first record, and matches it with the table. 1: columns are known; 0: there is no record, and
 * the object has been read to its verified end. */
NODISCARD int rows_begin(struct rows *r, struct err *err);
const int *rows_columns(const struct rows *r, size_t *ret_count); /* after rows_begin gave 1; borrowed */
enum rows_why {
    ROWS_END,  /* the object's verified end */
    ROWS_FULL, /* b takes no more */
    ROWS_UNTIL /* the next record begins at or behind `until` */
};
/* Appends records to b (NULL: they are counted and passed over) and gives those that break a rule to reject (NULL: they
 * are only counted). until: offset in the inflated stream, -1: none. */
NODISCARD int rows_fill(struct rows *r, struct batch *b, int64_t until, reject_sink *reject, void *arg,
                        struct err *err);
/* Line and offset of the record that comes next; behind the last one after ROWS_END. */
void rows_at(const struct rows *r, int64_t *ret_line, int64_t *ret_offset);
void rows_result(const struct rows *r, struct rows_result *ret);
#endif

#ifndef IO_DICTIONARY_H
#define IO_DICTIONARY_H
#include "io/batch.h"
#include "io/convert.h"
#include "io/target.h"
/*
 * The data dictionary: a table's own schema, and rules beside it that the schema does not say. Rules look at typed cells, so
 * that 7, 07 and 7.0 are one number; texts are compared byte by byte.
 */
struct dict_rule {         /* one entry of tables.NAME.columns */
    const char *column;    /* of the table */
    bool required;         /* NULL is a reject: REQUIRED */
    const char *min, *max; /* as the column's type reads them, itself included; NULL: none. OUT_OF_RULE */
    const char
        *pattern; /* POSIX extended, of the whole text, without back references; NULL: none. NO_MATCH */
    const char *const *values; /* NULL-ended; NULL: any. NOT_ALLOWED */
    const char *
        references; /* "departments.id": must be there. NULL: what the table's own foreign keys say. NO_REFERENCE */
};
struct dict_table {
    const char *name;  /* in paths and on the command line */
    const char *table; /* at the target */
    const char *connection;
    struct target_config target;
    bool all_required; /* every column that has no rule of its own */
    const struct dict_rule *rules;
    size_t rule_count;
    struct convert_config convert; /* of CSV: header, nulls, formats */
    struct csv_dialect dialect;
    const char *const
        *order; /* NULL-ended: what a file's fields are where it has no header; NULL: the table's columns */
    bool writable; /* rows may be put over HTTP */
};
struct intake_counts {
    int64_t records, stored, rejected;
};
struct dictionary; /* rules bound to a described table */
NODISCARD int dictionary_new(const struct dict_table *d, const struct table *def, const int *columns,
                             size_t count, struct dictionary **ret, struct err *err);
void dictionary_free(struct dictionary *d); /* NULL is fine */
/* The last row of b, after converter_row gave 1. 1: keeps the rules; 0: *ret says which not. References are not looked at. */
int dictionary_check(struct dictionary *d, const struct batch *b, struct reject_info *ret);
#endif

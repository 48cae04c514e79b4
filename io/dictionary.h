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
    bool required;         /* NULL, or nothing at all, is a reject: REQUIRED */
    const char *min, *max; /* as the column's type reads them, itself included; NULL: none. OUT_OF_RULE */
    /* POSIX extended, of the whole text, without back references; NULL: none. NO_MATCH */
    const char *pattern;
    const char *const *values; /* NULL-ended; NULL: any. NOT_ALLOWED */
    /* "departments.id": must be there. NULL: what the table's own foreign keys say. NO_REFERENCE */
    const char *references;
};
struct dict_table {
    const char *name;  /* in paths and on the command line */
    const char *table; /* at the target */
    const char *connection;
    struct target_config target;
    bool all_required; /* every column that has no rule of its own */
    const struct dict_rule *rules;
    size_t rule_count;
    struct convert_config convert; /* rules: from and to are the column; header: that files begin with one */
    struct csv_dialect dialect;
    /* NULL-ended: what a file's fields are where it has no header; NULL: the table's columns */
    const char *const *order;
    bool writable; /* rows may be put over HTTP */
};
/* A pattern's form, before any table is known: length, repetition, back references, syntax. ERR_CONFIG */
enum { MAX_PATTERN = 500 };
NODISCARD int dictionary_pattern(const char *pattern, struct err *err);
/* Numbers or times whose text alone tells that a is more than b. */
bool dictionary_reversed(const char *a, const char *b);
/* The i-th rule against the table: the column is there, min, max and values are of its type. ERR_CONFIG */
NODISCARD int dictionary_prove(const struct dict_table *d, const struct table *def, size_t i,
                               struct err *err);
/* Whether the column may not be left out or NULL, by the rules. */
bool dictionary_requires(const struct dict_table *d, const struct column *c);

struct dictionary; /* rules bound to a described table */
/* columns: those that rows fill, as batch_new got them. d and def are borrowed. */
NODISCARD int dictionary_new(const struct dict_table *d, const struct table *def, const int *columns,
                             size_t count, struct dictionary **ret, struct err *err);
void dictionary_free(struct dictionary *d); /* NULL is fine */
/* The last row of b, after converter_row gave 1. 1: keeps the rules; 0: *ret says which not (its raw borrows from b), and
 * the row is to be taken out again. References are not looked at. */
int dictionary_check(struct dictionary *d, const struct batch *b, struct reject_info *ret);
/* What must be there elsewhere: column `at` of batches, in a column of another table. */
struct dict_reference {
    size_t at;
    const struct column *own;
    const char *table, *column; /* of "departments.id" */
};
const struct dict_reference *dictionary_references(const struct dictionary *d, size_t *ret_count);
/* Says of row that it breaks a rule: `value` + words. For references, which the dictionary cannot look up itself. */
void dictionary_refuse(const struct batch *b, size_t row, size_t at, const char *code,
                       struct reject_info *ret, const char *fmt, ...) PRINTF(6, 7);
#endif

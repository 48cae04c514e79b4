#ifndef IO_EVIDENCE_H
#define IO_EVIDENCE_H
#include "base/buf.h"
#include "io/convert.h"
/*
 * What files hold, column by column, and the narrowest SQL type that takes every cell seen exactly. A cell is tried with
 * the very code that converts, so that what was seen can be loaded; and what ruled a type out is kept, for people.
 */
enum { SEEN_TEXT = 80 };
struct seen_cell {        /* a cell, and where it stands */
    char text[SEEN_TEXT]; /* printable, cut */
    int64_t line;         /* 0: none */
    int file;
};
enum seen_kind { SEEN_INT, SEEN_DOUBLE, SEEN_DECIMAL, SEEN_DATE, SEEN_DATETIME, SEEN_TIME, SEEN_KINDS };
struct evidence_column {
    char *name;               /* of the target's column, owned */
    int field;                /* of the record, from 0 */
    const char *const *nulls; /* the column's own list, else the dialect's; borrowed */
    bool own_nulls;
    bool unnamed;         /* the header has no name for it: "c4" stands for one */
    const char *format;   /* of dates; NULL: ISO 8601; borrowed */
    char decimal, group;  /* of numbers, as the column's rule has them; 0: none of its own */
    int64_t rows;         /* cells seen */
    int64_t values;       /* neither NULL nor empty */
    int64_t *null_counts; /* owned: one per spelling in nulls; of "" unquoted empty fields */
    int64_t empties, quoted_empties;
    struct seen_cell quoted_empty, first_null, first_empty;
    int64_t longest, longest_bytes; /* characters, bytes */
    struct seen_cell longest_at, first;
    struct seen_cell min, max; /* of numbers by value, while all are numbers; else by bytes */
    bool out[SEEN_KINDS];      /* a cell was seen that this type does not take */
    struct seen_cell why[SEEN_KINDS];
    int64_t int_min;
    uint64_t int_max;    /* 0 where no value is above it */
    int whole, fraction; /* digits of plain numbers */
    int fsp;             /* fraction digits of times */
    bool only_bits;      /* 0 and 1 alone */
    bool unique;         /* no value came twice, capitals not counted */
    double number_min, number_max;
    char *bytes_min, *bytes_max; /* owned */
    struct tried *tried;         /* owned: the hashes of values, while they are unique */
};
struct evidence {
    const struct convert_config *config; /* borrowed */
    struct evidence_column *columns;     /* owned */
    size_t count, fields;
    int64_t rows, other; /* records; those that are none (bad quotes, another number of fields) */
    struct seen_cell other_at;
    int file;              /* the number of the one that is read, from 0 */
    struct probe_kit *kit; /* owned */
};
struct evidence *evidence_new(const struct convert_config *c);
void evidence_free(struct evidence *e);
/* The first record of the first file: names, by header and rules. Fields that a rule drops are no columns. */
NODISCARD int evidence_header(struct evidence *e, const struct csv_record *first, struct err *err);
/* Of another file: the same names in the same order? */
NODISCARD int evidence_same_header(const struct evidence *e, const struct csv_record *first, struct err *err);
void evidence_row(struct evidence *e, const struct csv_record *rec);
/* The cell as a number everybody reads, where the column's rule writes them in another way (in scratch); f where it has
 * none of its own. false: it is no number by that rule. */
enum { EVIDENCE_NUMBER = 256 };
bool evidence_number(const struct evidence_column *c, struct csv_field f, char scratch[EVIDENCE_NUMBER],
                     struct csv_field *ret);
bool evidence_is_null(const struct evidence_column *c, struct csv_field f, bool text);

struct evidence_type_how {
    bool wide;    /* with room for files to come: BIGINT, more digits, longer texts */
    bool sqlite;  /* as SQLite declares it */
    bool boolean; /* 0 and 1 alone are BOOLEAN */
};
#define SEEN_TYPE 64
struct evidence_type {
    char type[SEEN_TYPE]; /* "SMALLINT UNSIGNED" */
    bool nullable;        /* NULL was seen, or nothing at all */
    bool text;
    const struct seen_cell *forced; /* the cell that it is not narrower for; NULL: none */
    const char *because;            /* "not an integer", "longest" */
};
void evidence_type(const struct evidence_column *c, const struct evidence_type_how *how,
                   struct evidence_type *ret);
/* Counts what a column of a table can hold as seen, so that a type for both comes out. */
void evidence_cover(struct evidence_column *c, const struct column *k);
/* Worth a key: unique, never NULL, and of a type whose equality is plain. */
bool evidence_is_key(const struct evidence_column *c);
/* "CREATE TABLE ... (...)"; table is quoted as the dialect does. Comments tell candidate keys. */
NODISCARD int evidence_create(const struct evidence *e, const char *table,
                              const struct evidence_type_how *how, struct buf *ret, struct err *err);
NODISCARD int evidence_quote(const char *name, bool sqlite, struct buf *ret, struct err *err);
#endif

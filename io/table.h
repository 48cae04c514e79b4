#ifndef IO_TABLE_H
#define IO_TABLE_H
#include "base/mem.h"
#include "base/str.h"
#include <stdint.h>
/* What a target table looks like: the schema that the CSV's text is typed by. */
enum col_type {
    COL_INT,     /* TINYINT..BIGINT, BOOLEAN: min, max (max_u for BIGINT UNSIGNED) */
    COL_DECIMAL, /* precision, scale */
    COL_DOUBLE,
    COL_FLOAT,
    COL_TEXT,   /* CHAR, VARCHAR, ...TEXT, ENUM, SET, JSON of MariaDB: max_chars, max_bytes */
    COL_BINARY, /* BINARY, VARBINARY, ...BLOB: max_bytes */
    COL_DATE,
    COL_DATETIME,  /* fsp */
    COL_TIMESTAMP, /* fsp; UTC session */
    COL_TIME,      /* fsp */
    COL_YEAR,
    COL_BIT,        /* max_bits in precision */
    COL_UNSUPPORTED /* geometry, vector, MySQL's native JSON sums: see why */
};
struct column {
    const char *name;
    const char *type_text; /* as the server writes it: "bigint(20) unsigned" */
    enum col_type type;
    bool nullable, is_unsigned, generated, auto_increment, has_default, invisible,
        is_char /* CHAR, BINARY: pads, strips */, is_list /* ENUM, SET: members in type_text */;
    int64_t min, max;                /* COL_INT */
    uint64_t max_u;                  /* COL_INT unsigned: the true maximum */
    int precision, scale;            /* COL_DECIMAL; COL_BIT: precision = bits */
    int fsp;                         /* fraction digits of times */
    int64_t max_chars, max_bytes;    /* -1: no limit of its own */
    const char *charset, *collation; /* NULL: none */
};
struct table_key { /* a unique key that can say which row is meant: whole columns, in their own collations */
    const char *name;   /* "PRIMARY"; the index's own */
    const int *columns; /* indexes into the table's columns, in the key's order */
    size_t count;
};
struct table {
    struct arena *arena; /* owns every string and the columns */
    const char *name;    /* as configured */
    struct column *columns;
    size_t count;
    const char *engine;   /* "InnoDB"; "sqlite" */
    const char *triggers; /* comma list of INSERT triggers, "" for none */
    bool transactional;
    bool has_lineage;        /* both _orch_ columns and a unique index over them */
    bool made_by_orch;       /* the _orch_ columns are its primary key */
    const char *unique_keys; /* for messages: "PRIMARY(id), uq(a,b)" without the lineage index; "" none */
    const struct table_key *keys; /* the same as columns, the lineage index left out; "PRIMARY" first */
    size_t key_count;
};
void table_free(struct table *t); /* NULL is fine */
/* Index by name: exact, then ASCII-case-insensitive; -1 when there is none or the second is ambiguous. */
int table_find(const struct table *t, struct str name);
#define MAX_KEY_COLUMNS 32
void table_add_key(struct table *t, const char *name, const int *columns, size_t count); /* copies */
/* Fills type, ranges and limits of *c from a MySQL (or SQLite declared) type text. ERR_TARGET for what is unknown. */
NODISCARD int column_parse_type(const char *type_text, struct arena *a, struct column *ret, struct err *err);
#define LINEAGE_LOAD_ID "_orch_load_id"
#define LINEAGE_LINE    "_orch_line"
bool table_is_lineage(const char *column); /* in any case of letters, as names of columns are */
#endif

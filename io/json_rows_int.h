#ifndef IO_JSON_ROWS_INT_H
#define IO_JSON_ROWS_INT_H
#include "base/mem.h"
#include "io/json_rows.h"

struct json_text { /* a text within the copy, without its quotes */
    size_t at, n;
    bool zero, half; /* holds \u0000; half a surrogate pair */
};
struct json_cell { /* as small as may be: a body of 8 MiB may have a million */
    uint32_t at, n;
    uint16_t column;
    bool quoted;
};
struct json_row {
    uint32_t at, n; /* of its bytes */
    int64_t line;
    size_t cells; /* its first one; up to the next row's */
    enum csv_code code;
    const char *message; /* in the arena; NULL: good */
};
struct json_seen {
    size_t row; /* the last one with the name, from 1 on; 0: none */
    bool plain; /* in a text it stands as it is */
};
/* The names so far, in the order of their first appearance. */
struct json_names {
    struct arena *arena;      /* borrowed */
    struct csv_field *fields; /* owned; the texts are the arena's */
    struct json_seen *seen;   /* owned */
    size_t count, room;
    uint32_t *slots; /* owned; index + 1 */
    size_t slot_count;
    uint64_t seed; /* nobody can choose names that meet */
};
void json_names_init(struct json_names *names, struct arena *a);
/* Its index, a new one where it is new. ERR_TOO_LARGE beyond MAX_COLUMNS. */
NODISCARD int json_name(struct json_names *names, const char *p, size_t n, size_t *ret, struct err *err);
void json_names_release(struct json_names *names);

struct json_rows {
    const char *text; /* borrowed */
    size_t n;
    unsigned char *block, *copy, *at; /* copy: n bytes within block, and zeros around them */
    int64_t line;
    struct arena *arena;
    struct json_names names;
    struct json_cell *cells;
    size_t cell_count, cell_room;
    struct json_row *rows;
    size_t row_count, row_room, given;
    struct csv_record header;
    struct csv_field *fields; /* of the record that is given */
};
#endif

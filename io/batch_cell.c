/* Single cells of a batch: against what a table holds, and as text for a person. */
#include "io/batch.h"
#include "io/real.h"
#include <inttypes.h>

static void integer_text(const struct batch_col *c, size_t row, char out[CELL_TEXT_SIZE])
{
    if (c->kind == CELL_U64)
        snprintf(out, CELL_TEXT_SIZE, "%" PRIu64, (uint64_t)c->i64[row]);
    else
        snprintf(out, CELL_TEXT_SIZE, "%" PRId64, c->i64[row]);
}

bool batch_cell_equal(const struct batch_col *c, size_t row, struct str stored)
{
    char text[CELL_TEXT_SIZE];
    struct decimal d;

    if (c->nulls[row] || stored.p == NULL)
        return c->nulls[row] && stored.p == NULL;
    switch (c->kind) {
    case CELL_BYTES:
        return c->lengths[row] == stored.n && memcmp(c->bytes[row], stored.p, stored.n) == 0;
    case CELL_DOUBLE:
        return decimal_scan(stored.p, stored.n, &d) == DECIMAL_OK && decimal_to_double(&d) == c->dbl[row];
    case CELL_I64:
    case CELL_U64:
        break;
    }
    integer_text(c, row, text);
    return strlen(text) == stored.n && memcmp(text, stored.p, stored.n) == 0;
}

/* As few digits as read back the same. */
static void double_text(double v, char out[CELL_TEXT_SIZE])
{
    struct decimal d;

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, CELL_TEXT_SIZE, "%.*g", digits, v);
        if (decimal_scan(out, strlen(out), &d) == DECIMAL_OK && decimal_to_double(&d) == v)
            return;
    }
}

struct str batch_cell_text(const struct batch_col *c, size_t row, char scratch[CELL_TEXT_SIZE])
{
    if (c->nulls[row])
        return (struct str){NULL, 0};
    if (c->kind == CELL_BYTES)
        return (struct str){c->bytes[row], c->lengths[row]};
    if (c->kind == CELL_DOUBLE)
        double_text(c->dbl[row], scratch);
    else
        integer_text(c, row, scratch);
    return str_of(scratch);
}

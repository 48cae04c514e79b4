/*
 * The first line names a type (and, after a tab, a date format); the rest is a cell. What is accepted must be
 * within the type's limits, and a number must say what the text said.
 */
#include "io/convert.h"
#include "base/mem.h"
#include "io/real.h"
#include <assert.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_number(const struct column *c, const struct batch_col *to, const char *text)
{
    if (to->kind == CELL_I64 && c->type == COL_INT) {
        assert(to->i64[0] >= c->min && to->i64[0] <= c->max && to->i64[0] == strtoll(text, NULL, 10));
    } else if (to->kind == CELL_U64 && c->type == COL_INT) {
        assert((uint64_t)to->i64[0] <= c->max_u && (uint64_t)to->i64[0] == strtoull(text, NULL, 10));
    } else if (to->kind == CELL_DOUBLE) {
        struct decimal d = {(uint64_t)llabs(to->mantissa[0]), to->exp10[0], to->mantissa[0] < 0};
        assert(isfinite(to->dbl[0]));
        assert(decimal_to_double(&d) == to->dbl[0]);
        if (c->type == COL_DOUBLE)
            assert(strtod(text, NULL) == to->dbl[0]);
        else
            assert((double)strtof(text, NULL) == to->dbl[0]);
    } else if (c->type == COL_DECIMAL) {
        struct dec256 sum = {{0}};
        struct err err;
        assert((int)to->lengths[0] <= c->precision + 3);
        if (sum_kind_of(c) == SUM_NUMBER)
            assert(dec256_add_text(&sum, (struct str){to->bytes[0], to->lengths[0]}, &err) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const int first[] = {0};
    const uint8_t *line = memchr(data, '\n', n);
    struct column column = {.name = "c", .nullable = true};
    struct reject_info why = {0};
    struct err err;

    if (line == NULL || line - data > 200 || memchr(data, '\0', (size_t)(line - data)) != NULL || n > 100000)
        return 0;
    struct arena *a = arena_new();
    char *type = arena_strndup(a, (const char *)data, (size_t)(line - data)), *format = strchr(type, '\t');
    if (format != NULL)
        *format++ = '\0';
    if (column_parse_type(type, a, &column, &err) == 0) {
        struct table t = {.arena = a, .name = "t", .columns = &column, .count = 1};
        struct convert_rule rule = {.from = "1", .to = "c", .format = format};
        struct convert_config config = {.rules = &rule, .rule_count = 1};
        struct batch *b = batch_new(&t, first, 1, 1);
        struct csv_field f = {(const char *)line + 1, (uint32_t)(n - (size_t)(line + 1 - data)), false};
        struct csv_record rec = {
            .fields = &f, .count = 1, .line = 1, .raw = f.p, .raw_n = f.n, .raw_total = f.n};
        struct converter *c = NULL;
        char *text = arena_strndup(a, f.p, f.n);
        if (converter_new(&config, &t, &rec, &c, &err) == 0) {
            if (converter_row(c, &rec, b, &why)) {
                struct sums s;
                check_number(&column, &b->cols[0], text);
                sums_init(&s, 1);
                batch_sum(b, &s);
                batch_sum_row(b, 0, -1, &s);
                assert(dec256_equal(&s.cols[0].sum, &(struct dec256){{0}}) && s.rows == 0);
                sums_release(&s);
            } else {
                assert(why.code[0] != '\0' && why.message[0] != '\0' && b->rows == 0);
            }
        }
        converter_free(c);
        batch_free(b);
    }
    arena_free(a);
    return 0;
}

/*
 * The first line names a type and, each after a tab, a date format, the decimal and thousands signs, and a constant for
 * a second column of that type; the rest is a cell. What is accepted must be within the type's limits, and a number must
 * say what the text said.
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

/* The number as strtod reads it: without signs between thousands, and with a point. Owned by a. */
static char *plain_text(struct arena *a, const struct convert_rule *rule, struct csv_field f)
{
    char *text = arena_strndup(a, f.p, f.n), *o = text;

    for (const char *p = text; *p != '\0'; p++) {
        if (rule->group != '\0' && *p == rule->group)
            continue;
        *o++ = rule->decimal != '\0' && *p == rule->decimal ? '.' : *p;
    }
    *o = '\0';
    return text;
}

/* What a constant gives is what a cell of the same text gives. */
static void check_constant(const struct table *t, const char *text, struct csv_record *rec)
{
    static const struct convert_rule rule = {.from = "1", .to = "c"};
    static const struct convert_about about = {"2022-06-05T12", "a/b.csv", INT64_C(321468236029370)};
    static const int both[] = {0, 1};
    const struct convert_constant constant = {"d", text};
    struct convert_config config = {
        .rules = &rule, .rule_count = 1, .constants = &constant, .constant_count = 1};
    struct batch *b = batch_new(t, both, 2, 1);
    struct converter *c = NULL;
    struct reject_info why = {0};
    struct err err;

    if (constant_check(text, &err) < 0)
        assert(converter_new_about(&config, t, rec, &about, &c, &err) < 0);
    else if (converter_new_about(&config, t, rec, &about, &c, &err) == 0 && converter_row(c, rec, b, &why))
        assert(!b->cols[1].nulls[0] && (b->cols[1].kind != CELL_BYTES || b->cols[1].bytes[0] != NULL));
    converter_free(c);
    batch_free(b);
}

/* Bytes written as text: what is taken has so many bytes, and is within the column. */
static void check_binary(const struct table *t, struct csv_record *rec)
{
    static const int first[] = {0};
    const struct csv_field f = rec->fields[0];
    struct reject_info why = {0};
    struct err err;

    for (enum convert_binary form = CONVERT_HEX; form <= CONVERT_BASE64; form++) {
        const struct convert_rule rule = {.from = "1", .to = "c", .binary = form};
        const struct convert_config config = {.rules = &rule, .rule_count = 1};
        struct batch *b = batch_new(t, first, 1, 1);
        struct converter *c = NULL;
        if (converter_new(&config, t, rec, &c, &err) == 0 && converter_row(c, rec, b, &why) &&
            t->columns[0].type == COL_BINARY && !t->columns[0].is_char)
            assert(form == CONVERT_HEX ? b->cols[0].lengths[0] * 2 == f.n
                                       : (b->cols[0].lengths[0] + 2) / 3 * 4 == f.n);
        converter_free(c);
        batch_free(b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const int first[] = {0};
    const uint8_t *line = memchr(data, '\n', n);
    struct column columns[2] = {{.name = "c", .nullable = true}};
    struct reject_info why = {0};
    struct err err;

    if (line == NULL || line - data > 200 || memchr(data, '\0', (size_t)(line - data)) != NULL || n > 100000)
        return 0;
    struct arena *a = arena_new();
    char *parts[4] = {arena_strndup(a, (const char *)data, (size_t)(line - data))};
    for (size_t i = 1; i < ARRAY_LEN(parts) && parts[i - 1] != NULL; i++) {
        parts[i] = strchr(parts[i - 1], '\t');
        if (parts[i] != NULL)
            *parts[i]++ = '\0';
    }
    if (column_parse_type(parts[0], a, &columns[0], &err) == 0) {
        struct table t = {.arena = a, .name = "t", .columns = columns, .count = 1};
        struct convert_rule rule = {
            .from = "1", .to = "c", .format = parts[1] != NULL && *parts[1] != '\0' ? parts[1] : NULL};
        if (parts[2] != NULL && parts[2][0] != '\0') {
            rule.decimal = parts[2][0] == ',' ? ',' : '.';
            rule.group = parts[2][1];
        }
        struct convert_config config = {.rules = &rule, .rule_count = 1};
        struct batch *b = batch_new(&t, first, 1, 1);
        struct csv_field f = {(const char *)line + 1, (uint32_t)(n - (size_t)(line + 1 - data)), false};
        struct csv_record rec = {
            .fields = &f, .count = 1, .line = 1, .raw = f.p, .raw_n = f.n, .raw_total = f.n};
        struct converter *c = NULL;
        char *text = plain_text(a, &rule, f);
        if (converter_new(&config, &t, &rec, &c, &err) == 0) {
            if (converter_row(c, &rec, b, &why)) {
                struct sums s;
                check_number(&columns[0], &b->cols[0], text);
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
        check_binary(&t, &rec);
        if (parts[3] != NULL) {
            columns[1] = columns[0];
            columns[1].name = "d";
            t.count = 2;
            check_constant(&t, parts[3], &rec);
        }
    }
    arena_free(a);
    return 0;
}

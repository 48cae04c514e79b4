#include "io/batch.h"
#include "io/convert.h"
#include "io/hash.h"
#include "tests/tap.h"

/* A table of one column and a batch to put cells into. */
struct fixture {
    struct arena *arena;
    struct column column;
    struct table table;
    struct batch *batch;
    struct sums sums;
};

static void setup(struct fixture *f, const char *type, size_t capacity)
{
    static const int first[] = {0};
    struct err err;

    *f = (struct fixture){.arena = arena_new(), .column = {.name = "c", .nullable = true}};
    must_rc(column_parse_type(type, f->arena, &f->column, &err), &err);
    f->table = (struct table){.arena = f->arena, .name = "t", .columns = &f->column, .count = 1};
    f->batch = batch_new(&f->table, first, 1, capacity);
    sums_init(&f->sums, 1);
}

static void teardown(struct fixture *f)
{
    batch_free(f->batch);
    sums_release(&f->sums);
    arena_free(f->arena);
}

static void add(struct fixture *f, const char *text) /* NULL: NULL */
{
    struct reject_info r;

    if (text == NULL)
        f->batch->cols[0].nulls[f->batch->rows] = 1;
    else
        must(convert_cell(&f->column, (struct csv_field){text, (uint32_t)strlen(text), false}, NULL, f->batch,
                          0, &r) == 1);
    f->batch->rows++;
}

/* The sum of the texts in a column of that type. */
static void sums_to(const char *type, const char *const *texts, const char *want, int64_t large,
                    int64_t nulls)
{
    struct fixture f;
    char got[96];
    size_t n = 0;

    setup(&f, type, 50);
    for (; texts[n] != NULL; n++)
        add(&f, strcmp(texts[n], "NULL") == 0 ? NULL : texts[n]);
    batch_sum(f.batch, &f.sums);
    dec256_text(&f.sums.cols[0].sum, got);
    is_str(got, want);
    is_int(f.sums.cols[0].large, large);
    is_int(f.sums.cols[0].nulls, nulls);
    is_int(f.sums.rows, (int64_t)n);
    ok(f.sums.used[0]);
    /* taking every row away again leaves nothing */
    for (size_t i = 0; i < n; i++)
        batch_sum_row(f.batch, i, -1, &f.sums);
    dec256_text(&f.sums.cols[0].sum, got);
    is_str(got, "0");
    is_int(f.sums.rows, 0);
    is_int(f.sums.cols[0].nulls, 0);
    is_int(f.sums.cols[0].large, 0);
    teardown(&f);
}
#define SUM(type, want, large, nulls, ...)                                                                   \
    sums_to(type, (const char *const[]){__VA_ARGS__, NULL}, want, large, nulls)

TEST(integers_sum_exactly)
{
    SUM("int", "3", 0, 1, "1", "2", "NULL", "0");
    SUM("bigint", "27670116110564327421", 0, 0, "9223372036854775807", "9223372036854775807",
        "9223372036854775807");
    SUM("bigint", "-18446744073709551616", 0, 0, "-9223372036854775808", "-9223372036854775808");
    SUM("bigint unsigned", "36893488147419103230", 0, 0, "18446744073709551615", "18446744073709551615");
    SUM("bit(64)", "18446744073709551616", 0, 0, "18446744073709551615", "1");
    SUM("year", "4044", 0, 0, "2021", "2023");
}

TEST(decimals_sum_exactly)
{
    SUM("decimal(10,2)", "0.3", 0, 0, "0.1", "0.2");
    SUM("decimal(20,10)", "-9876543210.0123456789", 0, 1, "-9876543210.0123456789", "NULL");
    SUM("decimal(40,10)", "246913578024691357802469135781.1", 0, 0, "123456789012345678901234567890.55",
        "123456789012345678901234567890.55");
    SUM("decimal(40,10)", "0.0000000001", 0, 0, "123456789012345678901234567890",
        "-123456789012345678901234567890", "0.0000000001");
}

/* What SUM(IF(ABS(c)<1e25, CAST(c AS DECIMAL(65,30)), 0)) gave on MariaDB 10.11 for the same doubles. */
TEST(doubles_sum_by_their_shortest_decimal)
{
    SUM("double", "0.3", 0, 0, "0.1", "0.2");
    SUM("double", "0.3333333333333333", 0, 0, "0.3333333333333333");
    SUM("double", "0.0000796", 0, 0, "7.96E-05");
    SUM("double", "9007199254740992", 0, 0, "9007199254740992");
    SUM("double", "0.000000000000000000000000000001", 0, 0, "1e-30");
    SUM("double", "0.000000000000000000000000000001", 0, 0, "5e-31");
    SUM("double", "0", 0, 0, "4.9e-31");
    SUM("double", "0.000000000000000000000000000002", 0, 0, "1.5e-30");
    SUM("double", "-0.000000000000000000000000000003", 0, 0, "-2.5e-30");
    SUM("double", "0", 0, 0, "5e-324", "-0", "0");
    SUM("double", "0", 3, 1, "1e25", "-1e300", "NULL", "1.7976931348623157e308");
    SUM("double", "9999999999999999000000000", 0, 0, "9.999999999999999e24");
    SUM("double", "0.1", 0, 0, "1e20", "0.1", "-1e20");
    /* a float's value is the double that the server sees */
    SUM("float", "0.10000000149011612", 0, 0, "0.1");
    SUM("float", "16777216", 0, 0, "16777216");
}

static int64_t crc(const char *text)
{
    return crc32_of(text, strlen(text));
}

TEST(texts_and_times_sum_by_checksum_of_the_stored_form)
{
    static const struct {
        const char *type, *text, *stored;
    } cases[] = {
        {"varchar(10)", "ab ", "ab "},
        {"char(10)", "ab  ", "ab"},
        {"text", "", ""},
        {"datetime(3)", "2022-06-05T01:02:03.4Z", "2022-06-05 01:02:03.400"},
        {"timestamp", "2022-06-05 01:02:03", "2022-06-05 01:02:03"},
        {"date", "2022-06-05", "2022-06-05"},
        {"time(6)", "-1:02:03", "-01:02:03.000000"},
        {"decimal(65,0)", "12", "12"},
        {"decimal(65,30)", "-1.5", "-1.500000000000000000000000000000"},
    };
    char want[40], text[96];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        setup(&f, cases[i].type, 4);
        add(&f, cases[i].text);
        add(&f, cases[i].text);
        add(&f, NULL);
        batch_sum(f.batch, &f.sums);
        dec256_text(&f.sums.cols[0].sum, text);
        snprintf(want, sizeof want, "%lld", 2 * (long long)crc(cases[i].stored));
        is_str(text, want);
        is_int(f.sums.cols[0].nulls, 1);
        teardown(&f);
    }
    struct fixture f; /* BINARY(n) is stored with NULs up to n */
    setup(&f, "binary(4)", 1);
    add(&f, "ab");
    batch_sum(f.batch, &f.sums);
    dec256_text(&f.sums.cols[0].sum, text);
    snprintf(want, sizeof want, "%lld", (long long)crc32_of("ab\0\0", 4));
    is_str(text, want);
    teardown(&f);
}

TEST(batches_add_up_across_clears)
{
    struct fixture f;
    char text[96];

    setup(&f, "varchar(10)", 3);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 3; i++)
            add(&f, "x");
        batch_sum(f.batch, &f.sums);
        batch_clear(f.batch);
        is_int(f.batch->rows, 0);
        is_int(f.batch->bytes, 0);
    }
    char want[40];
    snprintf(want, sizeof want, "%lld", 300 * (long long)crc("x"));
    dec256_text(&f.sums.cols[0].sum, text);
    is_str(text, want);
    is_int(f.sums.rows, 300);
    teardown(&f);
}

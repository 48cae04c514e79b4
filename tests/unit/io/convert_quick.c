#include "base/limits.h"
#include "io/convert.h"
#include "tests/tap.h"
#include <math.h>

enum { KINDS = 9, BEFORE = CSV_FIELD_PAD };

static const char *const types[KINDS] = {
    "tinyint(4)",       "tinyint(3) unsigned", "smallint(6)", "int(11)",        "bigint(20)",
    "int(10) unsigned", "bigint(20) unsigned", "double",      "double unsigned"};
static const char *const nulls[] = {"NA", "\\N", "-", "", NULL}, *const odd_nulls[] = {"-1", "0", "1.5",
                                                                                       "999", NULL};

struct both {
    struct table table;
    struct column column;
    struct convert_config config;
    struct converter *converter;
    struct batch *quick, *lengthy;
};

static void setup(struct both *b, const char *type, bool nullable, const char *const *null_list)
{
    static const struct csv_field first = {"c", 1, false};
    static const struct csv_record header = {.fields = &first, .count = 1, .line = 1, .raw = "c", .raw_n = 1};
    static const int columns[] = {0};
    struct err err;

    *b = (struct both){.config = {.nulls = null_list, .header = true}};
    b->table = (struct table){.arena = arena_new(), .name = "t", .columns = &b->column, .count = 1};
    must_rc(column_parse_type(type, b->table.arena, &b->column, &err), &err);
    b->column.name = "c";
    b->column.nullable = nullable;
    must_rc(converter_new(&b->config, &b->table, &header, &b->converter, &err), &err);
    b->quick = batch_new(&b->table, columns, 1, 1);
    b->lengthy = batch_new(&b->table, columns, 1, 1);
}

static void teardown(struct both *b)
{
    converter_free(b->converter);
    batch_free(b->quick);
    batch_free(b->lengthy);
    arena_free(b->table.arena);
}

/* The text between bytes that must not matter, read both ways. */
static void same(struct both *b, const char *text, size_t n, bool quoted)
{
    static const char *const around[] = {"0123456789012345", ".,.,.,.,.,.,.,.,", "----------------",
                                         "9999999999999999"};

    for (size_t i = 0; i < ARRAY_LEN(around); i++) {
        char room[3 * CSV_FIELD_PAD + 64];
        struct csv_field f = {room + BEFORE, (uint32_t)n, quoted};
        struct csv_record rec = {.fields = &f, .count = 1, .raw = f.p, .raw_n = n, .raw_total = (int64_t)n};
        struct reject_info why[2];
        memcpy(room, around[i], CSV_FIELD_PAD);
        memcpy(room + BEFORE, text, n);
        memcpy(room + BEFORE + n, around[i], CSV_FIELD_PAD);
        batch_clear(b->quick);
        batch_clear(b->lengthy);
        int want = converter_row(b->converter, &rec, b->lengthy, &why[0]);
        rec.padded = true;
        int got = converter_row(b->converter, &rec, b->quick, &why[1]);
        const struct batch_col *x = &b->lengthy->cols[0], *y = &b->quick->cols[0];
        bool equal = got == want && (want == 1 || strcmp(why[0].message, why[1].message) == 0);
        if (equal && want == 1)
            equal =
                x->nulls[0] == y->nulls[0] &&
                (x->nulls[0] || (x->kind == CELL_DOUBLE
                                     ? x->dbl[0] == y->dbl[0] && signbit(x->dbl[0]) == signbit(y->dbl[0]) &&
                                           x->mantissa[0] == y->mantissa[0] && x->exp10[0] == y->exp10[0]
                                     : x->i64[0] == y->i64[0]));
        if (!equal) {
            diag("%s: '%.*s' between '%s'", b->column.type_text, (int)n, text, around[i]);
            ok(false);
        }
    }
}

static void all_types(const char *text, size_t n)
{
    for (size_t k = 0; k < KINDS; k++)
        for (int i = 0; i < 4; i++) {
            struct both b;
            setup(&b, types[k], (i & 1) != 0, (i & 2) != 0 ? odd_nulls : nulls);
            same(&b, text, n, false);
            same(&b, text, n, true);
            teardown(&b);
        }
}

TEST(forms_of_numbers_and_what_is_none)
{
    static const char *const texts[] = {"",
                                        "0",
                                        "00",
                                        "7",
                                        "-0",
                                        "-7",
                                        "-",
                                        "--1",
                                        "+1",
                                        "1-",
                                        "1 ",
                                        "NA",
                                        "N",
                                        "NAN",
                                        "\\N",
                                        ".",
                                        "-.",
                                        ".5",
                                        "-.5",
                                        "5.",
                                        "-5.",
                                        "5..",
                                        "1.2.3",
                                        "0.0",
                                        "-0.0",
                                        "0.000",
                                        "1e5",
                                        "1E-3",
                                        "0x10",
                                        "127",
                                        "128",
                                        "-128",
                                        "-129",
                                        "255",
                                        "256",
                                        "32767",
                                        "32768",
                                        "-32768",
                                        "-32769",
                                        "1.5",
                                        "999",
                                        "-1",
                                        "2147483647",
                                        "2147483648",
                                        "-2147483648",
                                        "-2147483649",
                                        "4294967295",
                                        "4294967296",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "-9223372036854775808",
                                        "18446744073709551615",
                                        "9999999999999999",
                                        "99999999999999999",
                                        "999999999999999",
                                        "1000000000000000",
                                        "-9999999999999999",
                                        "0.766126609",
                                        "12345.678901234",
                                        "123456789012.345",
                                        "0.1234567890123",
                                        "0.12345678901234",
                                        "0.123456789012345",
                                        "9007199254740993",
                                        "9007199254740.993",
                                        "0.30000000000000004",
                                        "00000000000000.1",
                                        "000000000000001",
                                        "0000000000000001",
                                        "1.0000000000000000",
                                        "1/2",
                                        "1:2",
                                        "\xb0\xb1",
                                        "1\xb2",
                                        "0.7661/6609",
                                        "0.7661:6609",
                                        "12345678\xff",
                                        "1,5"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        all_types(texts[i], strlen(texts[i]));
}

TEST(random_numbers_and_each_of_their_bytes_spoilt)
{
    struct both b[KINDS];
    uint64_t random = 11;
    char text[64];

    for (size_t k = 0; k < KINDS; k++)
        setup(&b[k], types[k], true, nulls);
    for (int i = 0; i < 3000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t whole = (random >> 8) >> (random >> 59) >> (random >> 56 & 7) * 4;
        int n = snprintf(text, sizeof text, "%s%llu", i % 3 == 0 ? "-" : "", (unsigned long long)whole);
        if (i % 2 == 0)
            n += snprintf(text + n, sizeof text - (size_t)n, ".%.*llu", i / 2 % 12,
                          (unsigned long long)(random >> 20) % 1000000000000);
        for (size_t k = 0; k < KINDS; k++) {
            same(&b[k], text, (size_t)n, false);
            size_t at = (random >> 40) % (size_t)n;
            char was = text[at];
            text[at] = "/:.-e \xb0\0"[(random >> 50) % 8];
            same(&b[k], text, (size_t)n, false);
            text[at] = was;
        }
    }
    for (size_t k = 0; k < KINDS; k++)
        teardown(&b[k]);
}

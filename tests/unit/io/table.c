#include "io/table.h"
#include "tests/tap.h"

static struct column parse(const char *text)
{
    static struct arena *a; /* kept until the next type: the texts of the last column */
    struct column c = {.name = "c"};
    struct err err;

    arena_free(a);
    a = arena_new();
    must_rc(column_parse_type(text, a, &c, &err), &err);
    is_str(c.type_text, text);
    return c;
}

TEST(integer_ranges)
{
    static const struct {
        const char *text;
        int64_t min, max;
        uint64_t max_u;
    } cases[] = {
        {"tinyint(1)", -128, 127, 127},
        {"tinyint(3) unsigned", 0, 255, 255},
        {"smallint", -32768, 32767, 32767},
        {"smallint(5) unsigned", 0, 65535, 65535},
        {"mediumint(9)", -8388608, 8388607, 8388607},
        {"mediumint unsigned", 0, 16777215, 16777215},
        {"int(11)", -2147483648LL, 2147483647, 2147483647},
        {"int(10) unsigned zerofill", 0, 4294967295, 4294967295},
        {"INT", -2147483648LL, 2147483647, 2147483647},
        {"bigint(20)", INT64_MIN, INT64_MAX, INT64_MAX},
        {"bigint unsigned", 0, INT64_MAX, UINT64_MAX},
        {"INTEGER", INT64_MIN, INT64_MAX, INT64_MAX},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct column c = parse(cases[i].text);
        is_int(c.type, COL_INT);
        is_int(c.min, cases[i].min);
        is_int(c.max, cases[i].max);
        ok(c.max_u == cases[i].max_u);
        ok(c.is_unsigned == (strstr(cases[i].text, "unsigned") != NULL));
    }
}

TEST(digits_lengths_and_fractions)
{
    struct column c = parse("decimal(12,4) unsigned");
    ok(c.type == COL_DECIMAL && c.precision == 12 && c.scale == 4 && c.is_unsigned);
    c = parse("decimal(5)");
    ok(c.type == COL_DECIMAL && c.precision == 5 && c.scale == 0);
    c = parse("NUMERIC");
    ok(c.type == COL_DECIMAL && c.precision == 10 && c.scale == 0);
    c = parse("double");
    ok(c.type == COL_DOUBLE && c.precision == 0);
    c = parse("double(10,2)");
    ok(c.type == COL_DOUBLE && c.precision == 10 && c.scale == 2);
    c = parse("REAL");
    ok(c.type == COL_DOUBLE);
    c = parse("float");
    ok(c.type == COL_FLOAT);
    c = parse("varchar(255)");
    ok(c.type == COL_TEXT && c.max_chars == 255 && !c.is_char);
    c = parse("char(3)");
    ok(c.type == COL_TEXT && c.max_chars == 3 && c.is_char);
    c = parse("text");
    ok(c.type == COL_TEXT && c.max_bytes == 65535 && c.max_chars == -1);
    c = parse("longtext");
    ok(c.max_bytes == 4294967295);
    c = parse("binary(16)");
    ok(c.type == COL_BINARY && c.max_bytes == 16 && c.is_char);
    c = parse("varbinary(20)");
    ok(c.type == COL_BINARY && c.max_bytes == 20 && !c.is_char);
    c = parse("datetime(6)");
    ok(c.type == COL_DATETIME && c.fsp == 6);
    c = parse("timestamp");
    ok(c.type == COL_TIMESTAMP && c.fsp == 0);
    c = parse("time(3)");
    ok(c.type == COL_TIME && c.fsp == 3);
    c = parse("year(4)");
    ok(c.type == COL_YEAR);
    c = parse("bit(8)");
    ok(c.type == COL_BIT && c.precision == 8);
    c = parse("enum('a (b','c unsigned')");
    ok(c.type == COL_TEXT && !c.is_unsigned && c.max_chars == -1);
    c = parse("json");
    ok(c.type == COL_UNSUPPORTED);
}

TEST(an_unknown_type_is_refused_by_name)
{
    struct arena *a = arena_new();
    struct column c = {0};
    struct err err;
    static const char *const bad[] = {
        "",        "hyperloglog", "decimal(x)", "decimal(3,5)", "decimal(99,2)", "datetime(9)",
        "bit(65)", "varchar(12",  "(3)"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        fails(column_parse_type(bad[i], a, &c, &err), &err, ERR_TARGET);
        ok(strstr(err.msg, bad[i]) != NULL);
    }
    arena_free(a);
}

TEST(columns_are_found_exactly_then_by_case)
{
    struct column columns[] = {{.name = "id"}, {.name = "Name"}, {.name = "x"},
                               {.name = "X"},  {.name = "yY"},   {.name = "Yy"}};
    struct table t = {.columns = columns, .count = ARRAY_LEN(columns)};

    is_int(table_find(&t, str_of("id")), 0);
    is_int(table_find(&t, str_of("ID")), 0);
    is_int(table_find(&t, str_of("name")), 1);
    is_int(table_find(&t, str_of("X")), 3);
    is_int(table_find(&t, str_of("yy")), -1);
    is_int(table_find(&t, str_of("nam")), -1);
    is_int(table_find(&t, (struct str){NULL, 0}), -1);
    table_free(NULL);
}

#include "io/convert.h"
#include "base/fs.h"
#include "base/limits.h"
#include "io/hash.h"
#include "tests/tap.h"

/* ---- single cells ---- */

/* What the cell became, as text: the value, or CODE. */
static void cell_text(const char *type, struct csv_field f, const char *format, const char *charset,
                      char out[400], struct reject_info *why)
{
    static const int first[] = {0};
    struct arena *arena = arena_new();
    struct column column = {.name = "c", .nullable = true, .charset = charset};
    struct table t = {.arena = arena, .name = "t", .columns = &column, .count = 1};
    struct err err;

    must_rc(column_parse_type(type, arena, &column, &err), &err);
    struct batch *b = batch_new(&t, first, 1, 1);
    const struct batch_col *c = &b->cols[0];
    if (!convert_cell(&column, f, format, b, 0, why)) {
        snprintf(out, 400, "%s", why->code);
    } else if (c->kind == CELL_I64) {
        snprintf(out, 400, "%lld", (long long)c->i64[0]);
    } else if (c->kind == CELL_U64) {
        snprintf(out, 400, "%llu", (unsigned long long)c->i64[0]);
    } else if (c->kind == CELL_DOUBLE) {
        char check[64];
        snprintf(out, 400, "%.17g", c->dbl[0]);
        snprintf(check, sizeof check, "%llde%d", (long long)c->mantissa[0], c->exp10[0]);
        ok(strtod(check, NULL) == c->dbl[0]); /* what the sums add up is what is stored */
    } else {
        snprintf(out, 400, "%.*s", (int)c->lengths[0], c->bytes[0]);
    }
    batch_free(b);
    arena_free(arena);
}

static void becomes(const char *type, const char *text, const char *want)
{
    char got[400];
    struct reject_info why = {0};

    cell_text(type, (struct csv_field){text, (uint32_t)strlen(text), false}, NULL, NULL, got, &why);
    if (!is_str(got, want))
        diag("%s into %s", text, type);
}

static void refused(const char *type, const char *text, const char *code, const char *message,
                    const char *hint)
{
    char got[400];
    struct reject_info why = {0};

    cell_text(type, (struct csv_field){text, (uint32_t)strlen(text), false}, NULL, NULL, got, &why);
    if (!is_str(got, code) || !ok(message == NULL || strcmp(why.message, message) == 0) ||
        !ok(hint == NULL || strstr(why.hint, hint) != NULL))
        diag("%s into %s: %s (hint: %s)", text, type, why.message, why.hint);
}

TEST(integers_are_plain_and_in_range)
{
    becomes("int(11)", "0", "0");
    becomes("int(11)", "-0", "0");
    becomes("int(11)", "007", "7");
    becomes("int(11)", "2147483647", "2147483647");
    becomes("int(11)", "-2147483648", "-2147483648");
    becomes("tinyint(1)", "1", "1");
    becomes("bigint", "9223372036854775807", "9223372036854775807");
    becomes("bigint", "-9223372036854775808", "-9223372036854775808");
    becomes("bigint unsigned", "18446744073709551615", "18446744073709551615");
    becomes("bigint unsigned", "-0", "0");
    becomes("bigint", "0000000000000000000000000000000000001", "1");
    refused("int(11)", "2147483648", "OUT_OF_RANGE",
            "'2147483648' is outside -2147483648 to 2147483647 of INT", NULL);
    refused("tinyint(4)", "-129", "OUT_OF_RANGE", NULL, NULL);
    refused("tinyint(3) unsigned", "256", "OUT_OF_RANGE", "'256' is outside 0 to 255 of TINYINT UNSIGNED",
            NULL);
    refused("tinyint(3) unsigned", "-1", "OUT_OF_RANGE", NULL, NULL);
    refused("bigint", "9223372036854775808", "OUT_OF_RANGE", NULL, NULL);
    refused("bigint", "-9223372036854775809", "OUT_OF_RANGE", NULL, NULL);
    refused("bigint unsigned", "18446744073709551616", "OUT_OF_RANGE", NULL, NULL);
    refused("bigint unsigned", "99999999999999999999999999999999999", "OUT_OF_RANGE", NULL, NULL);
    refused("int(11)", "12,000", "NOT_AN_INT", "'12,000' is not an INT", "','");
    refused("int(11)", "1.4", "NOT_AN_INT", NULL, "DECIMAL");
    refused("int(11)", "12.0", "NOT_AN_INT", NULL, "fraction is zero");
    refused("int(11)", "1e3", "NOT_AN_INT", NULL, "digits only");
    refused("int(11)", "7.96E-05", "NOT_AN_INT", NULL, NULL);
    refused("int(11)", "+5", "NOT_AN_INT", NULL, "'+'");
    refused("int(11)", " 12", "NOT_AN_INT", NULL, "blanks");
    refused("int(11)", "12 ", "NOT_AN_INT", NULL, "blanks");
    refused("int(11)", "0x1F", "NOT_AN_INT", NULL, NULL);
    refused("int(11)", "12abc", "NOT_AN_INT", NULL, NULL);
    refused("int(11)", "true", "NOT_AN_INT", NULL, NULL);
    refused("int(11)", "NA", "NOT_AN_INT", NULL, "\"null\"");
    refused("int(11)", "", "NOT_AN_INT", "'' is not an INT", "null list");
    refused("int(11)", "-", "NOT_AN_INT", NULL, "\"null\"");
    refused("smallint(6)", "1\x1b[31m", "NOT_AN_INT", "'1\\x1b[31m' is not a SMALLINT", NULL);
    becomes("bit(8)", "255", "255");
    refused("bit(8)", "256", "OUT_OF_RANGE", NULL, NULL);
    refused("bit(8)", "-1", "NOT_AN_INT", NULL, NULL);
    becomes("bit(64)", "18446744073709551615", "18446744073709551615");
}

TEST(doubles_are_loaded_only_where_nothing_is_lost)
{
    becomes("double", "0.766126609", "0.76612660899999996");
    becomes("double", "7.96E-05", "7.9599999999999997e-05");
    becomes("double", "-0", "-0");
    becomes("double", "1e3", "1000");
    becomes("double", "123456789012345", "123456789012345");
    becomes("double", "0.1000000000000000000000", "0.10000000000000001");
    /* 16 and 17 digits: what printers give */
    becomes("double", "0.3333333333333333", "0.33333333333333331");
    becomes("double", "0.33333333333333331", "0.33333333333333331");
    becomes("double", "0.10000000000000001", "0.10000000000000001");
    becomes("double", "9007199254740992", "9007199254740992");
    becomes("double", "5.684341886080802e-14", "5.6843418860808015e-14");
    becomes("double", "1.7976931348623157e308", "1.7976931348623157e+308");
    becomes("double", "5e-324", "4.9406564584124654e-324");
    becomes("double", "4.9406564584124654e-324", "4.9406564584124654e-324");
    refused("double", "0.3333333333333334444", "DIGITS_LOST", NULL, "DECIMAL");
    refused("double", "0.33333333333333333", "DIGITS_LOST", NULL, NULL);
    refused("double", "9007199254740993", "DIGITS_LOST",
            "'9007199254740993' has more digits than DOUBLE holds", NULL);
    refused("double", "1234567890123456789", "DIGITS_LOST", NULL, NULL);
    refused("double", "0.10000000000000000555", "DIGITS_LOST", NULL, NULL);
    refused("double", "4e-324", "DIGITS_LOST", NULL, NULL);
    refused("double", "1.234567e-320", "DIGITS_LOST", NULL, NULL);
    refused("double", "1e-400", "DIGITS_LOST", NULL, NULL);
    refused("double", "1e309", "OUT_OF_RANGE", NULL, NULL);
    refused("double", "-1e999999999999", "OUT_OF_RANGE", NULL, NULL);
    refused("double", "inf", "NOT_A_NUMBER", "'inf' is not a DOUBLE", NULL);
    refused("double", "NaN", "NOT_A_NUMBER", NULL, "\"null\"");
    refused("double", "0x1p3", "NOT_A_NUMBER", NULL, NULL);
    refused("double", "1,5", "NOT_A_NUMBER", NULL, "','");
    refused("double", "1e", "NOT_A_NUMBER", NULL, NULL);
    refused("double", "", "NOT_A_NUMBER", NULL, "null list");
    becomes("double unsigned", "-0.0", "-0");
    refused("double unsigned", "-1", "OUT_OF_RANGE", NULL, NULL);
    becomes("double(10,2)", "12345678.12", "12345678.119999999");
    refused("double(10,2)", "1.125", "DIGITS_LOST", NULL, NULL);
    refused("double(10,2)", "123456789", "OUT_OF_RANGE", NULL, NULL);
}

TEST(floats_are_loaded_only_where_nothing_is_lost)
{
    becomes("float", "0.1", "0.10000000149011612");
    becomes("float", "123456", "123456");
    becomes("float", "16777216", "16777216");
    becomes("float", "0.100000001", "0.10000000149011612");
    becomes("float", "3.4028235e38", "3.4028234663852886e+38");
    becomes("float", "1e-45", "1.4012984643248171e-45");
    refused("float", "0.766126609", "DIGITS_LOST", "'0.766126609' has more digits than FLOAT holds",
            "DOUBLE");
    refused("float", "16777217", "DIGITS_LOST", NULL, NULL);
    refused("float", "0.1234567890123", "DIGITS_LOST", NULL, NULL);
    refused("float", "1e39", "OUT_OF_RANGE", NULL, NULL);
    refused("float", "1e-60", "DIGITS_LOST", NULL, NULL);
    refused("float", "abc", "NOT_A_NUMBER", NULL, NULL);
}

TEST(decimals_keep_every_digit)
{
    becomes("decimal(10,2)", "1.2", "1.20");
    becomes("decimal(10,2)", "-1", "-1.00");
    becomes("decimal(10,2)", "-0.00", "0.00");
    becomes("decimal(10,2)", "1.2300000", "1.23");
    becomes("decimal(10,2)", "00012345678.12", "12345678.12");
    becomes("decimal(10,2)", ".5", "0.50");
    becomes("decimal(10,0)", "5.", "5");
    becomes("decimal(10,8)", "7.96E-05", "0.00007960");
    becomes("decimal(10,0)", "1e+05", "100000");
    becomes("decimal(10,2)", "12.345e1", "123.45");
    becomes("decimal(5,5)", "0.12345", "0.12345");
    becomes("decimal(65,30)", "12345678901234567890123456789012345.123456789012345678901234567891",
            "12345678901234567890123456789012345.123456789012345678901234567891");
    becomes("decimal(10,2)", "0e99999999", "0.00");
    refused("decimal(10,2)", "1.239", "DIGITS_LOST", "'1.239' has more digits than decimal(10,2) holds",
            NULL);
    refused("decimal(10,2)", "123456789", "OUT_OF_RANGE", NULL, NULL);
    refused("decimal(10,2)", "1e99999999", "OUT_OF_RANGE", NULL, NULL);
    refused("decimal(10,2)", "1e-99999999", "DIGITS_LOST", NULL, NULL);
    refused("decimal(5,5)", "1", "OUT_OF_RANGE", NULL, NULL);
    refused("decimal(10,2) unsigned", "-1", "OUT_OF_RANGE", NULL, NULL);
    becomes("decimal(10,2) unsigned", "-0", "0.00");
    refused("decimal(10,2)", "1.2.3", "NOT_A_NUMBER", "'1.2.3' is not a DECIMAL", NULL);
    refused("decimal(10,2)", "$5", "NOT_A_NUMBER", NULL, NULL);
}

TEST(dates_and_times_in_iso_form)
{
    becomes("date", "2022-06-05", "2022-06-05");
    becomes("date", "0001-01-01", "0001-01-01");
    becomes("date", "2024-02-29", "2024-02-29");
    becomes("date", "2022-06-05T00:00:00Z", "2022-06-05");
    becomes("datetime", "2021-11-07T02:48:42Z", "2021-11-07 02:48:42");
    becomes("datetime", "2021-11-07 02:48:42", "2021-11-07 02:48:42");
    becomes("datetime", "2021-11-07T02:48", "2021-11-07 02:48:00");
    becomes("datetime", "2021-11-07", "2021-11-07 00:00:00");
    becomes("datetime", "2021-11-07T02:48:42+05:30", "2021-11-06 21:18:42");
    becomes("datetime", "2021-12-31T23:30:00-0100", "2022-01-01 00:30:00");
    becomes("datetime", "2021-11-07T02:48:42-08", "2021-11-07 10:48:42");
    becomes("datetime(6)", "2021-11-07T02:48:42.5Z", "2021-11-07 02:48:42.500000");
    becomes("datetime(3)", "2021-11-07T02:48:42.1230000", "2021-11-07 02:48:42.123");
    becomes("datetime", "2021-11-07T02:48:42.000", "2021-11-07 02:48:42");
    becomes("datetime", "9999-12-31T23:59:59Z", "9999-12-31 23:59:59");
    becomes("timestamp", "1970-01-01T00:00:01Z", "1970-01-01 00:00:01");
    becomes("timestamp(6)", "2038-01-19T03:14:07.999999Z", "2038-01-19 03:14:07.999999");
    becomes("time", "12:30:00", "12:30:00");
    becomes("time", "-838:59:59", "-838:59:59");
    becomes("time(6)", "-838:59:59.999999", "-838:59:59.999999");
    becomes("time(2)", "1:02:03.4", "01:02:03.40");
    becomes("time", "-0:00:00", "00:00:00");
    becomes("year", "2022", "2022");
    refused("date", "2022-06-05T12:00:00", "DIGITS_LOST", NULL, "DATETIME");
    refused("date", "2021-02-30", "BAD_DATE", NULL, NULL);
    refused("date", "2023-02-29", "BAD_DATE", NULL, NULL);
    refused("date", "0000-00-00", "BAD_DATE", NULL, "\"null\"");
    refused("date", "2022-00-05", "BAD_DATE", NULL, NULL);
    refused("date", "21-1-2", "BAD_DATE", "'21-1-2' is not a DATE", "format");
    refused("date", "11/07/2021", "BAD_DATE", NULL, "format");
    refused("date", "20211107", "BAD_DATE", NULL, NULL);
    refused("date", "", "BAD_DATE", NULL, "null list");
    refused("date", "2022-06-05 ", "BAD_DATE", NULL, NULL);
    refused("datetime(6)", "2021-11-07T02:48.5", "BAD_DATE", NULL, NULL);
    refused("datetime(6)", "2021-11-07T02:48:42.", "BAD_DATE", NULL, NULL);
    refused("datetime", "2021-11-07T24:00:00", "BAD_DATE", NULL, NULL);
    refused("datetime", "2021-11-07T23:59:60", "BAD_DATE", NULL, NULL);
    refused("datetime", "2021-11-07T02:48:42.5Z", "DIGITS_LOST", NULL, "DATETIME(6)");
    refused("datetime(6)", "2021-11-07T02:48:42.1234567Z", "DIGITS_LOST", NULL, NULL);
    refused("datetime", "2021-11-07T02:48:42 UTC", "BAD_DATE", NULL, NULL);
    refused("datetime", "2021-11-07T02:48:42+19:00", "BAD_DATE", NULL, NULL);
    refused("datetime", "9999-12-31T23:59:59-01:00", "OUT_OF_RANGE", NULL, NULL);
    refused("datetime", "0001-01-01T00:00:00+01:00", "OUT_OF_RANGE", NULL, NULL);
    refused("timestamp", "1970-01-01T00:00:00Z", "OUT_OF_RANGE", NULL, "DATETIME");
    refused("timestamp", "2038-01-19T03:14:08Z", "OUT_OF_RANGE", NULL, NULL);
    refused("timestamp", "1969-12-31T23:59:59Z", "OUT_OF_RANGE", NULL, NULL);
    refused("time", "839:00:00", "OUT_OF_RANGE", NULL, NULL);
    refused("time", "12:30", "BAD_TIME", NULL, "12:30:00");
    refused("time", "12:60:00", "BAD_TIME", NULL, NULL);
    refused("time", "12:30:00Z", "BAD_TIME", NULL, NULL);
    refused("year", "22", "BAD_DATE", NULL, NULL);
    refused("year", "0000", "OUT_OF_RANGE", NULL, NULL);
    refused("year", "2156", "OUT_OF_RANGE", NULL, NULL);
}

TEST(dates_in_a_given_form)
{
    static const struct {
        const char *type, *format, *text, *want;
    } cases[] = {
        {"date", "%d/%m/%Y", "07/11/2021", "2021-11-07"},
        {"date", "%m/%d/%Y", "7/11/2021", "2021-07-11"},
        {"date", "%d/%m/%Y", "31/11/2021", "BAD_DATE"},
        {"date", "%d/%m/%Y", "07/11/21", "BAD_DATE"},
        {"date", "%d/%m/%Y", "07/11/2021 ", "BAD_DATE"},
        {"date", "%Y%m%d", "20211107", "2021-11-07"},
        {"date", "%e-%b-%Y", " 7-NOV-2021", "2021-11-07"},
        {"date", "%d %b %Y", "07 Foo 2021", "BAD_DATE"},
        {"date", "%Y.%j", "2024.366", "2024-12-31"},
        {"date", "%Y.%j", "2023.366", "BAD_DATE"},
        {"date", "%Y.%j", "2023.000", "BAD_DATE"},
        {"datetime(3)", "%d/%m/%Y %H:%M:%S.%f", "07/11/2021 01:02:03.25", "2021-11-07 01:02:03.250"},
        {"datetime", "%Y-%m-%d %H:%M:%S %z", "2021-11-07 01:02:03 +0530", "2021-11-06 19:32:03"},
        {"time", "%H.%M.%S", "1.02.03", "01:02:03"},
        {"date", "%d%%%m%%%Y", "07%11%2021", "2021-11-07"},
        {"date", "%d/%m/%Y", "", "BAD_DATE"},
        {"date", "%d %B %Y", "1 September 2022", "2022-09-01"},
        {"date", "%d %B %Y", "1 Sept 2022", "BAD_DATE"},
        {"date", "%B %d, %Y", "may 3, 2022", "2022-05-03"},
        {"date", "%a, %d %b %Y", "Sun, 05 Jun 2022", "2022-06-05"},
        {"date", "%A %d %b %Y", "sunday 05 Jun 2022", "2022-06-05"},
        {"date", "%a, %d %b %Y", "Mon, 05 Jun 2022", "BAD_DATE"}, /* it was a Sunday */
        {"datetime", "%m/%d/%Y %I:%M:%S %p", "6/5/2022 12:30:00 AM", "2022-06-05 00:30:00"},
        {"datetime", "%m/%d/%Y %I:%M:%S %p", "6/5/2022 12:30:00 pm", "2022-06-05 12:30:00"},
        {"datetime", "%m/%d/%Y %I:%M %p", "6/5/2022 1:30 PM", "2022-06-05 13:30:00"},
        {"datetime", "%m/%d/%Y %I:%M %p", "6/5/2022 13:30 PM", "BAD_DATE"},
        {"datetime", "%m/%d/%Y %I:%M %p", "6/5/2022 0:30 AM", "BAD_DATE"},
        {"datetime", "%s", "1654387200", "2022-06-05 00:00:00"},
        {"datetime", "%s", "-1", "1969-12-31 23:59:59"},
        {"datetime(3)", "%s.%f", "1654387200.25", "2022-06-05 00:00:00.250"},
        {"datetime(3)", "%s.%f", "-1.5", "BAD_DATE"},
        {"datetime", "%s", "253402300800", "BAD_DATE"},
        {"date", "%s", "1654387201", "DIGITS_LOST"},
        /* of digits side by side none may be left out: 11 and 1, or 1 and 11 */
        {"date", "%Y%m%d", "2022111", "BAD_DATE"},
        {"date", "%d%m%Y", "1122022", "BAD_DATE"},
        {"date", "%d%b%Y", "1Jun2022", "2022-06-01"},
        {"datetime", "%Y%m%d%H%M%S", "20220605123456", "2022-06-05 12:34:56"},
        {"datetime", "%Y%m%d%H%M%S", "2022060512345", "BAD_DATE"},
    };
    char got[400];
    struct reject_info why;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cell_text(cases[i].type, (struct csv_field){cases[i].text, (uint32_t)strlen(cases[i].text), false},
                  cases[i].format, NULL, got, &why);
        if (!is_str(got, cases[i].want))
            diag("%s as %s", cases[i].text, cases[i].format);
    }
}

TEST(texts_keep_every_byte)
{
    char long_text[300], got[400];
    struct reject_info why = {0};

    becomes("varchar(5)", "", "");
    becomes("varchar(5)", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
            "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
    becomes("varchar(5)", " ab  ", " ab  ");
    becomes("char(3)", "ab   ", "ab");
    becomes("varbinary(3)", "abc", "abc");
    refused("varchar(5)", "\xc3\xa9zzzzz", "TOO_LONG", "'\xc3\xa9zzzzz' has 6 characters, varchar(5) holds 5",
            NULL);
    refused("varchar(5)", "ab    ", "TOO_LONG", NULL, NULL);
    refused("binary(2)", "abc", "TOO_LONG", NULL, NULL);
    memset(long_text, 'x', 256);
    long_text[256] = '\0';
    refused("tinytext", long_text, "TOO_LONG", NULL, NULL);
    long_text[255] = '\0';
    becomes("tinytext", long_text, long_text);
    struct csv_field face = {"\xf0\x9f\x98\x80", 4, false}, accent = {"\xc3\xa9", 2, false};
    cell_text("varchar(5)", face, NULL, "utf8mb3", got, &why);
    is_str(got, "NOT_IN_CHARSET");
    cell_text("varchar(5)", face, NULL, "utf8mb4", got, &why);
    is_str(got, "\xf0\x9f\x98\x80");
    cell_text("varchar(5)", accent, NULL, "ascii", got, &why);
    is_str(got, "NOT_IN_CHARSET");
}

TEST(members_of_enum_and_set_are_taken_byte_for_byte)
{
    becomes("enum('a','b')", "b", "b");
    becomes("enum('it''s','','x,y')", "it's", "it's");
    becomes("enum('it''s','','x,y')", "", "");
    becomes("enum('it''s','','x,y')", "x,y", "x,y");
    becomes("set('a','b','c')", "a,c", "a,c");
    becomes("set('a','b','c')", "", "");
    refused("enum('a','b')", "1", "NOT_A_MEMBER", "'1' is not in enum('a','b')",
            NULL); /* the server: the first */
    refused("enum('a','b')", "A", "NOT_A_MEMBER", NULL, "capitals");
    refused("enum('a','b')", "ab", "NOT_A_MEMBER", NULL, NULL);
    refused("enum('a','b')", "", "NOT_A_MEMBER", NULL, NULL);
    refused("enum('a','b')", "a ", "NOT_A_MEMBER", NULL, NULL);
    refused("set('a','b','c')", "c,a", "NOT_A_MEMBER", NULL, "order");
    refused("set('a','b','c')", "a,a", "NOT_A_MEMBER", NULL, NULL);
    refused("set('a','b','c')", "a,", "NOT_A_MEMBER", NULL, NULL);
    refused("set('a','b','c')", "3", "NOT_A_MEMBER", NULL, NULL);
}

/* ---- whole rows ---- */

struct fixture {
    struct arena *arena;
    struct column columns[10];
    struct table table;
    struct memory_reader memory;
    struct csv *csv;
    struct csv_record rec;
    struct converter *converter;
    struct batch *batch;
    struct reject_info why;
    struct err err;
};

/* A column as "name type", with "!" at the end: NOT NULL; "=": has a default. */
static void setup(struct fixture *f, const char *text, const char *const *columns)
{
    static const struct csv_dialect plain = {.delimiter = ',', .quote = '"'};

    *f = (struct fixture){.arena = arena_new(), .memory = memory_reader(text, strlen(text), SIZE_MAX)};
    f->table = (struct table){.arena = f->arena, .name = "loans", .columns = f->columns};
    for (; columns[f->table.count] != NULL; f->table.count++) {
        const char *spec = columns[f->table.count], *type = strchr(spec, ' ') + 1;
        struct column *c = &f->columns[f->table.count];
        size_t n = strcspn(type, "!=");
        must_rc(column_parse_type(arena_strndup(f->arena, type, n), f->arena, c, &f->err), &f->err);
        c->name = arena_strndup(f->arena, spec, (size_t)(type - spec - 1));
        c->nullable = strchr(type, '!') == NULL;
        c->has_default = strchr(type, '=') != NULL;
    }
    must_rc(csv_open(&f->memory.reader, &plain, &f->csv, &f->err), &f->err);
    is_int(csv_next(f->csv, &f->rec, &f->err), 1);
}

static int start(struct fixture *f, const struct convert_config *c)
{
    size_t n = 0;
    int rc = converter_new(c, &f->table, &f->rec, &f->converter, &f->err);

    if (rc < 0)
        return rc;
    const int *columns = converter_columns(f->converter, &n);
    f->batch = batch_new(&f->table, columns, n, 100);
    return 0;
}

static int next(struct fixture *f)
{
    is_int(csv_next(f->csv, &f->rec, &f->err), 1);
    return converter_row(f->converter, &f->rec, f->batch, &f->why);
}

static void teardown(struct fixture *f)
{
    converter_free(f->converter);
    batch_free(f->batch);
    csv_close(f->csv);
    arena_free(f->arena);
}
#define COLUMNS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const na[] = {"NA", "", NULL}, *const none[] = {NULL};

TEST(na_is_null_only_unquoted_and_byte_for_byte)
{
    struct convert_config c = {.nulls = na, .header = true};
    struct fixture f;

    setup(&f, "n,t\nNA,NA\n,\n\"NA\",x\n0,\"NA\"\n0,\"\"\n0,BANANA\nna,x\nNA ,x\n",
          COLUMNS("n int", "t varchar(20)"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 1); /* NA,NA: both NULL */
    ok(f.batch->cols[0].nulls[0] && f.batch->cols[1].nulls[0]);
    is_int(next(&f), 1); /* empty: NULL in a number, '' in a text */
    ok(f.batch->cols[0].nulls[1] && !f.batch->cols[1].nulls[1]);
    is_int(f.batch->cols[1].lengths[1], 0);
    is_int(next(&f), 0); /* a quoted NA is no NULL */
    is_str(f.why.code, "NOT_AN_INT");
    is_str(f.why.column, "n");
    ok(strstr(f.why.hint, "quoted") != NULL);
    is_int(f.why.line, 4);
    is_mem(f.why.raw, f.why.raw_n, "\"NA\",x", 6);
    is_int(f.batch->rows, 2);
    is_int(next(&f), 1);
    ok(!f.batch->cols[1].nulls[2]);
    is_mem(f.batch->cols[1].bytes[2], f.batch->cols[1].lengths[2], "NA", 2);
    is_int(f.batch->cols[0].i64[2], 0);
    is_int(next(&f), 1); /* "" in a text is '' */
    ok(!f.batch->cols[1].nulls[3]);
    is_int(next(&f), 1);
    is_mem(f.batch->cols[1].bytes[4], f.batch->cols[1].lengths[4], "BANANA", 6);
    is_int(next(&f), 0); /* na is not NA */
    is_int(next(&f), 0); /* nor is 'NA ' */
    teardown(&f);
}

TEST(a_column_s_own_list_replaces_the_common_one)
{
    static const char *const dash[] = {"-", "", NULL};
    static const struct convert_rule rules[] = {{.from = "t", .to = "t", .nulls = dash},
                                                {.from = "n", .to = "n", .nulls = none}};
    struct convert_config c = {.rules = rules, .rule_count = 2, .nulls = na, .header = true};
    struct fixture f;

    setup(&f, "n,t\n1,\n2,-\n3,NA\nNA,x\n,x\n", COLUMNS("n int", "t varchar(20)"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 1);
    ok(f.batch->cols[1].nulls[0]);
    is_int(next(&f), 1);
    ok(f.batch->cols[1].nulls[1]);
    is_int(next(&f), 1);
    ok(!f.batch->cols[1].nulls[2]);
    is_int(next(&f), 0);
    is_str(f.why.code, "NOT_AN_INT");
    is_int(next(&f), 0);
    ok(strstr(f.why.hint, "null list") != NULL);
    teardown(&f);
}

/* What becomes of one field: its bytes in hexadecimal, its number, NULL, or the code of its reject. */
static void binary_row(const char *type, enum convert_binary form, const char *text, char out[100])
{
    static const char *const backslash[] = {"\\N", NULL};
    struct convert_rule rule = {.from = "b", .to = "b", .binary = form};
    struct convert_config c = {.rules = &rule, .rule_count = 1, .nulls = backslash, .header = true};
    char file[200], column[60];
    struct fixture f;

    snprintf(file, sizeof file, "b,x\n%s,1\n", text);
    snprintf(column, sizeof column, "b %s", type);
    setup(&f, file, COLUMNS(column, "x int"));
    must_rc(start(&f, &c), &f.err);
    if (next(&f) == 0)
        snprintf(out, 100, "%s", f.why.code);
    else if (f.batch->cols[0].nulls[0])
        snprintf(out, 100, "NULL");
    else if (f.batch->cols[0].kind == CELL_BYTES)
        str_hex(f.batch->cols[0].bytes[0], f.batch->cols[0].lengths[0], out);
    else
        snprintf(out, 100, "%llu", (unsigned long long)f.batch->cols[0].i64[0]);
    teardown(&f);
}

TEST(bytes_may_be_written_as_text)
{
    static const struct {
        const char *type;
        enum convert_binary form;
        const char *text, *want;
    } cases[] = {
        {"blob", CONVERT_HEX, "00ff0aB2", "00ff0ab2"},
        {"blob", CONVERT_HEX, "\"\"", ""},
        {"blob", CONVERT_HEX, "", ""},
        {"blob", CONVERT_HEX, "\\N", "NULL"},
        {"blob", CONVERT_HEX, "abc", "NOT_HEX"},
        {"blob", CONVERT_HEX, "0x00", "NOT_HEX"},
        {"blob", CONVERT_HEX, "0g", "NOT_HEX"},
        {"binary(4)", CONVERT_HEX, "01", "01000000"},
        {"binary(4)", CONVERT_HEX, "0102030405", "TOO_LONG"},
        {"varbinary(4)", CONVERT_HEX, "01", "01"},
        {"bit(12)", CONVERT_HEX, "0fff", "4095"},
        {"bit(12)", CONVERT_HEX, "1fff", "OUT_OF_RANGE"},
        {"bit(64)", CONVERT_HEX, "ffffffffffffffff", "18446744073709551615"},
        {"bit(64)", CONVERT_HEX, "01ffffffffffffffff", "OUT_OF_RANGE"},
        {"bit(1)", CONVERT_HEX, "\"\"", "OUT_OF_RANGE"},
        {"blob", CONVERT_BASE64, "AAECAw==", "00010203"},
        {"blob", CONVERT_BASE64, "AAEC", "000102"},
        {"blob", CONVERT_BASE64, "AAECA/8=", "00010203ff"},
        {"blob", CONVERT_BASE64, "", ""},
        {"blob", CONVERT_BASE64, "AAE", "NOT_BASE64"},
        {"blob", CONVERT_BASE64, "AB==", "NOT_BASE64"},
        {"blob", CONVERT_BASE64, "AAB=", "NOT_BASE64"},
        {"blob", CONVERT_BASE64, "A===", "NOT_BASE64"},
        {"blob", CONVERT_BASE64, "====", "NOT_BASE64"},
        {"blob", CONVERT_BASE64, "AA==AA==", "NOT_BASE64"},
        {"blob", CONVERT_BASE64, "A-_A", "NOT_BASE64"},
        {"bit(12)", CONVERT_BASE64, "D/8=", "4095"},
        {"blob", CONVERT_RAW, "00ff", "30306666"},
        {"bit(12)", CONVERT_RAW, "4095", "4095"},
    };
    char got[100];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        binary_row(cases[i].type, cases[i].form, cases[i].text, got);
        if (strcmp(got, cases[i].want) != 0)
            diag("%s '%s'", cases[i].type, cases[i].text);
        is_str(got, cases[i].want);
    }
}

/* What becomes of one field where zero dates are values. */
static void zero_row(const char *type, const char *text, const char *want)
{
    const struct convert_config c = {.nulls = none, .header = true, .zero_dates = true};
    char file[200], column[60], got[60];
    struct fixture f;

    snprintf(file, sizeof file, "d,x\n%s,1\n", text);
    snprintf(column, sizeof column, "d %s", type);
    setup(&f, file, COLUMNS(column, "x int"));
    must_rc(start(&f, &c), &f.err);
    if (next(&f) == 0)
        snprintf(got, sizeof got, "%s", f.why.code);
    else if (f.batch->cols[0].kind == CELL_BYTES)
        snprintf(got, sizeof got, "%.*s", (int)f.batch->cols[0].lengths[0], f.batch->cols[0].bytes[0]);
    else
        snprintf(got, sizeof got, "%lld", (long long)f.batch->cols[0].i64[0]);
    is_str(got, want);
    teardown(&f);
}

TEST(zero_dates_are_values_where_that_is_said)
{
    zero_row("date", "0000-00-00", "0000-00-00");
    zero_row("date", "2022-00-00", "2022-00-00");
    zero_row("date", "2022-02-00", "2022-02-00");
    zero_row("date", "2022-13-00", "BAD_DATE");
    zero_row("date", "2022-00-32", "BAD_DATE");
    zero_row("date", "0000-01-01", "BAD_DATE");
    zero_row("date", "2022-02-30", "BAD_DATE");
    zero_row("datetime", "0000-00-00 00:00:00", "0000-00-00 00:00:00");
    zero_row("datetime(3)", "2022-00-01 10:11:12.5", "2022-00-01 10:11:12.500");
    zero_row("datetime", "2022-00-01 10:11:12.5", "BAD_DATE");
    zero_row("datetime", "0000-00-00 10:00:00", "BAD_DATE");
    zero_row("timestamp(6)", "0000-00-00 00:00:00.000000", "0000-00-00 00:00:00.000000");
    zero_row("timestamp", "2022-00-00 00:00:00", "BAD_DATE");
    zero_row("year", "0000", "0");
    zero_row("year", "1900", "OUT_OF_RANGE");
}

TEST(how_bytes_are_written_is_said_for_all_columns_of_the_kind_or_for_one)
{
    static const struct convert_rule raw = {.from = "a", .to = "a", .binary = CONVERT_RAW},
                                     wrong = {.from = "t", .to = "t", .binary = CONVERT_HEX};
    struct convert_config c = {
        .rules = &raw, .rule_count = 1, .nulls = none, .header = true, .binary = CONVERT_HEX};
    struct fixture f;

    setup(&f, "a,b,t\n41,41,41\n4142,\"414243444546\",4\n", COLUMNS("a blob", "b blob", "t text"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 1);
    is_mem(f.batch->cols[0].bytes[0], f.batch->cols[0].lengths[0], "41", 2);
    is_mem(f.batch->cols[1].bytes[0], f.batch->cols[1].lengths[0], "A", 1);
    is_mem(f.batch->cols[2].bytes[0], f.batch->cols[2].lengths[0], "41", 2);
    is_int(next(&f), 1);
    is_mem(f.batch->cols[1].bytes[1], f.batch->cols[1].lengths[1], "ABCDEF", 6);
    is_mem(f.batch->cols[1].bytes[0], f.batch->cols[1].lengths[0], "A", 1);
    teardown(&f);

    c.rules = &wrong;
    setup(&f, "a,b,t\n41,41,41\n", COLUMNS("a blob", "b blob", "t text"));
    fails(start(&f, &c), &f.err, ERR_CONFIG);
    is_str(f.err.msg, "column t: \"binary\" is for BINARY, BLOB and BIT, and it is text");
    teardown(&f);
}

TEST(null_into_not_null_is_a_reject_with_the_column)
{
    struct convert_config c = {.nulls = na, .header = true};
    struct fixture f;

    setup(&f, "n,t\n1,x\nNA,x\n2,y\n", COLUMNS("n int!", "t varchar(20)!"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 1);
    is_int(next(&f), 0);
    is_str(f.why.code, "NOT_NULL");
    is_str(f.why.column, "n");
    is_str(f.why.message, "'NA' stands for NULL, and the column is NOT NULL");
    is_int(next(&f), 1);
    is_int(f.batch->rows, 2);
    is_int(f.batch->lines[1], 4);
    teardown(&f);
}

TEST(a_rejected_row_leaves_the_batch_as_it_was)
{
    struct convert_config c = {.nulls = na, .header = true};
    struct fixture f;

    setup(&f, "t,n\none,1\nLOST,x\ntwo,2\n", COLUMNS("t varchar(20)", "n int"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 1);
    size_t bytes = f.batch->bytes;
    is_int(next(&f), 0);
    is_int(f.batch->rows, 1);
    is_int(f.batch->bytes, bytes);
    is_int(next(&f), 1);
    is_mem(f.batch->cols[0].bytes[0], f.batch->cols[0].lengths[0], "one", 3);
    is_mem(f.batch->cols[0].bytes[1], f.batch->cols[0].lengths[1], "two", 3);
    is_mem(f.batch->raw[1], f.batch->raw_n[1], "two,2", 5);
    is_int(f.batch->offsets[1], 17);
    teardown(&f);
}

TEST(long_fields_that_are_dropped_still_fill_a_batch)
{
    static const struct convert_rule rules[] = {{.from = "t"}};
    struct convert_config c = {.rules = rules, .rule_count = 1, .nulls = na, .header = true};
    struct fixture f;
    char text[1200];

    snprintf(text, sizeof text, "n,t\n1,%01000d\n", 0);
    setup(&f, text, COLUMNS("n int"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 1);
    ok(f.batch->bytes >= 1000);
    teardown(&f);
}

TEST(texts_outlive_the_reader_s_buffer)
{
    struct convert_config c = {.nulls = na, .header = true};
    struct fixture f;

    setup(&f, "t,d,m\n\"a\"\"b\",2022-06-05,1.5\nplain,2022-06-06,2\n",
          COLUMNS("t varchar(20)", "d date", "m decimal(5,2)"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 1);
    is_int(next(&f), 1);
    csv_close(f.csv);
    f.csv = NULL;
    converter_free(f.converter);
    f.converter = NULL;
    is_mem(f.batch->cols[0].bytes[0], f.batch->cols[0].lengths[0], "a\"b", 3);
    is_mem(f.batch->cols[0].bytes[1], f.batch->cols[0].lengths[1], "plain", 5);
    is_mem(f.batch->cols[1].bytes[0], f.batch->cols[1].lengths[0], "2022-06-05", 10);
    is_mem(f.batch->cols[1].bytes[1], f.batch->cols[1].lengths[1], "2022-06-06", 10);
    is_mem(f.batch->cols[2].bytes[0], f.batch->cols[2].lengths[0], "1.50", 4);
    is_mem(f.batch->cols[2].bytes[1], f.batch->cols[2].lengths[1], "2.00", 4);
    is_mem(f.batch->raw[0], f.batch->raw_n[0], "\"a\"\"b\",2022-06-05,1.5", 21);
    teardown(&f);
}

TEST(a_wrong_number_of_fields_is_a_reject)
{
    struct convert_config c = {.nulls = na, .header = true};
    struct fixture f;

    setup(&f, "a,b\n1\n1,2,\n1,2,3\n1,2\n1,x\"y\n", COLUMNS("a int", "b int"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 0);
    is_str(f.why.code, "FIELD_COUNT");
    is_str(f.why.message, "1 field where the header has 2");
    is_str(f.why.column, "");
    is_int(next(&f), 0);
    ok(strstr(f.why.hint, "ends with a delimiter") != NULL);
    is_int(next(&f), 0);
    is_str(f.why.code, "FIELD_COUNT");
    is_int(next(&f), 1);
    is_int(next(&f), 0);
    is_str(f.why.code, "BAD_QUOTE");
    is_int(f.why.line, 6);
    teardown(&f);
}

TEST(a_long_reject_is_cut_and_summed)
{
    struct convert_config c = {.nulls = na, .header = true};
    struct fixture f;
    size_t n = MAX_REJECT_RAW + 100;
    char *text = xmalloc(n + 32);
    unsigned char want[SHA256_SIZE];

    memcpy(text, "a,b\nx,", 6);
    memset(text + 6, 'y', n - 2);
    memcpy(text + 4 + n, "\n", 2);
    sha256_of(text + 4, n, want);
    setup(&f, text, COLUMNS("a int", "b longtext"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 0);
    is_int(f.why.raw_n, MAX_REJECT_RAW);
    is_int(f.why.raw_total, n);
    is_mem(f.why.raw_sha256, sizeof want, want, sizeof want);
    teardown(&f);
    free(text);
}

/* ---- header and table ---- */

static void header_fails(const char *header, const struct convert_config *c, const char *const *columns,
                         enum err_code code, const char *say)
{
    struct fixture f;

    setup(&f, header, columns);
    fails(start(&f, c), &f.err, code);
    if (!ok(strstr(f.err.msg, say) != NULL))
        diag("%s", f.err.msg);
    teardown(&f);
}

TEST(header_names_match_exactly_then_by_case)
{
    struct convert_config c = {.nulls = na, .header = true};
    struct fixture f;

    setup(&f, "B,a\n1,2\n", COLUMNS("a int", "b int"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 1);
    is_int(f.batch->cols[0].i64[0], 2);
    is_int(f.batch->cols[1].i64[0], 1);
    teardown(&f);
    header_fails("a,b ,c\n", &c, COLUMNS("a int", "b int", "c int"), ERR_SCHEMA, "'b '");
    header_fails("MonthlyIncom,age\n", &c, COLUMNS("MonthlyIncome int", "age int"), ERR_SCHEMA,
                 "'MonthlyIncom' (nearest: 'MonthlyIncome')");
    header_fails("a,a\n", &c, COLUMNS("a int"), ERR_SCHEMA, "twice");
    header_fails("a,A\n", &c, COLUMNS("a int"), ERR_SCHEMA, "both fill column a");
    header_fails("a\n", &c, COLUMNS("a int", "b int", "d int"), ERR_SCHEMA, "'b', 'd'");
    header_fails("a,\"b\"x\n", &c, COLUMNS("a int", "b int"), ERR_BAD_CSV, "line 1");
}

TEST(a_default_does_not_stand_in_for_a_lost_column_unless_told)
{
    struct convert_config c = {.nulls = na, .header = true};
    struct fixture f;

    header_fails("a\n", &c, COLUMNS("a int", "b int="), ERR_SCHEMA, "default");
    header_fails("a\n", &c, COLUMNS("a int", "b int!"), ERR_SCHEMA, "NOT NULL, no default");
    setup(&f, "a\n1\n", COLUMNS("a int", "created_at timestamp!="));
    must_rc(start(&f, &c), &f.err);
    is_int(f.batch->col_count, 1);
    teardown(&f);
    c.drift = DRIFT_NULL_MISSING;
    header_fails("a\n", &c, COLUMNS("a int", "b int!"), ERR_SCHEMA, "'b'");
    setup(&f, "a\n1\n", COLUMNS("a int", "b int", "d int!="));
    must_rc(start(&f, &c), &f.err);
    is_int(f.batch->col_count, 2); /* b is NULL by word, d is left to its default */
    is_int(next(&f), 1);
    ok(f.batch->cols[1].nulls[0]);
    teardown(&f);
}

TEST(extra_fields_are_let_off_only_when_told)
{
    struct convert_config c = {.nulls = na, .header = true};
    struct fixture f;

    header_fails("a,x1,x2\n", &c, COLUMNS("a int"), ERR_SCHEMA, "'x1', 'x2'");
    c.drift = DRIFT_IGNORE_EXTRA;
    setup(&f, "x1,a,x2\nfoo,1,bar\n", COLUMNS("a int"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 1);
    is_int(f.batch->cols[0].i64[0], 1);
    teardown(&f);
    header_fails("1,2\n", &c, COLUMNS("a int="), ERR_SCHEMA, "'a'");
}

TEST(rules_map_and_drop_fields)
{
    static const struct convert_rule rules[] = {{.from = ""}, {.from = "Inc", .to = "MonthlyIncome"}};
    static const struct convert_rule to_nowhere[] = {{.from = "a", .to = "A2"}};
    static const struct convert_rule gone[] = {{.from = "was_there", .to = "a"}};
    struct convert_config c = {.rules = rules, .rule_count = 2, .nulls = na, .header = true};
    struct fixture f;

    setup(&f, "\"\",Inc\n1,100\n", COLUMNS("MonthlyIncome int"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 1);
    is_int(f.batch->cols[0].i64[0], 100);
    teardown(&f);
    c.rules = to_nowhere;
    c.rule_count = 1;
    header_fails("a\n", &c, COLUMNS("a int"), ERR_SCHEMA, "'A2'");
    c.rules = gone;
    header_fails("a\n", &c, COLUMNS("a int"), ERR_SCHEMA, "'was_there'");
}

TEST(what_server_and_orch_fill_is_never_filled_from_the_file)
{
    static const struct convert_rule rules[] = {{.from = "x", .to = LINEAGE_LINE}};
    struct convert_config c = {.nulls = na, .header = true};
    struct fixture f;

    setup(&f, "a\n1\n", COLUMNS(LINEAGE_LOAD_ID " bigint!", LINEAGE_LINE " bigint!", "a int"));
    must_rc(start(&f, &c), &f.err);
    is_int(f.batch->col_count, 1);
    is_int(f.batch->cols[0].column, 2);
    teardown(&f);
    header_fails("a," LINEAGE_LINE "\n", &c,
                 COLUMNS(LINEAGE_LOAD_ID " bigint!", LINEAGE_LINE " bigint!", "a int"), ERR_SCHEMA,
                 LINEAGE_LINE);
    c.rules = rules;
    c.rule_count = 1;
    header_fails("a,x\n", &c, COLUMNS(LINEAGE_LINE " bigint!", "a int"), ERR_SCHEMA, "fills itself");
    setup(&f, "a\n1\n", COLUMNS("a int", "g int!"));
    f.columns[1].generated = true;
    c.rule_count = 0;
    must_rc(start(&f, &c), &f.err);
    is_int(f.batch->col_count, 1);
    teardown(&f);
}

TEST(without_a_header_fields_go_by_number_or_place)
{
    static const struct convert_rule rules[] = {{.from = "2", .to = "a"}, {.from = "1"}};
    struct convert_config c = {.nulls = na, .header = false};
    struct fixture f;

    setup(&f, "1,2\n3,4\n", COLUMNS("a int", "b int"));
    must_rc(start(&f, &c), &f.err);
    is_int(converter_row(f.converter, &f.rec, f.batch, &f.why), 1); /* the first record is data */
    is_int(f.batch->cols[1].i64[0], 2);
    is_int(next(&f), 1);
    teardown(&f);
    header_fails("1\n", &c, COLUMNS("a int", "b int"), ERR_SCHEMA, "'b'");
    header_fails("1,2,3\n", &c, COLUMNS("a int", "b int"), ERR_SCHEMA, "'3'");
    c.rules = rules;
    c.rule_count = 2;
    setup(&f, "1,2\n", COLUMNS("a int"));
    must_rc(start(&f, &c), &f.err);
    is_int(converter_row(f.converter, &f.rec, f.batch, &f.why), 1);
    is_int(f.batch->cols[0].i64[0], 2);
    teardown(&f);
}

TEST(a_format_that_cannot_work_is_refused_at_the_start)
{
    static const struct {
        const char *format, *column;
    } cases[] = {{"%d/%m/%y", "a date"},
                 {"%d/%m", "a date"},
                 {"%Q", "a date"},
                 {"%d/%m/%Y%", "a date"},
                 {"%Y", "a int"},
                 {"%H:%M:%S %z", "a time"},
                 {"%Y-%m-%d %S", "a datetime"},
                 {"%Y-%m-%d %m", "a date"},
                 {"%Y-%b-%m-%d", "a date"},
                 {"%Y-%m-%d %I:%M", "a datetime"},
                 {"%Y-%m-%d %H:%M %p", "a datetime"},
                 {"%s %z", "a datetime"},
                 {"%Y %j %m", "a date"},
                 {"%a %H:%M:%S", "a time"},
                 {"%H:%M:%S %s", "a time"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct convert_rule rule = {.from = "a", .to = "a", .format = cases[i].format};
        struct convert_config c = {.rules = &rule, .rule_count = 1, .nulls = na, .header = true};
        header_fails("a\n", &c, COLUMNS(cases[i].column), ERR_CONFIG, cases[i].format);
    }
    struct convert_config c = {.nulls = na, .header = true, .zone = "Asia/Tokyo"};
    header_fails("a\n", &c, COLUMNS("a date"), ERR_CONFIG, "Asia/Tokyo");
}

/* One row: column a as text, or the reject's code; *ret_message its words. */
static void local_cell(const char *type, char decimal, char group, const char *text, char got[100],
                       char message[600])
{
    struct convert_rule rule = {.from = "a", .to = "a", .decimal = decimal, .group = group};
    struct convert_config c = {.rules = &rule, .rule_count = 1, .nulls = na, .header = true};
    char file[500], column[100], scratch[CELL_TEXT_SIZE];
    struct fixture f;

    snprintf(file, sizeof file, "a\n\"%s\"\n", text);
    snprintf(column, sizeof column, "a %s", type);
    setup(&f, file, COLUMNS(column));
    must_rc(start(&f, &c), &f.err);
    if (next(&f)) {
        struct str s = batch_cell_text(&f.batch->cols[0], 0, scratch);
        snprintf(got, 100, "%.*s", (int)s.n, s.p);
        message[0] = '\0';
    } else {
        snprintf(got, 100, "%s", f.why.code);
        snprintf(message, 600, "%s; %s", f.why.message, f.why.hint);
    }
    teardown(&f);
}

TEST(latin1_of_mysql_is_cp1252)
{
    static const struct {
        const char *text;
        bool held;
    } cases[] = {{"Zo\xc3\xab", true},
                 {"\xe2\x82\xac", true},
                 {"\xc5\xb8", true},
                 {"\xc2\x81", true},
                 {"\xc5\x81", false},
                 {"\xc2\x80", false},
                 {"\xc4\x80", false},
                 {"\xf0\x9f\x98\x80", false},
                 {"a\xe2\x82\xac\xc5\x81", false},
                 {"", true}};
    char got[400];
    struct reject_info why;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cell_text("varchar(10)", (struct csv_field){cases[i].text, (uint32_t)strlen(cases[i].text), false},
                  NULL, "latin1", got, &why);
        is_str(got, cases[i].held ? cases[i].text : "NOT_IN_CHARSET");
    }
}

TEST(numbers_as_other_countries_write_them)
{
    static const struct {
        const char *type;
        char decimal, group;
        const char *text, *want;
    } cases[] = {
        {"decimal(10,2)", ',', 0, "1,5", "1.50"},
        {"decimal(10,2)", ',', 0, "-0,05", "-0.05"},
        {"decimal(10,2)", ',', 0, "12", "12.00"},
        {"decimal(10,2)", ',', 0, "1.5", "NOT_A_NUMBER"}, /* who says that it is no thousand and a half? */
        {"decimal(10,2)", ',', 0, "1.234,50", "NOT_A_NUMBER"},
        {"decimal(10,2)", ',', 0, "1,2,3", "NOT_A_NUMBER"},
        {"decimal(10,2)", ',', 0, "1,239", "DIGITS_LOST"},
        {"decimal(10,2)", ',', '.', "1.234.567,50", "1234567.50"},
        {"decimal(10,2)", ',', '.', "1234567,50", "1234567.50"},
        {"decimal(10,2)", ',', '.', "1.23", "NOT_A_NUMBER"},
        {"decimal(10,2)", ',', '.', "1234.567", "NOT_A_NUMBER"},
        {"decimal(10,2)", ',', '.', ".234", "NOT_A_NUMBER"},
        {"decimal(10,2)", ',', '.', "1.234.5,6", "NOT_A_NUMBER"},
        {"decimal(10,2)", ',', '.', "1,234.5", "NOT_A_NUMBER"},
        {"decimal(10,2)", ',', '.', "1..234", "NOT_A_NUMBER"},
        {"decimal(10,2)", '.', ',', "1,234.5", "1234.50"},
        {"decimal(10,2)", 0, ',', "1,234", "1234.00"},
        {"decimal(10,2)", 0, ',', "1,23", "NOT_A_NUMBER"},
        {"decimal(10,2)", ',', '\'', "1'234,5", "1234.50"},
        {"decimal(10,2)", ',', ' ', "1 234,5", "1234.50"},
        {"decimal(10,2)", ',', ' ', " 234,5", "NOT_A_NUMBER"},
        {"decimal(10,2)", ',', ' ', "234 ", "NOT_A_NUMBER"},
        {"double", ',', 0, "0,766126609", "0.766126609"},
        {"double", ',', 0, "7,96E-05", "7.96e-05"},
        {"double", ',', 0, "7,96E-0,5", "NOT_A_NUMBER"},
        {"int", ',', '.', "12.000", "12000"},
        {"int", ',', '.', "12,0", "NOT_AN_INT"},
        {"int", ',', '.', "-2.147.483.648", "-2147483648"},
        {"int", ',', '.', "2.147.483.648", "OUT_OF_RANGE"},
        {"int", ',', 0, "", "NOT_AN_INT"},
        {"int", ',', 0, "-", "NOT_AN_INT"},
    };
    char got[100], message[600];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        local_cell(cases[i].type, cases[i].decimal, cases[i].group, cases[i].text, got, message);
        if (!is_str(got, cases[i].want))
            diag("%s: %s", cases[i].text, message);
    }
    local_cell("decimal(10,2)", ',', '.', "1.234,239", got, message);
    ok(strstr(message, "'1.234,239' has more digits") != NULL); /* as it stands in the file */
    local_cell("decimal(10,2)", ',', 0, "1.5", got, message);
    ok(strstr(message, "decimal sign is ','") != NULL);
}

TEST(a_decimal_sign_that_cannot_work_is_refused_at_the_start)
{
    struct convert_rule rule = {.from = "a", .to = "a", .decimal = ','};
    struct convert_config c = {.rules = &rule, .rule_count = 1, .nulls = na, .header = true};

    header_fails("a\n", &c, COLUMNS("a varchar(10)"), ERR_CONFIG, "number columns");
    header_fails("a\n", &c, COLUMNS("a date"), ERR_CONFIG, "number columns");
    rule.group = '-';
    header_fails("a\n", &c, COLUMNS("a int"), ERR_CONFIG, "'-' between thousands");
}

/* ---- constants and trailing delimiters ---- */

static int start_about(struct fixture *f, const struct convert_config *c, const struct convert_about *about)
{
    size_t n = 0;
    int rc = converter_new_about(c, &f->table, &f->rec, about, &f->converter, &f->err);

    if (rc < 0)
        return rc;
    const int *columns = converter_columns(f->converter, &n);
    f->batch = batch_new(&f->table, columns, n, 100);
    return 0;
}

static const struct convert_about hour = {"2022-06-05T12", "yyyy=2022/mm=06/a b.csv",
                                          (INT64_C(76636805) << 22) +
                                              4194304}; /* drawn 2022-06-06 00:00:05 */

TEST(constants_fill_their_columns_in_every_row)
{
    static const struct convert_constant constants[] = {
        {"h", "{partition}"}, {"d", "{partition}"}, {"p", "{partition}"}, {"k", "{key}"}, {"f", "{file}"},
        {"s", "x{{{file}}"},  {"n", "7"},           {"l", "{loaded}"},    {"e", ""}};
    static const char *const want[] = {"2022-06-05 12:00:00",
                                       "2022-06-05",
                                       "2022-06-05T12",
                                       "yyyy=2022/mm=06/a b.csv",
                                       "a b.csv",
                                       "x{a b.csv}",
                                       "7",
                                       "2022-06-06 00:00:05",
                                       ""};
    struct convert_config c = {.nulls = na, .header = true, .constants = constants, .constant_count = 9};
    char scratch[CELL_TEXT_SIZE];
    struct fixture f;

    setup(&f, "a\n1\n2\n",
          COLUMNS("a int", "h datetime", "d date", "p varchar(20)", "k text", "f text", "s text", "n int",
                  "l datetime", "e varchar(9)"));
    must_rc(start_about(&f, &c, &hour), &f.err);
    is_int(next(&f), 1);
    is_int(next(&f), 1);
    for (size_t row = 0; row < 2; row++)
        for (size_t i = 0; i < 9; i++) {
            struct str s = batch_cell_text(&f.batch->cols[i + 1], row, scratch);
            is_mem(s.p, s.n, want[i], strlen(want[i]));
        }
    teardown(&f);
}

static void constant_fails(const char *to, const char *text, const struct convert_about *about,
                           enum err_code code, const char *say)
{
    const struct convert_constant constant = {to, text};
    struct convert_config c = {.nulls = na,
                               .header = true,
                               .constants = &constant,
                               .constant_count = 1,
                               .drift = DRIFT_NULL_MISSING};
    struct fixture f;

    setup(&f, "a\n1\n", COLUMNS("a int", "b varchar(9)=", "n int="));
    fails(start_about(&f, &c, about), &f.err, code);
    if (!ok(strstr(f.err.msg, say) != NULL))
        diag("%s", f.err.msg);
    teardown(&f);
}

TEST(a_constant_that_cannot_work_is_refused_at_the_start)
{
    constant_fails("c", "x", &hour, ERR_SCHEMA, "'c', which table loans does not have");
    constant_fails("a", "x", &hour, ERR_SCHEMA, "both fill column a");
    constant_fails("n", "{partition}", &hour, ERR_CONFIG, "'2022-06-05T12' is not an INT");
    constant_fails("b", "longer than nine", &hour, ERR_CONFIG,
                   "constant b: 'longer than nine' has 16 characters");
    constant_fails("b", "{nothing}", &hour, ERR_CONFIG, "none of {partition}");
    constant_fails("b", "{key", &hour, ERR_CONFIG, "none of {partition}");
    constant_fails("b", "{key}", NULL, ERR_CONFIG, "speaks of a file");
    constant_fails("b", "{file}", &(struct convert_about){"2022-06-05", "a/\xff", 1}, ERR_CONFIG, "UTF-8");
}

TEST(a_trailing_delimiter_is_taken_where_it_was_announced)
{
    static const char *const headers[] = {"a,b", "a,b,"};
    struct convert_config c = {.nulls = na, .header = true, .trailing_delimiter = true};
    char file[200];
    struct fixture f;

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        snprintf(file, sizeof file, "%s\n1,2,\n1,2\n1,2,3\n1,2,\"\"\n1,2,,\n3,4,\n", headers[i]);
        setup(&f, file, COLUMNS("a int", "b int"));
        must_rc(start(&f, &c), &f.err);
        is_int(next(&f), 1);
        for (int k = 0; k < 4; k++) {
            is_int(next(&f), 0);
            is_str(f.why.code, "FIELD_COUNT");
        }
        is_int(next(&f), 1);
        is_int(f.batch->rows, 2);
        teardown(&f);
    }
    c.trailing_delimiter = false;
    setup(&f, "a,b\n1,2,\n", COLUMNS("a int", "b int"));
    must_rc(start(&f, &c), &f.err);
    is_int(next(&f), 0);
    ok(strstr(f.why.hint, "csv.trailing_delimiter") != NULL);
    teardown(&f);
}

TEST(a_type_that_cannot_be_summed_is_refused)
{
    struct convert_config c = {.nulls = na, .header = true};

    header_fails("a,g\n", &c, COLUMNS("a int", "g json"), ERR_TARGET, "g");
}

TEST(every_code_is_explained_in_the_docs)
{
    static const char *const codes[] = {"FIELD_COUNT",  "NOT_AN_INT",     "NOT_A_NUMBER", "OUT_OF_RANGE",
                                        "DIGITS_LOST",  "BAD_DATE",       "BAD_TIME",     "TOO_LONG",
                                        "NOT_A_MEMBER", "NOT_IN_CHARSET", "NOT_NULL"};
    const char *source = getenv("ORCH_SOURCE");
    struct buf page = BUF_INIT(MIB);
    struct err err;
    char path[1000], want[64];

    if (source == NULL)
        skip("ORCH_SOURCE does not say where the sources are");
    snprintf(path, sizeof path, "%s/docs/rejects.md", source);
    must_rc(fs_read(path, &page, &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        snprintf(want, sizeof want, "| `%s` |", codes[i]);
        if (!ok(strstr(page.p, want) != NULL))
            diag("%s", codes[i]);
    }
    for (int code = CSV_BAD_QUOTE; code < CSV_CODES; code++) {
        snprintf(want, sizeof want, "| `%s` |", csv_code_name((enum csv_code)code));
        if (!ok(strstr(page.p, want) != NULL))
            diag("%s", want);
    }
    buf_release(&page);
}

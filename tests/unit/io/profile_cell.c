#include "io/profile_int.h"
#include "tests/tap.h"
#include <math.h>

static struct cell_look look(const char *text)
{
    struct cell_look l;

    cell_look(text, strlen(text), &l);
    return l;
}

TEST(numbers_are_what_the_loader_takes_for_numbers)
{
    static const struct {
        const char *text;
        enum cell_class class;
        double number;
    } cases[] = {
        {"0", CELL_INT, 0},
        {"-17", CELL_INT, -17},
        {"123456789012345678", CELL_INT, 123456789012345678.0},
        {"0.766126609", CELL_REAL, 0.766126609},
        {".5", CELL_REAL, 0.5},
        {"-1.50", CELL_REAL, -1.5},
        {"7.96E-05", CELL_REAL, 7.96E-05},
        {"1e3", CELL_REAL, 1000},
        {"0.12345678901234567890123", CELL_REAL, 0.12345678901234567890123},
        {"12345678901234567890123.5", CELL_REAL, 12345678901234567890123.5},
        {"99999999999999999999", CELL_REAL, 1e20},
        {"0.000000000000000000012345678901234567890123", CELL_REAL, 1.2345678901234567890123e-20},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cell_look l = look(cases[i].text);
        if (!ok(l.class == cases[i].class) || !ok(l.number == cases[i].number))
            diag("%s: %d, %.17g", cases[i].text, l.class, l.number);
    }
}

TEST(long_fractions_are_rounded_as_strtod_does_and_every_byte_counts)
{
    uint64_t random = 7;
    char text[40];
    struct cell_look look;

    for (int i = 0; i < 3000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t whole = random >> 50, fraction = random >> 8;
        int n = snprintf(text, sizeof text, "%s%llu.%.*llu", i % 3 == 0 ? "-" : "", (unsigned long long)whole,
                         i % 11 + 1, (unsigned long long)(fraction % 1000000000));
        cell_look(text, (size_t)n, &look);
        is_int(look.class, CELL_REAL);
        if (look.number != strtod(text, NULL))
            is_str(text, "as strtod reads it");
        for (char *at = strchr(text, '.') + 1; *at != '\0'; at++) {
            char was = *at;
            for (const char *bad = "/:?0@\xb0 "; *bad != '\0'; bad++) {
                *at = *bad;
                cell_look(text, (size_t)n, &look);
                is_int(look.class, *bad == '0' ? CELL_REAL : CELL_TEXT);
            }
            *at = was;
        }
    }
}

TEST(what_is_no_number_is_a_text)
{
    static const char *const texts[] = {"007", "+5",    " 5",   "5 ",         "1,5",        "-",
                                        ".",   "1.2.3", "0x10", "nan",        "inf",        "1e999",
                                        "12a", "--1",   "1e",   "2022-13-01", "2022-02-30", "2022-1-1"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!ok(look(texts[i]).class == CELL_TEXT))
            diag("%s", texts[i]);
}

TEST(dates_are_seconds_since_1970)
{
    ok(look("1970-01-02").class == CELL_DATE);
    is_int(look("1970-01-02").number, 86400);
    ok(look("1970-01-01 00:01").class == CELL_DATETIME);
    is_int(look("1970-01-01 00:01").number, 60);
    is_int(look("1970-01-01T00:00:07Z").number, 7);
    ok(fabs(look("1970-01-01T00:00:07.250").number - 7.25) < 1e-9);
    is_int(look("1970-01-01T01:00:00+01:00").number, 0);
    is_int(look("1969-12-31T23:00:00-01:00").number, 0);
    ok(look("2024-02-29").class == CELL_DATE);
    ok(look("2022-06-05 24:00").class == CELL_TEXT);
    ok(look("2022-06-05 12:00:00 x").class == CELL_TEXT);
}

TEST(blanks_and_bad_bytes_are_noticed)
{
    is_int(look(" a").flags, CELL_PADDED);
    is_int(look("a\t").flags, CELL_PADDED);
    is_int(look("a b").flags, 0);
    is_int(look("\xff").flags, CELL_BAD_UTF8);
    is_int(look("\xc3\xa4\xc3\xb6").chars, 2);
}

TEST(shapes)
{
    static const char *const cases[][2] = {
        {"AB-1234", "A-9999"},
        {"John Smith", "Aa Aa"},
        {"2022-06-05", "9999-99-99"},
        {"\xc3\xa4\xc3\xb6x", "wa"},
        {"a\nb", "a?a"},
        {"12345678901234567890123456789012345", "9999999999999999999999999999..."}};
    char out[SHAPE_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        is_int(cell_shape(cases[i][0], strlen(cases[i][0]), out), strlen(cases[i][1]));
        is_str(out, cases[i][1]);
    }
}

TEST(placeholders)
{
    ok(cell_is_placeholder("N/A", 3));
    ok(cell_is_placeholder(" null ", 6));
    ok(cell_is_placeholder("  ", 2));
    ok(!cell_is_placeholder("no", 2));
    ok(cell_is_coded(98) && cell_is_coded(-999) && !cell_is_coded(97.5) && !cell_is_coded(100));
}

TEST(a_hash_depends_on_every_byte_and_nothing_behind)
{
    char a[80] = "abcdefghijklmnopqrstuvwxyz0123456789", b[80];

    for (size_t n = 0; n <= 36; n++) {
        memcpy(b, a, sizeof b);
        b[n] = '#';
        ok(cell_hash(a, n) == cell_hash(b, n));
        for (size_t i = 0; i < n; i++) {
            memcpy(b, a, sizeof b);
            b[i] ^= 1;
            if (cell_hash(a, n) == cell_hash(b, n))
                ok(false);
        }
    }
    memset(b, 0, sizeof b);
    ok(cell_hash(b, 1) != cell_hash(b, 2));
}

#include "base/str.h"
#include "base/mem.h"
#include "tests/tap.h"

TEST(whole_numbers)
{
    static const struct {
        const char *text;
        int64_t want;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN},
                {"-1", -1},
                {"42", 42}};
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "1e3",
                                      "0x1",
                                      "--1",
                                      "1_0",
                                      "１",
                                      "9223372036854775808",
                                      "-9223372036854775809"};
    struct err err;
    int64_t v;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        must_rc(str_to_i64(str_of(good[i].text), INT64_MIN, INT64_MAX, &v, &err), &err);
        is_int(v, good[i].want);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        fails(str_to_i64(str_of(bad[i]), INT64_MIN, INT64_MAX, &v, &err), &err, ERR_BAD_VALUE);
    fails(str_to_i64((struct str){"1\0002", 3}, 0, 99, &v, &err), &err, ERR_BAD_VALUE);
    fails(str_to_i64(str_of("101"), 0, 100, &v, &err), &err, ERR_BAD_VALUE);
    is_str(err.msg, "'101' is outside 0 to 100");
}

TEST(durations)
{
    static const struct {
        const char *text;
        int64_t want;
    } good[] = {{"500ms", 500},
                {"90s", 90000},
                {"15m", 900000},
                {"1h", 3600000},
                {"7d", 604800000},
                {"0s", 0},
                {"36500d", INT64_C(3153600000000)}};
    static const char *const bad[] = {"",
                                      "60",
                                      "s",
                                      "1 h",
                                      "1H",
                                      "-1s",
                                      "1.5h",
                                      "1h30m",
                                      "9223372036854775807d",
                                      "36501d",
                                      "106751991167d",
                                      "9223372036854775807ms"};
    struct err err;
    int64_t v;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        must_rc(str_to_duration_ms(str_of(good[i].text), &v, &err), &err);
        is_int(v, good[i].want);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        fails(str_to_duration_ms(str_of(bad[i]), &v, &err), &err, ERR_BAD_VALUE);
}

TEST(sizes)
{
    static const struct {
        const char *text;
        int64_t want;
    } good[] = {
        {"512", 512}, {"64KiB", 65536}, {"1GiB", 1073741824}, {"10MB", 10000000}, {"1TiB", 1099511627776}};
    static const char *const bad[] = {"", "KiB", "1 KiB", "1kb", "1.5GiB", "-1", "9223372036854775807KiB"};
    struct err err;
    int64_t v;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        must_rc(str_to_bytes(str_of(good[i].text), &v, &err), &err);
        is_int(v, good[i].want);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        fails(str_to_bytes(str_of(bad[i]), &v, &err), &err, ERR_BAD_VALUE);
}

TEST(nearest_finds_the_typo_and_nothing_else)
{
    static const char *const keys[] = {"schedule", "source", "target", "settle", NULL};
    static const char *const none[] = {NULL};

    is_str(str_nearest("shedule", keys), "schedule");
    is_str(str_nearest("targte", keys), "target");
    is_str(str_nearest("zzzzzzzz", keys), NULL);
    char *long_name = xcalloc(1, 5001);
    memset(long_name, 'z', 5000);
    is_str(str_nearest(long_name, keys), NULL);
    free(long_name);
    is_str(str_nearest("x", none), NULL);
    is_str(str_nearest("b", (const char *const[]){"A", "B", NULL}), "B");
    is_str(str_nearest("SETTLE", keys), "settle");
}

TEST(utf8_is_judged_as_rfc3629_says)
{
    static const struct {
        const char *text;
        size_t n;
        int bad_at; /* -1: well-formed */
    } cases[] = {
        {"", 0, -1},
        {"plain ascii, of more than 8 bytes", 33, -1},
        {"a\0b", 3, -1},
        {"\xc2\x80", 2, -1},
        {"\xed\x9f\xbf", 3, -1},
        {"\xef\xbf\xbf", 3, -1},
        {"\xf4\x8f\xbf\xbf", 4, -1},
        {"12345678\xf0\x9f\x98\x80tail", 16, -1},
        {"\x80", 1, 0},     /* a continuation alone */
        {"\xc0\xaf", 2, 0}, /* overlong */
        {"\xc1\xbf", 2, 0},
        {"\xe0\x9f\xbf", 3, 0},
        {"\xf0\x8f\xbf\xbf", 4, 0},
        {"\xed\xa0\x80", 3, 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 4, 0}, /* past U+10FFFF */
        {"\xf5\x80\x80\x80", 4, 0},
        {"\xff", 1, 0},
        {"ab\xc3", 3, 2}, /* cut off */
        {"12345678ab\xe2\x82", 12, 10},
        {"12345678ab\xe2(\xa1", 13, 10},
        {"1234567\xff", 8, 7},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t at = 999;
        char *exact = malloc(cases[i].n + 1); /* reading past the end is seen */
        must(exact != NULL);
        memcpy(exact, cases[i].text, cases[i].n);
        int good = str_utf8_valid(exact, cases[i].n, &at);
        if (!is_int(good, cases[i].bad_at < 0) || (!good && !is_int(at, cases[i].bad_at)))
            diag("case %zu", i);
        free(exact);
    }
}

TEST(printable_shows_every_byte_a_terminal_would_obey)
{
    char out[64];

    str_printable("a\x1b[2J\r\n\t\xc2\x9b"
                  "b\xff\xe2\x82\xac",
                  15, out, sizeof out);
    is_str(out, "a\\x1b[2J\\x0d\\x0a\\x09\\xc2\\x9bb\\xff\xe2\x82\xac");
    str_printable("", 0, out, sizeof out);
    is_str(out, "");
    str_printable("csv.\xe2\x80\xae"
                  "gpj",
                  10, out, sizeof out); /* would read "csv.jpg" */
    is_str(out, "csv.\\xe2\\x80\\xaegpj");
}

TEST(plain_characters_are_those_that_are_seen_as_they_are)
{
    static const char *const plain[] = {
        "a", " ", "\xc2\xa0", "\xc3\xa9", "\xd8\xa7", "\xe2\x82\xac", "\xe2\x80\x93", "\xf0\x9f\x98\x80"};
    static const char *const others[] = {"\x1b",         "\x7f",         "\n",           "\xc2\x85",
                                         "\xd8\x9c",     "\xe2\x80\x8e", "\xe2\x80\xa8", "\xe2\x80\xaa",
                                         "\xe2\x81\xa6", "\xe2\x81\xa9", "\xff",         "\xe2\x82",
                                         "\xed\xa0\x80"};

    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        is_int(str_plain_char(plain[i], strlen(plain[i])), strlen(plain[i]));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        is_int(str_plain_char(others[i], strlen(others[i])), 0);
}

TEST(printable_marks_the_cut)
{
    char out[20], text[100];

    memset(text, 'x', sizeof text);
    str_printable(text, sizeof text, out, sizeof out);
    ok(strlen(out) < sizeof out);
    ok(str_ends(out, "x..."));
}

TEST(hex)
{
    char out[9];

    str_hex("\x00\xff\x1a\xb2", 4, out);
    is_str(out, "00ff1ab2");
    str_hex("", 0, out);
    is_str(out, "");
}

TEST(starts_and_ends)
{
    ok(str_starts("yyyy=2022/", "yyyy="));
    ok(!str_starts("yy", "yyyy="));
    ok(str_ends("a.csv.gz", ".csv.gz"));
    ok(!str_ends("gz", ".csv.gz"));
    ok(str_is((struct str){"abc", 2}, "ab"));
    ok(!str_is((struct str){"abc", 3}, "ab"));
}

TEST(thousands_are_parted)
{
    char out[STR_GROUPED];

    is_str(str_grouped(0, out), "0");
    is_str(str_grouped(999, out), "999");
    is_str(str_grouped(-1000, out), "-1,000");
    is_str(str_grouped(-100, out), "-100");
    is_str(str_grouped(1234567, out), "1,234,567");
    is_str(str_grouped(INT64_MIN, out), "-9,223,372,036,854,775,808");
}

TEST(characters_one_by_one)
{
    static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
    const char *p = text, *cut = text + sizeof text - 3, *end = text + sizeof text - 1;

    is_int(str_character(&p, end), 'a');
    is_int(str_character(&p, end), 0xe4);
    is_int(str_character(&p, end), 0x20ac);
    is_int(str_character(&p, cut), 0x1f600 >> 12); /* in the midst of one it stops at the end */
    ok(p == cut);
    p = cut - 2;
    is_int(str_character(&p, end), 0x1f600);
    ok(p == end);
}

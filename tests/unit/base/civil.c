#include "base/civil.h"
#include "tests/tap.h"

TEST(known_days)
{
    is_int(civil_days(1970, 1, 1), 0);
    is_int(civil_days(1969, 12, 31), -1);
    is_int(civil_days(2000, 2, 29), 11016);
    is_int(civil_days(2022, 6, 5), 19148);
    is_int(civil_days(0, 1, 1), -719528);
    is_int(civil_days(9999, 12, 31), 2932896);
    is_int(civil_weekday(civil_days(2022, 6, 5)), 0); /* a Sunday */
    is_int(civil_weekday(-1), 3);                     /* 1969-12-31, a Wednesday */
}

TEST(every_day_of_ten_thousand_years_goes_there_and_back)
{
    int64_t expected = civil_days(0, 1, 1);

    for (int year = 0; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= civil_month_days(year, month); day++, expected++) {
                struct civil c = civil_from_ms(expected * 86400000 + 86399999);
                if (civil_days(year, month, day) != expected || c.year != year || c.month != month ||
                    c.day != day || c.hour != 23 || c.minute != 59 || c.second != 59 || c.ms != 999) {
                    diag("%04d-%02d-%02d", year, month, day);
                    must(false && "the same day");
                }
            }
        }
    }
}

TEST(leap_years)
{
    ok(civil_valid(2000, 2, 29) && civil_valid(2024, 2, 29));
    ok(!civil_valid(1900, 2, 29) && !civil_valid(2023, 2, 29));
    ok(!civil_valid(2022, 0, 1) && !civil_valid(2022, 13, 1) && !civil_valid(2022, 4, 31) &&
       !civil_valid(2022, 1, 0));
}

TEST(rfc3339_is_written)
{
    char out[CIVIL_RFC3339_SIZE];

    is_str(civil_rfc3339(1654430400000, false, out), "2022-06-05T12:00:00Z");
    is_str(civil_rfc3339(1654430400007, true, out), "2022-06-05T12:00:00.007Z");
    is_str(civil_rfc3339(-1, true, out), "1969-12-31T23:59:59.999Z");
}

TEST(rfc3339_is_read)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"2022-06-05T12:00:00Z", 1654430400000},        {"2022-06-05T12:00Z", 1654430400000},
        {"2022-06-05t12:00:00z", 1654430400000},        {"2022-06-05T12:00:00.1Z", 1654430400100},
        {"2022-06-05T12:00:00.123999Z", 1654430400123}, {"2022-06-05T14:30:00+02:30", 1654430400000},
        {"2022-06-04T23:00:00-13:00", 1654430400000},   {"1970-01-01T00:00:00Z", 0},
    };
    static const char *const bad[] = {
        "",
        "2022-06-05",
        "2022-06-05T12:00:00",
        "2022-06-05T12:00:00Zx",
        "2022-06-05T24:00:00Z",
        "2022-06-05T12:60:00Z",
        "2022-02-30T12:00:00Z",
        "2022-13-01T12:00:00Z",
        "22-06-05T12:00:00Z",
        "2022-06-05T12:00:00.Z",
        "2022-06-05T12:00:00+0200",
        "2022-06-05T1:00:00Z",
        "2022-6-5T12:00:00Z",
        "2022-06-05T12:00:00+24:00",
    };
    struct err err;
    int64_t ms;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        must_rc(civil_parse_rfc3339(cases[i].text, &ms, &err), &err);
        is_int(ms, cases[i].want);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        fails(civil_parse_rfc3339(bad[i], &ms, &err), &err, ERR_BAD_VALUE);
}

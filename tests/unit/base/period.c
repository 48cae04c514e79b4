#include "base/period.h"
#include "base/civil.h"
#include "tests/tap.h"
#include <time.h>
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* strftime is asked for each conversion in turn */

static int64_t at(const char *rfc3339)
{
    struct err err;
    int64_t ms = 0;

    must_rc(civil_parse_rfc3339(rfc3339, &ms, &err), &err);
    return ms;
}

static const char *prefix(const char *layout, const char *rfc3339)
{
    static char out[PREFIX_SIZE];
    struct err err;

    must_rc(part_prefix(layout, at(rfc3339), out, &err), &err);
    return out;
}

TEST(a_partition_starts_at_its_hour_or_day)
{
    is_int(period_floor(PERIOD_HOUR, at("2022-06-05T12:59:59Z")), at("2022-06-05T12:00:00Z"));
    is_int(period_floor(PERIOD_DAY, at("2022-06-05T12:59:59Z")), at("2022-06-05T00:00:00Z"));
    is_int(period_floor(PERIOD_HOUR, at("2022-06-05T12:00:00Z")), at("2022-06-05T12:00:00Z"));
    is_int(period_floor(PERIOD_DAY, -1), -86400000);
    is_int(period_ms(PERIOD_DAY), 24 * period_ms(PERIOD_HOUR));
}

TEST(names_read_back_as_the_same_partition)
{
    struct err err;
    char name[PART_SIZE];
    int64_t back = 0;

    for (int64_t h = at("2023-12-30T00:00:00Z"); h < at("2024-03-02T00:00:00Z"); h += 3600000) {
        must_rc(part_parse(PERIOD_HOUR, part_name(PERIOD_HOUR, h, name), &back, &err), &err);
        must(back == h);
    }
    is_str(part_name(PERIOD_HOUR, at("2022-06-05T12:00:00Z"), name), "2022-06-05T12");
    is_str(part_name(PERIOD_DAY, at("2022-06-05T00:00:00Z"), name), "2022-06-05");
    must_rc(part_parse(PERIOD_DAY, "2024-02-29", &back, &err), &err);
    is_int(back, at("2024-02-29T00:00:00Z"));
}

TEST(a_name_of_the_other_form_is_refused_and_told_the_right_one)
{
    struct err err;
    int64_t ms;

    fails(part_parse(PERIOD_HOUR, "2022-06-05", &ms, &err), &err, ERR_BAD_VALUE);
    ok(strstr(err.msg, "such as 2022-06-05T12") != NULL);
    fails(part_parse(PERIOD_DAY, "2022-06-05T12", &ms, &err), &err, ERR_BAD_VALUE);
    ok(strstr(err.msg, "such as 2022-06-05") != NULL);
    const char *const bad[] = {"",
                               "2022-06-05T24",
                               "2022-02-30T00",
                               "2022-6-05T12",
                               "2022-06-05t12",
                               "2022-06-05T1",
                               "2022-06-05T123",
                               " 2022-06-05T12",
                               "2022-13-01T00",
                               "2022-06-05T-1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        fails(part_parse(PERIOD_HOUR, bad[i], &ms, &err), &err, ERR_BAD_VALUE);
}

TEST(the_usual_layouts)
{
    is_str(prefix("yyyy=%Y/mm=%m/dd=%d/hh=%H/", "2022-06-05T12:00:00Z"), "yyyy=2022/mm=06/dd=05/hh=12/");
    is_str(prefix("%Y/%m/%d/%H/", "2022-06-05T02:00:00Z"), "2022/06/05/02/");
    is_str(prefix("%F/", "2022-06-05T02:00:00Z"), "2022-06-05/");
    is_str(prefix("%Y/%-m/%-d/%-H/", "2022-06-05T02:00:00Z"), "2022/6/5/2/");
    is_str(prefix("%b%%%B", "2022-06-05T02:00:00Z"), "Jun%June");
    is_str(prefix("", "2022-06-05T02:00:00Z"), "");
    is_str(prefix("%s", "2022-06-05T12:00:00Z"), "1654430400");
}

/* libc in the C locale is the yardstick for every conversion we offer */
TEST(every_conversion_agrees_with_strftime)
{
    const char *const all[] = {"%Y", "%y", "%C", "%m", "%b", "%h", "%B", "%d", "%e",  "%j",  "%F",  "%D",
                               "%H", "%k", "%I", "%l", "%p", "%P", "%M", "%S", "%R",  "%T",  "%a",  "%A",
                               "%u", "%w", "%G", "%g", "%V", "%U", "%W", "%%", "%-d", "%_d", "%-j", "%0e"};
    char want[64], got[PREFIX_SIZE];
    struct err err;
    struct tm tm;

    for (int64_t day = civil_days(1999, 12, 20); day < civil_days(2033, 1, 10); day += 1) {
        int64_t ms = day * 86400000 + (day % 24) * 3600000;
        time_t t = (time_t)(ms / 1000);
        gmtime_r(&t, &tm);
        for (size_t i = 0; i < ARRAY_LEN(all); i++) {
            must(strftime(want, sizeof want, all[i], &tm) > 0);
            must_rc(part_prefix(all[i], ms, got, &err), &err);
            if (strcmp(got, want) != 0) {
                diag("%s at day %lld", all[i], (long long)day);
                is_str(got, want);
                tap_leave();
            }
        }
    }
}

TEST(what_strftime_does_not_know_is_refused_by_place)
{
    struct err err;
    char out[PREFIX_SIZE];

    fails(part_prefix("%Y/%Q/", 0, out, &err), &err, ERR_CONFIG);
    ok(strstr(err.msg, "column 4") != NULL && strstr(err.msg, "'%Q'") != NULL);
    fails(layout_check("%Y/%m/%d/%", PERIOD_DAY, &err), &err, ERR_CONFIG);
    fails(layout_check("%Y-%", PERIOD_DAY, &err), &err, ERR_CONFIG);
    char long_layout[700];
    memset(long_layout, 'x', sizeof long_layout);
    memcpy(long_layout + sizeof long_layout - 9, "%Y%m%d%H", 9);
    fails(layout_check(long_layout, PERIOD_HOUR, &err), &err, ERR_CONFIG);
}

TEST(layouts_that_tell_every_partition_apart_are_taken)
{
    struct err err;
    const char *const hour[] = {"yyyy=%Y/mm=%m/dd=%d/hh=%H/",
                                "%Y/%m/%d/%H/",
                                "%Y%m%d%H",
                                "%Y/%j/%H/",
                                "%Y/%-m/%-d/%-H/",
                                "%Y/%B/%d/%I%p/",
                                "%s/",
                                "%F/%H/",
                                "dt=%Y-%m-%d-%H/",
                                "%G/%V/%u/%H/",
                                "%Y/%b/%e/%k/"};
    const char *const day[] = {"%Y-%m-%d/",  "%F",          "%Y/%j/",
                               "%G-W%V-%u/", "%Y/%-m/%-d/", "year=%Y/month=%m/day=%d/"};

    for (size_t i = 0; i < ARRAY_LEN(hour); i++)
        must_rc(layout_check(hour[i], PERIOD_HOUR, &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(day); i++)
        must_rc(layout_check(day[i], PERIOD_DAY, &err), &err);
}

TEST(a_layout_that_mixes_partitions_is_refused_with_the_remedy)
{
    struct err err;
    static const struct {
        const char *layout;
        enum period p;
        const char *hint;
    } bad[] = {
        {"%Y-%m-%d/", PERIOD_HOUR, "%H"}, /* twenty-four hours in one folder */
        {"", PERIOD_DAY, "%Y %m %d"},
        {"%m/%d/%H/", PERIOD_HOUR, "%Y"}, /* next year's files in last year's folder */
        {"%Y/%m/", PERIOD_DAY, "%d"},
        {"%Y/%d/%H/", PERIOD_HOUR, "%m"},
        {"%Y/%m/%d/%I/", PERIOD_HOUR, "%H"},   /* 03 in the morning and in the afternoon */
        {"%Y/%-m/%-d", PERIOD_DAY, "'/'"},     /* 2022/1/1 begins 2022/1/11 */
        {"%Y%-m%-d/", PERIOD_DAY, "%Y %m %d"}, /* 2022111 twice */
        {"%G/%m/%d/", PERIOD_DAY, "%Y"},       /* week year: wrong only around New Year, some years */
        {"%Y/%m/%d/%H%M/", PERIOD_HOUR, "%m"}, /* only minute 00 would be read */
        {"%Y/%M/%d/%H/", PERIOD_HOUR, "%m"},   /* minutes where the month is meant */
        {"%Y/%m/%d/%H/", PERIOD_DAY, "hour"},  /* hours 01 to 23 would never be read */
        {"%y/%m/%d/", PERIOD_DAY, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int rc = layout_check(bad[i].layout, bad[i].p, &err);
        if (bad[i].hint == NULL) {
            is_int(rc, 0); /* two digits are enough for the years there are */
            continue;
        }
        fails(rc, &err, ERR_CONFIG);
        if (!ok(strstr(err.hint, bad[i].hint) != NULL))
            diag("%s: %s (hint: %s)", bad[i].layout, err.msg, err.hint);
    }
}

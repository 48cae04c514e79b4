#include "cron/lint.h"
#include "base/civil.h"
#include "tests/tap.h"

static const struct cron_warnings *lint(const char *text, const char *zone_name)
{
    static struct cron_warnings w;
    const struct cron_zone *zone;
    struct err err;
    int64_t now = 0;

    must_rc(civil_parse_rfc3339("2026-11-20T00:00:00Z", &now, &err), &err);
    must_rc(cron_zone_find(zone_name, &zone, &err), &err);
    must_rc(cron_lint(text, zone, now, &w, &err), &err);
    return &w;
}

TEST(what_few_expect_is_said)
{
    static const struct {
        const char *text, *zone, *field, *says;
        int column;
    } known[] = {
        {"*/7 * * * *", "UTC", "minute", "after 56 comes 0 of the next hour, 4 minutes on", 1},
        {"0 */5 * * *", "UTC", "hour", "after 20 comes 0 of the next day, 4 hours on", 3},
        {"0 0 * */5 *", "UTC", "month", "after 11 comes 1 of the next year, 2 months on", 7},
        {"cron(3/25 * * * ? *)", "UTC", "minutes", "after 53 comes 3 of the next hour, 10 minutes on", 6},
        {"0 0 */2 * *", "UTC", "day of month", "begin anew on day 1 of each month", 5},
        {"*/100 * * * *", "UTC", "minute", "the step 100 leads past 59: only 0 is left", 1},
        {"cron(55/10 * * * ? *)", "UTC", "minutes", "the step 10 leads past 59: only 55 is left", 6},
        {"cron(0/60 * * * ? *)", "UTC", "minutes", "only 0 is left; Quartz refuses it, unverified on AWS", 6},
        {"cron(0/0 * * * ? *)", "UTC", "minutes", "a step of 0 is no step: only 0", 6},
        {"0 0 13 * 5", "UTC", "day of week", "match either, not both", 10},
        {"0 0 1-31 * 5", "UTC", "day of week", "that is every day", 12},
        {"0 0 */100,1-7 * MON", "UTC", "day of month", "days that match both", 5},
        {"0 0 31 * *", "UTC", "day of month", "not in February, April, June, September, November", 5},
        {"0 0 29 2 *", "UTC", "day of month", "February but in leap years", 5},
        {"cron(0 0 31W * ? *)", "UTC", "day of month", "not in February", 10},
        {"cron(0 0 ? * 3#5 *)", "UTC", "day of week", "five times", 14},
        {"cron(0 0 ? * L *)", "UTC", "day of week", "unverified on AWS", 14},
        {"cron(0 0 LW * ? *)", "UTC", "day of month", "unverified on AWS", 10},
        {"cron(0 0 L-3 * ? *)", "UTC", "day of month", "unverified on AWS", 10},
        {"cron(0 0 1,15,L * ? *)", "UTC", "day of month", "unverified on AWS", 15},
        {"cron(0 0 L * ? *)", "UTC", "", "", 0},
        {"cron(0 0 ? * 1/2 *)", "UTC", "day of week", "no '/' for day of week", 14},
        {"cron(0  0 ? * 2 *)", "UTC", "", "column 7: more blanks", 7},
        {"cron( 0 0 ? * 2 *)", "UTC", "", "column 6: more blanks", 6},
        {"cron(0 0 ? * 2 * )", "UTC", "", "column 17: more blanks", 17},
        {"cron(0 0\t? * 2 *)", "UTC", "", "column 9: more blanks", 9},
        {"cron(0 0 ? * FRIL *)", "UTC", "day of week", "unverified on AWS", 14},
        {"0 0 30 2 *", "UTC", "", "never fires", 1},
        {"cron(30 2 ? 3 1L *)", "Europe/Berlin", "",
         "never fires: whenever it matches, the clocks of Europe/Berlin leave that time out", 1},
        {"cron(0 0 1 1 ? 2020)", "UTC", "", "never fires again: the last time was 2020-01-01", 1},
        {"* 5 * * *", "UTC", "minute", "every minute of those hours", 1},
        {"*,5 * * * *", "UTC", "minute", "leaves nothing", 1},
        {"30 2 * * *", "Europe/Berlin", "hour",
         "2027-03-28T02:30 does not exist in Europe/Berlin: run at 2027-03-28T03:00", 4},
        {"30 2 * * *", "Europe/Berlin", "hour",
         "2027-10-31T02:30 comes twice in Europe/Berlin: run the first time only", 4},
        {"cron(30 2 * * ? *)", "America/New_York", "hours",
         "2027-03-14T02:30 does not exist in America/New_York: left out", 9},
        {"*/10 2 * * *", "Europe/Berlin", "hour", "comes twice in Europe/Berlin: run both times", 6},
        {"rate(1 day)", "Europe/Berlin", "", "knows no time zone", 1},
        {"@monthly", "America/Havana", "", "", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        const struct cron_warnings *w = lint(known[i].text, known[i].zone);
        bool found = known[i].column == 0 && w->count == 0;
        for (size_t k = 0; k < w->count; k++)
            found = found ||
                    (strstr(w->items[k].text, known[i].says) != NULL && known[i].column > 0 &&
                     strcmp(w->items[k].field, known[i].field) == 0 && w->items[k].column == known[i].column);
        if (!ok(found))
            diag("%s: %zu warnings, the first: %s, column %d: %s", known[i].text, w->count, w->items[0].field,
                 w->items[0].column, w->items[0].text);
    }
}

TEST(what_does_what_it_looks_like_is_left_alone)
{
    static const char *const clean[] = {"*/5 * * * *",
                                        "0 * * * *",
                                        "@daily",
                                        "30 2 1 * *",
                                        "0 9-17 * * 1-5",
                                        "0 0,12 1,15 * *",
                                        "5-59/15 * * * *",
                                        "0 0 * * 0-6/2",
                                        "rate(5 minutes)",
                                        "cron(0/15 * * * ? *)",
                                        "cron(0 18 ? * MON-FRI *)",
                                        "cron(0/30 20-2 ? * MON-FRI *)",
                                        "cron(15 10 ? * 6L 2022-2199)",
                                        "cron(0 9 ? * 3#2 *)",
                                        "cron(0 9 3W * ? *)",
                                        "cron(0 12 L * ? *)",
                                        "cron(1/10 * * * ? *)"};

    for (size_t i = 0; i < ARRAY_LEN(clean); i++) {
        const struct cron_warnings *w = lint(clean[i], "UTC");
        if (!is_int(w->count, 0))
            diag("%s: %s", clean[i], w->items[0].text);
    }
    is_int(lint("*/5 * * * *", "Europe/Berlin")->count, 0);
    is_int(lint("0 12 * * *", "Europe/Berlin")->count, 0);
}

TEST(warnings_have_a_maximum)
{
    char text[600] = "";

    for (int i = 0; i < 60; i++)
        strncat(text, i > 0 ? ",*/7" : "*/7", 5);
    strncat(text, " * * * *", 10);
    is_int(lint(text, "UTC")->count, CRON_MAX_WARNINGS);
}

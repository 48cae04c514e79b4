#include "cron/explain.h"
#include "tests/tap.h"

TEST(expressions_in_words)
{
    static const struct {
        const char *text, *zone, *words;
    } known[] = {
        {"rate(1 minute)", "UTC", "Every minute, counted from when the schedule was first seen."},
        {"rate(5 minutes)", "UTC", "Every 5 minutes, counted from when the schedule was first seen."},
        {"rate(2 days)", "UTC", "Every 2 days of 24 hours, counted from when the schedule was first seen."},
        {"* * * * *", "UTC", "Every minute, every day, UTC."},
        {"*/5 * * * *", "UTC", "Every 5 minutes from minute 0, every day, UTC."},
        {"cron(1/10 * * * ? *)", "UTC", "Every 10 minutes from minute 1, every day, UTC."},
        {"@hourly", "UTC", "At minute 0 of every hour, every day, UTC."},
        {"0 */2 * * *", "UTC", "At minute 0, in every 2nd hour from 00:00, every day, UTC."},
        {"30 2 * * *", "Europe/Berlin", "At 02:30, every day, Europe/Berlin time."},
        {"0,30 8-17 * * MON-FRI", "UTC",
         "At minutes 0 and 30, from 08:00 to 17:59, from Monday to Friday, UTC."},
        {"cron(0/30 20-2 ? * MON-FRI *)", "UTC",
         "Every 30 minutes from minute 0, from 20:00 to 23:59 and from 00:00 to 02:59, from Monday to "
         "Friday, UTC."},
        {"*/100 * * * *", "UTC", "At minute 0 of every hour, every day, UTC."},
        {"0 0 13 * 5", "UTC", "At 00:00, on day 13 of the month, and also on Friday, UTC."},
        {"0 0 */2 * MON", "UTC",
         "At 00:00, on every 2nd day of the month from day 1, where that falls on Monday, UTC."},
        {"0 0 1-31 * 1", "UTC", "At 00:00, every day, UTC."},
        {"0 0 * * 7,0", "UTC", "At 00:00, on Sunday, UTC."},
        {"0 0 1 1,4,7,10 *", "UTC",
         "At 00:00, on day 1 of the month, in January, April, July and October, UTC."},
        {"0 0 1 */3 *", "UTC", "At 00:00, on day 1 of the month, in every 3rd month from January, UTC."},
        {"cron(0 12 L * ? *)", "UTC", "At 12:00, on the last day of the month, UTC."},
        {"cron(0 12 15,L * ? *)", "UTC", "At 12:00, on day 15 and on the last day of the month, UTC."},
        {"cron(0 12 LW,1-2 * ? *)", "UTC",
         "At 12:00, on days 1 and 2 and on the last working day (Monday to Friday) of the month, UTC."},
        {"cron(0 0 1 1 ? 2027/1)", "UTC",
         "At 00:00, on day 1 of the month, in January, from 2027 to 2199, UTC."},
        {"cron(0 12 L-1 * ? *)", "UTC",
         "At 12:00, on the day that is 1 day before the last day of the month, UTC."},
        {"cron(0 12 LW * ? *)", "UTC",
         "At 12:00, on the last working day (Monday to Friday) of the month, UTC."},
        {"cron(0 9 3W * ? *)", "UTC",
         "At 09:00, on the working day (Monday to Friday) nearest to day 3 of the month, UTC."},
        {"cron(0 9 ? * 3#2 *)", "UTC", "At 09:00, on the 2nd Tuesday of the month, UTC."},
        {"cron(0 9 ? * 6L 2026-2030)", "UTC",
         "At 09:00, on the last Friday of the month, from 2026 to 2030, UTC."},
        {"cron(0 9 ? * L *)", "UTC", "At 09:00, on Saturday, UTC."},
        {"cron(0 9 ? * 2,4 2030/2)", "UTC",
         "At 09:00, on Monday and Wednesday, in every 2nd year from 2030, UTC."},
        {"cron(7/20,3 1/11 * * ? *)", "UTC",
         "At minutes 3, 7, 27 and 47, in every 11th hour from 01:00, every day, UTC."},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct buf words = BUF_INIT(1000);
        const struct cron_zone *zone;
        struct err err;
        must_rc(cron_zone_find(known[i].zone, &zone, &err), &err);
        must_rc(cron_explain(known[i].text, zone, &words, &err), &err);
        is_str(words.p, known[i].words);
        buf_release(&words);
    }
}

TEST(what_is_no_expression_has_no_words)
{
    struct buf words = BUF_INIT(1000);
    struct err err;

    fails(cron_explain("every day", NULL, &words, &err), &err, ERR_CONFIG);
    buf_release(&words);
}

#include "cron/read_int.h"
#include "tests/tap.h"

TEST(what_aws_refuses_as_a_rate_is_refused)
{
    const char *const bad[] = {"rate(10 seconds)",
                               "rate(1 minutes)",
                               "rate(10 minute)",
                               "rate(0 minutes)",
                               "rate(-10 minutes)",
                               "rate()",
                               "rate(10)",
                               "rate(10 minutess)",
                               "rate(10 MINUTES)",
                               "rate( 10 minutes )",
                               " rate(10 minutes)",
                               "rate(10 minutes) ",
                               "rate(100000000 days)",
                               "rate(1 hour",
                               "rate(+1 hour)"};
    struct cronexpr c;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        fails(cronexpr_parse(bad[i], &c, &err), &err, ERR_CONFIG);
}

TEST(refusals_name_field_and_column)
{
    static const struct {
        const char *text, *field, *column;
    } bad[] = {
        {"cron(60 * * * ? *)", "minutes", "column 6"},
        {"cron(0 24 * * ? *)", "hours", "column 8"},
        {"cron(0 1 * * * *)", "exactly one", "column 14"},
        {"cron(0 1 ? * ? *)", "exactly one", "column 14"},
        {"cron(0 1 3 * 2 *)", "exactly one", "column 14"},
        {"cron(0 1 1 * ? 2200)", "year", "column 16"},
        {"cron(0 1 1 * ? 2030-2020)", "year", "column 16"},
        {"cron(0 1 1 * ?)", "year", "column 15"},
        {"cron(0 1 1 * ? * *)", "sixth field", "column 18"},
        {"cron(0 1 1 * ? *", "')'", "column 17"},
        {"cron(0 L 1 * ? *)", "hours", "column 8"},
        {"cron(0 1 L,3,L-3 * ? *)", "one L at most", "column 14"},
        {"cron(0 1 L,3W * ? *)", "stand alone", "column 12"},
        {"cron(0 1 3W,L * ? *)", "stand alone", "column 10"},
        {"cron(0 1 1-L * ? *)", "'L' belongs", "column 12"},
        {"cron(0 1 ? * L,2 *)", "stand alone", "column 14"},
        {"cron(0 1 1W,15W * ? *)", "stand alone", "column 10"},
        {"cron(0 1 1-5W * ? *)", "'W' belongs to day of month", "column 13"},
        {"cron(0 1 32W * ? *)", "outside 1 to 31", "column 10"},
        {"cron(0 1 L-31 * ? *)", "outside 1 to 30", "column 12"},
        {"cron(0 1 ? * 3W *)", "'W' belongs to day of month", "column 15"},
        {"cron(0 1 ? * 3#6 *)", "outside 1 to 5", "column 16"},
        {"cron(0 1 ? * 3#0 *)", "outside 1 to 5", "column 16"},
        {"cron(0 1 ? * 3#1,6#3 *)", "stand alone", "column 14"},
        {"cron(0 1 ? * 2,6L *)", "stand alone", "column 16"},
        {"cron(0 1 ? * 8L *)", "outside 1 to 7", "column 14"},
        {"cron(0 1 ? L * *)", "month", "column 12"},
        {"cron(0 1 ? * FRIDAY *)", "names are as MON", "column 14"},
        {"cron(0 1 3W/2 * ? *)", "not expected", "column 12"},
        {"at(2026-01-01T00:00:00)", "one moment", "column 1"},
        {"cron(*/0 1 ? * 3 *)", "step", "column 8"},
        {"cron(0-5/0 1 ? * 3 *)", "step", "column 10"},
        {"0-5/0 * * * *", "step", "column 5"},
        {"cron(? 1 ? * 3 *)", "minutes", "column 6"},
        {"cron(1,,2 1 ? * 3 *)", "minutes", "column 8"},
        {"cron(1,2, 1 ? * 3 *)", "minutes", "column 10"},
        {"cron(+1 1 ? * 3 *)", "minutes", "column 6"},
        {"cron(0 1 1 FOO ? *)", "month", "column 12"},
        {"cron(0 1 ? * 0 *)", "day of week", "column 14"},
        {"0/15 * * * *", "minute", "column 2"},
        {"5/15 * * * *", "minute", "column 2"},
        {"*/0 * * * *", "step", "column 3"},
        {"? * * * *", "'?' is EventBridge's", "column 1"},
        {"0 0 * * FRI-MON", "backwards", "column 9"},
        {"0 22-2 * * *", "backwards", "column 3"},
        {"0 0 * * 1#2 cmd", "'#2 cmd' as a command", "column 10"},
        {"0 0 L * *", "EventBridge's", "column 5"},
        {"0 0 * * 5L", "EventBridge's", "column 10"},
        {"*/5 * * * * orch tick", "'orch tick' as a command", "column 13"},
        {"@daily cmd", "'cmd' as a command", "column 8"},
        {"@DAILY", "the names are", "column 1"},
        {"0 0 1 1 * 2026", "five fields", "column 11"},
        {"0 0 1 1", "day of week", "column 8"},
        {"0 0 0 1 *", "day of month", "column 5"},
        {"0 0 1 13 *", "month", "column 7"},
        {"0 0 1 1 8", "day of week", "column 9"},
        {"1-2-3 * * * *", "minute", "column 4"},
        {"00061 * * * *", "minute", "column 1"},
        {"@reboot", "@reboot", ""},
        {"@fortnightly", "@hourly", ""},
        {"", "minute", "column 1"},
    };
    struct cronexpr c;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        fails(cronexpr_parse(bad[i].text, &c, &err), &err, ERR_CONFIG);
        if (!ok(strstr(err.msg, bad[i].field) != NULL) || !ok(strstr(err.msg, bad[i].column) != NULL))
            diag("%s: %s", bad[i].text, err.msg);
    }
}

TEST(items_are_kept_as_they_are_written)
{
    struct cron_text t;
    struct err err;

    must_rc(cron_read("cron(5,10-20/2 */4 L-3W JAN ? 2030/2)", &t, &err), &err);
    is_int(t.first[FIELD_HOUR] - t.first[FIELD_MINUTE], 2);
    is_int(t.items[1].kind, ITEM_RANGE);
    is_int(t.items[1].step, 2);
    is_int(t.items[1].column, 8);
    is_int(t.items[2].kind, ITEM_STAR);
    ok(t.star[FIELD_HOUR] && !t.star[FIELD_MINUTE]);
    is_int(t.items[3].kind, ITEM_LAST);
    is_int(t.items[3].n, 3);
    ok(t.items[3].near);
    ok(t.items[4].named);
    is_int(t.items[5].kind, ITEM_QUERY);
    is_int(t.items[6].kind, ITEM_FROM);
    is_int(t.items[6].to, 2199);
}

TEST(a_text_of_any_length_is_read_or_refused)
{
    char text[2000] = "";
    struct cron_text t;
    struct err err;

    for (int i = 0; i < 992; i += 2)
        memcpy(text + i, "1,", 3);
    strncat(text, "1 * * * *", 20);
    ok(cron_read(text, &t, &err) < 0); /* one byte too long */
    must_rc(cron_read(text + 4, &t, &err), &err);
    is_int(t.first[FIELD_HOUR], 495);
    memset(text, '9', sizeof text - 1);
    fails(cron_read(text, &t, &err), &err, ERR_CONFIG);
}

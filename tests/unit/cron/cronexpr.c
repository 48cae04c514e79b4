#include "cron/cronexpr.h"
#include "base/buf.h"
#include "base/civil.h"
#include "tests/tap.h"

enum { MINUTE = 60000 };

static int64_t at(const char *rfc3339)
{
    struct err err;
    int64_t ms = 0;

    must_rc(civil_parse_rfc3339(rfc3339, &ms, &err), &err);
    return ms;
}

static struct cronexpr parsed(const char *text)
{
    struct cronexpr c;
    struct err err;

    must_rc(cronexpr_parse(text, &c, &err), &err);
    return c;
}

static const char *next(const char *text, const char *after)
{
    static char out[CIVIL_RFC3339_SIZE];
    struct cronexpr c = parsed(text);
    int64_t ms;

    return cronexpr_next(&c, NULL, 0, at(after), &ms) == 1 ? civil_rfc3339(ms, false, out) : "never";
}

static const char *prev(const char *text, const char *when)
{
    static char out[CIVIL_RFC3339_SIZE];
    struct cronexpr c = parsed(text);
    int64_t ms;

    return cronexpr_prev(&c, NULL, 0, at(when), &ms) == 1 ? civil_rfc3339(ms, false, out) : "never";
}

TEST(every_five_minutes)
{
    is_str(next("cron(0/5 * * * ? *)", "2022-06-05T12:00:00Z"), "2022-06-05T12:05:00Z");
    is_str(next("*/5 * * * *", "2022-06-05T12:04:59Z"), "2022-06-05T12:05:00Z");
    is_str(next("*/5 * * * *", "2022-12-31T23:59:00Z"), "2023-01-01T00:00:00Z");
    is_str(prev("*/5 * * * *", "2022-06-05T12:05:00Z"), "2022-06-05T12:05:00Z");
    is_str(prev("*/5 * * * *", "2022-06-05T12:04:59Z"), "2022-06-05T12:00:00Z");
}

TEST(eventbridge_counts_days_of_the_week_from_sunday_1)
{
    /* 2022-06-05 is a Sunday */
    is_str(next("cron(0 0 ? * 1 *)", "2022-06-04T12:00:00Z"), "2022-06-05T00:00:00Z");
    is_str(next("cron(0 0 ? * MON *)", "2022-06-04T12:00:00Z"), "2022-06-06T00:00:00Z");
    is_str(next("cron(0 0 ? * 2-6 *)", "2022-06-04T12:00:00Z"), "2022-06-06T00:00:00Z");
    is_str(next("cron(0 0 ? * FRI-MON *)", "2022-06-06T12:00:00Z"), "2022-06-10T00:00:00Z");
    is_str(next("0 0 * * 1", "2022-06-04T12:00:00Z"), "2022-06-06T00:00:00Z");
    is_str(next("0 0 * * 7", "2022-06-04T12:00:00Z"), "2022-06-05T00:00:00Z");
    is_str(next("0 0 * * 5-7", "2022-06-04T12:00:00Z"), "2022-06-05T00:00:00Z");
}

TEST(eventbridge_ranges_wrap_around_and_steps_start_anywhere)
{
    is_str(next("cron(0/30 20-2 ? * MON-FRI *)", "2022-06-06T02:30:00Z"), "2022-06-06T20:00:00Z");
    is_str(next("cron(0/30 20-2 ? * MON-FRI *)", "2022-06-06T23:59:00Z"), "2022-06-07T00:00:00Z");
    is_str(next("cron(1/10 * * * ? *)", "2022-06-06T02:51:00Z"), "2022-06-06T03:01:00Z");
    is_str(next("cron(0 12 1 NOV-feb ? *)", "2022-03-01T00:00:00Z"), "2022-11-01T12:00:00Z");
    is_str(next("cron(0 12 1 1 ? 2030/5)", "2022-03-01T00:00:00Z"), "2030-01-01T12:00:00Z");
}

TEST(crontab_days_are_either_unless_a_field_starts_with_a_star)
{
    is_str(next("0 0 13 * 5", "2022-06-05T00:00:00Z"), "2022-06-10T00:00:00Z"); /* a Friday */
    is_str(next("0 0 13 * 5", "2022-06-10T00:00:00Z"), "2022-06-13T00:00:00Z"); /* the 13th, a Monday */
    /* first Monday of a month, by the quirk */
    is_str(next("0 0 */100,1-7 * MON", "2022-06-05T00:00:00Z"), "2022-06-06T00:00:00Z");
    is_str(next("0 0 */100,1-7 * MON", "2022-06-06T00:00:00Z"), "2022-07-04T00:00:00Z");
    is_str(next("*/100 * * * *", "2022-06-06T00:00:00Z"), "2022-06-06T01:00:00Z");
    is_str(next("0 0 * jan-mar mon,wed", "2022-06-06T00:00:00Z"), "2023-01-02T00:00:00Z");
    is_str(next("@weekly", "2022-06-06T00:00:00Z"), "2022-06-12T00:00:00Z");
}

TEST(rare_and_impossible_days)
{
    is_str(next("0 0 29 2 *", "2022-06-06T00:00:00Z"), "2024-02-29T00:00:00Z");
    is_str(next("cron(0 0 29 2 ? *)", "2096-03-01T00:00:00Z"), "2104-02-29T00:00:00Z");
    is_str(next("0 0 30 2 *", "2022-06-06T00:00:00Z"), "never");
    is_str(prev("0 0 30 2 *", "2022-06-06T00:00:00Z"), "never");
    is_str(next("cron(0 0 1 1 ? 2020)", "2022-06-06T00:00:00Z"), "never");
    is_str(prev("cron(0 0 1 1 ? 2020)", "2022-06-06T00:00:00Z"), "2020-01-01T00:00:00Z");
    is_str(next("cron(* * * * ? *)", "2199-12-31T23:59:00Z"), "never");
    is_str(prev("cron(* * * * ? *)", "1960-01-01T00:00:00Z"), "never");
    is_str(next("cron(* * * * ? *)", "1960-01-01T00:00:00Z"), "1970-01-01T00:00:00Z");
}

TEST(a_rate_keeps_the_phase_of_its_anchor)
{
    struct cronexpr c = parsed("rate(7 minutes)");
    int64_t anchor = at("2022-06-05T12:03:20Z"), ms = 0;

    is_int(cronexpr_next(&c, NULL, anchor, anchor - 1, &ms), 1);
    is_int(ms, anchor);
    is_int(cronexpr_next(&c, NULL, anchor, anchor, &ms), 1);
    is_int(ms, anchor + 7 * MINUTE);
    is_int(cronexpr_next(&c, NULL, anchor, anchor + 14 * MINUTE - 1, &ms), 1);
    is_int(ms, anchor + 14 * MINUTE);
    is_int(cronexpr_prev(&c, NULL, anchor, anchor + 14 * MINUTE - 1, &ms), 1);
    is_int(ms, anchor + 7 * MINUTE);
    is_int(cronexpr_prev(&c, NULL, anchor, anchor - 1, &ms), 0);
    is_int(cronexpr_next(&c, NULL, anchor, INT64_MAX - 1, &ms), 0);
    c = parsed("rate(1 day)");
    is_int(c.rate_ms, 86400000);
}

TEST(what_aws_refuses_as_a_rate_is_refused)
{
    const char *const bad[] = {"rate(10 seconds)",   "rate(1 minutes)",   "rate(10 minute)",
                               "rate(0 minutes)",    "rate(-10 minutes)", "rate()",
                               "rate(10)",           "rate(10 minutess)", "rate(10 MINUTES)",
                               "rate( 10 minutes )", " rate(10 minutes)", "rate(10 minutes) ",
                               "rate(999999 days)",  "rate(1 hour",       "rate(+1 hour)"};
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
        {"cron(0 1 L,3 * ? *)", "stand alone", "column 10"},
        {"cron(0 1 1,L * ? *)", "stand alone", "column 12"},
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
        {"cron(0/0 1 ? * 3 *)", "step", "column 8"},
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

/* --- property: against a minute-by-minute reading of the sets that the text was made from --- */

static uint64_t seed = 20220605;
static unsigned draw(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

struct model {
    bool has[6][2200]; /* by value */
    bool star[6], eventbridge;
};

static void item(struct model *m, int f, int min, int max, struct buf *text)
{
    struct err err;
    int span = max - min + 1, a = min + (int)draw((unsigned)span), b = min + (int)draw((unsigned)span);
    int step = 1 + (int)draw(9), rc = 0;

    if ((!m->eventbridge || max > 2000) && a > b) { /* only EventBridge wraps, and no years */
        int t = a;
        a = b;
        b = t;
    }
    int from = a, to = a;
    switch (draw(5)) {
    case 0:
        rc = buf_addf(text, &err, "%d", a);
        break;
    case 1:
        rc = buf_addf(text, &err, "%d-%d", a, b);
        to = b;
        step = 1;
        break;
    case 2:
        rc = buf_addf(text, &err, "%d-%d/%d", a, b, step);
        to = b;
        break;
    case 3:
        rc = buf_addf(text, &err, "*/%d", step);
        from = min;
        to = max;
        break;
    default:
        if (!m->eventbridge) {
            rc = buf_addf(text, &err, "%02d", a);
            break;
        }
        rc = buf_addf(text, &err, "%d/%d", a, step);
        to = max;
    }
    must_rc(rc, &err);
    int length = from <= to ? to - from : to - from + span;
    for (int k = 0; k <= length; k++)
        if (k % step == 0)
            m->has[f][min + (from - min + k) % span] = true;
}

static void make(struct model *m, struct buf *text)
{
    static const int range[2][6][2] = {{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}, {0, 0}},
                                       {{0, 59}, {0, 23}, {1, 31}, {1, 12}, {1, 7}, {1970, 2199}}};
    struct err err;
    int query = draw(2) ? 2 : 4;

    memset(m, 0, sizeof *m);
    m->eventbridge = draw(2) == 1;
    buf_clear(text);
    must_rc(buf_adds(text, m->eventbridge ? "cron(" : "", &err), &err);
    for (int f = 0; f < (m->eventbridge ? 6 : 5); f++) {
        int min = range[m->eventbridge][f][0], max = range[m->eventbridge][f][1];
        size_t start;
        must_rc(buf_adds(text, f > 0 ? " " : "", &err), &err);
        start = text->n;
        if (m->eventbridge && f == query) {
            must_rc(buf_adds(text, "?", &err), &err);
            memset(m->has[f], true, sizeof m->has[f]);
        } else if (draw(5) < 2 || f == 5) {
            must_rc(buf_adds(text, "*", &err), &err);
            memset(m->has[f], true, sizeof m->has[f]);
        } else {
            int items = 1 + (int)draw(3);
            for (int i = 0; i < items; i++) {
                must_rc(buf_adds(text, i > 0 ? "," : "", &err), &err);
                item(m, f, min, max, text);
            }
        }
        m->star[f] = text->p[start] == '*';
    }
    must_rc(buf_adds(text, m->eventbridge ? ")" : "", &err), &err);
}

static bool fires(const struct model *m, int64_t ms)
{
    struct civil c = civil_from_ms(ms);
    int w = civil_weekday(ms / 86400000);
    bool dom = m->has[2][c.day];
    bool dow = m->eventbridge ? m->has[4][w + 1] : m->has[4][w] || (w == 0 && m->has[4][7]);
    bool day = !m->eventbridge && !m->star[2] && !m->star[4] ? dom || dow : dom && dow;

    return day && m->has[0][c.minute] && m->has[1][c.hour] && m->has[3][c.month];
}

TEST(next_and_prev_agree_with_reading_every_minute)
{
    static struct model m;
    struct buf text = BUF_INIT(4096);
    struct cronexpr c;
    struct err err;
    enum { DAYS = 40 };

    for (int round = 0; round < 300; round++) {
        make(&m, &text);
        must_rc(cronexpr_parse(text.p, &c, &err), &err);
        int64_t start = (int64_t)(draw(365 * 60)) * 86400000 + (int64_t)draw(1440) * MINUTE;
        int64_t last = start - 1, ms = 0;
        bool known = false;
        for (int64_t t = start; t < start + (int64_t)DAYS * 86400000; t += MINUTE) {
            bool fire = fires(&m, t);
            if (fire && (cronexpr_next(&c, NULL, 0, last, &ms) != 1 || ms != t)) {
                diag("%s: next after %lld gives %lld, not %lld", text.p, (long long)last, (long long)ms,
                     (long long)t);
                must(false && "next agrees");
            }
            if (fire) {
                last = t;
                known = true;
            }
            if (known && draw(50) == 0 &&
                (cronexpr_prev(&c, NULL, 0, t + (int64_t)draw(MINUTE), &ms) != 1 || ms != last)) {
                diag("%s: prev at %lld gives %lld, not %lld", text.p, (long long)t, (long long)ms,
                     (long long)last);
                must(false && "prev agrees");
            }
        }
        if (!known && cronexpr_next(&c, NULL, 0, start - 1, &ms) == 1)
            must(ms >= start + (int64_t)DAYS * 86400000);
    }
    buf_release(&text);
}

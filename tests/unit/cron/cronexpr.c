#include "cron/cronexpr.h"
#include "base/buf.h"
#include "base/civil.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
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
    is_str(next("cron(5/0 * * * ? *)", "2022-06-06T00:00:00Z"), "2022-06-06T00:05:00Z");
    is_str(next("cron(5/0 * * * ? *)", "2022-06-06T00:05:00Z"), "2022-06-06T01:05:00Z");
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
    c = parsed("rate(525600 minutes)");
    is_int(cronexpr_next(&c, NULL, anchor, at("2198-12-31T00:00:00Z"), &ms), 1);
    is_int(cronexpr_next(&c, NULL, anchor, at("2199-12-31T00:00:00Z"), &ms), 0);
    c = parsed("rate(1 day)");
    is_int(c.rate_ms, 86400000);
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

/* --- the table: tests/cron/cases.txt, or another one of its form in ORCH_CRON_CASES --- */

struct row {
    char *expression, *zone, *after, *times;
};

/* Cuts a line in place. */
static bool cut(char *line, struct row *r)
{
    char **part[] = {&r->expression, &r->zone, &r->after, &r->times};

    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        char *bar = strstr(line, " | ");
        *part[i] = line;
        if ((bar == NULL) != (i + 1 == ARRAY_LEN(part)))
            return false;
        if (bar != NULL) {
            *bar = '\0';
            line = bar + 3;
        }
    }
    return line[0] != '#';
}

/* Each time is next's after the one before, and prev finds the way back. */
static bool agrees(const struct row *r)
{
    struct cronexpr c = parsed(r->expression);
    const struct cron_zone *zone;
    struct err err;
    int64_t last = at(r->after), ms = 0;
    bool first = true;

    must_rc(cron_zone_find(r->zone, &zone, &err), &err);
    for (char *word = r->times, *end; word != NULL && *word != '\0'; word = end) {
        end = strchr(word, ' ');
        if (end != NULL)
            *end++ = '\0';
        if (strcmp(word, "never") == 0)
            return cronexpr_next(&c, zone, 0, last, &ms) == 0;
        int64_t want = at(word);
        if (cronexpr_next(&c, zone, 0, last, &ms) != 1 || ms != want ||
            cronexpr_next(&c, zone, 0, want - 1, &ms) != 1 || ms != want)
            return false;
        if (cronexpr_prev(&c, zone, 0, want, &ms) != 1 || ms != want ||
            cronexpr_prev(&c, zone, 0, want + 999, &ms) != 1 || ms != want)
            return false;
        int before = cronexpr_prev(&c, zone, 0, want - 1, &ms);
        if (first ? before == 1 && ms > last : before != 1 || ms != last)
            return false;
        last = want;
        first = false;
    }
    return true;
}

TEST(the_table_forwards_and_backwards)
{
    const char *named = getenv("ORCH_CRON_CASES"), *source = getenv("ORCH_SOURCE");
    char *path =
        named != NULL ? xstrdup(named) : fs_join(source != NULL ? source : ".", "tests/cron/cases.txt");
    struct buf text = BUF_INIT(MIB);
    struct err err;
    int rows = 0, bad = 0;

    must_rc(fs_read(path, &text, &err), &err);
    for (char *line = text.p, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char *kept;
        struct row r;
        *end = '\0';
        kept = xstrdup(line);
        if (line[0] != '#' && cut(line, &r)) {
            rows++;
            if (!agrees(&r)) {
                bad++;
                diag("%s", kept);
            }
        }
        free(kept);
    }
    is_int(bad, 0);
    ok(rows >= (named != NULL ? 1 : 400));
    buf_release(&text);
    free(path);
}

TEST(prev_and_next_meet_at_any_moment_of_any_zone)
{
    static const char *const zones[] = {"Europe/Berlin",    "America/New_York",  "Australia/Lord_Howe",
                                        "Antarctica/Troll", "Pacific/Apia",      "Africa/Casablanca",
                                        "Europe/Dublin",    "America/St_Johns",  "Africa/Monrovia",
                                        "Antarctica/Casey", "America/Sao_Paulo", "UTC"};
    static struct model m;
    struct buf text = BUF_INIT(4096);
    const struct cron_zone *zone;
    struct err err;

    for (int round = 0; round < 3000; round++) {
        int64_t t = (int64_t)draw(365 * 90) * 86400000 + (int64_t)draw(86400000), p = 0, n = 0, ms = 0;
        struct cron_change k;
        make(&m, &text);
        struct cronexpr c = parsed(text.p);
        must_rc(cron_zone_find(zones[draw(ARRAY_LEN(zones))], &zone, &err), &err);
        if (cron_zone_change(zone, t, &k) == 1) /* near a change, where it is difficult */
            t = k.at_ms + (int64_t)draw(8 * 3600000) - 4 * 3600000;
        int before = cronexpr_prev(&c, zone, 0, t, &p), after = cronexpr_next(&c, zone, 0, t, &n);
        bool well = (before == 0 || p <= t) && (after == 0 || n > t);
        if (before == 1)
            well = well && cronexpr_next(&c, zone, 0, p - 1, &ms) == 1 && ms == p &&
                   cronexpr_next(&c, zone, 0, p, &ms) == after && (after == 0 || ms == n);
        if (after == 1)
            well = well && cronexpr_prev(&c, zone, 0, n, &ms) == 1 && ms == n &&
                   cronexpr_prev(&c, zone, 0, n - 1, &ms) == before && (before == 0 || ms == p);
        if (!well)
            diag("%s, %s, at %lld", text.p, cron_zone_name(zone), (long long)t);
        must(well);
    }
    buf_release(&text);
}

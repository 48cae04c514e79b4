/*
 * Any text: refused with a sentence, or an expression whose next and prev are each other's inverse, here and where clocks
 * change, and which lint and explain can tell about.
 */
#include "cron/cronexpr.h"
#include "base/mem.h"
#include "cron/explain.h"
#include "cron/lint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void walk(const struct cronexpr *c, const struct cron_zone *zone, int64_t t)
{
    int64_t anchor = t, ms = 0, back = 0;

    for (int i = 0; i < 3 && cronexpr_next(c, zone, anchor, t, &ms) == 1; i++) {
        if (ms <= t || cronexpr_prev(c, zone, anchor, ms, &back) != 1 || back != ms)
            abort();
        if (cronexpr_prev(c, zone, anchor, ms - 1, &back) == 1 && back > t)
            abort(); /* a fire between the two was jumped over */
        t = ms;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const zones[] = {"UTC", "Europe/Berlin", "Antarctica/Troll"};
    static const int64_t from[] = {1654387200000, 1774742400000, INT64_MAX, INT64_MIN};
    char *text = xstrndup((const char *)data, n);
    struct buf words = BUF_INIT(64 * 1024);
    struct cron_warnings warnings;
    struct cronexpr c;
    struct err err;

    if (cronexpr_parse(text, &c, &err) < 0) {
        if (err.code != ERR_CONFIG || err.msg[0] == '\0')
            abort();
    } else {
        for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
            const struct cron_zone *zone;
            if (cron_zone_find(zones[z], &zone, &err) < 0)
                continue; /* no tzdata here */
            for (size_t i = 0; i < sizeof from / sizeof *from; i++)
                walk(&c, zone, from[i]);
            if (cron_lint(text, zone, from[0], &warnings, &err) < 0 || warnings.count > CRON_MAX_WARNINGS ||
                cron_explain(text, zone, &words, &err) < 0)
                abort();
        }
    }
    buf_release(&words);
    free(text);
    return 0;
}

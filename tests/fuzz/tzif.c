/* Any bytes as a TZif file: refused with a sentence, or a zone in which next and prev still meet. */
#include "cron/cronexpr.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const texts[] = {"30 2 * * *", "*/20 * * * *", "cron(15 0/6 L * ? *)"};
    struct cron_zone *zone = NULL;
    struct cron_change k = {.at_ms = INT64_MIN};
    struct cronexpr c;
    struct err err;

    if (cron_zone_parse("fuzz", data, n, &zone, &err) < 0) {
        if (err.code != ERR_CONFIG || err.msg[0] == '\0')
            abort();
        return 0;
    }
    for (int i = 0; i < 20 && cron_zone_change(zone, k.at_ms, &k) == 1; i++) {
        if (cron_zone_offset(zone, k.at_ms) != k.after || cron_zone_offset(zone, k.at_ms - 1) != k.before)
            abort();
        for (size_t e = 0; e < sizeof texts / sizeof *texts; e++) {
            int64_t t = k.at_ms - 7200000, ms = 0, back = 0;
            if (cronexpr_parse(texts[e], &c, &err) < 0)
                abort();
            for (int j = 0; j < 8 && cronexpr_next(&c, zone, 0, t, &ms) == 1; j++, t = ms)
                if (ms <= t || cronexpr_prev(&c, zone, 0, ms, &back) != 1 || back != ms ||
                    (cronexpr_prev(&c, zone, 0, ms - 1, &back) == 1 && back > t))
                    abort();
        }
    }
    cron_zone_free(zone);
    return 0;
}

#ifndef CRON_ZONE_INT_H
#define CRON_ZONE_INT_H
#include "cron/zone.h"
/*
 * A stretch of time with one offset. fresh is how far the local clock had got before it: local times below it were
 * there already (clocks went back), those between it and the start were left out (clocks went forward). crontab's
 * does not count what was a correction of three hours or more; docs/schedules.md.
 */
struct cron_span {
    int64_t start;         /* seconds since the epoch, UTC; the first one's is CRON_ZONE_BEGIN */
    int offset;            /* seconds east of UTC */
    int64_t fresh_cron;    /* local seconds */
    int64_t fresh_crontab; /* local seconds */
};
struct cron_zone {
    char *name;
    size_t count;
    struct cron_span *spans; /* count of them, and one more whose start is CRON_ZONE_END */
};
/* Further away than any time in ms that 64 bits hold. */
#define CRON_ZONE_BEGIN (-(INT64_C(1) << 55))
#define CRON_ZONE_END   (INT64_C(1) << 55)
/* The span of a moment. */
size_t cron_zone_span(const struct cron_zone *z, int64_t utc_s);
#endif

#ifndef CRON_CRONEXPR_H
#define CRON_CRONEXPR_H
#include "base/err.h"
#include "cron/zone.h"
#include <stdint.h>
/*
 * Schedule expressions, pure: EventBridge's cron(...) and rate(...), and 5-field crontab as Debian reads it, in any
 * time zone. docs/schedules.md is the contract, with what happens where clocks change. A value type, no allocation.
 */
enum cron_kind { CRON_EVENTBRIDGE, CRON_RATE, CRON_CRONTAB };
struct cronexpr {
    enum cron_kind kind;
    uint64_t minutes;
    uint32_t hours, days; /* bit n = value n */
    uint16_t months;
    uint8_t weekdays; /* bit 0 = Sunday */
    int8_t from_end;  /* day of month L: 0, L-3: 3; -1: not counted from the end */
    int8_t near;      /* day of month 3W: 3; LW: 1, with from_end; 0: the day itself */
    int8_t nth;       /* day of week 3#2: 2; 6L: -1; 0: every week */
    bool either;      /* crontab, both day fields restricted: one that matches is enough */
    bool
        fixed; /* crontab, neither minute nor hour begins with '*': made up for after a gap, never repeated */
    uint64_t
        years[4]; /* bit n = 1970 + n: those in which any day matches, so that "never" is found at once */
    int64_t rate_ms;
};
/* ERR_CONFIG; the message names the field and the column of the text. */
NODISCARD int cronexpr_parse(const char *text, struct cronexpr *ret, struct err *err);
/*
 * First fire after after_ms (exclusive). 1 found, 0 never (bounded search, local years 1970 to 2199). zone NULL: UTC;
 * rate() knows no zone. anchor_ms: the phase of rate().
 */
int cronexpr_next(const struct cronexpr *c, const struct cron_zone *zone, int64_t anchor_ms, int64_t after_ms,
                  int64_t *ret_ms);
/* Last fire at or before at_ms. 1/0. */
int cronexpr_prev(const struct cronexpr *c, const struct cron_zone *zone, int64_t anchor_ms, int64_t at_ms,
                  int64_t *ret_ms);
#endif

#ifndef CRON_CRONEXPR_H
#define CRON_CRONEXPR_H
#include "base/err.h"
#include <stdint.h>
/*
 * Schedule expressions, pure: EventBridge's cron(...) and rate(...), and 5-field crontab as Debian reads it, in UTC.
 * L, W and # are refused until the whole grammar is there. Rules: EventBridge user guide, "Schedule expressions";
 * crontab(5) of Debian's cron. A value type, no allocation.
 */
enum cron_kind { CRON_EVENTBRIDGE, CRON_RATE, CRON_CRONTAB };
struct cronexpr {
    enum cron_kind kind;
    uint64_t minutes;
    uint32_t hours, days; /* bit n = value n */
    uint16_t months;
    uint8_t weekdays;            /* bit 0 = Sunday */
    uint64_t years[4];           /* bit n = 1970 + n */
    bool day_star, weekday_star; /* crontab: a field that starts with '*' */
    int64_t rate_ms;
};
/* ERR_CONFIG; the message names the field and the column of the text. */
NODISCARD int cronexpr_parse(const char *text, struct cronexpr *ret, struct err *err);
/* First fire after after_ms (exclusive). 1 found, 0 never (bounded search). anchor_ms: the phase of rate(). */
int cronexpr_next(const struct cronexpr *c, int64_t anchor_ms, int64_t after_ms, int64_t *ret_ms);
/* Last fire at or before at_ms. 1/0. */
int cronexpr_prev(const struct cronexpr *c, int64_t anchor_ms, int64_t at_ms, int64_t *ret_ms);
#endif

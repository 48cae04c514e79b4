#ifndef CRON_LINT_H
#define CRON_LINT_H
#include "cron/cronexpr.h"
/*
 * What is valid, and does something else than most people think, or nothing: uneven steps, days that months lack, the
 * either-or of crontab's days, hours that a change of clocks leaves out or repeats, forms that AWS does not document.
 */
struct cron_warning {
    const char *field; /* "" where the whole is meant */
    int column;        /* from 1 */
    char text[320];
};
enum { CRON_MAX_WARNINGS = 24 };
struct cron_warnings {
    struct cron_warning items[CRON_MAX_WARNINGS];
    size_t count;
};
/* ERR_CONFIG, as cronexpr_parse, where the text is no expression. now_ms: "never again" and the coming two years. */
NODISCARD int cron_lint(const char *text, const struct cron_zone *zone, int64_t now_ms,
                        struct cron_warnings *ret, struct err *err);
#endif

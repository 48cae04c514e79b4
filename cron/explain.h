#ifndef CRON_EXPLAIN_H
#define CRON_EXPLAIN_H
#include "base/buf.h"
#include "cron/cronexpr.h"
/* The expression as an English sentence, added to *ret: "At 02:30, every day, Europe/Berlin time.". ERR_CONFIG. */
NODISCARD int cron_explain(const char *text, const struct cron_zone *zone, struct buf *ret, struct err *err);
#endif

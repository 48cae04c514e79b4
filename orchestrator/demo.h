#ifndef ORCHESTRATOR_DEMO_H
#define ORCHESTRATOR_DEMO_H
#include "base/err.h"
#include <stdint.h>
/*
 * A day of hourly files in the shape of the credit data, made up from a seed, into dir/incoming; what comes
 * late into dir/late, and the corrected copy of a broken file into dir/mended. *ret_config: an orch.json for
 * it, owned.
 */
NODISCARD int demo_make(const char *dir, int64_t day_ms, char **ret_config, struct err *err);
/* Hours of the demo's day that are not as they should be; README and demo.sh speak of them. */
enum { DEMO_MISSING = 5, DEMO_REJECTS = 9, DEMO_LATE = 13, DEMO_BROKEN = 17, DEMO_TWO_FILES = 20 };
#endif

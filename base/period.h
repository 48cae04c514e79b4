#ifndef BASE_PERIOD_H
#define BASE_PERIOD_H
#include "base/err.h"
#include <stdint.h>
/* Partitions: one UTC hour ("2022-06-05T12") or day ("2022-06-05"). Pure. */
enum period { PERIOD_HOUR, PERIOD_DAY };
#define PART_SIZE   16
#define PREFIX_SIZE 512
int64_t period_ms(enum period p);
int64_t period_floor(enum period p, int64_t ms); /* start of the partition that ms is in */
const char *part_name(enum period p, int64_t start_ms, char out[PART_SIZE]);
/* Strict: the form must be the period's. ERR_BAD_VALUE says which form is expected. */
NODISCARD int part_parse(enum period p, const char *text, int64_t *ret_start_ms, struct err *err);
/* The partition's prefix by a strftime layout (%Y %y %m %d %H %j %e %k %b %B %F %s %% ...), in UTC and the C locale. */
NODISCARD int part_prefix(const char *layout, int64_t start_ms, char out[PREFIX_SIZE], struct err *err);
/* Refuses a layout under which two partitions share a prefix, or one's prefix begins another's. ERR_CONFIG. */
NODISCARD int layout_check(const char *layout, enum period p, struct err *err);
#endif

#ifndef CRON_ZONE_H
#define CRON_ZONE_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>
/*
 * IANA time zones from the system's TZif files (RFC 8536, versions 1 to 4), as a flat table of offsets from 1970 to
 * 2200: whoever asks needs no file, no libc zone and no environment. A zone is NULL where UTC is meant.
 */
struct cron_zone;
/*
 * By IANA name, read once a process and kept to its end: *ret is borrowed; NULL for "UTC", which needs no file.
 * ERR_CONFIG: no such zone, or a file that is none.
 */
NODISCARD int cron_zone_find(const char *name, const struct cron_zone **ret, struct err *err);
/* The table of a TZif file's bytes, whatever they are. Owned by the caller. ERR_CONFIG. */
NODISCARD int cron_zone_parse(const char *name, const void *data, size_t n, struct cron_zone **ret,
                              struct err *err);
void cron_zone_free(struct cron_zone *z); /* NULL is fine */
const char *cron_zone_name(const struct cron_zone *z);
/* Seconds east of UTC at a moment. */
int cron_zone_offset(const struct cron_zone *z, int64_t utc_ms);
/* The first change of the offset after a moment. 1 found, 0 none until 2200. */
struct cron_change {
    int64_t at_ms;
    int before, after; /* seconds east of UTC */
};
int cron_zone_change(const struct cron_zone *z, int64_t after_ms, struct cron_change *ret);
#endif

#ifndef BASE_CIVIL_H
#define BASE_CIVIL_H
#include "base/err.h"
#include <stdint.h>
/* Proleptic Gregorian calendar arithmetic in UTC: pure, no libc time zone, years 0 to 9999. */
struct civil {
    int year, month, day; /* month 1-12, day 1-31 */
    int hour, minute, second;
    int ms;
};
int64_t civil_days(int year, int month, int day); /* days since 1970-01-01 */
int64_t civil_to_ms(const struct civil *c);       /* ms since the epoch */
struct civil civil_from_ms(int64_t ms);
int civil_weekday(int64_t days); /* 0 = Sunday */
int civil_month_days(int year, int month);
bool civil_valid(int year, int month, int day);
#define CIVIL_RFC3339_SIZE 32
/* "2022-06-05T12:00:00Z"; with ms "2022-06-05T12:00:00.123Z". */
const char *civil_rfc3339(int64_t ms, bool with_ms, char out[CIVIL_RFC3339_SIZE]);
/* Reads RFC 3339 with Z or an offset, seconds and fraction optional. ERR_BAD_VALUE otherwise. */
NODISCARD int civil_parse_rfc3339(const char *text, int64_t *ret_ms, struct err *err);
#endif

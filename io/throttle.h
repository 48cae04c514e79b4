#ifndef IO_THROTTLE_H
#define IO_THROTTLE_H
#include "base/beat.h"
#include "base/str.h"
#include <stdint.h>
/*
 * A token bucket over monotonic milliseconds: so many bytes or rows a second, a second's worth at once. What was taken
 * beyond that is owed, and waited for before the next is taken: the mean holds whatever the size of a batch. Pure but for
 * throttle_sleep; the caller gives the time.
 */
struct throttle {
    int64_t bytes_per_s, rows_per_s; /* 0: no limit */
    int64_t last_ms;                 /* -1: nothing taken yet */
    double bytes, rows;              /* that may be taken now; below 0: owed */
};
enum {
    THROTTLE_LEAST_BYTES =
        64 * 1024, /* a second: a batch of 4 MiB is then paid within the server's idle time-out */
    THROTTLE_LEAST_ROWS = 100,
};
/* "10MiB/s", "50000 rows/s"; ERR_BAD_VALUE says what is wrong. NULL: no limit. */
NODISCARD int throttle_parse(const char *text, struct throttle *ret, struct err *err);
/* How many connections may share it, each with what is the least for one; INT64_MAX without a limit. */
int64_t throttle_shares(const struct throttle *t);
bool throttle_is_on(const struct throttle *t);
/* Takes so much at now_ms, and tells for how many ms to wait before going on: 0 where there was enough. */
int64_t throttle_take(struct throttle *t, int64_t bytes, int64_t rows, int64_t now_ms);
/* Waits in short beats. */
NODISCARD int throttle_sleep(int64_t ms, const struct beat *b, struct err *err);
#endif

#include "io/throttle.h"
#include "base/clock.h"

enum { BEAT_MS = 200 };

static int parse_rows(struct str s, struct throttle *ret, struct err *err)
{
    static const char word[] = "rows/s";
    const size_t n = sizeof word - 1;

    if (s.n <= n || memcmp(s.p + s.n - n, word, n) != 0)
        return 0;
    struct str number = str_trim((struct str){s.p, s.n - n});
    int rc = str_to_i64(number, THROTTLE_LEAST_ROWS, INT64_C(1000000000), &ret->rows_per_s, err);
    return rc < 0
               ? err_set(err, ERR_BAD_VALUE, "at least %d and at most a billion rows/s", THROTTLE_LEAST_ROWS)
               : 1;
}

int throttle_parse(const char *text, struct throttle *ret, struct err *err)
{
    *ret = (struct throttle){.last_ms = -1};
    if (text == NULL)
        return 0;
    size_t n = strlen(text);
    int rc = parse_rows((struct str){text, n}, ret, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (n < 3 || strcmp(text + n - 2, "/s") != 0 ||
        str_to_bytes(str_trim((struct str){text, n - 2}), &ret->bytes_per_s, err) < 0)
        return err_set(err, ERR_BAD_VALUE, "a rate such as \"10MiB/s\" or \"50000 rows/s\" is expected");
    if (ret->bytes_per_s < THROTTLE_LEAST_BYTES)
        return err_set(err, ERR_BAD_VALUE,
                       "at least 64KiB/s: the server ends a transaction that stands still");
    return 0;
}

int64_t throttle_shares(const struct throttle *t)
{
    return t->rows_per_s > 0    ? t->rows_per_s / THROTTLE_LEAST_ROWS
           : t->bytes_per_s > 0 ? t->bytes_per_s / THROTTLE_LEAST_BYTES
                                : INT64_MAX;
}

bool throttle_is_on(const struct throttle *t)
{
    return t->bytes_per_s > 0 || t->rows_per_s > 0;
}

/* What may be taken: a second's worth at most, so that a long rest is no leave to rush. */
static double refill(double has, int64_t per_s, int64_t passed_ms)
{
    double full = (double)per_s, now = has + full * (double)passed_ms / 1000;

    return now > full ? full : now;
}

static int64_t wait_for(double has, int64_t per_s)
{
    return has >= 0 || per_s == 0 ? 0 : (int64_t)(-has * 1000 / (double)per_s) + 1;
}

int64_t throttle_take(struct throttle *t, int64_t bytes, int64_t rows, int64_t now_ms)
{
    int64_t passed = t->last_ms < 0 ? 1000 : now_ms > t->last_ms ? now_ms - t->last_ms : 0;

    t->last_ms = now_ms;
    t->bytes = refill(t->bytes, t->bytes_per_s, passed) - (double)bytes;
    t->rows = refill(t->rows, t->rows_per_s, passed) - (double)rows;
    int64_t a = wait_for(t->bytes, t->bytes_per_s), b = wait_for(t->rows, t->rows_per_s);
    return a > b ? a : b;
}

int throttle_sleep(int64_t ms, const struct beat *b, struct err *err)
{
    int64_t until = clock_mono_ms() + ms, left = ms;
    int rc = 0;

    for (; rc == 0 && left > 0; left = until - clock_mono_ms()) {
        clock_sleep_ms(left < BEAT_MS ? left : BEAT_MS);
        rc = beat(b, err);
    }
    return rc < 0 ? rc : 0;
}

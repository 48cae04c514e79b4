#include "io/throttle.h"
#include "base/clock.h"
#include "tests/tap.h"

static struct throttle made(const char *text)
{
    struct throttle t;
    struct err err;

    must_rc(throttle_parse(text, &t, &err), &err);
    return t;
}

static void refused(const char *text, const char *part)
{
    struct throttle t;
    struct err err = {0};

    fails(throttle_parse(text, &t, &err), &err, ERR_BAD_VALUE);
    if (strstr(err.msg, part) == NULL)
        is_str(err.msg, part);
}

TEST(rates_are_read)
{
    is_int(made("10MiB/s").bytes_per_s, 10 << 20);
    is_int(made("1GB/s").bytes_per_s, 1000000000);
    is_int(made("50000 rows/s").rows_per_s, 50000);
    is_int(made("50000rows/s").rows_per_s, 50000);
    ok(throttle_is_on(&(struct throttle){.rows_per_s = 1}));
    struct throttle none = made(NULL), two = made("128KiB/s"), three = made("399 rows/s");
    is_int(throttle_shares(&none), INT64_MAX);
    is_int(throttle_shares(&two), 2);
    is_int(throttle_shares(&three), 3);
    ok(!throttle_is_on(&none));
}

TEST(what_is_no_rate_is_refused_in_words)
{
    refused("10MiB", "such as");
    refused("", "such as");
    refused("/s", "such as");
    refused("10MiB/m", "such as");
    refused("-5MiB/s", "such as");
    refused("10KiB/s", "64KiB/s");
    refused("0/s", "64KiB/s");
    refused("10 rows/s", "at least 100");
    refused("x rows/s", "at least 100");
    refused("9999999999999 rows/s", "billion");
    refused("50000 rows", "such as");
}

/* Batches of any size: after each the caller waits as told. The mean over all is the rate, but for the first second. */
static int64_t time_for(struct throttle *t, int64_t bytes, int64_t rows, int n)
{
    int64_t now = 5000;

    for (int i = 0; i < n; i++)
        now += throttle_take(t, bytes, rows, now);
    return now - 5000;
}

TEST(the_mean_is_the_rate_whatever_the_size_of_a_batch)
{
    for (int64_t batch = 1000; batch <= 100000000; batch *= 10) {
        struct throttle t = made("1MB/s");
        int64_t ms = time_for(&t, batch, 0, (int)(100000000 / batch));
        ok(ms >= 99000 && ms <= 99000 + 100000000 / batch + 10);
    }
    struct throttle t = made("1000 rows/s");
    int64_t ms = time_for(&t, 1 << 20, 4000, 10); /* bytes are free */
    ok(ms >= 39000 && ms <= 39020);
}

TEST(a_rest_is_no_leave_to_rush)
{
    struct throttle t = made("1000 rows/s");

    is_int(throttle_take(&t, 0, 1000, 1000), 0); /* the first second's worth */
    is_int(throttle_take(&t, 0, 0, 100000000), 0);
    is_int(throttle_take(&t, 0, 1000, 100000000), 0);
    ok(throttle_take(&t, 0, 500, 100000000) >= 500);
}

TEST(a_clock_that_stands_or_goes_back_gives_nothing)
{
    struct throttle t = made("1000 rows/s");

    is_int(throttle_take(&t, 0, 1000, 5000), 0);
    int64_t owed = throttle_take(&t, 0, 100, 5000);
    ok(owed >= 100 && owed <= 101);
    ok(throttle_take(&t, 0, 0, 4000) >= 100);
}

TEST(without_a_limit_nothing_is_waited_for)
{
    struct throttle t = made(NULL);

    for (int i = 0; i < 1000; i++)
        is_int(throttle_take(&t, INT64_C(1) << 40, 1000000, 1), 0);
}

static int beats;
static int stop_at_third(void *arg, struct err *err)
{
    UNUSED(arg);
    return ++beats == 3 ? err_set(err, ERR_CANCELLED, "stopped") : 0;
}

TEST(a_wait_beats_and_can_be_stopped)
{
    const struct beat b = {stop_at_third, NULL};
    struct err err;
    int64_t began = clock_mono_ms();

    fails(throttle_sleep(3600000, &b, &err), &err, ERR_CANCELLED);
    is_int(beats, 3);
    ok(clock_mono_ms() - began < 60000);
    must_rc(throttle_sleep(0, &b, &err), &err);
    is_int(beats, 3);
}

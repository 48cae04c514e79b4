/* ORCH_TEST_NOW is read once a process, so each case is looked at by a child. */
#include "base/clock.h"
#include "base/civil.h"
#include "tests/lib/run.h"
#include "tests/tap.h"
#include <sys/wait.h>
#include <unistd.h>

struct seen {
    int64_t now, real, boot, shift;
};

/* The clocks of a child that starts under ORCH_TEST_NOW = text. */
static int look(const char *text, struct seen *ret)
{
    int ends[2], status = 0;

    must(pipe(ends) == 0);
    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        setenv("ORCH_TEST_NOW", text, 1);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(1);
        struct seen s = {clock_now_ms(), clock_real_ms(), clock_boot_ms(), clock_shift_ms()};
        _exit(write(ends[1], &s, sizeof s) == sizeof s ? 0 : 1);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], ret, sizeof *ret);
    close(ends[0]);
    waitpid(pid, &status, 0);
    return n == sizeof *ret && status == 0 ? 0 : -1;
}

static bool near(int64_t a, int64_t b)
{
    return a - b < 5000 && b - a < 5000;
}

TEST(without_it_the_wall_clock_is_real)
{
    struct seen s;

    must(look("", &s) == 0);
    is_int(s.shift, 0);
    ok(near(s.now, s.real));
}

TEST(an_offset_moves_wall_and_lease_clock_alike_and_not_signatures)
{
    struct seen plain, later, before;

    must(look("", &plain) == 0 && look("+90m", &later) == 0 && look("-3h", &before) == 0);
    is_int(later.shift, 90 * 60000);
    is_int(before.shift, -3 * 3600000);
    ok(near(later.now, plain.now + 90 * 60000));
    ok(near(later.boot, plain.boot + 90 * 60000));
    ok(near(later.real, plain.real));
}

TEST(an_absolute_time_is_when_the_process_began)
{
    struct seen s;

    must(look("2022-06-05T12:00:00Z", &s) == 0);
    ok(near(s.now, 1654430400000));
    ok(s.real > 1654430400000);
}

TEST(nonsense_is_refused)
{
    struct seen s;

    ok(look("yesterday", &s) < 0);
    ok(look("+90", &s) < 0);
}

TEST(the_monotonic_clock_does_not_go_back)
{
    int64_t last = clock_mono_ms();

    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_ms();
        must(now >= last);
        last = now;
    }
    int64_t before = clock_mono_ms();
    clock_sleep_ms(20);
    ok(clock_mono_ms() - before >= 19);
    clock_sleep_ms(-5); /* at once */
}

TEST(the_boot_has_a_name)
{
    is_int(strlen(clock_boot_id()), 36);
}

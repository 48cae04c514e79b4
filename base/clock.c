#include "base/clock.h"
#include "base/civil.h"
#include "base/str.h"
#include <pthread.h>

static int64_t read_ms(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#if ORCH_TEST_BUILD
static pthread_once_t shift_once = PTHREAD_ONCE_INIT;
static int64_t shift;

static int64_t shift_from_env(void)
{
    const char *text = getenv("ORCH_TEST_NOW");
    int64_t ms = 0;
    struct err err;

    if (text == NULL || *text == '\0')
        return 0;
    if ((*text == '+' || *text == '-') && str_to_duration_ms(str_of(text + 1), &ms, &err) == 0)
        return *text == '-' ? -ms : ms;
    if (civil_parse_rfc3339(text, &ms, &err) < 0) {
        fprintf(stderr, "orch: ORCH_TEST_NOW: %s\n", err.msg);
        exit(2);
    }
    return ms - read_ms(CLOCK_REALTIME);
}

static void find_shift(void)
{
    shift = shift_from_env();
}

int64_t clock_shift_ms(void)
{
    pthread_once(&shift_once, find_shift); /* handlers of orch serve ask at once */
    return shift;
}
#else
int64_t clock_shift_ms(void)
{
    return 0;
}
#endif

int64_t clock_real_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

int64_t clock_now_ms(void)
{
    return clock_real_ms() + clock_shift_ms();
}

int64_t clock_boot_ms(void)
{
    return read_ms(CLOCK_BOOTTIME) + clock_shift_ms();
}

int64_t clock_mono_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

const char *clock_boot_id(void)
{
    static char id[40];

    if (id[0] == '\0') {
        FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
        if (f != NULL) {
            if (fgets(id, sizeof id, f) == NULL)
                id[0] = '\0';
            id[strcspn(id, "\n")] = '\0';
            fclose(f);
        }
    }
    return id;
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};

    if (ms > 0)
        nanosleep(&t, NULL);
}

#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include <stdint.h>
/*
 * The only source of time. In test builds ORCH_TEST_NOW (RFC 3339, or "+90m"/"-3h") shifts the wall
 * and the lease clock alike: an absolute time means "the process started at that moment". Signatures
 * use clock_real_ms, which no test moves.
 */
int64_t clock_now_ms(void);      /* wall, UTC, milliseconds since the epoch */
int64_t clock_real_ms(void);     /* wall, never shifted: request signatures only */
int64_t clock_boot_ms(void);     /* CLOCK_BOOTTIME, shifted like the wall clock: leases */
int64_t clock_mono_ms(void);     /* CLOCK_MONOTONIC, never shifted: time-outs inside a process */
int64_t clock_shift_ms(void);    /* now - real; 0 outside tests. Added to LastModified of what is listed */
const char *clock_boot_id(void); /* /proc/sys/kernel/random/boot_id, "" where there is none */
/* Sleeps until ms have passed or a signal arrives. */
void clock_sleep_ms(int64_t ms);
#endif

#ifndef TESTS_TAP_H
#define TESTS_TAP_H
/*
 * TAP for C: one TEST is one point; checks inside speak only when they fail.
 *
 *     TEST(quoted_newline_stays_in_the_field) { is_int(rows, 2); must(csv != NULL); }
 *
 * ./io-csv.t --list names the tests, ./io-csv.t NAME... runs some. stdout belongs to TAP.
 */
#include "base/attr.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void tap_fn(void);
void tap_register(const char *name, tap_fn *fn, const char *file, int line);
bool tap_ok(bool ok, const char *file, int line, const char *text);
bool tap_is_int(int64_t got, int64_t want, const char *file, int line, const char *text);
bool tap_is_str(const char *got, const char *want, const char *file, int line, const char *text);
bool tap_is_mem(const void *got, size_t got_n, const void *want, size_t want_n, const char *file, int line,
                const char *text);
void tap_rc(int rc, const struct err *err, const char *file, int line, const char *text);
void tap_leave(void) __attribute__((noreturn));
void tap_diag(const char *fmt, ...) PRINTF(1, 2);
void tap_skip(const char *fmt, ...) PRINTF(1, 2); /* leaves the test, counted as skipped */

#define TEST(name)                                                                                           \
    static void name(void);                                                                                  \
    __attribute__((constructor)) static void name##_register(void)                                           \
    {                                                                                                        \
        tap_register(#name, name, __FILE__, __LINE__);                                                       \
    }                                                                                                        \
    static void name(void)

#define ok(cond)             tap_ok((cond), __FILE__, __LINE__, #cond)
#define is_int(got, want)    tap_is_int((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, #got)
#define is_str(got, want)    tap_is_str((got), (want), __FILE__, __LINE__, #got)
#define is_mem(g, gn, w, wn) tap_is_mem((g), (gn), (w), (wn), __FILE__, __LINE__, #g)
#define diag(...)            tap_diag(__VA_ARGS__)
#define skip(...)            tap_skip(__VA_ARGS__)
/* Aborts this test (only) when the condition is false. */
#define must(cond)                                                                                           \
    do {                                                                                                     \
        if (!(cond)) {                                                                                       \
            tap_ok(false, __FILE__, __LINE__, #cond);                                                        \
            tap_leave();                                                                                     \
        }                                                                                                    \
    } while (0)
/* For calls of our idiom: prints err.msg when rc < 0, and leaves the test. */
#define must_rc(rc, err)                                                                                     \
    do {                                                                                                     \
        int rc_ = (rc);                                                                                      \
        if (rc_ < 0) {                                                                                       \
            tap_rc(rc_, (err), __FILE__, __LINE__, #rc);                                                     \
            tap_leave();                                                                                     \
        }                                                                                                    \
    } while (0)
/* The call must fail with this code. */
#define fails(rc, err, want)                                                                                 \
    do {                                                                                                     \
        int rc__ = (rc);                                                                                     \
        if (tap_ok(rc__ < 0, __FILE__, __LINE__, #rc " fails"))                                              \
            tap_is_str(err_name((err)->code), err_name(want), __FILE__, __LINE__, (err)->msg);               \
    } while (0)
#endif

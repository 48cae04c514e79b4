#ifndef BASE_ERR_H
#define BASE_ERR_H
#include "base/attr.h"
#include <errno.h>
#include <stdbool.h>

/*
 * The error idiom: fallible functions return int; 0 or positive is success, -(enum err_code) is
 * failure, and then *err, the last parameter (never NULL, on the caller's stack), holds one complete
 * sentence. It is composed where the fact is known, prefixed at most once a layer, returned below and
 * printed once at the top. On success *err is untouched.
 */
enum err_code {
    ERR_OK = 0,
#define ERR(sym, name, exit, retryable, counts, doc) ERR_##sym,
#include "base/err.def"
#undef ERR
    ERR__COUNT
};

struct err {
    enum err_code code;
    int native;     /* errno, HTTP status, MySQL or SQLite code; 0: none */
    char name[80];  /* ASL error name when it is not the code's own; "": err_name(code) */
    char msg[1024]; /* lower-case start, no full stop */
    char hint[400]; /* what to do; "": nothing to say */
};

/* Fills *err and returns -code. Never allocates; a longer text ends in "...". */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF(3, 4);
/* Puts "context: " before the message; returns -err->code. */
int err_prefix(struct err *err, const char *fmt, ...) PRINTF(2, 3);
/* Sets the hint; returns -err->code. */
int err_hint(struct err *err, const char *fmt, ...) PRINTF(2, 3);
/* From errno: maps ENOSPC/EDQUOT, EACCES/EPERM, ENOENT, the rest to ERR_IO. "what: strerror". */
int err_errno(struct err *err, int saved_errno, const char *fmt, ...) PRINTF(3, 4);
/*
 * What these four return is below 0, whatever err held: said where compilers and the static analyser can see
 * it, so that they know no path on which a failed call left its result unset.
 */
static inline int err_negative(int rc)
{
    return rc < 0 ? rc : -(int)ERR_INTERNAL;
}
#define err_set(...)    err_negative((err_set)(__VA_ARGS__))
#define err_prefix(...) err_negative((err_prefix)(__VA_ARGS__))
#define err_hint(...)   err_negative((err_hint)(__VA_ARGS__))
#define err_errno(...)  err_negative((err_errno)(__VA_ARGS__))
/* For results that are meant to be ignored: greppable. */
static inline void err_ignore(int rc)
{
    (void)rc;
}

const char *err_name(enum err_code code);   /* ASL name, for example "Orch.Transient" */
const char *err_asl(const struct err *err); /* err->name, else err_name(err->code) */
const char *err_doc(enum err_code code);
int err_exit_status(enum err_code code);
bool err_retryable(enum err_code code); /* may go by itself */
bool err_counts(enum err_code code);    /* counts towards DEAD: data or rules, not the weather */
/* By ASL name; ERR_INTERNAL for a name that is none of ours. */
enum err_code err_by_name(const char *name);
#endif

#ifndef IO_TARGET_MOMENT_H
#define IO_TARGET_MOMENT_H
#include "io/target.h"
/*
 * Up to where rows of a database are all there: what has a time below `safe` is committed, or never will be, provided that rows
 * get their time from the server's clock inside the transaction that writes them, or from one that is not further behind
 * than lag. safe is the least of: the server's UTC less lag; this machine's less lag; the start of the oldest transaction that
 * is open and may write, less 2 s, where the account may see it (PROCESS); on a replica, where the account may ask, what it is
 * behind. To be asked before the snapshot that is read begins.
 */
struct moment {
    int64_t now_ms;     /* the server's */
    int64_t safe_ms;    /* whole seconds */
    bool sees;          /* open transactions were looked at */
    bool server_is_utc; /* the zone in which its NOW() writes, by default */
    char zone[64];      /* of the server */
    char held[200];     /* what keeps safe back, in words; "" nothing but lag */
};
NODISCARD int target_moment(struct target *t, int64_t lag_ms, struct moment *ret, struct err *err);
/* "2022-06-05 12:34:56" of UTC. */
#define MOMENT_SIZE 32
const char *moment_text(int64_t ms, char out[MOMENT_SIZE]);
#endif

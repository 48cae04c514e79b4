#ifndef IO_TARGET_MOMENT_H
#define IO_TARGET_MOMENT_H
#include "io/target.h"
/*
 * Up to where rows of a database are all there: what has a time below `safe` is committed, or never will be, provided that rows
 * get their time from the server's clock inside the transaction that writes them, or from one that is not further behind
 * than lag. safe is the least of: the server's UTC less lag; this machine's less lag; and, less 2 s, where the account may see
 * them (PROCESS): the start of the oldest transaction that is open and may write, and of the oldest statement that runs and may
 * write; on a replica, where the account may ask, what it is behind. To be asked before the snapshot that is read begins.
 *
 * Not to be seen is a transaction that is open on another server (a replica's source, another node of a cluster), and that a
 * statement had waited for a lock or a sort before it began the transaction that it then left open: that is what lag is for.
 */
struct moment {
    int64_t now_ms;     /* the server's */
    int64_t safe_ms;    /* whole seconds; 0: nothing is safe, see held */
    bool sees;          /* open transactions were looked at */
    bool server_is_utc; /* the zone in which its NOW() writes, by default */
    char zone[64];      /* of the server */
    char held[300];     /* what keeps safe back, in words; "" nothing but lag */
};
NODISCARD int target_moment(struct target *t, int64_t lag_ms, struct moment *ret, struct err *err);
/* "2022-06-05 12:34:56" of UTC. */
#define MOMENT_SIZE 32
const char *moment_text(int64_t ms, char out[MOMENT_SIZE]);
#endif

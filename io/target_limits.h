#ifndef IO_TARGET_LIMITS_H
#define IO_TARGET_LIMITS_H
#include "io/target.h"
/*
 * What the server itself allows, read before a load; 0 where it says nothing. The judgements are pure.
 */
struct target_limits {
    int64_t max_connections, connected;           /* of the server, and now in use */
    int64_t max_user_connections, user_connected; /* of our account */
    int64_t max_transaction;                      /* bytes of one transaction, beyond which COMMIT fails */
    const char *max_transaction_by;               /* the variable that says so; static */
    int64_t max_packet;
};
/* SQLite: all 0. What may not be read counts as not said. */
NODISCARD int target_limits(struct target *t, struct target_limits *ret, struct err *err);

/*
 * Connections that a load may have of those wanted, at least 1: an eighth of what the server has, and 2 of what our
 * account has, are left to others; those of ours that are open (the target's own) do not count twice. why (may be NULL):
 * a sentence where it is fewer than wanted, else "".
 */
enum { LIMITS_WHY = 300 };
int64_t limits_connections(const struct target_limits *l, int64_t wanted, char why[LIMITS_WHY]);
/*
 * The largest part of a file (bytes of it, unpacked) that one transaction should take; INT64_MAX: no limit known. Half of
 * max_transaction, since rows in a log may be wider than their text. The size of InnoDB's pool and log is no limit: a
 * transaction larger than they are is as fast. by: what sets it, static.
 */
int64_t limits_chunk(const struct target_limits *l, const char **ret_by);
#endif

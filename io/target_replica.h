#ifndef IO_TARGET_REPLICA_H
#define IO_TARGET_REPLICA_H
#include "io/target.h"
/*
 * How far a replica is behind, as it says itself. 1: *ret_s seconds, the most of its sources. 0: it does not know, and why
 * tells: replication stopped, never set up, or it waits to connect. ERR_ACCESS_DENIED: the account may not ask.
 */
enum { REPLICA_WHY = 300 };
#define REPLICA_NONE "it is no replica"
NODISCARD int target_replica_lag(struct target *t, int64_t *ret_s, char why[REPLICA_WHY], struct err *err);
#endif

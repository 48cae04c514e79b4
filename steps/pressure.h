#ifndef STEPS_PRESSURE_H
#define STEPS_PRESSURE_H
#include "steps/step.h"
/*
 * Holds a load back: max_rate by what was loaded, max_replica_lag by what replicas say. One of a load, used by one thread
 * at a time. Who waits goes on beating, and orch status and logs tell for which replica.
 */
struct pressure;
/* Takes nothing of c but a pointer; opens no connection yet. */
struct pressure *pressure_new(struct step_ctx *c, const char *part);
void pressure_free(struct pressure *p); /* NULL is fine */
/* After so many bytes of a file and rows were given to the target: waits as max_rate wants. Also inside a transaction:
 * it is shorter than the server's patience. */
NODISCARD int pressure_take(struct pressure *p, int64_t bytes, int64_t rows, struct err *err);
/*
 * Between transactions: while a replica is further behind than max_replica_lag, waits, and asks every few seconds. A
 * replica that does not know how far it is, or that is not reached, is waited for twice the limit (5 s to 5 min), then
 * ERR_TRANSIENT, which names it.
 */
NODISCARD int pressure_wait(struct pressure *p, struct err *err);
#endif

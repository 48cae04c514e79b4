#ifndef STEPS_PRESSURE_H
#define STEPS_PRESSURE_H
#include "steps/step.h"
#include <stdatomic.h>
/*
 * Holds a load back: max_rate by what was loaded, max_replica_lag by what replicas say. One of a job, worked by the thread
 * that beats; lanes only look at what it shows (io/loader.h: rate, hold). orch status and logs tell for which replica.
 */
struct pressure;
struct pressure *pressure_new(struct step_ctx *c, const char *part); /* borrows c; connects nowhere yet */
void pressure_free(struct pressure *p);                              /* NULL is fine */
struct throttle *pressure_rate(struct pressure *p);                  /* NULL: no limit */
const atomic_bool *pressure_hold(struct pressure *p);                /* NULL: no replicas are asked */
/*
 * Asks the replicas, at most every few seconds, and sets or lifts the hold. A replica that does not know how far it is, or
 * that is not reached, is waited for twice the limit (5 s to 5 min), then ERR_TRANSIENT, which names it.
 */
NODISCARD int pressure_poll(struct pressure *p, struct err *err);
/* The step's own beat, and then pressure_poll. p is borrowed. */
struct beat pressure_beat(struct pressure *p);
#endif

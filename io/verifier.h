#ifndef IO_VERIFIER_H
#define IO_VERIFIER_H
#include "io/target.h"
/*
 * Sums what a load's transaction has put into the table while it goes on, on a connection and a thread of its own, so
 * that next to nothing is left to be summed before COMMIT. It reads uncommitted rows, of lines alone whose insertion the
 * server has answered; nobody but the load's own connection can change those, and that one only adds lines behind them.
 * Its word is believed where it agrees with what was parsed; where it does not, or where anything is in doubt, the
 * load's own transaction is asked for all of it. So it may fail at any time, and that costs time only.
 * docs/verification.md says why this is sound.
 *
 * Calls are made by one thread, the load's.
 */
struct verifier;
/* For loads of the connection t; NULL where the target cannot (SQLite). Connects when it is first needed. t is borrowed
 * for the call, what its config points to until verifier_free. */
struct verifier *verifier_new(const struct target *t);
void verifier_free(struct verifier *v); /* ends its statement and thread; NULL is fine */
/* A transaction was begun, and no row was sent. line_from: of a chunk, else 0. */
void verifier_begin(struct verifier *v, const struct load *l, int64_t line_from);
/* b was sent after all the others, lines ascending; parsed: sums of all that was sent, b too; answered: rows of the load
 * that the server has answered for (target_load_rows). */
void verifier_sent(struct verifier *v, const struct batch *b, const struct sums *parsed, int64_t answered);
/* The load is over, one way or another: what was summed is forgotten. NULL is fine. */
void verifier_end(struct verifier *v);
/*
 * As parsed against as stored, before COMMIT: 0 equal, 1 different, and *ret says in what. v may be NULL, then the load's
 * transaction alone is asked.
 */
NODISCARD int load_verify(struct load *l, struct verifier *v, const struct sums *parsed,
                          struct sums_diff *ret, struct err *err);
#endif

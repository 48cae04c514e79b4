#ifndef STATE_STORE_H
#define STATE_STORE_H
#include "base/err.h"
#include <stdint.h>
/*
 * The state file: one SQLite database, WAL, synchronous=FULL, foreign_keys=ON, busy_timeout. Opened on the main
 * thread only. A file of a newer orch is ERR_STATE_NEWER; one on a network file system is refused; ENOSPC and
 * SQLITE_FULL are ERR_DISK_FULL; SQLITE_BUSY past the time-out is ERR_BUSY. store_int.h is for state/ alone.
 */
struct store;
enum store_mode { STORE_CREATE, STORE_OPEN, STORE_READ }; /* READ: read-only, ERR_NOT_FOUND when missing */
NODISCARD int store_open(const char *path, enum store_mode mode, struct store **ret, struct err *err);
void store_close(struct store *s); /* NULL is fine; rolls back */
const char *store_path(const struct store *s);
/* Schema version of this program and the one found before migrating (0: new file). */
int store_version(const struct store *s, int *ret_found);
/*
 * One transaction: BEGIN IMMEDIATE, body, COMMIT; ROLLBACK when body fails. Not nested. Where BUSY outlasts the
 * holder's lease and the holder is stopped, store_begin ends it (LOADING.md, "Locks on one machine"); *said then
 * holds a sentence for the user (store_notice, "" else).
 */
NODISCARD int store_begin(struct store *s, struct err *err);
NODISCARD int store_commit(struct store *s, struct err *err);
void store_rollback(struct store *s); /* a no-op outside a transaction */
bool store_in_tx(const struct store *s);
const char *store_notice(struct store *s);
NODISCARD int store_check(struct store *s, struct err *err); /* PRAGMA quick_check: ERR_STATE names the damage */
#endif

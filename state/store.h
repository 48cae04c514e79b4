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
void store_close(struct store *s);             /* NULL is fine; rolls back */
const char *store_path(const struct store *s); /* absolute, symbolic links resolved */
/* Schema version of this program and the one found before migrating (0: new file). */
int store_version(const struct store *s, int *ret_found);
/*
 * One transaction: BEGIN IMMEDIATE, body, COMMIT; ROLLBACK when body fails. Not nested, never inside a listing, short,
 * and never open while anything outside is waited for. No write works outside one.
 */
NODISCARD int store_begin(struct store *s, struct err *err);
NODISCARD int store_commit(struct store *s, struct err *err);
void store_rollback(struct store *s); /* a no-op outside a transaction */
/* What is read from here to store_rollback is of one moment. Nothing is written meanwhile. */
NODISCARD int store_snapshot(struct store *s, struct err *err);
bool store_in_tx(const struct store *s);
/*
 * A process that was stopped inside a write transaction would block every other one for ever. Who calls
 * store_takeover(true) first (the tick) may end it: when BUSY lasts through the whole time-out, the holder is an orch
 * on this machine, and its recorded lease is over (or it has none and is stopped). Everybody else waits, then ERR_BUSY.
 */
void store_takeover(bool allowed);
/*
 * So too for an owner whose claim was taken over because its lease was over, though it is still there: in a target that
 * is a file, it holds a lock that nobody else can free. pid and start are of this boot.
 */
void store_end_owner(struct store *s, long pid, unsigned long long start, const char *what);
/* A sentence for the user about what open or begin had to do, "" when nothing. Reading it clears it. Borrowed. */
const char *store_notice(struct store *s);
/* How long a lock is waited for: 10 s unless told, at most 15 s. */
void store_busy_timeout(struct store *s, int64_t ms);
int64_t store_busy_count(void); /* transactions of this process that waited for the lock in vain */
NODISCARD int store_check(struct store *s,
                          struct err *err); /* PRAGMA quick_check: ERR_STATE names the damage */
#endif

#ifndef ORCHESTRATOR_LOCK_H
#define ORCHESTRATOR_LOCK_H
#include "base/err.h"
/*
 * Lock files: one per execution and claim, "<execution>.<claim>" in a folder beside the state file. The kernel frees
 * the lock when its holder dies, whatever it dies of: a free (or missing) file means that nobody lives who holds the
 * claim. Close-on-exec, never inherited. flock: the folder is local, as the state file is (store.h).
 */
struct lock;
/* Makes the file and locks it: 1 ours, 0 somebody holds it. The folder is made when it is missing. */
NODISCARD int lock_take(const char *dir, const char *name, struct lock **ret, struct err *err);
/* Deletes the file, then frees the lock. NULL is fine. */
void lock_release(struct lock *l);
/* 1 held by a living process, 0 free or missing. */
NODISCARD int lock_held(const char *dir, const char *name, struct err *err);
/* Deletes a file whose claim is over, held or not: its holder, should it still live, has lost the claim already. */
void lock_remove(const char *dir, const char *name);
/* Deletes every lock file that nobody holds: what killed processes left. Returns how many. */
NODISCARD int lock_sweep(const char *dir, struct err *err);
#endif

#ifndef STATE_STORE_COPY_H
#define STATE_STORE_COPY_H
#include "state/store.h"
/* A copy of the state file in one file, as SQLite's backup API makes it: of one moment, while others read and write. */
struct store_facts { /* of a copy */
    int version;     /* of its schema */
    int64_t bytes, pipelines, partitions, jobs, running, rejects, newest_ms;
};
/* Under a temporary name, PRAGMA integrity_check, fsync, rename, mode 0600. One that is there is replaced. */
NODISCARD int store_copy(struct store *s, const char *path, struct store_facts *ret, struct err *err);
/* Reads all of it: ERR_CONFIG where it is no state file, ERR_STATE_NEWER, ERR_STATE where it is damaged. */
NODISCARD int store_verify(const char *path, struct store_facts *ret, struct err *err);
/* Puts the copy in the place of what s holds, in one transaction of SQLite's; s is closed afterwards, whatever comes. */
NODISCARD int store_replace(struct store *s, const char *path, struct err *err);
#endif

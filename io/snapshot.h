#ifndef IO_SNAPSHOT_H
#define IO_SNAPSHOT_H
#include "io/target.h"
/*
 * Connections that see one moment of the database: START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY on each. More than
 * one needs the tables to stand still for that moment: FLUSH TABLES WITH READ LOCK, or LOCK TABLES ... READ of them on a
 * connection of its own, at most SNAPSHOT_LOCK_S seconds waited for and held only until all have begun; where the account may
 * do neither, or the locks are not to be had, there is one connection, and snapshot_notice says so.
 *
 * The connections read on until the snapshot is closed: none is made anew. c->timeout_ms is how long a statement may be
 * silent; 0: SNAPSHOT_SILENT_MS. c->beat is for the thread that opens, and is answered from it alone.
 */
#define SNAPSHOT_LOCK_S    5
#define SNAPSHOT_SILENT_MS (15 * 60 * 1000)
struct snapshot;
/* tables: "name" or "database.name", all that are going to be read; none: only the lock on everything will do. */
NODISCARD int snapshot_open(const struct target_config *c, size_t wanted, const char *const *tables,
                            size_t table_count, struct snapshot **ret, struct err *err);
void snapshot_close(struct snapshot *s); /* NULL is fine */
size_t snapshot_count(const struct snapshot *s);
struct target *snapshot_target(struct snapshot *s, size_t i); /* within its transaction; borrowed */
/* Ends whatever is asked on any of its connections, for good. From any thread. */
void snapshot_interrupt(const struct snapshot *s);
const char *snapshot_at(const struct snapshot *s); /* the database's UTC, "2022-06-05 12:34:56.123456" */
const char *
snapshot_position(const struct snapshot *s); /* "binlog.000003:4711 gtid 0-1-42"; "" where not to be known */
const char *snapshot_notice(const struct snapshot *s); /* "" */
#endif

#ifndef STEPS_BACKUP_H
#define STEPS_BACKUP_H
#include "base/json.h"
#include "io/source.h"
#include "io/target.h"
/*
 * Tables as Avro files and back. A backup of TABLE is files TABLE/RUN_0000.avro and, last of all, its manifest
 * TABLE/_manifest/TABLE/run-RUN_manifest.json (steps/manifest.h; kind full, outside every sequence), whose sql is the CREATE TABLE.
 * RUN begins with the moment, so that the newest manifest is the last by name. What no manifest lists is no backup.
 */
typedef void backup_progress_fn(int64_t rows, int64_t bytes);
struct backup_request { /* borrowed */
    const struct target_config *target;
    const struct source_config *place;
    const char *const *tables; /* "employees", "hr.employees" */
    size_t count;
    const char *codec; /* "null", "deflate" */
    size_t parallel;
    const struct beat *beat;
    backup_progress_fn *progress; /* about twice a second; NULL: none */
    int (*named)(void *arg, const char *run,
                 struct err *err); /* before anything is written; NULL: nobody asks */
    void *arg;
};
/* All tables of one moment; manifests are put when every file of every table is there. Appends to ret {table, run, manifest,
 * rows, bytes, parts, text_times, snapshot, notice}. */
NODISCARD int backup_tables(const struct backup_request *q, json_t *ret, struct err *err);

/* backup_found.c. 1: this run has a manifest of each of the tables, and ret has them as of backup_tables; 0: not of each. */
NODISCARD int backup_found(const struct source_config *place, const char *const *tables, size_t count,
                           const char *run, json_t *ret, struct err *err);
/* Runs of a table that have a manifest, the newest first, those before `before` (NULL: all). */
NODISCARD int backup_runs(const struct source_config *place, const char *table, const char *before,
                          int64_t limit,
                          int (*fn)(void *arg, const char *run, const char *manifest, struct err *err),
                          void *arg, struct err *err);

struct restore_request { /* borrowed */
    const struct target_config *target;
    const struct source_config *place;
    const char *table, *into; /* as it was called when it was backed up; and what it is to be called */
    const char *run;          /* NULL: the newest */
    bool empty, dry;
    const struct beat *beat;
    backup_progress_fn *progress;
};
/* All or nothing (io/target_restore.h). Every file is read and compared with its manifest before anything is written. *ret
 * (owned): {table, into, run, manifest, snapshot, rows, bytes, parts, made, done}; dry: nothing is written, done is false. */
NODISCARD int restore_backup(const struct restore_request *q, json_t **ret, struct err *err);
#endif

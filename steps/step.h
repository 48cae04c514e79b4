#ifndef STEPS_STEP_H
#define STEPS_STEP_H
#include "base/beat.h"
#include "base/json.h"
#include "base/period.h"
#include "io/convert.h"
#include "io/csv.h"
#include "io/source.h"
#include "io/target.h"
#include "io/throttle.h"
#include "state/store.h"
/*
 * A step is a built-in Task handler: resource arn:aws:states:<region>:<account>:activity:orch-<name>. It gets its
 * Parameters as JSON, a store, a source and a target, and returns its result as JSON. It may be killed at any
 * instruction and run again: effects are idempotent, and every write to the state file carries the task's token.
 */
enum verify_level { VERIFY_COUNT, VERIFY_SUMS, VERIFY_FULL };
enum lineage { LINEAGE_COLUMNS, LINEAGE_NONE };
enum target_mode { MODE_APPEND, MODE_UPSERT };
enum overwrite { OVERWRITE_REPLACE, OVERWRITE_REFUSE };
struct cron_zone;
struct extract;

struct replica { /* of the target, asked how far it is behind */
    const char *name;
    struct target_config config;
};
struct pipeline { /* filled by orchestrator/config.c; everything borrowed from the config */
    const char *name, *workflow, *schedule, *owner_name, *owner_email;
    const struct cron_zone *zone; /* of the schedule; NULL: UTC */
    struct source_config source;
    const char *source_name, *target_name; /* connection names */
    const char *prefix, *layout;
    enum period period;
    const char *const *include; /* NULL-ended glob patterns over the key's last part, or whole with '/' */
    int64_t since_ms, until_ms; /* starts of partitions; until inclusive, -1: open */
    int64_t settle_ms, late_after_ms, lookback_ms;
    bool allow_empty;
    bool manifest; /* only what a manifest of an extract lists is an object */
    enum overwrite on_overwrite;
    struct csv_dialect dialect;
    struct convert_config convert;
    struct target_config target;
    const char *table;
    const char *rejects_table; /* of a copy of the rejects; NULL: none */
    bool create;
    const char *const *create_types; /* per rule of convert.rules: "type" of the config, or NULL */
    enum lineage lineage;
    enum target_mode mode;
    const char *const *key; /* of an upsert: columns of a unique key; NULL or empty: the primary key */
    int64_t job_bytes, chunk_bytes, parallel;
    bool publish_chunks;
    enum verify_level verify;
    double max_rejects_percent; /* < 0: max_rejects counts */
    int64_t max_rejects;
    int64_t max_attempts;
    struct throttle max_rate;
    const struct replica *replicas;
    size_t replica_count;
    int64_t max_lag_ms; /* of each replica */
    const struct extract
        *extract; /* NULL: files into the database; else the way back, and of what is above only name,
                                      flow, source (where files go), target (the database), late_after_ms, max_attempts */
    int64_t small_percent, small_weeks; /* so much fewer rows than its like is SMALL; 0 weeks: not judged */
};

/* What any task may reach, whatever its pipeline, by the names of orch.json. Filled by orchestrator/config.c. */
enum reach { REACH_DATABASE, REACH_FILES, REACH_HTTP };
struct step_connection {
    const char *name, *url;
    enum reach kind;
    struct target_config target; /* REACH_DATABASE */
    struct source_config source; /* REACH_FILES */
    const char *ca_file, *token,
        *token_header;              /* REACH_HTTP; token NULL: none; header NULL: Authorization: Bearer */
    const char *missing_credential; /* REACH_HTTP: it should hold the token; NULL: none */
};
struct step_world {
    const char *folder; /* of orch.json */
    const struct step_connection *connections;
    size_t connection_count;
    const char *const *environment; /* "NAME=value", NULL-ended: what a command gets of ours */
};
/* ERR_CONTRACT names the nearest, or says what kind it is. */
NODISCARD int step_connection(const struct step_world *w, const char *name, enum reach kind,
                              const struct step_connection **ret, struct err *err);

struct step_type;
/* The connection that a definition names is one, and of the step's kind: asked before anything is started. */
NODISCARD int step_check_connection(const struct step_type *type, const struct step_world *w,
                                    const json_t *parameters, struct err *err);

struct step_io; /* the open source and target of a pipeline; lives as long as the process works it */
struct step_io *step_io_new(const struct pipeline *p);
void step_io_free(struct step_io *io); /* NULL is fine */

enum { STEP_KEY = 33 };
struct step_ctx {
    struct store *store;
    const struct pipeline *pipeline;
    struct step_io *io;
    const char *token; /* of this attempt; NULL outside an execution (a person's command) */
    int64_t execution_id;
    const char *execution_name;
    int64_t lease_ms; /* how far a heartbeat moves the lease */
    struct beat beat; /* call often; throttled by the engine */
    char *flag_id; /* owned by the engine: set by steps that hold the flag, so that beats renew its lease */
    /* For tasks that are nobody's but the definition's: pipeline may be NULL there. */
    const struct step_world *world;
    const char *state;                         /* the state's name */
    int64_t attempt, timeout_ms, heartbeat_ms; /* of the task; 0: none */
    char
        key[STEP_KEY]; /* the same for every attempt at this visit to the state, and no other's; "" outside */
    char *
        cause; /* owned by the engine: of a failure, in place of err's message; up to MAX_CAUSE bytes of UTF-8 */
};
/* entered: id of the state's ...StateEntered event. */
void step_key(const char *execution, int64_t started_ms, int64_t entered, char out[STEP_KEY]);
void step_set_cause(struct step_ctx *c, const char *p,
                    size_t n); /* what is no UTF-8 is shown as \xNN; cut at MAX_CAUSE */
/* Open on first use, kept for the next step. Borrowed. */
NODISCARD int step_source(struct step_ctx *c, struct source **ret, struct err *err);
NODISCARD int step_target(struct step_ctx *c, struct target **ret, struct err *err);

struct step_type {
    const char *name; /* "generate-queue" */
    int (*run)(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err);
    const char *doc; /* one line: parameters -> result */
    /* Their names, '?' behind those that may be missing, '!' behind those that stand in the definition itself: no ".$", so
     * that no input chooses what is run or reached. NULL: not checked. */
    const char *parameters;
    /* What is wrong with those that stand in the definition, whatever its data ("name.$" counts as given): ERR_CONTRACT, in
     * the words of run. NULL: run alone knows. */
    int (*check)(const json_t *parameters, struct err *err);
};
extern const struct step_type step_types[]; /* ends with name NULL; steps/all.c */
/* By Resource ARN (any region and account); NULL when none of ours. */
const struct step_type *step_by_resource(const char *resource);

/* It works on a pipeline, and so cannot run in a definition of its own. */
bool step_of_pipeline(const struct step_type *type);

/*
 * The keys of a state's Parameters (".$" is not part of a name) against the step's: what the step does not know, or
 * needs and is not given, is ERR_CONTRACT and named, before anything is done; and so is a literal that it can make nothing of.
 */
NODISCARD int step_check_parameters(const struct step_type *type, const json_t *parameters, struct err *err);
bool step_has_literals(const struct step_type *type); /* then a state without Parameters is refused too */

/* Shared by steps, commands and tests; each in the file of its name. */
/* rebuild.c: brings the state file in line with the target's ledger when the fence is not where this file left it.
 * 1: rebuilt, 0: nothing to do. */
NODISCARD int step_rebuild(struct step_ctx *c, struct err *err);
/* reconcile.c: compares one job's source sums with what the target holds now; records the result. differences gets
 * an array of {column, what, source, target, object}. recount: read the objects again instead of trusting the ledger. */
NODISCARD int step_reconcile_job(struct step_ctx *c, int64_t job_id, bool recount, const char **ret_verdict,
                                 json_t **ret_differences, struct err *err);
/*
 * diff.c: reads a job's objects again and the rows that the table holds of them, side by side. Each difference is an
 * object in found: {job, object, line, what, column, source, target}; what: "value" (of a column), "missing" (a row that
 * is not in the table), "extra" (one that is in the table alone), "object" (it is gone, or another one than was loaded:
 * nothing to compare with). Counts go on when found is full. Writes nothing.
 */
struct diff {
    json_t *found; /* borrowed */
    size_t limit;
    int64_t rows_source, rows_target, values, missing, extra, objects;
};
struct job;
NODISCARD int step_diff_job(struct step_ctx *c, const struct job *job, struct diff *io, struct err *err);
/* files.c: the files of one partition, those that include takes, by key; and the records of one as they come (fn: 0 go
 * on, 1 enough). Nothing is recorded. */
NODISCARD int step_files(struct step_ctx *c, int64_t start_ms,
                         int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                         struct err *err);
/* The same of everything below a prefix of the connection, whatever the layout. */
NODISCARD int step_files_below(struct step_ctx *c, const char *prefix,
                               int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                               struct err *err);
NODISCARD int step_records(struct step_ctx *c, const struct object_info *o,
                           int (*fn)(void *arg, const struct csv_record *rec, struct err *err), void *arg,
                           struct err *err);
/* generate_queue.c: would list and queue; with dry true nothing is written and *ret_plan (owned) tells, one object per
 * partition: {partition, action, reason, objects, bytes}. */
NODISCARD int step_generate_queue(struct step_ctx *c, bool dry, json_t **ret_plan, struct err *err);
/* create.c: makes the target table of a pipeline with create: true, from a sample of its first objects. 1 made, 0 was there. */
NODISCARD int step_create_table(struct step_ctx *c, struct err *err);
#endif

#ifndef STEPS_OBJECT_INT_H
#define STEPS_OBJECT_INT_H
/* Shared by steps/ alone: one object from its source to typed batches, and its rejects on their way to the state. */
#include "base/limits.h"
#include "io/loader.h"
#include "state/queue.h"
#include "state/reject.h"
#include "steps/pressure.h"
#include "steps/step.h"

/*
 * What rows_read hands its findings to. Any member may be NULL. A negative answer ends the reading with that error.
 * begin comes once, when header and table have been matched, and not at all for an object without records. A batch
 * stays as it is until the call after it is back: the next batch, or end, which comes when all have been given.
 */
struct row_sink {
    int (*begin)(void *arg, const int *columns, size_t count, struct err *err);
    int (*batch)(void *arg, const struct batch *b, struct err *err);
    int (*reject)(void *arg, const struct reject_info *why, struct err *err);
    int (*end)(void *arg, struct err *err);
    void *arg;
};
/* Reads the object of l whole. Errors name file and line. def borrowed. */
NODISCARD int rows_read(struct step_ctx *c, const struct load_row *l, const struct table *def,
                        const struct row_sink *sink, struct rows_result *ret, struct err *err);
/* The same bytes without parsing them: sha256 alone. */
NODISCARD int object_sha256(struct step_ctx *c, const struct load_row *l, char ret[65], struct err *err);
/* What was read, against what the manifest says that lists it, if one does: ERR_MISMATCH. */
NODISCARD int object_as_said(const struct load_row *l, int64_t records, const char *sha256, struct err *err);
/* Last part of the key, printable: for messages. */
#define KEY_NAME_SIZE 200
const char *key_name(const char *key, char out[KEY_NAME_SIZE]);

/* Collected copy of a job's loads; release with loads_release. */
struct loads {
    struct load_row *rows;
    size_t n;
};
NODISCARD int loads_get(struct store *s, int64_t job_id, struct loads *ret, struct err *err);
void loads_release(struct loads *l);
/* rejects.c: commits them to the state file as PENDING. first: what stood under the load id goes. */
NODISCARD int rejects_store(struct step_ctx *c, const struct reject_row *rows, size_t n, bool first,
                            struct err *err);
#define MAX_REJECTS_KEPT 1000000 /* of one object, whatever the percentage allows */

/* step.c: a connection and a source for each of n lanes; the first of each are the step's own, which belong to the
 * loader until step_lanes_back. */
struct lanes {
    struct source *sources[MAX_PARALLEL];
    struct target *targets[MAX_PARALLEL];
};
struct load_job {
    struct step_ctx *c;
    const struct job *job;
    struct target *target;
    struct table *def;
    struct upsert {          /* upsert.c; key NULL: rows are appended */
        struct table *stage; /* owned */
        const struct table_key *key;
    } upsert;
    int64_t epoch;
    struct pressure *pressure; /* what holds it back */
    int64_t connections,
        chunk_bytes; /* as configured, or fewer where the server has no room: load_limits.c */
    int64_t commits; /* of ours, so far: each moves the fence's seq by one */
};
enum loading_how {
    LOADING_DONE, /* nothing is to be loaded: it is, or the same bytes are */
    LOADING_ALONE,
    LOADING_SHARED, /* small and new: may share a transaction with others */
    LOADING_CHUNKS
};
/* One object of a job on its way into the target. */
struct loading {
    struct load_job *job;
    struct load_row *row;
    enum loading_how how;
    int64_t replaces;                 /* load id of the generation that is there; 0: none */
    struct loader_refused refused;    /* owned; where rows are put by key */
    size_t refused_known;             /* of them, at the last try */
    bool careful;                     /* the server refused a row of it: now row by row */
    bool planned;                     /* chunks of it may be there already */
    int64_t rejects;                  /* put into the state file so far */
    bool over;                        /* more of them than the budget allows */
    char first[760], first_hint[200]; /* the first one as a sentence */
};
struct loads;
/* load_limits.c: fills connections and chunk_bytes. */
NODISCARD int load_limits(struct load_job *j, const struct loads *loads, struct err *err);
/* load_plan.c: what the ledger knows of each object decides. all: as many as loads, zeroed. */
NODISCARD int load_plan(struct load_job *j, struct loads *loads, struct loading *all, struct err *err);
/* load_run.c: whole objects, in order, several at a time as `parallel` and their sizes allow. */
NODISCARD int load_run(struct load_job *j, struct loading *all, size_t n, struct err *err);
/* load_run.c: what every run of the load pipeline for this job has in common; the rest is the caller's to fill. label,
 * lanes and beat are borrowed until the run is over. */
struct loader_config load_config(const struct load_job *j, const char *label, const struct lanes *lanes,
                                 size_t n, const struct beat *beat);
/* load_chunks.c: one large object. */
NODISCARD int load_chunks(struct load_job *j, struct loading *l, struct err *err);
/* load_chunks.c: chunks of objects that nobody is going to load any more are taken back, and the stage is swept. */
NODISCARD int load_orphans(struct load_job *j, struct err *err);
/* reject_restore.c: reads a loaded object again to restore its rejects, without loading. */
NODISCARD int load_restore_rejects(const struct load_job *j, const struct load_row *l, struct err *err);

/* Shared by load_run.c and load_chunks.c, each in the file of its name. */
struct object_info object_info_of(const struct load_row *l);  /* rows.c; borrows from l */
void job_label(const struct job *j, char out[JOB_NAME_SIZE]); /* rejects.c: "2022-06-05T12#2" */
/* rejects.c: a page of rejects of these objects (in order of their load ids in the page) into the state file. */
NODISCARD int loading_rejects(struct loading *const *all, size_t n, const struct reject_page *p,
                              struct err *err);
/* rejects.c: over the budget at the end of the file. records: data records read */
bool loading_is_over(const struct loading *l, int64_t rejects, int64_t records);
/* rejects.c: ERR_TOO_MANY_REJECTS with the first reject in words; those put stay, as FAILED. */
NODISCARD int loading_refuse(struct loading *l, int64_t rejects, struct err *err);
NODISCARD int step_lanes(struct step_ctx *c, size_t n, int64_t epoch, struct lanes *ret, struct err *err);
void step_lanes_back(struct step_ctx *c);

/* Verification level with which sums are wanted at all. */
static inline bool wants_sums(const struct pipeline *p)
{
    return p->verify != VERIFY_COUNT;
}
/* The same of verify: full. Rows by key are summed as those that a load owns, of which nobody can say the least. */
static inline bool wants_full(const struct pipeline *p)
{
    return p->verify == VERIFY_FULL && p->mode == MODE_APPEND;
}
#endif

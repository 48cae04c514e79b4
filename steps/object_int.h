#ifndef STEPS_OBJECT_INT_H
#define STEPS_OBJECT_INT_H
/* Shared by steps/ alone: one object from its source to typed batches, and its rejects on their way to the state. */
#include "base/limits.h"
#include "io/rows.h"
#include "state/queue.h"
#include "state/reject.h"
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
/* Last part of the key, printable: for messages. */
#define KEY_NAME_SIZE 200
const char *key_name(const char *key, char out[KEY_NAME_SIZE]);

/* Rejects: collected and committed to the state file as PENDING in bounded chunks. */
struct rejects_out {
    struct step_ctx *c;
    int64_t load_id, count, kept;
    struct reject *rows; /* owned */
    size_t n;
    struct arena *arena;
    size_t bytes;
    bool started;
    char first[760], first_hint[200]; /* the first one as a sentence */
};
void rejects_init(struct rejects_out *r, struct step_ctx *c, int64_t load_id);
NODISCARD int rejects_add(struct rejects_out *r, const struct reject_info *why, const char *key,
                          struct err *err);
NODISCARD int rejects_flush(struct rejects_out *r,
                            struct err *err); /* also with none: replaces what stood there */
void rejects_release(struct rejects_out *r);
#define MAX_REJECTS_SHOWN                                                                                    \
    1000 /* read on past a burst budget for so many, so that a person sees the pattern */
#define MAX_REJECTS_KEPT 1000000 /* of one object, whatever the percentage allows */

/* load_object.c: one object, one transaction. The load is LOADED, EMPTY or SAME afterwards. 1: committed by this very
 * call, 0: it was there before. */
struct load_job {
    struct step_ctx *c;
    const struct job *job;
    struct target *target;
    struct table *def;
    int64_t epoch;
};
NODISCARD int load_object(const struct load_job *j, struct load_row *l, struct err *err);
/* Reads a loaded object again to restore its rejects, without loading. */
NODISCARD int load_restore_rejects(const struct load_job *j, const struct load_row *l, struct err *err);

/* Collected copy of a job's loads; release with loads_release. */
struct loads {
    struct load_row *rows;
    size_t n;
};
NODISCARD int loads_get(struct store *s, int64_t job_id, struct loads *ret, struct err *err);
void loads_release(struct loads *l);
/* Verification level with which sums are wanted at all. */
static inline bool wants_sums(const struct pipeline *p)
{
    return p->verify != VERIFY_COUNT;
}
#endif

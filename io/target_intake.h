#ifndef IO_TARGET_INTAKE_H
#define IO_TARGET_INTAKE_H
#include "io/target.h"
/*
 * One transaction that takes rows in, for orchestrator/intake.h: key, rows, rejects, answer, COMMIT. Without the fence and the
 * ledger of a load, behind which writers would stand in a queue: here any number of connections write at once, and what
 * makes a request happen once is its key.
 */
struct intake_counts {
    int64_t records, stored, rejected;
};
struct intake_spec {         /* borrowed until the transaction is over */
    const char *name;        /* of the dictionary's table: for keys and rejects */
    const struct table *def; /* where rows go; its lineage columns stay NULL */
    const int *columns;      /* as batch_new got them */
    size_t column_count;
    const char *key; /* NULL: none */
    const unsigned char *body_sha256;
    const char *source, *who;
    bool undo; /* target_intake_undo may be wanted */
    /* A row that the server refuses; the others go in. */
    int (*on_reject)(void *arg, const struct batch *b, size_t row, const struct reject_info *why,
                     struct err *err);
    void *arg;
};
struct intake;
/* 1: a transaction is open; 2: the key was there, with the same body: *ret_counts and *ret_answer are of then. ERR_CONFLICT:
 * with another one; ERR_BUSY: one with this key is under way, for longer than locks are waited for. */
NODISCARD int target_intake_begin(struct target *t, const struct intake_spec *s, struct intake **ret,
                                  struct intake_counts *ret_counts, struct buf *ret_answer, struct err *err);
NODISCARD int target_intake_rows(struct intake *x, const struct batch *b, struct err *err);
int64_t target_intake_stored(const struct intake *x); /* by now, as the server counted */
/* Which of these values are in the column of another table: fn gets each that is, and it stays until the end. */
NODISCARD int target_intake_find(struct intake *x, const char *table, const char *column,
                                 const struct val *values, size_t n, row_fn *fn, void *arg, struct err *err);
struct intake_reject {
    int64_t record; /* the first is 1 */
    struct reject_info why;
};
NODISCARD int target_intake_reject(struct intake *x, const struct intake_reject *r, struct err *err);
/* All rows and rejects out again; with key_too as if it had not come either. */
NODISCARD int target_intake_undo(struct intake *x, bool key_too, struct err *err);
/*
 * Frees x. 0: committed, for certain, also where the answer was lost, or was no yes, and the key settled it. ERR_UNAVAILABLE
 * with native TARGET_COMMIT_UNKNOWN: nobody knows. Any other error: not committed, for certain. answer "": none is kept.
 */
NODISCARD int target_intake_commit(struct intake *x, bool refused, const struct intake_counts *n,
                                   const char *answer, struct err *err);
void target_intake_abort(struct intake *x); /* rolls back, frees; NULL is fine */

/* Single columns of the table that a foreign key of its own looks after: column, schema, table, column, the connection's schema. */
NODISCARD int target_intake_foreign(struct target *t, const struct table *def, row_fn *fn, void *arg,
                                    struct err *err);
NODISCARD int target_has_intake(struct target *t, struct err *err); /* 1 yes, 0 no */
NODISCARD int target_intake_grants(struct target *t, const char *user, const char *table,
                                   const char *const *references, size_t n, struct buf *ret, struct err *err);

struct intake_logged { /* strings for the call */
    int64_t id, record, line, raw_total, at_ms;
    const char *source, *column, *code, *message, *hint, *who;
    struct str raw;
};
typedef int intake_logged_fn(void *arg, const struct intake_logged *r, struct err *err);
/* Rejects of a table in the order of their logging, behind `after`; code, column, source NULL: of all; limit < 0: all. */
struct intake_filter {
    const char *name, *code, *column, *source;
    int64_t after, limit;
};
NODISCARD int target_intake_rejects(struct target *t, const struct intake_filter *f, intake_logged_fn *fn,
                                    void *arg, struct err *err);
/* In groups, the largest first, each with its first reject. */
struct intake_by {
    bool code, column, source;
};
struct intake_group {                   /* strings for the call */
    const char *code, *column, *source; /* "" where not grouped by it */
    int64_t count, first_record;
    const char *first_source, *first_message;
};
NODISCARD int target_intake_groups(struct target *t, const struct intake_filter *f,
                                   const struct intake_by *by,
                                   int (*fn)(void *arg, const struct intake_group *g, struct err *err),
                                   void *arg, struct err *err);

/* What a caller keeps with a connection: freed with the target. serial changes with each new connection. */
void target_keep(struct target *t, void *p, void (*release)(void *p));
void *target_kept(const struct target *t);
NODISCARD int target_serial(struct target *t, int64_t *ret, struct err *err); /* of a live one */
#endif

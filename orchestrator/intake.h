#ifndef ORCHESTRATOR_INTAKE_H
#define ORCHESTRATOR_INTAKE_H
#include "io/csv.h"
#include "io/dictionary.h"
#include "io/target.h"
/*
 * Rows into a table of the data dictionary: from a request's body (orch serve) or a file (orch load). One transaction of the
 * target holds the rows, what was rejected, and, where there is a key, the key with its answer: all of it is there, or
 * nothing. A key that is there already gives the answer that was given, and stores nothing.
 */
enum { INTAKE_MAX_ROWS = 1000 };
/* 1: *ret is the next record, borrowed until the next call; 0: no more. */
typedef int intake_next(void *arg, struct csv_record *ret, struct err *err);
struct intake_ask { /* borrowed */
    const struct dict_table *table;
    const struct csv_record
        *header; /* names of the columns that the records fill; NULL: by the dictionary's order */
    bool json;   /* a bare empty field is NULL and nothing else is; texts are quoted (io/json_rows.h) */
    intake_next *next;
    void *arg;
    bool partial;             /* good rows in, bad ones to orch_intake_reject; else one bad row ends all */
    int64_t max_rows;         /* one more is ERR_TOO_LARGE and nothing is stored; 0: as many as come */
    const char *key;          /* NULL: none */
    unsigned char sha256[32]; /* of the body, for the key */
    const char *source;       /* what rejects name: the request's id, or the file */
    const char *who;
    /* What became of a record, in order: why NULL: it is in, as far as the rest allows. NULL: nobody asks. */
    int (*told)(void *told_arg, int64_t record, const struct reject_info *why, struct err *err);
    void *told_arg;
    /* Behind the last record, before COMMIT: the text to keep with the key. NULL: none is kept. */
    int (*answer)(void *told_arg, const struct intake_counts *n, struct buf *ret, struct err *err);
};
/*
 * 1: stored (or, atomic with a bad row: nothing stored but the rejects and the key, in a transaction of their own, so that the
 * answer repeats); 2: the key was there: *ret_answer is what was answered. ERR_CONFLICT: the key is there with another body;
 * ERR_BUSY: a request with this key is under way.
 */
NODISCARD int intake_take(struct target *t, const struct intake_ask *a, struct intake_counts *ret,
                          struct buf *ret_answer, struct err *err);
#endif

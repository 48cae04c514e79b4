#ifndef ORCHESTRATOR_INTAKE_H
#define ORCHESTRATOR_INTAKE_H
#include "io/csv.h"
#include "io/dictionary.h"
#include "io/target_intake.h"
/*
 * Rows into a table of the data dictionary: from a request's body (orch serve) or a file (orch load). One transaction of the
 * target holds the rows, what was rejected, and, where there is a key, the key with its answer: all of it is there, or
 * nothing. A key that is there already gives the answer that was given, and stores nothing.
 */
/* 1: *ret is the next record, borrowed until the next call; 0: no more. */
typedef int intake_next(void *arg, struct csv_record *ret, struct err *err);
struct intake_ask { /* borrowed */
    const struct dict_table *table;
    const struct csv_record *header; /* names of the columns that the records fill; NULL: see first_names */
    bool first_names;                /* the first record names them; else the dictionary's order does */
    /* A bare empty field is NULL and nothing else is; texts are quoted (io/json_rows.h). Columns that the header does not
     * name are NULL in every record, or have their default. */
    bool json;
    intake_next *next;
    void *arg;
    bool partial; /* good rows in, bad ones to orch_intake_reject; else one bad row ends all */
    bool bounded; /* one more than max_rejects, or than so many hundredths, ends all too */
    int64_t max_rejects;
    double max_percent;       /* < 0: by max_rejects */
    int64_t max_rows;         /* one more is ERR_TOO_LARGE and nothing is stored; 0: as many as come */
    bool dry_run;             /* all of it, and then taken back; nothing is logged */
    const char *key;          /* NULL: none. At most 300 bytes */
    unsigned char sha256[32]; /* of the body, for the key */
    bool forget;              /* what stored nothing keeps no key: the same again is tried again */
    const char *source;       /* what rejects name: the request's id, or the file */
    const char *who;
    /* What became of a record (the first is 1), in order: why NULL: it is in, as far as the rest allows. NULL: nobody asks. */
    int (*told)(void *told_arg, int64_t record, const struct reject_info *why, struct err *err);
    void *told_arg;
    /* Behind the last record, before COMMIT: the text to keep with the key (ret empty: none), told of counts as they will be.
     * A negative answer takes all back. NULL: none is kept. */
    int (*answer)(void *told_arg, const struct intake_counts *n, struct buf *ret, struct err *err);
};
/*
 * 1: done: stored, or, where one bad row ends all and there is one, nothing stored (ret->stored 0) but the rejects and the key,
 * so that the answer repeats. *ret_answer is what answer wrote. 2: the key was there: *ret_answer is what was answered then,
 * and *ret what was counted. ERR_CONFLICT: the key is there with another body; ERR_BUSY: a request with this key is under
 * way. ERR_UNAVAILABLE with native TARGET_COMMIT_UNKNOWN: the answer to COMMIT was lost and nobody knows, which a key
 * settles by asking again. ERR_SCHEMA: header and table do not fit. After any error nothing is stored, but for that one.
 */
NODISCARD int intake_take(struct target *t, const struct intake_ask *a, struct intake_counts *ret,
                          struct buf *ret_answer, struct err *err);
#endif

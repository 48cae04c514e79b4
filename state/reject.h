#ifndef STATE_REJECT_H
#define STATE_REJECT_H
#include "state/store.h"
struct reject {
    int64_t load_id, line, offset, raw_total;
    const char *column, *code, *message, *hint, *raw_sha256, *state;
    const void *raw;
    size_t raw_n;
    /* filled by reject_list; reject_page leaves those of object and job NULL: */
    const char *pipeline, *part, *key, *job_state;
    const char *who, *reason; /* of REPLAYED and DISCARDED */
    int64_t job_n, at_ms, decided_ms;
};
/* Deletes what stood under the load id and writes these as PENDING, in chunks of one transaction each under the token:
 * call with first=true for the first chunk. */
NODISCARD int reject_put(struct store *s, const char *token, int64_t load_id, const struct reject *rows,
                         size_t n, bool first, int64_t now_ms, struct err *err);
/* Forgets those PENDING whose records begin in these bytes: a chunk is going to be read again. */
NODISCARD int reject_forget(struct store *s, const char *token, int64_t load_id, int64_t offset_from,
                            int64_t offset_to, struct err *err);
/* A failed attempt's rejects stay to be looked at: PENDING -> FAILED. */
NODISCARD int reject_keep_failed(struct store *s, const char *token, int64_t load_id, struct err *err);
typedef int reject_fn(void *arg, const struct reject *r, struct err *err);
struct reject_filter {
    const char *pipeline, *part; /* part NULL: all */
    const char *code, *column;   /* NULL: any; column "": of the record as a whole */
    const char *state;           /* NULL: open (PENDING, FINAL, FAILED); "": any */
    int64_t limit;               /* < 0: none */
};
/* By part, key, line. */
NODISCARD int reject_list(struct store *s, const struct reject_filter *f, reject_fn *fn, void *arg,
                          struct err *err);
/* The same by load id and line, behind those two: a page. Of one pipeline. */
NODISCARD int reject_after(struct store *s, const struct reject_filter *f, int64_t after_load,
                           int64_t after_line, reject_fn *fn, void *arg, struct err *err);
/* Groups, the largest first, each with its first reject as an example. */
enum { REJECT_BY_CODE = 1, REJECT_BY_COLUMN = 2, REJECT_BY_FILE = 4 };
struct reject_group {
    const char *code, *column, *key; /* "" where not grouped by it */
    int64_t count, line;
    bool by_record; /* line is the number of a record instead */
    const char *part, *first_key, *first_column, *first_code, *message;
};
NODISCARD int reject_by(struct store *s, const struct reject_filter *f, int by,
                        int (*fn)(void *arg, const struct reject_group *g, struct err *err), void *arg,
                        struct err *err);
/* Of each pipeline that has any; other: of files that were not loaded (yet). What is REPLAYED or DISCARDED does not
 * count. */
NODISCARD int reject_counts(struct store *s,
                            int (*fn)(void *arg, const char *pipeline, int64_t final, int64_t other,
                                      struct err *err),
                            void *arg, struct err *err);

/* Loaded files that have FINAL rejects which the filter takes: load ids, owned. */
NODISCARD int reject_loads(struct store *s, const struct reject_filter *f, int64_t **ret_ids, size_t *ret_n,
                           struct err *err);
/* The next `limit` of one load behind a line, of one state; code and column of the filter count. */
NODISCARD int reject_page(struct store *s, int64_t load_id, int64_t after_line, const struct reject_filter *f,
                          reject_fn *fn, void *arg, struct err *err);

/*
 * reject_decide.c: what becomes of rejects. The ledger is written first and has the last word (orch_reject there), so
 * each of these may be the last thing that happens: the next rebuild puts it right.
 */
struct reject_lines {
    const char *pipeline;
    int64_t load_id;
    const int64_t *lines;
    size_t n;
};
/* Before the target's COMMIT: FINAL -> PENDING, and the ledger is to be read again, whatever happens. */
NODISCARD int reject_doubt(struct store *s, const char *token, const struct reject_lines *l, struct err *err);
struct reject_outcome {
    const char *state; /* REPLAYED, DISCARDED */
    const char *who, *reason;
    int64_t at_ms;
};
/* After it. Rows that were REPLAYED count as loaded, once. */
NODISCARD int reject_settle(struct store *s, const char *token, const struct reject_lines *l,
                            const struct reject_outcome *o, struct err *err);
/* Refused again: code, column, message and hint of rows; the rest of them is not read. */
NODISCARD int reject_reasons(struct store *s, const char *token, int64_t load_id, const struct reject *rows,
                             size_t n, struct err *err);
/* What the ledger says of the load now. */
NODISCARD int load_recount(struct store *s, const char *token, int64_t load_id, int64_t rows_loaded,
                           int64_t rows_rejected, const char *columns, struct err *err);
/*
 * A rebuild: begin, every decision that the target holds of the pipeline, end. What it does not hold is FINAL again.
 * Inside a transaction each. reject_verdict: counts says whether newly REPLAYED rows count as loaded.
 */
struct reject_verdict_row {
    int64_t load_id, line;
    struct reject_outcome outcome;
};
NODISCARD int reject_verdicts_begin(struct store *s, const char *pipeline, struct err *err);
NODISCARD int reject_verdict(struct store *s, const char *pipeline, const struct reject_verdict_row *v,
                             bool counts, struct err *err);
NODISCARD int reject_verdicts_end(struct store *s, const char *pipeline, struct err *err);
#endif

#ifndef STATE_EXTRACTION_H
#define STATE_EXTRACTION_H
#include "state/store.h"
/*
 * Runs of extracts: a row for each table of a run, PLANNED > WRITING > WRITTEN > PUBLISHED; FAILED (will be tried again),
 * DEAD (given up), SUPERSEDED. Windows and watermarks are the database's own text. Each write is one transaction, under the
 * step's token (NULL: a person's command).
 */
struct extraction {
    int64_t id, seq, rows, bytes, parts, took_ms, attempts, tries, not_before_ms, execution_id, created_ms,
        updated_ms;
    int64_t stamp_ms; /* of the newest attempt; 0: none yet */
    bool verify;
    char *pipeline, *run, *name, *kind, *state, *stamps, *manifest_key, *manifest, *sql,
        *notice; /* owned, as all below */
    char *error, *message, *hint, *reason, *who;
    char *from, *to; /* NULL: open there */
    char *of;        /* where its rows come from, and go */
};
void extraction_release(struct extraction *e);
typedef int extraction_fn(void *arg, const struct extraction *e, struct err *err);
/* What is to be taken: kind, seq, from, to, verify, notice, reason, who, of one run. Those that are DEAD and of the
 * sequence are superseded by one that is. */
NODISCARD int extraction_plan(struct store *s, const char *token, const char *pipeline, const char *run,
                              const struct extraction *rows, size_t n, int64_t now_ms, struct err *err);
/* The oldest run that may be worked at now_ms, owned: 1, or 0. */
NODISCARD int extraction_open(struct store *s, const char *pipeline, int64_t now_ms, char **ret_run,
                              struct err *err);
/* 1: a run of the sequence is under way or waits; 2: it is DEAD; 0. */
NODISCARD int extraction_sequence(struct store *s, const char *pipeline, struct err *err);
/* Rows of a run, in order. With the manifests, of those that are not PUBLISHED yet. */
NODISCARD int extraction_run(struct store *s, const char *pipeline, const char *run, extraction_fn *fn,
                             void *arg, struct err *err);
NODISCARD int extraction_newest(struct store *s, const char *pipeline, int64_t limit, extraction_fn *fn,
                                void *arg, struct err *err);
NODISCARD int extraction_bad(struct store *s, const char *pipeline, extraction_fn *fn, void *arg,
                             struct err *err);
/* An attempt begins: all of the run's rows that are not PUBLISHED are WRITING under a stamp (ms, whole seconds) that no
 * attempt of the pipeline had before. */
NODISCARD int extraction_stamp(struct store *s, const char *token, const char *pipeline, const char *run,
                               int64_t execution_id, int64_t now_ms, int64_t *ret_stamp_ms, struct err *err);
/* All tables of the attempt, at once. ERR_LOCK_LOST where another attempt has begun since. */
NODISCARD int extraction_written(struct store *s, const char *token, const struct extraction *rows, size_t n,
                                 int64_t now_ms, struct err *err);
/* Its manifest is there: PUBLISHED, and the watermark moves (seq >= 0), never backwards. */
NODISCARD int extraction_published(struct store *s, const char *token, const struct extraction *e,
                                   int64_t now_ms, struct err *err);
/* A window of the sequence in which there were no rows: PUBLISHED without a manifest, the watermark stays where it is. */
NODISCARD int extraction_nothing(struct store *s, const char *token, const struct extraction *e,
                                 int64_t now_ms, struct err *err);
struct extraction_failure {
    const char *error, *message, *hint;
    bool counts; /* towards DEAD */
    bool wrong;  /* what is WRITTEN is not what it should be: it is read anew */
    int64_t max_attempts, not_before_ms, now_ms;
};
NODISCARD int extraction_failed(struct store *s, const char *token, const char *pipeline, const char *run,
                                const struct extraction_failure *f, struct err *err);
/* Its table is no longer asked for: SUPERSEDED, and message says why. */
NODISCARD int extraction_drop(struct store *s, const char *token, int64_t id, const char *message,
                              int64_t now_ms, struct err *err);
/* What FAILED may be tried at once. */
NODISCARD int extraction_again(struct store *s, const char *pipeline, struct err *err);
/* That too, and what is DEAD is FAILED again, with all its attempts. */
NODISCARD int extraction_retry(struct store *s, const char *pipeline, struct err *err);
/* What has been published of each table: runs that wrote something, their rows and bytes, when the newest run came to its
 * end, and up to where the sequence has taken (NULL: no window). */
struct extraction_total {
    const char *name, *to; /* borrowed */
    int64_t runs, rows, bytes, at_ms;
};
NODISCARD int extraction_totals(struct store *s, const char *pipeline,
                                int (*fn)(void *arg, const struct extraction_total *t, struct err *err),
                                void *arg, struct err *err);

struct watermark {
    char *value, *run; /* owned; value NULL: of full runs */
    char *of;          /* owned: of which rows, from where to where, it speaks; "" not known */
    int64_t seq, at_ms;
};
void watermark_release(struct watermark *w);
NODISCARD int watermark_get(struct store *s, const char *pipeline, const char *name, struct watermark *ret,
                            struct err *err); /* 1, or 0: none, seq is -1 then */
/* A person says that it speaks of these rows. */
NODISCARD int watermark_moved(struct store *s, const char *token, const char *pipeline, const char *name,
                              const char *of, struct err *err);
/* As a manifest at the sink says; never backwards. */
NODISCARD int watermark_adopt(struct store *s, const char *token, const char *pipeline, const char *name,
                              const struct watermark *w, struct err *err);
#endif

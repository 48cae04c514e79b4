#ifndef STEPS_EXTRACT_INT_H
#define STEPS_EXTRACT_INT_H
/* Between the files steps/extract_*.c alone. */
#include "io/target_moment.h"
#include "state/extraction.h"
#include "steps/extract.h"
#include "steps/manifest.h"

/* extract_path.c */
struct extract_names { /* of one table's files in one attempt; borrowed */
    const char *task, *table, *run, *prefix, *path;
    int64_t stamp_ms, local_ms; /* the attempt's moment, and as a clock in the output's zone shows it */
    bool parts;                 /* files are cut: what is in [ ] is there */
};
void extract_names(const struct pipeline *p, const struct extract_table *t, const char *run, int64_t stamp_ms,
                   struct extract_names *ret);
NODISCARD int extract_key(const struct extract *x, const struct extract_names *n, int part, struct buf *ret,
                          struct err *err);
/* The folder of the parts, without a slash at its end; fixed: the longest of it that is the same in every run. */
NODISCARD int extract_dir(const struct extract_names *n, bool fixed, struct buf *ret, struct err *err);

/* What all parts of the attempt begin with: up to the part's number, where parts have one. */
NODISCARD int extract_stem(const struct extract_names *n, struct buf *ret, struct err *err);
/* Is it a part's key of that attempt? stem: as above. */
bool extract_is_part(const struct extract *x, const struct extract_names *n, const char *stem,
                     const char *key);

/* extract_run.c: the rows of a run that are still to be done, in order, owned. */
struct extract_rows {
    struct extraction *rows;
    size_t n;
};
NODISCARD int extract_rows(struct step_ctx *c, const char *run, const char *state, struct extract_rows *ret,
                           struct err *err);
void extract_rows_release(struct extract_rows *r);
/* By name of the output; ERR_CONFIG: it is gone from the config. */
NODISCARD int extract_find(const struct pipeline *p, const char *name, const struct extract_table **ret,
                           struct err *err);

/* What is left of a run: its tables that are no longer in the config are dropped from it. */
NODISCARD int extract_drop_gone(struct step_ctx *c, const char *run, size_t *ret_left, struct err *err);

/* What the columns are: of the table; of a query with a watermark, as the server says of its result; else NULL. Owned. */
NODISCARD int extract_describe(struct target *t, const struct extract_table *x, struct table **ret,
                               struct err *err);
/* DATETIME says nothing of its zone: where the server's is not UTC, it must be told. def NULL is fine. */
NODISCARD int extract_check_zone(const struct extract *x, const struct moment *m,
                                 const struct extract_table *t, const struct table *def, struct err *err);
/* The manifest m, whose text is under the key at, once more beside its parts, where these lie elsewhere than the
 * sequence: for who reads one folder. */
NODISCARD int extract_copy(struct sink *sink, const char *at, const char *text, size_t n,
                           const struct manifest *m, struct err *err);

/*
 * Files of a range or --full run that was given up are swept behind another manifest when they are so old; its own manifest is
 * therefore put within a day less, and later its rows are read anew.
 */
enum { EXTRACT_LEFT_MS = 7 * 24 * 3600 * 1000, EXTRACT_STALE_MS = 6 * 24 * 3600 * 1000 };

/*
 * extract_claim.c. An attempt begins: a stamp that is its own at the sink, too, and the run's rows that it is to take. ret:
 * released and filled.
 */
NODISCARD int extract_claim(struct step_ctx *c, const char *run, int64_t *ret_stamp_ms,
                            struct extract_rows *ret, struct err *err);
/* Uploads of the run's other attempts go; m: and files of all attempts whose manifest is there and does not list them. m is there
 * under e's number: until it is, a predecessor that was taken for dead may still publish his, so NULL: no file goes. */
NODISCARD int extract_sweep(struct step_ctx *c, struct sink *sink, const struct extraction *e,
                            const struct extract_table *t, const struct manifest *m, struct err *err);
/* Of an attempt that has written nothing, and no manifest. */
NODISCARD int extract_unclaim(struct step_ctx *c, struct sink *sink, const struct extraction *e,
                              const struct extract_table *t, struct err *err);
/* extract_try.c: the statement, asked for no row: what the server does not take is told before anything is planned. */
NODISCARD int extract_ask_server(struct target *t, const struct extract_sql *q, struct err *err);
/* Where files go, opened for a step. */
NODISCARD int extract_sink(struct step_ctx *c, struct sink **ret, struct err *err);
#endif

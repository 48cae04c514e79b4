#ifndef TESTS_LIB_TARGET_FIXTURE_H
#define TESTS_LIB_TARGET_FIXTURE_H
#include "io/target.h"
/* A load of CSV text as a step does it, in pieces that a test may break between. Same for every kind of target. */
struct tf_load {
    /* the test's */
    const char *table, *csv, *key; /* key NULL: "file.csv" */
    int64_t id, generation, replaces, epoch;
    size_t batch_rows; /* 0: 1,000 */
    bool overlap;
    bool ahead; /* not careful: a refused row ends the load */
    /* filled */
    struct table *def;
    struct batch *batches[64];
    size_t batch_count;
    int *columns;
    size_t column_count;
    struct load *load;
    struct sums parsed;
    int64_t records;
    char rejects[32][900]; /* "line CODE column: message (hint)" */
    size_t reject_count;
};
#define TF_PIPELINE "loans"
#define TF_PART     "2022-06-05T12"
/* Describes the table and converts the text; must succeed. */
void tf_parse(struct target *t, struct tf_load *l);
NODISCARD int tf_begin(struct target *t, struct tf_load *l, struct err *err); /* as target_load_begin */
NODISCARD int tf_rows(struct tf_load *l, struct err *err);
/* Sums of what was read against what stands in the transaction: 0 equal, else the number of differences. */
NODISCARD int tf_verify(struct tf_load *l, struct err *err);
NODISCARD int tf_commit(struct tf_load *l, struct err *err);
void tf_release(struct tf_load *l); /* aborts what is open */
/* All of it. Releases; rejects stay. 2: was loaded before. */
NODISCARD int tf_load(struct target *t, struct tf_load *l, struct err *err);
/* The differences between what l.csv says and what the table holds now under l.id, as words; "" equal. Static. */
const char *tf_compare(struct target *t, struct tf_load *l);
#endif

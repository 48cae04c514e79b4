#ifndef STEPS_COUNT_H
#define STEPS_COUNT_H
#include "steps/step.h"
/*
 * What lies at the source for one partition, read without loading: its objects, and the records in them (headers not
 * counted). Objects that came after until_ms are not counted. Both are added to what the counters hold.
 */
struct source_count {
    int64_t objects, records;
};
NODISCARD int step_count_partition(struct step_ctx *c, int64_t start_ms, int64_t until_ms,
                                   struct source_count *io, struct err *err);
#endif

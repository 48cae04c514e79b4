#ifndef ORCHESTRATOR_SIZES_H
#define ORCHESTRATOR_SIZES_H
#include "orchestrator/config.h"
#include "state/size.h"
/* Judges what has settled since: cheap where nothing has. At most a few hundred partitions; the next tick goes on. */
NODISCARD int sizes_judge(struct store *s, const struct pipeline *p, int64_t from_ms, int64_t now_ms,
                          struct err *err);
/* The arithmetic. Fewer than 4 likes: never small. */
void size_verdict_of(int64_t rows, int64_t *likes, size_t n, int64_t drop_percent, struct size_verdict *ret);
#endif

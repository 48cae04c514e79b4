#ifndef ORCHESTRATOR_METRICS_H
#define ORCHESTRATOR_METRICS_H
#include "orchestrator/config.h"
/*
 * What the state file counts, in Prometheus' text format 0.0.4. docs/metrics.md lists the families; a test compares.
 * Only pipelines of the config; the series of one that was taken out end.
 */
NODISCARD int metrics_text(const struct config *c, struct store *s, int64_t now_ms, struct buf *out,
                           struct err *err);
/* The same into a file, under a temporary name first, so that nobody reads half of it. where: a folder (orch.prom is put
 * there), or a file that ends in .prom. Readable by all, whatever the umask: the node exporter is another user. */
NODISCARD int metrics_write(const struct config *c, struct store *s, const char *where, int64_t now_ms,
                            struct err *err);
#endif

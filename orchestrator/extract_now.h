#ifndef ORCHESTRATOR_EXTRACT_NOW_H
#define ORCHESTRATOR_EXTRACT_NOW_H
#include "orchestrator/cmd.h"
/* An extract worked at once, as a person asks: extract, run, retry and replay. */
struct extract_ask {
    const char *from, *to, *hours, *reason; /* as typed; NULL: not said */
    bool full, dry, verify, moved, fail_if_locked;
    bool queue;         /* it is written down, and the next tick takes it */
    int64_t spec_hours; /* of a spec, where --hours says nothing; 0: none */
};
/* config and store: of orch.json, or of a spec alone. The exit status. */
NODISCARD int extract_now(struct cli *c, const struct config *config, const struct pipeline *p,
                          struct store *s, const struct extract_ask *a, struct err *err);
/* The same by name, of orch.json. */
NODISCARD int extract_named(struct cli *c, const char *name, const struct extract_ask *a, struct err *err);
/* What is FAILED or DEAD of it, with the windows that it was planned with, and all its attempts. */
NODISCARD int extract_retry(struct cli *c, const char *name, const char *reason, bool dry, bool queue,
                            struct err *err);
#endif

#ifndef ORCHESTRATOR_EXTRACT_ADHOC_H
#define ORCHESTRATOR_EXTRACT_ADHOC_H
#include "base/buf.h"
#include "orchestrator/cmd.h"
/* An extract out of another system's spec, for one run: its own config, and its own state file, orch-extract.db where the
 * command was given, so that a run that died is gone on with. */
struct adhoc { /* of the command line */
    const char *spec, *config, *sink, *host, *user, *database, *password_file, *option_file, *tls;
    int64_t port, batch_mb;
};
struct adhoc_run {
    struct config *config; /* owned, with one extract */
    struct store *store;   /* owned */
    int64_t hours;         /* a backfill of so many; 0: none */
    char *password;        /* owned */
};
NODISCARD int adhoc_open(struct cli *c, const struct adhoc *a, struct adhoc_run *ret, struct err *err);
/* What orch spec convert does likewise: a file of at most MAX_SPEC bytes, which ret is made for; what is said of a spec, a line
 * each on stderr behind kind; --port. */
NODISCARD int spec_load(const char *path, struct buf *ret, struct err *err);
void spec_say(const json_t *list, const char *kind);
NODISCARD int spec_port(int64_t port, struct err *err);
void adhoc_close(struct adhoc_run *r);
#endif

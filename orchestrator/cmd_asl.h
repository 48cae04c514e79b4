#ifndef ORCHESTRATOR_CMD_ASL_H
#define ORCHESTRATOR_CMD_ASL_H
#include "orchestrator/asl.h"
#include "orchestrator/cmd.h"
/* What start, validate, simulate and test-state share: files named on the command line, and definitions that are refused. */

/* A file, or stdin for "-", into *ret, whose maximum bounds it. Whatever is wrong is ERR_USAGE, so that exit 1 is left for
 * what the definition did. */
NODISCARD int cli_file(const char *path, struct buf *ret, struct err *err);
/* What an option was given, at most MAX_PAYLOAD: JSON as it stands, or the same in a file (file:// may stand before it, as
 * for aws) or on stdin. given NULL: {}. */
NODISCARD int cli_json(const char *option, const char *given, json_t **ret, struct err *err);
char *cli_file_name(const char *path); /* "a/b/orders.asl.json" is the state machine "orders"; owned */
/* One of the shape of validate-state-machine-definition, and the whole; owned. */
json_t *cli_diagnostic(const char *severity, const char *code, const char *message, const char *location);
json_t *cli_diagnostics(const struct asl_diagnostics *d);
/* Reads and checks a definition. Where it is refused, its diagnostics are printed: ERR_WORKFLOW. */
NODISCARD int cli_definition(struct cli *c, const char *path, struct asl **ret, struct err *err);
#endif

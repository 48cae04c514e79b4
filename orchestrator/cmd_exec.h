#ifndef ORCHESTRATOR_CMD_EXEC_H
#define ORCHESTRATOR_CMD_EXEC_H
#include "orchestrator/cmd.h"
#include "orchestrator/engine.h"
#include "orchestrator/stream.h"
#include "state/exec.h"
/* Executions in the shapes of aws stepfunctions; for start, list, describe, history, stop, redrive. */
#define EXEC_ARN "arn:aws:states:us-east-1:000000000000:"
/* list-executions' entry: its members, into the object that is open. */
void exec_entry(struct jout *j, const struct execution *e);
struct redrivable;
/* describe-execution's document, owned; r NULL: without redriveStatus. */
json_t *exec_json(const struct execution *e, const struct redrivable *r);
/* The same, as it stands. */
NODISCARD int exec_describe(struct store *s, const struct execution *e, json_t **ret_owned, struct err *err);
/* By name, id, ARN, or a pipeline's name for its newest. */
NODISCARD int exec_find(struct cli *c, enum store_mode mode, const char *word, struct execution *ret,
                        struct err *err);
/* One of get-execution-history's. *ret owned, also where the details are broken. */
NODISCARD int exec_event_json(int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                              const char *details, json_t **ret, struct err *err);
json_t *exec_time(int64_t ms); /* RFC 3339 with milliseconds */
/* exec_wait.c. Works it here until it has ended or a signal comes, tells what became of it, and returns the exit status. */
NODISCARD int exec_wait(struct cli *c, struct engine *engine, int64_t id, struct err *err);
/* --starting-token, the nextToken of the page before. */
NODISCARD int exec_token(const char *text, int64_t *ret, struct err *err);
/* 1: a state machine, a pipeline or an extract of this name has, or had, an execution. */
NODISCARD int exec_of_name(struct store *s, const char *name, struct err *err);
#endif

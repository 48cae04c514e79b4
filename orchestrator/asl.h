#ifndef ORCHESTRATOR_ASL_H
#define ORCHESTRATOR_ASL_H
#include "base/json.h"
/*
 * An ASL document, profile orch-asl/1, JSONPath only: parsed, checked, immutable. Source: states-language.net spec
 * and the AWS Step Functions developer guide. Rejected at load, never ignored: UNSUPPORTED_BY_ORCH for what is valid on
 * AWS (JSONata, distributed Map, Credentials, ...), SCHEMA_VALIDATION_FAILED for what is not valid at all. Core: base only, no clock, no I/O.
 */
struct asl_diagnostic {
    char severity[8]; /* ERROR or WARNING */
    char code[40]; /* SCHEMA_VALIDATION_FAILED, UNSUPPORTED_BY_ORCH, MISSING_TIMEOUT, UNREACHABLE_STATE ... */
    char message[400];  /* names state and field, and the nearest known name */
    char location[400]; /* JSON pointer: /States/Ingest/Retry/0/ErrorEquals */
};
struct asl_diagnostics {
    struct asl_diagnostic *items; /* owned */
    size_t count, errors;
};
void asl_diagnostics_release(struct asl_diagnostics *d);

struct asl;
/* Every error, not only the first. Fails (ERR_WORKFLOW, first error as the message) when d->errors > 0; warnings alone
 * are a success. d is initialised here. */
NODISCARD int asl_parse(const char *text, size_t n, struct asl **ret, struct asl_diagnostics *d,
                        struct err *err);
void asl_free(struct asl *a); /* NULL is fine */
const char *asl_start_at(const struct asl *a);
int64_t asl_timeout_seconds(const struct asl *a); /* 0: none */
/* The state's JSON object (borrowed), NULL when there is none of the name: at the top, in a branch or in an ItemProcessor;
 * a name is there once in a document. */
const json_t *asl_state(const struct asl *a, const char *name);
const json_t *
asl_states(const struct asl *a); /* those at the top by name, in the document's order (borrowed) */
const char *asl_name(const struct asl *a,
                     const char *name); /* the definition's own string of it; NULL likewise */
enum asl_type {
    ASL_TASK,
    ASL_PASS,
    ASL_CHOICE,
    ASL_WAIT,
    ASL_SUCCEED,
    ASL_FAIL,
    ASL_PARALLEL,
    ASL_MAP,
    ASL_TYPES /* none of them */
};
enum asl_type asl_type(const json_t *state);
/* What runs within a state: branch i of a Parallel, and as 0 the ItemProcessor (once Iterator) of a Map: an object with
 * StartAt and States (borrowed). NULL: there is none. */
const json_t *asl_inner(const json_t *state, size_t i);
/* Calls fn(name, resource) for every Task wherever it stands; used to check that each resource is known. */
int asl_each_task(const struct asl *a,
                  int (*fn)(void *arg, const char *state, const char *resource, struct err *err), void *arg,
                  struct err *err);
#endif

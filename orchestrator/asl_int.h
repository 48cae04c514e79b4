#ifndef ORCHESTRATOR_ASL_INT_H
#define ORCHESTRATOR_ASL_INT_H
#include "orchestrator/asl.h"
/*
 * Shared by the files of the checker only: asl.c (document, graph), asl_check.c (fields by state type), asl_fork.c (what
 * runs within a state, scopes), asl_rules.c (what stands in fields).
 */
enum {
    MAX_DIAGNOSTICS = 1000, /* a definition may be wrong 100,000 times; nobody reads that */
    MAX_NEAREST = 20,       /* wrong targets for which the nearest of 10,000 names is looked for */
    MAX_VARIABLE_NAME = 80, /* as on AWS */
    MAX_STATE_NAME = 80,    /* characters, as on AWS */
    MAX_SECONDS = 99999999, /* of every ...Seconds field, as on AWS */
};
struct check {
    struct asl_diagnostics *d;
    const json_t *states; /* for Next: those beside the one being checked */
    json_t *all;          /* owned by asl_parse: the states seen so far, of every depth */
    json_t *scope;        /* names of the variables that this state may see; NULL: none */
    int depth;            /* Parallel and Map states around it */
    const char *state;    /* being checked; NULL: the document */
    char at[400];         /* JSON pointer to what is being checked */
    size_t at_n;
};
/* One step down the document; the result goes to at_pop. */
size_t at_push(struct check *c, const char *name);
size_t at_push_index(struct check *c, size_t i);
void at_pop(struct check *c, size_t mark);

/* At the pointer as it stands. The state's name is put before the message. */
void asl_invalid(struct check *c, const char *fmt, ...) PRINTF(2, 3);     /* ERROR SCHEMA_VALIDATION_FAILED */
void asl_unsupported(struct check *c, const char *fmt, ...) PRINTF(2, 3); /* ERROR UNSUPPORTED_BY_ORCH */
void asl_diagnose(struct check *c, const char *severity, const char *code, const char *fmt, ...) PRINTF(4, 5);

/* asl.c: StartAt and States of the document, a branch, an ItemProcessor */
void check_machine(struct check *c, const json_t *machine);

/* asl_fork.c: Parallel and Map */
void check_branches(struct check *c, const char *field, const json_t *v);
void check_processor(struct check *c, const char *field, const json_t *v);
void check_tolerated_percentage(struct check *c, const char *field, const json_t *v);
void check_count(struct check *c, const char *field, const json_t *v);
void check_map(struct check *c, const json_t *state);
void check_parallel(struct check *c, const json_t *state);
/* Variables that Assign sets in these states: none that is set around them. The names that the states see. Owned. */
json_t *check_scope(struct check *c, const json_t *states);

/* asl_check.c */
void check_document_fields(struct check *c, const json_t *root);
void check_branch_fields(struct check *c, const json_t *branch);
void check_processor_fields(struct check *c, const json_t *processor);
void at_most_one(struct check *c, const json_t *state, const char *a, const char *b);
void check_state(struct check *c, const char *name, const json_t *state);
bool json_is_jsonata(const json_t *object); /* "QueryLanguage": "JSONata" */

/* asl_rules.c: the value of one field */
void check_next(struct check *c, const char *field, const json_t *v);
void check_path(struct check *c, const char *field,
                const json_t *v); /* reference path, "$$" and "$name" too */
void check_path_or_call(struct check *c, const char *field, const json_t *v); /* the same, or an intrinsic */
void check_path_or_null(struct check *c, const char *field, const json_t *v); /* any path */
void check_result_path(struct check *c, const char *field, const json_t *v);
void check_assign(struct check *c, const char *field, const json_t *v);
void check_template(struct check *c, const char *field, const json_t *v);
void check_retry(struct check *c, const char *field, const json_t *v);
void check_catch(struct check *c, const char *field, const json_t *v);
void check_choices(struct check *c, const char *field, const json_t *v);
void check_timestamp(struct check *c, const char *field, const json_t *v);
/* An unknown field, with the nearest of the known ones (NULL-ended). */
void unknown_field(struct check *c, const char *field, const char *const *known);
#endif

#ifndef ORCHESTRATOR_PATH_H
#define ORCHESTRATOR_PATH_H
#include "base/json.h"
/*
 * Paths, payload templates and Choice rules over a state's data. Pure: the same scope and text, the same value.
 *
 * "$" is the input, "$$" the context object, "$name" a variable. A reference path ($, .name, ['name'], [n]) names one
 * node; bare names may hold '-' and other characters ($.--date_time is one).
 */
struct scope { /* borrowed */
    const json_t *input;
    const json_t *context; /* NULL: none */
    const json_t *vars;    /* an object, name: value; NULL: none */
    uint64_t *random; /* States.UUID and States.MathRandom draw from it, and move it on; NULL: they fail */
    int64_t *work;    /* what is left to the paths of a template together; NULL: each has its own limit only */
};
uint64_t scope_random(const struct scope *s); /* 64 bits; s->random is not NULL */

/* Of a variable's name: letters of any script, '_', and but for the first, digits. */
bool path_variable_char(char c, bool first);
/* Syntax only: 1 a reference path, 0 a full path, -1 not a path. anywhere: "$$" and "$name" are allowed. */
int path_kind(const char *path, bool anywhere);
/* The same; 0 and 1, or <0 with the reason. Marks: it is wrong only here, and AWS would take it; it is right, but uses what
 * AWS's documentation rules out (patterns in filters, comparisons with another place); it holds an index below 0, which is
 * outside of every array. */
enum { PATH_UNSUPPORTED = 1, PATH_DOUBTFUL = 2, PATH_OUTSIDE = 4 };
NODISCARD int path_check(const char *path, int *ret_marks, struct err *err);
/* The node of a reference path, borrowed from the scope; NULL where there is none (*err untouched), <0 on bad syntax.
 * 1/0. */
NODISCARD int path_get(const char *path, const struct scope *s, json_t **ret_borrowed, struct err *err);
/* What any path finds, owned: a node; where there may be several, an array of them, which may be empty. 0: nothing, and
 * err->msg says what AWS says of it. An index past the end, as the last step, finds null: so it is on AWS. */
NODISCARD int path_find(const char *path, const struct scope *s, json_t **ret_owned, struct err *err);
/* root with value put at a reference path, intermediate objects made: a new value (owned), root untouched.
 * An index into something that is no array, or past its end, a name in something that is no object: ERR_RUNTIME with
 * err->name "States.ResultPathMatchFailure". */
NODISCARD int path_put(const char *path, const json_t *root, json_t *value, json_t **ret_owned,
                       struct err *err);
/* A path or an intrinsic function, as it stands in the field: a path that finds nothing is an error,
 * "States.ParameterPathFailure" in err->name. */
NODISCARD int expression_value(const char *text, const char *field, const struct scope *s, json_t **ret_owned,
                               struct err *err);
/* Parameters / ResultSelector / Assign: a path that finds nothing is "States.ParameterPathFailure" in err->name. (The
 * interpreter shows it as States.Runtime, as AWS does; see docs/state-machine.md.) */
NODISCARD int template_apply(const json_t *template, const struct scope *s, json_t **ret_owned,
                             struct err *err);
/* Choice rule -> true/false. A Variable that is not there is States.Runtime unless the rule is IsPresent. */
NODISCARD int choice_matches(const json_t *rule, const struct scope *s, bool *ret, struct err *err);
#endif

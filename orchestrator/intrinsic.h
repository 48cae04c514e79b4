#ifndef ORCHESTRATOR_INTRINSIC_H
#define ORCHESTRATOR_INTRINSIC_H
#include "orchestrator/path.h"
/*
 * The 18 intrinsic functions: States.Format('{}', $.x), nested at will. Pure: what is random comes from the scope. What a
 * call is given wrongly is "States.IntrinsicFailure" in err->name, a path that finds nothing
 * "States.ParameterPathFailure"; the interpreter shows both as States.Runtime, as AWS does.
 */
bool intrinsic_is(const char *text); /* not a path */
NODISCARD int intrinsic_value(const char *text, const struct scope *s, json_t **ret_owned, struct err *err);
/* Syntax, names, numbers of arguments. Marks: see path_check. */
NODISCARD int intrinsic_check(const char *text, int *ret_marks, struct err *err);
#endif

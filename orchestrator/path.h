#ifndef ORCHESTRATOR_PATH_H
#define ORCHESTRATOR_PATH_H
#include "base/json.h"
/*
 * Reference paths ($, .name, ['name'], [n]) in Jayway's reading: bare names may hold '-' and other characters
 * ($.--date_time is one). Payload templates: keys that end in ".$". "$$" is the context object. Pure.
 */
/* Syntax only: 1 a reference path, 0 a full path (valid, but refused), -1 not a path. context: allow "$$". */
int path_kind(const char *path, bool context);
/* The node, borrowed from root or context; NULL where there is none (*err untouched), <0 on bad syntax. 1/0. */
NODISCARD int path_get(const char *path, const json_t *root, const json_t *context, json_t **ret_borrowed,
                       struct err *err);
/* root with value put at a reference path, intermediate objects made: a new value (owned), root untouched.
 * An index into something that is no array, or past its end, a name in something that is no object: ERR_RUNTIME with
 * err->name "States.ResultPathMatchFailure". */
NODISCARD int path_put(const char *path, const json_t *root, json_t *value, json_t **ret_owned,
                       struct err *err);
/* Parameters / ResultSelector: a path that finds nothing is "States.ParameterPathFailure" in err->name. (The interpreter
 * shows it as States.Runtime, as AWS does; see docs/state-machine.md.) */
NODISCARD int template_apply(const json_t *template, const json_t *input, const json_t *context,
                             json_t **ret_owned, struct err *err);
/* Choice rule -> true/false. A Variable that is not there is States.Runtime unless the rule is IsPresent. */
NODISCARD int choice_matches(const json_t *rule, const json_t *input, const json_t *context, bool *ret,
                             struct err *err);
#endif

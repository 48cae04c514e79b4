#ifndef ORCHESTRATOR_RESOURCE_MAP_H
#define ORCHESTRATOR_RESOURCE_MAP_H
#include "base/json.h"
#include "steps/step.h"
/*
 * What the foreign ARNs of a definition are bound to, so that a definition written for AWS runs as it is. A JSON file:
 *
 *   {"Comment": "...", "Resources": {
 *     "arn:aws:lambda:*:function:check": {               '*' is any text; the first that fits, in the file's order
 *       "Resource": "arn:aws:states:us-east-1:000000000000:activity:orch-object-list",
 *       "Parameters": {"connection": "lake", "prefix.$": "$.prefix"},       $: what the Task gives; $$: the context
 *       "ResultSelector": {"n.$": "$.count", "of.$": "$$.Parameters.prefix"}},  $: what the step gives
 *     "arn:aws:lambda:*:function:flag": [                a list: the first whose When, a Choice rule over $, is true
 *       {"When": {"Variable": "$.on", "BooleanEquals": true}, "Resource": ...,
 *        "Results": [{"When": {...}, "ResultSelector": {...}}, {"ResultSelector": {...}}]},
 *       ...]}}
 *
 * Templates and rules are those of ASL, checked and evaluated by the same code. Where nothing fits, the task fails with
 * Orch.ContractViolation. The file is kept with the execution, like its definition.
 */
struct resource_map;
/* what: for messages. ERR_WORKFLOW names the ARN and the rule. */
NODISCARD int resource_map_parse(const char *text, size_t n, const char *what, struct resource_map **ret,
                                 struct err *err);
void resource_map_free(struct resource_map *m);                            /* NULL is fine */
bool resource_map_has(const struct resource_map *m, const char *resource); /* false for NULL */
struct mapped {                                                            /* mapped_release */
    const struct step_type *type;
    json_t *parameters; /* owned; of the step */
    const json_t *rule; /* borrowed from the map */
    json_t *context;    /* owned; $$ of the result */
};
/* parameters: what the Task gives. lookup: step_by_resource. */
NODISCARD int resource_map_apply(const struct resource_map *m, const char *resource, const json_t *parameters,
                                 const json_t *context, struct mapped *ret, struct err *err);
NODISCARD int mapped_result(const struct mapped *m, const json_t *result, json_t **ret_owned,
                            struct err *err);
void mapped_release(struct mapped *m);
#endif

#ifndef ORCHESTRATOR_SERVE_SCHEMA_H
#define ORCHESTRATOR_SERVE_SCHEMA_H
#include "base/json.h"
/* What answers and bodies of /v1 look like, for openapi.json. A test holds real answers against it, each member both ways. */
json_t *serve_schemas(void); /* components.schemas; owned */
/* {"$ref": ...} of an operation's good answer, of its JSON body; owned. NULL: nothing is said of it. */
json_t *serve_schema_answer(const char *operation);
json_t *serve_schema_body(const char *operation);
#endif

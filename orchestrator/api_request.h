#ifndef ORCHESTRATOR_API_REQUEST_H
#define ORCHESTRATOR_API_REQUEST_H
#include "orchestrator/stream.h"
#include "state/request.h"
/* Members of a request, no brackets. */
void request_json(struct jout *j, const struct request *r);
#endif

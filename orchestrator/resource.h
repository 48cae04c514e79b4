#ifndef ORCHESTRATOR_RESOURCE_H
#define ORCHESTRATOR_RESOURCE_H
#include "orchestrator/machine.h"
/*
 * The events that AWS writes for a Task go by its resource: LambdaFunction... for a function's ARN, Task... for a service
 * (arn:aws:states:::sqs:sendMessage), Activity... for an activity, and for whatever AWS does not know. The machine
 * writes Activity... for all; these put such an event into AWS's words. Pure.
 */
enum resource_kind { RESOURCE_ACTIVITY, RESOURCE_LAMBDA, RESOURCE_SERVICE };
enum resource_kind resource_kind(const char *uri);
/* TaskSubmitted comes before this end: the service is asked, and its end waited for (.sync, .sync:2, .waitForTaskToken),
 * unless the error (NULL: none) is an exception of the service itself, which the asking met. */
bool resource_submits(const char *uri, const char *error);
/* An event Activity... of a Task with this resource in the words of its kind; others stay. The details are taken anew. */
void resource_event(const char *uri, struct machine_event *e);
/* Details of the events that a caller adds: "ActivityStarted" in the words of the kind, *ret_type static; owned, NULL: none. */
char *resource_started(const char *uri, const char **ret_type);
char *resource_submitted(const char *uri); /* of TaskSubmitted; owned */
#endif

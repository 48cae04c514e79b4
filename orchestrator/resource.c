#include "orchestrator/resource.h"
#include "base/mem.h"

/* The n-th part of an ARN, or up to its end where last. Owned. */
static char *arn_part(const char *uri, int n, bool to_end)
{
    for (; n > 0 && uri != NULL; n--) {
        uri = strchr(uri, ':');
        uri = uri != NULL ? uri + 1 : NULL;
    }
    if (uri == NULL)
        return xstrdup("");
    return to_end ? xstrdup(uri) : xstrndup(uri, strcspn(uri, ":"));
}

enum resource_kind resource_kind(const char *uri)
{
    char *service = arn_part(uri, 2, false), *account = arn_part(uri, 4, false),
         *rest = arn_part(uri, 5, true);
    enum resource_kind kind = RESOURCE_ACTIVITY;

    if (str_starts(uri, "arn:") && strcmp(service, "lambda") == 0)
        kind = RESOURCE_LAMBDA;
    else if (str_starts(uri, "arn:") && strcmp(service, "states") == 0 && *account == '\0' &&
             strchr(rest, ':') != NULL)
        kind = RESOURCE_SERVICE;
    free(service);
    free(account);
    free(rest);
    return kind;
}

/* "Sqs.QueueDoesNotExistException" */
static bool is_service_exception(const char *error)
{
    return strchr(error, '.') != NULL && !str_starts(error, "States.") && str_ends(error, "Exception");
}

bool resource_submits(const char *uri, const char *error)
{
    bool waits = str_ends(uri, ".sync") || str_ends(uri, ".sync:2") || str_ends(uri, ".waitForTaskToken");

    return resource_kind(uri) == RESOURCE_SERVICE && waits && (error == NULL || !is_service_exception(error));
}

/* {"resourceType": "sqs", "resource": "sendMessage"}; of an SDK's call "aws-sdk:sqs". Owned. */
static json_t *service_details(const char *uri)
{
    char *first = arn_part(uri, 5, false), *rest = arn_part(uri, 6, true);
    const char *action = rest;
    json_t *d = json_object();

    if (strcmp(first, "aws-sdk") == 0 && strchr(rest, ':') != NULL) {
        char *type = xasprintf("%s:%.*s", first, (int)strcspn(rest, ":"), rest);
        json_object_set_new(d, "resourceType", json_string(type));
        free(type);
        action = strchr(rest, ':') + 1;
    } else {
        json_object_set_new(d, "resourceType", json_string(first));
    }
    json_object_set_new(d, "resource", json_string(action));
    free(first);
    free(rest);
    return d;
}

static char *as_details(const char *key, json_t *value)
{
    json_t *d = json_object();

    json_object_set_new(d, key, value);
    char *text = json_text(d);
    json_decref(d);
    return text;
}

char *resource_started(const char *uri, const char **ret_type)
{
    switch (resource_kind(uri)) {
    case RESOURCE_LAMBDA:
        *ret_type = "LambdaFunctionStarted";
        return NULL;
    case RESOURCE_SERVICE:
        *ret_type = "TaskStarted";
        return as_details("taskStartedEventDetails", service_details(uri));
    case RESOURCE_ACTIVITY:
        break;
    }
    *ret_type = "ActivityStarted";
    return as_details("activityStartedEventDetails", json_object());
}

char *resource_submitted(const char *uri)
{
    return as_details("taskSubmittedEventDetails", service_details(uri));
}

static const struct {
    const char *type, *key; /* as the machine writes them */
    const char *lambda, *lambda_key, *service, *service_key;
} words[] = {
    {"ActivityScheduled", "activityScheduledEventDetails", "LambdaFunctionScheduled",
     "lambdaFunctionScheduledEventDetails", "TaskScheduled", "taskScheduledEventDetails"},
    {"ActivitySucceeded", "activitySucceededEventDetails", "LambdaFunctionSucceeded",
     "lambdaFunctionSucceededEventDetails", "TaskSucceeded", "taskSucceededEventDetails"},
    {"ActivityFailed", "activityFailedEventDetails", "LambdaFunctionFailed",
     "lambdaFunctionFailedEventDetails", "TaskFailed", "taskFailedEventDetails"},
    {"ActivityTimedOut", "activityTimedOutEventDetails", "LambdaFunctionTimedOut",
     "lambdaFunctionTimedOutEventDetails", "TaskTimedOut", "taskTimedOutEventDetails"},
};

/* TaskScheduled calls the input parameters, and says a region. Takes old. */
static json_t *as_service(const char *uri, json_t *old)
{
    json_t *d = service_details(uri), *v;
    const char *key;

    json_object_foreach(old, key, v) {
        if (strcmp(key, "input") == 0) {
            json_object_set_new(d, "region", json_string("us-east-1"));
            json_object_set(d, "parameters", v);
        } else if (strcmp(key, "inputDetails") != 0 && strcmp(key, "resource") != 0) {
            json_object_set(d, key, v);
        }
    }
    json_decref(old);
    return d;
}

void resource_event(const char *uri, struct machine_event *e)
{
    enum resource_kind kind = resource_kind(uri);
    size_t i = 0;

    while (i < ARRAY_LEN(words) && strcmp(words[i].type, e->type) != 0)
        i++;
    if (kind == RESOURCE_ACTIVITY || i == ARRAY_LEN(words))
        return;
    json_t *whole = e->details != NULL ? json_loads(e->details, 0, NULL) : NULL;
    json_t *d = json_incref(json_object_get(whole, words[i].key));
    if (d == NULL)
        d = json_object();
    if (kind == RESOURCE_SERVICE)
        d = as_service(uri, d);
    else
        json_object_del(d, "heartbeatInSeconds"); /* functions have none */
    json_decref(whole);
    free(e->details);
    e->type = kind == RESOURCE_LAMBDA ? words[i].lambda : words[i].service;
    e->details = as_details(kind == RESOURCE_LAMBDA ? words[i].lambda_key : words[i].service_key, d);
}

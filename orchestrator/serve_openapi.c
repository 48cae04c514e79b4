/* openapi.json, from the table of routes: what is not there is not answered, and the other way round. */
#include "base/json.h"
#include "base/mem.h"
#include "orchestrator/serve_int.h"
#include <ctype.h>

static json_t *parameter(const char *name, size_t n, const char *in)
{
    return json_pack("{s:s%,s:s,s:b,s:{s:s}}", "name", name, n, "in", in, "required", strcmp(in, "path") == 0,
                     "schema", "type", "string");
}

static json_t *parameters(const struct serve_route *r)
{
    json_t *all = json_array();

    for (const char *p = strchr(r->path, '{'); p != NULL; p = strchr(p + 1, '{'))
        json_array_append_new(all, parameter(p + 1, strcspn(p + 1, "}"), "path"));
    for (const char *p = r->query; p != NULL && *p != '\0'; p += *p == ',') {
        size_t n = strcspn(p, ",");
        if (*p != '*') /* columns of a table: each has its own */
            json_array_append_new(all, parameter(p, n, "query"));
        p += n;
    }
    if ((r->flags & SERVE_WRITES) != 0)
        json_array_append_new(all, parameter("Idempotency-Key", strlen("Idempotency-Key"), "header"));
    return all;
}

static json_t *operation(const struct serve_route *r)
{
    json_t *problem = json_pack("{s:s,s:{s:{s:{s:s}}}}", "description", "a problem (RFC 9457)", "content",
                                "application/problem+json", "schema", "$ref", "#/components/schemas/Problem");
    json_t *o =
        json_pack("{s:s,s:s,s:o,s:{s:{s:s},s:o}}", "operationId", r->id, "summary", r->summary, "parameters",
                  parameters(r), "responses", (r->flags & SERVE_QUEUES) != 0 ? "202" : "200", "description",
                  (r->flags & SERVE_QUEUES) != 0 ? "put down for the next tick; Location names it" : "done",
                  "default", problem);

    if (strcmp(r->method, "POST") == 0)
        json_object_set_new(o, "requestBody",
                            (r->flags & SERVE_ROWS) != 0
                                ? json_pack("{s:{s:{},s:{}}}", "content", "application/json", "text/csv")
                            : (r->flags & SERVE_OPEN) != 0
                                ? json_pack("{s:{s:{}}}", "content", "application/x-www-form-urlencoded")
                                : json_pack("{s:{s:{},s:{}}}", "content", "application/json",
                                            "application/x-www-form-urlencoded"));
    if ((r->flags & SERVE_OPEN) != 0)
        json_object_set_new(o, "security", json_array());
    return o;
}

int serve_openapi(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    json_t *paths = json_object(), *doc;
    char method[8];

    for (const struct serve_route *r = serve_routes; r->path != NULL; r++) {
        json_t *item = json_object_get(paths, r->path);
        if (item == NULL) {
            item = json_object();
            json_object_set_new(paths, r->path, item);
        }
        for (size_t i = 0; i <= strlen(r->method) && i < sizeof method; i++)
            method[i] = (char)tolower((unsigned char)r->method[i]);
        json_object_set_new(item, method, operation(r));
    }
    json_t *text = json_pack("{s:s}", "type", "string");
    doc =
        json_pack("{s:s,s:{s:s,s:s},s:o,s:[{s:[]},{s:[]}],s:{s:{s:{s:s,s:s},s:{s:s,s:s,s:s}},s:{s:{s:s,s:{s:"
                  "O,s:O,s:{s:s},s:O,s:O,s:O,s:O}}}}}",
                  "openapi", "3.1.0", "info", "title", "orch", "version", ORCH_VERSION, "paths", paths,
                  "security", "token", "browser", "components", "securitySchemes", "token", "type", "http",
                  "scheme", "bearer", "browser", "type", "apiKey", "in", "cookie", "name", "orch", "schemas",
                  "Problem", "type", "object", "properties", "type", text, "title", text, "status", "type",
                  "integer", "detail", text, "code", text, "hint", text, "request_id", text);
    json_decref(text);
    UNUSED(q);
    char *whole = json_text(doc);
    int rc = buf_adds(&a->body, whole, err);
    free(whole);
    json_decref(doc);
    return rc;
}

/* openapi.json, from the table of routes: what is not there is not answered, and the other way round. */
#include "base/json.h"
#include "base/mem.h"
#include "orchestrator/serve_int.h"
#include "orchestrator/serve_schema.h"
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

static json_t *as_json(json_t *taken)
{
    return taken != NULL ? json_pack("{s:{s:o}}", "application/json", "schema", taken)
                         : json_pack("{s:{}}", "application/json");
}

static json_t *body_of(const struct serve_route *r)
{
    json_t *content = json_object();

    if ((r->flags & SERVE_OPEN) == 0) {
        json_decref(content);
        content = as_json(serve_schema_body(r->id));
    }
    json_object_set_new(content,
                        (r->flags & SERVE_ROWS) != 0 ? "text/csv" : "application/x-www-form-urlencoded",
                        json_object());
    return json_pack("{s:o}", "content", content);
}

static json_t *good_of(const struct serve_route *r, const char *description)
{
    json_t *o = json_pack("{s:s}", "description", description), *schema = serve_schema_answer(r->id);

    if (schema != NULL)
        json_object_set_new(o, "content", as_json(schema));
    return o;
}

/* A trial of what is queued answers 200, with a plan of its own. */
static json_t *responses(const struct serve_route *r)
{
    bool queues = (r->flags & SERVE_QUEUES) != 0;
    json_t *o =
        json_pack("{s:{s:s,s:{s:{s:{s:s}}}}}", "default", "description", "a problem (RFC 9457)", "content",
                  "application/problem+json", "schema", "$ref", "#/components/schemas/Problem");

    json_object_set_new(o, queues ? "202" : "200",
                        good_of(r, queues ? "put down for the next tick; Location names it" : "done"));
    if (queues)
        json_object_set_new(o, "200", json_pack("{s:s}", "description", "dry_run: what would be done"));
    if ((r->flags & SERVE_ROWS) != 0)
        json_object_set_new(o, "201", good_of(r, "all rows are stored"));
    return o;
}

static json_t *operation(const struct serve_route *r)
{
    json_t *o = json_pack("{s:s,s:s,s:o,s:o}", "operationId", r->id, "summary", r->summary, "parameters",
                          parameters(r), "responses", responses(r));

    if (strcmp(r->method, "POST") == 0)
        json_object_set_new(o, "requestBody", body_of(r));
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
    doc = json_pack("{s:s,s:{s:s,s:s},s:o,s:[{s:[]},{s:[]}],s:{s:{s:{s:s,s:s},s:{s:s,s:s,s:s}},s:o}}",
                    "openapi", "3.1.0", "info", "title", "orch", "version", ORCH_VERSION, "paths", paths,
                    "security", "token", "browser", "components", "securitySchemes", "token", "type", "http",
                    "scheme", "bearer", "browser", "type", "apiKey", "in", "cookie", "name", "orch",
                    "schemas", serve_schemas());
    UNUSED(q);
    char *whole = json_text(doc);
    int rc = buf_adds(&a->body, whole, err);
    free(whole);
    json_decref(doc);
    return rc;
}

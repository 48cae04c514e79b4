/* What orch serve answers to: one row each. Who adds one adds it here alone; openapi.json follows. */
#include "base/json.h"
#include "io/hash.h"
#include "orchestrator/api_table.h"
#include "orchestrator/metrics.h"
#include "orchestrator/serve_int.h"
#include "state/last_tick.h"

/* clang-format off */ /* a line or two each */
const struct serve_route serve_routes[] = {
    {"GET", "/", 0, serve_root, "page", "what needs attention, as a page", NULL},
    {"GET", "/healthz", SERVE_OPEN, serve_healthz, "healthz", "the process answers", NULL},
    {"GET", "/readyz", 0, serve_readyz, "readyz", "the state file can be read, and a tick ran within 15 minutes", NULL},
    {"GET", "/metrics", 0, serve_metrics, "metrics", "figures for Prometheus", NULL},
    {"GET", "/openapi.json", 0, serve_openapi, "openapi", "this list", NULL},
    {"GET", "/login", SERVE_OPEN, serve_login_page, "loginPage", "where a browser gives the token", NULL},
    {"POST", "/login", SERVE_OPEN, serve_login, "login", "takes the token of a form, gives a cookie", NULL},
    {"POST", "/logout", SERVE_OPEN, serve_logout, "logout", "ends the session of the cookie", NULL},
    {"GET", "/v1/tables", 0, api_tables, "tables", "the data dictionary: tables that take rows, and their rules", NULL},
    {"GET", "/v1/tables/{table}", 0, api_table, "table", "a table's columns and keys, as its database has them", NULL},
    {"GET", "/v1/tables/{table}/rows", SERVE_PRIVATE, api_rows_get, "rows", "rows by a key's columns, or by the primary key page by page", "limit,after,*"},
    {"POST", "/v1/tables/{table}/rows", SERVE_WRITES | SERVE_ROWS, api_rows_post, "putRows", "1 to 1,000 rows, atomic or partial; a key makes repeating safe", "mode"},
    {"GET", "/v1/tables/{table}/rejects", SERVE_PRIVATE, api_table_rejects, "tableRejects", "rows that were rejected, with their bytes", "limit,after,code,column"},
    {NULL, NULL, 0, NULL, NULL, NULL, NULL},
};
/* clang-format on */

int serve_healthz(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    UNUSED(q);
    return buf_adds(&a->body, "{\"status\":\"ok\"}\n", err);
}

enum { TICK_STALE_MS = 3 * 300000 }; /* three of the five minutes that deploy/ ticks by */

int serve_readyz(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    struct last_tick t = {0};
    struct store *s = NULL;
    int rc = serve_store_take(q->serve, &s, err);

    if (rc < 0)
        return rc;
    rc = last_tick_get(s, &t, err);
    serve_store_give(q->serve);
    if (rc < 0)
        return rc;
    if (t.started_ms == 0 || q->now_ms - t.started_ms > TICK_STALE_MS) {
        char detail[120];
        snprintf(detail, sizeof detail,
                 t.started_ms == 0 ? "no tick has run yet" : "the last tick began %lld minutes ago",
                 (long long)((q->now_ms - t.started_ms) / 60000));
        serve_problem(a, 503, err_name(ERR_UNAVAILABLE), "no tick for 15 minutes", detail,
                      "orch doctor tells why");
        return 0;
    }
    return buf_addf(&a->body, err, "{\"status\":\"ok\",\"last_tick_age_s\":%lld}\n",
                    (long long)((q->now_ms - t.started_ms) / 1000));
}

int serve_metrics(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    struct store *s = NULL;
    int rc = serve_store_take(q->serve, &s, err);

    if (rc < 0)
        return rc;
    rc = metrics_text(q->config, s, q->now_ms, &a->body, err);
    serve_store_give(q->serve);
    a->type = "text/plain; version=0.0.4; charset=utf-8";
    return rc;
}

int serve_root(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    UNUSED(q);
    a->type = "text/html; charset=utf-8";
    return buf_adds(
        &a->body,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>orch</title></head>"
        "<body><h1>orch</h1><p><a href=\"/openapi.json\">openapi.json</a></p></body></html>\n",
        err);
}

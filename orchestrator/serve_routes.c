/* What orch serve answers to: one row each. Who adds one adds it here alone; openapi.json follows. */
#include "base/json.h"
#include "io/hash.h"
#include "orchestrator/api.h"
#include "orchestrator/api_table.h"
#include "orchestrator/metrics.h"
#include "orchestrator/page.h"
#include "orchestrator/serve_int.h"
#include "state/last_tick.h"

/* clang-format off */ /* a line or two each */
const struct serve_route serve_routes[] = {
    {"GET", "/", SERVE_PRIVATE, serve_page_home, "pageHome", "page: what needs attention, and every pipeline", NULL},
    {"GET", "/pipelines/{pipeline}", SERVE_PRIVATE, serve_page_pipeline, "pagePipeline", "page: a pipeline's month or year", "month,year,show"},
    {"GET", "/pipelines/{pipeline}/{partition}", SERVE_PRIVATE, serve_page_partition, "pagePartition", "page: a partition's jobs and files", "asked"},
    {"GET", "/extracts/{extract}", SERVE_PRIVATE, serve_page_extract, "pageExtract", "page: an extract's newest runs", NULL},
    {"GET", "/executions", SERVE_PRIVATE, serve_page_executions, "pageExecutions", "page: executions, the newest first", "pipeline,status,idle,before"},
    {"GET", "/executions/{id}", SERVE_PRIVATE, serve_page_execution, "pageExecution", "page: an execution's timeline, path and events", "after"},
    {"GET", "/rejects", SERVE_PRIVATE, serve_page_rejects, "pageRejects", "page: rejects by code and column, and one by one", "pipeline,partition,code,column,state,after"},
    {"GET", "/activity", SERVE_PRIVATE, serve_page_activity, "pageActivity", "page: what people decided; alert channels", "pipeline,before"},
    {"POST", "/pipelines/{pipeline}", SERVE_WRITES | SERVE_PRIVATE, serve_page_pause, "pagePause", "form: pauses a pipeline, or resumes it; at once", NULL},
    {"POST", "/pipelines/{pipeline}/{partition}", SERVE_WRITES | SERVE_PRIVATE, serve_page_ask, "pageAsk", "form: replay, retry or skip, by the next tick", NULL},
    {"GET", "/style.css", SERVE_OPEN | SERVE_FILE, serve_page_file, "pageStyle", "of the pages", NULL},
    {"GET", "/orch.js", SERVE_OPEN | SERVE_FILE, serve_page_file, "pageScript", "of the pages", NULL},
    {"GET", "/icon.svg", SERVE_OPEN | SERVE_FILE, serve_page_file, "pageIcon", "of the pages", NULL},
    {"GET", "/healthz", SERVE_OPEN, serve_healthz, "healthz", "the process answers", NULL},
    {"GET", "/readyz", 0, serve_readyz, "readyz", "the state file can be read, and a tick ran within serve.tick_within", NULL},
    {"GET", "/metrics", 0, serve_metrics, "metrics", "figures for Prometheus", NULL},
    {"GET", "/openapi.json", 0, serve_openapi, "openapi", "this list", NULL},
    {"GET", "/login", SERVE_OPEN, serve_login_page, "loginPage", "where a browser gives the token", NULL},
    {"POST", "/login", SERVE_OPEN, serve_login, "login", "takes the token of a form, gives a cookie", NULL},
    {"POST", "/logout", SERVE_OPEN, serve_logout, "logout", "ends the session of the cookie", NULL},
    {"GET", "/v1/summary", 0, api_summary, "summary", "all that a page polls; has an ETag", NULL},
    {"GET", "/v1/pipelines", 0, api_pipelines, "listPipelines", "each as orch status tells it", "limit,after"},
    {"GET", "/v1/pipelines/{pipeline}", 0, api_pipeline, "getPipeline", "one, with what needs attention", NULL},
    {"GET", "/v1/pipelines/{pipeline}/partitions", 0, api_partitions, "listPartitions", "its partitions, or ranges of one state", "from,to,ranges,limit,after"},
    {"POST", "/v1/pipelines/{pipeline}/replay", SERVE_WRITES | SERVE_QUEUES, api_replay, "replay", "loads partitions again, by the next tick", NULL},
    {"POST", "/v1/pipelines/{pipeline}/retry", SERVE_WRITES | SERVE_QUEUES, api_retry, "retry", "tries again what failed, by the next tick", NULL},
    {"POST", "/v1/pipelines/{pipeline}/skip", SERVE_WRITES | SERVE_QUEUES, api_skip, "skip", "gives a partition up, by the next tick", NULL},
    {"POST", "/v1/pipelines/{pipeline}/pause", SERVE_WRITES, api_pause, "pause", "starts nothing until it is resumed; at once", NULL},
    {"POST", "/v1/pipelines/{pipeline}/resume", SERVE_WRITES, api_resume, "resume", "lets it go on; at once", NULL},
    {"GET", "/v1/extracts", 0, api_extracts, "listExtracts", "the newest run of each table", NULL},
    {"GET", "/v1/jobs", 0, api_jobs, "listJobs", "newest first", "pipeline,partition,state,limit,after"},
    {"GET", "/v1/executions", 0, api_executions, "listExecutions", "newest first", "pipeline,status,limit,after"},
    {"GET", "/v1/executions/{execution}", 0, api_execution, "getExecution", "one, by number or name, or a pipeline's newest", NULL},
    {"GET", "/v1/executions/{execution}/events", 0, api_events, "listEvents", "what happened in it", "limit,after"},
    {"GET", "/v1/rejects", SERVE_PRIVATE, api_rejects, "listRejects", "records that broke a rule", "pipeline,partition,code,column,state,by,limit,after"},
    {"GET", "/v1/reconciliation", 0, api_reconciliation, "reconciliation", "of each object: rows read, loaded, rejected, and the difference", "pipeline,from,to,limit,after"},
    {"GET", "/v1/backups", 0, api_backups, "listBackups", "backups of a table that are there, newest first", "table,limit,after"},
    {"POST", "/v1/backups", SERVE_WRITES | SERVE_QUEUES, api_backup, "backup", "tables as Avro files, by the next tick", NULL},
    {"POST", "/v1/restores", SERVE_WRITES | SERVE_QUEUES, api_restore, "restore", "a table back from a backup, by the next tick", NULL},
    {"GET", "/v1/requests", 0, api_requests, "listRequests", "what was asked for, newest first", "pipeline,state,limit,after"},
    {"GET", "/v1/requests/{request}", 0, api_request, "getRequest", "one, and what became of it", NULL},
    {"POST", "/v1/requests/{request}/acknowledge", SERVE_WRITES, api_request_ack, "acknowledge", "a request that failed is let stand", NULL},
    {"GET", "/v1/tables", 0, api_tables, "tables", "the data dictionary: tables that take rows, and their rules", NULL},
    {"GET", "/v1/tables/{table}", 0, api_table, "table", "a table's columns and keys, as its database has them", NULL},
    {"GET", "/v1/tables/{table}/rows", SERVE_PRIVATE, api_rows_get, "rows", "rows by a key's columns, or by the primary key page by page", "limit,after,*"},
    {"POST", "/v1/tables/{table}/rows", SERVE_WRITES | SERVE_ROWS, api_rows_post, "putRows", "1 to 1,000 rows, atomic or partial; a key makes repeating safe", "mode"},
    {"GET", "/v1/tables/{table}/rejects", SERVE_PRIVATE, api_table_rejects, "tableRejects", "rows that were rejected, with their bytes", "limit,after,code,column,source"},
    {NULL, NULL, 0, NULL, NULL, NULL, NULL},
};
/* clang-format on */

int serve_healthz(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    UNUSED(q);
    return buf_adds(&a->body, "{\"status\":\"ok\"}\n", err);
}

int serve_readyz(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    struct last_tick t = {0};
    struct store *s = NULL;
    int rc = serve_probe_take(q->serve, &s, err);

    if (rc < 0)
        return rc;
    rc = last_tick_get(s, &t, err);
    serve_probe_give(q->serve);
    if (rc < 0)
        return rc;
    if (t.started_ms == 0 || q->now_ms - t.started_ms > q->config->serve.tick_within_ms) {
        char detail[160];
        long long within = q->config->serve.tick_within_ms / 60000;
        snprintf(detail, sizeof detail,
                 t.started_ms == 0
                     ? "no tick has run yet"
                     : "the last tick began %lld minutes ago; serve.tick_within is %lld minutes",
                 (long long)((q->now_ms - t.started_ms) / 60000), within);
        serve_problem(a, 503, err_name(ERR_UNAVAILABLE), "no tick for too long", detail,
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
    serve_store_give(q->serve, s);
    if (rc == 0)
        rc = serve_figures_text(q->serve, &a->body, err);
    a->type = "text/plain; version=0.0.4; charset=utf-8";
    return rc;
}

#ifndef ORCHESTRATOR_API_H
#define ORCHESTRATOR_API_H
#include "orchestrator/cmd.h"
#include "orchestrator/serve.h"
#include "orchestrator/stream.h"
/*
 * What the handlers of /v1 share (api_*.c). docs/api.md tells each. An answer is written as it is read, at most `limit` rows of
 * it; where there are more, `next` is what `after` of the next page is. Names of members are those of `orch ... -o json`.
 */
struct api {
    const struct serve_request *q;
    struct cli cli; /* config and store of the server: for what commands and handlers have in common */
    struct jout j;
    int64_t limit;
    /* its own */
    char *text;
    size_t n;
    const struct store *taken; /* NULL: not */
};
/* Takes the store and begins the document's object. Always api_close, with what came of it. */
NODISCARD int api_open(struct api *x, const struct serve_request *q, struct err *err);
NODISCARD int api_open_alone(struct api *x, const struct serve_request *q,
                             struct err *err);                                 /* without the store */
NODISCARD int api_check_place(const struct serve_request *q, struct err *err); /* is serve.backups set? */
/* rc, or an error; 0: the answer has the document. */
NODISCARD int api_close(struct api *x, struct serve_answer *a, int rc, struct err *err);
bool api_is_full(struct api *x); /* the page has as many bytes as a page may have */
void api_next_int(struct api *x, int64_t after);
void api_next_text(struct api *x, const char *after);
/* The pipeline of a name, or NULL of none; an extract is one too where either says so. ERR_NOT_FOUND, ERR_USAGE. */
NODISCARD int api_flow(const struct serve_request *q, const char *name, bool either,
                       const struct pipeline **ret, struct err *err);
/* Queries: one of a list, NULL where it is not there; a partition of the pipeline (there is one spelling), "" where not. */
NODISCARD int api_word(const struct serve_request *q, const char *name, const char *const known[],
                       const char **ret, struct err *err);
NODISCARD int api_part(const struct pipeline *p, const char *what, const char *text, char ret[PART_SIZE],
                       struct err *err);
struct cli api_cli(const struct serve_request *q, struct store *s); /* to read with: nothing of it is owned */
const struct pipeline *api_configured(const struct config *c, const char *name); /* NULL: not any more */

/* Where a page of rejects goes on, "LOAD-LINE", of /v1 and of the dashboard; "": at its beginning. ERR_USAGE. */
NODISCARD int api_reject_place(const char *after, int64_t *ret_load, int64_t *ret_line, struct err *err);

/* api_ask.c, for the forms of the pages too. kind: replay, retry, skip. What the state file tells against it is said now; then
 * it is put down for the next tick, under q's key and name. *ret_id 0: dry_run, and the answer has what would be done. */
struct api_body;
NODISCARD int api_ask(const struct serve_request *q, struct serve_answer *a, const char *kind,
                      const struct pipeline *p, const struct api_body *b, int64_t *ret_id, struct err *err);
/* 1 changed, 0 it was so. */
NODISCARD int api_set_pause(const struct serve_request *q, const struct pipeline *p, const struct api_body *b,
                            bool pause, struct err *err);

serve_fn api_pipelines, api_pipeline, api_partitions, api_extracts, api_summary, api_jobs, api_executions,
    api_execution, api_events, api_rejects, api_reconciliation, api_requests, api_request, api_request_ack,
    api_replay, api_retry, api_skip, api_pause, api_resume, api_backup, api_backups, api_restore;
#endif

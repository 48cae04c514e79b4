#ifndef ORCHESTRATOR_API_BODY_H
#define ORCHESTRATOR_API_BODY_H
#include "base/json.h"
#include "orchestrator/serve.h"
struct api_body {
    json_t *all;        /* owned; what was sent */
    json_t *args;       /* owned; of the request: checked, members in one order, without reason and dry_run */
    const char *reason; /* of all */
    bool dry_run;
};
/*
 * JSON. kind: replay, retry, skip, pause, resume, acknowledge, backup, restore. p: the pipeline of the path, where
 * the kind has one. ERR_USAGE. Release it also after an error. A name of a table in args leads nowhere as a part of a path.
 */
NODISCARD int api_body_read(const struct serve_request *q, const char *kind, const struct pipeline *p,
                            struct api_body *ret, struct err *err);
/* The same of a form of the pages, which sends a reason, and whose path names the partition (NULL: none). */
NODISCARD int api_body_form(const struct serve_request *q, const char *kind, const struct pipeline *p,
                            const char *part, struct api_body *ret, struct err *err);
void api_body_release(struct api_body *b);
#endif

/* What the server has room for: fewer connections than `parallel`, smaller chunks than `chunk_bytes`; said in orch logs. */
#include "base/clock.h"
#include "io/target_limits.h"
#include "state/notice.h"
#include "steps/object_int.h"

enum { LEAST_CHUNK = 64 * 1024 };

static int say(const struct load_job *j, const char *what, const char *text, struct err *err)
{
    const struct step_ctx *c = j->c;
    const struct notice n = {c->pipeline->name, j->job->part, what, text};

    return c->store == NULL ? 0 : notice_put(c->store, c->token, &n, clock_now_ms(), err);
}

/* As they lie there: what is packed may be larger still, but need not be. */
static int64_t largest(const struct loads *loads)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < loads->n; i++)
        bytes = loads->rows[i].size > bytes ? loads->rows[i].size : bytes;
    return bytes;
}

int load_limits(struct load_job *j, const struct loads *loads, struct err *err)
{
    const struct pipeline *p = j->c->pipeline;
    struct target_limits l;
    char text[LIMITS_WHY];
    const char *by;

    j->connections = target_is_mysql(j->target) ? p->parallel : 1;
    j->chunk_bytes = p->chunk_bytes;
    int rc = target_limits(j->target, &l, err);
    if (rc < 0)
        return rc;
    j->connections = limits_connections(&l, j->connections, text);
    if (text[0] != '\0' && loads->n > 0)
        rc = say(j, "fewer connections", text, err);
    int64_t may = limits_chunk(&l, &by);
    if (rc < 0 || may >= j->chunk_bytes)
        return rc;
    j->chunk_bytes = may < LEAST_CHUNK ? LEAST_CHUNK : may;
    if (largest(loads) <= j->chunk_bytes)
        return 0;
    snprintf(text, sizeof text, "%lld bytes each in place of %lld, by the server's %s",
             (long long)j->chunk_bytes, (long long)p->chunk_bytes, by);
    return say(j, "smaller chunks", text, err);
}

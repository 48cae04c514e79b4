/* The copy of a load's rejects beside the target (io/target_rejects.h). */
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_rejects.h"
#include "steps/rejects.h"

enum { PAGE = 200 }; /* rejects in memory at a time, of at most 64 KiB each */

struct copying {
    struct arena *arena;
    struct reject_copy rows[PAGE];
    size_t n;
};

static const char *keep(struct copying *k, const char *text)
{
    return arena_strndup(k->arena, text, strlen(text));
}

static int on_reject(void *arg, const struct reject *r, struct err *err)
{
    struct copying *k = arg;

    UNUSED(err);
    k->rows[k->n++] =
        (struct reject_copy){.line = r->line,
                             .offset = r->offset,
                             .raw_total = r->raw_total,
                             .at_ms = r->at_ms,
                             .column = keep(k, r->column),
                             .code = keep(k, r->code),
                             .message = keep(k, r->message),
                             .raw = arena_strndup(k->arena, r->raw_n > 0 ? r->raw : "", r->raw_n),
                             .raw_n = r->raw_n};
    return 0;
}

int step_rejects_copy(struct step_ctx *c, struct load *load, const struct reject_owner *o, struct err *err)
{
    const struct reject_filter pending = {.state = "PENDING", .limit = PAGE};
    const char *table = c->pipeline->rejects_table;
    int64_t line = INT64_MIN;
    int rc = 0;

    if (table != NULL && o->replaces != 0)
        rc = target_rejects_forget(load, table, o->replaces, err);
    if (table == NULL || o->key == NULL || rc < 0)
        return rc;
    struct copying *k = xcalloc(1, sizeof *k);
    k->arena = arena_new();
    do {
        k->n = 0;
        arena_reset(k->arena);
        rc = reject_page(c->store, o->load_id, line, &pending, on_reject, k, err);
        if (rc == 0)
            rc = target_rejects_write(load, table, o, k->rows, k->n, err);
        if (k->n > 0)
            line = k->rows[k->n - 1].line;
    } while (rc == 0 && k->n == PAGE);
    arena_free(k->arena);
    free(k);
    return rc;
}

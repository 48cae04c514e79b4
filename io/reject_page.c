#include "io/reject_page.h"
#include "base/limits.h"
#include "base/mem.h"

struct reject_page *reject_page_new(void)
{
    struct reject_page *p = xcalloc(1, sizeof *p);

    p->arena = arena_new();
    p->rows = xcalloc(REJECT_PAGE_ROWS, sizeof *p->rows);
    return p;
}

void reject_page_free(struct reject_page *p)
{
    if (p == NULL)
        return;
    arena_free(p->arena);
    free(p->rows);
    free(p);
}

void reject_page_clear(struct reject_page *p)
{
    p->n = 0;
    p->bytes = 0;
    arena_reset(p->arena);
}

static const char *keep(struct reject_page *p, const char *text)
{
    return arena_strndup(p->arena, text, strlen(text));
}

bool reject_page_add(struct reject_page *p, int64_t load_id, const struct reject_info *why)
{
    struct reject_row *row = &p->rows[p->n++];

    *row = (struct reject_row){.load_id = load_id,
                               .line = why->line,
                               .offset = why->offset,
                               .raw_total = why->raw_total,
                               .column = keep(p, why->column),
                               .code = keep(p, why->code),
                               .message = keep(p, why->message),
                               .hint = keep(p, why->hint),
                               .raw = arena_strndup(p->arena, why->raw, why->raw_n),
                               .raw_n = why->raw_n};
    if (why->raw_total > (int64_t)why->raw_n)
        str_hex(why->raw_sha256, sizeof why->raw_sha256, row->raw_sha256);
    p->bytes += why->raw_n;
    return p->n == REJECT_PAGE_ROWS || p->bytes > BATCH_BYTES;
}

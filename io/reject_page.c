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

/* What helps against most of a code, where whoever refused the record knew nothing better. */
static const struct {
    const char *code, *hint;
} usual[] = {
    {"FIELD_COUNT", "was the record cut off, or does a bare field hold a line end? Such a field is quoted"},
    {"OUT_OF_RANGE", "orch schema diff tells the columns that are too narrow for the files"},
    {"TOO_LONG", "orch schema diff tells the columns that are too narrow for the files"},
    {"DUPLICATE_KEY",
     "the table, or an earlier record, has this key: where later ones are to win there is mode upsert"},
    {"NOT_NULL", "the column is NOT NULL: make it nullable, or have the file filled"},
    {"CHECK_FAILED", "a CHECK of the table refuses it"},
    {"FOREIGN_KEY", "the table that it refers to lacks the row: load that one first"},
    {"RECORD_TOO_LARGE", "is a quote left open before it?"},
};

const char *reject_hint(const struct reject_info *why)
{
    for (size_t i = 0; why->hint[0] == '\0' && i < ARRAY_LEN(usual); i++)
        if (strcmp(why->code, usual[i].code) == 0)
            return usual[i].hint;
    return why->hint;
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
                               .hint = keep(p, reject_hint(why)),
                               .raw = arena_strndup(p->arena, why->raw, why->raw_n),
                               .raw_n = why->raw_n};
    if (why->raw_total > (int64_t)why->raw_n)
        str_hex(why->raw_sha256, sizeof why->raw_sha256, row->raw_sha256);
    p->bytes += why->raw_n;
    return p->n == REJECT_PAGE_ROWS || p->bytes > BATCH_BYTES;
}

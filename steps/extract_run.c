/* What the extract steps share: the rows of a run, their tables, the sink. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_select.h"
#include "steps/extract_int.h"
#include "steps/extract_sql_int.h"

struct taking {
    struct extract_rows *to;
    const char *state;
};

static int on_row(void *arg, const struct extraction *e, struct err *err)
{
    struct taking *t = arg;
    bool done = strcmp(e->state, "PUBLISHED") == 0 || strcmp(e->state, "DEAD") == 0 ||
                strcmp(e->state, "SUPERSEDED") == 0;

    UNUSED(err);
    if (t->state != NULL ? strcmp(e->state, t->state) != 0 : done)
        return 0;
    t->to->rows = xrealloc(t->to->rows, (t->to->n + 1) * sizeof *t->to->rows);
    struct extraction *mine = &t->to->rows[t->to->n++];
    *mine = *e;
    char **texts[] = {&mine->pipeline, &mine->run,          &mine->name,     &mine->kind,   &mine->state,
                      &mine->stamps,   &mine->manifest_key, &mine->manifest, &mine->sql,    &mine->notice,
                      &mine->error,    &mine->message,      &mine->hint,     &mine->reason, &mine->who,
                      &mine->from,     &mine->of,           &mine->to};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = *texts[i] != NULL ? xstrdup(*texts[i]) : NULL;
    return 0;
}

int extract_rows(struct step_ctx *c, const char *run, const char *state, struct extract_rows *ret,
                 struct err *err)
{
    struct taking t = {ret, state};

    *ret = (struct extract_rows){0};
    return extraction_run(c->store, c->pipeline->name, run, on_row, &t, err);
}

void extract_rows_release(struct extract_rows *r)
{
    for (size_t i = 0; i < r->n; i++)
        extraction_release(&r->rows[i]);
    free(r->rows);
    *r = (struct extract_rows){0};
}

int extract_find(const struct pipeline *p, const char *name, const struct extract_table **ret,
                 struct err *err)
{
    for (size_t i = 0; i < p->extract->table_count; i++)
        if (strcmp(p->extract->tables[i].name, name) == 0) {
            *ret = &p->extract->tables[i];
            return 0;
        }
    err_set(err, ERR_CONFIG, "extract %s has no table '%s' any more, which this run was planned with",
            p->name, name);
    return err_hint(err, "the next look leaves it out of the run");
}

int extract_drop_gone(struct step_ctx *c, const char *run, size_t *ret_left, struct err *err)
{
    struct extract_rows rows = {0};
    const struct extract_table *t;
    struct err gone;

    *ret_left = 0;
    int rc = extract_rows(c, run, NULL, &rows, err);
    for (size_t i = 0; rc == 0 && i < rows.n; i++) {
        if (extract_find(c->pipeline, rows.rows[i].name, &t, &gone) == 0)
            ++*ret_left;
        else
            rc = extraction_drop(c->store, c->token, rows.rows[i].id, "its table is no longer in orch.json",
                                 clock_now_ms(), err);
    }
    extract_rows_release(&rows);
    return rc;
}

int extract_sink(struct step_ctx *c, struct sink **ret, struct err *err)
{
    struct source_config config = c->pipeline->source;

    config.beat = &c->beat;
    return sink_open(&config, ret, err);
}

int extract_describe(struct target *t, const struct extract_table *x, struct table **ret, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_STATEMENT);
    struct select *s = NULL;
    struct str query;

    *ret = NULL;
    if (x->table != NULL) {
        int got = target_describe(t, x->table, ret, err);
        if (got < 0 && err->native == TARGET_NO_TABLE)
            err_hint(err, "is its name right, and may the user SELECT it? orch doctor prints the GRANTs");
        return got;
    }
    if (x->watermark[0] == NULL)
        return 0;
    query = extract_query(x);
    char *own = xstrndup(query.p, query.n);
    int rc = own_sql_check(x->name, "query", own, err);
    free(own);
    if (rc == 0)
        rc = buf_addf(&sql, err, "SELECT * FROM (%.*s\n) AS q LIMIT 0", (int)query.n, query.p);
    if (rc == 0)
        rc = target_select(t, sql.p, NULL, 0, NULL, NULL, 0, &s, err);
    if (rc == 0)
        *ret = select_take_table(s);
    select_close(s);
    buf_release(&sql);
    return rc;
}

int extract_copy(struct sink *sink, const char *at, const char *text, size_t n, const struct manifest *m,
                 struct err *err)
{
    char key[MAX_KEY + 1];

    if (m->part_count == 0)
        return 0;
    const char *part = m->parts[0].key, *slash = strrchr(part, '/');
    char *dir = xstrndup(part, slash != NULL ? (size_t)(slash - part) : 0);
    int rc = manifest_key(dir, m->table, m->seq, m->run, key, err);
    if (rc == 0 && strcmp(key, at) != 0)
        rc = sink_put_new(sink, key, text, n, err);
    free(dir);
    return rc < 0 ? rc : 0;
}

/* Mode upsert: the rows of an object go to the stage, and from there by their key (io/target_upsert.h). */
#include "base/mem.h"
#include "steps/stage.h"
#include "steps/upsert_int.h"

int upsert_open(const struct pipeline *p, struct target *t, const struct table *def, struct upsert *u,
                struct err *err)
{
    *u = (struct upsert){NULL, NULL};
    if (p->mode != MODE_UPSERT)
        return 0;
    int rc = target_upsert_key(def, p->key, &u->key, err);
    if (rc == 0)
        rc = target_stage_check(t, def, &u->stage, err);
    if (rc == 0)
        rc = target_upsert_check(t, def, u->key, err);
    if (rc < 0)
        upsert_release(u);
    return rc;
}

void upsert_release(struct upsert *u)
{
    table_free(u->stage);
    u->stage = NULL;
}

/* --- the commands that make it --- */

/* 1: the pipeline's table has lineage, and loads of it may pass through a stage; *ret_def owned. */
static int staged(struct step_ctx *c, struct target *t, struct table **ret_def,
                  const struct table_key **ret_key, struct err *err)
{
    bool by_key = c->pipeline->mode == MODE_UPSERT;
    struct table *def = NULL;
    int rc = target_describe(t, c->pipeline->table, &def, err);

    if (rc < 0)
        return err->native == TARGET_NO_TABLE ? 0 : rc;
    bool wants = def->has_lineage && def->transactional && (by_key || target_is_mysql(t));
    *ret_key = NULL;
    rc = wants && by_key ? target_upsert_key(def, c->pipeline->key, ret_key, err) : 0;
    if (rc < 0 || !wants) {
        table_free(def);
        return rc;
    }
    *ret_def = def;
    return 1;
}

int step_stage_setup(struct step_ctx *c, char ret_name[STAGE_NAME_SIZE], struct err *err)
{
    const struct table_key *key = NULL;
    struct table *def = NULL;
    struct target *t;

    int rc = step_target(c, &t, err);
    if (rc == 0)
        rc = staged(c, t, &def, &key, err);
    if (rc <= 0 || def == NULL)
        return rc < 0 ? rc : STAGE_NOT_WANTED;
    target_stage_name(def->name, ret_name);
    rc = target_stage_setup(t, def, key, err);
    table_free(def);
    return rc;
}

int step_stage_ddl(struct step_ctx *c, struct buf *ret, struct err *err)
{
    const struct table_key *key = NULL;
    struct table *def = NULL;
    struct target *t;

    int rc = step_target(c, &t, err);
    if (rc == 0)
        rc = staged(c, t, &def, &key, err);
    if (rc <= 0 || def == NULL)
        return rc;
    rc = target_stage_ddl(t, def, key, ret, err);
    table_free(def);
    return rc;
}

int step_stage_check(const struct pipeline *p, struct target *t, const struct table *def, struct err *err)
{
    struct upsert u;
    int rc = upsert_open(p, t, def, &u, err);

    if (rc == 0)
        upsert_release(&u);
    return rc;
}

/* --- later --- */

struct record {
    char *columns; /* owned */
    int64_t rows_loaded;
};

static int keep_record(void *arg, const struct ledger_row *row, struct err *err)
{
    struct record *r = arg;

    UNUSED(err);
    if (row->chunk != 0)
        return 0;
    free(r->columns);
    r->columns = xstrdup(row->columns != NULL ? row->columns : "");
    r->rows_loaded = row->rows_loaded;
    return 0;
}

int upsert_record(struct target *t, const struct load_row *l, char **ret_columns, int64_t *ret_rows,
                  struct err *err)
{
    struct upsert_counts counts = {0};
    struct record r = {NULL, 0};

    int rc = target_ledger_by_id(t, l->load_id, keep_record, &r, err);
    if (rc > 0 && r.columns != NULL)
        rc = upsert_from_text(r.columns, &counts, err);
    if (rc > 0) {
        *ret_columns = r.columns;
        *ret_rows = counts.owned;
    } else {
        free(r.columns);
    }
    return rc;
}

struct presence {
    const struct batch *b;
    char *ret;
    size_t at;
};

static int on_present(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct presence *p = arg;
    int64_t line;

    UNUSED(count);
    int rc = str_to_i64(cells[0], INT64_MIN, INT64_MAX, &line, err);
    while (rc == 0 && p->at < p->b->rows && p->b->lines[p->at] < line)
        p->at++;
    if (rc == 0 && p->at < p->b->rows && p->b->lines[p->at] == line)
        p->ret[p->at] = 1;
    return rc;
}

int upsert_present(struct target *t, const struct table *def, int64_t load_id, const struct batch *b,
                   char *ret, struct err *err)
{
    struct presence p = {b, ret, 0};

    memset(ret, 0, b->rows);
    if (b->rows == 0)
        return 0;
    const struct target_rows range = {
        .def = def, .load_id = load_id, .from = b->lines[0], .to = b->lines[b->rows - 1]};
    return target_rows(t, &range, on_present, &p, err);
}

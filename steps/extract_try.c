/* What doctor asks of a table of an extract, and the planning of a run too. */
#include "base/limits.h"
#include "io/target_select.h"
#include "steps/extract_int.h"

int extract_check_zone(const struct extract *x, const struct moment *m, const struct extract_table *t,
                       const struct table *def, struct err *err)
{
    for (size_t i = 0;
         def != NULL && x->datetime_zone_name == NULL && !m->server_is_utc && t->watermark[i] != NULL; i++) {
        int at = table_find(def, str_of(t->watermark[i]));
        if (at < 0 || def->columns[at].type != COL_DATETIME)
            continue;
        err_set(err, ERR_CONFIG,
                "%s.%s is a DATETIME, and the server's own zone is %s: in which zone it is written cannot be "
                "known",
                t->name, t->watermark[i], m->zone);
        return err_hint(err,
                        "set datetime_timezone to the zone that the application writes in, UTC for instance");
    }
    return 0;
}

int extract_ask_server(struct target *t, const struct extract_sql *q, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_STATEMENT);
    struct select *s = NULL;
    int rc = buf_addf(&sql, err, "%s\nLIMIT 0", q->select);

    if (rc == 0)
        rc = target_select(t, sql.p, q->values, q->value_count, NULL, NULL, 0, &s, err);
    select_close(s);
    buf_release(&sql);
    if (rc < 0 && err->code == ERR_INTERNAL) { /* what we write ourselves has no faults of syntax */
        err->code = ERR_CONFIG;
        err_hint(err, "query, where and transforms are SQL of your own: mend it there");
        rc = -(int)ERR_CONFIG;
    }
    return rc;
}

int step_extract_try(struct step_ctx *c, const struct extract_table *t, struct err *err)
{
    const struct extract *x = c->pipeline->extract;
    struct extract_sql sql = {0};
    struct table *def = NULL;
    struct target *target;
    struct moment m;
    char now[MOMENT_SIZE];

    int rc = step_target(c, &target, err);
    if (rc == 0)
        rc = target_moment(target, x->lag_ms, &m, err);
    if (rc == 0)
        rc = extract_describe(target, t, &def, err);
    if (rc == 0)
        rc = extract_check_zone(x, &m, t, def, err);
    if (rc == 0) {
        moment_text(m.now_ms, now);
        const struct extract_window w = {.from = t->watermark[0] != NULL ? now : NULL,
                                         .to = t->watermark[0] != NULL ? now : NULL,
                                         .datetime_offset_s = x->datetime_offset_s,
                                         .now = now};
        rc = extract_sql(t, def, &w, &sql, err);
    }
    if (rc == 0)
        rc = extract_ask_server(target, &sql, err);
    extract_sql_release(&sql);
    table_free(def);
    return rc;
}

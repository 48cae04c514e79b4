/* Rows of any SELECT, typed, as they come. */
#include "io/target_select.h"
#include "base/limits.h"
#include "io/mysqlc_select.h"
#include "io/target_mysql_int.h"

struct select {
    struct target *t;
    struct mysqlc_select *rows;
    const struct table *def; /* borrowed, of the caller or made */
    struct table *made;      /* owned; NULL: def is the caller's, or has it by now */
};

/* What the server says of the result, as a table. */
static int make_table(struct select *s, struct err *err)
{
    size_t count = mysqlc_select_count(s->rows);
    struct arena *arena = arena_new();
    struct table *t = arena_alloc(arena, sizeof *t);

    *t =
        (struct table){.arena = arena, .name = "query", .engine = "query", .triggers = "", .unique_keys = ""};
    s->def = s->made = t;
    if (count > MAX_COLUMNS)
        return err_set(err, ERR_TOO_LARGE, "the result has more than %d columns", MAX_COLUMNS);
    t->columns = arena_alloc(arena, count * sizeof *t->columns);
    t->count = count;
    for (size_t i = 0; i < count; i++)
        mysqlc_select_column(s->rows, i, arena, &t->columns[i]);
    return 0;
}

static int into(struct select *s, const int *columns, size_t column_count, struct err *err)
{
    size_t count = mysqlc_select_count(s->rows);

    if (s->made != NULL)
        columns = NULL;
    else if (count != column_count)
        return err_set(err, ERR_SCHEMA, "the result has %zu columns where %zu are expected", count,
                       column_count);
    return mysqlc_select_into(s->rows, s->def, columns, err);
}

int target_select(struct target *t, const char *sql, const struct val *values, size_t count,
                  const struct table *def, const int *columns, size_t column_count, struct select **ret,
                  struct err *err)
{
    struct select *s = NULL;

    if (!target_is_mysql(t))
        return err_set(err, ERR_CONFIG, "%s: only MySQL and MariaDB are read from", t->name);
    int rc = target_ready(t, err);
    if (rc < 0)
        return rc;
    s = xcalloc(1, sizeof *s);
    s->t = t;
    s->def = def;
    rc = mysqlc_select_open(mysql_db(t)->c, sql, values, count, &s->rows, err);
    if (rc == 0 && def == NULL)
        rc = make_table(s, err);
    if (rc == 0)
        rc = into(s, columns, column_count, err);
    if (rc == 0)
        rc = target_beat(t, err);
    if (rc < 0) {
        select_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

const struct table *select_table(const struct select *s)
{
    return s->def;
}

struct table *select_take_table(struct select *s)
{
    struct table *made = s->made;

    s->made = NULL;
    return made;
}

int select_fill(struct select *s, struct batch *b, struct err *err)
{
    int rc = mysqlc_select_fill(s->rows, b, err);
    int beaten = rc < 0 ? 0 : target_beat(s->t, err);

    return beaten < 0 ? beaten : rc;
}

void select_close(struct select *s)
{
    if (s == NULL)
        return;
    mysqlc_select_close(s->rows);
    if (s->t->db != NULL && s->t->ops->is_lost(s->t))
        target_drop(s->t);
    table_free(s->made);
    free(s);
}

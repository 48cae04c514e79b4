#include "base/limits.h"
#include "io/evidence.h"
#include "steps/extract_sql_int.h"
#include <stdarg.h>
#include <strings.h>

/* --- the statement as it grows --- */

static void show(struct making *m, const char *s)
{
    struct err ignored;

    if (m->cut || buf_adds(&m->text, s, &ignored) == 0)
        return;
    m->cut = true; /* the maximum leaves room for this */
    m->text.max += 8;
    err_ignore(buf_adds(&m->text, "...", &ignored));
}

int making_add(struct making *m, const char *s, struct err *err)
{
    show(m, s);
    return buf_adds(&m->sql, s, err);
}

/* For log and manifest alone: the server gets values bound. */
static void show_value(struct making *m, const struct val *v)
{
    char number[24], one[3] = "";

    if (v->kind == VAL_I64) {
        snprintf(number, sizeof number, "%lld", (long long)v->i);
        show(m, number);
        return;
    }
    show(m, "'");
    for (size_t i = 0; i < v->n && !m->cut; i++) {
        bool twice = v->p[i] == '\'' || v->p[i] == '\\';
        one[0] = v->p[i];
        one[1] = twice ? v->p[i] : '\0';
        show(m, one);
    }
    show(m, "'");
}

int making_value(struct making *m, struct val v, struct err *err)
{
    if (m->count == MAX_SQL_VALUES)
        return err_set(err, ERR_CONFIG, "%s: more than %d values in filters", m->t->name, MAX_SQL_VALUES);
    if (m->count == m->room) {
        m->room = 2 * m->room + 16;
        m->values = xrealloc(m->values, m->room * sizeof *m->values);
    }
    m->values[m->count++] = v;
    show_value(m, &v);
    return buf_adds(&m->sql, "?", err);
}

static int quoted(const char *name, struct buf *ret, struct err *err)
{
    return evidence_quote(name, false, ret, err);
}

/* "db.table" is two names: a database's name has no dot. */
static int quoted_table(const char *name, struct buf *ret, struct err *err)
{
    const char *dot = strchr(name, '.');
    char *database = dot != NULL && dot > name ? xstrndup(name, (size_t)(dot - name)) : NULL;
    int rc = database != NULL ? quoted(database, ret, err) : 0;

    if (rc == 0 && database != NULL)
        rc = buf_adds(ret, ".", err);
    if (rc == 0)
        rc = quoted(database != NULL ? dot + 1 : name, ret, err);
    free(database);
    return rc;
}

static int column_sql(const struct making *m, const char *name, struct buf *ret, struct err *err)
{
    int rc = m->qualifier != NULL ? quoted(m->qualifier, ret, err) : 0;

    if (rc == 0 && m->qualifier != NULL)
        rc = buf_adds(ret, ".", err);
    return rc == 0 ? quoted(name, ret, err) : rc;
}

int making_column(struct making *m, const char *name, int at, struct err *err)
{
    struct buf b = BUF_INIT(4 * KIB);
    int rc = column_sql(m, at >= 0 ? m->def->columns[at].name : name, &b, err);

    if (rc == 0)
        rc = making_add(m, b.p, err);
    buf_release(&b);
    return rc;
}

int making_warn(struct making *m, struct err *err, const char *fmt, ...)
{
    char text[1200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return buf_addf(&m->warning, err, "%s%s", m->warning.n > 0 ? "; " : "", text);
}

/* --- names --- */

/* "'rates','created_at'" -> "rates, created_at", for a hint. */
static void bare_names(const char *given, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (const char *p = given; *p != '\0' && at < size; p += *p == ',') {
        size_t n = strcspn(p, ",");
        struct str one = str_trim((struct str){p, n});
        while (one.n > 0 && strchr("'\"", *one.p) != NULL)
            one = (struct str){one.p + 1, one.n - 1};
        while (one.n > 0 && strchr("'\"", one.p[one.n - 1]) != NULL)
            one.n--;
        char shown[100];
        str_printable(one.p, one.n, shown, sizeof shown - 8);
        at += (size_t)snprintf(out + at, size - at, "%s%s", at > 0 ? ", " : "", shown);
        p += n;
    }
}

static int quoted_constant(const struct making *m, const char *what, const char *name, struct err *err)
{
    struct str s = str_trim(str_of(name));
    char shown[100], bare[200];

    if (s.n == 0 || strchr("'\"", *s.p) == NULL)
        return 0;
    str_printable(s.p, s.n, shown, sizeof shown - 8);
    bare_names(name, bare, sizeof bare);
    err_set(err, ERR_CONFIG,
            "%s: %s: %s is a constant in quotes and no column: every row would have the same text",
            m->t->name, what, shown);
    return err_hint(err, "write %s, without quotes", bare);
}

static int no_column(const struct making *m, const char *what, const char *name, struct err *err)
{
    const char **names = xcalloc(m->def->count + 1, sizeof *names);
    char shown[100];

    for (size_t i = 0; i < m->def->count; i++)
        names[i] = m->def->columns[i].name;
    const char *near = str_nearest(name, names);
    str_printable(name, strlen(name), shown, sizeof shown - 8);
    err_set(err, ERR_CONFIG, "%s: %s: no column '%s' in %s", m->t->name, what, shown,
            m->t->table != NULL ? m->t->table : "the query's result");
    if (near != NULL)
        err_hint(err, "the nearest is '%s'", near);
    free(names);
    return -(int)ERR_CONFIG;
}

int making_find(const struct making *m, const char *what, const char *name, int *ret_at, struct err *err)
{
    *ret_at = m->def != NULL ? table_find(m->def, str_of(name)) : -1;
    if (*ret_at >= 0)
        return 0;
    int rc = quoted_constant(m, what, name, err);
    if (rc == 0 && *name == '\0')
        rc = err_set(err, ERR_CONFIG, "%s: %s: a column's name is empty", m->t->name, what);
    return rc == 0 && m->def != NULL ? no_column(m, what, name, err) : rc;
}

/* The user's own SQL in brackets, with a line of its own for the last one, since it may end in a comment. */
static int add_own(struct making *m, const char *what, struct str sql, struct err *err)
{
    char *text = xstrndup(sql.p, sql.n);
    int rc = own_sql_check(m->t->name, what, text, err);

    if (rc == 0)
        rc = making_add(m, "(", err);
    if (rc == 0)
        rc = making_add(m, text, err);
    if (rc == 0)
        rc = making_add(m, strchr(text, '#') != NULL || strstr(text, "--") != NULL ? "\n)" : ")", err);
    free(text);
    return rc;
}

struct str extract_query(const struct extract_table *t)
{
    struct str q = str_trim(str_of(t->query));

    while (q.n > 0 && q.p[q.n - 1] == ';')
        q = str_trim((struct str){q.p, q.n - 1});
    return q;
}

/* --- what is selected --- */

static size_t names_count(const char *const *names)
{
    size_t n = 0;

    while (names != NULL && names[n] != NULL)
        n++;
    return n;
}

static bool by_itself(const struct making *m, const struct column *c)
{
    return m->t->query != NULL || (!c->invisible && !table_is_lineage(c->name));
}

struct picked { /* the select's own columns, in order */
    int *at;    /* of def; -1: by name */
    const char **names;
    size_t count, room;
    bool *raw; /* the column itself, and no expression */
    bool *transform_used;
};

static void pick(struct picked *p, const char *name, int at)
{
    if (p->count == p->room) {
        p->room = 2 * p->room + 32;
        p->at = xrealloc(p->at, p->room * sizeof *p->at);
        p->names = xrealloc(p->names, p->room * sizeof *p->names);
        p->raw = xrealloc(p->raw, p->room * sizeof *p->raw);
    }
    p->at[p->count] = at;
    p->names[p->count] = name;
    p->raw[p->count++] = true;
}

static int pick_columns(const struct making *m, struct picked *p, struct err *err)
{
    size_t n = names_count(m->t->columns);

    if (n > MAX_COLUMNS)
        return err_set(err, ERR_CONFIG, "%s: columns: more than %d", m->t->name, MAX_COLUMNS);
    for (size_t i = 0; i < n; i++) {
        int at = -1;
        int rc = making_find(m, "columns", m->t->columns[i], &at, err);
        if (rc < 0)
            return rc;
        for (size_t k = 0; k < p->count; k++)
            if (at >= 0 ? p->at[k] == at : strcmp(p->names[k], m->t->columns[i]) == 0)
                return err_set(err, ERR_CONFIG, "%s: columns: '%s' stands there twice", m->t->name,
                               m->t->columns[i]);
        pick(p, m->t->columns[i], at);
    }
    for (size_t i = 0; n == 0 && m->def != NULL && i < m->def->count; i++)
        if (by_itself(m, &m->def->columns[i]))
            pick(p, m->def->columns[i].name, (int)i);
    if (p->count == 0 && m->def != NULL && m->t->transform_count == 0)
        return err_set(err, ERR_CONFIG, "%s: no column to extract", m->t->name);
    return 0;
}

static const struct extract_transform *transform_of(const struct making *m, const struct picked *p, size_t i)
{
    for (size_t k = 0; k < m->t->transform_count; k++) {
        const struct extract_transform *x = &m->t->transforms[k];
        if (p->at[i] >= 0 ? table_find(m->def, str_of(x->column)) == p->at[i]
                          : strcmp(x->column, p->names[i]) == 0) {
            p->transform_used[k] = true;
            return x;
        }
    }
    return NULL;
}

static int add_transform(struct making *m, const struct extract_transform *x, const char *name,
                         struct err *err)
{
    struct buf b = BUF_INIT(4 * KIB);
    int rc = add_own(m, "transforms", str_of(x->sql), err);

    if (rc == 0)
        rc = making_add(m, " AS ", err);
    if (rc == 0)
        rc = quoted(name, &b, err);
    if (rc == 0)
        rc = making_add(m, b.p, err);
    buf_release(&b);
    return rc;
}

static int check_transforms(const struct making *m, struct err *err)
{
    for (size_t i = 0; i < m->t->transform_count; i++) {
        const char *name = m->t->transforms[i].column;
        int at = m->def != NULL ? table_find(m->def, str_of(name)) : -1;
        int rc = at < 0 ? quoted_constant(m, "transforms", name, err) : 0;
        if (rc == 0 && *name == '\0')
            rc = err_set(err, ERR_CONFIG, "%s: transforms: a column's name is empty", m->t->name);
        for (size_t k = 0; rc == 0 && k < i; k++)
            if (strcmp(m->t->transforms[k].column, name) == 0)
                rc = err_set(err, ERR_CONFIG, "%s: transforms: '%s' stands there twice", m->t->name, name);
        if (rc < 0)
            return rc;
    }
    if (m->t->transform_count > 0 && m->t->query != NULL && names_count(m->t->columns) == 0) {
        err_set(err, ERR_CONFIG, "%s: transforms: a query's columns are its own", m->t->name);
        return err_hint(err, "name them in columns, or transform within the query");
    }
    return 0;
}

static int add_columns(struct making *m, struct picked *p, struct err *err)
{
    size_t n = p->count;
    int rc = check_transforms(m, err);

    if (rc == 0 && m->t->query != NULL && names_count(m->t->columns) == 0)
        return making_add(m, "*", err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct extract_transform *x = transform_of(m, p, i);
        rc = i > 0 ? making_add(m, ",", err) : 0;
        p->raw[i] = x == NULL;
        if (rc == 0)
            rc = x == NULL
                     ? making_column(m, p->names[i], p->at[i], err)
                     : add_transform(m, x, p->at[i] >= 0 ? m->def->columns[p->at[i]].name : p->names[i], err);
    }
    for (size_t k = 0; rc == 0 && k < m->t->transform_count; k++) {
        const struct extract_transform *x = &m->t->transforms[k];
        if (p->transform_used[k])
            continue;
        rc = p->count > 0 ? making_add(m, ",", err) : 0;
        if (rc == 0)
            rc = add_transform(m, x, x->column, err);
        pick(p, x->column, -1);
        p->raw[p->count - 1] = false;
    }
    return rc;
}

/* --- the order, and the key by which pages follow each other --- */

/*
 * Whether "behind this value" means the same to ORDER BY and to >: not of ENUM and SET, which are ordered by number and
 * compared as texts; not of FLOAT, whose shortest text is another number than it; not of NULL, which is behind nothing.
 */
static bool can_page(const struct column *c)
{
    return !c->nullable && !c->is_list && c->type != COL_FLOAT && c->type != COL_BIT &&
           c->type != COL_UNSUPPORTED;
}

static const struct table_key *unique_key(const struct making *m)
{
    for (size_t i = 0; m->def != NULL && m->t->query == NULL && i < m->def->key_count; i++) {
        const struct table_key *k = &m->def->keys[i];
        bool good = k->count > 0;
        for (size_t j = 0; good && j < k->count; j++)
            good = can_page(&m->def->columns[k->columns[j]]);
        if (good)
            return k;
    }
    return NULL;
}

struct sorting {
    int at[2 * MAX_KEY_COLUMNS]; /* of def, -1: by name */
    const char *names[2 * MAX_KEY_COLUMNS];
    size_t count;
    bool is_key; /* unique together, none of them NULL */
};

static bool sorting_has(const struct sorting *s, int at)
{
    for (size_t i = 0; i < s->count; i++)
        if (at >= 0 && s->at[i] == at)
            return true;
    return false;
}

static int find_sorting(const struct making *m, struct sorting *s, struct err *err)
{
    const struct table_key *key = unique_key(m);
    size_t n = names_count(m->t->order);

    if (n > MAX_KEY_COLUMNS)
        return err_set(err, ERR_CONFIG, "%s: order: more than %d columns", m->t->name, MAX_KEY_COLUMNS);
    s->is_key = key != NULL;
    for (size_t i = 0; i < n; i++) {
        int at = -1;
        int rc = making_find(m, "order", m->t->order[i], &at, err);
        if (rc < 0)
            return rc;
        if (sorting_has(s, at))
            continue;
        s->is_key = s->is_key && can_page(&m->def->columns[at]);
        s->at[s->count] = at;
        s->names[s->count++] = at >= 0 ? m->def->columns[at].name : m->t->order[i];
    }
    for (size_t i = 0; key != NULL && i < key->count; i++) {
        int at = key->columns[i];
        if (sorting_has(s, at))
            continue;
        s->at[s->count] = at;
        s->names[s->count++] = m->def->columns[at].name;
    }
    s->is_key = s->is_key && s->count <= MAX_KEY_COLUMNS;
    return 0;
}

/* Where column at stands in the select; what is not there yet comes last, and is not written. */
static int place_of(struct making *m, struct picked *p, int at, size_t *hidden, int *ret, struct err *err)
{
    char name[40];
    int rc = 0;

    for (size_t i = 0; i < p->count; i++)
        if (p->at[i] == at && p->raw[i]) {
            *ret = (int)i;
            return 0;
        }
    rc = making_add(m, ",", err);
    if (rc == 0)
        rc = making_column(m, "", at, err);
    if (rc == 0 &&
        m->qualifier != NULL) { /* an expression may have its name, and a subquery takes none twice */
        snprintf(name, sizeof name, " AS `_orch_key_%zu`", *hidden);
        rc = making_add(m, name, err);
    }
    pick(p, m->def->columns[at].name, at);
    (*hidden)++;
    *ret = (int)p->count - 1;
    return rc;
}

static int add_sorting(struct making *m, struct picked *p, const struct sorting *s, struct extract_sql *ret,
                       struct err *err)
{
    struct buf order = BUF_INIT(MAX_STATEMENT), one = BUF_INIT(4 * KIB);
    int rc = s->count > 0 ? buf_adds(&order, " ORDER BY ", err) : 0;

    ret->key_sql = arena_alloc(m->arena, (s->count + 1) * sizeof *ret->key_sql);
    ret->key_at = arena_alloc(m->arena, (s->count + 1) * sizeof *ret->key_at);
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        buf_clear(&one);
        rc = column_sql(m, s->names[i], &one, err);
        if (rc == 0)
            rc = buf_addf(&order, err, "%s%s", i > 0 ? "," : "", one.p);
        if (rc < 0 || !s->is_key)
            continue;
        ret->key_sql[i] = arena_strndup(m->arena, one.p, one.n);
        rc = place_of(m, p, s->at[i], &ret->hidden, &ret->key_at[i], err);
    }
    ret->key_sql[s->count] = NULL;
    ret->key_count = s->is_key ? s->count : 0;
    ret->order = arena_strndup(m->arena, order.n > 0 ? order.p : "", order.n);
    buf_release(&order);
    buf_release(&one);
    return rc;
}

/* --- all of it --- */

static int add_from(struct making *m, struct err *err)
{
    struct buf b = BUF_INIT(4 * KIB);
    int rc = making_add(m, " FROM ", err);

    if (rc == 0 && m->t->query != NULL)
        rc = add_own(m, "query", extract_query(m->t), err);
    else if (rc == 0)
        rc = quoted_table(m->t->table, &b, err);
    if (rc == 0)
        rc = making_add(m, m->t->query != NULL ? " AS q" : b.p, err);
    buf_release(&b);
    return rc;
}

static int add_where(struct making *m, struct err *err)
{
    bool any = false;
    int rc = making_add(m, " WHERE (", err);

    for (size_t i = 0; rc == 0 && i < m->t->filter_count; i++) {
        rc = any ? making_add(m, " AND ", err) : 0;
        if (rc == 0)
            rc = making_filter(m, &m->t->filters[i], err);
        any = true;
    }
    if (rc == 0 && any && has_window(m))
        rc = making_add(m, " AND ", err);
    if (rc == 0)
        rc = making_window(m, err);
    any = any || has_window(m);
    if (rc == 0 && m->t->where != NULL) {
        rc = any ? making_add(m, " AND ", err) : 0;
        if (rc == 0)
            rc = add_own(m, "where", str_of(m->t->where), err);
        any = true;
    }
    if (rc == 0 && !any)
        rc = making_add(m, "1", err);
    return rc == 0 ? making_add(m, ")", err) : rc;
}

static int check_source(const struct making *m, struct err *err)
{
    struct str q;

    if ((m->t->table != NULL) == (m->t->query != NULL))
        return err_set(err, ERR_CONFIG, "%s: a table or a query, one of them", m->t->name);
    if (m->t->query == NULL)
        return m->t->table[0] != '\0' && !str_ends(m->t->table, ".")
                   ? 0
                   : err_set(err, ERR_CONFIG, "%s: the table's name is empty", m->t->name);
    q = extract_query(m->t);
    if (q.n >= 6 && (strncasecmp(q.p, "select", 6) == 0 || strncasecmp(q.p, "with", 4) == 0 || *q.p == '('))
        return 0;
    return err_set(err, ERR_CONFIG, "%s: query: it begins with neither SELECT nor WITH", m->t->name);
}

/* Where an expression has a column's name, ORDER BY would mean it, and not the column: so columns say whose they are. */
static const char *qualifier_of(const struct making *m)
{
    const char *dot = m->t->table != NULL ? strchr(m->t->table, '.') : NULL;

    if (m->t->transform_count == 0)
        return NULL;
    return m->t->query != NULL ? "q" : dot != NULL && dot > m->t->table ? dot + 1 : m->t->table;
}

static void keep(struct making *m, const struct picked *p, struct extract_sql *ret)
{
    bool columns_known = m->def != NULL && m->t->transform_count == 0;

    if (ret->key_count == 0 && *ret->order != '\0')
        show(m, ret->order);
    for (size_t i = 0; i < ret->key_count; i++) {
        show(m, i > 0 ? "," : " ORDER BY ");
        show(m, ret->key_sql[i]);
    }
    if (ret->key_count > 0)
        ret->order = arena_strndup(m->arena, "", 0);
    ret->select = arena_strndup(m->arena, m->sql.p, m->sql.n);
    ret->text = arena_strndup(m->arena, m->text.p, m->text.n);
    ret->warning = arena_strndup(m->arena, m->warning.n > 0 ? m->warning.p : "", m->warning.n);
    ret->values = arena_alloc(m->arena, (m->count + 1) * sizeof *ret->values);
    if (m->count > 0)
        memcpy(ret->values, m->values, m->count * sizeof *ret->values);
    ret->value_count = m->count;
    ret->column_count = p->count;
    if (columns_known) {
        ret->columns = arena_alloc(m->arena, (p->count + 1) * sizeof *ret->columns);
        if (p->count > 0)
            memcpy(ret->columns, p->at, p->count * sizeof *ret->columns);
    }
    ret->arena = m->arena;
}

int extract_sql(const struct extract_table *t, const struct table *def, const struct extract_window *w,
                struct extract_sql *ret, struct err *err)
{
    struct making m = {.t = t,
                       .def = def,
                       .w = w,
                       .arena = arena_new(),
                       .sql = BUF_INIT(MAX_STATEMENT),
                       .text = BUF_INIT(MAX_SQL_SHOWN),
                       .warning = BUF_INIT(MAX_STATEMENT)};
    struct picked p = {0};
    struct sorting sorting = {0};
    struct extract_sql made = {0};
    int rc = check_source(&m, err);

    m.qualifier = qualifier_of(&m);
    p.transform_used = xcalloc(t->transform_count + 1, sizeof *p.transform_used);
    if (rc == 0)
        rc = making_add(&m, "SELECT ", err);
    if (rc == 0)
        rc = pick_columns(&m, &p, err);
    if (rc == 0)
        rc = add_columns(&m, &p, err);
    if (rc == 0)
        rc = find_sorting(&m, &sorting, err);
    if (rc == 0)
        rc = add_sorting(&m, &p, &sorting, &made, err);
    if (rc == 0)
        rc = add_from(&m, err);
    if (rc == 0)
        rc = add_where(&m, err);
    if (rc == 0) {
        keep(&m, &p, &made);
        *ret = made;
        m.arena = NULL;
    }
    free(p.at);
    free(p.names);
    free(p.raw);
    free(p.transform_used);
    free(m.values);
    buf_release(&m.sql);
    buf_release(&m.text);
    buf_release(&m.warning);
    arena_free(m.arena);
    return rc;
}

void extract_sql_release(struct extract_sql *s)
{
    arena_free(s->arena);
    *s = (struct extract_sql){0};
}

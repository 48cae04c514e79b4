/*
 * orch-sql {connection, sql | file, values?} -> {rows, affected}, or {results: [...]} of several statements, which are one
 * transaction. What is run stands in the definition; data comes in by bound values alone.
 */
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/query.h"
#include "steps/steps_int.h"

enum {
    LIMIT_MS = 3600000, /* of a Task without TimeoutSeconds */
    LONGEST_MS = 86400000,
    MARGIN_MS = 30000, /* behind TimeoutSeconds, which is to end it first */
};

static int64_t limit_of(const struct step_ctx *c)
{
    if (c->timeout_ms <= 0)
        return LIMIT_MS;
    return MARGIN_MS + (c->timeout_ms < LONGEST_MS ? c->timeout_ms : LONGEST_MS);
}

static int one_statement(const json_t *sql, const json_t *values, const char *where,
                         struct query_statement *ret, struct err *err)
{
    *ret = (struct query_statement){json_string_value(sql), values};
    if (ret->sql == NULL)
        return err_set(err, ERR_CONTRACT, "%s is %s where a text is expected", where, json_kind(sql));
    if (values != NULL && !json_is_null(values) && !json_is_array(values))
        return err_set(err, ERR_CONTRACT, "values is %s where a list is expected", json_kind(values));
    return 0;
}

/* A list of statements, and a list of lists. */
static int many_statements(const json_t *sql, const json_t *values, struct query_statement *ret,
                           struct err *err)
{
    size_t n = json_array_size(sql);
    int rc = 0;

    if (n == 0 || n > MAX_STATEMENTS)
        return err_set(err, ERR_CONTRACT, "sql: 1 to %d statements, not %zu", MAX_STATEMENTS, n);
    if (values != NULL && (!json_is_array(values) || json_array_size(values) != n)) {
        err_set(err, ERR_CONTRACT, "values: a list with a list of values for each of the %zu statements", n);
        return err_hint(err, "[] for one that has no marks");
    }
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = one_statement(json_array_get(sql, i), json_array_get(values, i), "a statement", &ret[i], err);
    return rc;
}

static int read_file(const struct step_ctx *c, const char *name, struct buf *ret, struct err *err)
{
    char *path = fs_join(c->world->folder, name);
    int rc = fs_read(path, ret, err);

    if (rc == 0 && ret->n > 0 && memchr(ret->p, '\0', ret->n) != NULL)
        rc = err_set(err, ERR_CONTRACT, "%s has a NUL byte in it", path);
    free(path);
    return rc;
}

/* What is to be run, but for what stands in a file. */
static int check(const json_t *parameters, const char **ret_file, struct query_statement *ret,
                 struct err *err)
{
    const json_t *sql = json_object_get(parameters, "sql"), *values = json_object_get(parameters, "values");
    int rc = json_get_str(parameters, "file", NULL, ret_file, err);

    if (rc < 0)
        return rc;
    if ((sql != NULL) == (*ret_file != NULL))
        return err_set(err, ERR_CONTRACT, "sql or file: one of the two");
    if (json_is_array(sql))
        return many_statements(sql, values, ret, err);
    return *ret_file == NULL ? one_statement(sql, values, "sql", ret, err) : 0;
}

int step_check_sql(const json_t *parameters, struct err *err)
{
    struct query_statement *all = xcalloc(MAX_STATEMENTS, sizeof *all);
    const char *file;
    int rc = check(parameters, &file, all, err);

    free(all);
    return rc;
}

static int statements(const struct step_ctx *c, const json_t *parameters, struct buf *text,
                      struct query_statement *ret, size_t *ret_n, struct err *err)
{
    const json_t *sql = json_object_get(parameters, "sql"), *values = json_object_get(parameters, "values");
    const char *file;
    int rc = check(parameters, &file, ret, err);

    *ret_n = json_is_array(sql) ? json_array_size(sql) : 1;
    if (rc < 0 || file == NULL)
        return rc;
    rc = read_file(c, file, text, err);
    json_t *whole = rc == 0 ? json_stringn(text->n > 0 ? text->p : "", text->n) : NULL;
    if (rc == 0 && whole == NULL)
        rc = err_set(err, ERR_CONTRACT, "%s is no UTF-8", file);
    if (rc == 0)
        rc = one_statement(whole, values, "file", ret, err);
    if (rc == 0)
        ret->sql = text->n > 0 ? text->p : "";
    json_decref(whole);
    return rc;
}

int step_run_sql(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    struct query_statement *all = xcalloc(MAX_STATEMENTS, sizeof *all);
    const struct step_connection *n = NULL;
    struct buf text = BUF_INIT(MAX_STATEMENT);
    struct target_config target;
    json_t *results = NULL;
    const char *name;
    size_t count = 0;

    int rc = json_need_str(parameters, "connection", &name, err);
    if (rc == 0)
        rc = step_connection(c->world, name, REACH_DATABASE, &n, err);
    if (rc == 0)
        rc = statements(c, parameters, &text, all, &count, err);
    if (rc == 0) {
        target = n->target;
        if (c->store != NULL)
            target.note_path = store_path(c->store);
        const struct query q = {.target = &target,
                                .statements = all,
                                .count = count,
                                .key = c->key[0] != '\0' ? c->key : NULL,
                                .max_bytes = MAX_PAYLOAD,
                                .limit_ms = limit_of(c),
                                .beat = &c->beat};
        rc = query_run(&q, &results, err);
    }
    if (rc == 0 && json_is_array(json_object_get(parameters, "sql")))
        *ret_owned = json_pack("{s:O}", "results", results);
    else if (rc == 0)
        *ret_owned = json_incref(json_array_get(results, 0));
    json_decref(results);
    buf_release(&text);
    free(all);
    return rc;
}

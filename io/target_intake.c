#include "io/target_intake.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_int.h"

/*
 * The key's row goes in first: whoever comes with the same key waits there until we have ended, and then finds it, or not.
 * Nothing is there before COMMIT, and all of it after.
 */

enum { ASKED = 1024, KEY_TRIES = 3 };

struct intake {
    struct target *t;
    struct intake_spec s;
    struct table def; /* the described one, as a table without lineage */
    struct load load; /* the engine's way of putting rows in */
    unsigned char key_sha256[SHA256_SIZE];
    int64_t serial, at_ms;
    bool touched; /* something was done in the transaction that a ROLLBACK must not take back */
};

/* --- the key --- */

struct found {
    const unsigned char *body;
    bool there, same;
    struct intake_counts *counts;
    struct buf *answer;
};

static int on_found(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct found *f = arg;

    UNUSED(count);
    f->there = true;
    f->same = cells[0].n == SHA256_SIZE && memcmp(cells[0].p, f->body, SHA256_SIZE) == 0;
    *f->counts = (struct intake_counts){.records = target_cell_i64(cells[1]),
                                        .stored = target_cell_i64(cells[2]),
                                        .rejected = target_cell_i64(cells[3])};
    return cells[4].p != NULL ? buf_add(f->answer, cells[4].p, cells[4].n, err) : 0;
}

static int find_key(struct intake *x, struct found *f, struct err *err)
{
    const struct val values[] = {val_text(x->s.name), val_blob(x->key_sha256, SHA256_SIZE)};

    buf_clear(f->answer);
    return target_run(x->t, "intake_find", values, ARRAY_LEN(values), on_found, f, NULL, err);
}

static int insert_key(struct intake *x, struct err *err)
{
    const struct val values[] = {val_text(x->s.name),   val_blob(x->key_sha256, SHA256_SIZE),
                                 val_text(x->s.key),    val_blob(x->s.body_sha256, SHA256_SIZE),
                                 val_text(x->s.source), val_text(x->s.who),
                                 val_i64(x->at_ms)};

    return target_run(x->t, "intake_key", values, ARRAY_LEN(values), NULL, NULL, NULL, err);
}

static int other_body(const struct intake *x, struct err *err)
{
    char shown[120];

    str_printable(x->s.key, strlen(x->s.key), shown, sizeof shown);
    err_set(err, ERR_CONFLICT, "the key '%s' was used for another body, into table %s", shown, x->s.name);
    return err_hint(err, "a key belongs to one request: take a new one");
}

/* 1: the key is ours, in an open transaction; 2: it was there. */
static int take_key(struct intake *x, struct intake_counts *counts, struct buf *answer, struct err *err)
{
    struct found f = {.body = x->s.body_sha256, .counts = counts, .answer = answer};

    for (int i = 0; i < KEY_TRIES; i++) {
        int rc = insert_key(x, err);
        if (rc == 0)
            return 1;
        if (err->native == TARGET_LOCK_WAIT)
            return err_set(err, ERR_BUSY, "a request with this key is under way");
        if (err->code != ERR_DUPLICATE_KEY)
            return rc;
        rc = find_key(x, &f, err);
        if (rc < 0)
            return rc;
        if (f.there)
            return f.same ? 2 : other_body(x, err);
        /* it was rolled back between the two */
    }
    return err_set(err, ERR_BUSY, "requests with this key come and fail, all the time");
}

/* --- the transaction --- */

/* MySQL's way leaves autocommit off from one intake to the next, which saves a statement each: target_ready turns it on again
 * for whoever else comes. */
static int begin(struct target *t, struct err *err)
{
    if (t->ops->manual == NULL)
        return target_script(t, target_query(t, "begin"), err);
    if (t->manual)
        return 0;
    int rc = t->ops->manual(t, true, err);
    t->manual = rc == 0;
    return rc;
}

static int open_one(struct target *t, struct err *err)
{
    t->taking = true;
    int rc = target_ready_to_take(t, err);
    return rc < 0 ? rc : begin(t, err);
}

static bool same_connection(const struct intake *x)
{
    return x->t->db != NULL && x->t->serial == x->serial;
}

static int gone(const struct intake *x, struct err *err)
{
    if (same_connection(x))
        return 0;
    return err_set(err, ERR_TRANSIENT, "the connection broke; the database has taken the rows back");
}

static void intake_free(struct intake *x)
{
    if (x->load.insert != NULL)
        x->t->ops->insert_close(&x->load);
    x->t->taking = false;
    free(x);
}

void target_intake_abort(struct intake *x)
{
    struct err ignored;

    if (x == NULL)
        return;
    struct target *t = x->t;
    bool mine = same_connection(x);
    intake_free(x);
    if (mine && (t->ops->is_lost(t) || t->ops->script(t, target_query(t, "rollback"), &ignored) < 0))
        target_drop(t);
}

static struct intake *intake_new(struct target *t, const struct intake_spec *s)
{
    struct intake *x = xcalloc(1, sizeof *x);

    x->t = t;
    x->s = *s;
    x->def = *s->def;
    x->def.has_lineage = false;
    x->at_ms = clock_now_ms();
    x->load = (struct load){.t = t,
                            .spec = {.table = &x->def,
                                     .columns = s->columns,
                                     .column_count = s->column_count,
                                     .careful = true,
                                     .on_reject = s->on_reject,
                                     .arg = s->arg},
                            .kept = true};
    if (s->key != NULL)
        sha256_of(s->key, strlen(s->key), x->key_sha256);
    return x;
}

int target_intake_begin(struct target *t, const struct intake_spec *s, struct intake **ret,
                        struct intake_counts *ret_counts, struct buf *ret_answer, struct err *err)
{
    struct intake *x = intake_new(t, s);
    int rc = open_one(t, err);

    *ret = NULL;
    x->serial = x->load.serial = rc == 0 ? t->serial : -1;
    if (rc == 0 && s->key != NULL) {
        rc = take_key(x, ret_counts, ret_answer, err);
        x->touched = true;
    }
    if (rc >= 0 && rc != 2 && s->key != NULL && s->undo)
        rc = target_script(t, target_query(t, "intake_savepoint"), err);
    if (rc >= 0 && rc != 2)
        rc = t->ops->insert_open(&x->load, err);
    if (rc >= 0 && rc != 2)
        rc = fault_point("intake.begun", err);
    if (rc < 0 || rc == 2) {
        target_intake_abort(x);
        return rc;
    }
    *ret = x;
    return 1;
}

static int insert(struct intake *x, const struct batch *b, struct err *err)
{
    const struct target_ops *ops = x->t->ops;
    int rc = ops->insert_rows(&x->load, b, err);

    if (rc == 0 && ops->insert_settle != NULL)
        rc = ops->insert_settle(&x->load, err);
    return rc;
}

int target_intake_rows(struct intake *x, const struct batch *b, struct err *err)
{
    int rc = gone(x, err);

    if (rc < 0 || b->rows == 0)
        return rc;
    /* The first rows of a transaction that has done nothing else go without a savepoint: what is refused ends them all, and
     * they are sent again, with. */
    x->load.bare = !x->touched;
    rc = insert(x, b, err);
    if (rc < 0 && x->load.bare && err->native == TARGET_CAREFUL) {
        x->load.inserted = 0;
        x->load.bare = false;
        rc = target_script(x->t, target_query(x->t, "rollback"), err);
        if (rc == 0)
            rc = begin(x->t, err);
        if (rc == 0)
            rc = insert(x, b, err);
    }
    x->touched = true;
    return rc < 0 ? rc : fault_point("intake.rows", err);
}

int64_t target_intake_stored(const struct intake *x)
{
    return x->load.inserted;
}

int target_intake_find(struct intake *x, const char *table, const char *column, const struct val *values,
                       size_t n, row_fn *fn, void *arg, struct err *err)
{
    struct target *t = x->t;
    struct buf sql = BUF_INIT(MAX_SQL);
    struct val asked[ASKED];
    int rc = gone(x, err);

    x->touched = true;
    for (size_t from = 0; rc == 0 && from < n; from += ASKED) {
        size_t count = 1, left = n - from < ASKED ? n - from : ASKED;
        while (count < left) /* so that there are few statements */
            count *= 2;
        for (size_t i = 0; i < count; i++)
            asked[i] = values[from + (i < left ? i : left - 1)];
        buf_clear(&sql);
        rc = buf_adds(&sql, "SELECT ", err);
        if (rc == 0)
            rc = t->ops->quote(column, false, &sql, err);
        if (rc == 0)
            rc = buf_adds(&sql, " FROM ", err);
        if (rc == 0)
            rc = t->ops->quote(table, true, &sql, err);
        if (rc == 0)
            rc = buf_adds(&sql, " WHERE ", err);
        if (rc == 0)
            rc = t->ops->quote(column, false, &sql, err);
        for (size_t i = 0; rc == 0 && i < count; i++)
            rc = buf_adds(&sql, i == 0 ? " IN (?" : ",?", err);
        if (rc == 0)
            rc = buf_addf(&sql, err, ") %s", target_query(t, "intake_lock"));
        if (rc == 0)
            rc = target_run_sql(t, sql.p, asked, count, fn, arg, NULL, err);
    }
    buf_release(&sql);
    return rc < 0 ? err_prefix(err, "references %s.%s", table, column) : 0;
}

int target_intake_reject(struct intake *x, const struct intake_reject *r, struct err *err)
{
    const struct reject_info *w = &r->why;
    const struct val values[] = {
        val_text(x->s.name),   val_text(x->s.source), val_i64(r->record),
        val_i64(w->line),      val_text(w->column),   val_text(w->code),
        val_text(w->message),  val_text(w->hint),     val_blob(w->raw != NULL ? w->raw : "", w->raw_n),
        val_i64(w->raw_total), val_text(x->s.who),    val_i64(x->at_ms)};
    int rc = gone(x, err);

    x->touched = true;
    return rc < 0 ? rc : target_run(x->t, "intake_reject", values, ARRAY_LEN(values), NULL, NULL, NULL, err);
}

int target_intake_undo(struct intake *x, bool key_too, struct err *err)
{
    struct target *t = x->t;
    int rc = gone(x, err);

    x->load.inserted = 0;
    if (rc == 0 && x->s.key != NULL && !key_too)
        return target_script(t, target_query(t, "intake_undo"), err);
    if (rc == 0)
        rc = target_script(t, target_query(t, "rollback"), err);
    if (key_too)
        x->s.key = NULL;
    return rc < 0 ? rc : begin(t, err);
}

/* --- the end --- */

/* Whoever asks for the key waits until the old transaction has ended, however it did. 1: it is in; 0: it is not. The client may
 * have sent the same again meanwhile, and what came of that is not what we would say. */
static int ask(struct intake *x, const char *answer, struct err *err)
{
    struct buf found = BUF_INIT(64 * MIB);
    struct intake_counts counts;
    int rc;

    target_drop(x->t);
    rc = open_one(x->t, err);
    x->serial = x->t->serial;
    if (rc == 0)
        rc = take_key(x, &counts, &found, err);
    if (rc == 2 && (found.n != strlen(answer) || (found.n > 0 && memcmp(found.p, answer, found.n) != 0)))
        rc = err_set(err, ERR_BUSY, "another request with this key came before");
    buf_release(&found);
    return rc < 0 ? rc : rc == 2;
}

static int unknown(const struct intake *x, const char *first, const char *why, struct err *err)
{
    err_set(
        err, ERR_UNAVAILABLE,
        "COMMIT was sent, and not answered with a yes (%.300s)%s%.300s: whether the rows are stored, nobody "
        "knows",
        first, *why != '\0' ? ", and the key cannot be asked for: " : "", why);
    err->native = TARGET_COMMIT_UNKNOWN;
    return err_hint(err, x->s.key != NULL ? "ask again under the same key: nothing is stored twice"
                                          : "look into the table; with a key, asking again would be safe");
}

/*
 * Whether a no to COMMIT is certain without asking. A server that lives has mostly taken all back, and not always: one that was
 * interrupted (1317) or told by a plugin (3101) may have it in its log. A deadlock is certain; and SQLite, where the transaction
 * is still there to be rolled back.
 */
static bool taken_back(struct intake *x, const struct err *first)
{
    struct target *t = x->t;
    struct err ignored;

    if (t->db == NULL || t->ops->is_lost(t))
        return false;
    if (target_is_mysql(t))
        return x->s.key == NULL && first->native == TARGET_DEADLOCK;
    return t->ops->script(t, target_query(t, "rollback"), &ignored) == 0;
}

/* 1: it is in. */
static int settle(struct intake *x, bool refused, const char *answer, struct err *err)
{
    struct err first = *err, asked = {0};
    bool lost = x->t->db == NULL || x->t->ops->is_lost(x->t);

    if (taken_back(x, &first))
        return -(int)err->code;
    if (x->load.insert != NULL) /* its statement lives on the connection that goes now */
        x->t->ops->insert_close(&x->load);
    if (x->s.key == NULL) { /* what is not in yet shall not come in later */
        target_drop(x->t);
        if (!refused)
            return unknown(x, first.msg, "", err);
        return err_set(err, ERR_UNAVAILABLE,
                       "nothing is stored; whether the rejects were logged, nobody knows: %.300s", first.msg);
    }
    int in = ask(x, answer, &asked);
    if (in == 1)
        return 1;
    if (in < 0)
        return unknown(x, first.msg, asked.msg, err);
    err_set(err, lost ? ERR_TRANSIENT : first.code, "not stored: %s: %.300s",
            lost ? "the connection broke before COMMIT arrived" : "the server refused to COMMIT", first.msg);
    return lost ? -(int)err->code : err_hint(err, "%s", first.hint);
}

int target_intake_commit(struct intake *x, bool refused, const struct intake_counts *n, const char *answer,
                         struct err *err)
{
    struct target *t = x->t;
    int rc = gone(x, err);

    if (rc == 0 && x->s.key != NULL) {
        const struct val values[] = {val_text(refused ? "REFUSED" : "STORED"),
                                     val_i64(n->records),
                                     val_i64(n->stored),
                                     val_i64(n->rejected),
                                     val_text(answer[0] != '\0' ? answer : NULL),
                                     val_text(x->s.name),
                                     val_blob(x->key_sha256, SHA256_SIZE)};
        rc = target_run(t, "intake_answer", values, ARRAY_LEN(values), NULL, NULL, NULL, err);
    }
    if (rc == 0)
        rc = fault_point("intake.before_commit", err);
    if (rc < 0) {
        target_intake_abort(x);
        return rc;
    }
    rc = t->ops->script(t, target_query(t, "commit"), err);
    if (rc == 0) {
        intake_free(x);
        return fault_point("intake.after_commit", err);
    }
    rc = settle(x, refused, answer, err);
    target_intake_abort(x);
    return rc == 1 ? 0 : rc;
}

/* --- beside it --- */

int target_intake_foreign(struct target *t, const struct table *def, row_fn *fn, void *arg, struct err *err)
{
    const char *dot = strchr(def->name, '.');
    char *schema = dot != NULL ? xstrndup(def->name, (size_t)(dot - def->name)) : NULL;
    const struct val values[] = {val_text(schema), val_text(dot != NULL ? dot + 1 : def->name)};
    int rc = target_run(t, "intake_foreign_keys", values, ARRAY_LEN(values), fn, arg, NULL, err);

    free(schema);
    return rc;
}

int target_has_intake(struct target *t, struct err *err)
{
    const unsigned char none[SHA256_SIZE] = {0};
    const struct val value = val_blob(none, sizeof none);
    int rc = target_ready(t, err);

    if (rc == 0)
        rc = target_run(t, "has_intake", &value, 1, NULL, NULL, NULL, err);
    return rc == 0 ? 1 : err->code == ERR_TARGET_SETUP ? 0 : rc;
}

struct listing {
    const struct intake_filter *f;
    intake_logged_fn *fn;
    void *arg;
    int64_t last, page, given;
};

static int on_logged(void *arg, const struct str *c, size_t count, struct err *err)
{
    struct listing *l = arg;

    UNUSED(count);
    l->page++;
    l->last = target_cell_i64(c[0]);
    if (l->f->limit >= 0 && l->given >= l->f->limit)
        return 0;
    l->given++;
    const struct intake_logged r = {.id = l->last,
                                    .source = c[1].p,
                                    .record = target_cell_i64(c[2]),
                                    .line = target_cell_i64(c[3]),
                                    .column = c[4].p,
                                    .code = c[5].p,
                                    .message = c[6].p,
                                    .hint = c[7].p,
                                    .raw = c[8],
                                    .raw_total = target_cell_i64(c[9]),
                                    .who = c[10].p,
                                    .at_ms = target_cell_i64(c[11])};
    return l->fn(l->arg, &r, err);
}

int target_intake_rejects(struct target *t, const struct intake_filter *f, intake_logged_fn *fn, void *arg,
                          struct err *err)
{
    struct listing l = {.f = f, .fn = fn, .arg = arg, .last = f->after};
    int rc = target_ready(t, err);

    do {
        const struct val values[] = {val_text(f->name),   val_i64(l.last),     val_text(f->code),
                                     val_text(f->code),   val_text(f->column), val_text(f->column),
                                     val_text(f->source), val_text(f->source)};
        l.page = 0;
        if (rc == 0)
            rc = target_run(t, "intake_rejects", values, ARRAY_LEN(values), on_logged, &l, NULL, err);
    } while (rc == 0 && l.page > 0 && (f->limit < 0 || l.given < f->limit));
    return rc;
}

struct grouping {
    int (*fn)(void *arg, const struct intake_group *g, struct err *err);
    void *arg;
};

static int on_group(void *arg, const struct str *c, size_t count, struct err *err)
{
    struct grouping *k = arg;

    UNUSED(count);
    const struct intake_group g = {.code = c[0].p,
                                   .column = c[1].p,
                                   .source = c[2].p,
                                   .count = target_cell_i64(c[3]),
                                   .first_source = c[4].p,
                                   .first_record = target_cell_i64(c[5]),
                                   .first_message = c[6].p};
    return k->fn(k->arg, &g, err);
}

int target_intake_groups(struct target *t, const struct intake_filter *f, const struct intake_by *by,
                         int (*fn)(void *arg, const struct intake_group *g, struct err *err), void *arg,
                         struct err *err)
{
    struct grouping k = {fn, arg};
    const struct val values[] = {
        val_i64(by->code),   val_i64(by->column), val_i64(by->source),
        val_text(f->name),   val_i64(f->after),   val_text(f->code),
        val_text(f->code),   val_text(f->column), val_text(f->column),
        val_text(f->source), val_text(f->source), val_i64(f->limit >= 0 ? f->limit : INT64_MAX)};
    int rc = target_ready(t, err);

    return rc < 0 ? rc
                  : target_run(t, "intake_reject_groups", values, ARRAY_LEN(values), on_group, &k, NULL, err);
}

void target_keep(struct target *t, void *p, void (*release)(void *p))
{
    if (t->kept_release != NULL)
        t->kept_release(t->kept);
    t->kept = p;
    t->kept_release = release;
}

void *target_kept(const struct target *t)
{
    return t->kept;
}

int target_serial(struct target *t, int64_t *ret, struct err *err)
{
    int rc = target_ready_to_take(t, err);

    *ret = t->serial;
    return rc;
}

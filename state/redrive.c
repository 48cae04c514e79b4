#include "state/redrive.h"
#include "base/mem.h"
#include "state/store_int.h"

struct frames {
    struct frame *items; /* by id, the root first */
    size_t n, room;
};

static char *copy(const char *s)
{
    return s != NULL ? xstrdup(s) : NULL;
}

static int on_frame(void *arg, const struct frame *f, struct err *err)
{
    struct frames *all = arg;

    UNUSED(err);
    if (all->n == all->room) {
        all->room = all->room > 0 ? 2 * all->room : 8;
        all->items = xrealloc(all->items, all->room * sizeof *all->items);
    }
    struct frame *to = &all->items[all->n++];
    *to = *f;
    to->kind = copy(f->kind);
    to->state = copy(f->state);
    to->phase = copy(f->phase);
    to->input = copy(f->input);
    to->retry = copy(f->retry);
    to->vars = copy(f->vars);
    return 0;
}

static void release(struct frames *all)
{
    for (size_t i = 0; i < all->n; i++)
        frame_release(&all->items[i]);
    free(all->items);
}

static bool is_in(const struct frame *f, const char *phase)
{
    return strcmp(f->phase, phase) == 0;
}

static bool is_forked(const struct frame *f)
{
    return is_in(f, "CHILDREN") || is_in(f, "SPAWN");
}

static void set(char **to, const char *text)
{
    free(*to);
    *to = copy(text);
}

static void enter(struct frame *f)
{
    set(&f->phase, "ENTER");
    f->entered_ms = f->wake_ms = f->entered_event = f->fork_event = f->slot_event = 0;
}

/* ---- where it stopped ---- */

static struct frame *frame_of(const struct frames *all, int64_t id)
{
    size_t low = 0, high = all->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < all->n && all->items[low].id == id ? &all->items[low] : NULL;
}

/* Iterations that failed and were borne with: input_event tells where they go on. One that failed before it began stays. */
static int find_failed(struct store *s, int64_t id, struct frames *all, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REDRIVE_ITERATIONS, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    while ((rc = stmt_step(s, st, err)) == 1) {
        struct frame *f = frame_of(all, col_i64(st, 0));
        if (f != NULL && col_i64(st, 1) > 0)
            f->input_event = col_i64(st, 1);
    }
    return rc;
}

/* 1: it is to be written. */
static int resume_failed(struct store *s, int64_t id, struct frame *f, struct err *err)
{
    sqlite3_stmt *st;
    int rc = f->input_event > 0 ? store_stmt(s, SQL_STATE_REDRIVE_STATE, &st, err) : 0;

    if (rc < 0 || f->input_event == 0)
        return rc;
    bind_i64(st, 1, id);
    bind_i64(st, 2, f->input_event);
    rc = stmt_step(s, st, err);
    if (rc != 1)
        return rc;
    free(f->state);
    f->state = col_text(st, 0);
    stmt_done(st);
    f->failed = false;
    enter(f);
    return 1;
}

/* Of its children none can go on, so that it failed by itself: all of it is done once more. */
static bool stands_still(const struct frames *all, const struct frame *f)
{
    if (!is_in(f, "CHILDREN"))
        return false;
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i].parent == f->id &&
            (!is_in(&all->items[i], "DONE") || (all->items[i].failed && all->items[i].input_event > 0)))
            return false;
    return true;
}

/* 1: it is to be written. */
static int resume(struct store *s, int64_t id, const struct frames *all, struct frame *f, struct err *err)
{
    int rc = 1;

    if (is_in(f, "DONE"))
        return f->failed ? resume_failed(s, id, f, err) : 0;
    if (is_forked(f) && stands_still(all, f)) {
        rc = frame_drop(s, id, f->id, err);
        enter(f);
        rc = rc < 0 ? rc : 1;
    } else if (is_in(f, "TASK")) {
        set(&f->phase, "RETRY");
        f->wake_ms = 0;
    } else if (is_in(f, "RETRY")) {
        f->wake_ms = 0;
    } else if (is_in(f, "ENTER")) {
        enter(f);
    }
    set(&f->retry, NULL);
    return rc;
}

static int resume_all(struct store *s, int64_t id, struct frames *all, struct err *err)
{
    int rc = find_failed(s, id, all, err);

    for (size_t i = 0; rc >= 0 && i < all->n; i++) {
        struct frame *f = &all->items[i];
        rc = resume(s, id, all, f, err);
        if (rc == 1)
            rc = frame_put(s, id, f, err);
    }
    return rc < 0 ? rc : 0;
}

/* ---- elsewhere ---- */

static int enter_at(struct store *s, const struct redrive_new *n, struct frame *root, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REDRIVE_DROP_ALL, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, n->id);
    rc = stmt_run(s, st, err);
    if (rc >= 0)
        rc = store_stmt(s, SQL_STATE_REDRIVE_ENTERED, &st, err);
    if (rc < 0)
        return rc;
    bind_i64(st, 1, n->id);
    bind_text(st, 2, n->from);
    rc = stmt_step(s, st, err);
    if (rc == 1)
        root->input_event = col_i64(st, 0);
    stmt_done(st);
    if (rc < 0)
        return rc;
    set(&root->state, n->from);
    set(&root->retry, NULL);
    enter(root);
    return frame_put(s, n->id, root, err);
}

/* ---- T6 ---- */

static int put_execution(struct store *s, const struct redrive_new *n, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REDRIVE_EXECUTION, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, n->id);
    bind_i64(st, 2, n->expect_count);
    bind_i64(st, 3, n->now_ms);
    bind_i64_or_null(st, 4, n->deadline_ms);
    bind_text(st, 5, n->workflow_sha256);
    return stmt_run(s, st, err);
}

/* It points at the newest event, and what goes on in the root points at it. */
static int put_event(struct store *s, const struct redrive_new *n, struct frame *root, struct err *err)
{
    int64_t count = 0;
    int rc = event_count(s, n->id, &count, err);

    if (rc < 0)
        return rc;
    char *text = json_text(n->details);
    const struct event_new e = {
        .id = count + 1, .previous = count, .type = "ExecutionRedriven", .details = text};
    rc = event_put(s, n->id, &e, n->now_ms, err);
    free(text);
    root->last_event = e.id;
    return rc;
}

int exec_redrive(struct store *s, const struct redrive_new *n, struct err *err)
{
    struct frames all = {0};
    int rc = put_execution(s, n, err);

    if (rc <= 0)
        return rc;
    rc = frame_list(s, n->id, on_frame, &all, err);
    if (rc == 0 && all.n == 0)
        rc = err_set(err, ERR_INTERNAL, "execution %lld has no cursor", (long long)n->id);
    if (rc == 0)
        rc = put_event(s, n, &all.items[0], err);
    if (rc == 0)
        rc = n->from != NULL ? enter_at(s, n, &all.items[0], err) : resume_all(s, n->id, &all, err);
    release(&all);
    return rc < 0 ? rc : 1;
}

static int on_root(void *arg, const struct frame *f, struct err *err)
{
    char **ret = arg;

    UNUSED(err);
    if (f->id == 0)
        set(ret, f->state);
    return 0;
}

int redrive_root(struct store *s, int64_t id, char **ret_owned, struct err *err)
{
    int rc = frame_list(s, id, on_root, ret_owned, err);

    return rc == 0 && *ret_owned == NULL
               ? err_set(err, ERR_INTERNAL, "execution %lld has no cursor", (long long)id)
               : rc;
}

#include "io/verifier.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/mysqlc.h"
#include "io/target_sums_int.h"
#include <pthread.h>
#include <signal.h>

enum {
    AHEAD = 64,           /* batches whose answer is awaited; more are taken together */
    LINES_AT_ONCE = 8192, /* fewer are not worth a statement while the load goes on */
    OUT_OF_RANGE = 1690,  /* of the server: a value that no parsed one comes near */
};

struct sent {
    int64_t rows, line; /* of all batches up to this one; its last line */
};

struct verifier {
    struct target_config config;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t work, idle;
    bool over;                   /* the thread is to end */
    bool running;                /* there is a load to look at */
    bool broken;                 /* of this load: no word of ours counts */
    bool busy;                   /* a statement is under way */
    int64_t load, connection_id; /* which load, and whose connection */
    int64_t load_id;
    char lock_name[80];
    const struct table *def; /* borrowed of the load */
    struct sums like;        /* bounds of what was parsed so far */
    struct sums total;       /* of the lines before done */
    int64_t done, reached;   /* lines before these are summed; may be */
    struct sent sent[AHEAD];
    size_t first, count;
    int64_t rows_sent;
    /* the thread's alone */
    struct target *target;
    int64_t serial; /* of the connection that is known to be on the load's server */
    int64_t proved; /* load for which that was asked */
};

/* --- the thread --- */

static int on_id(void *arg, const struct str *cells, size_t count, struct err *err)
{
    UNUSED(count);
    UNUSED(err);
    *(int64_t *)arg = cells[0].p != NULL ? target_cell_i64(cells[0]) : -1;
    return 0;
}

/*
 * Is this the very server that the load's transaction lives on? A name in between (a proxy, a cluster's) may lead
 * elsewhere, where an earlier attempt's rows might stand. Only there does the load's connection hold its named lock.
 */
static int prove(struct verifier *v, int64_t load, int64_t connection_id, struct err *err)
{
    int64_t holder = -1;
    int rc = v->target == NULL ? target_open(&v->config, &v->target, err) : target_ready(v->target, err);

    if (rc < 0 || v->target == NULL || (v->serial == v->target->serial && v->proved == load))
        return rc;
    const struct val name = val_text(v->lock_name);
    rc = target_script(v->target, target_query(v->target, "session_dirty"), err);
    if (rc == 0)
        rc = target_run(v->target, "lock_holder", &name, 1, on_id, &holder, NULL, err);
    if (rc == 0 && holder != connection_id)
        rc = err_set(err, ERR_TARGET, "another server than the load's");
    v->serial = v->target->serial;
    v->proved = load;
    return rc;
}

static int sum_lines(struct verifier *v, const struct table *def, int64_t load, int64_t load_id,
                     int64_t connection_id, int64_t from, int64_t to, struct sums *ret)
{
    struct err ignored;
    int rc = prove(v, load, connection_id, &ignored);

    if (rc == 0)
        rc = table_sums_lines(v->target, def, load_id, from, to, ret, &ignored);
    if (rc == 0 && v->target->serial != v->serial) /* connected anew meanwhile: who knows where to */
        rc = -(int)ERR_TRANSIENT;
    return rc;
}

/* With the lock held, before and after. */
static void one_range(struct verifier *v)
{
    struct sums part;
    int64_t load = v->load, load_id = v->load_id, connection_id = v->connection_id, from = v->done,
            to = v->reached - from > VERIFY_RANGE ? from + VERIFY_RANGE : v->reached;
    const struct table *def = v->def;

    sums_like(&part, &v->like);
    v->busy = true;
    pthread_mutex_unlock(&v->lock);
    int rc = sum_lines(v, def, load, load_id, connection_id, from, to, &part);
    pthread_mutex_lock(&v->lock);
    v->busy = false;
    if (rc < 0)
        v->broken = true;
    else
        sums_add(&v->total, &part, def);
    v->done = to;
    sums_release(&part);
    pthread_cond_signal(&v->idle);
}

static void *verifier_main(void *arg)
{
    struct verifier *v = arg;

    pthread_mutex_lock(&v->lock);
    while (!v->over) {
        if (v->running && !v->broken && v->reached - v->done >= LINES_AT_ONCE)
            one_range(v);
        else
            pthread_cond_wait(&v->work, &v->lock);
    }
    pthread_mutex_unlock(&v->lock);
    target_close(v->target);
    mysqlc_thread_end();
    return NULL;
}

/* --- the load's side --- */

struct verifier *verifier_new(const struct target *t)
{
    if (t->ops->connection_id == NULL)
        return NULL;
    struct verifier *v = xcalloc(1, sizeof *v);
    v->config = t->config;
    v->config.beat = NULL; /* it belongs to another thread */
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->work, NULL);
    pthread_cond_init(&v->idle, NULL);
    return v;
}

void verifier_free(struct verifier *v)
{
    if (v == NULL)
        return;
    if (v->started) {
        pthread_mutex_lock(&v->lock);
        v->over = true;
        pthread_cond_signal(&v->work);
        pthread_mutex_unlock(&v->lock);
        pthread_join(v->thread, NULL);
    }
    sums_release(&v->like);
    sums_release(&v->total);
    pthread_cond_destroy(&v->work);
    pthread_cond_destroy(&v->idle);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

/* With the lock held: waits for the statement under way, and no other comes. */
static void halt(struct verifier *v)
{
    v->running = false;
    while (v->busy)
        pthread_cond_wait(&v->idle, &v->lock);
}

void verifier_begin(struct verifier *v, const struct load *l, int64_t line_from)
{
    if (v == NULL || l->spec.table == NULL || !l->spec.table->has_lineage || l->spec.members != NULL)
        return;
    int64_t id = l->t->ops->connection_id(l->t);
    pthread_mutex_lock(&v->lock);
    halt(v);
    sums_release(&v->like);
    sums_release(&v->total);
    sums_init(&v->like, l->spec.table->count);
    sums_init(&v->total, l->spec.table->count);
    v->def = l->spec.table;
    v->load++;
    v->load_id = l->spec.load_id;
    v->connection_id = id;
    snprintf(v->lock_name, sizeof v->lock_name, "%s", l->t->hold_name);
    v->broken = v->lock_name[0] == '\0'; /* nothing to know its server by */
    v->done = v->reached = line_from;
    v->first = v->count = 0;
    v->rows_sent = 0;
    v->running = true;
    pthread_mutex_unlock(&v->lock);
}

static void keep_bounds(struct sums *like, const struct sums *parsed)
{
    for (size_t i = 0; i < like->count; i++) {
        struct col_sum *to = &like->cols[i];
        const struct col_sum *from = &parsed->cols[i];
        like->used[i] = parsed->used[i];
        like->full = parsed->full;
        to->bounded = from->bounded;
        to->negative = from->negative;
        to->low = from->low;
        to->high = from->high;
    }
}

static void push(struct verifier *v, int64_t line)
{
    if (v->count == AHEAD) /* the newest says it for both */
        v->count--;
    v->sent[(v->first + v->count) % AHEAD] = (struct sent){v->rows_sent, line};
    v->count++;
}

/* A thread is not started for a load that is over before it had something to do. */
static void wake(struct verifier *v)
{
    sigset_t all, before;

    if (!v->started) { /* signals are for the thread that waits for them */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        v->started = pthread_create(&v->thread, NULL, verifier_main, v) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    v->broken |= !v->started;
    pthread_cond_signal(&v->work);
}

void verifier_sent(struct verifier *v, const struct batch *b, const struct sums *parsed, int64_t answered)
{
    if (v == NULL || b->rows == 0)
        return;
    pthread_mutex_lock(&v->lock);
    if (v->running && !v->broken) {
        v->rows_sent += (int64_t)b->rows;
        push(v, b->lines[b->rows - 1]);
        keep_bounds(&v->like, parsed);
        for (; v->count > 0 && v->sent[v->first].rows <= answered; v->count--) {
            v->reached = v->sent[v->first].line + 1;
            v->first = (v->first + 1) % AHEAD;
        }
        if (v->reached - v->done >= LINES_AT_ONCE)
            wake(v);
    }
    pthread_mutex_unlock(&v->lock);
}

void verifier_end(struct verifier *v)
{
    if (v == NULL)
        return;
    pthread_mutex_lock(&v->lock);
    halt(v);
    pthread_mutex_unlock(&v->lock);
}

/* What was summed so far into ret; the line from which on nothing was. Negative: nothing is of use. */
static int64_t take(struct verifier *v, const struct load *l, struct sums *ret)
{
    int64_t from = -1;

    pthread_mutex_lock(&v->lock);
    bool mine = v->running && v->load_id == l->spec.load_id;
    halt(v);
    if (mine && !v->broken && v->total.count == ret->count) {
        sums_add(ret, &v->total, v->def);
        from = v->done;
    }
    pthread_mutex_unlock(&v->lock);
    return from;
}

/* 1: as stored in *s. 0: not to be had this way. */
static int quick_sums(struct load *l, struct verifier *v, struct sums *s, struct err *err)
{
    int64_t from = v != NULL ? take(v, l, s) : -1;
    int rc = from >= 0 ? target_load_sums_from(l, from, s, err) : target_load_sums(l, s, err);

    if (rc < 0 && err->native == OUT_OF_RANGE)
        return 0;
    return rc < 0 ? rc : 1;
}

int load_verify(struct load *l, struct verifier *v, const struct sums *parsed, struct sums_diff *ret,
                struct err *err)
{
    struct sums stored;
    struct sums_diff bits;
    size_t n = 1;

    sums_like(&stored, parsed);
    int rc = quick_sums(l, v, &stored, err);
    if (rc == 1)
        n = sums_compare(parsed, &stored, l->spec.table, &bits, 1);
    bool sure = rc == 1 && v == NULL;
    if (rc >= 0 && n > 0 && v != NULL) { /* only the load's own transaction says that something is wrong */
        rc = target_load_sums(l, &stored, err);
        if (rc < 0 && err->native == OUT_OF_RANGE)
            rc = 0;
        else if (rc == 0) {
            n = sums_compare(parsed, &stored, l->spec.table, &bits, 1);
            sure = true;
        }
    }
    if (rc >= 0 && n > 0) { /* in the decimals that the ledger has, which a person can read */
        sums_unbound(&stored);
        rc = target_load_sums(l, &stored, err);
        if (rc == 0) {
            size_t decimals = sums_compare(parsed, &stored, l->spec.table, ret, 1);
            if (decimals == 0 && sure)
                *ret = bits;
            n = decimals > 0 || sure;
        }
    }
    sums_release(&stored);
    return rc < 0 ? rc : n > 0;
}

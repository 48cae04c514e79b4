/* What handlers share: the state file, some times to read and once to write, and connections to the databases of the dictionary. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "io/mysqlc.h"
#include "orchestrator/serve_int.h"
#include "state/store.h"
#include <pthread.h>
#include <sys/stat.h>

enum {
    WAIT_MS = 5000,
    STALE_MS = 60000,
    FIGURES_MS = 50, /* the main thread waits no longer: it has connections to take */
};

struct shared { /* a state file that one handler has at a time */
    bool taken;
    enum store_mode mode;
    int wait_ms;              /* for the file's lock */
    struct store *store;      /* NULL: not yet, or another file has the name now; of who has taken it */
    const struct store *lent; /* the same, as everybody may look at it */
    dev_t device;
    ino_t inode;
};
struct slot {
    const struct target_config *config; /* NULL: free */
    struct target *target;              /* NULL: being opened */
    bool taken;
    int64_t used_ms;
};
struct serve_pool {
    const struct config *config;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t given;
    struct shared readers[MAX_SERVE_READERS];
    struct shared probe; /* of /readyz alone: slow listings keep it from nobody */
    struct shared writer, figures;
    struct slot slots[MAX_SERVE_TARGETS];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;

static void thread_ends(void *unused)
{
    UNUSED(unused);
    mysqlc_thread_end();
}

static void make_key(void)
{
    pthread_key_create(&thread_key, thread_ends);
    mysqlc_threads_begin();
}

struct serve_pool *serve_pool_new(const struct config *c)
{
    struct serve_pool *p = xcalloc(1, sizeof *p);
    pthread_condattr_t attr;

    pthread_once(&once, make_key);
    p->config = c;
    for (size_t i = 0; i < MAX_SERVE_READERS; i++)
        p->readers[i] = (struct shared){.mode = STORE_READ, .wait_ms = WAIT_MS};
    p->probe = (struct shared){.mode = STORE_READ, .wait_ms = WAIT_MS};
    p->writer = (struct shared){.mode = STORE_OPEN, .wait_ms = WAIT_MS};
    p->figures = (struct shared){.mode = STORE_OPEN, .wait_ms = FIGURES_MS};
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->given, &attr);
    pthread_condattr_destroy(&attr);
    return p;
}

void serve_pool_free(struct serve_pool *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < MAX_SERVE_READERS; i++)
        store_close(p->readers[i].store);
    store_close(p->probe.store);
    store_close(p->writer.store);
    store_close(p->figures.store);
    for (size_t i = 0; i < MAX_SERVE_TARGETS; i++)
        target_close(p->slots[i].target);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->given);
    free(p);
}

/* orch restore state, or a person, may put another file in its place while we run. */
static int store_ready(struct shared *s, const char *path, struct err *err)
{
    struct stat there;
    bool known = stat(path, &there) == 0;

    if (s->store != NULL && (!known || there.st_dev != s->device || there.st_ino != s->inode)) {
        store_close(s->store);
        s->store = NULL;
    }
    if (s->store != NULL)
        return 0;
    if (!known) {
        err_set(err, ERR_UNAVAILABLE, "there is no state file yet");
        return err_hint(err, "the first orch tick makes it");
    }
    int rc = store_open(path, s->mode, &s->store, err);
    if (rc == 0 && stat(path, &there) == 0) {
        s->device = there.st_dev;
        s->inode = there.st_ino;
        store_busy_timeout(s->store, s->wait_ms);
    }
    return rc;
}

static struct timespec in_time(void)
{
    int64_t ms = clock_mono_ms() + WAIT_MS;
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

static void give(struct serve_pool *p, struct shared *shared)
{
    if (shared->store != NULL)
        store_rollback(shared->store); /* nothing, unless a handler went before its COMMIT */
    pthread_mutex_lock(&p->lock);
    shared->taken = false;
    shared->lent = NULL;
    pthread_cond_broadcast(&p->given);
    pthread_mutex_unlock(&p->lock);
}

/* One that is free, and open where there is one; NULL: none. */
static struct shared *free_one(struct shared *of, size_t n)
{
    struct shared *found = NULL;

    for (size_t i = 0; i < n; i++)
        if (!of[i].taken && (found == NULL || (found->store == NULL && of[i].store != NULL)))
            found = &of[i];
    return found;
}

static int take(struct serve *s, struct shared *of, size_t n, struct store **ret, struct err *err)
{
    struct serve_pool *p = s->pool;
    struct timespec until = in_time();
    struct shared *mine;
    int rc = 0;

    *ret = NULL;
    pthread_mutex_lock(&p->lock);
    while ((mine = free_one(of, n)) == NULL && rc == 0)
        rc = pthread_cond_timedwait(&p->given, &p->lock, &until);
    if (mine != NULL)
        mine->taken = true;
    pthread_mutex_unlock(&p->lock);
    if (mine == NULL)
        return err_set(err, ERR_BUSY, "other requests hold the state file");
    rc = store_ready(mine, s->config->state, err);
    if (rc < 0) {
        give(p, mine);
        return rc;
    }
    pthread_mutex_lock(&p->lock);
    mine->lent = *ret = mine->store;
    pthread_mutex_unlock(&p->lock);
    return 0;
}

int serve_store_take(struct serve *s, struct store **ret, struct err *err)
{
    int rc = take(s, s->pool->readers, MAX_SERVE_READERS, ret, err);

    if (rc == 0 && (rc = fault_point("serve.reading", err)) < 0)
        serve_store_give(s, *ret);
    return rc;
}

void serve_store_give(struct serve *s, const struct store *given)
{
    struct serve_pool *p = s->pool;
    struct shared *found = NULL;

    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < MAX_SERVE_READERS && found == NULL; i++)
        if (p->readers[i].lent == given)
            found = &p->readers[i];
    pthread_mutex_unlock(&p->lock);
    if (found != NULL)
        give(p, found);
}

int serve_probe_take(struct serve *s, struct store **ret, struct err *err)
{
    return take(s, &s->pool->probe, 1, ret, err);
}

void serve_probe_give(struct serve *s)
{
    give(s->pool, &s->pool->probe);
}

int serve_writer_take(struct serve *s, struct store **ret, struct err *err)
{
    return take(s, &s->pool->writer, 1, ret, err);
}

void serve_writer_give(struct serve *s)
{
    give(s->pool, &s->pool->writer);
}

int serve_figures_take(struct serve *s, struct store **ret, struct err *err)
{
    return take(s, &s->pool->figures, 1, ret, err);
}

void serve_figures_give(struct serve *s)
{
    give(s->pool, &s->pool->figures);
}

/* One that speaks to this database and is idle; else a free one; else the idle one that rests longest, for another. */
static struct slot *slot_for(struct serve_pool *p, const struct target_config *c)
{
    struct slot *free_slot = NULL, *oldest = NULL;

    for (size_t i = 0; i < MAX_SERVE_TARGETS; i++) {
        struct slot *at = &p->slots[i];
        if (at->config == NULL)
            free_slot = free_slot != NULL ? free_slot : at;
        else if (!at->taken && at->config == c)
            return at;
        else if (!at->taken && (oldest == NULL || at->used_ms < oldest->used_ms))
            oldest = at;
    }
    return free_slot != NULL ? free_slot : oldest;
}

int serve_target_take(struct serve *s, const struct target_config *c, struct target **ret, struct err *err)
{
    struct serve_pool *p = s->pool;
    struct target *old = NULL;
    struct timespec until = in_time();
    struct slot *at;
    int rc = 0;

    *ret = NULL;
    pthread_setspecific(thread_key, p); /* so that thread_ends is called */
    pthread_mutex_lock(&p->lock);
    while ((at = slot_for(p, c)) == NULL && rc == 0)
        rc = pthread_cond_timedwait(&p->given, &p->lock, &until);
    if (at != NULL) {
        at->taken = true;
        if (at->config != c || clock_mono_ms() - at->used_ms > STALE_MS) {
            old = at->target;
            at->target = NULL;
        }
        at->config = c;
        *ret = at->target;
    }
    pthread_mutex_unlock(&p->lock);
    if (at == NULL)
        return err_set(err, ERR_BUSY, "all %d connections to databases are in use", MAX_SERVE_TARGETS);
    target_close(old);
    if (*ret != NULL)
        return 0;
    rc = target_open(c, ret, err);
    pthread_mutex_lock(&p->lock);
    at->target = *ret;
    if (rc < 0) {
        *at = (struct slot){0};
        pthread_cond_broadcast(&p->given);
    }
    pthread_mutex_unlock(&p->lock);
    return rc;
}

/* A broken one is closed when its slot is free: before that, another thread's new one may get its address. */
void serve_target_give(struct serve *s, struct target *t, bool broken)
{
    struct serve_pool *p = s->pool;

    if (t == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < MAX_SERVE_TARGETS; i++) {
        struct slot *at = &p->slots[i];
        if (at->target != t)
            continue;
        at->taken = false;
        at->used_ms = clock_mono_ms();
        if (broken)
            *at = (struct slot){0};
        break;
    }
    pthread_cond_broadcast(&p->given);
    pthread_mutex_unlock(&p->lock);
    if (broken)
        target_close(t);
}

void serve_pool_sweep(struct serve_pool *p)
{
    for (size_t i = 0; i < MAX_SERVE_TARGETS; i++) {
        struct target *old = NULL;
        struct slot *at = &p->slots[i];
        pthread_mutex_lock(&p->lock);
        if (at->config != NULL && !at->taken && clock_mono_ms() - at->used_ms > STALE_MS) {
            old = at->target;
            *at = (struct slot){0};
        }
        pthread_mutex_unlock(&p->lock);
        target_close(old);
    }
}

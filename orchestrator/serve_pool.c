/* What handlers share: the state file twice, to read and to write, and connections to the databases of the dictionary. */
#include "base/clock.h"
#include "base/mem.h"
#include "io/mysqlc.h"
#include "orchestrator/serve_int.h"
#include "state/store.h"
#include <pthread.h>
#include <sys/stat.h>

enum { WAIT_MS = 5000, STALE_MS = 60000 };

struct shared { /* a state file that one handler has at a time */
    bool taken;
    enum store_mode mode;
    struct store *store; /* NULL: not yet, or another file has the name now */
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
    struct shared reader, writer;
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
    p->reader.mode = STORE_READ;
    p->writer.mode = STORE_OPEN;
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
    store_close(p->reader.store);
    store_close(p->writer.store);
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
        store_busy_timeout(s->store, WAIT_MS);
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
    pthread_cond_broadcast(&p->given);
    pthread_mutex_unlock(&p->lock);
}

static int take(struct serve *s, struct shared *shared, struct store **ret, struct err *err)
{
    struct serve_pool *p = s->pool;
    struct timespec until = in_time();
    int rc = 0;

    *ret = NULL;
    pthread_mutex_lock(&p->lock);
    while (shared->taken && rc == 0)
        rc = pthread_cond_timedwait(&p->given, &p->lock, &until);
    bool mine = !shared->taken;
    shared->taken = true;
    pthread_mutex_unlock(&p->lock);
    if (!mine)
        return err_set(err, ERR_BUSY, "other requests hold the state file");
    rc = store_ready(shared, s->config->state, err);
    if (rc < 0)
        give(p, shared);
    else
        *ret = shared->store;
    return rc;
}

int serve_store_take(struct serve *s, struct store **ret, struct err *err)
{
    return take(s, &s->pool->reader, ret, err);
}

void serve_store_give(struct serve *s)
{
    give(s->pool, &s->pool->reader);
}

int serve_writer_take(struct serve *s, struct store **ret, struct err *err)
{
    return take(s, &s->pool->writer, ret, err);
}

void serve_writer_give(struct serve *s)
{
    give(s->pool, &s->pool->writer);
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

/* Tables into files: the threads, and what passes between them. */
#include "io/dump.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/dump_int.h"
#include "io/mysqlc.h"
#include "io/target_int.h"
#include <signal.h>

enum { NEWS_MS = 500, UNDO_MS = 30000 };

static int stopped(void *arg, struct err *err)
{
    const struct dump *d = arg;

    return d->stop ? err_set(err, ERR_CANCELLED, "the dump was ended") : 0;
}

static void wake_all(struct dump *d)
{
    for (size_t i = 0; i < d->worker_count; i++)
        pthread_cond_broadcast(&d->workers[i].changed);
    pthread_cond_signal(&d->news);
}

void dump_fail(struct dump *d, const struct err *err)
{
    pthread_mutex_lock(&d->mutex);
    if (!d->failed)
        d->err = *err;
    d->failed = true;
    d->stop = true;
    wake_all(d);
    pthread_mutex_unlock(&d->mutex);
    snapshot_interrupt(d->c->snapshot); /* who waits for the server waits no more */
}

static void thread_over(struct dump *d)
{
    pthread_mutex_lock(&d->mutex);
    d->busy--;
    wake_all(d);
    pthread_mutex_unlock(&d->mutex);
}

/* --- readers --- */

int dump_piece(struct worker *w, struct piece **ret, struct err *err)
{
    struct dump *d = w->d;

    pthread_mutex_lock(&d->mutex);
    while (!d->stop && w->count == PIECES)
        pthread_cond_wait(&w->changed, &d->mutex);
    struct piece *p = &w->pieces[(w->first + w->count) % PIECES];
    pthread_mutex_unlock(&d->mutex);
    if (d->stop)
        return stopped(d, err);
    if (p->p == NULL)
        p->p = xmalloc(SINK_PIECE);
    p->is = (struct sink_piece){.p = p->p};
    *ret = p;
    return 0;
}

void dump_send(struct worker *w)
{
    pthread_mutex_lock(&w->d->mutex);
    w->count++;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->d->mutex);
}

static struct dump_table *next_table(struct dump *d)
{
    struct dump_table *t = NULL;

    pthread_mutex_lock(&d->mutex);
    if (!d->stop && d->next < d->table_count)
        t = &d->tables[d->next++];
    pthread_mutex_unlock(&d->mutex);
    return t;
}

static void *reader_main(void *arg)
{
    struct worker *w = arg;
    struct dump_table *t;
    struct err err;
    int rc = 0;

    while (rc >= 0 && (t = next_table(w->d)) != NULL) {
        rc = dump_one(w, t, &err);
        if (rc >= 0 && w->d->c->verify != NULL)
            rc = w->d->c->verify(w->d->c->arg, w->target, t, &err);
        if (rc < 0)
            err_prefix(&err, "table %s", t->name);
    }
    if (rc < 0)
        dump_fail(w->d, &err);
    pthread_mutex_lock(&w->d->mutex);
    w->read_all = true;
    pthread_mutex_unlock(&w->d->mutex);
    thread_over(w->d);
    mysqlc_thread_end();
    return NULL;
}

/* --- senders --- */

static struct piece *next_piece(struct worker *w)
{
    struct dump *d = w->d;

    pthread_mutex_lock(&d->mutex);
    while (!d->stop && w->count == 0 && !w->read_all)
        pthread_cond_wait(&w->changed, &d->mutex);
    struct piece *p = d->stop || w->count == 0 ? NULL : &w->pieces[w->first];
    pthread_mutex_unlock(&d->mutex);
    return p;
}

/* Takes *io once its last piece is written. */
static int send_piece(struct worker *w, const struct piece *p, const char *key, struct upload **io,
                      struct err *err)
{
    struct uploaded up;
    int rc = 0;

    if (*io == NULL)
        rc = sink_upload(w->sink, key, io, err);
    if (rc == 0)
        rc = upload_give(*io, &p->is, err);
    if (rc < 0 || !p->is.last)
        return rc < 0 ? rc : 0;
    struct upload *u = *io;
    *io = NULL;
    rc = upload_finish(u, &up, err);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&w->d->mutex);
    p->t->parts[p->part].up = up; /* from here on it is there, and has to go where the dump fails */
    pthread_mutex_unlock(&w->d->mutex);
    return 0;
}

static void *sender_main(void *arg)
{
    struct worker *w = arg;
    struct dump *d = w->d;
    struct upload *upload = NULL;
    struct piece *p;
    struct err err;

    while ((p = next_piece(w)) != NULL) {
        pthread_mutex_lock(&d->mutex);
        const char *key = p->t->parts[p->part].key; /* the string stays where it is, the array does not */
        pthread_mutex_unlock(&d->mutex);
        if (send_piece(w, p, key, &upload, &err) < 0) {
            if (strstr(err.msg, key) == NULL)
                err_prefix(&err, "%s", key);
            err_prefix(&err, "table %s", p->t->name);
            dump_fail(d, &err);
            break;
        }
        atomic_fetch_add(&d->bytes, (long long)p->is.n);
        pthread_mutex_lock(&d->mutex);
        w->first = (w->first + 1) % PIECES;
        w->count--;
        pthread_cond_broadcast(&w->changed);
        pthread_mutex_unlock(&d->mutex);
    }
    upload_abort(upload);
    thread_over(d);
    return NULL;
}

/* --- the caller's thread --- */

static int open_sinks(struct dump *d, struct err *err)
{
    int rc = 0;

    d->sink_config = *d->c->sink;
    d->sink_config.beat = &d->beat;
    for (size_t i = 0; rc == 0 && i < d->worker_count; i++)
        rc = sink_open(&d->sink_config, &d->workers[i].sink, err);
    return rc;
}

static int start_thread(struct dump *d, pthread_t *ret, bool *ret_started, void *(*fn)(void *),
                        struct worker *w, struct err *err)
{
    pthread_mutex_lock(&d->mutex);
    d->busy++;
    pthread_mutex_unlock(&d->mutex);
    int failed = pthread_create(ret, NULL, fn, w);
    *ret_started = failed == 0;
    if (failed == 0)
        return 0;
    thread_over(d);
    return err_errno(err, failed, "cannot start a thread");
}

static int start(struct dump *d, struct err *err)
{
    sigset_t all, old;
    int rc = 0;

    (void)clock_shift_ms(); /* read once, before there are threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the caller's */
    for (size_t i = 0; rc == 0 && i < d->worker_count; i++) {
        struct worker *w = &d->workers[i];
        rc = start_thread(d, &w->sender, &w->sending, sender_main, w, err);
        if (rc == 0)
            rc = start_thread(d, &w->reader, &w->reading, reader_main, w, err);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

/* Until there is news or half a second is over: whether threads still run. */
static bool wait_for_news(struct dump *d)
{
    struct timespec at;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += NEWS_MS * 1000000L;
    at.tv_sec += at.tv_nsec / 1000000000L;
    at.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&d->mutex);
    while (d->busy > 0 && rc == 0)
        rc = pthread_cond_timedwait(&d->news, &d->mutex, &at);
    bool busy = d->busy > 0;
    pthread_mutex_unlock(&d->mutex);
    return busy;
}

static void serve(struct dump *d)
{
    const struct dump_config *c = d->c;
    struct err err;
    bool busy;

    do {
        busy = wait_for_news(d);
        if (beat(c->beat, &err) < 0 && busy)
            dump_fail(d, &err);
        if (c->progress != NULL)
            c->progress(c->arg, atomic_load(&d->rows), atomic_load(&d->bytes));
    } while (busy);
}

struct undo {
    const struct beat *beat;
    int64_t until_ms;
};

/* The caller's heart beats, but it has said already that it wants to end. */
static int on_undo(void *arg, struct err *err)
{
    const struct undo *u = arg;

    err_ignore(beat(u->beat, err));
    return clock_mono_ms() < u->until_ms ? 0
                                         : err_set(err, ERR_TIMEOUT, "not done within %d s", UNDO_MS / 1000);
}

/* Nobody is to find a part of what has failed. */
static void remove_parts(struct dump *d)
{
    struct undo undo = {d->c->beat, clock_mono_ms() + UNDO_MS};
    const struct beat beat = {on_undo, &undo};
    struct source_config config = *d->c->sink;
    struct sink *sink = NULL;
    struct err ignored;

    config.beat = &beat;
    int rc = sink_open(&config, &sink, &ignored);
    for (size_t i = 0; i < d->table_count; i++)
        for (size_t k = 0; rc >= 0 && k < d->tables[i].part_count; k++)
            if (d->tables[i].parts[k].up.sha256[0] != '\0')
                rc = sink_remove(sink, d->tables[i].parts[k].key, &ignored);
    sink_close(sink);
}

static void run(struct dump *d)
{
    struct err err;
    int rc = open_sinks(d, &err);

    if (rc == 0)
        rc = start(d, &err);
    if (rc < 0)
        dump_fail(d, &err);
    serve(d);
    for (size_t i = 0; i < d->worker_count; i++) {
        struct worker *w = &d->workers[i];
        if (w->reading)
            pthread_join(w->reader, NULL);
        if (w->sending)
            pthread_join(w->sender, NULL);
        sink_close(w->sink);
        for (size_t k = 0; k < PIECES; k++)
            free(w->pieces[k].p);
    }
    if (d->failed)
        remove_parts(d);
    for (size_t i = 0; i < d->table_count; i++)
        for (size_t k = 0; k < d->tables[i].part_count; k++)
            d->tables[i].bytes += d->tables[i].parts[k].up.bytes;
}

int dump_run(const struct dump_config *c, struct dump_table *tables, size_t n, struct err *err)
{
    struct dump *d = xcalloc(1, sizeof *d);
    pthread_condattr_t steady; /* a wall clock set back must not keep the heartbeat waiting */

    d->c = c;
    d->tables = tables;
    d->table_count = n;
    d->beat = (struct beat){stopped, d};
    d->worker_count = snapshot_count(c->snapshot) < n ? snapshot_count(c->snapshot) : n;
    pthread_mutex_init(&d->mutex, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&d->news, &steady);
    pthread_condattr_destroy(&steady);
    for (size_t i = 0; i < d->worker_count; i++) {
        struct worker *w = &d->workers[i];
        w->d = d;
        w->target = snapshot_target(c->snapshot, i);
        w->target_beat = w->target->config.beat;
        w->target->config.beat = &d->beat; /* the caller's knows one thread only */
        pthread_cond_init(&w->changed, NULL);
    }
    run(d);
    for (size_t i = 0; i < d->worker_count; i++) {
        d->workers[i].target->config.beat = d->workers[i].target_beat;
        pthread_cond_destroy(&d->workers[i].changed);
    }
    pthread_cond_destroy(&d->news);
    pthread_mutex_destroy(&d->mutex);
    int rc = d->failed ? -(int)d->err.code : 0;
    if (d->failed)
        *err = d->err;
    free(d);
    return rc;
}

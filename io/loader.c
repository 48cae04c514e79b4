#include "io/loader.h"
#include "base/clock.h"
#include "base/mem.h"
#include "io/loader_int.h"
#include <signal.h>
#include <string.h>

enum { WAIT_MS = 200 }; /* between two beats */

static int stop_beat(void *arg, struct err *err)
{
    UNUSED(arg);
    return loader_stop ? loader_stopped(err) : 0;
}

struct beat loader_beat(void)
{
    return (struct beat){stop_beat, NULL};
}

int loader_prefix(const struct loader_object *o, struct err *err)
{
    const char *slash = strrchr(o->info.key, '/');
    const char *name = slash != NULL && slash[1] != '\0' ? slash + 1 : o->info.key;
    char text[200];

    str_printable(name, strlen(name), text, sizeof text);
    return err_prefix(err, "%s", text);
}

/* --- units of chunks --- */

struct loader_unit *loader_unit_new(struct loader *l)
{
    struct loader_unit *u = xcalloc(1, sizeof *u);

    u->own = xcalloc(1, sizeof *u->own);
    u->objects = xcalloc(1, sizeof *u->objects);
    u->n = 1;
    pthread_mutex_lock(&l->mutex);
    u->own->next = l->live;
    if (l->live != NULL)
        l->live->own->before = u;
    l->live = u;
    pthread_mutex_unlock(&l->mutex);
    return u;
}

void loader_unit_gone(struct loader *l, struct loader_unit *u)
{
    pthread_mutex_lock(&l->mutex);
    struct unit_state *own = u->own;
    if (own->before != NULL)
        own->before->own->next = own->next;
    else
        l->live = own->next;
    if (own->next != NULL)
        own->next->own->before = own->before;
    pthread_mutex_unlock(&l->mutex);
    sums_release(&u->objects[0].sums);
    free(u->objects);
    free(own);
    free(u);
}

/* --- the caller's side --- */

/* 1 an event, 0 none: every lane has ended. Beats while it waits. */
static int next_event(struct loader *l, struct event *ret, struct err *err)
{
    for (;;) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        int64_t ns = until.tv_nsec + (int64_t)WAIT_MS * 1000000;
        until.tv_sec += ns / 1000000000;
        until.tv_nsec = ns % 1000000000;
        pthread_mutex_lock(&l->mutex);
        if (l->event_count == 0 && l->busy > 0)
            pthread_cond_timedwait(&l->news, &l->mutex, &until);
        bool got = l->event_count > 0, over = l->busy == 0;
        if (got) {
            *ret = l->events[l->first_event];
            l->first_event = (l->first_event + 1) % EVENTS;
            l->event_count--;
            pthread_cond_signal(&l->room);
        }
        pthread_mutex_unlock(&l->mutex);
        if (got || over)
            return got;
        int rc = beat(l->c->beat, err);
        if (rc < 0)
            return rc;
    }
}

static void wake_all(struct loader *l)
{
    pthread_mutex_lock(&l->mutex);
    for (size_t i = 0; i < l->c->lanes; i++)
        pthread_cond_broadcast(&l->lanes[i].changed);
    pthread_cond_broadcast(&l->room);
    pthread_mutex_unlock(&l->mutex);
}

static void answer(struct loader *l, struct loader_unit *u, int what)
{
    pthread_mutex_lock(&l->mutex);
    u->own->answer = what;
    pthread_mutex_unlock(&l->mutex);
    wake_all(l);
}

static int on_event(struct loader *l, struct event *e, struct err *err)
{
    const struct loader_config *c = l->c;
    int rc = 0;

    switch (e->kind) {
    case EVENT_REJECTS:
        rc = c->rejects(c->arg, e->unit, e->page, err);
        reject_page_free(e->page);
        return rc;
    case EVENT_READY:
        rc = c->ready(c->arg, e->unit, err);
        if (rc == 0)
            rc = beat(c->beat, err); /* the last look at the lease before the point of no return */
        if (rc >= 0)
            answer(l, e->unit, rc == 0 ? 1 : -1);
        return rc < 0 ? rc : 0;
    case EVENT_DONE:
        rc = c->done(c->arg, e->unit, err);
        break;
    case EVENT_FAILED:
        rc = c->failed(c->arg, e->unit, &e->err, err);
        break;
    }
    if (e->unit->chunk > 0 || l->chunks != NULL)
        loader_unit_gone(l, e->unit);
    return rc;
}

static int serve(struct loader *l, struct err *err)
{
    struct event e;
    int rc;

    while ((rc = next_event(l, &e, err)) > 0) {
        rc = on_event(l, &e, err);
        if (rc < 0)
            break;
        rc = beat(l->c->beat, err);
        if (rc < 0)
            break;
    }
    return rc;
}

static bool has_feed(const struct loader *l, size_t lane)
{
    return lane == 0 || l->chunks == NULL || l->chunks->apart;
}

static void start(struct loader *l)
{
    sigset_t all, old;

    (void)clock_shift_ms(); /* read once, before there are threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the caller's */
    l->busy = l->c->lanes;
    for (size_t i = 0; i < l->c->lanes; i++) {
        struct lane *ln = &l->lanes[i];
        if (pthread_create(&ln->load, NULL, lane_main, ln) != 0 ||
            (has_feed(l, i) &&
             pthread_create(&ln->feed, NULL, l->chunks != NULL ? feed_chunks_main : feed_main, ln) != 0)) {
            fprintf(stderr, "orch: cannot start a thread; the next tick goes on from the state file\n");
            abort();
        }
        ln->loading = true;
        ln->feeding = has_feed(l, i);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void release(struct loader *l)
{
    for (size_t i = 0; i < l->c->lanes; i++) {
        struct lane *ln = &l->lanes[i];
        for (; ln->count > 0; ln->count--) {
            item_release(ln, &ln->items[ln->first]);
            ln->first = (ln->first + 1) % QUEUE_ITEMS;
        }
        while (ln->spares > 0)
            batch_free(ln->spare[--ln->spares]);
        pthread_cond_destroy(&ln->changed);
    }
    for (; l->event_count > 0; l->event_count--) {
        reject_page_free(l->events[l->first_event].page);
        l->first_event = (l->first_event + 1) % EVENTS;
    }
    while (l->live != NULL)
        loader_unit_gone(l, l->live);
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->news);
    pthread_cond_destroy(&l->room);
    free(l);
}

static int run(struct loader *l, struct err *err)
{
    pthread_condattr_t steady; /* a wall clock set back must not keep the heartbeat waiting */

    loader_stop = false;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&l->news, &steady);
    pthread_condattr_destroy(&steady);
    pthread_cond_init(&l->room, NULL);
    for (size_t i = 0; i < l->c->lanes; i++) {
        struct lane *ln = &l->lanes[i];
        ln->l = l;
        ln->source = l->c->sources[i];
        ln->target = l->c->targets[i];
        pthread_cond_init(&ln->changed, NULL);
    }
    start(l);
    int rc = serve(l, err);
    if (rc < 0)
        loader_stop = true;
    wake_all(l);
    for (size_t i = 0; i < l->c->lanes; i++) {
        if (l->lanes[i].feeding)
            pthread_join(l->lanes[i].feed, NULL);
        pthread_join(l->lanes[i].load, NULL);
    }
    loader_stop = false; /* what the targets do from here on is the caller's */
    release(l);
    return rc;
}

int loader_run(const struct loader_config *c, struct loader_unit *units, size_t n, struct err *err)
{
    struct loader *l = xcalloc(1, sizeof *l);
    struct unit_state *own = xcalloc(n, sizeof *own);

    l->c = c;
    l->units = units;
    l->unit_count = n;
    for (size_t i = 0; i < n; i++)
        units[i].own = &own[i];
    int rc = run(l, err);
    for (size_t i = 0; i < n; i++)
        units[i].own = NULL;
    free(own);
    return rc;
}

int loader_run_chunks(const struct loader_config *c, struct loader_chunks *k, struct err *err)
{
    struct loader *l = xcalloc(1, sizeof *l);

    l->c = c;
    l->chunks = k;
    l->lanes[0].to = (k->whole->info.size - 1) / k->bytes + 1;
    return run(l, err);
}

/*
 * A few threads that do one kind of work together: the parts of a batch are handed out one by one, and nobody goes on
 * before all of them are done. What the parts write must not overlap.
 */
#include "base/mem.h"
#include "io/profile_int.h"
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { MOST_HANDS = CREW_MOST - 1 };

struct crew {
    pthread_t threads[MOST_HANDS];
    size_t hands, started; /* threads besides the caller; that know their number */
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    crew_fn *fn;
    void *arg;
    size_t next, parts, busy; /* under lock: the part that is handed out next; threads at work */
    uint64_t round;
    bool over;
};

/* With the lock held, before and after. */
static void take_parts(struct crew *c, size_t worker)
{
    while (c->next < c->parts) {
        size_t part = c->next++;
        pthread_mutex_unlock(&c->lock);
        c->fn(c->arg, part, worker);
        pthread_mutex_lock(&c->lock);
    }
}

static void *hand(void *arg)
{
    struct crew *c = arg;
    uint64_t seen = 0;

    pthread_mutex_lock(&c->lock);
    size_t worker = ++c->started;
    while (!c->over) {
        if (c->round == seen) {
            pthread_cond_wait(&c->work, &c->lock);
            continue;
        }
        seen = c->round;
        c->busy++;
        take_parts(c, worker);
        if (--c->busy == 0)
            pthread_cond_signal(&c->idle);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

struct crew *crew_new(void)
{
    struct crew *c = xcalloc(1, sizeof *c);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    sigset_t all, before;

    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->idle, NULL);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (c->hands < MOST_HANDS && (long)c->hands + 1 < processors &&
           pthread_create(&c->threads[c->hands], NULL, hand, c) == 0)
        c->hands++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return c;
}

void crew_start(struct crew *c, crew_fn *fn, void *arg, size_t parts)
{
    pthread_mutex_lock(&c->lock);
    c->fn = fn;
    c->arg = arg;
    c->next = 0;
    c->parts = parts;
    c->round++;
    pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->lock);
}

void crew_finish(struct crew *c)
{
    pthread_mutex_lock(&c->lock);
    take_parts(c, 0);
    while (c->busy > 0)
        pthread_cond_wait(&c->idle, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

void crew_free(struct crew *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    c->over = true;
    pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < c->hands; i++)
        pthread_join(c->threads[i], NULL);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->idle);
    free(c);
}

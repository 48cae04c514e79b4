#include "tests/lib/sinks.h"
#include "base/buf.h"
#include "tests/tap.h"
#include <pthread.h>

int sinks_stop(void *arg, struct err *err)
{
    int *left = arg;

    return --*left < 0 ? err_set(err, ERR_CANCELLED, "stopped") : 0;
}

int sinks_collect(void *arg, const struct object_info *o, struct err *err)
{
    return buf_addf(arg, err, "%s=%lld|", o->key, (long long)o->size);
}

enum { RACERS = 4, MOST_ROUNDS = 50 };

struct racer {
    const struct source_config *config;
    char text[30];
    int rounds, won[MOST_ROUNDS];
    pthread_barrier_t *start;
    struct err err;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct sink *s;

    if (sink_open(r->config, &s, &r->err) < 0)
        abort();
    for (int i = 0; i < r->rounds; i++) {
        char key[20];
        snprintf(key, sizeof key, "k%d", i);
        pthread_barrier_wait(r->start);
        r->won[i] = sink_put_new(s, key, r->text, strlen(r->text), &r->err);
    }
    sink_close(s);
    return NULL;
}

void sinks_race(const struct source_config *config, int rounds,
                void (*holds)(void *arg, const char *key, const void *want, size_t n), void *arg)
{
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    pthread_barrier_t start;

    must(rounds <= MOST_ROUNDS);
    pthread_barrier_init(&start, NULL, RACERS);
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.config = config, .rounds = rounds, .start = &start};
        snprintf(racers[i].text, sizeof racers[i].text, "of racer %d", i);
        must(pthread_create(&threads[i], NULL, race, &racers[i]) == 0);
    }
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);
    for (int k = 0; k < rounds; k++) {
        int winners = 0;
        char key[20];
        snprintf(key, sizeof key, "k%d", k);
        for (int i = 0; i < RACERS; i++) {
            if (!ok(racers[i].won[k] >= 0))
                diag("%s", racers[i].err.msg);
            if (racers[i].won[k] != 1)
                continue;
            winners++;
            holds(arg, key, racers[i].text, strlen(racers[i].text));
        }
        is_int(winners, 1);
    }
    pthread_barrier_destroy(&start);
}

/*
 * What orch serve counts. Rows that came in go to the counters of the state file, where orch metrics and the dashboard find
 * them, written by the main thread once a second: no request waits for it, and a killed server loses a second of them.
 * Answers are of this process alone: one that only reads writes nothing, not even how often it was asked.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/serve_int.h"
#include "state/metric.h"
#include <pthread.h>

struct came { /* and is not written yet */
    int64_t stored, rejected, at_ms;
};
struct serve_figures {
    const struct config *config;
    pthread_mutex_t lock; /* of rows */
    struct came *rows;    /* owned; one for each table of the dictionary */
    bool waiting;         /* one of them is not 0 */
    _Atomic int64_t answers[SERVE_CLASSES];
};

struct serve_figures *serve_figures_new(const struct config *c)
{
    struct serve_figures *f = xcalloc(1, sizeof *f);

    f->config = c;
    f->rows = xcalloc(c->table_count + 1, sizeof *f->rows);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void serve_figures_free(struct serve_figures *f)
{
    if (f == NULL)
        return;
    pthread_mutex_destroy(&f->lock);
    free(f->rows);
    free(f);
}

void serve_count_rows(struct serve *s, const struct dict_table *d, int64_t stored, int64_t rejected)
{
    struct serve_figures *f = s->figures;
    size_t at = (size_t)(d - f->config->tables);
    int64_t now_ms = clock_now_ms();

    pthread_mutex_lock(&f->lock);
    f->rows[at].stored += stored;
    f->rows[at].rejected += rejected;
    f->rows[at].at_ms = now_ms;
    f->waiting = true;
    pthread_mutex_unlock(&f->lock);
}

static int write_all(struct serve_figures *f, const struct came *rows, struct store *store, struct err *err)
{
    int rc = store_begin(store, err);

    for (size_t i = 0; rc == 0 && i < f->config->table_count; i++)
        if (rows[i].at_ms != 0)
            rc = counter_intake(store, f->config->tables[i].name, rows[i].stored, rows[i].rejected,
                                rows[i].at_ms, err);
    return rc < 0 ? rc : store_commit(store, err);
}

void serve_figures_write(struct serve *s)
{
    struct serve_figures *f = s->figures;
    size_t n = f->config->table_count;
    struct store *store = NULL;
    struct err ignored;

    pthread_mutex_lock(&f->lock);
    bool waiting = f->waiting;
    struct came *now = waiting ? f->rows : NULL;
    if (waiting)
        f->rows = xcalloc(n + 1, sizeof *f->rows);
    f->waiting = false;
    pthread_mutex_unlock(&f->lock);
    if (!waiting)
        return;
    int rc = serve_figures_take(s, &store, &ignored);
    if (rc == 0) {
        rc = write_all(f, now, store, &ignored);
        serve_figures_give(s);
    }
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; rc < 0 && i < n; i++) { /* not now: the next time */
        f->rows[i].stored += now[i].stored;
        f->rows[i].rejected += now[i].rejected;
        if (f->rows[i].at_ms == 0)
            f->rows[i].at_ms = now[i].at_ms;
        f->waiting = true;
    }
    pthread_mutex_unlock(&f->lock);
    free(now);
}

void serve_count_answer(struct serve *s, int status)
{
    int class = status / 100 - 1;

    if (class >= 0 && class < SERVE_CLASSES)
        atomic_fetch_add(&s->figures->answers[class], 1);
}

int serve_figures_text(const struct serve *s, struct buf *out, struct err *err)
{
    int rc = buf_adds(
        out,
        "# HELP orch_http_requests_total Answers of orch serve since it was started, by the class of "
        "their status.\n# TYPE orch_http_requests_total counter\n",
        err);

    for (int i = 1; rc == 0 && i < SERVE_CLASSES; i++) /* there is no 1xx that a handler gives */
        rc = buf_addf(out, err, "orch_http_requests_total{code=\"%dxx\"} %lld\n", i + 1,
                      (long long)atomic_load(&s->figures->answers[i]));
    return rc;
}

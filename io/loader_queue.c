#include "base/limits.h"
#include "base/mem.h"
#include "io/loader_int.h"

atomic_bool loader_stop;

int loader_stopped(struct err *err)
{
    return err_set(err, ERR_CANCELLED, "the load was ended");
}

static size_t weight(const struct item *it)
{
    return it->batch != NULL ? it->batch->bytes : 0;
}

static bool has_room(const struct lane *ln, const struct item *it)
{
    if (ln->count == QUEUE_ITEMS)
        return false;
    return it->batch == NULL || ln->bytes == 0 || ln->bytes + weight(it) <= LANE_BYTES;
}

void item_release(struct lane *ln, struct item *it)
{
    batch_back(ln, it->batch);
    reject_page_free(it->page);
    free(it->columns);
    it->batch = NULL;
    it->page = NULL;
    it->columns = NULL;
}

int lane_push(struct lane *ln, struct item *it, struct err *err)
{
    struct loader *l = ln->l;

    pthread_mutex_lock(&l->mutex);
    while (!loader_stop && !has_room(ln, it))
        pthread_cond_wait(&ln->changed, &l->mutex);
    bool stopped = loader_stop;
    if (!stopped) {
        ln->items[(ln->first + ln->count++) % QUEUE_ITEMS] = *it;
        ln->bytes += weight(it);
        pthread_cond_broadcast(&ln->changed);
    }
    pthread_mutex_unlock(&l->mutex);
    if (stopped)
        item_release(ln, it);
    return stopped ? loader_stopped(err) : 0;
}

int lane_pop(struct lane *ln, struct item *ret, struct err *err)
{
    struct loader *l = ln->l;

    pthread_mutex_lock(&l->mutex);
    while (!loader_stop && ln->count == 0)
        pthread_cond_wait(&ln->changed, &l->mutex);
    bool stopped = loader_stop;
    if (!stopped) {
        *ret = ln->items[ln->first];
        ln->first = (ln->first + 1) % QUEUE_ITEMS;
        ln->count--;
        ln->bytes -= weight(ret);
        pthread_cond_broadcast(&ln->changed);
    }
    pthread_mutex_unlock(&l->mutex);
    return stopped ? loader_stopped(err) : 0;
}

int loader_tell(struct loader *l, struct event *e, struct err *err)
{
    pthread_mutex_lock(&l->mutex);
    while (!loader_stop && l->event_count == EVENTS)
        pthread_cond_wait(&l->room, &l->mutex);
    bool stopped = loader_stop;
    if (!stopped) {
        l->events[(l->first_event + l->event_count++) % EVENTS] = *e;
        pthread_cond_signal(&l->news);
    }
    pthread_mutex_unlock(&l->mutex);
    if (stopped)
        reject_page_free(e->page);
    return stopped ? loader_stopped(err) : 0;
}

int lane_answer(struct lane *ln, struct loader_unit *u, struct err *err)
{
    struct loader *l = ln->l;

    pthread_mutex_lock(&l->mutex);
    while (!loader_stop && u->own->answer == 0)
        pthread_cond_wait(&ln->changed, &l->mutex);
    int answer = u->own->answer;
    pthread_mutex_unlock(&l->mutex);
    return answer == 0 ? loader_stopped(err) : answer > 0;
}

static bool fits(const struct batch *b, const struct table *def, const int *columns, size_t n, bool shared)
{
    if (b->table != def || b->col_count != n || (b->load_ids != NULL) != shared)
        return false;
    for (size_t i = 0; i < n; i++)
        if (b->cols[i].column != columns[i])
            return false;
    return true;
}

struct batch *batch_take(struct lane *ln, const struct table *def, const int *columns, size_t n, bool shared)
{
    struct batch *b = NULL;

    pthread_mutex_lock(&ln->l->mutex);
    if (ln->spares > 0)
        b = ln->spare[--ln->spares];
    pthread_mutex_unlock(&ln->l->mutex);
    if (b != NULL && !fits(b, def, columns, n, shared)) {
        batch_free(b);
        b = NULL;
    }
    if (b == NULL) {
        b = batch_new(def, columns, n, BATCH_ROWS);
        if (shared)
            batch_share(b);
    }
    return b;
}

void batch_back(struct lane *ln, struct batch *b)
{
    if (b == NULL)
        return;
    batch_clear(b);
    pthread_mutex_lock(&ln->l->mutex);
    bool kept = ln->spares < QUEUE_ITEMS;
    if (kept)
        ln->spare[ln->spares++] = b;
    pthread_mutex_unlock(&ln->l->mutex);
    if (!kept)
        batch_free(b);
}

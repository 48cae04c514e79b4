#include "orchestrator/alerts.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "orchestrator/lock.h"
#include "state/told.h"

enum {
    TICK_JITTER_MS = 30000,
    BACKOFF_MAX_MS = 900000,
    MAIL_TOGETHER_MS = 60000, /* of all recipients; the rest is left to the next tick */
};

/* ---- the channels of a config ---- */

static void add_mail(struct channel *list, size_t *n, const char *address, bool all)
{
    for (size_t i = 0; i < *n; i++)
        if (list[i].kind == CHANNEL_MAIL && strcasecmp(list[i].address, address) == 0)
            return;
    list[*n] = (struct channel){.kind = CHANNEL_MAIL, .address = address, .all = all};
    snprintf(list[*n].name, sizeof list[*n].name, "mail %s", address);
    (*n)++;
}

struct channel *channels_of(const struct config *c, size_t *ret_n)
{
    size_t to = 0, n = 0;

    while (c->mail.url != NULL && c->mail.to[to] != NULL)
        to++;
    struct channel *list = xcalloc(c->pipeline_count + c->extract_count + to + 2, sizeof *list);
    if (c->alert_command != NULL)
        list[n++] = (struct channel){.kind = CHANNEL_COMMAND, .name = "command", .all = true};
    if (c->webhook.url != NULL)
        list[n++] = (struct channel){.kind = CHANNEL_WEBHOOK, .name = "webhook", .all = true};
    for (size_t i = 0; i < to; i++)
        add_mail(list, &n, c->mail.to[i], true);
    for (size_t i = 0; c->mail.url != NULL && i < c->pipeline_count; i++)
        if (c->pipelines[i].owner_email[0] != '\0')
            add_mail(list, &n, c->pipelines[i].owner_email, false);
    for (size_t i = 0; c->mail.url != NULL && i < c->extract_count; i++)
        if (c->extracts[i].owner_email[0] != '\0')
            add_mail(list, &n, c->extracts[i].owner_email, false);
    *ret_n = n;
    return list;
}

/* What is of no pipeline is of the alerts: to all, or where nobody is told of all, to every owner. */
static bool wants(const struct config *c, const struct channel *ch, const struct item *it)
{
    const struct pipeline *p = NULL;
    struct err none;

    if (it->pipeline[0] == '\0')
        return (ch->all || c->mail.to[0] == NULL) &&
               (strcmp(it->class, "ALERT") != 0 || strcmp(it->part, ch->name) != 0);
    if (ch->all)
        return true;
    return config_flow(c, it->pipeline, &p, &none) == 0 && strcasecmp(p->owner_email, ch->address) == 0;
}

/* ---- what they believe ---- */

static int on_told(void *arg, const struct told *t, struct err *err)
{
    struct items *l = arg;
    struct item *it = items_add(l, t->pipeline, t->class, t->part, t->text, t->hint);

    UNUSED(err);
    free(it->ending);
    it->ending = xstrdup(t->ending);
    it->opened_ms = t->opened_ms;
    it->said_ms = t->said_ms;
    it->again = t->said_ms != 0;
    it->gone = t->gone_ms != 0;
    return 0;
}

/* Of hours that ended long ago, when orch first saw it: a first catch-up or a replay works on them, and says so once. */
static bool of_backfill(const struct config *c, const struct item *it)
{
    static const char *const classes[] = {"LATE", "FAILED", "UNAVAILABLE", "SMALL"};
    const struct pipeline *p = NULL;
    char part[PART_SIZE];
    struct err none;
    int64_t start;
    bool mute = false;

    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        mute = mute || strcmp(it->class, classes[i]) == 0;
    if (!mute || it->part[0] == '\0' || config_pipeline(c, it->pipeline, &p, &none) < 0)
        return false;
    snprintf(part, sizeof part, "%.*s", (int)strcspn(it->part, "#"), it->part);
    return part_parse(p->period, part, &start, &none) == 0 &&
           start + period_ms(p->period) + c->backfill_after_ms < it->opened_ms;
}

/* What is to be told of what stands: the backfill of a pipeline is one. By key. */
static void to_be_told(const struct standing *s, struct items *ret)
{
    const struct config *c = s->config;
    size_t *muted = xcalloc(c->pipeline_count + 1, sizeof *muted);

    for (size_t i = 0; i < s->found->n; i++) {
        const struct item *it = &s->found->v[i];
        if (of_backfill(c, it)) {
            for (size_t k = 0; k < c->pipeline_count; k++)
                muted[k] += strcmp(c->pipelines[k].name, it->pipeline) == 0;
            continue;
        }
        items_add(ret, it->pipeline, it->class, it->part, it->text, it->hint)->opened_ms = it->opened_ms;
    }
    for (size_t k = 0; k < c->pipeline_count; k++) {
        char text[200], hint[200];
        if (muted[k] == 0)
            continue;
        snprintf(text, sizeof text,
                 "%zu partitions of long ago are LATE or FAILED; they are not told one by one", muted[k]);
        snprintf(hint, sizeof hint, "orch status %s lists them", c->pipelines[k].name);
        items_add(ret, c->pipelines[k].name, "BACKFILL", "", text, hint)->opened_ms = s->now_ms;
    }
    free(muted);
    items_sort(ret);
}

static int put(const struct standing *s, const struct channel *ch, const struct item *it, struct err *err)
{
    const struct told t = {.key = it->key,
                           .pipeline = it->pipeline,
                           .class = it->class,
                           .part = it->part,
                           .text = it->text,
                           .hint = it->hint,
                           .opened_ms = it->opened_ms};

    return told_stands(s->store, ch->name, &t, err);
}

/* A row of what does not stand any more. */
static int end(const struct standing *s, const struct channel *ch, const struct item *row, bool *ret_differs,
               bool write, struct err *err)
{
    const struct pipeline *p;
    char ending[700] = "";
    struct err none;
    bool configured = row->pipeline[0] == '\0' || config_flow(s->config, row->pipeline, &p, &none) == 0;
    int rc = 0;

    if (!s->looked_at(s->arg, row->pipeline))
        return 0;
    *ret_differs = true;
    if (!write)
        return 0;
    /* Nobody is told that it is well while the same partition has another trouble, or to a reader whom it does not
     * concern any more. */
    if (items_find(s->found, row->key) != NULL || (configured && !wants(s->config, ch, row)) ||
        items_other_stands(s->found, row->pipeline, row->part))
        return told_drop(s->store, ch->name, row->key, err);
    if (!configured)
        snprintf(ending, sizeof ending, "the pipeline is no longer in the config");
    else if (row->part[0] != '\0')
        rc = told_ending(s->store, row->pipeline, row->part, row->class, ending, sizeof ending, err);
    return rc < 0 ? rc : told_gone(s->store, ch->name, row->key, ending, s->now_ms, err);
}

static int believe(const struct standing *s, const struct channel *ch, const struct items *stands, bool write,
                   bool *ret_differs, struct err *err)
{
    struct items rows = {0};
    int rc = told_list(s->store, ch->name, on_told, &rows, err);

    items_sort(&rows);
    for (size_t i = 0; rc == 0 && i < stands->n; i++) {
        const struct item *it = &stands->v[i], *row = items_find(&rows, it->key);
        if (!wants(s->config, ch, it) || (row != NULL && !row->gone))
            continue;
        *ret_differs = true;
        if (write)
            rc = put(s, ch, it, err);
    }
    for (size_t i = 0; rc == 0 && i < rows.n; i++) {
        const struct item *stand = items_find(stands, rows.v[i].key);
        if (!rows.v[i].gone && (stand == NULL || !wants(s->config, ch, stand)))
            rc = end(s, ch, &rows.v[i], ret_differs, write, err);
    }
    items_clear(&rows);
    return rc;
}

struct stale {
    const struct channel *list;
    size_t n;
    char name[CHANNEL_NAME_SIZE];
};

static int on_channel_name(void *arg, const char *name, struct err *err)
{
    struct stale *x = arg;

    UNUSED(err);
    for (size_t i = 0; i < x->n; i++)
        if (strcmp(x->list[i].name, name) == 0)
            return 0;
    snprintf(x->name, sizeof x->name, "%s", name);
    return 0;
}

/* A channel that is no longer in the config believes nothing; one a tick. */
static int forget_channel(const struct standing *s, const struct channel *list, size_t n, bool write,
                          bool *ret_differs, struct err *err)
{
    struct stale x = {.list = list, .n = n};
    int rc = told_channels(s->store, on_channel_name, &x, err);

    if (rc < 0 || x.name[0] == '\0')
        return rc;
    *ret_differs = true;
    return write ? told_drop_all(s->store, x.name, err) : 0;
}

static int compare(const struct standing *s, bool write, struct err *err)
{
    struct items stands = {0};
    bool differs = false;
    size_t n;
    struct channel *list = channels_of(s->config, &n);
    int rc = forget_channel(s, list, n, write, &differs, err);

    if (n > 0)
        to_be_told(s, &stands);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = believe(s, &list[i], &stands, write, &differs, err);
    items_clear(&stands);
    free(list);
    return rc < 0 ? rc : differs;
}

int alerts_differ(const struct standing *s, struct err *err)
{
    return compare(s, false, err);
}

int alerts_write_down(const struct standing *s, struct err *err)
{
    int rc = compare(s, true, err);

    return rc < 0 ? rc : 0;
}

/* ---- delivery ---- */

bool alert_again(int64_t said_ms, int64_t renotify_ms, int64_t now_ms)
{
    int64_t since = said_ms < now_ms ? now_ms - said_ms : said_ms - now_ms;

    return since + TICK_JITTER_MS >= renotify_ms;
}

/*
 * Which rows are news to the channel. A reminder is of all of its pipeline and class, so that they go together from then on:
 * told_list has them one behind the other.
 */
static void find_due(struct items *l, int64_t renotify_ms, int64_t now_ms)
{
    for (size_t first = 0, end; first < l->n; first = end) {
        bool again = false;
        for (end = first; end < l->n && strcmp(l->v[end].pipeline, l->v[first].pipeline) == 0 &&
                          strcmp(l->v[end].class, l->v[first].class) == 0;
             end++) {
            const struct item *it = &l->v[end];
            again |= !it->gone && it->said_ms != 0 && alert_again(it->said_ms, renotify_ms, now_ms);
        }
        for (size_t i = first; i < end; i++)
            l->v[i].due = again || l->v[i].gone || l->v[i].said_ms == 0;
    }
}

struct health {
    const char *name;
    int64_t failing_since_ms, tried_ms;
};

static int on_health(void *arg, const struct channel_row *c, struct err *err)
{
    struct health *h = arg;

    UNUSED(err);
    if (strcmp(c->name, h->name) == 0) {
        h->failing_since_ms = c->failing_since_ms;
        h->tried_ms = c->tried_ms;
    }
    return 0;
}

/* As long again as it has failed, up to a quarter of an hour. A try in the future: the clock was set back. */
static bool backs_off(const struct health *h, int64_t now_ms)
{
    int64_t wait = h->tried_ms - h->failing_since_ms;

    if (h->failing_since_ms == 0 || wait < 0 || h->tried_ms > now_ms)
        return false;
    return now_ms < h->tried_ms + (wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS);
}

/* After a delivery, or what stood in its way (failure). In one transaction. */
static int note(struct store *store, const struct channel *ch, const struct message *m,
                const struct err *failure, int64_t now_ms, struct err *err)
{
    char text[1600];
    int rc = store_begin(store, err);

    if (rc == 0 && failure != NULL) {
        snprintf(text, sizeof text, "%s%s%s%s", failure->msg, failure->hint[0] != '\0' ? " (hint: " : "",
                 failure->hint, failure->hint[0] != '\0' ? ")" : "");
        rc = channel_failed(store, ch->name, text, now_ms, err);
    } else if (rc == 0) {
        rc = channel_ok(store, ch->name, now_ms, err);
        for (size_t i = 0; rc == 0 && i < m->items.n; i++) {
            const struct item *it = &m->items.v[i];
            if (it->due)
                rc = it->gone ? told_drop(store, ch->name, it->key, err)
                              : told_said(store, ch->name, it->key, now_ms, err);
        }
    }
    if (rc == 0)
        rc = store_commit(store, err);
    store_rollback(store);
    return rc;
}

/* What keeps one mail from being taken keeps all of them: a server that is away is asked once a tick. */
static bool of_server(const struct err *e)
{
    return e->code != ERR_BAD_RESPONSE && e->code != ERR_CANCELLED;
}

struct round {
    struct store *store;
    const struct config *config;
    int64_t now_ms, mail_until;
    struct err mail_down; /* code != 0: why no mail goes out in this tick */
    bool changed;
};

static int send_one(struct round *r, const struct channel *ch, const struct health *h, struct items *rows,
                    struct err *err)
{
    struct message m;
    struct err failure = {0};
    int rc = message_make(r->config, ch, rows, false, r->now_ms, &m, err);

    if (rc < 0)
        return rc;
    if (ch->kind == CHANNEL_MAIL && r->mail_down.code != ERR_OK) {
        failure = r->mail_down;
        rc = -1;
    } else {
        rc = channel_send(r->config, ch, &m, r->now_ms, &failure);
    }
    if (rc < 0 && failure.code == ERR_CANCELLED) { /* stopped: the next tick sends it */
        rc = 0;
        goto out;
    }
    if (rc < 0 && ch->kind == CHANNEL_MAIL && of_server(&failure))
        r->mail_down = failure;
    r->changed = r->changed || (rc < 0) != (h->failing_since_ms != 0);
    bool sent = rc == 0;
    rc = sent ? fault_point("alert.sent", err) : 0;
    if (rc == 0)
        rc = note(r->store, ch, &m, sent ? NULL : &failure, r->now_ms, err);
out:
    message_release(&m);
    return rc;
}

static int serve(struct round *r, const struct channel *ch, struct err *err)
{
    struct items rows = {0};
    struct health h = {.name = ch->name};
    int rc = told_list(r->store, ch->name, on_told, &rows, err);

    find_due(&rows, r->config->renotify_ms, r->now_ms);
    if (rc == 0 && items_due(&rows))
        rc = channel_list(r->store, on_health, &h, err);
    if (rc == 0 && items_due(&rows) && !backs_off(&h, r->now_ms) && !engine_stop_signal &&
        (ch->kind != CHANNEL_MAIL || clock_mono_ms() < r->mail_until))
        rc = send_one(r, ch, &h, &rows, err);
    items_clear(&rows);
    return rc;
}

static int anything_due(struct store *store, const struct config *c, const struct channel *list, size_t n,
                        int64_t now_ms, struct err *err)
{
    bool due = false;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct items rows = {0};
        rc = told_list(store, list[i].name, on_told, &rows, err);
        find_due(&rows, c->renotify_ms, now_ms);
        due = due || items_due(&rows);
        items_clear(&rows);
    }
    return rc < 0 ? rc : due;
}

int alerts_deliver(struct store *store, const struct config *c, int64_t now_ms, bool *ret_changed,
                   struct err *err)
{
    struct round r = {.store = store, .config = c, .now_ms = now_ms};
    size_t n;
    struct channel *list = channels_of(c, &n);
    char *locks = xasprintf("%s.locks", store_path(store));
    struct lock *lock = NULL;
    int rc = anything_due(store, c, list, n, now_ms, err);

    r.mail_until = clock_mono_ms() + MAIL_TOGETHER_MS;
    /* Two ticks at once would tell everything twice; what comes up meanwhile, the next one tells. */
    if (rc == 1)
        rc = lock_take(locks, "alerts", &lock, err);
    if (rc == 1) {
        rc = 0;
        for (size_t i = 0; rc == 0 && i < n; i++)
            rc = serve(&r, &list[i], err);
    }
    lock_release(lock);
    free(locks);
    free(list);
    *ret_changed = r.changed;
    return rc < 0 ? rc : 0;
}

/* ---- a channel that fails is a trouble itself ---- */

struct failing {
    const struct channel *list;
    size_t n;
    int (*fn)(void *arg, const struct finding *f, struct err *err);
    void *arg;
};

static int on_failing(void *arg, const struct channel_row *c, struct err *err)
{
    struct failing *x = arg;
    bool known = false;
    struct finding f = {.class = "ALERT", .part = c->name, .exit_status = 1};

    for (size_t i = 0; i < x->n; i++)
        known = known || strcmp(x->list[i].name, c->name) == 0;
    if (!known || c->failing_since_ms == 0)
        return 0;
    snprintf(f.text, sizeof f.text, "%s", c->error);
    snprintf(f.hint, sizeof f.hint,
             "it is tried again by itself; orch notify --test --channel '%s' tries it now", c->name);
    return x->fn(x->arg, &f, err);
}

int alerts_findings(struct store *store, const struct config *c,
                    int (*fn)(void *arg, const struct finding *f, struct err *err), void *arg,
                    struct err *err)
{
    struct failing x = {.fn = fn, .arg = arg};
    struct channel *list = channels_of(c, &x.n);

    x.list = list;
    int rc = channel_list(store, on_failing, &x, err);
    free(list);
    return rc;
}

/*
 * Quiet success: a trouble is said when it is new, again after alerts.renotify, and its end once. What was said is in the
 * state file, so that 288 ticks a day say it once. Said first, marked afterwards: dying between says it twice, never not.
 * stderr, which is cron's mail, has its belief in the troubles themselves; the other channels are in alerts.c.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "orchestrator/alerts.h"
#include "orchestrator/requests.h"
#include "orchestrator/sizes.h"
#include "orchestrator/tick_int.h"
#include "state/told.h"
#include "state/trouble.h"

enum { MAX_FINDINGS = 100000 };

struct say {
    struct tick *t;
    const char *name;   /* of the pipeline that is looked at */
    struct items found; /* by key */
    struct items gone;
    int64_t now;
    size_t known; /* of the findings, those that are in the table */
    bool write;   /* the table holds what is not there any more */
};

void tick_print(const char *where, const char *text, const char *hint)
{
    char clean_where[400], clean[3600], clean_hint[1000];

    str_printable(where, strlen(where), clean_where, sizeof clean_where);
    str_printable(text, strlen(text), clean, sizeof clean);
    str_printable(hint, strlen(hint), clean_hint, sizeof clean_hint);
    fprintf(stderr, "orch: %s%s%s\n", clean_where, where[0] != '\0' ? ": " : "", clean);
    if (hint[0] != '\0')
        fprintf(stderr, "    hint: %s\n", clean_hint);
}

static int on_finding(void *arg, const struct finding *f, struct err *err)
{
    struct say *s = arg;

    if (s->found.n >= MAX_FINDINGS) {
        err_set(err, ERR_TOO_LARGE, "%s: more than %d troubles stand, the next is %s", s->name, MAX_FINDINGS,
                f->class);
        return err_hint(err, "orch status shows them; are the source's since and layout right?");
    }
    struct item *i = items_add(&s->found, s->name, f->class, f->part, f->text, f->hint);
    i->exit_status = f->exit_status;
    i->opened_ms = s->now;
    i->due = true; /* until the table says that it was said */
    return 0;
}

static void forget(struct say *s)
{
    items_clear(&s->found);
    items_clear(&s->gone);
    s->known = 0;
    s->write = false;
}

static int find_all(struct say *s, struct err *err)
{
    int rc = 0;

    forget(s);
    for (size_t k = 0; rc == 0 && k < s->t->flow_count; k++) {
        const struct flow *f = &s->t->flows[k];
        s->name = f->p->name;
        if (f->refused.code != ERR_OK) {
            struct finding own = {
                .class = "REFUSED", .part = "", .exit_status = err_exit_status(f->refused.code)};
            snprintf(own.text, sizeof own.text, "%s", f->refused.msg);
            snprintf(own.hint, sizeof own.hint, "%s", f->refused.hint);
            rc = on_finding(s, &own, err);
        }
        if (rc == 0)
            rc = findings_of(s->t->store, f->p, s->now, on_finding, s, err);
    }
    s->name = "";
    if (rc == 0)
        rc = alerts_findings(s->t->store, s->t->config, on_finding, s, err);
    if (rc == 0)
        rc = findings_of_none(s->t->store, on_finding, s, err);
    items_sort(&s->found);
    return rc;
}

static bool is_configured(const struct say *s, const char *pipeline)
{
    const struct pipeline *p;
    struct err ignored;

    return pipeline[0] == '\0' /* the alerts themselves */ ||
           config_flow(s->t->config, pipeline, &p, &ignored) == 0;
}

/* Pipelines of the config that this tick looks at, the alerts themselves, and what is gone from the config. */
static bool looked_at(void *arg, const char *pipeline)
{
    const struct say *s = arg;

    for (size_t i = 0; i < s->t->flow_count; i++)
        if (strcmp(s->t->flows[i].p->name, pipeline) == 0)
            return true;
    return pipeline[0] == '\0' || (s->t->o->pipeline == NULL && !is_configured(s, pipeline));
}

static int on_known(void *arg, const struct trouble *k, struct err *err)
{
    struct say *s = arg;
    struct item *i = items_find(&s->found, k->key);

    UNUSED(err);
    if (i != NULL) {
        s->known++;
        i->opened_ms = k->opened_ms;
        i->said_ms = k->said_ms;
        i->again = k->said_ms != 0;
        i->due = k->said_ms == 0 || alert_again(k->said_ms, s->t->config->renotify_ms, s->now);
        return 0;
    }
    if (looked_at(s, k->pipeline))
        s->write = true;
    return 0;
}

/* A trouble of a pipeline that is gone from the config goes unsaid. FAILED that became DEAD is not well: another trouble of
 * the same partition stands. */
static int on_gone(void *arg, const struct trouble *k, struct err *err)
{
    struct say *s = arg;
    size_t head = strlen(k->pipeline) + strlen(k->class) + 2;
    const char *part = strlen(k->key) >= head ? k->key + head : "";

    UNUSED(err);
    if (!looked_at(s, k->pipeline) || !is_configured(s, k->pipeline) ||
        items_other_stands(&s->found, k->pipeline, part))
        return 0;
    struct item *i = items_add(&s->gone, k->pipeline, k->class, part, k->text, "");
    i->opened_ms = k->opened_ms;
    i->gone = i->due = i->again = true;
    return 0;
}

static struct standing standing_of(struct say *s)
{
    return (struct standing){.config = s->t->config,
                             .store = s->t->store,
                             .found = &s->found,
                             .looked_at = looked_at,
                             .arg = s,
                             .now_ms = s->now};
}

static int write_seen(struct say *s, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s->found.n; i++) {
        const struct item *it = &s->found.v[i];
        const struct trouble k = {
            .key = it->key, .pipeline = it->pipeline, .class = it->class, .text = it->text, .hint = it->hint};
        rc = trouble_seen(s->t->store, &k, s->now, err);
    }
    return rc;
}

static int write_gone(struct say *s, struct err *err)
{
    int rc;

    if (s->t->o->pipeline == NULL)
        return trouble_gone(s->t->store, NULL, s->now, on_gone, s, err);
    rc = trouble_gone(s->t->store, "", s->now, on_gone, s, err);
    for (size_t i = 0; rc == 0 && i < s->t->flow_count; i++)
        rc = trouble_gone(s->t->store, s->t->flows[i].p->name, s->now, on_gone, s, err);
    return rc;
}

/* What a person decided is not the same as well. */
static int find_endings(struct say *s, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < s->gone.n; i++) {
        struct item *it = &s->gone.v[i];
        char ending[700] = "";
        if (it->part[0] == '\0')
            continue;
        rc = told_ending(s->t->store, it->pipeline, it->part, it->class, ending, sizeof ending, err);
        free(it->ending);
        it->ending = xstrdup(ending);
    }
    return rc < 0 ? rc : 0;
}

/* In one transaction, so that two ticks do not take each other's new troubles for gone: what this tick sees, what is not
 * there any more, and what each channel is to be told of it. */
static int write_down(struct say *s, struct err *err)
{
    int rc = store_begin(s->t->store, err);
    struct standing now;

    if (rc == 0)
        rc = find_all(s, err);
    if (rc == 0)
        rc = trouble_list(s->t->store, NULL, on_known, s, err);
    if (rc == 0)
        rc = write_seen(s, err);
    if (rc == 0)
        rc = write_gone(s, err);
    if (rc == 0)
        rc = find_endings(s, err);
    now = standing_of(s);
    if (rc == 0)
        rc = alerts_write_down(&now, err);
    if (rc == 0)
        rc = store_commit(s->t->store, err);
    store_rollback(s->t->store);
    return rc;
}

static void print_items(struct items *l)
{
    struct item_line line;

    items_sort_to_tell(l);
    for (size_t i = 0; i < l->n; i++) {
        size_t count = items_stand_for(l, i);
        if (count == 0)
            continue;
        item_line(&l->v[i], count, &line);
        tick_print(line.where, line.text, line.hint);
    }
}

static int mark(struct say *s, struct err *err)
{
    int rc = store_begin(s->t->store, err);

    for (size_t i = 0; rc == 0 && i < s->found.n; i++)
        if (s->found.v[i].due)
            rc = trouble_said(s->t->store, s->found.v[i].key, s->now, err);
    if (rc == 0)
        rc = store_commit(s->t->store, err);
    store_rollback(s->t->store);
    return rc;
}

static int tell(struct say *s, struct err *err)
{
    for (size_t i = 0; i < s->found.n; i++)
        if (s->found.v[i].due)
            s->t->status = exit_worse(s->t->status, s->found.v[i].exit_status);
    print_items(&s->found);
    print_items(&s->gone);
    int rc = fault_point("tick.said", err);
    return rc < 0 ? rc : mark(s, err);
}

/* A tick that has nothing new to say writes nothing. */
static int say_once(struct say *s, struct err *err)
{
    int64_t now = clock_now_ms();
    int rc;

    s->now =
        now > s->now ? now : s->now + 1; /* what this look sees is told apart from what the last one saw */
    rc = find_all(s, err);
    if (rc == 0)
        rc = trouble_list(s->t->store, NULL, on_known, s, err);
    if (rc == 0 && !items_due(&s->found) && !s->write && s->known == s->found.n) {
        const struct standing still = standing_of(s);
        rc = alerts_differ(&still, err);
        if (rc <= 0)
            return rc;
        rc = 0;
    }
    if (rc == 0)
        rc = write_down(s, err);
    if (rc == 0 && (items_due(&s->found) || items_due(&s->gone)))
        rc = tell(s, err);
    return rc;
}

int tick_say(struct tick *t, struct err *err)
{
    struct say s = {.t = t};
    bool changed = false;
    int rc = 0;
    int64_t now = clock_now_ms();

    for (size_t i = 0; rc == 0 && i < t->flow_count; i++)
        rc = sizes_judge(t->store, t->flows[i].p, now - t->config->backfill_after_ms, now, err);
    if (rc == 0)
        rc = say_once(&s, err);
    if (rc == 0)
        rc = alerts_deliver(t->store, t->config, s.now, &changed, err);
    /* An alarm that does not ring is a trouble itself, and said where it can be. */
    if (rc == 0 && changed)
        rc = say_once(&s, err);
    forget(&s);
    return rc;
}

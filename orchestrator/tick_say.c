/*
 * Quiet success: a trouble is said when it is new, again after alerts.renotify, and its end once. What was said is in the
 * state file, so that 288 ticks a day say it once. Said first, marked afterwards: dying between says it twice, never not.
 */
#include "base/civil.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "orchestrator/alert.h"
#include "orchestrator/tick_int.h"
#include "state/trouble.h"

enum {
    SAID_ONE_BY_ONE = 5,     /* of one pipeline and class; the rest as one line */
    ALERT_AGAIN_MS = 900000, /* what could not be delivered is due again */
    MAX_FINDINGS = 100000,
};

/* A finding of this tick, or a trouble that has gone. */
struct item {
    char *key, *pipeline, *class, *part, *text, *hint;
    int exit_status;
    int64_t opened_ms;
    bool due, again, gone;
};

struct say {
    struct tick *t;
    const struct pipeline *p;
    struct item *items;
    size_t n, cap;
    size_t findings; /* the first so many items, sorted by key; what has gone comes after */
    int64_t now;
    size_t known;      /* of the findings, those that are in the table */
    bool write;        /* the table holds what is not there any more */
    bool alarm_broken; /* the last alert was not delivered */
};

void tick_print(const char *where, const char *text, const char *hint)
{
    char clean_where[400], clean[3000], clean_hint[1000];

    str_printable(where, strlen(where), clean_where, sizeof clean_where);
    str_printable(text, strlen(text), clean, sizeof clean);
    str_printable(hint, strlen(hint), clean_hint, sizeof clean_hint);
    fprintf(stderr, "orch: %s%s%s\n", clean_where, where[0] != '\0' ? ": " : "", clean);
    if (hint[0] != '\0')
        fprintf(stderr, "    hint: %s\n", clean_hint);
}

static struct item *add(struct say *s)
{
    if (s->n == s->cap) {
        s->cap = s->cap == 0 ? 16 : 2 * s->cap;
        s->items = xrealloc(s->items, s->cap * sizeof *s->items);
    }
    s->items[s->n] = (struct item){0};
    return &s->items[s->n++];
}

static void item_release(struct item *i)
{
    free(i->key);
    free(i->pipeline);
    free(i->class);
    free(i->part);
    free(i->text);
    free(i->hint);
}

static int on_finding(void *arg, const struct finding *f, struct err *err)
{
    struct say *s = arg;

    if (s->n >= MAX_FINDINGS)
        return err_set(err, ERR_TOO_LARGE, "more than %d troubles", MAX_FINDINGS);
    struct item *i = add(s);
    i->key = xasprintf("%s %s %s", s->p->name, f->class, f->part);
    i->pipeline = xstrdup(s->p->name);
    i->class = xstrdup(f->class);
    i->part = xstrdup(f->part);
    i->text = xstrdup(f->text);
    i->hint = xstrdup(f->hint);
    i->exit_status = f->exit_status;
    i->opened_ms = s->now;
    i->due = true; /* until the table says that it was said */
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    return strcmp(x->key, y->key);
}

static void forget(struct say *s)
{
    for (size_t i = 0; i < s->n; i++)
        item_release(&s->items[i]);
    s->n = s->findings = s->known = 0;
    s->write = s->alarm_broken = false;
}

/* A second one under the same key would never be marked as said, and be told by every tick. Sorted; how many are left. */
static size_t one_of_a_key(struct item *items, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && strcmp(items[kept - 1].key, items[i].key) == 0)
            item_release(&items[i]);
        else
            items[kept++] = items[i];
    }
    return kept;
}

static int find_all(struct say *s, struct err *err)
{
    int rc = 0;

    forget(s);
    for (size_t k = 0; rc == 0 && k < s->t->flow_count; k++) {
        const struct flow *f = &s->t->flows[k];
        s->p = f->p;
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
    if (s->n > 0)
        qsort(s->items, s->n, sizeof *s->items, by_key);
    s->findings = one_of_a_key(s->items, s->n);
    s->n = s->findings;
    return rc;
}

static struct item *find(struct say *s, const char *key)
{
    char *copy = xstrdup(key);
    const struct item wanted = {.key = copy};
    struct item *found =
        s->findings == 0 ? NULL : bsearch(&wanted, s->items, s->findings, sizeof *s->items, by_key);

    free(copy);
    return found;
}

/* Pipelines of the config that this tick looks at. A trouble of one that is gone from the config goes unsaid. */
static bool looked_at(const struct say *s, const char *pipeline, bool *ret_configured)
{
    *ret_configured = false;
    for (size_t i = 0; i < s->t->config->pipeline_count; i++)
        *ret_configured = *ret_configured || strcmp(s->t->config->pipelines[i].name, pipeline) == 0;
    for (size_t i = 0; i < s->t->flow_count; i++)
        if (strcmp(s->t->flows[i].p->name, pipeline) == 0)
            return true;
    return !*ret_configured && s->t->o->pipeline == NULL;
}

static int on_known(void *arg, const struct trouble *k, struct err *err)
{
    struct say *s = arg;
    struct item *i = find(s, k->key);
    bool configured;

    UNUSED(err);
    if (strcmp(k->class, "ALERT") == 0) {
        s->alarm_broken = s->t->config->alert_command != NULL;
        return 0;
    }
    if (i != NULL) {
        s->known++;
        i->opened_ms = k->opened_ms;
        i->again = k->said_ms != 0;
        /* Said in the future: the clock was set back. */
        i->due = k->said_ms == 0 || k->said_ms + s->t->config->renotify_ms <= s->now || k->said_ms > s->now;
        return 0;
    }
    if (looked_at(s, k->pipeline, &configured))
        s->write = true;
    return 0;
}

static int on_gone(void *arg, const struct trouble *k, struct err *err)
{
    struct say *s = arg;
    const char *part = strrchr(k->key, ' ');
    bool configured;

    UNUSED(err);
    if (!looked_at(s, k->pipeline, &configured) || !configured)
        return 0;
    /* FAILED that became DEAD is not well: another trouble of the same partition stands. */
    for (size_t i = 0; i < s->findings; i++)
        if (strcmp(s->items[i].pipeline, k->pipeline) == 0 &&
            strcmp(s->items[i].part, part != NULL ? part + 1 : "") == 0)
            return 0;
    struct item *i = add(s);
    i->key = xstrdup(k->key);
    i->pipeline = xstrdup(k->pipeline);
    i->class = xstrdup(k->class);
    i->part = xstrdup(part != NULL ? part + 1 : "");
    i->text = xstrdup(k->text);
    i->hint = xstrdup("");
    i->opened_ms = k->opened_ms;
    i->gone = i->due = true;
    return 0;
}

static const char alert_key[] = "- ALERT ";

static int see(struct say *s, const char *key, const char *pipeline, const char *class, const char *text,
               const char *hint, struct err *err)
{
    const struct trouble k = {.key = key, .pipeline = pipeline, .class = class, .text = text, .hint = hint};

    return trouble_seen(s->t->store, &k, s->now, err);
}

/* In one transaction, so that two ticks do not take each other's new troubles for gone: what this tick sees, and what is
 * not there any more. */
static int write_down(struct say *s, struct err *err)
{
    int rc = store_begin(s->t->store, err);

    if (rc == 0)
        rc = find_all(s, err);
    if (rc == 0)
        rc = trouble_list(s->t->store, NULL, on_known, s, err);
    for (size_t i = 0; rc == 0 && i < s->findings; i++)
        rc = see(s, s->items[i].key, s->items[i].pipeline, s->items[i].class, s->items[i].text,
                 s->items[i].hint, err);
    if (rc == 0 && s->alarm_broken)
        rc = see(s, alert_key, "", "ALERT", "the last alert could not be delivered", "", err);
    if (rc == 0 && s->t->o->pipeline == NULL) {
        rc = trouble_gone(s->t->store, NULL, s->now, on_gone, s, err);
    } else {
        for (size_t i = 0; rc == 0 && i < s->t->flow_count; i++)
            rc = trouble_gone(s->t->store, s->t->flows[i].p->name, s->now, on_gone, s, err);
    }
    if (rc == 0)
        rc = store_commit(s->t->store, err);
    store_rollback(s->t->store);
    if (s->n > s->findings)
        qsort(s->items + s->findings, s->n - s->findings, sizeof *s->items, by_key);
    return rc;
}

static void where_of(const struct item *i, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s", i->pipeline, i->part[0] != '\0' ? "/" : "", i->part);
}

static bool same_group(const struct item *a, const struct item *b)
{
    return a->gone == b->gone && strcmp(a->pipeline, b->pipeline) == 0 && strcmp(a->class, b->class) == 0;
}

/*
 * Items of one pipeline and class are neighbours. Of many the first few are told one by one, and one line stands for the
 * rest. 0: not told by itself; 1: told; more: told for so many.
 */
static size_t stands_for(const struct say *s, size_t i)
{
    const struct item *it = &s->items[i];
    size_t before = 0, after = 0;

    if (!it->due)
        return 0;
    for (size_t k = i; k-- > 0 && same_group(&s->items[k], it);)
        before += s->items[k].due;
    if (before < SAID_ONE_BY_ONE)
        return 1;
    if (before > SAID_ONE_BY_ONE)
        return 0;
    for (size_t k = i + 1; k < s->n && same_group(&s->items[k], it); k++)
        after += s->items[k].due;
    return after + 1;
}

static void print_items(const struct say *s)
{
    char where[400], text[3200], hint[400];

    for (size_t i = 0; i < s->n; i++) {
        const struct item *it = &s->items[i];
        size_t count = stands_for(s, i);
        if (count == 0)
            continue;
        where_of(it, where, sizeof where);
        snprintf(hint, sizeof hint, "%s", it->hint);
        if (count > 1) {
            snprintf(text, sizeof text, "and %zu more %s", count, it->gone ? "are well again" : it->class);
            snprintf(where, sizeof where, "%s", it->pipeline);
            snprintf(hint, sizeof hint, "orch status %s lists them", it->pipeline);
        } else if (it->gone) {
            snprintf(text, sizeof text, "well again; it was %s: %s", it->class, it->text);
        } else {
            snprintf(text, sizeof text, "%s%s: %s", it->again ? "still " : "", it->class, it->text);
        }
        tick_print(where, text, hint);
    }
}

/* count: troubles of that pipeline and class that this document stands for. */
static json_t *document_of(const struct say *s, const struct item *i, size_t count)
{
    const struct pipeline *p = NULL;
    char opened[CIVIL_RFC3339_SIZE];
    struct err none;

    if (config_pipeline(s->t->config, i->pipeline, &p, &none) < 0)
        p = NULL;
    const char *const texts[][2] = {{"state", i->gone ? "RECOVERED" : "OPEN"},
                                    {"class", i->class},
                                    {"pipeline", i->pipeline},
                                    {"partition", i->part},
                                    {"text", i->text},
                                    {"hint", i->hint},
                                    {"ownerName", p != NULL && p->owner_name != NULL ? p->owner_name : ""},
                                    {"ownerEmail", p != NULL && p->owner_email != NULL ? p->owner_email : ""},
                                    {"opened", civil_rfc3339(i->opened_ms, false, opened)},
                                    {"config", s->t->config->path != NULL ? s->t->config->path : ""}};
    json_t *o = json_object();
    for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
        char clean[4096];
        str_printable(texts[k][1], strlen(texts[k][1]), clean, sizeof clean);
        json_object_set_new(o, texts[k][0], json_string(clean));
    }
    json_object_set_new(o, "again", json_boolean(i->again));
    json_object_set_new(o, "count", json_integer((json_int_t)count));
    return o;
}

/* Each due item to alerts.command. 0, or how it failed: the rest is not tried, a broken alarm costs 30 s once a tick. */
static int send_alerts(struct say *s, struct err *err)
{
    const char *command = s->t->config->alert_command;
    int rc = 0;

    for (size_t i = 0; rc == 0 && command != NULL && i < s->n; i++) {
        size_t count = stands_for(s, i);
        if (count == 0)
            continue;
        json_t *document = document_of(s, &s->items[i], count);
        rc = alert_run(command, document, ALERT_LIMIT_MS, err);
        json_decref(document);
    }
    return rc;
}

/* An alarm that did not ring is a trouble itself; it is well when a later alert was delivered. */
static int on_alarm(void *arg, const struct trouble *k, struct err *err)
{
    UNUSED(arg);
    UNUSED(k);
    UNUSED(err);
    return 0;
}

/* Marks what was said. Not delivered: due again soon, not only after renotify. alert NULL: delivered. */
static int mark(struct say *s, const struct err *alert, struct err *err)
{
    int64_t at = s->now, renotify = s->t->config->renotify_ms;
    int rc = store_begin(s->t->store, err);

    if (alert != NULL && renotify > ALERT_AGAIN_MS)
        at = s->now - renotify + ALERT_AGAIN_MS;
    for (size_t i = 0; rc == 0 && i < s->findings; i++)
        if (s->items[i].due)
            rc = trouble_said(s->t->store, s->items[i].key, at, err);
    if (rc == 0 && alert != NULL)
        rc = see(s, alert_key, "", "ALERT", alert->msg, alert->hint, err);
    if (rc == 0 && alert != NULL)
        rc = trouble_said(s->t->store, alert_key, s->now, err);
    /* A moment later than every row of this tick: the alarm's row is the only one without a pipeline. */
    if (rc == 0 && alert == NULL && s->alarm_broken)
        rc = trouble_gone(s->t->store, "", s->now + 1, on_alarm, NULL, err);
    if (rc == 0)
        rc = store_commit(s->t->store, err);
    store_rollback(s->t->store);
    return rc;
}

static int tell(struct say *s, struct err *err)
{
    struct err alert;

    for (size_t i = 0; i < s->findings; i++)
        if (s->items[i].due)
            s->t->status = exit_worse(s->t->status, s->items[i].exit_status);
    print_items(s);
    int rc = fault_point("tick.said", err);
    if (rc < 0)
        return rc;
    bool broken = send_alerts(s, &alert) < 0;
    if (broken && !s->alarm_broken)
        tick_print("", alert.msg, alert.hint);
    if (broken)
        s->t->status = exit_worse(s->t->status, 1);
    if (!broken && s->alarm_broken)
        tick_print("", "alerts.command is well again", "");
    return mark(s, broken ? &alert : NULL, err);
}

static bool has_due(const struct say *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->items[i].due)
            return true;
    return false;
}

int tick_say(struct tick *t, struct err *err)
{
    struct say s = {.t = t, .now = clock_now_ms()};
    int rc = find_all(&s, err);

    if (rc == 0)
        rc = trouble_list(t->store, NULL, on_known, &s, err);
    /* A tick that has nothing new to say writes nothing. */
    if (rc == 0 && (has_due(&s) || s.write || s.known < s.findings)) {
        rc = write_down(&s, err);
        if (rc == 0 && has_due(&s))
            rc = tell(&s, err);
    }
    forget(&s);
    free(s.items);
    return rc;
}

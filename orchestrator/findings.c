/* What stands badly, read from the state file alone: for tick and status. */
#include "base/civil.h"
#include "base/clock.h"
#include "base/limits.h"
#include "orchestrator/requests.h"
#include "orchestrator/tick.h"
#include "state/exec.h"
#include "state/extraction.h"
#include "state/object.h"
#include "state/pause.h"
#include "state/queue.h"
#include "state/size.h"
#include "state/trouble.h"
#include "steps/extract.h"
#include <stdarg.h>

typedef int finding_fn(void *arg, const struct finding *f, struct err *err);

struct looking {
    const struct pipeline *p;
    finding_fn *fn;
    void *arg;
    int64_t last_id; /* newest execution that has ended; 0: none */
    char last[128], last_error[300], last_cause[1400], running[128];
    bool last_failed, said_by_job, ownerless;
    int64_t refused;
    char refused_part[PART_SIZE], refused_key[200];
    char run[64], run_message[1400]; /* of an extract, said last */
    struct store *store;
    struct { /* REFUSED objects of the partition that is being listed */
        char part[PART_SIZE], key[200];
        int64_t n, newest;
    } here;
};

int exit_worse(int a, int b)
{
    static const int order[] = {3, 4, 5, 1, 6, 75, 10};

    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return a != 0 ? a : b;
}

static int exit_of(const char *error)
{
    int status = err_exit_status(err_by_name(error));

    return status == 2 ? 1 : status; /* usage is for command lines */
}

static bool is_weather(const char *error)
{
    return exit_of(error) == 75;
}

/*
 * A step's error reaches the job as "loans/2022-06-05T12#2: what (hint: what to do)": where it is and what to do have
 * places of their own here.
 */
static void split(const char *where, const char *message, struct finding *f)
{
    size_t n = strlen(where);

    while (strncmp(message, where, n) == 0 && strncmp(message + n, ": ", 2) == 0)
        message += n + 2;
    snprintf(f->text + strlen(f->text), sizeof f->text - strlen(f->text), "%s", message);
    char *hint = strstr(f->text, " (hint: ");
    n = strlen(f->text);
    if (hint == NULL || f->text[n - 1] != ')')
        return;
    f->text[n - 1] = '\0';
    snprintf(f->hint, sizeof f->hint, "%s", hint + strlen(" (hint: "));
    *hint = '\0';
}

/* What to type, after the hint that is there. */
static void PRINTF(2, 3) advise(struct finding *f, const char *fmt, ...)
{
    size_t n = strlen(f->hint);
    va_list ap;

    if (n > 0 && n < sizeof f->hint - 3)
        memcpy(f->hint + n, "; ", 3);
    n = strlen(f->hint);
    va_start(ap, fmt);
    vsnprintf(f->hint + n, sizeof f->hint - n, fmt, ap);
    va_end(ap);
}

static int on_job(void *arg, const struct bad_job *j, struct err *err)
{
    struct looking *l = arg;
    struct finding f = {.class = "FAILED"};
    char part[64], where[300], tried[80] = "";

    if (j->n > 1)
        snprintf(part, sizeof part, "%s#%lld", j->part, (long long)j->n);
    else
        snprintf(part, sizeof part, "%s", j->part);
    f.part = part;
    f.exit_status = exit_of(j->error);
    if (strcmp(j->state, "DEAD") == 0) {
        f.class = "DEAD";
        f.exit_status = 1;
        snprintf(tried, sizeof tried, "given up after %lld attempt%s: ", (long long)j->attempts,
                 j->attempts == 1 ? "" : "s");
    } else if (strcmp(j->state, "MISMATCHED") == 0) {
        f.class = "MISMATCHED";
        f.exit_status = 5;
    } else if (is_weather(j->error)) {
        f.class = "UNAVAILABLE";
    }
    snprintf(f.text, sizeof f.text, "%s", tried);
    snprintf(where, sizeof where, "%s/%s", l->p->name, part);
    split(where,
          j->message[0] != '\0' ? j->message
          : j->error[0] != '\0' ? j->error
                                : "it failed without a word",
          &f);
    if (j->hint[0] != '\0')
        snprintf(f.hint, sizeof f.hint, "%s", j->hint);
    if (strcmp(f.class, "MISMATCHED") == 0)
        advise(&f, "orch diff %s/%s shows the rows; orch replay %s/%s loads it again", l->p->name, j->part,
               l->p->name, j->part);
    else if (strcmp(f.class, "FAILED") == 0 && err_by_name(j->error) == ERR_OBJECT_CHANGED)
        advise(&f, "the next look that finds it at rest (settle) queues what is there now");
    else if (strcmp(f.class, "UNAVAILABLE") == 0)
        advise(&f, "it is tried again by itself");
    else if (strcmp(f.class, "DEAD") == 0)
        advise(&f, "when that is mended: orch retry %s/%s", l->p->name, j->part);
    else
        advise(&f, "%s by itself, or at once by orch retry %s/%s",
               err_retryable(err_by_name(j->error)) ? "it is tried again" : "once that is mended it goes on",
               l->p->name, j->part);
    if (j->execution_id != 0 && j->execution_id == l->last_id)
        l->said_by_job = true;
    return l->fn(l->arg, &f, err);
}

/* What is in the way is ours: the files are there, and the pipeline's csv would read them as something else. */
static bool by_own_csv(const char *reason)
{
    static const char *const said[] = {"csv.delimiter is", "csv.quote, escape", "csv.header is",
                                       "csv.null must", "csv.binary must"};

    for (size_t i = 0; i < ARRAY_LEN(said); i++)
        if (strstr(reason, said[i]) != NULL)
            return true;
    return false;
}

static int on_late(void *arg, const char *part, int64_t since_ms, const char *reason, struct err *err)
{
    struct looking *l = arg;
    struct finding f = {.class = "LATE", .part = part, .exit_status = 6};
    char since[CIVIL_RFC3339_SIZE];
    int64_t start;

    /* A first tick finds hours that are late for days: since when they are is not since when orch knows it. */
    if (part_parse(l->p->period, part, &start, err) == 0 &&
        start + period_ms(l->p->period) + l->p->settle_ms + l->p->late_after_ms < since_ms)
        since_ms = start + period_ms(l->p->period) + l->p->settle_ms + l->p->late_after_ms;
    bool held = strstr(reason, "manifest") != NULL;
    snprintf(f.text, sizeof f.text, "%s; late since %s", held ? reason : "no object has come",
             civil_rfc3339(since_ms, false, since));
    if (held && by_own_csv(reason)) {
        snprintf(f.hint, sizeof f.hint,
                 "mend it in orch.json, pipeline %s: the next tick loads what is there", l->p->name);
        return l->fn(l->arg, &f, err);
    }
    snprintf(f.hint, sizeof f.hint,
             held ? "look after the extract that writes it; what is not to be loaded at all: orch skip %s/%s "
                    "--reason '...'"
                  : "ask whoever delivers it; if it will not come: orch skip %s/%s --reason '...'",
             l->p->name, part);
    return l->fn(l->arg, &f, err);
}

/* Those of one partition are acknowledged together: by the newest of them. */
static int close_refused(struct looking *l, struct err *err)
{
    char subject[32];
    int rc = 0;

    snprintf(subject, sizeof subject, "%lld", (long long)l->here.newest);
    if (l->here.n > 0)
        rc = ack_covers(l->store, l->p->name, l->here.part, "REFUSED", subject, err);
    if (rc == 0 && l->here.n > 0 && l->refused == 0) {
        memcpy(l->refused_part, l->here.part, sizeof l->refused_part);
        memcpy(l->refused_key, l->here.key, sizeof l->refused_key);
    }
    if (rc == 0)
        l->refused += l->here.n;
    l->here.n = 0;
    return rc < 0 ? rc : 0;
}

static int on_refused(void *arg, const struct object_row *o, struct err *err)
{
    struct looking *l = arg;
    int rc = 0;

    if (l->here.n > 0 && strcmp(l->here.part, o->part) != 0)
        rc = close_refused(l, err);
    if (l->here.n++ == 0) {
        l->here.newest = 0;
        snprintf(l->here.part, sizeof l->here.part, "%s", o->part);
        str_printable(o->key, strlen(o->key), l->here.key, sizeof l->here.key);
    }
    if (o->id > l->here.newest)
        l->here.newest = o->id;
    return rc;
}

/* 1: what came to it came after a person adopted it. */
static int is_adopted(struct looking *l, const char *part, struct err *err)
{
    struct partition_row row = {0};
    int rc = partition_get(l->store, l->p->name, part, &row, err);

    if (rc > 0)
        rc = strcmp(row.state, "ADOPTED") == 0;
    partition_row_release(&row);
    return rc;
}

static int say_late_for_adopted(struct looking *l, struct finding *f, struct err *err)
{
    const char *name = l->p->name, *part = l->refused_part;

    if (l->refused == 1)
        snprintf(f->text, sizeof f->text, "%s came after the hour was adopted, and is not loaded",
                 l->refused_key);
    else
        snprintf(
            f->text, sizeof f->text,
            "%lld objects came after their hours were adopted or loaded, and are not loaded; the first is %s",
            (long long)l->refused, l->refused_key);
    snprintf(f->hint, sizeof f->hint,
             "orch ack %s/%s --reason '...' lets it stand; orch adopt %s --from %s --until %s --undo has the "
             "whole hour loaded",
             name, part, name, part, part);
    return l->fn(l->arg, f, err);
}

static int say_refused(struct looking *l, struct err *err)
{
    struct finding f = {.class = "REFUSED", .part = l->refused_part, .exit_status = 1};

    int rc = close_refused(l, err);

    if (rc < 0 || l->refused == 0)
        return rc;
    rc = is_adopted(l, l->refused_part, err);
    if (rc != 0)
        return rc < 0 ? rc : say_late_for_adopted(l, &f, err);
    if (l->refused == 1)
        snprintf(f.text, sizeof f.text,
                 "%s was overwritten after it was loaded, and is not to be loaded again", l->refused_key);
    else
        snprintf(f.text, sizeof f.text,
                 "%lld objects were overwritten after they were loaded, and are not to be loaded again; the "
                 "first is %s",
                 (long long)l->refused, l->refused_key);
    snprintf(f.hint, sizeof f.hint,
             "orch replay %s/%s loads what is there now; orch ack %s/%s --reason '...' lets it stand",
             l->p->name, l->refused_part, l->p->name, l->refused_part);
    return l->fn(l->arg, &f, err);
}

/* Newest first: the one that runs, and the newest that has ended. */
static int on_execution(void *arg, const struct execution *x, struct err *err)
{
    struct looking *l = arg;

    UNUSED(err);
    if (strcmp(x->status, "RUNNING") == 0) {
        l->ownerless = l->ownerless || (x->claim_lock != NULL &&
                                        (strcmp(x->claim_boot_id, clock_boot_id()) != 0 ||
                                         clock_boot_ms() >= x->claim_lease_boot_ms + x->claim_lease_ms));
        if (l->ownerless)
            snprintf(l->running, sizeof l->running, "%s", x->name);
        return 0;
    }
    if (l->last_id != 0)
        return 0;
    l->last_id = x->id;
    l->last_failed = strcmp(x->status, "FAILED") == 0 || strcmp(x->status, "TIMED_OUT") == 0;
    snprintf(l->last, sizeof l->last, "%s", x->name);
    snprintf(l->last_error, sizeof l->last_error, "%s",
             x->error != NULL                      ? x->error
             : strcmp(x->status, "TIMED_OUT") == 0 ? "States.Timeout"
                                                   : "");
    snprintf(l->last_cause, sizeof l->last_cause, "%s", x->cause != NULL ? x->cause : "");
    return 0;
}

static int say_stuck(struct looking *l, struct err *err)
{
    struct finding f = {.class = "STUCK", .part = "", .exit_status = 1};

    if (!l->ownerless)
        return 0;
    snprintf(f.text, sizeof f.text,
             "execution %s runs, but its owner is gone or silent since its lease is over", l->running);
    snprintf(f.hint, sizeof f.hint, "the next orch tick takes it over; is cron running it?");
    return l->fn(l->arg, &f, err);
}

/* The newest run failed before it came to a job, or without a job's word on it. */
static int say_last(struct looking *l, struct err *err)
{
    enum err_code code = err_by_name(l->last_error);
    struct finding f = {.class = "FAILED", .part = "", .exit_status = exit_of(l->last_error)};

    if (!l->last_failed || l->said_by_job)
        return 0;
    if (f.exit_status == 75)
        f.class = "UNAVAILABLE";
    else if (f.exit_status == 3 || f.exit_status == 4)
        f.class = "REFUSED";
    if (l->last_cause[0] != '\0')
        split(l->p->name, l->last_cause, &f);
    else
        snprintf(f.text, sizeof f.text, "the last run failed: %s",
                 l->last_error[0] != '\0' ? l->last_error : "no reason");
    if (f.exit_status == 75)
        advise(&f, "it is tried again by itself; orch doctor checks the connections");
    else if (f.hint[0] == '\0' && code == ERR_TARGET_SETUP)
        advise(&f, "orch target setup, then orch run %s", l->p->name);
    else if (f.hint[0] == '\0')
        advise(&f, "%s %s",
               f.exit_status == 4 ? "orch doctor tells what it needs; orch history" : "orch history",
               l->last);
    return l->fn(l->arg, &f, err);
}

/* 1234567 as "1,234,567". */
static int on_small(void *arg, const struct size_verdict *v, struct err *err)
{
    struct looking *l = arg;
    struct finding f = {.class = "SMALL", .part = v->part, .exit_status = 6};
    char rows[STR_GROUPED], usual[STR_GROUPED];

    snprintf(f.text, sizeof f.text, "%s row%s; its like have %s (median of %lld)", str_grouped(v->rows, rows),
             v->rows == 1 ? "" : "s", str_grouped(v->usual, usual), (long long)v->likes);
    snprintf(f.hint, sizeof f.hint,
             "ask whoever delivers it; when it is right: orch ack %s/%s --reason '...'", l->p->name, v->part);
    return l->fn(l->arg, &f, err);
}

enum { PAUSE_FORGOTTEN_MS = 86400000 };

/* A person has paused it, and knows: told only when it may have been forgotten. No exit status comes of it. */
static int say_paused(struct looking *l, int64_t now_ms, struct err *err)
{
    struct finding f = {.class = "PAUSED", .part = ""};
    char since[CIVIL_RFC3339_SIZE];
    struct pause p;
    int rc = pause_get(l->store, l->p->name, &p, err);

    if (rc <= 0 || now_ms - p.since_ms < PAUSE_FORGOTTEN_MS)
        return rc < 0 ? rc : 0;
    snprintf(f.text, sizeof f.text, "nothing is loaded: paused since %s by %s: %s",
             civil_rfc3339(p.since_ms, false, since), p.who, p.reason);
    snprintf(f.hint, sizeof f.hint, "orch resume %s", l->p->name);
    return l->fn(l->arg, &f, err);
}

/* --- extracts --- */

static int on_bad_extraction(void *arg, const struct extraction *e, struct err *err)
{
    struct looking *l = arg;
    struct finding f = {.class = "FAILED", .part = e->name, .exit_status = exit_of(e->error)};
    bool dead = strcmp(e->state, "DEAD") == 0;

    if (strcmp(l->run, e->run) == 0 && strcmp(l->run_message, e->message) == 0)
        return 0; /* what ended a run is told of its first table */
    snprintf(l->run, sizeof l->run, "%s", e->run);
    snprintf(l->run_message, sizeof l->run_message, "%s", e->message);
    if (dead)
        f = (struct finding){.class = "DEAD", .part = e->name, .exit_status = 1};
    else if (err_by_name(e->error) == ERR_MISMATCH)
        f.class = "MISMATCHED";
    else if (is_weather(e->error))
        f.class = "UNAVAILABLE";
    if (dead)
        snprintf(f.text, sizeof f.text, "given up after %lld attempt%s: ", (long long)e->attempts,
                 e->attempts == 1 ? "" : "s");
    split(l->p->name,
          e->message[0] != '\0' ? e->message
          : e->error[0] != '\0' ? e->error
                                : "it failed without a word",
          &f);
    if (e->hint[0] != '\0')
        snprintf(f.hint, sizeof f.hint, "%s", e->hint);
    if (strcmp(f.class, "UNAVAILABLE") == 0)
        advise(&f, "it is tried again by itself");
    else if (dead)
        advise(&f, "when that is mended: orch %s %s", e->seq >= 0 ? "extract" : "retry", l->p->name);
    else
        advise(&f, "it is tried again by itself, or at once by orch extract %s", l->p->name);
    if (e->execution_id != 0 && e->execution_id == l->last_id)
        l->said_by_job = true;
    return l->fn(l->arg, &f, err);
}

/* The newest window of each table; rows come newest first. */
struct windows {
    struct looking *l;
    int64_t now_ms;
    bool seen[MAX_TOKEN_SET];
};

static int on_window(void *arg, const struct extraction *e, struct err *err)
{
    struct windows *w = arg;
    const struct pipeline *p = w->l->p;
    const struct extract *x = p->extract;
    struct finding f = {.class = "LATE", .part = e->name, .exit_status = 6};
    int64_t to = 0, day = 0;
    size_t i = 0;

    while (i < x->table_count && strcmp(x->tables[i].name, e->name) != 0)
        i++;
    if (i >= x->table_count || i >= MAX_TOKEN_SET || w->seen[i] || strcmp(e->kind, "INCREMENTAL") != 0 ||
        strcmp(e->state, "PUBLISHED") != 0)
        return 0;
    w->seen[i] = true;
    if (e->to == NULL || extract_moment(e->to, &to) < 0)
        return 0;
    if (str_ends(e->to, " 00:00:00")) /* windows of dates end at midnight */
        day = 86400000;
    if (w->now_ms - to <= p->late_after_ms + x->lag_ms + day)
        return 0;
    snprintf(f.text, sizeof f.text, "nothing newer than %s UTC was taken%s%s", e->to,
             e->notice[0] != '\0' ? "; " : "", e->notice);
    snprintf(f.hint, sizeof f.hint, "is cron running orch tick? orch extract %s takes what is there",
             p->name);
    return w->l->fn(w->l->arg, &f, err);
}

static int of_extract(struct looking *l, int64_t now_ms, struct err *err)
{
    struct windows w = {.l = l, .now_ms = now_ms};
    int rc = extraction_bad(l->store, l->p->name, on_bad_extraction, l, err);

    if (rc == 0 && l->p->schedule[0] != '\0')
        rc = extraction_newest(l->store, l->p->name, 4 * (int64_t)l->p->extract->table_count + 20, on_window,
                               &w, err);
    if (rc == 0)
        rc = say_stuck(l, err);
    if (rc == 0)
        rc = say_last(l, err);
    if (rc == 0)
        rc = say_paused(l, now_ms, err);
    return rc < 0 ? rc : requests_findings(l->store, l->p->name, l->fn, l->arg, err);
}

int findings_of(struct store *s, const struct pipeline *p, int64_t now_ms, finding_fn *fn, void *arg,
                struct err *err)
{
    struct looking l = {.p = p, .fn = fn, .arg = arg, .store = s};

    int rc = exec_list(s, p->name, NULL, 3, on_execution, &l, err);
    if (rc == 0 && p->extract != NULL)
        return of_extract(&l, now_ms, err) < 0 ? -(int)err->code : 0;
    if (rc == 0)
        rc = trouble_jobs(s, p->name, on_job, &l, err);
    if (rc == 0)
        rc = trouble_late(s, p->name, on_late, &l, err);
    if (rc == 0)
        rc = object_list_refused(s, p->name, on_refused, &l, err);
    if (rc == 0)
        rc = say_refused(&l, err);
    if (rc == 0 && p->small_weeks > 0)
        rc = size_small(s, p->name, on_small, &l, err);
    if (rc == 0)
        rc = say_stuck(&l, err);
    if (rc == 0)
        rc = say_last(&l, err);
    if (rc == 0)
        rc = say_paused(&l, now_ms, err);
    if (rc == 0)
        rc = requests_findings(s, p->name, fn, arg, err);
    return rc < 0 ? rc : 0;
}

/* --- of no pipeline --- */

struct telling {
    finding_fn *fn;
    void *arg;
};

static int on_own(void *arg, const struct execution *x, struct err *err)
{
    enum { TYPED = 80 };
    struct telling *t = arg;
    struct finding f = {.class = "FAILED", .part = x->name, .exit_status = 1};
    const char *error = x->error != NULL                      ? x->error
                        : strcmp(x->status, "TIMED_OUT") == 0 ? "States.Timeout"
                                                              : "no reason";
    char word[TYPED + 1];
    struct err none;
    int64_t number;

    snprintf(f.text, sizeof f.text, "%s%s%s", error, x->cause != NULL && x->cause[0] != '\0' ? ": " : "",
             x->cause != NULL ? x->cause : "");
    /* A name that is a number would be taken for an id; a long one leaves no room for what to type. */
    if (strlen(x->name) > TYPED || str_to_i64(str_of(x->name), 0, INT64_MAX, &number, &none) == 0)
        snprintf(word, sizeof word, "%lld", (long long)x->id);
    else
        snprintf(word, sizeof word, "%s", x->name);
    snprintf(
        f.hint, sizeof f.hint,
        "orch history %s --failed; when that is mended: orch redrive %s; orch ack %s --reason '...' lets it "
        "stand",
        word, word, word);
    return t->fn(t->arg, &f, err);
}

int findings_of_none(struct store *s, finding_fn *fn, void *arg, struct err *err)
{
    enum { MOST = 20 };
    struct telling t = {fn, arg};
    int rc = requests_findings(s, "", fn, arg, err);

    return rc < 0 ? rc : exec_own_failing(s, MOST, on_own, &t, err);
}

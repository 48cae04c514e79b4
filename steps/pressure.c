#include "steps/pressure.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_replica.h"
#include "state/notice.h"

enum {
    ASK_MS = 3000,       /* of a replica that keeps up */
    ASK_AGAIN_MS = 1000, /* while it is waited for */
    SAY_MS = 10000,      /* a sign of life in the state file */
    LEAST_PATIENCE_MS = 5000,
    MOST_PATIENCE_MS = 300000,
};
static const char waits[] = "waits";

struct pressure {
    struct step_ctx *c;
    char part[64];
    struct throttle rate;
    struct target_config *configs; /* owned, one per replica: with our beat */
    struct target **replicas;      /* owned; NULL until asked */
    int64_t asked_ms;              /* -1: never */
    int64_t unknown_ms;            /* since when one does not know; -1: all do */
    int64_t said_ms;
    char said[400]; /* "": nothing stands */
    atomic_bool hold;
};

static int say(struct pressure *p, const char *text, struct err *err);

struct pressure *pressure_new(struct step_ctx *c, const char *part)
{
    const struct pipeline *k = c->pipeline;
    struct pressure *p = xcalloc(1, sizeof *p);

    p->c = c;
    snprintf(p->part, sizeof p->part, "%s", part);
    p->rate = k->max_rate;
    p->rate.last_ms = -1;
    p->asked_ms = p->unknown_ms = -1;
    p->configs = xcalloc(k->replica_count + 1, sizeof *p->configs);
    p->replicas = xcalloc(k->replica_count + 1, sizeof(struct target *));
    for (size_t i = 0; i < k->replica_count; i++) {
        p->configs[i] = k->replicas[i].config;
        p->configs[i].beat = &c->beat;
    }
    return p;
}

void pressure_free(struct pressure *p)
{
    struct err ignored; /* whoever took over says it himself */

    if (p == NULL)
        return;
    err_ignore(say(p, NULL, &ignored));
    for (size_t i = 0; i < p->c->pipeline->replica_count; i++)
        target_close(p->replicas[i]);
    free(p->replicas);
    free(p->configs);
    free(p);
}

enum verdict { KEEPS_UP, BEHIND, UNKNOWN };

/* What ends us is no answer of a replica; what it cannot tell is its own trouble. */
static int ask(struct pressure *p, size_t i, enum verdict *ret, char text[400], struct err *err)
{
    const struct pipeline *k = p->c->pipeline;
    const char *name = k->replicas[i].name;
    char why[REPLICA_WHY] = "";
    struct err e;
    int64_t behind_s = 0;
    int rc = 0;

    if (p->replicas[i] == NULL)
        rc = target_open(&p->configs[i], &p->replicas[i], &e);
    if (rc < 0)
        p->replicas[i] = NULL;
    else
        rc = target_replica_lag(p->replicas[i], &behind_s, why, &e);
    if (rc < 0) {
        int stopped = beat(&p->c->beat, err);
        if (stopped < 0)
            return stopped;
        snprintf(text, 400, "for replica %.60s, which cannot be asked: %.250s", name, e.msg);
        *ret = UNKNOWN;
    } else if (rc == 0) {
        snprintf(text, 400, "for replica %.60s: how far it is behind is not known, %.250s", name, why);
        *ret = UNKNOWN;
    } else if (behind_s * 1000 > k->max_lag_ms) {
        snprintf(text, 400, "for replica %.60s, which is more than %lld s behind", name,
                 (long long)(k->max_lag_ms / 1000));
        *ret = BEHIND;
    } else {
        *ret = KEEPS_UP;
    }
    return 0;
}

/* The worst of all: one that knows nothing is worse than one that is behind. */
static int ask_all(struct pressure *p, enum verdict *ret, char text[400], struct err *err)
{
    *ret = KEEPS_UP;
    for (size_t i = 0; i < p->c->pipeline->replica_count; i++) {
        enum verdict one;
        char words[400];
        int rc = ask(p, i, &one, words, err);
        if (rc < 0)
            return rc;
        if (one > *ret) {
            *ret = one;
            memcpy(text, words, sizeof words);
        }
    }
    p->asked_ms = clock_mono_ms();
    return 0;
}

/* text NULL: nothing is waited for any more. */
static int say(struct pressure *p, const char *text, struct err *err)
{
    struct step_ctx *c = p->c;
    const struct notice n = {c->pipeline->name, p->part, waits, text};
    int64_t now = clock_mono_ms();

    if (c->store == NULL)
        return 0;
    if (text == NULL) {
        bool stands = p->said[0] != '\0';
        p->said[0] = '\0';
        return stands ? notice_end(c->store, c->token, c->pipeline->name, waits, clock_now_ms(), err) : 0;
    }
    if (strcmp(text, p->said) == 0 && now - p->said_ms < SAY_MS)
        return 0;
    snprintf(p->said, sizeof p->said, "%s", text);
    p->said_ms = now;
    return notice_goes_on(c->store, c->token, &n, clock_now_ms(), err);
}

/* How long one that knows nothing is waited for. */
static int patience(struct pressure *p, const char *text, struct err *err)
{
    int64_t ms = 2 * p->c->pipeline->max_lag_ms, now = clock_mono_ms();

    ms = ms < LEAST_PATIENCE_MS ? LEAST_PATIENCE_MS : ms > MOST_PATIENCE_MS ? MOST_PATIENCE_MS : ms;
    if (p->unknown_ms < 0)
        p->unknown_ms = now;
    if (now - p->unknown_ms <= ms)
        return 0;
    err_set(err, ERR_TRANSIENT, "waited in vain %s", text);
    return err_hint(err, "mend replication, or take it out of target.replicas");
}

int pressure_poll(struct pressure *p, struct err *err)
{
    int64_t each = p->hold ? ASK_AGAIN_MS : ASK_MS;
    char text[400] = "";
    enum verdict v;

    if (p->c->pipeline->replica_count == 0 || (p->asked_ms >= 0 && clock_mono_ms() - p->asked_ms < each))
        return 0;
    int rc = ask_all(p, &v, text, err);
    if (rc < 0)
        return rc;
    p->hold = v != KEEPS_UP;
    if (v != UNKNOWN)
        p->unknown_ms = -1;
    rc = say(p, v == KEEPS_UP ? NULL : text, err);
    return rc == 0 && v == UNKNOWN ? patience(p, text, err) : rc;
}

static int beat_and_poll(void *arg, struct err *err)
{
    struct pressure *p = arg;
    int rc = beat(&p->c->beat, err);

    return rc < 0 ? rc : pressure_poll(p, err);
}

struct beat pressure_beat(struct pressure *p)
{
    return (struct beat){beat_and_poll, p};
}

struct throttle *pressure_rate(struct pressure *p)
{
    return throttle_is_on(&p->rate) ? &p->rate : NULL;
}

const atomic_bool *pressure_hold(struct pressure *p)
{
    return p->c->pipeline->replica_count > 0 ? &p->hold : NULL;
}

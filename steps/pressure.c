#include "steps/pressure.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_replica.h"
#include "state/notice.h"

enum {
    ASK_MS = 3000,       /* of a replica that keeps up */
    ASK_AGAIN_MS = 1000, /* while it is waited for */
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
    bool waiting;
};

struct pressure *pressure_new(struct step_ctx *c, const char *part)
{
    const struct pipeline *k = c->pipeline;
    struct pressure *p = xcalloc(1, sizeof *p);

    p->c = c;
    snprintf(p->part, sizeof p->part, "%s", part);
    p->rate = k->max_rate;
    p->rate.last_ms = -1;
    p->asked_ms = -1;
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
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->c->pipeline->replica_count; i++)
        target_close(p->replicas[i]);
    free(p->replicas);
    free(p->configs);
    free(p);
}

int pressure_take(struct pressure *p, int64_t bytes, int64_t rows, struct err *err)
{
    if (!throttle_is_on(&p->rate))
        return 0;
    return throttle_sleep(throttle_take(&p->rate, bytes, rows, clock_mono_ms()), &p->c->beat, err);
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

static int say(struct pressure *p, const char *text, struct err *err)
{
    struct step_ctx *c = p->c;
    const struct notice n = {c->pipeline->name, p->part, waits, text};

    if (c->store == NULL)
        return 0;
    if (text != NULL) {
        p->waiting = true;
        return notice_goes_on(c->store, c->token, &n, clock_now_ms(), err);
    }
    if (!p->waiting)
        return 0;
    p->waiting = false;
    return notice_end(c->store, c->token, c->pipeline->name, waits, clock_now_ms(), err);
}

int pressure_wait(struct pressure *p, struct err *err)
{
    const struct pipeline *k = p->c->pipeline;
    int64_t patience = 2 * k->max_lag_ms, since = -1;
    char text[400] = "";
    int rc = 0;

    if (k->replica_count == 0 || (p->asked_ms >= 0 && clock_mono_ms() - p->asked_ms < ASK_MS))
        return 0;
    patience = patience < LEAST_PATIENCE_MS ? LEAST_PATIENCE_MS : patience;
    patience = patience > MOST_PATIENCE_MS ? MOST_PATIENCE_MS : patience;
    while (rc == 0) {
        enum verdict v;
        rc = ask_all(p, &v, text, err);
        if (rc < 0 || v == KEEPS_UP)
            break;
        rc = say(p, text, err);
        if (v == BEHIND)
            since = -1;
        else if (since < 0)
            since = clock_mono_ms();
        else if (rc == 0 && clock_mono_ms() - since > patience) {
            err_set(err, ERR_TRANSIENT, "waited in vain %s", text);
            rc = err_hint(err, "mend replication, or take it out of target.replicas");
        }
        if (rc == 0)
            rc = throttle_sleep(ASK_AGAIN_MS, &p->c->beat, err);
    }
    struct err ended;
    int said = say(p, NULL, &ended);
    if (rc == 0 && said < 0) {
        *err = ended;
        rc = said;
    }
    return rc;
}

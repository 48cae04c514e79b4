#include "base/clock.h"
#include "base/fault.h"
#include "orchestrator/cmd_exec.h"
#include "state/pause.h"
#include "state/request.h"

static const char *reason;
static bool dry_run;
static const struct opt opts[] = {
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "why it is right as it is; kept"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "say what would be acknowledged"},
    {0},
};

/* What may be let stand, and what its subject is called. */
static const struct {
    const char *class, *what;
} known[] = {
    {"SMALL", "rows"},
    {"REFUSED", "the newest object that is not loaded, number"},
};

/* 1 acknowledged now, 2 it was, 0 there is no such trouble. */
static int one(struct cli *c, const struct pipeline *p, const char *part, size_t i, struct err *err)
{
    const char *class = known[i].class;
    char subject[ACK_SUBJECT_SIZE], who[200];
    int rc = ack_subject(c->store, p->name, part, class, subject, err);

    if (rc <= 0)
        return rc;
    rc = ack_covers(c->store, p->name, part, class, subject, err);
    if (rc == 0 && !dry_run)
        rc = ack_put(c->store, p->name, part, class, subject, cli_who(who, sizeof who), reason,
                     clock_now_ms(), err) < 0
                 ? -(int)err->code
                 : 0;
    if (rc < 0)
        return rc;
    printf("%s/%s: %s (%s %s) %s\n", p->name, part, class, known[i].what, subject,
           rc > 0    ? "is acknowledged already"
           : dry_run ? "would be acknowledged"
                     : "is acknowledged, until it changes");
    return rc > 0 ? 2 : 1;
}

/* "request/12": what was asked for over HTTP, and failed. */
static int of_request(struct cli *c, const char *number, struct err *err)
{
    struct request r = {0};
    char who[200];
    int64_t id;

    if (reason == NULL || *reason == '\0')
        return err_set(err, ERR_USAGE, "ack: --reason is needed: somebody will ask why it is right");
    if (str_to_i64(str_of(number), 1, INT64_MAX, &id, err) < 0)
        return err_set(err, ERR_USAGE, "request/%.40s: a request has a number", number);
    int rc = cli_store(c, STORE_OPEN, err);
    if (rc == 0)
        rc = request_get(c->store, id, &r, err);
    bool open = rc == 0 && strcmp(r.state, "FAILED") == 0 && r.acked_ms == 0;
    if (open && !dry_run)
        rc = request_ack(c->store, id, cli_who(who, sizeof who), reason, clock_now_ms(), err);
    if (rc >= 0 && !open) {
        err_set(err, ERR_NOT_FOUND, "request %lld has nothing to acknowledge: it is %s%s", (long long)id,
                r.state, r.acked_ms != 0 ? ", and acknowledged already" : "");
        rc = err_hint(err, "orch status");
    } else if (rc >= 0) {
        printf("request %lld %s\n", (long long)id, dry_run ? "would be acknowledged" : "is acknowledged");
    }
    request_release(&r);
    return rc < 0 ? rc : 0;
}

/* An execution of a definition of its own that failed; redriven and failed again it is told again. */
static int of_execution(struct cli *c, const char *word, struct err *err)
{
    struct execution x = {0};
    char subject[64], who[200];

    if (reason == NULL || *reason == '\0')
        return err_set(err, ERR_USAGE, "ack: --reason is needed: somebody will ask why it is right");
    int rc = exec_find(c, STORE_OPEN, word, &x, err);
    if (rc < 0)
        return rc;
    snprintf(subject, sizeof subject, "%lld.%lld", (long long)x.id, (long long)x.redrive_count);
    if (!x.own || (strcmp(x.status, "FAILED") != 0 && strcmp(x.status, "TIMED_OUT") != 0)) {
        rc = err_set(err, ERR_NOT_FOUND, "execution %s has nothing to acknowledge: it is %s", x.name,
                     x.own ? x.status : "a pipeline's, whose partitions are acknowledged");
        rc = err_hint(err, "orch status");
        goto out;
    }
    rc = ack_covers(c->store, "", x.name, "FAILED", subject, err);
    bool known_already = rc > 0;
    if (rc == 0 && !dry_run)
        rc = ack_put(c->store, "", x.name, "FAILED", subject, cli_who(who, sizeof who), reason,
                     clock_now_ms(), err);
    if (rc >= 0)
        printf("execution %s %s\n", x.name,
               known_already ? "is acknowledged already"
               : dry_run     ? "would be acknowledged"
                             : "is acknowledged, until it is redriven");
out:
    execution_release(&x);
    return rc < 0 ? rc : 0;
}

static int run(struct cli *c, struct err *err)
{
    const char *word = c->args.items[0];
    const struct pipeline *flow;
    struct err none;

    if (str_starts(word, "request/"))
        return of_request(c, word + 8, err);
    if (strchr(word, '/') == NULL) {
        if (cli_config(c, err) < 0)
            return -(int)err->code;
        if (config_flow(c->config, word, &flow, &none) < 0)
            return of_execution(c, word, err);
    }
    const struct pipeline *p = NULL;
    char part[PART_SIZE];
    bool any = false;
    int rc = cli_partition(c, c->args.items[0], &p, part, err);

    if (rc == 0 && (reason == NULL || *reason == '\0'))
        rc = err_set(err, ERR_USAGE, "ack: --reason is needed: somebody will ask why it is right");
    if (rc == 0)
        rc = cli_store(c, STORE_OPEN, err);
    for (size_t i = 0; rc >= 0 && i < sizeof known / sizeof *known; i++) {
        rc = one(c, p, part, i, err);
        any |= rc > 0;
    }
    if (rc >= 0 && !any) {
        err_set(err, ERR_NOT_FOUND,
                "%s/%s has nothing to acknowledge: it is not SMALL, and no object of it is "
                "REFUSED",
                p->name, part);
        rc = err_hint(err, "orch status %s/%s", p->name, part);
    }
    return rc < 0 ? rc : 0;
}

const struct command cmd_ack = {
    "ack",
    "PIPELINE/PARTITION | EXECUTION | request/NUMBER",
    "Lets stand what is known: a partition that is small or has an object not loaded; what failed for good.",
    "For SMALL (far fewer rows than its like) and REFUSED (an object that came again, or too late, and is "
    "not to\n"
    "be loaded). It holds for what is there now: with other rows, or another object, it is told again.\n"
    "A request (orch serve) is let stand for good, an execution of a definition of your own until it is "
    "redriven.\n\n"
    "  orch ack loans/2022-06-05T12 --reason 'the bank was closed after noon'\n",
    opts,
    1,
    1,
    run,
};

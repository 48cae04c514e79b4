#include "base/clock.h"
#include "orchestrator/alerts.h"
#include "orchestrator/cmd.h"
#include "orchestrator/plan.h"
#include "orchestrator/tick.h"
#include <unistd.h>

static bool dry_run, fail_if_locked;
static const struct opt opts[] = {
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "list and say what would be queued; change nothing"},
    {"fail-if-locked", 0, OPT_FLAG, &fail_if_locked, NULL,
     "exit 10 when another tick holds all there is to do"},
    {0},
};

/* A person at a terminal must not take "not yet its time" for "nothing to do". Cron has no terminal. */
static int say_next_looks(struct cli *c, struct err *err)
{
    int64_t now = clock_now_ms(), next;
    char when[CLI_TIME_SIZE];
    int rc = 0;

    if (!isatty(STDERR_FILENO))
        return 0;
    for (size_t i = 0; rc >= 0 && i < c->config->pipeline_count + c->config->extract_count; i++) {
        const struct pipeline *p = i < c->config->pipeline_count
                                       ? &c->config->pipelines[i]
                                       : &c->config->extracts[i - c->config->pipeline_count];
        if (p->schedule[0] == '\0') /* by hand alone */
            continue;
        rc = cli_next_look(c->store, p, now, &next, err);
        if (rc == 1 && next > now)
            cli_say("%s: its schedule looks again at %s; orch run %s looks at once", p->name,
                    cli_time(next, when), p->name);
    }
    return rc < 0 ? rc : 0;
}

static int work(struct cli *c, struct err *err)
{
    struct tick_options o = {.fail_if_locked = fail_if_locked, .linger_ms = -1};

    store_takeover(true); /* of whoever stands still while the file is opened, too */
    int rc = cli_store(c, STORE_CREATE, err);
    if (rc == 0)
        rc = say_next_looks(c, err);
    return rc < 0 ? rc : tick_run(c->config, c->store, &o, err);
}

/* The sign of life goes round all of it: a state file that cannot be opened is heard of too. It never fails the tick;
 * orch status shows when it does not arrive. */
static int with_ping(struct cli *c, struct err *err)
{
    struct err failure = {0}, ignored;
    char rid[40], what[16], body[1500] = "";
    bool missed = false;

    ping_run_id(rid);
    if (c->config->ping.start)
        missed = ping_send(c->config, "start", rid, "", &failure) < 0;
    int rc = work(c, err);
    snprintf(what, sizeof what, "%d", rc < 0 ? err_exit_status(err->code) : rc);
    if (rc < 0)
        snprintf(body, sizeof body, "%s\n", err->msg);
    else if (rc > 0)
        snprintf(body, sizeof body, "orch tick ended with %d; orch status tells\n", rc);
    missed = ping_send(c->config, what, rid, body, &failure) < 0 || missed;
    /* Who was stopped by a signal sends no ping, and that is not the server's fault. */
    if (c->store != NULL && failure.code != ERR_CANCELLED)
        err_ignore(ping_note(c->store, missed ? &failure : NULL, clock_now_ms(), &ignored));
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    int rc = cli_config(c, err);

    if (rc < 0)
        return rc;
    cli_signals();
    if (dry_run) {
        rc = cli_store(c, STORE_CREATE, err);
        if (rc == 0)
            rc = plan_run(c, &(struct plan_ask){.look = true}, err);
        for (size_t i = 0; rc >= 0 && i < c->config->extract_count; i++)
            cli_say("%s: orch extract %s --dry-run tells what it would take", c->config->extracts[i].name,
                    c->config->extracts[i].name);
        return rc;
    }
    return c->config->ping.url != NULL ? with_ping(c, err) : work(c, err);
}

const struct command cmd_tick = {
    "tick",
    "",
    "One pass over all pipelines and extracts: what is due is loaded or taken, and checked. What cron runs.",
    "Prints nothing when all is well; a trouble is said once, again after alerts.renotify, and its end "
    "once.\n"
    "Ticks may overlap, may be killed at any moment, and may be missed: the next one goes on.\n\n"
    "  */5 * * * * orch -c /etc/orch/orch.json tick     (orch cron print writes the line)\n"
    "  orch tick --dry-run\n",
    opts,
    0,
    0,
    run,
};

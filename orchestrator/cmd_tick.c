#include "base/clock.h"
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

static int dry(struct cli *c, struct err *err)
{
    json_t *all = json_array();
    int rc = 0;

    for (size_t i = 0; i < c->config->pipeline_count && rc == 0; i++)
        rc = plan_add(c, &c->config->pipelines[i], all, err);
    if (rc == 0)
        plan_print(c, all);
    json_decref(all);
    return rc;
}

/* A person at a terminal must not take "not yet its time" for "nothing to do". Cron has no terminal. */
static int say_next_looks(struct cli *c, struct err *err)
{
    int64_t now = clock_now_ms(), next;
    char when[CLI_TIME_SIZE];
    int rc = 0;

    if (!isatty(STDERR_FILENO))
        return 0;
    for (size_t i = 0; rc >= 0 && i < c->config->pipeline_count; i++) {
        const struct pipeline *p = &c->config->pipelines[i];
        rc = cli_next_look(c->store, p, now, &next, err);
        if (rc == 1 && next > now)
            cli_say("%s: its schedule looks again at %s; orch run %s looks at once", p->name,
                    cli_time(next, when), p->name);
    }
    return rc < 0 ? rc : 0;
}

static int run(struct cli *c, struct err *err)
{
    struct tick_options o = {.fail_if_locked = fail_if_locked, .linger_ms = -1};
    int rc = cli_store(c, STORE_CREATE, err);

    if (rc < 0)
        return rc;
    if (!dry_run && (rc = say_next_looks(c, err)) < 0)
        return rc;
    cli_signals();
    return dry_run ? dry(c, err) : tick_run(c->config, c->store, &o, err);
}

const struct command cmd_tick = {
    "tick",
    "",
    "One pass over all pipelines: queue what is due, load it, reconcile. What cron runs.",
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

#include "base/buf.h"
#include "base/limits.h"
#include "cron/crontab.h"
#include "orchestrator/cmd.h"
#include "orchestrator/self.h"

static const char *user;
static int64_t minutes = 5;
static const struct opt opts[] = {
    {"user", 0, OPT_TEXT, &user, "USER", "the form of /etc/cron.d, run as USER"},
    {"every", 0, OPT_COUNT, &minutes, "MINUTES",
     "1 to 30; a tick asks the schedules what is due (default 5)"},
    {0},
};

static int run(struct cli *c, struct err *err)
{
    struct buf line = BUF_INIT(64 * KIB), whole = BUF_INIT(64 * KIB);
    struct crontab_line l = {.every = minutes, .user = user};
    char self[SELF_SIZE];
    int rc = cli_config(c, err);

    if (rc == 0)
        rc = self_path(self, err);
    l.orch = self;
    l.config = rc == 0 ? c->config->path : NULL;
    if (rc == 0)
        rc = crontab_line(&l, &line, err);
    if (rc == 0 && user != NULL)
        rc = crontab_file(line.p, &whole, err);
    if (rc == 0) {
        fputs(user != NULL ? whole.p : line.p, stdout);
        cli_say("orch cron install puts it there; orch doctor --cron checks that it would run");
    }
    buf_release(&line);
    buf_release(&whole);
    return rc;
}

const struct command cmd_cron_print = {
    "cron print",
    "",
    "The crontab line that runs the tick.",
    "What follows \"# orch:\" in it is a comment, by which orch cron install knows its own line again.\n\n"
    "  orch cron print\n"
    "  orch cron print --user orch | sudo tee /etc/cron.d/orch\n",
    opts,
    0,
    0,
    run,
};

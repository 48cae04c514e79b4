#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/cmd.h"
#include <unistd.h>

static const char *user;
static int64_t minutes = 5;
static const struct opt opts[] = {
    {"user", 0, OPT_TEXT, &user, "USER", "the form of /etc/cron.d, run as USER"},
    {"every", 0, OPT_COUNT, &minutes, "MINUTES",
     "1 to 30; a tick asks the schedules what is due (default 5)"},
    {0},
};

/* For sh inside a crontab: single quotes, and cron's own % with a backslash. */
static int quote(struct buf *b, const char *s, struct err *err)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+:@,";
    bool bare = s[strspn(s, plain)] == '\0';
    int rc = 0;

    if (strpbrk(s, "\r\n") != NULL)
        return err_set(err, ERR_CONFIG, "a path with a line end cannot stand in a crontab");
    if (!bare)
        rc = buf_adds(b, "'", err);
    for (; rc == 0 && *s != '\0'; s++)
        rc = *s == '\''  ? buf_adds(b, "'\\''", err)
             : *s == '%' ? buf_adds(b, "\\%", err)
                         : buf_add(b, s, 1, err);
    if (rc == 0 && !bare)
        rc = buf_adds(b, "'", err);
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    struct buf line = BUF_INIT(64 * KIB);
    char self[4096];
    ssize_t n;
    int rc = cli_config(c, err);

    if (rc < 0)
        return rc;
    if (minutes < 1 || minutes > 30)
        return err_set(err, ERR_USAGE, "--every: 1 to 30 minutes");
    n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return err_errno(err, errno, "cannot tell where orch is");
    self[n] = '\0';
    if (minutes == 1)
        rc = buf_adds(&line, "* * * * * ", err);
    else
        rc = buf_addf(&line, err, "*/%lld * * * * ", (long long)minutes);
    if (rc == 0 && user != NULL)
        rc = buf_addf(&line, err, "%s ", user);
    if (rc == 0)
        rc = quote(&line, self, err);
    if (rc == 0)
        rc = buf_adds(&line, " -c ", err);
    if (rc == 0)
        rc = quote(&line, c->config->path, err);
    if (rc == 0)
        rc = buf_adds(&line, " tick\n", err);
    if (rc == 0) {
        if (user != NULL)
            printf("# for a file in /etc/cron.d: owned by root, no dot in its "
                   "name\nSHELL=/bin/sh\nPATH=/usr/bin:/bin\n"
                   "MAILTO=root\n");
        fputs(line.p, stdout);
        cli_say("orch doctor --cron checks that it would run there");
    }
    buf_release(&line);
    return rc;
}

const struct command cmd_cron_print = {
    "cron print",
    "",
    "The crontab line that runs the tick.",
    "  (crontab -l; orch cron print) | crontab -\n"
    "  orch cron print --user orch | sudo tee /etc/cron.d/orch\n",
    opts,
    0,
    0,
    run,
};

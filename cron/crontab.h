#ifndef CRON_CRONTAB_H
#define CRON_CRONTAB_H
#include "base/buf.h"
/*
 * The line of a crontab that runs the tick, and a crontab with that line in it. Pure: who reads and writes the
 * crontab is orchestrator/cmd_cron_install.c.
 *
 *     [MINUTES] * * * * [USER] /usr/bin/orch -c /etc/orch/orch.json tick # orch: /etc/orch/orch.json
 *
 * What follows "# orch: " is a comment to sh, and tells whose line it is: one line a config.
 */
struct crontab_line {
    int64_t every;      /* minutes, 1 to 30; else ERR_USAGE */
    const char *user;   /* the sixth column of /etc/cron.d; NULL: a user's own crontab has none */
    const char *orch;   /* path of the program */
    const char *config; /* path of orch.json */
};
/* Appends the line and its end. ERR_USAGE: longer than cron takes, or a path with a line end. */
NODISCARD int crontab_line(const struct crontab_line *l, struct buf *ret, struct err *err);
/* Appends a whole file of /etc/cron.d around the line. */
NODISCARD int crontab_file(const char *line, struct buf *ret, struct err *err);
/* Whether a line of it runs anything: begins with a time. */
bool crontab_has_jobs(const char *text, size_t n);
/*
 * Appends the crontab text with the line (its end included; "": none) in the place of the one for config,
 * else at its end. All other bytes stay. *ret_old: how many lines of ours were there.
 */
NODISCARD int crontab_edit(const char *text, size_t n, const char *config, const char *line, struct buf *ret,
                           int *ret_old, struct err *err);
/* A line that is not ours and yet runs "tick" on this config: where it begins, and its length; NULL: none. */
const char *crontab_stranger(const char *text, size_t n, const char *config, size_t *ret_n);
#endif

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cron/crontab.h"
#include "orchestrator/cmd.h"
#include "orchestrator/self.h"
#include <ctype.h>
#include <pwd.h>
#include <unistd.h>

static const char *user, *name;
static int64_t minutes = 5;
static bool in_system, removes, dry_run;
static const struct opt opts[] = {
    {"every", 0, OPT_COUNT, &minutes, "MINUTES",
     "1 to 30; a tick asks the schedules what is due (default 5)"},
    {"user", 0, OPT_TEXT, &user, "USER", "whose crontab; with --system, who runs it"},
    {"system", 0, OPT_FLAG, &in_system, NULL, "a file in /etc/cron.d instead, with --user"},
    {"name", 0, OPT_TEXT, &name, "NAME",
     "that file is /etc/cron.d/orch-NAME (default: the name of the config's folder)"},
    {"remove", 0, OPT_FLAG, &removes, NULL, "take the line out again"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "show what would change; change nothing"},
    {0},
};

/* What is done: a crontab, as it is and as it is to be. */
struct work {
    const char *orch, *config;
    char *path;      /* of the file in /etc/cron.d; NULL: a user's crontab */
    char where[200]; /* for messages */
    struct buf line, before, after;
    int old; /* lines of ours that were there */
};

/* crontab(1) with these words, the user's -u before them. Its exit status. */
static int crontab(const char *word, const struct buf *in, struct buf *out, struct buf *talk, struct err *err)
{
    const char *argv[6] = {"crontab"};
    int n = 1;

    if (user != NULL) {
        argv[n++] = "-u";
        argv[n++] = user;
    }
    argv[n++] = word;
    int rc = self_child(argv, in != NULL && in->n > 0 ? in->p : "", in != NULL ? in->n : 0, out, talk, err);
    if (rc < 0 && err->code == ERR_NOT_FOUND)
        err_hint(err, "install cron, or let systemd run the tick: docs/install.md");
    return rc;
}

static int refused(const char *what, const struct buf *talk, struct err *err)
{
    struct str said = str_trim((struct str){talk->n > 0 ? talk->p : "", talk->n});
    char clean[600];

    str_printable(said.p, said.n, clean, sizeof clean);
    return err_set(err, ERR_ACCESS_DENIED, "%s%s%s", what, said.n > 0 ? ": " : "", clean);
}

static int read_crontab(struct work *w, struct err *err)
{
    struct buf talk = BUF_INIT(64 * KIB);
    int rc = crontab("-l", NULL, &w->before, &talk, err);

    if (rc > 0 && talk.n > 0 && memmem(talk.p, talk.n, "no crontab for", 14) != NULL) {
        buf_clear(&w->before); /* it is no fault to have none yet */
        rc = 0;
    } else if (rc > 0) {
        rc = refused("crontab -l", &talk, err);
    }
    buf_release(&talk);
    return rc;
}

/* crontab(1) looks at it before it takes it, and puts it there whole. */
static int write_crontab(struct work *w, struct err *err)
{
    struct buf out = BUF_INIT(64 * KIB), talk = BUF_INIT(64 * KIB);
    int rc = crontab("-", &w->after, &out, &talk, err);

    if (rc > 0)
        rc = refused("crontab does not take it", &talk, err);
    buf_release(&out);
    buf_release(&talk);
    return rc;
}

static int read_file(struct work *w, struct err *err)
{
    int rc = fs_read(w->path, &w->before, err);
    bool missing = rc < 0 && err->code == ERR_NOT_FOUND;

    if (missing)
        rc = removes ? 0 : crontab_file("", &w->before, err);
    return rc;
}

static int write_file(struct work *w, struct err *err)
{
    int rc = 0;

    if (removes && !crontab_has_jobs(w->after.p != NULL ? w->after.p : "", w->after.n))
        rc = unlink(w->path) < 0 ? err_errno(err, errno, "cannot remove %s", w->path) : 0;
    else
        rc = fs_write(w->path, w->after.p, w->after.n, 0644, err);
    if (rc < 0 && err->code == ERR_ACCESS_DENIED)
        err_hint(err, "only root may; without --system it is your own crontab");
    return rc;
}

/* No dot and nothing else that cron ignores in a file's name. */
static char *cron_d_path(const char *config)
{
    char *dir = fs_dirname(config), *path;
    const char *base = name != NULL ? name : strrchr(dir, '/') != NULL ? strrchr(dir, '/') + 1 : dir;

    path = name == NULL && (strcmp(base, "orch") == 0 || *base == '\0')
               ? xstrdup("/etc/cron.d/orch")
               : xasprintf("/etc/cron.d/orch-%s", base);
    for (char *p = path + sizeof "/etc/cron.d/" - 1; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && *p != '_')
            *p = '-';
    free(dir);
    return path;
}

/* A config that is refused would be refused every five minutes, by mail. */
static int validate(const struct work *w, struct err *err)
{
    const char *argv[] = {w->orch, "-c", w->config, "validate", NULL};
    struct buf out = BUF_INIT(1 * MIB), talk = BUF_INIT(1 * MIB);
    int rc = self_child(argv, "", 0, &out, &talk, err);

    if (rc > 0) {
        rc = err_set(err, ERR_CONFIG, "%s is refused, and nothing was installed", w->config);
        err_hint(err, "orch validate says why");
    }
    buf_release(&out);
    buf_release(&talk);
    return rc;
}

static int check_options(struct err *err)
{
    if (in_system && user == NULL && !removes) {
        err_set(err, ERR_USAGE, "--system needs --user");
        return err_hint(err, "the one who runs the tick, such as orch; not root");
    }
    if (name != NULL && !in_system)
        return err_set(err, ERR_USAGE, "--name is of the file that --system makes");
    if (user != NULL && getpwnam(user) == NULL) {
        char shown[100];
        str_printable(user, strlen(user), shown, sizeof shown);
        return err_set(err, ERR_USAGE, "no user '%s' on this system", shown);
    }
    return 0;
}

static int prepare(struct work *w, struct err *err)
{
    struct crontab_line l = {
        .every = minutes, .user = in_system ? user : NULL, .orch = w->orch, .config = w->config};
    char who[100];
    int rc = removes ? 0 : crontab_line(&l, &w->line, err);

    if (in_system)
        w->path = cron_d_path(w->config);
    if (in_system)
        snprintf(w->where, sizeof w->where, "%s", w->path);
    else
        snprintf(w->where, sizeof w->where, "the crontab of %.*s",
                 user != NULL ? (int)strlen(user) : (int)strcspn(cli_who(who, sizeof who), "@"),
                 user != NULL ? user : who);
    if (rc == 0)
        rc = in_system ? read_file(w, err) : read_crontab(w, err);
    if (rc == 0)
        rc = crontab_edit(w->before.p != NULL ? w->before.p : "", w->before.n, w->config,
                          removes ? "" : w->line.p, &w->after, &w->old, err);
    if (rc == 0 && in_system && w->old == 0 && !removes && w->before.n > 0 &&
        crontab_has_jobs(w->before.p, w->before.n)) {
        rc = err_set(err, ERR_USAGE, "%s is of somebody else, or of another config", w->path);
        err_hint(err, "--name NAME for a file of another name");
    }
    return rc;
}

static const char *change_of(const struct work *w)
{
    if (removes)
        return w->old > 0 ? "removed" : "none";
    if (w->old == 0)
        return "added";
    bool same = w->before.n == w->after.n && memcmp(w->before.p, w->after.p, w->after.n) == 0;
    return same ? "none" : "replaced";
}

static void say(struct cli *c, const struct work *w, const char *change)
{
    size_t stranger_n = 0;
    const char *stranger =
        crontab_stranger(w->before.p != NULL ? w->before.p : "", w->before.n, w->config, &stranger_n);

    if (c->out.format != OUT_TABLE && c->out.format != OUT_CSV) {
        json_t *v = json_pack("{s:i,s:s,s:s,s:o,s:b}", "schema_version", 1, "crontab", w->where, "change",
                              change, "line", removes ? json_null() : json_stringn(w->line.p, w->line.n - 1),
                              "dry_run", dry_run);
        out_document(&c->out, v);
        json_decref(v);
    } else if (strcmp(change, "none") == 0) {
        printf("%s: %s\n", w->where, removes ? "no such line" : "the line is there already");
    } else {
        printf("%s: %s%s\n", w->where, dry_run ? "would be " : "", change);
        if (!removes)
            printf("  %s", w->line.p);
    }
    if (stranger != NULL)
        cli_say("%s has another line that runs this config; take it out, or it runs twice: %.*s", w->where,
                (int)(stranger_n < 300 ? stranger_n : 300), stranger);
    if (!removes)
        cli_say("orch doctor --cron checks that it would run there");
}

static int run(struct cli *c, struct err *err)
{
    struct work w = {
        .line = BUF_INIT(64 * KIB), .before = BUF_INIT(MAX_CRONTAB), .after = BUF_INIT(MAX_CRONTAB)};
    char self[SELF_SIZE];
    int rc = check_options(err);

    if (rc == 0)
        rc = cli_config(c, err);
    if (rc == 0)
        rc = self_path(self, err);
    if (rc < 0)
        return rc;
    w.orch = self;
    w.config = c->config->path;
    if (!removes)
        rc = validate(&w, err);
    if (rc == 0)
        rc = prepare(&w, err);
    if (rc == 0) {
        const char *change = change_of(&w);
        if (!dry_run && strcmp(change, "none") != 0)
            rc = in_system ? write_file(&w, err) : write_crontab(&w, err);
        if (rc == 0)
            say(c, &w, change);
    }
    free(w.path);
    buf_release(&w.line);
    buf_release(&w.before);
    buf_release(&w.after);
    return rc;
}

const struct command cmd_cron_install = {
    "cron install",
    "",
    "Puts the line that runs the tick into a crontab, once.",
    "Again, it replaces its own line and leaves every other as it is. A config that orch validate refuses is "
    "not\n"
    "installed. With systemd there is a timer instead: orch.timer.\n\n"
    "  orch cron install\n"
    "  sudo orch cron install --system --user orch\n"
    "  orch cron install --remove\n",
    opts,
    0,
    0,
    run,
};

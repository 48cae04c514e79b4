#include "cron/crontab.h"
#include "base/limits.h"
#include "base/str.h"

/* For sh inside a crontab: single quotes, and cron's own % with a backslash. */
static int quote(struct buf *b, const char *s, struct err *err)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+:@,";
    bool bare = *s != '\0' && s[strspn(s, plain)] == '\0';
    int rc = bare ? 0 : buf_adds(b, "'", err);

    for (; rc == 0 && *s != '\0'; s++)
        rc = *s == '\''  ? buf_adds(b, "'\\''", err)
             : *s == '%' ? buf_adds(b, "\\%", err)
                         : buf_add(b, s, 1, err);
    return rc == 0 && !bare ? buf_adds(b, "'", err) : rc;
}

/* " # orch: PATH" */
static int marker(const char *config, struct buf *b, struct err *err)
{
    int rc = buf_adds(b, " # orch: ", err);

    for (const char *s = config; rc == 0 && *s != '\0'; s++)
        rc = *s == '%' ? buf_adds(b, "\\%", err) : buf_add(b, s, 1, err);
    return rc;
}

int crontab_line(const struct crontab_line *l, struct buf *ret, struct err *err)
{
    size_t before = ret->n, command;
    int rc;

    if (l->every < 1 || l->every > 30)
        return err_set(err, ERR_USAGE, "--every: 1 to 30 minutes");
    if (strpbrk(l->orch, "\r\n") != NULL || strpbrk(l->config, "\r\n") != NULL)
        return err_set(err, ERR_USAGE, "a path with a line end cannot stand in a crontab");
    rc = l->every == 1 ? buf_adds(ret, "* * * * * ", err)
                       : buf_addf(ret, err, "*/%lld * * * * ", (long long)l->every);
    if (rc == 0 && l->user != NULL)
        rc = buf_addf(ret, err, "%s ", l->user);
    command = ret->n;
    if (rc == 0)
        rc = quote(ret, l->orch, err);
    if (rc == 0)
        rc = buf_adds(ret, " -c ", err);
    if (rc == 0)
        rc = quote(ret, l->config, err);
    if (rc == 0)
        rc = buf_adds(ret, " tick", err);
    if (rc == 0)
        rc = marker(l->config, ret, err);
    if (rc == 0 && ret->n - command > MAX_CRON_COMMAND) {
        rc =
            err_set(err, ERR_USAGE, "the line is longer than the %d bytes that cron takes", MAX_CRON_COMMAND);
        err_hint(err, "move %s, or link it from a shorter place", l->config);
    }
    if (rc == 0)
        rc = buf_adds(ret, "\n", err);
    if (rc < 0 && ret->p != NULL)
        ret->p[ret->n = before] = '\0';
    return rc;
}

int crontab_file(const char *line, struct buf *ret, struct err *err)
{
    return buf_addf(ret, err,
                    "# From orch cron: a file of /etc/cron.d is owned by root and has no dot in its name.\n"
                    "SHELL=/bin/sh\nPATH=/usr/bin:/bin\nMAILTO=root\n%s",
                    line);
}

/* The line at text, its end included. */
static size_t line_length(const char *text, size_t n)
{
    const char *end = memchr(text, '\n', n);
    return end != NULL ? (size_t)(end - text) + 1 : n;
}

static bool is_comment(struct str line)
{
    return line.n == 0 || *line.p == '#';
}

static bool is_ours(const char *line, size_t n, const struct buf *mark)
{
    struct str s = str_trim((struct str){line, n});
    return !is_comment(s) && s.n >= mark->n && memcmp(s.p + s.n - mark->n, mark->p, mark->n) == 0;
}

int crontab_edit(const char *text, size_t n, const char *config, const char *line, struct buf *ret,
                 int *ret_old, struct err *err)
{
    struct buf mark = BUF_INIT(MAX_CRON_COMMAND * 2);
    int rc = marker(config, &mark, err);

    *ret_old = 0;
    for (size_t at = 0, len; rc == 0 && at < n; at += len) {
        len = line_length(text + at, n - at);
        if (!is_ours(text + at, len, &mark))
            rc = buf_add(ret, text + at, len, err);
        else if ((*ret_old)++ == 0)
            rc = buf_adds(ret, line, err);
    }
    if (rc == 0 && *ret_old == 0 && *line != '\0') {
        if (ret->n > 0 && ret->p[ret->n - 1] != '\n')
            rc = buf_adds(ret, "\n", err);
        if (rc == 0)
            rc = buf_adds(ret, line, err);
    }
    buf_release(&mark);
    return rc;
}

bool crontab_has_jobs(const char *text, size_t n)
{
    for (size_t at = 0, len; at < n; at += len) {
        len = line_length(text + at, n - at);
        struct str s = str_trim((struct str){text + at, len});
        if (s.n > 0 && (*s.p == '*' || *s.p == '@' || (*s.p >= '0' && *s.p <= '9')))
            return true;
    }
    return false;
}

const char *crontab_stranger(const char *text, size_t n, const char *config, size_t *ret_n)
{
    static const char own[] = " # orch: ";
    size_t path = strlen(config);

    for (size_t at = 0, len; at < n; at += len) {
        len = line_length(text + at, n - at);
        struct str s = str_trim((struct str){text + at, len});
        if (!is_comment(s) && memmem(s.p, s.n, config, path) != NULL &&
            memmem(s.p, s.n, " tick", 5) != NULL && memmem(s.p, s.n, own, sizeof own - 1) == NULL) {
            *ret_n = s.n;
            return s.p;
        }
    }
    return NULL;
}

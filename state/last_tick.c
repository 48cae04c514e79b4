#include "state/last_tick.h"
#include "base/clock.h"
#include "base/mem.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RECORD = 320,      /* always as long, so that it is written over in place */
    LOCK_WAIT_MS = 500 /* who holds it longer is stopped, and must not hold up the ticks */
};

static void wait_lock(int fd, int how)
{
    for (int64_t until = clock_mono_ms() + LOCK_WAIT_MS; flock(fd, how | LOCK_NB) < 0 && errno == EWOULDBLOCK;
         clock_sleep_ms(5))
        if (clock_mono_ms() > until)
            return;
}

/* 1: read, 0: nothing there that can be read. */
static int read_record(int fd, struct last_tick *ret)
{
    char text[RECORD + 1], *at = text + strlen("tick 1 "), *end;
    long long v[7];
    ssize_t n = pread(fd, text, RECORD, 0);

    *ret = (struct last_tick){0};
    text[n < 0 ? 0 : n] = '\0';
    if (n != RECORD || strncmp(text, "tick 1 ", strlen("tick 1 ")) != 0 || text[RECORD - 1] != '\n')
        return 0;
    for (size_t i = 0; i < 7; i++, at = end) {
        errno = 0;
        v[i] = strtoll(at, &end, 10);
        if (end == at || errno != 0)
            return 0;
    }
    if (sscanf(at, "%79s .", ret->host) != 1)
        return 0;
    ret->started_ms = v[0];
    ret->finished_ms = v[1];
    ret->success_ms = v[2];
    ret->duration_ms = v[3];
    ret->exit_status = (int)v[4];
    ret->pid = v[5];
    ret->metrics_said_ms = v[6];
    return 1;
}

static int write_record(int fd, const char *path, const struct last_tick *t, struct err *err)
{
    char text[RECORD + 1];

    memset(text, ' ', RECORD);
    int n =
        snprintf(text, RECORD, "tick 1 %lld %lld %lld %lld %d %lld %lld %.79s .", (long long)t->started_ms,
                 (long long)t->finished_ms, (long long)t->success_ms, (long long)t->duration_ms,
                 t->exit_status, (long long)t->pid, (long long)t->metrics_said_ms, t->host);
    text[n] = ' ';
    text[RECORD - 1] = '\n';
    ssize_t done = pwrite(fd, text, RECORD, 0);
    return done == RECORD ? 0 : err_errno(err, done < 0 ? errno : ENOSPC, "cannot write %s", path);
}

/* *ret_fd -1: nothing is there. What lies there instead, a link or a FIFO, is neither written through nor waited for. */
static int open_record(const char *path, int flags, int *ret_fd, struct err *err)
{
    struct stat st;
    int rc = 0;
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    *ret_fd = fd;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return 0;
    if (fd >= 0 || errno == ELOOP || errno == EISDIR || errno == ENXIO)
        rc = err_set(err, ERR_IO, "%s is no plain file", path);
    else if (errno != ENOENT || (flags & O_CREAT) != 0)
        rc = err_errno(err, errno, "cannot open %s", path);
    if (fd >= 0)
        close(fd);
    return rc < 0 ? err_hint(err, "it holds the account of the last tick alone, and may be deleted") : 0;
}

int last_tick_get(struct store *s, struct last_tick *ret, struct err *err)
{
    char *path = xasprintf("%s.tick", store_path(s));
    int fd, rc = open_record(path, O_RDONLY, &fd, err);

    *ret = (struct last_tick){0};
    if (rc == 0 && fd >= 0) {
        wait_lock(fd, LOCK_SH);
        rc = read_record(fd, ret);
        close(fd);
    }
    free(path);
    return rc;
}

typedef void change_fn(struct last_tick *t, const struct last_tick *arg);

/* Reads, changes, writes, under a lock of that moment. */
static int change(struct store *s, change_fn *fn, const struct last_tick *arg, struct err *err)
{
    struct last_tick t;
    char *path = xasprintf("%s.tick", store_path(s));
    int fd, rc = open_record(path, O_RDWR | O_CREAT, &fd, err);

    if (rc < 0)
        goto out;
    wait_lock(fd, LOCK_EX);
    err_ignore(read_record(fd, &t));
    fn(&t, arg);
    rc = write_record(fd, path, &t, err);
    close(fd);
out:
    free(path);
    return rc;
}

/* One word, never empty: it is read back so. */
static void put_host(struct last_tick *t)
{
    if (gethostname(t->host, sizeof t->host - 1) < 0 || t->host[0] == '\0')
        memcpy(t->host, "?", 2);
    t->host[sizeof t->host - 1] = '\0';
    for (char *p = t->host; *p != '\0'; p++)
        if (*p <= ' ')
            *p = '?';
}

static void begin(struct last_tick *t, const struct last_tick *arg)
{
    t->started_ms = arg->started_ms;
    t->finished_ms = t->duration_ms = 0;
    t->exit_status = 0;
    t->pid = arg->pid;
    memcpy(t->host, arg->host, sizeof t->host);
}

int last_tick_begin(struct store *s, int64_t now_ms, struct err *err)
{
    struct last_tick t = {.started_ms = now_ms, .pid = (int64_t)getpid()};

    put_host(&t);
    return change(s, begin, &t, err);
}

static void end(struct last_tick *t, const struct last_tick *arg)
{
    if (arg->success_ms != 0)
        t->success_ms = arg->success_ms;
    if (t->pid != arg->pid || strcmp(t->host, arg->host) != 0)
        return;
    t->finished_ms = arg->finished_ms;
    t->duration_ms = arg->duration_ms;
    t->exit_status = arg->exit_status;
}

int last_tick_end(struct store *s, int exit_status, int64_t duration_ms, int64_t now_ms, struct err *err)
{
    bool well = exit_status == 0 || exit_status == 1 || exit_status == 5 || exit_status == 6;
    struct last_tick t = {.finished_ms = now_ms,
                          .success_ms = well ? now_ms : 0,
                          .duration_ms = duration_ms,
                          .exit_status = exit_status,
                          .pid = (int64_t)getpid()};

    put_host(&t);
    return change(s, end, &t, err);
}

static void said(struct last_tick *t, const struct last_tick *arg)
{
    t->metrics_said_ms = arg->metrics_said_ms;
    if (t->host[0] == '\0') /* no tick yet: orch run says it */
        memcpy(t->host, arg->host, sizeof t->host);
}

int last_tick_metrics_said(struct store *s, int64_t now_ms, struct err *err)
{
    struct last_tick t = {.metrics_said_ms = now_ms};

    put_host(&t);
    return change(s, said, &t, err);
}

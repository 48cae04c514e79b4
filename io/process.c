#include "io/process.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/process_int.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TURN_MS = 500 };

enum { ORDERS, REPORTS, OUT, ERR, PIPES };
struct running {
    const struct process *p;
    struct process_end *end;
    int ours[PIPES], theirs[PIPES], in; /* -1: closed */
    pid_t keeper;
    bool ended, told_term, told_kill;
    int64_t wrote_ms, kill_ms; /* CLOCK_MONOTONIC */
    int failed;                /* what will be our answer; 0: none yet */
    struct err *err;
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- what it is given ---- */

/* A file without a name: the program may read as slowly as it likes, or not at all, and nobody gets a SIGPIPE. */
static int open_input(const struct process *p, struct err *err)
{
    size_t at = 0;
    int fd = p->input == NULL ? open("/dev/null", O_RDONLY | O_CLOEXEC) : memfd_create("stdin", MFD_CLOEXEC);

    while (fd >= 0 && p->input != NULL && at < p->input_n) {
        ssize_t n = write(fd, (const char *)p->input + at, p->input_n - at);
        if (n < 0 && errno != EINTR)
            break;
        at += n > 0 ? (size_t)n : 0;
    }
    if (fd < 0 || (p->input != NULL && (at < p->input_n || lseek(fd, 0, SEEK_SET) < 0))) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        return err_errno(err, saved, "cannot hand over the input of %s", p->argv[0]);
    }
    return fd;
}

/* Out of the way of 0 to 2, should cron have started us without them. */
static int high(int fd)
{
    int above = fd;

    if (fd >= 0 && fd < 3) {
        above = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        close(fd);
    }
    return above;
}

static int open_pipes(struct running *r, struct err *err)
{
    for (int i = 0; i < PIPES; i++) {
        int ends[2]; /* orders by a socket: writing to a keeper that is gone raises no SIGPIPE */
        if ((i == ORDERS ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)
                         : pipe2(ends, O_CLOEXEC)) < 0)
            return err_errno(err, errno, "cannot make a pipe");
        r->ours[i] = high(ends[0]);
        r->theirs[i] = high(ends[1]);
        if (r->ours[i] < 0 || r->theirs[i] < 0 || fcntl(r->ours[i], F_SETFL, O_NONBLOCK) < 0)
            return err_errno(err, errno, "cannot set up a pipe");
    }
    r->in = open_input(r->p, err);
    if (r->in < 0)
        return r->in;
    r->in = high(r->in);
    return r->in < 0 ? err_errno(err, errno, "cannot set up a pipe") : 0;
}

static const char *path_of(const char *const *env)
{
    for (; *env != NULL; env++)
        if (str_starts(*env, "PATH="))
            return *env + 5;
    return "/usr/local/bin:/usr/bin:/bin";
}

/* The file that argv[0] means, owned; as execvp looks for it, but for empty parts of PATH, which would mean where it runs. */
static int find_program(const struct process *p, char **ret, struct err *err)
{
    const char *name = p->argv[0], *path = path_of(p->env);
    int seen = ENOENT;

    if (strchr(name, '/') != NULL) {
        *ret = xstrdup(name);
        return 0;
    }
    while (*name != '\0' && *path != '\0') {
        size_t n = strcspn(path, ":");
        char *whole = xasprintf("%.*s/%s", (int)n, path, name);
        struct stat st;
        if (n > 0 && stat(whole, &st) == 0 && S_ISREG(st.st_mode)) {
            if (access(whole, X_OK) == 0) {
                *ret = whole;
                return 0;
            }
            seen = EACCES;
        }
        free(whole);
        path += n + (path[n] == ':');
    }
    return err_errno(err, seen, "no program '%.200s' in PATH", name);
}

static int begin(struct running *r, const char *path, struct err *err)
{
    const struct process *p = r->p;
    const struct keeper k = {.orders = r->theirs[ORDERS],
                             .reports = r->theirs[REPORTS],
                             .in = r->in,
                             .out = r->theirs[OUT],
                             .err = r->theirs[ERR],
                             .path = path,
                             .argv = (char *const *)(uintptr_t)p->argv, /* exec reads them alone */
                             .env = (char *const *)(uintptr_t)p->env,
                             .folder = p->folder,
                             .silence_ms = p->silence_ms};

    r->wrote_ms = clock_mono_ms();
    r->keeper = fork();
    if (r->keeper == 0)
        keeper_main(&k);
    return r->keeper < 0 ? err_errno(err, errno, "cannot start %s", p->argv[0]) : 0;
}

/* ---- what comes of it ---- */

static void order(struct running *r, enum keeper_order o)
{
    char c = (char)o;

    if (r->ours[ORDERS] >= 0 && send(r->ours[ORDERS], &c, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
        errno == EPIPE)
        close_end(&r->ours[ORDERS]);
}

static void end_now(struct running *r)
{
    if (!r->told_kill)
        order(r, KEEPER_KILL);
    r->told_kill = true;
}

static void end_soon(struct running *r)
{
    if (r->told_term || r->told_kill)
        return;
    order(r, KEEPER_TERM);
    r->told_term = true;
    r->kill_ms = clock_mono_ms() + r->p->grace_ms;
}

static void keep_tail(struct running *r, const char *p, size_t n)
{
    struct process_end *e = r->end;
    size_t have = strlen(e->tail), max = r->p->tail_max;

    if (n > max) {
        p += n - max;
        n = max;
        e->tail_cut = true;
    }
    if (have + n > max) {
        size_t drop = have + n - max;
        memmove(e->tail, e->tail + drop, have - drop);
        have -= drop;
        e->tail_cut = true;
    }
    for (size_t i = 0; i < n; i++)
        e->tail[have + i] = p[i] == '\0' ? ' ' : p[i];
    e->tail[have + n] = '\0';
}

/* What is there of stdout (i OUT) or stderr. */
static void take_output(struct running *r, int i)
{
    char part[16 * KIB];
    struct err why;

    for (int turns = 0; turns < 64; turns++) { /* then the beat has its turn */
        ssize_t n = read(r->ours[i], part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            close_end(&r->ours[i]);
        if (n <= 0)
            return;
        r->wrote_ms = clock_mono_ms();
        if (i == ERR) {
            keep_tail(r, part, (size_t)n);
        } else if (r->failed == 0 && buf_add(&r->end->out, part, (size_t)n, &why) < 0) {
            r->failed = err_set(r->err, ERR_TOO_LARGE, "%s writes more than %zu bytes to its stdout",
                                r->p->argv[0], r->end->out.max);
            end_now(r);
        }
    }
}

static void take_report(struct running *r)
{
    struct keeper_report k;
    ssize_t n = read(r->ours[REPORTS], &k, sizeof k);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n != sizeof k) {
        close_end(&r->ours[REPORTS]);
        return;
    }
    if (k.what == KEEPER_EXITED || k.what == KEEPER_SIGNALLED) {
        r->ended = true;
        r->end->status = k.what == KEEPER_EXITED ? k.value : 0;
        r->end->sig = k.what == KEEPER_SIGNALLED ? k.value : 0;
    } else if (r->failed == 0 && k.what == KEEPER_NO_FOLDER) {
        r->failed =
            err_errno(r->err, k.value, "%s cannot run in the folder %.200s", r->p->argv[0], r->p->folder);
    } else if (r->failed == 0 && k.value == ENOEXEC) {
        r->failed = err_set(r->err, ERR_IO, "%s is no program, and there is no shell that would read it",
                            r->p->argv[0]);
        err_hint(r->err, "a script begins with a line such as #!/bin/sh");
    } else if (r->failed == 0) {
        r->failed = err_errno(r->err, k.value, "cannot run %s", r->p->argv[0]);
    }
}

static void look_at_clock(struct running *r)
{
    int64_t now = clock_mono_ms();
    struct err why;

    if (r->failed == 0 && r->p->quiet_ms > 0 && now - r->wrote_ms >= r->p->quiet_ms) {
        r->failed = err_set(r->err, ERR_HEARTBEAT_TIMEOUT, "%s wrote nothing for %lld s", r->p->argv[0],
                            (long long)r->p->quiet_ms / 1000);
        end_soon(r);
    }
    if (beat(r->p->beat, &why) < 0 && !r->ended) {
        if (r->failed == 0) {
            *r->err = why;
            r->failed = -(int)why.code;
        }
        if (why.code == ERR_LOCK_LOST)
            end_now(r);
        end_soon(r);
    }
    if (r->told_term && now >= r->kill_ms)
        end_now(r);
    order(r, KEEPER_BEAT);
}

/* Until the keeper's end, which is behind the end of all that the program started. */
static void wait_for_end(struct running *r)
{
    int64_t looked_ms = clock_mono_ms();

    while (r->ours[REPORTS] >= 0) {
        struct pollfd p[3] = {{.fd = r->ours[REPORTS], .events = POLLIN},
                              {.fd = r->ours[OUT], .events = POLLIN},
                              {.fd = r->ours[ERR], .events = POLLIN}};
        int n = poll(p, 3, TURN_MS);
        if (n > 0 && p[1].revents != 0)
            take_output(r, OUT);
        if (n > 0 && p[2].revents != 0)
            take_output(r, ERR);
        if (n > 0 && p[0].revents != 0)
            take_report(r);
        if (clock_mono_ms() - looked_ms >= TURN_MS || n < 0) {
            look_at_clock(r);
            looked_ms = clock_mono_ms();
        }
    }
    for (int i = OUT; i <= ERR; i++) /* what is still in the pipes; who could write more is gone */
        for (size_t left = 0; r->ours[i] >= 0 && left < 64; left++)
            take_output(r, i);
}

static int outcome(struct running *r)
{
    if (r->failed < 0)
        return r->failed;
    if (!r->ended)
        return err_set(r->err, ERR_IO, "%s: the process that keeps it was killed", r->p->argv[0]);
    return 0;
}

int process_run(const struct process *p, struct process_end *ret, struct err *err)
{
    struct running r = {
        .p = p, .end = ret, .ours = {-1, -1, -1, -1}, .theirs = {-1, -1, -1, -1}, .in = -1, .err = err};
    char *path = NULL;
    int rc;

    ret->tail = xcalloc(1, p->tail_max + 1);
    rc = find_program(p, &path, err);
    if (rc == 0)
        rc = beat(p->beat, err);
    if (rc == 0)
        rc = open_pipes(&r, err);
    if (rc == 0)
        rc = begin(&r, path, err);
    for (int i = 0; i < PIPES; i++)
        close_end(&r.theirs[i]);
    close_end(&r.in);
    if (rc == 0) {
        wait_for_end(&r);
        rc = outcome(&r);
        while (waitpid(r.keeper, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    for (int i = 0; i < PIPES; i++)
        close_end(&r.ours[i]);
    free(path);
    return rc;
}

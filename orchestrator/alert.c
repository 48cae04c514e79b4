#include "orchestrator/alert.h"
#include "base/clock.h"
#include "base/mem.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file without a name: the command may read as slowly as it likes, or not at all, and nobody gets a SIGPIPE. */
static int stdin_of(const json_t *document, struct err *err)
{
    char *text = json_text(document);
    size_t n = strlen(text);
    int fd = memfd_create("alert", MFD_CLOEXEC);

    text[n] = '\n';
    if (fd < 0 || write(fd, text, n + 1) != (ssize_t)(n + 1) || lseek(fd, 0, SEEK_SET) < 0) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        free(text);
        return err_errno(err, saved, "alerts.command: cannot hand over the document");
    }
    free(text);
    return fd;
}

static NORETURN void child(const char *command, int in, int out_err)
{
    /* Out of the way of 0 to 2, should cron have started us without them. */
    int null = fcntl(open("/dev/null", O_WRONLY | O_CLOEXEC), F_DUPFD_CLOEXEC, 3);

    in = fcntl(in, F_DUPFD_CLOEXEC, 3);
    out_err = fcntl(out_err, F_DUPFD_CLOEXEC, 3);
    setsid(); /* one group, so that all of it can be ended */
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    if (null < 0 || dup2(in, 0) < 0 || dup2(null, 1) < 0 || dup2(out_err, 2) < 0)
        _exit(126);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* Keeps the end of what comes. 0: no more. */
static int keep_tail(int fd, char *tail, size_t size)
{
    char chunk[1024];
    ssize_t n = read(fd, chunk, sizeof chunk);
    size_t have = strlen(tail);

    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    for (ssize_t i = 0; i < n; i++) {
        if (have == size - 1)
            memmove(tail, tail + 1, have--);
        tail[have++] = chunk[i] == '\0' ? ' ' : chunk[i];
        tail[have] = '\0';
    }
    return n > 0;
}

/* Waits for the child itself; what it left in the background keeps nobody waiting. 1 ended, 0 not in time. */
static int wait_for(pid_t pid, int fd, int64_t limit_ms, char *tail, size_t size, int *ret_status)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    for (int64_t until = clock_mono_ms() + limit_ms; clock_mono_ms() < until;) {
        if (poll(&p, 1, 20) > 0 && !keep_tail(fd, tail, size))
            p.fd = -1;
        if (waitpid(pid, ret_status, WNOHANG) == pid) {
            while (p.fd >= 0 && poll(&p, 1, 0) > 0 && keep_tail(fd, tail, size))
                ;
            return 1;
        }
    }
    return 0;
}

int alert_run(const char *command, const json_t *document, int64_t limit_ms, struct err *err)
{
    char tail[300] = "";
    int ends[2], status = 0, rc = 0;
    int in = stdin_of(document, err);

    if (in < 0)
        return in;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        rc = err_errno(err, errno, "alerts.command: pipe");
        close(in);
        return rc;
    }
    pid_t pid = fork();
    if (pid == 0)
        child(command, in, ends[1]);
    close(in);
    close(ends[1]);
    if (pid < 0) {
        rc = err_errno(err, errno, "alerts.command: cannot start");
    } else if (!wait_for(pid, ends[0], limit_ms, tail, sizeof tail, &status)) {
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL); /* before setsid there is no group of that number */
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        rc = err_set(err, ERR_TIMEOUT, "alerts.command ran longer than %lld s and was ended",
                     (long long)limit_ms / 1000);
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        rc = err_set(err, ERR_IO, "alerts.command %s %d%s%s",
                     WIFEXITED(status) ? "exited with" : "was ended by signal",
                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), tail[0] != '\0' ? ": " : "",
                     tail);
    }
    close(ends[0]);
    return rc < 0 ? err_hint(err, "run it by hand with a JSON document on stdin") : 0;
}

/*
 * What runs in the keeper and, up to exec, in the program's own process. The keeper is a fork of a process that may have had
 * threads, so nothing here allocates, locks or prints: system calls alone.
 */
#include "io/process_int.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    TURN_MS = 1000,
    ENDING_TURNS = 6000, /* of 5 ms: half a minute for what sleeps in the kernel and hears no signal */
    MAX_OPEN = 65536,
};

static int64_t boot_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void report(const struct keeper *k, enum keeper_what what, int value)
{
    const struct keeper_report r = {(int)what, value};

    while (write(k->reports, &r, sizeof r) < 0 && errno == EINTR)
        ;
}

/* ---- descriptors ---- */

static void close_between(int from, int to)
{
    if (from > to)
        return;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)from, (unsigned)to, 0U) == 0)
        return;
#endif
    for (int fd = from; fd <= to && fd < MAX_OPEN; fd++)
        close(fd);
}

/* All but those of the keeper's own: locks, the state file and connections are not to outlive us here. */
static void close_others(const struct keeper *k)
{
    int keep[] = {k->orders, k->reports, k->in, k->out, k->err};
    const size_t n = sizeof keep / sizeof keep[0];
    int from = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            if (keep[j] < keep[i]) {
                int swap = keep[i];
                keep[i] = keep[j];
                keep[j] = swap;
            }
    for (size_t i = 0; i < n; i++) {
        close_between(from, keep[i] - 1);
        from = keep[i] + 1;
    }
    close_between(from, ~0U >> 1);
}

/* ---- the program's process, up to exec ---- */

static void signals_as_usual(void)
{
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        if (s != SIGKILL && s != SIGSTOP)
            signal(s, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static NORETURN void program(const struct keeper *k, pid_t keeper)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper)
        _exit(127);
    signals_as_usual();
    if (dup2(k->in, 0) < 0 || dup2(k->out, 1) < 0 || dup2(k->err, 2) < 0) {
        report(k, KEEPER_NO_PROCESS, errno);
        _exit(127);
    }
    if (k->folder != NULL && chdir(k->folder) != 0) {
        report(k, KEEPER_NO_FOLDER, errno);
        _exit(127);
    }
    execve(k->path, k->argv, k->env);
    report(k, KEEPER_NO_PROGRAM, errno);
    _exit(127);
}

/* ---- ending it ---- */

static void end_child(const char *digits, size_t n)
{
    pid_t pid = 0;

    for (size_t i = 0; i < n; i++)
        pid = pid * 10 + (digits[i] - '0');
    if (pid > 1)
        kill(pid, SIGKILL);
}

/* Orphans of the program are our children too: we are their subreaper. Theirs become ours as they go. */
static void end_children(void)
{
    char text[4096];
    size_t n = 0;
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);

    for (ssize_t got; fd >= 0 && (got = read(fd, text + n, sizeof text - n)) > 0;) {
        size_t at = 0;
        n += (size_t)got;
        for (size_t i = 0; i < n; i++)
            if (text[i] == ' ') {
                end_child(text + at, i - at);
                at = i + 1;
            }
        n -= at;
        for (size_t i = 0; i < n; i++) /* a number that is not whole yet */
            text[i] = text[at + i];
    }
    if (fd >= 0)
        close(fd);
}

/* Its group first and once, while its leader is not reaped and the number is nobody else's. */
static NORETURN void end_all(pid_t group)
{
    const struct timespec nap = {0, 5000000};

    kill(-group, SIGKILL);
    for (int i = 0; i < ENDING_TURNS; i++) {
        pid_t gone;
        end_children();
        while ((gone = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (gone < 0 && errno == ECHILD)
            break;
        nanosleep(&nap, NULL);
    }
    _exit(0);
}

/* ---- the watch ---- */

/* false: we are gone. */
static bool take_orders(const struct keeper *k, pid_t group, int64_t *heard_ms)
{
    char orders[64];
    ssize_t n = read(k->orders, orders, sizeof orders);

    if (n == 0)
        return false;
    for (ssize_t i = 0; i < n; i++) {
        if (orders[i] == KEEPER_KILL)
            return false;
        if (orders[i] == KEEPER_TERM) {
            kill(-group, SIGTERM);
            kill(-group, SIGCONT); /* one that is stopped would not hear it */
        }
        *heard_ms = boot_ms();
    }
    return true;
}

/* true: the program itself has ended, and that is reported; it stays a zombie until its group is ended. */
static bool has_ended(const struct keeper *k, pid_t pid)
{
    siginfo_t i = {.si_pid = 0};

    if (waitid(P_PID, (id_t)pid, &i, WEXITED | WNOHANG | WNOWAIT) != 0 || i.si_pid != pid)
        return false;
    report(k, i.si_code == CLD_EXITED ? KEEPER_EXITED : KEEPER_SIGNALLED, i.si_status);
    return true;
}

static void reap_orphans(pid_t pid)
{
    for (;;) {
        siginfo_t i = {.si_pid = 0};
        if (waitid(P_ALL, 0, &i, WEXITED | WNOHANG | WNOWAIT) != 0 || i.si_pid == 0 || i.si_pid == pid)
            return;
        waitpid(i.si_pid, NULL, WNOHANG);
    }
}

static NORETURN void watch(const struct keeper *k, pid_t pid, int children)
{
    int64_t heard_ms = boot_ms();

    for (;;) {
        struct signalfd_siginfo drop;
        struct pollfd p[2] = {{.fd = k->orders, .events = POLLIN}, {.fd = children, .events = POLLIN}};
        int n = poll(p, 2, TURN_MS);
        if (n > 0 && p[1].revents != 0 && read(children, &drop, sizeof drop) > 0) {
            if (has_ended(k, pid))
                end_all(pid);
            reap_orphans(pid);
        }
        if (n > 0 && p[0].revents != 0 && !take_orders(k, pid, &heard_ms))
            end_all(pid);
        if (k->silence_ms > 0 && boot_ms() - heard_ms >= k->silence_ms)
            end_all(pid);
    }
}

void keeper_main(const struct keeper *k)
{
    static const int deaf[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2};
    pid_t self = getpid();
    sigset_t child;

    setsid(); /* whoever ends our group, or its terminal, ends us; and our end ends it */
    for (size_t i = 0; i < sizeof deaf / sizeof deaf[0]; i++)
        signal(deaf[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "orch-keeper");
    close_others(k);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child, NULL);
    int children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    pid_t pid = children < 0 ? -1 : fork();
    if (pid == 0)
        program(k, self);
    if (pid < 0) {
        report(k, KEEPER_NO_PROCESS, errno);
        _exit(0);
    }
    setpgid(pid, pid); /* whoever of the two is first */
    close(k->in);
    close(k->out);
    close(k->err);
    watch(k, pid, children);
}

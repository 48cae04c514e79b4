/*
 * Who holds SQLite's lock, and how to go on when that process was stopped in the middle of a transaction.
 *
 * SQLite locks with POSIX locks: in WAL mode bytes 120 and on of the -shm file (walformat.html), else bytes from
 * 0x40000000 of the file itself; while the file is made, FILE.making is locked as well (store.c). F_GETLK tells the
 * holder's pid. POSIX locks have a trap: closing *any* descriptor of a file drops all locks that the process has on it,
 * so the question is asked by a forked child, whose close is its own.
 */
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "state/store_int.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHM_WRITE = 120, SHM_RECOVER = 122, SHM_DMS = 128, PENDING_BYTE = 0x40000000, PENDING_SIZE = 512 };

/* In the child: async-signal-safe calls only. A read lock is asked for, which only an exclusive holder refuses. */
static long probe(const char *path, off_t start, off_t len)
{
    struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    int rc = fcntl(fd, F_GETLK, &l);
    close(fd);
    return rc == 0 && l.l_type == F_WRLCK ? (long)l.l_pid : 0;
}

static void child(const char *path, const char *shm, const char *making, int to)
{
    long pid = probe(making, 0, 0);

    if (pid == 0)
        pid = probe(shm, SHM_WRITE, 1);

    if (pid == 0)
        pid = probe(shm, SHM_RECOVER, 1);
    if (pid == 0)
        pid = probe(shm, SHM_DMS, 1);
    if (pid == 0)
        pid = probe(path, PENDING_BYTE, PENDING_SIZE);
    _exit(write(to, &pid, sizeof pid) == (ssize_t)sizeof pid ? 0 : 1);
}

long stuck_holder(const char *path)
{
    int ends[2];
    long pid = 0;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return 0;
    char *shm = xasprintf("%s-shm", path), *making = xasprintf("%s.making", path);
    pid_t kid = fork();
    if (kid == 0)
        child(path, shm, making, ends[1]);
    close(ends[1]);
    if (kid > 0) {
        ssize_t n;
        do {
            n = read(ends[0], &pid, sizeof pid);
        } while (n < 0 && errno == EINTR);
        if (n != (ssize_t)sizeof pid || pid < 0)
            pid = 0;
        while (waitpid(kid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    free(shm);
    free(making);
    return pid;
}

/* The program's name without folder; what is left after an upgrade replaced the file says " (deleted)". */
static void exe_name(const char *proc, char *out, size_t size)
{
    char link[1024];
    ssize_t n = readlink(proc, link, sizeof link - 1);

    link[n > 0 ? n : 0] = '\0';
    char *deleted = strstr(link, " (deleted)");
    if (deleted != NULL)
        *deleted = '\0';
    const char *slash = strrchr(link, '/');
    snprintf(out, size, "%.*s", (int)size - 1, slash != NULL ? slash + 1 : link);
}

static bool is_orch(long pid)
{
    char path[64], ours[256], theirs[256];

    snprintf(path, sizeof path, "/proc/%ld/exe", pid);
    exe_name(path, theirs, sizeof theirs);
    exe_name("/proc/self/exe", ours, sizeof ours);
    return ours[0] != '\0' && strcmp(ours, theirs) == 0;
}

static bool is_stopped(long pid)
{
    char path[64], text[512];

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *close_paren = strrchr(text, ')'); /* the name may hold anything, ')' too */
    return close_paren != NULL && close_paren[1] == ' ' && close_paren[2] == 'T';
}

/* 1: the process has a claim, *ret_left ms until the last one's lease is over (negative: it is). 0: none is recorded. */
static int claim_of(sqlite3 *db, long pid, unsigned long long start, int64_t *ret_left)
{
    sqlite3_stmt *st = NULL;
    int found = 0;

    if (db == NULL ||
        sqlite3_prepare_v2(db, sql_state[SQL_STATE_STORE_HOLDER_CLAIM].text, -1, &st, NULL) != SQLITE_OK)
        return 0;
    bind_i64(st, 1, pid);
    bind_i64(st, 2, (int64_t)start);
    bind_text(st, 3, clock_boot_id());
    if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL) {
        *ret_left = col_i64(st, 0) - clock_boot_ms();
        found = 1;
    }
    sqlite3_finalize(st);
    return found;
}

static int end_process(int pidfd, long pid, char *why_not, size_t size)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};

    if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0) {
        snprintf(why_not, size, "process %ld holds the lock and may not be ended: %s", pid, strerror(errno));
        return 0;
    }
    for (int64_t until = clock_mono_ms() + 5000; clock_mono_ms() < until;)
        if (poll(&p, 1, 100) > 0)
            return 1;
    snprintf(why_not, size, "process %ld holds the lock and does not die", pid);
    return 0;
}

int stuck_end_process(long pid, unsigned long long start)
{
    char why_not[200];
    int pidfd = pid > 0 && pid != (long)getpid() ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;

    if (pidfd < 0)
        return 0;
    /* The pidfd pins the process: when start time and name still agree, it is the owner. */
    int rc =
        fs_pid_start(pid) == start && is_orch(pid) ? end_process(pidfd, pid, why_not, sizeof why_not) : 0;
    close(pidfd);
    return rc;
}

int stuck_end(sqlite3 *db, const char *path, char *said, size_t said_size, char *why_not, size_t why_not_size)
{
    int64_t left = 0;
    int rc = 0, pidfd = -1;
    long pid = stuck_holder(path);

    if (pid <= 0 || pid == (long)getpid())
        return 0;
    unsigned long long start = fs_pid_start(pid);
    pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (start == 0 || pidfd < 0)
        goto out;
    int claimed = claim_of(db, pid, start, &left);
    if (!claimed && (!is_orch(pid) || !is_stopped(pid))) {
        snprintf(why_not, why_not_size, "process %ld holds the lock", pid);
        goto out;
    }
    if (claimed && left > 0) {
        snprintf(why_not, why_not_size, "process %ld holds the lock, its lease ends in %lld s", pid,
                 (long long)(left + 999) / 1000);
        goto out;
    }
    if (!claimed) { /* without a lease there is only its stillness to judge by: look twice */
        clock_sleep_ms(1000);
        if (!is_stopped(pid))
            goto out;
    }
    /* The pidfd pins the process: when start time and lock still agree, it is the one that was looked at. */
    if (fs_pid_start(pid) != start || stuck_holder(path) != pid)
        goto out;
    rc = end_process(pidfd, pid, why_not, why_not_size);
    if (rc == 1 && claimed)
        snprintf(said, said_size,
                 "process %ld held the state file %s inside a transaction though its lease was over since "
                 "%lld s; it was "
                 "ended so that work goes on",
                 pid, path, (long long)(-left / 1000));
    else if (rc == 1)
        snprintf(said, said_size,
                 "process %ld was stopped inside a transaction of the state file %s; it was ended so "
                 "that work goes on",
                 pid, path);
out:
    if (pidfd >= 0)
        close(pidfd);
    return rc;
}

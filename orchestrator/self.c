#include "orchestrator/self.h"
#include <spawn.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int self_path(char ret[SELF_SIZE], struct err *err)
{
    ssize_t n = readlink("/proc/self/exe", ret, SELF_SIZE - 1);

    if (n < 0)
        return err_errno(err, errno, "cannot tell where orch is");
    ret[n] = '\0';
    return 0;
}

/* A file without a name: whoever reads or writes it may take its time, and nobody waits for a pipe. */
static int nameless(const char *text, size_t n, int *ret, struct err *err)
{
    *ret = memfd_create("orch", MFD_CLOEXEC);
    if (*ret < 0 || write(*ret, text, n) != (ssize_t)n || lseek(*ret, 0, SEEK_SET) < 0)
        return err_errno(err, errno, "no memory for a program's input and output");
    return 0;
}

static int contents(int fd, struct buf *ret, struct err *err)
{
    char chunk[4096];
    ssize_t n;
    int rc = 0;

    buf_clear(ret);
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_errno(err, errno, "cannot read a program's output");
    while (rc == 0 && (n = read(fd, chunk, sizeof chunk)) != 0)
        rc = n < 0 ? err_errno(err, errno, "cannot read a program's output")
                   : buf_add(ret, chunk, (size_t)n, err);
    return rc;
}

static int start(const char *const argv[], const int fds[3], pid_t *ret, struct err *err)
{
    posix_spawn_file_actions_t actions;
    int saved = posix_spawn_file_actions_init(&actions);

    for (int i = 0; i < 3 && saved == 0; i++)
        saved = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    if (saved == 0)
        saved = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return saved == 0 ? 0 : err_errno(err, saved, "cannot run %s", argv[0]);
}

int self_child(const char *const argv[], const char *in, size_t n, struct buf *out, struct buf *talk,
               struct err *err)
{
    int fds[3] = {-1, -1, -1}, status = 0;
    pid_t pid = 0;
    int rc = nameless(in, n, &fds[0], err);

    for (int i = 1; rc == 0 && i < 3; i++)
        rc = nameless("", 0, &fds[i], err);
    if (rc == 0)
        rc = start(argv, fds, &pid, err);
    while (rc == 0 && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            rc = err_errno(err, errno, "cannot wait for %s", argv[0]);
    if (rc == 0)
        rc = contents(fds[1], out, err);
    if (rc == 0)
        rc = contents(fds[2], talk, err);
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (rc < 0)
        return rc;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

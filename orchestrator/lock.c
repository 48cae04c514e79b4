#include "orchestrator/lock.h"
#include "base/fs.h"
#include "base/mem.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct lock {
    int fd;
    char *path;
};

/* The file may have been deleted between open and flock: then what is locked is no name any more. */
static bool still_there(int fd, const char *path)
{
    struct stat ours, now;

    return fstat(fd, &ours) == 0 && stat(path, &now) == 0 && ours.st_ino == now.st_ino &&
           ours.st_dev == now.st_dev;
}

/* 1 locked, 0 held by another, 2 the name went meanwhile. */
static int try_take(const char *path, int *ret_fd, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_errno(err, errno, "cannot make lock file %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int saved = errno;
        close(fd);
        return saved == EWOULDBLOCK ? 0 : err_errno(err, saved, "cannot lock %s", path);
    }
    if (!still_there(fd, path)) {
        close(fd);
        return 2;
    }
    *ret_fd = fd;
    return 1;
}

int lock_take(const char *dir, const char *name, struct lock **ret, struct err *err)
{
    char *path = fs_join(dir, name), text[32];
    int fd = -1, rc;

    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        rc = err_errno(err, errno, "cannot make folder %s", dir);
        goto out;
    }
    rc = try_take(path, &fd, err);
    for (int i = 0; rc == 2 && i < 10; i++)
        rc = try_take(path, &fd, err);
    if (rc == 2)
        rc = 0;
    if (rc != 1)
        goto out;
    /* For people who look; nothing reads it. */
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        rc = err_errno(err, errno, "cannot write lock file %s", path);
        unlink(path);
        close(fd);
        goto out;
    }
    *ret = xcalloc(1, sizeof **ret);
    (*ret)->fd = fd;
    (*ret)->path = path;
    path = NULL;
out:
    free(path);
    return rc;
}

void lock_release(struct lock *l)
{
    if (l == NULL)
        return;
    unlink(l->path); /* while it is still held: nobody can have taken the name */
    close(l->fd);
    free(l->path);
    free(l);
}

int lock_held(const char *dir, const char *name, struct err *err)
{
    char *path = fs_join(dir, name);
    int rc = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno != ENOENT) {
        rc = err_errno(err, errno, "cannot open lock file %s", path);
    } else if (fd >= 0 &&
               flock(fd, LOCK_SH | LOCK_NB) < 0) { /* shared: two who ask at once do not see each other */
        rc = errno == EWOULDBLOCK ? 1 : err_errno(err, errno, "cannot ask for the lock of %s", path);
    }
    if (fd >= 0)
        close(fd);
    free(path);
    return rc;
}

void lock_remove(const char *dir, const char *name)
{
    char *path = fs_join(dir, name);

    err_ignore(unlink(path));
    free(path);
}

static bool is_lock_name(const char *name)
{
    size_t n = strspn(name, "0123456789");

    return n > 0 && name[n] == '.' && isdigit((unsigned char)name[n + 1]) &&
           name[n + 1 + strspn(name + n + 1, "0123456789")] == '\0';
}

int lock_sweep(const char *dir, struct err *err)
{
    const struct dirent *e;
    int gone = 0;
    DIR *d = opendir(dir);

    if (d == NULL)
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot list %s", dir);
    while ((e = readdir(d)) != NULL) {
        if (!is_lock_name(e->d_name))
            continue;
        int fd = openat(dirfd(d), e->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            gone += unlinkat(dirfd(d), e->d_name, 0) == 0;
        close(fd);
    }
    closedir(d);
    return gone;
}

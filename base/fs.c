#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_fd(int fd, const char *path, struct buf *ret, struct err *err)
{
    buf_clear(ret);
    for (;;) {
        char chunk[16384];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "cannot read %s", path);
        if (buf_add(ret, chunk, (size_t)n, err) < 0)
            return err_prefix(err, "%s", path);
        if (n == 0)
            return 0;
    }
}

int fs_read(const char *path, struct buf *ret, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_errno(err, errno, "cannot open %s", path);
    int rc = read_fd(fd, path, ret, err);
    close(fd);
    return rc;
}

int fs_read_or_stdin(const char *path, struct buf *ret, struct err *err)
{
    return strcmp(path, "-") == 0 ? read_fd(STDIN_FILENO, "standard input", ret, err)
                                  : fs_read(path, ret, err);
}

/* The new name, too, has to survive a power cut. */
int fs_sync_dir(const char *path, struct err *err)
{
    char *dir = fs_dirname(path);
    int rc = 0;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL)) /* EINVAL: a file system that has no such thing */
        rc = err_errno(err, errno, "cannot sync folder %s", dir);
    if (fd >= 0)
        close(fd);
    free(dir);
    return rc;
}

/* rename() puts a file in the place of whatever has that name, be it /dev/null. */
int fs_check_plain(const char *path, struct err *err)
{
    struct stat st;

    if (lstat(path, &st) < 0 || S_ISREG(st.st_mode))
        return 0;
    err_set(err, ERR_IO, "%s is no plain file: nothing was written", path);
    return err_hint(err, "%s; name a file",
                    S_ISDIR(st.st_mode)   ? "it is a folder"
                    : S_ISLNK(st.st_mode) ? "it is a link"
                                          : "it is a device, a pipe or a socket");
}

int fs_write(const char *path, const void *p, size_t n, unsigned mode, struct err *err)
{
    const char *at = p;
    size_t left = n;
    int rc = fs_check_plain(path, err);
    if (rc < 0)
        return rc;
    char *tmp = xasprintf("%s.tmp.%ld", path, (long)getpid());
    unlink(tmp); /* of a process of that number that died; or a link that somebody put there */
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);

    if (fd < 0) {
        rc = err_errno(err, errno, "cannot create %s", tmp);
        goto out;
    }
    while (left > 0) {
        ssize_t done = write(fd, at, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            rc = err_errno(err, errno, "cannot write %s", tmp);
            goto out;
        }
        at += done;
        left -= (size_t)done;
    }
    if (fsync(fd) < 0) {
        rc = err_errno(err, errno, "cannot sync %s", tmp);
        goto out;
    }
    if (rename(tmp, path) < 0)
        rc = err_errno(err, errno, "cannot rename %s to %s", tmp, path);
    else
        rc = fs_sync_dir(path, err);
out:
    if (fd >= 0)
        close(fd);
    if (rc < 0)
        unlink(tmp);
    free(tmp);
    return rc;
}

static int make_dir(const char *path, struct err *err)
{
    struct stat st;

    if (mkdir(path, 0755) == 0)
        return 0;
    int saved = errno;
    /* whatever mkdir said of it (EROFS, EACCES), a folder that is there is well */
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return err_errno(err, saved == EEXIST ? ENOTDIR : saved, "cannot make folder %s", path);
}

int fs_mkdir_p(const char *path, struct err *err)
{
    char *copy = xstrdup(path);
    int rc = 0;

    for (char *p = copy; rc == 0 && *p != '\0'; p++) {
        if (*p != '/' || p == copy)
            continue;
        *p = '\0';
        rc = make_dir(copy, err);
        *p = '/';
    }
    if (rc == 0)
        rc = make_dir(copy, err);
    free(copy);
    return rc;
}

char *fs_join(const char *dir, const char *name)
{
    size_t n = strlen(dir);

    if (name[0] == '/' || n == 0)
        return xstrdup(name);
    return xasprintf("%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

char *fs_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static int read_secret(const char *path, mode_t forbidden, char **ret_owned, struct err *err)
{
    struct buf b = BUF_INIT(MAX_SECRET);
    struct stat st;
    int rc = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_errno(err, errno, "cannot open secret file %s", path);
    if (fstat(fd, &st) < 0) {
        rc = err_errno(err, errno, "cannot stat secret file %s", path);
        goto out;
    }
    if ((st.st_mode & forbidden) != 0) {
        err_set(err, ERR_ACCESS_DENIED, "secret file %s may be read by others (mode %03o)", path,
                (unsigned)(st.st_mode & 0777));
        rc = err_hint(err, forbidden == 077 ? "chmod 600 %s" : "chmod 440 %s", path);
        goto out;
    }
    rc = read_fd(fd, path, &b, err);
    if (rc < 0)
        goto out;
    while (b.n > 0 && (b.p[b.n - 1] == '\n' || b.p[b.n - 1] == '\r'))
        b.p[--b.n] = '\0';
    *ret_owned = buf_take(&b);
out:
    close(fd);
    buf_release(&b);
    return rc;
}

int fs_read_secret(const char *path, char **ret_owned, struct err *err)
{
    return read_secret(path, 077, ret_owned, err);
}

int fs_read_credential(const char *dir, const char *name, char **ret_owned, struct err *err)
{
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return err_set(err, ERR_CONFIG,
                       "'%.80s' is no name of a credential: no slash, and no dot at its start", name);
    if (dir == NULL) {
        err_set(err, ERR_CONFIG, "CREDENTIALS_DIRECTORY is not set: there is no credential '%.80s'", name);
        return err_hint(
            err,
            "run under systemd with LoadCredential=%.80s:FILE; by hand, CREDENTIALS_DIRECTORY names "
            "a folder of such files",
            name);
    }
    char *path = fs_join(dir, name);
    int rc = read_secret(path, 037, ret_owned, err);
    if (rc == -ERR_NOT_FOUND) {
        err_set(err, ERR_CONFIG, "there is no credential '%.80s' in %s", name, dir);
        rc = err_hint(err, "LoadCredential=%.80s:FILE in the unit", name);
    }
    free(path);
    return rc;
}

unsigned long long fs_pid_start(long pid)
{
    char path[64], text[1024];
    unsigned long long start = 0;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    char *p = strrchr(text, ')'); /* the name may hold blanks and parentheses */
    for (int field = 2; p != NULL && field < 22; field++)
        p = strchr(p + 1, ' ');
    if (p != NULL)
        start = strtoull(p + 1, NULL, 10);
    return start;
}

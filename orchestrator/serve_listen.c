#include "orchestrator/serve_listen.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "orchestrator/lock.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static int taken(const char *where, struct err *err)
{
    err_set(err, ERR_BUSY, "%s is taken: another process listens there", where);
    return err_hint(err, "orch serve may run already; --listen or serve.listen name another place");
}

/* The name of a socket outlives its process; the lock beside it, PATH.lock, does not. */
static int take_lock(const char *path, struct serve_place *p, struct err *err)
{
    char *dir = fs_dirname(path), *name = xasprintf("%s.lock", strrchr(path, '/') + 1);
    struct stat there;
    int rc;

    if (stat(dir, &there) < 0) /* lock_take would make it, for us alone */
        rc = err_errno(err, errno, "%s", dir);
    else
        rc = lock_take(dir, name, &p->lock, err);
    free(dir);
    free(name);
    return rc == 0 ? taken(path, err) : rc < 0 ? rc : 0;
}

static int listen_unix(const char *path, struct serve_place *p, struct err *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct stat there;
    mode_t before;
    int rc = 0;

    p->loopback = true;
    if (*path != '/' || strlen(path) >= sizeof a.sun_path || strlen(path) >= sizeof p->path)
        return err_set(err, ERR_CONFIG, "unix:%s: an absolute path of at most %zu bytes is expected", path,
                       sizeof a.sun_path - 1);
    snprintf(p->path, sizeof p->path, "%s", path);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    rc = take_lock(path, p, err);
    if (rc < 0)
        return rc;
    if (lstat(path, &there) == 0 && !S_ISSOCK(there.st_mode))
        return err_set(err, ERR_CONFIG, "%s is there, and is no socket", path);
    err_ignore(unlink(path));
    p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    before = umask(0117); /* owner and group */
    if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(p->fd, BACKLOG) < 0)
        rc = err_errno(err, errno, "%s", path);
    umask(before);
    snprintf(p->url, sizeof p->url, "unix:%s", path);
    return rc;
}

/* "127.0.0.1:8086" -> an address. Numbers only: a name may come to point elsewhere. */
static int parse(const char *where, struct sockaddr_storage *ret, socklen_t *ret_n, char host[64],
                 struct err *err)
{
    const char *colon = strrchr(where, ':'), *from = where;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct err ignored;
    int64_t port = -1;
    size_t n = colon != NULL ? (size_t)(colon - where) : 0;

    if (n > 2 && where[0] == '[' && where[n - 1] == ']') {
        from++;
        n -= 2;
    }
    if (colon != NULL)
        err_ignore(str_to_i64(str_of(colon + 1), 0, 65535, &port, &ignored));
    snprintf(host, 64, "%.*s", (int)(n < 63 ? n : 0), from);
    if (strcmp(host, "localhost") == 0)
        snprintf(host, 64, "127.0.0.1");
    if (port >= 0 && from == where && inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        v4.sin_port = htons((uint16_t)port);
        memcpy(ret, &v4, sizeof v4);
        *ret_n = sizeof v4;
        return 0;
    }
    if (port >= 0 && from > where && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        v6.sin6_port = htons((uint16_t)port);
        memcpy(ret, &v6, sizeof v6);
        *ret_n = sizeof v6;
        return 0;
    }
    err_set(err, ERR_CONFIG, "'%s' is no place to listen at", where);
    return err_hint(err, "127.0.0.1:8086, [::1]:8086 or unix:/run/orch/serve.sock");
}

static bool is_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24) == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

static int listen_ip(const char *where, bool has_token, struct serve_place *p, struct err *err)
{
    struct sockaddr_storage a = {0};
    socklen_t n = 0;
    int on = 1, rc = parse(where, &a, &n, p->host, err);

    if (rc < 0)
        return rc;
    p->loopback = is_loopback(&a);
    if (!p->loopback && !has_token) {
        err_set(err, ERR_CONFIG, "%s is no loopback address: whoever reaches it could read everything",
                where);
        return err_hint(err, "--token-file FILE, or serve.token_file, with a token that clients send; orch "
                             "init makes serve.token");
    }
    p->fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->fd < 0)
        return err_errno(err, errno, "%s", where);
    err_ignore(setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    if (bind(p->fd, (struct sockaddr *)&a, n) < 0 || listen(p->fd, BACKLOG) < 0)
        return errno == EADDRINUSE ? taken(where, err) : err_errno(err, errno, "%s", where);
    n = sizeof a;
    err_ignore(getsockname(p->fd, (struct sockaddr *)&a, &n));
    unsigned port = ntohs(a.ss_family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port
                                                 : ((struct sockaddr_in6 *)&a)->sin6_port);
    snprintf(p->url, sizeof p->url, a.ss_family == AF_INET ? "http://%s:%u" : "http://[%s]:%u", p->host,
             port);
    return 0;
}

int serve_listen(const char *where, bool has_token, struct serve_place *ret, struct err *err)
{
    int rc;

    *ret = (struct serve_place){.fd = -1};
    rc =
        str_starts(where, "unix:") ? listen_unix(where + 5, ret, err) : listen_ip(where, has_token, ret, err);
    if (rc < 0) {
        if (ret->fd >= 0)
            close(ret->fd);
        lock_release(ret->lock);
        ret->fd = -1;
        ret->lock = NULL;
    }
    return rc;
}

void serve_unlisten(struct serve_place *p)
{
    if (p->lock != NULL)
        err_ignore(unlink(p->path));
    lock_release(p->lock);
    p->lock = NULL;
}

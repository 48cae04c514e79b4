/*
 * The door to libmicrohttpd, and the process around it: the main thread takes connections, looks every second for those
 * that are too slow, and waits for the signal to stop; each connection has a thread of its own.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "orchestrator/cmd.h"
#include "orchestrator/engine.h"
#include "orchestrator/serve_int.h"
#include "orchestrator/serve_listen.h"
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MEMORY = 64 * KIB, /* of a connection: line and header are refused long before they fill it */
    LINGER_MS = 2000,
    STOP_MS = 20000,
};
enum phase { WAITS, READS, WORKS, SENDS };

struct link { /* a connection */
    struct link *next, *before;
    int fd;
    bool known; /* the library has begun with it */
    enum phase phase;
    int64_t since_ms;
    unsigned char ip[16]; /* of IPv6 the first half; zero: none, or loopback */
    char peer[INET6_ADDRSTRLEN], local[INET6_ADDRSTRLEN];
};
struct door {
    struct serve *serve;
    pthread_mutex_t lock;
    struct link *links;
    size_t most;           /* connections at once */
    _Atomic size_t coming; /* that were taken, and are not closed */
    int gone;              /* an eventfd: one was closed */
    int64_t timeout_ms;
};
struct flight { /* a request */
    struct door *door;
    char *target;
    struct link *link;
    struct serve_call *call; /* NULL: its header has not come */
    bool linger;
};

static void enter(struct door *d, struct link *l, enum phase phase)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&d->lock);
    l->phase = phase;
    l->since_ms = clock_mono_ms();
    pthread_mutex_unlock(&d->lock);
}

/* --- connections --- */

static void name_of(const struct sockaddr *a, char out[INET6_ADDRSTRLEN], unsigned char ip[16])
{
    memset(ip, 0, 16);
    out[0] = '\0';
    if (a != NULL && a->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)a;
        inet_ntop(AF_INET, &v4->sin_addr, out, INET6_ADDRSTRLEN);
        memcpy(ip, &v4->sin_addr, 4);
        if (ip[0] == 127)
            memset(ip, 0, 16);
    } else if (a != NULL && a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)a;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, out, INET6_ADDRSTRLEN);
            memcpy(ip, v6->sin6_addr.s6_addr + 12, 4);
        } else {
            inet_ntop(AF_INET6, &v6->sin6_addr, out, INET6_ADDRSTRLEN);
            if (!IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr))
                memcpy(ip, v6->sin6_addr.s6_addr, 8);
        }
    }
}

static struct link *link_new(int fd)
{
    struct sockaddr_storage a = {0};
    socklen_t n = sizeof a;
    unsigned char unused[16];
    struct link *l = xcalloc(1, sizeof *l);

    l->fd = fd;
    l->since_ms = clock_mono_ms();
    if (getpeername(l->fd, (struct sockaddr *)&a, &n) == 0)
        name_of((const struct sockaddr *)&a, l->peer, l->ip);
    n = sizeof a;
    if (getsockname(l->fd, (struct sockaddr *)&a, &n) == 0)
        name_of((const struct sockaddr *)&a, l->local, unused);
    if (l->peer[0] == '\0')
        snprintf(l->peer, sizeof l->peer, "socket");
    return l;
}

/* By who has taken it, so that it counts from then on: those of one burst are all there before the library begins with one. */
static struct link *link_add(struct door *d, int fd)
{
    struct link *l = link_new(fd);

    pthread_mutex_lock(&d->lock);
    l->next = d->links;
    if (l->next != NULL)
        l->next->before = l;
    d->links = l;
    pthread_mutex_unlock(&d->lock);
    return l;
}

static void link_remove(struct door *d, struct link *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&d->lock);
    *(l->before != NULL ? &l->before->next : &d->links) = l->next;
    if (l->next != NULL)
        l->next->before = l->before;
    pthread_mutex_unlock(&d->lock);
    free(l);
}

static struct link *link_of(struct door *d, struct MHD_Connection *k)
{
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(k, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct link *l;

    pthread_mutex_lock(&d->lock);
    for (l = d->links; l != NULL && (l->known || fd == NULL || l->fd != fd->connect_fd); l = l->next)
        ;
    if (l != NULL)
        l->known = true;
    pthread_mutex_unlock(&d->lock);
    return l;
}

static void on_connection(void *arg, struct MHD_Connection *k, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct door *d = arg;

    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *context = link_of(d, k);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        uint64_t one = 1;
        link_remove(d, *context); /* its descriptor is closed after this */
        *context = NULL;
        atomic_fetch_sub(&d->coming, 1);
        err_ignore((int)write(d->gone, &one, sizeof one));
    }
}

/* Ends what is too slow: a header that does not come to an end, a body, an answer that nobody takes. The library's own
 * time-out sees only silence, and a byte a second is none. all: what waits for a next request ends too. */
static size_t sweep(struct door *d, bool all)
{
    int64_t now = clock_mono_ms();
    size_t busy = 0;

    pthread_mutex_lock(&d->lock);
    for (struct link *l = d->links; l != NULL; l = l->next) {
        int64_t limit = l->phase == WAITS ? d->timeout_ms : 4 * d->timeout_ms;
        busy += l->phase != WAITS;
        if (l->phase != WORKS && (now - l->since_ms > limit || (all && l->phase == WAITS)))
            err_ignore(shutdown(l->fd, SHUT_RDWR));
    }
    pthread_mutex_unlock(&d->lock);
    return busy;
}

/* --- requests --- */

static void *on_target(void *arg, const char *target, struct MHD_Connection *k)
{
    const union MHD_ConnectionInfo *context = MHD_get_connection_info(k, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct flight *f = xcalloc(1, sizeof *f);

    f->door = arg;
    f->target = xstrdup(target);
    f->link = context != NULL ? context->socket_context : NULL;
    return f;
}

/* The library would decode once and so would we: %2541 must not become A. */
static size_t undecoded(void *arg, struct MHD_Connection *k, char *s)
{
    UNUSED(arg);
    UNUSED(k);
    return strlen(s);
}

/* What was refused before its body came: the client may still be sending, and a close would reset the connection, so that
 * it never sees the answer. */
static void linger(const struct link *l)
{
    int64_t until = clock_mono_ms() + LINGER_MS;
    char drop[4096];

    err_ignore(shutdown(l->fd, SHUT_WR));
    for (int64_t left; (left = until - clock_mono_ms()) > 0;) {
        struct pollfd p = {.fd = l->fd, .events = POLLIN};
        if (poll(&p, 1, (int)left) <= 0 || recv(l->fd, drop, sizeof drop, MSG_DONTWAIT) <= 0)
            return;
    }
}

static void on_completed(void *arg, struct MHD_Connection *k, void **context,
                         enum MHD_RequestTerminationCode how)
{
    struct flight *f = *context;

    UNUSED(arg);
    UNUSED(k);
    if (f == NULL)
        return;
    if (f->linger && how == MHD_REQUEST_TERMINATED_COMPLETED_OK && f->link != NULL)
        linger(f->link);
    enter(f->door, f->link, WAITS);
    serve_call_free(f->call);
    free(f->target);
    free(f);
    *context = NULL;
}

struct lines {
    struct serve_line all[MAX_SERVE_HEADERS + 1];
    size_t count;
    bool bad;
};

static enum MHD_Result on_line(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n,
                               const char *value, size_t n)
{
    struct lines *l = arg;

    UNUSED(kind);
    l->bad = l->bad || strlen(name) != name_n;
    if (l->count > MAX_SERVE_HEADERS)
        return MHD_NO;
    l->all[l->count++] = (struct serve_line){name, value != NULL ? value : "", value != NULL ? n : 0};
    return MHD_YES;
}

static enum MHD_Result answer(struct flight *f, struct MHD_Connection *k)
{
    struct serve_reply r;

    serve_call_reply(f->call, &r);
    enter(f->door, f->link, SENDS);
    size_t n = r.body->n;
    struct MHD_Response *out =
        n > 0 ? MHD_create_response_from_buffer(n, buf_take(r.body), MHD_RESPMEM_MUST_FREE)
              : MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (out == NULL)
        return MHD_NO;
    for (size_t i = 0; i < r.line_count; i++)
        err_ignore(MHD_add_response_header(out, r.lines[i].name, r.lines[i].value) == MHD_YES ? 0 : -1);
    enum MHD_Result rc = MHD_queue_response(k, (unsigned)r.status, out);
    MHD_destroy_response(out);
    return rc;
}

static void begin(struct flight *f, struct MHD_Connection *k, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(k, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct lines *l = xcalloc(1, sizeof *l);
    struct serve_incoming in = {
        .method = method, .target = f->target, .version = version, .peer = "socket", .local = ""};

    enter(f->door, f->link, READS);
    MHD_get_connection_values_n(k, MHD_HEADER_KIND, on_line, l);
    in.lines = l->all;
    in.line_count = l->count;
    in.bad = l->bad;
    in.head_size = size != NULL ? size->header_size : 0;
    if (f->link != NULL) {
        in.peer = f->link->peer;
        in.local = f->link->local;
    }
    f->call = serve_call_new(f->door->serve, &in);
    free(l);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *k, const char *url, const char *method,
                                  const char *version, const char *data, size_t *n, void **context)
{
    struct flight *f = *context;

    UNUSED(arg);
    UNUSED(url);
    if (f->call == NULL) {
        begin(f, k, method, version);
        f->linger = serve_call_refused(f->call) && serve_call_has_body(f->call);
        return f->linger ? answer(f, k)
                         : MHD_YES; /* before a body that nobody wants; else it is called again */
    }
    if (*n > 0) {
        bool goes_on = serve_call_body(f->call, data, *n);
        *n = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    enter(f->door, f->link, WORKS);
    serve_call_run(f->call);
    return answer(f, k);
}

/* --- the process --- */

static struct MHD_Daemon *start(struct door *d)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are the main thread's */
    struct MHD_Daemon *m = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC |
            MHD_USE_NO_LISTEN_SOCKET,
        0, NULL, NULL, on_request, d, MHD_OPTION_CONNECTION_LIMIT, (unsigned)d->most + 8,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)((d->timeout_ms + 999) / 1000),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_completed, d,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, d, MHD_OPTION_URI_LOG_CALLBACK, on_target, d,
        MHD_OPTION_UNESCAPE_CALLBACK, undecoded, d, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return m;
}

/* Of one address no more than a quarter of all; behind a proxy all come from loopback, which has no such limit. */
static bool may_come(struct door *d, const struct sockaddr *a)
{
    static const unsigned char none[16];
    char name[INET6_ADDRSTRLEN];
    unsigned char ip[16];
    size_t count = 0;

    name_of(a, name, ip);
    if (memcmp(ip, none, sizeof ip) == 0)
        return true;
    pthread_mutex_lock(&d->lock);
    for (const struct link *l = d->links; l != NULL; l = l->next)
        count += memcmp(l->ip, ip, sizeof ip) == 0;
    pthread_mutex_unlock(&d->lock);
    return count < (d->most + 3) / 4;
}

/* The library would take and close those beyond its limit at once; here they wait in the system's queue. */
static void take_one(struct door *d, struct MHD_Daemon *m, int listening)
{
    struct sockaddr_storage a = {0};
    socklen_t n = sizeof a;
    int on = 1, fd = accept4(listening, (struct sockaddr *)&a, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            clock_sleep_ms(100); /* it stays there, and poll would tell it again and again */
        return;
    }
    if (!may_come(d, (const struct sockaddr *)&a)) {
        close(fd);
        return;
    }
    if (a.ss_family != AF_UNIX)
        err_ignore(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    atomic_fetch_add(&d->coming, 1);
    struct link *l = link_add(d, fd);
    if (MHD_add_connection(m, fd, (const struct sockaddr *)&a, n) == MHD_YES)
        return;
    link_remove(d, l); /* it has closed the descriptor */
    atomic_fetch_sub(&d->coming, 1);
}

/* Until the signal to stop: takes connections while there may be more, and looks after them once a second. */
static void accept_all(struct door *d, struct MHD_Daemon *m, int listening)
{
    int64_t swept = clock_mono_ms();

    while (engine_stop_signal == 0) {
        struct pollfd p[2] = {{.fd = d->gone, .events = POLLIN}, {.fd = listening, .events = POLLIN}};
        bool full = atomic_load(&d->coming) >= d->most;
        uint64_t drop;
        if (poll(p, full ? 1 : 2, 1000) > 0 && p[0].revents != 0)
            err_ignore((int)read(d->gone, &drop, sizeof drop));
        if (!full && p[1].revents != 0)
            take_one(d, m, listening);
        if (clock_mono_ms() - swept < 1000)
            continue;
        sweep(d, false);
        serve_pool_sweep(d->serve->pool);
        serve_figures_write(d->serve);
        swept = clock_mono_ms();
    }
}

static int run(struct door *d, struct MHD_Daemon *m, int listening, struct err *err)
{
    size_t busy = 1;

    accept_all(d, m, listening);
    atomic_store(&d->serve->stopping, true);
    close(listening);
    for (int64_t until = clock_mono_ms() + STOP_MS; busy > 0 && clock_mono_ms() < until;
         clock_sleep_ms(busy > 0 ? 50 : 0))
        busy = sweep(d, true);
    if (busy >
        0) /* threads that do not come back cannot be waited for; a request that dies is what the protocol bears */
        return err_set(err, ERR_TIMEOUT, "%zu requests were still under way after %d s", busy,
                       STOP_MS / 1000);
    MHD_stop_daemon(m);
    return 0;
}

int serve_run(const struct config *c, const struct serve_options *o, struct err *err)
{
    struct serve s = {.config = c, .o = o, .hosts = c->serve.hosts};
    struct door d = {.serve = &s, .timeout_ms = c->serve.timeout_ms, .most = (size_t)c->serve.connections};
    struct serve_place place = {0};
    struct MHD_Daemon *m = NULL;
    int rc = serve_listen(o->listen, o->token != NULL, &place, err);

    if (rc == 0)
        rc = fault_point("serve.started", err); /* by this thread, before there are others */
    if (rc < 0)
        return rc;
    s.loopback = place.loopback;
    s.pool = serve_pool_new(c);
    s.figures = serve_figures_new(c);
    s.sessions = serve_sessions_new();
    serve_secret(s.local_csrf);
    pthread_mutex_init(&d.lock, NULL);
    d.gone = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    m = d.gone >= 0 ? start(&d) : NULL;
    if (m == NULL) {
        rc = err_set(err, ERR_IO, "the server cannot start: no threads, or no descriptors");
        close(place.fd);
    } else {
        cli_say("serve: %s, %s", place.url, o->allow_write ? "changes are taken" : "nothing is changed");
        rc = run(&d, m, place.fd, err);
    }
    serve_unlisten(&place);
    serve_figures_write(&s);
    if (rc < 0 && m != NULL) {
        cli_say_error(err);
        _exit(err_exit_status(err->code));
    }
    if (rc == 0)
        cli_say("serve: stopped");
    serve_pool_free(s.pool);
    serve_figures_free(s.figures);
    serve_sessions_free(s.sessions);
    if (d.gone >= 0)
        close(d.gone);
    pthread_mutex_destroy(&d.lock);
    return rc;
}

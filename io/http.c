#include "io/http.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/curl_int.h"
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

enum { CONNECT_TIMEOUT_MS = 10000, STALL_TIMEOUT_MS = 30000, WAIT_MS = 500 };

struct http {
    CURLM *multi;
    int open; /* responses that point here */
};

struct http_response {
    struct http *h;
    CURL *easy;
    struct curl_slist *headers_out; /* owned */
    char *sent;                     /* owned copy of the request's body; NULL: it stays where it is */
    char *where;                    /* owned: "https://host:port" for messages */
    struct buf headers;             /* "name: value" NUL "name: value" NUL ... */
    unsigned char *body;            /* owned, HTTP_READ_AHEAD bytes; [at, end) waits to be read */
    size_t at, end;
    bool headers_done, paused, done, headers_too_large;
    bool refused;    /* an address that no_link_local forbids */
    CURLcode result; /* when done */
    int status;
    int stall_ms;
    const struct beat *beat; /* borrowed */
    int64_t beaten, moved;   /* mono ms: of the last beat; of the last byte in either direction */
    curl_off_t uploaded;
    char detail[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void global_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        abort();
}

void curl_once(void)
{
    pthread_once(&once, global_init);
}

int http_new(struct http **ret, struct err *err)
{
    curl_once();
    struct http *h = xcalloc(1, sizeof *h);
    h->multi = curl_multi_init();
    if (h->multi == NULL) {
        free(h);
        return err_set(err, ERR_INTERNAL, "libcurl cannot be started");
    }
    *ret = h;
    return 0;
}

void http_free(struct http *h)
{
    if (h == NULL)
        return;
    assert(h->open == 0);
    curl_multi_cleanup(h->multi);
    free(h);
}

/* ---- what libcurl calls ---- */

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct http_response *r = arg;
    struct err err;

    n *= size;
    r->moved = clock_mono_ms();
    if (r->headers_done) /* a trailer: nothing here wants one */
        return n;
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
        buf_clear(&r->headers); /* of a 100 Continue before */
        return n;
    }
    size_t used = n;
    while (used > 0 && (p[used - 1] == '\r' || p[used - 1] == '\n'))
        used--;
    if (used == 0) {
        long status = 0;
        curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
        r->status = (int)status;
        r->headers_done = status >= 200;
        return n;
    }
    while (p[used - 1] == ' ' || p[used - 1] == '\t')
        if (--used == 0)
            return n;
    if (memchr(p, '\0', used) != NULL || buf_add(&r->headers, p, used, &err) < 0 ||
        buf_add(&r->headers, "", 1, &err) < 0) {
        r->headers_too_large = true;
        return 0;
    }
    return n;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct http_response *r = arg;

    n *= size;
    r->moved = clock_mono_ms();
    if (r->body == NULL)
        r->body = xmalloc(HTTP_READ_AHEAD);
    if (n > HTTP_READ_AHEAD - r->end && r->at > 0) {
        memmove(r->body, r->body + r->at, r->end - r->at);
        r->end -= r->at;
        r->at = 0;
    }
    if (n > HTTP_READ_AHEAD - r->end) {
        r->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    memcpy(r->body + r->end, p, n);
    r->end += n;
    return n;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    struct http_response *r = arg;

    UNUSED(down_total), UNUSED(down), UNUSED(up_total);
    if (up != r->uploaded) {
        r->uploaded = up;
        r->moved = clock_mono_ms();
    }
    return 0;
}

static bool is_link_local(const struct sockaddr *a)
{
    const struct sockaddr_in *v4 = (const void *)a;
    const struct sockaddr_in6 *v6 = (const void *)a;
    static const unsigned char aws[16] = {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54};

    if (a->sa_family == AF_INET)
        return (ntohl(v4->sin_addr.s_addr) >> 16) == 0xa9fe;
    if (a->sa_family != AF_INET6)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        return v6->sin6_addr.s6_addr[12] == 0xa9 && v6->sin6_addr.s6_addr[13] == 0xfe;
    return IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) || memcmp(&v6->sin6_addr, aws, sizeof aws) == 0;
}

/* By the address that the name has come to, whatever the name. */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct http_response *r = arg;

    UNUSED(purpose);
    if (is_link_local(&a->addr)) {
        r->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* ---- errors ---- */

enum err_code curl_code(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_USE_SSL_FAILED:
        return ERR_UNAVAILABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return ERR_CONFIG;
    case CURLE_LOGIN_DENIED:
        return ERR_ACCESS_DENIED;
    case CURLE_WEIRD_SERVER_REPLY:
        return ERR_BAD_RESPONSE;
    default: /* CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, ... */
        return ERR_TRANSIENT;
    }
}

int curl_failed(const char *where, CURLcode code, const char *detail, struct err *err)
{
    int rc = err_set(err, curl_code(code), "%s: %s", where,
                     detail != NULL && detail[0] != '\0' ? detail : curl_easy_strerror(code));

    if (code == CURLE_PEER_FAILED_VERIFICATION)
        rc = err_hint(
            err, "the server's certificate is not trusted: name its CA with ca_file, or mend the host name");
    else if (code == CURLE_SSL_CACERT_BADFILE)
        rc = err_hint(err, "ca_file must be a readable file of PEM certificates");
    return rc;
}

static int transfer_failed(const struct http_response *r, struct err *err)
{
    if (r->headers_too_large)
        return err_set(err, r->result == CURLE_WRITE_ERROR ? ERR_BAD_RESPONSE : curl_code(r->result),
                       "%s: response headers too large, or with a NUL in them", r->where);
    if (r->refused) {
        err_set(err, ERR_ACCESS_DENIED, "%s is a link-local address, where a cloud gives away credentials",
                r->where);
        return err_hint(err, "a workflow's request may not go there: its answer would stand in the history");
    }
    return curl_failed(r->where, r->result, r->detail, err);
}

/* ---- a request ---- */

/* "https://host:port" without user, path and query: those may hold what nobody should read in a log. */
char *curl_origin(const char *url)
{
    const char *host = strstr(url, "://");
    size_t scheme = host != NULL ? (size_t)(host + 3 - url) : 0;
    size_t n = strcspn(url + scheme, "/?#");
    const char *at = memrchr(url + scheme, '@', n);
    size_t user = at != NULL ? (size_t)(at + 1 - (url + scheme)) : 0;

    return xasprintf("%.*s%.*s", (int)scheme, url, (int)(n - user), url + scheme + user);
}

static int add_header(struct http_response *r, const char *line, struct err *err)
{
    struct curl_slist *more;

    for (const char *p = line; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' && *p != '\t')
            return err_set(err, ERR_CONFIG, "%s: the value of header %.*s holds a control character",
                           r->where, (int)strcspn(line, ":"), line);
    more = curl_slist_append(r->headers_out, line);
    if (more == NULL)
        abort();
    r->headers_out = more;
    return 0;
}

static int set_headers(struct http_response *r, const struct http_request *rq, struct err *err)
{
    bool typed = false;
    int rc = add_header(r, "Expect:", err); /* no round trip before a body that servers here always want */

    for (size_t i = 0; rc == 0 && rq->headers != NULL && rq->headers[i] != NULL; i++) {
        typed = typed || strncasecmp(rq->headers[i], "content-type:", 13) == 0;
        rc = add_header(r, rq->headers[i], err);
    }
    if (rc == 0 && !typed)
        rc = add_header(r, "Content-Type:", err); /* libcurl would call every body a form */
    return rc;
}

static void set_method(struct http_response *r, const struct http_request *rq)
{
    bool body = rq->body != NULL || strcmp(rq->method, "PUT") == 0 || strcmp(rq->method, "POST") == 0;

    if (strcmp(rq->method, "HEAD") == 0) {
        curl_easy_setopt(r->easy, CURLOPT_NOBODY, 1L);
    } else if (body) {
        if (!rq->body_stays || rq->body == NULL)
            r->sent = xcalloc(1, rq->body_n + 1);
        if (r->sent != NULL && rq->body != NULL)
            memcpy(r->sent, rq->body, rq->body_n);
        curl_easy_setopt(r->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->sent != NULL ? r->sent : rq->body);
        curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body_n);
    }
    if (strcmp(rq->method, "GET") != 0 && strcmp(rq->method, "HEAD") != 0)
        curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, rq->method);
}

static void set_options(struct http_response *r, const struct http_request *rq)
{
    CURL *e = r->easy;

    curl_easy_setopt(e, CURLOPT_URL, rq->url);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L); /* "/./" and "/../" are parts of S3 keys */
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(e, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    /* HTTP/2 would buffer megabytes of a paused stream; S3 does not speak it anyway */
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 256L * 1024);
    if (rq->body_n > 1024 * 1024)
        curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 1024L * 1024);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "orch");
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(rq->connect_timeout_ms > 0 ? rq->connect_timeout_ms : CONNECT_TIMEOUT_MS));
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->detail);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->headers_out);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(e, CURLOPT_XFERINFODATA, r);
    curl_easy_setopt(e, CURLOPT_PRIVATE, r);
    if (rq->ca_file != NULL)
        curl_easy_setopt(e, CURLOPT_CAINFO, rq->ca_file);
    if (rq->unix_socket != NULL)
        curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, rq->unix_socket);
    if (rq->once)
        curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
    if (rq->direct)
        curl_easy_setopt(e, CURLOPT_PROXY, "");
    if (rq->no_link_local) {
        curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
        curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, r);
    }
}

/* ---- the wheel ---- */

static int beat_now_and_then(struct http_response *r, struct err *err)
{
    int64_t now = clock_mono_ms();

    if (now - r->beaten < WAIT_MS)
        return 0;
    r->beaten = now;
    return beat(r->beat, err);
}

static int turn(struct http *h, struct err *err)
{
    int running = 0, left = 0;
    CURLMcode code = curl_multi_perform(h->multi, &running);

    if (code != CURLM_OK)
        return err_set(err, ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
    for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left)) != NULL;) {
        char *private = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode result = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        struct http_response *r = (void *)private;
        r->done = true;
        r->result = result;
    }
    return 0;
}

/* Turns until r has headers (headers) or body bytes, or has ended. */
static int wait_for(struct http_response *r, bool headers, struct err *err)
{
    int64_t began = clock_mono_ms(); /* while nobody waited, silence was our own doing */

    for (;;) {
        int rc = turn(r->h, err);
        if (rc < 0)
            return rc;
        if (r->done || (headers ? r->headers_done : r->end > r->at))
            return 0;
        rc = beat_now_and_then(r, err);
        if (rc < 0)
            return rc;
        int64_t since = r->moved > began ? r->moved : began, idle = clock_mono_ms() - since;
        if (idle >= r->stall_ms)
            return err_set(err, ERR_TIMEOUT, "%s: no answer for %lld s", r->where,
                           (long long)(idle + 500) / 1000);
        int64_t wait = r->stall_ms - idle;
        CURLMcode code = curl_multi_poll(r->h->multi, NULL, 0, (int)(wait < WAIT_MS ? wait : WAIT_MS), NULL);
        if (code != CURLM_OK)
            return err_set(err, ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
    }
}

int http_start(struct http *h, const struct http_request *rq, struct http_response **ret, struct err *err)
{
    struct http_response *r = xcalloc(1, sizeof *r);
    int rc;

    r->h = h;
    h->open++;
    r->beat = rq->beat;
    r->where = curl_origin(rq->url);
    r->stall_ms = rq->stall_timeout_ms > 0 ? rq->stall_timeout_ms : STALL_TIMEOUT_MS;
    buf_init(&r->headers, MAX_HTTP_HEADERS);
    r->easy = curl_easy_init();
    if (r->easy == NULL)
        abort();
    rc = set_headers(r, rq, err);
    if (rc < 0)
        goto out;
    set_options(r, rq);
    set_method(r, rq);
    rc = beat(r->beat, err);
    if (rc < 0)
        goto out;
    r->beaten = clock_mono_ms();
    if (curl_multi_add_handle(h->multi, r->easy) != CURLM_OK)
        abort();
    rc = turn(h, err); /* the request goes out */
    if (rc < 0)
        goto out;
    *ret = r;
    return 0;
out:
    http_close(r);
    return rc;
}

void http_go_on(struct http *h)
{
    struct err ignored;

    err_ignore(turn(h, &ignored));
}

int http_wait(struct http_response *r, struct err *err)
{
    int rc = wait_for(r, true, err);

    if (rc == 0 && !r->headers_done)
        rc = r->result != CURLE_OK
                 ? transfer_failed(r, err)
                 : err_set(err, ERR_BAD_RESPONSE, "%s: the answer has no HTTP headers", r->where);
    if (rc < 0)
        http_close(r);
    return rc;
}

int http_open(struct http *h, const struct http_request *rq, struct http_response **ret, struct err *err)
{
    struct http_response *r;
    int rc = http_start(h, rq, &r, err);

    if (rc == 0)
        rc = http_wait(r, err);
    if (rc == 0)
        *ret = r;
    return rc;
}

int http_status(const struct http_response *r)
{
    return r->status;
}

const char *http_header(const struct http_response *r, const char *name)
{
    size_t n = strlen(name);

    for (size_t at = 0; at < r->headers.n; at += strlen(r->headers.p + at) + 1) {
        const char *line = r->headers.p + at;
        if (strncasecmp(line, name, n) != 0 || line[n] != ':')
            continue;
        line += n + 1;
        return line + strspn(line, " \t");
    }
    return NULL;
}

const char *http_next_header(const struct http_response *r, size_t *io_at)
{
    const char *line = *io_at < r->headers.n ? r->headers.p + *io_at : NULL;

    if (line != NULL)
        *io_at += strlen(line) + 1;
    return line;
}

int64_t http_content_length(const struct http_response *r)
{
    curl_off_t n = -1;

    curl_easy_getinfo(r->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &n);
    return n;
}

int http_read(struct http_response *r, void *p, size_t n, size_t *ret_n, struct err *err)
{
    int rc;

    *ret_n = 0;
    if (r->at == r->end && !r->done) {
        rc = wait_for(r, false, err);
        if (rc < 0)
            return rc;
    }
    if (r->at == r->end)
        return r->result == CURLE_OK ? 0 : transfer_failed(r, err);
    *ret_n = r->end - r->at < n ? r->end - r->at : n;
    memcpy(p, r->body + r->at, *ret_n);
    r->at += *ret_n;
    if (r->at == r->end)
        r->at = r->end = 0;
    if (r->paused && r->end - r->at <= HTTP_READ_AHEAD / 2) {
        r->paused = false; /* first: libcurl may hand over what it held back at once, and be paused again */
        curl_easy_pause(r->easy, CURLPAUSE_CONT);
    }
    return beat_now_and_then(r, err);
}

int http_read_all(struct http_response *r, struct buf *ret, struct err *err)
{
    for (;;) {
        size_t n = 0;
        int rc = buf_reserve(ret, 1, err);
        if (rc < 0)
            return err_prefix(err, "%s: the answer", r->where);
        size_t room = ret->cap - ret->n - 1;
        if (room > ret->max - ret->n)
            room = ret->max - ret->n;
        rc = http_read(r, ret->p + ret->n, room, &n, err);
        if (rc < 0)
            return rc;
        ret->n += n;
        ret->p[ret->n] = '\0';
        if (n == 0)
            return 0;
    }
}

void http_close(struct http_response *r)
{
    if (r == NULL)
        return;
    curl_multi_remove_handle(r->h->multi, r->easy);
    curl_easy_cleanup(r->easy);
    curl_slist_free_all(r->headers_out);
    r->h->open--;
    buf_release(&r->headers);
    free(r->sent);
    free(r->where);
    free(r->body);
    free(r);
}

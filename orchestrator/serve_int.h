#ifndef ORCHESTRATOR_SERVE_INT_H
#define ORCHESTRATOR_SERVE_INT_H
/* Between the files serve*.c alone. Of the HTTP library only serve.c knows: what is here can be tried without it. */
#include "base/limits.h"
#include "orchestrator/serve.h"

/* serve_parse.c: pure; what bytes from outside come through first. */
enum { SERVE_MAX_SEGMENTS = 16, SERVE_MAX_ARGS = 8, SERVE_HOST_SIZE = 256 };
struct serve_field {
    const char *name, *value;
};
struct serve_fields { /* zero is empty */
    struct serve_field items[MAX_SERVE_FIELDS];
    size_t count;
    char *memory; /* owned: what the items point into */
};
struct serve_path {
    const char *segments[SERVE_MAX_SEGMENTS];
    size_t count;
    char *memory, *decoded; /* owned */
};
/* a=b&c=d, decoded once. lines: values may hold tabs and line ends, as those of forms. ERR_USAGE. */
NODISCARD int serve_fields_parse(const char *p, size_t n, bool lines, struct serve_fields *ret,
                                 struct err *err);
void serve_fields_release(struct serve_fields *f);
const char *serve_fields_get(const struct serve_fields *f, const char *name);
/* Of a path without its query. A segment is decoded once, after it was cut off: %2F is no border. ERR_USAGE. */
NODISCARD int serve_path_parse(const char *p, size_t n, struct serve_path *ret, struct err *err);
void serve_path_release(struct serve_path *p);
/* NULL: none. *ret_allow gets the methods that the path has, "" where there is no such path. */
const struct serve_route *serve_route_find(const struct serve_route *routes, const char *method,
                                           const struct serve_path *p, const char *args[SERVE_MAX_ARGS],
                                           char ret_allow[64]);
/* "Name:80" -> "name" and "80" ("" none); false: it is no host. [::1] keeps its brackets. */
bool serve_host_split(const char *p, char name[SERVE_HOST_SIZE], char port[8]);
/* Does Origin name the same host and port as Host? "null" does not. */
bool serve_origin_is(const char *origin, const char *host);
void serve_content_type(const char *value, char *out, size_t size); /* lower case, without parameters */
bool serve_takes_gzip(const char *accept_encoding);
bool serve_wants_page(const char *accept); /* a browser that goes somewhere */
bool serve_cookie(const char *header, const char *name, char *out, size_t size);

/* serve_pool.c */
struct serve_pool;
struct serve_pool *serve_pool_new(const struct config *c);
void serve_pool_free(struct serve_pool *p);
void serve_pool_sweep(struct serve_pool *p); /* closes what nobody has used for a minute */
NODISCARD int serve_figures_take(struct serve *s, struct store **ret,
                                 struct err *err); /* of the main thread alone */
void serve_figures_give(struct serve *s);
/* serve_figures.c */
enum { SERVE_CLASSES = 5 }; /* 1xx to 5xx */
struct serve_figures;
struct serve_figures *serve_figures_new(const struct config *c);
void serve_figures_free(struct serve_figures *f);
void serve_figures_write(struct serve *s); /* by the main thread: what came since the last time */
void serve_count_answer(struct serve *s, int status);
NODISCARD int serve_figures_text(const struct serve *s, struct buf *out, struct err *err); /* for /metrics */
/* serve_session.c: browsers that gave the token once. */
struct serve_sessions;
struct serve_sessions *serve_sessions_new(void);
void serve_sessions_free(struct serve_sessions *s);
enum { SERVE_SECRET_SIZE = 65 };
void serve_secret(char out[SERVE_SECRET_SIZE]); /* 32 random bytes, in hex */
void serve_session_begin(struct serve_sessions *s, int64_t now_ms, char out[SERVE_SECRET_SIZE]);
/* csrf: what its forms must send along. */
bool serve_session_find(struct serve_sessions *s, const char *given, int64_t now_ms,
                        char csrf[SERVE_SECRET_SIZE]);
void serve_session_end(struct serve_sessions *s, const char *given);
bool serve_same_secret(const char *a, const char *b); /* in a time that tells nothing of where they differ */
serve_fn serve_login_page, serve_login, serve_logout;
serve_fn serve_healthz, serve_readyz, serve_metrics, serve_openapi;

struct serve {
    const struct config *config;
    const struct serve_options *o;
    struct serve_pool *pool;
    struct serve_figures *figures;
    struct serve_sessions *sessions;
    char local_csrf[SERVE_SECRET_SIZE]; /* of pages where nobody logs in */
    const char *const *hosts;           /* names that Host may have besides the address it came to */
    bool loopback;                      /* it, or a socket: "localhost" names it too */
    _Atomic size_t body_bytes;
    atomic_bool stopping;
};

/* serve_call.c: one request, from its header to what is answered. */
struct serve_line {
    const char *name, *value;
    size_t value_n;
};
struct serve_incoming { /* as it came; borrowed for serve_call_new */
    const char *method, *target, *version;
    const struct serve_line *lines;
    size_t line_count, head_size;
    const char *peer;  /* "127.0.0.1"; "socket" */
    const char *local; /* the address that it came to; "" a socket */
    bool bad;          /* the library has seen that something is wrong with it */
};
enum { SERVE_LINES = 24 };
struct serve_reply { /* borrowed from the call */
    int status;
    struct serve_line lines[SERVE_LINES];
    size_t line_count;
    struct buf *body; /* may be taken */
};
struct serve_call;
struct serve_call *serve_call_new(struct serve *s, const struct serve_incoming *in);
bool serve_call_refused(const struct serve_call *c); /* already, before its body: serve_call_reply tells */
bool serve_call_has_body(const struct serve_call *c);
bool serve_call_body(struct serve_call *c, const char *p, size_t n); /* false: it does not end; hang up */
void serve_call_run(struct serve_call *c);
void serve_call_reply(struct serve_call *c, struct serve_reply *ret); /* and its line in the log */
void serve_call_free(struct serve_call *c);                           /* NULL is fine */
/* The token or session of the request where it is a browser's: for /login and /logout. */
const char *serve_call_session(const struct serve_request *q);
bool serve_call_secure(const struct serve_request *q); /* it came through a proxy that speaks TLS */
/* serve_answer.c */
void serve_problem_err(struct serve_answer *a, const struct err *err);
void serve_answer_finish(struct serve_answer *a, const char *id, bool page);
bool serve_answer_pack(struct serve_answer *a); /* true: the body is gzip now */
#endif

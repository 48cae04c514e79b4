#ifndef ORCHESTRATOR_SERVE_H
#define ORCHESTRATOR_SERVE_H
#include "base/buf.h"
#include "base/str.h"
#include "orchestrator/config.h"
#include <stdatomic.h>
#include <stddef.h>
/*
 * orch serve: HTTP over libmicrohttpd, a thread a connection, none of which does what a tick does. A handler reads the state
 * file, or takes rows into a table of the dictionary, or puts down a request for the next tick; nothing else. What comes
 * from outside was limited, decoded and checked (Host, token, origin, method, size, content type) before a handler sees it.
 */
enum {
    SERVE_WRITES = 1,  /* needs --allow-write, and a browser's request its CSRF token */
    SERVE_ROWS = 2,    /* the body may have MAX_INTAKE_BODY bytes, not MAX_SERVE_BODY */
    SERVE_OPEN = 4,    /* without a token: /healthz, /login and what its page needs */
    SERVE_PRIVATE = 8, /* may show what people's rows hold: Cache-Control: no-store */
    SERVE_QUEUES = 16, /* answers 202: the next tick does it */
    SERVE_FILE = 32    /* of the program, the same for everybody: browsers keep it, and ask by its ETag */
};
struct serve;          /* the whole: config, store, connections */
struct serve_request { /* all borrowed, for the call */
    struct serve *serve;
    const struct config *config;
    const char *method; /* "GET", "POST"; HEAD comes as GET */
    const char *path;   /* decoded, without the query */
    const char *const
        *args; /* what the route's {names} stand for, in order, decoded; never empty, no control characters */
    struct str body;            /* whole */
    const char *content_type;   /* lower case, without parameters; "" none */
    const char *content_params; /* what stood behind it: "charset=utf-8; header=absent"; "" none */
    const char *accept;         /* "" none */
    const char *key;            /* Idempotency-Key; NULL: none. Printable ASCII, 1 to 255 */
    const char *who;            /* "token", "local" or "browser", and the address: for audit rows */
    const char *id;             /* of the request, for logs and problems */
    const char *csrf;           /* for a page's forms; "" where nothing may be written */
    int64_t now_ms;
    void *query; /* for serve_query and serve_form */
};
struct serve_answer {
    int status;       /* 200 unless set */
    const char *type; /* a literal; "application/json" unless set */
    struct buf body;
    const char *location; /* owned by the answer (free); NULL: none */
    const char *cookie;   /* Set-Cookie, as location */
    int retry_after_s;    /* 0: none */
};
/* 0, or <0: *err is told as a problem (RFC 9457), with the status of its code. */
typedef int serve_fn(const struct serve_request *q, struct serve_answer *a, struct err *err);
struct serve_route {
    const char *method, *path; /* "/v1/tables/{table}/rows" */
    unsigned flags;
    serve_fn *fn;
    const char *id, *summary; /* of openapi.json: operationId, and a line */
    const char
        *query; /* "limit,after": the query's names that it knows; others are 400. "*" among them: any */
};
/* serve_routes.c: one table of all; ends with path NULL. openapi.json is written from it. */
extern const struct serve_route serve_routes[];
/* Of the query, decoded; NULL: not there. */
const char *serve_query(const struct serve_request *q, const char *name);
/* The i-th name and value of it; false: there are no more. */
bool serve_query_at(const struct serve_request *q, size_t i, const char **ret_name, const char **ret_value);
/* Of a body that a form sent (application/x-www-form-urlencoded); NULL: not there. */
const char *serve_form(const struct serve_request *q, const char *name);
/* A number of the query in [least, most]; standard where it is not there. ERR_USAGE. */
NODISCARD int serve_query_int(const struct serve_request *q, const char *name, int64_t least, int64_t most,
                              int64_t standard, int64_t *ret, struct err *err);
/* The state file, read-only, for the time of one handler. MAX_SERVE_READERS have it at once; more wait, 5 s, then ERR_BUSY.
 * Always serve_store_give after 0. */
NODISCARD int serve_store_take(struct serve *s, struct store **ret, struct err *err);
void serve_store_give(struct serve *s, const struct store *given);
/* The same for what has to answer while those who list do not: /readyz. */
NODISCARD int serve_probe_take(struct serve *s, struct store **ret, struct err *err);
void serve_probe_give(struct serve *s);
/* The same, to write (requests for the next tick). */
NODISCARD int serve_writer_take(struct serve *s, struct store **ret, struct err *err);
void serve_writer_give(struct serve *s);
/* A connection to the target that the dictionary's table names, from the pool; broken ones are not given back to it. Waits
 * 5 s for one that is free, then ERR_BUSY. */
struct target;
NODISCARD int serve_target_take(struct serve *s, const struct target_config *c, struct target **ret,
                                struct err *err);
void serve_target_give(struct serve *s, struct target *t, bool broken);
/* What a request has put into a table of the dictionary, for the counters of the state file. */
void serve_count_rows(struct serve *s, const struct dict_table *d, int64_t stored, int64_t rejected);
/* An answer in problem+json. */
void serve_problem(struct serve_answer *a, int status, const char *code, const char *title,
                   const char *detail, const char *hint);
/* Runs until SIGTERM or SIGINT: the requests that are under way are answered first. */
struct serve_options {
    const char *listen; /* "127.0.0.1:8086", "[::1]:8086", "unix:/run/orch/serve.sock" */
    const char *token;  /* NULL: none, which only loopback and a socket may have */
    bool allow_write;
};
NODISCARD int serve_run(const struct config *c, const struct serve_options *o, struct err *err);
#endif

#ifndef IO_HTTP_H
#define IO_HTTP_H
#include "base/beat.h"
#include "base/buf.h"
#include "io/reader.h"
#include <stdint.h>
/*
 * HTTP for the rest of io/; the one door to libcurl. Pull style: http_open returns once the response
 * headers are there, and the body is read with http_read; the transfer is paused while more than
 * HTTP_READ_AHEAD bytes wait. No redirects are followed, no proxy but the environment's.
 */
struct http; /* a client: keeps connections; belongs to one thread */
struct http_request {
    const char *method;         /* "GET", "PUT", "HEAD", "POST" */
    const char *url;            /* complete, already percent-encoded; sent as it is */
    const char *const *headers; /* "Name: value", NULL-ended; may be NULL */
    const void *body;           /* borrows; NULL: none */
    size_t body_n;
    bool once; /* on a connection of its own: libcurl sends again what a kept one that died took along */
    bool body_stays;         /* it lives until http_close, and is not copied */
    const char *ca_file;     /* NULL: the system's */
    const char *unix_socket; /* NULL: TCP */
    bool direct;             /* no proxy, not even the environment's: link-local addresses */
    bool no_link_local;      /* ERR_ACCESS_DENIED: where clouds answer with credentials */
    int connect_timeout_ms;  /* 0: 10 s */
    int stall_timeout_ms;    /* no byte for so long is ERR_TIMEOUT; 0: 30 s */
    const struct beat *beat; /* called at least once a second while waiting; may be NULL */
};
struct http_response;
NODISCARD int http_new(struct http **ret, struct err *err);
void http_free(struct http *h);
/*
 * Connection and TLS faults are ERR_UNAVAILABLE, time-outs ERR_TIMEOUT, a connection broken before the
 * headers ERR_TRANSIENT; any HTTP status is a success here. Messages name scheme, host and port, never path,
 * query or headers. The request may be freed afterwards (its body too, unless
 * body_stays), beat must live until http_close. Several responses
 * of one client may be open at once; all must be closed before the client is freed.
 */
NODISCARD int http_open(struct http *h, const struct http_request *rq, struct http_response **ret,
                        struct err *err);
/* The same in two halves: start sends the request and is back at once, so that several are under way; the others move
 * whenever one is waited for. wait: -code, and r is closed; 0: the headers are there. */
NODISCARD int http_start(struct http *h, const struct http_request *rq, struct http_response **ret,
                         struct err *err);
NODISCARD int http_wait(struct http_response *r, struct err *err);
/* Moves what is under way, without waiting; what goes wrong is told to who waits for it. */
void http_go_on(struct http *h);
int http_status(const struct http_response *r);
/* Value of a response header (case-insensitive name, surrounding blanks cut), or NULL. Borrowed from r. */
const char *http_header(const struct http_response *r, const char *name);
/* The next "Name: value" from *io_at on (0 at first), or NULL. Borrowed from r. */
const char *http_next_header(const struct http_response *r, size_t *io_at);
/* -1 when the server did not say. */
int64_t http_content_length(const struct http_response *r);
/* Like reader.read; a body that ends before its Content-Length is ERR_TRANSIENT. Time in which nobody
 * reads does not count towards the stall time-out. */
NODISCARD int http_read(struct http_response *r, void *p, size_t n, size_t *ret_n, struct err *err);
NODISCARD int http_read_all(struct http_response *r, struct buf *ret, struct err *err); /* up to ret->max */
void http_close(struct http_response *r); /* NULL is fine; aborts what is left of the body */
#endif

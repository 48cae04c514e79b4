#ifndef TESTS_LIB_MOCKHTTP_H
#define TESTS_LIB_MOCKHTTP_H
#include <stddef.h>
/*
 * An HTTP server that gives what the test wrote down, one answer per request in this order and a
 * connection each: for what no real server can be made to say. It runs as a process of its own.
 */
struct mock_answer {
    const char *want; /* the request's head must hold this text, else the answer is 599; NULL: any */
    const char *head; /* "200 OK\r\nETag: \"x\"\r\n": status line without the version, headers; Content-Length
                       * is added unless it is there */
    const void *body; /* NULL: none */
    size_t n;         /* 0: body is a text */
    long cut;         /* after so many bytes of the body the connection is reset; 0: not */
    int hang;         /* nothing more comes, and the connection stays open */
};
struct mock {
    int port;
    char *url;      /* http://127.0.0.1:PORT */
    char *log_path; /* the heads of all requests, one after the other */
    long pid;
};
/* A request beyond the last answer gets status 598. */
void mock_start(struct mock *m, const struct mock_answer *answers, size_t n);
/* What was asked so far; returns owned. */
char *mock_log(const struct mock *m);
void mock_stop(struct mock *m);
#endif

#include "io/http.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/lib/mockhttp.h"
#include "tests/tap.h"

/* A scripted server and a client. */
struct talk {
    struct mock m;
    struct http *h;
    struct http_response *r;
};

static void begin(struct talk *t, const struct mock_answer *answers, size_t n)
{
    struct err err;

    *t = (struct talk){0};
    mock_start(&t->m, answers, n);
    must_rc(http_new(&t->h, &err), &err);
}

static int ask(struct talk *t, const char *method, const char *body, const char *const *headers,
               struct err *err)
{
    char *url = xasprintf("%s/a/../b?c=d", t->m.url);
    struct http_request rq = {.method = method,
                              .url = url,
                              .headers = headers,
                              .body = body,
                              .body_n = body != NULL ? strlen(body) : 0,
                              .stall_timeout_ms = 1000};

    http_close(t->r);
    t->r = NULL;
    int rc = http_open(t->h, &rq, &t->r, err);
    free(url);
    return rc;
}

static void end(struct talk *t)
{
    http_close(t->r);
    http_free(t->h);
    mock_stop(&t->m);
}

TEST(status_headers_and_body)
{
    const struct mock_answer answers[] = {
        {"GET /a/../b?c=d HTTP/1.1\r\n", "404 Nope\r\nX-Long: no\r\nx-l:  \t yes \t\r\nEmpty:\r\n", "body", 0,
         0, 0},
    };
    struct talk t;
    struct buf out = BUF_INIT(100);
    struct err err;

    begin(&t, answers, 1);
    must_rc(ask(&t, "GET", NULL, NULL, &err), &err);
    is_int(http_status(t.r), 404);
    is_str(http_header(t.r, "X-L"), "yes");
    is_str(http_header(t.r, "x-long"), "no");
    is_str(http_header(t.r, "empty"), "");
    ok(http_header(t.r, "absent") == NULL);
    is_int(http_content_length(t.r), 4);
    must_rc(http_read_all(t.r, &out, &err), &err);
    is_str(out.p, "body");
    size_t n = 9;
    char c;
    must_rc(http_read(t.r, &c, 1, &n, &err), &err);
    is_int(n, 0);
    buf_release(&out);
    end(&t);
}

TEST(what_is_sent)
{
    static const char *const typed[] = {"Content-Type: application/json", "X-One: 1", NULL};
    static const char *const split[] = {"X-Two: 2\r\nX-Three: 3", NULL};
    const struct mock_answer answers[] = {{"POST /", "200 OK\r\n", NULL, 0, 0, 0},
                                          {"PUT /", "200 OK\r\n", NULL, 0, 0, 0},
                                          {"HEAD /", "200 OK\r\nContent-Length: 77\r\n", NULL, 0, 0, 0},
                                          {"DELETE /", "204 Gone\r\n", NULL, 0, 0, 0}};
    struct talk t;
    struct buf out = BUF_INIT(100);
    struct err err = {0};

    begin(&t, answers, 4);
    must_rc(ask(&t, "POST", "{}", typed, &err), &err);
    must_rc(ask(&t, "PUT", NULL, NULL, &err), &err);
    must_rc(ask(&t, "HEAD", NULL, NULL, &err), &err);
    is_int(http_content_length(t.r), 77);
    must_rc(http_read_all(t.r, &out, &err), &err);
    is_int(out.n, 0);
    must_rc(ask(&t, "DELETE", NULL, NULL, &err), &err);
    is_int(http_status(t.r), 204);
    fails(ask(&t, "GET", NULL, split, &err), &err, ERR_CONFIG);
    char *log = mock_log(&t.m);
    ok(strstr(log, "Content-Type: application/json\r\n") != NULL);
    ok(strstr(log, "urlencoded") == NULL && strstr(log, "Expect") == NULL && strstr(log, "X-Three") == NULL);
    ok(strstr(log, "Content-Length: 0\r\n") != NULL);
    free(log);
    buf_release(&out);
    end(&t);
}

TEST(redirects_are_not_followed)
{
    const struct mock_answer answers[] = {
        {"GET", "302 There\r\nLocation: http://127.0.0.1:1/\r\n", NULL, 0, 0, 0}};
    struct talk t;
    struct err err;

    begin(&t, answers, 1);
    must_rc(ask(&t, "GET", NULL, NULL, &err), &err);
    is_int(http_status(t.r), 302);
    end(&t);
}

TEST(sizes_are_bounded)
{
    char *head = xmalloc(MAX_HTTP_HEADERS + 40000);
    const struct mock_answer answers[] = {{"GET", head, NULL, 0, 0, 0},
                                          {"GET", "200 OK\r\n", "12345", 0, 0, 0}};
    struct talk t;
    struct buf out = BUF_INIT(4);
    struct err err = {0};
    size_t n = (size_t)snprintf(head, 100, "200 OK\r\n");

    while (n < MAX_HTTP_HEADERS + 10000)
        n += (size_t)snprintf(head + n, 1100, "X-Y: %01000d\r\n", 0);
    begin(&t, answers, 2);
    fails(ask(&t, "GET", NULL, NULL, &err), &err, ERR_BAD_RESPONSE);
    must_rc(ask(&t, "GET", NULL, NULL, &err), &err);
    fails(http_read_all(t.r, &out, &err), &err, ERR_TOO_LARGE);
    free(head);
    buf_release(&out);
    end(&t);
}

TEST(a_body_that_ends_early_is_no_end)
{
    const struct mock_answer answers[] = {
        {"GET", "200 OK\r\nContent-Length: 100\r\n", "short", 0, 0, 0},
        {"GET", "200 OK\r\n", "0123456789", 0, 5, 0},
        {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n", 0, 0, 0},
        {"GET", "200 OK\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", 0, 0, 0},
    };
    struct talk t;
    struct buf out = BUF_INIT(1000);
    struct err err = {0};

    begin(&t, answers, ARRAY_LEN(answers));
    for (int i = 0; i < 3; i++) {
        must_rc(ask(&t, "GET", NULL, NULL, &err), &err);
        fails(http_read_all(t.r, &out, &err), &err, ERR_TRANSIENT);
    }
    buf_clear(&out);
    must_rc(ask(&t, "GET", NULL, NULL, &err), &err);
    is_int(http_content_length(t.r), -1);
    must_rc(http_read_all(t.r, &out, &err), &err);
    is_str(out.p, "hello");
    buf_release(&out);
    end(&t);
}

TEST(silence_is_a_time_out_but_ours_is_not)
{
    size_t n = 8 * MIB, got = 0, total = 0;
    char *body = xmalloc(n), *back = xmalloc(n);
    const struct mock_answer answers[] = {{"GET", "200 OK\r\n", body, n, 0, 0},
                                          {"GET", "200 OK\r\nContent-Length: 5\r\n", "he", 0, 0, 1}};
    struct talk t;
    struct buf out = BUF_INIT(100);
    struct err err = {0};

    for (size_t i = 0; i < n; i++)
        body[i] = (char)(i * 31 % 251);
    begin(&t, answers, 2);
    must_rc(ask(&t, "GET", NULL, NULL, &err), &err);
    must_rc(http_read(t.r, back, 10, &total, &err), &err);
    clock_sleep_ms(1300); /* what is tested is that time passes: longer than the stall time-out */
    do {
        must_rc(
            http_read(t.r, back + total, n - total > 70001 ? 70001 : n - total + (n == total), &got, &err),
            &err);
        total += got;
    } while (got > 0);
    is_mem(back, total, body, n);
    must_rc(ask(&t, "GET", NULL, NULL, &err), &err);
    fails(http_read_all(t.r, &out, &err), &err, ERR_TIMEOUT);
    is_str(out.p, "he");
    free(body);
    free(back);
    buf_release(&out);
    end(&t);
}

static void wrong_url(const char *url, enum err_code want, const char *secret)
{
    struct http_request rq = {.method = "GET", .url = url};
    struct http_response *r = NULL;
    struct http *h = NULL;
    struct err err = {0};

    must_rc(http_new(&h, &err), &err);
    fails(http_open(h, &rq, &r, &err), &err, want);
    if (!ok(strstr(err.msg, secret) == NULL && strstr(err.hint, secret) == NULL))
        diag("%s", err.msg);
    http_free(h);
}

TEST(messages_name_the_server_and_nothing_private)
{
    wrong_url("http://user:hidden@127.0.0.1:1/x", ERR_UNAVAILABLE, "hidden");
    wrong_url("http://127.0.0.1:1/hidden/path", ERR_UNAVAILABLE, "hidden");
    wrong_url("http://127.0.0.1:1?token=hidden", ERR_UNAVAILABLE, "hidden");
    wrong_url("http://nobody.invalid/hidden", ERR_UNAVAILABLE, "hidden");
    wrong_url("file:///etc/hidden", ERR_CONFIG, "hidden");
    wrong_url("ftp://127.0.0.1/hidden", ERR_CONFIG, "hidden");
}

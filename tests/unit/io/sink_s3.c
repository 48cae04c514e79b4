#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/hash.h"
#include "io/sink.h"
#include "tests/lib/mockhttp.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/lib/sinks.h"
#include "tests/tap.h"

#define SECRET "orch-test-secret/with+both=signs"

struct place {
    char *url;
    struct source_config config;
    struct sink *s;
    struct err err;
};

static void reopen(struct place *p)
{
    sink_close(p->s);
    p->s = NULL;
    must_rc(sink_open(&p->config, &p->s, &p->err), &p->err);
}

static void open_at(struct place *p, const char *endpoint, const char *bucket_and_prefix)
{
    *p = (struct place){.url = xasprintf("s3://%s", bucket_and_prefix)};
    p->config = (struct source_config){.url = p->url,
                                       .endpoint = endpoint,
                                       .path_style = true,
                                       .stall_timeout_ms = 2000,
                                       .env = {.access_key_id = "orch-test-access-key",
                                               .secret_access_key = SECRET,
                                               .metadata_disabled = "true"}};
    reopen(p);
}

static void done(struct place *p)
{
    sink_close(p->s);
    free(p->url);
}

static char *noise(size_t n)
{
    char *p = xmalloc(n + 1);
    uint32_t x = 12345;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (char)(x >> 24);
    }
    p[n] = '\0';
    return p;
}

/* In steps of many sizes, as rows come. */
static int put(struct place *p, const char *key, const char *bytes, size_t n, struct uploaded *ret)
{
    struct upload *u;
    int rc = sink_upload(p->s, key, &u, &p->err);

    if (rc < 0)
        return rc;
    for (size_t at = 0, step = 1; at < n && rc == 0; at += step, step = step % 300000 * 3 + 1)
        rc = upload_write(u, bytes + at, n - at < step ? n - at : step, &p->err);
    if (rc == 0)
        return upload_finish(u, ret, &p->err);
    struct err why = p->err;
    fails(upload_finish(u, ret, &p->err), &p->err, why.code); /* as good as upload_abort, and says the same */
    return rc;
}

static void says(const struct place *p, const char *what)
{
    if (!ok(strstr(p->err.msg, what) != NULL || strstr(p->err.hint, what) != NULL))
        diag("wanted '%s' in: %s (hint: %s)", what, p->err.msg, p->err.hint);
    ok(strstr(p->err.msg, SECRET) == NULL && strstr(p->err.hint, SECRET) == NULL);
}

/* ---- a server that says what no real one would ---- */

#define MD5_HELLO       "5d41402abc4b2a76b9719d911017c592"
#define UPLOADS(inside) "<ListMultipartUploadsResult>" inside "</ListMultipartUploadsResult>"
#define UPLOAD(key, id)                                                                                      \
    "<Upload><Key>" key "</Key><UploadId>" id                                                                \
    "</UploadId><Initiated>2022-06-05T12:13:14Z</Initiated></Upload>"

static void mocked(struct place *p, struct mock *m, const struct mock_answer *answers, size_t n)
{
    mock_start(m, answers, n);
    open_at(p, m->url, "bucket/in/");
}

static void unmock(struct place *p, struct mock *m)
{
    done(p);
    mock_stop(m);
}

TEST(an_etag_that_is_not_that_of_the_bytes_is_an_error)
{
    const struct mock_answer answers[] = {{"PUT /bucket/in/x HTTP/1.1",
                                           "200 OK\r\nETag: \"00000000000000000000000000000000\"\r\n", NULL,
                                           0, 0, 0}};
    struct mock m;
    struct place p;
    struct uploaded got;

    mocked(&p, &m, answers, 1);
    fails(put(&p, "x", "hello", 5, &got), &p.err, ERR_BAD_RESPONSE);
    says(&p, MD5_HELLO);
    says(&p, "damages data");
    unmock(&p, &m);
}

/* With KMS the ETag is no MD5: the bytes are read back. */
TEST(where_the_etag_tells_nothing_the_bytes_do)
{
    static const char *const heads[] = {
        "200 OK\r\nETag: \"00000000000000000000000000000000\"\r\nx-amz-server-side-encryption: aws:kms\r\n",
        "200 OK\r\nETag: \"some-other-thing\"\r\n", "200 OK\r\n"};
    static const struct {
        const char *body;
        enum err_code code;
    } rows[] = {{"hello", ERR_OK}, {"hallo", ERR_BAD_RESPONSE}, {"hell", ERR_BAD_RESPONSE}};

    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
            char *head = xasprintf("%sContent-Length: %zu\r\n", heads[i], strlen(rows[k].body));
            const struct mock_answer answers[] = {{"PUT", heads[i], NULL, 0, 0, 0},
                                                  {"HEAD", head, NULL, 0, 0, 0},
                                                  {"GET", heads[i], rows[k].body, 0, 0, 0}};
            struct mock m;
            struct place p;
            struct uploaded got;
            mocked(&p, &m, answers, ARRAY_LEN(answers));
            if (rows[k].code == ERR_OK)
                must_rc(put(&p, "x", "hello", 5, &got), &p.err);
            else
                fails(put(&p, "x", "hello", 5, &got), &p.err, rows[k].code);
            unmock(&p, &m);
            free(head);
        }
}

#define BEGUN "<InitiateMultipartUploadResult><UploadId>id/1</UploadId></InitiateMultipartUploadResult>"
#define KMS   "200 OK\r\nETag: \"kms-1\"\r\nx-amz-server-side-encryption: aws:kms\r\n"
#define ENDED "<CompleteMultipartUploadResult><ETag>\"kms-2\"</ETag></CompleteMultipartUploadResult>"

TEST(a_whole_without_an_md5_has_the_right_size_at_least)
{
    static const struct {
        const char *head;
        enum err_code code;
    } rows[] = {{"200 OK\r\nContent-Length: 8388609\r\nETag: \"kms-2\"\r\n", ERR_OK},
                {"200 OK\r\nContent-Length: 8388608\r\nETag: \"kms-2\"\r\n", ERR_BAD_RESPONSE}};
    char *bytes = noise(SINK_PIECE + 1);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct mock_answer answers[] = {
            {"POST /bucket/in/x?uploads= ", "200 OK\r\n", BEGUN, 0, 0, 0},
            {"PUT /bucket/in/x?partNumber=1&uploadId=id%2F1 ", KMS, NULL, 0, 0, 0},
            {"PUT /bucket/in/x?partNumber=2&uploadId=id%2F1 ", KMS, NULL, 0, 0, 0},
            {"POST /bucket/in/x?uploadId=id%2F1 ", "200 OK\r\n", ENDED, 0, 0, 0},
            {"HEAD /bucket/in/x ", rows[i].head, NULL, 0, 0, 0}};
        struct mock m;
        struct place p;
        struct uploaded got;
        mocked(&p, &m, answers, ARRAY_LEN(answers));
        if (rows[i].code == ERR_OK) {
            must_rc(put(&p, "x", bytes, SINK_PIECE + 1, &got), &p.err);
            is_str(got.etag, "kms-2");
        } else {
            fails(put(&p, "x", bytes, SINK_PIECE + 1, &got), &p.err, rows[i].code);
            says(&p, "8388608 bytes there");
        }
        unmock(&p, &m);
    }
    free(bytes);
}

TEST(an_answer_to_a_piece_that_could_break_the_end_is_refused)
{
    static const char *const heads[] = {"200 OK\r\n", "200 OK\r\nETag: \"a<b\"\r\n",
                                        "200 OK\r\nETag: \"00000000000000000000000000000000\"\r\n"};
    char *bytes = noise(SINK_PIECE + 1);

    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        const struct mock_answer answers[] = {
            {"POST", "200 OK\r\n", BEGUN, 0, 0, 0},
            {"PUT", heads[i], NULL, 0, 0, 0},
            {"DELETE /bucket/in/x?uploadId=id%2F1 ", "204 No Content\r\n", NULL, 0, 0, 0},
            {"GET /bucket/in/x?max-parts=1&uploadId=id%2F1 ", "200 OK\r\n", "<x/>", 0, 0, 0},
            {"DELETE /bucket/in/x?uploadId=id%2F1 ", "204 No Content\r\n", NULL, 0, 0, 0},
            {"GET /bucket/in/x?max-parts=1&uploadId=id%2F1 ", "404 Not Found\r\n", "", 0, 0, 0}};
        struct mock m;
        struct place p;
        struct uploaded got;
        mocked(&p, &m, answers, ARRAY_LEN(answers));
        fails(put(&p, "x", bytes, SINK_PIECE + 1, &got), &p.err, ERR_BAD_RESPONSE);
        is_str(sink_left(p.s), "");
        char *log = mock_log(&m);
        int asked = 0;
        for (const char *at = log; (at = strstr(at, "max-parts")) != NULL; at++)
            asked++;
        is_int(asked, 2); /* aborted until no piece is listed */
        free(log);
        unmock(&p, &m);
    }
    free(bytes);
}

static int yes(void *arg, const char *key)
{
    struct err err;

    err_ignore(buf_addf(arg, &err, "%s|", key));
    return strcmp(key, "b") != 0;
}

TEST(abandoned_uploads_are_found_page_by_page)
{
    const struct mock_answer answers[] = {
        {"GET /bucket?uploads=&prefix=in%2F HTTP/1.1", "200 OK\r\n",
         UPLOADS("<IsTruncated>true</IsTruncated><NextKeyMarker>in/a b</NextKeyMarker>"
                 "<NextUploadIdMarker>7~</NextUploadIdMarker>" UPLOAD("in/a", "1") UPLOAD("in/b", "2")),
         0, 0, 0},
        {"DELETE /bucket/in/a?uploadId=1 ", "204 No Content\r\n", NULL, 0, 0, 0},
        {"GET /bucket/in/a?max-parts=1&uploadId=1 ", "404 Not Found\r\n", NULL, 0, 0, 0},
        {"GET /bucket?uploads=&prefix=in%2F&key-marker=in%2Fa%20b&upload-id-marker=7~ HTTP/1.1", "200 OK\r\n",
         UPLOADS("<IsTruncated>false</IsTruncated>" UPLOAD("in/c", "3")), 0, 0, 0},
        {"DELETE /bucket/in/c?uploadId=3 ", "404 Not Found\r\n", NULL, 0, 0, 0}};
    struct mock m;
    struct place p;
    struct buf asked = BUF_INIT(100);

    mocked(&p, &m, answers, ARRAY_LEN(answers));
    is_int(sink_abandon(p.s, "", yes, &asked, &p.err), 2);
    is_str(asked.p, "a|b|c|");
    buf_release(&asked);
    unmock(&p, &m);
}

TEST(a_listing_of_uploads_that_leads_astray_is_an_error)
{
#define AGAIN UPLOADS("<IsTruncated>true</IsTruncated><NextKeyMarker>in/a</NextKeyMarker>")
    static const struct {
        const char *head, *body;
        enum err_code code;
        const char *says;
    } rows[] = {
        {"200 OK\r\n", UPLOADS("<IsTruncated>false</IsTruncated>" UPLOAD("other/a", "1")), ERR_BAD_RESPONSE,
         "outside the prefix"},
        {"200 OK\r\n", AGAIN, ERR_BAD_RESPONSE, "same place twice"},
        {"200 OK\r\n", "<html>", ERR_BAD_RESPONSE, "s3://bucket/in/"},
        {"403 Forbidden\r\n", "<Error><Code>AccessDenied</Code></Error>", ERR_ACCESS_DENIED,
         "s3:ListBucketMultipartUploads"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct mock_answer answers[] = {{"GET", rows[i].head, rows[i].body, 0, 0, 0},
                                              {"GET", rows[i].head, rows[i].body, 0, 0, 0}};
        struct mock m;
        struct place p;
        struct buf asked = BUF_INIT(100);
        mocked(&p, &m, answers, ARRAY_LEN(answers));
        fails(sink_abandon(p.s, "", yes, &asked, &p.err), &p.err, rows[i].code);
        says(&p, rows[i].says);
        is_int(asked.n, 0);
        buf_release(&asked);
        unmock(&p, &m);
    }
}

/* ---- radosgw ---- */

enum { BIG = 2 * SINK_PIECE + 12345 };

static void fresh(struct place *p, const char *bucket_and_prefix)
{
    const struct test_s3 *s = test_s3();
    char *bucket = xstrndup(bucket_and_prefix, strcspn(bucket_and_prefix, "/"));

    test_s3_bucket(s, bucket);
    free(bucket);
    open_at(p, s->endpoint, bucket_and_prefix);
}

static void holds(const char *bucket, const char *key, const char *want, size_t want_n)
{
    size_t n;
    char *got = test_s3_get(test_s3(), bucket, key, &n);

    ok(n == want_n && memcmp(got, want, n) == 0);
    free(got);
}

static void no_uploads(const char *bucket)
{
    char *open = test_s3_uploads(test_s3(), bucket);

    is_str(open, "");
    free(open);
}

/* By an independent client: the ETag that the server has. */
static void has_etag(const char *bucket, const char *key, const struct uploaded *u)
{
    char *got = test_s3_head(test_s3(), bucket, key),
         *want = xasprintf("%s %lld\n", u->etag, (long long)u->bytes);

    is_str(got, want);
    free(got);
    free(want);
}

TEST(objects_of_every_size_arrive_whole)
{
    static const size_t sizes[] = {
        0, 1, SINK_PIECE - 1, SINK_PIECE, SINK_PIECE + 1, 2 * SINK_PIECE, 3 * SINK_PIECE + 77777};
    struct place p;
    struct uploaded got;
    char *bytes = noise(sizes[6]);

    fresh(&p, "sizes/out");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char key[40], whole[50], sum[SHA256_HEX], pieces[24];
        snprintf(key, sizeof key, "%zu.csv", sizes[i]);
        snprintf(whole, sizeof whole, "out/%s", key);
        snprintf(pieces, sizeof pieces, "-%zu", (sizes[i] + SINK_PIECE - 1) / SINK_PIECE);
        got = (struct uploaded){0};
        must_rc(put(&p, key, bytes, sizes[i], &got), &p.err);
        is_int(got.bytes, sizes[i]);
        sha256_hex(bytes, sizes[i], sum);
        is_str(got.sha256, sum);
        ok(sizes[i] <= SINK_PIECE ? strchr(got.etag, '-') == NULL : str_ends(got.etag, pieces));
        has_etag("sizes", whole, &got);
        holds("sizes", whole, bytes, sizes[i]);
    }
    no_uploads("sizes");
    free(bytes);
    done(&p);
}

TEST(odd_keys_are_written_listed_read_and_removed)
{
    static const char *const keys[] = {"a%2Fb", "a+ b&c=d", "new\nline", "\xc3\xa9t\xc3\xa9/100%",
                                       "\xf0\x9f\x98\x80.csv"};
    struct place p;
    struct uploaded got;
    struct buf all = BUF_INIT(1000), out = BUF_INIT(30);
    char *big = noise(SINK_PIECE + 1);

    fresh(&p, "odd/in/");
    is_int(sink_read(p.s, "nothing", &out, &p.err), 0);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        must_rc(put(&p, keys[i], keys[i], 3, &got), &p.err);
    must_rc(sink_list(p.s, "", sinks_collect, &all, &p.err), &p.err);
    is_str(all.p, "a%2Fb=3|a+ b&c=d=3|new\nline=3|\xc3\xa9t\xc3\xa9/100%=3|\xf0\x9f\x98\x80.csv=3|");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        is_int(sink_read(p.s, keys[i], &out, &p.err), 1);
        is_mem(out.p, out.n, keys[i], 3);
        must_rc(sink_remove(p.s, keys[i], &p.err), &p.err);
        must_rc(sink_remove(p.s, keys[i], &p.err), &p.err);
        is_int(sink_read(p.s, keys[i], &out, &p.err), 0);
        must_rc(put(&p, keys[i], big, SINK_PIECE + 1, &got), &p.err); /* in pieces */
        char *whole = xasprintf("in/%s", keys[i]);
        has_etag("odd", whole, &got);
        free(whole);
    }
    fails(sink_read(p.s, keys[0], &out, &p.err), &p.err, ERR_TOO_LARGE);
    fails(put(&p, "a/../b", "x", 1, &got), &p.err, ERR_CONFIG);
    no_uploads("odd");
    free(big);
    buf_release(&all);
    buf_release(&out);
    done(&p);
}

TEST(an_aborted_upload_leaves_the_old_object_and_no_piece)
{
    struct place p;
    struct upload *u;
    struct uploaded got;
    char *bytes = noise(BIG), *open;

    fresh(&p, "aborted");
    must_rc(put(&p, "x", "old", 3, &got), &p.err);
    must_rc(sink_upload(p.s, "x", &u, &p.err), &p.err);
    must_rc(upload_write(u, bytes, BIG, &p.err), &p.err);
    open = test_s3_uploads(test_s3(), "aborted");
    is_str(open, "x\n");
    free(open);
    upload_abort(u); /* with a piece on its way */
    is_str(sink_left(p.s), "");
    no_uploads("aborted");
    must_rc(sink_upload(p.s, "x", &u, &p.err), &p.err);
    must_rc(upload_write(u, bytes, 10, &p.err), &p.err);
    upload_abort(u);
    upload_abort(NULL);
    holds("aborted", "x", "old", 3);
    free(bytes);
    done(&p);
}

/* Pieces that stay where they are, as a dump gives them. */
static int give(struct place *p, const char *key, const char *bytes, size_t n, struct uploaded *ret)
{
    struct sink_sum *m = sink_sum_new(p->s);
    struct upload *u;
    int rc = sink_upload(p->s, key, &u, &p->err);

    must_rc(rc, &p->err);
    for (bool last = false; rc == 0 && !last;) {
        size_t some = n < SINK_PIECE ? n : SINK_PIECE;
        last = some == n;
        struct sink_piece piece = {.p = bytes, .n = some, .last = last};
        sink_sum_add(m, bytes, some / 3);
        sink_sum_add(m, bytes + some / 3, some - some / 3);
        sink_sum_piece(m, &piece);
        rc = upload_give(u, &piece, &p->err);
        bytes += some;
        n -= some;
    }
    sink_sum_free(m);
    if (rc == 0)
        return upload_finish(u, ret, &p->err);
    upload_abort(u);
    return rc;
}

TEST(pieces_that_are_given_are_the_same_objects)
{
    static const size_t sizes[] = {0, 5, SINK_PIECE - 1, SINK_PIECE, SINK_PIECE + 1, 2 * SINK_PIECE, BIG};
    char *bytes = noise(BIG > 2 * SINK_PIECE ? BIG : 2 * SINK_PIECE);
    struct uploaded written, given;
    struct place p;

    fresh(&p, "given");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        must_rc(put(&p, "written", bytes, sizes[i], &written), &p.err);
        must_rc(give(&p, "given", bytes, sizes[i], &given), &p.err);
        holds("given", "given", bytes, sizes[i]);
        is_str(given.sha256, written.sha256);
        is_str(given.etag, written.etag);
        is_int(given.bytes, sizes[i]);
    }
    no_uploads("given");
    free(bytes);
    done(&p);
}

TEST(a_stopped_run_takes_back_what_it_began)
{
    struct place p;
    struct upload *u;
    struct uploaded got;
    int left = 1000000;
    const struct beat b = {sinks_stop, &left};
    char *bytes = noise(BIG);

    fresh(&p, "stopped");
    p.config.beat = &b;
    reopen(&p);
    must_rc(sink_upload(p.s, "x", &u, &p.err), &p.err);
    must_rc(upload_write(u, bytes, BIG, &p.err), &p.err);
    left = 0;
    fails(upload_finish(u, &got, &p.err), &p.err, ERR_CANCELLED);
    no_uploads("stopped");
    struct buf out = BUF_INIT(10);
    left = 1000000;
    is_int(sink_read(p.s, "x", &out, &p.err), 0);
    buf_release(&out);
    free(bytes);
    done(&p);
}

static int is_a(void *arg, const char *key)
{
    *(int *)arg += 1;
    return strstr(key, "/a") != NULL;
}

TEST(abandoned_uploads_are_found_by_their_key)
{
    struct place p, other;
    struct upload *u[4];
    char *bytes = noise(SINK_PIECE + 1), *open;
    static const char *const keys[4] = {"t/a+\xc3\xa9\n%", "t/b", "u/a", "t/a2"};
    int asked = 0;

    fresh(&p, "abandoned/in");
    open_at(&other, p.config.endpoint, "abandoned/in");
    for (int i = 0; i < 4; i++) {
        must_rc(sink_upload(other.s, keys[i], &u[i], &p.err), &p.err);
        must_rc(upload_write(u[i], bytes, SINK_PIECE + 1, &p.err), &p.err);
    }
    is_int(sink_abandon(p.s, "t/", is_a, &asked, &p.err), 2);
    is_int(asked, 3);
    open = test_s3_uploads(test_s3(), "abandoned");
    is_str(open, "in/t/b\nin/u/a\n");
    free(open);
    is_int(sink_abandon(p.s, "t/", is_a, &asked, &p.err), 0);
    is_int(sink_abandon(p.s, "t/b", NULL, NULL, &p.err), 1);
    for (int i = 0; i < 4; i++)
        upload_abort(u[i]); /* two are gone already: no fault */
    is_str(sink_left(other.s), "");
    no_uploads("abandoned");
    free(bytes);
    done(&other);
    done(&p);
}

/* ---- what must be new ---- */

TEST(put_new_does_not_touch_what_is_there)
{
    struct place p;

    fresh(&p, "news");
    is_int(sink_put_new(p.s, "x", "first", 5, &p.err), 1);
    is_int(sink_put_new(p.s, "x", "second", 6, &p.err), 0);
    is_int(sink_put_new(p.s, "x", "first", 5, &p.err), 0);
    holds("news", "x", "first", 5);
    done(&p);
    open_at(&p, test_s3()->endpoint, "absent-bucket");
    fails(sink_put_new(p.s, "x", "first", 5, &p.err), &p.err, ERR_NOT_FOUND);
    struct buf out = BUF_INIT(10);
    fails(sink_read(p.s, "x", &out, &p.err), &p.err, ERR_NOT_FOUND);
    done(&p);
}

/* ---- radosgw behind a proxy that breaks things ---- */

static const struct test_proxy *proxy;

static void faulty(struct place *p, const char *bucket)
{
    fresh(p, bucket);
    if (proxy == NULL) {
        char *upstream = xasprintf("127.0.0.1:%d", test_s3()->port);
        proxy = test_proxy_new(upstream);
        free(upstream);
    }
    test_proxy_rules(proxy, NULL);
    static char endpoint[60];
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", proxy->port);
    p->config.endpoint = endpoint;
    reopen(p);
}

TEST(pieces_that_are_given_are_sent_again_or_taken_back)
{
    struct uploaded got;
    struct place p;
    char *bytes = noise(3 * SINK_PIECE);

    faulty(&p, "again");
    test_proxy_rules(proxy,
                     "PUT\tstatus 503 SlowDown\t1\nPUT\tresetreq 100000\t1\nPUT\tcorruptreq 5000000\t1");
    must_rc(give(&p, "x", bytes, 3 * SINK_PIECE, &got), &p.err);
    holds("again", "x", bytes, 3 * SINK_PIECE);
    test_proxy_rules(proxy, "");
    must_rc(put(&p, "x", "old", 3, &got), &p.err);
    test_proxy_rules(proxy, "PUT /again/x\\?partNumber=2\tstatus 403 AccessDenied");
    fails(give(&p, "x", bytes, 3 * SINK_PIECE, &got), &p.err, ERR_ACCESS_DENIED);
    holds("again", "x", "old", 3);
    no_uploads("again");
    free(bytes);
    done(&p);
}

/* As often as the log says that the rule was used. */
static int times(const char *what)
{
    char *log = get_file(proxy->log_path, NULL);
    int n = 0;

    for (const char *at = log; (at = strstr(at, what)) != NULL; at++)
        n++;
    free(log);
    return n;
}

TEST(faults_on_the_way_of_a_piece_do_not_reach_the_object)
{
    static const char *const rules[] = {"PUT /parts/\tstatus 503 SlowDown\t3",
                                        "PUT /parts/x\\?partNumber=2\tstatus 500 InternalError\t2",
                                        "PUT /parts/x\\?partNumber=1\tresetreq 3000000\t2",
                                        "PUT /parts/x\\?partNumber=2\treset 0\t1",
                                        "PUT /parts/x\\?partNumber=2\tstall 0\t1",
                                        "PUT /parts/x\\?partNumber=3\ttruncate 20\t1",
                                        "PUT /parts/x\\?partNumber=2\tcorruptreq 5000000\t1"};
    struct place p;
    struct uploaded got;
    char *bytes = noise(BIG);

    faulty(&p, "parts");
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        int before = times("PUT /parts/x");
        bytes[i] ^= 1;
        test_proxy_rules(proxy, rules[i]);
        must_rc(put(&p, "x", bytes, BIG, &got), &p.err);
        ok(times("PUT /parts/x") > before);
        holds("parts", "x", bytes, BIG);
        no_uploads("parts");
    }
    free(bytes);
    done(&p);
}

TEST(a_piece_that_cannot_be_sent_leaves_the_old_object_and_no_piece)
{
    struct place p;
    struct uploaded got;
    char *bytes = noise(BIG);

    faulty(&p, "hopeless");
    p.config.retries = 1;
    reopen(&p);
    must_rc(put(&p, "x", "old", 3, &got), &p.err);
    test_proxy_rules(proxy, "PUT /hopeless/x\\?partNumber=2\tstatus 503 SlowDown");
    fails(put(&p, "x", bytes, BIG, &got), &p.err, ERR_TRANSIENT);
    no_uploads("hopeless");
    test_proxy_rules(proxy, "PUT /hopeless/x\\?partNumber=2\tcorruptreq 5000000");
    fails(put(&p, "x", bytes, BIG, &got), &p.err, ERR_TRANSIENT);
    says(&p, "BadDigest"); /* by the MD5, which is signed in place of the SHA-256 */
    no_uploads("hopeless");
    test_proxy_rules(proxy,
                     "PUT /hopeless/x\\?partNumber=2\tresetreq 5000000\nDELETE\tstatus 503 SlowDown\t1");
    fails(put(&p, "x", bytes, BIG, &got), &p.err, ERR_TRANSIENT);
    no_uploads("hopeless");
    holds("hopeless", "x", "old", 3);
    is_str(sink_left(p.s), "");
    /* and where even that is refused, it is said */
    test_proxy_rules(
        proxy, "PUT /hopeless/x\\?partNumber=2\tstatus 403 AccessDenied\nDELETE\tstatus 403 AccessDenied");
    fails(put(&p, "x", bytes, BIG, &got), &p.err, ERR_ACCESS_DENIED);
    says(&p, "s3:AbortMultipartUpload");
    says(&p, "lifecycle rule");
    ok(sink_left(p.s)[0] != '\0');
    char *open = test_s3_uploads(test_s3(), "hopeless");
    is_str(open, "x\n");
    free(open);
    free(bytes);
    done(&p);
}

TEST(a_lost_answer_to_the_beginning_leaves_no_second_upload)
{
    struct place p;
    struct upload *u;
    struct uploaded got;
    char *bytes = noise(BIG);

    faulty(&p, "begun");
    test_proxy_rules(proxy, ".\tlostreply ?uploads=\t2");
    int before = times("lostreply");
    must_rc(put(&p, "x", bytes, BIG, &got), &p.err);
    is_int(times("lostreply") - before, 2);
    holds("begun", "x", bytes, BIG);
    no_uploads("begun");
    test_proxy_rules(proxy, ".\tlostreply ?uploads=\t1");
    must_rc(sink_upload(p.s, "x", &u, &p.err), &p.err);
    must_rc(upload_write(u, bytes, BIG, &p.err), &p.err);
    char *open = test_s3_uploads(test_s3(), "begun");
    is_str(open, "x\nx\n");
    upload_abort(u);
    no_uploads("begun");
    test_proxy_rules(proxy, ".\tlostreply y?uploads="); /* for ever */
    p.config.retries = 1;
    reopen(&p);
    ok(put(&p, "y", bytes, BIG, &got) < 0);
    no_uploads("begun");
    free(open);
    free(bytes);
    done(&p);
}

TEST(a_lost_answer_to_complete_is_settled_by_looking)
{
    static const char *const rules[] = {
        ".\tlostreply </CompleteMultipartUpload>\t1",
        ".\tlostreply </CompleteMultipartUpload>", /* for ever */
        "POST /ended/x\\?uploadId\tstatus 503 SlowDown\t2",
        "POST /ended/x\\?uploadId\treset 0\t1",
        "POST /ended/x\\?uploadId\ttruncate 200\t1",
        "POST /ended/x\\?uploadId\tresetreq 300\t1", /* never arrived */
        "POST /ended/x\\?uploadId\tstatus 200 InternalError\t1",
        "POST /ended/x\\?uploadId\treset 0\t1\nPOST /ended/x\\?uploadId\tstatus 404 NoSuchUpload\t2",
    };
    struct place p;
    struct uploaded got;
    char *bytes = noise(BIG);

    faulty(&p, "ended");
    p.config.retries = 2;
    reopen(&p);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        int before = times(" -> ");
        bytes[i] ^= 1;
        test_proxy_rules(proxy, rules[i]);
        got = (struct uploaded){0};
        must_rc(put(&p, "x", bytes, BIG, &got), &p.err);
        ok(times(" -> ") > before);
        has_etag("ended", "x", &got);
        holds("ended", "x", bytes, BIG);
        no_uploads("ended");
    }
    bytes[100] ^= 1;
    test_proxy_rules(proxy, "POST /ended/x\\?uploadId\tstatus 200 InternalError");
    fails(put(&p, "x", bytes, BIG, &got), &p.err, ERR_TRANSIENT);
    says(&p, "200 InternalError");
    no_uploads("ended");
    test_proxy_rules(proxy, "POST /ended/x\\?uploadId\tstatus 200 InvalidPart");
    fails(put(&p, "x", bytes, BIG, &got), &p.err, ERR_BAD_RESPONSE);
    no_uploads("ended");
    test_proxy_rules(proxy, "POST /ended/x\\?uploadId\tstatus 404 NoSuchUpload");
    fails(put(&p, "x", bytes, BIG, &got), &p.err, ERR_NOT_FOUND); /* the object there is not ours */
    no_uploads("ended");
    bytes[100] ^= 1;
    holds("ended", "x", bytes, BIG);
    free(bytes);
    done(&p);
}

TEST(a_lost_answer_to_a_single_put_is_settled)
{
    struct place p;
    struct uploaded got;

    faulty(&p, "small");
    p.config.retries = 1;
    reopen(&p);
    test_proxy_rules(proxy, ".\tlostreply end-of-text\t1");
    must_rc(put(&p, "x", "a,b\nend-of-text", 15, &got), &p.err);
    holds("small", "x", "a,b\nend-of-text", 15);
    test_proxy_rules(proxy, ".\tlostreply end-of-text"); /* for ever */
    must_rc(put(&p, "x", "c,d\nend-of-text", 15, &got), &p.err);
    has_etag("small", "x", &got);
    holds("small", "x", "c,d\nend-of-text", 15);
    test_proxy_rules(proxy, "PUT\tcorruptreq 1200\t1");
    must_rc(put(&p, "x", "e,f\nend-of-text", 15, &got), &p.err);
    test_proxy_rules(proxy, "PUT\tstatus 503 SlowDown");
    fails(put(&p, "x", "never", 5, &got), &p.err, ERR_TRANSIENT);
    holds("small", "x", "e,f\nend-of-text", 15);
    done(&p);
}

TEST(put_new_whose_answer_is_lost_is_settled_by_its_bytes)
{
    struct place p;
    int before;

    faulty(&p, "renewed");
    p.config.retries = 2;
    reopen(&p);
    before = times("lostreply");
    test_proxy_rules(proxy, ".\tlostreply mine-1\t1");
    is_int(sink_put_new(p.s, "a", "{mine-1", 7, &p.err), 1);
    is_int(times("lostreply") - before, 1);
    holds("renewed", "a", "{mine-1", 7);
    test_proxy_rules(proxy, "PUT\treset 0\t1\nPUT\tresetreq 100\t1");
    is_int(sink_put_new(p.s, "b", "{mine-2", 7, &p.err), 1);
    /* never arrived, and meanwhile somebody else's did */
    test_proxy_rules(proxy, "PUT\tresetreq 100\t1\nPUT\tstatus 412 PreconditionFailed\t1");
    is_int(sink_put_new(p.s, "c", "{mine-3", 7, &p.err), 1);
    test_s3_put(test_s3(), "renewed", "d", "theirs!", 7);
    is_int(sink_put_new(p.s, "d", "{mine-4", 7, &p.err), 0);
    holds("renewed", "d", "theirs!", 7);
    test_proxy_rules(proxy, "PUT\tstatus 409 ConditionalRequestConflict\t2");
    is_int(sink_put_new(p.s, "e", "{mine-5", 7, &p.err), 1);
    test_proxy_rules(proxy, "PUT\tstatus 501 NotImplemented\t1");
    is_int(sink_put_new(p.s, "f", "{mine-6", 7, &p.err), 1);
    test_proxy_rules(proxy, "PUT\tstatus 503 SlowDown");
    fails(sink_put_new(p.s, "g", "{mine-7", 7, &p.err), &p.err, ERR_TRANSIENT);
    test_proxy_rules(proxy, "PUT\tstatus 403 AccessDenied");
    fails(sink_put_new(p.s, "g", "{mine-7", 7, &p.err), &p.err, ERR_ACCESS_DENIED);
    says(&p, "s3:PutObject");
    done(&p);
}

static void holds_raced(void *arg, const char *key, const void *want, size_t n)
{
    holds(arg, key, want, n);
}

/* The delay lets all of them look before the first has written: only If-None-Match can tell then. */
TEST(of_several_that_put_a_new_object_one_does)
{
    struct place p;
    char bucket[] = "raced";

    faulty(&p, bucket);
    test_proxy_rules(proxy, "PUT\tdelay 200");
    sinks_race(&p.config, 8, holds_raced, bucket);
    done(&p);
}

TEST(a_beat_goes_on_while_a_server_is_silent)
{
    struct place p;
    struct uploaded got;
    int left = 1000000;
    const struct beat b = {sinks_stop, &left};

    faulty(&p, "silent");
    p.config.beat = &b;
    p.config.retries = -1;
    reopen(&p);
    test_proxy_rules(proxy, "PUT\tdelay 30000");
    int before = left;
    fails(put(&p, "x", "abc", 3, &got), &p.err, ERR_TIMEOUT);
    ok(before - left >= 3);
    done(&p);
}

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/hash.h"
#include "io/source.h"
#include "tests/lib/mockhttp.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/tap.h"
#include <unistd.h>

#define SECRET "orch-test-secret/with+both=signs"

struct lake {
    char *url;
    struct source_config config;
    struct source *s;
};

/* A source on an endpoint with the tests' keys; change l.config and reopen() for others. */
static void reopen(struct lake *l)
{
    struct err err;

    source_close(l->s);
    l->s = NULL;
    must_rc(source_open(&l->config, &l->s, &err), &err);
}

static struct lake lake_at(const char *endpoint, const char *bucket_and_prefix)
{
    struct lake l = {.url = xasprintf("s3://%s", bucket_and_prefix)};

    l.config = (struct source_config){.url = l.url,
                                      .endpoint = endpoint,
                                      .path_style = true,
                                      .stall_timeout_ms = 2000,
                                      .env = {.access_key_id = "orch-test-access-key",
                                              .secret_access_key = SECRET,
                                              .metadata_disabled = "true"}};
    reopen(&l);
    return l;
}

static void lake_free(struct lake *l)
{
    source_close(l->s);
    free(l->url);
}

/* What a listing gave, copied. */
struct listed {
    char *key, *etag;
    struct object_info o;
};

struct listing {
    struct listed *p;
    size_t n;
};

static int collect(void *arg, const struct object_info *o, struct err *err)
{
    struct listing *l = arg;

    UNUSED(err);
    l->p = xrealloc(l->p, (l->n + 1) * sizeof *l->p);
    struct listed *x = &l->p[l->n++];
    *x = (struct listed){xstrdup(o->key), xstrdup(o->etag), *o};
    x->o.key = x->key;
    x->o.etag = x->etag;
    return 0;
}

static void listing_free(struct listing *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->p[i].key);
        free(l->p[i].etag);
    }
    free(l->p);
    *l = (struct listing){0};
}

static void list(const struct lake *l, const char *prefix, struct listing *ret)
{
    struct err err;

    *ret = (struct listing){0};
    must_rc(source_list(l->s, prefix, collect, ret, &err), &err);
}

static int list_rc(const struct lake *l, const char *prefix, struct err *err)
{
    struct listing all = {0};
    int rc = source_list(l->s, prefix, collect, &all, err);

    listing_free(&all);
    return rc;
}

/* Reads to the end; the bytes that came in *ret, whatever the outcome. */
static int read_all(const struct lake *l, const struct object_info *o, struct buf *ret, struct err *err)
{
    struct reader *r = NULL;
    static char chunk[60000];
    size_t n = 0;
    int rc = source_get(l->s, o, &r, err);

    buf_clear(ret);
    while (rc == 0) {
        rc = reader_read(r, chunk, sizeof chunk, &n, err);
        if (rc < 0 || n == 0)
            break;
        rc = buf_add(ret, chunk, n, err);
    }
    reader_close(r);
    return rc;
}

static void has(const struct err *err, const char *what)
{
    const char *at = strstr(err->msg, what);

    if (!ok(at != NULL || strstr(err->hint, what) != NULL))
        diag("wanted '%s' in: %s (hint: %s)", what, err->msg, err->hint);
    ok(strstr(err->msg, SECRET) == NULL && strstr(err->hint, SECRET) == NULL);
}

static unsigned char *noise(size_t n)
{
    unsigned char *p = xmalloc(n);
    uint32_t x = 12345;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (unsigned char)(x >> 24);
    }
    return p;
}

/* ---- a server that says what no real one would ---- */

#define PAGE(inside)                                                                                         \
    "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" inside     \
    "</ListBucketResult>"
#define OBJECT(key, etag, size)                                                                              \
    "<Contents><Key>" key "</Key><LastModified>2022-06-05T12:13:14.000Z</LastModified><ETag>\"" etag         \
    "\"</ETag>"                                                                                              \
    "<Size>" size "</Size></Contents>"
#define LAST        "<IsTruncated>false</IsTruncated>"
#define MORE(token) "<IsTruncated>true</IsTruncated><NextContinuationToken>" token "</NextContinuationToken>"
#define HELLO_MD5   "5d41402abc4b2a76b9719d911017c592"

static struct lake mocked(struct mock *m, const struct mock_answer *answers, size_t n)
{
    mock_start(m, answers, n);
    struct lake l = lake_at(m->url, "bucket/in/");
    return l;
}

static void done(struct mock *m, struct lake *l)
{
    lake_free(l);
    mock_stop(m);
}

static const struct object_info hello = {.key = "hello.csv", .etag = HELLO_MD5, .size = 5};

TEST(pages_are_asked_for_with_prefix_and_token)
{
    const struct mock_answer answers[] = {
        {"GET /bucket?encoding-type=url&list-type=2&prefix=in%2Fhh%3D12%2F HTTP/1.1\r\n", "200 OK\r\n",
         PAGE(MORE("a+b/c==") "<EncodingType>url</EncodingType>" OBJECT("in/hh%3D12/", "x", "0")
                  OBJECT("in/hh%3D12/a%20b", "x", "1")),
         0, 0, 0},
        {"continuation-token=a%2Bb%2Fc%3D%3D&prefix=in%2Fhh%3D12%2F HTTP/1.1\r\n", "200 OK\r\n",
         PAGE(LAST OBJECT("in/hh=12/c", "y-2", "3")), 0, 0, 0},
    };
    struct mock m;
    struct lake l = mocked(&m, answers, ARRAY_LEN(answers));
    struct listing all;

    l.config.clock_shift_ms = 3600000;
    reopen(&l);
    list(&l, "hh=12/", &all);
    must(all.n == 3);
    is_str(all.p[0].key, "hh=12/");
    is_str(all.p[1].key, "hh=12/a b");
    is_str(all.p[2].key, "hh=12/c");
    is_str(all.p[2].etag, "y-2");
    is_int(all.p[2].o.size, 3);
    is_int(all.p[2].o.mtime_ns / 1000000, 1654431194000);
    is_int(all.p[2].o.modified_ms, 1654431194000 + 3600000);
    listing_free(&all);
    is_str(source_creds_origin(l.s), "environment");
    done(&m, &l);
}

TEST(a_listing_that_could_lose_or_double_objects_is_an_error)
{
    static const struct {
        const char *first, *second, *why;
    } rows[] = {
        {PAGE("<IsTruncated>true</IsTruncated>" OBJECT("in/a", "x", "1")), "", "no continuation token"},
        {PAGE(MORE("t") OBJECT("in/b", "x", "1")), PAGE(LAST OBJECT("in/b", "x", "1")), "ascending"},
        {PAGE(MORE("t") OBJECT("in/b", "x", "1")), PAGE(LAST OBJECT("in/a", "x", "1")), "ascending"},
        {PAGE(MORE("t") OBJECT("in/b", "x", "1")), PAGE(MORE("t") OBJECT("in/c", "x", "1")), "token twice"},
        {PAGE(LAST OBJECT("other/b", "x", "1")), "", "outside the prefix"},
        {PAGE(LAST OBJECT("in/b", "x", "1")) "<", "", "XML"},
        {"", "", "empty"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct mock_answer answers[] = {{"GET", "200 OK\r\n", rows[i].first, 0, 0, 0},
                                              {"GET", "200 OK\r\n", rows[i].second, 0, 0, 0}};
        struct mock m;
        struct lake l = mocked(&m, answers, 2);
        struct err err = {0};
        fails(list_rc(&l, "", &err), &err, ERR_BAD_RESPONSE);
        has(&err, rows[i].why);
        has(&err, i == 1 || i == 2 || i == 4 ? "" : "s3://bucket/in/: ");
        done(&m, &l);
    }
}

TEST(a_page_cut_by_the_network_is_asked_for_again)
{
    const struct mock_answer answers[] = {
        {"GET", "200 OK\r\n", PAGE(LAST OBJECT("in/a", "x", "1")), 0, 50, 0},
        {"GET", "503 Slow Down\r\n", "<Error><Code>SlowDown</Code></Error>", 0, 0, 0},
        {"GET", "200 OK\r\n", PAGE(LAST OBJECT("in/a", "x", "1")), 0, 0, 0}};
    struct mock m;
    struct lake l = mocked(&m, answers, 3);
    struct listing all;

    list(&l, "", &all);
    is_int(all.n, 1);
    listing_free(&all);
    done(&m, &l);
}

static void error_is(const char *head, const char *body, enum err_code want, const char *says)
{
    struct mock_answer answers[6];
    struct mock m;
    struct err err = {0};
    struct buf out = BUF_INIT(100);

    for (size_t i = 0; i < ARRAY_LEN(answers); i++)
        answers[i] = (struct mock_answer){NULL, head, body, 0, 0, 0};
    struct lake l = mocked(&m, answers, ARRAY_LEN(answers));
    l.config.retries = -1;
    reopen(&l);
    fails(read_all(&l, &hello, &out, &err), &err, want);
    has(&err, says);
    has(&err, "s3://bucket/in/hello.csv: ");
    buf_release(&out);
    done(&m, &l);
}

#define S3_ERROR(code)                                                                                       \
    "<?xml version=\"1.0\"?>\n<Error><Code>" code "</Code><Message>Some words</Message></Error>"

TEST(refusals_say_what_to_do)
{
    error_is("403 Forbidden\r\n", S3_ERROR("SignatureDoesNotMatch"), ERR_ACCESS_DENIED, "secret key");
    error_is("403 Forbidden\r\n", S3_ERROR("InvalidAccessKeyId"), ERR_ACCESS_DENIED,
             "does not know the access key");
    error_is("403 Forbidden\r\nDate: Sun, 05 Jun 2022 12:00:00 GMT\r\n", S3_ERROR("RequestTimeTooSkewed"),
             ERR_ACCESS_DENIED, "ahead of the server");
    error_is("403 Forbidden\r\n", S3_ERROR("AccessDenied"), ERR_ACCESS_DENIED, "s3:GetObject");
    error_is("403 Forbidden\r\n", "", ERR_ACCESS_DENIED, "HTTP status 403");
    error_is("403 Forbidden\r\n", S3_ERROR("InvalidObjectState"), ERR_ACCESS_DENIED, "restore");
    error_is("404 Not Found\r\n", S3_ERROR("NoSuchBucket"), ERR_NOT_FOUND, "bucket's name");
    error_is("404 Not Found\r\n", S3_ERROR("NoSuchKey"), ERR_OBJECT_CHANGED, "deleted");
    error_is("404 Not Found\r\n", "<html>proxy</html>", ERR_NOT_FOUND, "404");
    error_is("412 Precondition Failed\r\n", S3_ERROR("PreconditionFailed"), ERR_OBJECT_CHANGED, "Some words");
    error_is("400 Bad Request\r\n",
             "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>", ERR_CONFIG,
             "eu-west-1");
    error_is("301 Moved\r\nx-amz-bucket-region: ap-south-1\r\nLocation: http://127.0.0.1:1/\r\n",
             S3_ERROR("PermanentRedirect"), ERR_CONFIG, "ap-south-1");
    error_is("307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\n", "", ERR_CONFIG, "\"region\"");
    error_is("503 Slow Down\r\n", S3_ERROR("SlowDown"), ERR_TRANSIENT, "503 SlowDown");
    error_is("429 Too Many\r\n", "", ERR_TRANSIENT, "429");
    error_is("500 Oops\r\n", "", ERR_TRANSIENT, "500");
    error_is("501 What\r\n", S3_ERROR("NotImplemented"), ERR_BAD_RESPONSE, "NotImplemented");
    error_is("403 Forbidden\r\n", "<Error><Code>X</Code><Message>you sent " SECRET "</Message></Error>",
             ERR_ACCESS_DENIED, "403");
}

TEST(an_ended_token_is_renewed_once)
{
    char *dir = tmp_dir(), *path = tmp_path(dir, "credentials");
    const struct mock_answer answers[] = {
        {"x-amz-security-token: old", "400 Bad Request\r\n", S3_ERROR("ExpiredToken"), 0, 0, 0},
        {"x-amz-security-token: old", "400 Bad Request\r\n", S3_ERROR("ExpiredToken"), 0, 0, 0},
        {"x-amz-security-token: new", "200 OK\r\n", PAGE(LAST), 0, 0, 0}};
    struct mock m;
    struct lake l = mocked(&m, answers, 3);
    struct err err = {0};

    put_text(path, "[default]\naws_access_key_id=A\naws_secret_access_key=B\naws_session_token=old\n");
    l.config.env = (struct creds_env){.credentials_file = path, .metadata_disabled = "true"};
    reopen(&l);
    fails(list_rc(&l, "", &err), &err, ERR_ACCESS_DENIED);
    has(&err, "session token (profile default)");
    put_text(path, "[default]\naws_access_key_id=A\naws_secret_access_key=B\naws_session_token=new\n");
    must_rc(list_rc(&l, "", &err), &err);
    char *log = mock_log(&m);
    ok(strstr(log, "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, ") != NULL);
    free(log);
    free(dir);
    free(path);
    done(&m, &l);
}

#define ROLE(token)                                                                                          \
    {"PUT /latest/api/token", "200 OK\r\n", "T", 0, 0, 0}, {"GET /latest/", "200 OK\r\n", "role", 0, 0, 0},  \
    {                                                                                                        \
        "GET /latest/", "200 OK\r\n",                                                                        \
            "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Token\":\"" token                            \
            "\",\"Expiration\":\"2999-01-01T00:00:00Z\"}",                                                   \
            0, 0, 0                                                                                          \
    }

TEST(an_instance_role_is_asked_again_when_its_token_ends)
{
    const struct mock_answer role[] = {ROLE("first"), ROLE("second")};
    const struct mock_answer answers[] = {
        {"x-amz-security-token: first\r\n", "200 OK\r\n", PAGE(LAST), 0, 0, 0},
        {"x-amz-security-token: first\r\n", "400 Bad Request\r\n", S3_ERROR("ExpiredToken"), 0, 0, 0},
        {"x-amz-security-token: second\r\n", "200 OK\r\n", PAGE(LAST), 0, 0, 0},
        {"x-amz-security-token: second\r\n", "200 OK\r\n", PAGE(LAST), 0, 0, 0}};
    struct mock m, imds;
    struct lake l = mocked(&m, answers, ARRAY_LEN(answers));
    struct err err;

    mock_start(&imds, role, ARRAY_LEN(role));
    l.config.env = (struct creds_env){.home = "/nonexistent", .metadata_endpoint = imds.url};
    reopen(&l);
    for (int i = 0; i < 3; i++)
        must_rc(list_rc(&l, "", &err), &err);
    is_str(source_creds_origin(l.s), "instance metadata");
    mock_stop(&imds);
    done(&m, &l);
}

TEST(a_wrong_object_is_not_taken_for_the_listed_one)
{
    static const struct {
        const char *head, *body;
        enum err_code code;
        const char *says;
    } rows[] = {
        {"200 OK\r\nETag: \"" HELLO_MD5 "\"\r\n", "hallo", ERR_BAD_RESPONSE, "MD5"},
        {"200 OK\r\n", "hallo", ERR_BAD_RESPONSE, "MD5"},
        {"200 OK\r\nETag: \"other\"\r\n", "hello", ERR_OBJECT_CHANGED, "other"}, /* If-Match was not heard */
        {"200 OK\r\n", "hello!", ERR_OBJECT_CHANGED, "6 bytes"},
        {"200 OK\r\n", "hell", ERR_OBJECT_CHANGED, "4 bytes"},
        {"206 Part\r\nContent-Range: bytes 0-4/9\r\n", "hello", ERR_BAD_RESPONSE, "0-4/9"},
        {"200 OK\r\nTransfer-Encoding: chunked\r\n", "6\r\nhello!\r\n0\r\n\r\n", ERR_BAD_RESPONSE,
         "more than"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct mock_answer answers[] = {
            {"If-Match: \"" HELLO_MD5 "\"\r\n", rows[i].head, rows[i].body, 0, 0, 0}};
        struct mock m;
        struct lake l = mocked(&m, answers, 1);
        struct err err = {0};
        struct buf out = BUF_INIT(100);
        fails(read_all(&l, &hello, &out, &err), &err, rows[i].code);
        has(&err, rows[i].says);
        has(&err, "s3://bucket/in/hello.csv: ");
        buf_release(&out);
        done(&m, &l);
    }
}

TEST(an_etag_that_is_no_md5_is_not_compared)
{
    static const struct {
        const char *etag, *head;
    } rows[] = {
        {HELLO_MD5 "-2", "200 OK\r\n"},
        {"11111111111111111111111111111111", "200 OK\r\nx-amz-server-side-encryption: aws:kms\r\n"},
        {"11111111111111111111111111111111", "200 OK\r\nx-amz-server-side-encryption: aws:kms:dsse\r\n"},
        {"11111111111111111111111111111111",
         "200 OK\r\nx-amz-server-side-encryption-customer-algorithm: AES256\r\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct mock_answer answers[] = {{"If-Match", rows[i].head, "hello", 0, 0, 0}};
        struct mock m;
        struct lake l = mocked(&m, answers, 1);
        struct object_info o = {.key = "x", .etag = rows[i].etag, .size = 5};
        struct err err;
        struct buf out = BUF_INIT(100);
        must_rc(read_all(&l, &o, &out, &err), &err);
        is_str(out.p, "hello");
        buf_release(&out);
        done(&m, &l);
    }
}

TEST(a_broken_body_is_resumed_and_only_at_the_right_place)
{
    const struct mock_answer good[] = {
        {"GET /bucket/in/hello.csv HTTP/1.1", "200 OK\r\n", "hello", 0, 2, 0},
        {"If-Match: \"" HELLO_MD5 "\"\r\nRange: bytes=2-\r\n", "206 Part\r\nContent-Range: bytes 2-4/5\r\n",
         "llo", 0, 1, 0},
        {"Range: bytes=3-\r\n", "200 OK\r\n", "hello", 0, 0, 0}, /* knows no Range */
    };
    const struct mock_answer wrong[] = {
        {"GET", "200 OK\r\n", "hello", 0, 2, 0},
        {"Range", "206 Part\r\nContent-Range: bytes 1-4/5\r\n", "ello", 0, 0, 0}};
    const struct mock_answer changed[] = {
        {"GET", "200 OK\r\n", "hello", 0, 2, 0},
        {"Range", "412 Precondition Failed\r\n", S3_ERROR("PreconditionFailed"), 0, 0, 0}};
    const struct mock_answer other[] = {
        {"GET", "200 OK\r\n", "hello", 0, 2, 0},
        {"Range", "206 Part\r\nETag: \"new\"\r\nContent-Range: bytes 2-4/5\r\n", "LLO", 0, 0, 0}};
    struct mock m;
    struct lake l = mocked(&m, good, 3);
    struct err err = {0};
    struct buf out = BUF_INIT(100);

    must_rc(read_all(&l, &hello, &out, &err), &err);
    is_str(out.p, "hello");
    done(&m, &l);
    l = mocked(&m, wrong, 2);
    fails(read_all(&l, &hello, &out, &err), &err, ERR_BAD_RESPONSE);
    has(&err, "bytes 1-4/5");
    done(&m, &l);
    l = mocked(&m, changed, 2);
    fails(read_all(&l, &hello, &out, &err), &err, ERR_OBJECT_CHANGED);
    done(&m, &l);
    l = mocked(&m, other, 2);
    fails(read_all(&l, &hello, &out, &err), &err, ERR_OBJECT_CHANGED);
    done(&m, &l);
    buf_release(&out);
}

TEST(breaks_without_progress_are_limited)
{
    const struct mock_answer answers[] = {
        {"GET", "200 OK\r\n", "hello", 0, 2, 0},
        {"Range", "206 Part\r\nContent-Range: bytes 2-4/5\r\n", "llo", 0, 1, 0},
        {"Range", "206 Part\r\nContent-Range: bytes 3-4/5\r\n", "lo", 0, 1, 0},
        {"Range", "206 Part\r\nContent-Range: bytes 4-4/5\r\n", "o", 0, 0, 0}};
    struct mock m;
    struct lake l = mocked(&m, answers, 4);
    struct err err = {0};
    struct buf out = BUF_INIT(100);

    l.config.retries = 2;
    reopen(&l);
    fails(read_all(&l, &hello, &out, &err), &err, ERR_TRANSIENT);
    has(&err, "after 4 of 5 bytes");
    done(&m, &l);
    buf_release(&out);
}

TEST(breaks_with_progress_are_not)
{
    enum { PART = 40000, PARTS = 30 };
    static char body[PART * PARTS];
    struct mock_answer answers[PARTS];
    struct object_info o = {.key = "hello.csv", .etag = "x-2", .size = sizeof body};
    char head[PARTS][100];
    struct mock m;
    struct err err = {0};
    struct buf out = BUF_INIT(2 * MIB);

    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('a' + i / 7 % 26);
    for (int i = 0; i < PARTS; i++) {
        snprintf(head[i], sizeof head[i], "206 Part\r\nContent-Range: bytes %d-%d/%d\r\n", i * PART,
                 PART * PARTS - 1, PART * PARTS);
        answers[i] = (struct mock_answer){"GET",
                                          i > 0 ? head[i] : "200 OK\r\n",
                                          body + (long)i * PART,
                                          sizeof body - (size_t)i * PART,
                                          i < PARTS - 1 ? PART : 0,
                                          0};
    }
    struct lake l = mocked(&m, answers, PARTS);
    l.config.retries = 1;
    reopen(&l);
    int64_t began_ms = clock_mono_ms();
    must_rc(read_all(&l, &o, &out, &err), &err);
    ok(out.n == sizeof body && memcmp(out.p, body, out.n) == 0);
    ok(clock_mono_ms() - began_ms <
       3000); /* and asked for at once: with a back-off before each it were more */
    done(&m, &l);
    buf_release(&out);
}

static int64_t beats;
static int stop_after;

static int count(void *arg, struct err *err)
{
    UNUSED(arg);
    return ++beats > stop_after ? err_set(err, ERR_CANCELLED, "stopped") : 0;
}

TEST(silence_is_a_time_out_and_the_beat_goes_on_in_it)
{
    const struct mock_answer headers[] = {{"GET", "200 OK\r\nContent-Length: 5\r\n", NULL, 0, 0, 1}};
    const struct mock_answer middle[] = {{"GET", "200 OK\r\nContent-Length: 5\r\n", "he", 0, 0, 1}};
    const struct beat b = {count, NULL};
    struct mock m;
    struct lake l = mocked(&m, headers, 1);
    struct err err = {0};
    struct buf out = BUF_INIT(100);

    l.config.beat = &b;
    l.config.retries = -1;
    beats = 0;
    stop_after = 1000;
    reopen(&l);
    int64_t began = clock_mono_ms();
    fails(read_all(&l, &hello, &out, &err), &err, ERR_TIMEOUT);
    ok(clock_mono_ms() - began >= 2000);
    ok(beats >= 3);
    done(&m, &l);
    l = mocked(&m, middle, 1);
    l.config.beat = &b;
    beats = 0;
    stop_after = 3;
    reopen(&l);
    fails(read_all(&l, &hello, &out, &err), &err, ERR_CANCELLED);
    is_str(out.p, "he");
    done(&m, &l);
    buf_release(&out);
}

TEST(nobody_there_is_unavailable)
{
    struct lake l = lake_at("http://127.0.0.1:1", "bucket");
    struct err err = {0};

    l.config.retries = -1;
    reopen(&l);
    fails(list_rc(&l, "", &err), &err, ERR_UNAVAILABLE);
    has(&err, "http://127.0.0.1:1");
    l.config.endpoint = "http://nowhere.invalid";
    reopen(&l);
    fails(list_rc(&l, "", &err), &err, ERR_UNAVAILABLE);
    lake_free(&l);
}

TEST(headers_out_of_a_listing_cannot_split_a_request)
{
    struct lake l = lake_at("http://127.0.0.1:1", "bucket");
    struct object_info o = {.key = "x", .etag = "a\r\nX-Evil: 1", .size = 1};
    struct err err = {0};
    struct buf out = BUF_INIT(100);

    fails(read_all(&l, &o, &out, &err), &err, ERR_CONFIG);
    has(&err, "control character");
    buf_release(&out);
    lake_free(&l);
}

/* ---- radosgw ---- */

static const struct test_s3 *rgw(const char *bucket)
{
    setenv("RGW_TLS", test_ca(), 1); /* https on the next port but two */
    const struct test_s3 *s = test_s3();
    test_s3_bucket(s, bucket);
    return s;
}

TEST(odd_keys_are_written_listed_and_read)
{
    static const char *const keys[] = {" lead",
                                       "100%.csv",
                                       "a b.csv",
                                       "a%2Bb.csv",
                                       "a+b.csv",
                                       "a/../b",
                                       "a/./b",
                                       "a//b",
                                       "a/b",
                                       "ctl\x01.csv",
                                       "new\nline.csv",
                                       "quote\"'<>&.csv",
                                       "semi;colon=&?#.csv",
                                       "tilde~!*'().csv",
                                       "\xc3\xa9t\xc3\xa9.csv",
                                       "\xf0\x9f\x98\x80.csv"};
    const struct test_s3 *s = rgw("odd");
    struct lake l = lake_at(s->endpoint, "odd/in/");
    struct listing all;
    struct buf out = BUF_INIT(1000);
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        must_rc(source_put(l.s, keys[i], keys[i], strlen(keys[i]), &err), &err);
    list(&l, "", &all);
    must(all.n == ARRAY_LEN(keys));
    for (size_t i = 0; i < all.n; i++) {
        is_str(all.p[i].key, keys[i]); /* the table is in byte order */
        must_rc(read_all(&l, &all.p[i].o, &out, &err), &err);
        is_str(out.p, keys[i]);
    }
    listing_free(&all);
    list(&l, "a//", &all);
    is_int(all.n, 1);
    listing_free(&all);
    list(&l, "nothing/here/", &all);
    is_int(all.n, 0);
    listing_free(&all);
    buf_release(&out);
    lake_free(&l);
}

TEST(every_page_of_a_long_listing_comes)
{
    const struct test_s3 *s = rgw("many");
    struct lake l = lake_at(s->endpoint, "many");
    struct listing all;
    struct err err;
    char key[40];

    for (int i = 0; i < 2100; i++) {
        snprintf(key, sizeof key, "hh=%02d/f+%04d.csv", i % 3, i);
        must_rc(source_put(l.s, key, "x", 1, &err), &err);
    }
    list(&l, "", &all);
    is_int(all.n, 2100);
    for (size_t i = 1; i < all.n; i++)
        must(strcmp(all.p[i - 1].key, all.p[i].key) < 0);
    listing_free(&all);
    list(&l, "hh=01/", &all);
    is_int(all.n, 700);
    listing_free(&all);
    ok(llabs(source_clock_skew_ms(l.s)) < 5000);
    lake_free(&l);
}

TEST(real_refusals)
{
    const struct test_s3 *s = rgw("mine");
    struct lake l = lake_at(s->endpoint, "absent");
    struct listing all;
    struct buf out = BUF_INIT(1000);
    struct err err = {0};

    fails(list_rc(&l, "", &err), &err, ERR_NOT_FOUND);
    has(&err, "NoSuchBucket");
    lake_free(&l);
    l = lake_at(s->endpoint, "mine");
    must_rc(source_put(l.s, "f.csv", "id\n1\n", 5, &err), &err);
    list(&l, "", &all);
    must(all.n == 1);
    must_rc(source_put(l.s, "f.csv", "id\n2\n", 5, &err), &err);
    fails(read_all(&l, &all.p[0].o, &out, &err), &err, ERR_OBJECT_CHANGED); /* overwritten since */
    all.p[0].o.key = "gone.csv";
    fails(read_all(&l, &all.p[0].o, &out, &err), &err, ERR_OBJECT_CHANGED);
    l.config.env.secret_access_key = "wrong";
    reopen(&l);
    fails(list_rc(&l, "", &err), &err, ERR_ACCESS_DENIED);
    has(&err, "SignatureDoesNotMatch");
    l.config.env.access_key_id = "nobody";
    reopen(&l);
    fails(list_rc(&l, "", &err), &err, ERR_ACCESS_DENIED);
    has(&err, "InvalidAccessKeyId");
    listing_free(&all);
    buf_release(&out);
    lake_free(&l);
}

TEST(virtual_hosted_style_and_a_prefix)
{
    const struct test_s3 *s = rgw("vhost");
    char *endpoint = xasprintf("http://s3.localhost:%d", s->port);
    struct lake l = lake_at(endpoint, "vhost/some/where");
    struct listing all;
    struct buf out = BUF_INIT(1000);
    struct err err;

    test_s3_put(s, "vhost", "some/where/x.csv", "id\n", 3);
    test_s3_put(s, "vhost", "some/whereelse.csv", "id\n", 3);
    l.config.path_style = false;
    reopen(&l);
    list(&l, "", &all);
    must(all.n == 1);
    is_str(all.p[0].key, "x.csv");
    must_rc(read_all(&l, &all.p[0].o, &out, &err), &err);
    is_str(out.p, "id\n");
    must_rc(source_peek(l.s, &all.p[0].o, 2, &out, &err), &err);
    is_str(out.p, "id");
    listing_free(&all);
    buf_release(&out);
    lake_free(&l);
    free(endpoint);
}

/* ---- radosgw behind a proxy that breaks things ---- */

struct faulty {
    const struct test_proxy *proxy; /* lives as long as the program */
    struct lake l;
    struct listing all;
    unsigned char *data;
    struct buf out;
};

enum { BIG = 6 * MIB };

static void faulty_open(struct faulty *f, const char *bucket)
{
    const struct test_s3 *s = rgw(bucket);
    struct err err;

    char *upstream = xasprintf("127.0.0.1:%d", s->port);
    static const struct test_proxy *proxy;
    if (proxy == NULL)
        proxy = test_proxy_new(upstream);
    f->proxy = proxy;
    test_proxy_rules(proxy, NULL);
    free(upstream);
    f->data = noise(BIG);
    buf_init(&f->out, 2 * BIG);
    f->l = lake_at(s->endpoint, bucket);
    must_rc(source_put(f->l.s, "big", f->data, BIG, &err), &err);
    f->l.config.endpoint = xasprintf("http://127.0.0.1:%d", f->proxy->port);
    reopen(&f->l);
    list(&f->l, "big", &f->all);
    must(f->all.n == 1 && f->all.p[0].o.size == BIG);
}

static int faulty_get(struct faulty *f, const char *rules, struct err *err)
{
    test_proxy_rules(f->proxy, rules);
    return read_all(&f->l, &f->all.p[0].o, &f->out, err);
}

static bool whole(const struct faulty *f)
{
    return f->out.n == BIG && memcmp(f->out.p, f->data, BIG) == 0;
}

static void faulty_close(struct faulty *f)
{
    char *endpoint = (char *)(uintptr_t)f->l.config.endpoint;

    listing_free(&f->all);
    lake_free(&f->l);
    free(endpoint);
    free(f->data);
    buf_release(&f->out);
}

TEST(faults_on_the_way_do_not_reach_the_bytes)
{
    struct faulty f;
    struct err err = {0};

    faulty_open(&f, "faults");
    must_rc(faulty_get(&f, "GET /faults/big\treset 1000000\t1\nGET /faults/big\treset 2500000\t1\n", &err),
            &err);
    ok(whole(&f));
    must_rc(faulty_get(&f, "GET /faults/big\ttruncate 1000000\t2\n", &err), &err);
    ok(whole(&f));
    must_rc(faulty_get(&f, "GET /faults/big\tstatus 503 SlowDown\t2\n", &err), &err);
    ok(whole(&f));
    must_rc(faulty_get(&f, "GET /faults/big\tstall 3000000\t1\n", &err), &err);
    ok(whole(&f));
    fails(faulty_get(&f, "GET /faults/big\tcorrupt 3000000\n", &err), &err, ERR_BAD_RESPONSE);
    has(&err, "MD5");
    must_rc(faulty_get(&f, "GET /faults/big\treset 1500000\n", &err),
            &err); /* for ever, but each time further */
    ok(whole(&f));
    fails(faulty_get(&f, "GET /faults/big\treset 100\n", &err), &err, ERR_TRANSIENT);
    faulty_close(&f);
}

TEST(another_object_between_two_ranges_is_seen)
{
    struct faulty f;
    struct reader *r = NULL;
    struct lake direct;
    char chunk[1000];
    size_t n = 0, total = 0;
    struct err err = {0};
    int rc = 0;

    faulty_open(&f, "swap");
    test_proxy_rules(f.proxy, "GET /swap/big\treset 3000000\t1\n");
    must_rc(source_get(f.l.s, &f.all.p[0].o, &r, &err), &err);
    must_rc(reader_read(r, chunk, sizeof chunk, &n, &err), &err);
    direct = lake_at(test_s3()->endpoint, "swap");
    f.data[0] ^= 1;
    must_rc(source_put(direct.s, "big", f.data, BIG, &err), &err);
    for (total = n; rc == 0 && n > 0; total += n)
        rc = reader_read(r, chunk, sizeof chunk, &n, &err);
    fails(rc, &err, ERR_OBJECT_CHANGED);
    ok(total < BIG);
    reader_close(r);
    lake_free(&direct);
    faulty_close(&f);
}

static size_t rss_kib(void)
{
    char line[200];
    size_t kib = 0;
    FILE *f = fopen("/proc/self/status", "re");

    must(f != NULL);
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtoul(line + 6, NULL, 10);
    fclose(f);
    return kib;
}

TEST(a_slow_reader_holds_the_sender_back)
{
    const struct test_s3 *s = rgw("slow");
    struct lake l = lake_at(s->endpoint, "slow");
    size_t size = 96 * MIB, n = 0, before, most = 0;
    unsigned char *data = noise(size);
    struct reader *r = NULL;
    struct listing all;
    struct err err;

    must_rc(source_put(l.s, "huge", data, size, &err), &err);
    free(data);
    list(&l, "", &all);
    must(all.n == 1);
    before = rss_kib();
    must_rc(source_get(l.s, &all.p[0].o, &r, &err), &err);
    static char chunk[256 * KIB];
    int64_t total = 0;
    do {
        must_rc(reader_read(r, chunk, sizeof chunk, &n, &err), &err);
        total += (int64_t)n;
        if (total / (8 * MIB) != (total - (int64_t)n) / (8 * MIB) && rss_kib() > most)
            most = rss_kib();
    } while (n > 0);
    is_int(total, size);
    if (!ok(most < before + 48 * 1024)) /* much of it is what the sanitizer holds back */
        diag("%zu KiB before, %zu KiB at most", before, most);
    reader_close(r);
    listing_free(&all);
    lake_free(&l);
}

TEST(several_objects_and_a_listing_at_once)
{
    const struct test_s3 *s = rgw("both");
    struct lake l = lake_at(s->endpoint, "both");
    struct reader *r[2] = {NULL, NULL};
    struct listing all, again;
    struct err err;
    unsigned char *data = noise(2 * BIG), *got = xmalloc(2 * BIG);
    size_t n = 0, total[2] = {0, 0};

    must_rc(source_put(l.s, "a", data, BIG, &err), &err);
    must_rc(source_put(l.s, "b", data + BIG, BIG, &err), &err);
    list(&l, "", &all);
    must(all.n == 2);
    must_rc(source_get(l.s, &all.p[0].o, &r[0], &err), &err);
    must_rc(source_get(l.s, &all.p[1].o, &r[1], &err), &err);
    list(&l, "", &again);
    is_int(again.n, 2);
    for (int ended = 0, i = 0; ended < 2; i = !i) {
        if (r[i] == NULL)
            continue;
        size_t step = i == 0 ? 100000 : 3001;
        must_rc(reader_read(r[i], got + (size_t)i * BIG + total[i],
                            BIG - total[i] < step && total[i] < BIG ? BIG - total[i] : step, &n, &err),
                &err);
        total[i] += n;
        if (n == 0) {
            reader_close(r[i]);
            r[i] = NULL;
            ended++;
        }
    }
    is_int(total[0], BIG);
    is_int(total[1], BIG);
    ok(memcmp(got, data, 2 * BIG) == 0);
    free(data);
    free(got);
    listing_free(&all);
    listing_free(&again);
    lake_free(&l);
}

TEST(tls_trusts_the_ca_that_is_named_and_no_other)
{
    const struct test_s3 *s = rgw("tls");
    char *endpoint = xasprintf("https://127.0.0.1:%d", s->port + 3);
    char *ca = tmp_path(test_ca(), "ca.pem"), *other = tmp_path(test_ca(), "other-ca.pem");
    struct lake l = lake_at(endpoint, "tls");
    struct err err = {0};

    unsetenv("CURL_CA_BUNDLE");
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    l.config.retries = -1;
    l.config.ca_file = ca;
    reopen(&l);
    must_rc(source_put(l.s, "x", "1", 1, &err), &err);
    must_rc(list_rc(&l, "", &err), &err);
    l.config.ca_file = other;
    reopen(&l);
    fails(list_rc(&l, "", &err), &err, ERR_UNAVAILABLE);
    has(&err, "ca_file");
    l.config.ca_file = NULL; /* the system's */
    reopen(&l);
    fails(list_rc(&l, "", &err), &err, ERR_UNAVAILABLE);
    l.config.ca_file = "/nonexistent.pem";
    reopen(&l);
    fails(list_rc(&l, "", &err), &err, ERR_CONFIG);
    l.config.ca_file = ca;
    char *name =
        xasprintf("https://s3.localhost:%d", s->port + 3); /* the same server; not in the certificate */
    l.config.endpoint = name;
    reopen(&l);
    fails(list_rc(&l, "", &err), &err, ERR_UNAVAILABLE);
    has(&err, "mend the host name");
    lake_free(&l);
    free(endpoint);
    free(ca);
    free(other);
    free(name);
}

TEST(a_gateway_that_comes_back_is_waited_for)
{
    const struct test_s3 *s = rgw("back");
    struct lake l = lake_at(s->endpoint, "back");
    struct err err = {0};

    must_rc(source_put(l.s, "x", "1", 1, &err), &err);
    test_s3_kill(s);
    l.config.retries = 1;
    reopen(&l);
    fails(list_rc(&l, "", &err), &err, ERR_UNAVAILABLE);
    test_s3_again(s);
    must_rc(list_rc(&l, "", &err), &err);
    lake_free(&l);
}

/* ---- Swift: another make of server, strict about regions and whatever is not signed ---- */

TEST(swift_agrees)
{
    static const char *const keys[] = {"a b+c%2B&=.csv", "dir//x", "new\nline", "\xc3\xa9.csv"};
    need("s3", (const char *const[]){"swift-proxy-server", "swift-ring-builder", "memcached", NULL});
    char *dir = tmp_dir(), port[16], owner[16];
    char *script =
        xasprintf("%s/tests/servers/swift.sh", getenv("ORCH_SOURCE") != NULL ? getenv("ORCH_SOURCE") : ".");
    struct listing all;
    struct buf out = BUF_INIT(1000);
    struct err err = {0};

    snprintf(port, sizeof port, "%d", free_ports());
    snprintf(owner, sizeof owner, "%ld", (long)getpid());
    setenv("ORCH_TEST_OWNER", owner, 1); /* ends it when this program dies */
    free(RUN_OK(script, "start", dir, port));
    char *endpoint = xasprintf("http://127.0.0.1:%s", port);
    struct test_s3 client = {.endpoint = endpoint, .key = "orch-test-access-key", .secret = SECRET};
    test_s3_bucket(&client, "swift");
    struct lake l = lake_at(endpoint, "swift");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        must_rc(source_put(l.s, keys[i], keys[i], strlen(keys[i]), &err), &err);
    list(&l, "", &all);
    is_int(all.n, ARRAY_LEN(keys));
    for (size_t i = 0; i < all.n && i < ARRAY_LEN(keys); i++) {
        is_str(all.p[i].key, keys[i]);
        must_rc(read_all(&l, &all.p[i].o, &out, &err), &err);
        is_str(out.p, keys[i]);
    }
    must_rc(source_put(l.s, keys[0], "other", 5, &err), &err);
    fails(read_all(&l, &all.p[0].o, &out, &err), &err, ERR_OBJECT_CHANGED);
    l.config.region = "eu-west-1";
    reopen(&l);
    fails(list_rc(&l, "", &err), &err, ERR_CONFIG);
    has(&err, "us-east-1");
    listing_free(&all);
    buf_release(&out);
    lake_free(&l);
    free(RUN_OK(script, "stop", dir));
    free(endpoint);
    free(script);
    free(dir);
}

#include "io/s3.h"
#include "base/civil.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/hash.h"
#include "io/sigv4.h"
#include "io/xml.h"

enum {
    RETRIES = 4,
    BACK_OFF_MS = 250,
    BACK_OFF_MAX_MS = 8000,
    STALL_MS = 20000,
    RENEW_MS = 5 * 60 * 1000,  /* before the credentials end */
    RENEW_PAUSE_MS = 30 * 1000 /* between tries to renew what still holds */
};

struct s3 {
    struct source_config config; /* its strings are borrowed */
    struct http *http;
    char *bucket, *root; /* owned */
    bool path_style;
    /* Known once there are credentials, since the profile may name the region. Owned. */
    char *region, *host, *base, *path; /* "us-east-1", "h:9000", "http://h:9000", "" or "/bucket" */
    struct creds creds;
    bool have_creds, expired; /* expired: the server said so */
    int64_t renew_at_ms;      /* not before; real ms */
    int64_t skew_ms;
};

/* ---- opening ---- */

static bool bucket_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static int parse_url(struct s3 *s, const char *url, struct err *err)
{
    const char *bucket = url + strlen("s3://");
    size_t n = strcspn(bucket, "/");
    bool good = n >= 3 && n <= 255 && bucket[0] != '.';

    for (size_t i = 0; i < n; i++)
        good = good && bucket_char(bucket[i]) && !(bucket[i] == '.' && bucket[i + 1] == '.');
    if (!good)
        return err_set(err, ERR_CONFIG, "'%s' names no S3 bucket", url);
    s->bucket = xstrndup(bucket, n);
    const char *root = bucket + n + (bucket[n] == '/');
    size_t root_n = strlen(root);
    s->root = root_n == 0 || root[root_n - 1] == '/' ? xstrdup(root) : xasprintf("%s/", root);
    if (strlen(s->root) >= MAX_KEY)
        return err_set(err, ERR_CONFIG, "the prefix of '%s' is longer than a key may be", url);
    return 0;
}

static int check_endpoint(const char *endpoint, struct err *err)
{
    const char *host = endpoint == NULL ? NULL : strstr(endpoint, "://");

    if (endpoint == NULL)
        return 0;
    if (host == NULL || host[3] == '\0' ||
        !(str_starts(endpoint, "http://") || str_starts(endpoint, "https://")) ||
        strpbrk(endpoint, "@?# \t\r\n") != NULL) {
        err_set(err, ERR_CONFIG, "the endpoint is not a URL that S3 can have");
        return err_hint(err, "http://host:port or https://host:port, without user, password or query");
    }
    return 0;
}

int s3_open(const struct source_config *config, struct s3 **ret, struct err *err)
{
    struct s3 *s = xcalloc(1, sizeof *s);
    int rc;

    s->config = *config;
    rc = parse_url(s, config->url, err);
    if (rc == 0)
        rc = check_endpoint(config->endpoint, err);
    if (rc == 0)
        rc = http_new(&s->http, err);
    if (rc < 0) {
        s3_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void s3_close(struct s3 *s)
{
    if (s == NULL)
        return;
    http_free(s->http);
    creds_release(&s->creds);
    free(s->bucket);
    free(s->root);
    free(s->region);
    free(s->host);
    free(s->base);
    free(s->path);
    free(s);
}

/* "127.0.0.1", "[::1]": a bucket cannot stand before these. */
static bool is_address(const char *host, size_t n)
{
    return n > 0 && (host[0] == '[' || strspn(host, "0123456789.") >= n);
}

/* Where requests go: scheme, host as the Host header has it, and what stands before every key. */
static void find_address(struct s3 *s)
{
    const struct source_config *c = &s->config;
    const char *scheme = "https", *region = s->region, *extra = "";
    char *service, *endpoint_path = NULL;

    if (c->endpoint != NULL) {
        const char *host = strstr(c->endpoint, "://") + 3;
        size_t n = strcspn(host, "/"), name_n = n;
        scheme = str_starts(c->endpoint, "https://") ? "https" : "http";
        extra = scheme[4] == 's' ? ":443" : ":80"; /* the default port is not in the Host header */
        service = xstrndup(host, n);
        if (str_ends(service, extra))
            service[n - strlen(extra)] = '\0';
        endpoint_path = xstrdup(host + n);
        for (size_t m = strlen(endpoint_path); m > 0 && endpoint_path[m - 1] == '/'; m--)
            endpoint_path[m - 1] = '\0';
        if (host[0] != '[')
            name_n = strcspn(service, ":");
        s->path_style = c->path_style || is_address(service, name_n);
    } else {
        service = xasprintf("s3.%s.amazonaws.com%s", region, str_starts(region, "cn-") ? ".cn" : "");
        endpoint_path = xstrdup("");
        /* Amazon's certificate covers one label before "s3", and old buckets have names that no host has */
        s->path_style = c->path_style || strpbrk(s->bucket, "._ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
    }
    s->host = s->path_style ? xstrdup(service) : xasprintf("%s.%s", s->bucket, service);
    s->base = xasprintf("%s://%s", scheme, s->host);
    s->path = s->path_style ? xasprintf("%s/%s", endpoint_path, s->bucket) : xstrdup(endpoint_path);
    free(service);
    free(endpoint_path);
}

static int renew_creds(struct s3 *s, struct err *err)
{
    struct creds fresh;
    struct err why;
    int64_t now = clock_real_ms();
    bool due = s->creds.expires_ms != 0 && now >= s->creds.expires_ms - RENEW_MS && now >= s->renew_at_ms;

    if (s->have_creds && !s->expired && !due)
        return 0;
    int rc = creds_find(&s->config.env, s->config.profile, s->http, s->config.beat, &fresh, &why);
    if (rc < 0) {
        bool hold = s->have_creds && !s->expired && now < s->creds.expires_ms;
        s->renew_at_ms = now + RENEW_PAUSE_MS;
        if (hold)
            return 0; /* what we have is good for some minutes more */
        *err = why;
        return rc;
    }
    creds_release(&s->creds);
    s->creds = fresh;
    s->have_creds = true;
    s->expired = false;
    s->renew_at_ms = now + RENEW_PAUSE_MS;
    if (s->region == NULL) {
        s->region = xstrdup(s->config.region != NULL && *s->config.region != '\0' ? s->config.region
                            : fresh.region != NULL                                ? fresh.region
                                                                                  : "us-east-1");
        find_address(s);
    }
    return 0;
}

/* ---- answers ---- */

static int number_at(const char *text, size_t at, size_t n)
{
    int64_t value = -1;
    struct err err;

    err_ignore(str_to_i64((struct str){text + at, n}, 0, 9999, &value, &err));
    return (int)value;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", which has this one length; 0 where it is something else. */
static int64_t parse_date(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c = {0};

    if (text == NULL || strlen(text) != 29 || !str_ends(text, " GMT"))
        return 0;
    c.day = number_at(text, 5, 2);
    c.year = number_at(text, 12, 4);
    c.hour = number_at(text, 17, 2);
    c.minute = number_at(text, 20, 2);
    c.second = number_at(text, 23, 2);
    for (int i = 0; i < 12; i++)
        if (strncmp(months + (size_t)i * 3, text + 8, 3) == 0)
            c.month = i + 1;
    if (!civil_valid(c.year, c.month, c.day) || c.hour < 0 || c.minute < 0 || c.second < 0)
        return 0;
    return civil_to_ms(&c);
}

int s3_prefix_err(const struct s3 *s, const char *key, struct err *err)
{
    char text[300];

    str_printable(key != NULL ? key : "", key != NULL ? strlen(key) : 0, text, sizeof text);
    return err_prefix(err, "s3://%s/%s", s->bucket, text);
}

enum advice { NO_ADVICE, SECRET, KEY, CLOCK, TOKEN, POLICY, REGION, BUCKET, ARCHIVED, GONE };

static const struct {
    const char *code;
    enum err_code err;
    enum advice advice;
} known[] = {
    {"SignatureDoesNotMatch", ERR_ACCESS_DENIED, SECRET},
    {"InvalidAccessKeyId", ERR_ACCESS_DENIED, KEY},
    {"RequestTimeTooSkewed", ERR_ACCESS_DENIED, CLOCK},
    {"RequestExpired", ERR_ACCESS_DENIED, CLOCK},
    {"ExpiredToken", ERR_ACCESS_DENIED, TOKEN},
    {"InvalidToken", ERR_ACCESS_DENIED, TOKEN},
    {"TokenRefreshRequired", ERR_ACCESS_DENIED, TOKEN},
    {"AccessDenied", ERR_ACCESS_DENIED, POLICY},
    {"InvalidObjectState", ERR_ACCESS_DENIED, ARCHIVED},
    {"NoSuchBucket", ERR_NOT_FOUND, BUCKET},
    {"InvalidBucketName", ERR_CONFIG, BUCKET},
    {"NoSuchKey", ERR_OBJECT_CHANGED, GONE},
    {"NoSuchVersion", ERR_OBJECT_CHANGED, GONE},
    {"PreconditionFailed", ERR_OBJECT_CHANGED, NO_ADVICE},
    {"InvalidRange", ERR_OBJECT_CHANGED, NO_ADVICE},
    {"PermanentRedirect", ERR_CONFIG, REGION},
    {"TemporaryRedirect", ERR_CONFIG, REGION},
    {"AuthorizationHeaderMalformed", ERR_CONFIG, REGION},
    {"IllegalLocationConstraintException", ERR_CONFIG, REGION},
    {"SlowDown", ERR_TRANSIENT, NO_ADVICE},
    {"InternalError", ERR_TRANSIENT, NO_ADVICE},
    {"ServiceUnavailable", ERR_TRANSIENT, NO_ADVICE},
    {"RequestTimeout", ERR_TRANSIENT, NO_ADVICE},
    {"OperationAborted", ERR_TRANSIENT, NO_ADVICE},
    /* what arrived is not what was sent */
    {"XAmzContentSHA256Mismatch", ERR_TRANSIENT, NO_ADVICE},
    {"BadDigest", ERR_TRANSIENT, NO_ADVICE},
    {"IncompleteBody", ERR_TRANSIENT, NO_ADVICE},
    {"QuotaExceeded", ERR_DISK_FULL, NO_ADVICE},
};

static enum err_code by_status(int status, enum advice *ret_advice)
{
    if (status == 401 || status == 403)
        *ret_advice = POLICY;
    else if (status >= 300 && status < 400)
        *ret_advice = REGION;
    return status == 401 || status == 403   ? ERR_ACCESS_DENIED
           : status == 404                  ? ERR_NOT_FOUND
           : status == 412 || status == 416 ? ERR_OBJECT_CHANGED
           : status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505)
               ? ERR_TRANSIENT
           : status >= 300 && status < 400 ? ERR_CONFIG
                                           : ERR_BAD_RESPONSE;
}

/* What a policy has to allow for this request. */
static const char *needed(const struct s3_request *q)
{
    const char *query = q->query != NULL ? q->query : "";
    bool of_upload = str_starts(query, "uploadId=") || strstr(query, "&uploadId=") != NULL;

    if (strcmp(q->method, "DELETE") == 0)
        return of_upload ? "s3:AbortMultipartUpload on the bucket's objects, or the bucket a lifecycle rule "
                           "(AbortIncompleteMultipartUpload) that removes what is left behind"
                         : "s3:DeleteObject on the bucket's objects";
    if (strcmp(q->method, "PUT") == 0 || strcmp(q->method, "POST") == 0)
        return "s3:PutObject on the bucket's objects";
    if (of_upload)
        return "s3:ListMultipartUploadParts on the bucket's objects";
    if (str_starts(query, "uploads") || strstr(query, "&uploads") != NULL)
        return "s3:ListBucketMultipartUploads on the bucket";
    return "s3:ListBucket on the bucket and s3:GetObject on its objects";
}

static int advise(const struct s3 *s, const struct s3_request *q, enum advice advice, const char *region,
                  struct err *err)
{
    const char *from = s->creds.origin;

    switch (advice) {
    case SECRET:
        return err_hint(
            err, "the secret key (%s) does not belong to the access key, or a proxy changed the request",
            from);
    case KEY:
        return err_hint(err, "this server does not know the access key (%s): is the endpoint the right one?",
                        from);
    case CLOCK:
        return err_hint(err, "this machine's clock is %lld s %s the server's: set it (timedatectl)",
                        (long long)llabs(s->skew_ms) / 1000, s->skew_ms > 0 ? "behind" : "ahead of");
    case TOKEN:
        return err_hint(err, "the session token (%s) has ended or is wrong: get new credentials", from);
    case POLICY:
        return err_hint(err, "the credentials (%s) need %s", from, needed(q));
    case REGION:
        if (region != NULL && *region != '\0')
            return err_hint(err, "requests were signed for region %s, the server names %.60s: set \"region\"",
                            s->region, region);
        return err_hint(err,
                        "requests were signed for region %s: set \"region\" and \"endpoint\" to the bucket's",
                        s->region);
    case BUCKET:
        return err_hint(err, "check the bucket's name in \"url\", and \"endpoint\" (%s)", s->base);
    case ARCHIVED:
        return err_hint(err, "the object lies in an archive class: restore it first");
    case GONE:
        return err_hint(err, "it was deleted after it was listed");
    case NO_ADVICE:
        break;
    }
    return -(int)err->code;
}

/* A server could send our own headers back to us. */
static bool holds_secret(const struct s3 *s, const char *text)
{
    const char *secrets[] = {s->creds.secret_key, s->creds.session_token};

    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        char head[13];
        if (secrets[i] == NULL || secrets[i][0] == '\0')
            continue;
        snprintf(head, sizeof head, "%s", secrets[i]);
        if (strstr(text, head) != NULL)
            return true;
    }
    return false;
}

static int refused(struct s3 *s, const struct s3_request *q, int status, const char *region,
                   const struct buf *body, struct err *err)
{
    struct xml_s3_error x;
    enum advice advice = NO_ADVICE;
    enum err_code code = by_status(status, &advice);

    xml_s3_error(body->n > 0 ? body->p : "", body->n, &x);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(x.code, known[i].code) == 0) {
            code = known[i].err;
            advice = known[i].advice;
        }
    if (holds_secret(s, x.message) || holds_secret(s, x.code))
        x.message[0] = x.code[0] = '\0';
    s->expired = advice == TOKEN;
    if (x.code[0] != '\0')
        err_set(err, code, "%d %s%s%s", status, x.code, x.message[0] != '\0' ? ": " : "", x.message);
    else
        err_set(err, code, "the server answered with HTTP status %d", status);
    err->native = status;
    advise(s, q, advice, x.region[0] != '\0' ? x.region : region, err);
    return s3_prefix_err(s, q->key, err);
}

int s3_judge(struct s3 *s, const struct s3_request *q, const struct buf *body, struct err *err)
{
    struct xml_s3_error x;

    return body->n > 0 && xml_s3_error(body->p, body->n, &x) ? refused(s, q, 200, NULL, body, err) : 0;
}

/* ---- requests ---- */

static int sign(const struct s3 *s, const struct s3_request *q, const char *path, const char *date,
                const char *hash, const char *md5, int64_t now, struct buf *ret, struct err *err)
{
    struct sigv4_header headers[5] = {
        {"host", s->host}, {"x-amz-content-sha256", hash}, {"x-amz-date", date}};
    size_t n = 3;

    if (s->creds.session_token != NULL)
        headers[n++] = (struct sigv4_header){"x-amz-security-token", s->creds.session_token};
    if (*md5 != '\0')
        headers[n++] = (struct sigv4_header){"content-md5", md5};
    struct sigv4 v = {.access_key = s->creds.access_key,
                      .secret_key = s->creds.secret_key,
                      .region = s->region,
                      .session_token = s->creds.session_token,
                      .service = "s3",
                      .method = q->method,
                      .path = path,
                      .query = q->query,
                      .headers = headers,
                      .payload_hash = hash,
                      .now_ms = now,
                      .header_count = n};
    int rc = buf_adds(ret, "Authorization: ", err);

    return rc < 0 ? rc : sigv4_sign(&v, ret, NULL, NULL, err);
}

/* start: the answer is not waited for. */
static int open_signed(struct s3 *s, const struct s3_request *q, const char *path, bool start,
                       struct http_response **ret, struct err *err)
{
    struct buf authorization = BUF_INIT(64 * KIB);
    const struct source_config *c = &s->config;
    int64_t now = clock_real_ms(); /* never the test clock: the server has the real one */
    char hash[SHA256_HEX] = "UNSIGNED-PAYLOAD", date[17], date_line[40], hash_line[100];
    char md5[25] = "", md5_line[50];
    const char *lines[12] = {date_line, hash_line};
    char *host = xasprintf("Host: %s", s->host), *token = NULL;
    char *url =
        xasprintf("%s%s%s%s", s->base, path, q->query != NULL ? "?" : "", q->query != NULL ? q->query : "");
    size_t n = 2;

    if (q->md5 != NULL &&
        *q->md5 != '\0') /* the body is bound to the signature all the same, and read once less by both */
        md5_base64(q->md5, md5);
    else
        sha256_hex(q->body, q->body_n, hash);
    sigv4_date(now, date);
    snprintf(date_line, sizeof date_line, "x-amz-date: %s", date);
    snprintf(hash_line, sizeof hash_line, "x-amz-content-sha256: %s", hash);
    snprintf(md5_line, sizeof md5_line, "Content-MD5: %s", md5);
    int rc = sign(s, q, path, date, hash, md5, now, &authorization, err);
    if (rc == 0) {
        lines[n++] = host;
        lines[n++] = authorization.p;
        if (s->creds.session_token != NULL)
            lines[n++] = token = xasprintf("x-amz-security-token: %s", s->creds.session_token);
        if (*md5 != '\0')
            lines[n++] = md5_line;
        for (size_t i = 0; q->headers != NULL && q->headers[i] != NULL && n + 1 < ARRAY_LEN(lines); i++)
            lines[n++] = q->headers[i];
        struct http_request rq = {.method = q->method,
                                  .url = url,
                                  .headers = lines,
                                  .body = q->body,
                                  .body_n = q->body_n,
                                  .body_stays = q->body_stays,
                                  .once = q->once,
                                  .ca_file = c->ca_file,
                                  .beat = c->beat,
                                  .stall_timeout_ms =
                                      c->stall_timeout_ms > 0 ? c->stall_timeout_ms : STALL_MS};
        rc = start ? http_start(s->http, &rq, ret, err) : http_open(s->http, &rq, ret, err);
    }
    free(host);
    free(token);
    free(url);
    buf_release(&authorization);
    return rc;
}

static int path_of(const struct s3 *s, const struct s3_request *q, struct buf *ret, struct err *err)
{
    int rc = buf_addf(ret, err, "%s%s", s->path, q->key != NULL || *s->path == '\0' ? "/" : "");

    return rc == 0 && q->key != NULL ? sigv4_encode(q->key, strlen(q->key), true, ret, err) : rc;
}

int s3_start(struct s3 *s, const struct s3_request *q, struct http_response **ret, struct err *err)
{
    struct buf path = BUF_INIT(8 * KIB);
    int rc = renew_creds(s, err);

    if (rc == 0)
        rc = path_of(s, q, &path, err);
    if (rc == 0)
        rc = open_signed(s, q, path.p, true, ret, err);
    buf_release(&path);
    return rc;
}

void s3_go_on(struct s3 *s)
{
    http_go_on(s->http);
}

int s3_wait(struct http_response *r, struct err *err)
{
    int rc = http_wait(r, err);

    if (rc == 0 && (http_status(r) < 200 || http_status(r) >= 300)) {
        rc = err_set(err, ERR_BAD_RESPONSE, "the server answered with HTTP status %d", http_status(r));
        http_close(r);
    }
    return rc;
}

static int once(struct s3 *s, const struct s3_request *q, struct buf *whole, struct http_response **ret,
                struct err *err)
{
    struct buf path = BUF_INIT(8 * KIB), text = BUF_INIT(MAX_HTTP_BODY);
    struct http_response *r = NULL;
    int rc = renew_creds(s, err);

    if (rc == 0)
        rc = path_of(s, q, &path, err);
    if (rc == 0)
        rc = open_signed(s, q, path.p, false, &r, err);
    if (rc < 0) {
        s3_prefix_err(s, q->key, err);
        goto out;
    }
    int64_t date = parse_date(http_header(r, "Date"));
    if (date != 0)
        s->skew_ms = date - clock_real_ms();
    bool good = http_status(r) >= 200 && http_status(r) < 300;
    if (whole != NULL && good)
        buf_clear(whole);
    if (whole != NULL || !good)
        rc = http_read_all(r, good ? whole : &text, err);
    if (rc < 0)
        s3_prefix_err(s, q->key, err);
    else if (!good)
        rc = refused(s, q, http_status(r), http_header(r, "x-amz-bucket-region"), &text, err);
    if (rc == 0 && ret != NULL) {
        *ret = r;
        r = NULL;
    }
out:
    http_close(r);
    buf_release(&path);
    buf_release(&text);
    return rc;
}

bool s3_goes_by_itself(enum err_code code)
{
    return code == ERR_TRANSIENT || code == ERR_TIMEOUT || code == ERR_UNAVAILABLE;
}

int s3_retries(const struct s3 *s)
{
    int n = s->config.retries;

    return n > 0 ? n : n == 0 ? RETRIES : 0;
}

int s3_back_off(struct s3 *s, int n, struct err *err)
{
    uint32_t random;
    int64_t most = n < 5 ? (int64_t)BACK_OFF_MS << n : BACK_OFF_MAX_MS;

    random_bytes(&random, sizeof random);
    int64_t until = clock_mono_ms() + most / 2 + (int64_t)(random % (uint32_t)(most / 2 + 1));
    for (;;) {
        int rc = beat(s->config.beat, err);
        int64_t left = until - clock_mono_ms();
        if (rc < 0 || left <= 0)
            return rc < 0 ? rc : 0;
        clock_sleep_ms(left < 500 ? left : 500);
    }
}

int s3_send(struct s3 *s, const struct s3_request *q, struct buf *whole, struct http_response **ret,
            struct err *err)
{
    bool renewed = false;

    for (int n = 0;;) {
        int rc = once(s, q, whole, ret, err);
        if (rc >= 0)
            return 0;
        if (s->expired && !renewed) { /* said by the server, so the next try asks for new ones first */
            renewed = true;
            continue;
        }
        if (q->once || !s3_goes_by_itself(err->code) || n == s3_retries(s))
            return rc;
        struct err why;
        rc = s3_back_off(s, n++, &why);
        if (rc < 0) {
            *err = why;
            return rc;
        }
    }
}

const char *s3_root(const struct s3 *s)
{
    return s->root;
}

const char *s3_bucket(const struct s3 *s)
{
    return s->bucket;
}

const char *s3_origin(const struct s3 *s)
{
    return s->creds.origin;
}

int64_t s3_skew_ms(const struct s3 *s)
{
    return s->skew_ms;
}

/*
 * orch-http {url | connection, path?, query?, method?, headers?, body?, expectedStatus?, output?} -> {statusCode, headers,
 * body}. A secret goes with a connection of orch.json, whose URL it is bound to, and never stands in a definition: what a
 * definition says is in the history for everybody who may read that.
 */
#include "io/http.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "steps/steps_int.h"
#include <strings.h>

enum { LIMIT_MS = 60000 /* of a Task without TimeoutSeconds: what AWS gives its own */, SHOWN = 600 };

struct request {
    struct step_ctx *c;
    const struct step_connection *connection; /* NULL: none */
    struct buf url;
    char *headers[MAX_TASK_HEADERS + 1]; /* owned, NULL-ended */
    size_t header_count;
    const char *method;
    char *body; /* owned; NULL: none */
    bool typed, keyed;
    int64_t until_ms;
    struct beat outer;
};

/* ---- the URL ---- */

static bool is_plain(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           strchr("-._~", c) != NULL;
}

static int add_encoded(struct buf *b, const char *p, const char *also, struct err *err)
{
    int rc = 0;

    for (; rc == 0 && *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        rc = is_plain(c) || strchr(also, c) != NULL ? buf_add(b, p, 1, err) : buf_addf(b, err, "%%%02X", c);
    }
    return rc;
}

static int check_url(const char *url, struct err *err)
{
    const char *rest = str_starts(url, "https://") ? url + 8 : str_starts(url, "http://") ? url + 7 : NULL;

    if (rest == NULL || *rest == '\0' || strchr("/?#:", *rest) != NULL)
        return err_set(err, ERR_CONTRACT, "url: '%.200s' is no https:// or http:// with a host", url);
    if (memchr(rest, '@', strcspn(rest, "/?#")) != NULL) {
        err_set(err, ERR_CONTRACT, "url: a user or password in it would stand in the history");
        return err_hint(err, "connections.NAME with token_file, and \"connection\": \"NAME\"");
    }
    if (strchr(rest, '#') != NULL)
        return err_set(err, ERR_CONTRACT, "url: what is behind '#' goes to no server");
    for (const char *p = url; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            return err_set(err, ERR_CONTRACT,
                           "url: blanks, control and non-ASCII characters must be percent-encoded");
    return 0;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* Parts that lead out of the connection's URL, in the reading of the most generous server: %2F and a backslash part as '/'
 * does, and ';' ends a name. */
static bool climbs(const char *path)
{
    size_t dots = 0, others = 0;
    bool behind = false; /* a ';' */

    for (;; path++) {
        char c = *path;
        if (c == '%' && hex_digit(path[1]) >= 0 && hex_digit(path[2]) >= 0) {
            c = (char)(hex_digit(path[1]) * 16 + hex_digit(path[2]));
            path += 2;
        }
        if (*path == '\0' || c == '/' || c == '\\') {
            if (others == 0 && (dots == 1 || dots == 2))
                return true;
            if (*path == '\0')
                return false;
            dots = others = 0;
            behind = false;
            continue;
        }
        behind = behind || c == ';';
        dots += !behind && c == '.';
        others += !behind && c != '.';
    }
}

static int add_path(struct request *r, const char *path, struct err *err)
{
    int rc = 0;

    while (*path == '/' && r->url.n > 0 && r->url.p[r->url.n - 1] == '/')
        path++;
    if (climbs(path))
        return err_set(err, ERR_CONTRACT, "path: '%.200s' has a part '.' or '..'", path);
    if (*path != '\0' && *path != '/' && r->url.p[r->url.n - 1] != '/')
        rc = buf_add(&r->url, "/", 1, err);
    /* '%' stays: a path comes encoded where that matters; what would begin a query or fragment does not */
    return rc < 0 ? rc : add_encoded(&r->url, path, "/%:@!$&'()*+,;=", err);
}

static int add_query(struct request *r, const json_t *query, struct err *err)
{
    char mark = strchr(r->url.p, '?') != NULL ? '&' : '?';
    const char *name;
    json_t *value;
    int rc = 0;

    if (query != NULL && !json_is_object(query))
        return err_set(err, ERR_CONTRACT, "query is %s where an object is expected", json_kind(query));
    json_object_foreach((json_t *)(uintptr_t)query, name, value) {
        char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_text(value);
        if (json_is_object(value) || json_is_array(value))
            rc = err_set(err, ERR_CONTRACT, "query.%.80s is %s where a text or number is expected", name,
                         json_kind(value));
        if (rc == 0)
            rc = buf_add(&r->url, &mark, 1, err);
        if (rc == 0)
            rc = add_encoded(&r->url, name, "", err);
        if (rc == 0)
            rc = buf_add(&r->url, "=", 1, err);
        if (rc == 0)
            rc = add_encoded(&r->url, text, "", err);
        mark = '&';
        free(text);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int make_url(struct request *r, const json_t *parameters, struct err *err)
{
    const char *url, *name, *path;
    int rc = json_get_str(parameters, "url", NULL, &url, err);

    if (rc == 0)
        rc = json_get_str(parameters, "connection", NULL, &name, err);
    if (rc == 0)
        rc = json_get_str(parameters, "path", NULL, &path, err);
    if (rc < 0)
        return rc;
    if ((url != NULL) == (name != NULL))
        return err_set(err, ERR_CONTRACT, "url, or connection and path: one of the two");
    if (url != NULL && path != NULL)
        return err_set(err, ERR_CONTRACT, "path goes with connection; a url has its own");
    if (name != NULL) {
        rc = step_connection(r->c->world, name, REACH_HTTP, &r->connection, err);
        url = rc == 0 ? r->connection->url : NULL;
    }
    if (rc == 0)
        rc = check_url(url, err);
    if (rc == 0)
        rc = buf_adds(&r->url, url, err);
    if (rc == 0 && path != NULL)
        rc = add_path(r, path, err);
    return rc < 0 ? rc : add_query(r, json_object_get(parameters, "query"), err);
}

/* ---- what goes with it ---- */

static bool is_token(const char *s)
{
    for (const char *p = s; *p != '\0'; p++)
        if (!((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
              strchr("!#$%&'*+-.^_`|~", *p) != NULL))
            return false;
    return *s != '\0';
}

static int add_header(struct request *r, const char *name, const char *value, struct err *err)
{
    static const char *const secret[] = {"authorization", "proxy-authorization", "cookie"},
                             *const ours[] = {"host", "content-length", "transfer-encoding", "connection",
                                              "expect"};

    for (size_t i = 0; i < ARRAY_LEN(secret); i++)
        if (strcasecmp(name, secret[i]) == 0) {
            err_set(err, ERR_CONTRACT, "headers: %s in a definition would stand in the history", name);
            return err_hint(err, "connections.NAME with token_file, and \"connection\": \"NAME\"");
        }
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (strcasecmp(name, ours[i]) == 0)
            return err_set(err, ERR_CONTRACT, "headers: %s is made by orch", name);
    if (!is_token(name))
        return err_set(err, ERR_CONTRACT, "headers: '%.80s' is no name of a header", name);
    for (const char *p = value; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return err_set(err, ERR_CONTRACT, "headers: the value of %.80s holds a control character", name);
    if (r->header_count + 4 > MAX_TASK_HEADERS) /* three are ours */
        return err_set(err, ERR_TOO_LARGE, "more than %d headers", MAX_TASK_HEADERS - 4);
    r->typed = r->typed || strcasecmp(name, "content-type") == 0;
    r->keyed = r->keyed || strcasecmp(name, "idempotency-key") == 0;
    r->headers[r->header_count++] = xasprintf(*value != '\0' ? "%s: %s" : "%s;%s", name, value);
    return 0;
}

static int make_headers(struct request *r, const json_t *parameters, struct err *err)
{
    const json_t *headers = json_object_get(parameters, "headers"),
                 *body = json_object_get(parameters, "body");
    const char *name;
    json_t *value;

    if (headers != NULL && !json_is_object(headers))
        return err_set(err, ERR_CONTRACT, "headers is %s where an object is expected", json_kind(headers));
    json_object_foreach((json_t *)(uintptr_t)headers, name, value) {
        char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_text(value);
        int rc = json_is_string(value) || json_is_number(value)
                     ? add_header(r, name, text, err)
                     : err_set(err, ERR_CONTRACT, "headers.%.80s is %s where a text is expected", name,
                               json_kind(value));
        free(text);
        if (rc < 0)
            return rc;
    }
    if (body != NULL)
        r->body = json_is_string(body) ? xstrdup(json_string_value(body)) : json_text(body);
    if (body != NULL && !r->typed)
        r->headers[r->header_count++] = xasprintf(
            "Content-Type: %s", json_is_string(body) ? "text/plain; charset=utf-8" : "application/json");
    if (!r->keyed && r->c->key[0] != '\0')
        r->headers[r->header_count++] = xasprintf("Idempotency-Key: %s", r->c->key);
    const struct step_connection *n = r->connection;
    if (n != NULL && n->token == NULL && n->missing_credential != NULL)
        return err_set(err, ERR_CONFIG, "connection '%s': the credential '%s' is not there", n->name,
                       n->missing_credential);
    if (n != NULL && n->token != NULL)
        r->headers[r->header_count++] = n->token_header != NULL
                                            ? xasprintf("%s: %s", n->token_header, n->token)
                                            : xasprintf("Authorization: Bearer %s", n->token);
    return 0;
}

static int make_request(struct request *r, const json_t *parameters, struct err *err)
{
    int rc = make_url(r, parameters, err);

    if (rc == 0)
        rc = make_headers(r, parameters, err);
    if (rc == 0)
        rc = json_get_str(parameters, "method", r->body != NULL ? "POST" : "GET", &r->method, err);
    if (rc < 0)
        return rc;
    for (const char *p = r->method; *p != '\0'; p++)
        if (*p < 'A' || *p > 'Z' || p - r->method > 20)
            return err_set(err, ERR_CONTRACT, "method: '%.40s' is none, such as GET or POST", r->method);
    if (*r->method == '\0' || (r->body != NULL && strcmp(r->method, "HEAD") == 0))
        return err_set(err, ERR_CONTRACT, *r->method == '\0' ? "method is empty" : "a HEAD has no body");
    return 0;
}

static void request_release(struct request *r)
{
    for (size_t i = 0; i < r->header_count; i++) {
        explicit_bzero(r->headers[i], strlen(r->headers[i]));
        free(r->headers[i]);
    }
    free(r->body);
    buf_release(&r->url);
}

static int on_beat(void *arg, struct err *err)
{
    const struct request *r = arg;

    if (r->until_ms != 0 && clock_mono_ms() >= r->until_ms) {
        err_set(err, ERR_TIMEOUT, "not done after %d s", LIMIT_MS / 1000);
        return err_hint(err, "TimeoutSeconds of the Task gives it longer");
    }
    return beat(&r->outer, err);
}

/* ---- the answer ---- */

/* A server may say in its answer what it was asked with, and answers are history: what went along as a secret is starred
 * out. A very short one would be found everywhere. */
static void hide_token(const struct request *r, char *p, size_t n)
{
    enum { SHORTEST = 8 };
    const char *token = r->connection != NULL ? r->connection->token : NULL;
    size_t length = token != NULL ? strlen(token) : 0;

    if (length < SHORTEST || p == NULL)
        return;
    for (char *end = p + n; (p = memmem(p, (size_t)(end - p), token, length)) != NULL; p += length)
        memset(p, '*', length);
}

static bool is_expected(const json_t *expected, int status)
{
    char text[16], class[16];

    if (expected == NULL)
        return status >= 200 && status < 300;
    if (json_is_integer(expected))
        return json_integer_value(expected) == status;
    snprintf(text, sizeof text, "%d", status);
    snprintf(class, sizeof class, "%dxx", status / 100);
    if (json_is_string(expected))
        return strcmp(json_string_value(expected), text) == 0 ||
               strcmp(json_string_value(expected), class) == 0;
    for (size_t i = 0; i < json_array_size(expected); i++)
        if (!json_is_array(json_array_get(expected, i)) && is_expected(json_array_get(expected, i), status))
            return true;
    return false;
}

static int unexpected(const struct request *r, struct http_response *response, struct err *err)
{
    int status = http_status(response);
    bool away = status == 408 || status == 425 || status == 429 || status >= 500;
    struct buf body = BUF_INIT(64 * KIB);
    char shown[SHOWN + 16] = "", *cause;
    struct err none;

    if (strcmp(r->method, "HEAD") != 0)
        err_ignore(http_read_all(response, &body, &none)); /* for the message alone */
    hide_token(r, body.p, body.n);
    err_set(err,
            away                             ? ERR_UNAVAILABLE
            : status == 401 || status == 403 ? ERR_ACCESS_DENIED
            : status == 404                  ? ERR_NOT_FOUND
                                             : ERR_BAD_RESPONSE,
            "the server answered with status %d", status);
    snprintf(err->name, sizeof err->name, "States.Http.StatusCode.%d", status); /* AWS's own */
    if (body.n > 0)
        str_printable(body.p, body.n, shown, sizeof shown);
    cause = xasprintf("%s%s%s", err->msg, body.n > 0 ? ": " : "", shown);
    step_set_cause(r->c, cause, strlen(cause));
    free(cause);
    buf_release(&body);
    return -(int)err->code;
}

/* By name, in lower case; several of one name in one text. What sets a cookie is a secret and left out. */
static json_t *headers_of(const struct request *request, const struct http_response *r)
{
    json_t *all = json_object();
    size_t at = 0;

    for (const char *line; (line = http_next_header(r, &at)) != NULL;) {
        size_t n = strcspn(line, ":");
        const char *value = line[n] == ':' ? line + n + 1 + strspn(line + n + 1, " \t") : "";
        char *name = xstrndup(line, n), *whole;
        size_t bad;
        for (char *p = name; *p != '\0'; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p - 'A' + 'a');
        const char *before = json_string_value(json_object_get(all, name));
        whole = before != NULL ? xasprintf("%s, %s", before, value) : xstrdup(value);
        hide_token(request, whole, strlen(whole));
        if (is_token(name) && strcmp(name, "set-cookie") != 0 && str_utf8_valid(whole, strlen(whole), &bad))
            json_object_set_new(all, name, json_string(whole));
        free(whole);
        free(name);
    }
    return all;
}

static bool says_json(const struct http_response *r)
{
    const char *type = http_header(r, "content-type");
    size_t n = type != NULL ? strcspn(type, "; \t") : 0;

    return (n == 16 && strncasecmp(type, "application/json", 16) == 0) ||
           (n > 5 && strncasecmp(type + n - 5, "+json", 5) == 0);
}

static int body_of(const struct http_response *r, const struct buf *body, bool parse, json_t **ret,
                   struct err *err)
{
    struct err none;
    size_t at = 0;

    if (body->n == 0) {
        *ret = json_null();
        return 0;
    }
    if (parse && says_json(r) && json_parse(body->p, body->n, "body", ret, &none) == 0)
        return 0;
    if (!str_utf8_valid(body->p, body->n, &at) || memchr(body->p, '\0', body->n) != NULL) {
        err_set(err, ERR_BAD_RESPONSE,
                "the answer is no text: a state's data is JSON, and holds no other bytes");
        return err_hint(err, "\"output\": \"none\" leaves it out");
    }
    *ret = json_stringn(body->p, body->n);
    return 0;
}

static int answer(struct request *r, struct http *h, const json_t *parameters, json_t **ret_owned,
                  struct err *err)
{
    const struct beat b = {on_beat, r};
    int64_t limit = r->c->timeout_ms > 0 ? r->c->timeout_ms : LIMIT_MS;
    const struct http_request rq = {.method = r->method,
                                    .url = r->url.p,
                                    .headers = (const char *const *)r->headers,
                                    .body = r->body,
                                    .body_n = r->body != NULL ? strlen(r->body) : 0,
                                    .once = true, /* sent again by nobody but the definition's Retry */
                                    .ca_file = r->connection != NULL ? r->connection->ca_file : NULL,
                                    .no_link_local = r->connection == NULL,
                                    .stall_timeout_ms = limit < INT32_MAX / 2 ? (int)limit + 1000 : 0,
                                    .beat = &b};
    const char *output;
    struct http_response *response = NULL;
    struct buf body = BUF_INIT(MAX_PAYLOAD);
    json_t *value = NULL;

    r->until_ms = r->c->timeout_ms > 0 ? 0 : clock_mono_ms() + LIMIT_MS;
    r->outer = r->c->beat;
    int rc = json_get_str(parameters, "output", "json", &output, err);
    if (rc == 0 && strcmp(output, "json") != 0 && strcmp(output, "text") != 0 && strcmp(output, "none") != 0)
        rc = err_set(err, ERR_CONTRACT, "output is '%.40s' where json, text or none is expected", output);
    if (rc == 0)
        rc = http_open(h, &rq, &response, err);
    if (rc == 0 && !is_expected(json_object_get(parameters, "expectedStatus"), http_status(response)))
        rc = unexpected(r, response, err);
    bool wanted = rc == 0 && strcmp(output, "none") != 0;
    if (wanted && strcmp(r->method, "HEAD") != 0)
        rc = http_read_all(response, &body, err);
    hide_token(r, body.p, body.n);
    if (rc == 0 && !wanted)
        value = json_null();
    else if (rc == 0)
        rc = body_of(response, &body, strcmp(output, "json") == 0, &value, err);
    if (rc == 0)
        *ret_owned = json_pack("{s:i, s:o, s:o}", "statusCode", http_status(response), "headers",
                               headers_of(r, response), "body", value);
    http_close(response);
    buf_release(&body);
    return rc;
}

int step_run_http(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    struct request r = {.c = c, .url = BUF_INIT(MAX_TASK_URL)};
    struct http *h = NULL;
    int rc = make_request(&r, parameters, err);

    if (rc == 0)
        rc = http_new(&h, err);
    if (rc == 0)
        rc = answer(&r, h, parameters, ret_owned, err);
    http_free(h);
    request_release(&r);
    return rc;
}

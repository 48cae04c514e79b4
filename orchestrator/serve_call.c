/*
 * One request: everything that can be refused is refused here, before a handler sees it, in this order: what it is made of,
 * whom it is meant for (Host), where it goes, who sends it (token), from where (site), how large it is. Most of it by the
 * header alone, so that nothing of a body is kept that will not be taken.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "io/hash.h"
#include "orchestrator/cmd.h"
#include "orchestrator/serve_int.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

struct serve_call {
    struct serve_request q;
    struct serve *serve;
    const struct serve_route *route; /* NULL: none */
    struct arena *arena;
    struct serve_answer a;
    struct serve_path path;
    struct serve_fields query, form;
    struct buf body;
    const char *args[SERVE_MAX_ARGS];
    const char *target, *peer, *real_method; /* arena */
    const char *session;                     /* arena; NULL: none was given, or none that is ours */
    const char *session_given, *origin, *site, *csrf_given, *if_none_match;
    char id[17], allow[64], csrf[SERVE_SECRET_SIZE], type[100], who[80];
    int64_t began_ms;
    size_t body_max, body_seen, counted;
    bool refused, too_long, close, page, gzip, chunked, has_length, secure, crowded;
    bool sends; /* a body comes, as far as anybody can tell */
    int64_t length;
};

static bool refuse(struct serve_call *c, int status, enum err_code code, const char *title,
                   const char *detail, const char *hint)
{
    serve_problem(&c->a, status, err_name(code), title, detail, hint);
    c->refused = true;
    return false;
}

static bool malformed(struct serve_call *c, const char *detail)
{
    c->close = true; /* where its end is in doubt, nothing that follows is read */
    return refuse(c, 400, ERR_USAGE, "the request is malformed", detail, NULL);
}

static const char *keep(struct serve_call *c, const char *s, size_t n)
{
    return arena_strndup(c->arena, s, n);
}

static bool token_char(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool line_fits(const struct serve_line *l)
{
    if (*l->name == '\0')
        return false;
    for (const char *p = l->name; *p != '\0'; p++)
        if (!token_char(*p))
            return false;
    for (size_t i = 0; i < l->value_n; i++)
        if ((unsigned char)l->value[i] < ' ' ? l->value[i] != '\t' : l->value[i] == 0x7f)
            return false;
    return true;
}

/* Those that may be there once: the second would be read by one program and the first by another. */
static const char *const singles[] = {
    "host",         "content-length",   "transfer-encoding", "authorization",     "content-type",
    "cookie",       "origin",           "sec-fetch-site",    "idempotency-key",   "expect",
    "x-csrf-token", "content-encoding", "accept-encoding",   "x-forwarded-proto", NULL};

static bool lines_fit(struct serve_call *c, const struct serve_incoming *in)
{
    for (size_t i = 0; i < in->line_count; i++) {
        if (!line_fits(&in->lines[i]))
            return malformed(c, "a header line holds what no header line may");
        for (size_t k = 0; singles[k] != NULL; k++)
            for (size_t j = 0; j < i && strcasecmp(in->lines[i].name, singles[k]) == 0; j++)
                if (strcasecmp(in->lines[j].name, singles[k]) == 0) {
                    char text[80];
                    snprintf(text, sizeof text, "%s is there twice", singles[k]);
                    return malformed(c, text);
                }
    }
    return true;
}

/* A C string ends at a NUL, and what came behind it is seen by nobody but the next program. The library tells how long
 * the whole was: longer than what it gave us is a NUL, or a line that was folded, or blanks without need. */
static bool whole_seen(struct serve_call *c, const struct serve_incoming *in)
{
    size_t n = strlen(in->method) + strlen(in->target) + strlen(in->version) + 6;

    for (size_t i = 0; i < in->line_count; i++)
        n += strlen(in->lines[i].name) + in->lines[i].value_n + 4;
    return in->head_size <= n ? true : malformed(c, "its header has more bytes than its lines");
}

static const char *line_of(const struct serve_incoming *in, const char *name)
{
    for (size_t i = 0; i < in->line_count; i++)
        if (strcasecmp(in->lines[i].name, name) == 0)
            return in->lines[i].value;
    return NULL;
}

/* Where the body ends must be beyond doubt: a proxy in front of us may read it in another way. */
static bool frame_fits(struct serve_call *c, const struct serve_incoming *in)
{
    const char *length = line_of(in, "content-length"), *encoding = line_of(in, "transfer-encoding"),
               *expect = line_of(in, "expect"), *packed = line_of(in, "content-encoding");
    struct err ignored;

    c->has_length = length != NULL;
    c->chunked = encoding != NULL;
    if (length != NULL && encoding != NULL)
        return malformed(c, "Content-Length and Transfer-Encoding together");
    if (encoding != NULL && (strcasecmp(encoding, "chunked") != 0 || strcmp(in->version, "HTTP/1.1") != 0))
        return malformed(c, "Transfer-Encoding may be 'chunked', in HTTP/1.1, and nothing else");
    if (length != NULL && (strspn(length, "0123456789") != strlen(length) ||
                           str_to_i64(str_of(length), 0, INT64_MAX, &c->length, &ignored) < 0))
        return malformed(c, "Content-Length is no number");
    if (expect != NULL && strcasecmp(expect, "100-continue") != 0) {
        c->close = true;
        return refuse(c, 417, ERR_USAGE, "Expect may be '100-continue'", NULL, NULL);
    }
    if (packed != NULL && strcasecmp(packed, "identity") != 0) {
        c->close = true;
        return refuse(c, 415, ERR_USAGE, "a body with a Content-Encoding is not read", NULL,
                      "send it as it is");
    }
    return true;
}

static bool sizes_fit(struct serve_call *c, const struct serve_incoming *in)
{
    size_t line = strlen(in->method) + strlen(in->target) + strlen(in->version) + 4;

    if (line > MAX_SERVE_LINE) {
        c->close = true;
        return refuse(c, 414, ERR_TOO_LARGE, "the request line is too long", "more than 8 KiB", NULL);
    }
    if (in->head_size > line + MAX_SERVE_HEAD || in->line_count > MAX_SERVE_HEADERS) {
        c->close = true;
        return refuse(c, 431, ERR_TOO_LARGE, "the header is too long", "more than 16 KiB, or 100 lines",
                      NULL);
    }
    return true;
}

/* A page of a foreign site may let its own name point at us (DNS rebinding): then Host says that name. */
static bool host_fits(struct serve_call *c, const struct serve_incoming *in)
{
    const char *host = line_of(in, "host");
    char name[SERVE_HOST_SIZE], port[8], own[SERVE_HOST_SIZE];
    bool known = false;

    if (host == NULL || !serve_host_split(host, name, port))
        return malformed(c, host == NULL ? "Host is missing" : "Host names no host");
    snprintf(own, sizeof own, strchr(in->local, ':') != NULL ? "[%s]" : "%s", in->local);
    known =
        (*own != '\0' && strcmp(name, own) == 0) || (c->serve->loopback && strcmp(name, "localhost") == 0);
    for (size_t i = 0; !known && c->serve->hosts != NULL && c->serve->hosts[i] != NULL; i++)
        known = strcasecmp(c->serve->hosts[i], name) == 0 || strcasecmp(c->serve->hosts[i], host) == 0;
    if (known)
        return true;
    c->close = true;
    return refuse(c, 421, ERR_ACCESS_DENIED, "this server has another name", "Host is none of its names",
                  "serve.hosts in orch.json lists those that it may be called by");
}

static bool path_fits(struct serve_call *c, const struct serve_incoming *in)
{
    size_t n = strcspn(in->target, "?");
    const char *method = strcmp(in->method, "HEAD") == 0 ? "GET" : in->method;
    struct err err;

    if (strcmp(in->target, "*") == 0 && strcmp(in->method, "OPTIONS") == 0) {
        snprintf(c->allow, sizeof c->allow, "GET, HEAD, POST, OPTIONS");
        return true;
    }
    for (const char *p = in->target; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || *p == '#')
            return malformed(c, "the target holds what must be percent-encoded");
    if (serve_path_parse(in->target, n, &c->path, &err) < 0)
        return malformed(c, err.msg);
    c->q.path = c->path.decoded;
    c->route = serve_route_find(serve_routes, method, &c->path, c->args, c->allow);
    c->q.args = c->args;
    if (serve_fields_parse(in->target + n + (in->target[n] == '?'),
                           strlen(in->target + n + (in->target[n] == '?')), false, &c->query, &err) < 0)
        return malformed(c, err.msg);
    return true;
}

/* Who it is. false: refused. A browser is sent to where it can give the token. */
static bool sender_fits(struct serve_call *c, const struct serve_incoming *in)
{
    const char *given = line_of(in, "authorization"), *cookies = line_of(in, "cookie");
    char secret[SERVE_SECRET_SIZE];
    bool by_token = false;

    if (cookies != NULL && serve_cookie(cookies, c->secure ? "__Host-orch" : "orch", secret, sizeof secret)) {
        c->session_given = keep(c, secret, strlen(secret));
        if (serve_session_find(c->serve->sessions, secret, c->q.now_ms, c->csrf))
            c->session = c->session_given;
    }
    explicit_bzero(secret, sizeof secret);
    if (c->serve->o->token != NULL && given != NULL && strncasecmp(given, "Bearer ", 7) == 0)
        by_token = serve_same_secret(str_trim(str_of(given + 7)).p, c->serve->o->token);
    if (c->session == NULL && c->serve->o->token == NULL)
        memcpy(c->csrf, c->serve->local_csrf, sizeof c->csrf);
    snprintf(c->who, sizeof c->who, "%s %s",
             by_token             ? "token"
             : c->session != NULL ? "browser"
                                  : "local",
             c->peer);
    if (by_token)
        c->session =
            NULL; /* as if there were no cookie: what a program sends needs none of a browser's proofs */
    if (c->serve->o->token == NULL || by_token || c->session != NULL)
        return true;
    snprintf(c->who, sizeof c->who, "nobody %s", c->peer);
    if (c->route != NULL && (c->route->flags & SERVE_OPEN) != 0)
        return true;
    if (c->page && strcmp(c->q.method, "GET") == 0) {
        c->a.status = 303;
        c->a.location = xstrdup("/login");
        c->refused = true;
        return false;
    }
    return refuse(c, 401, ERR_ACCESS_DENIED,
                  given != NULL              ? "this is not the token"
                  : c->session_given != NULL ? "the session has ended"
                                             : "a token is needed",
                  NULL, "Authorization: Bearer TOKEN, or a browser at /login");
}

static bool route_fits(struct serve_call *c)
{
    if (strcmp(c->real_method, "OPTIONS") == 0 && c->allow[0] != '\0') {
        c->a.status = 204;
        c->refused = true;
        return false;
    }
    if (c->route == NULL && c->allow[0] != '\0')
        return refuse(c, 405, ERR_USAGE, "this path has other methods", c->allow, NULL);
    if (c->route == NULL)
        return refuse(c, 404, ERR_NOT_FOUND, "there is no such path", NULL, "GET /openapi.json lists them");
    for (size_t i = 0; i < c->query.count; i++) {
        const char *name = c->query.items[i].name, *at = c->route->query != NULL ? c->route->query : "";
        size_t n = strlen(name);
        while (*at != '\0' && *at != '*' &&
               !(strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == '\0') && n > 0)) {
            at += strcspn(at, ",");
            at += *at == ',';
        }
        if (*at == '\0') {
            char detail[300], shown[100];
            str_printable(name, n, shown, sizeof shown);
            snprintf(detail, sizeof detail, "'%s' is none of: %s", shown,
                     c->route->query != NULL ? c->route->query : "");
            return refuse(c, 400, ERR_USAGE, "the query has a name that means nothing here", detail, NULL);
        }
    }
    return true;
}

static bool is_form(const char *type)
{
    return strcmp(type, "application/x-www-form-urlencoded") == 0;
}

/* What changes something must come from a page of ours, or from no browser at all. */
static bool site_fits(struct serve_call *c, const struct serve_incoming *in)
{
    bool login = (c->route->flags & SERVE_OPEN) != 0;

    if (strcmp(c->route->method, "GET") == 0)
        return true;
    if (c->site != NULL && strcmp(c->site, "same-origin") != 0 && strcmp(c->site, "none") != 0)
        return refuse(c, 403, ERR_ACCESS_DENIED, "it comes from a page of another site", "Sec-Fetch-Site",
                      NULL);
    if (c->origin != NULL && !serve_origin_is(c->origin, line_of(in, "host")))
        return refuse(c, 403, ERR_ACCESS_DENIED, "it comes from a page of another site",
                      "Origin and Host differ", "a proxy in front must hand on Host as it came");
    if (!login && (c->route->flags & SERVE_WRITES) != 0 && !c->serve->o->allow_write)
        return refuse(c, 403, ERR_ACCESS_DENIED, "this server only reads", NULL,
                      "orch serve --allow-write takes changes");
    bool rows = (c->route->flags & SERVE_ROWS) != 0;
    if (strcmp(c->type, "multipart/form-data") == 0 || (strcmp(c->type, "text/plain") == 0) ||
        (rows && is_form(c->type)))
        return refuse(c, 415, ERR_USAGE, "no body of this type is taken", c->type,
                      rows ? "Content-Type: application/json, or text/csv"
                           : "Content-Type: application/json");
    return true;
}

static bool key_fits(struct serve_call *c, const char *key)
{
    size_t n = key != NULL ? strlen(key) : 0;

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)key[i] < ' ' || (unsigned char)key[i] > '~')
            n = 256;
    if (key != NULL && (n == 0 || n > 255))
        return refuse(c, 400, ERR_USAGE, "Idempotency-Key has 1 to 255 printable ASCII characters", NULL,
                      NULL);
    c->q.key = key != NULL ? keep(c, key, n) : NULL;
    return true;
}

static bool body_fits(struct serve_call *c)
{
    bool reads = strcmp(c->route->method, "GET") == 0;

    c->body_max = (c->route->flags & SERVE_ROWS) != 0 ? MAX_INTAKE_BODY : MAX_SERVE_BODY;
    if (reads && (c->chunked || c->length > 0))
        return malformed(c, "a GET has no body");
    if (c->has_length && c->length > (int64_t)c->body_max) {
        c->close = true;
        return refuse(c, 413, ERR_TOO_LARGE, "the body is too large",
                      (c->route->flags & SERVE_ROWS) != 0 ? "more than 8 MiB" : "more than 64 KiB", NULL);
    }
    buf_init(&c->body, c->body_max);
    return true;
}

static void note_lines(struct serve_call *c, const struct serve_incoming *in)
{
    const char *accept = line_of(in, "accept"), *type = line_of(in, "content-type"),
               *packs = line_of(in, "accept-encoding"), *proto = line_of(in, "x-forwarded-proto"),
               *origin = line_of(in, "origin"), *site = line_of(in, "sec-fetch-site"),
               *csrf = line_of(in, "x-csrf-token");

    const char *known = line_of(in, "if-none-match");
    c->if_none_match = known != NULL ? keep(c, known, strlen(known)) : NULL;
    c->q.accept = keep(c, accept != NULL ? accept : "", accept != NULL ? strlen(accept) : 0);
    c->page = serve_wants_page(c->q.accept);
    c->gzip = packs != NULL && serve_takes_gzip(packs);
    /* Believed of anybody: it only chooses the name and the form of the cookie that he himself gets. */
    c->secure = proto != NULL && strcasecmp(proto, "https") == 0;
    serve_content_type(type != NULL ? type : "", c->type, sizeof c->type);
    c->q.content_type = c->type;
    type = type != NULL ? strchr(type, ';') : NULL;
    c->q.content_params = type != NULL ? keep(c, type + 1, strlen(type + 1)) : "";
    c->origin = origin != NULL ? keep(c, origin, strlen(origin)) : NULL;
    c->site = site != NULL ? keep(c, site, strlen(site)) : NULL;
    c->csrf_given = csrf != NULL ? keep(c, csrf, strlen(csrf)) : NULL;
}

static bool fits(struct serve_call *c, const struct serve_incoming *in)
{
    if (in->bad)
        return malformed(c, "a header that no program sends");
    if (!sizes_fit(c, in) || !whole_seen(c, in) || !lines_fit(c, in))
        return false;
    note_lines(c, in);
    return frame_fits(c, in) && host_fits(c, in) && path_fits(c, in) && sender_fits(c, in) && route_fits(c) &&
           site_fits(c, in) && key_fits(c, line_of(in, "idempotency-key")) && body_fits(c);
}

struct serve_call *serve_call_new(struct serve *s, const struct serve_incoming *in)
{
    struct serve_call *c = xcalloc(1, sizeof *c);
    unsigned char bytes[8];

    random_bytes(bytes, sizeof bytes);
    str_hex(bytes, sizeof bytes, c->id);
    c->serve = s;
    c->arena = arena_new();
    c->began_ms = clock_mono_ms();
    c->peer = keep(c, in->peer, strlen(in->peer));
    c->target = keep(c, in->target, strnlen(in->target, MAX_SERVE_LINE));
    c->real_method = keep(c, in->method, strnlen(in->method, 32));
    c->q = (struct serve_request){.serve = s,
                                  .config = s->config,
                                  .method = strcmp(in->method, "HEAD") == 0 ? "GET" : c->real_method,
                                  .path = "/",
                                  .content_type = c->type,
                                  .content_params = "",
                                  .accept = "",
                                  .who = c->who,
                                  .id = c->id,
                                  .csrf = "",
                                  .now_ms = clock_now_ms()};
    buf_init(&c->a.body, MAX_SERVE_ANSWER);
    buf_init(&c->body, 0);
    snprintf(c->who, sizeof c->who, "nobody %s", c->peer);
    const char *length = line_of(in, "content-length");
    c->sends = line_of(in, "transfer-encoding") != NULL || (length != NULL && strcmp(length, "0") != 0);
    if (fits(c, in)) {
        c->q.csrf = s->o->allow_write ? c->csrf : "";
    } else {
        c->close = c->close || c->sends;
    }
    c->q.query = c;
    return c;
}

bool serve_call_refused(const struct serve_call *c)
{
    return c->refused;
}

bool serve_call_has_body(const struct serve_call *c)
{
    return c->sends;
}

bool serve_call_body(struct serve_call *c, const char *p, size_t n)
{
    struct err err;

    c->body_seen += n;
    if (c->too_long || c->body_seen > c->body_max) {
        c->too_long = true;
        buf_release(&c->body);
        return c->body_seen <=
               c->body_max + MAX_INTAKE_BODY; /* what is sent past the limit is dropped, for a while */
    }
    if (atomic_fetch_add(&c->serve->body_bytes, n) + n > MAX_SERVE_BODIES) {
        atomic_fetch_sub(&c->serve->body_bytes, n);
        c->crowded = true;
        buf_release(&c->body);
        return true;
    }
    c->counted += n;
    if (!c->crowded && buf_add(&c->body, p, n, &err) < 0)
        c->too_long = true;
    return true;
}

/* Whatever a browser sends proves that it read a page of ours. Programs send neither cookies nor forms. */
static bool proof_fits(struct serve_call *c)
{
    bool browser = c->session != NULL || c->origin != NULL || c->site != NULL || is_form(c->type);
    const char *given = c->csrf_given;

    if (strcmp(c->route->method, "GET") == 0 || (c->route->flags & SERVE_OPEN) != 0 || !browser)
        return true;
    if (given == NULL && is_form(c->type))
        given = serve_fields_get(&c->form, "csrf");
    if (given != NULL && c->csrf[0] != '\0' && serve_same_secret(given, c->csrf))
        return true;
    return refuse(c, 403, ERR_ACCESS_DENIED, "the page is too old, or not ours", "no CSRF token that fits",
                  "load the page again; a program names another Content-Type than that of forms, such as "
                  "application/json");
}

void serve_call_run(struct serve_call *c)
{
    struct err err = {0};
    int rc = 0;

    if (c->refused)
        return;
    if (c->too_long) {
        c->close = true;
        err_ignore(refuse(c, 413, ERR_TOO_LARGE, "the body is too large", NULL, NULL));
        return;
    }
    if (c->crowded) {
        err_ignore(refuse(c, 503, ERR_BUSY, "too many large bodies at once", NULL, NULL));
        c->a.retry_after_s = 1;
        return;
    }
    c->q.body = (struct str){c->body.p != NULL ? c->body.p : "", c->body.n};
    if (is_form(c->type) && serve_fields_parse(c->q.body.p, c->q.body.n, true, &c->form, &err) < 0) {
        err_ignore(refuse(c, 400, ERR_USAGE, "the form cannot be read", err.msg, NULL));
        return;
    }
    if (!proof_fits(c))
        return;
    rc = c->route->fn(&c->q, &c->a, &err);
    if (rc < 0) {
        serve_problem_err(&c->a, &err);
        if (c->a.status >= 500)
            cli_say("serve: %s: %s%s%s", c->id, err.msg, err.hint[0] != '\0' ? "; " : "", err.hint);
    }
}

static void say(const struct serve_call *c)
{
    char shown[300];
    size_t n = strcspn(c->target, "?");

    /* what a query asks for may be somebody's; of a path nobody knows we keep the beginning */
    str_printable(c->target,
                  c->route == NULL                                 ? n
                  : c->route->flags & (SERVE_PRIVATE | SERVE_OPEN) ? n
                                                                   : strlen(c->target),
                  shown, sizeof shown);
    cli_say("serve: %s %s %d, %zu bytes, %lld ms, %s, %s", c->real_method, shown, c->a.status, c->a.body.n,
            (long long)(clock_mono_ms() - c->began_ms), c->who, c->id);
}

static void put(struct serve_reply *r, const char *name, const char *value)
{
    if (r->line_count < SERVE_LINES)
        r->lines[r->line_count++] = (struct serve_line){name, value, strlen(value)};
}

/* Who asks every few seconds is told that nothing has changed. Weak: packed or not, it is the same. */
static void tag(struct serve_call *c, struct serve_reply *r)
{
    struct serve_answer *a = &c->a;
    unsigned char hash[SHA256_SIZE];
    char text[40] = "W/\"";

    if (strcmp(c->q.method, "GET") != 0 || a->status != 200 || a->body.n == 0 || c->refused)
        return;
    sha256_of(a->body.p, a->body.n, hash);
    str_hex(hash, 12, text + 3);
    snprintf(text + 3 + 24, sizeof text - 3 - 24, "\"");
    put(r, "ETag", keep(c, text, strlen(text)));
    if (c->if_none_match != NULL && strstr(c->if_none_match, text + 2) != NULL) {
        a->status = 304;
        buf_clear(&a->body);
    }
}

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

void serve_call_reply(struct serve_call *c, struct serve_reply *r)
{
    struct serve_answer *a = &c->a;
    char number[16];

    *r = (struct serve_reply){0};
    serve_answer_finish(a, c->id, c->page && (c->route == NULL || !(c->route->flags & SERVE_ROWS)));
    bool fleeting =
        c->route == NULL || c->refused || a->status >= 400 || a->cookie != NULL ||
        ((c->route->flags & (SERVE_PRIVATE | SERVE_OPEN)) != 0 && (c->route->flags & SERVE_FILE) == 0);
    if (!fleeting)
        tag(c, r);
    if (a->body.n > 0)
        put(r, "Content-Type", a->type);
    if (a->body.n > 0 && c->gzip && serve_answer_pack(a))
        put(r, "Content-Encoding", "gzip");
    put(r, "Vary", "Accept, Accept-Encoding");
    put(r, "Content-Security-Policy", policy);
    put(r, "X-Content-Type-Options", "nosniff");
    put(r, "Referrer-Policy", "no-referrer");
    put(r, "Cross-Origin-Resource-Policy", "same-origin");
    put(r, "Cross-Origin-Opener-Policy", "same-origin");
    put(r, "X-Frame-Options", "DENY");
    put(r, "Cache-Control", fleeting ? "no-store" : "private, no-cache");
    put(r, "X-Request-Id", c->id);
    if (a->location != NULL)
        put(r, "Location", a->location);
    if (a->cookie != NULL)
        put(r, "Set-Cookie", a->cookie);
    if (a->status == 401)
        put(r, "WWW-Authenticate", "Bearer realm=\"orch\"");
    if (a->status == 405 || a->status == 204)
        put(r, "Allow", c->allow);
    snprintf(number, sizeof number, "%d", a->retry_after_s);
    if (a->retry_after_s > 0)
        put(r, "Retry-After", keep(c, number, strlen(number)));
    if (c->close || atomic_load(&c->serve->stopping))
        put(r, "Connection", "close");
    serve_count_answer(c->serve, a->status);
    r->status = a->status;
    r->body = &a->body;
    say(c);
}

void serve_call_free(struct serve_call *c)
{
    if (c == NULL)
        return;
    atomic_fetch_sub(&c->serve->body_bytes, c->counted);
    serve_path_release(&c->path);
    serve_fields_release(&c->query);
    serve_fields_release(&c->form);
    buf_release(&c->body);
    buf_release(&c->a.body);
    free((char *)(uintptr_t)c->a.location);
    free((char *)(uintptr_t)c->a.cookie);
    arena_free(c->arena);
    free(c);
}

const char *serve_query(const struct serve_request *q, const char *name)
{
    const struct serve_call *c = q->query;
    return serve_fields_get(&c->query, name);
}

bool serve_query_at(const struct serve_request *q, size_t i, const char **ret_name, const char **ret_value)
{
    const struct serve_call *c = q->query;

    if (i >= c->query.count)
        return false;
    *ret_name = c->query.items[i].name;
    *ret_value = c->query.items[i].value;
    return true;
}

const char *serve_form(const struct serve_request *q, const char *name)
{
    const struct serve_call *c = q->query;
    return serve_fields_get(&c->form, name);
}

int serve_query_int(const struct serve_request *q, const char *name, int64_t least, int64_t most,
                    int64_t standard, int64_t *ret, struct err *err)
{
    const char *s = serve_query(q, name);

    *ret = standard;
    if (s == NULL)
        return 0;
    if (str_to_i64(str_of(s), least, most, ret, err) < 0) {
        err->code = ERR_USAGE;
        return err_prefix(err, "%s", name);
    }
    return 0;
}

const char *serve_call_session(const struct serve_request *q)
{
    const struct serve_call *c = q->query;
    return c->session;
}

bool serve_call_secure(const struct serve_request *q)
{
    const struct serve_call *c = q->query;
    return c->secure;
}

/* What answers look like: problems (RFC 9457), pages for browsers, packed bytes. */
#include "base/html.h"
#include "base/json.h"
#include "base/mem.h"
#include "io/deflate.h"
#include "orchestrator/serve_int.h"

enum { PACK_FROM = 1 * KIB, PACK_LEVEL = 4 };

static const char problem_type[] = "application/problem+json";

/* A full buffer is said by its own answer, later. */
static void add(struct buf *b, const char *s)
{
    struct err ignored;
    err_ignore(buf_adds(b, s, &ignored));
}

static void escaped(struct buf *b, const char *s)
{
    struct err ignored;
    err_ignore(html_adds(b, s, &ignored));
}

/* Control characters and what is no UTF-8 as \xNN; cut at 2,000 bytes. */
static json_t *text(const char *s)
{
    char shown[2000];

    str_printable(s, strlen(s), shown, sizeof shown);
    return json_string(shown);
}

void serve_problem(struct serve_answer *a, int status, const char *code, const char *title,
                   const char *detail, const char *hint)
{
    json_t *o = json_object();
    char *type = xasprintf("urn:orch:error:%s", code), *whole;

    json_object_set_new(o, "type", json_string(type));
    json_object_set_new(o, "title", text(title));
    json_object_set_new(o, "status", json_integer(status));
    if (detail != NULL && *detail != '\0')
        json_object_set_new(o, "detail", text(detail));
    json_object_set_new(o, "code", json_string(code));
    if (hint != NULL && *hint != '\0')
        json_object_set_new(o, "hint", text(hint));
    whole = json_text(o);
    buf_clear(&a->body);
    add(&a->body, whole);
    a->status = status;
    a->type = problem_type;
    free(whole);
    free(type);
    json_decref(o);
}

static int status_of(const struct err *err)
{
    switch (err->code) {
    case ERR_USAGE:
    case ERR_CONTRACT:
    case ERR_BAD_CSV:
    case ERR_BAD_ENCODING:
        return 400;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_DUPLICATE_KEY:
        return 409;
    case ERR_TOO_LARGE:
        return 413;
    case ERR_CONFLICT: /* the key of another request: 409 is that of one that is under way */
    case ERR_BAD_VALUE:
    case ERR_SCHEMA:
    case ERR_TOO_MANY_REJECTS:
        return 422;
    case ERR_UNAVAILABLE:
    case ERR_TRANSIENT:
    case ERR_BUSY:
    case ERR_LOCK_LOST:
    case ERR_CANCELLED:
    case ERR_IO:
    case ERR_STATE:
    case ERR_TARGET_SETUP:
        return 503;
    case ERR_TIMEOUT:
        return 504;
    case ERR_DISK_FULL:
        return 507;
    default:
        return 500;
    }
}

void serve_problem_err(struct serve_answer *a, const struct err *err)
{
    int status = status_of(err);
    char title[200];

    snprintf(title, sizeof title, "%s", err->code == ERR_USAGE ? "the request is wrong" : err_doc(err->code));
    serve_problem(a, status, err_asl(err), title, err->msg, err->hint);
    if (status == 503 || status == 504)
        a->retry_after_s = 5;
}

/* A problem as a page. The words are those of the JSON. */
static void problem_page(struct serve_answer *a, const json_t *o, const char *id)
{
    static const char *const parts[] = {"detail", "hint"};
    const char *title = json_string_value(json_object_get(o, "title"));
    struct buf *b = &a->body;

    buf_clear(b);
    add(b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
           "content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\"><link "
           "rel=\"stylesheet\" "
           "href=\"/style.css\"><link rel=\"icon\" href=\"/icon.svg\"><title>");
    escaped(b, title);
    add(b, "</title></head><body><main><h1>");
    escaped(b, title);
    add(b, "</h1>\n");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const char *s = json_string_value(json_object_get(o, parts[i]));
        if (s == NULL)
            continue;
        add(b, "<p>");
        escaped(b, s);
        add(b, "</p>\n");
    }
    add(b, "<p><small>");
    escaped(b, json_string_value(json_object_get(o, "code")));
    add(b, ", request ");
    add(b, id);
    add(b, "</small></p>\n<p><a href=\"/\">orch</a></p></main></body></html>\n");
    a->type = "text/html; charset=utf-8";
}

void serve_answer_finish(struct serve_answer *a, const char *id, bool page)
{
    json_t *o = NULL;
    struct err err;

    if (a->type == NULL)
        a->type = "application/json";
    if (a->status == 0)
        a->status = 200;
    if (strcmp(a->type, problem_type) != 0 || json_parse(a->body.p, a->body.n, "problem", &o, &err) < 0)
        return;
    if (page) {
        problem_page(a, o, id);
    } else if (json_object_get(o, "request_id") == NULL) { /* else it is an answer of before, byte by byte */
        json_object_set_new(o, "request_id", json_string(id));
        char *whole = json_text(o);
        buf_clear(&a->body);
        add(&a->body, whole);
        free(whole);
    }
    json_decref(o);
}

static int to_buf(void *arg, const void *p, size_t n, struct err *err)
{
    return buf_add(arg, p, n, err);
}

bool serve_answer_pack(struct serve_answer *a)
{
    struct buf packed = BUF_INIT(MAX_SERVE_ANSWER);
    struct deflate *d = NULL;
    struct err err;
    int rc;

    if (a->body.n < PACK_FROM)
        return false;
    rc = deflate_new(PACK_GZIP, PACK_LEVEL, to_buf, &packed, &d, &err);
    if (rc == 0)
        rc = deflate_write(d, a->body.p, a->body.n, &err);
    if (rc >= 0)
        rc = deflate_end(d, &err);
    deflate_free(d);
    if (rc < 0) { /* it goes out as it is */
        buf_release(&packed);
        return false;
    }
    buf_release(&a->body);
    a->body = packed;
    return true;
}

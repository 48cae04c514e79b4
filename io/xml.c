#include "io/xml.h"
#include "base/buf.h"
#include "base/civil.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/sigv4.h"
#include <libxml/parser.h>
#include <pthread.h>

/*
 * SAX2, because a page is 1,000 small records and a tree of it would cost ten times its size. Text is
 * collected for the element that is open; what to do with it is decided at its end, by depth and name.
 */
enum { MAX_ETAG = 200, MAX_UPLOAD_ID = 2048 };

enum { MAX_TEXT = 16 * KIB }; /* a key of MAX_KEY bytes, every one as %XX in five-byte entities, fits */

enum { HAS_KEY = 1, HAS_ETAG = 2, HAS_SIZE = 4, HAS_MODIFIED = 8, HAS_ALL = 15, HAS_ID = 16 };

struct parse {
    const char *root; /* the document element that is wanted */
    int (*leaf)(struct parse *x, const char *parent, const char *name, struct err *err);
    const char *group, *subgroup; /* at depth 2, and below it: their children are leaves too; NULL: none */
    struct xml_page *page;
    struct xml_s3_error *error;
    struct xml_credentials *credentials;
    struct xml_uploads *uploads;
    char **value; /* owned: the text of the root's child value_name */
    const char *value_name;
    struct buf text;
    char second[32],
        third[32]; /* names of the open elements at depth 2 and 3; cut, but longer than any that matters */
    int depth;
    size_t cap;
    unsigned has;
    bool url_encoded, has_truncated, root_ended;
    int rc;
    struct err *err;
    xmlParserCtxtPtr ctxt;
};

/* libxml2 has no way to hand an error through: kept, and the parser stopped. */
static void fail(struct parse *x, int rc)
{
    if (x->rc == 0)
        x->rc = rc;
    xmlStopParser(x->ctxt);
}

static struct xml_object *new_object(struct parse *x)
{
    struct xml_page *page = x->page;

    if (page->count == x->cap) {
        x->cap = x->cap ? x->cap * 2 : 1024;
        page->objects = xrealloc(page->objects, x->cap * sizeof *page->objects);
    }
    page->objects[page->count] = (struct xml_object){"", "", 0, 0};
    return &page->objects[page->count++];
}

static struct xml_upload *new_upload(struct parse *x)
{
    struct xml_uploads *page = x->uploads;

    if (page->count == x->cap) {
        x->cap = x->cap ? x->cap * 2 : 64;
        page->uploads = xrealloc(page->uploads, x->cap * sizeof *page->uploads);
    }
    page->uploads[page->count] = (struct xml_upload){"", "", 0};
    return &page->uploads[page->count++];
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int ns_n,
                     const xmlChar **ns, int attr_n, int default_n, const xmlChar **attr)
{
    struct parse *x = ctx;

    UNUSED(prefix), UNUSED(uri), UNUSED(ns_n), UNUSED(ns), UNUSED(attr_n), UNUSED(default_n), UNUSED(attr);
    if (x->rc < 0)
        return;
    if (x->depth == 0 && strcmp((const char *)name, x->root) != 0) {
        char seen[40];
        str_printable((const char *)name, strlen((const char *)name), seen, sizeof seen);
        fail(x, err_set(x->err, ERR_BAD_RESPONSE, "the answer is a <%s> document where <%s> was expected",
                        seen, x->root));
        return;
    }
    x->depth++;
    if (x->depth == 2)
        snprintf(x->second, sizeof x->second, "%s", (const char *)name);
    if (x->depth == 3)
        snprintf(x->third, sizeof x->third, "%s", (const char *)name);
    buf_clear(&x->text);
    if (x->page != NULL && x->depth == 2 && strcmp(x->second, "Contents") == 0) {
        new_object(x);
        x->has = 0;
    }
    if (x->uploads != NULL && x->depth == 2 && strcmp(x->second, "Upload") == 0) {
        new_upload(x);
        x->has = 0;
    }
}

/* Whose child the element that ends is, where that is one that matters. */
static const char *leaf_of(const struct parse *x)
{
    bool in_group = x->group != NULL && strcmp(x->second, x->group) == 0;

    if (x->depth == 2)
        return x->root;
    if (x->depth == 3 && in_group)
        return x->group;
    if (x->depth == 4 && in_group && x->subgroup != NULL && strcmp(x->third, x->subgroup) == 0)
        return x->subgroup;
    return NULL;
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct parse *x = ctx;

    UNUSED(prefix), UNUSED(uri);
    if (x->rc < 0)
        return;
    const char *parent = leaf_of(x);
    int rc = parent != NULL ? x->leaf(x, parent, (const char *)name, x->err) : 0;
    if (rc < 0) {
        fail(x, rc);
        return;
    }
    x->depth--;
    x->root_ended = x->depth == 0;
    buf_clear(&x->text);
}

static void on_text(void *ctx, const xmlChar *p, int n)
{
    struct parse *x = ctx;

    if (x->rc < 0 || x->depth == 0 || x->depth > 4)
        return;
    int rc = buf_add(&x->text, p, (size_t)n, x->err);
    if (rc < 0)
        fail(x, err_set(x->err, ERR_BAD_RESPONSE, "a text in the XML answer is longer than %zu bytes",
                        x->text.max));
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *external, const xmlChar *system_id)
{
    struct parse *x = ctx;

    UNUSED(name), UNUSED(external), UNUSED(system_id);
    fail(x, err_set(x->err, ERR_BAD_RESPONSE,
                    "the XML answer has a document type declaration, which S3 and STS never send"));
}

/* An entity that is none of XML's five: dropped silently, it would shorten a key. */
static void on_reference(void *ctx, const xmlChar *name)
{
    struct parse *x = ctx;

    UNUSED(name);
    fail(x, err_set(x->err, ERR_BAD_RESPONSE, "the XML answer has an entity that is not defined"));
}

static void quiet(void *ctx, const char *fmt, ...) PRINTF(2, 3);
static void quiet(void *ctx, const char *fmt, ...)
{
    UNUSED(ctx);
    UNUSED(fmt);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static int run(struct parse *x, const char *p, size_t n, struct err *err)
{
    xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
                         .startElementNs = on_start,
                         .endElementNs = on_end,
                         .characters = on_text,
                         .cdataBlock = on_text,
                         .ignorableWhitespace = on_text,
                         .internalSubset = on_doctype,
                         .externalSubset = on_doctype,
                         .reference = on_reference,
                         .warning = quiet,
                         .error = quiet,
                         .fatalError = quiet};

    pthread_once(&once, xmlInitParser);
    if (n == 0 || n > MAX_XML_PAGE)
        return err_set(err, ERR_BAD_RESPONSE,
                       n == 0 ? "the XML answer is empty" : "the XML answer is too long");
    buf_init(&x->text, MAX_TEXT);
    x->err = err;
    x->ctxt = xmlCreatePushParserCtxt(&sax, x, NULL, 0, NULL);
    if (x->ctxt == NULL)
        abort();
    xmlCtxtUseOptions(x->ctxt, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    for (size_t at = 0; at < n && x->rc == 0;) {
        size_t chunk = n - at < 64 * KIB ? n - at : 64 * KIB;
        int code = xmlParseChunk(x->ctxt, p + at, (int)chunk, 0);
        at += chunk;
        if (!x->ctxt->wellFormed && x->rc == 0)
            x->rc =
                err_set(err, ERR_BAD_RESPONSE, "the answer is not well-formed XML (libxml2 error %d)", code);
    }
    if (x->rc == 0) {
        int code = xmlParseChunk(x->ctxt, "", 0, 1);
        if (x->rc == 0 && (!x->ctxt->wellFormed || !x->root_ended))
            x->rc = err_set(err, ERR_BAD_RESPONSE, "the XML answer ends too early (libxml2 error %d)", code);
    }
    xmlFreeParserCtxt(x->ctxt);
    buf_release(&x->text);
    return x->rc;
}

/* Goes into headers and queries: printable ASCII, without a quote. */
static int check_token(struct str s, const char *what, size_t max, struct err *err)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"')
            return err_set(err, ERR_BAD_RESPONSE, "the answer has an %s that is none", what);
    if (s.n == 0 || s.n > max)
        return err_set(err, ERR_BAD_RESPONSE, "the answer has an %s of %zu bytes", what, s.n);
    return 0;
}

static struct str unquoted(struct str s)
{
    return s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"' ? (struct str){s.p + 1, s.n - 2} : s;
}

static int read_etag(struct parse *x, struct xml_object *o, struct err *err)
{
    struct str s = unquoted(str_trim((struct str){x->text.p, x->text.n}));
    int rc = check_token(s, "ETag", MAX_ETAG, err);

    if (rc < 0)
        return rc;
    o->etag = arena_strndup(x->page->arena, s.p, s.n);
    x->has |= HAS_ETAG;
    return 0;
}

static int read_contents(struct parse *x, const char *name, struct err *err)
{
    struct xml_object *o = &x->page->objects[x->page->count - 1];
    struct str s = str_trim((struct str){x->text.p, x->text.n});

    if (strcmp(name, "Key") == 0) {
        o->key = arena_strndup(x->page->arena, x->text.n > 0 ? x->text.p : "", x->text.n);
        x->has |= HAS_KEY;
    } else if (strcmp(name, "ETag") == 0) {
        return read_etag(x, o, err);
    } else if (strcmp(name, "Size") == 0) {
        if (str_to_i64(s, 0, INT64_MAX, &o->size, err) < 0)
            return err_set(err, ERR_BAD_RESPONSE, "the listing has a size that is no number");
        x->has |= HAS_SIZE;
    } else if (strcmp(name, "LastModified") == 0) {
        char when[64];
        snprintf(when, sizeof when, "%.*s", s.n < sizeof when ? (int)s.n : 0, s.n > 0 ? s.p : "");
        if (civil_parse_rfc3339(when, &o->modified_ms, err) < 0)
            return err_set(err, ERR_BAD_RESPONSE, "the listing has a LastModified that is no time");
        x->has |= HAS_MODIFIED;
    }
    return 0;
}

static int list_leaf(struct parse *x, const char *parent, const char *name, struct err *err)
{
    struct str s = str_trim((struct str){x->text.p, x->text.n});

    if (strcmp(parent, "Contents") == 0)
        return read_contents(x, name, err);
    if (strcmp(name, "Contents") == 0 && x->has != HAS_ALL)
        return err_set(err, ERR_BAD_RESPONSE, "the listing has an object without %s",
                       !(x->has & HAS_KEY)    ? "a key"
                       : !(x->has & HAS_ETAG) ? "an ETag"
                       : !(x->has & HAS_SIZE) ? "a size"
                                              : "a time");
    if (strcmp(name, "IsTruncated") == 0) {
        if (!str_is(s, "true") && !str_is(s, "false"))
            return err_set(err, ERR_BAD_RESPONSE, "IsTruncated of the listing is neither true nor false");
        x->page->truncated = str_is(s, "true");
        x->has_truncated = true;
    } else if (strcmp(name, "EncodingType") == 0) {
        x->url_encoded = str_is(s, "url");
    } else if (strcmp(name, "NextContinuationToken") == 0) {
        free(x->page->next_token);
        x->page->next_token = s.n > 0 ? xstrndup(s.p, s.n) : NULL;
    }
    return 0;
}

/* In place, since the plain form is never longer. '+' is a space: AWS encodes as forms do, others send %20.
 */
static int url_decode(char *key, struct err *err)
{
    char *out = key;

    for (const char *p = key; *p != '\0'; p++) {
        if (*p != '%') {
            *out++ = (char)(*p == '+' ? ' ' : *p);
            continue;
        }
        int c = sigv4_decode(p, strlen(p));
        if (c <= 0)
            return err_set(err, ERR_BAD_RESPONSE, "the listing has a key with a wrong %% sequence");
        *out++ = (char)c;
        p += 2;
    }
    *out = '\0';
    return 0;
}

static int finish_page(struct parse *x, struct err *err)
{
    struct xml_page *page = x->page;

    if (!x->has_truncated)
        return err_set(err, ERR_BAD_RESPONSE,
                       "the listing does not say whether it is complete (no IsTruncated)");
    if (page->truncated && page->next_token == NULL)
        return err_set(err, ERR_BAD_RESPONSE,
                       "the listing says that more follows but has no continuation token");
    for (size_t i = 0; i < page->count; i++) {
        char *key = (char *)(uintptr_t)page->objects[i].key; /* the arena's, ours */
        int rc = x->url_encoded ? url_decode(key, err) : 0;
        if (rc < 0)
            return rc;
        if (*key == '\0' || strlen(key) > MAX_KEY)
            return err_set(err, ERR_BAD_RESPONSE, "the listing has a key of %zu bytes", strlen(key));
    }
    return 0;
}

int xml_list_page(const char *p, size_t n, struct xml_page *ret, struct err *err)
{
    struct parse x = {.root = "ListBucketResult", .group = "Contents", .leaf = list_leaf, .page = ret};

    *ret = (struct xml_page){.arena = arena_new()};
    int rc = run(&x, p, n, err);
    if (rc == 0)
        rc = finish_page(&x, err);
    if (rc < 0)
        xml_page_release(ret);
    return rc;
}

void xml_page_release(struct xml_page *page)
{
    free(page->objects);
    free(page->next_token);
    arena_free(page->arena);
    *page = (struct xml_page){0};
}

static int error_leaf(struct parse *x, const char *parent, const char *name, struct err *err)
{
    struct xml_s3_error *e = x->error;
    struct str s = str_trim((struct str){x->text.p, x->text.n});
    const struct {
        const char *name;
        char *to;
        size_t size;
    } fields[] = {{"Code", e->code, sizeof e->code},
                  {"Message", e->message, sizeof e->message},
                  {"Region", e->region, sizeof e->region},
                  {"BucketName", e->bucket, sizeof e->bucket}};

    UNUSED(parent), UNUSED(err);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(name, fields[i].name) == 0)
            str_printable(s.n > 0 ? s.p : "", s.n, fields[i].to, fields[i].size);
    return 0;
}

static bool read_error(struct parse *x, const char *p, size_t n)
{
    struct err err;

    *x->error = (struct xml_s3_error){.code = ""};
    if (run(x, p, n, &err) < 0 || x->error->code[0] == '\0') {
        *x->error = (struct xml_s3_error){.code = ""};
        return false;
    }
    return true;
}

bool xml_s3_error(const char *p, size_t n, struct xml_s3_error *ret)
{
    struct parse x = {.root = "Error", .leaf = error_leaf, .error = ret};

    return read_error(&x, p, n);
}

bool xml_sts_error(const char *p, size_t n, struct xml_s3_error *ret)
{
    struct parse x = {.root = "ErrorResponse", .group = "Error", .leaf = error_leaf, .error = ret};

    return read_error(&x, p, n);
}

static int credentials_leaf(struct parse *x, const char *parent, const char *name, struct err *err)
{
    struct xml_credentials *c = x->credentials;
    struct str s = str_trim((struct str){x->text.p, x->text.n});
    const struct {
        const char *name;
        char **to;
    } fields[] = {{"AccessKeyId", &c->access_key},
                  {"SecretAccessKey", &c->secret_key},
                  {"SessionToken", &c->session_token},
                  {"Expiration", &c->expires}};

    if (x->depth != 4)
        return 0;
    UNUSED(parent);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (strcmp(name, fields[i].name) != 0)
            continue;
        if (*fields[i].to != NULL)
            return err_set(err, ERR_BAD_RESPONSE, "the answer has %s twice", name);
        *fields[i].to = s.n > 0 ? xstrndup(s.p, s.n) : NULL;
    }
    return 0;
}

int xml_sts_credentials(const char *p, size_t n, struct xml_credentials *ret, struct err *err)
{
    struct parse x = {.root = "AssumeRoleWithWebIdentityResponse",
                      .group = "AssumeRoleWithWebIdentityResult",
                      .subgroup = "Credentials",
                      .leaf = credentials_leaf,
                      .credentials = ret};

    *ret = (struct xml_credentials){0};
    int rc = run(&x, p, n, err);
    if (rc == 0 && (ret->access_key == NULL || ret->secret_key == NULL || ret->session_token == NULL ||
                    ret->expires == NULL))
        rc = err_set(err, ERR_BAD_RESPONSE, "the answer lacks a part of the credentials");
    if (rc < 0)
        xml_credentials_release(ret);
    return rc;
}

void xml_credentials_release(struct xml_credentials *c)
{
    free(c->access_key);
    free(c->secret_key);
    free(c->session_token);
    free(c->expires);
    *c = (struct xml_credentials){0};
}

/* ---- uploads in pieces ---- */

static int value_leaf(struct parse *x, const char *parent, const char *name, struct err *err)
{
    struct str s = str_trim((struct str){x->text.p, x->text.n});

    UNUSED(parent);
    if (strcmp(name, x->value_name) != 0)
        return 0;
    if (*x->value != NULL)
        return err_set(err, ERR_BAD_RESPONSE, "the answer has %s twice", x->value_name);
    *x->value = xstrndup(s.n > 0 ? s.p : "", s.n);
    return 0;
}

static int read_value(const char *p, size_t n, const char *root, const char *name, char **ret_owned,
                      struct err *err)
{
    struct parse x = {.root = root, .leaf = value_leaf, .value = ret_owned, .value_name = name};
    int rc = run(&x, p, n, err);

    if (rc == 0 && *ret_owned == NULL)
        rc = err_set(err, ERR_BAD_RESPONSE, "the answer lacks %s", name);
    return rc;
}

int xml_upload_id(const char *p, size_t n, char **ret_owned, struct err *err)
{
    char *id = NULL;
    int rc = read_value(p, n, "InitiateMultipartUploadResult", "UploadId", &id, err);

    if (rc == 0)
        rc = check_token(str_of(id), "UploadId", MAX_UPLOAD_ID, err);
    if (rc < 0) {
        free(id);
        return rc;
    }
    *ret_owned = id;
    return 0;
}

int xml_completed(const char *p, size_t n, char **ret_owned, struct err *err)
{
    struct str s = str_trim((struct str){p, n});
    char *etag = NULL;
    int rc = read_value(s.p, s.n, "CompleteMultipartUploadResult", "ETag", &etag, err);

    if (rc == 0) {
        s = unquoted(str_of(etag));
        rc = check_token(s, "ETag", MAX_ETAG, err);
    }
    if (rc == 0)
        *ret_owned = xstrndup(s.p, s.n);
    free(etag);
    return rc;
}

static int read_upload(struct parse *x, const char *name, struct err *err)
{
    struct xml_upload *u = &x->uploads->uploads[x->uploads->count - 1];
    struct str s = str_trim((struct str){x->text.p, x->text.n});

    if (strcmp(name, "Key") == 0) {
        u->key = arena_strndup(x->uploads->arena, x->text.n > 0 ? x->text.p : "", x->text.n);
        x->has |= HAS_KEY;
    } else if (strcmp(name, "UploadId") == 0) {
        int rc = check_token(s, "UploadId", MAX_UPLOAD_ID, err);
        if (rc < 0)
            return rc;
        u->id = arena_strndup(x->uploads->arena, s.p, s.n);
        x->has |= HAS_ID;
    } else if (strcmp(name, "Initiated") == 0) {
        char when[64];
        snprintf(when, sizeof when, "%.*s", s.n < sizeof when ? (int)s.n : 0, s.n > 0 ? s.p : "");
        if (civil_parse_rfc3339(when, &u->initiated_ms, err) < 0)
            return err_set(err, ERR_BAD_RESPONSE, "the listing of uploads has an Initiated that is no time");
        x->has |= HAS_MODIFIED;
    }
    return 0;
}

static int uploads_leaf(struct parse *x, const char *parent, const char *name, struct err *err)
{
    struct xml_uploads *page = x->uploads;
    struct str s = str_trim((struct str){x->text.p, x->text.n});

    if (strcmp(parent, "Upload") == 0)
        return read_upload(x, name, err);
    if (strcmp(name, "Upload") == 0 && x->has != (HAS_KEY | HAS_ID | HAS_MODIFIED))
        return err_set(err, ERR_BAD_RESPONSE,
                       "the listing of uploads has one without key, UploadId or Initiated");
    if (strcmp(name, "IsTruncated") == 0) {
        if (!str_is(s, "true") && !str_is(s, "false"))
            return err_set(err, ERR_BAD_RESPONSE, "IsTruncated of the listing is neither true nor false");
        page->truncated = str_is(s, "true");
        x->has_truncated = true;
    } else if (strcmp(name, "EncodingType") == 0) {
        x->url_encoded = str_is(s, "url");
    } else if (strcmp(name, "NextKeyMarker") == 0) {
        free(page->next_key);
        page->next_key = x->text.n > 0 ? xstrndup(x->text.p, x->text.n) : NULL;
    } else if (strcmp(name, "NextUploadIdMarker") == 0) {
        free(page->next_id);
        page->next_id = s.n > 0 ? xstrndup(s.p, s.n) : NULL;
    }
    return 0;
}

static int finish_uploads(struct parse *x, struct err *err)
{
    struct xml_uploads *page = x->uploads;
    int rc = 0;

    if (!x->has_truncated)
        return err_set(err, ERR_BAD_RESPONSE,
                       "the listing of uploads does not say whether it is complete (no IsTruncated)");
    if (x->url_encoded && page->next_key != NULL)
        rc = url_decode(page->next_key, err);
    if (rc == 0 && page->truncated && (page->next_key == NULL || *page->next_key == '\0'))
        rc = err_set(err, ERR_BAD_RESPONSE, "the listing of uploads says that more follows but not where");
    if (rc == 0 && page->truncated && page->next_id != NULL)
        rc = check_token(str_of(page->next_id), "UploadId", MAX_UPLOAD_ID, err);
    for (size_t i = 0; i < page->count && rc == 0; i++) {
        char *key = (char *)(uintptr_t)page->uploads[i].key; /* the arena's, ours */
        rc = x->url_encoded ? url_decode(key, err) : 0;
        if (rc == 0 && (*key == '\0' || strlen(key) > MAX_KEY))
            rc = err_set(err, ERR_BAD_RESPONSE, "the listing has a key of %zu bytes", strlen(key));
    }
    return rc;
}

int xml_uploads(const char *p, size_t n, struct xml_uploads *ret, struct err *err)
{
    struct parse x = {
        .root = "ListMultipartUploadsResult", .group = "Upload", .leaf = uploads_leaf, .uploads = ret};

    *ret = (struct xml_uploads){.arena = arena_new()};
    int rc = run(&x, p, n, err);
    if (rc == 0)
        rc = finish_uploads(&x, err);
    if (rc < 0)
        xml_uploads_release(ret);
    return rc;
}

void xml_uploads_release(struct xml_uploads *page)
{
    free(page->uploads);
    free(page->next_key);
    free(page->next_id);
    arena_free(page->arena);
    *page = (struct xml_uploads){0};
}

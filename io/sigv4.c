#include "io/sigv4.h"
#include "base/civil.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/hash.h"

/* A pair of the canonical query or one canonical header, while they are sorted. Owned texts. */
struct pair {
    char *name, *value;
    size_t order; /* repeated headers keep the order they were given in */
};

struct pairs {
    struct pair *p;
    size_t n;
};

enum { MAX_PARTS = 256, MAX_PART = 64 * KIB };

static bool unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int sigv4_encode(const char *p, size_t n, bool keep_slash, struct buf *ret, struct err *err)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        char hex[3] = {'%', digits[c >> 4], digits[c & 15]};
        int rc = unreserved(c) || (c == '/' && keep_slash) ? buf_add(ret, p + i, 1, err)
                                                           : buf_add(ret, hex, 3, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void sigv4_date(int64_t now_ms, char out[17])
{
    struct civil c = civil_from_ms(now_ms);
    char text[80];

    snprintf(text, sizeof text, "%04d%02d%02dT%02d%02d%02dZ", c.year, c.month, c.day, c.hour, c.minute,
             c.second);
    memcpy(out, text, 16);
    out[16] = '\0';
}

static void pairs_release(struct pairs *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->p[i].name);
        free(l->p[i].value);
    }
    free(l->p);
}

static int by_name(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int c = strcmp(x->name, y->name);

    return c != 0 ? c : x->order < y->order ? -1 : x->order > y->order;
}

static int by_name_and_value(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int c = strcmp(x->name, y->name);

    return c != 0 ? c : strcmp(x->value, y->value);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int sigv4_decode(const char *p, size_t n)
{
    int high = n > 2 && p[0] == '%' ? hex_digit(p[1]) : -1, low = high < 0 ? -1 : hex_digit(p[2]);

    return low < 0 ? -1 : high << 4 | low;
}

/* Decodes and encodes again, so that a%7Eb, a~b and %c3 against %C3 become one text. */
static int recode(const char *p, size_t n, char **ret_owned, struct err *err)
{
    struct buf plain = BUF_INIT(MAX_PART), out = BUF_INIT(MAX_PART);
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        char c = p[i];
        int code = sigv4_decode(p + i, n - i);
        if (code >= 0) {
            c = (char)code;
            i += 2;
        }
        rc = buf_add(&plain, &c, 1, err);
    }
    if (rc == 0)
        rc = sigv4_encode(plain.p, plain.n, false, &out, err);
    if (rc == 0)
        *ret_owned = buf_take(&out);
    buf_release(&plain);
    buf_release(&out);
    return rc;
}

static int canonical_query(const char *query, struct buf *ret, struct err *err)
{
    struct pairs l = {xcalloc(MAX_PARTS, sizeof *l.p), 0};
    int rc = 0;

    while (query != NULL && *query != '\0') {
        size_t n = strcspn(query, "&"), name_n = strcspn(query, "=&");
        if (n > 0) {
            if (l.n == MAX_PARTS) {
                rc = err_set(err, ERR_TOO_LARGE, "more than %d query parameters to sign", MAX_PARTS);
                goto out;
            }
            struct pair *p = &l.p[l.n++];
            rc = recode(query, name_n, &p->name, err);
            if (rc == 0)
                rc = recode(query + name_n + (name_n < n), n - name_n - (name_n < n), &p->value, err);
            if (rc < 0)
                goto out;
        }
        query += n + (query[n] == '&');
    }
    bool whole = true;
    for (size_t i = 0; i < l.n; i++)
        whole = whole && l.p[i].name != NULL && l.p[i].value != NULL;
    if (whole)
        qsort(l.p, l.n, sizeof *l.p, by_name_and_value);
    for (size_t i = 0; i < l.n && rc == 0; i++)
        rc = buf_addf(ret, err, "%s%s=%s", i > 0 ? "&" : "", l.p[i].name, l.p[i].value);
out:
    pairs_release(&l);
    return rc;
}

/* RFC 3986 remove-dot-segments, empty segments dropped too, each segment encoded once more. */
static int normal_path(const char *path, struct buf *ret, struct err *err)
{
    size_t starts[MAX_PARTS], depth = 0;
    bool slash = true;
    int rc = buf_adds(ret, "/", err);

    while (*path != '\0' && rc == 0) {
        path += strspn(path, "/");
        size_t n = strcspn(path, "/");
        bool dots = (n == 1 && path[0] == '.') || (n == 2 && path[0] == '.' && path[1] == '.');
        if (n == 2 && dots && depth > 0) {
            ret->n = starts[--depth];
            ret->p[ret->n] = '\0';
        } else if (n > 0 && !dots) {
            if (depth == MAX_PARTS)
                return err_set(err, ERR_TOO_LARGE, "more than %d segments in a path to sign", MAX_PARTS);
            starts[depth++] = ret->n;
            rc = sigv4_encode(path, n, false, ret, err);
            if (rc == 0)
                rc = buf_adds(ret, "/", err);
        }
        if (n > 0)
            slash = dots || path[n] == '/';
        path += n;
    }
    if (rc == 0 && !slash && depth > 0)
        ret->p[--ret->n] = '\0';
    return rc;
}

/* Surrounding blanks cut, runs of blanks inside made one, line folds too. Returns owned. */
static char *trimmed(const char *v)
{
    char *out = xmalloc(strlen(v) + 1);
    size_t n = 0;
    bool blank = false;

    for (; *v != '\0'; v++) {
        if (*v == ' ' || *v == '\t' || *v == '\n' || *v == '\r') {
            blank = n > 0;
            continue;
        }
        if (blank)
            out[n++] = ' ';
        blank = false;
        out[n++] = *v;
    }
    out[n] = '\0';
    return out;
}

static int canonical_headers(const struct sigv4 *s, struct buf *ret, struct buf *names, struct err *err)
{
    struct pairs l = {xcalloc(s->header_count + 1, sizeof *l.p), s->header_count};
    int rc = 0;

    for (size_t i = 0; i < l.n; i++) {
        l.p[i] = (struct pair){xstrdup(s->headers[i].name), trimmed(s->headers[i].value), i};
        for (char *c = l.p[i].name; *c != '\0'; c++)
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c - 'A' + 'a');
    }
    qsort(l.p, l.n, sizeof *l.p, by_name);
    for (size_t i = 0; i < l.n && rc == 0; i++) {
        bool again = i > 0 && strcmp(l.p[i].name, l.p[i - 1].name) == 0;
        bool last = i + 1 == l.n || strcmp(l.p[i].name, l.p[i + 1].name) != 0;
        rc = buf_addf(ret, err, "%s%s%s%s", again ? "," : l.p[i].name, again ? "" : ":", l.p[i].value,
                      last ? "\n" : "");
        if (rc == 0 && !again)
            rc = buf_addf(names, err, "%s%s", i > 0 ? ";" : "", l.p[i].name);
    }
    pairs_release(&l);
    return rc;
}

static int canonical_request(const struct sigv4 *s, struct buf *ret, struct buf *names, struct err *err)
{
    int rc = buf_addf(ret, err, "%s\n", s->method);

    if (rc == 0)
        rc = s->normalize_path ? normal_path(s->path, ret, err) : buf_adds(ret, s->path, err);
    if (rc == 0)
        rc = buf_adds(ret, "\n", err);
    if (rc == 0)
        rc = canonical_query(s->query, ret, err);
    if (rc == 0)
        rc = buf_adds(ret, "\n", err);
    if (rc == 0)
        rc = canonical_headers(s, ret, names, err);
    if (rc == 0)
        rc = buf_addf(ret, err, "\n%s\n%s", names->n > 0 ? names->p : "", s->payload_hash);
    return rc;
}

static void signature(const struct sigv4 *s, const char *day, const struct buf *text, char out[SHA256_HEX])
{
    unsigned char k[SHA256_SIZE];
    char *first = xasprintf("AWS4%s", s->secret_key);

    hmac_sha256(first, strlen(first), day, strlen(day), k);
    hmac_sha256(k, sizeof k, s->region, strlen(s->region), k);
    hmac_sha256(k, sizeof k, s->service, strlen(s->service), k);
    hmac_sha256(k, sizeof k, "aws4_request", strlen("aws4_request"), k);
    hmac_sha256(k, sizeof k, text->p, text->n, k);
    str_hex(k, sizeof k, out);
    free(first);
}

int sigv4_sign(const struct sigv4 *s, struct buf *ret_authorization, struct buf *ret_canonical,
               struct buf *ret_to_sign, struct err *err)
{
    struct buf canonical = BUF_INIT(4 * MAX_PART), names = BUF_INIT(MAX_PART), text = BUF_INIT(MAX_PART);
    char date[17], day[9] = "", hash[SHA256_HEX], sig[SHA256_HEX];

    sigv4_date(s->now_ms, date);
    memcpy(day, date, 8);
    int rc = canonical_request(s, &canonical, &names, err);
    if (rc < 0)
        goto out;
    sha256_hex(canonical.p, canonical.n, hash);
    rc = buf_addf(&text, err, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", date, day, s->region,
                  s->service, hash);
    if (rc < 0)
        goto out;
    signature(s, day, &text, sig);
    rc = buf_addf(ret_authorization, err,
                  "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=%s, Signature=%s",
                  s->access_key, day, s->region, s->service, names.n > 0 ? names.p : "", sig);
    if (rc == 0 && ret_canonical != NULL)
        rc = buf_add(ret_canonical, canonical.p, canonical.n, err);
    if (rc == 0 && ret_to_sign != NULL)
        rc = buf_add(ret_to_sign, text.p, text.n, err);
out:
    buf_release(&canonical);
    buf_release(&names);
    buf_release(&text);
    return rc;
}

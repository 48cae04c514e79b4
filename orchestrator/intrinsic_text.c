#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "orchestrator/intrinsic_int.h"
#include "orchestrator/java.h"

enum { MAX_CODED = 10000 }; /* characters that Base64... and Hash take, as on AWS */

static json_t *text_of(struct buf *b)
{
    return json_stringn_nocheck(b->p != NULL ? b->p : "", b->n);
}

/* One value into a format: what StringToJson gave as JSON, anything else as Java writes it. Measured on AWS. */
static int add_value(struct buf *out, const struct argument *a, struct err *err)
{
    if (!a->parsed)
        return java_text(out, a->v, err);
    char *json = json_text(a->v); /* no larger than the text that it was read from */
    int rc = buf_adds(out, json, err);
    free(json);
    return rc;
}

/* The template: {} takes the next argument; \' \{ \} and \\ stand for what follows the backslash. */
static int fill(const struct call *c, const char *template, struct buf *out, struct err *err)
{
    size_t used = 0;
    int rc = 0;

    for (const char *p = template; *p != '\0' && rc >= 0; p++) {
        if (*p == '\\' && p[1] != '\0' && strchr("'{}\\", p[1]) != NULL) {
            rc = buf_add(out, ++p, 1, err);
        } else if (*p == '{' || *p == '}') {
            if (*p == '}' || p[1] != '}')
                return call_wrong(c, err, "matching '%c' not found for '%c'", *p == '{' ? '}' : '{', *p);
            if (++used >= c->count)
                return call_wrong(c, err, "the template has more {} than there are arguments");
            rc = add_value(out, &c->args[used], err);
            p++;
        } else {
            rc = buf_add(out, p, 1, err);
        }
    }
    if (rc < 0)
        return call_wrong(c, err, "its result is larger than %u bytes", MAX_PAYLOAD);
    if (used + 1 != c->count)
        return call_wrong(c, err, "the template has %zu {}, and there are %zu arguments for them", used,
                          c->count - 1);
    return 0;
}

int intrinsic_format(const struct call *c, json_t **ret, struct err *err)
{
    struct buf out = BUF_INIT(MAX_PAYLOAD);
    const char *template;
    int rc = call_text(c, 0, &template, err);

    if (rc >= 0)
        rc = fill(c, c->args[0].quote != NULL ? c->args[0].quote : template, &out, err);
    if (rc >= 0)
        *ret = text_of(&out);
    buf_release(&out);
    return rc;
}

/* Measured on AWS: a text without anything in it is null. */
int intrinsic_string_to_json(const struct call *c, json_t **ret, struct err *err)
{
    const char *text;
    struct err why;
    int rc;

    if (json_is_null(c->args[0].v)) {
        *ret = json_null();
        return 0;
    }
    if ((rc = call_text(c, 0, &text, err)) < 0)
        return rc;
    if (text[strspn(text, " \t\r\n")] == '\0')
        *ret = json_null();
    else if (json_parse(text, json_string_length(c->args[0].v), "argument 1", ret, &why) < 0)
        return call_wrong(c, err, "%s", why.msg);
    return 0;
}

static int dump_some(const char *p, size_t n, void *out)
{
    struct err full;

    return buf_add(out, p, n, &full) < 0 ? -1 : 0;
}

/* Values share parts: measured before the whole is made. */
int intrinsic_json_to_string(const struct call *c, json_t **ret, struct err *err)
{
    struct buf out = BUF_INIT(MAX_PAYLOAD);
    int rc = json_dump_callback(c->args[0].v, dump_some, &out, JSON_COMPACT | JSON_ENCODE_ANY);

    buf_release(&out);
    if (rc < 0)
        return call_wrong(c, err, "its result is larger than %u bytes", MAX_PAYLOAD);
    char *text = json_text(c->args[0].v);
    *ret = json_string(text);
    free(text);
    return 0;
}

/* Each character of the second argument parts; nothing between two of them is no part. Both may be long, so what parts is
 * a set of all characters. */
int intrinsic_string_split(const struct call *c, json_t **ret, struct err *err)
{
    enum { CHARACTERS = 0x200000, BITS = 8 };
    const char *text, *marks, *begin;
    int rc = call_text(c, 0, &text, err);

    if (rc < 0 || (rc = call_text(c, 1, &marks, err)) < 0)
        return rc;
    unsigned char *parts = xcalloc(CHARACTERS / BITS, 1);
    const char *end = marks + strlen(marks);
    while (marks < end) {
        uint32_t m = str_character(&marks, end);
        parts[m / BITS] |= (unsigned char)(1u << m % BITS);
    }
    *ret = json_array();
    begin = text;
    end = text + strlen(text);
    for (const char *p = text, *at; *begin != '\0'; p = at) {
        at = p;
        uint32_t here = *p != '\0' ? str_character(&at, end) : 0;
        if (*p != '\0' && (parts[here / BITS] >> here % BITS & 1) == 0)
            continue;
        if (p > begin)
            json_array_append_new(*ret, json_stringn(begin, (size_t)(p - begin)));
        begin = at;
    }
    free(parts);
    return 0;
}

static int coded_text(const struct call *c, const char **ret, struct err *err)
{
    int rc = call_text(c, 0, ret, err);

    if (rc >= 0 && java_length(*ret) > MAX_CODED)
        return call_wrong(c, err, "argument 1 is longer than %d characters", MAX_CODED);
    return rc;
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int intrinsic_base64_encode(const struct call *c, json_t **ret, struct err *err)
{
    const char *text;
    int rc = coded_text(c, &text, err);

    if (rc < 0)
        return rc;
    size_t n = json_string_length(c->args[0].v);
    char *out = xmalloc(4 * ((n + 2) / 3) + 1), *o = out;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = (uint32_t)(unsigned char)text[i] << 16;
        if (i + 1 < n)
            bits |= (uint32_t)(unsigned char)text[i + 1] << 8;
        if (i + 2 < n)
            bits |= (unsigned char)text[i + 2];
        *o++ = letters[bits >> 18];
        *o++ = letters[bits >> 12 & 63];
        *o++ = '=';
        *o++ = '=';
        if (i + 1 < n)
            o[-2] = letters[bits >> 6 & 63];
        if (i + 2 < n)
            o[-1] = letters[bits & 63];
    }
    *ret = json_stringn(out, (size_t)(o - out));
    free(out);
    return 0;
}

/* What is no UTF-8 becomes U+FFFD. */
static json_t *repaired(const char *p, size_t n)
{
    char *out = xmalloc(3 * n + 1), *o = out;
    size_t at = 0, bad = 0;
    json_t *v;

    while (at < n) {
        size_t good = n - at;
        if (!str_utf8_valid(p + at, n - at, &bad))
            good = bad;
        memcpy(o, p + at, good);
        o += good;
        at += good;
        if (at < n) {
            memcpy(o, "\xef\xbf\xbd", 3);
            o += 3;
            at++;
        }
    }
    v = json_stringn(out, (size_t)(o - out));
    free(out);
    return v;
}

/* Measured on AWS: what is none of its characters is passed over, and '=' ends it. */
int intrinsic_base64_decode(const struct call *c, json_t **ret, struct err *err)
{
    const char *text;
    uint32_t bits = 0;
    int have = 0, rc = coded_text(c, &text, err);

    if (rc < 0)
        return rc;
    char *out = xmalloc(strlen(text) + 1);
    size_t n = 0;
    for (const char *p = text; *p != '\0' && *p != '='; p++) {
        char l = *p == '-' ? '+' : *p == '_' ? '/' : *p; /* those for addresses as well */
        const char *at = strchr(letters, l);
        if (at == NULL)
            continue;
        bits = bits << 6 | (uint32_t)(at - letters);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(unsigned char)(bits >> have & 255);
        }
    }
    if (memchr(out, '\0', n) != NULL)
        rc = call_wrong(c, err, "what it stands for holds a byte 0, which orch does not carry in a text");
    else
        *ret = repaired(out, n);
    free(out);
    return rc;
}

/* Anything may be summed, as Java writes it: measured on AWS. */
int intrinsic_hash(const struct call *c, json_t **ret, struct err *err)
{
    struct buf data = BUF_INIT(MAX_PAYLOAD);
    char sum[DIGEST_HEX];
    const char *algorithm;
    int rc = call_text(c, 1, &algorithm, err);

    if (rc >= 0 && json_is_null(c->args[0].v))
        rc = call_wrong(c, err, "argument 1 is null");
    if (rc >= 0 && java_text(&data, c->args[0].v, err) < 0)
        rc = call_wrong(c, err, "argument 1 is longer than %d characters", MAX_CODED);
    if (rc >= 0 && data.n > 0 && java_length(data.p) > MAX_CODED)
        rc = call_wrong(c, err, "argument 1 is longer than %d characters", MAX_CODED);
    if (rc >= 0 && !digest_hex(algorithm, data.n > 0 ? data.p : "", data.n, sum))
        rc = call_wrong(c, err, "'%.40s' is none of MD5, SHA-1, SHA-256, SHA-384 and SHA-512", algorithm);
    if (rc >= 0)
        *ret = json_string(sum);
    buf_release(&data);
    return rc;
}

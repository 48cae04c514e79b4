#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

static int depth_of(const json_t *v, int deep)
{
    int most = deep;
    const char *key;
    json_t *item;
    size_t i;

    if (deep > MAX_JSON_DEPTH)
        return deep;
    if (json_is_object(v)) {
        json_object_foreach((json_t *)(uintptr_t)v, key, item) {
            int d = depth_of(item, deep + 1);
            most = d > most ? d : most;
        }
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, item) {
            int d = depth_of(item, deep + 1);
            most = d > most ? d : most;
        }
    }
    return most;
}

/* The parser names only the bracket that may stand where a comma is missing. */
static int refused(const char *what, size_t n, const json_error_t *e, struct err *err)
{
    bool comma = str_starts(e->text, "'}' expected") || str_starts(e->text, "']' expected");

    if (n == 0)
        return err_set(err, ERR_BAD_VALUE, "%s: it is empty, and JSON is expected", what);
    return err_set(err, ERR_BAD_VALUE, "%s: line %d column %d: %s%s", what, e->line, e->column,
                   comma ? "',' or " : "", e->text);
}

int json_parse(const char *text, size_t n, const char *what, json_t **ret_owned, struct err *err)
{
    json_error_t e;
    json_t *v = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);

    if (v == NULL)
        return refused(what, n, &e, err);
    if (depth_of(v, 0) > MAX_JSON_DEPTH) {
        json_decref(v);
        return err_set(err, ERR_TOO_LARGE, "%s: nested deeper than %d", what, MAX_JSON_DEPTH);
    }
    *ret_owned = v;
    return 0;
}

static bool has_real(const json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_real(v))
        return true;
    json_object_foreach((json_t *)(uintptr_t)v, key, item)
        if (has_real(item))
            return true;
    json_array_foreach(v, i, item)
        if (has_real(item))
            return true;
    return false;
}

/* 17 digits always read back, but make 1.1000000000000001 of 1.1: fewer, where they say the same. */
size_t json_digits(const json_t *v)
{
    if (!has_real(v))
        return 17;
    for (size_t digits = 15; digits < 17; digits++) {
        char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
        json_t *back = text != NULL ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
        bool same = back != NULL && json_equal(back, v);

        json_decref(back);
        free(text);
        if (same)
            return digits;
    }
    return 17;
}

char *json_text(const json_t *v)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(json_digits(v));
    char *text = v ? json_dumps(v, flags) : NULL;
    char *copy = xstrdup(text ? text : "null");

    free(text);
    return copy;
}

static char *add_escaped(char *o, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

    *o++ = '\\';
    if (c == '"' || c == '\\') {
        *o++ = (char)c;
    } else if (c == '\n' || c == '\t' || c == '\r') {
        *o++ = c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
    } else {
        *o++ = 'u';
        *o++ = '0';
        *o++ = '0';
        *o++ = hex[c >> 4];
        *o++ = hex[c & 15];
    }
    return o;
}

int json_add_text(struct buf *b, const char *p, size_t n, struct err *err)
{
    size_t good = 0;
    int rc = buf_reserve(b, 6 * n + 2, err);

    if (rc < 0)
        return rc;
    char *o = b->p + b->n;
    *o++ = '"';
    if (str_utf8_valid(p, n, &good))
        good = n;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (i == good) {
            memcpy(o, "\xef\xbf\xbd", 3);
            o += 3;
            good = 0;
            if (str_utf8_valid(p + i + 1, n - i - 1, &good))
                good = n - i - 1;
            good += i + 1;
        } else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
            o = add_escaped(o, c);
        } else {
            *o++ = (char)c;
        }
    }
    *o++ = '"';
    *o = '\0';
    b->n = (size_t)(o - b->p);
    return 0;
}

const char *json_kind(const json_t *v)
{
    if (v == NULL)
        return "missing";
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        return "null";
    }
    return "unknown";
}

int json_get_str(const json_t *object, const char *key, const char *fallback, const char **ret_borrowed,
                 struct err *err)
{
    const json_t *v = json_object_get(object, key);

    if (v != NULL && !json_is_string(v))
        return err_set(err, ERR_CONTRACT, "'%s' is %s where a string is expected", key, json_kind(v));
    *ret_borrowed = v != NULL ? json_string_value(v) : fallback;
    return 0;
}

int json_get_i64(const json_t *object, const char *key, int64_t fallback, int64_t *ret, struct err *err)
{
    const json_t *v = json_object_get(object, key);

    if (v != NULL && !json_is_integer(v))
        return err_set(err, ERR_CONTRACT, "'%s' is %s where an integer is expected", key, json_kind(v));
    *ret = v != NULL ? json_integer_value(v) : fallback;
    return 0;
}

int json_need_str(const json_t *object, const char *key, const char **ret_borrowed, struct err *err)
{
    if (json_object_get(object, key) == NULL)
        return err_set(err, ERR_CONTRACT, "'%s' is missing", key);
    return json_get_str(object, key, NULL, ret_borrowed, err);
}

int json_need_i64(const json_t *object, const char *key, int64_t *ret, struct err *err)
{
    if (json_object_get(object, key) == NULL)
        return err_set(err, ERR_CONTRACT, "'%s' is missing", key);
    return json_get_i64(object, key, 0, ret, err);
}

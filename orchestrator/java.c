#include "orchestrator/java.h"
#include <math.h>

/* The shortest digits that read back as d, without a point: "15", exponent 0 for 1.5. */
static int digits_of(double d, char digits[24])
{
    char text[40];
    size_t n = 0;

    for (int precision = 0; precision <= 16; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, d);
        if (strtod(text, NULL) == d)
            break;
    }
    const char *e = strchr(text, 'e');
    for (const char *p = text; p < e; p++)
        if (*p >= '0' && *p <= '9')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return (int)strtol(e + 1, NULL, 10);
}

/* Double.toString: plain from 1e-3 up to 1e7, else d.dddE±n; a digit behind the point always. */
static const char *real_text(double d, char out[JAVA_NUMBER])
{
    char digits[24];
    double size = d < 0 ? -d : d;
    const char *sign = signbit(d) ? "-" : "";
    int e = digits_of(size, digits), n = (int)strlen(digits);

    if (size == 0)
        snprintf(out, JAVA_NUMBER, "%s0.0", sign);
    else if (size < 1e-3 || size >= 1e7)
        snprintf(out, JAVA_NUMBER, "%s%c.%sE%d", sign, digits[0], n > 1 ? digits + 1 : "0", e);
    else if (e < 0)
        snprintf(out, JAVA_NUMBER, "%s0.%.*s%s", sign, -e - 1, "00000", digits);
    else if (n <= e + 1)
        snprintf(out, JAVA_NUMBER, "%s%s%.*s.0", sign, digits, e + 1 - n, "00000000");
    else
        snprintf(out, JAVA_NUMBER, "%s%.*s.%s", sign, e + 1, digits, digits + e + 1);
    return out;
}

const char *java_number(const json_t *number, char out[JAVA_NUMBER])
{
    if (json_is_integer(number))
        snprintf(out, JAVA_NUMBER, "%lld", (long long)json_integer_value(number));
    else
        real_text(json_real_value(number), out);
    return out;
}

static int array_text(struct buf *b, const json_t *v, struct err *err)
{
    json_t *item;
    size_t i;
    int rc = buf_adds(b, "[", err);

    json_array_foreach(v, i, item) {
        if (rc >= 0 && i > 0)
            rc = buf_adds(b, ", ", err);
        if (rc >= 0)
            rc = java_text(b, item, err);
        if (rc < 0)
            return rc;
    }
    return rc < 0 ? rc : buf_adds(b, "]", err);
}

static int object_text(struct buf *b, const json_t *v, struct err *err)
{
    const char *key, *between = "";
    json_t *item;
    int rc = buf_adds(b, "{", err);

    json_object_foreach((json_t *)(uintptr_t)v, key, item) {
        if (rc >= 0)
            rc = buf_adds(b, between, err);
        between = ", ";
        if (rc >= 0)
            rc = buf_adds(b, key, err);
        if (rc >= 0)
            rc = buf_adds(b, "=", err);
        if (rc >= 0)
            rc = java_text(b, item, err);
        if (rc < 0)
            return rc;
    }
    return rc < 0 ? rc : buf_adds(b, "}", err);
}

/* Recursion is bounded by the depth of the value. */
int java_text(struct buf *b, const json_t *v, struct err *err)
{
    char number[JAVA_NUMBER];

    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return object_text(b, v, err);
    case JSON_ARRAY:
        return array_text(b, v, err);
    case JSON_STRING:
        return buf_add(b, json_string_value(v), json_string_length(v), err);
    case JSON_INTEGER:
    case JSON_REAL:
        return buf_adds(b, java_number(v, number), err);
    case JSON_TRUE:
        return buf_adds(b, "true", err);
    case JSON_FALSE:
        return buf_adds(b, "false", err);
    case JSON_NULL:
        break;
    }
    return buf_adds(b, "null", err);
}

size_t java_length(const char *utf8)
{
    const char *end = utf8 + strlen(utf8);
    size_t n = 0;

    while (utf8 < end)
        n += str_character(&utf8, end) > 0xffff ? 2 : 1;
    return n;
}

static uint32_t string_hash(const char *text)
{
    const char *end = text + strlen(text);
    uint32_t h = 0;

    while (text < end) {
        uint32_t c = str_character(&text, end);
        if (c > 0xffff) {
            h = 31 * h + (0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        h = 31 * h + c;
    }
    return h;
}

static uint32_t hash(const json_t *v)
{
    const char *key;
    uint64_t bits;
    uint32_t h = 0;
    json_t *item;
    double d;
    size_t i;

    switch (json_typeof(v)) {
    case JSON_OBJECT:
        json_object_foreach((json_t *)(uintptr_t)v, key, item)
            h += string_hash(key) ^ hash(item);
        return h;
    case JSON_ARRAY:
        h = 1;
        json_array_foreach(v, i, item)
            h = 31 * h + hash(item);
        return h;
    case JSON_STRING:
        return string_hash(json_string_value(v));
    case JSON_INTEGER:
        bits = (uint64_t)json_integer_value(v);
        if (json_integer_value(v) == (int32_t)json_integer_value(v))
            return (uint32_t)bits; /* an Integer; beyond it a Long */
        return (uint32_t)(bits ^ (bits >> 32));
    case JSON_REAL:
        d = json_real_value(v);
        memcpy(&bits, &d, sizeof bits);
        return (uint32_t)(bits ^ (bits >> 32));
    case JSON_TRUE:
        return 1231;
    case JSON_FALSE:
        return 1237;
    case JSON_NULL:
        break;
    }
    return 0;
}

int32_t java_hash(const json_t *v)
{
    return (int32_t)hash(v);
}

static int32_t next_bits(uint64_t *state, int bits)
{
    *state = (*state * UINT64_C(0x5DEECE66D) + 11) & ((UINT64_C(1) << 48) - 1);
    return (int32_t)(uint32_t)(*state >> (48 - bits));
}

int32_t java_random(int64_t seed, int32_t from, int32_t to)
{
    uint64_t state = ((uint64_t)seed ^ UINT64_C(0x5DEECE66D)) & ((UINT64_C(1) << 48) - 1);
    int64_t range = (int64_t)to - from;
    int32_t r;

    if (range > INT32_MAX) { /* more than half of all: soon one fits */
        do
            r = next_bits(&state, 32);
        while (r < from || r >= to);
        return r;
    }
    r = next_bits(&state, 31);
    if ((range & (range - 1)) == 0)
        return from + (int32_t)((range * r) >> 31);
    for (int64_t u = r;
         u - u % range + (range - 1) > INT32_MAX;) /* the last, incomplete stretch is drawn again */
        u = r = next_bits(&state, 31);
    return from + (int32_t)(r % range);
}

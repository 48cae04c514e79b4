#include "orchestrator/intrinsic_int.h"
#include "orchestrator/java.h"
#include <math.h>

/* Fractions are rounded here, halves upwards; where integers are asked for elsewhere they are cut off. As on AWS. */
static int rounded(const struct call *c, size_t i, int32_t *ret, struct err *err)
{
    const json_t *v = c->args[i].v;
    double d = json_number_value(v);

    if (!json_is_real(v))
        return call_integer(c, i, ret, err);
    d = floor(d + 0.5);
    if (!(d >= INT32_MIN && d <= INT32_MAX))
        return call_wrong(c, err, "argument %zu does not fit 32 bits", i + 1);
    *ret = (int32_t)d;
    return 0;
}

int intrinsic_math_add(const struct call *c, json_t **ret, struct err *err)
{
    int32_t a = 0, b = 0;
    int64_t sum;
    int rc = rounded(c, 0, &a, err);

    if (rc < 0 || (rc = rounded(c, 1, &b, err)) < 0)
        return rc;
    sum = (int64_t)a + b;
    if (sum < INT32_MIN || sum > INT32_MAX)
        return call_wrong(c, err, "the sum does not fit 32 bits");
    *ret = json_integer(sum);
    return 0;
}

int intrinsic_math_random(const struct call *c, json_t **ret, struct err *err)
{
    int32_t from = 0, to = 0;
    int64_t seed = 0;
    int rc = call_integer(c, 0, &from, err);

    if (rc < 0 || (rc = call_integer(c, 1, &to, err)) < 0)
        return rc;
    if (from >= to)
        return call_wrong(c, err, "from %d to %d, which is left out, there is no number", from, to);
    if (c->count == 3) {
        const json_t *v = c->args[2].v;
        double d = json_number_value(v);
        if (!json_is_number(v) || !(d > -9.2e18 && d < 9.2e18))
            return call_wrong(c, err, "argument 3 is %s where a number of 64 bits is expected", json_kind(v));
        seed = json_is_integer(v) ? json_integer_value(v) : (int64_t)d;
    } else if (c->scope->random != NULL) {
        seed = (int64_t)scope_random(c->scope);
    } else {
        return call_wrong(c, err, "there is no source of random numbers here");
    }
    *ret = json_integer(java_random(seed, from, to));
    return 0;
}

/* Version 4: random but for the version and the variant. */
int intrinsic_uuid(const struct call *c, json_t **ret, struct err *err)
{
    char text[37];

    if (c->scope->random == NULL)
        return call_wrong(c, err, "there is no source of random numbers here");
    uint64_t high = scope_random(c->scope), low = scope_random(c->scope);
    high = (high & ~UINT64_C(0xf000)) | 0x4000;
    low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
    snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
             (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff), (unsigned)(low >> 48),
             (unsigned long long)(low & UINT64_C(0xffffffffffff)));
    *ret = json_string(text);
    return 0;
}

#include "io/sums.h"
#include "base/mem.h"
#include "tests/tap.h"

/* A slow reference: signed decimal integers as strings of digits, least first, in units of 10^-30. */
enum { PLACES = 100 };
struct slow {
    int sign; /* of the whole */
    int digit[PLACES];
};

static int slow_compare(const int *a, const int *b)
{
    for (int i = PLACES - 1; i >= 0; i--)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static void slow_add(struct slow *a, int64_t mantissa, int shift)
{
    struct slow b = {mantissa < 0 ? -1 : 1, {0}};
    uint64_t m = mantissa < 0 ? -(uint64_t)mantissa : (uint64_t)mantissa;

    for (int i = shift; m != 0; i++, m /= 10)
        b.digit[i] = (int)(m % 10);
    if (a->sign == b.sign) {
        for (int i = 0, carry = 0; i < PLACES; i++) {
            int d = a->digit[i] + b.digit[i] + carry;
            a->digit[i] = d % 10;
            carry = d / 10;
        }
        return;
    }
    if (slow_compare(a->digit, b.digit) < 0) {
        struct slow t = *a;
        *a = b;
        b = t;
    }
    for (int i = 0, borrow = 0; i < PLACES; i++) {
        int d = a->digit[i] - b.digit[i] - borrow;
        borrow = d < 0;
        a->digit[i] = d + 10 * borrow;
    }
}

static void slow_text(const struct slow *a, char out[PLACES + 3])
{
    int top = PLACES - 1, low = 0, zero[PLACES] = {0};

    while (top > 30 && a->digit[top] == 0)
        top--;
    while (low < 30 && a->digit[low] == 0)
        low++;
    if (a->sign < 0 && slow_compare(a->digit, zero) != 0)
        *out++ = '-';
    for (int i = top; i >= low; i--) {
        if (i == 29)
            *out++ = '.';
        *out++ = (char)('0' + a->digit[i]);
    }
    *out = '\0';
}

static uint64_t seed = 1;
static uint64_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

TEST(ten_thousand_random_sums_agree_with_school_arithmetic)
{
    struct dec256 a = {{0}}, b = {{0}};
    struct slow s = {1, {0}};
    char got[96], want[PLACES + 3];
    struct err err;

    for (int i = 0; i < 10000; i++) {
        int64_t m = (int64_t)draw() >> (draw() % 64);
        int k = (int)(draw() % 51);
        if (i % 1000 == 0) { /* begin again, so that small sums are seen too */
            a = b = (struct dec256){{0}};
            s = (struct slow){1, {0}};
        }
        if (i % 997 == 0)
            m = INT64_MIN;
        dec256_add_scaled(&a, m, k);
        slow_add(&s, m, k);
        dec256_text(&a, got);
        slow_text(&s, want);
        must(is_str(got, want));
        /* and its text reads back as the same number */
        b = (struct dec256){{0}};
        must_rc(dec256_add_text(&b, str_of(got), &err), &err);
        must(dec256_equal(&a, &b));
    }
}

TEST(order_does_not_matter)
{
    struct dec256 a = {{0}}, b = {{0}};
    int64_t m[500];
    int k[500];

    for (int i = 0; i < 500; i++) {
        m[i] = (int64_t)draw();
        k[i] = (int)(draw() % 50);
        dec256_add_scaled(&a, m[i], k[i]);
    }
    for (int i = 499; i >= 0; i--)
        dec256_add_scaled(&b, m[i], k[i]);
    ok(dec256_equal(&a, &b));
    for (int i = 0; i < 500; i++)
        if (m[i] != INT64_MIN)
            dec256_add_scaled(&b, -m[i], k[i]);
    char text[96];
    dec256_text(&b, text);
    is_str(text, "0");
}

TEST(text_forms)
{
    static const char *const pairs[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.000", "0"},
        {"12.50", "12.5"},
        {"-12.5", "-12.5"},
        {"000123", "123"},
        {"0.1", "0.1"},
        {".5", "0.5"},
        {"802220838", "802220838"},
        {"-0.000000000000000000000000000001", "-0.000000000000000000000000000001"},
        {"12345678901234567890123456789012345.123456789012345678901234567891",
         "12345678901234567890123456789012345.123456789012345678901234567891"},
        {"57896044618658097711785492504343953926634992332",
         "57896044618658097711785492504343953926634992332"},
    };
    static const char *const bad[] = {
        "",
        "-",
        ".",
        "1e3",
        "1.2.3",
        "+1",
        " 1",
        "0.0000000000000000000000000000001",
        "58896044618658097711785492504343953926634992332820282019728792003956564819968",
        "99999999999999999999999999999999999999999999999999999999999999999999999999999999"};
    struct err err;
    char text[96];

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct dec256 a = {{0}};
        must_rc(dec256_add_text(&a, str_of(pairs[i][0]), &err), &err);
        dec256_text(&a, text);
        is_str(text, pairs[i][1]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct dec256 a = {{0}};
        fails(dec256_add_text(&a, str_of(bad[i]), &err), &err, ERR_BAD_VALUE);
        dec256_text(&a, text);
        is_str(text, "0");
    }
}

static struct table *three_columns(void)
{
    static struct column columns[3];
    static struct table t;
    static const char *const types[] = {"int(11)", "double", "varchar(10)"}, *const names[] = {"n", "d", "t"};
    struct err err;

    t = (struct table){.arena = arena_new(), .name = "t", .columns = columns, .count = 3};
    for (size_t i = 0; i < 3; i++) {
        columns[i] = (struct column){.name = names[i]};
        must_rc(column_parse_type(types[i], t.arena, &columns[i], &err), &err);
    }
    return &t;
}

TEST(sums_survive_json)
{
    struct table *t = three_columns();
    struct sums s, back;
    struct err err;
    struct sums_diff diff[4];

    sums_init(&s, t->count);
    s.rows = 7;
    s.used[0] = s.used[1] = true;
    s.cols[0].nulls = 29731;
    s.cols[1].large = 2;
    must_rc(dec256_add_text(&s.cols[0].sum, str_of("802220838"), &err), &err);
    must_rc(dec256_add_text(&s.cols[1].sum, str_of("-0.125"), &err), &err);
    json_t *v = sums_to_json(&s, t);
    char *text = json_text(v);
    is_str(
        text,
        "{\"n\":{\"nulls\":29731,\"sum\":\"802220838\"},\"d\":{\"nulls\":0,\"sum\":\"-0.125\",\"large\":2}}");
    must_rc(sums_from_json(v, 7, t, &back, &err), &err);
    is_int(sums_compare(&s, &back, t, diff, 4), 0);
    ok(back.used[0] && back.used[1] && !back.used[2]);
    free(text);
    json_decref(v);
    sums_release(&s);
    sums_release(&back);
    arena_free(t->arena);
}

TEST(broken_records_of_sums_are_refused)
{
    static const char *const bad[] = {"[]", "{\"gone\":{\"nulls\":0}}", "{\"n\":{\"sum\":\"1\"}}",
                                      "{\"n\":{\"nulls\":0,\"sum\":\"x\"}}", "{\"n\":3}"};
    struct table *t = three_columns();
    struct sums s;
    struct err err;
    json_t *v = NULL;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        must_rc(json_parse(bad[i], strlen(bad[i]), "sums", &v, &err), &err);
        ok(sums_from_json(v, 0, t, &s, &err) < 0);
        json_decref(v);
    }
    arena_free(t->arena);
}

TEST(every_difference_is_named_with_both_values)
{
    struct table *t = three_columns();
    struct sums a, b;
    struct sums_diff d[8];

    sums_init(&a, 3);
    sums_init(&b, 3);
    a.used[0] = a.used[1] = a.used[2] = true;
    is_int(sums_compare(&a, &b, t, d, 8), 0);
    a.rows = 3;
    b.rows = 2;
    a.cols[0].nulls = 1;
    b.cols[1].large = 4;
    dec256_add_scaled(&b.cols[2].sum, -1, 0);
    is_int(sums_compare(&a, &b, t, d, 8), 4);
    is_str(d[0].what, "rows");
    is_str(d[0].column, "");
    is_str(d[0].source, "3");
    is_str(d[0].target, "2");
    is_str(d[1].column, "n");
    is_str(d[1].what, "nulls");
    is_str(d[2].column, "d");
    is_str(d[2].what, "large");
    is_str(d[3].column, "t");
    is_str(d[3].what, "sum");
    is_str(d[3].source, "0");
    is_str(d[3].target, "-0.000000000000000000000000000001");
    is_int(sums_compare(&a, &b, t, d, 1), 4);
    sums_release(&a);
    sums_release(&b);
    arena_free(t->arena);
}

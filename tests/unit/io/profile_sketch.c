#include "io/profile_int.h"
#include "tests/tap.h"
#include <math.h>

TEST(distinct_values_are_told_within_four_standard_errors)
{
    for (int n = 10; n <= 1000000; n *= 10) {
        struct hll h = {NULL};
        for (int i = 0; i < 2 * n; i++)
            hll_add(&h, hash_mix(12345, (uint64_t)(i % n)));
        double got = hll_count(&h);
        if (!ok(fabs(got - n) <= 4 * 0.0081 * n + 0.5))
            diag("%d: %.1f", n, got);
        free(h.max);
    }
    is_int(hll_count(&(struct hll){NULL}), 0);
}

TEST(moments_of_parts_are_those_of_the_whole)
{
    struct moments m = {0};

    for (int part = 0; part < 1000; part++) { /* 1e9, 1e9+1, ... 1e9+9, again and again */
        moments_add(&m, 10, 1e9 + 4.5, 82.5);
        moments_add(&m, 0, 0, 0);
    }
    is_int(m.n, 10000);
    ok(fabs(m.mean - (1e9 + 4.5)) < 1e-5);
    ok(fabs(m.m2 / m.n - 8.25) < 1e-9);
}

TEST(a_sample_is_everything_while_that_fits)
{
    struct sample s;

    sample_init(&s, 102);
    for (int i = 0; i < 100; i++)
        sample_add(&s, i);
    is_int(s.n, 100);
    is_int(s.weight, 1);
    is_int(s.values[99], 99);
    sample_add(&s, 100);
    sample_add(&s, 101);
    is_int(s.weight, 2);
    is_int(s.n, 51);
    free(s.values);
}

TEST(a_sample_takes_one_of_each_run)
{
    struct sample s;

    sample_init(&s, 1024);
    for (int i = 0; i < 1000000; i++)
        sample_add(&s, i);
    ok(s.n >= 512 && s.n <= 1024);
    is_int(s.weight, 1024);
    size_t strays = 0;
    for (size_t i = 0; i < s.n; i++)
        strays += (size_t)s.values[i] / s.weight != i;
    is_int(strays, 0);
    free(s.values);
}

TEST(rows_that_repeat_are_counted_exactly_while_they_are_few)
{
    struct copies c = {0};

    for (int round = 0; round < 3; round++)
        for (uint64_t i = 0; i < 1000; i++)
            copies_add(&c, hash_mix(5, i), (UINT64_C(1) << 40) + (uint64_t)round * 1000 + i);
    is_int(c.shift, 0);
    is_int(copies_count(&c), 2000);
    is_int(c.example_count, 3);
    is_int(c.example[0].first.file, 1);
    is_int(c.example[0].first.line, 0);
    is_int(c.example[0].again.line, 1000);
    free(c.slots);
}

TEST(and_estimated_when_they_are_many)
{
    struct copies c = {0};

    for (uint64_t i = 0; i < 1000000; i++)
        copies_add(&c, hash_mix(5, i % 800000), i);
    ok(c.shift > 0);
    int64_t got = copies_count(&c);
    if (!ok(llabs(got - 200000) < 12000))
        diag("%lld", (long long)got);
    free(c.slots);
}

TEST(numbers_are_sorted_whatever_their_sign_and_size)
{
    struct point points[2000], few[] = {{3, 1}, {-0.5, 2}, {-1e300, 3}, {1e-300, 4}, {0, 5}};
    const double expected[] = {-1e300, -0.5, 0, 1e-300, 3};
    const int64_t counts[] = {3, 2, 5, 4, 1};
    uint64_t state = 1;
    double sum = 0, again = 0;
    size_t wrong = 0;

    points_sort(points, 0);
    points_sort(few, 5);
    for (size_t i = 0; i < 5; i++)
        wrong += few[i].v != expected[i] || few[i].count != counts[i];
    is_int(wrong, 0);
    for (size_t i = 0; i < 2000; i++) {
        state = hash_mix(state, i);
        points[i] = (struct point){(double)(int64_t)(state >> 44) - 500000, (int64_t)i};
        sum += points[i].v * (double)i;
    }
    points_sort(points, 2000);
    for (size_t i = 0; i < 2000; i++) {
        wrong += i > 0 && points[i - 1].v > points[i].v;
        again += points[i].v * (double)points[i].count;
    }
    is_int(wrong, 0);
    ok(sum == again); /* whole numbers below 2^53 */
}

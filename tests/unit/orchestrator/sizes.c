#include "orchestrator/sizes.h"
#include "tests/tap.h"

static struct size_verdict judged(int64_t rows, const int64_t *likes, size_t n, int64_t drop)
{
    struct size_verdict v = {0};
    int64_t copy[SIZE_LIKES];

    memcpy(copy, likes, n * sizeof *likes);
    size_verdict_of(rows, copy, n, drop, &v);
    return v;
}

TEST(much_smaller_than_the_median_is_small)
{
    static const int64_t likes[] = {1000, 1010, 990, 1005, 995, 1002, 998, 1001};

    ok(judged(499, likes, 8, 50).small);
    ok(!judged(501, likes, 8, 50).small);
    ok(!judged(100000, likes, 8, 50).small);
    is_int(judged(1, likes, 8, 50).usual, 1000);
    ok(judged(899, likes, 8, 10).small);
    ok(!judged(0, likes, 8, 100).small); /* nothing is more than 100 % smaller */
}

TEST(a_few_odd_weeks_do_not_move_what_is_usual)
{
    static const int64_t likes[] = {1000, 3, 1010, 0, 990, 1000000, 1005, 995};

    is_int(judged(400, likes, 8, 50).usual, 997);
    ok(judged(400, likes, 8, 50).small);
}

TEST(what_always_varies_is_not_small)
{
    static const int64_t likes[] = {100, 900, 2000, 50, 1500, 300, 1200, 700};

    ok(!judged(60, likes, 8, 50).small);
    ok(!judged(0, likes, 8, 50).small);
}

TEST(fewer_than_four_are_no_measure_and_nothing_is_smaller_than_nothing)
{
    static const int64_t likes[] = {1000, 1000, 1000, 1000}, none[] = {0, 0, 0, 0};

    ok(!judged(0, likes, 3, 50).small);
    ok(judged(0, likes, 4, 50).small);
    ok(!judged(0, none, 4, 50).small);
}

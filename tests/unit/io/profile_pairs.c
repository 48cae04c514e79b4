#include "io/profile_int.h"
#include "tests/tap.h"
#include <math.h>

static double r_of(const struct comoment *c)
{
    return c->xy / sqrt(c->xx * c->yy);
}

TEST(a_large_offset_does_not_drown_the_correlation)
{
    struct pairs p = {0};
    double x[BATCH], y[BATCH];

    is_int(pairs_join(&p), 0);
    is_int(pairs_join(&p), 1);
    for (int batch = 0; batch < 50; batch++) {
        for (size_t i = 0; i < BATCH; i++) {
            x[i] = 1e12 + (double)(i % 7);
            y[i] = -3 * (double)(i % 7) + 1e10 + (i % 2 ? 0.25 : -0.25);
        }
        pairs_column(&p, 0, x, BATCH);
        pairs_column(&p, 1, y, BATCH);
        pairs_batch(&p, 0, BATCH);
    }
    is_int(p.all[1].n, 50 * BATCH);
    ok(fabs(r_of(&p.all[1]) + 0.99913) < 1e-4);
    pairs_release(&p);
}

TEST(only_rows_that_have_both_count)
{
    struct pairs p = {0};
    double x[6] = {1, 2, NAN, 4, 5, 1000}, y[6] = {2, 4, 77, 8, 10, NAN};

    pairs_join(&p);
    pairs_join(&p);
    pairs_column(&p, 0, x, 6);
    pairs_column(&p, 1, y, 6);
    pairs_batch(&p, 0, 6);
    is_int(p.all[1].n, 4);
    ok(fabs(r_of(&p.all[1]) - 1) < 1e-12);
    ok(fabs(p.all[1].mean_x - 3) < 1e-12);
    pairs_release(&p);
}

TEST(gaps_in_one_column_alone_leave_those_rows_out_whichever_is_first)
{
    double gaps[7] = {3, NAN, 1, 4, NAN, -5, 9}, whole[7] = {2, 1e6, 7, 1, -1e6, 8, 2}, n = 0, x = 0, y = 0;
    double xx = 0, yy = 0, xy = 0;

    for (size_t i = 0; i < 7; i++)
        if (gaps[i] == gaps[i]) {
            n++;
            x += gaps[i];
            y += whole[i];
        }
    x /= n;
    y /= n;
    for (size_t i = 0; i < 7; i++)
        if (gaps[i] == gaps[i]) {
            xx += (gaps[i] - x) * (gaps[i] - x);
            yy += (whole[i] - y) * (whole[i] - y);
            xy += (gaps[i] - x) * (whole[i] - y);
        }
    for (size_t first = 0; first < 2; first++) {
        struct pairs p = {0};
        pairs_join(&p);
        pairs_join(&p);
        pairs_column(&p, first, gaps, 7);
        pairs_column(&p, 1 - first, whole, 7);
        pairs_batch(&p, 0, 7);
        const struct comoment *c = &p.all[1];
        is_int(c->n, 5);
        ok(fabs(c->mean_x - (first ? y : x)) < 1e-9 && fabs(c->mean_y - (first ? x : y)) < 1e-9);
        ok(fabs(c->xx - (first ? yy : xx)) < 1e-3 && fabs(c->yy - (first ? xx : yy)) < 1e-3 &&
           fabs(c->xy - xy) < 1e-3);
        pairs_release(&p);
    }
}

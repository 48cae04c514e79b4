/* Correlation: co-moments of every pair, a batch at a time around the batch's means, so that nothing cancels. */
#include "io/profile_int.h"
#include <math.h>

/* Eight sums at a time: the compiler may use vectors, the order is fixed all the same. */
static double dot(const double *a, const double *b, size_t n)
{
    double sum[8] = {0};
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum[0] += a[i] * b[i];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

size_t pairs_join(struct pairs *p)
{
    size_t member = p->count++;

    if (p->all == NULL)
        p->all = xcalloc((size_t)PROFILE_PAIRED * PROFILE_PAIRED, sizeof *p->all);
    p->centred[member] = xcalloc(BATCH, sizeof(double));
    p->present[member] = xcalloc(BATCH, sizeof(double));
    return member;
}

void pairs_release(struct pairs *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->centred[i]);
        free(p->present[i]);
    }
    free(p->all);
    *p = (struct pairs){0};
}

void pairs_column(struct pairs *p, size_t member, const double *x, size_t rows)
{
    double *c = p->centred[member], *m = p->present[member], n = 0, sum = 0;

    for (size_t i = 0; i < rows; i++) {
        bool there = x[i] == x[i];
        m[i] = there ? 1 : 0;
        c[i] = there ? x[i] : 0;
        n += m[i];
        sum += c[i];
    }
    double mean = n > 0 ? sum / n : 0;
    p->n[member] = n;
    p->mean[member] = mean;
    p->whole[member] = (size_t)n == rows;
    for (size_t i = 0; i < rows; i++)
        c[i] = (c[i] - mean) * m[i];
    p->xx[member] = dot(c, c, rows);
}

static void pair(struct pairs *p, size_t a, size_t b, size_t rows)
{
    const double *x = p->centred[a], *y = p->centred[b];
    double n = (double)rows, sx = 0, sy = 0, xx = p->xx[a], yy = p->xx[b], xy = dot(x, y, rows);
    double both[BATCH];

    if (!p->whole[a] || !p->whole[b]) { /* only the rows that have both */
        const double *in_a = p->present[a], *in_b = p->present[b];
        n = dot(in_a, in_b, rows);
        sx = dot(x, in_b, rows);
        sy = dot(y, in_a, rows);
        for (size_t i = 0; i < rows; i++)
            both[i] = x[i] * in_b[i];
        xx = dot(both, both, rows);
        for (size_t i = 0; i < rows; i++)
            both[i] = y[i] * in_a[i];
        yy = dot(both, both, rows);
    }
    if (n == 0)
        return;
    struct comoment *c = &p->all[a * PROFILE_PAIRED + b];
    double mean_x = p->mean[a] + sx / n, mean_y = p->mean[b] + sy / n, all = c->n + n;
    double dx = mean_x - c->mean_x, dy = mean_y - c->mean_y, share = c->n * n / all;
    c->xx += xx - sx * sx / n + dx * dx * share;
    c->yy += yy - sy * sy / n + dy * dy * share;
    c->xy += xy - sx * sy / n + dx * dy * share;
    c->mean_x += dx * n / all;
    c->mean_y += dy * n / all;
    c->n = all;
}

void pairs_batch(struct pairs *p, size_t a, size_t rows)
{
    for (size_t b = a + 1; b < p->count; b++)
        pair(p, a, b, rows);
}

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
    p->centred[member] = xcalloc(BATCH + 1, sizeof(double));
    p->present[member] = xcalloc(BATCH + 1, sizeof(double));
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
    c[rows] = m[rows] = 0; /* whose rows are read in pairs */
    p->n[member] = n;
    p->mean[member] = mean;
    p->whole[member] = (size_t)n == rows;
    for (size_t i = 0; i < rows; i++)
        c[i] = (c[i] - mean) * m[i];
    p->xx[member] = dot(c, c, rows);
}

struct sums { /* of the rows that have both */
    double n, x, y, xx, yy, xy;
};

static struct sums sums_of_both(const struct pairs *p, size_t a, size_t b, size_t rows)
{
    const double *x = p->centred[a], *y = p->centred[b], *in_a = p->present[a], *in_b = p->present[b];
    double s[6][2] = {{0}};
    size_t i = 0;

    for (; i < rows; i += 2) /* behind the last row there is room, and nothing present */
        for (size_t k = 0; k < 2; k++) {
            double vx = x[i + k] * in_b[i + k], vy = y[i + k] * in_a[i + k];
            s[0][k] += in_a[i + k] * in_b[i + k];
            s[1][k] += vx;
            s[2][k] += vy;
            s[3][k] += vx * vx;
            s[4][k] += vy * vy;
            s[5][k] += vx * vy;
        }
    return (struct sums){s[0][0] + s[0][1], s[1][0] + s[1][1], s[2][0] + s[2][1],
                         s[3][0] + s[3][1], s[4][0] + s[4][1], s[5][0] + s[5][1]};
}

/* y is whole: only the rows that x has. */
static struct sums sums_of_those(const struct pairs *p, size_t a, size_t b, size_t rows)
{
    const double *x = p->centred[a], *in_x = p->present[a], *y = p->centred[b];
    double s[3][2] = {{0}};

    for (size_t i = 0; i < rows; i += 2)
        for (size_t k = 0; k < 2; k++) {
            double vy = y[i + k] * in_x[i + k];
            s[0][k] += vy;
            s[1][k] += vy * vy;
            s[2][k] += x[i + k] * vy;
        }
    return (struct sums){.n = p->n[a],
                         .y = s[0][0] + s[0][1],
                         .xx = p->xx[a],
                         .yy = s[1][0] + s[1][1],
                         .xy = s[2][0] + s[2][1]};
}

static struct sums turned(struct sums s)
{
    return (struct sums){s.n, s.y, s.x, s.yy, s.xx, s.xy};
}

static void pair(struct pairs *p, size_t a, size_t b, size_t rows)
{
    struct sums s = {.n = (double)rows, .xx = p->xx[a], .yy = p->xx[b]};

    if (p->whole[a] && p->whole[b])
        s.xy = dot(p->centred[a], p->centred[b], rows);
    else if (p->whole[b])
        s = sums_of_those(p, a, b, rows);
    else if (p->whole[a])
        s = turned(sums_of_those(p, b, a, rows));
    else
        s = sums_of_both(p, a, b, rows);
    if (s.n == 0)
        return;
    struct comoment *c = &p->all[a * PROFILE_PAIRED + b];
    double mean_x = p->mean[a] + s.x / s.n, mean_y = p->mean[b] + s.y / s.n, all = c->n + s.n;
    double dx = mean_x - c->mean_x, dy = mean_y - c->mean_y, share = c->n * s.n / all;
    c->xx += s.xx - s.x * s.x / s.n + dx * dx * share;
    c->yy += s.yy - s.y * s.y / s.n + dy * dy * share;
    c->xy += s.xy - s.x * s.y / s.n + dx * dy * share;
    c->mean_x += dx * s.n / all;
    c->mean_y += dy * s.n / all;
    c->n = all;
}

void pairs_batch(struct pairs *p, size_t a, size_t rows)
{
    for (size_t b = a + 1; b < p->count; b++)
        pair(p, a, b, rows);
}

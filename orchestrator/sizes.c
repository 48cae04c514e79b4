/*
 * A partition that is much smaller than its like: a file that came, was loaded and reconciled, and yet holds a tenth of
 * what it should. Median and median deviation, because a few odd weeks must not move what is usual.
 */
#include "orchestrator/sizes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/period.h"

enum { AT_ONCE = 500 };

struct unjudged {
    struct one {
        char part[PART_SIZE];
        int64_t rows;
    } v[AT_ONCE];
    size_t n;
};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int64_t median(int64_t *v, size_t n)
{
    qsort(v, n, sizeof *v, by_value);
    return n % 2 == 1 ? v[n / 2] : v[n / 2 - 1] + (v[n / 2] - v[n / 2 - 1]) / 2;
}

void size_verdict_of(int64_t rows, int64_t *likes, size_t n, int64_t drop_percent, struct size_verdict *ret)
{
    ret->rows = rows;
    ret->likes = (int64_t)n;
    ret->usual = ret->least = 0;
    ret->small = false;
    if (n < SIZE_FEWEST)
        return;
    ret->usual = median(likes, n);
    for (size_t i = 0; i < n; i++)
        likes[i] = likes[i] > ret->usual ? likes[i] - ret->usual : ret->usual - likes[i];
    /* 1.4826: the median deviation of normal noise as a standard deviation, of which three are allowed. */
    double noise = 3 * 1.4826 * (double)median(likes, n);
    double by_drop = (double)ret->usual * (double)(100 - drop_percent) / 100;
    double by_noise = (double)ret->usual - noise;
    double least = by_drop < by_noise ? by_drop : by_noise;
    ret->least = least > 0 ? (int64_t)least : 0;
    ret->small = (double)rows < least;
}

static int on_unjudged(void *arg, const char *part, int64_t rows, struct err *err)
{
    struct unjudged *u = arg;

    UNUSED(err);
    if (u->n < AT_ONCE && strlen(part) < PART_SIZE) {
        memcpy(u->v[u->n].part, part, strlen(part) + 1);
        u->v[u->n++].rows = rows;
    }
    return 0;
}

static int likes_at(struct store *s, const struct pipeline *p, int64_t start_ms, int64_t step_ms,
                    int64_t rows[SIZE_LIKES], size_t *ret_n, struct err *err)
{
    char parts[SIZE_LIKES][PART_SIZE];
    const char *names[SIZE_LIKES];

    for (int64_t i = 0; i < p->small_weeks; i++)
        names[i] = part_name(p->period, start_ms - (i + 1) * step_ms, parts[i]);
    return size_likes(s, p->name, names, (size_t)p->small_weeks, rows, ret_n, err);
}

static int judge(struct store *s, const struct pipeline *p, const struct one *u, struct size_verdict *ret,
                 struct err *err)
{
    const int64_t day = 86400000;
    int64_t start, rows[SIZE_LIKES];
    size_t n = 0;
    int rc = part_parse(p->period, u->part, &start, err);

    if (rc == 0)
        rc = likes_at(s, p, start, 7 * day, rows, &n, err);
    if (rc == 0 && n < SIZE_FEWEST) /* too young for weeks: the days before */
        rc = likes_at(s, p, start, day, rows, &n, err);
    ret->part = u->part;
    if (rc == 0)
        size_verdict_of(u->rows, rows, n, p->small_percent, ret);
    return rc;
}

int sizes_judge(struct store *s, const struct pipeline *p, int64_t from_ms, int64_t now_ms, struct err *err)
{
    char from[PART_SIZE];
    struct unjudged *u;
    int rc;

    if (p->small_weeks == 0)
        return 0;
    u = xcalloc(1, sizeof *u);
    part_name(p->period, period_floor(p->period, from_ms), from);
    rc = size_unjudged(s, p->name, from, AT_ONCE, on_unjudged, u, err);
    if (rc == 0 && u->n > 0)
        rc = store_begin(s, err);
    for (size_t i = 0; rc == 0 && i < u->n; i++) {
        struct size_verdict v;
        rc = judge(s, p, &u->v[i], &v, err);
        if (rc == 0)
            rc = size_put(s, p->name, &v, now_ms, err);
    }
    if (rc == 0 && u->n > 0)
        rc = store_commit(s, err);
    store_rollback(s);
    free(u);
    return rc;
}

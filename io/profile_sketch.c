/* Small summaries of long streams, each with a bound that does not depend on the length. */
#include "base/random.h"
#include "io/profile_int.h"
#include <math.h>

/* Chan: two sets' moments make those of both, without the cancellation of sums of squares. */
void moments_add(struct moments *m, double n, double mean, double m2)
{
    double both = m->n + n, delta = mean - m->mean;

    if (n == 0)
        return;
    m->mean += delta * n / both;
    m->m2 += m2 + delta * delta * m->n * n / both;
    m->n = both;
}

/* --- distinct values: HyperLogLog with Ertl's estimator, which needs no table of corrections --- */

enum { HLL_REST = 64 - HLL_BITS };

void hll_add(struct hll *h, uint64_t hash)
{
    uint64_t rest = hash << HLL_BITS; /* every bit of it is mixed: cell_hash */
    uint8_t rank = (uint8_t)(rest == 0 ? HLL_REST + 1 : __builtin_clzll(rest) + 1);
    uint8_t *m;

    if (h->max == NULL)
        h->max = xcalloc(HLL_SIZE, 1);
    m = &h->max[hash >> HLL_REST];
    *m = rank > *m ? rank : *m;
}

static double sigma(double x)
{
    double y = 1, z = x, before;

    if (x == 1)
        return INFINITY;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double tau(double x)
{
    double y = 1, z = 1 - x, before;

    if (x == 0 || x == 1)
        return 0;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

double hll_count(const struct hll *h)
{
    double of_rank[HLL_REST + 2] = {0}, z;

    if (h->max == NULL)
        return 0;
    for (size_t i = 0; i < HLL_SIZE; i++)
        of_rank[h->max[i]]++;
    z = HLL_SIZE * tau(1 - of_rank[HLL_REST + 1] / HLL_SIZE);
    for (int k = HLL_REST; k >= 1; k--)
        z = 0.5 * (z + of_rank[k]);
    z += HLL_SIZE * sigma(of_rank[0] / HLL_SIZE);
    return 0.5 / log(2) * HLL_SIZE * HLL_SIZE / z;
}

/* --- quantiles: one value of each run of `weight`, at random --- */

void sample_init(struct sample *s, size_t cap)
{
    *s = (struct sample){.values = xcalloc(cap, sizeof *s->values), .cap = cap, .weight = 1};
}

static void halve(struct sample *s)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < s->cap / 2; i++) {
        if (i % 64 == 0)
            bits = random_next(&s->random);
        s->values[i] = s->values[2 * i + (bits & 1)];
        bits >>= 1;
    }
    s->n = s->cap / 2;
    s->weight *= 2;
}

void sample_add(struct sample *s, double v)
{
    if (s->seen == s->pick)
        s->current = v;
    if (++s->seen < s->weight)
        return;
    s->values[s->n++] = s->current;
    if (s->n == s->cap) /* now, while every value stands for a run of one length */
        halve(s);
    s->seen = 0;
    s->pick = s->weight > 1 ? random_next(&s->random) & (s->weight - 1) : 0;
}

/* --- numbers in order: byte by byte from the lowest, since tens of thousands of them are sorted for each column --- */

static uint64_t sort_key(double v) /* of two numbers the lower one has the lower key */
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

void points_sort(struct point *points, size_t n)
{
    size_t counts[8][256] = {{0}};
    struct point *from = points, *to, *other = xcalloc(n + 1, sizeof *other);

    to = other;
    for (size_t i = 0; i < n; i++) {
        uint64_t key = sort_key(points[i].v);
        for (size_t byte = 0; byte < 8; byte++)
            counts[byte][key >> 8 * byte & 0xff]++;
    }
    for (size_t byte = 0; byte < 8; byte++) {
        size_t at[256], sum = 0;
        bool one = false; /* all have the same byte here */
        for (size_t i = 0; i < 256; i++) {
            at[i] = sum;
            sum += counts[byte][i];
            one |= counts[byte][i] == n;
        }
        if (one)
            continue;
        for (size_t i = 0; i < n; i++)
            to[at[sort_key(from[i].v) >> 8 * byte & 0xff]++] = from[i];
        struct point *swap = from;
        from = to;
        to = swap;
    }
    if (from != points)
        memcpy(points, from, n * sizeof *points);
    free(other);
}

/* --- rows that repeat an earlier one --- */

enum { COPIES_SLOTS = 1 << 16, COPIES_MOST = COPIES_SLOTS / 2 };

struct profile_place place_of(uint64_t place)
{
    return (struct profile_place){(size_t)(place >> 40), (int64_t)(place & ((UINT64_C(1) << 40) - 1))};
}

static size_t copies_home(uint64_t hash)
{
    return hash >> 40 & (COPIES_SLOTS - 1); /* the low bits are zero in all of them */
}

void copies_ahead(const struct copies *c, uint64_t hash)
{
    if (c->slots != NULL && copies_wants(c, hash))
        __builtin_prefetch(&c->slots[copies_home(hash)]);
}

static struct copies_slot *copies_find(struct copies_slot *slots, uint64_t hash)
{
    size_t at = copies_home(hash);

    while (slots[at].hash != 0 && slots[at].hash != hash)
        at = (at + 1) & (COPIES_SLOTS - 1);
    return &slots[at];
}

static void copies_halve(struct copies *c)
{
    struct copies_slot *kept = xcalloc(c->used, sizeof *kept);
    size_t n = 0;

    c->shift++;
    for (size_t i = 0; i < COPIES_SLOTS; i++)
        if (c->slots[i].hash != 0 && copies_wants(c, c->slots[i].hash))
            kept[n++] = c->slots[i];
    memset(c->slots, 0, COPIES_SLOTS * sizeof *c->slots);
    for (size_t i = 0; i < n; i++)
        *copies_find(c->slots, kept[i].hash) = kept[i];
    c->used = n;
    free(kept);
}

int64_t copies_count(const struct copies *c)
{
    uint64_t again = 0;

    for (size_t i = 0; c->slots != NULL && i < COPIES_SLOTS; i++)
        again += c->slots[i].again;
    return (int64_t)(again << c->shift);
}

void copies_add(struct copies *c, uint64_t hash, uint64_t place)
{
    if (!copies_wants(c, hash))
        return;
    if (c->slots == NULL)
        c->slots = xcalloc(COPIES_SLOTS, sizeof *c->slots);
    if (hash == 0)
        hash = UINT64_C(1) << 63;
    struct copies_slot *s = copies_find(c->slots, hash);
    if (s->hash == hash) {
        s->again++;
        if (c->example_count < ARRAY_LEN(c->example))
            c->example[c->example_count++] = (struct profile_copy){place_of(s->place), place_of(place)};
        return;
    }
    if (c->used == COPIES_MOST) {
        copies_halve(c);
        copies_add(c, hash, place);
        return;
    }
    *s = (struct copies_slot){hash, place, 0};
    c->used++;
}

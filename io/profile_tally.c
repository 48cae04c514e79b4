/* How often each value came: open addressing, at most half full. */
#include "io/profile_int.h"

enum { FIRST_SLOTS = 64 };

static void fresh(struct tally *t, size_t slots)
{
    t->slots = xcalloc(slots, sizeof *t->slots);
    t->slot_count = slots;
    t->used = 0;
}

void tally_init(struct tally *t, size_t exact, size_t few)
{
    *t = (struct tally){.exact = exact, .few = few, .texts = arena_new()};
    fresh(t, FIRST_SLOTS);
}

void tally_release(struct tally *t)
{
    free(t->slots);
    arena_free(t->texts);
    *t = (struct tally){0};
}

bool tally_is_full(const struct tally *t)
{
    return t->used >= (t->over ? t->few : t->exact);
}

/* Moves what has a count above `down` to `slots` new slots, its text too. */
static void rebuild(struct tally *t, size_t slots, int64_t down)
{
    struct entry *old = t->slots;
    size_t old_count = t->slot_count;
    struct arena *texts = down > 0 ? arena_new() : t->texts;

    fresh(t, slots);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].hash == 0 || old[i].count <= down)
            continue;
        struct entry *e = tally_find(t, old[i].hash);
        *e = old[i];
        e->count -= down;
        if (down > 0)
            e->text = arena_strndup(texts, e->text, e->n < PROFILE_SHOWN ? e->n : PROFILE_SHOWN);
        t->used++;
    }
    if (down > 0) {
        arena_free(t->texts);
        t->texts = texts;
    }
    free(old);
}

/* Counts go down by the same for all: by 2^b - 1, so that at least half of the entries leave. */
void tally_shrink(struct tally *t)
{
    size_t by_bits[65] = {0}, keep = t->few / 2, slots = FIRST_SLOTS, above = t->used;
    int bits = 0;

    t->over = true;
    for (size_t i = 0; i < t->slot_count; i++)
        if (t->slots[i].hash != 0)
            by_bits[64 - __builtin_clzll((unsigned long long)t->slots[i].count)]++;
    for (; above > keep && bits < 63; bits++)
        above -= by_bits[bits + 1];
    while (slots < 2 * t->few)
        slots *= 2;
    int64_t down = (INT64_C(1) << bits) - 1;
    t->error += down;
    rebuild(t, slots, down);
}

struct entry *tally_add(struct tally *t, struct entry *slot, uint64_t hash, const char *p, size_t n)
{
    if (2 * (t->used + 1) > t->slot_count) {
        rebuild(t, 2 * t->slot_count, 0);
        slot = tally_find(t, hash);
    }
    *slot = (struct entry){.hash = hash, .n = (uint32_t)n};
    slot->text = arena_strndup(t->texts, p, n < PROFILE_SHOWN ? n : PROFILE_SHOWN);
    t->used++;
    return slot;
}

static bool is_before(const struct entry *a, const struct entry *b)
{
    if (a->count != b->count)
        return a->count > b->count;
    return a->place != b->place ? a->place < b->place : a->hash < b->hash;
}

size_t tally_top(const struct tally *t, bool (*want)(const struct entry *e), struct entry *ret, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < t->slot_count; i++) {
        const struct entry *e = &t->slots[i];
        if (e->hash == 0 || e->count <= t->error || (n == max && !is_before(e, &ret[n - 1])))
            continue;
        if (want != NULL && !want(e))
            continue;
        size_t at = n < max ? n++ : n - 1;
        for (; at > 0 && is_before(e, &ret[at - 1]); at--)
            ret[at] = ret[at - 1];
        ret[at] = *e;
    }
    return n;
}

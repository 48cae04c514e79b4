/* How often each value came: open addressing, at most half full. */
#include "io/profile_int.h"

enum { FIRST_SLOTS = 64 };

static void fresh(struct tally *t, size_t slots)
{
    t->slots = xcalloc_large(slots, sizeof *t->slots);
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
    free(t->once);
    arena_free(t->texts);
    *t = (struct tally){0};
}

bool tally_is_full(const struct tally *t)
{
    return t->used + t->once_used >= (t->over ? t->few : t->exact);
}

static void put_back(struct tally *t, const struct entry *e)
{
    *tally_find(t, e->hash) = *e;
    t->used++;
}

static void grow(struct tally *t)
{
    struct entry *old = t->slots;
    size_t old_count = t->slot_count;

    fresh(t, 2 * old_count);
    for (size_t i = 0; i < old_count; i++)
        if (old[i].hash != 0)
            put_back(t, &old[i]);
    free(old);
}

/* Those with a count above `down` stay, `stay` of them, in `slots` slots; so do their texts. */
static void go_down(struct tally *t, size_t slots, int64_t down, size_t stay)
{
    struct entry *kept = xcalloc(stay + 1, sizeof *kept);
    struct arena *texts = arena_new();
    size_t n = 0;

    for (size_t i = 0; n < stay; i++) {
        if (t->slots[i].hash == 0 || t->slots[i].count <= down)
            continue;
        kept[n] = t->slots[i];
        kept[n].count -= down;
        kept[n].text =
            arena_strndup(texts, kept[n].text, kept[n].n < PROFILE_SHOWN ? kept[n].n : PROFILE_SHOWN);
        n++;
    }
    if (slots == t->slot_count) {
        memset(t->slots, 0, slots * sizeof *t->slots);
        t->used = 0;
    } else {
        free(t->slots);
        fresh(t, slots);
    }
    for (size_t i = 0; i < n; i++)
        put_back(t, &kept[i]);
    arena_free(t->texts);
    t->texts = texts;
    free(kept);
}

/* Counts go down by the same for all: by 2^b - 1, so that at least half of the entries leave. */
void tally_shrink(struct tally *t)
{
    size_t by_bits[65] = {0}, keep = t->few / 2, slots = FIRST_SLOTS, above = t->used + t->once_used;
    int bits = 0;

    t->over = true;
    for (size_t i = 0; i < t->slot_count; i++)
        if (t->slots[i].hash != 0)
            by_bits[64 - __builtin_clzll((unsigned long long)t->slots[i].count)]++;
    by_bits[1] += t->once_used;
    for (; above > keep && bits < 63; bits++)
        above -= by_bits[bits + 1];
    while (slots < 2 * (above + 1))
        slots *= 2;
    if (t->once_used > 0)
        memset(t->once, 0, t->once_count * sizeof *t->once);
    t->once_used = 0;
    int64_t down = (INT64_C(1) << bits) - 1;
    t->error += down;
    go_down(t, slots, down, above);
}

struct entry *tally_add(struct tally *t, struct entry *slot, uint64_t hash, const char *p, size_t n)
{
    if (2 * (t->used + 1) > t->slot_count) {
        grow(t);
        slot = tally_find(t, hash);
    }
    *slot = (struct entry){.hash = hash, .n = (uint32_t)n};
    slot->text = arena_strndup(t->texts, p, n < PROFILE_SHOWN ? n : PROFILE_SHOWN);
    t->used++;
    return slot;
}

/* What follows moves up, so that no search ends too early. */
static void forget(struct tally *t, size_t at)
{
    size_t mask = t->once_count - 1;

    for (size_t next = (at + 1) & mask; t->once[next].hash != 0; next = (next + 1) & mask) {
        size_t home = t->once[next].hash & mask;
        if (((next - home) & mask) < ((next - at) & mask))
            continue; /* it may not stand before its home */
        t->once[at] = t->once[next];
        at = next;
    }
    t->once[at] = (struct once){0, 0};
    t->once_used--;
}

/*
 * Nearly every value of a column with very many comes once between two times that counts go down, and then leaves: no
 * count of 1 is ever told, since the error is at least 1. Such a value is only noted, and becomes an entry when it
 * comes again.
 */
void tally_frequent(struct tally *t, const struct entry *e)
{
    struct entry *slot = tally_find(t, e->hash);

    if (slot->hash != 0) {
        slot->count++;
        return;
    }
    if (t->once == NULL) {
        t->once_count = FIRST_SLOTS;
        while (t->once_count < 2 * t->few)
            t->once_count *= 2;
        t->once = xcalloc(t->once_count, sizeof *t->once);
    }
    size_t mask = t->once_count - 1, at = e->hash & mask;
    while (t->once[at].hash != e->hash && t->once[at].hash != 0)
        at = (at + 1) & mask;
    if (t->once[at].hash == e->hash) {
        uint64_t place = t->once[at].place;
        forget(t, at);
        slot = tally_add(t, slot, e->hash, e->text, e->n);
        const char *text = slot->text;
        *slot = *e;
        slot->text = text;
        slot->place = place;
        slot->count = 2;
        return;
    }
    if (tally_is_full(t)) {
        tally_shrink(t);
        at = e->hash & mask;
        while (t->once[at].hash != 0)
            at = (at + 1) & mask;
    }
    t->once[at] = (struct once){e->hash, e->place};
    t->once_used++;
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

#include "io/profile_int.h"
#include "tests/tap.h"

static uint64_t seen;

/* As a column does it. */
static void count(struct tally *t, int value)
{
    char text[32] = "";
    size_t n = (size_t)snprintf(text, sizeof text - 8, "%d", value);
    uint64_t hash = cell_hash(text, n);
    struct entry *e = tally_find(t, hash);

    if (!t->over && e->hash == 0 && tally_is_full(t))
        tally_shrink(t);
    if (t->over) {
        tally_frequent(t, &(struct entry){.hash = hash, .text = text, .n = (uint32_t)n, .place = ++seen});
        return;
    }
    if (e->hash == 0) {
        e = tally_add(t, e, hash, text, n);
    }
    e->count++;
}

TEST(exact_while_values_are_few)
{
    struct tally t;
    struct entry top[3];

    tally_init(&t, 1000, 100);
    for (int i = 0; i < 1000; i++)
        for (int k = 0; k <= i % 10; k++)
            count(&t, i);
    ok(!t.over);
    is_int(t.used, 1000);
    is_int(t.error, 0);
    is_int(tally_top(&t, NULL, top, 3), 3);
    is_int(top[0].count, 10);
    char text[16] = "777";
    is_str(tally_find(&t, cell_hash(text, 3))->text, "777");
    is_int(tally_find(&t, cell_hash(text, 3))->count, 8);
    tally_release(&t);
}

TEST(frequent_values_are_never_lost_and_counts_low_by_the_error_at_most)
{
    struct tally t;
    struct entry top[10];
    uint64_t state = 1;
    int64_t times[5] = {0};

    tally_init(&t, 200, 100);
    for (int i = 0; i < 200000; i++) {
        state = hash_mix(state, 77);
        int frequent = (int)(state >> 33) % 5;
        if (state % 100 < 30) {
            count(&t, frequent);
            times[frequent]++;
        } else {
            count(&t, 1000 + (int)(state >> 40));
        }
    }
    ok(t.over);
    ok(t.used + t.once_used <= 100);
    ok(t.error > 0 && t.error < 200000 / 50);
    is_int(tally_top(&t, NULL, top, 5), 5);
    for (size_t i = 0; i < 5; i++) {
        int64_t value = top[i].text[0] - '0';
        is_int(top[i].n, 1);
        ok(top[i].count <= times[value] && times[value] <= top[i].count + t.error);
    }
    tally_release(&t);
}

TEST(what_came_once_is_an_entry_when_it_comes_again_from_where_it_was_first)
{
    struct tally t;
    uint64_t first;
    size_t wrong = 0;
    char text[32] = "";

    tally_init(&t, 4000, 4000);
    for (int i = 0; i <= 4000; i++)
        count(&t, -1 - i);
    ok(t.over);
    is_int(t.error, 1);
    first = seen;
    for (int i = 0; i < 3000; i++)
        count(&t, i);
    for (int i = 2999; i >= 0; i -= 2) /* every other one again, while the table has long runs */
        count(&t, i);
    is_int(t.used, 1500);
    is_int(t.error, 1);
    for (int i = 0; i < 3000; i++) {
        size_t n = (size_t)snprintf(text, sizeof text - 8, "%d", i);
        const struct entry *e = tally_find(&t, cell_hash(text, n));
        wrong += i % 2 == 0 ? e->hash != 0
                            : e->count != 2 || e->n != n || memcmp(e->text, text, n) != 0 ||
                                  e->place != first + 1 + (uint64_t)i;
    }
    is_int(wrong, 0);
    for (int i = 0; i < 3000; i += 2)
        count(&t, i); /* none of those was lost when others left */
    is_int(t.used, 3000);
    tally_release(&t);
}

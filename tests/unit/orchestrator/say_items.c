#include "orchestrator/say_items.h"
#include "base/clock.h"
#include "tests/tap.h"

static void add(struct items *l, const char *pipeline, const char *class, const char *part)
{
    items_add(l, pipeline, class, part, "text", "");
}

TEST(another_trouble_of_a_partition_is_found_whatever_its_class)
{
    struct items l = {0};

    add(&l, "loans", "LATE", "2022-06-05T01");
    add(&l, "loans", "FAILED", "2022-06-05T02");
    add(&l, "loans", "SMALL", "2022-06-05T03");
    add(&l, "loans-2", "DEAD", "2022-06-05T04");
    add(&l, "loan", "DEAD", "2022-06-05T05");
    add(&l, "", "ALERT", "mail a@b");
    items_sort(&l);
    ok(items_other_stands(&l, "loans", "2022-06-05T01"));
    ok(items_other_stands(&l, "loans", "2022-06-05T02"));
    ok(items_other_stands(&l, "loans", "2022-06-05T03"));
    ok(!items_other_stands(&l, "loans", "2022-06-05T04"));
    ok(!items_other_stands(&l, "loans", "2022-06-05T05"));
    ok(!items_other_stands(&l, "loans", "2022-06-05T0"));
    ok(items_other_stands(&l, "", "mail a@b"));
    ok(!items_other_stands(&l, "zebra", "2022-06-05T01"));
    items_find(&l, "loans LATE 2022-06-05T01")->gone = true;
    ok(!items_other_stands(&l, "loans", "2022-06-05T01"));
    items_clear(&l);
    ok(!items_other_stands(&l, "loans", "2022-06-05T01"));
}

/* A first tick over years of hours that never came, and the tick after somebody has delivered every second one. */
TEST(each_of_very_many_is_looked_for_in_a_moment)
{
    enum { MANY = 50000 };
    struct items l = {0};
    char part[40];
    size_t found = 0;

    for (int i = 0; i < MANY; i++) {
        snprintf(part, sizeof part, "%06d", 2 * i);
        add(&l, "loans", "LATE", part);
    }
    items_sort(&l);
    int64_t began = clock_mono_ms();
    for (int i = 0; i < MANY; i++) {
        snprintf(part, sizeof part, "%06d", 2 * i + 1);
        found += items_other_stands(&l, "loans", part);
    }
    is_int(found, 0);
    ok(clock_mono_ms() - began < 5000);
    items_clear(&l);
}

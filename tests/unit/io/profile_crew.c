#include "io/profile_int.h"
#include "tests/tap.h"

struct counts {
    int64_t done[1000], rounds;
};

static void one(void *arg, size_t part, size_t worker)
{
    struct counts *c = arg;

    c->done[part] += worker < CREW_MOST ? 1 : 1000000;
}

TEST(every_part_is_done_once_a_round_before_the_next_begins)
{
    struct crew *crew = crew_new();
    struct counts c = {0};
    size_t wrong = 0;

    for (c.rounds = 1; c.rounds <= 300; c.rounds++) {
        crew_start(crew, one, &c, 1000);
        crew_finish(crew);
        for (size_t i = 0; i < 1000; i++)
            wrong += c.done[i] != c.rounds;
    }
    is_int(wrong, 0);
    crew_start(crew, one, &c, 0);
    crew_finish(crew);
    crew_free(crew);
    crew_free(NULL);
}

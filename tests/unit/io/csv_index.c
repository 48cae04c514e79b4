#include "base/limits.h"
#include "io/csv_int.h"
#include "tests/tap.h"

TEST(the_list_is_the_same_whether_bytes_are_looked_at_one_by_one_or_together)
{
    enum { LONGEST = 300 };
    static const char bytes[] = ",\"\n\r;'01a\x80\xac\x8a\x0b\xff";
    static char text[LONGEST + INDEX_PAD];
    static uint32_t together[LONGEST + INDEX_SLACK], alone[LONGEST + INDEX_SLACK];
    static const char quotes[] = {'"', '\'', 0};
    uint64_t random = 1;

    for (int i = 0; i < 30000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        size_t n = (random >> 33) % (LONGEST + 1), few = (random >> 45) % 3;
        for (size_t k = 0; k < sizeof text; k++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            /* hardly any, some, or all of them special; behind the end as well */
            size_t kinds = few == 0 ? 4 : sizeof bytes - 1;
            text[k] = few == 2 && random >> 60 != 0 ? 'x' : bytes[(random >> 33) % kinds];
        }
        char quote = quotes[(random >> 40) % 3];
        size_t got = csv_index(text, n, ',', quote, 1000, together);
        is_int((int64_t)got, (int64_t)csv_index_bytewise(text, n, ',', quote, 1000, alone));
        is_mem(together, got * sizeof *together, alone, got * sizeof *alone);
        for (size_t k = 0, at = 0; k < n; k++)
            if (text[k] == ',' || text[k] == '\n' || text[k] == '\r' || (quote != 0 && text[k] == quote))
                must(at < got && together[at++] == 1000 + k);
    }
}

/*
 * First line: a pattern. The rest: a text. A pattern is refused, for the config as for the table, or text and pattern meet
 * in bounded time and memory, and no other rule is said to be broken.
 */
#include "io/dictionary.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const int first[] = {0};
    const uint8_t *newline = memchr(data, '\n', n);
    size_t length = newline != NULL ? (size_t)(newline - data) : n;
    struct column column = {.name = "c",
                            .type = COL_TEXT,
                            .type_text = "longtext",
                            .nullable = true,
                            .max_chars = -1,
                            .max_bytes = -1,
                            .charset = "utf8mb4"};
    struct table t = {.name = "t", .columns = &column, .count = 1};
    char *pattern = xstrndup((const char *)data, length);
    struct dict_rule rule = {.column = "c", .pattern = pattern};
    const struct dict_table d = {.name = "t", .table = "t", .rules = &rule, .rule_count = 1};
    struct dictionary *k = NULL;
    struct reject_info why;
    struct err err;
    int alone = dictionary_pattern(pattern, &err);

    if (dictionary_new(&d, &t, first, 1, &k, &err) < 0) {
        if (alone >= 0)
            abort();
        free(pattern);
        return 0;
    }
    if (alone < 0)
        abort();
    struct batch *b = batch_new(&t, first, 1, 1);
    size_t rest = newline != NULL ? n - length - 1 : 0;
    b->cols[0].bytes[0] = batch_keep(b, newline != NULL ? (const char *)newline + 1 : "", rest);
    b->cols[0].lengths[0] = rest;
    b->raw[0] = b->cols[0].bytes[0];
    b->raw_n[0] = (uint32_t)rest;
    b->rows = 1;
    if (!dictionary_check(k, b, &why) && strcmp(why.code, "NO_MATCH") != 0)
        abort();
    batch_free(b);
    dictionary_free(k);
    free(pattern);
    return 0;
}

/* The columns that objects name: a table by hash, whose seed is drawn. */
#include "base/limits.h"
#include "io/hash.h"
#include "io/json_rows_int.h"

void json_names_init(struct json_names *names, struct arena *a)
{
    *names = (struct json_names){.arena = a};
    random_bytes(&names->seed, sizeof names->seed);
}

void json_names_release(struct json_names *names)
{
    free(names->fields);
    free(names->seen);
    free(names->slots);
}

static uint64_t hash_of(const struct json_names *names, const char *p, size_t n)
{
    uint64_t h = names->seed ^ n, word;

    for (; n > 0; p += n < 8 ? n : 8, n -= n < 8 ? n : 8) {
        word = 0;
        memcpy(&word, p, n < 8 ? n : 8);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29 ^ names->seed;
    }
    return h ^ h >> 32;
}

static bool is_plain(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] < 0x20 || p[i] == '"' || p[i] == '\\')
            return false;
    return true;
}

static void put(struct json_names *names, size_t k)
{
    const struct csv_field *f = &names->fields[k];
    size_t at = (size_t)hash_of(names, f->p, f->n) & (names->slot_count - 1);

    while (names->slots[at] != 0)
        at = (at + 1) & (names->slot_count - 1);
    names->slots[at] = (uint32_t)k + 1;
}

static void grow(struct json_names *names)
{
    names->room = names->room > 0 ? 2 * names->room : 32;
    names->fields = xrealloc(names->fields, names->room * sizeof *names->fields);
    names->seen = xrealloc(names->seen, names->room * sizeof *names->seen);
    free(names->slots);
    names->slot_count = 4 * names->room;
    names->slots = xcalloc(names->slot_count, sizeof *names->slots);
    for (size_t k = 0; k < names->count; k++)
        put(names, k);
}

int json_name(struct json_names *names, const char *p, size_t n, size_t *ret, struct err *err)
{
    if (names->slot_count > 0) {
        size_t at = (size_t)hash_of(names, p, n) & (names->slot_count - 1);
        for (; names->slots[at] != 0; at = (at + 1) & (names->slot_count - 1)) {
            const struct csv_field *f = &names->fields[names->slots[at] - 1];
            if (f->n == n && memcmp(f->p, p, n) == 0) {
                *ret = names->slots[at] - 1;
                return 0;
            }
        }
    }
    if (names->count == MAX_COLUMNS)
        return err_set(err, ERR_TOO_LARGE, "the rows name more than %d columns", MAX_COLUMNS);
    if (names->count == names->room)
        grow(names);
    names->fields[names->count] = (struct csv_field){arena_strndup(names->arena, p, n), (uint32_t)n, true};
    names->seen[names->count] = (struct json_seen){0, is_plain(p, n)};
    put(names, names->count);
    *ret = names->count++;
    return 0;
}

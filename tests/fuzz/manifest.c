/* A manifest of an extract, as a stranger may have written it. What is read can be written, and is then the same. */
#include "steps/manifest.h"
#include "base/mem.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf first = BUF_INIT(64 * MIB), second = BUF_INIT(64 * MIB);
    char *name = xstrndup((const char *)data, size), key[MAX_KEY + 1];
    struct manifest m, again;
    struct err err;

    if (manifest_is_key(name) && manifest_part_key(name, "a/b", key, &err) == 0 && strstr(key, "b") == NULL)
        __builtin_trap();
    free(name);
    if (manifest_parse((const char *)data, size, "fuzz", &m, &err) < 0) {
        if (m.arena != NULL || err.code != ERR_BAD_VALUE)
            __builtin_trap();
        return 0;
    }
    if (manifest_text(&m, &first, &err) < 0 || manifest_parse(first.p, first.n, "fuzz", &again, &err) < 0)
        __builtin_trap();
    if (manifest_text(&again, &second, &err) < 0 || first.n != second.n ||
        memcmp(first.p, second.p, first.n) != 0)
        __builtin_trap();
    manifest_release(&again);
    manifest_release(&m);
    buf_release(&first);
    buf_release(&second);
    return 0;
}

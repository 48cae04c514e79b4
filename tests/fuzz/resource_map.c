/* First line: an ARN. The rest: a map. What is taken is applied, and does not crash whatever the task gives. */
#include "orchestrator/resource_map.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const uint8_t *newline = memchr(data, '\n', n);
    size_t length = newline != NULL ? (size_t)(newline - data) : n;
    char *arn = xstrndup((const char *)data, length);
    json_t *given = json_pack("{s:i, s:s, s:[i,i], s:{s:b}}", "process_status", 0, "timestamp", "2022060512",
                              "list", 1, 2, "inner", "on", 1);
    struct resource_map *m = NULL;
    struct mapped mapped;
    json_t *result = NULL;
    struct err err;

    if (newline != NULL &&
        resource_map_parse((const char *)newline + 1, n - length - 1, "map", &m, &err) == 0) {
        if (resource_map_apply(m, arn, given, NULL, &mapped, &err) == 0) {
            if (mapped.type == NULL || mapped.parameters == NULL)
                abort();
            if (mapped_result(&mapped, given, &result, &err) == 0 && result == NULL)
                abort();
            json_decref(result);
            mapped_release(&mapped);
        }
    }
    resource_map_free(m);
    json_decref(given);
    free(arn);
    return 0;
}

/*
 * First line: a path. The rest: JSON. What is a reference path can be read and written, and reads back what
 * was put; what is none fails in both.
 */
#include "orchestrator/path.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void try_path(const char *path, json_t *root)
{
    json_t *value = json_pack("{s:i}", "put", 1), *made = NULL, *found = NULL;
    struct scope s = {.input = root};
    int kind = path_kind(path, false), rc;
    struct err err;

    rc = path_get(path, &s, &found, &err);
    if (kind == 1 && (rc < 0 || (rc > 0) != (found != NULL)))
        abort();
    if (kind == -1 && path[0] == '$' && path_kind(path, true) == -1 && rc >= 0)
        abort();
    rc = path_put(path, root, value, &made, &err);
    if (kind != 1 && rc >= 0)
        abort();
    if (rc >= 0) {
        s.input = made;
        if (path_get(path, &s, &found, &err) != 1 || !json_equal(found, value))
            abort();
        json_decref(made);
    }
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const uint8_t *newline = memchr(data, '\n', n);
    size_t length = newline != NULL ? (size_t)(newline - data) : n;
    char *path = xstrndup((const char *)data, length);
    json_t *root = NULL, *before;
    struct err err;

    if (newline == NULL || json_parse((const char *)newline + 1, n - length - 1, "input", &root, &err) < 0)
        root = json_object();
    before = json_deep_copy(root);
    try_path(path, root);
    if (!json_equal(root, before))
        abort();
    json_decref(before);
    json_decref(root);
    free(path);
    return 0;
}

/*
 * First line: a path or an intrinsic function. The rest: JSON. What the checker takes can be worked out, twice with the same
 * result, and leaves its input as it was; what it refuses fails.
 */
#include "orchestrator/intrinsic.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int once(const char *text, const json_t *input, json_t **ret, struct err *err)
{
    json_t *vars = json_pack("{s:[i,{s:s}]}", "v", 1, "k", "x");
    uint64_t random = 1;
    struct scope s = {.input = input, .context = input, .vars = vars, .random = &random};
    int rc = expression_value(text, "field.$", &s, ret, err);

    json_decref(vars);
    return rc;
}

static void try_text(const char *text, const json_t *input)
{
    json_t *first = NULL, *second = NULL;
    struct err err = {0}, again = {0};
    int marks = 0;
    int good = intrinsic_is(text) ? intrinsic_check(text, &marks, &err) : path_check(text, &marks, &err);
    int rc = once(text, input, &first, &err), more = once(text, input, &second, &again);

    if ((good < 0 && rc >= 0) || (rc < 0 && err.msg[0] == '\0') || (rc < 0) != (more < 0))
        abort();
    if (rc >= 0 && !json_equal(first, second))
        abort();
    if (rc >= 0) {
        json_decref(first);
        json_decref(second);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const uint8_t *newline = memchr(data, '\n', n);
    size_t length = newline != NULL ? (size_t)(newline - data) : n;
    char *text = xstrndup((const char *)data, length);
    json_t *input = NULL, *before;
    struct err err;

    if (newline == NULL || json_parse((const char *)newline + 1, n - length - 1, "input", &input, &err) < 0)
        input = json_object();
    before = json_deep_copy(input);
    try_text(text, input);
    if (!json_equal(input, before))
        abort();
    json_decref(before);
    json_decref(input);
    free(text);
    return 0;
}

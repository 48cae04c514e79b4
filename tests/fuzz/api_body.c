/*
 * A body is refused with a sentence, or its arguments are what the tick may act on: they survive being written down, partitions
 * are partitions, and no table's name leads anywhere as a part of a path. The first byte chooses the kind.
 */
#include "orchestrator/api_body.h"
#include "base/limits.h"
#include "base/mem.h"
#include "steps/step.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_name(const json_t *v)
{
    const char *s = json_string_value(v);

    if (s != NULL && (*s == '\0' || *s == '.' || strpbrk(s, "/\\") != NULL || strstr(s, "..") != NULL))
        abort();
}

static void check_part(const struct pipeline *p, const json_t *v)
{
    struct err err;
    int64_t start;

    if (v != NULL && part_parse(p->period, json_string_value(v), &start, &err) < 0)
        abort();
}

static void check(const struct pipeline *p, const struct api_body *b)
{
    static const char *const parts[] = {"partition", "from", "to"}, *const names[] = {"table", "into", "run"};
    const json_t *item;
    struct err err;
    size_t i;

    for (i = 0; i < 3; i++) {
        check_part(p, json_object_get(b->args, parts[i]));
        check_name(json_object_get(b->args, names[i]));
    }
    json_array_foreach(json_object_get(b->args, "tables"), i, item) {
        if (!json_is_string(item))
            abort();
        check_name(item);
    }
    if (b->reason == NULL || strlen(b->reason) > MAX_REASON)
        abort();
    char *text = json_text(b->args);
    json_t *again = NULL;
    if (json_parse(text, strlen(text), "arguments", &again, &err) < 0 || !json_equal(again, b->args))
        abort();
    json_decref(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const kinds[] = {"replay", "retry",       "skip",   "pause",
                                        "resume", "acknowledge", "backup", "restore"};
    const struct pipeline p = {.name = "loans", .period = PERIOD_HOUR};
    struct api_body b = {0};
    struct err err = {0};

    if (n == 0)
        return 0;
    char *text = xstrndup((const char *)data + 1, n - 1);
    const struct serve_request q = {.body = {text, n - 1}, .content_type = "application/json"};
    if (api_body_read(&q, kinds[data[0] % 8], &p, &b, &err) == 0)
        check(&p, &b);
    else if (err.code != ERR_USAGE || err.msg[0] == '\0')
        abort();
    api_body_release(&b);
    free(text);
    return 0;
}

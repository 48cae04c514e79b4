#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/intrinsic_int.h"
#include "orchestrator/java.h"

enum {
    MAX_RANGE = 1000,         /* as on AWS */
    MAX_UNIQUE_WORK = 5000000 /* nodes that ArrayUnique compares: values may be made to collide */
};

static json_t *mutable(const json_t *v)
{
    return (json_t *)(uintptr_t)v; /* jansson counts references through const */
}

int intrinsic_array(const struct call *c, json_t **ret, struct err *err)
{
    UNUSED(err);
    *ret = json_array();
    for (size_t i = 0; i < c->count; i++)
        json_array_append(*ret, c->args[i].v);
    return 0;
}

int intrinsic_array_partition(const struct call *c, json_t **ret, struct err *err)
{
    const json_t *array;
    json_t *item, *chunk = NULL;
    int32_t size = 0;
    size_t i;
    int rc = call_array(c, 0, &array, err);

    if (rc < 0 || (rc = call_integer(c, 1, &size, err)) < 0)
        return rc;
    if (size < 1)
        return call_wrong(c, err, "a chunk of %d items is no chunk", size);
    *ret = json_array();
    json_array_foreach(array, i, item) {
        if (i % (size_t)size == 0) {
            chunk = json_array();
            json_array_append_new(*ret, chunk);
        }
        json_array_append(chunk, item);
    }
    return 0;
}

/* Measured on AWS: values are compared as texts, so true is in ["true"]. */
int intrinsic_array_contains(const struct call *c, json_t **ret, struct err *err)
{
    struct buf wanted = BUF_INIT(MAX_PAYLOAD), text = BUF_INIT(MAX_PAYLOAD);
    const json_t *array;
    json_t *item;
    bool found = false;
    size_t i;
    int rc = call_array(c, 0, &array, err);

    if (rc >= 0 && java_text(&wanted, c->args[1].v, err) < 0)
        rc = call_wrong(c, err, "argument 2 is larger than %u bytes", MAX_PAYLOAD);
    if (rc >= 0) {
        json_array_foreach(array, i, item) {
            buf_clear(&text);
            /* what is longer than what is looked for is not it */
            text.max = wanted.n + 1;
            found = java_text(&text, item, err) >= 0 && text.n == wanted.n &&
                    (wanted.n == 0 || memcmp(text.p, wanted.p, wanted.n) == 0);
            if (found)
                break;
        }
        *ret = json_boolean(found);
    }
    buf_release(&wanted);
    buf_release(&text);
    return rc;
}

int intrinsic_array_range(const struct call *c, json_t **ret, struct err *err)
{
    int32_t n[3];
    int64_t count;
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(n); i++)
        if ((rc = call_integer(c, i, &n[i], err)) < 0)
            return rc;
    if (n[2] == 0)
        return call_wrong(c, err, "a step of 0 leads nowhere");
    count = ((int64_t)n[1] - n[0]) / n[2] + 1;
    if ((n[2] > 0) != (n[1] > n[0]) && n[0] != n[1])
        count = 0;
    if (count > MAX_RANGE)
        return call_wrong(c, err, "%lld items are more than %d", (long long)count, MAX_RANGE);
    *ret = json_array();
    for (int64_t i = 0; i < count; i++)
        json_array_append_new(*ret, json_integer(n[0] + i * n[2]));
    return 0;
}

/* Measured on AWS: an array without items gives null, whatever the index; else it must be one of the array. */
int intrinsic_array_get_item(const struct call *c, json_t **ret, struct err *err)
{
    const json_t *array;
    int32_t index = 0;
    int rc = call_array(c, 0, &array, err);

    if (rc < 0 || (rc = call_integer(c, 1, &index, err)) < 0)
        return rc;
    if (json_array_size(array) == 0) {
        *ret = json_null();
        return 0;
    }
    if (index < 0 || (size_t)index >= json_array_size(array))
        return call_wrong(c, err, "there is no item %d in an array of %zu", index, json_array_size(array));
    *ret = json_incref(json_array_get(array, (size_t)index));
    return 0;
}

int intrinsic_array_length(const struct call *c, json_t **ret, struct err *err)
{
    const json_t *array;
    int rc = call_array(c, 0, &array, err);

    if (rc >= 0)
        *ret = json_integer((json_int_t)json_array_size(array));
    return rc;
}

/* Recursion is bounded by the depth of the value. */
static size_t nodes_of(const json_t *v)
{
    size_t n = 1, i;
    const char *key;
    json_t *item;

    json_array_foreach(v, i, item)
        n += nodes_of(item);
    json_object_foreach(mutable(v), key, item)
        n += nodes_of(item);
    return n;
}

/* In the order of a java.util.HashSet that is made of the array: by bucket, then as they came. Measured on AWS. */
int intrinsic_array_unique(const struct call *c, json_t **ret, struct err *err)
{
    const json_t *array;
    int rc = call_array(c, 0, &array, err);
    size_t n, buckets = 16, *head, *tail, *next, work = 0;
    uint32_t *hashes;
    json_t *item;

    if (rc < 0)
        return rc;
    n = json_array_size(array);
    while (buckets < n + n / 3 + 1)
        buckets *= 2;
    head = xcalloc(buckets, sizeof *head); /* of each bucket, 1 + an index of the array */
    tail = xcalloc(buckets, sizeof *tail);
    next = xcalloc(n + 1, sizeof *next);
    hashes = xcalloc(n + 1, sizeof *hashes);
    for (size_t i = 0; i < n && work < MAX_UNIQUE_WORK; i++) {
        uint32_t hash;
        size_t k, nodes = 0;
        item = json_array_get(array, i);
        hashes[i] = hash = (uint32_t)java_hash(item);
        hash = (hash ^ (hash >> 16)) & (uint32_t)(buckets - 1);
        for (k = head[hash]; k != 0 && work < MAX_UNIQUE_WORK; k = next[k - 1]) {
            work++;
            if (hashes[k - 1] != hashes[i])
                continue;
            nodes = nodes > 0 ? nodes : nodes_of(item);
            work += nodes;
            if (json_equal(json_array_get(array, k - 1), item))
                break;
        }
        if (k != 0)
            continue;
        if (head[hash] == 0)
            head[hash] = i + 1;
        else
            next[tail[hash] - 1] = i + 1;
        tail[hash] = i + 1;
    }
    if (work >= MAX_UNIQUE_WORK) {
        rc = call_wrong(c, err, "its values are too much alike");
    } else {
        *ret = json_array();
        for (size_t b = 0; b < buckets; b++)
            for (size_t k = head[b]; k != 0; k = next[k - 1])
                json_array_append(*ret, json_array_get(array, k - 1));
    }
    free(head);
    free(tail);
    free(next);
    free(hashes);
    return rc;
}

int intrinsic_json_merge(const struct call *c, json_t **ret, struct err *err)
{
    for (size_t i = 0; i < 2; i++)
        if (!json_is_object(c->args[i].v))
            return call_wrong(c, err, "argument %zu is %s where an object is expected", i + 1,
                              json_kind(c->args[i].v));
    if (json_is_true(c->args[2].v))
        return call_wrong(c, err, "there is no deep merge; the third argument must be false");
    *ret = json_copy(mutable(c->args[0].v));
    json_object_update(*ret, c->args[1].v);
    return 0;
}

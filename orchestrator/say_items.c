#include "orchestrator/say_items.h"
#include "base/civil.h"
#include "base/mem.h"

enum { SAID_ONE_BY_ONE = 5 };

char *items_key(const char *pipeline, const char *class, const char *part)
{
    return xasprintf("%s %s %s", pipeline, class, part);
}

struct item *items_add(struct items *l, const char *pipeline, const char *class, const char *part,
                       const char *text, const char *hint)
{
    if (l->n == l->cap) {
        l->cap = l->cap == 0 ? 16 : 2 * l->cap;
        l->v = xrealloc(l->v, l->cap * sizeof *l->v);
    }
    l->v[l->n] = (struct item){.key = items_key(pipeline, class, part),
                               .pipeline = xstrdup(pipeline),
                               .class = xstrdup(class),
                               .part = xstrdup(part),
                               .text = xstrdup(text),
                               .hint = xstrdup(hint),
                               .ending = xstrdup("")};
    return &l->v[l->n++];
}

static void release(struct item *i)
{
    free(i->key);
    free(i->pipeline);
    free(i->class);
    free(i->part);
    free(i->text);
    free(i->hint);
    free(i->ending);
}

void items_clear(struct items *l)
{
    for (size_t i = 0; i < l->n; i++)
        release(&l->v[i]);
    free(l->v);
    *l = (struct items){0};
}

static int by_key(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    return strcmp(x->key, y->key);
}

static int to_tell(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int rc = x->gone - y->gone;

    if (rc == 0)
        rc = strcmp(x->pipeline, y->pipeline);
    if (rc == 0)
        rc = strcmp(x->class, y->class);
    if (rc == 0)
        rc = x->again - y->again;
    return rc == 0 ? strcmp(x->key, y->key) : rc;
}

/* A second one under the same key would never be marked as said, and be told by every tick. */
void items_sort(struct items *l)
{
    size_t kept = 0;

    if (l->n > 0)
        qsort(l->v, l->n, sizeof *l->v, by_key);
    for (size_t i = 0; i < l->n; i++) {
        if (kept > 0 && strcmp(l->v[kept - 1].key, l->v[i].key) == 0)
            release(&l->v[i]);
        else
            l->v[kept++] = l->v[i];
    }
    l->n = kept;
}

void items_sort_to_tell(struct items *l)
{
    if (l->n > 0)
        qsort(l->v, l->n, sizeof *l->v, to_tell);
}

struct item *items_find(const struct items *l, const char *key)
{
    char *copy = xstrdup(key);
    const struct item wanted = {.key = copy};
    struct item *found = l->n == 0 ? NULL : bsearch(&wanted, l->v, l->n, sizeof *l->v, by_key);

    free(copy);
    return found;
}

/* The first whose key is not before `key`. */
static size_t lower_bound(const struct items *l, const char *key)
{
    size_t low = 0, high = l->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(l->v[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* From class to class of the pipeline, by key: asked for each of many, a walk over all of them would take minutes. */
bool items_other_stands(const struct items *l, const char *pipeline, const char *part)
{
    char *key = xasprintf("%s ", pipeline);
    bool found = false;

    for (size_t i = lower_bound(l, key); !found && i < l->n && strcmp(l->v[i].pipeline, pipeline) == 0;
         i = lower_bound(l, key)) {
        free(key);
        key = items_key(pipeline, l->v[i].class, part);
        const struct item *same = items_find(l, key);
        found = same != NULL && !same->gone;
        free(key);
        key = xasprintf("%s %s!", pipeline, l->v[i].class); /* behind its last: '!' comes after ' ' */
    }
    free(key);
    return found;
}

bool items_due(const struct items *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].due)
            return true;
    return false;
}

static bool same_group(const struct item *a, const struct item *b)
{
    return a->gone == b->gone && a->again == b->again && strcmp(a->pipeline, b->pipeline) == 0 &&
           strcmp(a->class, b->class) == 0;
}

size_t items_stand_for(const struct items *l, size_t i)
{
    const struct item *it = &l->v[i];
    size_t before = 0, after = 0;

    if (!it->due)
        return 0;
    for (size_t k = i; k-- > 0 && same_group(&l->v[k], it) && before <= SAID_ONE_BY_ONE;)
        before += l->v[k].due;
    if (before < SAID_ONE_BY_ONE)
        return 1;
    if (before > SAID_ONE_BY_ONE)
        return 0;
    for (size_t k = i + 1; k < l->n && same_group(&l->v[k], it); k++)
        after += l->v[k].due;
    return after + 1;
}

/* A channel is an ALERT, a request a REQUEST. */
static bool of_execution(const struct item *it)
{
    return it->pipeline[0] == '\0' && strcmp(it->class, "FAILED") == 0;
}

const char *items_whose(const struct item *it)
{
    return it->pipeline[0] != '\0' ? it->pipeline : of_execution(it) ? "executions" : "alerts";
}

void item_line(const struct item *it, size_t count, struct item_line *ret)
{
    const char *name = items_whose(it);
    char since[CIVIL_RFC3339_SIZE];

    if (of_execution(it))
        snprintf(ret->where, sizeof ret->where, "%s", it->part);
    else
        snprintf(ret->where, sizeof ret->where, "%s%s%s", name, it->part[0] != '\0' ? "/" : "", it->part);
    snprintf(ret->hint, sizeof ret->hint, "%s", it->gone ? "" : it->hint);
    if (count > 1) {
        snprintf(ret->text, sizeof ret->text, "and %zu more %s", count,
                 it->gone ? "are well again" : it->class);
        snprintf(ret->where, sizeof ret->where, "%s", name);
        snprintf(ret->hint, sizeof ret->hint, "orch status%s%s lists them",
                 it->pipeline[0] != '\0' ? " " : "", it->pipeline);
    } else if (it->gone && it->ending[0] != '\0') {
        snprintf(ret->text, sizeof ret->text, "settled: %s; it was %s: %s", it->ending, it->class, it->text);
    } else if (it->gone && !it->again) {
        snprintf(ret->text, sizeof ret->text, "opened at %s and well again meanwhile; it was %s: %s",
                 civil_rfc3339(it->opened_ms, false, since), it->class, it->text);
    } else if (it->gone) {
        snprintf(ret->text, sizeof ret->text, "well again; it was %s: %s", it->class, it->text);
    } else {
        snprintf(ret->text, sizeof ret->text, "%s%s: %s", it->again ? "still " : "", it->class, it->text);
    }
}

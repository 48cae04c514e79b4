#include "steps/listing.h"
#include "base/mem.h"
#include "base/str.h"
#include "steps/manifest.h"

enum { DAY_MS = 86400000 };

static const char *const state_names[] = {"", "WAITING", "LATE", "EMPTY", "QUEUED", "SKIPPED", "ADOPTED"};

const char *part_state_name(enum part_state s)
{
    return state_names[s];
}

static enum part_state state_by_name(const char *name)
{
    for (size_t i = 1; i < ARRAY_LEN(state_names); i++)
        if (strcmp(state_names[i], name) == 0)
            return (enum part_state)i;
    return PART_NONE;
}

static int on_row(void *arg, const struct partition_row *row, struct err *err)
{
    struct listing *l = arg;
    const struct pipeline *p = l->c->pipeline;
    struct err unused;
    int64_t start;

    UNUSED(err);
    /* A row of another period is of an earlier configuration: its objects are known by their keys all the
     * same. */
    if (part_parse(p->period, row->part, &start, &unused) < 0 || start < p->since_ms)
        return 0;
    size_t i = (size_t)((start - p->since_ms) / period_ms(p->period));
    if (i >= l->part_count)
        return 0;
    l->parts[i].state = state_by_name(row->state);
    l->parts[i].open = row->open;
    l->parts[i].since_ms = row->since_ms;
    l->parts[i].listed_ms = row->listed_ms;
    return 0;
}

static bool wanted(const struct listing *l, const struct part *p)
{
    const struct pipeline *config = l->c->pipeline;
    bool settled = p->state != PART_NONE && !p->open;

    if (p->state == PART_SKIPPED)
        return false;
    if (!settled && p->state != PART_ADOPTED)
        return true;
    return p->start_ms + period_ms(config->period) > l->now_ms - config->lookback_ms ||
           p->listed_ms <= l->now_ms - DAY_MS || p->listed_ms > l->now_ms;
}

static int make_parts(struct listing *l, int64_t as_of_ms, struct err *err)
{
    const struct pipeline *p = l->c->pipeline;
    int64_t step = period_ms(p->period);
    int64_t last = period_floor(p->period, as_of_ms) - step; /* the newest that is closed */
    char first[PART_SIZE];

    if (p->until_ms >= 0 && p->until_ms < last)
        last = p->until_ms;
    int64_t n = last < p->since_ms ? 0 : (last - p->since_ms) / step + 1;
    if (n > MAX_PARTITIONS) {
        err_set(err, ERR_TOO_LARGE, "%s: %lld partitions since %s, at most %d are allowed", p->name,
                (long long)n, part_name(p->period, p->since_ms, first), MAX_PARTITIONS);
        return err_hint(err, "raise \"since\" of the source");
    }
    l->part_count = (size_t)n;
    l->parts = xcalloc(l->part_count, sizeof *l->parts);
    for (size_t i = 0; i < l->part_count; i++) {
        l->parts[i].start_ms = p->since_ms + (int64_t)i * step;
        part_name(p->period, l->parts[i].start_ms, l->parts[i].name);
    }
    int rc = partition_list(l->c->store, p->name, NULL, NULL, on_row, l, err);
    for (size_t i = 0; rc == 0 && i < l->part_count; i++)
        l->parts[i].want = wanted(l, &l->parts[i]);
    return rc;
}

int listing_prefix(const struct pipeline *p, int64_t start_ms, char out[PREFIX_SIZE], struct err *err)
{
    char part[PREFIX_SIZE];
    int rc = part_prefix(p->layout, start_ms, part, err);

    if (rc < 0)
        return rc;
    int n = snprintf(out, PREFIX_SIZE, "%s%s", p->prefix ? p->prefix : "", part);
    if (n < 0 || n >= PREFIX_SIZE)
        return err_set(err, ERR_CONFIG, "%s: prefix and layout give a prefix of more than %d bytes", p->name,
                       PREFIX_SIZE - 1);
    return 0;
}

/* Whether some other day's objects begin with the prefix too: neighbours of every size tell. */
static int is_of_one_day(const struct pipeline *p, int64_t day_ms, const char *prefix, bool *ret,
                         struct err *err)
{
    static const int days[] = {-1, 1, -10, 10, -31, 31, -100, 100, -366, 366, -3653, 3653};
    char other[PREFIX_SIZE];
    int rc = 0;

    *ret = prefix[0] != '\0';
    for (size_t i = 0; rc == 0 && *ret && i < ARRAY_LEN(days); i++)
        for (int hour = 0; rc == 0 && *ret && hour < 24; hour += 23) {
            rc = listing_prefix(p, day_ms + days[i] * (int64_t)DAY_MS + hour * (int64_t)3600000, other, err);
            *ret = rc == 0 && !str_starts(other, prefix);
        }
    return rc;
}

/*
 * The longest prefix that the day's hours share, when it is the day's own: one listing instead of 24. Up to a
 * '/' where that will do, so that what lies beside the hours' folders is seen, and said to be left out.
 */
static int day_prefix(const struct pipeline *p, int64_t day_ms, char out[PREFIX_SIZE], bool *ret,
                      struct err *err)
{
    char other[PREFIX_SIZE], whole[PREFIX_SIZE];
    int rc = listing_prefix(p, day_ms, whole, err);

    for (int hour = 1; rc == 0 && hour < 24; hour++) {
        rc = listing_prefix(p, day_ms + hour * (int64_t)3600000, other, err);
        size_t n = 0;
        while (rc == 0 && whole[n] != '\0' && whole[n] == other[n])
            n++;
        whole[n] = '\0';
    }
    if (rc < 0)
        return rc;
    char *slash = strrchr(whole, '/');
    snprintf(out, PREFIX_SIZE, "%.*s", slash != NULL ? (int)(slash - whole) + 1 : 0, whole);
    rc = is_of_one_day(p, day_ms, out, ret, err);
    if (rc < 0 || *ret)
        return rc;
    memcpy(out, whole, PREFIX_SIZE);
    return is_of_one_day(p, day_ms, out, ret, err);
}

static struct unit *add_unit(struct listing *l, size_t first, size_t count)
{
    if (l->unit_count % 64 == 0)
        l->units = xrealloc(l->units, (l->unit_count + 64) * sizeof *l->units);
    struct unit *u = &l->units[l->unit_count++];
    *u = (struct unit){.first = first, .count = count, .listed_ms = INT64_MAX};
    for (size_t i = first; i < first + count; i++)
        if (l->parts[i].want && l->parts[i].listed_ms < u->listed_ms)
            u->listed_ms = l->parts[i].listed_ms;
    return u;
}

/* The units of parts [first, end), which are of one day. */
static int add_day(struct listing *l, size_t first, size_t end, struct err *err)
{
    const struct pipeline *p = l->c->pipeline;
    char prefix[PREFIX_SIZE];
    size_t n = 0;
    bool one = false;
    int rc = 0;

    for (size_t i = first; i < end; i++)
        n += l->parts[i].want;
    if (n > 1)
        rc = day_prefix(p, period_floor(PERIOD_DAY, l->parts[first].start_ms), prefix, &one, err);
    if (rc == 0 && one) {
        memcpy(add_unit(l, first, end - first)->prefix, prefix, sizeof prefix);
        return 0;
    }
    for (size_t i = first; rc == 0 && i < end; i++)
        if (l->parts[i].want)
            rc = listing_prefix(p, l->parts[i].start_ms, add_unit(l, i, 1)->prefix, err);
    return rc;
}

static int by_listed(const void *a, const void *b)
{
    const struct unit *x = a, *y = b;

    if (x->listed_ms != y->listed_ms)
        return x->listed_ms < y->listed_ms ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static int by_time(const void *a, const void *b)
{
    const struct unit *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

int listing_plan(struct step_ctx *c, int64_t as_of_ms, int64_t now_ms, struct listing *ret, struct err *err)
{
    *ret = (struct listing){.c = c, .now_ms = now_ms, .arena = arena_new()};
    int rc = make_parts(ret, as_of_ms, err);

    for (size_t i = 0, end; rc == 0 && i < ret->part_count; i = end) {
        int64_t day = period_floor(PERIOD_DAY, ret->parts[i].start_ms);
        for (end = i + 1; end < ret->part_count && ret->parts[end].start_ms < day + DAY_MS;)
            end++;
        rc = add_day(ret, i, end, err);
    }
    /* Least recently listed first, so that no number of hopeless partitions keeps the others from being
     * looked at. */
    if (rc == 0 && ret->unit_count > MAX_LISTINGS) {
        ret->cut = true;
        qsort(ret->units, ret->unit_count, sizeof *ret->units, by_listed);
        ret->unit_count = MAX_LISTINGS;
        qsort(ret->units, ret->unit_count, sizeof *ret->units, by_time);
    }
    return rc;
}

struct listing_arg {
    struct listing *l;
    const struct unit *u;
    char (*prefixes)[PREFIX_SIZE]; /* of the unit's partitions */
};

void listing_leave_out(struct listing *l, const char *key, int64_t size)
{
    size_t n = strlen(key);

    if (size == 0 && n > 0 && key[n - 1] == '/') /* a folder, as consoles make them: no file */
        return;
    if (l->left_out++ == 0)
        str_printable(key, n, l->left_out_example, sizeof l->left_out_example);
}

static int keep_manifest(struct listing *l, size_t part, const struct object_info *o, struct err *err)
{
    if (l->manifest_count == MAX_LISTED)
        return err_set(err, ERR_TOO_LARGE, "more than %d manifests", MAX_LISTED);
    if (l->manifest_count == l->manifest_cap) {
        l->manifest_cap = l->manifest_cap ? l->manifest_cap * 2 : 16;
        l->manifests = xrealloc(l->manifests, l->manifest_cap * sizeof *l->manifests);
    }
    struct manifest_seen *m = &l->manifests[l->manifest_count++];
    *m = (struct manifest_seen){part, *o};
    m->o.key = arena_strndup(l->arena, o->key, strlen(o->key));
    m->o.etag = o->etag ? arena_strndup(l->arena, o->etag, strlen(o->etag)) : "";
    m->o.version_id = o->version_id ? arena_strndup(l->arena, o->version_id, strlen(o->version_id)) : NULL;
    return 0;
}

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct listing_arg *a = arg;
    struct listing *l = a->l;
    size_t k = 0;

    while (k < a->u->count && !str_starts(o->key, a->prefixes[k]))
        k++;
    if (k < a->u->count && l->c->pipeline->manifest && manifest_is_key(o->key))
        return keep_manifest(l, a->u->first + k, o, err);
    if (k == a->u->count || !include_matches(l->c->pipeline, o->key)) {
        /* Beside all partitions of a day that is only partly due: perhaps of an hour that is not closed yet.
         */
        if (k < a->u->count || a->u->count == 24)
            listing_leave_out(l, o->key, o->size);
        return 0;
    }
    if (l->seen_count == MAX_LISTED)
        return err_set(err, ERR_TOO_LARGE, "more than %d objects under %s", MAX_LISTED, a->u->prefix);
    if (l->seen_count == l->seen_cap) {
        l->seen_cap = l->seen_cap ? l->seen_cap * 2 : 256;
        l->seen = xrealloc(l->seen, l->seen_cap * sizeof *l->seen);
    }
    const char *etag = o->etag ? o->etag : "";
    l->seen[l->seen_count++] = (struct seen){
        .part = a->u->first + k,
        .o = {.pipeline = l->c->pipeline->name,
              .part = l->parts[a->u->first + k].name,
              .key = arena_strndup(l->arena, o->key, strlen(o->key)),
              .etag = arena_strndup(l->arena, etag, strlen(etag)),
              .version_id =
                  o->version_id ? arena_strndup(l->arena, o->version_id, strlen(o->version_id)) : NULL,
              .size = o->size,
              .mtime_ns = o->mtime_ns,
              .modified_ms = o->modified_ms,
              .now_ms = l->now_ms}};
    return 0;
}

int listing_run(struct listing *l, const struct unit *u, struct err *err)
{
    struct listing_arg a = {.l = l, .u = u, .prefixes = xcalloc(u->count, sizeof *a.prefixes)};
    struct source *source;
    size_t first = l->seen_count;

    int rc = step_source(l->c, &source, err);
    for (size_t i = 0; rc == 0 && i < u->count; i++)
        rc = listing_prefix(l->c->pipeline, l->parts[u->first + i].start_ms, a.prefixes[i], err);
    if (rc == 0)
        rc = source_list(source, u->prefix, on_object, &a, err);
    if (rc == 0 && l->c->pipeline->manifest)
        rc = listing_manifests(l, first, err);
    free(a.prefixes);
    return rc;
}

static int by_part_and_key(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;

    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return strcmp(x->o.key, y->o.key);
}

void listing_sort(struct listing *l)
{
    if (l->seen_count > 0)
        qsort(l->seen, l->seen_count, sizeof *l->seen, by_part_and_key);
}

void listing_clear(struct listing *l)
{
    l->seen_count = 0;
    for (size_t i = 0; i < l->part_count; i++)
        l->parts[i].hold = NULL;
    arena_reset(l->arena);
}

void listing_release(struct listing *l)
{
    free(l->parts);
    free(l->units);
    free(l->seen);
    free(l->manifests);
    arena_free(l->arena);
    *l = (struct listing){0};
}

#include "orchestrator/view.h"
#include "base/mem.h"
#include "state/queue.h"

struct viewing {
    json_t *by_part; /* part -> partition */
};

const char *view_str(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

int64_t view_int(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const struct {
    const char *state, *glyph;
    int weight; /* of several jobs the heaviest is the partition's state */
    bool well;
} states[] = {
    {"DEAD", "✖", 9, false},       {"FAILED", "✖", 8, false},  {"MISMATCHED", "≠", 7, false},
    {"PROCESSING", "·", 6, false}, {"QUEUED", "·", 5, false},  {"LOADED", "●", 4, false},
    {"RECONCILED", "●", 3, true},  {"EMPTY", "–", 2, true},    {"SKIPPED", "–", 0, true},
    {"ADOPTED", "●", 0, true},     {"WAITING", "·", 0, false}, {"LATE", "▲", 0, false},
};

static size_t state_at(const char *state)
{
    size_t i = 0;

    while (i < ARRAY_LEN(states) - 1 && strcmp(states[i].state, state) != 0)
        i++;
    return i;
}

const char *view_glyph(const char *state)
{
    return states[state_at(state)].glyph;
}

bool view_is_well(const json_t *partition)
{
    const char *state = view_str(partition, "state");

    return states[state_at(state)].well ||
           (strcmp(state, "LOADED") == 0 && json_is_true(json_object_get(partition, "unverifiable")));
}

static json_t *partition_of(struct viewing *v, const char *part)
{
    json_t *o = json_object_get(v->by_part, part);

    if (o == NULL) {
        o = json_pack("{s:s,s:s,s:n,s:n,s:s,s:i,s:i,s:i,s:i,s:b,s:[]}", "partition", part, "state", "WAITING",
                      "since", "listed", "reason", "", "objects", 0, "rows_read", 0, "rows_loaded", 0,
                      "rows_rejected", 0, "unverifiable", 0, "jobs");
        json_object_set_new(v->by_part, part, o);
    }
    return o;
}

static int on_partition(void *arg, const struct partition_row *p, struct err *err)
{
    json_t *o = partition_of(arg, p->part);

    UNUSED(err);
    json_object_set_new(o, "state", json_string(p->state));
    json_object_set_new(o, "since", cli_json_time(p->since_ms));
    json_object_set_new(o, "listed", cli_json_time(p->listed_ms));
    json_object_set_new(o, "reason", cli_json_text(p->reason));
    return 0;
}

static json_t *job_json(const struct job *j)
{
    char name[JOB_NAME_SIZE];
    json_t *o = json_pack("{s:I,s:s,s:I,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "id", j->id, "job",
                          job_name(j, name), "n", j->n, "kind", j->kind, "state", j->state, "attempts",
                          j->attempts, "tries", j->tries, "objects", j->objects, "rows_read", j->rows_read,
                          "rows_loaded", j->rows_loaded, "rows_rejected", j->rows_rejected);

    json_object_set_new(o, "bytes", json_integer(j->bytes));
    json_object_set_new(o, "error", cli_json_text(j->error));
    json_object_set_new(o, "message", cli_json_text(j->message));
    json_object_set_new(o, "hint", cli_json_text(j->hint));
    json_object_set_new(o, "reason", cli_json_text(j->reason != NULL ? j->reason : ""));
    json_object_set_new(o, "who", cli_json_text(j->who != NULL ? j->who : ""));
    json_object_set_new(o, "unverifiable", json_boolean(j->unverifiable));
    json_object_set_new(o, "not_before", cli_json_time(j->not_before_ms));
    json_object_set_new(o, "created", cli_json_time(j->created_ms));
    json_object_set_new(o, "updated", cli_json_time(j->updated_ms));
    json_object_set_new(o, "loaded", cli_json_time(j->loaded_ms));
    json_object_set_new(o, "reconciled", cli_json_time(j->reconciled_ms));
    return o;
}

static void add(json_t *o, const char *key, int64_t n)
{
    json_object_set_new(o, key, json_integer(view_int(o, key) + n));
}

static int on_job(void *arg, const struct job *j, struct err *err)
{
    json_t *o = partition_of(arg, j->part);
    const char *state = view_str(o, "state");
    size_t now = state_at(state), mine = state_at(j->state);

    UNUSED(err);
    json_array_append_new(json_object_get(o, "jobs"), job_json(j));
    if (strcmp(j->state, "SUPERSEDED") == 0)
        return 0;
    add(o, "objects", j->objects);
    add(o, "rows_read", j->rows_read);
    add(o, "rows_loaded", j->rows_loaded);
    add(o, "rows_rejected", j->rows_rejected);
    if (j->unverifiable)
        json_object_set_new(o, "unverifiable", json_true());
    if (strcmp(state, "SKIPPED") == 0 || strcmp(state, "ADOPTED") == 0)
        return 0;
    /* a partition that says QUEUED means: its jobs tell */
    bool first = json_object_get(o, "judged") == NULL;
    if (first || states[mine].weight > states[now].weight)
        json_object_set_new(o, "state", json_string(j->state));
    json_object_set_new(o, "judged", json_true());
    return 0;
}

bool view_newest(const struct pipeline *p, int64_t now_ms, int64_t *ret_start_ms)
{
    int64_t start = period_floor(p->period, now_ms) - period_ms(p->period);

    if (p->until_ms >= 0 && p->until_ms < start)
        start = p->until_ms;
    *ret_start_ms = start;
    return start >= p->since_ms;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *in_order(const json_t *by_part)
{
    size_t n = json_object_size(by_part), i = 0;
    const char **names = xcalloc(n + 1, sizeof *names), *name;
    json_t *list = json_array(), *o;

    json_object_foreach((json_t *)(uintptr_t)by_part, name, o)
        names[i++] = name;
    qsort(names, n, sizeof *names, by_name);
    for (i = 0; i < n; i++) {
        o = json_object_get(by_part, names[i]);
        json_object_del(o, "judged");
        json_array_append(list, o);
    }
    free(names);
    return list;
}

int view_partitions(struct store *s, const struct pipeline *p, const char *from, const char *to,
                    int64_t now_ms, json_t **ret_owned, struct err *err)
{
    struct viewing v = {json_object()};
    int64_t first = p->since_ms, last, given;
    char part[PART_SIZE];
    int rc = 0;

    if (from != NULL && (rc = part_parse(p->period, from, &given, err)) == 0 && given > first)
        first = given;
    bool any = view_newest(p, now_ms, &last);
    if (rc == 0 && to != NULL && (rc = part_parse(p->period, to, &given, err)) == 0 && given < last)
        last = given;
    if (rc < 0)
        goto out;
    for (int64_t at = first; any && at <= last; at += period_ms(p->period))
        partition_of(&v, part_name(p->period, at, part));
    rc = partition_list(s, p->name, from, to, on_partition, &v, err);
    if (rc == 0)
        rc = job_list(s, p->name, from, to, on_job, &v, err);
    if (rc == 0)
        *ret_owned = in_order(v.by_part);
out:
    json_decref(v.by_part);
    return rc < 0 ? rc : 0;
}

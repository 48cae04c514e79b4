#include "orchestrator/mock.h"
#include "base/limits.h"
#include "base/mem.h"

enum { MAX_CALL = 1000000000 }; /* of a number in "0-N" */

struct range {
    int64_t from, to;
    const json_t *answer; /* {"Return": ...} or {"Throw": ...}, borrowed from the file */
};
struct response {
    struct range *ranges; /* owned, in order */
    size_t count;
};
struct mocked { /* one state; several may share a response, which a large file would otherwise multiply */
    size_t response;
    int64_t calls;
};
struct mock {
    json_t *file; /* owned; all else borrows from it */
    const char *machine;
    json_t *index, *response_index; /* owned: name -> place in states, in responses */
    struct mocked *states;          /* owned */
    struct response *responses;     /* owned */
    size_t count, response_count;
};

void mock_free(struct mock *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->response_count; i++)
        free(m->responses[i].ranges);
    free(m->responses);
    free(m->states);
    json_decref(m->index);
    json_decref(m->response_index);
    json_decref(m->file);
    free(m);
}

/* The member's name comes from outside, whatever its length. */
static int unknown(const char *where, const char *what, const char *name, const json_t *known,
                   struct err *err)
{
    const char **names = xcalloc(json_object_size(known) + 1, sizeof *names), *key, *nearest;
    size_t n = 0;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)known, key, v)
        names[n++] = key;
    nearest = str_nearest(name, names);
    err_set(err, ERR_USAGE, "mock config: %s has no %s '%.100s'", where, what, name);
    if (nearest != NULL)
        err_hint(err, "the nearest is '%.100s'", nearest);
    free(names);
    return -ERR_USAGE;
}

static int only_members(const json_t *object, const char *where, const char *const *known, struct err *err)
{
    const char *key;
    json_t *v;

    if (!json_is_object(object))
        return err_set(err, ERR_USAGE, "mock config: %s is %s where an object is expected", where,
                       object ? json_kind(object) : "missing");
    json_object_foreach((json_t *)(uintptr_t)object, key, v) {
        const char *const *k = known;
        while (*k != NULL && strcmp(*k, key) != 0)
            k++;
        if (*k == NULL) {
            err_set(err, ERR_USAGE, "mock config: %s has an unknown member '%.100s'", where, key);
            const char *nearest = str_nearest(key, known);
            return nearest != NULL ? err_hint(err, "the nearest is '%s'", nearest) : -ERR_USAGE;
        }
    }
    return 0;
}

/* The one that is named, or the only one. */
static int choose(const json_t *object, const char *where, const char *what, const char *option,
                  const char *name, const char **ret_name, const json_t **ret, struct err *err)
{
    json_t *all = (json_t *)(uintptr_t)object;

    if (!json_is_object(object))
        return err_set(err, ERR_USAGE, "mock config: %s is %s where an object is expected", where,
                       object ? json_kind(object) : "missing");
    if (name == NULL && json_object_size(object) != 1)
        return err_set(err, ERR_USAGE, "mock config: %s has %zu %ss, so %s must say which", where,
                       json_object_size(object), what, option);
    if (name == NULL)
        name = json_object_iter_key(json_object_iter(all));
    *ret = json_object_get(object, name);
    if (*ret == NULL)
        return unknown(where, what, name, object, err);
    *ret_name = json_object_iter_key(json_object_iter_at(all, name));
    return 0;
}

/* "3" or "1-2". */
static int read_range(const char *key, struct range *ret, struct err *err)
{
    size_t digits = strspn(key, "0123456789");
    const char *second = key[digits] == '-' ? key + digits + 1 : key;
    struct err none;

    if (str_to_i64((struct str){key, digits}, 0, MAX_CALL, &ret->from, &none) < 0 ||
        (key[digits] != '\0' && key[digits] != '-') || strspn(second, "0123456789") != strlen(second) ||
        str_to_i64(str_of(second), 0, MAX_CALL, &ret->to, &none) < 0 || ret->to < ret->from) {
        err_set(err, ERR_USAGE, "'%.60s' is no number of a call", key);
        return err_hint(err, "\"0\" is the first call of the state, \"1-2\" the second and the third");
    }
    return 0;
}

static int check_answer(const json_t *v, struct err *err)
{
    static const char *const both[] = {"Return", "Throw", NULL}, *const thrown[] = {"Error", "Cause", NULL};
    const json_t *output = json_object_get(v, "Return"), *thrown_v = json_object_get(v, "Throw"), *part;
    int rc = only_members(v, "an answer", both, err);

    if (rc < 0)
        return rc;
    if ((output != NULL) == (thrown_v != NULL))
        return err_set(err, ERR_USAGE, "mock config: an answer has either 'Return' or 'Throw'");
    if (output != NULL)
        return 0;
    rc = only_members(thrown_v, "'Throw'", thrown, err);
    for (size_t i = 0; rc == 0 && thrown[i] != NULL; i++) {
        part = json_object_get(thrown_v, thrown[i]);
        if (part != NULL && !json_is_string(part))
            rc = err_set(err, ERR_USAGE, "mock config: '%s' of 'Throw' is %s where a string is expected",
                         thrown[i], json_kind(part));
    }
    return rc;
}

static int by_from(const void *a, const void *b)
{
    const struct range *x = a, *y = b;

    return x->from < y->from ? -1 : x->from > y->from;
}

/* The answers of one response, put in order. The sentence says which response and which member. */
static int read_response(struct response *s, const char *name, const json_t *response, struct err *err)
{
    const char *key;
    struct err why;
    json_t *v;
    int rc = 0;

    if (!json_is_object(response) || json_object_size(response) == 0)
        return err_set(err, ERR_USAGE,
                       "mock config: response '%.100s' must be an object with at least one answer", name);
    s->ranges = xcalloc(json_object_size(response), sizeof *s->ranges);
    json_object_foreach((json_t *)(uintptr_t)response, key, v) {
        struct range *r = &s->ranges[s->count++];
        r->answer = v;
        rc = read_range(key, r, &why);
        if (rc == 0)
            rc = check_answer(v, &why);
        if (rc < 0) {
            const char *msg = str_starts(why.msg, "mock config: ") ? why.msg + 13 : why.msg;
            err_set(err, ERR_USAGE, "mock config: response '%.100s', '%.60s': %s", name, key, msg);
            return why.hint[0] != '\0' ? err_hint(err, "%s", why.hint) : -ERR_USAGE;
        }
    }
    qsort(s->ranges, s->count, sizeof *s->ranges, by_from);
    for (size_t i = 1; i < s->count; i++)
        if (s->ranges[i].from <= s->ranges[i - 1].to)
            return err_set(err, ERR_USAGE, "mock config: response '%.100s' has two answers for call %lld",
                           name, (long long)s->ranges[i].from);
    return 0;
}

static int note_task(void *arg, const char *state, const char *resource, struct err *err)
{
    UNUSED(resource);
    UNUSED(err);
    json_object_set_new(arg, state, json_true());
    return 0;
}

static int add_state(struct mock *m, const char *state, const char *name, const json_t *response,
                     struct err *err)
{
    const json_t *at = json_object_get(m->response_index, name);
    struct mocked *s = &m->states[m->count];

    s->response = at != NULL ? (size_t)json_integer_value(at) : m->response_count;
    json_object_set_new(m->index, state, json_integer((json_int_t)m->count++));
    if (at != NULL)
        return 0;
    json_object_set_new(m->response_index, name, json_integer((json_int_t)m->response_count++));
    return read_response(&m->responses[s->response], name, response, err);
}

static int read_states(struct mock *m, const json_t *test_case, const char *case_name,
                       const json_t *responses, const json_t *tasks, struct err *err)
{
    const char *state;
    json_t *v;
    int rc = 0;

    if (!json_is_object(test_case))
        return err_set(err, ERR_USAGE, "mock config: test case '%.100s' is %s where an object is expected",
                       case_name, json_kind(test_case));
    m->states = xcalloc(json_object_size(test_case) + 1, sizeof *m->states);
    m->responses = xcalloc(json_object_size(test_case) + 1, sizeof *m->responses);
    json_object_foreach((json_t *)(uintptr_t)test_case, state, v) {
        const char *name = json_string_value(v);
        const json_t *response = json_object_get(responses, name != NULL ? name : "");
        if (json_object_get(tasks, state) == NULL)
            return unknown("the definition", "Task", state, tasks, err);
        if (name == NULL)
            return err_set(err, ERR_USAGE, "mock config: '%.100s' of test case '%.100s' must name a response",
                           state, case_name);
        if (response == NULL)
            return unknown("'MockedResponses'", "response", name, responses, err);
        rc = add_state(m, state, name, response, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int mock_parse(const char *text, size_t n, const char *machine, const char *test_case, const struct asl *a,
               struct mock **ret, struct err *err)
{
    static const char *const top[] = {"StateMachines", "MockedResponses", NULL};
    static const char *const of_machine[] = {"TestCases", NULL};
    struct mock *m = xcalloc(1, sizeof *m);
    json_t *tasks = json_object();
    const json_t *found = NULL;
    const char *case_name = NULL;
    int rc = json_parse(text, n, "mock config", &m->file, err);

    m->index = json_object();
    m->response_index = json_object();
    if (rc == 0)
        rc = asl_each_task(a, note_task, tasks, err);
    if (rc == 0)
        rc = only_members(m->file, "the file", top, err);
    if (rc == 0)
        rc = choose(json_object_get(m->file, "StateMachines"), "'StateMachines'", "state machine",
                    "--state-machine", machine, &m->machine, &found, err);
    if (rc == 0)
        rc = only_members(found, "a state machine", of_machine, err);
    if (rc == 0)
        rc = choose(json_object_get(found, "TestCases"), "'TestCases'", "test case", "--test-case", test_case,
                    &case_name, &found, err);
    if (rc == 0)
        rc = read_states(m, found, case_name, json_object_get(m->file, "MockedResponses"), tasks, err);
    json_decref(tasks);
    if (rc < 0) {
        mock_free(m);
        err->code = ERR_USAGE;
        return -ERR_USAGE;
    }
    *ret = m;
    return 0;
}

const char *mock_machine(const struct mock *m)
{
    return m->machine;
}

static struct mocked *find(const struct mock *m, const char *state)
{
    const json_t *at = m != NULL ? json_object_get(m->index, state) : NULL;

    return at != NULL ? &m->states[json_integer_value(at)] : NULL;
}

bool mock_has(const struct mock *m, const char *state)
{
    return find(m, state) != NULL;
}

int64_t mock_calls(const struct mock *m, const char *state)
{
    const struct mocked *s = find(m, state);

    return s != NULL ? s->calls : 0;
}

bool mock_next(struct mock *m, const char *state, struct mock_answer *ret)
{
    struct mocked *s = find(m, state);

    if (s == NULL)
        return false;
    const struct response *r = &m->responses[s->response];
    int64_t call = s->calls++;
    size_t low = 0, high = r->count; /* of ranges up to the one that may hold call */
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (r->ranges[mid].to < call)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == r->count || r->ranges[low].from > call)
        return false;
    const json_t *thrown = json_object_get(r->ranges[low].answer, "Throw");
    *ret = (struct mock_answer){.output = json_object_get(r->ranges[low].answer, "Return"),
                                .error = json_string_value(json_object_get(thrown, "Error")),
                                .cause = json_string_value(json_object_get(thrown, "Cause"))};
    return true;
}

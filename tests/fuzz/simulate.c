/*
 * A definition, an input and a mock config, parted by lines "---". Whatever they are: refused with a sentence, or run to
 * an end, twice the same, with a history whose events are numbered and tell of the end. And each state by itself, with
 * an answer and with an error.
 */
#include "orchestrator/simulate.h"
#include "base/mem.h"
#include "orchestrator/test_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MOST = 300, MOST_BYTES = 65536 };

/* The next part of what is left. */
static struct str part(struct str *rest)
{
    const char *mark = rest->n > 0 ? memmem(rest->p, rest->n, "\n---\n", 5) : NULL;
    struct str found = {rest->p, mark != NULL ? (size_t)(mark - rest->p) : rest->n};
    size_t used = mark != NULL ? found.n + 5 : found.n;

    *rest = (struct str){rest->p + used, rest->n - used};
    return found;
}

static void check(const struct simulated *r)
{
    const char *last = NULL;
    json_t *e = NULL;

    if (r->event_count > MOST || r->event_count < 2)
        abort();
    for (int64_t i = 0; i < r->event_count; i++) {
        json_decref(e);
        e = json_loads(r->events[i], 0, NULL);
        json_int_t id = json_integer_value(json_object_get(e, "id"));
        last = json_string_value(json_object_get(e, "type"));
        if (id != i + 1 || json_integer_value(json_object_get(e, "previousEventId")) >= id || last == NULL)
            abort();
    }
    bool good = strcmp(r->status, "SUCCEEDED") == 0;
    if (good != (r->output != NULL) || good != (strcmp(last, "ExecutionSucceeded") == 0))
        abort();
    if (!good && strcmp(r->status, "FAILED") != 0 && strcmp(r->status, "TIMED_OUT") != 0)
        abort();
    json_decref(e);
}

static char *run(const struct asl *a, struct str mocks, const json_t *input)
{
    struct simulated r = {0};
    struct mock *m = NULL;
    struct err err = {0};
    json_t *context = json_pack("{s:{s:s,s:O}}", "Execution", "Id", "id", "Input", input);

    if (mocks.n > 0 && mock_parse(mocks.p, mocks.n, NULL, NULL, a, &m, &err) < 0 && err.msg[0] == '\0')
        abort();
    const struct simulation s = {.asl = a,
                                 .mocks = m,
                                 .context = context,
                                 .start_ms = 1654430400000,
                                 .most_events = MOST,
                                 .most_ms = INT64_MAX,
                                 .most_payload = MOST_BYTES,
                                 .history = true};
    if (simulate(&s, input, &r, &err) < 0)
        abort(); /* what the checker lets through can be executed */
    check(&r);
    struct buf all = BUF_INIT(64 << 20);
    for (int64_t i = 0; i < r.event_count; i++)
        err_ignore(buf_adds(&all, r.events[i], &err));
    char *text = buf_take(&all);
    simulated_release(&r);
    mock_free(m);
    json_decref(context);
    return text;
}

static void test(const struct asl *a, const json_t *input)
{
    json_t *context = json_pack("{s:{s:s,s:O}}", "Execution", "Id", "id", "Input", input), *state, *answer;
    const char *name;
    struct err err;
    int left = 50;

    json_object_foreach((json_t *)(uintptr_t)asl_states(a), name, state) {
        for (int i = 0; i < 2; i++) {
            const struct state_test t = {.asl = a,
                                         .state = name,
                                         .input = input,
                                         .context = context,
                                         .now_ms = 1654430400000,
                                         .retries = i,
                                         .mocked = true,
                                         .result = i == 0 ? input : NULL,
                                         .error = "E"};
            if (test_state(&t, &answer, &err) < 0 || !json_is_string(json_object_get(answer, "status")))
                abort();
            json_decref(answer);
        }
        if (--left == 0)
            break;
    }
    json_decref(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str rest = {(const char *)data, n}, definition = part(&rest), given = part(&rest);
    struct asl_diagnostics d;
    struct asl *a = NULL;
    json_t *input = NULL;
    struct err err = {0};

    if (asl_parse(definition.p, definition.n, &a, &d, &err) == 0) {
        if (json_parse(given.p, given.n, "input", &input, &err) < 0)
            input = json_pack("{s:[i,i],s:s}", "a", 1, 2, "s", "text");
        char *first = run(a, rest, input), *second = run(a, rest, input);
        if (strcmp(first, second) != 0)
            abort();
        free(first);
        free(second);
        test(a, input);
        json_decref(input);
    }
    asl_diagnostics_release(&d);
    asl_free(a);
    return 0;
}

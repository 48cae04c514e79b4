/*
 * Any definition: refused with a reason and a place, or run to an end. Tasks answer in turn with success,
 * errors and time-outs; the interpreter may never crash, hang, or decide something that is no decision.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/graph.h"
#include "orchestrator/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct outcome answer(int turn, const json_t *output)
{
    static const char *const errors[] = {"Orch.Transient", "States.Timeout", "States.HeartbeatTimeout", "E"};

    if (turn % 3 == 0)
        return (struct outcome){
            .kind = OUTCOME_FAILED, .error = errors[turn / 3 % 4], .cause = turn % 2 ? "why" : NULL};
    return (struct outcome){.kind = OUTCOME_SUCCEEDED, .output = output};
}

static void run(const struct asl *a, json_t *input)
{
    json_t *output = json_pack("{s:i,s:[{s:s}],s:b,s:n}", "n", 1, "list", "text", "x", "yes", 1, "null"),
           *context = json_object();
    struct machine *m = machine_new(a, context, 200);
    struct machine_frame *f;
    struct machine_step s;
    struct err err;
    int64_t now = 1654430400000, wake;

    machine_begin(m, input, 1);
    for (int turn = 1; turn < 200; turn++) {
        struct interp_env env = {
            .now_ms = now += turn, .jitter = (uint32_t)turn * 2654435769u, .seed = (uint64_t)turn};
        struct outcome o = answer(turn, output);
        enum machine_next next = machine_next(m, now, &f, &wake);
        int rc = 0;
        s = (struct machine_step){0};
        if (next == MACHINE_ENDED)
            break;
        if (next == MACHINE_LOST)
            abort(); /* what the checker lets through can be executed */
        if (next == MACHINE_WAIT)
            now = wake;
        else if (next == MACHINE_TASK)
            rc = machine_answer(m, f, &o, &env, &s, &err);
        else
            rc = machine_go(m, f, &env, &s, &err);
        if (rc < 0 || s.ended != (machine_end(m).status != NULL))
            abort();
        machine_step_release(&s);
    }
    machine_free(m);
    json_decref(output);
    json_decref(context);
}

/* Whatever the names: a drawing, or too large for one; and no byte that XML does not bear. */
static void draw(const struct asl *a)
{
    static const struct graph_trail none;
    struct buf svg = BUF_INIT(MAX_GRAPH), mermaid = BUF_INIT(MAX_GRAPH);
    struct err err;
    size_t at;

    if (graph_svg(a, &none, "title", &svg, &err) < 0 ? err.code != ERR_TOO_LARGE
                                                     : str_utf8_valid(svg.p, svg.n, &at) == 0)
        abort();
    for (size_t i = 0; i < svg.n; i++)
        if ((unsigned char)svg.p[i] < ' ' && svg.p[i] != '\n')
            abort();
    if (graph_mermaid(a, &none, "title", &mermaid, &err) < 0 && err.code != ERR_TOO_LARGE)
        abort();
    buf_release(&svg);
    buf_release(&mermaid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct asl_diagnostics d;
    struct asl *a = NULL;
    struct err err;

    if (asl_parse((const char *)data, n, &a, &d, &err) < 0) {
        if (err.code != ERR_WORKFLOW || d.errors == 0 || d.items[0].message[0] == '\0')
            abort();
    } else {
        json_t *input = json_pack("{s:{s:i,s:s,s:s},s:[i,i]}", "a", "n", 7, "s", "text", "t",
                                  "2022-06-05T12:00:00Z", "list", 1, 2);
        run(a, input);
        draw(a);
        json_decref(input);
        asl_free(a);
    }
    asl_diagnostics_release(&d);
    return 0;
}

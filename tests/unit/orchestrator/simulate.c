#include "orchestrator/simulate.h"
#include "base/limits.h"
#include "tests/tap.h"

/* Each turn looks at thousands of nodes, and makes two small events. */
static const char slow[] = "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"Parameters\":{\"n.$\":"
                           "\"States.ArrayLength($..*..*..*)\",\"x.$\":\"$.x\"},\"Next\":\"A\"}}}";

TEST(a_simulation_that_takes_too_long_ends)
{
    struct asl_diagnostics d;
    struct asl *a = NULL;
    struct simulated r;
    struct err err;
    json_t *input = json_pack("{s:[[[i,i],[i,i]],[[i,i],[i,i]]]}", "x", 1, 2, 3, 4, 5, 6, 7, 8),
           *context = json_object();

    must_rc(asl_parse(slow, sizeof slow - 1, &a, &d, &err), &err);
    const struct simulation s = {
        .asl = a, .context = context, .most_events = INT32_MAX, .most_ms = 50, .most_payload = MAX_PAYLOAD};
    must_rc(simulate(&s, input, &r, &err), &err);
    is_str(r.status, "FAILED");
    is_str(r.error, "States.Runtime");
    is_str(r.cause, "The simulation took longer than 0 s. It goes round in A.");
    simulated_release(&r);
    json_decref(input);
    json_decref(context);
    asl_diagnostics_release(&d);
    asl_free(a);
}

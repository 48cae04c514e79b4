/*
 * Any mock config: refused with a sentence, or answers that are what one of its responses says.
 */
#include "orchestrator/mock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct asl *definition(void)
{
    static const char text[] =
        "{\"StartAt\":\"A\",\"States\":{"
        "\"A\":{\"Type\":\"Task\",\"Resource\":\"r:a\",\"TimeoutSeconds\":1,\"Next\":\"B\"},"
        "\"B\":{\"Type\":\"Task\",\"Resource\":\"r:b\",\"TimeoutSeconds\":1,\"End\":true}}}";
    struct asl_diagnostics d;
    struct asl *a = NULL;
    struct err err;

    if (asl_parse(text, strlen(text), &a, &d, &err) < 0)
        abort();
    asl_diagnostics_release(&d);
    return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct asl *a;
    struct mock *m = NULL;
    struct mock_answer answer;
    struct err err = {0};

    if (a == NULL)
        a = definition();
    if (mock_parse((const char *)data, n, NULL, NULL, a, &m, &err) < 0) {
        if (err.code != ERR_USAGE || err.msg[0] == '\0')
            abort();
        return 0;
    }
    for (int i = 0; i < 20; i++) {
        const char *state = i % 2 ? "A" : "B";
        if (mock_next(m, state, &answer) && !mock_has(m, state))
            abort();
    }
    if (mock_calls(m, "A") != (mock_has(m, "A") ? 10 : 0))
        abort();
    mock_free(m);
    return 0;
}

/* orch.json comes from a person: whatever stands in it, the answer is a config or a list of faults. */
#include "orchestrator/config.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf faults = BUF_INIT(64 * KIB);
    struct config *c = NULL;
    struct err err;
    int rc = config_parse((const char *)data, n, "/nowhere/orch.json", false, &c, &faults, &err);

    if ((rc == 0) != (c != NULL) || (rc < 0 && err.msg[0] == '\0'))
        abort();
    config_free(c);
    buf_release(&faults);
    return 0;
}

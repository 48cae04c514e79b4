#ifndef BASE_FAULT_H
#define BASE_FAULT_H
#include "base/err.h"
/*
 * Fault points, test builds only. ORCH_FAULT is a comma list of rules
 *     point=action[@n]      at the n-th passage (default the first) of that point, once
 *     *=action@n            at the n-th passage of any point
 * actions: kill (SIGKILL to ourselves), stop (SIGSTOP), exit (_exit 9), error (fails as Orch.Transient),
 * touch:PATH (creates PATH and goes on), wait:PATH (waits until PATH exists).
 * ORCH_FAULT_LOG=FILE appends the name of every point passed: where a kill -9 fell.
 */
#if ORCH_TEST_BUILD
int fault_point(const char *name, struct err *err);
#else
static inline int fault_point(const char *name, struct err *err)
{
    UNUSED(name);
    UNUSED(err);
    return 0;
}
#endif
#endif

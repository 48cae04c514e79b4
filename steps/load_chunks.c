#include "base/fault.h"
#include "io/target_chunks.h"
#include "steps/object_int.h"
int load_chunks(struct load_job *j, struct loading *l, struct err *err)
{
    l->how = LOADING_ALONE;
    return load_run(j, l, 1, err);
}

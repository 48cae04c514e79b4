/* orch-etl-queue-check {pipeline, partition?} -> {job, partition, name, pending}: the oldest job that may run
 * now. */
#include "base/clock.h"
#include "state/queue.h"
#include "steps/steps_int.h"

int step_run_etl_queue_check(struct step_ctx *c, const json_t *parameters, json_t **ret_owned,
                             struct err *err)
{
    const char *part = NULL;
    char name[JOB_NAME_SIZE];
    struct job job = {0};
    int64_t pending = 0;
    int rc = 0;

    if (!json_is_null(json_object_get(parameters, "partition")))
        rc = json_get_str(parameters, "partition", NULL, &part, err);
    if (rc == 0)
        rc = job_next(c->store, c->pipeline->name, part, clock_now_ms(), &job, &pending, err);
    if (rc < 0)
        return rc;
    if (rc > 0)
        *ret_owned = json_pack("{s:I, s:s, s:s, s:I}", "job", (json_int_t)job.id, "partition", job.part,
                               "name", job_name(&job, name), "pending", (json_int_t)pending);
    else
        *ret_owned =
            json_pack("{s:n, s:n, s:n, s:I}", "job", "partition", "name", "pending", (json_int_t)pending);
    job_release(&job);
    return 0;
}

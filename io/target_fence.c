#include "base/clock.h"
#include "base/mem.h"
#include "io/target_int.h"

/*
 * The fence is written, never only locked: on a cluster a lock is known to its own node alone, while two writes of one
 * row meet wherever they are made.
 */

int target_fence_read(struct target *t, const char *pipeline, int64_t *ret_epoch, int64_t *ret_seq,
                      struct err *err)
{
    const struct val values[] = {val_text(pipeline)};
    int64_t found[2] = {0, 0}, rows = 0;
    int rc = target_ready(t, err);

    if (rc == 0)
        rc = target_run(t, "fence_read", values, 1, target_row_i64, found, &rows, err);
    if (rc < 0)
        return rc;
    *ret_epoch = found[0];
    *ret_seq = found[1];
    return rows > 0;
}

static int lost(struct err *err, const char *pipeline, int64_t epoch)
{
    return err_set(
        err, ERR_LOCK_LOST,
        "%s: the epoch in the target is not %lld any more: another run has taken the pipeline over, "
        "or one died while it did",
        pipeline, (long long)epoch);
}

static int raise_epoch(struct target *t, const char *pipeline, int64_t from, int64_t *ret_epoch,
                       struct err *err)
{
    const struct val values[] = {val_text(pipeline), val_i64(from)};
    int64_t found[2] = {0, 0}, rows = 0;

    if (from < 0) {
        int rc = target_run(t, "fence_first", values, 1, NULL, NULL, NULL, err);
        if (rc == 0) /* the row is ours until COMMIT: what is read is what was written */
            rc = target_run(t, "fence_read", values, 1, target_row_i64, found, NULL, err);
        *ret_epoch = found[0];
        return rc;
    }
    int rc = target_run(t, "fence_raise", values, 2, NULL, NULL, &rows, err);
    if (rc == 0 && rows != 1)
        rc = lost(err, pipeline, from);
    *ret_epoch = from + 1;
    return rc;
}

int target_fence_raise(struct target *t, const char *pipeline, int64_t from, int64_t *ret_epoch,
                       struct err *err)
{
    int64_t epoch = 0;
    int rc = target_begin(t, err);

    if (rc == 0)
        rc = target_end(t, raise_epoch(t, pipeline, from, &epoch, err), err);
    if (rc == 0)
        *ret_epoch = epoch;
    return rc;
}

int fence_write(struct target *t, const char *pipeline, int64_t epoch, struct err *err)
{
    const struct val values[] = {val_text(pipeline), val_i64(epoch)};
    int64_t rows = 0;
    int rc = target_run(t, "fence_write", values, 2, NULL, NULL, &rows, err);

    if (rc == 0 && rows != 1)
        rc = err_set(err, ERR_LOCK_LOST,
                     "%s: another run has taken the pipeline over since epoch %lld; nothing was committed",
                     pipeline, (long long)epoch);
    return rc;
}

/* 1 or 0 as `has` says, once the fence was ours; ERR_LOCK_LOST as well knows it. */
static int ask(struct target *t, const char *pipeline, int64_t epoch, fence_has *has, const void *arg,
               int *ret_done, struct err *err)
{
    const struct val values[] = {val_text(pipeline), val_i64(epoch)};
    int64_t rows = 0;
    int done = 0;

    int rc = target_begin(t, err);
    if (rc < 0)
        return rc;
    rc = target_run(t, "fence_write", values, 2, NULL, NULL, &rows, err);
    if (rc == 0)
        rc = done = has(t, arg, err);
    /* What was read counts only once COMMIT has said that nobody else wrote the fence meanwhile. */
    rc = target_end(t, rc < 0 ? rc : 0, err);
    if (rc < 0)
        return rc;
    *ret_done = done;
    return rows == 1 ? 0 : lost(err, pipeline, epoch);
}

static bool goes_by_itself(const struct err *err)
{
    return err->code == ERR_TRANSIENT || err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT ||
           err->code == ERR_BUSY;
}

int fence_ask(struct target *t, const char *pipeline, int64_t epoch, fence_has *has, const void *arg,
              int *ret_done, struct err *err)
{
    int64_t until_ms = clock_mono_ms() + t->config.timeout_ms, pause_ms = 50;

    *ret_done = -1;
    for (;;) {
        int rc = ask(t, pipeline, epoch, has, arg, ret_done, err);
        if (rc == 0 || !goes_by_itself(err) || clock_mono_ms() + pause_ms >= until_ms)
            return rc;
        clock_sleep_ms(pause_ms);
        pause_ms = pause_ms < 1000 ? pause_ms * 2 : pause_ms;
    }
}

struct load_chunk {
    int64_t load_id, chunk;
};

static int has_load(struct target *t, const void *arg, struct err *err)
{
    const struct load_chunk *l = arg;

    return ledger_has(t, l->load_id, l->chunk, err);
}

int fence_resolve(struct target *t, const char *pipeline, int64_t epoch, int64_t load_id, int64_t chunk,
                  int *ret_loaded, struct err *err)
{
    const struct load_chunk l = {load_id, chunk};

    return fence_ask(t, pipeline, epoch, has_load, &l, ret_loaded, err);
}

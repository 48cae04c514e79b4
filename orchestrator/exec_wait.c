/* start --wait and redrive --wait: an execution worked here until it has ended, its waits slept out. */
#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/cmd_exec.h"

enum { SLICE_MS = 200, POLL_MS = 500 };

static void sleep_until(int64_t wake_ms)
{
    while (!engine_stop_signal && clock_now_ms() < wake_ms) {
        int64_t left = wake_ms - clock_now_ms();
        clock_sleep_ms(left < SLICE_MS ? left : SLICE_MS);
    }
}

static int is_over(struct store *s, int64_t id, struct err *err)
{
    struct execution x = {0};
    int rc = exec_get(s, id, &x, err);

    if (rc == 0)
        rc = strcmp(x.status, "RUNNING") != 0;
    execution_release(&x);
    return rc;
}

static int work(struct engine *engine, struct store *s, int64_t id, struct err *err)
{
    int rc = 0;

    while ((rc = is_over(s, id, err)) == 0 && !engine_stop_signal) {
        enum engine_result result = ENGINE_HELD;
        int64_t wake = 0;
        rc = engine_work(engine, id, &result, &wake, err);
        if (rc < 0)
            return rc;
        if (result == ENGINE_WAITING)
            sleep_until(wake);
        else if (result == ENGINE_HELD) /* a tick has it, which works it as well as we would */
            sleep_until(clock_now_ms() + POLL_MS);
    }
    return rc < 0 ? rc : 0;
}

/* What programs and servers said may hold anything. */
static void print(const struct execution *x)
{
    const char *text = x->error != NULL ? x->cause : x->output;
    size_t n = text != NULL ? strlen(text) : 0, room = 4 * n + 16;
    char error[400] = "", *shown = xcalloc(1, room);

    if (x->error != NULL)
        str_printable(x->error, strlen(x->error), error, sizeof error);
    if (n > 0)
        str_printable(text, n, shown, room);
    if (x->error != NULL)
        printf("%s: %s: %s%s%s\n", x->name, x->status, error, n > 0 ? ": " : "", shown);
    else
        printf("%s: %s%s%s\n", x->name, x->status, n > 0 ? " " : "", shown);
    free(shown);
}

int exec_wait(struct cli *c, struct engine *engine, int64_t id, struct err *err)
{
    struct execution x = {0};
    json_t *o = NULL;

    cli_signals();
    int rc = work(engine, c->store, id, err);
    if (rc == 0)
        rc = exec_get(c->store, id, &x, err);
    if (rc == 0)
        rc = exec_describe(c->store, &x, &o, err);
    if (rc < 0)
        goto out;
    if (c->out.format != OUT_TABLE)
        out_document(&c->out, o);
    else
        print(&x);
    if (strcmp(x.status, "RUNNING") == 0) /* a signal came first */
        rc = err_exit_status(ERR_CANCELLED);
    else
        rc = strcmp(x.status, "SUCCEEDED") != 0;
out:
    json_decref(o);
    execution_release(&x);
    return rc;
}

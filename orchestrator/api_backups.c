/* GET /v1/backups: what lies where serve.backups says. Asked of the place itself, so that backups which cron takes are told too. */
#include "base/civil.h"
#include "base/mem.h"
#include "orchestrator/api.h"
#include "orchestrator/backup_place.h"
#include "steps/backup.h"

struct listing {
    struct api *x;
    int64_t n;
    char last[64];
    bool more;
};

/* "20220605T123456789Z-1a2b3c": when it was begun; -1: another name. */
static int64_t moment_of(const char *run)
{
    struct err ignored;
    char text[32];
    int64_t ms;

    if (strlen(run) < 19 || run[8] != 'T' || run[18] != 'Z')
        return -1;
    snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s.%.3sZ", run, run + 4, run + 6, run + 9,
             run + 11, run + 13, run + 15);
    return civil_parse_rfc3339(text, &ms, &ignored) == 0 ? ms : -1;
}

static int on_run(void *arg, const char *run, const char *manifest, struct err *err)
{
    struct listing *l = arg;
    struct jout *j = &l->x->j;
    int64_t at_ms = moment_of(run);

    UNUSED(err);
    if (l->n == l->x->limit || api_is_full(l->x)) {
        l->more = true;
        return 0;
    }
    l->n++;
    snprintf(l->last, sizeof l->last, "%s", run);
    jout_open(j, NULL, '{');
    jout_text(j, "run", run);
    jout_time(j, "at", at_ms > 0 ? at_ms : 0);
    jout_text(j, "manifest", manifest);
    jout_close(j, '}');
    return 0;
}

int api_backups(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    const char *table = serve_query(q, "table");
    struct backup_place place = {0};
    struct cli cli = api_cli(q, NULL);
    struct api x;
    struct listing l = {.x = &x};
    int rc = api_check_place(q, err);

    if (rc == 0 && table == NULL)
        rc = err_set(err, ERR_USAGE, "of which table? table is needed");
    if (rc == 0)
        rc = backup_place_served(&cli, &place, err);
    if (rc == 0) {
        rc = api_open_alone(&x, q, err);
        if (rc == 0) {
            jout_text(&x.j, "table", table);
            jout_open(&x.j, "backups", '[');
            rc = backup_runs(place.place, table, serve_query(q, "after"), x.limit + 1, on_run, &l, err);
            if (rc < 0 && err->code == ERR_CONFIG) /* a name that is no part of a path */
                err->code = ERR_USAGE, rc = -(int)ERR_USAGE;
            jout_close(&x.j, ']');
            if (l.more)
                api_next_text(&x, l.last);
        }
        rc = api_close(&x, a, rc, err);
    }
    backup_place_close(&place);
    return rc;
}

/* What the target's ledger knows of each object of a job decides what is to be done with it. */
#include "base/clock.h"
#include "io/target_chunks.h"
#include "steps/object_int.h"

enum {
    ASK_AT_ONCE = 500,
    SMALL = 1024 * 1024,           /* bytes of an object that may share a transaction */
    WORTH_RANGES = 8 * 1024 * 1024 /* bytes of an object that is worth cutting */
};

/* The ledger's word on one object. */
struct known {
    int64_t load_id, generation, size, mtime_ns;
    char etag[300], sha256[65];
};

struct asking {
    struct load_job *j;
    struct loading *all;
    struct known *known; /* as many as all */
    size_t from, n;      /* of the page that is asked about; they are in the order of their keys */
};

static bool is_done(const struct load_row *l)
{
    return strcmp(l->state, "LOADED") == 0 || strcmp(l->state, "EMPTY") == 0 ||
           strcmp(l->state, "SAME") == 0 || strcmp(l->state, "SUPERSEDED") == 0 ||
           strcmp(l->state, "DROPPED") == 0;
}

static struct loading *by_load_id(const struct asking *a, int64_t load_id)
{
    for (size_t i = a->from; i < a->from + a->n; i++)
        if (a->all[i].row->load_id == load_id)
            return &a->all[i];
    return NULL;
}

/* An earlier attempt's COMMIT has happened: the epoch is ours now, so the ledger's word is final. */
static int on_own(void *arg, const struct ledger_row *r, struct err *err)
{
    struct asking *a = arg;
    struct loading *l = by_load_id(a, r->load_id);
    struct step_ctx *c = a->j->c;

    if (l == NULL)
        return 0;
    if (r->state == LEDGER_PLAN || r->state == LEDGER_REVOKING) {
        l->planned = true;
        return 0;
    }
    struct load_result result = {.load_id = r->load_id,
                                 .rows_read = r->rows_read,
                                 .rows_loaded = r->rows_loaded,
                                 .rows_rejected = r->rows_rejected,
                                 .empty_lines = l->row->empty_lines,
                                 .columns = r->columns != NULL ? r->columns : "",
                                 .sha256 = r->sha256,
                                 .now_ms = clock_now_ms()};
    int rc = load_pending(c->store, c->token, &result, err);
    if (rc == 0)
        rc = load_settle(c->store, c->token, r->load_id, r->state == LEDGER_EMPTY ? "EMPTY" : "LOADED",
                         clock_now_ms(), err);
    l->row->rows_read = r->rows_read;
    l->row->rows_loaded = r->rows_loaded;
    l->row->rows_rejected = r->rows_rejected;
    l->how = LOADING_DONE;
    return rc;
}

static int on_key(void *arg, const struct ledger_row *r, struct err *err)
{
    struct asking *a = arg;

    UNUSED(err);
    for (size_t i = a->from; i < a->from + a->n; i++) {
        struct known *k = &a->known[i];
        if (a->all[i].how == LOADING_DONE || strcmp(a->all[i].row->key, r->key) != 0)
            continue;
        *k = (struct known){r->load_id, r->generation, r->size, r->mtime_ns, "", ""};
        snprintf(k->etag, sizeof k->etag, "%s", r->etag != NULL ? r->etag : "");
        snprintf(k->sha256, sizeof k->sha256, "%s", r->sha256);
    }
    return 0;
}

static int ask_page(struct asking *a, struct err *err)
{
    int64_t ids[ASK_AT_ONCE];
    const char *keys[ASK_AT_ONCE];
    size_t n = 0;

    for (size_t i = a->from; i < a->from + a->n; i++) {
        if (a->all[i].how == LOADING_DONE)
            continue;
        ids[n] = a->all[i].row->load_id;
        keys[n++] = a->all[i].row->key;
    }
    int rc = target_ledger_of_loads(a->j->target, ids, n, on_own, a, err);
    if (rc >= 0)
        rc = target_ledger_of_keys(a->j->target, a->j->c->pipeline->name, keys, n, on_key, a, err);
    return rc < 0 ? rc : beat(&a->j->c->beat, err);
}

static bool same_identity(const struct known *k, const struct load_row *l)
{
    if (k->size != l->size)
        return false;
    return l->etag[0] != '\0' || k->etag[0] != '\0' ? strcmp(k->etag, l->etag) == 0
                                                    : k->mtime_ns == l->mtime_ns;
}

/* The same bytes again under another identity: recorded, not loaded. Only where the sizes agree is it worth a read. */
static int same_bytes(const struct loading *l, const struct known *k, bool *ret, struct err *err)
{
    char sha256[65];

    *ret = false;
    if (k->size != l->row->size || k->sha256[0] == '\0')
        return 0;
    int rc = object_sha256(l->job->c, l->row, sha256, err);
    if (rc == 0)
        *ret = strcmp(sha256, k->sha256) == 0;
    return rc;
}

/* The key was loaded before. */
static int look_at_known(struct loading *l, const struct known *k, struct err *err)
{
    struct step_ctx *c = l->job->c;
    char name[KEY_NAME_SIZE];
    bool same = false;
    int rc = 0;

    if (k->generation >= l->row->generation) /* this state file is behind: the next listing rebuilds it */
        return err_set(err, ERR_TRANSIENT,
                       "%s: the ledger holds generation %lld, newer than this state file knows",
                       key_name(l->row->key, name), (long long)k->generation);
    if (strcmp(l->job->job->kind, "REPLAY") != 0) {
        same = same_identity(k, l->row);
        rc = same ? 0 : same_bytes(l, k, &same, err);
        if (rc < 0)
            return rc;
    }
    if (same) {
        l->how = LOADING_DONE;
        return load_settle(c->store, c->token, l->row->load_id, "SAME", clock_now_ms(), err);
    }
    if (!l->job->def->has_lineage) {
        err_set(err, ERR_TARGET,
                "%s was loaded before, and without lineage columns its rows cannot be replaced",
                key_name(l->row->key, name));
        return err_hint(err, "orch lineage add %s", c->pipeline->table);
    }
    l->replaces = k->load_id;
    return 0;
}

static bool is_packed(const struct load_row *l)
{
    return str_ends(l->key, ".gz") || str_ends(l->key, ".zst");
}

/* Gzip and zstd of CSV are four times as large when they are read, or so; what counts is about how large. */
static int64_t inflated(const struct load_row *l)
{
    return is_packed(l) ? l->size * 4 : l->size;
}

static int decide(struct loading *l, const struct known *k, struct err *err)
{
    struct step_ctx *c = l->job->c;
    const struct pipeline *p = c->pipeline;
    struct load_job *j = l->job;
    bool chunks = target_is_mysql(l->job->target) && l->job->def->has_lineage;
    int rc = 0;

    if (l->how == LOADING_DONE)
        return 0;
    if (strcmp(l->row->state, "PENDING") == 0) /* and the ledger does not have it */
        rc = load_settle(c->store, c->token, l->row->load_id, "DRAWN", clock_now_ms(), err);
    if (rc == 0 && k->load_id != 0)
        rc = look_at_known(l, k, err);
    if (rc < 0 || l->how == LOADING_DONE)
        return rc;
    if (j->upsert.key !=
        NULL) { /* all in one transaction; chunks of it were appended, before the mode was this */
        l->how = LOADING_ALONE;
        return l->planned ? target_plan_revoke(j->target, j->def, p->name, l->row->load_id, j->epoch,
                                               &j->commits, err)
                          : 0;
    }
    if (l->planned || (chunks && inflated(l->row) > j->chunk_bytes))
        l->how = LOADING_CHUNKS;
    else
        l->how = l->replaces == 0 && l->row->size <= SMALL ? LOADING_SHARED : LOADING_ALONE;
    return 0;
}

/* Fewer files than connections: the large ones are cut, so that no connection stands idle. */
static void use_ranges(const struct load_job *j, struct loading *all, size_t n)
{
    const struct pipeline *p = j->c->pipeline;
    size_t left = 0;

    if (!p->publish_chunks || j->upsert.key != NULL || j->connections < 2 || !target_is_mysql(j->target) ||
        !j->def->has_lineage)
        return;
    for (size_t i = 0; i < n; i++)
        left += all[i].how != LOADING_DONE;
    for (size_t i = 0; i < n; i++)
        if (left < (size_t)j->connections && all[i].how == LOADING_ALONE && all[i].replaces == 0 &&
            inflated(all[i].row) >= WORTH_RANGES)
            all[i].how = LOADING_CHUNKS;
}

int load_plan(struct load_job *j, struct loads *loads, struct loading *all, struct err *err)
{
    struct asking a = {.j = j, .all = all, .known = xcalloc(loads->n, sizeof *a.known)};
    int rc = 0;

    for (size_t i = 0; i < loads->n; i++) {
        all[i].job = j;
        all[i].row = &loads->rows[i];
        all[i].how = is_done(&loads->rows[i]) ? LOADING_DONE : LOADING_ALONE;
    }
    for (a.from = 0; rc >= 0 && a.from < loads->n; a.from += ASK_AT_ONCE) {
        a.n = loads->n - a.from < ASK_AT_ONCE ? loads->n - a.from : ASK_AT_ONCE;
        rc = ask_page(&a, err);
    }
    for (size_t i = 0; rc >= 0 && i < loads->n; i++)
        rc = decide(&all[i], &a.known[i], err);
    if (rc >= 0)
        use_ranges(j, all, loads->n);
    free(a.known);
    return rc < 0 ? rc : 0;
}

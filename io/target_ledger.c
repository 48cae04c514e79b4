#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_int.h"

static const char *const state_names[] = {
    [LEDGER_PLAN] = "PLAN",         [LEDGER_LOADED] = "LOADED",
    [LEDGER_REVOKING] = "REVOKING", [LEDGER_SUPERSEDED] = "SUPERSEDED",
    [LEDGER_ADOPTED] = "ADOPTED",   [LEDGER_SKIPPED] = "SKIPPED",
    [LEDGER_EMPTY] = "EMPTY",
};

const char *ledger_state_name(enum ledger_state s)
{
    return (size_t)s < ARRAY_LEN(state_names) ? state_names[s] : "";
}

static int state_by_name(const char *name, enum ledger_state *ret, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(state_names); i++)
        if (strcmp(state_names[i], name) == 0) {
            *ret = (enum ledger_state)i;
            return 0;
        }
    err_set(err, ERR_BAD_RESPONSE, "orch_load has a row in the state '%.40s'", name);
    return err_hint(err, "was it written by a newer orch?");
}

void ledger_key_sha256(const char *key, const char *partition, unsigned char out[SHA256_SIZE])
{
    char decision[64] = ""; /* no key begins with NUL, so no key's sum is a partition's */

    if (key[0] != '\0') {
        sha256_of(key, strlen(key), out);
        return;
    }
    snprintf(decision + 1, sizeof decision - 1, "%s", partition);
    sha256_of(decision, 1 + strlen(decision + 1), out);
}

/* --- reading --- */

enum { LEDGER_CELLS = 24, LEDGER_VALUES = 25, ROWS_AT_ONCE = 40 /* of one INSERT */ };

static const char *text_of(struct str cell)
{
    return cell.p != NULL ? cell.p : "";
}

static int parse_row(const struct str *c, size_t count, struct ledger_row *ret, struct err *err)
{
    if (count != LEDGER_CELLS)
        return err_set(err, ERR_INTERNAL, "a ledger row of %zu cells", count);
    *ret = (struct ledger_row){
        .load_id = target_cell_i64(c[0]),
        .chunk = target_cell_i64(c[1]),
        .generation = target_cell_i64(c[2]),
        .pipeline = text_of(c[3]),
        .partition = text_of(c[4]),
        .key = text_of(c[5]),
        .etag = text_of(c[6]),
        .table = text_of(c[7]),
        .size = target_cell_i64(c[8]),
        .mtime_ns = target_cell_i64(c[9]),
        .last = target_cell_i64(c[11]) != 0,
        .rows_read = target_cell_i64(c[13]),
        .rows_loaded = target_cell_i64(c[14]),
        .rows_rejected = target_cell_i64(c[15]),
        .columns = text_of(c[16]),
        .job = text_of(c[17]),
        .reason = text_of(c[18]),
        .at_ms = target_cell_i64(c[19]),
        .byte_from = target_cell_i64(c[20]),
        .byte_to = target_cell_i64(c[21]),
        .line_from = target_cell_i64(c[22]),
        .line_to = target_cell_i64(c[23]),
    };
    snprintf(ret->sha256, sizeof ret->sha256, "%.64s", text_of(c[10]));
    return state_by_name(text_of(c[12]), &ret->state, err);
}

struct reading {
    ledger_fn *fn;
    void *arg;
    int64_t at_ms, load_id, chunk; /* of the last row */
};

static int on_row(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct reading *r = arg;
    struct ledger_row row;
    int rc = parse_row(cells, count, &row, err);

    if (rc < 0)
        return rc;
    r->at_ms = row.at_ms;
    r->load_id = row.load_id;
    r->chunk = row.chunk;
    rc = r->fn(r->arg, &row, err);
    return rc < 0 ? rc : 0;
}

int target_ledger_scan(struct target *t, const char *pipeline, ledger_fn *fn, void *arg, struct err *err)
{
    struct reading r = {fn, arg, INT64_MIN, INT64_MIN, INT64_MIN};
    int64_t rows;

    do { /* a page at a time: a ledger of years does not fit in memory */
        const struct val values[] = {val_text(pipeline), val_i64(r.at_ms),   val_i64(r.at_ms),
                                     val_i64(r.load_id), val_i64(r.load_id), val_i64(r.chunk)};
        rows = 0;
        int rc = target_ready(t, err);
        if (rc == 0)
            rc = target_run(t, "ledger_scan", values, ARRAY_LEN(values), on_row, &r, &rows, err);
        if (rc < 0)
            return rc;
    } while (rows > 0);
    return 0;
}

static int read_some(struct target *t, const char *query, const struct val *values, size_t n, ledger_fn *fn,
                     void *arg, struct err *err)
{
    struct reading r = {.fn = fn, .arg = arg};
    int64_t rows = 0;
    int rc = target_ready(t, err);

    if (rc == 0)
        rc = target_run(t, query, values, n, on_row, &r, &rows, err);
    return rc < 0 ? rc : rows > 0;
}

int target_ledger_by_id(struct target *t, int64_t load_id, ledger_fn *fn, void *arg, struct err *err)
{
    const struct val values[] = {val_i64(load_id)};

    return read_some(t, "ledger_by_id", values, 1, fn, arg, err);
}

int target_ledger_newest(struct target *t, const char *pipeline, const char *key, ledger_fn *fn, void *arg,
                         struct err *err)
{
    unsigned char sum[SHA256_SIZE];

    ledger_key_sha256(key, "", sum);
    const struct val values[] = {val_text(pipeline), val_blob(sum, sizeof sum)};
    return read_some(t, "ledger_newest", values, 2, fn, arg, err);
}

/* "1,2,3" */
static int ids_list(const int64_t *ids, size_t n, struct buf *ret, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = buf_addf(ret, err, i > 0 ? ",%lld" : "%lld", (long long)ids[i]);
    return rc;
}

/* "X'..',X'..'" */
static int keys_list(const char *const *keys, size_t n, struct buf *ret, struct err *err)
{
    unsigned char sum[SHA256_SIZE];
    char hex[SHA256_HEX];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        ledger_key_sha256(keys[i], "", sum);
        str_hex(sum, sizeof sum, hex);
        rc = buf_addf(ret, err, i > 0 ? ",X'%s'" : "X'%s'", hex);
    }
    return rc;
}

static int read_list(struct target *t, const char *query, const char *list, const struct val *values,
                     size_t n, ledger_fn *fn, void *arg, struct err *err)
{
    struct reading r = {.fn = fn, .arg = arg};
    int rc = target_ready(t, err);

    return rc < 0 ? rc : target_run_on(t, query, "orch_load", list, values, n, on_row, &r, NULL, err);
}

int target_ledger_of_loads(struct target *t, const int64_t *ids, size_t n, ledger_fn *fn, void *arg,
                           struct err *err)
{
    struct buf list = BUF_INIT(MAX_SQL);
    int rc = ids_list(ids, n, &list, err);

    if (rc == 0 && n > 0)
        rc = read_list(t, "ledger_of_loads", list.p, NULL, 0, fn, arg, err);
    buf_release(&list);
    return rc;
}

int target_ledger_of_keys(struct target *t, const char *pipeline, const char *const *keys, size_t n,
                          ledger_fn *fn, void *arg, struct err *err)
{
    const struct val values[] = {val_text(pipeline)};
    struct buf list = BUF_INIT(MAX_SQL);
    int rc = keys_list(keys, n, &list, err);

    if (rc == 0 && n > 0)
        rc = read_list(t, "ledger_of_keys", list.p, values, 1, fn, arg, err);
    buf_release(&list);
    return rc;
}

int ledger_has_any(struct target *t, const char *pipeline, const int64_t *ids, const char *const *keys,
                   size_t n, struct err *err)
{
    const struct val values[] = {val_text(pipeline)};
    struct buf list = BUF_INIT(MAX_SQL);
    int64_t found[2] = {0, 0};

    int rc = ids_list(ids, n, &list, err);
    if (rc == 0)
        rc = target_run_on(t, "ledger_loads_there", "orch_load", list.p, NULL, 0, target_row_i64, &found[0],
                           NULL, err);
    buf_clear(&list);
    if (rc == 0)
        rc = keys_list(keys, n, &list, err);
    if (rc == 0)
        rc = target_run_on(t, "ledger_keys_there", "orch_load", list.p, values, 1, target_row_i64, &found[1],
                           NULL, err);
    buf_release(&list);
    return rc < 0 ? rc : found[0] + found[1] > 0;
}

int ledger_has(struct target *t, int64_t load_id, int64_t chunk, struct err *err)
{
    const struct val values[] = {val_i64(load_id), val_i64(chunk)};
    int64_t rows = 0;
    int rc = target_run(t, "ledger_done", values, 2, NULL, NULL, &rows, err);

    return rc < 0 ? rc : rows > 0;
}

/* --- writing: inside a transaction --- */

/* key_sum is kept by the caller: the values borrow it. */
static void values_of(const struct ledger_row *r, unsigned char key_sum[SHA256_SIZE],
                      struct val out[LEDGER_VALUES])
{
    const char *key = r->key != NULL ? r->key : "";

    ledger_key_sha256(key, r->partition, key_sum);
    const struct val values[LEDGER_VALUES] = {
        val_i64(r->load_id),
        val_i64(r->chunk),
        val_i64(r->generation),
        val_text(r->pipeline),
        val_text(r->partition),
        val_blob(key, strlen(key)),
        val_blob(key_sum, SHA256_SIZE),
        val_text(r->etag != NULL ? r->etag : ""),
        val_text(r->table != NULL ? r->table : ""),
        val_i64(r->size),
        val_i64(r->mtime_ns),
        val_text(r->sha256),
        val_i64(r->last),
        val_text(ledger_state_name(r->state)),
        val_i64(r->rows_read),
        val_i64(r->rows_loaded),
        val_i64(r->rows_rejected),
        val_text(r->columns != NULL && r->columns[0] != '\0' ? r->columns : NULL),
        val_text(r->job != NULL ? r->job : ""),
        val_text(r->reason),
        val_i64(r->at_ms != 0 ? r->at_ms : clock_now_ms()),
        val_i64(r->byte_from),
        val_i64(r->byte_to),
        val_i64(r->line_from),
        val_i64(r->line_to),
    };
    memcpy(out, values, sizeof values);
}

static int insert_some(struct target *t, const struct ledger_row *rows, size_t n, struct err *err)
{
    unsigned char(*sums)[SHA256_SIZE] = xcalloc(n, sizeof *sums);
    struct val *values = xcalloc(n * LEDGER_VALUES, sizeof *values);
    struct buf marks = BUF_INIT(MAX_SQL);
    int64_t inserted = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        values_of(&rows[i], sums[i], values + i * LEDGER_VALUES);
        rc = buf_adds(&marks, i > 0 ? ",(?" : "(?", err);
        for (int k = 1; rc == 0 && k < LEDGER_VALUES; k++)
            rc = buf_adds(&marks, ",?", err);
        if (rc == 0)
            rc = buf_adds(&marks, ")", err);
    }
    if (rc == 0)
        rc = target_run_on(t, "ledger_insert", "orch_load", marks.p, values, n * LEDGER_VALUES, NULL, NULL,
                           &inserted, err);
    if (rc < 0 && err->code == ERR_DUPLICATE_KEY) {
        err_set(err, ERR_TRANSIENT, "the ledger already has load %lld, or generation %lld of its key",
                (long long)rows[0].load_id, (long long)rows[0].generation);
        err_hint(err, "the state file is behind the target; the next tick brings it in line");
    }
    if (rc == 0 && inserted != (int64_t)n)
        rc = err_set(err, ERR_BAD_RESPONSE, "%lld ledger rows were written where %zu were sent",
                     (long long)inserted, n);
    buf_release(&marks);
    free(values);
    free(sums);
    return rc;
}

int ledger_insert(struct target *t, const struct ledger_row *rows, size_t n, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i += ROWS_AT_ONCE)
        rc = insert_some(t, rows + i, n - i < ROWS_AT_ONCE ? n - i : ROWS_AT_ONCE, err);
    return rc;
}

static int on_standing(void *arg, const struct str *cells, size_t count, struct err *err)
{
    UNUSED(count);
    UNUSED(err);
    *(int64_t *)arg = target_cell_i64(cells[0]);
    return 0;
}

static int decide_one(struct target *t, const struct ledger_row *row, struct err *err)
{
    struct ledger_row r = *row;
    unsigned char sum[SHA256_SIZE];

    ledger_key_sha256("", r.partition, sum);
    const struct val values[] = {val_text(r.pipeline), val_blob(sum, sizeof sum)};
    int64_t standing = 0, newest = 0, found = 0;
    int rc = target_run(t, "decision_standing", values, 2, on_standing, &standing, &found, err);
    if (rc == 0 && found > 0) {
        const struct val id[] = {val_i64(standing)};
        rc = target_run(t, "decision_withdraw", id, 1, NULL, NULL, NULL, err);
    }
    if (rc < 0 || r.state == LEDGER_SUPERSEDED)
        return rc;
    rc = target_run(t, "decision_generation", values, 2, target_row_i64, &newest, NULL, err);
    if (r.generation <= newest)
        r.generation = newest + 1;
    if (r.load_id == 0) {
        uint64_t id;
        random_bytes(&id, sizeof id);
        r.load_id = (int64_t)(id >> 2) + 1;
    }
    r.key = "";
    r.last = true;
    return rc < 0 ? rc : ledger_insert(t, &r, 1, err);
}

struct deciding {
    const struct ledger_row *rows;
    size_t n;
};

static int by_partition(const void *a, const void *b)
{
    return strcmp(((const struct ledger_row *)a)->partition, ((const struct ledger_row *)b)->partition);
}

static int on_loaded(void *arg, const struct str *cells, size_t count, struct err *err)
{
    const struct deciding *d = arg;
    const struct ledger_row key = {.partition = text_of(cells[0])};
    const struct ledger_row *found = bsearch(&key, d->rows, d->n, sizeof key, by_partition);

    UNUSED(count);
    if (found == NULL)
        return 0;
    err_set(err, ERR_CONTRACT, "%s/%s has %lld rows in the target that orch loaded", found->pipeline,
            found->partition, (long long)target_cell_i64(cells[1]));
    err_hint(err, "what is loaded is neither skipped nor adopted; orch replay loads it again");
    err->native = TARGET_HAS_ROWS;
    return -(int)ERR_CONTRACT;
}

/*
 * The fence is written first: a load that has written it is committed (and seen below) before we go on, one that has
 * not finds our decision when it does (target_load.c). One of the two always sees the other.
 */
static int decide(struct target *t, struct deciding *d, struct err *err)
{
    const struct ledger_row *first = &d->rows[0], *last = &d->rows[d->n - 1];
    const struct val values[] = {val_text(first->pipeline), val_text(first->partition),
                                 val_text(last->partition)};
    int rc = target_run(t, "fence_touch", values, 1, NULL, NULL, NULL, err);

    if (rc == 0 && first->state != LEDGER_SUPERSEDED)
        rc = target_run(t, "decision_loaded", values, 3, on_loaded, d, NULL, err);
    for (size_t i = 0; rc == 0 && i < d->n; i++)
        rc = decide_one(t, &d->rows[i], err);
    return rc < 0 ? rc : fault_point("decide.before_commit", err);
}

int target_ledger_decide(struct target *t, const struct ledger_row *rows, size_t n, struct err *err)
{
    struct deciding d = {rows, n};

    for (size_t i = 0; i < n; i++)
        if (rows[i].state != LEDGER_SKIPPED && rows[i].state != LEDGER_ADOPTED &&
            rows[i].state != LEDGER_SUPERSEDED)
            return err_set(err, ERR_INTERNAL, "%s is no decision", ledger_state_name(rows[i].state));
    int rc = n > 0 ? target_begin(t, err) : 0;
    return rc < 0 || n == 0 ? rc : target_end(t, decide(t, &d, err), err);
}

#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/intake_int.h"

/*
 * Records are read, typed and held against the rules a window at a time, before anything is asked of the target; then the
 * window's good rows go in, and each of its records has its verdict. A request is one window, which may so be tried again
 * where another transaction got in the way; a file has as many as it takes.
 */
enum { MAX_TRIES = 5 };

struct taking {
    struct target *t;
    const struct intake_ask *a;
    struct intake_plan *plan;
    struct intake *x;
    struct intake_counts n;
    struct arena *arena; /* of rejects that are yet to be written */
    struct intake_reject *rejects;
    size_t reject_count, reject_capacity, reject_bytes;
    bool ended;  /* there is no further record */
    bool enough; /* nothing will be stored, and as many rejects as anybody wants are known */
    bool told;
};

/* --- reading --- */

static struct reject_info *verdict(struct intake_plan *p, size_t i, const struct reject_info *why)
{
    struct reject_info *kept = arena_alloc(p->window, sizeof *kept);

    *kept = *why;
    kept->raw = why->raw_n > 0 ? arena_strndup(p->window, why->raw, why->raw_n) : "";
    p->bytes += sizeof *kept + why->raw_n;
    p->verdicts[i].why = kept;
    return kept;
}

static void clear_window(struct intake_plan *p)
{
    batch_clear(p->batch);
    arena_reset(p->window);
    p->verdict_count = 0;
    p->bytes = 0;
}

static bool is_full(const struct intake_plan *p)
{
    return p->batch->rows == p->batch->capacity || p->batch->bytes >= BATCH_BYTES ||
           p->verdict_count >= 2 * p->batch->capacity || p->bytes >= MAX_INTAKE_KEPT;
}

/* What the rules call for is said in their words, whoever finds that it lacks. */
static void say_required(const struct intake_plan *p, struct reject_info *why)
{
    int at = table_find(p->def, str_of(why->column));

    if (strcmp(why->code, "NOT_NULL") != 0 || at < 0 || !dictionary_requires(p->d, &p->def->columns[at]))
        return;
    snprintf(why->code, sizeof why->code, "REQUIRED");
    snprintf(why->message, sizeof why->message, "'%.100s' is required, and there is nothing", why->column);
    why->hint[0] = '\0';
}

static void take_record(struct intake_plan *p, const struct csv_record *rec, int64_t number)
{
    static const char nothing[2 * CSV_FIELD_PAD + 1] = "";
    struct csv_record whole = *rec;
    struct reject_info why;
    size_t i = p->verdict_count++;

    if (p->verdict_count > p->verdict_capacity) {
        p->verdict_capacity = 2 * p->verdict_count;
        p->verdicts = xrealloc(p->verdicts, p->verdict_capacity * sizeof *p->verdicts);
    }
    p->verdicts[i] = (struct intake_verdict){number, NULL};
    if (p->all != NULL && rec->code == CSV_GOOD && rec->count == p->given) {
        memcpy(p->all, rec->fields, rec->count * sizeof *p->all);
        for (size_t k = p->given; k < p->fields; k++)
            p->all[k] = (struct csv_field){nothing + CSV_FIELD_PAD, 0, false};
        whole.fields = p->all;
        whole.count = p->fields;
    }
    if (!converter_row(p->converter, &whole, p->batch, &why)) {
        say_required(p, &why);
        verdict(p, i, &why);
    } else if (!dictionary_check(p->dictionary, p->batch, &why)) {
        verdict(p, i, &why);
        p->batch->rows--;
    } else {
        p->of_row[p->batch->rows - 1] = i;
    }
}

/* The next window. */
static int fill(struct taking *k, struct err *err)
{
    const struct intake_ask *a = k->a;
    struct csv_record rec;

    clear_window(k->plan);
    while (!k->ended && !is_full(k->plan)) {
        int rc = a->next(a->arg, &rec, err);
        if (rc < 0)
            return rc;
        k->ended = rc == 0;
        if (k->ended)
            break;
        k->n.records++;
        if (a->max_rows > 0 && k->n.records > a->max_rows)
            return err_set(err, ERR_TOO_LARGE, "more than %lld rows: nothing was stored",
                           (long long)a->max_rows);
        take_record(k->plan, &rec, k->n.records);
    }
    return 0;
}

/* --- what the server refuses --- */

static void say_reference(const struct batch *b, size_t row, struct reject_info *why)
{
    char column[200], there[300];
    struct reject_info better;

    snprintf(why->code, sizeof why->code, "NO_REFERENCE");
    if (!target_refused_reference(why->message, column, there))
        return;
    for (size_t i = 0; i < b->col_count; i++)
        if (strcmp(b->table->columns[b->cols[i].column].name, column) == 0) {
            dictionary_refuse(b, row, i, "NO_REFERENCE", &better, "is in no row of %.120s", there);
            *why = better;
            return;
        }
}

/* Of a key of several columns: the first. */
static void say_duplicate(const struct table *def, struct reject_info *why)
{
    int key = target_refused_key(def, why->message);

    if (key >= 0 && why->column[0] == '\0')
        snprintf(why->column, sizeof why->column, "%.199s", def->columns[def->keys[key].columns[0]].name);
}

static int on_refused(void *arg, const struct batch *b, size_t row, const struct reject_info *said,
                      struct err *err)
{
    struct taking *k = arg;
    struct reject_info why = *said;

    UNUSED(err);
    if (strcmp(why.code, "FOREIGN_KEY") == 0)
        say_reference(b, row, &why);
    else if (strcmp(why.code, "DUPLICATE_KEY") == 0)
        say_duplicate(b->table, &why);
    verdict(k->plan, k->plan->of_row[row], &why);
    return 0;
}

/* --- references --- */

struct look {
    struct arena *arena;
    struct str *found;
    size_t n, capacity;
};

static int by_bytes(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int order = n > 0 ? memcmp(x->p, y->p, n) : 0;

    return order != 0 ? order : x->n < y->n ? -1 : x->n > y->n;
}

static int on_there(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct look *l = arg;

    UNUSED(count);
    UNUSED(err);
    if (cells[0].p == NULL)
        return 0;
    if (l->n == l->capacity) {
        l->capacity = l->capacity * 2 + 64;
        l->found = xrealloc(l->found, l->capacity * sizeof *l->found);
    }
    l->found[l->n++] = (struct str){arena_strndup(l->arena, cells[0].p, cells[0].n), cells[0].n};
    return 0;
}

/* A row's values as texts; p NULL for NULL. Owned; the texts live in arena. */
static struct str *texts_of(const struct batch *b, size_t at, struct arena *arena)
{
    struct str *out = xcalloc(b->rows + 1, sizeof *out);
    char scratch[CELL_TEXT_SIZE];

    for (size_t i = 0; i < b->rows; i++) {
        struct str s = batch_cell_text(&b->cols[at], i, scratch);
        if (s.p != NULL)
            out[i] = (struct str){arena_strndup(arena, s.p, s.n), s.n};
    }
    return out;
}

static void take_out(struct intake_plan *p, size_t row)
{
    memmove(p->of_row + row, p->of_row + row + 1, (p->batch->rows - row - 1) * sizeof *p->of_row);
    batch_take_out(p->batch, row);
}

/* Rows of the batch itself are not there yet: a table that refers to itself finds what was stored before. */
static int look_up(struct taking *k, const struct dict_reference *r, struct err *err)
{
    struct batch *b = k->plan->batch;
    struct look l = {.arena = arena_new()};
    struct str *texts = texts_of(b, r->at, l.arena), *sorted = xcalloc(b->rows + 1, sizeof *sorted);
    struct val *values = xcalloc(b->rows + 1, sizeof *values);
    struct reject_info why;
    size_t n = 0, distinct = 0;

    for (size_t i = 0; i < b->rows; i++)
        if (texts[i].p != NULL)
            sorted[n++] = texts[i];
    qsort(sorted, n, sizeof *sorted, by_bytes);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || by_bytes(&sorted[i - 1], &sorted[i]) != 0)
            values[distinct++] = (struct val){VAL_TEXT, 0, sorted[i].p, sorted[i].n};
    int rc =
        distinct > 0 ? target_intake_find(k->x, r->table, r->column, values, distinct, on_there, &l, err) : 0;
    if (rc == 0 && l.n > 0)
        qsort(l.found, l.n, sizeof *l.found, by_bytes);
    for (size_t i = b->rows; rc == 0 && i-- > 0;) {
        if (texts[i].p == NULL ||
            (l.n > 0 && bsearch(&texts[i], l.found, l.n, sizeof *l.found, by_bytes) != NULL))
            continue;
        dictionary_refuse(b, i, r->at, "NO_REFERENCE", &why, "is in no row of %.60s.%.60s", r->table,
                          r->column);
        verdict(k->plan, k->plan->of_row[i], &why);
        take_out(k->plan, i);
    }
    free(texts);
    free(sorted);
    free(values);
    free(l.found);
    arena_free(l.arena);
    return rc;
}

/* --- rejects on their way to the log --- */

static void keep_reject(struct taking *k, int64_t record, const struct reject_info *why)
{
    if (k->reject_count == k->reject_capacity) {
        k->reject_capacity = k->reject_capacity * 2 + 16;
        k->rejects = xrealloc(k->rejects, k->reject_capacity * sizeof *k->rejects);
    }
    struct intake_reject *r = &k->rejects[k->reject_count++];
    *r = (struct intake_reject){record, *why};
    r->why.raw = why->raw_n > 0 ? arena_strndup(k->arena, why->raw, why->raw_n) : "";
    k->reject_bytes += sizeof *r + why->raw_n;
}

static int write_rejects(struct taking *k, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && !k->a->dry_run && i < k->reject_count; i++)
        rc = target_intake_reject(k->x, &k->rejects[i], err);
    k->reject_count = k->reject_bytes = 0;
    arena_reset(k->arena);
    return rc;
}

static bool over_budget(const struct taking *k, bool at_end)
{
    const struct intake_ask *a = k->a;

    if (!a->partial)
        return k->n.rejected > 0;
    if (!a->bounded)
        return false;
    if (a->max_percent < 0)
        return k->n.rejected > a->max_rejects;
    return at_end && (double)k->n.rejected * 100 > a->max_percent * (double)k->n.records;
}

/* --- a window into the transaction --- */

static int apply(struct taking *k, struct err *err)
{
    struct intake_plan *p = k->plan;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->reference_count; i++)
        rc = look_up(k, p->references[i], err);
    return rc < 0 ? rc : target_intake_rows(k->x, p->batch, err);
}

/* The window's records have their verdicts. */
static int tell(struct taking *k, struct err *err)
{
    const struct intake_ask *a = k->a;
    const struct intake_plan *p = k->plan;
    int rc = 0;

    k->told = true;
    for (size_t i = 0; rc >= 0 && i < p->verdict_count; i++) {
        const struct intake_verdict *v = &p->verdicts[i];
        rc = a->told != NULL ? a->told(a->told_arg, v->record, v->why, err) : 0;
        if (v->why == NULL)
            continue;
        k->n.rejected++;
        keep_reject(k, v->record, v->why);
    }
    bool full = k->reject_count >= MAX_INTAKE_REJECTS || k->reject_bytes >= MAX_INTAKE_KEPT;
    k->enough = over_budget(k, false) && (full || a->partial);
    if (rc >= 0 && full && !over_budget(k, false))
        rc = write_rejects(k, err);
    return rc < 0 ? rc : 0;
}

static int answer(struct taking *k, struct buf *ret, struct err *err)
{
    buf_clear(ret);
    return k->a->answer != NULL ? k->a->answer(k->a->told_arg, &k->n, ret, err) : 0;
}

static int finish(struct taking *k, struct buf *ret_answer, struct err *err)
{
    bool refused = over_budget(k, true);
    int rc = 0;

    k->n.stored = refused ? 0 : target_intake_stored(k->x);
    if (!refused && k->n.stored + k->n.rejected != k->n.records)
        return err_set(err, ERR_MISMATCH, "%lld records came, %lld are stored and %lld rejected",
                       (long long)k->n.records, (long long)k->n.stored, (long long)k->n.rejected);
    if (refused && !k->a->dry_run)
        rc = target_intake_undo(k->x, k->a->forget, err);
    if (rc == 0)
        rc = write_rejects(k, err);
    if (rc == 0)
        rc = answer(k, ret_answer, err);
    if (rc < 0 || k->a->dry_run)
        return rc < 0 ? rc : 1;
    struct intake *x = k->x;
    k->x = NULL;
    rc = target_intake_commit(x, refused, &k->n, ret_answer->n > 0 ? ret_answer->p : "", err);
    return rc < 0 ? rc : 1;
}

static int attempt(struct taking *k, struct intake_counts *found, struct buf *ret_answer, struct err *err)
{
    const struct intake_ask *a = k->a;
    const struct intake_spec spec = {.name = a->table->name,
                                     .def = k->plan->def,
                                     .columns = converter_columns(k->plan->converter, &(size_t){0}),
                                     .column_count = k->plan->batch->col_count,
                                     .key = a->dry_run ? NULL : a->key,
                                     .body_sha256 = a->sha256,
                                     .source = a->source,
                                     .who = a->who,
                                     .undo = !a->partial || a->bounded,
                                     .on_reject = on_refused,
                                     .arg = k};
    int rc = target_intake_begin(k->t, &spec, &k->x, found, ret_answer, err);

    if (rc != 1)
        return rc;
    for (;;) {
        rc = apply(k, err);
        if (rc == 0)
            rc = tell(k, err);
        if (rc < 0 || k->ended || k->enough)
            break;
        rc = fill(k, err);
        if (rc < 0)
            break;
    }
    return rc < 0 ? rc : finish(k, ret_answer, err);
}

/* The verdicts that reading gave stand; those of the target are to be found again. */
static bool can_try_again(const struct taking *k, const struct err *err, size_t verdicts_before)
{
    size_t now = 0;

    for (size_t i = 0; i < k->plan->verdict_count; i++)
        now += k->plan->verdicts[i].why != NULL;
    return k->ended && !k->told && now == verdicts_before && target_lock_conflict(err);
}

static int first_record(const struct intake_ask *a, struct csv_record *rec, const struct csv_record **ret,
                        struct err *err)
{
    *ret = a->header;
    if (a->header != NULL || !a->first_names)
        return 1;
    int rc = a->next(a->arg, rec, err);
    if (rc > 0 && rec->code != CSV_GOOD)
        return err_set(err, ERR_BAD_CSV, "line %lld: %s: %s", (long long)rec->line, csv_code_name(rec->code),
                       rec->message);
    *ret = rc > 0 ? rec : NULL;
    return rc;
}

int intake_take(struct target *t, const struct intake_ask *a, struct intake_counts *ret,
                struct buf *ret_answer, struct err *err)
{
    struct taking k = {.t = t, .a = a};
    const struct csv_record *header = NULL;
    struct intake_counts found = {0};
    struct csv_record rec;
    size_t bad = 0;

    k.arena = arena_new();
    int rc = first_record(a, &rec, &header, err);
    k.ended = rc == 0;
    if (rc >= 0)
        rc = intake_plan(t, a, header, &k.plan, err);
    if (rc == 0)
        rc = fill(&k, err);
    for (size_t i = 0; rc == 0 && i < k.plan->verdict_count; i++)
        bad += k.plan->verdicts[i].why != NULL;
    for (int i = 0; rc == 0 && i < MAX_TRIES; i++) {
        rc = attempt(&k, &found, ret_answer, err);
        target_intake_abort(k.x);
        k.x = NULL;
        if (rc < 0 && i + 1 < MAX_TRIES && can_try_again(&k, err, bad))
            rc = 0;
    }
    if (rc < 0 && target_is_stale(err))
        intake_forget(t, a->table);
    if (rc > 0)
        *ret = rc == 2 ? found : k.n;
    free(k.rejects);
    arena_free(k.arena);
    return rc;
}

/*
 * Rows by key, on a lane's thread: a unit's rows stand in the stage, and come to the table from there. What the table
 * refuses is known by its line alone, so the object is read a second time, and its record is taken as it comes by.
 */
#include "base/mem.h"
#include "io/hash.h"
#include "io/loader_int.h"

enum { REFUSED_KEPT = 20000 /* of one object: more of them are no exceptions */ };

struct merging {
    const struct loader_config *c;
    struct loader_unit *u;
    bool fresh; /* a line is refused that was not before: the object is to be read again */
};

static struct reject_info *find_refused(const struct loader_refused *r, int64_t line)
{
    size_t from = 0, to = r->n;

    while (from < to) {
        size_t at = from + (to - from) / 2;
        if (r->rows[at].line == line)
            return &r->rows[at];
        if (r->rows[at].line < line)
            from = at + 1;
        else
            to = at;
    }
    return NULL;
}

static int by_line(const void *a, const void *b)
{
    const struct reject_info *x = a, *y = b;

    return (x->line > y->line) - (x->line < y->line);
}

static int read_again(struct err *err)
{
    err_set(err, ERR_TRANSIENT, "the table refuses rows of it");
    err->native = TARGET_CAREFUL;
    return -(int)ERR_TRANSIENT;
}

static int on_refused(void *arg, const struct reject_info *why, struct err *err)
{
    struct merging *m = arg;
    struct loader_refused *r = m->u->refused;
    int64_t shown = m->c->max_rejects >= 0 ? m->c->max_rejects + REJECT_PAGE_ROWS : INT64_MAX;

    if (find_refused(r, why->line) != NULL)
        return 0;
    if (r->n >= REFUSED_KEPT) {
        err_set(err, ERR_TOO_MANY_REJECTS, "table %s refuses more than %d rows, line %lld among them: %.300s",
                m->c->def->name, REFUSED_KEPT, (long long)why->line, why->message);
        return -(int)ERR_TOO_MANY_REJECTS;
    }
    if (r->n == r->capacity) {
        r->capacity = r->capacity == 0 ? 16 : r->capacity * 2;
        r->rows = xrealloc(r->rows, r->capacity * sizeof *r->rows);
    }
    r->rows[r->n++] = *why;
    m->fresh = true;
    return (int64_t)r->n > shown ? read_again(err) : 0; /* over its budget: enough to show the pattern */
}

int loader_put_by_key(const struct loader_config *c, struct loader_unit *u, struct load *l, struct err *err)
{
    struct loader_object *o = &u->objects[0];
    struct merging m = {.c = c, .u = u};

    int rc = target_upsert_merge(l, c->def, c->key, &o->sums, on_refused, &m, &o->upsert, err);
    if (m.fresh)
        qsort(u->refused->rows, u->refused->n, sizeof *u->refused->rows, by_line);
    if (rc == 0 && m.fresh)
        rc = read_again(err);
    o->sums.rows = target_load_rows(l);
    return rc;
}

bool loader_refused_row(const struct loader_unit *u, const struct batch *b, size_t row,
                        struct reject_info *ret)
{
    const struct reject_info *known =
        u->refused != NULL && u->refused->n > 0 ? find_refused(u->refused, b->lines[row]) : NULL;

    if (known == NULL)
        return false;
    *ret = *known;
    ret->offset = b->offsets[row];
    ret->raw = b->raw[row];
    ret->raw_total = b->raw_n[row];
    ret->raw_n = b->raw_n[row] < MAX_REJECT_RAW ? b->raw_n[row] : MAX_REJECT_RAW;
    if (ret->raw_n < b->raw_n[row])
        sha256_of(b->raw[row], b->raw_n[row], ret->raw_sha256);
    return true;
}

char *loader_columns(const struct table *def, const struct table_key *key, bool with_sums,
                     const struct loader_object *o)
{
    json_t *v;

    if (o->records == 0 || (!with_sums && key == NULL))
        return NULL;
    v = with_sums ? sums_to_json(&o->sums, def) : json_object();
    if (key != NULL)
        json_object_set_new(v, SUMS_UPSERT, upsert_to_json(&o->upsert));
    char *text = json_text(v);
    json_decref(v);
    return text;
}

#include "steps/drift.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/evidence.h"
#include "io/target_stage.h"
#include "state/flag.h"
#include "state/notice.h"
#include "steps/object_int.h"
#include <strings.h>

enum { SAMPLE_ROWS = 20000, TRIES = 3 };

struct drifting {
    struct step_ctx *c;
    const struct table *def;
    struct evidence *evidence;            /* owned */
    const char *names[MAX_DRIFT_COLUMNS]; /* borrowed from evidence */
    const char *types[MAX_DRIFT_COLUMNS];
    char texts[MAX_DRIFT_COLUMNS][SEEN_TYPE];
    size_t count, more; /* more: beyond the limit */
    int64_t rows;
};

static bool is_new(const struct table *def, const char *name)
{
    /* names like orch's own are never made here: the converter says what is wrong with them */
    return table_find(def, str_of(name)) < 0 && strncasecmp(name, "_orch_", 6) != 0;
}

static size_t new_names(struct drifting *d, const struct table *def)
{
    d->count = d->more = 0;
    for (size_t k = 0; k < d->evidence->count; k++) {
        if (d->evidence->columns[k].unnamed || !is_new(def, d->evidence->columns[k].name))
            continue;
        if (d->count < MAX_DRIFT_COLUMNS)
            d->names[d->count++] = d->evidence->columns[k].name;
        else
            d->more++;
    }
    return d->count;
}

/* The header; and where it has new names, a sample of the cells. */
static int on_record(void *arg, const struct csv_record *rec, struct err *err)
{
    struct drifting *d = arg;

    if (d->evidence == NULL) {
        struct err bad; /* what is wrong with the header is the converter's to say, with all it knows */
        d->evidence = evidence_new(&d->c->pipeline->convert);
        if (evidence_header(d->evidence, rec, &bad) < 0) {
            d->evidence->count = 0;
            return 1;
        }
        return new_names(d, d->def) > 0 ? 0 : 1;
    }
    UNUSED(err);
    evidence_row(d->evidence, rec);
    return ++d->rows >= SAMPLE_ROWS ? 1 : 0;
}

static const struct evidence_column *column_of(const struct drifting *d, const char *name)
{
    for (size_t k = 0; k < d->evidence->count; k++)
        if (d->evidence->columns[k].name == name)
            return &d->evidence->columns[k];
    return NULL;
}

static void type_all(struct drifting *d)
{
    const struct evidence_type_how how = {.wide = true};

    for (size_t k = 0; k < d->count; k++) {
        struct evidence_type type;
        evidence_type(column_of(d, d->names[k]), &how, &type);
        snprintf(d->texts[k], SEEN_TYPE, "%s", type.type);
        d->types[k] = d->texts[k];
    }
}

static int refuse_many(const struct drifting *d, const struct object_info *o, struct err *err)
{
    char file[KEY_NAME_SIZE];

    err_set(err, ERR_SCHEMA, "%s has %zu names that table %s lacks, '%.60s' the first: that is no drift",
            key_name(o->key, file), d->count + d->more, d->def->name, d->names[0]);
    return err_hint(err, "at most %d columns are added at once; is it another file, or one without header?",
                    MAX_DRIFT_COLUMNS);
}

static int tell(struct drifting *d, const struct object_info *o, const char *part, struct err *err)
{
    struct step_ctx *c = d->c;
    char file[KEY_NAME_SIZE], name[200], text[700];
    int rc = 0;

    for (size_t i = 0; rc == 0 && c->store != NULL && i < d->count; i++) {
        str_printable(d->names[i], strlen(d->names[i]), name, sizeof name);
        snprintf(text, sizeof text, "%s %s to table %.200s: the header of %s has it", name, d->types[i],
                 c->pipeline->table, key_name(o->key, file));
        const struct notice n = {c->pipeline->name, part, "adds column", text};
        rc = notice_put(c->store, c->token, &n, clock_now_ms(), err);
    }
    return rc;
}

/* The staging table has the table's columns, in its order: what is added to the one is added to the other. */
static int alter_stage(struct drifting *d, struct target *t, struct err *err)
{
    char stage[STAGE_NAME_SIZE];
    struct table *def = NULL;
    const char *names[MAX_DRIFT_COLUMNS], *types[MAX_DRIFT_COLUMNS];
    struct err absent;
    size_t n = 0;

    target_stage_name(d->c->pipeline->table, stage);
    int rc = target_describe(t, stage, &def, &absent);

    if (rc < 0 && absent.native != TARGET_NO_TABLE)
        *err = absent;
    else if (rc < 0)
        rc = 0;
    for (size_t i = 0; rc == 0 && def != NULL && i < d->count; i++)
        if (table_find(def, str_of(d->names[i])) < 0) {
            names[n] = d->names[i];
            types[n++] = d->types[i];
        }
    if (rc == 0 && n > 0)
        rc = target_add_columns(t, stage, names, types, n, err);
    table_free(def);
    return rc < 0 ? rc : 0;
}

/* Who was taken over changes no table any more. */
static int still_ours(const struct step_ctx *c, struct err *err)
{
    struct flag flag;

    if (c->flag_id == NULL || c->store == NULL)
        return 0;
    return flag_held(c->store, c->pipeline->name, c->flag_id, &flag, err);
}

/* The staging table first: what is found missing in the table itself is missing there too, wherever we die. */
static int add(struct drifting *d, struct target *t, struct table **io_def, struct err *err)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < TRIES && new_names(d, *io_def) > 0; i++) {
        struct table *now = NULL;
        type_all(d);
        rc = still_ours(d->c, err);
        if (rc == 0)
            rc = alter_stage(d, t, err);
        if (rc == 0)
            rc = fault_point("drift.staged", err);
        if (rc == 0)
            rc = target_add_columns(t, d->c->pipeline->table, d->names, d->types, d->count, err);
        if (rc >= 0)
            rc = fault_point("drift.altered", err);
        if (rc >= 0)
            rc = target_describe(t, d->c->pipeline->table, &now, err);
        if (rc < 0)
            return rc;
        table_free(*io_def);
        *io_def = now;
    }
    return rc;
}

int step_drift(struct step_ctx *c, struct target *t, const struct object_info *o, const char *part,
               struct table **io_def, struct err *err)
{
    struct drifting d = {.c = c, .def = *io_def};
    int rc;

    if (c->pipeline->convert.drift != DRIFT_ADD_COLUMNS || !c->pipeline->convert.header || o->size == 0)
        return 0;
    rc = step_records(c, o, on_record, &d, err);
    if (rc == 0 && d.evidence != NULL && d.more > 0) {
        rc = refuse_many(&d, o, err);
    } else if (rc == 0 && d.evidence != NULL && d.count > 0) {
        type_all(&d);
        rc = tell(&d, o, part, err);
        if (rc == 0)
            rc = fault_point("drift.told", err);
        if (rc == 0)
            rc = add(&d, t, io_def, err);
        rc = rc < 0 ? rc : 1;
    }
    evidence_free(d.evidence);
    return rc;
}

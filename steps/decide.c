#include "base/mem.h"
#include "steps/listing.h"

const char *decide_refusal(const struct pipeline *p)
{
    return p->lineage == LINEAGE_NONE
               ? "overwritten after it was loaded, and without lineage columns nobody can tell "
                 "which rows to replace"
               : "overwritten after it was loaded, and on_overwrite is \"refuse\"";
}

static bool same_load(const struct object_seen *o, const struct load_row *l)
{
    const struct object_row row = {.size = l->size, .mtime_ns = l->mtime_ns, .etag = l->etag};

    return object_same(o, &row);
}

static int find_open(struct step_ctx *c, const char *key, struct load_open *ret, struct err *err)
{
    int rc = load_open(c->store, c->pipeline->name, key, ret, err);

    if (rc == 0)
        *ret = (struct load_open){0};
    return rc < 0 ? rc : 0;
}

/* A load that is drawn for the key and may be changed. One in a job that was closed over it counts for
 * nothing. */
static bool may_change(const struct load_open *l)
{
    return l->load_id != 0 && l->waits && !l->pending && !l->worked;
}

static bool hands_off(const struct load_open *l)
{
    return l->load_id != 0 && (l->pending || l->worked);
}

/* The identity is not the one that was seen last, or was never queued. */
static int decide_new(struct step_ctx *c, const struct object_seen *o, struct verdict *ret, struct err *err)
{
    const struct pipeline *p = c->pipeline;
    struct load_row loaded = {0};

    int rc = find_open(c, o->key, &ret->open, err);
    if (rc == 0)
        rc = load_newest(c->store, p->name, o->key, &loaded, err);
    if (rc < 0)
        return rc;
    if (hands_off(&ret->open))
        ret->fate = FATE_HOLD;
    else if (rc > 0 && same_load(o, &loaded))
        ret->fate = FATE_AGAIN;
    else if (may_change(&ret->open))
        ret->fate = FATE_REPOINT;
    else if (rc > 0 && (p->on_overwrite == OVERWRITE_REFUSE || p->lineage == LINEAGE_NONE))
        ret->fate = FATE_REFUSE;
    else
        ret->fate = FATE_QUEUE;
    load_row_release(&loaded);
    return 0;
}

/* Known as it is. Only a partition with something open can hold a load that does not fit the newest sighting.
 */
static int decide_known(struct step_ctx *c, const struct object_seen *o, const struct object_row *row,
                        struct verdict *ret, struct err *err)
{
    bool queued = strcmp(row->verdict, "QUEUED") == 0;

    int rc = find_open(c, o->key, &ret->open, err);
    if (rc < 0)
        return rc;
    ret->fate = FATE_KNOWN;
    if (queued && ret->open.load_id == 0)
        return decide_new(c, o, ret, err); /* its job was closed over it: nothing would ever load it */
    if (ret->open.load_id == 0 || ret->open.object_id == row->id || !may_change(&ret->open))
        return 0;
    if (queued || strcmp(row->verdict, "SAME") == 0)
        ret->fate = FATE_REPOINT;
    else if (strcmp(row->verdict, "REFUSED") != 0)
        ret->fate = FATE_AGAIN; /* loaded: what is drawn for an identity that is gone has nothing to load */
    return 0;
}

int decide_object(struct step_ctx *c, const struct part *p, const struct object_seen *o, struct verdict *ret,
                  struct err *err)
{
    struct object_row row = {0};
    int rc = object_newest(c->store, c->pipeline->name, o->key, &row, err);

    *ret = (struct verdict){.fate = FATE_KNOWN};
    if (rc < 0)
        return rc;
    bool known = rc > 0 && object_same(o, &row) && strcmp(row.verdict, "GONE") != 0;
    if (!known || strcmp(row.verdict, "NEW") == 0)
        rc = decide_new(c, o, ret, err);
    else if (p->open || strcmp(row.verdict, "QUEUED") == 0)
        rc = decide_known(c, o, &row, ret, err);
    else
        rc = 0;
    object_row_release(&row);
    return rc;
}

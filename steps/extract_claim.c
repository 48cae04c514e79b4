/*
 * Claims: DIR/_manifest/TABLE/open/STAMP at the sink says that an attempt writes files of that stamp. It is there before the first
 * of them and only where there was none, so no other attempt, of this state file or of another, ever writes a file of the same
 * name; and it is what tells, whatever became of the state file, which files an attempt left that died.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "io/hash.h"
#include "steps/extract_int.h"

enum { KEPT_MS = 3600 * 1000, MAX_STAMPS = 100, MAX_CLAIM = 4096 };

static int claim_folder(const struct extract_names *n, char out[MAX_KEY + 1], struct err *err)
{
    struct buf dir = BUF_INIT(MAX_KEY);
    int rc = extract_dir(n, true, &dir, err);

    if (rc == 0)
        rc = manifest_key(dir.p, n->table, 0, "any", out, err);
    buf_release(&dir);
    if (rc < 0)
        return rc;
    char *name = strrchr(out, '/') + 1;
    size_t room =
        MAX_KEY + 1 - (size_t)(name - out); /* more than "open/" and a stamp: so long is a manifest's name */
    snprintf(name, room, "open/");
    return 0;
}

static int claim_key(const struct extract_names *n, int64_t stamp_ms, char out[MAX_KEY + 1], struct err *err)
{
    int rc = claim_folder(n, out, err);

    if (rc == 0)
        snprintf(out + strlen(out), MAX_KEY + 1 - strlen(out), "%lld", (long long)(stamp_ms / 1000));
    return rc;
}

/* ---- files of an attempt ---- */

struct files {
    const struct extract *x;
    const struct extract_names *names;
    const char *stem;
    const struct manifest *keep; /* NULL: nothing */
    char **keys;                 /* owned */
    size_t n;
};

static int on_file(void *arg, const struct object_info *o, struct err *err)
{
    struct files *f = arg;

    UNUSED(err);
    if (!extract_is_part(f->x, f->names, f->stem, o->key))
        return 0;
    for (size_t i = 0; f->keep != NULL && i < f->keep->part_count; i++)
        if (strcmp(f->keep->parts[i].key, o->key) == 0)
            return 0;
    f->keys = xrealloc(f->keys, (f->n + 1) * sizeof *f->keys);
    f->keys[f->n++] = xstrdup(o->key);
    return 0;
}

/* Those that begin as the first part does, up to where its number would stand, and that keep does not list: how many. */
static int files_of(struct sink *sink, const struct extract *x, const struct extract_names *names,
                    const struct manifest *keep, bool remove, struct err *err)
{
    struct buf stem = BUF_INIT(MAX_KEY);
    struct files f = {.x = x, .names = names, .keep = keep};
    int rc = extract_stem(names, &stem, err);

    f.stem = stem.p;
    if (rc == 0)
        rc = sink_list(sink, stem.p, on_file, &f, err);
    for (size_t i = 0; i < f.n; i++) {
        if (rc == 0 && remove)
            rc = sink_remove(sink, f.keys[i], err);
        free(f.keys[i]);
    }
    free(f.keys);
    buf_release(&stem);
    return rc < 0 ? rc : (int)f.n;
}

/* ---- claiming ---- */

static int put_claim(struct step_ctx *c, struct sink *sink, const struct extraction *e, const char *key,
                     struct err *err)
{
    unsigned char nonce[8]; /* another's is never taken for ours whose answer was lost */
    char hex[2 * sizeof nonce + 1];

    random_bytes(nonce, sizeof nonce);
    str_hex(nonce, sizeof nonce, hex);
    json_t *o = json_pack("{s:s,s:s,s:s,s:I,s:s}", "pipeline", c->pipeline->name, "table", e->name, "run",
                          e->run, "seq", (json_int_t)e->seq, "nonce", hex);
    char *text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
    int rc = text != NULL ? sink_put_new(sink, key, text, strlen(text), err)
                          : err_set(err, ERR_INTERNAL, "%s: no claim can be written", e->name);
    free(text);
    json_decref(o);
    return rc;
}

/*
 * 1: it is ours, and nothing was ever written under it; 0: it is not to be had. Files are looked for on both sides of the claim:
 * one that has been published, and needs no claim any more, must not stand under ours, and ours not over files that are not.
 */
static int claim_one(struct step_ctx *c, struct sink *sink, const struct extraction *e, int64_t stamp_ms,
                     struct err *err)
{
    struct extract_names names;
    const struct extract_table *t;
    char key[MAX_KEY + 1];

    int rc = extract_find(c->pipeline, e->name, &t, err);
    if (rc < 0)
        return rc;
    extract_names(c->pipeline, t, e->run, stamp_ms, &names);
    rc = claim_key(&names, stamp_ms, key, err);
    if (rc == 0)
        rc = files_of(sink, c->pipeline->extract, &names, NULL, false, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = put_claim(c, sink, e, key, err);
    if (rc != 1)
        return rc;
    rc = files_of(sink, c->pipeline->extract, &names, NULL, false, err);
    return rc < 0 ? rc : rc == 0 ? 1 : sink_remove(sink, key, err);
}

int extract_claim(struct step_ctx *c, const char *run, int64_t *ret_stamp_ms, struct extract_rows *ret,
                  struct err *err)
{
    struct sink *sink = NULL;
    int rc = extract_sink(c, &sink, err);

    for (int n = 0; rc == 0; n++) {
        if (n == MAX_STAMPS) {
            rc = err_set(err, ERR_TRANSIENT, "%d moments one after the other are claimed by other attempts",
                         n);
            break;
        }
        extract_rows_release(ret);
        rc = extraction_stamp(c->store, c->token, c->pipeline->name, run, c->execution_id, clock_now_ms(),
                              ret_stamp_ms, err);
        if (rc == 0)
            rc = extract_rows(c, run, NULL, ret, err);
        bool ours = rc == 0;
        for (size_t i = 0; ours && i < ret->n; i++) {
            rc = claim_one(c, sink, &ret->rows[i], *ret_stamp_ms, err);
            ours = rc == 1;
        }
        rc = rc < 0 ? rc : 0;
        if (ours)
            break;
    }
    sink_close(sink);
    return rc;
}

/* ---- sweeping ---- */

struct sweep {
    struct step_ctx *c;
    struct sink *sink;
    const struct extraction *e;
    const struct extract_table *t;
    const struct manifest *m; /* that is there under our number; NULL: none yet */
    int64_t now_ms;
    char **keys; /* of claims, owned */
    size_t n;
};

static int on_claim(void *arg, const struct object_info *o, struct err *err)
{
    struct sweep *s = arg;

    UNUSED(err);
    s->keys = xrealloc(s->keys, (s->n + 1) * sizeof *s->keys);
    s->keys[s->n++] = xstrdup(o->key);
    return 0;
}

static int is_part_of(void *arg, const char *key)
{
    const struct files *f = arg;

    return extract_is_part(f->x, f->names, f->stem, key);
}

/* Uploads of an attempt that died. */
static int abandon(const struct sweep *s, const struct extract_names *names, struct err *err)
{
    struct buf stem = BUF_INIT(MAX_KEY);
    struct files f = {.x = s->c->pipeline->extract, .names = names};
    int rc = extract_stem(names, &stem, err);

    f.stem = stem.p;
    if (rc == 0)
        rc = sink_abandon(s->sink, stem.p, is_part_of, &f, err);
    buf_release(&stem);
    return rc < 0 ? rc : 0;
}

/* The manifest that may list files of a claim's run: 1, and they are no one else's to publish any more; 0: it may come yet. */
static int ended(struct sweep *s, const char *run, int64_t seq, struct buf *text, struct manifest *own,
                 const struct manifest **ret, struct err *err)
{
    struct extract_names names;
    struct buf dir = BUF_INIT(MAX_KEY);
    char key[MAX_KEY + 1];

    if (seq == s->m->seq && (seq >= 0 || strcmp(run, s->m->run) == 0)) {
        *ret = s->m;
        return 1;
    }
    extract_names(s->c->pipeline, s->t, run, 0, &names);
    int rc = extract_dir(&names, true, &dir, err);
    if (rc == 0)
        rc = manifest_key(dir.p, s->t->name, seq, run, key, err);
    if (rc == 0)
        rc = sink_read(s->sink, key, text, err);
    if (rc == 1) {
        rc = manifest_parse(text->p, text->n, key, own, err);
        rc = rc < 0 ? rc : 1;
    }
    *ret = own;
    buf_release(&dir);
    return rc;
}

/*
 * Another attempt may not know yet that it came to nothing: files of it that are whole go, for nobody will publish them, but what it
 * is writing and its claim stay until it must know: for KEPT_MS, as long as a statement of it may be silent. Without the claim
 * nothing would find what it writes meanwhile. Of our own run, which is ours alone, uploads go at once.
 */
static int sweep_claim(struct sweep *s, const char *key, const json_t *claim, int64_t stamp_ms,
                       struct err *err)
{
    const char *pipeline = json_string_value(json_object_get(claim, "pipeline")),
               *table = json_string_value(json_object_get(claim, "table")),
               *run = json_string_value(json_object_get(claim, "run"));
    const json_t *seq = json_object_get(claim, "seq");
    struct buf text = BUF_INIT(MAX_MANIFEST);
    struct manifest own = {0};
    const struct manifest *keep;
    struct extract_names names;
    int rc = 0;

    if (pipeline == NULL || table == NULL || run == NULL || !json_is_integer(seq) ||
        strcmp(pipeline, s->c->pipeline->name) != 0 || strcmp(table, s->t->name) != 0)
        return 0; /* somebody else's */
    bool ours = strcmp(run, s->e->run) == 0, mine = ours && stamp_ms == s->e->stamp_ms;
    bool old = stamp_ms < s->now_ms - KEPT_MS;
    extract_names(s->c->pipeline, s->t, run, stamp_ms, &names);
    if ((ours && !mine) || old)
        rc = abandon(s, &names, err);
    if (rc == 0 && s->m != NULL)
        rc = ended(s, run, json_integer_value(seq), &text, &own, &keep, err);
    if (rc == 0 && s->m != NULL && json_integer_value(seq) < 0 && stamp_ms < s->now_ms - EXTRACT_LEFT_MS) {
        keep = NULL; /* nobody puts its manifest any more */
        rc = 1;
    }
    if (rc == 1)
        rc = files_of(s->sink, s->c->pipeline->extract, &names, keep, true, err) < 0 ? -(int)err->code : 1;
    if (rc == 1 && (mine || old))
        rc = sink_remove(s->sink, key, err);
    manifest_release(&own);
    buf_release(&text);
    return rc < 0 ? rc : 0;
}

/* A manifest or a claim that has not got its name, and comes too late in any case. */
static int is_late(void *arg, const char *key)
{
    const struct sweep *s = arg;
    const char *name = strrchr(key, '/') + 1;
    struct err ignored;
    int64_t n;

    if (str_to_i64((struct str){name, strspn(name, "0123456789")}, 0, INT64_MAX / 1000, &n, &ignored) < 0)
        return 0;
    return manifest_is_key(key) ? n <= s->m->seq : n * 1000 < s->now_ms - KEPT_MS;
}

static int sweep_names(struct sweep *s, const char *folder, struct err *err)
{
    struct buf prefix = BUF_INIT(MAX_KEY);
    int rc = 0;

    if (sink_is_s3(s->sink))
        return 0;
    for (int copies = 0; rc >= 0 && copies < 2; copies++) {
        const char *from = copies ? s->m->part_count > 0 ? s->m->parts[0].key : NULL : folder, *slash;
        if (from == NULL || (slash = strrchr(from, '/')) == NULL)
            continue;
        buf_clear(&prefix);
        rc = copies ? buf_addf(&prefix, err, "%.*s/_manifest/%s/", (int)(slash - from), from, s->t->name)
                    : buf_add(&prefix, from, strlen(from) - strlen("open/"), err);
        if (rc == 0)
            rc = sink_abandon(s->sink, prefix.p, is_late, s, err);
    }
    buf_release(&prefix);
    return rc < 0 ? rc : 0;
}

int extract_sweep(struct step_ctx *c, struct sink *sink, const struct extraction *e,
                  const struct extract_table *t, const struct manifest *m, struct err *err)
{
    struct sweep s = {c, sink, e, t, m, clock_now_ms(), NULL, 0};
    struct extract_names names;
    struct buf text = BUF_INIT(MAX_CLAIM);
    char folder[MAX_KEY + 1];

    extract_names(c->pipeline, t, e->run, e->stamp_ms, &names);
    int rc = claim_folder(&names, folder, err);
    if (rc == 0)
        rc = sink_list(sink, folder, on_claim, &s, err);
    for (size_t i = 0; i < s.n; i++) {
        json_t *claim = NULL;
        struct err ignored;
        int64_t stamp_s;
        const char *name = strrchr(s.keys[i], '/') + 1;
        if (rc == 0 && str_to_i64(str_of(name), 1, INT64_MAX / 1000, &stamp_s, &ignored) == 0) {
            rc = sink_read(sink, s.keys[i], &text, err);
            if (rc == 1) {
                rc = json_parse(text.p, text.n, s.keys[i], &claim, &ignored) < 0
                         ? 0
                         : sweep_claim(&s, s.keys[i], claim, stamp_s * 1000, err);
                json_decref(claim);
            }
        }
        free(s.keys[i]);
    }
    if (rc == 0 && m != NULL)
        rc = sweep_names(&s, folder, err);
    free(s.keys);
    buf_release(&text);
    return rc < 0 ? rc : 0;
}

int extract_unclaim(struct step_ctx *c, struct sink *sink, const struct extraction *e,
                    const struct extract_table *t, struct err *err)
{
    struct extract_names names;
    char key[MAX_KEY + 1];

    extract_names(c->pipeline, t, e->run, e->stamp_ms, &names);
    int rc = claim_key(&names, e->stamp_ms, key, err);
    return rc < 0 ? rc : sink_remove(sink, key, err);
}

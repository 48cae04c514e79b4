/*
 * What lies in a partition, by the word of the manifests that lie there too (steps/manifest.h): an object is a part that one of
 * them lists, with the size that it says. A file that none lists is of an extract that is still running, or was broken off: it is
 * left out. A manifest that cannot be read, or whose part is not there as it says, holds its whole partition back: the rows of
 * the rest are never taken for all of them.
 */
#include "base/mem.h"
#include "steps/listing.h"
#include "steps/manifest.h"
#include "steps/object_int.h"
#include <strings.h>

enum { SHOWN = 80 };

/* A part that is to be there. */
struct entry {
    size_t part;
    const char *key, *sha256, *manifest; /* in the listing's arena */
    int64_t rows, bytes, at_ms;
    bool found;
};
struct entries {
    struct listing *l;
    struct entry *all; /* owned */
    size_t n, cap;
};

static const char *keep(struct listing *l, const char *text)
{
    return arena_strndup(l->arena, text, strlen(text));
}

/* The first reason stays. */
static void PRINTF(3, 4) hold(struct listing *l, size_t part, const char *fmt, ...)
{
    char text[MAX_REASON];
    va_list ap;

    if (l->parts[part].hold != NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    l->parts[part].hold = keep(l, text);
}

static int add(struct entries *e, const struct manifest_seen *seen, const struct manifest *m,
               const struct manifest_part *p, struct err *err)
{
    char key[MAX_KEY + 1];
    int rc = manifest_part_key(seen->o.key, p->key, key, err);

    if (rc < 0 || !include_matches(e->l->c->pipeline, key)) /* of another table that lies there too */
        return rc;
    if (e->n == MAX_LISTED)
        return err_set(err, ERR_TOO_LARGE, "more than %d parts in manifests", MAX_LISTED);
    if (e->n == e->cap) {
        e->cap = e->cap ? e->cap * 2 : 64;
        e->all = xrealloc(e->all, e->cap * sizeof *e->all);
    }
    e->all[e->n++] = (struct entry){.part = seen->part,
                                    .key = keep(e->l, key),
                                    .sha256 = keep(e->l, p->sha256),
                                    .manifest = seen->o.key,
                                    .rows = p->rows,
                                    .bytes = p->bytes,
                                    .at_ms = m->at_ms};
    return 0;
}

/* Whole. What is wrong with this object alone, and not with its source, is 1 with the reason in why. */
static int fetch(struct source *source, const struct object_info *o, struct buf *text, struct err *why,
                 struct err *err)
{
    struct reader *r = NULL;
    size_t n = 1;

    buf_clear(text);
    int rc = source_get(source, o, &r, why);
    while (rc == 0 && n > 0) {
        rc = buf_reserve(text, 64 * KIB, why);
        if (rc == 0)
            rc = reader_read(r, text->p + text->n, 64 * KIB, &n, why);
        if (rc == 0)
            text->n += n;
    }
    reader_close(r);
    if (rc < 0 &&
        (why->code == ERR_OBJECT_CHANGED || why->code == ERR_NOT_FOUND || why->code == ERR_TOO_LARGE))
        return 1;
    if (rc < 0)
        *err = *why;
    return rc;
}

static bool holds_bytes(const char *type)
{
    return str_starts(type, "bit") || str_starts(type, "binary") || str_starts(type, "varbinary") ||
           strstr(type, "blob") != NULL;
}

/* Of a column whose bytes would be read as something else; NULL: none. */
static const char *read_otherwise(const struct pipeline *p, const struct manifest *m)
{
    const char *is = m->format.binary;
    enum convert_binary want = is != NULL && strcmp(is, "hex") == 0 ? CONVERT_HEX : CONVERT_BASE64;

    for (size_t i = 0; is != NULL && i < m->column_count; i++) {
        enum convert_binary how = p->convert.binary;
        bool used = holds_bytes(m->columns[i].type);
        for (size_t k = 0; k < p->convert.rule_count; k++) {
            const struct convert_rule *r = &p->convert.rules[k];
            if (p->convert.header ? strcasecmp(r->from, m->columns[i].name) != 0
                                  : strtoul(r->from, NULL, 10) != i + 1)
                continue;
            how = r->binary != CONVERT_UNSAID ? r->binary : how;
            used = used && r->to != NULL;
        }
        if (used && how != want)
            return m->columns[i].name;
    }
    return NULL;
}

static const char *printable(const char *text, char shown[SHOWN])
{
    str_printable(text, strlen(text), shown, SHOWN);
    return shown;
}

/*
 * What would be read, but as something else than was written: a NULL as a text, a text as a NULL, digits in place of bytes. The
 * sums before COMMIT do not see that, as they compare the table with what was read.
 */
static void hold_format(struct listing *l, size_t part, const char *name, const struct manifest *m)
{
    const struct pipeline *p = l->c->pipeline;
    const struct manifest_format *f = &m->format;
    const char *const *nulls = p->convert.nulls, *column = read_otherwise(p, m);
    char shown[SHOWN];
    size_t n = 0;

    while (nulls != NULL && nulls[n] != NULL)
        n++;
    if (strcmp(f->kind, "csv") != 0 && strcmp(f->kind, "tsv") != 0)
        hold(l, part, "%s is of %s files, and only csv and tsv are loaded", name, f->kind);
    else if (f->delimiter != NULL && f->delimiter[0] != p->dialect.delimiter)
        hold(l, part, "%s: delimiter %s, and csv.delimiter is another one", name,
             printable(f->delimiter, shown));
    else if (p->dialect.quote != '"' || p->dialect.escape != '\0' || p->dialect.encoding != CSV_UTF8)
        hold(l, part,
             "%s: an extract is UTF-8 with \" as quote, doubled; csv.quote, escape or encoding differ", name);
    else if (f->header != p->convert.header)
        hold(l, part, "%s: header %s, and csv.header is not", name, f->header ? "true" : "false");
    else if (f->null != NULL && (n != 1 || strcmp(nulls[0], f->null) != 0))
        hold(l, part, "%s: NULL is written as \"%s\": csv.null must have it, and it alone", name,
             printable(f->null, shown));
    else if (column != NULL)
        hold(l, part, "%s: bytes are written as %s: csv.binary must say so, for column %s", name, f->binary,
             printable(column, shown));
}

static int read_one(struct entries *e, struct source *source, const struct manifest_seen *seen,
                    struct buf *text, struct err *err)
{
    struct manifest m = {.arena = NULL};
    char name[KEY_NAME_SIZE];
    struct err why;

    key_name(seen->o.key, name);
    int rc = fetch(source, &seen->o, text, &why, err);
    if (rc == 0 && manifest_parse(text->p, text->n, "", &m, &why) < 0)
        rc = 1;
    if (rc > 0) {
        hold(e->l, seen->part, "%s cannot be read: %s", name,
             str_starts(why.msg, ": ") ? why.msg + 2 : why.msg);
        return 0;
    }
    size_t before = e->n;
    for (size_t i = 0; rc == 0 && i < m.part_count; i++)
        rc = add(e, seen, &m, &m.parts[i], err);
    if (rc == 0 && e->n > before)
        hold_format(e->l, seen->part, name, &m);
    if (rc == 0 && m.part_count == 0)
        e->l->parts[seen->part].nothing_said = true;
    manifest_release(&m);
    return rc;
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return strcmp(x->key, y->key);
}

/* Of several manifests that list one key the newest tells. */
static int by_place_newest_first(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int rc = by_place(a, b);

    return rc != 0 || x->at_ms == y->at_ms ? rc : x->at_ms > y->at_ms ? -1 : 1;
}

static void sort(struct entries *e)
{
    size_t n = 0;

    if (e->n > 0)
        qsort(e->all, e->n, sizeof *e->all, by_place_newest_first);
    for (size_t i = 0; i < e->n; i++)
        if (n == 0 || by_place(&e->all[n - 1], &e->all[i]) != 0)
            e->all[n++] = e->all[i];
    e->n = n;
}

/* Whether the object stays. */
static bool judge(struct entries *e, struct seen *s)
{
    const struct entry asked = {.part = s->part, .key = s->o.key};
    struct entry *found = e->n > 0 ? bsearch(&asked, e->all, e->n, sizeof asked, by_place) : NULL;
    char manifest[KEY_NAME_SIZE], name[KEY_NAME_SIZE];

    if (found == NULL) {
        e->l->parts[s->part].unlisted++;
        listing_leave_out(e->l, s->o.key, s->o.size);
        return false;
    }
    found->found = true;
    if (found->bytes != s->o.size)
        hold(e->l, s->part, "%s lists %s with %lld bytes, and it has %lld",
             key_name(found->manifest, manifest), key_name(s->o.key, name), (long long)found->bytes,
             (long long)s->o.size);
    s->o.said_rows = found->rows;
    s->o.said_sha256 = found->sha256;
    return true;
}

int listing_manifests(struct listing *l, size_t first, struct err *err)
{
    struct entries e = {.l = l};
    struct buf text = BUF_INIT(MAX_MANIFEST + 64 * KIB);
    char manifest[KEY_NAME_SIZE], name[KEY_NAME_SIZE];
    struct source *source;
    size_t n = first;

    int rc = step_source(l->c, &source, err);
    for (size_t i = 0; rc == 0 && i < l->manifest_count; i++) {
        rc = beat(&l->c->beat, err);
        if (rc == 0)
            rc = read_one(&e, source, &l->manifests[i], &text, err);
    }
    l->manifest_count = 0;
    sort(&e);
    for (size_t i = first; rc == 0 && i < l->seen_count; i++)
        if (judge(&e, &l->seen[i]))
            l->seen[n++] = l->seen[i];
    l->seen_count = n;
    for (size_t i = 0; rc == 0 && i < e.n; i++)
        if (!e.all[i].found)
            hold(l, e.all[i].part, "%s lists %s, which is not there", key_name(e.all[i].manifest, manifest),
                 key_name(e.all[i].key, name));
    free(e.all);
    buf_release(&text);
    return rc;
}

/* What one channel is told, as JSON and as a mail: the same entries, in the order of stderr. */
#include "base/civil.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "orchestrator/alerts.h"
#include <unistd.h>

enum { SUBJECT_GROUPS = 3, THREADS = 10, ID_BYTES = 16 };

static void host_name(char *out, size_t size)
{
    memset(out, 0, size);
    if (gethostname(out, size - 1) < 0 || out[0] == '\0')
        snprintf(out, size, "localhost");
}

static void id_of(const char *text, size_t n, char out[40])
{
    char hex[SHA256_HEX];

    sha256_hex(text, n, hex);
    snprintf(out, 40, "orch.%.*s", 2 * ID_BYTES, hex);
}

/* A retry after a crash, or after an answer that was lost, has the id of the first: the same news to the same reader. */
static int make_id(const struct config *c, const struct channel *ch, struct message *m, const char *host,
                   bool test, int64_t now_ms, struct err *err)
{
    struct buf b = BUF_INIT(64 * MIB);
    int rc = buf_addf(&b, err, "%s\n%s\n%s\n%lld\n", host, c->path, ch->name, test ? (long long)now_ms : 0);

    for (size_t i = 0; rc == 0 && i < m->items.n; i++) {
        const struct item *it = &m->items.v[i];
        if (it->due)
            rc = buf_addf(&b, err, "%s %lld %lld %d\n", it->key, (long long)it->opened_ms,
                          (long long)it->said_ms, it->gone);
    }
    if (rc == 0)
        id_of(b.p, b.n, m->id);
    buf_release(&b);
    return rc;
}

/* Due items of one pipeline and class are neighbours, but for new and told before: the threads and the subject. */
static bool begins_group(const struct items *l, size_t i)
{
    for (size_t k = i; k-- > 0;)
        if (l->v[k].due)
            return l->v[k].gone != l->v[i].gone || strcmp(l->v[k].pipeline, l->v[i].pipeline) != 0 ||
                   strcmp(l->v[k].class, l->v[i].class) != 0;
    return true;
}

static void add_thread(const struct config *c, struct message *m, const struct item *it, const char *host)
{
    char *text = xasprintf("%s\n%s\n%s\n%s", host, c->path, it->pipeline, it->class), id[40];
    size_t n = 0;

    id_of(text, strlen(text), id);
    free(text);
    for (; n < THREADS && m->threads[n] != NULL; n++)
        if (strcmp(m->threads[n], id) == 0)
            return;
    if (n < THREADS)
        m->threads[n] = xstrdup(id);
}

/* No dates and no partitions: mails of one trouble have one subject. */
static void make_subject(const struct config *c, struct message *m, const char *host)
{
    const struct items *l = &m->items;
    size_t groups = 0, open = 0, gone = 0, settled = 0;
    const struct item *first = NULL;
    char list[300] = "";

    for (size_t i = 0; i < l->n; i++) {
        const struct item *it = &l->v[i];
        if (!it->due)
            continue;
        first = first == NULL ? it : first;
        open += !it->gone;
        gone += it->gone;
        settled += it->gone && it->ending[0] != '\0';
        if (!begins_group(l, i))
            continue;
        add_thread(c, m, it, host);
        if (++groups <= SUBJECT_GROUPS)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s %s%s", groups > 1 ? ", " : "",
                     items_whose(it), it->class,
                     !it->gone || open == 0  ? ""
                     : it->ending[0] != '\0' ? " settled"
                                             : " recovered");
    }
    if (first == NULL)
        snprintf(m->subject, sizeof m->subject, "[orch] test");
    else if (groups == 1)
        snprintf(m->subject, sizeof m->subject, "[orch] %s%s", list,
                 open > 0          ? ""
                 : settled == gone ? " settled"
                                   : " recovered");
    else
        snprintf(m->subject, sizeof m->subject, "[orch] %zu %s: %s%s", open > 0 ? open : gone,
                 open > 1    ? "troubles"
                 : open == 1 ? "trouble"
                             : "recovered",
                 list, groups > SUBJECT_GROUPS ? ", ..." : "");
}

static void set_clean(json_t *o, const char *key, const char *text)
{
    char clean[4096];

    str_printable(text != NULL ? text : "", text != NULL ? strlen(text) : 0, clean, sizeof clean);
    json_object_set_new(o, key, json_string(clean));
}

/* count: troubles of that pipeline and class that this entry stands for. */
static json_t *entry_of(const struct config *c, const struct item *it, size_t count)
{
    const struct pipeline *p = NULL;
    char opened[CIVIL_RFC3339_SIZE];
    struct err none;
    json_t *o = json_object(), *owner = json_object();

    if (config_flow(c, it->pipeline, &p, &none) < 0)
        p = NULL;
    set_clean(o, "state", !it->gone ? "OPEN" : it->ending[0] != '\0' ? "SETTLED" : "RECOVERED");
    set_clean(o, "class", it->class);
    set_clean(o, "pipeline", it->pipeline);
    set_clean(o, "partition", count > 1 ? "" : it->part);
    set_clean(o, "text", it->text);
    set_clean(o, "hint", it->hint);
    if (it->gone)
        set_clean(o, "ending", it->ending);
    set_clean(owner, "name", p != NULL ? p->owner_name : "");
    set_clean(owner, "email", p != NULL ? p->owner_email : "");
    json_object_set_new(o, "owner", owner);
    set_clean(o, "opened", civil_rfc3339(it->opened_ms, false, opened));
    json_object_set_new(o, "again", json_boolean(it->again));
    json_object_set_new(o, "count", json_integer((json_int_t)count));
    return o;
}

static void make_document(const struct config *c, struct message *m, const char *host, bool test,
                          int64_t now_ms)
{
    json_t *troubles = json_array(), *o = json_pack("{s:i}", "schema_version", 1);
    char now[CIVIL_RFC3339_SIZE];

    set_clean(o, "id", m->id);
    set_clean(o, "subject", m->subject);
    set_clean(o, "at", civil_rfc3339(now_ms, false, now));
    set_clean(o, "host", host);
    set_clean(o, "config", c->path);
    json_object_set_new(o, "test", json_boolean(test));
    for (size_t i = 0; i < m->items.n && json_array_size(troubles) < MAX_DIGEST; i++) {
        size_t count = items_stand_for(&m->items, i);
        if (count > 0)
            json_array_append_new(troubles, entry_of(c, &m->items.v[i], count));
    }
    json_object_set_new(o, "troubles", troubles);
    m->document = o;
}

static int add_paragraph(const struct config *c, struct buf *b, const struct item *it, size_t count,
                         struct err *err)
{
    const struct pipeline *p;
    struct err none;
    struct item_line line;
    char where[400], text[3600], hint[500];

    item_line(it, count, &line);
    str_printable(line.where, strlen(line.where), where, sizeof where);
    str_printable(line.text, strlen(line.text), text, sizeof text);
    str_printable(line.hint, strlen(line.hint), hint, sizeof hint);
    int rc = buf_addf(b, err, "%s: %s\n", where, text);
    if (rc == 0 && hint[0] != '\0')
        rc = buf_addf(b, err, "    %s\n", hint);
    bool is_extract = config_extract(c, it->pipeline, &p, &none) == 0;
    if (rc == 0 && is_extract && !it->gone)
        rc = buf_addf(b, err, "    orch logs %s\n", it->pipeline);
    else if (rc == 0 && count == 1 && !it->gone && it->pipeline[0] != '\0')
        rc = buf_addf(b, err, "    orch explain %s%s%.*s\n", it->pipeline, it->part[0] != '\0' ? "/" : "",
                      (int)strcspn(it->part, "#"), it->part);
    return rc == 0 ? buf_adds(b, "\n", err) : rc;
}

/* What the reader knows already and is not told again, in one line a group; a group's items are neighbours. */
static int add_standing(struct buf *b, const struct items *l, struct err *err)
{
    int rc = 0;

    for (size_t first = 0, end; rc == 0 && first < l->n; first = end) {
        const struct item *it = &l->v[first];
        size_t n = 0;
        for (end = first;
             end < l->n && l->v[end].gone == it->gone && strcmp(l->v[end].pipeline, it->pipeline) == 0 &&
             strcmp(l->v[end].class, it->class) == 0;
             end++)
            n += !l->v[end].due && !it->gone;
        if (n > 0)
            rc = buf_addf(b, err, "Told before and not over: %zu %s of %s.\n", n, it->class, items_whose(it));
    }
    return rc;
}

static int make_body(const struct config *c, struct message *m, const char *host, bool test, int64_t now_ms,
                     struct err *err)
{
    struct buf b = BUF_INIT(MAX_ALERT);
    char now[CIVIL_RFC3339_SIZE];
    size_t entries = 0, left = 0;
    int rc = test ? buf_adds(&b, "This is a test: orch can reach you. Nothing is wrong.\n", err) : 0;

    for (size_t i = 0; rc == 0 && i < m->items.n; i++) {
        size_t count = items_stand_for(&m->items, i);
        if (count == 0)
            continue;
        if (entries++ < MAX_DIGEST)
            rc = add_paragraph(c, &b, &m->items.v[i], count, err);
        else
            left += count;
    }
    if (rc == 0 && left > 0)
        rc = buf_addf(&b, err, "And %zu more; orch status lists all.\n", left);
    if (rc == 0)
        rc = add_standing(&b, &m->items, err);
    if (rc == 0)
        rc = buf_addf(&b, err, "\n-- \norch on %s, %s\n%s; orch status shows all that stands.\n", host,
                      c->path, civil_rfc3339(now_ms, false, now));
    if (rc == 0)
        m->body = buf_take(&b);
    buf_release(&b);
    return rc;
}

int message_make(const struct config *c, const struct channel *ch, struct items *items, bool test,
                 int64_t now_ms, struct message *ret, struct err *err)
{
    char host[200];

    *ret = (struct message){.items = *items};
    *items = (struct items){0};
    host_name(host, sizeof host);
    items_sort_to_tell(&ret->items);
    int rc = make_id(c, ch, ret, host, test, now_ms, err);
    if (rc == 0) {
        make_subject(c, ret, host);
        make_document(c, ret, host, test, now_ms);
        rc = make_body(c, ret, host, test, now_ms, err);
    }
    if (rc < 0)
        message_release(ret);
    return rc;
}

void message_release(struct message *m)
{
    items_clear(&m->items);
    json_decref(m->document);
    free(m->body);
    for (size_t i = 0; i < ARRAY_LEN(m->threads); i++)
        free(m->threads[i]);
    *m = (struct message){0};
}

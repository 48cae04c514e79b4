/*
 * orch-extract-plan {pipeline, cause} -> {run}: what the next run takes, or null. A run that is unfinished comes first, with the
 * windows that it was planned with. A window is [where the last one ended, up to where rows are all there); it is on record
 * before anything is read. Where this state file knows less than the sink, the sink's newest manifest says where the last one
 * ended.
 */
#include "base/civil.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "io/hash.h"
#include "io/target_moment.h"
#include "steps/extract_int.h"
#include "steps/steps_int.h"
#include <strings.h>

enum { LOOK_AGAIN_MS = 24 * 3600 * 1000 };

struct planning {
    struct step_ctx *c;
    const struct extract *x;
    const struct extract_request *q;
    struct sink *sink;     /* owned; NULL: not asked yet */
    struct target *target; /* the step's */
    struct moment moment;
    struct extraction *rows; /* owned */
    size_t n;
    char *left_out; /* owned; of a range: tables that have no watermark to take it by; NULL: none */
    json_t *plan;   /* owned; NULL: not wanted */
    bool dry;
};

/* --- where the last run ended --- */

struct newest {
    char key[MAX_KEY + 1];
};

static int on_manifest(void *arg, const struct object_info *o, struct err *err)
{
    struct newest *n = arg;
    const char *slash = strrchr(o->key, '/'), *name = slash != NULL ? slash + 1 : o->key;

    UNUSED(err);
    if (strspn(name, "0123456789") == 10 && manifest_is_key(o->key) && strcmp(o->key, n->key) > 0)
        snprintf(n->key, sizeof n->key, "%s", o->key);
    return 0;
}

/* Without the port: a proxy in between is no other database. */
static void database_of(const char *name, char *out, size_t size)
{
    const char *colon = strrchr(name, ':'), *slash = strchr(name, '/');
    bool port = colon != NULL && slash != NULL && colon < slash;

    snprintf(out, size, "%.*s%s", (int)(port ? colon - name : (ptrdiff_t)strlen(name)), name,
             port ? slash : "");
}

/* Which rows a watermark speaks of: those that come from elsewhere, or are to be elsewhere, it knows nothing of. */
static char *rows_of(const struct planning *p, const struct extract_table *t)
{
    struct buf b = BUF_INIT(64 * KIB);
    char database[400];
    struct err ignored;

    database_of(target_name(p->target), database, sizeof database);
    err_ignore(buf_addf(&b, &ignored, "%s of %s by", t->table != NULL ? t->table : "a query", database));
    for (size_t i = 0; t->watermark[i] != NULL; i++)
        err_ignore(buf_addf(&b, &ignored, "%s %s", i > 0 ? "," : "", t->watermark[i]));
    err_ignore(buf_addf(&b, &ignored, " to %s%s", p->c->pipeline->source.url, p->x->prefix));
    return buf_take(&b);
}

static int check_rows_of(const struct planning *p, const struct watermark *w, const char *now,
                         struct err *err)
{
    if (p->q->moved || w->of == NULL || w->of[0] == '\0' || strcmp(w->of, now) == 0)
        return 0;
    err_set(err, ERR_CONFIG, "the watermark %s is that of %s, and this is %s",
            w->value != NULL ? w->value : "", w->of, now);
    return err_hint(err,
                    "are the same rows there, up to it? then orch extract %s --moved; if not, give the "
                    "extract another name",
                    p->c->pipeline->name);
}

/* A manifest under another's number would be found again for ever. */
static int check_number(const struct manifest *m, const char *key, struct err *err)
{
    const char *slash = strrchr(key, '/');
    char name[MAX_KEY + 1];

    int rc = manifest_key("", m->table, m->seq, m->run, name, err);
    if (rc == 0 && strcmp(strrchr(name, '/'), slash != NULL ? slash : key) != 0) {
        err_set(err, ERR_CONFIG, "%s says that it is number %lld", key, (long long)m->seq);
        rc = err_hint(err, "it was copied or renamed by hand: move it out of the folder");
    }
    return rc;
}

/* Where it ended by another column says nothing. */
static int check_columns(const struct manifest *m, const struct extract_table *t, const char *key,
                         struct err *err)
{
    bool same = true;
    size_t n = 0;

    for (; t->watermark[n] != NULL; n++)
        same = same && n < m->watermark.column_count && strcmp(m->watermark.columns[n], t->watermark[n]) == 0;
    if (same && n == m->watermark.column_count)
        return 0;
    err_set(err, ERR_CONFIG, "%s: it ended by other watermark columns than those of the config", key);
    return err_hint(err, "--moved goes on from there all the same; else give the extract another name");
}

/* 1: adopted, 0: there is none of that key. */
static int adopt(struct planning *p, const struct extract_table *t, const char *key, struct watermark *io,
                 struct err *err)
{
    struct buf text = BUF_INIT(MAX_MANIFEST);
    struct manifest m = {0};
    int rc = sink_read(p->sink, key, &text, err);

    if (rc == 1) {
        rc = manifest_parse(text.p, text.n, key, &m, err);
        if (rc == 0 &&
            (strcmp(m.pipeline, p->c->pipeline->name) != 0 || strcmp(m.table, t->name) != 0 || m.seq < 0)) {
            err_set(err, ERR_CONFIG,
                    "%s is a manifest of %s/%s, not of %s/%s: two extracts write to the same place", key,
                    m.pipeline, m.table, p->c->pipeline->name, t->name);
            rc = err_hint(err, "give each a task or prefix of its own");
        }
        if (rc == 0)
            rc = check_number(&m, key, err);
        if (rc == 0 && !p->q->moved)
            rc = check_columns(&m, t, key, err);
        if (rc == 0) {
            watermark_release(io);
            *io = (struct watermark){.value = m.watermark.to != NULL ? xstrdup(m.watermark.to) : NULL,
                                     .seq = m.seq,
                                     .run = xstrdup(m.run),
                                     .of = rows_of(p, t),
                                     .at_ms = m.at_ms};
            if (!p->dry) /* who put it may have died behind it */
                rc = extract_copy(p->sink, key, text.p, text.n, &m, err);
            if (rc == 0 && !p->dry)
                rc = watermark_adopt(p->c->store, p->c->token, p->c->pipeline->name, t->name, io, err);
        }
        rc = rc < 0 ? rc : 1;
        manifest_release(&m);
    }
    buf_release(&text);
    return rc;
}

static int64_t number_of(const char *key)
{
    const char *slash = strrchr(key, '/');

    return strtoll(slash != NULL ? slash + 1 : key, NULL, 10);
}

static int where_it_ended(struct planning *p, const struct extract_table *t, struct watermark *ret,
                          struct err *err)
{
    struct extract_names names;
    struct buf dir = BUF_INIT(MAX_KEY);
    struct newest newest = {""};
    char key[MAX_KEY + 1];

    extract_names(p->c->pipeline, t, "", 0, &names);
    int rc = extract_dir(&names, true, &dir, err);
    if (rc == 0)
        rc = watermark_get(p->c->store, p->c->pipeline->name, t->name, ret, err);
    bool old = rc == 1 && ret->at_ms < clock_now_ms() - LOOK_AGAIN_MS;
    if (rc == 0 || old) { /* never heard of, or not for long: manifests may have gone from between */
        rc = manifest_key(dir.p, t->name, 0, "any", key, err);
        if (rc == 0) {
            strrchr(key, '/')[1] =
                '\0'; /* with the slash: another table's name may begin as this one's does */
            rc = sink_list(p->sink, key, on_manifest, &newest, err);
        }
        if (rc == 0 && newest.key[0] != '\0' && number_of(newest.key) > ret->seq)
            rc = adopt(p, t, newest.key, ret, err);
    }
    while (rc >= 0 && ret->seq >= 0) { /* those that came after what we know */
        rc = manifest_key(dir.p, t->name, ret->seq + 1, "any", key, err);
        if (rc == 0)
            rc = adopt(p, t, key, ret, err);
        if (rc == 0)
            break;
    }
    buf_release(&dir);
    return rc < 0 ? rc : 0;
}

/* --- windows --- */

static bool date_alone(const struct extract_table *t, const struct table *def)
{
    bool all = def != NULL && t->watermark[0] != NULL;

    for (size_t i = 0; all && t->watermark[i] != NULL; i++) {
        int at = table_find(def, str_of(t->watermark[i]));
        all = at >= 0 && def->columns[at].type == COL_DATE;
    }
    return all;
}

static struct extraction *add_row(struct planning *p, const struct extract_table *t, const char *kind)
{
    p->rows = xrealloc(p->rows, (p->n + 1) * sizeof *p->rows);
    struct extraction *e = &p->rows[p->n++];
    *e = (struct extraction){.name = xstrdup(t->name),
                             .kind = xstrdup(kind),
                             .seq = -1,
                             .verify = p->q->verify,
                             .notice = xstrdup(p->moment.held),
                             .reason = xstrdup(p->q->reason != NULL ? p->q->reason : ""),
                             .who = xstrdup(p->q->who != NULL ? p->q->who : "")};
    return e;
}

static char *text_of(int64_t ms)
{
    char text[MOMENT_SIZE];

    return xstrdup(moment_text(ms, text));
}

static int plan_range(struct planning *p, const struct extract_table *t, struct err *err)
{
    const struct extract_request *q = p->q;
    int64_t to = q->to_ms >= 0 ? q->to_ms : p->moment.safe_ms,
            from = q->last_ms > 0 ? to - q->last_ms : q->from_ms;

    if (t->watermark[0] == NULL) {
        char *all = p->left_out == NULL ? xstrdup(t->name) : xasprintf("%s, %s", p->left_out, t->name);
        free(p->left_out);
        p->left_out = all;
        return 0;
    }
    if (from >= to || from >= p->moment.safe_ms)
        return err_set(err, ERR_USAGE,
                       from >= to ? "the range ends before it begins"
                                  : "the range begins in what is still being written");
    struct extraction *e = add_row(p, t, "RANGE");
    if (to >
        p->moment.safe_ms) { /* a row below its end may be committed yet, and nobody would come back for it */
        to = p->moment.safe_ms;
        free(e->notice);
        e->notice = xasprintf("the range ends where rows are all there%s%s",
                              p->moment.held[0] != '\0' ? ": " : "", p->moment.held);
    }
    e->from = text_of(from);
    e->to = text_of(to);
    return 0;
}

/* No snapshot and no open transactions to be seen: rows of a long INSERT would come in behind the window. */
static int check_engine(const struct extract_table *t, const struct table *def, struct err *err)
{
    static const char *const without[] = {"MyISAM", "Aria", "MEMORY", "CSV", "ARCHIVE", "MRG_MyISAM"};
    bool lacks = false;

    for (size_t i = 0; def != NULL && t->table != NULL && def->engine != NULL && i < ARRAY_LEN(without); i++)
        lacks = lacks || strcasecmp(def->engine, without[i]) == 0;
    if (!lacks || t->watermark[0] == NULL)
        return 0;
    err_set(err, ERR_CONFIG,
            "%s is a table of %s, which has no transactions: what is new of it cannot be told safely",
            t->table, def->engine);
    return err_hint(err, "ALTER TABLE %s ENGINE=InnoDB, or no watermark: all of it each time", t->table);
}

static int plan_due(struct planning *p, const struct extract_table *t, const struct table *def,
                    struct err *err)
{
    struct watermark w = {.seq = -1};
    int64_t safe = p->moment.safe_ms, ended = INT64_MIN;
    char *of = NULL;
    int rc = where_it_ended(p, t, &w, err);

    if (rc < 0)
        goto out;
    if (t->watermark[0] == NULL) {
        add_row(p, t, "FULL")->seq = w.seq + 1;
        goto out;
    }
    of = rows_of(p, t);
    rc = check_rows_of(p, &w, of, err);
    if (rc == 0 && p->q->moved && !p->dry)
        rc = watermark_moved(p->c->store, p->c->token, p->c->pipeline->name, t->name, of, err);
    if (rc < 0)
        goto out;
    if (date_alone(t, def)) /* today's rows come when today is over */
        safe = safe / 86400000 * 86400000;
    const char *from = w.value != NULL ? w.value : p->x->since;
    if (from != NULL && extract_moment(from, &ended) < 0) {
        rc = err_set(err, ERR_STATE, "the watermark of %s is '%s', which is no moment", t->name, from);
        goto out;
    }
    if (ended >= safe) {
        if (p->plan != NULL && p->moment.held[0] != '\0') /* who asks why nothing comes is told */
            json_array_append_new(p->plan,
                                  json_pack("{s:s,s:s,s:s?,s:n,s:s,s:s}", "table", t->name, "kind", "NOTHING",
                                            "from", from, "to", "sql", "", "notice", p->moment.held));
        goto out;
    }
    struct extraction *e = add_row(p, t, "INCREMENTAL");
    e->seq = w.seq + 1;
    e->of = of;
    of = NULL;
    e->to = text_of(safe);
    if (w.value != NULL)
        e->from = p->x->overlap_ms > 0 ? text_of(ended - p->x->overlap_ms) : xstrdup(from);
    else if (from != NULL) /* "2022-06-05T12" is no time to the server */
        e->from = text_of(ended);
out:
    free(of);
    watermark_release(&w);
    return rc;
}

static int say(struct planning *p, const struct extract_table *t, const struct table *def,
               const struct extraction *e, struct err *err)
{
    char now[MOMENT_SIZE];
    const struct extract_window w = {.from = e->from,
                                     .to = e->to,
                                     .datetime_offset_s = p->x->datetime_offset_s,
                                     .now = moment_text(p->moment.now_ms, now)};
    struct extract_sql sql = {0};
    int rc = extract_sql(t, def, &w, &sql, err);

    if (rc == 0 && (t->query != NULL || t->where != NULL || t->transform_count > 0))
        rc = extract_ask_server(p->target, &sql, err);
    if (rc == 0 && p->plan != NULL) {
        bool blind = !p->moment.sees && strcmp(e->kind, "INCREMENTAL") == 0;
        const char *words[] = {
            e->notice,
            blind ? "open transactions are not seen, for want of PROCESS: lag must be longer than any of them"
                  : "",
            sql.warning};
        char *notice = xstrdup("");
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
            char *so_far = notice;
            notice =
                xasprintf("%s%s%s", so_far, so_far[0] != '\0' && words[i][0] != '\0' ? "; " : "", words[i]);
            free(so_far);
        }
        json_array_append_new(p->plan,
                              json_pack("{s:s,s:s,s:s?,s:s?,s:s,s:s}", "table", t->name, "kind", e->kind,
                                        "from", e->from, "to", e->to, "sql", sql.text, "notice", notice));
        free(notice);
    }
    extract_sql_release(&sql);
    return rc;
}

static int plan_table(struct planning *p, const struct extract_table *t, struct err *err)
{
    struct table *def = NULL;
    size_t before = p->n;
    int rc = extract_describe(p->target, t, &def, err);

    if (rc == 0)
        rc = extract_check_zone(p->x, &p->moment, t, def, err);
    if (rc == 0)
        rc = check_engine(t, def, err);
    if (rc == 0 && p->q->what == EXTRACT_RANGE)
        rc = plan_range(p, t, err);
    else if (rc == 0 && p->q->what == EXTRACT_FULL)
        add_row(p, t, "FULL");
    else if (rc == 0)
        rc = plan_due(p, t, def, err);
    if (rc == 0 && p->n > before) /* what cannot be asked is told now, not in the midst of the run */
        rc = say(p, t, def, &p->rows[before], err);
    table_free(def);
    return rc < 0 ? err_prefix(err, "%s", t->name) : 0;
}

/* A range of several tables: those without a watermark are not in it, which is said with the first that is. */
static int leave_out(struct planning *p, struct err *err)
{
    if (p->n == 0) {
        err_set(err, ERR_CONFIG, "%s: no watermark, so there is nothing to take a range by", p->left_out);
        return err_hint(err, "give it a watermark, or --full");
    }
    struct extraction *e = &p->rows[0];
    char *both = xasprintf("%s%s%s: no watermark, so not in the range", e->notice,
                           e->notice[0] != '\0' ? "; " : "", p->left_out);
    free(e->notice);
    e->notice = both;
    json_t *first = p->plan != NULL ? json_array_get(p->plan, 0) : NULL;
    if (first != NULL)
        json_object_set_new(first, "notice", json_string(both));
    return 0;
}

static char *run_id(int64_t now_ms)
{
    struct civil c = civil_from_ms(now_ms);
    unsigned char r[4];

    random_bytes(r, sizeof r);
    return xasprintf("%04d%02d%02dT%02d%02d%02dZ-%02x%02x%02x%02x", c.year, c.month, c.day, c.hour, c.minute,
                     c.second, r[0], r[1], r[2], r[3]);
}

int step_extract_plan(struct step_ctx *c, const struct extract_request *q, bool dry, char **ret_run,
                      json_t **ret_plan, struct err *err)
{
    struct planning p = {.c = c,
                         .x = c->pipeline->extract,
                         .q = q,
                         .plan = ret_plan != NULL ? json_array() : NULL,
                         .dry = dry};
    int rc = extract_sink(c, &p.sink, err);

    *ret_run = NULL;
    if (rc == 0)
        rc = step_target(c, &p.target, err);
    if (rc == 0)
        rc = target_moment(p.target, p.x->lag_ms, &p.moment, err);
    for (size_t i = 0; rc == 0 && i < p.x->table_count; i++) {
        rc = plan_table(&p, &p.x->tables[i], err);
        if (rc == 0)
            rc = beat(&c->beat, err);
    }
    if (rc == 0 && p.left_out != NULL)
        rc = leave_out(&p, err);
    if (rc == 0 && p.n > 0 && !dry) {
        *ret_run = run_id(clock_now_ms());
        rc = extraction_plan(c->store, c->token, c->pipeline->name, *ret_run, p.rows, p.n, clock_now_ms(),
                             err);
    }
    if (rc == 0)
        rc = p.n > 0;
    for (size_t i = 0; i < p.n; i++)
        extraction_release(&p.rows[i]);
    free(p.rows);
    free(p.left_out);
    if (rc >= 0 && ret_plan != NULL)
        *ret_plan = json_incref(p.plan);
    json_decref(p.plan);
    sink_close(p.sink);
    return rc;
}

/* The oldest run that may be worked, without tables that are no longer in the config. 1, or 0: none. */
static int open_run(struct step_ctx *c, char **ret_run, struct err *err)
{
    size_t left = 0;

    for (;;) {
        int rc = extraction_open(c->store, c->pipeline->name, clock_now_ms(), ret_run, err);
        if (rc <= 0)
            return rc;
        rc = extract_drop_gone(c, *ret_run, &left, err);
        if (rc < 0 || left > 0)
            return rc < 0 ? rc : 1;
        free(*ret_run);
        *ret_run = NULL;
    }
}

int step_run_extract_plan(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    static const struct extract_request due = {.what = EXTRACT_DUE};
    const char *cause = "";
    char *run = NULL;

    int rc = json_get_str(parameters, "cause", "", &cause, err);
    if (rc == 0)
        rc = open_run(c, &run, err);
    if (rc == 0 && strcmp(cause, "BACKLOG") != 0) { /* one more run was asked for, and it is done */
        rc = extraction_sequence(c->store, c->pipeline->name, err);
        if (rc == 0 ||
            (rc == 2 && strcmp(cause, "RUN") == 0)) /* what was given up is planned anew by hand alone */
            rc = step_extract_plan(c, &due, false, &run, NULL, err);
        else
            rc = rc < 0 ? rc : 0;
    }
    if (rc >= 0)
        rc = fault_point("extract.planned", err);
    if (rc >= 0)
        *ret_owned = json_pack("{s:s?}", "run", run);
    free(run);
    return rc < 0 ? rc : 0;
}

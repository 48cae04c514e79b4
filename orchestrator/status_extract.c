/* What status says of extracts: each table's newest run, and what is wrong. */
#include "orchestrator/status_int.h"
#include "state/extraction.h"
#include "steps/extract.h"

struct newest { /* rows come newest first */
    const struct pipeline *p;
    json_t *tables; /* owned: an object a table, in the config's order; null: none yet */
};

static json_t *row(const struct extraction *e)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:o,s:o}", "table", cli_json_text(e->name), "run",
                     cli_json_text(e->run), "kind", cli_json_text(e->kind), "state", cli_json_text(e->state),
                     "from", cli_json_text(e->from), "to", cli_json_text(e->to), "rows", (json_int_t)e->rows,
                     "bytes", (json_int_t)e->bytes, "parts", (json_int_t)e->parts, "at",
                     cli_json_time(e->updated_ms), "notice", cli_json_text(e->notice));
}

static int on_newest(void *arg, const struct extraction *e, struct err *err)
{
    struct newest *n = arg;

    UNUSED(err);
    for (size_t i = 0; i < n->p->extract->table_count; i++) {
        json_t *t = json_array_get(n->tables, i);
        bool window = strcmp(e->kind, "INCREMENTAL") == 0;
        if (strcmp(n->p->extract->tables[i].name, e->name) != 0)
            continue;
        if (json_is_null(t)) {
            json_array_set_new(n->tables, i, row(e));
            json_object_set_new(json_array_get(n->tables, i), "window", json_null());
        } else if (window && strcmp(view_str(t, "kind"), "INCREMENTAL") != 0 &&
                   json_is_null(json_object_get(t, "window"))) {
            json_object_set_new(t, "window",
                                row(e)); /* a range or --full came behind it, and hides nothing */
        }
    }
    return 0;
}

static int tables_of(struct status *s, const struct pipeline *p, json_t **ret, struct err *err)
{
    struct newest n = {p, json_array()};

    for (size_t i = 0; i < p->extract->table_count; i++)
        json_array_append_new(n.tables, json_null());
    *ret = n.tables;
    return extraction_newest(s->c->store, p->name, 4 * (int64_t)p->extract->table_count + 100, on_newest, &n,
                             err);
}

static bool wanted(const struct status *s, const struct pipeline *p)
{
    return s->extract != NULL ? s->extract == p : !s->single;
}

static int each(struct status *s,
                int (*fn)(struct status *s, const struct pipeline *p, void *arg, struct err *err), void *arg,
                struct err *err)
{
    const struct config *c = s->c->config;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < c->extract_count; i++)
        if (wanted(s, &c->extracts[i]))
            rc = fn(s, &c->extracts[i], arg, err);
    return rc;
}

/* --- counted --- */

int status_count_other(void *arg, const struct finding *f, struct err *err)
{
    struct status *s = arg;

    UNUSED(err);
    s->of_others++;
    s->exit = exit_worse(s->exit, f->exit_status);
    return 0;
}

static int count(struct status *s, const struct pipeline *p, void *arg, struct err *err)
{
    UNUSED(arg);
    return findings_of(s->c->store, p, s->now_ms, status_count_other, s, err);
}

int status_extract_look(struct status *s, struct err *err)
{
    return each(s, count, NULL, err);
}

/* --- JSON --- */

static int one_json(struct status *s, const struct pipeline *p, void *arg, struct err *err)
{
    struct jout *j = arg;
    json_t *tables = NULL;
    int rc = tables_of(s, p, &tables, err);

    if (rc == 0) {
        jout_open(j, NULL, '{');
        jout_text(j, "extract", p->name);
        jout_value(j, "tables", tables);
        jout_close(j, '}');
    }
    json_decref(tables);
    return rc;
}

struct attention {
    struct jout *j;
    const struct pipeline *p;
};

static int on_attention(void *arg, const struct finding *f, struct err *err)
{
    const struct attention *a = arg;

    UNUSED(err);
    jout_open(a->j, NULL, '{');
    jout_text(a->j, "pipeline", a->p->name);
    jout_text(a->j, "partition", f->part);
    jout_text(a->j, "class", f->class);
    jout_text(a->j, "text", f->text);
    jout_text(a->j, "hint", f->hint);
    jout_close(a->j, '}');
    return 0;
}

static int attention_json(struct status *s, const struct pipeline *p, void *arg, struct err *err)
{
    struct attention a = {arg, p};

    return findings_of(s->c->store, p, s->now_ms, on_attention, &a, err);
}

int status_extract_json(struct status *s, struct jout *j, bool attention, struct err *err)
{
    return each(s, attention ? attention_json : one_json, j, err);
}

/* --- for people --- */

static int on_print(void *arg, const struct finding *f, struct err *err)
{
    const struct attention *a = arg;
    char text[1500], part[200];

    UNUSED(err);
    str_printable(f->text, strlen(f->text), text, sizeof text);
    str_printable(f->part, strlen(f->part), part, sizeof part);
    printf("  %s %s%s%s: %s\n", f->class, a->p->name, part[0] != '\0' ? "/" : "", part, text);
    if (f->hint[0] != '\0')
        printf("    %s\n", f->hint);
    return 0;
}

/* "PUBLISHED  3 rows in 1 part, up to 2022-06-05 12:00:00, 2022-06-05T12:01:02Z" */
static void print_run(struct status *s, const char *name, const json_t *t)
{
    const char *from = json_string_value(json_object_get(t, "from")),
               *to = json_string_value(json_object_get(t, "to")), *kind = view_str(t, "kind");
    bool range = strcmp(kind, "RANGE") == 0;
    long long rows = (long long)view_int(t, "rows"), parts = (long long)view_int(t, "parts");
    char notice[700];

    printf("  %-24s %s%s%s  %lld row%s in %lld part%s%s%s%s%s%s, %s\n", name,
           out_paint(&s->c->out, view_str(t, "state")), view_str(t, "state"), out_plain(&s->c->out), rows,
           rows == 1 ? "" : "s", parts, parts == 1 ? "" : "s",
           range                       ? ", a range"
           : strcmp(kind, "FULL") == 0 ? ", all of it"
                                       : "",
           range && from != NULL ? " from " : "", range && from != NULL ? from : "",
           to != NULL ? ", up to " : "", to != NULL ? to : "", view_str(t, "at"));
    str_printable(view_str(t, "notice"), strlen(view_str(t, "notice")), notice, sizeof notice);
    if (notice[0] != '\0')
        printf("  %-24s note: %s\n", "", notice);
}

static int one_print(struct status *s, const struct pipeline *p, void *arg, struct err *err)
{
    bool *first = arg;
    struct attention a = {NULL, p};
    json_t *tables = NULL, *t;
    size_t i;
    int rc = tables_of(s, p, &tables, err);

    printf("%s%s  extract from %s to %s\n", *first ? "" : "\n", p->name, p->target_name, p->source_name);
    *first = false;
    json_array_foreach(tables, i, t) {
        const char *name = p->extract->tables[i].name;
        if (json_is_null(t)) {
            printf("  %-24s nothing taken yet\n", name);
            continue;
        }
        print_run(s, name, t);
        if (!json_is_null(json_object_get(t, "window")))
            print_run(s, "  before that", json_object_get(t, "window"));
    }
    json_decref(tables);
    return rc < 0 ? rc : findings_of(s->c->store, p, s->now_ms, on_print, &a, err);
}

int status_extract_print(struct status *s, bool first, struct err *err)
{
    return each(s, one_print, &first, err);
}

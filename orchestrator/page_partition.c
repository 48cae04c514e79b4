/* One partition: why it is as it is, its jobs, their files, and source against target. */
#include "base/mem.h"
#include "io/target_upsert.h"
#include "orchestrator/page.h"
#include "orchestrator/reason.h"
#include "state/view_rows.h"

enum { OBJECTS = 500, SHOWN_NULLS = 40 };

struct part_page {
    struct page *p;
    const struct pipeline *flow;
    const char *part;
    struct flow_facts facts;
    struct reason_marks marks;
    bool there;
};

/* ---- files of a job ---- */

struct files {
    struct part_page *k;
    int64_t n, read, loaded, rejected;
    json_t *nulls; /* owned: column -> how many */
};

/* Of {"MonthlyIncome": {"nulls": 3, ...}, ...}; what is no object with nulls has none. */
static int64_t add_nulls(struct files *f, const char *columns)
{
    json_t *v = NULL, *one;
    struct err none;
    const char *name;
    int64_t all = 0;

    if (*columns == '\0' || json_parse(columns, strlen(columns), "sums", &v, &none) < 0)
        return 0;
    json_object_foreach(v, name, one) {
        int64_t n = json_integer_value(json_object_get(one, "nulls"));
        all += n;
        if (n > 0)
            json_object_set_new(f->nulls, name,
                                json_integer(n + json_integer_value(json_object_get(f->nulls, name))));
    }
    json_decref(v);
    return all;
}

static int on_load(void *arg, const struct load_row *l, struct err *err)
{
    struct files *f = arg;
    struct page *p = f->k->p;
    char size[PAGE_NUMBER];
    int64_t nulls = add_nulls(f, l->columns);

    UNUSED(err);
    f->read += l->rows_read;
    f->loaded += l->rows_loaded;
    f->rejected += l->rows_rejected;
    if (f->n++ >= OBJECTS)
        return 0;
    page_put(p, "<tr><th scope=\"row\" class=\"key\">");
    page_text(p, l->key);
    page_put(p, "</th><td>");
    page_badge(p, l->state);
    page_putf(p, "</td><td class=\"num\">%s</td><td class=\"key\"><code>", page_size(l->size, size));
    page_text(p, l->etag);
    page_put(p, "</code></td><td class=\"num\">");
    page_number(p, l->rows_read);
    page_put(p, "</td><td class=\"num\">");
    page_number(p, nulls);
    page_put(p, "</td><td class=\"num\">");
    page_number(p, l->rows_rejected);
    page_put(p, "</td><td class=\"num\">");
    page_number(p, l->rows_loaded);
    page_put(p, "</td><td class=\"num\">");
    page_number(p, l->rows_read - l->rows_rejected - l->rows_loaded);
    page_put(p, "</td></tr>\n");
    return 0;
}

static void nulls_of(struct files *f)
{
    struct page *p = f->k->p;
    const char *name;
    json_t *v;
    int shown = 0;

    json_object_foreach(f->nulls, name, v) {
        if (shown++ >= SHOWN_NULLS)
            break;
        page_put(p, shown == 1 ? "<p class=\"soft\">NULLs by column: " : ", ");
        page_text(p, name);
        page_put(p, " ");
        page_number(p, json_integer_value(v));
    }
    if (shown > 0)
        page_put(p, shown > SHOWN_NULLS ? " …</p>\n" : "</p>\n");
}

static void files_of(struct part_page *k, const struct job *j)
{
    struct page *p = k->p;
    struct files f = {.k = k, .nulls = json_object()};

    page_put(p, "<div class=\"wide\"><table><caption>Files. The difference is rows read, less rejected, less "
                "loaded.</caption>\n<thead><tr><th scope=\"col\">File</th><th scope=\"col\">State</th>"
                "<th scope=\"col\" class=\"num\">Size</th><th scope=\"col\">ETag</th><th scope=\"col\" "
                "class=\"num\">Read</th><th scope=\"col\" class=\"num\">NULLs</th><th scope=\"col\" "
                "class=\"num\">Rejected</th><th scope=\"col\" class=\"num\">Loaded</th><th scope=\"col\" "
                "class=\"num\">Difference</th></tr></thead>\n<tbody>\n");
    if (p->rc == 0)
        p->rc = load_list(p->store, j->id, on_load, &f, p->err);
    page_put(p, "</tbody></table></div>\n");
    if (f.n > OBJECTS)
        page_putf(p, "<p class=\"soft\">%lld more files.</p>\n", (long long)(f.n - OBJECTS));
    nulls_of(&f);
    json_decref(f.nulls);
}

/* ---- source against target ---- */

static void differences(struct page *p, const char *text)
{
    json_t *list = NULL, *d;
    static const char *const keys[] = {"object", "column", "what", "source", "target"};
    size_t i;

    if (p->rc == 0)
        p->rc = json_parse(text, strlen(text), "differences", &list, p->err);
    if (p->rc < 0 || json_array_size(list) == 0) {
        json_decref(list);
        return;
    }
    page_put(p,
             "<div class=\"wide\"><table><caption>What differs.</caption>\n<thead><tr><th "
             "scope=\"col\">File</th>"
             "<th scope=\"col\">Column</th><th scope=\"col\">What</th><th scope=\"col\" class=\"num\">Source"
             "</th><th scope=\"col\" class=\"num\">Target</th></tr></thead>\n<tbody>\n");
    json_array_foreach(list, i, d) {
        page_put(p, "<tr>");
        for (size_t n = 0; n < ARRAY_LEN(keys); n++) {
            page_put(p, n > 2 ? "<td class=\"num\">" : "<td class=\"key\">");
            page_text(p, json_string_value(json_object_get(d, keys[n])));
            page_put(p, "</td>");
        }
        page_put(p, "</tr>\n");
    }
    page_put(p, "</tbody></table></div>\n");
    json_decref(list);
}

static int on_reconciliation(void *arg, const struct reconciliation *r, struct err *err)
{
    struct page *p = arg;
    int64_t gap = r->rows_target - r->rows_loaded;

    UNUSED(err);
    page_put(p, "<p class=\"equation\">");
    page_badge(p, r->verdict);
    page_put(p, " <span>source ");
    page_number(p, r->rows_source);
    page_put(p, r->rows_source == r->rows_loaded + r->rows_rejected ? " = loaded " : " ≠ loaded ");
    page_number(p, r->rows_loaded);
    page_put(p, " + rejected ");
    page_number(p, r->rows_rejected);
    page_put(p, "</span>");
    if (strcmp(r->verdict, "UNVERIFIABLE") != 0) {
        page_put(p, " <span>in the target ");
        page_number(p, r->rows_target);
        if (gap != 0)
            page_putf(p, ", <strong>%s%lld</strong>", gap > 0 ? "+" : "−", (long long)(gap < 0 ? -gap : gap));
        page_put(p, "</span>");
    }
    page_put(p, " <span class=\"soft\">compared ");
    page_time(p, r->at_ms);
    page_put(p, "</span></p>\n");
    differences(p, r->differences);
    return 0;
}

/* ---- a job ---- */

static void times_of(struct page *p, const struct job *j)
{
    page_put(p, "<p class=\"soft\">queued ");
    page_time(p, j->created_ms);
    if (j->loaded_ms != 0) {
        page_put(p, " · loaded ");
        page_time(p, j->loaded_ms);
    }
    if (j->reconciled_ms != 0) {
        page_put(p, " · reconciled ");
        page_time(p, j->reconciled_ms);
    }
    if (j->tries > 0)
        page_putf(p, " · %lld attempt%s failed", (long long)j->tries, j->tries == 1 ? "" : "s");
    if (j->not_before_ms > p->now_ms) {
        page_put(p, " · again ");
        page_time(p, j->not_before_ms);
    }
    if (j->who != NULL && *j->who != '\0')
        page_textf(p, " · by %s: %s", j->who, j->reason != NULL ? j->reason : "");
    if (j->execution_id != 0)
        page_putf(p, " · <a href=\"/executions/%lld\">its execution</a>", (long long)j->execution_id);
    page_put(p, "</p>\n");
}

static void job(struct part_page *k, const struct job *j)
{
    struct page *p = k->p;
    struct upsert_counts u;
    int rc;

    page_putf(p, "<section class=\"job\"><h3>%s #%lld ", strcmp(j->kind, "REPLAY") == 0 ? "Replay" : "Load",
              (long long)j->n);
    page_badge(p, j->state);
    page_put(p, "</h3>\n");
    times_of(p, j);
    if (j->error != NULL || j->message != NULL) {
        page_put(p, "<p class=\"warn\">");
        page_text(p, j->error);
        page_put(p, j->error != NULL && j->message != NULL ? ": " : "");
        page_text(p, j->message != NULL ? reason_message(j) : "");
        if (j->hint != NULL && *j->hint != '\0') {
            page_put(p, "<br/>");
            page_text(p, j->hint);
        }
        page_put(p, "</p>\n");
    }
    if (p->rc == 0 && (rc = reconciliation_newest(p->store, j->id, on_reconciliation, p, p->err)) < 0)
        p->rc = rc;
    if (p->rc == 0 && (rc = view_upsert(p->store, k->flow, j->id, &u, p->err)) != 0) {
        p->rc = rc < 0 ? rc : 0;
        page_putf(p,
                  "<p class=\"soft\">By key: %lld inserted, %lld updated, %lld unchanged, %lld kept by a "
                  "later one, %lld repeated within a file</p>\n",
                  (long long)u.inserted, (long long)u.updated, (long long)u.unchanged, (long long)u.kept,
                  (long long)u.repeated);
    }
    files_of(k, j);
    page_put(p, "</section>\n");
}

/* ---- what may be done ---- */

static void to_type(struct part_page *k, const struct view_part *v)
{
    struct page *p = k->p;
    const char *name = k->flow->name;

    page_put(p, "<section><h2>What to type</h2>\n<ul class=\"commands\">\n<li>");
    page_command(p, "orch explain %s/%s", name, k->part);
    page_put(p, " why it is so, and what comes next</li>\n");
    if (v->job_count > 0) {
        page_put(p, "<li>");
        page_command(p, "orch diff %s/%s", name, k->part);
        page_put(p, " which rows and values differ</li>\n<li>");
        page_command(p, "orch reconcile %s/%s", name, k->part);
        page_put(p, " compares again</li>\n<li>");
        page_command(p, "orch replay %s/%s --reason '…'", name, k->part);
        page_put(p, " loads it again, in place of what is there</li>\n");
    }
    if (v->state == VIEW_DEAD || v->state == VIEW_FAILED) {
        page_put(p, "<li>");
        page_command(p, "orch retry %s/%s", name, k->part);
        page_put(p, " with all attempts, at once</li>\n");
    }
    if (v->state == VIEW_LATE || v->state == VIEW_WAITING) {
        page_put(p, "<li>");
        page_command(p, "orch skip %s/%s --reason '…'", name, k->part);
        page_put(p, " it will not come</li>\n");
    }
    page_put(p, "</ul>\n");
    page_forms(p, name, k->part);
    page_put(p, "</section>\n");
}

static void now(struct part_page *k, const struct view_part *v)
{
    struct page *p = k->p;
    struct reason r = {0};
    char whole[CLI_TIME_SIZE];

    page_put(p, "<p class=\"now\">");
    page_state(p, v->state);
    if (v->since_ms != 0) {
        page_put(p, " since ");
        page_time(p, v->since_ms);
    }
    if (p->rc == 0)
        p->rc = reason_of(&k->facts, v, &k->marks, &r, p->err);
    if (p->rc == 0) {
        page_put(p, " · ");
        page_text(p, r.text);
        page_putf(p, " <span class=\"soft\">%s", reason_name(r.code));
        if (r.at_ms != 0)
            page_putf(p, ", %s", cli_time(r.at_ms, whole));
        page_put(p, "</span>");
    }
    page_put(p, "</p>\n");
    if (v->reason[0] != '\0') {
        page_put(p, "<p>");
        page_text(p, v->reason);
        page_put(p, "</p>\n");
    }
    if (v->rows_rejected > 0) {
        page_put(p, "<p><a href=\"/rejects?pipeline=");
        page_url(p, k->flow->name);
        page_putf(p, "&amp;partition=%s\">", k->part);
        page_number(p, v->rows_rejected);
        page_putf(p, " reject%s</a></p>\n", v->rows_rejected == 1 ? "" : "s");
    }
}

static int on_part(void *arg, const struct view_part *v, struct err *err)
{
    struct part_page *k = arg;

    UNUSED(err);
    if (strcmp(v->part, k->part) != 0)
        return 0;
    k->there = true;
    now(k, v);
    to_type(k, v);
    if (v->job_count > 0)
        page_put(k->p, "<h2>Jobs</h2>\n");
    for (size_t i = v->job_count; i-- > 0;)
        job(k, &v->jobs[i]);
    return k->p->rc;
}

static int on_mark(void *arg, const struct view_mark *m, struct err *err)
{
    UNUSED(err);
    reason_mark(arg, m);
    return 0;
}

static void neighbours(struct page *p, const struct pipeline *flow, int64_t start)
{
    int64_t step = period_ms(flow->period), newest;
    char part[PART_SIZE];

    page_put(p, "<p class=\"choices\">");
    for (int by = -1; by <= 1; by += 2) {
        int64_t at = start + by * step;
        if (at < flow->since_ms || !view_newest(flow, p->now_ms, &newest) || at > newest)
            continue;
        page_put(p, "<a href=\"/pipelines/");
        page_url(p, flow->name);
        part_name(flow->period, at, part);
        page_putf(p, "/%s\" rel=\"%s\">%s%s%s</a> ", part, by < 0 ? "prev" : "next", by < 0 ? "← " : "", part,
                  by > 0 ? " →" : "");
    }
    page_put(p, "<a href=\"/pipelines/");
    page_url(p, flow->name);
    part_name(flow->period, start, part);
    page_putf(p, flow->period == PERIOD_HOUR ? "?month=%.7s\">%.7s</a></p>\n" : "?year=%.4s\">%.4s</a></p>\n",
              part, part);
}

void page_of_partition(struct page *p, const struct pipeline *flow, const char *part)
{
    struct part_page *k = xcalloc(1, sizeof *k);
    int64_t start = 0;

    *k = (struct part_page){.p = p, .flow = flow, .part = part};
    if (p->rc == 0)
        p->rc = part_parse(flow->period, part, &start, p->err);
    if (p->rc == 0)
        p->rc = facts_read(p->store, flow, p->now_ms, &k->facts, p->err);
    if (p->rc == 0)
        p->rc = view_marks(p->store, flow->name, part, part, on_mark, &k->marks, p->err);
    if (p->rc >= 0) {
        char title[400];
        snprintf(title, sizeof title, "%s/%s", flow->name, part);
        page_begin(p, title, "");
        page_put(p, "<h1><a href=\"/pipelines/");
        page_url(p, flow->name);
        page_put(p, "\">");
        page_text(p, flow->name);
        page_put(p, "</a>/<wbr/>");
        page_text(p, part);
        page_put(p, "</h1>\n");
        neighbours(p, flow, start);
        page_asked(p);
    }
    if (p->rc == 0)
        p->rc = view_each(p->store, flow, part, part, p->now_ms, VIEW_WHOLE, on_part, k, p->err);
    if (p->rc == 0 && !k->there)
        page_put(p, start + period_ms(flow->period) > p->now_ms
                        ? "<p>It is not over yet: nothing is looked for before.</p>\n"
                        : "<p>It is outside of what the pipeline looks for (since, until).</p>\n");
    free(k);
}

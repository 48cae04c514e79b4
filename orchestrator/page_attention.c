/* What is wrong, the worst first: partitions with one cause are one entry, however many hours there are. */
#include "base/mem.h"
#include "orchestrator/page.h"
#include "orchestrator/requests.h"
#include "orchestrator/say_items.h"
#include "state/dash_rows.h"

enum {
    MOST = 200,     /* entries that are kept; the rest is counted */
    LOOKED_BACK = 8 /* of them, for one with the same cause */
};

struct entry {
    const struct pipeline *flow; /* NULL: a request, or an execution, that is no pipeline's */
    const char *class;
    int rank;
    size_t order;
    char first[400], last[64]; /* an execution's name is long */
    int64_t n, since_ms;
    char *text, *hint; /* owned */
};
struct attention {
    struct page *p;
    struct entry *v; /* owned */
    size_t n;
    int64_t all, left, flows, requests,
        executions; /* findings; entries beyond MOST; pipelines that have one that counts */
    const struct pipeline *flow;
    struct page_flow *look;
    bool bad;
};

/* The worst first, each with what to type. */
static const struct {
    const char *class, *command;
    bool partition, reason;
} classes[] = {
    {"DEAD", "retry", true, false},
    {"FAILED", "retry", true, false},
    {"REFUSED", "explain", true, false},
    {"MISMATCHED", "diff", true, false},
    {"REQUEST", "status", false, false},
    {"STUCK", "doctor --cron", false, false},
    {"UNAVAILABLE", "doctor", false, false},
    {"LATE", "explain", true, false},
    {"SMALL", "ack", true, true},
    {"PAUSED", "resume", true, false},
};

static int rank_of(const char *class)
{
    size_t i = 0;

    while (i < ARRAY_LEN(classes) && strcmp(classes[i].class, class) != 0)
        i++;
    return (int)i;
}

struct attention *attention_new(struct page *p)
{
    struct attention *a = xcalloc(1, sizeof *a);

    a->p = p;
    a->v = xcalloc(MOST, sizeof *a->v);
    return a;
}

void attention_free(struct attention *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->n; i++) {
        free(a->v[i].text);
        free(a->v[i].hint);
    }
    free(a->v);
    free(a);
}

int64_t attention_count(const struct attention *a)
{
    return a->all;
}

int64_t attention_flows(const struct attention *a)
{
    return a->flows;
}

int64_t attention_requests(const struct attention *a)
{
    return a->requests;
}

int64_t attention_executions(const struct attention *a)
{
    return a->executions;
}

static const char nothing_came[] = "no object has come";

/* That nothing came is one trouble, whenever it began. */
static bool alike(const struct entry *e, const struct finding *x)
{
    return x->part[0] != '\0' && e->first[0] != '\0' && strcmp(e->class, x->class) == 0 &&
           (strcmp(e->text, x->text) == 0 ||
            (str_starts(x->text, nothing_came) && str_starts(e->text, nothing_came)));
}

static int add(struct attention *a, const struct finding *x, struct err *err)
{
    struct entry *e;
    int rank = rank_of(x->class), rc = 0;

    a->all++;
    a->bad = a->bad || x->exit_status != 0;
    if (a->look != NULL) {
        a->look->troubles++;
        a->look->worst = rank < a->look->worst ? rank : a->look->worst;
        a->look->differs = a->look->differs || strcmp(x->class, "MISMATCHED") == 0;
        a->look->bad = a->look->bad || x->exit_status != 0;
    }
    for (size_t back = 0; back < LOOKED_BACK && back < a->n; back++) {
        e = &a->v[a->n - 1 - back];
        if (e->flow != a->flow || a->flow == NULL || !alike(e, x))
            continue;
        e->n++;
        snprintf(e->last, sizeof e->last, "%s", x->part);
        return 0;
    }
    if (a->n == MOST) {
        a->left++;
        return 0;
    }
    e = &a->v[a->n];
    *e = (struct entry){.flow = a->flow, .rank = rank, .order = a->n, .n = 1};
    e->class = rank < (int)ARRAY_LEN(classes) ? classes[rank].class : "ALERT";
    snprintf(e->first, sizeof e->first, "%s", x->part);
    snprintf(e->last, sizeof e->last, "%s", x->part);
    e->text = xstrdup(x->text);
    e->hint = xstrdup(x->hint);
    a->n++;
    char *key = items_key(a->flow != NULL ? a->flow->name : "", x->class, x->part);
    rc = dash_opened(a->p->store, key, &e->since_ms, err);
    free(key);
    return rc;
}

static int on_finding(void *arg, const struct status_flow *f, const struct finding *x, struct err *err)
{
    UNUSED(f);
    return add(arg, x, err);
}

int attention_look(struct attention *a, struct page_flow *f)
{
    struct page *p = a->p;
    struct cli cli = {.config = (struct config *)(uintptr_t)p->config, .store = p->store};
    struct status s = {.c = &cli, .now_ms = p->now_ms, .part = ""};

    a->flow = f->f.p;
    a->look = f;
    a->bad = false;
    int rc = status_findings(&s, &f->f, on_finding, a, p->err);
    a->flows += a->bad;
    return rc;
}

static int on_plain(void *arg, const struct finding *x, struct err *err)
{
    return add(arg, x, err);
}

int attention_extract(struct attention *a, const struct pipeline *x)
{
    a->flow = x;
    a->look = NULL;
    a->bad = false;
    int rc = findings_of(a->p->store, x, a->p->now_ms, on_plain, a, a->p->err);
    a->flows += a->bad;
    return rc;
}

static int on_none(void *arg, const struct finding *x, struct err *err)
{
    struct attention *a = arg;

    if (strcmp(x->class, "REQUEST") == 0)
        a->requests++;
    else
        a->executions++;
    return add(a, x, err);
}

int attention_others(struct attention *a)
{
    a->flow = NULL;
    a->look = NULL;
    return findings_of_none(a->p->store, on_none, a, a->p->err);
}

/* ---- written ---- */

static int by_rank(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank)
                              : (x->order > y->order) - (x->order < y->order);
}

static void command_of(const struct entry *e, char *out, size_t size)
{
    size_t i = (size_t)e->rank;
    bool extract = e->flow != NULL && e->flow->extract != NULL;
    const char *verb = i < ARRAY_LEN(classes) ? classes[i].command : "doctor",
               *name = e->flow != NULL ? e->flow->name : "";

    if (e->flow == NULL && strcmp(e->class, "FAILED") == 0) /* the first that its hint names */
        snprintf(out, size, "%.*s", (int)strcspn(e->hint, ";"), e->hint);
    else if (strcmp(e->class, "REQUEST") == 0) /* as its hint says it */
        snprintf(out, size, "orch ack request/%s --reason '...'", e->first + (e->first[0] == '#'));
    else if (i >= ARRAY_LEN(classes) || !classes[i].partition)
        snprintf(out, size, "orch %s", verb);
    else if (strcmp(e->class, "PAUSED") == 0)
        snprintf(out, size, "orch resume %s", name);
    else if (extract)
        snprintf(out, size, "orch %s %s", strcmp(e->class, "DEAD") == 0 ? "retry" : "extract", name);
    else if (e->n > 1 && strcmp(e->class, "MISMATCHED") == 0)
        snprintf(out, size, "orch replay %s --only mismatched --reason '…'", name);
    else if (e->n > 1 || e->first[0] == '\0')
        snprintf(out, size, "orch %s %s", strcmp(verb, "explain") == 0 ? "status" : verb, name);
    else
        snprintf(out, size, "orch %s %s/%.*s%s", verb, name, (int)strcspn(e->first, "#"), e->first,
                 classes[i].reason ? " --reason '…'" : "");
}

/* The command where the hint names it, else behind the hint. */
static void to_do(struct page *p, const struct entry *e)
{
    char command[400], several[500];

    command_of(e, command, sizeof command);
    const char *hint = e->hint;
    if (e->n > 1 && (strcmp(e->class, "FAILED") == 0 || strcmp(e->class, "DEAD") == 0)) {
        snprintf(several, sizeof several, "when that is mended: %s", command);
        hint = several;
    }
    const char *at = strstr(hint, command), *behind = at != NULL ? at + strlen(command) : NULL;
    if (behind != NULL && *behind != '\0' && *behind != ' ' &&
        *behind != ';') /* another one that begins so */
        at = NULL;
    page_put(p, "<p class=\"do\">");
    page_bytes(p, hint, at != NULL ? (size_t)(at - hint) : strlen(hint));
    page_put(p, at == NULL && *hint != '\0' ? " " : "");
    page_command(p, "%s", command);
    page_text(p, at != NULL ? behind : "");
    page_put(p, "</p>\n");
}

static void owner(struct page *p, const struct pipeline *flow)
{
    if (flow == NULL) {
        page_put(p, "it is no pipeline's: whose it is says its text");
        return;
    }
    if (flow->owner_name != NULL && flow->owner_name[0] != '\0') {
        page_put(p, "owner ");
        page_text(p, flow->owner_name);
    } else {
        page_put(p, "nobody owns it");
    }
    if (flow->owner_email != NULL && flow->owner_email[0] != '\0') {
        page_put(p, ", <a href=\"mailto:");
        page_url(p, flow->owner_email);
        page_put(p, "\">");
        page_text(p, flow->owner_email);
        page_put(p, "</a>");
    }
}

static void entry(struct page *p, const struct entry *e)
{
    page_put(p, "<li><h3>");
    page_badge(p, e->class);
    page_put(p, " ");
    if (e->flow == NULL && strcmp(e->class, "FAILED") == 0) {
        page_put(p, "<a href=\"/executions?status=FAILED\">execution ");
        page_text(p, e->first);
        page_put(p, "</a>");
    } else if (e->flow == NULL) {
        page_put(p, "<a href=\"/activity#requests\">request ");
        page_text(p, e->first);
        page_put(p, "</a>");
    } else if (e->n == 1) {
        page_link(p, e->flow->name, e->first);
    } else {
        page_link(p, e->flow->name, NULL);
        page_putf(p, ": %lld partitions, ", (long long)e->n);
        page_text(p, e->first);
        page_put(p, " to ");
        page_text(p, e->last);
    }
    page_put(p, "</h3>\n<p>");
    page_text(p, e->n > 1 && str_starts(e->text, nothing_came) ? nothing_came : e->text);
    page_put(p, "</p>\n");
    to_do(p, e);
    page_put(p, "<p class=\"soft\">");
    owner(p, e->flow);
    if (e->since_ms != 0) {
        page_put(p, " · since ");
        page_time(p, e->since_ms);
        page_put(p, ", ");
        page_ago(p, e->since_ms);
    }
    page_put(p, "</p></li>\n");
}

void attention_put(struct attention *a, size_t shown)
{
    struct page *p = a->p;

    qsort(a->v, a->n, sizeof *a->v, by_rank);
    page_put(p, "<ol class=\"attention\">\n");
    for (size_t i = 0; i < a->n; i++) {
        if (i == shown)
            page_putf(p, "</ol>\n<details><summary>%zu more</summary>\n<ol class=\"attention\">\n",
                      a->n - shown);
        entry(p, &a->v[i]);
    }
    page_put(p, "</ol>\n");
    if (a->left > 0)
        page_putf(p, "<p class=\"soft\">%lld more: <code class=\"cmd\">orch status</code></p>\n",
                  (long long)a->left);
    if (a->n > shown)
        page_put(p, "</details>\n");
}

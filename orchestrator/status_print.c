/* orch status for people. */
#include "base/mem.h"
#include "io/target_upsert.h"
#include "orchestrator/status_int.h"
#include "orchestrator/stream.h"
#include "state/view_rows.h"

enum { SHOWN = 20, TOGETHER = 3, INDENT = 14 };

static void glyphs(const struct out *o, const struct status_flow *f)
{
    int64_t n = f->partitions;

    for (int64_t i = n > SQUARES ? n - SQUARES : 0; i < n; i++) {
        const char *g = view_glyph(f->squares[i % SQUARES].state), *paint = out_paint(o, g);
        printf("%s%s%s", paint, g, *paint != '\0' ? out_plain(o) : "");
    }
}

/* "24 reconciled, 1 late" */
static void words(const struct status_flow *f, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (enum view_state s = 0; s < VIEW_STATES; s++) {
        char word[32];
        size_t k = 0;
        if (f->counts[s] == 0)
            continue;
        for (const char *name = view_state_name(s); name[k] != '\0' && k < sizeof word - 1; k++)
            word[k] = (char)(name[k] | 0x20);
        word[k] = '\0';
        int put =
            snprintf(out + at, size - at, "%s%lld %s", at > 0 ? ", " : "", (long long)f->counts[s], word);
        at += put > 0 && (size_t)put < size - at ? (size_t)put : 0;
    }
}

/* "looked 21:50, next 21:55 UTC": a silent tick and a tick that never ran are told apart here. */
static void print_looks(const struct status_flow *f, int64_t now_ms)
{
    char last[CLI_TIME_SIZE], next[CLI_TIME_SIZE];

    cli_time(f->last_look_ms, last);
    printf("  looked      %s, next ", *last != '\0' ? last : "never");
    if (f->next_look_ms == 0)
        printf("never: the schedule does not fire any more\n");
    else if (f->next_look_ms <= now_ms)
        printf("when a tick runs\n");
    else
        printf("%s\n", cli_time(f->next_look_ms, next));
}

static void print_pause(const struct out *o, const struct status_flow *f)
{
    char since[CLI_TIME_SIZE], who[256], reason[500], text[1000];
    const char *paint = out_paint(o, "WARN");

    if (!f->paused)
        return;
    str_printable(f->pause.who, strlen(f->pause.who), who, sizeof who);
    str_printable(f->pause.reason, strlen(f->pause.reason), reason, sizeof reason);
    snprintf(text, sizeof text, "since %s by %s%s%s; orch resume %s", cli_time(f->pause.since_ms, since), who,
             *reason != '\0' ? ": " : "", reason, f->p->name);
    printf("  %spaused%s      ", paint, *paint != '\0' ? out_plain(o) : "");
    out_folded(o, INDENT, INDENT, text);
}

static void print_pipeline(struct cli *c, const struct status_flow *f, int64_t now_ms)
{
    const char *owner = f->p->owner_name != NULL ? f->p->owner_name : "", *expr = f->p->schedule,
               *verdict = status_verdict(f), *paint = out_paint(&c->out, verdict);
    char span[CLI_TIME_SIZE], counted[400], who[300], schedule[200];

    expr = expr != NULL ? expr : "";
    words(f, counted, sizeof counted);
    str_printable(owner, strlen(owner), who, sizeof who);
    str_printable(expr, strlen(expr), schedule, sizeof schedule);
    printf("%s   %s", f->p->name, schedule);
    if (*who != '\0')
        printf("   owner %s", who);
    printf("\n");
    print_pause(&c->out, f);
    if (f->waits[0] != '\0') {
        char text[500], since[CLI_TIME_SIZE];
        snprintf(text, sizeof text, "%s; since %s", f->waits, cli_time(f->waits_ms, since));
        printf("  waits       ");
        out_folded(&c->out, INDENT, INDENT, text);
    }
    print_looks(f, now_ms);
    printf("  last good   %s   lag %s\n  last 24     ", f->last_good[0] != '\0' ? f->last_good : "none yet",
           cli_span(f->lag_ms, span));
    glyphs(&c->out, f);
    printf("\n  partitions  ");
    out_folded(&c->out, INDENT, INDENT, *counted != '\0' ? counted : "none due yet");
    printf("  rejects     %lld", (long long)f->rejects_final);
    if (f->rejects_other > 0)
        printf(", and %lld of files that were not loaded", (long long)f->rejects_other);
    printf("\n");
    if (f->left_out > 0) {
        char text[400];
        snprintf(text, sizeof text, "%lld objects that %s not take, such as %s", (long long)f->left_out,
                 f->p->manifest ? "include and the manifests do" : "include does", f->left_out_example);
        printf("  left out    ");
        out_folded(&c->out, INDENT, INDENT, text);
    }
    printf("  reconciled  %s%s%s\n", paint, *verdict != '\0' ? verdict : "nothing yet",
           *paint != '\0' ? out_plain(&c->out) : "");
}

/* ---- troubles ---- */

/* where: "loans/2022-06-05T12" or what stands for it. */
static void print_told(struct cli *c, const char *class, const char *where, const char *text,
                       const char *hint)
{
    const char *paint = out_paint(&c->out, class);
    char line[2000];

    snprintf(line, sizeof line, "%s: %s", where, text);
    printf("  %s%-11s%s ", paint, class, *paint != '\0' ? out_plain(&c->out) : "");
    out_folded(&c->out, INDENT, INDENT, line);
    if (*hint != '\0') {
        printf("%*s", INDENT, "");
        out_folded(&c->out, INDENT, INDENT, hint);
    }
}

/* Neighbouring partitions that tell the same are told together: what is held back until the next one differs. */
struct telling {
    struct cli *c;
    bool all;
    int64_t told, lines; /* findings, and what stands for one or several */
    size_t n;            /* held */
    const char *name;
    struct {
        struct finding x;
        char class[40], part[64];
    } held[TOGETHER - 1];
    char last[64];
};

static void clean(char *text, size_t size)
{
    char *shown = xstrdup(text);

    str_printable(shown, strlen(shown), text, size);
    free(shown);
}

static void tell_one(struct telling *t, struct finding *x, const char *class, const char *part)
{
    char where[200];

    snprintf(where, sizeof where, "%s%s%s", t->name, *part != '\0' ? "/" : "", part);
    clean(x->text, sizeof x->text);
    clean(x->hint, sizeof x->hint);
    print_told(t->c, class, where, x->text, x->hint);
}

static const char nothing_came[] = "no object has come";

/* Many hours with one cause: the cause once. What to type is for all of them where a command takes all of them. */
static void tell_alike(struct telling *t, struct finding *x, const char *class)
{
    bool failed = strcmp(class, "FAILED") == 0 || strcmp(class, "DEAD") == 0;
    char where[300];

    clean(x->text, sizeof x->text);
    clean(x->hint, sizeof x->hint);
    if (strcmp(class, "LATE") == 0 && str_starts(x->text, nothing_came))
        snprintf(x->text, sizeof x->text, nothing_came);
    if (failed)
        snprintf(x->hint, sizeof x->hint, "when that is mended: orch retry %s; one by one: orch status %s",
                 t->name, t->name);
    else if (strcmp(class, "MISMATCHED") == 0)
        snprintf(x->hint, sizeof x->hint,
                 "orch diff %s shows the rows; orch replay %s --only mismatched loads them again", t->name,
                 t->name);
    snprintf(where, sizeof where, "%s: %zu partitions, %s to %s", t->name, t->n, t->held[0].part, t->last);
    print_told(t->c, class, where, x->text, x->hint);
}

static void let_go(struct telling *t)
{
    size_t n = t->n;

    if (n >= TOGETHER && (t->all || t->lines < SHOWN)) {
        tell_alike(t, &t->held[0].x, t->held[0].class);
        t->told += (int64_t)n;
        t->lines++;
    }
    for (size_t i = 0; n < TOGETHER && i < n && (t->all || t->lines < SHOWN); i++, t->told++, t->lines++)
        tell_one(t, &t->held[i].x, t->held[i].class, t->held[i].part);
    t->n = 0;
}

/* That nothing came is one trouble, whenever it began. */
static bool alike(const struct telling *t, const char *name, const struct finding *x)
{
    return t->n > 0 && t->name == name && x->part[0] != '\0' && t->held[0].part[0] != '\0' &&
           strcmp(t->held[0].class, x->class) == 0 &&
           ((strcmp(x->class, "LATE") == 0 && str_starts(x->text, nothing_came) &&
             str_starts(t->held[0].x.text, nothing_came)) ||
            strcmp(t->held[0].x.text, x->text) == 0);
}

static int on_finding(void *arg, const struct status_flow *f, const struct finding *x, struct err *err)
{
    struct telling *t = arg;

    UNUSED(err);
    if (!alike(t, f->p->name, x))
        let_go(t);
    t->name = f->p->name;
    if (t->n < ARRAY_LEN(t->held)) {
        t->held[t->n].x = *x;
        snprintf(t->held[t->n].class, sizeof t->held[0].class, "%s", x->class);
        snprintf(t->held[t->n].part, sizeof t->held[0].part, "%s", x->part);
    }
    t->n++;
    snprintf(t->last, sizeof t->last, "%s", x->part);
    return 0;
}

static int print_attention(struct status *s, struct err *err)
{
    struct telling t = {.c = s->c, .all = s->single};
    int rc = 0;

    if (s->findings == 0 && s->of_others > 0) /* told where they are */
        return 0;
    if (s->findings == 0) {
        bool looked = s->flow_count == 0;
        for (size_t i = 0; i < s->flow_count; i++)
            looked = looked || s->flows[i].last_look_ms != 0;
        printf(looked ? "\nall well\n"
                      : "\nno tick has looked yet: orch tick looks, orch cron install lets cron do it\n");
        return 0;
    }
    printf("\n%lld need%s attention\n", (long long)s->findings, s->findings == 1 ? "s" : "");
    for (size_t i = 0; rc == 0 && i < s->flow_count; i++)
        rc = status_findings(s, &s->flows[i], on_finding, &t, err);
    let_go(&t);
    if (t.told < s->findings)
        printf("  and %lld more: orch status PIPELINE, or -o json\n", (long long)(s->findings - t.told));
    return rc;
}

struct telling_channels {
    struct cli *c;
    bool any;
};

static int on_channel(void *arg, const struct view_channel *ch, struct err *err)
{
    struct telling_channels *t = arg;
    char where[300], error[900], since[CLI_TIME_SIZE], text[1200];

    UNUSED(err);
    str_printable(ch->name, strlen(ch->name), where, sizeof where);
    str_printable(ch->error, strlen(ch->error), error, sizeof error);
    snprintf(text, sizeof text, "fails since %s: %s", cli_time(ch->since_ms, since), error);
    if (!t->any)
        printf("\n");
    t->any = true;
    print_told(t->c, "ALERTS", where, text, "orch notify --test tries it again");
    return 0;
}

/* ---- partition by partition ---- */

struct listing_parts {
    struct out_rows rows;
    const struct status *s;
    int64_t at, total;
};

static const struct out_column part_columns[] = {
    {"partition", "PARTITION", false, false},
    {"state", "STATE", false, true},
    {"objects", "OBJECTS", true, false},
    {"rows_loaded", "LOADED", true, false},
    {"rows_rejected", "REJECTED", true, false},
    {"reason", "REASON", false, false},
    {"rows_read", NULL, true, false},
    {"since", NULL, false, false},
    {0},
};

static int on_part(void *arg, const struct view_part *p, struct err *err)
{
    struct listing_parts *l = arg;
    bool newest = l->at++ + (int64_t)2 * SQUARES >= l->total;

    UNUSED(err);
    if (l->s->part[0] == '\0' && !newest && view_part_is_well(p))
        return 0;
    const struct out_value row[] = {
        {OUT_TEXT, p->part, 0},
        {OUT_TEXT, view_state_name(p->state), 0},
        {OUT_INT, NULL, p->objects},
        {OUT_INT, NULL, p->rows_loaded},
        {OUT_INT, NULL, p->rows_rejected},
        {OUT_TEXT, p->reason, 0},
        {OUT_INT, NULL, p->rows_read},
        {OUT_TIME, NULL, p->since_ms},
    };
    out_rows_add(&l->rows, row);
    return 0;
}

int status_partitions(struct status *s, const struct status_flow *f, struct err *err)
{
    struct listing_parts l = {.s = s, .total = f->partitions};
    const char *part = *s->part != '\0' ? s->part : NULL;

    if (s->c->out.format == OUT_TABLE)
        printf("\n");
    out_rows_begin(&l.rows, &s->c->out, "partitions", part_columns);
    int rc = view_each(s->c->store, f->p, part, part, s->now_ms, VIEW_WHOLE, on_part, &l, err);
    out_rows_last(&l.rows);
    out_rows_end(&l.rows);
    return rc;
}

struct listing_jobs {
    const struct out *out;
    struct store *store;
    const struct pipeline *p;
};

static int say_upserts(const struct listing_jobs *l, const struct view_part *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < p->job_count; i++) {
        struct upsert_counts c;
        rc = view_upsert(l->store, l->p, p->jobs[i].id, &c, err);
        if (rc > 0)
            printf("#%lld: %lld inserted, %lld updated, %lld unchanged, %lld kept newer, %lld repeated\n",
                   (long long)p->jobs[i].n, (long long)c.inserted, (long long)c.updated,
                   (long long)c.unchanged, (long long)c.kept, (long long)c.repeated);
    }
    return rc < 0 ? rc : 0;
}

static int on_jobs(void *arg, const struct view_part *p, struct err *err)
{
    static const struct out_column columns[] = {
        {"job", "JOB", false, false},         {"kind", "KIND", false, false},
        {"state", "STATE", false, true},      {"tries", "TRIES", true, false},
        {"objects", "OBJECTS", true, false},  {"rows_loaded", "LOADED", true, false},
        {"updated", "UPDATED", false, false}, {0},
    };
    const struct listing_jobs *l = arg;
    const struct out *o = l->out;
    struct out_rows rows;
    char name[40], when[CLI_TIME_SIZE];

    if (p->job_count == 0)
        return 0;
    printf("\n");
    out_rows_begin(&rows, o, "jobs", columns);
    for (size_t i = 0; i < p->job_count; i++) {
        const struct job *j = &p->jobs[i];
        snprintf(name, sizeof name, "#%lld", (long long)j->n);
        const struct out_value row[] = {
            {OUT_TEXT, name, 0},
            {OUT_TEXT, j->kind, 0},
            {OUT_TEXT, j->state, 0},
            {OUT_INT, NULL, j->tries},
            {OUT_INT, NULL, j->objects},
            {OUT_INT, NULL, j->rows_loaded},
            {OUT_TIME, NULL, j->updated_ms},
        };
        out_rows_add(&rows, row);
    }
    out_rows_last(&rows);
    for (size_t i = 0; i < p->job_count; i++) {
        const struct job *j = &p->jobs[i];
        const char *message = j->message != NULL ? j->message : "";
        char text[1600], shown[1500];
        if (*message == '\0' && j->not_before_ms == 0)
            continue;
        str_printable(message, strlen(message), shown, sizeof shown);
        snprintf(text, sizeof text, "%s%s%s%s", shown, *shown != '\0' && j->not_before_ms != 0 ? "; " : "",
                 j->not_before_ms != 0 ? "not before " : "", cli_time(j->not_before_ms, when));
        int at = printf("#%lld: ", (long long)j->n);
        out_folded(o, (size_t)(at > 0 ? at : 0), 4, text);
    }
    return say_upserts(l, p, err);
}

int status_print(struct status *s, struct err *err)
{
    struct telling_channels channels = {.c = s->c};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s->flow_count; i++) {
        const struct status_flow *f = &s->flows[i];
        if (i > 0)
            printf("\n");
        print_pipeline(s->c, f, s->now_ms);
        if (s->single)
            rc = status_partitions(s, f, err);
        struct listing_jobs jobs = {&s->c->out, s->c->store, f->p};
        if (rc == 0 && *s->part != '\0')
            rc = view_each(s->c->store, f->p, s->part, s->part, s->now_ms, VIEW_WHOLE, on_jobs, &jobs, err);
    }
    if (rc == 0)
        rc = status_extract_print(s, s->flow_count == 0, err);
    if (rc == 0 && s->flow_count > 0)
        rc = print_attention(s, err);
    if (rc == 0)
        rc = status_requests_print(s, err);
    if (rc == 0)
        rc = view_channels(s->c->store, on_channel, &channels, err);
    if (rc == 0 && *s->part == '\0' && s->flow_count > 0)
        printf("\n● loaded  ✖ failed  ▲ late  · to come  ≠ mismatched  – empty or skipped\n");
    return rc;
}

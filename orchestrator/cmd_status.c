#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/tick.h"
#include "orchestrator/view.h"
#include "state/queue.h"
#include "state/reject.h"

enum { SQUARES = 24, SHOWN = 20, TOGETHER = 3, INDENT = 14 };

struct looking {
    struct cli *c;
    json_t *pipelines, *attention;
    const char *name, *part; /* part "": all of them */
    int exit;
};

/* "2022-06-05T12#2" is of 2022-06-05T12; what is of no partition concerns all. */
static bool concerns(const struct looking *l, const char *part)
{
    size_t n = strlen(l->part);

    return n == 0 || part[0] == '\0' ||
           (strncmp(part, l->part, n) == 0 && (part[n] == '\0' || part[n] == '#'));
}

static int on_finding(void *arg, const struct finding *f, struct err *err)
{
    struct looking *l = arg;

    UNUSED(err);
    if (!concerns(l, f->part))
        return 0;
    json_array_append_new(l->attention, json_pack("{s:s,s:o,s:s,s:o,s:o}", "pipeline", l->name, "partition",
                                                  cli_json_text(f->part), "class", f->class, "text",
                                                  cli_json_text(f->text), "hint", cli_json_text(f->hint)));
    l->exit = exit_worse(l->exit, f->exit_status);
    return 0;
}

/* State words of the partitions, counted: {"RECONCILED": 23, "LATE": 1}. */
static json_t *counts_of(const json_t *partitions)
{
    json_t *counts = json_object();
    const json_t *p;
    size_t i;

    json_array_foreach(partitions, i, p) {
        const char *state = view_str(p, "state");
        json_object_set_new(counts, state, json_integer(view_int(counts, state) + 1));
    }
    return counts;
}

static json_t *squares_of(const json_t *partitions)
{
    size_t n = json_array_size(partitions);
    json_t *list = json_array();

    for (size_t i = n > SQUARES ? n - SQUARES : 0; i < n; i++) {
        const json_t *p = json_array_get(partitions, i);
        json_array_append_new(list, json_pack("{s:s,s:s}", "partition", view_str(p, "partition"), "state",
                                              view_str(p, "state")));
    }
    return list;
}

/* The newest partition that is RECONCILED (or as good as that), "" for none. */
static const char *last_good(const json_t *partitions)
{
    for (size_t i = json_array_size(partitions); i > 0; i--) {
        const json_t *p = json_array_get(partitions, i - 1);
        const char *state = view_str(p, "state");
        if (view_is_well(p) && strcmp(state, "SKIPPED") != 0)
            return view_str(p, "partition");
    }
    return "";
}

/* When a tick last listed anything of the pipeline; 0: never. */
static int64_t last_look(const json_t *partitions)
{
    const char *newest = "";
    struct err ignored;
    const json_t *p;
    int64_t ms = 0;
    size_t i;

    json_array_foreach(partitions, i, p)
        if (strcmp(view_str(p, "listed"), newest) > 0)
            newest = view_str(p, "listed");
    return *newest != '\0' && civil_parse_rfc3339(newest, &ms, &ignored) == 0 ? ms : 0;
}

/*
 * When cron is dead no tick finds anything: the one trouble that a tick cannot report. A partition that
 * nobody has looked for long after it was due, while nothing else was looked for either, is that sign.
 */
static void unwatched(struct looking *l, const struct pipeline *p, const json_t *partitions, int64_t now_ms)
{
    int64_t start, patience = p->late_after_ms > 3600000 ? p->late_after_ms : 3600000;
    int64_t looked = last_look(partitions);
    size_t n = json_array_size(partitions);
    char text[300], when[CLI_TIME_SIZE];

    if (n == 0 || !view_newest(p, now_ms, &start))
        return;
    const json_t *newest = json_array_get(partitions, n - 1);
    if (now_ms < start + period_ms(p->period) + p->settle_ms + patience || now_ms - looked < patience ||
        json_is_string(json_object_get(newest, "listed")) ||
        json_array_size(json_object_get(newest, "jobs")) > 0 ||
        strcmp(view_str(newest, "state"), "WAITING") != 0 || !concerns(l, view_str(newest, "partition")))
        return;
    snprintf(text, sizeof text, "it was due long ago, and no tick has looked%s%s",
             looked != 0 ? " since " : " yet", cli_time(looked, when));
    json_array_append_new(l->attention,
                          json_pack("{s:s,s:s,s:s,s:s,s:s}", "pipeline", p->name, "partition",
                                    view_str(newest, "partition"), "class", "STUCK", "text", text, "hint",
                                    "is cron running orch tick? orch cron print; orch doctor --cron"));
    l->exit = exit_worse(l->exit, 6);
}

static void add_lag(json_t *o, const struct pipeline *p, const char *good, int64_t now_ms)
{
    int64_t newest, start;
    struct err ignored;

    if (!view_newest(p, now_ms, &newest)) {
        json_object_set_new(o, "lag_ms", json_integer(0));
        return;
    }
    if (*good == '\0' || part_parse(p->period, good, &start, &ignored) < 0)
        start = p->since_ms - period_ms(p->period);
    json_object_set_new(o, "lag_ms", json_integer(newest > start ? newest - start : 0));
}

/* Rejects, and what include left out: a pattern that takes too little loses rows as surely as a crash. */
static int add_counts(struct store *s, const struct pipeline *p, json_t *o, struct err *err)
{
    struct pipeline_row row = {0};
    int64_t final = 0, other = 0;
    int rc = reject_count(s, p->name, &final, &other, err);

    if (rc >= 0)
        rc = pipeline_get(s, p->name, &row, err);
    json_object_set_new(o, "rejects", json_pack("{s:I,s:I}", "final", final, "other", other));
    json_object_set_new(o, "left_out", json_integer(row.left_out));
    json_object_set_new(o, "left_out_example", cli_json_text(row.left_out_example));
    json_object_set_new(o, "retry", cli_json_time(row.retry_ms));
    pipeline_row_release(&row);
    return rc;
}

/* next_look null: the schedule never fires again, or there is none. */
static int add_looks(struct store *s, const struct pipeline *p, json_t *o, const json_t *partitions,
                     int64_t now_ms, struct err *err)
{
    int64_t next = 0;
    int rc = cli_next_look(s, p, now_ms, &next, err);

    json_object_set_new(o, "last_look", cli_json_time(last_look(partitions)));
    json_object_set_new(o, "next_look", cli_json_time(rc == 1 ? next : 0));
    return rc < 0 ? rc : 0;
}

static const char *verdict_of(const json_t *counts, const json_t *partitions)
{
    const json_t *p;
    size_t i;

    if (view_int(counts, "MISMATCHED") > 0)
        return "DIFFERENT";
    json_array_foreach(partitions, i, p)
        if (json_is_true(json_object_get(p, "unverifiable")))
            return "UNVERIFIABLE";
    return view_int(counts, "RECONCILED") > 0 ? "EQUAL" : "";
}

static int look(struct looking *l, const struct pipeline *p, int64_t now_ms, struct err *err)
{
    json_t *partitions = NULL, *o, *counts;
    int rc = view_partitions(l->c->store, p, NULL, NULL, now_ms, &partitions, err);

    if (rc < 0)
        return rc;
    counts = counts_of(partitions);
    o = json_pack("{s:s,s:s,s:{s:s,s:s},s:s,s:s,s:s}", "pipeline", p->name, "schedule", p->schedule, "owner",
                  "name", p->owner_name, "email", p->owner_email, "source", p->source.url, "prefix",
                  p->prefix, "table", p->table);
    json_object_set_new(o, "last_good", json_string(last_good(partitions)));
    add_lag(o, p, last_good(partitions), now_ms);
    json_object_set_new(o, "reconciliation", json_string(verdict_of(counts, partitions)));
    json_object_set_new(o, "last24", squares_of(partitions));
    json_object_set(o, "counts", counts);
    rc = add_counts(l->c->store, p, o, err);
    if (rc >= 0)
        rc = add_looks(l->c->store, p, o, partitions, now_ms, err);
    json_object_set_new(o, "partitions", partitions);
    json_array_append_new(l->pipelines, o);
    json_decref(counts);
    l->name = p->name;
    if (rc >= 0)
        rc = findings_of(l->c->store, p, now_ms, on_finding, l, err);
    if (rc >= 0)
        unwatched(l, p, partitions, now_ms);
    return rc < 0 ? rc : 0;
}

static void glyphs(const struct out *o, const json_t *squares)
{
    const json_t *p;
    size_t i;

    json_array_foreach(squares, i, p) {
        const char *g = view_glyph(view_str(p, "state")), *paint = out_paint(o, g);
        printf("%s%s%s", paint, g, *paint != '\0' ? out_plain(o) : "");
    }
}

/* "24 reconciled, 1 late" */
static void words(const json_t *counts, char *out, size_t size)
{
    const char *state;
    const json_t *n;
    size_t at = 0;

    out[0] = '\0';
    json_object_foreach((json_t *)(uintptr_t)counts, state, n) {
        char word[32];
        size_t k = 0;
        for (; state[k] != '\0' && k < sizeof word - 1; k++)
            word[k] = (char)(state[k] | 0x20);
        word[k] = '\0';
        int put = snprintf(out + at, size - at, "%s%lld %s", at > 0 ? ", " : "",
                           (long long)json_integer_value(n), word);
        at += put > 0 && (size_t)put < size - at ? (size_t)put : 0;
    }
}

/* "looked 21:50, next 21:55 UTC": a silent tick and a tick that never ran are told apart here. */
static void print_looks(const json_t *o, int64_t now_ms)
{
    const char *last = view_str(o, "last_look"), *next = view_str(o, "next_look");
    int64_t at = 0;
    struct err ignored;

    if (*next != '\0')
        err_ignore(civil_parse_rfc3339(next, &at, &ignored));
    printf("  looked      %s, next ", *last != '\0' ? last : "never");
    if (*next == '\0')
        printf("never: the schedule does not fire any more\n");
    else if (at <= now_ms)
        printf("when a tick runs\n");
    else
        printf("%s\n", next);
}

static void print_pipeline(struct cli *c, const json_t *o, int64_t now_ms)
{
    const json_t *owner = json_object_get(o, "owner"), *rejects = json_object_get(o, "rejects");
    char span[CLI_TIME_SIZE], counted[400], who[300], schedule[200];
    int64_t other = view_int(rejects, "other");

    words(json_object_get(o, "counts"), counted, sizeof counted);
    str_printable(view_str(owner, "name"), strlen(view_str(owner, "name")), who, sizeof who);
    str_printable(view_str(o, "schedule"), strlen(view_str(o, "schedule")), schedule, sizeof schedule);
    printf("%s   %s", view_str(o, "pipeline"), schedule);
    if (*who != '\0')
        printf("   owner %s", who);
    printf("\n");
    print_looks(o, now_ms);
    printf("  last good   %s", *view_str(o, "last_good") != '\0' ? view_str(o, "last_good") : "none yet");
    printf("   lag %s\n  last 24     ", cli_span(view_int(o, "lag_ms"), span));
    glyphs(&c->out, json_object_get(o, "last24"));
    printf("\n  partitions  %s\n", *counted != '\0' ? counted : "none due yet");
    printf("  rejects     %lld", (long long)view_int(rejects, "final"));
    if (other > 0)
        printf(", and %lld of files that were not loaded", (long long)other);
    if (view_int(o, "left_out") > 0) {
        out_cell(json_object_get(o, "left_out_example"), who, sizeof who);
        printf("\n  left out    %lld objects that include does not take, such as %s",
               (long long)view_int(o, "left_out"), who);
    }
    const char *verdict = view_str(o, "reconciliation");
    printf("\n  reconciled  %s%s%s\n", out_paint(&c->out, verdict),
           *verdict != '\0' ? verdict : "nothing yet",
           *out_paint(&c->out, verdict) != '\0' ? out_plain(&c->out) : "");
}

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

static void print_trouble(struct cli *c, const json_t *a)
{
    const char *part = view_str(a, "partition");
    char text[1500], hint[1200], where[200];

    out_cell(json_object_get(a, "text"), text, sizeof text);
    out_cell(json_object_get(a, "hint"), hint, sizeof hint);
    snprintf(where, sizeof where, "%s%s%s", view_str(a, "pipeline"), *part != '\0' ? "/" : "", part);
    print_told(c, view_str(a, "class"), where, text, hint);
}

/* How many from index i on tell the same of neighbouring partitions. LATE is one trouble, whenever it began. */
static size_t alike(const json_t *attention, size_t i)
{
    const json_t *first = json_array_get(attention, i), *next;
    size_t n = 1;

    if (*view_str(first, "partition") == '\0')
        return 1;
    for (; (next = json_array_get(attention, i + n)) != NULL; n++)
        if (strcmp(view_str(first, "pipeline"), view_str(next, "pipeline")) != 0 ||
            strcmp(view_str(first, "class"), view_str(next, "class")) != 0 ||
            *view_str(next, "partition") == '\0' ||
            (strcmp(view_str(first, "class"), "LATE") != 0 &&
             strcmp(view_str(first, "text"), view_str(next, "text")) != 0))
            break;
    return n;
}

/* Many hours with one cause: the cause once. What to type is for all of them where a command takes all of them. */
static void print_alike(struct cli *c, const json_t *first, const json_t *last, size_t n)
{
    const char *class = view_str(first, "class"), *name = view_str(first, "pipeline");
    bool late = strcmp(class, "LATE") == 0,
         failed = strcmp(class, "FAILED") == 0 || strcmp(class, "DEAD") == 0;
    char text[1500], hint[1200], where[200];

    out_cell(json_object_get(first, "text"), text, sizeof text);
    out_cell(json_object_get(first, "hint"), hint, sizeof hint);
    if (late)
        snprintf(text, sizeof text, "no object has come");
    if (failed)
        snprintf(hint, sizeof hint,
                 "when that is mended: orch replay %s --only failed; one by one: orch status %s", name, name);
    else if (strcmp(class, "MISMATCHED") == 0)
        snprintf(hint, sizeof hint,
                 "orch reconcile %s shows them; orch replay %s --only mismatched loads them again", name,
                 name);
    snprintf(where, sizeof where, "%s: %zu partitions, %s to %s", name, n, view_str(first, "partition"),
             view_str(last, "partition"));
    print_told(c, class, where, text, hint);
}

static void print_attention(struct cli *c, const json_t *attention, bool all)
{
    size_t n = json_array_size(attention), i = 0, told = 0;

    if (n == 0) {
        printf("\nall well\n");
        return;
    }
    printf("\n%zu need%s attention\n", n, n == 1 ? "s" : "");
    for (; i < n && (all || told < SHOWN); told++) {
        size_t like = alike(attention, i);
        if (like >= TOGETHER) {
            print_alike(c, json_array_get(attention, i), json_array_get(attention, i + like - 1), like);
            i += like;
        } else {
            print_trouble(c, json_array_get(attention, i++));
        }
    }
    if (i < n)
        printf("  and %zu more: orch status PIPELINE, or -o json\n", n - i);
}

static void print_partitions(struct cli *c, const json_t *o, const char *part)
{
    static const struct out_column columns[] = {
        {"partition", "PARTITION", false, false},
        {"state", "STATE", false, true},
        {"objects", "OBJECTS", true, false},
        {"rows_read", "READ", true, false},
        {"rows_loaded", "LOADED", true, false},
        {"rows_rejected", "REJECTED", true, false},
        {"since", "SINCE", false, false},
        {"reason", "REASON", false, false},
        {0},
    };
    const json_t *all = json_object_get(o, "partitions"), *p;
    json_t *shown = json_array();
    size_t i, n = json_array_size(all);

    json_array_foreach(all, i, p)
        if (*part != '\0' ? strcmp(view_str(p, "partition"), part) == 0
                          : i + 2 * SQUARES >= n || !view_is_well(p))
            json_array_append(shown, (json_t *)(uintptr_t)p);
    if (c->out.format == OUT_TABLE)
        printf("\n");
    out_rows(&c->out, "partitions", columns, shown);
    json_decref(shown);
}

static void print_jobs(struct cli *c, const json_t *o, const char *part)
{
    static const struct out_column columns[] = {
        {"job", "JOB", false, false},         {"kind", "KIND", false, false},
        {"state", "STATE", false, true},      {"tries", "TRIES", true, false},
        {"objects", "OBJECTS", true, false},  {"rows_loaded", "LOADED", true, false},
        {"updated", "UPDATED", false, false}, {"not_before", "NOT BEFORE", false, false},
        {"message", "MESSAGE", false, false}, {0},
    };
    const json_t *p;
    size_t i;

    json_array_foreach(json_object_get(o, "partitions"), i, p) {
        if (strcmp(view_str(p, "partition"), part) == 0 && json_array_size(json_object_get(p, "jobs")) > 0) {
            printf("\n");
            out_rows(&c->out, "jobs", columns, json_object_get(p, "jobs"));
        }
    }
}

static void print(struct looking *l, int64_t now_ms, const char *part, bool single)
{
    static const struct out_column columns[] = {
        {"pipeline", "", false, false},       {"last_good", "", false, false}, {"lag_ms", "", true, false},
        {"reconciliation", "", false, false}, {"table", "", false, false},     {0},
    };
    struct cli *c = l->c;
    const json_t *o;
    size_t i;

    if (c->out.format == OUT_JSON || c->out.format == OUT_JSONL) {
        json_t *whole = json_pack("{s:i,s:o,s:s,s:s,s:O,s:O,s:i}", "schema_version", 1, "now",
                                  cli_json_time(now_ms), "config", c->config->path, "state", c->config->state,
                                  "pipelines", l->pipelines, "attention", l->attention, "exit", l->exit);
        out_document(&c->out, whole);
        json_decref(whole);
        return;
    }
    if (c->out.format == OUT_CSV) {
        if (single)
            print_partitions(c, json_array_get(l->pipelines, 0), part);
        else
            out_rows(&c->out, "pipelines", columns, l->pipelines);
        return;
    }
    json_array_foreach(l->pipelines, i, o) {
        if (i > 0)
            printf("\n");
        print_pipeline(c, o, now_ms);
        if (single)
            print_partitions(c, o, part);
        if (*part != '\0')
            print_jobs(c, o, part);
    }
    print_attention(c, l->attention, single);
    if (*part == '\0')
        printf("\n● loaded  ✖ failed  ▲ late  · to come  ≠ mismatched  – empty or skipped\n");
}

/* An hour that nobody waits for must not be called well. */
static int wanted(const struct pipeline *p, const char *part, int64_t now_ms, struct err *err)
{
    char edge[PART_SIZE];
    int64_t start;
    int rc = part_parse(p->period, part, &start, err);

    if (rc < 0)
        return rc;
    if (start < p->since_ms)
        return err_set(err, ERR_NOT_FOUND, "%s begins with %s: %s is never looked for", p->name,
                       part_name(p->period, p->since_ms, edge), part);
    if (p->until_ms >= 0 && start > p->until_ms)
        return err_set(err, ERR_NOT_FOUND, "%s ends with %s: %s is never looked for", p->name,
                       part_name(p->period, p->until_ms, edge), part);
    if (start + period_ms(p->period) > now_ms)
        return err_set(err, ERR_NOT_FOUND, "%s/%s is not over yet: nothing is looked for before", p->name,
                       part);
    return 0;
}

static int run(struct cli *c, struct err *err)
{
    struct looking l = {.c = c, .pipelines = json_array(), .attention = json_array()};
    const struct pipeline *only = NULL;
    char part[PART_SIZE] = "";
    int64_t now = clock_now_ms();
    int rc = cli_config(c, err);

    if (rc == 0 && c->args.count > 0)
        rc = cli_flow(c, c->args.items[0], &only, part, err);
    l.part = part;
    if (rc == 0 && *part != '\0')
        rc = wanted(only, part, now, err);
    if (rc == 0)
        rc = cli_store(c, STORE_READ, err);
    for (size_t i = 0; rc == 0 && i < c->config->pipeline_count; i++)
        if (only == NULL || only == &c->config->pipelines[i])
            rc = look(&l, &c->config->pipelines[i], now, err);
    if (rc == 0) {
        print(&l, now, part, only != NULL);
        rc = l.exit;
    }
    json_decref(l.pipelines);
    json_decref(l.attention);
    return rc;
}

const struct command cmd_status = {
    "status",
    "[PIPELINE[/PARTITION]]",
    "What is loaded, late, failed, mismatched, and what to type next.",
    "Exit status: 0 all well, 5 mismatched, 1 failed or dead, 6 late, or no tick looks any more; as the "
    "trouble has\n"
    "it where a server refuses (4) or is away (75).\n\n"
    "  orch status\n"
    "  orch status loans                 partition by partition\n"
    "  orch status loans/2022-06-05T12   and its jobs\n"
    "  orch status -o json               everything\n",
    NULL,
    0,
    1,
    run,
};

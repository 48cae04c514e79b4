/*
 * orch explain: why a partition, or a whole pipeline, is as it is; what blocks it, what comes next, what to type. The
 * codes are those of orch plan.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/explain.h"
#include "orchestrator/stream.h"

enum { INDENT = 14 };

/* ---- for people ---- */

static void line(const struct out *o, const char *label, const char *text)
{
    if (*text == '\0')
        return;
    printf("  %-11s ", label);
    out_folded(o, INDENT, INDENT, text);
}

static void lines(const struct out *o, const char *label, const struct explain_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        line(o, i == 0 ? label : "", list->text[i]);
}

static void print_commands(const struct out *o, const struct explained *x)
{
    char text[700];

    for (size_t i = 0; i < x->command_count; i++) {
        snprintf(text, sizeof text, "%s   (%s)", x->commands[i].line, x->commands[i].does);
        line(o, i == 0 ? "type" : "", text);
    }
}

static void print_text(const struct out *o, const struct explained *x)
{
    char since[CLI_TIME_SIZE], at[CLI_TIME_SIZE], text[1600];
    const char *paint = out_paint(o, x->state);

    printf("%s%s%s   %s%s%s", x->pipeline, *x->part != '\0' ? "/" : "", x->part, paint, x->state,
           *paint != '\0' ? out_plain(o) : "");
    if (x->since_ms != 0)
        printf(" since %s", cli_time(x->since_ms, since));
    printf("\n");
    snprintf(text, sizeof text, "%s: %s", x->code, x->why);
    line(o, "why", *x->why != '\0' ? text : x->code);
    line(o, "attempt", x->attempt);
    line(o, "source", x->source);
    line(o, "target", x->target);
    lines(o, "blocked by", &x->blocking);
    snprintf(text, sizeof text, "%s%s%s%s", x->next, x->next_ms != 0 ? ", at " : "", cli_time(x->next_ms, at),
             x->next_ms != 0 && x->next_ms <= x->now_ms ? ": due, so when a tick runs" : "");
    line(o, "next", text);
    lines(o, "see", &x->notes);
    print_commands(o, x);
}

/* ---- for programs ---- */

static void list_json(struct jout *j, const char *key, const struct explain_list *list)
{
    jout_open(j, key, '[');
    for (size_t i = 0; i < list->n; i++) {
        jout_open(j, NULL, '{');
        jout_text(j, "code", list->code[i]);
        jout_text(j, "text", list->text[i]);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

static void members_json(struct jout *j, const struct explained *x)
{
    jout_text(j, "pipeline", x->pipeline);
    jout_text(j, "partition", *x->part != '\0' ? x->part : NULL);
    jout_text(j, "state", x->state);
    jout_time(j, "since", x->since_ms);
    jout_text(j, "code", x->code);
    jout_text(j, "why", x->why);
    jout_int(j, "attempts", x->attempts);
    jout_int(j, "max_attempts", x->max_attempts);
    jout_int(j, "tries", x->tries);
    jout_time(j, "next_try", x->next_try_ms);
    jout_int(j, "objects", x->objects);
    jout_int(j, "bytes", x->bytes);
    jout_int(j, "rows_read", x->rows_read);
    jout_int(j, "rows_loaded", x->rows_loaded);
    jout_int(j, "rows_rejected", x->rows_rejected);
    jout_int(j, "unexplained", x->unexplained);
    list_json(j, "blocking", &x->blocking);
    list_json(j, "notes", &x->notes);
    jout_open(j, "next", '{');
    jout_text(j, "text", x->next);
    jout_time(j, "at", x->next_ms);
    jout_close(j, '}');
    jout_open(j, "commands", '[');
    for (size_t i = 0; i < x->command_count; i++) {
        jout_open(j, NULL, '{');
        jout_text(j, "command", x->commands[i].line);
        jout_text(j, "does", x->commands[i].does);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

/* ---- the command ---- */

static int one_partition(struct cli *c, const struct pipeline *p, const char *part, struct err *err)
{
    struct explained *x = explained_new();
    struct jout j;
    int rc = explain_partition(c->store, p, part, clock_now_ms(), x, err);

    if (rc == 0 && c->out.format == OUT_TABLE) {
        print_text(&c->out, x);
    } else if (rc == 0) {
        jout_init(&j, &c->out);
        jout_open(&j, NULL, '{');
        jout_int(&j, "schema_version", 1);
        members_json(&j, x);
        jout_close(&j, '}');
    }
    explained_free(x);
    return rc;
}

struct listing {
    struct cli *c;
    struct jout *j;
    bool begun;
};

static int on_needing(void *arg, const struct explained *x, struct err *err)
{
    struct listing *l = arg;

    UNUSED(err);
    if (l->j != NULL) {
        jout_open(l->j, NULL, '{');
        members_json(l->j, x);
        jout_close(l->j, '}');
        return 0;
    }
    printf("\n");
    print_text(&l->c->out, x);
    return 0;
}

static int whole_pipeline(struct cli *c, const struct pipeline *p, struct err *err)
{
    struct explained *x = explained_new();
    struct jout j;
    struct listing l = {.c = c, .j = c->out.format == OUT_TABLE ? NULL : &j};
    int64_t now = clock_now_ms(), more = 0;
    int rc = explain_pipeline(c->store, p, now, x, err);

    if (rc == 0 && l.j == NULL) {
        print_text(&c->out, x);
    } else if (rc == 0) {
        jout_init(&j, &c->out);
        jout_open(&j, NULL, '{');
        jout_int(&j, "schema_version", 1);
        members_json(&j, x);
        jout_open(&j, "partitions", '[');
    }
    if (rc == 0)
        rc = explain_oldest(c->store, p, now, on_needing, &l, &more, err);
    if (rc == 0 && l.j == NULL && more > 0) {
        printf("\nand %lld more that %s not settled: orch plan %s\n", (long long)more,
               more == 1 ? "is" : "are", p->name);
    } else if (rc == 0 && l.j != NULL) {
        jout_close(&j, ']');
        jout_int(&j, "more", more);
        jout_close(&j, '}');
    }
    explained_free(x);
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    const struct pipeline *p = NULL;
    char part[PART_SIZE] = "", *word = NULL;
    int rc = cli_config(c, err);

    if (rc == 0 && c->out.format == OUT_CSV)
        rc = err_set(err, ERR_USAGE, "explain: -o table, json or jsonl; orch plan -o csv gives the codes");
    if (rc == 0 && c->args.count > 1)
        word = xasprintf("%s/%s", c->args.items[0], c->args.items[1]);
    if (rc == 0)
        rc = cli_flow(c, word != NULL ? word : c->args.items[0], &p, part, err);
    free(word);
    if (rc == 0)
        rc = cli_store(c, STORE_READ, err);
    if (rc != 0)
        return rc;
    return *part != '\0' ? one_partition(c, p, part, err) : whole_pipeline(c, p, err);
}

const struct command cmd_explain = {
    "explain",
    "PIPELINE [PARTITION]",
    "Why a partition, or a pipeline, is as it is; what blocks it, what comes next, what to type.",
    "Read from the state file alone. Without a partition: the pipeline, and its oldest partitions that are "
    "not\n"
    "settled. The reason codes are those of orch plan.\n\n"
    "  orch explain loans\n"
    "  orch explain loans 2022-06-05T12\n"
    "  orch explain loans/2022-06-05T12 -o json\n",
    NULL,
    1,
    2,
    run,
};

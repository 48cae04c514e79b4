#include "base/mem.h"
#include "orchestrator/rejects.h"
#include "orchestrator/view.h"

static bool raw, replay, discard, dry_run;
static int64_t limit = -1;
static const char *by, *export_to, *code, *column, *state, *reason, *table, *source;
static const struct opt opts[] = {
    {"table", 't', OPT_TEXT, &table, "TABLE",
     "in place of PIPELINE: what orch load and orch serve did not take into this table of the dictionary"},
    {"by", 0, OPT_TEXT, &by, "WHAT", "groups with counts and an example: code, column, file, or code,column"},
    {"code", 0, OPT_TEXT, &code, "CODE", "only these, such as NOT_AN_INT"},
    {"column", 0, OPT_TEXT, &column, "COLUMN", "only those of this column; '': of the record as a whole"},
    {"source", 0, OPT_TEXT, &source, "SOURCE",
     "with --table: only those of this file, as it was named, or of this request, by its request_id"},
    {"state", 0, OPT_TEXT, &state, "STATE",
     "only these: FINAL, FAILED, PENDING, REPLAYED, DISCARDED, or all (else those that are open)"},
    {"limit", 0, OPT_COUNT, &limit, "N", "at most so many"},
    {"raw", 0, OPT_FLAG, &raw, NULL, "the records' bytes as they stood, a newline after each, nothing else"},
    {"export", 0, OPT_TEXT, &export_to, "FILE",
     "all fields of each to a file, as CSV, or JSON lines where its name ends in .jsonl; -: stdout"},
    {"replay", 0, OPT_FLAG, &replay, NULL, "load them again, after a fix of rule or table"},
    {"discard", 0, OPT_FLAG, &discard, NULL, "give them up: they are open no longer"},
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "why; kept in the state file and in the target's ledger"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "with --replay or --discard: say how many, change nothing"},
    {0},
};

struct printing {
    json_t *rows;
    struct cli *c;
    int64_t count;
};

json_t *rejects_row(const struct reject *r, bool with_hex)
{
    size_t room = 4 * r->raw_n + 16;
    char *shown = xmalloc(room);
    json_t *o = json_pack("{s:s,s:s,s:I,s:o,s:I,s:I,s:o,s:s,s:o,s:o,s:s}", "pipeline", r->pipeline,
                          "partition", r->part, "n", r->job_n, "key", cli_json_text(r->key), "line", r->line,
                          "offset", r->offset, "column", cli_json_text(r->column), "code", r->code, "message",
                          cli_json_text(r->message), "hint", cli_json_text(r->hint), "state", r->state);

    str_printable(r->raw, r->raw_n, shown, room);
    json_object_set_new(o, "raw", cli_json_text(shown));
    json_object_set_new(o, "raw_bytes", json_integer(r->raw_total));
    json_object_set_new(o, "raw_sha256", cli_json_text(r->raw_sha256));
    json_object_set_new(o, "load_id", json_integer(r->load_id));
    json_object_set_new(o, "at", cli_json_time(r->at_ms));
    json_object_set_new(o, "who", cli_json_text(r->who));
    json_object_set_new(o, "reason", cli_json_text(r->reason));
    json_object_set_new(o, "decided", cli_json_time(r->decided_ms < 0 ? -r->decided_ms : r->decided_ms));
    if (with_hex) {
        str_hex(r->raw_n > 0 ? r->raw : "", r->raw_n, shown);
        json_object_set_new(o, "raw_hex", json_string(shown));
    }
    free(shown);
    return o;
}

/* As compilers speak: a row of a table would be wider than any terminal. */
static void print_text(const struct out *o, const json_t *row)
{
    char where[1400], name[300], text[1400], line[3200];

    out_cell(json_object_get(row, "key"), where, sizeof where);
    out_cell(json_object_get(row, "column"), name, sizeof name);
    out_cell(json_object_get(row, "message"), text, sizeof text);
    snprintf(line, sizeof line, "%s line %lld%s%s: %s", where, (long long)view_int(row, "line"),
             *name != '\0' ? " column " : "", name, text);
    out_folded(o, 0, 4, line);
    out_cell(json_object_get(row, "raw"), where, sizeof where);
    snprintf(line, sizeof line, "%s %s %s: %s", view_str(row, "partition"), view_str(row, "state"),
             view_str(row, "code"), where);
    fprintf(o->to, "    ");
    out_folded(o, 4, 8, line);
    if (*view_str(row, "who") == '\0')
        return;
    out_cell(json_object_get(row, "who"), where, sizeof where);
    out_cell(json_object_get(row, "reason"), text, sizeof text);
    snprintf(line, sizeof line, "%s by %s: %s", view_str(row, "state"), where, text);
    fprintf(o->to, "    ");
    out_folded(o, 4, 8, line);
}

static int on_reject(void *arg, const struct reject *r, struct err *err)
{
    struct printing *p = arg;
    json_t *row = rejects_row(r, false);

    UNUSED(err);
    p->count++;
    if (p->c->out.format == OUT_JSONL || p->c->out.format == OUT_TABLE) { /* in constant memory */
        if (p->c->out.format == OUT_JSONL)
            out_document(&p->c->out, row);
        else
            print_text(&p->c->out, row);
        json_decref(row);
    } else {
        json_array_append_new(p->rows, row);
    }
    return 0;
}

static int list(const struct rejects_ask *a, struct err *err)
{
    static const struct out_column columns[] = {
        {"partition", "PARTITION", false, false},
        {"key", "FILE", false, false},
        {"line", "LINE", true, false},
        {"column", "COLUMN", false, false},
        {"code", "CODE", false, false},
        {"message", "MESSAGE", false, false},
        {"state", "STATE", false, true},
        {"raw", "RAW", false, false},
        {0},
    };
    struct cli *c = a->c;
    struct printing p = {.rows = json_array(), .c = c};
    int rc = reject_list(c->store, &a->filter, on_reject, &p, err);

    if (rc >= 0 && (c->out.format == OUT_JSON || c->out.format == OUT_CSV))
        out_rows(&c->out, "rejects", columns, p.rows);
    if (rc >= 0 && c->out.format == OUT_TABLE && p.count == 0)
        printf("no rejects\n");
    json_decref(p.rows);
    return rc < 0 ? rc : 0;
}

/* One thing at a time, and what a decision needs. */
static int check_words(struct err *err)
{
    static const char *const states[] = {"PENDING", "FINAL", "FAILED", "REPLAYED", "DISCARDED", "all", NULL};
    int wanted = raw + replay + discard + (by != NULL) + (export_to != NULL);
    bool known = state == NULL;

    for (int i = 0; states[i] != NULL && !known; i++)
        known = strcmp(states[i], state) == 0;
    if (!known)
        return err_set(err, ERR_USAGE,
                       "--state knows PENDING, FINAL, FAILED, REPLAYED, DISCARDED and all, not '%.40s'",
                       state);
    if (wanted > 1)
        return err_set(err, ERR_USAGE, "--by, --raw, --export, --replay and --discard: one of them");
    if (!replay && !discard)
        return reason != NULL || dry_run
                   ? err_set(err, ERR_USAGE, "--reason and --dry-run go with --replay or --discard")
                   : 0;
    if (state != NULL || limit >= 0)
        return err_set(err, ERR_USAGE, "rejects: %s takes all that are FINAL; --code and --column choose",
                       replay ? "--replay" : "--discard");
    if ((reason == NULL || *reason == '\0') && !dry_run)
        return err_set(err, ERR_USAGE, "rejects: --reason is needed: %s",
                       replay ? "somebody will ask what was mended"
                              : "somebody will ask why these records are not there");
    return 0;
}

static int of_table(struct cli *c, struct err *err)
{
    const struct rejects_intake_ask a = {table, code, column, source, by, export_to, limit, raw};

    if (c->args.count > 0)
        return err_set(err, ERR_USAGE, "a PIPELINE and --table: one of the two");
    if (replay || discard || state != NULL || reason != NULL || dry_run)
        return err_set(
            err, ERR_USAGE,
            "--table goes with --by, --raw, --export, --code, --column, --source and --limit alone");
    if (raw + (by != NULL) + (export_to != NULL) > 1)
        return err_set(err, ERR_USAGE, "--by, --raw and --export: one of them");
    return rejects_intake(c, &a, err);
}

static int run(struct cli *c, struct err *err)
{
    struct rejects_ask a = {.c = c, .reason = reason, .dry_run = dry_run};
    char part[PART_SIZE];

    if (table != NULL)
        return of_table(c, err);
    if (source != NULL)
        return err_set(err, ERR_USAGE, "--source goes with --table: of a pipeline a PARTITION chooses");
    if (c->args.count == 0)
        return err_set(err, ERR_USAGE, "rejects: a PIPELINE, or --table TABLE");
    int rc = cli_flow(c, c->args.items[0], &a.p, part, err);

    if (rc == 0)
        rc = check_words(err);
    if (rc == 0)
        rc = cli_store(c, (replay || discard) && !dry_run ? STORE_CREATE : STORE_READ, err);
    if (rc < 0)
        return rc;
    a.filter = (struct reject_filter){.pipeline = a.p->name,
                                      .part = *part != '\0' ? part : NULL,
                                      .code = code,
                                      .column = column,
                                      .state = state != NULL && strcmp(state, "all") == 0 ? "" : state,
                                      .limit = limit};
    if (by != NULL)
        return rejects_print_groups(&a, by, err);
    if (export_to != NULL)
        return rejects_export(&a, export_to, err);
    if (raw)
        return rejects_print_raw(&a, err);
    if (replay)
        return rejects_replay(&a, err);
    return discard ? rejects_discard(&a, err) : list(&a, err);
}

const struct command cmd_rejects = {
    "rejects",
    "[PIPELINE[/PARTITION]]",
    "The records that broke a rule: file, line, column, code, raw bytes.",
    "FINAL: the file is loaded, without these. FAILED: of a file that was rolled back. PENDING: not decided "
    "yet.\n"
    "REPLAYED: loaded after all. DISCARDED: given up by a person. These two are open no longer; --state "
    "shows "
    "them.\n"
    "--replay loads the FINAL ones after a fix of rule or table, exactly once; what is still bad stays, with "
    "its new\n"
    "reason. Their files must still be there.\n\n"
    "  orch rejects loans\n"
    "  orch rejects loans --by code,column\n"
    "  orch rejects loans/2022-06-05T12 --raw > broken.csv\n"
    "  orch rejects loans --replay --code OUT_OF_RANGE --reason 'income is BIGINT now'\n"
    "  orch rejects loans --discard --column note --reason 'the bank does not want them'\n"
    "  orch rejects --table hired_employees --by code,column\n",
    opts,
    0,
    1,
    run,
};

#include "base/civil.h"
#include "base/mem.h"
#include "orchestrator/view.h"
#include "state/reject.h"

static bool raw;
static int64_t limit = -1;
static const struct opt opts[] = {
    {"raw", 0, OPT_FLAG, &raw, NULL, "the records' bytes as they stood, a newline after each, nothing else"},
    {"limit", 0, OPT_COUNT, &limit, "N", "at most so many"},
    {0},
};

struct printing {
    json_t *rows;
    struct cli *c;
    int64_t cut, count;
    const char *part;
};

static json_t *row_of(const struct reject *r)
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
    free(shown);
    return o;
}

/* As compilers speak: a row of a table would be wider than any terminal. */
static void print_text(const struct out *o, const json_t *row)
{
    char where[1400], column[300], text[1400], line[3200];

    out_cell(json_object_get(row, "key"), where, sizeof where);
    out_cell(json_object_get(row, "column"), column, sizeof column);
    out_cell(json_object_get(row, "message"), text, sizeof text);
    snprintf(line, sizeof line, "%s line %lld%s%s: %s", where, (long long)view_int(row, "line"),
             *column != '\0' ? " column " : "", column, text);
    out_folded(o, 0, 4, line);
    out_cell(json_object_get(row, "raw"), where, sizeof where);
    snprintf(line, sizeof line, "%s %s %s: %s", view_str(row, "partition"), view_str(row, "state"),
             view_str(row, "code"), where);
    fprintf(o->to, "    ");
    out_folded(o, 4, 8, line);
}

static int on_reject(void *arg, const struct reject *r, struct err *err)
{
    struct printing *p = arg;

    UNUSED(err);
    if (raw) {
        if (r->raw_total > (int64_t)r->raw_n)
            p->cut++;
        fwrite(r->raw, 1, r->raw_n, stdout);
        fputc('\n', stdout);
        return 0;
    }
    json_t *row = row_of(r);
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

static int run(struct cli *c, struct err *err)
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
    struct printing p = {.rows = json_array(), .c = c};
    const struct pipeline *flow = NULL;
    char part[PART_SIZE];
    int rc = cli_flow(c, c->args.items[0], &flow, part, err);

    if (rc == 0)
        rc = cli_store(c, STORE_READ, err);
    if (rc == 0)
        rc = reject_list(c->store, flow->name, *part != '\0' ? part : NULL, limit, on_reject, &p, err);
    if (rc >= 0 && !raw && (c->out.format == OUT_JSON || c->out.format == OUT_CSV))
        out_rows(&c->out, "rejects", columns, p.rows);
    if (rc >= 0 && !raw && c->out.format == OUT_TABLE && p.count == 0)
        printf("no rejects\n");
    if (p.cut > 0)
        cli_say("%lld records are longer than what is kept; offset, length and sha256 are in -o json",
                (long long)p.cut);
    json_decref(p.rows);
    return rc < 0 ? rc : 0;
}

const struct command cmd_rejects = {
    "rejects",
    "PIPELINE[/PARTITION]",
    "The records that broke a rule: file, line, column, code, raw bytes.",
    "FINAL: the file is loaded, without these. FAILED: of a file that was rolled back. PENDING: not decided "
    "yet.\n\n"
    "  orch rejects loans\n"
    "  orch rejects loans/2022-06-05T12 --raw > broken.csv\n",
    opts,
    1,
    1,
    run,
};

/* orch rejects --table: what orch load and orch serve did not take. It is in the target, beside the rows. */
#include "base/mem.h"
#include "io/target_intake.h"
#include "orchestrator/backup_place.h"
#include "orchestrator/rejects.h"
#include "orchestrator/view.h"

static const char *const fields[] = {"id",      "table", "source", "record",  "line",      "column", "code",
                                     "message", "hint",  "raw",    "raw_hex", "raw_bytes", "who",    "at"};

struct giving {
    struct cli *c;
    const char *table;
    json_t *rows;
    FILE *to;
    bool lines, raw;
    int64_t count, cut;
    int by;
};

static json_t *row_of(const struct giving *g, const struct intake_logged *r, bool with_hex)
{
    size_t room = 4 * r->raw.n + 16;
    char *shown = xmalloc(room);
    json_t *o = json_pack("{s:I,s:s,s:o,s:I,s:I,s:o,s:s,s:o,s:o}", "id", r->id, "table", g->table, "source",
                          cli_json_text(r->source), "record", r->record, "line", r->line, "column",
                          cli_json_text(r->column), "code", r->code, "message", cli_json_text(r->message),
                          "hint", cli_json_text(r->hint));

    str_printable(r->raw.p, r->raw.n, shown, room);
    json_object_set_new(o, "raw", cli_json_text(shown));
    json_object_set_new(o, "raw_bytes", json_integer(r->raw_total));
    json_object_set_new(o, "who", cli_json_text(r->who));
    json_object_set_new(o, "at", cli_json_time(r->at_ms));
    if (with_hex) {
        str_hex(r->raw.n > 0 ? r->raw.p : "", r->raw.n, shown);
        json_object_set_new(o, "raw_hex", json_string(shown));
    }
    free(shown);
    return o;
}

static void print_text(const struct out *o, const json_t *row)
{
    char source[1100], name[300], text[1400], line[3200];

    out_cell(json_object_get(row, "source"), source, sizeof source);
    out_cell(json_object_get(row, "column"), name, sizeof name);
    out_cell(json_object_get(row, "message"), text, sizeof text);
    snprintf(line, sizeof line, "%s record %lld%s%s: %s", source, (long long)view_int(row, "record"),
             *name != '\0' ? " column " : "", name, text);
    out_folded(o, 0, 4, line);
    out_cell(json_object_get(row, "raw"), text, sizeof text);
    snprintf(line, sizeof line, "%s: %s", view_str(row, "code"), text);
    fprintf(o->to, "    ");
    out_folded(o, 4, 8, line);
}

static int on_row(void *arg, const struct intake_logged *r, struct err *err)
{
    struct giving *g = arg;

    UNUSED(err);
    g->count++;
    json_t *row = row_of(g, r, false);
    if (g->c->out.format == OUT_JSONL)
        out_document(&g->c->out, row);
    else if (g->c->out.format == OUT_TABLE)
        print_text(&g->c->out, row);
    else
        json_array_append(g->rows, row);
    json_decref(row);
    return 0;
}

static int on_raw(void *arg, const struct intake_logged *r, struct err *err)
{
    struct giving *g = arg;

    g->cut += r->raw_total > (int64_t)r->raw.n;
    fwrite(r->raw.p, 1, r->raw.n, g->to);
    fputc('\n', g->to);
    return ferror(g->to) ? err_errno(err, errno, "cannot write") : 0;
}

static int on_export(void *arg, const struct intake_logged *r, struct err *err)
{
    struct giving *g = arg;
    json_t *row = row_of(g, r, true);
    const struct out o = {.to = g->to, .format = OUT_JSONL};

    if (g->lines)
        out_document(&o, row);
    for (size_t i = 0; !g->lines && i < ARRAY_LEN(fields); i++) {
        const json_t *v = json_object_get(row, fields[i]);
        if (i > 0)
            fputc(',', g->to);
        if (json_is_integer(v))
            fprintf(g->to, "%lld", (long long)json_integer_value(v));
        else
            out_csv_field(g->to, json_is_string(v) ? json_string_value(v) : "");
    }
    if (!g->lines)
        fputs("\r\n", g->to);
    json_decref(row);
    return ferror(g->to) ? err_errno(err, errno, "cannot write the export") : 0;
}

static int on_grouped(void *arg, const struct intake_group *i, struct err *err)
{
    struct giving *g = arg;
    const struct reject_group group = {.code = i->code,
                                       .column = i->column,
                                       .key = i->source,
                                       .count = i->count,
                                       .line = i->first_record,
                                       .by_record = true,
                                       .first_key = i->first_source,
                                       .first_column = "",
                                       .message = i->first_message};

    UNUSED(err);
    json_array_append_new(g->rows, rejects_group(&group, g->by));
    return 0;
}

static int groups(struct giving *g, struct target *t, const struct intake_filter *f, const char *words,
                  struct err *err)
{
    g->by = rejects_by(words, err);
    if (g->by < 0)
        return g->by;
    const struct intake_by by = {(g->by & REJECT_BY_CODE) != 0, (g->by & REJECT_BY_COLUMN) != 0,
                                 (g->by & REJECT_BY_FILE) != 0};
    int rc = target_intake_groups(t, f, &by, on_grouped, g, err);

    if (rc == 0)
        rejects_out_groups(&g->c->out, g->rows, g->by);
    return rc;
}

static int export_all(struct giving *g, struct target *t, const struct intake_filter *f, const char *path,
                      struct err *err)
{
    bool to_stdout = strcmp(path, "-") == 0;

    g->lines = str_ends(path, ".jsonl") || g->c->out.format == OUT_JSONL || g->c->out.format == OUT_JSON;
    g->to = to_stdout ? g->c->out.to : fopen(path, "we");
    if (g->to == NULL)
        return err_errno(err, errno, "cannot write %s", path);
    for (size_t i = 0; !g->lines && i < ARRAY_LEN(fields); i++)
        fprintf(g->to, "%s%s", i > 0 ? "," : "", fields[i]);
    if (!g->lines)
        fputs("\r\n", g->to);
    int rc = target_intake_rejects(t, f, on_export, g, err);
    if (!to_stdout && fclose(g->to) != 0 && rc == 0)
        rc = err_errno(err, errno, "cannot write %s", path);
    return rc;
}

static int list(struct giving *g, struct target *t, const struct intake_filter *f, struct err *err)
{
    static const struct out_column columns[] = {
        {"source", "SOURCE", false, false}, {"record", "RECORD", true, false},
        {"line", "LINE", true, false},      {"column", "COLUMN", false, false},
        {"code", "CODE", false, false},     {"message", "MESSAGE", false, false},
        {"raw", "RAW", false, false},       {0},
    };
    int rc = target_intake_rejects(t, f, on_row, g, err);

    if (rc == 0 && (g->c->out.format == OUT_JSON || g->c->out.format == OUT_CSV))
        out_rows(&g->c->out, "rejects", columns, g->rows);
    if (rc == 0 && g->c->out.format == OUT_TABLE && g->count == 0)
        printf("no rejects\n");
    return rc;
}

int rejects_intake(struct cli *c, const struct rejects_intake_ask *a, struct err *err)
{
    const struct dict_table *d = NULL;
    struct target *t = NULL;
    struct giving g = {.c = c, .table = a->table, .rows = json_array(), .to = c->out.to};
    const struct intake_filter f = {
        .name = a->table, .code = a->code, .column = a->column, .source = a->source, .limit = a->limit};
    int rc = cli_config(c, err);

    if (rc == 0)
        rc = config_table(c->config, a->table, &d, err);
    if (rc == 0) {
        struct target_config config = d->target;
        config.beat = &backup_beat;
        rc = target_open(&config, &t, err);
    }
    if (rc == 0 && a->by != NULL)
        rc = groups(&g, t, &f, a->by, err);
    else if (rc == 0 && a->export_to != NULL)
        rc = export_all(&g, t, &f, a->export_to, err);
    else if (rc == 0 && a->raw)
        rc = target_intake_rejects(t, &f, on_raw, &g, err);
    else if (rc == 0)
        rc = list(&g, t, &f, err);
    if (rc == 0 && g.cut > 0)
        cli_say("of %lld records only the first 64 KiB are kept", (long long)g.cut);
    target_close(t);
    json_decref(g.rows);
    return rc < 0 ? rc : g.cut > 0;
}

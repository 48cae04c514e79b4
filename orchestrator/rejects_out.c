/* Rejects in groups, as a file, and as the bytes that they are. */
#include "base/mem.h"
#include "orchestrator/rejects.h"
#include "orchestrator/view.h"
#include "steps/rejects.h"

/* ---- --by ---- */

int rejects_by(const char *words, struct err *err)
{
    static const struct {
        const char *word;
        int bit;
    } known[] = {{"code", REJECT_BY_CODE}, {"column", REJECT_BY_COLUMN}, {"file", REJECT_BY_FILE}};
    int by = 0;

    for (const char *p = words; *p != '\0';) {
        size_t n = strcspn(p, ",");
        int bit = 0;
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            if (strlen(known[i].word) == n && memcmp(known[i].word, p, n) == 0)
                bit = known[i].bit;
        if (bit == 0)
            return err_set(err, ERR_USAGE, "by: code, column and file are known, not '%.*s'",
                           (int)(n < 40 ? n : 40), p);
        by |= bit;
        p += n + (p[n] == ',');
    }
    return by != 0 ? by : err_set(err, ERR_USAGE, "by: code, column or file");
}

struct grouping {
    json_t *rows;
    int by;
};

json_t *rejects_group(const struct reject_group *g, int by)
{
    char example[700];
    json_t *o = json_object();

    snprintf(example, sizeof example, "%.200s %s %lld%s%.100s: %.300s", g->first_key,
             g->by_record ? "record" : "line", (long long)g->line,
             g->first_column[0] != '\0' ? " column " : "", g->first_column, g->message);
    if (by & REJECT_BY_CODE)
        json_object_set_new(o, "code", json_string(g->code));
    if (by & REJECT_BY_COLUMN)
        json_object_set_new(o, "column", cli_json_text(g->column));
    if (by & REJECT_BY_FILE)
        json_object_set_new(o, "key", cli_json_text(g->key));
    json_object_set_new(o, "rejects", json_integer(g->count));
    json_object_set_new(o, "example", cli_json_text(example));
    return o;
}

static int on_group(void *arg, const struct reject_group *g, struct err *err)
{
    struct grouping *k = arg;

    UNUSED(err);
    json_array_append_new(k->rows, rejects_group(g, k->by));
    return 0;
}

void rejects_out_groups(const struct out *o, json_t *rows, int by)
{
    static const struct out_column all[] = {{"code", "CODE", false, false},
                                            {"column", "COLUMN", false, false},
                                            {"key", "FILE", false, false},
                                            {"rejects", "REJECTS", true, false},
                                            {"example", "EXAMPLE", false, false}};
    struct out_column columns[ARRAY_LEN(all) + 1] = {{0}};
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (i > 2 || (by & 1 << i))
            columns[n++] = all[i];
    out_rows(o, "groups", columns, rows);
    if (o->format == OUT_TABLE && json_array_size(rows) == 0)
        printf("no rejects\n");
}

int rejects_print_groups(const struct rejects_ask *a, const char *words, struct err *err)
{
    struct grouping k = {.rows = json_array(), .by = rejects_by(words, err)};
    int rc = k.by < 0 ? k.by : reject_by(a->c->store, &a->filter, k.by, on_group, &k, err);

    if (rc == 0)
        rejects_out_groups(&a->c->out, k.rows, k.by);
    json_decref(k.rows);
    return rc;
}

/* ---- --export ---- */

struct exporting {
    FILE *to;
    bool lines; /* JSON lines */
};

static const char *const fields[] = {"pipeline", "partition", "n",       "key",       "line",
                                     "offset",   "column",    "code",    "message",   "hint",
                                     "state",    "raw",       "raw_hex", "raw_bytes", "raw_sha256",
                                     "load_id",  "at",        "who",     "reason",    "decided"};

static void put_csv(FILE *to, const json_t *row)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const json_t *v = json_object_get(row, fields[i]);
        if (i > 0)
            fputc(',', to);
        if (json_is_integer(v))
            fprintf(to, "%lld", (long long)json_integer_value(v));
        else
            out_csv_field(to, json_is_string(v) ? json_string_value(v) : "");
    }
    fputs("\r\n", to);
}

static int on_export(void *arg, const struct reject *r, struct err *err)
{
    struct exporting *k = arg;
    json_t *row = rejects_row(r, true);
    const struct out o = {.to = k->to, .format = OUT_JSONL};

    if (k->lines)
        out_document(&o, row);
    else
        put_csv(k->to, row);
    json_decref(row);
    return ferror(k->to) ? err_errno(err, errno, "cannot write the export") : 0;
}

int rejects_export(const struct rejects_ask *a, const char *path, struct err *err)
{
    bool to_stdout = strcmp(path, "-") == 0;
    enum out_format format = a->c->out.format;
    struct exporting k = {.to = to_stdout ? a->c->out.to : fopen(path, "we"),
                          .lines = str_ends(path, ".jsonl") || format == OUT_JSONL || format == OUT_JSON};

    if (k.to == NULL)
        return err_errno(err, errno, "cannot write %s", path);
    for (size_t i = 0; !k.lines && i < ARRAY_LEN(fields); i++)
        fprintf(k.to, "%s%s", i > 0 ? "," : "", fields[i]);
    if (!k.lines)
        fputs("\r\n", k.to);
    int rc = reject_list(a->c->store, &a->filter, on_export, &k, err);
    if (!to_stdout && fclose(k.to) != 0 && rc == 0)
        rc = err_errno(err, errno, "cannot write %s", path);
    return rc;
}

/* ---- --raw ---- */

struct raw_out {
    const struct rejects_ask *a;
    struct step_ctx ctx;
    struct load_row row; /* of the slices; load_id 0: none */
    struct slices *slices;
    struct err gone; /* why its bytes cannot be read; code 0: they can */
    int64_t missing;
};

static int put_bytes(void *arg, const void *p, size_t n, struct err *err)
{
    FILE *to = arg;

    return fwrite(p, 1, n, to) == n ? 0 : err_errno(err, errno, "cannot write to stdout");
}

/* The object of the reject; its rejects come in order, so it is read once. */
static int slices_of(struct raw_out *k, int64_t load_id, struct err *err)
{
    if (k->row.load_id == load_id)
        return 0;
    slices_close(k->slices);
    k->slices = NULL;
    load_row_release(&k->row);
    k->gone = (struct err){0};
    int rc = load_get(k->a->c->store, load_id, &k->row, err);
    if (rc == 0 && slices_open(&k->ctx, &k->row, &k->slices, &k->gone) < 0)
        k->slices = NULL;
    return rc;
}

static int on_raw(void *arg, const struct reject *r, struct err *err)
{
    struct raw_out *k = arg;
    FILE *to = k->a->c->out.to;
    int rc = 0;

    if (r->raw_total <= (int64_t)r->raw_n) {
        rc = put_bytes(to, r->raw, r->raw_n, err);
    } else {
        rc = slices_of(k, r->load_id, err);
        if (rc == 0 && k->slices != NULL)
            rc = slices_read(k->slices, r->offset, r->raw_total, put_bytes, to, err);
        if (rc == 0 && k->slices == NULL) {
            k->missing++;
            rc = put_bytes(to, r->raw, r->raw_n, err);
            cli_say("%s line %lld: %lld of its %lld bytes are not here: %s", r->key, (long long)r->line,
                    (long long)(r->raw_total - (int64_t)r->raw_n), (long long)r->raw_total, k->gone.msg);
        }
    }
    return rc < 0 ? rc : put_bytes(to, "\n", 1, err);
}

int rejects_print_raw(const struct rejects_ask *a, struct err *err)
{
    struct raw_out k = {.a = a};

    cli_signals();
    cli_step(a->c, a->p, &k.ctx);
    int rc = reject_list(a->c->store, &a->filter, on_raw, &k, err);
    slices_close(k.slices);
    load_row_release(&k.row);
    cli_step_end(&k.ctx);
    return rc < 0 ? rc : k.missing > 0;
}

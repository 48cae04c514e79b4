#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/schema.h"
#include <strings.h>

static struct subject_options given;
static const char *table_name, *connection;
static int64_t sample;
static const struct opt opts[] = {
    {"table", 0, OPT_TEXT, &table_name, "TABLE", "compare files by name with this table"},
    {"connection", 0, OPT_TEXT, &connection, "NAME", "which lies there: a name in connections"},
    {"sample", 0, OPT_COUNT, &sample, "N", "look at the first N records alone (else at all)"},
    SUBJECT_OPTS(given, ""),
    {0},
};

enum { CODES = 8, UNMATCHED = -1 };
struct trouble_seen { /* one code of one column */
    char code[32];
    int64_t count;
    struct seen_cell at; /* the first */
    char message[300];
};
struct matched { /* of one evidence column */
    int column;  /* of the table; UNMATCHED: none */
    int slot;    /* in the batch */
    struct trouble_seen seen[CODES];
};
struct comparing {
    struct schema_read r;
    struct step_ctx ctx; /* of the table; io NULL: r.of's own */
    struct target *t;
    struct table *def;    /* owned */
    struct matched *with; /* owned, one per evidence column */
    struct batch *row;    /* owned */
    bool *filled;         /* owned, one per column of the table */
    json_t *found;        /* owned */
    struct buf alter;
};

/* --- header and table --- */

/* Without a header and rules, fields go to columns by position, as the converter has it. */
static int column_of(const struct comparing *k, const struct evidence_column *c)
{
    const struct convert_config *config = k->r.evidence->config;
    int n = 0;

    if (c->unnamed)
        return UNMATCHED;
    if (config->header || config->rule_count > 0) {
        int at = table_find(k->def, str_of(c->name));
        return at >= 0 && !k->def->columns[at].generated && !table_is_lineage(k->def->columns[at].name)
                   ? at
                   : UNMATCHED;
    }
    for (size_t i = 0; i < k->def->count; i++) {
        const struct column *to_fill = &k->def->columns[i];
        if (!to_fill->generated && !to_fill->invisible && !table_is_lineage(to_fill->name) && n++ == c->field)
            return (int)i;
    }
    return UNMATCHED;
}

static void match(struct comparing *k)
{
    const struct evidence *e = k->r.evidence;
    int *columns = xcalloc(e->count + 1, sizeof *columns);
    size_t n = 0;

    k->with = xcalloc(e->count + 1, sizeof *k->with);
    k->filled = xcalloc(k->def->count + 1, sizeof *k->filled);
    for (size_t i = 0; i < e->count; i++) {
        int at = column_of(k, &e->columns[i]);
        k->with[i].column = at;
        if (at >= 0)
            k->filled[at] = true;
        if (at < 0 || k->def->columns[at].type == COL_UNSUPPORTED)
            continue;
        k->with[i].slot = (int)n;
        columns[n++] = at;
    }
    for (size_t i = 0; i < e->config->constant_count; i++) { /* filled, and by no field */
        int at = table_find(k->def, str_of(e->config->constants[i].to));
        if (at >= 0)
            k->filled[at] = true;
    }
    k->row = batch_new(k->def, columns, n, 1);
    free(columns);
}

/* --- cells --- */

static void note(struct comparing *k, struct matched *m, const struct csv_record *rec, struct csv_field f,
                 const char *code, const char *message)
{
    size_t i = 0;

    while (i < CODES - 1 && m->seen[i].count > 0 && strcmp(m->seen[i].code, code) != 0)
        i++;
    struct trouble_seen *s = &m->seen[i];
    if (s->count++ > 0)
        return;
    snprintf(s->code, sizeof s->code, "%s", code);
    snprintf(s->message, sizeof s->message, "%s", message);
    str_printable(f.p, f.n, s->at.text, sizeof s->at.text);
    s->at.line = rec->line;
    s->at.file = k->r.evidence->file;
}

static bool is_number(const struct column *c)
{
    return c->type == COL_INT || c->type == COL_DECIMAL || c->type == COL_DOUBLE || c->type == COL_FLOAT;
}

/* What converting leaves to the server: the letters of latin1, which there is cp1252. f is well-formed UTF-8. */
static bool in_charset(const struct column *c, struct csv_field f)
{
    static const uint16_t beyond[] = {0x20ac, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030,
                                      0x0160, 0x2039, 0x0152, 0x017d, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
                                      0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x017e, 0x0178};

    if (c->charset == NULL || strcasecmp(c->charset, "latin1") != 0)
        return true;
    for (uint32_t i = 0; i < f.n;) {
        unsigned char b = (unsigned char)f.p[i];
        uint32_t more = b < 0x80 ? 0 : b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
        uint32_t point = more == 0 ? b : b & (0x3fu >> more);
        bool known = false;
        for (uint32_t k = 1; k <= more; k++)
            point = point << 6 | ((unsigned char)f.p[i + k] & 0x3fu);
        for (size_t k = 0; k < ARRAY_LEN(beyond) && !known; k++)
            known = beyond[k] == point;
        if (point > 0xff && !known)
            return false;
        i += more + 1;
    }
    return true;
}

static int on_record(void *arg, const struct csv_record *rec, bool first, struct err *err)
{
    struct comparing *k = arg;
    const struct evidence *e = k->r.evidence;
    char scratch[EVIDENCE_NUMBER];
    struct reject_info why;
    struct csv_field number;

    UNUSED(err);
    if (first && k->with == NULL)
        match(k);
    if ((first && e->config->header) || rec->code != CSV_GOOD || rec->count != e->fields)
        return 0;
    for (size_t i = 0; i < e->count; i++) {
        struct matched *m = &k->with[i];
        const struct column *c = m->column >= 0 ? &k->def->columns[m->column] : NULL;
        struct csv_field f = rec->fields[e->columns[i].field];
        if (c == NULL || c->type == COL_UNSUPPORTED)
            continue;
        if (evidence_is_null(&e->columns[i], f, c->type == COL_TEXT || c->type == COL_BINARY)) {
            if (!c->nullable)
                note(k, m, rec, f, "NOT_NULL", "stands for NULL, and the column is NOT NULL");
        } else if (is_number(c) && !evidence_number(&e->columns[i], f, scratch, &number)) {
            note(k, m, rec, f, "NOT_A_NUMBER", "is no number as the column's decimal and group have it");
        } else if (!convert_cell(c, is_number(c) ? number : f, e->columns[i].format, k->row, (size_t)m->slot,
                                 &why)) {
            note(k, m, rec, f, why.code, why.message);
        } else if (!in_charset(c, f)) {
            note(k, m, rec, f, "NOT_IN_CHARSET", "has a character that latin1 does not hold");
        }
    }
    batch_clear(k->row);
    return 0;
}

/* --- what differs --- */

static const char *what_of(const char *code, const struct column *c)
{
    bool digits = strcmp(code, "DIGITS_LOST") == 0;

    return strcmp(code, "NOT_NULL") == 0                                                  ? "null"
           : strcmp(code, "NOT_IN_CHARSET") == 0                                          ? "charset"
           : digits && c->type == COL_FLOAT                                               ? "float"
           : digits || strcmp(code, "OUT_OF_RANGE") == 0 || strcmp(code, "TOO_LONG") == 0 ? "narrow"
                                                                                          : "rejected";
}

static void found(struct comparing *k, const char *column, const char *what, const char *code, int64_t count,
                  const struct seen_cell *at, const char *in_table, const char *in_file, const char *text)
{
    char where[400];

    schema_where(&k->r, at, where, sizeof where);
    json_t *o = json_pack("{s:o,s:s,s:s,s:I,s:o,s:o,s:o,s:o,s:o}", "column", cli_json_text(column), "what",
                          what, "code", code, "count", (json_int_t)count, "example", schema_cell(&k->r, at),
                          "table_type", cli_json_text(in_table), "file_type", cli_json_text(in_file), "text",
                          cli_json_text(text), "place", cli_json_text(where));
    json_array_append_new(k->found, o);
}

static int add_alter(struct comparing *k, const char *verb, const char *name, const char *type,
                     struct err *err)
{
    bool sqlite = !target_is_mysql(k->t);
    int rc = buf_addf(&k->alter, err, "%s%s ", k->alter.n == 0 ? "" : sqlite ? ";\n" : ",\n  ", verb);

    if (rc == 0)
        rc = evidence_quote(name, sqlite, &k->alter, err);
    return rc < 0 ? rc : buf_addf(&k->alter, err, " %s", type);
}

/* A MODIFY says everything anew: what it leaves out is lost, so character set, NOT NULL and AUTO_INCREMENT are said. */
static int mend(struct comparing *k, struct evidence_column *c, const struct matched *m, struct err *err)
{
    const struct column *now = &k->def->columns[m->column];
    const struct evidence_type_how how = {.wide = false};
    bool type = false, nulls = false, charset = false;
    struct evidence_type t;
    char text[300];

    for (size_t i = 0; i < CODES; i++) {
        bool is_null = strcmp(m->seen[i].code, "NOT_NULL") == 0,
             is_charset = strcmp(m->seen[i].code, "NOT_IN_CHARSET") == 0;
        nulls = nulls || (m->seen[i].count > 0 && is_null);
        charset = charset || (m->seen[i].count > 0 && is_charset);
        type = type || (m->seen[i].count > 0 && !is_null && !is_charset);
    }
    if (!target_is_mysql(k->t))
        return 0; /* SQLite changes no column */
    evidence_cover(c, now);
    evidence_type(c, &how, &t);
    bool is_text = type ? t.text : now->charset != NULL;
    snprintf(text, sizeof text, "%.90s%s%.40s%s%.60s%s%s", type ? t.type : now->type_text,
             is_text && (charset || now->charset != NULL) ? " CHARACTER SET " : "",
             !is_text               ? ""
             : charset              ? "utf8mb4"
             : now->charset != NULL ? now->charset
                                    : "",
             is_text && !charset && now->collation != NULL ? " COLLATE " : "",
             is_text && !charset && now->collation != NULL ? now->collation : "",
             nulls || now->nullable ? " NULL" : " NOT NULL", now->auto_increment ? " AUTO_INCREMENT" : "");
    return add_alter(k, "MODIFY COLUMN", now->name, text, err);
}

static int compare_field(struct comparing *k, size_t i, struct err *err)
{
    const struct evidence_type_how how = {.sqlite = !target_is_mysql(k->t)};
    struct evidence_column *c = &k->r.evidence->columns[i];
    struct matched *m = &k->with[i];
    struct evidence_type t;
    char text[100];
    size_t bad = 0;

    evidence_type(c, &how, &t);
    if (c->unnamed) {
        found(k, "", "extra", "", c->rows, NULL, NULL, t.type,
              "the header has no name for this field: give it one in \"columns\", or null to drop it");
        return 0;
    }
    if (m->column < 0) {
        found(k, c->name, "extra", "", c->rows, NULL, NULL, t.type, "the table has no such column");
        snprintf(text, sizeof text, "%s NULL", t.type);
        return add_alter(k, "ADD COLUMN", c->name, text, err);
    }
    const struct column *now = &k->def->columns[m->column];
    if (now->type == COL_UNSUPPORTED)
        found(k, c->name, "rejected", "UNSUPPORTED_TYPE", c->rows, NULL, now->type_text, t.type,
              "orch does not load columns of this type");
    for (size_t n = 0; n < CODES; n++)
        if (m->seen[n].count > 0) {
            const struct trouble_seen *s = &m->seen[n];
            found(k, now->name, what_of(s->code, now), s->code, s->count, &s->at, now->type_text, t.type,
                  s->message);
            bad++;
        }
    return bad > 0 ? mend(k, c, m, err) : 0;
}

/* As the converter: a default is no reason to be silent, but for times, for created_at and its like. */
static void compare_missing(struct comparing *k)
{
    for (size_t i = 0; i < k->def->count; i++) {
        const struct column *c = &k->def->columns[i];
        bool is_time =
            c->type == COL_DATE || c->type == COL_DATETIME || c->type == COL_TIMESTAMP || c->type == COL_TIME;
        if (k->filled[i] || c->generated || table_is_lineage(c->name) || c->auto_increment ||
            (c->has_default && ((is_time && !c->nullable) || c->invisible)))
            continue;
        found(k, c->name, "missing", "", 0, NULL, c->type_text, NULL,
              c->nullable      ? "the file has no such field: drift null-missing loads NULL"
              : c->has_default ? "the file has no such field: its default would stand in"
                               : "the file has no such field, and the column is NOT NULL");
    }
}

static int compare(struct comparing *k, struct err *err)
{
    const struct evidence *e = k->r.evidence;
    int rc = 0;

    if (k->with == NULL)
        match(k);
    for (size_t i = 0; rc == 0 && i < e->count; i++)
        rc = compare_field(k, i, err);
    compare_missing(k);
    if (e->other > 0)
        found(k, "", "rejected", e->other_at.text, e->other, &e->other_at, NULL, NULL,
              "records that cannot be read");
    return rc;
}

/* --- the command --- */

static int open_table(struct comparing *k, struct err *err)
{
    struct cli *c = k->r.of.c;
    const struct pipeline *p = NULL;
    const char *table = k->r.of.ctx.pipeline->table;
    struct step_ctx *ctx = &k->r.of.ctx;
    int rc = 0;

    if (strcmp(k->r.of.kind, "pipeline") != 0 && (table_name == NULL || connection == NULL)) {
        err_set(err, ERR_USAGE, "a file is compared with --table T --connection C");
        return err_hint(err, "orch schema diff --table loans --connection warehouse loans.csv");
    }
    if (connection != NULL) {
        rc = cli_config(c, err);
        for (size_t i = 0; rc == 0 && i < c->config->pipeline_count && p == NULL; i++)
            if (strcmp(c->config->pipelines[i].target_name, connection) == 0)
                p = &c->config->pipelines[i];
        if (rc == 0 && p == NULL) {
            err_set(err, ERR_NOT_FOUND, "no pipeline loads into a connection '%s'", connection);
            rc = err_hint(err, "name the pipeline that will, in orch.json, first");
        }
        if (rc < 0)
            return rc;
        cli_step(c, p, &k->ctx);
        ctx = &k->ctx;
    }
    rc = step_target(ctx, &k->t, err);
    return rc < 0 ? rc : target_describe(k->t, table_name != NULL ? table_name : table, &k->def, err);
}

static int alter_text(struct comparing *k, struct buf *ret, struct err *err)
{
    bool sqlite = !target_is_mysql(k->t);
    const char *dot = sqlite ? NULL : strchr(k->def->name, '.');
    char *schema = dot != NULL ? xstrndup(k->def->name, (size_t)(dot - k->def->name)) : NULL;
    int rc = 0;

    for (char *at = k->alter.p, *end = NULL; rc == 0 && k->alter.n > 0 && at != NULL; at = end) {
        end = sqlite ? strstr(at, ";\n") : NULL;
        if (end != NULL) {
            *end = '\0';
            end += 2;
        }
        rc = buf_adds(ret, "ALTER TABLE ", err);
        if (rc == 0 && schema != NULL)
            rc = evidence_quote(schema, sqlite, ret, err);
        if (rc == 0 && schema != NULL)
            rc = buf_adds(ret, ".", err);
        if (rc == 0)
            rc = evidence_quote(dot != NULL ? dot + 1 : k->def->name, sqlite, ret, err);
        if (rc == 0)
            rc = buf_addf(ret, err, "%s%s;\n", sqlite ? " " : "\n  ", at);
    }
    free(schema);
    return rc;
}

static int tell(struct comparing *k, struct err *err)
{
    static const struct out_column columns[] = {{"column", "COLUMN", false, false},
                                                {"what", "WHAT", false, false},
                                                {"code", "CODE", false, false},
                                                {"count", "COUNT", true, false},
                                                {"table_type", "TABLE", false, false},
                                                {"file_type", "FILE", false, false},
                                                {"text", "WHY", false, false},
                                                {"place", "THE FIRST", false, false},
                                                {0}};
    struct cli *c = k->r.of.c;
    struct buf alter = BUF_INIT(4 * MIB);
    bool equal = json_array_size(k->found) == 0;
    int rc = alter_text(k, &alter, err);

    if (rc == 0 && c->out.format == OUT_JSON) {
        json_t *all = json_pack("{s:i,s:o,s:b,s:I,s:I,s:o,s:O}", "schema_version", 1, "table",
                                cli_json_text(k->def->name), "equal", (int)equal, "files",
                                (json_int_t)k->r.of.count, "rows", (json_int_t)k->r.evidence->rows, "alter",
                                alter.n > 0 ? json_string(alter.p) : json_null(), "findings", k->found);
        out_document(&c->out, all);
        json_decref(all);
    } else if (rc == 0 && (!equal || c->out.format != OUT_TABLE)) {
        out_rows(&c->out, "findings", columns, k->found);
        if (c->out.format == OUT_TABLE && alter.n > 0)
            fprintf(c->out.to, "\n%s%s",
                    strstr(alter.p, "MODIFY COLUMN") != NULL
                        ? "-- DEFAULT and COMMENT of a column are lost unless they are said again\n"
                        : "",
                    alter.p);
    } else if (rc == 0) {
        fprintf(c->out.to, "%s: table %s takes every record as it is\n", k->r.of.name, k->def->name);
    }
    if (rc == 0)
        schema_say_read(&k->r);
    buf_release(&alter);
    return rc < 0 ? rc : equal ? 0 : 5;
}

static int run(struct cli *c, struct err *err)
{
    struct comparing k = {.r = {.limit = sample}, .found = json_array(), .alter = BUF_INIT(1 * MIB)};

    cli_signals();
    int rc = subject_open(c, c->args.items[0], &given, true, &k.r.of, err);
    if (rc == 0)
        rc = open_table(&k, err);
    if (rc == 0)
        rc = schema_read(&k.r, on_record, &k, err);
    if (rc == 0)
        rc = compare(&k, err);
    if (rc == 0)
        rc = tell(&k, err);
    batch_free(k.row);
    free(k.with);
    free(k.filled);
    json_decref(k.found);
    buf_release(&k.alter);
    table_free(k.def);
    cli_step_end(&k.ctx);
    schema_read_end(&k.r);
    return rc;
}

const struct command cmd_schema_diff = {
    "schema diff",
    "PIPELINE[/PARTITION] | FILE | FOLDER/ | URL",
    "Compares files with the table that they go to, before they do.",
    "Fields without a column and columns without a field; cells that the table would not take, counted by "
    "reason\n"
    "with the first one; NULLs where none may be; and the ALTER that would mend it. Nothing is written.\n"
    "Exit status 5 where they differ.\n\n"
    "  orch schema diff loans --from 2022-06-05T00\n"
    "  orch schema diff --table lending.loans --connection warehouse new/loans.csv\n",
    opts,
    1,
    1,
    run,
};

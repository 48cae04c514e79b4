#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/schema.h"

static struct subject_options given;
static const char *dialect, *table_name;
static bool boolean, wide, sql_alone;
static int64_t sample;
static const struct opt opts[] = {
    {"table", 0, OPT_TEXT, &table_name, "NAME", "the table's name (else the pipeline's, or the file's)"},
    {"dialect", 0, OPT_TEXT, &dialect, "NAME", "mysql (MariaDB too), or sqlite"},
    {"sample", 0, OPT_COUNT, &sample, "N", "look at the first N records alone (else at all)"},
    {"boolean", 0, OPT_FLAG, &boolean, NULL, "columns of 0 and 1 alone are BOOLEAN"},
    {"wide", 0, OPT_FLAG, &wide, NULL, "with room for files to come: BIGINT, longer texts, all NULL"},
    {"sql", 0, OPT_FLAG, &sql_alone, NULL, "the statement alone"},
    SUBJECT_OPTS(given, "; columns are c1, c2, ..."),
    {0},
};

/* From the file's name: letters, digits and '_' up to the first dot. */
static char *name_of_table(const struct schema_read *r)
{
    if (table_name != NULL)
        return xstrdup(table_name);
    if (r->of.ctx.pipeline->table != NULL)
        return xstrdup(r->of.ctx.pipeline->table);
    const char *slash = strrchr(r->of.objects[0].key, '/');
    const char *name = slash != NULL ? slash + 1 : r->of.objects[0].key;
    char *out = xstrndup(name, strcspn(name, "."));
    for (char *p = out; *p != '\0'; p++)
        if ((*p < '0' || *p > '9') && ((*p | 32) < 'a' || (*p | 32) > 'z'))
            *p = '_';
    if (*out != '\0')
        return out;
    free(out);
    return xstrdup("t");
}

static json_t *nulls_json(const struct evidence_column *c)
{
    json_t *o = json_object();

    for (int k = 0; c->nulls != NULL && c->nulls[k] != NULL; k++)
        if (c->null_counts[k] > 0)
            json_object_set_new(o, c->nulls[k], json_integer(c->null_counts[k]));
    return o;
}

/* "NA 12, empty 3" */
static void nulls_text_of(const struct evidence_column *c, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (int k = 0; c->nulls != NULL && c->nulls[k] != NULL && at < size; k++) {
        char shown[40];
        if (c->null_counts[k] == 0)
            continue;
        str_printable(c->nulls[k], strlen(c->nulls[k]), shown, sizeof shown);
        at += (size_t)snprintf(out + at, size - at, "%s%s %lld", at > 0 ? ", " : "",
                               *shown != '\0' ? shown : "empty", (long long)c->null_counts[k]);
    }
}

static json_t *row_of(const struct schema_read *r, const struct evidence_column *c,
                      const struct evidence_type_how *how)
{
    struct evidence_type t;
    char nulls[200];

    evidence_type(c, how, &t);
    nulls_text_of(c, nulls, sizeof nulls);
    json_t *row = json_pack("{s:o,s:s,s:b,s:I,s:o,s:o,s:s,s:I,s:I}", "column", cli_json_text(c->name), "type",
                            t.type, "nullable", (int)t.nullable, "rows", (json_int_t)c->rows, "nulls",
                            nulls_json(c), "forced", schema_cell(r, t.forced), "because", t.because,
                            "longest", (json_int_t)c->longest, "longest_bytes", (json_int_t)c->longest_bytes);
    json_object_set_new(row, "min", schema_value(&c->min));
    json_object_set_new(row, "max", schema_value(&c->max));
    json_object_set_new(row, "longest_at", schema_cell(r, &c->longest_at));
    json_object_set_new(row, "unique", json_boolean(c->unique && c->rows > 0));
    json_object_set_new(row, "key", json_boolean(evidence_is_key(c)));
    json_object_set_new(row, "null_seen", cli_json_text(nulls));
    char where[400];
    schema_where(r, t.forced, where, sizeof where);
    json_object_set_new(row, "place", cli_json_text(where));
    return row;
}

static int tell(struct schema_read *r, struct err *err)
{
    static const struct out_column columns[] = {
        {"column", "COLUMN", false, false},  {"type", "TYPE", false, false},
        {"rows", "ROWS", true, false},       {"null_seen", "NULLS", false, false},
        {"min", "MIN", false, false},        {"max", "MAX", false, false},
        {"longest", "LONGEST", true, false}, {"because", "BECAUSE", false, false},
        {"place", "THE CELL", false, false}, {0}};
    const struct evidence_type_how how = {
        .wide = wide, .sqlite = dialect != NULL && strcmp(dialect, "sqlite") == 0, .boolean = boolean};
    struct cli *c = r->of.c;
    struct buf sql = BUF_INIT(4 * MIB);
    json_t *rows = json_array();
    char *table = name_of_table(r);
    int rc = evidence_create(r->evidence, table, &how, &sql, err);

    for (size_t k = 0; rc == 0 && k < r->evidence->count; k++)
        json_array_append_new(rows, row_of(r, &r->evidence->columns[k], &how));
    if (rc == 0 && sql_alone) {
        fputs(sql.p, c->out.to);
    } else if (rc == 0 && c->out.format == OUT_JSON) {
        json_t *all = json_pack("{s:i,s:s,s:I,s:I,s:I,s:o,s:s,s:O}", "schema_version", 1, "table", table,
                                "files", (json_int_t)r->of.count, "rows", (json_int_t)r->evidence->rows,
                                "unreadable", (json_int_t)r->evidence->other, "unreadable_at",
                                schema_cell(r, &r->evidence->other_at), "create", sql.p, "columns", rows);
        out_document(&c->out, all);
        json_decref(all);
    } else if (rc == 0) {
        out_rows(&c->out, "columns", columns, rows);
        if (c->out.format == OUT_TABLE)
            fprintf(c->out.to, "\n%s", sql.p);
    }
    if (rc == 0)
        schema_say_read(r);
    free(table);
    json_decref(rows);
    buf_release(&sql);
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    struct schema_read r = {.limit = sample};

    if (dialect != NULL && strcmp(dialect, "mysql") != 0 && strcmp(dialect, "sqlite") != 0)
        return err_set(err, ERR_USAGE, "--dialect: mysql or sqlite");
    cli_signals();
    int rc = subject_open(c, c->args.items[0], &given, true, &r.of, err);
    if (rc == 0)
        rc = schema_read(&r, NULL, NULL, err);
    if (rc == 0)
        rc = tell(&r, err);
    schema_read_end(&r);
    return rc;
}

const struct command cmd_schema_infer = {
    "schema infer",
    "FILE | FOLDER/ | URL | PIPELINE[/PARTITION]",
    "Proposes the CREATE TABLE for files, by every cell in them.",
    "Reads all records, tries each cell with the code that loads, and takes the narrowest type that holds "
    "every\n"
    "one exactly. For each column: NULLs by their spelling, least and greatest, longest, and the cell (file "
    "and\n"
    "line) that the type is not narrower for. Nothing is written.\n\n"
    "  orch schema infer loans.csv.gz\n"
    "  orch schema infer loans --from 2022-06-05T00 --sql\n"
    "  orch schema infer s3://lake/incoming/2022/ --dialect sqlite -o json\n",
    opts,
    1,
    1,
    run,
};

#include "orchestrator/schema.h"
#include "base/limits.h"
#include "base/mem.h"

static int on_record(void *arg, const struct csv_record *rec, struct err *err)
{
    struct schema_read *r = arg;
    bool header = r->of.ctx.pipeline->convert.header, first = r->first;
    int rc = 0;

    r->first = false;
    if (first && r->evidence == NULL) {
        r->evidence = evidence_new(&r->of.ctx.pipeline->convert);
        rc = evidence_header(r->evidence, rec, err);
    } else if (first && header) {
        rc = evidence_same_header(r->evidence, rec, err);
    }
    if (rc == 0 && r->fn != NULL)
        rc = r->fn(r->arg, rec, first, err);
    if (rc != 0 || (first && header))
        return rc;
    evidence_row(r->evidence, rec);
    return ++r->records == r->limit ? 1 : 0;
}

int schema_read(struct schema_read *r,
                int (*fn)(void *arg, const struct csv_record *rec, bool first, struct err *err), void *arg,
                struct err *err)
{
    int rc = 0;

    r->fn = fn;
    r->arg = arg;
    for (size_t i = 0; rc == 0 && i < r->of.count && (r->limit == 0 || r->records < r->limit); i++) {
        r->first = true;
        if (r->evidence != NULL)
            r->evidence->file = (int)i;
        rc = step_records(&r->of.ctx, &r->of.objects[i], on_record, r, err);
        if (rc < 0)
            err_ignore(err_prefix(err, "%s", r->of.objects[i].key));
    }
    if (rc == 0 && r->evidence == NULL)
        rc = err_set(err, ERR_NOT_FOUND, "%s: not one record", r->of.name);
    return rc;
}

void schema_read_end(struct schema_read *r)
{
    evidence_free(r->evidence);
    subject_close(&r->of);
}

json_t *schema_cell(const struct schema_read *r, const struct seen_cell *at)
{
    if (at == NULL || at->line <= 0)
        return json_null();
    return json_pack("{s:o,s:o,s:I}", "value", cli_json_text(at->text), "file",
                     cli_json_text(r->of.objects[at->file].key), "line", (json_int_t)at->line);
}

json_t *schema_value(const struct seen_cell *at)
{
    return at->line != 0 ? cli_json_text(at->text) : json_null();
}

void schema_where(const struct schema_read *r, const struct seen_cell *at, char *out, size_t size)
{
    char file[200];

    out[0] = '\0';
    if (at == NULL || at->line <= 0)
        return;
    const char *key = r->of.objects[at->file].key;
    str_printable(key, strlen(key), file, sizeof file);
    snprintf(out, size, "'%s' in %s line %lld", at->text, file, (long long)at->line);
}

void schema_say_read(const struct schema_read *r)
{
    char where[400];

    cli_say("%lld record%s of %zu file%s%s", (long long)r->records, r->records == 1 ? "" : "s", r->of.count,
            r->of.count == 1 ? "" : "s",
            r->limit > 0 && r->records >= r->limit ? "; there may be more: what they hold is not known" : "");
    if (r->evidence->other == 0)
        return;
    schema_where(r, &r->evidence->other_at, where, sizeof where);
    cli_say("%lld record%s could not be read, the first %s", (long long)r->evidence->other,
            r->evidence->other == 1 ? "" : "s", where);
}

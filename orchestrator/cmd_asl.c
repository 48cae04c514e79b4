#include "orchestrator/cmd_asl.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"

int cli_file(const char *path, struct buf *ret, struct err *err)
{
    if (fs_read_or_stdin(path, ret, err) == 0)
        return 0;
    err->code = ERR_USAGE;
    return -ERR_USAGE;
}

int cli_json(const char *option, const char *given, json_t **ret, struct err *err)
{
    struct buf text = BUF_INIT(MAX_PAYLOAD);
    bool is_json = given != NULL && (*given == '\0' || strchr("{[\"", *given) != NULL);
    int rc;

    if (given == NULL) {
        *ret = json_object();
        return 0;
    }
    if (str_starts(given, "file://"))
        given += strlen("file://");
    rc = is_json ? buf_adds(&text, given, err) : cli_file(given, &text, err);
    if (rc == 0)
        rc = json_parse(text.p != NULL ? text.p : "", text.n, is_json ? option : given, ret, err);
    if (rc < 0)
        rc = -(int)(err->code = ERR_USAGE);
    buf_release(&text);
    return rc;
}

char *cli_file_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    size_t n = str_ends(base, ".asl.json") ? strlen(base) - strlen(".asl.json")
               : str_ends(base, ".json")   ? strlen(base) - strlen(".json")
                                           : strcspn(base, ".");

    return n > 0 && strcmp(base, "-") != 0 ? xstrndup(base, n) : xstrdup("definition");
}

json_t *cli_diagnostic(const char *severity, const char *code, const char *message, const char *location)
{
    return json_pack("{s:s,s:s,s:o,s:o}", "severity", severity, "code", code, "message",
                     cli_json_text(message), "location", cli_json_text(location));
}

json_t *cli_diagnostics(const struct asl_diagnostics *d)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < d->count; i++)
        json_array_append_new(rows, cli_diagnostic(d->items[i].severity, d->items[i].code,
                                                   d->items[i].message, d->items[i].location));
    return json_pack("{s:s,s:o,s:b}", "result", d->errors > 0 ? "FAIL" : "OK", "diagnostics", rows,
                     "truncated", d->errors > d->count);
}

int cli_definition(struct cli *c, const char *path, struct asl **ret, struct err *err)
{
    struct buf text = BUF_INIT(MAX_DEFINITION);
    struct asl_diagnostics d = {0};
    int rc = cli_file(path, &text, err);

    if (rc == 0) {
        rc = asl_parse(text.p != NULL ? text.p : "", text.n, ret, &d, err);
        if (rc < 0 && d.errors > 0) {
            json_t *whole = cli_diagnostics(&d);
            out_document(&c->out, whole);
            json_decref(whole);
            rc = err_prefix(err, "%s", path);
        }
    }
    asl_diagnostics_release(&d);
    buf_release(&text);
    return rc;
}

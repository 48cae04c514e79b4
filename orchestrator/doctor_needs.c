#include "base/limits.h"
#include "base/mem.h"
#include "io/target_intake.h"
#include "orchestrator/doctor.h"
#include "steps/extract.h"

static void add(struct doctor *d, const char *what, const char *text)
{
    const json_t *n;
    size_t i;

    json_array_foreach(d->needs, i, n)
        if (strcmp(json_string_value(json_object_get(n, "text")), text) == 0)
            return;
    json_array_append_new(d->needs,
                          json_pack("{s:o,s:o}", "what", cli_json_text(what), "text", cli_json_text(text)));
}

void doctor_needs_source(struct doctor *d, const struct pipeline *p)
{
    if (p->source.url == NULL || !str_starts(p->source.url, "s3://"))
        return;
    const char *bucket = p->source.url + 5, *slash = strchr(bucket, '/');
    char *name = xstrndup(bucket, slash != NULL ? (size_t)(slash - bucket) : strlen(bucket));
    char *prefix = xasprintf("%s%s", slash != NULL ? slash + 1 : "", p->prefix);
    char *like = xasprintf("%s*", prefix), *objects = xasprintf("arn:aws:s3:::%s/%s*", name, prefix);
    char *whole = xasprintf("arn:aws:s3:::%s", name), *text, *line;
    json_t *policy = json_pack("{s:s,s:[{s:s,s:s,s:s,s:{s:{s:[s]}}},{s:s,s:[s,s],s:s}]}", "Version",
                               "2012-10-17", "Statement", "Effect", "Allow", "Action", "s3:ListBucket",
                               "Resource", whole, "Condition", "StringLike", "s3:prefix", like, "Effect",
                               "Allow", "Action", "s3:GetObject", "s3:GetObjectVersion", "Resource", objects);

    text = policy != NULL ? json_dumps(policy, JSON_INDENT(2)) : NULL;
    line = xasprintf("%s\n", text != NULL ? text : "");
    if (text != NULL)
        add(d, "IAM policy that orch needs, and nothing more:", line);
    free(line);
    free(text);
    json_decref(policy);
    free(whole);
    free(objects);
    free(like);
    free(prefix);
    free(name);
}

void doctor_needs_target(struct doctor *d, struct target *t, const struct pipeline *p)
{
    struct buf text = BUF_INIT(64 * KIB);
    struct err err;
    const char *user = str_starts(p->target.url, "mysql://") ? p->target.url + 8 : "",
               *at = strchr(user, '@');
    char *name = at != NULL ? xstrndup(user, (size_t)(at - user)) : xstrdup("orch");

    bool known =
        target_is_mysql(t) &&
        target_grants(t, name, p->table, p->rejects_table, p->mode == MODE_UPSERT, &text, &err) >= 0 &&
        text.n > 0;
    const char *on = known ? strstr(text.p, " ON ") : NULL;
    if (on != NULL &&
        p->convert.drift == DRIFT_ADD_COLUMNS) { /* on the first table, which is the pipeline's */
        char *more = xasprintf("GRANT ALTER%.*s", (int)strcspn(on, "\n") + 1, on);
        err_ignore(buf_adds(&text, more, &err));
        free(more);
    }
    if (known)
        add(d, "Rights that the database user needs:", text.p);
    free(name);
    buf_release(&text);
}

/* --- extracts --- */

static void needs_sink(struct doctor *d, const struct pipeline *p)
{
    if (p->source.url == NULL || !str_starts(p->source.url, "s3://"))
        return;
    const char *bucket = p->source.url + 5, *slash = strchr(bucket, '/');
    char *name = xstrndup(bucket, slash != NULL ? (size_t)(slash - bucket) : strlen(bucket));
    char *prefix = xasprintf("%s%s", slash != NULL ? slash + 1 : "", p->extract->prefix);
    char *whole = xasprintf("arn:aws:s3:::%s", name),
         *objects = xasprintf("arn:aws:s3:::%s/%s*", name, prefix);
    json_t *policy =
        json_pack("{s:s,s:[{s:s,s:[s,s],s:s},{s:s,s:[s,s,s,s,s],s:s}]}", "Version", "2012-10-17", "Statement",
                  "Effect", "Allow", "Action", "s3:ListBucket", "s3:ListBucketMultipartUploads", "Resource",
                  whole, "Effect", "Allow", "Action", "s3:GetObject", "s3:PutObject", "s3:DeleteObject",
                  "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "Resource", objects);
    char *text = policy != NULL ? json_dumps(policy, JSON_INDENT(2)) : NULL;
    char *line = xasprintf("%s\n", text != NULL ? text : "");

    if (text != NULL)
        add(d, "IAM policy that an extract needs, and nothing more:", line);
    free(line);
    free(text);
    json_decref(policy);
    free(objects);
    free(whole);
    free(prefix);
    free(name);
}

void doctor_needs_extract(struct doctor *d, struct target *t, const struct pipeline *p)
{
    const struct extract *x = p->extract;
    const char *user = p->target.url + strlen("mysql://"), *at = strchr(user, '@');
    char *name = at != NULL ? xstrndup(user, (size_t)(at - user)) : xstrdup("orch");
    const char **tables = xcalloc(x->table_count + 1, sizeof *tables);
    struct buf text = BUF_INIT(64 * KIB);
    struct err err;
    size_t n = 0;

    for (size_t i = 0; i < x->table_count; i++)
        if (x->tables[i].table != NULL)
            tables[n++] = x->tables[i].table;
    if (target_read_grants(t, name, tables, n, x->parallel > 1, &text, &err) == 0)
        add(d,
            n < x->table_count
                ? "Rights that the user of an extract needs, besides SELECT on what its queries read "
                  "(PROCESS: to see "
                  "open transactions):"
                : "Rights that the user of an extract needs (PROCESS: to see open transactions):",
            text.p);
    needs_sink(d, p);
    free(tables);
    free(name);
    buf_release(&text);
}

/* --- tables of the dictionary --- */

void doctor_needs_table(struct doctor *d, struct target *t, const struct dict_table *k)
{
    const char *user = strstr(k->target.url, "://"), *at = user != NULL ? strchr(user, '@') : NULL;
    char *name = at != NULL ? xstrndup(user + 3, (size_t)(at - user - 3)) : xstrdup("orch");
    const char **tables = xcalloc(k->rule_count + 1, sizeof *tables);
    struct arena *arena = arena_new();
    struct buf text = BUF_INIT(64 * KIB);
    struct err err;
    size_t n = 0;

    for (size_t i = 0; i < k->rule_count; i++) {
        const char *to = k->rules[i].references;
        if (to != NULL)
            tables[n++] = arena_strndup(arena, to, (size_t)(strrchr(to, '.') - to));
    }
    if (target_is_mysql(t) && target_intake_grants(t, name, k->table, tables, n, &text, &err) == 0)
        add(d, "Rights that the user needs for rows into the dictionary's tables:", text.p);
    buf_release(&text);
    arena_free(arena);
    free(tables);
    free(name);
}

/* POST /v1/tables/{table}/rows: a body becomes records, intake.h does the rest, and what became of each row is told. */
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "io/json_rows.h"
#include "io/reader.h"
#include "orchestrator/api_table.h"
#include "orchestrator/intake.h"
#include <strings.h>

enum { STATUS_DIGITS = 3 };

struct outcome {
    const char *code; /* NULL: good */
    const char *column, *message, *hint;
};
struct taking {
    const struct serve_request *q;
    const struct dict_table *table;
    bool partial, json, header;
    struct arena *arena;
    struct outcome *rows; /* MAX_INTAKE_ROWS of them */
    size_t count;
    struct json_rows *body; /* NULL: CSV */
    struct csv *csv;
    struct memory_reader memory; /* that csv reads */
};

/* --- what is asked ----------------------------------------------------------------------------------------------- */

/* The value of a parameter of the content type ("header", "charset"), without quotes; "" where it is not there. */
static void parameter(const char *all, const char *name, char *out, size_t size)
{
    size_t n = strlen(name);

    *out = '\0';
    for (const char *p = all; *p != '\0';) {
        p += strspn(p, "; \t");
        size_t here = strcspn(p, ";");
        struct str s = str_trim((struct str){p, here});
        if (s.n > n && strncasecmp(s.p, name, n) == 0 && s.p[n] == '=') {
            const char *value = s.p + n + 1;
            size_t value_n = s.n - n - 1;
            if (value_n >= 2 && value[0] == '"' && value[value_n - 1] == '"') {
                value++;
                value_n -= 2;
            }
            snprintf(out, size, "%.*s", (int)value_n, value);
        }
        p += here;
    }
}

static bool charset_fits(const char *charset, enum csv_encoding e)
{
    static const char *const names[][4] = {
        [CSV_UTF8] = {"utf-8", "us-ascii", NULL},
        [CSV_LATIN1] = {"iso-8859-1", "us-ascii", NULL},
        [CSV_CP1252] = {"windows-1252", "us-ascii", NULL},
    };

    for (size_t i = 0; names[e][i] != NULL; i++)
        if (strcasecmp(charset, names[e][i]) == 0)
            return true;
    return *charset == '\0';
}

static bool refuse(struct serve_answer *a, int status, const char *title, const char *hint)
{
    serve_problem(a, status, err_name(status == 403 ? ERR_ACCESS_DENIED : ERR_USAGE), title, NULL, hint);
    return false;
}

/* Whether the request is one that can be tried; where not, the answer says why. */
static bool asked(struct taking *k, struct serve_answer *a)
{
    const char *mode = serve_query(k->q, "mode");
    char charset[40], header[20];

    if (!k->table->writable)
        return refuse(a, 403, "rows of this table do not come over HTTP",
                      "\"writable\" of the table in orch.json says so");
    k->json = strcmp(k->q->content_type, "application/json") == 0;
    if (!k->json && strcmp(k->q->content_type, "text/csv") != 0)
        return refuse(a, 415, "rows are application/json or text/csv", "Content-Type says which");
    if (mode != NULL && strcmp(mode, "atomic") != 0 && strcmp(mode, "partial") != 0)
        return refuse(a, 400, "mode is atomic or partial", NULL);
    k->partial = mode != NULL && strcmp(mode, "partial") == 0;
    parameter(k->q->content_params, "charset", charset, sizeof charset);
    if (!charset_fits(charset, k->json ? CSV_UTF8 : k->table->dialect.encoding))
        return refuse(a, 415, "the body is in another charset than the table's csv.encoding",
                      k->json ? "JSON is UTF-8" : "utf-8, iso-8859-1 and windows-1252 can be said there");
    parameter(k->q->content_params, "header", header, sizeof header);
    if (*header != '\0' && strcasecmp(header, "present") != 0 && strcasecmp(header, "absent") != 0)
        return refuse(a, 400, "header of text/csv is present or absent", NULL);
    k->header = *header != '\0' ? strcasecmp(header, "present") == 0 : k->table->convert.header;
    return true;
}

/* --- records ----------------------------------------------------------------------------------------------------- */

static int next_csv(void *arg, struct csv_record *ret, struct err *err)
{
    return csv_next(arg, ret, err);
}

/* 1: there are records; 0: the answer says why not. */
static int open_body(struct taking *k, struct serve_answer *a, struct err *err)
{
    int rc;

    if (!k->json) {
        k->memory = memory_reader(k->q->body.p, k->q->body.n, k->q->body.n);
        rc = csv_open(&k->memory.reader, &k->table->dialect, &k->csv, err);
        return rc < 0 ? rc : 1;
    }
    rc = json_rows_open(k->q->body.p, k->q->body.n, MAX_INTAKE_ROWS, &k->body, err);
    if (rc < 0 && err->code == ERR_BAD_VALUE) {
        serve_problem(a, 400, err_name(ERR_BAD_VALUE), "the body is not JSON that rows are", err->msg, NULL);
        return 0;
    }
    if (rc == 0 && json_rows_count(k->body) == 0)
        return err_set(err, ERR_BAD_VALUE, "the request has no rows");
    if (rc == 0 && json_rows_header(k->body)->count == 0)
        return err_set(err, ERR_BAD_VALUE, "no row names a column");
    return rc < 0 ? rc : 1;
}

/* --- what is answered -------------------------------------------------------------------------------------------- */

static int told(void *arg, int64_t record, const struct reject_info *why, struct err *err)
{
    struct taking *k = arg;

    if (record < 1 || record > MAX_INTAKE_ROWS)
        return err_set(err, ERR_INTERNAL, "record %lld of a request", (long long)record);
    if ((size_t)record > k->count)
        k->count = (size_t)record;
    if (why == NULL)
        return 0;
    k->rows[record - 1] = (struct outcome){arena_strndup(k->arena, why->code, strlen(why->code)),
                                           arena_strndup(k->arena, why->column, strlen(why->column)),
                                           arena_strndup(k->arena, why->message, strlen(why->message)),
                                           arena_strndup(k->arena, why->hint, strlen(why->hint))};
    return 0;
}

static int add_member(struct buf *b, const char *name, const char *value, struct err *err)
{
    int rc = *value != '\0' ? buf_addf(b, err, ",\"%s\":", name) : 0;

    return rc < 0 || *value == '\0' ? rc : json_add_text(b, value, strlen(value), err);
}

static int add_row(const struct taking *k, size_t i, const char *good, struct buf *b, struct err *err)
{
    const struct outcome *o = &k->rows[i];
    int rc = buf_addf(b, err, "%s\n{\"row\":%zu,\"status\":\"%s\"", i > 0 ? "," : "", i + 1,
                      o->code != NULL ? "rejected" : good);

    if (rc == 0 && o->code != NULL) {
        rc = add_member(b, "code", o->code, err);
        if (rc == 0)
            rc = add_member(b, "column", o->column, err);
        if (rc == 0)
            rc = add_member(b, "message", o->message, err);
        if (rc == 0)
            rc = add_member(b, "hint", o->hint, err);
    }
    return rc < 0 ? rc : buf_adds(b, "}", err);
}

/* What is kept with the key: the status, and then the body. It names the request that did the work, whoever asks again. */
static int answer(void *arg, const struct intake_counts *n, struct buf *ret, struct err *err)
{
    const struct taking *k = arg;
    bool refused = !k->partial && n->rejected > 0;
    int status = refused ? 422 : n->rejected > 0 ? 200 : 201;
    int rc;

    if (n->records == 0)
        return err_set(err, ERR_BAD_VALUE, "the request has no rows");
    rc = buf_addf(ret, err, "%d{", status);
    if (rc == 0 && refused)
        rc = buf_addf(
            ret, err,
            "\"type\":\"urn:orch:error:%s\",\"title\":\"rows were rejected, and nothing was stored\","
            "\"status\":422,\"code\":\"%s\",\"detail\":\"%lld of %lld rows were rejected\",",
            err_name(ERR_TOO_MANY_REJECTS), err_name(ERR_TOO_MANY_REJECTS), (long long)n->rejected,
            (long long)n->records);
    if (rc == 0)
        rc = buf_adds(ret, "\"table\":", err);
    if (rc == 0)
        rc = json_add_text(ret, k->table->name, strlen(k->table->name), err);
    if (rc == 0)
        rc = buf_addf(
            ret, err,
            ",\"mode\":\"%s\",\"request_id\":\"%s\",\"records\":%lld,\"stored\":%lld,\"rejected\":%lld,"
            "\"rows\":[",
            k->partial ? "partial" : "atomic", k->q->id, (long long)n->records,
            refused ? 0LL : (long long)n->stored, (long long)n->rejected);
    for (size_t i = 0; rc == 0 && i < k->count; i++)
        rc = add_row(k, i, refused ? "not stored" : "stored", ret, err);
    return rc < 0 ? rc : buf_adds(ret, "]}\n", err);
}

/* What was asked besides the body is part of it: the same rows in another mode are another request. */
static void sum_of(const struct taking *k, unsigned char out[SHA256_SIZE])
{
    struct sha256 *h = sha256_new();
    char what[60];

    int n =
        snprintf(what, sizeof what, "%s %s %s\n", k->json ? "json" : "csv", k->partial ? "partial" : "atomic",
                 k->json     ? "-"
                 : k->header ? "present"
                             : "absent");
    sha256_add(h, what, (size_t)n);
    sha256_add(h, k->q->body.p, k->q->body.n);
    sha256_end(h, out);
    sha256_free(h);
}

/* What intake_take refuses, with the status that is usual for a key (draft-ietf-httpapi-idempotency-key-header). */
static int refused(const struct taking *k, struct serve_answer *a, struct err *err)
{
    if (err->code == ERR_CONFLICT) {
        serve_problem(a, 422, err_name(err->code), "the key was used for another request", err->msg,
                      "each request has its own Idempotency-Key, and a repeated one the same body and mode");
        return 0;
    }
    if (err->code == ERR_BUSY && k->q->key != NULL) {
        serve_problem(a, 409, err_name(err->code), "a request with this key is under way", err->msg,
                      "ask again with the same key: the answer will be that of the first");
        a->retry_after_s = 1;
        return 0;
    }
    if (err->native == TARGET_COMMIT_UNKNOWN && k->q->key == NULL) { /* and no word of asking again */
        serve_problem(a, 503, err_name(err->code), "nobody knows whether the rows are stored", err->msg,
                      err->hint);
        return 0;
    }
    return -(int)err->code;
}

static int take(struct taking *k, struct serve_answer *a, struct err *err)
{
    struct buf kept = BUF_INIT(MAX_INTAKE_ANSWER);
    struct intake_counts n = {0};
    struct target *t = NULL;
    struct intake_ask ask = {.table = k->table,
                             .header = k->json ? json_rows_header(k->body) : NULL,
                             .first_names = !k->json && k->header,
                             .json = k->json,
                             .next = k->json ? json_rows_next : next_csv,
                             .arg = k->json ? (void *)k->body : k->csv,
                             .partial = k->partial,
                             .max_rows = MAX_INTAKE_ROWS,
                             .key = k->q->key,
                             .source = k->q->id,
                             .who = k->q->who,
                             .told = told,
                             .told_arg = k,
                             .answer = answer};
    int rc = serve_target_take(k->q->serve, &k->table->target, &t, err);

    if (rc < 0)
        return rc;
    if (ask.key != NULL)
        sum_of(k, ask.sha256);
    rc = intake_take(t, &ask, &n, &kept, err);
    serve_target_give(k->q->serve, t, rc < 0 && err_retryable(err->code) && err->code != ERR_BUSY);
    if (rc == 1) /* not where the key was there: these rows were counted then */
        serve_count_rows(k->q->serve, k->table, n.stored, n.rejected);
    if (rc < 0) {
        rc = refused(k, a, err);
        goto out;
    }
    if (kept.n <= STATUS_DIGITS) {
        rc = err_set(err, ERR_INTERNAL, "a request without an answer");
        goto out;
    }
    a->status = (kept.p[0] - '0') * 100 + (kept.p[1] - '0') * 10 + (kept.p[2] - '0');
    a->type = a->status == 422 ? "application/problem+json" : "application/json";
    rc = buf_add(&a->body, kept.p + STATUS_DIGITS, kept.n - STATUS_DIGITS, err);
out:
    buf_release(&kept);
    return rc;
}

int api_rows_post(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    struct taking k = {.q = q};
    int rc = config_table(q->config, q->args[0], &k.table, err);

    if (rc < 0 || !asked(&k, a))
        return rc < 0 ? rc : 0;
    k.arena = arena_new();
    k.rows = xcalloc(MAX_INTAKE_ROWS, sizeof *k.rows);
    rc = open_body(&k, a, err);
    if (rc > 0)
        rc = take(&k, a, err);
    json_rows_free(k.body);
    csv_close(k.csv);
    free(k.rows);
    arena_free(k.arena);
    return rc;
}

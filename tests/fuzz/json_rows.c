/*
 * A request's body as anybody may send it. Where jansson, which knows nothing of rows, reads it too, both must have seen the
 * same: what one refuses the other refuses, and the cells are the same values.
 */
#include "io/json_rows.h"
#include "base/limits.h"
#include "base/mem.h"
#include <assert.h>
#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What jansson cannot or will not read and JSON has: numbers beyond its types, half pairs; and names with NUL, that it takes not at all. */
static bool is_beyond(const json_error_t *e)
{
    switch (json_error_code(e)) {
    case json_error_numeric_overflow:
    case json_error_null_byte_in_key:
    case json_error_null_character:
    case json_error_stack_overflow:
        return true;
    default:
        return strstr(e->text, "invalid Unicode") != NULL;
    }
}

static void check_cell(const struct csv_field *f, const json_t *v)
{
    char text[64];

    if (json_is_string(v)) {
        assert(f->quoted && f->n == json_string_length(v) && memcmp(f->p, json_string_value(v), f->n) == 0);
    } else if (v == NULL || json_is_null(v)) {
        assert(!f->quoted && f->n == 0);
    } else if (json_is_boolean(v)) {
        assert(!f->quoted && f->n == 1 && *f->p == (json_is_true(v) ? '1' : '0'));
    } else if (json_is_integer(v)) {
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(v));
        assert(!f->quoted &&
               (str_is((struct str){f->p, f->n}, text) || str_is((struct str){f->p, f->n}, "-0")));
    } else if (json_is_real(v)) {
        char *copy = xstrndup(f->p, f->n);
        assert(!f->quoted && strtod(copy, NULL) == json_real_value(v));
        free(copy);
    } else {
        json_t *again = json_loadb(f->p, f->n, JSON_ALLOW_NUL, NULL);
        assert(f->quoted && (again == NULL || json_equal(again, v)));
        json_decref(again);
    }
}

static void check_rows(struct json_rows *j, const json_t *body)
{
    const struct csv_record *header = json_rows_header(j);
    struct csv_record r;
    struct err err;

    assert(json_rows_count(j) == (json_is_array(body) ? json_array_size(body) : 1));
    for (size_t k = 0; json_rows_next(j, &r, &err) > 0; k++) {
        const json_t *row = json_is_array(body) ? json_array_get(body, k) : body;
        assert(json_is_object(row) == (r.code != CSV_NOT_AN_OBJECT));
        size_t there = 0;
        for (size_t i = 0; r.code == CSV_GOOD && i < r.count; i++) {
            char *name = xstrndup(header->fields[i].p, header->fields[i].n); /* without NUL */
            const json_t *v = json_object_get(row, name);
            free(name);
            check_cell(&r.fields[i], v);
            there += v != NULL;
        }
        assert(r.code != CSV_GOOD || there == json_object_size(row));
    }
}

static void check_record(const struct csv_record *r, const uint8_t *data, size_t n, size_t columns)
{
    size_t sum = 0;

    assert(r->offset >= 0 && (size_t)r->offset + r->raw_n <= n && r->raw_total == (int64_t)r->raw_n);
    assert(r->raw == (const char *)data + r->offset);
    assert((r->code == CSV_GOOD) == (r->fields != NULL) && (r->code == CSV_GOOD) == (r->message[0] == '\0'));
    for (size_t i = 0; r->fields != NULL && i < r->count; i++) {
        const struct csv_field *f = &r->fields[i];
        assert(str_utf8_valid(f->p, f->n, NULL) && memchr(f->p, 0, f->n) == NULL);
        for (int k = -CSV_FIELD_PAD; k < (int)f->n + CSV_FIELD_PAD; k++)
            sum += (unsigned char)f->p[k]; /* may be read */
    }
    assert(r->fields == NULL || r->count == columns);
    assert(sum < SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *text = (const char *)data;
    bool bom = n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0;
    struct json_rows *j = NULL;
    struct csv_record r;
    json_error_t e;
    struct err err;

    int rc = json_rows_open(text, n, 0, &j, &err);
    json_t *body = json_loadb(bom ? text + 3 : text, bom ? n - 3 : n, JSON_ALLOW_NUL, &e);
    if (n > 0 && memchr(text, 0, n) != NULL) /* jansson passes over a NUL behind a number */
        assert(rc < 0);
    else if (rc < 0)
        assert(err.code == ERR_TOO_LARGE || strstr(err.msg, "nested") != NULL || body == NULL);
    else if (body == NULL)
        assert(is_beyond(&e));
    if (rc == 0) {
        while (json_rows_next(j, &r, &err) > 0)
            check_record(&r, data, n, json_rows_header(j)->count);
        json_rows_free(j);
        j = NULL;
        assert(json_rows_open(text, n, 0, &j, &err) == 0);
        if (body != NULL)
            check_rows(j, body);
    }
    json_rows_free(j);
    json_decref(body);
    return 0;
}

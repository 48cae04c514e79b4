/*
 * Parts between NULs: a table, a column, a value, SQL of the user's own as where, a transform, a query. Whatever they are, a
 * statement that is made has the form that its caller appends to: names in backticks, a mark for each value, and what is
 * the user's own within its brackets.
 */
#include "base/limits.h"
#include "steps/extract.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* As the server reads it, in few states. */
enum state { PLAIN, QUOTED, LINE_COMMENT, COMMENT };

struct found {
    size_t marks, closed_at; /* where the brackets of WHERE closed for the last time */
    int depth, least;
};

static struct found scan(const char *s)
{
    struct found f = {0};
    enum state state = PLAIN;
    char quote = '\0';

    for (size_t i = 0; s[i] != '\0'; i++) {
        char c = s[i], next = s[i + 1];
        if (state == LINE_COMMENT) {
            state = c == '\n' ? PLAIN : state;
        } else if (state == COMMENT) {
            if (c == '*' && next == '/') {
                state = PLAIN;
                i++;
            }
        } else if (state == QUOTED) {
            if ((c == '\\' && quote != '`' && next != '\0') || (c == quote && next == quote))
                i++;
            else if (c == quote)
                state = PLAIN;
        } else if (c == '\'' || c == '"' || c == '`') {
            state = QUOTED;
            quote = c;
        } else if (c == '#' ||
                   (c == '-' && next == '-' && ((unsigned char)s[i + 2] <= ' ' || s[i + 2] == 0x7f))) {
            state = LINE_COMMENT;
        } else if (c == '/' && next == '*') {
            assert(s[i + 2] != '!' && strncmp(s + i + 2, "M!", 2) != 0);
            state = COMMENT;
            i++;
        } else {
            assert(c != ';');
            f.marks += c == '?';
            f.depth += (c == '(') - (c == ')');
            f.least = f.depth < f.least ? f.depth : f.least;
            if (c == ')' && f.depth == 0)
                f.closed_at = i;
        }
    }
    assert(state == PLAIN);
    return f;
}

static void check(const struct extract_table *t, const struct table *def)
{
    const struct extract_window w = {
        .from = "2022-06-05", .to = "2022-06-05 12:00:00.5", .now = "2022-06-05 12:00:01"};
    struct extract_sql s;
    struct err err = {0};

    if (extract_sql(t, def, &w, &s, &err) < 0) {
        assert(err.msg[0] != '\0' && (err.code == ERR_CONFIG || err.code == ERR_TOO_LARGE));
        return;
    }
    struct found f = scan(s.select);
    assert(f.marks == s.value_count && f.depth == 0 && f.least == 0);
    assert(f.closed_at == strlen(s.select) - 1); /* " AND (key ...)" belongs to the WHERE */
    assert(s.text != NULL && s.warning != NULL && (s.columns == NULL || s.column_count >= s.hidden));
    for (size_t i = 0; i < s.key_count; i++)
        assert(s.key_sql[i][0] == '`' && s.key_at[i] >= 0 && (size_t)s.key_at[i] < s.column_count);
    extract_sql_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = xstrndup((const char *)data, n), *parts[6] = {NULL};
    char *at = text;
    struct arena *a = arena_new();
    const int key[] = {0};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        parts[i] = at;
        at += strlen(at);
        at += at < text + n;
    }
    struct column columns[] = {{.name = "id", .type = COL_INT, .type_text = "int"},
                               {.name = parts[1], .type = COL_TEXT, .type_text = "text", .nullable = true},
                               {.name = "at", .type = COL_DATE, .type_text = "date"}};
    struct table def = {.arena = a, .name = "t", .columns = columns, .count = 3};
    table_add_key(&def, "PRIMARY", key, 1);
    const char *const values[] = {parts[2], NULL}, *const marks[] = {"at", NULL}, *const none[] = {NULL};
    const char *const names[] = {parts[1], NULL}, *const order[] = {parts[1], NULL};
    const struct extract_filter filters[] = {
        {parts[1], IS_NE, values, 0}, {"at", IS_GE, NULL, 1000}, {"id", IS_IN, values, 0}};
    const struct extract_transform x = {parts[1], parts[4]};
    struct extract_table t = {
        .name = "f", .table = parts[0], .columns = none, .filters = filters, .filter_count = 2};

    check(&t, &def);
    t.filter_count = 3;
    t.where = parts[3];
    t.watermark = marks;
    check(&t, &def);
    t.filter_count = 1;
    t.columns = names;
    t.order = order;
    check(&t, &def);
    t.transforms = &x;
    t.transform_count = 1;
    check(&t, &def);
    t.table = NULL;
    t.query = parts[5];
    check(&t, NULL);
    t.transform_count = 0;
    t.where = NULL;
    t.columns = NULL;
    check(&t, NULL);
    arena_free(a);
    free(text);
    return 0;
}

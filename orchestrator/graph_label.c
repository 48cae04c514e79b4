#include "base/mem.h"
#include "orchestrator/choice.h"
#include "orchestrator/graph_int.h"

enum { MAX_RULE_DEPTH = 8 }; /* nobody reads deeper; "..." stands for the rest */

static void put(char *out, size_t size, const char *text)
{
    size_t n = strlen(out), more = strlen(text);

    if (n + more < size) {
        memcpy(out + n, text, more + 1);
    } else if (n + 1 < size && !str_ends(out, "...")) {
        size_t room = size - 1 - n, at;
        memcpy(out + n, text, room);
        out[size - 1] = '\0';
        for (room = size - 4; room > 0 && str_utf8_valid(out, room, &at) == 0; room--)
            ;
        snprintf(out + room, size - room, "...");
    }
}

static void put_value(char *out, size_t size, const json_t *v)
{
    char *text = json_text(v);

    put(out, size, text);
    free(text);
}

static void put_kind(const char *name, const json_t *operand, char *out, size_t size)
{
    static const struct {
        const char *name, *yes, *no;
    } words[] = {{"IsNull", " is null", " is not null"},
                 {"IsPresent", " is there", " is missing"},
                 {"IsNumeric", " is a number", " is no number"},
                 {"IsString", " is a text", " is no text"},
                 {"IsBoolean", " is true or false", " is neither true nor false"},
                 {"IsTimestamp", " is a time", " is no time"}};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i].name, name) == 0)
            put(out, size, json_is_true(operand) ? words[i].yes : words[i].no);
}

static void put_comparison(const json_t *rule, char *out, size_t size)
{
    static const char *const signs[] = {" = ", " < ", " > ", " <= ", " >= "};
    const char *variable = json_string_value(json_object_get(rule, "Variable")), *key;
    json_t *operand;

    json_object_foreach((json_t *)(uintptr_t)rule, key, operand) {
        const struct comparator *c = comparator_find(key);
        if (c == NULL)
            continue;
        put(out, size, variable != NULL ? variable : "?");
        if (c->type == COMPARE_KIND) {
            put_kind(c->name, operand, out, size);
            return;
        }
        put(out, size, c->type == COMPARE_PATTERN ? " like " : signs[c->op]);
        if (c->path && json_is_string(operand))
            put(out, size, json_string_value(operand));
        else
            put_value(out, size, operand);
        return;
    }
    put(out, size, "?");
}

static void condition(const json_t *rule, int depth, char *out, size_t size)
{
    static const char *const words[][2] = {{"And", " and "}, {"Or", " or "}};
    const json_t *nested;
    json_t *one;
    size_t k;

    if (depth == MAX_RULE_DEPTH) {
        put(out, size, "...");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if ((nested = json_object_get(rule, words[i][0])) == NULL)
            continue;
        if (depth > 0)
            put(out, size, "(");
        json_array_foreach(nested, k, one) {
            if (k > 0)
                put(out, size, words[i][1]);
            condition(one, depth + 1, out, size);
        }
        if (depth > 0)
            put(out, size, ")");
        return;
    }
    if ((nested = json_object_get(rule, "Not")) != NULL) {
        put(out, size, "not (");
        condition(nested, depth + 1, out, size);
        put(out, size, ")");
        return;
    }
    put_comparison(rule, out, size);
}

void graph_condition(const json_t *rule, char *out, size_t size)
{
    out[0] = '\0';
    condition(rule, 0, out, size);
}

/* East Asian and emoji: twice as wide as a Latin letter. */
static int width_of(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
                   (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) ||
                   (c >= 0xff00 && c <= 0xff60) || c >= 0x1f300
               ? 2
               : 1;
}

size_t graph_char(const char *p, char out[GRAPH_CHAR], int *ret_width)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t n = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4, at;
    uint32_t c = n == 1 ? u[0] : u[0] & (0xffu >> (n + 1));

    *ret_width = 1;
    for (size_t i = 1; i < n; i++) {
        if (u[i] == '\0')
            n = i;
        else
            c = c << 6 | (u[i] & 0x3f);
    }
    if (str_utf8_valid(p, n, &at) == 0 || c == 0xfffe || c == 0xffff) {
        memcpy(out, "?", 2);
        return 1;
    }
    if (str_plain_char(p, n) == 0) {
        memcpy(out, " ", 2);
        return n;
    }
    memcpy(out, p, n);
    out[n] = '\0';
    *ret_width = width_of(c);
    return n;
}

int graph_cut(const char *text, int columns, char *out, size_t size)
{
    size_t n = 0, kept = 0;
    int width = 0, kept_width = 0, w;
    char one[GRAPH_CHAR];

    for (const char *p = text; *p != '\0';) {
        p += graph_char(p, one, &w);
        size_t len = strlen(one);
        if (width + w > columns || n + len + 4 > size) {
            memcpy(out + kept, "…", sizeof "…");
            return kept_width + 1;
        }
        memcpy(out + n, one, len);
        n += len;
        width += w;
        if (width < columns) { /* so much leaves room for the ellipsis */
            kept = n;
            kept_width = width;
        }
    }
    out[n] = '\0';
    return width;
}

void graph_describe(const struct node *n, int error_columns, char *out, size_t size)
{
    char error[GRAPH_LABEL] = "";
    const char *type = json_string_value(json_object_get(n->state, "Type"));

    if (n->error != NULL)
        graph_cut(n->error, error_columns, error, sizeof error);
    int at = snprintf(out, size, "%s%s", type, n->retry[0] != '\0' ? " ↻" : "");
    if (n->failed)
        at += snprintf(out + at, size - (size_t)at, " · ✖ failed: %s", error);
    if (n->current)
        at += snprintf(out + at, size - (size_t)at, " · ▶ here");
    if (n->times > 0 && !n->failed && !n->current)
        at += snprintf(out + at, size - (size_t)at, " · ✓");
    if (n->times > 1)
        at += snprintf(out + at, size - (size_t)at, " ×%lld", (long long)n->times);
    if (n->retried > 0)
        snprintf(out + at, size - (size_t)at, " · retried ×%lld", (long long)n->retried);
}

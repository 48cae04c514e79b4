#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/spec_int.h"
#include <ctype.h>
#include <strings.h>

static bool is_quote(char c)
{
    return c == '\'' || c == '"' || c == '`';
}

/* The length up to the next comma that is outside quotes and brackets. */
static size_t until_comma(const char *p)
{
    char quote = '\0';
    int depth = 0;
    size_t i = 0;

    for (; p[i] != '\0'; i++) {
        if (quote != '\0') {
            if (p[i] == '\\' && quote != '`' && p[i + 1] != '\0')
                i++;
            else if (p[i] == quote)
                quote = '\0';
        } else if (is_quote(p[i])) {
            quote = p[i];
        } else if (p[i] == ',' && depth <= 0) {
            break;
        }
        depth += quote == '\0' ? (p[i] == '(') - (p[i] == ')') : 0;
    }
    return i;
}

/* Whether s is one text in such quotes from its first to its last byte; *ret_owned: what is in them. */
static bool is_quoted(struct str s, const char *quotes, char **ret_owned)
{
    if (s.n < 2 || strchr(quotes, *s.p) == NULL || s.p[s.n - 1] != *s.p)
        return false;
    char *text = xmalloc(s.n), *o = text;
    for (size_t i = 1; i < s.n - 1; i++) {
        if (s.p[i] == *s.p && (i + 1 == s.n - 1 || s.p[++i] != *s.p)) {
            free(text);
            return false;
        }
        if (s.p[i] == '\\' && *s.p != '`' && i + 1 < s.n - 1)
            i++;
        *o++ = s.p[i];
    }
    *o = '\0';
    *ret_owned = text;
    return true;
}

static bool is_plain_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && strchr("_$", s.p[i]) == NULL && (unsigned char)s.p[i] < 0x80)
            return false;
    return s.n > 0;
}

static const char *shown(struct str s, char out[100])
{
    str_printable(s.p, s.n, out, 92);
    return out;
}

/* A plain name, one in backticks, or one in quotes that must not be there. Owned; NULL: none of them. */
static char *name_of(struct spec_reading *r, const char *where, struct str s, bool *ret_refused)
{
    char *name = NULL, text[100], hint[200], bare[100];

    *ret_refused = false;
    if (is_plain_name(s))
        return xstrndup(s.p, s.n);
    if (is_quoted(s, "`", &name))
        return name;
    if (!is_quoted(s, "'\"", &name))
        return NULL;
    shown(s, text);
    shown(str_of(name), bare);
    if (r->given->mend) {
        spec_note(r, where, "%s in quotes is a constant, the same text in every row; the column %s is meant",
                  text, bare);
        return name;
    }
    snprintf(hint, sizeof hint, "write %s, without quotes; orch spec convert does it", bare);
    spec_error(r, where, hint, "%s is a constant in quotes and no column: every row would have the same text",
               text);
    *ret_refused = true;
    free(name);
    return NULL;
}

/* Splits "EXPR AS name" at the last AS outside quotes and brackets. */
static bool split_alias(struct str s, struct str *ret_expr, struct str *ret_alias)
{
    char quote = '\0';
    int depth = 0;
    size_t as = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (quote != '\0') {
            if (s.p[i] == '\\' && quote != '`')
                i++;
            else if (s.p[i] == quote)
                quote = '\0';
            continue;
        }
        quote = is_quote(s.p[i]) ? s.p[i] : '\0';
        depth += (s.p[i] == '(') - (s.p[i] == ')');
        if (depth == 0 && i > 0 && i + 3 < s.n && isspace((unsigned char)s.p[i - 1]) &&
            strncasecmp(s.p + i, "as", 2) == 0 && isspace((unsigned char)s.p[i + 2]))
            as = i;
    }
    if (as == 0)
        return false;
    *ret_expr = str_trim((struct str){s.p, as});
    *ret_alias = str_trim((struct str){s.p + as + 2, s.n - as - 2});
    return ret_expr->n > 0 && ret_alias->n > 0;
}

struct listing { /* names as they are read */
    struct spec_reading *r;
    const char *where;
    json_t *names, *transforms;
    size_t count; /* of items, whatever became of them */
    bool star;
};

static void add_name(struct listing *l, const char *name)
{
    size_t i;
    json_t *v;
    char text[100];

    json_array_foreach(l->names, i, v) {
        if (strcmp(json_string_value(v), name) == 0) {
            spec_error(l->r, l->where, NULL, "'%s' stands there twice", shown(str_of(name), text));
            return;
        }
    }
    json_array_append_new(l->names, json_string(name));
}

static void add_transform(struct listing *l, const char *name, struct str sql, const char *text)
{
    if (json_object_get(l->transforms, name) != NULL)
        spec_error(l->r, l->where, NULL, "'%s' is given a name that stands there twice", text);
    else
        spec_note(l->r, l->where, "'%s' is a transform, and stands behind the columns", text);
    json_object_set_new(l->transforms, name, json_stringn(sql.p, sql.n));
}

static void add_item(struct listing *l, struct str s)
{
    struct str expr, alias;
    char text[100];
    bool refused;
    char *name = name_of(l->r, l->where, s, &refused);

    shown(s, text);
    if (name != NULL)
        add_name(l, name);
    else if (s.n == 0)
        spec_error(l->r, l->where, NULL, "a name is empty");
    else if (!refused && l->transforms == NULL)
        spec_error(l->r, l->where, "one with other characters in `backticks`", "'%s' is no column's name",
                   text);
    else if (!refused && split_alias(s, &expr, &alias) &&
             (name = name_of(l->r, l->where, alias, &refused)) != NULL)
        add_transform(l, name, expr, text);
    else if (!refused)
        spec_error(l->r, l->where, "EXPRESSION AS name; a name with other characters in `backticks`",
                   "'%s' is no column, and no expression with a name", text);
    free(name);
}

static void add_items(struct listing *l, const char *text)
{
    for (const char *p = text;; p++) {
        size_t n = until_comma(p);
        struct str s = str_trim((struct str){p, n});
        if (++l->count > MAX_COLUMNS) {
            if (l->count == MAX_COLUMNS + 1)
                spec_error(l->r, l->where, NULL, "more than %d names", MAX_COLUMNS);
            return;
        }
        if (l->transforms != NULL && str_is(s, "*"))
            l->star = true;
        else
            add_item(l, s);
        p += n;
        if (*p == '\0')
            return;
    }
}

json_t *spec_names(struct spec_reading *r, const char *where, const json_t *v, json_t *transforms)
{
    struct listing l = {.r = r, .where = where, .names = json_array(), .transforms = transforms};
    json_t *item;
    size_t i;

    if (json_is_string(v))
        add_items(&l, json_string_value(v));
    else if (v != NULL && !json_is_null(v) && !json_is_array(v))
        spec_error(r, where, NULL, "%s where names are expected", json_kind(v));
    json_array_foreach(v, i, item)
        if (json_is_string(item))
            add_items(&l, json_string_value(item));
        else
            spec_error(r, where, NULL, "%s where a name is expected", json_kind(item));
    if (l.star && json_array_size(l.names) > 0)
        spec_error(r, where, "* alone, or names", "'*' stands beside names");
    return l.names;
}

char *spec_one_name(struct spec_reading *r, const char *where, const char *text)
{
    struct str s = str_trim(str_of(text));
    char out[100];
    bool refused;
    char *name = name_of(r, where, s, &refused);

    if (name == NULL && !refused)
        spec_error(r, where, "one with other characters in `backticks`", "'%s' is no column's name",
                   shown(s, out));
    return name;
}

/* --- durations --- */

static const struct {
    const char *names; /* " second seconds " */
    int64_t ms;
} units[] = {
    {" s sec secs second seconds ", 1000}, {" m min mins minute minutes ", 60000},
    {" h hr hrs hour hours ", 3600000},    {" d day days ", 86400000},
    {" w week weeks ", 604800000},
};

static int64_t unit_ms(const char *p, size_t n)
{
    char word[20];

    if (n == 0 || n > 10)
        return 0;
    word[0] = ' ';
    for (size_t i = 0; i < n; i++)
        word[i + 1] = (char)tolower((unsigned char)p[i]);
    word[n + 1] = ' ';
    word[n + 2] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strstr(units[i].names, word) != NULL)
            return units[i].ms;
    return 0;
}

static const char *past_blanks(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

int spec_ago(const char *text, int64_t *ret_ms)
{
    const char *p = past_blanks(text);
    int64_t total = 0, n, ms;
    struct err ignored;
    size_t digits = strspn(p, "0123456789"), word;

    /* a word first ("Monday the 12th") is no duration, and "1995-05-05" and "12" are none either */
    if (digits > 0 && p[digits] == '.' &&
        isalpha((unsigned char)*past_blanks(p + digits + 1 + strspn(p + digits + 1, "0123456789"))))
        return -1; /* "1.5 hours" */
    if (digits == 0 || !isalpha((unsigned char)*past_blanks(p + digits)))
        return 0;
    if (isalpha((unsigned char)p[digits]) && p[digits] == 'T')
        return 0; /* 19950505T120000 */
    do {
        if (digits == 0 || str_to_i64((struct str){p, digits}, 0, MAX_DURATION_MS, &n, &ignored) < 0)
            return -1;
        p = past_blanks(p + digits);
        for (word = 0; isalpha((unsigned char)p[word]);)
            word++;
        ms = unit_ms(p, word);
        if (ms == 0 || __builtin_mul_overflow(n, ms, &n) || __builtin_add_overflow(total, n, &total))
            return -1;
        p = past_blanks(p + word);
        p = past_blanks(p + (strncasecmp(p, "and ", 4) == 0 ? 4 : *p == ','));
        digits = strspn(p, "0123456789");
        if (strcasecmp(p, "ago") == 0 || strcasecmp(p, "ago ") == 0)
            break;
    } while (*p != '\0');
    *ret_ms = total;
    return total > 0 && total <= MAX_DURATION_MS ? 1 : -1;
}

char *spec_duration(int64_t ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } by[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};

    for (size_t i = 0; i < ARRAY_LEN(by); i++)
        if (ms % by[i].ms == 0)
            return xasprintf("%lld%s", (long long)(ms / by[i].ms), by[i].name);
    return xasprintf("%lldms", (long long)ms);
}

/* --- values --- */

static json_t *text_value(struct spec_reading *r, const char *where, struct str s)
{
    char *inner = NULL, text[100];
    json_t *v;

    s = str_trim(s);
    if (is_quoted(s, "'\"", &inner)) {
        v = json_string(inner);
        free(inner);
        return v;
    }
    if (s.n > 0 && (memchr(s.p, '(', s.n) != NULL || memchr(s.p, '`', s.n) != NULL)) {
        spec_error(r, where,
                   "SQL of your own goes into \"where\" of the orch table; a text that is meant: '...'",
                   "'%s' is an expression, and no value", shown(s, text));
        return NULL;
    }
    return json_stringn(s.p, s.n);
}

json_t *spec_value(struct spec_reading *r, const char *where, const json_t *v)
{
    if (json_is_string(v))
        return text_value(r, where, str_of(json_string_value(v)));
    if (json_is_boolean(v))
        return json_integer(json_is_true(v));
    if (json_is_integer(v))
        return json_integer(json_integer_value(v));
    if (json_is_real(v)) { /* as text: nobody may round it once more */
        char *text = json_text(v);
        json_t *s = json_string(text);
        free(text);
        return s;
    }
    spec_error(r, where, NULL, "%s where a value is expected", json_kind(v));
    return NULL;
}

json_t *spec_values(struct spec_reading *r, const char *where, const json_t *v)
{
    json_t *list = json_array(), *item, *value;
    size_t i;

    if (json_is_array(v)) {
        json_array_foreach(v, i, item) {
            value = i < MAX_SQL_VALUES ? spec_value(r, where, item) : NULL;
            if (value != NULL)
                json_array_append_new(list, value);
        }
        if (json_array_size(v) > MAX_SQL_VALUES)
            spec_error(r, where, NULL, "more than %d values", MAX_SQL_VALUES);
    } else if (json_is_string(v)) {
        struct str s = str_trim(str_of(json_string_value(v)));
        if (s.n < 2 || s.p[0] != '(' || s.p[s.n - 1] != ')') {
            json_decref(list);
            return NULL;
        }
        char *inner = xstrndup(s.p + 1, s.n - 2);
        for (const char *p = inner;; p++) {
            size_t n = until_comma(p);
            value = json_array_size(list) < MAX_SQL_VALUES ? text_value(r, where, (struct str){p, n}) : NULL;
            if (value != NULL)
                json_array_append_new(list, value);
            p += n;
            if (*p == '\0')
                break;
        }
        free(inner);
    } else {
        json_decref(list);
        return NULL;
    }
    if (json_array_size(list) == 0)
        spec_error(r, where, NULL, "a list without a value");
    return list;
}

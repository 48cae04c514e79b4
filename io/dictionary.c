#include "io/dictionary.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "io/real.h"
#include <regex.h>
#include <stdarg.h>

enum { MAX_REPEATS = 1000, MAX_ENDLESS = 150, SHOWN = 60 };

/* A rule, with what it compares with as cells of the column's own kind. */
struct bound {
    size_t at; /* of the batch's columns */
    const struct column *column;
    const struct dict_rule *rule; /* NULL: only required */
    bool required;
    struct batch *with; /* rows: min, max, values; NULL: none */
    int min, max;       /* rows of it; -1: none */
    size_t first, values;
    bool has_pattern;
    regex_t pattern;
};
struct dictionary {
    struct arena *arena;
    struct bound *bounds;
    size_t count;
    struct dict_reference *references;
    size_t reference_count;
    const char *missing; /* a column that is required, and that nothing fills; NULL: none */
};

/* --- patterns --- */

/* A group, or what was repeated, is repeated without end: )* )+ ){2,} }+ */
static bool is_endless(const char *p)
{
    if (*p != ')' && *p != '}')
        return false;
    if (p[1] != '{')
        return p[1] == '*' || p[1] == '+';
    size_t n = strcspn(p + 2, "}");
    return n > 0 && p[1 + n] == ',';
}

/* What memory a pattern takes is told by its repetitions, within each other or not; and its time too, where they can be empty
 * and stand within one without end: glibc takes the third power of their number, 40 s for 900. */
static int check_repeats(const char *pattern, struct err *err)
{
    int64_t product = 1, n;
    bool endless = false;

    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '\\' && p[1] != '\0') {
            p++;
            continue;
        }
        endless = endless || is_endless(p);
        if (*p != '{')
            continue;
        size_t len = strcspn(p + 1, "}"), from = 0;
        const char *comma = memchr(p + 1, ',', len);
        if (comma != NULL)
            from = (size_t)(comma - p);
        if (str_to_i64((struct str){p + 1 + from, len - from}, 0, INT64_MAX, &n, err) < 0 &&
            str_to_i64((struct str){p + 1, from > 0 ? from - 1 : len}, 0, INT64_MAX, &n, err) < 0)
            continue; /* regcomp says what is wrong */
        product = n > MAX_REPEATS ? MAX_REPEATS + 1 : product * (n > 0 ? n : 1);
        if (product > MAX_REPEATS)
            return err_set(err, ERR_CONFIG, "pattern: repetitions of more than %d in all", MAX_REPEATS);
    }
    if (endless && product > MAX_ENDLESS)
        return err_set(
            err, ERR_CONFIG,
            "pattern: repetitions of more than %d in all, and a group that is repeated without end",
            MAX_ENDLESS);
    return 0;
}

static int check_pattern(const char *pattern, struct err *err)
{
    bool in_list = false;

    if (strlen(pattern) > MAX_PATTERN)
        return err_set(err, ERR_CONFIG, "pattern: longer than %d bytes", MAX_PATTERN);
    for (const char *p = pattern; *p != '\0'; p++) {
        if (in_list) {
            in_list = *p != ']';
        } else if (*p == '[') {
            in_list = true;
            p += p[1] == '^';
            p += p[1] == ']';
        } else if (*p == '\\' && p[1] >= '1' && p[1] <= '9') {
            err_set(err, ERR_CONFIG, "pattern: \\%c refers back, which can take for ever to match", p[1]);
            return err_hint(err, "spell it out");
        } else if (*p == '\\' && p[1] != '\0') {
            p++;
        }
    }
    return check_repeats(pattern, err);
}

static int compile(const char *pattern, regex_t *ret, struct err *err)
{
    char text[200];
    int rc = check_pattern(pattern, err);

    if (rc < 0)
        return rc;
    /* by itself first: "a)(b" is no pattern, and would be one within ours */
    rc = regcomp(ret, pattern, REG_EXTENDED | REG_NOSUB);
    if (rc == 0) {
        regfree(ret);
        char *whole = xasprintf("^(%s)$", pattern);
        rc = regcomp(ret, whole, REG_EXTENDED | REG_NOSUB);
        free(whole);
    }
    if (rc == 0)
        return 0;
    regerror(rc, ret, text, sizeof text);
    return err_set(err, ERR_CONFIG, "pattern '%.100s': %s", pattern, text);
}

int dictionary_pattern(const char *pattern, struct err *err)
{
    regex_t r;
    int rc = compile(pattern, &r, err);

    if (rc == 0)
        regfree(&r);
    return rc;
}

static bool matches(const regex_t *r, struct str s)
{
    regmatch_t whole = {.rm_so = 0, .rm_eo = (regoff_t)s.n};

    return regexec(r, s.p, 0, &whole, REG_STARTEND) == 0;
}

/* --- order --- */

/* Numbers with as many digits behind the point, times of one form: by sign, length, digits. */
static int compare_digits(struct str a, struct str b)
{
    bool minus_a = a.n > 0 && a.p[0] == '-', minus_b = b.n > 0 && b.p[0] == '-';

    if (minus_a != minus_b)
        return minus_a ? -1 : 1;
    int order = a.n != b.n ? (a.n < b.n ? -1 : 1) : memcmp(a.p, b.p, a.n);
    return minus_a ? -order : order;
}

static int compare(const struct batch_col *a, size_t i, const struct batch_col *b, size_t k)
{
    switch (a->kind) {
    case CELL_I64:
        return a->i64[i] < b->i64[k] ? -1 : a->i64[i] > b->i64[k];
    case CELL_U64:
        return (uint64_t)a->i64[i] < (uint64_t)b->i64[k] ? -1 : (uint64_t)a->i64[i] > (uint64_t)b->i64[k];
    case CELL_DOUBLE:
        return a->dbl[i] < b->dbl[k] ? -1 : a->dbl[i] > b->dbl[k];
    case CELL_BYTES:
        break;
    }
    return compare_digits((struct str){a->bytes[i], a->lengths[i]}, (struct str){b->bytes[k], b->lengths[k]});
}

static bool equal(const struct batch_col *a, size_t i, const struct batch_col *b, size_t k)
{
    if (a->kind != CELL_BYTES)
        return compare(a, i, b, k) == 0;
    return a->lengths[i] == b->lengths[k] && memcmp(a->bytes[i], b->bytes[k], a->lengths[i]) == 0;
}

bool dictionary_reversed(const char *a, const char *b)
{
    struct decimal x, y;

    if (decimal_scan(a, strlen(a), &x) == DECIMAL_OK && decimal_scan(b, strlen(b), &y) == DECIMAL_OK)
        return decimal_to_double(&x) > decimal_to_double(&y);
    return strlen(a) >= 10 && strlen(b) >= 10 && a[4] == '-' && b[4] == '-' && strcmp(a, b) > 0;
}

/* --- binding --- */

static bool has_order(const struct column *c)
{
    return c->type != COL_TEXT && c->type != COL_BINARY && c->type != COL_UNSUPPORTED;
}

/* A row more of with. */
static int add_cell(struct bound *b, const char *what, const char *text, struct err *err)
{
    const struct csv_field f = {text, (uint32_t)strlen(text), true};
    struct reject_info why;

    if (!convert_cell(b->column, f, NULL, b->with, 0, &why)) {
        char shown[80];
        str_printable(text, strlen(text), shown, sizeof shown);
        return err_set(err, ERR_CONFIG, "column %s: %s '%s' is no value of %s: %s", b->column->name, what,
                       shown, b->column->type_text, why.message);
    }
    b->with->rows++;
    return 0;
}

static int add_values(struct bound *b, const struct table *def, struct err *err)
{
    const struct dict_rule *r = b->rule;
    int columns[] = {(int)(b->column - def->columns)};
    int rc = 0;

    b->min = b->max = -1;
    while (r->values != NULL && r->values[b->values] != NULL)
        b->values++;
    if (r->min == NULL && r->max == NULL && b->values == 0)
        return 0;
    if ((r->min != NULL || r->max != NULL) && !has_order(b->column))
        return err_set(err, ERR_CONFIG, "column %s: min and max are for numbers and times, and it is %s",
                       b->column->name, b->column->type_text);
    b->with = batch_new(def, columns, 1, b->values + 2);
    if (r->min != NULL) {
        b->min = (int)b->with->rows;
        rc = add_cell(b, "min", r->min, err);
    }
    if (rc == 0 && r->max != NULL) {
        b->max = (int)b->with->rows;
        rc = add_cell(b, "max", r->max, err);
    }
    b->first = b->with->rows;
    for (size_t i = 0; rc == 0 && i < b->values; i++)
        rc = add_cell(b, "value", r->values[i], err);
    if (rc == 0 && b->min >= 0 && b->max >= 0 &&
        compare(b->with->cols, (size_t)b->min, b->with->cols, (size_t)b->max) > 0)
        rc = err_set(err, ERR_CONFIG, "column %s: min %s is more than max %s", b->column->name, r->min,
                     r->max);
    return rc;
}

static void bound_release(struct bound *b)
{
    batch_free(b->with);
    if (b->has_pattern)
        regfree(&b->pattern);
}

static int bound_fill(struct bound *b, const struct table *def, struct err *err)
{
    int rc = add_values(b, def, err);

    if (rc == 0 && b->rule->pattern != NULL) {
        rc = compile(b->rule->pattern, &b->pattern, err);
        b->has_pattern = rc == 0;
        if (rc < 0)
            rc = err_prefix(err, "column %s", b->column->name);
    }
    return rc;
}

static int find(const struct table *def, const char *column, struct err *err)
{
    int at = table_find(def, str_of(column));

    if (at >= 0)
        return at;
    const char **names = xcalloc(def->count + 1, sizeof *names);
    for (size_t i = 0; i < def->count; i++)
        names[i] = def->columns[i].name;
    const char *near = str_nearest(column, names);
    int rc = err_set(err, ERR_CONFIG, "table %s has no column '%s'", def->name, column);
    if (near != NULL)
        rc = err_hint(err, "the nearest is '%s'", near);
    free(names);
    return rc;
}

int dictionary_prove(const struct dict_table *d, const struct table *def, size_t i, struct err *err)
{
    struct bound b = {.rule = &d->rules[i], .min = -1, .max = -1};
    int at = find(def, d->rules[i].column, err), rc;

    if (at < 0)
        return at;
    b.column = &def->columns[at];
    rc = bound_fill(&b, def, err);
    bound_release(&b);
    if (rc == 0 && b.rule->references != NULL && b.column->type != COL_INT && b.column->type != COL_TEXT)
        rc = err_set(err, ERR_CONFIG, "column %s: references is for whole numbers and texts, and it is %s",
                     b.column->name, b.column->type_text);
    if (rc == 0 && (b.column->generated || table_is_lineage(b.column->name)))
        rc = err_set(err, ERR_CONFIG, "column %s is not filled by rows", b.column->name);
    return rc;
}

static const struct dict_rule *rule_of(const struct dict_table *d, const struct table *def, int column)
{
    for (size_t i = 0; i < d->rule_count; i++)
        if (table_find(def, str_of(d->rules[i].column)) == column)
            return &d->rules[i];
    return NULL;
}

static bool fills_itself(const struct column *c)
{
    return c->generated || c->auto_increment || table_is_lineage(c->name);
}

bool dictionary_requires(const struct dict_table *d, const struct column *c)
{
    for (size_t i = 0; i < d->rule_count; i++)
        if (strcasecmp(d->rules[i].column, c->name) == 0)
            return d->rules[i].required && !fills_itself(c);
    return d->all_required && !fills_itself(c);
}

static void add_reference(struct dictionary *d, const struct bound *b)
{
    const char *text = b->rule->references, *dot = strrchr(text, '.');
    struct dict_reference *r = &d->references[d->reference_count++];

    *r = (struct dict_reference){.at = b->at,
                                 .own = b->column,
                                 .table = arena_strndup(d->arena, text, (size_t)(dot - text)),
                                 .column = dot + 1};
}

int dictionary_new(const struct dict_table *d, const struct table *def, const int *columns, size_t count,
                   struct dictionary **ret, struct err *err)
{
    struct dictionary *k = xcalloc(1, sizeof *k);
    bool *filled = xcalloc(def->count, sizeof *filled);
    int rc = 0;

    k->arena = arena_new();
    k->bounds = xcalloc(count, sizeof *k->bounds);
    k->references = xcalloc(count, sizeof *k->references);
    for (size_t i = 0; rc == 0 && i < d->rule_count; i++)
        rc = dictionary_prove(d, def, i, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct column *c = &def->columns[columns[i]];
        const struct dict_rule *rule = rule_of(d, def, columns[i]);
        bool required = dictionary_requires(d, c);
        filled[columns[i]] = true;
        if (rule == NULL && !required)
            continue;
        struct bound *b = &k->bounds[k->count++];
        *b = (struct bound){.at = i, .column = c, .rule = rule, .required = required, .min = -1, .max = -1};
        if (rule == NULL)
            continue;
        rc = bound_fill(b, def, err);
        if (rule->references != NULL)
            add_reference(k, b);
    }
    for (size_t i = 0; rc == 0 && i < def->count && k->missing == NULL; i++)
        if (!filled[i] && !def->columns[i].has_default && dictionary_requires(d, &def->columns[i]))
            k->missing = def->columns[i].name;
    free(filled);
    if (rc < 0) {
        dictionary_free(k);
        return rc;
    }
    *ret = k;
    return 0;
}

void dictionary_free(struct dictionary *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->count; i++)
        bound_release(&d->bounds[i]);
    free(d->bounds);
    free(d->references);
    arena_free(d->arena);
    free(d);
}

const struct dict_reference *dictionary_references(const struct dictionary *d, size_t *ret_count)
{
    *ret_count = d->reference_count;
    return d->references;
}

/* --- checking --- */

static void stand(const struct batch *b, size_t row, const char *column, const char *code,
                  struct reject_info *ret)
{
    *ret = (struct reject_info){.line = b->lines[row], .offset = b->offsets[row], .raw = b->raw[row]};
    snprintf(ret->column, sizeof ret->column, "%.199s", column);
    snprintf(ret->code, sizeof ret->code, "%.31s", code);
    ret->raw_total = b->raw_n[row];
    ret->raw_n = b->raw_n[row] < MAX_REJECT_RAW ? b->raw_n[row] : MAX_REJECT_RAW;
    if (ret->raw_n < b->raw_n[row])
        sha256_of(b->raw[row], b->raw_n[row], ret->raw_sha256);
}

void dictionary_refuse(const struct batch *b, size_t row, size_t at, const char *code,
                       struct reject_info *ret, const char *fmt, ...)
{
    char scratch[CELL_TEXT_SIZE], value[SHOWN + 8], words[200];
    struct str text = batch_cell_text(&b->cols[at], row, scratch);
    va_list ap;

    stand(b, row, b->table->columns[b->cols[at].column].name, code, ret);
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    str_printable(text.p != NULL ? text.p : "", text.n, value, sizeof value);
    snprintf(ret->message, sizeof ret->message, "'%s' %s", value, words);
}

static int missing(const struct batch *b, size_t row, const char *column, struct reject_info *ret)
{
    stand(b, row, column, "REQUIRED", ret);
    snprintf(ret->message, sizeof ret->message, "'%.100s' is required, and there is nothing", column);
    return 0;
}

static bool is_listed(const struct bound *k, const struct batch_col *c, size_t row)
{
    for (size_t i = 0; i < k->values; i++)
        if (equal(c, row, k->with->cols, k->first + i))
            return true;
    return false;
}

static void list_values(const struct dict_rule *r, char out[120])
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; r->values[i] != NULL; i++) {
        char shown[40];
        str_printable(r->values[i], strlen(r->values[i]), shown, sizeof shown);
        if (n + strlen(shown) + 8 > 120) {
            snprintf(out + n, 120 - n, ", ...");
            return;
        }
        n += (size_t)snprintf(out + n, 120 - n, "%s%s", i > 0 ? ", " : "", shown);
    }
}

static int check(const struct bound *k, const struct batch *b, size_t row, struct reject_info *ret)
{
    const struct batch_col *c = &b->cols[k->at];
    const struct dict_rule *r = k->rule;
    char scratch[CELL_TEXT_SIZE], list[120];

    if (c->nulls[row])
        return k->required ? missing(b, row, k->column->name, ret) : 1;
    if (r == NULL)
        return 1;
    if (k->min >= 0 && compare(c, row, k->with->cols, (size_t)k->min) < 0)
        dictionary_refuse(b, row, k->at, "OUT_OF_RULE", ret, "is less than the least, %.60s", r->min);
    else if (k->max >= 0 && compare(c, row, k->with->cols, (size_t)k->max) > 0)
        dictionary_refuse(b, row, k->at, "OUT_OF_RULE", ret, "is more than the most, %.60s", r->max);
    else if (k->has_pattern && !matches(&k->pattern, batch_cell_text(c, row, scratch)))
        dictionary_refuse(b, row, k->at, "NO_MATCH", ret, "is not of the form %.120s", r->pattern);
    else if (k->values > 0 && !is_listed(k, c, row)) {
        list_values(r, list);
        dictionary_refuse(b, row, k->at, "NOT_ALLOWED", ret, "is none of: %s", list);
    } else {
        return 1;
    }
    return 0;
}

int dictionary_check(struct dictionary *d, const struct batch *b, struct reject_info *ret)
{
    size_t row = b->rows - 1;

    if (d->missing != NULL)
        return missing(b, row, d->missing, ret);
    for (size_t i = 0; i < d->count; i++)
        if (!check(&d->bounds[i], b, row, ret))
            return 0;
    return 1;
}

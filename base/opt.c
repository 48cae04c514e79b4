#include "base/opt.h"
#include "base/str.h"

static const struct opt *find(const struct opt *table, struct str name, char letter)
{
    for (; table != NULL && table->name != NULL; table++)
        if (letter != 0 ? table->letter == letter : str_is(name, table->name))
            return table;
    return NULL;
}

static int unknown(const struct opt *own, const struct opt *common, const char *word, size_t n,
                   struct err *err)
{
    const char *names[64];
    char given[64];
    size_t count = 0;

    snprintf(given, sizeof given, "%.*s", (int)(n < 60 ? n : 60), word);
    for (int k = 0; k < 2; k++)
        for (const struct opt *o = k == 0 ? own : common; o != NULL && o->name != NULL && count < 63; o++)
            names[count++] = o->name;
    names[count] = NULL;
    err_set(err, ERR_USAGE, "unknown option '%s'", given);
    const char *near = str_nearest(given + strspn(given, "-"), names);
    if (near != NULL)
        return err_hint(err, "the nearest is --%s", near);
    return -(int)ERR_USAGE;
}

static int take(const struct opt *o, const char *shown, const char *value, struct err *err)
{
    if (o->kind == OPT_TEXT) {
        *(const char **)o->value = value;
        return 0;
    }
    if (str_to_i64(str_of(value), 0, INT64_MAX, (int64_t *)o->value, err) < 0) {
        err_prefix(err, "%s", shown);
        err->code = ERR_USAGE;
        return -(int)ERR_USAGE;
    }
    return 0;
}

/* One option at argv[i], perhaps with its value in argv[i + 1]: returns how many words it took. */
static int option(const struct opt *own, const struct opt *common, int argc, char **argv, int i,
                  struct err *err)
{
    const char *word = argv[i], *value = NULL;
    const struct opt *o = NULL;
    bool is_long = word[1] == '-';
    size_t n = is_long ? strcspn(word, "=") : 2;
    struct str name = {word + 2, is_long ? n - 2 : 0};

    o = find(own, name, is_long ? '\0' : word[1]);
    if (o == NULL)
        o = find(common, name, is_long ? '\0' : word[1]);
    if (o == NULL)
        return unknown(own, common, word, n, err);
    if (word[n] != '\0')
        value = word + n + (is_long ? 1 : 0);
    if (o->kind == OPT_FLAG) {
        if (value != NULL)
            return err_set(err, ERR_USAGE, "--%s takes no value", o->name);
        *(bool *)o->value = true;
        return 1;
    }
    if (value != NULL)
        return take(o, word, value, err) < 0 ? -(int)ERR_USAGE : 1;
    if (i + 1 >= argc)
        return err_set(err, ERR_USAGE, "--%s needs a value: %s", o->name, o->arg);
    return take(o, word, argv[i + 1], err) < 0 ? -(int)ERR_USAGE : 2;
}

int opt_parse(const struct opt *own, const struct opt *common, int argc, char **argv, int first,
              bool stop_at_word, struct opt_args *ret, int *ret_next, struct err *err)
{
    bool only_args = false;
    int i = first;

    ret->count = 0;
    while (i < argc) {
        const char *word = argv[i];
        if (!only_args && strcmp(word, "--") == 0) {
            only_args = true;
            i++;
        } else if (!only_args && word[0] == '-' && word[1] != '\0') {
            int took = option(own, common, argc, argv, i, err);
            if (took < 0)
                return took;
            i += took;
        } else {
            if (stop_at_word)
                break;
            if (ret->count == OPT_MAX_ARGS)
                return err_set(err, ERR_USAGE, "more than %d arguments", OPT_MAX_ARGS);
            ret->items[ret->count++] = word;
            i++;
        }
    }
    if (ret_next != NULL)
        *ret_next = i;
    return 0;
}

/* Within 80 columns, behind what stands on the left. */
static void explained(const char *text, FILE *to)
{
    enum { INDENT = 37, WIDTH = 80 };
    size_t at = INDENT;

    for (bool first = true; *text != '\0'; first = false) {
        size_t n = strcspn(text, " ");
        if (!first && at + 1 + n > WIDTH) {
            fprintf(to, "\n%*s", INDENT, "");
            at = INDENT;
        } else if (!first) {
            fputc(' ', to);
            at++;
        }
        fprintf(to, "%.*s", (int)n, text);
        at += n;
        text += n + (text[n] == ' ');
    }
    fputc('\n', to);
}

bool opt_has(const struct opt *table, const char *name)
{
    return find(table, str_of(name), '\0') != NULL;
}

void opt_help(const struct opt *table, const struct opt *but, FILE *to)
{
    for (; table != NULL && table->name != NULL; table++) {
        char left[80];
        int n = 0;
        if (opt_has(but, table->name))
            continue;
        if (table->letter != 0)
            n = snprintf(left, sizeof left, "  -%c, --%s", table->letter, table->name);
        else
            n = snprintf(left, sizeof left, "      --%s", table->name);
        if (table->arg != NULL && n > 0)
            snprintf(left + n, sizeof left - (size_t)n, " %s", table->arg);
        fprintf(to, "%-36s ", left);
        explained(table->help, to);
    }
}

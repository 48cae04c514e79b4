/*
 * Which objects are files of the pipeline. A pattern without '/' is for the last part of the key; one with
 * '/' is for the key below its partition's prefix, or for the whole key. '*' and '?' do not cross a '/',
 * [a-z] and [!a-z] are sets; case counts. As in Hive and Spark, a part that begins with '_' or '.' is hidden
 * (_SUCCESS, _temporary/0/x.csv, .x.csv.swp) unless the pattern's part begins with the same character.
 */
#include "base/str.h"
#include "steps/steps_int.h"

/* After the '[': whether c is in the set; *end past the ']'. A set without ']' is no set: *end NULL. */
static bool in_set(const char *p, unsigned char c, const char **end)
{
    bool negated = *p == '!' || *p == '^', in = false;
    const char *first = negated ? p + 1 : p;

    for (p = first; *p != '\0' && (*p != ']' || p == first); p++) {
        unsigned char low = (unsigned char)*p, high = low;
        if (p[1] == '-' && p[2] != '\0' && p[2] != ']') {
            high = (unsigned char)p[2];
            p += 2;
        }
        in |= c >= low && c <= high;
    }
    *end = *p == ']' ? p + 1 : NULL;
    return in != negated && c != '/';
}

/* One character of the pattern against one of the text; *next the pattern after it. */
static bool takes(const char *p, char c, const char **next)
{
    *next = p + 1;
    if (*p == '?')
        return c != '/';
    if (*p == '[') {
        const char *end;
        bool in = in_set(p + 1, (unsigned char)c, &end);
        if (end != NULL) {
            *next = end;
            return in;
        }
    }
    return *p == c;
}

static bool hidden(char c)
{
    return c == '_' || c == '.';
}

/* Linear but for the last '*': no pattern makes it slow. */
static bool glob(const char *p, const char *text)
{
    const char *star = NULL, *back = NULL, *next, *t = text;

    for (;;) {
        bool starts = t == text || t[-1] == '/';
        if (*t != '\0' && *p == '*' && !(starts && hidden(*t))) {
            star = p++;
            back = t;
            continue;
        }
        if (*t == '\0') {
            while (*p == '*')
                p++;
            if (*p == '\0')
                return true;
        } else if (*p != '\0' && *p != '*' && takes(p, *t, &next) && !(starts && hidden(*t) && *p != *t)) {
            p = next;
            t++;
            continue;
        }
        if (star == NULL || *back == '\0' || *back == '/')
            return false;
        p = star + 1; /* the '*' takes one character more */
        t = ++back;
    }
}

static bool any_hidden(const char *from, const char *to)
{
    for (const char *p = from; p < to; p++)
        if (hidden(*p) && (p == from || p[-1] == '/'))
            return true;
    return false;
}

/* The key below its partition: past as many '/' as prefix and layout have. */
static const char *below(const struct pipeline *p, const char *key)
{
    const char *const texts[] = {p->prefix ? p->prefix : "", p->layout};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        for (const char *t = strchr(texts[i], '/'); t != NULL; t = strchr(t + 1, '/')) {
            const char *slash = strchr(key, '/');
            if (slash == NULL)
                return key;
            key = slash + 1;
        }
    return key;
}

bool include_matches(const struct pipeline *p, const char *key)
{
    const char *rest = below(p, key), *slash = strrchr(rest, '/');
    const char *last = slash != NULL ? slash + 1 : rest;

    for (const char *const *pattern = p->include; pattern != NULL && *pattern != NULL; pattern++) {
        if (strchr(*pattern, '/') != NULL) {
            if (glob(*pattern, rest) || (!any_hidden(rest, last + 1) && glob(*pattern, key)))
                return true;
        } else if (!any_hidden(rest, last) && glob(*pattern, last)) {
            return true;
        }
    }
    return false;
}

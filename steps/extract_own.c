#include "steps/extract_sql_int.h"

/* Past a quoted text, from its opening quote; NULL: it does not end. */
static const char *past_quotes(const char *p)
{
    char quote = *p++;

    for (; *p != '\0'; p++) {
        bool escaped = *p == '\\' && quote != '`' && p[1] != '\0';
        if (escaped || (*p == quote && p[1] == quote))
            p++;
        else if (*p == quote)
            return p + 1;
    }
    return NULL;
}

/* Past a comment that begins at p, or p itself where none does; NULL: it does not end. */
static const char *past_comment(const char *p)
{
    if (*p == '#' || (p[0] == '-' && p[1] == '-' && ((unsigned char)p[2] <= ' ' || p[2] == 0x7f)))
        return p + strcspn(p, "\n");
    if (p[0] != '/' || p[1] != '*')
        return p;
    const char *end = strstr(p + 2, "*/");
    return end != NULL ? end + 2 : NULL;
}

static bool is_executed(const char *p) /* the server runs what is in such a comment */
{
    return strncmp(p, "/*!", 3) == 0 || strncmp(p, "/*M!", 4) == 0;
}

static const char *own_sql_fault(const char *sql)
{
    int depth = 0;

    for (const char *p = sql; *p != '\0';) {
        const char *next;
        if (is_executed(p))
            return "a comment that the server would run (/*!) cannot be looked into";
        next = past_comment(p);
        if (next == NULL)
            return "a comment does not end";
        if (next != p) {
            p = next;
            continue;
        }
        if (strchr("'\"`", *p) != NULL) {
            p = past_quotes(p);
            if (p == NULL)
                return "a quote does not end";
            continue;
        }
        if (*p == ';')
            return "a ';' would begin another statement";
        if (*p == '?')
            return "a '?' outside quotes has no value";
        depth += (*p == '(') - (*p == ')');
        if (depth < 0)
            return "a ')' closes a bracket that it did not open";
        p++;
    }
    return depth > 0 ? "a '(' is not closed" : NULL;
}

int own_sql_check(const char *table, const char *what, const char *sql, struct err *err)
{
    const char *fault = str_trim(str_of(sql)).n == 0 ? "it is empty" : own_sql_fault(sql);

    return fault == NULL ? 0 : err_set(err, ERR_CONFIG, "%s: %s: %s", table, what, fault);
}

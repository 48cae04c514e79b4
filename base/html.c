#include "base/html.h"
#include "base/str.h"
#include <string.h>

static const char *entity(char c)
{
    return c == '&'    ? "&amp;"
           : c == '<'  ? "&lt;"
           : c == '>'  ? "&gt;"
           : c == '"'  ? "&quot;"
           : c == '\'' ? "&#39;"
                       : NULL;
}

int html_add(struct buf *b, const char *s, size_t n, struct err *err)
{
    int rc = 0;

    for (size_t i = 0, step; i < n && rc >= 0; i += step) {
        size_t plain = str_plain_char(s + i, n - i);
        const char *name = entity(s[i]);
        step = plain > 0 ? plain : 1;
        if (name != NULL)
            rc = buf_adds(b, name, err);
        else if (plain > 0 || s[i] == '\n' || s[i] == '\t')
            rc = buf_add(b, s + i, step, err);
        else
            rc = buf_addf(b, err, "\\x%02x", (unsigned char)s[i]);
    }
    return rc;
}

int html_adds(struct buf *b, const char *s, struct err *err)
{
    return s != NULL ? html_add(b, s, strlen(s), err) : 0;
}

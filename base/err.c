#include "base/err.h"
#include "base/str.h"
#include <stdarg.h>

static const struct {
    const char *name, *doc;
    int exit;
    bool retryable, counts;
} rows[] = {
    {"", "", 0, false, false},
#define ERR(sym, name, exit, retryable, counts, doc) {name, doc, exit, retryable, counts},
#include "base/err.def"
#undef ERR
};

/*
 * vsnprintf that marks what did not fit, by way of a copy: an argument may lie in the same struct err. What
 * a server or a file put into it becomes one line of UTF-8, or it could not be kept as JSON.
 */
static PRINTF(3, 0) void put(char *dst, size_t n, const char *fmt, va_list ap)
{
    char text[sizeof((struct err *)NULL)->msg];
    size_t bad;
    int want = vsnprintf(text, n, fmt, ap);

    if (want < 0)
        text[0] = '\0';
    if (want >= 0 && (size_t)want >= n) {
        size_t end = n - 4;
        while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
            end--; /* never in the middle of a character */
        memcpy(text + end, "...", 4);
    }
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    for (char *p = text; str_utf8_valid(p, strlen(p), &bad) == 0; p += bad)
        p[bad] = '?';
    memcpy(dst, text, strlen(text) + 1);
}

static PRINTF(3, 4) void put_text(char *dst, size_t n, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put(dst, n, fmt, ap);
    va_end(ap);
}

int(err_set)(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    err->code = code;
    err->native = 0;
    err->name[0] = '\0';
    err->hint[0] = '\0';
    return -(int)code;
}

int(err_prefix)(struct err *err, const char *fmt, ...)
{
    char context[sizeof err->msg];
    va_list ap;

    va_start(ap, fmt);
    put(context, sizeof context, fmt, ap);
    va_end(ap);
    put_text(err->msg, sizeof err->msg, "%s: %s", context, err->msg);
    return -(int)err->code;
}

int(err_hint)(struct err *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
    return -(int)err->code;
}

int(err_errno)(struct err *err, int saved_errno, const char *fmt, ...)
{
    enum err_code code = ERR_IO;
    char what[sizeof err->msg], reason[128];
    va_list ap;

    if (saved_errno == ENOSPC || saved_errno == EDQUOT)
        code = ERR_DISK_FULL;
    else if (saved_errno == EACCES || saved_errno == EPERM || saved_errno == EROFS)
        code = ERR_ACCESS_DENIED;
    else if (saved_errno == ENOENT || saved_errno == ENOTDIR)
        code = ERR_NOT_FOUND;
    va_start(ap, fmt);
    put(what, sizeof what, fmt, ap);
    va_end(ap);
    int rc = err_set(err, code, "%s: %s", what, strerror_r(saved_errno, reason, sizeof reason));
    err->native = saved_errno;
    return rc;
}

const char *err_name(enum err_code code)
{
    return (unsigned)code < ARRAY_LEN(rows) ? rows[code].name : rows[ERR_INTERNAL].name;
}

const char *err_asl(const struct err *err)
{
    return err->name[0] != '\0' ? err->name : err_name(err->code);
}

const char *err_doc(enum err_code code)
{
    return (unsigned)code < ARRAY_LEN(rows) ? rows[code].doc : "";
}

int err_exit_status(enum err_code code)
{
    return (unsigned)code < ARRAY_LEN(rows) ? rows[code].exit : 1;
}

bool err_retryable(enum err_code code)
{
    return (unsigned)code < ARRAY_LEN(rows) && rows[code].retryable;
}

bool err_counts(enum err_code code)
{
    return (unsigned)code < ARRAY_LEN(rows) && rows[code].counts;
}

enum err_code err_by_name(const char *name)
{
    for (size_t i = 1; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return (enum err_code)i;
    return ERR_INTERNAL;
}

#include "base/err.h"
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

/* vsnprintf that marks what did not fit. */
static void put(char *dst, size_t n, const char *fmt, va_list ap)
{
    int want = vsnprintf(dst, n, fmt, ap);
    if (want < 0)
        dst[0] = '\0';
    else if ((size_t)want >= n)
        memcpy(dst + n - 4, "...", 4);
    for (char *p = dst; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' '; /* one error is one line, whatever a server or a file put into it */
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    err->code = code;
    err->native = 0;
    err->name[0] = '\0';
    err->hint[0] = '\0';
    va_start(ap, fmt);
    put(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    return -(int)code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
    char context[sizeof err->msg], joined[2 * sizeof err->msg + 2];
    va_list ap;

    va_start(ap, fmt);
    put(context, sizeof context, fmt, ap);
    va_end(ap);
    snprintf(joined, sizeof joined, "%s: %s", context, err->msg);
    if (strlen(joined) >= sizeof err->msg)
        memcpy(joined + sizeof err->msg - 4, "...", 4);
    memcpy(err->msg, joined, strlen(joined) + 1);
    return -(int)err->code;
}

int err_hint(struct err *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
    return -(int)err->code;
}

int err_errno(struct err *err, int saved_errno, const char *fmt, ...)
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

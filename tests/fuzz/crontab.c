/* Any text as a crontab: the line goes in once, comes out again, and every other byte stays. */
#include "cron/crontab.h"
#include "base/limits.h"
#include "base/mem.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char config[] = "/c";
static const char line[] = "* * * * * orch -c /c tick # orch: /c\n";

static int edit(const char *text, size_t n, const char *with, struct buf *ret)
{
    struct err err;
    int old = 0;

    buf_clear(ret);
    if (crontab_edit(text, n, config, with, ret, &old, &err) < 0)
        abort();
    return old;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *text = (const char *)data;
    struct buf with = BUF_INIT(64 * MIB), again = BUF_INIT(64 * MIB), without = BUF_INIT(64 * MIB);
    size_t stranger = 0;

    int old = edit(text, n, line, &with);
    if (edit(with.p, with.n, line, &again) != 1 || again.n != with.n || memcmp(again.p, with.p, with.n) != 0)
        abort();
    edit(with.p, with.n, "", &without);
    bool ended = n == 0 || text[n - 1] == '\n';
    if (old == 0 && (without.n != n + !ended || (n > 0 && memcmp(without.p, text, n) != 0)))
        abort();
    if (!crontab_has_jobs(with.p, with.n))
        abort();
    const char *found = crontab_stranger(text, n, config, &stranger);
    if (found != NULL && (found < text || found + stranger > text + n))
        abort();
    buf_release(&with);
    buf_release(&again);
    buf_release(&without);
    return 0;
}

/* Any text: refused with a sentence, or an expression whose next and prev are each other's inverse. */
#include "cron/cronexpr.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = xstrndup((const char *)data, n);
    struct cronexpr c;
    struct err err;
    int64_t t = 1654387200000, anchor = t, ms = 0, back = 0;

    if (cronexpr_parse(text, &c, &err) < 0) {
        if (err.code != ERR_CONFIG || err.msg[0] == '\0')
            abort();
    } else {
        for (int i = 0; i < 3 && cronexpr_next(&c, NULL, anchor, t, &ms) == 1; i++) {
            if (ms <= t || cronexpr_prev(&c, NULL, anchor, ms, &back) != 1 || back != ms)
                abort();
            if (cronexpr_prev(&c, NULL, anchor, ms - 1, &back) == 1 && back > t)
                abort(); /* a fire between the two was jumped over */
            t = ms;
        }
    }
    free(text);
    return 0;
}

#include "state/chronicle.h"
#include "base/mem.h"
#include "state/store_int.h"

static int hand_over(sqlite3_stmt *st, int (*fn)(void *arg, const struct happening *h, struct err *err),
                     void *arg, struct err *err)
{
    char *texts[5];
    int rc;

    for (int i = 0; i < 5; i++) {
        texts[i] = col_text(st, i + 1);
        if (texts[i] == NULL)
            texts[i] = xstrdup("");
    }
    const struct happening h = {.at_ms = col_i64(st, 0),
                                .pipeline = texts[0],
                                .part = texts[1],
                                .kind = texts[2],
                                .what = texts[3],
                                .detail = texts[4]};
    rc = fn(arg, &h, err);
    for (int i = 0; i < 5; i++)
        free(texts[i]);
    return rc;
}

int chronicle_list(struct store *s, const char *pipeline, const char *part, int64_t since_ms, int64_t limit,
                   int (*fn)(void *arg, const struct happening *h, struct err *err), void *arg,
                   struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_CHRONICLE, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, part);
    bind_i64(st, 3, since_ms);
    bind_i64(st, 4, limit);
    while ((rc = stmt_step(s, st, err)) > 0) {
        rc = hand_over(st, fn, arg, err);
        if (rc < 0) {
            stmt_done(st);
            return rc;
        }
    }
    return rc;
}

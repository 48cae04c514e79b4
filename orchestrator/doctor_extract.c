/* What orch doctor tries of an extract: each table, one moment for several connections, a file that is written and removed. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "io/sink.h"
#include "io/snapshot.h"
#include "io/target_moment.h"
#include "orchestrator/doctor.h"
#include "steps/extract.h"
#include <unistd.h>

enum { SMALL = 64 };

/* --- the database --- */

static void check_tables(struct doctor *d, struct step_ctx *ctx, const struct extract *x, const char *what)
{
    struct err err;
    size_t good = 0;

    for (size_t i = 0; i < x->table_count; i++) {
        if (step_extract_try(ctx, &x->tables[i], &err) == 0) {
            good++;
            continue;
        }
        err_ignore(err_prefix(&err, "%s", x->tables[i].name));
        doctor_fail(d, what, &err);
    }
    if (good > 0)
        doctor_say(d, what, DOCTOR_OK, NULL, "%zu of %zu tables can be taken", good, x->table_count);
}

static bool by_windows(const struct extract *x)
{
    for (size_t i = 0; i < x->table_count; i++)
        if (x->tables[i].watermark[0] != NULL)
            return true;
    return false;
}

static void check_moment(struct doctor *d, struct target *t, const struct extract *x, const char *what)
{
    struct moment m;
    struct err err;

    if (target_moment(t, x->lag_ms, &m, &err) < 0) {
        doctor_fail(d, what, &err);
        return;
    }
    doctor_skew(d, what, "the database", m.now_ms - clock_real_ms(), 60000);
    if (!by_windows(x))
        return;
    if (!m.sees)
        doctor_say(
            d, what, DOCTOR_WARN,
            "GRANT PROCESS, and windows end before the oldest of them; or set lag to more than one lasts",
            "open transactions cannot be seen: rows that are committed more than %lld s after their time "
            "are missed",
            (long long)(x->lag_ms / 1000));
    else
        doctor_say(d, what, DOCTOR_OK, NULL,
                   "open transactions are seen: windows end before the oldest of them%s%s",
                   m.held[0] != '\0' ? "; now " : "", m.held);
}

static void check_parallel(struct doctor *d, const struct pipeline *p, const char *what)
{
    const struct extract *x = p->extract;
    const char **tables = xcalloc(x->table_count + 1, sizeof *tables);
    size_t n = 0, wanted = (size_t)x->parallel < x->table_count ? (size_t)x->parallel : x->table_count;
    struct snapshot *s = NULL;
    struct err err;

    for (size_t i = 0; i < x->table_count; i++)
        if (x->tables[i].table != NULL)
            tables[n++] = x->tables[i].table;
    if (n < x->table_count) { /* as a run has it */
        if (wanted > 1)
            doctor_say(
                d, what, DOCTOR_WARN, "an extract of its own for the query",
                "one table at a time: which tables a query reads is not known, so they cannot be held still");
        wanted = 1;
    }
    if (wanted > 1 && snapshot_open(&p->target, wanted, tables, n, &s, &err) < 0)
        doctor_fail(d, what, &err);
    else if (wanted > 1 && snapshot_count(s) < wanted)
        doctor_say(d, what, DOCTOR_WARN,
                   "GRANT RELOAD, or LOCK TABLES on the database, lets several begin at one moment",
                   "one table at a time, in place of %zu: %s", wanted, snapshot_notice(s));
    else if (wanted > 1)
        doctor_say(d, what, DOCTOR_OK, NULL, "%zu tables at a time, in one snapshot", wanted);
    snapshot_close(s);
    free(tables);
}

static void check_database(struct doctor *d, struct cli *c, const struct pipeline *p)
{
    struct target *t = NULL;
    struct step_ctx ctx;
    struct err err;
    char *what = xasprintf("%s database", p->name);

    cli_step(c, p, &ctx);
    if (step_target(&ctx, &t, &err) < 0) {
        doctor_fail(d, what, &err);
    } else {
        doctor_say(d, what, DOCTOR_OK, NULL, "%s: %s", target_name(t), target_version(t));
        check_moment(d, t, p->extract, what);
        check_tables(d, &ctx, p->extract, what);
        check_parallel(d, p, what);
        doctor_needs_extract(d, t, p);
    }
    cli_step_end(&ctx);
    free(what);
}

/* --- where files go --- */

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    UNUSED(arg);
    UNUSED(o);
    return err_set(err, ERR_CANCELLED, "one is enough");
}

static int small_one(struct sink *s, const char *key, struct err *err)
{
    struct buf back = BUF_INIT(SMALL);
    int rc = sink_put_new(s, key, "orch doctor\n", 12, err);

    if (rc > 0)
        rc = sink_read(s, key, &back, err);
    if (rc == 0)
        rc = err_set(err, ERR_TRANSIENT, "%s was written, and is not there", key);
    if (rc > 0)
        rc = sink_remove(s, key, err);
    buf_release(&back);
    return rc;
}

/* In pieces, as a file grows, and given up: what a run that fails does. */
static int pieces(struct sink *s, const char *key, struct err *err)
{
    char *zeros = xcalloc(1, SINK_PIECE);
    struct upload *u = NULL;
    int rc = sink_upload(s, key, &u, err);

    for (int i = 0; rc == 0 && i < 2; i++)
        rc = upload_write(u, zeros, i == 0 ? SINK_PIECE : 1, err);
    upload_abort(u);
    free(zeros);
    if (rc == 0 && sink_left(s)[0] != '\0') {
        err_set(err, ERR_ACCESS_DENIED, "%s", sink_left(s));
        rc = err_hint(err, "s3:AbortMultipartUpload and s3:ListMultipartUploadParts; a lifecycle rule for "
                           "incomplete uploads removes what stays");
    }
    if (rc == 0)
        rc = sink_abandon(s, key, NULL, NULL, err);
    return rc < 0 ? rc : 0;
}

void doctor_files(struct doctor *d, const char *what, const struct source_config *place, const char *prefix)
{
    unsigned char r[4];
    char *key;
    struct sink *s = NULL;
    struct err err;

    random_bytes(r, sizeof r);
    key = xasprintf("%s_orch_doctor_%02x%02x%02x%02x", prefix, r[0], r[1], r[2], r[3]);
    int rc = sink_open(place, &s, &err);
    if (rc == 0 && (rc = sink_list(s, prefix, on_object, NULL, &err)) < 0 && err.code == ERR_CANCELLED)
        rc = 0;
    char *above = rc == 0 ? sink_above(s, key) : NULL;
    if (above != NULL && access(above, W_OK | X_OK) < 0) /* a look makes no folders */
        rc = err_errno(&err, errno, "cannot make folders in %s", above);
    if (rc == 0 && above == NULL)
        rc = small_one(s, key, &err);
    if (rc >= 0 && above == NULL)
        rc = pieces(s, key, &err);
    if (rc < 0)
        doctor_fail(d, what, &err);
    else if (above != NULL)
        doctor_say(d, what, DOCTOR_OK, NULL, "%s%s is not there yet: the first run makes it, in %s",
                   place->url, prefix, above);
    else
        doctor_say(d, what, DOCTOR_OK, NULL, "%s%s: files can be written, given up, read and removed",
                   place->url, prefix);
    sink_close(s);
    free(above);
    free(key);
}

void doctor_extract(struct doctor *d, struct cli *c, const struct pipeline *p)
{
    check_database(d, c, p);
    char *what = xasprintf("%s files", p->name);
    doctor_files(d, what, &p->source, p->extract->prefix);
    free(what);
}

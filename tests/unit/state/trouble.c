#include "state/trouble.h"
#include "base/mem.h"
#include "state/store_int.h"
#include "tests/lib/run.h"
#include "tests/tap.h"

static struct err err;
static struct store *s;
static char seen[400];

static void open_fresh(void)
{
    char *folder = tmp_dir(), *path = tmp_path(folder, "orch.db");

    must_rc(store_open(path, STORE_CREATE, &s, &err), &err);
    must_rc(store_begin(s, &err), &err);
    free(folder);
    free(path);
}

static int note(void *arg, const struct trouble *t, struct err *e)
{
    UNUSED(arg);
    UNUSED(e);
    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s%s", seen[0] != '\0' ? ", " : "", t->key);
    return 0;
}

static void see(const char *key, const char *pipeline, int64_t now)
{
    const struct trouble t = {.key = key, .pipeline = pipeline, .class = "FAILED", .text = "text"};

    must_rc(trouble_seen(s, &t, now, &err), &err);
}

static const char *gone(const char *pipeline, int64_t now)
{
    seen[0] = '\0';
    must_rc(trouble_gone(s, pipeline, now, note, NULL, &err), &err);
    return seen;
}

static int note_times(void *arg, const struct trouble *t, struct err *e)
{
    UNUSED(arg);
    UNUSED(e);
    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s %lld-%lld;", t->key,
             (long long)t->opened_ms, (long long)t->said_ms);
    return 0;
}

/* What the tick decides by: since when a trouble stands, and when it was last said. */
TEST(seeing_a_trouble_again_keeps_when_it_opened_and_when_it_was_said)
{
    open_fresh();
    see("p FAILED a", "p", 10);
    must_rc(trouble_said(s, "p FAILED a", 12, &err), &err);
    see("p FAILED a", "p", 300);
    see("p FAILED b", "p", 300);
    seen[0] = '\0';
    must_rc(trouble_list(s, "p", note_times, NULL, &err), &err);
    is_str(seen, "p FAILED a 10-12;p FAILED b 300-0;");
    store_close(s);
}

TEST(its_end_is_told_once_and_only_if_it_was_told)
{
    open_fresh();
    see("p FAILED a", "p", 10);
    see("p FAILED b", "p", 10);
    see("q FAILED a", "q", 10);
    must_rc(trouble_said(s, "p FAILED a", 10, &err), &err);
    must_rc(trouble_said(s, "q FAILED a", 10, &err), &err);
    see("p FAILED c", "p", 20);
    is_str(gone("p", 20), "p FAILED a"); /* b went before anybody heard of it */
    is_str(gone("p", 20), "");
    seen[0] = '\0';
    must_rc(trouble_list(s, NULL, note, NULL, &err), &err);
    is_str(seen, "p FAILED c, q FAILED a");
    is_str(gone(NULL, 20), "q FAILED a");
    store_close(s);
}

static int note_job(void *arg, const struct bad_job *j, struct err *e)
{
    UNUSED(arg);
    UNUSED(e);
    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s%s#%lld %s", seen[0] != '\0' ? ", " : "",
             j->part, (long long)j->n, j->state);
    return 0;
}

static int note_late(void *arg, const char *part, int64_t since_ms, const char *reason, struct err *e)
{
    UNUSED(arg);
    UNUSED(e);
    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s@%lld%s", part, (long long)since_ms, reason);
    return 0;
}

TEST(bad_jobs_are_found_also_while_they_are_tried_again_but_not_what_was_skipped)
{
    open_fresh();
    must(sqlite3_exec(
             store_db(s),
             "INSERT INTO job(pipeline, part, n, kind, state, tries, error, created_ms, updated_ms) VALUES"
             " ('p', 'a', 1, 'LOAD', 'FAILED', 1, 'E', 0, 0), ('p', 'b', 1, 'LOAD', 'RECONCILED', 0, NULL, "
             "0, 0),"
             " ('p', 'c', 2, 'LOAD', 'PROCESSING', 1, 'E', 0, 0), ('p', 'd', 1, 'LOAD', 'QUEUED', 0, NULL, "
             "0, 0),"
             " ('p', 'e', 1, 'LOAD', 'DEAD', 5, 'E', 0, 0), ('p', 'f', 1, 'LOAD', 'MISMATCHED', 0, NULL, 0, "
             "0),"
             " ('p', 'g', 1, 'LOAD', 'FAILED', 1, 'E', 0, 0), ('q', 'a', 1, 'LOAD', 'DEAD', 1, 'E', 0, 0);"
             "INSERT INTO partition_(pipeline, part, state, since_ms, reason) VALUES ('p', 'g', 'SKIPPED', "
             "1, ''),"
             " ('p', 'h', 'LATE', 77, ' why'), ('p', 'i', 'WAITING', 78, '')",
             NULL, NULL, NULL) == SQLITE_OK);
    seen[0] = '\0';
    must_rc(trouble_jobs(s, "p", note_job, NULL, &err), &err);
    is_str(seen, "a#1 FAILED, c#2 PROCESSING, e#1 DEAD, f#1 MISMATCHED");
    seen[0] = '\0';
    must_rc(trouble_late(s, "p", note_late, NULL, &err), &err);
    is_str(seen, "h@77 why");
    store_close(s);
}

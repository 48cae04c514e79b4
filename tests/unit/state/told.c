#include "state/told.h"
#include "base/mem.h"
#include "state/store_int.h"
#include "tests/lib/run.h"
#include "tests/tap.h"

static struct err err;
static struct store *s;
static char seen[600];

static void open_fresh(void)
{
    char *folder = tmp_dir(), *path = tmp_path(folder, "orch.db");

    must_rc(store_open(path, STORE_CREATE, &s, &err), &err);
    must_rc(store_begin(s, &err), &err);
    free(folder);
    free(path);
}

static int note(void *arg, const struct told *t, struct err *e)
{
    UNUSED(arg);
    UNUSED(e);
    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s%s@%lld/%lld/%lld%s",
             seen[0] != '\0' ? ", " : "", t->part, (long long)t->opened_ms, (long long)t->said_ms,
             (long long)t->gone_ms, t->ending);
    return 0;
}

static const char *rows(const char *channel)
{
    seen[0] = '\0';
    must_rc(told_list(s, channel, note, NULL, &err), &err);
    return seen;
}

static void stands(const char *channel, const char *part, int64_t opened)
{
    char *key = xasprintf("p LATE %s", part);
    const struct told t = {.key = key,
                           .pipeline = "p",
                           .class = "LATE",
                           .part = part,
                           .text = "text",
                           .hint = "hint",
                           .opened_ms = opened};

    must_rc(told_stands(s, channel, &t, &err), &err);
    free(key);
}

TEST(each_channel_has_a_belief_of_its_own)
{
    open_fresh();
    stands("webhook", "a", 1);
    stands("webhook", "b", 2);
    stands("command", "a", 1);
    must_rc(told_said(s, "webhook", "p LATE a", 5, &err), &err);
    is_str(rows("webhook"), "a@1/5/0, b@2/0/0");
    is_str(rows("command"), "a@1/0/0");
    must_rc(told_drop(s, "webhook", "p LATE b", &err), &err);
    is_str(rows("webhook"), "a@1/5/0");
    must_rc(told_drop_all(s, "webhook", &err), &err);
    is_str(rows("webhook"), "");
    is_str(rows("command"), "a@1/0/0");
    store_close(s);
}

TEST(what_comes_again_before_its_end_was_told_is_still_what_was_told)
{
    open_fresh();
    stands("webhook", "a", 1);
    must_rc(told_said(s, "webhook", "p LATE a", 5, &err), &err);
    must_rc(told_gone(s, "webhook", "p LATE a", "skipped by x: y", 7, &err), &err);
    is_str(rows("webhook"), "a@1/5/7skipped by x: y");
    stands("webhook", "a", 9);
    is_str(rows("webhook"), "a@1/5/0");
    store_close(s);
}

static int note_channel(void *arg, const struct channel_row *c, struct err *e)
{
    UNUSED(arg);
    UNUSED(e);
    snprintf(seen, sizeof seen, "%s %lld %lld ok %lld since %lld tried %lld '%s'", c->name,
             (long long)c->sent, (long long)c->failed, (long long)c->ok_ms, (long long)c->failing_since_ms,
             (long long)c->tried_ms, c->error);
    return 0;
}

static const char *channel(void)
{
    must_rc(channel_list(s, note_channel, NULL, &err), &err);
    return seen;
}

TEST(a_channel_fails_since_it_began_to_and_its_counts_never_go_back)
{
    open_fresh();
    must_rc(channel_ok(s, "webhook", 3, &err), &err);
    is_str(channel(), "webhook 1 0 ok 3 since 0 tried 3 ''");
    must_rc(channel_failed(s, "webhook", "away", 5, &err), &err);
    must_rc(channel_failed(s, "webhook", "still away", 9, &err), &err);
    is_str(channel(), "webhook 1 2 ok 3 since 5 tried 9 'still away'");
    must_rc(channel_ok(s, "webhook", 12, &err), &err);
    is_str(channel(), "webhook 2 2 ok 12 since 0 tried 12 ''");
    store_close(s);
}

static void sql(const char *text)
{
    must(sqlite3_exec(store_db(s), text, NULL, NULL, NULL) == SQLITE_OK);
}

TEST(who_settled_a_trouble_is_known)
{
    char ending[200];

    open_fresh();
    sql("INSERT INTO partition_(pipeline, part, state, since_ms, reason) VALUES ('p', 'a', 'SKIPPED', 1, "
        "'closed'),"
        " ('p', 'b', 'QUEUED', 1, ''), ('p', 'c', 'ADOPTED', 1, 'by hand')");
    sql("INSERT INTO audit(at_ms, who, verb, pipeline, part, reason) VALUES (1, 'bob@x', 'replay', 'p', 'a', "
        "''),"
        " (2, 'ana@x', 'skip', 'p', 'a', 'closed'), (3, 'bob@x', 'cancel', 'p', 'a', 'closed'),"
        " (4, 'eve@x', 'adopt', 'p', 'b..c', 'by hand'), (5, 'bob@x', 'adopt', 'p', 'd..e', 'by hand'),"
        " (6, 'bob@x', 'skip', 'p', 'c', 'another reason, of before it was adopted')");
    sql("INSERT INTO ack VALUES ('p', 'b', 'SMALL', '7', 1, 'ana@x', 'a holiday')");
    is_int(told_ending(s, "p", "a", "LATE", ending, sizeof ending, &err), 1);
    is_str(ending, "skipped by ana@x: closed");
    is_int(told_ending(s, "p", "c", "LATE", ending, sizeof ending, &err), 1);
    is_str(ending, "adopted by eve@x: by hand");
    is_int(told_ending(s, "p", "b", "SMALL", ending, sizeof ending, &err), 1);
    is_str(ending, "acknowledged by ana@x: a holiday");
    is_int(told_ending(s, "p", "b", "LATE", ending, sizeof ending, &err), 0);
    is_str(ending, "");
    store_close(s);
}

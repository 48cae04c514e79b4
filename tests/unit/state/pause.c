#include "state/pause.h"
#include "tests/lib/queue_fixture.h"

static struct fixture f;
static const char *const P = "2022-06-05T12";

TEST(a_pause_is_set_once_and_the_first_reason_stands)
{
    struct pause p = {0};

    fx_open(&f);
    is_int(pause_get(f.s, "loans", &p, &f.err), 0);
    is_int(pause_set(f.s, "loans", "ana@box", "the warehouse moves", 10, &f.err), 1);
    is_int(pause_set(f.s, "loans", "bo@box", "another", 20, &f.err), 0);
    is_int(pause_get(f.s, "loans", &p, &f.err), 1);
    is_int(p.since_ms, 10);
    is_str(p.who, "ana@box");
    is_str(p.reason, "the warehouse moves");
    is_int(pause_get(f.s, "events", &p, &f.err), 0);
    fx_close(&f);
}

TEST(a_pause_is_taken_back_and_only_changes_are_audited)
{
    struct pause p = {0};

    fx_open(&f);
    is_int(pause_clear(f.s, "loans", "ana", "", 5, &f.err), 0);
    must_rc(pause_set(f.s, "loans", "ana", "why", 10, &f.err), &f.err);
    must_rc(pause_set(f.s, "loans", "ana", "why", 11, &f.err), &f.err);
    is_int(pause_clear(f.s, "loans", "bo", "done", 20, &f.err), 1);
    is_int(pause_get(f.s, "loans", &p, &f.err), 0);
    is_str(fx_text(&f, "SELECT group_concat(verb || ' ' || who || ' ' || reason, '; ') FROM audit"),
           "pause ana why; resume bo done");
    fx_close(&f);
}

TEST(an_acknowledgement_holds_for_what_was_seen_and_no_longer)
{
    fx_open(&f);
    is_int(ack_covers(f.s, "loans", P, "SMALL", "412", &f.err), 0);
    must_rc(ack_put(f.s, "loans", P, "SMALL", "412", "ana", "a holiday", 10, &f.err), &f.err);
    is_int(ack_covers(f.s, "loans", P, "SMALL", "412", &f.err), 1);
    is_int(ack_covers(f.s, "loans", P, "SMALL", "411", &f.err), 0);
    is_int(ack_covers(f.s, "loans", P, "REFUSED", "412", &f.err), 0);
    is_int(ack_covers(f.s, "loans", "2022-06-05T13", "SMALL", "412", &f.err), 0);
    must_rc(ack_put(f.s, "loans", P, "SMALL", "411", "ana", "again", 20, &f.err), &f.err);
    is_int(ack_covers(f.s, "loans", P, "SMALL", "411", &f.err), 1);
    is_int(fx_number(&f, "SELECT count(*) FROM ack"), 1);
    is_int(fx_number(&f, "SELECT count(*) FROM audit WHERE verb = 'ack' AND part = '2022-06-05T12'"), 2);
    fx_close(&f);
}

TEST(an_acknowledged_object_covers_those_before_it_and_not_the_next)
{
    char subject[ACK_SUBJECT_SIZE];

    fx_open(&f);
    int64_t a = fx_see(&f, P, "a", "A", 1), b = fx_see(&f, P, "b", "B", 1);
    is_int(ack_subject(f.s, "loans", P, "REFUSED", subject, &f.err), 0);
    fx_sql(&f, "UPDATE object SET verdict = 'REFUSED'");
    is_int(b - a, 1);
    is_int(ack_subject(f.s, "loans", P, "REFUSED", subject, &f.err), 1);
    must_rc(ack_put(f.s, "loans", P, "REFUSED", subject, "ana", "known", 10, &f.err), &f.err);
    char one[ACK_SUBJECT_SIZE];
    snprintf(one, sizeof one, "%lld", (long long)a);
    is_int(ack_covers(f.s, "loans", P, "REFUSED", one, &f.err), 1);
    is_int(ack_covers(f.s, "loans", P, "REFUSED", subject, &f.err), 1);
    int64_t c = fx_see(&f, P, "c", "C", 1);
    snprintf(one, sizeof one, "%lld", (long long)c);
    is_int(ack_covers(f.s, "loans", P, "REFUSED", one, &f.err), 0);
    fx_close(&f);
}

TEST(the_size_to_acknowledge_is_that_of_the_newest_judgement)
{
    char subject[ACK_SUBJECT_SIZE];

    fx_open(&f);
    is_int(ack_subject(f.s, "loans", P, "SMALL", subject, &f.err), 0);
    fx_sql(&f, "INSERT INTO size_check VALUES ('loans', '2022-06-05T12', 412, 10240, 5000, 8, 1, 5)");
    is_int(ack_subject(f.s, "loans", P, "SMALL", subject, &f.err), 1);
    is_str(subject, "412");
    fx_sql(&f, "UPDATE size_check SET small = 0");
    is_int(ack_subject(f.s, "loans", P, "SMALL", subject, &f.err), 0);
    fx_close(&f);
}

#include "state/last_tick.h"
#include "tests/lib/queue_fixture.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fixture f;

static struct last_tick get(int want)
{
    struct last_tick t;
    int rc = last_tick_get(f.s, &t, &f.err);

    must_rc(rc, &f.err);
    is_int(rc, want);
    return t;
}

static void put_file(const char *text)
{
    char path[120];

    snprintf(path, sizeof path, "%s.tick", f.path);
    FILE *to = fopen(path, "w");
    must(to != NULL);
    fputs(text, to);
    fclose(to);
}

TEST(a_tick_has_begun_then_ended)
{
    fx_open(&f);
    is_int(get(0).started_ms, 0);
    must_rc(last_tick_begin(f.s, 1000, &f.err), &f.err);
    struct last_tick t = get(1);
    is_int(t.started_ms, 1000);
    is_int(t.finished_ms, 0);
    is_int(t.pid, getpid());
    ok(t.host[0] != '\0');
    must_rc(last_tick_end(f.s, 6, 40, 1040, &f.err), &f.err);
    t = get(1);
    is_int(t.finished_ms, 1040);
    is_int(t.success_ms, 1040); /* what it found is not its own failure */
    is_int(t.duration_ms, 40);
    is_int(t.exit_status, 6);
    must_rc(last_tick_begin(f.s, 2000, &f.err), &f.err);
    must_rc(last_tick_end(f.s, 75, 1, 2001, &f.err), &f.err);
    t = get(1);
    is_int(t.finished_ms, 2001);
    is_int(t.success_ms, 1040); /* stopped, or no server: no success */
    fx_close(&f);
}

TEST(the_end_of_an_earlier_tick_does_not_hide_that_a_later_one_died)
{
    int status;

    fx_open(&f);
    must_rc(last_tick_begin(f.s, 1000, &f.err), &f.err);
    pid_t kid = fork();
    if (kid == 0)
        _exit(last_tick_begin(f.s, 2000, &f.err) < 0); /* and dies */
    waitpid(kid, &status, 0);
    is_int(status, 0);
    must_rc(last_tick_end(f.s, 0, 5000, 6000, &f.err), &f.err);
    struct last_tick t = get(1);
    is_int(t.started_ms, 2000);
    is_int(t.finished_ms, 0);
    is_int(t.pid, kid);
    is_int(t.success_ms, 6000); /* the earlier one went well */
    fx_close(&f);
}

TEST(what_a_power_cut_left_is_as_if_no_tick_had_run)
{
    static const char *const torn[] = {"", "tick 1 5 6", "tick 1 1 2 3 4 5 6 7 host .\n", "\n\n\n",
                                       "tick 9 1 2 3 4 5 6 7 host ."};

    fx_open(&f);
    for (size_t i = 0; i < ARRAY_LEN(torn); i++) {
        put_file(torn[i]);
        is_int(get(0).started_ms, 0);
        must_rc(last_tick_begin(f.s, 7000, &f.err), &f.err);
        is_int(get(1).started_ms, 7000);
    }
    fx_close(&f);
}

TEST(a_number_that_is_none_of_a_clock_is_no_record)
{
    static const char *const odd[] = {"99999999999999999999", "-", "x", ""};
    char text[321], line[160];

    fx_open(&f);
    for (size_t i = 0; i <= ARRAY_LEN(odd); i++) {
        snprintf(line, sizeof line, "tick 1 %s 2 3 4 5 6 7 host .", i < ARRAY_LEN(odd) ? odd[i] : "1");
        snprintf(text, sizeof text, "%-319s\n", line);
        put_file(text);
        is_int(get(i == ARRAY_LEN(odd)).finished_ms, i == ARRAY_LEN(odd) ? 2 : 0);
    }
    fx_close(&f);
}

/* A process that was stopped while it had the lock must not hold up the ticks. */
TEST(a_lock_that_is_not_given_back_is_not_waited_for)
{
    char path[120];

    fx_open(&f);
    must_rc(last_tick_begin(f.s, 1, &f.err), &f.err);
    snprintf(path, sizeof path, "%s.tick", f.path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    must(fd >= 0 && flock(fd, LOCK_EX) == 0);
    must_rc(last_tick_begin(f.s, 3, &f.err), &f.err);
    is_int(get(1).started_ms, 3);
    close(fd);
    fx_close(&f);
}

TEST(that_the_metrics_file_cannot_be_written_is_remembered)
{
    fx_open(&f);
    must_rc(last_tick_metrics_said(f.s, 500, &f.err), &f.err); /* by orch run, before any tick */
    is_int(get(1).metrics_said_ms, 500);
    must_rc(last_tick_begin(f.s, 1000, &f.err), &f.err);
    must_rc(last_tick_end(f.s, 0, 1, 1001, &f.err), &f.err);
    is_int(get(1).metrics_said_ms, 500);
    must_rc(last_tick_metrics_said(f.s, 0, &f.err), &f.err);
    is_int(get(1).metrics_said_ms, 0);
    fx_close(&f);
}

/* Nothing is written through a link, and nobody waits for the other end of a FIFO. */
TEST(what_is_no_plain_file_is_left_alone)
{
    char path[120], victim[120], text[8] = "";
    struct last_tick t;
    struct stat st;

    fx_open(&f);
    snprintf(path, sizeof path, "%s.tick", f.path);
    snprintf(victim, sizeof victim, "%s.victim", f.path);
    FILE *to = fopen(victim, "w");
    must(to != NULL && fputs("mine", to) >= 0);
    fclose(to);
    for (int i = 0; i < 3; i++) {
        unlink(path);
        must((i == 0 ? symlink(victim, path) : i == 1 ? mkfifo(path, 0600) : mkdir(path, 0700)) == 0);
        is_int(last_tick_begin(f.s, 1000, &f.err), -ERR_IO);
        ok(strstr(f.err.msg, "is no plain file") != NULL);
        is_int(last_tick_get(f.s, &t, &f.err), -ERR_IO);
        ok(strstr(f.err.hint, "may be deleted") != NULL);
    }
    rmdir(path);
    must(stat(victim, &st) == 0);
    is_int(st.st_size, 4);
    to = fopen(victim, "r");
    must(to != NULL && fgets(text, sizeof text, to) != NULL);
    fclose(to);
    is_str(text, "mine");
    unlink(victim);
    fx_close(&f);
}

#include "tests/lib/queue_fixture.h"

static struct fixture f;
static int64_t run, job, load;

static void set_up(void)
{
    fx_open(&f);
    run = fx_run(&f, "t");
    job = fx_job(&f, "2022-06-05T12", "LOAD", (int64_t[]){fx_see(&f, "2022-06-05T12", "a.csv", "A", 10), 0});
    load = fx_load_of(&f, job);
    fx_take(&f, "t", run, job);
}

static struct reject row(int64_t line)
{
    return (struct reject){.load_id = load,
                           .line = line,
                           .offset = line * 10,
                           .raw_total = 5,
                           .column = "age",
                           .code = "NOT_AN_INT",
                           .message = "'x' is not an INT",
                           .raw = "x,\0,y",
                           .raw_n = 5};
}

static int put(int64_t line, bool first)
{
    const struct reject r = row(line);

    return reject_put(f.s, "t", load, &r, 1, first, 7, &f.err);
}

struct got {
    int n;
    int64_t lines[8];
    char state[16], part[20], raw[8];
    size_t raw_n;
};

static int on_reject(void *arg, const struct reject *r, struct err *err)
{
    struct got *g = arg;

    UNUSED(err);
    g->lines[g->n++ % 8] = r->line;
    snprintf(g->state, sizeof g->state, "%s", r->state);
    snprintf(g->part, sizeof g->part, "%s", r->part);
    g->raw_n = r->raw_n;
    memcpy(g->raw, r->raw, r->raw_n < 8 ? r->raw_n : 8);
    return 0;
}

static struct got list(void)
{
    struct got g = {0};

    must_rc(
        reject_list(f.s, &(struct reject_filter){.pipeline = "loans", .limit = -1}, on_reject, &g, &f.err),
        &f.err);
    return g;
}

static int on_count(void *arg, const char *pipeline, int64_t final, int64_t other, struct err *err)
{
    int64_t *n = arg;

    UNUSED(err);
    is_str(pipeline, "loans");
    n[0] = final;
    n[1] = other;
    n[2]++;
    return 0;
}

static void count(int64_t *ret_final, int64_t *ret_other)
{
    int64_t n[3] = {0};

    must_rc(reject_counts(f.s, on_count, n, &f.err), &f.err);
    is_int(n[2], 1);
    *ret_final = n[0];
    *ret_other = n[1];
}

TEST(they_are_pending_until_the_load_is_settled_and_keep_their_bytes)
{
    int64_t final, other;
    const struct load_result r = {.load_id = load,
                                  .rows_read = 3,
                                  .rows_loaded = 1,
                                  .rows_rejected = 2,
                                  .columns = "",
                                  .sha256 = "",
                                  .now_ms = 1};
    struct load_result result = r;

    set_up();
    result.load_id = load;
    must_rc(put(3, true), &f.err);
    must_rc(put(2, false), &f.err);
    must_rc(load_pending(f.s, "t", &result, &f.err), &f.err);
    count(&final, &other);
    is_int(final, 0);
    is_int(other, 2);
    must_rc(load_settle(f.s, "t", load, "LOADED", 2, &f.err), &f.err);
    count(&final, &other);
    is_int(final, 2);
    is_int(other, 0);
    struct got g = list();
    is_int(g.n, 2);
    is_int(g.lines[0], 2);
    is_int(g.lines[1], 3);
    is_str(g.state, "FINAL");
    is_str(g.part, "2022-06-05T12");
    is_mem(g.raw, g.raw_n, "x,\0,y", 5);
    is_int(fx_number(&f, "SELECT rejects_missing FROM load"), 0);
    fx_close(&f);
}

TEST(an_attempt_replaces_what_the_one_before_left)
{
    set_up();
    must_rc(put(2, true), &f.err);
    must_rc(put(3, false), &f.err);
    must_rc(put(9, true), &f.err);
    struct got g = list();
    is_int(g.n, 1);
    is_int(g.lines[0], 9);
    fx_close(&f);
}

TEST(of_a_file_that_was_refused_they_stay_to_be_looked_at)
{
    int64_t final, other;

    set_up();
    must_rc(put(2, true), &f.err);
    must_rc(reject_keep_failed(f.s, "t", load, &f.err), &f.err);
    is_str(list().state, "FAILED");
    count(&final, &other);
    is_int(final, 0);
    is_int(other, 1);
    fx_close(&f);
}

TEST(those_of_a_dropped_attempt_go)
{
    const struct load_result r = {.load_id = load, .columns = "", .sha256 = "", .now_ms = 1};
    struct load_result result = r;

    set_up();
    result.load_id = load;
    must_rc(put(2, true), &f.err);
    must_rc(load_pending(f.s, "t", &result, &f.err), &f.err);
    must_rc(load_settle(f.s, "t", load, "DRAWN", 2, &f.err), &f.err);
    is_int(list().n, 0);
    is_str(fx_text(&f, "SELECT state FROM load"), "DRAWN");
    fx_close(&f);
}

TEST(missing_ones_are_said_and_restored_by_reading_again)
{
    const struct load_result r = {
        .rows_read = 3, .rows_loaded = 2, .rows_rejected = 1, .columns = "", .sha256 = "", .now_ms = 1};
    struct load_result result = r;

    set_up();
    result.load_id = load;
    must_rc(load_pending(f.s, "t", &result, &f.err), &f.err);
    must_rc(load_settle(f.s, "t", load, "LOADED", 2, &f.err), &f.err);
    is_int(fx_number(&f, "SELECT rejects_missing FROM load"), 1);
    must_rc(put(2, true), &f.err);
    must_rc(load_settle(f.s, "t", load, "LOADED", 3, &f.err), &f.err);
    is_int(fx_number(&f, "SELECT rejects_missing FROM load"), 0);
    is_str(list().state, "FINAL");
    is_int(fx_number(&f, "SELECT loaded_ms FROM load"), 2);
    fx_close(&f);
}

TEST(those_of_a_load_that_does_not_stand_any_more_are_not_counted)
{
    int64_t n[3] = {0};

    set_up();
    must_rc(reject_counts(f.s, on_count, n, &f.err), &f.err);
    is_int(n[2], 0);
    must_rc(put(2, true), &f.err);
    must_rc(put(3, false), &f.err);
    fx_sql(&f, "UPDATE load SET state = 'SUPERSEDED'");
    must_rc(reject_counts(f.s, on_count, n, &f.err), &f.err);
    is_int(n[2], 0);
    fx_close(&f);
}

/* A loaded file with the rejects of lines 2, 3 and 4. */
static void set_up_loaded(void)
{
    struct load_result result = {
        .rows_read = 5, .rows_loaded = 2, .rows_rejected = 3, .columns = "", .sha256 = ""};

    set_up();
    result.load_id = load;
    for (int64_t line = 2; line <= 4; line++)
        must_rc(put(line, line == 2), &f.err);
    must_rc(load_pending(f.s, "t", &result, &f.err), &f.err);
    must_rc(load_settle(f.s, "t", load, "LOADED", 2, &f.err), &f.err);
}

static const char *states(void)
{
    return fx_text(&f, "SELECT group_concat(line || state || coalesce(decided_ms, ''), ' ') FROM reject");
}

static int64_t counted(void)
{
    return fx_number(&f, "SELECT coalesce(sum(value), 0) FROM counter WHERE label = 'in loaded'");
}

TEST(what_was_loaded_after_all_is_open_no_longer_and_counts_once)
{
    const struct reject_lines lines = {"loans", 0, (int64_t[]){2, 4}, 2};
    const struct reject_outcome o = {"REPLAYED", "ana@host", "mended", 50};
    struct reject_lines l = lines;
    int64_t final, other;

    set_up_loaded();
    l.load_id = load;
    fx_sql(&f, "INSERT INTO pipeline (name, ledger_seq) VALUES ('loans', 7)");
    must_rc(reject_doubt(f.s, "t", &l, &f.err), &f.err);
    is_str(states(), "2PENDING 3FINAL 4PENDING");
    is_int(fx_number(&f, "SELECT ledger_seq FROM pipeline"),
           -1); /* the ledger is to be read, come what may */
    must_rc(reject_settle(f.s, "t", &l, &o, &f.err), &f.err);
    must_rc(reject_settle(f.s, "t", &l, &o, &f.err), &f.err);
    must_rc(load_recount(f.s, "t", load, 4, 1, "{}", &f.err), &f.err);
    is_str(states(), "2REPLAYED50 3FINAL 4REPLAYED50");
    is_int(counted(), 2 + 2);
    is_str(fx_text(&f, "SELECT rows_loaded || ' ' || rows_rejected || ' ' || rejects_missing FROM load"),
           "4 1 0");
    count(&final, &other);
    is_int(final, 1);
    is_int(other, 0);
    is_int(list().n, 1);
    fx_close(&f);
}

TEST(a_rebuild_takes_the_ledgers_word_for_what_became_of_them)
{
    const struct reject_outcome kept = {"REPLAYED", "ana@host", "mended", 50};
    struct reject_lines l = {"loans", 0, (int64_t[]){2, 3}, 2};

    set_up_loaded();
    l.load_id = load;
    must_rc(reject_settle(f.s, "t", &l, &kept, &f.err), &f.err);
    is_int(counted(), 2 + 2);
    const struct reject_verdict_row rows[] = {
        {load, 2, {"REPLAYED", "ana@host", "mended", 50}}, /* known */
        {load, 4, {"DISCARDED", "bo@other", "no", 60}},    /* of another host */
        {load, 99, {"REPLAYED", "bo@other", "x", 60}},     /* of no reject that this file knows */
    };
    must_rc(store_begin(f.s, &f.err), &f.err);
    must_rc(reject_verdicts_begin(f.s, "loans", &f.err), &f.err);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        must_rc(reject_verdict(f.s, "loans", &rows[i], true, &f.err), &f.err);
    must_rc(reject_verdicts_end(f.s, "loans", &f.err), &f.err);
    must_rc(store_commit(f.s, &f.err), &f.err);
    is_str(states(), "2REPLAYED50 3FINAL 4DISCARDED60"); /* 3: the target was put back */
    is_int(counted(), 2 + 2);
    fx_close(&f);
}

struct groups {
    char text[400];
};

static int on_group(void *arg, const struct reject_group *g, struct err *err)
{
    struct groups *k = arg;
    size_t n = strlen(k->text);

    UNUSED(err);
    snprintf(k->text + n, sizeof k->text - n, "%s/%s/%s %lld, line %lld: %s; ", g->code, g->column, g->key,
             (long long)g->count, (long long)g->line, g->message);
    return 0;
}

TEST(groups_count_and_name_their_first_one)
{
    struct reject_filter all = {.pipeline = "loans", .limit = -1};
    struct groups k = {""};

    set_up_loaded();
    const struct reject r = {.line = 3, .code = "BAD_QUOTE", .column = "", .message = "a quote", .hint = ""};
    must_rc(reject_reasons(f.s, "t", load, &r, 1, &f.err), &f.err);
    must_rc(reject_by(f.s, &all, REJECT_BY_CODE | REJECT_BY_COLUMN, on_group, &k, &f.err), &f.err);
    is_str(k.text, "NOT_AN_INT/age/ 2, line 2: 'x' is not an INT; BAD_QUOTE// 1, line 3: a quote; ");
    k.text[0] = '\0';
    all.column = "age";
    must_rc(reject_by(f.s, &all, REJECT_BY_FILE, on_group, &k, &f.err), &f.err);
    is_str(k.text, "//a.csv 2, line 2: 'x' is not an INT; ");
    fx_close(&f);
}

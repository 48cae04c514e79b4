#include "cron/crontab.h"
#include "base/limits.h"
#include "tests/tap.h"

#define OURS "*/5 * * * * /usr/bin/orch -c /etc/orch/orch.json tick # orch: /etc/orch/orch.json\n"

static const struct crontab_line plain = {
    .every = 5, .orch = "/usr/bin/orch", .config = "/etc/orch/orch.json"};

static void line_is(struct crontab_line l, const char *want)
{
    struct buf b = BUF_INIT(64 * KIB);
    struct err err;

    must_rc(crontab_line(&l, &b, &err), &err);
    is_str(b.p, want);
    buf_release(&b);
}

static void edited(const char *text, const char *line, const char *want, int old)
{
    struct buf b = BUF_INIT(64 * KIB);
    struct err err;
    int had = -1;

    must_rc(crontab_edit(text, strlen(text), plain.config, line, &b, &had, &err), &err);
    is_mem(b.n > 0 ? b.p : "", b.n, want, strlen(want));
    is_int(had, old);
    buf_release(&b);
}

TEST(the_line)
{
    struct crontab_line l = plain;

    line_is(l, OURS);
    l.every = 1;
    l.user = "orch";
    line_is(l, "* * * * * orch /usr/bin/orch -c /etc/orch/orch.json tick # orch: /etc/orch/orch.json\n");
}

TEST(what_sh_and_cron_would_read_otherwise_is_quoted)
{
    struct crontab_line l = {.every = 5, .orch = "/opt/my orch/orch", .config = "/a b/50%/it's.json"};

    line_is(
        l,
        "*/5 * * * * '/opt/my orch/orch' -c '/a b/50\\%/it'\\''s.json' tick # orch: /a b/50\\%/it's.json\n");
}

TEST(what_cron_cannot_hold_is_refused)
{
    struct crontab_line l = plain;
    struct buf b = BUF_INIT(64 * KIB);
    struct err err;
    char longest[700] = "/";

    l.every = 0;
    fails(crontab_line(&l, &b, &err), &err, ERR_USAGE);
    l.every = 31;
    fails(crontab_line(&l, &b, &err), &err, ERR_USAGE);
    l.every = 5;
    l.config = "/a\n* * * * * rm";
    fails(crontab_line(&l, &b, &err), &err, ERR_USAGE);
    memset(longest + 1, 'x', sizeof longest - 2);
    l.config = longest;
    fails(crontab_line(&l, &b, &err), &err, ERR_USAGE);
    is_int(b.n, 0);
    buf_release(&b);
}

TEST(a_crontab_keeps_every_other_byte)
{
    static const char others[] = "# mine \n\nMAILTO=a@b\n\t5 0 * * *  true \\% x\r\n";
    char with[400];

    edited("", OURS, OURS, 0);
    snprintf(with, sizeof with, "%s%s", others, OURS);
    edited(others, OURS, with, 0);
    edited(with, OURS, with, 1);
    edited(with, "", others, 1);
}

TEST(the_own_line_is_replaced_where_it_stands_and_never_twice)
{
    edited("1 1 * * * a\n*/9 * * * * /old/orch -c x tick # orch: /etc/orch/orch.json\n2 2 * * * b\n", OURS,
           "1 1 * * * a\n" OURS "2 2 * * * b\n", 1);
    edited(OURS "2 2 * * * b\n" OURS, OURS, OURS "2 2 * * * b\n", 2);
}

TEST(another_configs_line_is_not_ours)
{
    static const char other[] =
        "*/5 * * * * orch -c /srv/etc/orch/orch.json tick # orch: /srv/etc/orch/orch.json\n";

    edited(other, "", other, 0);
    edited("# what was: # orch: /etc/orch/orch.json\n", "", "# what was: # orch: /etc/orch/orch.json\n", 0);
}

TEST(a_last_line_without_its_end_gets_one)
{
    edited("1 1 * * * a", OURS, "1 1 * * * a\n" OURS, 0);
}

TEST(a_line_made_by_hand_is_seen)
{
    static const char hand[] =
        "# /etc/orch/orch.json tick\n" OURS "*/5 * * * * orch -c /etc/orch/orch.json tick\n";
    const char *found;
    size_t n = 0;

    found = crontab_stranger(hand, sizeof hand - 1, plain.config, &n);
    must(found != NULL);
    is_mem(found, n, "*/5 * * * * orch -c /etc/orch/orch.json tick",
           strlen("*/5 * * * * orch -c /etc/orch/orch.json tick"));
    ok(crontab_stranger(OURS, sizeof OURS - 1, plain.config, &n) == NULL);
}

TEST(a_file_of_cron_d_has_jobs_or_not)
{
    struct buf b = BUF_INIT(64 * KIB);
    struct err err;

    must_rc(crontab_file("", &b, &err), &err);
    ok(!crontab_has_jobs(b.p, b.n));
    must_rc(crontab_file(OURS, &b, &err), &err);
    ok(crontab_has_jobs(b.p, b.n));
    ok(crontab_has_jobs("@daily root x\n", 14));
    buf_release(&b);
}

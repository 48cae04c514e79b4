#include "base/opt.h"
#include "tests/tap.h"

static bool dry, help;
static const char *from, *config;
static int64_t limit;
static const struct opt own[] = {
    {"dry-run", 0, OPT_FLAG, &dry, NULL, ""},
    {"from", 'f', OPT_TEXT, &from, "PART", ""},
    {"limit", 0, OPT_COUNT, &limit, "N", ""},
    {0},
};
static const struct opt common[] = {
    {"config", 'c', OPT_TEXT, &config, "FILE", ""},
    {"help", 'h', OPT_FLAG, &help, NULL, ""},
    {0},
};

static int parse(const char *const *words, bool stop, struct opt_args *args, int *next, struct err *err)
{
    char *argv[OPT_MAX_ARGS + 4] = {NULL};
    int n = 0;

    dry = help = false;
    from = config = NULL;
    limit = -1;
    for (; words[n] != NULL; n++)
        argv[n] = (char *)(uintptr_t)words[n];
    return opt_parse(own, common, n, argv, 0, stop, args, next, err);
}
#define PARSE(...) parse((const char *[]){__VA_ARGS__, NULL}, false, &args, &next, &err)

TEST(options_and_arguments_in_any_order)
{
    struct opt_args args;
    struct err err;
    int next;

    is_int(PARSE("loans", "--from", "a", "-c", "x", "more", "--dry-run", "--limit=3"), 0);
    is_int(args.count, 2);
    is_str(args.items[0], "loans");
    is_str(args.items[1], "more");
    is_str(from, "a");
    is_str(config, "x");
    is_int(limit, 3);
    ok(dry && !help);
}

TEST(a_value_may_look_like_an_option_and_two_dashes_end_them)
{
    struct opt_args args;
    struct err err;
    int next;

    is_int(PARSE("--from", "--dry-run", "--", "--limit", "-"), 0);
    is_str(from, "--dry-run");
    ok(!dry);
    is_int(args.count, 2);
    is_str(args.items[0], "--limit");
    is_int(PARSE("-fx", "--from=", "-"), 0);
    is_str(from, "");
    is_str(args.items[0], "-");
}

TEST(mistakes_are_usage_and_name_the_nearest)
{
    struct opt_args args;
    struct err err;
    int next;

    fails(PARSE("--dry-rum"), &err, ERR_USAGE);
    is_str(err.hint, "the nearest is --dry-run");
    fails(PARSE("--dry"), &err, ERR_USAGE); /* no abbreviations */
    fails(PARSE("--dry-run=yes"), &err, ERR_USAGE);
    fails(PARSE("--from"), &err, ERR_USAGE);
    fails(PARSE("--limit", "many"), &err, ERR_USAGE);
    fails(PARSE("--limit", "-1"), &err, ERR_USAGE);
    fails(PARSE("-x"), &err, ERR_USAGE);
    fails(PARSE("--="), &err, ERR_USAGE);

    const char *many[OPT_MAX_ARGS + 2] = {NULL};
    for (size_t i = 0; i < OPT_MAX_ARGS; i++)
        many[i] = "t";
    is_int(parse(many, false, &args, &next, &err), 0);
    many[OPT_MAX_ARGS] = "one more";
    fails(parse(many, false, &args, &next, &err), &err, ERR_USAGE);
}

TEST(stops_at_the_verb)
{
    struct opt_args args;
    struct err err;
    int next = -1;
    const char *words[] = {"-c", "x", "tick", "--dry-run", NULL};

    is_int(parse(words, true, &args, &next, &err), 0);
    is_int(next, 2);
    ok(!dry);
}

/* schedule next, lint and explain: an expression alone; no config is read, no state file opened. */
#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cron/explain.h"
#include "cron/lint.h"
#include "orchestrator/cmd.h"

enum { MAX_COUNT = 10000, MAX_TEXT = 16384 };

static const char *zone_name, *from_text;
static int64_t count = 5;
static const struct opt next_opts[] = {
    {"zone", 0, OPT_TEXT, &zone_name, "ZONE", "IANA time zone of the expression (default UTC)"},
    {"from", 0, OPT_TEXT, &from_text, "TIME",
     "fires after this moment: RFC 3339, or a date or time in UTC (default now)"},
    {"count", 0, OPT_COUNT, &count, "N", "so many (default 5)"},
    {0},
};
static const struct opt zone_opts[] = {
    {"zone", 0, OPT_TEXT, &zone_name, "ZONE", "IANA time zone of the expression (default UTC)"},
    {0},
};

/* A word of the command line is at fault here, not a config. */
static int usage(struct err *err)
{
    err->code = ERR_USAGE;
    return -(int)ERR_USAGE;
}

static int find_zone(const struct cron_zone **ret, struct err *err)
{
    *ret = NULL;
    return zone_name != NULL && cron_zone_find(zone_name, ret, err) < 0 ? usage(err) : 0;
}

/* RFC 3339; a date; a date and time without an offset: both in UTC. */
static int read_from(int64_t *ret_ms, struct err *err)
{
    size_t n = from_text != NULL ? strlen(from_text) : 0;
    char shown[80], *whole;
    int rc;

    *ret_ms = clock_now_ms();
    if (from_text == NULL)
        return 0;
    if (n == strlen("2026-01-01"))
        whole = xasprintf("%sT00:00:00Z", from_text);
    else if (n == strlen("2026-01-01T00")) /* as partitions are named */
        whole = xasprintf("%s:00:00Z", from_text);
    else if (n == strlen("2026-01-01T00:00") || n == strlen("2026-01-01T00:00:00"))
        whole = xasprintf("%sZ", from_text);
    else
        whole = xstrdup(from_text);
    rc = civil_parse_rfc3339(whole, ret_ms, err);
    if (rc < 0 && whole[n] != '\0') /* 2026-01-01T00:00Z is as long as one without an offset */
        rc = civil_parse_rfc3339(from_text, ret_ms, err);
    free(whole);
    if (rc == 0)
        return 0;
    str_printable(from_text, n, shown, sizeof shown);
    err_set(err, ERR_USAGE, "--from '%s' is no time", shown);
    return err_hint(err, "2026-01-01T00:00:00Z, 2026-01-01T00:00 or 2026-01-01");
}

/* "2026-03-29T03:00:00+02:00" */
static const char *local_text(const struct cron_zone *z, int64_t ms, char *out, size_t size)
{
    int offset = cron_zone_offset(z, ms), far = offset < 0 ? -offset : offset;
    char text[CIVIL_RFC3339_SIZE];

    civil_rfc3339(ms + offset * INT64_C(1000), false, text);
    text[strlen(text) - 1] = '\0'; /* Z */
    int n = snprintf(out, size, "%s%c%02d:%02d", text, offset < 0 ? '-' : '+', far / 3600, far / 60 % 60);
    if (far % 60 != 0)
        snprintf(out + n, size - (size_t)n, ":%02d", far % 60);
    return out;
}

static int run_next(struct cli *c, struct err *err)
{
    static const struct out_column utc[] = {{"time", "UTC", false, false}, {0}};
    static const struct out_column both[] = {
        {"time", "UTC", false, false}, {"local", "LOCAL", false, false}, {0}};
    const struct cron_zone *zone;
    struct cronexpr e;
    int64_t at = 0, from = 0;
    char text[CIVIL_RFC3339_SIZE], local[64];

    if (cronexpr_parse(c->args.items[0], &e, err) < 0)
        return usage(err);
    if (find_zone(&zone, err) < 0 || read_from(&at, err) < 0)
        return -(int)err->code;
    if (count < 1 || count > MAX_COUNT)
        return err_set(err, ERR_USAGE, "--count is at least 1 and at most %d", MAX_COUNT);
    from = at;
    json_t *rows = json_array(), *times = json_array();
    for (int64_t i = 0; i < count && cronexpr_next(&e, zone, from, at, &at) == 1; i++) {
        json_t *row = json_object();
        civil_rfc3339(at, false, text);
        json_object_set_new(row, "time", json_string(text));
        if (zone != NULL)
            json_object_set_new(row, "local", json_string(local_text(zone, at, local, sizeof local)));
        json_array_append_new(rows, row);
        json_array_append_new(times, json_string(text));
    }
    if (json_array_size(rows) == 0)
        cli_say("never: no moment after %s until 2199 matches", civil_rfc3339(from, false, text));
    if (c->out.format == OUT_JSON)
        out_document(&c->out, times);
    else
        out_rows(&c->out, "times", zone != NULL ? both : utc, rows);
    json_decref(rows);
    json_decref(times);
    return 0;
}

static json_t *warnings_json(const struct cron_warnings *w)
{
    json_t *list = json_array();

    for (size_t i = 0; i < w->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:i, s:s}", "field", w->items[i].field, "column",
                                              w->items[i].column, "text", w->items[i].text));
    return list;
}

static void say_warning(const struct cron_warning *w)
{
    if (*w->field != '\0')
        cli_say("warning: %s, column %d: %s", w->field, w->column, w->text);
    else
        cli_say("warning: %s", w->text);
}

static int run_lint(struct cli *c, struct err *err)
{
    static const char *const kinds[] = {"eventbridge", "rate", "crontab"};
    struct cron_warnings w = {.count = 0};
    const struct cron_zone *zone;
    struct cronexpr e = {0};
    int rc = find_zone(&zone, err);

    if (rc < 0)
        return rc;
    rc = cron_lint(c->args.items[0], zone, clock_now_ms(), &w, err);
    if (rc == 0)
        rc = cronexpr_parse(c->args.items[0], &e, err);
    for (size_t i = 0; i < w.count; i++)
        say_warning(&w.items[i]);
    if (c->out.format == OUT_JSON || c->out.format == OUT_JSONL) {
        json_t *whole = json_pack("{s:i, s:o, s:b, s:s?, s:o, s:o, s:o}", "schema_version", 1, "expression",
                                  cli_json_text(c->args.items[0]), "valid", rc == 0, "kind",
                                  rc == 0 ? kinds[e.kind] : NULL, "warnings", warnings_json(&w), "error",
                                  cli_json_text(rc < 0 ? err->msg : NULL), "hint",
                                  cli_json_text(rc < 0 && err->hint[0] != '\0' ? err->hint : NULL));
        out_document(&c->out, whole);
        json_decref(whole);
    }
    return rc < 0 ? usage(err) : 0;
}

static int run_explain(struct cli *c, struct err *err)
{
    struct buf words = BUF_INIT(MAX_TEXT);
    const struct cron_zone *zone;
    struct cronexpr e;
    int64_t now = clock_now_ms(), next = 0;
    char text[CIVIL_RFC3339_SIZE];
    int rc = find_zone(&zone, err);

    if (rc < 0)
        return rc;
    if (cron_explain(c->args.items[0], zone, &words, err) < 0 ||
        cronexpr_parse(c->args.items[0], &e, err) < 0) {
        buf_release(&words);
        return usage(err);
    }
    /* the phase of a rate is not known here */
    bool known = e.kind != CRON_RATE, fires = known && cronexpr_next(&e, zone, now, now, &next) == 1;
    if (c->out.format == OUT_JSON || c->out.format == OUT_JSONL) {
        json_t *whole = json_pack("{s:i, s:s, s:s, s:s, s:o}", "schema_version", 1, "expression",
                                  c->args.items[0], "zone", cron_zone_name(zone), "text", words.p, "next",
                                  fires ? json_string(civil_rfc3339(next, false, text)) : json_null());
        out_document(&c->out, whole);
        json_decref(whole);
    } else {
        fprintf(c->out.to, "%s\n", words.p);
        if (known)
            fprintf(c->out.to, fires ? "Next: %s\n" : "It never fires%s.\n",
                    fires ? civil_rfc3339(next, false, text) : " again");
    }
    buf_release(&words);
    return 0;
}

const struct command cmd_schedule_next = {
    "schedule next",
    "'EXPR'",
    "The next times of a schedule expression: cron(...), rate(...) or five crontab fields.",
    "Times are UTC; with --zone the local time too. -o json gives a plain list of times. rate(...) counts "
    "from --from.\n"
    "\n"
    "  orch schedule next 'cron(0 8 ? * MON-FRI *)' --zone Europe/Berlin\n"
    "  orch schedule next '*/5 * * * *' --from 2026-01-01 --count 3 -o json\n",
    next_opts,
    1,
    1,
    run_next,
};
const struct command cmd_schedule_lint = {
    "schedule lint",
    "'EXPR'",
    "Whether an expression is valid, and what it does that few expect.",
    "Exit status 0 where it is valid, with warnings on stderr; 2 where it is not, with field and column.\n"
    "\n"
    "  orch schedule lint '30 2 * * *' --zone Europe/Berlin\n"
    "  orch schedule lint '0 0 13 * 5'\n",
    zone_opts,
    1,
    1,
    run_lint,
};
const struct command cmd_schedule_explain = {
    "schedule explain",
    "'EXPR'",
    "A schedule expression in words.",
    "  orch schedule explain 'cron(0 10 ? * 6L *)'\n",
    zone_opts,
    1,
    1,
    run_explain,
};

#include "orchestrator/config.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/tap.h"
#include <sys/stat.h>
#include <unistd.h>

static const char minimal[] =
    "{\"connections\": {\"lake\": {\"url\": \"file://incoming\"}, \"db\": {\"url\": \"sqlite:w.db\"}},"
    " \"pipelines\": {\"loans\": {\"source\": {\"connection\": \"lake\", \"since\": \"2022-06-05T00\"},"
    "  \"target\": {\"connection\": \"db\", \"table\": \"t\"}}}}";

/* minimal with `with` merged into pipelines.loans (objects one level down are merged, too). */
static char *with(const char *more)
{
    struct err err;
    json_t *doc = NULL, *add = NULL, *v, *loans;
    const char *key;

    must_rc(json_parse(minimal, strlen(minimal), "minimal", &doc, &err), &err);
    must_rc(json_parse(more, strlen(more), more, &add, &err), &err);
    loans = json_object_get(json_object_get(doc, "pipelines"), "loans");
    json_object_foreach(add, key, v) {
        json_t *old = json_object_get(loans, key);
        if (json_is_object(old) && json_is_object(v))
            json_object_update(old, v);
        else
            json_object_set(loans, key, v);
    }
    char *text = json_text(doc);
    json_decref(doc);
    json_decref(add);
    return text;
}

static struct config *good(const char *text)
{
    struct buf faults = BUF_INIT(64 * KIB);
    struct config *c = NULL;
    struct err err;
    int rc = config_parse(text, strlen(text), "/etc/orch/orch.json", true, &c, &faults, &err);

    if (rc < 0)
        diag("%s", faults.p);
    must_rc(rc, &err);
    buf_release(&faults);
    return c;
}

/* The config must be refused and one of its faults must hold `text`. */
static void refused(const char *json, const char *text)
{
    struct buf faults = BUF_INIT(64 * KIB);
    struct config *c = NULL;
    struct err err = {0};

    fails(config_parse(json, strlen(json), "/etc/orch/orch.json", true, &c, &faults, &err), &err, ERR_CONFIG);
    bool found = faults.p != NULL ? strstr(faults.p, text) != NULL : strstr(err.msg, text) != NULL;
    if (!ok(found))
        diag("wanted '%s' in: %s %s", text, faults.p != NULL ? faults.p : "", err.msg);
    config_free(c);
    buf_release(&faults);
}

static void refused_with(const char *more, const char *text)
{
    char *json = with(more);

    refused(json, text);
    free(json);
}

TEST(defaults_are_those_that_the_design_shows)
{
    struct config *c = good(minimal);
    const struct pipeline *p = &c->pipelines[0];

    is_str(c->state, "/etc/orch/orch.db");
    is_int(c->renotify_ms, 6 * 3600000);
    is_int(c->linger_ms, 60000);
    is_int(c->keep_idle_ms, 86400000);
    is_int(c->keep_ms, INT64_C(90) * 86400000);
    is_str(p->name, "loans");
    is_str(p->workflow, "ingest");
    is_str(p->schedule, "cron(0/5 * * * ? *)");
    is_str(p->layout, "yyyy=%Y/mm=%m/dd=%d/hh=%H/");
    is_int(p->period, PERIOD_HOUR);
    is_int(p->settle_ms, 60000);
    is_int(p->late_after_ms, 3600000);
    is_int(p->lookback_ms, INT64_C(72) * 3600000);
    is_int(p->until_ms, -1);
    is_str(p->include[0], "*.csv");
    is_str(p->include[2], "*.csv.zst");
    ok(p->include[3] == NULL);
    is_int(p->dialect.delimiter, ',');
    is_int(p->dialect.quote, '"');
    is_int(p->dialect.escape, 0);
    is_str(p->convert.nulls[0], "NA");
    is_str(p->convert.nulls[1], "");
    ok(p->convert.header);
    is_int(p->job_bytes, INT64_C(1) << 30);
    is_int(p->verify, VERIFY_SUMS);
    is_int(p->max_rejects, 0);
    ok(p->max_rejects_percent < 0);
    is_int(p->chunk_bytes, INT64_C(256) << 20);
    is_int(p->parallel, 1);
    ok(!p->publish_chunks);
    is_int(p->max_attempts, 5);
    is_int(p->on_overwrite, OVERWRITE_REPLACE);
    is_int(p->lineage, LINEAGE_COLUMNS);
    ok(!p->allow_empty && !p->create);
    config_free(c);
}

TEST(relative_paths_are_relative_to_the_file)
{
    struct config *c = good(minimal);

    is_str(c->pipelines[0].source.url, "file:///etc/orch/incoming/");
    is_str(c->pipelines[0].target.url, "sqlite:/etc/orch/w.db");
    is_str(c->pipelines[0].target.note_path, "/etc/orch/orch.db");
    config_free(c);
}

TEST(unknown_keys_name_the_nearest_at_every_level)
{
    refused_with("{\"max_reject\": \"5\"}", "unknown key 'max_reject'; the nearest is 'max_rejects'");
    refused_with("{\"source\": {\"setle\": \"5s\"}}",
                 "pipelines.loans.source: unknown key 'setle'; the nearest is 'settle'");
    refused_with("{\"csv\": {\"delimeter\": \";\"}}", "the nearest is 'delimiter'");
    refused_with("{\"columns\": {\"a\": {\"formt\": \"x\"}}}", "the nearest is 'format'");
    refused("{\"connection\": {}}", "unknown key 'connection'; the nearest is 'connections'");
}

TEST(a_time_zone_is_one_of_the_systems)
{
    refused_with("{\"timezone\": \"Europe/Atlantis\"}", "timezone: time zone 'Europe/Atlantis'");
    refused_with("{\"timezone\": \"../../../etc/passwd\"}", "is no name of a time zone");
    refused_with("{\"timezone\": \"Europe\"}", "time zone 'Europe'");
}

TEST(a_partition_has_like_enough_to_be_judged_by)
{
    refused_with("{\"small\": {\"weeks\": 3}}", "weeks: 3 is fewer than the 4");
    refused_with("{\"small\": {\"weeks\": 17}}", "weeks: 17 is more than 16");
    refused_with("{\"small\": {\"drop\": \"0%\"}}", "drop: ");
}

TEST(every_fault_is_listed_not_only_the_first)
{
    struct buf faults = BUF_INIT(64 * KIB);
    struct config *c = NULL;
    struct err err;
    char *json =
        with("{\"max_attempts\": \"five\", \"schedule\": \"every day\", \"source\": {\"settle\": \"soon\"}}");

    fails(config_parse(json, strlen(json), "/x/orch.json", true, &c, &faults, &err), &err, ERR_CONFIG);
    ok(strstr(faults.p, "pipelines.loans.max_attempts: a string where a whole number is expected") != NULL);
    ok(strstr(faults.p, "pipelines.loans.source.settle: 'soon' is not a duration") != NULL);
    ok(strstr(faults.p, "schedule: ") != NULL);
    ok(strstr(err.hint, "2 more") != NULL);
    free(json);
    buf_release(&faults);
}

TEST(what_belongs_to_later_is_refused_in_words)
{
    refused_with("{\"parallel\": 9}", "parallel: 1 to 8 connections");
    refused_with("{\"chunk_bytes\": \"1KiB\"}", "chunk_bytes: at least 65536 bytes");
    refused_with("{\"target\": {\"drift\": \"add-column\"}}", "add-columns");
    refused_with("{\"parallel\": \"1\"}", "a string where a whole number is expected");
    refused_with("{\"verify\": \"nothing\"}", "'nothing' is none of: count, sums, full");
}

TEST(columns_drop_rename_and_type)
{
    char *json =
        with("{\"columns\": {\"$comment\": \"x\", \"\": null, \"a\": \"b\", \"c\": {\"null\": [\"-\"],"
             " \"format\": \"%d/%m/%Y\", \"type\": \"DATE\"}}, \"target\": {\"create\": true}}");
    struct config *c = good(json);
    const struct convert_config *v = &c->pipelines[0].convert;

    is_int(v->rule_count, 3);
    is_str(v->rules[0].from, "");
    ok(v->rules[0].to == NULL);
    is_str(v->rules[1].to, "b");
    ok(v->rules[1].nulls == NULL);
    is_str(v->rules[2].to, "c");
    is_str(v->rules[2].nulls[0], "-");
    is_str(v->rules[2].format, "%d/%m/%Y");
    is_str(c->pipelines[0].create_types[2], "DATE");
    ok(c->pipelines[0].create_types[1] == NULL);
    config_free(c);
    free(json);
    refused_with("{\"columns\": {\"a\": \"x\", \"b\": \"X\"}}", "'a' and 'b' both go to column X");
    refused_with("{\"columns\": {\"a\": 3}}", "columns.a: an integer where null");
    refused_with("{\"columns\": {\"a\": \"x\"}, \"csv\": {\"header\": false}}", "numbered from 1");
    refused_with("{\"columns\": {\"a\": {\"type\": \"INT\"}}}", "'type' has no effect");
}

TEST(signs_of_numbers_and_constants)
{
    char *json = with(
        "{\"columns\": {\"a\": {\"decimal\": \",\", \"group\": \".\"}, \"b\": {\"to\": \"c\"}}, \"csv\": "
        "{\"trailing_delimiter\": true}, \"constants\": {\"$comment\": \"x\", \"hour\": \"{partition}\", "
        "\"s\": "
        "\"\"}}");
    struct config *c = good(json);
    const struct convert_config *v = &c->pipelines[0].convert;

    is_int(v->rules[0].decimal, ',');
    is_int(v->rules[0].group, '.');
    is_int(v->rules[1].decimal, '.');
    is_int(v->rules[1].group, 0);
    ok(v->trailing_delimiter);
    is_int(v->constant_count, 2);
    is_str(v->constants[0].to, "hour");
    is_str(v->constants[0].text, "{partition}");
    is_str(v->constants[1].text, "");
    config_free(c);
    free(json);
    refused_with("{\"columns\": {\"a\": {\"decimal\": \";\"}}}", "';' is none of: ., ,");
    refused_with("{\"columns\": {\"a\": {\"decimal\": \",\", \"group\": \",\"}}}",
                 "group ',' cannot be told");
    refused_with("{\"columns\": {\"a\": {\"group\": \".\"}}}", "group '.' cannot be told");
    refused_with("{\"columns\": {\"a\": {\"group\": \"7\"}}}", "group '7' cannot be told");
    refused_with("{\"constants\": {\"h\": \"{hour}\"}}", "constants: h: '{hour}' begins with a brace");
    refused_with("{\"constants\": {\"h\": 3}}", "constants.h: an integer where a text");
    refused_with("{\"constants\": {\"h\": null}}", "constants.h: null where a text");
    refused_with("{\"constants\": {\"h\": \"x\", \"H\": \"y\"}}", "'h' and 'H' are the same column");
    refused_with("{\"constants\": {\"\": \"x\"}}", "without a name");
    refused_with("{\"constants\": {\"C\": \"x\"}, \"columns\": {\"b\": {\"to\": \"c\"}}}",
                 "C: \"columns\" sends field 'b' to the same column");
}

TEST(budgets_are_a_number_or_a_percentage)
{
    static const struct {
        const char *json;
        int64_t number;
        double percent;
    } rows[] = {{"{\"max_rejects\": \"5%\"}", 0, 5},
                {"{\"max_rejects\": \"12\"}", 12, -1},
                {"{\"max_rejects\": 7}", 7, -1}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *json = with(rows[i].json);
        struct config *c = good(json);
        is_int(c->pipelines[0].max_rejects, rows[i].number);
        ok(c->pipelines[0].max_rejects_percent == rows[i].percent);
        config_free(c);
        free(json);
    }
    refused_with("{\"max_rejects\": \"101%\"}", "outside 0 to 100");
    refused_with("{\"max_rejects\": \"a few\"}", "not a whole number");
    refused_with("{\"max_rejects\": -1}", "below 0");
}

TEST(since_is_needed_and_fits_the_period)
{
    refused_with("{\"source\": {\"since\": null}}", "source.since: null where a text is expected");
    refused_with("{\"source\": {\"since\": \"2022-06-05\"}}", "source.since");
    refused_with("{\"source\": {\"since\": \"2022-06-05T24\"}}", "source.since");
    refused_with("{\"source\": {\"until\": \"2022-06-04T23\"}}", "is before since");
    char *json =
        with("{\"source\": {\"period\": \"day\", \"layout\": \"%Y/%m/%d/\", \"since\": \"2022-06-05\","
             " \"until\": \"2022-06-05\"}}");
    struct config *c = good(json);
    is_int(c->pipelines[0].until_ms, c->pipelines[0].since_ms);
    config_free(c);
    free(json);
    refused_with("{\"source\": {\"layout\": \"%Y/%m/\"}}", "layout: ");
}

TEST(two_pipelines_must_not_load_the_same_files_into_one_table)
{
    struct err err;
    json_t *doc = NULL, *all;

    must_rc(json_parse(minimal, strlen(minimal), "minimal", &doc, &err), &err);
    all = json_object_get(doc, "pipelines");
    json_object_set_new(all, "again", json_deep_copy(json_object_get(all, "loans")));
    char *text = json_text(doc);
    refused(text, "'loans' and 'again' load the same files into the same table");
    free(text);
    json_decref(doc);
}

TEST(names_that_would_break_jobs_are_refused)
{
    static const char *const names[] = {"a/b",       "",       "-x",
                                        "has space", "ümlaut", "12345678901234567890123456789012345678901"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct err err;
        json_t *doc = NULL, *all, *loans;
        must_rc(json_parse(minimal, strlen(minimal), "minimal", &doc, &err), &err);
        all = json_object_get(doc, "pipelines");
        loans = json_incref(json_object_get(all, "loans"));
        json_object_clear(all);
        json_object_set_new(all, names[i], loans);
        char *text = json_text(doc);
        refused(text, "a name has 1 to 40");
        free(text);
        json_decref(doc);
    }
}

static void connection(const char *db, const char *fault)
{
    char *json = xasprintf(
        "{\"connections\": {\"lake\": {\"url\": \"s3://b/p/\"}, \"db\": %s}, \"pipelines\": {\"loans\":"
        " {\"source\": {\"connection\": \"lake\", \"since\": \"2022-06-05T00\"},"
        " \"target\": {\"connection\": \"db\", \"table\": \"t\"}}}}",
        db);
    refused(json, fault);
    free(json);
}

TEST(passwords_stay_out_of_urls_and_open_files)
{
    char dir[] = "/tmp/orch-config-XXXXXX";
    struct err err;

    must(mkdtemp(dir) != NULL);
    char *secret = fs_join(dir, "secret"), *wide = NULL, *json = NULL;
    connection("{\"url\": \"mysql://u:pw@h/d\"}", "a password in a URL");
    connection("{\"url\": \"mysql://u@h\"}", "the database is missing");
    connection("{\"url\": \"mysql://u@h/d\", \"password_env\": \"ORCH_NO_SUCH_VARIABLE\"}",
               "no ORCH_NO_SUCH_VARIABLE");
    connection("{\"url\": \"mysql://u@h/d\", \"password_env\": \"A\", \"password_file\": \"b\"}",
               "one of them");
    connection("{\"url\": \"sqlite:x.db\", \"tls\": \"off\"}", "'tls' has no effect");
    connection("{\"url\": \"postgres://h/d\"}", "starts with none of");
    connection("{\"url\": \"sqlite:orch.db\"}", "must not be orch's own state file");
    connection("{\"url\": \"s3://b/\"}", "is a source (s3://, file://), a database is expected");
    must_rc(fs_write(secret, "geheim\n", 7, 0644, &err), &err);
    wide = xasprintf("{\"url\": \"mysql://u@h/d\", \"password_file\": \"%s\"}", secret);
    connection(wide, "password_file: ");
    must(chmod(secret, 0600) == 0);
    json = xasprintf(
        "{\"connections\": {\"lake\": {\"url\": \"s3://b/p/\"}, \"db\": %s}, \"pipelines\": {\"loans\":"
        " {\"source\": {\"connection\": \"lake\", \"since\": \"2022-06-05T00\"},"
        " \"target\": {\"connection\": \"db\", \"table\": \"t\"}}}}",
        wide);
    struct config *c = good(json);
    is_str(c->pipelines[0].target.password, "geheim");
    is_int(c->pipelines[0].target.tls, TLS_VERIFY);
    config_free(c);
    free(json);
    free(wide);
    unlink(secret);
    rmdir(dir);
    free(secret);
}

/* orch.json with a connection "api" of these members, and one for a pipeline if it is to use it. */
static char *with_api(const char *members, const char *source)
{
    return xasprintf(
        "{\"connections\": {\"lake\": {\"url\": \"file://in\"}, \"db\": {\"url\": \"sqlite:w.db\"}, \"api\": "
        "{%s}}, "
        "\"pipelines\": {\"loans\": {\"source\": {\"connection\": \"%s\", \"since\": \"2022-06-05T00\"}, "
        "\"target\": {\"connection\": \"db\", \"table\": \"t\"}}}}",
        members, source);
}

static void api_refused(const char *members, const char *source, const char *text)
{
    char *json = with_api(members, source);

    refused(json, text);
    free(json);
}

TEST(a_server_has_a_token_that_stays_with_it)
{
    setenv("ORCH_TEST_TOKEN", "t0ken", 1);
    char *json = with_api("\"url\": \"https://api.example/v1/\", \"token_env\": \"ORCH_TEST_TOKEN\"", "lake");
    struct config *c = good(json);
    const struct step_connection *n = NULL;
    struct err err;

    must_rc(step_connection(&c->world, "api", REACH_HTTP, &n, &err), &err);
    is_str(n->token, "t0ken");
    fails(step_connection(&c->world, "api", REACH_DATABASE, &n, &err), &err, ERR_CONTRACT);
    fails(step_connection(&c->world, "lakes", REACH_FILES, &n, &err), &err, ERR_CONTRACT);
    is_str(err.hint, "the nearest is 'lake'");
    config_free(c);
    free(json);
    api_refused("\"url\": \"http://api.example/\", \"token_env\": \"ORCH_TEST_TOKEN\"", "lake",
                "in the clear");
    api_refused("\"url\": \"https://u:p@api.example/\"", "lake", "user or password in a URL");
    api_refused("\"url\": \"https://api.example/?a=b\"", "lake", "no '?'");
    api_refused("\"url\": \"https://api.example/\", \"token_header\": \"X-Key\"", "lake",
                "token_header without a token");
    api_refused(
        "\"url\": \"https://api.example/\", \"token_header\": \"X: y\", \"token_env\": \"ORCH_TEST_TOKEN\"",
        "lake", "no name of a header");
    api_refused("\"url\": \"https://api.example/\", \"password_env\": \"ORCH_TEST_TOKEN\"", "lake",
                "has no effect");
    api_refused("\"url\": \"s3://b/\", \"token_env\": \"ORCH_TEST_TOKEN\"", "lake", "has no effect");
    api_refused("\"url\": \"https://api.example/\"", "api", "is a server");
    setenv("ORCH_TEST_TOKEN", "two\nlines", 1);
    api_refused("\"url\": \"https://api.example/\", \"token_env\": \"ORCH_TEST_TOKEN\"", "lake",
                "control character");
}

TEST(broken_json_says_where)
{
    refused("{\"state\": \"x\",}", "line 1");
    refused("{\"state\": \"x\", \"state\": \"y\"}", "duplicate");
    refused("[]", "an array where an object is expected");
    refused("", "it is empty");
}

TEST(names_are_found_or_the_nearest_is_named)
{
    struct config *c = good(minimal);
    const struct pipeline *p = NULL;
    struct err err;

    is_int(config_pipeline(c, "loans", &p, &err), 0);
    fails(config_pipeline(c, "loan", &p, &err), &err, ERR_NOT_FOUND);
    is_str(err.hint, "the nearest is 'loans'");
    config_free(c);
    refused_with("{\"workflow\": \"inge\"}", "the nearest is 'ingest'");
    refused_with("{\"source\": {\"connection\": \"lakes\"}}", "the nearest is 'lake'");
}

TEST(the_shipped_workflow_is_there)
{
    struct config *c = good(minimal);
    char *text = NULL;
    size_t n = 0;
    struct err err;

    must_rc(config_workflow(c, &c->pipelines[0], &text, &n, &err), &err);
    ok(strstr(text, "\"StartAt\"") != NULL && n == strlen(text));
    free(text);
    config_free(c);
}

TEST(the_published_schema_is_the_one_that_is_checked)
{
    const char *source = getenv("ORCH_SOURCE");
    struct buf text = BUF_INIT(1 * MIB);
    json_t *published = NULL, *ours;
    struct err err;

    if (source == NULL)
        skip("ORCH_SOURCE is not set");
    ours = config_schema();
    char *path = fs_join(source, "docs/orch.schema.json");
    must_rc(fs_read(path, &text, &err), &err);
    must_rc(json_parse(text.p, text.n, path, &published, &err), &err);
    ok(json_equal(published, ours));
    json_decref(published);
    json_decref(ours);
    free(path);
    buf_release(&text);
}

#include "orchestrator/spec.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/tap.h"

static const char config[] =
    "{\"databases\": {\"mysql\": {\"host\": \"db.example\", \"user\": \"reader\", \"password\": "
    "\"s3cr3t\", \"db\": \"shop\"}}}";

static int read_with(const char *text, const char *with_config, bool mend, struct spec *ret, struct err *err)
{
    const struct spec_given given = {.text = str_of(text),
                                     .config = with_config != NULL ? str_of(with_config) : (struct str){0},
                                     .mend = mend};
    return spec_read(&given, ret, err);
}

/* The document in one line, keys in order; owned. */
static char *document(const char *text, const char *with_config)
{
    struct spec s;
    struct err err = {0};

    must_rc(read_with(text, with_config, true, &s, &err), &err);
    char *line = json_dumps(s.document, JSON_COMPACT | JSON_SORT_KEYS);
    spec_release(&s);
    return line;
}

/* The one table of a task. */
static char *table_of(const char *members)
{
    char *text = xasprintf("{\"task_name\": \"t\", \"table\": [{\"name\": \"orders\"%s}]}", members);
    struct spec s;
    struct err err = {0};

    must_rc(read_with(text, config, true, &s, &err), &err);
    const json_t *extract = json_object_get(json_object_get(s.document, "extracts"), "t");
    char *line =
        json_dumps(json_array_get(json_object_get(extract, "tables"), 0), JSON_COMPACT | JSON_SORT_KEYS);
    spec_release(&s);
    free(text);
    return line;
}

static void table_is(const char *members, const char *want)
{
    char *got = table_of(members);
    is_str(got, want);
    free(got);
}

/* Whether one of the list says such a thing. */
static bool says(const json_t *list, const char *part)
{
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one) {
        const char *hint = json_string_value(json_object_get(one, "hint"));
        char *line = xasprintf("%s: %s (hint: %s)", json_string_value(json_object_get(one, "where")),
                               json_string_value(json_object_get(one, "text")), hint != NULL ? hint : "");
        bool found = strstr(line, part) != NULL;
        free(line);
        if (found)
            return true;
    }
    return false;
}

static void is_refused(const char *text, const char *with_config, bool mend, size_t count, const char *part)
{
    struct spec s;
    struct err err = {0};

    fails(read_with(text, with_config, mend, &s, &err), &err, ERR_CONFIG);
    is_int(json_array_size(s.errors), count);
    if (!ok(says(s.errors, part)) || json_array_size(s.errors) != count) {
        char *all = json_dumps(s.errors, JSON_COMPACT);
        diag("wanted: %s, in %s", part, all);
        free(all);
    }
    ok(s.document == NULL);
    spec_release(&s);
}

static void task_refused(const char *members, const char *part)
{
    char *text = xasprintf("{\"task_name\": \"t\", \"table\": [{\"name\": \"orders\"%s}]}", members);

    is_refused(text, config, true, 1, part);
    free(text);
}

TEST(a_task_spec_becomes_an_extract)
{
    static const char spec[] =
        "{\"task_name\": \"orders\", \"table\": [{\"name\": \"orders\", \"columns\": [\"id\", \"total\"],"
        " \"filters\": {\"buyer_id\": {\"condition\": \"!=\", \"metric\": 7}}, \"cdc\": {\"placed_at\": "
        "\"2001-02-03\"},"
        " \"split_order\": \"id\"}], \"query\": {\"custom\": null}, \"column_transformation\": {}, "
        "\"owner\": {\"name\": \"A\","
        " \"email\": \"a@b.example\"}, \"source\": \"mysql\", \"sink\": \"s3\", \"output_file_format\": "
        "\"csv\","
        " \"output_timezone\": null}";
    char *got = document(spec, config);

    is_str(got, "{\"connections\":{\"db\":{\"password_file\":\"db.secret\",\"url\":\"mysql://"
                "reader@db.example/shop\"},"
                "\"lake\":{\"url\":\"s3://sql-pde-exports/\"}},\"extracts\":{\"orders\":{\"format\":\"csv\","
                "\"owner\":{\"email\":\"a@b.example\",\"name\":\"A\"},\"path\":\"{task}/"
                "{task}_{timestamp}[_{part}]\","
                "\"schedule\":\"\",\"source\":{\"connection\":\"db\"},\"tables\":[{\"columns\":[\"id\","
                "\"total\"],\"filters\":["
                "{\"column\":\"placed_at\",\"is\":\">\",\"value\":\"2001-02-03\"},{\"column\":\"buyer_id\","
                "\"is\":\"!=\","
                "\"value\":7}],\"name\":\"orders\",\"order\":[\"id\"],\"table\":\"orders\"}],\"target\":{"
                "\"connection\":\"lake\","
                "\"prefix\":\"\"},\"task\":\"orders\"}}}");
    free(got);
}

TEST(a_password_is_given_apart_and_stands_nowhere_else)
{
    static const char spec[] = "{\"task_name\": \"t\", \"table\": [{\"name\": \"t\"}]}";
    struct spec s;
    struct err err = {0};

    for (int mend = 0; mend < 2; mend++) {
        must_rc(read_with(spec, config, mend, &s, &err), &err);
        char *text = json_dumps(s.document, 0), *notes = json_dumps(s.notes, 0);
        is_str(s.password, "s3cr3t");
        ok(strstr(text, "s3cr3t") == NULL && strstr(notes, "s3cr3t") == NULL);
        is_int(strstr(text, "password_file") != NULL, mend);
        is_int(says(s.notes, "put it into db.secret"), mend);
        free(text);
        free(notes);
        spec_release(&s);
    }
}

TEST(the_command_line_is_before_the_config)
{
    static const char spec[] = "{\"task_name\": \"t\", \"table\": [{\"name\": \"t\"}]}";
    struct spec_given given = {.text = str_of(spec),
                               .config = str_of(config),
                               .host = "h:1",
                               .user = "o'b@x/y",
                               .database = "d`b",
                               .port = 3307,
                               .batch_mb = 64,
                               .mend = true};
    struct spec s;
    struct err err = {0};

    must_rc(spec_read(&given, &s, &err), &err);
    char *text = json_dumps(s.document, JSON_COMPACT);
    ok(strstr(text, "\"mysql://o%27b%40x%2Fy@h:3307/d%60b\"") != NULL);
    ok(strstr(text, "\"part_bytes\":\"64MiB\"") != NULL);
    free(text);
    spec_release(&s);
    given.host = "::1";
    must_rc(spec_read(&given, &s, &err), &err);
    text = json_dumps(s.document, JSON_COMPACT);
    ok(strstr(text, "@[%3A%3A1]:3307/") != NULL);
    free(text);
    spec_release(&s);
    given.host = "\xff\xfe";
    must_rc(spec_read(&given, &s, &err), &err);
    spec_release(&s);
    given.host = "h:x";
    fails(spec_read(&given, &s, &err), &err, ERR_CONFIG);
    spec_release(&s);
}

TEST(config_json_by_any_of_its_names)
{
    static const char spec[] = "{\"task_name\": \"t\", \"table\": [{\"name\": \"t\"}]}";
    char *got = document(
        spec,
        "{\"MySQL\": {\"Hostname\": \"h\", \"username\": \"u\", \"port\": \"3310\", \"database\": \"d\"},"
        " \"batch\": 5, \"s3\": {\"bucket\": \"my.bucket\"}}");

    ok(strstr(got, "mysql://u@h:3310/d") != NULL && strstr(got, "s3://my.bucket/") != NULL &&
       strstr(got, "\"5MiB\"") != NULL);
    free(got);
    is_refused(spec, "{\"host\": \"a\", \"other\": {\"host\": \"b\"}, \"user\": 1}", true, 2,
               "other.host: config.json.host says");
    is_refused(spec, "{\"port\": 65536}", true, 1, "is no whole number");
    is_refused(spec, "[]", true, 1, "config.json: an array");
    is_refused(spec, "{\"bucket\": \"a/../b\"}", true, 1, "is no bucket's name");
    struct spec s;
    struct err err = {0};
    must_rc(read_with(spec,
                      "{\"host\": \"a\", \"user\": \"u\", \"db\": \"d\", \"aws_secret_access_key\": \"k3y\"}",
                      true, &s, &err),
            &err);
    ok(says(s.notes, "aws_secret_access_key: not read"));
    ok(!says(s.notes, "k3y"));
    spec_release(&s);
}

TEST(without_a_server_there_are_placeholders_and_no_run)
{
    static const char spec[] = "{\"task_name\": \"t\", \"table\": [{\"name\": \"t\"}]}";
    char *got = document(spec, NULL);

    ok(strstr(got, "mysql://USER@HOST/DATABASE") != NULL);
    free(got);
    is_refused(spec, NULL, false, 3, "nothing says the user");
}

TEST(cdc_is_a_constant_or_counts_from_now)
{
    table_is(
        ", \"cdc\": {\"a\": \"12 hours\", \"b\": \"2 weeks\", \"c\": \"30 minutes\", \"d\": \"1 DAY and 6 "
        "hrs ago\", \"e\": \"90s\"}",
        "{\"filters\":[{\"ago\":\"12h\",\"column\":\"a\",\"is\":\">\"},{\"ago\":\"14d\",\"column\":\"b\","
        "\"is\":\">\"},"
        "{\"ago\":\"30m\",\"column\":\"c\",\"is\":\">\"},{\"ago\":\"30h\",\"column\":\"d\",\"is\":\">\"},"
        "{\"ago\":\"90s\",\"column\":\"e\",\"is\":\">\"}],\"name\":\"orders\",\"table\":\"orders\"}");
    table_is(
        ", \"cdc\": {\"a\": \"Monday morning\", \"b\": 200, \"c\": \"1995-05-05 10:00\", \"d\": \"12\", "
        "\"e\": \"today\"}",
        "{\"filters\":[{\"column\":\"a\",\"is\":\">\",\"value\":\"Monday "
        "morning\"},{\"column\":\"b\",\"is\":\">\",\"value\":200},"
        "{\"column\":\"c\",\"is\":\">\",\"value\":\"1995-05-05 "
        "10:00\"},{\"column\":\"d\",\"is\":\">\",\"value\":\"12\"},"
        "{\"column\":\"e\",\"is\":\">\",\"value\":\"today\"}],\"name\":\"orders\",\"table\":\"orders\"}");
    task_refused(", \"cdc\": {\"a\": \"3 monts\"}", "'3 monts' is no duration (hint: 12 hours");
    task_refused(", \"cdc\": {\"a\": \"1 month\"}", "is no duration");
    task_refused(", \"cdc\": {\"a\": \"1.5 hours\"}", "is no duration");
    task_refused(", \"cdc\": {\"a\": \"0 hours\"}", "is no duration");
    task_refused(", \"cdc\": {\"a\": \"99999999999999999999 weeks\"}", "is no duration");
    task_refused(", \"cdc\": {\"a\": [\"x\", \"y\"]}", "an array where a value is expected");
    task_refused(", \"cdc\": {\"a\": null}", "null where a value is expected");
    task_refused(", \"cdc\": {\"a\": \"DATE_SUB(NOW(), INTERVAL 1 DAY)\"}", "is an expression, and no value");
    task_refused(", \"cdc\": [\"a\"]", "'cdc' is an array");
}

TEST(filters_keep_their_meaning)
{
    table_is(", \"filters\": {\"a\": {\"condition\": \"=\", \"metric\": null}, \"b\": {\"condition\": \"IS  "
             "NOT\", \"metric\": null},"
             " \"c\": {\"condition\": \"!=\", \"metric\": \"NULL\"}, \"d\": {\"condition\": \"<>\", "
             "\"metric\": \"'x'\"}}",
             "{\"filters\":[{\"column\":\"a\",\"is\":\"null\"},{\"column\":\"b\",\"is\":\"not-null\"},{"
             "\"column\":\"c\",\"is\":"
             "\"not-null\"},{\"column\":\"d\",\"is\":\"!=\",\"value\":\"x\"}],\"name\":\"orders\",\"table\":"
             "\"orders\"}");
    table_is(
        ", \"filters\": {\"a\": {\"condition\": \"in\", \"metric\": \"(1, 'it''s', \\\"x,y\\\")\"}, \"b\": "
        "{\"condition\": \"not in\","
        " \"metric\": [1, \"z\"]}, \"c\": {\"condition\": \"between\", \"metric\": [1, 2.5]}, \"d\": "
        "{\"condition\": \"like\", \"metric\": \"'%a'\"}}",
        "{\"filters\":[{\"column\":\"a\",\"is\":\"in\",\"value\":[\"1\",\"it's\",\"x,y\"]},{\"column\":\"b\","
        "\"is\":\"not-in\",\"value\":"
        "[1,\"z\"]},{\"column\":\"c\",\"is\":\">=\",\"value\":1},{\"column\":\"c\",\"is\":\"<=\",\"value\":"
        "\"2.5\"},"
        "{\"column\":\"d\",\"is\":\"like\",\"value\":\"%a\"}],\"name\":\"orders\",\"table\":\"orders\"}");
    table_is(", \"filters\": {\"a\": [{\"condition\": \">=\", \"metric\": 1}, {\"condition\": \"<\", "
             "\"metric\": 9}]}",
             "{\"filters\":[{\"column\":\"a\",\"is\":\">=\",\"value\":1},{\"column\":\"a\",\"is\":\"<\","
             "\"value\":9}],\"name\":\"orders\","
             "\"table\":\"orders\"}");
    /* as SQL of its own it would be true of every row; as a value it is a text */
    table_is(", \"filters\": {\"a\": {\"condition\": \"=\", \"metric\": \"1 OR 1=1; --\"}}",
             "{\"filters\":[{\"column\":\"a\",\"is\":\"=\",\"value\":\"1 OR 1=1; "
             "--\"}],\"name\":\"orders\",\"table\":\"orders\"}");
    task_refused(", \"filters\": {\"a\": {\"condition\": \"= 1 OR 1 =\", \"metric\": 1}}",
                 "is not known (hint: one of");
    task_refused(", \"filters\": {\"a\": {\"metric\": 1}}", "the condition is missing");
    task_refused(", \"filters\": {\"a\": {\"condition\": \">\", \"metric\": null}}",
                 "NULL is true of no row");
    task_refused(", \"filters\": {\"a\": {\"condition\": \"is null\", \"metric\": 1}}",
                 "no metric goes with");
    task_refused(", \"filters\": {\"a\": {\"condition\": \"in\", \"metric\": 1}}", "needs a list");
    task_refused(", \"filters\": {\"a\": {\"condition\": \"in\", \"metric\": []}}", "a list without a value");
    task_refused(", \"filters\": {\"a\": {\"condition\": \"=\", \"metric\": \"NOW()\"}}",
                 "is an expression, and no value");
    task_refused(", \"filters\": {\"a\": 1}", "where condition and metric are expected");
    task_refused(", \"filters\": {\"a\": {\"condition\": \"=\", \"metric\": 1, \"matric\": 2}}",
                 "no such member: 'matric' (hint: the nearest is 'metric')");
    task_refused(", \"filters\": {\"1=1) OR (a\": {\"condition\": \"=\", \"metric\": 1}}",
                 "is no column's name");
}

TEST(columns_and_order_are_names)
{
    table_is(", \"columns\": [\"id\", \"`odd name`\", \"UPPER(a) AS big\", \"json_extract(j, '$.a, b') as "
             "ja\"], \"split_order\": \"id ASC\"",
             "{\"columns\":[\"id\",\"odd "
             "name\"],\"name\":\"orders\",\"order\":[\"id\"],\"table\":\"orders\",\"transforms\":{\"big\":"
             "\"UPPER(a)\","
             "\"ja\":\"json_extract(j, '$.a, b')\"}}");
    table_is(", \"columns\": \"*\", \"split_order\": \"a, b\"",
             "{\"name\":\"orders\",\"order\":[\"a\",\"b\"],\"table\":\"orders\"}");
    task_refused(", \"columns\": [\"*\", \"a\"]", "'*' stands beside names");
    task_refused(", \"columns\": [\"count(*)\"]", "no expression with a name");
    task_refused(", \"columns\": [\"a b\"]", "'a b' is no column");
    task_refused(", \"columns\": [\"a\", \"a\"]", "'a' stands there twice");
    task_refused(", \"columns\": [1]", "an integer where a name is expected");
    task_refused(", \"columns\": [\"a\", \"\"]", "a name is empty");
    task_refused(", \"columns\": [\"a FROM x; --\"]", "is no column");
    task_refused(", \"split_order\": \"id DESC\"", "descending order");
    task_refused(", \"split_order\": \"id; DROP TABLE t\"", "is no column's name");
}

TEST(several_tables_queries_and_transforms)
{
    char *got = document("{\"task_name\": \"t\", \"table\": [{\"name\": \"a\"}, {\"name\": \"x.b\"}], "
                         "\"column_transformation\": "
                         "{\"x.b\": {\"c\": \"c + 1\"}}}",
                         config);
    ok(strstr(got, "{task}/{table}_{timestamp}[_{part}]") != NULL);
    ok(strstr(got, "{\"name\":\"b\",\"table\":\"x.b\",\"transforms\":{\"c\":\"c + 1\"}}") != NULL);
    free(got);
    got = document(
        "{\"task_name\": \"t\", \"table\": [{\"name\": \"a\"}], \"query\": {\"custom\": \"SELECT 1\"}}",
        config);
    ok(strstr(got, "\"tables\":[{\"name\":\"t\",\"query\":\"SELECT 1\"}]") != NULL);
    free(got);
    is_refused("{\"task_name\": \"t\", \"table\": [{\"name\": \"a\"}, {\"name\": \"b\"}], "
               "\"column_transformation\": {\"c\": \"1\"}}",
               config, true, 1, "of which of the tables?");
    is_refused("{\"task_name\": \"t\", \"table\": [{\"name\": \"a\"}, {\"name\": \"x.a\"}]}", config, true, 1,
               "would be one file");
    is_refused(
        "{\"task_name\": \"t\", \"table\": [{\"name\": \"a\"}], \"column_transformation\": {\"c\": 1}}",
        config, true, 1, "where an expression is expected");
    is_refused("{\"task_name\": \"t\", \"table\": [{\"name\": \"a\"}], \"query\": {\"custom\": \"SELECT "
               "1\"}, \"column_transformation\": "
               "{\"c\": \"1\"}}",
               config, true, 1, "write it into the query");
}

TEST(what_cannot_be_done_is_refused_all_of_it)
{
    is_refused("{\"table\": [], \"output_file_format\": \"parquet\", \"output_timezone\": \"Mars/Base\", "
               "\"sink\": \"gcs\", \"source\": "
               "\"postgres\", \"ownr\": 1}",
               config, true, 7, "ownr");
    is_refused("{\"task_name\": 7, \"table\": \"x\"}", config, true, 3, "'task_name' is an integer");
    is_refused("[1]", NULL, true, 1, "an array where an object is expected");
    is_refused("{\"a\": 1", NULL, true, 1, "spec: line 1");
    is_refused("{\"task_name\": \"a\", \"task_name\": \"b\"}", NULL, true, 1, "duplicate");
    is_refused("{\"connections\": {}}", NULL, true, 1, "it is an orch.json already");
    is_refused("{}", NULL, true, 1, "neither a task spec");
    is_refused("", NULL, true, 1, "spec");
}

TEST(formats_and_zones)
{
    char *got = document("{\"task_name\": \"t\", \"table\": [{\"name\": \"a\"}], \"output_file_format\": "
                         "\"JSON\", \"output_timezone\": \"UTC\"}",
                         config);
    ok(strstr(got, "\"format\":\"jsonl\"") != NULL && strstr(got, "\"timezone_of_output\":\"UTC\"") != NULL);
    free(got);
    got = document(
        "{\"task_name\": \"t\", \"table\": [{\"name\": \"a\"}], \"output_file_format\": \"tsv.gz\"}", config);
    ok(strstr(got, "\"format\":\"tsv\"") != NULL && strstr(got, "\"compress\":\"gzip\"") != NULL);
    free(got);
    got = document(
        "{\"task_name\": \"t\", \"table\": [{\"name\": \"a\"}], \"output_timezone\": \"Europe/Berlin\"}",
        config);
    ok(strstr(got, "\"path\":\"{task}/{task}_{timestamp}_{epoch}[_{part}]\"") != NULL);
    free(got);
    got = document(
        "{\"task_name\": \"t\", \"table\": [{\"name\": \"a\"}], \"output_timezone\": \"Asia/Kolkata\"}",
        config);
    ok(strstr(got, "\"path\":\"{task}/{task}_{timestamp}[_{part}]\"") != NULL);
    free(got);
}

#define CREDE(cols, more)                                                                                    \
    "{\"MYSQL_HOST\": \"h\", \"MYSQL_USERNAME\": \"u\", \"MYSQL_PASSWORD\": \"s3cr3t\", \"TABLE_SPEC\": "    \
    "[{\"MYSQL_DB\": "                                                                                       \
    "\"bank\", \"TABLE_NAME\": \"rate\", \"SELECT_COLS\": \"" cols "\", \"CDC_COLUMNS\": \"set_at\"" more

TEST(a_crede_config_becomes_an_extract)
{
    static const char spec[] =
        CREDE("value,set_at",
              ", \"STRATEGY\": \"incremental\"}, {\"MYSQL_DB\": \"other\", \"TABLE_NAME\": \"desk\", "
              "\"SELECT_COLS\": \"*\", \"CDC_COLUMNS\": \"name\", \"STRATEGY\": \"fullload\"}], "
              "\"FREQUENCY\": \"hourly\", \"S3_BUCKET\": \"s3://lake\", "
              "\"OUTPUT_FOLDER_LOCATION\": \"/a/b\", \"CSV_DELIM\": \"|\"}");
    char *got = document(spec, NULL);

    is_str(got,
           "{\"connections\":{\"db\":{\"password_file\":\"db.secret\",\"url\":\"mysql://u@h/"
           "bank\"},\"lake\":{\"url\":\"s3://lake/\"}},"
           "\"extracts\":{\"bank\":{\"compress\":\"gzip\",\"delimiter\":\"|\",\"format\":\"csv\",\"path\":\"{"
           "table}_{epoch}[_{part}]\","
           "\"schedule\":\"cron(0 * * * ? "
           "*)\",\"source\":{\"connection\":\"db\"},\"tables\":[{\"columns\":[\"value\",\"set_at\"],\"name\":"
           "\"rate\",\"table\":\"rate\",\"watermark\":[\"set_at\"]},{\"name\":\"desk\",\"table\":\"other."
           "desk\"}],\"target\":{"
           "\"connection\":\"lake\",\"prefix\":\"a/b/\"},\"task\":\"bank\"}}}");
    free(got);
}

TEST(constants_in_quotes_are_mended_when_asked_and_refused_before_a_run)
{
    static const char spec[] =
        CREDE("'value','set_at'",
              ", \"STRATEGY\": \"incremental\"}], \"FREQUENCY\": \"daily\", \"S3_BUCKET\": \"lake\"}");
    char *got = document(spec, NULL);

    ok(strstr(got, "\"columns\":[\"value\",\"set_at\"]") != NULL);
    free(got);
    is_refused(spec, NULL, false, 2, "rate.SELECT_COLS: 'value' is a constant in quotes and no column");
    is_refused(spec, NULL, false, 2, "(hint: write value, without quotes");
    is_refused("{\"task_name\": \"t\", \"table\": [{\"name\": \"a\", \"columns\": [\"'x','y'\", "
               "\"\\\"z\\\"\"], \"filters\": {\"'f'\": {\"condition\": "
               "\"=\", \"metric\": 1}}, \"cdc\": {\"'c'\": 1}, \"split_order\": \"'o'\"}]}",
               config, false, 6, "a.split_order: 'o' is a constant");
}

TEST(a_backfill_looks_back_so_many_hours)
{
    static const char spec[] = CREDE(
        "value", "}], \"TIME_RANGE_HOURS\": 12, \"S3_BUCKET\": \"lake\", \"OUTPUT_FOLDER_LOCATION\": \"b\"}");
    struct spec s;
    struct err err = {0};

    must_rc(read_with(spec, NULL, false, &s, &err), &err);
    is_int(s.kind, SPEC_CREDE_BACKFILL);
    is_int(s.hours, 12);
    is_str(s.name, "rate");
    is_str(s.password, "s3cr3t");
    ok(says(s.notes, "orch extract rate --hours 12"));
    spec_release(&s);
    is_refused(
        CREDE("value", "}], \"TIME_RANGE_HOURS\": 12, \"FREQUENCY\": \"daily\", \"S3_BUCKET\": \"lake\"}"),
        NULL, true, 1, "two configs");
    is_refused(CREDE("value", "}], \"TIME_RANGE_HOURS\": 0, \"S3_BUCKET\": \"lake\"}"), NULL, true, 1,
               "is no whole number from 1");
    is_refused(CREDE("value", "}], \"TIME_RANGE_HOURS\": \"1; DROP\", \"S3_BUCKET\": \"lake\"}"), NULL, true,
               1, "is no whole number from 1");
}

TEST(crede_errors)
{
    static const char *const bad[][2] = {
        {"\"STRATEGY\": \"delta\"}], \"FREQUENCY\": \"daily\", \"S3_BUCKET\": \"lake\"}",
         "STRATEGY 'delta' is not known"},
        {"\"STRATEGY\": \"incremental\"}], \"FREQUENCY\": \"weekly\", \"S3_BUCKET\": \"lake\"}",
         "'weekly' is not known"},
        {"\"STRATEGY\": \"incremental\"}], \"FREQUENCY\": \"daily\"}", "S3_BUCKET: it is missing"},
        {"\"STRATEGY\": \"incremental\"}], \"FREQUENCY\": \"daily\", \"S3_BUCKET\": \"la ke\"}",
         "is no bucket's name"},
        {"\"STRATEGY\": \"incremental\"}], \"FREQUENCY\": \"daily\", \"S3_BUCKET\": \"lake\", \"CSV_DELIM\": "
         "\"||\"}",
         "one ASCII"},
        {"\"STRATEGY\": \"incremental\"}], \"FREQUENCY\": \"daily\", \"S3_BUCKET\": \"lake\", "
         "\"OUTPUT_FOLDER_LOCATION\": \"a/../b\"}",
         "no folders"},
        {"\"STRATEGY\": \"incremental\"}], \"FREQUENCY\": \"daily\", \"S3_BUCKET\": \"lake\", "
         "\"OUTPUT_FOLDER_LOCATION\": \"{x}\"}",
         "no folder should have"},
        {"\"STRATEGY\": \"incremental\", \"WHERE\": \"1\"}], \"FREQUENCY\": \"daily\", \"S3_BUCKET\": "
         "\"lake\"}",
         "no such member: 'WHERE'"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *text = xasprintf("%s%s", CREDE("value", ", "), bad[i][0]);
        is_refused(text, NULL, true, 1, bad[i][1]);
        free(text);
    }
    is_refused("{\"MYSQL_HOST\": \"h\", \"MYSQL_USERNAME\": \"u\", \"TABLE_SPEC\": [{\"MYSQL_DB\": \"b\", "
               "\"TABLE_NAME\": \"t\", \"STRATEGY\": "
               "\"incremental\"}], \"FREQUENCY\": \"daily\", \"S3_BUCKET\": \"lake\"}",
               NULL, true, 1, "STRATEGY fullload needs none");
}

TEST(hostile_sizes)
{
    struct buf b = BUF_INIT(4 * MIB);
    struct err err = {0};
    struct spec s;

    must_rc(buf_adds(&b, "{\"task_name\": \"t\", \"table\": [{\"name\": \"a\", \"columns\": [\"", &err),
            &err);
    for (int i = 0; i < 5000; i++)
        must_rc(buf_addf(&b, &err, "c%d,", i), &err);
    must_rc(buf_adds(&b, "z\"]}]}", &err), &err);
    is_refused(b.p, config, true, 1, "more than 4096 names");
    buf_clear(&b);
    must_rc(buf_adds(&b, "{\"task_name\": \"t\", \"table\": [", &err), &err);
    for (int i = 0; i < 1001; i++)
        must_rc(buf_addf(&b, &err, "%s{\"name\": \"a%d\"}", i > 0 ? "," : "", i), &err);
    must_rc(buf_adds(&b, "]}", &err), &err);
    is_refused(b.p, config, true, 1, "more than 1000 tables");
    buf_clear(&b);
    for (size_t i = 0; i < MAX_SPEC; i++)
        must_rc(buf_adds(&b, "[", &err), &err);
    fails(read_with(b.p, NULL, true, &s, &err), &err, ERR_CONFIG);
    spec_release(&s);
    must_rc(buf_adds(&b, "[", &err), &err);
    is_refused(b.p, NULL, true, 1, "larger than");
    buf_release(&b);
    spec_release(&s); /* once more is fine */
}

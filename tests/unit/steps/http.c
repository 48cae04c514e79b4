#include "base/mem.h"
#include "tests/lib/mockhttp.h"
#include "tests/lib/run.h"
#include "tests/lib/step_fixture.h"

static struct step_fixture f;
static struct mock m;
static struct step_connection api;

static void begin(const struct mock_answer *answers, size_t n)
{
    mock_start(&m, answers, n);
    api = (struct step_connection){.name = "api", .url = m.url, .kind = REACH_HTTP, .token = "t0ken"};
    sf_begin(&f, "/", &api, 1);
}

static void end(void)
{
    sf_end(&f);
    mock_stop(&m);
}

/* parameters with %s for the server's URL */
static int ask(const char *format)
{
    const char *at = strstr(format, "URL");
    char *text =
        at != NULL ? xasprintf("%.*s%s%s", (int)(at - format), format, m.url, at + 3) : xstrdup(format);
    int rc = sf_run(&f, "http", text);

    free(text);
    return rc;
}

static void asked(const char *part, bool wanted)
{
    char *log = mock_log(&m);

    if ((strstr(log, part) != NULL) != wanted)
        diag("log:\n%s", log);
    ok((strstr(log, part) != NULL) == wanted);
    free(log);
}

#define JSON "200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"

TEST(an_answer_in_json)
{
    const struct mock_answer a[] = {{.want = "POST /v1/orders?day=2022-06-05&q=a%20b%26%C3%A4 ",
                                     .head = JSON "X-A: 1\r\nX-A: 2\r\nSet-Cookie: s=1\r\n",
                                     .body = "{\"id\": 7, \"d\": 0.1}"}};

    begin(a, 1);
    must_rc(
        ask("{'method': 'POST', 'url': 'URL/v1/orders', 'query': {'day': '2022-06-05', 'q': 'a b&\xc3\xa4'}, "
            "'headers': {'X-Trace': 'abc'}, 'body': {'n': 1}}"),
        &f.err);
    is_int(json_integer_value(json_object_get(f.result, "statusCode")), 200);
    const json_t *h = json_object_get(f.result, "headers"), *b = json_object_get(f.result, "body");
    is_str(json_string_value(json_object_get(h, "x-a")), "1, 2");
    ok(json_object_get(h, "set-cookie") == NULL); /* a secret, and the result is history */
    is_int(json_integer_value(json_object_get(b, "id")), 7);
    asked("X-Trace: abc\r\n", true);
    asked("Content-Type: application/json\r\n", true);
    asked("Idempotency-Key: 0123456789abcdef0123456789abcdef\r\n", true);
    asked("t0ken", false); /* a url gets no connection's token, whatever it is */
    end();
}

TEST(a_connection_brings_its_token)
{
    const struct mock_answer a[] = {{.want = "GET /a%20b/7 ", .head = "204 No Content\r\n"},
                                    {.want = "GET /7 ", .head = "200 OK\r\n", .body = "plain"}};

    begin(a, 2);
    must_rc(ask("{'connection': 'api', 'path': 'a b/7'}"), &f.err);
    ok(json_is_null(json_object_get(f.result, "body")));
    asked("Authorization: Bearer t0ken\r\n", true);
    api.token_header = "X-Api-Key";
    must_rc(ask("{'connection': 'api', 'path': '/7'}"), &f.err);
    is_str(json_string_value(json_object_get(f.result, "body")), "plain");
    asked("X-Api-Key: t0ken\r\n", true);
    fails(ask("{'connection': 'api', 'path': 'a/../../admin'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'connection': 'api', 'path': 'a/%2e%2E/admin'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'connection': 'api', 'path': 'a/..%2fadmin'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'connection': 'api', 'path': 'a%2F%2e./admin'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'connection': 'api', 'path': 'a/..;x=1/admin'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'connection': 'api', 'path': 'a/..%5cadmin'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'connection': 'api', 'path': '..'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'connection': 'apu', 'path': 'a'}"), &f.err, ERR_CONTRACT);
    is_str(f.err.hint, "the nearest is 'api'");
    fails(ask("{'connection.$': '$.c', 'path': 'a'}"), &f.err, ERR_CONTRACT);
    end();
}

/* As debugging servers and error pages do. */
TEST(a_token_that_the_server_says_back_is_starred_out)
{
    const struct mock_answer a[] = {
        {.head = "200 OK\r\nContent-Type: application/json\r\nX-Echo: Bearer s3cret-t0ken\r\n",
         .body = "{\"a\":\"Bearer s3cret-t0ken\",\"b\":\"s3cret-t0kens3cret-t0ken\"}"},
        {.head = "500 No\r\n", .body = "you sent s3cret-t0ken"}};

    begin(a, 2);
    api.token = "s3cret-t0ken";
    must_rc(ask("{'connection': 'api', 'path': 'x'}"), &f.err);
    char *text = json_text(f.result);
    ok(strstr(text, "s3cret") == NULL);
    ok(strstr(text, "\"x-echo\":\"Bearer ************\"") != NULL);
    ok(strstr(text, "{\"a\":\"Bearer ************\",\"b\":\"************************\"}") != NULL);
    free(text);
    fails(ask("{'connection': 'api', 'path': 'x'}"), &f.err, ERR_UNAVAILABLE);
    is_str(f.ctx.cause, "the server answered with status 500: you sent ************");
    end();
}

TEST(what_is_wrong_is_said_before_anything_is_sent)
{
    begin(NULL, 0);
    fails(ask("{'url': 'ftp://h/x'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'url': 'http://user:pw@h/x'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'url': 'URL/a b'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'url': 'URL/x\\r\\nX-Evil: 1'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'url': 'URL/x', 'headers': {'X': 'a\\r\\nX-Evil: 1'}}"), &f.err, ERR_CONTRACT);
    fails(ask("{'url': 'URL/x', 'headers': {'X\\r\\nY': 'a'}}"), &f.err, ERR_CONTRACT);
    fails(ask("{'url': 'URL/x', 'headers': {'Authorization': 'Bearer x'}}"), &f.err, ERR_CONTRACT);
    ok(strstr(f.err.msg, "history") != NULL);
    fails(ask("{'url': 'URL/x', 'headers': {'Content-Length': '5'}}"), &f.err, ERR_CONTRACT);
    fails(ask("{'url': 'URL/x', 'method': 'GET /evil HTTP/1.1'}"), &f.err, ERR_CONTRACT);
    fails(ask("{'url': 'URL/x', 'connection': 'api'}"), &f.err, ERR_CONTRACT);
    fails(ask("{}"), &f.err, ERR_CONTRACT);
    fails(ask("{'url': 'http://169.254.169.254/latest/meta-data/'}"), &f.err, ERR_ACCESS_DENIED);
    fails(ask("{'url': 'http://[::ffff:169.254.169.254]/'}"), &f.err, ERR_ACCESS_DENIED);
    asked("HTTP/1.1", false);
    end();
}

TEST(a_status_that_is_not_expected_is_an_error_by_name)
{
    const struct mock_answer a[] = {{.head = "503 Away\r\n", .body = "try \x1b[31mlater"},
                                    {.head = "404 No\r\n"},
                                    {.head = "404 No\r\n"},
                                    {.head = "302 Found\r\nLocation: http://127.0.0.1:1/\r\n"},
                                    {.head = "418 Tea\r\n"}};

    begin(a, 5);
    fails(ask("{'url': 'URL/'}"), &f.err, ERR_UNAVAILABLE);
    is_str(err_asl(&f.err), "States.Http.StatusCode.503");
    is_str(f.ctx.cause, "the server answered with status 503: try \\x1b[31mlater");
    fails(ask("{'url': 'URL/'}"), &f.err, ERR_NOT_FOUND);
    must_rc(ask("{'url': 'URL/', 'expectedStatus': [200, 404]}"), &f.err);
    is_int(json_integer_value(json_object_get(f.result, "statusCode")), 404);
    fails(ask("{'url': 'URL/'}"), &f.err, ERR_BAD_RESPONSE); /* no redirect is followed */
    must_rc(ask("{'url': 'URL/', 'expectedStatus': '4xx'}"), &f.err);
    end();
}

TEST(bodies_that_json_cannot_hold)
{
    const struct mock_answer a[] = {
        {.head = JSON, .body = "{\"n\": 99999999999999999999}"},
        {.head = JSON, .body = "{\"n\": "},
        {.head = "200 OK\r\n", .body = "\xff\xfe"},
        {.head = "200 OK\r\n", .body = "\xff\xfe"},
        {.head = "200 OK\r\nContent-Length: 5000000\r\n", .body = "x", .hang = 1}};

    begin(a, 5);
    must_rc(ask("{'url': 'URL/'}"), &f.err); /* never rounded: its text */
    is_str(json_string_value(json_object_get(f.result, "body")), "{\"n\": 99999999999999999999}");
    must_rc(ask("{'url': 'URL/'}"), &f.err);
    is_str(json_string_value(json_object_get(f.result, "body")), "{\"n\": ");
    fails(ask("{'url': 'URL/'}"), &f.err, ERR_BAD_RESPONSE);
    must_rc(ask("{'url': 'URL/', 'output': 'none'}"), &f.err);
    ok(json_is_null(json_object_get(f.result, "body")));
    must_rc(ask("{'url': 'URL/', 'output': 'none'}"), &f.err); /* what nobody wants is not waited for */
    end();
}

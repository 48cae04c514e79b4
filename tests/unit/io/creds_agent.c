#include "base/clock.h"
#include "base/mem.h"
#include "io/creds_int.h"
#include "tests/lib/mockhttp.h"
#include "tests/lib/run.h"
#include "tests/tap.h"

#define KEYS "\"AccessKeyId\":\"ASIATASK\",\"SecretAccessKey\":\"s3cr3t\""
#define GOOD "{\"RoleArn\":\"r\"," KEYS ",\"Token\":\"session\",\"Expiration\":\"2030-06-05T12:00:00Z\"}"

static struct http *client(void)
{
    static struct http *h;
    struct err err;

    if (h == NULL)
        must_rc(http_new(&h, &err), &err);
    return h;
}

static struct creds_env task(const struct mock *m)
{
    return (struct creds_env){.home = "/nonexistent",
                              .container_full_uri = xasprintf("%s/v1/creds?x=1", m->url),
                              .metadata_endpoint = m->url};
}

static void asked(const struct mock_answer *answers, size_t n, enum err_code want, const char *text)
{
    struct mock m;
    struct creds c;
    struct err err = {0};

    mock_start(&m, answers, n);
    struct creds_env env = task(&m);
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, want);
    if (!ok(strstr(err.msg, text) != NULL && strstr(err.msg, "s3cr3t") == NULL))
        diag("%s", err.msg);
    ok(c.access_key == NULL && c.secret_key == NULL);
    free((char *)(uintptr_t)env.container_full_uri);
    mock_stop(&m);
}

TEST(the_agent_gives_credentials)
{
    const struct mock_answer answers[] = {{"GET /v1/creds?x=1 HTTP/1.1\r\n", "200 OK\r\n", GOOD, 0, 0, 0},
                                          {"Authorization: of the variable\r\n", "200 OK\r\n", GOOD, 0, 0, 0},
                                          {"Authorization: of-the-file\r\n", "200 OK\r\n", GOOD, 0, 0, 0},
                                          {"Authorization: changed\r\n", "200 OK\r\n", GOOD, 0, 0, 0},
                                          {"GET", "200 OK\r\n", "{" KEYS "}", 0, 0, 0}};
    char *dir = tmp_dir(), *file = tmp_path(dir, "token");
    struct mock m;
    struct creds c;
    struct err err;

    mock_start(&m, answers, ARRAY_LEN(answers));
    struct creds_env env = task(&m);
    must_rc(creds_find(&env, NULL, client(), NULL, &c, &err), &err);
    is_str(c.access_key, "ASIATASK");
    is_str(c.secret_key, "s3cr3t");
    is_str(c.session_token, "session");
    is_str(c.origin, "container agent");
    is_int(c.expires_ms, 1906891200000);
    creds_release(&c);
    env.container_token = "of the variable";
    must_rc(creds_find(&env, NULL, client(), NULL, &c, &err), &err);
    creds_release(&c);
    put_text(file, "of-the-file\n");
    env.container_token_file = file;
    must_rc(creds_find(&env, NULL, client(), NULL, &c, &err), &err);
    creds_release(&c);
    put_text(file, "changed\r\n");
    must_rc(creds_find(&env, NULL, client(), NULL, &c, &err), &err);
    creds_release(&c);
    must_rc(creds_find(&env, NULL, client(), NULL, &c, &err), &err); /* keys that do not end need neither */
    ok(c.session_token == NULL && c.expires_ms == 0);
    creds_release(&c);
    free((char *)(uintptr_t)env.container_full_uri);
    mock_stop(&m);
    free(file);
    free(dir);
}

TEST(only_near_hosts_are_asked_in_the_clear)
{
    static const char *const good[] = {"https://creds.example.com/x",
                                       "http://127.0.0.1:51679/x",
                                       "http://127.9.9.9/",
                                       "http://localhost/x",
                                       "http://[::1]:80/x",
                                       "http://169.254.170.2/v2",
                                       "http://169.254.170.23/v1/credentials",
                                       "http://[fd00:ec2::23]/v1/credentials"};
    static const char *const bad[] = {"http://example.com/x",
                                      "http://169.254.169.254/",
                                      "http://169.254.170.2.example.com/",
                                      "http://169.254.170.2@example.com/",
                                      "http://example.com#@127.0.0.1/",
                                      "http://example.com\\@127.0.0.1/",
                                      "http://127.0.0.1:80:90/",
                                      "http://[::1]example.com/",
                                      "http://[fd00:ec2::24]/",
                                      "http://0x7f000001/",
                                      "http://127.0.0.1 /",
                                      "https://",
                                      "file:///etc/passwd",
                                      ""};
    struct err err = {0};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!ok(creds_check_url("X", good[i], true, &err) == 0))
            diag("%s: %s", good[i], err.msg);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!ok(creds_check_url("X", bad[i], true, &err) == -ERR_ACCESS_DENIED))
            diag("%s", bad[i]);
    ok(creds_check_url("X", "http://169.254.170.2/", false, &err) <
       0); /* no place for a web identity token */
    struct creds c;
    struct creds_env env = {.home = "/nonexistent", .container_full_uri = "http://example.com/x"};
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
    ok(strstr(err.msg, "AWS_CONTAINER_CREDENTIALS_FULL_URI names host example.com over http") != NULL);
    env.container_relative_uri = "@example.com/x";
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
    ok(strstr(err.msg, "does not begin with a slash") != NULL);
}

TEST(set_and_unusable_is_an_error_and_not_another_identity)
{
    const struct mock_answer no[] = {{"GET", "403 Forbidden\r\n", "no", 0, 0, 0}};
    const struct mock_answer oops[] = {{"GET", "500 Oops\r\n", "no", 0, 0, 0}};
    struct creds c;
    struct err err = {0};
    struct creds_env env = {.home = "/nonexistent", .container_full_uri = "http://127.0.0.1:1/x"};

    asked(no, 1, ERR_ACCESS_DENIED, "status 403");
    asked(oops, 1, ERR_TRANSIENT, "status 500"); /* which the caller tries again */
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_UNAVAILABLE);
    env.container_token_file = "/nonexistent/t";
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
    ok(strstr(err.msg, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: cannot open") != NULL);
    env.container_token_file = NULL;
    env.container_token = "a\r\nHost: evil";
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
    ok(strstr(err.msg, "a byte that no token has") != NULL);
}

TEST(wrong_answers_are_errors)
{
    static const char *const wrong[] = {"",
                                        "[]",
                                        "{",
                                        "{\"AccessKeyId\":\"A\"}",
                                        "{\"AccessKeyId\":1,\"SecretAccessKey\":2}",
                                        "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"s3cr3t\"}",
                                        "{" KEYS ",\"Token\":7}",
                                        "{" KEYS ",\"Expiration\":\"soon\"}",
                                        "{" KEYS ",\"Expiration\":null} trailing s3cr3t"};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        const struct mock_answer answers[] = {{"GET", "200 OK\r\n", wrong[i], 0, 0, 0}};
        asked(answers, 1, ERR_BAD_RESPONSE, "container agent answered without usable credentials");
    }
    const struct mock_answer over[] = {
        {"GET", "200 OK\r\n", "{" KEYS ",\"Token\":\"t\",\"Expiration\":\"2020-06-05T12:00:00Z\"}", 0, 0, 0}};
    asked(over, 1, ERR_ACCESS_DENIED, "ended at 2020-06-05T12:00:00Z");
    const struct mock_answer split[] = {
        {"GET", "200 OK\r\n", "{\"AccessKeyId\":\"A\\r\\nX: y\",\"SecretAccessKey\":\"s3cr3t\"}", 0, 0, 0}};
    asked(split, 1, ERR_ACCESS_DENIED, "a byte that no key has");
    char *huge = xcalloc(1, 200001);
    memset(huge, ' ', 200000);
    const struct mock_answer big[] = {{"GET", "200 OK\r\n", huge, 0, 0, 0}};
    asked(big, 1, ERR_BAD_RESPONSE, "longer than credentials");
    free(huge);
}

TEST(an_agent_that_hangs_is_left)
{
    const struct mock_answer answers[] = {{"GET", "200 OK\r\nContent-Length: 900\r\n", "{", 0, 0, 1}};
    int64_t began = clock_mono_ms();

    asked(answers, 1, ERR_TIMEOUT, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    ok(clock_mono_ms() - began < 12000);
}

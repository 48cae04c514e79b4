#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "io/creds.h"
#include "tests/lib/mockhttp.h"
#include "tests/lib/run.h"
#include "tests/tap.h"
#include <sys/stat.h>

#define ROLE "arn:aws:iam::123456789012:role/loader"
#define ANSWER(expires)                                                                                      \
    "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"                \
    "<AssumeRoleWithWebIdentityResult><SubjectFromWebIdentityToken>s</SubjectFromWebIdentityToken>"          \
    "<Credentials><SessionToken>tok/en+=</SessionToken><SecretAccessKey>s3cr3t</SecretAccessKey>"            \
    "<Expiration>" expires "</Expiration><AccessKeyId>ASIAWEB</AccessKeyId></Credentials>"                   \
    "<AssumedRoleUser><Arn>a</Arn></AssumedRoleUser></AssumeRoleWithWebIdentityResult>"                      \
    "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>"
#define REFUSAL(code, message)                                                                               \
    "<ErrorResponse "                                                                                        \
    "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>" code              \
    "</Code><Message>" message "</Message></Error><RequestId>r</RequestId></ErrorResponse>"

static struct http *client(void)
{
    static struct http *h;
    struct err err;

    if (h == NULL)
        must_rc(http_new(&h, &err), &err);
    return h;
}

static const char *token_path;

/* A pod's environment, whose STS is the mock. The instance metadata are there too, and must not be asked. */
static struct creds_env pod(const struct mock *m)
{
    static char path[300];
    char *dir = tmp_dir();

    snprintf(path, sizeof path, "%s/token", dir);
    free(dir);
    put_text(path, "eyJ.a+b/c.sig\n");
    chmod(path, 0644);
    token_path = path;
    return (struct creds_env){.home = "/nonexistent",
                              .web_identity_token_file = path,
                              .role_arn = ROLE,
                              .sts_endpoint = m->url,
                              .metadata_endpoint = m->url};
}

static struct err asked(const struct mock_answer *answers, size_t n, enum err_code want, const char *text,
                        const char *hint)
{
    struct mock m;
    struct creds c;
    struct err err = {0};

    mock_start(&m, answers, n);
    struct creds_env env = pod(&m);
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, want);
    if (!ok(strstr(err.msg, text) != NULL && strstr(err.hint, hint) != NULL))
        diag("%s (%s)", err.msg, err.hint);
    ok(c.access_key == NULL && c.secret_key == NULL && c.session_token == NULL);
    mock_stop(&m);
    return err;
}

TEST(a_token_becomes_credentials)
{
    const struct mock_answer answers[] = {
        {"POST / HTTP/1.1\r\n", "200 OK\r\n", ANSWER("2030-06-05T12:00:00Z"), 0, 0, 0}};
    struct mock m;
    struct creds c;
    struct err err;

    mock_start(&m, answers, ARRAY_LEN(answers));
    struct creds_env env = pod(&m);
    must_rc(creds_find(&env, NULL, client(), NULL, &c, &err), &err);
    is_str(c.access_key, "ASIAWEB");
    is_str(c.secret_key, "s3cr3t");
    is_str(c.session_token, "tok/en+=");
    is_int(c.expires_ms, 1906891200000);
    is_str(c.origin, "web identity " ROLE);
    creds_release(&c);
    char *log = mock_log(&m);
    ok(strstr(log, "Content-Type: application/x-www-form-urlencoded\r\n") != NULL);
    ok(strstr(log, "eyJ") == NULL); /* in the body, where no log of heads shows it */
    free(log);
    mock_stop(&m);
}

TEST(the_environments_keys_go_before_it_and_profiles_after_it)
{
    const struct mock_answer answers[] = {{"POST", "200 OK\r\n", ANSWER("2030-06-05T12:00:00Z"), 0, 0, 0}};
    char *dir = tmp_dir(), *file = tmp_path(dir, "c");
    struct mock m;
    struct creds c;
    struct err err;

    put_text(file, "[default]\naws_access_key_id=FILE\naws_secret_access_key=fs\n");
    mock_start(&m, answers, ARRAY_LEN(answers));
    struct creds_env env = pod(&m);
    env.credentials_file = file;
    env.access_key_id = "ENV";
    env.secret_access_key = "es";
    must_rc(creds_find(&env, NULL, client(), NULL, &c, &err), &err);
    is_str(c.access_key, "ENV");
    creds_release(&c);
    env.access_key_id = env.secret_access_key = NULL;
    must_rc(creds_find(&env, "default", client(), NULL, &c, &err), &err); /* orch.json names it */
    is_str(c.access_key, "FILE");
    creds_release(&c);
    must_rc(creds_find(&env, NULL, client(), NULL, &c, &err), &err);
    is_str(c.access_key, "ASIAWEB");
    creds_release(&c);
    mock_stop(&m);
    free(file);
    free(dir);
}

TEST(a_profile_may_say_it)
{
    const struct mock_answer answers[] = {{"POST", "200 OK\r\n", ANSWER("2030-06-05T12:00:00Z"), 0, 0, 0}};
    char *dir = tmp_dir(), *file = tmp_path(dir, "f");
    struct mock m;
    struct creds c;
    struct err err;

    mock_start(&m, answers, ARRAY_LEN(answers));
    struct creds_env env = pod(&m);
    char *text = xasprintf("[profile w]\nrole_arn=%s\nweb_identity_token_file=%s\nregion=eu-west-3\n", ROLE,
                           token_path);
    put_text(file, text);
    env.web_identity_token_file = env.role_arn = NULL;
    env.config_file = file;
    must_rc(creds_find(&env, "w", client(), NULL, &c, &err), &err);
    is_str(c.access_key, "ASIAWEB");
    is_str(c.region, "eu-west-3");
    creds_release(&c);
    mock_stop(&m);
    free(text);
    free(file);
    free(dir);
}

TEST(the_token_is_read_again_each_time)
{
    const struct mock_answer answers[] = {{"POST", "200 OK\r\n", ANSWER("2030-06-05T12:00:00Z"), 0, 0, 0},
                                          {"POST", "200 OK\r\n", ANSWER("2030-06-05T12:00:00Z"), 0, 0, 0}};
    struct mock m;
    struct creds c;
    struct err err = {0};

    mock_start(&m, answers, ARRAY_LEN(answers));
    struct creds_env env = pod(&m);
    must_rc(creds_find(&env, NULL, client(), NULL, &c, &err), &err);
    creds_release(&c);
    put_text(token_path, "eyJ.a+b/c.sig23456789\n"); /* eight bytes more */
    must_rc(creds_find(&env, NULL, client(), NULL, &c, &err), &err);
    creds_release(&c);
    char *log = mock_log(&m), *first = strstr(log, "Content-Length: "),
         *second = first != NULL ? strstr(first + 1, "Content-Length: ") : NULL;
    must(second != NULL);
    is_int(strtol(second + 16, NULL, 10) - strtol(first + 16, NULL, 10), 8);
    free(log);
    put_text(token_path, "");
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
    ok(strstr(err.msg, "is empty") != NULL);
    mock_stop(&m);
}

TEST(set_and_unusable_is_an_error_and_not_another_identity)
{
    struct mock m;
    struct creds c;
    struct err err = {0};

    mock_start(&m, NULL, 0);
    struct creds_env env = pod(&m);
    env.web_identity_token_file = "/nonexistent/token";
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
    ok(strstr(err.msg, "AWS_WEB_IDENTITY_TOKEN_FILE: cannot open /nonexistent/token") != NULL);
    env = pod(&m);
    env.role_arn = "";
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
    ok(strstr(err.msg, "AWS_ROLE_ARN is not") != NULL);
    char *log = mock_log(&m);
    is_str(log, ""); /* nobody was asked, the instance metadata least of all */
    free(log);
    env = pod(&m);
    env.sts_endpoint = "http://127.0.0.1:1";
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_UNAVAILABLE);
    ok(strstr(err.msg, "web identity") != NULL);
    mock_stop(&m);
}

TEST(the_token_goes_to_no_strange_place)
{
    static const char *const bad[] = {"http://sts.example.com",
                                      "http://127.0.0.1@sts.example.com/",
                                      "ftp://127.0.0.1",
                                      "http://127.0.0.1.example.com",
                                      "http://127.1",
                                      "http://169.254.170.2",
                                      "127.0.0.1",
                                      "http://localhost:80x",
                                      "http://[::1",
                                      "http:///x"};
    struct mock m;
    struct creds c;
    struct err err = {0};

    mock_start(&m, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct creds_env env = pod(&m);
        env.sts_endpoint = bad[i];
        fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
        if (!ok(strstr(err.msg, "AWS_ENDPOINT_URL_STS") != NULL))
            diag("%s: %s", bad[i], err.msg);
    }
    struct creds_env env = pod(&m);
    env.sts_endpoint = NULL;
    env.region = "x.evil.example/";
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
    env.region = "eu-west-1";
    env.sts_regional = "global";
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
    mock_stop(&m);
}

TEST(what_sts_refuses_is_said_with_what_to_do)
{
    const struct mock_answer expired[] = {
        {"POST", "400 Bad Request\r\n", REFUSAL("ExpiredTokenException", "Token \x7f[31mexpired"), 0, 0, 0}};
    const struct mock_answer trust[] = {
        {"POST", "403 Forbidden\r\n", REFUSAL("AccessDenied", "Not authorized"), 0, 0, 0}};
    const struct mock_answer issuer[] = {
        {"POST", "400 Bad Request\r\n", REFUSAL("IDPCommunicationError", "later"), 0, 0, 0}};
    const struct mock_answer page[] = {{"POST", "404 Not Found\r\n", "<html>", 0, 0, 0}};

    struct err err = asked(expired, 1, ERR_ACCESS_DENIED, "ExpiredTokenException", "not renewed");
    ok(strchr(err.msg, '\x7f') == NULL);
    asked(trust, 1, ERR_ACCESS_DENIED, "role " ROLE, "trust policy");
    asked(issuer, 1, ERR_TRANSIENT, "IDPCommunicationError", "");
    asked(page, 1, ERR_ACCESS_DENIED, "status 404", "");
}

TEST(a_server_in_trouble_is_asked_again)
{
    const struct mock_answer answers[] = {{"POST", "500 Oops\r\n", "no", 0, 0, 0},
                                          {"POST", "200 OK\r\n", ANSWER("2030-06-05T12:00:00Z"), 0, 0, 0}};
    struct mock m;
    struct creds c;
    struct err err = {0};

    mock_start(&m, answers, ARRAY_LEN(answers));
    struct creds_env env = pod(&m);
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err,
          ERR_TRANSIENT); /* which the caller tries again */
    must_rc(creds_find(&env, NULL, client(), NULL, &c, &err), &err);
    is_str(c.access_key, "ASIAWEB");
    creds_release(&c);
    mock_stop(&m);
}

TEST(wrong_answers_are_errors_without_their_secrets)
{
    static const char *const wrong[] = {
        "",
        "hello",
        "<AssumeRoleWithWebIdentityResponse/>",
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
        "<AccessKeyId>A</AccessKeyId><SecretAccessKey>s3cr3t</SecretAccessKey></Credentials>"
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        "<x><Credentials><AccessKeyId>A</AccessKeyId></Credentials></x>",
        "<!DOCTYPE a [<!ENTITY e \"s3cr3t\">]><AssumeRoleWithWebIdentityResponse/>",
        ANSWER("tomorrow"),
        ANSWER("2030-06-05T12:00:00Z</Expiration><Expiration>2031-06-05T12:00:00Z"),
    };

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        const struct mock_answer answers[] = {{"POST", "200 OK\r\n", wrong[i], 0, 0, 0}};
        struct err err = asked(answers, 1, ERR_BAD_RESPONSE, "STS", "");
        ok(strstr(err.msg, "s3cr3t") == NULL);
    }
    const struct mock_answer over[] = {{"POST", "200 OK\r\n", ANSWER("2020-06-05T12:00:00Z"), 0, 0, 0}};
    asked(over, 1, ERR_ACCESS_DENIED, "ended at 2020-06-05T12:00:00Z", "clock");
    char *huge = xcalloc(1, 300001);
    memset(huge, 'x', 300000);
    const struct mock_answer big[] = {{"POST", "200 OK\r\n", huge, 0, 0, 0}};
    asked(big, 1, ERR_BAD_RESPONSE, "longer than credentials", "");
    free(huge);
}

TEST(a_server_that_hangs_is_left)
{
    const struct mock_answer answers[] = {{"POST", "200 OK\r\nContent-Length: 900\r\n", "<Assume", 0, 0, 1}};
    int64_t began = clock_mono_ms();

    asked(answers, 1, ERR_TIMEOUT, "web identity", "");
    ok(clock_mono_ms() - began < 20000);
}

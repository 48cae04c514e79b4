#include "io/creds.h"
#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "tests/lib/mockhttp.h"
#include "tests/lib/run.h"
#include "tests/tap.h"
#include <sys/stat.h>
#include <unistd.h>

/* An environment in which nothing is found. */
static struct creds_env bare(const char *home)
{
    return (struct creds_env){.home = home, .metadata_disabled = "true"};
}

static struct http *client(void)
{
    static struct http *h;
    struct err err;

    if (h == NULL)
        must_rc(http_new(&h, &err), &err);
    return h;
}

static struct creds found(const struct creds_env *env, const char *profile)
{
    struct creds c;
    struct err err;

    must_rc(creds_find(env, profile, client(), NULL, &c, &err), &err);
    return c;
}

static void not_found(const struct creds_env *env, const char *profile, const char *why)
{
    struct creds c;
    struct err err = {0};

    fails(creds_find(env, profile, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
    if (!ok(strstr(err.msg, why) != NULL))
        diag("%s", err.msg);
    ok(c.access_key == NULL && c.secret_key == NULL && c.region == NULL);
}

static char *home_with(const char *credentials, const char *config)
{
    char *home = tmp_dir(), *aws = tmp_path(home, ".aws"), *path;

    mkdir(aws, 0700);
    if (credentials != NULL) {
        path = tmp_path(aws, "credentials");
        put_text(path, credentials);
        free(path);
    }
    if (config != NULL) {
        path = tmp_path(aws, "config");
        put_text(path, config);
        free(path);
    }
    free(aws);
    return home;
}

TEST(nothing_anywhere_is_said_with_advice)
{
    char *home = home_with(NULL, NULL);
    struct creds_env env = bare(home);
    struct creds c;
    struct err err = {0};

    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_ACCESS_DENIED);
    ok(strstr(err.hint, "AWS_ACCESS_KEY_ID") != NULL);
    env.home = NULL;
    not_found(&env, NULL, "no AWS credentials");
    free(home);
}

TEST(the_environment_comes_first)
{
    char *home = home_with("[default]\naws_access_key_id=FILE\naws_secret_access_key=filesecret\n",
                           "[default]\nregion=eu-west-3\n");
    struct creds_env env = bare(home);

    env.access_key_id = "ENV";
    env.secret_access_key = "envsecret";
    env.session_token = "";
    struct creds c = found(&env, NULL);
    is_str(c.access_key, "ENV");
    is_str(c.secret_key, "envsecret");
    ok(c.session_token == NULL);
    is_str(c.origin, "environment");
    is_str(c.region, "eu-west-3"); /* the profile's, though the keys are not */
    is_int(c.expires_ms, 0);
    creds_release(&c);
    env.session_token = "tok";
    c = found(&env, NULL);
    is_str(c.session_token, "tok");
    creds_release(&c);
    env.secret_access_key = "";
    not_found(&env, NULL, "only one of");
    free(home);
}

TEST(a_profile_that_config_names_goes_before_the_environment)
{
    char *home = home_with(
        "[default]\naws_access_key_id=D\naws_secret_access_key=ds\n\n"
        "[ other ]\naws_access_key_id = O \naws_secret_access_key\t=\t o/s+=# \naws_session_token=t==\n",
        NULL);
    struct creds_env env = bare(home);

    env.access_key_id = "ENV";
    env.secret_access_key = "envsecret";
    struct creds c = found(&env, "other");
    is_str(c.access_key, "O");
    is_str(c.secret_key, "o/s+=#");
    is_str(c.session_token, "t==");
    is_str(c.origin, "profile other");
    creds_release(&c);
    env.profile = "other"; /* AWS_PROFILE does not */
    c = found(&env, NULL);
    is_str(c.access_key, "ENV");
    creds_release(&c);
    env.access_key_id = env.secret_access_key = NULL;
    c = found(&env, NULL);
    is_str(c.access_key, "O");
    creds_release(&c);
    env.profile = NULL;
    c = found(&env, "");
    is_str(c.access_key, "D");
    creds_release(&c);
    not_found(&env, "typo", "no profile 'typo'");
    env.profile = "typo";
    not_found(&env, NULL, "no profile 'typo'");
    free(home);
}

TEST(the_config_file_names_profiles_otherwise)
{
    char *home =
        home_with(NULL, "# a comment\n[x]\naws_access_key_id=WRONG\naws_secret_access_key=WRONG\n"
                        "[profile x]\r\nregion = eu-central-1 # here\r\ns3 =\r\n  region = nested\r\n"
                        "  aws_access_key_id = NESTED\r\naws_access_key_id=X\r\naws_secret_access_key=xs\r\n"
                        "[profile y]\naws_access_key_id=Y\n");
    struct creds_env env = bare(home);
    struct creds c = found(&env, "x");

    is_str(c.access_key, "X");
    is_str(c.secret_key, "xs");
    is_str(c.region, "eu-central-1");
    creds_release(&c);
    not_found(&env, "y", "only one of");
    free(home);
}

TEST(files_may_lie_elsewhere_and_the_credentials_file_wins)
{
    char *dir = tmp_dir(), *credentials = tmp_path(dir, "c"), *config = tmp_path(dir, "f");
    struct creds_env env = bare("/nonexistent");

    put_text(credentials, "[default]\naws_access_key_id=FROM_C\naws_secret_access_key=cs");
    put_text(config, "[default]\naws_access_key_id=FROM_F\naws_secret_access_key=fs\nregion=ap-south-1");
    env.credentials_file = credentials;
    env.config_file = config;
    struct creds c = found(&env, NULL);
    is_str(c.access_key, "FROM_C");
    is_str(c.secret_key, "cs");
    is_str(c.region, "ap-south-1");
    creds_release(&c);
    free(dir);
    free(credentials);
    free(config);
}

TEST(a_profile_of_a_kind_that_is_not_read_is_said)
{
    char *home = home_with(NULL, "[profile r]\nrole_arn=arn:aws:iam::1:role/x\nsource_profile=default\n");
    struct creds_env env = bare(home);

    not_found(&env, "r", "role_arn");
    free(home);
}

/* AWS's tools would take the role, the login or the process; the keys beside it are another identity. */
TEST(keys_beside_another_way_are_not_taken_for_it)
{
#define WITH_KEYS "aws_access_key_id=K\naws_secret_access_key=ks\n"
    char *home =
        home_with("[c]\n" WITH_KEYS,
                  "[profile r]\n" WITH_KEYS "role_arn=arn:aws:iam::1:role/x\nsource_profile=default\n"
                  "[profile s]\n" WITH_KEYS "sso_session=corp\n"
                  "[profile p]\n" WITH_KEYS "credential_process=/bin/get\n"
                  "[profile c]\ncredential_process=/bin/get\n"
                  "[profile t]\nweb_identity_token_file=/t\n"
                  "[profile a]\nrole_arn=arn:aws:iam::1:role/x\n"
                  "[profile e]\nrole_arn=arn:aws:iam::1:role/x\ncredential_source=Environment\n");
    struct creds_env env = bare(home);

    not_found(&env, "r", "role_arn");
    not_found(&env, "s", "sso_session");
    not_found(&env, "p", "credential_process");
    not_found(&env, "t", "without role_arn");
    not_found(&env, "a", "without web_identity_token_file");
    not_found(&env, "e", "role_arn");
    struct creds c = found(&env, "c"); /* but keys in the credentials file go before a process in the other */
    is_str(c.access_key, "K");
    creds_release(&c);
    free(home);
}

TEST(a_key_with_a_line_end_is_refused)
{
    struct creds_env env = bare("/nonexistent");

    env.access_key_id = "AKIA\r\nX-Evil: 1";
    env.secret_access_key = "s";
    not_found(&env, NULL, "a byte that no key has");
}

TEST(a_file_that_may_not_be_read_is_not_passed_over)
{
    char *home = home_with("[default]\naws_access_key_id=D\naws_secret_access_key=ds\n", NULL);
    char *path = xasprintf("%s/.aws/credentials", home);
    struct creds_env env = bare(home);

    if (geteuid() == 0) {
        unlink(path);
        mkdir(path, 0700); /* root may read everything but a folder */
        struct creds c;
        struct err err = {0};
        ok(creds_find(&env, NULL, client(), NULL, &c, &err) < 0);
        ok(strstr(err.msg, ".aws/credentials") != NULL);
    } else {
        chmod(path, 0);
        not_found(&env, NULL, ".aws/credentials");
    }
    free(path);
    free(home);
}

TEST(instance_metadata_version_2)
{
    const struct mock_answer answers[] = {
        {"PUT /latest/api/token HTTP/1.1\r\n", "200 OK\r\n", "TOKEN-1", 0, 0, 0},
        {"X-aws-ec2-metadata-token: TOKEN-1", "200 OK\r\n", "my role\n", 0, 0, 0},
        {"GET /latest/meta-data/iam/security-credentials/my%20role HTTP/1.1", "200 OK\r\n",
         "{\"Code\":\"Success\",\"LastUpdated\":\"2022-06-05T12:00:00Z\",\"Type\":\"AWS-HMAC\","
         "\"AccessKeyId\":\"ASIA\","
         "\"SecretAccessKey\":\"s3cr3t\",\"Token\":\"session\",\"Expiration\":\"2030-06-05T12:00:00Z\"}",
         0, 0, 0},
    };
    struct mock m;
    struct creds_env env = {.home = "/nonexistent"};

    mock_start(&m, answers, ARRAY_LEN(answers));
    env.metadata_endpoint = m.url;
    struct creds c = found(&env, NULL);
    is_str(c.access_key, "ASIA");
    is_str(c.secret_key, "s3cr3t");
    is_str(c.session_token, "session");
    is_str(c.origin, "instance metadata");
    is_int(c.expires_ms, 1906891200000);
    creds_release(&c);
    char *log = mock_log(&m);
    ok(strstr(log, "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n") != NULL);
    ok(strstr(log, "Content-Length: 0\r\n") != NULL);
    free(log);
    mock_stop(&m);
}

TEST(an_instance_without_a_role_has_no_credentials)
{
    const struct mock_answer answers[] = {{"PUT", "200 OK\r\n", "T", 0, 0, 0},
                                          {"GET", "404 Not Found\r\n", "no", 0, 0, 0}};
    struct mock m;
    struct creds_env env = {.home = "/nonexistent"};

    mock_start(&m, answers, ARRAY_LEN(answers));
    env.metadata_endpoint = m.url;
    not_found(&env, NULL, "no AWS credentials");
    mock_stop(&m);
    not_found(&(struct creds_env){.home = "/nonexistent", .metadata_endpoint = "http://127.0.0.1:1"}, NULL,
              "127.0.0.1:1");
}

TEST(wrong_metadata_is_an_error_without_its_secrets)
{
    const struct mock_answer answers[] = {
        {"PUT", "200 OK\r\n", "T", 0, 0, 0},
        {"GET", "200 OK\r\n", "role", 0, 0, 0},
        {"GET", "200 OK\r\n", "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s3cr3t\"}", 0, 0, 0}};
    struct mock m;
    struct creds_env env = {.home = "/nonexistent"};
    struct creds c;
    struct err err = {0};

    mock_start(&m, answers, ARRAY_LEN(answers));
    env.metadata_endpoint = m.url;
    fails(creds_find(&env, NULL, client(), NULL, &c, &err), &err, ERR_BAD_RESPONSE);
    ok(strstr(err.msg, "s3cr3t") == NULL);
    mock_stop(&m);
}

#include "io/sigv4.h"
#include "base/civil.h"
#include "base/mem.h"
#include "io/hash.h"
#include "tests/tap.h"

/*
 * Published values: the aws-sig-v4-test-suite (key AKIDEXAMPLE, service "service") and the examples of
 * "Authenticating Requests: Using the Authorization Header" in the S3 API reference (AKIAIOSFODNN7EXAMPLE).
 */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct result {
    struct buf authorization, canonical, to_sign;
};

static void sign(const struct sigv4 *s, struct result *r)
{
    struct err err;

    buf_init(&r->authorization, 8192);
    buf_init(&r->canonical, 8192);
    buf_init(&r->to_sign, 8192);
    must_rc(sigv4_sign(s, &r->authorization, &r->canonical, &r->to_sign, &err), &err);
}

static void release(struct result *r)
{
    buf_release(&r->authorization);
    buf_release(&r->canonical);
    buf_release(&r->to_sign);
}

static void is_signed(const struct sigv4 *s, const char *signature)
{
    struct result r;

    sign(s, &r);
    const char *at = strstr(r.authorization.p, "Signature=");
    must(at != NULL);
    if (!is_str(at + strlen("Signature="), signature))
        diag("%s", r.canonical.p);
    release(&r);
}

static int64_t when(const char *text)
{
    int64_t ms = 0;
    struct err err;

    must_rc(civil_parse_rfc3339(text, &ms, &err), &err);
    return ms;
}

#define SUITE                                                                                                \
    .access_key = "AKIDEXAMPLE", .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",                   \
    .region = "us-east-1", .service = "service", .now_ms = when("2015-08-30T12:36:00Z"),                     \
    .normalize_path = true

static const struct sigv4_header plain[] = {{"Host", "example.amazonaws.com"},
                                            {"X-Amz-Date", "20150830T123600Z"}};

TEST(get_vanilla)
{
    struct sigv4 s = {
        SUITE, .method = "GET", .path = "/", .headers = plain, .header_count = 2, .payload_hash = EMPTY};
    struct result r;

    sign(&s, &r);
    is_str(r.canonical.p,
           "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" EMPTY);
    is_str(r.to_sign.p, "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"
                        "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
    is_str(r.authorization.p,
           "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
           "SignedHeaders=host;x-amz-date, "
           "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    release(&r);
}

TEST(suite_queries)
{
    static const struct {
        const char *query, *signature;
    } rows[] = {
        {"Param1=value1", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
        {"Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"Param1=value2&Param1=Value1", "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
        {"Param1=value2&Param1=value1", "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
        {"-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
         "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
         "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sigv4 s = {SUITE,
                          .method = "GET",
                          .path = "/",
                          .query = rows[i].query,
                          .headers = plain,
                          .header_count = 2,
                          .payload_hash = EMPTY};
        is_signed(&s, rows[i].signature);
    }
}

TEST(suite_paths)
{
    static const struct {
        const char *path, *signature;
    } rows[] = {
        {"/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
         "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"}, /* get-unreserved */
        {"/example/..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"/example1/example2/../..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"/./", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"//", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"/./example", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
        {"//example//", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sigv4 s = {SUITE,
                          .method = "GET",
                          .path = rows[i].path,
                          .headers = plain,
                          .header_count = 2,
                          .payload_hash = EMPTY};
        is_signed(&s, rows[i].signature);
    }
}

TEST(suite_headers_are_merged_trimmed_and_sorted)
{
    struct sigv4_header duplicate[] = {{"Host", "example.amazonaws.com"},
                                       {"My-Header1", "value2"},
                                       {"My-Header1", "value2"},
                                       {"My-Header1", "value1"},
                                       {"X-Amz-Date", "20150830T123600Z"}};
    struct sigv4_header order[] = {{"Host", "example.amazonaws.com"}, {"My-Header1", "value4"},
                                   {"My-Header1", "value1"},          {"My-Header1", "value3"},
                                   {"My-Header1", "value2"},          {"X-Amz-Date", "20150830T123600Z"}};
    struct sigv4_header blanks[] = {{"X-Amz-Date", "20150830T123600Z"},
                                    {"My-Header2", " \"a   b   c\""},
                                    {"Host", "example.amazonaws.com"},
                                    {"My-Header1", " value1"}};
    struct sigv4 s = {
        SUITE, .method = "GET", .path = "/", .headers = duplicate, .header_count = 5, .payload_hash = EMPTY};

    is_signed(&s, "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
    s.headers = order;
    s.header_count = 6;
    is_signed(&s, "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01");
    s.headers = blanks;
    s.header_count = 4;
    is_signed(&s, "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

TEST(post_x_www_form_urlencoded)
{
    struct sigv4_header headers[] = {{"Content-Type", "application/x-www-form-urlencoded"},
                                     {"Host", "example.amazonaws.com"},
                                     {"X-Amz-Date", "20150830T123600Z"}};
    char hash[SHA256_HEX];
    struct sigv4 s = {
        SUITE, .method = "POST", .path = "/", .headers = headers, .header_count = 3, .payload_hash = hash};

    sha256_hex("Param1=value1", 13, hash);
    is_signed(&s, "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

#define S3                                                                                                   \
    .access_key = "AKIAIOSFODNN7EXAMPLE", .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",          \
    .region = "us-east-1", .service = "s3", .now_ms = when("2013-05-24T00:00:00Z")

TEST(s3_get_object_with_range)
{
    struct sigv4_header headers[] = {{"Host", "examplebucket.s3.amazonaws.com"},
                                     {"Range", "bytes=0-9"},
                                     {"x-amz-content-sha256", EMPTY},
                                     {"x-amz-date", "20130524T000000Z"}};
    struct sigv4 s = {S3,
                      .method = "GET",
                      .path = "/test.txt",
                      .headers = headers,
                      .header_count = 4,
                      .payload_hash = EMPTY};
    struct result r;

    sign(&s, &r);
    ok(strstr(r.to_sign.p, "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972") != NULL);
    release(&r);
    is_signed(&s, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(s3_put_object)
{
    char hash[SHA256_HEX];
    struct sigv4_header headers[] = {{"Host", "examplebucket.s3.amazonaws.com"},
                                     {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                     {"x-amz-date", "20130524T000000Z"},
                                     {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                     {"x-amz-content-sha256", hash}};
    struct sigv4 s = {S3,
                      .method = "PUT",
                      .path = "/test%24file.text",
                      .headers = headers,
                      .header_count = 5,
                      .payload_hash = hash};

    sha256_hex("Welcome to Amazon S3.", 21, hash);
    is_str(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    is_signed(&s, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(s3_bucket_lifecycle_and_list)
{
    struct sigv4_header headers[] = {{"Host", "examplebucket.s3.amazonaws.com"},
                                     {"x-amz-date", "20130524T000000Z"},
                                     {"x-amz-content-sha256", EMPTY}};
    struct sigv4 s = {S3,
                      .method = "GET",
                      .path = "/",
                      .query = "lifecycle",
                      .headers = headers,
                      .header_count = 3,
                      .payload_hash = EMPTY};

    is_signed(&s, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    s.query = "max-keys=2&prefix=J";
    is_signed(&s, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(a_plus_in_a_token_is_signed_as_a_plus)
{
    struct sigv4_header headers[] = {{"host", "h"}};
    struct sigv4 s = {S3,
                      .method = "GET",
                      .path = "/b",
                      .query = "continuation-token=a%2bb%2Fc==&a=%7e&b",
                      .headers = headers,
                      .header_count = 1,
                      .payload_hash = EMPTY};
    struct result r;

    sign(&s, &r);
    ok(strstr(r.canonical.p, "\na=~&b=&continuation-token=a%2Bb%2Fc%3D%3D\n") != NULL);
    release(&r);
}

TEST(s3_paths_stay_as_they_are_sent)
{
    struct sigv4_header headers[] = {{"host", "h"}};
    struct sigv4 s = {S3,
                      .method = "GET",
                      .path = "/b/a//b/./c/../%2E",
                      .headers = headers,
                      .header_count = 1,
                      .payload_hash = EMPTY};
    struct result r;

    sign(&s, &r);
    ok(strncmp(r.canonical.p, "GET\n/b/a//b/./c/../%2E\n\n", 24) == 0);
    release(&r);
}

TEST(encoding_leaves_only_the_unreserved)
{
    struct buf b = BUF_INIT(100);
    struct err err;

    must_rc(sigv4_encode("a/b c+%\n~\xc3\xa9", 11, true, &b, &err), &err);
    is_str(b.p, "a/b%20c%2B%25%0A~%C3%A9");
    buf_clear(&b);
    must_rc(sigv4_encode("a/b", 3, false, &b, &err), &err);
    is_str(b.p, "a%2Fb");
    buf_release(&b);
    struct buf small = BUF_INIT(4);
    fails(sigv4_encode("\n\n", 2, false, &small, &err), &err, ERR_TOO_LARGE);
    buf_release(&small);
    is_int(sigv4_decode("%2f", 3), '/');
    is_int(sigv4_decode("%2", 2), -1);
    is_int(sigv4_decode("%zz", 3), -1);
    is_int(sigv4_decode("abc", 3), -1);
}

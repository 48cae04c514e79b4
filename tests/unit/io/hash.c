#include "io/hash.h"
#include "base/str.h"
#include "tests/tap.h"

TEST(sha256_of_the_standard_texts)
{
    char hex[SHA256_HEX];

    sha256_hex("", 0, hex);
    is_str(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hex("abc", 3, hex);
    is_str(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(a_running_sum_equals_the_sum_at_once_and_starts_over)
{
    struct sha256 *h = sha256_new();
    unsigned char pieces[SHA256_SIZE], whole[SHA256_SIZE];

    for (int round = 0; round < 2; round++) {
        sha256_add(h, "hello, ", 7);
        sha256_add(h, "", 0);
        sha256_add(h, "world", 5);
        sha256_end(h, pieces);
        sha256_of("hello, world", 12, whole);
        is_mem(pieces, sizeof pieces, whole, sizeof whole);
    }
    sha256_free(h);
    sha256_free(NULL);
}

TEST(hmac_of_rfc_4231)
{
    unsigned char out[SHA256_SIZE], key[131];
    char hex[SHA256_HEX];

    hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
    str_hex(out, sizeof out, hex);
    is_str(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key); /* longer than a block */
    const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
    hmac_sha256(key, sizeof key, text, strlen(text), out);
    str_hex(out, sizeof out, hex);
    is_str(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(md5_of_rfc_1321)
{
    char hex[MD5_HEX];
    struct md5 *h = md5_new();

    if (h == NULL)
        skip("MD5 is forbidden here");
    md5_add(h, "message ", 8);
    md5_add(h, "digest", 6);
    md5_end(h, hex);
    is_str(hex, "f96b697d7cb7938d525a2f31aaf161d0");
    md5_free(h);
}

TEST(crc32_is_that_of_mysql)
{
    is_int(crc32_of("", 0), 0);
    is_int(crc32_of("MySQL", 5), 3259397556); /* the manual's example of CRC32() */
    is_int(crc32_of("123456789", 9), 0xcbf43926);
}

TEST(random_bytes_differ)
{
    unsigned char a[32] = {0}, b[32] = {0};

    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    ok(memcmp(a, b, sizeof a) != 0);
}

#include "io/hash.h"
#include "base/mem.h"
#include "base/str.h"
#define ERR_STATE CRYPTO_ERR_STATE /* libcrypto's type of this name would meet ours */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#undef ERR_STATE
#include <sys/random.h>

struct sha256 {
    EVP_MD_CTX *ctx;
};

struct md5 {
    EVP_MD_CTX *ctx;
};

/* libcrypto fails here only without memory or with a broken installation: treated as memory is. */
static void demand(int ok, const char *what)
{
    if (ok != 1) {
        fprintf(stderr, "orch: libcrypto refuses %s\n", what);
        abort();
    }
}

struct sha256 *sha256_new(void)
{
    struct sha256 *h = xmalloc(sizeof *h);

    h->ctx = EVP_MD_CTX_new();
    demand(h->ctx != NULL && EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) == 1, "sha256");
    return h;
}

void sha256_add(struct sha256 *h, const void *p, size_t n)
{
    if (n > 0)
        demand(EVP_DigestUpdate(h->ctx, p, n), "sha256");
}

void sha256_end(struct sha256 *h, unsigned char out[SHA256_SIZE])
{
    demand(EVP_DigestFinal_ex(h->ctx, out, NULL), "sha256");
    demand(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL), "sha256");
}

void sha256_free(struct sha256 *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void sha256_of(const void *p, size_t n, unsigned char out[SHA256_SIZE])
{
    demand(EVP_Digest(n > 0 ? p : "", n, out, NULL, EVP_sha256(), NULL), "sha256");
}

void sha256_hex(const void *p, size_t n, char out[SHA256_HEX])
{
    unsigned char sum[SHA256_SIZE];

    sha256_of(p, n, sum);
    str_hex(sum, sizeof sum, out);
}

void hmac_sha256(const void *key, size_t key_n, const void *p, size_t n, unsigned char out[SHA256_SIZE])
{
    demand(key_n <= INT32_MAX && HMAC(EVP_sha256(), key_n > 0 ? key : "", (int)key_n,
                                      n > 0 ? p : (const void *)"", n, out, NULL) != NULL,
           "hmac");
}

struct md5 *md5_new(void)
{
    struct md5 *h = xmalloc(sizeof *h);

    h->ctx = EVP_MD_CTX_new();
    demand(h->ctx != NULL, "a digest");
    if (EVP_DigestInit_ex(h->ctx, EVP_md5(), NULL) != 1) {
        md5_free(h);
        return NULL;
    }
    return h;
}

void md5_add(struct md5 *h, const void *p, size_t n)
{
    if (n > 0)
        demand(EVP_DigestUpdate(h->ctx, p, n), "md5");
}

void md5_end(struct md5 *h, char out[MD5_HEX])
{
    unsigned char sum[MD5_SIZE];

    demand(EVP_DigestFinal_ex(h->ctx, sum, NULL), "md5");
    str_hex(sum, sizeof sum, out);
}

void md5_free(struct md5 *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void md5_base64(const char hex[MD5_HEX], char out[25])
{
    unsigned char raw[MD5_SIZE];

    for (size_t i = 0; i < MD5_SIZE; i++) {
        const char pair[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        raw[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    EVP_EncodeBlock((unsigned char *)out, raw, MD5_SIZE);
}

bool digest_hex(const char *name, const void *p, size_t n, char out[DIGEST_HEX])
{
    static const struct {
        const char *name;
        const EVP_MD *(*type)(void);
    } digests[] = {{"MD5", EVP_md5},
                   {"SHA-1", EVP_sha1},
                   {"SHA-256", EVP_sha256},
                   {"SHA-384", EVP_sha384},
                   {"SHA-512", EVP_sha512}};
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    for (size_t i = 0; i < ARRAY_LEN(digests); i++)
        if (strcmp(digests[i].name, name) == 0 &&
            EVP_Digest(n > 0 ? p : "", n, sum, &size, digests[i].type(), NULL) == 1) {
            str_hex(sum, size, out);
            return true;
        }
    return false;
}

void random_bytes(void *p, size_t n)
{
    unsigned char *at = p;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fprintf(stderr, "orch: no source of random numbers\n");
            abort();
        }
        at += got;
        n -= (size_t)got;
    }
}

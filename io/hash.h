#ifndef IO_HASH_H
#define IO_HASH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* The one door to libcrypto (hash.c). */
enum { SHA256_SIZE = 32, SHA256_HEX = 65 };
struct sha256; /* a running sum */
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, const void *p, size_t n);
void sha256_end(struct sha256 *h, unsigned char out[SHA256_SIZE]); /* h starts over: empty again */
void sha256_free(struct sha256 *h);                                /* NULL is fine */
void sha256_of(const void *p, size_t n, unsigned char out[SHA256_SIZE]);
void sha256_hex(const void *p, size_t n, char out[SHA256_HEX]);
void hmac_sha256(const void *key, size_t key_n, const void *p, size_t n, unsigned char out[SHA256_SIZE]);
/* MD5, only to compare with an S3 ETag that is one. */
enum { MD5_SIZE = 16, MD5_HEX = 33 };
struct md5;
struct md5 *md5_new(void); /* NULL where the system forbids MD5 (FIPS): then there is nothing to compare */
void md5_add(struct md5 *h, const void *p, size_t n);
void md5_end(struct md5 *h, char out[MD5_HEX]);         /* lower-case hex; only md5_free may follow */
void md5_free(struct md5 *h);                           /* NULL is fine */
void md5_base64(const char hex[MD5_HEX], char out[25]); /* as Content-MD5 wants it */
/* MD5, SHA-1, SHA-256, SHA-384 or SHA-512 in lower-case hex; false: none of these names, or forbidden by the system. */
enum { DIGEST_HEX = 129 };
bool digest_hex(const char *name, const void *p, size_t n, char out[DIGEST_HEX]);
/* CRC-32 as MySQL's CRC32() and zlib compute it (of zlib; in inflate.c). */
uint32_t crc32_of(const void *p, size_t n);
uint32_t crc32_more(uint32_t crc, const void *p, size_t n); /* of what came before, and these */
/* Random bytes from the kernel; never fails (aborts without a source). */
void random_bytes(void *p, size_t n);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and SHA-512 through OpenSSL's EVP interface. */
#include "pull/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/mem.h"

struct pull_hash {
    EVP_MD_CTX *context;
    enum md_digest_alg alg;
};

/* OpenSSL fails here only when it is broken or memory is out: nothing to go on with. */
static void must(int ok)
{
    if (!ok)
        abort();
}

static void start(EVP_MD_CTX *context, enum md_digest_alg alg)
{
    const char *name = alg == MD_SHA512 ? "SHA512" : "SHA256";
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    /* Fetched once per hash: EVP_sha256() would be looked up by every EVP_DigestInit_ex. */
    EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);

    must(md != NULL);
    must(EVP_DigestInit_ex(context, md, NULL) == 1);
    EVP_MD_free(md); /* the context holds its own reference */
#else
    must(EVP_DigestInit_ex(context, EVP_get_digestbyname(name), NULL) == 1);
#endif
}

struct pull_hash *pull_hash_open(enum md_digest_alg alg)
{
    struct pull_hash *hash = md_xmalloc(sizeof(*hash));

    hash->alg = alg;
    hash->context = EVP_MD_CTX_new();
    must(hash->context != NULL);
    start(hash->context, alg);
    return hash;
}

#if defined(__x86_64__)
__attribute__((target("avx"))) static void zero_upper(void)
{
    _mm256_zeroupper();
}

/*
 * ISA-L's AVX-512 code leaves the upper halves of the vector registers dirty, which makes the
 * SHA instructions wait for merges: 11 % of a whole pull.
 */
static void clean_registers(void)
{
    if (__builtin_cpu_supports("avx"))
        zero_upper();
}
#else
static void clean_registers(void)
{
}
#endif

void pull_hash_add(struct pull_hash *hash, const void *bytes, size_t len)
{
    clean_registers();
    must(EVP_DigestUpdate(hash->context, bytes, len) == 1);
}

void pull_hash_finish(struct pull_hash **hash, struct md_digest *digest)
{
    unsigned char raw[EVP_MAX_MD_SIZE];

    must(EVP_DigestFinal_ex((*hash)->context, raw, NULL) == 1);
    md_digest_from_bytes((*hash)->alg, raw, digest);
    pull_hash_free(hash);
}

void pull_hash_free(struct pull_hash **hash)
{
    if (*hash)
        EVP_MD_CTX_free((*hash)->context);
    free(*hash);
    *hash = NULL;
}

void pull_hash_bytes(enum md_digest_alg alg, const void *bytes, size_t len,
                     struct md_digest *digest)
{
    struct pull_hash *hash = pull_hash_open(alg);

    pull_hash_add(hash, bytes, len);
    pull_hash_finish(&hash, digest);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/front_ota.h"

#include "cloud/cloud_store.h"
#include "cloud/cloud_text.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_MAX  CLOUD_STORE_BYTES_MAX
#define DIGITS     16 /* of an image's digest, in the name of its copy */
#define STEM_MAX   40 /* of its own name, behind them */
#define NAMED_MAX  (CLOUD_STORE_NAME_MAX + 1)
#define FOLDER_MAX 4096

/* One per process, as the cloud of a front is. */
static struct {
    struct cloud *cloud;
    const char *dir;
} front;

/* A plain file that is not larger than an image may be. */
static FILE *open_file(const char *path, uint32_t *size)
{
    struct stat info;
    FILE *f = fopen(path, "re");

    if (f != NULL && (fstat(fileno(f), &info) != 0 || !S_ISREG(info.st_mode) ||
                      (intmax_t)info.st_size > BYTES_MAX)) {
        fclose(f);
        f = NULL;
    }
    if (f != NULL)
        *size = (uint32_t)info.st_size;
    return f;
}

static bool put_all(FILE *f, EVP_MD_CTX *md5, EVP_MD_CTX *sha256)
{
    unsigned char bytes[16384];
    size_t n;
    bool ok = true;

    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
        ok = ok && EVP_DigestUpdate(md5, bytes, n) == 1 && EVP_DigestUpdate(sha256, bytes, n) == 1;
    return ok && ferror(f) == 0;
}

static bool find(void *ctx, const char *file, uint32_t *size, char md5_hex[33], char sha256_hex[65])
{
    EVP_MD_CTX *md5 = EVP_MD_CTX_new(), *sha256 = EVP_MD_CTX_new();
    unsigned char out[EVP_MAX_MD_SIZE];
    FILE *f = open_file(file, size);

    (void)ctx;
    bool ok = f != NULL && md5 != NULL && sha256 != NULL &&
              EVP_DigestInit_ex(md5, EVP_md5(), NULL) == 1 &&
              EVP_DigestInit_ex(sha256, EVP_sha256(), NULL) == 1 && put_all(f, md5, sha256);
    ok = ok && EVP_DigestFinal_ex(md5, out, NULL) == 1;
    if (ok)
        cloud_text_hex(out, 16, false, md5_hex);
    ok = ok && EVP_DigestFinal_ex(sha256, out, NULL) == 1;
    if (ok)
        cloud_text_hex(out, 32, false, sha256_hex);
    EVP_MD_CTX_free(md5);
    EVP_MD_CTX_free(sha256);
    if (f != NULL)
        fclose(f);
    return ok;
}

static bool read_file(void *ctx, const char *file, uint32_t offset, void *into, uint32_t len)
{
    uint32_t size;
    FILE *f = open_file(file, &size);

    (void)ctx;
    bool ok = f != NULL && fseek(f, (long)offset, SEEK_SET) == 0 && fread(into, 1, len, f) == len;
    if (f != NULL)
        fclose(f);
    return ok;
}

/* The digest is signed as it is: what `openssl dgst -sha256 -sign` makes of the file. */
static bool sign(void *ctx, const char *key_file, const char *sha256, char *base64, size_t cap)
{
    unsigned char digest[32], der[80];
    size_t len = sizeof der;
    FILE *f = fopen(key_file, "re");
    EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    EVP_PKEY_CTX *c = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;

    (void)ctx;
    for (size_t i = 0; i < sizeof digest; i++) {
        unsigned value = 0;
        sscanf(sha256 + 2 * i, "%2x", &value);
        digest[i] = (unsigned char)value;
    }
    bool ok = c != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
              EVP_PKEY_get_bits(key) == 256 && EVP_PKEY_sign_init(c) == 1 &&
              EVP_PKEY_sign(c, der, &len, digest, sizeof digest) == 1 && cap > (len + 2) / 3 * 4;
    if (ok)
        EVP_EncodeBlock((unsigned char *)base64, der, (int)len);
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(key);
    if (f != NULL)
        fclose(f);
    return ok;
}

/* ---- By HTTP --------------------------------------------------------------------------------- */

/* What lies there now, known by its bytes: an image of the same name that was changed is another file. */
static void name_copy(const char *file, const char *sha256, char name[NAMED_MAX])
{
    const char *slash = strrchr(file, '/'), *stem = slash != NULL ? slash + 1 : file;

    snprintf(name, NAMED_MAX, "%.*s-%.*s", DIGITS, sha256, STEM_MAX, stem);
    for (char *c = name; *c != 0; c++)
        if (!cloud_is_alnum(*c) && *c != '.' && *c != '_')
            *c = '-';
}

static bool copy_bytes(const char *from, const char *to)
{
    unsigned char bytes[16384];
    uint32_t size;
    size_t n;
    FILE *in = open_file(from, &size), *out = in != NULL ? fopen(to, "we") : NULL;
    bool ok = out != NULL;

    while (ok && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
        ok = fwrite(bytes, 1, n, out) == n;
    ok = ok && ferror(in) == 0;
    if (in != NULL)
        fclose(in);
    return (out == NULL || fclose(out) == 0) && ok;
}

/* In one go: somebody may be reading. */
static bool publish(const char *file, const char *name)
{
    char fresh[FOLDER_MAX + NAMED_MAX], place[FOLDER_MAX + NAMED_MAX], why[160];

    if (cloud_store_find(front.cloud, name) != NULL)
        return true;
    snprintf(fresh, sizeof fresh, "%s/new.%s", front.dir, name);
    snprintf(place, sizeof place, "%s/" CLOUD_STORE_HEAD "%s", front.dir, name);
    if (!copy_bytes(file, fresh) || rename(fresh, place) != 0) {
        unlink(fresh);
        return false;
    }
    return cloud_store_publish(front.cloud, name, why, sizeof why);
}

static bool url_of(void *ctx, const char *file, uint64_t now_ms, char *url, size_t cap)
{
    char md5[33], sha256[65], name[NAMED_MAX], path[NAMED_MAX + 4], signed_url[CLOUD_URL_MAX];
    uint32_t size;

    (void)ctx;
    if (!find(NULL, file, &size, md5, sha256))
        return false;
    name_copy(file, sha256, name);
    if (!publish(file, name))
        return false;
    snprintf(path, sizeof path, "/fw/%s", name);
    cloud_store_url(front.cloud, path, false, 0, now_ms, signed_url);
    return snprintf(url, cap, "%s", signed_url) < (int)cap;
}

void front_ota_begin(struct cloud *c, const char *dir)
{
    static const struct cloud_ota_hooks hooks = {
        .find = find, .url_of = url_of, .read = read_file, .sign = sign};

    front.cloud = c;
    front.dir = dir;
    cloud_ota_hooks(c, &hooks);
}

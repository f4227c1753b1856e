/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_store.h"

#include "cloud/cloud_console.h"
#include "cloud/cloud_form.h"
#include "cloud/cloud_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST "ota.example.com" /* when the front does not say where it is */

static bool is_name_char(char c)
{
    return cloud_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

static bool is_name(const char *name)
{
    return cloud_is_alnum(name[0]) && strlen(name) <= CLOUD_STORE_NAME_MAX &&
           cloud_text_all(name, is_name_char);
}

const struct cloud_stored *cloud_store_find(const struct cloud *c, const char *name)
{
    for (int i = 0; i < CLOUD_STORE_MAX; i++)
        if (name[0] != 0 && strcmp(c->stored[i].name, name) == 0)
            return &c->stored[i];
    return NULL;
}

/* The place of that name, else a free one. */
static struct cloud_stored *place_for(struct cloud *c, const char *name)
{
    struct cloud_stored *place = (struct cloud_stored *)cloud_store_find(c, name);

    for (int i = 0; place == NULL && i < CLOUD_STORE_MAX; i++)
        if (c->stored[i].name[0] == 0)
            place = &c->stored[i];
    return place;
}

bool cloud_store_publish(struct cloud *c, const char *name, char *why, size_t cap)
{
    struct cloud_stored new = {.size = 0}, *place;
    char path[CLOUD_STORE_NAME_MAX + sizeof CLOUD_STORE_HEAD];
    uint8_t md5[CLOUD_DIGEST_MAX], sha256[CLOUD_DIGEST_MAX];
    size_t len = 0;

    if (!is_name(name)) {
        snprintf(why, cap, "a file's name has 1 to %d letters, digits and .-_",
                 CLOUD_STORE_NAME_MAX);
        return false;
    }
    place = place_for(c, name);
    if (place == NULL) {
        snprintf(why, cap, "more than %d files", CLOUD_STORE_MAX);
        return false;
    }
    snprintf(path, sizeof path, CLOUD_STORE_HEAD "%s", name);
    void *bytes = c->config.load != NULL ? c->config.load(c->config.ctx, path, &len) : NULL;
    if (bytes == NULL || len > CLOUD_STORE_BYTES_MAX) {
        snprintf(why, cap, bytes == NULL ? "there is no file %s to read" : "%s is too long", path);
        free(bytes);
        return false;
    }
    bool ok = c->config.digest != NULL &&
              c->config.digest(c->config.ctx, CLOUD_MD5, bytes, len, md5) &&
              c->config.digest(c->config.ctx, CLOUD_SHA256, bytes, len, sha256);
    free(bytes);
    if (!ok) {
        snprintf(why, cap, "the emulator cannot compute digests here");
        return false;
    }
    snprintf(new.name, sizeof new.name, "%s", name);
    new.size = (uint32_t)len;
    cloud_text_hex(md5, 16, false, new.md5);
    cloud_text_hex(sha256, 32, false, new.sha256);
    *place = new;
    cloud_say(c, "file %s published: %u bytes, sha256 %s", name, (unsigned)new.size, new.sha256);
    return true;
}

/* ---- Addresses ------------------------------------------------------------------------------- */

/* Nobody else can guess it. A front without chance has one that can be guessed, and repeats itself. */
static const char *key_of(struct cloud *c)
{
    uint8_t bytes[(sizeof c->store_key - 1) / 2] = {0};

    if (c->store_key[0] == 0) {
        if (c->config.random != NULL)
            c->config.random(c->config.ctx, bytes, sizeof bytes);
        cloud_text_hex(bytes, sizeof bytes, false, c->store_key);
    }
    return c->store_key;
}

/* "Expires=...&Signature=...", the signature's Base64 as it may stand in a query. */
static void write_query(struct cloud *c, const char *path, uint64_t expires, char *query,
                        size_t cap)
{
    char text[CLOUD_URL_MAX], base64[32], escaped[3 * sizeof base64];
    uint8_t digest[CLOUD_DIGEST_MAX] = {0};

    snprintf(text, sizeof text, "GET\n%s\n%llu", path, (unsigned long long)expires);
    c->config.hmac(c->config.ctx, CLOUD_SHA1, key_of(c), text, digest);
    cloud_base64(digest, cloud_hash_len(CLOUD_SHA1), base64);
    cloud_form_escape(base64, escaped);
    snprintf(query, cap, "Expires=%llu&Signature=%s", (unsigned long long)expires, escaped);
}

void cloud_store_url(struct cloud *c, const char *path, bool plain, uint32_t life_s,
                     uint64_t now_ms, char url[CLOUD_URL_MAX])
{
    const char *base = plain ? c->config.plain_base : c->config.web_base;
    uint32_t life = life_s != 0 ? life_s : c->book.rules.http_expire_s;
    char query[CLOUD_URL_MAX / 2];

    if (base == NULL)
        base = plain ? "http://" HOST : "https://" HOST;
    write_query(c, path, cloud_wall_ms(c, now_ms) / 1000 + life, query, sizeof query);
    snprintf(url, CLOUD_URL_MAX, "%s%s?%s", base, path, query);
}

const char *cloud_store_wrong(struct cloud *c, const char *path, const char *query, uint64_t now_ms)
{
    const char *digits = cloud_text_after(query, "Expires=");
    char number[12], expected[CLOUD_URL_MAX / 2];
    uint32_t expires;

    if (digits == NULL || strlen(path) > CLOUD_URL_MAX / 2)
        return "the address is not signed";
    size_t n = strcspn(digits, "&");
    if (n >= sizeof number)
        return "the address is not signed";
    memcpy(number, digits, n);
    number[n] = 0;
    if (!cloud_text_number(number, UINT32_MAX, &expires))
        return "the address is not signed";
    write_query(c, path, expires, expected, sizeof expected);
    if (strcmp(query, expected) != 0)
        return "the signature of the address is wrong";
    return cloud_wall_ms(c, now_ms) / 1000 < expires ? NULL : "the address has expired";
}

json_t *cloud_store_describe(struct cloud *c, const struct cloud_stored *f, uint32_t life_s,
                             uint64_t now_ms)
{
    char path[CLOUD_STORE_NAME_MAX + 8], url[CLOUD_URL_MAX], plain[CLOUD_URL_MAX];

    snprintf(path, sizeof path, "/fw/%s", f->name);
    cloud_store_url(c, path, false, life_s, now_ms, url);
    cloud_store_url(c, path, true, life_s, now_ms, plain);
    return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "name", f->name, "size", (json_int_t)f->size,
                     "md5", f->md5, "sha256", f->sha256, "url", url, "plainUrl", plain);
}

void cloud_store_command(struct cloud_order *o)
{
    const char *name = cloud_order_word(o), *life = cloud_order_word(o);
    uint32_t life_s = 0;
    char why[160];

    if (*life != 0 && (!cloud_text_number(life, 0x7fffffff, &life_s) || life_s == 0))
        cloud_order_fail(o, "an address lives for whole seconds, not '%.20s'", life);
    else if (!cloud_store_publish(o->cloud, name, why, sizeof why))
        cloud_order_fail(o, "%s", why);
    else
        o->value =
            cloud_store_describe(o->cloud, cloud_store_find(o->cloud, name), life_s, o->now_ms);
}

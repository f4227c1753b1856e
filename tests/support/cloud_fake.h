/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated platform in a unit test: a stand-in for HMAC that knows the protocol's test vectors, a log in memory,
 * and the book of one product. */
#ifndef CLOUD_FAKE_H
#define CLOUD_FAKE_H

#include "test.h"

#include "cloud/cloud_core.h"
#include "cloud/cloud_text.h"

#define PK "a1B2c3D4e5F"
#define DS "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

static struct cloud cloud;
static char cloud_log[16384];

static const char cloud_fake_book[] =
    "product " PK " secret=Ps16CharSecret01\n"
    "topic " PK " user/both both\n"
    "topic " PK " deep/+/up publish\n"
    "topic " PK " deep/down/# subscribe\n"
    "device " PK " dev001 secret=" DS "\n"
    "device " PK " dev002 secret=1a2b3c4d5e6f708192a3b4c5d6e7f809\n"
    "device " PK " off001 secret=2f3e disabled\n"
    "device " PK " psk001 secret=3c4d auth=psk\n"
    "device " PK " cert001 auth=x509\n"
    "product a1GateWay01 gateway\n"
    "device a1GateWay01 gate001 secret=4b5a\n";

/* Of sections 16.1 to 16.3, 16.6 and 16.7; all with the secret of dev001. */
static const struct {
    enum cloud_hash hash;
    const char *text, *hex;
} cloud_fake_vectors[] = {
    {CLOUD_MD5,
     "clientIda1B2c3D4e5F.dev001deviceNamedev001productKeya1B2c3D4e5Ftimestamp2524608000000",
     "e8328765fb8aea83522cff7009b8a956"},
    {CLOUD_SHA1,
     "clientIda1B2c3D4e5F.dev001deviceNamedev001productKeya1B2c3D4e5Ftimestamp2524608000000",
     "ad32c7344cdba0d7992b63998e3fbe2a5707b100"},
    {CLOUD_SHA256,
     "clientIda1B2c3D4e5F.dev001deviceNamedev001productKeya1B2c3D4e5Ftimestamp2524608000000",
     "e94c6c93b28b957c26538d2b0febd732a54faa2d172c6b72aded4dfadf897ae4"},
    {CLOUD_MD5, "clientId12345deviceNamedev001productKeya1B2c3D4e5Ftimestamp2524608000000",
     "df749311dc8b8f75dd89ce7b3da608b3"},
    {CLOUD_SHA1, "clientId12345deviceNamedev001productKeya1B2c3D4e5Ftimestamp2524608000000",
     "3a7c9c232e566cd586db4a16690cabf59cc9d082"},
    {CLOUD_SHA256, "clientId12345deviceNamedev001productKeya1B2c3D4e5Ftimestamp2524608000000",
     "0cb5a8725b238bcf732ececf8c5ff8198be174d406c4eea2d83359eec070a1b1"},
    {CLOUD_MD5, "clientIda1B2c3D4e5F.dev001deviceNamedev001productKeya1B2c3D4e5F",
     "c7d5fd11ae78fa0831a4a1fea6a3f70c"},
    {CLOUD_SHA1, "clientIda1B2c3D4e5F.dev001deviceNamedev001productKeya1B2c3D4e5F",
     "e5c1a9bbfffd73ba9f4827bf88363568c3b2c69e"},
    {CLOUD_SHA256, "clientIda1B2c3D4e5F.dev001deviceNamedev001productKeya1B2c3D4e5F",
     "25de8c1a0dcf1494ccc3b1b1d92a34f92a34f588372191c36a13ef005219bd89"},
    {CLOUD_MD5, "clientIda1B2c3D4e5F.dev001deviceNamedev001productKeya1B2c3D4e5Fseq10",
     "1b2b5ffc9d10a60fd4b377266dca2b42"},
    {CLOUD_SHA256, "ida1B2c3D4e5F&dev001timestamp2524608000000",
     "a7d53ebfa05aef3b659f5d637b923fc992e833fe01f79956fa3c6cb739c2c6be"},
};

/* Of section 16.4; with the secret of the product. */
static const struct {
    enum cloud_hash hash;
    const char *text, *hex;
} cloud_fake_product_vectors[] = {
    {CLOUD_MD5, "deviceNamedev001productKeya1B2c3D4e5Frandom8Ygb7ULYh53B6OA",
     "fa52d8488db0ef7193f985d014b0a59c"},
    {CLOUD_SHA256, "deviceNamedev001productKeya1B2c3D4e5Frandom8Ygb7ULYh53B6OA",
     "33c3dafba730e7cbca5cbbf75c368b512cfbc4338fccfa57c19740be21af9954"},
    {CLOUD_SHA1, "deviceNamedev001productKeya1B2c3D4e5Frandom1A2B3C4D",
     "26b1cc8beef1f667513a06edc40ae7a9c9500a30"},
};

/* Other texts and secrets get a digest of their own, by no known function. */
static bool cloud_fake_hmac(void *ctx, enum cloud_hash hash, const char *key, const char *text,
                            uint8_t out[CLOUD_DIGEST_MAX])
{
    uint32_t sum = 2166136261u + (uint32_t)hash;

    (void)ctx;
    if (strcmp(key, DS) == 0)
        for (size_t i = 0; i < COUNT(cloud_fake_vectors); i++)
            if (cloud_fake_vectors[i].hash == hash && strcmp(cloud_fake_vectors[i].text, text) == 0)
                return from_hex(cloud_fake_vectors[i].hex, out, CLOUD_DIGEST_MAX) != 0;
    if (strcmp(key, "Ps16CharSecret01") == 0)
        for (size_t i = 0; i < COUNT(cloud_fake_product_vectors); i++)
            if (cloud_fake_product_vectors[i].hash == hash &&
                strcmp(cloud_fake_product_vectors[i].text, text) == 0)
                return from_hex(cloud_fake_product_vectors[i].hex, out, CLOUD_DIGEST_MAX) != 0;
    for (const char *p = key; *p != 0; p++)
        sum = (sum ^ (uint8_t)*p) * 16777619u;
    for (const char *p = text; *p != 0; p++)
        sum = (sum ^ (uint8_t)*p) * 16777619u;
    for (size_t i = 0; i < cloud_hash_len(hash); i++) {
        sum = (sum ^ (uint8_t)i) * 16777619u;
        out[i] = (uint8_t)(sum >> 24);
    }
    return true;
}

/* UTC at the time 0. */
#define CLOUD_FAKE_WALL_MS 1700000000000u

static bool cloud_fake_digest(void *ctx, enum cloud_hash hash, const void *bytes, size_t len,
                              uint8_t out[CLOUD_DIGEST_MAX])
{
    (void)ctx;
    memset(out, (int)len + ((const uint8_t *)bytes)[0], cloud_hash_len(hash));
    return true;
}

/* Each call's bytes are one more than those of the one before. */
static void cloud_fake_random(void *ctx, uint8_t *out, size_t len)
{
    static uint8_t next;

    (void)ctx;
    memset(out, ++next, len);
}

/* Of files there are those that a test puts here; others cannot be read. */
static const char *cloud_fake_file_name, *cloud_fake_file_text;

static void *cloud_fake_load(void *ctx, const char *file, size_t *len)
{
    (void)ctx;
    if (cloud_fake_file_name == NULL || strcmp(file, cloud_fake_file_name) != 0)
        return NULL;
    *len = strlen(cloud_fake_file_text);
    return strdup(cloud_fake_file_text);
}

static void cloud_fake_log(void *ctx, const char *line)
{
    size_t n = strlen(cloud_log);

    (void)ctx;
    snprintf(cloud_log + n, sizeof cloud_log - n, "%s\n", line);
}

/* A new platform with the book, and `more` lines in it. */
static inline void cloud_fake_start(const char *more)
{
    static char text[4096];
    char why[256];
    struct cloud_config config = {.hmac = cloud_fake_hmac,
                                  .log = cloud_fake_log,
                                  .digest = cloud_fake_digest,
                                  .random = cloud_fake_random,
                                  .load = cloud_fake_load,
                                  .wall_ms = CLOUD_FAKE_WALL_MS,
                                  .sees_silence = true};

    cloud_end(&cloud);
    cloud_log[0] = 0;
    snprintf(text, sizeof text, "%s%s", cloud_fake_book, more);
    if (!cloud_book_read(&cloud.book, "book", text, why, sizeof why))
        fail_msg("%s", why);
    cloud_init(&cloud, &config);
}

/* For cmocka: a new platform before each test. */
static inline int cloud_fake_setup(void **state)
{
    (void)state;
    cloud_fake_start("");
    return 0;
}

static inline int cloud_fake_device(const char *name)
{
    int i = cloud_book_device(&cloud.book, PK, name);

    if (i < 0)
        fail_msg("no device %s", name);
    return i;
}

/* A login as it should be, over TLS with hmacsha256; the fields point into static memory. */
static inline struct cloud_login cloud_fake_login(cloud_link link, const char *name)
{
    static char client_id[128], user_name[64], password[65];
    struct cloud_login login = {.link = link,
                                .transport = CLOUD_TLS,
                                .protocol_level = 4,
                                .keepalive_s = 60,
                                .client_id = client_id,
                                .user_name = user_name,
                                .password = password};
    char text[256];
    uint8_t digest[CLOUD_DIGEST_MAX];

    snprintf(client_id, sizeof client_id, PK ".%s|securemode=2,signmethod=hmacsha256|", name);
    snprintf(user_name, sizeof user_name, "%s&" PK, name);
    snprintf(text, sizeof text, "clientId" PK ".%sdeviceName%sproductKey" PK, name, name);
    cloud_fake_hmac(NULL, CLOUD_SHA256, cloud.book.devices[cloud_fake_device(name)].secret, text,
                    digest);
    cloud_text_hex(digest, 32, true, password);
    return login;
}

static inline struct cloud_verdict cloud_fake_judge(const struct cloud_login *login, uint64_t now)
{
    struct cloud_verdict v;

    cloud_login(&cloud, login, now, &v);
    return v;
}

/* Must be accepted. */
static inline void cloud_fake_connect(cloud_link link, const char *name, uint64_t now)
{
    struct cloud_login login = cloud_fake_login(link, name);
    struct cloud_verdict v = cloud_fake_judge(&login, now);

    if (v.answer != CLOUD_ACCEPT)
        fail_msg("%s is refused: %s", name, v.reason);
}

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL)                                                        \
            fail_msg("'%s' is not in:\n%s", (part), (text));                                       \
    } while (0)

/* Must be refused so, and the log must say so. */
static inline void cloud_fake_refused(const struct cloud_login *login, uint8_t code,
                                      const char *reason)
{
    struct cloud_verdict verdict = cloud_fake_judge(login, 0);
    if (verdict.answer != CLOUD_REFUSE || verdict.code != code ||
        strstr(verdict.reason, reason) == NULL)
        fail_msg("answer %d, code %u: %s", verdict.answer, verdict.code, verdict.reason);
    assert_contains(cloud_log, reason);
}

/* The next output must be this; topic NULL: whatever it says. */
static inline void cloud_fake_output(enum cloud_output_kind kind, cloud_link link,
                                     const char *topic, const char *payload)
{
    const struct cloud_output *o = cloud_next(&cloud);
    assert_non_null(o);
    assert_int_equal(o->kind, kind);
    assert_int_equal(o->link, link);
    if (topic != NULL) {
        assert_string_equal(o->topic, topic);
        assert_string_equal(o->payload, payload);
        assert_int_equal(o->payload_len, strlen(payload));
    }
}

static inline void cloud_fake_no_output(void)
{
    assert_null(cloud_next(&cloud));
}

#endif

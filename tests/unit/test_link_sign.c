/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <ucontext.h>

#include "crypto/iot_crypto_digest.h"
#include "heap_trap.h"
#include "link/iot_link_sign.h"

#define METHODS 3
static const char *const method_names[METHODS] = {"hmacsha256", "hmacsha1", "hmacmd5"};

#define TIME "2524608000000"

/* The identity of most vectors. */
static struct iot_link_identity identity(void)
{
    return (struct iot_link_identity){.product_key = "a1B2c3D4e5F",
                                      .device_name = "dev001",
                                      .device_secret = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"};
}

/* Its client id with what is between the fields that every test changes. */
#define LIST(v, mode, method, rest)                                                                \
    "|timestamp=" TIME "," v "securemode=" mode ",signmethod=" method ",lan=C," rest "|"

static uint8_t scratch[IOT_LINK_LOGIN_MAX];

static struct iot_link_login login(const struct iot_link_identity *id,
                                   enum iot_link_transport transport)
{
    struct iot_link_login out;

    memset(scratch, 0xee, sizeof scratch);
    heap_trap_on();
    iot_err err = iot_link_login(id, transport, scratch, sizeof scratch, &out);
    heap_trap_off();
    assert_err(err, IOT_OK);
    return out;
}

static void assert_client_id(const struct iot_link_identity *id, const char *expected)
{
    assert_bytes(login(id, IOT_LINK_TLS).client_id, text_bytes(expected));
}

static void assert_nothing(const struct iot_link_login *out)
{
    static const struct iot_link_login nothing;

    assert_memory_equal(out, &nothing, sizeof nothing);
}

static void assert_refused(const struct iot_link_identity *id, const char *what)
{
    struct iot_link_login out;
    uint8_t name[IOT_LINK_PSK_IDENTITY_MAX], key[IOT_LINK_PSK_BYTES];
    uint32_t len;

    if (iot_link_check(id) != IOT_ERR_ARG)
        fail_msg("not refused: %s", what);
    memset(&out, 0xee, sizeof out);
    assert_err(iot_link_login(id, IOT_LINK_TLS, scratch, sizeof scratch, &out), IOT_ERR_ARG);
    assert_nothing(&out);
    assert_err(iot_link_psk(id, name, &len, key), IOT_ERR_ARG);
    assert_int_equal(len, 0);
}

/* ---- what the platform is known to accept */

static void passwords_are_those_of_the_platform(void **state)
{
    static const struct {
        const char *client_id, *timestamp;
        const char *password[METHODS];
    } vectors[] = {
        {NULL,
         NULL,
         {"E94C6C93B28B957C26538D2B0FEBD732A54FAA2D172C6B72ADED4DFADF897AE4",
          "AD32C7344CDBA0D7992B63998E3FBE2A5707B100", "E8328765FB8AEA83522CFF7009B8A956"}},
        {"12345",
         TIME,
         {"0CB5A8725B238BCF732ECECF8C5FF8198BE174D406C4EEA2D83359EEC070A1B1",
          "3A7C9C232E566CD586DB4A16690CABF59CC9D082", "DF749311DC8B8F75DD89CE7B3DA608B3"}},
        {"a1B2c3D4e5F.dev001",
         "",
         {"25DE8C1A0DCF1494CCC3B1B1D92A34F92A34F588372191C36A13EF005219BD89",
          "E5C1A9BBFFFD73BA9F4827BF88363568C3B2C69E", "C7D5FD11AE78FA0831A4A1FEA6A3F70C"}},
        {NULL,
         "1700000000000",
         {NULL, "7C41A7CF998213B53D5D746DA4945B460F292FDA", "FC812E974C7DD21332DA0C2D37CFF132"}},
    };
    (void)state;

    for (size_t v = 0; v < COUNT(vectors); v++) {
        for (uint32_t m = 0; m < METHODS; m++) {
            struct iot_link_identity id = identity();
            if (vectors[v].password[m] == NULL)
                continue;
            id.client_id = vectors[v].client_id;
            id.timestamp = vectors[v].timestamp;
            id.method = m;
            assert_bytes(login(&id, IOT_LINK_TLS).password, text_bytes(vectors[v].password[m]));
        }
    }
}

static void the_literal_example_is_met(void **state)
{
    struct iot_link_identity id = identity();
    struct iot_link_login out;
    (void)state;

    id.sdk_version = "sdk-c-3.2.0";
    out = login(&id, IOT_LINK_TLS);
    assert_bytes(out.client_id,
                 BYTES("a1B2c3D4e5F.dev001|timestamp=2524608000000,_v=sdk-c-3.2.0,securemode=2,"
                       "signmethod=hmacsha256,lan=C,gw=0,ext=0|"));
    assert_bytes(out.user_name, BYTES("dev001&a1B2c3D4e5F"));
    assert_bytes(out.password,
                 BYTES("E94C6C93B28B957C26538D2B0FEBD732A54FAA2D172C6B72ADED4DFADF897AE4"));
}

static void psk_is_that_of_the_platform(void **state)
{
    struct iot_link_identity id = identity();
    uint8_t name[IOT_LINK_PSK_IDENTITY_MAX], key[IOT_LINK_PSK_BYTES];
    uint32_t len;
    (void)state;

    /* The method and the timestamp of the login do not matter here, nor does its client id. */
    for (uint32_t m = 0; m < METHODS; m++) {
        id.method = m;
        heap_trap_on();
        iot_err err = iot_link_psk(&id, name, &len, key);
        heap_trap_off();
        assert_err(err, IOT_OK);
        assert_bytes(((struct iot_bytes){name, len}),
                     BYTES("devicename|hmacsha256|a1B2c3D4e5F&dev001|2524608000000"));
        assert_memory_equal(key, "A7D53EBFA05AEF3B659F5D637B923FC992E833FE01F79956FA3C6CB739C2C6BE",
                            sizeof key);
        id.timestamp = "1";
        id.client_id = "12345";
    }
}

/* ---- the client id, field by field */

static void a_default_identity_names_library_and_version(void **state)
{
    struct iot_link_identity id = identity();
    char expected[200];
    (void)state;

    snprintf(expected, sizeof expected,
             "a1B2c3D4e5F.dev001|timestamp=" TIME ",_v=sdk-c-%d.%d.%d,securemode=2,"
             "signmethod=hmacsha256,lan=C,gw=0,ext=0|",
             IOT_VERSION_MAJOR, IOT_VERSION_MINOR, IOT_VERSION_PATCH);
    assert_client_id(&id, expected);
}

static void every_field_comes_at_its_place_when_on_and_not_when_off(void **state)
{
    /* The optional ones, in their order; bit i of `on` switches field i. */
    static const char *const fields[] = {"timestamp=" TIME ",",
                                         "_v=x-1,",
                                         "",
                                         "_ss=1,",
                                         "gw=1,",
                                         "ext=3,",
                                         "pid=partner,",
                                         "mid=mod,",
                                         "instanceId=iot-06,",
                                         "_conn=a b,",
                                         "own=1,b=c d,"};
    (void)state;

    for (uint32_t on = 0; on < 1u << COUNT(fields); on++) {
        struct iot_link_identity id = identity();
        char expected[300] = "a1B2c3D4e5F.dev001|";
        id.timestamp = on & 1 ? NULL : "";
        id.sdk_version = on & 2 ? "x-1" : "";
        id.system_topics = on & 8;
        id.gateway = on & 16;
        id.ext = on & 32 ? IOT_LINK_EXT_RRPC | IOT_LINK_EXT_ERROR : 0;
        /* Off is NULL or "": the same. */
        id.partner_id = on & 64 ? "partner" : NULL;
        id.module_id = on & 128 ? "mod" : on & 1 ? "" : NULL;
        id.instance_id = on & 256 ? "iot-06" : on & 2 ? "" : NULL;
        id.connection = on & 512 ? "a b" : on & 1 ? "" : NULL;
        id.custom = on & 1024 ? "own=1,b=c d" : on & 2 ? "" : NULL;
        for (uint32_t i = 0; i < COUNT(fields); i++) {
            if (i == 2)
                strcat(expected, "securemode=2,signmethod=hmacsha256,lan=C,");
            else if (on & 1u << i)
                strcat(expected, fields[i]);
            else if (i == 4)
                strcat(expected, "gw=0,");
            else if (i == 5)
                strcat(expected, "ext=0,");
        }
        expected[strlen(expected) - 1] = '|'; /* the last comma */
        assert_client_id(&id, expected);
    }
}

static void how_bytes_travel_decides_securemode(void **state)
{
    static const struct {
        enum iot_link_transport transport;
        const char *client_id;
    } cases[] = {
        {IOT_LINK_TLS, "me" LIST("", "2", "hmacsha256", "gw=0,ext=0")},
        {IOT_LINK_PLAIN, "me" LIST("", "3", "hmacsha256", "gw=0,ext=0")},
        {IOT_LINK_TLS_PSK, "me" LIST("", "2", "hmacsha256", "gw=0,ext=0")},
    };
    struct iot_link_identity id = identity();
    struct iot_bytes password;
    (void)state;

    id.client_id = "me";
    id.sdk_version = "";
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_bytes(login(&id, cases[i].transport).client_id, text_bytes(cases[i].client_id));

    /* the password does not depend on it */
    char first[64];
    password = login(&id, IOT_LINK_TLS).password;
    memcpy(first, password.ptr, sizeof first);
    assert_bytes(login(&id, IOT_LINK_PLAIN).password,
                 ((struct iot_bytes){(const uint8_t *)first, sizeof first}));
}

static void the_method_is_named_and_decides_the_length_of_the_password(void **state)
{
    static const char *const client_id[METHODS] = {
        "me" LIST("", "2", "hmacsha256", "gw=0,ext=0"),
        "me" LIST("", "2", "hmacsha1", "gw=0,ext=0"),
        "me" LIST("", "2", "hmacmd5", "gw=0,ext=0"),
    };
    static const uint32_t length[METHODS] = {64, 40, 32};
    struct iot_link_identity id = identity();
    (void)state;

    id.client_id = "me";
    id.sdk_version = "";
    for (uint32_t m = 0; m < METHODS; m++) {
        id.method = m;
        struct iot_link_login out = login(&id, IOT_LINK_TLS);
        assert_bytes(out.client_id, text_bytes(client_id[m]));
        assert_int_equal(out.password.len, length[m]);
        assert_non_null(strstr(client_id[m], method_names[m]));
    }
}

static void ext_is_a_decimal_bitmap(void **state)
{
    struct iot_link_identity id = identity();
    (void)state;

    id.client_id = "me";
    id.sdk_version = "";
    for (uint32_t ext = 0; ext <= 255; ext++) {
        char expected[200];
        id.ext = (uint8_t)ext;
        snprintf(expected, sizeof expected, "me" LIST("", "2", "hmacsha256", "gw=0,ext=%u"),
                 (unsigned)ext);
        assert_client_id(&id, expected);
    }
}

/* ---- what is refused */

/* Each text of an identity, and what may be in it. */
struct text {
    const char *name;
    size_t at;
    uint32_t min, max;
    const char *also; /* characters beside digits and, but for the timestamp, letters */
};

#define NAMES_ALSO "-_@.:"
#define PLAIN_ALSO NAMES_ALSO "!\"#$%&'()*+/;<>?[\\]^`{}~"

static const struct text texts[] = {
    {"product_key", offsetof(struct iot_link_identity, product_key), 1, 20, ""},
    {"device_name", offsetof(struct iot_link_identity, device_name), 1, 32, NAMES_ALSO},
    {"device_secret", offsetof(struct iot_link_identity, device_secret), 1, 64, ""},
    {"region", offsetof(struct iot_link_identity, region), 1, 32, "-"},
    {"instance_id", offsetof(struct iot_link_identity, instance_id), 0, 48, "-"},
    {"timestamp", offsetof(struct iot_link_identity, timestamp), 0, 20, ""},
    {"client_id", offsetof(struct iot_link_identity, client_id), 1, 64, PLAIN_ALSO},
    {"sdk_version", offsetof(struct iot_link_identity, sdk_version), 0, 32, PLAIN_ALSO},
    {"partner_id", offsetof(struct iot_link_identity, partner_id), 0, 16, PLAIN_ALSO},
    {"module_id", offsetof(struct iot_link_identity, module_id), 0, 64, PLAIN_ALSO},
    {"connection", offsetof(struct iot_link_identity, connection), 0, 64, PLAIN_ALSO " "},
    {"custom", offsetof(struct iot_link_identity, custom), 0, 128, PLAIN_ALSO " ,="},
};

static void set(struct iot_link_identity *id, const struct text *text, const char *value)
{
    memcpy((uint8_t *)id + text->at, &value, sizeof value);
}

static void every_text_may_be_as_long_as_said_and_not_longer(void **state)
{
    (void)state;

    for (size_t t = 0; t < COUNT(texts); t++) {
        for (uint32_t n = 0; n <= texts[t].max + 2; n++) {
            struct iot_link_identity id = identity();
            char value[200] = {0}; /* read from guarded memory: not a byte behind its NUL */
            memset(value, '7', n);
            set(&id, &texts[t], (const char *)at_guard(value, n + 1));
            if (n >= texts[t].min && n <= texts[t].max) {
                assert_err(iot_link_check(&id), IOT_OK);
                (void)login(&id, IOT_LINK_TLS);
            } else {
                assert_refused(&id, texts[t].name);
            }
        }
    }
}

static void every_text_has_its_alphabet(void **state)
{
    (void)state;

    for (size_t t = 0; t < COUNT(texts); t++) {
        bool letters = strcmp(texts[t].name, "timestamp") != 0;
        for (int c = 1; c < 256; c++) {
            /* at each of three places, among characters that are good everywhere */
            for (uint32_t place = 0; place < 3; place++) {
                struct iot_link_identity id = identity();
                char value[4] = "777";
                value[place] = (char)c;
                bool digit = c >= '0' && c <= '9';
                bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                bool good = digit || (letter && letters) ||
                            (c < 128 && !letter && strchr(texts[t].also, c) != NULL);
                set(&id, &texts[t], value);
                if (good) {
                    if (iot_link_check(&id) != IOT_OK)
                        fail_msg("%s: '%c' refused", texts[t].name, c);
                } else {
                    assert_refused(&id, texts[t].name);
                }
            }
        }
    }
}

static void a_name_or_a_secret_that_is_missing_is_refused(void **state)
{
    struct iot_link_identity id = identity();
    (void)state;

    id.product_key = NULL;
    assert_refused(&id, "no product key");
    id = identity();
    id.device_name = NULL;
    assert_refused(&id, "no device name");
    id.product_key = NULL;
    assert_refused(&id, "no names");
    id = identity();
    id.device_secret = NULL;
    assert_refused(&id, "neither secret nor sign");
}

static void an_unknown_method_is_refused(void **state)
{
    struct iot_link_identity id = identity();
    (void)state;

    id.method = (enum iot_sign_method)METHODS;
    assert_refused(&id, "method 3");
}

/* ---- scratch */

static struct iot_link_identity longest(void)
{
    static char of[129];
    const char *end = of + sizeof of - 1;

    memset(of, '9', sizeof of - 1);
    return (struct iot_link_identity){
        .product_key = end - 20,
        .device_name = end - 32,
        .device_secret = end - 64,
        .region = end - 32,
        .instance_id = end - 48,
        .timestamp = end - 20,
        .client_id = end - 64,
        .sdk_version = end - 32,
        .system_topics = true,
        .gateway = true,
        .ext = 255,
        .partner_id = end - 16,
        .module_id = end - 64,
        .connection = end - 64,
        .custom = end - 128,
    };
}

static uint32_t length_of(const struct iot_link_login *out)
{
    return out->client_id.len + out->user_name.len + out->password.len;
}

static void the_longest_login_needs_just_the_most_that_is_said(void **state)
{
    struct iot_link_identity id = longest();
    struct iot_link_login out = login(&id, IOT_LINK_TLS);
    (void)state;

    assert_int_equal(length_of(&out), IOT_LINK_LOGIN_MAX);
}

static void texts_lie_in_scratch_in_a_row_without_nul(void **state)
{
    struct iot_link_identity id = identity();
    struct iot_link_login out = login(&id, IOT_LINK_TLS);
    (void)state;

    assert_ptr_equal(out.client_id.ptr, scratch);
    assert_ptr_equal(out.user_name.ptr, out.client_id.ptr + out.client_id.len);
    assert_ptr_equal(out.password.ptr, out.user_name.ptr + out.user_name.len);
    assert_null(memchr(scratch, 0, length_of(&out)));
    for (uint32_t i = length_of(&out); i < sizeof scratch; i++)
        assert_int_equal(scratch[i], 0xee);
}

/* Does `room` hold four characters in a row of the password? */
static bool leaks(const uint8_t *room, uint32_t n, struct iot_bytes password)
{
    for (uint32_t i = 0; i + 4 <= password.len; i++) {
        if (memmem(room, n, password.ptr + i, 4) != NULL)
            return true;
    }
    return false;
}

static void a_scratch_that_is_too_small_is_not_overrun_and_keeps_no_password(void **state)
{
    struct iot_link_identity ids[6] = {identity(), identity(), identity(), identity(), longest()};
    (void)state;

    ids[1].method = IOT_SIGN_HMACSHA1;
    ids[2].method = IOT_SIGN_HMACMD5;
    ids[3].timestamp = ids[3].sdk_version = "";
    ids[3].method = IOT_SIGN_HMACMD5; /* shortest */
    ids[5] = (struct iot_link_identity){.x509 = true};
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct iot_link_login whole = login(&ids[i], IOT_LINK_TLS), out;
        uint32_t need = length_of(&whole);
        for (uint32_t cap = 0; cap < need; cap++) {
            uint8_t *room = at_guard(NULL, cap);
            memset(room, 0xee, cap);
            memset(&out, 0xee, sizeof out);
            assert_err(iot_link_login(&ids[i], IOT_LINK_TLS, room, cap, &out), IOT_ERR_SIZE);
            assert_nothing(&out);
            assert_false(leaks(room, cap, whole.password));
        }
        uint8_t *room = at_guard(NULL, need);
        assert_err(iot_link_login(&ids[i], IOT_LINK_TLS, room, need, &out), IOT_OK);
        assert_memory_equal(room, scratch, need);
    }
}

/* ---- somebody else signs */

struct element {
    const char *secret;
    iot_err answer;
    uint32_t calls;
    enum iot_sign_method method;
    char text[200];
};

static iot_err ask_element(void *ctx, enum iot_sign_method method, struct iot_bytes text,
                           uint8_t mac[32])
{
    struct element *e = ctx;

    e->calls++;
    e->method = method;
    assert_true(text.len < sizeof e->text);
    memcpy(e->text, text.ptr, text.len);
    e->text[text.len] = '\0';
    if (e->answer == IOT_OK)
        iot_hmac((enum iot_digest_kind)method, text_bytes(e->secret), &text, 1, mac);
    return e->answer;
}

static void a_secure_element_gives_the_same_login_as_the_secret(void **state)
{
    (void)state;

    for (uint32_t m = 0; m < METHODS; m++) {
        struct iot_link_identity id = identity();
        struct element element = {.secret = id.device_secret};
        uint8_t expected[IOT_LINK_LOGIN_MAX];
        id.method = m;
        struct iot_link_login out = login(&id, IOT_LINK_TLS);
        uint32_t n = length_of(&out);
        memcpy(expected, scratch, n);

        id.device_secret = NULL;
        id.sign = ask_element;
        id.sign_ctx = &element;
        out = login(&id, IOT_LINK_TLS);
        assert_int_equal(length_of(&out), n);
        assert_memory_equal(scratch, expected, n);
        assert_int_equal(element.calls, 1);
        assert_int_equal(element.method, m);
        assert_string_equal(
            element.text,
            "clientIda1B2c3D4e5F.dev001deviceNamedev001productKeya1B2c3D4e5Ftimestamp" TIME);

        /* a secret beside it is not used */
        id.device_secret = "1";
        login(&id, IOT_LINK_TLS);
        assert_memory_equal(scratch, expected, n);
    }
}

static void a_secure_element_that_is_busy_is_asked_again_with_the_same_text(void **state)
{
    struct iot_link_identity id = identity();
    struct element element = {.secret = id.device_secret, .answer = IOT_ERR_AGAIN};
    struct iot_link_login out;
    char text[sizeof element.text];
    (void)state;

    id.device_secret = NULL;
    id.sign = ask_element;
    id.sign_ctx = &element;
    for (uint32_t i = 1; i <= 3; i++) {
        memset(&out, 0xee, sizeof out);
        assert_err(iot_link_login(&id, IOT_LINK_TLS, scratch, sizeof scratch, &out), IOT_ERR_AGAIN);
        assert_nothing(&out);
        assert_int_equal(element.calls, i);
        if (i != 1)
            assert_string_equal(element.text, text);
        memcpy(text, element.text, sizeof text);
    }
    element.answer = IOT_OK;
    out = login(&id, IOT_LINK_TLS);
    assert_string_equal(element.text, text);
    assert_bytes(out.password,
                 BYTES("E94C6C93B28B957C26538D2B0FEBD732A54FAA2D172C6B72ADED4DFADF897AE4"));
}

static void an_error_of_the_secure_element_is_handed_on(void **state)
{
    struct iot_link_identity id = identity();
    struct element element = {.answer = IOT_ERR_LINK_SECRET};
    uint8_t name[IOT_LINK_PSK_IDENTITY_MAX], key[IOT_LINK_PSK_BYTES];
    struct iot_link_login out;
    uint32_t len = 7;
    (void)state;

    id.device_secret = NULL;
    id.sign = ask_element;
    id.sign_ctx = &element;
    assert_err(iot_link_login(&id, IOT_LINK_TLS, scratch, sizeof scratch, &out),
               IOT_ERR_LINK_SECRET);
    assert_nothing(&out);
    assert_err(iot_link_psk(&id, name, &len, key), IOT_ERR_LINK_SECRET);
    assert_int_equal(len, 0);
}

static void a_secure_element_is_not_asked_when_the_text_does_not_fit(void **state)
{
    struct iot_link_identity id = identity();
    struct element element = {.secret = id.device_secret};
    struct iot_link_login out;
    (void)state;

    id.sign = ask_element;
    id.sign_ctx = &element;
    assert_err(iot_link_login(&id, IOT_LINK_TLS, scratch, 40, &out), IOT_ERR_SIZE);
    assert_int_equal(element.calls, 0);
}

static void a_secure_element_signs_for_psk_too(void **state)
{
    struct iot_link_identity id = identity();
    struct element element = {.secret = id.device_secret};
    uint8_t name[IOT_LINK_PSK_IDENTITY_MAX], key[IOT_LINK_PSK_BYTES];
    uint32_t len;
    (void)state;

    id.device_secret = NULL;
    id.method = IOT_SIGN_HMACMD5;
    id.sign = ask_element;
    id.sign_ctx = &element;
    assert_err(iot_link_psk(&id, name, &len, key), IOT_OK);
    assert_int_equal(element.method, IOT_SIGN_HMACSHA256);
    assert_string_equal(element.text, "ida1B2c3D4e5F&dev001timestamp" TIME);
    assert_memory_equal(key, "A7D53EBFA05AEF3B659F5D637B923FC992E833FE01F79956FA3C6CB739C2C6BE",
                        sizeof key);
}

/* ---- PSK, client certificate */

static void the_longest_psk_identity_fits_just(void **state)
{
    struct iot_link_identity id = longest();
    uint8_t key[IOT_LINK_PSK_BYTES];
    uint8_t *name = at_guard(NULL, IOT_LINK_PSK_IDENTITY_MAX);
    uint32_t len;
    (void)state;

    assert_err(iot_link_psk(&id, name, &len, key), IOT_OK);
    assert_int_equal(len, IOT_LINK_PSK_IDENTITY_MAX);
}

static void a_client_certificate_needs_no_password(void **state)
{
    struct iot_link_identity id = identity();
    struct element element = {0};
    struct iot_link_login out;
    (void)state;

    id.x509 = true;
    id.sdk_version = "";
    id.sign = ask_element;
    id.sign_ctx = &element;
    out = login(&id, IOT_LINK_TLS);
    assert_bytes(out.client_id,
                 BYTES("a1B2c3D4e5F.dev001" LIST("", "2", "hmacsha256", "gw=0,ext=0")));
    assert_bytes(out.user_name, BYTES("dev001&a1B2c3D4e5F"));
    assert_null(out.password.ptr);
    assert_int_equal(out.password.len, 0);
    assert_int_equal(element.calls, 0); /* nothing is signed */
}

static void a_client_certificate_may_stand_for_the_names(void **state)
{
    struct iot_link_identity id = {.x509 = true, .sdk_version = ""};
    struct iot_link_login out = login(&id, IOT_LINK_TLS);
    (void)state;

    assert_bytes(out.client_id, BYTES("." LIST("", "2", "hmacsha256", "gw=0,ext=0")));
    assert_bytes(out.user_name, BYTES("&"));
    assert_null(out.password.ptr);

    id.client_id = "serial-17";
    out = login(&id, IOT_LINK_TLS);
    assert_bytes(out.client_id, BYTES("serial-17" LIST("", "2", "hmacsha256", "gw=0,ext=0")));
}

static void a_client_certificate_with_half_a_name_or_without_tls_is_refused(void **state)
{
    struct iot_link_identity id = {.x509 = true, .product_key = "a1B2c3D4e5F"};
    uint8_t name[IOT_LINK_PSK_IDENTITY_MAX], key[IOT_LINK_PSK_BYTES];
    struct iot_link_login out;
    uint32_t len;
    (void)state;

    assert_refused(&id, "product key only");
    id = (struct iot_link_identity){.x509 = true, .device_name = "dev001"};
    assert_refused(&id, "device name only");
    id = (struct iot_link_identity){.x509 = true};
    assert_err(iot_link_login(&id, IOT_LINK_PLAIN, scratch, sizeof scratch, &out), IOT_ERR_ARG);
    assert_nothing(&out);

    /* no PSK without a secret, none without names */
    assert_err(iot_link_psk(&id, name, &len, key), IOT_ERR_ARG);
    id.device_secret = "1";
    assert_err(iot_link_psk(&id, name, &len, key), IOT_ERR_ARG);
    id = identity();
    id.x509 = true;
    id.device_secret = NULL;
    assert_err(iot_link_psk(&id, name, &len, key), IOT_ERR_ARG);
}

/* ---- secrets do not stay behind */

/* Runs on a stack of its own, which is looked at afterwards. */
#define STACK_BYTES (256 * 1024)

static ucontext_t test_context, stack_context;

/* AddressSanitizer may keep the locals of its functions in a place of its own, and asks this each time. */
#ifdef __SANITIZE_ADDRESS__
extern int __asan_option_detect_stack_use_after_return;
#define LOCALS_ELSEWHERE __asan_option_detect_stack_use_after_return
#else
static int no_locals_elsewhere;
#define LOCALS_ELSEWHERE no_locals_elsewhere
#endif

static struct iot_link_identity asking;
static uint8_t psk_key[IOT_LINK_PSK_BYTES];

static void ask_for_login(void)
{
    struct iot_link_login out;

    assert_err(iot_link_login(&asking, IOT_LINK_TLS, scratch, sizeof scratch, &out), IOT_OK);
}

static void ask_for_psk(void)
{
    uint8_t name[IOT_LINK_PSK_IDENTITY_MAX];
    uint32_t len;

    assert_err(iot_link_psk(&asking, name, &len, psk_key), IOT_OK);
}

/* What a careless function leaves: shows that we would see it. */
static void forget_to_wipe(void)
{
    volatile char copy[64];

    for (size_t i = 0; i <= strlen(asking.device_secret); i++)
        copy[i] = asking.device_secret[i];
    (void)copy[0];
}

/* Is `mac` on the stack of `run`, or, if that is NULL, the secret's middle as HMAC turns it with `pad`? */
static bool stays_behind(void (*run)(void), uint8_t pad, const uint8_t mac[8])
{
    uint8_t *stack =
        mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t wanted[8];

    assert_true(stack != MAP_FAILED);
    assert_int_equal(getcontext(&stack_context), 0);
    stack_context.uc_stack.ss_sp = stack;
    stack_context.uc_stack.ss_size = STACK_BYTES;
    stack_context.uc_link = &test_context;
    makecontext(&stack_context, run, 0);
    int elsewhere = LOCALS_ELSEWHERE;
    LOCALS_ELSEWHERE = 0;
    assert_int_equal(swapcontext(&test_context, &stack_context), 0);
    LOCALS_ELSEWHERE = elsewhere;
    for (size_t i = 0; i < sizeof wanted; i++)
        wanted[i] = mac != NULL ? mac[i] : (uint8_t)asking.device_secret[8 + i] ^ pad;
    bool found = memmem(stack, STACK_BYTES, wanted, sizeof wanted) != NULL;
    munmap(stack, STACK_BYTES);
    return found;
}

static void neither_secret_nor_signature_stays_on_the_stack(void **state)
{
    static void (*const runs[])(void) = {ask_for_login, ask_for_psk};
    static const uint8_t pads[] = {0, 0x36, 0x5c};
    (void)state;

    for (uint32_t m = 0; m < METHODS; m++) {
        asking = identity();
        asking.method = m;
        assert_true(stays_behind(forget_to_wipe, 0, NULL));
        for (size_t r = 0; r < COUNT(runs); r++) {
            for (size_t p = 0; p < COUNT(pads); p++)
                assert_false(stays_behind(runs[r], pads[p], NULL));
        }

        /* the signature as bytes and as text */
        uint8_t mac[8];
        struct iot_bytes password = login(&asking, IOT_LINK_TLS).password;
        char text[17] = {0};
        memcpy(text, password.ptr, 16);
        from_hex(text, mac, sizeof mac);
        assert_false(stays_behind(ask_for_login, 0, mac));
        assert_false(stays_behind(ask_for_login, 0, (const uint8_t *)text));
        memcpy(text, psk_key, 16);
        from_hex(text, mac, sizeof mac);
        assert_false(stays_behind(ask_for_psk, 0, mac));
        assert_false(stays_behind(ask_for_psk, 0, (const uint8_t *)text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_are_those_of_the_platform),
        cmocka_unit_test(the_literal_example_is_met),
        cmocka_unit_test(psk_is_that_of_the_platform),
        cmocka_unit_test(a_default_identity_names_library_and_version),
        cmocka_unit_test(every_field_comes_at_its_place_when_on_and_not_when_off),
        cmocka_unit_test(how_bytes_travel_decides_securemode),
        cmocka_unit_test(the_method_is_named_and_decides_the_length_of_the_password),
        cmocka_unit_test(ext_is_a_decimal_bitmap),
        cmocka_unit_test(every_text_may_be_as_long_as_said_and_not_longer),
        cmocka_unit_test(every_text_has_its_alphabet),
        cmocka_unit_test(a_name_or_a_secret_that_is_missing_is_refused),
        cmocka_unit_test(an_unknown_method_is_refused),
        cmocka_unit_test(the_longest_login_needs_just_the_most_that_is_said),
        cmocka_unit_test(texts_lie_in_scratch_in_a_row_without_nul),
        cmocka_unit_test(a_scratch_that_is_too_small_is_not_overrun_and_keeps_no_password),
        cmocka_unit_test(a_secure_element_gives_the_same_login_as_the_secret),
        cmocka_unit_test(a_secure_element_that_is_busy_is_asked_again_with_the_same_text),
        cmocka_unit_test(an_error_of_the_secure_element_is_handed_on),
        cmocka_unit_test(a_secure_element_is_not_asked_when_the_text_does_not_fit),
        cmocka_unit_test(a_secure_element_signs_for_psk_too),
        cmocka_unit_test(the_longest_psk_identity_fits_just),
        cmocka_unit_test(a_client_certificate_needs_no_password),
        cmocka_unit_test(a_client_certificate_may_stand_for_the_names),
        cmocka_unit_test(a_client_certificate_with_half_a_name_or_without_tls_is_refused),
        cmocka_unit_test(neither_secret_nor_signature_stays_on_the_stack),
    };
    return cmocka_run_group_tests_name("link_sign", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A device with a client of CoAP over stub datagrams, the platform's channel on it, and a test that plays the platform. For a
 * test program that includes this once. */
#ifndef UPLINK_RIG_H
#define UPLINK_RIG_H

#include "stub_coap.h"

#include "crypto/iot_crypto_aes.h"
#include "crypto/iot_crypto_digest.h"
#include "iot/iot_register.h"

#define PK "a1B2c3D4e5F"
#define DN "dev001"
#define DS "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

#define TOPIC "/sys/" PK "/" DN "/thing/event/property/post"

static struct iot_uplink up;
static struct iot_uplink_options up_options;
static struct iot_link_identity id;
static struct iot_port up_port;
static uint8_t work[1536];
static uint32_t up_chance; /* what random gives */
static iot_err up_random_says;

static uint32_t results;
static struct iot_uplink_result result;
static uint8_t reply[1536];
static void (*in_result)(void);

static inline iot_err up_random(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    assert_int_equal(n, sizeof up_chance);
    memcpy(into, &up_chance, n);
    return up_random_says;
}

static inline bool is_wiped(void)
{
    for (size_t i = 0; i < up_options.work_bytes; i++)
        if (work[i] != 0)
            return false;
    return true;
}

static inline void on_result(void *ctx, struct iot_uplink *u, const struct iot_uplink_result *r)
{
    assert_ptr_equal(ctx, &results);
    assert_ptr_equal(u, &up);
    results++;
    result = *r;
    memset(reply, 0, sizeof reply);
    if (r->reply.len != 0)
        memcpy(reply, r->reply.ptr, r->reply.len);
    if (in_result != NULL)
        in_result();
}

/* Memory of the channel's own; what lies behind it must stay as it is. */
static inline void give_memory(uint32_t bytes)
{
    assert_true(bytes <= sizeof work);
    memset(work, 0, bytes);
    memset(work + bytes, 0xee, sizeof work - bytes);
    up_options.work_bytes = bytes;
}

static inline void assert_memory(void)
{
    for (size_t i = up_options.work_bytes; i < sizeof work; i++)
        assert_int_equal(work[i], 0xee);
}

static inline int uplink_setup(void **state)
{
    stub_coap_setup(state);
    id = (struct iot_link_identity){
        .product_key = PK, .device_name = DN, .device_secret = DS, .method = IOT_SIGN_HMACMD5};
    up_port = (struct iot_port){.random = up_random};
    up_options = (struct iot_uplink_options){.coap = &hub,
                                             .link = &id,
                                             .port = &up_port,
                                             .work = work,
                                             .on_result = on_result,
                                             .ctx = &results};
    give_memory(1024);
    up_chance = 10;
    up_random_says = IOT_OK;
    results = 0;
    in_result = NULL;
    memset(&up, 0xee, sizeof up);
    assert_err(iot_uplink_init(&up, &up_options), IOT_OK);
    return 0;
}

static inline int uplink_symmetric(void **state)
{
    uplink_setup(state);
    up_options.symmetric = &iot_uplink_symmetric;
    assert_err(iot_uplink_init(&up, &up_options), IOT_OK);
    return 0;
}

/* ---- What was asked ------------------------------------------------------------------------ */

static inline bool is_printable(struct iot_bytes b)
{
    for (uint32_t i = 0; i < b.len; i++)
        if (b.ptr[i] < ' ' || b.ptr[i] > '~')
            return false;
    return true;
}

static inline void put_bytes(char *into, struct iot_bytes b)
{
    if (is_printable(b))
        sprintf(into + strlen(into), "%.*s", (int)b.len, (const char *)b.ptr);
    else
        to_hex(b, into + strlen(into), 2 * b.len + 4);
}

/* "CON /a/b 12=50 17=50 2088=token {...}": numbers of options and values as text, or hexadecimal; no Uri-Host. */
static inline const char *words_of(const struct iot_coap_message *m)
{
    static char text[4096];
    struct iot_coap_cursor at = {m->options, 0};
    struct iot_coap_option o;

    assert_int_equal(m->code, IOT_COAP_POST);
    strcpy(text, m->type == IOT_COAP_CON ? "CON " : "NON ");
    while (iot_coap_next(&at, &o)) {
        if (o.number == IOT_COAP_URI_HOST)
            continue;
        if (o.number == IOT_COAP_URI_PATH) {
            strcat(text, "/");
            put_bytes(text, o.value);
            continue;
        }
        sprintf(text + strlen(text), " %u=", o.number);
        if (o.number == IOT_COAP_CONTENT_FORMAT || o.number == IOT_COAP_ACCEPT)
            sprintf(text + strlen(text), "%u", (unsigned)iot_coap_uint(&o));
        else
            put_bytes(text, o.value);
    }
    strcat(text, " ");
    put_bytes(text, m->payload);
    return text;
}

static uint32_t asked; /* messages that were looked at */

/* Exactly one message more, and this it is. */
static inline void asks(const char *words)
{
    struct iot_coap_message m;

    run(0);
    if (net.tx_count != asked + 1)
        fail_msg("%u messages", (unsigned)(net.tx_count - asked));
    asked++;
    m = last_sent();
    assert_string_equal(words_of(&m), words);
}

static inline void asks_nothing(void)
{
    run(0);
    assert_int_equal(net.tx_count, asked);
}

static inline int uplink_begin(void **state)
{
    asked = 0;
    return uplink_setup(state);
}

static inline int uplink_begin_symmetric(void **state)
{
    asked = 0;
    return uplink_symmetric(state);
}

/* ---- The platform ---------------------------------------------------------------------------- */

static inline void answers_bytes(uint8_t code, int format, struct iot_bytes body)
{
    struct iot_coap_message m = last_sent();
    static uint16_t message_id = 30000;
    uint8_t bytes[LOGGED_DGRAM_MAX];
    struct iot_coap_encoder e;
    bool con = m.type == IOT_COAP_CON;

    iot_coap_encode(&e, bytes, sizeof bytes, con ? IOT_COAP_ACK : IOT_COAP_NON, code,
                    con ? m.id : ++message_id, m.token);
    if (format >= 0)
        iot_coap_put_uint(&e, IOT_COAP_CONTENT_FORMAT, (uint32_t)format);
    iot_coap_put_payload(&e, body);
    assert_false(e.overflow);
    logged_dgram_receive(&net, (struct iot_bytes){bytes, e.len});
    run(0);
    assert_memory();
}

static inline void answers(uint8_t code, const char *json)
{
    answers_bytes(code, *json != '\0' ? IOT_COAP_JSON : -1, text_bytes(json));
}

#define DONE IOT_COAP_CODE(2, 5)

/* The `n`th result, and its reply. */
static inline void ended(uint32_t n, iot_err err, int32_t detail, const char *text)
{
    assert_int_equal(results, n);
    assert_err(result.err, err);
    assert_int_equal(result.detail, detail);
    assert_string_equal((const char *)reply, text);
    assert_int_equal(result.retry_ms == 0, err == IOT_OK);
    if (in_result == NULL)
        assert_true(is_wiped());
    assert_memory();
}

#define AUTH_MD5                                                                                   \
    "CON /auth 12=50 17=50 {\"productKey\":\"" PK "\",\"deviceName\":\"" DN                        \
    "\",\"clientId\":\"" PK "." DN "\",\"sign\":\"C7D5FD11AE78FA0831A4A1FEA6A3F70C\"}"
#define TOKEN_1 "tok00000000000000000000000000001"

static const struct iot_uplink_post message = {
    .topic = TOPIC, .payload = {(const uint8_t *)"{\"a\":1}", 7}, .format = IOT_COAP_JSON};

#define POSTS(token) "CON /topic" TOPIC " 12=50 17=50 2088=" token " {\"a\":1}"

static inline void post(void)
{
    assert_err(iot_uplink_post(&up, &message), IOT_OK);
}

/* There is a token, and a first message went well. */
static inline void with_token(void)
{
    post();
    asks(AUTH_MD5);
    answers(DONE, "{\"token\":\"" TOKEN_1 "\"}");
    asks(POSTS(TOKEN_1));
    answers(DONE, "");
    ended(1, IOT_OK, 0, "");
}

#endif

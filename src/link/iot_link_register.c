/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_register.h"

#if IOT_FEATURE_REGISTER

#include "core/iot_core_assert.h"
#include "crypto/iot_crypto_digest.h"
#include "iot/iot_json.h"

#include <string.h>

#define KEY_DEFAULT  "iot-ds"
#define KEY_MAX      15u
#define CLIENT_MAX   64u
#define RANDOM_BYTES 8u
#define SECRET_CHARS (IOT_CHAR_DIGIT | IOT_CHAR_LETTER)
#define TOKEN_CHARS  (IOT_CHAR_PLAIN | IOT_CHAR_LIST)

/* What is kept, as it lies in the kv: secret, or client id '|' token; here with a NUL behind each text. */
struct record {
    uint32_t len;
    char text[CLIENT_MAX + 1 + IOT_DEVICE_TOKEN_MAX + 1];
};
IOT_STATIC_ASSERT(IOT_DEVICE_SECRET_MAX < sizeof((struct record *)NULL)->text, "a secret fits");

static bool gets_token(const struct iot_link_identity *id)
{
    return id->registration->kind == IOT_REGISTER_NWL;
}

/* ---- What is kept -------------------------------------------------------------------------- */

static const char *key_of(const struct iot_link_identity *id)
{
    return id->registration->key != NULL ? id->registration->key : KEY_DEFAULT;
}

/* The second of two texts; NULL: there is one only. */
static char *token_of(struct record *kept)
{
    for (uint32_t i = 0; i < kept->len; i++)
        if (kept->text[i] == '|')
            return &kept->text[i + 1];
    return NULL;
}

/* Is it what the kind demands? Its texts end in NUL then, the '|' became one. */
static bool split(const struct iot_link_identity *id, struct record *kept)
{
    char *token = token_of(kept);

    kept->text[kept->len] = '\0';
    if (!gets_token(id))
        return iot_link_is_text(kept->text, 1, IOT_DEVICE_SECRET_MAX, SECRET_CHARS) &&
               strlen(kept->text) == kept->len;
    if (token == NULL)
        return false;
    token[-1] = '\0';
    return iot_link_is_text(kept->text, 1, CLIENT_MAX, IOT_CHAR_PLAIN) &&
           iot_link_is_text(token, 1, IOT_DEVICE_TOKEN_MAX, TOKEN_CHARS) &&
           strlen(kept->text) + 1 + strlen(token) == kept->len;
}

/* IOT_OK; IOT_ERR_STATE: there is none; IOT_ERR_AGAIN; IOT_ERR_KV. The caller wipes. */
static iot_err load(const struct iot_register *r, struct record *kept)
{
    kept->len = 0;
    iot_err err = r->port->kv_get(r->port->ctx, key_of(r->id), kept->text,
                                  (uint32_t)sizeof kept->text - 1, &kept->len);
    if (err == IOT_ERR_STATE || err == IOT_ERR_AGAIN)
        return err;
    if (err != IOT_OK || kept->len >= sizeof kept->text || !split(r->id, kept))
        return IOT_ERR_KV;
    return IOT_OK;
}

iot_err iot_register_check(const struct iot_link_identity *id)
{
    const struct iot_registration *g = id->registration;

    if (id->product_key == NULL || id->device_secret != NULL || id->sign != NULL || id->x509)
        return IOT_ERR_ARG;
    if ((uint32_t)g->kind > IOT_REGISTER_NWL || g->product_secret == NULL ||
        !iot_link_is_text(g->product_secret, 1, IOT_PRODUCT_SECRET_MAX, SECRET_CHARS))
        return IOT_ERR_ARG;
    return iot_link_is_text(key_of(id), 1, KEY_MAX, TOKEN_CHARS) ? IOT_OK : IOT_ERR_ARG;
}

iot_err iot_register_init(struct iot_register *r, const struct iot_link_identity *id,
                          const struct iot_port *port)
{
    r->id = id;
    r->port = port;
    r->state = IOT_REGISTER_NONE;
    return port->kv_get != NULL && port->kv_set != NULL ? IOT_OK : IOT_ERR_ARG;
}

/* ---- Logins -------------------------------------------------------------------------------- */

/* NULL and "" are the same. */
static void put_field(struct iot_writer *w, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    iot_writer_text(w, name);
    iot_writer_text(w, value);
}

/* What has been written since `from`. */
static struct iot_bytes since(const struct iot_writer *w, uint32_t from)
{
    return (struct iot_bytes){w->ptr + from, w->len - from};
}

static void put_user(struct iot_writer *w, const struct iot_link_identity *id,
                     struct iot_link_login *out)
{
    uint32_t from = w->len;

    iot_writer_text(w, id->device_name);
    iot_writer_text(w, "&");
    iot_writer_text(w, id->product_key);
    out->user_name = since(w, from);
}

static iot_err finish(struct iot_writer *w, struct iot_link_login *out)
{
    if (!w->overflow)
        return IOT_OK;
    iot_wipe(w->ptr, w->cap); /* half a password */
    memset(out, 0, sizeof *out);
    return IOT_ERR_SIZE;
}

static void put_mac(struct iot_writer *w, const struct iot_link_identity *id,
                    struct iot_bytes signed_text)
{
    enum iot_digest_kind digest = (enum iot_digest_kind)id->method;
    const char *secret = id->registration->product_secret;
    struct iot_bytes key = {(const uint8_t *)secret, (uint32_t)strlen(secret)};
    uint8_t mac[IOT_DIGEST_BYTES_MAX];

    iot_hmac(digest, key, &signed_text, 1, mac);
    w->len = 0; /* what was signed has served */
    iot_link_put_hex(w, mac, 2 * iot_digest_bytes(digest));
    iot_wipe(mac, sizeof mac);
}

/* What is signed stands where the login will: it is the shorter of them. The password comes first in there, as it is
 * made first. */
static iot_err ask(const struct iot_link_identity *id, const uint8_t random[RANDOM_BYTES],
                   uint8_t *scratch, uint32_t cap, struct iot_link_login *out)
{
    struct iot_writer w = {.ptr = scratch, .cap = cap};

    iot_writer_text(&w, "deviceName");
    iot_writer_text(&w, id->device_name);
    iot_writer_text(&w, "productKey");
    iot_writer_text(&w, id->product_key);
    iot_writer_text(&w, "random");
    iot_link_put_hex(&w, random, 2 * RANDOM_BYTES);
    if (w.overflow)
        return finish(&w, out);
    put_mac(&w, id, since(&w, 0));
    out->password = since(&w, 0);

    uint32_t from = w.len;
    if (id->client_id != NULL) {
        iot_writer_text(&w, id->client_id);
    } else {
        iot_writer_text(&w, id->product_key);
        iot_writer_text(&w, ".");
        iot_writer_text(&w, id->device_name);
    }
    iot_writer_text(&w, gets_token(id) ? "|authType=regnwl,random=" : "|authType=register,random=");
    iot_link_put_hex(&w, random, 2 * RANDOM_BYTES);
    put_field(&w, ",signmethod=", iot_link_method_name(id->method));
    put_field(&w, ",securemode=", "2");
    put_field(&w, ",instanceId=", id->instance_id);
    iot_writer_text(&w, "|");
    out->client_id = since(&w, from);
    put_user(&w, id, out);
    return finish(&w, out);
}

/* What is signed with no secret says nothing of how. */
static iot_err login_by_token(const struct iot_link_identity *id, const char *client_id,
                              const char *token, uint8_t *scratch, uint32_t cap,
                              struct iot_link_login *out)
{
    struct iot_writer w = {.ptr = scratch, .cap = cap};

    iot_writer_text(&w, client_id);
    iot_writer_text(&w, "|authType=connwl,securemode=-2");
    put_field(&w, ",_ss=", id->system_topics ? "1" : NULL);
    iot_writer_text(&w, ",ext=");
    iot_writer_u32(&w, id->ext);
    put_field(&w, ",_v=", iot_link_version(id));
    put_field(&w, ",gw=", id->gateway ? "1" : NULL);
    put_field(&w, ",pid=", id->partner_id);
    put_field(&w, ",mid=", id->module_id);
    put_field(&w, ",instanceId=", id->instance_id);
    put_field(&w, ",_conn=", id->connection);
    put_field(&w, ",", id->custom);
    iot_writer_text(&w, "|");
    out->client_id = since(&w, 0);
    put_user(&w, id, out);

    uint32_t from = w.len;
    iot_writer_text(&w, token);
    out->password = since(&w, from);
    return finish(&w, out);
}

/* An identity like any other. */
static struct iot_link_identity with_secret(const struct iot_link_identity *id, const char *secret)
{
    struct iot_link_identity full = *id;

    full.registration = NULL;
    full.device_secret = secret;
    return full;
}

static iot_err login(const struct iot_link_identity *id, struct record *kept,
                     enum iot_link_transport transport, uint8_t *scratch, uint32_t cap,
                     struct iot_link_login *out)
{
    if (gets_token(id))
        return login_by_token(id, kept->text, kept->text + strlen(kept->text) + 1, scratch, cap,
                              out);
    struct iot_link_identity full = with_secret(id, kept->text);
    return iot_link_login(&full, transport, scratch, cap, out);
}

static bool fits(const struct iot_link_identity *id, enum iot_link_transport transport)
{
    return transport == IOT_LINK_TLS || (transport == IOT_LINK_TLS_PSK && !gets_token(id));
}

static iot_err begin(struct iot_register *r, enum iot_link_transport transport, uint8_t *scratch,
                     uint32_t cap, struct iot_link_login *out)
{
    uint8_t random[RANDOM_BYTES];

    if (transport == IOT_LINK_TLS_PSK)
        return IOT_ERR_LINK_REGISTER_TLS;
    iot_err err = r->port->random(r->port->ctx, random, sizeof random);
    if (err != IOT_OK)
        return err == IOT_ERR_AGAIN ? err : IOT_ERR_RANDOM;
    err = ask(r->id, random, scratch, cap, out);
    if (err == IOT_OK)
        r->state = IOT_REGISTER_ASKS;
    return err;
}

iot_err iot_register_login(struct iot_register *r, enum iot_link_transport transport,
                           uint8_t *scratch, uint32_t cap, struct iot_link_login *out)
{
    struct record kept;
    bool stored = r->state == IOT_REGISTER_STORED;

    memset(out, 0, sizeof *out);
    if (iot_link_check(r->id) != IOT_OK || !fits(r->id, transport))
        return IOT_ERR_ARG;
    iot_err err = load(r, &kept);
    if (err != IOT_ERR_AGAIN) /* then this is the same attempt, later */
        r->state = IOT_REGISTER_NONE;
    if (err == IOT_OK)
        err = login(r->id, &kept, transport, scratch, cap, out);
    else if (err == IOT_ERR_STATE) /* a store that forgets at once shall not register for ever */
        err = stored ? IOT_ERR_KV : begin(r, transport, scratch, cap, out);
    iot_wipe(&kept, sizeof kept);
    return err;
}

iot_err iot_register_sample(const struct iot_link_identity *id, bool asks,
                            enum iot_link_transport transport, uint8_t *scratch, uint32_t cap,
                            struct iot_link_login *out)
{
    static const uint8_t random[RANDOM_BYTES] = {0};
    struct record kept;

    memset(out, 0, sizeof *out);
    if (!fits(id, transport))
        return IOT_ERR_ARG;
    if (asks)
        return ask(id, random, scratch, cap, out);
    memset(kept.text, 'x', sizeof kept.text);
    kept.text[gets_token(id) ? CLIENT_MAX : 1] = '\0';
    kept.text[sizeof kept.text - 1] = '\0';
    return login(id, &kept, transport, scratch, cap, out);
}

iot_err iot_register_psk(const struct iot_register *r, uint8_t identity[IOT_LINK_PSK_IDENTITY_MAX],
                         uint32_t *len, uint8_t key[IOT_LINK_PSK_BYTES])
{
    struct record kept;

    *len = 0;
    if (iot_register_asks(r))
        return IOT_ERR_STATE;
    iot_err err = load(r, &kept);
    if (err == IOT_ERR_STATE)
        err = IOT_ERR_KV; /* there was one when the login was made */
    if (err == IOT_OK) {
        struct iot_link_identity full = with_secret(r->id, kept.text);
        err = iot_link_psk(&full, identity, len, key);
    }
    iot_wipe(&kept, sizeof kept);
    return err;
}

/* ---- The answer ---------------------------------------------------------------------------- */

static bool is_topic(const struct iot_msg *msg, const char *text)
{
    return msg->topic.len == strlen(text) && memcmp(msg->topic.text, text, msg->topic.len) == 0;
}

static iot_err check_name(struct iot_json root, const char *member, const char *ours)
{
    struct iot_json v;
    iot_err err = iot_json_get(root, member, &v);

    return err != IOT_OK ? err : iot_json_is(v, ours) ? IOT_OK : IOT_ERR_LINK_REPLY;
}

/* Appended to the record, with a NUL behind it that does not count. */
static iot_err read_text(struct iot_json root, const char *member, uint32_t max,
                         struct record *kept)
{
    struct iot_json v;
    uint32_t len = 0;
    iot_err err = iot_json_get(root, member, &v);

    if (err == IOT_OK)
        err = iot_json_text(v, kept->text + kept->len, max + 1, &len);
    kept->len += err == IOT_OK ? len : 0;
    return err;
}

static iot_err read_answer(const struct iot_link_identity *id, struct iot_json root,
                           struct record *kept)
{
    iot_err err = check_name(root, "productKey", id->product_key);

    kept->len = 0;
    if (err == IOT_OK)
        err = check_name(root, "deviceName", id->device_name);
    if (err == IOT_OK && !gets_token(id))
        return read_text(root, "deviceSecret", IOT_DEVICE_SECRET_MAX, kept);
    if (err == IOT_OK)
        err = read_text(root, "clientId", CLIENT_MAX, kept);
    if (err != IOT_OK)
        return err;
    kept->text[kept->len++] = '|';
    return read_text(root, "deviceToken", IOT_DEVICE_TOKEN_MAX, kept);
}

/* Good enough for a login, as it will be stored. */
static iot_err read_record(const struct iot_link_identity *id, struct iot_json root,
                           struct record *kept)
{
    iot_err err = read_answer(id, root, kept);

    if (err != IOT_OK)
        return err;
    char *token = token_of(kept);
    bool good = split(id, kept);
    if (token != NULL)
        token[-1] = '|';
    return good ? IOT_OK : IOT_ERR_JSON_RANGE;
}

static iot_err store(struct iot_register *r, const struct record *kept)
{
    iot_err err = r->port->kv_set(r->port->ctx, key_of(r->id), kept->text, kept->len);

    r->state = err == IOT_OK          ? IOT_REGISTER_STORED
               : err == IOT_ERR_AGAIN ? IOT_REGISTER_STORES
                                      : IOT_REGISTER_FAILED;
    return err == IOT_OK || err == IOT_ERR_AGAIN ? err : IOT_ERR_STATE;
}

iot_err iot_register_take(struct iot_register *r, const struct iot_msg *msg)
{
    struct record kept;
    struct iot_json root;

    if (r->state == IOT_REGISTER_STORED || r->state == IOT_REGISTER_FAILED)
        return IOT_ERR_STATE;
    if (!is_topic(msg, gets_token(r->id) ? "/ext/regnwl" : "/ext/register"))
        return IOT_ERR_LINK_METHOD;
    iot_err err = iot_json_check(msg->payload, &root, NULL);
    if (err == IOT_OK)
        err = read_record(r->id, root, &kept);
    if (err == IOT_OK)
        err = store(r, &kept);
    iot_wipe(&kept, sizeof kept);
    return err;
}

#if IOT_FEATURE_WEB

iot_err iot_register_keep(const struct iot_link_identity *id, const struct iot_port *port,
                          struct iot_json root)
{
    struct record kept;
    iot_err err = read_record(id, root, &kept);

    if (err == IOT_OK) {
        err = port->kv_set(port->ctx, key_of(id), kept.text, kept.len);
        if (err != IOT_OK && err != IOT_ERR_AGAIN)
            err = IOT_ERR_KV;
    }
    iot_wipe(&kept, sizeof kept);
    return err;
}

#endif

#if IOT_FEATURE_WEB || IOT_FEATURE_UPLINK

iot_err iot_register_secret(const struct iot_link_identity *id, const struct iot_port *port,
                            char secret[IOT_DEVICE_SECRET_MAX + 1])
{
    const struct iot_register r = {.id = id, .port = port};
    struct record kept;
    iot_err err = gets_token(id) || port->kv_get == NULL ? IOT_ERR_ARG : load(&r, &kept);

    if (err == IOT_OK)
        memcpy(secret, kept.text, kept.len + 1);
    iot_wipe(&kept, sizeof kept);
    return err;
}

#endif

iot_err iot_register_result(const struct iot_register *r, bool late)
{
    switch ((enum iot_register_state)r->state) {
    case IOT_REGISTER_STORED:
        return IOT_OK;
    case IOT_REGISTER_FAILED:
        return IOT_ERR_KV;
    case IOT_REGISTER_STORES:
        return late ? IOT_ERR_KV : IOT_ERR_AGAIN;
    case IOT_REGISTER_ASKS:
        return late ? IOT_ERR_LINK_REGISTER_TIMEOUT : IOT_ERR_AGAIN;
    case IOT_REGISTER_NONE:
        break;
    }
    IOT_UNREACHABLE();
    return IOT_ERR_STATE;
}

bool iot_register_judge(const struct iot_register *r, bool accepted, iot_err *reason,
                        int32_t detail, bool *refused)
{
    *refused = false;
    if (!iot_register_asks(r))
        return false;
    if (*reason == IOT_ERR_MQTT_REFUSED && (detail == 4 || detail == 5)) {
        *reason = IOT_ERR_LINK_REGISTER;
        *refused = true;
    } else if (r->state == IOT_REGISTER_FAILED ||
               (r->state == IOT_REGISTER_STORES && *reason == IOT_ERR_MQTT_DECLINED)) {
        *reason = IOT_ERR_KV;
    }
    /* An end behind the CONNACK tells of no second login: nobody has logged in. */
    return *refused || accepted;
}

#endif

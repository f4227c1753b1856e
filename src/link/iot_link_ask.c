/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_ask.h"

#if IOT_FEATURE_WEB || IOT_FEATURE_UPLINK

#include "link/iot_link_register.h"

#include <string.h>

#define TOPIC_MAX   128u
#define TOPIC_CHARS (IOT_CHAR_DIGIT | IOT_CHAR_LETTER | IOT_CHAR_DASH | IOT_CHAR_NAME)

/* ---- Texts --------------------------------------------------------------------------------- */

/* Values are printable ASCII (iot_link_check). */
static void put_value(struct iot_writer *t, enum iot_ask_form form, const char *text)
{
    for (; *text != '\0'; text++) {
        const char one[2] = {*text, '\0'};
        if (form == IOT_ASK_FORM && *text != '.' && *text != '_' &&
            !iot_link_is_text(one, 1, 1, IOT_CHAR_DIGIT | IOT_CHAR_LETTER | IOT_CHAR_DASH)) {
            iot_writer_text(t, "%");
            iot_link_put_hex(t, (const uint8_t *)text, 2);
            continue;
        }
        if (form == IOT_ASK_JSON && (*text == '"' || *text == '\\'))
            iot_writer_text(t, "\\");
        iot_writer_put(t, text, 1);
    }
}

void iot_ask_values(struct iot_ask_values *v, const struct iot_link_identity *id)
{
    *v = (struct iot_ask_values){{id->product_key, id->device_name, id->client_id,
                                  iot_link_method_name(id->method),
                                  id->region != NULL ? id->region : "cn-shanghai"}};
}

void iot_ask_put(struct iot_writer *t, const struct iot_ask_values *v, enum iot_ask_form form,
                 const char *text)
{
    for (; *text != '\0'; text++) {
        uint32_t i = (uint32_t)(uint8_t)*text - 1;
        if (i >= IOT_ASK_VALUES)
            iot_writer_put(t, text, 1);
        else if (v->of[i] != NULL)
            put_value(t, i < IOT_ASK_OURS ? form : IOT_ASK_AS_IS, v->of[i]);
        else if (*text == *IOT_ASK_CID)
            iot_ask_put(t, v, form, IOT_ASK_PK "." IOT_ASK_DN);
    }
}

/* ---- The secret ---------------------------------------------------------------------------- */

iot_err iot_ask_secret(const struct iot_link_identity *id, const struct iot_port *port,
                       char room[IOT_DEVICE_SECRET_MAX + 1], const char **secret)
{
    iot_err err = IOT_OK;

    *secret = id->device_secret;
    if (id->registration != NULL) {
        err = iot_register_secret(id, port, room);
        *secret = room;
    } else if (*secret == NULL) {
        err = IOT_ERR_ARG; /* its certificate is all it has */
    }
    return err == IOT_ERR_STATE ? IOT_ERR_KV : err; /* there is none yet */
}

iot_err iot_ask_sign(const struct iot_link_identity *id, const struct iot_port *port,
                     const char *key, struct iot_bytes text, char hex[IOT_ASK_HEX_BYTES])
{
    enum iot_digest_kind digest = (enum iot_digest_kind)id->method;
    struct iot_writer h = {.ptr = (uint8_t *)hex, .cap = IOT_ASK_HEX_BYTES - 1};
    char secret[IOT_DEVICE_SECRET_MAX + 1];
    uint8_t mac[IOT_DIGEST_BYTES_MAX];
    iot_err err = IOT_OK;

    if (key == NULL && id->sign != NULL) {
        err = id->sign(id->sign_ctx, id->method, text, mac);
    } else {
        if (key == NULL)
            err = iot_ask_secret(id, port, secret, &key);
        if (err == IOT_OK) {
            const struct iot_bytes k = {(const uint8_t *)key, (uint32_t)strlen(key)};
            iot_hmac(digest, k, &text, 1, mac);
        }
    }
    if (err == IOT_OK)
        iot_link_put_hex(&h, mac, 2 * iot_digest_bytes(digest));
    hex[h.len] = '\0';
    iot_wipe(secret, sizeof secret);
    iot_wipe(mac, sizeof mac);
    return err;
}

bool iot_ask_is_topic(const char *topic)
{
    for (const char *c = topic; *c != '\0'; c++) {
        const char one[2] = {*c, '\0'};
        if (c - topic == (ptrdiff_t)TOPIC_MAX ||
            (*c != '/' && !iot_link_is_text(one, 1, 1, TOPIC_CHARS)))
            return false;
    }
    return topic[0] == '/';
}

/* ---- Answers ------------------------------------------------------------------------------- */

iot_err iot_ask_find(struct iot_json v, const char *path, struct iot_json *out)
{
    iot_err err = IOT_OK;

    for (; err == IOT_OK && *path != '\0'; path += strlen(path) + 1)
        err = iot_json_get(v, path, &v);
    *out = v;
    return err;
}

iot_err iot_ask_text(struct iot_json v, const char *path, char *into, uint32_t cap)
{
    iot_err err = iot_ask_find(v, path, &v);

    if (err == IOT_OK)
        err = iot_json_text(v, into, cap, NULL);
    return err == IOT_ERR_SIZE || (err == IOT_OK && into[0] == '\0') ? IOT_ERR_JSON_RANGE : err;
}

iot_err iot_ask_number(struct iot_json v, const char *path, uint32_t *out)
{
    iot_err err = iot_ask_find(v, path, &v);

    return err == IOT_OK ? iot_json_u32_text(v, out) : err;
}

iot_err iot_ask_token(struct iot_json v, const char *path, char into[IOT_ASK_TOKEN_MAX + 1])
{
    iot_err err = iot_ask_text(v, path, into, IOT_ASK_TOKEN_MAX + 1);

    if (err == IOT_OK &&
        !iot_link_is_text(into, 1, IOT_ASK_TOKEN_MAX, IOT_CHAR_PLAIN | IOT_CHAR_LIST))
        err = IOT_ERR_JSON_RANGE;
    if (err != IOT_OK)
        into[0] = '\0';
    return err;
}

#endif

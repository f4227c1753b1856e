/* SPDX-License-Identifier: Apache-2.0 */
/* A token for a signature. */
#include "cloud/cloud_coap.h"
#include "cloud/cloud_text.h"
#include "cloud/cloud_web.h"

#include <stdio.h>
#include <string.h>

#define SEQ_MAX 9999u /* protocol 8.2 */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = cloud_json_string(object, name);

    return text != NULL ? text : "";
}

/* NULL, or what is wrong with it. */
static const char *wrong_with(const struct cloud_coap_request *q, json_t *in)
{
    static const char *const names[] = {"productKey", "deviceName", "clientId",  "sign",
                                        "signmethod", "seq",        "timestamp", "version",
                                        "resources",  NULL};
    bool seq = json_object_get(in, "seq") != NULL;
    uint32_t n;

    if (cloud_json_stranger(in, names) != NULL)
        return "a field is in it that is none";
    if (*text_of(in, "productKey") == 0 || *text_of(in, "deviceName") == 0 ||
        *text_of(in, "clientId") == 0 || *text_of(in, "sign") == 0)
        return "productKey, deviceName, clientId and sign are needed, as texts";
    if (seq != (q->way == CLOUD_COAP_SYMMETRIC) || (seq && *text_of(in, "seq") == 0))
        return seq ? "seq is a text, and for the symmetric mode" : "seq is needed without DTLS";
    if (seq && !cloud_text_number(text_of(in, "seq"), SEQ_MAX, &n))
        return "seq is a number from 0 to 9999";
    return NULL;
}

static uint8_t code_of(int code)
{
    switch (code) {
    case 460:
    case 6292:
        return CLOUD_COAP_CODE(4, 0);
    case 521:
    case 6100:
    case 6250:
        return CLOUD_COAP_CODE(4, 4);
    case 522:
        return CLOUD_COAP_CODE(4, 3);
    case 6600:
        return CLOUD_COAP_CODE(4, 1);
    default:
        return CLOUD_COAP_CODE(5, 0);
    }
}

/* Bytes 8 to 23 of a digest of the secret and what the device is told. */
static bool make_key(struct cloud *c, int device, const char *random, uint8_t key[16])
{
    char text[CLOUD_SECRET_MAX + 40];
    uint8_t digest[CLOUD_DIGEST_MAX];

    int n = snprintf(text, sizeof text, "%s,%s", c->book.devices[device].secret, random);
    if (c->config.digest == NULL ||
        !c->config.digest(c->config.ctx, CLOUD_SHA256, text, (size_t)n, digest))
        return false;
    memcpy(key, digest + 8, 16);
    return true;
}

/* NULL: it cannot be done. */
static json_t *admit(struct cloud *c, int device, enum cloud_coap_way way, uint64_t now_ms)
{
    struct cloud_coap_pass *p = &c->coap[device];
    char random[33];

    if (c->config.random == NULL)
        return NULL;
    cloud_draw(c, random);
    random[16] = 0;
    if (way == CLOUD_COAP_SYMMETRIC && !make_key(c, device, random, p->key))
        return NULL;
    cloud_draw(c, p->token);
    p->way = (uint8_t)way;
    p->token_until_ms = now_ms + (uint64_t)c->book.rules.coap_token_s * 1000u;
    p->seq_next = 1 + (uint32_t)(unsigned char)p->token[31] % 10;
    return way == CLOUD_COAP_SYMMETRIC ? json_pack("{s:s, s:I, s:s}", "random", random, "seqOffset",
                                                   (json_int_t)p->seq_next, "token", p->token)
                                       : json_pack("{s:s}", "token", p->token);
}

void cloud_coap_auth(struct cloud *c, const struct cloud_coap_request *q, uint64_t now_ms,
                     struct cloud_coap_answer *a)
{
    char key[CLOUD_KEY_MAX + 1], name[CLOUD_NAME_MAX + 1], text[CLOUD_SIGNED_MAX], why[400];
    int device = -1;

    if (q->format != -1 && q->format != CLOUD_COAP_JSON) {
        cloud_coap_refuse(q, a, CLOUD_COAP_CODE(4, 0), "Content-Format has to be 50");
        return;
    }
    json_t *in = cloud_json_read(q->payload, q->payload_len, why, sizeof why);
    const char *wrong = in != NULL ? wrong_with(q, in) : why;
    if (wrong != NULL) {
        cloud_coap_refuse(q, a, CLOUD_COAP_CODE(4, 0), "%s", wrong);
        json_decref(in);
        return;
    }
    const char *method = text_of(in, "signmethod");
    int code = cloud_web_check(c, text_of(in, "productKey"), text_of(in, "deviceName"),
                               text_of(in, "clientId"), text_of(in, "seq"),
                               text_of(in, "timestamp"), *method != 0 ? method : "hmacmd5",
                               text_of(in, "sign"), &device, why, sizeof why);
    json_decref(in);
    if (code != 200) {
        cloud_coap_refuse(q, a, code_of(code), "%s", why);
        if (q->way == CLOUD_COAP_SYMMETRIC)
            cloud_say(c, "coap token refused: %s", why);
        return;
    }
    if (q->way == CLOUD_COAP_PSK && (!cloud_psk_identity_read(q->identity, key, name, text) ||
                                     cloud_book_device(&c->book, key, name) != device)) {
        cloud_coap_refuse(q, a, CLOUD_COAP_CODE(4, 1), "it is not who DTLS says it is");
        return;
    }
    json_t *out = admit(c, device, q->way, now_ms);
    if (out == NULL) {
        cloud_coap_refuse(q, a, CLOUD_COAP_CODE(5, 0), "the emulator has no chance or digests");
        return;
    }
    c->book.devices[device].activated = true;
    cloud_say(c, "coap token for %s %s", cloud_key_of(c, device), cloud_name_of(c, device));
    char *said = cloud_json_text(out);
    cloud_coap_give(a, CLOUD_COAP_JSON, said, strlen(said));
    json_decref(out);
}

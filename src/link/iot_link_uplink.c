/* SPDX-License-Identifier: Apache-2.0 */
/* A call, from its message to its result. Protocol: Alibaba Cloud IoT platform, CoAP.
 *
 *     a message -there is a token-> POST /topic/... -answered-> result
 *           \-> POST /auth -token-> ^       \-does not know it, once-> POST /auth
 */
#include "link/iot_link_uplink.h"

#if IOT_FEATURE_UPLINK

#include "iot/iot_cbor.h"

#include <string.h>

#define PAUSE_MS    1000u
#define PAUSES_MAX  8u /* doublings: four minutes */
#define NON_MS      1000u
#define CODE_OK     200u
#define BAD_REQUEST 400
#define FORBIDDEN   403
#define OFTEN       429
#define NUMBER_MOD  10000u

/* Numbers of options. */
enum { OLD = 61, TOKEN = 2088, NUMBER = 2089 };

iot_err iot_uplink_init(struct iot_uplink *up, const struct iot_uplink_options *o)
{
    const struct iot_link_identity *id = o->link;

    memset(up, 0, sizeof *up);
    up->opt = o;
    if (iot_link_check(id) != IOT_OK || id->product_key == NULL || o->work == NULL ||
        o->coap == NULL || o->port == NULL || o->on_result == NULL ||
        o->numbers > IOT_UPLINK_OPTIONS_61 || (o->cbor && !IOT_FEATURE_CBOR))
        return IOT_ERR_ARG;
    if (id->device_secret == NULL && id->registration == NULL &&
        (id->sign == NULL || o->symmetric != NULL)) /* what makes the key has to be seen */
        return IOT_ERR_ARG;
    return IOT_OK;
}

iot_err iot_uplink_cancel(struct iot_uplink *up)
{
    if (up->call == IOT_UPLINK_NONE)
        return IOT_ERR_STATE;
    up->cancelled = true;
    (void)iot_coap_cancel(up->opt->coap, up->ticket); /* it may have its end already, untold */
    return IOT_OK;
}

iot_err iot_uplink_forget(struct iot_uplink *up)
{
    const struct iot_uplink_options *o = up->opt;

    if (up->call != IOT_UPLINK_NONE)
        return IOT_ERR_STATE;
    iot_wipe(up, sizeof *up);
    up->opt = o;
    return IOT_OK;
}

/* ---- How it ends --------------------------------------------------------------------------- */

iot_err iot_uplink_drop(struct iot_uplink *up, iot_err err)
{
    iot_wipe(up->opt->work, up->opt->work_bytes);
    up->call = IOT_UPLINK_NONE;
    return err;
}

/* Of other codes the next attempt brings the same: names, secrets, rights. */
static bool may_repeat(iot_err err, int32_t detail)
{
    switch (err) {
    case IOT_ERR_UPLINK_STATUS:
    case IOT_ERR_LINK_CODE:
        return detail == OFTEN || (detail >= 500 && detail < 600);
    case IOT_ERR_SIZE:
    case IOT_ERR_ARG:
    case IOT_ERR_COAP_URI:
    case IOT_ERR_TLS_MEMORY:
    case IOT_ERR_TLS_CREDENTIAL:
        return false;
    default:
        return true;
    }
}

static void finish(struct iot_uplink *up, iot_err err, int32_t detail)
{
    const struct iot_uplink_options *o = up->opt;
    struct iot_uplink_result r = {.call = (enum iot_uplink_call)up->call,
                                  .err = err,
                                  .detail = detail,
                                  .reply_format = up->reply_format};

    if (up->status != 0 && (err == IOT_OK || err == IOT_ERR_LINK_CODE))
        r.reply = (struct iot_bytes){o->work + up->used, up->got};
    if (err != IOT_OK) {
        r.retry_ms = may_repeat(err, detail) ? PAUSE_MS << up->fails : IOT_MS_NEVER;
        if (up->fails < PAUSES_MAX)
            up->fails++;
    } else {
        up->fails = 0;
    }
    /* All but the reply, which is for as long as it is told. */
    iot_wipe(o->work, up->used);
    up->call = IOT_UPLINK_NONE;
    o->on_result(o->ctx, up, &r);
    if (up->call == IOT_UPLINK_NONE)
        iot_wipe(o->work, o->work_bytes);
}

/* ---- Requests ------------------------------------------------------------------------------ */

static void on_end(void *ctx, iot_err err, int32_t detail);

static iot_err on_head(void *ctx, const struct iot_coap_head *head)
{
    struct iot_uplink *up = ctx;

    up->status = head->code;
    up->reply_format = head->has_format ? head->format : (uint16_t)IOT_COAP_OCTETS;
    up->got = 0;
    return IOT_OK;
}

static iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part)
{
    struct iot_uplink *up = ctx;
    const struct iot_uplink_options *o = up->opt;
    uint32_t room = o->work_bytes - up->used;

    if (up->status >> 5 != 2)
        return IOT_OK; /* a text for humans */
    if (offset > room || part.len > room - offset)
        return IOT_ERR_SIZE;
    memcpy(o->work + up->used + offset, part.ptr, part.len);
    up->got = offset + part.len;
    return IOT_OK;
}

static struct iot_coap_request *fill_request(struct iot_uplink *up, const char *path)
{
    static const struct iot_coap_handlers handlers = {on_head, on_body, NULL, on_end};
    struct iot_coap_request *r = &up->request;

    memset(r, 0, sizeof *r);
    r->method = IOT_COAP_POST;
    r->path = path;
    /* A message may arrive twice, if an association is lost before its answer: as with QoS 1. */
    r->repeatable = r->has_format = r->has_accept = true;
    r->format = r->accept = IOT_COAP_JSON;
    r->on = &handlers;
    r->ctx = up;
    up->status = 0;
    up->got = 0;
    return r;
}

static iot_err send_message(struct iot_uplink *up)
{
    const struct iot_uplink_options *o = up->opt;
    bool old = o->numbers == IOT_UPLINK_OPTIONS_61;
    struct iot_coap_request *r = fill_request(up, (const char *)o->work);
    struct iot_writer w = {.ptr = o->work + up->kept, .cap = o->work_bytes - up->kept};

    up->authenticates = false;
    up->used = up->kept;
    up->option[0].number = old ? OLD : TOKEN;
    up->option[0].value =
        (struct iot_bytes){(const uint8_t *)up->token, (uint32_t)strlen(up->token)};
    r->options = up->option;
    r->option_count = 1;
    if (o->symmetric != NULL) {
        if (w.cap < IOT_AES_BYTES)
            return IOT_ERR_SIZE;
        iot_writer_u32(&w, up->number);
        up->used += IOT_AES_BYTES;
        r->understands = up->option[1].number = old ? OLD : NUMBER;
        up->option[1].value = (struct iot_bytes){w.ptr, o->symmetric->seal(up, w.ptr, w.len)};
        r->option_count = 2;
        up->payload.len = o->symmetric->seal(up, o->work + up->at, up->payload.len);
        up->sealed = true;
    }
    r->non = up->non;
    if (up->non)
        r->response_ms = NON_MS;
    r->format = up->format;
    if (up->format != IOT_COAP_JSON)
        r->accept = IOT_COAP_OCTETS;
    r->body = up->payload;
    iot_err err = iot_coap_start(o->coap, r, &up->ticket);
    up->number += err == IOT_OK;
    return err;
}

/* Any number will do that nobody can foretell. */
static iot_err choose_number(const struct iot_port *port, struct iot_writer *w)
{
    uint32_t chance;
    iot_err err = port->random(port->ctx, &chance, sizeof chance);

    if (err != IOT_OK)
        return err == IOT_ERR_AGAIN ? err : IOT_ERR_RANDOM;
    iot_writer_u32(w, chance % NUMBER_MOD);
    return IOT_OK;
}

/* HMAC-MD5 is what the platform takes for granted, so it is not named. */
static iot_err send_auth(struct iot_uplink *up)
{
    const struct iot_uplink_options *o = up->opt;
    struct iot_writer t = {.ptr = o->work + up->kept, .cap = o->work_bytes - up->kept};
    char hex[IOT_ASK_HEX_BYTES], number[5] = "";
    struct iot_writer n = {.ptr = (uint8_t *)number, .cap = sizeof number - 1};
    struct iot_ask_values v;
    iot_err err = IOT_OK;

    iot_wipe(up->token, sizeof up->token);
    iot_ask_values(&v, o->link);
    v.of[*IOT_ASK_SIGN - 1] = hex;
    v.of[*IOT_ASK_VALUE - 1] = number;
    iot_ask_put(&t, &v, IOT_ASK_AS_IS, IOT_ASK_SIGNED);
    if (o->symmetric != NULL) {
        err = choose_number(o->port, &n);
        iot_ask_put(&t, &v, IOT_ASK_AS_IS, "seq" IOT_ASK_VALUE);
    }
    if (err == IOT_OK)
        err = t.overflow
                  ? IOT_ERR_SIZE
                  : iot_ask_sign(o->link, o->port, NULL, (struct iot_bytes){t.ptr, t.len}, hex);
    if (err != IOT_OK)
        return err;
    t.len = 0; /* what was signed has served */
    iot_ask_put(&t, &v, IOT_ASK_JSON,
                "{\"productKey\":\"" IOT_ASK_PK "\",\"deviceName\":\"" IOT_ASK_DN
                "\",\"clientId\":\"" IOT_ASK_CID "\",\"sign\":\"" IOT_ASK_SIGN "\"");
    if (o->link->method != IOT_SIGN_HMACMD5)
        iot_ask_put(&t, &v, IOT_ASK_JSON, ",\"signmethod\":\"" IOT_ASK_METHOD "\"");
    if (o->symmetric != NULL)
        iot_ask_put(&t, &v, IOT_ASK_JSON, ",\"seq\":\"" IOT_ASK_VALUE "\"");
    iot_writer_text(&t, "}");
    if (t.overflow)
        return IOT_ERR_SIZE;
    up->authenticates = true;
    up->used = up->kept + t.len;
    fill_request(up, "/auth")->body = (struct iot_bytes){t.ptr, t.len};
    return iot_coap_start(o->coap, &up->request, &up->ticket);
}

/* ---- Answers ------------------------------------------------------------------------------- */

static iot_err take_token(struct iot_uplink *up)
{
    struct iot_json root, v;
    struct iot_bytes random;
    iot_err err =
        iot_json_check((struct iot_bytes){up->opt->work + up->used, up->got}, &root, NULL);

    if (err == IOT_OK && up->opt->symmetric != NULL) {
        err = iot_json_get(root, "random", &v);
        if (err == IOT_OK && (iot_json_raw_text(v, &random) != IOT_OK || random.len == 0))
            err = IOT_ERR_JSON_RANGE;
        if (err == IOT_OK)
            err = iot_ask_number(root, "seqOffset\0", &up->number);
        if (err == IOT_OK)
            err = up->opt->symmetric->key(up, random);
    }
    if (err == IOT_OK)
        err = iot_ask_token(root, "token\0", up->token);
    up->fresh = true;
    return err;
}

#if IOT_FEATURE_CBOR
static bool read_cbor(struct iot_bytes reply, uint32_t *code, iot_err *err)
{
    struct iot_cbor v;

    if (reply.ptr[0] >> 5 != 5) /* a map; JSON has no such byte in front */
        return false;
    *err = iot_cbor_check(reply, &v, NULL);
    if (*err == IOT_OK)
        *err = iot_cbor_get(v, "code", &v);
    if (*err == IOT_OK)
        *err = iot_cbor_u32(v, code);
    return true;
}
#else
static bool read_cbor(struct iot_bytes reply, uint32_t *code, iot_err *err)
{
    (void)reply, (void)code, (void)err;
    return false;
}
#endif

static iot_err take_code(const struct iot_uplink *up, int32_t *detail)
{
    const struct iot_bytes reply = {up->opt->work + up->used, up->got};
    struct iot_json root;
    uint32_t code = 0;
    iot_err err = IOT_OK;

    if (!read_cbor(reply, &code, &err)) {
        err = iot_json_check(reply, &root, NULL);
        if (err == IOT_OK)
            err = iot_ask_number(root, "code\0", &code);
    }
    if (err != IOT_OK || code == CODE_OK)
        return err;
    *detail = (int32_t)(code & INT32_MAX);
    return IOT_ERR_LINK_CODE;
}

static iot_err take_answer(struct iot_uplink *up, int32_t *detail)
{
    const struct iot_uplink_options *o = up->opt;
    uint32_t class = up->status >> 5, code = class * 100 + (up->status & 31u);

    *detail = 0;
    if (class != 2) {
        *detail = (int32_t)code;
        return !up->authenticates && (code == 401 || code == 402) ? IOT_ERR_UPLINK_TOKEN
                                                                  : IOT_ERR_UPLINK_STATUS;
    }
    if (up->authenticates)
        return take_token(up);
    if (up->got == 0)
        return IOT_OK;
    if (o->symmetric != NULL && !o->symmetric->unseal(up, o->work + up->used, up->got, &up->got))
        return IOT_ERR_UPLINK_CIPHER;
    return up->coded && up->got != 0 ? take_code(up, detail) : IOT_OK;
}

/* The token is not known any more; or, in the symmetric mode, the number is not the next one to the platform, or it has another
 * key and cannot open the message. */
static bool is_stale(const struct iot_uplink *up, iot_err err, int32_t detail)
{
    return err == IOT_ERR_UPLINK_TOKEN ||
           (err == IOT_ERR_UPLINK_STATUS && (detail == FORBIDDEN || detail == BAD_REQUEST) &&
            !up->authenticates && up->opt->symmetric != NULL);
}

/* The next request of the same call; nothing of the one before is left. */
static iot_err go_on(struct iot_uplink *up)
{
    iot_wipe(up->opt->work + up->kept, up->opt->work_bytes - up->kept);
    if (up->token[0] != '\0')
        return send_message(up);
    if (up->sealed) /* by a key that will not be */
        (void)up->opt->symmetric->unseal(up, up->opt->work + up->at, up->payload.len,
                                         &up->payload.len);
    up->sealed = false;
    return send_auth(up);
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    struct iot_uplink *up = ctx;
    bool more = false;

    if (up->cancelled) {
        err = IOT_ERR_CLOSED;
        detail = 0;
    } else if (err == IOT_ERR_COAP_SILENT && up->request.non) {
        err = IOT_OK; /* it has left */
    } else if (err == IOT_OK) {
        err = take_answer(up, &detail);
        more = up->authenticates && err == IOT_OK;
        if (is_stale(up, err, detail)) {
            iot_wipe(up->token, sizeof up->token); /* the next message asks in any case */
            more = !up->fresh;
        }
    }
    if (more) {
        err = go_on(up);
        detail = 0;
        more = err == IOT_OK;
    }
    if (!more)
        finish(up, err, detail);
}

/* ---- Messages ------------------------------------------------------------------------------ */

iot_err iot_uplink_begin(struct iot_uplink *up, const char *topic, const char *value,
                         struct iot_writer *w)
{
    struct iot_ask_values v;

    memset(w, 0, sizeof *w);
    w->overflow = true;
    if (up->call != IOT_UPLINK_NONE)
        return IOT_ERR_STATE;
    w->ptr = up->opt->work;
    w->cap = up->opt->work_bytes;
    w->overflow = false;
    iot_ask_values(&v, up->opt->link);
    v.of[*IOT_ASK_VALUE - 1] = value;
    iot_writer_text(w, "/topic");
    iot_ask_put(w, &v, IOT_ASK_AS_IS, topic);
    iot_writer_put(w, "", 1);
    up->at = w->len;
    up->payload = (struct iot_bytes){NULL, 0};
    up->format = IOT_COAP_JSON;
    up->coded = up->non = up->fresh = up->sealed = up->cancelled = false;
    return IOT_OK;
}

iot_err iot_uplink_send(struct iot_uplink *up, struct iot_writer *w, enum iot_uplink_call call)
{
    static const uint8_t padding[IOT_AES_BYTES];

    if (up->payload.ptr == NULL)
        up->payload = (struct iot_bytes){w->ptr + up->at, w->len - up->at};
    if (up->opt->symmetric != NULL)
        iot_writer_put(w, padding, sizeof padding);
    if (w->overflow)
        return iot_uplink_drop(up, IOT_ERR_SIZE);
    up->kept = w->len;
    up->call = (uint8_t)call;
    iot_err err = go_on(up);
    return err == IOT_OK ? IOT_OK : iot_uplink_drop(up, err);
}

iot_err iot_uplink_post(struct iot_uplink *up, const struct iot_uplink_post *post)
{
    struct iot_writer w;

    if (post->non && up->opt->symmetric != NULL)
        return IOT_ERR_ARG;
    if (!iot_ask_is_topic(post->topic))
        return IOT_ERR_COAP_URI;
    iot_err err = iot_uplink_begin(up, post->topic, NULL, &w);
    if (err != IOT_OK)
        return err;
    if (up->opt->symmetric != NULL)
        iot_writer_put(&w, post->payload.ptr, post->payload.len); /* to be encrypted there */
    else
        up->payload = post->payload;
    up->format = post->format;
    up->non = post->non;
    return iot_uplink_send(up, &w, IOT_UPLINK_POST);
}

#endif

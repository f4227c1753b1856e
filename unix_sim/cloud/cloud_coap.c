/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_coap.h"

#include "cloud/cloud_aes.h"
#include "cloud/cloud_cbor.h"
#include "cloud/cloud_gate.h"
#include "cloud/cloud_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POST 2

/* A message whose token is good. */
struct message {
    const struct cloud_coap_request *request;
    struct cloud_coap_answer *answer;
    struct cloud_coap_pass *pass;
    int device;
    const char *topic;
    uint32_t seq;
    uint8_t plain[CLOUD_COAP_BODY_MAX]; /* what was encrypted */
    const uint8_t *payload;
    size_t payload_len;
};

/* ---- Answers --------------------------------------------------------------------------------- */

void cloud_coap_give(struct cloud_coap_answer *a, int32_t format, void *bytes, size_t len)
{
    free(a->payload);
    a->code = CLOUD_COAP_CODE(2, 5);
    a->format = format;
    a->payload = bytes;
    a->payload_len = len;
}

void cloud_coap_refuse(const struct cloud_coap_request *q, struct cloud_coap_answer *a,
                       uint8_t code, const char *format, ...)
{
    char *words = malloc(400);
    va_list args;

    if (words == NULL)
        abort();
    va_start(args, format);
    vsnprintf(words, 400, format, args);
    va_end(args);
    cloud_text_clean(words);
    cloud_coap_give(a, -1, words, strlen(words));
    a->code = code;
    if (q->way == CLOUD_COAP_SYMMETRIC)
        cloud_coap_free(a);
}

void cloud_coap_free(struct cloud_coap_answer *a)
{
    free(a->payload);
    a->payload = NULL;
    a->payload_len = 0;
}

/* ---- Tokens ---------------------------------------------------------------------------------- */

/* -1: nobody's. */
static int holder_of(const struct cloud *c, const char *token)
{
    for (int i = 0; i < c->book.device_count; i++)
        if (c->coap[i].token[0] != 0 && strcmp(token, c->coap[i].token) == 0)
            return i;
    return -1;
}

/* -1: refused. Whoever has somebody else's token has to be him, as far as DTLS says who he is. */
static int check_token(const struct cloud *c, const struct cloud_coap_request *q, uint64_t now_ms,
                       struct cloud_coap_answer *a)
{
    char key[CLOUD_KEY_MAX + 1], name[CLOUD_NAME_MAX + 1], text[CLOUD_SIGNED_MAX];
    int device = q->token != NULL ? holder_of(c, q->token) : -1;
    const char *why = NULL;

    if (q->token == NULL)
        why = "the token is missing";
    else if (device < 0)
        why = "the token is unknown";
    else if (now_ms >= c->coap[device].token_until_ms)
        why = "the token has expired";
    else if (c->coap[device].way != q->way)
        why = "the token is for another way";
    else if (q->way == CLOUD_COAP_PSK && (!cloud_psk_identity_read(q->identity, key, name, text) ||
                                          cloud_book_device(&c->book, key, name) != device))
        why = "the token is another device's";
    if (why == NULL)
        return device;
    cloud_coap_refuse(q, a, CLOUD_COAP_CODE(4, 1), "%s", why);
    return -1;
}

/* ---- The symmetric mode ---------------------------------------------------------------------- */

static bool read_seq(const struct cloud_coap_pass *p, const struct cloud_coap_request *q,
                     uint32_t *seq)
{
    char text[17] = {0};
    size_t len;

    return q->seq != NULL && q->seq_len == CLOUD_AES_BLOCK &&
           cloud_aes_decrypt(p->key, q->seq, q->seq_len, (uint8_t *)text, &len) && len > 0 &&
           (text[len] = 0, strlen(text) == len) && cloud_text_number(text, INT32_MAX, seq);
}

static bool open_message(const struct cloud *c, struct message *m)
{
    const struct cloud_coap_request *q = m->request;

    m->payload = q->payload;
    m->payload_len = q->payload_len;
    if (q->way != CLOUD_COAP_SYMMETRIC)
        return true;
    if (!read_seq(m->pass, q, &m->seq)) {
        cloud_coap_refuse(q, m->answer, CLOUD_COAP_CODE(4, 0), "no sequence number");
        return false;
    }
    if (m->seq < m->pass->seq_next && !c->book.rules.coap_no_seq_check) {
        cloud_coap_refuse(q, m->answer, CLOUD_COAP_CODE(4, 3), "an old sequence number");
        return false;
    }
    if (!cloud_aes_decrypt(m->pass->key, q->payload, q->payload_len, m->plain, &m->payload_len)) {
        cloud_coap_refuse(q, m->answer, CLOUD_COAP_CODE(4, 0), "it cannot be decrypted");
        return false;
    }
    m->payload = m->plain;
    m->pass->seq_next = m->seq + 1;
    return true;
}

/* What is sealed stays so, whatever is in it. */
static void seal(const struct cloud *c, const struct message *m)
{
    struct cloud_coap_answer *a = m->answer;

    if (a->payload_len > 0) {
        uint8_t *sealed = malloc(CLOUD_AES_BYTES(a->payload_len));
        if (sealed == NULL)
            abort();
        cloud_aes_encrypt(m->pass->key, a->payload, a->payload_len, sealed);
        free(a->payload);
        a->payload = sealed;
        a->payload_len = CLOUD_AES_BYTES(a->payload_len);
    }
    if (c->book.rules.coap_answer_seq) {
        char text[12];
        int n = snprintf(text, sizeof text, "%u", (unsigned)m->seq);
        cloud_aes_encrypt(m->pass->key, text, (size_t)n, a->seq);
        a->seq_len = CLOUD_AES_BLOCK;
    }
}

/* ---- Messages -------------------------------------------------------------------------------- */

static bool check_topic(const struct cloud *c, const struct message *m, enum cloud_topic_kind *kind)
{
    char own[CLOUD_KEY_MAX + CLOUD_NAME_MAX + 4];
    const char *why;

    *kind = cloud_topic_allowed(&c->book, m->device, m->topic, CLOUD_PUBLISH, &why);
    if (*kind != CLOUD_TOPIC_NONE)
        return true;
    snprintf(own, sizeof own, "/%s/%s/", cloud_key_of(c, m->device), cloud_name_of(c, m->device));
    bool known = strstr(m->topic, own) == NULL ||
                 cloud_topic_allowed(&c->book, m->device, m->topic, CLOUD_SUBSCRIBE, NULL) !=
                     CLOUD_TOPIC_NONE;
    cloud_coap_refuse(m->request, m->answer, CLOUD_COAP_CODE(4, known ? 3 : 4), "%s", why);
    return false;
}

/* A new reference; NULL: refused. */
static json_t *read_body(const struct message *m)
{
    char why[256];
    int32_t format = m->request->format;
    json_t *body = NULL;

    snprintf(why, sizeof why, "Content-Format has to be 50 or 60");
    if (format == CLOUD_COAP_CBOR)
        body = cloud_cbor_read(m->payload, m->payload_len, why, sizeof why);
    else if (format == CLOUD_COAP_JSON || format == -1)
        body = cloud_json_read(m->payload, m->payload_len, why, sizeof why);
    if (body == NULL)
        cloud_coap_refuse(m->request, m->answer, CLOUD_COAP_CODE(4, 0), "%s", why);
    return body;
}

/* `text` by malloc, taken over; NULL: the platform has nothing to say to this. */
static void reply(const struct message *m, char *text, size_t len)
{
    const struct cloud_coap_request *q = m->request;
    char why[200];
    size_t n = 0;

    json_t *value = text != NULL && q->format == CLOUD_COAP_CBOR && q->accept == CLOUD_COAP_CBOR
                        ? cloud_json_read(text, len, why, sizeof why)
                        : NULL;
    if (value != NULL) {
        uint8_t *bytes = cloud_cbor_write(value, &n);
        cloud_coap_give(m->answer, CLOUD_COAP_CBOR, bytes, n);
        json_decref(value);
        free(text);
        return;
    }
    cloud_coap_give(m->answer, text != NULL ? CLOUD_COAP_JSON : -1, text, len);
}

static void take(struct cloud *c, struct message *m, uint64_t now_ms)
{
    enum cloud_topic_kind kind;
    char why[200], *text = NULL, *said = NULL;
    size_t said_len = 0;
    bool often = false;

    if (!check_topic(c, m, &kind))
        return;
    const char *path = cloud_own_path(c, m->device, m->topic, "/sys/");
    if (kind == CLOUD_TOPIC_SYSTEM && (path == NULL || strcmp(path, "thing/model/up_raw") != 0)) {
        json_t *body = read_body(m);
        if (body == NULL)
            return;
        if (m->request->format == CLOUD_COAP_CBOR)
            text = cloud_json_text(body);
        json_decref(body);
    }
    bool ok = cloud_post(c, m->device, m->topic, text != NULL ? (const void *)text : m->payload,
                         text != NULL ? strlen(text) : m->payload_len, now_ms, &said, &said_len,
                         &often, why, sizeof why);
    free(text);
    if (!ok) {
        cloud_coap_refuse(m->request, m->answer,
                          often ? CLOUD_COAP_CODE(5, 0) : CLOUD_COAP_CODE(4, 3), "%s", why);
        return;
    }
    m->pass->heard = true;
    m->pass->heard_ms = now_ms;
    reply(m, said, said_len);
}

static void post(struct cloud *c, const struct cloud_coap_request *q, uint64_t now_ms,
                 struct cloud_coap_answer *a)
{
    struct message m = {.request = q, .answer = a, .topic = q->path + strlen("topic")};

    if (strlen(m.topic) > CLOUD_TOPIC_MAX) {
        cloud_coap_refuse(q, a, CLOUD_COAP_CODE(4, 14), "the topic is longer than %d bytes",
                          CLOUD_TOPIC_MAX);
        return;
    }
    m.device = check_token(c, q, now_ms, a);
    if (m.device < 0)
        return;
    m.pass = &c->coap[m.device];
    if (!open_message(c, &m))
        return;
    take(c, &m, now_ms);
    if (q->way == CLOUD_COAP_SYMMETRIC)
        seal(c, &m);
}

/* ---- Who serves what ------------------------------------------------------------------------- */

static void serve(struct cloud *c, const struct cloud_coap_request *q, uint64_t now_ms,
                  struct cloud_coap_answer *a)
{
    struct cloud_rules *r = &c->book.rules;

    if (r->coap_code_left > 0) {
        r->coap_code_left--;
        cloud_coap_refuse(q, a, r->coap_code, "as an option says");
    } else if (q->payload_len > CLOUD_COAP_BODY_MAX) {
        cloud_coap_refuse(q, a, CLOUD_COAP_CODE(4, 13), "more than %u bytes", CLOUD_COAP_BODY_MAX);
    } else if (strcmp(q->path, "auth") != 0 && cloud_text_after(q->path, "topic/") == NULL) {
        cloud_coap_refuse(q, a, CLOUD_COAP_CODE(4, 4), "there is nothing here");
    } else if (q->method != POST) {
        cloud_coap_refuse(q, a, CLOUD_COAP_CODE(4, 5), "not with this method");
    } else if (strcmp(q->path, "auth") == 0) {
        cloud_coap_auth(c, q, now_ms, a);
    } else {
        post(c, q, now_ms, a);
    }
}

static void add_faults(struct cloud *c, struct cloud_coap_answer *a)
{
    const struct cloud_rules *r = &c->book.rules;
    uint32_t n = ++c->coap_answers;

    a->delay_ms = r->coap_delay_ms;
    a->drop = r->coap_drop_ack != 0 && n % r->coap_drop_ack == 0;
    a->twice = r->coap_double_ack != 0 && n % r->coap_double_ack == 0;
    a->separate = r->coap_separate != 0 && n % r->coap_separate == 0;
}

void cloud_coap(struct cloud *c, const struct cloud_coap_request *q, uint64_t now_ms,
                struct cloud_coap_answer *a)
{
    static const char *const ways[] = {"dtls", "dtls-psk", "symmetric"};
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};

    memset(a, 0, sizeof *a);
    a->format = -1;
    serve(c, q, now_ms, a);
    add_faults(c, a);
    bool words = a->code >> 5 != 2 && a->payload_len > 0;
    cloud_say(c, "coap %s %s /%.200s: %u.%02u%s%.*s%s%s%s", ways[q->way],
              q->method >= 1 && q->method <= 4 ? methods[q->method - 1] : "?", q->path,
              (unsigned)a->code >> 5, (unsigned)a->code & 31, words ? " " : "",
              words ? (int)a->payload_len : 0, words ? (const char *)a->payload : "",
              a->drop ? ", dropped" : "", a->twice ? ", twice" : "",
              a->separate ? ", separate" : "");
}

bool cloud_coap_key(struct cloud *c, const char *identity, char key[65])
{
    struct cloud_verdict v;
    int device;

    if (cloud_gate_psk(c, identity, &device, key, &v))
        return true;
    cloud_say(c, "coap dtls-psk '%.100s' refused: %s", identity, v.reason);
    return false;
}

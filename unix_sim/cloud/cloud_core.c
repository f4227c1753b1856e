/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_core.h"

#include "cloud/cloud_alink.h"
#include "cloud/cloud_call.h"
#include "cloud/cloud_file.h"
#include "cloud/cloud_gate.h"
#include "cloud/cloud_ota.h"
#include "cloud/cloud_out.h"
#include "cloud/cloud_register.h"
#include "cloud/cloud_text.h"
#include "cloud/cloud_thing.h"

#include <stdio.h>
#include <string.h>

#define SECOND_MS 1000u
#define MINUTE_MS 60000u

static const char *const transport_names[] = {"plain", "tls", "tls-psk", "tls with certificate"};

/* ---- Devices, connections, outputs ---------------------------------------------------------- */

/* One more; false: that is too many in this span. */
static bool count(struct cloud_rate *r, uint32_t max, uint32_t span_ms, uint64_t now_ms)
{
    if (now_ms - r->since_ms >= span_ms) {
        r->since_ms = now_ms;
        r->count = 0;
    }
    if (max != 0 && r->count >= max)
        return false;
    r->count++;
    return true;
}

/* Out of the book of connections at once: what it still sends is nobody's. */
static void cut(struct cloud *c, int device, const char *why)
{
    struct cloud_session *s = &c->sessions[device];

    cloud_say(c, "kicked %s %s: %s", cloud_key_of(c, device), cloud_name_of(c, device), why);
    cloud_put_kick(c, s->link);
    s->link = 0;
    s->close_ms = 0;
}

void cloud_init(struct cloud *c, const struct cloud_config *config)
{
    struct cloud_book book = c->book;

    memset(c, 0, sizeof *c);
    c->book = book;
    c->config = *config;
    c->next_id = 1;
    cloud_json_start();
}

void cloud_end(struct cloud *c)
{
    cloud_out_end(c);
    cloud_call_end(c);
    for (int i = 0; i < CLOUD_PRODUCTS_MAX; i++) {
        cloud_model_free(c->models[i]);
        cloud_file_free(c->files[i]);
        c->models[i] = NULL;
        c->files[i] = NULL;
    }
    for (int i = 0; i < CLOUD_DEVICES_MAX; i++) {
        cloud_thing_free(c->things[i]);
        c->things[i] = NULL;
    }
    cloud_ota_free(c->ota);
    c->ota = NULL;
}

bool cloud_set_model(struct cloud *c, int product, const char *text, char *why, size_t cap)
{
    struct cloud_model *m = cloud_model_read(text, c->book.products[product].key, why, cap);

    if (m == NULL)
        return false;
    cloud_model_free(c->models[product]);
    c->models[product] = m;
    return true;
}

/* ---- Login --------------------------------------------------------------------------------- */

/* Only who could log in is counted: others may not shut a device out. */
static bool check_flow(struct cloud *c, int device, uint64_t now_ms, struct cloud_verdict *v)
{
    struct cloud_session *s = &c->sessions[device];

    if (!s->flow && now_ms >= s->flow_until_ms &&
        !count(&s->connects, c->book.rules.connect_rate, MINUTE_MS, now_ms))
        s->flow_until_ms = now_ms + (uint64_t)c->book.rules.flow_wait_s * SECOND_MS;
    if (!s->flow && now_ms >= s->flow_until_ms)
        return true;
    v->answer = CLOUD_CLOSE;
    if (s->flow)
        snprintf(v->reason, sizeof v->reason, "flow control, by command");
    else
        snprintf(v->reason, sizeof v->reason,
                 "flow control: more than %u connections in a minute; for %u s more",
                 (unsigned)c->book.rules.connect_rate,
                 (unsigned)((s->flow_until_ms - now_ms + SECOND_MS - 1) / SECOND_MS));
    return false;
}

static void open_session(struct cloud *c, const struct cloud_login *login, uint64_t now_ms,
                         const struct cloud_client_id *id, int device)
{
    struct cloud_session *s = &c->sessions[device];
    char payload[128];

    if (s->link != 0 && s->link != login->link)
        cut(c, device, "by a second login");
    c->book.devices[device].activated = true;
    s->link = login->link;
    s->transport = login->transport;
    s->keepalive_s = login->keepalive_s;
    s->ext = id->ext;
    s->system_subscribed = id->system_subscribed;
    s->heard_ms = now_ms;
    s->close_ms = 0;
    if (login->transport == CLOUD_TLS_X509) {
        int n = snprintf(payload, sizeof payload, "{\"productKey\":\"%s\",\"deviceName\":\"%s\"}",
                         cloud_key_of(c, device), cloud_name_of(c, device));
        cloud_put(c, CLOUD_OUT_DIRECT, s->link, "/ext/auth/identity/response", payload, (size_t)n);
    }
}

void cloud_login(struct cloud *c, const struct cloud_login *login, uint64_t now_ms,
                 struct cloud_verdict *verdict)
{
    const char *who = login->user_name != NULL ? login->user_name : "without user name";
    struct cloud_client_id id;
    int device = -1;

    memset(verdict, 0, sizeof *verdict);
    bool ok = cloud_gate_login(c, login, &id, &device, verdict);
    if (ok && cloud_register_asked(&id)) {
        if (cloud_register_open(c, login, &id, now_ms, verdict))
            return;
    } else if (ok && check_flow(c, device, now_ms, verdict)) {
        verdict->answer = CLOUD_ACCEPT;
        open_session(c, login, now_ms, &id, device);
        cloud_say(c, "login %s %s accepted: %s, %s", cloud_key_of(c, device),
                  cloud_name_of(c, device),
                  login->transport == CLOUD_TLS_X509    ? "certificate"
                  : strcmp(id.auth_type, "connwl") == 0 ? "token"
                                                        : cloud_hash_name(id.method),
                  transport_names[login->transport]);
        return;
    }
    if (verdict->answer == CLOUD_CLOSE) {
        cloud_say(c, "login %s %s closed: %s", cloud_key_of(c, device), cloud_name_of(c, device),
                  verdict->reason);
    } else if (login->cert_key != NULL && login->cert_name != NULL) {
        cloud_say(c, "login %.40s %.40s refused (%u): %s", login->cert_key, login->cert_name,
                  verdict->code, verdict->reason);
    } else {
        char key[CLOUD_KEY_MAX + 1], name[CLOUD_NAME_MAX + 1];
        if (cloud_user_name_read(who, key, name))
            cloud_say(c, "login %s %s refused (%u): %s", key, name, verdict->code, verdict->reason);
        else
            cloud_say(c, "login '%.80s' refused (%u): %s", who, verdict->code, verdict->reason);
    }
}

bool cloud_psk_key(struct cloud *c, cloud_link link, const char *identity, char key[65])
{
    struct cloud_verdict v;
    int device = -1;

    if (!cloud_gate_psk(c, identity, &device, key, &v)) {
        cloud_say(c, "tls-psk '%.100s' refused: %s", identity, v.reason);
        return false;
    }
    struct cloud_psk_link *p = &c->psk_links[c->psk_next++ % CLOUD_PSK_LINKS_MAX];
    p->link = link;
    p->device = (uint16_t)device;
    return true;
}

void cloud_gone(struct cloud *c, cloud_link link)
{
    int device = cloud_device_of(c, link);

    cloud_register_gone(c, link);
    for (int i = 0; i < CLOUD_PSK_LINKS_MAX; i++)
        if (c->psk_links[i].link == link)
            c->psk_links[i].link = 0;
    if (device < 0)
        return;
    cloud_say(c, "offline %s %s", cloud_key_of(c, device), cloud_name_of(c, device));
    c->sessions[device].link = 0;
    c->sessions[device].close_ms = 0;
}

/* ---- Messages ------------------------------------------------------------------------------ */

void cloud_heard(struct cloud *c, cloud_link link, uint64_t now_ms)
{
    int device = cloud_device_of(c, link);

    if (device >= 0)
        c->sessions[device].heard_ms = now_ms;
}

bool cloud_subscribe(struct cloud *c, cloud_link link, const char *filter, uint32_t held)
{
    int device = cloud_device_of(c, link);
    char full[64];
    const char *why = NULL;

    if (device < 0)
        return false;
    if (cloud_topic_allowed(&c->book, device, filter, CLOUD_SUBSCRIBE, &why) != CLOUD_TOPIC_NONE &&
        c->book.rules.subscriptions != 0 && held >= c->book.rules.subscriptions) {
        snprintf(full, sizeof full, "it has %u subscriptions already", (unsigned)held);
        why = full;
    }
    if (why == NULL)
        return true;
    cloud_say(c, "subscribe %s %s %.200s refused: %s", cloud_key_of(c, device),
              cloud_name_of(c, device), filter, why);
    return false;
}

bool cloud_may_retain(struct cloud *c, cloud_link link, const char *topic)
{
    int device = cloud_device_of(c, link);

    if (device < 0 || !c->book.rules.no_retain)
        return device >= 0;
    cloud_say(c, "publish %s %s %.200s dropped: it has RETAIN, which is off by an option",
              cloud_key_of(c, device), cloud_name_of(c, device), topic);
    return false;
}

/* NULL, or why not. */
static const char *check_message(struct cloud *c, int device, const char *topic, size_t payload_len,
                                 uint64_t now_ms, bool *often, char *what, size_t cap)
{
    struct cloud_session *s = &c->sessions[device];
    const char *why = NULL;

    *often = !count(&s->published, c->book.rules.publish_rate, SECOND_MS, now_ms);
    if (*often) {
        snprintf(what, cap, "more than %u messages in a second",
                 (unsigned)c->book.rules.publish_rate);
        return what;
    }
    if (payload_len > CLOUD_PAYLOAD_MAX) {
        snprintf(what, cap, "the payload is longer than %u bytes", CLOUD_PAYLOAD_MAX);
        return what;
    }
    /* A device that was disabled is cut off a moment later: nothing of it counts until then, but its answer that it
     * knows. */
    bool gone = c->book.devices[device].state != CLOUD_ENABLED;
    cloud_topic_allowed(&c->book, device, topic, CLOUD_PUBLISH, &why);
    if (why == NULL && gone && strstr(topic, "_reply") == NULL)
        why = "the device is disabled or deleted";
    return why;
}

bool cloud_may_publish(struct cloud *c, cloud_link link, const char *topic, size_t payload_len,
                       uint64_t now_ms)
{
    int device = cloud_device_of(c, link);
    char what[96];
    bool often;

    if (device < 0)
        return false;
    c->sessions[device].heard_ms = now_ms;
    const char *why =
        check_message(c, device, topic, payload_len, now_ms, &often, what, sizeof what);
    if (why == NULL)
        return true;
    cloud_say(c, "publish %s %s %.200s dropped: %s", cloud_key_of(c, device),
              cloud_name_of(c, device), topic, why);
    return false;
}

static void say_publish(struct cloud *c, int device, const char *topic, const void *payload,
                        size_t len)
{
    size_t shown = len < c->book.rules.log_payload ? len : c->book.rules.log_payload;

    cloud_say(c, "publish %s %s %s: %zu bytes%s%.*s", cloud_key_of(c, device),
              cloud_name_of(c, device), topic, len, shown > 0 ? ": " : "", (int)shown,
              shown > 0 ? (const char *)payload : "");
}

enum cloud_route cloud_publish(struct cloud *c, cloud_link link, const char *topic,
                               const void *payload, size_t len, uint64_t now_ms)
{
    int device = cloud_device_of(c, link);

    if (device < 0)
        return CLOUD_DROP;
    switch (cloud_topic_allowed(&c->book, device, topic, CLOUD_PUBLISH, NULL)) {
    case CLOUD_TOPIC_NONE:
        return CLOUD_DROP;
    case CLOUD_TOPIC_SYSTEM:
        say_publish(c, device, topic, payload, len);
        cloud_serve(c, device, topic, payload, len, now_ms);
        return CLOUD_TAKEN;
    case CLOUD_TOPIC_CUSTOM:
        say_publish(c, device, topic, payload, len);
        return CLOUD_PASS;
    }
    return CLOUD_DROP;
}

bool cloud_post(struct cloud *c, int device, const char *topic, const void *payload, size_t len,
                uint64_t now_ms, char **answer, size_t *answer_len, bool *often, char *why,
                size_t cap)
{
    char what[96];
    const char *wrong = check_message(c, device, topic, len, now_ms, often, what, sizeof what);

    *answer = NULL;
    if (wrong != NULL) {
        cloud_say(c, "post %s %s %.200s dropped: %s", cloud_key_of(c, device),
                  cloud_name_of(c, device), topic, wrong);
        snprintf(why, cap, "%s", wrong);
        return false;
    }
    say_publish(c, device, topic, payload, len);
    if (cloud_topic_allowed(&c->book, device, topic, CLOUD_PUBLISH, NULL) == CLOUD_TOPIC_CUSTOM)
        return cloud_put(c, CLOUD_OUT_PUBLISH, 0, topic, payload, len);
    c->catching = true;
    cloud_serve(c, device, topic, payload, len, now_ms);
    c->catching = false;
    *answer = c->caught;
    *answer_len = c->caught != NULL ? c->caught_len : 0;
    c->caught = NULL;
    return true;
}

bool cloud_online(const struct cloud *c, int device, uint64_t now_ms)
{
    const struct cloud_coap_pass *p = &c->coap[device];

    return c->sessions[device].link != 0 ||
           (p->heard && now_ms - p->heard_ms < CLOUD_COAP_ONLINE_MS);
}

bool cloud_may_deliver(struct cloud *c, cloud_link link, const char *topic, uint64_t now_ms)
{
    int device = cloud_device_of(c, link);
    const char *why;

    if (cloud_register_is(c, link))
        return strcmp(topic, "/ext/register") == 0 || strcmp(topic, "/ext/regnwl") == 0;
    if (device < 0 || cloud_topic_wrong(topic, false) != NULL ||
        cloud_topic_allowed(&c->book, device, topic, CLOUD_SUBSCRIBE, &why) == CLOUD_TOPIC_NONE)
        return false;
    if (!count(&c->sessions[device].delivered, c->book.rules.deliver_rate, SECOND_MS, now_ms)) {
        cloud_say(c, "message to %s %s %s dropped: more than %u messages in a second",
                  cloud_key_of(c, device), cloud_name_of(c, device), topic,
                  (unsigned)c->book.rules.deliver_rate);
        return false;
    }
    cloud_say(c, "message to %s %s %s", cloud_key_of(c, device), cloud_name_of(c, device), topic);
    return true;
}

void cloud_tick(struct cloud *c, uint64_t now_ms)
{
    cloud_out_tick(c, now_ms);
    cloud_call_tick(c, now_ms);
    cloud_register_tick(c, now_ms);
    for (int i = 0; i < c->book.device_count; i++) {
        struct cloud_session *s = &c->sessions[i];
        uint64_t silence_ms = (uint64_t)s->keepalive_s * SECOND_MS + CLOUD_GRACE_MS;
        if (s->link == 0)
            continue;
        if (s->close_ms != 0 && now_ms >= s->close_ms)
            cut(c, i,
                c->book.devices[i].state == CLOUD_DELETED ? "it is deleted" : "it is disabled");
        else if (c->config.sees_silence && s->keepalive_s != 0 && now_ms - s->heard_ms > silence_ms)
            cut(c, i, "silent for longer than its keep-alive and 5 s");
    }
}

/* ---- The console --------------------------------------------------------------------------- */

void cloud_set_state(struct cloud *c, int device, enum cloud_state state, uint64_t now_ms)
{
    static const char *const words[] = {"enable", "disable", "delete"};
    char path[32];
    const char *why;
    struct cloud_session *s = &c->sessions[device];

    c->book.devices[device].state = (uint8_t)state;
    cloud_say(c, "%sd %s %s", words[state], cloud_key_of(c, device), cloud_name_of(c, device));
    s->close_ms = 0;
    if (s->link == 0)
        return;
    snprintf(path, sizeof path, "thing/%s", words[state]);
    json_t *params = json_object();
    cloud_call(c, device, CLOUD_WAY_TOPIC, path, NULL, params, now_ms, &why);
    json_decref(params);
    if (state != CLOUD_ENABLED)
        s->close_ms = now_ms + CLOUD_LAST_WORD_MS;
}

bool cloud_kick(struct cloud *c, int device, const char *why)
{
    if (c->sessions[device].link == 0)
        return false;
    cut(c, device, why);
    return true;
}

bool cloud_send(struct cloud *c, int device, const char *topic, const char *payload, size_t len,
                const char **why)
{
    enum cloud_topic_kind kind;

    *why = cloud_topic_wrong(topic, false);
    if (*why != NULL)
        return false;
    kind = cloud_topic_allowed(&c->book, device, topic, CLOUD_SUBSCRIBE, why);
    if (kind == CLOUD_TOPIC_NONE)
        return false;
    if (len > CLOUD_SENT_MAX)
        *why = "the payload is too long for this emulator";
    else if (c->sessions[device].link == 0)
        *why = "the device is offline, and the platform keeps no messages";
    else if (!cloud_tell(c, device, topic, payload, len, kind))
        *why = "too many messages wait to be sent";
    return *why == NULL;
}

void cloud_set_flow(struct cloud *c, int device, bool on)
{
    struct cloud_session *s = &c->sessions[device];

    s->flow = on;
    s->flow_until_ms = 0;
    cloud_say(c, "flow control %s for %s %s", on ? "on" : "off", cloud_key_of(c, device),
              cloud_name_of(c, device));
    if (on && s->link != 0)
        cut(c, device, "by flow control");
}

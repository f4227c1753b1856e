/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_mqtt.h"

#include "host/host_net.h"
#include "host/host_text.h"
#include "iot/iot.h"
#include "iot/iot_static.h"
#include "probe_event.h"
#include "probe_flash.h"
#include "probe_tls.h"

#include "lwip/sys.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_BYTES_MAX 16384u         /* words of one connect */
#define BIG_BYTES_MAX     (512u * 1024u) /* a payload that the transmit ring cannot hold */
#define FULL_MS_MAX       50000u         /* pub waits for room so long; then FULL is an error */
#define CLOSE_MS_MAX      10000u         /* longer than the library's own deadlines for it */
#define DISC_DRAIN_MS     5000u
#define VERDICT_MS        600u

/* A filter's text, borrowed by the device until UNSUBACK, refusal or close. */
struct filter {
    char text[IOT_MQTT_CONTROL_BYTES];
    uint16_t len; /* 0: free */
    iot_ticket sub, unsub;
};

/* What connect says. Pointers into the words. */
struct connect {
    struct iot_options options;
    struct probe_tls tls;
    char *will_hex;
};

/* words: those of the last connect, each with its NUL; the device borrows from them, and
 * will-hex is decoded where it stands. kept: the same before that, to compare with.
 * over: the link is lost and reconnect=0, so nothing happens until the next connect.
 * big: the one payload that is sent by reference; big_ticket 0: free. */
static struct {
    struct iot_device device;
    bool made, closed, over, failed;
    bool leaving;  /* disc has begun to close */
    bool waiting;  /* for the outcome of an attempt */
    bool stranger; /* the last one met a server that is not who it should be */
    char words[CONNECT_BYTES_MAX], kept[CONNECT_BYTES_MAX];
    uint32_t kept_len;
    struct connect connect;
    struct filter filters[IOT_MQTT_SUBS_MAX];
    uint8_t big[BIG_BYTES_MAX];
    iot_ticket big_ticket;
} probe = {.closed = true};

static enum probe_step refuse(iot_err err, const char *command)
{
    probe_event("err %s %s: %s", iot_err_name(err), command, iot_err_text(err));
    return PROBE_FAILED;
}

/* ---- Events -------------------------------------------------------------------------------- */

static void free_filter(iot_ticket ticket)
{
    for (int i = 0; i < IOT_MQTT_SUBS_MAX; i++) {
        struct filter *f = &probe.filters[i];
        if (f->len > 0 && (f->sub == ticket || f->unsub == ticket))
            f->len = 0;
    }
}

static void end_message(const struct iot_event *ev)
{
    if (ev->ticket == probe.big_ticket)
        probe.big_ticket = 0;
}

/* What the number means, in a word and a sentence, if it is known. */
static void print_lost(const struct iot_event *ev)
{
    const char *name = iot_err_detail_name(ev->err, ev->detail);

    bool secure = iot_err_name(ev->err)[0] == 'T' && iot_err_name(ev->err)[1] == 'L';
    if (name[0] == 0 && !secure)
        probe_event("lost %s %ld", iot_err_name(ev->err), (long)ev->detail);
    else if (name[0] == 0)
        probe_event("lost %s %ld %s", iot_err_name(ev->err), (long)ev->detail,
                    iot_err_text(ev->err));
    else
        probe_event("lost %s %ld %s: %s", iot_err_name(ev->err), (long)ev->detail, name,
                    iot_err_detail_text(ev->err, ev->detail));
}

static void on_event(void *ctx, struct iot_device *device, const struct iot_event *ev)
{
    (void)ctx;
    (void)device;
    switch (ev->kind) {
    case IOT_EV_WRITABLE:
    case IOT_EV_REPLY:
    case IOT_EV_NOTICE:
    case IOT_EV_BUSY:
        break;
    case IOT_EV_REGISTERED:
        probe_event("registered");
        break;
    case IOT_EV_CONNECTING:
        probe.waiting = true;
        break;
    case IOT_EV_CONNECTED:
        probe.waiting = probe.stranger = false;
        probe_event("connected sp=%d", ev->session_present);
        break;
    case IOT_EV_LOST:
        probe.over = ev->delay_ms == IOT_MS_NEVER;
        probe.waiting = false;
        /* A link that ends is weather; this is not. */
        probe.stranger = ev->err == IOT_ERR_TLS_VERIFY;
        print_lost(ev);
        break;
    case IOT_EV_DONE:
        end_message(ev);
        probe_event("done %lu", (unsigned long)ev->ticket);
        break;
    case IOT_EV_FAILED:
        end_message(ev);
        probe.failed = true;
        probe_event("failed %lu %s", (unsigned long)ev->ticket, iot_err_name(ev->err));
        break;
    case IOT_EV_SUBACK:
        if (ev->err != IOT_OK)
            free_filter(ev->ticket);
        probe_event("suback %lu %d", (unsigned long)ev->ticket, ev->err == IOT_OK ? ev->code : 128);
        break;
    case IOT_EV_UNSUBACK:
        free_filter(ev->ticket);
        probe_event("done %lu", (unsigned long)ev->ticket);
        break;
    case IOT_EV_MESSAGE:
        probe_event_msg(ev->msg);
        break;
    case IOT_EV_SKIPPED:
        probe_event_skipped(ev->err, ev->detail, ev->msg);
        break;
    case IOT_EV_CLOSED:
        probe.closed = true;
        memset(probe.filters, 0, sizeof probe.filters);
        break;
    }
}

/* ---- connect ------------------------------------------------------------------------------- */

static enum probe_step wrong_value(const char *word)
{
    return probe_usage("connect: wrong value in %s", word);
}

/* One `name=value`. */
static enum probe_step read_option(char *word, struct connect *c)
{
    struct iot_options *o = &c->options;
    char *value = strchr(word, '=');
    size_t name_len = value != NULL ? (size_t)(value - word) : 0;
    uint32_t n = 0;

    if (value == NULL)
        return probe_usage("connect: %s is not name=value", word);
    value++;
#define IS(name) (name_len == sizeof(name) - 1 && memcmp(word, name, name_len) == 0)
    if (IS("id")) {
        o->client_id = value;
    } else if (IS("user")) {
        o->user_name = value;
    } else if (IS("pass")) {
        o->password.ptr = (const uint8_t *)value;
        o->password.len = (uint32_t)strlen(value);
    } else if (IS("keepalive")) {
        if (!host_text_number(value, 0, UINT16_MAX, &n))
            return wrong_value(word);
        o->keepalive_s = (uint16_t)n;
    } else if (IS("clean")) {
        if (!host_text_number(value, 0, 1, &n))
            return wrong_value(word);
        o->session = n == 1               ? IOT_SESSION_CLEAN
                     : probe_flash_kept() ? IOT_SESSION_KEEP_REBOOT
                                          : IOT_SESSION_KEEP;
    } else if (IS("reconnect")) {
        if (!host_text_number(value, 0, 1, &n))
            return wrong_value(word);
        o->no_reconnect = n == 0;
    } else if (IS("first-id")) {
        if (!host_text_number(value, 1, UINT16_MAX, &n))
            return wrong_value(word);
        o->first_id = (uint16_t)n;
    } else if (IS("will-topic")) {
        if (*value == 0 || strlen(value) > UINT16_MAX)
            return wrong_value(word);
        o->will.topic = (struct iot_topic){value, (uint16_t)strlen(value), 0};
    } else if (IS("will-hex")) {
        c->will_hex = value;
    } else if (IS("will-qos")) {
        if (!host_text_number(value, 0, 2, &n))
            return wrong_value(word);
        o->will.qos = (uint8_t)n;
    } else if (IS("will-retain")) {
        if (!host_text_number(value, 0, 1, &n))
            return wrong_value(word);
        o->will.retain = n == 1;
    } else {
        enum probe_step step =
            o->tls != NULL ? probe_tls_word(&c->tls, word, name_len) : PROBE_AGAIN;
        return step != PROBE_AGAIN
                   ? step
                   : probe_usage("connect: unknown option %.*s", (int)name_len, word);
    }
#undef IS
    return PROBE_DONE;
}

static enum probe_step read_connect(char **words, uint32_t count, struct connect *c)
{
    struct iot_options *o = &c->options;
    uint32_t port;
    bool will_words = false;

    if (count < 4)
        return probe_usage("connect HOST PORT plain|tls [name=value ...]");
    if (!host_text_number(words[2], 1, UINT16_MAX, &port))
        return probe_usage("connect: %s is not a port", words[2]);
    bool tls = strcmp(words[3], "tls") == 0;
    if (!tls && strcmp(words[3], "plain") != 0)
        return probe_usage("connect: %s is neither plain nor tls", words[3]);
    memset(c, 0, sizeof *c);
    probe_tls_begin(&c->tls);
    o->tls = tls ? &c->tls.options : NULL;
    o->host = host_reachable(words[1]);
    o->port = (uint16_t)port;
    o->client_id = "";
    o->keepalive_s = 60;
    o->no_reconnect = true;
    o->first_id = 1;
    o->session_key = "probe-ids";
    o->on_event = on_event;
    o->port_ops = &c->tls.port;
    for (uint32_t i = 4; i < count; i++) {
        if (read_option(words[i], c) != PROBE_DONE)
            return PROBE_FAILED;
        will_words = will_words || strncmp(words[i], "will-", 5) == 0;
    }
    if (will_words && o->will.topic.len == 0)
        return probe_usage("connect: a will needs will-topic=");
    return tls ? probe_tls_end(&c->tls, words[1]) : PROBE_DONE;
}

static enum probe_step begin_connect(void)
{
    iot_err err = iot_device_connect(&probe.device);

    if (err != IOT_OK)
        return refuse(err, "connect");
    probe.closed = false;
    probe.over = false;
    probe.waiting = true;
    return PROBE_DONE;
}

/* The words with their NULs, to compare and to keep. 0: too many. */
static uint32_t join_words(char **words, uint32_t count, char into[CONNECT_BYTES_MAX])
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++) {
        size_t len = strlen(words[i]) + 1;
        if (len > CONNECT_BYTES_MAX - n)
            return 0;
        memcpy(into + n, words[i], len);
        n += (uint32_t)len;
    }
    return n;
}

/* Split what join_words made, read it, and make the device anew. */
static enum probe_step make_device(uint32_t count)
{
    char *words[PROBE_WORDS_MAX], *at = probe.words;
    struct connect *c = &probe.connect;
    struct iot_options *o = &c->options;
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++, at += strlen(at) + 1)
        words[i] = at;
    if (read_connect(words, count, c) != PROBE_DONE)
        return PROBE_FAILED;
    if (c->will_hex != NULL) {
        uint8_t *bytes = (uint8_t *)c->will_hex;
        if (!host_text_hex(c->will_hex, bytes, CONNECT_BYTES_MAX, &n))
            return probe_usage("connect: will-hex is not hexadecimal");
        o->will.payload = (struct iot_bytes){bytes, n};
    }
    iot_err err = iot_device_init(&probe.device, o);
    if (err != IOT_OK)
        return refuse(err, "connect");
    probe.made = true;
    return begin_connect();
}

/* The same words again continue with the same device, so that a session with clean=0 keeps what it
 * has in flight; other words make a new one. */
enum probe_step probe_connect(char **words, uint32_t count, uint32_t waited_ms)
{
    static char joined[CONNECT_BYTES_MAX];
    static struct connect read;

    if (waited_ms == 0 && read_connect(words, count, &read) != PROBE_DONE)
        return PROBE_FAILED;
    uint32_t len = join_words(words, count, joined);
    if (len == 0 || count > PROBE_WORDS_MAX)
        return refuse(IOT_ERR_SIZE, "connect");
    if (!probe.closed && !probe.over)
        return refuse(IOT_ERR_STATE, "connect");
    if (probe.made && len == probe.kept_len && memcmp(joined, probe.kept, len) == 0)
        return begin_connect();
    if (!probe.closed) {
        if (waited_ms == 0)
            probe_mqtt_close(0);
        if (!probe.closed && waited_ms < CLOSE_MS_MAX)
            return PROBE_AGAIN;
    }
    probe.made = false;
    memcpy(probe.words, joined, len);
    memcpy(probe.kept, joined, len);
    probe.kept_len = len;
    return make_device(count);
}

/* ---- pub, sub, unsub, disc ----------------------------------------------------------------- */

static bool read_topic(const char *text, struct iot_topic *topic)
{
    size_t len = strlen(text);

    *topic = (struct iot_topic){text, (uint16_t)len, 0};
    return len <= UINT16_MAX;
}

/* Too large for the ring: by reference, one at a time. */
static iot_err publish_big(struct iot_msg *msg, iot_ticket *ticket)
{
    iot_err err;

    if (probe.big_ticket != 0)
        return IOT_ERR_FULL;
    if (msg->payload.len > BIG_BYTES_MAX)
        return IOT_ERR_SIZE;
    memcpy(probe.big, msg->payload.ptr, msg->payload.len);
    msg->payload.ptr = probe.big;
    msg->flags |= IOT_MSG_BY_REF;
    err = iot_mqtt_publish(&probe.device, msg, ticket);
    if (err == IOT_OK)
        probe.big_ticket = *ticket;
    return err;
}

/* FULL is weather: the device works and the command is tried again, as long as somebody might take
 * bytes. So a script may hold more messages than the queue. */
enum probe_step probe_pub(char **words, uint32_t count, uint32_t waited_ms)
{
    static uint8_t payload[BIG_BYTES_MAX];
    struct iot_msg msg;
    uint32_t qos, retain, n = 0;
    iot_ticket ticket;

    if (count < 4 || count > 5)
        return probe_usage("pub TOPIC QOS RETAIN [HEX]");
    if (!host_text_number(words[2], 0, 2, &qos) || !host_text_number(words[3], 0, 1, &retain))
        return probe_usage("pub: QOS is 0, 1 or 2, RETAIN 0 or 1");
    if (count == 5 && !host_text_hex(words[4], payload, sizeof payload, &n))
        return probe_usage("pub: HEX is not hexadecimal, or more than %u bytes", BIG_BYTES_MAX);
    if (probe.closed)
        return refuse(IOT_ERR_STATE, "pub");
    memset(&msg, 0, sizeof msg);
    if (!read_topic(words[1], &msg.topic))
        return refuse(IOT_ERR_MQTT_TOPIC, "pub");
    msg.payload = (struct iot_bytes){payload, n};
    msg.qos = (uint8_t)qos;
    msg.flags = retain == 1 ? IOT_MSG_RETAIN : 0;
    iot_err err = iot_mqtt_publish(&probe.device, &msg, &ticket);
    if (err == IOT_ERR_SIZE && n > 0)
        err = publish_big(&msg, &ticket);
    if (err == IOT_ERR_FULL && !probe.over && waited_ms < FULL_MS_MAX)
        return PROBE_AGAIN;
    return err == IOT_OK ? PROBE_DONE : refuse(err, "pub");
}

/* Somewhere to keep a filter: where the same one is already, or a free place. */
static struct filter *place_filter(const struct iot_topic *topic)
{
    struct filter *place = NULL;

    for (int i = 0; i < IOT_MQTT_SUBS_MAX; i++) {
        struct filter *f = &probe.filters[i];
        if (f->len == topic->len && memcmp(f->text, topic->text, f->len) == 0)
            return f;
        if (f->len == 0 && place == NULL)
            place = f;
    }
    return place;
}

enum probe_step probe_sub(char **words, uint32_t count, uint32_t waited_ms)
{
    struct iot_filter filter;
    uint32_t qos;
    iot_ticket ticket;

    (void)waited_ms;
    if (count != 3)
        return probe_usage("sub FILTER QOS");
    if (!host_text_number(words[2], 0, 2, &qos))
        return probe_usage("sub: QOS is 0, 1 or 2");
    if (probe.closed)
        return refuse(IOT_ERR_STATE, "sub");
    memset(&filter, 0, sizeof filter);
    if (!read_topic(words[1], &filter.filter))
        return refuse(IOT_ERR_MQTT_TOPIC, "sub");
    filter.qos = (uint8_t)qos;
    /* Longer than a place: the library refuses it too, and says by what name. */
    struct filter *place = place_filter(&filter.filter);
    if (place == NULL)
        return refuse(IOT_ERR_FULL, "sub");
    if (filter.filter.len <= sizeof place->text) {
        memcpy(place->text, filter.filter.text, filter.filter.len);
        filter.filter.text = place->text;
    }
    iot_err err = iot_mqtt_subscribe(&probe.device, &filter, &ticket);
    if (err != IOT_OK)
        return refuse(err, "sub");
    place->len = filter.filter.len;
    place->sub = ticket;
    return PROBE_DONE;
}

enum probe_step probe_unsub(char **words, uint32_t count, uint32_t waited_ms)
{
    struct iot_topic topic;
    iot_ticket ticket;

    (void)waited_ms;
    if (count != 2)
        return probe_usage("unsub FILTER");
    if (probe.closed)
        return refuse(IOT_ERR_STATE, "unsub");
    if (!read_topic(words[1], &topic))
        return refuse(IOT_ERR_MQTT_TOPIC, "unsub");
    iot_err err = iot_mqtt_unsubscribe(&probe.device, &topic, &ticket);
    if (err != IOT_OK)
        return refuse(err, "unsub");
    struct filter *place = place_filter(&topic);
    if (place != NULL && place->len > 0)
        place->unsub = ticket;
    return PROBE_DONE;
}

enum probe_step probe_disc(char **words, uint32_t count, uint32_t waited_ms)
{
    (void)words;
    if (count != 1)
        return probe_usage("disc takes no words");
    if (waited_ms == 0) {
        if (probe.closed)
            return refuse(IOT_ERR_STATE, "disc");
        probe.leaving = false;
    }
    if (!probe.leaving && probe.waiting && waited_ms < VERDICT_MS)
        return PROBE_AGAIN; /* how the attempt ends is worth a moment */
    if (!probe.leaving)
        probe_mqtt_close(DISC_DRAIN_MS);
    probe.leaving = true;
    return probe.closed || waited_ms >= CLOSE_MS_MAX ? PROBE_DONE : PROBE_AGAIN;
}

/* ---- For the loop -------------------------------------------------------------------------- */

uint32_t probe_mqtt_poll(void)
{
    return probe.made ? iot_poll(&probe.device, sys_now()) : IOT_MS_NEVER;
}

void probe_mqtt_close(uint32_t drain_ms)
{
    if (!probe.made || probe.closed)
        return;
    /* STATE: it is closing already and the event comes, or there was nothing left to close. */
    if (iot_device_close(&probe.device, drain_ms) == IOT_ERR_STATE && probe.over)
        probe.closed = true;
}

bool probe_mqtt_closed(void)
{
    return probe.closed;
}

bool probe_mqtt_failed(void)
{
    return probe.failed || probe.stranger;
}

bool probe_mqtt_waiting(void)
{
    return probe.made && !probe.closed && probe.waiting;
}

void probe_mqtt_pools(void)
{
    char line[1024];
    struct iot_pool_use use;
    size_t n = 0;

    if (!probe.made)
        return;
    line[0] = 0;
    for (uint32_t i = 0; n < sizeof line && iot_device_pool(&probe.device, i, &use); i++)
        n += (size_t)snprintf(line + n, sizeof line - n, " %s=%lu/%lu %s.high=%lu/%lu", use.name,
                              (unsigned long)use.used, (unsigned long)use.max, use.name,
                              (unsigned long)use.high, (unsigned long)use.max);
    probe_event("pools%s", line);
}

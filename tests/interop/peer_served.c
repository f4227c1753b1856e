/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_served.h"

#include "host/host_loop.h"
#include "host/host_net.h"
#include "iot_port_unix.h"
#include "peer_clock.h"

#define PORT  5683u
#define SLOWS 4u

struct iot_coap_server peer_served;
uint16_t peer_served_port, peer_served_secure;
struct peer_served_seen peer_served_seen;

static struct peer_served_seen *const seen = &peer_served_seen;
static struct iot_device dev;
static struct iot_options dev_options;
static bool lives;
static struct iot_coap_server_options options;
static uint32_t number;
static uint32_t slow[SLOWS]; /* calls that wait */
static uint8_t arena[32768] __attribute__((aligned(8)));

/* ---- What it serves ---------------------------------------------------------------------- */

static void on_count(void *ctx, const struct iot_coap_call *call, struct iot_coap_answer *answer)
{
    (void)ctx, (void)call;
    seen->calls++;
    answer->has_format = true;
    iot_writer_u32(&answer->body, number);
    iot_writer_text(&answer->body, ".");
}

static uint8_t letter(uint32_t i)
{
    return (uint8_t)('a' + i % 26);
}

static iot_err read_large(void *ctx, uint32_t at, uint8_t *into, uint32_t cap, uint32_t *got,
                          bool *last)
{
    (void)ctx;
    uint32_t left = at < PEER_SERVED_BYTES ? PEER_SERVED_BYTES - at : 0;
    *got = cap < left ? cap : left;
    *last = *got == left;
    for (uint32_t i = 0; i < *got; i++)
        into[i] = letter(at + i);
    return IOT_OK;
}

static void on_large(void *ctx, const struct iot_coap_call *call, struct iot_coap_answer *answer)
{
    (void)ctx;
    seen->calls++;
    if (call->method == IOT_COAP_GET) {
        answer->source = read_large;
        answer->total = PEER_SERVED_BYTES;
        return;
    }
    for (uint32_t i = 0; i < call->part.len; i++)
        seen->put_bad += call->part.ptr[i] != letter(call->offset + i);
    seen->puts += call->last;
    if (call->last)
        seen->put_bytes = call->offset + call->part.len;
}

static void on_light(void *ctx, const struct iot_coap_call *call, struct iot_coap_answer *answer)
{
    (void)ctx;
    seen->calls++;
    switch (call->method) {
    case IOT_COAP_GET:
        iot_writer_text(&answer->body, seen->light);
        break;
    case IOT_COAP_DELETE:
        seen->light[0] = '\0';
        answer->code = IOT_COAP_CODE(2, 2);
        break;
    default:
        if (call->offset + call->part.len >= sizeof seen->light) {
            answer->code = IOT_COAP_CODE(4, 13);
            return;
        }
        memcpy(seen->light + call->offset, call->part.ptr, call->part.len);
        seen->light[call->offset + call->part.len] = '\0';
        if (call->last)
            iot_coap_server_changed(&peer_served, "light");
    }
}

static void on_secret(void *ctx, const struct iot_coap_call *call, struct iot_coap_answer *answer)
{
    (void)ctx;
    seen->calls++;
    assert_true(call->secure);
    iot_writer_text(&answer->body, "you are ");
    iot_writer_put(&answer->body, call->identity.ptr, call->identity.len);
}

static void on_slow(void *ctx, const struct iot_coap_call *call, struct iot_coap_answer *answer)
{
    (void)ctx;
    seen->calls++;
    for (uint32_t i = 0; i < SLOWS && call->id != 0; i++)
        if (slow[i] == 0) {
            slow[i] = call->id;
            answer->later = true;
            return;
        }
    answer->code = IOT_COAP_CODE(5, 3);
}

static const struct iot_coap_resource resources[] = {
    {"count", IOT_COAP_CAN_GET | IOT_COAP_OBSERVABLE, "rt=\"number\";ct=0", on_count, NULL},
    {"large", IOT_COAP_CAN_GET | IOT_COAP_CAN_PUT | IOT_COAP_CAN_POST | IOT_COAP_OPEN, "sz=5000",
     on_large, NULL},
    {"light",
     IOT_COAP_CAN_GET | IOT_COAP_CAN_PUT | IOT_COAP_CAN_DELETE | IOT_COAP_OPEN |
         IOT_COAP_OBSERVABLE,
     "rt=\"light\";if=\"switch\"", on_light, NULL},
    {"secret", IOT_COAP_CAN_GET | IOT_COAP_CAN_PUT | IOT_COAP_SECRET, NULL, on_secret, NULL},
    {"slow", IOT_COAP_CAN_GET, NULL, on_slow, NULL},
};

static iot_err find_key(void *ctx, struct iot_bytes identity, uint8_t key[64], uint32_t *len)
{
    (void)ctx;
    if (identity.len < 4 || memcmp(identity.ptr, "lamp", 4) != 0)
        return IOT_ERR_STATE;
    *len = sizeof PEER_SERVED_KEY - 1;
    memcpy(key, PEER_SERVED_KEY, *len);
    return IOT_OK;
}

static const struct iot_coap_keys all_keys = {
    .key = find_key, .arena = arena, .arena_bytes = sizeof arena};

/* ---- Its life ---------------------------------------------------------------------------- */

static void on_event(void *ctx, struct iot_device *d, const struct iot_event *ev)
{
    (void)d;
    if (ev->kind == IOT_EV_CLOSED)
        *(bool *)ctx = true;
}

static bool closed;

void peer_served_attach(struct iot_device *d, bool keys)
{
    memset(seen, 0, sizeof *seen);
    strcpy(seen->light, "off");
    memset(slow, 0, sizeof slow);
    number = 7;
    options = (struct iot_coap_server_options){.resources = resources,
                                               .resource_count = COUNT(resources),
                                               .plain = true,
                                               .keys = keys ? &all_keys : NULL};
    assert_err(iot_coap_server_init(&peer_served, d, &options), IOT_OK);
}

void peer_served_begin(bool keys)
{
    closed = false;
    dev_options =
        (struct iot_options){.on_event = on_event, .ctx = &closed, .port_ops = &iot_port_unix};
    assert_err(iot_device_init(&dev, &dev_options), IOT_OK);
    peer_served_attach(&dev, keys);
    lives = true;
    peer_served_turn();
    peer_served_turn();
    assert_err(iot_coap_server_state(&peer_served, NULL), IOT_OK);
}

void peer_served_turn(void)
{
    uint32_t sleep_ms = lives ? iot_poll(&dev, peer_clock_ms()) : 2;

    for (uint32_t i = 0; i < SLOWS; i++) {
        struct iot_coap_answer answer;
        if (slow[i] == 0)
            continue;
        iot_coap_answer_init(&peer_served, IOT_COAP_GET, &answer);
        iot_writer_text(&answer.body, "done");
        (void)iot_coap_server_answer(&peer_served, slow[i], &answer);
        slow[i] = 0;
    }
    host_turn(sleep_ms < 2 ? sleep_ms : 2);
}

void peer_served_step(void)
{
    number++;
    iot_coap_server_changed(&peer_served, "count");
}

void peer_served_end(void)
{
    assert_err(iot_device_close(&dev, 100), IOT_OK);
    UNTIL_WITH(peer_served_turn, closed);
    assert_true(iot_device_idle(&dev));
    assert_true(peer_served_untouched()); /* it held keys */
    lives = false;
}

void peer_served_forget(void)
{
    if (lives) { /* a test has failed: its ports are for the next */
        (void)iot_device_close(&dev, 0);
        for (uint32_t i = 0; i < 200 && !closed; i++)
            peer_served_turn();
    }
    lives = false;
}

uint32_t peer_served_sessions(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++)
        n += peer_served.secure.sessions[i].number != 0;
    return n;
}

bool peer_served_untouched(void)
{
    for (uint32_t i = 0; i < sizeof arena; i++)
        if (arena[i] != 0)
            return false;
    return true;
}

int peer_served_group_setup(void **state)
{
    int failed = peer_group_setup(state);
    if (failed == 0 && !(host_forward_udp(&peer_served_port, PORT) &&
                         host_forward_udp(&peer_served_secure, PORT + 1)))
        return 1;
    return failed;
}

int peer_served_group_teardown(void **state)
{
    return peer_group_teardown(state);
}

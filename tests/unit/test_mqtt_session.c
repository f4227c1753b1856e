/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "heap_trap.h"
#include "mqtt_rooms.h"
#include "mqtt_wire.h"

#define ACKS    ((uint32_t)IOT_MQTT_ACKS_MAX)
#define QOS2_IN ((uint32_t)IOT_MQTT_QOS2_IN_MAX)
#define OUT     ((uint32_t)IOT_MQTT_OUT_MAX)

/* ---- a session and the world around it --------------------------------------------------- */

static struct iot_options opt;
static struct iot_mqtt_session s;
static iot_time now;
static uint8_t scratch[IOT_MQTT_RX_BYTES];
static struct wire in;  /* what the broker says next */
static struct wire out; /* what the wire took */
static uint32_t written;
static uint32_t take_max; /* bytes that the wire takes at once */

static struct {
    uint8_t bytes[IOT_MQTT_RX_BYTES];
    uint32_t len;
} window;

/* A message larger than the window, as its parts come. */
static bool wants_parts;
static uint8_t parts[WIRE_MAX];
static uint32_t parts_got, parts_total;

static char trace[65536];
static size_t trace_len;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    trace_len += (size_t)vsnprintf(trace + trace_len, sizeof trace - trace_len, format, args);
    va_end(args);
    assert_true(trace_len < sizeof trace - 1000);
}

static void forget_trace(void)
{
    trace_len = 0;
    trace[0] = '\0';
}

#define assert_trace(text)                                                                         \
    do {                                                                                           \
        assert_string_equal(trace, text);                                                          \
        forget_trace();                                                                            \
    } while (0)

#define assert_sent(words)                                                                         \
    do {                                                                                           \
        assert_string_equal(wire_words(wire_bytes(&out)), words);                                  \
        wire_clear(&out);                                                                          \
    } while (0)

/* The session, told what time it is. */
static struct iot_mqtt_session *at_now(void)
{
    s.now = now;
    return &s;
}

static iot_err session_check(uint8_t *room, uint32_t cap)
{
    struct iot_credentials who;
    uint32_t len;
    iot_mqtt_credentials(&opt, &who);
    return iot_mqtt_session_check(&opt, &who, room, cap, &len);
}

static iot_err session_start(void)
{
    struct iot_credentials who;
    iot_mqtt_credentials(&opt, &who);
    return iot_mqtt_session_start(at_now(), &who, scratch, sizeof scratch);
}

static void init(uint32_t window_len)
{
    iot_mqtt_session_init(&s, &opt, window_len);
    window.len = 0;
    written = 0;
    wire_clear(&in);
    wire_clear(&out);
    forget_trace();
}

static int setup(void **state)
{
    (void)state;
    memset(&opt, 0, sizeof opt);
    opt.client_id = "c";
    opt.keepalive_s = 60;
    take_max = UINT32_MAX;
    now = 1000000;
    init(sizeof window.bytes);
    return 0;
}

/* Everything that wants to go out goes out. */
static void pump(void)
{
    for (uint32_t calls = 0;; calls++) {
        enum iot_stream_write_flag how;
        struct iot_bytes bytes = iot_mqtt_pending(at_now(), &how);
        if (bytes.len == 0)
            return;
        assert_true(calls < 100000);
        uint32_t n = bytes.len < take_max ? bytes.len : take_max;
        wire_put(&out, bytes.ptr, n);
        written += n;
        iot_mqtt_sent(at_now(), n, written);
        if (how == IOT_STREAM_REF)
            iot_mqtt_ref_released(&s.box, written);
    }
}

static void note_ended(void)
{
    struct iot_mqtt_event ev;
    while (iot_mqtt_ended(&s, &ev)) {
        assert_int_equal(ev.kind, IOT_MQTT_EV_ENDED);
        note("ended %u %s; ", (unsigned)ev.ticket, iot_err_name(ev.err));
    }
}

static void note_event(const struct iot_mqtt_event *ev)
{
    switch (ev->kind) {
    case IOT_MQTT_EV_NONE:
        break;
    case IOT_MQTT_EV_CONNACK:
        note("connack %d; ", ev->session_present);
        break;
    case IOT_MQTT_EV_MESSAGE:
    case IOT_MQTT_EV_LARGE: {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < ev->msg.payload.len; i++)
            sum = sum * 31 + ev->msg.payload.ptr[i];
        note("%s %.*s qos%u%s%s ", ev->kind == IOT_MQTT_EV_MESSAGE ? "msg" : "skipped",
             (int)ev->msg.topic.len, ev->msg.topic.text, ev->msg.qos,
             ev->msg.flags & IOT_MSG_RETAIN ? " retain" : "",
             ev->msg.flags & IOT_MSG_DUP ? " dup" : "");
        if (ev->kind == IOT_MQTT_EV_LARGE) {
            assert_err(ev->err, IOT_ERR_MQTT_TOO_LARGE);
            assert_int_equal(ev->msg.payload.len, 0);
            note("%u; ", (unsigned)ev->total);
        } else {
            note("%u:%u; ", (unsigned)ev->msg.payload.len, (unsigned)sum);
        }
        break;
    }
    case IOT_MQTT_EV_PART:
        assert_true(wants_parts);
        assert_int_equal(ev->msg.offset, parts_got);
        memcpy(parts + parts_got, ev->msg.payload.ptr, ev->msg.payload.len);
        parts_got += ev->msg.payload.len;
        parts_total = ev->msg.total;
        break;
    case IOT_MQTT_EV_SUBACK:
        note("suback %u %u %s; ", (unsigned)ev->ticket, ev->code, iot_err_name(ev->err));
        break;
    case IOT_MQTT_EV_UNSUBACK:
        note("unsuback %u; ", (unsigned)ev->ticket);
        break;
    case IOT_MQTT_EV_ENDED:
        fail_msg("feed does not end messages by itself");
    }
}

/* One call of feed, on a copy whose end is the end of memory. */
static iot_err feed_once(void)
{
    struct iot_mqtt_event ev;
    uint32_t used = 77;
    struct iot_bytes bytes = guarded((struct iot_bytes){window.bytes, window.len});
    memset(&ev, 0xa5, sizeof ev);
    iot_err err = iot_mqtt_feed(at_now(), bytes, &used, &ev);
    if (err != IOT_OK) {
        assert_int_equal(used, 0);
        if (err != IOT_ERR_AGAIN && err != IOT_ERR_FULL)
            note("error %s 0x%02x; ", iot_err_name(err), ev.code);
        return err;
    }
    assert_true(used != 0 && used <= window.len);
    note_event(&ev);
    if (ev.kind == IOT_MQTT_EV_MESSAGE)
        iot_mqtt_accept(&s);
    if (ev.kind == IOT_MQTT_EV_LARGE && !wants_parts)
        mqtt_rooms_skip_rest(&s);
    if (ev.kind == IOT_MQTT_EV_PART)
        iot_mqtt_digest_body(&s, used);
    if (ev.kind == IOT_MQTT_EV_PART && !iot_mqtt_in_body(&s)) {
        assert_int_equal(parts_got, parts_total);
        note("complete %u; ", (unsigned)parts_got);
        parts_got = 0;
    }
    note_ended();
    window.len -= used;
    memmove(window.bytes, window.bytes + used, window.len);
    return IOT_OK;
}

enum pumping { PUMP_EAGER, PUMP_LAZY };

/* Digest what is in the window. Eager: answer each packet at once; lazy: only when one must. */
static iot_err digest(enum pumping how)
{
    for (;;) {
        bool was_up = iot_mqtt_up(&s);
        iot_err err = window.len == 0 ? IOT_ERR_AGAIN : feed_once();
        if (err == IOT_OK) {
            if (how == PUMP_EAGER || !was_up)
                pump();
        } else if (err == IOT_ERR_FULL) {
            uint32_t before = out.len;
            pump();
            assert_true(out.len > before);
        } else {
            return err;
        }
    }
}

/* `in` reaches the window in pieces: `first` bytes, then `then` each. */
static iot_err receive_cut(uint32_t first, uint32_t then, enum pumping how)
{
    uint32_t piece = first;
    iot_err err = IOT_ERR_AGAIN;
    for (uint32_t at = 0; at < in.len;) {
        uint32_t left = in.len - at < piece ? in.len - at : piece;
        while (left != 0) {
            uint32_t n = s.window - window.len;
            if (n > left)
                n = left;
            assert_true(n != 0);
            memcpy(window.bytes + window.len, in.bytes + at, n);
            window.len += n;
            at += n;
            left -= n;
            err = digest(how);
            if (err != IOT_ERR_AGAIN)
                return err;
        }
        piece = then;
    }
    return err;
}

static iot_err receive(void)
{
    iot_err err = receive_cut(UINT32_MAX, 1, PUMP_LAZY);
    wire_clear(&in);
    return err;
}

static void receive_ok(void)
{
    assert_err(receive(), IOT_ERR_AGAIN);
    assert_int_equal(window.len, 0);
}

static void start(void)
{
    assert_err(session_start(), IOT_OK);
    assert_true(iot_mqtt_sending_connect(&s));
    written = 0;
    window.len = 0;
    wire_clear(&out);
    pump();
    assert_false(iot_mqtt_sending_connect(&s));
    assert_sent("CONNECT");
}

/* CONNACK has come; nothing was sent after it so far. */
static void come_up(uint8_t session_present)
{
    start();
    wire_connack(&in, session_present, 0);
    memcpy(window.bytes, in.bytes, in.len);
    window.len = in.len;
    wire_clear(&in);
    assert_err(feed_once(), IOT_OK);
    assert_true(iot_mqtt_up(&s));
    forget_trace();
}

static void lose(void)
{
    iot_mqtt_session_lost(&s);
    note_ended();
    window.len = 0;
}

static struct iot_msg message(const char *topic, uint8_t qos, const char *payload)
{
    return (struct iot_msg){
        .topic = {topic, (uint16_t)strlen(topic), 0}, .payload = text_bytes(payload), .qos = qos};
}

static iot_ticket publish(uint8_t qos)
{
    struct iot_msg msg = message("t", qos, "p");
    iot_ticket ticket = 0;
    assert_err(iot_mqtt_session_publish(&s, &msg, &ticket), IOT_OK);
    assert_int_not_equal(ticket, 0);
    return ticket;
}

static struct iot_filter filter(const char *text, uint8_t qos)
{
    return (struct iot_filter){.filter = {text, (uint16_t)strlen(text), 0}, .qos = qos};
}

static iot_ticket subscribe(const char *text, uint8_t qos)
{
    struct iot_filter f = filter(text, qos);
    iot_ticket ticket = 0;
    assert_err(iot_mqtt_session_subscribe(&s, &f, &ticket), IOT_OK);
    return ticket;
}

static iot_ticket unsubscribe(const char *text)
{
    struct iot_topic topic = {text, (uint16_t)strlen(text), 0};
    iot_ticket ticket = 0;
    uint8_t slot;
    assert_err(iot_mqtt_session_unsubscribe(&s, &topic, &ticket, &slot), IOT_OK);
    return ticket;
}

/* ---- CONNECT ----------------------------------------------------------------------------- */

static void put_text(struct wire *w, const void *bytes, uint32_t n)
{
    uint8_t len[2] = {(uint8_t)(n >> 8), (uint8_t)n};
    wire_put(w, len, 2);
    wire_put(w, bytes, n);
}

static void assert_connect_is_exact(void)
{
    static struct wire body, all;
    uint32_t len;
    wire_clear(&body);
    wire_hex(&body, "0004 4d515454 04");
    uint8_t flags = opt.session == IOT_SESSION_CLEAN ? 2 : 0;
    if (opt.will.topic.len != 0)
        flags = (uint8_t)(flags | 4 | opt.will.qos << 3 | (opt.will.retain ? 0x20 : 0));
    if (opt.user_name != NULL)
        flags |= 0x80;
    if (opt.password.ptr != NULL)
        flags |= 0x40;
    uint8_t head[] = {flags, (uint8_t)(opt.keepalive_s >> 8), (uint8_t)opt.keepalive_s};
    wire_put(&body, head, sizeof head);
    put_text(&body, opt.client_id, (uint32_t)strlen(opt.client_id));
    if (opt.will.topic.len != 0) {
        put_text(&body, opt.will.topic.text, opt.will.topic.len);
        put_text(&body, opt.will.payload.ptr, opt.will.payload.len);
    }
    if (opt.user_name != NULL)
        put_text(&body, opt.user_name, (uint32_t)strlen(opt.user_name));
    if (opt.password.ptr != NULL)
        put_text(&body, opt.password.ptr, opt.password.len);
    wire_clear(&all);
    wire_hex(&all, "10");
    uint8_t low = (uint8_t)(body.len < 128 ? body.len : body.len % 128 + 128);
    uint8_t high = (uint8_t)(body.len / 128);
    wire_put(&all, &low, 1);
    wire_put(&all, &high, body.len < 128 ? 0 : 1);
    wire_put(&all, body.bytes, body.len);

    init(sizeof window.bytes);
    assert_err(session_check(scratch, sizeof scratch), IOT_OK);
    memset(scratch, 0xee, sizeof scratch);
    assert_err(session_start(), IOT_OK);
    pump();
    assert_bytes(wire_bytes(&out), wire_bytes(&all));
    for (len = all.len; len < sizeof scratch; len++)
        assert_int_equal(scratch[len], 0xee);
    /* exactly as much room as it needs, and one byte less */
    assert_err(session_check(scratch, all.len), IOT_OK);
    assert_err(session_check(scratch, all.len - 1), IOT_ERR_SIZE);
}

static void connect_is_byte_exact_for_all_combinations_of_options(void **state)
{
    static const char *const ids[] = {"", "c", "0123456789abcdefghijklmnopqrstuvwxyz"};
    static const char *const users[] = {NULL, "", "user\xc3\xa9"};
    static const struct iot_bytes passwords[] = {
        {NULL, 0}, {(const uint8_t *)"", 0}, {(const uint8_t *)"\0\xff\x80", 3}};
    static char long_text[200];
    static const struct iot_will wills[] = {
        {.topic = {NULL, 0, 0}},
        {.topic = IOT_TOPIC("w"), .payload = {NULL, 0}},
        {.topic = IOT_TOPIC("w/x"), .payload = {(const uint8_t *)"gone", 4}, .qos = 1},
        {.topic = IOT_TOPIC("w"), .payload = {(const uint8_t *)"", 0}, .qos = 2, .retain = true},
        {.topic = IOT_TOPIC("w"), .payload = {(const uint8_t *)long_text, 200}, .retain = true},
    };
    static const uint16_t keepalives[] = {0, 60, 65535};
    uint32_t combinations = 0;
    (void)state;
    for (uint32_t a = 0; a < COUNT(ids); a++)
        for (uint32_t b = 0; b < COUNT(users); b++)
            for (uint32_t c = 0; c < COUNT(passwords); c++)
                for (uint32_t d = 0; d < COUNT(wills); d++)
                    for (uint32_t e = 0; e < COUNT(keepalives); e++)
                        for (int keep = 0; keep <= 1; keep++) {
                            if ((keep && a == 0) || (b == 0 && c != 0))
                                continue;
                            opt.client_id = ids[a];
                            opt.user_name = users[b];
                            opt.password = passwords[c];
                            opt.will = wills[d];
                            opt.keepalive_s = keepalives[e];
                            opt.session = keep ? IOT_SESSION_KEEP : IOT_SESSION_CLEAN;
                            assert_connect_is_exact();
                            combinations++;
                        }
    assert_int_equal(combinations, 7 * 5 * 3 * 5);
}

static void options_that_no_connect_can_say_are_refused(void **state)
{
    (void)state;
    uint8_t room[64];
    opt.client_id = NULL;
    assert_err(session_check(room, sizeof room), IOT_ERR_ARG);
    opt.client_id = "";
    opt.session = IOT_SESSION_KEEP;
    assert_err(session_check(room, sizeof room), IOT_ERR_ARG);
    opt.session = IOT_SESSION_CLEAN;
    assert_err(session_check(room, sizeof room), IOT_OK);
    opt.password = BYTES("secret");
    assert_err(session_check(room, sizeof room), IOT_ERR_ARG);
    opt.user_name = "\xc0\x80";
    assert_err(session_check(room, sizeof room), IOT_ERR_MQTT_TOPIC);
    opt.user_name = "u";
    opt.client_id = "\xed\xa0\x80";
    assert_err(session_check(room, sizeof room), IOT_ERR_MQTT_TOPIC);
    opt.client_id = "c";
    opt.will.topic = (struct iot_topic)IOT_TOPIC("w/#");
    assert_err(session_check(room, sizeof room), IOT_ERR_MQTT_TOPIC);
    opt.will.topic = (struct iot_topic)IOT_TOPIC("w");
    opt.will.qos = 3;
    assert_err(session_check(room, sizeof room), IOT_ERR_ARG);
    opt.will.qos = 0;
    opt.will.payload.len = 1;
    assert_err(session_check(room, sizeof room), IOT_ERR_ARG);
    opt.will.payload = BYTES("x");
    assert_err(session_check(room, sizeof room), IOT_OK);
    opt.will.payload.len = 65536;
    opt.will.payload.ptr = room;
    assert_err(session_check(room, UINT32_MAX), IOT_ERR_SIZE);
}

static void connect_goes_first_and_once_and_publishes_wait_for_connack(void **state)
{
    (void)state;
    publish(0);
    subscribe("a", 0);
    take_max = 1;
    start();
    publish(1);
    iot_mqtt_watch_probe(&s.watch);
    pump();
    assert_sent("");
    wire_connack(&in, 0, 0);
    receive_ok();
    pump();
    assert_sent("SUBSCRIBE(2) PUBLISH PUBLISH(1)");
    assert_trace("connack 0; ");
    assert_false(iot_mqtt_sending_connect(&s));
}

/* ---- CONNACK ----------------------------------------------------------------------------- */

static void every_refusing_code_is_a_refusal_with_that_code(void **state)
{
    (void)state;
    for (uint32_t code = 1; code <= 255; code++) {
        char text[64];
        setup(NULL);
        opt.session = code & 1 ? IOT_SESSION_CLEAN : IOT_SESSION_KEEP;
        start();
        wire_connack(&in, 0, (uint8_t)code);
        assert_err(receive(), IOT_ERR_MQTT_REFUSED);
        snprintf(text, sizeof text, "error MQTT_REFUSED 0x%02x; ", (unsigned)code);
        assert_trace(text);
        assert_false(iot_mqtt_up(&s));
        lose();
        come_up(0);
    }
}

static void a_session_that_nobody_asked_for_is_refused_by_name(void **state)
{
    (void)state;
    start();
    wire_connack(&in, 1, 0);
    assert_err(receive(), IOT_ERR_MQTT_SESSION);
    setup(NULL);
    opt.session = IOT_SESSION_KEEP;
    start();
    wire_connack(&in, 1, 0);
    receive_ok();
    assert_trace("connack 1; ");
}

/* ---- cut at every position --------------------------------------------------------------- */

#define SMALL_WINDOW 160u

/* A kept session that was lost in the middle of everything. */
static void prepare_resumed(void)
{
    setup(NULL);
    opt.session = IOT_SESSION_KEEP;
    init(SMALL_WINDOW);
    assert_int_equal(publish(1), 1);
    assert_int_equal(publish(2), 2);
    assert_int_equal(publish(2), 3);
    assert_int_equal(subscribe("a/#", 1), 4);
    come_up(0);
    pump(); /* SUBSCRIBE has id 4 */
    wire_suback(&in, 4, 1);
    wire_ack(&in, 0x50, 3);
    receive_ok();
    lose();
    assert_int_equal(publish(1), 5);
    assert_int_equal(subscribe("b", 2), 6);
    assert_int_equal(unsubscribe("a/#"), 7);
    start();
    forget_trace();
}

static void script_resumed(void)
{
    wire_connack(&in, 1, 0); /* PUBREL 3, UNSUBSCRIBE a/#, SUBSCRIBE b, PUBLISH 1 2 5 */
    wire_publish(&in, 0, "a/b", 0, "zero", 4);
    wire_publish(&in, 1, "a/b", 0, NULL, 0);
    wire_publish(&in, 2, "a/b", 10, "one", 3);
    wire_publish(&in, 0xb, "a/b", 10, "dup", 3);
    wire_publish(&in, 4, "a/b", 10, "two", 3);
    wire_publish(&in, 0xc, "a/b", 10, "two", 3);
    wire_ack(&in, 0x62, 10);
    wire_publish(&in, 4, "a/b", 10, "new", 3);
    wire_ack(&in, 0x62, 10);
    wire_ack(&in, 0x62, 999);
    wire_ack(&in, 0x40, 1);
    wire_ack(&in, 0x40, 1);
    wire_ack(&in, 0x70, 3);
    wire_ack(&in, 0x50, 2);
    wire_ack(&in, 0x50, 777);
    wire_ack(&in, 0x70, 777);
    wire_ack(&in, 0x70, 2);
    wire_pingresp(&in);
    wire_publish_filled(&in, 0, "big/0", 0, 'x', 200);
    wire_publish_filled(&in, 3, "big/1", 20, 'x', SMALL_WINDOW);
    wire_publish_filled(&in, 4, "big/2", 21, 'x', 400);
    wire_publish_filled(&in, 0xc, "big/2", 21, 'x', 400);
    wire_ack(&in, 0x62, 21);
    wire_publish_filled(&in, 0, "fits", 0, 'y', SMALL_WINDOW - 9); /* exactly the window */
    wire_publish_filled(&in, 0, "over", 0, 'y', SMALL_WINDOW - 8);
    for (uint16_t id = 100; id < 100 + 3 * ACKS; id++)
        wire_publish(&in, 2, "burst", id, "b", 1);
    for (uint16_t id = 200; id < 205; id++)
        wire_publish(&in, 4, "burst", id, "b", 1);
    for (uint16_t id = 204; id >= 200; id--)
        wire_ack(&in, 0x62, id);
    wire_suback(&in, 5000, 0);
    wire_ack(&in, 0xb0, 5000);
    for (uint16_t id = 6; id <= 7; id++) {
        wire_suback(&in, id, 0x80);
        wire_ack(&in, 0xb0, id);
    }
    wire_ack(&in, 0x40, 5);
    wire_ack(&in, 0x40, 4);
}

static char first_trace[sizeof trace];
static struct wire first_out;

static void assert_same_for_every_cut(void (*prepare)(void), void (*script)(void), iot_err expected)
{
    for (int how = PUMP_EAGER; how <= PUMP_LAZY; how++) {
        uint32_t len = 1;
        for (uint32_t cut = 0; cut <= len; cut++) {
            /* whole, byte by byte, then in two pieces */
            prepare();
            script();
            len = in.len;
            uint32_t first = cut == 0 ? len : cut;
            iot_err err = receive_cut(first, cut == 1 ? 1 : len, (enum pumping)how);
            if (err == IOT_ERR_AGAIN)
                pump();
            assert_err(err, expected);
            if (cut == 0) {
                strcpy(first_trace, trace);
                first_out = out;
                continue;
            }
            if (strcmp(trace, first_trace) != 0)
                print_message("cut at %u of %u\n", (unsigned)cut, (unsigned)len);
            assert_string_equal(trace, first_trace);
            assert_bytes(wire_bytes(&out), wire_bytes(&first_out));
        }
    }
}

static void a_long_conversation_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    assert_same_for_every_cut(prepare_resumed, script_resumed, IOT_ERR_AGAIN);
    /* the trace itself, as far as it is not repetitive */
    static const char expected[] =
        "connack 1; msg a/b qos0 4:3735208; msg a/b qos0 retain 0:0; msg a/b qos1 3:110182; "
        "msg a/b qos1 retain dup 3:99839; msg a/b qos2 3:115276; msg a/b qos2 3:108960; "
        "ended 1 OK; ended 3 OK; ended 2 OK; "
        "skipped big/0 qos0 210; skipped big/1 qos1 retain 172; skipped big/2 qos2 412; "
        "msg fits qos0 151:";
    assert_memory_equal(first_trace, expected, sizeof expected - 1);
    assert_non_null(strstr(first_trace, "skipped over qos0 161; "));
    assert_non_null(strstr(first_trace, "ended 5 OK; "));
    assert_non_null(strstr(first_trace, "unsuback 7; "));
    assert_non_null(strstr(first_trace, "suback 6 128 MQTT_SUBACK; "));
    assert_true(iot_mqtt_session_idle(&s));
}

/* ---- violations -------------------------------------------------------------------------- */

static const char *bad_hex;
static uint32_t bad_fill; /* so many further bytes behind it */

static void prepare_connecting(void)
{
    setup(NULL);
    init(SMALL_WINDOW);
    start();
}

static void prepare_up(void)
{
    setup(NULL);
    init(SMALL_WINDOW);
    subscribe("a", 0);
    publish(1);
    come_up(0);
    pump();
    assert_sent("SUBSCRIBE(2) PUBLISH(1)");
}

static void script_bad_first(void)
{
    wire_hex(&in, bad_hex);
    for (uint32_t i = 0; i < bad_fill; i++)
        wire_put(&in, "", 1);
}

static void script_bad(void)
{
    wire_publish(&in, 2, "a", 9, "good", 4);
    script_bad_first();
}

struct violation {
    const char *hex;
    iot_err err;
};

static void what_may_not_come_first_is_refused_whatever_it_is(void **state)
{
    (void)state;
    static const struct violation cases[] = {
        {"30 04 0001 61 62", IOT_ERR_MQTT_PROTOCOL},
        {"32 06 0001 61 0001 62", IOT_ERR_MQTT_PROTOCOL},
        {"40 02 0001", IOT_ERR_MQTT_PROTOCOL},
        {"50 02 0001", IOT_ERR_MQTT_PROTOCOL},
        {"62 02 0001", IOT_ERR_MQTT_PROTOCOL},
        {"70 02 0001", IOT_ERR_MQTT_PROTOCOL},
        {"90 03 0001 00", IOT_ERR_MQTT_PROTOCOL},
        {"b0 02 0001", IOT_ERR_MQTT_PROTOCOL},
        {"d0 00", IOT_ERR_MQTT_PROTOCOL},
        {"10 00", IOT_ERR_MQTT_PROTOCOL},
        {"82 00", IOT_ERR_MQTT_PROTOCOL},
        {"a2 00", IOT_ERR_MQTT_PROTOCOL},
        {"c0 00", IOT_ERR_MQTT_PROTOCOL},
        {"e0 00", IOT_ERR_MQTT_PROTOCOL},
        {"20 02 01 00", IOT_ERR_MQTT_SESSION},
        {"20 02 01 01", IOT_ERR_MQTT_MALFORMED}, /* MQTT-3.2.2-4 */
        {"20 02 02 00", IOT_ERR_MQTT_MALFORMED},
        {"20 02 80 00", IOT_ERR_MQTT_MALFORMED},
        {"20 03 00 00 00", IOT_ERR_MQTT_MALFORMED},
        {"20 01 00", IOT_ERR_MQTT_MALFORMED},
        {"20 00", IOT_ERR_MQTT_MALFORMED},
        {"20 82 00 00 00", IOT_ERR_MQTT_MALFORMED},
        {"21 02 00 00", IOT_ERR_MQTT_MALFORMED},
        {"00 00", IOT_ERR_MQTT_MALFORMED},
        {"f0 00", IOT_ERR_MQTT_MALFORMED},
        {"48545450 2f312e31", IOT_ERR_MQTT_MALFORMED}, /* an HTTP server */
        {"20 02 00 05", IOT_ERR_MQTT_REFUSED},
        {"20 02 00 ff", IOT_ERR_MQTT_REFUSED},
    };
    bad_fill = 0;
    for (uint32_t i = 0; i < COUNT(cases); i++) {
        bad_hex = cases[i].hex;
        assert_same_for_every_cut(prepare_connecting, script_bad_first, cases[i].err);
    }
    /* larger than the window, well-formed and not */
    static const struct violation large[] = {
        {"30 ac02 0001 61", IOT_ERR_MQTT_PROTOCOL},
        {"30 ac02 0001 2b", IOT_ERR_MQTT_MALFORMED},
        {"32 ac02 0001 61 0000", IOT_ERR_MQTT_MALFORMED},
        {"30 ac02 0124 61", IOT_ERR_MQTT_MALFORMED}, /* NUL follows */
        {"90 ac02 0001", IOT_ERR_MQTT_TOO_LARGE},
        {"90 ac02 0000", IOT_ERR_MQTT_TOO_LARGE},
    };
    bad_fill = 300;
    for (uint32_t i = 0; i < COUNT(large); i++) {
        bad_hex = large[i].hex;
        assert_same_for_every_cut(prepare_connecting, script_bad_first, large[i].err);
    }
}

static void every_violation_closes_by_name_after_what_came_before_it(void **state)
{
    (void)state;
    static const struct violation cases[] = {
        {"20 02 00 00", IOT_ERR_MQTT_PROTOCOL}, /* a second CONNACK */
        {"20 02 01 00", IOT_ERR_MQTT_PROTOCOL},
        {"20 02 00 05", IOT_ERR_MQTT_PROTOCOL},
        {"10 00", IOT_ERR_MQTT_PROTOCOL},
        {"82 00", IOT_ERR_MQTT_PROTOCOL},
        {"a2 00", IOT_ERR_MQTT_PROTOCOL},
        {"c0 00", IOT_ERR_MQTT_PROTOCOL},
        {"e0 00", IOT_ERR_MQTT_PROTOCOL},
        {"00 00", IOT_ERR_MQTT_MALFORMED},
        {"f0 00", IOT_ERR_MQTT_MALFORMED},
        {"36 06 0001 61 0001 62", IOT_ERR_MQTT_MALFORMED}, /* QoS 3 */
        {"3e 06 0001 61 0001 62", IOT_ERR_MQTT_MALFORMED},
        {"38 04 0001 61 62", IOT_ERR_MQTT_MALFORMED}, /* DUP with QoS 0 */
        {"32 06 0001 61 0000 62", IOT_ERR_MQTT_MALFORMED},
        {"34 06 0001 61 0000 62", IOT_ERR_MQTT_MALFORMED},
        {"40 02 0000", IOT_ERR_MQTT_MALFORMED},
        {"50 02 0000", IOT_ERR_MQTT_MALFORMED},
        {"62 02 0000", IOT_ERR_MQTT_MALFORMED},
        {"70 02 0000", IOT_ERR_MQTT_MALFORMED},
        {"90 03 0000 00", IOT_ERR_MQTT_MALFORMED},
        {"b0 02 0000", IOT_ERR_MQTT_MALFORMED},
        {"30 02 0000", IOT_ERR_MQTT_MALFORMED}, /* empty topic */
        {"30 03 0000 61", IOT_ERR_MQTT_MALFORMED},
        {"30 04 0003 61 62", IOT_ERR_MQTT_MALFORMED}, /* topic beyond the packet */
        {"30 04 ffff 61 62", IOT_ERR_MQTT_MALFORMED},
        {"32 05 0003 61 62 63", IOT_ERR_MQTT_MALFORMED},
        {"30 01 00", IOT_ERR_MQTT_MALFORMED},
        {"30 00", IOT_ERR_MQTT_MALFORMED},
        {"30 04 0002 2b 61", IOT_ERR_MQTT_MALFORMED},
        {"30 04 0002 61 23", IOT_ERR_MQTT_MALFORMED},
        {"30 04 0002 61 00", IOT_ERR_MQTT_MALFORMED},
        {"30 05 0003 ed a0 80", IOT_ERR_MQTT_MALFORMED},
        {"30 04 0002 c0 80", IOT_ERR_MQTT_MALFORMED},
        {"30 03 0001 80", IOT_ERR_MQTT_MALFORMED},
        {"30 ffffffff 7f 00", IOT_ERR_MQTT_MALFORMED}, /* a fifth length byte */
        {"30 80808080 01", IOT_ERR_MQTT_MALFORMED},
        {"30 8400 0001 61 62", IOT_ERR_MQTT_MALFORMED}, /* a needless length byte */
        {"d0 8000", IOT_ERR_MQTT_MALFORMED},
        {"d0 01 00", IOT_ERR_MQTT_MALFORMED},
        {"40 03 0001 00", IOT_ERR_MQTT_MALFORMED},
        {"40 01 00", IOT_ERR_MQTT_MALFORMED},
        {"b0 03 0001 00", IOT_ERR_MQTT_MALFORMED},
        {"90 02 0002", IOT_ERR_MQTT_MALFORMED},
        {"90 03 0002 03", IOT_ERR_MQTT_MALFORMED},
        {"90 03 0002 81", IOT_ERR_MQTT_MALFORMED},
        {"90 04 0002 00 00", IOT_ERR_MQTT_PROTOCOL}, /* one filter, two codes */
        {"90 05 0002 80 80 80", IOT_ERR_MQTT_PROTOCOL},
    };
    bad_fill = 0;
    for (uint32_t i = 0; i < COUNT(cases); i++) {
        bad_hex = cases[i].hex;
        assert_same_for_every_cut(prepare_up, script_bad, cases[i].err);
        assert_memory_equal(first_trace, "msg a qos1 4:", 13);
    }
    static const struct violation large[] = {
        {"90 ac02 0002", IOT_ERR_MQTT_TOO_LARGE},
        {"90 ac02 0000", IOT_ERR_MQTT_TOO_LARGE},
        {"30 ac02 0001 23", IOT_ERR_MQTT_MALFORMED},
        {"36 ac02 0001 61", IOT_ERR_MQTT_MALFORMED},
        {"32 ac02 0001 61 0000", IOT_ERR_MQTT_MALFORMED},
        {"30 ac02 012b 61", IOT_ERR_MQTT_MALFORMED},
    };
    bad_fill = 300;
    for (uint32_t i = 0; i < COUNT(large); i++) {
        bad_hex = large[i].hex;
        assert_same_for_every_cut(prepare_up, script_bad, large[i].err);
    }
}

static void each_wrong_nibble_of_reserved_flags_is_malformed(void **state)
{
    (void)state;
    static const uint8_t first[] = {0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xd0};
    for (uint32_t i = 0; i < COUNT(first); i++) {
        for (uint8_t nibble = 0; nibble < 16; nibble++) {
            uint8_t byte = (uint8_t)((first[i] & 0xf0) | nibble);
            if (byte == first[i])
                continue;
            if (first[i] == 0x20)
                prepare_connecting();
            else
                prepare_up();
            wire_put(&in, &byte, 1);
            wire_hex(&in, first[i] == 0xd0 ? "00" : first[i] == 0x90 ? "03 0002 00" : "02 0001");
            assert_err(receive(), IOT_ERR_MQTT_MALFORMED);
        }
    }
}

static void a_topic_that_alone_exceeds_the_window_closes_by_name(void **state)
{
    (void)state;
    prepare_up();
    char topic[SMALL_WINDOW + 1];
    memset(topic, 'x', sizeof topic - 1);
    topic[sizeof topic - 1] = '\0';
    wire_publish(&in, 2, topic, 5, "p", 1);
    assert_err(receive(), IOT_ERR_MQTT_TOO_LARGE);
    assert_trace("error MQTT_TOO_LARGE 0x32; ");
}

/* ---- incoming messages ------------------------------------------------------------------- */

static void a_message_is_acknowledged_only_after_it_was_accepted(void **state)
{
    (void)state;
    struct iot_mqtt_event ev;
    uint32_t used;
    come_up(0);
    wire_publish(&in, 2, "a", 7, "x", 1);
    for (int again = 0; again < 3; again++) { /* declined, and offered again */
        assert_err(iot_mqtt_feed(at_now(), wire_bytes(&in), &used, &ev), IOT_OK);
        assert_int_equal(ev.kind, IOT_MQTT_EV_MESSAGE);
        assert_int_equal(used, in.len);
        pump();
        assert_sent("");
    }
    iot_mqtt_accept(&s);
    pump();
    assert_sent("PUBACK(7)");
    iot_mqtt_accept(&s); /* nothing is offered any more */
    pump();
    assert_sent("");
    /* offered, and the link was lost: the next one owes nothing */
    assert_err(iot_mqtt_feed(at_now(), wire_bytes(&in), &used, &ev), IOT_OK);
    lose();
    wire_clear(&in);
    come_up(0);
    iot_mqtt_accept(&s);
    pump();
    assert_sent("");
}

static void qos_2_is_delivered_once_until_its_pubrel(void **state)
{
    (void)state;
    come_up(0);
    wire_publish(&in, 4, "a", 7, "x", 1);
    wire_publish(&in, 0xc, "a", 7, "x", 1);
    wire_publish(&in, 4, "a", 7, "x", 1); /* DUP says nothing */
    receive_ok();
    assert_trace("msg a qos2 1:120; ");
    pump();
    assert_sent("PUBREC(7) PUBREC(7) PUBREC(7)");
    assert_false(iot_mqtt_session_idle(&s));
    wire_ack(&in, 0x62, 7);
    wire_ack(&in, 0x62, 7);
    receive_ok();
    pump();
    assert_sent("PUBCOMP(7) PUBCOMP(7)");
    assert_true(iot_mqtt_session_idle(&s));
    wire_publish(&in, 0xc, "a", 7, "x", 1); /* a new message now */
    receive_ok();
    assert_trace("msg a qos2 dup 1:120; ");
}

static void qos_1_with_the_same_id_is_a_new_message_each_time(void **state)
{
    (void)state;
    come_up(0);
    wire_publish(&in, 2, "a", 7, "x", 1);
    wire_publish(&in, 0xa, "a", 7, "x", 1);
    receive_ok();
    assert_trace("msg a qos1 1:120; msg a qos1 dup 1:120; ");
    pump();
    assert_sent("PUBACK(7) PUBACK(7)");
}

static void received_qos_2_ids_survive_in_a_kept_session_only(void **state)
{
    (void)state;
    for (int mode = 0; mode < 3; mode++) { /* clean; kept and lost by the broker; kept */
        setup(NULL);
        opt.session = mode == 0 ? IOT_SESSION_CLEAN : IOT_SESSION_KEEP;
        come_up(0);
        wire_publish(&in, 4, "a", 7, "x", 1);
        receive_ok();
        pump();
        lose();
        assert_int_equal(iot_mqtt_session_idle(&s), mode == 0);
        come_up(mode == 2);
        wire_publish(&in, 0xc, "a", 7, "x", 1);
        receive_ok();
        assert_trace(mode == 2 ? "" : "msg a qos2 dup 1:120; ");
        pump();
        assert_sent("PUBREC(7)");
    }
}

static void more_qos_2_messages_than_the_table_holds_close_by_name(void **state)
{
    (void)state;
    come_up(0);
    for (uint16_t id = 1; id <= QOS2_IN; id++) {
        wire_publish(&in, 4, "a", id, "x", 1);
        receive_ok();
        pump();
    }
    forget_trace();
    wire_publish(&in, 0xc, "a", (uint16_t)QOS2_IN, "x", 1); /* known ones need no place */
    wire_publish(&in, 2, "a", 999, "x", 1);
    receive_ok();
    assert_trace("msg a qos1 1:120; ");
    wire_clear(&out);
    wire_publish(&in, 4, "a", (uint16_t)(QOS2_IN + 1), "x", 1);
    assert_err(receive(), IOT_ERR_MQTT_QOS2_FULL);
    assert_trace("error MQTT_QOS2_FULL 0x34; ");
    IF_STATS(assert_int_equal(s.inbox.held_high, QOS2_IN);)
    lose();
    assert_true(iot_mqtt_session_idle(&s));
}

static void a_full_table_of_qos_2_ids_also_refuses_an_oversized_one(void **state)
{
    (void)state;
    come_up(0);
    for (uint16_t id = 1; id <= QOS2_IN; id++) {
        wire_publish(&in, 4, "a", id, "x", 1);
        receive_ok();
        pump();
    }
    wire_publish_filled(&in, 4, "a", 9999, 'x', 2000);
    assert_err(receive(), IOT_ERR_MQTT_QOS2_FULL);
}

static void a_full_ack_table_stops_reading_and_loses_nothing(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {2, 4, 0x62}; /* QoS 1, QoS 2, PUBREL: all owe an answer */
    for (uint32_t k = 0; k < COUNT(kinds); k++) {
        setup(NULL);
        come_up(0);
        struct iot_mqtt_event ev;
        uint32_t used;
        for (uint16_t id = 1; id <= ACKS; id++)
            wire_publish(&in, 2, "a", id, "x", 1);
        receive_ok();
        forget_trace();
        if (kinds[k] == 0x62)
            wire_ack(&in, 0x62, 77);
        else
            wire_publish(&in, kinds[k], "a", 77, "x", 1);
        struct iot_mqtt_session before = s;
        for (int again = 0; again < 2; again++) {
            assert_err(iot_mqtt_feed(at_now(), wire_bytes(&in), &used, &ev), IOT_ERR_FULL);
            assert_int_equal(used, 0);
            assert_int_equal(ev.kind, IOT_MQTT_EV_NONE);
            assert_memory_equal(&before, &s, sizeof s);
        }
        /* what owes nothing passes */
        static struct wire other;
        wire_clear(&other);
        wire_pingresp(&other);
        assert_err(iot_mqtt_feed(at_now(), wire_bytes(&other), &used, &ev), IOT_OK);
        receive_ok(); /* pumps when it must */
        pump();
        struct iot_bytes rest = wire_bytes(&out);
        struct wire_packet p;
        for (uint16_t id = 1; id <= ACKS; id++) {
            assert_true(wire_next(&rest, &p));
            assert_int_equal(p.type, 4);
            assert_int_equal(p.id, id);
        }
        assert_true(wire_next(&rest, &p));
        assert_int_equal(p.type, k == 0 ? 4 : k == 1 ? 5 : 7);
        assert_int_equal(p.id, 77);
        assert_int_equal(rest.len, 0);
    }
}

static void a_dead_wire_is_owed_nothing_and_all_that_came_before_is_digested(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    publish(2);
    come_up(0);
    pump();
    wire_clear(&out);
    for (uint16_t id = 1; id <= ACKS; id++)
        wire_publish(&in, 2, "a", id, "x", 1);
    receive_ok();
    iot_mqtt_session_mute(&s);
    forget_trace();
    wire_ack(&in, 0x50, 1);
    for (uint16_t id = 1; id <= 2 * ACKS; id++) {
        wire_publish(&in, 2, "a", id, "x", 1);
        wire_ack(&in, 0x62, id);
        wire_ack(&in, 0x50, (uint16_t)(id + 100));
    }
    wire_publish(&in, 4, "a", 7, "x", 1);
    wire_publish_filled(&in, 2, "big", 8, 'x', 3000);
    memcpy(window.bytes, in.bytes, sizeof window.bytes);
    for (uint32_t at = 0; at < in.len;) { /* without ever pumping */
        uint32_t n = s.window - window.len < in.len - at ? s.window - window.len : in.len - at;
        memcpy(window.bytes + window.len, in.bytes + at, n);
        window.len += n;
        at += n;
        while (window.len != 0 && feed_once() == IOT_OK)
            continue;
    }
    assert_int_equal(window.len, 0);
    assert_non_null(strstr(trace, "msg a qos2 1:120; skipped big qos1 3010; "));
    assert_int_equal(s.inbox.owed, 0);
    lose();
    wire_clear(&in);
    come_up(1);
    wire_publish(&in, 0xc, "a", 7, "x", 1); /* it was taken over */
    wire_publish(&in, 2, "a", 9, "x", 1);   /* and the next wire is owed again */
    receive_ok();
    assert_trace("msg a qos1 1:120; ");
    pump();
    assert_sent("PUBREC(7) PUBACK(9) PUBREL(1)");
}

static void pubacks_and_pubrecs_leave_in_the_order_of_their_messages(void **state)
{
    (void)state;
    come_up(0);
    wire_publish(&in, 2, "a", 5, "x", 1);
    wire_publish(&in, 4, "a", 3, "x", 1);
    wire_publish(&in, 2, "a", 9, "x", 1);
    wire_publish(&in, 4, "a", 1, "x", 1);
    wire_publish(&in, 2, "a", 2, "x", 1);
    wire_ack(&in, 0x62, 3);
    wire_publish(&in, 2, "a", 4, "x", 1);
    receive_ok();
    pump();
    assert_sent("PUBACK(5) PUBREC(3) PUBACK(9) PUBREC(1) PUBACK(2) PUBCOMP(3) PUBACK(4)");
}

static void a_skipped_message_is_acknowledged_when_its_last_byte_is_gone(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        setup(NULL);
        come_up(0);
        wire_publish_filled(&in, (uint8_t)(qos << 1), "big", 7, 'x', 5000);
        in.len--;
        assert_err(receive(), IOT_ERR_AGAIN);
        pump();
        assert_sent("");
        char text[64];
        snprintf(text, sizeof text, "skipped big qos%u %u; ", qos, 5000 + 8 + (qos ? 2 : 0));
        assert_trace(text);
        wire_put(&in, "x", 1);
        receive_ok();
        pump();
        assert_sent(qos == 0 ? "" : qos == 1 ? "PUBACK(7)" : "PUBREC(7)");
        assert_trace("");
        if (qos != 2)
            continue;
        wire_publish_filled(&in, 0xc, "big", 7, 'x', 5000); /* reported once */
        wire_ack(&in, 0x62, 7);
        receive_ok();
        assert_trace("");
        pump();
        assert_sent("PUBREC(7) PUBCOMP(7)");
        assert_true(iot_mqtt_session_idle(&s));
    }
}

static void the_end_of_a_skipped_message_waits_for_room_among_the_acks(void **state)
{
    (void)state;
    struct iot_mqtt_event ev;
    uint32_t used;
    come_up(0);
    for (uint16_t id = 1; id < ACKS; id++)
        wire_publish(&in, 2, "a", id, "x", 1);
    wire_publish_filled(&in, 2, "big", 70, 'x', 3000);
    in.len -= 10;
    assert_err(receive(), IOT_ERR_AGAIN);
    assert_int_equal(s.inbox.owed, ACKS - 1);
    s.inbox.ack[s.inbox.owed++] = (struct iot_mqtt_ack){99, IOT_MQTT_PUBACK};
    assert_err(iot_mqtt_feed(at_now(), BYTES("xxxxxxxxxx"), &used, &ev), IOT_ERR_FULL);
    assert_err(iot_mqtt_feed(at_now(), BYTES("xxxxxxxxx"), &used, &ev), IOT_OK);
    assert_int_equal(used, 9);
    assert_err(iot_mqtt_feed(at_now(), BYTES("x"), &used, &ev), IOT_ERR_FULL);
    pump();
    assert_err(iot_mqtt_feed(at_now(), BYTES("x"), &used, &ev), IOT_OK);
    wire_clear(&out);
    pump();
    assert_sent("PUBACK(70)");
}

static void a_link_lost_while_skipping_leaves_nothing_behind(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    come_up(0);
    wire_publish_filled(&in, 4, "big", 7, 'x', 5000);
    in.len -= 100;
    assert_err(receive(), IOT_ERR_AGAIN);
    lose();
    assert_true(iot_mqtt_session_idle(&s));
    come_up(1);
    wire_publish_filled(&in, 0xc, "big", 7, 'x', 5000);
    receive_ok();
    pump();
    assert_trace("skipped big qos2 dup 5010; ");
    assert_sent("PUBREC(7)");
}

/* ---- outgoing messages ------------------------------------------------------------------- */

static void unmatched_acknowledgements_are_harmless(void **state)
{
    (void)state;
    iot_ticket a = publish(1), b = publish(2);
    subscribe("a", 0);
    come_up(0);
    pump();
    assert_sent("SUBSCRIBE(3) PUBLISH(1) PUBLISH(2)");
    wire_ack(&in, 0x40, 500);
    wire_ack(&in, 0x40, 2); /* that is a QoS 2 message */
    wire_ack(&in, 0x40, 3); /* that is a SUBSCRIBE */
    wire_ack(&in, 0x70, 1);
    wire_ack(&in, 0x70, 2); /* before PUBREC */
    wire_ack(&in, 0x70, 500);
    wire_ack(&in, 0x50, 1);
    wire_suback(&in, 1, 0);
    wire_suback(&in, 500, 0x80);
    wire_hex(&in, "90 04 01f4 00 00"); /* not ours: its count is nobody's business */
    wire_ack(&in, 0xb0, 3);
    wire_ack(&in, 0xb0, 1);
    wire_pingresp(&in);
    wire_pingresp(&in);
    receive_ok();
    pump();
    assert_trace("");
    assert_sent("");
    wire_ack(&in, 0x40, 1);
    wire_ack(&in, 0x50, 2);
    wire_ack(&in, 0x70, 2);
    wire_suback(&in, 3, 0);
    receive_ok();
    char text[128];
    snprintf(text, sizeof text, "ended %u OK; ended %u OK; suback 3 0 OK; ", (unsigned)a,
             (unsigned)b);
    assert_trace(text);
    assert_int_equal(s.watch.awaited, 0);
}

static void an_unknown_pubrec_is_answered_so_that_the_broker_can_finish(void **state)
{
    (void)state;
    come_up(0);
    wire_ack(&in, 0x50, 500);
    receive_ok();
    pump();
    assert_sent("PUBREL(500)");
    wire_ack(&in, 0x70, 500);
    receive_ok();
    assert_trace("");
    assert_true(iot_mqtt_session_idle(&s));
}

static void pubrels_leave_in_the_order_of_the_pubrecs(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        publish(2);
    come_up(0);
    pump();
    wire_clear(&out);
    wire_ack(&in, 0x50, 3);
    wire_ack(&in, 0x50, 1);
    receive_ok();
    pump();
    assert_sent("PUBREL(3) PUBREL(1)");
    /* ids that we know nothing of among them */
    wire_ack(&in, 0x50, 4);
    wire_ack(&in, 0x50, 500);
    wire_ack(&in, 0x50, 2);
    receive_ok();
    pump();
    assert_sent("PUBREL(4) PUBREL(500) PUBREL(2)");
}

static void pubrels_are_resent_in_their_order_before_the_publishes(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    for (int i = 0; i < 5; i++)
        publish(2);
    come_up(0);
    pump();
    wire_ack(&in, 0x50, 4);
    wire_ack(&in, 0x50, 2);
    wire_ack(&in, 0x50, 5);
    wire_ack(&in, 0x70, 4);
    receive_ok();
    pump();
    lose();
    wire_clear(&out);
    come_up(1);
    pump();
    assert_sent("PUBREL(2) PUBREL(5) PUBLISH+DUP(1) PUBLISH+DUP(3)");
    assert_int_equal(s.watch.awaited, 4);
    wire_ack(&in, 0x70, 5);
    wire_ack(&in, 0x70, 2);
    wire_ack(&in, 0x50, 1);
    wire_ack(&in, 0x50, 3);
    receive_ok();
    pump();
    assert_sent("PUBREL(1) PUBREL(3)");
    wire_ack(&in, 0x70, 1);
    wire_ack(&in, 0x70, 3);
    receive_ok();
    assert_true(iot_mqtt_session_idle(&s));
}

static void nothing_is_resent_on_a_living_connection(void **state)
{
    (void)state;
    opt.keepalive_s = 0;
    opt.ack_timeout_ms = UINT32_MAX;
    publish(1);
    publish(2);
    come_up(0);
    pump();
    wire_clear(&out);
    for (int i = 0; i < 1000; i++) {
        now += 60000;
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
        pump();
    }
    assert_sent("");
}

static void a_clean_session_hands_back_what_was_in_flight(void **state)
{
    (void)state;
    publish(1);
    publish(2);
    publish(0);
    come_up(0);
    pump();
    assert_sent("PUBLISH(1) PUBLISH(2) PUBLISH");
    note_ended();
    assert_trace("ended 3 OK; ");
    iot_ticket later = publish(1);
    lose();
    assert_int_equal(later, 4);
    assert_trace("ended 1 UNKNOWN; ended 2 UNKNOWN; ");
    come_up(0);
    pump();
    assert_sent("PUBLISH(3)"); /* no DUP, and never before 3 */
}

static void a_session_that_the_broker_lost_begins_anew(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    publish(1);
    publish(2);
    publish(2);
    subscribe("a", 1);
    come_up(0);
    pump();
    wire_suback(&in, 4, 1);
    wire_ack(&in, 0x50, 3);
    receive_ok();
    lose();
    wire_clear(&out);
    forget_trace();
    start();
    wire_connack(&in, 0, 0);
    receive_ok();
    assert_trace("connack 0; ended 3 UNKNOWN; ");
    assert_int_equal(s.resent, 2);
    pump();
    assert_sent("SUBSCRIBE(5) PUBLISH(1) PUBLISH(2)");
    wire_suback(&in, 5, 1); /* granted as before: no news */
    receive_ok();
    assert_trace("");
    lose();
    start();
    wire_connack(&in, 1, 0);
    receive_ok();
    pump();
    assert_sent("PUBLISH+DUP(1) PUBLISH+DUP(2)"); /* subscribed still */
}

static void ids_wrap_past_0_and_past_those_in_use(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    opt.first_id = 65534;
    init(sizeof window.bytes);
    publish(1); /* 65534 */
    publish(2); /* 65535 */
    publish(1); /* 1 */
    subscribe("a", 0);
    come_up(0);
    pump();
    assert_sent("SUBSCRIBE(2) PUBLISH(65534) PUBLISH(65535) PUBLISH(1)");
    wire_ack(&in, 0x50, 65535);
    receive_ok();
    s.next_id = 65533; /* once round */
    publish(1);
    publish(1);
    publish(0);
    subscribe("b", 0);
    lose();
    come_up(1);
    pump();
    /* the SUBSCRIBEs take fresh ids, too: 2 is free again, 65533 and 3 are not */
    assert_sent("PUBREL(65535) SUBSCRIBE(4) SUBSCRIBE(5) PUBLISH+DUP(65534) PUBLISH+DUP(1) "
                "PUBLISH(65533) PUBLISH(3) PUBLISH");
}

static void an_id_is_free_again_only_after_the_last_acknowledgement(void **state)
{
    (void)state;
    opt.first_id = 10;
    init(sizeof window.bytes);
    come_up(0);
    publish(2); /* 10 */
    pump();
    wire_ack(&in, 0x50, 10);
    receive_ok();
    pump();
    wire_clear(&out);
    s.next_id = 10;
    publish(1); /* 11: after PUBREC 10 is not free */
    s.next_id = 10;
    wire_ack(&in, 0x70, 10);
    receive_ok();
    publish(1);
    pump();
    assert_sent("PUBLISH(11) PUBLISH(10)");
}

static void a_refused_publish_costs_neither_id_nor_ticket(void **state)
{
    (void)state;
    iot_ticket first = publish(1);
    for (uint32_t i = 1; i < OUT; i++)
        publish(1);
    struct iot_msg msg = message("t", 1, "p");
    iot_ticket ticket = 4711;
    struct iot_mqtt_session before = s;
    for (int i = 0; i < 3; i++)
        assert_err(iot_mqtt_session_publish(&s, &msg, &ticket), IOT_ERR_FULL);
    assert_int_equal(ticket, 4711);
    before.box.want_room = true;
    assert_memory_equal(&before, &s, sizeof s);
    come_up(0);
    pump();
    wire_ack(&in, 0x40, 1);
    receive_ok();
    assert_err(iot_mqtt_session_publish(&s, &msg, &ticket), IOT_OK);
    assert_int_equal(ticket, first + OUT);
    wire_clear(&out);
    pump();
    char text[32];
    snprintf(text, sizeof text, "PUBLISH(%u)", (unsigned)OUT + 1);
    assert_sent(text);
    msg.qos = 3;
    assert_err(iot_mqtt_session_publish(&s, &msg, NULL), IOT_ERR_ARG);
    msg = message("a/#", 0, "");
    assert_err(iot_mqtt_session_publish(&s, &msg, NULL), IOT_ERR_MQTT_TOPIC);
}

static void tickets_are_never_0(void **state)
{
    (void)state;
    s.next_ticket = UINT32_MAX;
    assert_int_equal(publish(0), UINT32_MAX);
    assert_int_equal(publish(0), 1);
}

static void a_writer_goes_through_the_session(void **state)
{
    (void)state;
    struct iot_writer w;
    iot_ticket ticket = 0;
    struct iot_msg msg = message("t", 1, "ignored");
    come_up(0);
    assert_err(iot_mqtt_session_begin(&s, &msg, 10, &w), IOT_OK);
    assert_false(iot_mqtt_session_idle(&s));
    iot_writer_text(&w, "hi");
    assert_err(iot_mqtt_session_publish(&s, &msg, NULL), IOT_ERR_STATE);
    assert_err(iot_mqtt_session_commit(&s, &w, &ticket), IOT_OK);
    assert_err(iot_mqtt_session_commit(&s, &w, &ticket), IOT_ERR_STATE);
    pump();
    struct iot_bytes rest = wire_bytes(&out);
    struct wire_packet p;
    assert_true(wire_next(&rest, &p));
    assert_bytes(p.payload, BYTES("hi"));
    assert_int_equal(p.id, 1); /* the refusals took none */
    assert_err(iot_mqtt_session_begin(&s, &msg, 1, &w), IOT_OK);
    iot_writer_text(&w, "long");
    assert_err(iot_mqtt_session_commit(&s, &w, &ticket), IOT_ERR_SIZE);
    wire_clear(&out);
    assert_int_equal(publish(1), ticket + 1);
    pump();
    assert_sent("PUBLISH(2)");
    msg.topic.text = "+";
    assert_err(iot_mqtt_session_begin(&s, &msg, 10, &w), IOT_ERR_MQTT_TOPIC);
    msg = message("t", 0, "");
    msg.payload.ptr = NULL; /* ignored altogether */
    msg.payload.len = 5;
    assert_err(iot_mqtt_session_begin(&s, &msg, 3, &w), IOT_OK);
    iot_mqtt_writer_drop(&s.box);
}

/* ---- subscriptions ----------------------------------------------------------------------- */

static void what_the_broker_granted_is_told(void **state)
{
    (void)state;
    subscribe("a", 2);
    subscribe("b", 1);
    come_up(0);
    pump();
    assert_sent("SUBSCRIBE(1) SUBSCRIBE(2)");
    wire_suback(&in, 2, 0x80);
    wire_suback(&in, 1, 1);
    receive_ok();
    assert_trace("suback 2 128 MQTT_SUBACK; suback 1 1 OK; ");
    unsubscribe("a");
    pump();
    assert_sent("UNSUBSCRIBE(3)");
    wire_ack(&in, 0xb0, 3);
    receive_ok();
    assert_trace("unsuback 3; ");
    assert_true(iot_mqtt_session_idle(&s));
}

static void the_longest_filter_fits_the_slot_and_one_byte_more_is_refused(void **state)
{
    (void)state;
    static char text[IOT_MQTT_CONTROL_BYTES];
    memset(text, 'x', sizeof text);
    struct iot_filter f = {.filter = {text, IOT_MQTT_CONTROL_BYTES - 10, 0}, .qos = 2};
    assert_err(iot_mqtt_session_subscribe(&s, &f, NULL), IOT_OK);
    f.filter.len++;
    assert_err(iot_mqtt_session_subscribe(&s, &f, NULL), IOT_ERR_SIZE);
    come_up(0);
    pump();
    assert_sent("SUBSCRIBE(1)");
    f.filter.len--;
    uint8_t slot;
    assert_err(iot_mqtt_session_unsubscribe(&s, &f.filter, NULL, &slot), IOT_OK);
    pump();
    assert_sent("UNSUBSCRIBE(2)");
}

static void subscriptions_that_do_not_fit_one_slot_go_one_after_the_other(void **state)
{
    (void)state;
    static char text[IOT_MQTT_SUBS_MAX][61];
    for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++) {
        memset(text[i], 'a' + (int)i, 60);
        subscribe(text[i], 1);
    }
    come_up(0);
    pump();
    struct iot_bytes rest = wire_bytes(&out);
    struct wire_packet p;
    for (uint16_t id = 1; id <= IOT_MQTT_SUBS_MAX; id++) {
        assert_true(wire_next(&rest, &p));
        assert_int_equal(p.type, 8);
        assert_int_equal(p.id, id); /* none was wasted on those that had to wait */
    }
    assert_int_equal(rest.len, 0);
}

static void a_subscription_replaced_on_its_way_is_not_awaited_for_ever(void **state)
{
    (void)state;
    /* by another one */
    come_up(0);
    subscribe("a", 0);
    pump();
    subscribe("a", 1);
    assert_int_equal(s.watch.ack_deadline, IOT_TIME_NEVER);
    pump();
    assert_sent("SUBSCRIBE(1) SUBSCRIBE(2)");
    wire_suback(&in, 1, 0);
    wire_suback(&in, 2, 1);
    receive_ok();
    assert_trace("suback 2 1 OK; ");
    assert_true(iot_mqtt_session_idle(&s));
    now += 30000;
    assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
    /* by the end of it */
    subscribe("b", 0);
    pump();
    unsubscribe("b");
    pump();
    wire_suback(&in, 3, 0);
    wire_ack(&in, 0xb0, 4);
    receive_ok();
    assert_trace("unsuback 4; ");
    assert_true(iot_mqtt_session_idle(&s));
    now += 30000;
    assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
    /* others that are on their way are awaited still */
    subscribe("d", 0);
    pump();
    subscribe("e", 0);
    assert_int_equal(s.watch.awaited, 1);
    pump();
    assert_int_equal(s.watch.awaited, 2);
    unsubscribe("e");
    assert_int_equal(s.watch.awaited, 1);
    pump();
    unsubscribe("d");
    assert_int_equal(s.watch.awaited, 1);
    pump();
    assert_int_equal(s.watch.awaited, 2);
    IF_RECEIVE(for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++) {
        if (s.subs.sub[i].state == IOT_SUB_UNASKED)
            wire_ack(&in, 0xb0, s.subs.sub[i].id);
    })
    receive_ok();
    assert_true(iot_mqtt_session_idle(&s));
    forget_trace();
    /* while something else is awaited, that counts on */
    publish(1);
    subscribe("c", 0);
    pump();
    subscribe("c", 1);
    now += 20000;
    assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_ERR_MQTT_ACK_TIMEOUT);
}

/* ---- control packets never wait ---------------------------------------------------------- */

static void control_packets_pass_a_full_ring(void **state)
{
    (void)state;
    struct iot_msg msg = message("t", 1, "");
    static uint8_t payload[IOT_MQTT_TX_BYTES];
    opt.session = IOT_SESSION_KEEP;
    for (uint32_t n = 400; n > 0; n /= 2) {
        msg.payload = (struct iot_bytes){payload, n};
        while (iot_mqtt_session_publish(&s, &msg, NULL) == IOT_OK)
            continue;
    }
    assert_err(iot_mqtt_session_publish(&s, &msg, NULL), IOT_ERR_FULL);
    for (int round = 0; round < 3; round++) { /* unacknowledged, it does not block a reconnect */
        come_up(round != 0);
        wire_publish(&in, 2, "a", 7, "x", 1);
        wire_publish(&in, 4, "a", 8, "x", 1);
        wire_ack(&in, 0x62, 8);
        receive_ok();
        subscribe("a", 0);
        iot_mqtt_watch_probe(&s.watch);
        pump();
        struct iot_bytes rest = wire_bytes(&out);
        static const uint8_t expected[] = {4, 5, 7, 12, 8, 3};
        for (uint32_t i = 0; i < COUNT(expected); i++) {
            struct wire_packet p;
            assert_true(wire_next(&rest, &p));
            assert_int_equal(p.type, expected[i]);
        }
        wire_clear(&out);
        lose();
    }
}

static void control_packets_go_between_two_messages_not_into_one(void **state)
{
    (void)state;
    enum iot_stream_write_flag how;
    struct iot_msg msg = message("t", 1, "0123456789");
    struct iot_msg by_ref = message("t", 0, "abcdefghijklmnopqrstuvwxyz");
    by_ref.flags = IOT_MSG_BY_REF;
    come_up(0);
    for (int ref = 0; ref <= 1; ref++) {
        for (uint32_t begun = 1; begun < 16; begun++) {
            assert_err(iot_mqtt_session_publish(&s, ref ? &by_ref : &msg, NULL), IOT_OK);
            publish(0);
            for (uint32_t i = 0; i < begun; i++) {
                struct iot_bytes bytes = iot_mqtt_pending(at_now(), &how);
                wire_put(&out, bytes.ptr, 1);
                iot_mqtt_sent(at_now(), 1, ++written);
            }
            wire_publish(&in, 2, "a", 7, "x", 1);
            receive_ok();
            iot_mqtt_watch_probe(&s.watch);
            pump();
            struct iot_bytes rest = wire_bytes(&out);
            struct wire_packet p;
            assert_true(wire_next(&rest, &p));
            assert_int_equal(p.type, 3);
            assert_bytes(p.payload, ref ? by_ref.payload : msg.payload);
            if (!ref)
                wire_ack(&in, 0x40, p.id);
            rest = (struct iot_bytes){rest.ptr, rest.len};
            assert_string_equal(wire_words(rest), "PUBACK(7) PINGREQ PUBLISH");
            wire_clear(&out);
            wire_pingresp(&in);
            receive_ok();
            note_ended();
            assert_true(iot_mqtt_session_idle(&s));
        }
    }
}

static void a_wire_that_takes_single_bytes_carries_the_same_conversation(void **state)
{
    (void)state;
    static struct wire whole;
    for (uint32_t max = 0; max < 8; max++) {
        prepare_resumed();
        take_max = max == 0 ? UINT32_MAX : max;
        script_resumed();
        assert_err(receive_cut(UINT32_MAX, 1, PUMP_LAZY), IOT_ERR_AGAIN);
        pump();
        if (max == 0)
            whole = out;
        else
            assert_bytes(wire_bytes(&out), wire_bytes(&whole));
    }
}

/* ---- DISCONNECT -------------------------------------------------------------------------- */

static void disconnect_is_the_last_packet_whatever_waits(void **state)
{
    (void)state;
    enum iot_stream_write_flag how;
    for (uint32_t begun = 0; begun < 5; begun++) {
        setup(NULL);
        come_up(0);
        publish(1);
        publish(1);
        for (uint32_t i = 0; i < begun; i++) { /* one message is partly out */
            struct iot_bytes bytes = iot_mqtt_pending(at_now(), &how);
            wire_put(&out, bytes.ptr, 1);
            iot_mqtt_sent(at_now(), 1, ++written);
        }
        wire_publish(&in, 2, "a", 7, "x", 1); /* an ack is owed */
        receive_ok();
        subscribe("a", 0);
        iot_mqtt_watch_probe(&s.watch);
        iot_mqtt_session_bye(&s);
        assert_false(iot_mqtt_said_bye(&s));
        assert_int_equal(iot_mqtt_watch_deadline(&s.watch), IOT_TIME_NEVER);
        take_max = 1;
        pump();
        assert_true(iot_mqtt_said_bye(&s));
        assert_sent(begun != 0 ? "PUBLISH(1) DISCONNECT" : "DISCONNECT");
        publish(0);
        wire_publish(&in, 2, "a", 8, "x", 1);
        wire_ack(&in, 0x62, 8);
        wire_hex(&in, "ff ff ff"); /* nothing is looked at any more */
        receive_ok();
        now += 1000000;
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
        pump();
        assert_sent("");
        lose();
        come_up(0); /* and the next connection can say it again */
        iot_mqtt_session_bye(&s);
        wire_clear(&out);
        pump();
        assert_sent("DISCONNECT");
    }
}

static void finish_ends_every_message_and_forgets_the_subscriptions(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    publish(1);
    publish(0);
    subscribe("a", 0);
    come_up(0);
    pump();
    note_ended();
    publish(1);
    forget_trace();
    iot_mqtt_session_finish(&s);
    note_ended();
    assert_trace("ended 1 UNKNOWN; ended 4 CLOSED; ");
    assert_true(iot_mqtt_session_idle(&s));
    IF_RECEIVE(assert_int_equal(s.subs.count, 0); IF_STATS(assert_int_equal(s.subs.count_high, 1);))
    wire_clear(&out);
    come_up(0);
    pump();
    assert_sent("");
}

/* ---- time -------------------------------------------------------------------------------- */

static void the_gap_between_two_packets_never_exceeds_the_keep_alive(void **state)
{
    static const uint16_t keepalives[] = {1, 2, 5, 60, 1200, 65535};
    uint32_t rng = test_seed();
    (void)state;
    for (uint32_t k = 0; k < COUNT(keepalives); k++) {
        for (int late = 0; late <= 1; late++) {
            setup(NULL);
            uint32_t ms = keepalives[k] * 1000u;
            opt.keepalive_s = keepalives[k];
            opt.ping_timeout_ms = UINT32_MAX;
            now = (1ull << 32) - 5000; /* what wraps elsewhere does not here */
            come_up(0);
            iot_time last = now;
            uint32_t pings = 0;
            for (uint32_t step = 0; step < 3000; step++) {
                iot_time due = iot_mqtt_watch_deadline(&s.watch);
                assert_true(due <= last + ms);
                if (test_random(&rng, 2)) /* woken early by something else */
                    due = now + (due > now ? test_random(&rng, (uint32_t)(due - now) + 1) : 0);
                now = due > now ? due : now;
                if (late)
                    now += test_random(&rng, ms / 4 + 1);
                if (test_random(&rng, 3) == 0)
                    wire_publish(&in, 0, "a", 0, "x", 1); /* incoming traffic does not count */
                receive_ok();
                forget_trace();
                assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
                if (test_random(&rng, 50) == 0)
                    publish(0);
                pump();
                note_ended();
                struct iot_bytes rest = wire_bytes(&out);
                struct wire_packet p;
                while (wire_next(&rest, &p)) {
                    assert_true(now - last <= ms);
                    last = now;
                    if (p.type == 12) {
                        pings++;
                        wire_pingresp(&in);
                    }
                }
                wire_clear(&out);
            }
            assert_true(pings > 100);
        }
    }
}

static void incoming_traffic_does_not_replace_a_ping(void **state)
{
    (void)state;
    opt.keepalive_s = 10;
    come_up(0);
    for (uint32_t i = 0; i < 100; i++) {
        wire_publish(&in, 0, "a", 0, "x", 1);
        receive_ok();
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
        pump();
        if (out.len != 0)
            break;
        now += 100;
    }
    assert_sent("PINGREQ");
    assert_true(now - 1000000 <= 10000 && now - 1000000 >= 5000);
}

static void keep_alive_0_sends_no_ping_ever(void **state)
{
    (void)state;
    opt.keepalive_s = 0;
    come_up(0);
    assert_int_equal(iot_mqtt_watch_deadline(&s.watch), IOT_TIME_NEVER);
    for (uint32_t i = 0; i < 1000; i++) {
        now += 1000000;
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
        pump();
    }
    assert_sent("");
}

static void a_ping_waits_behind_a_message_that_the_wire_takes_slowly_and_then_goes(void **state)
{
    (void)state;
    enum iot_stream_write_flag how;
    opt.keepalive_s = 10;
    come_up(0);
    publish(0);
    for (uint32_t i = 0; i < 3; i++) {
        struct iot_bytes bytes = iot_mqtt_pending(at_now(), &how);
        wire_put(&out, bytes.ptr, 1);
        iot_mqtt_sent(at_now(), 1, ++written);
    }
    now += 9000;
    assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
    assert_true(iot_mqtt_watch_deadline(&s.watch) > now); /* no busy waiting meanwhile */
    pump();
    assert_sent("PUBLISH PINGREQ");
}

static void a_missing_pingresp_is_reported_by_name_in_time(void **state)
{
    (void)state;
    static const uint32_t timeouts[] = {0, 1, 500, 30000};
    for (uint32_t i = 0; i < COUNT(timeouts); i++) {
        uint32_t wait = timeouts[i] != 0 ? timeouts[i] : 10000;
        setup(NULL);
        opt.keepalive_s = 65535;
        opt.ping_timeout_ms = timeouts[i];
        come_up(0);
        iot_mqtt_watch_probe(&s.watch);
        pump();
        assert_sent("PINGREQ");
        assert_int_equal(iot_mqtt_watch_deadline(&s.watch), now + wait);
        wire_publish(&in, 0, "a", 0, "x", 1); /* is no answer */
        now += wait - 1;
        receive_ok();
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
        now += 1;
        assert_err(iot_mqtt_watch_expire(&s.watch, now, false), IOT_OK); /* it may lie unread */
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_ERR_MQTT_PING_TIMEOUT);
        wire_pingresp(&in); /* it did */
        receive_ok();
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
        assert_true(iot_mqtt_watch_deadline(&s.watch) > now + 1000000);
        lose();
        assert_int_equal(iot_mqtt_watch_deadline(&s.watch), IOT_TIME_NEVER);
    }
}

static void the_first_of_several_pings_sets_the_deadline(void **state)
{
    (void)state;
    opt.keepalive_s = 1;
    opt.ping_timeout_ms = 5000;
    come_up(0);
    iot_time begin = now;
    while (iot_mqtt_watch_expire(&s.watch, now, true) == IOT_OK) {
        pump();
        assert_true(iot_mqtt_watch_deadline(&s.watch) > now);
        now = iot_mqtt_watch_deadline(&s.watch);
        assert_true(now - begin < 20000);
    }
    assert_int_equal(now - begin, 750 + 5000);
}

static void a_missing_connack_is_reported_by_name_in_time(void **state)
{
    (void)state;
    static const uint32_t timeouts[] = {0, 1, 60000};
    for (uint32_t i = 0; i < COUNT(timeouts); i++) {
        uint32_t wait = timeouts[i] != 0 ? timeouts[i] : 10000;
        setup(NULL);
        opt.connack_timeout_ms = timeouts[i];
        opt.keepalive_s = 1;
        start();
        assert_int_equal(iot_mqtt_watch_deadline(&s.watch), now + wait);
        wire_hex(&in, "20 02 00"); /* the last byte never comes */
        assert_err(receive(), IOT_ERR_AGAIN);
        now += wait - 1;
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
        now++;
        assert_err(iot_mqtt_watch_expire(&s.watch, now, false), IOT_OK);
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_ERR_MQTT_CONNACK_TIMEOUT);
        pump();
        assert_sent(""); /* and no PINGREQ before CONNACK */
    }
}

static void missing_acknowledgements_are_reported_by_name_in_time(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        setup(NULL);
        opt.keepalive_s = 0;
        opt.ack_timeout_ms = 3000;
        opt.session = IOT_SESSION_KEEP;
        if (kind == 0)
            publish(1);
        else if (kind == 1)
            subscribe("a", 0);
        else
            publish(2);
        come_up(0);
        assert_int_equal(iot_mqtt_watch_deadline(&s.watch),
                         IOT_TIME_NEVER); /* nothing was sent yet */
        pump();
        if (kind >= 2) {
            now += 1000;
            wire_ack(&in, 0x50, 1);
            receive_ok();
            pump();
        }
        if (kind == 3) { /* and over a reconnect */
            lose();
            come_up(1);
            pump();
        }
        assert_int_equal(iot_mqtt_watch_deadline(&s.watch), now + 3000);
        now += 2999;
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
        now++;
        assert_err(iot_mqtt_watch_expire(&s.watch, now, false), IOT_OK);
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_ERR_MQTT_ACK_TIMEOUT);
        if (kind == 0)
            wire_ack(&in, 0x40, 1);
        else if (kind == 1)
            wire_suback(&in, 1, 0);
        else
            wire_ack(&in, 0x70, 1);
        receive_ok();
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
        assert_int_equal(iot_mqtt_watch_deadline(&s.watch), IOT_TIME_NEVER);
        assert_int_equal(s.watch.awaited, 0);
    }
}

static void each_acknowledgement_gives_the_next_one_its_full_time(void **state)
{
    (void)state;
    opt.keepalive_s = 0;
    opt.ack_timeout_ms = 3000;
    for (int i = 0; i < 4; i++)
        publish(1);
    come_up(0);
    pump();
    for (uint16_t id = 1; id <= 4; id++) {
        assert_int_equal(iot_mqtt_watch_deadline(&s.watch), now + 3000);
        now += 2900;
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
        wire_ack(&in, 0x40, id);
        wire_ack(&in, 0x40, id); /* one that nobody waits for is no progress */
        receive_ok();
    }
    assert_int_equal(iot_mqtt_watch_deadline(&s.watch), IOT_TIME_NEVER);
}

static void while_the_application_declines_no_verdict_is_given_but_pings_go_on(void **state)
{
    (void)state;
    opt.keepalive_s = 4;
    opt.ping_timeout_ms = 1000;
    opt.ack_timeout_ms = 2000;
    come_up(0);
    publish(1);
    pump();
    wire_clear(&out);
    iot_mqtt_watch_pause(&s.watch, true, now);
    uint32_t pings = 0;
    for (int i = 0; i < 100; i++) {
        assert_true(iot_mqtt_watch_deadline(&s.watch) > now);
        now += 1000;
        assert_err(iot_mqtt_watch_expire(&s.watch, now, true), IOT_OK);
        pump();
    }
    struct iot_bytes rest = wire_bytes(&out);
    struct wire_packet p;
    while (wire_next(&rest, &p))
        pings += p.type == 12;
    assert_true(pings >= 25);
    iot_mqtt_watch_pause(&s.watch, false, now);
    assert_err(iot_mqtt_watch_expire(&s.watch, now + 999, true), IOT_OK); /* full time again */
    assert_err(iot_mqtt_watch_expire(&s.watch, now + 1000, true), IOT_ERR_MQTT_PING_TIMEOUT);
    wire_pingresp(&in);
    receive_ok();
    assert_err(iot_mqtt_watch_expire(&s.watch, now + 1999, true), IOT_OK);
    assert_err(iot_mqtt_watch_expire(&s.watch, now + 2000, true), IOT_ERR_MQTT_ACK_TIMEOUT);
    iot_mqtt_watch_pause(&s.watch, true, now);
    lose();
    come_up(0);
    publish(1);
    pump(); /* the next connection is not paused */
    assert_err(iot_mqtt_watch_expire(&s.watch, now + 2000, true), IOT_ERR_MQTT_ACK_TIMEOUT);
}

static void a_probe_is_one_ping_and_only_when_up(void **state)
{
    (void)state;
    iot_mqtt_watch_probe(&s.watch);
    start();
    iot_mqtt_watch_probe(&s.watch);
    pump();
    assert_sent("");
    wire_connack(&in, 0, 0);
    receive_ok();
    iot_mqtt_watch_probe(&s.watch);
    iot_mqtt_watch_probe(&s.watch);
    pump();
    iot_mqtt_watch_probe(&s.watch); /* one is out already */
    pump();
    assert_sent("PINGREQ");
}

/* ---- chance ------------------------------------------------------------------------------ */

/* Rubbish from the network, against a session in any state: no assertion, no sanitizer, always an
 * end. `guarded` input makes each byte read beyond it a crash. */
static void random_bytes_never_reach_an_assertion(void **state)
{
    static const uint8_t firsts[] = {0x20, 0x30, 0x32, 0x34, 0x3c, 0x40,
                                     0x50, 0x62, 0x70, 0x90, 0xb0, 0xd0};
    uint32_t rng = test_seed();
    (void)state;
    for (uint32_t round = 0; round < 4000; round++) {
        setup(NULL);
        opt.session = test_random(&rng, 2) ? IOT_SESSION_KEEP : IOT_SESSION_CLEAN;
        init(SMALL_WINDOW);
        for (uint32_t i = test_random(&rng, 4); i != 0; i--)
            publish((uint8_t)test_random(&rng, 3));
        subscribe("a", 1);
        start();
        heap_trap_on();
        if (test_random(&rng, 8) != 0)
            wire_connack(&in, 0, 0);
        for (uint32_t n = test_random(&rng, 60); n != 0; n--) {
            uint16_t id = (uint16_t)(1 + test_random(&rng, 6));
            uint8_t first = firsts[test_random(&rng, COUNT(firsts))];
            if (first == 0xd0)
                wire_pingresp(&in);
            else if (first == 0x90)
                wire_suback(&in, id, (uint8_t)(test_random(&rng, 3)));
            else if ((first & 0xf0) == 0x30)
                wire_publish_filled(&in, first & 15, "a/b", id, 'z', test_random(&rng, 300));
            else if (first != 0x20)
                wire_ack(&in, first, id);
            if (in.len != 0 && test_random(&rng, 30) == 0)
                in.bytes[in.len - 1 - test_random(&rng, in.len < 8 ? in.len : 8)] =
                    (uint8_t)test_random(&rng, 256);
        }
        receive_cut(1 + test_random(&rng, 50), 1 + test_random(&rng, 200),
                    test_random(&rng, 2) ? PUMP_EAGER : PUMP_LAZY);
        iot_mqtt_session_finish(&s);
        note_ended();
        heap_trap_off();
        iot_mqtt_held_lost(&s.inbox, false); /* a kept session remembers them */
        assert_true(iot_mqtt_session_idle(&s));
        assert_int_equal(s.box.used, 0);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        CASE(connect_is_byte_exact_for_all_combinations_of_options),
        CASE(options_that_no_connect_can_say_are_refused),
        CASE(connect_goes_first_and_once_and_publishes_wait_for_connack),
        CASE(every_refusing_code_is_a_refusal_with_that_code),
        CASE(a_session_that_nobody_asked_for_is_refused_by_name),
        CASE(a_long_conversation_is_the_same_however_it_is_cut),
        CASE(what_may_not_come_first_is_refused_whatever_it_is),
        CASE(every_violation_closes_by_name_after_what_came_before_it),
        CASE(each_wrong_nibble_of_reserved_flags_is_malformed),
        CASE(a_topic_that_alone_exceeds_the_window_closes_by_name),
        CASE(a_message_is_acknowledged_only_after_it_was_accepted),
        CASE(qos_2_is_delivered_once_until_its_pubrel),
        CASE(qos_1_with_the_same_id_is_a_new_message_each_time),
        CASE(received_qos_2_ids_survive_in_a_kept_session_only),
        CASE(more_qos_2_messages_than_the_table_holds_close_by_name),
        CASE(a_full_table_of_qos_2_ids_also_refuses_an_oversized_one),
        CASE(a_full_ack_table_stops_reading_and_loses_nothing),
        CASE(a_dead_wire_is_owed_nothing_and_all_that_came_before_is_digested),
        CASE(pubacks_and_pubrecs_leave_in_the_order_of_their_messages),
        CASE(a_skipped_message_is_acknowledged_when_its_last_byte_is_gone),
        CASE(the_end_of_a_skipped_message_waits_for_room_among_the_acks),
        CASE(a_link_lost_while_skipping_leaves_nothing_behind),
        CASE(unmatched_acknowledgements_are_harmless),
        CASE(an_unknown_pubrec_is_answered_so_that_the_broker_can_finish),
        CASE(pubrels_leave_in_the_order_of_the_pubrecs),
        CASE(pubrels_are_resent_in_their_order_before_the_publishes),
        CASE(nothing_is_resent_on_a_living_connection),
        CASE(a_clean_session_hands_back_what_was_in_flight),
        CASE(a_session_that_the_broker_lost_begins_anew),
        CASE(ids_wrap_past_0_and_past_those_in_use),
        CASE(an_id_is_free_again_only_after_the_last_acknowledgement),
        CASE(a_refused_publish_costs_neither_id_nor_ticket),
        CASE(tickets_are_never_0),
        CASE(a_writer_goes_through_the_session),
        CASE(what_the_broker_granted_is_told),
        CASE(the_longest_filter_fits_the_slot_and_one_byte_more_is_refused),
        CASE(subscriptions_that_do_not_fit_one_slot_go_one_after_the_other),
        CASE(a_subscription_replaced_on_its_way_is_not_awaited_for_ever),
        CASE(control_packets_pass_a_full_ring),
        CASE(control_packets_go_between_two_messages_not_into_one),
        CASE(a_wire_that_takes_single_bytes_carries_the_same_conversation),
        CASE(disconnect_is_the_last_packet_whatever_waits),
        CASE(finish_ends_every_message_and_forgets_the_subscriptions),
        CASE(the_gap_between_two_packets_never_exceeds_the_keep_alive),
        CASE(incoming_traffic_does_not_replace_a_ping),
        CASE(keep_alive_0_sends_no_ping_ever),
        CASE(a_ping_waits_behind_a_message_that_the_wire_takes_slowly_and_then_goes),
        CASE(a_missing_pingresp_is_reported_by_name_in_time),
        CASE(the_first_of_several_pings_sets_the_deadline),
        CASE(a_missing_connack_is_reported_by_name_in_time),
        CASE(missing_acknowledgements_are_reported_by_name_in_time),
        CASE(each_acknowledgement_gives_the_next_one_its_full_time),
        CASE(while_the_application_declines_no_verdict_is_given_but_pings_go_on),
        CASE(a_probe_is_one_ping_and_only_when_up),
        CASE(random_bytes_never_reach_an_assertion),
    };
    return cmocka_run_group_tests_name("mqtt_session", tests, NULL, NULL);
}

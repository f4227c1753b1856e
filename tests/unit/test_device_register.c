/* SPDX-License-Identifier: Apache-2.0 */
/* A device that has no secret: it registers, stores what it gets, and logs in; over a stream of the test's and a kv that
 * can be slow, broken, or lose its power. */
#include "stub_device.h"

#include "certs.h"

#define PRODUCT_SECRET "Ps16CharSecret01"
#define SECRET         "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define ANSWER                                                                                     \
    "{\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":\"dev001\",\"deviceSecret\":\"" SECRET "\"}"
#define ANSWER_NWL                                                                                 \
    "{\"clientId\":\"cid0001\",\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":\"dev001\","          \
    "\"deviceToken\":\"devtoken-0001\"}"

/* HMAC-SHA256 of deviceNamedev001productKeya1B2c3D4e5Frandom0011223344556677 */
#define ASKS                                                                                       \
    "a1B2c3D4e5F.dev001|authType=register,random=0011223344556677,signmethod=hmacsha256,"          \
    "securemode=2| dev001&a1B2c3D4e5F "                                                            \
    "5BB2FEF38D4337C09EAEB689A9320055D90D8502F33334E76018A862ADF4DED5"
#define LOGS_IN                                                                                    \
    "a1B2c3D4e5F.dev001|timestamp=2524608000000,_v=sdk-c-0.1.0,securemode=2,"                      \
    "signmethod=hmacsha256,lan=C,gw=0,ext=0| dev001&a1B2c3D4e5F "                                  \
    "E94C6C93B28B957C26538D2B0FEBD732A54FAA2D172C6B72ADED4DFADF897AE4"

#define CLEAN 0xc2 /* flags of CONNECT: user name, password, clean session; no will */
#define AWAY  300000u

static struct iot_link_identity id;
static struct iot_registration registration;

/* ---- A board ----------------------------------------------------------------------------- */

static struct {
    char value[256];
    uint32_t len; /* 0: no such key */
    iot_err get_says, set_says;
    uint32_t get_again, set_again, random_again;
    iot_err random_says;
    uint32_t gets, sets, randoms;
    bool dead;          /* the power is gone: nothing is stored any more */
    uint32_t cut_at;    /* it goes at this call of kv or random, 0: never */
    bool cut_after_set; /* ... which, if it is a set, was durable all the same */
    bool forgets;
    const char *key;
} board;

static bool power(void)
{
    if (board.cut_at != 0 && board.gets + board.sets + board.randoms >= board.cut_at)
        board.dead = true;
    return !board.dead;
}

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    static const uint8_t chance[8] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77};

    (void)ctx;
    memset(into, 0x77, n);
    if (n != sizeof chance)
        return IOT_OK; /* the seed of jitter, of TLS */
    board.randoms++;
    if (!power() || board.random_again != 0) {
        board.random_again -= board.random_again != 0;
        return IOT_ERR_AGAIN;
    }
    memcpy(into, chance, n);
    return board.random_says;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    if (strcmp(key, "iot-time") == 0 || strncmp(key, "iot-rst", 7) == 0) /* others' */
        return IOT_ERR_STATE;
    assert_string_equal(key, board.key);
    board.gets++;
    if (!power() || board.get_again != 0) {
        board.get_again -= board.get_again != 0;
        return IOT_ERR_AGAIN;
    }
    if (board.get_says != IOT_OK)
        return board.get_says;
    if (board.len == 0)
        return IOT_ERR_STATE;
    if (board.len > cap)
        return IOT_ERR_SIZE;
    memcpy(into, board.value, board.len);
    *len = board.len;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    assert_string_equal(key, board.key);
    assert_true(len <= sizeof board.value);
    board.sets++;
    bool powered = power();
    if (powered && board.set_again != 0) {
        board.set_again--;
        return IOT_ERR_AGAIN;
    }
    if (powered && board.set_says != IOT_OK)
        return board.set_says;
    if (board.forgets)
        return IOT_OK;
    if (powered ||
        (board.cut_after_set && board.gets + board.sets + board.randoms == board.cut_at)) {
        memcpy(board.value, bytes, len);
        board.len = len;
    }
    return powered ? IOT_OK : IOT_ERR_AGAIN;
}

static iot_err kv_del(void *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    board.len = 0;
    return IOT_OK;
}

static void check_line(void *ctx, enum iot_log_level level, const char *line, uint32_t len)
{
    (void)ctx;
    (void)level;
    assert_null(memmem(line, len, SECRET, strlen(SECRET)));
    assert_null(memmem(line, len, PRODUCT_SECRET, strlen(PRODUCT_SECRET)));
    assert_null(memmem(line, len, "devtoken", 8));
}

static const struct iot_port port = {.random = random_bytes,
                                     .kv_get = kv_get,
                                     .kv_set = kv_set,
                                     .kv_del = kv_del,
                                     .log = check_line};

static bool stored(const char *text)
{
    return board.len == strlen(text) && memcmp(board.value, text, board.len) == 0;
}

static void put_secret(const char *text)
{
    board.len = (uint32_t)strlen(text);
    memcpy(board.value, text, board.len);
}

/* ---- What happened ----------------------------------------------------------------------- */

static char trace[512];
static void (*on_kind)(enum iot_event_kind kind);

static void on_traced(void *ctx, struct iot_device *d, const struct iot_event *ev)
{
    static const char *const names[] = {[IOT_EV_CONNECTING] = "connecting",
                                        [IOT_EV_CONNECTED] = "connected",
                                        [IOT_EV_LOST] = "lost",
                                        [IOT_EV_DONE] = "done",
                                        [IOT_EV_FAILED] = "failed",
                                        [IOT_EV_SUBACK] = "suback",
                                        [IOT_EV_MESSAGE] = "message",
                                        [IOT_EV_SKIPPED] = "skipped",
                                        [IOT_EV_CLOSED] = "closed",
                                        [IOT_EV_REGISTERED] = "registered"};

    on_event(ctx, d, ev);
    const char *name = (size_t)ev->kind < COUNT(names) ? names[ev->kind] : NULL;
    size_t at = strlen(trace);
    snprintf(trace + at, sizeof trace - at, "%s%s%s%s", at != 0 ? " " : "",
             name != NULL ? name : "?", ev->err != IOT_OK ? ":" : "",
             ev->err != IOT_OK ? iot_err_name(ev->err) : "");
    if (ev->kind == IOT_EV_SKIPPED)
        assert_int_equal(ev->msg->payload.len, 0); /* it may hold somebody's secret */
    if (on_kind != NULL)
        on_kind(ev->kind);
}

/* Since the last call. */
static const char *happened(void)
{
    static char copy[sizeof trace];

    strcpy(copy, trace);
    trace[0] = '\0';
    return copy;
}

/* Client id, user name and password of the CONNECT that was sent, blanks between; its flags. Fails if there is none. */
static const char *connect_texts(uint8_t *flags)
{
    static char text[512];
    struct iot_bytes sent = stub_sent(&stub);
    struct wire_packet p;
    uint32_t at;

    assert_true(wire_next(&sent, &p));
    assert_int_equal(p.type, 1);
    at = p.whole.ptr[1] < 128 ? 2 : 3;
    assert_memory_equal(p.whole.ptr + at, "\0\4MQTT\4", 7);
    *flags = p.whole.ptr[at + 7];
    at += 10;
    text[0] = '\0';
    while (at < p.whole.len) {
        uint32_t n = (uint32_t)(p.whole.ptr[at] << 8 | p.whole.ptr[at + 1]);
        size_t end = strlen(text);
        snprintf(text + end, sizeof text - end, "%s%.*s", end != 0 ? " " : "", (int)n,
                 (const char *)p.whole.ptr + at + 2);
        at += 2 + n;
    }
    assert_int_equal(at, p.whole.len);
    return text;
}

static void assert_connect(const char *texts)
{
    uint8_t flags;

    assert_string_equal(connect_texts(&flags), texts);
    assert_int_equal(flags, CLEAN);
}

static bool asks(void)
{
    uint8_t flags;

    return strstr(connect_texts(&flags), "authType=reg") != NULL;
}

static int setup(void **state)
{
    (void)state;
    stub_device_setup(&port);
    memset(&board, 0, sizeof board);
    memset(&registration, 0, sizeof registration);
    board.key = "iot-ds";
    trace[0] = '\0';
    on_kind = NULL;
    registration.product_secret = PRODUCT_SECRET;
    id = (struct iot_link_identity){
        .product_key = "a1B2c3D4e5F", .device_name = "dev001", .registration = &registration};
    opt.host = opt.client_id = NULL;
    opt.backoff_cap_ms = 0;
    opt.link = &id;
    opt.on_event = on_traced;
    return 0;
}

static void begin(void)
{
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_device_connect(&dev), IOT_OK);
    run(10);
}

static void connack(uint8_t code)
{
    wire_connack(&in, 0, code);
    receive();
    run(0);
}

static void say(const char *topic, const char *payload, uint8_t qos)
{
    wire_publish(&in, (uint8_t)(qos << 1), topic, qos != 0 ? 7 : 0, payload,
                 (uint32_t)strlen(payload));
    receive();
    run(0);
}

static bool device_holds(const char *text)
{
    return memmem(&dev, sizeof dev, text, strlen(text)) != NULL;
}

/* ---- Its life ---------------------------------------------------------------------------- */

static void a_device_without_a_secret_registers_stores_and_logs_in_at_once(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos < 2; qos++) {
        setup(NULL);
        begin();
        assert_string_equal(happened(), "connecting");
        assert_connect(ASKS);
        assert_int_equal(stub.to.port, 443);
        connack(0);
        run(3000);
        assert_string_equal(happened(), "");
        assert_false(iot_device_connected(&dev));
        assert_string_equal(sent_words(), "CONNECT");

        stub.closes = qos == 0; /* else TCP takes its time */
        uint32_t before = now_ms;
        say("/ext/register", ANSWER, qos);
        assert_true(stored(SECRET));
        if (qos != 0) {
            assert_string_equal(happened(), "registered");
            assert_string_equal(sent_words(), "CONNECT PUBACK(7) DISCONNECT");
            assert_int_equal(stub.closes_asked, 1);
            assert_false(device_holds(SECRET));
            run(1000);
            assert_string_equal(happened(), "connecting");
        } else {
            assert_string_equal(happened(), "registered connecting");
            assert_int_equal(now_ms, before);
        }
        assert_int_equal(stub.opens, 2);
        assert_connect(LOGS_IN);
        connack(0);
        assert_string_equal(happened(), "connected");
        assert_true(iot_device_connected(&dev));
        assert_int_equal(board.sets, 1);
        assert_int_equal(board.randoms, 1);
        assert_false(device_holds(SECRET));
        IF_STATS(assert_int_equal(iot_device_counters(&dev)->connects, 1));
        IF_STATS(assert_int_equal(iot_device_counters(&dev)->losses, 0));

        /* the next time, and after a reboot, it is a device like any other */
        stub_end(&stub, IOT_ERR_TCP_RESET, 0);
        run(2000);
        assert_connect(LOGS_IN);
        stub_init(&stub);
        begin();
        assert_connect(LOGS_IN);
        assert_int_equal(board.sets, 1);
        assert_int_equal(board.randoms, 1);
    }
}

static void a_device_that_is_not_known_by_name_gets_a_client_id_and_a_token(void **state)
{
    uint8_t flags;

    (void)state;
    registration.kind = IOT_REGISTER_NWL;
    registration.key = board.key = "token";
    id.system_topics = true;
    id.ext = 3;
    id.sdk_version = "sdk-c-4.1.0";
    id.method = IOT_SIGN_HMACSHA1;
    begin();
    assert_non_null(strstr(connect_texts(&flags), "a1B2c3D4e5F.dev001|authType=regnwl,"
                                                  "random=0011223344556677,signmethod=hmacsha1,"
                                                  "securemode=2| dev001&a1B2c3D4e5F "));
    connack(0);
    say("/ext/register", ANSWER, 0); /* that is another's */
    assert_string_equal(happened(), "connecting skipped:LINK_METHOD");
    say("/ext/regnwl", ANSWER_NWL, 0);
    run(10);
    assert_string_equal(happened(), "registered connecting");
    assert_true(stored("cid0001|devtoken-0001"));
    assert_connect("cid0001|authType=connwl,securemode=-2,_ss=1,ext=3,_v=sdk-c-4.1.0| "
                   "dev001&a1B2c3D4e5F devtoken-0001");
    connack(0);
    assert_string_equal(happened(), "connected");
    assert_false(device_holds("devtoken"));
}

static uint32_t handled;

static iot_err on_message(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    (void)ctx, (void)d, (void)msg;
    handled++;
    return IOT_OK;
}

static void what_the_application_wants_sent_waits_for_the_login_and_keeps_its_order(void **state)
{
    static const char *const topics[] = {"a", "b", "c", "d"};
    iot_ticket ticket[4];
    uint8_t flags;

    (void)state;
    for (uint32_t kept = 0; kept <= IOT_FEATURE_SESSION_KEEP; kept++) {
        setup(NULL);
        opt.session = kept ? IOT_SESSION_KEEP : IOT_SESSION_CLEAN;
        opt.first_id = 1;
        opt.will.topic = (struct iot_topic)IOT_TOPIC("will");
        opt.will.payload = BYTES("gone");
        assert_err(iot_device_init(&dev, &opt), IOT_OK);
        assert_err(iot_device_connect(&dev), IOT_OK);
        struct iot_filter f = {.filter = IOT_TOPIC("/ext/#"), .on_message = on_message};
        handled = 0;
        assert_err(iot_mqtt_subscribe(&dev, &f, NULL), IOT_OK);
        for (uint32_t i = 0; i < 4; i++) {
            struct iot_msg msg = {.topic = {topics[i], 1, 0}, .payload = BYTES("x"), .qos = i % 2};
            if (i == 2) { /* some come while it registers */
                run(10);
                assert_connect(ASKS);
                connack(0);
            }
            assert_err(iot_mqtt_publish(&dev, &msg, &ticket[i]), IOT_OK);
        }
        run(14000);
        wire_pingresp(&in);
        receive();
        run(500);
        assert_string_equal(sent_words(), "CONNECT");
        assert_false(iot_device_idle(&dev));
        say("/ext/other", "{}", 0);
        assert_string_equal(happened(), "connecting skipped:LINK_METHOD");
        say("/ext/register", ANSWER, 1);
        run(10);
        assert_int_equal(handled, 0);
        (void)connect_texts(&flags);
        assert_int_equal(flags, kept ? 0xc4 : 0xc6); /* the will is back, and the session's kind */
        connack(0);
        assert_string_equal(happened(), "registered connecting connected done done");
        assert_string_equal(sent_words(), kept ? "CONNECT SUBSCRIBE(3) PUBLISH PUBLISH(1) PUBLISH "
                                                 "PUBLISH(2)"
                                               : "CONNECT SUBSCRIBE(3) PUBLISH PUBLISH(1) PUBLISH "
                                                 "PUBLISH(2)");
        wire_suback(&in, 3, 0);
        wire_ack(&in, 0x40, 1);
        wire_ack(&in, 0x40, 2);
        receive();
        run(0);
        assert_string_equal(happened(), "suback done done");
        assert_int_equal(last[IOT_EV_DONE].ticket, ticket[3]);
    }
}

#if IOT_FEATURE_SESSION_KEEP && IOT_FEATURE_QOS2
static void a_session_that_is_kept_outlives_a_registration(void **state)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .payload = BYTES("x"), .qos = 1};

    (void)state;
    opt.session = IOT_SESSION_KEEP;
    opt.first_id = 1;
    put_secret(SECRET);
    begin();
    connack(0);
    assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    msg.qos = 2;
    assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    run(0);
    wire_ack(&in, 0x50, 2); /* PUBREC: a PUBREL is due again later */
    wire_publish(&in, 4, "/in", 9, "x", 1);
    receive();
    run(0);
    assert_string_equal(happened(), "connecting connected message");
    /* the store is emptied, by whomever */
    kv_del(NULL, NULL);
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(2000);
    assert_connect(ASKS);
    connack(0);
    run(1000);
    assert_string_equal(sent_words(), "CONNECT");
    say("/ext/register", ANSWER, 1);
    run(10);
    wire_connack(&in, 1, 0);
    wire_publish(&in, 12, "/in", 9, "x", 1);
    receive();
    run(0);
    assert_string_equal(happened(), "lost:TCP_RESET connecting registered connecting connected");
    assert_string_equal(sent_words(), "CONNECT PUBREC(9) PUBREL(2) PUBLISH+DUP(1)");
    wire_ack(&in, 0x40, 1);
    wire_ack(&in, 0x70, 2);
    receive();
    run(0);
    assert_string_equal(happened(), "done done");
}
#endif

static void a_slow_port_is_asked_again(void **state)
{
    (void)state;
    board.get_again = 3;
    board.random_again = 2;
    board.set_again = 4;
    begin();
    assert_string_equal(happened(), "");
    run(200);
    assert_string_equal(happened(), "connecting");
    assert_connect(ASKS);
    connack(0);
    say("/ext/register", ANSWER, 0);
    assert_string_equal(happened(), "");
    assert_int_equal(board.len, 0);
    assert_string_equal(sent_words(), "CONNECT");
    board.get_again = 3;
    run(300);
    assert_string_equal(happened(), "registered connecting");
    assert_connect(LOGS_IN);
    assert_int_equal(board.sets, 5);
}

static void a_store_that_is_never_ready_ends_the_attempt_by_name(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos < 2; qos++) {
        setup(NULL);
        board.set_again = UINT32_MAX;
        begin();
        connack(0);
        run(IOT_REGISTER_MS - 1000); /* the answer comes late, and has its own time */
        say("/ext/register", ANSWER, qos);
        run(3000);
        assert_string_equal(happened(), "connecting");
        run(IOT_DECLINE_MAX_MS - 3000 + 100);
        assert_string_equal(happened(), "lost:KV");
        assert_false(device_holds(SECRET));
        board.set_again = 0;
        run(2000);
        assert_connect(ASKS);
    }
}

static void a_broken_store_never_leads_to_a_registration(void **state)
{
    static const iot_err broken[] = {IOT_ERR_KV, IOT_ERR_SIZE, IOT_ERR_FULL, IOT_ERR_ARG};
    static const char *const values[] = {
        "x|y", "with blank ", "|",
        "0f1e2d3c4b5a69788796a5b4c3d2e1f0f1e2d3c4b5a69788796a5b4c3d2e1f01a", "\xff\xff"};

    (void)state;
    for (uint32_t i = 0; i < COUNT(broken) + COUNT(values); i++) {
        setup(NULL);
        if (i < COUNT(broken))
            board.get_says = broken[i];
        else
            put_secret(values[i - COUNT(broken)]);
        begin();
        run(20000);
        assert_true(events[IOT_EV_LOST] >= 3);
        assert_int_equal(events[IOT_EV_LOST], events[IOT_EV_CONNECTING]);
        assert_err(last[IOT_EV_LOST].err, IOT_ERR_KV);
        assert_int_equal(stub.opens, 0);
        assert_int_equal(board.randoms + board.sets, 0);
        /* until it is whole again */
        board.get_says = IOT_OK;
        put_secret(SECRET);
        run(60000);
        assert_connect(LOGS_IN);
    }
}

static void a_value_with_a_nul_in_it_is_no_secret(void **state)
{
    (void)state;
    memcpy(board.value, "abc\0def", 7);
    board.len = 7;
    begin();
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_KV);
    assert_int_equal(stub.opens, 0);
}

static void a_store_that_refuses_the_secret_is_told_by_name_and_asked_anew(void **state)
{
    static const iot_err broken[] = {IOT_ERR_KV, IOT_ERR_FULL, IOT_ERR_SIZE};

    (void)state;
    for (uint32_t i = 0; i < COUNT(broken); i++) {
        setup(NULL);
        begin();
        board.set_says = broken[i];
        connack(0);
        say("/ext/register", ANSWER, 1);
        assert_string_equal(happened(), "connecting lost:KV");
        assert_true(last[IOT_EV_LOST].delay_ms <= 1000);
        assert_false(device_holds(SECRET));
        run(2000);
        assert_connect(ASKS);
        board.set_says = IOT_OK;
        connack(0);
        say("/ext/register", ANSWER, 1);
        run(10);
        assert_string_equal(happened(), "connecting registered connecting");
        assert_connect(LOGS_IN);
    }
}

static void a_store_that_forgets_at_once_does_not_register_for_ever(void **state)
{
    (void)state;
    board.forgets = true;
    begin();
    for (uint32_t i = 0; i < 50; i++) {
        if (stub.state == STUB_UP && asks() && strcmp(sent_words(), "CONNECT") == 0) {
            connack(0);
            say("/ext/register", ANSWER, 1);
        }
        run(100);
    }
    assert_true(events[IOT_EV_REGISTERED] < 8); /* in five seconds */
    assert_int_equal(events[IOT_EV_LOST], events[IOT_EV_REGISTERED]);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_KV);
}

static void without_chance_there_is_no_registration(void **state)
{
    (void)state;
    board.random_says = IOT_ERR_RANDOM;
    begin();
    assert_string_equal(happened(), "connecting lost:RANDOM");
    assert_int_equal(stub.opens, 0);
    board.random_says = IOT_OK;
    run(2000);
    assert_connect(ASKS);
}

/* ---- What the platform may say ----------------------------------------------------------- */

static void what_is_not_the_answer_is_skipped_by_name_and_the_answer_awaited(void **state)
{
#define PK "\"productKey\":\"a1B2c3D4e5F\""
#define DN "\"deviceName\":\"dev001\""
    static const struct {
        const char *topic, *payload;
        iot_err err;
    } rows[] = {
        {"/ext/regnwl", ANSWER, IOT_ERR_LINK_METHOD},
        {"/ext/register/", ANSWER, IOT_ERR_LINK_METHOD},
        {"/ext/registe", ANSWER, IOT_ERR_LINK_METHOD},
        {"/sys/a1B2c3D4e5F/dev001/thing/disable", "{}", IOT_ERR_LINK_METHOD},
        {"/ext/register", "", IOT_ERR_JSON_SYNTAX},
        {"/ext/register", "{", IOT_ERR_JSON_SYNTAX},
        {"/ext/register", ANSWER "x", IOT_ERR_JSON_SYNTAX},
        {"/ext/register", "[]", IOT_ERR_JSON_MISSING},
        {"/ext/register", "\"text\"", IOT_ERR_JSON_MISSING},
        {"/ext/register", "{" PK "," DN "}", IOT_ERR_JSON_MISSING},
        {"/ext/register", "{" PK ",\"deviceSecret\":\"" SECRET "\"}", IOT_ERR_JSON_MISSING},
        {"/ext/register", "{" DN ",\"deviceSecret\":\"" SECRET "\"}", IOT_ERR_JSON_MISSING},
        {"/ext/register", "{\"productKey\":\"a1B2c3D4e5f\"," DN ",\"deviceSecret\":\"" SECRET "\"}",
         IOT_ERR_LINK_REPLY},
        {"/ext/register", "{" PK ",\"deviceName\":\"dev002\",\"deviceSecret\":\"" SECRET "\"}",
         IOT_ERR_LINK_REPLY},
        {"/ext/register", "{" PK ",\"deviceName\":\"dev0011\",\"deviceSecret\":\"" SECRET "\"}",
         IOT_ERR_LINK_REPLY},
        {"/ext/register", "{" PK ",\"deviceName\":1,\"deviceSecret\":\"" SECRET "\"}",
         IOT_ERR_LINK_REPLY},
        {"/ext/register", "{" PK "," DN ",\"deviceSecret\":12}", IOT_ERR_JSON_TYPE},
        {"/ext/register", "{" PK "," DN ",\"deviceSecret\":null}", IOT_ERR_JSON_TYPE},
        {"/ext/register", "{" PK "," DN ",\"deviceSecret\":\"\"}", IOT_ERR_JSON_RANGE},
        {"/ext/register", "{" PK "," DN ",\"deviceSecret\":\"a b\"}", IOT_ERR_JSON_RANGE},
        {"/ext/register", "{" PK "," DN ",\"deviceSecret\":\"a|b\"}", IOT_ERR_JSON_RANGE},
        {"/ext/register", "{" PK "," DN ",\"deviceSecret\":\"a\\u0000b\"}", IOT_ERR_JSON_RANGE},
        {"/ext/register", "{" PK "," DN ",\"deviceSecret\":\"a\\u00e4\"}", IOT_ERR_JSON_RANGE},
        {"/ext/register", "{" PK "," DN ",\"deviceSecret\":\"" SECRET SECRET "0\"}", IOT_ERR_SIZE},
    };

    (void)state;
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        setup(NULL);
        begin();
        connack(0);
        (void)happened();
        say(rows[i].topic, rows[i].payload, i % 2);
        assert_err(last[IOT_EV_SKIPPED].err, rows[i].err);
        assert_int_equal(events[IOT_EV_SKIPPED], 1);
        assert_int_equal(board.sets, 0);
        run(1000);
        say("/ext/register", ANSWER, 1);
        assert_true(stored(SECRET));
    }
}

static void escapes_and_foreign_members_make_no_difference(void **state)
{
    (void)state;
    begin();
    connack(0);
    say("/ext/register",
        "{\"x\":[1,{\"deviceSecret\":\"no\"}],\"deviceName\":\"dev\\u0030\\u00301\"," PK
        ",\"deviceSecret\":\"\\u0041b\",\"deviceSecret\":\"second\"}",
        0);
    assert_true(stored("Ab"));
}

static void of_two_answers_the_first_is_stored(void **state)
{
    (void)state;
    begin();
    connack(0);
    wire_publish(&in, 2, "/ext/register", 7, ANSWER, sizeof ANSWER - 1);
    wire_publish(&in, 0, "/ext/register", 0, "{" PK "," DN ",\"deviceSecret\":\"other\"}",
                 sizeof "{" PK "," DN ",\"deviceSecret\":\"other\"}" - 1);
    receive();
    run(10);
    assert_true(stored(SECRET));
    assert_int_equal(board.sets, 1);
    assert_int_equal(events[IOT_EV_REGISTERED], 1);
    assert_connect(LOGS_IN);
}

static void packets_that_no_registration_has_end_it(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 8; i++) {
        setup(NULL);
        begin();
        connack(0);
        (void)happened();
        switch (i) {
        case 0:
            wire_ack(&in, 0x40, 1);
            break;
        case 1:
            wire_ack(&in, 0x50, 1);
            break;
        case 2:
            wire_ack(&in, 0x62, 1);
            break;
        case 3:
            wire_ack(&in, 0x70, 1);
            break;
        case 4:
            wire_suback(&in, 1, 0);
            break;
        case 5:
            wire_publish(&in, 4, "/ext/register", 7, ANSWER, sizeof ANSWER - 1);
            break;
        case 6:
            wire_connack(&in, 0, 0);
            break;
        default:
            wire_publish_filled(&in, 0, "/ext/register", 0, '{', IOT_MQTT_RX_BYTES);
            break;
        }
        receive();
        run(0);
        assert_string_equal(happened(), i == 7 ? "lost:MQTT_TOO_LARGE" : "lost:MQTT_PROTOCOL");
        assert_int_equal(board.sets, 0);
    }
    for (uint32_t kept = 0; kept <= IOT_FEATURE_SESSION_KEEP; kept++) {
        setup(NULL);
        opt.session = kept ? IOT_SESSION_KEEP : IOT_SESSION_CLEAN;
        begin();
        wire_connack(&in, 1, 0); /* a session, on a clean one */
        receive();
        run(0);
        assert_string_equal(happened(), "connecting lost:MQTT_SESSION");
    }
}

static void silence_ends_it_by_name_and_the_ladder_begins(void **state)
{
    (void)state;
    begin();
    connack(0);
    run(IOT_REGISTER_MS - 1);
    assert_string_equal(happened(), "connecting");
    run(2);
    assert_string_equal(happened(), "lost:LINK_REGISTER_TIMEOUT");
    assert_true(last[IOT_EV_LOST].delay_ms <= 1000);
    run(2000);
    assert_connect(ASKS);
    connack(0);
    run(IOT_REGISTER_MS + 1);
    assert_true(last[IOT_EV_LOST].delay_ms <= 2000);
    assert_int_equal(board.sets, 0);
}

static void an_answer_that_waited_while_the_loop_stood_still_is_in_time(void **state)
{
    (void)state;
    begin();
    connack(0);
    for (uint32_t i = 0; i < 3 * IOT_POLL_PACKETS; i++) /* more than one tick looks at */
        wire_pingresp(&in);
    wire_publish(&in, 0, "/ext/register", 0, ANSWER, sizeof ANSWER - 1);
    receive();
    now_ms += 3 * IOT_REGISTER_MS;
    run(10);
    assert_string_equal(happened(), "connecting registered connecting");
}

static void a_refusal_is_named_and_five_minutes_long(void **state)
{
    static const struct {
        uint8_t code;
        iot_err err;
        bool away;
    } rows[] = {{4, IOT_ERR_LINK_REGISTER, true},
                {5, IOT_ERR_LINK_REGISTER, true},
                {2, IOT_ERR_LINK_CLIENT_ID, true},
                {3, IOT_ERR_MQTT_REFUSED, false},
                {1, IOT_ERR_MQTT_REFUSED, false}};

    (void)state;
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        setup(NULL);
        begin();
        connack(rows[i].code);
        assert_err(last[IOT_EV_LOST].err, rows[i].err);
        assert_int_equal(last[IOT_EV_LOST].detail, rows[i].code);
        assert_int_equal(last[IOT_EV_LOST].delay_ms >= AWAY, rows[i].away);
        run(last[IOT_EV_LOST].delay_ms + 10);
        assert_connect(ASKS);
        connack(0);
        say("/ext/register", ANSWER, 0);
        assert_true(stored(SECRET));
    }
}

static void a_platform_that_ends_it_without_an_answer_is_tried_again(void **state)
{
    static const iot_err ends[] = {IOT_ERR_TCP_EOF, IOT_ERR_TCP_RESET, IOT_ERR_TLS_CLOSED};

    (void)state;
    for (uint32_t i = 0; i < COUNT(ends); i++) {
        setup(NULL);
        begin();
        connack(0);
        stub_end(&stub, ends[i], 0);
        run(0);
        assert_err(last[IOT_EV_LOST].err, ends[i]); /* nobody else has logged in */
        assert_true(last[IOT_EV_LOST].delay_ms <= 1000);
        /* before CONNACK it is what it always is */
        setup(NULL);
        begin();
        stub_end(&stub, ends[i], 0);
        run(0);
        assert_err(last[IOT_EV_LOST].err,
                   ends[i] == IOT_ERR_TCP_RESET ? IOT_ERR_TCP_RESET : IOT_ERR_LINK_FLOW);
    }
}

static void a_platform_that_ends_it_behind_the_answer_is_no_loss(void **state)
{
    static const iot_err ends[] = {IOT_ERR_TCP_EOF, IOT_ERR_TCP_RESET, IOT_ERR_TLS_CLOSED};

    (void)state;
    for (uint32_t i = 0; i < COUNT(ends); i++) {
        setup(NULL);
        begin();
        connack(0);
        wire_publish(&in, 2, "/ext/register", 7, ANSWER, sizeof ANSWER - 1);
        receive();
        stub_end(&stub, ends[i], 0);
        run(10);
        assert_string_equal(happened(), "connecting registered connecting");
        assert_connect(LOGS_IN);
        assert_false(device_holds(SECRET));
    }
}

static void a_wire_that_takes_nothing_does_not_hold_up_the_login_for_long(void **state)
{
    (void)state;
    begin();
    connack(0);
    stub.write_budget = 0;
    say("/ext/register", ANSWER, 1);
    stub.closes = false;
    run(2100);
    assert_string_equal(happened(), "connecting registered connecting");
}

static void a_secret_that_the_platform_refuses_is_kept(void **state)
{
    (void)state;
    put_secret(SECRET);
    begin();
    for (uint32_t i = 0; i < 3; i++) {
        assert_connect(LOGS_IN);
        connack(4);
        assert_err(last[IOT_EV_LOST].err, IOT_ERR_LINK_SECRET);
        run(last[IOT_EV_LOST].delay_ms + 10);
    }
    assert_true(stored(SECRET));
    kv_del(NULL, NULL); /* by whoever knows better */
    connack(4);
    run(last[IOT_EV_LOST].delay_ms + 10);
    assert_connect(ASKS);
}

static void without_reconnect_one_connect_both_registers_and_logs_in(void **state)
{
    (void)state;
    opt.no_reconnect = true;
    begin();
    connack(0);
    say("/ext/register", ANSWER, 0);
    run(10);
    assert_connect(LOGS_IN);
    connack(0);
    assert_string_equal(happened(), "connecting registered connecting connected");
    setup(NULL);
    opt.no_reconnect = true;
    begin();
    connack(4);
    assert_int_equal(last[IOT_EV_LOST].delay_ms, IOT_MS_NEVER);
    run(AWAY * 2);
    assert_int_equal(stub.opens, 1);
}

/* ---- Cuts and closes --------------------------------------------------------------------- */

/* The platform, as long as somebody is there: it gives the secret until it has seen it used. */
static bool activated;
static uint32_t served; /* the connection that has been answered */

static void serve(uint32_t ms)
{
    for (uint32_t end = now_ms + ms; now_ms != end && !board.dead;) {
        if (stub.state == STUB_UP && stub.opens != served && strcmp(sent_words(), "CONNECT") == 0) {
            served = stub.opens;
            if (!asks()) {
                assert_true(stored(SECRET)); /* durable before it is used */
                activated = true;
                connack(0);
            } else if (activated) {
                connack(4);
            } else {
                connack(0);
                if (!board.dead && stub.state == STUB_UP)
                    say("/ext/register", ANSWER, now_ms % 2);
            }
        }
        if (!board.dead)
            run(1);
    }
}

static void a_cut_of_power_at_any_call_of_the_port_costs_a_registration_at_most(void **state)
{
    uint32_t cuts = 0;

    (void)state;
    for (uint32_t after = 0; after < 2; after++) {
        for (uint32_t at = 1;; at++) {
            setup(NULL);
            activated = false;
            served = 0;
            board.set_again = board.get_again = 2;
            board.cut_at = at;
            board.cut_after_set = after;
            begin();
            serve(1000);
            if (!board.dead) {
                assert_int_equal(events[IOT_EV_CONNECTED], 1);
                break;
            }
            cuts++;
            bool was = activated;
            board.dead = false;
            board.cut_at = 0;
            stub_init(&stub);
            served = 0;
            begin();
            serve(1000);
            assert_true(activated);
            assert_int_equal(events[IOT_EV_CONNECTED], was ? 2 : 1);
            assert_true(events[IOT_EV_REGISTERED] <= 2);
            assert_int_equal(events[IOT_EV_LOST], 0);
        }
    }
    assert_true(cuts >= 16);
}

static void a_close_in_any_tick_ends_all_and_leaves_no_half_secret(void **state)
{
    (void)state;
    for (uint32_t queued = 0; queued < 2; queued++) {
        for (uint32_t at = 0; at < 60; at++) {
            setup(NULL);
            activated = false;
            served = 0;
            board.set_again = board.get_again = board.random_again = 2;
            stub.connect_ms = 3;
            assert_err(iot_device_init(&dev, &opt), IOT_OK);
            assert_err(iot_device_connect(&dev), IOT_OK);
            struct iot_msg msg = {.topic = IOT_TOPIC("t"), .payload = BYTES("x")};
            if (queued)
                assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
            serve(at * 5);
            bool was = stored(SECRET);
            assert_err(iot_device_close(&dev, 2000), IOT_OK);
            serve(5000);
            assert_int_equal(events[IOT_EV_CLOSED], 1);
            assert_int_equal(events[IOT_EV_LOST], 0);
            assert_int_equal(events[IOT_EV_DONE], queued); /* what was accepted has left */
            assert_true(board.len == 0 || stored(SECRET));
            assert_true(!was || stored(SECRET));
            assert_false(device_holds(SECRET));
            /* and it can begin anew */
            assert_err(iot_device_connect(&dev), IOT_OK);
            serve(1000);
            assert_true(iot_device_connected(&dev));
        }
    }
}

static uint32_t closes;

static void close_when_registered(enum iot_event_kind kind)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .payload = BYTES("x")};

    if (kind != IOT_EV_REGISTERED)
        return;
    assert_int_equal(iot_poll(&dev, now_ms), 0); /* not from in here */
    assert_true(stored(SECRET));
    if (closes == 1)
        assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    if (closes != 2)
        assert_err(iot_device_close(&dev, 1000), IOT_OK);
}

static void the_application_may_close_and_publish_when_it_hears_of_it(void **state)
{
    (void)state;
    for (closes = 0; closes < 3; closes++) {
        setup(NULL);
        activated = false;
        served = 0;
        on_kind = close_when_registered;
        begin();
        serve(3000);
        assert_string_equal(happened(),
                            closes == 0   ? "connecting registered closed"
                            : closes == 1 ? "connecting registered connecting connected done closed"
                                          : "connecting registered connecting connected");
    }
}

#if IOT_FEATURE_NETWORK_HINTS
static void hints_of_the_network_end_a_registration_as_any_attempt(void **state)
{
    (void)state;
    begin();
    connack(0);
    iot_network(&dev, IOT_NETWORK_CHANGED);
    run(300);
    assert_string_equal(happened(), "connecting lost:NET_CHANGED connecting");
    assert_connect(ASKS);
}
#endif

/* ---- Options ----------------------------------------------------------------------------- */

static iot_err sign(void *ctx, enum iot_sign_method method, struct iot_bytes text, uint8_t mac[32])
{
    (void)ctx, (void)method, (void)text;
    memset(mac, 1, 32);
    return IOT_OK;
}

static void init_refuses_a_registration_that_cannot_work(void **state)
{
    static const struct iot_port no_kv = {.random = random_bytes};

    (void)state;
#define CHECK(changes, expected)                                                                   \
    do {                                                                                           \
        setup(NULL);                                                                               \
        changes;                                                                                   \
        assert_err(iot_device_init(&dev, &opt), expected);                                         \
    } while (0)
    CHECK((void)0, IOT_OK);
    CHECK(registration.kind = IOT_REGISTER_NWL, IOT_OK);
    CHECK(registration.key = "123456789012345", IOT_OK);
    CHECK(registration.key = "1234567890123456", IOT_ERR_ARG);
    CHECK(registration.key = "", IOT_ERR_ARG);
    CHECK(registration.kind = (enum iot_register_kind)2, IOT_ERR_ARG);
    CHECK(registration.product_secret = NULL, IOT_ERR_ARG);
    CHECK(registration.product_secret = "", IOT_ERR_ARG);
    CHECK(registration.product_secret = "a-b", IOT_ERR_ARG);
    CHECK(registration.product_secret = SECRET SECRET, IOT_OK);
    CHECK(registration.product_secret = SECRET SECRET "1", IOT_ERR_ARG);
    CHECK(id.device_secret = SECRET, IOT_ERR_ARG);
    CHECK(id.sign = sign, IOT_ERR_ARG);
    CHECK(id.x509 = true, IOT_ERR_ARG);
    CHECK((id.product_key = NULL, id.device_name = NULL), IOT_ERR_ARG);
    CHECK(opt.port_ops = &no_kv, IOT_ERR_ARG);
    CHECK(opt.stream = NULL, IOT_ERR_ARG); /* plain TCP */
    CHECK((registration.kind = IOT_REGISTER_NWL, opt.stream = NULL), IOT_ERR_ARG);
    assert_int_equal(board.gets + board.randoms, 0); /* nobody is asked at init */
#undef CHECK
}

static void the_longest_texts_fit_and_do_not_overflow(void **state)
{
    static char custom[129];

    (void)state;
    for (uint32_t nwl = 0; nwl < 2; nwl++) {
        for (uint32_t n = 0; n < sizeof custom; n++) {
            setup(NULL);
            memset(custom, 'c', n);
            custom[n] = '\0';
            registration.kind = nwl ? IOT_REGISTER_NWL : IOT_REGISTER_SECRET;
            id.custom = custom;
            id.product_key = "aaaaaaaaaabbbbbbbbbb";
            id.device_name = "ddddddddddeeeeeeeeeeffffffffffgg";
            id.instance_id = "iot-56789012345678901234567890123456789012345678";
            iot_err err = iot_device_init(&dev, &opt);
            if (err != IOT_OK) {
                assert_err(err, IOT_ERR_SIZE);
                assert_true(n > 0);
                break;
            }
            assert_err(iot_device_connect(&dev), IOT_OK);
            run(10);
            assert_true(asks());
        }
    }
}

static char given_host[80];
static uint32_t given_registers;

static iot_err on_credentials(void *ctx, struct iot_device *d, struct iot_credentials *c)
{
    (void)ctx, (void)d;
    snprintf(given_host, sizeof given_host, "%s", c->host);
    given_registers += c->registers;
    c->registers = !c->registers; /* which nobody asked for */
    c->host = "elsewhere.example";
    return IOT_OK;
}

static void on_credentials_is_told_what_the_attempt_is_for(void **state)
{
    (void)state;
    given_registers = 0;
    opt.on_credentials = on_credentials;
    begin();
    assert_int_equal(given_registers, 1);
    assert_connect(ASKS);
    assert_string_equal(given_host, "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com");
    assert_string_equal(stub.to.host, "elsewhere.example");
    connack(0);
    say("/ext/register", ANSWER, 0);
    run(10);
    assert_int_equal(given_registers, 1);
    assert_connect(LOGS_IN);
    connack(0);
    assert_string_equal(happened(), "connecting registered connecting connected");
}

static void an_identity_with_its_secret_has_nothing_to_do_with_it(void **state)
{
    (void)state;
    id.registration = NULL;
    id.device_secret = SECRET;
    begin();
    assert_connect(LOGS_IN);
    connack(0);
    say("/ext/register", ANSWER, 0);
    assert_string_equal(happened(), "connecting connected message");
    assert_int_equal(board.gets + board.sets + board.randoms, 0);
}

/* ---- Two --------------------------------------------------------------------------------- */

static void two_devices_register_without_knowing_of_each_other(void **state)
{
    static struct iot_device second;
    static struct stub_stream second_stub;
    static struct iot_link_identity second_id;
    static struct iot_registration second_registration;
    static struct iot_options second_opt;

    (void)state;
    stub_init(&second_stub);
    second_registration = registration;
    second_id = id;
    second_id.device_name = "dev002";
    second_id.registration = &second_registration;
    second_opt = opt;
    second_opt.link = &second_id;
    second_opt.stream = &second_stub.base;
    memset(&second, 0xee, sizeof second);
    assert_err(iot_device_init(&second, &second_opt), IOT_OK);
    assert_err(iot_device_connect(&second), IOT_OK);
    begin();
    for (uint32_t i = 0; i < 4; i++)
        iot_poll(&second, now_ms);
    connack(0);
    wire_connack(&in, 0, 0);
    stub_receive(&second_stub, wire_bytes(&in));
    wire_clear(&in);
    iot_poll(&second, now_ms);
    /* the first one's answer is none for the second */
    wire_publish(&in, 0, "/ext/register", 0, ANSWER, sizeof ANSWER - 1);
    stub_receive(&second_stub, wire_bytes(&in));
    iot_poll(&second, now_ms);
    assert_string_equal(happened(), "connecting connecting skipped:LINK_REPLY");
    assert_int_equal(board.sets, 0);
    wire_clear(&in);
    say("/ext/register", ANSWER, 0);
    run(10);
    assert_string_equal(happened(), "registered connecting");
    assert_true(stored(SECRET));
    assert_connect(LOGS_IN);
    iot_poll(&second, now_ms);
    assert_string_equal(wire_words(stub_sent(&second_stub)), "CONNECT");
}

/* ---- TLS --------------------------------------------------------------------------------- */

#if IOT_FEATURE_TLS
static uint8_t arena[32768] __attribute__((aligned(8)));
static struct iot_bytes ca[1];
static struct iot_tls_options tls;

static void use_tls(uint32_t kinds)
{
    ca[0] = cert_ca;
    tls = (struct iot_tls_options){
        .ca = ca, .ca_count = 1, .kinds = kinds, .arena = arena, .arena_bytes = sizeof arena};
    opt.tls = &tls;
}

/* Does the ClientHello that was sent offer TLS_PSK_WITH_AES_128_GCM_SHA256 or ..._CCM? */
static bool offers_psk(void)
{
    struct iot_bytes hello = stub_sent(&stub);
    bool found = false;

    assert_true(hello.len > 50 && hello.ptr[0] == 0x16 && hello.ptr[5] == 1);
    uint32_t at = 5 + 4 + 2 + 32;
    at += 1u + hello.ptr[at];
    uint32_t end = at + 2 + (uint32_t)(hello.ptr[at] << 8 | hello.ptr[at + 1]);
    assert_true(end <= hello.len);
    for (at += 2; at < end; at += 2)
        found |=
            (hello.ptr[at] == 0 && hello.ptr[at + 1] == 0xa8) ||
            (hello.ptr[at] == 0xc0 && (hello.ptr[at + 1] == 0xa4 || hello.ptr[at + 1] == 0xa8));
    return found;
}

static void psk_is_offered_with_a_secret_only(void **state)
{
    (void)state;
    use_tls(IOT_TLS_PSK | IOT_TLS_ECDHE_ECDSA);
    begin();
    assert_int_equal(stub.opens, 1);
    assert_false(offers_psk());
    setup(NULL);
    use_tls(IOT_TLS_PSK | IOT_TLS_ECDHE_ECDSA);
    put_secret(SECRET);
    begin();
    assert_true(offers_psk());
    assert_false(device_holds(SECRET));
    assert_null(memmem(arena, sizeof arena, SECRET, strlen(SECRET)));
    setup(NULL);
    use_tls(IOT_TLS_PSK);
    put_secret(SECRET);
    begin();
    assert_int_equal(stub.to.port, 1883);
    assert_true(offers_psk());
    /* a slow store is waited for in both places */
    setup(NULL);
    use_tls(IOT_TLS_PSK);
    put_secret(SECRET);
    board.get_again = 1;
    begin();
    run(50);
    board.get_again = 0;
    assert_true(offers_psk());
}

static void only_psk_cannot_register_and_says_so(void **state)
{
    (void)state;
    use_tls(IOT_TLS_PSK);
    begin();
    assert_string_equal(happened(), "connecting lost:LINK_REGISTER_TLS");
    assert_int_equal(stub.opens + board.randoms, 0);
    setup(NULL);
    use_tls(IOT_TLS_PSK);
    registration.kind = IOT_REGISTER_NWL; /* which has no secret to make a key of, ever */
    assert_err(iot_device_init(&dev, &opt), IOT_ERR_ARG);
}
#endif

#define CASE(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_device_without_a_secret_registers_stores_and_logs_in_at_once),
        CASE(a_device_that_is_not_known_by_name_gets_a_client_id_and_a_token),
        CASE(what_the_application_wants_sent_waits_for_the_login_and_keeps_its_order),
#if IOT_FEATURE_SESSION_KEEP && IOT_FEATURE_QOS2
        CASE(a_session_that_is_kept_outlives_a_registration),
#endif
        CASE(a_slow_port_is_asked_again),
        CASE(a_store_that_is_never_ready_ends_the_attempt_by_name),
        CASE(a_broken_store_never_leads_to_a_registration),
        CASE(a_value_with_a_nul_in_it_is_no_secret),
        CASE(a_store_that_refuses_the_secret_is_told_by_name_and_asked_anew),
        CASE(a_store_that_forgets_at_once_does_not_register_for_ever),
        CASE(without_chance_there_is_no_registration),
        CASE(what_is_not_the_answer_is_skipped_by_name_and_the_answer_awaited),
        CASE(escapes_and_foreign_members_make_no_difference),
        CASE(of_two_answers_the_first_is_stored),
        CASE(packets_that_no_registration_has_end_it),
        CASE(silence_ends_it_by_name_and_the_ladder_begins),
        CASE(an_answer_that_waited_while_the_loop_stood_still_is_in_time),
        CASE(a_refusal_is_named_and_five_minutes_long),
        CASE(a_platform_that_ends_it_without_an_answer_is_tried_again),
        CASE(a_platform_that_ends_it_behind_the_answer_is_no_loss),
        CASE(a_wire_that_takes_nothing_does_not_hold_up_the_login_for_long),
        CASE(a_secret_that_the_platform_refuses_is_kept),
        CASE(without_reconnect_one_connect_both_registers_and_logs_in),
        CASE(a_cut_of_power_at_any_call_of_the_port_costs_a_registration_at_most),
        CASE(a_close_in_any_tick_ends_all_and_leaves_no_half_secret),
        CASE(the_application_may_close_and_publish_when_it_hears_of_it),
#if IOT_FEATURE_NETWORK_HINTS
        CASE(hints_of_the_network_end_a_registration_as_any_attempt),
#endif
        CASE(init_refuses_a_registration_that_cannot_work),
        CASE(the_longest_texts_fit_and_do_not_overflow),
        CASE(on_credentials_is_told_what_the_attempt_is_for),
        CASE(an_identity_with_its_secret_has_nothing_to_do_with_it),
        CASE(two_devices_register_without_knowing_of_each_other),
#if IOT_FEATURE_TLS
        CASE(psk_is_offered_with_a_secret_only),
        CASE(only_psk_cannot_register_and_says_so),
#endif
    };
    return cmocka_run_group_tests_name("device_register", tests, NULL, NULL);
}

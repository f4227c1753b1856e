/* SPDX-License-Identifier: Apache-2.0 */
/* A device with an identity, with TLS, with on_credentials, over a stream of the test's: what init accepts,
 * what CONNECT says, how long it stays away, and where secrets are left. */
#include "test.h"

#include "certs.h"
#include "heap_trap.h"
#include "iot/iot_static.h"
#include "mqtt_rooms.h"
#include "mqtt_wire.h"
#include "no_tcp.h"
#include "stub_stream.h"

#define SECRET "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define PASSWORD                                                                                   \
    "E94C6C93B28B957C26538D2B0FEBD732A54FAA2D172C6B72ADED4DFADF897AE4" /* the platform's */
#define AWAY_MS 300000u

static struct iot_device dev;
static struct stub_stream stub;
static struct iot_options opt;
static struct iot_tls_options tls;
static struct iot_link_identity link_;
static struct iot_bytes ca[1], own[1];
static uint8_t arena[32768] __attribute__((aligned(8)));
static struct wire in;
static uint32_t now_ms;

static uint32_t events[16];
static struct iot_event last[16];

static struct {
    iot_err says;
    uint32_t calls;
    struct iot_credentials got; /* what it was given; texts copied below */
    char host[80], client_id[256], user_name[64];
    void (*change)(struct iot_credentials *c);
} on;

static iot_err sign_says;
static uint32_t signs;

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x55, n);
    return IOT_OK;
}

static void check_line(void *ctx, enum iot_log_level level, const char *line, uint32_t len)
{
    (void)ctx;
    (void)level;
    assert_null(memmem(line, len, SECRET, strlen(SECRET)));
    assert_null(memmem(line, len, PASSWORD, strlen(PASSWORD)));
    assert_null(memmem(line, len, "pass-word", 9));
}

static const struct iot_port port = {.random = random_bytes, .log = check_line};

static void on_event(void *ctx, struct iot_device *d, const struct iot_event *ev)
{
    (void)ctx;
    assert_ptr_equal(d, &dev);
    events[ev->kind]++;
    last[ev->kind] = *ev;
}

static void copy(char *into, size_t cap, struct iot_bytes text)
{
    snprintf(into, cap, "%.*s", (int)text.len, (const char *)text.ptr);
}

static iot_err on_credentials(void *ctx, struct iot_device *d, struct iot_credentials *c)
{
    (void)ctx;
    assert_ptr_equal(d, &dev);
    on.calls++;
    on.got = *c;
    snprintf(on.host, sizeof on.host, "%s", c->host != NULL ? c->host : "-");
    copy(on.client_id, sizeof on.client_id, c->client_id);
    copy(on.user_name, sizeof on.user_name, c->user_name);
    if (on.change != NULL)
        on.change(c);
    return on.says;
}

#if IOT_FEATURE_LINK
static iot_err sign(void *ctx, enum iot_sign_method method, struct iot_bytes text, uint8_t mac[32])
{
    (void)ctx;
    (void)method;
    (void)text;
    signs++;
    memset(mac, 0x5a, 32);
    return sign_says;
}
#endif

static iot_err init(void)
{
    memset(&dev, 0xee, sizeof dev);
    return iot_device_init(&dev, &opt);
}

static int setup(void **state)
{
    (void)state;
    heap_trap_off();
    stub_init(&stub);
    memset(&opt, 0, sizeof opt);
    memset(&tls, 0, sizeof tls);
    memset(events, 0, sizeof events);
    memset(last, 0, sizeof last);
    memset(&on, 0, sizeof on);
    sign_says = IOT_OK;
    signs = 0;
    ca[0] = cert_ca;
    own[0] = cert_edge;
    tls.ca = ca;
    tls.ca_count = 1;
    tls.arena = arena;
    tls.arena_bytes = sizeof arena;
    link_ = (struct iot_link_identity){
        .product_key = "a1B2c3D4e5F", .device_name = "dev001", .device_secret = SECRET};
    opt.host = "broker.example";
    opt.client_id = "d";
    opt.keepalive_s = 60;
    opt.on_event = on_event;
    opt.port_ops = &port;
    opt.stream = &stub.base;
    now_ms = 0xfffffff0u;
    wire_clear(&in);
    return 0;
}

/* The platform's device: nothing but an identity. */
static void be_a_device_of_the_platform(void)
{
    opt.host = opt.client_id = NULL;
    opt.link = &link_;
}

static void run(uint32_t ms)
{
    uint32_t end = now_ms + ms;
    heap_trap_on();
    for (uint32_t ticks = 0;; ticks++) {
        uint32_t sleep = iot_poll(&dev, now_ms);
        uint32_t left = end - now_ms;
        if (left == 0 && sleep != 0)
            break;
        assert_true(ticks < 200000);
        now_ms += sleep < left ? sleep : left;
    }
    heap_trap_off();
}

static void connack(uint8_t code)
{
    wire_connack(&in, 0, code);
    stub_receive(&stub, wire_bytes(&in));
    wire_clear(&in);
    run(0);
}

static void connect_(void)
{
    assert_err(iot_device_connect(&dev), IOT_OK);
    run(0);
}

static bool device_holds(const char *text)
{
    return memmem(&dev, sizeof dev, text, strlen(text)) != NULL;
}

/* ---- init -------------------------------------------------------------------------------- */

static void init_accepts_what_works_and_refuses_what_cannot(void **state)
{
    (void)state;
#define CHECK(changes, expected)                                                                   \
    do {                                                                                           \
        setup(NULL);                                                                               \
        changes;                                                                                   \
        assert_err(init(), expected);                                                              \
    } while (0)
#define PLATFORM be_a_device_of_the_platform()
    CHECK((void)0, IOT_OK);
    CHECK(opt.host = NULL, IOT_ERR_ARG);
    CHECK(opt.host = opt.client_id = NULL, IOT_OK); /* a device without MQTT */
    assert_err(iot_device_connect(&dev), IOT_ERR_ARG);
    assert_err(iot_mqtt_publish(&dev, &(struct iot_msg){.topic = IOT_TOPIC("t")}, NULL),
               IOT_ERR_STATE);
    CHECK(opt.host = "", IOT_ERR_ARG);
    CHECK(opt.client_id = NULL, IOT_ERR_ARG);
    CHECK(opt.password = BYTES("p"), IOT_ERR_ARG);
    /* on_credentials may bring what is missing, and only then */
    CHECK((opt.on_credentials = on_credentials, opt.host = NULL), IOT_OK);
    CHECK((opt.on_credentials = on_credentials, opt.host = ""), IOT_ERR_ARG);
    CHECK((opt.on_credentials = on_credentials, opt.client_id = NULL), IOT_OK);
    CHECK(
        (opt.on_credentials = on_credentials, opt.client_id = NULL, opt.session = IOT_SESSION_KEEP),
        IOT_OK);
    CHECK((opt.on_credentials = on_credentials, opt.client_id = "\xff"), IOT_ERR_MQTT_TOPIC);
    assert_int_equal(on.calls, 0); /* nobody is asked at init */
#if IOT_FEATURE_LINK
    CHECK(PLATFORM, IOT_OK);
    CHECK((PLATFORM, opt.host = "own.example"), IOT_OK);
    CHECK((PLATFORM, opt.host = ""), IOT_ERR_ARG);
    CHECK((PLATFORM, link_.device_secret = NULL), IOT_ERR_ARG);
    CHECK((PLATFORM, link_.device_secret = NULL, link_.sign = sign), IOT_OK);
    assert_int_equal(signs, 0);
    CHECK((PLATFORM, link_.device_name = NULL), IOT_ERR_ARG);
    CHECK((PLATFORM, link_.region = "no/region"), IOT_ERR_ARG);
    CHECK((PLATFORM, opt.session = IOT_SESSION_KEEP), IOT_OK);
    CHECK((PLATFORM, link_.x509 = true, opt.stream = NULL), IOT_ERR_ARG); /* plain TCP */
    CHECK((PLATFORM, link_.x509 = true), IOT_OK); /* a stream of ours encrypts */
#else
    CHECK(PLATFORM, IOT_ERR_ARG);
#endif
#if IOT_FEATURE_TLS
    CHECK(opt.tls = &tls, IOT_OK);
    CHECK((opt.tls = &tls, opt.stream = NULL), IOT_OK);
    CHECK((opt.tls = &tls, tls.ca_count = 0), IOT_ERR_ARG);
    CHECK((opt.tls = &tls, tls.arena = NULL), IOT_ERR_ARG);
    CHECK((opt.tls = &tls, tls.arena_bytes = 63), IOT_ERR_ARG);
    CHECK((opt.tls = &tls, tls.kinds = 32), IOT_ERR_ARG);
    CHECK((opt.tls = &tls, tls.cert = own, tls.cert_count = 1), IOT_ERR_ARG);
    CHECK((opt.tls = &tls, tls.cert = own, tls.cert_count = 1, tls.key = cert_key), IOT_OK);
    CHECK((opt.tls = &tls, tls.kinds = IOT_TLS_PSK), IOT_ERR_ARG);
    CHECK((opt.tls = &tls, tls.kinds = IOT_TLS_PSK, tls.psk = BYTES("k"),
           tls.psk_identity = BYTES("i")),
          IOT_OK);
    CHECK((opt.tls = &tls, opt.host = NULL), IOT_ERR_ARG);
    CHECK((opt.tls = &tls, opt.host = opt.client_id = NULL), IOT_ERR_ARG);
#if IOT_FEATURE_LINK
    CHECK((PLATFORM, opt.tls = &tls), IOT_OK);
    CHECK((PLATFORM, opt.tls = &tls, tls.kinds = IOT_TLS_PSK), IOT_OK); /* made from the identity */
    CHECK((PLATFORM, opt.tls = &tls, tls.kinds = IOT_TLS_PSK, tls.ca_count = 0), IOT_OK);
    CHECK((PLATFORM, opt.tls = &tls, tls.kinds = IOT_TLS_PSK, link_.x509 = true), IOT_ERR_ARG);
    CHECK((PLATFORM, opt.tls = &tls, link_.x509 = true), IOT_ERR_ARG); /* with what certificate? */
    CHECK((PLATFORM, opt.tls = &tls, link_.x509 = true, tls.cert = own, tls.cert_count = 1,
           tls.key = cert_key),
          IOT_OK);
#endif
#else
    CHECK(opt.tls = &tls, IOT_ERR_ARG);
#endif
#undef CHECK
}

static void what_does_not_fit_the_window_is_refused_at_init(void **state)
{
    static uint8_t will[IOT_MQTT_RX_BYTES];
    (void)state;
    opt.will.topic = (struct iot_topic)IOT_TOPIC("w");
    opt.will.payload = (struct iot_bytes){will, sizeof will - 100};
    assert_err(init(), IOT_OK);
    opt.will.payload.len = sizeof will;
    assert_err(init(), IOT_ERR_SIZE);
#if IOT_FEATURE_LINK
    be_a_device_of_the_platform(); /* whose texts need the window's other half */
    opt.will.payload.len = 200;
    assert_err(init(), IOT_OK);
    opt.will.payload.len = sizeof will / 2;
    assert_err(init(), IOT_ERR_SIZE);
#endif
}

static void init_leaves_no_password_behind(void **state)
{
    (void)state;
    opt.user_name = "u";
    opt.password = BYTES("pass-word");
    assert_err(init(), IOT_OK);
    assert_false(device_holds("pass-word"));
#if IOT_FEATURE_LINK
    be_a_device_of_the_platform();
    assert_err(init(), IOT_OK);
    assert_false(device_holds(PASSWORD));
    assert_false(device_holds(SECRET));
#endif
}

/* ---- ports and pools --------------------------------------------------------------------- */

static void ports_are_those_of_what_is_spoken(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 16; i++) {
        bool with_tls = i & 1, with_link = i & 2, own_port = i & 4, psk = i & 8;
        setup(NULL);
        if ((with_tls && !IOT_FEATURE_TLS) || (with_link && !IOT_FEATURE_LINK) ||
            (psk && !(with_tls && with_link)))
            continue;
        opt.tls = with_tls ? &tls : NULL;
        opt.link = with_link ? &link_ : NULL;
        opt.port = own_port ? 4711 : 0;
        tls.kinds = psk ? IOT_TLS_PSK : 0;
        assert_err(init(), IOT_OK);
        connect_();
        /* a link over a stream of the application's: that one encrypts */
        uint16_t expected = psk ? 1883 : with_link ? 443 : with_tls ? 8883 : 1883;
        assert_int_equal(stub.to.port, own_port ? 4711 : expected);
        assert_string_equal(stub.to.host, "broker.example");
    }
}

static void the_arena_is_a_row_among_the_pools(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct iot_pool_use use = {0};
        uint32_t n = 0;
        setup(NULL);
        opt.tls = i && IOT_FEATURE_TLS ? &tls : NULL;
        assert_err(init(), IOT_OK);
        while (iot_device_pool(&dev, n, &use))
            n++;
        assert_int_equal(strcmp(use.name, "tls-arena") == 0, opt.tls != NULL);
        assert_int_equal(n, opt.tls != NULL ? 6 : 5);
        if (opt.tls == NULL)
            continue;
        assert_int_equal(use.used + use.high, 0);
        assert_int_equal(use.max, sizeof arena);
        connect_();
        assert_true(iot_device_pool(&dev, n - 1, &use));
        assert_true(use.used > IOT_TLS_RX_BYTES && use.high >= use.used);
        stub_end(&stub, IOT_ERR_TCP_EOF, 0);
        run(0);
        assert_err(last[IOT_EV_LOST].err, IOT_ERR_TLS_EOF);
        assert_true(iot_device_pool(&dev, n - 1, &use));
        assert_int_equal(use.used, 0);
        assert_true(use.high > IOT_TLS_RX_BYTES);
        opt.stream = NULL; /* the library's TCP has a row of its own */
        assert_err(init(), IOT_OK);
        assert_true(iot_device_pool(&dev, 6, &use));
        assert_string_equal(use.name, "tls-arena");
        assert_false(iot_device_pool(&dev, 7, &use));
    }
}

/* ---- credentials ------------------------------------------------------------------------- */

static void credentials_that_are_not_ready_are_asked_for_again(void **state)
{
    (void)state;
    opt.on_credentials = on_credentials;
    assert_err(init(), IOT_OK);
    on.says = IOT_ERR_AGAIN;
    connect_();
    run(500);
    assert_in_range(on.calls, 20, 30);
    assert_int_equal(stub.opens, 0);
    assert_int_equal(events[IOT_EV_CONNECTING], 0);
    assert_in_range(iot_sleep_ms(&dev, now_ms), 1, 20);
    on.says = IOT_OK;
    run(20);
    assert_int_equal(stub.opens, 1);
    assert_string_equal(on.host, "broker.example");
    assert_string_equal(on.client_id, "d");
    assert_int_equal(on.got.port, 1883);
}

static void credentials_that_fail_are_named(void **state)
{
    (void)state;
    opt.on_credentials = on_credentials;
    assert_err(init(), IOT_OK);
    on.says = IOT_ERR_KV;
    connect_();
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_KV);
    int32_t detail;
    assert_err(iot_device_last_reason(&dev, &detail), IOT_ERR_KV);
    assert_int_equal(stub.opens, 0);
}

static void forget_host(struct iot_credentials *c)
{
    c->host = NULL;
}

static void forget_port(struct iot_credentials *c)
{
    c->port = 0;
}

static void forget_client_id(struct iot_credentials *c)
{
    c->client_id = (struct iot_bytes){NULL, 0};
}

static void bad_client_id(struct iot_credentials *c)
{
    c->client_id = BYTES("\xc0\x80");
}

static void password_alone(struct iot_credentials *c)
{
    c->password = BYTES("pass-word");
}

static void too_long(struct iot_credentials *c)
{
    static uint8_t many[IOT_MQTT_RX_BYTES];
    memset(many, 'x', sizeof many);
    c->user_name = BYTES("u");
    c->password = (struct iot_bytes){many, sizeof many};
}

static void credentials_that_cannot_work_end_the_attempt(void **state)
{
    static const struct {
        void (*change)(struct iot_credentials *c);
        iot_err name;
    } table[] = {
        {forget_host, IOT_ERR_ARG},      {forget_port, IOT_ERR_ARG},
        {forget_client_id, IOT_ERR_ARG}, {bad_client_id, IOT_ERR_MQTT_TOPIC},
        {password_alone, IOT_ERR_ARG},   {too_long, IOT_ERR_SIZE},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(table); i++) {
        setup(NULL);
        opt.on_credentials = on_credentials;
        opt.no_reconnect = true;
        on.change = table[i].change;
        assert_err(init(), IOT_OK);
        connect_();
        assert_int_equal(events[IOT_EV_LOST], 1);
        assert_err(last[IOT_EV_LOST].err, table[i].name);
        assert_int_equal(stub.tx_len, 0);
    }
}

static void new_token(struct iot_credentials *c)
{
    static char token[16];
    c->user_name = BYTES("u");
    snprintf(token, sizeof token, "token-%u", (unsigned)on.calls);
    c->password = text_bytes(token);
    c->host = on.calls % 2 ? "one.example" : "two.example";
}

static void each_attempt_gets_credentials_of_its_own(void **state)
{
    (void)state;
    opt.on_credentials = on_credentials;
    opt.backoff_cap_ms = 1000;
    on.change = new_token;
    assert_err(init(), IOT_OK);
    connect_();
    for (uint32_t i = 1; i < 5; i++) {
        char token[16];
        snprintf(token, sizeof token, "token-%u", (unsigned)i);
        assert_int_equal(on.calls, i);
        assert_non_null(memmem(stub.tx, stub.tx_len, token, strlen(token)));
        assert_string_equal(stub.to.host, i % 2 ? "one.example" : "two.example");
        assert_string_equal(on.host, "broker.example"); /* begun from the options each time */
        stub_end(&stub, IOT_ERR_TCP_EOF, 0);
        run(0);
        run(last[IOT_EV_LOST].delay_ms);
    }
}

static void a_device_whose_credentials_are_not_ready_can_be_closed(void **state)
{
    (void)state;
    for (int messages = 0; messages <= 1; messages++) {
        setup(NULL);
        opt.on_credentials = on_credentials;
        assert_err(init(), IOT_OK);
        on.says = IOT_ERR_AGAIN;
        connect_();
        struct iot_msg msg = {.topic = IOT_TOPIC("t"), .qos = 1};
        if (messages)
            assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
        run(100);
        assert_err(iot_device_close(&dev, 300), IOT_OK);
        run(299);
        assert_int_equal(events[IOT_EV_CLOSED], !messages);
        run(1);
        assert_int_equal(events[IOT_EV_CLOSED], 1);
        assert_int_equal(events[IOT_EV_FAILED], messages);
        assert_int_equal(stub.opens, 0);
        assert_true(iot_device_idle(&dev));
        uint32_t calls = on.calls;
        run(10000);
        assert_int_equal(on.calls, calls);
    }
}

static void without_an_identity_a_refusal_is_the_brokers(void **state)
{
    (void)state;
    assert_err(init(), IOT_OK);
    connect_();
    connack(4);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_MQTT_REFUSED);
    assert_int_equal(last[IOT_EV_LOST].detail, 4);
    assert_true(last[IOT_EV_LOST].delay_ms <= 60000);
}

#if IOT_FEATURE_LINK
/* ---- the platform ------------------------------------------------------------------------ */

#define CLIENT_ID(mode)                                                                            \
    "a1B2c3D4e5F.dev001|timestamp=2524608000000,_v=sdk-c-0.1.0,securemode=" mode                   \
    ",signmethod=hmacsha256,lan=C,gw=0,ext=0|"

static struct iot_bytes platform_connect(const char *client_id)
{
    static struct wire w;
    struct iot_bytes texts[] = {text_bytes(client_id), BYTES("dev001&a1B2c3D4e5F"),
                                BYTES(PASSWORD)};
    uint32_t len = 10;
    for (uint32_t i = 0; i < COUNT(texts); i++)
        len += 2 + texts[i].len;
    wire_clear(&w);
    uint8_t head[] = {0x10, (uint8_t)(len % 128 | 0x80), (uint8_t)(len / 128)};
    wire_put(&w, head, sizeof head);
    wire_hex(&w, "00 04 4d 51 54 54 04 c2 00 3c");
    for (uint32_t i = 0; i < COUNT(texts); i++) {
        uint8_t two[] = {(uint8_t)(texts[i].len >> 8), (uint8_t)texts[i].len};
        wire_put(&w, two, 2);
        wire_put(&w, texts[i].ptr, texts[i].len);
    }
    return wire_bytes(&w);
}

static void the_platforms_connect_is_exact_and_leaves_no_password(void **state)
{
    (void)state;
    be_a_device_of_the_platform();
    assert_err(init(), IOT_OK);
    stub.connect_ms = 100;
    connect_();
    assert_string_equal(stub.to.host, "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com");
    assert_true(device_holds(PASSWORD)); /* waits for the stream */
    stub.write_budget = 100;
    run(100);
    assert_true(device_holds(PASSWORD)); /* half of it is out */
    stub_allow(&stub, 1000);
    run(0);
    assert_bytes(stub_sent(&stub), platform_connect(CLIENT_ID("2")));
    assert_false(device_holds(PASSWORD));
    assert_false(device_holds(SECRET));
    connack(0);
    assert_true(iot_device_connected(&dev));
}

static void a_password_that_never_left_is_wiped_when_the_attempt_ends(void **state)
{
    (void)state;
    be_a_device_of_the_platform();
    assert_err(init(), IOT_OK);
    stub.connects = false;
    connect_();
    assert_true(device_holds(PASSWORD));
    stub_end(&stub, IOT_ERR_TCP_REFUSED, 0);
    run(0);
    assert_false(device_holds(PASSWORD));
}

static struct iot_bytes id_instead;
static void other_id(struct iot_credentials *c)
{
    c->client_id = id_instead;
}

/* User name and password lie in the window's upper half, the client id does not: what is built in front of
 * them may not run over them. */
static void a_replaced_client_id_leaves_the_other_texts_whole(void **state)
{
    static uint8_t many[IOT_MQTT_RX_BYTES];
    (void)state;
    memset(many, 'm', sizeof many);
    for (uint32_t n = 1; n < IOT_MQTT_RX_BYTES - 150; n += 23) {
        setup(NULL);
        be_a_device_of_the_platform();
        opt.on_credentials = on_credentials;
        opt.no_reconnect = true;
        id_instead = (struct iot_bytes){many, n};
        on.change = other_id;
        assert_err(init(), IOT_OK);
        connect_();
        struct iot_bytes sent = stub_sent(&stub);
        if (101 + n <= IOT_MQTT_RX_BYTES / 2) { /* the whole packet */
            static const char end[] = "\0\22dev001&a1B2c3D4e5F\0\100" PASSWORD;
            assert_non_null(memmem(sent.ptr, sent.len, end, sizeof end - 1));
        } else {
            assert_int_equal(sent.len, 0);
            assert_err(last[IOT_EV_LOST].err, IOT_ERR_SIZE);
        }
        assert_false(device_holds(PASSWORD));
    }
}

static void on_credentials_sees_the_identitys_texts(void **state)
{
    (void)state;
    be_a_device_of_the_platform();
    opt.on_credentials = on_credentials;
    assert_err(init(), IOT_OK);
    connect_();
    assert_string_equal(on.host, "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com");
    assert_int_equal(on.got.port, 443);
    assert_string_equal(on.client_id, CLIENT_ID("2"));
    assert_string_equal(on.user_name, "dev001&a1B2c3D4e5F");
    assert_int_equal(on.got.password.len, 64);
}

static void a_slow_signature_is_waited_for_and_on_credentials_comes_after_it(void **state)
{
    (void)state;
    be_a_device_of_the_platform();
    link_.device_secret = NULL;
    link_.sign = sign;
    opt.on_credentials = on_credentials;
    sign_says = IOT_ERR_AGAIN;
    assert_err(init(), IOT_OK);
    connect_();
    run(200);
    assert_in_range(signs, 8, 15);
    assert_int_equal(on.calls, 0);
    sign_says = IOT_OK;
    run(20);
    assert_int_equal(on.calls, 1);
    assert_int_equal(stub.opens, 1);
    sign_says = IOT_ERR_RANDOM;
    stub_end(&stub, IOT_ERR_TCP_STALLED, 0);
    run(0);
    run(last[IOT_EV_LOST].delay_ms);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_RANDOM);
    assert_int_equal(stub.opens, 1);
}

static void who_is_sent_away_stays_away_and_no_hint_shortens_it(void **state)
{
    static const struct {
        uint8_t connack; /* 0xff: none */
        bool up;
        iot_err name;
    } table[] = {
        {2, false, IOT_ERR_LINK_CLIENT_ID}, {4, false, IOT_ERR_LINK_SECRET},
        {5, false, IOT_ERR_LINK_DENIED},    {0xff, false, IOT_ERR_LINK_FLOW},
        {0, true, IOT_ERR_LINK_TWICE},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(table); i++) {
        setup(NULL);
        be_a_device_of_the_platform();
        assert_err(init(), IOT_OK);
        connect_();
        if (table[i].connack != 0xff)
            connack(table[i].connack);
        if (table[i].connack == 0 || table[i].connack == 0xff)
            stub_end(&stub, IOT_ERR_TCP_EOF, 0);
        run(0);
        assert_int_equal(events[IOT_EV_LOST], 1);
        assert_err(last[IOT_EV_LOST].err, table[i].name);
        assert_err(iot_device_last_reason(&dev, NULL), table[i].name);
        uint32_t delay = last[IOT_EV_LOST].delay_ms;
        assert_in_range(delay, AWAY_MS, AWAY_MS + AWAY_MS / 2);
        iot_network(&dev, IOT_NETWORK_UP);
        run(delay / 2);
        iot_network(&dev, IOT_NETWORK_CHANGED);
        run(delay - delay / 2 - 1);
        assert_int_equal(stub.opens, 1);
        run(1);
        assert_int_equal(stub.opens, 2);
    }
}

static iot_err take(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    (void)ctx;
    (void)d;
    (void)msg;
    return IOT_OK;
}

static void a_platform_that_disabled_us_is_named_when_it_hangs_up(void **state)
{
    static const struct iot_filter f = {.filter = IOT_TOPIC("/sys/#"), .on_message = take};
    (void)state;
    for (int handled = 0; handled <= 1; handled++) {
        setup(NULL);
        be_a_device_of_the_platform();
        assert_err(init(), IOT_OK);
        connect_();
        connack(0);
        if (handled)
            assert_err(iot_mqtt_subscribe(&dev, &f, NULL), IOT_OK);
        run(15000);
        stub_receive(&stub, BYTES("\x90\3\0\1\0")); /* SUBACK, or one for nobody */
        run(25000);                                 /* stable by now */
        wire_publish(&in, 0, "/sys/a1B2c3D4e5F/dev001/thing/disable", 0, "{}", 2);
        stub_receive(&stub, wire_bytes(&in));
        run(0);
        assert_int_equal(events[IOT_EV_NOTICE], IOT_FEATURE_CLOUD);
        assert_int_equal(events[IOT_EV_MESSAGE], !handled && !IOT_FEATURE_CLOUD);
        stub_end(&stub, IOT_ERR_TCP_EOF, 0);
        run(0);
        assert_err(last[IOT_EV_LOST].err, IOT_ERR_LINK_DISABLED);
        assert_in_range(last[IOT_EV_LOST].delay_ms, AWAY_MS, AWAY_MS + AWAY_MS / 2);
    }
}
#endif

#if IOT_FEATURE_TLS
/* ---- TLS --------------------------------------------------------------------------------- */

static void tls_stands_between_the_client_and_the_stream(void **state)
{
    (void)state;
    opt.tls = &tls;
    opt.user_name = "u";
    opt.password = BYTES("pass-word");
    assert_err(init(), IOT_OK);
    connect_();
    assert_true(stub.tx_len > 50);
    assert_int_equal(stub.tx[0], 0x16);
    assert_null(memmem(stub.tx, stub.tx_len, "pass-word", 9));
    stub_receive(&stub, BYTES("\x15\3\3\0\2\2\x46"));
    run(0);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_TLS_VERSION);
    assert_int_equal(last[IOT_EV_LOST].detail, 70);
    for (uint32_t i = 0; i < sizeof arena; i++)
        assert_int_equal(arena[i], 0);
    assert_err(iot_device_close(&dev, 0), IOT_OK);
    run(3000);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
}

static void a_tls_server_that_says_nothing_costs_no_polling(void **state)
{
    (void)state;
    opt.tls = &tls;
    opt.no_reconnect = true;
    assert_err(init(), IOT_OK);
    connect_();
    assert_int_equal(iot_sleep_ms(&dev, now_ms), IOT_TLS_HANDSHAKE_MS);
    run(IOT_TLS_HANDSHAKE_MS - 1);
    assert_int_equal(events[IOT_EV_LOST], 0);
    run(1);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_TLS_TIMEOUT);
}

static void a_device_is_closed_in_the_middle_of_a_handshake(void **state)
{
    (void)state;
    opt.tls = &tls;
    assert_err(init(), IOT_OK);
    connect_();
    assert_err(iot_device_close(&dev, 1000), IOT_OK);
    run(0);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    for (uint32_t i = 0; i < sizeof arena; i++)
        assert_int_equal(arena[i], 0);
}
#endif

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(init_accepts_what_works_and_refuses_what_cannot),
        CASE(what_does_not_fit_the_window_is_refused_at_init),
        CASE(init_leaves_no_password_behind),
        CASE(ports_are_those_of_what_is_spoken),
        CASE(the_arena_is_a_row_among_the_pools),
        CASE(credentials_that_are_not_ready_are_asked_for_again),
        CASE(credentials_that_fail_are_named),
        CASE(credentials_that_cannot_work_end_the_attempt),
        CASE(each_attempt_gets_credentials_of_its_own),
        CASE(a_device_whose_credentials_are_not_ready_can_be_closed),
        CASE(without_an_identity_a_refusal_is_the_brokers),
#if IOT_FEATURE_LINK
        CASE(the_platforms_connect_is_exact_and_leaves_no_password),
        CASE(a_password_that_never_left_is_wiped_when_the_attempt_ends),
        CASE(a_replaced_client_id_leaves_the_other_texts_whole),
        CASE(on_credentials_sees_the_identitys_texts),
        CASE(a_slow_signature_is_waited_for_and_on_credentials_comes_after_it),
        CASE(who_is_sent_away_stays_away_and_no_hint_shortens_it),
        CASE(a_platform_that_disabled_us_is_named_when_it_hangs_up),
#endif
#if IOT_FEATURE_TLS
        CASE(tls_stands_between_the_client_and_the_stream),
        CASE(a_tls_server_that_says_nothing_costs_no_polling),
        CASE(a_device_is_closed_in_the_middle_of_a_handshake),
#endif
    };
    return cmocka_run_group_tests_name("device_secure", tests, NULL, NULL);
}

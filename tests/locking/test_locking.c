/* SPDX-License-Identifier: Apache-2.0 */
/* Devices under an RTOS, against a real mosquitto: lwIP runs in its own thread (NO_SYS 0), and the library is called
 * from there, or from other threads that hold lwIP's core lock. */
#include "test.h"

#include "heap_trap.h"
#include "host/host_broker.h"
#include "host/host_child.h"
#include "iot/iot.h"
#include "iot/iot_static.h"
#include "net/iot_net_udp.h"
#include "unix/iot_port_unix.h"
#include "wire.h"

#include "lwip/dns.h"
#include "lwip/tcpip.h"
#include "lwip/timeouts.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MAX_MS 30000u
#define TICK_MAX_MS 10u /* what has come is looked at so often */
#define CROWD       3u
#define CROWD_EACH  40u
#define KINDS       (IOT_EV_CLOSED + 1)

static struct host_broker broker;

/* A device and what it said. Everything in here belongs to who holds the core lock. No assertion is made while it is
 * held: cmocka jumps out of a test that fails. */
static struct post {
    struct iot_device dev;
    struct iot_options options;
    uint32_t kinds[KINDS];
    uint32_t received[3]; /* by QoS */
    uint32_t wrong;       /* messages that were not what was sent */
    uint32_t refused;     /* calls that were not answered with IOT_OK */
    uint32_t to_send;
    bool over; /* it is not to tick any more */
} posts[CROWD];

/* ---- The device, under the lock ----------------------------------------------------------- */

static const char payload[] = "21.5 C";

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    struct post *p = ctx;
    (void)dev;
    p->kinds[ev->kind]++;
}

static iot_err on_message(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    struct post *p = ctx;
    (void)dev;

    bool same = msg->payload.len == sizeof payload - 1 &&
                memcmp(msg->payload.ptr, payload, sizeof payload - 1) == 0;
    p->wrong += !same;
    p->received[msg->qos]++;
    return IOT_OK;
}

static void begin(struct post *p, const char *id)
{
    memset(p, 0, sizeof *p);
    p->options = (struct iot_options){
        .host = "broker.example",
        .port = broker.port,
        .client_id = id,
        .keepalive_s = 60,
        .on_event = on_event,
        .ctx = p,
        .port_ops = &iot_port_unix,
    };
    p->refused += iot_device_init(&p->dev, &p->options) != IOT_OK;
    p->refused += iot_device_connect(&p->dev) != IOT_OK;
}

static void subscribe(struct post *p, const char *filter)
{
    const struct iot_filter f = {.filter = {.text = filter, .len = (uint16_t)strlen(filter)},
                                 .qos = 2,
                                 .on_message = on_message,
                                 .ctx = p};
    p->refused += iot_mqtt_subscribe(&p->dev, &f, NULL) != IOT_OK;
}

static iot_err publish(struct post *p, const char *topic, uint8_t qos)
{
    const struct iot_msg msg = {.topic = {.text = topic, .len = (uint16_t)strlen(topic)},
                                .payload = {(const uint8_t *)payload, sizeof payload - 1},
                                .qos = qos};
    return iot_mqtt_publish(&p->dev, &msg, NULL);
}

static void close_post(struct post *p)
{
    p->refused += iot_device_close(&p->dev, 1000) != IOT_OK;
}

static uint32_t tick(struct post *p)
{
    while (p->to_send > 0 && iot_device_connected(&p->dev) && publish(p, "crowd/all", 1) == IOT_OK)
        p->to_send--;
    return iot_poll(&p->dev, sys_now());
}

/* Waits outside of the lock; what is waited for is looked at under it. */
#define UNTIL(move, condition)                                                                     \
    do {                                                                                           \
        uint64_t end_ms = host_clock_ms() + WAIT_MAX_MS;                                           \
        for (bool done = false; !done;) {                                                          \
            if (host_clock_ms() > end_ms)                                                          \
                fail_msg("waited in vain for: %s", #condition);                                    \
            LOCK_TCPIP_CORE();                                                                     \
            move;                                                                                  \
            done = (condition);                                                                    \
            UNLOCK_TCPIP_CORE();                                                                   \
            host_pause_ms(1);                                                                      \
        }                                                                                          \
    } while (0)

static void check_over(const struct post *p)
{
    struct iot_pool_use use;

    assert_int_equal(p->kinds[IOT_EV_CLOSED], 1);
    assert_int_equal(p->kinds[IOT_EV_FAILED], 0);
    assert_int_equal(p->wrong, 0);
    assert_int_equal(p->refused, 0);
    for (uint32_t i = 0; iot_device_pool(&p->dev, i, &use); i++)
        if (strcmp(use.name, "subscriptions") != 0)
            assert_int_equal(use.used, 0);
}

/* ---- Each in its thread ------------------------------------------------------------------- */

/* One that is no thread of lwIP's. */
static void *live(void *arg)
{
    struct post *p = arg;

    for (bool over = false; !over;) {
        LOCK_TCPIP_CORE();
        uint32_t wait_ms = tick(p);
        over = p->over;
        UNLOCK_TCPIP_CORE();
        host_pause_ms(wait_ms < TICK_MAX_MS ? wait_ms : TICK_MAX_MS);
    }
    return NULL;
}

/* lwIP's own: a timer of it, which it calls with the lock held. */
static void live_in_lwip(void *arg)
{
    struct post *p = arg;
    uint32_t wait_ms = tick(p);

    if (!p->over)
        sys_timeout(wait_ms < TICK_MAX_MS ? wait_ms : TICK_MAX_MS, live_in_lwip, p);
}

static void begin_in_lwip(void *arg)
{
    begin(arg, "in-lwip");
    live_in_lwip(arg);
}

static void exchange_in_lwip(void *arg)
{
    struct post *p = arg;

    subscribe(p, "lwip/+");
    for (uint8_t qos = 0; qos <= 2; qos++)
        p->refused += publish(p, "lwip/x", qos) != IOT_OK;
}

static void close_in_lwip(void *arg)
{
    close_post(arg);
}

/* ---- What works --------------------------------------------------------------------------- */

static void a_device_of_another_thread_works_under_the_core_lock(void **state)
{
    struct post *p = &posts[0];
    (void)state;

    LOCK_TCPIP_CORE();
    begin(p, "locked");
    UNLOCK_TCPIP_CORE();
    UNTIL(tick(p), p->kinds[IOT_EV_CONNECTED] == 1);
    LOCK_TCPIP_CORE();
    subscribe(p, "lock/+");
    UNLOCK_TCPIP_CORE();
    UNTIL(tick(p), p->kinds[IOT_EV_SUBACK] == 1);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        LOCK_TCPIP_CORE();
        p->refused += publish(p, "lock/x", qos) != IOT_OK;
        UNLOCK_TCPIP_CORE();
    }
    UNTIL(tick(p), p->kinds[IOT_EV_DONE] == 3 && p->received[0] == 1 && p->received[1] == 1 &&
                       p->received[2] == 1);
    LOCK_TCPIP_CORE();
    close_post(p);
    UNLOCK_TCPIP_CORE();
    UNTIL(tick(p), p->kinds[IOT_EV_CLOSED] == 1);
    check_over(p);
}

static void a_device_lives_in_the_thread_of_lwip(void **state)
{
    struct post *p = &posts[0];
    (void)state;

    memset(p, 0, sizeof *p);
    assert_int_equal(tcpip_callback(begin_in_lwip, p), ERR_OK);
    UNTIL(, p->kinds[IOT_EV_CONNECTED] == 1);
    assert_int_equal(tcpip_callback(exchange_in_lwip, p), ERR_OK);
    UNTIL(, p->kinds[IOT_EV_DONE] == 3 && p->received[0] == 1 && p->received[1] == 1 &&
                p->received[2] == 1);
    assert_int_equal(tcpip_callback(close_in_lwip, p), ERR_OK);
    UNTIL(p->over = p->kinds[IOT_EV_CLOSED] == 1, p->over);
    check_over(p);
}

static void devices_of_three_threads_share_one_lwip(void **state)
{
    static const char *const ids[CROWD] = {"crowd-0", "crowd-1", "crowd-2"};
    pthread_t threads[CROWD - 1];
    (void)state;

    LOCK_TCPIP_CORE();
    for (uint32_t i = 0; i < CROWD; i++) {
        begin(&posts[i], ids[i]);
        subscribe(&posts[i], "crowd/+");
    }
    UNLOCK_TCPIP_CORE();
    for (uint32_t i = 0; i < CROWD - 1; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live, &posts[i]), 0);
    assert_int_equal(tcpip_callback(live_in_lwip, &posts[CROWD - 1]), ERR_OK);
    for (uint32_t i = 0; i < CROWD; i++)
        UNTIL(, posts[i].kinds[IOT_EV_SUBACK] == 1);

    LOCK_TCPIP_CORE();
    for (uint32_t i = 0; i < CROWD; i++)
        posts[i].to_send = CROWD_EACH;
    UNLOCK_TCPIP_CORE();
    for (uint32_t i = 0; i < CROWD; i++)
        UNTIL(, posts[i].kinds[IOT_EV_DONE] == CROWD_EACH &&
                    posts[i].received[1] == CROWD * CROWD_EACH);

    LOCK_TCPIP_CORE();
    for (uint32_t i = 0; i < CROWD; i++)
        close_post(&posts[i]);
    UNLOCK_TCPIP_CORE();
    for (uint32_t i = 0; i < CROWD; i++)
        UNTIL(posts[i].over = posts[i].kinds[IOT_EV_CLOSED] == 1, posts[i].over);
    for (uint32_t i = 0; i < CROWD - 1; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t i = 0; i < CROWD; i++) {
        assert_int_equal(posts[i].kinds[IOT_EV_LOST], 0);
        check_over(&posts[i]);
    }
}

static void a_broker_that_was_killed_is_found_again(void **state)
{
    struct post *p = &posts[0];
    uint16_t port = broker.port;
    (void)state;

    LOCK_TCPIP_CORE();
    begin(p, "again");
    UNLOCK_TCPIP_CORE();
    UNTIL(tick(p), p->kinds[IOT_EV_CONNECTED] == 1);
    host_kill_mosquitto(&broker);
    UNTIL(tick(p), p->kinds[IOT_EV_LOST] >= 1);
    if (!host_start_mosquitto(&broker, port, NULL))
        fail_msg("%s", broker.why);
    UNTIL(tick(p), p->kinds[IOT_EV_CONNECTED] == 2);
    LOCK_TCPIP_CORE();
    close_post(p);
    UNLOCK_TCPIP_CORE();
    UNTIL(tick(p), p->kinds[IOT_EV_CLOSED] == 1);
    check_over(p);
}

/* Datagrams: lwIP's thread queues what comes, another reads it under the lock. */
static void a_channel_of_datagrams_works_under_the_core_lock(void **state)
{
    static struct iot_udp udp;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = WAIT_MAX_MS / 1000};
    socklen_t len = sizeof here;
    struct iot_endpoint to = {.host = "broker.example"};
    const struct iot_dgram_ops *ops;
    uint8_t into[16];
    uint32_t got = 0;
    bool wake = false;
    (void)state;

    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&here, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &len), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    to.port = ntohs(here.sin_port);

    LOCK_TCPIP_CORE();
    iot_udp_init(&udp);
    udp.base.wake = &wake;
    ops = udp.base.ops;
    iot_err opened = ops->open(&udp.base, &to, sys_now());
    UNLOCK_TCPIP_CORE();
    assert_err(opened, IOT_OK);
    UNTIL(, ops->poll(&udp.base, sys_now()) == IOT_OK);
    for (uint8_t i = 0; i < 20; i++) {
        UNTIL((void)ops->poll(&udp.base, sys_now()),
              ops->write(&udp.base, (struct iot_bytes){&i, 1}, sys_now()) == IOT_OK);
        assert_int_equal(recvfrom(fd, into, sizeof into, 0, (struct sockaddr *)&here, &len), 1);
        assert_int_equal(sendto(fd, into, 1, 0, (struct sockaddr *)&here, len), 1);
        UNTIL(, ops->read(&udp.base, into, sizeof into, &got) == IOT_OK);
        assert_int_equal(got, 1);
        assert_int_equal(into[0], i);
        UNTIL(, wake); /* set in lwIP's thread */
        UNTIL(wake = false, true);
    }
    LOCK_TCPIP_CORE();
    ops->abort(&udp.base);
    bool idle = ops->idle(&udp.base);
    UNLOCK_TCPIP_CORE();
    assert_true(idle);
    close(fd);
}

/* ---- What is caught ----------------------------------------------------------------------- */

static struct iot_writer writer;

static void call_poll(struct post *p)
{
    iot_poll(&p->dev, sys_now() + 100000u);
}

static void call_connect(struct post *p)
{
    iot_device_connect(&p->dev);
}

static void call_close(struct post *p)
{
    iot_device_close(&p->dev, 0);
}

static void call_network(struct post *p)
{
    iot_network(&p->dev, IOT_NETWORK_CHANGED);
}

static void call_publish(struct post *p)
{
    publish(p, "no/lock", 0);
}

static iot_err give_nothing(void *ctx, struct iot_device *dev, uint32_t offset,
                            struct iot_writer *w)
{
    (void)ctx;
    (void)dev;
    (void)offset;
    (void)w;
    return IOT_ERR_AGAIN;
}

static const struct iot_msg head = {.topic = IOT_TOPIC("no/lock"), .qos = 0};

static void call_stream(struct post *p)
{
    iot_mqtt_stream(&p->dev, &head, 10, give_nothing, NULL, NULL);
}

static void call_begin(struct post *p)
{
    iot_mqtt_begin(&p->dev, &head, 10, &writer);
}

/* The lock was held at the beginning, and is not at the end. */
static void call_commit(struct post *p)
{
    (void)p;
    iot_mqtt_commit(&writer, NULL);
}

static void call_cancel(struct post *p)
{
    (void)p;
    iot_mqtt_cancel(&writer);
}

static void call_subscribe(struct post *p)
{
    subscribe(p, "no/lock");
}

static void call_unsubscribe(struct post *p)
{
    const struct iot_topic filter = IOT_TOPIC("no/lock");
    iot_mqtt_unsubscribe(&p->dev, &filter, NULL);
}

/* In a process of its own, which has this thread only: with the lock, or without. Returns its status. */
static int status_of(void (*call)(struct post *), bool locked)
{
    int status = -1;

    fflush(NULL);
    LOCK_TCPIP_CORE();
    pid_t pid = fork();
    if (pid == 0) {
        if (call == call_commit || call == call_cancel)
            call_begin(&posts[0]);
        if (!locked)
            UNLOCK_TCPIP_CORE();
        call(&posts[0]);
        _exit(0);
    }
    UNLOCK_TCPIP_CORE();
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void each_call_without_the_lock_is_caught(void **state)
{
    static const struct {
        const char *name;
        void (*call)(struct post *);
    } calls[] = {
        {"poll", call_poll},           {"connect", call_connect},         {"close", call_close},
        {"network", call_network},     {"publish", call_publish},         {"stream", call_stream},
        {"begin", call_begin},         {"commit", call_commit},           {"cancel", call_cancel},
        {"subscribe", call_subscribe}, {"unsubscribe", call_unsubscribe},
    };
    (void)state;

    LOCK_TCPIP_CORE();
    begin(&posts[0], "no-lock");
    UNLOCK_TCPIP_CORE();
    for (size_t i = 0; i < COUNT(calls); i++) {
        int with = status_of(calls[i].call, true), without = status_of(calls[i].call, false);
        if (!WIFEXITED(with) || WEXITSTATUS(with) != 0)
            fail_msg("%s with the lock: status %d", calls[i].name, with);
        if (!WIFSIGNALED(without) || WTERMSIG(without) != SIGABRT)
            fail_msg("%s without the lock is not caught: status %d", calls[i].name, without);
    }
    LOCK_TCPIP_CORE();
    close_post(&posts[0]);
    UNLOCK_TCPIP_CORE();
    UNTIL(tick(&posts[0]), posts[0].kinds[IOT_EV_CLOSED] == 1);
}

/* Read by the thread sanitizer. lwIP's port to Unix looks, outside of its mutex, whether it is itself the holder. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:sys_arch_protect\n";
}

/* ---- The group ---------------------------------------------------------------------------- */

static atomic_bool up;

static void on_lwip_up(void *arg)
{
    (void)arg;
    atomic_store(&up, true);
}

static int start(void **state)
{
    ip_addr_t loopback;
    (void)state;

    signal(SIGPIPE, SIG_IGN); /* libslirp writes to sockets whose peer may be gone */
    if (!host_start_mosquitto(&broker, 0, NULL)) {
        print_error("%s\n", broker.why);
        return -1;
    }
    tcpip_init(on_lwip_up, NULL);
    while (!atomic_load(&up))
        host_pause_ms(1);
    LOCK_TCPIP_CORE();
    bool ok = wire_start() && ipaddr_aton("10.0.2.2", &loopback) &&
              dns_local_addhost("broker.example", &loopback) == ERR_OK;
    UNLOCK_TCPIP_CORE();
    heap_trap_on();
    return ok ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    heap_trap_off();
    wire_stop();
    host_kill_mosquitto(&broker);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_of_another_thread_works_under_the_core_lock),
        cmocka_unit_test(a_device_lives_in_the_thread_of_lwip),
        cmocka_unit_test(devices_of_three_threads_share_one_lwip),
        cmocka_unit_test(a_broker_that_was_killed_is_found_again),
        cmocka_unit_test(a_channel_of_datagrams_works_under_the_core_lock),
        cmocka_unit_test(each_call_without_the_lock_is_caught),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

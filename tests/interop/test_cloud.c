/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated platform as it runs: a real mosquitto with our plugin, and mosquitto's own clients as devices. They are
 * signed by the openssl program, so nothing here believes its own arithmetic. */
#include "test.h"

#include "host/host_child.h"
#include "host/host_cloud.h"
#include "peer_run.h"
#include "peer_socket.h"
#include "wire_client.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PK      "a1B2c3D4e5F"
#define DS      "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define DS_TWO  "1a2b3c4d5e6f708192a3b4c5d6e7f809"
#define DS_OFF  "2f3e4d5c6b7a89980716253443526170"
#define DS_PSK  "3c4d5e6f708192a3b4c5d6e7f8091a2b"
#define OWN     "/" PK "/dev001/"
#define SYS     "/sys" OWN
#define WAIT_MS 20000u

static struct host_cloud cloud;
static char text[131072], said[4096];

/* Where a client's words go to; the texts live as long as it. */
struct client {
    const char *argv[PEER_WORDS_MAX];
    int count;
    char port[8], id[160], user[80], password[65], cert[HOST_PATH_MAX], key[HOST_PATH_MAX];
    char psk[65], psk_id[128];
};

static const char *from_environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value != NULL && *value != 0 ? value : otherwise;
}

static void add(struct client *c, const char *word)
{
    assert_true(c->count < PEER_WORDS_MAX - 1);
    c->argv[c->count++] = word;
}

#define ADD(c, ...)                                                                                \
    do {                                                                                           \
        const char *words_[] = {__VA_ARGS__};                                                      \
        for (size_t i_ = 0; i_ < COUNT(words_); i_++)                                              \
            add((c), words_[i_]);                                                                  \
    } while (0)

/* HMAC by openssl, in hexadecimal. */
static void sign(const char *method, const char *secret, const char *over, char hex[65])
{
    char file[HOST_PATH_MAX + 16], option[96];
    snprintf(file, sizeof file, "%s/signed", cloud.dir);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs(over, f);
    assert_int_equal(fclose(f), 0);
    snprintf(option, sizeof option, "key:%s", secret);
    const char *argv[] = {from_environment("OPENSSL", "openssl"),
                          "dgst",
                          method,
                          "-mac",
                          "HMAC",
                          "-macopt",
                          option,
                          "-r",
                          file,
                          NULL};
    if (peer_run(argv) != 0)
        fail_msg("%s", peer_output);
    size_t n = strspn(peer_output, "0123456789abcdef");
    assert_true(n >= 32 && n <= 64);
    memcpy(hex, peer_output, n);
    hex[n] = 0;
}

static void new_client(struct client *c, const char *program, uint16_t port)
{
    memset(c, 0, sizeof *c);
    snprintf(c->port, sizeof c->port, "%u", port);
    ADD(c,
        from_environment(program, program[sizeof "MOSQUITTO_" - 1] == 'P' ? "mosquitto_pub"
                                                                          : "mosquitto_sub"),
        "-h", "127.0.0.1", "-p", c->port, "-V", "311");
}

static void sign_in(struct client *c, const char *cid, const char *name, const char *secret,
                    int securemode)
{
    char over[256];
    snprintf(c->id, sizeof c->id, "%s|securemode=%d,signmethod=hmacsha256|", cid, securemode);
    snprintf(c->user, sizeof c->user, "%s&" PK, name);
    snprintf(over, sizeof over, "clientId%sdeviceName%sproductKey" PK, cid, name);
    sign("-sha256", secret, over, c->password);
    ADD(c, "-i", c->id, "-u", c->user, "-P", c->password);
}

/* A signed device over TLS. */
static void new_device(struct client *c, const char *program, const char *name, const char *secret)
{
    new_client(c, program, cloud.tls_port);
    ADD(c, "--cafile", cloud.ca_pem);
    sign_in(c, "x", name, secret, 2);
}

static int run_words(struct client *c, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(c, words[i]);
    return peer_run(c->argv);
}

#define RUN(c, ...)                                                                                \
    run_words((c), (const char *const[]){__VA_ARGS__},                                             \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* Readings as custom topics carry them. */
static int publish(struct client *c)
{
    return RUN(c, "-t", OWN "user/update", "-m", "hi", "-q", "1");
}

static void command(const char *line)
{
    if (!host_cloud_command(cloud.dir, line, said, sizeof said))
        fail_msg("%s: %s", line, said);
}

static bool logged(const char *what)
{
    assert_true(host_cloud_log(cloud.dir, text, sizeof text));
    return strstr(text, what) != NULL;
}

static void await_log(const char *what)
{
    uint64_t end = host_clock_ms() + WAIT_MS;
    while (!logged(what)) {
        if (host_clock_ms() > end)
            fail_msg("'%s' was not logged:\n%s", what, text);
        host_pause_ms(5);
    }
}

static void assert_logged(const char *what)
{
    if (!logged(what))
        fail_msg("'%s' was not logged:\n%s", what, text);
}

/* Each test looks at its own lines. */
static int forget_log(void **state)
{
    char path[HOST_PATH_MAX + 16];
    (void)state;
    snprintf(path, sizeof path, "%s/cloud.log", cloud.dir);
    return truncate(path, 0);
}

/* A client that stays; ended by end_client. Its output is read there. */
static pid_t start_client(struct client *c, int *fd)
{
    pid_t pid = host_spawn((char *const *)c->argv, NULL, fd);
    assert_true(pid > 0);
    return pid;
}

static void read_client(int fd)
{
    size_t len = 0;
    ssize_t n;
    while (len < sizeof text - 1 && (n = read(fd, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = 0;
    close(fd);
}

/* Give the command again and again, until the client has got what it waits for and ends. */
static void command_until_it_ends(pid_t pid, const char *line)
{
    uint64_t end = host_clock_ms() + WAIT_MS;
    int status;
    while (host_alive(pid, &status)) {
        if (host_clock_ms() > end) {
            host_kill(pid);
            fail_msg("the client waits in vain; '%s' gave '%s'", line, said);
        }
        host_cloud_command(cloud.dir, line, said, sizeof said);
        host_pause_ms(20);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- login */

static void a_signed_device_logs_in_over_tls_and_plain(void **state)
{
    struct client c;
    (void)state;
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS);
    if (publish(&c) != 0)
        fail_msg("%s", peer_output);
    assert_logged("cloud: login " PK " dev001 accepted: hmacsha256, tls\n");
    assert_logged("cloud: publish " PK " dev001 " OWN "user/update: 2 bytes\n");

    new_client(&c, "MOSQUITTO_PUB", cloud.plain_port);
    sign_in(&c, PK ".dev001", "dev001", DS, 3);
    assert_int_equal(publish(&c), 0);
    assert_logged("cloud: login " PK " dev001 accepted: hmacsha256, plain\n");
}

static void the_vectors_of_the_protocol_log_in(void **state)
{
    static const struct {
        const char *method, *password;
    } good[] = {
        {"hmacmd5", "E8328765FB8AEA83522CFF7009B8A956"},
        {"hmacsha1", "ad32c7344cdba0d7992b63998e3fbe2a5707b100"},
        {"hmacsha256", "e94c6c93b28b957c26538d2b0febd732a54faa2d172c6b72aded4dfadf897ae4"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct client c;
        new_client(&c, "MOSQUITTO_PUB", cloud.plain_port);
        snprintf(c.id, sizeof c.id,
                 PK ".dev001|timestamp=2524608000000,_v=sdk-c-3.2.0,securemode=3,signmethod=%s,"
                    "lan=C,gw=0,ext=0|",
                 good[i].method);
        ADD(&c, "-i", c.id, "-u", "dev001&" PK, "-P", good[i].password);
        if (publish(&c) != 0)
            fail_msg("%s: %s", good[i].method, peer_output);
    }
}

static void one_wrong_character_in_the_secret_is_refused_and_explained(void **state)
{
    struct client c;
    (void)state;
    new_device(&c, "MOSQUITTO_PUB", "dev001", "0f1e2d3c4b5a69788796a5b4c3d2e1f1");
    assert_int_not_equal(publish(&c), 0);
    assert_logged("cloud: login " PK
                  " dev001 refused (4): signature wrong; it has to be hmacsha256 with "
                  "the device's secret over clientIdxdeviceNamedev001productKey" PK "\n");
}

static void unknown_and_disabled_devices_are_refused_by_name(void **state)
{
    struct client c;
    (void)state;
    new_device(&c, "MOSQUITTO_PUB", "dev009", DS);
    assert_int_not_equal(publish(&c), 0);
    assert_logged("dev009 refused (4): unknown device dev009 of product " PK);
    new_device(&c, "MOSQUITTO_PUB", "off001", DS_OFF);
    assert_int_not_equal(publish(&c), 0);
    assert_logged("off001 refused (4): device " PK " off001 is disabled");
    new_client(&c, "MOSQUITTO_PUB", cloud.plain_port); /* nobody at all */
    assert_int_not_equal(publish(&c), 0);
    assert_logged("refused (2): the client id has no |securemode");
    new_client(&c, "MOSQUITTO_PUB", cloud.plain_port);
    sign_in(&c, "x", "dev001", DS, 2);
    assert_int_not_equal(publish(&c), 0);
    assert_logged(
        "refused (2): securemode=2 does not fit: the connection is plain TCP, which is 3");
}

static void a_server_that_is_not_trusted_gets_no_login(void **state)
{
    struct client c;
    char leaf[HOST_PATH_MAX + 16]; /* no authority */
    (void)state;
    snprintf(leaf, sizeof leaf, "%s/server.pem", cloud.dir);
    new_client(&c, "MOSQUITTO_PUB", cloud.tls_port);
    ADD(&c, "--cafile", leaf);
    sign_in(&c, "x", "dev001", DS, 2);
    assert_int_not_equal(publish(&c), 0);
    assert_false(logged("login"));
}

static void tls_psk_takes_the_key_of_the_secret_and_no_other(void **state)
{
    static const char *const secrets[] = {DS_PSK, DS_TWO};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client c;
        char hex[65], over[128];
        new_client(&c, "MOSQUITTO_PUB", cloud.psk_port);
        snprintf(over, sizeof over, "id" PK "&psk001timestamp2524608000000");
        sign("-sha256", secrets[i], over, hex);
        for (int k = 0; k < 64; k++) /* the key's bytes are the upper-case text */
            c.psk[k] = (char)(hex[k] >= 'a' ? hex[k] - 'a' + 'A' : hex[k]);
        char bytes[129];
        for (int k = 0; k < 64; k++)
            snprintf(bytes + 2 * k, 3, "%02x", (unsigned)c.psk[k]);
        ADD(&c, "--psk", bytes, "--psk-identity",
            "devicename|hmacsha256|" PK "&psk001|2524608000000", "--ciphers", "PSK-AES128-CBC-SHA",
            "--tls-version", "tlsv1.2");
        sign_in(&c, "x", "psk001", DS_PSK, 2);
        int rc = RUN(&c, "-t", "/" PK "/psk001/user/update", "-m", "hi", "-q", "1");
        if ((rc == 0) != (i == 0))
            fail_msg("%s", peer_output);
        assert_true(logged("login " PK " psk001 accepted: hmacsha256, tls-psk") == (i == 0));
        forget_log(NULL);
    }
}

static void a_client_certificate_is_an_identity_and_the_platform_tells_it(void **state)
{
    struct client c;
    (void)state;
    if (!host_cloud_issue(&cloud, PK, "cert001", c.cert, c.key))
        fail_msg("%s", cloud.why);
    assert_int_equal(access(c.cert, R_OK) | access(c.key, R_OK), 0);
    char cert[HOST_PATH_MAX + 32], key[HOST_PATH_MAX + 32];
    snprintf(cert, sizeof cert, "%s/" PK ".cert001.pem", cloud.dir);
    snprintf(key, sizeof key, "%s/" PK ".cert001.key", cloud.dir);
    new_client(&c, "MOSQUITTO_SUB", cloud.x509_port);
    ADD(&c, "--cafile", cloud.ca_pem, "--cert", cert, "--key", key, "-i", "any", "-v", "-C", "1",
        "-W", "20");
    assert_int_equal(RUN(&c, "-t", "/" PK "/cert001/user/get"), 0); /* not what then comes */
    assert_string_equal(peer_output, "/ext/auth/identity/response "
                                     "{\"productKey\":\"" PK "\",\"deviceName\":\"cert001\"}\n");
    assert_logged("login " PK " cert001 accepted: certificate");

    new_client(&c, "MOSQUITTO_PUB", cloud.x509_port); /* without one */
    ADD(&c, "--cafile", cloud.ca_pem);
    sign_in(&c, "x", "dev001", DS, 2);
    assert_int_not_equal(publish(&c), 0);

    if (!host_cloud_issue(&cloud, PK, "dev001", c.cert, c.key))
        fail_msg("%s", cloud.why);
    snprintf(cert, sizeof cert, "%s/" PK ".dev001.pem", cloud.dir);
    snprintf(key, sizeof key, "%s/" PK ".dev001.key", cloud.dir);
    new_client(&c, "MOSQUITTO_PUB", cloud.x509_port);
    ADD(&c, "--cafile", cloud.ca_pem, "--cert", cert, "--key", key, "-i", "any");
    assert_int_not_equal(publish(&c), 0);
    assert_logged("dev001 refused (4): device " PK " dev001 signs with its secret");
}

/* ---- connections */

static void a_second_login_kicks_the_first(void **state)
{
    struct client first, second;
    int fd;
    (void)state;
    new_device(&first, "MOSQUITTO_SUB", "dev001", DS);
    ADD(&first, "-t", OWN "user/get");
    pid_t pid = start_client(&first, &fd);
    await_log("dev001 accepted");
    new_client(&second, "MOSQUITTO_PUB", cloud.plain_port);
    sign_in(&second, "other", "dev001", DS, 3);
    assert_int_equal(publish(&second), 0);
    assert_logged("cloud: kicked " PK " dev001: by a second login\n");
    host_kill(pid);
    close(fd);
}

static void a_disabled_device_is_told_and_refused_until_it_is_enabled(void **state)
{
    struct client c;
    int fd, status;
    (void)state;
    new_device(&c, "MOSQUITTO_SUB", "dev001", DS);
    ADD(&c, "-t", "/sys/" PK "/dev001/thing/disable", "-C", "1", "-W", "20");
    /* so the platform sends it without a SUBSCRIBE that may come too late */
    snprintf(c.id, sizeof c.id, "x|securemode=2,signmethod=hmacsha256,_ss=1|");
    pid_t pid = start_client(&c, &fd);
    await_log("dev001 accepted");
    command("disable " PK " dev001");
    uint64_t end = host_clock_ms() + WAIT_MS;
    while (host_alive(pid, &status) && host_clock_ms() < end)
        host_pause_ms(5);
    read_client(fd);
    assert_non_null(strstr(text, "\"method\":\"thing.disable\"}"));

    new_device(&c, "MOSQUITTO_PUB", "dev001", DS);
    assert_int_not_equal(publish(&c), 0);
    assert_logged("dev001 refused (4): device " PK " dev001 is disabled");
    command("enable " PK " dev001");
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS);
    assert_int_equal(publish(&c), 0);
}

static void a_disabled_device_that_stays_is_cut_off(void **state)
{
    struct client c;
    int fd;
    (void)state;
    new_device(&c, "MOSQUITTO_SUB", "dev001", DS);
    ADD(&c, "-t", OWN "user/get");
    pid_t pid = start_client(&c, &fd);
    await_log("dev001 accepted");
    command("disable " PK " dev001");
    await_log("cloud: kicked " PK " dev001: it is disabled\n");
    await_log("dev001 refused (4)"); /* it tries again */
    host_kill(pid);
    close(fd);
    command("enable " PK " dev001");
}

static void flow_control_closes_without_an_answer(void **state)
{
    struct client c;
    (void)state;
    command("flow " PK " dev001 on");
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS);
    assert_int_not_equal(publish(&c), 0);
    assert_null(strstr(peer_output, "refused")); /* which is what it says of a CONNACK */
    assert_logged("cloud: login " PK " dev001 closed: flow control, by command\n");
    command("flow " PK " dev001 off");
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS);
    assert_int_equal(publish(&c), 0);
}

/* ---- messages */

static void a_foreign_topic_gives_suback_0x80_and_its_publish_is_dropped(void **state)
{
    struct client c;
    (void)state;
    new_device(&c, "MOSQUITTO_SUB", "dev001", DS);
    RUN(&c, "-t", "/" PK "/dev002/user/get", "-W", "10");
    assert_non_null(strstr(peer_output, "denied"));
    assert_logged("cloud: subscribe " PK " dev001 /" PK
                  "/dev002/user/get refused: the topic is not in the "
                  "device's own name space\n");
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS); /* it is acknowledged all the same */
    assert_int_equal(RUN(&c, "-t", "/" PK "/dev002/user/update", "-m", "hi", "-q", "1"), 0);
    assert_logged("cloud: publish " PK " dev001 /" PK "/dev002/user/update dropped: ");
}

static void a_command_sends_a_message_to_the_device(void **state)
{
    struct client c;
    int fd;
    (void)state;
    assert_false(host_cloud_command(cloud.dir, "publish " PK " dev001 " OWN "user/get hi", said,
                                    sizeof said));
    assert_string_equal(said, "the device is offline, and the platform keeps no messages");
    new_device(&c, "MOSQUITTO_SUB", "dev001", DS);
    ADD(&c, "-t", OWN "user/get", "-C", "1");
    pid_t pid = start_client(&c, &fd);
    command_until_it_ends(pid, "publish " PK " dev001 " OWN "user/get {\"LightSwitch\": 1}");
    read_client(fd);
    assert_string_equal(text, "{\"LightSwitch\": 1}\n");
    assert_logged("cloud: message to " PK " dev001 " OWN "user/get\n");
}

static void a_topic_with_both_permissions_comes_back_and_nothing_is_retained(void **state)
{
    struct client c;
    int fd;
    (void)state;
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS);
    assert_int_equal(RUN(&c, "-t", OWN "user/echo", "-m", "old", "-q", "1", "-r"), 0);
    new_device(&c, "MOSQUITTO_SUB", "dev001", DS);
    ADD(&c, "-t", OWN "user/#", "-C", "1");
    pid_t pid = start_client(&c, &fd);
    command_until_it_ends(pid, "publish " PK " dev001 " OWN "user/echo new");
    read_client(fd);
    assert_string_equal(text, "new\n");
}

static void a_payload_over_256_kb_is_dropped(void **state)
{
    char file[HOST_PATH_MAX + 16];
    struct client c;
    (void)state;
    snprintf(file, sizeof file, "%s/payload", cloud.dir);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    for (int i = 0; i < 262144; i++)
        fputc('x', f);
    assert_int_equal(fclose(f), 0);
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS);
    assert_int_equal(RUN(&c, "-t", OWN "user/update", "-f", file, "-q", "1"), 0);
    assert_logged("user/update: 262144 bytes\n");
    f = fopen(file, "a");
    assert_non_null(f);
    fputc('x', f);
    assert_int_equal(fclose(f), 0);
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS);
    assert_int_equal(RUN(&c, "-t", OWN "user/update", "-f", file, "-q", "1"), 0);
    assert_logged("user/update dropped: the payload is longer than 262144 bytes\n");
    assert_false(logged("262145 bytes"));
}

/* ---- what the platform says to a device */

/* A device by hand, which talks and listens: dev001 by a vector of the protocol, without SUBSCRIBE. */
struct talker {
    int fd;
    struct wire heard;
    uint32_t seen; /* bytes of it */
};

static struct talker talker;

static void start_talker(void)
{
    static const char id[] =
        PK ".dev001|timestamp=2524608000000,securemode=3,signmethod=hmacsha256,ext=3,_ss=1|";
    static const char password[] =
        "E94C6C93B28B957C26538D2B0FEBD732A54FAA2D172C6B72ADED4DFADF897AE4";
    static const uint8_t middle[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 0xc2, 0, 60};
    struct wire w = {0};
    size_t len = sizeof middle + 6 + strlen(id) + strlen("dev001&" PK) + strlen(password);
    uint8_t head[3] = {0x10, (uint8_t)(len | 0x80), (uint8_t)(len >> 7)};

    wire_put(&w, head, 3);
    wire_put(&w, middle, sizeof middle);
    client_text(&w, id);
    client_text(&w, "dev001&" PK);
    client_text(&w, password);
    memset(&talker, 0, sizeof talker);
    talker.fd = peer_socket_connect(cloud.plain_port);
    assert_true(talker.fd >= 0);
    assert_int_equal(write(talker.fd, w.bytes, w.len), w.len);
    uint8_t connack[4];
    assert_int_equal(recv(talker.fd, connack, 4, MSG_WAITALL), 4);
    assert_int_equal(connack[3], 0);
}

static void talk(const char *topic, const char *payload)
{
    static struct wire w;

    wire_clear(&w);
    wire_publish(&w, 0, topic, 0, payload, (uint32_t)strlen(payload));
    assert_int_equal(write(talker.fd, w.bytes, w.len), w.len);
}

/* The next message's payload, whose topic must be this or, if it ends with a slash, start so. */
static const char *listen_for(const char *topic, char whole[160])
{
    struct wire *h = &talker.heard;
    struct wire_packet packet;

    for (;;) {
        struct iot_bytes rest = {h->bytes + talker.seen, h->len - talker.seen};
        if (wire_next(&rest, &packet))
            break;
        struct pollfd p = {.fd = talker.fd, .events = POLLIN};
        if (poll(&p, 1, (int)WAIT_MS) <= 0)
            fail_msg("nothing on %s", topic);
        ssize_t n = read(talker.fd, h->bytes + h->len, sizeof h->bytes - h->len);
        assert_true(n > 0);
        h->len += (uint32_t)n;
    }
    talker.seen += packet.whole.len;
    size_t n = strlen(topic);
    if (packet.topic.len < n || memcmp(packet.topic.ptr, topic, n) != 0 ||
        (packet.topic.len > n && topic[n - 1] != '/'))
        fail_msg("%.*s, not %s", (int)packet.topic.len, packet.topic.ptr, topic);
    if (whole != NULL)
        snprintf(whole, 160, "%.*s", (int)packet.topic.len, packet.topic.ptr);
    snprintf(text, sizeof text, "%.*s", (int)packet.payload.len, packet.payload.ptr);
    return text;
}

/* A command that waits for the device, from another process; its exit is 0 if the answer is good. */
static pid_t ask(const char *line)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(host_cloud_command(cloud.dir, line, said, sizeof said) ? 0 : 1);
    return pid;
}

static int outcome(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void reports_are_answered_and_remembered(void **state)
{
    (void)state;
    start_talker();
    talk(SYS "thing/event/property/post",
         "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":1,\"Foo\":2},\"method\":"
         "\"thing.event.property.post\"}");
    assert_string_equal(
        listen_for(SYS "thing/event/property/post_reply", NULL),
        "{\"code\":200,\"data\":{},\"id\":\"1\",\"message\":\"dropped: Foo (6320: Foo "
        "is not in the model)\",\"method\":\"thing.event.property.post\",\"version\":"
        "\"1.0\"}");
    talk(SYS "thing/dsltemplate/get", "{\"id\":\"2\",\"version\":\"1.0\",\"params\":{},\"method\":"
                                      "\"thing.dsltemplate.get\"}");
    assert_true(strlen(listen_for(SYS "thing/dsltemplate/get_reply", NULL)) > 8000);
    assert_non_null(strstr(text, "\"identifier\":\"Scenes\""));
    command("show " PK " dev001");
    assert_non_null(strstr(said, "property LightSwitch {\"value\":1,"));
    assert_null(strstr(said, "Foo"));
    close(talker.fd);
}

static void a_command_waits_for_the_answer_of_the_device(void **state)
{
    char topic[160], answer[64];
    (void)state;
    start_talker();
    pid_t pid = ask("set " PK " dev001 {\"LightSwitch\":0}");
    int id = 0;
    assert_int_equal(
        sscanf(listen_for(SYS "thing/service/property/set", NULL), "{\"id\":\"%d\"", &id), 1);
    snprintf(answer, sizeof answer, "{\"id\":\"%d\",\"code\":200,\"data\":{}}", id);
    talk(SYS "thing/service/property/set_reply", answer);
    assert_int_equal(outcome(pid), 0);

    pid = ask("call " PK " dev001 Measure"); /* and the device does it wrong */
    assert_int_equal(sscanf(listen_for(SYS "rrpc/request/", topic), "{\"id\":\"%d\"", &id), 1);
    char number[32];
    snprintf(number, sizeof number, "%.19s", strrchr(topic, '/') + 1);
    snprintf(topic, sizeof topic, SYS "rrpc/response/%s", number);
    snprintf(answer, sizeof answer, "{\"id\":\"%d\",\"code\":200,\"data\":{}}", id);
    talk(topic, answer);
    assert_int_equal(outcome(pid), 1);
    assert_logged("is wrong: data: 6304 Temp is missing");

    command("option rrpc-wait-ms 100");
    pid = ask("call " PK " dev001 Toggle");
    listen_for(SYS "thing/service/Toggle", NULL);
    assert_int_equal(outcome(pid), 1);
    command("option rrpc-wait-ms 8000");
    close(talker.fd);
}

static void a_new_device_registers_and_then_logs_in(void **state)
{
    struct client c;
    char secret[65];
    int fd;
    (void)state;
    new_client(&c, "MOSQUITTO_SUB", cloud.tls_port);
    ADD(&c, "--cafile", cloud.ca_pem);
    snprintf(c.id, sizeof c.id,
             PK ".new001|authType=register,random=1A2B3C4D,signmethod=hmacsha256,securemode=2|");
    snprintf(c.user, sizeof c.user, "new001&" PK);
    sign("-sha256", "Ps16CharSecret01", "deviceNamenew001productKey" PK "random1A2B3C4D",
         c.password);
    ADD(&c, "-i", c.id, "-u", c.user, "-P", c.password, "-v", "-C", "1", "-W", "20", "-t", "x");
    pid_t pid = start_client(&c, &fd);
    read_client(fd);
    outcome(pid);
    const char *at = strstr(text, "/ext/register {\"productKey\":\"" PK
                                  "\",\"deviceName\":\"new001\",\"deviceSecret\":\"");
    if (at == NULL)
        fail_msg("%s", text);
    snprintf(secret, sizeof secret, "%.32s", strstr(at, "Secret\":\"") + strlen("Secret\":\""));
    assert_int_equal(strspn(secret, "0123456789abcdef"), 32);
    assert_null(strstr((assert_true(host_cloud_log(cloud.dir, text, sizeof text)), text), secret));
    new_device(&c, "MOSQUITTO_PUB", "new001", secret);
    assert_int_equal(RUN(&c, "-t", "/" PK "/new001/user/update", "-m", "hi", "-q", "1"), 0);
    assert_logged("registration of " PK " new001: register");
    assert_logged("login " PK " new001 accepted: hmacsha256, tls");
}

static void retained_messages_are_dropped_when_an_option_says_so(void **state)
{
    struct client c;
    (void)state;
    command("option retain off");
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS);
    assert_int_equal(RUN(&c, "-t", OWN "user/update", "-m", "hi", "-q", "1", "-r"), 0);
    assert_logged(OWN "user/update dropped: it has RETAIN, which is off by an option");
    assert_false(logged("user/update: 2 bytes"));
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS);
    assert_int_equal(publish(&c), 0);
    assert_logged("user/update: 2 bytes");
    command("option retain on");
}

static void no_secret_is_in_a_log(void **state)
{
    static const char *const secrets[] = {DS, DS_TWO, DS_OFF, DS_PSK, "Ps16CharSecret01"};
    struct client c;
    (void)state;
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS_TWO);
    publish(&c);
    new_device(&c, "MOSQUITTO_PUB", "dev001", DS);
    publish(&c);
    assert_true(logged("signature wrong"));
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < COUNT(secrets); k++)
            assert_null(strstr(text, secrets[k]));
        assert_null(strstr(text, c.password));
        host_broker_log(&cloud.broker, text, sizeof text);
    }
}

/* ---- the rest */

static void the_server_is_certified_for_the_hosts_of_all_regions(void **state)
{
    static const char *const hosts[] = {PK ".iot-as-mqtt.cn-shanghai.aliyuncs.com",
                                        "a1GateWay01.iot-as-mqtt.eu-central-1.aliyuncs.com",
                                        "localhost"};
    char pem[HOST_PATH_MAX + 16], past[24];
    const char *openssl = from_environment("OPENSSL", "openssl");
    (void)state;
    snprintf(pem, sizeof pem, "%s/server.pem", cloud.dir);
    for (size_t i = 0; i < COUNT(hosts); i++) {
        const char *argv[] = {openssl, "x509", "-in", pem, "-noout", "-checkhost", hosts[i], NULL};
        assert_int_equal(peer_run(argv), 0);
        assert_non_null(strstr(peer_output, "does match"));
    }
    snprintf(past, sizeof past, "%ld", (long)time(NULL) - 23 * 3600);
    const char *argv[] = {openssl, "verify", "-CAfile", cloud.ca_pem, "-attime", past, pem, NULL};
    if (peer_run(argv) != 0)
        fail_msg("%s", peer_output);
}

static void wrong_identities_are_named_by_file_and_line(void **state)
{
    struct host_cloud other;
    struct host_cloud_options o = {.devices_text = "product a1\ndevice a2 d secret=x\n"};
    (void)state;
    assert_false(host_cloud_start(&other, &o));
    assert_string_equal(other.why, "devices:2: no product a2 above this line");
    assert_int_not_equal(access(other.dir, F_OK), 0); /* nothing is left */
    o = (struct host_cloud_options){.openssl = "/nowhere/openssl"};
    assert_false(host_cloud_start(&other, &o));
    assert_non_null(strstr(other.why, "/nowhere/openssl"));
    host_cloud_stop(&other); /* does no harm */
}

static void the_program_serves_is_commanded_and_leaves_nothing(void **state)
{
    char program[HOST_PATH_MAX + 64], dir[HOST_PATH_MAX], key[HOST_PATH_MAX + 16];
    int status = 0, fd;
    uint64_t end = host_clock_ms() + WAIT_MS;
    (void)state;
    snprintf(program, sizeof program, "%s", peer_program("cloud"));
    assert_true(host_dir_make("cloud-test", dir));
    const char *argv[] = {program, "--dir", dir, NULL};
    const char *list[] = {program, "--dir", dir, "list", NULL};
    const char *wrong[] = {program, "--dir", dir, "kick", PK, "dev001", NULL};
    assert_int_equal(peer_run(list), 1);
    assert_non_null(strstr(peer_output, "no emulator runs in"));
    pid_t pid = host_spawn((char *const *)argv, NULL, &fd);
    assert_true(pid > 0);
    while (peer_run(list) != 0) {
        if (!host_alive(pid, &status) || host_clock_ms() > end) {
            read_client(fd);
            fail_msg("it does not serve: %s%s", peer_output, text);
        }
        host_pause_ms(20);
    }
    assert_non_null(strstr(peer_output, PK "  dev001           enabled  offline\n"));
    assert_int_equal(peer_run(wrong), 1);
    assert_string_equal(peer_output, "cloud: the device is offline\n");
    kill(pid, SIGINT);
    read_client(fd);
    assert_non_null(strstr(text, "TLS-PSK"));
    while (host_alive(pid, &status) && host_clock_ms() < end)
        host_pause_ms(5);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(peer_run(list), 1);
    snprintf(key, sizeof key, "%s/control", dir);
    assert_int_not_equal(access(key, F_OK), 0);
    host_dir_remove(dir);
}

static int setup(void **state)
{
    (void)state;
    if (host_cloud_start(&cloud, NULL))
        return 0;
    print_error("%s\n", cloud.why);
    return -1;
}

static int teardown(void **state)
{
    char dir[HOST_PATH_MAX];
    (void)state;
    snprintf(dir, sizeof dir, "%s", cloud.dir);
    host_cloud_stop(&cloud);
    return access(dir, F_OK) == 0 ? -1 : 0;
}

#define TEST(name) cmocka_unit_test_setup(name, forget_log)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signed_device_logs_in_over_tls_and_plain),
        TEST(the_vectors_of_the_protocol_log_in),
        TEST(one_wrong_character_in_the_secret_is_refused_and_explained),
        TEST(unknown_and_disabled_devices_are_refused_by_name),
        TEST(a_server_that_is_not_trusted_gets_no_login),
        TEST(tls_psk_takes_the_key_of_the_secret_and_no_other),
        TEST(a_client_certificate_is_an_identity_and_the_platform_tells_it),
        TEST(a_second_login_kicks_the_first),
        TEST(a_disabled_device_is_told_and_refused_until_it_is_enabled),
        TEST(a_disabled_device_that_stays_is_cut_off),
        TEST(flow_control_closes_without_an_answer),
        TEST(a_foreign_topic_gives_suback_0x80_and_its_publish_is_dropped),
        TEST(a_command_sends_a_message_to_the_device),
        TEST(a_topic_with_both_permissions_comes_back_and_nothing_is_retained),
        TEST(a_payload_over_256_kb_is_dropped),
        TEST(reports_are_answered_and_remembered),
        TEST(a_command_waits_for_the_answer_of_the_device),
        TEST(a_new_device_registers_and_then_logs_in),
        TEST(retained_messages_are_dropped_when_an_option_says_so),
        TEST(no_secret_is_in_a_log),
        TEST(the_server_is_certified_for_the_hosts_of_all_regions),
        TEST(wrong_identities_are_named_by_file_and_line),
        TEST(the_program_serves_is_commanded_and_leaves_nothing),
    };
    return cmocka_run_group_tests_name("cloud", tests, setup, teardown);
}

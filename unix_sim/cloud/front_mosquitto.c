/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file front_mosquitto.c
 * The emulated platform as a plugin of mosquitto 2.0 (plugin interface 5). `per_listener_settings true`; the
 * plugin is named below each listener, each time with
 *
 *     plugin_opt_transport  plain, tls, psk or x509 (which has `require_certificate true`)
 *
 * and below the plain one, which comes first, also with
 *
 *     plugin_opt_dir        a folder: reads devices.txt there and PK.tsl.json of each product that has a model, appends
 *                           to cloud.log, listens on the UNIX socket `control` for commands (one line each; see
 *                           cloud_command.h). The answer comes when there is one; then the connection is closed.
 *     plugin_opt_address    of this listener, and its plugin_opt_port
 *     plugin_opt_web        where files are got from (struct cloud_config), and plugin_opt_web_plain
 *     plugin_opt_mqtt_port  what devices are told by HTTPS
 *
 * One core serves all listeners. Their transport is the reason for per_listener_settings: nothing in the
 * interface says which listener a client came by. What mosquitto 2.0.11 does not let us do:
 *
 *  - CONNACK: a refused login gets 5, whatever the platform's code is; that one is in the log line. A version
 *    other than 3.1.1 is refused with 5 (or 1 by mosquitto itself). Closing without CONNACK is possible, and TLS
 *    then ends with close_notify.
 *  - PINGREQ is not shown to plugins, so silence is judged by mosquitto's own rule, 1.5 times the keep-alive,
 *    not keep-alive and 5 s.
 *  - TICK does not come with per_listener_settings. So a thread of ours is a client of the plain listener, known
 *    by a random user name, and publishes something every 50 ms, and at once when somebody calls at the control socket;
 *    the check of that PUBLISH is our tick. The thread has only sockets, it calls nothing of mosquitto or the core.
 *  - A will is not shown to plugins: the option `will off` refuses nothing here.
 *  - A PUBACK cannot be withheld: a dropped QoS 1 message is acknowledged, as the platform does, too.
 *  - Sessions belong to client ids, of which there is one name space: two devices that use the same text
 *    as client id throw each other out, here, and a session that was kept is found again under the same text only.
 *  - TLS is 1.2 or 1.3; the platform ends at 1.2.
 */
#include "cloud/cloud_model.h"
#include "cloud/cloud_store.h"
#include "cloud/front_clerks.h"
#include "cloud/front_ota.h"

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LISTENERS_MAX 8
#define BOOK_MAX      (256u * 1024u)
#define BEAT_MS       50
#define CALLED_MS     1 /* between beats while a caller waits to be let in */
#define TOKEN_LEN     32

/* The broker has libcrypto in its process; these few of its functions are all we need of it. */
const void *EVP_md5(void);
const void *EVP_sha1(void);
const void *EVP_sha256(void);
unsigned char *HMAC(const void *hash, const void *key, int key_len, const unsigned char *text,
                    size_t len, unsigned char *out, unsigned *out_len);
int EVP_Digest(const void *bytes, size_t len, unsigned char *out, unsigned *out_len,
               const void *hash, void *engine);
void *X509_get_subject_name(const void *certificate);
int X509_NAME_get_text_by_NID(void *name, int nid, char *text, int cap);
void X509_free(void *certificate);
#define NID_CN 13
#define NID_O  17

struct listener {
    mosquitto_plugin_id_t *id;
    enum cloud_transport transport;
};

/* One per process, as the plugin is: mosquitto loads it for each listener, and shares it. */
static struct {
    struct cloud cloud;
    struct listener listeners[LISTENERS_MAX];
    int count;
    FILE *log;
    char dir[4096];
    struct front_clerks clerks;
    struct mosquitto *beat; /* the connection of our thread */
    char token[TOKEN_LEN + 1];
    char web[256], web_plain[256];
    struct sockaddr_storage plain;
    socklen_t plain_len;
    pthread_t thread;
    bool threaded;
    volatile bool end;
    bool kicking;
} front = {.clerks = {.control = -1}};

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static cloud_link link_of(const struct mosquitto *client)
{
    return (cloud_link)(uintptr_t)client;
}

/* ---- What the core asks of us --------------------------------------------------------------- */

static void on_log(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(front.log, "cloud: %s\n", line);
    fflush(front.log);
}

static bool hmac(void *ctx, enum cloud_hash hash, const char *key, const char *text,
                 uint8_t out[CLOUD_DIGEST_MAX])
{
    const void *kinds[] = {EVP_md5(), EVP_sha1(), EVP_sha256()};
    unsigned n = 0;

    (void)ctx;
    return HMAC(kinds[hash], key, (int)strlen(key), (const unsigned char *)text, strlen(text), out,
                &n) != NULL &&
           n == cloud_hash_len(hash);
}

static bool digest(void *ctx, enum cloud_hash hash, const void *bytes, size_t len,
                   uint8_t out[CLOUD_DIGEST_MAX])
{
    const void *kinds[] = {EVP_md5(), EVP_sha1(), EVP_sha256()};
    unsigned n = 0;

    (void)ctx;
    return EVP_Digest(bytes, len, out, &n, kinds[hash], NULL) == 1 && n == cloud_hash_len(hash);
}

static void draw(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    while (len > 0) {
        ssize_t n = getrandom(out, len, 0);
        if (n < 0 && errno != EINTR)
            abort();
        out += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

/* All of a file in our folder. */
static void *load(void *ctx, const char *name, size_t *len)
{
    char path[sizeof front.dir + 128], *bytes = NULL;
    struct stat info;

    (void)ctx;
    snprintf(path, sizeof path, "%s/%s", front.dir, name);
    FILE *f = fopen(path, "re");
    if (f != NULL && fstat(fileno(f), &info) == 0 &&
        (intmax_t)info.st_size <= CLOUD_STORE_BYTES_MAX)
        bytes = malloc((size_t)info.st_size + 1);
    if (bytes != NULL) {
        *len = (size_t)info.st_size;
        if (fread(bytes, 1, *len, f) != *len) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (f != NULL)
        fclose(f);
    return bytes;
}

/* Outside of the core: a kick calls on_disconnect before it returns. */
static void take_outputs(void)
{
    const struct cloud_output *o;

    while ((o = cloud_next(&front.cloud)) != NULL) {
        const char *id = mosquitto_client_id((const struct mosquitto *)(uintptr_t)o->link);
        if (o->kind == CLOUD_OUT_KICK) {
            front.kicking = true;
            mosquitto_kick_client_by_clientid(id, false);
            front.kicking = false;
        } else
            mosquitto_broker_publish_copy(o->kind == CLOUD_OUT_DIRECT ? id : NULL, o->topic,
                                          (int)o->payload_len, o->payload, o->qos, false, NULL);
    }
}

/* ---- The beat ------------------------------------------------------------------------------ */

static void pause_ms(long ms)
{
    struct timespec t = {0, ms * 1000000};

    nanosleep(&t, NULL);
}

static bool send_all(int fd, const uint8_t *bytes, size_t len)
{
    return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* CONNECT, clean session, with the token as user name; nothing but CONNACK ever comes back. */
static int connect_beat(void)
{
    static const uint8_t head[] = {0x10,     12 + 5 + 2 + TOKEN_LEN,
                                   0,        4,
                                   'M',      'Q',
                                   'T',      'T',
                                   4,        0x82,
                                   0,        0,
                                   0,        5,
                                   'c',      'l',
                                   'o',      'c',
                                   'k',      0,
                                   TOKEN_LEN};
    uint8_t packet[sizeof head + TOKEN_LEN];
    int fd = socket(front.plain.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(packet, head, sizeof head);
    memcpy(packet + sizeof head, front.token, TOKEN_LEN);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&front.plain, front.plain_len) == 0 &&
        send_all(fd, packet, sizeof packet))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void *beat(void *unused)
{
    static const uint8_t publish[] = {0x30, 6, 0, 4, 'b', 'e', 'a', 't'};
    int fd = -1;

    (void)unused;
    while (!front.end) {
        if (fd < 0)
            fd = connect_beat();
        if (fd >= 0 && !send_all(fd, publish, sizeof publish)) {
            close(fd);
            fd = -1;
        }
        struct pollfd called = {.fd = front.clerks.control, .events = POLLIN};
        if (fd < 0 || poll(&called, 1, BEAT_MS) != 0)
            pause_ms(CALLED_MS);
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static bool start_beat(void)
{
    uint8_t random[TOKEN_LEN / 2];
    sigset_t all, before;

    if (getrandom(random, sizeof random, 0) != sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(front.token + 2 * i, 3, "%02x", random[i]);
    sigfillset(&all); /* signals are the broker's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    front.threaded = pthread_create(&front.thread, NULL, beat, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return front.threaded;
}

static void on_beat(void)
{
    cloud_tick(&front.cloud, now());
    front_clerks_serve(&front.clerks, &front.cloud, now());
    take_outputs();
}

/* ---- Events of the broker -------------------------------------------------------------------- */

/* O and CN of the subject, as far as they fit; false: one is missing or empty. */
static bool read_certificate(const struct mosquitto *client, char key[CLOUD_KEY_MAX + 2],
                             char name[CLOUD_NAME_MAX + 2])
{
    void *certificate = mosquitto_client_certificate(client);

    if (certificate == NULL)
        return false;
    void *subject = X509_get_subject_name(certificate);
    bool ok = X509_NAME_get_text_by_NID(subject, NID_O, key, CLOUD_KEY_MAX + 2) > 0 &&
              X509_NAME_get_text_by_NID(subject, NID_CN, name, CLOUD_NAME_MAX + 2) > 0;
    X509_free(certificate);
    return ok;
}

static int on_basic_auth(int event, void *data, void *userdata)
{
    const struct mosquitto_evt_basic_auth *e = data;
    const struct listener *listener = userdata;
    char key[CLOUD_KEY_MAX + 2], name[CLOUD_NAME_MAX + 2];
    struct cloud_verdict verdict;

    (void)event;
    if (listener->transport == CLOUD_PLAIN && e->username != NULL &&
        strcmp(e->username, front.token) == 0) {
        front.beat = e->client;
        return MOSQ_ERR_SUCCESS;
    }
    struct cloud_login login = {
        .link = link_of(e->client),
        .transport = listener->transport,
        .protocol_level = (unsigned)mosquitto_client_protocol_version(e->client),
        .keepalive_s = (uint32_t)mosquitto_client_keepalive(e->client),
        .client_id = mosquitto_client_id(e->client),
        .user_name = e->username,
        .password = e->password,
    };
    if (login.client_id == NULL)
        login.client_id = "";
    if (listener->transport == CLOUD_TLS_X509 && read_certificate(e->client, key, name)) {
        login.cert_key = key;
        login.cert_name = name;
    }
    cloud_login(&front.cloud, &login, now(), &verdict);
    take_outputs();
    switch (verdict.answer) {
    case CLOUD_ACCEPT:
        return MOSQ_ERR_SUCCESS;
    case CLOUD_REFUSE:
        return MOSQ_ERR_AUTH;
    case CLOUD_CLOSE:
        break;
    }
    return MOSQ_ERR_UNKNOWN; /* closes without CONNACK */
}

static int on_psk_key(int event, void *data, void *userdata)
{
    const struct mosquitto_evt_psk_key *e = data;
    char key[65];

    (void)event;
    (void)userdata;
    if (e->max_key_len < 129 || !cloud_psk_key(&front.cloud, link_of(e->client), e->identity, key))
        return MOSQ_ERR_AUTH;
    /* The key's bytes are the text; the broker wants bytes in hexadecimal. */
    for (size_t i = 0; i < 64; i++)
        snprintf(e->key + 2 * i, 3, "%02x", (unsigned)key[i]);
    return MOSQ_ERR_SUCCESS;
}

static int on_acl_check(int event, void *data, void *userdata)
{
    const struct mosquitto_evt_acl_check *e = data;
    cloud_link link = link_of(e->client);
    bool allowed = true;

    (void)event;
    (void)userdata;
    if (e->client == front.beat) {
        if (e->access == MOSQ_ACL_WRITE)
            on_beat();
        return MOSQ_ERR_ACL_DENIED;
    }
    switch (e->access) {
    case MOSQ_ACL_SUBSCRIBE:
        /* Of a session that outlives the kick mosquitto asks again for each subscription, and takes away what is not
         * allowed to a connection that the core has forgotten by then. */
        allowed = front.kicking || cloud_subscribe(&front.cloud, link, e->topic,
                                                   (uint32_t)mosquitto_client_sub_count(e->client));
        break;
    case MOSQ_ACL_WRITE:
        allowed = (!e->retain || cloud_may_retain(&front.cloud, link, e->topic)) &&
                  cloud_may_publish(&front.cloud, link, e->topic, e->payloadlen, now());
        break;
    case MOSQ_ACL_READ:
        allowed = cloud_may_deliver(&front.cloud, link, e->topic, now());
        break;
    default:
        break;
    }
    return allowed ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}

static int on_message(int event, void *data, void *userdata)
{
    struct mosquitto_evt_message *e = data;

    (void)event;
    (void)userdata;
    e->retain = false; /* the platform keeps none */
    enum cloud_route route =
        cloud_publish(&front.cloud, link_of(e->client), e->topic, e->payload, e->payloadlen, now());
    take_outputs();
    return route == CLOUD_PASS ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}

/* Its own will comes after this: a device that is gone may not publish, so wills are ignored. */
static int on_disconnect(int event, void *data, void *userdata)
{
    const struct mosquitto_evt_disconnect *e = data;

    (void)event;
    (void)userdata;
    if (e->client == front.beat)
        front.beat = NULL;
    else
        cloud_gone(&front.cloud, link_of(e->client));
    return MOSQ_ERR_SUCCESS;
}

/* ---- Start and end ------------------------------------------------------------------------- */

static const char *option(const struct mosquitto_opt *options, int count, const char *key)
{
    for (int i = 0; i < count; i++)
        if (strcmp(options[i].key, key) == 0)
            return options[i].value;
    return "";
}

static bool read_book(void)
{
    static char text[BOOK_MAX];
    char path[sizeof front.dir + 16], why[256];

    snprintf(path, sizeof path, "%s/devices.txt", front.dir);
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "Error: cannot read %s", path);
        return false;
    }
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    if (n < sizeof text - 1 &&
        cloud_book_read(&front.cloud.book, "devices.txt", text, why, sizeof why))
        return true;
    mosquitto_log_printf(MOSQ_LOG_ERR, "Error: %s", n < sizeof text - 1 ? why : "too long");
    return false;
}

/* PK.tsl.json, for each product with a model. */
static bool read_models(void)
{
    static char text[CLOUD_MODEL_BYTES_MAX + 1];
    char path[sizeof front.dir + 64], why[256];

    for (int i = 0; i < front.cloud.book.product_count; i++) {
        const struct cloud_product *p = &front.cloud.book.products[i];
        if (p->model[0] == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s.tsl.json", front.dir, p->key);
        FILE *f = fopen(path, "re");
        size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
        if (f != NULL)
            fclose(f);
        text[n] = 0;
        if (!cloud_set_model(&front.cloud, i, text, why, sizeof why)) {
            mosquitto_log_printf(MOSQ_LOG_ERR, "Error: %s: %s", path, why);
            return false;
        }
    }
    return true;
}

static bool read_address(const char *address, const char *port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&front.plain;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&front.plain;
    uint16_t number = htons((uint16_t)atoi(port));

    if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = number;
        front.plain_len = sizeof *v6;
        return true;
    }
    v4->sin_family = AF_INET;
    v4->sin_port = number;
    front.plain_len = sizeof *v4;
    return inet_pton(AF_INET, address, &v4->sin_addr) == 1;
}

/* With the first listener. */
static bool start(const struct mosquitto_opt *options, int count)
{
    struct cloud_config config = {
        .hmac = hmac, .log = on_log, .digest = digest, .random = draw, .load = load};
    struct timespec wall;
    char path[sizeof front.dir + 16];

    snprintf(front.dir, sizeof front.dir, "%s", option(options, count, "dir"));
    snprintf(path, sizeof path, "%s/cloud.log", front.dir);
    front.log = fopen(path, "ae");
    if (front.log == NULL || !read_book() || !front_clerks_open(&front.clerks, front.dir) ||
        !read_address(option(options, count, "address"), option(options, count, "port"))) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "Error: the cloud cannot start in '%s': %s", front.dir,
                             strerror(errno));
        return false;
    }
    snprintf(front.web, sizeof front.web, "%s", option(options, count, "web"));
    snprintf(front.web_plain, sizeof front.web_plain, "%s", option(options, count, "web_plain"));
    config.web_base = front.web[0] != 0 ? front.web : NULL;
    config.plain_base = front.web_plain[0] != 0 ? front.web_plain : NULL;
    config.mqtt_port = (uint16_t)atoi(option(options, count, "mqtt_port"));
    clock_gettime(CLOCK_REALTIME, &wall);
    config.wall_ms = (uint64_t)wall.tv_sec * 1000u + (uint64_t)wall.tv_nsec / 1000000u - now();
    cloud_init(&front.cloud, &config);
    front_ota_begin(&front.cloud, front.dir);
    return read_models() && start_beat();
}

int mosquitto_plugin_version(int supported_count, const int *supported)
{
    for (int i = 0; i < supported_count; i++)
        if (supported[i] == 5)
            return 5;
    return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *id, void **userdata, struct mosquitto_opt *options,
                          int count)
{
    static const char *const names[] = {"plain", "tls", "psk", "x509"};
    static const struct {
        int event;
        MOSQ_FUNC_generic_callback on;
    } events[] = {
        {MOSQ_EVT_BASIC_AUTH, on_basic_auth}, {MOSQ_EVT_PSK_KEY, on_psk_key},
        {MOSQ_EVT_ACL_CHECK, on_acl_check},   {MOSQ_EVT_MESSAGE, on_message},
        {MOSQ_EVT_DISCONNECT, on_disconnect},
    };
    const char *transport = option(options, count, "transport");
    int kind = 0;

    while (kind < 4 && strcmp(transport, names[kind]) != 0)
        kind++;
    if (kind == 4 || front.count == LISTENERS_MAX || (front.count == 0 && !start(options, count)))
        return MOSQ_ERR_INVAL;
    struct listener *l = &front.listeners[front.count++];
    l->id = id;
    l->transport = (enum cloud_transport)kind;
    *userdata = l;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        int rc = mosquitto_callback_register(id, events[i].event, events[i].on, NULL, l);
        if (rc != MOSQ_ERR_SUCCESS)
            return rc;
    }
    return MOSQ_ERR_SUCCESS;
}

/* Once for each listener; the first ends all. The process ends after this. */
int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int count)
{
    (void)userdata;
    (void)options;
    (void)count;
    front.end = true;
    if (front.threaded)
        pthread_join(front.thread, NULL);
    front.threaded = false;
    front_clerks_close(&front.clerks);
    cloud_end(&front.cloud);
    return MOSQ_ERR_SUCCESS;
}
